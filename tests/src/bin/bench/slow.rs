//! What receivers cost that do not answer, or want to be asked later.

mod others;
mod waiting;

use crate::{error::BenchError, report::Section, stage::Stage};

const METHOD: &str = "Ten endpoints, each used by 10 of 100 contexts; the same load in pairs, in which the first endpoint answers at \
    once or not at all (attempts end after 2 s), and in which only the requests of the other nine count. Reaction: events \
    by object come evenly, 60 in a second, measured from the API server's acknowledgement to the request's arrival. \
    Throughput: events of the nine as fast as they arrive. Waiting: after 1,000 events that were sent, the only endpoint of \
    100 contexts answers 503 and wants to be asked again in an hour.";

/// Measures both.
pub(crate) async fn measure(stage: &Stage) -> Result<Section, BenchError> {
    let mut section = Section::new("slow", "Slow receivers: what they cost the others, and memory", METHOD);
    others::measure(stage, &mut section).await?;
    waiting::measure(stage, &mut section).await?;
    Ok(section)
}

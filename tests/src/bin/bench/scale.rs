//! What many contexts and many events cost: to start, to keep, to change what all of them use, and to clean up.

mod contexts;
mod history;

use crate::{error::BenchError, report::Section, stage::Stage};

const METHOD: &str = "100, then 1,000, then 10,000 contexts of 10 kB in one namespace, all with one base. The serialised size is \
    that of all contexts as JSON without managedFields. For each number, the operator is started anew over contexts that have \
    their status already; when it neither writes nor computes any more, its memory (VmRSS, VmHWM) and the processor time of a \
    quiet window are read; then one value of the base is changed, and events are fired until one of them brings the new value. \
    History: events of 100 contexts, of which all but 5 a context go when the contexts' limits are lowered; the operator runs \
    with --event-minimum-age 0s, so that they may go at once.";

/// Measures all of it.
pub(crate) async fn measure(stage: &Stage) -> Result<Section, BenchError> {
    let mut section = Section::new("scale", "Scale: what many contexts and events cost", METHOD);
    contexts::measure(stage, &mut section).await?;
    history::measure(stage, &mut section).await?;
    Ok(section)
}

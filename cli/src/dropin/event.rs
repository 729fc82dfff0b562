//! Drives the handlers of one event: sends what they want to send, and saves what each block wrote as soon as it has ended.

use cicdcontext_compat::{
    document::Document,
    handler::{Answered, Outcome, Run, Step},
    notice::Notice,
};

use super::{
    failure::Failure,
    session::Session,
    store::edit::{apply, edits},
};

/// What happened, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub pipeline: String,
    pub name: String,
}

impl Event {
    /// Reads `PIPELINE=EVENT`.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        if let [pipeline, name] = *text.split('=').collect::<Vec<_>>() {
            return Ok(Self { pipeline: pipeline.to_owned(), name: name.to_owned() });
        }
        let expected = "write PIPELINE=EVENT, with one '='";
        Err(Failure::Argument { what: "--handle-event", found: text.to_owned(), expected })
    }

    /// Whether both have a name.
    pub(super) fn is_named(&self) -> bool {
        !self.pipeline.is_empty() && !self.name.is_empty()
    }
}

/// Runs the blocks, and gives the document as it is then. One that fails leaves the others alone.
pub(super) async fn handle(
    session: &mut Session<'_>,
    id: &str,
    mut document: Document,
    mut run: Run,
    event: &Event,
) -> (Document, Result<(), Failure>) {
    let mut problems = Vec::new();
    let mut was_undelivered = false;
    let mut is_writable = false;
    let mut saved = document.clone();
    loop {
        match run.next(&mut document, &session.core, &session.secrets, &session.settings) {
            Step::Send(request) => {
                if !std::mem::replace(&mut is_writable, true) {
                    // What is sent shall not be lost for a full disk.
                    if let Err(failure) = session.store.check_writable(id).await {
                        return (saved, Err(failure));
                    }
                }
                let (answered, notices) = session.courier.send(&request).await;
                session.notices(&notices);
                was_undelivered = matches!(answered, Answered::Failed(_));
                run.answered(&mut document, &session.core, answered);
            }
            Step::Ended(ended) => {
                session.notices(&ended.notices);
                let edits = edits(&saved, &document);
                if !edits.is_empty() {
                    match session.store.change(id, |now| Ok(apply(id, now, &edits)?)).await {
                        Ok((now, ())) => document = now,
                        Err(failure) => return (saved, Err(failure)),
                    }
                    saved = document.clone();
                }
                let was_undelivered = std::mem::take(&mut was_undelivered);
                let Outcome::Failed(problem) = ended.result else { continue };
                let problem = format!("{}: {problem}", ended.place);
                if was_undelivered && session.only_warns {
                    session.warn(&problem);
                } else {
                    if was_undelivered {
                        let text = "not delivered, which fails the command; before, an answer other than 2xx did not: set \
                                    CICDSTATEMGR_ON_DELIVERY_FAILURE=warn for that";
                        session.notice(&Notice {
                            place: ended.place,
                            text: text.to_owned(),
                            anchor: "delivery-failed",
                        });
                    }
                    problems.push(problem);
                }
            }
            Step::Done => break,
        }
    }
    let Event { pipeline, name } = event;
    let result = if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Handlers { event: format!("{pipeline}={name}"), problems: problems.join("; ") })
    };
    (document, result)
}

//! What is played in each cell of the crash matrix: what is there before the operator starts, what pipelines do, and when
//! all of it is finished. Nothing here knows that operators are killed: a scenario only ever waits for what it wants.

use std::time::Duration;

use cicdcontext_operator::crash::Point;
use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_outcome, is, name, notify, on_success, with},
    scene::Scene,
};

/// What endpoints promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guarantee {
    AtLeastOnce,
    AtMostOnce,
}

impl Guarantee {
    /// Those that the operator keeps.
    pub(super) const ALL: &[Self] = &[Self::AtLeastOnce, Self::AtMostOnce];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "AtLeastOnce",
            Self::AtMostOnce => "AtMostOnce",
        }
    }

    /// What the endpoints of a scene say.
    fn endpoint(self) -> Value {
        match self {
            Self::AtLeastOnce => json!({}),
            // Nobody says that a lost answer is unknown before this is over.
            Self::AtMostOnce => json!({"deliveryGuarantee": "AtMostOnce", "timeoutSeconds": 2}),
        }
    }
}

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scenario {
    /// An event annotation.
    Annotation,
    /// A CicdEvent whose creator does not say whose it is, for a context that is suspended at first.
    Object,
    /// Three state writes of one context, a fourth one that is refused, and an event behind them.
    StateWrites,
    /// Two events that history deletes.
    History,
    /// A context that comes out of a backup, with an event annotation of its former life.
    Restored,
    /// A context whose time is over.
    Idle,
    /// An event one of whose deliveries fails at first, and is tried again.
    Retried,
    /// An event one of whose deliveries fails for good, until somebody asks for another attempt.
    Redelivered,
}

/// A minute is the least time after which a context goes.
const IDLE_WITHIN: Duration = Duration::from_secs(100);

/// The event of each scenario.
pub(super) const EVENT: &str = "r1";

const PLATFORM: &str = "platform";
/// What answers tell; `state.ts` is captured from it.
pub(super) const TS: &str = "17.4";

/// A Secret that is there too late.
const TOKEN: &str = "chat-token";

/// Points of deliveries; the others are the same in the scenarios without a retry.
const OF_DELIVERIES: &[Point] = &[
    Point::StateChanged,
    Point::BeforeSend,
    Point::AttemptEnded,
    Point::AttemptClaimed,
    Point::EventRetrying,
    Point::RedeliveryRemoved,
    Point::EventFinished,
];

fn told() -> Answer {
    Answer::json(200, &json!({"ts": TS}))
}

fn busy() -> Answer {
    Answer::json(503, &json!({"busy": true}))
}

impl Scenario {
    pub(super) const ALL: &[Self] = &[
        Self::Annotation,
        Self::Object,
        Self::StateWrites,
        Self::Retried,
        Self::Redelivered,
        Self::History,
        Self::Restored,
        Self::Idle,
    ];

    /// Points at which it is killed as often as they come up; `None` if that is not to be found out before.
    pub(super) fn rehearsed(self) -> Option<&'static [Point]> {
        match self {
            Self::Annotation | Self::Object | Self::StateWrites => Some(Point::ALL),
            Self::History => Some(&[Point::EventsRemembered, Point::EventDeleted]),
            Self::Restored => Some(&[Point::AnnotationsDiscarded]),
            Self::Retried | Self::Redelivered => Some(OF_DELIVERIES),
            Self::Idle => None,
        }
    }

    /// Points that come up only if it takes long.
    pub(super) fn slow_points(self) -> &'static [Point] {
        match self {
            Self::Annotation | Self::Object | Self::StateWrites => &[Point::EventRunning],
            Self::History | Self::Restored | Self::Retried | Self::Redelivered => &[],
            Self::Idle => &[Point::ContextDeleted],
        }
    }

    /// What the operator is started with.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Annotation
            | Self::Object
            | Self::StateWrites
            | Self::Restored
            | Self::Retried
            | Self::Redelivered => &[],
            Self::History => &["--event-minimum-age=1s"],
            Self::Idle => &["--event-minimum-age=1s", "--orphaned-event-age=2s"],
        }
    }

    /// Makes what is there before the operator starts.
    pub(super) async fn prepare(self, scene: &Scene, guarantee: Guarantee, slow: bool) {
        let delay = Duration::from_millis(if slow { 1300 } else { 0 });
        scene.receiver.answer("/chat", told().after(delay));
        scene.endpoint("chat", "/chat", &with(guarantee.endpoint(), &self.of_chat(scene, guarantee))).await;
        scene.endpoint("mail", "/mail", &guarantee.endpoint()).await;
        // `uuid` is the same when it is rendered again.
        let message = "{{event.id}} {{uuid}}";
        let mut first = notify("first", "chat", message);
        first["notify"]["capture"] = json!([
            {"path": "state.ts", "fromPath": "$.body.ts"},
            {"path": "state.log", "op": "Append", "value": "told"},
        ]);
        let note = json!({"name": "note", "setValues": [{"path": "state.log", "op": "Append", "value": "built"}]});
        scene.create(Kind::Base, PLATFORM, &on_success(&json!([note, first, notify("second", "mail", message)]))).await;
        let context = json!({"bases": [{"kind": "CicdBase", "name": PLATFORM}], "state": {"log": ["start"]}});
        let mut object = Kind::Context.object("shop", &with(context, &self.of_context()));
        if self == Self::Restored {
            object["metadata"]["annotations"] = json!({
                "cicdcontext.io/applied": r#"{"uid":"of-its-former-life","epoch":0,"done":[],"names":[],"ids":[]}"#,
                format!("event.cicdcontext.io/{EVENT}"): "build=success",
            });
        }
        scene.create_object(Kind::Context, object).await;
        if self == Self::StateWrites {
            for (write, spec) in writes() {
                scene.create(Kind::StateWrite, write, &spec).await;
            }
        }
    }

    fn of_context(self) -> Value {
        match self {
            Self::Annotation | Self::StateWrites | Self::Restored | Self::Retried | Self::Redelivered => json!({}),
            Self::Object => json!({"suspend": true}),
            Self::History => json!({"eventHistoryLimit": 0, "failedEventHistoryLimit": 0}),
            Self::Idle => json!({"ttlSecondsAfterLastActivity": 60}),
        }
    }

    /// What the endpoint `chat` says in this scenario, and how it fails there.
    fn of_chat(self, scene: &Scene, guarantee: Guarantee) -> Value {
        let retry = json!({"retry": {"maxAttempts": 8, "initialDelaySeconds": 1}});
        match (self, guarantee) {
            (Self::Retried, Guarantee::AtLeastOnce) => {
                let mut refused = false;
                scene.receiver.program("/chat", move |request| {
                    let is_first = request.text.contains(EVENT) && !std::mem::replace(&mut refused, true);
                    if is_first { busy() } else { told() }
                });
                retry
            }
            // An answer is final: only what fails before the first byte is tried again.
            (Self::Retried, Guarantee::AtMostOnce) => {
                with(retry, &json!({"auth": {"bearer": {"secretKeyRef": {"name": TOKEN, "key": "token"}}}}))
            }
            (Self::Redelivered, _) => {
                scene.receiver.answer("/chat", busy());
                json!({})
            }
            _ => json!({}),
        }
    }

    /// Does what pipelines do and waits until all of it is finished.
    pub(super) async fn play(self, scene: &Scene, guarantee: Guarantee) {
        match self {
            Self::Annotation => {
                scene.annotate("shop", EVENT, "build=success").await;
                scene.finished_annotation("shop", EVENT).await;
            }
            Self::Object => {
                scene.create(Kind::Event, EVENT, &event("shop", "build=success")).await;
                scene.wait_condition(Kind::Event, EVENT, "Finished", "False").await;
                scene.patch(Kind::Context, "shop", &json!({"spec": {"suspend": false}})).await;
                scene.finished(EVENT).await;
            }
            Self::StateWrites => {
                scene.create(Kind::Event, EVENT, &event("shop", "build=success")).await;
                for (write, _) in writes() {
                    let settled = |object: &Value| object.is_null() || is(object, "Applied", "False");
                    scene.wait(Kind::StateWrite, write, "is gone or refused", settled).await;
                }
                scene.finished(EVENT).await;
            }
            Self::History => {
                scene.annotate("shop", EVENT, "build=success").await;
                scene.create(Kind::Event, "r2", &event("shop", "build=success")).await;
                scene.arrived("/mail", 2).await;
                none_left(scene, Kind::Event).await;
            }
            Self::Restored => {
                let annotation = format!("event.cicdcontext.io/{EVENT}");
                let without = |object: &Value| object["metadata"]["annotations"].get(&annotation).is_none();
                scene.wait(Kind::Context, "shop", "has no annotation of its former life", without).await;
            }
            Self::Retried => {
                scene.create(Kind::Event, EVENT, &event("shop", "build=success")).await;
                if guarantee == Guarantee::AtMostOnce {
                    let tried = |event: &Value| event["status"]["phase"] == "Retrying" || is(event, "Finished", "True");
                    scene.wait(Kind::Event, EVENT, "was tried", tried).await;
                    scene.secret(TOKEN, &json!({"token": "abcdef"})).await;
                }
                scene.finished(EVENT).await;
            }
            Self::Redelivered => {
                scene.create(Kind::Event, EVENT, &event("shop", "build=success")).await;
                scene.finished(EVENT).await;
                scene.receiver.answer("/chat", told());
                let annotation = "redeliver.cicdcontext.io/again";
                scene.patch(Kind::Event, EVENT, &json!({"metadata": {"annotations": {annotation: "first"}}})).await;
                let taken_in = |event: &Value| event["metadata"]["annotations"].get(annotation).is_none();
                scene.wait(Kind::Event, EVENT, "has no annotation that asks for a redelivery", taken_in).await;
                scene.finished(EVENT).await;
            }
            Self::Idle => {
                scene.create(Kind::Event, EVENT, &event("shop", "build=success")).await;
                scene.finished(EVENT).await;
                let gone = async || {
                    let context = scene.get(Kind::Context, "shop").await;
                    context.map_or(Ok(()), |context| Err(format!("{context:#}")))
                };
                scene.until_within(IDLE_WITHIN, "the context is gone", gone).await;
                none_left(scene, Kind::Event).await;
                return;
            }
        }
        scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
        scene.wait_condition(Kind::Base, PLATFORM, "Ready", "True").await;
        for endpoint in ["chat", "mail"] {
            scene.wait_condition(Kind::Endpoint, endpoint, "Ready", "True").await;
        }
    }

    /// What came of it is looked at; then this shows that the next one goes on: copies of what history deleted do not run
    /// again, and another event does.
    pub(super) async fn go_on(self, scene: &Scene) {
        if self == Self::History {
            scene.patch(Kind::Context, "shop", &json!({"spec": {"eventHistoryLimit": 20}})).await;
            let copied = scene.run("r2", &event("shop", "build=success")).await;
            let message = "an event of this name ran before; give each event a name of its own";
            expect_outcome(&copied, "Skipped", "False", "AlreadyRun", message);
        }
        if self != Self::Idle {
            let next = scene.run("next", &event("shop", "build=success")).await;
            expect_outcome(&next, "Succeeded", "True", "Succeeded", "3 of 3 handlers ran");
        }
    }

    /// Events of which there were requests, by their ids.
    pub(super) fn events(self) -> &'static [&'static str] {
        match self {
            Self::Annotation | Self::Object | Self::StateWrites | Self::Idle | Self::Retried | Self::Redelivered => {
                &[EVENT]
            }
            Self::History => &[EVENT, "r2"],
            Self::Restored => &[],
        }
    }

    /// The state when all is finished; `None` if there is no context any more.
    pub(super) fn state(self) -> Option<Value> {
        match self {
            Self::Annotation | Self::Object | Self::Retried | Self::Redelivered => {
                Some(json!({"log": ["start", "built", "told"], "ts": TS}))
            }
            Self::StateWrites => Some(json!({
                "log": ["start", "written", "built", "told"], "ts": TS, "app": "store", "tags": ["a"],
            })),
            Self::History => Some(json!({"log": ["start", "built", "told", "built", "told"], "ts": TS})),
            Self::Restored => Some(json!({"log": ["start"]})),
            Self::Idle => None,
        }
    }

    /// State writes that stay, since they were refused.
    pub(super) fn refused(self) -> &'static [&'static str] {
        if self == Self::StateWrites { &["w4"] } else { &[] }
    }
}

fn writes() -> [(&'static str, Value); 4] {
    let write = |changes: Value| json!({"contextRef": {"name": "shop"}, "changes": changes});
    let mut refused = write(json!([{"path": "state.app", "value": "never"}]));
    refused["preconditions"] = json!([{"path": "state.app", "equals": "nothing of the kind"}]);
    [
        ("w1", write(json!([{"path": "state.log", "op": "Append", "value": "written"}]))),
        ("w2", write(json!([{"path": "state.app", "value": "store"}]))),
        ("w3", write(json!([{"path": "state.tags", "op": "Append", "value": "a"}]))),
        ("w4", refused),
    ]
}

async fn none_left(scene: &Scene, kind: Kind) {
    let look = async || {
        let left = scene.list(kind).await;
        let names: Vec<&str> = left.iter().map(name).collect();
        if names.is_empty() { Ok(()) } else { Err(format!("{names:?}")) }
    };
    scene.until(&format!("no {kind:?} is left"), look).await;
}

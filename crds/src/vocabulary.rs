//! Every name that objects, users and the operator share: annotation keys, field managers, condition types, reasons.
//!
//! Condition types and reasons follow the
//! [API conventions](https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties):
//! CamelCase, a closed set, and never changed once released.

/// API group of all kinds.
pub const GROUP: &str = "cicdcontext.io";
/// API version of all kinds.
pub const VERSION: &str = "v1alpha1";
/// Category of the namespaced kinds: `kubectl get cicd`.
pub const CATEGORY: &str = "cicd";

/// Annotation keys.
pub mod annotation {
    /// Prefix of an event annotation on a CicdContext: `event.cicdcontext.io/<id>: build=success`.
    pub const EVENT_PREFIX: &str = "event.cicdcontext.io/";
    /// Prefix of a generator annotation on a CicdContext: `generate.cicdcontext.io/<id>: build.dockerfile`.
    pub const GENERATE_PREFIX: &str = "generate.cicdcontext.io/";
    /// Prefix of a redelivery request on a CicdEvent: `redeliver.cicdcontext.io/<id>: <handler or *>`.
    pub const REDELIVER_PREFIX: &str = "redeliver.cicdcontext.io/";
    /// The ledger of effects that are already in `spec.state`; written by the operator together with them.
    pub const APPLIED: &str = "cicdcontext.io/applied";
    /// Place of a CicdEvent in its context's order; wins over its resourceVersion, but not over `status.order`.
    pub const ORDER: &str = "cicdcontext.io/order";
    /// UID of the CicdEvent that carries it: on a restored copy it is another's.
    pub const EVENT_UID: &str = "cicdcontext.io/event-uid";
    /// The pipeline run that a context belongs to, set by whoever creates it.
    pub const RUN_UID: &str = "cicdcontext.io/run-uid";
    /// The id of the annotation that a CicdEvent was made from.
    pub const SOURCE_ID: &str = "cicdcontext.io/source-id";
    /// The context data ID, any text, of a context that belongs to the command `cicdstatemgr`.
    pub const DATA_ID: &str = "cicdcontext.io/data-id";
    /// The order of the keys of such a context, which its command restores: the API server sorts them.
    pub const DATA_ORDER: &str = "cicdcontext.io/data-order";
}

/// Field managers (`metadata.managedFields[].manager`).
pub mod manager {
    /// The operator, for everything that it writes.
    pub const OPERATOR: &str = "cicd-operator";
    /// The command line tool.
    pub const CLI: &str = "cicdctl";
}

/// Condition types.
pub mod condition {
    /// Configuration is resolved (contexts), valid (bases) or usable (endpoints).
    pub const READY: &str = "Ready";
    /// `spec.state` satisfies `spec.stateSchema` and the limits.
    pub const STATE_VALID: &str = "StateValid";
    /// Nothing will happen until somebody changes the object or what it refers to.
    pub const STALLED: &str = "Stalled";
    /// The event needs no more work, whatever its outcome.
    pub const FINISHED: &str = "Finished";
    /// The event's outcome.
    pub const SUCCEEDED: &str = "Succeeded";
    /// A state write was taken into the context's state (only ever seen as `False`: gone means applied).
    pub const APPLIED: &str = "Applied";
}

/// Reasons of conditions, of handlers in an event's status and of Kubernetes Events.
pub mod reason {
    /// All is well.
    pub const SUCCEEDED: &str = "Succeeded";
    /// Configuration is resolved.
    pub const RESOLVED: &str = "Resolved";
    /// A base is valid, an endpoint is usable.
    pub const VALID: &str = "Valid";
    /// The object cannot be read as its kind (stored before a schema change, for instance).
    pub const MALFORMED: &str = "Malformed";
    /// Nested deeper than can be read.
    pub const TOO_DEEP: &str = "TooDeep";
    /// Larger than its limit.
    pub const TOO_LARGE: &str = "TooLarge";
    /// State breaks `spec.stateSchema`.
    pub const SCHEMA_VIOLATED: &str = "SchemaViolated";
    /// `spec.stateSchema` cannot be used; state is not checked.
    pub const SCHEMA_INVALID: &str = "SchemaInvalid";
    /// Checking the state against `spec.stateSchema` would be too much work; it is not checked.
    pub const SCHEMA_TOO_COSTLY: &str = "SchemaTooCostly";
    /// State is large enough to slow its readers.
    pub const LARGE: &str = "Large";

    /// A named base does not exist.
    pub const BASE_NOT_FOUND: &str = "BaseNotFound";
    /// A named base is itself not usable.
    pub const BASE_NOT_READY: &str = "BaseNotReady";
    /// Bases refer to each other in a circle.
    pub const BASE_CYCLE: &str = "BaseCycle";
    /// Bases are nested deeper, or are more, than the limit.
    pub const TOO_MANY_BASES: &str = "TooManyBases";
    /// Two sources give one path values of different types.
    pub const TYPE_CLASH: &str = "TypeClash";
    /// `spec.context` names an entry that `contexts` does not have.
    pub const UNKNOWN_SELECTED_CONTEXT: &str = "UnknownSelectedContext";
    /// The configuration is not usable for another reason.
    pub const INVALID_CONFIGURATION: &str = "InvalidConfiguration";
    /// A template does not compile.
    pub const INVALID_TEMPLATE: &str = "InvalidTemplate";

    /// An event's CicdContext does not exist (yet).
    pub const CONTEXT_NOT_FOUND: &str = "ContextNotFound";
    /// The context went away while its event was handled.
    pub const CONTEXT_DELETED: &str = "ContextDeleted";
    /// The event was deleted before it was finished.
    pub const EVENT_DELETED: &str = "EventDeleted";
    /// The context's configuration is not ready.
    pub const CONTEXT_NOT_READY: &str = "ContextNotReady";
    /// No such pipeline in the resolved configuration.
    pub const UNKNOWN_PIPELINE: &str = "UnknownPipeline";
    /// No such generator in the pipeline.
    pub const UNKNOWN_GENERATOR: &str = "UnknownGenerator";
    /// The pipeline is known and nobody listens to this event.
    pub const NO_HANDLERS: &str = "NoHandlers";
    /// The context (or the endpoint) is suspended.
    pub const SUSPENDED: &str = "Suspended";
    /// The annotation's value is neither `pipeline=event` nor the JSON form.
    pub const BAD_ANNOTATION: &str = "BadAnnotation";
    /// The event itself is not valid.
    pub const INVALID_EVENT: &str = "InvalidEvent";
    /// Another content came under an id that is already used.
    pub const DUPLICATE_EVENT: &str = "DuplicateEvent";
    /// A restored context carried event annotations of its former life.
    pub const STALE_ANNOTATION: &str = "StaleAnnotation";
    /// The ledger annotation cannot be read.
    pub const LEDGER_UNREADABLE: &str = "LedgerUnreadable";
    /// The ledger annotation has a higher epoch than the operator that leads.
    pub const FOREIGN_EPOCH: &str = "ForeignEpoch";
    /// The event belongs to another object of the context's name.
    pub const STALE_OWNER: &str = "StaleOwner";
    /// An event of this name ran before.
    pub const ALREADY_RUN: &str = "AlreadyRun";
    /// The API server refused to create an event (a quota, for instance).
    pub const EVENT_REFUSED: &str = "EventRefused";
    /// More event annotations wait than are taken in at once.
    pub const TOO_MANY_EVENTS: &str = "TooManyEvents";
    /// `spec.set` could not be applied.
    pub const SET_REFUSED: &str = "SetRefused";
    /// At least one handler failed.
    pub const HANDLER_FAILED: &str = "HandlerFailed";
    /// Whether a request arrived cannot be known.
    pub const OUTCOME_UNKNOWN: &str = "OutcomeUnknown";
    /// Work is going on.
    pub const RUNNING: &str = "Running";
    /// Deliveries wait for their next attempt.
    pub const RETRYING: &str = "Retrying";

    /// The handler's `if` was not true.
    pub const CONDITION_NOT_MET: &str = "ConditionNotMet";
    /// Nothing was sent or written: the event is a dry run.
    pub const DRY_RUN: &str = "DryRun";
    /// The handler is switched off.
    pub const DISABLED: &str = "Disabled";
    /// The handler is gone from the configuration.
    pub const REMOVED: &str = "Removed";
    /// A handler before this one failed and said `onFailure: Stop`.
    pub const STOPPED: &str = "Stopped";
    /// A template could not be rendered.
    pub const TEMPLATE_ERROR: &str = "TemplateError";
    /// A rendered body declares JSON and is not.
    pub const INVALID_BODY: &str = "InvalidBody";
    /// The rendered request breaks a rule for headers, paths or sizes.
    pub const INVALID_REQUEST: &str = "InvalidRequest";
    /// The choices of a manualChoice handler cannot be made.
    pub const INVALID_CHOICES: &str = "InvalidChoices";
    /// A respond handler has a blank message or URL.
    pub const NOTHING_TO_SEND: &str = "NothingToSend";
    /// What is asked for is not carried out by this version.
    pub const NOT_SUPPORTED: &str = "NotSupported";
    /// State changes of a handler were refused.
    pub const CHANGE_REFUSED: &str = "ChangeRefused";
    /// A captured value was refused.
    pub const CAPTURE_REFUSED: &str = "CaptureRefused";
    /// The endpoint does not exist.
    pub const ENDPOINT_NOT_FOUND: &str = "EndpointNotFound";
    /// The endpoint does not allow this namespace, method, path or header.
    pub const ENDPOINT_NOT_ALLOWED: &str = "EndpointNotAllowed";
    /// The endpoint cannot be used as it stands.
    pub const ENDPOINT_NOT_READY: &str = "EndpointNotReady";
    /// A Secret, or a key of it, does not exist.
    pub const SECRET_NOT_FOUND: &str = "SecretNotFound";
    /// The Secret is of a kind that is never sent.
    pub const SECRET_REFUSED: &str = "SecretRefused";
    /// The request was delivered.
    pub const DELIVERED: &str = "Delivered";
    /// The endpoint's `successWhen` takes the answer for no success.
    pub const NOT_SUCCESSFUL: &str = "NotSuccessful";
    /// The address is one that the operator does not dial.
    pub const EGRESS_REFUSED: &str = "EgressRefused";
    /// The captured values were already in the state when the operator started anew.
    pub const RECORDED_BEFORE: &str = "RecordedBefore";
    /// Values were written into the state.
    pub const STATE_WRITTEN: &str = "StateWritten";
    /// It waits, because the endpoint does not take more at the moment: concurrency or rateLimit.
    pub const LIMITED: &str = "Limited";
    /// It waits, because the last attempt at the endpoint did not get through to it.
    pub const ENDPOINT_UNREACHABLE: &str = "EndpointUnreachable";
    /// It is sent again, since somebody asked for it.
    pub const REDELIVERY: &str = "Redelivery";
    /// Somebody asked for a redelivery and there is nothing to send.
    pub const NOTHING_TO_REDELIVER: &str = "NothingToRedeliver";
    /// What has to be kept for a retry is larger than its limit.
    pub const REQUEST_TOO_LARGE_TO_KEEP: &str = "RequestTooLargeToKeep";
}

//! The bodies that presets send: Handlebars templates that stand here as files, in the form that each service documents.
//!
//! An endpoint's own body takes the place of the preset's. Must not know what is rendered with them, nor where to.
//!
//! | preset | notify, respond | manualChoice |
//! |---|---|---|
//! | Generic | a JSON object with the attributes of a CloudEvent | the same with title and choices |
//! | Slack | `text`; fields `channel` and `thread_ts` say where, others become lines | blocks with buttons |
//! | Teams | an Adaptive Card for a workflow's webhook, fields as facts | options with an https value as links, others as text: a card behind a webhook has no buttons that answer |
//! | Discord | `content`, fields as an embed; nobody is mentioned | an embed per choice, as with Teams: plain webhooks have no components |
//! | TektonTrigger | as Generic | as Generic |
//!
//! triggerPipeline needs none: without a body it sends all arguments as a JSON object, which is what a Tekton
//! EventListener reads.

use cicdcontext_crds::endpoint::Preset;

/// The bodies of one preset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bodies {
    /// Name of the preset.
    pub(super) preset: &'static str,
    pub(super) notify: &'static str,
    pub(super) respond: &'static str,
    pub(super) manual_choice: &'static str,
}

/// The bodies of `preset`.
pub(super) const fn bodies(preset: Preset) -> Bodies {
    const GENERIC: &str = include_str!("preset/generic_notify.hbs");
    const GENERIC_CHOICE: &str = include_str!("preset/generic_manual_choice.hbs");
    const TEAMS: &str = include_str!("preset/teams_notify.hbs");
    const DISCORD: &str = include_str!("preset/discord_notify.hbs");
    let (preset, notify, respond, manual_choice) = match preset {
        Preset::Generic => ("Generic", GENERIC, GENERIC, GENERIC_CHOICE),
        Preset::TektonTrigger => ("TektonTrigger", GENERIC, GENERIC, GENERIC_CHOICE),
        Preset::Slack => (
            "Slack",
            include_str!("preset/slack_notify.hbs"),
            include_str!("preset/slack_respond.hbs"),
            include_str!("preset/slack_manual_choice.hbs"),
        ),
        Preset::Teams => ("Teams", TEAMS, TEAMS, include_str!("preset/teams_manual_choice.hbs")),
        Preset::Discord => ("Discord", DISCORD, DISCORD, include_str!("preset/discord_manual_choice.hbs")),
    };
    Bodies { preset, notify, respond, manual_choice }
}

#[cfg(test)]
mod tests;

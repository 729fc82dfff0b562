//! Reading what handlers do, one method per type.
//!
//! Each method reads all templates first and asks for required fields last, so that the templates of a base's
//! incomplete handlers are known, too.

use std::collections::BTreeMap;

use cicdcontext_crds::{
    EventHandler, handler,
    handler::{
        GenerateHandler, ManualChoiceHandler, NamedTemplate, NotifyHandler, RespondHandler, TriggerPipelineHandler,
        WebhookHandler,
    },
};

use super::{Place, Reader, Unusable};
use crate::configuration::{
    ConfigurationError, json_path,
    model::{
        Action, Choice, ChoiceGenerator, ChoiceOption, Generate, ManualChoice, NamedSource, Notify, Respond,
        TriggerPipeline, Webhook, WebhookTarget,
    },
};

/// Most fields of a handler, choices, options and headers.
const MAX_ITEMS: usize = 64;
/// Most fields of one option, and most choice generators.
const MAX_SMALL_ITEMS: usize = 16;
/// Most arguments of a pipeline.
const MAX_ARGUMENTS: usize = 128;
/// The name of an item in a choice generator that gives none.
const DEFAULT_ITERATOR: &str = "item";

impl Reader<'_> {
    pub(super) fn action(
        &mut self,
        pipeline: &str,
        place: &Place<'_>,
        handler: EventHandler,
    ) -> Result<Action, Unusable> {
        let types = handler.types();
        let [kind] = types.as_slice() else {
            let all = super::super::shape::HANDLER_TYPES.join(", ");
            if types.is_empty() {
                let problem = format_args!("the handler does nothing; write one of {all}");
                return Err(Unusable::Incomplete(self.invalid(place, problem)));
            }
            let found = types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" and ");
            let problem = format_args!("the handler has {found}; keep exactly one of {all}");
            return Err(self.invalid(place, problem).into());
        };
        let place = place.field(kind.as_str());
        let EventHandler { notify, respond, manual_choice, trigger_pipeline, set_values, generate, webhook, .. } =
            handler;
        if let Some(notify) = notify {
            self.notify(&place, notify).map(Action::Notify)
        } else if let Some(respond) = respond {
            self.respond(&place, respond).map(Action::Respond)
        } else if let Some(manual_choice) = manual_choice {
            self.manual_choice(&place, manual_choice).map(Action::ManualChoice)
        } else if let Some(trigger) = trigger_pipeline {
            self.trigger_pipeline(&place, trigger).map(Action::TriggerPipeline)
        } else if let Some(generate) = generate {
            self.generate(pipeline, &place, generate).map(Action::Generate)
        } else if let Some(webhook) = webhook {
            self.webhook(&place, webhook).map(Action::Webhook)
        } else {
            let changes = self.changes(&place, set_values.unwrap_or_default())?;
            if changes.is_empty() {
                return Err(Unusable::Incomplete(self.invalid(&place, "the list is empty; write at least one change")));
            }
            Ok(Action::SetValues(changes))
        }
    }

    fn notify(&mut self, place: &Place<'_>, notify: NotifyHandler) -> Result<Notify, Unusable> {
        let message = self.optional(place, "message", notify.message);
        let fields = self.named(&place.field("fields"), "fields", notify.fields, MAX_ITEMS)?;
        let capture = self.changes(&place.field("capture"), notify.capture.unwrap_or_default())?;
        Ok(Notify {
            endpoint: self.required(place, "endpoint", notify.endpoint)?,
            message: self.required(place, "message", message)?,
            fields,
            capture,
        })
    }

    fn respond(&mut self, place: &Place<'_>, respond: RespondHandler) -> Result<Respond, Unusable> {
        let url = self.optional(place, "url", respond.url);
        let message = self.optional(place, "message", respond.message);
        let fields = self.named(&place.field("fields"), "fields", respond.fields, MAX_ITEMS)?;
        let capture = self.changes(&place.field("capture"), respond.capture.unwrap_or_default())?;
        Ok(Respond {
            endpoint: self.required(place, "endpoint", respond.endpoint)?,
            url,
            message: self.required(place, "message", message)?,
            fields,
            capture,
        })
    }

    fn manual_choice(&mut self, place: &Place<'_>, choice: ManualChoiceHandler) -> Result<ManualChoice, Unusable> {
        let title = self.optional(place, "title", choice.title);
        let fields = self.named(&place.field("fields"), "fields", choice.fields, MAX_ITEMS)?;
        let (choices_place, choices) = (place.field("choices"), choice.choices.unwrap_or_default());
        self.at_most(&choices_place, "choices", choices.len(), MAX_ITEMS)?;
        let choices = choices
            .into_iter()
            .map(|choice| self.choice(&choices_place.item(&choice.name), choice))
            .collect::<Result<_, _>>()?;
        let capture = self.changes(&place.field("capture"), choice.capture.unwrap_or_default())?;
        let (generators_place, generators) =
            (place.field("choiceGenerators"), choice.choice_generators.unwrap_or_default());
        self.at_most(&generators_place, "choice generators", generators.len(), MAX_SMALL_ITEMS)?;
        let generators: Vec<_> = generators
            .into_iter()
            .map(|generator| self.choice_generator(&generators_place.item(&generator.name), generator))
            .collect();
        Ok(ManualChoice {
            endpoint: self.required(place, "endpoint", choice.endpoint)?,
            title: self.required(place, "title", title)?,
            fields,
            choices,
            choice_generators: generators.into_iter().collect::<Result<_, _>>()?,
            capture,
        })
    }

    fn choice(&mut self, place: &Place<'_>, choice: handler::Choice) -> Result<Choice, ConfigurationError> {
        let header = self.optional(place, "header", choice.header);
        let (options_place, options) = (place.field("options"), choice.options.unwrap_or_default());
        self.at_most(&options_place, "options", options.len(), MAX_ITEMS)?;
        let options = options
            .into_iter()
            .enumerate()
            .map(|(index, option)| {
                let place = options_place.index(index);
                Ok(ChoiceOption {
                    text: self.source(&place.field("text"), option.text),
                    value: self.source(&place.field("value"), option.value),
                    style: option.style,
                    fields: self.named(&place.field("fields"), "fields", option.fields, MAX_SMALL_ITEMS)?,
                })
            })
            .collect::<Result<_, ConfigurationError>>()?;
        Ok(Choice { name: choice.name, header, options })
    }

    fn choice_generator(
        &mut self,
        place: &Place<'_>,
        generator: handler::ChoiceGenerator,
    ) -> Result<ChoiceGenerator, Unusable> {
        let template = self.optional(place, "template", generator.template);
        let foreach = self.required(place, "foreach", generator.foreach)?;
        json_path::parse(&foreach).map_err(|problem| self.invalid(&place.field("foreach"), problem))?;
        Ok(ChoiceGenerator {
            name: generator.name,
            foreach,
            iterator: generator.iterator.unwrap_or_else(|| DEFAULT_ITERATOR.to_owned()),
            template: self.required(place, "template", template)?,
        })
    }

    fn trigger_pipeline(
        &mut self,
        place: &Place<'_>,
        trigger: TriggerPipelineHandler,
    ) -> Result<TriggerPipeline, Unusable> {
        let args = self.named(&place.field("args"), "args", trigger.args, MAX_ARGUMENTS)?;
        let capture = self.changes(&place.field("capture"), trigger.capture.unwrap_or_default())?;
        Ok(TriggerPipeline {
            endpoint: self.required(place, "endpoint", trigger.endpoint)?,
            name: self.required(place, "name", trigger.name)?,
            args,
            capture,
        })
    }

    fn generate(&self, pipeline: &str, place: &Place<'_>, generate: GenerateHandler) -> Result<Generate, Unusable> {
        let pipeline = generate.pipeline.unwrap_or_else(|| pipeline.to_owned());
        let generator = self.required(place, "generator", generate.generator)?;
        self.check_name("pipeline", &pipeline, &place.field("pipeline"))?;
        self.check_name("generator", &generator, &place.field("generator"))?;
        Ok(Generate { pipeline, generator })
    }

    fn webhook(&mut self, place: &Place<'_>, webhook: WebhookHandler) -> Result<Webhook, Unusable> {
        let url = self.optional(place, "url", webhook.url);
        let path = self.optional(place, "path", webhook.path);
        let headers = self.named(&place.field("headers"), "headers", webhook.headers, MAX_ITEMS)?;
        self.check_headers(&place.field("headers"), &headers)?;
        let body = self.optional(place, "body", webhook.body);
        let capture = self.changes(&place.field("capture"), webhook.capture.unwrap_or_default())?;
        let target = match (webhook.endpoint, url) {
            (Some(endpoint), None) => WebhookTarget::Endpoint(endpoint),
            (None, Some(_)) if path.is_some() => {
                let problem = "path goes with an endpoint only; make it part of url";
                return Err(self.invalid(&place.field("path"), problem).into());
            }
            (None, Some(url)) => WebhookTarget::Url(url),
            (None, None) => {
                let problem = "endpoint is missing; write endpoint: {name: ...}, or url";
                return Err(Unusable::Incomplete(self.invalid(place, problem)));
            }
            (Some(_), Some(_)) => {
                let problem = "it has both endpoint and url; keep one, and remove an inherited one with unset";
                return Err(self.invalid(place, problem).into());
            }
        };
        Ok(Webhook { target, method: webhook.method, path, headers, body, capture })
    }

    /// Names of headers are the same in any case: two spellings would send the header twice.
    fn check_headers(&self, place: &Place<'_>, headers: &[NamedSource]) -> Result<(), ConfigurationError> {
        let mut spellings = BTreeMap::new();
        for header in headers {
            if let Some(other) = spellings.insert(header.name.to_ascii_lowercase(), &header.name) {
                let problem = format_args!("it is the header {other} in another spelling; write it as {other}");
                return Err(self.invalid(&place.item(&header.name), problem));
            }
        }
        Ok(())
    }

    fn named(
        &mut self,
        place: &Place<'_>,
        what: &str,
        templates: Option<Vec<NamedTemplate>>,
        limit: usize,
    ) -> Result<Vec<NamedSource>, ConfigurationError> {
        let templates = templates.unwrap_or_default();
        self.at_most(place, what, templates.len(), limit)?;
        let named = templates.into_iter().map(|NamedTemplate { name, value }| {
            let value = self.source(&place.item(&name).field("value"), value);
            NamedSource { name, value }
        });
        Ok(named.collect())
    }

    fn required<T>(&self, place: &Place<'_>, field: &str, value: Option<T>) -> Result<T, Unusable> {
        value.ok_or_else(|| {
            let example = match field {
                "endpoint" => "write endpoint: {name: ...}, the name of a CicdEndpoint",
                "message" => "write the template of the message",
                "title" => "write the template of the title",
                "name" => "write the name of the pipeline to start",
                "generator" => "write the name of the generator to run",
                "foreach" => "write a JSONPath to a list or map, as $.state.targets",
                "template" => "write the template of the choices",
                _ => "write it",
            };
            Unusable::Incomplete(self.invalid(place, format_args!("{field} is missing; {example}")))
        })
    }
}

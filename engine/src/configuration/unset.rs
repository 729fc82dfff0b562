//! `unset`: a block removes what it inherited.
//!
//! A path that nothing inherited has is no error. A path that can never be there is one, since it is a slip of the pen
//! that would otherwise go unseen.

use super::{
    path::ConfigurationPath,
    shape::{BLOCK, Shape},
    tree::Node,
};

/// Removes what stands at the path. The error says what is wrong with the path.
pub(super) fn apply(inherited: &mut Node, text: &str) -> Result<(), String> {
    let path = ConfigurationPath::parse(text).map_err(|problem| format!("{text:?} is not a path: {problem}"))?;
    check(&path).map_err(|problem| format!("{text:?} can never be there: {problem}"))?;
    inherited.remove(&path.keys);
    Ok(())
}

fn check(path: &ConfigurationPath) -> Result<(), String> {
    let mut shape = &BLOCK;
    let mut in_item = false;
    for (index, key) in path.keys.iter().enumerate() {
        if in_item && key == "name" {
            return Err("an item keeps its name; unset the item".to_owned());
        }
        in_item = matches!(shape, Shape::List(_));
        shape = shape.below(key).ok_or_else(|| match shape {
            Shape::Whole => {
                let whole = ConfigurationPath { keys: path.keys.iter().take(index).cloned().collect() };
                format!("{whole} is replaced as a whole; unset that")
            }
            _ => format!("there is no field {key:?}; known are {}", shape.field_names().join(", ")),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::configuration::fixture::World;

    fn after(inherited: &str, own: &str) -> World {
        World::context(&["base/a"], own).base("base/a", &[], inherited)
    }

    #[test]
    fn an_inherited_key_is_removed_before_the_own_content_comes() {
        let resolved = after(
            "{settings: {limits: {cpu: 1, memory: 2}, 'a.b': {c: 1, d: 2}}, variables: {v: x, w: z}, partials: {p: x}}",
            "{unset: [settings.limits, \"settings['a.b'].c\", variables.v, partials.p], settings: {limits: none}}",
        )
        .resolve();
        assert_eq!(
            serde_json::to_value(&resolved.settings).unwrap(),
            serde_json::json!({"limits": "none", "a.b": {"d": 2}})
        );
        assert_eq!(resolved.variables.keys().collect::<Vec<_>>(), ["w"]);
        assert!(resolved.partials.is_empty());
    }

    #[test]
    fn handlers_their_fields_whole_events_and_entries_of_contexts_can_be_removed() {
        let inherited = "
pipelines:
  build:
    eventHandlers:
      success:
        - {name: tell, notify: {endpoint: {name: slack, namespace: platform}, message: m, fields: [{name: f, value: v}]}}
        - {name: note, setValues: [{path: state.a, value: 1}]}
      failure:
        - {name: tell, notify: {endpoint: {name: slack}, message: m}}
contexts: {stage: {settings: {a: 1}}, prod: {}}
";
        let own = "
unset:
  - pipelines.build.eventHandlers.success.tell.notify.endpoint.namespace
  - pipelines.build.eventHandlers.success[tell].notify.fields.f
  - pipelines.build.eventHandlers.success.note
  - pipelines.build.eventHandlers.failure
  - contexts.prod
  - contexts.stage.settings.a
";
        let resolved = after(inherited, own).selecting("stage").resolve();
        let build = &resolved.pipelines["build"];
        assert_eq!(build.events.keys().collect::<Vec<_>>(), ["success"]);
        let [tell] = build.handlers("success") else { panic!("{build:#?}") };
        assert_eq!(tell.action.endpoint().unwrap().namespace, None);
        let crate::configuration::model::Action::Notify(notify) = &tell.action else { panic!("{tell:#?}") };
        assert!(notify.fields.is_empty());
        assert_eq!(resolved.selectable, ["stage"]);
        assert!(resolved.settings.is_empty());
    }

    #[test]
    fn a_handler_may_change_its_type_after_the_old_one_is_unset_and_keeps_its_place() {
        let inherited = "
pipelines: {build: {eventHandlers: {success: [
  {name: tell, if: x, notify: {endpoint: {name: slack}, message: m}}, {name: last, setValues: [{path: state.a, value: 1}]}]}}}
";
        let own = "
unset: [pipelines.build.eventHandlers.success.tell.notify]
pipelines: {build: {eventHandlers: {success: [{name: tell, webhook: {endpoint: {name: hook}}}]}}}
";
        let resolved = after(inherited, own).resolve();
        let handlers = resolved.pipelines["build"].handlers("success");
        assert_eq!(handlers.iter().map(|handler| handler.name.as_str()).collect::<Vec<_>>(), ["tell", "last"]);
        assert_eq!(handlers[0].action.kind().as_str(), "webhook");
        assert!(handlers[0].condition.is_some());
    }

    #[test]
    fn a_path_that_nothing_inherited_has_is_no_error() {
        let resolved =
            after("settings: {a: 1}", "unset: [settings.b.c, settings.a.b, variables.x, pipelines.p.generators.g.i]");
        assert_eq!(resolved.resolve().settings["a"], 1);
    }

    #[test]
    fn unset_takes_away_what_earlier_blocks_wrote_and_not_what_later_ones_write() {
        let world = World::context(&["base/a", "base/b", "base/c"], "")
            .base("base/a", &[], "settings: {x: 1, y: 1}")
            .base("base/b", &[], "{unset: [settings.x, settings.y]}")
            .base("base/c", &[], "settings: {y: 3}");
        assert_eq!(serde_json::to_value(world.resolve().settings).unwrap(), serde_json::json!({"y": 3}));
    }

    #[test]
    fn a_path_that_can_never_be_there_is_refused() {
        for (path, problem) in [
            (
                "seting.a",
                r#""seting.a" can never be there: there is no field "seting"; known are settings, variables, partials, pipelines, contexts"#,
            ),
            (
                "pipelines.b.eventHandler.x",
                r#"there is no field "eventHandler"; known are settings, eventHandlers, generators"#,
            ),
            (
                "pipelines.b.eventHandlers.e.h.notify.massage",
                r#"there is no field "massage"; known are endpoint, message, fields, capture"#,
            ),
            ("variables.v.w", "variables.v is replaced as a whole; unset that"),
            (
                "pipelines.b.eventHandlers.e.h.setValues[0]",
                "pipelines.b.eventHandlers.e.h.setValues is replaced as a whole; unset that",
            ),
            ("pipelines.b.eventHandlers.e.h.name", "an item keeps its name; unset the item"),
            ("settings..a", r#""settings..a" is not a path: at character 10 a key is missing"#),
        ] {
            let world = World::context(&[], &format!("unset: [\"{path}\"]"));
            let (reason, error) = world.error();
            assert_eq!(reason, "InvalidConfiguration");
            assert!(error.starts_with("use unset (written in CicdContext/shop-1): "), "{error}");
            assert!(error.contains(problem), "{path}: {error}");
        }
    }
}

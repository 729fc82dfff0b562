//! What the schema says about merging: which values are free-form, which lists merge by name, which are replaced.
//!
//! One table, so that merging, `unset` and error paths agree. A test holds it against the generated CRD. It knows no
//! values.

/// How values at a place of a configuration block are merged.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Free-form JSON: maps key by key, lists and scalars replaced.
    Free,
    /// Replaced as a whole: scalars, and lists whose items have no name.
    Whole,
    /// Known fields, merged one by one.
    Fields(&'static [(&'static str, Shape)]),
    /// The same, for an event handler, which has one of [`HANDLER_TYPES`].
    Handler(&'static [(&'static str, Shape)]),
    /// Any keys, merged one by one.
    Map(&'static Shape),
    /// A list of items with a `name`, merged by it in the order in which names were first seen.
    List(&'static Shape),
}

/// The fields of a handler that say what it does.
pub(super) const HANDLER_TYPES: [&str; 7] =
    ["notify", "respond", "manualChoice", "triggerPipeline", "setValues", "generate", "webhook"];

/// A configuration block, without `templateEngine` and `unset`, which are not inherited.
pub(super) static BLOCK: Shape = Shape::Fields(&[
    ("settings", Shape::Free),
    ("variables", Shape::Map(&Shape::Whole)),
    ("partials", Shape::Map(&Shape::Whole)),
    ("pipelines", Shape::Map(&PIPELINE)),
    ("contexts", Shape::Map(&CONTEXT)),
]);

/// The parts that a block and an entry of `contexts` share.
pub(super) static CONTEXT: Shape = Shape::Fields(&[
    ("settings", Shape::Free),
    ("variables", Shape::Map(&Shape::Whole)),
    ("partials", Shape::Map(&Shape::Whole)),
    ("pipelines", Shape::Map(&PIPELINE)),
]);

static PIPELINE: Shape = Shape::Fields(&[
    ("settings", Shape::Free),
    ("eventHandlers", Shape::Map(&Shape::List(&HANDLER))),
    ("generators", Shape::Map(&Shape::List(&GENERATOR))),
]);

static GENERATOR: Shape =
    Shape::Fields(&[("name", Shape::Whole), ("enabled", Shape::Whole), ("if", Shape::Whole), ("set", Shape::Whole)]);

static HANDLER: Shape = Shape::Handler(&[
    ("name", Shape::Whole),
    ("enabled", Shape::Whole),
    ("if", Shape::Whole),
    ("onFailure", Shape::Whole),
    (
        "notify",
        Shape::Fields(&[
            ("endpoint", ENDPOINT),
            ("message", Shape::Whole),
            ("fields", Shape::List(&NAMED_TEMPLATE)),
            ("capture", Shape::Whole),
        ]),
    ),
    (
        "respond",
        Shape::Fields(&[
            ("endpoint", ENDPOINT),
            ("url", Shape::Whole),
            ("message", Shape::Whole),
            ("fields", Shape::List(&NAMED_TEMPLATE)),
            ("capture", Shape::Whole),
        ]),
    ),
    (
        "manualChoice",
        Shape::Fields(&[
            ("endpoint", ENDPOINT),
            ("title", Shape::Whole),
            ("fields", Shape::List(&NAMED_TEMPLATE)),
            ("choices", Shape::List(&CHOICE)),
            ("choiceGenerators", Shape::List(&CHOICE_GENERATOR)),
            ("capture", Shape::Whole),
        ]),
    ),
    (
        "triggerPipeline",
        Shape::Fields(&[
            ("endpoint", ENDPOINT),
            ("name", Shape::Whole),
            ("args", Shape::List(&NAMED_TEMPLATE)),
            ("capture", Shape::Whole),
        ]),
    ),
    ("setValues", Shape::Whole),
    ("generate", Shape::Fields(&[("pipeline", Shape::Whole), ("generator", Shape::Whole)])),
    (
        "webhook",
        Shape::Fields(&[
            ("endpoint", ENDPOINT),
            ("url", Shape::Whole),
            ("method", Shape::Whole),
            ("path", Shape::Whole),
            ("headers", Shape::List(&NAMED_TEMPLATE)),
            ("body", Shape::Whole),
            ("capture", Shape::Whole),
        ]),
    ),
]);

const ENDPOINT: Shape = Shape::Fields(&[("name", Shape::Whole), ("namespace", Shape::Whole)]);

static NAMED_TEMPLATE: Shape = Shape::Fields(&[("name", Shape::Whole), ("value", Shape::Whole)]);

static CHOICE: Shape = Shape::Fields(&[("name", Shape::Whole), ("header", Shape::Whole), ("options", Shape::Whole)]);

static CHOICE_GENERATOR: Shape = Shape::Fields(&[
    ("name", Shape::Whole),
    ("foreach", Shape::Whole),
    ("iterator", Shape::Whole),
    ("template", Shape::Whole),
]);

impl Shape {
    /// The shape of what stands under a key, or of the item of that name. None: the schema has no such field, or the
    /// value is only ever replaced as a whole.
    pub(super) fn below(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Free => Some(&Self::Free),
            Self::Whole => None,
            Self::Fields(fields) | Self::Handler(fields) => {
                fields.iter().find_map(|(name, shape)| (*name == key).then_some(shape))
            }
            Self::Map(shape) | Self::List(shape) => Some(shape),
        }
    }

    /// The names of the known fields; none where keys are free.
    pub(super) fn field_names(&self) -> Vec<&'static str> {
        match self {
            Self::Fields(fields) | Self::Handler(fields) => fields.iter().map(|(name, _)| *name).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use cicdcontext_crds::manifests::manifests;
    use serde_json::Value;

    use super::*;

    /// Says in which places the table differs from the schema.
    fn compare(schema: &Value, shape: &Shape, place: &str, differences: &mut Vec<String>) {
        let expected = match schema["type"].as_str() {
            Some("object") if schema["x-kubernetes-preserve-unknown-fields"] == true => "Free",
            Some("object") if schema["properties"].is_object() => "Fields",
            Some("object") => "Map",
            Some("array") if schema["x-kubernetes-list-type"] == "map" => "List",
            _ => "Whole",
        };
        match (shape, expected) {
            (Shape::Free, "Free") | (Shape::Whole, "Whole") => {}
            (Shape::Map(below), "Map") => compare(&schema["additionalProperties"], below, place, differences),
            (Shape::List(below), "List") => compare(&schema["items"], below, place, differences),
            (Shape::Fields(fields) | Shape::Handler(fields), "Fields") => {
                let properties = schema["properties"].as_object().unwrap();
                for (name, below) in *fields {
                    match properties.get(*name) {
                        Some(schema) => compare(schema, below, &format!("{place}.{name}"), differences),
                        None => differences.push(format!("{place}.{name} is not in the schema")),
                    }
                }
                for name in properties.keys().filter(|name| fields.iter().all(|(field, _)| field != name)) {
                    differences.push(format!("{place}.{name} is missing in the table"));
                }
            }
            _ => differences.push(format!("{place} is {expected} in the schema")),
        }
    }

    #[test]
    fn the_table_agrees_with_the_generated_crd() {
        let base = manifests().unwrap().into_iter().find(|manifest| manifest.name.starts_with("cicdbases.")).unwrap();
        let spec = &base.json["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let mut differences = Vec::new();
        compare(spec, &BLOCK, "spec", &mut differences);
        let not_merged =
            ["bases", "templateEngine", "unset"].map(|name| format!("spec.{name} is missing in the table"));
        assert_eq!(differences, not_merged, "{differences:#?}");
    }
}

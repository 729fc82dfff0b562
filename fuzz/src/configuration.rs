//! Resolution of configuration: the block of a base, that of another base which builds on it, and the context's own.

use std::collections::BTreeMap;

use cicdcontext_crds::{BaseKind, BaseReference, ConfigurationBlock};
use cicdcontext_engine::{
    configuration::{ConfigurationError, Input, Lookup, MAX_TEMPLATE_BYTES, Origin, Resolved, resolve},
    handler::Program,
};

use super::{bounded, parts};

/// Named contexts that are tried.
const SELECTED: usize = 4;

struct World {
    platform: ConfigurationBlock,
    application: ConfigurationBlock,
    own: ConfigurationBlock,
}

/// Any blocks are refused with a reason, or resolved to the same content each time, whose templates compile or say why
/// not.
pub fn merge(input: &[u8]) {
    let Some([platform, application, own]) = parts(input) else { return };
    let block = |text: &str| {
        if text.trim().is_empty() { Some(ConfigurationBlock::default()) } else { serde_json::from_str(text).ok() }
    };
    let (Some(platform), Some(application), Some(own)) = (block(platform), block(application), block(own)) else {
        return;
    };
    let world = World { platform, application, own };
    if let Some(common) = world.check(None) {
        for name in common.selectable.iter().take(SELECTED) {
            world.check(Some(name));
        }
    }
}

impl World {
    fn check(&self, selected: Option<&str>) -> Option<Resolved> {
        let resolved = match self.resolve(selected) {
            Ok(resolved) => resolved,
            Err(error) => {
                assert!(!error.reason().is_empty());
                bounded(&error);
                return None;
            }
        };
        let again = self.resolve(selected).expect("what was resolved once is resolved again");
        assert_eq!((&again.hash, &again.settings), (&resolved.hash, &resolved.settings), "the same each time");
        assert!(resolved.templates().map(|source| source.text.len()).sum::<usize>() <= MAX_TEMPLATE_BYTES);
        for error in &Program::new(again, &BTreeMap::new()).errors {
            bounded(error);
        }
        Some(resolved)
    }

    fn resolve(&self, selected: Option<&str>) -> Result<Resolved, ConfigurationError> {
        let base = |name: &str| [BaseReference { kind: BaseKind::CicdBase, name: name.to_owned() }];
        let (application, platform) = (base("application"), base("platform"));
        let input = Input { owner: Origin::context("shop"), selected, bases: &application, block: &self.own };
        resolve(&input, &|reference| match reference.name.as_str() {
            "application" => Lookup::Found(&platform, &self.application),
            "platform" => Lookup::Found(&[], &self.platform),
            _ => Lookup::NotFound,
        })
    }
}

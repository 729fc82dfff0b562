//! Finding the bases that go into a configuration, and their order.
//!
//! Depth first, parents before children, each base once at its first place. The objects come from the caller's lookup;
//! nothing here merges or looks into their content.

use std::collections::BTreeSet;

use cicdcontext_crds::{
    BaseKind, BaseReference,
    configuration::{ConfigurationBlock, MAX_BASES},
};

use super::{ConfigurationError, Input, Lookup, MAX_BASES_IN_ALL, Origin, OriginKind};

/// A base and its content.
pub(super) type Gathered<'a> = (BaseReference, &'a ConfigurationBlock);

/// The bases of an object, in the order of merging.
pub(super) fn gather<'a>(
    input: &Input<'a>,
    lookup: &dyn Fn(&BaseReference) -> Lookup<'a>,
) -> Result<Vec<Gathered<'a>>, ConfigurationError> {
    let mut gathering =
        Gathering { lookup, chain: vec![input.owner.clone()], seen: BTreeSet::new(), found: Vec::new() };
    gathering.bases_of(&input.owner, input.bases)?;
    Ok(gathering.found)
}

struct Gathering<'a, 'l> {
    lookup: &'l dyn Fn(&BaseReference) -> Lookup<'a>,
    /// From the owner down to the base at hand.
    chain: Vec<Origin>,
    seen: BTreeSet<&'a BaseReference>,
    found: Vec<Gathered<'a>>,
}

impl<'a> Gathering<'a, '_> {
    fn bases_of(&mut self, asked_by: &Origin, bases: &'a [BaseReference]) -> Result<(), ConfigurationError> {
        if bases.len() > MAX_BASES {
            return Err(ConfigurationError::TooManyBases { asked_by: asked_by.clone(), count: bases.len() });
        }
        bases.iter().try_for_each(|base| self.base(asked_by, base))
    }

    fn base(&mut self, asked_by: &Origin, reference: &'a BaseReference) -> Result<(), ConfigurationError> {
        let base = Box::new(Origin::base(reference));
        if let Some(start) = self.chain.iter().position(|origin| *origin == *base) {
            let mut chain = self.chain.split_off(start);
            chain.push(*base);
            return Err(ConfigurationError::BaseCycle { chain });
        }
        let asked_by = Box::new(asked_by.clone());
        if asked_by.kind == OriginKind::ClusterCicdBase && reference.kind == BaseKind::CicdBase {
            return Err(ConfigurationError::BaseNotAllowed { base, asked_by });
        }
        if self.seen.contains(reference) {
            return Ok(());
        }
        if self.chain.len() > MAX_BASES {
            return Err(ConfigurationError::BasesTooDeep { base, chain: self.chain.clone() });
        }
        if self.seen.len() >= MAX_BASES_IN_ALL {
            let owner = self.chain.first().unwrap_or(&base).clone();
            return Err(ConfigurationError::TooManyBasesInAll { owner });
        }
        let (bases, block) = match (self.lookup)(reference) {
            Lookup::Found(bases, block) => (bases, block),
            Lookup::NotFound => return Err(ConfigurationError::BaseNotFound { base, asked_by }),
            Lookup::Broken(problem) => return Err(ConfigurationError::BaseNotReady { base, asked_by, problem }),
        };
        self.seen.insert(reference);
        self.chain.push((*base).clone());
        self.bases_of(&base, bases)?;
        self.chain.pop();
        self.found.push((reference.clone(), block));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::configuration::fixture::{World, reference};

    #[test]
    fn bases_come_depth_first_parents_before_children_each_once_at_its_first_place() {
        let world = World::context(&["base/b", "base/c"], "")
            .base("base/b", &["cluster/x", "base/a"], "")
            .base("base/c", &["base/a", "cluster/y", "base/b"], "")
            .base("base/a", &["cluster/x"], "")
            .base("cluster/x", &[], "")
            .base("cluster/y", &[], "");
        let order = ["cluster/x", "base/a", "base/b", "cluster/y", "base/c"].map(reference);
        assert_eq!(world.resolve().bases, order);
    }

    #[test]
    fn a_cicd_base_and_a_cluster_cicd_base_of_one_name_are_two() {
        let world =
            World::context(&["base/a", "cluster/a"], "").base("base/a", &["cluster/a"], "").base("cluster/a", &[], "");
        assert_eq!(world.resolve().bases, ["cluster/a", "base/a"].map(reference));
    }

    #[test]
    fn a_circle_of_bases_is_named_as_a_chain() {
        let world = World::context(&["base/x"], "")
            .base("base/x", &["base/a"], "")
            .base("base/a", &["base/b"], "")
            .base("base/b", &["base/a"], "");
        let (reason, error) = world.error();
        assert_eq!(reason, "BaseCycle");
        assert!(error.contains(": CicdBase/a -> CicdBase/b -> CicdBase/a;"), "{error}");
    }

    #[test]
    fn a_circle_is_found_from_a_base_in_it_and_from_one_that_names_itself() {
        let world =
            World::default().base("base/a", &["base/b"], "").base("base/b", &["base/a"], "").seen_from("base/a");
        assert!(world.error().1.contains(": CicdBase/a -> CicdBase/b -> CicdBase/a;"), "{}", world.error().1);
        let world = World::default().base("cluster/a", &["cluster/a"], "").seen_from("cluster/a");
        assert!(world.error().1.contains(": ClusterCicdBase/a -> ClusterCicdBase/a;"), "{}", world.error().1);
    }

    #[test]
    fn a_missing_base_is_named_with_who_asks_for_it() {
        let (reason, error) = World::context(&["base/a"], "").base("base/a", &["cluster/platform"], "").error();
        assert_eq!(reason, "BaseNotFound");
        assert_eq!(
            error,
            "find ClusterCicdBase/platform, which the bases of CicdBase/a name: it does not exist; create it, or correct \
             spec.bases"
        );
    }

    #[test]
    fn a_base_that_cannot_be_read_is_named_with_what_is_wrong() {
        let (reason, error) = World::context(&["base/a"], "").broken("base/a", "settings is a list").error();
        assert_eq!(reason, "BaseNotReady");
        assert_eq!(error, "read CicdBase/a, which the bases of CicdContext/shop-1 name: settings is a list");
    }

    #[test]
    fn a_cluster_cicd_base_may_not_build_on_a_base_of_a_namespace() {
        let world = World::context(&["cluster/a"], "").base("cluster/a", &["base/b"], "").base("base/b", &[], "");
        let (reason, error) = world.error();
        assert_eq!(reason, "InvalidConfiguration");
        assert!(error.ends_with("a ClusterCicdBase may only build on ClusterCicdBases"), "{error}");
    }

    /// `base/1` names `base/2`, and so on.
    fn chain(length: usize) -> World {
        (1..=length).fold(World::context(&["base/1"], ""), |world, index| {
            let next = format!("base/{}", index + 1);
            let bases: &[&str] = if index < length { &[&next] } else { &[] };
            world.base(&format!("base/{index}"), bases, "")
        })
    }

    #[test]
    fn bases_may_be_32_deep_and_not_deeper() {
        assert_eq!(chain(32).resolve().bases.len(), 32);
        let (reason, error) = chain(33).error();
        assert_eq!(reason, "TooManyBases");
        assert!(
            error.starts_with(
                "read CicdBase/33: it is nested deeper than 32 bases (CicdContext/shop-1 -> CicdBase/1 -> "
            ),
            "{error}"
        );
    }

    #[test]
    fn an_object_may_name_32_bases_and_not_more() {
        let wide = |count: usize| {
            let names: Vec<_> = (0..count).map(|index| format!("base/{index}")).collect();
            let world = World::context(&names.iter().map(String::as_str).collect::<Vec<_>>(), "");
            names.iter().fold(world, |world, name| world.base(name, &[], ""))
        };
        assert_eq!(wide(32).resolve().bases.len(), 32);
        let (reason, error) = wide(33).error();
        assert_eq!(reason, "TooManyBases");
        assert_eq!(error, "read the bases of CicdContext/shop-1: they are 33; at most 32 are allowed");
    }

    #[test]
    fn bases_that_share_all_their_bases_are_read_once_each() {
        let names: Vec<_> = (0..24).map(|index| format!("base/{index}")).collect();
        let world = names.iter().enumerate().fold(World::context(&["base/23"], ""), |world, (index, name)| {
            let below: Vec<_> = names.iter().take(index).map(String::as_str).collect();
            world.base(name, &below, "")
        });
        assert_eq!(world.resolve().bases.len(), 24);
    }
}

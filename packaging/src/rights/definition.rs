//! What the operator and each role of users may do, and why. Knows neither YAML nor Helm.

use cicdcontext_crds::vocabulary::GROUP;

/// The API group of Secrets, ConfigMaps and Namespaces.
const CORE: &str = "";

/// One rule: every verb on every resource of one API group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The API group; blank is the core.
    pub group: &'static str,
    /// Resources as RBAC names them: plural, `events/status` for a subresource.
    pub resources: &'static [&'static str],
    /// Verbs as RBAC names them.
    pub verbs: &'static [&'static str],
    /// Why it is needed, in sentences; blank where the verbs say it.
    pub why: &'static str,
}

/// What the operator may do, by where it may.
#[derive(Clone, Copy, Debug)]
pub struct OperatorRights {
    /// In each namespace that it works in.
    pub namespaced: &'static [Rule],
    /// On ClusterCicdBases, if it is to know them.
    pub cluster_bases: &'static [Rule],
    /// Where it tells of ClusterCicdBases, which have no namespace: in `default`.
    pub told_in_default: &'static [Rule],
    /// Cluster-wide in any case.
    pub cluster: &'static [Rule],
    /// In its own namespace.
    pub own_namespace: &'static [Rule],
}

/// A role for users, a ClusterRole.
#[derive(Clone, Copy, Debug)]
pub struct UserRole {
    /// Its name, which is the same in every installation.
    pub name: &'static str,
    /// Who has it, in sentences.
    pub who: &'static str,
    /// Roles of Kubernetes that contain it.
    pub part_of: &'static [&'static str],
    /// What they may do.
    pub rules: &'static [Rule],
}

const LOOK: &[&str] = &["get", "list", "watch"];

const fn rule(resources: &'static [&'static str], verbs: &'static [&'static str], why: &'static str) -> Rule {
    Rule { group: GROUP, resources, verbs, why }
}

const KUBERNETES_EVENTS: Rule =
    Rule { group: "events.k8s.io", resources: &["events"], verbs: &["create"], why: "What a person must see." };

/// What the operator may do. It reads Secrets and ConfigMaps by name, and can neither list nor watch them.
pub const OPERATOR: OperatorRights = OperatorRights {
    namespaced: &[
        rule(
            &["cicdcontexts"],
            &["get", "list", "watch", "patch", "delete"],
            "delete: those whose ttlSecondsAfterLastActivity is over.",
        ),
        rule(
            &["cicdevents"],
            &["get", "list", "watch", "create", "patch", "delete"],
            "create: what an annotation asks for. delete: what is beyond the history limits.",
        ),
        rule(&["cicdstatewrites"], &["get", "list", "watch", "delete"], "A state write that is applied is deleted."),
        rule(&["cicdbases", "cicdendpoints"], LOOK, ""),
        rule(
            &[
                "cicdcontexts/status",
                "cicdevents/status",
                "cicdstatewrites/status",
                "cicdbases/status",
                "cicdendpoints/status",
            ],
            &["patch"],
            "",
        ),
        Rule {
            group: CORE,
            resources: &["secrets", "configmaps"],
            verbs: &["get"],
            why: "Credentials and certificate authorities of endpoints, by name, at the moment of sending.",
        },
        KUBERNETES_EVENTS,
    ],
    cluster_bases: &[rule(&["clustercicdbases"], LOOK, ""), rule(&["clustercicdbases/status"], &["patch"], "")],
    told_in_default: &[KUBERNETES_EVENTS],
    cluster: &[Rule {
        group: CORE,
        resources: &["namespaces"],
        verbs: &["get"],
        why: "allowedNamespaces.selector of an endpoint looks at the labels of a namespace.",
    }],
    own_namespace: &[Rule {
        group: "coordination.k8s.io",
        resources: &["leases"],
        verbs: &["get", "create", "update"],
        why: "Leader election.",
    }],
};

const EVERYTHING: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// Whoever reads ClusterCicdBases and nothing else.
pub const CLUSTER_BASE_READER: &str = "cicd-cluster-base-reader";
/// A step of a pipeline.
pub const PIPELINE: &str = "cicd-pipeline";

/// The roles for users. ClusterCicdBases have no namespace: a RoleBinding does not reach them, a ClusterRoleBinding does.
pub const USER_ROLES: &[UserRole] = &[
    UserRole {
        name: "cicd-viewer",
        who: "Looks at everything. Nothing of a Secret is in any of these objects. \
              ClusterCicdBases have no namespace: a RoleBinding does not reach them, a ClusterRoleBinding does.",
        part_of: &["view", "admin"],
        rules: &[rule(
            &["cicdcontexts", "cicdevents", "cicdstatewrites", "cicdbases", "clustercicdbases", "cicdendpoints"],
            LOOK,
            "",
        )],
    },
    UserRole {
        name: PIPELINE,
        who: "A step of a pipeline: makes a context, reads and writes its state, fires events. cicdctl needs nothing more. \
              Bind it in the namespace of the pipeline; ClusterCicdBases, which have none, are for cicd-cluster-base-reader.",
        part_of: &["edit", "admin"],
        rules: &[
            rule(&["cicdcontexts"], &["get", "list", "watch", "create", "patch"], ""),
            rule(&["cicdevents"], &["get", "list", "watch", "create"], ""),
            rule(
                &["cicdstatewrites"],
                &["get", "list", "watch", "create", "delete"],
                "Deleting a state write withdraws it; that is for whoever created it.",
            ),
            rule(&["cicdbases", "clustercicdbases", "cicdendpoints"], LOOK, ""),
        ],
    },
    UserRole {
        name: CLUSTER_BASE_READER,
        who: "Reads ClusterCicdBases, and nothing in any namespace. For a ClusterRoleBinding beside the RoleBinding of a \
              pipeline: bound in the whole cluster, cicd-pipeline itself would open the contexts of every namespace.",
        part_of: &[],
        rules: &[rule(&["clustercicdbases"], LOOK, "")],
    },
    UserRole {
        name: "cicd-editor",
        who: "A team that configures its own contexts.",
        part_of: &["edit", "admin"],
        rules: &[
            rule(
                &["cicdcontexts"],
                &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "configure"],
                "configure is a verb of ours: where the admission policy of that name is installed, whoever does not have \
                 it changes of a context no more than state and event annotations.",
            ),
            rule(&["cicdbases"], EVERYTHING, ""),
            rule(
                &["cicdevents"],
                &["get", "list", "watch", "create", "patch", "delete", "deletecollection"],
                "An event cannot be changed; patch is for the annotation that asks for a redelivery.",
            ),
            rule(&["cicdstatewrites"], &["get", "list", "watch", "create", "delete", "deletecollection"], ""),
            rule(&["clustercicdbases", "cicdendpoints"], LOOK, ""),
        ],
    },
    UserRole {
        name: "cicd-endpoint-editor",
        who: "The platform team that says where deliveries go. Whoever may write an endpoint can use any ordinary Secret of \
              its namespace, hence this is a role of its own, and part of admin only.",
        part_of: &["admin"],
        rules: &[rule(&["cicdendpoints"], EVERYTHING, "")],
    },
];

impl OperatorRights {
    /// Every rule, wherever it holds.
    pub fn all(&self) -> impl Iterator<Item = &'static Rule> {
        [self.namespaced, self.cluster_bases, self.cluster, self.own_namespace].into_iter().flatten()
    }
}

impl Rule {
    /// Each right of the rule alone: group, resource, verb.
    pub fn rights(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        let Self { group, resources, verbs, .. } = *self;
        resources.iter().flat_map(move |resource| verbs.iter().map(move |verb| (group, *resource, *verb)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The kinds as the CRDs name them.
    fn kinds() -> BTreeSet<String> {
        let manifests = cicdcontext_crds::manifests::manifests().unwrap();
        manifests.iter().map(|manifest| manifest.name.split('.').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn rules_name_resources_that_there_are() {
        let kinds = kinds();
        let rules = OPERATOR.all().chain(USER_ROLES.iter().flat_map(|role| role.rules));
        for (group, resource, _) in rules.flat_map(Rule::rights) {
            let kind = resource.trim_end_matches("/status");
            assert!(group != GROUP || kinds.contains(kind), "{resource} is of no kind");
        }
    }

    #[test]
    fn a_viewer_sees_every_kind_and_the_operator_writes_the_status_of_each() {
        let viewer: BTreeSet<_> = USER_ROLES[0].rules.iter().flat_map(|rule| rule.resources).copied().collect();
        for kind in kinds() {
            assert!(viewer.contains(kind.as_str()), "{kind}");
            let status = (GROUP, format!("{kind}/status"), "patch");
            assert!(
                OPERATOR
                    .all()
                    .flat_map(Rule::rights)
                    .any(|(group, resource, verb)| { (group, resource.to_owned(), verb) == status })
            );
        }
    }

    #[test]
    fn nobody_lists_secrets_and_no_user_role_reaches_beyond_our_kinds() {
        for (group, resource, verb) in OPERATOR.all().flat_map(Rule::rights) {
            assert!(group != CORE || verb == "get", "{verb} {resource}");
        }
        for (group, resource, verb) in USER_ROLES.iter().flat_map(|role| role.rules).flat_map(Rule::rights) {
            assert_eq!(group, GROUP, "{verb} {resource}");
            assert!(!resource.contains('/') && verb != "*", "{verb} {resource}");
        }
    }

    #[test]
    fn only_an_editor_may_configure_and_only_an_endpoint_editor_writes_endpoints() {
        let having = |resource: &str, verb: &str| -> Vec<&str> {
            let has = |role: &&UserRole| {
                role.rules.iter().flat_map(Rule::rights).any(|right| (right.1, right.2) == (resource, verb))
            };
            USER_ROLES.iter().filter(has).map(|role| role.name).collect()
        };
        assert_eq!(having("cicdcontexts", "configure"), ["cicd-editor"]);
        assert_eq!(having("cicdendpoints", "patch"), ["cicd-endpoint-editor"]);
        assert_eq!(having("cicdcontexts", "delete"), ["cicd-editor"]);
        assert!(having("cicdevents", "update").is_empty());
    }
}

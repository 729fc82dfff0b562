//! Writes the roles and their bindings. Knows what YAML and Helm want, and no rule.

use super::{
    File,
    definition::{CLUSTER_BASE_READER, OPERATOR, PIPELINE, Rule, USER_ROLES, UserRole},
    form::{Form, comment, list},
};

const PLAIN: &str = "deploy/rbac";
const CHART: &str = "charts/cicdcontext/templates/rbac";

/// The files of `deploy/rbac` and of the chart's `templates/rbac`.
pub fn files() -> Vec<File> {
    let mut files: Vec<File> =
        USER_ROLES.iter().flat_map(|role| Form::BOTH.map(|form| user_role(form, role))).collect();
    files.push(file(PLAIN, "operator", plain_operator()));
    files.push(file(CHART, "operator", chart_operator()));
    files.push(file(CHART, "pipeline-service-accounts", pipeline_service_accounts()));
    files.push(file(PLAIN, "kustomization", kustomization()));
    files
}

fn file(folder: &str, name: &str, text: String) -> File {
    File { path: format!("{folder}/{name}.yaml"), text }
}

fn rules(rules: &[Rule], indent: usize) -> String {
    rules.iter().fold(String::new(), |text, rule| {
        let (why, space) = (comment(rule.why, indent), " ".repeat(indent));
        // The first key stands behind the dash.
        let group = list("apiGroups", &[rule.group], 0);
        let resources = list("resources", rule.resources, indent + 2);
        text + &why + &format!("{space}- {group}") + &resources + &list("verbs", rule.verbs, indent + 2)
    })
}

fn head(form: Form, kind: &str, name: &str, namespace: Option<&str>) -> String {
    let namespace = namespace.map(|namespace| format!("  namespace: {namespace}\n")).unwrap_or_default();
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n{namespace}  labels:\n{}",
        form.labels()
    )
}

/// What a binding gives, without its subjects.
fn role_ref(kind: &str, name: &str) -> String {
    format!("roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {name}\nsubjects:\n")
}

fn subject(name: &str, namespace: &str) -> String {
    format!("  - kind: ServiceAccount\n    name: {name}\n    namespace: {namespace}\n")
}

/// A role of the operator and its binding.
fn bound(form: Form, cluster: &str, name: &str, namespace: Option<&str>, rules: &str) -> String {
    let role = head(form, &format!("{cluster}Role"), name, namespace);
    let binding = head(form, &format!("{cluster}RoleBinding"), name, namespace);
    let to = role_ref(&format!("{cluster}Role"), name) + &subject(form.service_account(), form.namespace());
    format!("---\n{role}rules:\n{rules}---\n{binding}{to}")
}

fn user_role(form: Form, role: &UserRole) -> File {
    let aggregation = role
        .part_of
        .iter()
        .fold(String::new(), |text, to| text + &format!("    rbac.authorization.k8s.io/aggregate-to-{to}: \"true\"\n"));
    let aggregation = match form {
        Form::Chart if !aggregation.is_empty() => {
            format!("    {{{{- if .Values.rbac.aggregate }}}}\n{aggregation}    {{{{- end }}}}\n")
        }
        Form::Chart | Form::Plain => aggregation,
    };
    let text = comment(role.who, 0)
        + &head(form, "ClusterRole", role.name, None)
        + &aggregation
        + "rules:\n"
        + &rules(role.rules, 2);
    let name = role.name.trim_start_matches("cicd-");
    match form {
        Form::Plain => file(PLAIN, name, form.generated().to_owned() + &text),
        Form::Chart => file(
            CHART,
            name,
            format!(
                "{}{{{{- if and .Values.rbac.create .Values.rbac.userRoles }}}}\n{text}{{{{- end }}}}\n",
                form.generated()
            ),
        ),
    }
}

fn plain_operator() -> String {
    let form = Form::Plain;
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {}\n  namespace: {}\n  labels:\n{}",
        form.service_account(),
        form.namespace(),
        form.labels()
    );
    let token =
        comment("The Deployment asks for the token; nothing else that runs under this account gets one by itself.", 0)
            + "automountServiceAccountToken: false\n";
    let everywhere =
        [OPERATOR.namespaced, OPERATOR.cluster_bases, OPERATOR.cluster].map(|part| rules(part, 2)).concat();
    [
        form.generated().to_owned(),
        comment(
            "What the operator itself may do, and nothing more. It reads Secrets by name and can neither list nor watch them.",
            0,
        ),
        account,
        token,
        bound(form, "Cluster", form.fullname(), None, &everywhere),
        leader_election(form),
    ]
    .concat()
}

/// In the whole cluster, or a Role in each watched namespace and a ClusterRole for what has no namespace.
fn chart_operator() -> String {
    let form = Form::Chart;
    let cluster = [
        "  {{- if .Values.clusterBases.enabled }}\n",
        &rules(OPERATOR.cluster_bases, 2),
        "  {{- end }}\n",
        &rules(OPERATOR.cluster, 2),
        "  {{- if not .Values.watchNamespaces }}\n",
        &rules(OPERATOR.namespaced, 2),
        "  {{- end }}\n",
    ]
    .concat();
    [
        form.generated(),
        "{{- if .Values.rbac.create }}\n",
        &comment("What the operator itself may do, and nothing more. It reads Secrets by name.", 0),
        &bound(form, "Cluster", form.fullname(), None, &cluster),
        "{{- range $namespace := .Values.watchNamespaces }}\n",
        &bound(form, "", form.fullname(), Some("{{ $namespace | quote }}"), &rules(OPERATOR.namespaced, 2)),
        "{{- end }}\n",
        "{{- if and .Values.watchNamespaces .Values.clusterBases.enabled (not (has \"default\" .Values.watchNamespaces)) }}\n",
        &comment("ClusterCicdBases have no namespace: what is told about them stands in this one.", 0),
        &bound(form, "", form.fullname(), Some("default"), &rules(OPERATOR.told_in_default, 2)),
        "{{- end }}\n",
        &leader_election(form),
        "{{- end }}\n",
    ]
    .concat()
}

/// It has a name of its own: the operator's namespace may be a watched one, too.
fn leader_election(form: Form) -> String {
    let name = format!("{}-leader-election", form.fullname());
    bound(form, "", &name, Some(form.namespace()), &rules(OPERATOR.own_namespace, 2))
}

/// What a pipeline's ServiceAccount needs: its own namespace, and ClusterCicdBases.
fn pipeline_service_accounts() -> String {
    let form = Form::Chart;
    let own = head(
        form,
        "RoleBinding",
        &format!("{}-pipeline-{{{{ .name }}}}", form.fullname()),
        Some("{{ .namespace | quote }}"),
    );
    let cluster = head(form, "ClusterRoleBinding", &format!("{}-pipelines", form.fullname()), None);
    let account = subject("{{ .name | quote }}", "{{ .namespace | quote }}");
    [
        form.generated(),
        "{{- if .Values.rbac.create }}\n{{- range .Values.pipelineServiceAccounts }}\n---\n",
        &comment(
            "In its own namespace alone: bound in the whole cluster, it would open the contexts of every namespace.",
            0,
        ),
        &own,
        &role_ref("ClusterRole", PIPELINE),
        &account,
        "{{- end }}\n{{- if and .Values.clusterBases.enabled .Values.pipelineServiceAccounts }}\n---\n",
        &cluster,
        &role_ref("ClusterRole", CLUSTER_BASE_READER),
        "  {{- range .Values.pipelineServiceAccounts }}\n",
        &account,
        "  {{- end }}\n{{- end }}\n{{- end }}\n",
    ]
    .concat()
}

fn kustomization() -> String {
    let files = USER_ROLES.iter().map(|role| role.name.trim_start_matches("cicd-")).chain(["operator"]);
    let head = Form::Plain.generated().to_owned()
        + "# Roles for people and pipelines, and what the operator itself may do: kubectl apply -k deploy/rbac\n\
           # The operator's own role needs the namespace cicdcontext-system to be there.\n\
           apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n";
    files.fold(head, |text, file| text + &format!("  - {file}.yaml\n"))
}

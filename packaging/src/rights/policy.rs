//! Writes the two admission policies: who writes the status of events and state writes, and what of a context may change
//! without the verb `configure`.
//!
//! Both say what is allowed; what they do not know is refused, so that a field that is added later is not forgotten.

use cicdcontext_crds::vocabulary::{
    GROUP,
    annotation::{EVENT_PREFIX, GENERATE_PREFIX, RUN_UID},
};

use super::{
    File,
    form::{Form, comment, list},
};

/// Fields of a context's spec that anybody who may create contexts may give a new one.
pub const SPEC_AT_CREATION: [&str; 6] =
    ["context", "bases", "state", "stateSchema", "variableValues", "ttlSecondsAfterLastActivity"];
/// The field of a context's spec that anybody who may patch contexts may change.
pub const STATE: &str = "state";

/// What the API server itself puts into the metadata of a new object.
const METADATA_OF_EVERY_OBJECT: [&str; 8] =
    ["name", "generateName", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion", "managedFields"];
/// What differs after any change; of managedFields, what server-side apply goes by is compared (see `ownership`).
const METADATA_OF_EVERY_CHANGE: [&str; 3] = ["generation", "resourceVersion", "managedFields"];
/// What is compared key by key.
const MAPS: [&str; 2] = ["annotations", "labels"];

/// Parts of Kubernetes that write into every object: the one that removes what has no owner any more takes finalizers and
/// owner references away.
const CONTROL_PLANE: [&str; 2] =
    ["system:serviceaccount:kube-system:generic-garbage-collector", "system:kube-controller-manager"];

/// The files of `deploy/admission` and of the chart's `templates/admission`.
pub fn files() -> Vec<File> {
    let file = |folder: &str, name: &str, text: String| File { path: format!("{folder}/{name}.yaml"), text };
    let mut files = Vec::new();
    for (name, folder, write) in [
        ("status", "deploy/admission", status as fn(Form) -> String),
        ("configure", "deploy/admission/configure", configure),
    ] {
        files.push(file(folder, name, Form::Plain.generated().to_owned() + &write(Form::Plain)));
        files.push(file(folder, "kustomization", kustomization(name)));
        let text =
            format!("{{{{- if .Values.admissionPolicy.{name}.enabled }}}}\n{}{{{{- end }}}}\n", write(Form::Chart));
        files.push(file("charts/cicdcontext/templates/admission", name, Form::Chart.generated().to_owned() + &text));
    }
    files
}

fn kustomization(name: &str) -> String {
    let what = match name {
        "status" => {
            "# Only the operator writes the status of events and state writes: kubectl apply -k deploy/admission"
        }
        _ => {
            "# Whoever may not configure a context changes its state and fires its events, and nothing else of it:\n\
             # kubectl apply -k deploy/admission/configure"
        }
    };
    format!(
        "{}{what}\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - {name}.yaml\n",
        Form::Plain.generated()
    )
}

fn status(form: Form) -> String {
    let rule = resource_rule(&["cicdevents/status", "cicdstatewrites/status"], &["UPDATE"]);
    let message = "'only the operator writes the status of a ' + request.kind.kind + ', not ' + request.userInfo.username +\n\
                   ': it says what the operator did; delete the object, or ask for a redelivery of an event by an annotation'";
    let validation = validation(
        &format!("request.userInfo.username in {}", operators(form)),
        "only the operator writes the status of events and state writes",
        message,
    );
    comment(
        "Only the operator writes the status of events and state writes. No role of users may do that either; this holds \
         for administrators, too.",
        0,
    ) + &policy(form, "status", &(rule + &validation))
}

fn configure(form: Form) -> String {
    let rule = resource_rule(&["cicdcontexts"], &["CREATE", "UPDATE"]);
    let conditions = conditions(&[
        ("not-the-operator", format!("!(request.userInfo.username in {})", operators(form))),
        ("not-the-control-plane", format!("!(request.userInfo.username in {})", texts(&CONTROL_PLANE))),
        (
            "may-not-configure",
            format!(
                "!authorizer.group('{GROUP}').resource('cicdcontexts').namespace(request.namespace).name(request.name)\n\
                 .check('configure').allowed()"
            ),
        ),
    ]);
    let spec = texts(&SPEC_AT_CREATION);
    let own = texts(&[&METADATA_OF_EVERY_OBJECT[..], &MAPS].concat());
    let changing = texts(&[&METADATA_OF_EVERY_CHANGE[..], &MAPS].concat());
    let may_change = format!("k.startsWith('{EVENT_PREFIX}') || k.startsWith('{GENERATE_PREFIX}')");
    let (labels, may_label) = form.labels_at_creation();
    let wrong = [
        ("spec", format!("k in {spec}"), format!("k == '{STATE}'"), "spec."),
        ("metadata", format!("k in {own}"), format!("k in {changing}"), "metadata."),
        ("labels", labels, "k in []".to_owned(), "label "),
        ("annotations", format!("k == '{RUN_UID}'"), may_change, "annotation "),
    ];
    let variables = wrong.iter().flat_map(|(name, created, changed, prefix)| {
        let (path, parent) = match *name {
            "spec" | "metadata" => (format!("dyn(object.{name})"), format!("dyn(oldObject.{name})")),
            _ => (
                format!("has(object.metadata.{name}) ? dyn(object.metadata.{name}) : {{}}"),
                format!("has(oldObject.metadata.{name}) ? dyn(oldObject.metadata.{name}) : {{}}"),
            ),
        };
        let (new, old) = (format!("variables.{name}"), format!("variables.{name}Before"));
        [
            (name.to_string(), path),
            (format!("{name}Before"), format!("request.operation == 'CREATE' ? {{}} : ({parent})")),
            (
                format!("{name}Wrong"),
                format!(
                    "(request.operation == 'CREATE' ?\n\
                     \x20 {new}.filter(k, !({created})) :\n\
                     \x20 {new}.filter(k, !({changed}) && !(k in {old} && {old}[k] == {new}[k])) +\n\
                     \x20 {old}.filter(k, !({changed}) && !(k in {new}))\n\
                     ).map(k, '{prefix}' + k)"
                ),
            ),
        ]
    });
    let all: Vec<String> = wrong.iter().map(|(name, ..)| format!("variables.{name}Wrong")).collect();
    // Whoever applies a field owns it, too: that is said only where it is all that is wrong.
    let all = [
        ("written".to_owned(), all.join(" + ")),
        ("wrong".to_owned(), "size(variables.written) > 0 ? variables.written : variables.ownedWrong".to_owned()),
    ];
    let variables: Vec<(String, String)> = variables.chain(ownership()).chain(all).collect();
    let message = format!(
        "request.userInfo.username + ' may not ' + (request.operation == 'CREATE' ? 'set ' : 'change ') +\n\
         variables.wrong.join(', ') + ' of a CicdContext: without the verb configure on cicdcontexts, ' +\n\
         (request.operation == 'CREATE' ?\n\
         \x20 'a new one has of its spec only {}{may_label}, and of annotations only {RUN_UID}' :\n\
         \x20 'only spec.{STATE} and annotations {EVENT_PREFIX}* and {GENERATE_PREFIX}* change')",
        SPEC_AT_CREATION.join(", ")
    );
    let validation = validation(
        "size(variables.wrong) == 0",
        "without the verb configure on cicdcontexts, only the state and the event annotations of a context change",
        &message,
    );
    comment(
        "Whoever may patch contexts and does not have the verb configure on them (cicd-editor has it) changes the state of \
         a context and fires its events, and nothing else of it. Owner references and finalizers are refused as labels and \
         other annotations are: the ledger is one of those.",
        0,
    ) + &policy(form, "configure", &(rule + &conditions + &self::variables(&variables) + &validation))
}

/// What each manager of server-side apply owns beyond the state and event annotations. Who could enter a field there would
/// have the next apply of that manager, which does not name the field, remove it.
fn ownership() -> [(String, String); 3] {
    let owned = |object: &str| {
        let claimed = |part: &str, kept: &str| {
            format!(
                "'{part}' in e.fieldsV1 ?\n\
                 \x20   e.fieldsV1['{part}'].filter(k, {kept}).map(k, [dyn(k), dyn(e.fieldsV1['{part}'][k])]) : []"
            )
        };
        let spec = claimed("f:spec", &format!("!(k in ['.', 'f:{STATE}'])"));
        let metadata = claimed("f:metadata", "!(k in ['.', 'f:annotations'])");
        format!(
            "has({object}.metadata.managedFields) ? dyn({object}.metadata.managedFields)\n\
             .filter(e, e.operation == 'Apply' && !('subresource' in e) && 'fieldsV1' in e)\n\
             .map(e, {{\n\
             \x20 'manager': dyn(e.manager),\n\
             \x20 'spec': dyn({spec}),\n\
             \x20 'metadata': dyn({metadata}),\n\
             \x20 'annotations': dyn('f:metadata' in e.fieldsV1 && 'f:annotations' in e.fieldsV1['f:metadata'] ?\n\
             \x20   e.fieldsV1['f:metadata']['f:annotations'].filter(k, k != '.' &&\n\
             \x20     !k.startsWith('f:{EVENT_PREFIX}') && !k.startsWith('f:{GENERATE_PREFIX}')) : [])}})\n\
             .filter(e, size(e['spec']) + size(e['metadata']) + size(e['annotations']) > 0) : []"
        )
    };
    let wrong = "request.operation == 'CREATE' ||\n\
                 (variables.owned.all(e, e in variables.ownedBefore) && variables.ownedBefore.all(e, e in variables.owned))\n\
                 ? [] : ['metadata.managedFields']";
    [
        ("owned".to_owned(), owned("object")),
        ("ownedBefore".to_owned(), format!("request.operation == 'CREATE' ? [] : ({})", owned("oldObject"))),
        ("ownedWrong".to_owned(), wrong.to_owned()),
    ]
}

impl Form {
    /// Which labels may be set without `configure`, and how a message tells of them.
    fn labels_at_creation(self) -> (String, &'static str) {
        match self {
            Self::Plain => ("k in []".to_owned(), ""),
            Self::Chart => (
                "k in [{{ range $i, $l := .Values.admissionPolicy.configure.labels }}{{ if $i }}, {{ end }}'{{ $l }}'{{ end }}]"
                    .to_owned(),
                "{{ with .Values.admissionPolicy.configure.labels }}, of labels only {{ join \", \" . }}{{ end }}",
            ),
        }
    }
}

/// The users that operators are, as a CEL list.
fn operators(form: Form) -> String {
    let own = format!("'system:serviceaccount:{}:{}'", form.namespace(), form.service_account());
    let others = match form {
        Form::Plain => "",
        Form::Chart => {
            "{{ range .Values.admissionPolicy.operators }}, 'system:serviceaccount:{{ .namespace }}:{{ .name }}'{{ end }}"
        }
    };
    format!("[{own}{others}]")
}

/// A CEL list of texts.
fn texts(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
    format!("[{}]", quoted.join(", "))
}

fn resource_rule(resources: &[&str], operations: &[&str]) -> String {
    let resources = list("resources", resources, 8);
    let operations = list("operations", operations, 8);
    format!(
        "    resourceRules:\n      - apiGroups: [{GROUP}]\n        apiVersions: [\"*\"]\n{operations}{resources}        scope: \
         Namespaced\n"
    )
}

/// `key: |-` with an expression of several lines.
fn block(key: &str, expression: &str, indent: usize) -> String {
    let space = " ".repeat(indent);
    expression.lines().fold(format!("{key}: |-\n"), |text, line| format!("{text}{space}  {line}\n"))
}

fn named(key: &str, expressions: &[(String, String)]) -> String {
    expressions.iter().fold(format!("  {key}:\n"), |text, (name, expression)| {
        format!("{text}    - name: {name}\n      {}", block("expression", expression, 6))
    })
}

fn conditions(all: &[(&str, String)]) -> String {
    let all: Vec<_> = all.iter().map(|(name, expression)| ((*name).to_owned(), expression.clone())).collect();
    named("matchConditions", &all)
}

fn variables(all: &[(String, String)]) -> String {
    named("variables", all)
}

fn validation(expression: &str, message: &str, message_expression: &str) -> String {
    format!(
        "  validations:\n    - {}      reason: Forbidden\n      message: {message}\n      {}",
        block("expression", expression, 6),
        block("messageExpression", message_expression, 6)
    )
}

fn policy(form: Form, name: &str, body: &str) -> String {
    let full = format!("{}-{name}", form.fullname());
    let head = |kind: &str| {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy{kind}\nmetadata:\n  name: {full}\n  \
             labels:\n{}spec:\n",
            form.labels()
        )
    };
    // What an operator of its own watches is its own to guard.
    let (watched, chosen) = match form {
        Form::Plain => (String::new(), String::new()),
        Form::Chart => (
            "    {{- with .Values.watchNamespaces }}\n    namespaceSelector:\n      matchExpressions:\n        - key: \
             kubernetes.io/metadata.name\n          operator: In\n          values: {{ toJson . }}\n    {{- end }}\n"
                .to_owned(),
            format!(
                "  {{{{- with .Values.admissionPolicy.{name}.namespaceSelector }}}}\n  matchResources:\n    \
                 namespaceSelector:\n      {{{{- toYaml . | nindent 6 }}}}\n  {{{{- end }}}}\n"
            ),
        ),
    };
    format!(
        "{}  failurePolicy: Fail\n  matchConstraints:\n{watched}{body}---\n{}  policyName: {full}\n  validationActions: [Deny]\n\
         {chosen}",
        head(""),
        head("Binding"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_may_be_set_without_configure_are_fields_of_a_context() {
        let manifests = cicdcontext_crds::manifests::manifests().unwrap();
        let contexts = manifests.iter().find(|manifest| manifest.name.starts_with("cicdcontexts.")).unwrap();
        let spec = contexts.json.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties");
        let fields = spec.and_then(Value::as_object).unwrap();
        for field in SPEC_AT_CREATION.into_iter().chain([STATE]) {
            assert!(fields.contains_key(field), "{field} is no field of a context; it has {:?}", fields.keys());
        }
    }

    #[test]
    fn both_policies_refuse_when_they_cannot_be_evaluated() {
        for form in Form::BOTH {
            for text in [status(form), configure(form)] {
                assert_eq!(text.matches("  failurePolicy: Fail\n").count(), 1, "{text}");
                assert_eq!(text.matches("  validationActions: [Deny]\n").count(), 1, "{text}");
            }
        }
    }
}

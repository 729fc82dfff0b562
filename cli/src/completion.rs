//! Completion of `kubectl cicd`: kubectl runs `kubectl_complete-cicd` with the words of the line so far, the last of them
//! unfinished, and offers what that prints. Everything comes from the definition of the command line; nobody is asked.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory};

use crate::arguments::Arguments;

/// The name under which kubectl runs the program for this.
pub(crate) const PLUGIN: &str = "kubectl_complete-cicd";

/// Tells the shell that names of files are no candidates.
const NO_FILES: &str = ":4";

/// What fits in place of the last word, a line each, and a last line for the shell.
pub(crate) fn for_kubectl(words: &[OsString]) -> String {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut command = Arguments::command();
    // Flags of the cluster are flags of each verb only once it is built.
    command.build();
    let mut lines = candidates(&command, &words);
    lines.push(NO_FILES.to_owned());
    lines.join("\n") + "\n"
}

fn candidates(program: &Command, words: &[String]) -> Vec<String> {
    let (unfinished, before) = words.split_last().map_or(("", [].as_slice()), |(last, rest)| (last.as_str(), rest));
    let mut command = program;
    let mut is_verb_known = false;
    // The flag whose value the next word is.
    let mut flag: Option<&Arg> = None;
    for word in before {
        if flag.take().is_some() {
            continue;
        }
        if word.starts_with('-') {
            flag = flag_of(command, word).filter(|flag| flag.get_action().takes_values());
        } else if let Some(verb) = command.find_subcommand(word).filter(|_| !is_verb_known) {
            command = verb;
            is_verb_known = true;
        }
    }
    let fitting = |candidate: &String| candidate.starts_with(unfinished);
    if let Some(flag) = flag {
        return values(flag).into_iter().filter(fitting).collect();
    }
    if let Some((name, _)) = unfinished.split_once('=').filter(|(name, _)| name.starts_with("--")) {
        let values = flag_of(command, name).map(values).unwrap_or_default();
        return values.into_iter().map(|value| format!("{name}={value}")).filter(fitting).collect();
    }
    if unfinished.starts_with('-') {
        let flags = command.get_arguments().filter(|argument| !argument.is_hide_set());
        return flags.filter_map(Arg::get_long).map(|long| format!("--{long}")).filter(fitting).collect();
    }
    if is_verb_known {
        return command.get_positionals().flat_map(values).filter(fitting).collect();
    }
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    verbs.map(|verb| verb.get_name().to_owned()).filter(fitting).collect()
}

/// The flag that a word is, if its value is not part of the word.
fn flag_of<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|argument| match word.strip_prefix("--") {
        Some(long) => argument.get_long() == Some(long),
        None => argument.get_short().is_some_and(|short| word.strip_prefix('-') == Some(short.to_string().as_str())),
    })
}

/// The values that an argument can have, if they are few.
fn values(argument: &Arg) -> Vec<String> {
    let values = argument.get_possible_values();
    values.iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(words: &[&str]) -> Vec<String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let text = for_kubectl(&words);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(lines.pop().as_deref(), Some(":4"));
        lines
    }

    #[test]
    fn verbs_are_completed_wherever_flags_stand() {
        assert_eq!(completed(&["ev"]), ["event", "events"]);
        assert_eq!(completed(&["-n", "team", "red"]), ["redeliver"]);
        assert_eq!(completed(&["--namespace=team", "red"]), ["redeliver"]);
        let verbs = completed(&[""]);
        assert!(verbs.contains(&"copy-to".to_owned()) && verbs.len() >= 18, "{verbs:?}");
        assert_eq!(completed(&[]), verbs);
    }

    #[test]
    fn a_name_that_is_a_verb_too_does_not_change_the_verb() {
        assert_eq!(completed(&["get", "set", "--def"]), ["--default"]);
    }

    #[test]
    fn flags_of_the_verb_and_of_the_cluster_are_completed() {
        assert_eq!(completed(&["event", "shop", "build=ok", "--wait"]), ["--wait", "--wait-for"]);
        assert_eq!(completed(&["get", "--kube"]), ["--kubeconfig"]);
        assert_eq!(completed(&["--kube"]), ["--kubeconfig"]);
    }

    #[test]
    fn values_of_flags_and_arguments_are_completed_where_they_are_few() {
        assert_eq!(completed(&["get", "shop", "-o", ""]), ["text", "json", "yaml"]);
        assert_eq!(completed(&["get", "shop", "--output", "j"]), ["json"]);
        assert_eq!(completed(&["get", "shop", "--output=j"]), ["--output=json"]);
        assert_eq!(completed(&["get", "shop", "--default", ""]), Vec::<String>::new());
        assert_eq!(completed(&["completion", "b"]), ["bash"]);
        assert_eq!(completed(&["get", "sh"]), Vec::<String>::new());
        assert_eq!(completed(&["get", "--unknown=x"]), Vec::<String>::new());
    }
}

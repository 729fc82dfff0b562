//! Runs the real kubectl, and shows a command as it would be typed.

use std::process::{Output, Stdio};

use cicdcontext_tests::cluster::{Access, Role};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    error::DemoError,
    output::{WIDTH, indented},
};

/// A kubectl command: its arguments, and what it reads from standard input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invocation {
    pub(crate) arguments: Vec<String>,
    pub(crate) input: Option<String>,
}

impl Invocation {
    /// A command without input.
    pub(crate) fn new<const N: usize>(arguments: [&str; N]) -> Self {
        Self { arguments: arguments.map(str::to_owned).to_vec(), input: None }
    }

    /// The command as it is typed into a shell.
    pub(crate) fn typed(&self) -> String {
        let mut text = "kubectl".to_owned();
        let mut column = text.len();
        for argument in &self.arguments {
            let argument = quoted(argument);
            let first = argument.lines().next().unwrap_or_default().chars().count();
            // Quotation may go over lines by itself; only in front of it is a break needed.
            if column + 1 + first > WIDTH - 6 && column > 2 {
                text.push_str(" \\\n  ");
                column = 2;
            } else {
                text.push(' ');
                column += 1;
            }
            text.push_str(&argument);
            column = if argument.contains('\n') {
                argument.lines().last().unwrap_or_default().len()
            } else {
                column + first
            };
        }
        match &self.input {
            Some(input) => format!("{text} <<'EOF'\n{}\nEOF", input.trim_end()),
            None => text,
        }
    }
}

/// kubectl with the rights of one role.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    access: Access,
    role: Role,
}

impl Kubectl {
    pub(crate) fn new(access: Access, role: Role) -> Self {
        Self { access, role }
    }

    /// Runs a command and returns what it printed.
    pub(crate) async fn run(&self, invocation: &Invocation) -> Result<String, DemoError> {
        let failed = |problem: String| DemoError::Command { command: invocation.typed(), problem };
        let output = self.output(invocation).await.map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(failed(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()))
    }

    /// Shows a command, runs it and shows what it printed.
    pub(crate) async fn show(&self, invocation: &Invocation) -> Result<(), DemoError> {
        let typed = invocation.typed();
        let (first, rest) = typed.split_once('\n').unwrap_or((&typed, ""));
        println!("  $ {first}");
        // A heredoc must be shown as it stands; only what the shell joins is indented.
        indented(rest, 4);
        indented(&self.run(invocation).await?, 4);
        Ok(())
    }

    async fn output(&self, invocation: &Invocation) -> std::io::Result<Output> {
        let mut command = Command::from(self.access.kubectl_as(self.role));
        command.args(&invocation.arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let Some(input) = &invocation.input else {
            return command.stdin(Stdio::null()).output().await;
        };
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        child.wait_with_output().await
    }
}

/// A word of a shell command.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_=./:,@%+".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        let annotate = Invocation::new(["annotate", "cctx/a", r#"event.cicdcontext.io/1={"a": "it's"}"#]);
        assert_eq!(annotate.typed(), r#"kubectl annotate cctx/a 'event.cicdcontext.io/1={"a": "it'\''s"}'"#);
        let create = Invocation { input: Some("kind: X\n".into()), ..Invocation::new(["create", "-f", "-"]) };
        assert_eq!(create.typed(), "kubectl create -f - <<'EOF'\nkind: X\nEOF");
    }

    #[test]
    fn a_long_argument_goes_to_a_line_of_its_own() {
        let long = "x".repeat(80);
        assert_eq!(
            Invocation::new(["-n", "shop", "patch", &long]).typed(),
            format!("kubectl -n shop patch \\\n  {long}")
        );
    }
}

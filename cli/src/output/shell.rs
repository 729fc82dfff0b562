//! Variables as a file that a POSIX shell reads with `.`: `NAME='value'`, one after the other.
//!
//! Between single quotes a shell looks for nothing but the closing one, so whatever a value holds stays text.

use super::variables::Variable;

/// The file; with `export` the variables also reach the programs that the shell starts.
///
/// ```
/// use cicdcontext_cli::output::{shell::shell, variables::Variable};
///
/// let name = Variable { name: "greeting".to_owned(), path: "state.greeting".to_owned(), text: "it's $(5)".into() };
/// assert_eq!(shell(&[name], false), "greeting='it'\\''s $(5)'\n");
/// ```
pub fn shell(variables: &[Variable<'_>], export: bool) -> String {
    let export = if export { "export " } else { "" };
    let line = |variable: &Variable<'_>| format!("{export}{}={}\n", variable.name, quoted(&variable.text));
    variables.iter().map(line).collect::<Vec<_>>().concat()
}

/// A text as one word of a shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;

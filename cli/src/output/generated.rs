//! Texts for tests: those that quoting goes wrong with.

use proptest::prelude::*;

/// Texts that are tried in any case.
pub(super) const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "'",
    "''",
    "'\\''",
    "\"",
    "\\",
    "\\\\",
    "trailing\\",
    "trailing'\\",
    "'trailing\\'",
    "$(touch canary)",
    "`touch canary`",
    "'$(touch canary)'",
    "\"$(touch canary)\"",
    "\\'$(touch canary)\\'",
    "'; touch canary; '",
    "'\ntouch canary\n'",
    "\ntouch canary\n",
    "; touch canary",
    "& touch canary &",
    "| touch canary",
    "a[$(touch canary)]",
    "x) touch canary",
    "$HOME ${HOME} $$ $? $0 $1",
    "$((1+1)) ${x:=y} ${x:?stop}",
    "$'\\x41' $\"b\"",
    "!! !$ !touch",
    "-n",
    "-e \\n",
    "--",
    "~ ~root * ? [a-z] {a,b}",
    "# no comment",
    "a # no comment",
    "a=b",
    "\n",
    "\n\n",
    "line\nbreak",
    "ends with a line break\n",
    "\r\n",
    "windows\r\nlines\r\n",
    "\t tab \u{b} \u{c} \u{8}",
    "\u{1}\u{7f}\u{81}\u{88}\u{1b}[31m",
    "größe Ж 漢字 \u{1f600} \u{301}\u{202e}\u{2028}\u{feff}",
    "ā á \u{7ff} \u{fffd} \u{10ffff}",
    "EOF\nCICDCTL_END\nEOF",
    "%s %d \\0 \\c \\n",
];

/// Texts without NUL: pieces that mean something to some reader, and any characters at all.
pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(vec![
            "'", "\"", "\\", "$", "`", "\n", "\r", "\r\n", " ", "\t", "!", "-", "#", "=", ";", "&", "|", "<<", "<", ">",
            "(", ")", "{", "}", "[", "]", "*", "?", "~", "%", "$(", "${", "$((", "$(touch canary)", "`touch canary`",
            "\ntouch canary\n", "'; touch canary; '", "touch canary", "\\n", "\\'", "\u{1}", "\u{7f}", "\u{301}", "é",
            "漢", "\u{1f600}", "a", "Z", "0",
        ]).prop_map(str::to_owned),
        2 => any::<char>().prop_filter("a NUL", |character| *character != '\0').prop_map(String::from),
    ];
    prop_oneof![
        1 => proptest::sample::select(TEXTS).prop_map(str::to_owned),
        12 => proptest::collection::vec(piece.clone(), 0..24).prop_map(|pieces| pieces.concat()),
        1 => (piece, 1..4000_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

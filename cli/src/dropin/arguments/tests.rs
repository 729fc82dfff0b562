use super::*;

fn read(line: &[&str]) -> Result<Parsed, UsageError> {
    parse(&line.iter().map(OsString::from).collect::<Vec<_>>())
}

fn arguments(line: &[&str]) -> Arguments {
    match read(line) {
        Ok(Parsed::Run(arguments)) => *arguments,
        other => panic!("{line:?}: {other:?}"),
    }
}

#[test]
fn options_are_read_in_every_form_that_argparse_knew() {
    for line in [&["--get", "a"][..], &["--get=a"]] {
        assert_eq!(arguments(line).get.as_deref(), Some("a"), "{line:?}");
    }
    for line in [&["--gen", "a=b"][..], &["--gen=a=b"]] {
        assert_eq!(arguments(line).generate.as_deref(), Some("a=b"), "{line:?}");
    }
    for line in [&["-l", "INFO"][..], &["-lINFO"], &["-l=INFO"], &["--log-level", "INFO"], &["--log=INFO"]] {
        assert_eq!(arguments(line).log_level.as_deref(), Some("INFO"), "{line:?}");
    }
    let all =
        arguments(&["--set", "a=1", "--set=b=2", "--load", "--tmpl", "x=y", "--set", "-5", "--set", "-a b", "--id="]);
    assert_eq!(all.set, ["a=1", "b=2", "-5", "-a b"]);
    assert_eq!((all.load, all.template_variables, all.id.as_deref()), (true, vec!["x=y".to_owned()], Some("")));
    assert_eq!(arguments(&["--set", "--", "-x=1"]).set, ["-x=1"]);
    assert_eq!(arguments(&["--get", "a", "--get", "b"]).get.as_deref(), Some("b"));
}

#[test]
fn help_is_printed_where_it_is_asked_for() {
    for line in [&["-h"][..], &["--help"], &["--he"], &["more", "-h"]] {
        assert_eq!(read(line), Ok(Parsed::Help), "{line:?}");
    }
    for definition in DEFINITIONS {
        assert!(definition.names.iter().all(|name| HELP.contains(name)));
    }
    assert!(HELP.lines().all(|line| line.len() <= 120), "{}", *HELP);
}

#[test]
fn a_line_that_cannot_be_read_says_what_would_be_right() {
    for (line, expected) in [
        (&["--s", "a"][..], "read --s: it may be --secrets or --set; write one of them whole"),
        (&["--lo"], "read --lo: it may be --log-level or --load; write one of them whole"),
        (
            &["--get"],
            "read --get: it takes one value, and none follows; write --get=VALUE if the value begins with a hyphen",
        ),
        (
            &["--get", "--load"],
            "read --get: it takes one value, and none follows; write --get=VALUE if the value begins with a hyphen",
        ),
        (
            &["--set", "-x=1"],
            "read --set: it takes one value, and none follows; write --set=VALUE if the value begins with a hyphen",
        ),
        (&["--load=x"], "read --load: it takes no value, and there is \"x\""),
        (&["a", "--no", "--load", "-"], "read the command line: unrecognized arguments: a --no -"),
    ] {
        assert_eq!(read(line).unwrap_err().to_string(), expected, "{line:?}");
    }
}

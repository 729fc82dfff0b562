//! Templates that mean harm. Each must end soon, as an error of that template which names the bound, or harmlessly.
//!
//! Every attack runs in a child process: see [`crate::attack`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::testing::{library, render, render_in, seed, source, sources};
use super::{Bound, Bounds, Escape, Library};
use crate::attack::attack;

fn nested(levels: usize) -> String {
    "{{#if a}}".repeat(levels) + &"{{/if}}".repeat(levels)
}

fn long_list(count: usize) -> Value {
    json!({"a": vec![0; count], "b": vec![0; count]})
}

/// So many ` name=1`, all different.
fn named(count: usize) -> String {
    (0..count).map(|at| format!(" n{at}=1")).collect::<Vec<_>>().concat()
}

/// Wraps `inner` in `levels` blocks that each make the text in `this` twice as long.
fn doubling(levels: usize, double: &str, inner: &str) -> String {
    format!("{{{{#with {double}}}}}").repeat(levels) + inner + &"{{/with}}".repeat(levels)
}

attack!(
    blocks_nested_1500_deep_are_refused,
    || render(&nested(1500), &json!({})),
    "compile `test` at line 1, column 289: nesting of blocks over the limit: allowed are 32 levels"
);
attack!(
    blocks_nested_1500_deep_and_never_closed_are_refused,
    || render(&"{{#each a}}".repeat(1500), &json!({})),
    "nesting of blocks over the limit: allowed are 32 levels"
);
attack!(
    blocks_nested_100000_deep_are_refused,
    || render(&nested(100_000), &json!({})),
    "template size over the limit: 1600000, allowed are 65536 bytes"
);
attack!(
    an_else_chain_of_1500_is_refused,
    || render(&format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}".repeat(1500)), &json!({})),
    "number of `else if` branches over the limit: allowed are 64 branches"
);
attack!(
    helper_calls_nested_5000_deep_are_refused,
    || render(&format!("{{{{{} a{}}}}}", "not (".repeat(5000), ")".repeat(5000)), &json!({})),
    "nesting of helper calls over the limit: allowed are 16 levels"
);
attack!(
    lists_nested_5000_deep_in_a_tag_are_refused,
    || render(&format!("{{{{json {}{}}}}}", "[".repeat(5000), "]".repeat(5000)), &json!({})),
    "compile `test` at line 1, column 1: `[...]` holds the plain text of one key"
);
attack!(
    a_partial_that_includes_itself_is_refused,
    || render_in(&library(&[("a", "x {{> a}}")], &[]), "{{> a}}", &json!({})),
    "compile `test` at line 1, column 1: partial `a` cannot be used: \
     compile `partials.a` at line 1, column 3: the partials call each other without end: a -> a"
);
attack!(
    partials_that_include_each_other_are_refused,
    || {
        let partials = [("a", "{{> b}}"), ("b", "{{#if x}}\n{{> c}}{{/if}}"), ("c", "{{#> a}}{{/a}}")];
        render_in(&library(&partials, &[]), "{{> c}}", &json!({}))
    },
    "compile `partials.c` at line 1, column 1: the partials call each other without end: a -> b -> c -> a"
);
attack!(
    a_partial_name_computed_at_run_time_is_refused,
    || render_in(&library(&[("a", "{{> (lookup this 'name')}}")], &[]), "{{> a name='a'}}", &json!({})),
    "compile `partials.a` at line 1, column 1: a partial's name is written out, not computed; use `{{#if}}` to choose"
);
attack!(
    an_inline_partial_is_refused,
    || render("{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}", &json!({})),
    "compile `test` at line 1, column 1: inline partials and decorators (`{{#*...}}`) are refused; use a partial of the configuration"
);
attack!(
    a_chain_of_10000_partials_is_refused,
    || {
        let mut texts: Vec<_> = (0..10_000).map(|at| (format!("p{at}"), format!("{{{{> p{}}}}}", at + 1))).collect();
        texts.push(("p10000".to_owned(), String::new()));
        let partials: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        render_in(&library(&partials, &[]), "{{> p0}}", &json!({}))
    },
    "depth of partials over the limit: 17, allowed are 16 levels"
);
attack!(
    partials_that_call_ten_of_the_next_run_out_of_fuel,
    || {
        let texts: Vec<_> = (0..16).map(|at| (format!("p{at}"), format!("{{{{> p{}}}}}", at + 1).repeat(10))).collect();
        let mut partials: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        partials.push(("p16", ""));
        render_in(&library(&partials[1..], &[]), "{{> p1}}", &json!({}))
    },
    "fuel over the limit: allowed are 500000 steps"
);
attack!(
    variables_that_read_ten_of_the_next_are_cut_off,
    || {
        let texts: Vec<_> =
            (0..16).map(|at| (format!("v{at}"), format!("{{{{variables.v{}}}}}", at + 1).repeat(10))).collect();
        let mut variables: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        variables.push(("v16", "0123456789"));
        render_in(&library(&[], &variables), "{{variables.v1}}", &json!({}))
    },
    "size of the rendered text over the limit: allowed are 524288 bytes"
);
attack!(
    a_chain_of_1000_variables_is_cut_off,
    || {
        let texts: Vec<_> = (0..1000).map(|at| (format!("v{at}"), format!("{{{{variables.v{}}}}}", at + 1))).collect();
        let variables: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        render_in(&library(&[], &variables), "{{variables.v0}}", &json!({}))
    },
    "depth of variables over the limit: allowed are 16 levels"
);
attack!(
    empty_loops_of_90000_by_90000_run_out_of_fuel,
    || render("{{#each a}}{{#each ../b}}{{/each}}{{/each}}", &long_list(90_000)),
    "render `test` at line 1, column 12: fuel over the limit: allowed are 500000 steps"
);
attack!(
    printing_loops_of_90000_by_90000_are_cut_off,
    || render("{{#each a}}{{#each ../b}}xxxxxxxx{{/each}}{{/each}}", &long_list(90_000)),
    "size of the rendered text over the limit: allowed are 524288 bytes"
);
attack!(
    loops_over_made_lists_run_out_of_fuel,
    || {
        let data = json!({"text": ",".repeat(7000)});
        render("{{#each (split text ',')}}{{#each (split @root.text ',')}}{{/each}}{{/each}}", &data)
    },
    "fuel over the limit"
);
attack!(
    a_text_doubled_30_times_by_replace_is_cut_off,
    || render(&doubling(30, "(replace this 'x' 'xx')", "{{this}}"), &json!("x")),
    "size of a value over the limit: 1048576, allowed are 524288 bytes"
);
attack!(
    a_text_doubled_30_times_by_join_is_cut_off,
    || render(&doubling(30, "(join (array this this) '')", "{{this}}"), &json!("0123456789abcdef")),
    "size of a value over the limit"
);
attack!(
    a_list_doubled_30_times_is_cut_off,
    || render(&doubling(30, "(array this this)", "{{json this}}"), &json!("x")),
    "size of a value over the limit"
);
attack!(
    a_text_of_100_mb_made_of_one_tag_is_cut_off,
    || {
        let big = "x".repeat(400_000);
        let calls = "(upper a) ".repeat(6000);
        render(&format!("{{{{join (array {calls}) ''}}}}"), &json!({"a": big}))
    },
    "fuel over the limit"
);
attack!(
    json_nested_100000_deep_is_refused,
    || render("{{fromJson text}}", &json!({"text": "[".repeat(100_000) + &"]".repeat(100_000)})),
    "nesting of lists and objects over the limit: 100000, allowed are 64 levels"
);
attack!(
    lists_made_deeper_and_deeper_are_refused,
    || {
        let deeper = "(array (array (array (array (array (array this))))))";
        render(&doubling(30, deeper, "{{json this}}"), &json!("x"))
    },
    "nesting of lists and objects over the limit: 65, allowed are 64 levels"
);
attack!(
    a_source_of_10_mb_is_refused,
    || render(&"{{a}}".repeat(2_000_000), &json!({})),
    "template size over the limit: 10000000, allowed are 65536 bytes"
);
attack!(
    a_pattern_of_great_size_is_refused,
    || render("{{matches 'x' p}}", &json!({"p": "a|".repeat(5000)})),
    "size of a pattern over the limit: 10000, allowed are 1024 bytes"
);
attack!(
    a_pattern_that_compiles_to_great_size_is_refused,
    || render("{{matches 'x' '((a{100}){100}){100}'}}", &json!({})),
    "size of a compiled pattern over the limit: allowed are 262144 bytes"
);
attack!(
    a_pattern_nested_500_deep_is_refused,
    || render("{{matches 'x' p}}", &json!({"p": "(".repeat(500) + &")".repeat(500)})),
    "helper `matches`: argument 2 is no regular expression"
);
attack!(
    a_pattern_that_blows_up_elsewhere_is_harmless,
    || render("{{matches text '^(a+)+$'}}", &json!({"text": "a".repeat(60_000) + "!"})),
    "rendered 5 bytes: false"
);
attack!(
    hard_patterns_in_a_loop_run_out_of_fuel,
    || {
        let data = json!({"list": vec![0; 1000], "text": "ab".repeat(30_000)});
        render("{{#each list}}{{matches @root.text '(a|b)*a(a|b){12}c'}}{{/each}}", &data)
    },
    "fuel over the limit"
);
attack!(
    large_patterns_over_large_texts_run_out_of_fuel,
    || {
        let data = json!({"list": vec![0; 1000], "text": "ab".repeat(30_000)});
        render("{{#each list}}{{matches @root.text '(.?){90}c(a|b)*a(a|b){200}c'}}{{/each}}", &data)
    },
    "fuel over the limit"
);
attack!(
    hundreds_of_large_patterns_run_out_of_fuel,
    || {
        let patterns: Vec<_> = (0..1000).map(|at| format!(r"^[\w.+-]+{at}@[\w-]+\.[\w.]+$")).collect();
        render("{{#each this}}{{matches 'x' this}}{{/each}}", &json!(patterns))
    },
    "fuel over the limit"
);
attack!(
    ten_thousand_different_patterns_run_out_of_fuel,
    || {
        let patterns: Vec<_> = (0..10_000).map(|at| format!("\\w+{at}[a-z]*")).collect();
        render("{{#each this}}{{matches 'x' this}}{{/each}}", &json!(patterns))
    },
    "fuel over the limit"
);
attack!(
    big_values_compared_in_a_loop_run_out_of_fuel,
    || {
        let big: Vec<_> = (0..20_000).map(|at| format!("item {at}")).collect();
        let template = "{{#each list}}{{#if (eq @root.x @root.y)}}{{/if}}{{/each}}";
        render(template, &json!({"list": vec![0; 10_000], "x": big, "y": big}))
    },
    "fuel over the limit"
);
attack!(
    big_values_encoded_in_a_loop_run_out_of_fuel,
    || {
        let big: Vec<_> = (0..10_000).map(|at| format!("item {at}")).collect();
        let template = "{{#each list}}{{#if (toYaml @root.x)}}{{#if (json @root.x)}}{{#if (sha256 (join @root.x))}}{{/if}}{{/if}}{{/if}}{{/each}}";
        render(template, &json!({"list": vec![0; 10_000], "x": big}))
    },
    "fuel over the limit"
);
attack!(
    big_texts_changed_in_a_loop_run_out_of_fuel,
    || {
        let template = "{{#each list}}{{#if (lower (upper (trim (base64 @root.x))))}}{{/if}}{{#if (replace @root.x 'a' 'b')}}{{/if}}{{/each}}";
        render(template, &json!({"list": vec![0; 10_000], "x": "a".repeat(300_000)}))
    },
    "fuel over the limit"
);
attack!(
    big_parts_of_made_values_in_a_loop_run_out_of_fuel,
    || {
        let template = "{{#with (object x=this.x)}}{{#each @root.list}}{{#if ../x.a}}{{/if}}{{#if (first (array ../x))}}{{/if}}{{/each}}{{/with}}";
        render(template, &json!({"list": vec![0; 10_000], "x": {"a": vec!["abc"; 5000]}}))
    },
    "fuel over the limit"
);
attack!(
    a_context_handed_to_a_partial_10000_times_is_not_copied,
    || {
        let data = json!({"list": vec![0; 10_000], "big": "x".repeat(500_000)});
        render_in(&library(&[("p", ".")], &[]), "{{#each list}}{{> p @root extra=@root.big}}{{/each}}", &data)
    },
    "rendered 10000 bytes: ......"
);
attack!(
    many_named_values_looked_up_often_run_out_of_fuel,
    || {
        let names = named(64);
        let data = json!({"list": vec![0; 10_000]});
        let loops = "{{#each @root.list}}{{../zz}}{{../zz}}{{../zz}}{{../zz}}{{../zz}}{{../zz}}{{../zz}}{{/each}}";
        render_in(&library(&[("p", loops)], &[]), &format!("{{{{> p{names}}}}}"), &data)
    },
    "fuel over the limit"
);
attack!(
    five_thousand_named_values_are_refused,
    || {
        let names = named(5000);
        render_in(&library(&[("p", "x")], &[]), &format!("{{{{> p{names}}}}}"), &json!({}))
    },
    "one tag gives 5000 values by name, allowed are 64"
);
attack!(
    as_many_tags_as_allowed_compile_in_time,
    || {
        let text = "{{a}}".repeat(Bounds::DEFAULT.tags);
        let padding = "x".repeat(Bounds::DEFAULT.source_bytes - text.len());
        render(&(padding + &text), &json!({"a": ""}))
    },
    "rendered"
);
attack!(
    one_tag_too_many_is_refused,
    || render(&"{{a}}".repeat(Bounds::DEFAULT.tags + 1), &json!({})),
    "number of tags over the limit: allowed are"
);
attack!(
    comments_that_are_never_closed_are_refused_at_once,
    || render(&"{{!-- }}".repeat(8000), &json!({})),
    "compile `test` at line 1, column 1: a comment that starts with `{{!--` is closed with `--}}`"
);
attack!(
    a_source_of_backslashes_and_braces_is_harmless,
    || {
        let mut last = render("a", &json!({}));
        for piece in [
            "\\", "\\\\ ", "{{", "\\{{", "{{{{", "{{#", "{{(", "{{[", "{{\"", "{{{", "}}", "{{!", "{{>", "{{else",
            "{{a '",
        ] {
            last = render(&piece.repeat(65_000 / piece.len()), &json!({})).or(last);
            last = render(&(piece.repeat(30_000 / piece.len()) + &"}}".repeat(10_000)), &json!({})).or(last);
        }
        last
    },
    "rendered"
);
attack!(
    blocks_hidden_from_the_scan_do_not_reach_the_parser,
    || {
        let blocks = nested(600);
        let mut last = render("a", &json!({}));
        for (before, after) in [
            ("{{!-- ", " --}}"),
            ("{{! ", ""),
            ("{{!--", "--}}{{!-- --}}"),
            ("{{ ! ", "}}"),
            ("{{{{raw}}}}", "{{{{/raw}}}}"),
            ("{{{{ raw ~}}}}\\{{{{", "{{{{~ / raw }}}}"),
            ("{{upper \"", "\"}}"),
            ("{{upper \"\\x", "\"}}"),
            ("{{upper '\\\\", "'}}"),
            ("{{upper '\\'", "'}}"),
            ("{{upper 'it\"s", "'}}"),
            ("{{[", "]}}"),
            ("{{a.['", "']}}"),
            ("{{> a '", "'}}"),
            ("{{> [a '", "']}}"),
            ("{{#if \"", "\"}}{{/if}}"),
            ("\\{{", "}}"),
            ("\\\\\\{{a}}\\{{{{", "}}"),
            ("{{{a \"", "\"}}}"),
            ("{{~{a}~}}{{upper a='", "'}}"),
            ("{{else ", "}}"),
            ("}}", "{{"),
        ] {
            let single = blocks.replace("{{", "{ {").replace("}}", "} }");
            for inside in [&blocks, &single, &"{{#if a}}".repeat(600), &blocks.replace("{{", "\\{{")] {
                last = render(&format!("{before}{inside}{after}"), &json!({})).or(last);
                last = render(&format!("{before}{inside}{after}{{{{a"), &json!({})).or(last);
                last = render(&format!("{{{{#if a}}}}{before}{inside}{after}{{{{/if}}}}"), &json!({})).or(last);
            }
        }
        last
    },
    "rendered"
);
attack!(
    the_deepest_allowed_nesting_of_everything_fits_the_stack,
    || {
        let calls = |inner: &str| format!("{}{inner}{}", "(coalesce ".repeat(16), ")".repeat(16));
        let blocks = |inner: &str| {
            let test = calls("1");
            format!("{}{inner}{}", format!("{{{{#if {test}}}}}").repeat(32), "{{/if}}".repeat(32))
        };
        let chain = |name: &str, next: &str| format!("{name}{}", blocks(next));
        let mut partials = sources("partials", &[]);
        let mut variables = sources("variables", &[]);
        for at in 0..16 {
            let next = if at == 15 { "{{variables.v0}}".to_owned() } else { format!("{{{{> p{}}}}}", at + 1) };
            partials.insert(format!("p{at}"), source("p", &chain("p", &next)));
            variables.insert(format!("v{at}"), source("v", &chain("v", &format!("{{{{variables.v{}}}}}", at + 1))));
        }
        variables.insert("v16".to_owned(), source("v16", "end"));
        // Without the bound on the whole depth, to show how much room there is below it.
        let bounds = Bounds { rendering_depth: 3 * Bounds::DEFAULT.rendering_depth, ..Bounds::DEFAULT };
        let (library, errors) = Library::with_bounds(partials, variables, BTreeMap::new(), bounds);
        assert_eq!(errors, []);
        library.compile(&source("test", &blocks("{{> p0}}")))?.render(&library, &json!({}), &seed(), Escape::None)
    },
    "depth of the rendering over the limit: allowed are 384 levels"
);
attack!(
    everything_at_its_bound_in_one_source_renders,
    || {
        let calls = |inner: &str| format!("{}{inner}{}", "(coalesce ".repeat(16), ")".repeat(16));
        let mut template = "y".to_owned();
        for at in 0..32 {
            let branches = format!("{{{{else if {}}}}}x", calls("@root.a.b.c")).repeat(2);
            template =
                format!("{{{{#if {}}}}}n{branches}{{{{else}}}}{template}{{{{/if}}}}", calls(&format!("this.n{at}")));
        }
        render(&template, &json!({}))
    },
    "rendered 1 bytes: y"
);
attack!(
    data_nested_as_deep_as_json_is_read_is_handled,
    || {
        let data: Value = serde_json::from_str(&("[".repeat(127) + &"]".repeat(127))).unwrap();
        let data = json!({"a": data});
        render("{{a}}{{json a}}{{#if (eq a a)}}{{length (toYaml a)}}{{/if}}{{#with (first a)}}{{this}}{{/with}}", &data)
    },
    "rendered"
);

#[test]
fn fuel_does_not_depend_on_what_was_rendered_before() {
    let library = library(&[], &[("v", "{{sha256 'x'}}")]);
    let mut bounds = Bounds::DEFAULT;
    let template = "{{variables.v}}{{matches 'abc' 'b+'}}{{join (split 'a,b,c' ',')}}";
    let variables = sources("variables", &[("v", "{{sha256 'x'}}")]);
    let enough = (1..2000).find(|fuel| {
        bounds.fuel = *fuel;
        let (library, _) = Library::with_bounds(BTreeMap::new(), variables.clone(), BTreeMap::new(), bounds);
        let first = render_in(&library, template, &json!({}));
        assert_eq!(first, render_in(&library, template, &json!({})), "the same fuel gives the same outcome");
        assert!(first.as_ref().err().is_none_or(|error| error.bound() == Some(Bound::Fuel)), "{first:?}");
        first.is_ok()
    });
    assert!(enough.is_some_and(|fuel| fuel > 500), "{enough:?}");
    assert!(render_in(&library, template, &json!({})).is_ok());
}

//! Jinja templates that mean harm by their form, their depth or their recursion. Each must end soon, as an error of that
//! template which names the bound, or harmlessly.

use serde_json::{Value, json};

use super::super::TemplateError;
use super::testing::{library, render, render_in};
use crate::attack::attack;

fn nothing(template: &str) -> Result<String, TemplateError> {
    render(template, &json!({}))
}

fn around(open: &str, levels: usize, inner: &str, close: &str) -> String {
    open.repeat(levels) + inner + &close.repeat(levels)
}

/// Runs `body` so many times, with a list `l` that outlives the iterations.
fn repeated(count: usize, body: &str) -> String {
    format!("{{% set l = [] %}}{{% set ns = namespace(l=l) %}}{{% for i in range({count}) %}}{body}{{% endfor %}}")
}

const SETTINGS: &str = "allowed are";

attack!(
    blocks_nested_1500_deep_are_refused,
    || nothing(&around("{% if a %}", 1500, "", "{% endif %}")),
    "compile `test` at line 1, column 10241: number of tags over the limit: allowed are 1024 tags"
);
attack!(
    blocks_nested_500_deep_are_refused,
    || nothing(&around("{% if a %}", 500, "", "{% endif %}")),
    "compile `test` at line 1, column 324: nesting of blocks over the limit: allowed are 32 levels"
);
attack!(
    blocks_nested_100000_deep_are_refused,
    || nothing(&around("{% if a %}", 100_000, "", "{% endif %}")),
    "template size over the limit: 2100000, allowed are 65536 bytes"
);
attack!(
    blocks_nested_1000_deep_and_never_closed_are_refused,
    || nothing(&"{% for a in b %}".repeat(1000)),
    "nesting of blocks over the limit: allowed are 32 levels"
);
attack!(
    an_elif_chain_of_1000_is_refused,
    || nothing(&format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(1000))),
    "number of `else if` branches over the limit: allowed are 64 branches"
);
attack!(
    parentheses_nested_1500_deep_are_refused,
    || nothing(&format!("{{{{ {} }}}}", around("(", 1500, "1", ")"))),
    "compile `test` at line 1, column 36: nesting of brackets over the limit: allowed are 32 levels"
);
attack!(
    lists_nested_20000_deep_are_refused,
    || nothing(&format!("{{{{ {} }}}}", around("[", 20_000, "1", "]"))),
    "nesting of brackets over the limit"
);
attack!(
    targets_nested_1500_deep_are_refused,
    || nothing(&format!("{{% set {} = 1 %}}", around("(", 1500, "a", ")"))),
    "nesting of brackets over the limit"
);
attack!(
    not_1500_times_is_refused,
    || nothing(&format!("{{{{ {}a }}}}", "not ".repeat(1500))),
    "number of operators that build on each other over the limit: allowed are 256 operators"
);
attack!(not_60_times_is_harmless, || nothing(&format!("{{{{ {}a }}}}", "not ".repeat(60))), "rendered 5 bytes: False");
attack!(
    the_deepest_sources_fit_the_stack,
    || {
        let (open, close) = (
            "{% for a in [1] %}{% if 1 %}{% call m() %}{% filter upper %}",
            "{% endfilter %}{% endcall %}{% endif %}{% endfor %}",
        );
        let nots = format!("{}{}1{}", "f(".repeat(30), "not ".repeat(55), ")".repeat(30));
        let signs = format!("{}{}1{}", "[(".repeat(15), "- ".repeat(56), ",)]".repeat(15));
        let choices = format!("{}{}1{}", "{1: ".repeat(31), "1 if 0 else ".repeat(40), "}".repeat(31));
        for inner in [nots, signs, choices] {
            let template = around(open, 8, &format!("{{{{ {inner} }}}}"), close);
            if let Err(error) = nothing(&template)
                && error.label() != "Evaluation"
                && error.label() != "TooMuch"
            {
                return Err(error);
            }
        }
        Ok("fit".to_owned())
    },
    "rendered 3 bytes: fit"
);
attack!(minus_20000_times_is_refused, || nothing(&format!("{{{{ {}1 }}}}", "- ".repeat(20_000))), "operators that");
attack!(plus_20000_times_is_refused, || nothing(&format!("{{{{ {}1 }}}}", "+ ".repeat(20_000))), "operators that");
attack!(a_sum_of_20000_is_refused, || nothing(&format!("{{{{ 1{} }}}}", "+1".repeat(20_000))), "operators that");
attack!(a_sum_of_250_is_harmless, || nothing(&format!("{{{{ 1{} }}}}", "+1".repeat(250))), "rendered 3 bytes: 251");
attack!(
    attributes_20000_deep_are_refused,
    || nothing(&format!("{{{{ a{} }}}}", ".b".repeat(20_000))),
    "operators that"
);
attack!(
    attributes_250_deep_are_harmless,
    || nothing(&format!("{{{{ state{} }}}}", ".b".repeat(250))),
    "`state` is undefined"
);
attack!(filters_20000_long_are_refused, || nothing(&format!("{{{{ 1{} }}}}", "|abs".repeat(12_000))), "operators that");
attack!(
    filters_250_long_are_harmless,
    || nothing(&format!("{{{{ 1{} }}}}", "|abs".repeat(250))),
    "rendered 1 bytes: 1"
);
attack!(
    choices_40_long_are_harmless,
    || nothing(&format!("{{{{ {}1 }}}}", "1 if 0 else ".repeat(40))),
    "rendered 1 bytes: 1"
);
attack!(
    choices_20000_long_are_refused,
    || nothing(&format!("{{{{ {}1 }}}}", "1 if 0 else ".repeat(5_000))),
    "operators that build on each other over the limit"
);
attack!(
    the_deepest_expression_fits_the_stack,
    || {
        let inner = around("[(", 15, &("- ".repeat(7) + "1"), ",)]");
        let template = format!("{}{{{{ {} }}}}{}", "{% if 1 %}".repeat(32), inner, "{% endif %}".repeat(32));
        nothing(&template)
    },
    "rendered"
);
attack!(
    tags_without_number_are_refused,
    || nothing(&"{{1}}".repeat(5000)),
    "number of tags over the limit: allowed are 1024 tags"
);
attack!(
    a_source_of_10_megabytes_is_refused,
    || nothing(&"x".repeat(10_000_000)),
    "template size over the limit: 10000000, allowed are 65536 bytes"
);
attack!(
    a_macro_that_calls_itself_is_cut_off,
    || nothing("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
    "render `test` at line 1, column 19: depth of the rendering over the limit: allowed are 128 levels"
);
attack!(
    macros_that_call_each_other_are_cut_off,
    || nothing("{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}"),
    "depth of the rendering over the limit"
);
attack!(
    macros_that_call_each_other_in_blocks_and_brackets_are_cut_off,
    || {
        let deep = around(
            "{% for i in [1] %}{% if 1 %}",
            14,
            "{{ [[[[not - (m() ~ m())|length]]]] }}",
            "{% endif %}{% endfor %}",
        );
        nothing(&format!("{{% macro m() %}}{deep}{{% endmacro %}}{{{{ m() }}}}"))
    },
    "depth of the rendering over the limit"
);
attack!(
    a_macro_that_calls_itself_through_filters_is_cut_off,
    || nothing("{% macro m(x) %}{{ [1]|map('string')|map('upper')|join(m(1)) }}{% endmacro %}{{ m(1) }}"),
    "depth of the rendering over the limit"
);
attack!(
    a_call_block_that_calls_itself_is_cut_off,
    || nothing("{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}"),
    "depth of the rendering over the limit"
);
attack!(
    a_macro_that_calls_itself_twice_runs_out_of_something,
    || nothing("{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(24) }}"),
    "fuel over the limit: allowed are 500000 steps"
);
attack!(
    a_recursive_loop_without_end_is_cut_off,
    || nothing("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}"),
    "depth of the rendering over the limit"
);
attack!(
    a_recursive_loop_over_itself_is_cut_off,
    || nothing("{% set l = [] %}{% set _ = l.append(l) %}{% for a in l recursive %}{{ loop(a) }}{% endfor %}"),
    "depth of the rendering over the limit"
);
attack!(
    partials_that_call_each_other_are_cut_off,
    || {
        let partials =
            [("a", "{% macro a() %}{{ b() }}{% endmacro %}"), ("b", "{% macro b() %}\n{{ a() }}{% endmacro %}")];
        render_in(&library(&partials, &[]), "{{ a() }}", &json!({}))
    },
    "depth of the rendering over the limit"
);
attack!(
    nested_loops_of_90000_run_out_of_fuel,
    || nothing("{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"),
    "fuel over the limit: allowed are 500000 steps"
);
attack!(
    nested_loops_over_data_run_out_of_fuel,
    || {
        let data = json!({"state": {"a": vec![0; 90_000], "b": vec![0; 90_000]}});
        render("{% for a in state.a %}{% for b in state.b %}{% endfor %}{% endfor %}", &data)
    },
    "fuel over the limit: allowed are 500000 steps"
);
attack!(
    a_range_without_end_is_cut_off,
    || nothing("{% for a in range(10**15) %}{% endfor %}{{ range(10**15)|list }}"),
    SETTINGS
);
attack!(
    a_list_that_grows_in_its_own_loop_is_cut_off,
    || nothing("{% set l = [1] %}{% for i in l %}{% set _ = l.append(i) %}{% endfor %}"),
    "fuel over the limit: allowed are 500000 steps"
);
attack!(
    a_list_that_holds_itself_prints_as_in_python,
    || nothing("{% set l = [] %}{% set _ = l.append(l) %}{{ l }}{{ [l] }}"),
    "rendered 16 bytes: [[...]][[[...]]]"
);
attack!(
    a_map_that_holds_itself_prints_as_in_python,
    || nothing("{% set d = {} %}{% set _ = d.update({'a': d}) %}{{ d }}"),
    "rendered 12 bytes: {'a': {...}}"
);
attack!(
    lists_that_hold_themselves_are_not_compared,
    || nothing("{% set a = [] %}{% set _ = a.append(a) %}{% set b = [] %}{% set _ = b.append(b) %}{{ a == b }}"),
    "a list that holds itself cannot be compared"
);
attack!(
    a_list_that_holds_itself_is_no_json,
    || nothing("{% set l = [] %}{% set _ = l.append(l) %}{{ l|json_dumps }}"),
    "render `test`"
);
attack!(
    a_list_that_holds_itself_is_no_sorted_json,
    || nothing("{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}"),
    "render `test`"
);
attack!(
    a_list_that_holds_itself_is_yaml_with_an_anchor,
    || nothing("{% set l = [] %}{% set _ = l.append(l) %}{{ l|to_nice_yaml }}"),
    "rendered 16 bytes: &id001"
);
attack!(
    lists_nested_30000_deep_are_dropped_without_a_stack,
    || nothing(&repeated(30_000, "{% set ns.l = [ns.l] %}")),
    "rendered 0 bytes"
);
attack!(
    tuples_and_maps_nested_20000_deep_are_dropped_without_a_stack,
    || nothing(&repeated(20_000, "{% set ns.l = ({'a': ns.l},) %}")),
    "rendered 0 bytes"
);
attack!(
    namespaces_nested_20000_deep_are_dropped_without_a_stack,
    || nothing(&repeated(20_000, "{% set ns.l = namespace(l=ns.l) %}")),
    "rendered 0 bytes"
);
attack!(
    macros_nested_10000_deep_are_dropped_without_a_stack,
    || nothing(&format!(
        "{{% macro m(x) %}}{{% macro n() %}}{{{{ x }}}}{{% endmacro %}}{{% set ns.m = n %}}{{% endmacro %}}{}",
        "{% set ns = namespace(m=1) %}{% for i in range(10000) %}{% set _ = m(ns.m) %}{% endfor %}"
    )),
    "rendered 0 bytes"
);
attack!(
    methods_nested_20000_deep_are_dropped_without_a_stack,
    || nothing(&repeated(20_000, "{% set ns.l = [ns.l].append %}")),
    "rendered 0 bytes"
);
attack!(
    generators_nested_20000_deep_are_dropped_without_a_stack,
    || nothing(&repeated(20_000, "{% set ns.l = [ns.l]|map('string') %}")),
    "rendered 0 bytes"
);
attack!(
    cyclers_joiners_and_views_nested_20000_deep_are_dropped_without_a_stack,
    || nothing(&repeated(7_000, "{% set ns.l = {'a': joiner(cycler(ns.l))}.items() %}")),
    "rendered 0 bytes"
);
attack!(
    a_deep_value_is_not_printed,
    || nothing(&(repeated(1000, "{% set ns.l = [ns.l] %}") + "{{ ns.l }}")),
    "nesting of a value over the limit: allowed are 192 levels"
);
attack!(
    a_deep_value_is_not_compared,
    || nothing(&(repeated(1000, "{% set ns.l = [ns.l] %}") + "{{ ns.l == [ns.l] or [ns.l] < [[ns.l]] }}")),
    "render `test`"
);
attack!(
    deep_values_are_no_json,
    || nothing(&(repeated(1000, "{% set ns.l = [ns.l] %}") + "{{ ns.l|tojson }}")),
    "render `test`"
);
attack!(
    deep_values_are_no_yaml,
    || nothing(&(repeated(1000, "{% set ns.l = [ns.l] %}") + "{{ ns.l|to_nice_yaml }}")),
    "render `test`"
);
attack!(
    deep_tuples_are_no_keys,
    || nothing(
        &(repeated(1000, "{% set ns.l = (1,) %}{% set ns.l = (ns.l,) %}")
            + "{% set t = namespace(t=(1,)) %}{% for i in range(1000) %}{% set t.t = (t.t,) %}{% endfor %}{{ {t.t: 1} }}")
    ),
    "cannot be a key of a map"
);
attack!(
    json_of_100000_levels_is_refused,
    || {
        let data = json!({"state": {"deep": "[".repeat(100_000) + &"]".repeat(100_000)}});
        render("{{ state.deep|from_json }}", &data)
    },
    "render `test`"
);

// Many renderings need no more memory than one.
attack!(
    what_holds_itself_is_freed,
    || {
        let one = "{% set big = 'x' * 200000 %}{% set l = [big ~ 1] %}{% set _ = l.append(l) %}{% set d = {'b': big ~ 2} %}\
                   {% set _ = d.update({'d': d}) %}{% set ns = namespace(b=big ~ 3) %}{% set ns.ns = ns %}\
                   {% macro m() %}{% set c = big ~ 4 %}{% macro n() %}{{ n }}{{ c }}{% endmacro %}{% set ns.n = n %}{% endmacro %}\
                   {% set _ = m() %}{% for i in [big ~ 5] %}{% set ns.loop = loop %}{% set _ = loop.changed(loop, i) %}{% endfor %}";
        let template = super::super::Library::default();
        let compiled = template.compile(&super::testing::source("test", one))?;
        let seed = super::super::testing::seed();
        for _ in 0..800 {
            compiled.render(&template, &Value::Null, &seed, super::super::Escape::None)?;
        }
        Ok::<_, TemplateError>(String::new())
    },
    "rendered 0 bytes"
);

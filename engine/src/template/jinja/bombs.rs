//! Jinja templates that ask for texts, lists and numbers of great size. Each must end soon, as an error of that template
//! which names the bound, before anything of that size is made.

use serde_json::json;

use super::super::TemplateError;
use super::testing::{library, render, render_in};
use crate::attack::attack;

fn nothing(template: &str) -> Result<String, TemplateError> {
    render(template, &json!({}))
}

const VALUE: &str = "size of a value over the limit";

attack!(
    a_text_multiplied_to_100_megabytes_is_refused,
    || nothing("{{ 'a' * 100000000 }}"),
    "render `test` at line 1, column 4: size of a value over the limit: 100000000, allowed are 524288 bytes"
);
attack!(a_text_multiplied_by_more_than_there_is_is_refused, || nothing("{{ 'a' * 10**30 }}"), VALUE);
attack!(nothing_multiplied_is_harmless, || nothing("{{ '' * 10**30 }}{{ [] * 10**30 }}"), "rendered 2 bytes: []");
attack!(a_list_multiplied_is_refused, || nothing("{{ [0] * 100000000 }}"), VALUE);
attack!(a_tuple_multiplied_is_refused, || nothing("{{ (0,) * 100000000 }}"), VALUE);
attack!(
    a_text_doubled_40_times_is_refused,
    || nothing(&format!("{{% set a = 'xx' %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(40))),
    VALUE
);
attack!(
    a_text_added_to_itself_40_times_is_refused,
    || nothing(&format!("{{% set a = 'xx' %}}{}{{{{ a }}}}", "{% set a = a + a %}".repeat(40))),
    VALUE
);
attack!(
    a_list_added_to_itself_40_times_is_refused,
    || nothing(&format!("{{% set a = [1] %}}{}{{{{ a }}}}", "{% set a = a + a %}".repeat(40))),
    VALUE
);
attack!(
    a_set_block_doubled_40_times_is_refused,
    || nothing(&format!("{{% set a = 'xx' %}}{}", "{% set a %}{{ a }}{{ a }}{% endset %}".repeat(40))),
    "size of the rendered text over the limit: allowed are 524288 bytes"
);
attack!(
    pairs_of_pairs_are_not_printed,
    || nothing(&format!("{{% set a = [1] %}}{}{{{{ a }}}}", "{% set a = [a, a] %}".repeat(60))),
    "over the limit"
);
attack!(
    pairs_of_pairs_are_not_compared,
    || nothing(&format!(
        "{{% set a = [1] %}}{}{{% set b = a %}}{{% set a = [1] %}}{}{{{{ a == b }}}}",
        "{% set a = [a, a] %}".repeat(60),
        "{% set a = [a, a] %}".repeat(60)
    )),
    "fuel over the limit"
);
attack!(
    pairs_of_pairs_are_no_json,
    || nothing(&format!("{{% set a = [1] %}}{}{{{{ a|tojson }}}}", "{% set a = [a, a] %}".repeat(60))),
    "over the limit"
);
attack!(
    pairs_of_pairs_are_yaml_with_anchors,
    || nothing(&format!("{{% set a = [1] %}}{}{{{{ a|to_nice_yaml }}}}", "{% set a = [a, a] %}".repeat(60))),
    "rendered 8284 bytes: - &id060"
);
attack!(a_wide_percent_format_is_refused, || nothing("{{ '%1000000000d' % 1 }}"), "render `test`");
attack!(a_wide_percent_format_of_texts_is_refused, || nothing("{{ '%*s' % (1000000000, 1) }}"), "render `test`");
attack!(a_precise_percent_format_is_refused, || nothing("{{ '%.1000000000f' % 1 }}"), "render `test`");
attack!(a_wide_format_is_refused, || nothing("{{ '{:1000000000}'.format(1) }}"), "render `test`");
attack!(a_wide_format_filter_is_refused, || nothing("{{ '%1000000000s'|format(1) }}"), "render `test`");
attack!(ljust_is_bounded, || nothing("{{ 'a'.ljust(1000000000) }}"), "render `test`");
attack!(center_is_bounded, || nothing("{{ 'a'.center(1000000000) }}{{ 'a'|center(1000000000) }}"), "render `test`");
attack!(zfill_is_bounded, || nothing("{{ 'a'.zfill(1000000000) }}"), "render `test`");
attack!(replace_is_bounded, || nothing("{% set a = 'a' * 100000 %}{{ a.replace('a', a) }}"), VALUE);
attack!(the_replace_filter_is_bounded, || nothing("{% set a = 'a' * 100000 %}{{ a|replace('', a) }}"), VALUE);
attack!(join_is_bounded, || nothing("{% set a = 'a' * 100000 %}{{ a.join(a) }}"), "over the limit");
attack!(the_join_filter_is_bounded, || nothing("{% set a = 'a' * 10000 %}{{ a|join(a) }}"), "over the limit");
attack!(expandtabs_is_bounded, || nothing("{{ ('\\t' * 1000).expandtabs(1000000000) }}"), "render `test`");
attack!(translate_is_bounded, || nothing("{% set a = 'a' * 100000 %}{{ a.translate({97: a}) }}"), "render `test`");
attack!(batch_is_bounded, || nothing("{{ [1]|batch(1000000000, 'x')|list }}"), "over the limit");
attack!(slice_is_bounded, || nothing("{{ [1]|slice(1000000000, 'x')|list }}"), "over the limit");
attack!(indent_is_bounded, || nothing("{{ ('\\n' * 1000)|indent(1000000000, true, true) }}"), "over the limit");
attack!(indents_width_is_bounded, || nothing("{{ ('a\\n' * 100000)|indent('x' * 100000) }}"), "over the limit");
attack!(wordwrap_is_bounded, || nothing("{{ ('a' * 100000)|wordwrap(1, true, 'x' * 100000) }}"), "over the limit");
attack!(json_indent_is_bounded, || nothing("{{ [[1]]|tojson(indent=1000000000) }}"), "render `test`");
attack!(yaml_indent_is_bounded, || nothing("{{ {'a': {'b': 1}}|to_nice_yaml(indent=1000000000) }}"), "");
attack!(a_power_of_great_size_is_refused, || nothing("{{ 2 ** (10 ** 9) }}"), VALUE);
attack!(
    a_number_squared_40_times_is_refused,
    || nothing(&format!("{{% set a = 3 %}}{}", "{% set a = a * a %}".repeat(40))),
    VALUE
);
attack!(
    a_number_of_great_size_has_no_text,
    || nothing("{{ 2 ** 30000 }}"),
    "an integer of more than 4300 digits has no text"
);
attack!(a_number_is_not_rounded_to_great_size, || nothing("{{ 1|round(-1000000000) }}{{ 1.5|round(1000000000) }}"), "");
attack!(int_of_great_size_is_bounded, || nothing("{{ ('9' * 500000)|int }}"), "");
attack!(
    a_sum_of_texts_is_refused_as_in_python,
    || nothing("{{ (['a' * 100000] * 100)|sum(start='') }}"),
    "texts cannot be summed up"
);
attack!(lipsum_is_bounded, || nothing("{{ lipsum(n=1000000000) }}"), "over the limit");
attack!(
    a_dict_of_great_size_is_bounded,
    || nothing("{% for i in range(100) %}{{ dict(range(100000)|batch(2)) }}{% endfor %}"),
    "over the limit"
);
attack!(urlize_of_many_brackets_ends, || nothing("{{ ('(' * 500000)|urlize }}"), "");
attack!(
    striptags_of_many_brackets_ends,
    || nothing("{{ ('<' * 500000)|striptags }}{{ ('<!--' * 100000)|striptags }}"),
    ""
);
attack!(
    sorting_much_is_paid_for,
    || nothing("{% for i in range(100) %}{% set _ = range(100000)|sort(reverse=true) %}{% endfor %}"),
    "over the limit"
);
attack!(
    unique_and_groupby_are_paid_for,
    || nothing(
        "{% for i in range(100) %}{% set _ = range(50000)|unique|list %}{% set _ = range(50000)|groupby(none)|list %}{% endfor %}"
    ),
    "over the limit"
);
attack!(
    counting_in_a_text_is_paid_for,
    || nothing("{% set a = 'a' * 500000 %}{% for i in range(20000) %}{% set _ = 'b' in a %}{% endfor %}"),
    "fuel over the limit"
);
attack!(
    length_of_a_long_text_is_paid_for,
    || nothing("{% set a = 'ä' * 250000 %}{% for i in range(100000) %}{% set _ = a|length %}{% endfor %}"),
    "fuel over the limit"
);
attack!(
    copies_of_a_long_list_are_paid_for,
    || nothing("{% set a = [0] * 16000 %}{% for i in range(20000) %}{% set _ = a[1:] %}{% endfor %}"),
    "fuel over the limit"
);
attack!(
    comparing_long_lists_is_paid_for,
    || nothing(
        "{% set a = [0] * 16000 %}{% set b = [1] * 16000 %}{% for i in range(90000) %}{% set _ = a == b or a < b %}{% endfor %}"
    ),
    "fuel over the limit"
);
attack!(
    multiplying_long_lists_by_nothing_is_paid_for,
    || nothing("{% set a = [0] * 16000 %}{% for i in range(90000) %}{% set _ = a * 0 %}{% endfor %}"),
    "fuel over the limit"
);
attack!(
    names_that_are_never_set_are_paid_for,
    || {
        let names: Vec<_> = (0..9000).map(|at| format!("a{at}")).collect();
        nothing(
            &format!(
                "{{% for i in range(90000) %}}{{% if not i %}}{{% set {} = 1 %}}{{% endif %}}{{% endfor %}}",
                names.join(",")
            )
            .replace("not i", "0"),
        )
    },
    "fuel over the limit"
);
attack!(
    appending_costs_no_copy,
    || nothing("{% set a = [] %}{% for i in range(30000) %}{% set _ = a.append(i) %}{% endfor %}{{ a|length }}"),
    "rendered 5 bytes: 30000"
);
attack!(
    names_without_number_in_many_branches_end,
    || {
        let names: String = (0..500).map(|_| "{% if a %}{% endif %}").collect();
        nothing(
            &(format!("{{{{ [{}] }}}}", (0..8600).map(|at| format!("b{at}")).collect::<Vec<_>>().join(",")) + &names),
        )
    },
    ""
);
attack!(
    variables_that_read_ten_of_the_next_are_cut_off,
    || {
        let texts: Vec<_> =
            (0..16).map(|at| (format!("v{at}"), format!("{{{{ variables.v{} }}}}", at + 1).repeat(10))).collect();
        let mut variables: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        variables.push(("v16", "0123456789"));
        render_in(&library(&[], &variables), "{{ variables.v1 }}", &json!({}))
    },
    "size of the rendered text over the limit: allowed are 524288 bytes"
);
attack!(
    a_chain_of_1000_variables_is_cut_off,
    || {
        let texts: Vec<_> =
            (0..1000).map(|at| (format!("v{at}"), format!("{{{{ variables.v{} }}}}", at + 1))).collect();
        let variables: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        render_in(&library(&[], &variables), "{{ variables.v0 }}", &json!({}))
    },
    "depth of variables over the limit: allowed are 16 levels"
);
attack!(
    broken_variables_are_told_once,
    || {
        let variables = [("a", "{{ variables.b }}"), ("b", "{{ variables.a }}")];
        render_in(&library(&[], &variables), "{{ variables.a }}", &json!({}))
    },
    "the variables read each other without end: variables.a -> variables.b -> variables.a"
);

//! The one list of filters, with their documentation and an example each.

use super::{FilterEntry, Run, encoding, link, lookup, markup, number, order, pretty, selection, sequence, text, wrap};

const fn filter(name: &'static str, parameters: &'static str, run: Run) -> FilterEntry {
    FilterEntry { name, parameters, description: "", example: ("", ""), run }
}

impl FilterEntry {
    const fn gives(self, description: &'static str) -> FilterEntry {
        FilterEntry { description, ..self }
    }

    const fn example(self, template: &'static str, rendered: &'static str) -> FilterEntry {
        FilterEntry { example: (template, rendered), ..self }
    }
}

/// Every filter, in the order of the documentation.
#[rustfmt::skip]
pub(in super::super) const TABLE: &[FilterEntry] = &[
    filter("abs", "", number::abs).gives("The number without its sign.")
        .example("{{ -3|abs }}", "3"),
    filter("attr", "name", lookup::attr).gives("The attribute of that name, never the key of a map.")
        .example("{{ range(3)|attr('stop') }}", "3"),
    filter("batch", "linecount, fill_with=none", sequence::batch).gives("The items in lists of so many; the last one is filled up if told with what.")
        .example("{{ [1, 2, 3]|batch(2, 0)|list }}", "[[1, 2], [3, 0]]"),
    filter("capitalize", "", text::capitalize).gives("The text with a capital first and all else in lower case.")
        .example("{{ 'hELLO you'|capitalize }}", "Hello you"),
    filter("center", "width=80", text::center).gives("The text in the middle of so many characters.")
        .example("[{{ 'ab'|center(6) }}]", "[  ab  ]"),
    filter("count", "", sequence::length).gives("The same as `length`.")
        .example("{{ [1, 2]|count }}", "2"),
    filter("d", "default_value='', boolean=false", lookup::default).gives("The same as `default`.")
        .example("{{ nothing|d('x') }}", "x"),
    filter("default", "default_value='', boolean=false", lookup::default).gives("The value, or the other if it is undefined; with true as second argument also if it is blank, 0, none or empty.")
        .example("{{ nothing|default('x') }}{{ ''|default('y', true) }}", "xy"),
    filter("dictsort", "case_sensitive=false, by='key', reverse=false", order::dictsort).gives("The pairs of the map, sorted by key or value.")
        .example("{{ {'b': 1, 'A': 2}|dictsort }}", "[('A', 2), ('b', 1)]"),
    filter("e", "", markup::escape).gives("The same as `escape`.")
        .example("{{ '<'|e }}", "&lt;"),
    filter("escape", "", markup::escape).gives("The text with `& < > ' \"` as HTML writes them; a safe text as it is.")
        .example("{{ '<a>'|escape }}", "&lt;a&gt;"),
    filter("filesizeformat", "binary=false", number::filesizeformat).gives("The number of bytes for people, in steps of 1000, or 1024 if binary.")
        .example("{{ 1500000|filesizeformat }}", "1.5 MB"),
    filter("first", "", sequence::first).gives("The first item; undefined if there is none.")
        .example("{{ ['a', 'b']|first }}", "a"),
    filter("float", "default=0.0", number::float).gives("The number with a point; the default for what is no number.")
        .example("{{ '1.5'|float + 1 }}", "2.5"),
    filter("forceescape", "", markup::forceescape).gives("Escapes safe texts too.")
        .example("{{ '<'|escape|forceescape }}", "&amp;lt;"),
    filter("format", "values...", text::format).gives("The text with its `%s`, `%d` and so on replaced by the values.")
        .example("{{ '%s has %d'|format('a', 2) }}", "a has 2"),
    filter("from_json", "", encoding::from_json).gives("The value that the JSON text holds.")
        .example("{{ ('{\"a\": [1]}'|from_json).a[0] }}", "1"),
    filter("groupby", "attribute, default=none, case_sensitive=false", order::groupby).gives("The items in groups that share an attribute: pairs `grouper` and `list`, sorted.")
        .example("{% for key, items in [{'a': 1}, {'a': 1}]|groupby('a') %}{{ key }}: {{ items|length }}{% endfor %}", "1: 2"),
    filter("indent", "width=4, first=false, blank=false", text::indent).gives("The text with its lines indented by so many spaces or a text; not the first and not blank ones unless told so.")
        .example("{{ 'a\nb'|indent(2) }}", "a\n  b"),
    filter("int", "default=0, base=10", number::int).gives("The whole number; the default for what is no number.")
        .example("{{ '7'|int + 1 }}", "8"),
    filter("items", "", sequence::items).gives("The pairs of key and value of the map.")
        .example("{{ {'a': 1}|items|list }}", "[('a', 1)]"),
    filter("join", "d='', attribute=none", sequence::join).gives("The items, or an attribute of each, as one text with the separator in between.")
        .example("{{ [1, 2]|join(', ') }}", "1, 2"),
    filter("json_dumps", "indent=none, stripLeadingTrailingQuotes=false", encoding::json_dumps).gives("The value as JSON, all beyond ASCII escaped; without its first and last character if told so.")
        .example("{{ {'a': [1, none]}|json_dumps }}", "{\"a\": [1, null]}"),
    filter("kv_comma_pairs_to_json", "", encoding::kv_comma_pairs_to_json).gives("The pairs `a=1,b=2` as a JSON object of texts.")
        .example("{{ 'a=1,b=2'|kv_comma_pairs_to_json }}", "{\"a\": \"1\", \"b\": \"2\"}"),
    filter("last", "", sequence::last).gives("The last item; undefined if there is none.")
        .example("{{ ['a', 'b']|last }}", "b"),
    filter("length", "", sequence::length).gives("How many items, entries or characters there are.")
        .example("{{ 'abc'|length }}", "3"),
    filter("list", "", sequence::list).gives("The items as a list; the characters of a text, the keys of a map.")
        .example("{{ 'ab'|list }}", "['a', 'b']"),
    filter("lower", "", text::lower).gives("The text in lower case.")
        .example("{{ 'AB'|lower }}", "ab"),
    filter("map", "filter, arguments... | attribute=path, default=none", selection::map).gives("An attribute of each item, or what a filter makes of each.")
        .example("{{ [{'a': 1}, {'a': 2}]|map(attribute='a')|list }}{{ ['x']|map('upper')|first }}", "[1, 2]X"),
    filter("max", "case_sensitive=false, attribute=none", order::max).gives("The largest item.")
        .example("{{ [1, 3, 2]|max }}", "3"),
    filter("min", "case_sensitive=false, attribute=none", order::min).gives("The smallest item.")
        .example("{{ [2, 1, 3]|min }}", "1"),
    filter("pprint", "", pretty::pprint).gives("The value as Python writes it, over several lines if it is long, with sorted keys.")
        .example("{{ {'b': 1, 'a': 'x'}|pprint }}", "{'a': 'x', 'b': 1}"),
    filter("random", "", sequence::random).gives("One of the items; the same again for the same event and template.")
        .example("{{ ['a']|random }}", "a"),
    filter("reject", "test, arguments...", selection::reject).gives("The items for which the test is false; without a test those that are false.")
        .example("{{ [1, 2, 3]|reject('odd')|list }}", "[2]"),
    filter("rejectattr", "path, test, arguments...", selection::rejectattr).gives("The items for whose attribute the test is false.")
        .example("{{ [{'a': 1}, {'a': 2}]|rejectattr('a', 'odd')|list }}", "[{'a': 2}]"),
    filter("replace", "old, new, count=none", text::replace).gives("The text with each occurrence, or the first so many, replaced.")
        .example("{{ 'a/b/c'|replace('/', '-', 1) }}", "a-b/c"),
    filter("reverse", "", sequence::reverse).gives("The text or the items from the end.")
        .example("{{ 'abc'|reverse }}{{ [1, 2]|reverse|list }}", "cba[2, 1]"),
    filter("round", "precision=0, method='common'", number::round).gives("The number with so many places; to even where both are as near; `ceil` rounds up, `floor` down.")
        .example("{{ 2.5|round }} {{ 2.71|round(1, 'floor') }}", "2.0 2.7"),
    filter("safe", "", markup::safe).gives("The text as one that `escape` leaves alone.")
        .example("{{ '<b>'|safe|escape }}", "<b>"),
    filter("select", "test, arguments...", selection::select).gives("The items for which the test is true; without a test those that are true.")
        .example("{{ [0, 1, 2]|select|list }}", "[1, 2]"),
    filter("selectattr", "path, test, arguments...", selection::selectattr).gives("The items for whose attribute the test is true.")
        .example("{{ [{'a': 1}, {'a': 2}]|selectattr('a', '>', 1)|list }}", "[{'a': 2}]"),
    filter("slice", "slices, fill_with=none", sequence::slice).gives("The items in so many lists; the shorter ones are filled up if told with what.")
        .example("{{ [1, 2, 3]|slice(2)|list }}", "[[1, 2], [3]]"),
    filter("sort", "reverse=false, case_sensitive=false, attribute=none", order::sort).gives("The items sorted, by one or more attributes if told so.")
        .example("{{ ['b', 'A']|sort }}", "['A', 'b']"),
    filter("string", "", text::string).gives("The value as it is printed.")
        .example("{{ [1]|string|length }}", "3"),
    filter("striptags", "", markup::striptags).gives("The text without HTML's tags and with single spaces.")
        .example("{{ '<b>a</b>  &amp; b'|striptags }}", "a & b"),
    filter("sum", "attribute=none, start=0", number::sum).gives("The items added up.")
        .example("{{ [1, 2.5]|sum }}", "3.5"),
    filter("title", "", text::title).gives("The text with each word starting with a capital.")
        .example("{{ 'hello big-world'|title }}", "Hello Big-World"),
    filter("to_base64", "", encoding::to_base64).gives("The text in base64.")
        .example("{{ 'hello'|to_base64 }}", "aGVsbG8="),
    filter("to_nice_yaml", "default_flow_style=false, sort_keys=false, indent=2", encoding::to_nice_yaml).gives("The value as YAML, with a line break at the end.")
        .example("{{ {'a': [1]}|to_nice_yaml }}", "a:\n- 1\n"),
    filter("tojson", "indent=none", encoding::tojson).gives("The value as JSON with sorted keys and `< > & '` escaped.")
        .example("{{ {'b': '<', 'a': 1}|tojson }}", "{\"a\": 1, \"b\": \"\\u003c\"}"),
    filter("trim", "chars=none", text::trim).gives("The text without white space, or these characters, at both ends.")
        .example("[{{ '  a '|trim }}]", "[a]"),
    filter("truncate", "length=255, killwords=false, end='...', leeway=5", text::truncate).gives("The text cut at a word, or anywhere if told so, when it is longer by more than the leeway.")
        .example("{{ 'foo bar baz qux'|truncate(9) }}", "foo..."),
    filter("unique", "case_sensitive=false, attribute=none", selection::unique).gives("The items without those that came before.")
        .example("{{ ['a', 'A', 'b']|unique|list }}", "['a', 'b']"),
    filter("upper", "", text::upper).gives("The text in upper case.")
        .example("{{ 'ab'|upper }}", "AB"),
    filter("urlencode", "", encoding::urlencode).gives("The text percent-encoded except for `/`; a map or pairs as a query.")
        .example("{{ 'a b/c'|urlencode }} {{ {'q': 'a b/c'}|urlencode }}", "a%20b/c q=a+b%2Fc"),
    filter("urlize", "trim_url_limit=none, nofollow=false, target=none, rel=none, extra_schemes=none", link::urlize).gives("The text as HTML with links for the addresses in it.")
        .example("{{ 'see example.com'|urlize }}", "see <a href=\"https://example.com\" rel=\"noopener\">example.com</a>"),
    filter("wordcount", "", text::wordcount).gives("How many words there are.")
        .example("{{ 'a big-world'|wordcount }}", "3"),
    filter("wordwrap", "width=79, break_long_words=true, wrapstring=none, break_on_hyphens=true", wrap::wordwrap).gives("The text in lines of at most so many characters.")
        .example("{{ 'a bc def'|wordwrap(4) }}", "a bc\ndef"),
    filter("xmlattr", "autospace=true", markup::xmlattr).gives("The map as attributes of an HTML element; none and undefined are left out.")
        .example("<a{{ {'id': 'x', 'class': none}|xmlattr }}>", "<a id=\"x\">"),
];

//! The one list of helpers, with their documentation and an example each.

use super::{Helper, Run, collection, encoding, logic, text, time};

/// Any number of arguments.
const ANY: usize = usize::MAX;

const fn helper(name: &'static str, signature: &'static str, arguments: (usize, usize), run: Run) -> Helper {
    Helper {
        name,
        signature,
        description: "",
        data: "{}",
        example: "",
        expected: "",
        block: false,
        raw: false,
        least: arguments.0,
        most: arguments.1,
        named: &[],
        run,
    }
}

const fn block(name: &'static str, signature: &'static str, named: &'static [&'static str]) -> Helper {
    Helper { block: true, named, ..helper(name, signature, (1, 1), logic::block) }
}

impl Helper {
    const fn gives(self, description: &'static str) -> Helper {
        Helper { description, ..self }
    }

    const fn example(self, data: &'static str, example: &'static str, expected: &'static str) -> Helper {
        Helper { data, example, expected, ..self }
    }
}

/// Every helper, in the order of the documentation.
pub const TABLE: &[Helper] = &[
    block("if", "if value [includeZero=true]", &["includeZero"])
        .gives("Renders the block if the value is there: not missing, null, false, 0, blank, or an empty list or object. Continues with `{{else if ...}}` and `{{else}}`.")
        .example(r#"{"state": {"tag": "v1"}}"#, "{{#if state.tag}}tag {{state.tag}}{{else}}no tag{{/if}}", "tag v1"),
    block("unless", "unless value [includeZero=true]", &["includeZero"])
        .gives("Renders the block if `if` would not.")
        .example("{}", "{{#unless state.tag}}no tag{{/unless}}", "no tag"),
    block("each", "each list-or-object [as |item key|]", &[])
        .gives("Renders the block for each item of a list or field of an object, with it as the context; `@index`, `@key`, `@first` and `@last` tell where, `../` and `@root` reach outside. `{{else}}` is for an empty one.")
        .example(r#"{"state": {"images": ["api", "web"]}}"#, "{{#each state.images}}{{@index}}={{this}}{{#unless @last}}, {{/unless}}{{/each}}", "0=api, 1=web"),
    block("with", "with value [as |name|]", &[])
        .gives("Renders the block with the value as the context, or its `{{else}}` if `if` would not render.")
        .example(r#"{"state": {"build": {"id": 7}}}"#, "{{#with state.build}}build {{id}}{{/with}}", "build 7"),
    helper("eq", "eq a b", (2, 2), logic::eq)
        .gives("True if both are the same JSON value; 1 and 1.0 are, the number 1 and the text \"1\" are not.")
        .example(r#"{"state": {"env": "prod"}}"#, "{{#if (eq state.env 'prod')}}live{{/if}}", "live"),
    helper("ne", "ne a b", (2, 2), logic::ne)
        .gives("True if `eq` is not.")
        .example(r#"{"state": {"env": "test"}}"#, "{{ne state.env 'prod'}}", "true"),
    helper("gt", "gt a b", (2, 2), logic::gt)
        .gives("True if a is more than b: numbers by value, texts by their characters, a number and the text of one by value. False if one is missing.")
        .example(r#"{"state": {"failed": 3}}"#, "{{gt state.failed 2}}", "true"),
    helper("gte", "gte a b", (2, 2), logic::gte)
        .gives("True if a is b or more, compared as `gt` does.")
        .example(r#"{"state": {"failed": "2"}}"#, "{{gte state.failed 2}}", "true"),
    helper("lt", "lt a b", (2, 2), logic::lt)
        .gives("True if a is less than b, compared as `gt` does.")
        .example(r#"{"state": {"tag": "1.10"}}"#, "{{lt state.tag '1.9'}}", "true"),
    helper("lte", "lte a b", (2, 2), logic::lte)
        .gives("True if a is b or less, compared as `gt` does.")
        .example("{}", "{{lte state.nothing 2}}", "false"),
    helper("and", "and a b ...", (1, ANY), logic::and)
        .gives("True if `if` would render for all of them.")
        .example(r#"{"state": {"a": 1, "b": 0}}"#, "{{and state.a state.b}}", "false"),
    helper("or", "or a b ...", (1, ANY), logic::or)
        .gives("True if `if` would render for one of them; for the value itself see `coalesce`.")
        .example(r#"{"state": {"a": 1, "b": 0}}"#, "{{or state.a state.b}}", "true"),
    helper("not", "not a", (1, 1), logic::not)
        .gives("True if `if` would not render.")
        .example("{}", "{{not state.a}}", "true"),
    helper("contains", "contains text-or-list-or-object part", (2, 2), text::contains)
        .gives("True if the text has that part, the list that item, or the object that key.")
        .example(r#"{"state": {"gitTag": "v1-alpine"}}"#, "{{contains state.gitTag 'alpine'}}", "true"),
    helper("startsWith", "startsWith text start", (2, 2), text::starts_with)
        .gives("True if the text starts so.")
        .example(r#"{"state": {"ref": "refs/tags/v1"}}"#, "{{startsWith state.ref 'refs/tags/'}}", "true"),
    helper("endsWith", "endsWith text end", (2, 2), text::ends_with)
        .gives("True if the text ends so.")
        .example(r#"{"state": {"file": "a.tgz"}}"#, "{{endsWith state.file '.zip'}}", "false"),
    helper("matches", "matches text pattern", (2, 2), text::matches)
        .gives("True if the regular expression (RE2 syntax, no look-around, no back-references) is found in the text; `^` and `$` tie it to start and end.")
        .example(r#"{"state": {"tag": "v1.20.3"}}"#, r"{{matches state.tag '^v[0-9]+([.][0-9]+)*$'}}", "true"),
    helper("default", "default value otherwise", (2, 2), logic::coalesce)
        .gives("The value, or the other one if it is missing, null or blank; false and 0 are values.")
        .example("{}", "{{default state.channel '#ci'}}", "#ci"),
    helper("coalesce", "coalesce a b ...", (1, ANY), logic::coalesce)
        .gives("The first that is not missing, null or blank.")
        .example(r#"{"state": {"b": "second"}}"#, "{{coalesce state.a state.b 'third'}}", "second"),
    Helper { named: &["pretty"], raw: true, ..helper("json", "json value [pretty=true]", (1, 1), encoding::json) }
        .gives("The value as JSON. In a JSON body it is not escaped: it stands there as a value, with its quotes.")
        .example(r#"{"state": {"a": [1, "x"]}}"#, "{{json state.a}}", r#"[1,"x"]"#),
    helper("fromJson", "fromJson text", (1, 1), encoding::from_json)
        .gives("The value that the JSON text holds; nested at most 64 deep.")
        .example(r#"{"state": {"answer": "{\"ok\": true}"}}"#, "{{#with (fromJson state.answer)}}{{ok}}{{/with}}", "true"),
    helper("toYaml", "toYaml value", (1, 1), encoding::to_yaml)
        .gives("The value as YAML, without a line break at the end.")
        .example(r#"{"state": {"a": {"b": 1}}}"#, "{{toYaml state.a}}", "b: 1"),
    helper("base64", "base64 text", (1, 1), encoding::base64)
        .gives("The text in base64.")
        .example("{}", "{{base64 'hello'}}", "aGVsbG8="),
    helper("base64Decode", "base64Decode text", (1, 1), encoding::base64_decode)
        .gives("The text that the base64 holds; white space in it is skipped.")
        .example("{}", "{{base64Decode 'aGVsbG8='}}", "hello"),
    helper("sha256", "sha256 text", (1, 1), encoding::sha256)
        .gives("The SHA-256 of the text as 64 hexadecimal digits.")
        .example("{}", "{{sha256 'hello'}}", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
    helper("replace", "replace text from to", (3, 3), text::replace)
        .gives("The text with each occurrence of `from` replaced.")
        .example(r#"{"state": {"branch": "feature/x"}}"#, "{{replace state.branch '/' '-'}}", "feature-x"),
    helper("upper", "upper text", (1, 1), text::upper).gives("The text in upper case.").example("{}", "{{upper 'ok'}}", "OK"),
    helper("lower", "lower text", (1, 1), text::lower).gives("The text in lower case.").example("{}", "{{lower 'OK'}}", "ok"),
    helper("trim", "trim text", (1, 1), text::trim)
        .gives("The text without white space at both ends.")
        .example(r#"{"state": {"a": "  x \n"}}"#, "[{{trim state.a}}]", "[x]"),
    helper("split", "split text separator", (2, 2), text::split)
        .gives("The parts of the text as a list; none for a blank text.")
        .example("{}", "{{#each (split 'a,b' ',')}}<{{this}}>{{/each}}", "<a><b>"),
    helper("join", "join list [separator]", (1, 2), text::join)
        .gives("The items as one text, with the separator (`,`) in between.")
        .example(r#"{"state": {"names": ["a", "b"]}}"#, "{{join state.names ' and '}}", "a and b"),
    helper("first", "first list", (1, 1), collection::first)
        .gives("The first item of the list.")
        .example(r#"{"state": {"names": ["a", "b"]}}"#, "{{first state.names}}", "a"),
    helper("last", "last list", (1, 1), collection::last)
        .gives("The last item of the list.")
        .example("{}", "{{last (split 'refs/heads/main' '/')}}", "main"),
    helper("length", "length value", (1, 1), collection::length)
        .gives("How many items, fields or characters there are; 0 for a missing value.")
        .example(r#"{"state": {"names": ["a", "b"]}}"#, "{{length state.names}}", "2"),
    helper("now", "now", (0, 0), time::now)
        .gives("When the event was created, in RFC 3339; the same in each rendering for that event.")
        .example("{}", "{{now}}", "2026-01-02T03:04:05Z"),
    helper("formatTime", "formatTime time format", (2, 2), time::format_time)
        .gives("The time (RFC 3339 text or seconds since 1970) in UTC, in the format of strftime.")
        .example("{}", "{{formatTime (now) '%d.%m.%Y %H:%M'}}", "02.01.2026 03:04"),
    helper("random", "random [length]", (0, 1), time::random)
        .gives("So many (8, at most 256) of the characters a-z and 2-7, the same again for the same event and template; for a variable, wherever it is read. Not a secret.")
        .example("{}", "{{length (random 12)}}", "12"),
    helper("uuid", "uuid", (0, 0), time::uuid)
        .gives("A UUID (version 4), the same again for the same event and template, as with `random`.")
        .example("{}", "{{matches (uuid) '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'}}", "true"),
    helper("urlencode", "urlencode text", (1, 1), encoding::urlencode)
        .gives("The text percent-encoded as a part of a URL's query.")
        .example("{}", "?q={{urlencode 'a b&c'}}", "?q=a%20b%26c"),
    helper("segment", "segment text", (1, 1), encoding::segment)
        .gives("The text percent-encoded as one segment of a URL's path; `.` and `..` are refused.")
        .example("{}", "/{{segment 'a/b'}}/", "/a%2Fb/"),
    helper("find", "find list key value", (3, 3), collection::find)
        .gives("The first item of the list whose field `key` equals the value.")
        .example(r#"{"state": {"apps": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]}}"#, "{{lookup (find state.apps 'name' 'b') 'port'}}", "2"),
    Helper { named: &["*"], ..helper("object", "object name=value ...", (0, 0), collection::object) }
        .gives("An object of these fields.")
        .example(r#"{"state": {"tag": "v1"}}"#, "{{json (object tag=state.tag ok=true)}}", r#"{"ok":true,"tag":"v1"}"#),
    helper("array", "array a b ...", (0, ANY), collection::array)
        .gives("A list of these items.")
        .example("{}", "{{json (array 1 'x' null)}}", r#"[1,"x",null]"#),
    helper("lookup", "lookup list-or-object key", (2, 2), collection::lookup)
        .gives("The item or field that a computed key names.")
        .example(r##"{"settings": {"channels": {"prod": "#ops"}}, "state": {"env": "prod"}}"##, "{{lookup settings.channels state.env}}", "#ops"),
];

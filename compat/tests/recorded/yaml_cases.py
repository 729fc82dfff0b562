"""YAML texts for record.py."""

SCALARS = """
yes|Yes|YES|yEs|no|No|NO|true|True|TRUE|tRUE|false|False|FALSE|on|On|ON|off|Off|OFF|y|Y|n|N|t|f
~|null|Null|NULL|nULL|none|None|nil
0|1|-1|+1|00|01|07|08|09|010|0123|-0123|+0644|0_7|0_|0o17|0O17|1_000|1_|_1|-0|+0|007_7
0x0|0x1f|0XFF|0xFF|-0x1F|0x_f|0xg|0x|0x_|0b0|0b101|-0b11|0b_1|0b2|0b|0b_|0B1
9223372036854775807|9223372036854775808|18446744073709551615|18446744073709551616|-9223372036854775808|-9223372036854775809|123456789012345678901234567890|0xffffffffffffffffffff
1:30|12:30|12:30:45|1:60|0:30|00:30|-1:30|+1:30|1:2:3:4|1:5|1:05|1:005|12:3_0|190:20:30|1_0:30|12:30:|:30|1:30am|22:22
0.|0.0|-0.0|1.5|+1.5|-1.5|.5|-.5|+.5|1.|1._5|1_0.5_0|._5|.5_0|1.5e3|1.5e+3|1.5E-3|1e3|1e+3|.5e+1|-1.e+1|1.5e+|1.0e+400|1.0e-400|6.02e+23|1.2.3|0.1.2|.|..|...x|1.10|0x1.8|3.0|100000000000000000000.0|1e16
.inf|.Inf|.INF|-.inf|+.inf|.iNF|.nan|.NaN|.NAN|-.nan|inf|nan
1:30.5|12:30.|-1:2:3.25|1:60.5|0:30.5|01:30.5|190:20:30.15|1:30.5e+1|1_0:30.5_0
2021-01-02|2021-1-2|21-01-02|2021-01|2021-13-01|2021-02-29|2020-02-29|0001-01-01|0000-01-01|9999-12-31|2021/01/02|20210102|2021-01-02x
2021-01-02T03:04:05|2021-01-02t03:04:05Z|2021-01-02 03:04:05|2021-01-02  3:04:05|2021-1-2 3:04:05|2021-01-02 03:04|2021-01-02 03:04:05.|2021-01-02 03:04:05.5|2021-01-02 03:04:05.123456789|2021-01-02 03:04:05.0
2021-01-02T03:04:05+01:00|2021-01-02T03:04:05-0530|2021-01-02T03:04:05-05:30|2021-01-02T03:04:05 +5|2021-01-02T03:04:05-0|2021-01-02T03:04:05-00:30|2021-01-02T03:04:05+25|2021-01-02T24:00:00|2021-01-02T03:60:00|2021-01-02T03:04:60|2021-01-02 03:04:05 Z|2021-01-02 03:04:05 z|2021-01-02T03:04:05+23:59|2021-01-02T03:04:05+23:99
=|<<|==|<|a=b|-|--|-a|?a|:a|a:b|a:|http://x.example/y|a#b|a #b|!|&a|*a|@a|`a`|%a|a%|,a|[|]|{|}|a]|a,b|a{b|'a|"a|>a|>|\\||text with spaces|x: y|é|日本|🚢|\\n|"{{ x }}"|{{ x }}|$x|a'b|a"b|#a|\\\\|~a|null x|yes no|- a|0 1
"yes"|'yes'|"12"|'0x1f'|"2021-01-02"|'it''s'|"a\\nb"|"\\x41\\u00e9\\U0001F6A2"|"\\/\\t\\0\\e"|'a\\nb'|""|''|"~"|"<<"|"="|"\\q"|"a|"a" b|'a' # c|"\\ud83d\\udea2"|"\\_\\N\\L\\P"
"""

KEYS = """
yes|on|off|true|null|~|1|-1|01|0x1f|1.5|1.0|1e20|1.0e+20|.inf|.nan|12:30|1:30.5|2021-01-02|2021-01-02 03:04:05Z|123456789012345678901|=|"on"|'1'|a b|a-b|"a: b"|é|!!str on|!!int "7"|!!binary aGk=|!!null x|!!bool "YES"|!!float 1|-0.0|1_0|? x
"""

TAGGED = """
!!str 1|!!str yes|!!str|!!str ""|!!str ~|!!str 2021-01-02|!!str [a]|!!str {a: 1}|!!str {=: x}|!!str {=: {=: y}}
!!int 1|!!int "1"|!!int "0x1f"|!!int 010|!!int 0o17|!!int "0x0x12"|!!int abc|!!int ""|!!int 1.5|!!int " 7 "|!!int "1:30"|!!int "1:x"|!!int "-0b11"|!!int "09"|!!int "--5"|!!int "1_0"|!!int +7|!!int "_"|!!int -|!!int "1:90"|!!int "-1:-2"
!!float 1|!!float "1.5"|!!float 1e5|!!float inf|!!float .inf|!!float "-.INF"|!!float nan|!!float .nan|!!float "1:30.5"|!!float "1_0"|!!float x|!!float ""|!!float " 2 "|!!float infinity|!!float "1:x"|!!float 0x1f
!!bool yes|!!bool "off"|!!bool TRUE|!!bool "tRuE"|!!bool 1|!!bool x|!!bool ""|!!bool [a]|!!null x|!!null ""|!!null [a]|!!null {a: 1}|!!null {=: 1}
!!binary aGk=|!!binary "aGk="|!!binary aGk|!!binary "a G k ="|!!binary ""|!!binary "AP8KJw=="|!!binary é|!!binary "aGkiJw=="|!!binary "a==="|!!binary "aGk=aGk="|!!binary "====aGk="|!!binary "aG=k"
!!timestamp 2021-01-02|!!timestamp "2021-1-2"|!!timestamp "2021-01-02 03:04:05"|!!timestamp x|!!timestamp ""
!!set {a, b}|!!set {a: 1, b: 2}|!!set {}|!!set [a]|!!set a|!!set {1, 2, 1}|!!set {a: {b: c}}|!!set {[a]}
!!omap [a: 1, b: 2]|!!omap []|!!omap {a: 1}|!!omap [a]|!!omap [{a: 1, b: 2}]|!!omap [a: 1, a: 2]|!!omap [[a]: 1]|!!omap [{}]|!!pairs [a: 1, a: 2]|!!pairs [1: x]|!!pairs x
!!seq [a]|!!seq {a: 1}|!!seq a|!!seq []|!!map {a: 1}|!!map [a]|!!map a|!!map {}|!!map {<<: {a: 1}, b: 2}
!local x|!local {a: 1}|!local [a]|!!other x|!!merge x|!!value x|!<tag:yaml.org,2002:int> "5"|!<tag:example.com,2000:x> y|!<!x> y|!e!x y|! 12|! "12"|! 'yes'|! x|! [a]|! {a: 1}|!env HOME
!!python/tuple [1, a]|!!python/tuple []|!!python/tuple [a]|!!python/str 5|!!python/int "5"|!!python/none ""|!!python/list [1]|!!python/dict {a: 1}|!!python/bool yes|!!python/float 1|!!python/bytes aGk=|!!python/long "5"|!!python/object/apply:os.getpid []|!!python/name:os.system ""|!!python/module:os ""|!!python/unicode x
&a x|&a !!str 1|!!str &a 1|&a [1]|*a|&a|&a-b x|&a.b x
"""

DOCUMENTS = {
    "nothing": "",
    "only a comment": "# nothing here\n",
    "only white space": "  \n\n  \n",
    "an empty document": "---\n",
    "an empty document that ends": "---\n...\n",
    "only an end": "...\n",
    "two empty documents": "---\n---\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "a document and an end": "a: 1\n...\n",
    "a document behind an end": "a\n...\nb\n",
    "a document and an empty one": "a: 1\n---\n",
    "a scalar beside the dashes": "--- text\n",
    "a map beside the dashes": "--- a: 1\n",
    "a list below the dashes": "---\n- 1\n- 2\n",
    "version 1.1": "%YAML 1.1\n---\non\n",
    "version 1.2 stays 1.1": "%YAML 1.2\n---\n- on\n- 010\n",
    "version 2.0": "%YAML 2.0\n---\na\n",
    "another version directive": "%YAML 1.1\n%YAML 1.1\n---\na\n",
    "a tag directive": "%TAG !y! tag:yaml.org,2002:\n---\n!y!int '5'\n",
    "a tag directive for the core handle": "%TAG !! tag:example.com,2000:\n---\n!!int 5\n",
    "an unknown directive": "%FOO bar\n---\na: 1\n",
    "a byte order mark": "\ufeffa: 1\n",
    "line ends of Windows": "a: 1\r\nb: |\r\n  x\r\n  y\r\nc: 'p\r\n  q'\r\n",
    "line ends of old Macs": "a: 1\rb: 2\r",
    "no final newline": "a:\n  b: 1",
    "a control character": "a: \x01\n",
    "a delete character": "a: x\x7f\n",
    "an escape character in quotes": 'a: "\x1b"\n',
    "a replacement character": "a: \ufffd\n",
    "a no-break space": "a: x\u00a0y\n",
    "a line separator in a plain text": "a: x\u2028y\n",
    "a next line character in a plain text": "a: x\x85y\n",
    "nested maps": "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n",
    "lists below keys, not indented": "a:\n- 1\n- 2\nb:\n- x: 1\n  y: 2\n- z\n",
    "lists of lists": "- - 1\n  - 2\n-\n  - 3\n- []\n",
    "maps in lists": "- a: 1\n  b: 2\n-\n  c: 3\n- {d: 4}\n",
    "empty values": "a:\nb: \nc: ~\nd: ''\ne:\n  f:\n",
    "an empty value in a list": "- \n- a\n-\n",
    "a value on the next line": "a:\n  text\nb:\n  'quoted'\n",
    "a plain text over lines": "a: one\n  two\n\n  three\nb: x\n",
    "a plain number over lines": "a: 1\n  2\n",
    "a quoted text over lines": "a: 'one\n  two\n\n  three '\n",
    "a double quoted text over lines": 'a: "one\n  two \\\n  three\n\n  four\\n"\n',
    "a quoted text less indented": "a:\n  b: 'x\n y'\n",
    "a quoted text at the margin": "a: 'x\ny'\n",
    "literal": "a: |\n  one\n    two\n\n  three\nb: 1\n",
    "literal stripped": "a: |-\n  one\n  two\n\n",
    "literal kept": "a: |+\n  one\n\n\nb: 1\n",
    "literal with an indent": "a: |2\n    one\n   two\n",
    "literal with both": "a: |+1\n  one\n\nb: x\n",
    "literal with both the other way": "a: |1-\n  one\n\n",
    "literal that is empty": "a: |\nb: >\nc: |+\n\nd: 1\n",
    "literal of a number": "a: |\n  12\n",
    "literal with a tag": "a: !!int |\n  12\n",
    "literal that is less indented": "a: |\n    one\n  two\n",
    "literal with leading blank lines": "a: |\n\n  one\n",
    "literal with a leading longer blank line": "a: |\n     \n  one\n",
    "literal with trailing spaces": "a: |\n  one  \n  two\n",
    "literal with a comment behind": "a: | # no text\n  one\n# a comment\nb: 1\n",
    "literal with a hash in it": "a: |\n  # text\n  one\n",
    "literal at the end without newline": "a: |\n  one",
    "literal at the end with spaces behind": "a: |\n  one\n ",
    "literal at the end with more spaces behind": "a: |\n  one\n     ",
    "literal at the end that ends in spaces": "a: |\n  one  ",
    "literal at the end, kept": "a: |+\n  one",
    "literal at the end, stripped": "a: |-\n  one",
    "literal at the end with a comment behind": "a: |\n  one\n# end",
    "folded at the end without newline": "a: >\n  one\n  two",
    "literal of a number with a bare tag": "a: ! |\n  12",
    "literal in a list": "- |\n  one\n- >-\n  two\n  three\n",
    "literal with a tab": "a: |\n  x\ty\n  \tz\n",
    "literal with jinja": "a: |\n  {%- if x %}\n    {{ y }}\n  {%- endif %}\n",
    "folded": "a: >\n  one\n  two\n\n  three\n",
    "folded with more indented lines": "a: >\n  one\n    two\n    three\n  four\n\n  five\n",
    "folded stripped": "a: >-\n  one\n\n  two\n\n",
    "folded kept": "a: >+\n  one\n\nb: 1\n",
    "folded with leading blank lines": "a: >\n\n\n  one\n  two\n",
    "flow": "{a: 1, b: [2, {c: 3}], 'd': \"e\"}\n",
    "flow over lines": "a: [\n  1,\n  2,\n]\nb: {\n  c: 1\n}\n",
    "flow less indented": "a: [\n1,\n2\n]\n",
    "flow at the margin in a map": "a:\n  b: {\nc: 1}\n",
    "flow with a trailing comma": "[a, b,]\n",
    "flow with two commas": "[a,,b]\n",
    "flow with a leading comma": "[,a]\n",
    "flow without values": "{a, b: , c:}\n",
    "flow without space behind the colon": "{a:1, b:[2], 'c':3, \"d\":4}\n",
    "flow pairs in a list": "[a: 1, b: 2, c]\n",
    "flow with empty keys": "{: 1, ? : 2}\n",
    "flow with a question mark": "{? a : 1, ? b}\n",
    "flow that is not closed": "[a, b\n",
    "flow that is closed wrongly": "[a}\n",
    "flow with a comment": "[a, # one\n b] # two\n",
    "flow with urls": "[http://x.example/, a:b]\n",
    "flow with a plain text over lines": "[a\n b, c]\n",
    "flow as a key": "{a: 1}: b\n",
    "flow with a dash": "[-1, - 2]\n",
    "flow with a lone dash": "[-]\n",
    "a list as a key": "? [a]\n: b\n",
    "a map as a key": "? {a: 1}\n: b\n",
    "a tuple as a key": "? !!python/tuple [a]\n: b\n",
    "explicit keys": "? a\n: 1\n? b\n? c\n: - 2\n",
    "a literal key": "? |\n  a\n: 1\n",
    "an empty key": ": 1\n",
    "a repeated key": "a: 1\nb: 2\na: 3\n",
    "a repeated key of other types": "1: a\ntrue: b\n1.0: c\n'1': d\n",
    "keys that look the same": "1: a\n'1': b\n",
    "null keys": "~: 1\nnull: 2\n'': 3\n",
    "an event named on": "event-handlers:\n  on:\n    notify: {message: x}\n  off: {}\n",
    "values of all types": "a: [1, 1.5, yes, ~, x, 2021-01-02, 12:30]\n",
    "colons without space": "a:b: c:d\n",
    "two colons": "a: b: c\n",
    "a colon at the end": "a: b:\n",
    "a text with a colon and a hash": "a: b:c#d e #f\n",
    "a comment without space": "a: b#c\n",
    "comments between": "# one\na: # two\n  # three\n  b: 1 # four\n# five\n",
    "a comment right behind a quote": "a: 'x'#y\n",
    "a key without value in between": "a: 1\nb\nc: 2\n",
    "bad indentation": "a:\n    b: 1\n  c: 2\n",
    "bad indentation of a list": "a:\n  - 1\n - 2\n",
    "a list in place of a key": "a: 1\n- b\n",
    "a list on the line of a key": "a: - 1\n",
    "a tab as indentation": "a:\n\tb: 1\n",
    "a tab behind the colon": "a:\tb\n",
    "a tab behind the dash": "-\tb\n",
    "a tab inside of a plain text": "a: b\tc\n",
    "a tab before a comment": "a: b\t# c\n",
    "a tab at the end of a line": "a: b\t\n",
    "a tab inside of quotes": "a: 'b\tc'\n",
    "a tab in flow": "{a:\t1,\tb: 2}\n",
    "a tab on an empty line": "a: 1\n\t\nb: 2\n",
    "text behind quotes": "a: 'x' y\n",
    "a quote that is not closed": "a: 'x\nb: 2\n",
    "an unknown escape": 'a: "\\q"\n',
    "an escape that is too short": 'a: "\\x4"\n',
    "an escaped line end": 'a: "x\\\n    y"\n',
    "an anchor and an alias": "a: &x {b: 1}\nc: *x\n",
    "an anchor of a scalar": "a: &x 12:30\nb: *x\n",
    "an anchor of nothing": "a: &x\nb: *x\n",
    "an anchor of a key": "&k a: 1\nb: *k\n",
    "an alias as a key": "a: &k key\n*k : 1\n",
    "an alias as a key of a number": "a: &k 5\n*k : 1\n",
    "an alias as a key without space": "a: &k key\n*k: 1\n",
    "an unknown alias": "a: *x\n",
    "an alias before its anchor": "a: *x\nb: &x 1\n",
    "an anchor that is there already": "a: &x 1\nb: &x 2\n",
    "an anchor with a tag": "a: &x !!str 1\nb: !!str &y 2\nc: [*x, *y]\n",
    "an alias with a tag": "a: &x 1\nb: !!str *x\n",
    "an anchor inside of itself": "&a [*a]\n",
    "an anchor inside of its map": "a: &a {b: *a}\n",
    "aliases of aliases": "a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "an anchor over the line": "a: &x\n  b: 1\nc: *x\n",
    "a merge": "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3, z: 4}\n",
    "a merge at the end": "a: &a {x: 1, y: 2}\nb: {y: 3, z: 4, <<: *a}\n",
    "a merge of a list": "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {z: 3, <<: [*a, *b]}\n",
    "a merge of a list the other way": "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*b, *a]}\n",
    "two merges": "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: *a\n  <<: *b\n",
    "a merge in a merge": "a: &a {x: 1, y: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\n",
    "a merge in place": "a: {<<: {x: 1}, y: 2}\n",
    "a merge of maps in place": "a: {<<: [{x: 1}, {x: 2, y: 2}], z: 3}\n",
    "a merge of nothing": "a: {<<: , b: 1}\n",
    "a merge of an empty map": "a: {<<: {}, b: 1}\n",
    "a merge of an empty list": "a: {<<: [], b: 1}\n",
    "a merge of a scalar": "a: {<<: 1}\n",
    "a merge of a list of lists": "a: {<<: [[1]]}\n",
    "a merge of a list of scalars": "a: {<<: [1]}\n",
    "a merge in quotes": "a: {'<<': {x: 1}}\n",
    "a merge by tag": "a: {!!merge x: {y: 1}}\n",
    "a merge in a set": "a: !!set {<<: {x: 1}, y}\n",
    "a merge of a set": "a: &a !!set {x}\nb: {<<: *a, y: 1}\n",
    "a merge of maps in maps": "a: &a {m: {x: 1}}\nb: {<<: *a, m: {y: 2}}\n",
    "a merge with keys of other types": "a: &a {1: x, yes: y}\nb: {<<: *a, 1: z}\n",
    "a merge as a value": "a: <<\n",
    "a merge in a list": "- <<\n",
    "an equals sign as a key": "=: 1\n",
    "an equals sign as a value": "a: =\n",
    "an equals sign in a list": "[=]\n",
    "block collections with tags": "a: !!seq\n- 1\nb: !!map\n  c: 1\nd: !!set\n  ? x\n  ? y\n",
    "an ordered map as a block": "a: !!omap\n- x: 1\n- y: {z: 2}\n",
    "a binary as a block": "a: !!binary |\n  aGkg\n  aG8h\n",
    "jinja in quotes": "a: \"{{ state.x|default('y') }}\"\nb: '{% if x %}1{% endif %}'\n",
    "jinja without quotes": "a: {{ x }}\n",
    "jinja behind text": "a: x {{ y }} z\n",
    "a block of the predecessor": (
        "bases: [dock.yaml]\nvariables: {image: \"img/{{ state.svc }}\"}\ncicd-contexts:\n  pilot:\n    limits: {cpu: 2, mode: 0644}\n"
        "    pipelines:\n      ship:\n        event-handlers:\n          on:\n            notify:\n              if: \"{{ state.x }}\"\n"
        "              message: |\n                one\n                two\n              when: 12:30\n              since: 2021-01-02\n"
    ),
    "deep, but not too deep": "[" * 60 + "]" * 60 + "\n",
    "quoted texts at the margin": "a: 'x\ny\nz'\nb:\n  - \"p\n\nq\\\nr\"\nc: {d: 's\n t'}\n",
    "a quoted text at the margin with other line ends": "a: 'x\r\ny'\rb: 1\r",
    "comments right behind brackets": "a: [b]#c\nd: \"e\"#f\ng: {h: i}#j\n",
    "a long key": "k" * 1000 + ": 1\n",
    "a key that is too long": "k" * 1100 + ": 1\n",
    "a long text": "a: " + "word " * 400 + "\n",
    "a long number": "a: " + "1" * 4300 + "\n",
    "a number that is too long": "a: " + "1" * 4301 + "\n",
    "many keys": "".join(f"k{index}: {index}\n" for index in range(50)),
}


def listed(text):
    # `\|` is the sign itself, `\\` a backslash.
    for line in text.strip("\n").split("\n"):
        for item in line.replace("\\\\", "\0").replace("\\|", "\1").split("|"):
            yield item.replace("\0", "\\").replace("\1", "|")


def yaml_cases():
    for scalar in listed(SCALARS):
        yield f"scalar {scalar}", f"v: {scalar}\n"
    for scalar in ["12:30", "0x1f", "yes", "2021-01-02", "1.5", "~", "<<", "a b", "-1", "=", "a:b", "?x", "0o7", "1_0"]:
        yield f"item {scalar}", f"[{scalar}, x]\n"
    for key in listed(KEYS):
        yield f"key {key}", f"{key}: v\n"
    for tagged in listed(TAGGED):
        yield f"tagged {tagged}", f"v: {tagged}\n"
    yield from DOCUMENTS.items()

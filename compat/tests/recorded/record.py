"""Records what the predecessor makes of YAML, paths, writes and merges, for ../recorded.rs.

Run it where cicdstatemgr 1.2.4 is installed, with PyYAML 6.0.3 and jsonpath-ng 1.16:

    python -m venv predecessor && . predecessor/bin/activate
    pip install cicdstatemgr==1.2.4 PyYAML==6.0.3 jsonpath-ng==1.16.0
    cd compat/tests/recorded && python record.py

It writes yaml.json, path.json, write.json and merge.json beside itself, one case a line, always the same ones.
What JSON cannot hold is written as the text that Python prints for it, a set as a sorted list, a tuple as a list.
"""

import copy
import datetime
import json
import logging
import math
import pathlib
import warnings

import jsonpath_ng
import yaml
from cicdstatemgr.cicdstatemgr import CicdStateMgr
from cicdstatemgr.utils import dict_merge

from yaml_cases import yaml_cases

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
HERE = pathlib.Path(__file__).parent


def as_json(value):
    """The value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((as_json(item) for item in value), key=str)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (datetime.date, bytes)):
        return str(value)
    raise TypeError(f"no JSON for {type(value)}")


def outcome(run):
    """What `run` gives, or the first line of its error."""
    try:
        return {"gives": run()}
    except RecursionError:
        return {"fails": "holds itself"}
    except (Exception, SystemExit) as error:
        return {"fails": f"{type(error).__name__}: {error}".splitlines()[0]}


def line(case):
    text = json.dumps(case, ensure_ascii=False)
    # Python's texts can hold halves of characters, which UTF-8 cannot.
    return json.dumps(case) if any("\ud800" <= character <= "\udfff" for character in text) else text


def save(name, cases):
    names = [case["name"] for case in cases]
    assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]
    lines = ",\n".join(line(case) for case in cases)
    (HERE / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(name, len(cases), "cases,", sum("fails" in case for case in cases), "of them fail")


def record_yaml():
    cases = []
    for name, text in dict(yaml_cases()).items():
        run = lambda: as_json(yaml.load(text, Loader=yaml.FullLoader))
        cases.append({"name": name, "text": text, **outcome(run)})
    save("yaml", cases)


# What paths look into.
DOCUMENT = {
    "state": {
        "svc": "ferry",
        "a-b": {"c_d": 1, "1": "one", "e f": [0, False, ""]},
        "targets": {"t1": {"id": "north", "n": [1, 2]}, "t2": {"id": "south", "n": [3]}, "t3": {"n": []}},
        "list": [10, [20, 21], {"x": 30, "id": "inner"}, None, "text"],
        "nothing": None,
        "empty": {},
        "none": [],
        "@at": "at",
        "日本": "kanji",
        "where": "word",
        "*": "star",
        "a.b": {"c": "dotted"},
        "it's": "quote",
        "back\\slash": "slash",
        "7": {"8": "numbers"},
        "-1": "minus",
        "x[0]": "odd",
    },
    "variables": {"image": "img", "id": "var"},
    "pipelines": {"ship": {"event-handlers": {"shipped": {"notify": {"message": "m"}}}, "list": [[1, 2, 3], [4, 5], []]}},
    "id": "top",
    "numbers": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
}

PATHS = """
$|state.svc|$.state.svc|$['state']['svc']|$["state"].svc|state['svc']|state.'svc'|'state'."svc"|[state].svc|$[state][svc]
state.a-b.c_d|state.a-b.1|state.a-b.01|state.a-b.'e f'|state.a-b."e f"[2]|state['a-b']['e f'][0]|state.7.8|state.-1|state.'-1'
state.list[0]|state.list[-1]|state.list[-5]|state.list[-6]|state.list[5]|state.list[99999999999999999999]|state.list.[1]
state.list[1][0]|state.list[1].[-1]|state.list[2].x|state.list[2]['x']|state.list[0,2]|state.list[2,0]|state.list[0,0]|state.list[0,-5]
state.list[*]|state.list.*|state.list[:]|state.list[::]|state.list[1:]|state.list[:2]|state.list[1:3]|state.list[-2:]|state.list[:-3]
numbers[::2]|numbers[1::3]|numbers[::-1]|numbers[8:2:-2]|numbers[-1:-4:-1]|numbers[:3:-1]|numbers[3::-1]|numbers[::0]|numbers[20:]|numbers[-20:3]
numbers[:20:4]|numbers[20::-4]|numbers[-20::-1]|numbers[5:2]|numbers[2:5:-1]|numbers[ 1 : 3 ]|numbers[1:3:]|numbers[:99999999999999999999]|numbers[-99999999999999999999:2]
state.targets.*|state.targets.*.id|state.targets.*.n|state.targets.*.n[0]|state.targets.*.n[*]|state.targets[*].id|state.targets.t1,t2|state.targets['t1','t2'].id
state.targets.t2,t1,t9.id|state.targets.t1,t1.id|state.*.t1|*|$.*|$[*]|*.id|$..id|state..id|$..n[0]|$..n[*]|state..n..*|$..[0]|$..['id']|$..*.id|$..t1..n|state..*[0]
..id|$..|$...id|state.|.state|state..|state.svc.|$.|$state|$$|$.$.id|state.$.id|state[$].svc|state.($.id)
state.list.0|state.targets[0]|state.svc[0]|state.svc.*|state.svc.x|state.nothing|state.nothing.x|state.empty.*|state.none[*]|state.none[0]|state.missing|state.missing.x|state.list.x
state.@at|state.日本|state.where|state.'where'|state.'*'|state['*']|state.a.b.c|state.'a.b'.c|state."it's"|state.'it\\'s'|state.'back\\\\slash'|state.x[0]|state.'x[0]'
state. svc|state .svc| state.svc |state\t.\tsvc|state\n.svc|state.sv c|state.svc,id|state.svc , nothing|state.1,svc|state.svc,1|state.*,svc
(state).svc|(state.svc)|((state)).(svc)|(state.targets).*.id|state.(svc)|state.(targets.t1).id|()|(state|(state).|state)
[0]|[state,id]|['state']|["id"]|[state|state]|state[|state[]|state[svc|state[svc,]|state[0,'a']|state[svc.id]|state[*|state[1:2:3:4]|state.targets[t1][id]
state.svc x|state/svc|state#svc|state.é|-state|--1|state.1a|'|"|state.'svc|state."svc'|'state.svc'|''|state.''|state.\\svc|state.'sv\\c'|state.{x}|state.a=b
state where svc|state where missing|state.targets.* where id|state.targets.* wherenot id|state.*.* where n[1]|*..n wherenot none
state.targets.*[?(@.id)]|$..[?(@.x > 1)]|state.`this`|state.targets.t1.`parent`|state.targets.t1.id.`parent`.n|state.`nope`|id & state|where|state.wherenot
pipelines.ship.event-handlers.shipped|pipelines.ship.event-handlers.shipped.notify.message|pipelines.*.event-handlers.*|pipelines.ship.list[*][0]|pipelines.ship.list[*][*]|pipelines.ship.list[0][1:]|pipelines.ship.list[0:2][-1]|pipelines..[1]
"""

# Paths that hold the separator of the list above themselves.
UNION_PATHS = [
    "id|state.svc", "state.svc|id", "state.(svc|list)", "(id|variables).id", "state.targets.*.(id|n)", "state.svc|nothing",
    "$..(id|x)", "id|id", "variables|state.svc", "variables.image|id|image", "state.targets|empty.t1", "(id|", "id|", "|id",
    "state where svc|nothing", "id|state..n[0]", "state.list|none[0]", "numbers[0]|[1]",
]


def record_path():
    paths = [path for line in PATHS.strip("\n").split("\n") for path in line.replace("\\n", "\n").replace("\\t", "\t").split("|")]
    cases = []
    for path in dict.fromkeys(["", *paths, *UNION_PATHS]):
        run = lambda: [match.value for match in jsonpath_ng.parse(path).find(DOCUMENT)]
        cases.append({"name": path, **outcome(run)})
    save("path", cases)
    (HERE / "path_document.json").write_text(json.dumps(DOCUMENT, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


# Key, value, document.
WRITES = [
    ("a", "1", {}),
    ("a.b", "1", {}),
    ("a.b.c", "1", {"a": {"x": 1}}),
    ("a.b", "1", {"z": 0, "a": {"b": [1], "c": 2}}),
    ("a", "1", {"a": {"b": 1}}),
    ("a", "1", {"a": [1]}),
    ("a", "", {"a": "x"}),
    ("  a.b \n", " x y\t", {}),
    ("a", "\u00a0x\u2003", {}),
    ("a", "\x1cx\x1f\x85", {}),
    ("a", "\u200bx\ufeff", {}),
    ("a.b c", "1", {}),
    ("a. b", "1", {}),
    ("a-b.c_d", "1", {}),
    ("a..b", "1", {}),
    (".a", "1", {}),
    ("a.", "1", {}),
    ("", "1", {}),
    (".", "1", {}),
    ("1.2", "x", {"1": {"3": 4}}),
    ("é.日", "ü", {}),
    ("a=b", "1", {}),
    ("a|b", "1", {}),
    ("a,b", "1", {}),
    ("a", "x,y", {}),
    ("a[]", "x", {}),
    ("a[]", "x,y", {}),
    ("a[]", "x, y ,,x", {}),
    ("a[]", "", {}),
    ("a[]", ",", {}),
    ("a.b[]", "x", {}),
    ("a.b[]", "x", {"a": {"b": ["w"]}}),
    ("a[]", "x", {"a": [1, {"k": 1}, None]}),
    ("a[]", "[]", {}),
    ("a[]", "[]", {"a": ["x"]}),
    ("a[]", " [] ", {"a": ["x"]}),
    ("a[]", "{}", {"a": ["x"]}),
    ("a[]", "[],x", {"a": ["w"]}),
    ("a[]", "x", {"a": None}),
    ("a[]", "x", {"a": ""}),
    ("a[]", "x", {"a": 0}),
    ("a[]", "x", {"a": 0.0}),
    ("a[]", "x", {"a": False}),
    ("a[]", "x", {"a": {}}),
    ("a[]", "x", {"a": []}),
    ("a[]", "[]", {"a": ""}),
    ("a[]", "x", {"a": "text"}),
    ("a[]", "x", {"a": 1}),
    ("a[]", "x", {"a": True}),
    ("a[]", "x", {"a": {"k": 1}}),
    ("a[]", "[]", {"a": {"k": 1}}),
    ("a{}", "x", {}),
    ("a{}", "x,y,x", {}),
    ("a{}", "x, x", {}),
    ("a{}", "", {}),
    ("a{}", "y,x", {"a": ["x"]}),
    ("a{}", "b", {"a": ["b", "a", "b"]}),
    ("a{}", "1", {"a": [1, 1.0, True, "1"]}),
    ("a{}", "n", {"a": [None, None, "n"]}),
    ("a{}", "x", {"a": [{"k": 1}]}),
    ("a{}", "x", {"a": [[1], [1]]}),
    ("a{}", "[]", {"a": ["x"]}),
    ("a{}", "{}", {"a": ["x"]}),
    ("a{}", "[]", {}),
    ("a{}", "x", {"a": {}}),
    ("a{}", "x", {"a": None}),
    ("a{}", "x", {"a": "text"}),
    ("a{}", "x", {"a": {"k": 1}}),
    ("a.b.c{}", "x", {"a": {"b": {}}}),
    ("a.b", "1", {"a": None}),
    ("a.b", "1", {"a": ""}),
    ("a.b", "1", {"a": 0}),
    ("a.b", "1", {"a": False}),
    ("a.b", "1", {"a": []}),
    ("a.b", "1", {"a": {}}),
    ("a.b", "1", {"a": "text"}),
    ("a.b", "1", {"a": 5}),
    ("a.b", "1", {"a": [1]}),
    ("a.b.c.d", "1", {"a": {"b": "x"}}),
    ("a.b[]", "1", {"a": "text"}),
    ("a.b[]", "1", {"a": None}),
    ("a.b{}", "1", {"a": [1]}),
    ("a[0]", "1", {"a": [1]}),
    ("a[0].b", "1", {}),
    ("a['b']", "1", {}),
    ("a[", "1", {}),
    ("a]b", "1", {}),
    ("a[].b", "1", {}),
    ("a[].b", "1", {"a": []}),
    ("a{}.b", "1", {}),
    ("a[]b", "1", {}),
    ("a[]{}", "1", {}),
    ("a{}[]", "x,x", {}),
    ("a[][]", "1", {}),
    ("[]", "1", {}),
    ("a.[]", "1", {}),
    ("a", "file:/x", {}),
    ("a", 5, {}),
    ("a", None, {"a": 1}),
    ("a.b", {"k": [1]}, {}),
    ("a", " text ", {}),
    ("a[]", ["x"], {}),
    ("a[]", 5, {"a": ["x"]}),
    ("a[]", {"k": 1}, {"a": ["x"]}),
    ("a{}", ["x"], {}),
    ("a.b", [1], {"a": "text"}),
]


def record_write():
    manager = CicdStateMgr.__new__(CicdStateMgr)
    cases = []
    for key, value, document in WRITES:

        def run():
            after = copy.deepcopy(document)
            manager.set_value_in_dict_via_prop_path(after, key, value)
            return after

        name = f"{key}={value if isinstance(value, str) else json.dumps(value)} in {json.dumps(document, ensure_ascii=False)}"
        cases.append({"name": name, "document": document, "key": key, "value": value, **outcome(run)})
    save("write", cases)


MERGES = {
    "one layer": [{"b": 1, "a": {"x": None}}],
    "an empty layer": [{"a": 1}, {}],
    "an empty first layer": [{}, {"a": 1}],
    "different keys": [{"a": 1}, {"b": 2}],
    "a text": [{"a": "x"}, {"a": "y"}],
    "a text by an empty one": [{"a": "x"}, {"a": ""}],
    "a number": [{"a": 1}, {"a": 2}],
    "a number by zero": [{"a": 1}, {"a": 0}],
    "a float": [{"a": 1.5}, {"a": 2.0}],
    "true by false": [{"a": True}, {"a": False}],
    "a list": [{"a": [1, 2]}, {"a": [3]}],
    "a list by an empty one": [{"a": [1, 2]}, {"a": []}],
    "a list of maps": [{"a": [{"x": 1}]}, {"a": [{"y": 2}]}],
    "maps": [{"a": {"x": 1, "y": 2}}, {"a": {"y": 3, "z": 4}}],
    "a map by an empty one": [{"a": {"x": 1}}, {"a": {}}],
    "maps three levels deep": [{"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"d": 3, "e": 4}, "f": 5}}],
    "order of keys": [{"z": 1, "y": {"b": 1, "a": 1}}, {"x": 1, "y": {"c": 1, "a": 2}, "z": 2}],
    "order where a falsy value gives way": [{"z": None, "y": 1}, {"y": 2, "x": 3, "z": 4}],
    "null by a text": [{"a": None}, {"a": "x"}],
    "null by a map": [{"a": None}, {"a": {"x": 1}}],
    "null by null": [{"a": None}, {"a": None}],
    "zero by a text": [{"a": 0}, {"a": "x"}],
    "zero by a list": [{"a": 0}, {"a": [1]}],
    "zero point zero by a text": [{"a": 0.0}, {"a": "x"}],
    "false by a map": [{"a": False}, {"a": {"x": 1}}],
    "false by a text": [{"a": False}, {"a": "no"}],
    "an empty text by a list": [{"a": ""}, {"a": [1]}],
    "an empty list by a map": [{"a": []}, {"a": {"x": 1}}],
    "an empty map by a text": [{"a": {}}, {"a": "x"}],
    "an empty map by null": [{"a": {}}, {"a": None}],
    "falsy by falsy": [{"a": ""}, {"a": []}, {"a": {}}, {"a": 0}, {"a": None}],
    "a text by a number": [{"a": "x"}, {"a": 1}],
    "a text by null": [{"a": "x"}, {"a": None}],
    "a number by a text": [{"a": 1}, {"a": "1"}],
    "a number by true": [{"a": 1}, {"a": True}],
    "true by a number": [{"a": True}, {"a": 1}],
    "a number by a float": [{"a": 1}, {"a": 1.5}],
    "a float by a number": [{"a": 1.5}, {"a": 1}],
    "a list by a text": [{"a": [1]}, {"a": "x"}],
    "a list by a map": [{"a": [1]}, {"a": {"x": 1}}],
    "a list by null": [{"a": [1]}, {"a": None}],
    "a map by a list": [{"a": {"x": 1}}, {"a": [1]}],
    "a map by null": [{"a": {"x": 1}}, {"a": None}],
    "a map by a text": [{"a": {"x": 1}}, {"a": "x"}],
    "a map by an empty text": [{"a": {"x": 1}}, {"a": ""}],
    "a clash far below": [{"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": ["x"]}}}],
    "a clash in the third layer": [{"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": "x"}}],
    "three layers": [{"a": {"x": 1}, "l": [1]}, {"a": {"y": 2}, "l": [2]}, {"a": {"x": 3}, "b": 4}],
    "emptied and filled with another type": [{"a": "x"}, {"a": ""}, {"a": [1]}],
    "a map emptied of nothing and a text": [{"a": {}}, {"a": {}}, {"a": "x"}],
    "a falsy value inside of a map": [{"a": {"n": None, "m": 1}}, {"a": {"n": {"x": 1}}}],
    "long numbers": [{"a": 12345678901234567}, {"a": 1}],
    "handlers of an event": [
        {"pipelines": {"p": {"event-handlers": {"e": {"notify": {"message": "m"}, "respond": {"message": "r"}}}}}},
        {"pipelines": {"p": {"event-handlers": {"e": {"respond": {"enabled": False}, "notify": {"if": "x"}}}}}},
    ],
}


def record_merge():
    cases = []
    for name, layers in MERGES.items():

        def run():
            merged = {}
            for layer in layers:
                merged = dict_merge(merged, layer)
            return merged

        cases.append({"name": name, "layers": layers, **outcome(run)})
    save("merge", cases)


if __name__ == "__main__":
    record_yaml()
    record_path()
    record_write()
    record_merge()

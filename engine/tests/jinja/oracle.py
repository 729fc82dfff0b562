#!/usr/bin/env python3
"""Renders the cases of corpus/ with the predecessor's own code and writes what came out to expected/.

    python oracle.py [--into DIR]            every file of corpus/, into expected/ unless told otherwise
    python oracle.py --cases FILE --into FILE   one file of cases (`make differential` generates them)

Run it with a Python that has cicdstatemgr 1.2.4, jinja2 3.1.6 and PyYAML 6.0.3 (`make differential` makes one). The
macros are put together by the predecessor's `initialize` and every template goes through its `parse_template`; the only
thing taken out is the storing of documents. Results do not depend on the machine, the time or the hash seed.
"""

import argparse
import copy
import json
import logging
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.argv])

import yaml
from cicdstatemgr.cicdstatemgr import CicdStateMgr

HERE = Path(__file__).resolve().parent
PINNED = {"cicdstatemgr": "1.2.4", "jinja2": "3.1.6", "PyYAML": "6.0.3"}
CASE_KEYS = {"name", "template", "macros", "data", "handler"}


class Predecessor(CicdStateMgr):
    """The predecessor without data sources: it renders, and stores nothing."""

    def __init__(self):
        self.configData = {"cicdstatemgr": {}}

    def persist(self, cicdContextData, skipPrimary=False):
        pass

    def macros(self, sources):
        """`jinja2Macros` as the predecessor's init makes it from an application file."""
        application = {"jinja2-macros": sources, "cicd-contexts": {"corpus": {"room": "#pilot"}}}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            yaml.dump(application, file, sort_keys=False)
            file.flush()
            made = self.initialize("ferry-7", "corpus", file.name, None, ["state.x=1"], None, None, None)
        macros = made.getCicdContextData()["jinja2Macros"]
        if macros["byName"] != sources:
            raise ValueError(f"the predecessor read other macros than the case has: {macros['byName']!r}")
        return macros


class Failure(logging.Handler):
    """Remembers the exception that `parse_template` logs before it makes a text of it."""

    def __init__(self):
        super().__init__()
        self.exception = None

    def emit(self, record):
        self.exception = sys.exc_info()[1]


def merged(base, extra):
    """`base` with the keys of `extra`: maps key by key, anything else replaced."""
    if isinstance(base, dict) and isinstance(extra, dict):
        keys = [*base, *(key for key in extra if key not in base)]
        return {key: merged(base.get(key), extra[key]) if key in extra else base[key] for key in keys}
    return extra


def own_name(handler):
    """The name under which a template of the predecessor sees its own block, and what it sees there."""
    own = {key: value for key, value in handler.items() if key not in ("type", "fields", "choices", "args")}
    own.update(handler.get("fields", {}))
    if "choices" in handler:
        own["choices"] = {
            choice["name"]: {
                "header": choice["header"],
                "options": [
                    {key: option[key] for key in ("text", "value", "style") if key in option}
                    | option.get("fields", {})
                    for option in choice["options"]
                ],
            }
            for choice in handler["choices"]
        }
    if "args" in handler:
        own["args"] = {arg["name"]: arg["value"] for arg in handler["args"]}
    return handler["type"], own


def document_of(case, shared, predecessor):
    """The predecessor's document D with `configData` and the own name, as it hands them to a template."""
    document = merged({key: value for key, value in shared.items() if key != "handlers"}, case.get("data", {}))
    macros = case.get("macros", {})
    if list(macros) != sorted(macros):
        raise ValueError(f"case {case['name']!r}: our library orders macros by name, so these must be sorted: {list(macros)}")
    document["jinja2Macros"] = predecessor.macros(macros) if macros else {"all": "", "byName": {}}
    document = copy.deepcopy(document)
    # Everything else keeps the order in which it is written; our library has variables by name, as it has macros.
    document["variables"] = dict(sorted(document["variables"].items()))
    if "handler" in case:
        handler = case["handler"]
        name, own = own_name(shared["handlers"][handler] if isinstance(handler, str) else handler)
        document[name] = own
    return document


def render(case, shared, predecessor, failure):
    """What the case gives: its output, or the class of the exception."""
    unknown = set(case) - CASE_KEYS
    if unknown:
        raise ValueError(f"case {case.get('name')!r}: unknown keys {sorted(unknown)}, a case has {sorted(CASE_KEYS)}")
    document = document_of(case, shared, predecessor)
    failure.exception = None
    output = predecessor.parse_template(case["template"], document)
    if failure.exception is not None:
        return {"error": type(failure.exception).__name__}
    if " at 0x" in output.lower() or str(HERE) in output or sys.prefix in output:
        return {"refused": f"prints an address or a path of this machine: {output[:100]!r}"}
    if any("\ud800" <= character <= "\udfff" for character in output):
        return {"refused": f"prints half of a surrogate pair, which is no text for us: {output[:100]!r}"}
    return {"output": output}


def render_all(cases, shared, predecessor, failure, seen):
    """The results by name. The template stands beside each, so that a stale file is noticed."""
    results = {}
    for case in cases:
        name = case["name"]
        if name in seen:
            raise ValueError(f"two cases are called {name!r}; names must differ over all files")
        seen.add(name)
        results[name] = {"template": case["template"], **render(case, shared, predecessor, failure)}
    return results


def require_usable(results):
    refused = {name: result["refused"] for name, result in results.items() if "refused" in result}
    if refused:
        sys.exit("\n".join(f"{name!r} cannot be a case: it {why}" for name, why in refused.items()))
    return results


def read(path):
    """A YAML file. Its keys must be texts, since bare `yes` or `on` mean something else to readers of YAML 1.1."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    require_text_keys(content, path.name)
    return content


def require_text_keys(value, path):
    if isinstance(value, dict):
        for key, field in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{path}: the key {key!r} is not text, put it in quotes")
            require_text_keys(field, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            require_text_keys(item, path)
    elif not isinstance(value, (str, int, float, bool, type(None))):
        raise ValueError(f"{path}: {value!r} is not JSON, put it in quotes")


def write(path, content):
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def main():
    parser = argparse.ArgumentParser(description="Render Jinja cases with the predecessor.")
    parser.add_argument("--cases", type=Path, help="one file of cases instead of corpus/")
    parser.add_argument("--into", type=Path, help="where to write; the default is expected/")
    arguments = parser.parse_args()
    for package, wanted in PINNED.items():
        if version(package) != wanted:
            sys.exit(f"{package} {wanted} is needed, this Python has {version(package)}")
    failure = Failure()
    logging.getLogger().handlers = [failure]
    logging.getLogger().setLevel(logging.ERROR)
    predecessor = Predecessor()
    shared = read(HERE / "document.yaml")
    seen = set()
    if arguments.cases:
        cases = json.loads(arguments.cases.read_text(encoding="utf-8"))
        results = render_all(cases, shared, predecessor, failure, seen)
        usable = [{**case, **results[case["name"]]} for case in cases if "refused" not in results[case["name"]]]
        write(arguments.into, usable)
    else:
        into = arguments.into or HERE / "expected"
        into.mkdir(parents=True, exist_ok=True)
        for file in sorted((HERE / "corpus").glob("*.yaml")):
            results = render_all(read(file), shared, predecessor, failure, seen)
            write(into / f"{file.stem}.json", require_usable(results))
    print(f"{len(seen)} cases rendered")


if __name__ == "__main__":
    main()

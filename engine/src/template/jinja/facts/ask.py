#!/usr/bin/env python3
"""Asks jinja2 3.1.6 under Python 3.11 what each template of the *.json files here renders to, and writes the answers in.

    python ask.py [FILE...]

A case is [template, text]; the text is null where rendering fails. New cases are written as [template] alone. Needs the
predecessor (cicdstatemgr 1.2.4) beside jinja2, for its filters.
"""

import json
import sys
from pathlib import Path

from cicdstatemgr.jinja2util import createEnvironment


def answer(environment, template, data):
    try:
        return environment.from_string(template).render(**data)
    except Exception:
        return None


def main(paths):
    environment = createEnvironment()
    for path in paths:
        facts = json.loads(path.read_text(encoding="utf-8"))
        data = json.dumps(facts["data"], ensure_ascii=False)
        lines = []
        for template, *_ in facts["cases"]:
            case = [template, answer(environment, template, json.loads(data))]
            if case[1] and " at 0x" in case[1]:
                raise ValueError(f"prints an address: {template}")
            lines.append("    " + json.dumps(case, ensure_ascii=False))
        text = '{\n  "data": ' + data + ',\n  "cases": [\n' + ",\n".join(lines) + "\n  ]\n}\n"
        path.write_text(text, encoding="utf-8")


main([Path(name) for name in sys.argv[1:]] or sorted(Path(__file__).parent.glob("*.json")))

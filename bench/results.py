# SPDX-License-Identifier: MIT
"""What a run found, as a file: bench/README.md says what is in it.

One sample is one line, so that two runs can be compared by eye.
"""

import json

FORMAT = 1


def fresh(machine):
    return {"format": FORMAT, "machine": machine, "rows": {}, "skipped": {}, "samples": []}


def _lines(found):
    yield "{"
    yield f'"format": {found["format"]},'
    yield f'"machine": {json.dumps(found["machine"], indent=1)},'
    rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found["rows"].items())
    yield f'"rows": {{\n{rows}\n}},'
    yield f'"skipped": {json.dumps(found["skipped"], indent=1)},'
    yield '"samples": [\n' + ",\n".join(map(json.dumps, found["samples"])) + "\n]"
    yield "}"


def save(path, found):
    path.write_text("\n".join(_lines(found)) + "\n")


def load(path):
    """What save() wrote; None if there is no such file."""
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    if found.get("format") != FORMAT:
        raise ValueError(f"{path}: format {found.get('format')}, and I know {FORMAT}")
    return found


def amend(old, new):
    """OLD with the rows of NEW in the place of its own; each row says when it was measured."""
    if old is None:
        return new
    rows = new["rows"]
    skipped = {}
    for found, again in (old, False), (new, True):
        for name, why in found["skipped"].items():
            places = [row for row in why["rows"] if again or row not in rows]
            known = skipped.setdefault(name, {"why": why["why"], "rows": []})
            known["rows"] += places
    return {"format": FORMAT, "machine": new["machine"], "rows": {**old["rows"], **rows},
            "skipped": {name: why for name, why in skipped.items() if why["rows"]},
            "samples": [s for s in old["samples"] if s["part"] not in rows] + new["samples"]}

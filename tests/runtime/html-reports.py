"""Makes reports for tests/runtime/html.sh out of one: html-reports.py REPORT.json DIR

hostile.json has markup and script in every text that comes from an audited tree; many.json has 5,000
findings, and all.json as many paths and libraries besides; custody-honest.json and custody-broken.json
are bound to an image with a chain of custody.
"""
import copy
import json
import os
import sys

# Plain enums and what is this program's own keep their values.
OWN = {
    "fact", "touch", "source", "kind", "class", "form", "status", "need", "state", "severity", "dimension",
    "grade", "access", "certainty", "priority", "owner", "answer", "verdict", "do", "mode", "schema", "tool", "counts",
}
NAMES = [
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "\"><svg onload=\"window.ran = 1\">",
    "</style></script></title><script>window.ran = 1</script>",
    "javascript:window.ran=1//",
    "x\u202egpj.exe\x1b[31m\x00",
    "{{7*7}}${7*7}<!--",
]


def hostile(value, name, key=""):
    if isinstance(value, str):
        return value if key in OWN else ("/" if value.startswith("/") else "") + next(name)
    if isinstance(value, list):
        return [hostile(item, name, key) for item in value]
    if isinstance(value, dict):
        if "command" in value or "args" in value:
            return {k: v if k == "how" else hostile(v, name, k) for k, v in value.items()}
        if "reason" in value and "answer" in value:
            return dict(value, reason=next(name))
        return {k: v if k in ("tool", "counts") else hostile(v, name, k) for k, v in value.items()}
    return value


def cycle():
    while True:
        yield from NAMES


def many(report, number, lists):
    big = copy.deepcopy(report)
    for key, name in lists:
        rows = []
        for at in range(number):
            row = copy.deepcopy(report[key][at % len(report[key])])
            row[name] = f"{row[name]}-{at}"
            rows.append(row)
        big[key] = rows
    order = ["blocker", "risk", "note"]
    big["findings"].sort(key=lambda finding: order.index(finding["severity"]))
    return big


source, to = sys.argv[1:]
report = json.load(open(source))
kept = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../it/custody")
for name in ["honest", "broken"]:
    custody = json.load(open(f"{kept}/{name}.json"))
    json.dump(dict(report, custody=custody), open(f"{to}/custody-{name}.json", "w"))
json.dump(hostile(dict(report, custody=custody), cycle()), open(f"{to}/hostile.json", "w"))
findings = ("findings", "message")
json.dump(many(report, 5000, [findings]), open(f"{to}/many.json", "w"))
everything = [findings, ("paths", "path"), ("libraries", "name")]
json.dump(many(report, 5000, everything), open(f"{to}/all.json", "w"))

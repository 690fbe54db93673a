#!/usr/bin/env python3
"""Holds what `seaworthy libs --format json` prints against records of what real loaders did.

usage: libs-cases.py SEAWORTHY TRUTH.json

Records of users other than root are left out: the command looks as whoever runs it. One line for
each record that differs; then the counts.
"""
import json
import os
import re
import subprocess
import sys


def plain(text):
    """A byte that is not UTF-8 as seaworthy writes it."""
    return re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xdc00:02x}", text)


def ours(seaworthy, record):
    argv = [seaworthy, "libs", "--format", "json", "--root", record["root"], "--cwd", record["cwd"]]
    for name, value in record["env"].items():
        argv += ["--env", f"{name}={value}"]
    run = subprocess.run([os.fsencode(arg) for arg in [*argv, "--", record["main"]]],
                         capture_output=True, timeout=60)
    found = json.loads(run.stdout)
    assert len(found) == 1 and (run.returncode == 2) == (found[0]["verdict"] == "unreadable")
    return found[0]


def is_recorded(record, name, path):
    """The records leave out the loader, and those of cases the system's C library."""
    if record.get("whole"):
        return "ld-linux" not in name and "/ld-musl" not in name and "linux-vdso" not in name
    if any(part in text for text in (name, path or "") for part in ("ld-linux", "/ld-musl")):
        return False
    return name != "libc.so.6" or path is None or "/app/" in path


def wanted(record):
    truth = record["truth"]
    libs = [plain(line) for line in truth["libs"]]
    errors = "\n".join(truth["err"])
    if "statically linked" in libs or truth["rc"] == -11:
        verdict = "static"
    elif truth["rc"] == -1:
        verdict = "no-interpreter"
    elif any(line.endswith("not found") for line in libs) or any(
            word in errors for word in ("No such file", "No error information", "link loop")):
        verdict = "missing"
    elif truth["rc"] != 0 or "version `" in errors:
        verdict = "aborts"
    else:
        verdict = "starts"
    keep = []
    for line in libs:
        name, _, path = line.partition(" => ")
        path = None if path == "not found" else path or name
        if line != "statically linked" and is_recorded(record, name, path):
            keep.append(line)
    return verdict, keep


def lines(record, found, expected):
    out = []
    for row in found["libraries"]:
        name = row["name"]
        path = row["path"] if row["status"] == "resolved" else None
        if not is_recorded(record, name, path):
            continue
        if path:
            out.append(name if path == name and record["mode"] != "musl" else f"{name} => {path}")
            continue
        line = f"{name} => not found"
        # musl names what is missing elsewhere; what may be absent is not always named.
        if record["mode"] != "musl" and not (row.get("optional") and line not in expected):
            out.append(line)
    return out


def main():
    seaworthy = os.path.abspath(sys.argv[1])
    with open(sys.argv[2]) as file:
        records = json.load(file)
    asked = [record for record in records if record["uid"] == 0]
    wrong = 0
    for record in asked:
        verdict, expected = wanted(record)
        found = ours(seaworthy, record)
        listed = lines(record, found, expected)
        rows = found["libraries"]
        harmless = all(row.get("optional") or row["status"] == "resolved" for row in rows)
        if verdict == "missing" and harmless and listed == expected:
            verdict = "starts"
        # The loader says so of a library that needs nothing, too.
        if verdict == "static" and found["verdict"] == "starts" and not listed:
            verdict = "starts"
        same = found["verdict"] == verdict and (verdict == "aborts" or listed == expected)
        if not same:
            wrong += 1
            print(f"{record['case']} {record['label']} ({record['mode']}): wanted {verdict} "
                  f"{expected}, got {found['verdict']} {listed} {found.get('problems', '')}")
    cases = len({record["case"] for record in asked})
    print(f"libs --format json: {len(asked) - wrong} of {len(asked)} runs of {cases} cases agree; "
          f"{len(records) - len(asked)} runs as another user left out")
    sys.exit(1 if wrong else 0)


main()

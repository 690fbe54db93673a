#!/usr/bin/env python3
"""Records what the loader of this machine does with every ELF file below a directory.

usage: loader-traces.py DIR OUT.json

Nothing of the files runs: with LD_TRACE_LOADED_OBJECTS set the loader lists what it has loaded and
ends, and it is asked beforehand (--verify) whether it is the one that takes the file.
"""
import json
import os
import re
import subprocess
import sys

LOADERS = {(2, 62): "/lib64/ld-linux-x86-64.so.2", (1, 3): "/lib/ld-linux.so.2",
           (2, 183): "/lib/ld-linux-aarch64.so.1"}


def elf_files(top):
    for folder, dirs, names in os.walk(top):
        dirs.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            try:
                with open(path, "rb") as file:
                    head = file.read(64)
            except OSError:
                continue
            if head[:4] == b"\x7fELF" and len(head) >= 52:
                yield path, (head[4], int.from_bytes(head[18:20], "little"))


def interpreter(path):
    out = subprocess.run(["readelf", "-lW", path], capture_output=True).stdout
    found = re.search(rb"interpreter: (.*)\]", out)
    return found and os.fsdecode(found.group(1))


def trace(argv):
    env = {"LD_TRACE_LOADED_OBJECTS": "1"}
    run = subprocess.run(argv, env=env, cwd="/", capture_output=True, timeout=20)
    strip = lambda raw: re.sub(rb" \(0x[0-9a-f]+\)$", b"", raw.strip())
    lines = [strip(raw).decode("utf8", "surrogateescape") for raw in run.stdout.split(b"\n")]
    errors = run.stderr.decode("utf8", "replace").strip().split("\n")
    return {"libs": [line for line in lines if line], "err": [e for e in errors if e],
            "rc": run.returncode}


def main():
    records = []
    for path, kind in elf_files(sys.argv[1]):
        loader = LOADERS.get(kind)
        if not loader or not os.path.exists(loader):
            continue
        code = subprocess.run([loader, "--verify", path], capture_output=True).returncode
        if code not in (0, 2):
            continue
        record = {"case": path, "desc": "", "label": "ldso", "root": "/", "main": path, "env": {},
                  "cwd": "/", "uid": os.getuid(), "whole": True}
        records.append({**record, "mode": "ldso", "truth": trace([loader, path])})
        special = os.stat(path).st_mode & 0o6000
        if code == 0 and not special and os.access(path, os.X_OK) and interpreter(path) == loader:
            records.append({**record, "label": "exec", "mode": "exec", "truth": trace([path])})
    with open(sys.argv[2], "w") as out:
        json.dump(records, out)
    print(len(records), "records")


main()

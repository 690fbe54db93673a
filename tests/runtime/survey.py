#!/usr/bin/env python3
"""Does `survey` list what runs on a system, and that alone?

    survey.py BIN ROOT PACKAGE…    ROOT: a Debian root; PACKAGE: each whose service is installed there beside the base system

Four trees are laid beside them, each started in another way or in none: in /opt, /srv, /usr/local and a home; ROOT itself is not
changed (an overlay). The survey has one line for each package and each tree and no other, and the command of each line works as
it is printed. The survey of this machine takes less than five seconds. Needs root."""
import json, os, shlex, subprocess, sys, tempfile, time

BIN, ROOT, PACKAGES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
top = tempfile.mkdtemp(prefix="survey.")
bad = []


def fail(why): bad.append(why); print("FAILED " + why, flush=True)


def put(path, text, mode=0o644):
    path = root + path; os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a" if path.endswith("/etc/passwd") else "w") as f: f.write(text)
    os.chmod(path, mode)


for d in ("upper", "work", "root"): os.mkdir(os.path.join(top, d))
root = top + "/root"
subprocess.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s/upper,workdir=%s/work" % (ROOT, top, top), root], check=True)
try:
    program = "#!/usr/bin/perl\nsleep 9;\n"
    put("/opt/ledger/bin/ledgerd", program, 0o755)
    put("/etc/systemd/system/ledger.service", "[Service]\nUser=www-data\nExecStart=/opt/ledger/bin/ledgerd -p 7001\n[Install]\nWantedBy=multi-user.target\n")
    put("/srv/portal/app.py", "print(1)\n")
    put("/usr/local/relay/bin/relay", program, 0o755)
    put("/etc/init.d/relay", "#!/bin/sh\ncase $1 in start) /usr/local/relay/bin/relay & ;; esac\n", 0o755)
    put("/etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\n")
    put("/home/ann/tracker/run.py", "#!/usr/bin/python3\nprint(1)\n", 0o755)
    put("/var/spool/cron/crontabs/ann", "@reboot /home/ann/tracker/run.py\n")
    want = sorted(PACKAGES + ["ledger", "portal", "relay", "tracker"])

    said = subprocess.run([BIN, "survey", "--root", root, "--format", "json"], capture_output=True, text=True)
    rows = json.loads(said.stdout)["applications"]
    found = sorted(row["name"] for row in rows)
    if found != want: fail("missing %s, too many %s" % (sorted(set(want) - set(found)), sorted(set(found) - set(want))))
    for row in rows:
        # What another application listens on is not this one's.
        if 7001 in row["ports"] and row["name"] != "ledger": fail("%s has a port of ledger's" % row["name"])
    table = subprocess.run([BIN, "survey", "--root", root], capture_output=True, text=True).stdout
    lines = [line for line in table.split("\n") if "seaworthy scan " in line]
    if len(lines) != len(rows): fail("%d lines have a command, of %d" % (len(lines), len(rows)))
    for line in lines:
        words = shlex.split(line[line.index("seaworthy scan "):])
        run = subprocess.run([BIN] + words[1:] + ["--format", "json"], capture_output=True, text=True)
        try: json.loads(run.stdout)
        except ValueError: fail("%s: exit %d, %s" % (" ".join(words), run.returncode, run.stderr.strip()[-200:]))
    print("%d applications, %d commands work" % (len(rows), len(lines)))
finally:
    subprocess.run(["umount", root]); subprocess.run(["rm", "-rf", top])
began = time.monotonic()
subprocess.run([BIN, "survey", "--root", "/"], capture_output=True)
took = time.monotonic() - began
print("this machine: %.2f s" % took)
if took > 5: fail("the survey of this machine takes %.1f s" % took)
print("%d failed" % len(bad))
sys.exit(bool(bad))

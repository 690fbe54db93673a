#!/usr/bin/env python3
"""Hard conditions: names that are swapped meanwhile, servers that are gone, too little of everything, an end at any time.

    hard.py BIN [PART…]    parts: swap, gone, away, few, noproc, full, kill (all); SCANS, PACKS and MIGRATES (1000, 200, 200), KILLS (20)

swap    Beside running scans, packs and migrations a directory, a link out of the root and a FIFO change places with each other, and a
        file with a link to a secret outside. Nothing hangs, the secret is in no output, and strace (every twentieth run) sees no call
        that opens it.
gone    A FUSE mount whose server never answers, in the application, in the library path, in /etc and as the root's neighbour: every command ends.
away    A point where a network filesystem is mounted when somebody looks (autofs), and whoever mounts it never answers: the same places.
few     ulimit -n 32 and -u 1: an answer, or a clear line and exit 2.
noproc  Without /proc.
full    A full disk: exit 2, a line that says so, and nothing half-written.
kill    SIGKILL at any time: what is there is whole.
Needs root and Linux; what the machine cannot do is told and skipped."""
import ctypes, json, os, random, resource, shutil, signal, stat, subprocess, sys, tempfile, threading, time

BIN = os.path.abspath(sys.argv[1])
PARTS = sys.argv[2:] or ["swap", "gone", "away", "few", "noproc", "full", "kill"]
count = lambda name, n: int(os.environ.get(name, n))
KEYS = os.path.abspath(os.path.join(os.path.dirname(__file__), "../keys"))
CANARY = "canary-outside-7b1e"
SECONDS = count("SECONDS_EACH", 60)
libc = ctypes.CDLL(None, use_errno=True)
top = tempfile.mkdtemp(prefix="hard.")
rnd = random.Random(1)
bad = []
mounts = []


def put(path, text, mode=0o644):
    path = os.path.join(top, path); os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f: f.write(text)
    os.chmod(path, mode)


def fail(part, why): bad.append(part); print("FAILED %s: %s" % (part, why), flush=True)


def root(name):
    r = name + "/root"
    put(r + "/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"); put(r + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:101:101::/opt/app:/bin/sh\n")
    put(r + "/etc/systemd/system/app.service", "[Service]\nUser=app\nStateDirectory=app\nExecStart=/opt/app/bin/run --config /opt/app/conf/app.conf\n")
    put(r + "/opt/app/bin/run", "#!/bin/sh\n. /opt/app/conf/app.conf\nexec sleep 9\n", 0o755); put(r + "/opt/app/conf/app.conf", "data_dir=/var/lib/app\n")
    shutil.copy("/bin/true", os.path.join(top, r, "opt/app/bin/tool"))
    for i in range(40): put(r + "/opt/app/lib/m%d.py" % i, "open('/var/lib/app/x%d', 'w')\n" % i)
    for i in range(20): put(r + "/var/lib/app/d/f%d" % i, "data %d\n" % i)
    put(name + "/outside/secret.conf", "password=%s\n" % CANARY); put(name + "/outside/f0", CANARY)
    return os.path.join(top, r)


def run(args, seconds=SECONDS, env=None, pre=None, cwd=None, wrap=()):
    """Exit code, what it said, whether it hung."""
    child = subprocess.Popen([*wrap, BIN, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, preexec_fn=pre, cwd=cwd, start_new_session=True)
    try: out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        try: child.communicate(timeout=5)
        except subprocess.TimeoutExpired: pass
        return None, "", "hung"
    return child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def judge(part, what, code, err, codes=(0, 1, 2)):
    if code is None: fail(part, what + " hangs")
    elif code not in codes or "panicked" in err: fail(part, "%s ends with %s: %s" % (what, code, err[-300:]))
    elif code == 2 and not err.strip(): fail(part, what + " says nothing")
    else: return True


# --- swap -------------------------------------------------------------------------------------------------------------------------

def exchange(a, b):
    # renameat2(2) with RENAME_EXCHANGE: no moment at which a name is not there.
    libc.syscall(316, -100, a.encode(), -100, b.encode(), 2)


def swapper(r, stop):
    outside = os.path.join(os.path.dirname(r), "outside")
    dirs = (("/var/lib/app", "d"), ("/opt/app", "lib"), ("/opt/app", "conf"))
    for at, name in dirs: os.symlink(outside, r + at + "/.link-" + name); os.mkfifo(r + at + "/.fifo-" + name)
    files = [r + "/opt/app/conf/app.conf", r + "/var/lib/app/d/f0"]
    for n, f in enumerate(files): os.symlink(outside + "/f0", r + "/.file-link%d" % n); os.mkfifo(r + "/.file-fifo%d" % n)
    while not stop.is_set():
        for at, name in dirs:
            for other in ("/.link-", "/.fifo-"):
                exchange(r + at + "/" + name, r + at + other + name); exchange(r + at + "/" + name, r + at + other + name)
        for n, f in enumerate(files):
            for other in ("/.file-link%d", "/.file-fifo%d"):
                exchange(f, r + other % n); exchange(f, r + other % n)


def swap():
    r = root("swap"); stop = threading.Event()
    helper = subprocess.Popen([sys.executable, __file__, "--swap", r], stdout=subprocess.DEVNULL)
    time.sleep(.5)
    report = os.path.join(top, "swap/report.json")
    traced = 0
    try:
        for kind, number in (("scan", count("SCANS", 1000)), ("pack", count("PACKS", 200)), ("migrate", count("MIGRATES", 200))):
            codes = {}
            for n in range(number):
                out = os.path.join(top, "swap/out"); shutil.rmtree(out, ignore_errors=True); os.makedirs(out)
                args = {"scan": ["scan", "--root", r, "/opt/app", "--all", "--format", "json"], "pack": ["pack", "--root", r, "/opt/app", "--level", "0", "-o", out + "/image"],
                        "migrate": ["migrate", "--root", r, "/opt/app", "--base", out + "/base"]}[kind]
                log = os.path.join(top, "swap/strace")
                wrap = ("strace", "-f", "-qq", "-y", "-e", "trace=open,openat,openat2,read,pread64", "-o", log) if n % 20 == 0 and shutil.which("strace") else ()
                code, said, err = run(args, SECONDS * 2 if wrap else SECONDS, wrap=wrap)
                codes[code] = codes.get(code, 0) + 1
                if not judge("swap", kind, code, err): continue
                if CANARY in said + err: fail("swap", kind + " shows what is outside")
                for d, _, fs in os.walk(out):
                    for f in fs:
                        # A link or a FIFO that was copied as such is right.
                        if not stat.S_ISREG(os.lstat(os.path.join(d, f)).st_mode): continue
                        if CANARY.encode() in open(os.path.join(d, f), "rb").read(): fail("swap", kind + " copies what is outside into " + f)
                if wrap:
                    traced += 1
                    # A descriptor is shown with the path that it is of.
                    hits = [l for l in open(log, errors="replace") if "<" in l and "/swap/outside" in l.split("<", 1)[1]]
                    if hits: fail("swap", kind + " opens what is outside: " + hits[0][:200])
            print("swap: %d runs of %s, exit codes %s" % (number, kind, codes), flush=True)
        print("swap: %d of them under strace" % traced)
    finally: helper.kill(); helper.wait()


# --- gone -------------------------------------------------------------------------------------------------------------------------

def dead(at):
    """A FUSE mount whose server never says a word."""
    os.makedirs(at, exist_ok=True)
    fd = os.open("/dev/fuse", os.O_RDWR)
    if libc.mount(b"gone", at.encode(), b"fuse", 0, b"fd=%d,rootmode=40000,user_id=0,group_id=0" % fd): raise OSError(ctypes.get_errno(), "mount")
    mounts.append((at, fd))


def gone():
    for place in ("/opt/app/data", "/usr/lib/x86_64-linux-gnu", "/etc/ssl", "/var/lib/app", "/var/lib/dpkg", "/home", "/run"):
        r = root("gone" + place.replace("/", "-"))
        shutil.rmtree(r + place, ignore_errors=True)
        try: dead(r + place)
        except OSError as e: print("gone: skipped, no FUSE here (%s)" % e); return
        for name, args in commands(r, os.path.join(top, "out")):
            code, _, err = run(args, SECONDS)
            judge("gone", "%s with a dead mount at %s" % (name, place), code, err)
        unmount()
    print("gone: done")


def never_mounted(at):
    """An automount point whose daemon does not answer: whoever looks below it waits, as for an NFS server that is gone."""
    os.makedirs(at, exist_ok=True)
    r, w = os.pipe()
    options = b"fd=%d,pgrp=%d,minproto=5,maxproto=5,direct" % (w, os.getpgrp())
    if libc.mount(b"automount", at.encode(), b"autofs", 0, options): raise OSError(ctypes.get_errno(), "mount")
    os.close(w); mounts.append((at, r))
    # What is worth nothing unless it hangs: a plain look.
    look = subprocess.Popen(["ls", at + "/x"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try: look.wait(2); raise OSError(0, "a look at it does not wait")
    except subprocess.TimeoutExpired: look.kill()


def away():
    for place in ("/opt/app/data", "/usr/lib/x86_64-linux-gnu", "/etc/ssl", "/var/lib/app", "/var/lib/dpkg", "/home", "/run"):
        r = root("away" + place.replace("/", "-"))
        shutil.rmtree(r + place, ignore_errors=True)
        try: never_mounted(r + place)
        except OSError as e: print("away: skipped, no autofs here (%s)" % e); unmount(); return
        for name, args in commands(r, os.path.join(top, "out")):
            code, _, err = run(args, SECONDS)
            judge("away", "%s with an automount point at %s" % (name, place), code, err)
        unmount()
    print("away: done")


def unmount():
    while mounts:
        at, fd = mounts.pop(); os.close(fd); libc.umount2(at.encode(), 2)


# --- every command ----------------------------------------------------------------------------------------------------------------

def commands(r, out):
    """Every command that reads the disk or writes: its name and its arguments; OUT is new each time."""
    def fresh(name):
        p = os.path.join(out, name); shutil.rmtree(p, ignore_errors=True)
        if os.path.isfile(p): os.remove(p)
        os.makedirs(out, exist_ok=True); return p
    yield "survey", ["survey", "--root", r]
    yield "survey --all", ["survey", "--root", r, "--all", "-o", fresh("survey")]
    yield "scan", ["scan", "--root", r, "/opt/app", "-o", fresh("r.json")]
    yield "scan html", ["scan", "--root", r, "/opt/app", "-o", fresh("r.html")]
    yield "check", ["check", "--root", r, "/opt/app", "-o", fresh("c.json")]
    yield "mounts", ["mounts", "--root", r, "/opt/app", "--target", "all", "-o", fresh("manifests")]
    yield "pack", ["pack", "--root", r, "/opt/app", "-o", fresh("image")]
    yield "pack lxd", ["pack", "--root", r, "/opt/app", "--format", "lxd", "-o", fresh("image.tar.gz")]
    yield "migrate", ["migrate", "--root", r, "/opt/app", "--base", fresh("base")]
    yield "migrate tar", ["migrate", "--root", r, "/opt/app", "--to", "tar", "-o", fresh("v.tar")]
    yield "libs", ["libs", "--root", r, "/opt/app/bin/tool"]
    fresh("key.key"); fresh("key.pub")
    yield "keys new", ["keys", "new", "-o", os.path.join(out, "key")]
    yield "policy new", ["policy", "new", "--key", "core=" + KEYS + "/core.pub", "--image", "registry.example/a:1", "-o", fresh("trust.toml")]


def whole(out, path):
    """Whether what a command left there is whole."""
    p = os.path.join(out, path)
    if not os.path.lexists(p): return True
    try:
        if path.endswith(".json"): json.load(open(p))
        elif path == "image": json.load(open(p + "/index.json")); json.load(open(p + "/oci-layout"))
        elif path == "r.html": return open(p).read().rstrip().endswith("</html>")
        elif path.endswith(".tar"): return subprocess.run(["tar", "-tf", p], capture_output=True).returncode == 0
        elif path.endswith(".gz"): return subprocess.run(["gzip", "-t", p], capture_output=True).returncode == 0
        elif path == "trust.toml": return "[[role]]" in open(p).read()
        return True
    except (OSError, ValueError): return False


# --- too little -------------------------------------------------------------------------------------------------------------------

def few():
    r = root("few"); out = os.path.join(top, "few/out")
    for n in (32, 16):
        for name, args in commands(r, out):
            code, _, err = run(args, pre=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
            judge("few", "%s with ulimit -n %d" % (name, n), code, err)
    os.chmod(top, 0o755); subprocess.run(["chmod", "-R", "a+rX", top]); os.makedirs(out, exist_ok=True); os.chmod(out, 0o777)
    def alone():
        os.setgroups([]); os.setgid(61234); resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)); os.setuid(61234)
    for name, args in commands(r, out):
        code, _, err = run(args, pre=alone)
        judge("few", "%s with ulimit -u 1" % name, code, err)
    print("few: done")


def noproc():
    if not shutil.which("unshare"): print("noproc: skipped, no unshare"); return
    r = root("noproc"); out = os.path.join(top, "noproc/out")
    for name, args in commands(r, out):
        code, _, err = run(args, wrap=("unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"))
        judge("noproc", name + " without /proc", code, err)
    print("noproc: done")


# --- full, kill -------------------------------------------------------------------------------------------------------------------

def full():
    r = root("full"); at = os.path.join(top, "full/disk"); os.makedirs(at)
    for size in ("8k", "24k", "64k"):
        if libc.mount(b"none", at.encode(), b"tmpfs", 0, b"size=" + size.encode()): print("full: skipped, no tmpfs"); return
        for name, args in commands(r, at):
            for f in os.listdir(at):
                p = os.path.join(at, f); shutil.rmtree(p, ignore_errors=True) if os.path.isdir(p) else os.remove(p)
            code, _, err = run(args, env={"TMPDIR": at})
            judge("full", "%s on a disk of %s" % (name, size), code, err)
            left = os.listdir(at)
            files = [f for _, _, fs in os.walk(at) for f in fs]
            if code == 2:
                if not any(w in err for w in ("space", "cannot write", "cannot be written", "full")): fail("full", "%s on a disk of %s does not say why: %s" % (name, size, err[-200:]))
                # Volumes that were begun are told as such, and migrating again goes on with them.
                if files and name not in ("migrate", "survey --all"): fail("full", "%s on a disk of %s leaves %s" % (name, size, left))
            for f in left:
                if not whole(at, f): fail("full", "%s on a disk of %s leaves half of %s" % (name, size, f))
        libc.umount2(at.encode(), 2)
    print("full: done")


def kill():
    r = root("kill"); out = os.path.join(top, "kill/out")
    for n in range(count("KILLS", 20)):
        for name, args in commands(r, out):
            shutil.rmtree(out, ignore_errors=True); os.makedirs(out)
            child = subprocess.Popen([BIN, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            time.sleep(rnd.random() * count("KILL_MS", 400) / 1000); child.kill(); child.wait()
            for f in os.listdir(out):
                if not f.startswith(".") and not whole(out, f): fail("kill", "%s, killed, leaves half of %s" % (name, f))
            # What was left does not stand in the way of the next.
            code, _, err = run(args)
            if name in ("migrate", "survey --all", "mounts"): judge("kill", name + " again", code, err)
            elif code == 2 and "not empty" not in err and "exists" not in err and "already" not in err: judge("kill", name + " again", code, err, (0, 1))
    print("kill: done")


if len(sys.argv) == 3 and sys.argv[1] == "--swap":
    swapper(sys.argv[2], threading.Event())
try:
    for part in PARTS: globals()[part]()
finally:
    unmount()
    subprocess.run(["umount", "-l", os.path.join(top, "full/disk")], capture_output=True)
    shutil.rmtree(top, ignore_errors=True)
print("%d failed" % len(bad))
sys.exit(bool(bad))

#!/usr/bin/env python3
"""Gives changed files of every sort to the program: no panic, no abort, nothing over 10 seconds or 300 MB.

    mutations.py BIN [N] [SEED] [MODES]    N changed files (21000); SEED chooses the changes (1); MODES of scan, libs, verify (all)

Each `scan` sees a sample's root in which some thirty files are changed: programs, scripts, settings, units, archives,
the databases of dpkg, apk and rpm. Each `libs` sees changed ELF files; each `verify` a layout of which one blob or document is
changed, half of them with every digest above it put right. A run that fails is told with what was changed, and kept."""
import hashlib, json, os, random, resource, shutil, signal, subprocess, sys, tempfile, time

BIN = os.path.abspath(sys.argv[1])
N = int(sys.argv[2]) if len(sys.argv) > 2 else 21000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
MODES = sys.argv[4].split(",") if len(sys.argv) > 4 else ["scan", "libs", "verify"]
HERE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SECONDS, MEGABYTES, BATCH = 10, 300, 30
rnd = random.Random(SEED)
top = tempfile.mkdtemp(prefix="mutations.")
bad, slowest, largest, runs, made = [], (0, ""), (0, ""), 0, 0

SCOPES = {"cadview-suite": ["/opt/cadview"], "meter-daemon": ["/opt/meterd"], "nightly-batch": ["/usr/local/batch"],
          "order-server": ["/opt/order-server"], "tidy-web": ["--package", "tidy-web"], "timesheet-cgi": ["/usr/local/timesheet"]}
SEEDS = os.path.join(HERE, "fuzz/seeds")
# What the samples lack: where a seed of the fuzzer lies in a root.
PLACES = [("rpm/sqlite", "var/lib/rpm/rpmdb.sqlite"), ("rpm/ndb", "usr/lib/sysimage/rpm/Packages.db"), ("rpm/bdb", "var/lib/rpm/Packages"),
          ("apk/installed", "lib/apk/db/installed"), ("apk/scripts.tar", "lib/apk/db/scripts.tar"), ("ld_cache/new", "etc/ld.so.cache"),
          ("modules/nss", "etc/nsswitch.conf"), ("modules/pam", "etc/pam.d/login"), ("php/settings", "{}/web/settings.php"),
          ("javascript/server", "{}/web/server.js"), ("ruby/app", "{}/web/app.rb"), ("perl/odd", "{}/bin/odd.pl"), ("python/odd", "{}/bin/odd.py"),
          ("web/nginx", "etc/nginx/nginx.conf"), ("secrets/many", "{}/conf/many.conf"), ("secrets/utf16", "{}/conf/wide.ini")]
WORDS = [b"\0", b"\xff" * 8, b"/etc/passwd", b"..", b"../../../..", b"${A}", b"%s", b"(" * 4000, b"[" * 4000, b"{" * 4000, b"<a>" * 2000, b"\n" * 5000, b"a" * 70000, b"&x ",
         b"*x", b"<<EOT\n", b"`", b"'", b'"', b"\\\n", b"$((", b"#!/bin/sh\n", b"include *\n", b"a=" * 3000, b"*/1 " * 2000, b"Depends: " + b"a," * 20000, b"\x80" * 12]
EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, (1 << 64) - 1]


def change(data, other):
    data = bytearray(data)
    for _ in range(rnd.choice((1, 1, 1, 2, 4, 16))):
        at = rnd.randrange(len(data) + 1); end = min(len(data), at + rnd.randrange(64)); kind = rnd.randrange(10)
        if kind == 0 and at < len(data): data[at] ^= 1 << rnd.randrange(8)
        elif kind == 1: data[at:at + 1] = bytes([rnd.randrange(256)])
        elif kind == 2: del data[at:end]
        elif kind == 3: del data[at:]
        elif kind == 4: data[at:at] = data[at:end] * rnd.choice((1, 2, 100, 5000))
        elif kind in (5, 6):
            w = rnd.choice((1, 2, 4, 8)); n = rnd.choice(EDGES) & ((1 << 8 * w) - 1)
            data[at:at + w] = n.to_bytes(w, rnd.choice(("little", "big")))
        elif kind == 7: data[at:end] = rnd.choice(WORDS)
        elif kind == 8: i = rnd.randrange(len(other) + 1); data[at:end] = other[i:i + rnd.randrange(2000)]
        else:
            # Near the beginning, where headers are.
            at = rnd.randrange(min(len(data), 256) + 1); data[at:at + 1] = bytes([rnd.randrange(256)])
    return bytes(data[:4 << 20])


def run(args, what, keep, judge=None):
    """One run under a watch."""
    global slowest, largest, runs
    runs += 1
    if runs % 100 == 0: print("%d changed files in %d runs" % (made, runs), file=sys.stderr, flush=True)
    out = open(os.path.join(top, "out"), "wb+"); err = open(os.path.join(top, "err"), "wb+")
    start = time.monotonic()
    child = subprocess.Popen([BIN, *args], stdout=out, stderr=err, stdin=subprocess.DEVNULL, env={**os.environ, "RUST_BACKTRACE": "0"},
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (2 * SECONDS, 2 * SECONDS)))
    # What computes ends by that limit; what sleeps, by this.
    signal.alarm(SECONDS * 60)
    try: _, status, usage = os.wait4(child.pid, 0)
    except TimeoutError:
        child.kill(); _, status, usage = os.wait4(child.pid, 0)
        return fail("hangs", what, keep)
    finally: signal.alarm(0)
    # Processor time: a machine that does other things, too, makes nothing hang.
    took = usage.ru_utime + usage.ru_stime; mb = usage.ru_maxrss / 1024
    slowest = max(slowest, (took, what)); largest = max(largest, (mb, what))
    child.returncode = status
    code = os.waitstatus_to_exitcode(status)
    err.seek(0); told = err.read().decode("utf-8", "replace")
    out.seek(0); text = out.read()
    if code in (-signal.SIGXCPU, -signal.SIGKILL): return fail("takes over %d s of processor time" % (2 * SECONDS), what, keep)
    if code < 0 or code not in (0, 1, 2) or "panicked at" in told: return fail("ends with %d: %s" % (code, told[-300:]), what, keep)
    if took > SECONDS: return fail("takes %.1f s of processor time" % took, what, keep)
    if mb > MEGABYTES: return fail("takes %d MB" % mb, what, keep)
    if b"please report it" in text or "please report it" in told: return fail("a reader failed: " + told[-300:], what, keep)
    if judge: judge(code, text, what, keep)


def fail(why, what, keep):
    at = "%s/kept.%d" % (os.environ.get("MUTATIONS_KEEP", "/tmp"), len(bad))
    shutil.rmtree(at, ignore_errors=True); subprocess.run(["cp", "-a", keep, at])
    bad.append(why); print("FAILED:", why, "|", what, "| kept as", at, flush=True)


def timeout(*_): raise TimeoutError
signal.signal(signal.SIGALRM, timeout)


def roots():
    for name, scope in SCOPES.items():
        root = os.path.join(top, "roots", name)
        shutil.copytree(os.path.join(HERE, "sample-apps", name, "root"), root, symlinks=True)
        home = next((s for s in scope if s.startswith("/")), "/usr/share/tidy-web")[1:]
        for seed, place in PLACES:
            to = os.path.join(root, place.format(home))
            if not os.path.lexists(to): os.makedirs(os.path.dirname(to), exist_ok=True); shutil.copy(os.path.join(SEEDS, seed), to)
        files = [os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs]
        files = sorted(f for f in files if os.path.isfile(os.path.join(root, f)) and not os.path.islink(os.path.join(root, f)) and os.path.getsize(os.path.join(root, f)) <= 1 << 20)
        yield name, scope, root, {f: open(os.path.join(root, f), "rb").read() for f in files}


def scans(all_roots, count):
    global made
    while made < count:
        name, scope, root, files = rnd.choice(all_roots)
        names = sorted(files)
        # Some stay what they are, so that the rest is reached at all.
        chosen = rnd.sample(names, min(BATCH, len(names) * 2 // 3))
        for f in chosen: open(os.path.join(root, f), "wb").write(change(files[f], files[rnd.choice(names)]))
        made += len(chosen)
        run(["scan", "--root", root, *scope, "--format", "json"], "%s: %s" % (name, " ".join(chosen)), root)
        for f in chosen: open(os.path.join(root, f), "wb").write(files[f])


def libs(all_roots, count):
    global made
    elves = [(root, f, data) for _, _, root, files in all_roots for f, data in files.items() if data[:4] == b"\x7fELF"]
    goal = made + count
    while made < goal:
        root = rnd.choice(all_roots)[2]
        own = [(f, d) for r, f, d in elves if r == root]
        if not own: continue
        chosen = rnd.sample(own, rnd.randrange(1, min(8, len(own)) + 1))
        for f, d in chosen: open(os.path.join(root, f), "wb").write(change(d, rnd.choice(elves)[2]))
        made += len(chosen)
        run(["libs", "--root", root, *("/" + f for f, _ in rnd.sample(own, min(4, len(own))))], " ".join(f for f, _ in chosen), root)
        for f, d in chosen: open(os.path.join(root, f), "wb").write(d)


def layout():
    """A layout with the stamps of one role."""
    import gzip, io, tarfile
    at = os.path.join(top, "layout"); os.makedirs(at + "/blobs/sha256")
    def blob(b, **more):
        g = hashlib.sha256(b).hexdigest(); open(at + "/blobs/sha256/" + g, "wb").write(b)
        return {"digest": "sha256:" + g, "size": len(b), **more}
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for n, t in (("etc/os-release", b'ID=debian\n'), ("usr/bin/a", b"\x7fELF" + b"\0" * 100), ("x/" + "long" * 40, b"y")):
            i = tarfile.TarInfo(n); i.size = len(t); i.pax_headers = {"SCHILY.xattr.user.a": "b"}; tar.addfile(i, io.BytesIO(t))
    raw = b.getvalue(); k = "application/vnd.oci.image."
    layer = blob(gzip.compress(raw, mtime=0), mediaType=k + "layer.v1.tar+gzip", annotations={"seaworthy.owner": "core"})
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["A=b"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(raw).hexdigest()]}}).encode(), mediaType=k + "config.v1+json")
    manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": k + "manifest.v1+json", "config": config, "layers": [layer]}).encode(), mediaType=k + "manifest.v1+json",
                    annotations={"org.opencontainers.image.ref.name": "registry.example/a:1", "seaworthy.handover": "core"})
    json.dump({"schemaVersion": 2, "mediaType": k + "index.v1+json", "manifests": [manifest]}, open(at + "/index.json", "w"))
    open(at + "/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
    keys = os.path.join(HERE, "tests/keys"); key = os.path.join(top, "core.key"); shutil.copy(keys + "/core.key", key); os.chmod(key, 0o600)
    policy = os.path.join(top, "trust.toml")
    subprocess.run([BIN, "policy", "new", "--key", "core=" + keys + "/core.pub", "--image", "registry.example/a:1", "-o", policy], check=True, capture_output=True)
    subprocess.run([BIN, "sign", at, "--role", "core", "--key", key, "--policy", policy], check=True, capture_output=True)
    ok = subprocess.run([BIN, "verify", at, "--policy", policy], capture_output=True, text=True)
    assert ok.returncode == 0, ok.stdout + ok.stderr
    return at, policy


def verifies(count):
    global made
    at, policy = layout()
    files = sorted(os.path.relpath(os.path.join(d, f), at) for d, _, fs in os.walk(at) for f in fs)
    text = {f: open(os.path.join(at, f), "rb").read() for f in files}; trust = open(policy, "rb").read()
    for _ in range(count):
        made += 1
        work = os.path.join(top, "changed"); shutil.rmtree(work, ignore_errors=True); shutil.copytree(at, work)
        f = rnd.choice(files + ["policy"]); own = policy
        if f == "policy":
            own = os.path.join(work, "trust.toml"); open(own, "wb").write(change(trust, text["index.json"])); honest = False
        else:
            data = change(text[f], text[rnd.choice(files)])
            honest = data == text[f]
            open(os.path.join(work, f), "wb").write(data)
            if f.startswith("blobs/") and rnd.random() < .5: mend(work, f, data)
        def judge(code, out, what, keep):
            if code == 0 and not honest and f not in ("index.json", "oci-layout", "policy") and not harmless(work, at): fail("a changed layout verifies", what, keep)
        run(["verify", work, "--policy", own], "verify with a changed " + f, work, judge)


def mend(work, f, data):
    """Puts the digests above a blob right, as one does who changes an image on purpose."""
    old, new = os.path.basename(f), hashlib.sha256(data).hexdigest()
    done = set()
    # A document that holds its own digest is never right: each is put right once.
    while old != new and old not in done:
        done.add(new)
        os.rename(os.path.join(work, "blobs/sha256", old), os.path.join(work, "blobs/sha256", new))
        above = None
        for d, _, fs in os.walk(work):
            for g in fs:
                p = os.path.join(d, g); t = open(p, "rb").read()
                if old.encode() in t and t[:1] == b"{":
                    t = t.replace(old.encode(), new.encode()); open(p, "wb").write(t)
                    if g != "index.json": above = (g, hashlib.sha256(t).hexdigest())
        if above is None: return
        old, new = above
        if not os.path.exists(os.path.join(work, "blobs/sha256", old)): return


def harmless(work, at):
    """Whether what is signed is untouched: a blob that nothing names, or one whose change came to nothing."""
    def reach(top):
        index = json.load(open(top + "/index.json")); seen = {}
        def go(g):
            p = top + "/blobs/sha256/" + g[7:]
            if g in seen or not os.path.exists(p): return
            seen[g] = open(p, "rb").read()
            try: doc = json.loads(seen[g])
            except ValueError: return
            for d in [doc.get("config"), *doc.get("layers", [])] if isinstance(doc, dict) and "layers" in doc else []:
                if isinstance(d, dict) and "digest" in d: go(d["digest"])
        for m in index["manifests"]:
            if m.get("annotations", {}).get("org.opencontainers.image.ref.name") == "registry.example/a:1": go(m["digest"])
        return seen
    try: return reach(work) == reach(at)
    except (OSError, ValueError, KeyError): return False


try:
    all_roots = list(roots())
    if "scan" in MODES: scans(all_roots, N * 6 // 7 if len(MODES) > 1 else N)
    if "libs" in MODES: libs(all_roots, N // 14 if len(MODES) > 1 else N)
    if "verify" in MODES: verifies(N // 14 if len(MODES) > 1 else N)
finally: shutil.rmtree(top, ignore_errors=True)
print("%d changed files in %d runs; the slowest %.1f s (%s…), the largest %d MB (%s…); %d failed" % (made, runs, slowest[0], slowest[1][:60], largest[0], largest[1][:60], len(bad)))
sys.exit(bool(bad))

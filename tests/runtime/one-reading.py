#!/usr/bin/env python3
"""Gives odd archives and documents to our strict readers and to other programs: of what ours accept, all must read the same.

    one-reading.py EXAMPLE [N] [SEED]     EXAMPLE is target/…/examples/one_reading; N inputs of each kind (200000)

Python's tarfile reads each archive, bsdtar and GNU tar every hundredth (where they are there), umoci (Go's archive/tar) every
two-thousandth. Documents are read as Go's encoding/json reads them: names without regard to case, the last of several."""
import io, json, os, random, re, shutil, struct, subprocess, sys, tarfile, tempfile, gzip, hashlib

EXAMPLE = sys.argv[1]
N = int(sys.argv[2]) if len(sys.argv) > 2 else 200000
rnd = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)


def octal(n, w): return b"%0*o\0" % (w - 1, n)


def header(name=b"a", size=0, typ=b"0", mode=0o644, link=b"", magic=b"ustar\x0000", prefix=b"", rest=b"", fields=()):
    h = bytearray(512)
    def at(i, b): h[i:i + len(b)] = b[:512 - i]
    at(0, name[:100]); at(100, octal(mode, 8)); at(108, octal(0, 8)); at(116, octal(0, 8)); at(124, octal(size, 12)); at(136, octal(0, 12))
    at(156, typ); at(157, link[:100]); at(257, magic); at(329, octal(0, 8)); at(337, octal(0, 8)); at(345, prefix[:155]); at(500, rest[:12])
    for i, b in fields: at(i, b)
    at(148, b" " * 8); at(148, b"%06o\0 " % sum(h))
    return bytes(h)


def pad(b): return b + b"\0" * (-len(b) % 512)


def record(k, v):
    n = len(k) + len(v) + 3
    w = n + 1
    while n + len(str(w)) != w: w = n + len(str(w))
    return b"%d %s=%s\n" % (w, k, v)


NAMES = [b"a", b"b/c", b"./d", b"e/", b"f/.", b"/g", b"h/../i", b".wh.j", b"k" * 99, b"l//m", b"n\0o", b"p/q/", b".", b"\xff\xfe", b"r s", b"t" * 130]
KEYS = [b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime", b"atime", b"comment", b"uname", b"hdrcharset", b"SCHILY.xattr.user.a", b"SCHILY.realsize",
        b"GNU.sparse.name", b"GNU.sparse.major", b"GNU.sparse.minor", b"GNU.sparse.realsize", b"GNU.sparse.size", b"LIBARCHIVE.xattr.user.b", b"VENDOR.x", b"mode"]
VALUES = [b"", b"1", b"0", b"b", b"x/y", b"7", b"1.5", b"-1", b"BINARY", b"a\0b", b"3000000", b"08", b"+5", b"e/", b"99999999999999999999"]
FIELDS = [(100, b"0100644\0"), (100, b"0040755\0"), (108, b"\x80\0\0\0\0\0\0\x05"), (108, b"       \0"), (124, b"\xff" * 12), (124, b"00000000001 "), (124, b"\0" * 12),
          (136, b"\xff" * 12), (136, b"-0000000001\0"), (345, b"14123123123\0"), (345, b"pre"), (508, b"tar\0"), (257, b"ustar  \0"), (257, b"ustar\0xx"), (257, b"\0" * 8), (329, b"x")]


def archive():
    out = []
    for _ in range(rnd.choice((1, 1, 2, 3))):
        if rnd.random() < .35:
            text = b"".join(record(rnd.choice(KEYS), rnd.choice(VALUES)) for _ in range(rnd.choice((1, 1, 2, 3))))
            if rnd.random() < .05: text = text[:-1]
            out.append(header(b"x", len(text), rnd.choice((b"x", b"x", b"x", b"g", b"X"))) + pad(text))
        if rnd.random() < .15:
            text = rnd.choice(NAMES) + rnd.choice((b"\0", b"\0", b"", b"\0\0", b"\0z"))
            out.append(header(b"././@LongLink", len(text), rnd.choice((b"L", b"L", b"K")), magic=b"ustar  \0") + pad(text))
        typ = rnd.choice(b"0000\x00125567SDVM3").to_bytes(1, "little")
        body = rnd.choice((b"", b"", b"hello", b"1\n0\n5\n" + b"\0" * 506 + b"hello")) if typ in b"0\x007" or rnd.random() < .1 else b""
        fields = [rnd.choice(FIELDS)] if rnd.random() < .3 else []
        link = rnd.choice((b"a", b"b/c", b"../z", b"")) if typ in b"12" or rnd.random() < .05 else b""
        out.append(header(rnd.choice(NAMES), len(body), typ, rnd.choice((0o644, 0o755, 0o4755)), link, rnd.choice((b"ustar\x0000", b"ustar\x0000", b"ustar  \0")),
                          rnd.choice((b"", b"", b"", b"p", b"p/q")), fields=fields) + pad(body))
    return b"".join(out) + rnd.choice((b"\0" * 1024, b"\0" * 1024, b"\0" * 512, b""))


def norm(name):
    parts = [p for p in name.split("/") if p not in ("", ".")]
    return "/" + "/".join(parts)


def ours(row):
    path, kind, link, size, mode, uid, gid, mtime, xattrs = row
    if kind == "whiteout": path, kind = path[:path.rfind("/") + 1] + ".wh." + path[path.rfind("/") + 1:], "file"
    if kind == "opaque": path, kind = path.rstrip("/") + "/.wh..wh..opq", "file"
    return path, kind, link, size, mode, uid, gid


def text(s): return "".join("\\x%02x" % (ord(c) - 0xdc00) if 0xdc80 <= ord(c) <= 0xdcff else c for c in s)


def python(data):
    rows = []
    with tarfile.open(fileobj=io.BytesIO(data), errorlevel=2) as tar:
        for m in tar:
            kind = "dir" if m.isdir() else "link" if m.issym() else "hard" if m.islnk() else "fifo" if m.isfifo() else "device" if m.isdev() else "file"
            link = text(m.linkname) if kind == "link" else norm(text(m.linkname)) if kind == "hard" else ""
            rows.append((norm(text(m.name)), kind, link, m.size if kind == "file" else 0, m.mode & 0o7777, m.uid, m.gid))
    return rows


def listed(tool, data):
    r = subprocess.run(tool, input=data, capture_output=True)
    if r.returncode: return None
    # bsdtar shows bytes that are no text in octal.
    out = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), r.stdout) if tool[0] == "bsdtar" else r.stdout
    return sorted(norm(x) for x in out.decode("utf-8", "surrogateescape").split("\n") if x)


class Reader:
    def __init__(self, *args): self.p = subprocess.Popen([EXAMPLE, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    def all(self, inputs):
        import threading
        def feed():
            for b in inputs: self.p.stdin.write(struct.pack("<I", len(b)) + b)
            self.p.stdin.close()
        threading.Thread(target=feed, daemon=True).start()
        return (json.loads(line) for line in self.p.stdout)


def umoci(data, top):
    """The names that umoci, and so Go's archive/tar, unpacks."""
    shutil.rmtree(top, ignore_errors=True); os.makedirs(top + "/i/blobs/sha256")
    def blob(b):
        g = hashlib.sha256(b).hexdigest(); open(top + "/i/blobs/sha256/" + g, "wb").write(b)
        return {"digest": "sha256:" + g, "size": len(b)}
    layer = blob(gzip.compress(data, mtime=0))
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(data).hexdigest()]}}).encode())
    kind = "application/vnd.oci.image."
    manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": kind + "manifest.v1+json", "config": {"mediaType": kind + "config.v1+json", **config}, "layers": [{"mediaType": kind + "layer.v1.tar+gzip", **layer}]}).encode())
    json.dump({"schemaVersion": 2, "manifests": [{"mediaType": kind + "manifest.v1+json", **manifest, "annotations": {"org.opencontainers.image.ref.name": "1"}}]}, open(top + "/i/index.json", "w"))
    open(top + "/i/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
    r = subprocess.run(["umoci", "unpack", "--rootless", "--image", top + "/i:1", top + "/u"], capture_output=True)
    if r.returncode: return None
    under = top + "/u/rootfs"
    return sorted(os.path.join("/", os.path.relpath(os.path.join(at, n), under)) for at, ds, fs in os.walk(under) for n in ds + fs)


def tars():
    accepted = bad = checked = 0
    inputs = [archive() for _ in range(N)]
    tools = [t for t in (["bsdtar", "-tf", "-"], ["tar", "--quoting-style=literal", "-tf", "-"]) if shutil.which(t[0])]
    top = tempfile.mkdtemp()
    for n, (data, told) in enumerate(zip(inputs, Reader("tar").all(inputs))):
        if "refused" in told: continue
        accepted += 1
        want = [ours(r) for r in told["entries"]]
        try: have = python(data)
        except Exception as e: have = repr(e)
        if have != want: bad += 1; print("tarfile:", n, want, have)
        if accepted % 20 == 0:
            checked += 1
            names = sorted(r[0] for r in want)
            for tool in tools:
                have = listed(tool, data)
                if have is not None: have = sorted(text(x) for x in have)
                if have != names: bad += 1; print(tool[0], n, names, have)
        if accepted % 400 == 0 and shutil.which("umoci") and not any(".wh." in r[0] or r[1] == "device" for r in want):
            have = umoci(data, top)
            names = {r[0] for r in want if r[0] != "/"}
            if have is not None and not names <= {text(x) for x in have}: bad += 1; print("umoci", n, names, have)
    shutil.rmtree(top)
    print("archives: %d, accepted %d, asked of tar and bsdtar %d, read differently %d" % (N, accepted, checked, bad))
    return bad


MEMBERS = ["manifests", "Manifests", "MANIFESTS", "manife\u017fts", "mediaType", "MediaType", "schemaVersion", "annotations", "layers", "x-vendor", "subject"]
OF_ENTRY = ["mediaType", "mediatype", "digest", "Digest", "size", "SIZE", "annotations", "Annotations", "platform", "x"]


def document():
    def entry():
        d = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + rnd.choice("0123") * 64, "size": rnd.choice((1, 2))}
        pairs = list(d.items())
        for _ in range(rnd.choice((0, 0, 1, 2))):
            k = rnd.choice(OF_ENTRY)
            pairs.insert(rnd.randrange(len(pairs) + 1), (k, {"a": "1"} if "nnot" in k else rnd.choice((3, "sha256:" + "9" * 64, "x", None, {}))))
        return "{" + ",".join(json.dumps(k) + ":" + json.dumps(v) for k, v in pairs) + "}"
    pairs = [("schemaVersion", "2"), ("manifests", "[" + ",".join(entry() for _ in range(rnd.choice((0, 1, 2)))) + "]")]
    for _ in range(rnd.choice((0, 1, 1, 2))):
        k = rnd.choice(MEMBERS)
        pairs.insert(rnd.randrange(len(pairs) + 1), (k, rnd.choice(("[]", "{}", "2", "null", '"x"', "[" + entry() + "]"))))
    return ("{" + ",".join(json.dumps(k) + ":" + v for k, v in pairs) + "}" + rnd.choice(("", "", "", " ", "{}", "\0"))).encode()


def fold(s): return "".join({"\u017f": "s", "\u212a": "k"}.get(c, c.lower() if c.isascii() else c) for c in s)


def go(data):
    """What Go's encoding/json makes of an index: the last of the members that fold to a name."""
    def struct_of(pairs, names):
        out = {}
        for k, v in pairs:
            for n in names:
                if k == n or fold(k) == fold(n): out[n] = v; break
        return out
    top = json.loads(data, object_pairs_hook=lambda p: p)
    index = struct_of(top, ("schemaVersion", "mediaType", "manifests", "annotations"))
    rows = []
    for e in index.get("manifests") or []:
        d = struct_of(e, ("mediaType", "digest", "size", "annotations"))
        rows.append([d.get("mediaType"), d.get("digest"), d.get("size"), dict(d.get("annotations") or [])])
    return rows


def documents():
    accepted = bad = 0
    top = tempfile.mkdtemp()
    os.makedirs(top + "/blobs/sha256"); open(top + "/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
    inputs = [document() for _ in range(N)]
    for n, (data, told) in enumerate(zip(inputs, Reader("index", top).all(inputs))):
        if "refused" in told: continue
        accepted += 1
        try: have = go(data)
        except Exception as e: have = repr(e)
        if have != told["entries"]: bad += 1; print("document:", n, data, told["entries"], have)
    shutil.rmtree(top)
    print("documents: %d, accepted %d, read differently %d" % (N, accepted, bad))
    return bad


sys.exit(1 if tars() + documents() else 0)

"""A tree with every oddity of a Linux filesystem, and a comparison of two trees that misses nothing.

    migrate-tree.py make DIR [--user]     makes the tree; --user only what an ordinary user can make
    migrate-tree.py same OLD NEW          compares; prints each difference, exit 1 with any
"""
import hashlib, os, socket, stat, subprocess, sys

NS = 1_700_000_000_123_456_789


def put(path, data=b"", mode=0o644, **kept):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)


def make(top, is_root):
    os.makedirs(top, exist_ok=True)
    b = os.fsencode(top) + b"/"
    kinds = []

    def kind(name):
        kinds.append(name)

    put(b + b"plain", b"hello\n"); kind("plain file")
    put(b + b"empty"); kind("empty file")
    os.mkdir(b + b"empty-dir"); kind("empty directory")
    put(b + b"big", os.urandom(3 << 20)); kind("large file")
    with open(b + b"sparse", "wb") as f:
        f.seek(8 << 20); f.write(b"x" * 70000); f.truncate(64 << 20)
    kind("sparse file, holes at both ends")
    with open(b + b"all-hole", "wb") as f:
        f.truncate(128 << 20)
    kind("file that is one hole")
    os.makedirs(b + b"links/a"); os.makedirs(b + b"links/b")
    put(b + b"links/a/one", b"twin\n")
    os.link(b + b"links/a/one", b + b"links/b/two"); os.link(b + b"links/a/one", b + b"zzz-three"); kind("hard links across directories")
    os.mkfifo(b + b"fifo", 0o620); kind("fifo")
    os.link(b + b"fifo", b + b"fifo-again"); kind("hard link of a fifo")
    here = os.getcwd(); os.chdir(top); s = socket.socket(socket.AF_UNIX); s.bind("socket"); s.close(); os.chdir(here); kind("socket")
    os.symlink("plain", b + b"link"); kind("link")
    os.symlink("/nowhere/at/all", b + b"dangling"); kind("dangling link")
    os.symlink("/etc/shadow", b + b"out"); kind("absolute link out of the root")
    os.symlink("../../../../../../etc/passwd", b + b"up"); kind("relative link out of the root")
    os.symlink("loop", b + b"loop"); kind("link to itself")
    os.symlink("link-dir", b + b"link-dir2"); os.symlink("empty-dir", b + b"link-dir"); kind("link to a directory")
    put(b + b"new\nline", b"n"); kind("name with a newline")
    put(b + b"\xff\xfe\x80bytes", b"n"); kind("name that is not UTF-8")
    put(b + b"-rf", b"n"); kind("name with a leading dash")
    put(b + b" blank \\back$lash`", b"n"); kind("name with what shells read")
    put(b + b"l" * 255, b"n"); kind("name of 255 bytes")
    put(b + b".seaworthy-0-" + b"0" * 24, b"n"); kind("name like a half-written one")
    deep = b + b"deep"
    os.mkdir(deep)
    for _ in range(100):
        deep += b"/directory-" + b"d" * 10
        os.mkdir(deep)
    put(deep + b"/bottom", b"deep\n"); kind("path of 2,000 bytes")
    os.makedirs(b + b"many")
    for i in range(10000):
        with open(b + b"many/%05d" % i, "wb") as f:
            f.write(b"%d\n" % i)
    kind("10,000 entries in a directory")
    put(b + b"program", b"#!/bin/sh\n", 0o755)
    put(b + b"setuid", b"#!/bin/sh\n"); put(b + b"setgid", b"#!/bin/sh\n")
    put(b + b"no-mode", b"n", 0o600)
    put(b + b"future", b"n"); put(b + b"past", b"n"); put(b + b"exact", b"n")
    os.mkdir(b + b"shared"); os.mkdir(b + b"sticky"); os.mkdir(b + b"closed"); put(b + b"closed/in", b"n")
    put(b + b"user-attribute", b"n"); os.setxattr(b + b"user-attribute", "user.k", b"v"); os.setxattr(b + b"user-attribute", "user.empty", b""); os.setxattr(b + b"user-attribute", "user.long", b"x" * 2000); kind("user attributes")
    os.setxattr(b + b"empty-dir", "user.dir", b"d"); kind("attribute of a directory")
    put(b + b"acl", b"n"); subprocess.run(["setfacl", "-m", "u:4242:rw,g:4243:r", b + b"acl"], check=True); kind("access control list")
    os.mkdir(b + b"default-acl"); put(b + b"default-acl/before", b"n")
    subprocess.run(["setfacl", "-m", "u:4242:rwx,d:u:4242:rwx,d:g:4243:r", b + b"default-acl"], check=True)
    put(b + b"default-acl/after", b"n"); os.mkdir(b + b"default-acl/sub"); kind("default access control list")
    if is_root:
        os.setxattr(b + b"plain", "trusted.k", b"v"); kind("trusted attribute")
        os.setxattr(b + b"dangling", "trusted.link", b"v", follow_symlinks=False); kind("attribute of a link")
        os.setxattr(b + b"fifo", "trusted.fifo", b"v"); kind("attribute of a fifo")
        subprocess.run(["setcap", "cap_net_bind_service+ep", b + b"program"], check=True); kind("capabilities")
        os.mknod(b + b"char", 0o640 | stat.S_IFCHR, os.makedev(1, 3)); kind("character device")
        os.mknod(b + b"block", 0o660 | stat.S_IFBLK, os.makedev(259, 70000)); kind("block device")
        for name, ids in [(b"plain", (1000, 1001)), (b"setuid", (1234, 0)), (b"setgid", (0, 1234)), (b"link", (3000, 3001)), (b"fifo", (65534, 65533)), (b"char", (7, 8)), (b"shared", (0, 50)), (b"big", (4000000000, 4000000001)), (b"socket", (99, 99))]:
            os.chown(b + name, *ids, follow_symlinks=False)
        for i in range(0, 10000, 97):
            os.chown(b + b"many/%05d" % i, i + 1, i + 2)
        kind("owners of all sorts")
    os.chmod(b + b"setuid", 0o4755); os.chmod(b + b"setgid", 0o2755); kind("set-user-id"); kind("set-group-id")
    os.chmod(b + b"shared", 0o2775); os.chmod(b + b"sticky", 0o1777); kind("set-group-id directory"); kind("sticky directory")
    os.chmod(b + b"closed", 0o000 if is_root else 0o500); os.chmod(b + b"no-mode", 0o000 if is_root else 0o400); kind("mode 0000")
    os.utime(b + b"future", ns=(NS, 4_102_444_800_987_654_321)); kind("time in the future")
    os.utime(b + b"past", ns=(NS, -1_000_000_001)); kind("time before 1970")
    os.utime(b + b"exact", ns=(NS, NS)); os.utime(b + b"link", ns=(NS, NS), follow_symlinks=False); os.utime(b + b"fifo", ns=(NS, NS)); kind("nanoseconds")
    for name in (b"empty-dir", b"many", b"deep", b"links/a", b""):
        os.utime(b + name, ns=(NS, NS + len(name)))
    kind("times of directories")
    print(f"{len(kinds)} kinds of entry")


def seen(top):
    found, names = {}, {}
    top = os.fsencode(top)

    def one(path, real):
        s = os.lstat(real)
        keeps = {
            "kind": stat.S_IFMT(s.st_mode), "mode": stat.S_IMODE(s.st_mode), "owner": (s.st_uid, s.st_gid), "time": s.st_mtime_ns,
            "size": 0 if stat.S_ISDIR(s.st_mode) else s.st_size, "device": s.st_rdev, "links": 0 if stat.S_ISDIR(s.st_mode) else s.st_nlink,
            "xattrs": {n: os.getxattr(real, n, follow_symlinks=False) for n in os.listxattr(real, follow_symlinks=False) if n != "security.selinux"},
        }
        if stat.S_ISLNK(s.st_mode):
            keeps["target"] = os.readlink(real)
        if stat.S_ISREG(s.st_mode):
            keeps["blocks"] = s.st_blocks
            if s.st_size < 1 << 28:
                with open(real, "rb", opener=lambda p, f: os.open(p, f | os.O_NOATIME)) as f:
                    keeps["sum"] = hashlib.file_digest(f, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(f.read()).hexdigest()
        if not stat.S_ISDIR(s.st_mode) and s.st_nlink > 1:
            names.setdefault((s.st_dev, s.st_ino), []).append(path)
        found[path] = keeps

    one(b".", top)
    for folder, dirs, files in os.walk(top):
        for name in dirs + files:
            real = os.path.join(folder, name)
            one(os.path.relpath(real, top), real)
    for twins in names.values():
        for path in twins:
            found[path]["twins"] = sorted(twins)
    return found


def same(old, new):
    a, b, wrong = seen(old), seen(new), 0
    for path in sorted(a.keys() | b.keys()):
        if path not in a or path not in b:
            print("only in the", "new" if path not in a else "old", path); wrong += 1
            continue
        for key in sorted(a[path].keys() | b[path].keys()):
            x, y = a[path].get(key), b[path].get(key)
            # A copy may take less room, and not more but for the rounding of an extent.
            if key == "blocks" and y <= x + 16:
                continue
            if x != y:
                print(f"{path!r}: {key}: {x!r} was, {y!r} is"); wrong += 1
    print(f"{len(a)} entries compared, {wrong} differences")
    return wrong


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], "--user" not in sys.argv)
    else:
        sys.exit(1 if same(sys.argv[2], sys.argv[3]) else 0)

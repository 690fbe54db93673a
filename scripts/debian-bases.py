#!/usr/bin/env python3
"""Renews what is known of Debian's base images from the archive's own metadata.

    scripts/debian-bases.py MIRROR [RELEASE...]

MIRROR is the address of a Debian mirror, as in /etc/apt. Writes rules/knowledge/bases-debian.toml
(what the smallest image of each release ships, with the symbol versions) and
rules/knowledge/sonames-debian.tsv (which package of each release ships a library).

apt itself fetches and verifies everything, in a directory of its own: this needs apt, dpkg-deb,
Debian's keyring and network, and leaves the machine's package lists alone. A mirror whose parts do
not fit its signed release file is refused.
"""
import re
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

KNOWLEDGE = Path(__file__).resolve().parent.parent / "rules" / "knowledge"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Release: number and end of long-term support (wiki.debian.org/LTS).
RELEASES = {
    "bullseye": ("11", "2026-08-31"),
    "bookworm": ("12", "2028-06-30"),
    "trixie": ("13", "2030-06-30"),
}
# Libraries whose symbol versions decide whether a program starts. The C library is not among
# them: its own list is partial, and its version is the package's.
VERSIONED = (
    "libstdc++6 libgcc-s1 zlib1g libssl1.1 libssl3 libssl3t64 libcrypt1 liblzma5 libtinfo6 libgomp1 "
    "libxml2 libcurl4 libcurl4t64 libsystemd0 libuuid1 libpam0g libselinux1"
).split()
PLACE = re.compile(r"^(?:usr/)?lib/(?:x86_64-linux-gnu/)?((?:lib|ld-linux)[^/ ]+)$")
NUMBERED = re.compile(r"\.so\.[0-9]")
# Packages by whose names the versions of an interpreter are known.
INTERPRETERS = {
    "java": r"openjdk-([0-9]+)-jre-headless",
    "php": r"php([0-9]+\.[0-9]+)-cli",
    "python": r"python([0-9]+\.[0-9]+)-minimal",
    "ruby": r"ruby([0-9]+\.[0-9]+)",
    "tcl": r"tcl([0-9]+\.[0-9]+)",
}
# A package with more libraries than this is one framework's parts, which nobody needs one by one.
PARTS = 40


def apt_root(top, mirror, release):
    """A directory in which apt knows this release and no installed package."""
    for part in ("etc/apt/preferences.d", "etc/apt/apt.conf.d", "var/lib/dpkg",
                 "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
        (top / part).mkdir(parents=True)
    (top / "var/lib/dpkg/status").touch()
    (top / "etc/apt/sources.list").write_text(f"deb [signed-by={KEYS}] {mirror} {release} main\n")
    config = top / "apt.conf"
    config.write_text(f"""Dir "{top}";
Dir::State::status "{top}/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents {{
    MetaKey "$(COMPONENT)/Contents-amd64"; ShortDescription "Contents"; Description "Contents";
}};
""")
    return config


def run(config, *words, cwd=None):
    made = subprocess.run(words, cwd=cwd, env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "APT_CONFIG": str(config)},
                          stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        sys.exit(f"{' '.join(words[:2])} failed with status {made.returncode}")
    return made.stdout


def index(config, kind):
    """The lines of an index that apt has fetched, whatever it is compressed with."""
    name = run(config, "apt-get", "indextargets", "--format", "$(FILENAME)", f"Created-By: {kind}").strip()
    return run(config, "/usr/lib/apt/apt-helper", "cat-file", name).splitlines()


def packages(config):
    """Name to fields."""
    found, fields = {}, {}
    for line in [*index(config, "Packages"), ""]:
        if not line and fields:
            found[fields["Package"]] = fields
            fields = {}
        elif line and line[0] != " ":
            key, _, value = line.partition(": ")
            fields[key] = value
    return found


def smallest(config, found):
    """What a minimal installation holds: required packages, apt, and what apt says they need."""
    wanted = [n for n, f in found.items() if f.get("Priority") == "required" or f.get("Essential") == "yes"]
    # Without it apt would choose the package that converts an old file layout, and its needs.
    merged = ["usr-is-merged"] if "usr-is-merged" in found else []
    done = run(config, "apt-get", "-s", "--no-install-recommends", "install", "apt", *merged, *wanted)
    return set(re.findall(r"^Inst (\S+)", done, re.M))


def source(fields):
    return fields.get("Source", fields["Package"]).split(" ")[0]


def users(found):
    """Package to the source packages, other than its own, that need it."""
    used = {}
    for fields in found.values():
        for field in ("Depends", "Pre-Depends", "Recommends"):
            for name in re.findall(r"(?:^|[,|]) *([a-z0-9][a-z0-9+.-]+)", fields.get(field, "")):
                if name in found and source(found[name]) != source(fields):
                    used.setdefault(name, set()).add(source(fields))
    return used


def shipped(config, found):
    """Package to the names of files where the loader looks."""
    held = {}
    for line in index(config, "Contents"):
        path, _, where = line.rpartition(" ")
        match = PLACE.match(path.strip())
        if not match:
            continue
        for package in where.split(","):
            section, _, name = package.rpartition("/")
            if name in found and not section.endswith(("libdevel", "debug")) and not name.endswith("-dev"):
                held.setdefault(name, set()).add(match.group(1))
    return held


def sonames(names):
    """The names by which the libraries of one package may be needed.

    ldconfig(8) makes a link of the SONAME's name beside the file, and packages hold that link. Of
    libx.so.1 and libx.so.1.2.3 the second is the file; of libbz2.so.1, libbz2.so.1.0 and
    libbz2.so.1.0.4 either link may be the name. A file with less than three numbers may bear its
    SONAME, as libpython3.11.so.1.0 does, and so may one without any, as libdb-5.3.so does.
    """
    stems = {}
    for name in names:
        if NUMBERED.search(name) or name.startswith("ld-linux"):
            stem, _, number = name.partition(".so")
            stems.setdefault(stem, []).append((number.count("."), name))
    kept = set()
    for many in stems.values():
        longest = max(many)
        kept |= {name for parts, name in many if len(many) == 1 or parts < 3 or (parts, name) != longest}
    plain = {n for n in names if n.endswith(".so")}
    # libm-2.31.so is the file behind libm.so.6, and libx-5.3.5.so the one behind libx-5.3.so.
    behind = {n for n in plain if n[:-3].rpartition("-")[0] in stems
              or n[:-3].rpartition(".")[0] + ".so" in plain}
    return kept | plain - behind


def customary(name):
    """The package name that Debian's policy (8.1) gives to the library's SONAME."""
    stem, _, number = name.partition(".so.")
    if not number:
        stem = name.removesuffix(".so").rpartition("-")
        return "".join(stem[::2]).lower().replace("_", "-")
    return f"{stem}{'-' if stem[-1:].isdigit() else ''}{number}".lower().replace("_", "-")


def owners(held, small, used):
    """SONAME to package: where several ship it, the smallest image's, then the customary one."""
    found = {}
    for package, names in held.items():
        for name in sonames(names):
            found.setdefault(name, []).append(package)
    return {name: min(many, key=lambda p: (p not in small, p.removesuffix("t64") != customary(name),
                                           -len(used.get(p, ())), p))
            for name, many in found.items()}


def shared(owner, found, small, used):
    """The libraries that more than the software they come with needs."""
    parts = {}
    for package in owner.values():
        parts[package] = parts.get(package, 0) + 1
    return {name for name, package in owner.items()
            if package in small or found[package].get("Section") == "oldlibs"
            or used.get(package) and parts[package] <= PARTS}


def order(version):
    """A key for the numbers of a version, OPENSSL_1_1_1b included."""
    return [int(part) if part.isdigit() else ord(part[0]) - 96 for part in re.findall(r"[0-9]+|[a-z]+", version)]


def versions(symbols):
    """For each library of a symbols file (deb-symbols(5)): the newest version of each family."""
    newest, library = {}, None
    for line in symbols.splitlines():
        if line and line[0] not in " *|#":
            library = line.split()[0]
        match = re.match(r"^\s+\S+@([A-Za-z][A-Za-z0-9_]*?)_([0-9][0-9a-z._]*)\s", line)
        if match and library:
            family, number = match.groups()
            old = newest.setdefault(library, {}).get(family)
            if old is None or order(number) > order(old):
                newest[library][family] = number
    return {lib: sorted(f"{f}_{n}" for f, n in families.items()) for lib, families in newest.items()}


def read_versions(config, top, found):
    tags = {}
    (top / "debs").mkdir()
    for name in VERSIONED:
        if name in found:
            run(config, "apt-get", "download", "-q", name, cwd=top / "debs")
    for deb in sorted((top / "debs").glob("*.deb")):
        tags.update(versions(run(config, "dpkg-deb", "-I", str(deb), "symbols")))
    return tags


def interpreters(found):
    """Each language with the versions that a release has."""
    have = {"perl": {".".join(found["perl-base"]["Version"].split(".")[:2])}}
    if "nodejs" in found:
        have["node"] = {re.match(r"[0-9]+", found["nodejs"]["Version"]).group()}
    for language, pattern in INTERPRETERS.items():
        have[language] = {m.group(1) for m in map(re.compile(pattern).fullmatch, found) if m}
    parts = [f'{name} = [{", ".join(map(quoted, sorted(have[name], key=order)))}]' for name in sorted(have)]
    return "{ " + ", ".join(parts) + " }"


def quoted(text):
    return f'"{text}"'


def strings(values):
    return "".join(f'    "{value}",\n' for value in values)


def base(release, found, small, owner, tags):
    """The table's entry of a release."""
    number, support = RELEASES[release]
    glibc = re.match(r"[0-9]+\.[0-9]+", found["libc6"]["Version"]).group()
    inside = sorted(name for name, package in owner.items() if package in small)
    known = [f'{quoted(lib)} = [{", ".join(map(quoted, tags[lib]))}]\n' for lib in sorted(tags)]
    return f"""[[base]]
id = "debian-{number}"
name = "Debian {number} ({release})"
image = "debian:{number}"
family = "debian"
release = "{number}"
end_of_support = "{support}"
ended = {str(support < date.today().isoformat()).lower()}
libc = "glibc"
libc_version = "{glibc}"
isa = "x86-64"
i386 = "dpkg --add-architecture i386"
size_mb = {sum(int(found[n].get("Installed-Size", 0)) for n in small) // 1024}
complete = true
interpreters = {interpreters(found)}
source = "the archive's package metadata: packages of priority required, apt, and their dependencies"
sonames = [
{strings(inside)}]

[base.versions]
{"".join(known)}"""


def table(numbers, columns, kept):
    """One line for each library: its name, and for each release the package.

    `-` stands for the customary package name, `t` for that with `t64` behind it, `=` for the
    package of the column to the left.
    """
    rows = []
    for name in sorted(kept):
        cells, left = [], None
        for column in columns:
            package = column.get(name, "")
            code = {"": "", left: "=", customary(name): "-", customary(name) + "t64": "t"}.get(package, package)
            cells.append(code)
            left = package or None
        rows.append("\t".join([name, *cells]).rstrip("\t"))
    return "\t".join(["soname", *numbers]) + "\n" + "\n".join(rows) + "\n"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    mirror, wanted = sys.argv[1].rstrip("/"), sys.argv[2:] or list(RELEASES)
    bases, columns, kept = [], [], set()
    for release in wanted:
        with tempfile.TemporaryDirectory() as work:
            top = Path(work)
            config = apt_root(top, mirror, release)
            run(config, "apt-get", "update", "-q", "--error-on=any")
            found = packages(config)
            small, used = smallest(config, found), users(found)
            owner = owners(shipped(config, found), small, used)
            bases.append(base(release, found, small, owner, read_versions(config, top, found)))
        columns.append(owner)
        kept |= shared(owner, found, small, used)
    (KNOWLEDGE / "bases-debian.toml").write_text(
        "# Made by scripts/debian-bases.py from the archive's metadata; do not edit.\n\n" + "\n".join(bases))
    (KNOWLEDGE / "sonames-debian.tsv").write_text(table([RELEASES[r][0] for r in wanted], columns, kept))


if __name__ == "__main__":
    main()

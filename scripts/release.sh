#!/bin/sh
# Builds the release: one x86_64 program that needs no shared library, its manual pages and
# completions, as an archive with a checksum, in target/dist.
#
#   scripts/release.sh
#
# Needs the Rust target (rustup target add x86_64-unknown-linux-musl), a C compiler for musl
# (musl-gcc of musl-tools, or another in CC_x86_64_unknown_linux_musl), readelf and GNU tar.
# SOURCE_DATE_EPOCH sets the times in the archive; without it, those of the last commit.
set -eu

cd "$(dirname "$0")/.."
triple=x86_64-unknown-linux-musl
target=${CARGO_TARGET_DIR:-target}

say() { printf '%s\n' "release: $*"; }
fail() { printf '%s\n' "release: $*" >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
[ -n "$version" ] || fail "Cargo.toml has no version"
tag=$(git describe --exact-match --tags 2>/dev/null || true)
case $tag in
    '') say "this commit has no tag: version $version by Cargo.toml" ;;
    "v$version") ;;
    *) fail "the tag is $tag and the version $version: make them agree" ;;
esac

export CC_x86_64_unknown_linux_musl="${CC_x86_64_unknown_linux_musl:-musl-gcc}"
command -v "$CC_x86_64_unknown_linux_musl" >/dev/null ||
    fail "no $CC_x86_64_unknown_linux_musl: install musl-tools, or set CC_x86_64_unknown_linux_musl"
cargo build --locked --release --target "$triple" || fail \
    "the build failed; is the target there? rustup target add $triple"
program=$target/$triple/release/seaworthy

# The promise of the file name: nothing of the host but its kernel is needed.
if readelf -dW "$program" | grep -q NEEDED; then
    fail "$program needs shared libraries: $(readelf -dW "$program" | grep NEEDED)"
fi
if readelf -lW "$program" | grep -q INTERP; then
    fail "$program asks for a loader"
fi
told=$("$program" --version)
[ "$told" = "seaworthy $version" ] || fail "$program says it is: $told"
say "no NEEDED, no INTERP, $(wc -c <"$program") bytes: $program"

# Linux 3.10 has none of these calls, and refuses them so (syscalls(2) has the versions).
newer=statx,openat2,faccessat2,getrandom,renameat2,copy_file_range,memfd_create,execveat
newer=$newer,rseq,clone3,close_range,pidfd_open,membarrier,preadv2,pwritev2,epoll_pwait2
audit() { "$@" "$program" scan --root sample-apps/meter-daemon/root /opt/meterd --format json; }
if command -v strace >/dev/null; then
    expected=$(audit env | sha256sum)
    got=$(audit strace -f -qq -o /dev/null -e "trace=$newer" -e "inject=$newer:error=ENOSYS" |
        sha256sum)
    [ "$got" = "$expected" ] || fail "the report differs where the kernel is as old as 3.10"
    say "the same report without the system calls that are newer than Linux 3.10"
else
    say "no strace: not tried without the system calls that are newer than Linux 3.10"
fi

name=seaworthy-$version-x86_64-linux
dist=$target/dist
rm -rf "${dist:?}/$name"
mkdir -p "$dist/$name/man/man1" "$dist/$name/completions"
cp "$program" README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$dist/$name/"
"$program" generate man -o "$dist/$name/man/man1"
for shell in bash elvish fish powershell zsh; do
    "$program" generate completions "$shell" >"$dist/$name/completions/seaworthy.$shell"
done
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    --mtime="@$time" -C "$dist" -cf - "$name" | gzip -9n >"$dist/$name.tar.gz"
(cd "$dist" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
say "$(wc -c <"$dist/$name.tar.gz") bytes: $dist/$name.tar.gz"

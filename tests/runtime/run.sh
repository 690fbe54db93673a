#!/bin/bash
# Starts applications from their generated manifests under real runtimes, read-only, asks each
# something by a real client, ends it and starts it again with the same volumes.
#
# usage: run.sh BINARY ROOTS [RUNTIME...]
#
#   ROOTS     a directory with built roots, NAME/ for each apps/NAME.sh beside this script, which
#             has its scope, what an administrator does before it starts, what a client says inside,
#             what it must answer (a word of it), and what it finds in a new container
#   RUNTIME   podman, kube, newkube, compose, runc, nspawn, quadlet, incus (default all)
#   TOOLS     directory of the tools; fetched by tools.sh when it is not there
#   APPS      names of applications, to run some only
#   STORAGE   podman's storage driver (default overlay; vfs where that is not allowed)
#
# Needs root. Everything happens in private namespaces: /srv is a directory of the work area, the
# network has no way out, and nothing stays behind.
set -u
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${SEAWORTHY_INSIDE:-}" ]; then
    [ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }
    TOOLS=${TOOLS:-${TMPDIR:-/tmp}/seaworthy-tools}
    [ -d "$TOOLS/x/podman-bookworm" ] || "$here/tools.sh" "$TOOLS" >&2
    work=$(mktemp -d)
    export TOOLS work SEAWORTHY_INSIDE=1
    unshare --mount --net --pid --fork --mount-proc --propagation private "$0" "$@"
    code=$?
    rm -rf "$work"
    exit $code
fi
bin=$(realpath "$1")
roots=$(realpath "$2")
shift 2
runtimes=${*:-podman kube newkube compose runc nspawn quadlet incus}
tools=$(realpath "$TOOLS")
# shellcheck source=tests/runtime/engines.sh
. "$here/engines.sh"
# shellcheck source=tests/runtime/guest.sh
. "$here/guest.sh"
failed=0

# image NAME: a tree with code only, as a user makes it: the archives of stage.sh, one upon the other.
# Owner and mode of mount points go into volumes, and into scratch space by runc before 1.1.8.
image() {
    local name=$1 dir=$work/$1 archive
    mkdir -p "$dir/tree"
    "$dir/out/containerfile/stage.sh" -t "$dir/root" || return 1
    sed -n 's|^ADD \(.*\) /$|\1|p' "$dir/out/containerfile/Containerfile" | tr ' ' '\n' |
        while read -r archive; do
            tar -C "$dir/tree" -xpf "$dir/out/containerfile/$archive" --numeric-owner \
                --xattrs --xattrs-include='*' || return 1
        done
}

verdict() { # NAME RUNTIME CODE
    if [ "$3" = 0 ]; then echo "$1 $2: runs, and its data survives"; else
        echo "$1 $2: FAILS"
        failed=1
    fi
}

# Podman has no StatefulSet: its pod template runs as a pod with the claims it would make. That of
# bookworm has no `subPath` either, so that single files of settings are mounted as directories.
run_kube() {
    local code=0 play=$work/play.yaml
    pods "$work/out" "$app" >"$play" || return 1
    "$work/out/migrate.sh" -r "$root" -t "$work/podman" 2>/dev/null
    "$work/podman" kube play "$play" >"$work/log" 2>&1 || { tail -3 "$work/log"; return 1; }
    main=$("$work/podman" ps -a --format '{{.Names}}' | grep -E "^$app-" | grep -vE -- '-(infra|seed)$' | head -1)
    told "$answer" inside_podman "$first" || { "$work/podman" logs "$main" 2>&1 | tail -5; code=1; }
    "$work/podman" kube down "$play" >/dev/null 2>&1
    if [ $code = 0 ]; then
        "$work/podman" kube play "$play" >"$work/log" 2>&1 || { tail -3 "$work/log"; code=1; }
        told "$after" inside_podman "$second" || code=1
    fi
    "$work/podman" kube down "$play" >/dev/null 2>&1
    "$work/podman" rm -fa -t 5 >/dev/null 2>&1
    "$work/podman" volume rm -fa >/dev/null 2>&1
    return $code
}

run_compose() {
    local code=0
    compose() { "$tools/py/bin/podman-compose" --podman-path "$work/podman" \
        -f "$work/out/compose/compose.yaml" "$@" >"$work/log" 2>&1; }
    "$work/out/migrate.sh" -r "$root" 2>/dev/null || return 1
    compose up -d || { tail -5 "$work/log"; return 1; }
    main=$("$work/podman" ps -a --sort created --format '{{.Names}}' | head -1)
    told "$answer" inside_podman "$first" || { "$work/podman" logs "$main" 2>&1 | tail -5; code=1; }
    compose down
    if [ $code = 0 ]; then
        compose up -d || { tail -3 "$work/log"; code=1; }
        told "$after" inside_podman "$second" || code=1
        compose down
    fi
    "$work/podman" rm -fa -t 5 >/dev/null 2>&1
    "$work/podman" volume rm -fa >/dev/null 2>&1
    return $code
}

inside_runc() { runc --root "$work/runc" exec "$app" sh -c "$1"; }

run_runc() {
    local code=0 bundle=$work/bundle
    "$work/out/migrate.sh" -r "$root" 2>/dev/null || return 1
    mkdir -p "$bundle"
    python3 - "$work/out/oci/config.json" "$(realpath "$work/tree")" >"$bundle/config.json" <<'END'
import json, resource, sys
config = json.load(open(sys.argv[1]))
config["root"]["path"] = sys.argv[2]
for limit in config["process"]["rlimits"]:
    hard = resource.getrlimit(getattr(resource, limit["type"]))[1]
    if hard != resource.RLIM_INFINITY:
        for key in ("soft", "hard"):
            limit[key] = min(limit[key], hard)
print(json.dumps(config))
END
    start() { runc --root "$work/runc" run --detach --bundle "$bundle" "$app" >"$work/log" 2>&1 </dev/null; }
    start || { tail -3 "$work/log"; return 1; }
    told "$answer" inside_runc "$first" || { tail -5 "$work/log"; code=1; }
    runc --root "$work/runc" kill "$app" TERM 2>/dev/null
    sleep 4
    runc --root "$work/runc" delete --force "$app"
    if [ $code = 0 ]; then
        start || code=1
        told "$after" inside_runc "$second" || code=1
        runc --root "$work/runc" delete --force "$app"
    fi
    rm -rf "$bundle"
    return $code
}

run_nspawn() {
    local code=0 nspawn=$tools/x/systemd-container/usr/bin/systemd-nspawn pid
    "$work/out/migrate.sh" -r "$root" 2>/dev/null || return 1
    mkdir -p "$work/machines"
    mkdir -p "$work/machines/$app"
    mount --bind "$work/tree" "$work/machines/$app"
    # A link to the network of the host needs udev on it; the machine's own loopback will do here.
    sed 's/^VirtualEthernet=yes/Private=yes/; /^Port=/d' "$work/out/nspawn/$app.nspawn" >"$work/machines/$app.nspawn"
    python3 - "$work/machines/$app.nspawn" <<'END'
import re, resource, sys
path = sys.argv[1]
def limit(line):
    """The machine's own hard limit where it is lower than what is asked for."""
    hard = resource.getrlimit(getattr(resource, "RLIMIT_" + line[1]))[1]
    bounds = [int(bound) if bound != "infinity" else -1 for bound in line[2].split(":")]
    if hard != resource.RLIM_INFINITY:
        bounds = [hard if bound < 0 else min(bound, hard) for bound in bounds]
    return f"Limit{line[1]}=" + ":".join(str(b) if b >= 0 else "infinity" for b in bounds)
text = re.sub(r"^Limit([A-Z]+)=(.*)", limit, open(path).read(), flags=re.M)
open(path, "w").write(text)
END
    start() {
        cgroup2 "$nspawn" --settings=trusted --register=no --keep-unit \
            -D "$work/machines/$app" --machine "$app" --console=pipe >"$work/log" 2>&1 </dev/null &
        pid=$!
        sleep 3
        leader=$(pgrep -P "$pid" | head -1)
        leader=$(pgrep -P "${leader:-0}" | head -1)
    }
    stop() {
        kill -TERM "$pid" 2>/dev/null
        for _ in $(seq 15); do kill -0 "$pid" 2>/dev/null || break; sleep 1; done
        kill -KILL "$pid" 2>/dev/null && { echo "    it does not end"; code=1; }
        wait "$pid" 2>/dev/null
    }
    start
    told "$answer" inside_nspawn "$first" || { tail -5 "$work/log"; code=1; }
    stop
    if [ $code = 0 ]; then
        start
        told "$after" inside_nspawn "$second" || code=1
        stop
    fi
    umount "$work/machines/$app"
    return $code
}

# In quotes that every shell knows: those of bash's `printf %q` are not dash's.
inside_quadlet() { inside_guest "podman exec $main sh -c '${1//\'/\'\\\'\'}'"; }

# The guest's settings, and the Quadlet files, which go where its generator looks for them when
# their image is there. The machine may have a lower hard limit on files than services ask for.
guest_files() {
    local hard
    hard=$(ulimit -Hn)
    guest_settings
    mkdir -p "$work/guest-etc/given"
    cp "$work"/out/quadlet/* "$work/guest-etc/given"
    rm -f "$work"/guest-etc/given/*.build
    sed -i -E "s/^(Ulimit=nofile=)[0-9:]+/\1$hard:$hard/" "$work"/guest-etc/given/*
}

boot_given() {
    boot --bind-ro "$(realpath "$work/tree"):/image" --bind-ro "$root:/old" --bind-ro "$(realpath "$work/out"):/made"
}

# given WORD...: the image and the filled volumes, inside the guest; the words are migrate.sh's.
given() {
    inside_guest "tar -C /image -cf - . | podman import - localhost/$app:latest && /made/migrate.sh -r /old $*" \
        >"$work/log" 2>&1 || { tail -3 "$work/log"; return 1; }
}

# The podman of the guest, which is newer.
run_newkube() {
    local code=0
    [ -d "$tools/guest/usr" ] || { echo "    no guest: see tools.sh"; return 1; }
    guest_files
    pods "$work/out" "$app" >"$work/guest-etc/play.yaml" || return 1
    if boot_given && given; then
        local play="podman kube play /etc/containers/play.yaml" find
        find="podman ps -a --format '{{.Names}}' | grep -E '^$app-' | grep -vE -- '-(infra|seed)\$' | head -1"
        inside_guest "$play" >"$work/log" 2>&1 || { tail -3 "$work/log"; code=1; }
        main=$(inside_guest "$find")
        [ $code = 0 ] && { told "$answer" inside_quadlet "$first" || { inside_guest "podman logs $main" | tail -5; code=1; }; }
        if [ $code = 0 ]; then
            inside_guest "podman kube down /etc/containers/play.yaml" >"$work/log" 2>&1
            inside_guest "$play" >"$work/log" 2>&1 || { tail -3 "$work/log"; code=1; }
            told "$after" inside_quadlet "$second" || code=1
        fi
    else
        code=1
    fi
    halt
    return $code
}

run_quadlet() {
    local code=0 units started
    [ -d "$tools/guest/usr" ] || { echo "    no guest: see tools.sh"; return 1; }
    guest_files
    units=$(cd "$work/guest-etc/given" && for file in *.container; do echo "${file%.container}.service"; done)
    if boot_given; then
        given || code=1
        inside_guest "cp -r /etc/containers/given /etc/containers/systemd" || code=1
        started="systemctl daemon-reload && systemctl start $(echo "$units" | tr '\n' ' ')"
        inside_guest "$started" >"$work/log" 2>&1 || { tail -3 "$work/log"; code=1; }
        main=$(inside_guest "podman ps --sort created --format '{{.Names}}' | grep -v infra | head -1")
        [ -n "$main" ] || code=1
        [ $code = 0 ] && { told "$answer" inside_quadlet "$first" || code=1; }
        if [ $code = 0 ]; then
            inside_guest "systemctl stop '$app*'; podman ps -aq" >"$work/log" 2>&1
            [ -s "$work/log" ] && { echo "    a container stayed: $(cat "$work/log")"; code=1; }
            inside_guest "$started" >"$work/log" 2>&1 || { tail -3 "$work/log"; code=1; }
            told "$after" inside_quadlet "$second" || code=1
        fi
        [ $code = 0 ] || inside_guest "systemctl --failed --no-legend; journalctl -n 30 --no-pager" | tail -30
    else
        code=1
    fi
    halt
    return $code
}

run_incus() {
    local code=0 given=$work/incus/given
    incus_up || return 1
    printf 'architecture: x86_64\ncreation_date: 1\nproperties: {description: test}\n' >"$work/metadata.yaml"
    tar -C "$work" -cf "$given/meta.tar" metadata.yaml
    tar -C "$work/tree/" -cf "$given/rootfs.tar" .
    runs_in_incus meta.tar rootfs.tar || code=1
    incus_down
    return $code
}

settings
top=$work
for file in "$here"/apps/*.sh; do
    name=$(basename "$file" .sh)
    case " ${APPS:-$name} " in *" $name "*) ;; *) continue ;; esac
    [ -d "$roots/$name/etc" ] || { echo "$name: no root"; failed=1; continue; }
    setup() { :; }
    tries=40
    # shellcheck source=/dev/null
    . "$file"
    prepared "$name"
    root=$top/$name/root
    "$bin" mounts --root "$root" "${scope[@]}" -o "$top/$name/out" >"$top/$name/made" || { failed=1; continue; }
    app=$(value "$top/$name/out/mounts.json" name)
    image "$name" || { echo "$name: no image"; failed=1; umount "$top/$name/root"; continue; }
    rm -f "$work/out" "$work/tree"
    ln -sfn "$top/$name/out" "$work/out"
    ln -sfn "$top/$name/tree" "$work/tree"
    case " $runtimes " in *" podman "* | *" kube "* | *" compose "*)
        tar -C "$top/$name/tree" -cf - . |
            "$work/podman" import - "localhost/$app:latest" >/dev/null 2>&1 ;;
    esac
    for runtime in $runtimes; do
        "run_$runtime" </dev/null
        verdict "$name" "$runtime" $?
        clean
    done
    "$work/podman" rmi -fa >/dev/null 2>&1
    umount "$top/$name/root"
done
exit $failed

# Sourced by the scripts that start applications: podman and Incus from the directory of the tools,
# over a root as an administrator leaves it, and what a client is told. The caller sets `tools`,
# `work` (its own directory), `roots`, and for an application its files beside this one in `apps`,
# `root` and `app`.
# shellcheck shell=bash disable=SC2154,SC2317

settings() {
    local x=$tools/x
    export LD_LIBRARY_PATH=$x/podman-bookworm/usr/lib/x86_64-linux-gnu HOME=$work/home
    export XTABLES_LIBDIR=$LD_LIBRARY_PATH/xtables
    PATH=$x/podman-bookworm/usr/bin:$x/podman-bookworm/usr/sbin:$x/runc/usr/sbin:$PATH
    mkdir -p "$HOME/.config/containers" "$work/store" "$work/srv"
    echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$HOME/.config/containers/policy.json"
    cat >"$work/containers.conf" <<END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
init_path = "$x/podman-bookworm/usr/bin/catatonit"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
helper_binaries_dir = ["$x/podman-bookworm/usr/libexec/podman", "$x/podman-bookworm/usr/bin"]
conmon_path = ["$x/podman-bookworm/usr/bin/conmon"]
[engine.runtimes]
runc = ["$x/runc/usr/sbin/runc"]
[network]
cni_plugin_dirs = ["$x/podman-bookworm/usr/lib/cni"]
network_config_dir = "$work/cni"
END
    export CONTAINERS_CONF=$work/containers.conf
    # A machine may have a lower hard limit on files than services ask for.
    cat >"$work/podman" <<END
#!/bin/bash
hard=\$(ulimit -Hn); args=()
case \$1 in run | create)
    first=\$1; shift
    case "\$*" in *nofile=*) ;; *) set -- --ulimit nofile=1024:\$hard "\$@" ;; esac
    set -- "\$first" --ulimit nproc=1024:1024 "\$@" ;;
esac
for a; do
    case \$a in nofile=*) [ "\${a##*:}" -le "\$hard" ] 2>/dev/null || a=nofile=\$hard:\$hard ;; esac
    args+=("\$a")
done
exec podman --root "$work/store/root" --runroot "$work/store/run" --tmpdir "$work/store/tmp" \
    --volumepath "$work/store/volumes" --storage-driver "${STORAGE:-overlay}" "\${args[@]}"
END
    chmod +x "$work/podman"
    # Podman's service looks for the init of containers nowhere else.
    mkdir -p "$work/libexec/podman"
    cp "$x/podman-bookworm/usr/bin/catatonit" "$work/libexec/podman"
    mount -t overlay overlay -o "lowerdir=$work/libexec:/usr/libexec" /usr/libexec
    ip link set lo up
    mount --bind "$work/srv" /srv
}

value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

# prepared NAME: the root as an administrator leaves it, in a layer of its own.
prepared() {
    local name=$1 dir=$work/$1
    mkdir -p "$dir/changes" "$dir/aside" "$dir/root"
    mount -t overlay overlay \
        -o "lowerdir=$roots/$name,upperdir=$dir/changes,workdir=$dir/aside" "$dir/root"
    setup "$dir/root"
    mount -o remount,ro "$dir/root"
}

# told RUNTIME WANT COMMAND...: waits until the command's answer has the wanted word.
told() {
    local want=$1 said='' n
    shift
    for n in $(seq "${tries:-40}"); do
        said=$("$@" 2>&1 </dev/null)
        case $said in *"$want"*) return 0 ;; esac
        sleep 1
    done
    printf '    wanted %s, got %s after %s tries\n' "$want" "$(printf '%s' "$said" | tail -2)" "$n"
    return 1
}

inside_podman() { "$work/podman" exec "$main" sh -c "$1"; }

run_podman() {
    local code=0
    "$work/out/migrate.sh" -r "$root" 2>/dev/null || return 1
    RUNTIME=$work/podman "$work/out/docker/run.sh" >"$work/log" 2>&1 || { tail -3 "$work/log"; return 1; }
    main=$("$work/podman" ps -a --sort created --format '{{.Names}}' | head -1)
    told "$answer" inside_podman "$first" || { "$work/podman" logs "$main" 2>&1 | tail -5; code=1; }
    "$work/podman" rm -fa -t 10 >/dev/null 2>&1
    if [ $code = 0 ]; then
        RUNTIME=$work/podman "$work/out/docker/run.sh" >"$work/log" 2>&1
        told "$after" inside_podman "$second" || code=1
    fi
    "$work/podman" rm -fa -t 10 >/dev/null 2>&1
    "$work/podman" volume rm -fa >/dev/null 2>&1
    return "$code"
}

# Incus runs from the guest's tree, whose libraries it needs.
guest_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
inside_incus() { incus exec "$app" -- sh -c "$1"; }
incus() { nsenter --target "$incusd" --mount --wd=/ env -i PATH="$guest_path" HOME=/root incus "$@"; }

# incus_up: its daemon, in a tree of its own; what it shall import goes to given/ in there.
incus_up() {
    local tree=$work/incus
    [ -e "$tools/guest/usr/libexec/incus/incusd" ] || { echo "    no incus: see tools.sh"; return 1; }
    mkdir -p "$tree" "$work/incus-upper" "$work/incus-work"
    mount -t overlay overlay \
        -o "lowerdir=$tools/guest,upperdir=$work/incus-upper,workdir=$work/incus-work" "$tree"
    mount -t proc proc "$tree/proc"
    mount -t sysfs sysfs "$tree/sys"
    mount --rbind /sys/fs/cgroup "$tree/sys/fs/cgroup"
    mount --rbind /dev "$tree/dev"
    mount -t tmpfs tmpfs "$tree/run"
    mount --bind "$work/srv" "$tree/srv"
    mkdir -p "$work/incus-state" "$tree/var/lib/incus" "$tree/given"
    mount --bind "$work/incus-state" "$tree/var/lib/incus"
    # In a mere chroot its containers would pivot inside the chroot, and who enters one would land
    # in the root around it.
    # shellcheck disable=SC2016
    unshare --mount --propagation private sh -c 'cd "$0" && pivot_root . mnt && umount -l /mnt && exec "$@"' \
        "$tree" /usr/bin/env -i PATH="$guest_path" HOME=/root /usr/libexec/incus/incusd --group root \
        >"$work/incusd.log" 2>&1 </dev/null &
    incusd=$!
    for _ in $(seq 30); do incus info >/dev/null 2>&1 && break; sleep 1; done
}

incus_down() {
    kill -TERM "$incusd" 2>/dev/null; wait "$incusd" 2>/dev/null
    umount -R -l "$work/incus"
    rm -rf "$work/incus-state" "$work/incus-upper" "$work/incus-work"
}

# runs_in_incus FILE...: imports the image, whose files are in given/, and starts an instance of the
# generated settings from it, twice.
runs_in_incus() {
    local code=0 instance=$work/instance.yaml
    # The machine may have lower hard limits than services ask for.
    python3 - "$work/out/lxd/instance.yaml" >"$instance" <<'END'
import re, resource, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
lock = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
text = open(sys.argv[1]).read()
text = re.sub(r"(limits.kernel.nofile: ).*", rf"\1'{hard}:{hard}'", text)
print(re.sub(r"(limits.kernel.memlock: ).*", rf"\1'{lock}:{lock}'", text))
END
    {
        "$work/out/migrate.sh" -r "$root" && incus storage create default dir &&
            incus image import "${@/#//given/}" --alias "$app"
    } >"$work/log" 2>&1 || { tail -3 "$work/log"; code=1; }
    begin() {
        incus init "$app" "$app" --no-profiles <"$instance" >"$work/log" 2>&1 &&
            incus start "$app" >>"$work/log" 2>&1 && return 0
        tail -3 "$work/log"
        incus info --show-log "$app" 2>/dev/null | grep ERROR | head -3
        return 1
    }
    begin || code=1
    [ $code = 0 ] && { told "$answer" inside_incus "$first" || code=1; }
    incus delete --force "$app" >/dev/null 2>&1
    if [ $code = 0 ]; then
        begin && told "$after" inside_incus "$second" || code=1
        incus delete --force "$app" >/dev/null 2>&1
    fi
    return "$code"
}

# What a runtime that failed half way has left.
clean() {
    "$work/podman" pod rm -fa -t 5 >/dev/null 2>&1
    "$work/podman" rm -fa -t 5 >/dev/null 2>&1
    "$work/podman" volume rm -fa >/dev/null 2>&1
    "$work/podman" secret rm -a >/dev/null 2>&1
    rm -rf "/srv/$app"
}

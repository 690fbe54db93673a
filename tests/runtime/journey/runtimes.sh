# Sourced by journey.sh: the runtimes, each with the same words: start, inside, pid (of the service
# in this namespace), ended (in time), removed; and the way through one of them.
# shellcheck shell=bash disable=SC2034,SC2154,SC2317

# What this machine does not allow, lowered between engine and runtime.
settled() {
    sed "s|REAL|$tools/x/runc/usr/sbin/runc|" "$here/journey/runtime-limits" >"$work/runc"
    sed 's|REAL|/usr/bin/crun|' "$here/journey/runtime-limits" >"$work/crun"
    chmod +x "$work/runc" "$work/crun"
    sed -i "s|^runc = .*|runc = [\"$work/runc\"]|; s/nofile=1024:1024/nofile=1024:$(ulimit -Hn)/" "$work/containers.conf"
    mount -t tmpfs tmpfs /mnt
    # Podman's init where its package has it.
    mkdir -p "$work/libexec/podman"
    cp "$tools/x/podman-bookworm/usr/bin/catatonit" "$work/libexec/podman/"
    mount -t overlay overlay -o "lowerdir=$work/libexec:/usr/libexec" /usr/libexec
}

# --- a client, elsewhere or in the service's own network ---

from() {
    if [ -n "$net" ]; then
        nsenter --target "$net" --net env -u LD_LIBRARY_PATH "$@"
    else
        env -u LD_LIBRARY_PATH "$@"
    fi
}
client() {
    from chroot "$clients" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "$@"
}
url() { from curl -s --noproxy '*' -m 10 "$@"; }
inside() { "inside_$engine" "$1"; }

# What a unit grants may be minutes: a service that takes longer than this to end does not.
grace=40

# --- podman of this machine: run, and Compose by two programs ---

# The container that does the work: that of the process which the service names, else the first that is
# no helper of the engine.
containers_of() { grep -vE -- '[-_](infra|seed|network)([-_]1)?$|^(infra|seed|network)-'; }
first_of() { containers_of | grep -- "$process" | head -1; }
main_of_podman() { main=$("$work/podman" ps -a --sort created --format '{{.Names}}' | first_of); [ -n "$main" ]; }
pid_of_podman() { "$work/podman" inspect --format '{{.State.Pid}}' "$main"; }
alive_podman() { [ "$("$work/podman" inspect --format '{{.State.Running}} {{.RestartCount}}' "$main" 2>/dev/null)" = "true $crashes" ]; }
log_podman() {
    "$work/podman" ps -a
    "$work/podman" logs "$main" 2>&1 | tail -20
    last_words "$work/store/volumes" "$work/srv"
}
# The ends of the logs that the service itself has written.
last_words() { find "$@" -name '*.log' -size +0 -newer mounts.said -exec tail -n 5 {} + 2>/dev/null; }
killed_podman() {
    # shellcheck disable=SC2046
    ! "$work/podman" inspect --format '{{.Name}} was killed: {{.State.ExitCode}}' $("$work/podman" ps -aq) | grep ' 137$'
}
# Twice: one whose network another has is not removed before that.
removed_podman() { "$work/podman" rm -fa -t 1; "$work/podman" rm -fa -t 1; } >/dev/null 2>&1

# The command that `mounts` has printed as the next one, for this program.
next_command() { sed -n 's/.*seaworthy \(migrate .*\)/\1/p' mounts.said | head -1; }
# shellcheck disable=SC2046
fill_host() { "$bin" $(next_command); }
fill_podman() { fill_host; }
start_podman() { RUNTIME=$work/podman "$out/docker/run.sh" && main_of_podman; }
stop_podman() {
    # shellcheck disable=SC2046
    "$work/podman" stop -t "$grace" $("$work/podman" ps -q) && killed_podman
}

by_podman_compose() {
    "$tools/py/bin/podman-compose" --podman-path "$work/podman" -f "$out/compose/compose.yaml" "$@"
}
start_podman_compose() { by_podman_compose up -d && main_of_podman; }
stop_podman_compose() { by_podman_compose stop -t "$grace" && killed_podman; by_podman_compose down; }

by_docker_compose() {
    DOCKER_HOST=unix://$work/engine.sock "$tools/x/docker-compose/usr/libexec/docker/cli-plugins/docker-compose" \
        -f "$out/compose/compose.yaml" "$@"
}
start_docker_compose() {
    "$work/podman" system service --time=0 "unix://$work/engine.sock" >"$work/engine.log" 2>&1 </dev/null &
    api=$!
    for _ in $(seq 20); do [ -S "$work/engine.sock" ] && break; sleep 0.5; done
    by_docker_compose up -d && main_of_podman
}
stop_docker_compose() { by_docker_compose stop && killed_podman; }
removed_docker_compose() {
    by_docker_compose down
    kill "$api"
    wait "$api"
    rm -f "$work/engine.sock"
} >/dev/null 2>&1

# settings_of_pods FILE: with the secrets' content, which the user adds as `mounts` says.
settings_of_pods() {
    cp -r "$out" pods.d && "$bin" mounts --root /mnt/old "${scope[@]}" --target k8s -o pods.d \
        --include-secrets pods.d/k8s/secret.yaml >/dev/null
    pods "$PWD/pods.d" "$app" >"$1"
    rm -rf pods.d
}

# --- podman 5 in the guest: run, kube play, Quadlet ---

# One guest for all of an application's ways; its images and volumes are its own.
guest_there() {
    [ -n "${guest:-}" ] && return 0
    guest_settings
    sed -i "s/nofile=1024:1024/nofile=1024:$(ulimit -Hn)/" "$work/guest-etc/containers.conf"
    printf '[engine]\nruntime = "crun"\n[engine.runtimes]\ncrun = ["/made/crun"]\n' >>"$work/guest-etc/containers.conf"
    boot --bind-ro "$work:/made" --bind-ro "$OLD/$name:/mnt/old" --bind-ro "$(dirname "$bin"):/program"
}
guest_gone() {
    [ -z "${guest:-}" ] && return 0
    halt
    guest=''
}
within() { inside_guest "cd /made/$name && $1"; }
# What a cluster's claims are, are volumes to `kube play`: the archive for a cluster is unpacked over them.
fill_guest() {
    guest_there && within "podman load -i image.tar && podman tag \$(podman images -q | head -1) localhost/$app:latest" || return 1
    [ "$runtime" = kube ] || { within "/program/${bin##*/} $(next_command)"; return; }
    within "rm -rf /var/tmp/to && mkdir -p /var/tmp/to && cd /var/tmp/to && /program/${bin##*/} $(next_command) --to tar |
        tar --xattrs --xattrs-include='*' --acls --numeric-owner -xpf - && set -e && for claim in *; do
            [ \$claim = files ] || grep -q \"^(directory \$claim \" /made/$name/manifests/k8s/migrate.sh || continue
            podman volume create --ignore $app-\$claim >/dev/null
            cp -a \$claim/. \$(podman volume inspect --format '{{.Mountpoint}}' $app-\$claim)/
            chown --reference=\$claim \$(podman volume inspect --format '{{.Mountpoint}}' $app-\$claim)
            chmod --reference=\$claim \$(podman volume inspect --format '{{.Mountpoint}}' $app-\$claim)
        done"
}
main_of_guest() { main=$(within "podman ps -a --sort created --format '{{.Names}}'" | first_of); [ -n "$main" ]; }
pid_of_guest() {
    local pid
    pid=$(within "podman inspect --format '{{.State.Pid}}' $main")
    awk -v pid="$pid" '/^NSpid:/ && $3 == pid { print $2 }' /proc/[0-9]*/status 2>/dev/null | head -1
}
alive_guest() { [ "$(within "podman inspect --format '{{.State.Running}}' $main" 2>/dev/null)" = true ]; }
log_guest() { within "podman ps -a; podman logs $main 2>&1 | tail -20; journalctl -n 30 --no-pager
    find /srv /var/lib/containers/storage/volumes -name '*.log' -size +0 -mmin -2 -exec tail -n 40 {} +"; }
# In quotes that every shell knows: those of bash's `printf %q` are not dash's.
inside_guest_main() { within "podman exec $main sh -c '${1//\'/\'\\\'\'}'"; }
killed_guest() {
    ! within "podman inspect --format '{{.Name}} was killed: {{.State.ExitCode}}' \$(podman ps -aq)" | grep ' 137$'
}
removed_guest() { within "podman pod rm -fa -t 1; podman rm -fa -t 1; podman rm -fa -t 1"; } >/dev/null 2>&1

start_podman5() { within "RUNTIME=podman manifests/docker/run.sh" && main_of_guest; }
stop_podman5() { within "podman stop -t $grace \$(podman ps -q)" && killed_guest; }
start_kube() { settings_of_pods play.yaml && within "podman kube play play.yaml" && main_of_guest; }
stop_kube() { within "podman pod stop -a -t $grace" && killed_guest; }

start_quadlet() {
    within "mkdir -p /etc/containers/systemd && cp manifests/quadlet/* /etc/containers/systemd/ &&
        rm -f /etc/containers/systemd/*.build && systemctl daemon-reload &&
        systemctl start $(quadlet_units)" && main_of_guest
}
quadlet_units() {
    (cd "$out/quadlet" && for file in *.container; do echo "${file%.container}.service"; done) | tr '\n' ' '
}
stop_quadlet() {
    within "timeout $grace systemctl stop '$app*' || echo late; systemctl list-units --failed --no-legend '$app*';
        journalctl --no-pager --unit '$app*' | grep -i 'resorting to SIGKILL'; podman ps -aq" >stopped 2>&1
    [ -s stopped ] || return 0
    cat stopped
    return 1
}
removed_quadlet() {
    within "systemctl kill -s KILL '$app*'; systemctl stop '$app*'; systemctl reset-failed; rm -rf /etc/containers/systemd/*; systemctl daemon-reload"
    removed_guest
} >/dev/null 2>&1

# --- systemd-nspawn ---

fill_nspawn() { fill_host; }
start_nspawn() {
    local lower=() line
    mkdir -p "$work/machines/$app"
    mountpoint -q "$work/machines/$app" || mount --bind tree "$work/machines/$app"
    cp "$out/nspawn/$app.nspawn" "$work/machines/"
    while IFS= read -r line; do lower+=("$line"); done < <(lowered "$work/machines/$app.nspawn")
    cgroup2 "$tools/x/systemd-container/usr/bin/systemd-nspawn" --settings=trusted --register=no --keep-unit \
        --private-network "${lower[@]}" -D "$work/machines/$app" --machine "$app" --console=pipe \
        >"$work/machine.log" 2>&1 </dev/null &
    machine=$!
    sleep 3
    leader_of_machine=$(pgrep -P "$machine" | head -1)
    leader_of_machine=$(pgrep -P "${leader_of_machine:-0}" | head -1)
    [ -n "$leader_of_machine" ] || { cat "$work/machine.log"; return 1; }
}
# The limits of the file as options, where the machine's own are lower.
lowered() {
    python3 - "$1" <<'PYTHON'
import re, resource, sys
for name, bounds in re.findall(r"^Limit([A-Z]+)=(.*)", open(sys.argv[1]).read(), flags=re.M):
    hard = resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1]
    bounds = [int(bound) if bound != "infinity" else -1 for bound in bounds.split(":")]
    if hard != resource.RLIM_INFINITY and any(b < 0 or b > hard for b in bounds):
        print(f"--rlimit={name}=" + ":".join(str(hard if b < 0 else min(b, hard)) for b in bounds))
PYTHON
}
alive_nspawn() { kill -0 "$machine" 2>/dev/null; }
pid_of_nspawn() { echo "$leader_of_machine"; }
log_nspawn() { tail -20 "$work/machine.log"; last_words "$work/srv"; }
inside_machine() { leader=$leader_of_machine inside_nspawn "$1"; }
stop_nspawn() {
    kill -TERM "$machine" 2>/dev/null
    for _ in $(seq 15); do kill -0 "$machine" 2>/dev/null || return 0; sleep 1; done
    echo "it does not end"
    return 1
}
removed_nspawn() {
    kill -KILL "$machine"
    wait "$machine"
    umount "$work/machines/$app"
} >/dev/null 2>&1

# --- the way ---

# answers WORD COMMAND: waits until the client gets the word; a service that has ended answers no more.
answers() {
    local want=$1 said='' n dead=0
    shift
    for n in $(seq "$tries"); do
        said=$("$@" 2>&1 </dev/null)
        case $said in *"$want"*) return 0 ;; esac
        "alive_$place" && dead=0 || dead=$((dead + 1))
        [ "$dead" -ge 4 ] && break
        sleep 1
    done
    printf 'wanted %s, got %s after %s tries\n' "$want" "$(printf '%s' "$said" | tail -3)" "$n"
    [ "$dead" = 0 ] || echo "the service has ended"
    return 1
}

# where: the client's place, and the engine's own words for it.
connected() {
    net=''
    case $runtime in podman5 | kube | quadlet) net=$leader ;; esac
    case $reach$runtime in inside* | *kube* | *nspawn) net=$("pid_of_$place") ;; esac
    [ "$net" != 0 ]
}

# The steps in their order, by the names that stand in the table.
steps() {
    at="fill" && "fill_$filler" || return 1
    at="start" && "start_${runtime//-/_}" || return 1
    at="old data" && connected && answers "$wanted" ask || return 1
    at="new data" && answers "$written" write && answers "$wanted_new" ask_new || return 1
    at="stop" && "stop_${runtime//-/_}" || stopped=late
    "removed_$remover"
    at="again" && "start_${runtime//-/_}" && connected && answers "$wanted" ask && answers "$wanted_new" ask_new || return 1
    [ "$place" = nspawn ] && [ "$stopped" = yes ] && return 0
    at="apart" && apart || return 1
    at="crash" && crashed && connected && answers "$wanted" ask || return 1
    at="stop again" && "stop_${runtime//-/_}" && sleep 5 && ! is_running || return 1
    [ "$stopped" = yes ]
}

# The engine's own words, here or in the guest.
engine_of_podman() { "$work/podman" "$@"; }
engine_of_guest() { within "podman $*"; }
by_engine() { "engine_of_$place" "$@" 2>/dev/null; }

# What ends by itself is started again, what is stopped is not. The program that listens is killed: what
# the engine has started may be a shell or an init of its own, which has to tell of it, or start it again
# itself.
is_running() { [ "$(by_engine inspect --format '{{.State.Running}}' "$main")" = true ]; }
crashed() {
    local before program now
    before=$("pid_of_$place") && program=$(python3 "$here/journey/listener.py" "$before" "$port") || return 1
    kill -9 "$program" || return 1
    for _ in $(seq "$tries"); do
        sleep 1
        is_running || continue
        now=$(python3 "$here/journey/listener.py" "$("pid_of_$place")" "$port" 2>/dev/null) || continue
        [ "$now" != "$program" ] || continue
        [ "$place" != podman ] || crashes=$(by_engine inspect --format '{{.RestartCount}}' "$main")
        return 0
    done
    echo "its program was killed, and it is not started again"
    return 1
}

# A process that ends takes no other's network with it: each container beside the one that is asked is
# ended, and that one still has its network; then the other is started again, and all is as before.
apart() {
    local other others
    others=$(by_engine ps --format '{{.Names}}' | containers_of | grep -vx "$main")
    [ -z "$process" ] || [ -n "$others" ] || { echo "only $main runs"; return 1; }
    for other in $others; do
        echo "without $other:"
        if [ "$runtime" = quadlet ]; then
            within "systemctl stop $other"
        else
            by_engine stop -t "$grace" "$other"
        fi || { echo "$other does not stop"; return 1; }
        connected && listens_inside || { echo "$main has no network without $other"; return 1; }
        if [ "$runtime" = quadlet ]; then within "systemctl start $other"; else by_engine start "$other"; fi
        answers "$wanted" ask || return 1
    done
}
listens_inside() { python3 "$here/journey/listener.py" "$("pid_of_$place")" "$port"; }

# travelled WAY RUNTIME
travelled() {
    local way=$1 runtime=$2 at='' stopped=yes crashes=0 engine place filler remover code=0
    case $runtime in
    podman | podman-compose) engine=podman place=podman filler=podman remover=podman ;;
    docker-compose) engine=podman place=podman filler=podman remover=docker_compose ;;
    podman5 | kube) engine=guest_main place=guest filler=guest remover=guest ;;
    quadlet) engine=guest_main place=guest filler=guest remover=quadlet ;;
    nspawn) engine=machine place=nspawn filler=nspawn remover=nspawn ;;
    esac
    steps >"$work/said" 2>&1 </dev/null || code=1
    if [ $code = 0 ]; then
        cell[$name $way $runtime]=yes
    else
        [ "$stopped" = late ] && [ "$at" = again ] && at="stop"
        cell[$name $way $runtime]=$at
        failed=1
        { [ "$at" = stop ] || "log_$place"; } >>"$work/said" 2>&1
        cp "$work/said" "$keep/$name-$way-$runtime.log"
        echo "$name $way $runtime: $at fails:"
        tail -6 "$work/said" | cut -c1-300 | sed 's/^/    /'
    fi
    "removed_$remover"
    case $place in
    guest) [ -z "${guest:-}" ] || within 'podman volume rm -fa; podman secret rm -a; podman rmi -fa; rm -rf /srv/*' >/dev/null 2>&1 ;;
    *) clean; "$work/podman" network prune -f >/dev/null 2>&1 ;;
    esac
}

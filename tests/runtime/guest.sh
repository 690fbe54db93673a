# Sourced by the scripts that start applications: a guest with a booted systemd and a podman that has
# Quadlet, and the objects of Kubernetes as podman takes them. The caller sets `tools` and `work`, and
# has sourced engines.sh.
# shellcheck shell=bash disable=SC2154

# pods OUT NAME: the objects of OUT/k8s as `kube play` takes them.
pods() {
    "$tools/py/bin/python" - "$1/k8s" "$2" <<'END'
import glob, sys, yaml
top, name = sys.argv[1:]
out = []
for path in sorted(glob.glob(top + "/*.yaml")):
    for doc in yaml.safe_load_all(open(path)):
        if doc["kind"] in ("ConfigMap", "Secret"):
            out.append(doc)
        if doc["kind"] not in ("StatefulSet", "Deployment"):
            continue
        spec = doc["spec"]["template"]["spec"]
        for volume in spec.get("volumes", []):
            if "persistentVolumeClaim" in volume:
                volume["persistentVolumeClaim"]["claimName"] = f"{name}-{volume['name']}"
        for claim in doc["spec"].pop("volumeClaimTemplates", []):
            volume = claim["metadata"]["name"]
            claimed = f"{name}-{volume}"
            spec.setdefault("volumes", []).append(
                {"name": volume, "persistentVolumeClaim": {"claimName": claimed}})
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": spec,
               "metadata": {"name": name, "labels": doc["metadata"]["labels"]}}
        out.append(pod)
print(yaml.safe_dump_all(out))
END
}

# cgroup2 COMMAND...: runs it where the tree of cgroups is the second version alone. In a tree of both
# systemd-nspawn ends when the two do not have the same groups.
cgroup2() {
    # shellcheck disable=SC2016
    exec env -u LD_LIBRARY_PATH unshare --mount --propagation private sh -c '
        umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec "$@"' cgroup2 "$@"
}

inside_nspawn() { nsenter --target "$leader" --mount --root --pid --net --ipc --uts sh -c "$1"; }

# Processes enter the guest as a service of its own manager, so that they are in its cgroups; what
# they leave behind, as a started pod, stays.
inside_guest() {
    nsenter --target "$leader" --mount --root --pid --net --ipc --uts --wd=/ env -i PATH="$guest_path" \
        systemd-run --quiet --pipe --wait --collect --property=KillMode=process --setenv=PATH="$guest_path" sh -c "$1"
}

# guest_settings: what its podman is told, in guest-etc. The machine may have no controller for
# process counts.
guest_settings() {
    local etc=$work/guest-etc
    rm -rf "$etc" && mkdir -p "$etc"
    echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$etc/policy.json"
    printf '[storage]\ndriver = "%s"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' \
        "${STORAGE:-overlay}" >"$etc/storage.conf"
    printf '[containers]\npids_limit = 0\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n' \
        >"$etc/containers.conf"
}

# boot OPTION...: starts a guest with systemd that may call what a container engine needs beside
# (systemd-nspawn(1), --system-call-filter=).
boot() {
    mkdir -p "$work/guest-store"
    cgroup2 "$tools/x/systemd-container/usr/bin/systemd-nspawn" --boot --register=no --keep-unit \
        --system-call-filter='add_key keyctl request_key bpf' --capability=CAP_NET_ADMIN \
        --private-network --console=pipe --volatile=overlay --directory "$tools/guest" --machine guest \
        --bind "$work/guest-store:/var/lib/containers" --bind "$work/guest-etc:/etc/containers" \
        "$@" </dev/null >"$work/boot.log" 2>&1 &
    guest=$!
    local n
    for n in $(seq 40); do
        leader=$(pgrep -P "$guest" | head -1)
        [ -n "$leader" ] && inside_guest true 2>/dev/null && return 0
        sleep 1
    done
    echo "    the guest does not come up after $n tries: $(tail -1 "$work/boot.log")"
    return 1
}

halt() {
    kill -TERM "$guest" 2>/dev/null
    for _ in $(seq 15); do kill -0 "$guest" 2>/dev/null || break; sleep 1; done
    kill -KILL "$guest" 2>/dev/null
    wait "$guest" 2>/dev/null
    rm -rf "$work/guest-store"
}

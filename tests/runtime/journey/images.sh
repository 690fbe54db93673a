# Sourced by journey.sh: the ways of making an image, as a user does.
# shellcheck shell=bash disable=SC2154

# The base of the second way: a bare root of the old release.
base_image() {
    "$work/podman" image exists "localhost/debian:$suite" && return 0
    tar -C "$OLD/$suite" --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* -cf - . |
        "$work/podman" import - "localhost/debian:$suite" >/dev/null 2>&1
}

image_pack() {
    rm -rf app
    "$bin" pack --root /mnt/old "${scope[@]}" --tag latest -o app &&
        "$work/podman" pull "oci:app:latest" >pulled 2>pulling || { tail -2 pulling; return 1; }
    "$work/podman" tag "$(tail -1 pulled)" "localhost/$app:latest" && carried
    rm -rf app
}

image_containerfile() { built_upon --build-arg "BASE=localhost/debian:$suite"; }
image_scratch() { built_upon; }
built_upon() {
    manifests/containerfile/stage.sh /mnt/old &&
        "$work/podman" build -t "localhost/$app:latest" "$@" --network none --pull=never manifests/containerfile &&
        carried
    local code=$?
    rm -rf manifests/containerfile/{core,middleware,application}{,.tar}
    return $code
}

# For the guest's podman, and as the tree of a machine.
carried() {
    rm -rf image.tar tree
    case "$runtimes" in *podman5* | *kube* | *quadlet* | *nspawn*) ;; *) return 0 ;; esac
    "$work/podman" save -o image.tar --format oci-archive "localhost/$app:latest" || return 1
    local id
    id=$("$work/podman" create "localhost/$app:latest" true) || return 1
    mkdir tree && "$work/podman" export "$id" | tar -C tree -xpf - --numeric-owner
    "$work/podman" rm "$id"
}

#!/bin/bash
# Shows the manifests of every sample application, and of other roots, to validators that were not
# written here.
#
# usage: validators.sh BINARY [WORK]
#
#   TOOLS    directory of the tools; fetched by tools.sh when it is not there
#   ROOTS    a directory that holds built roots, each a directory of its own (optional)
#   SCOPES   a file with a line "NAME ARGUMENT..." for each of them: the scope of its audit
#   REPORTS  a directory of saved reports NAME.report.json, used as they are (optional)
#
# Prints a line for each validator and ends with 1 when one refused a file.
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${1:?usage: validators.sh BINARY [WORK]}"
bin=$(realpath "$1")
work=${2:-$(mktemp -d)}
mkdir -p "$work"
work=$(realpath "$work")
tools=${TOOLS:-${TMPDIR:-/tmp}/seaworthy-tools}
[ -d "$tools/py" ] || "$here/tools.sh" "$tools" >&2
py=$tools/py/bin
x=$tools/x
failed=0

make() { # NAME ARGUMENT...
    local name=$1
    shift
    "$bin" mounts "$@" -o "$work/out/$name" >"$work/$name.log" 2>&1 || {
        echo "cannot make manifests of $name: $(tail -1 "$work/$name.log")"
        failed=1
    }
}

samples() {
    local dir=$here/../../sample-apps
    make cadview-suite --root "$dir/cadview-suite/root" /opt/cadview
    make meter-daemon --root "$dir/meter-daemon/root" /opt/meterd
    make nightly-batch --root "$dir/nightly-batch/root" /usr/local/batch
    make order-server --root "$dir/order-server/root" /opt/order-server
    make tidy-web --root "$dir/tidy-web/root" --package tidy-web
    make timesheet-cgi --root "$dir/timesheet-cgi/root" /usr/local/timesheet
}

# judge NAME COMMAND FILE...: runs the command on each file; silence on success is not asked for.
judge() {
    local name=$1 command=$2 good=0 bad=0 file said
    shift 2
    for file; do
        if said=$($command "$file" 2>&1 </dev/null); then
            good=$((good + 1))
        else
            bad=$((bad + 1))
            failed=1
            printf '  %s\n%s\n' "${file#"$work"/}" "$(printf '%s' "$said" | head -8 | sed 's/^/    /')"
        fi
    done
    printf '%-28s %4d accepted %4d refused\n' "$name" "$good" "$bad"
}

files() { find "$work/out" -path "$1" -type f | sort; }

k8s_version=${K8S_VERSION:-1.34}
kubernetes() { "$py/kubernetes-validate" --strict -k "$k8s_version" "$1"; }
compose() { "$x/docker-compose/usr/libexec/docker/cli-plugins/docker-compose" -f "$1" config -q; }
compose_spec() { "$x/compose-spec/usr/bin/compose-spec" "$1"; }
compose_schema() { "$py/check-jsonschema" --builtin-schema vendor.compose-spec "$1"; }
hadolint() { "$py/hadolint" "$1"; }
schema=$(find "$x" -path '*runtime-spec/schema/config-schema.json' 2>/dev/null | head -1)
runtime() { "$py/check-jsonschema" --schemafile "$schema" "$1"; }
actool() { "$tools/actool" --debug validate "$1"; }
shell_script() { sh -n "$1" && "$x/shellcheck/usr/bin/shellcheck" -s sh -S warning "$1"; }
quadlet() { QUADLET_UNIT_DIRS=$1 "$x/podman/usr/libexec/podman/quadlet" -dryrun; }
# Unknown keys are only printed, so that any word on a unit is a refusal; programs of the
# container's host that this machine does not have are not the unit's fault.
units() {
    local out
    out=$(mktemp -d)
    QUADLET_UNIT_DIRS=$1 "$x/podman/usr/libexec/podman/quadlet" "$out" || return 1
    local said
    said=$(systemd-analyze verify --man=no "$out"/*.service 2>&1 |
        grep -vE 'Command .*/podman is not executable|network-online|-wait-network|^$')
    rm -rf "$out"
    [ -z "$said" ] || { printf '%s\n' "$said"; return 1; }
}
nspawn() { # a container that ends at once: unknown keys are printed before it starts
    local dir said
    dir=$(mktemp -d)
    mkdir -p "$dir/machine/usr" "$dir/machine/etc"
    : >"$dir/machine/etc/os-release"
    cp "$1" "$dir/machine.nspawn"
    said=$("${NSPAWN:-$x/systemd-container/usr/bin/systemd-nspawn}" --settings=trusted --register=no \
        --keep-unit -D "$dir/machine" --console=pipe 2>&1 |
        grep -E 'machine\.nspawn:[0-9]+|Unknown|Failed to parse|Invalid|ignoring')
    rm -rf "$dir"
    [ -z "$said" ] || { printf '%s\n' "$said"; return 1; }
}

# A validator that takes a spoiled file is none: each is shown one before it is believed.
spoiled() { # NAME COMMAND FILE SED-SCRIPT
    local folder copy
    folder=$(mktemp -d)
    cp -r "$3" "$folder"
    copy=$folder/$(basename "$3")
    find "$copy" -type f -exec sed -i "$4" {} +
    if $2 "$copy" >/dev/null 2>&1 </dev/null; then
        echo "$1 accepts a spoiled file"
        failed=1
    fi
    rm -rf "$folder"
}

rm -rf "$work/out"
samples
if [ -n "${ROOTS:-}" ] && [ -n "${SCOPES:-}" ]; then
    while read -r name scope; do
        # shellcheck disable=SC2086
        [ -d "$ROOTS/$name" ] && make "$name" --root "$ROOTS/$name" $scope
    done <"$SCOPES"
fi
for report in "${REPORTS:-/nonexistent}"/*.report.json; do
    [ -e "$report" ] && make "report-$(basename "$report" .report.json)" --report "$report"
done
echo "$(find "$work/out" -mindepth 1 -maxdepth 1 | wc -l) applications"
mapfile -t k8s < <(files '*/k8s/*.yaml' | grep -v kustomization)
judge "kubernetes-validate" kubernetes "${k8s[@]}"
mapfile -t composes < <(files '*/compose/*.yaml')
judge "docker-compose config" compose "${composes[@]}"
judge "compose-spec" compose_spec "${composes[@]}"
judge "compose schema" compose_schema "${composes[@]}"
mapfile -t container < <(files '*/containerfile/Containerfile')
judge "hadolint" hadolint "${container[@]}"
mapfile -t scripts < <(files '*.sh')
judge "sh -n and shellcheck" shell_script "${scripts[@]}"
mapfile -t quadlets < <(find "$work/out" -name quadlet -type d | sort)
judge "quadlet -dryrun" quadlet "${quadlets[@]}"
command -v systemd-analyze >/dev/null && judge "systemd-analyze verify" units "${quadlets[@]}"
mapfile -t bundles < <(files '*/oci/*.json')
judge "OCI runtime schema" runtime "${bundles[@]}"
if [ -x "$tools/actool" ]; then
    mapfile -t images < <(files '*/rkt/manifest')
    judge "actool validate" actool "${images[@]}"
fi
if [ "$(id -u)" = 0 ]; then
    mapfile -t machines < <(files '*/nspawn/*.nspawn')
    judge "systemd-nspawn" nspawn "${machines[@]}"
fi
sample=$work/out/meter-daemon
spoiled "kubernetes-validate" kubernetes "$sample/k8s/workload.yaml" 's/replicas:/replicaz:/'
spoiled "docker-compose config" compose "$sample/compose/compose.yaml" 's/read_only:/read_onli:/'
spoiled "compose-spec" compose_spec "$sample/compose/compose.yaml" 's/read_only:/read_onli:/'
spoiled "compose schema" compose_schema "$sample/compose/compose.yaml" 's/read_only:/read_onli:/'
spoiled "hadolint" hadolint "$sample/containerfile/Containerfile" 's/^ADD/ADDE/'
spoiled "shellcheck" shell_script "$sample/migrate.sh" 's/^exit .*/if/'
spoiled "quadlet -dryrun" quadlet "$sample/quadlet" 's/^User=/Uzer=/'
spoiled "OCI runtime schema" runtime "$sample/oci/config.json" 's/"destination"/"destinatoin"/'
command -v systemd-analyze >/dev/null &&
    spoiled "systemd-analyze verify" units "$sample/quadlet" 's/^Restart=/Reztart=/'
[ -x "$tools/actool" ] && spoiled "actool validate" actool "$sample/rkt/manifest" 's/"ImageManifest"/"Image"/'
[ "$(id -u)" = 0 ] &&
    spoiled "systemd-nspawn" nspawn "$sample/nspawn/meterd.nspawn" 's/^Boot=/Boott=/'
exit $failed

#!/bin/bash
# Packs applications in three hand-overs, has each stamped by its group, and asks verifiers of other
# people about the image and about what somebody with write access makes of it. Then it goes through
# a registry and is started from there, read-only, with the generated manifests.
#
# usage: images.sh BINARY ROOTS [CASE...]
#
#   ROOTS        a directory with built roots, as run.sh takes them
#   CASE         honest, registry, start, lxd, aci, gpg, expired-layout, or an attack as
#                image-attacks.py names them (default all; honest is always among them)
#   TOOLS        directory of the tools that run images; fetched by tools.sh when it is not there
#   IMAGE_TOOLS  directory of the verifiers; fetched by image-tools.sh when it is not there
#   APPS         names of applications (default redis opt-tiddlywiki jetty9); two at least, since
#                stamps are replayed from one on the other
#   STORAGE      podman's storage driver (default overlay; vfs where that is not allowed)
#   KEEP         a directory in which the signed images stay
#
# Needs root. Everything happens in private namespaces without a way out, and nothing stays behind.
# One line for each check, a table at the end. Exit 1 when a verifier does not say what it should:
# accept what is honest, refuse an attack it can see, and accept what it is told to be blind to, so
# that the table stays true.
# shellcheck disable=SC2317
set -u
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${SEAWORTHY_INSIDE:-}" ]; then
    [ $# -ge 2 ] || { sed -n '2,/^# shellcheck/{/^# shellcheck/d; s/^# \{0,1\}//p}' "$0"; exit 2; }
    TOOLS=${TOOLS:-${TMPDIR:-/tmp}/seaworthy-tools}
    IMAGE_TOOLS=${IMAGE_TOOLS:-${TMPDIR:-/tmp}/seaworthy-image-tools}
    [ -d "$TOOLS/guest/usr" ] || "$here/tools.sh" "$TOOLS" >&2
    [ -x "$IMAGE_TOOLS/bin/cosign" ] || "$here/image-tools.sh" "$IMAGE_TOOLS" >&2
    work=$(mktemp -d)
    export TOOLS IMAGE_TOOLS work SEAWORTHY_INSIDE=1
    unshare --mount --net --pid --fork --mount-proc --propagation private "$0" "$@"
    code=$?
    rm -rf "$work"
    exit $code
fi
bin=$(realpath "$1")
roots=$(realpath "$2")
shift 2
tools=$(realpath "$TOOLS")
verifiers=$(realpath "$IMAGE_TOOLS")
apps=${APPS:-redis opt-tiddlywiki jetty9}
groups=(core middleware application)
keys=$work/keys
host=127.0.0.1:5055
failed=0
# shellcheck source=tests/runtime/engines.sh
. "$here/engines.sh"
attack() { "$verifiers/py/bin/python" "$here/image-attacks.py" "$@"; }
cases=${*:-registry start lxd aci gpg expired-layout $(attack attacks)}
asked() { case " $cases " in *" $1 "*) return 0 ;; esac; return 1; }

# --- the program under test: each of its commands in one place ---

new_key() { "$bin" keys new -o "$keys/$1"; }
pack_layer() { # ROLE OUT [FROM]
    local from=()
    [ $# -lt 3 ] || from=(--from "$3")
    # shellcheck disable=SC2154
    "$bin" pack --root "$root" "${scope[@]}" --role "$1" "${from[@]}" --tag "$tag" -o "$2"
}
pack_other() { "$bin" pack --root "$root" "${scope[@]}" --format "$1" -o "$2"; }
sign() { # ROLE LAYOUT [MORE...]
    local role=$1 layout=$2 phrase=()
    shift 2
    [ ! -e "$keys/$role.pass" ] || phrase=(--passphrase-file "$keys/$role.pass")
    "$bin" sign "$layout" --role "$role" --key "$keys/$role.key" "${phrase[@]}" --policy "$work/trust.toml" "$@"
}
trust() { # OUT EXPIRES
    "$bin" policy new --key "core=$keys/core.pub" --key "middleware=$keys/middleware.pub" \
        --key "application=$keys/application.pub" --expires "$2" | sed "s/^# countersigned/countersigned/" >"$1"
}
in_toto_layout() { # POLICY OUT LAYOUT
    "$bin" policy sign "$1" --like "$3" --key "$keys/owner.key" -o "$2"
}
verify() { "$bin" verify "$1" --policy "$2"; }                               # LAYOUT POLICY

# --- keys ---

# One of ours, one of openssl in a passphrase, one of cosign, and the owner's of the policy.
make_keys() {
    mkdir -p "$keys"
    new_key core && new_key owner || return 1
    printf 'a phrase & more' >"$keys/middleware.pass"
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc \
        -pass "file:$keys/middleware.pass" -out "$keys/middleware.key" &&
        openssl pkey -in "$keys/middleware.key" -passin "file:$keys/middleware.pass" -pubout \
            -out "$keys/middleware.pub" || return 1
    printf 'another' >"$keys/application.pass"
    COSIGN_PASSWORD=another cosign generate-key-pair --output-key-prefix "$keys/application"
}

# --- the verifiers: each says yes or no to a layout, or to what was made of it ---

digest() { skopeo inspect --format '{{.Digest}}' "oci:$1:$tag"; }

# The digest too: cosign takes the first image of a layout that is marked as one, whatever its name.
by_cosign() {
    local group said
    for group in "${groups[@]}"; do
        said=$(unshare --net cosign verify --local-image --key "$keys/$group.pub" \
            --insecure-ignore-tlog "$1") || return 1
        case $said in *"$(digest "$1")"*) ;; *) echo "another image"; return 1 ;; esac
    done
}
by_openssl() {
    local group text found
    rm -rf "$work/stamps"
    attack stamps "$1" "$work/stamps" || return 1
    for group in "${groups[@]}"; do
        found=''
        for text in "$work"/stamps/*.text; do
            [ -e "$text" ] || { echo "no stamp"; return 1; }
            openssl dgst -sha256 -verify "$keys/$group.pub" -signature "${text%.text}.der" "$text" &&
                grep -qF "$(sha256sum <"$work/stamps/manifest" | cut -d ' ' -f 1)" "$text" && found=1
        done
        [ -n "$found" ] || return 1
    done
}
# Its filter passes over the entry after one that it drops, so it is given as often as it takes to be
# left with one.
by_oci_image_tool() {
    local only=(--ref "name=$tag")
    oci-image-tool validate --type image "${only[@]}" "${only[@]}" "${only[@]}" "${only[@]}" "${only[@]}" "$1"
}
by_umoci() {
    local code=0
    umoci unpack --image "$1:$tag" "$work/unpacked" || code=1
    rm -rf "$work/unpacked"
    return "$code"
}
by_copy() {
    rm -rf "$work/dir"
    skopeo --policy "$work/any.json" copy "oci:$1:$tag" "dir:$work/dir" && attack dir "$1" "$work/dir"
}
# What by_copy left.
by_skopeo() {
    rm -rf "$work/copied"
    skopeo --policy "$work/policy.json" copy --remove-signatures "dir:$work/dir" "oci:$work/copied:1"
}
podman5() {
    podman-5 --root "$work/store5/root" --runroot "$work/store5/run" --tmpdir "$work/store5/tmp" \
        --storage-driver "${STORAGE:-overlay}" "$@"
}
by_podman() {
    local code=0
    podman5 pull --signature-policy "$work/policy.json" "dir:$work/dir" || code=1
    podman5 rmi -fa
    return "$code"
}
by_in_toto_verify() { (cd "$work/links" && in-toto-verify --layout root.layout --verification-keys "$keys/owner.pub"); }
by_in_toto_golang() {
    (cd "$work/links" && in-toto-golang verify --layout root.layout --layout-keys "$keys/owner.pub" --link-dir .)
}
by_seaworthy() { verify "$1" "$work/${2:-trust.toml}"; }

all=(cosign openssl skopeo podman in-toto-verify in-toto-golang oci-image-tool umoci copy seaworthy)

# What a verifier cannot see: cosign and openssl read no layer, the policies of skopeo and podman
# and cosign's keys know no paths, in-toto knows files alone, and the last three know no stamps.
no_stamps="changed-layer edited-layer swapped-order removed-stamp wrong-group foreign-file smuggled-layer replayed-stamp moved-name"
declare -A blind=(
    [cosign]="changed-blob foreign-file truncated-blob lying-diff-id"
    [openssl]="changed-blob foreign-file truncated-blob lying-diff-id"
    [skopeo]="foreign-file lying-diff-id"
    [podman]="foreign-file"
    [in-toto-verify]="foreign-file lying-diff-id"
    [in-toto-golang]="foreign-file lying-diff-id"
    [oci-image-tool]="$no_stamps lying-diff-id"
    [umoci]="$no_stamps"
    [copy]="$no_stamps lying-diff-id lying-digest"
    [seaworthy]=""
)

# --- what is said of it ---

declare -A cell
order=()

# noted CASE TOOL WORD: what the table shows, of several applications the worst.
noted() {
    case " ${order[*]} " in *" $1 "*) ;; *) order+=("$1") ;; esac
    [ "${cell[$1 $2]:-}" = FAILS ] || cell[$1 $2]=$3
}

# told_by CASE TOOL[:WHAT] WANT CODE: WANT is yes, no, or blind, which is a yes to something wrong.
told_by() {
    local word
    case $3$4 in
    yes0) word=accepts ;;
    no0) word=FAILS ;;
    blind0) word=blind ;;
    no*) word=refuses ;;
    *) word=FAILS ;;
    esac
    noted "$1" "${2%%:*}" "$word"
    if [ $word = FAILS ]; then
        failed=1
        echo "$name $1 $2: FAILS, wanted $3, exit $4: $(last_word)"
    elif [ "$word" = refuses ]; then
        echo "$name $1 $2: refuses: $(last_word)"
    else
        echo "$name $1 $2: $word"
    fi
}

last_word() { grep -v '^ *$' "$work/said" | tail -1 | sed 's/.*level=fatal msg=//; s/^ *//' | cut -c 1-200; }

# check CASE TOOL[:WHAT] WANT COMMAND...
check() {
    local case=$1 tool=$2 want=$3
    shift 3
    "$@" >"$work/said" 2>&1 </dev/null
    told_by "$case" "$tool" "$want" $?
}

# judged CASE LAYOUT: all verifiers on one layout.
judged() {
    local case=$1 layout=$2 tool want
    rm -rf "$work/links" "$work/dir"
    attack links "$layout" "$work/links" >"$work/said" 2>&1 || cat "$work/said"
    cp "$work/root.layout" "$work/links"
    by_copy "$layout" >"$work/said" 2>&1
    for tool in "${all[@]}"; do
        want=no
        case " ${blind[$tool]} " in *" $case "*) want=blind ;; esac
        [ "$case" = honest ] && want=yes
        check "$case" "$tool" "$want" "by_${tool//-/_}" "$layout"
    done
}

# --- the story ---

policies() {
    local reference
    rm -rf "$work/stamps"
    attack stamps "$1" "$work/stamps"
    reference=$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["critical"]["identity"]["docker-reference"])' "$work/stamps/0.text")
    python3 - "$keys" "$reference" "$host" >"$work/policy.json" <<'END'
import json, sys
keys, reference, host = sys.argv[1:]
identity = {"type": "exactReference", "dockerReference": reference}
three = [{"type": "sigstoreSigned", "keyPath": f"{keys}/{group}.pub", "signedIdentity": identity}
         for group in ("core", "middleware", "application")]
print(json.dumps({"default": [{"type": "reject"}],
                  "transports": {"dir": {"": three}, "docker": {host: three}}}))
END
}

# handed_over NAME: three groups, each with what it received from the one before.
handed_over() {
    local group before='' at=$work/$1/layout
    mkdir -p "$at"
    for group in "${groups[@]}"; do
        check "hand-over-$group" seaworthy:pack yes pack_layer "$group" "$at/$group" ${before:+"$before"}
        check "hand-over-$group" seaworthy:sign yes sign "$group" "$at/$group"
        # What goes to the next group is a copy: nothing but the layout passes.
        rm -rf "$at/$group.received"
        cp -r "$at/$group" "$at/$group.received"
        check "hand-over-$group" cosign yes unshare --net cosign verify --local-image \
            --key "$keys/$group.pub" --insecure-ignore-tlog "$at/$group.received"
        check "hand-over-$group" oci-image-tool yes by_oci_image_tool "$at/$group.received"
        before=$at/$group.received
    done
    mv "$at/application" "$at/final"
    check trust seaworthy:in-toto-layout yes in_toto_layout "$work/trust.toml" "$work/root.layout" "$at/final"
    check countersigned seaworthy:core yes sign core "$at/final" --countersign
    check countersigned seaworthy:middleware yes sign middleware "$at/final" --countersign
    [ -z "${KEEP:-}" ] || cp -r "$at/final" "$KEEP/$1"
}

# The same root gives the same bytes.
packed_again() {
    rm -rf "$work/again" && mkdir -p "$work/again" &&
        pack_layer core "$work/again/core" && pack_layer core "$work/again/twice" &&
        cmp "$work/again/core/index.json" "$work/again/twice/index.json"
}

attacked() {
    local case=$1 other=$2
    rm -rf "$work/attacked"
    if attack attack "$case" "$work/$name/layout/final" "$keys" "$work/$other/layout/final" "$work/attacked" \
        >"$work/said" 2>&1; then
        judged "$case" "$work/attacked"
    else
        echo "$name $case: FAILS, the attack was not made: $(tail -1 "$work/said")"
        noted "$case" seaworthy FAILS
        failed=1
    fi
    rm -rf "$work/attacked" "$work/dir" "$work/copied" "$work/links"
}

# Only in-toto's layout and our own policy end.
expired() {
    rm -rf "$work/links"
    attack links "$work/$name/layout/final" "$work/links"
    attack expire "$work/root.layout" "$keys" "$work/links/root.layout"
    check expired-layout in-toto-verify no by_in_toto_verify
    check expired-layout in-toto-golang no by_in_toto_golang
    check expired-layout seaworthy no by_seaworthy "$work/$name/layout/final" ended.toml
}

names() { python3 - "$1" <<'END'
import json, sys
for entry in json.load(open(sys.argv[1] + "/index.json"))["manifests"]:
    print(entry.get("annotations", {}).get("org.opencontainers.image.ref.name", ""))
END
}

pushed() {
    local entry
    for entry in $(names "$1"); do
        skopeo --policy "$work/any.json" copy --dest-tls-verify=false \
            "oci:$1:$entry" "docker://$host/$name:$entry" || return 1
    done
}
fetched() {
    local entry
    for entry in $(names "$1"); do
        skopeo --policy "$work/any.json" copy --src-tls-verify=false --remove-signatures \
            "docker://$host/$name:$entry" "oci:$2:$entry" || return 1
    done
}
cosign_there() {
    cosign verify --key "$keys/$1.pub" --insecure-ignore-tlog --allow-http-registry --allow-insecure-registry "$host/$name:$tag"
}
same_digest() { [ "$(digest "$1")" = "$(digest "$2")" ]; }

# Through the registry and back, with all names, and with the stamps checked on the way.
through_registry() {
    local final=$work/$name/layout/final back=$work/$name/layout/back group
    cat >"$work/registry.yml" <<END
version: 0.1
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: $host}
log: {level: error}
END
    docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
    local registry=$!
    for _ in $(seq 20); do python3 -c 'import socket, sys; socket.create_connection(sys.argv[1].split(":"))' "$host" 2>/dev/null && break; sleep 0.5; done
    check registry skopeo:push yes pushed "$final"
    check registry skopeo:pull yes fetched "$final" "$back"
    check registry skopeo:digest yes same_digest "$final" "$back"
    check registry seaworthy yes by_seaworthy "$back"
    for group in "${groups[@]}"; do check registry "cosign:$group" yes cosign_there "$group"; done
    check registry skopeo:policy yes skopeo --policy "$work/policy.json" --registries.d "$HOME/.config/containers/registries.d" \
        copy --src-tls-verify=false --remove-signatures "docker://$host/$name:$tag" "dir:$work/$name/layout/trusted"
    check registry podman yes podman5 pull --tls-verify=false --signature-policy "$work/policy.json" "$host/$name:$tag"
    podman5 rmi -fa >/dev/null 2>&1
    kill $registry
    wait $registry 2>/dev/null
    rm -rf "$work/registry"
}

# What skopeo let through is what runs.
started() {
    local trusted=$work/$name/layout/trusted
    [ -d "$trusted" ] || { echo "    start needs the case registry"; return 1; }
    "$work/podman" pull "dir:$trusted" || return 1
    "$work/podman" tag "$("$work/podman" images -q | head -1)" "localhost/$app:latest" || return 1
    local code=0
    run_podman || code=1
    clean
    "$work/podman" rmi -fa >/dev/null 2>&1
    return "$code"
}

in_incus() {
    incus_up || return 1
    local code=0
    { pack_other lxd "$work/incus/given/image.tar.gz" && runs_in_incus image.tar.gz; } || code=1
    incus_down
    clean
    return "$code"
}

aci() {
    check aci seaworthy yes pack_other aci "$work/image.aci"
    check aci actool yes "$tools/actool" --debug validate "$work/image.aci"
    head -c 1000 "$work/image.aci" >"$work/cut.aci"
    check aci-cut actool no "$tools/actool" --debug validate "$work/cut.aci"
    rm -f "$work/image.aci" "$work/cut.aci"
}

# Hosts that know nothing newer have GnuPG's form: each group signs the same text, as the files that
# skopeo of Debian 12 reads. A stamp given twice does not stand in for one that is missing.
gpg_stamp() { # GROUP NUMBER
    sed 's/cosign container image signature/atomic container signature/' "$work/stamps/0.text" |
        gpg --batch --quiet --yes --local-user "$1@example.org" --sign --output "$work/dir/signature-$2"
}
by_old_skopeo() {
    rm -rf "$work/copied"
    skopeo-1.9 --policy "$work/gpg.json" copy --remove-signatures "dir:$work/dir" "oci:$work/copied:1"
}
gpg_form() {
    local group number=0 final=$work/$name/layout/final
    export GNUPGHOME=$work/gpg
    rm -rf "$work/stamps" "$work/dir"
    if [ ! -d "$GNUPGHOME" ]; then
        mkdir -m 700 "$GNUPGHOME"
        for group in "${groups[@]}"; do
            gpg --batch --quiet --passphrase '' --quick-gen-key "$group <$group@example.org>" ed25519 sign never
            gpg --armor --export "$group@example.org" >"$keys/$group.asc"
        done 2>"$work/said"
    fi
    sed 's/"sigstoreSigned"/"signedBy", "keyType": "GPGKeys"/g; s/\.pub"/.asc"/g' "$work/policy.json" >"$work/gpg.json"
    attack stamps "$final" "$work/stamps"
    skopeo-1.9 --policy "$work/any.json" copy "oci:$final:$tag" "dir:$work/dir" >"$work/said" 2>&1
    for group in "${groups[@]}"; do number=$((number + 1)) && gpg_stamp "$group" $number; done
    check gpg skopeo-1.9 yes by_old_skopeo
    gpg_stamp core 2
    check gpg-removed skopeo-1.9 no by_old_skopeo
    gpgconf --kill gpg-agent
}

table() {
    local case tool
    printf '\n%-22s' ''
    for tool in "${columns[@]}"; do printf '%-15s' "$tool"; done
    echo
    for case in "${order[@]}"; do
        printf '%-22s' "$case"
        for tool in "${columns[@]}"; do printf '%-15s' "${cell[$case $tool]:--}"; done
        echo
    done
}

# --- everything in its place ---

tag=1
settings
mkdir -p "$work/bin" "$HOME/.config/containers/registries.d"
for program in cosign skopeo umoci oci-image-tool in-toto-verify in-toto-golang docker-registry skopeo-1.9; do
    ln -s "$verifiers/bin/$program" "$work/bin/$program"
done
# Podman of trixie has its libraries by itself, and another view of its settings.
cat >"$work/containers5.conf" <<END
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
conmon_path = ["$tools/x/podman-bookworm/usr/bin/conmon"]
helper_binaries_dir = ["$verifiers/x/containers-trixie/usr/lib/podman"]
[engine.runtimes]
runc = ["$tools/x/runc/usr/sbin/runc"]
END
printf '#!/bin/sh\nunset LD_LIBRARY_PATH\nCONTAINERS_CONF=%s PODMAN_IGNORE_CGROUPSV1_WARNING=1 exec %s "$@"\n' \
    "$work/containers5.conf" "$verifiers/bin/podman" >"$work/bin/podman-5"
chmod +x "$work/bin/podman-5"
PATH=$work/bin:$PATH
echo "docker: {\"$host\": {use-sigstore-attachments: true}}" >"$HOME/.config/containers/registries.d/here.yaml"
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$work/any.json"

name=all
check trust seaworthy:keys yes make_keys
check trust seaworthy:policy yes trust "$work/trust.toml" 2099-01-01
check trust seaworthy:ended-policy yes trust "$work/ended.toml" 2001-01-01

begun=''
for name in $apps; do
    [ -d "$roots/$name/etc" ] || { echo "$name: no root"; failed=1; continue; }
    setup() { :; }
    # shellcheck source=/dev/null
    . "$here/apps/$name.sh"
    prepared "$name"
    root=$work/$name/root
    "$bin" mounts --root "$root" "${scope[@]}" -o "$work/$name/out" >"$work/$name/made" || { failed=1; continue; }
    check packed-twice seaworthy yes packed_again
    rm -rf "$work/again"
    handed_over "$name"
    begun="$begun $name"
done

for name in $begun; do
    other=''
    for next in $begun; do [ "$next" = "$name" ] || other=$next; done
    setup() { :; }
    # Read by engines.sh.
    # shellcheck disable=SC2034
    tries=40
    # shellcheck source=/dev/null
    . "$here/apps/$name.sh"
    root=$work/$name/root
    app=$(value "$work/$name/out/mounts.json" name)
    ln -sfn "$work/$name/out" "$work/out"
    policies "$work/$name/layout/final"
    judged honest "$work/$name/layout/final"
    asked registry && through_registry
    asked start && check start podman yes started
    asked lxd && check lxd incus yes in_incus
    asked aci && aci
    asked gpg && gpg_form
    asked expired-layout && expired
    for case in $(attack attacks); do
        asked "$case" || continue
        [ -n "$other" ] || [ "$case" != replayed-stamp ] ||
            { echo "$name $case: not done, needs a second application"; continue; }
        attacked "$case" "$other"
    done
done

columns=("${all[@]}" incus actool skopeo-1.9)
table
exit $failed

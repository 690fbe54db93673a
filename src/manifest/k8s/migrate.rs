//! The script that fills a cluster's claims from the old host.

use super::super::migrate::nothing;
use super::super::quote::shell;
use super::super::service::Service;
use super::{FILES, Form, Volumes};

const HEAD: &str = r#"# usage: migrate.sh [-r ROOT] [-n NAMESPACE]
#
#   -r ROOT   the old host's root, mounted (default /: this host is the old one)
#
# For hosts without seaworthy. This script trusts the old disk: tar says what is on it, and nothing is
# compared. "seaworthy migrate --to tar" packs the same by guarded lookups: pipe it into the pod.
#
# Stop the old service first, and apply the manifests: the claims must be there. The set is scaled
# to nothing, a pod that only waits holds its claims, and each is filled through it with owners
# kept; extended attributes and ACLs, too, where tar can on both sides, which is said. A claim that
# holds something is left as it is. Needs kubectl and tar.
set -euf
root='' failed=0
namespace=$(kubectl config view --minify --output 'jsonpath={..namespace}')
namespace=${namespace:-default}
while getopts r:n: option; do
    case $option in
    r) root=${OPTARG%/} ;;
    n) namespace=$OPTARG ;;
    *) exit 2 ;;
    esac
done
pod=@NAME@-migrate
run() { kubectl --namespace "$namespace" "$@"; }
say() { printf '%s\n' "migrate.sh: $1: $2" >&2; }
inside() { run exec -i "$pod" -- "$@"; }

top=''
if [ -n "$root" ]; then
    top=$(cd -P -- "$root" && env pwd -P) || { say "$root" 'cannot be entered'; exit 2; }
fi

# enter DIR: goes into a directory of the old root. What was entered is what is looked at: the shell's
# own idea of where it is can be older than a link.
enter() {
    cd -P -- "$1" 2>/dev/null || return 1
    [ -z "$top" ] && return 0
    case $(env pwd -P)/ in "$top"/*) return 0 ;; *) return 1 ;; esac
}

# held DIR: prints a name in it that is somebody's: filesystems make the others by themselves.
held() {
    names=$(inside ls -A "$1") || return 1
    printf '%s\n' "$names" | grep -v -x -e ''@NOTHING@ | head -n 1
}

# directory NAME PATH
directory() {
    enter "$top$2" || { say "$1" "$2 is no directory inside the old root"; return 1; }
    there=$(held "/to/$1") || { say "$1" 'the claim cannot be listed'; return 1; }
    if [ -n "$there" ]; then
        say "$1" 'the claim holds something already: left as it is'
        return 1
    fi
    need=$(du -sk . | cut -f1)
    free=$(inside df -Pk "/to/$1" | awk 'NR == 2 { print $4 }')
    [ "$need" -lt "$free" ] || { say "$1" "no room for $2"; return 1; }
    both=$({
        { tar $keep --numeric-owner -cf - . 3>&- || { printf 'no ' >&3; }; } |
            inside tar -C "/to/$1" $keep --numeric-owner -xpf - >&2 3>&- && printf 'yes' >&3
    } 3>&1) || :
    [ "$both" = yes ] || { say "$1" "cannot copy all of $2: empty the claim before you run this again"; return 1; }
}

# one_file NAME PATH
one_file() {
    enter "$(dirname -- "$top$2")" || { say "$1" "$2 leads out of the old root"; return 1; }
    file=./$(basename -- "$2")
    [ -f "$file" ] && [ ! -L "$file" ] || { say "$1" "$2 is no file inside the old root"; return 1; }
    if inside test -e "/to/@FILES@/$1"; then
        say "$1" 'it is there already: left as it is'
        return 1
    fi
    both=$({
        { tar -cf - "$file" 3>&- || { printf 'no ' >&3; }; } | tar -xOf - 3>&- |
            inside sh -c 'cat >"$0.part" && mv "$0.part" "$0"' "/to/@FILES@/$1" >&2 3>&- &&
            printf 'yes' >&3
    } 3>&1) || :
    [ "$both" = yes ] || { say "$1" "cannot copy $2"; return 1; }
}

run scale statefulset @NAME@ --replicas 0
run wait --for delete pod/@NAME@-0 --timeout 300s
run apply --filename - <<'EOF'
@POD@EOF
run wait --for condition=Ready "pod/$pod" --timeout 300s

keep='--xattrs --xattrs-include=* --acls --sparse'
if [ -n "$(tar $keep --no-recursion -cf /dev/null -C / . 2>&1)" ] ||
    [ -n "$(inside tar $keep --no-recursion -cf /dev/null -C / . 2>&1)" ]; then
    keep=''
    say tar 'cannot keep extended attributes, capabilities and ACLs on both sides: set them by hand'
fi
"#;

/// The script.
pub(super) fn script(service: &Service<'_>, volumes: &Volumes<'_>) -> String {
    let mut names: Vec<&str> = volumes
        .of(Form::Claim)
        .map(|volume| volume.name.as_str())
        .collect();
    if volumes.of(Form::File).next().is_some() {
        names.push(FILES);
    }
    let mut text = format!("#!/bin/sh\n# Fills the claims of {}.\n#\n", service.name);
    text += &HEAD
        .replace("@NAME@", &service.name)
        .replace("@FILES@", FILES)
        .replace("@NOTHING@", &nothing())
        .replace("@POD@", &pod(service, &names));
    for (volume, form) in &volumes.list {
        let call = match form {
            Form::Claim => "directory",
            Form::File => "one_file",
            Form::Empty | Form::Object | Form::Copied => continue,
        };
        let path = shell(&volume.path);
        text += &format!("({call} {} {path}) || failed=1\n", volume.name);
    }
    text += "run delete pod \"$pod\" --wait\n";
    text += &format!("run scale statefulset {} --replicas 1\n", service.name);
    text + "exit $failed\n"
}

fn pod(service: &Service<'_>, names: &[&str]) -> String {
    use super::super::yaml::{Node, texts};
    let mut mounts = Vec::new();
    let mut volumes = Vec::new();
    for name in names {
        let path = format!("/to/{name}");
        mounts.push(Node::map().with("name", *name).with("mountPath", path));
        // What a StatefulSet calls the claim of its first pod.
        let claim = format!("{name}-{}-0", service.name);
        let source = Node::map().with("claimName", claim);
        volumes.push(
            Node::map()
                .with("name", *name)
                .with("persistentVolumeClaim", source),
        );
    }
    let container = Node::map()
        .with("name", "migrate")
        .with("image", service.image.as_str())
        .with("command", texts(["sleep", "infinity"]))
        .with("securityContext", Node::map().with("runAsUser", 0_u32))
        .with("volumeMounts", mounts);
    Node::map()
        .with("apiVersion", "v1")
        .with("kind", "Pod")
        .with(
            "metadata",
            Node::map().with("name", format!("{}-migrate", service.name)),
        )
        .with(
            "spec",
            Node::map()
                .with("restartPolicy", "Never")
                .with("containers", vec![container])
                .with("volumes", volumes),
        )
        .text()
}

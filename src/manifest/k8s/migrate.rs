//! The script that fills a cluster's claims from the old host.

use super::super::quote::shell;
use super::super::service::Service;
use super::{FILES, Form, Volumes};

const HEAD: &str = r#"# usage: migrate.sh [-r ROOT] [-n NAMESPACE]
#
#   -r ROOT   the old host's root, mounted (default /: this host is the old one)
#
# Stop the old service first, and apply the manifests: the claims must be there. The set is scaled
# to nothing, a pod that only waits holds its claims, and each is filled through it with owners
# kept. A claim that holds something is left as it is. Needs kubectl and tar.
set -eu
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
fail() { printf '%s\n' "migrate.sh: $1: $2" >&2; failed=1; }
inside() { run exec -i "$pod" -- "$@"; }

# directory NAME PATH
directory() {
    [ -d "$root$2" ] || { fail "$1" "$root$2 is not there"; return 0; }
    if [ -n "$(inside find "/to/$1" -mindepth 1 -not -name lost+found)" ]; then
        fail "$1" "the claim holds something already: left as it is"
        return 0
    fi
    need=$(du -sk -- "$root$2" | cut -f1)
    free=$(inside df -Pk "/to/$1" | awk 'NR == 2 { print $4 }')
    [ "$need" -lt "$free" ] || { fail "$1" "no room for $root$2"; return 0; }
    tar -C "$root$2" -cf - --numeric-owner . | inside tar -C "/to/$1" -xpf - --numeric-owner ||
        fail "$1" "cannot copy all of $root$2"
}

# one_file NAME PATH
one_file() {
    [ -f "$root$2" ] || { fail "$1" "$root$2 is not there"; return 0; }
    if inside test -e "/to/@FILES@/$1"; then
        fail "$1" "it is there already: left as it is"
        return 0
    fi
    inside sh -c 'cat >"$0"' "/to/@FILES@/$1" <"$root$2" || fail "$1" "cannot copy $root$2"
}

run scale statefulset @NAME@ --replicas 0
run wait --for delete pod/@NAME@-0 --timeout 300s
run apply --filename - <<'EOF'
@POD@EOF
run wait --for condition=Ready "pod/$pod" --timeout 300s
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
        .replace("@POD@", &pod(service, &names));
    for (volume, form) in &volumes.list {
        let call = match form {
            Form::Claim => "directory",
            Form::File => "one_file",
            Form::Empty | Form::Object => continue,
        };
        text += &format!("{call} {} {}\n", volume.name, shell(&volume.path));
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

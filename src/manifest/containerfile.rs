//! A Containerfile with code only, one layer for each owner, the list of each layer's files, and a
//! script that gathers them from the old host.

use crate::report::{BaseAdvice, BaseVerdict};

use super::parts::{Part, Parts};
use super::quote::{json, shell};
use super::service::{PATH, Service};
use super::volume::Volume;
use super::{Out, Target};

/// Containerfile.
pub(super) const TARGET: Target = Target {
    name: "containerfile",
    about: "a Containerfile with code only, and the script that gathers it",
    write,
};

/// Gathers the files of the layers. Every tar takes `-C`, `-T` and `--no-recursion`; names that end
/// with NUL and attributes are for those of GNU and BSD. What is kept of attributes is what `pack`
/// keeps: labels and marks of a host's security module are the host's.
const STAGE: &str = r#"# usage: stage.sh [-t] ROOT
#
# Packs the files of each layer from ROOT, the old host's root, into the archives that the
# Containerfile adds, and unpacks these into directories of the same names, for whoever wants a tree:
# laid over each other they are the image's root. -t makes the archives alone.
#
# The lists beside this script (names that end with NUL) are what `seaworthy pack` puts into its
# layers. What is mounted at run time is not among it. Needs a shell, tar, and the right to read ROOT.
#
# It trusts the disk: whoever may write to ROOT while this runs can have other files read. So it is
# for a disk at rest; `seaworthy pack` follows no link out of the root, and is the sound way.
set -euf
trees=1
if [ "${1:-}" = -t ]; then
    trees=
    shift
fi
root=${1:?usage: stage.sh [-t] ROOT}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ ! -d "$root/." ]; then
    echo "stage.sh: $root is no directory: give the old host's root" >&2
    exit 2
fi
failed=0
lost='this tar keeps no extended attributes: ACLs and capabilities of files are lost; use GNU tar'
kept='--xattrs --xattrs-include=user.* --xattrs-include=security.capability --xattrs-include=system.posix_acl_*'
case $(tar --version 2>&1) in
*GNU*)
    write='--format=posix --pax-option=delete=atime,delete=ctime --sparse --numeric-owner'
    read='--numeric-owner'
    case $(tar --help 2>&1) in
    *--xattrs-include*)
        write="$write $kept"
        # Only root may set them.
        if [ "$(id -u)" = 0 ]; then read="$read $kept"; fi
        ;;
    *) echo "stage.sh: $lost" >&2 ;;
    esac
    ;;
*bsdtar*)
    write='--format=pax --xattrs --numeric-owner'
    read='--numeric-owner'
    ;;
*)
    write=
    read=
    echo "stage.sh: $lost" >&2
    ;;
esac

# archive LAYER: the layer's files as an archive; one that lacks a file is none.
archive() {
    # shellcheck disable=SC2086
    case $write in
    '') tr '\0' '\n' <"$here/$1.list" | tar -C "$root" -cf "$here/$1.tar" --no-recursion -T - ;;
    *) tar -C "$root" -cf "$here/$1.tar" $write --no-recursion --null -T "$here/$1.list" ;;
    esac || {
        rm -f -- "$here/$1.tar"
        echo "stage.sh: there is no $1.tar: not every file could be read" >&2
        failed=1
        return
    }
    if [ -n "$trees" ]; then tree "$1" "$1.tar"; fi
}

# tree LAYER ARCHIVE: unpacks an archive into the layer's directory.
tree() {
    mkdir -p -- "$here/$1"
    # shellcheck disable=SC2086
    tar -C "$here/$1" -xpf "$here/$2" $read || failed=1
}

"#;

/// What stands in for the lists where there was no disk to make them of.
const MISSING: &str = r#"# The lists of files are missing: @WHY@.
# `stage.sh` and the layers come with the manifests of a disk.
cat >&2 <<'END'
stage.sh: the lists of files are missing: @WHY@.
Make them where the old root is mounted at ROOT:
    seaworthy mounts --root ROOT @SCOPE@ --target containerfile -o DIR
or pack the image itself, without this script:
    seaworthy pack --root ROOT @SCOPE@ -o IMAGE
END
exit 2
"#;

/// What the layers of each role are for.
const ABOUT: [(&str, &str); 3] = [
    ("core", "core: what operations answer for"),
    ("middleware", "middleware: runtimes and shared components"),
    ("application", "application"),
];

fn write(service: &Service<'_>, out: &mut Out) {
    let layers = service.parts.filter(|parts| parts.failed.is_none());
    let mut text = base(service);
    match layers {
        Some(parts) => text += &layers_of(parts, out),
        None => {
            out.limit(
                "the files of the layers",
                why(service),
                "stage.sh tells how they are had",
            );
            for (role, about) in ABOUT {
                text += &format!("# {about}\nADD {role}.tar /\n");
            }
        }
    }
    text.push('\n');
    text += &points(service);
    text += &run_settings(service, out);
    let mut file = out.head("#", &format!("The image of {}: code only.", service.name));
    file += "#\n# Make the archives with ./stage.sh ROOT, then build it with: podman build -t ";
    file += &format!("{} .\n", crate::path::escape(service.image.as_bytes()));
    out.file("Containerfile", file + &text, 0o644);
    // The trees that stage.sh makes are for people.
    out.file(".containerignore", "*\n!*.tar\n".to_owned(), 0o644);
    out.file(".dockerignore", "*\n!*.tar\n".to_owned(), 0o644);
    out.file("stage.sh", stage(service, layers), 0o755);
}

/// What it is built upon: nothing, since the layers have all that it needs. What would do instead
/// stands in a comment.
fn base(service: &Service<'_>) -> String {
    let mut text =
        "# The layers have everything: the loader, libraries and accounts among it.\n".to_owned();
    let fits = |advice: &&BaseAdvice| advice.verdict <= BaseVerdict::WithChanges && !advice.ended;
    if let Some(advice) = service.report.bases.iter().find(fits) {
        text += &format!(
            "# Another base must have its directories where the old host has them, as after the merge of\n\
             # /usr or before it; the layers replace what it has: --build-arg BASE={}\n",
            advice.image
        );
    }
    text + "ARG BASE=scratch\nFROM ${BASE}\n\n"
}

/// The lines that add the layers, and their lists. Archives keep owners, which COPY gives to root.
fn layers_of(parts: &Parts, out: &mut Out) -> String {
    let mut text = String::new();
    for part in &parts.layers {
        let about = ABOUT.iter().find(|(role, _)| *role == part.role);
        let about = about.map_or(part.role.as_str(), |(_, about)| about);
        let mut archives = Vec::new();
        if !part.paths.is_empty() {
            archives.push(format!("{}.tar", part.role));
            out.bytes(&format!("{}.list", part.role), list(part), 0o644);
        }
        if !part.made.is_empty() {
            archives.push(made(part));
            out.bytes(&made(part), part.made.clone(), 0o644);
        }
        if !archives.is_empty() {
            text += &format!("# {about}\nADD {} /\n", archives.join(" "));
        }
    }
    text
}

/// What is mounted over it, for people: the places themselves are in the layers.
fn points(service: &Service<'_>) -> String {
    let line = |volume: &Volume| {
        let point = service.point(volume);
        let kind = if point.is_file { "file" } else { "dir" };
        let (mode, uid, gid) = (point.mode, point.uid, point.gid);
        format!("#   {kind} {mode:04o} {uid}:{gid} {}\n", json(&volume.path))
    };
    let lines: String = service.volumes.iter().map(line).collect();
    if lines.is_empty() {
        return lines;
    }
    format!(
        "# empty places to mount at, with the owner and mode that a new volume takes over:\n{lines}\n"
    )
}

/// The archive of what the disk does not have: mount points, accounts without passwords.
fn made(part: &Part) -> String {
    format!("{}.made.tar", part.role)
}

/// The names of a layer's files, as tar(1) takes them with `--null`.
fn list(part: &Part) -> Vec<u8> {
    let mut list = Vec::new();
    for path in &part.paths {
        list.push(b'.');
        list.extend_from_slice(path.as_bytes());
        list.push(0);
    }
    list
}

fn stage(service: &Service<'_>, parts: Option<&Parts>) -> String {
    let head = format!("#!/bin/sh\n# Gathers the layers of {}.\n#\n", service.name);
    let Some(parts) = parts else {
        let missing = MISSING.replace("@WHY@", &crate::path::escape(why(service).as_bytes()));
        return head + &missing.replace("@SCOPE@", &scope(service));
    };
    let mut text = head + STAGE;
    for part in &parts.layers {
        if !part.paths.is_empty() {
            text += &format!("archive {}\n", part.role);
        }
        if !part.made.is_empty() {
            text += &format!("[ -z \"$trees\" ] || tree {} {}\n", part.role, made(part));
        }
    }
    text + "exit $failed\n"
}

/// Why there are no lists.
fn why(service: &Service<'_>) -> String {
    let failed = service.parts.and_then(|parts| parts.failed.clone());
    failed.unwrap_or_else(|| "a saved report has no disk".to_owned())
}

/// The scope as it is given on the command line.
fn scope(service: &Service<'_>) -> String {
    let target = &service.report.target;
    let mut words: Vec<String> = Vec::new();
    for package in &target.packages {
        words.push(format!("--package {}", shell(package)));
    }
    for unit in &target.units {
        words.push(format!("--unit {}", shell(unit)));
    }
    if words.is_empty() {
        words.extend(target.scope.iter().map(|path| shell(&path.to_text())));
    }
    words.join(" ")
}

fn array<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<String> = words.iter().map(|word| json(word.as_ref())).collect();
    format!("[{}]", words.join(", "))
}

fn run_settings(service: &Service<'_>, out: &mut Out) -> String {
    let first = service.first();
    let mut text = String::new();
    for variable in service
        .env
        .iter()
        .filter(|variable| variable.name != "PATH")
    {
        match &variable.value {
            Some(value) => text += &format!("ENV {}={}\n", variable.name, quoted(value)),
            None => out.limit(
                format!("variable {}", variable.name),
                "its value is a secret, which belongs into no image",
                "give it when the container is started",
            ),
        }
    }
    out.limits.extend(service.apart());
    text += &format!("ENV PATH={PATH}\n");
    for port in &service.ports {
        text += &format!("EXPOSE {}/{}\n", port.port, port.transport);
    }
    if let Some(directory) = &first.directory {
        text += &format!("WORKDIR {}\n", quoted(directory));
    }
    if first.is_root() {
        text += "# it starts as root and changes user itself, or nothing says as whom it runs\n";
        text += "# hadolint ignore=DL3002\n";
    }
    text += &format!("USER {}:{}\n", first.ids.0, first.ids.1);
    if let Some(signal) = &first.stop_signal {
        text += &format!("STOPSIGNAL {signal}\n");
    }
    if first.command.is_empty() {
        return text;
    }
    service.only_first(out);
    text + &format!("ENTRYPOINT {}\n", array(&first.command))
}

/// A word of ENV or WORKDIR: `\` escapes, `$` begins a variable (dockerfile(5)).
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

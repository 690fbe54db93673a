//! A Containerfile with code only, one layer for each owner, and a script that gathers the layers'
//! files from the old host.

use std::collections::BTreeSet;

use crate::path::AppPath;
use crate::report::{BaseVerdict, Owner, Remedy};

use super::image::Point;
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

/// The base when the audit has no advice: small, and with a shell and a package manager.
const BASE: &str = "debian:stable-slim";

const STAGE: &str = r#"# usage: stage.sh ROOT
#
# Gathers the files of each layer from ROOT, the old host's root, into core, middleware and
# application beside this script. What is mounted at run time is left out. Needs tar.
set -eu
root=${1:?usage: stage.sh ROOT}
here=$(cd -- "$(dirname -- "$0")" && pwd)
failed=0
mkdir -p -- "$here/core" "$here/middleware" "$here/application"

# copy LAYER PATH...: puts files and directories with all that is in them into a layer.
copy() {
    layer=$1
    shift
    for path; do
        if [ -e "$root$path" ] || [ -L "$root$path" ]; then
            tar -C "$root" -cf - --numeric-owner @EXCLUDE@ "./${path#/}" |
                tar -C "$here/$layer" -xpf - --numeric-owner || failed=1
        else
            printf '%s\n' "stage.sh: $root$path is not there" >&2
            failed=1
        fi
    done
}

# package LAYER NAME: puts a package's files into a layer, but for what the base has for itself.
package() {
    if [ -e "$root/var/lib/dpkg/status" ]; then
        dpkg-query --admindir="$root/var/lib/dpkg" -L "$2"
    elif [ -d "$root/lib/apk/db" ]; then
        apk --root "$root" info -qL "$2" | sed 's|^|/|'
    else
        rpm --root "$root" -ql "$2"
    fi | while IFS= read -r path; do
        if [ ! -d "$root$path" ] || [ -L "$root$path" ]; then
            if [ -e "$root$path" ] || [ -L "$root$path" ]; then printf '%s\n' "./${path#/}"; fi
        fi
    done | tar -C "$root" -cf - --numeric-owner --no-recursion @EXCLUDE@ -T - |
        tar -C "$here/$1" -xpf - --numeric-owner || failed=1
}

"#;

fn write(service: &Service<'_>, out: &mut Out) {
    let (base, packages) = base(service, out);
    let stage = stage(service, out);
    let mut text = format!("ARG BASE={base}\nFROM ${{BASE}}\n\n");
    if !packages.is_empty() {
        text += "# core: what the base lacks, from its own repositories\n";
        text += &install(&base, &packages);
    }
    text += "# core: libraries that operations answer for\nCOPY core/ /\n";
    text += "# middleware: runtimes and shared components\nCOPY middleware/ /\n";
    text += "# application\nCOPY application/ /\n\n";
    text += &accounts(service);
    text += &points(service);
    text += &run_settings(service, out);
    let mut file = out.head("#", &format!("The image of {}: code only.", service.name));
    file += "#\n# Fill the context with: stage.sh ROOT, then build it with: podman build -t ";
    file += &format!("{} .\n", crate::path::escape(service.image.as_bytes()));
    out.file("Containerfile", file + &text, 0o644);
    out.file("stage.sh", stage, 0o755);
}

/// The base to build on and the packages that it lacks.
fn base(service: &Service<'_>, out: &mut Out) -> (String, BTreeSet<String>) {
    let advice = service
        .report
        .bases
        .iter()
        .find(|advice| advice.verdict <= BaseVerdict::WithChanges && !advice.ended);
    let Some(advice) = advice else {
        out.limit(
            "the base image",
            "no base is known on which it starts",
            format!("{BASE} is named: give another with --build-arg BASE=IMAGE"),
        );
        return (BASE.to_owned(), BTreeSet::new());
    };
    let mut packages = BTreeSet::new();
    for lack in &advice.lacks {
        match &lack.remedy {
            Remedy::Install { package } => {
                packages.insert(package.clone());
            }
            Remedy::Copy { .. } => {}
            Remedy::Change { how } => out.limit(&lack.need, "the base does not have it", how),
            Remedy::Unknown | Remedy::None => out.limit(
                &lack.need,
                "the base may not have it",
                "copy it from the old host, or choose another base",
            ),
        }
    }
    (advice.image.clone(), packages)
}

fn install(image: &str, packages: &BTreeSet<String>) -> String {
    let list: Vec<String> = packages.iter().map(|name| shell(name)).collect();
    let list = list.join(" ");
    // A version that is named today is gone from the repository with its next security fix.
    if image.starts_with("alpine") {
        return format!("# hadolint ignore=DL3018\nRUN apk add --no-cache {list}\n\n");
    }
    if image.starts_with("debian") || image.starts_with("ubuntu") {
        return format!(
            "# hadolint ignore=DL3008\nRUN apt-get update \\\n && apt-get install -y \
             --no-install-recommends {list} \\\n && rm -rf /var/lib/apt/lists/*\n\n"
        );
    }
    if image.contains("minimal") {
        return format!(
            "# hadolint ignore=DL3041\nRUN microdnf install -y {list} && microdnf clean all\n\n"
        );
    }
    format!("# hadolint ignore=DL3041\nRUN dnf install -y {list} && dnf clean all\n\n")
}

/// Mount points that are there in the image, empty, in one layer.
fn points(service: &Service<'_>) -> String {
    let lines: Vec<String> = service
        .volumes
        .iter()
        .map(|volume| point(service, volume))
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!(
        "# empty mount points, with the owner and mode that a new volume takes over\nRUN {}\n\n",
        lines.join(" \\\n && ")
    )
}

fn point(service: &Service<'_>, volume: &Volume) -> String {
    let Point {
        uid,
        gid,
        mode,
        is_file,
        ..
    } = service.point(volume);
    let path = shell(&volume.path);
    let kind = if is_file {
        format!("-D -- /dev/null {path}")
    } else {
        format!("-d -- {path}")
    };
    format!("install -o {uid} -g {gid} -m {mode:04o} {kind}")
}

/// Names for the numbers, and homes: many programs look their user up. A home that is nowhere is
/// `/`, since systemd-nspawn makes one that is not there, which a read-only root forbids.
fn accounts(service: &Service<'_>) -> String {
    let names = service.accounts();
    let lines: Vec<String> = names
        .iter()
        .map(|(name, uid, gid)| {
            let home = home(service, name);
            format!(
                "{{ grep -q '^{name}:' /etc/group || echo '{name}:x:{gid}:' >>/etc/group; }} \\\n && \
                 {{ grep -q '^{name}:' /etc/passwd || echo \
                 '{name}:x:{uid}:{gid}::{home}:/usr/sbin/nologin' >>/etc/passwd; }}"
            )
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!(
        "# the accounts of its processes\nRUN {}\n\n",
        lines.join(" \\\n && ")
    )
}

/// The home of a user, where it is in the image and can stand between colons and quotes.
fn home<'a>(service: &Service<'a>, user: &str) -> &'a str {
    let is_plain = |home: &&AppPath| {
        let fits = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+".contains(b);
        home.as_bytes().iter().all(fits)
    };
    // A mount point is there with all directories on the way to it.
    let is_there = |home: &&AppPath| {
        let mut points = service.volumes.iter();
        let mut scope = service.report.target.scope.iter();
        points.any(|point| point.at.is_within(home)) || scope.any(|top| home.is_within(top))
    };
    let mut starts = service.report.plan.start.iter();
    let own = starts.find(|start| start.user.as_deref() == Some(user));
    let home = own.and_then(|start| start.home.as_ref());
    home.filter(is_plain)
        .filter(is_there)
        .and_then(|home| std::str::from_utf8(home.as_bytes()).ok())
        .unwrap_or("/")
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
    text += &format!("ENV PATH={PATH}\n");
    for port in service.ports {
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

fn stage(service: &Service<'_>, out: &mut Out) -> String {
    let mut excludes = vec!["--anchored".to_owned(), "--no-wildcards".to_owned()];
    for volume in &service.volumes {
        excludes.push(shell(&format!("--exclude=.{}", volume.path)));
    }
    let mut text = format!("#!/bin/sh\n# Gathers the layers of {}.\n#\n", service.name);
    text += &STAGE.replace("@EXCLUDE@", &excludes.join(" "));
    let target = &service.report.target;
    for package in &target.packages {
        text += &format!("package application {}\n", shell(package));
    }
    let mut paths = Vec::new();
    if target.packages.is_empty() {
        paths.extend(target.scope.iter().map(|path| ("application", path)));
    }
    let copied = copied(service);
    paths.extend(copied.iter().map(|(layer, path)| (*layer, path)));
    for (layer, path) in paths {
        let Ok(path) = std::str::from_utf8(path.as_bytes()) else {
            out.limit(
                path.to_text(),
                "its name is not UTF-8",
                "not gathered: copy it by hand",
            );
            continue;
        };
        text += &format!("copy {layer} {}\n", shell(path));
    }
    text + "exit $failed\n"
}

/// Libraries that do not come with the base: those of the application and of middleware outside
/// the scope, and what the base advice says to copy.
fn copied(service: &Service<'_>) -> BTreeSet<(&'static str, AppPath)> {
    let mut found = BTreeSet::new();
    let report = service.report;
    let is_inside = |path: &AppPath| report.target.scope.iter().any(|top| path.is_within(top));
    for library in &report.libraries {
        let layer = match library.owner {
            Owner::Core => continue,
            Owner::Middleware => "middleware",
            Owner::Application => "application",
        };
        for path in [&library.path, &library.real_path].into_iter().flatten() {
            if !is_inside(path) {
                found.insert((layer, path.clone()));
            }
        }
    }
    if let Some(advice) = report.bases.first() {
        for lack in &advice.lacks {
            if let Remedy::Copy { from } = &lack.remedy
                && !is_inside(from)
            {
                found.insert(("core", from.clone()));
            }
        }
    }
    found
}

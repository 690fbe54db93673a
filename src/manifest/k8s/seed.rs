//! What a pod does before its containers start: a claim is empty where a volume of an engine takes
//! over what the image has at its place, and an `emptyDir` belongs to root.

use super::super::Out;
use super::super::fill::NOTHING;
use super::super::quote::{k8s, shell};
use super::super::service::Service;
use super::super::volume::{Keeps, Volume};
use super::super::yaml::{Node, texts};
use super::config::Settings;
use super::pod::{at, is_seeded_from_object, rights};
use super::{FILES, Form, Volumes};

/// Functions of the script; `@IGNORED@` are patterns of `case`.
const HEAD: &str = r#"set -eu
say() { printf 'seed: %s\n' "$1"; }
# holds DIR: whether something lies in it that neither a new filesystem nor a storage system makes.
holds() {
    for x in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        [ -e "$x" ] || [ -L "$x" ] || continue
        case ${x##*/} in @IGNORED@) ;; *) return 0 ;; esac
    done
    return 1
}
# tree OPTIONS FROM INTO
tree() {
    if holds "$3"; then say "$3 holds something: left as it is"; return 0; fi
    cp "$1" "$2/." "$3/" && say "$3 filled from $2"
}
# file FROM INTO
file() {
    if [ -e "$2" ]; then say "$2 is there: left as it is"; return 0; fi
    if [ -f "$1" ]; then cp -p "$1" "$2"; else : >"$2"; fi && say "$2 made from $1"
}
"#;

/// A function for files whose owner and mode count.
const OWN: &str = r#"# own FROM INTO MODE [OWNER]: where programs look at both
own() {
    mkdir -p "${2%/*}" && rm -f "$2" && (umask 077; cat "$1" >"$2")
    if [ "${4:-}" ]; then chown "$4" "$2"; fi
    chmod "$3" "$2"
}
"#;

/// A script and the mounts that it works on.
struct Step<'s> {
    settings: &'s Settings,
    script: String,
    mounts: Vec<Node>,
}

/// The container that does it; none when there is nothing to do.
pub(super) fn containers(
    service: &Service<'_>,
    volumes: &Volumes<'_>,
    settings: &Settings,
    out: &mut Out,
) -> Node {
    let mut step = Step {
        settings,
        script: HEAD.replace("@IGNORED@", &ignored()),
        mounts: Vec::new(),
    };
    if volumes.of(Form::Copied).next().is_some() {
        step.script += OWN;
    }
    if volumes.of(Form::File).next().is_some() {
        step.mounts.push(at(FILES, &format!("/seed/to/{FILES}")));
    }
    for (volume, form) in &volumes.list {
        match form {
            Form::Object => {}
            Form::Copied => step.copied(service, volume, out),
            Form::Empty if volume.keeps == Keeps::Scratch => step.own(service, volume, out),
            Form::File => step.file(volume),
            Form::Claim | Form::Empty => step.tree(volume),
        }
    }
    if step.mounts.is_empty() {
        return Node::List(Vec::new());
    }
    let node = Node::map()
        .with("name", "seed")
        .with("image", service.image.as_str())
        .with("command", texts(["/bin/sh", "-c", &k8s(&step.script, &[])]))
        .with("securityContext", rights(service, service.first()))
        .with("volumeMounts", step.mounts);
    Node::List(vec![node])
}

impl Step<'_> {
    /// Where the content of a volume comes from.
    fn from(&mut self, volume: &Volume) -> String {
        if !is_seeded_from_object(volume, self.settings) {
            return volume.path.clone();
        }
        let from = format!("/seed/from/{}", volume.name);
        for part in self.settings.parts(volume) {
            let name = format!("seed--{}", part.name);
            self.mounts.push(at(&name, &part.place(&from)));
        }
        from
    }

    fn file(&mut self, volume: &Volume) {
        let mut from = self.from(volume);
        if is_seeded_from_object(volume, self.settings) {
            from = format!("{from}/{}", Settings::file_name(volume));
        }
        let into = format!("/seed/to/{FILES}/{}", volume.name);
        self.script += &format!("file {} {into}\n", shell(&from));
    }

    fn tree(&mut self, volume: &Volume) {
        let from_object = is_seeded_from_object(volume, self.settings);
        if volume.hides == 0 && !from_object {
            return;
        }
        let from = self.from(volume);
        let into = format!("/seed/to/{}", volume.name);
        self.mounts.push(at(&volume.name, &into));
        // The files of an object are links into a directory that changes.
        let options = if from_object { "-RL" } else { "-Rp" };
        self.script += &format!("tree {options} {} {into}\n", shell(&from));
    }

    /// Files whose owner and mode count. Where no process is root they are that of the first, and nobody
    /// else may read them.
    fn copied(&mut self, service: &Service<'_>, volume: &Volume, out: &mut Out) {
        let (uid, gid) = (volume.uid.unwrap_or(0), volume.gid.unwrap_or(0));
        let is_root = service.first().is_root();
        out.limit(
            &volume.path,
            "programs look at owner and mode of what it holds, and a Secret's files are root's and the group's",
            format!(
                "copied into an emptyDir, on the node's disk, before it starts: {}",
                if is_root { "owner and mode are the old ones" } else { "the process's user owns them, and nobody else reads them" }
            ),
        );
        let from = format!("/seed/from/{}", volume.name);
        let into = format!("/seed/to/{}", volume.name);
        self.mounts.push(at(&volume.name, &into));
        for part in self.settings.parts(volume) {
            let name = format!("seed--{}", part.name);
            self.mounts.push(at(&name, &part.place(&from)));
        }
        for (part, name, path, mode) in self.settings.files(volume) {
            let from = format!("{}/{name}", part.place(&from));
            let (mode, owner) = match is_root {
                true => (mode, format!(" {uid}:{gid}")),
                false => (mode & 0o700 | 0o400, String::new()),
            };
            let into = format!("{into}/{path}");
            self.script += &format!("own {} {} {mode:04o}{owner}\n", shell(&from), shell(&into));
        }
    }

    /// A cluster makes an `emptyDir` that everybody may write, with the pod's group.
    fn own(&mut self, service: &Service<'_>, volume: &Volume, out: &mut Out) {
        let (uid, gid) = service.owner(volume);
        let mode = volume.scratch_bits();
        if volume.is_own || mode & 0o777 == 0o777 {
            return;
        }
        if !service.first().is_root() {
            out.limit(
                &volume.path,
                format!("an emptyDir has no owner {uid}:{gid} and mode {mode:04o} of its own"),
                "everybody in the pod may write there",
            );
            return;
        }
        let into = format!("/seed/to/{}", volume.name);
        self.mounts.push(at(&volume.name, &into));
        self.script += &format!("chown {uid}:{gid} {into} && chmod {mode:04o} {into}\n");
    }
}

/// The names that are nobody's content, as patterns of `case`.
fn ignored() -> String {
    let pattern = |(name, is_whole, _): &(&str, bool, &str)| match is_whole {
        true => (*name).to_owned(),
        false => format!("{name}*"),
    };
    NOTHING.iter().map(pattern).collect::<Vec<_>>().join("|")
}

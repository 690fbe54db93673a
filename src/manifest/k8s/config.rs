//! Settings and secrets as ConfigMaps and Secrets: keys, binary content, modes, and the limit on
//! their size.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::name::Labels;
use super::super::service::Service;
use super::super::volume::{Keeps, Volume};
use super::super::yaml::Node;
use super::super::{Entry, Out};
use super::object;
use crate::fact::Class;
use crate::path::AppPath;

/// The most that one object may hold (Kubernetes API, ConfigMap: "must not exceed 1MiB"), less what
/// its names, base64 and head may take.
pub(super) const MOST: usize = 700 << 10;

/// The text in place of a secret.
const PLACEHOLDER: &str = "REPLACE-ME";

/// The most directories of one tree that become objects of their own: each is one more mount.
const DIRECTORIES: usize = 24;

/// A file of an object.
#[derive(Clone, Debug)]
struct Item {
    key: String,
    /// Below the directory that the object is mounted at.
    path: String,
    mode: u32,
    bytes: Vec<u8>,
    is_secret: bool,
}

/// The files of one directory of a volume: an object of its own, mounted inside that of the
/// directory above. Podman's `kube play` makes no directories for nested `items`, and a cluster
/// makes mount points inside a mounted object (Kubernetes, nested volumes).
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The name of the volume for it.
    pub(super) name: String,
    /// The directory below the volume's; empty for that itself.
    below: String,
    /// Whether another part is mounted inside it.
    is_above: bool,
    items: Vec<Item>,
}

/// What the volumes with settings hold, by the volume's name.
pub(super) struct Settings {
    service: String,
    parts: BTreeMap<String, Vec<Part>>,
    large: BTreeSet<String>,
}

impl Settings {
    /// Looks through the content that was handed in.
    pub(super) fn new(service: &Service<'_>, out: &mut Out) -> Self {
        let mut settings = Self {
            service: service.name.clone(),
            parts: BTreeMap::new(),
            large: BTreeSet::new(),
        };
        let mut labels = Labels::default();
        for volume in &service.volumes {
            labels.take(&volume.name);
        }
        for volume in &service.volumes {
            let is_seed = volume.keeps == Keeps::State && volume.class == Class::Config;
            if matches!(volume.keeps, Keeps::Config | Keeps::Secret) || is_seed {
                settings.add(service, volume, &mut labels, out);
            }
        }
        settings
    }

    fn add(&mut self, service: &Service<'_>, volume: &Volume, labels: &mut Labels, out: &mut Out) {
        let mut items = read(service, volume, out);
        if volume.keeps == Keeps::Secret && items.is_empty() {
            items.push(Item {
                key: String::new(),
                path: String::from_utf8_lossy(volume.at.name()).into_owned(),
                mode: volume.bits(),
                bytes: Vec::new(),
                is_secret: true,
            });
        }
        let parts = split(volume, items, labels, out);
        let size = |part: &Part| {
            part.items
                .iter()
                .map(|item| item.bytes.len())
                .sum::<usize>()
        };
        if parts.iter().any(|part| size(part) > MOST) {
            out.limit(
                &volume.path,
                "it is larger than a ConfigMap may be",
                "a claim is mounted there: fill it with migrate.sh",
            );
            self.large.insert(volume.name.clone());
            return;
        }
        self.parts.insert(volume.name.clone(), parts);
    }

    /// Whether a volume's content does not fit into an object.
    pub(super) fn is_too_large(&self, volume: &Volume) -> bool {
        self.large.contains(&volume.name)
    }

    /// Whether a volume holds a secret that nobody but its owner may read, of which programs look at
    /// owner and mode: keys of servers, cookies, files of passwords. An object's files are root's, and
    /// the pod's group may read them (Kubernetes, `fsGroup`).
    pub(super) fn is_strict(&self, volume: &Volume) -> bool {
        let others = if volume.is_file { 0o007 } else { 0o077 };
        let items = self.parts(volume).iter().flat_map(|part| &part.items);
        items
            .clone()
            .any(|item| item.is_secret && item.mode & others == 0)
    }

    /// The files of a volume: which part has each, its path below that, below the volume, and its mode.
    pub(super) fn files(&self, volume: &Volume) -> Vec<(&Part, &str, String, u32)> {
        let parts = self.parts(volume).iter();
        let of = |part| {
            let Part { below, items, .. }: &Part = part;
            items.iter().map(move |item| {
                let path = match below.as_str() {
                    "" => item.path.clone(),
                    below => format!("{below}/{}", item.path),
                };
                (part, item.path.as_str(), path, item.mode)
            })
        };
        parts.flat_map(of).collect()
    }

    /// Whether a volume's content is in an object.
    pub(super) fn has(&self, volume: &Volume) -> bool {
        self.parts(volume).iter().any(|part| !part.items.is_empty())
    }

    /// The objects of a volume, those of directories after those of the directories above.
    pub(super) fn parts(&self, volume: &Volume) -> &[Part] {
        self.parts.get(&volume.name).map_or(&[], Vec::as_slice)
    }

    fn name(&self, volume: &str) -> String {
        format!("{}-{volume}", self.service)
    }

    /// The source of a part: its object's files.
    pub(super) fn source(&self, part: &Part) -> (&'static str, Node) {
        let items = part.items.iter().map(|item| {
            Node::map()
                .with("key", item.key.as_str())
                .with("path", item.path.as_str())
                .with("mode", item.mode)
        });
        let (kind, key) = match part.is_secret() {
            true => ("secret", "secretName"),
            false => ("configMap", "name"),
        };
        // Podman's `kube play` fails on a source that does not say whether it is optional.
        let source = Node::map()
            .with(key, self.name(&part.name))
            .with("optional", false)
            .with_full("items", Node::List(items.collect()));
        (kind, source)
    }

    /// The name of the single file in the object of a volume that is a file.
    pub(super) fn file_name(volume: &Volume) -> String {
        String::from_utf8_lossy(volume.at.name()).into_owned()
    }

    /// A ConfigMap for each part without a secret.
    pub(super) fn config_maps(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for part in self.all().filter(|part| !part.is_secret()) {
            let mut data = Node::map();
            let mut binary = Node::map();
            for item in &part.items {
                match text(&item.bytes) {
                    Some(text) => data = data.with(&item.key, text),
                    None => binary = binary.with(&item.key, STANDARD.encode(&item.bytes)),
                }
            }
            let head = Node::map()
                .with("apiVersion", "v1")
                .with("kind", "ConfigMap")
                .with("metadata", Node::map().with("name", self.name(&part.name)));
            nodes.push(head.with("data", data).with_full("binaryData", binary));
        }
        nodes
    }

    fn all(&self) -> impl Iterator<Item = &Part> {
        self.parts.values().flatten()
    }

    /// A Secret for each part with a secret and for secret variables: placeholders in the
    /// manifests, content only in the file that was named for it. What lies beside a secret can be
    /// read.
    pub(super) fn secrets(&self, service: &Service<'_>, out: &mut Out) -> Vec<Node> {
        let mut nodes = Vec::new();
        for part in self.all().filter(|part| part.is_secret()) {
            let name = &part.name;
            let head = object(service, "v1", "Secret", &self.name(name)).with("type", "Opaque");
            let mut data = Node::map();
            let mut beside = Node::map();
            for item in &part.items {
                let text = text(&item.bytes).filter(|_| !item.is_secret);
                let is_shown = !item.is_secret || (service.secrets && !item.bytes.is_empty());
                if let Some(text) = text {
                    beside = beside.with(&item.key, text);
                } else if is_shown {
                    data = data.with(&item.key, STANDARD.encode(&item.bytes));
                } else {
                    data = data.with(&item.key, STANDARD.encode(PLACEHOLDER));
                    out.limit(
                        format!("secret {} of volume {name}", item.path),
                        "a secret's content stands in no manifest",
                        format!("{PLACEHOLDER} stands for it: replace it, or name a file with --include-secrets"),
                    );
                }
            }
            nodes.push(head.with("data", data).with_full("stringData", beside));
        }
        let mut env = Node::map();
        for name in service.secret_names() {
            env = env.with(name, PLACEHOLDER);
            out.limit(
                format!("variable {name}"),
                "its value is a secret",
                format!("{PLACEHOLDER} stands for it in a Secret: replace it"),
            );
        }
        if !matches!(&env, Node::Map(entries) if entries.is_empty()) {
            let head = object(service, "v1", "Secret", &self.name("env"));
            nodes.push(head.with("type", "Opaque").with("stringData", env));
        }
        if service.secrets && !nodes.is_empty() {
            let text: Vec<String> = nodes.iter().map(Node::text).collect();
            out.secrets = text.join("---\n");
            nodes.clear();
        }
        nodes
    }
}

impl Part {
    /// Where it is mounted when the volume is mounted at `top`.
    pub(super) fn place(&self, top: &str) -> String {
        if self.below.is_empty() {
            top.to_owned()
        } else {
            format!("{top}/{}", self.below)
        }
    }

    /// Whether its object is a Secret: one secret makes all that lies in its directory one, since a
    /// directory of both kinds would be a projected volume, which `kube play` has not.
    fn is_secret(&self) -> bool {
        self.items.iter().any(|item| item.is_secret)
    }

    /// Whether its mount may be marked read only. A mount point is made inside one that another is
    /// mounted in, where it is not there before; objects are read only in a cluster in any case.
    pub(super) fn is_leaf(&self) -> bool {
        !self.is_above
    }
}

/// The files of a volume, with their paths below it.
fn read(service: &Service<'_>, volume: &Volume, out: &mut Out) -> Vec<Item> {
    let mut items = Vec::new();
    let Some(content) = service.content else {
        if volume.keeps == Keeps::Config {
            out.limit(
                &volume.path,
                "a report has no content of files",
                "an empty ConfigMap stands for it: fill it, or make the manifests from a scope",
            );
        }
        return items;
    };
    for (path, entry) in content.within(&volume.at) {
        match item(path, entry, volume, service) {
            Ok(item) => items.push(item),
            Err(why) => out.limit(
                path.to_text(),
                why,
                format!("left out of {}: put it there by hand", volume.path),
            ),
        }
    }
    for (path, why) in content.unread.range(volume.at.clone()..) {
        if path.is_within(&volume.at) {
            out.limit(path.to_text(), why, "left out: put it there by hand");
        }
    }
    items
}

/// A part for each directory, or one for all when they are too many. A volume without files has
/// an empty one.
fn split(volume: &Volume, items: Vec<Item>, labels: &mut Labels, out: &mut Out) -> Vec<Part> {
    let directory = |path: &str| path.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned();
    let found: BTreeSet<String> = items.iter().map(|item| directory(&item.path)).collect();
    let is_split = found.len() <= DIRECTORIES;
    if !is_split {
        out.limit(
            &volume.path,
            format!("its files are in {} directories, and each would be a mount", found.len()),
            "one object holds them all: a cluster makes the directories, `podman kube play` does not",
        );
    }
    let mut by_directory: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for mut item in items {
        let below = if is_split {
            directory(&item.path)
        } else {
            String::new()
        };
        if !below.is_empty() {
            item.path.drain(..=below.len());
        }
        by_directory.entry(below).or_default().push(item);
    }
    if by_directory.is_empty() {
        by_directory.insert(String::new(), Vec::new());
    }
    let all: Vec<String> = by_directory.keys().cloned().collect();
    let part = |(below, mut items): (String, Vec<Item>)| {
        let mut keys = BTreeSet::new();
        for item in &mut items {
            item.key = key(item.path.as_bytes(), &mut keys);
        }
        let is_above = all.iter().any(|other| {
            *other != below && (below.is_empty() || other.starts_with(&format!("{below}/")))
        });
        let name = match below.as_str() {
            "" => volume.name.clone(),
            below => labels.fresh(format!("{}/{below}", volume.path).as_bytes()),
        };
        Part {
            name,
            below,
            is_above,
            items,
        }
    };
    by_directory.into_iter().map(part).collect()
}

fn item(
    path: &AppPath,
    entry: &Entry,
    volume: &Volume,
    service: &Service<'_>,
) -> Result<Item, &'static str> {
    if let Some(why) = super::super::volume::refusal(path) {
        return Err(why);
    }
    let below = match path.below(&volume.at) {
        Some(below) if !below.is_empty() => below,
        _ => path.name(),
    };
    let below = String::from_utf8_lossy(below).into_owned();
    // Kubernetes API, KeyToPath.path: "May not contain the path element '..'. May not start with
    // the string '..'".
    if below.starts_with("..") {
        return Err("a name in a ConfigMap may not begin with two dots");
    }
    // Kubernetes checks a path by splitting at `:` on no system, but refuses a backslash on nodes
    // that run Windows only: both stay.
    let is_secret = entry.is_secret
        || volume.keeps == Keeps::Secret
        || service.report.plan.secrets.contains(path);
    Ok(Item {
        key: String::new(),
        path: below,
        mode: entry.mode & 0o777,
        bytes: entry.bytes.clone(),
        is_secret,
    })
}

/// A key of an object: letters, digits, `-`, `_` and `.`, at most 253 of them, unlike the others.
fn key(name: &[u8], keys: &mut BTreeSet<String>) -> String {
    let plain = |&b: &u8| {
        if b.is_ascii_alphanumeric() || b"-_.".contains(&b) {
            char::from(b)
        } else {
            '_'
        }
    };
    let tail = &name[name.len().saturating_sub(200)..];
    let mut wanted: String = tail.iter().map(plain).collect();
    // `.` and `..` are no keys, nor is one that begins with two dots.
    if wanted.is_empty() || wanted.starts_with('.') {
        wanted = format!("dot{wanted}");
    }
    let mut key = wanted.clone();
    let mut number = 2_u32;
    while !keys.insert(key.clone()) {
        key = format!("{wanted}.{number}");
        number += 1;
    }
    key
}

/// The bytes as text that YAML can hold.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().all(is_plain).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_short_and_differ() {
        let mut keys = BTreeSet::new();
        assert_eq!(key(b"conf.d/a b", &mut keys), "conf.d_a_b");
        assert_eq!(key(b"conf.d_a_b", &mut keys), "conf.d_a_b.2");
        assert_eq!(key(b"..x", &mut keys), "dot..x");
        assert!(key(&[b'x'; 900], &mut keys).len() <= 253);
    }

    #[test]
    fn bytes_that_are_no_text_go_to_binary_data() {
        assert!(text(b"a\nb\t").is_some());
        assert!(text(b"\x00").is_none());
        assert!(text(b"\xff").is_none());
    }
}

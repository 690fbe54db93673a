//! What each target's files say, read back by rules of their own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use seaworthy::manifest::Manifests;

use super::{documents, text};

/// The words of a line of sh(1) that holds quotes, `"$base"` and nothing else special.
pub(super) fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                word.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                let word = word.get_or_insert_default();
                word.extend(chars.by_ref().take_while(|c| *c != '"'));
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The fields of a line by RFC 4180.
pub(super) fn csv_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut().unwrap();
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields
}

/// The words of a value in a unit file, systemd.syntax(7), specifiers and variables replaced.
pub(super) fn unit_words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted || word.is_none() => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '\\' => {
                let next = chars.next().unwrap();
                assert!("\\\"".contains(next), "an escape of {next}");
                word.get_or_insert_default().push(next);
            }
            ' ' if !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    assert!(!is_quoted, "an open quote in {value}");
    words.extend(word);
    words
        .into_iter()
        .map(|word| word.replace("%%", "%").replace("$$", "$"))
        .collect()
}

/// A value of liblxc's settings, as `parse_line` of its confile.c takes it from a line.
pub(super) fn lxc_value(value: &str) -> &str {
    let is_blank = |c: char| " \t\n\x0b\x0c\r".contains(c);
    let value = value.trim_matches(is_blank);
    let quote = value.chars().next().filter(|c| "'\"".contains(*c));
    let inner = quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(value)
}

/// Words as `lxc_string_split_quoted` of its string_utils.c splits them.
pub(super) fn lxc_words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut state = ' ';
    for c in value.chars() {
        match state {
            ' ' if c.is_ascii_whitespace() => {}
            ' ' if c == '"' || c == '\'' => state = c,
            ' ' => {
                word.push(c);
                state = 'a';
            }
            'a' if c.is_ascii_whitespace() => {
                words.push(std::mem::take(&mut word));
                state = ' ';
            }
            'a' => word.push(c),
            quote if c == quote => {
                words.push(std::mem::take(&mut word));
                state = ' ';
            }
            _ => word.push(c),
        }
    }
    assert!(state == ' ' || state == 'a', "an open quote in {value}");
    if state == 'a' {
        words.push(word);
    }
    words
}

/// Words as its versions before 6.0 split them.
pub(super) fn lxc_words_before_6(value: &str) -> Vec<String> {
    let words = value.split(' ').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn field(fields: &[String], key: &str) -> Option<String> {
    fields
        .iter()
        .find_map(|field| field.strip_prefix(key)?.strip_prefix('='))
        .map(str::to_owned)
}

/// What becomes of what is written at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It is not written.
    Read,
    /// It outlives the container.
    Kept,
    /// It ends with the container.
    Lost,
    /// An empty place of an image, where whoever starts it mounts something.
    Place,
}

/// What a target mounts, by place.
pub(super) type Mounted = BTreeMap<String, Held>;

/// Where a target mounts something.
pub(super) fn paths(made: &Manifests, target: &str) -> BTreeSet<String> {
    mounted(made, target).into_keys().collect()
}

/// The mounts of a target; those of all its containers together.
pub(super) fn mounted(made: &Manifests, target: &str) -> Mounted {
    match target {
        "docker" => docker(made),
        "compose" => compose(made),
        "k8s" => k8s(made),
        "quadlet" => quadlet(made),
        "nspawn" => nspawn(made),
        "lxd" => lxd(made),
        "oci" => oci(made),
        "rkt" => rkt(made),
        "containerfile" => containerfile(made),
        other => panic!("no way back from {other}"),
    }
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What is mounted from the host, or from a volume.
fn held(is_read: bool) -> Held {
    if is_read { Held::Read } else { Held::Kept }
}

fn docker(made: &Manifests) -> Mounted {
    let lost = docker_lost(made);
    let lines = text(made, "docker/run.sh").lines();
    let options = lines.filter_map(|line| line.strip_prefix("set -- \"$@\" --"));
    options
        .filter_map(|option| docker_mount(option, &lost))
        .collect()
}

/// The volumes that the script makes in memory.
pub(super) fn docker_lost(made: &Manifests) -> BTreeSet<String> {
    let lines = text(made, "docker/run.sh").lines();
    let made = lines.filter_map(|line| line.trim_start().strip_prefix("--opt type=tmpfs "));
    made.map(|line| shell_words(line)[4].clone()).collect()
}

/// Where an option of `run` mounts something.
pub(super) fn docker_mount(option: &str, lost: &BTreeSet<String>) -> Option<(String, Held)> {
    let words = shell_words(option);
    match words[0].as_str() {
        "mount" => {
            assert_eq!(words.len(), 2, "{option}");
            let fields = csv_fields(&words[1]);
            let is_lost = field(&fields, "src").is_some_and(|name| lost.contains(&name));
            let held = match is_lost {
                true => Held::Lost,
                false => held(fields.iter().any(|field| field == "readonly")),
            };
            Some((field(&fields, "dst")?, held))
        }
        "tmpfs" => {
            assert_eq!(words.len(), 2, "{option}");
            let path = words[1].rsplit_once(':').unwrap().0;
            Some((path.to_owned(), Held::Lost))
        }
        _ => None,
    }
}

fn compose(made: &Manifests) -> Mounted {
    let document = &documents(text(made, "compose/compose.yaml"))[0];
    let services = document["services"].as_object().unwrap();
    let of = |service| compose_mounts(service, document);
    services.values().flat_map(of).collect()
}

/// Where a service of a Compose file mounts something.
pub(super) fn compose_mounts(service: &Value, document: &Value) -> Mounted {
    let short = rows(&service["tmpfs"]).map(|line| {
        let line = line.as_str().unwrap();
        (line.rsplit_once(':').unwrap().0.to_owned(), Held::Lost)
    });
    let long = rows(&service["volumes"]).map(|row| {
        let source = &document["volumes"][row["source"].as_str().unwrap_or_default()];
        let is_lost = row["type"] == "tmpfs" || source["driver_opts"]["type"] == "tmpfs";
        let held = match is_lost {
            true => Held::Lost,
            false => held(row["read_only"] == true),
        };
        (string(&row["target"]), held)
    });
    long.chain(short)
        .map(|(target, held)| (target.replace("$$", "$"), held))
        .collect()
}

fn k8s(made: &Manifests) -> Mounted {
    let document = &documents(text(made, "k8s/workload.yaml"))[0];
    let pod = &document["spec"]["template"]["spec"];
    let containers = rows(&pod["containers"]);
    containers
        .flat_map(|container| k8s_mounts(container, document))
        .collect()
}

/// Where a container of a pod mounts something.
pub(super) fn k8s_mounts(container: &Value, document: &Value) -> Mounted {
    let pod = &document["spec"]["template"]["spec"];
    let is_lost = |row: &Value| {
        let mut volumes = rows(&pod["volumes"]);
        let volume = volumes.find(|volume| volume["name"] == row["name"]);
        volume.is_some_and(|volume| volume.get("emptyDir").is_some())
    };
    let mount = |row: &Value| {
        let held = match (row["readOnly"] == true, is_lost(row)) {
            (true, _) => Held::Read,
            (false, true) => Held::Lost,
            (false, false) => Held::Kept,
        };
        (string(&row["mountPath"]), held)
    };
    rows(&container["volumeMounts"]).map(mount).collect()
}

fn quadlet(made: &Manifests) -> Mounted {
    let lost = quadlet_lost(made);
    let mut found = Mounted::new();
    for (name, _) in made.files.iter().filter(|(n, _)| n.ends_with(".container")) {
        let lines = text(made, name).lines();
        found.extend(lines.filter_map(|line| quadlet_mount(line, &lost)));
    }
    found
}

/// The files of volumes in memory.
pub(super) fn quadlet_lost(made: &Manifests) -> BTreeSet<String> {
    let files = made.files.iter().map(|(name, _)| name);
    let volumes = files.filter(|name| name.ends_with(".volume"));
    volumes
        .filter(|name| text(made, name).contains("\nType=tmpfs\n"))
        .map(|name| name.trim_start_matches("quadlet/").to_owned())
        .collect()
}

/// Where a line of a `.container` file mounts something.
pub(super) fn quadlet_mount(line: &str, lost: &BTreeSet<String>) -> Option<(String, Held)> {
    let (key, value) = line.split_once('=')?;
    if !["Mount", "Tmpfs"].contains(&key) {
        return None;
    }
    let words = unit_words(value);
    assert_eq!(words.len(), 1, "{line}");
    if key == "Tmpfs" {
        let path = words[0].rsplit_once(':').unwrap().0;
        return Some((path.to_owned(), Held::Lost));
    }
    let fields = csv_fields(&words[0]);
    let is_lost = field(&fields, "source").is_some_and(|name| lost.contains(&name));
    let held = match is_lost {
        true => Held::Lost,
        false => held(field(&fields, "ro").is_some_and(|value| value == "true")),
    };
    Some((field(&fields, "destination")?, held))
}

fn nspawn(made: &Manifests) -> Mounted {
    let (name, _) = made
        .files
        .iter()
        .find(|(name, _)| name.ends_with(".nspawn"))
        .unwrap();
    let mut found = Mounted::new();
    for line in text(made, name).lines() {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let mut fields = vec![String::new()];
        let mut chars = value.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => fields.last_mut().unwrap().extend(chars.next()),
                ':' => fields.push(String::new()),
                c => fields.last_mut().unwrap().push(c),
            }
        }
        match key {
            // A device is shown at its own place: source and destination are one.
            "Bind" => found.extend(fields.pop().map(|path| (path, Held::Kept))),
            "BindReadOnly" => found.extend(fields.pop().map(|path| (path, Held::Read))),
            "TemporaryFileSystem" => {
                found.extend(fields.into_iter().next().map(|path| (path, Held::Lost)));
            }
            _ => {}
        }
    }
    found
}

fn lxd(made: &Manifests) -> Mounted {
    let document = &documents(text(made, "lxd/instance.yaml"))[0];
    let devices = document["devices"].as_object().unwrap();
    let mut found: Mounted = devices
        .values()
        .filter(|device| device["type"] == "disk")
        .map(|device| (string(&device["path"]), held(device["readonly"] == "true")))
        .collect();
    for line in document["config"]["raw.lxc"].as_str().unwrap().lines() {
        if let Some(entry) = line.strip_prefix("lxc.mount.entry=tmpfs ") {
            let path = entry.split(' ').next().unwrap();
            let path = path
                .replace("\\040", " ")
                .replace("\\043", "#")
                .replace("\\134", "\\");
            found.insert(format!("/{path}"), Held::Lost);
        }
    }
    found
}

fn oci(made: &Manifests) -> Mounted {
    let config: Value = serde_json::from_str(text(made, "oci/config.json")).unwrap();
    let mount = |row: &Value| {
        let held = match row["type"] == "bind" {
            true => held(rows(&row["options"]).any(|option| option == "ro")),
            false => Held::Lost,
        };
        (string(&row["destination"]), held)
    };
    rows(&config["mounts"]).map(mount).collect()
}

/// What the manifest asks for, as the script gives it.
fn rkt(made: &Manifests) -> Mounted {
    let value: Value = serde_json::from_str(text(made, "rkt/manifest")).unwrap();
    let lines = text(made, "rkt/run.sh").lines();
    let options = lines.filter_map(|line| line.strip_prefix("set -- \"$@\" --volume "));
    let volume = |option: &str| {
        let fields = csv_fields(&shell_words(option)[0]);
        let is_empty = field(&fields, "kind").is_some_and(|kind| kind == "empty");
        let is_read = field(&fields, "readOnly").is_some_and(|value| value == "true");
        let held = if is_empty { Held::Lost } else { held(is_read) };
        (fields[0].clone(), held)
    };
    let given: BTreeMap<String, Held> = options.map(volume).collect();
    let mount = |row: &Value| {
        let held = given.get(row["name"].as_str().unwrap())?;
        Some((string(&row["path"]), *held))
    };
    rows(&value["app"]["mountPoints"])
        .filter_map(mount)
        .collect()
}

fn containerfile(made: &Manifests) -> Mounted {
    text(made, "containerfile/Containerfile")
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .map(|line| serde_json::from_str(line.splitn(4, ' ').last().unwrap()).unwrap())
        .map(|path| (path, Held::Place))
        .collect()
}

//! What each target's files say, read back by rules of their own.

use std::collections::BTreeSet;

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

/// Where a target mounts something.
pub(super) fn paths(made: &Manifests, target: &str) -> BTreeSet<String> {
    match target {
        "docker" => docker(made),
        "compose" => compose(made),
        "k8s" => k8s(made),
        "quadlet" => quadlet(made),
        "nspawn" => nspawn(made),
        "lxd" => lxd(made),
        "oci" => {
            let value: serde_json::Value =
                serde_json::from_str(text(made, "oci/config.json")).unwrap();
            strings(&value["mounts"], "destination")
        }
        "rkt" => {
            let value: serde_json::Value =
                serde_json::from_str(text(made, "rkt/manifest")).unwrap();
            strings(&value["app"]["mountPoints"], "path")
        }
        "containerfile" => containerfile(made),
        other => panic!("no way back from {other}"),
    }
}

fn strings(list: &serde_json::Value, key: &str) -> BTreeSet<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|row| row[key].as_str().unwrap().to_owned())
        .collect()
}

fn docker(made: &Manifests) -> BTreeSet<String> {
    let lines = text(made, "docker/run.sh").lines();
    let options = lines.filter_map(|line| line.strip_prefix("set -- \"$@\" --"));
    options.filter_map(docker_mount).collect()
}

/// Where an option of `run` mounts something.
pub(super) fn docker_mount(option: &str) -> Option<String> {
    let words = shell_words(option);
    match words[0].as_str() {
        "mount" => {
            assert_eq!(words.len(), 2, "{option}");
            let value = &words[1];
            field(&csv_fields(value), "dst")
        }
        "tmpfs" => {
            assert_eq!(words.len(), 2, "{option}");
            Some(words[1].rsplit_once(':').unwrap().0.to_owned())
        }
        _ => None,
    }
}

fn compose(made: &Manifests) -> BTreeSet<String> {
    let document = &documents(text(made, "compose/compose.yaml"))[0];
    let services = document["services"].as_object().unwrap();
    services.values().flat_map(compose_mounts).collect()
}

/// Where a service of a Compose file mounts something.
pub(super) fn compose_mounts(service: &serde_json::Value) -> BTreeSet<String> {
    let short = service["tmpfs"].as_array().into_iter().flatten();
    let short = short.map(|line| {
        line.as_str()
            .unwrap()
            .rsplit_once(':')
            .unwrap()
            .0
            .to_owned()
    });
    let long = strings(&service["volumes"], "target").into_iter();
    long.chain(short)
        .map(|target| target.replace("$$", "$"))
        .collect()
}

fn k8s(made: &Manifests) -> BTreeSet<String> {
    let document = &documents(text(made, "k8s/workload.yaml"))[0];
    let containers = document["spec"]["template"]["spec"]["containers"].as_array();
    containers
        .unwrap()
        .iter()
        .flat_map(|container| strings(&container["volumeMounts"], "mountPath"))
        .collect()
}

fn quadlet(made: &Manifests) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, _) in made.files.iter().filter(|(n, _)| n.ends_with(".container")) {
        found.extend(text(made, name).lines().filter_map(quadlet_mount));
    }
    found
}

/// Where a line of a `.container` file mounts something.
pub(super) fn quadlet_mount(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    if !["Mount", "Tmpfs"].contains(&key) {
        return None;
    }
    let words = unit_words(value);
    assert_eq!(words.len(), 1, "{line}");
    if key == "Tmpfs" {
        return Some(words[0].rsplit_once(':').unwrap().0.to_owned());
    }
    field(&csv_fields(&words[0]), "destination")
}

fn nspawn(made: &Manifests) -> BTreeSet<String> {
    let (name, _) = made
        .files
        .iter()
        .find(|(name, _)| name.ends_with(".nspawn"))
        .unwrap();
    let mut found = BTreeSet::new();
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
            "Bind" | "BindReadOnly" => found.extend(fields.pop()),
            "TemporaryFileSystem" => found.extend(fields.into_iter().next()),
            _ => {}
        }
    }
    found
}

fn lxd(made: &Manifests) -> BTreeSet<String> {
    let document = &documents(text(made, "lxd/instance.yaml"))[0];
    let devices = document["devices"].as_object().unwrap();
    let mut found: BTreeSet<String> = devices
        .values()
        .filter(|device| device["type"] == "disk")
        .map(|device| device["path"].as_str().unwrap().to_owned())
        .collect();
    for line in document["config"]["raw.lxc"].as_str().unwrap().lines() {
        if let Some(entry) = line.strip_prefix("lxc.mount.entry=tmpfs ") {
            let path = entry.split(' ').next().unwrap();
            let path = path
                .replace("\\040", " ")
                .replace("\\043", "#")
                .replace("\\134", "\\");
            found.insert(format!("/{path}"));
        }
    }
    found
}

fn containerfile(made: &Manifests) -> BTreeSet<String> {
    text(made, "containerfile/Containerfile")
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .map(|line| serde_json::from_str(line.splitn(4, ' ').last().unwrap()).unwrap())
        .collect()
}

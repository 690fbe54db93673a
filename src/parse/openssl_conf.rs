//! config(5ssl): the providers and engines that OpenSSL loads by its configuration.

use super::line::joined;

/// A provider or engine that the configuration loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Its name: `legacy`, `pkcs11`, …
    pub name: String,
    /// Whether it is an engine; else it is a provider.
    pub engine: bool,
    /// The file, where one is named (`module`, `dynamic_path`).
    pub path: Option<String>,
    /// The line of its name, from 1.
    pub line: u32,
}

/// A value of a section.
struct Value {
    section: String,
    key: String,
    value: String,
    line: u32,
}

/// Reads the configuration. Only what the initial section leads to counts: the rest of the file is
/// for single commands.
#[must_use]
pub fn read(text: &[u8]) -> Vec<Loaded> {
    let values = values(text);
    let get = |section: &str, key: &str| {
        let mut all = values.iter().rev();
        all.find(|value| value.section == section && value.key == key)
    };
    let mut found = Vec::new();
    let Some(init) = get("default", "openssl_conf") else {
        return found;
    };
    for (key, engine) in [("engines", true), ("providers", false)] {
        let Some(list) = get(&init.value, key) else {
            continue;
        };
        for entry in values.iter().filter(|value| value.section == list.value) {
            let detail = |key: &str| get(&entry.value, key).map(|found| found.value.clone());
            let own = if engine { "engine_id" } else { "identity" };
            // A provider that the configuration only describes is not loaded.
            if !engine && !detail("activate").is_some_and(|value| is_yes(&value)) {
                continue;
            }
            found.push(Loaded {
                name: detail(own).unwrap_or_else(|| entry.key.clone()),
                engine,
                path: detail(if engine { "dynamic_path" } else { "module" }),
                line: entry.line,
            });
        }
    }
    found
}

fn is_yes(value: &str) -> bool {
    matches!(value, "1" | "yes" | "true" | "on" | "YES" | "TRUE" | "ON")
}

fn values(text: &[u8]) -> Vec<Value> {
    let mut section = "default".to_owned();
    let mut found = Vec::new();
    for (line, text) in joined(text) {
        let text = String::from_utf8_lossy(&text);
        let text = text.split('#').next().unwrap_or_default().trim();
        if let Some(name) = text
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            name.trim().clone_into(&mut section);
        } else if let Some((key, value)) = text.split_once('=') {
            // `section::key` stands for itself in variables, not here.
            let value = value.trim().trim_matches(['"', '\'']);
            found.push(Value {
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.to_owned(),
                line,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_first_section_leads_to_is_loaded() {
        let text = b"HOME = .\nopenssl_conf = init\n[ init ]\nproviders = prov # all\n\
            engines = eng\n[prov]\ndefault = d\nlegacy = l\nfips = f\n[d]\nactivate = 1\n[l]\n\
            activate = yes\nmodule = /opt/x/legacy.so\n[f]\n# activate = 1\n[eng]\nhsm = h\n[h]\n\
            engine_id = pkcs11\ndynamic_path = \"/usr/lib/engines-3/pkcs11.so\"\n[other]\nx = 1\n";
        let found: Vec<_> = read(text)
            .into_iter()
            .map(|l| format!("{} {} {} {:?}", l.line, l.name, l.engine, l.path))
            .collect();
        assert_eq!(
            found,
            [
                "18 pkcs11 true Some(\"/usr/lib/engines-3/pkcs11.so\")",
                "7 default false None",
                "8 legacy false Some(\"/opt/x/legacy.so\")",
            ]
        );
        assert!(read(b"[prov]\nlegacy = l\n[l]\nactivate = 1\n").is_empty());
    }
}

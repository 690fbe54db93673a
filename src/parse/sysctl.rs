//! Settings of the kernel and of sessions: sysctl.d(5), limits.conf(5), modprobe.d(5),
//! modules-load.d(5).

use super::line::{entries, fields, first_field, joined, split_once, text};

/// `key = value` of sysctl.d.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sysctl {
    /// Line from 1.
    pub line: u32,
    /// The key with dots between its parts.
    pub key: String,
    /// The value.
    pub value: String,
    /// `-` in front: a failure is ignored.
    pub may_fail: bool,
}

/// Reads sysctl.d(5); lines without `=` are passed over.
#[must_use]
pub fn sysctls(file: &[u8]) -> Vec<Sysctl> {
    entries(file)
        .filter(|(_, entry)| !entry.starts_with(b";"))
        .filter_map(|(line, entry)| {
            let (key, value) = split_once(entry, b'=')?;
            let bare = key.strip_prefix(b"-").unwrap_or(key);
            Some(Sysctl {
                line,
                key: dotted(&text(bare)),
                value: text(value),
                may_fail: bare.len() != key.len(),
            })
        })
        .filter(|sysctl| !sysctl.key.is_empty())
        .collect()
}

/// sysctl.d(5): when the first separator is a slash, slashes and dots change places.
fn dotted(key: &str) -> String {
    let first = key.find(['.', '/']).and_then(|at| key.get(at..=at));
    if first != Some("/") {
        return key.to_owned();
    }
    key.trim_start_matches('/')
        .chars()
        .map(|c| match c {
            '/' => '.',
            '.' => '/',
            c => c,
        })
        .collect()
}

/// A line of limits.conf(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Line from 1.
    pub line: u32,
    /// User, `@group`, `*` or a range.
    pub domain: String,
    /// `soft`, `hard` or `-` for both.
    pub kind: String,
    /// `nofile`, `memlock`, ….
    pub item: String,
    /// The value.
    pub value: String,
}

/// Reads limits.conf(5).
#[must_use]
pub fn limits(file: &[u8]) -> Vec<Limit> {
    entries(file)
        .filter_map(|(line, entry)| {
            let mut parts = fields(entry).map(text);
            let (domain, kind, item, value) =
                (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let kinds = ["soft", "hard", "-"];
            kinds.contains(&kind.as_str()).then_some(Limit {
                line,
                domain,
                kind,
                item,
                value,
            })
        })
        .collect()
}

/// A line of modprobe.d(5): its word, the module, and the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleRule {
    /// Line from 1.
    pub line: u32,
    /// `options`, `install`, `alias`, `blacklist`, `softdep`, ….
    pub word: String,
    /// The module.
    pub module: String,
    /// What follows.
    pub rest: String,
}

/// Reads modprobe.d(5).
#[must_use]
pub fn module_rules(file: &[u8]) -> Vec<ModuleRule> {
    joined(file)
        .into_iter()
        .filter_map(|(line, entry)| {
            let (word, after) = first_field(&entry);
            let (module, rest) = first_field(after);
            // alias WILDCARD MODULE names its module last.
            let (module, rest) = if word == b"alias" {
                (rest, module)
            } else {
                (module, rest)
            };
            (!module.is_empty()).then(|| ModuleRule {
                line,
                word: text(word),
                module: text(module),
                rest: text(rest),
            })
        })
        .collect()
}

/// Reads modules-load.d(5) and Debian's `/etc/modules`: one module a line, options after it.
#[must_use]
pub fn modules(file: &[u8]) -> Vec<(u32, String)> {
    entries(file)
        .filter(|(_, entry)| !entry.starts_with(b";"))
        .map(|(line, entry)| (line, text(first_field(entry).0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_slashes_are_turned() {
        let found = sysctls(b"# c\nvm.swappiness = 1\n-net/ipv4/conf/eth0.1/rp_filter=0\nnet.ipv4.conf.all.x=2\n!x\n");
        let keys: Vec<_> = found.iter().map(|s| s.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "vm.swappiness",
                "net.ipv4.conf.eth0/1.rp_filter",
                "net.ipv4.conf.all.x"
            ]
        );
        assert!(found[1].may_fail);
        assert_eq!(found[0].value, "1");
    }

    #[test]
    fn limits_and_modules() {
        let found = limits(b"app  soft nofile 65536 # x\n@db - memlock unlimited\nbad line\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].item, "memlock");
        assert_eq!(
            modules(b"# m\nloop max_loop=8\n\ndm-mod\n"),
            [(2, "loop".into()), (4, "dm-mod".into())]
        );
        let rules = module_rules(b"options foo a=1 \\\n b=2\nalias pci:* foo\nblacklist bar\n");
        assert_eq!(rules[0].rest, "a=1  b=2");
        assert_eq!(rules[1].module, "foo");
        assert_eq!(rules[2].line, 4);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>) {
            let _ = (sysctls(&file), limits(&file), module_rules(&file), modules(&file));
        }
    }
}

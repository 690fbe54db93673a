//! Absolute paths in the bytes of a program: where they begin, where they end, and what is no path
//! of the running application but of its compiler, its documentation or an address.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::path::AppPath;

/// The longest string that is taken for a path.
pub const MAX_LITERAL: usize = 1024;

/// Directories that hold state, settings or devices (hier(7)). What lies in `/usr` but `/usr/local`
/// is code and static content, of which a program names very much.
const PLACES: [&str; 15] = [
    "/data/",
    "/dev/",
    "/etc/",
    "/home/",
    "/media/",
    "/mnt/",
    "/opt/",
    "/proc/sys/",
    "/root/",
    "/run/",
    "/srv/",
    "/sys/",
    "/tmp/",
    "/usr/local/",
    "/var/",
];

/// Devices that every container has (OCI runtime specification, "Default Devices").
const COMMON_DEVICES: [&[u8]; 12] = [
    b"/dev/console",
    b"/dev/fd",
    b"/dev/full",
    b"/dev/null",
    b"/dev/ptmx",
    b"/dev/pts",
    b"/dev/random",
    b"/dev/stderr",
    b"/dev/stdin",
    b"/dev/stdout",
    b"/dev/tty",
    b"/dev/urandom",
];

/// Endings of what a compiler, linker or translator names.
const BUILD_ENDINGS: [&[u8]; 36] = [
    b".a", b".ad", b".adb", b".ads", b".am", b".asm", b".c", b".cc", b".cpp", b".cxx", b".debug",
    b".erl", b".f90", b".go", b".h", b".hh", b".hpp", b".hrl", b".html", b".inc", b".inl", b".la",
    b".m4", b".md", b".mo", b".o", b".pas", b".pc", b".pod", b".rs", b".s", b".so", b".txx",
    b".vala", b".y", b".zig",
];

/// Components that stand in paths of a build.
const BUILD_PARTS: [&[u8]; 21] = [
    b".cargo",
    b".rustup",
    b"BUILD",
    b"CMakeFiles",
    b"_build",
    b"build",
    b"build_artifacts",
    b"builddir",
    b"buildroot",
    b"debian",
    b"feedstock_root",
    b"go",
    b"include",
    b"jenkins",
    b"pkg",
    b"rpmbuild",
    b"runner",
    b"src",
    b"target",
    b"work",
    b"workspace",
];

/// Where builds are made.
const BUILD_PLACES: [&[u8]; 6] = [b"home", b"mnt", b"opt", b"root", b"tmp", b"usr"];

/// Endings after which a name is complete, for strings that run into each other.
const FILE_ENDINGS: [&[u8]; 20] = [
    b".cfg", b".cnf", b".conf", b".config", b".crt", b".db", b".env", b".ini", b".json", b".key",
    b".lock", b".log", b".pem", b".pid", b".sock", b".socket", b".sqlite", b".toml", b".yaml",
    b".yml",
];

// The patterns are fixed and far below any limit of the automaton.
static SEARCH: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(PLACES).expect("fifteen short patterns make an automaton"));

/// How strings end in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strings {
    /// With a NUL.
    Terminated,
    /// Nowhere: they stand side by side and their length is in the code (Go).
    Joined,
}

/// The names of files with a process's number that are put together of a directory and a name:
/// `%s/%s.pid`, `%sappd.pid`. Each is told as far as it is known: without directives before it, and
/// empty where a directive stands for the whole name.
pub fn number_files(bytes: &[u8], mut found: impl FnMut(usize, &[u8])) {
    const ENDING: &[u8] = b".pid\0";
    for end in memchr::memmem::find_iter(bytes, ENDING) {
        let before = &bytes[end.saturating_sub(64)..end];
        let Some(start) = memchr::memrchr(0, before) else {
            continue;
        };
        let text = &before[start + 1..];
        let Some(rest) = text.strip_prefix(b"%s") else {
            continue;
        };
        let rest = rest.strip_prefix(b"/").unwrap_or(rest);
        let name = if rest == b"%s" { &b""[..] } else { rest };
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(b);
        if name.iter().all(plain) && text != b"%s" {
            found(end, name);
        }
    }
}

/// Whether the directory for run-time files stands in `bytes` as a string of its own.
#[must_use]
pub fn names_run(bytes: &[u8]) -> bool {
    [
        &b"/var/run\0"[..],
        b"/var/run/\0",
        b"\0/run\0",
        b"\0/run/\0",
    ]
    .iter()
    .any(|text| memchr::memmem::find(bytes, text).is_some())
}

/// Hands every path in `bytes` to `found`, with the offset where it begins.
pub fn paths(bytes: &[u8], strings: Strings, mut found: impl FnMut(usize, AppPath)) {
    for place in SEARCH.find_iter(bytes) {
        let at = place.start();
        let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied();
        if let Some(path) = read(&bytes[at..], before, strings) {
            found(at, path);
        }
    }
}

/// The path that begins at the start of `bytes`, `before` which another byte stands.
fn read(bytes: &[u8], before: Option<u8>, strings: Strings) -> Option<AppPath> {
    let begins_well = match before {
        None => true,
        // In a text; behind anything else it is the end of a longer path or of an address.
        Some(
            b' ' | b'"' | b'\'' | b'=' | b':' | b',' | b';' | b'(' | b'[' | b'`' | b'\n' | b'\t',
        ) => true,
        Some(byte) => strings == Strings::Joined || !(b' '..=b'~').contains(&byte),
    };
    if !begins_well {
        return None;
    }
    let window = &bytes[..bytes.len().min(MAX_LITERAL)];
    let end = window.iter().position(|b| !is_part(*b))?;
    let ends_well = matches!(
        window[end],
        0 | b' '
            | b'"'
            | b'\''
            | b':'
            | b','
            | b';'
            | b')'
            | b']'
            | b'`'
            | b'\n'
            | b'\t'
            | b'|'
            | b'&'
            | b'>'
    );
    let mut text = &window[..end];
    if strings == Strings::Joined {
        text = complete(text)?;
    } else if !ends_well {
        return None;
    }
    while let [rest @ .., b'.' | b'!' | b'?'] = text {
        text = rest;
    }
    meant(text)
}

/// Bytes of a path, of format directives and of patterns in it.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._-+@%{}$*~#!?".contains(&byte)
}

/// Cuts what follows a complete path among joined strings: the next path that begins, or an ending
/// of a name that no letter follows. Joined strings give no other sign of an end.
fn complete(text: &[u8]) -> Option<&[u8]> {
    // Names of packages and symbols look like paths of the kernel's filesystems.
    if text.starts_with(b"/sys/") || text.starts_with(b"/proc/") || text.starts_with(b"/data/") {
        return None;
    }
    let nests = text.starts_with(b"/usr/local/") || text.starts_with(b"/opt/");
    let next = SEARCH.find(text.get(1..)?).map(|place| place.start() + 1);
    let text = match next {
        Some(next) if !nests => return Some(&text[..next]),
        _ => text,
    };
    FILE_ENDINGS
        .iter()
        .filter_map(|ending| {
            let end = memchr::memmem::find(text, ending)? + ending.len();
            let follows = text.get(end).copied().unwrap_or(0);
            (!follows.is_ascii_lowercase()).then_some(end)
        })
        .min()
        .map(|end| &text[..end])
}

/// The path as meant, with patterns for what the program fills in; nothing when it is no path of
/// the running application.
fn meant(text: &[u8]) -> Option<AppPath> {
    let mut out = Vec::with_capacity(text.len());
    let mut count = 0;
    for part in text
        .split(|&b| b == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
    {
        if part == b".."
            || part
                .iter()
                .all(|b| !b.is_ascii_alphanumeric() && !b"*{".contains(b))
        {
            return None;
        }
        let pattern = pattern(part);
        // Two components that stand for themselves must come before what is filled in.
        if count < 2 && pattern.is_some() {
            return None;
        }
        out.push(b'/');
        out.extend_from_slice(pattern.as_deref().unwrap_or(part));
        count += 1;
    }
    let path = AppPath::new(&out);
    (count >= 2 && !is_of_build(&path) && !is_common(&path)).then_some(path)
}

/// A component with `{name}` for what is filled in, from the first place to the last: a directive
/// of printf(3) or strftime(3), a variable, braces, the `XXXXXX` of mkstemp(3).
fn pattern(part: &[u8]) -> Option<Vec<u8>> {
    let first = part
        .iter()
        .position(|b| matches!(b, b'%' | b'$' | b'{'))
        .or_else(|| memchr::memmem::find(part, b"XXXXXX"))?;
    let mut end = first;
    let mut at = first;
    while at < part.len() {
        let taken = hole(&part[at..]);
        at += taken.max(1);
        if taken > 0 {
            end = at;
        }
    }
    let mut out = part[..first].to_vec();
    out.extend_from_slice(b"{name}");
    // A place that does not end properly takes the rest with it.
    if end > first {
        out.extend(part[end..].iter().filter(|b| !b"%${}".contains(b)));
    }
    Some(out)
}

/// The length of a place that is filled in, at the start of `text`; 0 where there is none.
fn hole(text: &[u8]) -> usize {
    let until = |wanted: fn(&u8) -> bool| {
        text.iter()
            .skip(1)
            .position(wanted)
            .map_or(text.len(), |at| at + 1)
    };
    match text {
        [b'%', ..] => {
            // Flags, width, precision and length come before the letter.
            let letter =
                until(|b| b.is_ascii_alphabetic() && !b"hljztLq".contains(b) || *b == b'%');
            (letter + 1).min(text.len())
        }
        [b'$', b'{', ..] | [b'{', ..] => (until(|b| *b == b'}') + 1).min(text.len()),
        [b'$', ..] => until(|b| !b.is_ascii_alphanumeric() && *b != b'_'),
        [b'X', ..] if text.starts_with(b"XXXXXX") => until(|b| *b != b'X'),
        _ => 0,
    }
}

/// Paths of sources, headers, documentation and libraries.
fn is_of_build(path: &AppPath) -> bool {
    let name = path.name();
    let is_ending = |ending: &&[u8]| name.len() > ending.len() && name.ends_with(ending);
    let library = name.starts_with(b"lib") && name.len() <= 5
        || memchr::memmem::find(name, b".so.").is_some();
    let library = library || matches!(name, b"include" | b"site-packages" | b"dist-packages");
    let mut parts = path.components();
    let place = parts.next().unwrap_or_default();
    library
        || BUILD_ENDINGS.iter().any(is_ending)
        || path.is_within(&AppPath::new("/usr/local/go"))
        || path.is_within(&AppPath::new("/usr/local/share"))
        || BUILD_PLACES.contains(&place) && parts.any(|part| BUILD_PARTS.contains(&part))
}

fn is_common(path: &AppPath) -> bool {
    COMMON_DEVICES.iter().any(|device| {
        let bytes = path.as_bytes();
        bytes == *device || bytes.starts_with(device) && bytes.get(device.len()) == Some(&b'/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Vec<String> {
        let mut all = Vec::new();
        paths(bytes, Strings::Terminated, |_, path| {
            all.push(path.to_text().into_owned())
        });
        all
    }

    #[test]
    fn strings_between_nuls_are_paths() {
        let bytes = b"\0/etc/app/app.conf\0/var/lib/app\0/usr/share/app/x\0/etc\0";
        assert_eq!(found(bytes), ["/etc/app/app.conf", "/var/lib/app"]);
    }

    #[test]
    fn lists_and_options_give_each_of_their_paths() {
        let bytes = b"\0/etc/a.conf:/usr/local/etc/a.conf\0--conf=/srv/a/b -l \"/var/log/a.log\"\0";
        assert_eq!(
            found(bytes),
            [
                "/etc/a.conf",
                "/usr/local/etc/a.conf",
                "/srv/a/b",
                "/var/log/a.log"
            ]
        );
    }

    #[test]
    fn what_is_filled_in_becomes_a_pattern_behind_two_fixed_components() {
        for (text, want) in [
            ("/var/run/%s.pid", "/var/run/{name}.pid"),
            ("/var/lib/app/%08lx/db", "/var/lib/app/{name}/db"),
            ("/var/log/app/%Y-%m-%d.log", "/var/log/app/{name}.log"),
            ("/opt/app/${HOST}/x", "/opt/app/{name}/x"),
            ("/tmp/app/fileXXXXXX", "/tmp/app/file{name}"),
            ("/var/lib/app/{}/y", "/var/lib/app/{name}/y"),
        ] {
            assert_eq!(found(format!("\0{text}\0").as_bytes()), [want]);
        }
        assert!(found(b"\0/home/%s/.app\0/tmp/%d\0/etc/%s.conf\0").is_empty());
    }

    #[test]
    fn addresses_and_tails_of_longer_paths_are_none() {
        let bytes = b"\0http://host/etc/x.html\0file:///etc/passwd\0%s/etc/app.conf\0a/var/x/y\0";
        assert!(found(bytes).is_empty(), "{:?}", found(bytes));
    }

    #[test]
    fn what_the_compiler_left_is_none() {
        let bytes = b"\0/home/dev/src/main.c\0/usr/local/go/src/os/file.go\0/opt/x/lib\0\
                      /opt/x/lib/libx.so.1\0/root/.cargo/registry/a\0/usr/local/share/doc/a\0\
                      /home/x/src/a\0/opt/rh/gcc/include\0/dev/null\0/dev/pts/0\0";
        assert!(found(bytes).is_empty(), "{:?}", found(bytes));
    }

    #[test]
    fn joined_strings_end_where_the_next_path_begins_or_a_name_is_complete() {
        let bytes = b"open failed/etc/mime.types/etc/ssl/cert.pem/var/lib/appname \
                      golang.org/x/sys/cpu.initialize /run/app.sockBad /etc/app.configure";
        let mut all = Vec::new();
        paths(bytes, Strings::Joined, |_, path| {
            all.push(path.to_text().into_owned());
        });
        assert_eq!(
            all,
            ["/etc/mime.types", "/etc/ssl/cert.pem", "/run/app.sock"]
        );
    }

    #[test]
    fn any_bytes_are_taken() {
        assert!(found(b"/etc/").is_empty());
        assert!(found("/var/".repeat(900).as_bytes()).is_empty());
        assert!(found(b"\0/var/%%%%\0/var/lib/%\0/var/lib/${\0/var/a/$/%-").len() <= 3);
        assert!(found(&[b"\0/etc/a", &[b'x'; 5000][..]].concat()).is_empty());
    }
}

//! The command line of a Java machine (java(1), jsvc(1)).

use std::collections::BTreeMap;

use crate::fact::Kind;
use crate::parse::content::jar;
use crate::path::AppPath;
use crate::tree::Root;

/// How many archives of a directory are taken (`lib/*`).
const MAX_ARCHIVES: usize = 300;

/// Options whose value is the next word.
const WITH_VALUE: [&[u8]; 14] = [
    b"-p",
    b"--module-path",
    b"--upgrade-module-path",
    b"--add-modules",
    b"--add-opens",
    b"--add-exports",
    b"--add-reads",
    b"--limit-modules",
    b"--patch-module",
    b"--source",
    // jsvc's own.
    b"-home",
    b"-user",
    b"-pidfile",
    b"-outfile",
];

/// A program of Java as it is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::link::follow) struct JavaStart {
    /// The class path.
    pub(in crate::link::follow) path: Vec<AppPath>,
    /// The classes that are run first, by their internal names: the main class, and those that a launcher
    /// is given.
    pub(super) mains: Vec<String>,
    pub(super) properties: BTreeMap<String, Vec<u8>>,
    pub(super) arguments: Vec<Vec<u8>>,
    pub(super) dir: Option<AppPath>,
    pub(super) home: Option<AppPath>,
    pub(super) env: BTreeMap<String, Vec<u8>>,
}

/// Whether a program of this name runs Java's classes.
pub(in crate::link::follow) fn is_launcher(name: &[u8]) -> bool {
    matches!(name, b"java" | b"javaw" | b"jsvc")
}

/// What a command line of a Java machine starts, in a directory and environment.
pub(in crate::link::follow) fn start(
    root: &Root,
    args: &[Vec<u8>],
    dir: Option<&AppPath>,
    env: &BTreeMap<String, Vec<u8>>,
    home: Option<AppPath>,
) -> Option<JavaStart> {
    let mut start = JavaStart {
        dir: dir.cloned(),
        home,
        env: env.clone(),
        ..JavaStart::default()
    };
    let place = |word: &[u8]| AppPath::absolute(word).or_else(|| dir.map(|dir| dir.join(word)));
    // Both are read before the command line (java(1)).
    for name in ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"] {
        let words = env.get(name).map(Vec::as_slice).unwrap_or_default();
        for word in words.split(u8::is_ascii_whitespace) {
            start.property(word);
        }
    }
    let mut class_path = env.get("CLASSPATH").cloned().unwrap_or_default();
    let mut words = args.iter();
    let mut main = None;
    while let Some(word) = words.next() {
        match word.as_slice() {
            b"-cp" | b"-classpath" | b"--class-path" => class_path = words.next()?.clone(),
            b"-jar" => {
                let archive = expanded(root, place(words.next()?)?);
                let jar = root.open_file(archive.as_bytes()).ok();
                let jar = jar.and_then(|file| jar::read(&file))?;
                main = jar.start_class.or(jar.main_class);
                class_path = archive.as_bytes().to_vec();
                break;
            }
            b"-m" | b"--module" => {
                let module = String::from_utf8_lossy(words.next()?).into_owned();
                main = module.split_once('/').map(|(_, class)| class.to_owned());
                break;
            }
            option if WITH_VALUE.contains(&option) => {
                words.next();
            }
            option if option.starts_with(b"-") => start.property(option),
            class => {
                main = Some(String::from_utf8_lossy(class).into_owned());
                break;
            }
        }
    }
    start.arguments = words.cloned().collect();
    for part in class_path
        .split(|byte| *byte == b':')
        .filter(|part| !part.is_empty())
    {
        match part.strip_suffix(b"*") {
            Some(dir) => start.path.extend(archives(root, &place(dir)?)),
            None => start
                .path
                .extend(place(part).map(|path| expanded(root, path))),
        }
    }
    start.mains.extend(main.map(|main| main.replace('.', "/")));
    // A launcher is given the class that it is to run.
    let named = start
        .arguments
        .iter()
        .filter_map(|word| std::str::from_utf8(word).ok());
    let is_class = |word: &&str| {
        word.contains('.')
            && word
                .split('.')
                .all(|part| part.starts_with(|c: char| c.is_alphabetic() || c == '_'))
            && word
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$'))
    };
    let named: Vec<String> = named
        .filter(is_class)
        .map(|word| word.replace('.', "/"))
        .collect();
    start.mains.extend(named);
    (!start.mains.is_empty()).then_some(start)
}

impl JavaStart {
    /// Takes a system property from an option `-Dname=value`.
    fn property(&mut self, option: &[u8]) {
        if let Some(set) = option.strip_prefix(b"-D") {
            let at = set
                .iter()
                .position(|byte| *byte == b'=')
                .unwrap_or(set.len());
            let value = set.get(at + 1..).unwrap_or_default().to_vec();
            let name = String::from_utf8_lossy(&set[..at]).into_owned();
            self.properties.insert(name, value);
        }
    }
}

/// A path in whose name a shell puts what is there for a star (`lib/app-*.jar`): the last one, which is
/// mostly that of the highest version.
fn expanded(root: &Root, path: AppPath) -> AppPath {
    let name = path.name().to_vec();
    let Some(star) = name.iter().position(|byte| *byte == b'*') else {
        return path;
    };
    let (begin, end) = (&name[..star], name.rsplit(|byte| *byte == b'*').next());
    let end = end.unwrap_or_default();
    let fits = |name: &[u8]| {
        name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
    };
    let dir = path.parent();
    let listed = dir.as_ref().and_then(|dir| root.list(dir.as_bytes()).ok());
    let names = listed.unwrap_or_default().into_iter().map(|(name, _)| name);
    let last = names.filter(|name| fits(name)).max();
    dir.zip(last).map_or(path, |(dir, name)| dir.child(&name))
}

/// The archives of a directory, in the order of their names.
fn archives(root: &Root, dir: &AppPath) -> Vec<AppPath> {
    let listed = root.resolve(dir.as_bytes()).ok();
    let folder = listed.filter(|node| node.stat.kind == Kind::Dir);
    let names = folder.and_then(|node| root.list(node.real.as_bytes()).ok());
    let mut found: Vec<AppPath> = names
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| name.to_ascii_lowercase().ends_with(b".jar"))
        .map(|(name, _)| dir.child(&name))
        .collect();
    found.sort();
    found.truncate(MAX_ARCHIVES);
    found
}

//! The files of one program, and what each tells the others.

mod find;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use self::find::{is_of_family, package_of};
use super::entry::Entry;
use super::index::Index;
use super::settings::{Settings, folded};
use crate::extract::script::is_library;
use crate::extract::{HEAD, language_of, runs_outside_browsers};
use crate::fact::Kind;
use crate::knowledge::{languages, places};
use crate::link::nearby::is_for_developers;
use crate::link::scope::Scope;
use crate::parse::op::Script;
use crate::parse::script::{
    self, Language, Load, Module, Parameter, Parsed, Process, Program, note,
};
use crate::path::AppPath;
use crate::tree::Root;

/// How many files of a program are read.
const MAX_FILES: usize = 800;

/// How many bytes of a program are read.
const MAX_BYTES: usize = 16 << 20;

/// Of how many bytes of text the trees are kept until it is read again.
const MAX_HELD: usize = 4 << 20;

/// How many files may wait for each other.
const MAX_DEPTH: usize = 16;

/// How many files of a directory are read of which any may be loaded.
const MAX_PLUG_INS: usize = 200;

/// From how many files of a language on a directory is one of plug-ins, where any of them may be loaded.
const MANY: usize = 40;

/// How many values a name may have in a whole program: one that is given more is another thing in
/// each place.
const MAX_VALUES: usize = 2;

/// How many values a function may be called with.
const MAX_CALLS: usize = 4;

/// Names that programs give to many things: what one of them is given says nothing of another.
const GENERIC: [&str; 22] = [
    "args",
    "base",
    "content",
    "data",
    "default",
    "dest",
    "dir",
    "directory",
    "file",
    "filename",
    "folder",
    "key",
    "name",
    "options",
    "output",
    "path",
    "root",
    "source",
    "target",
    "text",
    "type",
    "value",
];

/// What the files of a program said when they were read before.
#[derive(Debug, Default)]
pub(super) struct Told {
    names: BTreeMap<String, Vec<Vec<u8>>>,
    calls: BTreeMap<(String, String), Vec<Vec<u8>>>,
    /// The directory that the program changes into first.
    dir: Option<AppPath>,
}

/// What came of the files so far.
#[derive(Default)]
struct State {
    /// What each file gives; nothing while it is read.
    modules: BTreeMap<AppPath, Option<Rc<Module>>>,
    scripts: Vec<(AppPath, Script)>,
    search: Vec<AppPath>,
    told: Told,
    bytes: usize,
    depth: usize,
    /// The directory of the first file that is read, where each is run in its own.
    dir: Option<AppPath>,
    /// The languages of files that load others which their text does not tell.
    open: BTreeSet<Language>,
    /// Files that are to be read when others are done.
    later: Vec<AppPath>,
    /// Files that may be loaded, as far as the text of the others tells.
    maybe: BTreeSet<AppPath>,
    /// How many of these are being read.
    doubts: usize,
    /// The packages that are the application.
    own: BTreeSet<Vec<u8>>,
}

/// What was read of a program.
pub(super) struct Read {
    /// The files, in order.
    pub(super) scripts: Vec<(AppPath, Script)>,
    /// The languages in which others may be loaded.
    pub(super) open: BTreeSet<Language>,
    /// Those of the files that may not be loaded.
    pub(super) maybe: BTreeSet<AppPath>,
}

pub(super) struct Files<'a> {
    root: &'a Root,
    scope: &'a Scope,
    index: &'a Index,
    settings: &'a Settings,
    entry: &'a Entry,
    before: Told,
    trees: &'a Trees,
    state: RefCell<State>,
}

/// Trees of files that are read again, by path, with the lengths of their texts.
pub(super) type Trees = RefCell<BTreeMap<AppPath, (Rc<Parsed>, usize)>>;

/// A parameter as a key.
fn place(at: Parameter<'_>) -> String {
    match at {
        Parameter::At(at) => at.to_string(),
        Parameter::Named(name) => name.to_owned(),
    }
}

impl<'a> Files<'a> {
    pub(super) fn new(
        root: &'a Root,
        scope: &'a Scope,
        index: &'a Index,
        settings: &'a Settings,
        entry: &'a Entry,
        before: Told,
        trees: &'a Trees,
    ) -> Self {
        let state = State {
            search: entry.search.clone(),
            own: entry.packages.clone(),
            ..State::default()
        };
        Self {
            root,
            scope,
            index,
            settings,
            entry,
            before,
            trees,
            state: RefCell::new(state),
        }
    }

    /// Reads the program from its first files on.
    pub(super) fn read(&self) {
        for file in &self.entry.files {
            if let Some(package) = package_of(file) {
                self.state.borrow_mut().own.insert(package.to_vec());
            }
            if self.entry.beside {
                self.state.borrow_mut().dir = file.parent();
            }
            self.read_file(file);
            self.read_later();
        }
        // Where a program loads what its text does not tell, any of its own files may be loaded.
        let open: Vec<Language> = self.state.borrow().open.iter().copied().collect();
        let prefixes = self.entry.files.iter();
        let prefixes: BTreeSet<AppPath> = prefixes
            .filter_map(|file| self.scope.in_prefix(file).cloned())
            .collect();
        for language in open
            .into_iter()
            .filter(|language| *language != Language::Php)
        {
            for prefix in &prefixes {
                let all = self.index.below(prefix, language);
                let is_own = |path: &&AppPath| {
                    !places::is_tool(path)
                        && !is_for_developers(path, |path| {
                            self.root.resolve(path.as_bytes()).is_ok()
                        })
                };
                for path in all.filter(is_own) {
                    let is_program = self.root.read(path.as_bytes(), script::MAX_TEXT);
                    if is_program.is_ok_and(|text| runs_outside_browsers(language, &text)) {
                        self.state.borrow_mut().maybe.insert(path.clone());
                        self.read_file(path);
                        self.read_later();
                    }
                }
            }
        }
    }

    /// Reads what had to wait.
    fn read_later(&self) {
        loop {
            let Some(next) = self.state.borrow_mut().later.pop() else {
                return;
            };
            self.read_file(&next);
        }
    }

    /// What was told while the program was read.
    pub(super) fn told(self) -> Told {
        self.state.into_inner().told
    }

    /// What came of the files.
    pub(super) fn read_all(self) -> Read {
        let state = self.state.into_inner();
        Read {
            scripts: state.scripts,
            open: state.open,
            maybe: state.maybe,
        }
    }

    fn read_file(&self, real: &AppPath) -> Option<Rc<Module>> {
        let is_doubtful = {
            let mut state = self.state.borrow_mut();
            if let Some(known) = state.modules.get(real) {
                return known.clone();
            }
            if state.modules.len() >= MAX_FILES || state.bytes >= MAX_BYTES {
                return None;
            }
            if state.depth >= MAX_DEPTH {
                state.later.push(real.clone());
                return None;
            }
            state.modules.insert(real.clone(), None);
            state.depth += 1;
            // What only a file loads that may be loaded, may be.
            if state.doubts > 0 {
                state.maybe.insert(real.clone());
            }
            let is_doubtful = state.maybe.contains(real);
            state.doubts += usize::from(is_doubtful);
            is_doubtful
        };
        let module = self.text(real).map(|(text, bytes)| {
            self.state.borrow_mut().bytes += bytes;
            // What a file does that others load is done when it is called.
            let changed = self.before.dir.clone();
            let changed = changed.filter(|_| !self.entry.files.contains(real));
            let dir = changed.or_else(|| self.entry.dir.clone());
            let dir = dir.or_else(|| self.state.borrow().dir.clone());
            let process = Process {
                dir: dir.as_ref().map(AppPath::as_bytes),
                home: self.entry.home.as_ref().map(AppPath::as_bytes),
                env: Some(&self.entry.env),
                program: Some(self),
            };
            let mut script = text.read(Some(real.as_bytes()), &process);
            let values = std::mem::take(&mut script.vars);
            self.weigh(real, &mut script);
            self.state.borrow_mut().scripts.push((real.clone(), script));
            Rc::new(Module {
                path: real.as_bytes().to_vec(),
                values,
            })
        });
        let mut state = self.state.borrow_mut();
        state.depth -= 1;
        state.doubts -= usize::from(is_doubtful);
        state.modules.insert(real.clone(), module.clone());
        module
    }

    /// What a plug-in does is less sure where no setting speaks of it: one of many files in a directory, of
    /// which nothing tells that they are loaded.
    fn weigh(&self, real: &AppPath, script: &mut Script) {
        let is_maybe = self.state.borrow().maybe.contains(real);
        if is_maybe && self.is_plug_in(real) && !self.is_turned_on(real) {
            for op in &mut script.ops {
                op.sure = false;
            }
        }
    }

    /// Whether a file is one of many in its directory.
    fn is_plug_in(&self, real: &AppPath) -> bool {
        let (Some(dir), Some(language)) = (real.parent(), language_of(real, b"")) else {
            return false;
        };
        let all = self.index.below(&dir, language);
        let beside = all.filter(|path| path.parent().as_ref() == Some(&dir));
        beside.take(MANY).count() == MANY
    }

    /// Whether the settings speak of a file by its name, with or without the number that orders it.
    fn is_turned_on(&self, real: &AppPath) -> bool {
        let name = real.name();
        let stem = name.split(|byte| *byte == b'.').next().unwrap_or(name);
        let bare = stem.iter().position(|byte| !byte.is_ascii_digit());
        let bare = bare.map_or(stem, |at| &stem[at..]);
        let bare = bare.strip_prefix(b"_").unwrap_or(bare);
        let speak = |word: &[u8]| self.settings.speak_of(self.root, word);
        speak(stem) || speak(bare)
    }

    /// A file's text with its tree, and its length; what was read before is at hand.
    fn text(&self, real: &AppPath) -> Option<(Rc<Parsed>, usize)> {
        if let Some(known) = self.trees.borrow().get(real) {
            return Some(known.clone());
        }
        let text = self.root.read(real.as_bytes(), script::MAX_TEXT).ok()?;
        let head = &text[..text.len().min(HEAD)];
        let language = language_of(real, head).or(self.entry.language)?;
        if head.contains(&0) {
            return None;
        }
        let parsed = (Rc::new(Parsed::new(&text, language)), text.len());
        let mut trees = self.trees.borrow_mut();
        // A tree takes many times the room of its text.
        let held: usize = trees.values().map(|(_, bytes)| bytes).sum();
        if held + text.len() <= MAX_HELD {
            trees.insert(real.clone(), parsed.clone());
        }
        Some(parsed)
    }

    /// The file at a path, if it is one of the program.
    fn file(&self, path: &AppPath) -> Option<AppPath> {
        let node = self.root.resolve(path.as_bytes()).ok()?;
        let is_own = node.stat.kind == Kind::File && self.scope.contains(&node.real);
        (is_own && self.is_application(&node.real)).then_some(node.real)
    }

    /// Whether a file is the application's own, and no library that it brings along.
    fn is_application(&self, file: &AppPath) -> bool {
        if !is_library(file) || self.entry.files.contains(file) {
            return true;
        }
        let Some(package) = package_of(file) else {
            return false;
        };
        let state = self.state.borrow();
        state.own.iter().any(|own| is_of_family(package, own))
    }
}

impl Files<'_> {
    /// A framework that lies elsewhere loads modules of the application by names that the environment and settings
    /// give it: those that are known are read, and any other may be.
    fn hands_over(&self, from: &AppPath, load: Load<'_>) {
        let Load::Name(name) = load else { return };
        let Some(language) = language_of(from, b"").or(self.entry.language) else {
            return;
        };
        let is_framework = match language {
            Language::Python => languages::is_framework("Python", name),
            Language::Ruby => languages::is_framework("Ruby", name),
            Language::Perl => languages::is_framework("Perl", name),
            _ => false,
        };
        if !is_framework || !self.state.borrow_mut().open.insert(language) {
            return;
        }
        for value in self.entry.env.values() {
            let is_dotted = value.contains(&b'.') && !value.contains(&b'/');
            if let Some(file) = self.find(from, Load::Name(value)).filter(|_| is_dotted) {
                self.read_file(&file);
            }
        }
    }
}

impl Program for Files<'_> {
    fn load(&self, from: &[u8], load: Load<'_>) -> Option<Rc<Module>> {
        let from = AppPath::new(from);
        let Some(file) = self.find(&from, load) else {
            self.hands_over(&from, load);
            return None;
        };
        if file == from {
            return None;
        }
        self.read_file(&file)
    }

    fn load_any(&self, from: &[u8], load: Load<'_>) {
        let from = AppPath::new(from);
        let Some(language) = language_of(&from, b"").or(self.entry.language) else {
            return;
        };
        let dirs = match load {
            // The directory is known, and which of its files is not.
            Load::File(path) if !path.starts_with(&[0]) => {
                let end = path
                    .iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(path.len());
                let known = &path[..end];
                let slash = known.iter().rposition(|byte| *byte == b'/');
                let dir = slash.map(|at| &known[..at]);
                let dir = dir.and_then(AppPath::absolute);
                dir.into_iter().collect()
            }
            Load::File(_) => Vec::new(),
            Load::Name(_) => match language {
                Language::Perl | Language::Ruby => self.state.borrow().search.clone(),
                _ => Vec::new(),
            },
        };
        let mut all: Vec<AppPath> = Vec::new();
        for dir in &dirs {
            if let Ok(node) = self.root.resolve(dir.as_bytes()) {
                let dir = node.real;
                let own = self.index.below(&dir, language);
                let beside = own.filter(|path| path.parent().as_ref() == Some(&dir));
                all.extend(beside.take(MAX_PLUG_INS).cloned());
            }
        }
        let mut state = self.state.borrow_mut();
        if all.is_empty() {
            state.open.insert(language);
        }
        state.maybe.extend(all.iter().cloned());
        state.later.extend(all);
    }

    fn search(&self, dir: &[u8]) {
        if let Some(dir) = AppPath::absolute(dir).filter(|dir| !dir.is_pattern()) {
            let mut state = self.state.borrow_mut();
            if !state.search.contains(&dir) && state.search.len() < MAX_DEPTH {
                state.search.insert(0, dir);
            }
        }
    }

    fn change_dir(&self, dir: &[u8]) {
        let dir = AppPath::absolute(dir).filter(|dir| !dir.is_pattern());
        let told = &mut self.state.borrow_mut().told;
        told.dir = told.dir.take().or(dir);
    }

    fn note(&self, name: &str, values: &[Vec<u8>]) {
        if name.len() > 2 && name.len() < 128 && !GENERIC.contains(&name) {
            note(
                &mut self.state.borrow_mut().told.names,
                name.to_owned(),
                values,
            );
        }
    }

    fn known(&self, name: &str) -> Vec<Vec<u8>> {
        let given = self.entry.options.get(&folded(name));
        if let Some(given) = given {
            return vec![given.clone()];
        }
        let set = self.settings.get(name);
        if !set.is_empty() && !GENERIC.contains(&name) {
            return if set.len() <= MAX_VALUES {
                set.to_vec()
            } else {
                Vec::new()
            };
        }
        let names = self.before.names.get(name);
        let names = names.filter(|values| values.len() <= MAX_VALUES);
        names.cloned().unwrap_or_default()
    }

    fn note_call(&self, function: &str, at: Parameter<'_>, values: &[Vec<u8>]) {
        let key = (function.to_owned(), place(at));
        note(&mut self.state.borrow_mut().told.calls, key, values);
    }

    fn given(&self, function: &str, at: Parameter<'_>) -> Vec<Vec<u8>> {
        let given = self.before.calls.get(&(function.to_owned(), place(at)));
        let given = given.filter(|values| values.len() <= MAX_CALLS);
        given.cloned().unwrap_or_default()
    }
}

//! What the application's settings give its programs, by key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::extract::HEAD;
use crate::fact::Kind;
use crate::knowledge::places;
use crate::link::nearby::is_for_developers;
use crate::link::scope::Scope;
use crate::parse::config::{self, Environments, Setting};
use crate::parse::script::note;
use crate::path::AppPath;
use crate::tree::{Entries, Root};

/// How many files are looked into for settings.
const MAX_OPENED: usize = 1000;

/// How many files of settings are asked.
const MAX_FILES: usize = 200;

/// The largest file of settings that is asked, in bytes.
const MAX_BYTES: u64 = 256 << 10;

/// After how many words of settings no more are kept.
const MAX_WORDS: usize = 200_000;

/// How the names of settings end, in whatever form these are.
const ENDINGS: [&[u8]; 4] = [b".cfg", b".conf", b".ini", b".rc"];

/// How many numbers of a key are kept.
const MAX_NUMBERS: usize = 4;

/// How a language's package tools call the description of a package: its words are no settings.
const MANIFESTS: [&[u8]; 7] = [
    b"package.json",
    b"package-lock.json",
    b"composer.json",
    b"composer.lock",
    b"bower.json",
    b"tsconfig.json",
    b"pyproject.toml",
];

/// The values of the settings, by their keys as [`folded`] gives them.
#[derive(Debug, Default)]
pub(super) struct Settings {
    values: BTreeMap<String, Vec<Vec<u8>>>,
    /// The files that were looked into.
    files: Vec<AppPath>,
    /// The words in them, in small letters.
    words: OnceLock<BTreeSet<Vec<u8>>>,
}

/// A key without what languages write differently: `dataDir`, `data_dir` and `data-dir` are one.
pub(super) fn folded(key: &str) -> String {
    key.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

impl Settings {
    pub(super) fn new(root: &Root, scope: &Scope, entries: &Entries) -> Self {
        let mut settings = Self::default();
        let is_asked = |path: &AppPath| {
            !places::is_library_place(path)
                && !places::is_example(path)
                && !MANIFESTS.contains(&path.name())
                && (scope.contains(path) || scope.knows(path))
        };
        let is_text = |path: &AppPath| {
            places::is_worth_opening(path)
                && (!places::is_code_name(path.name()) || places::is_settings_language(path.name()))
        };
        let files = entries.iter().filter(|(path, basics)| {
            basics.kind == Kind::File
                && (1..=MAX_BYTES).contains(&basics.size)
                && is_text(path)
                && is_asked(path)
                && !is_for_developers(path, |path| root.resolve(path.as_bytes()).is_ok())
        });
        // What people set lies near the top.
        let mut files: Vec<AppPath> = files.map(|(path, _)| path).collect();
        files.sort_by_key(AppPath::depth);
        let mut left = MAX_FILES;
        for path in files.into_iter().take(MAX_OPENED) {
            let Ok(text) = root.read(path.as_bytes(), MAX_BYTES as usize) else {
                continue;
            };
            let head = &text[..text.len().min(HEAD)];
            let form = config::form(&path, head);
            if form.is_some() || ENDINGS.iter().any(|end| path.name().ends_with(end)) {
                settings.files.push(path);
            }
            let Some(form) = form else { continue };
            settings.take(&config::parse(form, &text).settings);
            left -= 1;
            if left == 0 {
                break;
            }
        }
        settings
    }

    /// Adds what a file gives.
    pub(super) fn take(&mut self, settings: &[Setting]) {
        let environments = Environments::of(settings);
        let counts = |setting: &&Setting| !setting.commented && !environments.passes(setting);
        for setting in settings.iter().filter(counts) {
            self.add(setting.name(), setting.value.as_bytes());
            if setting.key.len() > 1 {
                self.add(&setting.folded(), setting.value.as_bytes());
            }
        }
    }

    fn add(&mut self, key: &str, value: &[u8]) {
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        if is_number {
            let values = self.values.entry(folded(key)).or_default();
            if !values.iter().any(|known| known == value) && values.len() < MAX_NUMBERS {
                values.push(value.to_vec());
            }
            return;
        }
        note(&mut self.values, folded(key), &[value.to_vec()]);
    }

    /// Whether a word stands anywhere in the settings, as the name of a plug-in that they turn on does.
    pub(super) fn speak_of(&self, root: &Root, word: &[u8]) -> bool {
        let words = self.words.get_or_init(|| {
            let mut words = BTreeSet::new();
            for file in &self.files {
                let text = root.read(file.as_bytes(), MAX_BYTES as usize);
                let text = text.unwrap_or_default().to_ascii_lowercase();
                let all = text.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
                words.extend(all.filter(|word| word.len() > 1).map(<[u8]>::to_vec));
                if words.len() > MAX_WORDS {
                    break;
                }
            }
            words
        });
        words.contains(&word.to_ascii_lowercase())
    }

    /// The values of a key: its last part, or all of them with dots between.
    pub(super) fn get(&self, key: &str) -> &[Vec<u8>] {
        self.values.get(&folded(key)).map_or(&[], Vec::as_slice)
    }
}

//! How the languages find the files that a program loads.

use super::Files;
use crate::extract::{endings, language_of};
use crate::parse::script::{Language, Load};
use crate::path::AppPath;

impl Files<'_> {
    /// The file that a program loads, as its language finds it.
    pub(super) fn find(&self, from: &AppPath, load: Load<'_>) -> Option<AppPath> {
        match load {
            Load::File(path) => self.by_path(from, path),
            Load::Name(name) => {
                let is_name = !name.is_empty() && !name.contains(&0) && name.len() < 256;
                let language = language_of(from, b"").or(self.entry.language)?;
                is_name.then(|| self.by_name(from, name, language))?
            }
        }
    }

    fn by_path(&self, from: &AppPath, path: &[u8]) -> Option<AppPath> {
        if path.is_empty() || path.contains(&0) {
            return None;
        }
        let mut bases: Vec<AppPath> = from.parent().into_iter().collect();
        bases.extend(self.entry.dir.clone());
        bases.extend(self.state.borrow().search.iter().cloned());
        let mut all = bases.iter().map(|base| base.join(path));
        all.find_map(|path| {
            let with_ending = AppPath::new([path.as_bytes(), b".rb"].concat());
            self.file(&path).or_else(|| self.file(&with_ending))
        })
    }

    fn by_name(&self, from: &AppPath, name: &[u8], language: Language) -> Option<AppPath> {
        match language {
            Language::JavaScript | Language::TypeScript => self.node(from, name),
            Language::Python => self.python(from, name),
            Language::Perl => {
                let text = String::from_utf8_lossy(name).replace("::", "/");
                let parts: Vec<&[u8]> = text.split('/').map(str::as_bytes).collect();
                self.searched(from, &[text.as_bytes(), b".pm"].concat(), &parts)
            }
            Language::Ruby => {
                let bare = name.strip_suffix(b".rb").unwrap_or(name);
                let parts: Vec<&[u8]> = bare.split(|byte| *byte == b'/').collect();
                self.searched(from, &[bare, b".rb"].concat(), &parts)
            }
            Language::Php => {
                let parts: Vec<&[u8]> = name
                    .split(|byte| matches!(byte, b'\\' | b'_'))
                    .filter(|part| !part.is_empty())
                    .collect();
                // A namespace is mostly a directory, and its beginning often none.
                let whole = std::iter::once(vec![name]);
                let mut forms = whole.chain((0..parts.len()).map(|skip| parts[skip..].to_vec()));
                forms.find_map(|parts| self.index.find(&parts, from))
            }
        }
    }

    /// A file by its name below the directories that names are looked up in, those around the file that
    /// asks among them.
    fn searched(&self, from: &AppPath, file: &[u8], parts: &[&[u8]]) -> Option<AppPath> {
        let mut dirs = self.state.borrow().search.clone();
        for script in &self.entry.files {
            let dir = script.parent()?;
            dirs.extend(dir.parent().map(|above| above.child(b"lib")));
            dirs.push(dir.child(b"lib"));
            dirs.push(dir);
        }
        dirs.extend(self.entry.dir.clone());
        let mut found = dirs.iter().map(|dir| dir.join(file));
        let found = found.find_map(|path| self.file(&path));
        found.or_else(|| self.index.find(parts, from).filter(|_| parts.len() > 1))
    }

    /// A module of Python: beside the first file, in the working directory, in the packages of the
    /// application; with dots in front beside the file that asks.
    fn python(&self, from: &AppPath, name: &[u8]) -> Option<AppPath> {
        let dots = name.iter().take_while(|byte| **byte == b'.').count();
        let parts = name[dots..].split(|byte| *byte == b'.');
        let parts: Vec<&[u8]> = parts.filter(|part| !part.is_empty()).collect();
        let bases: Vec<AppPath> = match dots {
            0 => {
                let scripts = self.entry.files.iter();
                let beside = scripts.filter_map(AppPath::parent);
                let search = self.state.borrow().search.clone();
                beside.chain(self.entry.dir.clone()).chain(search).collect()
            }
            dots => (1..=dots)
                .try_fold(from.clone(), |dir, _| dir.parent())
                .into_iter()
                .collect(),
        };
        bases.iter().find_map(|base| {
            let path = parts
                .iter()
                .fold(base.clone(), |path, part| path.child(part));
            let file = AppPath::new([path.as_bytes(), b".py"].concat());
            self.file(&file)
                .or_else(|| self.file(&path.child(b"__init__.py")))
        })
    }

    /// A module of Node.js: a file or directory by its path, or a package.
    fn node(&self, from: &AppPath, name: &[u8]) -> Option<AppPath> {
        let dir = from.parent()?;
        if name.starts_with(b"/") || name.starts_with(b".") {
            return self.node_file(&dir.join(name));
        }
        let mut above = Some(dir);
        while let Some(dir) = above {
            if let Some(found) = self.node_file(&dir.child(b"node_modules").join(name)) {
                return Some(found);
            }
            above = dir.parent();
        }
        None
    }

    fn node_file(&self, path: &AppPath) -> Option<AppPath> {
        let languages = [Language::JavaScript, Language::TypeScript];
        let ends: Vec<&[u8]> = languages
            .iter()
            .flat_map(|language| endings(*language).iter().copied())
            .collect();
        let with = |path: &AppPath| {
            let mut all = ends.iter().map(|end| [path.as_bytes(), *end].concat());
            all.find_map(|path| self.file(&AppPath::new(path)))
        };
        if let Some(found) = self.file(path).or_else(|| with(path)) {
            return Some(found);
        }
        // TypeScript names the file that it will be built to.
        let bare = path.as_bytes().strip_suffix(b".js").map(AppPath::new);
        if let Some(found) = bare.and_then(|bare| with(&bare)) {
            return Some(found);
        }
        let manifest = path.child(b"package.json");
        if let Ok(text) = self.root.read(manifest.as_bytes(), 1 << 20)
            && let Ok(manifest) = serde_json::from_slice::<serde_json::Value>(&text)
            && let Some(main) = manifest.get("main").and_then(|main| main.as_str())
        {
            let main = path.join(main);
            let found = self.file(&main).or_else(|| with(&main));
            if let Some(found) = found.or_else(|| with(&main.child(b"index"))) {
                return Some(found);
            }
        }
        with(&path.child(b"index"))
    }
}

/// The package that a file of a language's library directory is of: `@a/b` of Node.js has two parts.
pub(super) fn package_of(file: &AppPath) -> Option<&[u8]> {
    const DIRS: [&[u8]; 4] = [b"node_modules", b"site-packages", b"dist-packages", b"gems"];
    let parts: Vec<&[u8]> = file.components().collect();
    let at = parts.iter().rposition(|part| DIRS.contains(part))?;
    let name = parts.get(at + 1)?;
    Some(name.strip_suffix(b".py").unwrap_or(name))
}

/// Whether a package is `own`, or one of those that its makers split it into.
pub(super) fn is_of_family(package: &[u8], own: &[u8]) -> bool {
    if package == own {
        return true;
    }
    let is_scoped = own.starts_with(b"@");
    let rest = package.strip_prefix(own);
    !is_scoped
        && own.len() > 2
        && rest.is_some_and(|rest| matches!(rest.first(), Some(b'-' | b'_')))
}

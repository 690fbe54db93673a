//! Settings that nothing names: those called after the application where such settings lie, and those in
//! the homes of its users.

use std::collections::BTreeSet;

use super::host::Host;
use super::scope::Scope;
use crate::fact::{Certainty, Class, Fact, Kind, Locus, Source, Touch, What};
use crate::knowledge;
use crate::parse::config;
use crate::path::AppPath;
use crate::tree::Root;

/// Settings that are called after the application where such settings lie: `/etc/NAME`,
/// `/etc/opt/NAME` (FHS 3.0, 3.7) and `/usr/local/etc/NAME`. What another package owns is not its own.
pub(super) fn called_after(root: &Root, host: &Host, scope: &Scope) -> Vec<Fact> {
    let mut found = Vec::new();
    for (dir, word) in ["/etc", "/etc/opt", "/usr/local/etc"]
        .iter()
        .flat_map(|dir| scope.words.iter().map(move |word| (dir, word)))
    {
        let path = AppPath::new(dir).join(word);
        let Ok(node) = root.lookup(path.as_bytes()) else {
            continue;
        };
        // Of several instances each has its own file there, which its unit names.
        let mut units = scope.units.iter();
        if units.any(|unit| unit.split_once('@').is_some_and(|(name, _)| name == word)) {
            continue;
        }
        // Of what a package owns its lists tell, file by file.
        let is_own = host.packages.owner(&path).is_none();
        if node.stat.kind == Kind::Dir && is_own && !knowledge::places::is_system_file(&path) {
            found.push(settings(path, Kind::Dir));
        }
    }
    found
}

/// Settings in the home of a user that the application runs as, where that is a place of its own and
/// not a person's.
pub(super) fn homes(root: &Root, host: &Host, facts: &[Fact]) -> Vec<Fact> {
    let users: BTreeSet<&str> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::RunsAs { user, .. } if user != "root" => Some(user.as_str()),
            _ => None,
        })
        .collect();
    let homes = users
        .into_iter()
        .filter_map(|user| host.accounts.by_name(user).map(|user| user.home.clone()));
    let own = homes.filter(|home| {
        home.depth() > 1
            && !home.is_below(&AppPath::new("/home"))
            && !knowledge::is_shared_dir(home)
            && !knowledge::places::is_code_place(home)
    });
    let files = own.flat_map(|home| settings_in(root, &home));
    files.map(|path| settings(path, Kind::File)).collect()
}

/// How many entries a directory may have in which settings are looked for: one with more holds data.
const MAX_ENTRIES: usize = 200;

/// The files of a directory that are settings by their endings, where no package says otherwise.
pub(super) fn settings_in(root: &Root, dir: &AppPath) -> Vec<AppPath> {
    const ENDINGS: [&[u8]; 6] = [b".ini", b".conf", b".cfg", b".properties", b".xml", b".yml"];
    let entries = root.list(dir.as_bytes()).unwrap_or_default();
    if entries.len() > MAX_ENTRIES {
        return Vec::new();
    }
    let is_settings = |name: &[u8]| ENDINGS.iter().any(|ending| name.ends_with(ending));
    let is_recipe = |name: &[u8]| {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        knowledge::places::is_recipe_name(&name)
    };
    let named = (entries.iter()).filter(|(name, _)| is_settings(name) && !is_recipe(name));
    named.map(|(name, _)| dir.join(name)).collect()
}

/// A file or directory of settings.
fn settings(path: AppPath, kind: Kind) -> Fact {
    Fact {
        at: Locus::file(&path),
        what: What::Path {
            path,
            touch: Touch::Reads,
            source: Source::Config,
            by: "include".to_owned(),
            kind: Some(kind),
            class: Some(Class::Config),
        },
        certainty: Certainty::Inferred,
    }
}

/// Whether a file is for developers, and one for production lies beside it.
pub(super) fn is_for_developers(file: &AppPath, is_there: impl Fn(&AppPath) -> bool) -> bool {
    let dir = file.parent().unwrap_or_else(AppPath::root);
    let mut names = config::for_production(file.name()).into_iter();
    names.any(|name| is_there(&dir.child(&name)))
}

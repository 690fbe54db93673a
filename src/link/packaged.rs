//! The packages that the application's files, libraries and modules are from, with the names by
//! which lists of parts know them.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::host::Host;
use super::modules::Written;
use super::owners;
use super::packages::{Manager, Package};
use super::scope::Scope;
use crate::fact::{Fact, Kind, ProgramForm, What};
use crate::parse::os_release::OsRelease;
use crate::report::{Library, Module, Owner, PackageEntry, PackageKind};
use crate::tree::{Entries, Root};

/// What packages are looked for.
pub(super) struct Parts<'a> {
    pub(super) entries: &'a Entries,
    pub(super) facts: &'a [Fact],
    pub(super) libraries: &'a [Library],
    pub(super) modules: &'a [Module],
    /// What scripts ask for that is written in their own language.
    pub(super) written: &'a [Written],
}

/// The packages that own files of the scope, or libraries and modules that it opens, in order.
pub(super) fn packages(
    root: &Root,
    host: &Host,
    scope: &Scope,
    parts: &Parts<'_>,
) -> Vec<PackageEntry> {
    let mut owned: BTreeMap<(&str, &str), (&Package, Option<Owner>)> = BTreeMap::new();
    let mut add = |package, owner: Option<Owner>| {
        let Package { name, arch, .. }: &Package = package;
        let known = owned.entry((name, arch)).or_insert((package, owner));
        known.1 = known.1.max(owner);
    };
    for name in &scope.packages {
        if let Some(package) = host.packages.get(name) {
            add(package, None);
        }
    }
    for (path, stat) in parts.entries.iter() {
        // Many packages share a directory, or the link that stands for one of a merged /usr, and it
        // does not tell whose the application is.
        if stat.kind != Kind::File || !scope.contains(&path) {
            continue;
        }
        if let Some(package) = host.packages.owner(&path) {
            add(package, None);
        }
    }
    for fact in parts.facts {
        if is_program(&fact.what)
            && scope.contains(&fact.at.file)
            && let Some(package) = host.packages.owner(&fact.at.file)
        {
            add(package, Some(Owner::Application));
        }
    }
    let libraries = parts.libraries.iter().map(|l| (&l.real_path, l.owner));
    let modules = parts.modules.iter().map(|m| (&m.real_path, m.owner));
    for (path, owner) in libraries.chain(modules) {
        let package = path.as_ref().and_then(|path| host.packages.owner(path));
        if let Some(package) = package {
            add(package, Some(owner));
        }
    }
    for module in parts.written {
        if let Some(package) = host.packages.owner(&module.file) {
            let name = String::from_utf8_lossy(module.file.name());
            let owner = owners::owner(&name, Some(&module.file), Some(&package.name), false);
            add(package, Some(owner));
        }
    }
    let entry = |(package, owner): (&Package, Option<Owner>)| PackageEntry {
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.arch.clone(),
        kind: kind(package.manager),
        // What only has data for the application is its own.
        owner: owner.unwrap_or(Owner::Application),
        source: (!package.source.is_empty()).then(|| package.source.clone()),
        licence: host.packages.licence(&package.name, root),
        purl: purl(package, &host.release),
    };
    let owned: Vec<_> = owned.into_values().collect();
    owned.into_par_iter().map(entry).collect()
}

/// Whether something of the application starts, and is not only loaded.
fn is_program(what: &What) -> bool {
    matches!(
        what,
        What::Program {
            form: ProgramForm::Elf | ProgramForm::Script,
            ..
        }
    )
}

fn kind(manager: Manager) -> PackageKind {
    match manager {
        Manager::Dpkg => PackageKind::Deb,
        Manager::Rpm => PackageKind::Rpm,
        Manager::Apk => PackageKind::Apk,
    }
}

/// The package URL: `pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64&distro=debian-12`. Its types
/// deb, rpm and apk need the distribution's name; without one there is none
/// (<https://github.com/package-url/purl-spec>, types).
fn purl(package: &Package, release: &OsRelease) -> Option<String> {
    let id = release.fields.get("ID").filter(|id| !id.is_empty())?;
    let id = id.to_ascii_lowercase();
    let (kind, vendor, name) = match package.manager {
        Manager::Dpkg => ("deb", id.as_str(), package.name.to_ascii_lowercase()),
        Manager::Rpm => ("rpm", vendor(&id), package.name.clone()),
        Manager::Apk => ("apk", id.as_str(), package.name.to_ascii_lowercase()),
    };
    let (epoch, version) = match package.version.split_once(':') {
        Some((epoch, version)) if package.manager == Manager::Rpm => (Some(epoch), version),
        _ => (None, package.version.as_str()),
    };
    let mut qualifiers = Vec::new();
    if !package.arch.is_empty() {
        qualifiers.push(format!("arch={}", quoted(&package.arch)));
    }
    let distro = match &release.version {
        Some(version) => format!("{id}-{version}"),
        None => id.clone(),
    };
    qualifiers.push(format!("distro={}", quoted(&distro)));
    qualifiers.extend(epoch.map(|epoch| format!("epoch={}", quoted(epoch))));
    Some(format!(
        "pkg:{kind}/{}/{}@{}?{}",
        quoted(vendor),
        quoted(&name),
        quoted(version),
        qualifiers.join("&")
    ))
}

/// The vendor of rpm packages by the distribution's id: databases of vulnerabilities know Red Hat's
/// and openSUSE's by the maker's name, not by that of the product.
fn vendor(id: &str) -> &str {
    match id {
        "rhel" => "redhat",
        _ if id.starts_with("opensuse") => "opensuse",
        _ => id,
    }
}

/// What a package URL may hold as it is; other bytes are percent-encoded (its section on character
/// encoding).
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Locus;
    use crate::path::AppPath;

    fn told(manager: Manager, name: &str, version: &str, release: &str) -> Option<String> {
        let package = Package {
            manager,
            name: name.into(),
            version: version.into(),
            arch: "x86_64".into(),
            source: String::new(),
            licence: None,
            depends: Vec::new(),
            essential: false,
            ordinary: false,
            recommends: Vec::new(),
            at: Locus::file(&AppPath::root()),
        };
        purl(&package, &OsRelease::parse(release.as_bytes()))
    }

    #[test]
    fn a_package_url_names_the_distribution_and_escapes_what_it_must() {
        for (manager, name, version, release, want) in [
            (
                Manager::Dpkg,
                "libstdc++6",
                "1:12.2.0-14+deb12u1",
                "ID=debian\nVERSION_ID=12",
                "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=x86_64&distro=debian-12",
            ),
            (
                Manager::Rpm,
                "ImageMagick",
                "1:6.7-1.el7",
                "ID=rhel\nVERSION_ID=7.9",
                "pkg:rpm/redhat/ImageMagick@6.7-1.el7?arch=x86_64&distro=rhel-7.9&epoch=1",
            ),
            (
                Manager::Apk,
                "musl",
                "1.2.4-r2",
                "ID=alpine\nVERSION_ID=3.18.4",
                "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.18.4",
            ),
        ] {
            let found = told(manager, name, version, release);
            assert_eq!(found.as_deref(), Some(want));
        }
        assert_eq!(told(Manager::Dpkg, "x", "1", "NAME=Debian"), None);
    }
}

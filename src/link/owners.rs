//! Who answers for a file of the image, and which system library a bundled one stands in for.

use crate::knowledge::{libraries, places};
use crate::path::AppPath;
use crate::report::{Owner, Shadow};

/// Who answers for a library or another code file.
///
/// The first of these that fits decides:
///
/// 1. The table of libraries: whoever keeps OpenSSL answers for a copy of it, wherever it lies.
/// 2. A Java installation's directory: middleware, bundled or not.
/// 3. The application's scope: application.
/// 4. A package of a runtime or a shared server: middleware.
/// 5. Another package, or a place of the system's code: core.
/// 6. Any other place on disk, such as another directory of `/opt`: middleware, for it is shared.
/// 7. No place at all: the application, which asks for it.
///
/// `name` is the file's name or SONAME, `path` its real place, `package` what owns it there.
#[must_use]
pub fn owner(name: &str, path: Option<&AppPath>, package: Option<&str>, in_scope: bool) -> Owner {
    if let Some(group) = libraries::group(name) {
        return group.owner;
    }
    let Some(path) = path else {
        return Owner::Application;
    };
    let is_runtime = |part| std::str::from_utf8(part).is_ok_and(libraries::is_runtime_folder);
    let folder = path.parent();
    let mut folders = folder.iter().flat_map(AppPath::components);
    if folders.any(is_runtime) {
        Owner::Middleware
    } else if in_scope {
        Owner::Application
    } else if package.is_some_and(libraries::is_runtime_package) {
        Owner::Middleware
    } else if places::is_code_place(path) || package.is_some() {
        Owner::Core
    } else {
        Owner::Middleware
    }
}

/// A library's file, and what may tell its version.
#[derive(Clone, Copy, Debug)]
pub struct Copy<'a> {
    /// The file itself, behind all links.
    pub real_path: &'a AppPath,
    /// The version of the package that owns it.
    pub package_version: Option<&'a str>,
    /// Its content, or a part of it.
    pub content: Option<&'a [u8]>,
}

/// A bundled library beside the system's one of the same name; None where both are one file.
#[must_use]
pub fn shadow(name: &str, bundled: Copy<'_>, system: Copy<'_>) -> Option<Shadow> {
    (bundled.real_path != system.real_path).then(|| Shadow {
        system: system.real_path.clone(),
        system_version: version(name, system),
        bundled_version: version(name, bundled),
    })
}

/// A library's version: what it says itself, else its file's name, else its package's version.
///
/// `name` is the SONAME. A file name counts only when it says more than the SONAME does.
#[must_use]
pub fn version(name: &str, copy: Copy<'_>) -> Option<String> {
    let file = String::from_utf8_lossy(copy.real_path.name());
    copy.content
        .and_then(|content| libraries::version_in(name, content))
        .or_else(|| version_of_file(&file).filter(|found| !name.ends_with(found.as_str())))
        .or_else(|| copy.package_version.map(upstream).map(str::to_owned))
        .filter(|version| !version.is_empty())
}

/// `1.2.3` of `libx.so.1.2.3` and of `libx-1.2.3.so`.
fn version_of_file(file: &str) -> Option<String> {
    let stem = libraries::stem(file);
    let after = file.get(stem.len()..)?.trim_start_matches(".so");
    let version = match after.strip_prefix('.') {
        Some(number) => number,
        None => stem.rsplit_once('-')?.1,
    };
    let numeric = version.contains('.')
        && version
            .split('.')
            .all(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    numeric.then(|| version.to_owned())
}

/// The upstream part of a package version: `1.2.13` of `1:1.2.13.dfsg-1` (deb-version(7)) and of
/// `1.2.13-4.el9`.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let version = version.rsplit_once('-').map_or(version, |(first, _)| first);
    let version = version.split(['+', '~']).next().unwrap_or(version);
    ["dfsg", "ds"]
        .iter()
        .filter_map(|mark| version.find(mark))
        .min()
        .and_then(|at| version.get(..at))
        .map_or(version, |first| first.trim_end_matches(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, path: &str, package: Option<&str>, in_scope: bool) -> Owner {
        let path = (!path.is_empty()).then(|| AppPath::new(path));
        owner(name, path.as_ref(), package, in_scope)
    }

    #[test]
    fn who_keeps_a_library_answers_for_copies_too() {
        let bundled = of(
            "libssl.so.1.0.0",
            "/opt/app/lib/libssl.so.1.0.0",
            None,
            true,
        );
        assert_eq!(bundled, Owner::Core);
        let driver = of(
            "libodbc.so.2",
            "/usr/lib64/libodbc.so.2",
            Some("unixODBC"),
            false,
        );
        assert_eq!(driver, Owner::Middleware);
    }

    #[test]
    fn what_nobody_knows_belongs_to_who_brought_it() {
        let own = of(
            "libbilling.so.3",
            "/opt/app/lib/libbilling.so.3",
            None,
            true,
        );
        assert_eq!(own, Owner::Application);
        assert_eq!(of("libbilling.so.3", "", None, false), Owner::Application);
        let shared = of(
            "libbilling.so.3",
            "/opt/other/lib/libbilling.so.3",
            None,
            false,
        );
        assert_eq!(shared, Owner::Middleware);
    }

    #[test]
    fn the_systems_packages_are_the_cores_but_for_runtimes() {
        let core = of(
            "libfoo.so.1",
            "/usr/lib64/libfoo.so.1",
            Some("foo-libs"),
            false,
        );
        assert_eq!(core, Owner::Core);
        let server = of("frob", "/usr/sbin/frob", Some("postgresql-15"), false);
        assert_eq!(server, Owner::Middleware);
        let java = of(
            "libawt_x.so",
            "/opt/app/jre/lib/amd64/libawt_x.so",
            None,
            true,
        );
        assert_eq!(java, Owner::Middleware);
        let unpackaged = of("libfoo.so.1", "/usr/lib/libfoo.so.1", None, false);
        assert_eq!(unpackaged, Owner::Core);
    }

    fn copy<'a>(
        path: &'a AppPath,
        package: Option<&'a str>,
        content: Option<&'a [u8]>,
    ) -> Copy<'a> {
        Copy {
            real_path: path,
            package_version: package,
            content,
        }
    }

    #[test]
    fn both_versions_of_a_shadowed_library_are_told() {
        let bundled = AppPath::new("/opt/app/lib/libssl.so.10");
        let system = AppPath::new("/usr/lib64/libssl.so.1.0.2k");
        let text = b"..OpenSSL 1.0.1e-fips 11 Feb 2013".as_slice();
        let shadow = shadow(
            "libssl.so.10",
            copy(&bundled, None, Some(text)),
            copy(&system, Some("1:1.0.2k-26.el7_9"), None),
        )
        .unwrap();
        assert_eq!(shadow.bundled_version.as_deref(), Some("1.0.1e"));
        assert_eq!(shadow.system_version.as_deref(), Some("1.0.2k"));
        assert_eq!(shadow.system, system);
    }

    #[test]
    fn one_file_does_not_shadow_itself() {
        let path = AppPath::new("/usr/lib64/libz.so.1.2.7");
        assert_eq!(
            shadow(
                "libz.so.1",
                copy(&path, None, None),
                copy(&path, None, None)
            ),
            None
        );
    }

    #[test]
    fn a_version_is_read_from_name_or_package() {
        let told =
            |name, path: &str, package| version(name, copy(&AppPath::new(path), package, None));
        assert_eq!(
            told("libx.so.1", "/l/libx.so.1.2.3", None).as_deref(),
            Some("1.2.3")
        );
        assert_eq!(
            told("libc.so.6", "/l/libc-2.17.so", None).as_deref(),
            Some("2.17")
        );
        assert_eq!(told("libx.so.1", "/l/libx.so.1", None), None);
        // The SONAME's own number is no version.
        assert_eq!(told("libssl.so.1.1", "/l/libssl.so.1.1", None), None);
        let debian = told("libz.so.1", "/l/libz.so.1", Some("1:1.2.13.dfsg-1"));
        assert_eq!(debian.as_deref(), Some("1.2.13"));
        let git = told(
            "libx.so.1",
            "/l/libx.so.1",
            Some("2.4+git20200101-3+deb11u2"),
        );
        assert_eq!(git.as_deref(), Some("2.4"));
    }
}

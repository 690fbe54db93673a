//! Places and names that settle, before a byte is looked at, whether a file can be settings of an
//! application.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::path::AppPath;

/// What kind of directory a file lies in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `/etc`, or a directory named for settings.
    Settings,
    /// Where packages put what is theirs.
    Library,
    Other,
}

pub(super) fn place(path: &AppPath) -> Place {
    let settings = |part: &[u8]| {
        let part = part.to_ascii_lowercase();
        matches!(
            part.as_slice(),
            b"etc"
                | b"conf"
                | b"config"
                | b"configs"
                | b"configuration"
                | b"settings"
                | b"cfg"
                | b"profile"
        ) || part.ends_with(b"conf.d")
            || part.starts_with(b"conf-")
            || part.ends_with(b"-conf")
    };
    let depth = path.depth().saturating_sub(1);
    if path.components().take(depth).any(settings) {
        Place::Settings
    } else if [&b"/usr/share/"[..], b"/usr/lib/", b"/lib/"]
        .iter()
        .any(|dir| path.as_bytes().starts_with(dir))
    {
        Place::Library
    } else {
        Place::Other
    }
}

type Names = LazyLock<BTreeSet<&'static [u8]>>;

fn names(list: &'static str) -> BTreeSet<&'static [u8]> {
    list.split_ascii_whitespace().map(str::as_bytes).collect()
}

/// Directories whose files are no settings of the application, wherever they lie.
static OTHER_DIRS: Names = LazyLock::new(|| {
    names(
        "__pycache__ aclocal appdata applications bash-completion bash_completion.d \
     bower_components bug cmake completions demo demos dist-packages doc docs documentation \
     example examples fixtures fontconfig fonts gems help i18n icons javascript l10n lang \
     langs language languages licenses lintian locale locales man manual metainfo mime \
     node_modules pkgconfig sample samples schema schemas site-packages skel spec specs \
     template templates terminfo test testdata testing tests third_party translations vendor \
     vim-addons zoneinfo zsh",
    )
});

/// Directories whose files are for another program of the system, wherever they lie.
static DROP_IN_DIRS: Names = LazyLock::new(|| {
    names(
        "cron.d cron.daily cron.hourly cron.weekly init.d launchd logrotate.d newsyslog.d rules.d \
         sysusers.d systemd tmpfiles.d udev",
    )
});

/// Directories of `/etc` and `/usr/lib` with a form and a reader of their own, or of the system
/// rather than of an application.
static SYSTEM_DIRS: Names = LazyLock::new(|| {
    names(
        "alternatives apparmor.d apt ca-certificates cron.d cron.daily cron.hourly cron.monthly \
     cron.weekly dbus-1 dpkg fonts init init.d insserv.conf.d iproute2 ld.so.conf.d logcheck \
     logrotate.d modprobe.d modules-load.d network pam.d perl polkit-1 ppp profile.d rc.d rules.d \
     runlevels sgml sudoers.d sv sysctl.d systemd sysusers.d tmpfiles.d udev ufw \
     update-motd.d X11 xdg",
    )
});

/// Files directly in `/etc` that are databases of the system.
static SYSTEM_FILES: Names = LazyLock::new(|| {
    names(
        "adduser.conf anacrontab bindresvport.blacklist ca-certificates.conf crontab debconf.conf \
     deluser.conf environment ethertypes fstab gai.conf group group- gshadow gshadow- \
     host.conf hosts inputrc ld.so.cache ld.so.conf libaudit.conf locale.alias locale.conf \
     login.defs logrotate.conf lsb-release mailcap mime.types mke2fs.conf netconfig networks \
     nsswitch.conf os-release pam.conf passwd passwd- profile protocols resolv.conf rpc \
     securetty services shadow shadow- shells subgid subuid sysctl.conf ucf.conf xattr.conf",
    )
});

pub(super) fn is_other_place(path: &AppPath) -> bool {
    let parts: Vec<&[u8]> = path.components().collect();
    let Some((name, dirs)) = parts.split_last() else {
        return true;
    };
    if let [b"etc"] = dirs {
        return SYSTEM_FILES.contains(name);
    }
    // The directory of the application itself may have such a name: /opt/demo, /srv/test.
    let inner = dirs.get(2..).unwrap_or_default();
    let in_system = matches!(
        dirs,
        [b"etc", ..] | [b"usr", b"lib" | b"share", ..] | [b"lib", ..]
    );
    inner
        .iter()
        .any(|part| OTHER_DIRS.contains(part.to_ascii_lowercase().as_slice()))
        || inner.iter().any(|part| DROP_IN_DIRS.contains(part))
        || (in_system && dirs.iter().skip(1).any(|part| SYSTEM_DIRS.contains(part)))
        || matches!(dirs, [b"usr", b"share", dir, ..] | [b"usr", b"lib", dir, ..]
            if OTHER_DIRS.contains(dir) || dir.starts_with(b"python") || dir.starts_with(b"perl") || dir.starts_with(b"ruby"))
        || matches!(dirs, [b"proc" | b"sys" | b"dev", ..])
}

/// Manifests and settings of development tools.
static OTHER_NAMES: Names = LazyLock::new(|| {
    names(
        ".bash_logout .bashrc .profile .babelrc .clang-format .codecov.yml .editorconfig .eslintrc .eslintrc.json \
         .eslintrc.yml .gitattributes .gitignore .gitlab-ci.yml .gitmodules .npmrc \
         .pre-commit-config.yaml .prettierrc .pylintrc .readthedocs.yaml .readthedocs.yml \
         .travis.yml appveyor.yml bower.json build.properties build.xml cargo.toml cargo.lock \
         changelog component.json composer.json composer.lock copying deno.json dist.ini \
         extension.json git.properties info.json install jsconfig.json lerna.json license \
         makefile manifest manifest.json meta.json meta.yml mkdocs.yml npm-shrinkwrap.json \
         package-lock.json package.json package.xml phpcs.xml phpunit.xml pom.properties \
         pom.xml pyproject.toml pytest.ini pyvenv.cfg readme renovate.json requirements.txt \
         setup.cfg skin.json tox.ini tsconfig.json tslint.json version yarn.lock",
    )
});

/// Names of manifests, locks, copies and templates.
pub(super) fn is_other_name(name: &str) -> bool {
    const ENDINGS: &str = "~ .bak .default .dist .dpkg-bak .dpkg-dist .dpkg-new .dpkg-old .example .examples \
     .in .lock .map .md5sum .md5sums .old .orig .rpmnew .rpmorig .rpmsave .sample .save \
     .schema.json .service .socket .swp .target .template .timer .tmpl .tpl .ucf-dist \
     .strings.json -schema.json";
    const WITHIN: &str = "-example. .example. _example. -sample. .sample. _sample. .dist. example- sample- \
     -dist.";
    ENDINGS
        .split_ascii_whitespace()
        .any(|ending| name.ends_with(ending))
        || OTHER_NAMES.contains(name.as_bytes())
        || WITHIN
            .split_ascii_whitespace()
            .any(|part| name.contains(part))
        || name.starts_with("readme")
        || name.starts_with("tsconfig")
        || is_translation(name)
}

/// `messages_de.properties`, `Messages.properties`: texts, not settings.
fn is_translation(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".properties") else {
        return false;
    };
    let texts = [
        "messages",
        "message",
        "labels",
        "strings",
        "resources",
        "bundle",
        "text",
        "i18n",
    ];
    let tail = stem.rsplit('_').next().unwrap_or(stem);
    texts
        .iter()
        .any(|text| stem.ends_with(text) || stem.starts_with(text))
        || (tail != stem && tail.len() == 2)
}

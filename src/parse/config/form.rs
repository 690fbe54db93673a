//! Which files are configuration, and in which form: by name, place and first lines.
//!
//! It has to say no cheaply and often. An install tree has tens of thousands of text files, and
//! documentation, translations, package manifests and test data look like settings to a reader
//! that does not ask where it is.

use std::path::Path;

use super::place::{Place, is_other_name, is_other_place, place};
use super::text::{decode, is_key};
use crate::path::AppPath;

/// The form of a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `[section]`, `key = value`, `key: value`, `key value`.
    Lines,
    /// `key value` with `<Section argument>` … `</Section>`, as Apache httpd has it.
    Sections,
    /// `key value;` and `name { … }`, as nginx and named.conf(5) have it.
    Braces,
    /// Java properties.
    Properties,
    /// XML.
    Xml,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// JSON, with comments and trailing commas allowed.
    Json,
    /// Options of a Java machine, one on a line.
    Options,
    /// Assignments of literals in a programming language.
    Script(Language),
}

/// A programming language in which settings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// PHP.
    Php,
    /// Python.
    Python,
    /// Perl.
    Perl,
    /// Ruby.
    Ruby,
    /// Lua.
    Lua,
    /// JavaScript.
    JavaScript,
    /// Shell.
    Shell,
}

impl Form {
    /// Every form, in each language.
    pub const ALL: [Self; 16] = [
        Self::Lines,
        Self::Sections,
        Self::Braces,
        Self::Properties,
        Self::Xml,
        Self::Yaml,
        Self::Toml,
        Self::Json,
        Self::Options,
        Self::Script(Language::Php),
        Self::Script(Language::Python),
        Self::Script(Language::Perl),
        Self::Script(Language::Ruby),
        Self::Script(Language::Lua),
        Self::Script(Language::JavaScript),
        Self::Script(Language::Shell),
    ];
}

/// The form of the file at `path` whose first bytes are `head`; nothing when it is not taken for
/// configuration.
#[must_use]
pub fn form(path: &AppPath, head: &[u8]) -> Option<Form> {
    let name = std::str::from_utf8(path.name()).ok()?.to_ascii_lowercase();
    if head.is_empty() || head.contains(&0) || is_other_name(&name) || is_other_place(path) {
        return None;
    }
    if head.starts_with(b"#!") {
        return None;
    }
    let place = place(path);
    if name == ".htaccess" || name == ".user.ini" {
        return Some(if name == ".htaccess" {
            Form::Sections
        } else {
            Form::Lines
        });
    }
    let ending = Path::new(&name)
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or("");
    match ending {
        "ini" | "cnf" => Some(Form::Lines),
        "properties" => (place != Place::Library).then_some(Form::Properties),
        "toml" => (place != Place::Other || is_settings_name(&name)).then_some(Form::Toml),
        "yaml" | "yml" => {
            (place == Place::Settings || is_settings_name(&name)).then_some(Form::Yaml)
        }
        "json" | "json5" | "jsonc" => {
            (place == Place::Settings || is_settings_name(&name)).then_some(Form::Json)
        }
        "xml" => (place == Place::Settings || is_settings_name(&name)).then_some(Form::Xml),
        "ldif" => decode(head).contains("\nolc").then_some(Form::Lines),
        "env" => Some(Form::Script(Language::Shell)),
        "vmoptions" => Some(Form::Options),
        // An object and no more, which its program evaluates (statsd's settings).
        "js" if is_settings_name(&name) && is_object(head) => Some(Form::Json),
        "php" | "inc" | "py" | "pl" | "pm" | "rb" | "lua" | "js" => (place != Place::Library)
            .then(|| script(ending, &name, path, head))
            .flatten()
            .map(Form::Script),
        // Settings of IIS, which runs on other systems; those of .NET's pages are read by Mono, too.
        "config" if name == "web.config" && !is_of_dotnet(head) => None,
        "conf" | "cfg" | "cf" | "config" | "prefs" | "ext" | "rc" | "pfl" => sniff(head, true),
        _ if name == "jvm.options" => Some(Form::Options),
        _ if name == ".env" => Some(Form::Script(Language::Shell)),
        _ if is_shell_defaults(path) => Some(Form::Script(Language::Shell)),
        _ if has_infix(&name) || is_rc(&name) => sniff(head, true),
        _ if place == Place::Settings && is_plain(ending) => sniff(head, false),
        _ => None,
    }
}

/// Whether a `web.config` has a part that programs of .NET read.
fn is_of_dotnet(head: &[u8]) -> bool {
    const PARTS: [&[u8]; 5] = [
        b"<system.web>",
        b"<system.web ",
        b"<appSettings",
        b"<connectionStrings",
        b"<configSections",
    ];
    PARTS
        .iter()
        .any(|part| memchr::memmem::find(head, part).is_some())
}

/// Whether a text is an object of JavaScript, behind comments.
fn is_object(head: &[u8]) -> bool {
    let text = decode(head);
    let mut rest = text.trim_start();
    loop {
        let behind = match rest.get(..2) {
            Some("//") => rest.split_once('\n'),
            Some("/*") => rest.split_once("*/"),
            _ => return rest.starts_with('{'),
        };
        match behind {
            Some((_, next)) => rest = next.trim_start(),
            None => return false,
        }
    }
}

/// Names that say "settings" by themselves, for forms that hold anything else too.
fn is_settings_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    const STEMS: &str = "appsettings application applicationcontext conf config configuration context \
     database datasource db domain hibernate host local log4j log4j2 logback \
     logging parameters persistence production registry secrets server settings \
     standalone tomcat-users users web";
    STEMS.split(' ').any(|known| known == stem)
        || name.contains(".cfg.")
        || name.contains(".conf.")
        || [
            "config", "settings", "-conf", "_conf", "logback", "log4j", "-server", "context",
        ]
        .iter()
        .any(|part| stem.contains(part))
}

/// `named.conf.options`, `httpd.conf-local`.
fn has_infix(name: &str) -> bool {
    [".conf.", ".conf-", ".cf.", ".cfg.", "_config", "-config"]
        .iter()
        .any(|part| name.contains(part))
        && !name.ends_with(".h")
        && !name.ends_with(".sh")
        && !name.ends_with(".txt")
}

/// `.screenrc`, `torrc`.
fn is_rc(name: &str) -> bool {
    name.ends_with("rc") && name.len() > 3 && !name.contains(".src") && !name.ends_with("src")
}

/// An ending that says nothing, or none; a place in a directory of settings then decides.
fn is_plain(ending: &str) -> bool {
    matches!(
        ending,
        "" | "cf2"
            | "load"
            | "local"
            | "options"
            | "list"
            | "key"
            | "site"
            | "vhost"
            | "opts"
            | "var"
            | "domain"
            | "types"
    )
}

fn is_shell_defaults(path: &AppPath) -> bool {
    let parent = path.parent();
    parent.is_some_and(|dir| {
        matches!(
            dir.as_bytes(),
            b"/etc/default" | b"/etc/sysconfig" | b"/etc/conf.d"
        )
    })
}

fn script(ending: &str, name: &str, path: &AppPath, head: &[u8]) -> Option<Language> {
    let parent = path.parent()?;
    let beside = parent.name().to_ascii_lowercase();
    let among = matches!(
        beside.as_slice(),
        b"conf" | b"config" | b"etc" | b"settings" | b"conf.d"
    ) || path.is_below(&AppPath::new("/etc"));
    let stem = name.split('.').next().unwrap_or(name);
    let named = [
        "config",
        "conf",
        "settings",
        "local",
        "localsettings",
        "local_settings",
        "configuration",
        "parameters",
        "production",
        "database",
    ]
    .contains(&stem)
        || [
            "-config",
            "_config",
            "config_",
            "config-",
            "config.inc",
            "settings_",
            "_settings",
        ]
        .iter()
        .any(|part| name.contains(part))
        || name.contains(".cfg.")
        || name.contains(".conf.");
    if !named && !among {
        return None;
    }
    match ending {
        "php" | "inc" => head
            .windows(5)
            .any(|w| w == b"<?php")
            .then_some(Language::Php),
        "py" => Some(Language::Python),
        "pl" | "pm" => Some(Language::Perl),
        "rb" => Some(Language::Ruby),
        "lua" => Some(Language::Lua),
        "js" => named.then_some(Language::JavaScript),
        _ => None,
    }
}

/// What the first lines are made of.
#[derive(Default)]
struct Count {
    all: usize,
    settings: usize,
    headings: usize,
    tags: usize,
    markup: usize,
    braces: usize,
    ends: usize,
    perl: usize,
    python: usize,
    colons: usize,
    nests: usize,
    exports: usize,
    /// Whether `#` begins comments.
    hashes: bool,
    /// Whether this is Perl by its own words.
    strict: bool,
}

/// The form of a text whose name leaves it open. `sure`: the name says that it is configuration.
fn sniff(head: &[u8], sure: bool) -> Option<Form> {
    let text = decode(head);
    let start = text.trim_start();
    if start.starts_with("<?xml") || start.starts_with("<!DOCTYPE") {
        return Some(Form::Xml);
    }
    if start.starts_with("<?php") {
        return Some(Form::Script(Language::Php));
    }
    let count = count(&text);
    if start.starts_with('{') && text.contains("\":") {
        return Some(Form::Json);
    }
    if count.all == 0 {
        return sure.then_some(Form::Lines);
    }
    let most = |n: usize| n * 2 > count.all;
    let form = if count.strict || most(count.perl) {
        Form::Script(Language::Perl)
    } else if count.python > 0 {
        Form::Script(Language::Python)
    } else if count.tags > 0 && count.markup == count.all && !count.hashes {
        Form::Xml
    } else if count.tags > 0 && text.contains("</") {
        Form::Sections
    } else if count.tags > 0 && most(count.tags) {
        Form::Xml
    } else if count.headings > 0 {
        Form::Lines
    } else if count.exports > 0 {
        Form::Script(Language::Shell)
    } else if count.braces > 0 || most(count.ends) {
        if start.contains("\":") && most(count.colons) {
            Form::Json
        } else {
            Form::Braces
        }
    } else if most(count.colons) && count.nests > 0 {
        Form::Yaml
    } else {
        Form::Lines
    };
    let enough = if sure { 3 } else { 7 };
    let fits =
        form != Form::Lines || count.headings > 0 || count.settings * 10 >= count.all * enough;
    (fits && (sure || form != Form::Xml)).then_some(form)
}

fn count(text: &str) -> Count {
    let mut count = Count::default();
    let mut nest_at = None;
    for raw in text.lines().take(400) {
        let line = raw.trim();
        let comment = ["#", ";", "//", "/*", "* ", "--", "!"]
            .iter()
            .any(|m| line.starts_with(m));
        count.hashes |= line.starts_with('#');
        if line.is_empty() || comment || line == "*" || line == "*/" {
            continue;
        }
        let indent = raw.len() - raw.trim_start().len();
        count.all += 1;
        count.nests += usize::from(nest_at.is_some_and(|at| indent > at));
        nest_at = (line.ends_with(':') && is_key(line, 1)).then_some(indent);
        let first = line
            .split(|c: char| c.is_whitespace() || c == '=')
            .next()
            .unwrap_or(line);
        let rest = line[first.len()..].trim_start();
        count.headings +=
            usize::from(line.starts_with('[') && line.ends_with(']') && !line.contains('"'));
        count.markup += usize::from(line.starts_with('<') || line.ends_with('>'));
        count.tags += usize::from(is_tag(line));
        // `server { listen 80; }`, too.
        let is_whole = line.ends_with('}') && line.contains('{') && line.contains(';');
        count.braces += usize::from(line.ends_with('{') || line == "}" || line == "};" || is_whole);
        count.exports += usize::from(
            (line.starts_with("export ") && line.contains('='))
                || (line.starts_with("if [") && line.contains(']'))
                || matches!(line, "fi" | "esac" | "done"),
        );
        count.ends += usize::from(line.ends_with(';'));
        let perl =
            line.starts_with(['$', '@', '%']) || line.starts_with("use ") || line.starts_with("1;");
        count.perl += usize::from(perl && line.contains(';'));
        count.strict |= line == "use strict;";
        count.python += usize::from(
            (line.starts_with("import ") || line.starts_with("from ")) && line.contains("import "),
        );
        count.colons += usize::from(first.ends_with(':') || line.starts_with("- "));
        let prose = !line.contains('=') && (line.ends_with('.') || line.split(' ').count() > 10);
        count.settings += usize::from(
            !prose
                && is_key(first, 1)
                && (!rest.is_empty() || line.contains('='))
                && line.len() < 400,
        );
    }
    count
}

/// `<Name …>` or `</Name>` alone on a line.
fn is_tag(line: &str) -> bool {
    line.strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .map(|inner| inner.strip_prefix('/').unwrap_or(inner))
        .is_some_and(|inner| inner.starts_with(|c: char| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, head: &str) -> Option<Form> {
        form(&AppPath::new(path), head.as_bytes())
    }

    #[test]
    fn the_form_follows_from_name_and_content() {
        for (path, head, want) in [
            ("/etc/app/app.ini", "[a]\nb=c\n", Form::Lines),
            ("/etc/app/appd_config", "Port 22\nUsePAM yes\n", Form::Lines),
            (
                "/opt/app/conf/httpd.conf",
                "Listen 80\n<Directory />\n</Directory>\n",
                Form::Sections,
            ),
            (
                "/etc/app/sites-enabled/default",
                "server {\n listen 80;\n}\n",
                Form::Braces,
            ),
            (
                "/etc/app/app.conf.local",
                "zone \"x\" {\n file \"y\";\n};\n",
                Form::Braces,
            ),
            ("/opt/app/conf/server.xml", "<Server port='1'>", Form::Xml),
            ("/opt/app/conf/app.properties", "a=b", Form::Properties),
            (
                "/etc/appd.conf",
                "storage:\n  dbPath: /x\nnet:\n  port: 1\n",
                Form::Yaml,
            ),
            ("/etc/app/appd.conf", "{ \"a\": 1 }", Form::Json),
            (
                "/etc/app/conf.d/20-x",
                "$x = '/y';\n$z = 1;\n",
                Form::Script(Language::Perl),
            ),
            (
                "/srv/app/config.php",
                "<?php\n$x = 1;",
                Form::Script(Language::Php),
            ),
            ("/etc/default/app", "# all\n", Form::Script(Language::Shell)),
            ("/etc/app/app.conf", "# only comments\n", Form::Lines),
        ] {
            assert_eq!(at(path, head), Some(want), "{path}");
        }
    }

    #[test]
    fn what_only_looks_like_configuration_is_left_alone() {
        for (path, head) in [
            ("/usr/share/doc/app/app.conf", "a = b\n"),
            ("/opt/app/package.json", "{\"name\": \"x\"}"),
            ("/opt/app/web/data/colours.json", "{\"red\": 1}"),
            ("/opt/app/lib/messages_de.properties", "a=b"),
            ("/opt/app/node_modules/x/config.json", "{\"a\": 1}"),
            ("/opt/app/app.conf.dpkg-old", "a = b\n"),
            ("/opt/app/conf/example-app.conf", "a = b\n"),
            ("/opt/app/bin/run.conf", "#!/bin/sh\na=b\n"),
            ("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
            ("/etc/init.d/app", "DAEMON=/usr/sbin/app\n"),
            (
                "/etc/app/NOTES",
                "This file tells a long story about how all came to be.\n\
                And it goes on, as stories do. It has an end.\nNot yet\nBut soon\n.",
            ),
            ("/opt/app/conf/blob", "\0\0a = b"),
        ] {
            assert_eq!(at(path, head), None, "{path}");
        }
    }
}

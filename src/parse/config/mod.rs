//! Configuration files by form: one small reader per form, all of which give the same list of
//! settings, so that the meaning of a key is looked up in one place.
//!
//! A reader here knows how a form is written, not what a key means. It follows the common core of
//! a form rather than one program's dialect: legacy programs each have their own, and a reader
//! that gives up on the first odd line is of no use.

mod braces;
mod environments;
mod expand;
mod form;
mod json;
mod lines;
mod options;
mod place;
mod properties;
mod script;
mod text;
mod toml;
mod xml;
mod yaml;

pub use environments::{Environments, for_production};
pub use expand::{Expanded, expand};
pub use form::{Form, Language, form};
pub use text::{to_bytes, unquote, words};

/// How many bytes of one file are read; the rest is reported. Settings that people write are far
/// smaller, and what is larger is data in a configuration file's clothes.
pub const MAX_BYTES: usize = 4 << 20;

/// How many settings of one file are kept.
const MAX_SETTINGS: usize = 100_000;

/// Sections deeper than this keep their settings, under the names of the outer ones.
const MAX_DEPTH: usize = 32;

/// Longer keys are cut: every setting below a section repeats its name.
const MAX_KEY: usize = 200;

/// Longer values are cut: no path or address comes near.
const MAX_VALUE: usize = 8192;

/// One setting of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The names of the sections around it and its own, as written; never empty.
    pub key: Vec<String>,
    /// The value without its outer quotes; see [`words`] for one that has several. Bytes that are
    /// not UTF-8 stand as private characters; see [`to_bytes`].
    pub value: String,
    /// The line it begins on, from 1.
    pub line: u32,
    /// Whether it stands in a comment: a default, or an example.
    pub commented: bool,
    /// What stands between key and value.
    pub separator: Separator,
    /// Settings of the same section, element or object have the same number; 0 is the file itself.
    pub block: u32,
    /// The module of the program without which it does not hold (`<IfModule name>`).
    pub condition: Option<Box<str>>,
}

impl Setting {
    /// The key's last part.
    #[must_use]
    pub fn name(&self) -> &str {
        self.key.last().map_or("", String::as_str)
    }

    /// The sections and the key, joined by dots, in lower case.
    #[must_use]
    pub fn folded(&self) -> String {
        self.key.join(".").to_lowercase()
    }
}

/// What stands between a key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Separator {
    /// `key = value`.
    Equals,
    /// `key: value`.
    Colon,
    /// `key value`.
    Space,
    /// The argument of a section: `<Directory /var/www>`, `location / {`.
    Header,
    /// `name(value)`.
    Call,
    /// An XML attribute, or the text of an element.
    Markup,
}

/// What a reader made of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The settings in order of appearance.
    pub settings: Vec<Setting>,
    /// What was not understood, or not looked at.
    pub faults: Vec<Fault>,
}

/// A place that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; 0 for the whole file.
    pub line: u32,
    /// Whether a limit was reached, rather than the form broken.
    pub limit: bool,
    /// In words; never a piece of the file, which may hold a secret.
    pub message: &'static str,
}

/// Reads `bytes` as `form`.
#[must_use]
pub fn parse(form: Form, bytes: &[u8]) -> Parsed {
    let mut sink = Sink::default();
    let mut seen = bytes;
    if bytes.len() > MAX_BYTES {
        sink.fault(0, true, "the file is long; only its beginning was read");
        seen = &bytes[..MAX_BYTES];
    }
    let text = text::decode(seen);
    match form {
        Form::Lines => lines::read(&text, &mut sink),
        Form::Sections => lines::read_sections(&text, &mut sink),
        Form::Braces => braces::read(&text, &mut sink),
        Form::Properties => properties::read(&text, &mut sink),
        Form::Xml => xml::read(&text, &mut sink),
        Form::Yaml => yaml::read(&text, &mut sink),
        Form::Toml => toml::read(&text, &mut sink),
        Form::Json => json::read(&text, &mut sink),
        Form::Options => options::read(&text, &mut sink),
        Form::Script(language) => script::read(&text, language, &mut sink),
    }
    sink.parsed
}

/// Collects settings within the limits, and keeps account of the open sections.
#[derive(Debug, Default)]
struct Sink {
    parsed: Parsed,
    open: Vec<Level>,
    blocks: u32,
    full: bool,
}

#[derive(Debug)]
struct Level {
    /// Absent for a condition, which is no part of a key.
    name: Option<String>,
    block: u32,
    module: Option<Box<str>>,
}

impl Sink {
    /// Begins a section.
    fn open(&mut self, name: &str) {
        self.blocks = self.blocks.saturating_add(1);
        let name = (self.open.len() < MAX_DEPTH).then(|| cut(name.trim(), MAX_KEY).to_owned());
        self.open.push(Level {
            name,
            block: self.blocks,
            module: None,
        });
    }

    /// Begins a section that is no part of a key, and shares its parent's block.
    fn open_condition(&mut self, module: Option<&str>) {
        let block = self.block();
        let module = module.map(|name| cut(name, MAX_KEY).into());
        self.open.push(Level {
            name: None,
            block,
            module,
        });
    }

    /// Begins one of several like elements of a list: a block of its own, no part of a key.
    fn open_item(&mut self) {
        self.blocks = self.blocks.saturating_add(1);
        let block = self.blocks;
        self.open.push(Level {
            name: None,
            block,
            module: None,
        });
    }

    /// Ends the innermost section.
    fn close(&mut self) {
        self.open.pop();
    }

    /// Ends sections until `depth` of them are open.
    fn close_to(&mut self, depth: usize) {
        self.open.truncate(depth);
    }

    fn depth(&self) -> usize {
        self.open.len()
    }

    fn block(&self) -> u32 {
        self.open.last().map_or(0, |level| level.block)
    }

    /// Adds a live setting of the innermost section.
    fn add(&mut self, line: usize, key: &[&str], value: &str, separator: Separator) {
        self.push(line, key, value, separator, false);
    }

    /// Adds one that stands in a comment.
    fn add_commented(&mut self, line: usize, key: &[&str], value: &str, separator: Separator) {
        self.push(line, key, value, separator, true);
    }

    fn push(&mut self, line: usize, key: &[&str], value: &str, separator: Separator, off: bool) {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        if self.parsed.settings.len() >= MAX_SETTINGS {
            if !self.full {
                self.full = true;
                self.fault(
                    line,
                    true,
                    "the file has very many settings; the rest was left out",
                );
            }
            return;
        }
        let outer = self.open.iter().filter_map(|level| level.name.as_deref());
        let key: Vec<String> = outer
            .chain(key.iter().map(|part| cut(part.trim(), MAX_KEY)))
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        if key.is_empty() {
            return;
        }
        self.parsed.settings.push(Setting {
            key,
            value: cut(value, MAX_VALUE).to_owned(),
            line,
            commented: off,
            separator,
            block: self.block(),
            condition: self
                .open
                .iter()
                .rev()
                .find_map(|level| level.module.clone()),
        });
    }

    fn fault(&mut self, line: u32, limit: bool, message: &'static str) {
        // The first few tell the reader what is wrong; the rest are echoes of them.
        if self.parsed.faults.len() < 16 {
            self.parsed.faults.push(Fault {
                line,
                limit,
                message,
            });
        }
    }
}

/// The first `most` bytes, or one character less.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `key=value` lines of live settings, for tests of the readers.
    pub(super) fn live(form: Form, text: &str) -> Vec<String> {
        let one = |s: &Setting| format!("{}={}", s.key.join("."), s.value);
        let parsed = parse(form, text.as_bytes());
        let live = parsed.settings.iter().filter(|s| !s.commented);
        live.map(one).collect()
    }

    #[test]
    fn a_huge_file_is_cut_and_says_so() {
        let line = b"key = /var/lib/thing/with/a/long/name/to/fill/the/file/sooner\n";
        let text = line.repeat(MAX_BYTES / line.len() + 2);
        let parsed = parse(Form::Lines, &text);
        assert!(parsed.faults.iter().any(|f| f.limit));
        assert!(parsed.settings.len() <= MAX_SETTINGS);
    }

    #[test]
    fn deep_nesting_costs_no_stack_and_keeps_the_outer_names() {
        for (form, open) in [
            (Form::Json, "{\"a\":"),
            (Form::Braces, "a {\n"),
            (Form::Yaml, "[ "),
            (Form::Xml, "<a>"),
            (Form::Sections, "<a b>\n"),
            (Form::Toml, "a=[["),
            (Form::Script(Language::Php), "['a' => "),
        ] {
            let parsed = parse(form, open.repeat(20_000).as_bytes());
            assert!(parsed.settings.iter().all(|s| s.key.len() <= MAX_DEPTH + 2));
        }
    }

    #[test]
    fn entities_that_grow_without_end_are_not_followed() {
        let mut xml = String::from("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY e0 \"");
        xml.push_str(&"x".repeat(10_000));
        xml.push_str("\">]><a>");
        xml.push_str(&"&e0;".repeat(50_000));
        xml.push_str("<b c=\"/d\"/></a>");
        let parsed = parse(Form::Xml, xml.as_bytes());
        assert!(parsed.settings.iter().all(|s| s.value.len() <= MAX_VALUE));

        let mut yaml = String::from("a0: &a0 [x, x]\n");
        for n in 1..40 {
            yaml.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
        }
        assert!(parse(Form::Yaml, yaml.as_bytes()).settings.len() < 100);
    }

    proptest! {
        #[test]
        fn every_reader_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for form in Form::ALL {
                let _ = parse(form, &bytes);
            }
        }

        #[test]
        fn every_reader_is_total_on_what_looks_like_its_form(
            parts in proptest::collection::vec(
                prop::sample::select(vec![
                    "a", "key", " = ", ": ", " ", "\n", "\n  ", "\t", "{", "}", "[", "]", "(", ")",
                    "<", "</", ">", "/>", "\"", "'", "\\", "\\\n", "#", "//", "/*", "*/", ";", ",",
                    "/var/lib/x", "$", "${", "%(", "=>", "<?php ", "<!--", "-->", "&", "*", "- ",
                    "é", "[[a]]", "\"\"\"", "define(", "|", "begin", "u0", "\\u12", "<![CDATA[",
                ]),
                0..60,
            ),
        ) {
            let text = parts.concat();
            for form in Form::ALL {
                for setting in parse(form, text.as_bytes()).settings {
                    prop_assert!(!setting.key.is_empty());
                    prop_assert!(setting.line >= 1);
                    let _ = words(&setting.value);
                    let _ = expand(&setting.value, &|_| Some("${a}".to_owned()));
                }
            }
        }
    }
}

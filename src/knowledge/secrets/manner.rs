//! How strictly a text is read for secrets, by what it is.

use std::borrow::Cow;

use crate::knowledge::places;

/// How strictly a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Settings: a key and its value, whatever it is.
    Settings,
    /// A shell script: what is assigned as it stands, and what commands are given.
    Shell,
    /// A program: only what is quoted and no word.
    Code,
    /// Notes, tables, logs: only what is no word.
    Notes,
    /// Documentation, whose secrets are examples.
    Prose,
}

/// Names that only documentation has, and endings.
const PROSE: [&str; 23] = [
    ".md", ".rst", ".adoc", ".po", ".pot", ".pod", ".html", ".htm", ".xhtml", ".tex", ".texi",
    ".man", ".css", ".less", ".sass", ".scss", ".styl", ".svg", ".mo", ".xsd", ".dtd", ".xsl",
    ".map",
];
/// Endings of code that only some languages have and that the table of places does not take for code.
const CODE: [&str; 11] = [
    ".t", ".inc", ".groovy", ".kt", ".rs", ".cs", ".vb", ".asp", ".aspx", ".erl", ".el",
];
const SHELL: [&str; 8] = [
    ".sh", ".ksh", ".bash", ".csh", ".zsh", ".bat", ".cmd", ".ps1",
];
const NOTES: [&str; 6] = [".txt", ".csv", ".log", ".sql", ".tsv", ".out"];

impl Manner {
    /// How a file of this name that begins so is read.
    #[must_use]
    pub fn of(name: &[u8], head: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let is_prose = [
            "readme",
            "changelog",
            "license",
            "licence",
            "copying",
            "news",
            "changes",
        ]
        .iter()
        .any(|start| name.starts_with(start));
        if let Some(line) = head.strip_prefix(b"#!") {
            let line = line.split(|&b| b == b'\n').next().unwrap_or_default();
            let is_shell = line.windows(2).any(|part| part == b"sh");
            return if is_shell { Self::Shell } else { Self::Code };
        }
        let is_markup = head.trim_ascii_start().starts_with(b"<");
        match () {
            () if is_prose || is_page(head) => Self::Prose,
            // Nothing that runs reads them, and what they set is mostly made up.
            () if places::is_recipe_name(&name) => Self::Notes,
            () => by_ending(&name, is_markup).unwrap_or(Self::Settings),
        }
    }
}

/// What the ending of a name says, or where that is of no sort of text, one before it: `app.js.old`.
fn by_ending(name: &str, is_markup: bool) -> Option<Manner> {
    let ends = |endings: &[&str]| endings.iter().any(|end| name.ends_with(end));
    match () {
        () if ends(&PROSE) => Some(Manner::Prose),
        // The texts of Qt's programs have the ending of TypeScript.
        () if name.ends_with(".ts") && is_markup => Some(Manner::Prose),
        () if ends(&SHELL) => Some(Manner::Shell),
        () if ends(&CODE) || is_program(name) => Some(Manner::Code),
        () if ends(&NOTES) => Some(Manner::Notes),
        () if places::is_settings_name(name.as_bytes()) => None,
        () => by_ending(name.rsplit_once('.')?.0, is_markup),
    }
}

/// Whether a file is code by its name, and no template, of which settings are made, too.
fn is_program(name: &str) -> bool {
    const TEMPLATES: [&str; 5] = [".erb", ".mustache", ".tpl", ".tt", ".twig"];
    places::is_code_name(name.as_bytes()) && !TEMPLATES.iter().any(|end| name.ends_with(end))
}

/// Whether a text is a page of HTML, or a part of one, whatever it is called.
fn is_page(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let begin = head
        .get(..head.len().min(4096))
        .unwrap_or(head)
        .to_ascii_lowercase();
    let elements = [
        &b"<html"[..],
        b"<!doctype html",
        b"<form",
        b"<table",
        b"<td",
        b"<body",
    ];
    begin.starts_with(b"<")
        && !begin.starts_with(b"<?")
        && elements
            .iter()
            .any(|element| memchr::memmem::find(&begin, element).is_some())
}

/// A text as bytes that a line can be looked for in: UTF-16 with its mark is made UTF-8. None where it
/// is no text.
#[must_use]
pub fn readable(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units = pairs.iter().skip(1).map(|pair| from(*pair));
        let text: String = char::decode_utf16(units)
            .map(|c| c.unwrap_or('\u{fffd}'))
            .collect();
        Some(Cow::Owned(text.into_bytes()))
    };
    if bytes.starts_with(&[0xff, 0xfe]) {
        return wide(u16::from_le_bytes);
    }
    if bytes.starts_with(&[0xfe, 0xff]) {
        return wide(u16::from_be_bytes);
    }
    (!bytes.contains(&0)).then_some(Cow::Borrowed(bytes))
}

//! Names from an audited tree stay text in every form of a report, whatever they are.

use std::collections::BTreeSet;

use serde_json::Value;

use seaworthy::report::Report;

use crate::formats::{kept, shown, without_style};

const NAMES: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "]]></failure><x>",
    "`|**b**|[x](javascript:alert(1))",
    "=HYPERLINK(\"http://192.0.2.1\")",
    "</style></title><svg onload=alert(1)>",
    "a\u{0}\u{1b}[31m\r\nb\u{202e}c\u{ffff}",
    "--></script><!--",
];

/// The keys of what is this program's own: plain enums, rules, numbers in octal.
const OWN: &[&str] = &[
    "fact",
    "touch",
    "source",
    "kind",
    "class",
    "form",
    "status",
    "need",
    "state",
    "severity",
    "dimension",
    "grade",
    "access",
    "certainty",
    "priority",
    "owner",
    "answer",
    "verdict",
    "do",
    "mode",
    "schema",
    "rule",
    "fingerprint",
    "tool",
    "transport",
    "counts",
    "rules",
];

/// A report in which every text that comes from an audited tree is `name`.
fn hostile(name: &str) -> Report {
    let mut value = serde_json::to_value(kept("cadview-suite")).unwrap();
    taint(&mut value, name);
    let mut report: Report = serde_json::from_value(value).unwrap();
    for (at, finding) in report.findings.iter_mut().enumerate() {
        finding.fingerprint = format!("{at:016x}");
    }
    report
}

/// Makes `name` of every text.
fn taint(value: &mut Value, name: &str) {
    match value {
        Value::String(text) => {
            *text = match text.starts_with('/') {
                true => format!("/{name}"),
                false => name.to_owned(),
            };
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| taint(item, name));
        }
        Value::Object(map) => {
            // `how` is a text but for what says who starts a program.
            let is_start = map.contains_key("command") || map.contains_key("args");
            for (key, value) in map.iter_mut() {
                if key == "verdict" && value.is_object() {
                    taint(&mut value["reason"], name);
                } else if !(OWN.contains(&key.as_str()) || is_start && key == "how") {
                    taint(value, name);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn names_stay_text_in_xml() {
    for name in NAMES {
        let text = shown("junit", &hostile(name));
        let tree = roxmltree::Document::parse(&text).unwrap_or_else(|error| {
            panic!("{name:?}: {error}");
        });
        let known = [
            "testsuites",
            "testsuite",
            "testcase",
            "failure",
            "skipped",
            "system-out",
        ];
        for node in tree.descendants().filter(roxmltree::Node::is_element) {
            assert!(
                known.contains(&node.tag_name().name()),
                "{name:?}: {node:?}"
            );
        }
    }
}

#[test]
fn names_stay_text_in_json_forms() {
    for name in NAMES {
        let report = hostile(name);
        for form in ["json", "sarif", "cyclonedx", "spdx"] {
            let value: serde_json::Value = serde_json::from_str(&shown(form, &report)).unwrap();
            assert!(value.is_object(), "{form}");
        }
        let sarif: serde_json::Value = serde_json::from_str(&shown("sarif", &report)).unwrap();
        for result in sarif["runs"][0]["results"].as_array().unwrap() {
            for place in result["locations"].as_array().unwrap() {
                let uri = place["physicalLocation"]["artifactLocation"]["uri"]
                    .as_str()
                    .unwrap();
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b);
                assert!(uri.bytes().all(plain) && !uri.starts_with('/'), "{uri}");
            }
        }
    }
}

/// The elements of the page, from its text: what stands after `<`, to the first byte that ends a name.
fn elements(page: &str) -> BTreeSet<String> {
    let names = page.match_indices('<').map(|(at, _)| {
        let name = page[at + 1..].trim_start_matches('/');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '!');
        name[..end.unwrap_or(name.len())].to_owned()
    });
    names.collect()
}

#[test]
fn names_stay_text_in_html() {
    let own = elements(&without_style(&shown("html", &kept("cadview-suite"))));
    assert!(own.contains("details") && own.contains("svg"), "{own:?}");
    for name in NAMES {
        let page = shown("html", &hostile(name));
        let outside = without_style(&page);
        let strange: Vec<_> = elements(&outside).difference(&own).cloned().collect();
        assert!(strange.is_empty(), "{name:?}: {strange:?}");
        assert_eq!(page.matches("<script").count(), 1, "{name:?}");
        assert_eq!(page.matches("<style").count(), 1, "{name:?}");
        for tag in outside.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap();
            // No attribute holds a quote of its own, so what is between quotes is value.
            let names: String = tag.split('"').step_by(2).collect();
            assert!(!names.contains(" on") && !names.contains("style="), "{tag}");
        }
        let odd = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}' || c == '\u{ffff}');
        assert!(!page.contains(odd), "{name:?}");
        assert!(!page.contains("href=\"javascript"), "{name:?}");
    }
}

#[test]
fn names_stay_text_in_markdown() {
    for name in NAMES {
        let text = shown("markdown", &hostile(name));
        for line in text.lines() {
            let outside = outside_code(line);
            for mark in [
                "<script",
                "<img",
                "<svg",
                "</style",
                "</script",
                "](javascript",
            ] {
                let raw = outside
                    .match_indices(mark)
                    .any(|(at, _)| !outside[..at].ends_with('\\'));
                assert!(!raw, "{name:?}: {line}");
            }
        }
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{name:?}"
        );
    }
}

/// A line without its code spans (CommonMark, section 6.1): from a run of backticks to the next run of
/// the same length.
fn outside_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('\\') {
            let end = rest
                .char_indices()
                .nth(2)
                .map_or(rest.len(), |(end, _)| end);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let run = rest.len() - rest.trim_start_matches('`').len();
        let body = &rest[run..];
        let closes = |at: &usize| {
            let after = &body[*at..];
            let is_start = !body[..*at].ends_with('`');
            is_start && after.len() - after.trim_start_matches('`').len() == run
        };
        match body.match_indices('`').map(|(at, _)| at).find(closes) {
            Some(end) => rest = &body[end + run..],
            None => {
                out.push_str(&rest[..run]);
                rest = body;
            }
        }
    }
    out + rest
}

#[test]
fn names_stay_in_their_cell_and_start_no_formula() {
    for name in NAMES {
        let report = hostile(name);
        for form in ["csv-paths", "csv-libraries"] {
            let text = shown(form, &report);
            let rows = read_csv(&text);
            let width = rows[0].len();
            for row in &rows {
                assert_eq!(row.len(), width, "{form} {name:?}: {row:?}");
                for cell in row {
                    assert!(
                        !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                        "{cell}"
                    );
                }
            }
        }
        assert_eq!(
            read_csv(&shown("csv-paths", &report)).len(),
            report.paths.len() + 1
        );
    }
}

/// RFC 4180, section 2, read by the letter.
fn read_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            _ if quoted => cell.push(c),
            ',' => row.push(std::mem::take(&mut cell)),
            '\r' => {}
            '\n' => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(c),
        }
    }
    rows
}

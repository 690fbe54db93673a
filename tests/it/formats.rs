//! The forms of a report: each is documented, kept for one sample, the same for the same report, and
//! unmoved by hostile names.
//!
//! `SEAWORTHY_BLESS=1 cargo test formats` writes what is kept anew; look at the difference before it
//! is kept.

use std::collections::BTreeSet;
use std::path::Path;

use seaworthy::fact::{Fact, Issue};
use seaworthy::render::{FORMATS, Format, Style, by_name};
use seaworthy::report::Report;

use crate::samples;

fn shown(name: &str, report: &Report) -> String {
    (by_name(name).unwrap().render)(report, &Style::default())
}

/// The report kept beside a sample.
fn kept(sample: &str) -> Report {
    let file = samples::folder(sample).join("expect/report.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// A report in which every text that comes from an audited tree is `name`.
fn hostile(name: &str) -> Report {
    let mut value = serde_json::to_value(kept("cadview-suite")).unwrap();
    // Plain enums, identifiers of rules and numbers in octal are this program's own.
    let own = |key: &str| {
        [
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
        ]
        .contains(&key)
    };
    fn walk(value: &mut serde_json::Value, name: &str, own: &impl Fn(&str) -> bool) {
        match value {
            serde_json::Value::String(text) => {
                *text = match text.starts_with('/') {
                    true => format!("/{name}"),
                    false => name.to_owned(),
                };
            }
            serde_json::Value::Array(items) => {
                items.iter_mut().for_each(|item| walk(item, name, own));
            }
            serde_json::Value::Object(map) => {
                // `how` is a text but for what says who starts a program.
                let is_start = map.contains_key("command") || map.contains_key("args");
                for (key, value) in map.iter_mut() {
                    if key == "verdict" && value.is_object() {
                        walk(&mut value["reason"], name, own);
                    } else if !(own(key) || is_start && key == "how") {
                        walk(value, name, own);
                    }
                }
            }
            _ => {}
        }
    }
    walk(&mut value, name, &own);
    let mut report: Report = serde_json::from_value(value).unwrap();
    for (at, finding) in report.findings.iter_mut().enumerate() {
        finding.fingerprint = format!("{at:016x}");
    }
    report
}

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

#[test]
fn every_form_is_told_about_where_a_user_looks() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(top.join("docs/reports.md")).unwrap();
    let readme = std::fs::read_to_string(top.join("README.md")).unwrap();
    let (mut names, mut endings) = (BTreeSet::new(), BTreeSet::new());
    for format in FORMATS {
        let row = format!("| `{}` | `.{}` | ", format.name, format.ending);
        assert!(guide.contains(&row), "docs/reports.md has no row {row}");
        assert!(
            readme.contains(&format!("`{}`", format.name)),
            "the README does not name {}",
            format.name
        );
        assert!(names.insert(format.name), "two forms {}", format.name);
        assert!(endings.insert(format.ending), "two .{}", format.ending);
        // The help text puts it behind name and ending, in 80 columns.
        assert!((1..=46).contains(&format.about.len()), "{}", format.name);
    }
}

/// The page without style, script and the policy that holds their digests, which are long and the
/// same in every report; with a line for each of its parts.
fn without_style(text: &str) -> String {
    let mut out = text.to_owned();
    for (open, close) in [
        ("<style>", "</style>"),
        ("<script>", "</script>"),
        ("Policy\" content=\"", "\">"),
    ] {
        let from = out.find(open).unwrap() + open.len();
        let to = from + out[from..].find(close).unwrap();
        out.replace_range(from..to, "…");
    }
    for part in [
        "section", "details", "summary", "ul", "li", "p", "svg", "g", "path", "a",
    ] {
        for end in [">", " "] {
            let tag = format!("<{part}{end}");
            out = out.replace(&tag, &format!("\n{tag}"));
        }
    }
    out
}

#[test]
fn every_form_of_a_sample_is_kept_beside_it() {
    let report = samples::without_owners(samples::report_of("tidy-web"));
    let mut wrong = Vec::new();
    for format in FORMATS {
        let mut text = (format.render)(&report, &Style::default());
        if format.name == "html" {
            text = without_style(&text);
        }
        let file = samples::folder("tidy-web")
            .join("expect")
            .join(format!("report.{}", format.ending));
        if std::env::var_os("SEAWORTHY_BLESS").is_some() {
            std::fs::write(&file, &text).unwrap();
        } else if std::fs::read_to_string(&file).unwrap_or_default() != text {
            wrong.push(file);
        }
    }
    assert!(
        wrong.is_empty(),
        "these differ from what the tool says now (SEAWORTHY_BLESS=1 rewrites them): {wrong:#?}"
    );
}

#[test]
fn the_same_report_gives_the_same_bytes_after_json_and_back() {
    for sample in samples::SAMPLES {
        let report = kept(sample.name);
        let json = serde_json::to_string(&report).unwrap();
        let back: Report = serde_json::from_str(&json).unwrap();
        for Format { name, .. } in FORMATS {
            let text = shown(name, &report);
            assert_eq!(text, shown(name, &back), "{name} of {}", sample.name);
            assert!(text.ends_with('\n'), "{name} does not end its last line");
        }
    }
}

#[test]
fn every_finding_is_in_every_form_that_has_findings() {
    let report = kept("nightly-batch");
    let all = Style {
        all: true,
        ..Style::default()
    };
    for (name, mark) in [
        ("sarif", "\"ruleId\": \""),
        ("junit", "<testcase classname=\"seaworthy."),
        ("markdown", "  - → "),
    ] {
        let text = (by_name(name).unwrap().render)(&report, &all);
        let other = if name == "junit" {
            report.dimensions.len() + report.coverage.counts.len()
        } else {
            0
        };
        let number = text.matches(mark).count() - other;
        assert_eq!(number, report.findings.len(), "{name}");
    }
}

#[test]
fn an_empty_report_has_every_form() {
    let mut report = kept("tidy-web");
    report.findings.clear();
    report.rules.clear();
    report.libraries.clear();
    report.modules.clear();
    report.bases.clear();
    report.paths.clear();
    report.dimensions.clear();
    report.plan = seaworthy::report::Plan::default();
    report.coverage = seaworthy::report::Coverage::default();
    report.target.scope.clear();
    report.target.packages.clear();
    for Format { name, .. } in FORMATS {
        assert!(shown(name, &report).ends_with('\n'), "{name}");
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
fn the_page_asks_for_nothing_and_has_every_finding() {
    let report = kept("nightly-batch");
    let page = shown("html", &report);
    for source in [" src=", "url(", "@import", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(source), "{source}");
    }
    for link in page.split("href=\"").skip(1) {
        assert!(
            link.starts_with(['#']) || link.starts_with("data:,\""),
            "{link:.40}"
        );
    }
    assert!(page.contains("default-src 'none'"));
    assert_eq!(
        page.matches("<details class=\"row finding ").count(),
        report.findings.len()
    );
    for finding in &report.findings {
        assert!(
            page.contains(&finding.fingerprint),
            "{}",
            finding.fingerprint
        );
    }
    for entry in &report.paths {
        assert!(
            page.contains(&format!("<code>{}</code>", entry.path)),
            "{}",
            entry.path
        );
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

#[test]
fn what_was_not_seen_is_in_every_form_that_judges() {
    let mut report = kept("tidy-web");
    let at = serde_json::json!({"at": {"file": "/etc/shadow-x"}, "kind": "unreadable",
        "message": "permission denied"});
    let issue: Issue = serde_json::from_value(at).unwrap();
    report.coverage.add([issue]);
    for Format { name, .. } in FORMATS {
        let is_list = name.starts_with("csv-") || ["cyclonedx", "spdx"].contains(name);
        if !is_list {
            assert!(
                shown(name, &report).contains("/etc/shadow-x")
                    || shown(name, &report).contains("etc/shadow-x"),
                "{name}"
            );
        }
    }
}

#[test]
fn weak_evidence_stops_no_pipeline() {
    let mut report = kept("cadview-suite");
    let fact: Fact = report.findings[0].because[0].clone();
    report.findings.truncate(1);
    report.findings[0].because = vec![fact];
    assert!(shown("sarif", &report).contains("\"level\": \"error\""));
    assert!(shown("junit", &report).contains("<failure "));
    report.findings[0].status = seaworthy::report::Status::Suspected;
    assert!(!shown("sarif", &report).contains("\"level\": \"error\""));
    assert!(!shown("junit", &report).contains("<failure "));
}

#[test]
fn every_part_of_the_image_has_an_owner_and_is_what_its_references_say() {
    for sample in samples::SAMPLES {
        let report = kept(sample.name);
        let bom: serde_json::Value = serde_json::from_str(&shown("cyclonedx", &report)).unwrap();
        let parts = bom["components"].as_array().unwrap();
        assert!(parts.len() >= report.libraries.len() + report.modules.len());
        let mut known: BTreeSet<&str> = BTreeSet::from(["application"]);
        for part in parts {
            let owner = &part["properties"][0];
            assert_eq!(owner["name"], "seaworthy:owner", "{part}");
            assert!(known.insert(part["bom-ref"].as_str().unwrap()));
        }
        for need in bom["dependencies"].as_array().unwrap() {
            assert!(known.contains(need["ref"].as_str().unwrap()));
            for to in need["dependsOn"].as_array().into_iter().flatten() {
                assert!(known.contains(to.as_str().unwrap()), "{need}");
                assert_ne!(*to, need["ref"], "a part that needs itself");
            }
        }
        let spdx: serde_json::Value = serde_json::from_str(&shown("spdx", &report)).unwrap();
        assert_eq!(spdx["packages"].as_array().unwrap().len(), parts.len() + 1);
    }
}

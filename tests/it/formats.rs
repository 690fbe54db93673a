//! The forms of a report: each is documented, kept for one sample and the same for the same
//! report.
//!
//! `SEAWORTHY_BLESS=1 cargo test formats` writes what is kept anew; look at the difference before it
//! is kept.

use std::collections::BTreeSet;
use std::path::Path;

use seaworthy::fact::{Fact, Issue};
use seaworthy::render::{FORMATS, Format, Style, by_name};
use seaworthy::report::Report;

use crate::samples;

pub(crate) fn shown(name: &str, report: &Report) -> String {
    (by_name(name).unwrap().render)(report, &Style::default())
}

/// The report kept beside a sample.
pub(crate) fn kept(sample: &str) -> Report {
    let file = samples::folder(sample).join("expect/report.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

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
pub(crate) fn without_style(text: &str) -> String {
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
        let purls: Vec<_> = parts.iter().filter_map(|p| p["purl"].as_str()).collect();
        assert_eq!(purls.len(), report.packages.len(), "{}", sample.name);
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

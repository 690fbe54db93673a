//! The custody of an image as it is shown: on a terminal, as a picture, as a page and in the forms of
//! a report.
//!
//! `SEAWORTHY_BLESS=1 cargo test custody_shown` writes what is kept in `tests/it/custody_shown` anew; look at the
//! difference before it is kept.

use std::path::Path;

use seaworthy::path::escape;
use seaworthy::render::{Style, custody_page};
use seaworthy::report::{
    Attested, Custody, CustodyLayer, CustodyProblem, CustodyVerdict, Handover, ImageSignature,
    ProblemKind,
};
use seaworthy::show::custody_terminal;

use crate::formats::{kept, shown, without_style};

/// Names that would do harm where they are not escaped.
const NAMES: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "a\u{0}\u{1b}[31m\r\n::error::b\u{202e}c\u{ffff}",
    "::error file=x::y ##[error] z",
    "`|**b**|[x](javascript:alert(1))",
    "",
];

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

fn layer(role: &str, of: char, size: u64, entries: u64, packages: u64) -> CustodyLayer {
    CustodyLayer {
        role: role.into(),
        digest: digest(of),
        diff_id: digest(of),
        size,
        unpacked: size * 3,
        entries,
        packages,
        is_sound: true,
        ledger_agrees: Some(true),
    }
}

fn handover(role: &str, layers: usize, key: &str) -> Handover {
    Handover {
        role: role.into(),
        layers,
        image: Some(digest('d')),
        keys: vec![key.into()],
        is_stamped: true,
        received_verified: (layers > 1).then_some(true),
    }
}

fn problem(layer: Option<usize>, kind: ProblemKind, message: &str) -> CustodyProblem {
    CustodyProblem {
        layer,
        kind,
        message: message.into(),
    }
}

/// Three groups that did as they should.
fn honest() -> Custody {
    let signature = |role: &str, key: &str| ImageSignature {
        role: role.into(),
        key: key.into(),
        reference: "registry.test/shop:1.4".into(),
    };
    Custody {
        image: "shop:1.4".into(),
        digest: digest('f'),
        verdict: CustodyVerdict::Holds,
        layers: vec![
            layer("core", 'a', 83_886_080, 4821, 88),
            layer("middleware", 'b', 50_331_648, 310, 9),
            layer("application", 'c', 12_582_912, 1204, 3),
        ],
        handovers: vec![
            handover("core", 1, "1a2b3c4d"),
            handover("middleware", 2, "77aa00ff"),
            handover("application", 3, "9f8e7d6c"),
        ],
        signatures: vec![
            signature("application", "9f8e7d6c"),
            signature("core", "1a2b3c4d"),
        ],
        attested: vec![Attested {
            kind: "report".into(),
            digest: digest('e'),
            role: "application".into(),
            says: "it floats with some work".into(),
        }],
        problems: Vec::new(),
        remarks: Vec::new(),
    }
}

/// The middleware's layer was changed after it was stamped, the application touches what is not its
/// own, and its stamp is missing.
fn broken() -> Custody {
    let mut custody = honest();
    custody.verdict = CustodyVerdict::Broken;
    custody.layers[1].is_sound = false;
    custody.layers[1].ledger_agrees = Some(false);
    custody.handovers[1].is_stamped = false;
    custody.handovers[1].keys.clear();
    custody.handovers[1].received_verified = Some(false);
    custody.handovers[2].is_stamped = false;
    custody.handovers[2].keys.clear();
    custody.handovers[2].received_verified = Some(false);
    custody.signatures.clear();
    custody.attested.clear();
    custody.problems = vec![
        problem(
            None,
            ProblemKind::Signature,
            "application has not signed the finished image",
        ),
        problem(
            Some(1),
            ProblemKind::Blob,
            &format!("it is {}, not what its name says", digest('9')),
        ),
        problem(
            Some(1),
            ProblemKind::OtherLayers,
            "the stamp of middleware is of other layers than these",
        ),
        problem(
            Some(1),
            ProblemKind::Ledger,
            "/usr/lib/jvm/lib/server/libjvm.so: another content than the ledger tells",
        ),
        problem(
            Some(2),
            ProblemKind::Unstamped,
            "application has not stamped it",
        ),
        problem(
            Some(2),
            ProblemKind::Trespass,
            "/usr/lib/x86_64-linux-gnu/libssl.so.3: only core may change it",
        ),
    ];
    custody.remarks = vec!["layer 2 of application has no ledger".into()];
    custody
}

/// The broken image, with this name wherever one comes from outside.
fn hostile(name: &str) -> Custody {
    let mut custody = broken();
    custody.image = name.into();
    custody.digest = name.into();
    for layer in &mut custody.layers {
        layer.role = name.into();
        layer.digest = name.into();
        layer.diff_id = name.into();
        (layer.size, layer.unpacked) = (u64::MAX, u64::MAX);
        (layer.entries, layer.packages) = (u64::MAX, u64::MAX);
    }
    for handover in &mut custody.handovers {
        handover.role = name.into();
        handover.image = Some(name.into());
        handover.keys = vec![name.into(); 7];
    }
    custody.handovers[0].layers = usize::MAX;
    custody.signatures = honest().signatures;
    custody.attested = honest().attested;
    for signature in &mut custody.signatures {
        signature.role = name.into();
        signature.key = name.into();
        signature.reference = name.into();
    }
    for attested in &mut custody.attested {
        attested.kind = name.into();
        attested.digest = name.into();
        attested.role = name.into();
        attested.says = name.into();
    }
    custody.problems[5].layer = Some(99);
    for problem in &mut custody.problems {
        problem.message = format!("{name}: is not as it should be: {name}");
    }
    custody.remarks = vec![name.into()];
    custody
}

fn none() -> Custody {
    let mut custody = broken();
    custody.layers.clear();
    custody.handovers.clear();
    custody.problems.truncate(1);
    custody
}

fn style(width: usize, colour: bool, all: bool) -> Style {
    Style { width, colour, all }
}

fn terminal(custody: &Custody, width: usize) -> String {
    custody_terminal(custody, &style(width, false, false), true)
}

/// A text without the escapes that colour it.
fn without_colour(text: &str) -> String {
    let mut out = String::new();
    for part in text.split('\x1b') {
        match part.strip_prefix('[').and_then(|rest| rest.split_once('m')) {
            Some((code, rest)) if code.bytes().all(|b| b.is_ascii_digit() || b == b';') => {
                out.push_str(rest);
            }
            _ => out.push_str(part),
        }
    }
    out
}

fn in_report(custody: Custody) -> seaworthy::report::Report {
    let mut report = kept("tidy-web");
    report.custody = Some(custody);
    report
}

#[test]
fn what_is_shown_is_what_is_kept() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/custody_shown");
    let mut wrong = Vec::new();
    for (name, custody) in [("honest", honest()), ("broken", broken())] {
        let json = serde_json::to_string_pretty(&custody).unwrap() + "\n";
        let markdown = shown("markdown", &in_report(custody.clone()));
        let from = markdown.find("The image: custody").unwrap();
        let section = markdown[from..].split("<details>").next().unwrap().trim();
        for (ending, text) in [
            ("txt", terminal(&custody, 80)),
            ("html", without_policy(&custody_page(&custody))),
            ("md", format!("{section}\n")),
            ("json", json),
        ] {
            let file = dir.join(format!("{name}.{ending}"));
            if std::env::var_os("SEAWORTHY_BLESS").is_some() {
                std::fs::write(&file, &text).unwrap();
            } else if std::fs::read_to_string(&file).unwrap_or_default() != text {
                wrong.push(file);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these differ (SEAWORTHY_BLESS=1 rewrites them): {wrong:#?}"
    );
}

/// The page without its style, with a line for each of its parts. It has no script.
fn without_policy(page: &str) -> String {
    assert!(!page.contains("<script"));
    assert!(page.contains("script-src 'none'"));
    let with = page.replace("</body>", "<script></script></body>");
    without_style(&with)
}

#[test]
fn what_is_wrong_is_seen_without_colour_and_without_the_list() {
    let text = terminal(&broken(), 80);
    let picture = text.split("The chain").nth(1).unwrap();
    let picture = picture.split("What is wrong").next().unwrap();
    for seen in [
        "STAMP OF OTHER LAYERS",
        "NO STAMP",
        "[ stamped by 1a2b3c4d ]",
        "! touches what its role may not touch",
        "! is missing, cut off or not what its digest says",
        "BROKEN: not shown that middleware verified the 1 layer it received",
        "BROKEN: not shown that application verified the 2 layers it received",
        "signed as a whole by nobody",
    ] {
        assert!(picture.contains(seen), "{seen} is not in\n{picture}");
    }
    let whole = terminal(&honest(), 80);
    for seen in ["BROKEN", "NO STAMP", "╔", "! "] {
        assert!(!whole.contains(seen), "{seen} is in\n{whole}");
    }
    assert!(whole.contains("middleware verified the 1 layer it received"));
    assert!(!custody_terminal(&honest(), &Style::default(), false).contains('┌'));
}

#[test]
fn every_stamp_that_is_none_says_why() {
    for (kind, words) in [
        (ProblemKind::Chain, "STAMPED UPON ANOTHER HAND-OVER"),
        (ProblemKind::OtherLayers, "STAMP OF OTHER LAYERS"),
        (ProblemKind::WrongKey, "STAMP OF A WRONG KEY"),
        (ProblemKind::Unstamped, "NO STAMP"),
    ] {
        let mut custody = broken();
        custody.problems = vec![problem(Some(1), kind, "x")];
        let text = terminal(&custody, 80);
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let mut custody = broken();
    custody.handovers[1].keys = vec!["77aa00ff".into()];
    assert!(terminal(&custody, 80).contains("STAMPED BY TOO FEW: 77aa00ff"));
}

#[test]
fn a_layer_of_nobody_is_in_the_chain() {
    let mut custody = honest();
    let smuggled = layer("", '8', 4096, 1, 0);
    custody.layers.push(smuggled);
    custody.verdict = CustodyVerdict::Broken;
    let message = "it is of nobody, which is no role of the policy";
    custody.problems = vec![problem(Some(3), ProblemKind::Order, message)];
    let text = terminal(&custody, 80);
    assert!(text.contains("nobody"), "{text}");
    assert!(text.contains("IN NO HAND-OVER"), "{text}");
    assert!(text.contains("layer 3 of nobody is of no role"), "{text}");
    // A group whose layer was taken away is told of.
    custody.layers.truncate(2);
    custody.problems.clear();
    let text = terminal(&custody, 80);
    assert!(text.contains("application handed over and has no layer here"));
    let page = custody_page(&custody);
    assert!(page.contains("has no layer here"), "{page}");
}

#[test]
fn an_image_without_layers_is_shown() {
    for width in [60, 80] {
        let text = terminal(&none(), width);
        assert!(text.contains("Layers: none"), "{text}");
        assert!(text.contains("CUSTODY BROKEN: 1 thing is wrong"), "{text}");
    }
    assert!(custody_page(&none()).contains("The image has no layers."));
    assert!(shown("markdown", &in_report(none())).contains("It has no layers."));
}

#[test]
fn many_layers_hide_nothing_that_is_wrong() {
    let mut custody = broken();
    custody.layers = vec![layer("core", 'a', 1, 1, 1); 120];
    custody.handovers = vec![handover("core", 120, "1a2b3c4d")];
    custody.handovers[0].received_verified = None;
    custody.problems = vec![problem(
        Some(77),
        ProblemKind::Trespass,
        "/etc/x: not its own",
    )];
    let text = terminal(&custody, 80);
    let picture = text.split("The chain").nth(1).unwrap();
    assert!(picture.contains("layer 77: 1 B"), "{picture}");
    assert!(picture.contains("and 113 more in which nothing is wrong"));
    assert!(!picture.contains("layer 78:"));
    let page = custody_page(&custody);
    assert!(page.contains("and 111 more in which nothing is wrong"));
    assert_eq!(page.matches("<details").count(), 120);
}

#[test]
fn names_from_outside_are_text_on_a_terminal() {
    let long = "/opt/very/long/name".repeat(500);
    let blank = "word ".repeat(500);
    for name in NAMES.iter().copied().chain([&*long, &blank]) {
        for (colour, all) in [(false, false), (true, true)] {
            for width in [60, 80, 120] {
                let custody = hostile(name);
                let text = custody_terminal(&custody, &style(width, colour, all), true);
                let text = without_colour(&text);
                for line in text.lines() {
                    let columns = line.chars().count();
                    assert!(columns <= width, "{columns} > {width}: {line}");
                    assert!(!line.trim_start().starts_with("::"), "{line}");
                    assert!(!line.contains("##["), "{line}");
                }
                let odd = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
                assert!(!text.contains(odd), "{name:?}: {text:?}");
            }
        }
    }
    // What is shortened by default is whole when all is asked for.
    let text = custody_terminal(&hostile(&long), &style(80, false, true), false);
    let letters = |text: &str| {
        text.chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
    };
    assert!(letters(&text).contains(&letters(&escape(long.as_bytes()))));
}

#[test]
fn names_from_outside_are_text_on_a_page() {
    for name in NAMES {
        let custody = hostile(name);
        let page = custody_page(&custody);
        assert_eq!(page.matches("<script").count(), 0, "{name:?}");
        assert_eq!(page.matches("<style").count(), 1, "{name:?}");
        assert_eq!(page.matches("<img").count(), 0, "{name:?}");
        for tag in without_policy(&page).split('<').skip(1) {
            let tag = tag.split('>').next().unwrap();
            let names: String = tag.split('"').step_by(2).collect();
            assert!(!names.contains(" on") && !names.contains("style="), "{tag}");
        }
        let odd = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}' || c == '\u{ffff}');
        assert!(!page.contains(odd), "{name:?}");
        assert!(!page.contains("href=\"javascript"), "{name:?}");
        let report = in_report(custody);
        let page = shown("html", &report);
        assert_eq!(page.matches("<script").count(), 1, "{name:?}");
        let markdown = shown("markdown", &report);
        assert!(!markdown.contains("\n<script"), "{name:?}");
        for row in markdown.lines().filter(|line| line.contains("15 EiB")) {
            let bars = row.matches('|').count() - row.matches("\\|").count();
            assert_eq!(bars, 8, "{row}");
        }
    }
}

#[test]
fn a_report_with_custody_tells_it_in_every_form_for_people() {
    let report = in_report(broken());
    let text = shown("terminal", &report);
    let line = text.lines().find(|line| line.starts_with("CUSTODY"));
    let want = "CUSTODY BROKEN: 3 layers of core, middleware, application, 6 things are wrong";
    assert_eq!(line, Some(want));
    let page = shown("html", &report);
    assert!(page.contains("href=\"#custody\""));
    assert!(page.contains("Custody broken"));
    assert!(!shown("html", &kept("tidy-web")).contains("href=\"#custody\""));
    let markdown = shown("markdown", &report);
    assert!(markdown.contains("### The image: custody broken"));
    let json = serde_json::to_string(&report).unwrap();
    let back: seaworthy::report::Report = serde_json::from_str(&json).unwrap();
    assert_eq!(back.custody, Some(broken()));
}

/// The manual shows the picture that the program draws.
#[test]
fn the_manual_shows_the_picture() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manual = std::fs::read_to_string(top.join("docs/images.md")).unwrap();
    let text = terminal(&broken(), 80);
    let from = text.find("The chain, from the bottom up").unwrap();
    let picture = text[from..].split("\n\n").next().unwrap();
    assert!(manual.contains(picture), "{picture}");
}

//! What the program reads of its own and of its users: the gate's settings, rules, saved reports.

use std::collections::BTreeSet;

use seaworthy::manifest::{self, Input, Storage, make};
use seaworthy::policy::{BASELINE, Baseline, CONFIG, Config};
use seaworthy::render::{FORMATS, Style};
use seaworthy::report::Report;
use seaworthy::rule::Rules;
use seaworthy::{diff, show};

use super::{Target, from};

pub(super) const GATE: Target = Target {
    name: "gate",
    reads: "the gate's settings and its baseline",
    from: &[
        from("sample-apps", "seaworthy.toml", b""),
        from("docs", ".toml", b""),
    ],
    words: &[
        b"[gate]\n",
        b"[[allow]]\n",
        b"rule = \"library-missing\"\n",
        b"paths = [\"/opt/**\"]\n",
        b"reason = \"a\"\n",
        b"until = 2030-01-01\n",
        b"code = \"moderate\"\n",
        b"fail-on = \"blocker\"\n",
        b"schema = 1\n",
        b"[[finding]]\n",
    ],
    run: gate,
};

fn gate(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let rules = BTreeSet::from(["library-missing"]);
    let _ = Config::read(CONFIG, &text, &rules);
    let _ = Baseline::read(BASELINE, &text);
}

pub(super) const RULES: Target = Target {
    name: "rules",
    reads: "rules of the user",
    from: &[from("rules", ".toml", b"")],
    words: &[
        b"id = \"a\"\n",
        b"title = \"a\"\n",
        b"severity = \"blocker\"\n",
        b"message = \"{path}\"\n",
        b"when = { fact = \"path\", under = [\"{prefix}\"] }\n",
        b"[[example]]\n",
        b"fires = true\n",
        b"facts = [",
    ],
    run: rules,
};

fn rules(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = Rules::load([("a.toml", &*text)]);
}

pub(super) const REPORT: Target = Target {
    name: "report",
    reads: "saved reports, through all manifests and forms",
    from: &[from("sample-apps", "expect/report.json", b"")],
    words: &[
        b"\"path\": \"/var/lib/a\"",
        b"\"class\": \"data\"",
        b"\"access\": \"rw\"",
        b"\\n",
        b"\\u0000",
        b"'\\''",
        b"$(touch /a)",
        b"\"mounts\": [",
        b"\"starts\": [",
        b"null",
        b"\"port\": 80",
        b"%",
        b": - #",
    ],
    run: report,
};

fn report(data: &[u8]) {
    let Ok(value) = serde_json::from_slice(data) else {
        return;
    };
    let Ok(report) = Report::from_json(value) else {
        return;
    };
    let input = Input {
        report: &report,
        image: None,
        start: None,
        content: None,
        secrets: false,
        parts: None,
        storage: Storage::Directories,
    };
    let targets: Vec<_> = manifest::TARGETS.iter().collect();
    let _ = make(&input, &targets);
    let style = Style::default();
    for format in FORMATS {
        let _ = (format.render)(&report, &style);
    }
    let same = diff::diff(&report, &report);
    assert!(same.is_empty(), "a report differs from itself");
    let _ = show::diff_text(&same, ["a", "b"], true, &style);
}

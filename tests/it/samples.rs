//! The sample applications: what the tool says of each is kept beside it and compared.
//!
//! `SEAWORTHY_BLESS=1 cargo test samples` writes what it says now; look at the difference before
//! it is kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use seaworthy::path::AppPath;
use seaworthy::render::{Style, by_name};
use seaworthy::report::{Report, Severity};
use seaworthy::tree::Progress;
use seaworthy::{Request, audit};

/// A sample with the scope in which it is audited.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    paths: &'static [&'static str],
    packages: &'static [&'static str],
}

/// Every folder of `sample-apps` stands here: a test sees to it.
pub(crate) const SAMPLES: &[Sample] = &[
    Sample {
        name: "cadview-suite",
        paths: &["/opt/cadview"],
        packages: &[],
    },
    Sample {
        name: "meter-daemon",
        paths: &["/opt/meterd"],
        packages: &[],
    },
    Sample {
        name: "nightly-batch",
        paths: &["/usr/local/batch"],
        packages: &[],
    },
    Sample {
        name: "order-server",
        paths: &["/opt/order-server"],
        packages: &[],
    },
    Sample {
        name: "tidy-web",
        paths: &[],
        packages: &["tidy-web"],
    },
    Sample {
        name: "timesheet-cgi",
        paths: &["/usr/local/timesheet"],
        packages: &[],
    },
];

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-apps")
        .join(name)
}

/// A copy of a root with the modes that git does not keep.
pub(crate) fn copied(from: &Path) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let copy = tempfile::tempdir().unwrap();
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let to = copy.path().join(entry.path().strip_prefix(from).unwrap());
        let kind = entry.file_type();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), &to).unwrap();
            continue;
        }
        let mode = if kind.is_dir() {
            std::fs::create_dir_all(&to).unwrap();
            0o755
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
            let runs = entry.metadata().unwrap().permissions().mode() & 0o100 != 0;
            if runs { 0o755 } else { 0o644 }
        };
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    copy
}

pub(crate) fn report(sample: &Sample) -> Report {
    let root = copied(&folder(sample.name).join("root"));
    let request = Request {
        root: root.path().to_owned(),
        paths: sample.paths.iter().map(AppPath::new).collect(),
        packages: sample
            .packages
            .iter()
            .map(|&name| name.to_owned())
            .collect(),
        ..Request::default()
    };
    audit(&request, &Progress::default()).unwrap()
}

/// The report on the sample called `name`.
pub(crate) fn report_of(name: &str) -> Report {
    report(SAMPLES.iter().find(|sample| sample.name == name).unwrap())
}

/// Owners differ from one checkout to another: the files belong to whoever made it.
pub(crate) fn without_owners(mut report: Report) -> Report {
    for entry in &mut report.paths {
        if let Some(disk) = &mut entry.on_disk {
            (disk.uid, disk.gid) = (0, 0);
        }
    }
    for mount in &mut report.plan.mounts {
        if mount.size_bytes.is_some() {
            (mount.uid, mount.gid) = (Some(0), Some(0));
        }
    }
    report
}

#[test]
fn every_sample_is_listed_and_told_about() {
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(folder("")).unwrap() {
        let entry = entry.unwrap();
        if entry.path().join("root").is_dir() {
            let name = entry.file_name().into_string().unwrap();
            assert!(
                entry.path().join("ABOUT.md").is_file(),
                "{name} has no ABOUT.md"
            );
            folders.insert(name);
        }
    }
    let listed: BTreeSet<String> = SAMPLES
        .iter()
        .map(|sample| sample.name.to_owned())
        .collect();
    assert_eq!(folders, listed);
    assert!(listed.len() >= 6);
}

#[test]
fn every_sample_gives_the_report_that_is_kept_beside_it() {
    let mut wrong = Vec::new();
    for sample in SAMPLES {
        let report = without_owners(report(sample));
        for (format, file) in [("json", "report.json"), ("terminal", "report.txt")] {
            let format = by_name(format).unwrap();
            let text = (format.render)(&report, &Style::default());
            let kept = folder(sample.name).join("expect").join(file);
            if std::env::var_os("SEAWORTHY_BLESS").is_some() {
                std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
                std::fs::write(&kept, &text).unwrap();
            } else if std::fs::read_to_string(&kept).unwrap_or_default() != text {
                wrong.push(kept);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these differ from what the tool says now (SEAWORTHY_BLESS=1 rewrites them): {wrong:#?}"
    );
}

/// `expect/mounts.txt` is written by hand: what a good plan has, and after `# may:` what it may
/// have besides.
#[test]
fn every_sample_gets_the_mounts_that_its_author_asks_for() {
    use seaworthy::fact::name_of;
    let mut wrong = Vec::new();
    for sample in SAMPLES {
        let text = std::fs::read_to_string(folder(sample.name).join("expect/mounts.txt")).unwrap();
        let lines = |prefix: &str| -> BTreeSet<String> {
            text.lines()
                .filter_map(|line| line.strip_prefix(prefix))
                .filter(|line| line.starts_with('/'))
                .map(str::to_owned)
                .collect()
        };
        let (want, may) = (lines(""), lines("# may: "));
        assert!(want.len() > 2, "{}: no mounts were asked for", sample.name);
        let got: BTreeSet<String> = report(sample)
            .plan
            .mounts
            .iter()
            .map(|mount| {
                format!(
                    "{} {} {}",
                    mount.path,
                    name_of(mount.access),
                    name_of(mount.class)
                )
            })
            .collect();
        for missing in want.difference(&got) {
            wrong.push(format!("{}: missing {missing}", sample.name));
        }
        for extra in got.difference(&want).filter(|extra| !may.contains(*extra)) {
            wrong.push(format!("{}: not asked for {extra}", sample.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// `expect/findings.txt` is written by hand: dimension, place and fact of what must come out. A line
/// behind `# open: ` is known not to: when it does, the mark goes.
#[test]
fn every_sample_tells_the_facts_that_its_author_asks_for() {
    let holds = |report: &serde_json::Value, dimension: &str, place: &str| {
        let names = |value: &serde_json::Value| value.to_string().contains(place);
        let of = |key: &str| report[key].as_array().cloned().unwrap_or_default();
        let judged = [of("findings"), of("dimensions")].concat();
        let mut judged = judged.iter();
        judged.any(|one| one["dimension"] == dimension && names(one))
            || ["libraries", "modules", "programs", "packages", "floors"]
                .iter()
                .any(|key| names(&report[*key]))
            || names(&report["plan"])
    };
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for sample in SAMPLES {
        let file = folder(sample.name).join("expect/findings.txt");
        let report = serde_json::to_value(report(sample)).unwrap();
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let open = line.strip_prefix("# open: ");
            if open.is_none() && (line.starts_with('#') || line.is_empty()) {
                continue;
            }
            let parts: Vec<&str> = open.unwrap_or(line).split(" | ").collect();
            let [dimension, place, fact] = parts.as_slice() else {
                wrong.push(format!("{}: not three parts: {line}", sample.name));
                continue;
            };
            asked += 1;
            assert!(!fact.is_empty());
            if holds(&report, dimension, place) == open.is_some() {
                wrong.push(format!("{}: {line}", sample.name));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(asked > 90, "only {asked} lines");
}

#[test]
fn a_well_behaved_server_gives_no_finding_above_a_note() {
    let sample = SAMPLES
        .iter()
        .find(|sample| sample.name == "tidy-web")
        .unwrap();
    let report = report(sample);
    let loud: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.severity < Severity::Note)
        .collect();
    assert!(loud.is_empty(), "{loud:#?}");
}

/// What the README shows is what the first command prints.
#[test]
fn the_readme_shows_a_real_run() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(top.join("README.md")).unwrap();
    let block = readme.split("```text\n").nth(1).unwrap();
    let shown = block.split("\n…\n```").next().unwrap();
    let file = folder("meter-daemon").join("expect/report.txt");
    let printed = std::fs::read_to_string(file).unwrap();
    assert!(shown.lines().count() > 30);
    assert!(
        printed.starts_with(shown),
        "the README shows another run than meter-daemon's report"
    );
}

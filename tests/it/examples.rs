//! The worked examples of `docs/examples`: small trees of real software, its files as its documentation
//! shows them, with the grades that they get and why. `SEAWORTHY_BLESS=1 cargo test examples` writes them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use seaworthy::report::Report;

use crate::proven::audited;

const NAMES: [&str; 5] = ["dokuwiki", "etherpad", "redis", "roundcube", "rsync"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/examples")
        .join(name)
}

fn part(name: &str, file: &str) -> String {
    std::fs::read_to_string(folder(name).join(file)).unwrap()
}

/// What the report says, as a page.
fn page(name: &str, report: &Report) -> String {
    let mut text = part(name, "about.md");
    let scope = part(name, "scope");
    let scope = match scope.trim().split_once(' ') {
        Some((_, package)) => format!("--package {package}"),
        None => scope.trim().to_owned(),
    };
    let _ = write!(
        text,
        "\n    seaworthy scan --root tests/examples/{name}/root {scope}\n\n## The grades\n\n\
         | dimension | grade | because |\n| --- | --- | --- |\n"
    );
    for one in &report.dimensions {
        let grade = format!("{:?}", one.grade).to_lowercase();
        let dimension = format!("{:?}", one.dimension).to_lowercase();
        let _ = writeln!(text, "| {dimension} | {grade} | {} |", one.reason);
    }
    text.push_str("\n## Why\n\n");
    text.push_str(&part(name, "why.md"));
    text.push_str("\n## The plan\n\n");
    for mount in &report.plan.mounts {
        let access = format!("{:?}", mount.access).to_lowercase();
        let class = format!("{:?}", mount.class).to_lowercase();
        let _ = writeln!(text, "* mount `{}` ({access}, {class})", mount.path);
    }
    for port in &report.plan.ports {
        let address = port.address.as_deref().unwrap_or("every address");
        let role = format!("{:?}", port.role).to_lowercase();
        let _ = writeln!(
            text,
            "* port {}/{} on {address} ({role}), from `{}`",
            port.port, port.transport, port.because[0].at.file
        );
    }
    for start in &report.plan.start {
        let _ = writeln!(text, "* start `{}`", start.command.join(" "));
    }
    text
}

#[test]
fn every_worked_example_says_what_its_root_gives() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
    for name in NAMES {
        let text = page(name, &audited(&folder(name)));
        let file = docs.join(format!("{name}.md"));
        if std::env::var_os("SEAWORTHY_BLESS").is_some() {
            std::fs::create_dir_all(&docs).unwrap();
            std::fs::write(&file, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(kept, text, "SEAWORTHY_BLESS=1 rewrites {}", file.display());
    }
}

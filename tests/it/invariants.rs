//! What holds of every plan, over random small roots: what an image leaves out is mounted or named, a
//! mount's class is not less than what lies in it, and what the grades say is what is planned.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use seaworthy::custody::Policy;
use seaworthy::fact::{Access, Certainty, Class, Kind};
use seaworthy::image::{self, Selected, Source};
use seaworthy::link::host::Host;
use seaworthy::path::AppPath;
use seaworthy::report::{Dimension, Grade, PathEntry, Plan, Report};
use seaworthy::tree::{Progress, Root};
use seaworthy::{Request, audit};

const TOP: &str = "/opt/gauge";

/// Where something lies, is written, or is said to be.
const PLACES: [&str; 18] = [
    "/opt/gauge/data",
    "/opt/gauge/logs",
    "/opt/gauge/logs/queue",
    "/opt/gauge/work/jobs",
    "/opt/gauge/lib",
    "/opt/gauge/etc",
    "/opt/gauge/tmp",
    "/etc/gauge",
    "/var/lib/gauge",
    "/var/lib/gauge/queue",
    "/var/log/gauge",
    "/var/log/gauge/queue",
    "/var/cache/gauge",
    "/var/cache/gauge/store",
    "/run/gauge",
    "/srv/gauge/uploads",
    "/tmp/gauge",
    "/vol7/gauge/jobs",
];

/// Files: name, content and permission bits.
const FILES: [(&str, &[u8], u32); 14] = [
    ("gauge.log", b"2024-01-01 00:00:01 started\n", 0o644),
    (
        "books.db",
        b"SQLite format 3\0\x10\x00\x01\x01\x00\x40\x20\x20",
        0o600,
    ),
    ("gauge.pid", b"4711\n", 0o644),
    (
        "gauge.key",
        b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
        0o600,
    ),
    (
        "db.sh",
        b"#!/bin/sh\nDB_PASSWORD=k7Qz-not-a-real-one\n",
        0o755,
    ),
    (".env", b"API_TOKEN=k7Qz0not0real0one\n", 0o640),
    ("gauge.conf", b"mode = fast\n", 0o644),
    ("private.conf", b"mode = fast\n", 0o600),
    ("page.html", b"<p>hello</p>\n", 0o644),
    ("helper.sh", b"#!/bin/sh\necho hello\n", 0o755),
    ("message.0001", b"to: somebody\n\ntext\n", 0o600),
    ("table.csv", b"a;b\n1;2\n", 0o644),
    ("state.tmp", b"x", 0o644),
    ("trust.jks", b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\0", 0o640),
];

/// What a script does in a place.
const DOINGS: [&str; 8] = [
    "echo x >> @/out.dat",
    "mkdir -p @",
    "touch @/stamp",
    "rm -f @/old.lock",
    "cp /opt/gauge/etc/seed.csv @/seed.csv",
    "date > @/state.tmp && mv @/state.tmp @/state",
    "exec >> @/gauge.log 2>&1",
    "echo $$ > @/gauge.pid",
];

const KEYS: [&str; 9] = [
    "data_dir",
    "queue_dir",
    "log_dir",
    "log_file",
    "cache_dir",
    "temp_dir",
    "pid_file",
    "password_file",
    "upload_path",
];

const UNIT: [&str; 12] = [
    "User=svc",
    "DynamicUser=yes",
    "StateDirectory=gauge",
    "LogsDirectory=gauge",
    "CacheDirectory=gauge",
    "RuntimeDirectory=gauge",
    "WorkingDirectory=@",
    "ReadWritePaths=@",
    "EnvironmentFile=@/.env",
    "Environment=GAUGE_DATA=@",
    "ReadOnlyPaths=@",
    "PIDFile=@/gauge.pid",
];

/// One thing about the application.
#[derive(Clone, Debug)]
enum Thing {
    File(&'static str, usize, bool),
    Does(&'static str, usize),
    Says(&'static str, usize),
    Unit(&'static str, usize),
    Tmpfiles(&'static str, bool),
    Logrotate(&'static str),
    Link(&'static str, &'static str),
}

fn things() -> impl Strategy<Value = Vec<Thing>> {
    let place = || prop::sample::select(PLACES.to_vec());
    let file = (place(), 0..FILES.len(), any::<bool>());
    let one = prop_oneof![
        4 => file.prop_map(|(place, file, own)| Thing::File(place, file, own)),
        4 => (place(), 0..DOINGS.len()).prop_map(|(place, does)| Thing::Does(place, does)),
        3 => (place(), 0..KEYS.len()).prop_map(|(place, key)| Thing::Says(place, key)),
        2 => (place(), 0..UNIT.len()).prop_map(|(place, key)| Thing::Unit(place, key)),
        1 => (place(), any::<bool>()).prop_map(|(place, own)| Thing::Tmpfiles(place, own)),
        1 => place().prop_map(Thing::Logrotate),
        1 => (place(), place()).prop_map(|(at, to)| Thing::Link(at, to)),
    ];
    prop::collection::vec(one, 1..10)
}

/// A root on disk.
struct Disk(TempDir);

impl Disk {
    fn new(things: &[Thing]) -> Self {
        let disk = Self(TempDir::new().unwrap());
        disk.file(
            "/etc/passwd",
            b"root:x:0:0:root:/root:/bin/sh\nsvc:x:900:901::/var/lib/gauge:/bin/false\n",
            0o644,
        );
        disk.file("/etc/group", b"root:x:0:\nsvc:x:901:\n", 0o644);
        disk.file(
            "/etc/os-release",
            b"ID=debian\nPRETTY_NAME=\"Debian\"\n",
            0o644,
        );
        disk.file("/bin/sh", b"#!/bin/sh\n", 0o755);
        disk.file("/opt/gauge/etc/seed.csv", b"a;b\n", 0o644);
        let mut script = "#!/bin/sh\n. /opt/gauge/etc/gauge.conf\n".to_owned();
        let mut settings = String::new();
        let mut unit = "[Service]\nExecStart=/opt/gauge/bin/gauged\n".to_owned();
        let mut tmpfiles = String::new();
        let mut logrotate = String::new();
        for thing in things {
            match thing {
                Thing::File(place, file, own) => {
                    let (name, bytes, mode) = FILES[*file];
                    disk.file(&format!("{place}/{name}"), bytes, mode);
                    if *own {
                        let path = disk.host(&format!("{place}/{name}"));
                        // Without the right to it, everything is whoever's runs the tests.
                        let _ = std::os::unix::fs::chown(path, Some(900), Some(901));
                    }
                }
                Thing::Does(place, does) => script += &(DOINGS[*does].replace('@', place) + "\n"),
                Thing::Says(place, key) => settings += &format!("{}={place}\n", KEYS[*key]),
                Thing::Unit(place, key) => unit += &(UNIT[*key].replace('@', place) + "\n"),
                Thing::Tmpfiles(place, own) => {
                    let user = if *own { "svc svc" } else { "- -" };
                    tmpfiles += &format!("d {place} 0750 {user} -\n");
                }
                Thing::Logrotate(place) => {
                    logrotate += &format!("{place}/*.log {{\n  weekly\n}}\n");
                }
                Thing::Link(at, to) => {
                    let at = disk.host(&format!("{at}/link"));
                    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
                    let _ = symlink(to, at);
                }
            }
        }
        script += "sleep 9\n";
        disk.file("/opt/gauge/bin/gauged", script.as_bytes(), 0o755);
        disk.file("/opt/gauge/etc/gauge.conf", settings.as_bytes(), 0o644);
        disk.file("/etc/systemd/system/gauged.service", unit.as_bytes(), 0o644);
        if !tmpfiles.is_empty() {
            disk.file("/usr/lib/tmpfiles.d/gauge.conf", tmpfiles.as_bytes(), 0o644);
        }
        if !logrotate.is_empty() {
            disk.file("/etc/logrotate.d/gauge", logrotate.as_bytes(), 0o644);
        }
        disk
    }

    fn host(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    fn file(&self, path: &str, bytes: &[u8], mode: u32) {
        let host = self.host(path);
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::fs::write(&host, bytes).unwrap();
        std::fs::set_permissions(host, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn report(&self) -> Report {
        let request = Request {
            root: self.0.path().to_owned(),
            paths: vec![AppPath::new(TOP)],
            units: vec!["gauged.service".to_owned()],
            ..Request::default()
        };
        audit(&request, &Progress::default()).unwrap()
    }

    /// What goes into an image, and what is left out and neither mounted nor named by the plan.
    fn selected(&self, report: &Report) -> (Selected, BTreeSet<AppPath>) {
        let root = Root::open(self.0.path()).unwrap();
        let host = Host::read(&root);
        let source = Source {
            root: &root,
            host: &host,
            report,
        };
        let selected = image::select(&source, None, &[], &Policy::built_in()).unwrap();
        let told = image::unaccounted(&source, &selected.left);
        let told = told.map(|left| left.path.clone()).collect();
        (selected, told)
    }

    /// Every file and link below the application's own directory.
    fn files(&self) -> Vec<AppPath> {
        let root = self.0.path();
        let path = |path: &Path| {
            let inner = path.strip_prefix(root).unwrap();
            AppPath::new(format!("/{}", inner.display()))
        };
        walkdir::WalkDir::new(self.host(TOP))
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| !entry.file_type().is_dir())
            .map(|entry| path(entry.path()))
            .collect()
    }
}

/// Whether the plan mounts a path, or gives it in memory.
fn is_mounted(plan: &Plan, path: &AppPath) -> bool {
    let mut mounts = plan.mounts.iter().map(|mount| &mount.path);
    let mut scratch = plan.scratch.iter().map(|own| &own.path);
    mounts.any(|at| path.is_within(at)) || scratch.any(|at| path.is_within(at))
}

/// What could be lost is less than what is kept, and what is kept is filled from the old root.
fn rank(class: Class) -> u8 {
    match class {
        Class::Data | Class::Config | Class::Secret => 4,
        Class::Log => 3,
        Class::Cache => 2,
        Class::Runtime => 1,
        Class::Temp | Class::Code => 0,
    }
}

fn is_sure(entry: &&PathEntry) -> bool {
    entry.certainty > Certainty::Guessed && !entry.path.is_pattern()
}

/// What lies in a mount and is worth more than that.
fn lesser(report: &Report) -> Vec<String> {
    let mut found = Vec::new();
    for entry in report.paths.iter().filter(is_sure) {
        let around = report.plan.mounts.iter().rev();
        let mut around = around.filter(|mount| entry.path.is_within(&mount.path));
        let Some(mount) = around.next() else { continue };
        if entry.access == Access::Rw && rank(mount.class) < rank(entry.class) {
            found.push(format!(
                "{} ({:?}) lies in {} ({:?})",
                entry.path, entry.class, mount.path, mount.class
            ));
        }
    }
    found
}

/// What is neither in an image nor mounted nor named.
fn forgotten(disk: &Disk, report: &Report) -> Vec<String> {
    let (selected, told) = disk.selected(report);
    let taken: BTreeSet<&AppPath> = selected
        .parts
        .layers
        .iter()
        .flat_map(|part| &part.paths)
        .collect();
    let is_known = |path: &AppPath| {
        let mut left = report.plan.left_behind.iter();
        taken.contains(path)
            || is_mounted(&report.plan, path)
            || left.any(|left| path.is_within(&left.path))
            || told.contains(path)
    };
    let mut found: Vec<String> = disk
        .files()
        .into_iter()
        .filter(|path| !is_known(path))
        .map(|path| format!("{path} of the application"))
        .collect();
    // Elsewhere, what it is known to keep and to read.
    for entry in report.paths.iter().filter(is_sure) {
        let is_file = |disk: &seaworthy::report::OnDisk| disk.kind == Kind::File;
        let is_there = entry.on_disk.as_ref().is_some_and(is_file);
        if is_there && rank(entry.class) == 4 && !is_known(&entry.path) {
            found.push(format!("{} ({:?})", entry.path, entry.class));
        }
    }
    found
}

/// Where a grade's sentence and the plan say two things.
fn contradictions(report: &Report) -> Vec<String> {
    let plan = &report.plan;
    let of = |dimension: Dimension| {
        let mut all = report.dimensions.iter();
        all.find(|graded| graded.dimension == dimension).unwrap()
    };
    let mut found = Vec::new();
    let mut against = |dimension: Dimension, what: &AppPath| {
        found.push(format!("{what} against: {}", of(dimension).reason));
    };
    let data = of(Dimension::Data);
    let kept = plan.mounts.iter();
    let kept = kept.filter(|mount| mount.class == Class::Data && mount.access == Access::Rw);
    for mount in kept.filter(|mount| mount.certainty > Certainty::Guessed) {
        let nothing = ["nothing that must outlive", "nothing that it writes"];
        let denies = nothing.iter().any(|words| data.reason.contains(words));
        // Of a single place everything is part.
        let is_single = data.grade == Grade::Easy;
        let is_in = |place: &AppPath| mount.path.is_within(place) || place.is_within(&mount.path);
        if denies || is_single && !data.paths.iter().any(is_in) {
            against(Dimension::Data, &mount.path);
        }
    }
    let secrets = of(Dimension::Secrets);
    if secrets.reason.contains("no secret") {
        let mounts = plan
            .mounts
            .iter()
            .filter(|mount| mount.class == Class::Secret);
        let left = plan.left_behind.iter().map(|left| &left.path);
        let named = plan.secrets.iter().chain(left);
        for path in named.chain(mounts.map(|mount| &mount.path)) {
            against(Dimension::Secrets, path);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_every_root_nothing_is_lost_and_nothing_contradicts_itself(things in things()) {
        let disk = Disk::new(&things);
        let report = disk.report();
        let none: Vec<String> = Vec::new();
        prop_assert_eq!(lesser(&report), none.clone());
        prop_assert_eq!(forgotten(&disk, &report), none.clone());
        prop_assert_eq!(contradictions(&report), none);
    }
}

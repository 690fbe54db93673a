//! The command `migrate` and the scripts that stand in for it, from an old root to files where the
//! manifests look for them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An application with state and a setting.
struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let case = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        case.put(
            "root/opt/tern/bin/ternd",
            "#!/bin/sh\n. /etc/tern.conf\necho x >/var/lib/tern/eggs\nexec sleep 1\n",
        );
        fs::set_permissions(
            case.path("root/opt/tern/bin/ternd"),
            fs::Permissions::from_mode(0o755),
        )
        .unwrap();
        case.put(
            "root/etc/systemd/system/tern.service",
            "[Service]\nExecStart=/opt/tern/bin/ternd\nEnvironmentFile=/etc/tern.conf\n\
             StateDirectory=tern\n",
        );
        case.put("root/etc/tern.conf", "NEST=1\n");
        case.put("root/var/lib/tern/eggs", "three\n");
        case
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    fn put(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn tool(&self, name: &str, text: &str) {
        self.put(&format!("tools/{name}"), &format!("#!/bin/sh\n{text}"));
        let path = self.path(&format!("tools/{name}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, program: &Path, args: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap();
        Command::new(program)
            .args(args)
            .current_dir(self.dir.path())
            .env("PATH", format!("{}:{path}", self.path("tools").display()))
            .output()
            .unwrap()
    }

    fn migrate(&self, args: &[&str]) -> Output {
        let all = [&["migrate", "--root", "root", "/opt/tern"], args].concat();
        self.run(Path::new(env!("CARGO_BIN_EXE_seaworthy")), &all)
    }

    /// The scripts of `mounts`, for a target.
    fn scripts(&self, target: &str) {
        let all = [
            "mounts",
            "--root",
            "root",
            "/opt/tern",
            "-o",
            "m",
            "--target",
            target,
        ];
        let made = self.run(Path::new(env!("CARGO_BIN_EXE_seaworthy")), &all);
        assert_eq!(made.status.code(), Some(0), "{made:?}");
    }

    fn script(&self) -> Output {
        let args = ["m/migrate.sh", "-r", "root", "-b", "base"];
        self.run(Path::new("sh"), &args)
    }

    fn read(&self, below: &str) -> Option<String> {
        fs::read_to_string(self.path(below)).ok()
    }
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

#[test]
fn the_command_fills_what_the_manifests_mount() {
    let case = Case::new();
    let dry = case.migrate(&["--base", "base", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{dry:?}");
    assert!(said(&dry).contains("/var/lib/tern (state directory) → base/var-lib-tern: copied"));
    assert!(!case.path("base").exists());
    let made = case.migrate(&["--base", "base"]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert_eq!(
        case.read("base/var-lib-tern/eggs").as_deref(),
        Some("three\n")
    );
    assert_eq!(case.read("base/etc-tern-conf").as_deref(), Some("NEST=1\n"));
    // Nobody else on the host runs what is among old data.
    assert_eq!(
        fs::metadata(case.path("base")).unwrap().mode() & 0o777,
        0o700
    );
    let again = case.migrate(&["--base", "base"]);
    assert_eq!(again.status.code(), Some(0));
    assert!(said(&again).contains("filled before"), "{again:?}");
    let same = case.migrate(&["--base", "base", "--verify"]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    case.put("base/var-lib-tern/eggs", "four\n");
    let other = case.migrate(&["--base", "base", "--verify"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(
        said(&other).contains("/var/lib/tern/eggs: the volume: differs in"),
        "{other:?}"
    );
}

#[test]
fn a_volume_is_no_others_failure_and_some_can_be_chosen() {
    let case = Case::new();
    case.put("base/var-lib-tern/theirs", "x");
    let made = case.migrate(&["--base", "base"]);
    assert_eq!(made.status.code(), Some(1));
    assert!(
        said(&made).contains("holds something already (theirs)"),
        "{made:?}"
    );
    assert_eq!(case.read("base/etc-tern-conf").as_deref(), Some("NEST=1\n"));
    let one = case.migrate(&["--base", "other", "--volume", "etc-tern-conf"]);
    assert_eq!(one.status.code(), Some(0), "{one:?}");
    assert!(!case.path("other/var-lib-tern").exists());
    let none = case.migrate(&["--base", "other", "--volume", "etc-tern"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(said(&none).contains("etc-tern-conf"), "{none:?}");
}

#[test]
fn state_goes_into_volumes_of_an_engine() {
    let case = Case::new();
    let volumes = case.path("volumes");
    case.tool(
        "podman",
        &format!(
            "for last; do :; done\ncase $2 in\ninspect) [ -d {0}/$last/_data ] && \
             echo {0}/$last/_data ;;\ncreate) mkdir -p {0}/$last/_data ;;\nesac\n",
            volumes.display()
        ),
    );
    let made = case.migrate(&["--base", "base", "--to", "podman"]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let place = "volumes/tern-var-lib-tern/_data";
    assert_eq!(
        case.read(&format!("{place}/eggs")).as_deref(),
        Some("three\n")
    );
    assert!(case.path("volumes/tern-var-lib-tern/_data.mtree").exists());
    assert_eq!(case.read("base/etc-tern-conf").as_deref(), Some("NEST=1\n"));
    case.tool("podman", "echo 'no such engine' >&2; exit 125\n");
    let none = case.migrate(&["--base", "other", "--to", "podman"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(said(&none).contains("no such engine"), "{none:?}");
    assert!(case.path("other/etc-tern-conf").exists());
}

#[test]
fn arguments_that_mean_nothing_are_refused() {
    let case = Case::new();
    for (args, why) in [
        (&["-o", "x.tar"][..], "--to tar"),
        (&["--to", "tar", "--base", "base"][..], "--base"),
        (
            &["--to", "tar", "-o", "root/x.tar"][..],
            "inside the audited root",
        ),
        (&["--base", "root/volumes"][..], "inside the audited root"),
    ] {
        let refused = case.migrate(args);
        assert_eq!(refused.status.code(), Some(2), "{args:?} {refused:?}");
        assert!(said(&refused).contains(why), "{args:?} {refused:?}");
    }
    assert!(!case.path("root/volumes").exists());
}

#[test]
fn the_script_fills_the_same_and_takes_what_filesystems_make_for_nothing() {
    let case = Case::new();
    case.scripts("docker");
    fs::create_dir_all(case.path("base/var-lib-tern/lost+found")).unwrap();
    let made = case.script();
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert_eq!(
        case.read("base/var-lib-tern/eggs").as_deref(),
        Some("three\n")
    );
    assert_eq!(case.read("base/etc-tern-conf").as_deref(), Some("NEST=1\n"));
    let again = case.script();
    assert_eq!(again.status.code(), Some(1));
    assert!(
        said(&again).contains("holds something already"),
        "{again:?}"
    );
}

#[test]
fn the_script_fails_when_the_packing_side_of_its_pipe_does() {
    let case = Case::new();
    case.scripts("docker");
    let tar = Command::new("sh")
        .args(["-c", "command -v tar"])
        .output()
        .unwrap();
    let tar = String::from_utf8(tar.stdout).unwrap();
    case.tool(
        "tar",
        &format!(
            "case \" $* \" in *\" -cf - \"*) {0} \"$@\"; exit 2 ;; *) exec {0} \"$@\" ;; esac\n",
            tar.trim()
        ),
    );
    let made = case.script();
    assert_eq!(made.status.code(), Some(1), "{made:?}");
    assert!(said(&made).contains("cannot copy all of"), "{made:?}");
}

#[test]
fn the_script_follows_no_link_out_of_the_old_root() {
    let case = Case::new();
    case.scripts("docker");
    case.put("outside/eggs", "SECRET");
    fs::rename(
        case.path("root/var/lib/tern"),
        case.path("root/var/lib/was"),
    )
    .unwrap();
    symlink(case.path("outside"), case.path("root/var/lib/tern")).unwrap();
    fs::remove_file(case.path("root/etc/tern.conf")).unwrap();
    symlink(case.path("outside/eggs"), case.path("root/etc/tern.conf")).unwrap();
    let made = case.script();
    assert_eq!(made.status.code(), Some(1), "{made:?}");
    assert_eq!(case.read("base/var-lib-tern/eggs"), None);
    assert_eq!(case.read("base/etc-tern-conf"), None);
    // One that stays inside is followed.
    fs::remove_file(case.path("root/var/lib/tern")).unwrap();
    symlink("was", case.path("root/var/lib/tern")).unwrap();
    case.script();
    assert_eq!(
        case.read("base/var-lib-tern/eggs").as_deref(),
        Some("three\n")
    );
}

#[test]
fn the_archive_for_a_cluster_fits_the_claims_of_its_script() {
    let case = Case::new();
    case.put(
        "root/opt/tern/bin/ternd",
        "#!/bin/sh\n. /etc/tern.conf\necho x >/var/lib/tern/eggs\n\
         echo y >/opt/tern/bin/last.seen\nexec sleep 1\n",
    );
    case.put("root/opt/tern/bin/last.seen", "gull\n");
    case.scripts("k8s");
    let made = case.migrate(&["--to", "tar", "-o", "claims.tar"]);
    assert!(made.status.success(), "{made:?}");
    let mut archive = tar::Archive::new(fs::File::open(case.path("claims.tar")).unwrap());
    let entries: Vec<String> = (archive.entries().unwrap())
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    let script = fs::read_to_string(case.path("m/k8s/migrate.sh")).unwrap();
    let fills: Vec<[&str; 2]> = (script.lines())
        .filter_map(|line| {
            let mut words = line.strip_prefix('(')?.split(' ');
            Some([words.next()?, words.next()?])
        })
        .collect();
    assert!(
        fills.iter().any(|[kind, _]| *kind == "one_file"),
        "{script}"
    );
    assert!(
        fills.iter().any(|[kind, _]| *kind == "directory"),
        "{script}"
    );
    for [kind, name] in fills {
        let at = match kind {
            "one_file" => format!("files/{name}"),
            _ => format!("{name}/"),
        };
        assert!(entries.contains(&at), "{at}: {entries:?}");
    }
}

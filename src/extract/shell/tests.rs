//! Facts of scripts, one behaviour at a time.

use std::collections::BTreeMap;

use super::run_with;
use crate::extract::{Input, Out, extract};
use crate::fact::{Certainty, Fact, Need, Source, StartKind, Stat, Touch, What};
use crate::path::AppPath;

fn stat(size: usize) -> Stat {
    Stat::regular(size as u64, 0o755)
}

fn facts(path: &str, text: &str) -> Vec<Fact> {
    let (path, stat) = (AppPath::new(path), stat(text.len()));
    extract(&Input::new(
        &path,
        &stat,
        text.as_bytes(),
        &text.as_bytes().to_vec(),
    ))
    .facts
}

/// `touch path by source`.
fn paths(facts: &[Fact]) -> Vec<String> {
    let show = |fact: &Fact| match &fact.what {
        What::Path {
            path,
            touch,
            by,
            source,
            ..
        } => Some(format!("{touch:?} {path} {by} {source:?}")),
        _ => None,
    };
    facts.iter().filter_map(show).collect()
}

const INIT: &str = "#!/bin/sh
# pidfile: /var/run/appd.pid
. /etc/default/appd
DATA=${DATA:-/var/lib/appd}
start() {
  mkdir -p $DATA
  start-stop-daemon --start --chuid app --exec /opt/app/bin/appd -- --log=/var/log/appd.log
}
case \"$1\" in
  start) start ;;
  stop) rm -f /var/run/appd.pid; touch /var/lib/appd/stopped ;;
esac
";

#[test]
fn an_init_script_tells_program_user_and_paths() {
    let facts = facts("/etc/init.d/appd", INIT);
    let paths = paths(&facts);
    for want in [
        "Reads /etc/default/appd source Init",
        "Creates /var/lib/appd mkdir Init",
        "Writes /var/run/appd.pid pidfile Init",
        "Removes /var/run/appd.pid rm Init",
        "Names /var/log/appd.log --log Argument",
    ] {
        assert!(
            paths.iter().any(|path| path == want),
            "{want} not in {paths:#?}"
        );
    }
    assert!(!paths.iter().any(|path| path.contains("stopped")));
    let starts = What::Starts {
        program: AppPath::new("/opt/app/bin/appd"),
        args: vec!["--log=/var/log/appd.log".into()],
        how: StartKind::Init,
        name: "appd".into(),
        forks: Some(true),
        given: None,
    };
    assert!(facts.iter().any(|fact| fact.what == starts));
    assert!(
        facts
            .iter()
            .any(|fact| matches!(&fact.what, What::RunsAs { user, .. } if user == "app"))
    );
}

#[test]
fn variables_of_sourced_files_change_what_is_read() {
    let (path, stat) = (AppPath::new("/etc/init.d/appd"), stat(INIT.len()));
    let source = INIT.as_bytes().to_vec();
    let input = Input::new(&path, &stat, INIT.as_bytes(), &source);
    let vars = BTreeMap::from([("DATA".to_owned(), b"/srv/data".to_vec())]);
    let mut out = Out::default();
    run_with(&input, &vars, None, &mut out);
    let paths = paths(&out.facts);
    assert!(
        paths.contains(&"Creates /srv/data mkdir Init".to_owned()),
        "{paths:?}"
    );
}

#[test]
fn maintainer_scripts_create_on_configure_and_remove_on_purge() {
    let post = "#!/bin/sh\ncase $1 in configure) mkdir /var/lib/x;; abort-upgrade) touch /var/lib/y/z;; esac\nsu app -c /opt/x/init\n";
    let facts = facts("/var/lib/dpkg/info/x.postinst", post);
    assert_eq!(paths(&facts), ["Creates /var/lib/x mkdir Maintainer"]);
    assert!(
        !facts
            .iter()
            .any(|fact| matches!(fact.what, What::RunsAs { .. } | What::Starts { .. }))
    );
    let post = "#!/bin/sh\ntouch /var/cache/x/y\n[ \"$1\" = purge ] && rm -rf /var/lib/x\n";
    assert_eq!(
        paths(&self::facts("/var/lib/dpkg/info/x.postrm", post)),
        ["Removes /var/lib/x rm Maintainer"]
    );
}

#[test]
fn a_start_script_tells_java_options_and_environment() {
    let text = "#!/bin/bash
BASE=$(cd \"$(dirname \"$0\")/..\" && pwd)
export APP_HOME=$BASE DB_PASSWORD=hunter22
LD_LIBRARY_PATH=$BASE/lib:$LD_LIBRARY_PATH
JAVA_OPTS=\"$JAVA_OPTS -Dapp.data=$BASE/data -Xloggc:/var/log/app/gc.log -Dconf=file:$BASE/conf/a.xml\"
exec java $JAVA_OPTS -jar $BASE/lib/app.jar --port 80
";
    let facts = facts("/opt/app/bin/run.sh", text);
    let paths = paths(&facts);
    for want in [
        "Names /opt/app/data app.data Argument",
        "Names /var/log/app/gc.log -Xloggc Argument",
        "Names /opt/app/conf/a.xml conf Argument",
        "Names /opt/app/lib/app.jar -jar Argument",
    ] {
        assert!(
            paths.iter().any(|path| path == want),
            "{want} not in {paths:#?}"
        );
    }
    assert!(facts.iter().any(|fact| matches!(&fact.what,
        What::SearchPath { value, .. } if value == "/opt/app/lib")));
    assert!(facts.iter().any(|fact| matches!(&fact.what,
        What::Secret { key: Some(key), .. } if key == "DB_PASSWORD")));
    assert!(!format!("{facts:?}").contains("hunter22"));
    assert!(facts.iter().any(|fact| fact.certainty == Certainty::Guessed
        && matches!(&fact.what, What::Starts { program, how: StartKind::Script, .. }
            if *program == AppPath::new("/usr/bin/java"))));
}

#[test]
fn calls_and_needs_are_told_without_secrets() {
    let text = "#!/bin/sh
ulimit -n 65536
modprobe nf_conntrack
echo 1 > /proc/sys/net/ipv4/ip_forward
curl -u me:secret1 http://h/x | sh
openssl req -new -x509 -keyout /opt/a/k.pem -passout pass:secret2
systemctl restart other
cat /dev/ttyS0
";
    let facts = facts("/opt/a/x.sh", text);
    let shown = format!("{facts:?}");
    assert!(
        !shown.contains("secret1") && !shown.contains("secret2"),
        "{shown}"
    );
    for (need, name) in [
        (Need::Limit, "nofile"),
        (Need::Module, "nf_conntrack"),
        (Need::Sysctl, "net.ipv4.ip_forward"),
        (Need::HostService, "systemctl"),
        (Need::Device, "/dev/ttyS0"),
    ] {
        let what = What::Needs {
            need,
            name: name.into(),
        };
        assert!(facts.iter().any(|fact| fact.what == what), "{name}");
    }
    assert!(facts.iter().any(|fact| matches!(&fact.what,
        What::Calls { command, args } if command == "curl" && args.ends_with("| sh"))));
}

#[test]
fn a_framed_init_script_starts_what_its_variables_name() {
    let text = "#!/lib/init/init-d-script\nDAEMON=/usr/sbin/appd\nPIDFILE=/run/appd.pid\nDAEMON_ARGS='-c /etc/a.conf'\n";
    let facts = facts("/etc/init.d/appd", text);
    assert!(paths(&facts).contains(&"Writes /run/appd.pid PIDFILE Init".to_owned()));
    assert!(facts.iter().any(|fact| matches!(&fact.what,
        What::Starts { program, args, .. }
            if *program == AppPath::new("/usr/sbin/appd") && args.len() == 2)));
}

#[test]
fn a_self_extracting_installer_is_known() {
    let mut text = b"#!/bin/sh\ntail -n +3 $0 | tar x\nexit\n".to_vec();
    text.extend_from_slice(&[0; 9000]);
    let (path, stat) = (AppPath::new("/opt/app-installer.sh"), stat(text.len()));
    let out = extract(&Input::new(&path, &stat, &text[..4096], &text));
    let traits = out.facts.iter().find_map(|fact| match &fact.what {
        What::Program { traits, .. } => Some(traits.join(",")),
        _ => None,
    });
    assert_eq!(traits.as_deref(), Some("installer,self-extracting"));
}

#[test]
fn a_fault_is_an_issue_and_its_facts_are_guesses() {
    let text = "#!/bin/sh\nfi\ntouch /var/lib/x/y\n";
    let (path, stat) = (AppPath::new("/opt/x.sh"), stat(text.len()));
    let out = extract(&Input::new(
        &path,
        &stat,
        text.as_bytes(),
        &text.as_bytes().to_vec(),
    ));
    assert_eq!(out.issues.len(), 1);
    assert!(
        out.facts
            .iter()
            .any(|fact| fact.certainty == Certainty::Guessed
                && matches!(
                    fact.what,
                    What::Path {
                        touch: Touch::Creates,
                        source: Source::Script,
                        ..
                    }
                ))
    );
}

#[test]
fn hosts_of_remote_commands_and_passwords_among_arguments_are_told() {
    let text = "#!/bin/sh
scp -q -i /opt/a/key app@10.0.0.2:/out/x /opt/a/in/
ssh -p 22 -i /opt/a/key app@files.invalid 'rm /out/x'
exec /opt/a/bin/java -Dstore.password=not-a-real-one-7 -Dname=x /opt/a/app.jar
";
    let facts = facts("/opt/a/x.sh", text);
    for to in ["10.0.0.2", "files.invalid"] {
        let what = What::Talks {
            service: "ssh".into(),
            to: to.into(),
        };
        assert!(facts.iter().any(|fact| fact.what == what), "{to}");
    }
    assert!(facts.iter().any(|fact| matches!(&fact.what,
        What::Secret { key: Some(key), .. } if key == "store.password")));
    assert!(
        !format!("{facts:?}").contains("not-a-real-one"),
        "{facts:?}"
    );
}

#[test]
fn a_label_is_no_password() {
    let facts = facts(
        "/opt/a/x.sh",
        "#!/bin/sh\nPASSWORD=\"User-Password\"\nuse $PASSWORD\n",
    );
    assert!(
        !facts
            .iter()
            .any(|fact| matches!(fact.what, What::Secret { .. }))
    );
}

#[test]
fn every_command_of_the_table_is_told_from_a_script() {
    use crate::knowledge::commands;
    let told = |line: &str, name: &str| {
        let text = format!("#!/bin/sh\n{line}\nexec /opt/app/bin/appd\n");
        let found = facts("/opt/app/bin/run", &text);
        found
            .iter()
            .any(|fact| matches!(&fact.what, What::Calls { command, .. } if command == name))
    };
    let silent: Vec<&str> = commands::names()
        .filter(|name| {
            let examples = commands::command(name).unwrap().examples(name);
            !examples.iter().any(|line| told(line, name))
        })
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

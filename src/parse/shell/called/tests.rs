//! Scripts as the system calls them: what each starts, and with what.

use super::*;

struct Files(&'static [(&'static str, &'static str)]);

impl World for Files {
    fn text(&self, path: &[u8]) -> Option<Vec<u8>> {
        let found = self.0.iter().find(|(name, _)| name.as_bytes() == path);
        found.map(|(_, text)| text.as_bytes().to_vec())
    }

    fn holds(&self, _: u8, path: &[u8]) -> Option<bool> {
        Some(self.text(path).is_some())
    }

    fn home(&self, user: &[u8]) -> Option<Vec<u8>> {
        Some([b"/home/", user].concat())
    }

    fn matches(&self, pattern: &[u8]) -> Vec<Vec<u8>> {
        let names = self.0.iter().map(|(name, _)| name.as_bytes());
        names
            .filter(|name| super::super::truth::fits(pattern, name))
            .map(<[u8]>::to_vec)
            .collect()
    }
}

fn called(text: &str, args: &[&str], files: &'static [(&'static str, &'static str)]) -> Called {
    let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
    call(&Call {
        text: text.as_bytes(),
        script: Some(b"/etc/init.d/a"),
        args: &args,
        user: b"root",
        dir: None,
        vars: &BTreeMap::new(),
        world: &Files(files),
    })
}

fn shown(called: &Called) -> Vec<String> {
    let show = |started: &Started| {
        let run = &started.run;
        let words: Vec<_> = run.argv.iter().map(|word| text(word)).collect();
        let mut line = words.join(" ");
        for (name, value) in &run.env {
            line = format!("{name}={} {line}", text(value));
        }
        if let Some(user) = &run.user {
            line = format!("{}: {line}", text(user));
        }
        if let Some(dir) = &run.dir {
            line = format!("{line} in {}", text(dir));
        }
        format!("{line} {:?}", run.way)
    };
    called.started.iter().map(show).collect()
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

#[test]
fn the_arm_of_the_action_is_taken_and_no_other() {
    let script = "start() { /opt/a/d -x $1; }\ncase \"$1\" in\nstart) start now ;;\n\
                  restart) $0 stop; $0 start ;;\nesac\n";
    assert_eq!(
        shown(&called(script, &["start"], &[])),
        ["/opt/a/d -x now Last"]
    );
    assert_eq!(
        shown(&called(script, &["restart"], &[])),
        ["/etc/init.d/a stop Plain", "/etc/init.d/a start Last"]
    );
}

#[test]
fn what_is_sourced_comes_before_a_default() {
    let script = ". /etc/default/a\n[ -z \"$HOME_DIR\" ] && HOME_DIR=/opt/a\n\
                  : ${OPTS:=-q}\nif [ -n \"$EXTRA\" ]; then OPTS=\"$OPTS $EXTRA\"; fi\n\
                  export CONF\nsu - app -c \"$HOME_DIR/d $OPTS\" &\n";
    let files = &[(
        "/etc/default/a",
        "HOME_DIR=/srv/a\nCONF=/etc/a.conf\nOPTS='-v -w'\n",
    )];
    assert_eq!(
        shown(&called(script, &["start"], files)),
        ["app: CONF=/etc/a.conf /srv/a/d -v -w in /home/app Background"]
    );
    assert_eq!(
        shown(&called(script, &["start"], &[])),
        ["app: /opt/a/d -q in /home/app Background"]
    );
}

#[test]
fn what_is_known_to_end_the_script_ends_it() {
    let script = "[ -x /opt/a/d ] || exit 0\ncd /opt/a\nexec ./d -f\n/opt/a/never\n";
    let there = called(script, &[], &[("/opt/a/d", "")]);
    assert_eq!(shown(&there), ["/opt/a/d -f in /opt/a Exec"]);
    assert_eq!(there.front, Some(0));
    assert!(called(script, &[], &[]).started.is_empty());
}

#[test]
fn a_condition_that_is_not_known_leaves_both_ways() {
    let script = "if grep -q x /etc/y; then /opt/a/one; exit 0; fi\n/opt/a/two\n";
    let found = called(script, &[], &[]);
    assert_eq!(shown(&found), ["/opt/a/one Plain", "/opt/a/two Last"]);
}

#[test]
fn a_script_may_wait_for_what_it_started() {
    assert!(called("/opt/a/d &\nwait\n", &[], &[]).waits);
    assert!(called("while true; do /opt/a/d; sleep 1; done\n", &[], &[]).waits);
    let leaves = called("nohup /opt/a/d >/dev/null 2>&1 &\necho started\n", &[], &[]);
    assert!(!leaves.waits && leaves.front.is_none(), "{leaves:?}");
}

#[test]
fn a_list_for_the_shell_is_read_in_place() {
    let files = &[(
        "/srv/list",
        "LD_LIBRARY_PATH=/srv/lib; export LD_LIBRARY_PATH; /srv/one -D\n/srv/two -D\n",
    )];
    struct NoPrograms(Files);
    impl World for NoPrograms {
        fn text(&self, path: &[u8]) -> Option<Vec<u8>> {
            self.0.text(path)
        }
        fn holds(&self, test: u8, path: &[u8]) -> Option<bool> {
            if test == b'x' {
                Some(false)
            } else {
                self.0.holds(test, path)
            }
        }
        fn home(&self, _: &[u8]) -> Option<Vec<u8>> {
            None
        }
        fn matches(&self, _: &[u8]) -> Vec<Vec<u8>> {
            Vec::new()
        }
    }
    let found = call(&Call {
        text: b"sh /srv/list\n",
        script: None,
        args: &[],
        user: b"root",
        dir: None,
        vars: &BTreeMap::new(),
        world: &NoPrograms(Files(files)),
    });
    let lines = shown(&found);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("LD_LIBRARY_PATH=/srv/lib /srv/one -D"),
        "{lines:?}"
    );
    assert_eq!(found.started[0].file.as_deref(), Some(&b"/srv/list"[..]));
}

proptest::proptest! {
    #[test]
    fn any_call_ends(script in r#"(if|then|fi|case|in|esac|\$1|[{}()&|;"' \n]|exit|/a/b|\[ -f x \]){0,60}"#) {
        let _ = called(&script, &["start"], &[]);
    }
}

//! What scripts are read as, one behaviour at a time; and that no text breaks the reader.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::op::{Act, Deed, Op, Script, Way};
use super::{Context, read, variables};

fn script(text: &str) -> Script {
    let context = Context {
        script: Some(b"/opt/app/bin/run.sh"),
        ..Context::default()
    };
    read(text.as_bytes(), &context)
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `line act path`, with the arms behind it.
fn paths(text: &str) -> Vec<String> {
    let show = |op: &Op| match &op.deed {
        Deed::Path { act, path } => {
            let arms = if op.arms.is_empty() {
                String::new()
            } else {
                format!(" [{}]", op.arms.join("|"))
            };
            Some(format!("{} {act:?} {}{arms}", op.line, utf8(path)))
        }
        _ => None,
    };
    script(text).ops.iter().filter_map(show).collect()
}

/// The programs that are started: words, way, user, process id's file.
fn runs(text: &str) -> Vec<(String, Way, Option<String>, Option<String>)> {
    let show = |op: &Op| match &op.deed {
        Deed::Run(run) => {
            let argv: Vec<String> = run.argv.iter().map(|word| utf8(word)).collect();
            let user = run.user.as_deref().map(utf8);
            let pidfile = run.pidfile.as_deref().map(utf8);
            Some((argv.join(" "), run.way, user, pidfile))
        }
        _ => None,
    };
    script(text).ops.iter().filter_map(show).collect()
}

fn run(argv: &str, way: Way) -> (String, Way, Option<String>, Option<String>) {
    (argv.to_owned(), way, None, None)
}

#[test]
fn redirections_write_and_read() {
    assert_eq!(
        paths("echo a > /var/log/a\ncat < /etc/b 2>>/var/log/c >&2\ndate &> /var/log/d"),
        [
            "1 Writes /var/log/a",
            "2 Reads /etc/b",
            "2 Writes /var/log/c",
            "3 Writes /var/log/d"
        ]
    );
}

#[test]
fn commands_touch_their_operands() {
    for (line, want) in [
        (
            "mkdir -p -m 755 /a/{b,c}",
            "1 MakesDir /a/b;1 MakesDir /a/c",
        ),
        ("install -d -o u /a/b", "1 Grants /a/b;1 MakesDir /a/b"),
        ("install -m 644 x /a/b", "1 Reads x;1 Writes /a/b"),
        (
            "cp x y /a/",
            "1 Reads x;1 Reads y;1 Writes /a/x;1 Writes /a/y",
        ),
        ("cp -a /x /a", "1 Reads /x;1 WritesBelow /a"),
        ("mv /a/x /a/y", "1 Removes /a/x;1 Writes /a/y"),
        ("ln -sf /x/y /a/b", "1 Names /x/y;1 Creates /a/b"),
        ("touch -r /r /a", "1 Creates /a"),
        ("sed -i -e s/a/b/ /a", "1 Writes /a"),
        ("sed s/a/b/ /a", "1 Reads /a"),
        ("dd if=/a of=/b bs=1", "1 Reads /a;1 Writes /b"),
        ("chown -R u:g /a /b", "1 Grants /a;1 Grants /b"),
        ("tar -xzf /a.tgz -C /b", "1 Reads /a.tgz;1 WritesBelow /b"),
        ("tar czf /a.tgz x", "1 Writes /a.tgz"),
        ("[ -f /a/b ] || [ -d /a ]", "1 Names /a;1 Reads /a/b"),
        (
            "if [[ ( -f /a/b && $x != y ) || -d /a ]]; then touch /c; fi",
            "1 Names /a;1 Reads /a/b;1 Creates /c",
        ),
        (
            "find /a -name x -exec chown u {} \\;",
            "1 Names /a;1 Grants /a/*",
        ),
        (
            "f=$(mktemp /a/b.XXXXXX); rm $f",
            "1 Removes /a/b.*;1 Creates /a/b.*",
        ),
        (
            "dpkg-statoverride --update --add u g 0750 /a",
            "1 Grants /a",
        ),
        ("useradd -r -m -d /a/home u", "1 MakesDir /a/home"),
        (
            "openssl req -x509 -out /a.crt -keyout /a.key",
            "1 Writes /a.crt;1 Writes /a.key",
        ),
    ] {
        let mut want: Vec<_> = want.split(';').collect();
        let mut got = paths(line);
        want.sort_unstable();
        got.sort();
        assert_eq!(got, want, "{line}");
    }
}

#[test]
fn variables_fold_into_words() {
    for (text, want) in [
        ("A=/x; touch $A/y \"${A}/z\"", "/x/y;/x/z"),
        ("touch ${A:-/d}/y", "/d/y"),
        (": ${A:=/d}; touch $A/y", "/d/y"),
        ("A=/x/y; touch ${A%/*}/z", "/x/z"),
        ("A=/x/y.sh; touch /z/$(basename $A .sh)", "/z/y"),
        ("export A=/x; touch \"$A\"/y", "/x/y"),
        ("A=/x A=$A/y; touch $A", "/x/y"),
        ("A=b; A+=c; touch /$A", "/bc"),
        ("D='/a /b'; touch $D", "/a;/b"),
        ("D=(/a \"/b c\"); touch \"${D[@]}\"", "/a;/b c"),
        ("touch /x/$UNKNOWN.pid /x/$$", "/x/*;/x/*.pid"),
        ("touch '/x/$A' /y/\\$b", "/x/$A;/y/$b"),
        ("set -- /a /b; touch $2", "/b"),
    ] {
        let all = paths(text);
        let mut got: Vec<_> = all
            .iter()
            .filter_map(|op| op.split_once(" Creates "))
            .collect();
        got.sort_unstable();
        got.dedup();
        let got: Vec<_> = got.iter().map(|(_, path)| *path).collect();
        assert_eq!(got.join(";"), want, "{text}");
    }
}

#[test]
fn both_branches_give_values() {
    let text = "if [ -d /run ]; then R=/run; else R=/var/run; fi\n[ -z \"$L\" ] && L=/log\ntouch $R/x $L/y";
    let got = paths(text);
    for want in [
        "3 Creates /run/x",
        "3 Creates /var/run/x",
        "3 Creates /log/y",
    ] {
        assert!(got.iter().any(|op| op == want), "{want} not in {got:?}");
    }
}

#[test]
fn a_script_finds_its_own_place() {
    for text in [
        "D=$(dirname \"$0\"); touch $D/../x",
        "D=`dirname $0`/..; touch $D/x",
        "D=$(cd \"$(dirname \"$0\")/..\" && pwd); touch $D/x",
        "D=\"$( cd \"$( dirname \"${BASH_SOURCE[0]}\" )\" > /dev/null && pwd -P )\"/..; touch $D/x",
        "D=$(dirname $(readlink -f $0)); cd $D/..; touch x",
        "cd ${0%/*}/..; touch x",
        "P=\"$0\"; while [ -h \"$P\" ]; do l=`expr x`; P=`dirname \"$P\"`/\"$l\"; done; touch `dirname $P`/../x",
    ] {
        let got = paths(text);
        assert!(
            got.iter().any(|op| op == "1 Creates /opt/app/bin/../x"),
            "{text}: {got:?}"
        );
    }
}

#[test]
fn arms_tell_when_a_thing_happens() {
    assert_eq!(
        paths(
            "case \"$1\" in\nstart|restart) touch /a ;;\npurge)\n rm -r /b\n;; *) touch /c; esac\ntouch /d"
        ),
        [
            "2 Creates /a [start|restart]",
            "4 Removes /b [purge]",
            "5 Creates /c [*]",
            "6 Creates /d"
        ]
    );
    assert_eq!(
        paths(
            "action=$1\nif [ \"$action\" = purge ]; then\nrm /a\nelse\nrm /b\nfi\n[ \"x$1\" = xpurge ] && rm /c\n[ \"$1\" = a ] || [ \"$1\" = b ] && rm /d"
        ),
        [
            "3 Removes /a [purge]",
            "5 Removes /b",
            "7 Removes /c [purge]",
            "8 Removes /d [a|b]"
        ]
    );
}

#[test]
fn a_branch_for_another_name_of_the_script_does_not_know_its_name() {
    for (text, want) in [
        (
            "if test \"${0##*run-}\" != \"$0\"; then D=/etc/app-${0##*run-}; else D=/etc/app; fi; cat $D/x",
            "1 Reads /etc/app-*/x;1 Reads /etc/app/x",
        ),
        (
            "if [ ${0##*/} = run.sh ]; then cat $0.a; else cat $0.b; fi",
            "1 Reads /opt/app/bin/run.sh.a;1 Reads *.b",
        ),
        (
            "if [ ! -e /a ]; then cat $0.a; fi; cat $0.b",
            "1 Names /a;1 Reads /opt/app/bin/run.sh.a;1 Reads /opt/app/bin/run.sh.b",
        ),
        (
            "if [[ $0 == */run.sh ]]; then cat $0.a; else cat $0.b; fi",
            "1 Reads /opt/app/bin/run.sh.a;1 Reads /opt/app/bin/run.sh.b",
        ),
    ] {
        let mut got = paths(text);
        got.sort();
        let mut want: Vec<&str> = want.split(';').collect();
        want.sort_unstable();
        assert_eq!(got, want, "{text}");
    }
}

#[test]
fn perl_edits_with_a_text_and_runs_a_file() {
    let started =
        |text: &str| -> Vec<String> { runs(text).into_iter().map(|(argv, ..)| argv).collect() };
    assert_eq!(
        started("perl -Ilib -MTime::HiRes /opt/a/d.pl -e x &"),
        ["perl -Ilib -MTime::HiRes /opt/a/d.pl -e x"]
    );
    let service = "start-stop-daemon --start --exec /usr/bin/perl -- /opt/a/d.pl -p 1";
    assert_eq!(started(service), ["/usr/bin/perl /opt/a/d.pl -p 1"]);
    assert_eq!(
        paths("perl -pi -e 's/a/b/' /etc/a.conf"),
        ["1 Writes /etc/a.conf"]
    );
    for edit in [
        "perl -ne print /etc/a.conf",
        "perl -pie s/a/b/ /etc/a.conf",
        "perl -e 'print 1'",
    ] {
        assert!(started(edit).is_empty(), "{edit}");
    }
}

#[test]
fn branches_for_other_systems_are_passed_over() {
    let started =
        |text: &str| -> Vec<String> { runs(text).into_iter().map(|(argv, ..)| argv).collect() };
    let launcher = "darwin=false\nhome=/usr/lib/jvm\ncase \"`uname`\" in\n  CYGWIN*) exec /cygdrive/a ;;\n  \
        Darwin*) darwin=true; home=/System/Library/JavaVM ;;\nesac\nif $darwin; then /usr/libexec/java_home; fi\n\
        $home/bin/java -jar a.jar\n";
    assert_eq!(started(launcher), ["/usr/lib/jvm/bin/java -jar a.jar"]);
    let tested = "os=$(uname -s)\nif [ \"$os\" = SunOS ]; then /usr/xpg4/bin/d; elif [ \"$os\" = Linux ]; then /opt/a/d\n\
        else /opt/b/d; fi\n[[ $OSTYPE == darwin* ]] && /opt/c/d\n[ \"$os\" != Linux ] || /opt/e/d\n";
    assert_eq!(started(tested), ["/opt/a/d", "/opt/e/d"]);
    // What differs between machines of one system is not known, nor what a caller may set.
    let open = "case $(uname -m) in\n x86_64) /opt/a/d ;;\n *) /opt/b/d ;;\nesac\nDEBUG=false\nif $DEBUG; then /opt/c/d; fi\n\
        [ \"$1\" = Linux ] || /opt/e/d\n";
    assert_eq!(started(open).len(), 4);
    assert!(!variables(b"A=1\n", &BTreeMap::new(), &[]).contains_key("OSTYPE"));
}

#[test]
fn arms_reach_into_functions() {
    let text =
        "do_stop() { rm -f /run/x.pid; }\nhelp() { cat /h; }\ncase $1 in stop) do_stop ;; esac";
    let all = script(text).ops;
    let (first, last) = (&all[0], &all[1]);
    assert_eq!(
        (first.function.as_str(), first.arms.join("|")),
        ("do_stop", "stop".into())
    );
    assert_eq!(last.function, "help");
    assert!(last.arms.is_empty());
}

#[test]
fn functions_get_their_arguments() {
    assert_eq!(
        paths("mk() { mkdir -p \"$1/$2\"; for d in \"$@\"; do touch /t/$d; done; }\nmk /a b"),
        ["1 MakesDir /a/b", "1 Creates /t//a", "1 Creates /t/b"]
    );
}

#[test]
fn loops_take_each_word() {
    assert_eq!(
        paths("for d in a b; do mkdir /x/$d; done\nfor f in /y/*.conf; do cat $f; done"),
        ["1 MakesDir /x/a", "1 MakesDir /x/b", "2 Reads /y/*.conf"]
    );
}

#[test]
fn cd_gives_relative_paths_their_base() {
    assert_eq!(
        paths("cd /a/b || exit 1\ntouch x ../y\n(cd /c; touch z)\ntouch w\ncd $U\ntouch v"),
        [
            "1 Names /a/b",
            "2 Creates /a/b/../y",
            "2 Creates /a/b/x",
            "3 Names /c",
            "3 Creates /c/z",
            "4 Creates /a/b/w",
            "6 Creates v"
        ]
    );
}

#[test]
fn services_are_started_in_their_way() {
    let text = "N=appd; P=/run/$N.pid
start-stop-daemon --start --quiet --pidfile $P --make-pidfile --background --chuid app:grp --exec /opt/app/bin/$N -- -c /etc/app.conf
start-stop-daemon -K -p $P
daemon --pidfile=$P --user app /opt/app/bin/d -x
su - app -c \"cd /opt/app && nohup ./bin/e -y > /var/log/e.log 2>&1 &\"
runuser -u app -- /opt/app/bin/f
exec sudo -u app env A=/b /opt/app/bin/g";
    let some = |text: &str| Some(text.to_owned());
    let pid = some("/run/appd.pid");
    assert_eq!(
        runs(text),
        [
            (
                "/opt/app/bin/appd -c /etc/app.conf".into(),
                Way::Background,
                some("app"),
                pid.clone()
            ),
            ("/opt/app/bin/d -x".into(), Way::Service, some("app"), pid),
            (
                "/opt/app/./bin/e -y".into(),
                Way::Background,
                some("app"),
                None
            ),
            ("su - app".into(), Way::Plain, None, None),
            ("/opt/app/bin/f".into(), Way::Plain, some("app"), None),
            ("runuser -u app".into(), Way::Plain, None, None),
            ("/opt/app/bin/g".into(), Way::Exec, some("app"), None),
            ("sudo -u app".into(), Way::Plain, None, None),
        ]
        .map(|run: (String, Way, Option<String>, Option<String>)| {
            let mut run = run;
            run.0 = run.0.replace("/./", "/");
            run
        })
    );
    assert!(paths(text).contains(&"2 Writes /run/appd.pid".to_owned()));
    assert!(paths(text).contains(&"5 Writes /var/log/e.log".to_owned()));
}

#[test]
fn the_last_command_is_told_apart() {
    assert_eq!(
        runs("/opt/a\nif x; then /opt/b; else /opt/c; fi\nexit $?"),
        [
            run("/opt/a", Way::Plain),
            run("/opt/b", Way::Last),
            run("/opt/c", Way::Last),
            run("x", Way::Plain)
        ]
    );
}

#[test]
fn here_documents_are_text_unless_a_shell_gets_them() {
    assert_eq!(
        paths("cat > /a <<EOF\nrm /x > /y\nEOF\nsu u <<-'END'\n\ttouch /b\n\tEND\ntouch /c"),
        ["1 Writes /a", "5 Creates /b", "7 Creates /c"]
    );
}

#[test]
fn functions_of_a_sourced_file_count_where_somebody_calls_them() {
    let text = b"set_up() { more; }\nmore() { DATA=/srv/data; }\nidle() { DATA=/srv/idle; }\n";
    let data = |callers: &[&[u8]]| variables(text, &BTreeMap::new(), callers).remove("DATA");
    assert_eq!(
        data(&[b"exit 0", b"set_up now"]),
        Some(b"/srv/data".to_vec())
    );
    assert_eq!(data(&[b"idle"]), Some(b"/srv/idle".to_vec()));
    assert_eq!(data(&[b"exit 0"]), None);
}

#[test]
fn sourced_files_are_named_and_their_variables_taken() {
    let text = "[ -r /etc/default/app ] && . /etc/default/app\ntouch $DATA/x";
    let vars = variables(
        b"# c\nBASE=/srv\nDATA=\"$BASE/data\" # x\n",
        &BTreeMap::new(),
        &[text.as_bytes()],
    );
    let context = Context {
        vars,
        ..Context::default()
    };
    let ops = read(text.as_bytes(), &context).ops;
    assert!(
        ops.iter()
            .any(|op| op.deed == Deed::Source(b"/etc/default/app".to_vec()))
    );
    let path = b"/srv/data/x".to_vec();
    assert!(ops.iter().any(|op| op.deed
        == Deed::Path {
            act: Act::Creates,
            path: path.clone()
        }));
}

#[test]
fn exported_variables_are_marked() {
    let set = |text: &str| -> Vec<(String, bool)> {
        let show = |op: Op| match op.deed {
            Deed::Set {
                name,
                value,
                exported,
            } => Some((format!("{name}={}", utf8(&value)), exported)),
            _ => None,
        };
        script(text).ops.into_iter().filter_map(show).collect()
    };
    assert_eq!(
        set("A=1\nexport A"),
        [("A=1".into(), false), ("A=1".into(), true)]
    );
    assert_eq!(
        set("export A=1"),
        [("A=1".into(), false), ("A=1".into(), true)]
    );
    assert_eq!(set("A=1 /opt/x"), [("A=1".into(), true)]);
}

#[test]
fn a_fault_costs_its_line_only() {
    let read = script("touch /a\nfi\ntouch /b ) touch\nif x; then touch /c\n");
    assert!(!read.faults.is_empty());
    let paths: Vec<_> = read
        .ops
        .iter()
        .filter_map(|op| match &op.deed {
            Deed::Path { path, .. } => Some((utf8(path), op.sure)),
            _ => None,
        })
        .collect();
    assert_eq!(
        paths,
        [
            ("/a".into(), true),
            ("/b".into(), false),
            ("/c".into(), false)
        ]
    );
}

#[test]
fn a_download_piped_into_a_shell_is_one_thing() {
    assert!(
        runs("curl -s http://x/y | sudo bash -s")
            .contains(&run("curl -s http://x/y | sh", Way::Plain))
    );
}

#[test]
fn what_is_behind_a_nul_is_data() {
    assert_eq!(paths("touch /a\n\0touch /b"), ["1 Creates /a"]);
}

#[test]
fn hostile_nesting_ends_soon() {
    for open in [
        "( ",
        "(( ",
        "$(",
        "`",
        "{ ",
        "if ",
        "if x; then ",
        "while ",
        "case x in a) ",
        "${a:-",
        "\"$(",
        "a=(",
        "f() ",
        "f() { ",
        "$((",
        "<(",
        "for x in a b c d; do ",
        "[[ ( ",
        "! ",
        "cat <<A ",
        "eval \"",
        "x=$x$x;x=$x$x;",
        "f() { f; f; }; f;",
        "a(){ b;b; };b(){ a;a; };a;",
        "[ $(",
    ] {
        let began = Instant::now();
        for times in [30, 3000] {
            let _ = read(open.repeat(times).as_bytes(), &Context::default());
        }
        let lines = format!("{open}\n").repeat(2000);
        let _ = read(lines.as_bytes(), &Context::default());
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{open}: {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn work_is_bounded_and_the_cut_is_told() {
    let deep: String = (0..8)
        .map(|n| format!("for v{n} in 1 2 3 4 5 6 7 8 9; do "))
        .collect();
    let text = format!("{deep} touch /$v0/$v1/$v2/$v3/$v4; {}", "done; ".repeat(8));
    assert!(script(&text).cut);
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&bytes, &Context::default());
    }

    #[test]
    fn no_mix_of_syntax_breaks_the_reader(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "if ", "then ", "fi\n", "case $1 in ", "a) ", ";; ", "esac\n", "$(", ")", "`", "\"", "'",
                "${x:-", "}", "{ ", "<<E\n", "E\n", "x=", "y ", "$x", " && ", " | ", " > /f", "f() ",
                "for i in ", "do ", "done\n", "[[ ", "]] ", "su u -c ", "\\", "((", "#c\n", "é", "*",
            ]),
            0..60,
        )
    ) {
        let _ = read(pieces.concat().as_bytes(), &Context::default());
    }
}

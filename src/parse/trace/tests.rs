//! Small logs of every form, and hostile ones.

use std::io::Cursor;

use super::{Form, Ground, ReadError, Source, Trace, read};
use crate::path::AppPath;

fn is_shell(name: &[u8]) -> bool {
    matches!(name, b"sh" | b"python3")
}

fn try_read(logs: &[(&str, &[u8])], top: Option<&str>) -> Result<Trace, (usize, ReadError)> {
    let ground = Ground {
        runs_scripts: is_shell,
        top: top.map(AppPath::new),
    };
    type Open<'a> = Box<dyn Fn() -> std::io::Result<Box<dyn std::io::Read>> + 'a>;
    let opens: Vec<Open<'_>> = logs
        .iter()
        .map(|(_, text)| -> Open<'_> {
            let text = text.to_vec();
            Box::new(move || Ok(Box::new(Cursor::new(text.clone()))))
        })
        .collect();
    let sources: Vec<Source<'_>> = logs
        .iter()
        .zip(&opens)
        .map(|((name, _), open)| Source {
            name: (*name).to_owned(),
            open,
        })
        .collect();
    read(&sources, &ground)
}

fn trace(text: &str) -> Trace {
    try_read(&[("log", text.as_bytes())], None).unwrap()
}

/// What was done, a line for each deed: path, deed, call, program, count.
fn told(trace: &Trace) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, uses) in trace.store.paths() {
        for done in uses {
            let program = trace.store.doer(done.who).program.clone();
            let program = program.map_or("?".into(), |path| path.to_text().into_owned());
            let (deed, call, count) = (done.deed, done.call, done.count);
            lines.push(format!("{path} {deed:?} {call} {program} {count}"));
        }
    }
    lines
}

#[test]
fn relative_paths_are_placed_where_the_process_stands() {
    let log = r#"execve("/opt/app/run", ["run"], 0x7ffd /* 3 vars */) = 0
openat(AT_FDCWD, "early", O_RDONLY) = 3
chdir("/srv/app") = 0
openat(AT_FDCWD, "data/x.db", O_RDWR|O_CREAT, 0644) = 3
fchmod(3, 0600) = 0
openat(AT_FDCWD, "spool", O_RDONLY|O_DIRECTORY|O_CLOEXEC) = 4
dup2(4, 9) = 9
close(4) = 0
mkdirat(9, "q", 0700) = 0
mkdirat(4, "gone", 0700) = 0
openat(AT_FDCWD, "/etc/none", O_RDONLY) = -1 ENOENT (No such file or directory)
open("/var/log/x", O_WRONLY|O_APPEND) = -1 EROFS (Read-only file system)
rename("data/x.db", "../x.bak") = 0
"#;
    let trace = trace(log);
    assert_eq!(
        told(&trace),
        [
            "/opt/app/run Runs execve /opt/app/run 1",
            "/srv/app/data/x.db Writes openat O_RDWR|O_CREAT /opt/app/run 1",
            "/srv/app/data/x.db Grants fchmod /opt/app/run 1",
            "/srv/app/data/x.db Removes rename /opt/app/run 1",
            "/srv/app/spool Reads openat /opt/app/run 1",
            "/srv/app/spool/q Creates mkdirat /opt/app/run 1",
            "/srv/x.bak Writes rename /opt/app/run 1",
            "/var/log/x Writes open O_WRONLY /opt/app/run 1",
        ]
    );
    let tally = &trace.logs[0].tally;
    assert_eq!(
        (tally.lines, tally.not_understood, tally.unplaced),
        (13, 0, 2)
    );
}

#[test]
fn descriptors_with_their_paths_tell_the_same() {
    let plain = r#"7 execve("/usr/bin/app", ["app"], 0x1 /* 1 var */) = 0
7 chdir("/srv") = 0
7 openat(AT_FDCWD, "d", O_RDONLY|O_DIRECTORY) = 3
7 openat(3, "a", O_WRONLY|O_CREAT, 0644) = 4
7 ftruncate(4, 0) = 0
7 connect(5, {sa_family=AF_UNIX, sun_path="/run/db.sock"}, 110) = 0
7 connect(5, {sa_family=AF_UNIX, sun_path=@"hidden"}, 110) = 0
7 bind(6, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")}, 16) = 0
"#;
    let with_y = r#"7 execve("/usr/bin/app", ["app"], 0x1 /* 1 var */) = 0
7 chdir("/srv") = 0
7 openat(AT_FDCWD</srv>, "d", O_RDONLY|O_DIRECTORY) = 3</srv/d>
7 openat(3</srv/d>, "a", O_WRONLY|O_CREAT, 0644) = 4</srv/d/a>
7 ftruncate(4</srv/d/a>, 0) = 0
7 connect(5<UNIX:[1->2]>, {sa_family=AF_UNIX, sun_path="/run/db.sock"}, 110) = 0
7 connect(5<UNIX:[1->2]>, {sa_family=AF_UNIX, sun_path=@"hidden"}, 110) = 0
7 bind(6<TCP:[3]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")}, 16) = 0
"#;
    assert_eq!(told(&trace(plain)), told(&trace(with_y)));
    assert_eq!(told(&trace(plain)).len(), 5);
}

#[test]
fn children_inherit_and_broken_off_calls_are_joined() {
    let log = r#"10 execve("/usr/bin/app", ["app"], 0x1 /* 1 var */) = 0
10 chdir("/srv") = 0
10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD <unfinished ...>
11 openat(AT_FDCWD, "child", O_WRONLY|O_CREAT, 0644 <unfinished ...>
10 <... clone resumed>, child_tidptr=0x7f) = 11
11 <... openat resumed>) = 3
11 chdir("/tmp") = 0
11 openat(AT_FDCWD, "late.11", O_WRONLY|O_CREAT, 0644) = 3
10 openat(AT_FDCWD, "parent", O_WRONLY|O_CREAT, 0644) = 3
10 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 12
12 chdir("/var") = 0
12 openat(AT_FDCWD, "t.10", O_WRONLY|O_CREAT, 0644) = 3
10 openat(AT_FDCWD, "p", O_WRONLY|O_CREAT, 0644) = 3
11 execve("/bin/sh", ["sh", "-e", "/opt/x.sh", "/etc/y"], 0x1 /* 1 var */ <unfinished ...>
10 --- SIGCHLD {si_signo=SIGCHLD} ---
11 <... execve resumed>) = 0
11 unlink("/run/x") = 0
11 +++ exited with 0 +++
12 execve("/bin/ls", ["ls"], 0x1 /* 1 var */ <pid changed to 10 ...>
10 +++ superseded by execve in pid 12 +++
10 <... execve resumed>) = 0
10 unlink("/run/y") = 0
"#;
    let trace = trace(log);
    let writes: Vec<String> = told(&trace)
        .into_iter()
        .filter(|line| line.contains("O_CREAT") || line.contains("unlink"))
        .collect();
    assert_eq!(
        writes,
        [
            "/run/x Removes unlink /bin/sh 1",
            "/run/y Removes unlink /bin/ls 1",
            "/srv/child Writes openat O_WRONLY|O_CREAT /usr/bin/app 1",
            "/srv/parent Writes openat O_WRONLY|O_CREAT /usr/bin/app 1",
            "/tmp/late.{pid} Writes openat O_WRONLY|O_CREAT /usr/bin/app 1",
            "/var/p Writes openat O_WRONLY|O_CREAT /usr/bin/app 1",
            "/var/t.{pid} Writes openat O_WRONLY|O_CREAT /usr/bin/app 1",
        ]
    );
    let tally = &trace.logs[0].tally;
    assert_eq!((tally.processes, tally.not_understood), (3, 0));
    let shell = trace
        .store
        .doers()
        .find(|doer| doer.program == Some(AppPath::new("/bin/sh")));
    let shell = shell.unwrap();
    assert_eq!(shell.arguments, [AppPath::new("/opt/x.sh")]);
    let by = trace.store.doer(shell.by.unwrap());
    assert_eq!(by.program, Some(AppPath::new("/usr/bin/app")));
    assert_eq!(by.by, None);
}

#[test]
fn a_log_on_standard_error_cuts_lines_to_tell_of_processes() {
    let log = "execve(\"/usr/bin/app\", [\"app\"], 0x1 /* 1 var */) = 0\n\
        chdir(\"/srv\")                           = 0\n\
        clone(child_stack=NULL, flags=SIGCHLDstrace: Process 21 attached\n\
        , child_tidptr=0x7f) = 21\n\
        [pid    21] creat(\"a\", 0644 <unfinished ...>\n\
        [pid    20] creat(\"b\", 0644) = 3\n\
        [pid    21] <... creat resumed>) = 3\n\
        [pid    20] +++ exited with 0 +++\n\
        creat(\"c\", 0644) = 3\n\
        +++ exited with 0 +++\n";
    let trace = trace(log);
    let paths: Vec<String> = trace
        .store
        .paths()
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    assert_eq!(paths, ["/srv/a", "/srv/b", "/srv/c", "/usr/bin/app"]);
    let tally = &trace.logs[0].tally;
    assert_eq!((tally.processes, tally.not_understood), (2, 0));
}

#[test]
fn times_and_other_columns_are_no_hindrance() {
    for lead in [
        "7 12:00:01 ",
        "7 12:00:01.123456 ",
        "7 1700000000.123456 ",
        "[pid 7]      0.000012 ",
        "7<app> ",
        "7 [00007f1b2c3d4e5f] ",
        "12:00:01 ",
        "7 (+     0.000012) ",
    ] {
        let log = format!("{lead}mkdir(\"/srv/x\", 0700) = 0 <0.000010>\n");
        let trace = trace(&log);
        assert_eq!(told(&trace), ["/srv/x Creates mkdir ? 1"], "{lead}");
    }
}

#[test]
fn a_new_root_stands_before_every_path_and_the_audited_root_does_not() {
    let log = r#"1 chroot("/mnt/old") = 0
1 chdir("/") = 0
1 creat("/a", 0644) = 3
1 creat("../../b", 0644) = 3
1 chroot("jail") = 0
1 creat("/c", 0644) = 3
1 chroot("/cut"...) = 0
1 creat("/d", 0644) = 3
"#;
    let both = |top| {
        let trace = try_read(&[("log", log.as_bytes())], top).unwrap();
        let paths = trace.store.paths();
        let paths: Vec<String> = paths.iter().map(|(path, _)| path.to_string()).collect();
        (paths, trace.logs[0].tally.unplaced)
    };
    let all = ["/mnt/old/a", "/mnt/old/b", "/mnt/old/jail/c"].map(String::from);
    assert_eq!(both(None), (all.to_vec(), 2));
    let all = ["/a", "/b", "/jail/c"].map(String::from);
    assert_eq!(both(Some("/mnt/old")), (all.to_vec(), 2));
}

#[test]
fn the_parts_of_one_run_are_read_parents_first() {
    let child = br#"creat("in-child", 0644) = 3
"#;
    let parent = br#"execve("/usr/bin/app", ["app"], 0x1 /* 1 var */) = 0
chdir("/srv") = 0
fork() = 5
chdir("/tmp") = 0
creat("in-parent", 0644) = 3
"#;
    let logs: [(&str, &[u8]); 2] = [("log.5", child), ("log.9", parent)];
    let trace = try_read(&logs, None).unwrap();
    let paths: Vec<String> = told(&trace);
    assert_eq!(
        paths,
        [
            "/srv/in-child Writes creat O_WRONLY|O_CREAT|O_TRUNC /usr/bin/app 1",
            "/tmp/in-parent Writes creat O_WRONLY|O_CREAT|O_TRUNC /usr/bin/app 1",
            "/usr/bin/app Runs execve /usr/bin/app 1",
        ]
    );
    assert_eq!(trace.logs[0].name, "log.5");
}

#[test]
fn what_strace_cut_is_counted_and_not_used() {
    let log = "7 creat(\"/srv/very-lo\"..., 0644) = 3\n7 creat(\"/srv/x\", 0644) = 3\n";
    let trace = trace(log);
    assert_eq!(told(&trace).len(), 1);
    assert_eq!(trace.logs[0].tally.cut, 1);
}

const RAW: &str = r#"type=SYSCALL msg=audit(1700000000.100:41): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=7ffd a2=241 a3=1b6 items=2 ppid=1 pid=50 auid=0 uid=33 comm="app" exe="/usr/bin/app" key="t"
type=SYSCALL msg=audit(1700000000.101:42): arch=c000003e syscall=83 success=no exit=-13 a0=7f a1=1c0 a2=0 a3=0 items=1 ppid=50 pid=51 comm="sh" exe="/bin/dash"
type=CWD msg=audit(1700000000.100:41): cwd="/srv/app"
type=PATH msg=audit(1700000000.101:42): item=0 name="/var/lib/app" inode=1 nametype=PARENT
type=PATH msg=audit(1700000000.101:42): item=1 name=2F7661722F6C69622F61707020C3A9 nametype=UNKNOWN
type=PATH msg=audit(1700000000.100:41): item=0 name="./" inode=2 nametype=PARENT
type=PATH msg=audit(1700000000.100:41): item=1 name="data.log" inode=3 nametype=CREATE
type=PROCTITLE msg=audit(1700000000.100:41): proctitle="app"
type=EOE msg=audit(1700000000.100:41): 
type=EOE msg=audit(1700000000.101:42): 
type=SYSCALL msg=audit(1700000000.200:43): arch=c000003e syscall=42 success=yes exit=0 a0=3 ppid=1 pid=50 exe="/usr/bin/app"
type=SOCKADDR msg=audit(1700000000.200:43): saddr=01002F72756E2F782E736F636B00
type=EOE msg=audit(1700000000.200:43): 
type=SYSCALL msg=audit(1700000000.300:44): arch=c000003e syscall=257 success=yes exit=3 a0=5 a1=7ffd a2=0 a3=0 items=1 ppid=1 pid=50 exe="/usr/bin/app"
type=CWD msg=audit(1700000000.300:44): cwd="/srv/app"
type=PATH msg=audit(1700000000.300:44): item=0 name="below" nametype=NORMAL
type=EOE msg=audit(1700000000.300:44): 
type=SYSCALL msg=audit(1700000000.400:45): arch=c000003e syscall=82 success=yes exit=0 a0=5 a1=7 items=4 ppid=1 pid=50 exe="/usr/bin/app"
type=CWD msg=audit(1700000000.400:45): cwd="/srv/app"
type=PATH msg=audit(1700000000.400:45): item=0 name="/srv/app" nametype=PARENT
type=PATH msg=audit(1700000000.400:45): item=1 name="/srv/app" nametype=PARENT
type=PATH msg=audit(1700000000.400:45): item=2 name="old" nametype=DELETE
type=PATH msg=audit(1700000000.400:45): item=3 name="new" nametype=CREATE
"#;

const INTERPRETED: &str = r#"----
type=PROCTITLE msg=audit(11/14/2023 22:13:20.100:41) : proctitle=app
type=PATH msg=audit(11/14/2023 22:13:20.100:41) : item=1 name=data.log inode=3 nametype=CREATE
type=PATH msg=audit(11/14/2023 22:13:20.100:41) : item=0 name=./ inode=2 nametype=PARENT
type=CWD msg=audit(11/14/2023 22:13:20.100:41) : cwd=/srv/app
type=SYSCALL msg=audit(11/14/2023 22:13:20.100:41) : arch=x86_64 syscall=openat success=yes exit=3 a0=AT_FDCWD a1=0x7ffd a2=O_WRONLY|O_CREAT|O_TRUNC a3=0666 items=2 ppid=1 pid=50 comm=app exe=/usr/bin/app key=t
----
type=PATH msg=audit(11/14/2023 22:13:20.101:42) : item=1 name=/var/lib/app é nametype=UNKNOWN
type=SYSCALL msg=audit(11/14/2023 22:13:20.101:42) : arch=x86_64 syscall=mkdir success=no exit=EACCES(Permission denied) a0=0x7f a1=0700 items=1 ppid=50 pid=51 comm=sh exe=/bin/dash
----
type=SOCKADDR msg=audit(11/14/2023 22:13:20.200:43) : saddr={ saddr_fam=local path=/run/x.sock }
type=SYSCALL msg=audit(11/14/2023 22:13:20.200:43) : arch=x86_64 syscall=connect success=yes exit=0 a0=0x3 ppid=1 pid=50 exe=/usr/bin/app
----
type=PATH msg=audit(11/14/2023 22:13:20.300:44) : item=0 name=below nametype=NORMAL
type=CWD msg=audit(11/14/2023 22:13:20.300:44) : cwd=/srv/app
type=SYSCALL msg=audit(11/14/2023 22:13:20.300:44) : arch=x86_64 syscall=openat success=yes exit=3 a0=0x5 a1=0x7ffd a2=O_RDONLY a3=0x0 items=1 ppid=1 pid=50 exe=/usr/bin/app
----
type=PATH msg=audit(11/14/2023 22:13:20.400:45) : item=3 name=new nametype=CREATE
type=PATH msg=audit(11/14/2023 22:13:20.400:45) : item=2 name=old nametype=DELETE
type=PATH msg=audit(11/14/2023 22:13:20.400:45) : item=1 name=/srv/app nametype=PARENT
type=PATH msg=audit(11/14/2023 22:13:20.400:45) : item=0 name=/srv/app nametype=PARENT
type=CWD msg=audit(11/14/2023 22:13:20.400:45) : cwd=/srv/app
type=SYSCALL msg=audit(11/14/2023 22:13:20.400:45) : arch=x86_64 syscall=rename success=yes exit=0 a0=0x5 a1=0x7 items=4 ppid=1 pid=50 exe=/usr/bin/app
"#;

#[test]
fn an_audit_log_tells_the_same_raw_and_interpreted() {
    let raw = trace(RAW);
    assert_eq!(raw.logs[0].form, Form::Audit);
    assert_eq!(
        told(&raw),
        [
            "/run/x.sock Reads connect /usr/bin/app 1",
            "/srv/app/data.log Writes openat O_WRONLY|O_CREAT|O_TRUNC /usr/bin/app 1",
            "/srv/app/new Writes rename /usr/bin/app 1",
            "/srv/app/old Removes rename /usr/bin/app 1",
            "/var/lib/app é Names mkdir /bin/dash 1",
        ]
    );
    let tally = &raw.logs[0].tally;
    assert_eq!(
        (tally.unplaced, tally.not_understood, tally.processes),
        (1, 0, 2)
    );
    let interpreted = trace(INTERPRETED);
    assert_eq!(told(&interpreted), told(&raw));
    assert_eq!(interpreted.logs[0].tally.unplaced, 1);
    let shell = raw.store.doers().last().unwrap();
    assert_eq!(
        raw.store.doer(shell.by.unwrap()).program,
        Some(AppPath::new("/usr/bin/app"))
    );
}

#[test]
fn what_is_no_trace_is_refused_with_the_way_to_make_one() {
    for (text, word) in [
        (&b""[..], "empty"),
        (b"\x1f\x8b\x08rest", "unpack"),
        (b"int main(void)\n{ return 0; }\n", "strace -f -y -o FILE"),
        (b"\x00\x01\x02\xff", "ausearch -i"),
    ] {
        let (at, error) = try_read(&[("log", text)], None).unwrap_err();
        assert_eq!(at, 0);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn garbage_between_good_lines_is_counted() {
    let mut log = b"1 mkdir(\"/a\", 0700) = 0\n".to_vec();
    log.extend(b"\xff\x00garbage\n");
    log.extend(b"1 write(3, \"");
    log.extend(std::iter::repeat_n(b'x', 10 << 20));
    log.extend(b"\", 10) = 10\n1 mkdir(\"");
    log.extend(std::iter::repeat_n(b'y', 10 << 20));
    log.extend(b"\", 0700) = 0\n1 mkdir(\"/b\", 0700) = 0\n1 mkdir(\"/c\", 07");
    let trace = try_read(&[("log", &log)], None).unwrap();
    assert_eq!(told(&trace).len(), 2);
    let tally = &trace.logs[0].tally;
    assert_eq!(tally.lines, 6);
    assert_eq!(
        (tally.not_understood, &tally.examples[..]),
        (3, &[2, 4, 6][..])
    );
}

#[test]
fn a_fork_bomb_and_endless_names_end_within_bounds() {
    use std::fmt::Write as _;
    let mut log = String::from("1 execve(\"/bin/sh\", [\"sh\"], 0x1 /* 1 var */) = 0\n");
    for pid in 1..60_000 {
        let _ = writeln!(log, "{pid} chdir(\"/tmp/{pid}\") = 0");
        let _ = writeln!(log, "{pid} fork( <unfinished ...>");
        let _ = writeln!(
            log,
            "{} execve(\"/bin/p{pid}\", [\"sh\"], 0x1 /* 1 var */) = 0",
            pid + 1
        );
        let _ = writeln!(log, "{pid} <... fork resumed>) = {}", pid + 1);
        let _ = writeln!(log, "{pid} creat(\"/srv/app/{pid}/{pid}.x\", 0644) = 3");
    }
    let trace = trace(&log);
    let tally = &trace.logs[0].tally;
    assert_eq!(tally.processes, 60_000);
    assert!(tally.forgotten > 50_000);
    assert!(trace.store.doers().count() <= 4096);
    assert!(trace.store.collapsed > 0);
    assert!(trace.store.paths().len() < 2000);
}

#[test]
fn numbers_that_are_no_processes_are_not_taken_for_one() {
    let log = "99999999999 mkdir(\"/a\", 0700) = 0\n4294967295 mkdir(\"/b\", 0700) = 0\n\
        7 mkdir(\"/c\", 0700) = 0\n7 fork() = 99999999999\n7 fork() = 7\n7 fork() = -1 EAGAIN (x)\n";
    let trace = trace(log);
    assert_eq!(trace.logs[0].tally.processes, 1);
    assert!(told(&trace).iter().any(|line| line.starts_with("/c ")));
}

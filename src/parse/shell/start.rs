//! Commands that run other commands, and the shell's own.
//!
//! Each takes itself off the front and hands on the rest, with what it changes: the user, the
//! group, the process id's file, whether it goes into the background.

use super::super::op::{Act, Deed, Run, Way};
use super::super::value::{ACTION, HOLE, SPLIT, Value, fields, folded, hole, is_hole, seen_from};
use super::expand::{name_of, text};
use super::grammar::split_assignment;
use super::walk::Walk;

/// How many wrappers may stand before a command.
const MAX_WRAPPERS: usize = 12;

/// Wrappers: name, single letters that take a value, and how many operands come before the
/// command.
const WRAPPERS: &[(&str, &[u8], usize)] = &[
    ("authbind", b"", 0),
    ("builtin", b"", 0),
    ("busybox", b"", 0),
    ("catchsegv", b"", 0),
    ("cgexec", b"g", 0),
    ("chroot", b"", 1),
    ("chrt", b"TPD", 1),
    ("command", b"", 0),
    ("env", b"uCS", 0),
    ("exec", b"a", 0),
    ("gosu", b"", 1),
    ("ionice", b"cnp", 0),
    ("nice", b"n", 0),
    ("nohup", b"", 0),
    ("numactl", b"NmCpPi", 0),
    ("schedtool", b"pan", 0),
    ("setarch", b"", 0),
    ("setpriv", b"", 0),
    ("setsid", b"", 0),
    ("stdbuf", b"ioe", 0),
    ("su-exec", b"", 1),
    ("sudo", b"ughpCrtTU", 0),
    ("taskset", b"", 1),
    ("time", b"fo", 0),
    ("timeout", b"ks", 1),
    ("unshare", b"", 0),
    ("xargs", b"aIEnLPsd", 0),
    ("xvfb-run", b"efnpsw", 0),
];

const SHELLS: &[&[u8]] = &[b"sh", b"bash", b"dash", b"ksh", b"ash", b"zsh"];

impl Walk<'_> {
    /// A command with its words.
    pub(super) fn start(&mut self, argv: &[Value], background: bool) {
        let way = if background {
            Way::Background
        } else if self.tail {
            Way::Last
        } else {
            Way::Plain
        };
        let run = Run {
            argv: argv.to_vec(),
            way,
            ..Run::default()
        };
        self.start_run(run, MAX_WRAPPERS);
    }

    fn start_run(&mut self, mut run: Run, wrappers: usize) {
        if run.argv.is_empty() || wrappers == 0 {
            return;
        }
        let name = name_of(&run.argv).to_vec();
        if !run.argv[0].contains(&b'/') && self.own(&name, &run.argv) {
            return;
        }
        if SHELLS.contains(&name.as_slice()) {
            self.shell(run, wrappers);
            return;
        }
        match name.as_slice() {
            b"su" | b"runuser" => return self.su(run, wrappers),
            b"start-stop-daemon" => return self.start_stop_daemon(run),
            b"daemon" | b"daemonize" | b"start_daemon" => return self.daemon(run, wrappers),
            b"chpst" | b"setuidgid" | b"envuidgid" | b"s6-setuidgid" => {
                return self.set_user(run, wrappers);
            }
            b"flock" => return self.flock(run, wrappers),
            _ => {}
        }
        let wrapper = WRAPPERS
            .iter()
            .find(|(known, _, _)| known.as_bytes() == name);
        let Some((known, letters, skip)) = wrapper else {
            self.plain(run);
            return;
        };
        let options = take_options(&mut run.argv, letters);
        match *known {
            "exec" => run.way = Way::Exec,
            "sudo" => run.user = option(&options, b'u').or(run.user),
            "gosu" | "su-exec" => {
                let account = run.argv.first().cloned().unwrap_or_default();
                set_account(&mut run, &account);
            }
            _ => {}
        }
        let skip = match *known {
            // With -p these change a process that runs already.
            "taskset" | "chrt" | "ionice" if option(&options, b'p').is_some() => return,
            "taskset" if option(&options, b'c').is_some() => 1,
            _ => *skip,
        };
        self.noted(known, &options);
        run.argv.drain(..skip.min(run.argv.len()));
        if matches!(*known, "env" | "sudo") {
            self.environment(&mut run.argv);
        }
        if *known == "xargs" {
            run.argv.push(vec![HOLE]);
        }
        self.start_run(run, wrappers - 1);
    }

    /// Some wrappers say something by themselves: that they are called is kept.
    fn noted(&mut self, name: &str, options: &[(u8, Value)]) {
        if matches!(
            name,
            "sudo" | "chroot" | "taskset" | "numactl" | "chrt" | "unshare"
        ) {
            let mut argv = vec![name.as_bytes().to_vec()];
            for (letter, value) in options.iter().take(4) {
                argv.push(vec![b'-', *letter]);
                argv.push(folded(value));
            }
            self.ran(Run {
                argv,
                ..Run::default()
            });
        }
    }

    /// `NAME=value` words before a command, as env(1) takes them.
    fn environment(&mut self, argv: &mut Vec<Value>) {
        while let Some((name, _, behind)) = argv.first().and_then(|word| split_assignment(word)) {
            let word = argv.remove(0);
            let value = word.get(behind..).unwrap_or_default();
            if !is_hole(value) {
                let deed = Deed::Set {
                    name,
                    value: folded(value),
                    exported: true,
                };
                self.op("=", deed);
            }
        }
    }

    /// A command that runs nothing else.
    fn plain(&mut self, mut run: Run) {
        let known = self.files(&run.argv);
        // What the table knows is still noted where it is more than handling files.
        let handles_files = known
            && !matches!(
                name_of(&run.argv),
                b"openssl"
                    | b"keytool"
                    | b"ssh-keygen"
                    | b"adduser"
                    | b"useradd"
                    | b"wget"
                    | b"curl"
                    | b"scp"
                    | b"rsync"
                    | b"initdb"
                    | b"pg_ctl"
                    | b"mysql_install_db"
            );
        if handles_files || run.argv.first().is_none_or(|name| is_hole(name)) {
            return;
        }
        let name = run.argv[0].clone();
        if name.contains(&b'/') {
            run.argv[0] = seen_from(self.cwd.as_deref(), &name);
        }
        for word in &mut run.argv {
            *word = folded(word);
        }
        let within = &self.within;
        run.user = run.user.or_else(|| within.user.clone());
        run.group = run.group.or_else(|| within.group.clone());
        run.pidfile = run.pidfile.or_else(|| within.pidfile.clone());
        if matches!(run.way, Way::Plain | Way::Last) && within.way != Way::Plain {
            run.way = within.way;
        }
        run.user = run.user.map(|user| folded(&user));
        run.group = run.group.map(|group| folded(&group));
        if let Some(pidfile) = run.pidfile.take() {
            self.path(Act::Writes, &pidfile, "pidfile");
            run.pidfile = Some(folded(&seen_from(self.cwd.as_deref(), &pidfile)));
        }
        self.ran(run);
    }

    /// The shell's own commands, and functions; false when it is another.
    fn own(&mut self, name: &[u8], argv: &[Value]) -> bool {
        let args = argv.get(1..).unwrap_or_default();
        match name {
            b"cd" | b"pushd" | b"chdir" => self.change_dir(args),
            b"." | b"source" => {
                if let Some(file) = args.first().filter(|file| !is_hole(file)) {
                    let path = folded(&seen_from(self.cwd.as_deref(), file));
                    self.op("source", Deed::Source(path));
                }
            }
            b"export" | b"readonly" | b"local" | b"declare" | b"typeset" => {
                self.declare(name, args);
            }
            b"unset" => {
                for word in args {
                    self.env.remove(&text(word));
                }
            }
            b"set" => self.set(args),
            b"shift" => {
                let rest = self.env.get("@").and_then(|all| all.first()).cloned();
                let rest = rest.map(|all| fields(&all)).unwrap_or_default();
                self.bind(rest.get(1..).unwrap_or_default());
            }
            b"read" | b"getopts" | b"mapfile" | b"readarray" => {
                for word in args.iter().filter(|word| !word.starts_with(b"-")) {
                    self.env.insert(text(word), hole());
                }
            }
            b"eval" => {
                let script = args.join(&b' ');
                self.nested(&script);
            }
            b"trap" => {
                if let Some(script) = args.iter().find(|word| !word.starts_with(b"-")) {
                    let tail = std::mem::take(&mut self.tail);
                    self.nested(script);
                    self.tail = tail;
                }
            }
            b":" | b"true" | b"false" | b"echo" | b"printf" | b"exit" | b"return" | b"break"
            | b"continue" | b"wait" | b"jobs" | b"type" | b"hash" | b"which" | b"let"
            | b"times" | b"shopt" | b"alias" | b"umask" | b"popd" | b"pwd" | b"sleep"
            | b"dirname" | b"basename" | b"date" | b"expr" | b"tr" | b"id" | b"whoami"
            | b"uname" => {}
            _ => return self.call(&text(name), args),
        }
        true
    }

    fn change_dir(&mut self, args: &[Value]) {
        let target = args
            .iter()
            .find(|word| !word.starts_with(b"-") || word.len() == 1);
        self.cwd = match target {
            Some(dir) if dir == b"-" || is_hole(dir) || dir == &[ACTION] => None,
            Some(dir) => {
                let dir = seen_from(self.cwd.as_deref(), dir);
                (dir.starts_with(b"/")).then_some(dir)
            }
            None => None,
        };
        if let Some(dir) = self.cwd.clone() {
            self.path(Act::Names, &dir, "cd");
        }
    }

    fn declare(&mut self, name: &[u8], args: &[Value]) {
        let exports = name == b"export"
            || args
                .iter()
                .any(|word| word.starts_with(b"-") && word.contains(&b'x'));
        for word in args.iter().filter(|word| !word.starts_with(b"-")) {
            let assigned = split_assignment(word);
            let (variable, value) = match assigned {
                Some((variable, _, behind)) => (variable, word.get(behind..)),
                None => (text(word), None),
            };
            if let Some(value) = value {
                self.assign(&variable, vec![value.to_vec()]);
            } else if name == b"local" {
                self.env.insert(variable.clone(), vec![Vec::new()]);
            }
            if exports {
                self.export(&variable);
            }
        }
    }

    fn set(&mut self, args: &[Value]) {
        if let Some(at) = args.iter().position(|word| word == b"--") {
            self.bind(args.get(at + 1..).unwrap_or_default());
        } else if args
            .first()
            .is_some_and(|word| !word.starts_with(b"-") && !word.starts_with(b"+"))
        {
            self.bind(args);
        } else if args
            .iter()
            .any(|word| word.starts_with(b"-") && word.contains(&b'a'))
        {
            self.export("*");
        }
    }

    /// `sh -c TEXT`, `sh FILE`, or a script on standard input.
    fn shell(&mut self, mut run: Run, wrappers: usize) {
        let command = run.argv.iter().position(|word| {
            word.starts_with(b"-") && !word.starts_with(b"--") && word.ends_with(b"c")
        });
        if let Some(at) = command {
            if let Some(script) = run.argv.get(at + 1).cloned() {
                self.script_as(&script, &run);
            }
            return;
        }
        run.argv.remove(0);
        while run
            .argv
            .first()
            .is_some_and(|word| word.starts_with(b"-") || word.starts_with(b"+"))
        {
            run.argv.remove(0);
        }
        if run.argv.is_empty() {
            if let Some(document) = self.document.take() {
                self.line = document.line;
                self.script_as(&document.text, &run);
            }
            return;
        }
        if let Some(file) = run.argv.first_mut().filter(|file| !is_hole(file))
            && !file.contains(&b'/')
        {
            file.splice(..0, b"./".iter().copied());
        }
        self.start_run(run, wrappers - 1);
    }

    /// The text of a script that runs as another user, or in another way.
    fn script_as(&mut self, script: &[u8], run: &Run) {
        let outer = std::mem::take(&mut self.within);
        self.within = Run {
            argv: Vec::new(),
            user: run.user.clone().or_else(|| outer.user.clone()),
            group: run.group.clone().or_else(|| outer.group.clone()),
            pidfile: run.pidfile.clone(),
            way: match run.way {
                Way::Plain | Way::Last => outer.way,
                other => other,
            },
        };
        self.nested(script);
        self.within = outer;
    }

    /// `su [-] [USER] -c TEXT`, `runuser -u USER -- COMMAND` (su(1), runuser(1)).
    fn su(&mut self, mut run: Run, wrappers: usize) {
        let words = run.argv.split_off(1);
        let mut operands = Vec::new();
        let mut script = None;
        let mut as_user = false;
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_slice() {
                b"-c" | b"--command" | b"--session-command" => script = words.next(),
                b"-s" | b"--shell" | b"-w" | b"-G" => {
                    words.next();
                }
                b"-g" | b"--group" => run.group = words.next(),
                b"-u" | b"--user" => {
                    run.user = words.next();
                    as_user = true;
                }
                b"--" if as_user => operands.extend(words.by_ref()),
                b"-"
                | b"-l"
                | b"--login"
                | b"-m"
                | b"-p"
                | b"--preserve-environment"
                | b"-f"
                | b"--" => {}
                other if other.starts_with(b"--command=") => {
                    script = other.get(b"--command=".len()..).map(<[u8]>::to_vec);
                }
                // `-lc TEXT`, `-mc TEXT`
                other if other.starts_with(b"-") && other.ends_with(b"c") => script = words.next(),
                other if other.starts_with(b"-") => {}
                _ => operands.push(word),
            }
        }
        if as_user {
            run.argv = operands;
            self.start_run(run, wrappers - 1);
            return;
        }
        run.user = operands.first().cloned().or_else(|| Some(b"root".to_vec()));
        let document = self.document.take().map(|document| {
            self.line = document.line;
            document.text
        });
        // `su USER FILE` hands the file to the user's shell.
        match (script.or(document), operands.get(1)) {
            (Some(script), _) => self.script_as(&script, &run),
            (None, Some(file)) => {
                run.argv = vec![file.clone()];
                self.start_run(run, wrappers - 1);
            }
            (None, None) => {}
        }
    }

    /// Debian's start-stop-daemon(8), and OpenRC's.
    fn start_stop_daemon(&mut self, mut run: Run) {
        let words = run.argv.split_off(1);
        let split = words.iter().position(|word| word == b"--");
        let (options, args) = words.split_at(split.unwrap_or(words.len()));
        let mut program = None;
        let mut dir = None;
        let (mut stops, mut background, mut makes) = (false, false, false);
        let mut options = options.iter();
        while let Some(word) = options.next() {
            let (name, given) = match word.iter().position(|byte| *byte == b'=') {
                Some(at) if word.starts_with(b"--") => (&word[..at], word.get(at + 1..)),
                _ => (word.as_slice(), None),
            };
            let mut value = || {
                given
                    .map(<[u8]>::to_vec)
                    .or_else(|| options.next().cloned())
            };
            match name {
                b"-K" | b"--stop" | b"-T" | b"--status" => stops = true,
                b"-b" | b"--background" => background = true,
                b"-m" | b"--make-pidfile" => makes = true,
                b"-x" | b"--exec" => program = program.or_else(&mut value),
                b"-a" | b"--startas" => program = value(),
                b"-p" | b"--pidfile" => run.pidfile = value(),
                b"-c" | b"--chuid" | b"-u" | b"--user" => {
                    if let Some(account) = value() {
                        set_account(&mut run, &account);
                    }
                }
                b"-g" | b"--group" => run.group = value(),
                b"-d" | b"--chdir" => dir = value(),
                b"-O" | b"--output" | b"-1" | b"--stdout" | b"-2" | b"--stderr" => {
                    if let Some(path) = value() {
                        self.path(Act::Writes, &path, "start-stop-daemon");
                    }
                }
                b"-n" | b"--name" | b"-s" | b"--signal" | b"-R" | b"--retry" | b"-r"
                | b"--chroot" | b"-N" | b"--nicelevel" | b"-P" | b"--procsched" | b"-I"
                | b"--iosched" | b"-k" | b"--umask" | b"--ppid" | b"--pid" => {
                    value();
                }
                _ => {}
            }
        }
        if stops {
            return;
        }
        let Some(program) = program else { return };
        if makes && let Some(pidfile) = run.pidfile.clone() {
            self.path(Act::Writes, &pidfile, "--make-pidfile");
        }
        if let Some(dir) = dir {
            self.path(Act::Names, &dir, "--chdir");
        }
        run.way = if background {
            Way::Background
        } else {
            Way::Service
        };
        run.argv = vec![program];
        run.argv.extend(args.iter().skip(1).cloned());
        self.start_inner(run);
    }

    /// What a starter starts may be an interpreter or wrapper again.
    fn start_inner(&mut self, run: Run) {
        let way = run.way;
        if name_of(&run.argv) == b"sh" || name_of(&run.argv) == b"bash" {
            let mut run = run;
            run.way = way;
            self.shell(run, 2);
        } else {
            self.plain(run);
        }
    }

    /// `daemon` of Red Hat's functions, LSB's `start_daemon`, `daemonize(1)`.
    fn daemon(&mut self, mut run: Run, wrappers: usize) {
        let mut words = run.argv.split_off(1);
        while let Some(word) = words.first().cloned() {
            if !(word.starts_with(b"-") || word.starts_with(b"+")) {
                break;
            }
            words.remove(0);
            let mut value = |long: &[u8]| match word.strip_prefix(long) {
                Some(rest) if rest.starts_with(b"=") => rest.get(1..).map(<[u8]>::to_vec),
                _ if words.is_empty() => None,
                _ => Some(words.remove(0)),
            };
            if word.starts_with(b"--pidfile") || word == b"-p" {
                run.pidfile = value(b"--pidfile");
            } else if word.starts_with(b"--user") || word == b"-u" {
                run.user = value(b"--user");
            } else if matches!(
                word.as_slice(),
                b"-n" | b"-c" | b"-e" | b"-o" | b"-E" | b"-l"
            ) {
                let path = value(b"--");
                if let (b"-e" | b"-o", Some(path)) = (word.as_slice(), path) {
                    self.path(Act::Writes, &path, "daemonize");
                }
            }
        }
        run.way = Way::Service;
        // `daemon "su user -c '…'"` gives the whole command as one word.
        if let [whole] = words.as_slice()
            && whole.contains(&b' ')
        {
            self.script_as(&whole.clone(), &run);
            return;
        }
        run.argv = words;
        if run.argv.first().is_some_and(|name| name.contains(&b' ')) {
            let script = run.argv.join(&b' ');
            self.script_as(&script, &run);
            return;
        }
        self.start_run(run, wrappers - 1);
    }

    /// `chpst -u USER`, `setuidgid USER`.
    fn set_user(&mut self, mut run: Run, wrappers: usize) {
        let chpst = name_of(&run.argv) == b"chpst";
        let options = take_options(&mut run.argv, b"uUbelLmdopfctP/");
        let account = if chpst {
            option(&options, b'u')
        } else if run.argv.is_empty() {
            None
        } else {
            Some(run.argv.remove(0))
        };
        if let Some(account) = account {
            set_account(&mut run, &account);
        }
        self.start_run(run, wrappers - 1);
    }

    /// `flock [options] FILE [-c] COMMAND` (flock(1)).
    fn flock(&mut self, mut run: Run, wrappers: usize) {
        let options = take_options(&mut run.argv, b"wE");
        let _ = options;
        if run.argv.is_empty() {
            return;
        }
        let file = run.argv.remove(0);
        if !file.iter().all(u8::is_ascii_digit) {
            self.path(Act::Writes, &file, "flock");
        }
        if run.argv.first().is_some_and(|word| word == b"-c") {
            let script = run.argv.get(1).cloned().unwrap_or_default();
            self.script_as(&script, &run);
        } else {
            self.start_run(run, wrappers - 1);
        }
    }
}

/// Takes the wrapper's name and its options off the front.
fn take_options(argv: &mut Vec<Value>, letters: &[u8]) -> Vec<(u8, Value)> {
    let mut options = Vec::new();
    let mut at = 1;
    while let Some(word) = argv.get(at) {
        if word.first() != Some(&b'-') || word.len() < 2 {
            break;
        }
        at += 1;
        if word == b"--" {
            break;
        }
        if word.starts_with(b"--") {
            continue;
        }
        let takes = word
            .iter()
            .enumerate()
            .skip(1)
            .find(|(_, letter)| letters.contains(letter));
        match takes {
            Some((place, letter)) => {
                let letter = *letter;
                let mut value = word.get(place + 1..).unwrap_or_default().to_vec();
                if value.is_empty() {
                    value = argv.get(at).cloned().unwrap_or_default();
                    at += 1;
                }
                options.push((letter, value));
            }
            None => options.extend(word.iter().skip(1).map(|letter| (*letter, Vec::new()))),
        }
    }
    argv.drain(..at.min(argv.len()));
    options
}

fn option(options: &[(u8, Value)], letter: u8) -> Option<Value> {
    let found = options.iter().find(|(known, _)| *known == letter)?;
    Some(found.1.clone())
}

/// `USER`, `USER:GROUP`, `USER.GROUP`, and chpst's `:UID:GID`.
fn set_account(run: &mut Run, account: &[u8]) {
    let account = account.strip_prefix(b":").unwrap_or(account);
    let mut parts = account.splitn(2, |byte| *byte == b':');
    let user = parts.next().unwrap_or_default();
    if !user.is_empty() && !is_hole(user) && !user.contains(&SPLIT) {
        run.user = Some(user.to_vec());
    }
    if let Some(group) = parts.next().filter(|group| !group.is_empty()) {
        run.group = Some(group.to_vec());
    }
}

//! Commands that start a service: as another user, in the background, with a process id's file.

use super::super::op::{Act, Run, Way};
use super::super::value::{Value, folded};
use super::expand::name_of;
use super::grammar::split_assignment;
use super::start::{option, set_account, take_options};
use super::walk::Walk;

impl Walk<'_> {
    /// `su [-] [USER] -c TEXT`, `runuser -u USER -- COMMAND` (su(1), runuser(1)).
    pub(super) fn su(&mut self, mut run: Run, wrappers: usize) {
        let words = run.argv.split_off(1);
        let mut operands = Vec::new();
        let mut script = None;
        let mut as_user = false;
        let mut logs_in = false;
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
                b"-" | b"-l" | b"--login" => logs_in = true,
                b"-m" | b"-p" | b"--preserve-environment" | b"-f" | b"--" => {}
                other if other.starts_with(b"--command=") => {
                    script = other.get(b"--command=".len()..).map(<[u8]>::to_vec);
                }
                // `-lc TEXT`, `-mc TEXT`
                other if other.starts_with(b"-") && other.ends_with(b"c") => {
                    logs_in |= other.contains(&b'l');
                    script = words.next();
                }
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
        let outer = (self.cwd.clone(), self.env.clone());
        if logs_in && let Some(home) = run.user.as_deref().and_then(|user| self.home_of(user)) {
            self.cwd = Some(home.clone());
            self.login(&home);
        }
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
        // A login leaves nothing behind, and no more does another shell.
        if self.calling.is_some() {
            (self.cwd, self.env) = outer;
        }
    }

    /// Debian's start-stop-daemon(8), and OpenRC's.
    pub(super) fn start_stop_daemon(&mut self, mut run: Run) {
        let words = run.argv.split_off(1);
        let split = words.iter().position(|word| word == b"--");
        let (options, args) = words.split_at(split.unwrap_or(words.len()));
        let asked = Asked::of(options, &mut run);
        for path in &asked.outputs {
            self.path(Act::Writes, path, "start-stop-daemon");
        }
        if asked.stops {
            return;
        }
        let Some(program) = asked.program else { return };
        if asked.makes_pidfile
            && let Some(pidfile) = &run.pidfile
        {
            self.path(Act::Writes, pidfile, "--make-pidfile");
        }
        if let Some(dir) = &asked.dir {
            self.path(Act::Names, dir, "--chdir");
        }
        run.dir = asked.dir;
        // What it waits for with `&` behind it stays, too.
        run.way = if asked.background || run.way == Way::Background {
            Way::Background
        } else {
            Way::Service
        };
        run.service = true;
        run.env.extend(asked.env);
        run.argv = vec![program];
        run.argv.extend(args.iter().skip(1).cloned());
        // What it starts may be an interpreter again.
        if matches!(name_of(&run.argv), b"sh" | b"bash") {
            self.shell(run, 2);
        } else {
            self.plain(run);
        }
    }

    /// SUSE's `startproc`: options of its own, then the command.
    pub(super) fn startproc(&mut self, mut run: Run, wrappers: usize) {
        let options = take_options(&mut run.argv, b"lpugtTnc");
        run.user = option(&options, b'u').or(run.user);
        run.group = option(&options, b'g').or(run.group);
        run.pidfile = option(&options, b'p').or(run.pidfile);
        run.way = service(run.way);
        run.service = true;
        self.start_run(run, wrappers - 1);
    }

    /// `daemon` of Red Hat's functions, LSB's `start_daemon`, `daemonize(1)`.
    pub(super) fn daemon(&mut self, mut run: Run, wrappers: usize) {
        let is_red_hats = name_of(&run.argv) == b"daemon";
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
        run.way = service(run.way);
        run.service = true;
        // `daemon "su user -c '…'"` gives the whole command as one word.
        if let [whole] = words.as_slice()
            && whole.contains(&b' ')
        {
            self.script_as(&whole.clone(), &run);
            return;
        }
        run.argv = words;
        // Red Hat's hands its words on to a shell, all of them as one line.
        let is_line = |word: &Value| word.iter().any(|byte| b";&|<>".contains(byte));
        let has_line = is_red_hats && run.argv.iter().any(is_line);
        let is_several = |name: &Value| name.contains(&b' ');
        if has_line || run.argv.first().is_some_and(is_several) {
            let script = run.argv.join(&b' ');
            self.script_as(&script, &run);
            return;
        }
        self.start_run(run, wrappers - 1);
    }

    /// `chpst -u USER`, `setuidgid USER`.
    pub(super) fn set_user(&mut self, mut run: Run, wrappers: usize) {
        let chpst = name_of(&run.argv) == b"chpst";
        let options = take_options(&mut run.argv, b"uUbelLmdopfcnC/");
        if let Some(dir) = option(&options, b'e').filter(|_| chpst) {
            self.variables_of(&dir);
        }
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

    /// The variables that lie in a directory, each in a file of its name (envdir(8)).
    pub(super) fn variables_of(&mut self, dir: &[u8]) {
        for (name, value) in self.kept_in(dir) {
            self.exported.insert(name.clone());
            self.env.insert(&name, vec![value]);
        }
    }

    /// `flock [options] FILE [-c] COMMAND` (flock(1)).
    pub(super) fn flock(&mut self, mut run: Run, wrappers: usize) {
        take_options(&mut run.argv, b"wE");
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

/// In which way a program is started by what waits until it has gone into the background: with `&` behind
/// it, it need not go there.
fn service(way: Way) -> Way {
    match way {
        Way::Background => Way::Background,
        _ => Way::Service,
    }
}

/// What the options of start-stop-daemon ask for, apart from the account and the process id's file.
#[derive(Default)]
struct Asked {
    program: Option<Value>,
    dir: Option<Value>,
    outputs: Vec<Value>,
    env: Vec<(String, Value)>,
    stops: bool,
    background: bool,
    makes_pidfile: bool,
}

impl Asked {
    fn of(options: &[Value], run: &mut Run) -> Self {
        let mut asked = Self::default();
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
                // What is only asked or tried starts nothing.
                b"-K" | b"--stop" | b"-T" | b"--status" | b"-t" | b"--test" => asked.stops = true,
                b"-b" | b"--background" => asked.background = true,
                b"-m" | b"--make-pidfile" => asked.makes_pidfile = true,
                b"-x" | b"--exec" => asked.program = asked.program.or_else(&mut value),
                b"-a" | b"--startas" => asked.program = value(),
                b"-p" | b"--pidfile" => run.pidfile = value(),
                b"-c" | b"--chuid" | b"-u" | b"--user" => {
                    if let Some(account) = value() {
                        set_account(run, &account);
                    }
                }
                // OpenRC's: a variable of the program.
                b"-e" | b"--env" => {
                    let word = value().unwrap_or_default();
                    if let Some((name, _, behind)) = split_assignment(&word) {
                        let value = folded(word.get(behind..).unwrap_or_default());
                        asked.env.push((name, value));
                    }
                }
                b"-g" | b"--group" => run.group = value(),
                b"-k" | b"--umask" => run.umask = value(),
                b"-d" | b"--chdir" => asked.dir = value(),
                b"-O" | b"--output" | b"-1" | b"--stdout" | b"-2" | b"--stderr" => {
                    asked.outputs.extend(value());
                }
                b"-n"
                | b"--name"
                | b"-s"
                | b"--signal"
                | b"-R"
                | b"--retry"
                | b"-r"
                | b"--chroot"
                | b"-N"
                | b"--nicelevel"
                | b"-P"
                | b"--procsched"
                | b"-I"
                | b"--iosched"
                | b"--ppid"
                | b"--pid"
                | b"-w"
                | b"--wait"
                | b"--notify"
                | b"--stdout-logger"
                | b"--stderr-logger"
                | b"--capabilities"
                | b"--secbits"
                | b"--scheduler"
                | b"--scheduler-priority"
                | b"--oom-score-adj"
                | b"--respawn-delay"
                | b"--respawn-max"
                | b"--respawn-period"
                | b"--healthcheck-timer"
                | b"--healthcheck-delay" => {
                    value();
                }
                _ => {}
            }
        }
        asked
    }
}

//! The processes that stay, each with the command, the user and the signal that a manifest gives it.

use std::collections::BTreeSet;

use crate::fact::StartKind;
use crate::path::{AppPath, unescape};
use crate::report::{EnvVar, Plan, Report, Start, StartProblem};

use super::Limit;
use super::check::unresolved;
use super::env::{complete, merged};
use super::expand::expand;
use super::front::{FORWARDER, KEEPER, NETWORK, REPLACED, behind, is_shell, is_signal};
use super::name::{Labels, label};
use super::service::name;

/// The user id for a service whose own is chosen by the system when it starts.
const FREE_ID: u32 = 10_001;

/// What a report has in place of a secret inside a command.
const WITHHELD: &str = "{withheld}";

/// A process that stays.
#[derive(Clone, Debug)]
pub(super) struct Process {
    /// A label.
    pub(super) name: String,
    /// The start of the plan that it is; empty when the plan has none.
    pub(super) start: String,
    /// The program, without what is put before it.
    pub(super) program: String,
    /// Program and arguments; empty when nothing is known, so that the image's own are used.
    pub(super) command: Vec<String>,
    /// User and group it is started as.
    pub(super) ids: (u32, u32),
    /// The groups that it has besides.
    pub(super) groups: Vec<u32>,
    /// Whether the engine's own init is to be the first process. A first process without a handler of
    /// its own is not ended by a signal (pid_namespaces(7)); one that has a handler gets it as well.
    pub(super) is_under_init: bool,
    /// Whether what runs the program is known to have no handler unless the program sets one.
    pub(super) is_interpreted: bool,
    /// The environment, secret values left out.
    pub(super) env: Vec<EnvVar>,
    /// Working directory.
    pub(super) directory: Option<String>,
    /// The signal that ends it.
    pub(super) stop_signal: Option<String>,
    /// Seconds it may take to end.
    pub(super) stop_seconds: Option<u32>,
    /// Exit codes, besides 0, that are no failure, as numbers and names of signals.
    pub(super) clean_exits: Vec<String>,
}

impl Process {
    /// Whether it is started as root.
    pub(super) fn is_root(&self) -> bool {
        self.ids.0 == 0
    }

    /// The groups besides its own, for what has no word for them.
    pub(super) fn without_groups(&self, cannot: &str, instead: &str) -> Option<Limit> {
        let groups: Vec<String> = self.groups.iter().map(u32::to_string).collect();
        let about = format!("process {}", self.name);
        let limit = || Limit::new(about, cannot, format!("{instead}: {}", groups.join(", ")));
        (!groups.is_empty()).then(limit)
    }
}

/// Whether a start stays, as far as its unit says: one of type `oneshot` has no word on forking.
fn stays(start: &Start) -> bool {
    match start.how {
        StartKind::Unit => start.forks.is_some(),
        StartKind::Init | StartKind::Supervisor | StartKind::Socket => true,
        StartKind::Cron | StartKind::Timer | StartKind::Script => false,
    }
}

/// The processes that stay; the first is the one that the application is called after. `given` is
/// the command to start instead of what the audit found.
pub(super) fn processes(
    report: &Report,
    given: Option<&[String]>,
    limits: &mut Vec<Limit>,
) -> Vec<Process> {
    let plan = &report.plan;
    let mut labels = Labels::default();
    // What has the network of several is called so.
    labels.fresh(NETWORK.as_bytes());
    let mut staying: Vec<&Start> = plan.start.iter().filter(|start| stays(start)).collect();
    // A unit's word on the same service counts before an init script's, and what is called like the
    // application is its main process.
    let own = name(report);
    staying.sort_by_key(|start| {
        let base = label(base(&start.name).as_bytes());
        let is_other = base != own && !own.starts_with(&base) && !base.starts_with(&own);
        (base != own, is_other, start.how == StartKind::Init)
    });
    // What a process manager starts that is started itself, it starts.
    let is_led = |start: &&Start| {
        let leads = |other: &&Start| {
            start.by.as_ref() == Some(&other.name) && other.is_made() && other.by.is_none()
        };
        staying.iter().any(leads)
    };
    let (led, rest): (Vec<&Start>, Vec<&Start>) = staying.iter().copied().partition(is_led);
    let staying = rest;
    for start in led {
        limits.push(Limit::new(
            format!("process {}", label(base(&start.name).as_bytes())),
            format!(
                "{} starts it, by a table of its own",
                start.by.as_deref().unwrap_or_default()
            ),
            format!("not started by itself: {}", start.command.join(" ")),
        ));
    }
    let mut taken: Vec<&Start> = Vec::new();
    let mut found: Vec<Process> = Vec::new();
    let (staying, idle): (Vec<&Start>, Vec<&Start>) = staying
        .into_iter()
        .partition(|start| start.enabled != Some(false));
    for start in &idle {
        limits.push(Limit::new(
            format!("process {}", label(base(&start.name).as_bytes())),
            "it is installed and not enabled on the old host",
            format!(
                "not started; where it is needed, make manifests for its own command: {}",
                start.command.join(" ")
            ),
        ));
    }
    for start in &staying {
        if let Some(same) = taken.iter().find(|same| is_same(same, start)) {
            if same.command != start.command {
                limits.push(Limit::new(
                    format!("process {}", start.name),
                    format!("it starts the same service as {}", same.name),
                    format!("only that is started, and not: {}", start.command.join(" ")),
                ));
            }
            continue;
        }
        taken.push(start);
        let base = base(&start.name);
        if given.is_some() && !found.is_empty() {
            limits.push(Limit::new(
                format!("process {}", label(base.as_bytes())),
                "a start command was given, and the audit found this process beside it",
                format!(
                    "not started; where it is needed, make manifests for its own command: {}",
                    start.command.join(" ")
                ),
            ));
            continue;
        }
        let name = labels.fresh(base.as_bytes());
        if let Some(count) = start.count {
            limits.push(Limit::new(
                format!("process {name}"),
                format!("the old host runs {count} of it side by side (numprocs)"),
                "one is started: let the runtime start as many replicas",
            ));
        }
        found.push(process(start, name, plan, given, limits));
    }
    jobs(plan, limits);
    if found.is_empty() {
        if given.is_none() {
            limits.push(Limit::new(
                "the start command",
                "nothing tells which command starts it and stays",
                "the image's own is used: give one behind `--`",
            ));
        }
        found.push(unknown(plan, given, limits));
    }
    apart(&mut found);
    for process in &mut found {
        process.is_interpreted |= is_script(report, &process.program);
    }
    found
}

/// The image has the first process's directory for all that are started from it, and a service for
/// which none is named is started in / (systemd.exec(5), `WorkingDirectory=`).
fn apart(processes: &mut [Process]) {
    if processes.iter().any(|process| process.directory.is_some()) {
        for process in processes {
            process.directory.get_or_insert_with(|| "/".to_owned());
        }
    }
}

/// Whether two starts are two ways to start one service: a unit and a script of the same name, two
/// scripts of the same program, or the very same command. What one script starts beside its program
/// is a process of its own.
fn is_same(one: &Start, other: &Start) -> bool {
    let is_name = base(&one.name) == base(&other.name);
    let is_program = one.command.first() == other.command.first();
    let is_script = other.how == StartKind::Init;
    (is_name && (one.how != other.how || is_program)) || (is_script && is_program)
}

/// What comes and goes is started by no target, and named.
fn jobs(plan: &Plan, limits: &mut Vec<Limit>) {
    let mut seen: BTreeSet<(&str, &[String])> = BTreeSet::new();
    for start in plan.start.iter().filter(|start| !stays(start)) {
        if seen.insert((&start.name, &start.command)) {
            limits.push(Limit::new(
                format!("job {}", start.name),
                "it comes and goes, and is no part of the service",
                format!(
                    "run it beside the service, by the host's timer or a CronJob: {}",
                    start.command.join(" ")
                ),
            ));
        }
    }
}

/// `meterd` of `meterd.service`, and of `init.d/meterd`.
fn base(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.trim_end_matches(".service")
        .trim_end_matches(".socket")
}

fn unknown(plan: &Plan, given: Option<&[String]>, limits: &mut Vec<Limit>) -> Process {
    let mut env = merged(&plan.shared_env(), &[], limits);
    complete(&mut env, None);
    let user = plan.user.as_ref();
    let uid = user.and_then(|user| user.uid);
    Process {
        name: "app".to_owned(),
        start: String::new(),
        program: String::new(),
        command: given.unwrap_or_default().to_vec(),
        ids: (
            uid.unwrap_or(0),
            user.and_then(|user| user.gid).or(uid).unwrap_or(0),
        ),
        groups: Vec::new(),
        is_under_init: true,
        is_interpreted: given.is_some_and(is_interpreted),
        env,
        directory: None,
        stop_signal: None,
        stop_seconds: None,
        clean_exits: Vec::new(),
    }
}

/// What is started: in the foreground, variables replaced, and nothing that a line cannot hold.
fn command(start: &Start, name: &str, env: &[EnvVar], limits: &mut Vec<Limit>) -> Vec<String> {
    if let Some(starter) = starter(start) {
        limits.push(Limit::new(
            format!("process {name}"),
            "a word of its command is not known, as its starter makes it when it runs",
            format!("{starter} starts it as on the old host, as root, and a shell stays in front until it ends"),
        ));
        let script = [starter, "start".to_owned()];
        return behind(KEEPER, "", &script, start.stop_signal.as_deref());
    }
    let words = match start.foreground.is_empty() {
        true => &start.command,
        false => &start.foreground,
    };
    let mut command: Vec<String> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        // What a starter's variable is worth only a run of it tells, by itself or as an option's name; most
        // are empty.
        if place > 0
            && word.trim_start_matches('-') == "*"
            && start.problem == Some(StartProblem::Unresolved)
        {
            limits.push(Limit::new(
                format!("process {name}"),
                "a word of its command is not known, as its starter makes it when it runs",
                "left out: where it is needed, give the command behind `--`",
            ));
            continue;
        }
        match meant(word, place == 0) {
            Some(word) => command.push(word),
            None => {
                limits.push(Limit::new(
                    format!("process {name}"),
                    "its command has a control character or is not UTF-8",
                    "the image's own command is used: give one behind `--`",
                ));
                return Vec::new();
            }
        }
    }
    if start.how == StartKind::Unit {
        let (words, unknown) = expand(&command, env);
        command = words;
        for variable in unknown {
            limits.push(Limit::new(
                format!("process {name}"),
                format!("its command has the variable {variable}, whose value is not known"),
                "left empty, as systemd does it",
            ));
        }
    }
    limits.extend(unresolved(start, &command, name));
    let before = before(start, name, env, limits);
    if !is_left(start) && (start.shell || is_shell(&command)) && !command.is_empty() {
        command = behind(FORWARDER, &before, &command, start.stop_signal.as_deref());
    } else if !is_left(start) && !before.is_empty() && !command.is_empty() {
        command = behind(REPLACED, &before, &command, None);
    }
    if is_left(start) {
        let cannot = match start.forks {
            Some(_) => {
                "it goes into the background, and the option that keeps it in front is not known"
            }
            None => "nothing tells whether it stays in front or goes into the background",
        };
        limits.push(Limit::new(
            format!("process {name}"),
            cannot,
            "a shell stays in front of it, passes the stop signal on and ends when it does",
        ));
        command = behind(KEEPER, &before, &command, start.stop_signal.as_deref());
    }
    if command.iter().any(|word| word.contains(WITHHELD)) {
        limits.push(Limit::new(
            format!("process {name}"),
            "its command holds a secret",
            format!("{WITHHELD} stands for it: replace it where the container is started"),
        ));
    }
    command
}

/// The script that is run in place of the command, where only that makes all of its words.
fn starter(start: &Start) -> Option<String> {
    let starter = start.starter.as_ref()?;
    let has_hole = |word: &String| word.contains('*');
    (start.command.iter().skip(1).any(has_hole)).then(|| meant(&starter.to_text(), true))?
}

/// Whether it leaves for the background, or may, and nothing tells the option against that.
fn is_left(start: &Start) -> bool {
    let may = start.forks.is_none() && start.how == StartKind::Init;
    start.foreground.is_empty() && (may || start.forks == Some(true))
}

/// The program that is started, as the container names it: behind a script of the shell, where there is
/// one.
fn program(command: &[String]) -> String {
    let is_behind = matches!(command, [shell, option, script, _, ..]
        if shell == "/bin/sh" && option == "-c" && script.contains("\"$0\" \"$@\""));
    let at = if is_behind { 3 } else { 0 };
    command.get(at).cloned().unwrap_or_default()
}

/// What is left of a command when the shell before it has given way to it.
fn replaced(command: &[String]) -> &[String] {
    match command {
        [shell, option, script, rest @ ..]
            if shell == "/bin/sh" && option == "-c" && script.ends_with(REPLACED) =>
        {
            rest
        }
        _ => command,
    }
}

/// What runs scripts: neither shells nor Python, Node.js, Perl, Ruby and PHP handle SIGTERM by themselves.
const RUN_BY: [&str; 11] = [
    "ash", "bash", "dash", "ksh", "node", "nodejs", "perl", "php", "python", "ruby", "sh",
];

/// Whether one of these is meant, whichever its version.
fn is_runner(name: &str) -> bool {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    RUN_BY.contains(&bare)
}

/// Whether the first line of a program asks for one of these, as the audit has read it.
fn is_script(report: &Report, program: &str) -> bool {
    let program = AppPath::new(program);
    let mut runners = report
        .programs
        .iter()
        .filter(|known| is_runner(&known.name));
    runners.any(|known| known.needed_by.contains(&program))
}

/// Whether a program is a script as far as its name tells.
fn is_interpreted(command: &[String]) -> bool {
    const ENDINGS: [&str; 7] = ["cjs", "js", "php", "pl", "py", "rb", "sh"];
    let program = command.first().map_or("", String::as_str);
    let name = program.rsplit('/').next().unwrap_or(program);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    is_runner(name) || ENDINGS.contains(&ending)
}

/// Whether a program is known to handle the signal that ends it: something declares which, or it goes
/// into the background, where a signal is the one way to end it. The shell that stays in front of
/// such a one handles it, too.
fn handles(start: &Start) -> bool {
    start.stop_signal.is_some() || start.forks == Some(true)
}

/// A word of a report's command as it is meant; nothing when no manifest can hold it. In a report a
/// program is a path, whose backslashes are escaped; another word is escaped when it has bytes that
/// are no text, and only then.
fn meant(word: &str, is_program: bool) -> Option<String> {
    let is_text = |text: &String| !text.chars().any(char::is_control);
    let decoded = String::from_utf8(unescape(word)).ok().filter(is_text);
    if is_program {
        return decoded;
    }
    let is_escape = |at: usize| unescape(word.get(at..at + 4).unwrap_or_default()).len() == 1;
    let is_escaped = word.match_indices('\\').all(|(at, _)| is_escape(at));
    let as_written = Some(word.to_owned()).filter(is_text);
    match decoded {
        None if is_escaped => None,
        _ => as_written,
    }
}

fn process(
    start: &Start,
    name: String,
    plan: &Plan,
    given: Option<&[String]>,
    limits: &mut Vec<Limit>,
) -> Process {
    let mut env = merged(&plan.shared_env(), &start.env, limits);
    let command = match given {
        Some(given) => given.to_vec(),
        None => command(start, &name, &env, limits),
    };
    let ids = ids(start, &name, plan, limits);
    if ids.0 == 0
        && let Some(user) = plan.user.as_ref().filter(|user| user.uid != Some(0))
        && user.name != "root"
    {
        limits.push(Limit::new(
            format!("process {name}"),
            format!("it starts as root and changes to {} itself", user.name),
            "it is started as root, with the capabilities for that",
        ));
    }
    let plain = |path: &AppPath| {
        let refused = !path.is_root() && super::volume::refusal(path).is_some();
        (!refused).then(|| String::from_utf8_lossy(path.as_bytes()).into_owned())
    };
    // systemd tells a service of a certain user its home, unless that is / (systemd.exec(5), $HOME).
    let home = start
        .home
        .as_ref()
        .filter(|home| start.how == StartKind::Unit && home.as_bytes() != b"/");
    let home = home.and_then(plain);
    complete(&mut env, home.as_deref());
    Process {
        name,
        start: start.name.clone(),
        program: program(&command),
        is_under_init: given.is_some() || !handles(start),
        is_interpreted: is_interpreted(replaced(&command)),
        command,
        ids,
        groups: start.groups.clone(),
        env,
        directory: start.directory.as_ref().and_then(plain),
        stop_signal: start.stop_signal.clone().filter(|name| is_signal(name)),
        stop_seconds: start.stop_seconds,
        clean_exits: start
            .clean_exits
            .iter()
            .filter(|word| is_signal(word))
            .cloned()
            .collect(),
    }
}

/// What is run before a start, as the beginning of a script; each goes on whatever becomes of it, as the
/// program itself says best what it misses. What cannot be part of it is named.
fn before(start: &Start, name: &str, env: &[EnvVar], limits: &mut Vec<Limit>) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    let is_word = |word: &String| !word.is_empty() && word.chars().all(fits);
    let mut script = String::new();
    // Every runtime begins with 0022, and most have no word for another.
    if let Some(mask) = start.umask.as_ref().filter(|mask| mask.as_str() != "0022") {
        script += &format!("umask {mask}; ");
    }
    let mut named = |command: &[String], cannot: &str| {
        limits.push(Limit::new(
            format!("process {name}"),
            cannot.to_owned(),
            format!("not run before it: {}", command.join(" ")),
        ));
    };
    for command in &start.before {
        let (words, _) = expand(command, env);
        if words.iter().all(is_word) {
            script += &format!("{}; ", words.join(" "));
        } else {
            named(
                command,
                "a command before it has words that no script can hold as they are",
            );
        }
    }
    for command in &start.before_as_other {
        named(
            command,
            "the old host runs a command before it, as another user",
        );
    }
    script
}

/// User and group that a process is started as; root where no user is named.
fn ids(start: &Start, name: &str, plan: &Plan, limits: &mut Vec<Limit>) -> (u32, u32) {
    if starter(start).is_some() {
        return (0, 0);
    }
    let Some(user) = &start.user else {
        return (0, 0);
    };
    if let Some(uid) = start.uid {
        return (uid, start.gid.unwrap_or(uid));
    }
    if user == "root" {
        return (0, 0);
    }
    let known = plan.user.as_ref().filter(|known| known.name == *user);
    if let Some(uid) = known.and_then(|known| known.uid) {
        let gid = known.and_then(|known| known.gid);
        return (uid, start.gid.or(gid).unwrap_or(uid));
    }
    // systemd.unit(5): a specifier whose value hangs on the instance, or on who is logged in.
    let cannot = match user.contains('{') {
        true => "nothing tells as which user it is started".to_owned(),
        false => format!("the number of its user {user} is not known"),
    };
    limits.push(Limit::new(
        format!("process {name}"),
        cannot,
        format!("{FREE_ID} is used, and what it writes is given to that"),
    ));
    (FREE_ID, start.gid.unwrap_or(FREE_ID))
}

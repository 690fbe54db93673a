//! The commands that start the application, and how each is run where no service manager is: in
//! the foreground, by numeric ids, ended by its own signal.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::Known;
use crate::fact::{Certainty, Class, Fact, Given, RUN_BY, STARTED_BY, Source, StartKind, What};
use crate::knowledge::{self, starts};
use crate::path::AppPath;
use crate::report::{Start, StartProblem};

/// The user of what the manager of some user starts, where nothing tells whose: anybody's, and not root's.
const ANYBODY: &str = "{user}";

/// The commands that start processes that stay: what a unit, an init script or a supervisor
/// starts. A cron entry comes and goes; it is listed last.
pub(super) fn start(known: &Known<'_>) -> Vec<Start> {
    let Known {
        facts, ids, homes, ..
    } = *known;
    let mut found = BTreeMap::new();
    for fact in facts {
        let What::Starts {
            program,
            args,
            how,
            name,
            forks,
            given,
        } = &fact.what
        else {
            continue;
        };
        // What a unit runs to reload or to stop has the key behind its name.
        let passing = name.contains(" Exec") || name.contains(' ') && *how == StartKind::Init;
        if *how == StartKind::Script || passing {
            continue;
        }
        let beside = Beside {
            file: &fact.at.file,
            facts,
        };
        let nothing = Given::default();
        let given = given.as_deref().unwrap_or(&nothing);
        let (user, uid, gid) = beside.user(given, ids);
        let is_anybodys = *how == StartKind::Unit && knowledge::is_unit_of_users(&fact.at.file);
        let user = user.or_else(|| is_anybodys.then(|| ANYBODY.to_owned()));
        let mut command = vec![program.to_text().into_owned()];
        command.extend(args.iter().cloned());
        let home = user.as_ref().and_then(|user| homes.get(user));
        let front = foreground(&command, goes(*how, *forks));
        let rank = matches!(how, StartKind::Cron | StartKind::Timer);
        let [mut before, before_as_other] = before(&beside, name, user.as_ref(), ids);
        if *how == StartKind::Init {
            before.extend(beside.touched());
        }
        let groups = groups(known, &beside, user.as_ref());
        let problem = problem(fact, facts, program, args_of(&front, args));
        let is_open = problem == Some(StartProblem::Unresolved) && *how == StartKind::Init;
        let start = Start {
            starter: is_open.then(|| init_script(facts, fact, name)).flatten(),
            name: name.clone(),
            how: *how,
            foreground: front.clone(),
            command,
            user,
            directory: given.directory.clone().or_else(|| beside.directory()),
            env: Vec::new(),
            by: beside.directive(STARTED_BY),
            umask: beside.umask(given),
            forks: *forks,
            shell: is_shell(facts, fact),
            count: given.count,
            before,
            before_as_other,
            uid,
            gid,
            groups,
            home: home.cloned(),
            stop_signal: given
                .stop_signal
                .clone()
                .or_else(|| beside.directive("KillSignal")),
            stop_seconds: given
                .stop_time
                .clone()
                .or_else(|| beside.directive("TimeoutStopSec"))
                .or_else(|| beside.directive("TimeoutSec"))
                .and_then(|text| seconds(&text)),
            clean_exits: beside
                .values("SuccessExitStatus")
                .map(str::to_owned)
                .collect(),
            enabled: beside.directive("Enabled").map(|value| value != "no"),
            problem,
        };
        keep(&mut found, rank, start);
    }
    found.into_values().collect()
}

/// Programs that end at once and do nothing (true(1), false(1)).
const NOTHING: [&[u8]; 2] = [b"true", b"false"];

/// Why a start starts nothing, as far as that shows.
fn problem(
    fact: &Fact,
    facts: &[Fact],
    program: &AppPath,
    args: &[String],
) -> Option<StartProblem> {
    let is_absent = |other: &Fact| other.at == fact.at && matches!(other.what, What::Absent { .. });
    // What a script's reader could not resolve, and what examples have in place of a path.
    let is_open = |word: &str| {
        word.trim_start_matches('-') == "*" || word.contains("/*/") || word.starts_with("/path/to/")
    };
    if NOTHING.contains(&program.name()) {
        Some(StartProblem::Nothing)
    } else if program.is_pattern() || is_open(&program.to_text()) || args.iter().any(|a| is_open(a))
    {
        Some(StartProblem::Unresolved)
    } else if facts.iter().any(is_absent) {
        Some(StartProblem::Absent)
    } else {
        None
    }
}

/// The init script of this name that a start was read from, or that sources what it was read from
/// (`/etc/init.d`, and `/etc/rc.d/init.d` of Red Hat's).
fn init_script(facts: &[Fact], start: &Fact, name: &str) -> Option<AppPath> {
    let is_one = |file: &&AppPath| {
        let dir = file.parent();
        file.name() == name.as_bytes() && dir.is_some_and(|dir| dir.name() == b"init.d")
    };
    let own = Some(&start.at.file).filter(is_one);
    let other = || facts.iter().map(|fact| &fact.at.file).find(is_one);
    own.or_else(other).cloned()
}

/// What makes two starts the same, in the order of the list.
type Key = (
    bool,
    String,
    StartKind,
    Vec<String>,
    Option<String>,
    Option<AppPath>,
    Option<bool>,
);

/// Keeps one of each: the same start may stand in several files, and only one of them say how it
/// ends.
fn keep(found: &mut BTreeMap<Key, Start>, rank: bool, start: Start) {
    let key = (
        rank,
        start.name.clone(),
        start.how,
        start.command.clone(),
        start.user.clone(),
        start.directory.clone(),
        start.forks,
    );
    let said = |start: &Start| {
        (
            start.uid.is_some(),
            start.gid.is_some(),
            start.stop_signal.is_some(),
            start.stop_seconds.is_some(),
        )
    };
    match found.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(start);
        }
        Entry::Occupied(mut entry) if said(&start) > said(entry.get()) => {
            entry.insert(start);
        }
        Entry::Occupied(_) => {}
    }
}

/// The facts of one file: what stands beside a start in its unit.
struct Beside<'a> {
    file: &'a AppPath,
    facts: &'a [Fact],
}

impl Beside<'_> {
    fn find<T>(&self, pick: impl Fn(&What) -> Option<T>) -> Option<T> {
        self.facts
            .iter()
            .filter(|fact| fact.at.file == *self.file)
            .find_map(|fact| pick(&fact.what))
    }

    /// The user that the start itself is given, or its whole file.
    fn user(
        &self,
        given: &Given,
        ids: &BTreeMap<String, (u32, u32)>,
    ) -> (Option<String>, Option<u32>, Option<u32>) {
        let own = given.user.clone().map(|user| (user, given.group.clone()));
        let of_file = || {
            // A program that is told to change its user is started by root.
            let is_said = |fact: &&Fact| fact.certainty != Certainty::Guessed;
            let facts = self.facts.iter().filter(|fact| fact.at.file == *self.file);
            facts.filter(is_said).find_map(|fact| match &fact.what {
                What::RunsAs { user, group } => Some((user.clone(), group.clone())),
                _ => None,
            })
        };
        let named = own.or_else(of_file);
        let Some((user, group)) = named else {
            return (None, None, None);
        };
        let known = ids.get(&user);
        let uid = user.parse().ok().or(known.map(|ids| ids.0));
        let gid = match group {
            Some(group) => group
                .parse()
                .ok()
                .or_else(|| ids.get(&format!(":{group}")).map(|ids| ids.1)),
            None => known.map(|ids| ids.1),
        };
        (Some(user), uid, gid)
    }

    fn directory(&self) -> Option<AppPath> {
        self.find(|what| match what {
            What::Path {
                path,
                by,
                source: Source::Unit,
                ..
            } if by == "WorkingDirectory" => Some(path.clone()),
            _ => None,
        })
    }

    /// The mask that the start itself is given, or its unit (systemd.exec(5), `UMask=`), or its job
    /// (init(5) of upstart): what is written in another way than in octal digits is none.
    fn umask(&self, given: &Given) -> Option<String> {
        let of_file = || {
            let found = self
                .directive("UMask")
                .or_else(|| self.directive("umask"))?;
            let bare = found.trim_start_matches('0');
            let is_octal =
                bare.len() <= 3 && bare.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
            (is_octal && !found.is_empty()).then(|| format!("{bare:0>4}"))
        };
        given.umask.clone().or_else(of_file)
    }

    fn directive(&self, wanted: &str) -> Option<String> {
        self.find(|what| match what {
            What::Directive { key, value } if key == wanted => Some(value.clone()),
            _ => None,
        })
    }

    /// The words of a directive that is a list.
    fn values(&self, wanted: &str) -> impl Iterator<Item = &str> {
        let facts = self.facts.iter().filter(|fact| fact.at.file == *self.file);
        facts.filter_map(move |fact| match &fact.what {
            What::Directive { key, value } if key == wanted => Some(value.as_str()),
            _ => None,
        })
    }
}

/// Options that say in a word that the program is to go into the background.
const BACKGROUND: [&str; 7] = [
    "--daemon",
    "--daemonize",
    "--daemonise",
    "--background",
    "--detach",
    "--fork",
    "-daemon",
];

/// The groups besides the first: the user's own, and those that a unit adds (systemd.exec(5),
/// `SupplementaryGroups=`).
fn groups(known: &Known<'_>, beside: &Beside<'_>, user: Option<&String>) -> Vec<u32> {
    let own = user.and_then(|user| known.groups.get(user));
    let mut found: Vec<u32> = own.cloned().unwrap_or_default();
    for value in beside.values("SupplementaryGroups") {
        let number = value.parse().ok();
        found.extend(number.or_else(|| known.ids.get(&format!(":{value}")).map(|ids| ids.1)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether the program of a start was seen to be a script of the shell.
fn is_shell(facts: &[Fact], start: &Fact) -> bool {
    facts.iter().any(|fact| {
        fact.at == start.at
            && matches!(&fact.what, What::Directive { key, value } if key == RUN_BY && value == "shell")
    })
}

/// What a unit runs before its program (systemd.service(5), `ExecStartPre=`): what it runs as the same user,
/// and what it runs as another. What only makes places or gives them away is in neither: the plan's mounts
/// do that.
fn before(
    beside: &Beside<'_>,
    name: &str,
    user: Option<&String>,
    ids: &BTreeMap<String, (u32, u32)>,
) -> [Vec<Vec<String>>; 2] {
    let root = "root".to_owned();
    let wanted = format!("{name} ExecStartPre");
    let mut found: [Vec<(Option<u32>, Vec<String>)>; 2] = [Vec::new(), Vec::new()];
    for fact in beside
        .facts
        .iter()
        .filter(|fact| fact.at.file == *beside.file)
    {
        if let What::Starts {
            program,
            args,
            name,
            given,
            ..
        } = &fact.what
            && *name == wanted
            && !starts::is_helper(program.name())
        {
            let given = given.as_deref().cloned().unwrap_or_default();
            let (by, ..) = beside.user(&given, ids);
            let is_other = by.as_ref().unwrap_or(&root) != user.unwrap_or(&root);
            let mut words = vec![program.to_text().into_owned()];
            words.extend(args.iter().cloned());
            found[usize::from(is_other)].push((fact.at.line, words));
        }
    }
    found.map(|mut list| {
        list.sort();
        list.dedup();
        list.into_iter().map(|(_, words)| words).collect()
    })
}

impl Beside<'_> {
    /// The files that an init script makes, empty, for a program that does not begin without: what is made for
    /// the time of a run is for the script itself, and settings are only read.
    fn touched(&self) -> impl Iterator<Item = Vec<String>> {
        let passes = |path: &AppPath| {
            let class = knowledge::prior(path).class;
            path.is_pattern() || matches!(class, Class::Config | Class::Runtime | Class::Temp)
        };
        let own = self.facts.iter().filter(|fact| fact.at.file == *self.file);
        let files = own.filter_map(move |fact| match &fact.what {
            What::Path {
                path,
                source: Source::Init,
                by,
                ..
            } if by == "touch" && !passes(path) => Some(path.to_text().into_owned()),
            _ => None,
        });
        let files: BTreeSet<String> = files.collect();
        files.into_iter().map(|file| vec!["touch".to_owned(), file])
    }
}

/// The arguments of what is started: those that keep it in front, where they are known.
fn args_of<'a>(front: &'a [String], args: &'a [String]) -> &'a [String] {
    front.get(1..).unwrap_or(args)
}

/// Whether a start goes into the background; what is not known of an init script's is taken to.
fn goes(how: StartKind, forks: Option<bool>) -> Option<bool> {
    forks.or((how == StartKind::Init).then_some(true))
}

/// The command without what sends it into the background or makes it report to a service manager;
/// empty when it goes there and none of its options says so.
fn foreground(command: &[String], forks: Option<bool>) -> Vec<String> {
    let is_told = || {
        command
            .first()
            .is_some_and(|program| starts::is_told(program))
    };
    if (forks == Some(true) || is_told())
        && let Some(front) = starts::in_front(command)
    {
        return front;
    }
    let is_yes = |word: &str| matches!(word, "yes" | "on" | "true" | "1");
    let mut kept: Vec<String> = Vec::new();
    let mut stays = forks != Some(true);
    let mut words = command.iter().peekable();
    while let Some(word) = words.next() {
        let (option, joined) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word.as_str(), None),
        };
        let value = joined.or_else(|| words.peek().map(|next| next.as_str()));
        let is_background =
            forks != Some(false) && BACKGROUND.contains(&option) && !kept.is_empty();
        let negated = match (option, value) {
            (_, Some(value)) => is_background && is_yes(value),
            _ => false,
        };
        // `--supervised systemd` waits for a socket that only a service manager makes.
        let reports = option == "--supervised" && matches!(value, Some("systemd" | "auto"));
        if negated || reports {
            match joined {
                Some(_) => kept.push(format!("{option}=no")),
                None => {
                    kept.push(option.to_owned());
                    kept.push("no".to_owned());
                    words.next();
                }
            }
            stays = stays || negated;
        } else if is_background && joined.is_none() && value != Some("no") {
            stays = true;
        } else {
            kept.push(word.clone());
        }
    }
    if stays { kept } else { Vec::new() }
}

/// What stands for a time without an end, in seconds: a day, which every runtime takes.
const WITHOUT_END: u32 = 86_400;

/// A time span of systemd.time(7) in whole seconds; nothing for what is not one. `infinity` turns the
/// limit off, and so does 0 (systemd.service(5), `TimeoutStopSec=`).
fn seconds(text: &str) -> Option<u32> {
    if matches!(text.trim(), "infinity" | "0") {
        return Some(WITHOUT_END);
    }
    let mut total = 0_u32;
    for part in text.split_whitespace() {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = part.split_at(digits);
        let number: u32 = number.parse().ok()?;
        let factor = match unit {
            "" | "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hr" | "hour" | "hours" => 3600,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_background_option_is_taken_away_or_turned_round() {
        for (given, forks, want) in [
            ("/bin/d --daemon -c x", true, "/bin/d -c x"),
            ("/bin/d --daemonize yes", true, "/bin/d --daemonize no"),
            ("/bin/d --daemonize=yes", true, "/bin/d --daemonize=no"),
            (
                "/bin/d --supervised systemd --daemonize no",
                false,
                "/bin/d --supervised no --daemonize no",
            ),
            ("/bin/d -c x", false, "/bin/d -c x"),
        ] {
            assert_eq!(foreground(&words(given), Some(forks)), words(want));
        }
    }

    #[test]
    fn a_program_that_forks_for_no_known_reason_has_no_foreground_command() {
        assert!(foreground(&words("/bin/d -c x"), Some(true)).is_empty());
        assert!(foreground(&words("/bin/ctl start"), Some(true)).is_empty());
    }

    #[test]
    fn time_spans_are_read_as_the_manual_has_them() {
        for (text, want) in [
            ("90", Some(90)),
            ("1min 30s", Some(90)),
            ("2h", Some(7200)),
            ("infinity", Some(WITHOUT_END)),
            ("0", Some(WITHOUT_END)),
            ("", None),
        ] {
            assert_eq!(seconds(text), want, "{text}");
        }
    }
}

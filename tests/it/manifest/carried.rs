//! What the plan knows is carried out by every target, or its limits name it: over random plans each
//! start with its user, groups, directory and signal, each mount, directory in memory, variable,
//! capability, port and the host name is read back from the files. Nothing can be taken from any target
//! without being missed.

use proptest::prelude::*;

use seaworthy::fact::{Access, Certainty, Class, Need, StartKind};
use seaworthy::manifest::{Limit, Made, Manifests};
use seaworthy::path::AppPath;
use seaworthy::report::{
    EnvVar, HostName, KernelNeed, Mount, MountKind, Plan, Port, PortRole, Report, Scratch, Start,
};

use super::back::Held;
use super::containers;
use super::hostile::BASE;
use super::judge::missed;
use super::made;

/// The names of the starts that stay.
const NAMES: [&str; 3] = ["one.service", "two.service", "three.service"];

fn start(name: &str, program: &str, how: StartKind) -> Start {
    Start {
        starter: None,
        count: None,
        shell: false,
        groups: Vec::new(),
        before: Vec::new(),
        by: None,
        umask: None,
        before_as_other: Vec::new(),
        name: name.to_owned(),
        how,
        command: vec![program.to_owned(), "-f".to_owned()],
        user: None,
        directory: None,
        env: Vec::new(),
        forks: Some(false),
        uid: None,
        gid: None,
        home: None,
        foreground: Vec::new(),
        stop_signal: None,
        stop_seconds: None,
        clean_exits: Vec::new(),
        enabled: None,
        problem: None,
    }
}

fn serves() -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(NAMES.to_vec(), 0..=2)
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn mounts() -> impl Strategy<Value = Vec<Mount>> {
    let kinds = prop::sample::select(vec![
        (Class::Config, Access::Ro),
        (Class::Secret, Access::Ro),
        (Class::Data, Access::Rw),
        (Class::Cache, Access::Rw),
        (Class::Runtime, Access::Rw),
        (Class::Temp, Access::Rw),
    ]);
    let tops = prop::sample::select(vec!["/opt/a", "/run/b", "/var/lib/c", "/tmp/d", "/srv/e:f"]);
    let one = (
        tops,
        kinds,
        any::<bool>(),
        serves(),
        prop::option::of(0_u32..3),
    );
    let one = one.prop_map(|(top, (class, access), is_file, serves, uid)| Mount {
        path: AppPath::new(top),
        kind: if is_file {
            MountKind::File
        } else {
            MountKind::Dir
        },
        access,
        class,
        certainty: Certainty::Declared,
        uid,
        gid: None,
        mode: Some("0750".to_owned()),
        size_bytes: Some(10),
        seed: true,
        hides: 1,
        hides_code: 0,
        replaced: false,
        may_be_replaced: None,
        serves,
        because: Vec::new(),
    });
    prop::collection::vec(one, 0..5).prop_map(|mut mounts| {
        mounts.sort_by(|a, b| a.path.cmp(&b.path));
        mounts.dedup_by(|a, b| a.path == b.path);
        mounts
    })
}

fn variables(prefix: &'static str) -> impl Strategy<Value = Vec<EnvVar>> {
    let value = prop_oneof![
        3 => "[a-z $%]{0,6}".prop_map(Some),
        1 => Just(None),
    ];
    prop::collection::vec(value, 0..3).prop_map(move |values| {
        let named = values.into_iter().enumerate();
        named
            .map(|(number, value)| EnvVar {
                name: format!("{prefix}{number}"),
                value,
            })
            .collect()
    })
}

/// What a start has besides its command and variables.
fn one_start() -> impl Strategy<Value = Start> {
    let ids = prop::option::of((1_u32..4, prop::option::of(1_u32..4)));
    let groups = prop::collection::btree_set(40_u32..44, 0..3);
    let directory = prop::sample::select(vec![None, Some("/opt/a"), Some("/srv/e:f"), Some("/")]);
    let signal = prop::sample::select(vec![None, Some("SIGTERM"), Some("SIGINT"), Some("SIGUSR1")]);
    let all = (ids, groups, directory, signal);
    all.prop_map(|(ids, groups, directory, signal)| Start {
        user: ids.map(|_| "u".to_owned()),
        uid: ids.map(|ids| ids.0),
        gid: ids.and_then(|ids| ids.1),
        groups: groups.into_iter().collect(),
        directory: directory.map(AppPath::new),
        stop_signal: signal.map(str::to_owned),
        ..start("", "", StartKind::Unit)
    })
}

fn starts() -> impl Strategy<Value = Vec<Start>> {
    let several = prop::collection::vec((one_start(), variables("OWN")), 1..=3);
    (several, any::<bool>()).prop_map(|(several, has_job)| {
        let numbered = several.into_iter().enumerate();
        let mut starts: Vec<Start> = numbered
            .map(|(number, (one, env))| Start {
                env,
                name: NAMES[number].to_owned(),
                command: vec![format!("/bin/p{number}"), "-f".to_owned()],
                ..one
            })
            .collect();
        if has_job {
            starts.push(start("nightly", "/bin/job", StartKind::Cron));
        }
        starts
    })
}

fn ports() -> impl Strategy<Value = Vec<Port>> {
    let role = prop::sample::select(vec![
        PortRole::Service,
        PortRole::Control,
        PortRole::Probe,
        PortRole::Debug,
    ]);
    let address = prop::sample::select(vec![None, Some("0.0.0.0"), Some("127.0.0.1"), Some("::1")]);
    let transport = prop::sample::select(vec!["tcp", "udp"]);
    let one = (
        prop::sample::select(vec![80_u16, 8005, 8080]),
        transport,
        address,
        role,
    );
    let one = one.prop_map(|(port, transport, address, role)| Port {
        port,
        transport: transport.to_owned(),
        protocol: None,
        address: address.map(str::to_owned),
        role,
        because: Vec::new(),
    });
    prop::collection::vec(one, 0..4).prop_map(|mut ports| {
        ports.sort();
        ports.dedup_by(|a, b| (a.port, &a.transport) == (b.port, &b.transport));
        ports
    })
}

fn kernel() -> impl Strategy<Value = Vec<KernelNeed>> {
    let name = prop::sample::select(vec!["NET_RAW", "IPC_LOCK", "SYS_NICE"]);
    let one = (name, serves()).prop_map(|(name, serves)| KernelNeed {
        need: Need::Capability,
        name: name.to_owned(),
        certainty: Certainty::Declared,
        value: None,
        serves,
        because: Vec::new(),
    });
    prop::collection::vec(one, 0..3).prop_map(|mut needs| {
        needs.sort();
        needs.dedup_by(|a, b| a.name == b.name);
        needs
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let scratch = prop::sample::subsequence(vec!["/run", "/tmp", "/var/tmp", "/opt/x:y"], 0..=4);
    let hostname = prop::option::of(prop::sample::select(vec!["mq1", "Mq1.example.org", "-"]));
    let all = (
        starts(),
        mounts(),
        variables("ALL"),
        ports(),
        kernel(),
        scratch,
        hostname,
    );
    all.prop_map(|(start, mounts, env, ports, kernel, scratch, hostname)| {
        let own = |path: &str| Scratch {
            path: AppPath::new(path),
            mode: "1777".to_owned(),
            because: Vec::new(),
        };
        Plan {
            start,
            mounts,
            env,
            ports,
            kernel,
            scratch: scratch.into_iter().map(own).collect(),
            hostname: hostname.map(|name| HostName {
                name: name.to_owned(),
                certainty: Certainty::Declared,
                because: Vec::new(),
            }),
            ..Plan::default()
        }
    })
}

fn judge(report: &Report, made: &Manifests) {
    for target in &made.summary.targets {
        let back = containers::read(made, target.target);
        let missed = missed(&report.plan, target, &target.limits, &back);
        assert!(missed.is_empty(), "{}: {missed:#?}", target.target);
    }
}

/// A plan with one thing of each kind for each of two processes.
fn full() -> Plan {
    let mount = |path: &str, class, access| Mount {
        path: AppPath::new(path),
        kind: MountKind::Dir,
        access,
        class,
        certainty: Certainty::Declared,
        uid: Some(0),
        gid: Some(0),
        mode: Some("0750".to_owned()),
        size_bytes: Some(10),
        seed: true,
        hides: 0,
        hides_code: 0,
        replaced: false,
        may_be_replaced: None,
        serves: Vec::new(),
        because: Vec::new(),
    };
    let process = |number: usize| Start {
        env: vec![EnvVar {
            name: format!("OWN{number}"),
            value: Some("1".to_owned()),
        }],
        user: Some(format!("u{number}")),
        uid: Some(7),
        gid: Some(8),
        groups: vec![40, 41],
        directory: Some(AppPath::new("/opt/a")),
        stop_signal: Some("SIGINT".to_owned()),
        ..start(NAMES[number], &format!("/bin/p{number}"), StartKind::Unit)
    };
    Plan {
        start: vec![process(0), process(1)],
        mounts: vec![
            mount("/opt/a", Class::Data, Access::Rw),
            mount("/opt/b", Class::Config, Access::Ro),
            mount("/opt/c", Class::Runtime, Access::Rw),
            mount("/opt/d", Class::Secret, Access::Ro),
            mount("/opt/e", Class::Log, Access::Rw),
        ],
        env: vec![EnvVar {
            name: "ALL".to_owned(),
            value: Some("2".to_owned()),
        }],
        ports: vec![Port {
            port: 8080,
            transport: "tcp".to_owned(),
            protocol: None,
            address: None,
            role: PortRole::Service,
            because: Vec::new(),
        }],
        kernel: vec![KernelNeed {
            need: Need::Capability,
            name: "NET_RAW".to_owned(),
            certainty: Certainty::Declared,
            value: None,
            serves: Vec::new(),
            because: Vec::new(),
        }],
        scratch: vec![Scratch {
            path: AppPath::new("/tmp"),
            mode: "1777".to_owned(),
            because: Vec::new(),
        }],
        hostname: Some(HostName {
            name: "mq1".to_owned(),
            certainty: Certainty::Declared,
            because: Vec::new(),
        }),
        ..Plan::default()
    }
}

/// The kinds of things that a container has, each with how it is taken away; whether there was one.
type Take = fn(&mut containers::Container) -> bool;

const KINDS: [(&str, Take); 16] = [
    ("start", |one| !std::mem::take(&mut one.command).is_empty()),
    ("data", |one| one.mounts.remove("/opt/a").is_some()),
    ("settings", |one| one.mounts.remove("/opt/b").is_some()),
    ("memory", |one| one.mounts.remove("/opt/c").is_some()),
    ("secret", |one| one.mounts.remove("/opt/d").is_some()),
    ("scratch", |one| one.mounts.remove("/tmp").is_some()),
    ("data kept", |one| becomes(one, "/opt/a", Held::Lost)),
    ("log written", |one| becomes(one, "/opt/e", Held::Read)),
    ("own variable", |one| {
        let own = |name: &String, _: &mut _| !name.starts_with("OWN");
        let count = one.env.len();
        one.env.retain(own);
        count > one.env.len()
    }),
    ("shared variable", |one| one.env.remove("ALL").is_some()),
    ("right", |one| one.capabilities.remove("NET_RAW")),
    ("user", |one| one.user.take().is_some()),
    ("group", |one| one.group.take().is_some()),
    ("groups", |one| one.groups.remove(&41)),
    ("directory", |one| one.directory.take().is_some()),
    ("signal", |one| one.signal.take().is_some()),
];

fn becomes(one: &mut containers::Container, path: &str, other: Held) -> bool {
    let held = one.mounts.get_mut(path);
    held.is_some_and(|held| *held != Held::Place && std::mem::replace(held, other) != other)
}

/// What a target has no word for, so that nothing of the kind can be taken from it.
const WITHOUT: [(&str, &[&str]); 6] = [
    // Whoever starts an image gives the rest.
    (
        "containerfile",
        &[
            "data kept",
            "log written",
            "own variable",
            "right",
            "groups",
        ],
    ),
    ("k8s", &["signal"]),
    ("nspawn", &["signal", "group", "groups"]),
    // A first process that is not root keeps no capability.
    ("lxd", &["right", "groups"]),
    ("oci", &["signal"]),
    ("rkt", &["signal"]),
];

#[test]
fn what_any_one_target_drops_is_missed() {
    let mut report = BASE.clone();
    report.target.units = vec![NAMES[0].to_owned()];
    report.target.packages.clear();
    report.plan = full();
    let made = made(&report);
    judge(&report, &made);
    for target in &made.summary.targets {
        let name = target.target;
        let whole = containers::read(&made, name);
        let own = |one: &containers::Container| {
            one.command
                .first()
                .is_some_and(|program| program.starts_with("/bin/p"))
        };
        let without = WITHOUT.iter().find(|row| row.0 == name);
        let without = without.map_or(&[][..], |row| row.1);
        let is_missed = |limits: &[Limit], back: &containers::Made| {
            !missed(&report.plan, target, limits, back).is_empty()
        };
        for number in 0..whole.containers.len() {
            if !own(&whole.containers[number]) {
                continue;
            }
            for (kind, take) in KINDS {
                let mut back = whole.clone();
                let was_there = take(&mut back.containers[number]);
                assert_eq!(was_there, !without.contains(&kind), "{name}: {kind}");
                let is_missed = is_missed(&target.limits, &back);
                assert_eq!(is_missed, was_there, "{name} without {kind} of {number}");
            }
            let mut back = whole.clone();
            back.containers.remove(number);
            assert!(is_missed(&target.limits, &back), "{name} without {number}");
        }
        // Of what is said to be left out each is asked for, too.
        for about in told(target) {
            let silent = |limit: &&Limit| limit.about != about;
            let limits: Vec<Limit> = target.limits.iter().filter(silent).cloned().collect();
            assert!(is_missed(&limits, &whole), "{name} is silent on {about}");
        }
        if name == "containerfile" {
            continue;
        }
        let mut back = whole.clone();
        assert!(back.hostname.take().is_some(), "{name}");
        assert!(is_missed(&target.limits, &back), "{name} without host name");
        let mut back = whole.clone();
        // A bundle shares the host's network.
        let had_ports = !std::mem::take(&mut back.ports).is_empty();
        assert_eq!(had_ports, name != "oci", "{name}");
        assert_eq!(
            is_missed(&target.limits, &back),
            had_ports,
            "{name} without port"
        );
    }
}

/// What a target says of the full plan that it leaves out.
fn told(target: &Made) -> Vec<&'static str> {
    match target.target {
        "docker" | "compose" | "quadlet" => Vec::new(),
        "k8s" => vec!["process one"],
        "lxd" => vec!["two", "process one", "NET_RAW"],
        "nspawn" | "rkt" => vec!["two", "process one"],
        "oci" => vec!["two", "process one", "the network"],
        "containerfile" => vec!["two", "process one", "variable OWN0"],
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_target_carries_out_what_the_plan_knows_or_names_it(plan in plan()) {
        let mut report = BASE.clone();
        report.target.units = vec![plan.start[0].name.clone()];
        report.target.packages.clear();
        report.plan = plan;
        judge(&report, &made(&report));
    }

    /// One thing less in one container of one target, whatever the plan.
    #[test]
    fn whatever_is_taken_from_a_target_is_missed(
        plan in plan(), target in any::<prop::sample::Index>(),
        container in any::<prop::sample::Index>(), thing in any::<prop::sample::Index>()
    ) {
        let mut report = BASE.clone();
        report.target.units = vec![plan.start[0].name.clone()];
        report.target.packages.clear();
        report.plan = plan;
        let made = made(&report);
        let target = target.get(&made.summary.targets);
        let mut back = containers::read(&made, target.target);
        let own: Vec<usize> = (0..back.containers.len())
            .filter(|number| {
                let command = &back.containers[*number].command;
                report.plan.start.iter().any(|start| start.command == *command)
            })
            .collect();
        prop_assume!(!own.is_empty());
        let one = &mut back.containers[*container.get(&own)];
        let things: Vec<String> = asked(&report.plan, one);
        prop_assume!(!things.is_empty());
        let thing = thing.get(&things);
        one.mounts.remove(thing);
        one.env.remove(thing);
        if *thing == one.command[0] {
            one.command.clear();
        }
        let missed = missed(&report.plan, target, &target.limits, &back);
        prop_assert!(!missed.is_empty(), "{} without {thing}", target.target);
    }
}

/// What of a container the plan asks for: its program, mounts and variables.
fn asked(plan: &Plan, one: &containers::Container) -> Vec<String> {
    let mounts = plan
        .mounts
        .iter()
        .map(|mount| mount.path.to_text().into_owned());
    let scratch = plan
        .scratch
        .iter()
        .map(|own| own.path.to_text().into_owned());
    let paths = mounts
        .chain(scratch)
        .filter(|path| one.mounts.contains_key(path));
    let env = plan.env.iter().map(|variable| variable.name.clone());
    let own = plan
        .start
        .iter()
        .filter(|start| start.command == one.command);
    let own = own.flat_map(|start| start.env.iter().map(|variable| variable.name.clone()));
    let env = env.chain(own).filter(|name| one.env.contains_key(name));
    paths.chain(env).chain([one.command[0].clone()]).collect()
}

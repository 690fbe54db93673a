//! What the plan knows is carried out by every target, or its limits name it: over random plans each
//! start, mount, directory in memory, variable, capability, port and the host name is read back from
//! the files.

use proptest::prelude::*;

use seaworthy::fact::{Access, Certainty, Class, Need, StartKind};
use seaworthy::manifest::{Limit, Made, Manifests};
use seaworthy::path::AppPath;
use seaworthy::report::{
    EnvVar, HostName, KernelNeed, Mount, MountKind, Plan, Port, PortRole, Report, Scratch, Start,
};

use super::containers::{self, Container};
use super::hostile::BASE;
use super::made;

/// The names of the starts that stay.
const NAMES: [&str; 3] = ["one.service", "two.service", "three.service"];

fn start(name: &str, program: &str, how: StartKind) -> Start {
    Start {
        count: None,
        shell: false,
        groups: Vec::new(),
        before: Vec::new(),
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

fn starts() -> impl Strategy<Value = Vec<Start>> {
    let ids = prop::collection::vec(prop::option::of(1_u32..4), 3);
    let env = prop::collection::vec(variables("OWN"), 3);
    (1..=3_usize, ids, env, any::<bool>()).prop_map(|(count, ids, env, has_job)| {
        let mut starts: Vec<Start> = (0..count)
            .map(|number| Start {
                user: ids[number].map(|_| "u".to_owned()),
                uid: ids[number],
                gid: ids[number],
                env: env[number].clone(),
                ..start(NAMES[number], &format!("/bin/p{number}"), StartKind::Unit)
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

/// A target's files and limits, asked for what the plan has.
struct Target<'a> {
    plan: &'a Plan,
    made: &'a Made,
    back: containers::Made,
}

impl Target<'_> {
    fn is_told(&self, about: &str) -> bool {
        self.told(|limit| limit.about == about)
    }

    /// Whether a mount is said to be left out, or to be part of a wider one.
    fn is_left(&self, path: &str) -> bool {
        let is_out = |text: &str| text.starts_with("left out") || text.ends_with("scratch space");
        self.told(|limit| limit.about == path && is_out(&limit.instead))
    }

    fn told(&self, is: impl Fn(&Limit) -> bool) -> bool {
        self.made.limits.iter().any(is)
    }

    /// The container of a start.
    fn of(&self, start: &Start) -> Option<&Container> {
        let mut all = self.back.containers.iter();
        all.find(|container| container.command == start.command)
    }

    /// Whether a start is to have what names those that it serves.
    fn is_for(&self, serves: &[String], start: &Start) -> bool {
        let stays = |start: &&Start| start.how == StartKind::Unit;
        let mut staying = self.plan.start.iter().filter(stays);
        let nobody = !staying.any(|start| serves.contains(&start.name));
        nobody || serves.contains(&start.name)
    }

    fn starts(&self) {
        for start in &self.plan.start {
            let line = start.command.join(" ");
            let is_named = self.told(|limit| limit.instead.contains(&line));
            let is_there = self.of(start).is_some();
            assert!(is_there || is_named, "{} lost {line}", self.made.target);
        }
    }

    fn mounts(&self, start: &Start, container: &Container) {
        let scratch = self.plan.scratch.iter().map(|own| (&own.path, &[][..]));
        let mounts = self.plan.mounts.iter().map(|m| (&m.path, &m.serves[..]));
        for (path, serves) in mounts.chain(scratch) {
            let text = String::from_utf8_lossy(path.as_bytes()).into_owned();
            let is_there = container.mounts.contains(&text);
            // An image has the mount points of all that start from it.
            if self.is_for(serves, start) || self.made.target == "containerfile" {
                let is_there = is_there || self.is_left(&path.to_text());
                assert!(is_there, "{}: {} lost {path}", self.made.target, start.name);
            } else {
                let is_own = self.plan.scratch.iter().any(|own| own.path == *path);
                assert!(
                    !is_there || is_own,
                    "{}: {} has {path}",
                    self.made.target,
                    start.name
                );
            }
        }
    }

    fn env(&self, start: &Start, container: &Container) {
        for variable in self.plan.env.iter().chain(&start.env) {
            let is_told = self.is_told(&format!("variable {}", variable.name));
            match (container.env.get(&variable.name), &variable.value) {
                (Some(there), Some(value)) => assert_eq!(there.as_ref(), Some(value)),
                (Some(there), None) => assert_eq!(there, &None),
                (None, _) => assert!(is_told, "{} lost {}", self.made.target, variable.name),
            }
        }
        let own = ["PATH", "HOME"];
        for name in container.env.keys().filter(|name| !own.contains(&&***name)) {
            let mut all = self.plan.env.iter().chain(&start.env);
            assert!(
                all.any(|v| v.name == *name),
                "{}: {} has {name}",
                self.made.target,
                start.name
            );
        }
    }

    fn capabilities(&self, start: &Start, container: &Container) {
        for need in &self.plan.kernel {
            let is_there = container.capabilities.contains(&need.name);
            let is_for = need.serves.is_empty() || need.serves.contains(&start.name);
            let is_told = self.is_told(&need.name);
            let target = self.made.target;
            assert!(
                !is_for || is_there || is_told,
                "{target}: {} lost {}",
                start.name,
                need.name
            );
            // Root has all that LXD leaves, whatever is asked for.
            assert!(
                is_for || !is_there || target == "lxd",
                "{target}: {} has {}",
                start.name,
                need.name
            );
        }
    }

    fn outside(&self) {
        let is_told = self.is_told("the host name");
        let wanted = self.plan.hostname.as_ref().map(|known| &known.name);
        let is_there = wanted == self.back.hostname.as_ref();
        assert!(
            wanted.is_none() || is_there || is_told,
            "{}: {wanted:?}",
            self.made.target
        );
        for port in &self.plan.ports {
            let plain = format!("{}/{}", port.port, port.transport);
            let about = format!("port {plain}");
            let is_public = self.back.ports.contains(&plain);
            let is_shared = self.made.target == "oci" && self.is_told("the network");
            let is_told = self.is_told(&about) || is_shared;
            assert!(is_public || is_told, "{} lost {plain}", self.made.target);
            let may = !port.is_loopback() && port.role == PortRole::Service;
            let may = may || (self.made.target == "containerfile" && !port.is_loopback());
            assert!(!is_public || may, "{} publishes {plain}", self.made.target);
        }
    }
}

fn judge(report: &Report, made: &Manifests) {
    for target in &made.summary.targets {
        judge_one(&report.plan, target, containers::read(made, target.target));
    }
}

fn judge_one(plan: &Plan, made: &Made, back: containers::Made) {
    let target = Target { plan, made, back };
    target.starts();
    // An image is started with rights, a name and ports that it does not hold.
    let is_image = made.target == "containerfile";
    for start in &plan.start {
        let Some(container) = target.of(start) else {
            continue;
        };
        target.mounts(start, container);
        if !is_image {
            target.capabilities(start, container);
        }
        target.env(start, container);
    }
    if !is_image {
        target.outside();
    }
}

/// A plan of which no target has to leave out anything.
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
        serves: Vec::new(),
        because: Vec::new(),
    };
    Plan {
        start: vec![Start {
            env: vec![EnvVar {
                name: "OWN".to_owned(),
                value: Some("1".to_owned()),
            }],
            ..start(NAMES[0], "/bin/p0", StartKind::Unit)
        }],
        mounts: vec![
            mount("/opt/a", Class::Data, Access::Rw),
            mount("/opt/b", Class::Config, Access::Ro),
            mount("/opt/c", Class::Runtime, Access::Rw),
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

/// One thing less in what was read back.
fn less(thing: &str, back: &mut containers::Made) {
    let first = &mut back.containers[0];
    match thing {
        "start" => first.command.clear(),
        "host name" => back.hostname = None,
        "port" => back.ports.clear(),
        "right" => assert!(first.capabilities.remove("NET_RAW")),
        "OWN" | "ALL" => assert!(first.env.remove(thing).is_some(), "{thing}"),
        path => assert!(first.mounts.remove(path), "{path}"),
    }
}

#[test]
fn what_any_one_target_drops_is_missed() {
    let mut report = BASE.clone();
    report.target.units = vec![NAMES[0].to_owned()];
    report.target.packages.clear();
    report.plan = full();
    let made = made(&report);
    judge(&report, &made);
    let things = ["start", "/opt/a", "/opt/b", "/opt/c", "/tmp", "OWN", "ALL"];
    for target in &made.summary.targets {
        let mut all = things.to_vec();
        if target.target != "containerfile" {
            all.extend(["right", "host name"]);
        }
        // A bundle shares the host's network, and an image is started with its ports.
        if !["containerfile", "oci"].contains(&target.target) {
            all.push("port");
        }
        for thing in all {
            let mut back = containers::read(&made, target.target);
            less(thing, &mut back);
            let judged = std::panic::catch_unwind(|| judge_one(&report.plan, target, back));
            assert!(
                judged.is_err(),
                "{} without {thing} is let through",
                target.target
            );
        }
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
}

//! Units that wake others: sockets, timers, watched paths; mounts; and services of the message
//! bus, which share the ending `.service`.

use crate::extract::start::{self, Start};
use crate::extract::{Out, withhold};
use crate::fact::{Certainty, Class, Given, Kind, Locus, Need, Source, StartKind, Touch, What};
use crate::parse::fstab::is_network;
use crate::parse::unit::{Unit, UnitName, words};

use super::{Context, directive};

/// The unit that a socket, timer or path unit wakes: the one it names, else its sibling. A socket
/// with `Accept=yes` wakes an instance of the template.
#[must_use]
pub fn activates(unit: &Unit, name: &UnitName) -> Option<String> {
    let (section, key) = match name.kind.as_str() {
        "socket" => ("Socket", "Service"),
        "timer" => ("Timer", "Unit"),
        "path" => ("Path", "Unit"),
        _ => return None,
    };
    if let Some(named) = unit.last(section, key) {
        return Some(withhold::word(&named.value));
    }
    if name.kind == "socket" && unit.boolean(section, "Accept") == Some(true) {
        return Some(format!("{}@.service", name.prefix));
    }
    Some(name.sibling("service"))
}

pub(super) fn facts(context: &Context<'_>, out: &mut Out) {
    socket(context, out);
    timer(context, out);
    watched(context, out);
    mount(context, out);
    message_bus(context, out);
}

fn socket(context: &Context<'_>, out: &mut Out) {
    let protocol = context
        .last("Socket", "SocketProtocol")
        .map(|(_, value)| value);
    let keys = [
        ("ListenStream", protocol.as_deref().unwrap_or("tcp")),
        ("ListenDatagram", protocol.as_deref().unwrap_or("udp")),
        (
            "ListenSequentialPacket",
            protocol.as_deref().unwrap_or("sctp"),
        ),
    ];
    for (key, transport) in keys {
        for assignment in context.unit.list("Socket", key) {
            let value = context.value(assignment);
            listens(
                context,
                &value,
                (key, transport),
                context.at(assignment),
                out,
            );
        }
    }
    socket_nodes(context, out);
    for (key, transport) in [
        ("ListenNetlink", "netlink"),
        ("ListenMessageQueue", "mqueue"),
    ] {
        for assignment in context.unit.list("Socket", key) {
            let address = context.text(assignment);
            listen(transport, None, address, context.at(assignment), out);
        }
    }
    for key in [
        "Accept",
        "Service",
        "BindToDevice",
        "SocketUser",
        "SocketGroup",
        "SocketMode",
        "FreeBind",
    ] {
        context.directive("Socket", key, out);
    }
}

/// What a socket unit has at a path besides sockets.
fn socket_nodes(context: &Context<'_>, out: &mut Out) {
    let nodes = [
        (
            "ListenFIFO",
            Touch::Creates,
            Some(Kind::Fifo),
            Some(Class::Runtime),
        ),
        ("ListenSpecial", Touch::Reads, None, None),
        (
            "Symlinks",
            Touch::Creates,
            Some(Kind::Link),
            Some(Class::Runtime),
        ),
    ];
    for (key, touch, kind, class) in nodes {
        for (at, word) in context.list("Socket", key) {
            context.classed(&word, at, (key, touch, kind, class), out);
        }
    }
}

/// systemd.socket(5): a path, `@abstract`, `vsock:…`, a port, `address:port`.
fn listens(
    context: &Context<'_>,
    value: &[u8],
    (key, transport): (&str, &str),
    at: Locus,
    out: &mut Out,
) {
    let text = withhold::word(value);
    if value.starts_with(b"/") {
        let named = (
            key,
            Touch::Creates,
            Some(Kind::Socket),
            Some(Class::Runtime),
        );
        context.classed(value, at.clone(), named, out);
        listen("unix", None, text, at, out);
    } else if value.starts_with(b"@") {
        listen("unix", None, text, at, out);
    } else if text.starts_with("vsock") {
        listen("vsock", None, text, at, out);
    } else if let Ok(port) = text.parse() {
        listen(transport, Some(port), String::new(), at, out);
    } else {
        // [::1]:80%eth0
        let plain = text.split('%').next().unwrap_or_default();
        let (address, port) = plain.rsplit_once(':').unwrap_or((plain, ""));
        let address = address.trim_matches(['[', ']']);
        let everywhere = ["0.0.0.0", "::", "*"].contains(&address);
        let address = if everywhere { "" } else { address };
        listen(transport, port.parse().ok(), address.to_owned(), at, out);
    }
}

fn listen(transport: &str, port: Option<u16>, address: String, at: Locus, out: &mut Out) {
    let what = What::Listens {
        transport: transport.to_owned(),
        port,
        address,
        protocol: None,
    };
    out.fact(at, Certainty::Declared, what);
}

/// What a timer starts stands in another unit: see [`activates`].
fn timer(context: &Context<'_>, out: &mut Out) {
    let keys = [
        "OnCalendar",
        "OnActiveSec",
        "OnBootSec",
        "OnStartupSec",
        "OnUnitActiveSec",
        "OnUnitInactiveSec",
    ];
    for key in keys {
        for assignment in context.unit.list("Timer", key) {
            directive(context.at(assignment), key, context.text(assignment), out);
        }
    }
    for key in ["Unit", "Persistent"] {
        context.directive("Timer", key, out);
    }
}

fn watched(context: &Context<'_>, out: &mut Out) {
    let keys = [
        ("PathExists", None),
        ("PathExistsGlob", None),
        ("PathChanged", None),
        ("PathModified", None),
        ("DirectoryNotEmpty", Some(Kind::Dir)),
    ];
    let makes = context.unit.boolean("Path", "MakeDirectory") == Some(true);
    for (key, kind) in keys {
        for assignment in context.unit.list("Path", key) {
            let value = context.value(assignment);
            let at = context.at(assignment);
            // systemd.path(5): MakeDirectory= makes what is watched.
            let (touch, kind) = if makes {
                (Touch::Creates, Some(Kind::Dir))
            } else {
                (Touch::Reads, kind)
            };
            context.classed(&value, at, (key, touch, kind, None), out);
        }
    }
    context.directive("Path", "Unit", out);
}

fn mount(context: &Context<'_>, out: &mut Out) {
    for section in ["Mount", "Automount"] {
        if let Some((at, place)) = context.last(section, "Where") {
            let named = ("Where", Touch::Names, Some(Kind::Dir), None);
            context.classed(place.as_bytes(), at, named, out);
        }
    }
    let kind = context.last("Mount", "Type").map(|(_, value)| value);
    if let (Some((at, what)), Some(kind)) = (context.last("Mount", "What"), kind)
        && is_network(&kind)
    {
        let what = What::Talks {
            service: kind,
            to: what,
        };
        out.fact(at, Certainty::Declared, what);
    }
}

/// dbus-daemon(1): a service that the bus starts when somebody asks for its name.
fn message_bus(context: &Context<'_>, out: &mut Out) {
    const SECTION: &str = "D-BUS Service";
    let Some(assignment) = context.unit.last(SECTION, "Exec") else {
        return;
    };
    let at = context.at(assignment);
    let what = What::Needs {
        need: Need::HostService,
        name: "dbus".to_owned(),
    };
    out.fact(at.clone(), Certainty::Declared, what);
    let command = words(&assignment.value);
    if let Some((program, args)) = command.split_first()
        && !program.ends_with(b"/false")
    {
        let start = Start {
            program,
            args,
            how: StartKind::Socket,
            name: &context.name.full,
            forks: None,
            source: Source::Unit,
            given: Given::default(),
        };
        start::facts(&start, &at, out);
    }
    if let Some((at, user)) = context.last(SECTION, "User") {
        out.fact(at, Certainty::Declared, What::RunsAs { user, group: None });
    }
}

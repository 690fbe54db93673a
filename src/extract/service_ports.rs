//! Ports that a package tells other software on its host: the firewall's profiles of it, and what
//! it announces on the local network. They say where it listens when its settings say nothing and
//! leave the port to the program.

use std::collections::BTreeSet;

use crate::fact::{Certainty, Locus, What};
use crate::knowledge;
use crate::parse::line::entries;

use super::{Extractor, Input, Out, place};

/// Reads application profiles of ufw(8) and service files of firewalld.service(5) and
/// avahi.service(5).
pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "service-ports",
    wants,
    run,
};

fn is_profile(input: &Input<'_>) -> bool {
    input
        .path
        .as_bytes()
        .starts_with(b"/etc/ufw/applications.d/")
}

fn wants(input: &Input<'_>) -> bool {
    let path = input.path.as_bytes();
    let is_xml = [
        &b"/etc/avahi/services/"[..],
        b"/usr/lib/firewalld/services/",
        b"/etc/firewalld/services/",
    ]
    .iter()
    .any(|dir| path.starts_with(dir));
    (is_profile(input) || is_xml) && !place::is_leftover(input.path) && input.is_text()
}

fn run(input: &Input<'_>, out: &mut Out) {
    let text = place::text(input, place::LIMIT, out);
    let mut told = BTreeSet::new();
    let found = if is_profile(input) {
        profile(text)
    } else {
        services(text)
    };
    for (line, transport, port) in found {
        if told.insert((transport, port)) {
            let what = What::Listens {
                transport: transport.to_owned(),
                port: Some(port),
                address: String::new(),
                protocol: knowledge::protocol(transport, port).map(str::to_owned),
            };
            out.fact(Locus::line(input.path, line), Certainty::Inferred, what);
        }
    }
}

type Port = (u32, &'static str, u16);

/// `ports=53|137,138/udp|139,445/tcp`; without a protocol it is both, of which TCP is named.
/// Ranges are for what a protocol opens for its data, and name no port to listen on.
fn profile(text: &[u8]) -> Vec<Port> {
    let mut found = Vec::new();
    for (line, entry) in entries(text) {
        let Some(value) = entry.strip_prefix(b"ports=") else {
            continue;
        };
        for group in String::from_utf8_lossy(value).split('|') {
            let (ports, protocol) = group.split_once('/').unwrap_or((group, "tcp"));
            let Some(transport) = transport(protocol.trim()) else {
                continue;
            };
            let ports = ports.split(',').filter_map(number);
            found.extend(ports.map(|port| (line, transport, port)));
        }
    }
    found
}

/// `<port protocol="tcp" port="80"/>` of firewalld, and `<port>80</port>` below
/// `<type>_http._tcp</type>` of Avahi; one element on a line, as both are written.
fn services(text: &[u8]) -> Vec<Port> {
    let mut found = Vec::new();
    let mut kind = "tcp";
    for (line, entry) in entries(text) {
        let entry = String::from_utf8_lossy(entry);
        if entry.contains("<type>") {
            kind = if entry.contains("._udp") {
                "udp"
            } else {
                "tcp"
            };
        }
        let Some((_, element)) = entry.split_once("<port") else {
            continue;
        };
        let attribute = |name: &str| {
            let (_, rest) = element.split_once(&format!(" {name}=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        let content = element
            .strip_prefix('>')
            .and_then(|rest| rest.split_once('<'))
            .map(|(value, _)| value);
        let transport = attribute("protocol").map_or(Some(kind), transport);
        let port = attribute("port").or(content).and_then(number);
        found.extend(transport.zip(port).map(|(kind, port)| (line, kind, port)));
    }
    found
}

fn transport(name: &str) -> Option<&'static str> {
    ["tcp", "udp", "sctp"]
        .into_iter()
        .find(|known| name.eq_ignore_ascii_case(known))
}

fn number(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::EXTRACTOR;
    use crate::extract::testing::run;

    #[test]
    fn a_firewall_profile_names_the_ports_of_a_service() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/ufw/applications.d/app",
                "[App]\ntitle=An application\nports=53|137,138/udp|6000:6100/udp|445/tcp\n[App Full]\nports=445/tcp\n"
            ),
            [
                "3 Listens tcp 53  Inferred",
                "3 Listens udp 137  Inferred",
                "3 Listens udp 138  Inferred",
                "3 Listens tcp 445  Inferred",
            ]
        );
    }

    #[test]
    fn an_announced_service_has_its_port() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/avahi/services/app.service",
                "<service-group>\n<service>\n <type>_app._udp</type>\n <port>3142</port>\n</service>\n</service-group>\n"
            ),
            ["4 Listens udp 3142  Inferred"]
        );
    }

    #[test]
    fn a_firewalld_service_has_ports_in_attributes() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/usr/lib/firewalld/services/app.xml",
                "<service>\n <port protocol=\"udp\" port=\"5353\"/>\n <port port=\"1-65535\" protocol=\"tcp\"/>\n</service>\n"
            ),
            ["2 Listens udp 5353  Inferred"]
        );
    }
}

//! inetd and xinetd: services that a super-server starts, each on its port.

use crate::fact::{
    Certainty, Class, Given, IssueKind, Kind, Locus, Source, StartKind, Touch, What,
};
use crate::parse::inetd::{Service, inetd, xinetd};
use crate::parse::mask::mask;

use super::argument::template;
use super::start::{self, Start};
use super::{Extractor, Input, Named, Out, place};

/// Reads inetd.conf(5) and xinetd.conf(5).
pub const EXTRACTOR: Extractor = Extractor {
    name: "inetd",
    wants,
    run,
};

fn is_inetd(input: &Input<'_>) -> bool {
    place::is(input.path, "/etc/inetd.conf") || place::is_in(input.path, b"inetd.d")
}

fn wants(input: &Input<'_>) -> bool {
    let is_xinetd =
        place::is(input.path, "/etc/xinetd.conf") || place::is_in(input.path, b"xinetd.d");
    (is_inetd(input) || is_xinetd) && !place::is_leftover(input.path) && input.is_text()
}

fn run(input: &Input<'_>, out: &mut Out) {
    let text = place::text(input, place::LIMIT, out);
    let services = if is_inetd(input) {
        let (services, odd) = inetd(text);
        for line in odd {
            let at = Locus::line(input.path, line);
            out.issue(at, IssueKind::Malformed, "not a line of inetd.conf(5)");
        }
        services
    } else {
        xinetd(text)
    };
    for service in services.iter().filter(|service| !service.disabled) {
        facts(service, &Locus::line(input.path, service.line), out);
    }
}

fn facts(service: &Service, at: &Locus, out: &mut Out) {
    let is_number = service.name.parse::<u16>().is_ok();
    let what = What::Listens {
        transport: service.protocol.clone(),
        port: service.port.or_else(|| port(&service.name)),
        address: service.address.clone(),
        protocol: (!is_number).then(|| service.name.clone()),
    };
    out.fact(at.clone(), Certainty::Declared, what);
    if let Some(user) = &service.user {
        let what = What::RunsAs {
            user: user.clone(),
            group: service.group.clone(),
        };
        out.fact(at.clone(), Certainty::Declared, what);
    }
    let attribute = |wanted: &str| {
        let found = service.attributes.iter().find(|(_, key, _)| key == wanted);
        found.map(|(_, _, value)| value.as_slice())
    };
    if !service.program.is_empty() {
        let start = Start {
            program: &service.program,
            args: &service.args,
            how: StartKind::Socket,
            name: &service.name,
            forks: Some(false),
            source: Source::Config,
            given: Given {
                // xinetd.conf(5), `umask`: octal digits.
                umask: attribute("umask").and_then(mask),
                ..Given::default()
            },
        };
        start::facts(&start, at, out);
    }
    for (line, key, value) in &service.attributes {
        // xinetd.conf(5): log_type = FILE path
        if key == "log_type"
            && let Some(path) = value
                .strip_prefix(b"FILE")
                .map(<[u8]>::trim_ascii)
                .and_then(template)
        {
            let named = Named {
                touch: Touch::Writes,
                source: Source::Config,
                by: key,
                kind: Some(Kind::File),
                class: Some(Class::Log),
            };
            out.path(
                Locus::line(&at.file, *line),
                Certainty::Declared,
                path,
                named,
            );
        }
    }
}

/// The ports of names that super-servers mostly serve (IANA's registry of service names).
pub(super) fn port(name: &str) -> Option<u16> {
    const PORTS: [(&str, u16); 18] = [
        ("ftp", 21),
        ("ssh", 22),
        ("telnet", 23),
        ("smtp", 25),
        ("time", 37),
        ("tftp", 69),
        ("finger", 79),
        ("pop3", 110),
        ("ident", 113),
        ("auth", 113),
        ("nntp", 119),
        ("imap", 143),
        ("imap2", 143),
        ("submission", 587),
        ("rsync", 873),
        ("imaps", 993),
        ("pop3s", 995),
        ("git", 9418),
    ];
    let known = PORTS.iter().find(|(known, _)| *known == name)?;
    Some(known.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::run;

    #[test]
    fn services_listen_run_as_and_start() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/inetd.conf",
                "tftp dgram udp wait root /usr/sbin/in.tftpd in.tftpd -s /srv/tftp\n"
            ),
            [
                "1 Listens udp 69  Declared",
                "1 RunsAs root - Declared",
                "1 Starts /usr/sbin/in.tftpd -s /srv/tftp Socket tftp forks=false Declared",
                "1 Path /srv/tftp Names -s ? ? Inferred",
            ]
        );
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/xinetd.d/app",
                "service app\n{\n port = 8021\n protocol = tcp\n user = app\n log_type = FILE /var/log/app.log\n server = /opt/app/in\n}\nservice x\n{\n disable = yes\n server = /x/y\n}\n"
            ),
            [
                "1 Listens tcp 8021  Declared",
                "1 RunsAs app - Declared",
                "1 Starts /opt/app/in Socket app forks=false Declared",
                "6 Path /var/log/app.log Writes log_type File Log Declared",
            ]
        );
    }
}

//! The ports that a program opens, with the numbers that its settings, arguments and environment give.

use tree_sitter::Node;

use super::{Argument, Reader, children};
use crate::parse::op::{Act, Deed};
use crate::parse::script::rules::Opens;
use crate::parse::value::{Value, folded, is_hole};

/// Nodes that hold a host and a port.
const PAIRS: [&str; 3] = ["array", "list", "tuple"];

impl<'t> Reader<'t> {
    /// Notes the port that a call opens at `target`; where there is none, the one that its library takes.
    pub(super) fn opens(
        &mut self,
        node: Node<'t>,
        by: &str,
        target: Option<Node<'t>>,
        opens: &Opens,
        args: &[Argument<'t>],
    ) {
        if opens.only.is_some_and(|sign| !self.has(sign)) {
            return;
        }
        let host = super::noted::find(args, opens.host);
        let (host, port) = match target {
            Some(pair) if PAIRS.contains(&pair.kind()) => match children(pair).as_slice() {
                [host, port, ..] => (Some(*host), Some(*port)),
                _ => (host, None),
            },
            target => (host, target),
        };
        let hosts = host.map(|host| self.values_of(host)).unwrap_or_default();
        let known = hosts.iter().find(|host| !is_hole(host));
        let address = known.map(|host| folded(host)).unwrap_or_default();
        let transport = if self.is_udp(opens, args) {
            "udp"
        } else {
            "tcp"
        };
        let Some(port) = port else {
            let usual = opens.usual.filter(|(sign, _)| self.has(sign));
            if let Some((_, port)) = usual {
                let deed = Deed::Listens {
                    transport,
                    port,
                    address,
                };
                self.op(node, by, deed);
            }
            return;
        };
        for value in self.values_of(port) {
            let (host, port) = split(&value);
            if let Some(port) = port {
                let deed = Deed::Listens {
                    transport,
                    port,
                    address: host.map_or_else(|| address.clone(), <[u8]>::to_vec),
                };
                self.op(node, by, deed);
            } else if value.starts_with(b"/") {
                // A socket in the file system.
                self.touch(node, by, Act::Creates, &value);
            }
        }
    }

    fn values_of(&mut self, node: Node<'t>) -> Vec<Value> {
        let values = self.fold(node);
        self.settled(&values)
    }

    /// Whether a word stands in the text.
    pub(super) fn has(&self, sign: &str) -> bool {
        memchr::memmem::find(self.text, sign.as_bytes()).is_some()
    }

    /// Whether datagrams are taken there: a socket's kind is mostly given where it is made.
    fn is_udp(&self, opens: &Opens, args: &[Argument<'t>]) -> bool {
        let mut protocol = args
            .iter()
            .filter(|(name, _)| name.as_deref() == Some("Proto"));
        let is_said = protocol.any(|(_, value)| {
            let text = self.bytes(*value);
            memchr::memmem::find(text, b"udp").is_some()
        });
        let has_datagrams = ["SOCK_DGRAM", "dgram", "UDPSocket"]
            .iter()
            .any(|sign| self.has(sign));
        let has_streams = ["SOCK_STREAM", "createServer", "TCPServer"]
            .iter()
            .any(|sign| self.has(sign));
        opens.udp || is_said || has_datagrams && !has_streams
    }
}

/// The address and the port of `8080`, `0.0.0.0:8080`, `[::]:8080`, `tcp://*:8080/`.
fn split(value: &[u8]) -> (Option<&[u8]>, Option<u16>) {
    let number = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok()?;
        text.parse::<u16>().ok().filter(|port| *port > 0)
    };
    if let Some(port) = number(value) {
        return (None, Some(port));
    }
    let rest = memchr::memmem::find(value, b"://").map_or(value, |at| &value[at + 3..]);
    let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    let rest = &rest[..end];
    let Some(colon) = memchr::memrchr(b':', rest) else {
        return (None, None);
    };
    let host = rest[..colon].trim_ascii();
    let is_host = host
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._*:[]".contains(byte));
    match number(&rest[colon + 1..]).filter(|_| is_host) {
        Some(port) => {
            let is_every = matches!(host, b"*" | b"+");
            (Some(if is_every { b"" } else { host }), Some(port))
        }
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn what_is_opened_has_an_address_and_a_port() {
        let show = |text: &str| {
            let (host, port) = split(text.as_bytes());
            let host = host.map(|host| String::from_utf8_lossy(host).into_owned());
            format!("{} {}", host.unwrap_or("-".to_owned()), port.unwrap_or(0))
        };
        for (text, want) in [
            ("8080", "- 8080"),
            ("127.0.0.1:8080", "127.0.0.1 8080"),
            ("tcp://*:9292", " 9292"),
            ("http://[::1]:80/x", "[::1] 80"),
            ("/run/x.sock", "- 0"),
            ("0", "- 0"),
            ("70000", "- 0"),
            ("a b:80", "- 0"),
        ] {
            assert_eq!(show(text), want, "{text}");
        }
    }
}

//! The addresses of a Caddyfile's sites: their scheme says the port where no number does, and a site of a name
//! alone is one of HTTPS, to which plain HTTP leads (caddyserver.com/docs/caddyfile/concepts#addresses).

use std::collections::BTreeMap;

use super::{Extractor, Input, Out, place};
use crate::fact::{Certainty, Locus, What};
use crate::knowledge;

/// Reads where a server of Caddy's settings listens.
pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "caddyfile",
    wants,
    run,
};

fn wants(input: &Input<'_>) -> bool {
    let name = input.path.name();
    let is_named = name == b"Caddyfile" || name.ends_with(b".caddyfile");
    is_named && input.is_text() && !place::is_leftover(input.path)
}

fn run(input: &Input<'_>, out: &mut Out) {
    let text = String::from_utf8_lossy(place::text(input, place::LIMIT, out)).into_owned();
    for (port, line) in ports(&text) {
        let what = What::Listens {
            transport: "tcp".to_owned(),
            port: Some(port),
            address: String::new(),
            protocol: knowledge::protocol("tcp", port).map(str::to_owned),
        };
        out.fact(Locus::line(input.path, line), Certainty::Declared, what);
    }
}

/// What the global options say for all sites.
struct Usual {
    http: u16,
    https: u16,
    /// Whether a name alone is a site of HTTPS, and plain HTTP leads to it.
    is_secure: bool,
    redirects: bool,
}

/// Each port with the first line that says it.
fn ports(text: &str) -> BTreeMap<u16, u32> {
    let mut usual = Usual {
        http: 80,
        https: 443,
        is_secure: true,
        redirects: true,
    };
    let mut found = BTreeMap::new();
    let mut sites: Vec<(&str, u32)> = Vec::new();
    let mut depth = 0_usize;
    let mut is_global = false;
    for (line, number) in text.lines().zip(1_u32..) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let opens = line.ends_with('{');
        if depth == 0 && opens {
            let head = line.trim_end_matches('{').trim();
            is_global = head.is_empty();
            // A snippet has its name in parentheses, and a named route one behind `&`.
            if !head.starts_with(['(', '&']) {
                let words = head.split([',', ' ']).filter(|word| !word.is_empty());
                sites.extend(words.map(|word| (word, number)));
            }
        } else if depth == 1 && is_global {
            usual.told(line);
        }
        depth += usize::from(opens);
        depth -= usize::from(line == "}" && depth > 0);
    }
    for (site, number) in sites {
        for port in usual.ports(site) {
            found.entry(port).or_insert(number);
        }
    }
    found
}

impl Usual {
    /// Takes in a global option.
    fn told(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let (Some(option), Some(value)) = (words.next(), words.next()) else {
            return;
        };
        match (option, value) {
            ("http_port", port) => self.http = port.parse().unwrap_or(self.http),
            ("https_port", port) => self.https = port.parse().unwrap_or(self.https),
            ("auto_https", "off") => (self.is_secure, self.redirects) = (false, false),
            ("auto_https", "disable_redirects") => self.redirects = false,
            _ => {}
        }
    }

    /// The ports of a site's address.
    fn ports(&self, site: &str) -> Vec<u16> {
        let (scheme, rest) = match site.split_once("://") {
            Some((scheme, rest)) => (scheme, rest),
            None => ("", site),
        };
        let host = rest.split('/').next().unwrap_or_default();
        // An IPv6 address has its own colons in brackets.
        let behind = host.rsplit(']').next().unwrap_or(host);
        let port = behind.rsplit_once(':').map(|(_, port)| port);
        if let Some(port) = port {
            return port.parse().into_iter().collect();
        }
        let is_secure = match scheme {
            "http" => false,
            "https" => true,
            "" => self.is_secure,
            _ => return Vec::new(),
        };
        match (is_secure, self.redirects) {
            (true, true) => vec![self.http, self.https],
            (true, false) => vec![self.https],
            (false, _) => vec![self.http],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<u16> {
        ports(text).into_keys().collect()
    }

    #[test]
    fn a_sites_scheme_says_its_port_where_no_number_does() {
        for (text, want) in [
            (
                ":80 {\n\troot * /srv\n}\n\nhttps://localhost {\n\ttls internal\n}\n",
                vec![80, 443],
            ),
            (
                "shop.example.org, www.shop.example.org {\n}\n",
                vec![80, 443],
            ),
            (
                "http://shop.example.org {\n\trespond {\n\t\tbody x\n\t}\n}\n",
                vec![80],
            ),
            ("shop.example.org:8443 {\n}\n", vec![8443]),
            ("[::1]:8080 {\n}\n", vec![8080]),
            (
                "{\n\tauto_https off\n\thttp_port 8000\n}\nshop.example.org {\n}\n",
                vec![8000],
            ),
            (
                "{\n\thttps_port 8443\n\tauto_https disable_redirects\n}\na.example.org {\n}\n",
                vec![8443],
            ),
            (
                "(common) {\n\tencode gzip\n}\n:9000 {\n\timport common\n}\n",
                vec![9000],
            ),
            ("# none {\n", vec![]),
        ] {
            assert_eq!(found(text), want, "{text}");
        }
    }
}

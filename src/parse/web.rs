//! What a web server's settings say of the sites that it serves: where their content lies, and on
//! which ports. Apache's (core, mod_alias, mod_cgi, mod_wsgi, mod_proxy_fcgi; Passenger's), nginx's and
//! lighttpd's.

use super::line::text;

/// A directive with a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its line, from 1.
    pub line: u32,
    /// The directive.
    pub by: String,
    /// The path as written, without quotes.
    pub path: Vec<u8>,
}

/// An address on which a site is served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listen {
    /// The address; empty for every one.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The module that has to be there for it, by its bare name (`ssl`): it stands inside `<IfModule>`.
    pub needs: Option<String>,
}

/// A virtual host, or what stands outside of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Its line, from 1.
    pub line: u32,
    /// Where it listens; empty where the server's own ports count.
    pub listens: Vec<Listen>,
    /// Its content: roots, aliases, scripts.
    pub places: Vec<Place>,
    /// What it hands requests to: the programs of FastCGI and others, by socket or address.
    pub passes: Vec<Place>,
    /// Whether it is a virtual host.
    pub is_host: bool,
}

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    /// Its sites; the first is what stands outside of all.
    pub sites: Vec<Site>,
    /// The user that the server changes to.
    pub user: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// The modules that it loads, by their bare names.
    pub modules: Vec<String>,
}

/// Apache's directives with a path of content behind as many words (its directive index).
const APACHE_PLACES: [(&str, usize); 12] = [
    ("documentroot", 0),
    ("alias", 1),
    ("scriptalias", 1),
    ("aliasmatch", 1),
    ("scriptaliasmatch", 1),
    ("wsgiscriptalias", 1),
    ("wsgiscriptaliasmatch", 1),
    ("fcgidwrapper", 0),
    ("fastcgiserver", 0),
    ("passengerapproot", 0),
    ("virtualdocumentroot", 0),
    ("action", 1),
];

/// Apache's settings.
#[must_use]
pub fn apache(file: &[u8]) -> Sites {
    let mut found = Sites {
        sites: vec![Site::default()],
        ..Sites::default()
    };
    let mut depth = 0_usize;
    let mut variables = Variables::default();
    let mut conditions: Vec<String> = Vec::new();
    for (number, line) in joined(file) {
        let words: Vec<String> = words(&line);
        if let [define, name, value, ..] = words.as_slice()
            && define.eq_ignore_ascii_case("define")
        {
            variables.set(&format!("${{{name}}}"), value);
            continue;
        }
        let words: Vec<String> = words.iter().map(|word| variables.put_in(word)).collect();
        let Some((first, rest)) = words.split_first() else {
            continue;
        };
        let name = first.to_ascii_lowercase();
        match (name.as_str(), rest.first()) {
            ("<ifmodule", Some(module)) => {
                conditions.push(module_name(module.trim_end_matches('>')));
                continue;
            }
            ("</ifmodule>", _) => {
                conditions.pop();
                continue;
            }
            ("loadmodule", Some(module)) => found.modules.push(module_name(module)),
            _ => {}
        }
        if name == "<virtualhost" {
            depth += 1;
            let listens = rest
                .iter()
                .map(|word| word.trim_end_matches('>'))
                .filter_map(listen);
            found.sites.push(Site {
                line: number,
                listens: listens.collect(),
                is_host: true,
                ..Site::default()
            });
            continue;
        }
        if name == "</virtualhost>" {
            depth = 0;
            continue;
        }
        let last = found.sites.len() - 1;
        let site = &mut found.sites[if depth > 0 { last } else { 0 }];
        let value = |at: usize| rest.get(at).map(|word| word.as_bytes().to_vec());
        match name.as_str() {
            "listen" => {
                let found = value(0).and_then(|word| listen(&text(&word)));
                site.listens.extend(found.map(|listen| Listen {
                    needs: conditions.last().cloned(),
                    ..listen
                }));
            }
            "user" => found.user = rest.first().cloned(),
            "group" => found.group = rest.first().cloned(),
            "proxypass" | "proxypassmatch" | "sethandler" => {
                let passes = rest
                    .iter()
                    .find(|word| word.contains("fcgi") || word.contains("uwsgi"));
                if let Some(to) = passes {
                    site.passes.push(Place {
                        line: number,
                        by: first.clone(),
                        path: to.as_bytes().to_vec(),
                    });
                }
            }
            _ => {}
        }
        let place = APACHE_PLACES.iter().find(|(known, _)| *known == name);
        if let Some(path) = place.and_then(|(_, at)| value(*at)) {
            site.places.push(Place {
                line: number,
                by: first.clone(),
                path,
            });
        }
    }
    found
}

/// A module's bare name: `ssl_module`, `mod_ssl.c`.
fn module_name(word: &str) -> String {
    let word = word.trim_end_matches(".c");
    let word = word.strip_suffix("_module").unwrap_or(word);
    word.strip_prefix("mod_").unwrap_or(word).to_owned()
}

/// How many variables of a file are known.
const MAX_VARIABLES: usize = 256;

/// The longest text in which variables have their values.
const MAX_TEXT: usize = 8192;

/// Variables of a file, by the text that stands for each: `Define` of Apache's core, `set` of nginx's
/// rewrite module, `var.` of lighttpd. The longest name comes first, so that `$root` is none of `$rootdir`.
#[derive(Default)]
struct Variables(Vec<(String, String)>);

impl Variables {
    fn set(&mut self, form: &str, value: &str) {
        let value = self.put_in(value);
        self.0.retain(|(known, _)| known != form);
        if self.0.len() >= MAX_VARIABLES {
            return;
        }
        self.0.push((form.to_owned(), value));
        self.0
            .sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
    }

    /// A word with the values of the variables that are known.
    fn put_in(&self, word: &str) -> String {
        let mut word = word.to_owned();
        for (form, value) in &self.0 {
            if word.contains(form.as_str()) && word.len() + value.len() < MAX_TEXT {
                word = word.replacen(form.as_str(), value, 4);
            }
        }
        word
    }
}

/// Lines with those that a backslash continues; each with its number.
fn joined(file: &[u8]) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (line, number) in file.split(|byte| *byte == b'\n').zip(1..) {
        let line = text(line);
        let (number, mut whole) = open.take().unwrap_or((number, String::new()));
        match line.trim_end().strip_suffix('\\') {
            Some(part) => {
                whole.push_str(part);
                open = Some((number, whole));
            }
            None => {
                whole.push_str(&line);
                found.push((number, whole));
            }
        }
    }
    found.extend(open);
    found
}

/// The words of a line; quotes hold one together. A comment has none.
fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in line.trim().chars() {
        match (c, quote) {
            ('#', None) if word.is_empty() && found.is_empty() => return found,
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => {
                quote = None;
                found.push(std::mem::take(&mut word));
            }
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// `80`, `*:80`, `10.0.0.1:80`, `[::]:80`.
fn listen(word: &str) -> Option<Listen> {
    let (address, port) = match word.rsplit_once(':') {
        Some((address, port)) => (address, port),
        None => ("", word),
    };
    let address = address.trim_start_matches('[').trim_end_matches(']');
    let is_all = matches!(address, "*" | "" | "0.0.0.0" | "::" | "_default_");
    Some(Listen {
        address: if is_all {
            String::new()
        } else {
            address.to_owned()
        },
        port: port.parse().ok()?,
        needs: None,
    })
}

/// nginx's settings.
#[must_use]
pub fn nginx(file: &[u8]) -> Sites {
    let mut found = Sites {
        sites: vec![Site::default()],
        ..Sites::default()
    };
    // How deep the server block is that is read.
    let mut server: Option<usize> = None;
    let mut depth = 0_usize;
    let mut variables = Variables::default();
    for (number, statement, end) in statements(file) {
        let words: Vec<String> = words(&statement);
        if let [set, name, value] = words.as_slice()
            && set == "set"
            && name.starts_with('$')
        {
            variables.set(name, value);
        }
        let words: Vec<String> = words.iter().map(|word| variables.put_in(word)).collect();
        let name = words.first().map_or("", String::as_str);
        if end == b'{' {
            depth += 1;
            if name == "server" && server.is_none() {
                server = Some(depth);
                found.sites.push(Site {
                    line: number,
                    is_host: true,
                    ..Site::default()
                });
            }
            continue;
        }
        let last = found.sites.len() - 1;
        let site = &mut found.sites[if server.is_some() { last } else { 0 }];
        let place = |path: &String| Place {
            line: number,
            by: name.to_owned(),
            path: path.as_bytes().to_vec(),
        };
        match (name, words.get(1)) {
            ("listen", Some(word)) if !word.starts_with("unix:") => {
                let found = listen(word).or_else(|| {
                    let is_address = word.contains('.') || word.contains(':');
                    is_address.then(|| Listen {
                        address: word.clone(),
                        port: 80,
                        needs: None,
                    })
                });
                site.listens.extend(found);
            }
            ("root" | "alias" | "passenger_app_root", Some(path)) => site.places.push(place(path)),
            ("fastcgi_pass" | "uwsgi_pass" | "scgi_pass" | "proxy_pass", Some(to)) => {
                site.passes.push(place(to));
            }
            ("user", Some(user)) if depth == 0 => {
                found.user = Some(user.clone());
                found.group = words.get(2).cloned();
            }
            _ => {}
        }
        if end == b'}' {
            if server == Some(depth) {
                server = None;
                // nginx: without `listen` a server has *:80.
                let site = &mut found.sites[last];
                if site.listens.is_empty() {
                    site.listens.push(Listen {
                        address: String::new(),
                        port: 80,
                        needs: None,
                    });
                }
            }
            depth = depth.saturating_sub(1);
        }
    }
    found
}

/// Statements with what ends each: `;`, `{` or `}`.
fn statements(file: &[u8]) -> Vec<(u32, String, u8)> {
    let mut found = Vec::new();
    let (mut line, mut start) = (1_u32, 1_u32);
    let mut statement: Vec<u8> = Vec::new();
    let mut quote = None;
    let mut comment = false;
    for &byte in file {
        if byte == b'\n' {
            line += 1;
            comment = false;
        }
        match (byte, quote) {
            _ if comment => {}
            (b'#', None) => comment = true,
            (b'"' | b'\'', None) => {
                quote = Some(byte);
                statement.push(byte);
            }
            (_, Some(open)) => {
                if byte == open {
                    quote = None;
                }
                statement.push(byte);
            }
            (b';' | b'{' | b'}', None) => {
                found.push((start, text(statement.trim_ascii()), byte));
                statement.clear();
            }
            _ => {
                if statement.is_empty() {
                    if byte.is_ascii_whitespace() {
                        continue;
                    }
                    start = line;
                }
                statement.push(byte);
            }
        }
    }
    found
}

/// lighttpd's settings.
#[must_use]
pub fn lighttpd(file: &[u8]) -> Sites {
    let mut site = Site::default();
    let mut found = Sites::default();
    let mut variables = Variables::default();
    for (number, line) in joined(file) {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let key = key.trim().trim_end_matches('+').trim();
        let value = value.trim().trim_start_matches('>').trim();
        // `var.base + "/x"`: the parts of a text, one after the other.
        let parts = value
            .split('+')
            .map(|part| match part.trim().strip_prefix('"') {
                Some(text) => text.split('"').next().unwrap_or_default().to_owned(),
                None => variables.put_in(part.trim()),
            });
        let whole: String = parts.collect();
        if key.starts_with("var.") {
            variables.set(key, &whole);
            continue;
        }
        let quoted = match value.starts_with("var.") {
            true => whole.as_str(),
            false => value.split('"').nth(1).unwrap_or_default(),
        };
        match key {
            "server.document-root" => site.places.push(Place {
                line: number,
                by: key.to_owned(),
                path: quoted.as_bytes().to_vec(),
            }),
            "server.port" => site.listens.extend(listen(value)),
            "server.username" => found.user = Some(quoted.to_owned()),
            "server.groupname" => found.group = Some(quoted.to_owned()),
            "alias.url" => site.places.extend(line.split('"').nth(3).map(|path| Place {
                line: number,
                by: key.to_owned(),
                path: path.as_bytes().to_vec(),
            })),
            _ => {}
        }
    }
    found.sites = vec![site];
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sites: &Sites) -> Vec<String> {
        let show = |site: &Site| {
            let listens: Vec<_> = site
                .listens
                .iter()
                .map(|listen| format!("{}:{}", listen.address, listen.port))
                .collect();
            let places: Vec<_> = site
                .places
                .iter()
                .map(|place| format!("{} {} {}", place.line, place.by, text(&place.path)))
                .collect();
            format!("{} | {}", listens.join(" "), places.join(", "))
        };
        sites.sites.iter().map(show).collect()
    }

    #[test]
    fn virtual_hosts_of_apache() {
        let found = apache(
            b"Listen 127.0.0.1:81\nUser ${RUN_USER}\n<VirtualHost *:8085 [::1]:90>\n  DocumentRoot \"/srv/a b\"\n  \
              Alias /x \\\n /srv/x\n</VirtualHost>\nScriptAlias /cgi /srv/cgi\n# DocumentRoot /no\n",
        );
        assert_eq!(
            shown(&found),
            [
                "127.0.0.1:81 | 8 ScriptAlias /srv/cgi",
                ":8085 ::1:90 | 4 DocumentRoot /srv/a b, 5 Alias /srv/x"
            ]
        );
        assert_eq!(found.user.as_deref(), Some("${RUN_USER}"));
    }

    #[test]
    fn what_a_module_listens_on_needs_it() {
        let found = apache(
            b"LoadModule rewrite_module modules/mod_rewrite.so\nListen 80\n<IfModule ssl_module>\n Listen 443\n</IfModule>\n<IfModule mod_gnutls.c>\n Listen 444\n</IfModule>\nListen 81\n",
        );
        let needs: Vec<_> = found.sites[0]
            .listens
            .iter()
            .map(|listen| listen.needs.as_deref())
            .collect();
        assert_eq!(needs, [None, Some("ssl"), Some("gnutls"), None]);
        assert_eq!(found.modules, ["rewrite"]);
    }

    #[test]
    fn variables_of_a_file_have_their_values() {
        let found = apache(
            b"Define TOP /srv\nDefine SITE ${TOP}/blog\n<VirtualHost *:80>\n DocumentRoot ${SITE}/web\n Alias /l ${LOGS}/x\n</VirtualHost>\n",
        );
        assert_eq!(
            shown(&found)[1],
            ":80 | 4 DocumentRoot /srv/blog/web, 5 Alias ${LOGS}/x"
        );
        let found = nginx(
            b"server {\n listen 81;\n set $base /srv/app;\n set $basedir /srv/other;\n root $base/public;\n location /d { alias $basedir/d; }\n}\n",
        );
        assert_eq!(
            shown(&found)[1],
            ":81 | 5 root /srv/app/public, 6 alias /srv/other/d"
        );
        let found = lighttpd(
            b"var.base = \"/srv/l\"\nserver.document-root = var.base + \"/htdocs\"\nserver.port = 82\n",
        );
        assert_eq!(
            shown(&found),
            [":82 | 2 server.document-root /srv/l/htdocs"]
        );
    }

    #[test]
    fn servers_of_nginx() {
        let found = nginx(
            b"user www www-data;\nhttp {\n server {\n  listen 8080 default_server;\n  listen [::]:8080;\n  root /srv/a; # root /no;\n  \
              location /m { alias \"/srv/m;x\"; fastcgi_pass unix:/run/f.sock; }\n }\n server { root /srv/b; }\n}\n",
        );
        assert_eq!(
            shown(&found),
            [
                " | ",
                ":8080 :8080 | 6 root /srv/a, 7 alias /srv/m;x",
                ":80 | 9 root /srv/b"
            ]
        );
        assert_eq!(found.sites[1].passes.len(), 1);
        assert_eq!(
            (found.user.as_deref(), found.group.as_deref()),
            (Some("www"), Some("www-data"))
        );
    }

    #[test]
    fn the_site_of_lighttpd() {
        let found = lighttpd(
            b"server.document-root = \"/srv/l\"\nserver.port = 8088\nalias.url += ( \"/d\" => \"/srv/d\" )\nserver.username = \"www\"\n",
        );
        assert_eq!(
            shown(&found),
            [":8088 | 1 server.document-root /srv/l, 3 alias.url /srv/d"]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(file in r#"(server|root|listen|<VirtualHost|</VirtualHost>|[{};"'# \n/a:8]){0,80}"#) {
            let _ = (apache(file.as_bytes()), nginx(file.as_bytes()), lighttpd(file.as_bytes()));
        }
    }
}

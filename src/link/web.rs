//! Web applications that a server of the host runs: a site of its settings has the application's tree
//! as its content. That server is then how the application is started.

use std::collections::BTreeSet;

use super::gather::Seen;
use super::reach;
use super::scope::Scope;
use crate::extract::{self, HEAD, Input};
use crate::fact::{Certainty, Class, Fact, Kind, Locus, Source, Touch, What};
use crate::parse::env_file;
use crate::parse::web::{Listen, Site, Sites, apache, lighttpd, nginx};
use crate::path::AppPath;
use crate::tree::Root;

/// How much of a file of settings is read.
const LIMIT: usize = 1 << 20;

/// The key of the directive that says which server has the application as its content.
pub(super) const KEY: &str = "ServedBy";

/// A web server, by where its distributions' packages and its own installation put it.
struct Server {
    name: &'static str,
    read: fn(&[u8]) -> Sites,
    /// Its programs.
    programs: &'static [&'static str],
    /// The files of its settings; what is there but not included, as `sites-available`, is not.
    files: &'static [&'static str],
    /// Directories of settings, each with that of logs.
    dirs: &'static [(&'static str, &'static str)],
    /// What it keeps besides, where its packages put it; what lies below `/run` is made at boot.
    keeps: &'static [(&'static str, Class)],
}

const SERVERS: [Server; 3] = [
    Server {
        name: "Apache",
        read: apache,
        programs: &[
            "apache2",
            "apache2ctl",
            "apachectl",
            "httpd",
            "httpd-prefork",
            "start_apache2",
            "httpd.worker",
        ],
        files: &[
            "/etc/apache2/apache2.conf",
            "/etc/apache2/httpd.conf",
            "/etc/apache2/ports.conf",
            "/etc/apache2/listen.conf",
            "/etc/apache2/uid.conf",
            "/etc/apache2/default-server.conf",
            "/etc/apache2/conf.d/*.conf",
            "/etc/apache2/mods-enabled/*.load",
            "/etc/apache2/conf-enabled/*",
            "/etc/apache2/sites-enabled/*",
            "/etc/apache2/vhosts.d/*.conf",
            "/etc/httpd/conf.modules.d/*.conf",
            "/etc/httpd/conf/httpd.conf",
            "/etc/httpd/conf.d/*.conf",
            "/etc/httpd/sites-enabled/*",
            "/etc/httpd/vhosts.d/*.conf",
            "/usr/local/apache2/conf/httpd.conf",
            "/usr/local/apache2/conf/extra/*.conf",
        ],
        dirs: &[
            ("/etc/apache2", "/var/log/apache2"),
            ("/etc/httpd", "/var/log/httpd"),
            ("/usr/local/apache2/conf", "/usr/local/apache2/logs"),
        ],
        keeps: &[
            ("/run/apache2", Class::Runtime),
            ("/run/lock/apache2", Class::Runtime),
            ("/run/httpd", Class::Runtime),
            ("/var/cache/apache2", Class::Cache),
            ("/var/cache/httpd", Class::Cache),
        ],
    },
    Server {
        name: "nginx",
        read: nginx,
        programs: &["nginx"],
        files: &[
            "/etc/nginx/nginx.conf",
            "/etc/nginx/conf.d/*.conf",
            "/etc/nginx/http.d/*.conf",
            "/etc/nginx/sites-enabled/*",
            "/etc/nginx/vhosts.d/*.conf",
            "/usr/local/nginx/conf/nginx.conf",
        ],
        dirs: &[
            ("/etc/nginx", "/var/log/nginx"),
            ("/usr/local/nginx/conf", "/usr/local/nginx/logs"),
        ],
        keeps: &[
            ("/var/lib/nginx", Class::Cache),
            ("/var/cache/nginx", Class::Cache),
        ],
    },
    Server {
        name: "lighttpd",
        read: lighttpd,
        programs: &["lighttpd"],
        files: &[
            "/etc/lighttpd/lighttpd.conf",
            "/etc/lighttpd/conf-enabled/*.conf",
            "/etc/lighttpd/vhosts.d/*.conf",
        ],
        dirs: &[("/etc/lighttpd", "/var/log/lighttpd")],
        keeps: &[
            ("/run/lighttpd", Class::Runtime),
            ("/var/cache/lighttpd", Class::Cache),
        ],
    },
];

/// What says that a server keeps a place for itself.
const SERVER_KEEPS: &str = "the server's own place";

/// Names of the programs that run PHP for a web server (php-fpm(8)).
const FPM: &str = "fpm";

/// A file of settings that was read.
struct Settings {
    file: AppPath,
    text: Vec<u8>,
    sites: Sites,
}

/// What serves the application.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// Names of the programs that serve it.
    programs: BTreeSet<String>,
}

impl Served {
    /// Whether a program is one of those that serve the application.
    pub(super) fn is_by(&self, program: &AppPath) -> bool {
        let name = String::from_utf8_lossy(program.name()).into_owned();
        let is_fpm = name.starts_with("php") && name.contains(FPM);
        self.programs.contains(&name) || is_fpm && self.programs.contains(FPM)
    }
}

/// Adds to `seen` the sites whose content is the application's, with their ports, user, settings and
/// logs.
pub(super) fn served(root: &Root, scope: &Scope, seen: &mut Seen) -> Served {
    let mut served = Served::default();
    if scope.dirs.is_empty() {
        return served;
    }
    for server in &SERVERS {
        let all = settings(root, server);
        let is_own = |settings: &Settings| scope.contains(&settings.file);
        if all.is_empty() || all.iter().any(is_own) {
            continue;
        }
        let depth = all
            .iter()
            .flat_map(|settings| settings.sites.sites.iter())
            .flat_map(|site| &site.places)
            .filter_map(|place| nearness(root, scope, &place.path))
            .max();
        let Some(depth) = depth else {
            continue;
        };
        served
            .programs
            .extend(server.programs.iter().map(|name| (*name).to_owned()));
        for settings in &all {
            for site in &settings.sites.sites {
                let is_nearest = |path: &[u8]| nearness(root, scope, path) == Some(depth);
                let place = site.places.iter().find(|place| is_nearest(&place.path));
                if let Some(place) = place {
                    let at = Locus::line(&settings.file, place.line);
                    seen.facts.extend(site_facts(root, server, &all, site, &at));
                    // PHP comes by FastCGI where a site hands requests on.
                    let is_php = |to: &[u8]| memchr::memmem::find(to, b"php").is_some();
                    let passes = site
                        .passes
                        .iter()
                        .any(|pass| is_php(&pass.path) || pass.by == "fastcgi_pass");
                    if passes {
                        served.programs.insert(FPM.to_owned());
                    }
                    add_file(root, settings, seen);
                }
            }
        }
    }
    served
}

/// A site: its content, its file, its ports, and the user that serves it.
pub(super) type Found = (AppPath, AppPath, Vec<u16>, Option<String>);

/// The sites of every server of the system.
pub(super) fn sites(root: &Root) -> Vec<Found> {
    let mut found = Vec::new();
    for server in &SERVERS {
        let all = settings(root, server);
        let user = user(root, &all).map(|(user, _)| user);
        for settings in &all {
            for site in &settings.sites.sites {
                let ports: Vec<u16> = site.listens.iter().map(|listen| listen.port).collect();
                for place in &site.places {
                    if let Some(path) = AppPath::absolute(&place.path) {
                        found.push((path, settings.file.clone(), ports.clone(), user.clone()));
                    }
                }
            }
        }
    }
    found
}

/// How near a path of content is to the application: its depth where the application lies below it,
/// and more than any of these where it lies in the application.
fn nearness(root: &Root, scope: &Scope, path: &[u8]) -> Option<usize> {
    let path = AppPath::absolute(path)?;
    let real = root.resolve(path.as_bytes()).map_or(path, |node| node.real);
    if scope.contains(&real) {
        return Some(usize::MAX);
    }
    let above = scope.prefixes.iter().any(|prefix| prefix.is_below(&real));
    (above && real.depth() > 1).then(|| real.depth())
}

/// The files of a server's settings.
fn settings(root: &Root, server: &Server) -> Vec<Settings> {
    let mut found: Vec<Settings> = Vec::new();
    let files = server.files.iter().flat_map(|pattern| {
        let pattern = AppPath::new(pattern);
        reach::expand(root, &pattern, false)
    });
    for file in files {
        let node = root.resolve(file.as_bytes());
        if !node.is_ok_and(|node| node.stat.kind == Kind::File) {
            continue;
        }
        if let Ok(text) = root.read(file.as_bytes(), LIMIT) {
            let sites = (server.read)(&text);
            found.push(Settings { file, text, sites });
        }
    }
    found
}

/// The facts of a site that serves the application.
fn site_facts(
    root: &Root,
    server: &Server,
    all: &[Settings],
    site: &Site,
    at: &Locus,
) -> Vec<Fact> {
    let mut found = Vec::new();
    let mut add = |certainty, what| {
        found.push(Fact {
            at: at.clone(),
            what,
            certainty,
        });
    };
    add(
        Certainty::Declared,
        What::Directive {
            key: KEY.to_owned(),
            value: server.name.to_owned(),
        },
    );
    let listens: BTreeSet<&Listen> = match site.listens.is_empty() {
        false => site.listens.iter().collect(),
        true => all
            .iter()
            .flat_map(|settings| settings.sites.sites.iter())
            .filter(|site| !site.is_host)
            .flat_map(|site| &site.listens)
            .collect(),
    };
    let is_loaded = |module: &String| {
        let mut modules = all.iter().flat_map(|settings| &settings.sites.modules);
        modules.any(|loaded| loaded == module)
    };
    for listen in listens {
        if listen
            .needs
            .as_ref()
            .is_some_and(|module| !is_loaded(module))
        {
            continue;
        }
        let what = What::Listens {
            transport: "tcp".to_owned(),
            port: Some(listen.port),
            address: listen.address.clone(),
            protocol: Some(if listen.port == 443 { "https" } else { "http" }.to_owned()),
        };
        add(Certainty::Declared, what);
    }
    if let Some((user, group)) = user(root, all) {
        add(Certainty::Declared, What::RunsAs { user, group });
    }
    let file = &at.file;
    let dirs = server
        .dirs
        .iter()
        .find(|(dir, _)| file.is_below(&AppPath::new(dir)));
    if let Some((dir, logs)) = dirs {
        let mut path = |path: &str, touch, by: &str, class| {
            let what = What::Path {
                path: AppPath::new(path),
                touch,
                source: Source::Config,
                by: by.to_owned(),
                kind: Some(Kind::Dir),
                class: Some(class),
            };
            add(Certainty::Declared, what);
        };
        path(dir, Touch::Reads, "ServerRoot", Class::Config);
        path(logs, Touch::Writes, "ErrorLog", Class::Log);
        let name = AppPath::new(dir).name().to_vec();
        for (keeps, class) in server.keeps {
            let is_there = match *class {
                // The layouts of the distributions call it as they call the settings.
                Class::Runtime => AppPath::new(keeps).name() == name,
                _ => root.resolve(keeps).is_ok(),
            };
            if is_there {
                path(keeps, Touch::Writes, SERVER_KEEPS, *class);
            }
        }
    }
    found
}

/// The user that the server changes to; Debian's Apache has it in a file of variables.
fn user(root: &Root, all: &[Settings]) -> Option<(String, Option<String>)> {
    let text = root.read("/etc/apache2/envvars", LIMIT).unwrap_or_default();
    let variables = env_file::parse(&text).0;
    let value = |word: &String| {
        let name = word
            .strip_prefix("${")
            .and_then(|name| name.strip_suffix('}'));
        let Some(name) = name else {
            return Some(word.clone());
        };
        let found = variables.iter().find(|variable| variable.name == name)?;
        String::from_utf8(found.value.clone()).ok()
    };
    let found = all
        .iter()
        .find_map(|settings| settings.sites.user.as_ref())?;
    let group = all
        .iter()
        .find_map(|settings| settings.sites.group.as_ref());
    Some((value(found)?, group.and_then(value)))
}

/// Reads a file of settings for all else that it says.
fn add_file(root: &Root, settings: &Settings, seen: &mut Seen) {
    let Ok(node) = root.resolve(settings.file.as_bytes()) else {
        return;
    };
    if seen.entries.contains(&settings.file) {
        return;
    }
    let text = &settings.text;
    let head = &text[..text.len().min(HEAD)];
    let out = extract::extract(&Input::new(&settings.file, &node.stat, head, text));
    seen.facts.extend(out.facts);
    seen.issues.extend(out.issues);
    seen.entries.push(&settings.file, &node.stat);
    seen.entries.settle();
    seen.read += 1;
}

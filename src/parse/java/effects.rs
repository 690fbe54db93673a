//! What calls of Java's own library, and of the commonest others, do to files, ports and processes (the
//! API specification of the Java Platform, Standard Edition).

use super::frame::Slot;
use super::shape::Shape;
use super::walk::Walk;
use crate::parse::op::{Act, Deed, Run};
use crate::parse::shell;
use crate::parse::value::{HOLE, Value, folded};

/// Which of a call's operands.
#[derive(Clone, Copy)]
enum Of {
    At(usize),
    Receiver,
}

use Of::{At, Receiver};

/// What is done with it.
#[derive(Clone, Copy)]
enum Does {
    Act(Act),
    /// It is opened as the second argument says.
    Mode,
    /// A port is opened that it is, or that stands in it behind a colon.
    Listens,
    /// Likewise, of datagrams.
    ListensUdp,
    /// It is a command.
    Runs,
    /// It is a pattern of `java.util.logging.FileHandler`.
    Pattern,
}

const READS: Does = Does::Act(Act::Reads);
const WRITES: Does = Does::Act(Act::Writes);
const BELOW: Does = Does::Act(Act::WritesBelow);
const CREATES: Does = Does::Act(Act::Creates);
const MAKES: Does = Does::Act(Act::MakesDir);
const REMOVES: Does = Does::Act(Act::Removes);

/// A class, names of its methods (`new` makes an object), and what they do.
type Row = (&'static str, &'static [&'static str], &'static [(Of, Does)]);

const EFFECTS: &[Row] = &[
    ("java/io/FileOutputStream", &["new"], &[(At(0), WRITES)]),
    ("java/io/FileWriter", &["new"], &[(At(0), WRITES)]),
    ("java/io/PrintWriter", &["new"], &[(At(0), WRITES)]),
    ("java/io/PrintStream", &["new"], &[(At(0), WRITES)]),
    ("java/util/Formatter", &["new"], &[(At(0), WRITES)]),
    ("java/io/FileInputStream", &["new"], &[(At(0), READS)]),
    ("java/io/FileReader", &["new"], &[(At(0), READS)]),
    ("java/util/zip/ZipFile", &["new"], &[(At(0), READS)]),
    ("java/util/jar/JarFile", &["new"], &[(At(0), READS)]),
    ("java/io/RandomAccessFile", &["new"], &[(At(0), Does::Mode)]),
    ("java/io/File", &["mkdir", "mkdirs"], &[(Receiver, MAKES)]),
    ("java/io/File", &["createNewFile"], &[(Receiver, CREATES)]),
    (
        "java/io/File",
        &["delete", "deleteOnExit"],
        &[(Receiver, REMOVES)],
    ),
    ("java/io/File", &["list", "listFiles"], &[(Receiver, READS)]),
    (
        "java/io/File",
        &["renameTo"],
        &[(Receiver, REMOVES), (At(0), WRITES)],
    ),
    (
        "java/nio/file/Files",
        &[
            "write",
            "writeString",
            "newBufferedWriter",
            "newOutputStream",
        ],
        &[(At(0), WRITES)],
    ),
    ("java/nio/file/Files", &["createFile"], &[(At(0), CREATES)]),
    (
        "java/nio/file/Files",
        &["createDirectory", "createDirectories"],
        &[(At(0), MAKES)],
    ),
    (
        "java/nio/file/Files",
        &["delete", "deleteIfExists"],
        &[(At(0), REMOVES)],
    ),
    (
        "java/nio/file/Files",
        &["createTempFile", "createTempDirectory"],
        &[(At(0), BELOW)],
    ),
    (
        "java/nio/file/Files",
        &[
            "readAllBytes",
            "readAllLines",
            "readString",
            "lines",
            "newInputStream",
            "newBufferedReader",
            "list",
            "walk",
            "newDirectoryStream",
            "find",
        ],
        &[(At(0), READS)],
    ),
    ("java/net/ServerSocket", &["new"], &[(At(0), Does::Listens)]),
    (
        "java/net/ServerSocket",
        &["bind"],
        &[(At(0), Does::Listens)],
    ),
    (
        "java/nio/channels/ServerSocketChannel",
        &["bind"],
        &[(At(0), Does::Listens)],
    ),
    (
        "javax/net/ServerSocketFactory",
        &["createServerSocket"],
        &[(At(0), Does::Listens)],
    ),
    (
        "javax/net/ssl/SSLServerSocketFactory",
        &["createServerSocket"],
        &[(At(0), Does::Listens)],
    ),
    (
        "java/net/DatagramSocket",
        &["new"],
        &[(At(0), Does::ListensUdp)],
    ),
    (
        "java/net/MulticastSocket",
        &["new"],
        &[(At(0), Does::ListensUdp)],
    ),
    (
        "com/sun/net/httpserver/HttpServer",
        &["create", "bind"],
        &[(At(0), Does::Listens)],
    ),
    (
        "com/sun/net/httpserver/HttpsServer",
        &["create", "bind"],
        &[(At(0), Does::Listens)],
    ),
    (
        "java/rmi/registry/LocateRegistry",
        &["createRegistry"],
        &[(At(0), Does::Listens)],
    ),
    (
        "org/eclipse/jetty/server/Server",
        &["new"],
        &[(At(0), Does::Listens)],
    ),
    (
        "org/eclipse/jetty/server/ServerConnector",
        &["setPort"],
        &[(At(0), Does::Listens)],
    ),
    (
        "org/apache/catalina/startup/Tomcat",
        &["setPort"],
        &[(At(0), Does::Listens)],
    ),
    (
        "io/undertow/Undertow$Builder",
        &["addHttpListener"],
        &[(At(0), Does::Listens)],
    ),
    ("io/javalin/Javalin", &["start"], &[(At(0), Does::Listens)]),
    ("spark/Spark", &["port"], &[(At(0), Does::Listens)]),
    ("spark/Service", &["port"], &[(At(0), Does::Listens)]),
    (
        "io/netty/bootstrap/ServerBootstrap",
        &["bind"],
        &[(At(0), Does::Listens)],
    ),
    ("java/lang/Runtime", &["exec"], &[(At(0), Does::Runs)]),
    (
        "java/lang/ProcessBuilder",
        &["new", "command"],
        &[(At(0), Does::Runs)],
    ),
    (
        "java/util/logging/FileHandler",
        &["new"],
        &[(At(0), Does::Pattern)],
    ),
    (
        "org/apache/commons/io/FileUtils",
        &["forceMkdir", "cleanDirectory"],
        &[(At(0), MAKES)],
    ),
    (
        "org/apache/commons/io/FileUtils",
        &[
            "write",
            "writeStringToFile",
            "writeByteArrayToFile",
            "writeLines",
            "openOutputStream",
            "touch",
        ],
        &[(At(0), WRITES)],
    ),
    (
        "org/apache/commons/io/FileUtils",
        &[
            "readFileToString",
            "readLines",
            "readFileToByteArray",
            "openInputStream",
        ],
        &[(At(0), READS)],
    ),
    (
        "org/apache/commons/io/FileUtils",
        &["deleteDirectory", "deleteQuietly"],
        &[(At(0), REMOVES)],
    ),
    (
        "org/apache/lucene/store/FSDirectory",
        &["open"],
        &[(At(0), BELOW)],
    ),
    (
        "org/mapdb/DBMaker",
        &["fileDB", "newFileDB"],
        &[(At(0), WRITES)],
    ),
    ("org/h2/mvstore/MVStore", &["open"], &[(At(0), WRITES)]),
    ("org/rocksdb/RocksDB", &["open"], &[(At(1), BELOW)]),
    (
        "org/apache/log4j/FileAppender",
        &["new"],
        &[(At(1), WRITES)],
    ),
    (
        "org/apache/log4j/RollingFileAppender",
        &["new"],
        &[(At(1), WRITES)],
    ),
    (
        "org/apache/log4j/DailyRollingFileAppender",
        &["new"],
        &[(At(1), WRITES)],
    ),
];

/// Files that are copied or moved: what becomes of the first.
const FROM_TO: &[(&str, &str, Act)] = &[
    ("java/nio/file/Files", "copy", Act::Reads),
    ("java/nio/file/Files", "move", Act::Removes),
    ("org/apache/commons/io/FileUtils", "copyFile", Act::Reads),
    (
        "org/apache/commons/io/FileUtils",
        "copyDirectory",
        Act::Reads,
    ),
    ("org/apache/commons/io/FileUtils", "moveFile", Act::Removes),
    ("com/google/common/io/Files", "copy", Act::Reads),
    ("com/google/common/io/Files", "move", Act::Removes),
];

/// Classes whose objects are paths: what takes one is about a file.
pub(super) const PATHS: [&str; 2] = ["Ljava/io/File;", "Ljava/nio/file/Path;"];

impl Walk<'_> {
    /// What a call does to files, ports and processes.
    pub(super) fn effects(
        &mut self,
        class: &str,
        name: &str,
        shape: &Shape,
        receiver: Option<&Slot>,
        args: &[Slot],
    ) {
        let short = class.rsplit(['/', '$']).next().unwrap_or(class);
        let by = match name {
            "new" => short.to_owned(),
            name => format!("{short}.{name}"),
        };
        for arg in args {
            for value in self.settled(&self.values(arg)) {
                if let Some(url) = value.strip_prefix(b"jdbc:") {
                    self.database(&by, url);
                }
            }
        }
        if let Some((_, _, act)) = FROM_TO.iter().find(|row| (row.0, row.1) == (class, name)) {
            for (arg, act) in args.iter().zip([*act, Act::Writes]) {
                let values = self.values(arg);
                self.acts(&by, act, &values);
            }
            return;
        }
        let row = EFFECTS
            .iter()
            .find(|row| row.0 == class && row.1.contains(&name));
        if let Some((_, _, does)) = row {
            for (of, does) in *does {
                let slot = match of {
                    At(at) => args.get(*at),
                    Receiver => receiver,
                };
                if let Some(slot) = slot {
                    self.effect(&by, *does, slot, args);
                }
            }
            return;
        }
        // A library that takes a path does something with the file.
        if !class.starts_with("java/") {
            for (parameter, arg) in shape.parameters.iter().zip(args) {
                if PATHS.contains(&parameter.as_str()) {
                    let values = self.values(arg);
                    self.acts(&by, Act::Names, &values);
                }
            }
        }
        if let (Some(name), [arg]) = (name.strip_prefix("set"), args) {
            let values = self.settled(&self.values(arg));
            self.sets(name, &values);
        }
    }

    fn effect(&mut self, by: &str, does: Does, slot: &Slot, args: &[Slot]) {
        let values = self.values(slot);
        match does {
            Does::Act(act) => self.acts(by, act, &values),
            Does::Mode => {
                let modes = args
                    .get(1)
                    .map(|mode| self.values(mode))
                    .unwrap_or_default();
                let writes = modes.iter().any(|mode| mode.starts_with(b"rw"));
                let act = if writes { Act::Writes } else { Act::Reads };
                self.acts(by, act, &values);
            }
            Does::Pattern => {
                let home = self.home();
                let replaced = |value: &Value| {
                    let text = String::from_utf8_lossy(value);
                    let text = text.replace("%h", &String::from_utf8_lossy(&home));
                    let text = text
                        .replace("%t", "/tmp")
                        .replace("%g", "*")
                        .replace("%u", "*");
                    text.into_bytes()
                };
                let values: Vec<Value> = values.iter().map(replaced).collect();
                self.acts(by, Act::Writes, &values);
            }
            Does::Listens => self.listens(by, "tcp", &values),
            Does::ListensUdp => self.listens(by, "udp", &values),
            Does::Runs => {
                let items = self.items(slot);
                let words: Vec<Value> = match items.is_empty() {
                    false => items
                        .iter()
                        .map(|item| item.first().cloned().unwrap_or_else(|| vec![HOLE]))
                        .collect(),
                    true => {
                        let line = values.first().cloned().unwrap_or_default();
                        line.split(|byte| *byte == b' ')
                            .map(<[u8]>::to_vec)
                            .collect()
                    }
                };
                let argv: Vec<Value> = words.iter().map(|word| folded(word)).collect();
                if let [shell, option, line, ..] = argv.as_slice()
                    && (shell.ends_with(b"sh") && option == b"-c")
                {
                    let script = shell::read(line, &shell::Context::default());
                    for op in script.ops {
                        self.does(&op.by, op.deed);
                    }
                    return;
                }
                if argv
                    .first()
                    .is_some_and(|program| !program.is_empty() && program != b"*")
                {
                    let run = Run {
                        argv,
                        ..Run::default()
                    };
                    self.does(by, Deed::Run(run));
                }
            }
        }
    }

    /// Notes the ports that values stand for: a number, or an address with one.
    fn listens(&mut self, by: &str, transport: &'static str, values: &[Value]) {
        for value in self.settled(values) {
            let mut parts = value.rsplitn(2, |byte| *byte == b':');
            let port = parts
                .next()
                .and_then(|port| std::str::from_utf8(port).ok()?.parse().ok());
            let address = parts.next().unwrap_or_default();
            if let Some(port) = port.filter(|port| *port > 0) {
                let address = match address.contains(&HOLE) {
                    true => Vec::new(),
                    false => address.to_vec(),
                };
                let deed = Deed::Listens {
                    transport,
                    port,
                    address,
                };
                self.does(by, deed);
            }
        }
    }

    /// A database that is a file of this host: its URL behind `jdbc:`, as the manuals of the drivers of
    /// SQLite, H2, Derby and HSQLDB give it.
    fn database(&mut self, by: &str, url: &[u8]) {
        let end = url.iter().position(|byte| matches!(byte, b';' | b'?'));
        let url = &url[..end.unwrap_or(url.len())];
        let Some((kind, place)) = url
            .iter()
            .position(|byte| *byte == b':')
            .map(|at| url.split_at(at))
        else {
            return;
        };
        let place = &place[1..];
        let is_elsewhere = [
            &b"//"[..],
            b"mem:",
            b":memory:",
            b"memory:",
            b"tcp:",
            b"ssl:",
            b"zip:",
            b"res:",
            b"hsql",
            b"http",
        ]
        .iter()
        .any(|form| place.starts_with(form));
        if is_elsewhere || place.is_empty() {
            return;
        }
        let place = place.strip_prefix(b"file:").unwrap_or(place);
        let place = place.strip_prefix(b"directory:").unwrap_or(place);
        let place = match place.strip_prefix(b"~") {
            Some(rest) => [&self.home()[..], rest].concat(),
            None => place.to_vec(),
        };
        let with = |ending: &[u8]| vec![[&place[..], ending].concat()];
        match kind {
            b"sqlite" => self.acts(by, Act::Writes, &[place]),
            b"h2" => {
                self.acts(by, Act::Writes, &with(b".mv.db"));
                self.acts(by, Act::Writes, &with(b".trace.db"));
            }
            b"derby" => {
                self.acts(by, Act::WritesBelow, &[place]);
                self.acts(by, Act::Writes, &[b"derby.log".to_vec()]);
            }
            b"hsqldb" => {
                for ending in [&b".script"[..], b".log", b".properties", b".lck"] {
                    self.acts(by, Act::Writes, &with(ending));
                }
            }
            _ => {}
        }
    }
}

//! What the calls of Python's standard library, and of the packages that most programs keep things with,
//! do to paths.

use crate::parse::script::rules::{
    Arg, BELOW, COPIES, CREATES, Does, GRANTS, MAKES, MOVES, NAMES, OPENS, Opens, READS, REMOVES,
    Rule, SCRATCH, WRITES, opens, rule,
};

pub(super) const RULES: &[Rule] = &[
    rule(
        &[
            "open",
            "io.open",
            "codecs.open",
            "gzip.open",
            "bz2.open",
            "lzma.open",
            "file",
            "gzip.GzipFile",
            "tarfile.open",
            "zipfile.ZipFile",
            "ZipFile",
            "aiofiles.open",
        ],
        &[(Arg::AtOr(0, "file"), Does::Mode(Arg::AtOr(1, "mode")))],
    ),
    rule(&["os.open"], &[(Arg::At(0), Does::Mode(Arg::At(1)))]),
    rule(
        &[".open"],
        &[(Arg::Receiver, Does::Mode(Arg::AtOr(0, "mode")))],
    ),
    rule(
        &["os.makedirs", "os.mkdir", "makedirs", "mkdir_p"],
        &[(Arg::AtOr(0, "name"), MAKES)],
    ),
    rule(&[".mkdir"], &[(Arg::Receiver, MAKES)]),
    rule(&[".write_text", ".write_bytes"], &[(Arg::Receiver, WRITES)]),
    rule(
        &[".read_text", ".read_bytes", ".iterdir"],
        &[(Arg::Receiver, READS)],
    ),
    rule(&[".touch", ".symlink_to"], &[(Arg::Receiver, CREATES)]),
    rule(
        &[
            "os.remove",
            "os.unlink",
            "os.rmdir",
            "shutil.rmtree",
            "rmtree",
            "os.removedirs",
        ],
        &[(Arg::At(0), REMOVES)],
    ),
    rule(
        &["os.rename", "os.replace", "os.renames", "shutil.move"],
        MOVES,
    ),
    rule(&["shutil.copy", "shutil.copy2", "shutil.copyfile"], COPIES),
    rule(
        &["shutil.copytree"],
        &[(Arg::At(0), READS), (Arg::At(1), BELOW)],
    ),
    rule(
        &["os.chmod", "os.chown", "shutil.chown", "os.lchown"],
        &[(Arg::At(0), GRANTS)],
    ),
    rule(&["os.symlink", "os.link"], &[(Arg::At(1), CREATES)]),
    rule(&["os.mkfifo", "os.mknod"], &[(Arg::At(0), CREATES)]),
    rule(
        &[
            "os.listdir",
            "os.scandir",
            "os.walk",
            "glob.glob",
            "glob.iglob",
        ],
        &[(Arg::At(0), READS)],
    ),
    rule(
        &[
            "os.path.exists",
            "os.path.isfile",
            "os.path.isdir",
            "os.access",
            "os.stat",
        ],
        &[(Arg::At(0), NAMES)],
    ),
    rule(&["os.chdir"], &[(Arg::At(0), Does::ChangeDir)]),
    rule(
        &["sqlite3.connect", "apsw.Connection", "sqlite.connect"],
        &[(Arg::AtOr(0, "database"), WRITES)],
    ),
    rule(
        &["create_engine", "sqlalchemy.create_engine"],
        &[(Arg::At(0), WRITES)],
    ),
    rule(
        &[
            "logging.FileHandler",
            "FileHandler",
            "RotatingFileHandler",
            "WatchedFileHandler",
            "TimedRotatingFileHandler",
            "logging.handlers.RotatingFileHandler",
            "logging.handlers.TimedRotatingFileHandler",
            "logging.handlers.WatchedFileHandler",
        ],
        &[(Arg::AtOr(0, "filename"), WRITES)],
    ),
    rule(
        &["logging.basicConfig", "basicConfig"],
        &[(Arg::Named("filename"), WRITES)],
    ),
    rule(
        &[
            "tempfile.mkstemp",
            "tempfile.mkdtemp",
            "tempfile.NamedTemporaryFile",
            "tempfile.TemporaryDirectory",
            "mkstemp",
            "mkdtemp",
            "NamedTemporaryFile",
            "TemporaryDirectory",
            "TemporaryFile",
            "tempfile.TemporaryFile",
        ],
        &[(Arg::Else("dir", SCRATCH), BELOW)],
    ),
    // Python tries by a file of its own whether it can write there (tempfile, gettempdir).
    rule(
        &["tempfile.gettempdir", "gettempdir", "tempfile.mktemp"],
        &[(Arg::Fixed(SCRATCH), BELOW)],
    ),
    rule(
        &[
            "shelve.open",
            "dbm.open",
            "anydbm.open",
            "gdbm.open",
            "dbm.gnu.open",
        ],
        &[(Arg::At(0), WRITES)],
    ),
    rule(
        &[
            "PIDLockFile",
            "pidfile.PIDLockFile",
            "FileLock",
            "lockfile.FileLock",
            "PidFile",
        ],
        &[(Arg::At(0), WRITES)],
    ),
    rule(
        &[
            "os.system",
            "os.popen",
            "commands.getoutput",
            "subprocess.getoutput",
        ],
        &[(Arg::At(0), Does::Shell)],
    ),
    // http.server, socketserver, xmlrpc.server, gevent.pywsgi, cheroot: a pair of host and port.
    rule(
        &[
            "HTTPServer",
            "ThreadingHTTPServer",
            "TCPServer",
            "ThreadingTCPServer",
            "SimpleXMLRPCServer",
            "WSGIServer",
            "StreamServer",
            ".HTTPServer",
            ".ThreadingHTTPServer",
            ".TCPServer",
            ".ThreadingTCPServer",
            ".SimpleXMLRPCServer",
            ".WSGIServer",
            ".StreamServer",
            ".bind",
        ],
        &[(Arg::At(0), OPENS)],
    ),
    rule(
        &[
            "UDPServer",
            "ThreadingUDPServer",
            ".UDPServer",
            ".ThreadingUDPServer",
        ],
        &[(
            Arg::At(0),
            Does::Opens(&Opens {
                udp: true,
                ..opens(Arg::Named("host"))
            }),
        )],
    ),
    // wsgiref, werkzeug, asyncio.
    rule(
        &["make_server", ".make_server", "run_simple", ".run_simple"],
        &[(
            Arg::AtOr(1, "port"),
            Does::Opens(&opens(Arg::AtOr(0, "host"))),
        )],
    ),
    rule(
        &["asyncio.start_server", "start_server", ".create_server"],
        &[(
            Arg::AtOr(2, "port"),
            Does::Opens(&opens(Arg::AtOr(1, "host"))),
        )],
    ),
    // Flask, Bottle, uvicorn, waitress, aiohttp, and what takes its arguments by these names.
    rule(
        &[".run"],
        &[(
            Arg::Named("port"),
            Does::Opens(&Opens {
                usual: Some(("Flask(", 5000)),
                ..opens(Arg::Named("host"))
            }),
        )],
    ),
    rule(
        &[
            "run",
            "serve",
            ".serve",
            "run_app",
            ".run_app",
            "run_server",
            ".run_server",
        ],
        &[(Arg::Named("port"), OPENS)],
    ),
    // Tornado; a socket listens with the length of its queue.
    rule(
        &[".listen"],
        &[(
            Arg::AtOr(0, "port"),
            Does::Opens(&Opens {
                only: Some("tornado"),
                ..opens(Arg::Named("address"))
            }),
        )],
    ),
    // Twisted.
    rule(
        &[".listenTCP"],
        &[(
            Arg::AtOr(0, "port"),
            Does::Opens(&opens(Arg::Named("interface"))),
        )],
    ),
];

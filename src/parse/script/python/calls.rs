//! What the calls of Python's standard library, and of the packages that most programs keep things with,
//! do to paths.

use crate::parse::script::rules::{
    Arg, BELOW, COPIES, CREATES, Does, GRANTS, MAKES, MOVES, NAMES, READS, REMOVES, Rule, SCRATCH,
    WRITES, rule,
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
];

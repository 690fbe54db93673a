//! What the calls of Node.js, and of the packages that most programs keep things with, do to paths.

use crate::parse::script::rules::{
    Arg, BELOW, COPIES, CREATES, Does, GRANTS, MAKES, MOVES, NAMES, OPENS, Opens, READS, REMOVES,
    Rule, SCRATCH, WRITES, opens, rule,
};

/// `node:fs`, its promises, and `fs-extra`, which has the same calls and some more. Programs import
/// them under several names, or each call by itself.
pub(super) const RULES: &[Rule] = &[
    rule(
        &[
            ".writeFile",
            ".writeFileSync",
            ".appendFile",
            ".appendFileSync",
            ".createWriteStream",
            ".outputFile",
            ".outputFileSync",
            ".outputJson",
            ".outputJsonSync",
            ".writeJson",
            ".writeJsonSync",
            ".writeJSON",
            ".writeJSONSync",
            ".truncate",
            ".truncateSync",
            "writeFile",
            "writeFileSync",
            "appendFile",
            "appendFileSync",
            "createWriteStream",
        ],
        &[(Arg::At(0), WRITES)],
    ),
    rule(
        &[".open", ".openSync", "openSync"],
        &[(Arg::FileAt(0), Does::Mode(Arg::At(1)))],
    ),
    rule(
        &[
            ".readFile",
            ".readFileSync",
            ".createReadStream",
            ".readdir",
            ".readdirSync",
            ".opendir",
            ".opendirSync",
            ".readJson",
            ".readJsonSync",
            ".readJSON",
            ".readJSONSync",
            "readFile",
            "readFileSync",
            "createReadStream",
            "readdir",
            "readdirSync",
        ],
        &[(Arg::At(0), READS)],
    ),
    rule(
        &[
            ".mkdir",
            ".mkdirSync",
            ".mkdirp",
            ".mkdirpSync",
            ".ensureDir",
            ".ensureDirSync",
            ".mkdirs",
            ".mkdirsSync",
            "mkdir",
            "mkdirSync",
            "mkdirp",
            "mkdirp.sync",
            "ensureDir",
            "ensureDirSync",
        ],
        &[(Arg::At(0), MAKES)],
    ),
    rule(
        &[
            ".unlink",
            ".unlinkSync",
            ".rm",
            ".rmSync",
            ".rmdir",
            ".rmdirSync",
            ".emptyDir",
            ".emptyDirSync",
            ".removeSync",
            "unlink",
            "unlinkSync",
            "rmSync",
            "rimraf",
            "rimraf.sync",
        ],
        &[(Arg::At(0), REMOVES)],
    ),
    rule(
        &[
            ".rename",
            ".renameSync",
            ".move",
            ".moveSync",
            "rename",
            "renameSync",
        ],
        MOVES,
    ),
    rule(
        &[
            ".copyFile",
            ".copyFileSync",
            ".copySync",
            "copyFile",
            "copyFileSync",
        ],
        COPIES,
    ),
    rule(
        &[".cp", ".cpSync", "cp", "cpSync"],
        &[(Arg::At(0), READS), (Arg::At(1), BELOW)],
    ),
    rule(
        &[
            ".symlink",
            ".symlinkSync",
            ".linkSync",
            "symlink",
            "symlinkSync",
        ],
        &[(Arg::At(1), CREATES)],
    ),
    rule(
        &[
            ".ensureFile",
            ".ensureFileSync",
            ".utimes",
            ".utimesSync",
            "ensureFile",
            "ensureFileSync",
        ],
        &[(Arg::At(0), CREATES)],
    ),
    rule(
        &[".listen"],
        &[(
            Arg::AtOr(0, "port"),
            Does::Opens(&opens(Arg::AtOr(1, "host"))),
        )],
    ),
    // node:dgram, Deno, Bun.
    rule(
        &[".bind"],
        &[(
            Arg::AtOr(0, "port"),
            Does::Opens(&Opens {
                udp: true,
                ..opens(Arg::AtOr(1, "address"))
            }),
        )],
    ),
    rule(
        &["Deno.serve", "Bun.serve", "serve"],
        &[(
            Arg::Named("port"),
            Does::Opens(&opens(Arg::Named("hostname"))),
        )],
    ),
    rule(
        &[
            "WebSocketServer",
            ".WebSocketServer",
            "WebSocket.Server",
            ".Server",
        ],
        &[(Arg::Named("port"), OPENS)],
    ),
    rule(
        &[
            ".chmod",
            ".chmodSync",
            ".chown",
            ".chownSync",
            "chmodSync",
            "chownSync",
        ],
        &[(Arg::At(0), GRANTS)],
    ),
    rule(
        &[
            ".existsSync",
            ".access",
            ".accessSync",
            ".stat",
            ".statSync",
            ".lstatSync",
            ".pathExists",
            ".pathExistsSync",
            "existsSync",
            "statSync",
            "accessSync",
            "pathExists",
        ],
        &[(Arg::At(0), NAMES)],
    ),
    rule(&["process.chdir"], &[(Arg::At(0), Does::ChangeDir)]),
    // Databases in one file: sqlite3, better-sqlite3, node:sqlite, LevelDB, lowdb, LokiJS.
    rule(
        &[
            ".Database",
            "Database",
            "DatabaseSync",
            ".DatabaseSync",
            "Level",
            "level",
            "JSONFile",
            "JSONFileSync",
            "FileSync",
            "FileAsync",
            "Loki",
            "loki",
        ],
        &[(Arg::FileAt(0), WRITES)],
    ),
    // NeDB; winston's files and those that rotate.
    rule(
        &["Datastore", "Nedb", "NeDB"],
        &[(Arg::Named("filename"), WRITES)],
    ),
    rule(
        &[".File", "DailyRotateFile", ".DailyRotateFile"],
        &[
            (Arg::Named("filename"), WRITES),
            (Arg::Named("dirname"), BELOW),
        ],
    ),
    // express-session's stores of files; multer and formidable, which take uploads. What is not given is
    // where their manuals say.
    rule(
        &["FileStore"],
        &[(Arg::Usual("path", "sessions", "session-file-store"), BELOW)],
    ),
    // GUN keeps its graph on disk unless it is told not to; node-persist.
    rule(&["Gun"], &[(Arg::Usual("file", "radata", "gun"), BELOW)]),
    rule(
        &["storage.init", "storage.initSync"],
        &[(
            Arg::Usual("dir", ".node-persist/storage", "node-persist"),
            BELOW,
        )],
    ),
    rule(&["multer"], &[(Arg::Named("dest"), BELOW)]),
    rule(
        &[".diskStorage", "diskStorage"],
        &[(Arg::Named("destination"), BELOW)],
    ),
    rule(
        &["formidable", ".IncomingForm", "IncomingForm"],
        &[(Arg::Named("uploadDir"), BELOW)],
    ),
    // rotating-file-stream.
    rule(
        &[".createStream", "createStream"],
        &[(Arg::Named("path"), BELOW)],
    ),
    rule(&["dotenv.config"], &[(Arg::Named("path"), READS)]),
    rule(
        &[
            "child_process.exec",
            "child_process.execSync",
            "cp.exec",
            "cp.execSync",
            "exec",
            "execSync",
            "require(child_process).exec",
            "require(child_process).execSync",
        ],
        &[(Arg::At(0), Does::Shell)],
    ),
    rule(
        &["tmp.file", "tmp.dir", "tmp.fileSync", "tmp.dirSync"],
        &[(Arg::Else("dir", SCRATCH), BELOW)],
    ),
];

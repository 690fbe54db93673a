//! JavaScript that Node.js runs: `fs`, `path`, `os`, `child_process`, and the packages that most programs
//! keep their logs, uploads, sessions and small databases with.

use tree_sitter::Node;

use super::Grammar;
use super::reader::{Argument, Reader, by_place, children, ends};
use super::rules::{
    Arg, BELOW, COPIES, CREATES, Does, GRANTS, MAKES, MOVES, NAMES, READS, REMOVES, Rule, SCRATCH,
    WRITES, rule,
};
use crate::parse::op::Act;
use crate::parse::value::{Value, basename, dirname, hole, join};

pub(super) const GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_javascript::LANGUAGE.into(),
    functions: &[
        "arrow_function",
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "method_definition",
    ],
    branches: &[
        "if_statement",
        "else_clause",
        "switch_case",
        "switch_default",
        "for_statement",
        "for_in_statement",
        "while_statement",
        "do_statement",
        "try_statement",
        "catch_clause",
    ],
    visits: &[
        (
            &[
                "variable_declarator",
                "assignment_expression",
                "augmented_assignment_expression",
                "assignment_pattern",
                "object_assignment_pattern",
                "field_definition",
            ],
            assignment,
        ),
        (&["pair"], pair),
        (&["call_expression"], call),
        (&["new_expression"], made),
    ],
    fold,
    rules: RULES,
    signs: &[
        r"__dirname",
        r"__filename",
        r"\bimport\.meta\b",
        r"\btmpdir\b",
        r"\bspawn",
        r"\bexec",
        // A join that begins with an empty name.
        r#"\(\s*["']["']\s*,"#,
    ],
    no_signs: &[],
    quotes: &[],
    expressions: &[],
    comments: &[b"//", b"*", b"/*", b"#!"],
    parentheses: true,
    lines: true,
    longest_run: 64 << 10,
    program: |text| text.into(),
};

/// `node:fs`, its promises, and `fs-extra`, which has the same calls and some more. Programs import
/// them under several names, or each call by itself.
const RULES: &[Rule] = &[
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
        &[(Arg::At(0), Does::Mode(Arg::At(1)))],
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
    // A number is a port, and no path.
    rule(&[".listen"], &[(Arg::At(0), CREATES)]),
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
        &[(Arg::At(0), WRITES)],
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
    // express-session's stores of files; multer and formidable, which take uploads.
    rule(&["FileStore"], &[(Arg::Named("path"), BELOW)]),
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

/// Calls that take a program, and a list of its arguments.
const RUNS: &[&str] = &["spawn", "spawnSync", "execFile", "execFileSync", "fork"];

fn assignment<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    let field = |names: [&str; 3]| {
        let mut names = names.into_iter();
        names.find_map(|name| node.child_by_field_name(name))
    };
    let target = field(["name", "left", "property"]);
    let value = field(["value", "right", "right"]);
    let (Some(target), Some(value)) = (target, value) else {
        return;
    };
    if matches!(target.kind(), "object_pattern" | "array_pattern") {
        return;
    }
    let name = reader.place(target);
    let label = ["this.", "module.exports.", "exports."]
        .iter()
        .find_map(|begin| name.strip_prefix(begin))
        .unwrap_or(&name)
        .to_owned();
    let values = reader.fold(value);
    reader.assign(target, &name, &label, values);
}

/// `key: value` in an object is a setting.
fn pair<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some((key, value)) = ends(node, ["key", "value"]) {
        let label = reader.place(key);
        let values = reader.fold(value);
        reader.setting(node, &label, &values);
    }
}

/// The arguments of a call, and behind them the members of the objects among them, by name.
fn arguments<'t>(reader: &Reader<'t>, node: Node<'t>) -> Vec<Argument<'t>> {
    let Some(list) = node.child_by_field_name("arguments") else {
        return Vec::new();
    };
    if list.kind() != "arguments" {
        // A template behind a name.
        return Vec::new();
    }
    let mut args = by_place(children(list));
    let objects: Vec<Node<'t>> = args
        .iter()
        .map(|(_, node)| *node)
        .filter(|node| node.kind() == "object")
        .collect();
    for member in objects.into_iter().flat_map(children) {
        if let Some((key, value)) = ends(member, ["key", "value"]) {
            args.push((Some(reader.place(key)), value));
        }
    }
    args
}

fn call<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some(function) = node.child_by_field_name("function") {
        called(reader, node, function);
    }
}

fn made<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some(constructor) = node.child_by_field_name("constructor") {
        called(reader, node, constructor);
    }
}

fn called<'t>(reader: &mut Reader<'t>, node: Node<'t>, function: Node<'t>) {
    let args = arguments(reader, node);
    let callee = reader.place(function);
    let method = method_of(&callee);
    if RUNS.contains(&method) {
        runs(reader, node, &args);
        return;
    }
    if let ("mkdtemp" | "mkdtempSync", Some((_, prefix))) = (method, args.first()) {
        // Six characters that nobody knows are put behind it.
        let dirs = reader.fold(*prefix);
        for dir in join(dirs, &hole()) {
            reader.touch(node, method, Act::MakesDir, &dir);
        }
        return;
    }
    let receiver = function.child_by_field_name("object");
    reader.call(node, &callee, receiver, &args);
}

fn method_of(callee: &str) -> &str {
    callee.rsplit('.').next().unwrap_or(callee)
}

fn runs<'t>(reader: &mut Reader<'t>, node: Node<'t>, args: &[Argument<'t>]) {
    let Some((_, program)) = args.first() else {
        return;
    };
    let mut words = vec![*program];
    if let Some((_, list)) = args.get(1)
        && list.kind() == "array"
    {
        words.extend(children(*list));
    }
    reader.run(node, words);
}

fn fold<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    match node.kind() {
        "string" | "template_string" => reader.concat(&children(node)),
        "string_fragment" => vec![reader.bytes(node).to_vec()],
        "escape_sequence" => match reader.bytes(node) {
            [b'\\', byte @ (b'\'' | b'"' | b'`' | b'\\' | b'/' | b'$')] => vec![vec![*byte]],
            _ => hole(),
        },
        "template_substitution" | "parenthesized_expression" | "await_expression" => {
            reader.only_child(node)
        }
        "assignment_expression" => reader.field(node, "right"),
        "binary_expression" => binary(reader, node),
        "ternary_expression" => reader.either_field(node, ["consequence", "alternative"]),
        "identifier" => match reader.bytes(node) {
            b"__dirname" => reader.own_dir(),
            b"__filename" => reader.own_path(),
            _ => {
                let name = reader.string(node);
                reader.lookup(&name)
            }
        },
        "member_expression" => member(reader, node),
        "subscript_expression" => {
            let place = reader.place(node);
            reader.lookup(&place)
        }
        "call_expression" => call_value(reader, node),
        "new_expression" => url(reader, node),
        _ => hole(),
    }
}

fn binary<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let Some((left, right)) = ends(node, ["left", "right"]) else {
        return hole();
    };
    let operator = node.child_by_field_name("operator");
    match operator.map(|operator| reader.bytes(operator)) {
        Some(b"+") => reader.concat(&[left, right]),
        Some(b"||" | b"??") => reader.either(&[left, right]),
        Some(b"&&") => reader.fold(right),
        _ => hole(),
    }
}

fn member<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let place = reader.place(node);
    match place.as_str() {
        "import.meta.dirname" => reader.own_dir(),
        "import.meta.filename" | "import.meta.url" => reader.own_path(),
        _ if place.ends_with("path.sep") => vec![b"/".to_vec()],
        _ => reader.lookup(&place),
    }
}

/// `new URL('data', import.meta.url)`, which is the path of a file beside this one; the path of any
/// other file that is given as a URL.
fn url<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let class = node.child_by_field_name("constructor");
    if class.map(|class| reader.bytes(class)) != Some(b"URL") {
        return hole();
    }
    let args = arguments(reader, node);
    match args.as_slice() {
        [(None, file)] => reader.changed(*file, |url| {
            url.strip_prefix(b"file://").unwrap_or(url).to_vec()
        }),
        [(None, file), (None, base)] => {
            let base = reader.fold(*base);
            let dirs: Vec<Value> = base.iter().map(|base| dirname(base)).collect();
            let file = reader.fold(*file);
            join(join(dirs, &[b"/".to_vec()]), &file)
        }
        _ => hole(),
    }
}

fn call_value<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let Some(function) = node.child_by_field_name("function") else {
        return hole();
    };
    let args = arguments(reader, node);
    let plain: Vec<Node<'t>> = args
        .iter()
        .filter(|(name, _)| name.is_none())
        .map(|(_, node)| *node)
        .collect();
    let callee = reader.place(function);
    let method = method_of(&callee);
    let object = function.child_by_field_name("object");
    let of_path = object.is_none_or(|object| is_path(&reader.place(object)));
    match (method, plain.first()) {
        ("join", Some(_)) if of_path => reader.join_paths(&plain, false),
        ("resolve", Some(_)) if of_path => reader.join_paths(&plain, true),
        ("dirname", Some(path)) if of_path => reader.parent(*path),
        ("basename", Some(path)) if of_path => reader.changed(*path, basename),
        ("normalize", Some(path)) if of_path => reader.fold(*path),
        ("fileURLToPath" | "realpathSync" | "String", Some(path)) => reader.fold(*path),
        ("tmpdir", None) => vec![SCRATCH.as_bytes().to_vec()],
        ("trim" | "toString" | "pathname", _) => object.map_or_else(hole, |it| reader.fold(it)),
        _ => hole(),
    }
}

/// Whether an object is the module `path`, by the names that it is imported under.
fn is_path(name: &str) -> bool {
    let last = name.strip_suffix(".posix").unwrap_or(name);
    last.trim_end_matches(')')
        .rsplit(['.', '(', ':'])
        .next()
        .is_some_and(|last| last == "path" || last.ends_with("Path") || last == "upath")
}

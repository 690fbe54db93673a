//! JavaScript that Node.js runs: `fs`, `path`, `os`, `child_process`, and the packages that most programs
//! keep their logs, uploads, sessions and small databases with.

mod calls;
mod modules;

use tree_sitter::Node;

use self::calls::RULES;
use self::modules::{
    MAX_MEMBERS, arrow, import, is_exports, members, parts, required, signature, take_names,
};
use super::Grammar;
use super::reader::{Argument, Reader, by_place, children, ends, returned};
use super::rules::SCRATCH;
use crate::parse::op::Act;
use crate::parse::value::{Case, Value, basename, dirname, hole, join};

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
                "public_field_definition",
            ],
            assignment,
        ),
        (&["pair"], pair),
        (&["call_expression"], call),
        (&["new_expression"], made),
        (&["return_statement"], returned),
        (&["arrow_function"], arrow),
        (&["import_statement", "export_statement"], import),
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
    signature,
};

/// TypeScript, whose calls are those of JavaScript.
pub(super) const TYPESCRIPT: Grammar = Grammar {
    language: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
    ..GRAMMAR
};

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
    if let Some(module) = required(reader, value) {
        match target.kind() {
            "object_pattern" => take_names(reader, target, &module),
            "identifier" => {
                let name = reader.string(target);
                reader.bind(&name, &module);
            }
            // What a file hands on is its own.
            _ if is_exports(&reader.place(target)) => reader.take_all(&module),
            _ => {}
        }
    }
    if target.kind() == "object_pattern" {
        parts(reader, target, value);
        return;
    }
    if target.kind() == "array_pattern" {
        return;
    }
    let name = reader.place(target);
    let label = ["this.", "module.exports.", "exports."]
        .iter()
        .find_map(|begin| name.strip_prefix(begin))
        .unwrap_or(&name)
        .to_owned();
    match value.kind() {
        "object" => members(reader, &name, value, MAX_MEMBERS),
        "identifier" if is_exports(&name) => {
            let made = reader.string(value);
            reader.alias(&made, &name);
        }
        _ => {}
    }
    let values = reader.fold(value);
    reader.assign(target, &name, &label, values);
}

/// `key: value` in an object is a setting.
fn pair<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some((key, value)) = ends(node, ["key", "value"]) {
        let label = reader.place(key);
        let values = reader.fold(value);
        reader.pair(node, &label, &values);
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

/// What a call calls. Compilers of TypeScript write `(0, path_1.join)(a, b)`, so that the module is not `this`.
fn callee<'t>(node: Node<'t>) -> Option<Node<'t>> {
    let function = node.child_by_field_name("function")?;
    let inner = match function.kind() {
        "parenthesized_expression" => children(function).pop()?,
        _ => return Some(function),
    };
    match inner.kind() {
        "sequence_expression" => children(inner).pop(),
        _ => Some(inner),
    }
}

fn call<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some(function) = callee(node) {
        called(reader, node, function);
    }
}

fn made<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some(constructor) = node.child_by_field_name("constructor") {
        called(reader, node, constructor);
    }
}

fn called<'t>(reader: &mut Reader<'t>, node: Node<'t>, function: Node<'t>) {
    if matches!(reader.bytes(function), b"require" | b"import") {
        required(reader, node);
        return;
    }
    let args = arguments(reader, node);
    let callee = reader.place(function);
    let method = method_of(&callee);
    defaults(reader, node, method, &args);
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

/// Options of a command line and their defaults: yargs's and optimist's `option(name, {default})`,
/// `default(name, value)` and `demand`, commander's `option('-d, --data <dir>', text, value)`.
fn defaults<'t>(reader: &mut Reader<'t>, node: Node<'t>, method: &str, args: &[Argument<'t>]) {
    let (Some((None, name)), true) = (args.first(), matches!(method, "option" | "default")) else {
        return;
    };
    let given = args
        .iter()
        .find(|(name, _)| name.as_deref() == Some("default"));
    let last = args.iter().skip(1).rev().find(|(name, _)| name.is_none());
    let Some((_, value)) = given.or(last).filter(|(_, value)| value.kind() != "object") else {
        return;
    };
    let names = reader.place(*name);
    let values = reader.fold(*value);
    if names
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        reader.pair(node, &names, &values);
    }
    // The long name; a dash within it makes the next letter a capital one.
    let long = names
        .split(['-', ',', '<', '['])
        .filter(|part| part.len() > 1);
    let mut camel = String::new();
    for part in long.take_while(|part| !part.ends_with('>')) {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if !camel.is_empty() => camel.extend(first.to_uppercase()),
            first => camel.extend(first),
        }
        camel.push_str(letters.as_str());
    }
    reader.pair(node, &camel, &values);
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
            let variable = place.strip_prefix("process.env[");
            match variable.and_then(|rest| rest.strip_suffix(']')) {
                Some(variable) => reader.variable(variable),
                None => reader.lookup(&place),
            }
        }
        "as_expression" | "satisfies_expression" | "non_null_expression" => {
            match children(node).first() {
                Some(inner) => reader.fold(*inner),
                None => hole(),
            }
        }
        "call_expression" => call_value(reader, node),
        "new_expression" => url(reader, node),
        "number" => vec![reader.bytes(node).to_vec()],
        // `+process.env.PORT`
        "unary_expression" if reader.bytes(node).starts_with(b"+") => {
            reader.field(node, "argument")
        }
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
        Some(b"||" | b"??") => reader.first_of(&[left, right]),
        Some(b"&&") => reader.fold(right),
        _ => hole(),
    }
}

fn member<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let place = reader.place(node);
    if let Some(variable) = place.strip_prefix("process.env.") {
        return reader.variable(variable);
    }
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
    let Some(function) = callee(node) else {
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
        ("resolve", _) if of_path => {
            let values = match plain.is_empty() {
                true => reader.here(),
                false => reader.join_paths(&plain, true),
            };
            reader.absolute(&values)
        }
        ("homedir", None) => reader.home(),
        ("cwd", None) => reader.here(),
        // What a store of settings has under a key, or else the value behind it.
        ("get" | "getOption" | "env", Some(key)) => reader.stored(*key, plain.get(1).copied()),
        ("dirname", Some(path)) if of_path => reader.parent(*path),
        ("basename", Some(path)) if of_path => reader.changed(*path, basename),
        ("normalize", Some(path)) if of_path => reader.fold(*path),
        ("fileURLToPath" | "realpathSync" | "String" | "Number" | "parseInt", Some(path)) => {
            reader.fold(*path)
        }
        ("tmpdir", None) => vec![SCRATCH.as_bytes().to_vec()],
        ("toLowerCase", _) => object.map_or_else(hole, |it| reader.in_case(it, Case::Lower)),
        ("toUpperCase", _) => object.map_or_else(hole, |it| reader.in_case(it, Case::Upper)),
        ("trim" | "toString" | "pathname", _) => object.map_or_else(hole, |it| reader.fold(it)),
        _ => reader.returned(&callee, &plain),
    }
}

/// Whether an object is the module `path`, by the names that it is imported under.
fn is_path(name: &str) -> bool {
    let last = name.strip_suffix(".posix").unwrap_or(name);
    // `path_1.default`, as compilers of TypeScript call it.
    let last = last.strip_suffix(".default").unwrap_or(last);
    let last = last.trim_end_matches(')').rsplit(['.', '(', ':']).next();
    last.is_some_and(|last| {
        let bare = last.trim_end_matches(|c: char| c.is_ascii_digit());
        let bare = bare.strip_suffix('_').unwrap_or(last);
        bare == "path" || bare.ends_with("Path") || bare == "upath"
    })
}

//! Python: `os.path`, `pathlib`, `open`, and the standard library's calls on files.

mod calls;
mod modules;

use tree_sitter::Node;

use self::calls::RULES;
use self::modules::{import, import_from, signature};
use super::Grammar;
use super::format::{brace_holes, percent_holes};
use super::process::Load;
use super::reader::{Argument, Reader, children, ends, returned};
use crate::parse::value::{Case, Value, basename, hole, is_hole};

pub(super) const GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_python::LANGUAGE.into(),
    functions: &["function_definition", "lambda"],
    branches: &[
        "if_statement",
        "else_clause",
        "elif_clause",
        "try_statement",
        "except_clause",
        "for_statement",
        "while_statement",
    ],
    visits: &[
        (
            &["assignment", "default_parameter", "typed_default_parameter"],
            assignment,
        ),
        (&["pair"], |reader, node| labelled(reader, node, "key")),
        (&["keyword_argument"], |reader, node| {
            labelled(reader, node, "name");
        }),
        (&["call"], call),
        (&["return_statement"], returned),
        (&["import_statement"], import),
        (&["import_from_statement"], import_from),
    ],
    fold,
    rules: RULES,
    signs: &[
        r"__file__",
        r"\.sep\b",
        r"\bsubprocess\.",
        r"\bPopen\b",
        // A join that begins with an empty name.
        r#"\(\s*["']["']\s*,"#,
    ],
    no_signs: &[],
    quotes: &[],
    expressions: &[],
    comments: &[b"#"],
    parentheses: true,
    lines: true,
    longest_run: 64 << 10,
    program: |text| text.into(),
    signature,
};

/// Calls that take a command as a list, or as a string for a shell.
const RUNS: &[&str] = &[
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "subprocess.run",
    "subprocess.Popen",
    "Popen",
];

fn assignment<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    let target = node
        .child_by_field_name("left")
        .or_else(|| node.child_by_field_name("name"));
    let value = node
        .child_by_field_name("right")
        .or_else(|| node.child_by_field_name("value"));
    if let (Some(target), Some(value)) = (target, value) {
        let name = reader.place(target);
        let label = name.strip_prefix("self.").unwrap_or(&name).to_owned();
        let values = reader.fold(value);
        reader.assign(target, &name, &label, values);
    }
}

/// `key: value` in a dictionary and `name=value` in a call are settings.
fn labelled<'t>(reader: &mut Reader<'t>, node: Node<'t>, field: &str) {
    if let Some((key, value)) = ends(node, [field, "value"]) {
        let label = reader.place(key);
        let values = reader.fold(value);
        reader.pair(node, &label, &values);
    }
}

fn arguments<'t>(reader: &Reader<'t>, node: Node<'t>) -> Vec<Argument<'t>> {
    let Some(list) = node.child_by_field_name("arguments") else {
        return Vec::new();
    };
    let argument = |child: Node<'t>| {
        let name = child.child_by_field_name("name");
        match (child.kind(), name, child.child_by_field_name("value")) {
            ("keyword_argument", Some(name), Some(value)) => (Some(reader.string(name)), value),
            _ => (None, child),
        }
    };
    children(list).into_iter().map(argument).collect()
}

fn call<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    let Some(function) = node.child_by_field_name("function") else {
        return;
    };
    let args = arguments(reader, node);
    let receiver = function.child_by_field_name("object");
    let callee = reader.place(function);
    if RUNS.contains(&callee.as_str()) {
        runs(reader, node, &args);
        return;
    }
    defaults(reader, node, &callee, &args);
    if let (
        "__import__"
        | "importlib.import_module"
        | "import_module"
        | "import_string"
        | "load_entry_point"
        | "pkgutil.iter_modules"
        | "pkgutil.walk_packages",
        first,
    ) = (callee.as_str(), args.first())
    {
        let names = first.map_or_else(hole, |(_, name)| reader.fold(*name));
        for name in names {
            reader.load(Load::Name(&name));
        }
    }
    if let ("sys.path.insert" | "sys.path.append" | "site.addsitedir", Some((_, dir))) =
        (callee.as_str(), args.last())
    {
        let dirs = reader.fold(*dir);
        for dir in dirs {
            reader.search(&dir);
        }
    }
    // A method's name is enough when its object is an expression.
    reader.call(node, &callee, receiver, &args);
}

/// Options of a command line and their defaults (argparse, optparse, click); keys of settings and
/// theirs (`setdefault`).
fn defaults<'t>(reader: &mut Reader<'t>, node: Node<'t>, callee: &str, args: &[Argument<'t>]) {
    let method = callee.rsplit('.').next().unwrap_or(callee);
    let plain = args.iter().filter(|(name, _)| name.is_none());
    if method == "setdefault" {
        if let [(_, key), (_, value), ..] = plain.collect::<Vec<_>>().as_slice() {
            let (label, values) = (reader.place(*key), reader.fold(*value));
            reader.pair(node, &label, &values);
        }
        return;
    }
    if !matches!(method, "add_argument" | "add_option" | "option" | "define") {
        return;
    }
    let named = |wanted: &str| {
        args.iter()
            .find(|(name, _)| name.as_deref() == Some(wanted))
    };
    let Some((_, value)) = named("default") else {
        return;
    };
    let names: Vec<String> = match named("dest") {
        Some((_, dest)) => vec![reader.place(*dest)],
        None => plain.map(|(_, name)| reader.place(*name)).collect(),
    };
    let values = reader.fold(*value);
    for name in names {
        let name = name.trim_start_matches('-').replace('-', "_");
        if name.len() > 1 {
            reader.pair(node, &name, &values);
        }
    }
}

fn runs<'t>(reader: &mut Reader<'t>, node: Node<'t>, args: &[Argument<'t>]) {
    let Some((None, command)) = args.first() else {
        return;
    };
    if command.kind() != "list" {
        for value in reader.fold(*command) {
            reader.shell(node, &value);
        }
        return;
    }
    reader.run(node, children(*command));
}

fn fold<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    match node.kind() {
        "string" | "concatenated_string" => {
            let parts: Vec<_> = children(node)
                .into_iter()
                .filter(|part| !matches!(part.kind(), "string_start" | "string_end"))
                .collect();
            reader.concat(&parts)
        }
        "string_content" => vec![reader.bytes(node).to_vec()],
        "integer" => vec![reader.bytes(node).to_vec()],
        "interpolation" => reader.field(node, "expression"),
        "parenthesized_expression" => reader.only_child(node),
        "binary_operator" => binary(reader, node),
        "conditional_expression" => match children(node).as_slice() {
            [then, _, other] => reader.either(&[*then, *other]),
            _ => hole(),
        },
        "boolean_operator" => match children(node).as_slice() {
            [left, right] => reader.first_of(&[*left, *right]),
            more => reader.either(more),
        },
        "identifier" if reader.bytes(node) == b"__file__" => reader.own_path(),
        "identifier" => {
            let name = reader.string(node);
            reader.lookup(&name)
        }
        "attribute" => attribute(reader, node),
        "subscript" => subscript(reader, node),
        "call" => call_value(reader, node),
        "named_expression" => reader.field(node, "value"),
        _ => hole(),
    }
}

fn binary<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let Some((left, right)) = ends(node, ["left", "right"]) else {
        return hole();
    };
    let operator = node
        .child_by_field_name("operator")
        .map(|o| reader.bytes(o));
    match operator {
        Some(b"+") => reader.concat(&[left, right]),
        Some(b"/") => reader.join_paths(&[left, right], true),
        Some(b"%") => reader.changed(left, percent_holes),
        _ => hole(),
    }
}

fn attribute<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let Some((object, name)) = ends(node, ["object", "attribute"]) else {
        return hole();
    };
    match reader.bytes(name) {
        b"parent" => reader.parent(object),
        b"name" => reader.changed(object, basename),
        b"sep" => vec![b"/".to_vec()],
        b"pardir" => vec![b"..".to_vec()],
        b"curdir" => vec![b".".to_vec()],
        _ => {
            let place = reader.place(node);
            let values = reader.lookup(&place);
            if !values.iter().all(|value| is_hole(value)) {
                return values;
            }
            // A constant of a class or of a settings module that stands in this file too.
            let name = reader.string(name);
            let constant = name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit());
            if constant {
                reader.lookup(&name)
            } else {
                hole()
            }
        }
    }
}

fn subscript<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let value = node.child_by_field_name("value");
    let index = node.child_by_field_name("subscript");
    if let (Some(value), Some(index)) = (value, index)
        && value.kind() == "attribute"
        && value
            .child_by_field_name("attribute")
            .map(|a| reader.bytes(a))
            == Some(b"parents")
        && let Some(object) = value.child_by_field_name("object")
    {
        let times = reader
            .string(index)
            .parse::<usize>()
            .map_or(1, |n| n.min(16) + 1);
        let values = reader.fold(object);
        return Reader::parents(&values, times);
    }
    let place = reader.place(node);
    let variable = ["os.environ[", "environ["].iter();
    let variable = variable
        .filter_map(|begin| place.strip_prefix(begin))
        .next();
    match variable.and_then(|rest| rest.strip_suffix(']')) {
        Some(variable) => reader.variable(variable),
        None => reader.lookup(&place),
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
    let first = plain.first().copied();
    let method = callee.rsplit('.').next().unwrap_or(&callee);
    let receiver = function.child_by_field_name("object");
    match (callee.as_str(), first) {
        ("os.path.join" | "path.join" | "join" | "Path" | "pathlib.Path" | "PurePath", Some(_)) => {
            reader.join_paths(&plain, true)
        }
        ("os.path.dirname" | "path.dirname" | "dirname", Some(path)) => reader.parent(path),
        ("os.path.basename" | "basename", Some(path)) => reader.changed(path, basename),
        ("os.path.abspath" | "os.path.realpath" | "abspath" | "realpath", Some(path)) => {
            let values = reader.fold(path);
            reader.absolute(&values)
        }
        ("os.path.expanduser" | "expanduser", Some(path)) => {
            let values = reader.fold(path);
            reader.expanded(values)
        }
        (
            "os.path.normpath" | "normpath" | "str" | "os.fspath" | "unicode"
            | "os.path.expandvars" | "open" | "repr" | "int",
            Some(path),
        ) => reader.fold(path),
        ("Path.home" | "pathlib.Path.home", None) => reader.home(),
        ("os.getcwd" | "getcwd" | "Path.cwd" | "pathlib.Path.cwd" | "os.getcwdu", None) => {
            reader.here()
        }
        ("tempfile.gettempdir" | "gettempdir", None) => vec![b"/tmp".to_vec()],
        (
            "os.environ.get" | "os.getenv" | "getenv" | "env" | "environ.get" | "config"
            | "getattr",
            Some(name),
        ) => {
            let default = plain.last().copied().filter(|_| plain.len() > 1);
            reader.variable_or(name, default)
        }
        _ => match (method, receiver) {
            ("resolve" | "absolute", Some(object)) => {
                let values = reader.fold(object);
                reader.absolute(&values)
            }
            ("expanduser", Some(object)) => {
                let values = reader.fold(object);
                reader.expanded(values)
            }
            ("strip" | "rstrip" | "as_posix" | "decode" | "encode", Some(object)) => {
                reader.fold(object)
            }
            ("lower", Some(object)) => reader.in_case(object, Case::Lower),
            ("upper", Some(object)) => reader.in_case(object, Case::Upper),
            // What a store of settings has under a key, or else the value behind it.
            ("get" | "setdefault" | "getstr", Some(_)) if !plain.is_empty() => {
                store(reader, &args, &plain)
            }
            ("joinpath", Some(object)) => {
                let mut all = vec![object];
                all.extend(plain);
                reader.join_paths(&all, true)
            }
            ("format", Some(object)) => reader.changed(object, brace_holes),
            _ => reader.returned(&callee, &plain),
        },
    }
}

/// `get(key, default)`, and `get(section, key, fallback=default)` of configparser.
fn store<'t>(reader: &mut Reader<'t>, args: &[Argument<'t>], plain: &[Node<'t>]) -> Vec<Value> {
    let fallback = args
        .iter()
        .find(|(name, _)| name.as_deref() == Some("fallback"));
    let is_text = |node: &&Node<'t>| node.kind() == "string";
    let mut known = hole();
    for key in plain.iter().filter(is_text) {
        let name = format!("get[{}]", reader.place(*key));
        known = reader.lookup(&name);
        if !known.iter().all(|value| is_hole(value)) {
            return known;
        }
    }
    match (fallback, plain) {
        (Some((_, default)), _) => reader.fold(*default),
        (None, [_, default]) => reader.fold(*default),
        _ => known,
    }
}

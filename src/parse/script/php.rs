//! PHP: the filesystem functions, uploads, sessions, and databases that are files.

use tree_sitter::Node;

use super::format::percent_holes;
use super::process::Load;
use super::reader::{Argument, Reader, by_place, children, ends, returned};
use super::rules::{
    Arg, BELOW, COPIES, CREATES, Does, GRANTS, MAKES, MOVES, NAMES, OPENS, READS, REMOVES, Rule,
    SCRATCH, WRITES, opens, rule,
};
use super::{Grammar, Signature};
use crate::parse::op::Act;
use crate::parse::value::{Case, Value, basename, hole};

pub(super) const GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_php::LANGUAGE_PHP.into(),
    functions: &[
        "function_definition",
        "method_declaration",
        "anonymous_function",
        "arrow_function",
    ],
    branches: &[
        "if_statement",
        "else_clause",
        "else_if_clause",
        "switch_statement",
        "try_statement",
        "catch_clause",
        "for_statement",
        "foreach_statement",
        "while_statement",
    ],
    visits: &[
        (&["assignment_expression"], assignment),
        (&["const_element"], const_element),
        (
            &["simple_parameter", "static_variable_declaration"],
            variable,
        ),
        (&["property_element"], property),
        (&["array_element_initializer"], element),
        (
            &["function_call_expression", "object_creation_expression"],
            call,
        ),
        (
            &["member_call_expression", "scoped_call_expression"],
            method_call,
        ),
        (&["return_statement"], returned),
        (&["namespace_use_clause"], named_class),
        (&["shell_command_expression"], command),
        (
            &[
                "require_expression",
                "require_once_expression",
                "include_expression",
                "include_once_expression",
            ],
            include,
        ),
    ],
    fold,
    rules: RULES,
    signs: &[
        r"__DIR__",
        r"__FILE__",
        r"DIRECTORY_SEPARATOR",
        r"\bsys_get_temp_dir\b",
        r"`",
    ],
    // The own place in a message, and code of its own.
    no_signs: &[
        r"\bbasename\s*\(\s*__FILE__\s*\)",
        r"__LINE__\s*,\s*__FILE__",
        r"__FILE__\s*,\s*__LINE__",
        r#"\b(?:include|require)(?:_once)?\b\s*\(?\s*(?:dirname\b|__DIR__|__FILE__|[$"'A-Z])[^;{\n]*;"#,
    ],
    quotes: &[],
    expressions: &[
        "preg_grep",
        "preg_match",
        "preg_match_all",
        "preg_replace",
        "preg_replace_callback",
        "preg_split",
    ],
    comments: &[b"#", b"//", b"*"],
    parentheses: true,
    lines: true,
    longest_run: 64 << 10,
    program: |text| text.into(),
    signature,
};

const RULES: &[Rule] = &[
    rule(
        &["fopen", "gzopen", "bzopen", "dba_open", "SplFileObject"],
        &[(Arg::At(0), Does::Mode(Arg::At(1)))],
    ),
    rule(
        &[
            "file_put_contents",
            "SQLite3",
            "sqlite_open",
            "sqlite_popen",
            "PDO",
        ],
        &[(Arg::At(0), WRITES)],
    ),
    rule(
        &[
            "file_get_contents",
            "file",
            "readfile",
            "parse_ini_file",
            "opendir",
            "scandir",
            "glob",
            "simplexml_load_file",
            "highlight_file",
            "dir",
        ],
        &[(Arg::At(0), READS)],
    ),
    rule(&["mkdir"], &[(Arg::At(0), MAKES)]),
    rule(&["unlink", "rmdir"], &[(Arg::At(0), REMOVES)]),
    rule(&["rename"], MOVES),
    rule(&["copy"], COPIES),
    rule(&["move_uploaded_file"], &[(Arg::At(1), WRITES)]),
    rule(&["touch"], &[(Arg::At(0), CREATES)]),
    rule(&["symlink", "link"], &[(Arg::At(1), CREATES)]),
    rule(&["chmod", "chown", "chgrp"], &[(Arg::At(0), GRANTS)]),
    rule(&["tempnam", "session_save_path"], &[(Arg::At(0), BELOW)]),
    rule(&["tmpfile"], &[(Arg::Fixed(SCRATCH), BELOW)]),
    rule(&["error_log"], &[(Arg::At(2), WRITES)]),
    rule(
        &["imagepng", "imagejpeg", "imagegif", "imagewebp"],
        &[(Arg::At(1), WRITES)],
    ),
    rule(
        &[
            "file_exists",
            "is_file",
            "is_dir",
            "is_writable",
            "is_readable",
            "filemtime",
        ],
        &[(Arg::At(0), NAMES)],
    ),
    rule(&["chdir"], &[(Arg::At(0), Does::ChangeDir)]),
    rule(
        &[
            "exec",
            "shell_exec",
            "system",
            "passthru",
            "popen",
            "proc_open",
        ],
        &[(Arg::At(0), Does::Shell)],
    ),
    // Streams, sockets, Workerman, ReactPHP, Swoole.
    rule(
        &["stream_socket_server", "Worker", "SocketServer"],
        &[(Arg::At(0), OPENS)],
    ),
    rule(
        &["socket_bind"],
        &[(Arg::At(2), Does::Opens(&opens(Arg::At(1))))],
    ),
    rule(
        &[
            "swoole_server",
            "swoole_http_server",
            "swoole_websocket_server",
        ],
        &[(Arg::At(1), Does::Opens(&opens(Arg::At(0))))],
    ),
];

fn assignment<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some((target, value)) = ends(node, ["left", "right"]) {
        let values = reader.fold(value);
        assign(reader, target, values);
    }
}

fn const_element<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let [name, value] = children(node).as_slice() {
        let values = reader.fold(*value);
        let name = reader.string(*name);
        constant(reader, node, &name, values);
    }
}

/// What a parameter or variable is to begin with.
fn initial<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Option<(Node<'t>, Vec<Value>)> {
    let name = node.child_by_field_name("name")?;
    let value = node
        .child_by_field_name("default_value")
        .or_else(|| node.child_by_field_name("value"))?;
    Some((name, reader.fold(value)))
}

fn variable<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some((name, values)) = initial(reader, node) {
        assign(reader, name, values);
    }
}

fn property<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some((name, values)) = initial(reader, node) {
        let name = reader.place(name);
        let name = name.trim_start_matches('$');
        reader.assign(node, &format!("$this->{name}"), name, values);
    }
}

fn element<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let [key, value] = children(node).as_slice() {
        let label = reader.place(*key);
        let values = reader.fold(*value);
        reader.pair(node, &label, &values);
    }
}

/// A class is loaded from its file when it is first asked for.
fn named_class<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some(name) = children(node).first() {
        class(reader, *name);
    }
}

fn class<'t>(reader: &mut Reader<'t>, name: Node<'t>) {
    if matches!(name.kind(), "name" | "qualified_name") {
        let name = reader.place(name);
        if let Some(module) = reader.load(Load::Name(name.as_bytes())) {
            reader.take_all(&module);
        }
    }
}

/// A call of a method: only what it is called with, and its class, are followed.
fn method_call<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some(scope) = node.child_by_field_name("scope") {
        class(reader, scope);
    }
    let Some(name) = node.child_by_field_name("name") else {
        return;
    };
    let (name, args) = (reader.place(name), arguments(node));
    reader.passes(&name, &args);
}

fn signature(reader: &Reader<'_>, node: Node<'_>) -> Signature {
    let name = reader.function_name(node, "__construct");
    let list = node.child_by_field_name("parameters").map(children);
    let names = list.into_iter().flatten();
    let names = names.filter_map(|one| one.child_by_field_name("name"));
    Signature {
        name,
        parameters: names.map(|name| reader.place(name)).collect(),
    }
}

fn command<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    for value in reader.pieces(node, &[]) {
        let value: Value = value.into_iter().filter(|byte| *byte != b'`').collect();
        reader.shell(node, &value);
    }
}

fn include<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let [path] = children(node).as_slice() {
        for value in reader.fold(*path) {
            reader.touch(node, "include", Act::Reads, &value);
            if let Some(module) = reader.load(Load::File(&value)) {
                reader.take_all(&module);
            }
        }
    }
}

/// The label of a place: its last key (`$conf['savedir']`: `savedir`).
fn assign<'t>(reader: &mut Reader<'t>, target: Node<'t>, values: Vec<Value>) {
    let place = reader.place(target);
    let label = place
        .trim_end_matches(']')
        .rsplit(['[', '>', '$'])
        .next()
        .unwrap_or(&place)
        .to_owned();
    reader.assign(target, &place, &label, values);
}

/// A constant is known everywhere, a function around its definition notwithstanding.
fn constant(reader: &mut Reader<'_>, node: Node<'_>, name: &str, values: Vec<Value>) {
    reader.assign(node, &format!("::{name}"), name, values);
}

fn arguments<'t>(node: Node<'t>) -> Vec<Argument<'t>> {
    let list = node.child_by_field_name("arguments").or_else(|| {
        children(node)
            .into_iter()
            .find(|child| child.kind() == "arguments")
    });
    let values = list.map(children).unwrap_or_default();
    by_place(
        values
            .into_iter()
            .filter_map(|value| children(value).last().copied()),
    )
}

fn callee<'t>(reader: &Reader<'t>, node: Node<'t>) -> String {
    let function = node
        .child_by_field_name("function")
        .or_else(|| children(node).first().copied());
    let name = function.map(|name| reader.place(name)).unwrap_or_default();
    name.trim_start_matches('\\').to_owned()
}

fn call<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    let args = arguments(node);
    let callee = callee(reader, node);
    if node.kind() == "object_creation_expression"
        && let Some(name) = children(node).first()
    {
        class(reader, *name);
    }
    match (callee.as_str(), args.as_slice()) {
        ("define", [(_, name), (_, value), ..]) => {
            let values = reader.fold(*value);
            let name = reader.place(*name);
            constant(reader, node, &name, values);
        }
        ("ini_set", [(_, name), (_, value), ..]) => {
            let name = reader.place(*name);
            let act = match name.as_str() {
                "error_log" => Act::Writes,
                "session.save_path" | "upload_tmp_dir" | "soap.wsdl_cache_dir" => Act::WritesBelow,
                _ => return,
            };
            for value in reader.fold(*value) {
                // `syslog` and the like are no files.
                if value.iter().any(|byte| matches!(byte, b'/' | b'.')) {
                    reader.touch(node, &name, act, &value);
                }
            }
        }
        _ => reader.call(node, &callee, None, &args),
    }
}

fn fold<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    match node.kind() {
        "string" | "encapsed_string" => reader.concat(&children(node)),
        "string_content" | "integer" => vec![reader.bytes(node).to_vec()],
        "escape_sequence" => vec![unescape(reader.bytes(node))],
        "parenthesized_expression" | "cast_expression" | "argument" => {
            match children(node).last() {
                Some(inner) => reader.fold(*inner),
                None => hole(),
            }
        }
        "name" | "qualified_name" => name(reader, node),
        "class_constant_access_expression" => match children(node).last() {
            Some(constant) => {
                let name = format!("::{}", reader.string(*constant));
                reader.lookup(&name)
            }
            None => hole(),
        },
        "variable_name"
        | "member_access_expression"
        | "subscript_expression"
        | "scoped_property_access_expression" => {
            let place = reader.place(node);
            let variable = ["$_ENV[", "$_SERVER["].iter();
            let variable = variable
                .filter_map(|begin| place.strip_prefix(begin))
                .next();
            match variable.and_then(|rest| rest.strip_suffix(']')) {
                Some(variable) => reader.variable(variable),
                None => reader.lookup(&place),
            }
        }
        "member_call_expression" | "scoped_call_expression" => method_value(reader, node),
        "binary_expression" => binary(reader, node),
        "conditional_expression" => {
            let parts = children(node);
            reader.either(parts.get(1..).unwrap_or_default())
        }
        "assignment_expression" => reader.field(node, "right"),
        "function_call_expression" => call_value(reader, node),
        _ => hole(),
    }
}

fn unescape(sequence: &[u8]) -> Value {
    match sequence.get(1) {
        Some(b'\\' | b'\'' | b'"' | b'$') => sequence.get(1..).unwrap_or_default().to_vec(),
        _ => sequence.to_vec(),
    }
}

fn name<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    match reader.bytes(node) {
        b"__DIR__" => reader.own_dir(),
        b"__FILE__" => reader.own_path(),
        b"DIRECTORY_SEPARATOR" | b"\\DIRECTORY_SEPARATOR" => vec![b"/".to_vec()],
        other => {
            let name = String::from_utf8_lossy(other);
            reader.lookup(&format!("::{}", name.trim_start_matches('\\')))
        }
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
        Some(b".") => reader.concat(&[left, right]),
        Some(b"??" | b"?:") => reader.first_of(&[left, right]),
        _ => hole(),
    }
}

fn call_value<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let args = arguments(node);
    let Some((_, first)) = args.first().cloned() else {
        return match callee(reader, node).as_str() {
            "sys_get_temp_dir" => vec![b"/tmp".to_vec()],
            "getcwd" => reader.here(),
            other => reader.returned(other, &[]),
        };
    };
    match callee(reader, node).as_str() {
        "dirname" => {
            let times = args
                .get(1)
                .and_then(|(_, n)| reader.string(*n).parse::<usize>().ok());
            let values = reader.fold(first);
            Reader::parents(&values, times.unwrap_or(1).min(16))
        }
        "basename" => reader.changed(first, basename),
        "realpath" | "trim" | "strval" | "intval" => reader.fold(first),
        "strtolower" => reader.in_case(first, Case::Lower),
        "strtoupper" => reader.in_case(first, Case::Upper),
        "rtrim" => {
            let trimmed = |value: &Value| {
                let mut value = value.clone();
                while value.len() > 1 && value.ends_with(b"/") {
                    value.pop();
                }
                value
            };
            reader.fold(first).iter().map(trimmed).collect()
        }
        "sprintf" => reader.changed(first, percent_holes),
        "constant" => {
            let name = format!("::{}", reader.place(first));
            reader.lookup(&name)
        }
        "getenv" | "env" => reader.variable_or(first, args.get(1).map(|(_, node)| *node)),
        other => {
            let nodes: Vec<Node<'t>> = args.iter().map(|(_, node)| *node).collect();
            reader.returned(other, &nodes)
        }
    }
}

/// What a method gives back: what a store of settings has under a key, or else the value behind it.
fn method_value<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let Some(name) = node.child_by_field_name("name") else {
        return hole();
    };
    let (name, args) = (reader.place(name), arguments(node));
    match (name.as_str(), args.as_slice()) {
        ("get" | "getValue" | "getConfig" | "read", [(_, key), rest @ ..]) => {
            reader.stored(*key, rest.first().map(|(_, node)| *node))
        }
        _ => {
            let nodes: Vec<Node<'t>> = args.iter().map(|(_, node)| *node).collect();
            reader.returned(&format!("->{name}"), &nodes)
        }
    }
}

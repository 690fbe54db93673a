//! Ruby: File, FileUtils, Dir, Pathname, Logger, and databases that are files.

use tree_sitter::Node;

use super::process::Load;
use super::reader::{Argument, Reader, children, ends};
use super::rules::{
    Arg, BELOW, COPIES, CREATES, Does, GRANTS, MAKES, MOVES, NAMES, OPENS, READS, REMOVES, Rule,
    SCRATCH, WRITES, opens, rule,
};
use super::{Grammar, Signature};
use crate::parse::value::{Case, Value, basename, hole, is_hole};

pub(super) const GRAMMAR: Grammar = Grammar {
    language: || tree_sitter_ruby::LANGUAGE.into(),
    functions: &["method", "singleton_method"],
    branches: &[
        "if",
        "unless",
        "else",
        "elsif",
        "case",
        "when",
        "while",
        "until",
        "for",
        "rescue",
        "if_modifier",
        "unless_modifier",
    ],
    visits: &[
        (&["assignment", "operator_assignment"], assignment),
        (&["optional_parameter", "keyword_parameter"], parameter),
        (&["pair"], pair),
        (&["call"], call),
        (&["return"], returned),
        (&["subshell"], subshell),
    ],
    fold,
    rules: RULES,
    signs: &[
        r"__FILE__",
        r"__dir__",
        r"\$(?:0|PROGRAM_NAME)\b",
        r"\btmpdir\b",
        r"`",
        r"%x",
        // A join that begins with an empty name.
        r#"\(\s*["']["']\s*,"#,
    ],
    no_signs: &[],
    // Ruby's percent literals; the names of a list.
    quotes: &[
        r"%[qQwWiI]?[(\[{<|!]\s*/[\w.#-]",
        r"%[wWiI][(\[{<|!][^)\]}>|!]*?\s/[\w.#-]",
    ],
    expressions: &[],
    comments: &[b"#"],
    parentheses: false,
    lines: true,
    longest_run: 64 << 10,
    program: |text| text.into(),
    signature,
};

const RULES: &[Rule] = &[
    rule(
        &[
            "File.open",
            "File.new",
            "open",
            "IO.sysopen",
            "Zlib::GzipWriter.open",
            "CSV.open",
        ],
        &[(Arg::At(0), Does::Mode(Arg::At(1)))],
    ),
    rule(
        &[
            "File.write",
            "IO.write",
            "IO.binwrite",
            "File.binwrite",
            "File.truncate",
        ],
        &[(Arg::At(0), WRITES)],
    ),
    rule(
        &[
            "File.read",
            "IO.read",
            "File.readlines",
            "File.foreach",
            "IO.readlines",
            "File.binread",
            "YAML.load_file",
            "YAML.safe_load_file",
            "Dir.glob",
            "Dir.entries",
            "Dir.foreach",
        ],
        &[(Arg::At(0), READS)],
    ),
    rule(
        &[
            "FileUtils.mkdir_p",
            "FileUtils.mkdir",
            "FileUtils.makedirs",
            "Dir.mkdir",
        ],
        &[(Arg::At(0), MAKES)],
    ),
    rule(
        &[
            "FileUtils.rm",
            "FileUtils.rm_f",
            "FileUtils.rm_rf",
            "FileUtils.rm_r",
            "File.delete",
            "File.unlink",
            "Dir.rmdir",
            "FileUtils.remove_dir",
            "FileUtils.remove",
        ],
        &[(Arg::All, REMOVES)],
    ),
    rule(&["FileUtils.mv", "FileUtils.move", "File.rename"], MOVES),
    rule(
        &[
            "FileUtils.cp",
            "FileUtils.copy",
            "FileUtils.install",
            "FileUtils.copy_file",
        ],
        COPIES,
    ),
    rule(
        &[
            "Tempfile.new",
            "Tempfile.create",
            "Tempfile.open",
            "Dir.mktmpdir",
        ],
        &[(Arg::Else("tmpdir", SCRATCH), BELOW)],
    ),
    rule(
        &["FileUtils.cp_r"],
        &[(Arg::At(0), READS), (Arg::At(1), BELOW)],
    ),
    rule(
        &["FileUtils.touch", "File.mkfifo"],
        &[(Arg::At(0), CREATES)],
    ),
    rule(
        &[
            "FileUtils.ln_s",
            "FileUtils.ln_sf",
            "FileUtils.ln",
            "File.symlink",
            "File.link",
        ],
        &[(Arg::At(1), CREATES)],
    ),
    rule(
        &["FileUtils.chmod", "FileUtils.chmod_R", "File.chmod"],
        &[(Arg::At(1), GRANTS)],
    ),
    rule(
        &["FileUtils.chown", "FileUtils.chown_R", "File.chown"],
        &[(Arg::At(2), GRANTS)],
    ),
    rule(
        &[
            "Logger.new",
            "SQLite3::Database.new",
            "SQLite3::Database.open",
            "PStore.new",
            "YAML::Store.new",
            "Sequel.connect",
            "Sequel.sqlite",
            "UNIXServer.new",
            "UNIXServer.open",
        ],
        &[(Arg::At(0), WRITES)],
    ),
    rule(
        &[
            "File.exist?",
            "File.exists?",
            "File.file?",
            "File.directory?",
            "Dir.exist?",
        ],
        &[(Arg::At(0), NAMES)],
    ),
    rule(&["Dir.chdir"], &[(Arg::At(0), Does::ChangeDir)]),
    rule(
        &["system", "exec", "IO.popen", "spawn", "Open3.capture2"],
        &[(Arg::At(0), Does::Shell)],
    ),
    rule(&[".mkpath", ".mkdir"], &[(Arg::Receiver, MAKES)]),
    rule(&[".write", ".binwrite"], &[(Arg::Receiver, WRITES)]),
    // socket, Sinatra, WEBrick, Rack.
    rule(
        &["TCPServer.new", "TCPServer.open"],
        &[(Arg::At(1), Does::Opens(&opens(Arg::At(0))))],
    ),
    rule(&["set"], &[(Arg::Behind(":port"), OPENS)]),
    rule(
        &[
            "WEBrick::HTTPServer.new",
            "HTTPServer.new",
            "Rack::Server.start",
            "Rack::Server.new",
        ],
        &[(
            Arg::Named("Port"),
            Does::Opens(&opens(Arg::Named("BindAddress"))),
        )],
    ),
    rule(
        &[".run"],
        &[(Arg::Named("Port"), Does::Opens(&opens(Arg::Named("Host"))))],
    ),
    rule(
        &[".run!", "run!"],
        &[(Arg::Named("port"), Does::Opens(&opens(Arg::Named("bind"))))],
    ),
];

fn assignment<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some((target, value)) = ends(node, ["left", "right"]) {
        let place = reader.place(target);
        let values = reader.fold(value);
        assign(reader, node, &place, values);
    }
}

fn parameter<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some((name, value)) = ends(node, ["name", "value"]) {
        let place = reader.place(name);
        let values = reader.fold(value);
        assign(reader, node, &place, values);
    }
}

fn pair<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some((key, value)) = ends(node, ["key", "value"]) {
        let label = reader.place(key);
        let values = reader.fold(value);
        reader.pair(node, label.trim_matches(':'), &values);
    }
}

/// `return x`.
fn returned<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some(value) = children(node)
        .first()
        .and_then(|list| children(*list).first().copied())
    {
        let values = reader.fold(value);
        reader.returns(&values);
    }
}

fn signature(reader: &Reader<'_>, node: Node<'_>) -> Signature {
    let name = reader.function_name(node, "initialize");
    let list = node.child_by_field_name("parameters").map(children);
    let names = list.into_iter().flatten();
    let names = names.map(|one| one.child_by_field_name("name").unwrap_or(one));
    Signature {
        name,
        parameters: names.map(|name| reader.place(name)).collect(),
    }
}

/// `require 'a/b'`, `require_relative '../c'`, `load 'd.rb'`; a directory that names are looked up in.
fn loads<'t>(reader: &mut Reader<'t>, callee: &str, args: &[Argument<'t>]) {
    let Some((_, what)) = args.first() else {
        return;
    };
    if matches!(
        callee,
        "$:.unshift" | "$LOAD_PATH.unshift" | "$:.push" | "$LOAD_PATH.push"
    ) {
        for dir in reader.fold(*what) {
            reader.search(&dir);
        }
        return;
    }
    if !matches!(callee, "require" | "require_relative" | "load" | "autoload") {
        return;
    }
    let what = if callee == "autoload" {
        args.get(1).map(|(_, path)| *path)
    } else {
        Some(*what)
    };
    let Some(what) = what else { return };
    for name in reader.fold(what) {
        let load = match callee {
            "require" | "autoload" => Load::Name(&name),
            _ => Load::File(&name),
        };
        if let Some(module) = reader.load(load) {
            reader.take_all(&module);
        }
    }
}

fn call<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    let args = arguments(reader, node);
    let receiver = node.child_by_field_name("receiver");
    let callee = callee(reader, node);
    loads(reader, &callee, &args);
    reader.call(node, &callee, receiver, &args);
}

fn subshell<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    for value in reader.concat(&children(node)) {
        reader.shell(node, &value);
    }
}

fn assign(reader: &mut Reader<'_>, node: Node<'_>, place: &str, values: Vec<Value>) {
    let end = place.trim_end_matches(']');
    let label = end
        .rsplit(['[', '@', '$', '.', ':'])
        .next()
        .unwrap_or(place)
        .to_owned();
    // A constant is known in every method.
    let constant = place.starts_with(|c: char| c.is_ascii_uppercase());
    let name = if constant {
        format!("::{place}")
    } else {
        place.to_owned()
    };
    reader.assign(node, &name, &label, values);
}

/// The arguments of a call; pairs among them have names: `port: 8080`, `:Port => 8080`.
fn arguments<'t>(reader: &Reader<'t>, node: Node<'t>) -> Vec<Argument<'t>> {
    let list = node.child_by_field_name("arguments").map(children);
    let named = |node: Node<'t>| match ends(node, ["key", "value"]) {
        Some((key, value)) if node.kind() == "pair" => {
            let name = reader.place(key);
            (Some(name.trim_matches(':').to_owned()), value)
        }
        _ => (None, node),
    };
    list.unwrap_or_default().into_iter().map(named).collect()
}

fn callee<'t>(reader: &Reader<'t>, node: Node<'t>) -> String {
    let part = |field| {
        node.child_by_field_name(field)
            .map(|part| reader.place(part))
    };
    let method = part("method").unwrap_or_default();
    match part("receiver") {
        Some(receiver) => format!("{}.{method}", receiver.trim_start_matches(':')),
        None => method,
    }
}

fn fold<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    match node.kind() {
        "string" | "chained_string" | "interpolation" | "bare_string" => {
            reader.concat(&children(node))
        }
        "string_content" | "integer" => vec![reader.bytes(node).to_vec()],
        "parenthesized_statements" => reader.only_child(node),
        "identifier" | "instance_variable" | "class_variable" | "global_variable" | "constant"
        | "scope_resolution" | "file" => name(reader, node),
        "element_reference" => {
            let place = reader.place(node);
            match place
                .strip_prefix("ENV[")
                .and_then(|rest| rest.strip_suffix(']'))
            {
                Some(variable) => reader.variable(variable),
                None => reader.lookup(&place),
            }
        }
        "binary" => binary(reader, node),
        "conditional" => reader.either_field(node, ["consequence", "alternative"]),
        "call" => call_value(reader, node),
        _ => hole(),
    }
}

fn name<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let place = reader.place(node);
    match place.as_str() {
        "__FILE__" | "$0" | "$PROGRAM_NAME" => reader.own_path(),
        "__dir__" => reader.own_dir(),
        _ if place.starts_with(|c: char| c.is_ascii_uppercase()) => {
            let last = place.rsplit("::").next().unwrap_or(&place);
            let values = reader.lookup(&format!("::{place}"));
            if values.iter().all(|value| is_hole(value)) {
                return reader.lookup(&format!("::{last}"));
            }
            values
        }
        _ => reader.lookup(&place),
    }
}

fn binary<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let Some((left, right)) = ends(node, ["left", "right"]) else {
        return hole();
    };
    match reader.between(left, right) {
        // A path and a name are joined by `+` too (Pathname), but then the name has no slash.
        b"+" => reader.concat(&[left, right]),
        b"/" => reader.join_paths(&[left, right], true),
        b"||" | b"or" => reader.first_of(&[left, right]),
        _ => hole(),
    }
}

fn call_value<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let args: Vec<Node<'t>> = arguments(reader, node)
        .into_iter()
        .map(|(_, node)| node)
        .collect();
    let callee = callee(reader, node);
    let receiver = node.child_by_field_name("receiver");
    let method = callee.rsplit('.').next().unwrap_or(&callee);
    match (callee.as_str(), args.first().copied()) {
        ("File.join", Some(_)) => reader.join_paths(&args, false),
        ("File.expand_path" | "File.absolute_path", Some(path)) => {
            let values = match args.get(1) {
                Some(base) => reader.join_paths(&[*base, path], true),
                None => reader.fold(path),
            };
            let values = reader.expanded(values);
            reader.absolute(&values)
        }
        ("Dir.home", None) => reader.home(),
        // An application of Rails is started in its root (Configuring Rails Applications, `config.root`).
        ("Dir.pwd" | "Dir.getwd" | "Rails.root", None) => reader.here(),
        ("File.dirname", Some(path)) => reader.parent(path),
        ("File.basename", Some(path)) => reader.changed(path, basename),
        ("File.realpath" | "Pathname.new" | "Pathname" | "String" | "Integer", Some(path)) => {
            reader.fold(path)
        }
        ("Dir.tmpdir", _) => vec![b"/tmp".to_vec()],
        ("ENV.fetch", Some(name)) => reader.variable_or(name, args.get(1).copied()),
        _ => match (method, receiver) {
            (
                "to_s" | "to_i" | "freeze" | "realpath" | "expand_path" | "chomp" | "strip",
                Some(object),
            ) => reader.fold(object),
            ("downcase", Some(object)) => reader.in_case(object, Case::Lower),
            ("upcase", Some(object)) => reader.in_case(object, Case::Upper),
            ("parent" | "dirname", Some(object)) => reader.parent(object),
            ("join", Some(object)) if !args.is_empty() => {
                let mut all = vec![object];
                all.extend(args);
                reader.join_paths(&all, true)
            }
            ("fetch", Some(_)) if !args.is_empty() => {
                let (key, default) = (args.first().copied(), args.get(1).copied());
                key.map_or_else(hole, |key| reader.stored(key, default))
            }
            _ => reader.returned(&callee, &args),
        },
    }
}

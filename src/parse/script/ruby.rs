//! Ruby: File, FileUtils, Dir, Pathname, Logger, and databases that are files.

use tree_sitter::Node;

use super::rules::{Arg, BELOW, CREATES, Does, GRANTS, MAKES, NAMES, READS, REMOVES, Rule, WRITES};
use super::{Argument, Grammar, Reader, children};
use crate::parse::value::{Value, basename, hole, is_hole};

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
    visit,
    fold,
    rules: RULES,
    lines: true,
    longest_run: 64 << 10,
    program: |text| text.into(),
};

const RULES: &[Rule] = &[
    Rule {
        names: &[
            "File.open",
            "File.new",
            "open",
            "IO.sysopen",
            "Zlib::GzipWriter.open",
            "CSV.open",
        ],
        does: &[(Arg::At(0), Does::Mode(Arg::At(1)))],
    },
    Rule {
        names: &[
            "File.write",
            "IO.write",
            "IO.binwrite",
            "File.binwrite",
            "File.truncate",
        ],
        does: &[(Arg::At(0), WRITES)],
    },
    Rule {
        names: &[
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
        does: &[(Arg::At(0), READS)],
    },
    Rule {
        names: &[
            "FileUtils.mkdir_p",
            "FileUtils.mkdir",
            "FileUtils.makedirs",
            "Dir.mkdir",
        ],
        does: &[(Arg::At(0), MAKES)],
    },
    Rule {
        names: &[
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
        does: &[(Arg::All, REMOVES)],
    },
    Rule {
        names: &["FileUtils.mv", "FileUtils.move", "File.rename"],
        does: &[(Arg::At(0), REMOVES), (Arg::At(1), WRITES)],
    },
    Rule {
        names: &[
            "FileUtils.cp",
            "FileUtils.copy",
            "FileUtils.install",
            "FileUtils.copy_file",
        ],
        does: &[(Arg::At(0), READS), (Arg::At(1), WRITES)],
    },
    Rule {
        names: &["FileUtils.cp_r"],
        does: &[(Arg::At(0), READS), (Arg::At(1), BELOW)],
    },
    Rule {
        names: &["FileUtils.touch", "File.mkfifo"],
        does: &[(Arg::At(0), CREATES)],
    },
    Rule {
        names: &[
            "FileUtils.ln_s",
            "FileUtils.ln_sf",
            "FileUtils.ln",
            "File.symlink",
            "File.link",
        ],
        does: &[(Arg::At(1), CREATES)],
    },
    Rule {
        names: &["FileUtils.chmod", "FileUtils.chmod_R", "File.chmod"],
        does: &[(Arg::At(1), GRANTS)],
    },
    Rule {
        names: &["FileUtils.chown", "FileUtils.chown_R", "File.chown"],
        does: &[(Arg::At(2), GRANTS)],
    },
    Rule {
        names: &[
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
        does: &[(Arg::At(0), WRITES)],
    },
    Rule {
        names: &[
            "File.exist?",
            "File.exists?",
            "File.file?",
            "File.directory?",
            "Dir.exist?",
        ],
        does: &[(Arg::At(0), NAMES)],
    },
    Rule {
        names: &["Dir.chdir"],
        does: &[(Arg::At(0), Does::ChangeDir)],
    },
    Rule {
        names: &["system", "exec", "IO.popen", "spawn", "Open3.capture2"],
        does: &[(Arg::At(0), Does::Shell)],
    },
    Rule {
        names: &[".mkpath", ".mkdir"],
        does: &[(Arg::Receiver, MAKES)],
    },
    Rule {
        names: &[".write", ".binwrite"],
        does: &[(Arg::Receiver, WRITES)],
    },
];

fn visit<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    match node.kind() {
        "assignment" | "operator_assignment" => {
            let ends = (
                node.child_by_field_name("left"),
                node.child_by_field_name("right"),
            );
            if let (Some(target), Some(value)) = ends {
                let place = reader.place(target);
                let values = reader.fold(value);
                assign(reader, node, &place, values);
            }
        }
        "optional_parameter" | "keyword_parameter" => {
            let ends = (
                node.child_by_field_name("name"),
                node.child_by_field_name("value"),
            );
            if let (Some(name), Some(value)) = ends {
                let place = reader.place(name);
                let values = reader.fold(value);
                assign(reader, node, &place, values);
            }
        }
        "pair" => {
            let ends = (
                node.child_by_field_name("key"),
                node.child_by_field_name("value"),
            );
            if let (Some(key), Some(value)) = ends {
                let label = reader.place(key);
                let values = reader.fold(value);
                reader.setting(node, label.trim_matches(':'), &values);
            }
        }
        "call" => {
            let args = arguments(node);
            let receiver = node.child_by_field_name("receiver");
            let callee = callee(reader, node);
            reader.call(node, &callee, receiver, &args);
        }
        "subshell" => {
            for value in reader.concat(&children(node)) {
                reader.shell(node, &value);
            }
        }
        _ => {}
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

fn arguments<'t>(node: Node<'t>) -> Vec<Argument<'t>> {
    let list = node.child_by_field_name("arguments").map(children);
    list.unwrap_or_default()
        .into_iter()
        .map(|arg| (None, arg))
        .collect()
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
        "string_content" => vec![reader.bytes(node).to_vec()],
        "parenthesized_statements" => match children(node).as_slice() {
            [inner] => reader.fold(*inner),
            _ => hole(),
        },
        "identifier" | "instance_variable" | "class_variable" | "global_variable" | "constant"
        | "scope_resolution" | "file" => name(reader, node),
        "element_reference" => {
            let place = reader.place(node);
            reader.lookup(&place)
        }
        "binary" => binary(reader, node),
        "conditional" => {
            let ends: Vec<_> = ["consequence", "alternative"]
                .iter()
                .filter_map(|field| node.child_by_field_name(field))
                .collect();
            reader.either(&ends)
        }
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
    let (Some(left), Some(right)) = (
        node.child_by_field_name("left"),
        node.child_by_field_name("right"),
    ) else {
        return hole();
    };
    let operator = reader.text.get(left.end_byte()..right.start_byte());
    match operator.unwrap_or_default().trim_ascii() {
        // A path and a name are joined by `+` too (Pathname), but then the name has no slash.
        b"+" => reader.concat(&[left, right]),
        b"/" => reader.join_paths(&[left, right], true),
        b"||" | b"or" => reader.either(&[left, right]),
        _ => hole(),
    }
}

fn call_value<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Vec<Value> {
    let args: Vec<Node<'t>> = arguments(node).into_iter().map(|(_, node)| node).collect();
    let callee = callee(reader, node);
    let receiver = node.child_by_field_name("receiver");
    let method = callee.rsplit('.').next().unwrap_or(&callee);
    match (callee.as_str(), args.first().copied()) {
        ("File.join", Some(_)) => reader.join_paths(&args, false),
        ("File.expand_path" | "File.absolute_path", Some(path)) => match args.get(1) {
            Some(base) => reader.join_paths(&[*base, path], true),
            None => reader.fold(path),
        },
        ("File.dirname", Some(path)) => {
            let values = reader.fold(path);
            Reader::parents(&values, 1)
        }
        ("File.basename", Some(path)) => reader
            .fold(path)
            .iter()
            .map(|value| basename(value))
            .collect(),
        ("File.realpath" | "Pathname.new" | "Pathname" | "String", Some(path)) => reader.fold(path),
        ("Dir.tmpdir", _) => vec![b"/tmp".to_vec()],
        ("ENV.fetch", Some(_)) => match args.get(1) {
            Some(default) => reader.fold(*default),
            None => hole(),
        },
        _ => match (method, receiver) {
            ("to_s" | "freeze" | "realpath" | "expand_path" | "chomp" | "strip", Some(object)) => {
                reader.fold(object)
            }
            ("parent" | "dirname", Some(object)) => {
                let values = reader.fold(object);
                Reader::parents(&values, 1)
            }
            ("join", Some(object)) if !args.is_empty() => {
                let mut all = vec![object];
                all.extend(args);
                reader.join_paths(&all, true)
            }
            _ => hole(),
        },
    }
}

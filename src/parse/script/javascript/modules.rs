//! What a file of JavaScript loads, hands out, and calls its functions.

use std::rc::Rc;

use tree_sitter::Node;

use super::arguments;
use crate::parse::script::Signature;
use crate::parse::script::process::{Load, Module};
use crate::parse::script::reader::{Reader, children, ends, last_name};
use crate::parse::value::is_hole;

/// How deep the members of objects are followed.
pub(super) const MAX_MEMBERS: usize = 3;

/// What the members of an object are, by their names behind its own.
pub(super) fn members<'t>(reader: &mut Reader<'t>, name: &str, object: Node<'t>, depth: usize) {
    for part in children(object) {
        let Some((key, value)) = ends(part, ["key", "value"]) else {
            continue;
        };
        let member = format!("{name}.{}", reader.place(key));
        if value.kind() == "object" {
            if let Some(depth) = depth.checked_sub(1) {
                members(reader, &member, value, depth);
            }
            continue;
        }
        let values = reader.fold(value);
        if !values.iter().all(|value| is_hole(value)) {
            reader.member(&member, &values);
        }
    }
}

pub(super) fn is_exports(place: &str) -> bool {
    matches!(place, "module.exports" | "exports")
}

/// The file that an expression loads: `require('./a')`, and what is done with it at once.
pub(super) fn required<'t>(reader: &mut Reader<'t>, node: Node<'t>) -> Option<Rc<Module>> {
    let mut node = node;
    loop {
        match node.kind() {
            "call_expression" => {
                let function = node.child_by_field_name("function")?;
                if matches!(reader.bytes(function), b"require" | b"import") {
                    break;
                }
                node = function;
            }
            "member_expression" => node = node.child_by_field_name("object")?,
            "await_expression" | "parenthesized_expression" => node = *children(node).first()?,
            _ => return None,
        }
    }
    let (_, name) = arguments(reader, node).into_iter().next()?;
    let names = reader.fold(name);
    names.iter().find_map(|name| reader.load(Load::Name(name)))
}

/// `{a, b: c}` of what another file gives.
pub(super) fn take_names<'t>(reader: &mut Reader<'t>, pattern: Node<'t>, module: &Module) {
    for part in children(pattern) {
        let (name, own) = match part.kind() {
            "pair_pattern" => match ends(part, ["key", "value"]) {
                Some(both) => both,
                None => continue,
            },
            _ => (part, part),
        };
        let (name, own) = (reader.place(name), reader.place(own));
        reader.take(module, &name, &own);
    }
}

/// `{a, b = d, c: e}` of an object: each name is a member of it, or what stands behind `=`.
pub(super) fn parts<'t>(reader: &mut Reader<'t>, pattern: Node<'t>, value: Node<'t>) {
    let object = reader.place(value);
    for part in children(pattern) {
        let (name, own) = match part.kind() {
            "pair_pattern" => match ends(part, ["key", "value"]) {
                Some(both) => both,
                None => continue,
            },
            "shorthand_property_identifier_pattern" => (part, part),
            _ => continue,
        };
        let values = reader.lookup(&format!("{object}.{}", reader.place(name)));
        let own = reader.place(own);
        if !values.iter().all(|value| is_hole(value)) {
            reader.assign(part, &own, &own, values);
        }
    }
}

/// `import a, {b as c} from './d'`, `export * from './d'`.
pub(super) fn import<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some(value) = node.child_by_field_name("value") {
        match value.kind() {
            "object" => members(reader, "default", value, MAX_MEMBERS),
            "identifier" => {
                let made = reader.string(value);
                reader.alias(&made, "default");
            }
            _ => {}
        }
    }
    let Some(source) = node.child_by_field_name("source") else {
        return;
    };
    let names = reader.fold(source);
    let module = names.iter().find_map(|name| reader.load(Load::Name(name)));
    let Some(module) = module else { return };
    if node.kind() == "export_statement" {
        reader.take_all(&module);
        return;
    }
    let clauses = children(node)
        .into_iter()
        .filter(|child| child.kind() == "import_clause");
    for part in clauses.flat_map(children) {
        match part.kind() {
            "identifier" => {
                let name = reader.string(part);
                reader.bind(&name, &module);
            }
            "namespace_import" => {
                if let Some(name) = children(part).first() {
                    let name = reader.string(*name);
                    reader.bind(&name, &module);
                }
            }
            "named_imports" => {
                for one in children(part) {
                    let Some(name) = one.child_by_field_name("name") else {
                        continue;
                    };
                    let own = one.child_by_field_name("alias").unwrap_or(name);
                    let (name, own) = (reader.string(name), reader.string(own));
                    reader.take(&module, &name, &own);
                    // An object that the other file makes and hands out under this name.
                    reader.bind(&own, &module);
                }
            }
            _ => {}
        }
    }
}

/// `x => value` gives back what stands there.
pub(super) fn arrow<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    if let Some(body) = node.child_by_field_name("body")
        && body.kind() != "statement_block"
    {
        let values = reader.fold(body);
        reader.returns(&values);
    }
}

/// A function's name is that of what it is assigned to, where it has none of its own.
pub(super) fn signature(reader: &Reader<'_>, node: Node<'_>) -> Signature {
    let named = node
        .child_by_field_name("name")
        .map(|name| reader.place(name));
    let above = node.parent();
    let target = |above: Node<'_>| {
        let fields = ["name", "left", "key", "property"].into_iter();
        let mut targets = fields.filter_map(|field| above.child_by_field_name(field));
        targets.next().map(|target| reader.place(target))
    };
    let assigned = above.filter(|above| {
        matches!(
            above.kind(),
            "variable_declarator"
                | "assignment_expression"
                | "pair"
                | "field_definition"
                | "public_field_definition"
        )
    });
    let name = named
        .or_else(|| assigned.and_then(target))
        .unwrap_or_default();
    let name = match name.as_str() {
        "constructor" => {
            let class = above.and_then(|body| body.parent());
            let class = class.and_then(|class| class.child_by_field_name("name"));
            class.map(|class| reader.place(class)).unwrap_or_default()
        }
        name => last_name(name).to_owned(),
    };
    let list = node.child_by_field_name("parameters").map(children);
    let list = list.or_else(|| node.child_by_field_name("parameter").map(|one| vec![one]));
    let mut parameters = Vec::new();
    for one in list.unwrap_or_default() {
        let one = one.child_by_field_name("pattern").unwrap_or(one);
        let one = one.child_by_field_name("left").unwrap_or(one);
        parameters.push(reader.place(one));
    }
    Signature { name, parameters }
}

//! What a file of Python loads, and how its functions are called.

use tree_sitter::Node;

use crate::parse::script::Signature;
use crate::parse::script::process::Load;
use crate::parse::script::reader::{Reader, children};

/// `import a.b`, `import a.b as c`.
pub(super) fn import<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    for part in children(node) {
        let name = part.child_by_field_name("name").unwrap_or(part);
        let name = reader.place(name);
        let alias = part.child_by_field_name("alias");
        let own = alias.map_or_else(|| name.clone(), |alias| reader.place(alias));
        if let Some(module) = reader.load(Load::Name(name.as_bytes())) {
            reader.bind(&own, &module);
        }
    }
}

/// `from a.b import c, d as e`, `from . import c`, `from a import *`.
pub(super) fn import_from<'t>(reader: &mut Reader<'t>, node: Node<'t>) {
    let Some(from) = node.child_by_field_name("module_name") else {
        return;
    };
    let from = reader.place(from);
    let module = reader.load(Load::Name(from.as_bytes()));
    let mut cursor = node.walk();
    let names: Vec<Node<'t>> = node.children_by_field_name("name", &mut cursor).collect();
    if names.is_empty()
        && let Some(module) = &module
    {
        reader.take_all(module);
    }
    for part in names {
        let name = part.child_by_field_name("name").unwrap_or(part);
        let name = reader.place(name);
        let alias = part.child_by_field_name("alias");
        let own = alias.map_or_else(|| name.clone(), |alias| reader.place(alias));
        if let Some(module) = &module {
            reader.take(module, &name, &own);
        }
        // A file of the package that was named.
        let dot = if from.ends_with('.') { "" } else { "." };
        if let Some(part) = reader.load(Load::Name(format!("{from}{dot}{name}").as_bytes())) {
            reader.bind(&own, &part);
        } else if let Some(module) = &module {
            // An object that the other file makes.
            reader.bind(&own, module);
        }
    }
}

pub(super) fn signature(reader: &Reader<'_>, node: Node<'_>) -> Signature {
    let name = reader.function_name(node, "__init__");
    let list = node.child_by_field_name("parameters").map(children);
    let mut parameters = Vec::new();
    for one in list.unwrap_or_default() {
        let typed = (one.kind() == "typed_parameter").then(|| children(one).first().copied());
        let one = one
            .child_by_field_name("name")
            .or(typed.flatten())
            .unwrap_or(one);
        parameters.push(reader.place(one));
    }
    if parameters
        .first()
        .is_some_and(|first| first == "self" || first == "cls")
    {
        parameters.remove(0);
    }
    Signature { name, parameters }
}

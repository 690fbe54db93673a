//! What the rest of the program and its process tell a file: what names stand for in other files, what
//! functions are called with and give back, directories, home and environment.

use std::collections::BTreeMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::{Argument, MAX_PARAMETERS, Reader, children, last_name};
use crate::parse::script::Signature;
use crate::parse::script::process::{Load, Module, Parameter};
use crate::parse::value::{
    HOLE, PARAMETERS, Value, closed, folded, hole, is_hole, is_open, seen_from, substituted, unite,
};

impl<'t> Reader<'t> {
    /// Gives the parameters of a function their places, until it is known what it is called with.
    pub(super) fn given(&mut self, end: usize, signature: &Signature) {
        if self.process.program.is_none() || signature.name.is_empty() {
            return;
        }
        for (byte, parameter) in PARAMETERS.zip(&signature.parameters) {
            self.env
                .insert(&format!("{end}\n{parameter}"), vec![vec![byte]]);
        }
    }

    /// Values of the text of a function, with what its parameters are called with in their places.
    fn called(&self, function: &Signature, values: &[Value]) -> Vec<Value> {
        if !values.iter().any(|value| is_open(value)) {
            return values.to_vec();
        }
        let given = |at: usize| {
            let Some(program) = self.process.program else {
                return Vec::new();
            };
            let mut known = program.given(&function.name, Parameter::At(at));
            if let Some(name) = function.parameters.get(at) {
                let named = Parameter::Named(last_name(name));
                unite(&mut known, &program.given(&function.name, named));
            }
            // No value stands open that comes from elsewhere, whatever bytes are in a text.
            known.iter().map(|value| closed(value)).collect()
        };
        substituted(values, &given)
    }

    /// Values with what the parameters of the function around are called with.
    pub(super) fn settled(&self, values: &[Value]) -> Vec<Value> {
        match self.scopes.last() {
            Some((_, function)) => self.called(function, values),
            None => self.called(&Signature::default(), values),
        }
    }

    /// Notes what a function is called with.
    pub(in crate::parse::script) fn passes(&mut self, function: &str, args: &[Argument<'t>]) {
        let Some(program) = self.process.program else {
            return;
        };
        let function = last_name(function);
        // Calls of these names are those of libraries.
        if function.len() < 4 {
            return;
        }
        for (at, (name, node)) in args.iter().enumerate().take(MAX_PARAMETERS) {
            let values = self.fold(*node);
            let values = self.settled(&values);
            let at = name.as_deref().map_or(Parameter::At(at), Parameter::Named);
            program.note_call(function, at, &values);
        }
    }

    /// What the function around is called with.
    pub(in crate::parse::script) fn called_with(&self, at: Parameter<'_>) -> Vec<Value> {
        match (self.process.program, self.scopes.last()) {
            (Some(program), Some((_, function))) if !function.name.is_empty() => {
                program.given(&function.name, at)
            }
            _ => Vec::new(),
        }
    }

    /// Gives a name of the function around values.
    pub(in crate::parse::script) fn give(&mut self, name: &str, values: Vec<Value>) {
        if let Some((end, _)) = self.scopes.last() {
            self.env.insert(&format!("{end}\n{name}"), values);
        }
    }

    /// Adds a directory in which the program looks up names first.
    pub(in crate::parse::script) fn search(&self, dir: &[u8]) {
        if let Some(program) = self.process.program {
            program.search(&folded(&seen_from(self.cwd.as_deref(), dir)));
        }
    }

    /// Notes what the function around gives back.
    pub(in crate::parse::script) fn returns(&mut self, values: &[Value]) {
        let around = self.scopes.last().map(|(_, function)| &function.name);
        let Some(name) = around.filter(|name| !name.is_empty()) else {
            return;
        };
        let name = format!("{name}()");
        let mut all = self.env.get(&name).cloned().unwrap_or_default();
        unite(&mut all, values);
        self.env.insert(&name, all);
        if let Some(program) = self.process.program {
            program.note(&name, values);
        }
    }

    /// What a function gives back, as far as its text is known.
    pub(in crate::parse::script) fn returned(
        &mut self,
        callee: &str,
        args: &[Node<'t>],
    ) -> Vec<Value> {
        let values = self.lookup(&format!("{callee}()"));
        if !values.iter().any(|value| is_open(value)) {
            return values;
        }
        let args: Vec<Vec<Value>> = args
            .iter()
            .take(MAX_PARAMETERS)
            .map(|arg| self.fold(*arg))
            .collect();
        let given = |at: usize| args.get(at).cloned().unwrap_or_default();
        substituted(&values, &given)
    }

    /// The values of a name: those of the functions around first, the nearest before all, then those of
    /// the file; then those of the file that its beginning stands for, and last what the program says of
    /// a member of that name.
    pub(in crate::parse::script) fn lookup(&self, name: &str) -> Vec<Value> {
        let local = self.scopes.iter().rev();
        let mut local = local.map(|(end, _)| self.env.get(&format!("{end}\n{name}")));
        let own = local
            .find_map(|values| values)
            .or_else(|| self.env.get(name));
        if let Some(values) = own
            && !values.iter().all(|value| is_hole(value))
        {
            return self.seen_inside(name, values);
        }
        let member = name.split_once(['.', ':']);
        if let Some((object, member)) = member
            && let Some(module) = self.modules.get(object)
            && let Some(values) = module.get(member.trim_start_matches(':'))
        {
            return values.clone();
        }
        let own_name = last_name(name);
        let known = match self.process.program {
            // A plain name is one of the file's own.
            Some(program) if own_name.len() > 2 && (own_name != name || name.ends_with(')')) => {
                program.known(own_name)
            }
            _ => Vec::new(),
        };
        match known.is_empty() {
            true => own.cloned().unwrap_or_else(hole),
            false => known,
        }
    }

    /// Values of a name as the function around sees them: those of a function further out with what
    /// that one is called with.
    fn seen_inside(&self, name: &str, values: &[Value]) -> Vec<Value> {
        let is_of =
            |(end, _): &&(usize, Signature)| self.env.get(&format!("{end}\n{name}")).is_some();
        match self.scopes.iter().rev().find(is_of) {
            Some((end, function)) if Some(*end) != self.scopes.last().map(|(end, _)| *end) => {
                self.called(function, values)
            }
            _ => values.to_vec(),
        }
    }

    /// Reads the file of the program that this one asks for.
    pub(in crate::parse::script) fn load(&self, load: Load<'_>) -> Option<Rc<Module>> {
        let (Load::File(name) | Load::Name(name)) = load;
        let known = self.settled(&[name.to_vec()]);
        known.iter().find_map(|name| {
            if name.contains(&HOLE) {
                let load = match load {
                    Load::File(_) => Load::File(name),
                    Load::Name(_) => Load::Name(name),
                };
                self.process.program?.load_any(self.path?, load);
                return None;
            }
            let load = match load {
                Load::File(_) => Load::File(name),
                Load::Name(_) => Load::Name(name),
            };
            self.process.program?.load(self.path?, load)
        })
    }

    /// Takes a name for what another file gives.
    pub(in crate::parse::script) fn bind(&mut self, name: &str, module: &Rc<Module>) {
        self.modules.insert(name.to_owned(), Rc::clone(module));
    }

    /// Takes all names of another file for its own.
    pub(in crate::parse::script) fn take_all(&mut self, module: &Module) {
        for (name, values) in &module.values {
            let is_known = |values: &Vec<Value>| !values.iter().all(|value| is_hole(value));
            if !self.env.get(name).is_some_and(is_known) {
                self.env.insert(name, values.clone());
            }
        }
    }

    /// Takes one name of another file for its own.
    pub(in crate::parse::script) fn take(&mut self, module: &Module, name: &str, own: &str) {
        for (name, own) in [
            (name.to_owned(), own.to_owned()),
            (format!("{name}()"), format!("{own}()")),
        ] {
            if let Some(values) = module.get(&name) {
                self.env.insert(&own, values.clone());
            }
        }
    }

    /// Gives the members of one name to another, as where a file hands out what it made.
    pub(in crate::parse::script) fn alias(&mut self, name: &str, other: &str) {
        let members = self.env.iter().filter_map(|(known, values)| {
            let member = known.strip_prefix(name)?.strip_prefix('.')?;
            Some((format!("{other}.{member}"), values.clone()))
        });
        for (member, values) in members.collect::<Vec<_>>() {
            self.env.insert(&member, values);
        }
    }

    /// Gives a member of the file's own values.
    pub(in crate::parse::script) fn member(&mut self, name: &str, values: &[Value]) {
        let values = self.settled(values);
        self.env.insert(name, values);
    }

    /// The names of the file, for those that load it.
    pub(in crate::parse::script) fn names(&self) -> BTreeMap<String, Vec<Value>> {
        let own = self.env.iter().filter(|(name, _)| !name.contains('\n'));
        let told = own.filter(|(_, values)| !values.iter().all(|value| is_hole(value)));
        told.map(|(name, values)| (name.to_owned(), values.clone()))
            .collect()
    }

    /// The values of a variable of the environment.
    pub(in crate::parse::script) fn variable(&self, name: &str) -> Vec<Value> {
        self.process
            .variable(name)
            .map_or_else(hole, |value| vec![value])
    }

    /// The values of a key or variable that are known, or else those of the default beside it.
    pub(in crate::parse::script) fn known_or(
        &mut self,
        known: Vec<Value>,
        default: Option<Node<'t>>,
    ) -> Vec<Value> {
        match default {
            Some(default) if known.iter().all(|value| is_hole(value)) => self.fold(default),
            _ => known,
        }
    }

    /// What a store of settings has under a key, or else the default beside it.
    pub(in crate::parse::script) fn stored(
        &mut self,
        key: Node<'t>,
        default: Option<Node<'t>>,
    ) -> Vec<Value> {
        let known = self.lookup(&format!("get[{}]", self.place(key)));
        self.known_or(known, default)
    }

    /// A variable of the environment whose name is an argument, or else the default beside it.
    pub(in crate::parse::script) fn variable_or(
        &mut self,
        name: Node<'t>,
        default: Option<Node<'t>>,
    ) -> Vec<Value> {
        let known = self.variable(&self.place(name));
        self.known_or(known, default)
    }

    /// The name that a function is called by: its class's, where its own is that of what makes an
    /// object.
    pub(in crate::parse::script) fn function_name(&self, node: Node<'_>, maker: &str) -> String {
        let name_of = |node: Node<'_>| Some(self.place(node.child_by_field_name("name")?));
        let name = name_of(node).unwrap_or_default();
        if name != maker {
            return name;
        }
        let class = node.parent().and_then(|body| body.parent());
        class.and_then(name_of).unwrap_or_default()
    }

    /// The home directory of the user.
    pub(in crate::parse::script) fn home(&self) -> Vec<Value> {
        self.variable("HOME")
    }

    /// The working directory as a value.
    pub(in crate::parse::script) fn here(&self) -> Vec<Value> {
        self.cwd.clone().map_or_else(hole, |dir| vec![dir])
    }

    /// Paths as they are seen from the working directory.
    pub(in crate::parse::script) fn absolute(&self, values: &[Value]) -> Vec<Value> {
        let seen = |value: &Value| seen_from(self.cwd.as_deref(), value);
        values.iter().map(seen).collect()
    }

    /// Paths in which `~` at the beginning stands for the home directory.
    pub(in crate::parse::script) fn expanded(&self, values: Vec<Value>) -> Vec<Value> {
        let home = self.process.variable("HOME").unwrap_or_else(|| vec![HOLE]);
        let expand = |value: Value| match value.strip_prefix(b"~") {
            Some(rest) if rest.is_empty() || rest.starts_with(b"/") => [&home, rest].concat(),
            _ => value,
        };
        values.into_iter().map(expand).collect()
    }
}

/// Notes that the function around gives back the one value of a statement.
pub(in crate::parse::script) fn returned<'t>(reader: &mut Reader<'t>, statement: Node<'t>) {
    if let [value] = children(statement).as_slice() {
        let values = reader.fold(*value);
        reader.returns(&values);
    }
}

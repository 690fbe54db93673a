//! What the classes of a program tell each other.

use std::collections::{BTreeMap, BTreeSet};

use cafebabe::ClassFile;

use crate::parse::value::{MAX_VALUES, Value, is_hole, unite};

/// How many classes a class is looked up through.
const MAX_ABOVE: usize = 16;

/// How many values a method may be called with, or a field have: what is given more is another thing in
/// each place.
const MAX_CALLS: usize = 4;

/// A method: its class, and its name with its descriptor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Method {
    pub(super) class: String,
    pub(super) name: String,
    /// Name and descriptor, which tell a method from others of its class.
    signature: String,
}

impl Method {
    pub(super) fn new(class: &str, name: &str, descriptor: &str) -> Self {
        Self {
            class: class.to_owned(),
            name: name.to_owned(),
            signature: format!("{name}{descriptor}"),
        }
    }

    /// As people write it: `Store.save`.
    pub(super) fn short(&self) -> String {
        let class = self.class.rsplit('/').next().unwrap_or(&self.class);
        match self.name.as_str() {
            "<init>" | "<clinit>" => class.to_owned(),
            name => format!("{class}.{name}"),
        }
    }
}

/// By name of a field or method, then by class.
type Table = BTreeMap<String, BTreeMap<String, Vec<Value>>>;

/// What the classes say of fields and methods.
#[derive(Debug, Default)]
struct Told {
    fields: Table,
    returns: Table,
    /// What methods are called with: by class, and signature with the parameter's number.
    calls: Table,
    /// Whether what a method gives back is always known for sure, and what a class sets when it is loaded.
    decided: BTreeMap<Method, bool>,
    /// Methods that give what the settings have under a key: which parameters are the key, and the default.
    getters: BTreeMap<Method, (usize, Option<usize>)>,
}

/// What is known while the classes are read: what they said the last time, and what those before have
/// said this time.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The classes of the program, with those that they extend.
    above: BTreeMap<String, String>,
    before: Told,
    told: Told,
}

fn add(table: &mut Table, class: &str, name: String, values: &[Value]) {
    let known = values
        .iter()
        .filter(|value| !is_hole(value) && !value.is_empty());
    let known: Vec<Value> = known.cloned().collect();
    if !known.is_empty() {
        let all = table.entry(name).or_default();
        unite(all.entry(class.to_owned()).or_default(), &known);
    }
}

impl Known {
    pub(super) fn new<'a>(classes: impl Iterator<Item = &'a ClassFile<'a>>) -> Self {
        let above = classes.map(|class| {
            let above = class.super_class.as_ref().map(ToString::to_string);
            (class.this_class.to_string(), above.unwrap_or_default())
        });
        Self {
            above: above.collect(),
            ..Self::default()
        }
    }

    /// Begins to read the classes again.
    pub(super) fn again(&mut self) {
        self.before = std::mem::take(&mut self.told);
    }

    /// Whether a class is one of the program.
    pub(super) fn is_own(&self, class: &str) -> bool {
        self.above.contains_key(class)
    }

    /// A class of the program, and those that it extends.
    fn line<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a str> {
        let next = |class: &&'a str| self.above.get(*class).map(String::as_str);
        std::iter::successors(Some(class), next).take(MAX_ABOVE)
    }

    /// What the tables have for a name of a class: that of the class or of those that it extends.
    fn of_line(&self, tables: [&Table; 2], class: &str, name: &str) -> Vec<Value> {
        let named = tables.map(|table| table.get(name));
        if named.iter().all(Option::is_none) {
            return Vec::new();
        }
        for class in self.line(class) {
            let of_class = named.into_iter().filter_map(|classes| classes?.get(class));
            let mut found = Vec::new();
            of_class.for_each(|values| unite(&mut found, values));
            if !found.is_empty() {
                found.sort();
                return found;
            }
        }
        Vec::new()
    }

    /// What the tables have for a method; or else what the only class with such a method has, which
    /// implements or extends that of the call.
    fn of_method(&self, tables: [&Table; 2], method: &Method, name: &str) -> Vec<Value> {
        let own = self.of_line(tables, &method.class, name);
        // What makes an object is of its class alone.
        if !own.is_empty() || method.name.starts_with('<') {
            return own;
        }
        let named = tables.into_iter().filter_map(|table| table.get(name));
        let others: BTreeSet<&String> = named.flat_map(BTreeMap::keys).collect();
        match (others.first(), others.len()) {
            (Some(class), 1) => self.of_line(tables, class, name),
            _ => Vec::new(),
        }
    }

    pub(super) fn assign(&mut self, class: &str, field: &str, values: &[Value]) {
        add(&mut self.told.fields, class, field.to_owned(), values);
    }

    pub(super) fn field(&self, class: &str, field: &str) -> Vec<Value> {
        let tables = [&self.before.fields, &self.told.fields];
        let found = self.of_line(tables, class, field);
        if found.len() > MAX_CALLS {
            Vec::new()
        } else {
            found
        }
    }

    /// Notes that what a method gives back, or a class sets, is known for sure, or is not.
    pub(super) fn decide(&mut self, method: &Method, is_sure: bool) {
        let decided = self.told.decided.entry(method.clone()).or_insert(true);
        *decided &= is_sure;
    }

    pub(super) fn is_decided(&self, method: &Method) -> bool {
        let told = self.told.decided.get(method).copied();
        let before = self.before.decided.get(method).copied();
        told != Some(false) && before == Some(true)
    }

    pub(super) fn give_back(&mut self, method: &Method, values: &[Value], is_sure: bool) {
        self.decide(method, is_sure);
        let name = method.signature.clone();
        add(&mut self.told.returns, &method.class, name, values);
    }

    pub(super) fn given_back(&self, method: &Method) -> Vec<Value> {
        let tables = [&self.before.returns, &self.told.returns];
        let mut found = self.of_method(tables, method, &method.signature);
        found.truncate(MAX_VALUES);
        found
    }

    pub(super) fn gives_setting(&mut self, method: &Method, key: usize, default: Option<usize>) {
        self.told.getters.insert(method.clone(), (key, default));
    }

    pub(super) fn getter(&self, method: &Method) -> Option<(usize, Option<usize>)> {
        let told = self.told.getters.get(method);
        told.or_else(|| self.before.getters.get(method)).copied()
    }

    pub(super) fn call(&mut self, method: &Method, at: usize, values: &[Value]) {
        let name = format!("{}{at}", method.signature);
        add(&mut self.told.calls, &method.class, name, values);
    }

    /// What a method is called with at a place; nothing where it is called with many things.
    pub(super) fn called_with(&self, method: &Method, at: usize) -> Vec<Value> {
        let name = format!("{}{at}", method.signature);
        let found = self.of_method([&self.before.calls, &self.told.calls], method, &name);
        if found.len() > MAX_CALLS {
            Vec::new()
        } else {
            found
        }
    }
}

//! Java by its class files: what the methods of a program read, write, start and listen on.
//!
//! Each method is run once in order of its code, with a stack and variables that hold the possible values
//! of strings, files and numbers (The Java Virtual Machine Specification, chapters 4 and 6). Where
//! branches meet, values unite; a jump back is not taken. What a method gives back, what fields are
//! assigned and what methods are called with is known to all classes, which are therefore read several
//! times.

mod calls;
mod effects;
mod frame;
mod known;
mod loops;
mod plain;
mod pool;
mod shape;
mod sound;
mod values;
mod walk;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use cafebabe::attributes::AttributeData;
use cafebabe::constant_pool::{ConstantPoolItem, LiteralConstant};
use cafebabe::{ClassFile, MethodAccessFlags, ParseOptions};

use self::known::{Known, Method};
use self::walk::Walk;
use super::budget::{CLASSES, Meter};
use super::op::Script;

/// The largest class file that is read.
pub const MAX_CLASS: usize = CLASSES.bytes;

/// How often the classes of a program are read: a value goes from a caller through a constructor into a
/// field, and from there to whoever asks for it.
const PASSES: usize = 4;

/// The machine that a program runs in, as far as its start tells.
pub struct Machine<'a> {
    /// The directory that it is started in (`user.dir`).
    pub dir: Option<&'a [u8]>,
    /// The home directory of its user (`user.home`).
    pub home: Option<&'a [u8]>,
    /// The environment.
    pub env: &'a BTreeMap<String, Vec<u8>>,
    /// System properties that the command line sets (`-Dname=value`).
    pub properties: &'a BTreeMap<String, Vec<u8>>,
    /// What `main` is given.
    pub arguments: &'a [Vec<u8>],
    /// What the program's settings give a key.
    pub settings: &'a dyn Fn(&str) -> Vec<Vec<u8>>,
}

/// A class file, and the archive or directory that it is loaded from.
pub struct Loaded<'a> {
    /// The class file.
    pub bytes: &'a [u8],
    /// The path of what it is loaded from.
    pub from: &'a [u8],
}

/// What a class names.
#[derive(Debug, Default)]
pub struct Names {
    /// Other classes, by their internal names (`org/example/Main`).
    pub classes: BTreeSet<String>,
    /// Strings that may be names of classes, in the same form: some are loaded by name.
    pub strings: BTreeSet<String>,
}

/// A class file, with the code of its methods or without.
fn parse(bytes: &[u8], code: bool) -> Option<ClassFile<'_>> {
    let mut options = ParseOptions::default();
    options.parse_bytecode(code);
    cafebabe::parse_class_with_options(bytes, &options).ok()
}

/// What a class names; nothing when it is no class file.
#[must_use]
pub fn names(bytes: &[u8]) -> Option<Names> {
    let bytes = sound::checked(bytes)?;
    let class = parse(&bytes, false)?;
    let mut names = Names::default();
    for item in class.constantpool_iter() {
        match item {
            ConstantPoolItem::ClassInfo(name) => {
                let name = name.trim_start_matches('[');
                let name = name
                    .strip_prefix('L')
                    .filter(|_| name.ends_with(';'))
                    .unwrap_or(name);
                names.classes.insert(name.trim_end_matches(';').to_owned());
            }
            ConstantPoolItem::LiteralConstant(LiteralConstant::String(text))
                if text.contains('.') && text.len() < 256 && !text.contains([' ', '/']) =>
            {
                names.strings.insert(text.replace('.', "/"));
            }
            _ => {}
        }
    }
    Some(names)
}

/// Reads the classes of a program: what each does, in their order.
#[must_use]
pub fn read(classes: &[Loaded<'_>], machine: &Machine<'_>) -> Vec<Script> {
    let sound: Vec<Option<Cow<'_, [u8]>>> = classes
        .iter()
        .map(|class| sound::checked(class.bytes))
        .collect();
    let parsed: Vec<Option<ClassFile<'_>>> = sound
        .iter()
        .map(|bytes| parse(bytes.as_deref()?, true))
        .collect();
    let mut known = Known::new(parsed.iter().flatten());
    let mut scripts: Vec<Script> = Vec::new();
    let name = |at: &usize| {
        parsed
            .get(*at)
            .and_then(Option::as_ref)
            .map(|class| class.this_class.to_string())
    };
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_cached_key(name);
    let mut meter = Meter::new(&CLASSES, u64::MAX);
    for _ in 0..PASSES {
        scripts = vec![Script::default(); classes.len()];
        // What one gives another goes both ways.
        order.reverse();
        known.again();
        let mut left = usize::try_from(CLASSES.steps).unwrap_or(usize::MAX);
        for at in &order {
            let (loaded, class, script) = (&classes[*at], &parsed[*at], &mut scripts[*at]);
            match class {
                Some(class) if meter.step() => {
                    run(class, loaded, machine, &mut known, script, &mut left);
                }
                _ => script.cut = true,
            }
        }
    }
    for script in &mut scripts {
        script.ops.sort();
        script.ops.dedup();
    }
    scripts
}

/// Runs the methods of a class.
fn run(
    class: &ClassFile<'_>,
    loaded: &Loaded<'_>,
    machine: &Machine<'_>,
    known: &mut Known,
    script: &mut Script,
    left: &mut usize,
) {
    let mut makers = &[][..];
    for attribute in &class.attributes {
        if let AttributeData::BootstrapMethods(all) = &attribute.data {
            makers = all;
        }
    }
    for field in &class.fields {
        for attribute in &field.attributes {
            if let AttributeData::ConstantValue(value) = &attribute.data {
                known.assign(&class.this_class, &field.name, &values::constant(value));
            }
        }
    }
    for method in &class.methods {
        let code = method
            .attributes
            .iter()
            .find_map(|attribute| match &attribute.data {
                AttributeData::Code(code) => Some(code),
                _ => None,
            });
        let Some(code) = code else { continue };
        let mut walk = Walk::new(
            Method::new(
                &class.this_class,
                &method.name,
                &method.descriptor.to_string(),
            ),
            machine,
            known,
            loaded.from,
            makers,
        );
        let is_static = method.access_flags.contains(MethodAccessFlags::STATIC);
        walk.enter(&method.descriptor, is_static);
        if !walk.code(code, left) {
            script.cut = true;
        }
        script.ops.append(&mut walk.ops);
    }
}

#[cfg(test)]
mod tests;

//! What calls of Java's own library, and of the commonest others, give (the API specification of the Java
//! Platform, Standard Edition).

use super::effects::PATHS;
use super::frame::Slot;
use super::shape::Shape;
use super::values::{all_joined, below, formatted};
use super::walk::{MAX_ITEMS, Walk};
use crate::parse::op::Act;
use crate::parse::value::{HOLE, PARAMETERS, Value, dirname, hole, is_hole, is_open, unite};

/// Where temporary files go when nothing is said (FHS 3.0, 3.18).
const SCRATCH: &[u8] = b"/tmp";

/// Names of methods that give what stands under a key, or else the argument behind it.
const GETTERS: [&str; 14] = [
    "get",
    "getProperty",
    "getOrDefault",
    "getString",
    "getInt",
    "getInteger",
    "getLong",
    "getBoolean",
    "getValue",
    "optString",
    "optInt",
    "getOptionValue",
    "getParameter",
    "getInitParameter",
];

/// Methods that give their object again, or the same thing in another form.
const SAME: [&str; 30] = [
    "toString",
    "getPath",
    "getAbsolutePath",
    "getCanonicalPath",
    "getAbsoluteFile",
    "getCanonicalFile",
    "toPath",
    "toFile",
    "toURI",
    "toURL",
    "toAbsolutePath",
    "toRealPath",
    "normalize",
    "trim",
    "strip",
    "intern",
    "intValue",
    "get",
    "orElseThrow",
    "toCharArray",
    "getFile",
    "expandHome",
    "asString",
    "longValue",
    "toExternalForm",
    "getSchemeSpecificPart",
    "stripTrailing",
    "stripLeading",
    "iterator",
    "stream",
];

/// Tests of strings.
const TESTS: [&str; 6] = [
    "equals",
    "equalsIgnoreCase",
    "startsWith",
    "endsWith",
    "contains",
    "isEmpty",
];

/// Functions that give their first argument again, or the same thing in another form.
const SAME_AS_FIRST: [(&str, &str); 14] = [
    ("java/lang/String", "valueOf"),
    ("java/lang/Integer", "parseInt"),
    ("java/lang/Integer", "valueOf"),
    ("java/lang/Integer", "toString"),
    ("java/lang/Long", "parseLong"),
    ("java/lang/Long", "valueOf"),
    ("java/util/Objects", "requireNonNull"),
    ("java/util/Objects", "toString"),
    ("java/util/Optional", "of"),
    ("java/util/Optional", "ofNullable"),
    ("java/net/URLDecoder", "decode"),
    ("java/util/Arrays", "asList"),
    ("java/util/List", "of"),
    ("org/apache/commons/lang3/StringUtils", "trim"),
];

impl Walk<'_> {
    /// A call of a library: does what it does, and gives what it gives; nothing where that is not known.
    pub(super) fn library(
        &mut self,
        class: &str,
        name: &str,
        shape: &Shape,
        receiver: Option<&Slot>,
        args: &[Slot],
    ) -> Option<Slot> {
        let is_new = name == "<init>";
        let word = if is_new { "new" } else { name };
        self.effects(class, word, shape, receiver, args);
        if is_new {
            self.constructed(class, shape, receiver?, args);
            return None;
        }
        if let Some(slot) = self.changes(class, name, receiver, args) {
            return Some(slot);
        }
        let operands: Vec<Vec<Value>> = args.iter().map(|arg| self.values(arg)).collect();
        let slot = match receiver {
            None => self.function(class, name, args, &operands),
            Some(receiver) => {
                let own = self.values(receiver);
                self.method_of(class, name, own, args, &operands)
            }
        }?;
        // What is made of what is known for sure is known for sure.
        let are_given = receiver.into_iter().chain(args).all(|slot| slot.given);
        let is_known = |value: &Value| !value.contains(&HOLE);
        let is_sure = slot.given || are_given && self.values(&slot).iter().all(is_known);
        Some(slot.given(is_sure))
    }

    pub(super) fn home(&self) -> Value {
        self.machine.home.map_or_else(|| vec![HOLE], <[u8]>::to_vec)
    }

    pub(super) fn items(&self, slot: &Slot) -> Vec<Vec<Value>> {
        let object = slot.object.and_then(|at| self.objects.get(at));
        object
            .map(|object| object.items.clone())
            .unwrap_or_default()
    }

    /// What a new object stands for.
    fn constructed(&mut self, class: &str, shape: &Shape, made: &Slot, args: &[Slot]) {
        let operands: Vec<Vec<Value>> = args.iter().map(|arg| self.values(arg)).collect();
        let values = match (class, operands.as_slice()) {
            ("java/io/File", [dir, name]) => below(dir, name, false),
            ("java/net/InetSocketAddress", [host, port]) => {
                all_joined([host.clone(), vec![b":".to_vec()], port.clone()].into_iter())
            }
            ("java/lang/StringBuilder" | "java/lang/StringBuffer", []) => vec![Vec::new()],
            ("java/lang/StringBuilder" | "java/lang/StringBuffer", [_])
                if shape.parameters.first().is_some_and(|kind| kind == "I") =>
            {
                vec![Vec::new()]
            }
            (
                "java/io/File" | "java/net/InetSocketAddress" | "java/net/URI" | "java/net/URL",
                [one],
            )
            | (
                "java/lang/StringBuilder" | "java/lang/StringBuffer" | "java/lang/String",
                [one, ..],
            ) => one.clone(),
            // Whatever is put around a file or address is about it.
            (class, [one, ..]) if class.starts_with("java/") => one.clone(),
            _ => return,
        };
        let items = args.first().map(|arg| self.items(arg)).unwrap_or_default();
        if let Some(object) = made.object.and_then(|at| self.objects.get_mut(at)) {
            object.values = values;
            object.items = items;
        }
    }

    /// Methods that change their object: `append`, `add`.
    fn changes(
        &mut self,
        class: &str,
        name: &str,
        receiver: Option<&Slot>,
        args: &[Slot],
    ) -> Option<Slot> {
        let receiver = receiver?;
        let at = receiver.object?;
        match (class, name, args) {
            ("java/lang/StringBuilder" | "java/lang/StringBuffer", "append", [arg, ..]) => {
                let parts = [self.values(receiver), self.values(arg)];
                self.objects.get_mut(at)?.values = all_joined(parts.into_iter());
                Some(receiver.clone())
            }
            (_, "add" | "addLast", [arg]) => {
                let values = self.values(arg);
                let items = &mut self.objects.get_mut(at)?.items;
                if items.len() < MAX_ITEMS {
                    items.push(values);
                }
                Some(Slot::unknown())
            }
            _ => None,
        }
    }

    /// What a function gives.
    fn function(
        &mut self,
        class: &str,
        name: &str,
        args: &[Slot],
        operands: &[Vec<Value>],
    ) -> Option<Slot> {
        if SAME_AS_FIRST.contains(&(class, name)) {
            return args.first().cloned();
        }
        let first = operands.first();
        let values = match (class, name) {
            ("java/lang/System", "getProperty")
            | ("java/lang/Integer", "getInteger")
            | ("java/lang/Long", "getLong") => {
                return Some(given_or(self.property(first?), operands.get(1)));
            }
            ("java/lang/System", "getenv") => {
                let known = first?.iter().filter_map(|name| {
                    let name = std::str::from_utf8(name).ok()?;
                    self.machine.env.get(name).cloned()
                });
                return Some(given_or(known.collect(), None));
            }
            ("java/nio/file/Path", "of") | ("java/nio/file/Paths", "get") => {
                let rest = args.get(1).map(|arg| self.items(arg)).unwrap_or_default();
                rest.iter()
                    .fold(first?.clone(), |dir, name| below(&dir, name, true))
            }
            ("java/lang/String", "format") => {
                let rest = args.get(1).map(|arg| self.items(arg)).unwrap_or_default();
                formatted(first?, &rest)
            }
            ("java/lang/String", "join") => {
                let parts = args.get(1).map(|arg| self.items(arg)).unwrap_or_default();
                let between = first?;
                let mut parts = parts.into_iter();
                let begin = parts.next()?;
                parts.fold(begin, |whole, part| {
                    all_joined([whole, between.clone(), part].into_iter())
                })
            }
            ("java/io/File", "createTempFile") => {
                let dir = operands
                    .get(2)
                    .filter(|dir| !dir.iter().all(|value| is_hole(value)));
                let dir = dir.cloned().unwrap_or_else(|| self.scratch());
                self.acts("File.createTempFile", Act::WritesBelow, &dir);
                hole()
            }
            ("java/nio/file/Files", "createTempFile" | "createTempDirectory") => hole(),
            (
                _,
                "getenvOrDefault" | "firstNonNull" | "defaultIfEmpty" | "defaultString"
                | "requireNonNullElse",
            ) => or_else(first?.clone(), operands.get(1)),
            (_, name) if GETTERS.contains(&name) => {
                return Some(self.setting(first?, operands.get(1)));
            }
            _ => return None,
        };
        Some(Slot::of(if values.is_empty() { hole() } else { values }))
    }

    /// What a method gives that changes nothing.
    fn method_of(
        &mut self,
        class: &str,
        name: &str,
        own: Vec<Value>,
        args: &[Slot],
        operands: &[Vec<Value>],
    ) -> Option<Slot> {
        let values = match (name, operands) {
            ("getLocation", []) if class == "java/security/CodeSource" => vec![self.from.to_vec()],
            (_, []) if SAME.contains(&name) => own,
            ("getParent" | "getParentFile", []) => own.iter().map(|path| dirname(path)).collect(),
            ("getName" | "getFileName", [])
                if PATHS
                    .iter()
                    .any(|path| path[1..].trim_end_matches(';') == class) =>
            {
                own.iter()
                    .map(|path| crate::parse::value::basename(path))
                    .collect()
            }
            ("resolve", [name]) if class == "java/nio/file/Path" => below(&own, name, true),
            ("resolve", [name]) if class == "java/io/File" => below(&own, name, false),
            ("resolveSibling", [name]) => {
                let dirs: Vec<Value> = own.iter().map(|path| dirname(path)).collect();
                below(&dirs, name, true)
            }
            (_, operands) if class == "java/lang/String" && TESTS.contains(&name) => {
                tested(name, &own, operands.first())
            }
            ("toLowerCase", _) if class == "java/lang/String" => {
                own.iter().map(|text| text.to_ascii_lowercase()).collect()
            }
            ("toUpperCase", _) if class == "java/lang/String" => {
                own.iter().map(|text| text.to_ascii_uppercase()).collect()
            }
            ("concat", [more]) if class == "java/lang/String" => {
                all_joined([own, more.clone()].into_iter())
            }
            ("formatted", [_]) => {
                let rest = args.first().map(|arg| self.items(arg)).unwrap_or_default();
                formatted(&own, &rest)
            }
            ("orElse", [other]) => or_else(own, Some(other)),
            ("getPath", [name, ..]) if class == "java/nio/file/FileSystem" => {
                let rest = args.get(1).map(|arg| self.items(arg)).unwrap_or_default();
                rest.iter()
                    .fold(name.clone(), |dir, name| below(&dir, name, true))
            }
            (name, [key] | [key, _]) if GETTERS.contains(&name) => {
                return Some(self.setting(key, operands.get(1)));
            }
            _ => return None,
        };
        Some(Slot::of(if values.is_empty() { hole() } else { values }))
    }

    fn scratch(&self) -> Vec<Value> {
        let given = self.machine.properties.get("java.io.tmpdir");
        vec![given.cloned().unwrap_or_else(|| SCRATCH.to_vec())]
    }

    /// System properties that the command line sets, and those that every machine has (`java.lang.System`,
    /// `getProperties`).
    fn property(&self, names: &[Value]) -> Vec<Value> {
        let mut found = Vec::new();
        for name in names {
            let name = String::from_utf8_lossy(name);
            let given = self.machine.properties.get(name.as_ref());
            let known = given.cloned().or_else(|| match name.as_ref() {
                "user.dir" => self.machine.dir.map(<[u8]>::to_vec),
                "user.home" => self.machine.home.map(<[u8]>::to_vec),
                "java.io.tmpdir" => Some(SCRATCH.to_vec()),
                "file.separator" => Some(b"/".to_vec()),
                "path.separator" => Some(b":".to_vec()),
                "os.name" => Some(b"Linux".to_vec()),
                _ => None,
            });
            unite(&mut found, known.as_slice());
        }
        found
    }

    /// What the settings have under a key, or else the default beside it.
    pub(super) fn setting(&mut self, keys: &[Value], default: Option<&Vec<Value>>) -> Slot {
        // A method that is given the key is asked anew by each of its callers.
        if let [key] = keys
            && let Some(key) = mark(key)
        {
            let default = default.and_then(|default| mark(default.first()?));
            let method = self.method.clone();
            self.known.gives_setting(&method, key, default);
            return Slot::unknown();
        }
        let mut known = Vec::new();
        for key in keys {
            if let Ok(key) = std::str::from_utf8(key)
                && !key.contains('\0')
            {
                unite(&mut known, &(self.machine.settings)(key));
            }
        }
        given_or(known, default)
    }
}

/// The number 1 where a test of a string holds for every value, 0 where it does for none.
fn tested(test: &str, values: &[Value], other: Option<&Vec<Value>>) -> Vec<Value> {
    let is_open = |value: &Value| value.contains(&HOLE) || is_open(value);
    let mut outcomes = Vec::new();
    for value in values {
        let empty = vec![Vec::new()];
        for other in other.unwrap_or(&empty) {
            if is_open(value) || is_open(other) {
                return hole();
            }
            let holds = match test {
                "equals" => value == other,
                "equalsIgnoreCase" => value.eq_ignore_ascii_case(other),
                "startsWith" => value.starts_with(other),
                "endsWith" => value.ends_with(other),
                "contains" => memchr::memmem::find(value, other).is_some(),
                _ => value.is_empty(),
            };
            let outcome = if holds { b"1".to_vec() } else { b"0".to_vec() };
            unite(&mut outcomes, &[outcome]);
        }
    }
    match outcomes.len() {
        1 => outcomes,
        _ => hole(),
    }
}

/// Which parameter a value is, where it is nothing else.
fn mark(value: &[u8]) -> Option<usize> {
    match value {
        [mark] if PARAMETERS.contains(mark) => Some(usize::from(mark - PARAMETERS.start())),
        _ => None,
    }
}

/// Values that are known, or else those of a default.
fn or_else(known: Vec<Value>, default: Option<&Vec<Value>>) -> Vec<Value> {
    match default {
        Some(default) if known.iter().all(|value| is_hole(value)) => default.clone(),
        _ => known,
    }
}

/// What the settings or the start give, or else a default.
fn given_or(known: Vec<Value>, default: Option<&Vec<Value>>) -> Slot {
    match known.iter().all(|value| is_hole(value)) {
        true => Slot::of(default.cloned().unwrap_or_else(hole)),
        false => Slot::of(known).given(true),
    }
}

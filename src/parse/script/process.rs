//! The process that a program runs in, and the other files of the program: what a text alone cannot
//! tell.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::value::{HOLE, Value, is_hole, unite};

/// What is known of the process that a program runs in.
#[derive(Clone, Copy, Default)]
pub struct Process<'a> {
    /// The directory that it is started in.
    pub dir: Option<&'a [u8]>,
    /// The home directory of its user.
    pub home: Option<&'a [u8]>,
    /// The variables of its environment that are known.
    pub env: Option<&'a BTreeMap<String, Vec<u8>>>,
    /// The other files of the program.
    pub program: Option<&'a dyn Program>,
}

impl Process<'_> {
    /// A variable of the environment, where it is known.
    pub(super) fn variable(&self, name: &str) -> Option<Value> {
        let env = self.env.and_then(|env| env.get(name));
        match (env, name) {
            (Some(value), _) => Some(value.clone()),
            (None, "HOME") => self.home.map(<[u8]>::to_vec),
            (None, "PWD") => self.dir.map(<[u8]>::to_vec),
            (None, _) => None,
        }
    }
}

/// How a file asks for another one of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load<'a> {
    /// By the path of a file, which may be relative (`include`, `load`, `require_relative`).
    File(&'a [u8]),
    /// By a name that the language looks up: `./lib/a` and `express` of Node.js, `a.b` and `..c` of
    /// Python, `A::B` of Perl, `a/b` of Ruby, `A\B` of PHP.
    Name(&'a [u8]),
}

/// The other files of a program, and what all of them say.
///
/// A program is read twice: what a file gives a name or a function that another file asks for is known
/// the second time, whatever the order.
pub trait Program {
    /// Reads the file that `from` asks for, unless it has been read; nothing where it is not there, or
    /// is asked for while it is read.
    fn load(&self, from: &[u8], load: Load<'_>) -> Option<Rc<Module>>;

    /// Notes that `from` loads a file that its text does not tell; of a path, what is known of it
    /// stands around a byte 0.
    fn load_any(&self, from: &[u8], load: Load<'_>);

    /// Adds a directory in which names are looked up first.
    fn search(&self, dir: &[u8]);

    /// Notes the directory that the program changes into.
    fn change_dir(&self, dir: &[u8]);

    /// Notes what is assigned to a member, a constant or a key, or what a function gives back (`name()`).
    fn note(&self, name: &str, values: &[Vec<u8>]);

    /// What is known of such a name: what the settings say, or else what the files of the program
    /// assign.
    fn known(&self, name: &str) -> Vec<Vec<u8>>;

    /// Notes what a function is called with: by place from 0 on, or by name.
    fn note_call(&self, function: &str, at: Parameter<'_>, values: &[Vec<u8>]);

    /// What a function is called with.
    fn given(&self, function: &str, at: Parameter<'_>) -> Vec<Vec<u8>>;
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter<'a> {
    /// By place, from 0 on.
    At(usize),
    /// By name.
    Named(&'a str),
}

/// What a file that was read gives to those that load it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Its own path.
    pub path: Vec<u8>,
    /// The names of the file and their possible values; of functions, as `name()`, what they give back.
    pub values: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Module {
    /// The values of a name that other files may ask for.
    pub(super) fn get(&self, name: &str) -> Option<&Vec<Value>> {
        let forms = [
            "",
            "module.exports.",
            "exports.",
            "default.",
            "this.",
            "self.",
        ];
        let mut forms = forms.iter();
        forms.find_map(|form| {
            let values = self.values.get(&format!("{form}{name}"));
            values.filter(|values| !values.iter().all(|value| is_hole(value)))
        })
    }
}

/// Adds to a table of values by name.
pub fn note<K: Ord>(table: &mut BTreeMap<K, Vec<Vec<u8>>>, name: K, values: &[Vec<u8>]) {
    let told: Vec<Value> = values
        .iter()
        .filter(|value| is_told(value))
        .cloned()
        .collect();
    if !told.is_empty() {
        unite(table.entry(name).or_default(), &told);
    }
}

/// Whether a value can be a path or a part of one, and is known for the most part.
fn is_told(value: &[u8]) -> bool {
    const SWITCHES: [&[u8]; 8] = [
        b"true", b"false", b"null", b"none", b"yes", b"no", b"on", b"off",
    ];
    let is_switch = SWITCHES.iter().any(|word| value.eq_ignore_ascii_case(word));
    // A number that can be the port of a server; others say nothing by themselves.
    let is_port = |value: &[u8]| {
        let number = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse::<u16>().ok());
        number.is_some_and(|port| port >= 80)
    };
    let is_number = value.iter().all(u8::is_ascii_digit) && !is_port(value);
    !value.is_empty()
        && !is_switch
        && !is_number
        && value.len() <= 512
        && !is_hole(value)
        && value.first() != Some(&HOLE)
        && !value
            .iter()
            .any(|byte| matches!(byte, b'\n' | b'<' | b'>' | b'{' | b'}'))
}

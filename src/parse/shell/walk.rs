//! The walk along all branches of a script: variables, functions and arms.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::op::{Op, Run};
use super::super::value::{ACTION, HOLE, SPLIT, Value, fields, folded, hole, is_hole, join};
use super::super::variables::Env;
use super::arms::Choice;
use super::called::{Calling, Stop};
use super::expand::text;
use super::lexer::Reader;
use super::other_name;
use super::syntax::{Assign, Body, Command, HereDocument, Item, Joint, List, Pipeline, Word};
use super::system;

/// How much is done for one script: commands visited, and variables copied for branches.
const BUDGET: u32 = 200_000;

/// How deep functions and scripts in words are followed.
const MAX_CALLS: usize = 8;

/// How many words of a `for` are followed one by one.
const MAX_ROUNDS: usize = 48;

/// A function, with the here-documents of the text that it stands in.
type Function = (Rc<Command>, Rc<Vec<HereDocument>>);

pub(super) struct Walk<'a> {
    /// The path of the script itself.
    pub(super) script: Option<&'a [u8]>,
    pub(super) env: Env,
    pub(super) cwd: Option<Value>,
    /// The mask of new files' rights, where the script has set it.
    pub(super) umask: Option<Value>,
    pub(super) ops: BTreeSet<Op>,
    pub(super) cut: bool,
    /// The line of the command that is visited.
    pub(super) line: u32,
    /// Whether the command that is visited is the last one that a run of the script comes to.
    pub(super) tail: bool,
    /// The values of the first argument under which the visited command runs.
    pub(super) arms: Vec<String>,
    /// The text of the visited command's here-document.
    pub(super) document: Option<HereDocument>,
    /// As whom, and how, the script in a word runs that is visited.
    pub(super) within: Run,
    pub(super) sure: bool,
    pub(super) exported: BTreeSet<String>,
    functions: BTreeMap<String, Function>,
    visited: BTreeSet<String>,
    pub(super) calls: Vec<String>,
    pub(super) documents: Rc<Vec<HereDocument>>,
    /// The call that is followed; nothing when every branch is visited.
    pub(super) calling: Option<Calling<'a>>,
    /// How deep scripts in words (`sh -c`, `eval`) are nested.
    nested: usize,
    budget: u32,
}

impl<'a> Walk<'a> {
    /// Whether the script has defined a function of this name.
    pub(super) fn is_function(&self, name: &str) -> bool {
        self.functions.contains_key(name)
    }

    pub(super) fn new(script: Option<&'a [u8]>, env: Env) -> Self {
        Self {
            script,
            env,
            cwd: None,
            umask: None,
            ops: BTreeSet::new(),
            cut: false,
            line: 0,
            tail: false,
            arms: Vec::new(),
            document: None,
            within: Run::default(),
            sure: true,
            exported: BTreeSet::new(),
            functions: BTreeMap::new(),
            visited: BTreeSet::new(),
            calls: Vec::new(),
            documents: Rc::default(),
            calling: None,
            nested: 0,
            budget: BUDGET,
        }
    }

    /// Visits a whole script, and then the functions that nothing in it called and that `called` says
    /// are.
    pub(super) fn whole(
        &mut self,
        list: &List,
        documents: Vec<HereDocument>,
        called: impl Fn(&str) -> bool,
    ) {
        self.documents = Rc::new(documents);
        self.tail = true;
        self.list(list);
        self.tail = false;
        let idle: Vec<String> = self
            .functions
            .keys()
            .filter(|name| !self.visited.contains(*name) && called(name))
            .cloned()
            .collect();
        for name in idle {
            if !self.visited.contains(&name) {
                self.call(&name, &[]);
            }
        }
    }

    /// Takes from the budget; false, and noted, when it is used up.
    pub(super) fn spend(&mut self, cost: usize) -> bool {
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        match self.budget.checked_sub(cost) {
            Some(rest) => self.budget = rest,
            None => {
                self.budget = 0;
                self.cut = true;
            }
        }
        !self.cut
    }

    /// A copy of the variables for a branch, paid from the budget.
    pub(super) fn branch(&mut self) -> Env {
        self.spend(self.env.weight() / 256 + self.env.len() / 8 + 1);
        self.env.clone()
    }

    pub(super) fn list(&mut self, list: &List) {
        if self.calling.is_some() {
            self.called_list(list);
            return;
        }
        let tail = self.tail;
        let last = list.0.iter().rposition(|item| !leaves(item));
        for (number, item) in list.0.iter().enumerate() {
            self.tail = tail && Some(number) == last;
            self.item(item);
        }
        self.tail = tail;
    }

    fn item(&mut self, item: &Item) {
        let background = item.background;
        let tail = self.tail && !background;
        self.tail = tail && item.rest.is_empty();
        self.pipeline(&item.first, background);
        let mut choice = Choice::of_pipeline(self, &item.first);
        let mut holds = system::of_pipeline(self, &item.first);
        for (number, (joint, pipeline)) in item.rest.iter().enumerate() {
            if matches!(
                (joint, holds),
                (Joint::And, Some(false)) | (Joint::Or, Some(true))
            ) {
                continue;
            }
            holds = system::of_pipeline(self, pipeline);
            let before = self.branch();
            let arms = self.arms.clone();
            self.tail = tail && number + 1 == item.rest.len();
            choice.enter(*joint, &mut self.arms);
            self.pipeline(pipeline, background);
            self.arms = arms;
            self.env.merge(&before);
            let more = Choice::of_pipeline(self, pipeline);
            choice.join(*joint, more);
        }
        self.tail = tail;
    }

    pub(super) fn pipeline(&mut self, pipeline: &Pipeline, background: bool) {
        if let [command] = pipeline.commands.as_slice() {
            self.command(command, background);
            return;
        }
        let tail = std::mem::take(&mut self.tail);
        self.download(pipeline);
        for command in &pipeline.commands {
            let (env, cwd) = (self.branch(), self.cwd.clone());
            self.command(command, background);
            (self.env, self.cwd) = (env, cwd);
        }
        self.tail = tail;
    }

    /// `curl … | sh`: code that nobody packed, fetched and run.
    fn download(&mut self, pipeline: &Pipeline) {
        let name = |command: &Command| match &command.body {
            Body::Simple { words, .. } => {
                let mut names = words.iter().filter_map(Word::plain);
                let first = names.next()?;
                let name = if first == b"sudo" {
                    names.next()?
                } else {
                    first
                };
                Some(name.to_vec())
            }
            _ => None,
        };
        let ends = (pipeline.commands.first(), pipeline.commands.last());
        let (Some(first), Some(last)) = ends else {
            return;
        };
        let fetches = matches!(name(first).as_deref(), Some(b"curl" | b"wget"));
        if !fetches || !matches!(name(last).as_deref(), Some(b"sh" | b"bash")) {
            return;
        }
        if let Body::Simple { words, .. } = &first.body {
            self.line = first.line;
            for argv in self.argvs(words).into_iter().take(1) {
                let mut argv: Vec<Value> = argv.iter().map(|word| folded(word)).collect();
                argv.extend([b"|".to_vec(), b"sh".to_vec()]);
                self.ran(Run {
                    argv,
                    ..Run::default()
                });
            }
        }
    }

    fn command(&mut self, command: &Command, background: bool) {
        if !self.spend(1) {
            return;
        }
        self.sure = command.sure;
        self.redirects(&command.redirects);
        self.line = command.line;
        if !matches!(command.body, Body::Simple { .. }) {
            self.document = None;
        }
        match &command.body {
            Body::Simple { assigns, words } => {
                self.simple(assigns, words, background);
                self.document = None;
            }
            Body::Group(list) => self.list(list),
            Body::Subshell(list) => {
                let (env, cwd) = (self.branch(), self.cwd.clone());
                self.scoped(Stop::Exit, |walk| walk.list(list));
                (self.env, self.cwd) = (env, cwd);
            }
            Body::If {
                branches,
                otherwise,
            } => self.conditional(branches, otherwise.as_ref()),
            Body::Loop {
                condition,
                until,
                body,
            } => {
                let before = self.branch();
                let tail = std::mem::take(&mut self.tail);
                if self.calling.is_some() {
                    self.called_loop(condition, *until, body);
                } else {
                    self.list(condition);
                    self.list(body);
                }
                self.tail = tail;
                self.env.merge(&before);
            }
            Body::For { name, words, body } => self.rounds(name, words.as_deref(), body),
            Body::Case { subject, arms } => self.case(subject, arms),
            Body::Function { name, body } => {
                let function = (Rc::clone(body), Rc::clone(&self.documents));
                self.functions.insert(name.clone(), function);
            }
            Body::Nothing => {}
        }
    }

    fn conditional<'l>(&mut self, branches: &'l [(List, List)], mut otherwise: Option<&'l List>) {
        if self.calling.is_some() {
            self.called_if(branches, otherwise);
            return;
        }
        let arms = self.arms.clone();
        let tail = self.tail;
        let mut after: Option<Env> = None;
        let mut other = arms.clone();
        let own_name = self.script;
        for (condition, body) in branches {
            self.arms.clone_from(&other);
            self.tail = false;
            self.list(condition);
            self.tail = tail;
            match system::of_list(self, condition) {
                Some(false) => continue,
                Some(true) => {
                    otherwise = Some(body);
                    break;
                }
                None => {}
            }
            let choice = Choice::of_list(self, condition);
            let called = other_name::holds(self, condition);
            let before = self.branch();
            choice.then(&mut self.arms);
            self.body(body, called == Some(false));
            choice.otherwise(&mut other);
            let end = std::mem::replace(&mut self.env, before);
            collect(&mut after, end);
            if called == Some(true) {
                // What is left is for another name.
                self.script = None;
            }
        }
        self.arms = other;
        if let Some(list) = otherwise {
            self.list(list);
        }
        self.script = own_name;
        self.arms = arms;
        if let Some(after) = after {
            self.env.merge(&after);
        }
    }

    /// A branch, which may be one that is for another name of the script.
    fn body(&mut self, list: &List, is_other_name: bool) {
        let own_name = self.script;
        if is_other_name {
            self.script = None;
        }
        self.list(list);
        self.script = own_name;
    }

    fn case(&mut self, subject: &Word, cases: &[(Vec<Word>, List)]) {
        if self.calling.is_some() && self.called_case(subject, cases) {
            return;
        }
        if let Some(arm) = system::arm(self, subject, cases) {
            if let Some(body) = arm {
                self.list(body);
            }
            return;
        }
        let on_action = self.one(subject) == [ACTION];
        let arms = self.arms.clone();
        let mut after: Option<Env> = None;
        for (patterns, body) in cases {
            let before = self.branch();
            if on_action {
                self.arms = patterns.iter().map(|word| text(&self.one(word))).collect();
            }
            self.maybe(|walk| walk.list(body));
            self.arms.clone_from(&arms);
            let end = std::mem::replace(&mut self.env, before);
            collect(&mut after, end);
        }
        if let Some(after) = after {
            self.env.merge(&after);
        }
    }

    fn rounds(&mut self, name: &str, words: Option<&[Word]>, body: &List) {
        let words = match words {
            Some(words) => {
                let words = self.argvs(words).concat();
                self.globbed(words)
            }
            None => self.env.get("@").map_or_else(hole, |all| {
                all.iter().flat_map(|value| fields(value)).collect()
            }),
        };
        let before = self.branch();
        let tail = std::mem::take(&mut self.tail);
        let many = words.len() > MAX_ROUNDS || words.is_empty() && self.calling.is_none();
        for word in words.iter().take(MAX_ROUNDS) {
            self.env.insert(name, vec![word.clone()]);
            self.list(body);
        }
        if many {
            self.env.insert(name, hole());
            self.list(body);
        }
        self.tail = tail;
        self.env.merge(&before);
    }

    /// Calls a function, if there is one of that name.
    pub(super) fn call(&mut self, name: &str, args: &[Value]) -> bool {
        let Some((body, documents)) = self.functions.get(name).cloned() else {
            return false;
        };
        self.visited.insert(name.to_owned());
        if self.calls.len() >= MAX_CALLS || self.calls.iter().any(|caller| caller == name) {
            return true;
        }
        self.calls.push(name.to_owned());
        let saved = self.bind(args);
        let documents = std::mem::replace(&mut self.documents, documents);
        let line = self.line;
        self.scoped(Stop::Return, |walk| walk.command(&body, false));
        self.line = line;
        self.documents = documents;
        for (name, values) in saved {
            self.env.restore(&name, values);
        }
        self.calls.pop();
        true
    }

    /// Sets the positional parameters and returns what they were.
    pub(super) fn bind(&mut self, args: &[Value]) -> Vec<(String, Option<Vec<Value>>)> {
        let mut saved = Vec::new();
        for number in 1..10_usize {
            let name = number.to_string();
            let old = match args.get(number - 1) {
                Some(arg) => self.env.insert(&name, vec![arg.clone()]),
                None => self.env.remove(&name),
            };
            saved.push((name, old));
        }
        let all = self.env.insert("@", vec![args.join(&SPLIT)]);
        saved.push(("@".to_owned(), all));
        saved
    }

    /// Visits the text of a script that stands in a word (`sh -c`, `eval`, `trap`).
    pub(super) fn nested(&mut self, script: &[u8]) {
        let known = script.iter().any(|byte| byte.is_ascii_alphanumeric());
        if self.nested >= 4 || script.contains(&HOLE) && is_hole(script) || !known {
            return;
        }
        if !self.spend(script.len() / 16 + 1) {
            return;
        }
        let script = folded(script);
        let mut reader = Reader::new(&script, self.line, 0);
        let list = reader.script();
        let documents = Rc::new(std::mem::take(&mut reader.documents));
        let outer = std::mem::replace(&mut self.documents, documents);
        let (line, sure, document) = (self.line, self.sure, self.document.take());
        self.nested += 1;
        self.list(&list);
        self.nested -= 1;
        (self.line, self.sure, self.document) = (line, sure, document);
        self.documents = outer;
    }

    fn simple(&mut self, assigns: &[Assign], words: &[Word], background: bool) {
        let alone = words.is_empty();
        let mut saved = Vec::new();
        for assign in assigns {
            let mut values = self.expand(&assign.value);
            if assign.append {
                let old = self.env.get(&assign.name).cloned().unwrap_or_else(hole);
                let array = assign.value.array.is_some();
                let gap = if array { vec![SPLIT] } else { Vec::new() };
                values = join(join(old, &[gap]), &values);
            }
            if alone {
                self.assign(&assign.name, values);
            } else {
                self.set_op(&assign.name, &values, true);
                let is_new = self.calling.is_some() && self.exported.insert(assign.name.clone());
                let old = self.env.insert(&assign.name, values);
                saved.push((assign.name.clone(), old, is_new));
            }
        }
        if !alone {
            for argv in self.argvs(words) {
                if self.spend(1) && !argv.is_empty() {
                    self.start(&argv, background);
                }
            }
        }
        for (name, values, is_new) in saved.into_iter().rev() {
            self.env.restore(&name, values);
            if is_new {
                self.exported.remove(&name);
            }
        }
    }
}

pub(super) fn collect(after: &mut Option<Env>, end: Env) {
    match after {
        Some(after) => after.merge(&end),
        None => *after = Some(end),
    }
}

/// Whether an item only leaves the script, so that the one before it is the last that counts.
pub(super) fn leaves(item: &Item) -> bool {
    matches!(
        item.first.commands.as_slice(),
        [Command { body: Body::Simple { words, .. }, .. }]
            if matches!(words.first().and_then(Word::plain), Some(b"exit" | b"return" | b":"))
    )
}

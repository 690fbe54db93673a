//! Words into values: variables, defaults, command substitutions whose outcome can be told.

use super::super::value::{
    ACTION, BRACES, HOLE, SPLIT, Value, basename, cut_end, cut_start, dirname, fields, folded,
    hole, is_hole, join, seen_from, unite,
};
use super::syntax::{Body, Change, Command, Item, Joint, List, Part, Pipeline, Word};
use super::system;
use super::walk::Walk;

impl Walk<'_> {
    /// The possible values of a word.
    pub(super) fn expand(&mut self, word: &Word) -> Vec<Value> {
        let mut values = vec![Vec::new()];
        let braces = has_braces(word);
        for (number, part) in word.parts.iter().enumerate() {
            let more = match part {
                Part::Plain(text) => vec![self.literal(text, number == 0, braces)],
                Part::Quoted(text) => vec![text.clone()],
                Part::Unknown => hole(),
                Part::Variable {
                    name,
                    change,
                    quoted,
                } => {
                    let values = self.variable(name, change);
                    // All elements of an array, or all arguments, stay apart inside quotes.
                    let keep = *quoted && (name == "@" || name.ends_with("[@]"));
                    split(values, *quoted, keep)
                }
                Part::Output { list, quoted } => {
                    let values = self.output(list);
                    split(values, *quoted, false)
                }
            };
            values = join(values, &more);
        }
        if let Some(elements) = &word.array {
            let mut whole: Vec<Value> = vec![Vec::new()];
            for (number, element) in elements.iter().enumerate() {
                if number > 0 {
                    whole = join(whole, &[vec![SPLIT]]);
                }
                let more = self.expand(element);
                whole = join(whole, &more);
            }
            values = join(values, &whole);
        }
        self.spend(values.iter().map(Vec::len).sum::<usize>() / 256);
        values
    }

    /// The words that `words` become, for each combination of values that is followed.
    pub(super) fn argvs(&mut self, words: &[Word]) -> Vec<Vec<Value>> {
        let sets: Vec<_> = words.iter().map(|word| self.expand(word)).collect();
        let many = sets.iter().map(Vec::len).max().unwrap_or(0);
        let mut all: Vec<Vec<Value>> = Vec::new();
        for choice in 0..many {
            let mut argv = Vec::new();
            for (set, word) in sets.iter().zip(words) {
                let Some(value) = set.get(choice % set.len().max(1)) else {
                    continue;
                };
                // An expansion to nothing outside quotes is no word.
                if value.is_empty() && !has_quotes(word) {
                    continue;
                }
                argv.extend(fields(value));
            }
            if !all.contains(&argv) {
                all.push(argv);
            }
        }
        all
    }

    /// One value of a word, for where only one is of use.
    pub(super) fn one(&mut self, word: &Word) -> Value {
        self.expand(word).into_iter().next().unwrap_or_default()
    }

    fn literal(&self, text: &[u8], first: bool, braces: bool) -> Value {
        let mut value = text.to_vec();
        if first && (text == b"~" || text.starts_with(b"~/")) {
            let home = self.env.get("HOME").and_then(|home| home.first());
            value.splice(..1, home.cloned().unwrap_or_else(|| vec![HOLE]));
        }
        if braces {
            for byte in &mut value {
                *byte = match *byte {
                    b'{' => BRACES[0],
                    b',' => BRACES[1],
                    b'}' => BRACES[2],
                    other => other,
                };
            }
        }
        value
    }

    fn variable(&mut self, name: &str, change: &Change) -> Vec<Value> {
        let bare = name.strip_suffix("[@]").unwrap_or(name);
        let known = match bare {
            "0" | "BASH_SOURCE" => self.script.map(|path| vec![path.to_vec()]),
            "PWD" => self
                .env
                .get("PWD")
                .cloned()
                .or_else(|| self.cwd.clone().map(|cwd| vec![cwd])),
            "OSTYPE" => {
                let own = self.env.get(bare).cloned();
                own.or_else(|| Some(vec![system::OSTYPE.to_vec()]))
            }
            "#" => self.count(),
            "*" => self.env.get("@").cloned(),
            "UID" | "EUID" | "$" | "!" | "?" | "-" => None,
            _ => self.env.get(bare).cloned().or_else(|| self.unset(bare)),
        };
        match change {
            Change::None | Change::Required => known.unwrap_or_else(hole),
            Change::Default {
                word,
                empty,
                assign,
            } => {
                // `${X-…}` looks whether it is set, and one that nothing has set is not.
                let is_said = *empty || self.env.get(bare).is_some();
                let is_always = matches!(bare, "0" | "#" | "PWD" | "USER" | "LOGNAME");
                let known = known.filter(|_| is_said || is_always);
                self.default(bare, known, word, *empty, *assign)
            }
            Change::Instead(word) => match known {
                Some(values) if values.iter().all(Vec::is_empty) => values,
                // `${X:+…}` of an unset variable is empty; here it may be set by a caller.
                _ => {
                    let mut values = self.expand(word);
                    if known.is_none_or(|known| known.iter().all(|value| is_hole(value))) {
                        values.insert(0, Vec::new());
                    }
                    values
                }
            },
            Change::CutEnd { pattern, longest } => {
                let pattern = self.one(pattern);
                cut(known, |value| cut_end(value, &pattern, *longest))
            }
            Change::CutStart { pattern, longest } => {
                let pattern = self.one(pattern);
                cut(known, |value| cut_start(value, &pattern, *longest))
            }
            Change::Other => hole(),
        }
    }

    fn default(
        &mut self,
        name: &str,
        known: Option<Vec<Value>>,
        word: &Word,
        empty: bool,
        assign: bool,
    ) -> Vec<Value> {
        let mut values = known.unwrap_or_default();
        if empty {
            values.retain(|value| !value.is_empty());
        }
        if values.is_empty() || values.iter().all(|value| is_hole(value)) {
            values = self.expand(word);
        }
        if assign {
            self.assign(name, values.clone());
        }
        values
    }

    /// What a command substitution prints, where that can be told; its commands are read too.
    fn output(&mut self, list: &List) -> Vec<Value> {
        if !self.spend(1) {
            return hole();
        }
        let (env, cwd) = (self.env.clone(), self.cwd.clone());
        let mut printed = Vec::new();
        for item in &list.0 {
            let values = self.item_output(item);
            if !values.is_empty() {
                printed = values;
            }
        }
        self.env = env;
        self.cwd = cwd;
        if printed.is_empty() { hole() } else { printed }
    }

    fn item_output(&mut self, item: &Item) -> Vec<Value> {
        let mut printed = self.pipeline_output(&item.first);
        for (joint, pipeline) in &item.rest {
            let more = self.pipeline_output(pipeline);
            match joint {
                Joint::And if !more.is_empty() => printed = more,
                Joint::Or => unite(&mut printed, &more),
                Joint::And => {}
            }
        }
        printed
    }

    fn pipeline_output(&mut self, pipeline: &Pipeline) -> Vec<Value> {
        if let [
            Command {
                body: Body::Simple { assigns, words },
                redirects,
                ..
            },
        ] = pipeline.commands.as_slice()
            && assigns.is_empty()
            && !words.is_empty()
        {
            let argvs = self.argvs(words);
            let mut printed = Vec::new();
            for argv in &argvs {
                if let Some(value) = self.printed(argv) {
                    unite(&mut printed, &[value]);
                }
            }
            if !printed.is_empty() {
                return printed;
            }
            if redirects.is_empty() && argvs.iter().any(|argv| name_of(argv) == b"cd") {
                self.pipeline(pipeline, false);
                return Vec::new();
            }
        }
        self.pipeline(pipeline, false);
        if let [
            Command {
                body: Body::Simple { words, .. },
                ..
            },
        ] = pipeline.commands.as_slice()
            && words.first().and_then(Word::plain).is_some_and(|name| {
                [&b"cd"[..], b"test", b"[", b"[[", b"export", b"set"].contains(&name)
            })
        {
            return Vec::new();
        }
        hole()
    }

    /// What a command with these words prints, for the few whose outcome follows from them.
    fn printed(&mut self, argv: &[Value]) -> Option<Value> {
        let operands: Vec<&Value> = argv
            .iter()
            .skip(1)
            .filter(|word| !word.starts_with(b"-"))
            .collect();
        let first = operands.first();
        match name_of(argv) {
            b"dirname" => first.map(|path| dirname(path)),
            b"basename" => first.map(|path| {
                let name = basename(path);
                let suffix = operands.get(1).map(|suffix| suffix.as_slice());
                let cut = suffix.and_then(|suffix| name.strip_suffix(suffix));
                cut.map_or_else(|| name.clone(), <[u8]>::to_vec)
            }),
            b"readlink" if argv.len() > operands.len() + 1 => {
                first.map(|path| seen_from(self.cwd.as_deref(), path))
            }
            b"realpath" | b"cygpath" => first.map(|path| seen_from(self.cwd.as_deref(), path)),
            b"id" | b"whoami" if self.calling.is_some() => {
                let user = self.calling.as_ref().map(|calling| calling.user.clone())?;
                let asks = |letter: u8| {
                    let mut words = argv.iter().skip(1);
                    words.any(|word| word.starts_with(b"-") && word.contains(&letter))
                };
                let is_name = name_of(argv) == b"whoami" || asks(b'u') && asks(b'n');
                match (is_name, user.as_slice()) {
                    (true, _) => Some(user),
                    (false, b"root") if asks(b'u') => Some(b"0".to_vec()),
                    _ => None,
                }
            }
            b"uname" => system::uname(argv),
            b"pwd" => Some(self.cwd.clone().unwrap_or_else(|| vec![HOLE])),
            b"echo" => Some(argv.get(1..)?.join(&b' ')),
            b"printf" => match first?.as_slice() {
                b"%s" | b"%s\\n" => operands.get(1).map(|word| (*word).clone()),
                _ => None,
            },
            b"ls" if self.calling.is_some() => {
                let dir = first?;
                let names: Vec<Value> = self.listed(dir)?;
                Some(names.join(&b' '))
            }
            b"mktemp" => {
                let template =
                    first.map_or_else(|| b"/tmp/tmp.XXXXXX".to_vec(), |word| (*word).clone());
                self.files(argv);
                let cut = template
                    .iter()
                    .rposition(|byte| *byte != b'X')
                    .map_or(0, |at| at + 1);
                let mut path = template[..cut].to_vec();
                path.push(HOLE);
                Some(path)
            }
            _ => None,
        }
    }
}

/// The command's name without its directory.
pub(super) fn name_of(argv: &[Value]) -> &[u8] {
    let name = argv.first().map(Vec::as_slice).unwrap_or_default();
    let cut = name.iter().rposition(|byte| *byte == b'/');
    &name[cut.map_or(0, |cut| cut + 1)..]
}

fn cut(known: Option<Vec<Value>>, change: impl Fn(&[u8]) -> Option<Value>) -> Vec<Value> {
    let values = known.unwrap_or_else(hole);
    values
        .iter()
        .map(|value| match change(value) {
            Some(value) if !value.contains(&ACTION) => value,
            _ => vec![HOLE],
        })
        .collect()
}

/// Values of an expansion: outside quotes they split into words at blanks.
fn split(mut values: Vec<Value>, quoted: bool, keep: bool) -> Vec<Value> {
    for value in &mut values {
        for byte in value.iter_mut() {
            match *byte {
                b' ' | b'\t' | b'\n' if !quoted => *byte = SPLIT,
                SPLIT if quoted && !keep => *byte = b' ',
                _ => {}
            }
        }
    }
    values
}

fn has_quotes(word: &Word) -> bool {
    word.parts.iter().any(|part| {
        matches!(
            part,
            Part::Quoted(_)
                | Part::Variable { quoted: true, .. }
                | Part::Output { quoted: true, .. }
        )
    })
}

/// Whether a brace expansion is in the text outside quotes.
fn has_braces(word: &Word) -> bool {
    let mut seen = [false; 3];
    for part in &word.parts {
        if let Part::Plain(text) = part {
            for byte in text {
                match byte {
                    b'{' => seen[0] = true,
                    b',' => seen[1] |= seen[0],
                    b'}' => seen[2] |= seen[1],
                    _ => {}
                }
            }
        }
    }
    seen[2]
}

/// A value as text for a name.
pub(super) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(&folded(value)).into_owned()
}

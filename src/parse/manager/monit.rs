//! `check process NAME … start program = "COMMAND" as uid USER and gid GROUP` (monit(1)).

use super::super::line::text;
use super::{Command, MAX_PROGRAMS, Managed, words};

/// A word of the table, with its line; quotes hold one together.
struct Token {
    line: u32,
    text: Vec<u8>,
    is_quoted: bool,
}

/// The programs of the table that it has a start for, each without a shell in between.
pub(super) fn read(file: &[u8]) -> Vec<Managed> {
    let tokens = tokens(file);
    let mut found: Vec<Managed> = Vec::new();
    let mut check: Option<(String, Option<Vec<u8>>)> = None;
    let is = |at: usize, word: &str| {
        let token = tokens.get(at);
        token.is_some_and(|token| {
            !token.is_quoted && token.text.eq_ignore_ascii_case(word.as_bytes())
        })
    };
    let taken = |at: usize| tokens.get(at).map(|token| token.text.clone());
    let mut at = 0;
    while at < tokens.len() && found.len() < MAX_PROGRAMS {
        if is(at, "check") {
            let is_process = is(at + 1, "process") || is(at + 1, "program");
            let name = taken(at + 2).filter(|_| is_process);
            check = name.map(|name| (text(&name), None));
            at += 3;
            continue;
        }
        if let Some((_, pidfile)) = &mut check
            && is(at, "pidfile")
        {
            *pidfile = taken(at + 1);
        }
        let mut next = at + 1;
        while is(next, "program") || is(next, "=") {
            next += 1;
        }
        let command = tokens.get(next).filter(|token| token.is_quoted);
        if let (true, Some((name, pidfile)), Some(command)) = (is(at, "start"), &check, command) {
            let mut one = Managed::new(
                command.line,
                name.clone(),
                Command::Words(words(&command.text)),
            );
            next += 1;
            while ["as", "and", "using", "with"]
                .iter()
                .any(|word| is(next, word))
            {
                next += 1;
            }
            while is(next, "uid") || is(next, "gid") {
                let place = if is(next, "uid") {
                    &mut one.user
                } else {
                    &mut one.group
                };
                *place = taken(next + 1);
                next += 2;
                while is(next, "and") {
                    next += 1;
                }
            }
            one.files
                .extend(pidfile.clone().map(|file| ("pidfile", file)));
            found.push(one);
        }
        at = next.max(at + 1);
    }
    found
}

fn tokens(file: &[u8]) -> Vec<Token> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(byte) = file.get(at).copied() {
        let start = at;
        match byte {
            b'\n' => line += 1,
            b'#' => {
                let end = file[at..].iter().position(|byte| *byte == b'\n');
                at += end.unwrap_or(file.len() - at);
                continue;
            }
            b'"' | b'\'' => {
                let begun = line;
                let mut text = Vec::new();
                at += 1;
                while let Some(inner) = file.get(at).copied().filter(|inner| *inner != byte) {
                    line += u32::from(inner == b'\n');
                    text.push(inner);
                    at += 1;
                }
                found.push(Token {
                    line: begun,
                    text,
                    is_quoted: true,
                });
            }
            b'=' => found.push(Token {
                line,
                text: b"=".to_vec(),
                is_quoted: false,
            }),
            _ if byte.is_ascii_whitespace() || byte == b',' => {}
            _ => {
                let ends = |byte: &u8| byte.is_ascii_whitespace() || b"=\"'#,".contains(byte);
                let end = file[at..].iter().position(ends);
                at += end.unwrap_or(file.len() - at);
                found.push(Token {
                    line,
                    text: file[start..at].to_vec(),
                    is_quoted: false,
                });
                continue;
            }
        }
        at += 1;
    }
    found
}

//! `name: command`, a line each: foreman's table of processes, and its followers'.

use super::super::line::{entries, text};
use super::{Command, MAX_PROGRAMS, Managed};

/// The port of the first process, and how far the next are from each other (foreman(1), `--port`).
const PORTS: (u32, u32) = (5000, 100);

/// The programs of the table, each for a shell, in the directory of the table.
pub(super) fn read(file: &[u8]) -> Vec<Managed> {
    let mut found: Vec<Managed> = Vec::new();
    for (line, entry) in entries(file) {
        let Some(at) = entry.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, command) = (entry[..at].trim_ascii(), entry[at + 1..].trim_ascii());
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
        if found.len() >= MAX_PROGRAMS {
            break;
        }
        if name.is_empty() || command.is_empty() || !name.iter().all(fits) {
            continue;
        }
        let mut one = Managed::new(line, text(name), Command::Shell(command.to_vec()));
        let place = u32::try_from(found.len()).unwrap_or(0);
        let port = PORTS.0 + PORTS.1 * place;
        one.env
            .push(("PORT".to_owned(), port.to_string().into_bytes()));
        one.leaves = Some(false);
        found.push(one);
    }
    found
}

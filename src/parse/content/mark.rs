//! The marks that a running process leaves: PID files, locks, sessions, queues.

use super::{Format, Role, is_number, is_text};

/// The most bytes of a file that is only a mark.
const SMALL: u64 = 256;

/// Recognises a mark.
pub(super) fn recognise(parent: &[u8], name: &[u8], head: &[u8], size: u64) -> Option<Format> {
    if is_pid_file(name, head, size) {
        return Some(Format::seen("pid-file", Role::Runtime));
    }
    if is_lock(name, head, size) {
        return Some(Format::named("lock-file", Role::Runtime));
    }
    if is_session(name, head) {
        return Some(Format::named("session", Role::Cache));
    }
    is_queued(parent, name, head).then_some(Format::seen("mail-queue", Role::Data))
}

/// A number and a line end, under a name that says so; some servers add further lines.
fn is_pid_file(name: &[u8], head: &[u8], size: u64) -> bool {
    let named = name.ends_with(b".pid") || name == b"pid" || name.ends_with(b"_pid");
    let line = head.split(|&b| b == b'\n').next().unwrap_or_default();
    let line = line.trim_ascii();
    // Linux has at most 4,194,304 processes (proc(5), pid_max).
    let number = is_number(line) && line.len() <= 7;
    named && size <= SMALL && (number || size == 0)
}

/// An empty or small file named as a lock. Package managers call their lists of versions `lock`
/// as well; those are longer.
fn is_lock(name: &[u8], head: &[u8], size: u64) -> bool {
    let named = [&b".lock"[..], b".lck", b".LCK"]
        .iter()
        .any(|end| name.ends_with(end))
        || name == b"lock"
        || name == b"LOCK"
        || name.starts_with(b"LCK..");
    let content = head.trim_ascii();
    // Nothing, a process number, or a host with a number.
    let plain = content.iter().all(|b| {
        b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'@' | b' ' | b'\n')
    });
    named && size <= SMALL && content.len() <= 80 && plain
}

/// PHP keeps sessions as `sess_` and an identifier of at least 22 characters (php.ini,
/// session.sid_length); Ruby's PStore and Perl's CGI::Session have their own names.
fn is_session(name: &[u8], head: &[u8]) -> bool {
    let id = |rest: &[u8], least| {
        rest.len() >= least
            && rest
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b",-".contains(b))
    };
    let php = name.strip_prefix(b"sess_").is_some_and(|rest| id(rest, 22));
    let perl = name
        .strip_prefix(b"cgisess_")
        .is_some_and(|rest| id(rest, 16));
    let java = name == b"SESSIONS.ser" && head.starts_with(b"\xac\xed");
    php || perl || java
}

/// Messages that wait: sendmail's `qf` (its first line is the version of the form), and the `-H`
/// of exim (its first line is its own name).
fn is_queued(parent: &[u8], name: &[u8], head: &[u8]) -> bool {
    if !is_text(head) {
        return false;
    }
    let line = head.split(|&b| b == b'\n').next().unwrap_or_default();
    let sendmail = name.starts_with(b"qf")
        && name.len() >= 10
        && line.strip_prefix(b"V").is_some_and(is_number);
    let exim = name.ends_with(b"-H") && name.len() >= 18 && line == name;
    (sendmail || exim) && parent != b"doc"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(file: &[u8], head: &[u8]) -> Option<&'static str> {
        recognise(b"d", file, head, head.len() as u64).map(|format| format.name)
    }

    #[test]
    fn a_pid_file_holds_a_number() {
        assert_eq!(name_of(b"app.pid", b"12345\n"), Some("pid-file"));
        assert_eq!(name_of(b"db.pid", b" 42\n/var/lib/db\n"), Some("pid-file"));
        assert_eq!(name_of(b"app.pid", b"see the manual"), None);
        assert_eq!(name_of(b"version", b"12345\n"), None);
    }

    #[test]
    fn a_list_of_versions_is_no_lock() {
        assert_eq!(name_of(b"app.lock", b""), Some("lock-file"));
        assert_eq!(name_of(b".lck", b"host.1234\n"), Some("lock-file"));
        assert_eq!(name_of(b"yarn.lock", b"# yarn lockfile v1\n"), None);
        assert_eq!(name_of(b"Cargo.lock", b"version = 3\n"), None);
    }

    #[test]
    fn sessions_and_queues_are_known_by_name_and_first_line() {
        let session = b"sess_0123456789abcdef0123456789";
        assert_eq!(name_of(session, b"user|s:3:"), Some("session"));
        assert_eq!(name_of(b"sess_handler.php", b"<?php"), None);
        let exim = b"1qRsTu-0001Ab-Cd-H";
        assert_eq!(
            name_of(exim, b"1qRsTu-0001Ab-Cd-H\nmail 8 8\n"),
            Some("mail-queue")
        );
        assert_eq!(name_of(exim, b"other\n"), None);
        assert_eq!(name_of(b"qf1234567890", b"V8\nT1700\n"), Some("mail-queue"));
    }
}

//! Logs: by name, and by lines that begin with a time.

use super::{Format, Role, is_number, is_text};

/// How many lines are looked at.
const LINES: usize = 20;

/// Endings of texts that are no log even when their lines begin with a time.
const OTHER_TEXT: &[&[u8]] = &[
    b".c", b".conf", b".cpp", b".css", b".csv", b".h", b".htm", b".html", b".ics", b".ini",
    b".java", b".js", b".json", b".md", b".php", b".pl", b".po", b".py", b".rb", b".rst", b".sh",
    b".sql", b".srt", b".tsv", b".txt", b".vtt", b".xml", b".yaml", b".yml",
];

/// Beginnings of the names of lists of changes.
const OTHER_NAMES: &[&[u8]] = &[b"change", b"history", b"news", b"release"];

/// Recognises a log. A name that says so is enough; without one most of the first lines must begin
/// with a time.
pub(super) fn recognise(name: &[u8], head: &[u8]) -> Option<Format> {
    let name = &name.to_ascii_lowercase()[..];
    let is_program = head.starts_with(b"#!") || head.starts_with(b"\x7fELF");
    // utmp(5), lastlog(8).
    if matches!(name, b"wtmp" | b"btmp" | b"lastlog" | b"utmp") && !is_program {
        return Some(Format::named("log", Role::Log));
    }
    let is_other = OTHER_TEXT.iter().any(|end| name.ends_with(end))
        || OTHER_NAMES.iter().any(|start| name.starts_with(start));
    if !is_other && is_text(head) && has_times(head) {
        return Some(Format::seen("log", Role::Log));
    }
    (is_log_name(name) && !is_program).then_some(Format::named("log", Role::Log))
}

/// Whether a name, in lower case, is one that logs have: `x.log`, rotated and packed ones, and the
/// names that web servers and service wrappers give.
fn is_log_name(name: &[u8]) -> bool {
    let name = [&b".gz"[..], b".bz2", b".xz", b".zst"]
        .iter()
        .find_map(|end| name.strip_suffix(*end))
        .unwrap_or(name);
    // logrotate(8): `.1`, or `-20240131` with dateext.
    let cut = name.iter().rposition(|b| matches!(b, b'.' | b'-'));
    let base = match cut {
        Some(cut) if is_number(&name[cut + 1..]) && name.len() - cut <= 11 => &name[..cut],
        _ => name,
    };
    base.ends_with(b".log")
        || matches!(
            base,
            b"access_log"
                | b"error_log"
                | b"ssl_access_log"
                | b"ssl_error_log"
                | b"ssl_request_log"
                | b"nohup.out"
                | b"catalina.out"
                | b"syslog"
        )
        || base.starts_with(b"localhost_access_log")
        || base.starts_with(b"hs_err_pid")
}

/// Whether at least two lines, and two of three, begin with a time; one does when it is alone.
/// Continuation lines (indented) are not counted.
fn has_times(head: &[u8]) -> bool {
    let (mut all, mut timed) = (0, 0);
    for line in head.split(|&b| b == b'\n').take(LINES) {
        if line.is_empty() || line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        all += 1;
        timed += usize::from(begins_with_time(line));
    }
    timed >= 1 && timed * 3 >= all * 2
}

/// Whether a line begins with a date and a time of day in one of the usual forms, behind a bracket
/// or, in the Common Log Format, behind the client's address.
fn begins_with_time(line: &[u8]) -> bool {
    let line = &line[..line.len().min(160)];
    let rest = line.strip_prefix(b"[").unwrap_or(line);
    if FORMS.iter().any(|form| matches(form, rest)) {
        return true;
    }
    // host ident user [10/Oct/2000:13:55:36 -0700]
    let Some(open) = line.iter().position(|&b| b == b'[') else {
        return false;
    };
    line[..open].split(|&b| b == b' ').count() == 4
        && matches(b"00/Aaa/0000:00:00:00", &line[open + 1..])
}

/// `0` stands for a digit (or a space that pads one), `A` for a capital, `a` for a small letter,
/// `_` for the `T` or space between date and time; the rest for itself. Each has a time of day: a
/// date alone begins the entries of a change log.
const FORMS: &[&[u8]] = &[
    b"0000-00-00_00:00:00",
    b"0000/00/00 00:00:00",
    b"0000.00.00 00:00:00",
    b"00000000 00:00:00",
    b"00000000-00:00:00",
    b"000000 00:00:00",
    b"00/00/0000 00:00:00",
    b"00.00.0000 00:00:00",
    b"00-00-0000 00:00:00",
    b"00-Aaa-0000 00:00:00",
    b"00 Aaa 0000 00:00:00",
    b"00/Aaa/0000:00:00:00",
    b"Aaa 00 00:00:00",
    b"Aaa 00, 0000 0:00:00",
    b"Aaa 00, 0000 00:00:00",
    b"Aaa Aaa 00 00:00:00",
    b"time=\"0000-00-00_00:00:00",
    b"ts=0000-00-00_00:00:00",
    b"{\"time\":\"0000-00-00_00:00:00",
    b"{\"@timestamp\":\"0000-00-00_00:00:00",
    b"0000000000.000 ",
];

fn matches(form: &[u8], text: &[u8]) -> bool {
    text.len() >= form.len()
        && form
            .iter()
            .zip(text)
            .enumerate()
            .all(|(at, (want, is))| match want {
                b'0' => is.is_ascii_digit() || *is == b' ' && at > 0,
                b'A' => is.is_ascii_uppercase(),
                // In the key of a structured line a letter stands for itself.
                b'a' if form[0] == b'A' || form[0] == b'0' => is.is_ascii_lowercase(),
                b'_' => matches!(is, b'T' | b' ' | b'_'),
                _ => want == is,
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_content(name: &str, head: &str) -> Option<bool> {
        recognise(name.as_bytes(), head.as_bytes()).map(|format| format.by_content)
    }

    #[test]
    fn lines_that_begin_with_a_time_make_a_log() {
        for line in [
            "2024-01-31 10:00:00,123 INFO start",
            "2024-01-31T10:00:00Z start",
            "[2024-01-31 10:00:00] start",
            "Jan  1 10:00:00 host app[1]: start",
            "[Mon Jan 01 10:00:00.1 2024] [core:notice] start",
            "127.0.0.1 - - [31/Jan/2024:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1",
            "31-Jan-2024 10:00:00.123 INFO start",
            "2024/01/31 10:00:00 [error] start",
            "time=\"2024-01-31T10:00:00Z\" level=info",
            "240131 10:00:00 [Note] start",
            "1700000000.123    200 10.0.0.1 TCP_MISS",
        ] {
            assert_eq!(by_content("journal", line), Some(true), "{line}");
        }
        let trace = "2024-01-31 10:00:00 ERROR x\n\tat a.b\n\tat c.d\n2024-01-31 10:00:01 y\n";
        assert_eq!(by_content("server", trace), Some(true));
    }

    #[test]
    fn names_make_a_log_of_less_certainty() {
        for name in [
            "a.log",
            "a.log.1",
            "a.log.2.gz",
            "a.log-20240131",
            "access_log",
            "Catalina.out",
            "ERROR.LOG",
            "hs_err_pid12.log",
        ] {
            assert_eq!(by_content(name, "text"), Some(false), "{name}");
        }
        for name in ["catalog", "a.log4j", "blog", "log.py", "dialog.png"] {
            assert_eq!(by_content(name, "text"), None, "{name}");
        }
        assert_eq!(by_content("rotate.log", "#!/bin/sh\n"), None);
        assert_eq!(by_content("lastlog", "\x7fELF\x02"), None);
        assert_eq!(by_content("lastlog", "\0\0"), Some(false));
    }

    #[test]
    fn changes_and_tables_are_no_logs() {
        let changes = "2024-01-31  A. Author  <a@example.org>\n\n\t* file.c: fix\n";
        assert_eq!(by_content("ChangeLog", changes), None);
        let changes = "Tue Jan  1 10:00:00 2024 A. Author <a@example.org>\n\n\t* fix\n";
        assert_eq!(by_content("ChangeLog", changes), None);
        let table = "2024-01-31 10:00:00,1,2\n2024-01-31 10:01:00,1,2\n";
        assert_eq!(by_content("values.csv", table), None);
        assert_eq!(
            by_content("notes", "one\ntwo\n2024-01-31 10:00:00 x\n"),
            None
        );
    }
}

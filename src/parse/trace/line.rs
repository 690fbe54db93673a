//! The syntax of a line of strace(1): who, when, which call with which arguments, and how it ended.

use std::borrow::Cow;

/// A line without its process and time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// A call, with what follows its opening parenthesis.
    Call(&'a [u8], &'a [u8]),
    /// The end of a call that was broken off, with what follows the name.
    Resumed(&'a [u8], &'a [u8]),
    /// The process is gone; another, if one is told, has its number from here on.
    Exit(Option<u32>),
    /// strace says that it follows this process from here on.
    Attached(u32),
    /// A signal, a remark, or the rest of a line that strace itself cut in two.
    Remark,
    /// Anything else.
    Other,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    /// With this value; behind a descriptor stands its path where `-y` was given.
    Done(i64, Option<&'a [u8]>),
    /// With this error (errno(3)).
    Failed(&'a [u8]),
    /// It does not show.
    Unknown,
}

/// The largest process number of Linux on 64 bits (proc_sys_kernel(5), `pid_max`).
const PID_MAX: u32 = 1 << 22;

/// A process number.
pub(super) fn pid(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    text.parse().ok().filter(|pid| (1..=PID_MAX).contains(pid))
}

/// Whether a line is one of strace's.
pub(super) fn is_call(line: &[u8]) -> bool {
    match split(line).1 {
        Body::Call(_, rest) => {
            let ends = |at: usize| rest[..at].trim_ascii_end().ends_with(b")");
            memchr::memchr_iter(b'=', rest).any(ends) || is_broken_off(rest).is_some()
        }
        Body::Resumed(..) | Body::Exit(_) | Body::Attached(_) => true,
        Body::Remark | Body::Other => false,
    }
}

/// Whether a line says which process it is of.
pub(super) fn names_process(line: &[u8]) -> bool {
    split(line).0.is_some()
}

/// The process that a line names, and the rest.
pub(super) fn split(line: &[u8]) -> (Option<u32>, Body<'_>) {
    let (pid, rest) = who(line.trim_ascii_start());
    (pid, body(when(rest)))
}

/// `[pid 12] `, or `12 ` with `-o`; `-Y` puts the program's name behind: `12<sh> `.
fn who(line: &[u8]) -> (Option<u32>, &[u8]) {
    let bracketed = line.strip_prefix(b"[pid");
    let text = bracketed.unwrap_or(line).trim_ascii_start();
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let Some(found) = pid(&text[..digits]) else {
        return (None, line);
    };
    let mut rest = &text[digits..];
    if rest.first() == Some(&b'<')
        && let Some(end) = rest.iter().position(|&b| b == b'>')
    {
        rest = &rest[end + 1..];
    }
    if bracketed.is_some() {
        return match rest.strip_prefix(b"]") {
            Some(rest) => (Some(found), rest.trim_ascii_start()),
            None => (None, line),
        };
    }
    match rest.first() {
        Some(b' ') => (Some(found), rest.trim_ascii_start()),
        _ => (None, line),
    }
}

/// What is left behind the stamps of `-t`, `-tt`, `-ttt`, `-r`, `-i` and `-n`.
fn when(mut line: &[u8]) -> &[u8] {
    loop {
        let first = line.first().copied().unwrap_or_default();
        let end = match first {
            b'0'..=b'9' => line.iter().position(|&b| b == b' '),
            b'(' if line.starts_with(b"(+") => line.iter().position(|&b| b == b')'),
            b'[' => line.iter().position(|&b| b == b']'),
            _ => return line,
        };
        let Some(end) = end else { return line };
        let stamp = &line[..end];
        let is_stamp = match first {
            b'0'..=b'9' => stamp
                .iter()
                .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.')),
            b'[' => stamp[1..]
                .iter()
                .all(|b| b.is_ascii_hexdigit() || *b == b' ' || *b == b'?'),
            _ => true,
        };
        if !is_stamp {
            return line;
        }
        line = line[end + 1..].trim_ascii_start();
    }
}

fn body(line: &[u8]) -> Body<'_> {
    match line.first() {
        None => return Body::Remark,
        Some(b'+') if line.starts_with(b"+++ ") => return Body::Exit(superseded(line)),
        Some(b'-') if line.starts_with(b"--- ") => return Body::Remark,
        Some(b'[') if line.starts_with(b"[ Process PID=") => return Body::Remark,
        Some(b'<') => {
            let Some(rest) = line.strip_prefix(b"<... ") else {
                // strace told of a new process in the middle of the line before.
                let is_rest = line.starts_with(b"<unfinished ...>");
                return if is_rest { Body::Remark } else { Body::Other };
            };
            let end = rest.iter().position(|&b| b == b' ');
            return match end.map(|end| rest.split_at(end)) {
                Some((name, rest)) => match rest.strip_prefix(b" resumed>") {
                    Some(rest) => Body::Resumed(name, rest),
                    None => Body::Other,
                },
                None => Body::Other,
            };
        }
        Some(b's') if line.starts_with(b"strace: ") => return remark(line),
        _ => {}
    }
    let name = line
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
        .count();
    match line.get(name) {
        Some(b'(') if name > 0 => Body::Call(&line[..name], &line[name + 1..]),
        _ => Body::Other,
    }
}

fn remark(line: &[u8]) -> Body<'_> {
    attached(line).map_or(Body::Remark, Body::Attached)
}

/// The process of `strace: Process 12 attached`.
pub(super) fn attached(text: &[u8]) -> Option<u32> {
    let rest = text.strip_prefix(b"strace: Process ")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    rest[digits..].starts_with(b" attached").then_some(())?;
    pid(&rest[..digits])
}

/// The text of a call that strace broke off, and the process of which it then told.
pub(super) fn is_broken_off(rest: &[u8]) -> Option<(&[u8], Option<u32>)> {
    if let Some(text) = rest.strip_suffix(b"<unfinished ...>") {
        return Some((text, None));
    }
    if !rest.ends_with(b"attached") && !rest.ends_with(b"...>") {
        return None;
    }
    // A thread that executes a program gets the number of the first one.
    if let Some(at) = rest
        .windows(16)
        .rposition(|part| part == b"<pid changed to ")
    {
        return Some((&rest[..at], None));
    }
    let at = rest.windows(8).rposition(|part| part == b"strace: ")?;
    let (text, told) = rest.split_at(at);
    attached(told).map(|pid| (text, Some(pid)))
}

/// The process whose place another takes: `+++ superseded by execve in pid 12 +++`.
pub(super) fn superseded(text: &[u8]) -> Option<u32> {
    let rest = text.strip_prefix(b"+++ superseded by execve in pid ")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    pid(&rest[..digits])
}

/// The arguments of a call, and what follows the closing parenthesis; nothing when it is missing.
pub(super) fn arguments(text: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut found = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0u32);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_string(text, at)?,
            b'<' if opens_path(text, at) => at = end_of_path(text, at)?,
            b'(' | b'[' | b'{' => depth += 1,
            b')' if depth == 0 => {
                let last = text[start..at].trim_ascii();
                if !last.is_empty() || !found.is_empty() {
                    found.push(last);
                }
                return Some((found, &text[at + 1..]));
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.push(text[start..at].trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place of the quote that closes the string at `open`.
fn end_of_string(text: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Whether the path of a descriptor begins at a `<`: it stands right behind a number or
/// `AT_FDCWD`, and is no shift such as `1<<3`.
fn opens_path(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let after = text.get(at + 1);
    before.is_some_and(|b| b.is_ascii_digit() || *b == b'D')
        && after.is_some_and(|b| !matches!(b, b'<' | b' ' | b'='))
}

/// The place of the `>` that closes the path at `open`; `->` stands between two ends of a
/// connection. In a path strace escapes the sign.
fn end_of_path(text: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    // With `-xx` every sign is escaped.
    if matches!(text.get(at), Some(b'/' | b'\\')) {
        return memchr::memchr(b'>', &text[at..]).map(|end| at + end);
    }
    loop {
        at += memchr::memchr(b'>', text.get(at..)?)?;
        if text[at - 1] != b'-' {
            return Some(at);
        }
        at += 1;
    }
}

/// The absolute path behind a descriptor: `3</etc/hosts>`.
pub(super) fn descriptor_path(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let open = text.iter().position(|&b| b == b'<')?;
    let end = end_of_path(text, open)?;
    // Behind a device's path stands its number: `</dev/null<char 1:3>>`.
    let path = unescape(text[open + 1..end].split(|&b| b == b'<').next()?);
    // What the kernel has no name for begins like one, too (memfd_create(2), shmget(2), io_setup(2)).
    let nameless: [&[u8]; 4] = [b"/memfd:", b"/SYSV", b"/[", b"/dmabuf:"];
    if !path.starts_with(b"/") || nameless.iter().any(|lead| path.starts_with(lead)) {
        return None;
    }
    match path.strip_suffix(b" (deleted)") {
        Some(path) => Some(Cow::Owned(path.to_vec())),
        None => Some(path),
    }
}

/// A descriptor's number.
pub(super) fn descriptor(text: &[u8]) -> Option<u32> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

/// How a call ended, from what follows its closing parenthesis.
pub(super) fn outcome(rest: &[u8]) -> Outcome<'_> {
    let Some(text) = rest.trim_ascii_start().strip_prefix(b"=") else {
        return Outcome::Unknown;
    };
    let text = text.trim_ascii_start();
    if let Some(error) = text.strip_prefix(b"-1 ") {
        let end = error
            .iter()
            .take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            .count();
        return Outcome::Failed(&error[..end]);
    }
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let number = std::str::from_utf8(&text[..digits]).ok();
    match number.and_then(|number| number.parse().ok()) {
        Some(number) => {
            let path = text[digits..].first() == Some(&b'<');
            Outcome::Done(number, path.then_some(&text[digits..]))
        }
        None => Outcome::Unknown,
    }
}

/// A quoted string, and whether strace cut it; nothing for an address.
pub(super) fn string(text: &[u8]) -> Option<(Cow<'_, [u8]>, bool)> {
    let open = text.iter().position(|&b| b == b'"')?;
    let end = end_of_string(text, open)?;
    let cut = text[end + 1..].starts_with(b"...");
    Some((unescape(&text[open + 1..end]), cut))
}

/// The strings of a list such as `["sh", "-c", ...]`, in order; those that strace cut are left out.
pub(super) fn strings(list: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let mut rest = list;
    std::iter::from_fn(move || {
        loop {
            let open = rest.iter().position(|&b| b == b'"')?;
            let end = end_of_string(rest, open)?;
            let (text, after) = (&rest[open + 1..end], &rest[end + 1..]);
            rest = after;
            if !after.starts_with(b"...") {
                return Some(unescape(text));
            }
        }
    })
}

/// A string without its escapes: those of C, numbers as `\ooo` or with `-x` and `-xx` as `\xhh`.
fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&kind) = text.get(at) else { break };
        let (radix, from, most) = match kind {
            b'0'..=b'7' => (8, at, 3),
            b'x' => (16, at + 1, 2),
            _ => {
                out.push(match kind {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'v' => 0x0b,
                    b'f' => 0x0c,
                    b'r' => b'\r',
                    other => other,
                });
                at += 1;
                continue;
            }
        };
        let (mut value, mut used) = (0u32, 0);
        while let Some(digit) = text
            .get(from + used)
            .filter(|_| used < most)
            .and_then(|&b| char::from(b).to_digit(radix))
        {
            value = value * radix + digit;
            used += 1;
        }
        out.push(u8::try_from(value & 0xff).unwrap_or_default());
        at = from + used;
    }
    Cow::Owned(out)
}

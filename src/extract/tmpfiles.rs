//! tmpfiles.d: what is made, given away, cleaned and removed at boot.

use crate::fact::{Certainty, IssueKind, Kind, Locus, Need, Source, Touch, What};
use crate::parse::tmpfiles::{Line, parse};
use crate::path::AppPath;

use super::argument::template;
use super::{Extractor, Input, Named, Out, place};

/// Reads tmpfiles.d(5).
pub const EXTRACTOR: Extractor = Extractor {
    name: "tmpfiles",
    wants,
    run,
};

fn wants(input: &Input<'_>) -> bool {
    place::is_in(input.path, b"tmpfiles.d") && input.path.name().ends_with(b".conf")
}

fn run(input: &Input<'_>, out: &mut Out) {
    let (lines, odd) = parse(place::text(input, place::LIMIT, out));
    for line in odd {
        let at = Locus::line(input.path, line);
        out.issue(at, IssueKind::Malformed, "not a line of tmpfiles.d(5)");
    }
    for line in &lines {
        entry(line, &Locus::line(input.path, line.line), out);
    }
}

/// What a type does to its path (tmpfiles.d(5), "Type").
fn meaning(line: &Line) -> Option<(Touch, Option<Kind>)> {
    Some(match line.kind {
        b'f' if line.has(b'+') => (Touch::Writes, Some(Kind::File)),
        b'f' => (Touch::Creates, Some(Kind::File)),
        b'F' | b'w' => (Touch::Writes, Some(Kind::File)),
        b'd' | b'D' | b'v' | b'q' | b'Q' => (Touch::Creates, Some(Kind::Dir)),
        b'e' => (Touch::Grants, Some(Kind::Dir)),
        b'p' => (Touch::Creates, Some(Kind::Fifo)),
        b'L' => (Touch::Creates, Some(Kind::Link)),
        b'c' => (Touch::Creates, Some(Kind::CharDevice)),
        b'b' => (Touch::Creates, Some(Kind::BlockDevice)),
        b'C' => (Touch::Creates, None),
        b'z' | b'Z' | b'm' | b'a' | b'A' => (Touch::Grants, None),
        b'r' | b'R' => (Touch::Removes, None),
        b'x' | b'X' | b't' | b'T' | b'h' | b'H' => (Touch::Names, None),
        _ => return None,
    })
}

fn entry(line: &Line, at: &Locus, out: &mut Out) {
    let Some((touch, kind)) = meaning(line) else {
        out.issue(
            at.clone(),
            IssueKind::NotUnderstood,
            "an unknown type of tmpfiles.d(5)",
        );
        return;
    };
    let by = char::from(line.kind).to_string();
    if let Some(key) = line.path.strip_prefix(b"/proc/sys/") {
        need(Need::Sysctl, dotted(key), at, out);
        return;
    }
    add(&line.path, (touch, kind, &by), at, out);
    owned(line, touch, at, out);
    match line.kind {
        b'c' | b'b' => need(Need::Device, text(&line.path), at, out),
        b'L' => {
            let target = link_target(line);
            add(&target, (Touch::Names, None, "L target"), at, out);
        }
        b'C' => {
            // Without an argument the origin is below the factory directory.
            let factory = || [b"/usr/share/factory", line.path.as_slice()].concat();
            let origin = line.argument.clone().unwrap_or_else(factory);
            add(&origin, (Touch::Reads, None, "C source"), at, out);
        }
        _ => {}
    }
}

fn link_target(line: &Line) -> Vec<u8> {
    let Some(target) = &line.argument else {
        return [b"/usr/share/factory", line.path.as_slice()].concat();
    };
    let parent = AppPath::new(&line.path).parent();
    let base = parent.unwrap_or_else(AppPath::root);
    base.join(target).as_bytes().to_vec()
}

fn add(path: &[u8], (touch, kind, by): (Touch, Option<Kind>, &str), at: &Locus, out: &mut Out) {
    if let Some(path) = template(path) {
        let named = Named {
            touch,
            source: Source::Tmpfiles,
            by,
            kind,
            class: None,
        };
        out.path(at.clone(), Certainty::Declared, path, named);
    }
}

/// Owner and mode, for the types that set them.
fn owned(line: &Line, touch: Touch, at: &Locus, out: &mut Out) {
    let says = line.user.is_some() || line.group.is_some() || line.mode.is_some();
    let sets = matches!(touch, Touch::Creates | Touch::Grants | Touch::Writes);
    if !says || !sets || matches!(line.kind, b'w' | b'L') {
        return;
    }
    if let Some(path) = template(&line.path) {
        let what = What::Owned {
            path,
            user: line.user.clone(),
            group: line.group.clone(),
            mode: line.mode.map(|mode| format!("{mode:04o}")),
        };
        out.fact(at.clone(), Certainty::Declared, what);
    }
}

fn need(need: Need, name: String, at: &Locus, out: &mut Out) {
    out.fact(at.clone(), Certainty::Declared, What::Needs { need, name });
}

fn dotted(key: &[u8]) -> String {
    text(key).replace('/', ".")
}

fn text(bytes: &[u8]) -> String {
    super::withhold::word(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::run;

    fn show(text: &str) -> Vec<String> {
        run(&EXTRACTOR, "/usr/lib/tmpfiles.d/app.conf", text)
    }

    #[test]
    fn types_say_what_is_done() {
        assert_eq!(
            show(
                "d /run/app 0755 app adm 10d\ne /var/cache/app - - - 30d\nr! /var/lib/app/*.lock\nw /proc/sys/vm/x - - - - 1\nL+ /etc/app/cur - - - - ../x\nC /var/app/c 0640 root app - /usr/share/c\nz /dev/app0 0660 - app\nx /var/tmp/app-%b\n"
            ),
            [
                "1 Path /run/app Creates d Dir ? Declared",
                "1 Owned /run/app app adm 0755 Declared",
                "2 Path /var/cache/app Grants e Dir ? Declared",
                "3 Path /var/lib/app/*.lock Removes r ? ? Declared",
                "4 Needs Sysctl vm.x Declared",
                "5 Path /etc/app/cur Creates L Link ? Declared",
                "5 Path /etc/x Names L target ? ? Declared",
                "6 Path /var/app/c Creates C ? ? Declared",
                "6 Owned /var/app/c root app 0640 Declared",
                "6 Path /usr/share/c Reads C source ? ? Declared",
                "7 Path /dev/app0 Grants z ? ? Declared",
                "7 Owned /dev/app0 - app 0660 Declared",
                "8 Path /var/tmp/app-{boot-id} Names x ? ? Declared",
            ]
        );
    }
}

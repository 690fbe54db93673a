//! tmpfiles.d(5): what is made, cleaned and removed at boot.

use super::line::{entries, octal, text};
use super::unit::{for_system, words};

/// A line of a tmpfiles.d file, specifiers put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Line from 1.
    pub line: u32,
    /// The type's letter: `d`, `f`, `L`, ….
    pub kind: u8,
    /// The type's modifiers: any of `+ ! - = ~ ^ $ ?`.
    pub modifiers: Vec<u8>,
    /// The path as written; may hold globs for the types that match rather than make.
    pub path: Vec<u8>,
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner, a name or number.
    pub user: Option<String>,
    /// Group, a name or number.
    pub group: Option<String>,
    /// Age after which content is removed.
    pub age: Option<String>,
    /// The argument: a link's target, a copy's origin, a file's content.
    pub argument: Option<Vec<u8>>,
}

impl Line {
    /// Whether the type has this modifier.
    #[must_use]
    pub fn has(&self, modifier: u8) -> bool {
        self.modifiers.contains(&modifier)
    }
}

/// The lines of a file, and the numbers of those not understood.
#[must_use]
pub fn parse(file: &[u8]) -> (Vec<Line>, Vec<u32>) {
    let mut found = Vec::new();
    let mut odd = Vec::new();
    for (line, entry) in entries(file) {
        match read(line, entry) {
            Some(read) => found.push(read),
            None => odd.push(line),
        }
    }
    (found, odd)
}

fn read(line: u32, entry: &[u8]) -> Option<Line> {
    let parts = words(entry);
    let (&kind, modifiers) = parts.first()?.split_first()?;
    let fits = kind.is_ascii_alphabetic() && modifiers.iter().all(|b| b"+!-=~^$?".contains(b));
    let path = for_system(parts.get(1)?);
    if !fits || !path.starts_with(b"/") {
        return None;
    }
    let field = |at: usize| {
        parts
            .get(at)
            .map(Vec::as_slice)
            .filter(|field| !field.is_empty() && *field != b"-")
    };
    // tmpfiles.d(5): `:` means only for new entries, `~` masks by the present mode.
    let bare = |field: &[u8]| {
        let skip = field.iter().take_while(|b| b":~".contains(b)).count();
        field.get(skip..).unwrap_or_default().to_vec()
    };
    let account = |at: usize| field(at).map(|f| text(&for_system(&bare(f))));
    let argument = parts
        .get(6..)
        .filter(|rest| !rest.is_empty())
        .map(|rest| rest.join(&b' '))
        .filter(|argument| argument != b"-");
    Some(Line {
        line,
        kind,
        modifiers: modifiers.to_vec(),
        path,
        mode: field(2).and_then(|f| octal(&bare(f))),
        user: account(3),
        group: account(4),
        age: field(5).map(text),
        argument: argument.map(|argument| for_system(&argument)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_modifiers_and_specifiers() {
        let (lines, odd) = parse(
            b"# x\nd /run/app 0755 app app -\nD! %t/x :~2770 :app - 10d\nL+ /etc/y - - - - %S/y z\nf \"/run/a b\" 0644\nnonsense\nd relative\n",
        );
        assert_eq!(odd, [6, 7]);
        assert_eq!(lines[0].mode, Some(0o755));
        assert_eq!(lines[0].user.as_deref(), Some("app"));
        assert_eq!(lines[0].argument, None);
        assert!(lines[1].has(b'!'));
        assert_eq!(lines[1].path, b"/run/x");
        assert_eq!(lines[1].mode, Some(0o2770));
        assert_eq!(lines[1].user.as_deref(), Some("app"));
        assert_eq!(lines[1].group, None);
        assert_eq!(lines[1].age.as_deref(), Some("10d"));
        assert_eq!(lines[2].argument.as_deref(), Some(&b"/var/lib/y z"[..]));
        assert_eq!(lines[3].path, b"/run/a b");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>) {
            let _ = parse(&file);
        }
    }
}

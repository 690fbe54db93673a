//! sysusers.d(5): the accounts a package asks for.

use super::line::{entries, number, text};
use super::unit::{for_system, words};

/// A line of a sysusers.d file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A user, and the group of that name unless another is named.
    User {
        /// Line from 1.
        line: u32,
        /// Login name.
        name: String,
        /// User id; nothing when the system chooses.
        uid: Option<u32>,
        /// Primary group's id, where a number is given.
        gid: Option<u32>,
        /// Primary group's name, where another than the user's is given.
        group: Option<String>,
        /// Home directory; `/` when none is given.
        home: Vec<u8>,
    },
    /// A group.
    Group {
        /// Line from 1.
        line: u32,
        /// Name.
        name: String,
        /// Group id; nothing when the system chooses.
        gid: Option<u32>,
    },
    /// A user becomes member of a group.
    Member {
        /// Line from 1.
        line: u32,
        /// User.
        user: String,
        /// Group.
        group: String,
    },
}

/// The lines of a file, and the numbers of those not understood; ranges (`r`) are passed over.
#[must_use]
pub fn parse(file: &[u8]) -> (Vec<Line>, Vec<u32>) {
    let mut found = Vec::new();
    let mut odd = Vec::new();
    for (line, entry) in entries(file) {
        let parts: Vec<Vec<u8>> = words(entry).iter().map(|word| for_system(word)).collect();
        match read(line, &parts) {
            Some(Some(read)) => found.push(read),
            Some(None) => {}
            None => odd.push(line),
        }
    }
    (found, odd)
}

/// Nothing when not understood; an inner nothing for what is passed over.
fn read(line: u32, parts: &[Vec<u8>]) -> Option<Option<Line>> {
    let field = |at: usize| {
        parts
            .get(at)
            .map(Vec::as_slice)
            .filter(|field| !field.is_empty() && *field != b"-")
    };
    let read = match parts.first()?.as_slice() {
        b"u" | b"u!" => {
            let name = text(field(1)?);
            let (uid, gid, group) = ids(field(2).unwrap_or_default());
            let home = field(4).unwrap_or(b"/").to_vec();
            Line::User {
                line,
                name,
                uid,
                gid,
                group,
                home,
            }
        }
        b"g" => Line::Group {
            line,
            name: text(field(1)?),
            gid: field(2).and_then(number),
        },
        b"m" => Line::Member {
            line,
            user: text(field(1)?),
            group: text(field(2)?),
        },
        b"r" => return Some(None),
        _ => return None,
    };
    Some(Some(read))
}

/// `uid`, `uid:gid`, `uid:group`, `-:group`, or a path whose owner is taken. One number alone
/// stands for user and group.
fn ids(field: &[u8]) -> (Option<u32>, Option<u32>, Option<String>) {
    let Some((uid, group)) = super::line::split_once(field, b':') else {
        let id = number(field);
        return (id, id, None);
    };
    match number(group) {
        Some(gid) => (number(uid), Some(gid), None),
        None => (number(uid), None, Some(text(group))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_groups_and_members() {
        let (lines, odd) = parse(
            b"u app - \"The App\" /var/lib/app /bin/false\nu! db 70:data\ng data 71\nm app data\nr - 500-900\nz x\n",
        );
        assert_eq!(odd, [6]);
        assert_eq!(
            lines[0],
            Line::User {
                line: 1,
                name: "app".into(),
                uid: None,
                gid: None,
                group: None,
                home: b"/var/lib/app".to_vec()
            }
        );
        assert_eq!(
            lines[1],
            Line::User {
                line: 2,
                name: "db".into(),
                uid: Some(70),
                gid: None,
                group: Some("data".into()),
                home: b"/".to_vec()
            }
        );
        assert!(matches!(&lines[2], Line::Group { gid: Some(71), .. }));
        assert!(matches!(&lines[3], Line::Member { group, .. } if group == "data"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>) {
            let _ = parse(&file);
        }
    }
}

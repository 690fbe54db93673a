//! The user database of a root: passwd(5) and group(5), as a table to look names and ids up in.

use super::line::{lines, number, text};
use crate::path::AppPath;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: AppPath,
    /// Login shell; empty when none is given.
    pub shell: Vec<u8>,
    /// Line in passwd, from 1.
    pub line: u32,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Group id.
    pub gid: u32,
    /// Users that have it besides their primary group.
    pub members: Vec<String>,
    /// Line in group, from 1.
    pub line: u32,
}

/// Users and groups. The first entry of a name or id wins, as with getpwnam(3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Users in the order of the file.
    pub users: Vec<User>,
    /// Groups in the order of the file.
    pub groups: Vec<Group>,
}

impl Accounts {
    /// Reads passwd(5) and group(5); lines without name or number are passed over.
    #[must_use]
    pub fn parse(passwd: &[u8], group: &[u8]) -> Self {
        Self {
            users: lines(passwd).filter_map(user).collect(),
            groups: lines(group).filter_map(read_group).collect(),
        }
    }

    /// The user of a name, or of a number in digits when no user has such a name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|user| user.name == name)
            .or_else(|| self.by_uid(name.parse().ok()?))
    }

    /// The user of an id.
    #[must_use]
    pub fn by_uid(&self, uid: u32) -> Option<&User> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// The group of a name, or of a number in digits when no group has such a name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups
            .iter()
            .find(|group| group.name == name)
            .or_else(|| self.by_gid(name.parse().ok()?))
    }

    /// The group of an id.
    #[must_use]
    pub fn by_gid(&self, gid: u32) -> Option<&Group> {
        self.groups.iter().find(|group| group.gid == gid)
    }

    /// Every group id of a user, its primary group's first.
    #[must_use]
    pub fn groups_of(&self, user: &User) -> Vec<u32> {
        let mut gids = vec![user.gid];
        for group in &self.groups {
            if group.members.contains(&user.name) && !gids.contains(&group.gid) {
                gids.push(group.gid);
            }
        }
        gids
    }
}

impl User {
    /// Whether a person logs in with it: an ordinary shell. Services have `nologin` or `false`.
    #[must_use]
    pub fn can_log_in(&self) -> bool {
        let name = self.shell.rsplit(|&b| b == b'/').next();
        !matches!(
            name,
            Some(b"nologin" | b"false" | b"sync" | b"halt" | b"shutdown")
        )
    }
}

fn user((line, entry): (u32, &[u8])) -> Option<User> {
    let fields: Vec<&[u8]> = entry.split(|&b| b == b':').collect();
    let name = fields.first().filter(|name| is_name(name))?;
    Some(User {
        name: text(name),
        uid: number(fields.get(2)?)?,
        gid: number(fields.get(3)?)?,
        home: AppPath::new(fields.get(5).copied().unwrap_or_default()),
        shell: fields
            .get(6)
            .copied()
            .unwrap_or_default()
            .trim_ascii()
            .to_vec(),
        line,
    })
}

fn read_group((line, entry): (u32, &[u8])) -> Option<Group> {
    let fields: Vec<&[u8]> = entry.split(|&b| b == b':').collect();
    let name = fields.first().filter(|name| is_name(name))?;
    let members = fields.get(3).copied().unwrap_or_default();
    Some(Group {
        name: text(name),
        gid: number(fields.get(2)?)?,
        members: members
            .split(|&b| b == b',')
            .map(<[u8]>::trim_ascii)
            .filter(|member| !member.is_empty())
            .map(text)
            .collect(),
        line,
    })
}

/// passwd(5): `+` and `-` in front mark NIS entries, which are no accounts of this root.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && !name.starts_with(b"+") && !name.starts_with(b"-") && name[0] != b'#'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::parse(
            b"root:x:0:0:root:/root:/bin/bash\napp:x:101:102::/var/lib/app:/usr/sbin/nologin\nbad:x:no:1::/:\n+nis::::::\ntwin:x:101:5::/:/bin/sh\n",
            b"root:x:0:\napp:x:102:\nssl-cert:x:103:app, www\n7:x:9:\n",
        )
    }

    #[test]
    fn looks_up_by_name_and_id_and_the_first_entry_wins() {
        let accounts = accounts();
        assert_eq!(
            accounts.by_name("app").unwrap().home,
            AppPath::new("/var/lib/app")
        );
        assert_eq!(accounts.by_uid(101).unwrap().name, "app");
        assert_eq!(accounts.by_name("101").unwrap().name, "app");
        assert_eq!(accounts.by_name("bad"), None);
        assert_eq!(accounts.group("ssl-cert").unwrap().members, ["app", "www"]);
        assert_eq!(accounts.group("7").unwrap().gid, 9);
        assert_eq!(accounts.group("103").unwrap().name, "ssl-cert");
    }

    #[test]
    fn groups_of_a_user_begin_with_the_primary_one() {
        let accounts = accounts();
        let app = accounts.by_name("app").unwrap();
        assert_eq!(accounts.groups_of(app), [102, 103]);
        assert!(!app.can_log_in());
        assert!(accounts.by_name("root").unwrap().can_log_in());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(passwd: Vec<u8>, group: Vec<u8>) {
            let _ = Accounts::parse(&passwd, &group);
        }
    }
}

//! The files of accounts as an image has them: every name, and no password.

/// hosts(5): the names by which programs reach themselves. Engines mount their own over it,
/// systemd-nspawn(1) and others do not.
pub(super) const HOSTS: &[u8] =
    b"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

/// An account of the plan: name, user id and group id.
type Account = (String, u32, u32);

/// passwd(5) without passwords, and with the accounts that are not in it.
pub(super) fn passwd(
    text: &[u8],
    accounts: &[Account],
    home: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Vec<u8> {
    let mut out = washed(text, b"x");
    if !has(&out, b"root") {
        out.extend_from_slice(b"root:x:0:0:root:/root:/bin/sh\n");
    }
    for (name, uid, gid) in accounts {
        if !has(&out, name.as_bytes()) {
            let home = home(name).unwrap_or_else(|| b"/".to_vec());
            out.extend_from_slice(format!("{name}:x:{uid}:{gid}::").as_bytes());
            out.extend_from_slice(&home);
            out.extend_from_slice(b":/usr/sbin/nologin\n");
        }
    }
    out
}

/// group(5), alike.
pub(super) fn group(text: &[u8], accounts: &[Account]) -> Vec<u8> {
    let mut out = washed(text, b"*");
    if !has(&out, b"root") {
        out.extend_from_slice(b"root:x:0:\n");
    }
    for (name, _, gid) in accounts {
        let number = gid.to_string();
        let is_known = fields(&out).any(|line| line.get(2) == Some(&number.as_bytes()));
        if !is_known && !has(&out, name.as_bytes()) {
            out.extend_from_slice(format!("{name}:x:{gid}:\n").as_bytes());
        }
    }
    out
}

/// shadow(5) in which no password fits any account, and none has expired: pam_unix(8) lets nobody
/// become an account that is not in it.
pub(super) fn shadow(passwd: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in fields(passwd) {
        if let Some(name) = line.first().filter(|name| is_name(name)) {
            out.extend_from_slice(name);
            out.extend_from_slice(b":*:::::::\n");
        }
    }
    out
}

/// Lines whose second field is no password any more; `instead` stands for one, and for none at all.
fn washed(text: &[u8], instead: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in fields(text) {
        let is_named = line.first().is_some_and(|name| is_name(name));
        for (at, field) in line.iter().enumerate() {
            if at > 0 {
                out.push(b':');
            }
            let is_mark = matches!(*field, b"x" | b"*" | b"!" | b"!!" | b"*NP*");
            let is_plain = at != 1 || is_mark || (field.is_empty() && !is_named);
            out.extend_from_slice(if is_plain { field } else { instead });
        }
        out.push(b'\n');
    }
    out
}

/// The fields of each line that has a text.
fn fields(text: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    text.split(|&b| b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| line.split(|&b| b == b':').collect())
}

/// Whether a line is an account of its own: others include a directory service's (`+`) or are
/// comments.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && !name.starts_with(b"+")
        && !name.starts_with(b"-")
        && !name.starts_with(b"#")
}

fn has(text: &[u8], name: &[u8]) -> bool {
    fields(text).any(|line| line.first() == Some(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_left_and_every_account_is_there() {
        let old = b"root:$1$ab$cd:0:0::/root:/bin/sh\nfree::7:7::/:/bin/sh\nsvc:x:9:9::/:/bin/false\n+::::::\n";
        let accounts = [("svc".to_owned(), 9, 9), ("late".to_owned(), 10, 11)];
        let made = passwd(old, &accounts, &|_| None);
        let text = String::from_utf8(made.clone()).unwrap();
        assert_eq!(
            text,
            "root:x:0:0::/root:/bin/sh\nfree:x:7:7::/:/bin/sh\nsvc:x:9:9::/:/bin/false\n+::::::\n\
             late:x:10:11::/:/usr/sbin/nologin\n"
        );
        let shadow = String::from_utf8(shadow(&made)).unwrap();
        assert_eq!(
            shadow,
            "root:*:::::::\nfree:*:::::::\nsvc:*:::::::\nlate:*:::::::\n"
        );
        let made = group(b"root:x:0:\nstaff:$6$hash:5:a,b\nlate2:x:11:\n", &accounts);
        let text = String::from_utf8(made).unwrap();
        assert_eq!(text, "root:x:0:\nstaff:*:5:a,b\nlate2:x:11:\nsvc:x:9:\n");
        assert_eq!(group(b"", &[]), b"root:x:0:\n");
    }
}

//! Accounts: those that sysusers.d asks for, and those of a root's user database on demand.

use crate::fact::{Certainty, IssueKind, Kind, Locus, Source, Touch, What};
use crate::parse::accounts::User;
use crate::parse::sysusers::{Line, parse};
use crate::path::AppPath;

use super::argument::template;
use super::{Extractor, Input, Named, Out, place};

/// Reads sysusers.d(5).
pub const EXTRACTOR: Extractor = Extractor {
    name: "sysusers",
    wants,
    run,
};

fn wants(input: &Input<'_>) -> bool {
    place::is_in(input.path, b"sysusers.d") && input.path.name().ends_with(b".conf")
}

fn run(input: &Input<'_>, out: &mut Out) {
    let (lines, odd) = parse(place::text(input, place::LIMIT, out));
    for line in odd {
        let at = Locus::line(input.path, line);
        out.issue(at, IssueKind::Malformed, "not a line of sysusers.d(5)");
    }
    for entry in lines {
        match entry {
            Line::User {
                line,
                name,
                uid,
                gid,
                home,
                ..
            } => {
                let at = Locus::line(input.path, line);
                account(name, (uid, gid), AppPath::new(home), &at, out);
            }
            Line::Member { line, user, group } => {
                let what = What::Directive {
                    key: "member".to_owned(),
                    value: format!("{user} {group}"),
                };
                out.fact(Locus::line(input.path, line), Certainty::Declared, what);
            }
            Line::Group { .. } => {}
        }
    }
}

/// Adds the account of the user database that belongs to the application. `passwd` is the path of
/// that database in the root.
pub fn facts(user: &User, passwd: &AppPath, out: &mut Out) {
    let at = Locus::line(passwd, user.line);
    let ids = (Some(user.uid), Some(user.gid));
    account(user.name.clone(), ids, user.home.clone(), &at, out);
}

fn account(
    name: String,
    (uid, gid): (Option<u32>, Option<u32>),
    home: AppPath,
    at: &Locus,
    out: &mut Out,
) {
    // Homes that say there is none.
    let nowhere = [
        "/nonexistent",
        "/",
        "/dev/null",
        "/proc",
        "/bin",
        "/sbin",
        "/usr/sbin",
        "/root",
    ];
    if let Some(path) = template(home.as_bytes())
        && !nowhere.iter().any(|nowhere| place::is(&path, nowhere))
    {
        let named = Named {
            touch: Touch::Names,
            source: Source::Account,
            by: "home",
            kind: Some(Kind::Dir),
            class: None,
        };
        out.path(at.clone(), Certainty::Declared, path, named);
    }
    let what = What::Account {
        name,
        uid,
        gid,
        home,
    };
    out.fact(at.clone(), Certainty::Declared, what);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::{run, shown};
    use crate::parse::accounts::Accounts;

    #[test]
    fn users_of_sysusers_may_have_no_number() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/usr/lib/sysusers.d/app.conf",
                "u app - \"App\" /var/lib/app\nu db 70 - -\nm app ssl\ng x -\n"
            ),
            [
                "1 Path /var/lib/app Names home Dir ? Declared",
                "1 Account app ? ? /var/lib/app Declared",
                "2 Account db 70 70 / Declared",
                "3 Directive member=app ssl Declared",
            ]
        );
    }

    #[test]
    fn an_account_of_the_database_comes_with_its_line() {
        let accounts = Accounts::parse(b"a:x:0:0::/:\napp:x:7:8::/srv/app:/bin/false\n", b"");
        let mut out = Out::default();
        let user = accounts.by_name("app").unwrap();
        facts(user, &AppPath::new("/etc/passwd"), &mut out);
        assert_eq!(
            shown(&out),
            [
                "2 Path /srv/app Names home Dir ? Declared",
                "2 Account app 7 8 /srv/app Declared"
            ]
        );
    }
}

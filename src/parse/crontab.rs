//! Cron tables by crontab(5): system tables with a user column, users' own, and anacrontab(5).

use super::line::{entries, first_field, text};

/// Which table it is: nothing in the file itself says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/etc/crontab` and `/etc/cron.d`: the sixth column is the user.
    System,
    /// A user's own table.
    User,
    /// anacrontab(5): period, delay, name, command.
    Anacron,
}

/// A cron table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crontab {
    /// Variables in order.
    pub env: Vec<Variable>,
    /// Jobs in order.
    pub jobs: Vec<Job>,
    /// Lines that are neither.
    pub odd: Vec<u32>,
}

/// `NAME=value` in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Line from 1.
    pub line: u32,
    /// Name.
    pub name: String,
    /// Value without quotes; cron does not expand variables in it.
    pub value: Vec<u8>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Line from 1.
    pub line: u32,
    /// When: five columns or `@reboot` and the like, joined by blanks.
    pub schedule: String,
    /// The user, in a system table.
    pub user: Option<String>,
    /// The command for the shell, without what is fed to its standard input.
    pub command: Vec<u8>,
    /// Whether the line feeds the command's standard input (after an unescaped `%`).
    pub has_input: bool,
}

/// Reads a table.
#[must_use]
pub fn parse(table: &[u8], form: Form) -> Crontab {
    let mut out = Crontab::default();
    for (line, entry) in entries(table) {
        if let Some(variable) = variable(line, entry) {
            out.env.push(variable);
        } else if let Some(job) = job(line, entry, form) {
            out.jobs.push(job);
        } else {
            out.odd.push(line);
        }
    }
    out
}

/// `NAME = value`, blanks and quotes allowed on both sides (crontab(5)).
fn variable(line: u32, entry: &[u8]) -> Option<Variable> {
    let (name, value) = super::line::split_once(entry, b'=')?;
    let name = unquote(name);
    let fits = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let is_name = !name.is_empty() && name.iter().all(fits) && !name[0].is_ascii_digit();
    is_name.then(|| Variable {
        line,
        name: text(name),
        value: unquote(value).to_vec(),
    })
}

fn unquote(value: &[u8]) -> &[u8] {
    for quote in [b'"', b'\''] {
        if value.len() >= 2 && value.first() == Some(&quote) && value.last() == Some(&quote) {
            return &value[1..value.len() - 1];
        }
    }
    value
}

fn job(line: u32, entry: &[u8], form: Form) -> Option<Job> {
    let columns = match form {
        Form::Anacron => 3,
        _ if entry.starts_with(b"@") => 1,
        _ => 5,
    };
    let mut schedule = Vec::new();
    // Debian's cron: a `-` in front keeps the job out of the log.
    let mut rest = entry.strip_prefix(b"-").unwrap_or(entry);
    for _ in 0..columns {
        let (field, after) = first_field(rest);
        schedule.push(text(field));
        rest = after;
    }
    if form != Form::Anacron && columns == 5 && !times(&schedule) {
        return None;
    }
    let user = (form == Form::System).then(|| {
        let (user, after) = first_field(rest);
        rest = after;
        text(user)
    });
    let (command, has_input) = command(rest);
    let named = user.as_ref().is_none_or(|user| !user.is_empty());
    (named && !command.is_empty()).then(|| Job {
        line,
        schedule: schedule.join(" "),
        user,
        command,
        has_input,
    })
}

fn times(schedule: &[String]) -> bool {
    schedule
        .iter()
        .enumerate()
        .all(|(column, field)| is_time(column, field))
}

/// A time column: numbers and `* , - / ~`; in the fourth and fifth also names of three letters.
fn is_time(column: usize, field: &str) -> bool {
    let mut letters = field
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|run| !run.is_empty());
    let fits = |c: char| c.is_ascii_alphanumeric() || "*,-/~".contains(c);
    let names = letters.all(|run| column >= 3 && run.len() == 3);
    names && !field.is_empty() && field.chars().all(fits)
}

/// crontab(5): an unescaped `%` ends the command, the rest is its input; `\%` is a percent sign.
fn command(rest: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(rest.len());
    let mut bytes = rest.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if bytes.peek() == Some(&b'%') => {
                bytes.next();
                out.push(b'%');
            }
            b'%' => return (out.trim_ascii().to_vec(), true),
            _ => out.push(byte),
        }
    }
    (out.trim_ascii().to_vec(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_table_has_a_user_column() {
        let table = parse(
            b"SHELL=/bin/sh\nMAILTO = \"ops\"\n# m h\n17 *\t* * *\troot  cd / && run-parts /etc/cron.hourly\n@reboot app /opt/app/start\n*/5 0-6 1,15 jan mon-fri app date +\\%F > /x%input\n",
            Form::System,
        );
        assert!(table.odd.is_empty());
        assert_eq!(table.env[1].name, "MAILTO");
        assert_eq!(table.env[1].value, b"ops");
        assert_eq!(table.jobs[0].user.as_deref(), Some("root"));
        assert_eq!(table.jobs[0].command, b"cd / && run-parts /etc/cron.hourly");
        assert_eq!(table.jobs[1].schedule, "@reboot");
        assert_eq!(table.jobs[1].command, b"/opt/app/start");
        assert_eq!(table.jobs[2].command, b"date +%F > /x");
        assert!(table.jobs[2].has_input);
    }

    #[test]
    fn a_users_table_has_none_and_assignments_in_commands_are_no_variables() {
        let table = parse(b"0 1 * * * A=1 /bin/x --y=2\n", Form::User);
        assert!(table.env.is_empty());
        assert_eq!(table.jobs[0].command, b"A=1 /bin/x --y=2");
        assert_eq!(table.jobs[0].user, None);
    }

    #[test]
    fn anacron_has_period_delay_and_name() {
        let table = parse(
            b"1\t5\tcron.daily\tnice run-parts /etc/cron.daily\n@monthly 45 m x\n",
            Form::Anacron,
        );
        assert_eq!(table.jobs[0].command, b"nice run-parts /etc/cron.daily");
        assert_eq!(table.jobs[1].command, b"x");
    }

    #[test]
    fn prose_is_odd() {
        let table = parse(b"this is no table at all, really\n1 2 3\n", Form::User);
        assert_eq!(table.odd, [1, 2]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(table: Vec<u8>) {
            for form in [Form::System, Form::User, Form::Anacron] {
                let _ = parse(&table, form);
            }
        }
    }
}

//! Upstart jobs, `/etc/init/*.conf` by init(5): RHEL 6 and Ubuntu up to 14.10 start services so.

use super::line::{first_field, lines, text};

/// A job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Stanzas with their values, in order: `env`, `setuid`, `expect`, `limit`, `start`, ….
    pub stanzas: Vec<Stanza>,
    /// What is run: the main process, and those before and after it.
    pub processes: Vec<Process>,
}

/// A stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stanza {
    /// Line from 1.
    pub line: u32,
    /// Its first word.
    pub name: String,
    /// What follows.
    pub value: Vec<u8>,
}

/// Something that is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// `main`, `pre-start`, `post-start`, `pre-stop` or `post-stop`.
    pub phase: String,
    /// Whether it is a `script … end script`, for the shell, rather than an `exec` line.
    pub is_script: bool,
    /// The line of its first command, from 1.
    pub line: u32,
    /// The command or the script.
    pub text: Vec<u8>,
}

const PHASES: [&[u8]; 4] = [b"pre-start", b"post-start", b"pre-stop", b"post-stop"];

impl Job {
    /// The last stanza of a name.
    #[must_use]
    pub fn stanza(&self, name: &str) -> Option<&Stanza> {
        self.stanzas.iter().rev().find(|stanza| stanza.name == name)
    }

    /// Reads a job; a script that never ends, ends with the file.
    #[must_use]
    pub fn parse(file: &[u8]) -> Self {
        let mut job = Self::default();
        let mut script: Option<Process> = None;
        let mut carried: Option<(u32, Vec<u8>)> = None;
        for (number, line) in lines(file) {
            let entry = line.trim_ascii();
            if let Some(current) = &mut script {
                if is_end(entry) {
                    job.processes.extend(script.take());
                } else {
                    current.text.extend_from_slice(line);
                    current.text.push(b'\n');
                }
                continue;
            }
            let (first, mut whole) = carried.take().unwrap_or((number, Vec::new()));
            if let Some(head) = entry.strip_suffix(b"\\") {
                whole.extend_from_slice(head);
                carried = Some((first, whole));
                continue;
            }
            whole.extend_from_slice(entry);
            if !whole.is_empty() && !whole.starts_with(b"#") {
                script = job.take(first, number, &whole);
            }
        }
        job.processes.extend(script);
        job
    }

    /// Reads a stanza; a script that it opens.
    fn take(&mut self, line: u32, last: u32, entry: &[u8]) -> Option<Process> {
        let (word, rest) = first_field(entry);
        let (phase, word, rest) = if PHASES.contains(&word) {
            let (inner, after) = first_field(rest);
            (text(word), inner, after)
        } else {
            ("main".to_owned(), word, rest)
        };
        match word {
            b"exec" => {
                self.processes.push(Process {
                    phase,
                    is_script: false,
                    line,
                    text: rest.to_vec(),
                });
                None
            }
            b"script" => Some(Process {
                phase,
                is_script: true,
                line: last.saturating_add(1),
                text: Vec::new(),
            }),
            _ => {
                self.stanzas.push(Stanza {
                    line,
                    name: text(word),
                    value: rest.to_vec(),
                });
                None
            }
        }
    }
}

fn is_end(entry: &[u8]) -> bool {
    let (end, rest) = first_field(entry);
    end == b"end" && first_field(rest).0 == b"script"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_exec_and_scripts() {
        let job = Job::parse(
            b"description \"x\"\nstart on (a and \\\n  b)\nenv D=/srv\nexpect fork\npre-start script\n  mkdir -p /run/x\nend script\nexec /opt/x -d \\\n --y\n",
        );
        assert_eq!(job.stanza("env").unwrap().value, b"D=/srv");
        assert_eq!(job.stanza("expect").unwrap().value, b"fork");
        assert_eq!(job.stanza("start").unwrap().value, b"on (a and b)");
        assert_eq!(job.processes.len(), 2);
        assert_eq!(job.processes[0].phase, "pre-start");
        assert_eq!(job.processes[0].line, 7);
        assert_eq!(job.processes[0].text, b"  mkdir -p /run/x\n");
        assert_eq!(job.processes[1].text, b"/opt/x -d --y");
        assert_eq!(job.processes[1].line, 9);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>) {
            let _ = Job::parse(&file);
        }
    }
}

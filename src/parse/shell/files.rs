//! What commands do to the paths among their arguments: one table, by the commands' manuals.

use super::super::op::Act;
use super::super::value::{HOLE, Value};
use super::expand::name_of;
use super::special;
use super::walk::Walk;

/// A command and what its operands are.
struct Command {
    names: &'static [&'static str],
    /// Single letters that take a value.
    letters: &'static [u8],
    /// Long options that take a value in the next word.
    long: &'static [&'static str],
    /// Options whose value is a path, as written, and what is done to it.
    options: &'static [(&'static str, Act)],
    operands: Operands,
}

/// What a command does to its operands.
#[derive(Clone, Copy)]
enum Operands {
    /// This to each.
    Each(Act),
    /// The first is no path; this to the others.
    ButFirst(Act),
    /// This to the first only.
    First(Act),
    /// This to the last only.
    Last(Act),
    /// They are no paths.
    None,
    /// As the function says.
    By(fn(&mut Walk<'_>, &Parsed)),
}

/// A command line taken apart.
pub(super) struct Parsed {
    pub(super) name: String,
    pub(super) operands: Vec<Value>,
    pub(super) options: Vec<(String, Value)>,
}

impl Parsed {
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options
            .iter()
            .any(|(name, _)| names.contains(&name.as_str()))
    }

    pub(super) fn value(&self, names: &[&str]) -> Option<&Value> {
        let named = |(name, _): &&(String, Value)| names.contains(&name.as_str());
        self.options.iter().find(named).map(|(_, value)| value)
    }
}

const NONE: Command = Command {
    names: &[],
    letters: b"",
    long: &[],
    options: &[],
    operands: Operands::None,
};

const COMMANDS: &[Command] = &[
    Command {
        names: &["mkdir"],
        letters: b"mZ",
        long: &["--mode"],
        operands: Operands::Each(Act::MakesDir),
        ..NONE
    },
    Command {
        names: &["touch"],
        letters: b"drt",
        long: &["--date", "--reference"],
        operands: Operands::Each(Act::Creates),
        ..NONE
    },
    Command {
        names: &["mkfifo", "lockfile", "lockfile-create", "dotlockfile"],
        letters: b"mlrs",
        operands: Operands::Each(Act::Creates),
        ..NONE
    },
    Command {
        names: &["mknod"],
        letters: b"m",
        operands: Operands::First(Act::Creates),
        ..NONE
    },
    Command {
        names: &["rm", "rmdir", "unlink", "shred", "lockfile-remove"],
        operands: Operands::Each(Act::Removes),
        ..NONE
    },
    Command {
        names: &[
            "tee", "truncate", "cronolog", "gzip", "gunzip", "bzip2", "xz", "compress",
        ],
        letters: b"srS",
        long: &["--size", "--reference"],
        operands: Operands::Each(Act::Writes),
        ..NONE
    },
    Command {
        names: &["svlogd"],
        operands: Operands::Each(Act::WritesBelow),
        ..NONE
    },
    Command {
        names: &["rotatelogs", "rotatelogs2", "htdigest"],
        letters: b"Lpn",
        operands: Operands::First(Act::Writes),
        ..NONE
    },
    Command {
        names: &["htpasswd"],
        letters: b"C",
        operands: Operands::By(special::htpasswd),
        ..NONE
    },
    Command {
        names: &["chown", "chgrp", "chmod", "chcon", "setfacl"],
        letters: b"mxb",
        long: &["--from", "--reference"],
        operands: Operands::ButFirst(Act::Grants),
        ..NONE
    },
    Command {
        names: &[
            "cat",
            "head",
            "tail",
            "wc",
            "sort",
            "uniq",
            "md5sum",
            "sha1sum",
            "sha256sum",
            "less",
            "more",
            "strings",
            "od",
            "hexdump",
            "cut",
            "zcat",
            "tac",
            "cksum",
        ],
        letters: b"ncdfbkt",
        operands: Operands::Each(Act::Reads),
        ..NONE
    },
    Command {
        names: &["grep", "egrep", "fgrep", "zgrep"],
        letters: b"ABCDdefm",
        options: &[("-f", Act::Reads)],
        operands: Operands::By(special::grep),
        ..NONE
    },
    Command {
        names: &["awk", "gawk", "mawk", "nawk"],
        letters: b"Fvf",
        operands: Operands::By(special::grep),
        ..NONE
    },
    Command {
        names: &["sed", "perl"],
        letters: b"efl",
        long: &["--expression", "--file"],
        operands: Operands::By(special::sed),
        ..NONE
    },
    Command {
        names: &["cp", "mv", "rsync", "scp"],
        letters: b"StePi",
        long: &["--target-directory", "--suffix", "--rsh"],
        operands: Operands::By(special::copy),
        ..NONE
    },
    Command {
        names: &["install"],
        letters: b"gmotS",
        long: &[
            "--group",
            "--mode",
            "--owner",
            "--target-directory",
            "--suffix",
        ],
        operands: Operands::By(special::install),
        ..NONE
    },
    Command {
        names: &["ln"],
        letters: b"St",
        long: &["--target-directory", "--suffix"],
        operands: Operands::By(special::link),
        ..NONE
    },
    Command {
        names: &["dd"],
        operands: Operands::By(special::dd),
        ..NONE
    },
    Command {
        names: &["mktemp", "tempfile"],
        letters: b"pd",
        long: &["--tmpdir", "--directory", "--prefix", "--suffix"],
        operands: Operands::By(special::mktemp),
        ..NONE
    },
    Command {
        names: &["tar", "bsdtar"],
        operands: Operands::By(special::tar),
        ..NONE
    },
    Command {
        names: &["unzip"],
        letters: b"dxP",
        options: &[("-d", Act::WritesBelow)],
        operands: Operands::First(Act::Reads),
        ..NONE
    },
    Command {
        names: &["wget"],
        letters: b"OPoaTtUei",
        options: &[
            ("-O", Act::Writes),
            ("--output-document", Act::Writes),
            ("-P", Act::WritesBelow),
            ("-o", Act::Writes),
        ],
        ..NONE
    },
    Command {
        names: &["curl"],
        letters: b"oudHXTDbcmKxAe",
        options: &[
            ("-o", Act::Writes),
            ("--output", Act::Writes),
            ("-K", Act::Reads),
        ],
        long: &["--output"],
        ..NONE
    },
    Command {
        names: &["openssl"],
        operands: Operands::By(special::openssl),
        ..NONE
    },
    Command {
        names: &["keytool"],
        operands: Operands::By(special::keytool),
        ..NONE
    },
    Command {
        names: &["ssh-keygen"],
        letters: b"fbtCNPROVDEFGIMSTWYZnz",
        options: &[("-f", Act::Writes)],
        ..NONE
    },
    Command {
        names: &[
            "sqlite3",
            "sqlite",
            "gdbmtool",
            "newaliases",
            "postalias",
            "postmap",
        ],
        letters: b"cdk",
        operands: Operands::First(Act::Writes),
        ..NONE
    },
    Command {
        names: &["logrotate"],
        letters: b"slm",
        options: &[
            ("-s", Act::Writes),
            ("--state", Act::Writes),
            ("-l", Act::Writes),
        ],
        long: &["--state", "--log"],
        operands: Operands::Each(Act::Reads),
    },
    Command {
        names: &["ucf", "make-ssl-cert"],
        letters: b"sn",
        long: &["--src-dir", "--sum-file", "--debconf-template"],
        operands: Operands::Last(Act::Writes),
        ..NONE
    },
    Command {
        names: &["dpkg-statoverride"],
        operands: Operands::By(special::statoverride),
        ..NONE
    },
    Command {
        names: &["update-alternatives", "alternatives"],
        operands: Operands::By(special::alternatives),
        ..NONE
    },
    Command {
        names: &["adduser", "useradd"],
        letters: b"bcdefgGkKpsuhR",
        long: &[
            "--home",
            "--home-dir",
            "--shell",
            "--uid",
            "--gid",
            "--ingroup",
            "--gecos",
            "--comment",
            "--groups",
            "--base-dir",
            "--password",
            "--conf",
            "--skel",
            "--comment",
        ],
        operands: Operands::By(special::account),
        ..NONE
    },
    Command {
        names: &["checkpath"],
        letters: b"mo",
        long: &["--mode", "--owner"],
        operands: Operands::By(special::checkpath),
        ..NONE
    },
    Command {
        names: &["initdb", "pg_ctl", "mysql_install_db", "mariadb-install-db"],
        letters: b"DlUE",
        long: &["--pgdata"],
        options: &[
            ("-D", Act::WritesBelow),
            ("--pgdata", Act::WritesBelow),
            ("--datadir", Act::WritesBelow),
            ("-l", Act::Writes),
        ],
        ..NONE
    },
    Command {
        names: &["find"],
        operands: Operands::By(special::find),
        ..NONE
    },
    Command {
        names: &["test", "[", "[["],
        operands: Operands::By(special::test),
        ..NONE
    },
];

/// Whether perl(1) is given its program as text: `-e`, `-ne`, `-pi -e`. What follows `-I`, `-M` and the like are
/// names.
fn has_program_text(argv: &[Value]) -> bool {
    let options = argv
        .iter()
        .skip(1)
        .take_while(|word| word.starts_with(b"-"));
    options.into_iter().any(|word| {
        let mut letters = word.iter().skip(1);
        let named = |letter: &&u8| {
            matches!(
                letter,
                b'I' | b'M' | b'm' | b'x' | b'C' | b'D' | b'F' | b'd'
            )
        };
        letters
            .find(|letter| named(letter) || matches!(letter, b'e' | b'E'))
            .is_some_and(|letter| !named(&letter))
    })
}

impl Walk<'_> {
    /// Notes what a command does to the paths among its arguments; false when the command is not
    /// in the table.
    pub(super) fn files(&mut self, argv: &[Value]) -> bool {
        let name = name_of(argv);
        // It edits with a program that stands in its options, and runs a file otherwise.
        if name == b"perl" && !has_program_text(argv) {
            return false;
        }
        let Some(command) = COMMANDS
            .iter()
            .find(|command| command.names.iter().any(|known| known.as_bytes() == name))
        else {
            return false;
        };
        let parsed = command.parse(argv);
        for (option, value) in &parsed.options {
            for (known, act) in command.options {
                if known == option {
                    self.path(*act, value, &parsed.name);
                }
            }
        }
        let all = parsed.operands.as_slice();
        let (act, paths) = match command.operands {
            Operands::Each(act) => (act, all),
            Operands::ButFirst(act) => {
                let skip = usize::from(!parsed.has(&["--reference"]));
                (act, all.get(skip..).unwrap_or_default())
            }
            Operands::First(act) => (act, all.get(..1).unwrap_or_default()),
            Operands::Last(act) => (
                act,
                all.last().map(std::slice::from_ref).unwrap_or_default(),
            ),
            Operands::None => return true,
            Operands::By(function) => {
                function(self, &parsed);
                return true;
            }
        };
        for path in paths {
            self.path(act, path, &parsed.name);
        }
        true
    }
}

impl Command {
    /// Takes a command line apart as getopt_long(3) does; `dd`, `tar`, `find`, `openssl` and
    /// `test` have their own ways and get every word as an operand.
    fn parse(&self, argv: &[Value]) -> Parsed {
        let name = String::from_utf8_lossy(name_of(argv)).into_owned();
        let own = [
            "dd", "tar", "bsdtar", "find", "openssl", "keytool", "test", "[", "[[",
        ];
        let mut parsed = Parsed {
            operands: Vec::new(),
            options: Vec::new(),
            name,
        };
        let mut words = argv.iter().skip(1);
        if own.contains(&parsed.name.as_str()) {
            parsed.operands = words.cloned().collect();
            return parsed;
        }
        while let Some(word) = words.next() {
            if word == b"--" {
                parsed.operands.extend(words.by_ref().cloned());
            } else if word.starts_with(b"--") {
                let text = String::from_utf8_lossy(word).into_owned();
                match text.split_once('=') {
                    Some((name, _)) => {
                        let value = word.get(name.len() + 1..).unwrap_or_default().to_vec();
                        parsed.options.push((name.to_owned(), value));
                    }
                    None if self.long.contains(&text.as_str()) => {
                        let value = words.next().cloned().unwrap_or_default();
                        parsed.options.push((text, value));
                    }
                    None => parsed.options.push((text, Vec::new())),
                }
            } else if word.first() == Some(&b'-') && word.len() > 1 && word[1] != HOLE {
                for (at, letter) in word.iter().enumerate().skip(1) {
                    let option = format!("-{}", char::from(*letter));
                    if !self.letters.contains(letter) {
                        parsed.options.push((option, Vec::new()));
                        continue;
                    }
                    let rest = word.get(at + 1..).unwrap_or_default().to_vec();
                    let value = if rest.is_empty() {
                        words.next().cloned().unwrap_or_default()
                    } else {
                        rest
                    };
                    parsed.options.push((option, value));
                    break;
                }
            } else {
                parsed.operands.push(word.clone());
            }
        }
        parsed
    }
}

//! What a setting means for the paths in its value, and how far to believe it.

use super::value::Trust;
use crate::fact::{Certainty, Class, Kind, Touch};
use crate::knowledge::{self, Directive, Role};
use crate::parse::config::{Separator, Setting};
use crate::path::AppPath;

/// How a value's paths are to be given out.
#[derive(Clone)]
pub(super) struct Meaning {
    pub(super) by: String,
    pub(super) touch: Touch,
    pub(super) kind: Option<Kind>,
    pub(super) class: Option<Class>,
    pub(super) certainty: Certainty,
    pub(super) trust: Trust,
}

impl Meaning {
    /// Holds the meaning of the key against the place of the path.
    pub(super) fn weigh(&mut self, path: &AppPath) {
        let prior = knowledge::prior(path);
        let doubt = |meaning: &mut Self| {
            meaning.certainty = meaning.certainty.min(Certainty::Inferred);
        };
        let passing = |class: Class| {
            matches!(
                class,
                Class::Data | Class::Log | Class::Cache | Class::Runtime | Class::Temp
            )
        };
        let Some(class) = self.class.filter(|_| prior.known) else {
            return;
        };
        if class == Class::Temp && knowledge::is_shared_dir(path) {
            // The usual scratch directory is a default more often than a wish.
            doubt(self);
        }
        if knowledge::is_shared_dir(path) && prior.class != Class::Temp {
            // `localstatedir = /var`: what lies there is named elsewhere.
            if passing(class) || class == Class::Config {
                self.class = None;
                self.touch = Touch::Names;
                doubt(self);
            }
        } else if self.touch.is_write() && prior.class == Class::Code && !path.is_pattern() {
            // hier(7): what packages put below /usr is static, whatever the key is called.
            self.touch = Touch::Reads;
            self.class = Some(Class::Code);
            doubt(self);
        } else if class == prior.class {
        } else if passing(class) && passing(prior.class) {
            // A socket is one wherever it lies.
            if !matches!(self.kind, Some(Kind::Socket | Kind::Fifo)) {
                self.class = Some(prior.class);
            }
        } else if class == Class::Code
            || (class == Class::Config && self.kind == Some(Kind::Dir) && passing(prior.class))
        {
            // A class path holds settings too; settings among state are written.
            self.class = None;
            self.touch = Touch::Names;
            doubt(self);
        } else if self.certainty < Certainty::Declared {
            self.class = None;
            if self.touch.is_write() {
                self.touch = Touch::Names;
            }
        } else if self.touch.is_write() {
            doubt(self);
        }
    }
}

pub(super) fn unknown(name: &str) -> Meaning {
    Meaning {
        by: name.to_owned(),
        touch: Touch::Names,
        kind: None,
        class: None,
        certainty: Certainty::Inferred,
        trust: Trust::Unknown,
    }
}

pub(super) fn meaning(setting: &Setting, directive: &Directive) -> Meaning {
    Meaning {
        by: setting.name().to_owned(),
        touch: directive.touch,
        kind: directive.kind,
        class: directive.class,
        certainty: if directive.weak {
            Certainty::Inferred
        } else {
            Certainty::Declared
        },
        trust: if directive.weak && directive.role == Role::Command {
            Trust::Unknown
        } else {
            Trust::Known
        },
    }
}

/// `auth,authpriv.*`: a selector of syslog.conf(5), whose value is a log.
pub(super) fn is_selector(setting: &Setting) -> bool {
    const FACILITIES: &[&str] = &[
        "auth", "authpriv", "cron", "daemon", "kern", "lpr", "mail", "news", "syslog", "user",
        "uucp", "*", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
        "local7",
    ];
    let name = setting.name();
    let facility = name.split(['.', ',']).next().unwrap_or("");
    setting.separator == Separator::Space && name.contains('.') && FACILITIES.contains(&facility)
}

/// Whether a device is one that the kernel's list has (Documentation/admin-guide/devices.txt), by the
/// beginning of its name below `/dev`: any other may be a name that only looks like one.
pub(super) fn is_listed_device(name: &str) -> bool {
    const KNOWN: &str = "bus/ by-id/ cdrom cuse disk/ dm- dri/ dvb/ fb fuse gpio hidraw hpet hwrng i2c- input/ \
                         ipmi kmem kmsg kvm loop lp mapper/ md mem mice mtd net/ nst nvidia nvme parport \
                         ppp raw/ rtc sd serial/ sg snd/ spidev sr st tpm tty uinput usb vd vhost \
                         video vfio watchdog xvd";
    let name = name.strip_prefix("/dev/").unwrap_or(name);
    KNOWN.split_ascii_whitespace().any(|known| {
        name.strip_prefix(known).is_some_and(|rest| {
            known.ends_with(['/', '-'])
                || rest.len() < 5 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
                || known == "tty"
                || known == "usb"
        })
    })
}

/// A device: nothing within for those that every container has; nothing at all for a path that is
/// none.
pub(super) fn device(path: &AppPath) -> Option<Option<String>> {
    let rest = path.below(&AppPath::new("/dev"))?;
    let first = rest.split(|&b| b == b'/').next().unwrap_or_default();
    let common = matches!(
        first,
        b"" | b"null"
            | b"zero"
            | b"full"
            | b"random"
            | b"urandom"
            | b"tty"
            | b"pts"
            | b"ptmx"
            | b"stdin"
            | b"stdout"
            | b"stderr"
            | b"fd"
            | b"console"
    );
    match first {
        b"shm" | b"log" => None,
        _ if common || path.is_pattern() => Some(None),
        _ => Some(Some(path.to_text().into_owned())),
    }
}

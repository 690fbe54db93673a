//! logrotate: the logs an application writes, who owns them, and who is told to reopen them.

use crate::fact::{Certainty, Class, Kind, Locus, Source, Touch, What};
use crate::parse::logrotate::{Config, Stanza};

use super::argument::template;
use super::shell_line::{self, Place};
use super::{Extractor, Input, Named, Out, place};

/// Reads logrotate.conf(5), also where a product keeps its own.
pub const EXTRACTOR: Extractor = Extractor {
    name: "logrotate",
    wants,
    run,
};

fn wants(input: &Input<'_>) -> bool {
    let path = input.path;
    let named = || memchr::memmem::find(path.name(), b"logrotate").is_some();
    let has_block = || input.head.contains(&b'{');
    let is_there = place::is_in(path, b"logrotate.d")
        || place::is(path, "/etc/logrotate.conf")
        || (named() && has_block());
    is_there && !place::is_leftover(path) && input.interpreter().is_none() && input.is_text()
}

fn run(input: &Input<'_>, out: &mut Out) {
    for stanza in &Config::parse(place::text(input, place::LIMIT, out)).stanzas {
        logs(stanza, input, out);
        for script in &stanza.scripts {
            let place = Place {
                file: input.path,
                line: script.line,
                source: Source::Logrotate,
            };
            shell_line::facts(&script.text, place, out);
        }
    }
}

fn logs(stanza: &Stanza, input: &Input<'_>, out: &mut Out) {
    let named = |by, touch, kind| Named {
        touch,
        source: Source::Logrotate,
        by,
        kind: Some(kind),
        class: Some(Class::Log),
    };
    let create = stanza.create();
    for (line, log) in &stanza.logs {
        let Some(path) = template(log) else {
            continue;
        };
        let at = Locus::line(input.path, *line);
        out.path(
            at,
            Certainty::Declared,
            path.clone(),
            named("logrotate", Touch::Writes, Kind::File),
        );
        if let Some((line, owner)) = &create
            && (owner.user.is_some() || owner.mode.is_some())
        {
            let what = What::Owned {
                path,
                user: owner.user.clone(),
                group: owner.group.clone(),
                mode: owner.mode.map(|mode| format!("{mode:04o}")),
            };
            out.fact(Locus::line(input.path, *line), Certainty::Declared, what);
        }
    }
    // A relative olddir is seen from the log's directory, where the log's own fact stands.
    if let Some(directive) = stanza.directive("olddir")
        && let Some(path) = template(&directive.value)
    {
        let at = Locus::line(input.path, directive.line);
        out.path(
            at,
            Certainty::Declared,
            path,
            named("olddir", Touch::Creates, Kind::Dir),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing;

    #[test]
    fn logs_owners_and_scripts() {
        let text = "/var/log/app/*.log /var/log/app.err {\n  create 0640 app adm\n  olddir /var/log/old\n  postrotate\n    test -e /run/a.pid && kill -USR1 $(cat /run/a.pid)\n    systemctl reload app > /dev/null\n  endscript\n}\n";
        assert_eq!(
            testing::run(&EXTRACTOR, "/etc/logrotate.d/app", text),
            [
                "1 Path /var/log/app/*.log Writes logrotate File Log Declared",
                "2 Owned /var/log/app/*.log app adm 0640 Declared",
                "1 Path /var/log/app.err Writes logrotate File Log Declared",
                "2 Owned /var/log/app.err app adm 0640 Declared",
                "3 Path /var/log/old Creates olddir Dir Log Declared",
                "5 Path /run/a.pid Reads test ? ? Inferred",
                "5 Calls kill -USR1 $(cat /run/a.pid) Inferred",
                "5 Path /run/a.pid Reads kill File Runtime Inferred",
                "5 Path /run/a.pid Reads cat ? ? Inferred",
                "6 Calls systemctl reload app Inferred",
            ]
        );
    }

    #[test]
    fn a_script_that_calls_logrotate_is_none() {
        let stat = testing::stat(9);
        let is_wanted = |path: &str, head: &[u8]| {
            let path = crate::path::AppPath::new(path);
            wants(&Input::new(&path, &stat, head, &head.to_vec()))
        };
        assert!(is_wanted("/opt/app/conf/logrotate.conf", b"/var/log/x {\n"));
        assert!(!is_wanted(
            "/etc/cron.daily/logrotate",
            b"#!/bin/sh\n{ x; }\n"
        ));
        assert!(!is_wanted("/etc/logrotate.d/x.dpkg-old", b"/var/log/x {\n"));
    }
}

//! What the host's kernel is asked for: sysctl.d, limits.d, modprobe.d, modules-load.d, udev rules.

use crate::fact::{Certainty, IssueKind, Kind, Locus, Need, Source, Touch, What};
use crate::parse::line::text;
use crate::parse::sysctl::{limits, module_rules, modules, sysctls};
use crate::parse::udev::{self, Rule};
use crate::parse::unit::words;
use crate::path::AppPath;

use super::argument::template;
use super::{Extractor, Input, Named, Out, place, withhold};

/// Reads the files by which a host's kernel and sessions are set up.
pub const EXTRACTOR: Extractor = Extractor {
    name: "kernel-settings",
    wants,
    run,
};

enum Form {
    Sysctl,
    Limits,
    Modprobe,
    Modules,
    Udev,
}

fn form(input: &Input<'_>) -> Option<Form> {
    let path = input.path;
    let ends = |end: &[u8]| path.name().ends_with(end);
    Some(
        if place::is(path, "/etc/sysctl.conf") || place::is_in(path, b"sysctl.d") && ends(b".conf")
        {
            Form::Sysctl
        } else if place::is(path, "/etc/security/limits.conf")
            || place::is_in(path, b"limits.d") && ends(b".conf")
        {
            Form::Limits
        } else if place::is_in(path, b"modprobe.d") && ends(b".conf") {
            Form::Modprobe
        } else if place::is(path, "/etc/modules")
            || place::is_in(path, b"modules-load.d") && ends(b".conf")
        {
            Form::Modules
        } else if place::is_in(path, b"rules.d")
            && ends(b".rules")
            && path.components().any(|part| part == b"udev")
        {
            Form::Udev
        } else {
            return None;
        },
    )
}

fn wants(input: &Input<'_>) -> bool {
    form(input).is_some() && input.is_text()
}

fn run(input: &Input<'_>, out: &mut Out) {
    let file = place::text(input, place::LIMIT, out);
    let at = |line| Locus::line(input.path, line);
    match form(input) {
        Some(Form::Sysctl) => {
            for sysctl in sysctls(file) {
                need(
                    Need::Sysctl,
                    sysctl.key.clone(),
                    Certainty::Declared,
                    at(sysctl.line),
                    out,
                );
                directive(sysctl.key, sysctl.value, at(sysctl.line), out);
            }
        }
        Some(Form::Limits) => {
            for limit in limits(file) {
                let value = format!("{} {} {}", limit.domain, limit.kind, limit.value);
                need(
                    Need::Limit,
                    limit.item.clone(),
                    Certainty::Declared,
                    at(limit.line),
                    out,
                );
                directive(limit.item, value, at(limit.line), out);
            }
        }
        Some(Form::Modules) => {
            for (line, module) in modules(file) {
                need(Need::Module, module, Certainty::Declared, at(line), out);
            }
        }
        Some(Form::Modprobe) => modprobe(file, input, out),
        Some(Form::Udev) => {
            let (rules, odd) = udev::parse(file);
            for line in odd {
                out.issue(
                    at(line),
                    IssueKind::NotUnderstood,
                    "a udev rule, read in part",
                );
            }
            for rule in &rules {
                device(rule, &at(rule.line), out);
            }
        }
        None => {}
    }
}

/// Options and install commands are for a module in use; a command that does nothing keeps it out.
fn modprobe(file: &[u8], input: &Input<'_>, out: &mut Out) {
    for rule in module_rules(file) {
        let is_use = match rule.word.as_str() {
            "options" | "softdep" => true,
            "install" => !rule.rest.ends_with("/true") && !rule.rest.ends_with("/false"),
            _ => false,
        };
        if is_use {
            let at = Locus::line(input.path, rule.line);
            need(Need::Module, rule.module, Certainty::Inferred, at, out);
        }
    }
}

/// A rule that gives a device a name, an owner or a program is there because it is used.
fn device(rule: &Rule, at: &Locus, out: &mut Out) {
    let sets = |key: &str| {
        rule.terms
            .iter()
            .any(|term| term.key == key && !term.is_match())
    };
    if ["OWNER", "GROUP", "MODE", "SYMLINK", "RUN"]
        .into_iter()
        .any(sets)
    {
        let name = device_name(rule);
        if !name.is_empty() {
            // A rule that lies where udev does not look, udev(7), is an offer of the vendor.
            let is_read = ["/etc/udev", "/usr/lib/udev", "/lib/udev", "/run/udev"]
                .iter()
                .any(|dir| at.file.is_within(&AppPath::new(dir)));
            let certainty = if is_read {
                Certainty::Declared
            } else {
                Certainty::Guessed
            };
            need(Need::Device, name, certainty, at.clone(), out);
        }
    }
    for term in &rule.terms {
        let starts = matches!(term.key.as_str(), "RUN" | "PROGRAM")
            || term.attribute.as_deref() == Some("program");
        let program = words(&term.value).into_iter().next().unwrap_or_default();
        if starts && let Some(path) = template(&program) {
            let named = Named {
                touch: Touch::Runs,
                source: Source::Config,
                by: &term.key,
                kind: Some(Kind::File),
                class: None,
            };
            out.path(at.clone(), Certainty::Declared, path, named);
        }
    }
}

/// The kernel's name of the device, else its subsystem with what identifies a USB device.
fn device_name(rule: &Rule) -> String {
    let matched = |key: &str, attribute: Option<&str>| {
        rule.terms
            .iter()
            .find(|term| {
                term.key == key && term.operator == "==" && term.attribute.as_deref() == attribute
            })
            .map(|term| withhold::word(&term.value))
    };
    if let Some(name) = matched("KERNEL", None) {
        return name;
    }
    let attribute = |name| matched("ATTRS", Some(name)).or_else(|| matched("ATTR", Some(name)));
    let parts = [
        matched("SUBSYSTEM", None).or_else(|| matched("SUBSYSTEMS", None)),
        attribute("idVendor"),
        attribute("idProduct"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(":")
}

fn need(need: Need, name: String, certainty: Certainty, at: Locus, out: &mut Out) {
    out.fact(at, certainty, What::Needs { need, name });
}

fn directive(key: String, value: String, at: Locus, out: &mut Out) {
    let value = text(value.as_bytes());
    out.fact(at, Certainty::Declared, What::Directive { key, value });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::run;

    #[test]
    fn sysctls_and_limits_come_with_their_values() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/sysctl.d/90-app.conf",
                "vm.max_map_count = 262144\n"
            ),
            [
                "1 Needs Sysctl vm.max_map_count Declared",
                "1 Directive vm.max_map_count=262144 Declared"
            ]
        );
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/security/limits.d/app.conf",
                "app - nofile 65536\n"
            ),
            [
                "1 Needs Limit nofile Declared",
                "1 Directive nofile=app - 65536 Declared"
            ]
        );
    }

    #[test]
    fn modules_in_use_are_told_from_those_kept_out() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/modprobe.d/a.conf",
                "options loop max_loop=8\nblacklist pcspkr\ninstall usb-storage /bin/true\n"
            ),
            ["1 Needs Module loop Inferred"]
        );
        assert_eq!(
            run(&EXTRACTOR, "/usr/lib/modules-load.d/a.conf", "dm-mod\n"),
            ["1 Needs Module dm-mod Declared"]
        );
    }

    #[test]
    fn udev_rules_name_devices_and_programs() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/lib/udev/rules.d/80-a.rules",
                "SUBSYSTEM==\"usb\", ATTRS{idVendor}==\"0529\", ATTR{idProduct}==\"0001\", MODE=\"0664\", RUN+=\"/opt/a/plug %k\"\nKERNEL==\"ttyS[0-9]\", GROUP=\"a\"\nACTION!=\"add\", GOTO=\"end\"\n"
            ),
            [
                "1 Needs Device usb:0529:0001 Declared",
                "1 Path /opt/a/plug Runs RUN File ? Declared",
                "2 Needs Device ttyS[0-9] Declared",
            ]
        );
    }
}

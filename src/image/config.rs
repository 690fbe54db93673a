//! How the image is started, in the words of its configuration.

use super::Source;
use crate::layout::{Run, Value};
use crate::manifest::Settings;
use crate::parse::elf::Header;
use crate::parse::read::ReadAt as _;

/// Machines of ELF (elf.h, `EM_*`) and of distributions, in Go's words.
const MACHINES: [(u16, &str, &str); 7] = [
    (62, "x86_64 amd64", "amd64"),
    (183, "aarch64 arm64", "arm64"),
    (3, "i386 i486 i586 i686 x86", "386"),
    (40, "armhf armv7 armv7l armv7hl armel", "arm"),
    (21, "ppc64le ppc64el", "ppc64le"),
    (22, "s390x", "s390x"),
    (243, "riscv64", "riscv64"),
];

/// The length of an ELF header, and more (elf(5)).
const HEAD: usize = 64;

/// Programs that tell for which machine a root is.
const TELLING: [&str; 4] = ["/bin/sh", "/usr/bin/env", "/sbin/init", "/bin/busybox"];

/// The processor of the root, in Go's words: that of most of its packages, else of its shell;
/// `amd64` where neither is there.
#[must_use]
pub fn architecture(source: &Source<'_>) -> &'static str {
    let packages = source.host.packages.iter();
    let of_word = |word: &str| {
        let fits = |(_, words, _): &&(u16, &str, &str)| words.split(' ').any(|own| own == word);
        MACHINES.iter().find(fits).map(|(.., go)| *go)
    };
    // The host's own architecture comes first of one name.
    let named = packages.filter_map(|package| of_word(&package.arch)).next();
    let shell = || {
        let machine = TELLING.iter().find_map(|path| {
            let file = source.root.open_file(path).ok()?;
            let head = file.bytes_at(0, HEAD).ok()?;
            Some(Header::read(&head).ok()?.machine)
        })?;
        let row = MACHINES.iter().find(|(number, ..)| *number == machine)?;
        Some(row.2)
    };
    named.or_else(shell).unwrap_or("amd64")
}

/// The configuration by which it is started.
pub(super) fn run(settings: &Settings) -> Run {
    let env = settings
        .env
        .iter()
        .filter_map(|variable| Some(format!("{}={}", variable.name, variable.value.as_ref()?)))
        .collect();
    let object = || Value::Object(Default::default());
    let ports = settings
        .ports
        .iter()
        .map(|port| (format!("{}/{}", port.port, port.transport), object()));
    let kept = settings
        .points
        .iter()
        .filter(|point| point.is_kept && !point.is_file);
    let volumes = kept.map(|point| (point.path.to_text().into_owned(), object()));
    let some = |map: std::collections::BTreeMap<String, Value>| (!map.is_empty()).then_some(map);
    Run {
        user: Some(format!("{}:{}", settings.ids.0, settings.ids.1)),
        exposed_ports: some(ports.collect()),
        env: Some(env),
        entrypoint: (!settings.command.is_empty()).then(|| settings.command.clone()),
        cmd: None,
        volumes: some(volumes.collect()),
        working_dir: settings.directory.clone(),
        labels: None,
        stop_signal: settings.stop_signal.clone(),
        other: Default::default(),
    }
}

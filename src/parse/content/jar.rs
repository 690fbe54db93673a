//! Java archives, as far as a migration needs them: the manifest, native libraries inside, and what
//! sort of archive it is. Only the central directory and the manifest are read; the bounds are our
//! own, not what the archive claims.

use super::archive::{Archive, unpack};
use crate::parse::read::ReadAt;

/// The most bytes of a manifest, packed and unpacked.
const MAX_MANIFEST: usize = 256 << 10;

/// The most native libraries that are named.
const MAX_NATIVE: usize = 200;

/// The most parts of a class path that are named.
const MAX_PARTS: usize = 200;

/// What an archive holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jar {
    /// `Main-Class` of the manifest.
    pub main_class: Option<String>,
    /// `Start-Class`: what the main class of Spring Boot's archives starts.
    pub start_class: Option<String>,
    /// `Class-Path`: other archives and directories, seen from where this one lies.
    pub class_path: Vec<String>,
    /// `Implementation-Title`, or the bundle's name.
    pub title: Option<String>,
    /// `Implementation-Version`, or the bundle's.
    pub version: Option<String>,
    /// Native libraries inside, sorted.
    pub native: Vec<String>,
    /// Number of archives inside.
    pub nested: usize,
    /// Whether it is a web application (`WEB-INF/`).
    pub web: bool,
    /// Whether it is an enterprise application (`META-INF/application.xml`).
    pub enterprise: bool,
    /// Whether it is signed (`META-INF/*.SF`).
    pub signed: bool,
    /// Whether a bound cut something off.
    pub cut: bool,
}

/// Reads an archive; nothing when it is none, or when its directory is broken.
#[must_use]
pub fn read(source: &dyn ReadAt) -> Option<Jar> {
    let archive = Archive::open(source)?;
    let mut jar = Jar {
        cut: archive.cut,
        ..Jar::default()
    };
    let mut manifest = None;
    for member in archive.members() {
        jar.note(member.name);
        if member.name.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF") {
            manifest = Some(member.at);
        }
    }
    jar.native.sort();
    jar.native.dedup();
    if let Some(text) = manifest.and_then(|at| unpack(source, at, MAX_MANIFEST)) {
        jar.manifest(&text);
    }
    Some(jar)
}

impl Jar {
    /// Notes what the name of an entry tells.
    fn note(&mut self, name: &[u8]) {
        let file = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
        let is_library = file.ends_with(b".so")
            || file.ends_with(b".jnilib")
            || memchr::memmem::find(file, b".so.").is_some_and(|at| at > 0);
        if is_library && self.native.len() < MAX_NATIVE {
            self.native.push(crate::path::escape(name).into_owned());
        } else if is_library {
            self.cut = true;
        }
        self.nested += usize::from(file.ends_with(b".jar") || file.ends_with(b".war"));
        self.web |= name.starts_with(b"WEB-INF/");
        self.enterprise |= name == b"META-INF/application.xml";
        self.signed |= name.starts_with(b"META-INF/") && file.ends_with(b".SF");
    }

    /// Reads the main section of a manifest (JAR File Specification, "Manifest Specification"): a
    /// line that begins with a space goes on where the last one ended; an empty line ends it.
    fn manifest(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            if line.is_empty() {
                break;
            }
            match (line.strip_prefix(' '), lines.last_mut()) {
                (Some(more), Some(last)) => last.push_str(more),
                _ => lines.push(line.to_owned()),
            }
        }
        let value = |key: &str| {
            lines.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let value = value.trim();
                let fits = name.eq_ignore_ascii_case(key) && !value.is_empty();
                fits.then(|| {
                    value
                        .chars()
                        .filter(|c| !c.is_control())
                        .take(200)
                        .collect()
                })
            })
        };
        self.main_class = value("Main-Class");
        self.start_class = value("Start-Class");
        let class_path = lines
            .iter()
            .find_map(|line| line.strip_prefix("Class-Path:"));
        let parts = class_path.unwrap_or_default().split_whitespace();
        self.class_path = parts.take(MAX_PARTS).map(str::to_owned).collect();
        self.title = value("Implementation-Title").or_else(|| value("Bundle-SymbolicName"));
        self.version = value("Implementation-Version").or_else(|| value("Bundle-Version"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// An archive of stored entries behind `prefix`.
    fn archive(prefix: &[u8], entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = prefix.to_vec();
        let mut directory = Vec::new();
        for (name, content) in entries {
            let offset = u32::try_from(out.len() - prefix.len()).unwrap();
            let size = u32::try_from(content.len()).unwrap().to_le_bytes();
            let name_length = u16::try_from(name.len()).unwrap().to_le_bytes();
            out.extend(b"PK\x03\x04");
            out.extend([0; 14]);
            out.extend([size, size].concat());
            out.extend([name_length, [0; 2]].concat());
            out.extend(name.as_bytes());
            out.extend(*content);
            directory.extend(b"PK\x01\x02");
            directory.extend([0; 16]);
            directory.extend([size, size].concat());
            directory.extend(name_length);
            directory.extend([0; 12]);
            directory.extend(offset.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let start = u32::try_from(out.len() - prefix.len()).unwrap();
        let length = u32::try_from(directory.len()).unwrap();
        out.extend(directory);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend([0; 4]);
        out.extend(length.to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0; 2]);
        out
    }

    const MANIFEST: &[u8] =
        b"Manifest-Version: 1.0\r\nMain-Class: org.example.Ma\r\n in\r\nImplementation-Version: 2.1\r\n\r\nName: x\r\nMain-Class: no\r\n";

    #[test]
    fn an_archive_tells_its_main_class_and_native_libraries() {
        let bytes = archive(
            b"",
            &[
                ("META-INF/MANIFEST.MF", MANIFEST),
                ("lib/linux/libx.so", b""),
                ("org/libs.source", b""),
                ("BOOT-INF/lib/a.jar", b""),
            ],
        );
        let jar = read(&bytes).unwrap();
        assert_eq!(jar.main_class.as_deref(), Some("org.example.Main"));
        assert_eq!(jar.version.as_deref(), Some("2.1"));
        assert_eq!(jar.native, ["lib/linux/libx.so"]);
        assert_eq!((jar.nested, jar.web, jar.cut), (1, false, false));
    }

    #[test]
    fn a_script_may_stand_before_the_archive() {
        let entries: &[(&str, &[u8])] = &[("META-INF/MANIFEST.MF", MANIFEST), ("WEB-INF/w", b"")];
        let jar = read(&archive(b"#!/bin/sh\nexec java -jar $0\n", entries)).unwrap();
        assert!(jar.main_class.is_some() && jar.web);
    }

    #[test]
    fn claims_beyond_the_file_are_not_believed() {
        let bytes = archive(b"", &[("META-INF/MANIFEST.MF", MANIFEST), ("a.so", b"")]);
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end].to_vec()), None, "{end}");
        }
        let end = bytes.len() - 22;
        for at in end..bytes.len() {
            let mut wild = bytes.clone();
            wild[at] ^= 0xff;
            let _ = read(&wild);
        }
        let mut wild = bytes.clone();
        wild[end + 12..end + 16].fill(0xff);
        assert_eq!(read(&wild), None);
    }

    #[test]
    fn a_manifest_that_unpacks_to_very_much_is_cut() {
        let mut packed = Vec::new();
        let mut zeroes = std::io::repeat(b'a').take(64 << 20);
        let mut deflate =
            flate2::read::DeflateEncoder::new(&mut zeroes, flate2::Compression::best());
        deflate.read_to_end(&mut packed).unwrap();
        assert!(packed.len() < MAX_MANIFEST);
        let mut bytes = archive(b"", &[("META-INF/MANIFEST.MF", &packed)]);
        let header = memchr::memmem::rfind(&bytes, b"PK\x01\x02").unwrap();
        bytes[header + 10] = 8;
        let archive = Archive::open(&bytes).unwrap();
        let manifest = archive.members().next().unwrap();
        let text = unpack(&bytes, manifest.at, MAX_MANIFEST).unwrap();
        assert_eq!(text.len(), MAX_MANIFEST);
        assert!(read(&bytes).is_some());
    }
}

//! Every program and library below directories: found by their first bytes, and read once. A name
//! that ends as those of texts, pictures and archives do is taken at its word.

use super::binary::{Binary, HEAD};
use super::{Loader, Start};
use crate::fact::Issue;
use crate::parse::elf::Form;
use crate::parse::read::ReadAt as _;
use crate::path::AppPath;
use crate::tree::{Limits, Progress, Visit, walk};

/// Endings of what nobody starts or links: sources, scripts, texts, pictures, fonts, sound,
/// packed files. In the trees of distributions they are six of seven files. Of what is asked for
/// by name none is passed over for its ending.
const OTHERS: [&[u8]; 86] = [
    b"a", b"am", b"bash", b"bmp", b"bz2", b"c", b"cc", b"cfg", b"class", b"cmake", b"conf", b"cpp",
    b"css", b"csv", b"cxx", b"desktop", b"dtd", b"ejs", b"el", b"elc", b"eot", b"eps", b"flac",
    b"gif", b"go", b"gz", b"h", b"hh", b"hpp", b"htm", b"html", b"hxx", b"ico", b"in", b"ini",
    b"inl", b"jar", b"java", b"jpeg", b"jpg", b"js", b"json", b"la", b"less", b"lua", b"m4",
    b"map", b"md", b"md5sums", b"mjs", b"mo", b"mp3", b"ogg", b"otf", b"pc", b"pdf", b"pem",
    b"php", b"pl", b"pm", b"png", b"po", b"pod", b"pot", b"py", b"pyc", b"pyi", b"pyo", b"rb",
    b"rs", b"rst", b"scss", b"sh", b"svg", b"tcl", b"toml", b"ts", b"ttf", b"txt", b"vim", b"wav",
    b"woff", b"woff2", b"xml", b"xz", b"zip",
];

/// Whether a file of this name is passed over.
fn is_other(name: &[u8]) -> bool {
    let dot = name.iter().rposition(|&b| b == b'.').filter(|&at| at > 0);
    let ending = dot.and_then(|at| name.get(at + 1..));
    ending.is_some_and(|ending| OTHERS.binary_search(&ending).is_ok())
}

/// What was found below directories.
#[derive(Debug)]
pub struct Discovered {
    /// Programs and libraries that a loader takes, in order, with who starts each.
    pub files: Vec<(AppPath, Start)>,
    /// How many entries were looked at.
    pub entries: usize,
    /// How many files were passed over for the ending of their names.
    pub passed: u64,
    /// What could not be looked at.
    pub issues: Vec<Issue>,
}

impl Loader<'_> {
    /// The dynamic programs and the libraries below `dirs`; other filesystems are not entered.
    #[must_use]
    pub fn discover(&self, dirs: &[AppPath], progress: &Progress) -> Discovered {
        let limits = Limits {
            opens: |_| true,
            passes: is_other,
            ..Limits::default()
        };
        let root = self.view.root();
        let found = walk(root, dirs, &limits, progress, &|visit| self.start_of(visit));
        let files = found.made.into_iter();
        Discovered {
            files: files.map(|(entry, start)| (entry.path, start)).collect(),
            entries: found.entries.len(),
            passed: found.passed,
            issues: found.issues,
        }
    }

    fn start_of(&self, visit: &Visit<'_>) -> Option<Start> {
        let file = visit.open().ok()?;
        let mut head = [0; HEAD];
        let size = usize::try_from(file.len()).map_or(HEAD, |size| size.min(HEAD));
        let got = file.read_at(0, head.get_mut(..size)?).ok()?;
        let head = head.get(..got)?;
        if !head.starts_with(b"\x7fELF") {
            return None;
        }
        let binary = Binary::read(head, &file);
        let form = binary.elf.as_ref().ok()?.form();
        self.learn(&visit.entry.stat, binary);
        match form {
            Form::Program => Some(Start::Kernel),
            Form::Library => Some(Start::Loader),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_known_endings_are_passed_over() {
        assert!(OTHERS.is_sorted());
        for name in ["x.py", "libx.a", "a.b.png", "README.md"] {
            assert!(is_other(name.as_bytes()), "{name}");
        }
        for name in [
            "libx.so",
            "libx.so.1.2",
            "server",
            "py",
            ".png",
            "x.bin",
            "x.node",
            "x.PY",
        ] {
            assert!(!is_other(name.as_bytes()), "{name}");
        }
    }
}

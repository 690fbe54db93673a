//! Programs in languages that nothing here reads: they are told, so that nobody takes silence for
//! knowledge.

use super::script::{interpreter_name, is_library};
use super::{Extractor, Input, Out};
use crate::fact::{IssueKind, Locus};
use crate::knowledge::{languages, places};

pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "unread languages",
    wants: |input| language(input).is_some(),
    run,
};

/// The language of a program that nothing here reads.
fn language(input: &Input<'_>) -> Option<&'static str> {
    let language = match input.interpreter() {
        Some(line) => languages::unread_by(interpreter_name(line)?),
        None => languages::unread_in(input.path.name()),
    };
    let is_own = !is_library(input.path) && !places::is_example(input.path);
    language.filter(|_| is_own && input.is_text())
}

fn run(input: &Input<'_>, out: &mut Out) {
    if let Some(language) = language(input) {
        out.issue(
            Locus::file(input.path),
            IssueKind::NotUnderstood,
            format!("a program in {language}, which is not read: what it does is not known"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::extract;
    use crate::fact::Stat;
    use crate::path::AppPath;

    fn issues(path: &str, text: &str) -> usize {
        let path = AppPath::new(path);
        let stat = Stat::regular(text.len() as u64, 0o755);
        let bytes = text.as_bytes();
        let out = extract(&Input::new(&path, &stat, bytes, &bytes.to_vec()));
        out.issues.len()
    }

    #[test]
    fn a_program_that_nothing_reads_is_told() {
        assert_eq!(issues("/opt/x/y", "#!/usr/bin/tclsh8.6\nputs 1\n"), 1);
        assert_eq!(issues("/opt/x/y.lua", "print(1)\n"), 1);
        assert_eq!(issues("/opt/x/y", "#!/usr/bin/python3\nprint(1)\n"), 0);
        assert_eq!(issues("/opt/x/lib/node_modules/z/y.coffee", "x = 1\n"), 0);
    }
}

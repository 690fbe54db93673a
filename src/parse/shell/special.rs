//! Commands whose operands need more than a row in the table.

use super::super::op::Act;
use super::super::value::{ACTION, HOLE, Value, basename, is_hole};
use super::files::Parsed;
use super::walk::Walk;

/// `cp`, `mv`, `rsync`, `scp`: sources, and a file or directory at the end.
pub(super) fn copy(walk: &mut Walk<'_>, parsed: &Parsed) {
    let act = if parsed.name == "mv" {
        Act::Removes
    } else {
        Act::Reads
    };
    let into = parsed.value(&["-t", "--target-directory"]);
    let Some((sources, target)) = split_target(parsed, into) else {
        return;
    };
    for source in sources {
        if !is_remote(source) {
            walk.path(act, source, &parsed.name);
        }
    }
    if is_remote(target) {
        return;
    }
    // With -r a directory is copied whole; where it goes is then written below.
    let tree =
        parsed.has(&["-r", "-R", "-a", "--recursive", "--archive"]) || parsed.name == "rsync";
    place(walk, parsed, sources, target, into.is_some(), tree);
}

fn split_target<'p>(
    parsed: &'p Parsed,
    into: Option<&'p Value>,
) -> Option<(&'p [Value], &'p Value)> {
    match into {
        Some(target) => Some((parsed.operands.as_slice(), target)),
        None => {
            let (target, sources) = parsed.operands.split_last()?;
            (!sources.is_empty()).then_some((sources, target))
        }
    }
}

/// Notes the files that copying `sources` to `target` writes.
fn place(
    walk: &mut Walk<'_>,
    parsed: &Parsed,
    sources: &[Value],
    target: &Value,
    dir: bool,
    tree: bool,
) {
    if tree {
        walk.path(Act::WritesBelow, target, &parsed.name);
        return;
    }
    if !(dir || sources.len() > 1 || target.ends_with(b"/") || target == b".") {
        walk.path(Act::Writes, target, &parsed.name);
        if parsed.name == "mv" && (is_hole(target) || *target == [ACTION]) {
            walk.replaced(&parsed.name);
        }
        return;
    }
    for source in sources {
        let mut path = target.clone();
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
        path.extend(basename(source));
        walk.path(Act::Writes, &path, &parsed.name);
    }
}

/// `host:path`, as rsync and scp name another host.
fn is_remote(path: &[u8]) -> bool {
    let colon = path.iter().position(|byte| *byte == b':');
    colon.is_some_and(|colon| !path[..colon].contains(&b'/'))
}

/// `install`: files, or with `-d` directories.
pub(super) fn install(walk: &mut Walk<'_>, parsed: &Parsed) {
    let grants = parsed.has(&["-o", "-g", "--owner", "--group"]);
    if parsed.has(&["-d", "--directory"]) {
        for path in &parsed.operands {
            walk.path(Act::MakesDir, path, &parsed.name);
            if grants {
                walk.path(Act::Grants, path, &parsed.name);
            }
        }
        return;
    }
    let into = parsed.value(&["-t", "--target-directory"]);
    let Some((sources, target)) = split_target(parsed, into) else {
        return;
    };
    for source in sources {
        walk.path(Act::Reads, source, &parsed.name);
    }
    place(walk, parsed, sources, target, into.is_some(), false);
    if grants {
        walk.path(Act::Grants, target, &parsed.name);
    }
}

/// `ln`: what it points to, and the link.
pub(super) fn link(walk: &mut Walk<'_>, parsed: &Parsed) {
    let into = parsed.value(&["-t", "--target-directory"]);
    let Some((sources, target)) = split_target(parsed, into) else {
        return;
    };
    for source in sources {
        // The text of a symbolic link is seen from the link, not from here.
        if source.starts_with(b"/") {
            walk.path(Act::Names, source, "ln");
        }
    }
    if into.is_some() || sources.len() > 1 || target.ends_with(b"/") {
        for source in sources {
            let mut path = target.clone();
            path.push(b'/');
            path.extend(basename(source));
            walk.path(Act::Creates, &path, "ln");
        }
    } else {
        walk.path(Act::Creates, target, "ln");
    }
}

/// `dd if=… of=…`.
pub(super) fn dd(walk: &mut Walk<'_>, parsed: &Parsed) {
    for word in &parsed.operands {
        if let Some(path) = word.strip_prefix(b"of=") {
            walk.path(Act::Writes, path, "dd");
        } else if let Some(path) = word.strip_prefix(b"if=") {
            walk.path(Act::Reads, path, "dd");
        }
    }
}

/// `mktemp`: a path whose end is made up.
pub(super) fn mktemp(walk: &mut Walk<'_>, parsed: &Parsed) {
    let act = if parsed.has(&["-d", "--directory"]) && parsed.name == "mktemp" {
        Act::MakesDir
    } else {
        Act::Creates
    };
    // Only tempfile's `-d` takes a value, and mktemp's template may have been taken for it.
    let value = |names| parsed.value(names).filter(|value| !value.is_empty());
    let template = if parsed.name == "mktemp" {
        let named = value(&["-d"]).filter(|value| value.ends_with(b"XXX"));
        named.or(parsed.operands.first())
    } else {
        None
    };
    let dir = value(&["-p", "--tmpdir"]).cloned();
    let mut path = match template {
        Some(template) if template.starts_with(b"/") => template.clone(),
        Some(template) if dir.is_none() && !parsed.has(&["-t", "--tmpdir"]) => template.clone(),
        _ => {
            let mut path = dir.unwrap_or_else(|| b"/tmp".to_vec());
            path.extend_from_slice(b"/X");
            path
        }
    };
    let cut = path
        .iter()
        .rposition(|byte| *byte != b'X')
        .map_or(0, |at| at + 1);
    path.truncate(cut);
    path.push(HOLE);
    walk.path(act, &path, &parsed.name);
}

/// `tar`: where it extracts, or the archive it writes.
pub(super) fn tar(walk: &mut Walk<'_>, parsed: &Parsed) {
    let mut words = parsed.operands.iter().enumerate();
    let (mut extracts, mut makes) = (false, false);
    let (mut archive, mut dir) = (None, None);
    while let Some((at, word)) = words.next() {
        if let Some(path) = word.strip_prefix(b"--directory=") {
            dir = Some(path.to_vec());
        } else if let Some(path) = word.strip_prefix(b"--file=") {
            archive = Some(path.to_vec());
        } else if word.starts_with(b"--") {
            extracts |= word == b"--extract";
            makes |= word == b"--create";
        } else if word.starts_with(b"-") || at == 0 {
            for letter in word.iter().filter(|byte| **byte != b'-') {
                match letter {
                    b'x' => extracts = true,
                    b'c' | b'r' | b'u' => makes = true,
                    b'f' => archive = words.next().map(|(_, word)| word.clone()),
                    b'C' => dir = words.next().map(|(_, word)| word.clone()),
                    _ => {}
                }
            }
        }
    }
    if let Some(archive) = archive {
        let act = if makes { Act::Writes } else { Act::Reads };
        walk.path(act, &archive, "tar");
    }
    if let Some(dir) = dir {
        let act = if extracts {
            Act::WritesBelow
        } else {
            Act::Reads
        };
        walk.path(act, &dir, "tar");
    } else if extracts && let Some(cwd) = walk.cwd.clone() {
        walk.path(Act::WritesBelow, &cwd, "tar");
    }
}

/// `openssl`: options are words of their own with one dash.
pub(super) fn openssl(walk: &mut Walk<'_>, parsed: &Parsed) {
    for pair in parsed.operands.windows(2) {
        let [option, value] = pair else { continue };
        let act = match option.as_slice() {
            b"-out" | b"-keyout" | b"-writerand" => Act::Writes,
            b"-outdir" => Act::WritesBelow,
            b"-in" | b"-inkey" | b"-key" | b"-config" | b"-CA" | b"-CAkey" | b"-CAfile" => {
                Act::Reads
            }
            _ => continue,
        };
        walk.path(act, value, "openssl");
    }
}

/// `keytool`: the keystore is written by what makes or imports a key.
pub(super) fn keytool(walk: &mut Walk<'_>, parsed: &Parsed) {
    let reads = parsed
        .operands
        .iter()
        .any(|word| [&b"-list"[..], b"-exportcert", b"-export"].contains(&word.as_slice()));
    for pair in parsed.operands.windows(2) {
        let [option, value] = pair else { continue };
        let act = match option.as_slice() {
            b"-keystore" | b"-destkeystore" if !reads => Act::Writes,
            b"-keystore" | b"-srckeystore" => Act::Reads,
            b"-file" if reads => Act::Writes,
            b"-file" => Act::Reads,
            _ => continue,
        };
        walk.path(act, value, "keytool");
    }
}

/// `htpasswd`: the file, unless it prints to standard output.
pub(super) fn htpasswd(walk: &mut Walk<'_>, parsed: &Parsed) {
    if let Some(file) = parsed.operands.first().filter(|_| !parsed.has(&["-n"])) {
        walk.path(Act::Writes, file, "htpasswd");
    }
}

/// `grep`, `awk`: the program or pattern comes first, unless an option gave it.
pub(super) fn grep(walk: &mut Walk<'_>, parsed: &Parsed) {
    let skip = usize::from(!parsed.has(&["-e", "-f"]));
    for path in parsed.operands.iter().skip(skip) {
        walk.path(Act::Reads, path, &parsed.name);
    }
}

/// `sed`, and `perl -pi -e`: rewrites in place with `-i`, else reads.
pub(super) fn sed(walk: &mut Walk<'_>, parsed: &Parsed) {
    let given = parsed.has(&["-e", "-f", "--expression", "--file"]);
    let in_place = parsed.has(&["-i", "--in-place"]);
    if parsed.name == "perl" && !(given && in_place) {
        return;
    }
    let act = if in_place { Act::Writes } else { Act::Reads };
    let by = if in_place {
        format!("{} -i", parsed.name)
    } else {
        parsed.name.clone()
    };
    for path in parsed.operands.iter().skip(usize::from(!given)) {
        walk.path(act, path, &by);
    }
}

/// `dpkg-statoverride --add USER GROUP MODE PATH`.
pub(super) fn statoverride(walk: &mut Walk<'_>, parsed: &Parsed) {
    if parsed.has(&["--add"])
        && let Some(path) = parsed.operands.get(3)
    {
        walk.path(Act::Grants, path, &parsed.name);
    }
}

/// `update-alternatives --install LINK NAME PATH PRIORITY`.
pub(super) fn alternatives(walk: &mut Walk<'_>, parsed: &Parsed) {
    if parsed.has(&["--install"])
        && let Some(link) = parsed.operands.first()
    {
        walk.path(Act::Creates, link, &parsed.name);
    }
}

/// `adduser`, `useradd`: the home directory, which Debian's adduser makes unless told not to, and
/// useradd makes only when told to (adduser(8), useradd(8)).
pub(super) fn account(walk: &mut Walk<'_>, parsed: &Parsed) {
    let Some(home) = parsed.value(&["-d", "--home", "--home-dir", "-h"]) else {
        return;
    };
    let makes = if parsed.name == "adduser" {
        !parsed.has(&["--no-create-home", "-H"])
    } else {
        parsed.has(&["-m", "--create-home"])
    };
    let act = if makes { Act::MakesDir } else { Act::Names };
    walk.path(act, home, &parsed.name);
}

/// OpenRC's `checkpath` (openrc-run(8)).
pub(super) fn checkpath(walk: &mut Walk<'_>, parsed: &Parsed) {
    let act = if parsed.has(&["-d", "-D", "--directory", "--directory-truncate"]) {
        Act::MakesDir
    } else {
        Act::Creates
    };
    for path in &parsed.operands {
        walk.path(act, path, "checkpath");
        if parsed.has(&["-o", "--owner"]) {
            walk.path(Act::Grants, path, "checkpath");
        }
    }
}

/// `find DIR… -delete`, `find DIR… -exec COMMAND {} ;`.
pub(super) fn find(walk: &mut Walk<'_>, parsed: &Parsed) {
    let words = &parsed.operands;
    let tops: Vec<&Value> = words
        .iter()
        .skip_while(|word| word.starts_with(b"-"))
        .take_while(|word| !word.starts_with(b"-") && !matches!(word.as_slice(), b"(" | b"!"))
        .collect();
    let exec = words.iter().position(|word| {
        [&b"-exec"[..], b"-execdir", b"-ok", b"-okdir"].contains(&word.as_slice())
    });
    for top in tops {
        let mut inside = top.clone();
        inside.extend_from_slice(b"/");
        inside.push(HOLE);
        if words.iter().any(|word| word == b"-delete") {
            walk.path(Act::Removes, &inside, "find");
        }
        if let Some(exec) = exec {
            let argv: Vec<Value> = words
                .iter()
                .skip(exec + 1)
                .take_while(|word| !matches!(word.as_slice(), b";" | b"+"))
                .map(|word| {
                    if word == b"{}" {
                        inside.clone()
                    } else {
                        word.clone()
                    }
                })
                .collect();
            walk.files(&argv);
        }
        walk.path(Act::Names, top, "find");
    }
}

/// `test`, `[` and `[[`: whether something is there, or can be read.
pub(super) fn test(walk: &mut Walk<'_>, parsed: &Parsed) {
    for pair in parsed.operands.windows(2) {
        let [operator, path] = pair else { continue };
        let act = match operator.as_slice() {
            b"-f" | b"-r" | b"-s" => Act::Reads,
            b"-b" | b"-c" | b"-d" | b"-e" | b"-h" | b"-L" | b"-p" | b"-S" | b"-w" | b"-x" => {
                Act::Names
            }
            _ => continue,
        };
        if path.contains(&b'/') {
            walk.path(act, path, "test");
        }
    }
}

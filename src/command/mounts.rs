//! The command `mounts`: an audit or a saved report, the content of its configuration files, and
//! manifests written below a directory.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use seaworthy::custody::Policy;
use seaworthy::extract::{HEAD, Input as Source, extract};
use seaworthy::fact::{Access, Class, Fact, Kind, Stat, What};
use seaworthy::image;
use seaworthy::knowledge::{self, Manner};
use seaworthy::link::host::Host;
use seaworthy::manifest::{self, Content, Entry, Input, Manifests, Parts, Storage, Summary};
use seaworthy::path::{AppPath, unescape};
use seaworthy::report::{Mount, Plan, Report, Start};
use seaworthy::tree::Root;

use crate::cli::{Mounts, start_command};
use crate::output;

/// The most of one file, of all files, and of directories below each other that is read: a
/// Kubernetes object holds 1 MiB.
const FILE_LIMIT: usize = 1 << 20;
const ALL_LIMIT: usize = 64 << 20;
const DEPTH_LIMIT: usize = 24;

/// Runs the command.
pub(crate) fn run(mounts: &Mounts) -> Result<ExitCode> {
    if mounts
        .image
        .as_deref()
        .is_some_and(|image| !is_image(image))
    {
        bail!("--image must be a name such as registry.example/team/app:1");
    }
    let start = start_command(&mounts.start)?;
    let root = mounts.scope.root.as_deref();
    output::make_dir(&mounts.output, root)?;
    if let Some(file) = &mounts.include_secrets {
        output::check(file, root)?;
    }
    let (report, content, parts) = match &mounts.report {
        Some(file) => (output::read_report(file)?, None, None),
        None => {
            let (report, content, parts) = audited(mounts, start.as_deref())?;
            (report, Some(content), parts)
        }
    };
    let input = Input {
        report: &report,
        image: mounts.image.as_deref(),
        start: start.as_deref(),
        content: content.as_ref(),
        secrets: mounts.include_secrets.is_some(),
        parts: parts.as_ref(),
        storage: match mounts.storage.as_str() {
            "volumes" => Storage::Volumes,
            _ => Storage::Directories,
        },
    };
    let made = manifest::make(&input, &mounts.targets());
    write(mounts, &made)?;
    output::print(&words(&made.summary, mounts))?;
    let is_limited = made.summary.targets.iter().any(|t| !t.limits.is_empty());
    Ok(ExitCode::from(u8::from(mounts.strict && is_limited)))
}

fn is_image(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
    !name.is_empty() && name.bytes().all(fits) && name.as_bytes()[0].is_ascii_alphanumeric()
}

fn audited(mounts: &Mounts, start: Option<&[String]>) -> Result<(Report, Content, Option<Parts>)> {
    let request = mounts.scope.request()?;
    let report = crate::watched(&request)?;
    let root = match &request.prefix {
        Some(prefix) => Root::graft(&request.root, prefix),
        None => Root::open(&request.root),
    }
    .with_context(|| format!("cannot open the root {}", request.root.display()))?;
    let mut reader = Reader {
        root: &root,
        plan: &report.plan,
        with_secrets: mounts.include_secrets.is_some(),
        bytes: 0,
        content: Content::default(),
    };
    for mount in &report.plan.mounts {
        if mount.access == Access::Ro || mount.class == Class::Config {
            reader.read(&mount.path, mount, &mut Vec::new());
        }
    }
    let starts = report.plan.start.iter();
    let first = |start: &Start| start.foreground.first().or(start.command.first()).cloned();
    let given = mounts.start.first().and_then(|word| word.to_str());
    let programs = starts.filter_map(first).chain(given.map(str::to_owned));
    reader.content.absent = programs.filter(|name| is_absent(&root, name)).collect();
    let mut content = reader.content;
    let host = Host::read(&root);
    let source = image::Source {
        root: &root,
        host: &host,
        report: &report,
    };
    let (parts, left) = parts(&source, start, &request.exclude);
    let asked = |path: &AppPath| request.exclude.iter().any(|out| path.is_within(out));
    let forgotten = image::unaccounted(&source, &left).filter(|left| !asked(&left.path));
    let named = forgotten.map(|left| (left.path.clone(), left.reason.to_owned()));
    content.left = named.collect();
    Ok((report, content, Some(parts)))
}

/// The files of the image's layers, those that `pack` takes; and what it leaves out.
fn parts(
    source: &image::Source<'_>,
    start: Option<&[String]>,
    exclude: &[AppPath],
) -> (Parts, Vec<image::Left>) {
    match image::select(source, start, exclude, &Policy::built_in()) {
        Ok(selected) => (selected.parts, selected.left),
        Err(error) => {
            let failed = Some(error.to_string());
            let layers = Vec::new();
            (Parts { layers, failed }, Vec::new())
        }
    }
}

/// Whether a program, by its path or by its name, is nowhere in the root.
fn is_absent(root: &Root, program: &str) -> bool {
    let is_file =
        |path: &[u8]| matches!(root.resolve(path), Ok(node) if node.stat.kind == Kind::File);
    // In a report the bytes of a program's path that are no text are escaped.
    let program = unescape(program);
    if program.contains(&b'/') {
        return !is_file(&program);
    }
    !manifest::PATH
        .split(':')
        .any(|dir| is_file(AppPath::new(dir).child(&program).as_bytes()))
}

/// Reads the files of mounts, links followed inside the root.
struct Reader<'a> {
    root: &'a Root,
    plan: &'a Plan,
    with_secrets: bool,
    bytes: usize,
    content: Content,
}

impl Reader<'_> {
    /// Reads `path` and what is below it; `above` has the real directories on the way.
    fn read(&mut self, path: &AppPath, mount: &Mount, above: &mut Vec<AppPath>) {
        let node = match self.root.resolve(path.as_bytes()) {
            Ok(node) => node,
            Err(error) => return self.unread(path, &error.to_string()),
        };
        match node.stat.kind {
            Kind::File => self.file(path, mount, &node.stat),
            Kind::Dir if above.contains(&node.real) => {
                self.unread(path, "a link that leads back to a directory above it");
            }
            Kind::Dir if above.len() >= DEPTH_LIMIT => {
                self.unread(path, "more directories below each other than are read");
            }
            Kind::Dir => {
                let names = match self.root.list(path.as_bytes()) {
                    Ok(names) => names,
                    Err(error) => return self.unread(path, &error.to_string()),
                };
                above.push(node.real);
                for (name, _) in names {
                    self.read(&path.child(&name), mount, above);
                }
                above.pop();
            }
            _ => self.unread(path, "neither a file nor a directory"),
        }
    }

    fn file(&mut self, path: &AppPath, mount: &Mount, stat: &Stat) {
        let bytes = match self.root.read(path.as_bytes(), FILE_LIMIT + 1) {
            Ok(bytes) if bytes.len() > FILE_LIMIT => {
                return self.unread(path, "larger than 1 MiB, the most that a ConfigMap holds");
            }
            Ok(bytes) if self.bytes + bytes.len() > ALL_LIMIT => {
                return self.unread(path, "more than 64 MiB of settings");
            }
            Ok(bytes) => bytes,
            Err(error) => return self.unread(path, &error.to_string()),
        };
        self.bytes += bytes.len();
        let is_secret = mount.class == Class::Secret
            || self.plan.secrets.contains(path)
            || holds_secret(path, stat, &bytes);
        let entry = Entry {
            bytes: if is_secret && !self.with_secrets {
                Vec::new()
            } else {
                bytes
            },
            mode: stat.mode,
            is_secret,
        };
        self.content.files.insert(path.clone(), entry);
    }

    fn unread(&mut self, path: &AppPath, why: &str) {
        self.content.unread.insert(path.clone(), why.to_owned());
    }
}

/// Whether a file holds a key, password or token, or may: one that is no text is not shown to everybody
/// who may read a ConfigMap. The audit reads only what something refers to; a manifest takes a directory
/// whole, so that each file of it is asked, line by line.
fn holds_secret(path: &AppPath, stat: &Stat, bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let found = extract(&Source::new(path, stat, head, &bytes));
    let is_known = |fact: &Fact| matches!(fact.what, What::Secret { .. });
    let Some(text) = knowledge::readable(bytes) else {
        return true;
    };
    let manner = Manner::of(path.name(), head);
    let read = knowledge::secrets_in(manner, &text);
    found.facts.iter().any(is_known)
        || knowledge::secret_file(path.name()).is_some()
        || !read.hits.is_empty()
        || read.is_cut
}

/// Writes all files or none: each is whole under another name before the first gets its own, and what
/// was made on the way is taken away again when one of them cannot be written.
fn write(mounts: &Mounts, made: &Manifests) -> Result<()> {
    let root = mounts.scope.root.as_deref();
    let mut folders = Vec::new();
    let mut all = || {
        let mut batch = output::Batch::default();
        for (name, file) in made.files.iter() {
            let path = mounts.output.join(name);
            if let Some(folder) = path.parent() {
                folders.extend(
                    folder
                        .ancestors()
                        .filter(|dir| !dir.exists())
                        .map(Path::to_owned),
                );
                output::make_dir(folder, root)?;
            }
            batch.add(&path, &file.bytes, file.mode)?;
        }
        if let Some(file) = &mounts.include_secrets {
            batch.add(file, made.secrets.as_bytes(), 0o600)?;
        }
        batch.finish()
    };
    let result = all();
    if result.is_err() {
        folders.sort();
        folders.dedup();
        // The deepest first; one that holds something else stays.
        for folder in folders.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
    result
}

/// What was made, for people.
fn words(summary: &Summary, mounts: &Mounts) -> String {
    let mut text = format!(
        "{}  image {}, {}\nany user id: {} ({})\n\n",
        summary.name,
        summary.image,
        summary.processes,
        summary.any_user.answer,
        summary.any_user.reason
    );
    for made in &summary.targets {
        text += &format!(
            "  {:<14} {:>2} {}, {} not expressed\n",
            made.target,
            made.files.len(),
            if made.files.len() == 1 {
                "file"
            } else {
                "files"
            },
            made.limits.len()
        );
    }
    let mut shown: Vec<_> = summary.targets.iter().flat_map(|t| &t.limits).collect();
    shown.sort();
    shown.dedup();
    if !shown.is_empty() {
        text += "\nNot expressed, and what was done instead\n";
    }
    for limit in shown {
        let targets: Vec<&str> = summary
            .targets
            .iter()
            .filter(|made| made.limits.contains(limit))
            .map(|made| made.target)
            .collect();
        let who = if targets.len() == summary.targets.len() {
            "all".to_owned()
        } else {
            targets.join(", ")
        };
        let line = format!(
            "{}: {} → {} [{who}]",
            limit.about, limit.cannot, limit.instead
        );
        text += &format!("  {}\n", seaworthy::path::escape(line.as_bytes()));
    }
    text + &next(mounts)
}

/// The command that fills what was made, and the script for hosts without this program.
fn next(mounts: &Mounts) -> String {
    let scope = super::root::arguments(&mounts.scope, mounts.report.as_deref());
    let is_apart = mounts.storage == "volumes";
    let (to, tool) = match is_apart {
        true => (" --to docker", " -t docker"),
        false => ("", ""),
    };
    let script = mounts.output.join("migrate.sh");
    let script = super::root::quoted(script.as_os_str().as_bytes());
    let root = match &mounts.scope.root {
        Some(root) => format!(" -r {}", super::root::quoted(root.as_os_str().as_bytes())),
        // The old root is only known where it was audited.
        None if mounts.report.is_some() => " -r DIR".to_owned(),
        None => String::new(),
    };
    let mut text = format!(
        "\nNext, with the old service stopped, fill what is mounted:\n  seaworthy migrate{scope}{to}\n"
    );
    if is_apart {
        text += "  (--to podman for podman)\n";
    }
    text + &format!("  or, on a host without seaworthy: {script}{root}{tool}\n")
}

//! The command `pack`: an audit or a saved report, the root it was made of, and an image with a
//! layer for each group that answers for a part of it.

use std::ffi::OsString;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use seaworthy::custody::Policy;
use seaworthy::fact::{LibraryStatus, name_of};
use seaworthy::image::{self, Kind, PackError, PackProgress, Packed, Received, Settled, Source};
use seaworthy::layout::{Digest, Layout, OWNER};
use seaworthy::link::host::Host;
use seaworthy::render::text;
use seaworthy::report::{Library, Owner, Report};

use crate::cli::{ScopeArgs, start_command};
use crate::output;

/// What is packed, and into what.
#[derive(Debug, Args)]
pub(crate) struct Pack {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Take a saved JSON report of the same root instead of an audit
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["paths", "prefix", "package", "unit", "rules"],
    )]
    report: Option<PathBuf>,
    /// The new layout's directory; a file for the other forms
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// The form of the image: oci, lxd or aci
    #[arg(
        long,
        value_name = "FORM",
        default_value = "oci",
        hide_possible_values = true
    )]
    format: Form,
    /// Write only the layer of core, middleware or application (repeatable)
    #[arg(long, value_name = "ROLE", hide_possible_values = true)]
    role: Vec<RoleName>,
    /// Put the layers upon a layout that another group handed over
    #[arg(long, value_name = "LAYOUT")]
    from: Option<PathBuf>,
    /// Take the image of a layout as core; LAYOUT:TAG where it has several
    #[arg(long, value_name = "LAYOUT", conflicts_with = "from")]
    base: Option<PathBuf>,
    /// Write its layers anew that programs read differently
    #[arg(long, requires = "base")]
    normalize: bool,
    /// The image's name in the layout [default: latest]
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
    /// Who may add and change what (see policy new)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Files newer than this Unix time count as of then
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH", allow_hyphen_values = true,
          value_parser = clap::value_parser!(i64).range(0..))]
    newest: Option<i64>,
    /// The level of gzip, 0 to 9
    #[arg(long, value_name = "N", default_value_t = image::LEVEL,
          value_parser = clap::value_parser!(u32).range(0..=9))]
    level: u32,
    /// Write the ledger to FILE, too: each file, its package and group
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Start this, which must stay in the foreground, instead of what the audit found
    #[arg(last = true, value_name = "COMMAND")]
    start: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// An OCI image layout
    Oci,
    /// A unified tarball of LXD and Incus
    Lxd,
    /// An appc image for rkt
    Aci,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleName {
    Core,
    Middleware,
    Application,
}

/// Runs the command.
pub(crate) fn run(pack: &Pack) -> Result<ExitCode> {
    let settled = pack.settled()?;
    let root = pack.scope.root.as_deref();
    output::check(&pack.output, root).or_else(|error| {
        // A layout is a directory, and may be there when it is empty.
        if pack.output.is_dir() {
            Ok(())
        } else {
            Err(error)
        }
    })?;
    if let Some(file) = &pack.ledger {
        output::check(file, root)?;
    }
    let report = match &pack.report {
        Some(file) => output::read_report(file)?,
        None => crate::audited(&pack.scope, &[])?,
    };
    let root = super::root::open(&pack.scope, pack.report.is_some())?;
    let host = Host::read(&root);
    let source = Source {
        root: &root,
        host: &host,
        report: &report,
    };
    let kind = match pack.format {
        Form::Oci => return pack.layered(&source, &settled),
        Form::Lxd => Kind::Lxd,
        Form::Aci => Kind::Aci,
    };
    pack.single(&source, kind, &settled)
}

impl Pack {
    fn settled(&self) -> Result<Settled> {
        if let Some(tag) = &self.tag
            && !is_tag(tag)
        {
            bail!("--tag {tag}: letters, digits, `_`, `-` and `.`, at most 128 of them");
        }
        let is_single = self.format != Form::Oci;
        let given = [
            ("--role", !self.role.is_empty()),
            ("--from", self.from.is_some()),
            ("--base", self.base.is_some()),
            ("--ledger", self.ledger.is_some()),
        ];
        if let Some((name, _)) = given.iter().find(|(_, given)| is_single && *given) {
            bail!("{name} is for OCI images: an image of this form has a single layer");
        }
        let policy = match &self.policy {
            Some(file) => super::policy::read(file)?,
            None => Policy::built_in(),
        };
        let exclude = match &self.report {
            Some(_) => self.scope.excluded()?,
            None => self.scope.request()?.exclude,
        };
        Ok(Settled {
            roles: self.role.iter().map(|role| role.owner()).collect(),
            tag: self.tag.clone().unwrap_or_else(|| "latest".to_owned()),
            newest: self.newest.unwrap_or(i64::MAX),
            level: self.level,
            policy,
            start: start_command(&self.start)?,
            exclude,
        })
    }

    /// An OCI layout: it has its name only when it is finished.
    fn layered(&self, source: &Source<'_>, settled: &Settled) -> Result<ExitCode> {
        if self.output.is_dir() && std::fs::remove_dir(&self.output).is_err() {
            bail!(
                "cannot write {}: the directory is not empty; name a new one",
                self.output.display()
            );
        }
        let part = output::part_dir(&self.output)?;
        let layout = Layout::create(&part.path().join("layout"))?;
        let mut settled = settled.clone();
        let received = self.received(source, &layout, &mut settled)?;
        let packed = watched(|progress| {
            image::pack(source, &layout, received.as_ref(), &settled, progress)
        })?;
        if let Some(file) = &self.ledger {
            let ledgers = image::ledgers(&layout, &packed)?;
            output::replace_bytes(file, &ledgers, 0o644)?;
        }
        let made = part.path().join("layout");
        std::fs::rename(&made, &self.output)
            .with_context(|| format!("cannot write {}", self.output.display()))?;
        let mut words = self.words(source.report, received.as_ref(), &packed, &settled);
        words += &nowhere(source, &packed.left);
        words += &self.next(&packed, &settled);
        output::print(&words)?;
        Ok(ExitCode::SUCCESS)
    }

    fn received(
        &self,
        source: &Source<'_>,
        layout: &Layout,
        settled: &mut Settled,
    ) -> Result<Option<Received>> {
        if let Some(dir) = &self.from {
            let from = Layout::open(dir)?;
            let tag = image::tag_of(&from)?;
            let received = Received::hand_over(&from, &tag, layout)?;
            if self.tag.is_none() {
                settled.tag = tag;
            }
            return Ok(Some(received));
        }
        let Some(base) = &self.base else {
            return Ok(None);
        };
        let (dir, tag) = named(base);
        let from = Layout::open(&dir)?;
        let platform = image::architecture(source);
        let level = self.normalize.then_some(self.level);
        let received = Received::base(&from, tag.as_deref(), platform, layout, level)?;
        Ok(Some(received))
    }

    fn single(&self, source: &Source<'_>, kind: Kind, settled: &Settled) -> Result<ExitCode> {
        let part = output::part_dir(&self.output)?;
        let path = part.path().join("image");
        let failed = || format!("cannot write {}", self.output.display());
        let file = std::fs::File::create_new(&path).with_context(failed)?;
        let mut out = BufWriter::new(file);
        let left =
            watched(|progress| image::pack_single(source, kind, &mut out, settled, progress))?;
        out.flush().with_context(failed)?;
        let permissions = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&path, permissions).with_context(failed)?;
        let size = std::fs::metadata(&path).with_context(failed)?.len();
        std::fs::rename(&path, &self.output).with_context(failed)?;
        let mut words = format!("{}  {}\n", self.output.display(), text::bytes(size));
        words += &left_out(&left);
        words += &nowhere(source, &left);
        output::print(&words)?;
        Ok(ExitCode::SUCCESS)
    }

    fn words(
        &self,
        report: &Report,
        received: Option<&Received>,
        packed: &Packed,
        settled: &Settled,
    ) -> String {
        let scope = report.target.packages.iter().cloned();
        let scope = scope.chain(report.target.scope.iter().map(ToString::to_string));
        let mut words = format!(
            "{}  {}:{}  {}\n\n",
            scope.take(1).collect::<String>(),
            self.output.display(),
            settled.tag,
            packed.image.digest
        );
        for layer in received.map(Received::layers).unwrap_or_default() {
            let role = layer.annotation(OWNER).unwrap_or("nobody");
            words += &format!(
                "  {:<12} received {:>39} packed  {}\n",
                seaworthy::path::escape(role.as_bytes()),
                text::bytes(layer.size),
                short(&layer.digest),
            );
        }
        words += &anew(received.map(Received::anew).unwrap_or_default());
        for layer in &packed.layers {
            words += &format!(
                "  {:<12} {:>4} packages {:>7} entries {:>8}, {:>8} packed  {}\n",
                layer.owner,
                layer.packages,
                layer.entries,
                text::bytes(layer.bytes),
                text::bytes(layer.layer.size),
                short(&layer.layer.digest),
            );
        }
        words += &lacking(report);
        words += &left_out(&packed.left);
        for limit in &packed.limits {
            let line = format!("{}: {} → {}", limit.about, limit.cannot, limit.instead);
            words += &format!("\n{}", seaworthy::path::escape(line.as_bytes()));
        }
        if !packed.limits.is_empty() {
            words.push('\n');
        }
        words
    }

    /// What is done next with the layout: podman and skopeo read it as it is (docs/images.md has the
    /// others).
    fn next(&self, packed: &Packed, settled: &Settled) -> String {
        let base = self.base.as_ref().map(|_| Owner::Core);
        let first = match (base, packed.layers.first()) {
            (Some(base), _) => name_of(base),
            (None, layer) => layer.map(|layer| layer.owner.clone()).unwrap_or_default(),
        };
        let out = self.output.display();
        let sign = format!("seaworthy sign {out} --role {first} --key FILE");
        let is_whole = packed
            .layers
            .last()
            .is_some_and(|layer| layer.owner == name_of(Owner::Application));
        if is_whole {
            format!("\nnext: podman pull oci:{out}:{}, or {sign}\n", settled.tag)
        } else {
            format!("\nnext: {sign}\n")
        }
    }
}

/// The layers of a base that were written anew: with their digests, since no signature on what they
/// were holds for what they are.
fn anew(layers: &[image::Anew]) -> String {
    let mut words = String::new();
    for layer in layers {
        words += &format!(
            "    written anew  {}\n              →   {}\n    because       {}\n",
            layer.before, layer.after, layer.reason
        );
        for (reason, (count, first)) in &layer.dropped {
            words += &format!("    left out      {count} × {reason}: {first}\n");
        }
    }
    words
}

/// The libraries that the audit did not find: the image has them no more than the root.
fn lacking(report: &Report) -> String {
    let is_missing = |l: &&Library| l.status == LibraryStatus::Missing && !l.is_of_other_builds();
    let missing: Vec<&Library> = report.libraries.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return String::new();
    }
    let mut words = "\nnot found, and not in the image\n".to_owned();
    for library in missing.iter().take(SHOWN) {
        let name = seaworthy::path::escape(library.name.as_bytes());
        let by = library.needed_by.first().map(ToString::to_string);
        words += &format!("  {name}, which {} needs\n", by.unwrap_or_default());
    }
    words + &more(missing.len())
}

/// How many lines of one kind are shown.
const SHOWN: usize = 10;

fn more(all: usize) -> String {
    match all.checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => format!("  and {more} more\n"),
        None => String::new(),
    }
}

fn short(digest: &Digest) -> String {
    digest.hex().chars().take(12).collect()
}

/// What was left out, the first few.
fn left_out(left: &[image::Left]) -> String {
    if left.is_empty() {
        return String::new();
    }
    let mut words = "\nleft out\n".to_owned();
    for what in left.iter().take(SHOWN) {
        words += &format!("  {}: {}\n", what.path, what.reason);
    }
    words + &more(left.len())
}

/// What was left out, and comes back by no mount: a container starts without it.
fn nowhere(source: &Source<'_>, left: &[image::Left]) -> String {
    let lost: Vec<_> = image::unaccounted(source, left).collect();
    if lost.is_empty() {
        return String::new();
    }
    let mut words = "\nleft out, and mounted nowhere\n".to_owned();
    for what in lost.iter().take(SHOWN) {
        words += &format!("  {}: {}\n", what.path, what.reason);
    }
    words + &more(lost.len())
}

impl RoleName {
    fn owner(self) -> Owner {
        match self {
            Self::Core => Owner::Core,
            Self::Middleware => Owner::Middleware,
            Self::Application => Owner::Application,
        }
    }
}

/// What registries take as a tag (distribution specification, Pulling manifests).
fn is_tag(tag: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=128).contains(&tag.len()) && tag.bytes().all(fits) && !tag.starts_with(['.', '-'])
}

/// A layout's directory, and the tag behind it where there is one.
fn named(base: &Path) -> (PathBuf, Option<String>) {
    if base.is_dir() {
        return (base.to_owned(), None);
    }
    let text = base.to_string_lossy();
    match text.rsplit_once(':') {
        Some((dir, tag)) => (PathBuf::from(dir), Some(tag.to_owned())),
        None => (base.to_owned(), None),
    }
}

/// Packs with a display of how far it is, when somebody watches; Ctrl-C ends it.
fn watched<T: Send>(work: impl FnOnce(&PackProgress) -> Result<T, PackError> + Send) -> Result<T> {
    let progress = Arc::new(PackProgress::default());
    let stop = Arc::clone(&progress);
    output::on_interrupt(move || stop.stop.store(true, Ordering::Relaxed))?;
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    let done = std::thread::scope(|scope| {
        let work = scope.spawn(|| work(&progress));
        while !work.is_finished() {
            let (entries, bytes) = progress.told();
            bar.set_message(format!("{entries} entries, {} packed", text::bytes(bytes)));
            bar.tick();
            std::thread::sleep(Duration::from_millis(50));
        }
        work.join()
    });
    bar.finish_and_clear();
    match done {
        Ok(done) => Ok(done?),
        Err(_) => bail!("a fault of this program ended the packing; please report it"),
    }
}

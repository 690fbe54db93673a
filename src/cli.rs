//! Arguments: as written on the command line, and as meant.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use seaworthy::Request;
use seaworthy::link::loader;
use seaworthy::manifest::{TARGETS, Target};
use seaworthy::path::{AppPath, escape};
use seaworthy::render::{self, FORMATS, Format};

use crate::command::check::Check;
use crate::command::diff::Diff;
use crate::command::generate::Generate;
use crate::command::keys::Keys;
use crate::command::migrate::Migrate;
use crate::command::own_rules;
use crate::command::pack::Pack;
use crate::command::policy::Policies;
use crate::command::sign::Sign;
use crate::command::survey::SurveyArgs;
use crate::command::verify::Verify;

/// Tells before a migration whether a legacy Linux application will float in a container.
///
/// Reads the application's install tree and what it refers to, runs nothing of it, and needs no
/// root, no container runtime, no account and no network.
#[derive(Debug, Parser)]
#[command(
    name = "seaworthy",
    version,
    max_term_width = 80,
    disable_help_subcommand = true,
    disable_help_flag = true,
    after_help = "Exit codes: 0 done, or passed; 1 the gate failed; 2 bad usage, no report, or not judged."
)]
pub(crate) struct Cli {
    /// Print help
    // One form for both names, which fits a screen; the manual pages and docs/ say more.
    #[arg(short, long, global = true, display_order = 1000, action = clap::ArgAction::HelpShort)]
    help: Option<bool>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what runs on a system, and how to audit each of it
    Survey(SurveyArgs),
    /// Audit an application and print its readiness report
    Scan(Scan),
    /// Write manifests that run an application over a read-only root
    Mounts(Mounts),
    /// Copy the old root's state, settings and secrets into what the manifests mount
    Migrate(Box<Migrate>),
    /// Tell by the exit code whether an application passes a gate: the check for CI
    Check(Check),
    /// Pack an image with a layer for each group that answers for a part of it
    Pack(Box<Pack>),
    /// Stamp what a group hands over, after verifying what it received
    Sign(Sign),
    /// Verify who added each layer of an image, and the chain of their stamps
    Verify(Verify),
    /// Make a policy of trust, or write it for in-toto's verifiers
    Policy(Policies),
    /// Make a pair of keys for stamps on images, or show what a key is
    Keys(Keys),
    /// Show what differs between two reports, and whether the first one's promises hold
    Diff(Diff),
    /// Show which libraries the loader finds for a program, which it does not, and why
    Libs(Libs),
    /// Show what is known of a rule, a path or a library
    Explain(Explain),
    /// List the rules, or try them on their own examples
    Rules(RulesArgs),
    /// Print what is made from the program itself
    Generate(Generate),
}

/// What is audited.
#[derive(Debug, Args)]
pub(crate) struct ScopeArgs {
    /// Directories or programs of the application. With --root, as the application sees them
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Look inside DIR, another system's mounted root
    #[arg(long, value_name = "DIR", conflicts_with = "prefix")]
    pub(crate) root: Option<PathBuf>,
    /// PATH is a tree that will live at P, such as an unpacked archive
    #[arg(long, value_name = "P")]
    pub(crate) prefix: Option<PathBuf>,
    /// Audit the files of an installed package (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) package: Vec<String>,
    /// Audit what a unit or init script starts (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) unit: Vec<String>,
    /// Leave out a path inside the root (repeatable)
    #[arg(long, value_name = "PATH")]
    pub(crate) exclude: Vec<PathBuf>,
    /// Enter other local filesystems that are mounted below PATH
    #[arg(long)]
    pub(crate) all_filesystems: bool,
    /// Run the rules in DIR, too (see rules/README.md)
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<PathBuf>,
    /// Work on N threads instead of one for each processor
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Args)]
#[command(after_help = format_table())]
pub(crate) struct Scan {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Take a saved JSON report instead of a disk
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "paths", "root", "prefix", "package", "unit", "exclude", "all_filesystems", "rules", "trace",
        ],
    )]
    pub(crate) report: Option<PathBuf>,
    /// Compare with a log of strace or auditd that was made where it ran (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Vec<PathBuf>,
    /// Form of the report (repeatable, one for each -o)
    #[arg(long, value_name = "FORMAT", value_parser = format_names(), hide_possible_values = true)]
    pub(crate) format: Vec<String>,
    /// Write the report to FILE; its ending names the form unless --format does (repeatable)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Vec<PathBuf>,
    /// Show every line of what is shortened by default
    #[arg(long)]
    pub(crate) all: bool,
}

/// What manifests are wanted.
#[derive(Debug, Args)]
pub(crate) struct Mounts {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Take a saved JSON report instead of a disk
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "paths", "root", "prefix", "package", "unit", "exclude", "all_filesystems", "rules",
        ],
    )]
    pub(crate) report: Option<PathBuf>,
    /// For which runtimes, separated by commas, or all
    #[arg(long, value_name = "TARGET", value_delimiter = ',', default_value = "all",
          value_parser = target_names())]
    pub(crate) target: Vec<String>,
    /// Write the files below DIR, each target's in a directory of its name
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// The image to start
    #[arg(long, value_name = "NAME")]
    pub(crate) image: Option<String>,
    /// Where engines keep state: in directories, or in volumes
    #[arg(long, value_name = "PLACE", default_value = "directories",
          value_parser = ["directories", "volumes"], hide_possible_values = true)]
    pub(crate) storage: String,
    /// Exit with 1 when a target cannot express something
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write the content of secrets as Kubernetes objects into FILE, and nowhere else
    #[arg(long, value_name = "FILE", conflicts_with = "report")]
    pub(crate) include_secrets: Option<PathBuf>,
    /// Start this, which must stay in the foreground, instead of what the audit found
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) start: Vec<OsString>,
}

impl Mounts {
    /// The targets as meant.
    pub(crate) fn targets(&self) -> Vec<&'static Target> {
        let all = self.target.iter().any(|name| name == "all");
        TARGETS
            .iter()
            .filter(|target| all || self.target.iter().any(|name| name == target.name))
            .collect()
    }
}

/// The start command as meant: text that a line of a manifest can hold.
pub(crate) fn start_command(given: &[OsString]) -> Result<Option<Vec<String>>> {
    let mut words = Vec::new();
    for word in given {
        let shown = escape(word.as_bytes());
        let Some(word) = word.to_str() else {
            bail!(
                "the start command's word {shown} is not UTF-8: start it from a script in \
                 the image"
            );
        };
        if word.chars().any(char::is_control) {
            bail!(
                "the start command's word {shown} has a control character: start it from a \
                 script in the image"
            );
        }
        words.push(word.to_owned());
    }
    match words.first().map(String::as_str) {
        None => Ok(None),
        Some("") => {
            bail!("the start command behind -- begins with an empty word: name a program")
        }
        Some(_) => Ok(Some(words)),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A rule's id, an absolute path or a library's name
    #[arg(value_name = "RULE|PATH|LIB")]
    pub(crate) subject: String,
    /// The JSON report to look in; a rule's text needs none
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// What is started in mind.
#[derive(Debug, Args)]
pub(crate) struct Libs {
    /// Programs, libraries, or directories that are searched for them. With --root, as the
    /// application sees them
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Look inside DIR, the top of another system's mounted root
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Start in this directory instead of the current one, or with --root instead of /
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Set a variable such as LD_LIBRARY_PATH (repeatable); none is taken from this shell
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<OsString>,
    /// Say for each library how it was found and what it hides, or what would help
    #[arg(long)]
    pub(crate) why: bool,
    /// List in load order instead of under the object that asks first
    #[arg(long)]
    pub(crate) flat: bool,
    /// Form of the answer
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub(crate) format: LibsFormat,
}

/// A form of the answer to `libs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LibsFormat {
    /// For people.
    Terminal,
    /// For machines.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) action: RulesAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesAction {
    /// List every rule with what it decides
    List,
    /// Run every rule on the examples in its file
    Test {
        /// Try the rules in DIR, too
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
        /// Print the rules that fired in no sample and no fixture, too
        #[arg(long)]
        coverage: bool,
    },
}

/// One report to write: its form, and the file it goes to; standard output without one.
pub(crate) struct Output {
    pub(crate) format: &'static Format,
    pub(crate) file: Option<PathBuf>,
}

fn target_names() -> PossibleValuesParser {
    let names = TARGETS.iter().map(|target| target.name);
    PossibleValuesParser::new(names.chain(["all"]))
}

fn format_names() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMATS.iter().map(|format| format.name))
}

/// The forms with their endings, for the help text.
fn format_table() -> String {
    let mut text = String::from("Forms, their endings and what they are for:\n");
    for format in FORMATS {
        let ending = format!(".{}", format.ending);
        text.push_str(&format!(
            "  {:<14} {ending:<15} {}\n",
            format.name, format.about
        ));
    }
    text
}

impl Scan {
    /// Which forms go where: the first --format belongs to the first -o and so on; a -o without
    /// one goes by its ending, and a --format without a file goes to standard output.
    pub(crate) fn outputs(&self) -> Result<Vec<Output>> {
        let mut outputs = Vec::new();
        for (at, file) in self.output.iter().enumerate() {
            let format = match self.format.get(at) {
                Some(name) => render::by_name(name),
                None => render::by_ending(&file.to_string_lossy()),
            };
            let Some(format) = format else {
                let endings: Vec<_> = FORMATS.iter().map(|f| format!(".{}", f.ending)).collect();
                bail!(
                    "cannot tell the form of {} from its ending: end it with {}, or add --format",
                    file.display(),
                    endings.join(" or "),
                );
            };
            outputs.push(Output {
                format,
                file: Some(file.clone()),
            });
        }
        let loose = self.format.get(self.output.len()..).unwrap_or_default();
        match loose {
            [] if outputs.is_empty() => {
                outputs.push(Output {
                    format: &FORMATS[0],
                    file: None,
                });
            }
            [] => {}
            [name] => {
                let format = render::by_name(name).context("clap has checked the name")?;
                outputs.push(Output { format, file: None });
            }
            _ => bail!(
                "standard output takes one report, but {} have no file: add a -o FILE for each \
                 --format",
                loose.join(" and "),
            ),
        }
        Ok(outputs)
    }
}

impl ScopeArgs {
    /// The request as meant: paths made absolute, and seen from inside the root.
    pub(crate) fn request(&self) -> Result<Request> {
        let names_nothing =
            self.paths.is_empty() && self.package.is_empty() && self.unit.is_empty();
        if names_nothing {
            bail!(
                "nothing to audit: name a directory, --package NAME or --unit NAME, or a saved \
                 report with --report FILE; `seaworthy survey` lists what runs on a system"
            );
        }
        let mut request = Request {
            packages: self.package.clone(),
            units: self.unit.clone(),
            all_filesystems: self.all_filesystems,
            rules: self
                .rules
                .as_deref()
                .map(own_rules::read)
                .transpose()?
                .unwrap_or_default(),
            ..Request::default()
        };
        if let Some(prefix) = &self.prefix {
            let [tree] = &self.paths[..] else {
                bail!(
                    "--prefix takes exactly one PATH: the tree that will live at {}",
                    prefix.display()
                );
            };
            request.root.clone_from(tree);
            let prefix = inside(prefix, "--prefix")?;
            request.paths.push(prefix.clone());
            request.prefix = Some(prefix);
        } else if let Some(root) = &self.root {
            request.root.clone_from(root);
            for path in &self.paths {
                request.paths.push(within(root, path)?);
            }
        } else {
            request.root = PathBuf::from("/");
            for path in &self.paths {
                request.paths.push(app_path(&absolute(path)?));
            }
        }
        request.exclude = self.excluded()?;
        Ok(request)
    }

    /// What is left out.
    pub(crate) fn excluded(&self) -> Result<Vec<AppPath>> {
        self.exclude
            .iter()
            .map(|path| inside(path, "--exclude"))
            .collect()
    }
}

impl Libs {
    /// The starts as meant.
    pub(crate) fn requests(&self) -> Result<Vec<loader::Request<'static>>> {
        let env = self.environment()?;
        let cwd = self.directory()?;
        let mut requests = Vec::new();
        for file in &self.files {
            let main = match &self.root {
                Some(_) if file.is_relative() && self.cwd.is_some() => file.clone(),
                Some(root) => {
                    within(root, file)?;
                    file.clone()
                }
                None => absolute(file)?,
            };
            let mut request = loader::Request::new(main.into_os_string().into_vec());
            request.env.clone_from(&env);
            request.cwd.clone_from(&cwd);
            request.shadows = true;
            requests.push(request);
        }
        Ok(requests)
    }

    fn environment(&self) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
        let mut env = BTreeMap::new();
        for pair in &self.env {
            let bytes = pair.as_bytes();
            let at = bytes.iter().position(|&b| b == b'=').filter(|&at| at > 0);
            let Some((name, value)) = at.and_then(|at| bytes.split_at_checked(at)) else {
                bail!("--env {} must be NAME=VALUE", pair.display());
            };
            let value = value.strip_prefix(b"=").unwrap_or(value);
            env.insert(name.to_vec(), value.to_vec());
        }
        Ok(env)
    }

    fn directory(&self) -> Result<Vec<u8>> {
        let cwd = match (&self.root, &self.cwd) {
            (Some(_), Some(cwd)) => {
                inside(cwd, "--cwd")?;
                cwd.clone()
            }
            (Some(_), None) => PathBuf::from("/"),
            (None, Some(cwd)) => absolute(cwd)?,
            (None, None) => std::env::current_dir().context("cannot tell the current directory")?,
        };
        Ok(cwd.into_os_string().into_vec())
    }
}

/// A path inside the root; one that was written with the root in front of it is refused with
/// what was probably meant.
fn within(root: &Path, path: &Path) -> Result<AppPath> {
    let inside = inside(path, "PATH")?;
    if root != Path::new("/")
        && let Ok(rest) = path.strip_prefix(root)
        && !root.join(inside.to_text().trim_start_matches('/')).exists()
    {
        bail!(
            "{} is not inside the root {}: paths are as the application sees them, so write \
             /{}",
            path.display(),
            root.display(),
            rest.display(),
        );
    }
    Ok(inside)
}

pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot make {} absolute", path.display()))
}

fn inside(path: &Path, what: &str) -> Result<AppPath> {
    if !path.is_absolute() {
        bail!(
            "{what} {} must be absolute: as the application sees it, beginning with /",
            path.display()
        );
    }
    Ok(app_path(path))
}

fn app_path(path: &Path) -> AppPath {
    AppPath::new(path.as_os_str().as_bytes())
}

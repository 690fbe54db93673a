//! The command `policy`: a policy of trust to start from, and the same as in-toto's root layout. Here,
//! too, is how every command comes to a policy.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::{Args, Subcommand};

use seaworthy::custody::{self, Policy, PublicKey};
use seaworthy::image;
use seaworthy::layout::Layout;
use seaworthy::policy::Day;

use super::{day, keys};
use crate::output;

/// A year, in seconds.
const YEAR: u64 = 365 * 86_400;

#[derive(Debug, Args)]
pub(crate) struct Policies {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a policy to start from: the roles, their keys and what each may touch
    New(New),
    /// Write a policy as a signed layout of in-toto, for its own verifiers
    Sign(Sign),
}

#[derive(Debug, Args)]
struct New {
    /// A role's public key: core=core.pub (repeatable)
    #[arg(long, value_name = "ROLE=FILE")]
    key: Vec<String>,
    /// The last day on which it holds [default: in a year]
    #[arg(long, value_name = "DAY")]
    expires: Option<Day>,
    /// The name with tag that signatures must name
    #[arg(long, value_name = "NAME:TAG")]
    image: Option<String>,
    /// Write it to FILE, which must not be there
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "seaworthy policy sign POLICY --like LAYOUT --key FILE -o FILE [OPTIONS]"
)]
struct Sign {
    /// The policy
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// An image with the layers that are to come, by number and role
    #[arg(long, value_name = "LAYOUT")]
    like: PathBuf,
    /// The private key of the policy's owner
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Open an encrypted key with the first line of FILE
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Write it to FILE
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Runs the command.
pub(crate) fn run(policies: &Policies) -> Result<ExitCode> {
    match &policies.action {
        Action::New(new) => new.run()?,
        Action::Sign(sign) => sign.run()?,
    }
    Ok(ExitCode::SUCCESS)
}

impl New {
    fn run(&self) -> Result<()> {
        let keys = self.key.iter().map(|pair| held(pair));
        let keys: Vec<(String, String)> = keys.collect::<Result<_>>()?;
        let expires = match self.expires {
            Some(day) => day,
            None => Day::of_unix_time(day::now()?.saturating_add(YEAR)),
        };
        let text = custody::policy_template(&keys, expires, self.image.as_deref());
        let Some(file) = &self.output else {
            return output::print(&text);
        };
        output::check(file, None)?;
        if file.symlink_metadata().is_ok() {
            bail!(
                "{} is there already, and no policy is overwritten: name a new file",
                file.display()
            );
        }
        output::replace(file, &text)
    }
}

/// A role, and the file of its key as a policy anywhere can name it: whole.
fn held(pair: &str) -> Result<(String, String)> {
    let Some((role, file)) = pair.split_once('=').filter(|(role, _)| !role.is_empty()) else {
        bail!("--key {pair}: write it as ROLE=FILE, as core=core.pub");
    };
    let text = output::read_text(Path::new(file))?;
    let key = PublicKey::read(&text).map_err(|fault| anyhow!("{file}: {fault}"))?;
    Ok((role.to_owned(), key.to_pem().to_owned()))
}

impl Sign {
    fn run(&self) -> Result<()> {
        let policy = read(&self.policy)?;
        output::check(&self.output, None)?;
        let layout = Layout::open(&self.like)?;
        let image = layout.image(Some(&image::tag_of(&layout)?), None)?;
        let key = keys::read_private(&self.key, self.passphrase_file.as_deref())?;
        let signed = custody::root_layout(&policy, &image.manifest.layers, &key)
            .map_err(|reason| anyhow!("{}: {reason}", self.policy.display()))?;
        output::replace_bytes(&self.output, signed.as_bytes(), 0o644)
    }
}

/// Reads a policy, and the keys that it names beside it.
pub(crate) fn read(file: &Path) -> Result<Policy> {
    let text = output::read_text(file)?;
    let folder = output::folder(file);
    let mut open =
        |name: &str| output::read_text(&folder.join(name)).map_err(|error| format!("{error:#}"));
    Policy::read(&file.display().to_string(), &text, &mut open).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow!("{}", told.join("\n"))
    })
}

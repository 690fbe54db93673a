//! The command `sign`: a group's stamp on what it hands over.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use seaworthy::custody::{self, Policy, Signed, Signing};
use seaworthy::fact::name_of;
use seaworthy::image;
use seaworthy::layout::Layout;
use seaworthy::policy::Day;

use super::{day, keys, policy};
use crate::output;

/// The largest report or plan that is bound to an image.
const DOCUMENT_LIMIT: u64 = 1 << 30;

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The image layout, which is stamped in its place
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    /// The group that hands over: core, middleware or application
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// Its private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Open an encrypted key with the first line of FILE
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Whom to trust with the hand-overs before; every role but the first needs it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The name with tag by which it will be started [default: the policy's]
    #[arg(long, value_name = "NAME:TAG")]
    image: Option<String>,
    /// The image's number, which grows from one to the next: a policy may ask for a least one
    #[arg(long, value_name = "NUMBER")]
    image_version: Option<u64>,
    /// Sign the finished image, too, after this role's own hand-over
    #[arg(long)]
    countersign: bool,
    /// Bind a JSON report to the image
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Bind a file of its manifests to the image, as mounts.json
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// The image's name in the layout [default: the newest hand-over's]
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
    /// Verify what was received as on DAY (2027-01-31) instead of today
    #[arg(long, value_name = "DAY")]
    today: Option<Day>,
}

/// Runs the command.
pub(crate) fn run(sign: &Sign) -> Result<ExitCode> {
    let policy = sign.policy.as_deref().map(policy::read).transpose()?;
    let layout = Layout::open(&sign.layout)?;
    let tag = match &sign.tag {
        Some(tag) => tag.clone(),
        None => image::tag_of(&layout)?,
    };
    let reference = sign.reference(policy.as_ref(), &tag)?;
    let documents = sign.documents()?;
    let key = keys::read_private(&sign.key, sign.passphrase_file.as_deref())?;
    let signing = Signing {
        tag: &tag,
        role: &sign.role,
        key: &key,
        reference: &reference,
        policy: policy.as_ref(),
        today: day::trusted(sign.today)?,
        documents,
        countersign: sign.countersign,
        version: sign.image_version,
    };
    let signed = custody::sign(&layout, &signing)?;
    output::print(&words(&signing, &signed))?;
    Ok(ExitCode::SUCCESS)
}

impl Sign {
    /// The name that is signed: skopeo and podman compare it with that by which they fetch it.
    fn reference(&self, policy: Option<&Policy>, tag: &str) -> Result<String> {
        let known = self.image.clone().or_else(|| policy?.image.clone());
        let Some(name) = known else {
            return Ok(format!("localhost/image:{tag}"));
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
        if name.is_empty() || !name.bytes().all(fits) || !name.contains(':') {
            bail!("--image {name}: a name with registry and tag, as registry.example/team/app:1");
        }
        Ok(name)
    }

    fn documents(&self) -> Result<Vec<(&'static str, Vec<u8>, String)>> {
        let mut documents = Vec::new();
        if let Some(file) = &self.report {
            let report = output::read_report(file)?;
            let says = format!(
                "{}: {}",
                name_of(report.verdict.answer),
                report.verdict.reason
            );
            documents.push(("report", output::read_bytes(file, DOCUMENT_LIMIT)?, says));
        }
        if let Some(file) = &self.plan {
            let bytes = output::read_bytes(file, DOCUMENT_LIMIT)?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            documents.push(("plan", bytes, name.into_owned()));
        }
        Ok(documents)
    }
}

fn words(signing: &Signing<'_>, signed: &Signed) -> String {
    let mut words = match &signed.previous {
        Some((role, envelope)) => format!(
            "{} received what {role} had handed over, and verified it (stamp {})\n",
            signing.role,
            short(&envelope.hex())
        ),
        None => format!("{} is the first: it received nothing\n", signing.role),
    };
    words += &format!(
        "{} {} {} as {}\n",
        signing.role,
        if signing.countersign {
            "signed the finished image"
        } else {
            "stamped"
        },
        signed.image,
        signing.reference
    );
    for layer in signed.own.iter().filter(|_| !signing.countersign) {
        words += &format!("  its layer {layer}\n");
    }
    words += &format!("  by the key {}\n", signing.key.public().short());
    words
}

fn short(hex: &str) -> &str {
    hex.get(..12).unwrap_or(hex)
}

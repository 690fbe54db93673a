//! The command `verify`: whose each layer of an image is, who stamped it, and whether each group
//! verified what it received. Its exit code is its answer: 0 it holds, 1 it is broken, 2 not judged.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use seaworthy::custody::{self, Evidence, Policy, Stage, artifact};
use seaworthy::image;
use seaworthy::layout::{Layout, REF_NAME};
use seaworthy::policy::Day;
use seaworthy::report::{Custody, CustodyVerdict, Report};
use seaworthy::{render, show};

use super::{day, policy};
use crate::output;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the custody holds, 1 it is broken, 2 could not judge. Nothing is \
                  asked of a network. Guide: docs/images.md"
)]
pub(crate) struct Verify {
    /// The image layout
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    /// Whom to trust with what (see policy new)
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The image's name in the layout [default: what the policy's name means, else the newest
    /// hand-over's]
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
    /// Verify what ROLE received before it adds its layer: the hand-overs of those before it
    #[arg(long, value_name = "ROLE")]
    received_by: Option<String>,
    /// Draw the chain of hand-overs, too
    #[arg(long)]
    chain: bool,
    /// Draw every layer of a group that has many
    #[arg(long)]
    all: bool,
    /// Form of the answer: terminal, json or html; else by the ending of the file
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Form>,
    /// Write the answer to FILE
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Put the answer into this JSON report, which must be bound to the image
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write layers and links into the new directory DIR, where in-toto's verifiers run
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// Verify as on DAY (2027-01-31) instead of today
    #[arg(long, value_name = "DAY")]
    today: Option<Day>,
}

/// A form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Terminal,
    Json,
    Html,
}

/// Runs the command.
pub(crate) fn run(verify: &Verify) -> Result<ExitCode> {
    let form = verify.form();
    let policy = policy::read(&verify.policy)?;
    let layout = Layout::open(&verify.layout)?;
    if let Some(file) = &verify.output {
        output::check(file, None)?;
    }
    let report = verify.report.as_deref().map(bound).transpose()?;
    let (tag, remark) = verify.named(&layout, &policy)?;
    let today = day::trusted(verify.today)?;
    let stage = verify.stage(&policy)?;
    let mut found = custody::verify(&layout, &tag, &policy, today, stage)?;
    found.remarks.extend(remark);
    if let Some((_, digest)) = &report {
        is_bound(&mut found, digest);
    }
    if let Some(dir) = &verify.export {
        export(&layout, &tag, &policy, dir)?;
    }
    let code = match found.verdict {
        CustodyVerdict::Holds => 0,
        CustodyVerdict::Broken => 1,
    };
    let text = verify.text(form, found, report.map(|(report, _)| report))?;
    match &verify.output {
        Some(file) => output::replace(file, &text)?,
        None => output::print(&text)?,
    }
    Ok(ExitCode::from(code))
}

impl Verify {
    /// The image's name in the layout: that which is given, else the one that the policy's name means,
    /// else the newest hand-over's, which is then said.
    fn named(&self, layout: &Layout, policy: &Policy) -> Result<(String, Option<String>)> {
        if let Some(tag) = &self.tag {
            return Ok((tag.clone(), None));
        }
        let newest = image::tag_of(layout);
        let Some(name) = policy
            .image
            .as_deref()
            .filter(|_| self.received_by.is_none())
        else {
            return Ok((newest?, None));
        };
        let last = name.rsplit('/').next().unwrap_or(name);
        let tag = last.split_once(':').map_or("latest", |(_, tag)| tag);
        let index = layout.index()?;
        let mut names = index
            .manifests
            .iter()
            .filter_map(|entry| entry.annotation(REF_NAME));
        if names.any(|own| own == tag) {
            return Ok((tag.to_owned(), None));
        }
        let newest = newest?;
        let remark = format!(
            "the layout has no image {tag}, which the policy's {name} means: verified is {newest}"
        );
        let is_other = newest != name;
        Ok((newest, is_other.then_some(remark)))
    }

    fn stage(&self, policy: &Policy) -> Result<Stage<'_>> {
        let Some(role) = &self.received_by else {
            return Ok(Stage::Finished);
        };
        if policy.role(role).is_none() {
            bail!("--received-by {role}: the policy has no such role");
        }
        Ok(Stage::Received(role))
    }

    fn form(&self) -> Form {
        let ending = self.output.as_deref().and_then(Path::extension);
        match (self.format, ending.and_then(|ending| ending.to_str())) {
            (Some(form), _) => form,
            (None, Some("json")) => Form::Json,
            (None, Some("html" | "htm")) => Form::Html,
            (None, _) => Form::Terminal,
        }
    }

    fn text(&self, form: Form, custody: Custody, report: Option<Report>) -> Result<String> {
        let style = output::style(self.output.is_some(), self.all);
        Ok(match (form, report) {
            (Form::Terminal, _) => show::custody_terminal(&custody, &style, self.chain),
            (Form::Json, None) => show::custody_json(&custody),
            (Form::Html, None) => render::custody_page(&custody),
            (form, Some(mut report)) => {
                report.custody = Some(custody);
                let name = if form == Form::Json { "json" } else { "html" };
                let format = render::by_name(name).context("there is no such form")?;
                (format.render)(&report, &style)
            }
        })
    }
}

/// The report into which the answer is put, and its digest.
fn bound(file: &Path) -> Result<(Report, String)> {
    let report = output::read_report(file)?;
    let bytes = output::read_bytes(file, u64::MAX)?;
    Ok((report, seaworthy::layout::Digest::of(&bytes).to_string()))
}

/// Says when nobody has bound the report to the image: it may be of something else.
fn is_bound(custody: &mut Custody, digest: &str) {
    if !custody.attested.iter().any(|bound| bound.digest == digest) {
        let message = "nobody has bound this report to the image: it may be of another";
        custody.remarks.push(message.to_owned());
    }
}

/// Writes what in-toto's verifiers look at: the links, and the layers by their names.
fn export(layout: &Layout, tag: &str, policy: &Policy, dir: &Path) -> Result<()> {
    if dir.symlink_metadata().is_ok() {
        bail!(
            "cannot write {}: it is there already; name a new directory",
            dir.display()
        );
    }
    output::make_dir(&dir.join("layers"), None)?;
    let image = layout.image(Some(tag), None)?;
    let evidence = Evidence::read(layout, &image.descriptor.digest)?;
    for (name, bytes) in custody::links(policy, &evidence) {
        output::replace_bytes(&dir.join(name), &bytes, 0o644)?;
    }
    for (at, layer) in image.manifest.layers.iter().enumerate() {
        let path = dir.join(artifact(at, layer));
        let failed = || format!("cannot write {}", path.display());
        let mut file = std::fs::File::create_new(&path).with_context(failed)?;
        let mut blob = layout.blob(layer)?;
        // One that lies is written all the same: in-toto's verifier is to say it, too.
        if let Err(error) = std::io::copy(&mut blob, &mut file) {
            output::say(&format!("seaworthy: {}: {error}", path.display()));
        }
    }
    Ok(())
}

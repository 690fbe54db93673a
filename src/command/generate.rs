//! `generate`: what is made from the program itself, so that it cannot tell another story.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, CommandFactory as _, Subcommand, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;

use seaworthy::policy;
use seaworthy::render::json;

use crate::cli::Cli;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct Generate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A JSON Schema, of the report or of seaworthy.toml for editors
    Schema(Schema),
    /// Completions for a shell
    Completions(Completions),
    /// Manual pages
    Man(ManPages),
}

#[derive(Debug, Args)]
struct Schema {
    /// Of what
    #[arg(long, value_name = "WHAT", default_value = "report")]
    of: Of,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Of {
    /// The JSON report
    Report,
    /// The file seaworthy.toml
    Config,
}

#[derive(Debug, Args)]
struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
struct ManPages {
    /// Write a page for each command into DIR instead of printing the first one
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Prints or writes what was asked for.
pub(crate) fn run(generate: &Generate) -> Result<()> {
    match &generate.what {
        What::Schema(schema) => output::print(&match schema.of {
            Of::Report => json::schema(),
            Of::Config => policy::schema(),
        }),
        What::Completions(completions) => {
            let mut script = Vec::new();
            let mut cli = Cli::command();
            clap_complete::generate(completions.shell, &mut cli, "seaworthy", &mut script);
            output::print(&String::from_utf8_lossy(&script))
        }
        What::Man(ManPages { output: None }) => {
            let (_, page) = first_page()?;
            output::print(&page)
        }
        What::Man(ManPages { output: Some(dir) }) => write_pages(dir),
    }
}

fn first_page() -> Result<(String, String)> {
    let pages = pages()?;
    pages.into_iter().next().context("there is no manual page")
}

fn write_pages(dir: &Path) -> Result<()> {
    if !dir.is_dir() {
        bail!(
            "cannot write manual pages to {}: make the directory first",
            dir.display()
        );
    }
    for (name, page) in pages()? {
        output::replace(&dir.join(name), &page)?;
    }
    Ok(())
}

/// File name and text of the pages: of the program, then of each command.
fn pages() -> Result<Vec<(String, String)>> {
    let mut cli = Cli::command();
    // With this each command knows its whole name.
    cli.build();
    let mut commands = vec![cli];
    let mut pages = Vec::new();
    while let Some(command) = commands.get(pages.len()).cloned() {
        commands.extend(command.get_subcommands().cloned());
        let name = command.get_display_name().unwrap_or("seaworthy").to_owned();
        let mut page = Vec::new();
        Man::new(command)
            .render(&mut page)
            .with_context(|| format!("cannot make the manual page of {name}"))?;
        let page = String::from_utf8_lossy(&page).into_owned();
        pages.push((format!("{name}.1"), page));
    }
    Ok(pages)
}

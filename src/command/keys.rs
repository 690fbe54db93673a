//! The command `keys`: a pair of keys for stamps, and what a key is called elsewhere. Here, too, is
//! how every command that signs comes to its key and passphrase.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use seaworthy::custody::{KeyFault, PrivateKey, PublicKey};

use crate::output;

/// Where a passphrase is taken from when no file is named.
const VARIABLE: &str = "SEAWORTHY_PASSPHRASE";

/// The longest file of a key or passphrase, in bytes.
const LIMIT: u64 = 64 << 10;

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a pair of keys: PREFIX.key for its owner alone, PREFIX.pub for all who verify
    New(New),
    /// Show of a key what it is, its names in in-toto, and the public key
    Show(Show),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Without a passphrase, in a file or in the variable SEAWORTHY_PASSPHRASE, the key is \
                  not encrypted."
)]
struct New {
    /// Write PREFIX.key and PREFIX.pub, which must not be there
    #[arg(short, long, value_name = "PREFIX")]
    output: PathBuf,
    /// Encrypt the key with the first line of FILE
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "An encrypted key is opened with the passphrase in a file or in the variable \
                        SEAWORTHY_PASSPHRASE."
)]
struct Show {
    /// A public key, or a private one of seaworthy, openssl or cosign
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Open an encrypted key with the first line of FILE
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(keys: &Keys) -> Result<ExitCode> {
    match &keys.action {
        Action::New(new) => new.run()?,
        Action::Show(show) => show.run()?,
    }
    Ok(ExitCode::SUCCESS)
}

impl New {
    fn run(&self) -> Result<()> {
        let private = with_ending(&self.output, ".key")?;
        let public = with_ending(&self.output, ".pub")?;
        for file in [&private, &public] {
            output::check(file, None)?;
            if file.symlink_metadata().is_ok() {
                bail!(
                    "{} is there already, and no key is overwritten: take another PREFIX",
                    file.display()
                );
            }
        }
        let passphrase = passphrase(self.passphrase_file.as_deref())?;
        if passphrase.as_ref().is_some_and(|words| words.is_empty()) {
            bail!("the passphrase is empty: give one, or none at all for a key without encryption");
        }
        let key = PrivateKey::new()?;
        let pem = key.to_pem(passphrase.as_ref().map(|words| words.as_slice()))?;
        // From here on both files are made or none: Ctrl-C is not heard between them.
        output::on_interrupt(|| ())?;
        make(&private, pem.as_bytes(), 0o600)?;
        if let Err(error) = make(&public, key.public().to_pem().as_bytes(), 0o644) {
            std::fs::remove_file(&private)
                .with_context(|| format!("{error:#}; and cannot remove {}", private.display()))?;
            return Err(error);
        }
        let guard = match passphrase {
            Some(_) => "private, opened by the passphrase: only its owner may have both",
            None => "private and not encrypted: only its owner may have it",
        };
        output::print(&format!(
            "{}  {guard}\n{}  public: for the policy, and for all who verify\n\n{}",
            private.display(),
            public.display(),
            names(key.public()),
        ))
    }
}

impl Show {
    fn run(&self) -> Result<()> {
        let text = read(&self.file)?;
        let (kind, public) = if text.contains("PRIVATE KEY-----") {
            let (key, is_locked) = open(&self.file, &text, self.passphrase_file.as_deref())?;
            let kind = if is_locked {
                "private key, encrypted"
            } else {
                "private key, not encrypted"
            };
            (kind, key.public().clone())
        } else {
            let key = PublicKey::read(&text);
            (
                "public key",
                key.map_err(|fault| named(&self.file, &fault))?,
            )
        };
        output::print(&format!(
            "kind            {kind}, ECDSA on P-256\n{}\n{}",
            names(&public),
            public.to_pem()
        ))
    }
}

/// Reads a private key that the user named. Where others may read it and it is not encrypted, that
/// is told on standard error and the key is used: hosts of CI and Kubernetes hand secrets out in such
/// files, and to refuse them would only teach people to copy keys.
///
/// # Errors
/// When it cannot be read, is no key that fits, or the passphrase is missing or wrong. The
/// passphrase is in no message.
pub(crate) fn read_private(file: &Path, passphrase_file: Option<&Path>) -> Result<PrivateKey> {
    Ok(open(file, &read(file)?, passphrase_file)?.0)
}

/// The passphrase: the first line of the file without its end, or else the variable's value. None
/// when neither is given; an empty one is one.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn passphrase(file: Option<&Path>) -> Result<Option<Zeroizing<Vec<u8>>>> {
    use std::os::unix::ffi::OsStringExt as _;
    let Some(file) = file else {
        let value = std::env::var_os(VARIABLE);
        return Ok(value.map(|value| Zeroizing::new(value.into_vec())));
    };
    let mut words = bytes(file).context("cannot take the passphrase")?;
    if let Some(end) = words.iter().position(|&byte| byte == b'\n') {
        words.truncate(end);
    }
    if words.last() == Some(&b'\r') {
        words.pop();
    }
    Ok(Some(words))
}

/// The private key in a file's text, and whether it is encrypted.
fn open(file: &Path, text: &str, passphrase_file: Option<&Path>) -> Result<(PrivateKey, bool)> {
    let words = passphrase(passphrase_file)?;
    match PrivateKey::read(text, None) {
        Ok(key) => {
            warn(file);
            Ok((key, false))
        }
        Err(KeyFault::Locked) => {
            let words = words.ok_or_else(|| {
                anyhow!(
                    "{}: the key is encrypted: give its passphrase with --passphrase-file FILE or \
                     in the variable {VARIABLE}",
                    file.display()
                )
            })?;
            let key = PrivateKey::read(text, Some(&words)).map_err(|fault| named(file, &fault))?;
            Ok((key, true))
        }
        Err(fault) => Err(named(file, &fault)),
    }
}

/// Tells when others may read a file. What is no file, as a pipe, has no such readers.
fn warn(file: &Path) {
    let Ok(stat) = file.metadata() else { return };
    let mode = stat.permissions().mode() & 0o777;
    if stat.is_file() && mode & 0o077 != 0 {
        output::say(&format!(
            "seaworthy: {}: others may read this private key (mode {mode:04o}): chmod 600 it, or \
             encrypt it",
            file.display()
        ));
    }
}

fn named(file: &Path, fault: &KeyFault) -> anyhow::Error {
    anyhow!("{}: {fault}", file.display())
}

/// How others call a key.
fn names(key: &PublicKey) -> String {
    format!(
        "short           {}\nin-toto         {}\nin-toto for Go  {}\n",
        key.short(),
        key.python_id(),
        key.go_id()
    )
}

/// The file of this ending beside PREFIX.
fn with_ending(prefix: &Path, ending: &str) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    let whole = prefix.as_os_str();
    if prefix.file_name().is_none() || whole.as_bytes().ends_with(b"/") {
        bail!(
            "-o {}: PREFIX must end in a name, as in keys/core",
            prefix.display()
        );
    }
    let mut whole = whole.to_owned();
    whole.push(ending);
    Ok(PathBuf::from(whole))
}

/// Makes a file that was not there: whole, or not at all.
fn make(file: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let failed = || format!("cannot write {}", file.display());
    // As tempfile makes it, nobody else may read it from the first byte on.
    let dir = output::folder(file);
    let mut part = tempfile::Builder::new()
        .prefix(".seaworthy-")
        .tempfile_in(dir)
        .with_context(failed)?;
    part.write_all(bytes).with_context(failed)?;
    let permissions = std::fs::Permissions::from_mode(mode);
    part.as_file()
        .set_permissions(permissions)
        .with_context(failed)?;
    part.as_file().sync_all().with_context(failed)?;
    part.persist_noclobber(file).with_context(failed)?;
    Ok(())
}

/// A key's file as text.
fn read(file: &Path) -> Result<Zeroizing<String>> {
    let bytes = bytes(file)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => bail!(
            "{}: no key in PEM form; one in DER is converted with openssl pkey -inform DER -in OLD \
             -out NEW",
            file.display()
        ),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a file that the user named, not the audited disk"
)]
fn bytes(file: &Path) -> Result<Zeroizing<Vec<u8>>> {
    // Room for all of it: what a buffer leaves behind as it grows is not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 1));
    std::fs::File::open(file)
        .and_then(|open| open.take(LIMIT + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", file.display()))?;
    if bytes.len() as u64 > LIMIT {
        bail!("{} is too long for a key or a passphrase", file.display());
    }
    Ok(bytes)
}

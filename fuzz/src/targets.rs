//! The table of targets.

mod chain;
mod files;
mod packages;
mod programs;
mod results;

/// Files of the repository that are inputs already.
pub struct From {
    /// The directory below the repository.
    pub under: &'static str,
    /// How the names of the files end.
    pub ending: &'static str,
    /// What the target wants before their bytes.
    pub before: &'static [u8],
}

/// Something that reads.
pub struct Target {
    /// Its name: that of its program, and of its directories of seeds and corpus.
    pub name: &'static str,
    /// What it reads, in a few words.
    pub reads: &'static str,
    /// Inputs to begin with, beside those of `seeds/NAME`.
    pub from: &'static [From],
    /// Words of its language, to make inputs of.
    pub words: &'static [&'static [u8]],
    /// Reads the bytes.
    pub run: fn(&[u8]),
}

const fn from(under: &'static str, ending: &'static str, before: &'static [u8]) -> From {
    From {
        under,
        ending,
        before,
    }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    files::ELF,
    files::LD_CACHE,
    files::LD_CONF,
    files::MODULES,
    files::PLACE,
    files::UNIT,
    files::MANAGER,
    files::CONFIG,
    files::WEB,
    files::SECRETS,
    files::CONTENT,
    files::JAR,
    files::TRACE,
    programs::SHELL,
    programs::JAVASCRIPT,
    programs::PERL,
    programs::PHP,
    programs::PYTHON,
    programs::RUBY,
    programs::JAVA,
    programs::TYPESCRIPT,
    packages::DPKG,
    packages::APK,
    packages::RPM,
    packages::RPM_HEADER,
    chain::LAYER,
    chain::PLAIN,
    chain::OCI,
    chain::ENVELOPE,
    chain::IN_TOTO,
    chain::CLAIM,
    chain::KEYS,
    chain::TRUST,
    results::GATE,
    results::RULES,
    results::REPORT,
];

/// The target of this name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn by_name(name: &str) -> &'static Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no target is called {name}"))
}

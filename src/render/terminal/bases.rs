//! The section on base images: which start the application, with what, and why another does not.

use super::{Ink, Page};
use crate::path::AppPath;
use crate::render::text::{count, shorten};
use crate::report::{BaseAdvice, BaseVerdict, Floor, Lack, LackKind, Remedy, Report};

/// How many bases are shown unless all are asked for.
const BEST: usize = 3;

/// How many packages stand under a base unless all are asked for.
const PACKAGES: usize = 6;

/// How many files or changes do: they are longer.
const FILES: usize = 2;

/// How many floors are shown unless all are asked for.
const FLOORS: usize = 3;

/// How much is shown of a symbol; those of C++ are long.
const SYMBOL: usize = 32;

/// The width of the column of verdicts.
const VERDICT: usize = 14;

impl Page<'_> {
    pub(super) fn bases(&mut self, report: &Report) {
        if report.bases.is_empty() {
            return;
        }
        let number = |fits: fn(BaseVerdict) -> bool| {
            let fits = |base: &&BaseAdvice| fits(base.verdict);
            report.bases.iter().filter(fits).count()
        };
        let able = number(|verdict| verdict < BaseVerdict::Unknown);
        let unknown = number(|verdict| verdict == BaseVerdict::Unknown);
        let all = report.bases.len();
        self.section(&format!(
            "Base images ({able} will do, {unknown} not known, {} will not)",
            all - able - unknown
        ));
        let shown = if self.style.all {
            all
        } else {
            // Of images that will not do, one says why.
            able.clamp(1, BEST).min(all)
        };
        for base in report.bases.iter().take(shown) {
            self.base(base);
        }
        if !self.style.all {
            self.other(report, shown);
        }
        self.rest(all, shown);
        self.floors(report);
    }

    /// The room for a path in a wrapped line, with a stop or comma after it.
    fn room(&self) -> usize {
        self.style.width.saturating_sub(9).max(20)
    }

    /// A base in a line, and below it what it lacks.
    fn base(&mut self, base: &BaseAdvice) {
        let (word, ink) = match base.verdict {
            BaseVerdict::Starts => ("as it is", Ink::Good),
            BaseVerdict::WithPackages => ("with packages", Ink::Good),
            BaseVerdict::WithChanges => ("with changes", Ink::Warn),
            BaseVerdict::Unknown => ("unknown", Ink::Dim),
            BaseVerdict::Fails => ("fails", Ink::Bad),
        };
        let word = self.ink(ink, &format!("{word:<VERDICT$}"));
        let mut about = vec![base.libc.clone()];
        about.extend(base.size_mb.map(|size| format!("{size} MB")));
        match (&base.end_of_support, base.ended) {
            (_, true) => about.push("support has ended".to_owned()),
            (Some(end), _) => about.push(format!("support to {end}")),
            (None, _) => {}
        }
        let text = format!("{}  ({})", base.image, about.join(", "));
        self.block(&format!("  {word} "), VERDICT + 3, &text, Ink::Plain);
        let room = self.room();
        if self.style.all {
            for lack in &base.lacks {
                self.block("      ", 8, &lacking(lack, room), Ink::Plain);
            }
            if !base.unchecked.is_empty() {
                let text = format!("not compared: {}", base.unchecked.join(", "));
                self.block("      ", 8, &text, Ink::Dim);
            }
        } else {
            self.lacks(base);
        }
    }

    /// What a base lacks, in a line for each kind of remedy.
    fn lacks(&mut self, base: &BaseAdvice) {
        let worst = |lack: &&Lack| {
            matches!(lack.remedy, Remedy::Unknown | Remedy::None)
                && (base.verdict == BaseVerdict::Fails) == (lack.remedy == Remedy::None)
        };
        let room = self.room();
        if let Some(lack) = base.lacks.iter().find(worst) {
            self.block("      ", 8, &lacking(lack, room), Ink::Plain);
        }
        if base.verdict >= BaseVerdict::Unknown {
            return;
        }
        let of = |pick: fn(&Remedy) -> Option<String>| -> Vec<String> {
            let mut found: Vec<String> = Vec::new();
            for text in base.lacks.iter().filter_map(|lack| pick(&lack.remedy)) {
                if !found.contains(&text) {
                    found.push(text);
                }
            }
            found
        };
        let install = of(|remedy| match remedy {
            Remedy::Install { package } => Some(package.clone()),
            _ => None,
        });
        let copy = of(|remedy| match remedy {
            Remedy::Copy { from } => Some(from.to_text().into_owned()),
            _ => None,
        });
        let copy: Vec<String> = copy.iter().map(|path| shorten(path, room)).collect();
        let change = of(|remedy| match remedy {
            Remedy::Change { how } => Some(how.clone()),
            _ => None,
        });
        for (what, things, between, most) in [
            ("install", install, ", ", PACKAGES),
            ("copy", copy, ", ", FILES),
            ("change", change, "; ", FILES),
        ] {
            if things.is_empty() {
                continue;
            }
            let named = things.len().min(most);
            let mut text = format!("{what}: {}", things[..named].join(between));
            if things.len() > named {
                text.push_str(&format!(" and {} more", things.len() - named));
            }
            self.block("      ", 8, &text, Ink::Plain);
        }
    }

    /// A base that will not do: rather one that is too old than one with another C library. That
    /// nothing starts on no base at all needs no word.
    fn other(&mut self, report: &Report, shown: usize) {
        let others = || {
            let others = report.bases.iter().skip(shown);
            others
                .filter(|base| base.verdict == BaseVerdict::Fails && !base.libc.starts_with("none"))
        };
        let same_libc = |base: &&BaseAdvice| {
            let mut lacks = base.lacks.iter();
            lacks.all(|lack| lack.kind != LackKind::Libc)
        };
        if let Some(base) = others().find(same_libc).or_else(|| others().next()) {
            self.base(base);
        }
    }

    /// What the application needs of the system at least: of the C and C++ libraries and the
    /// processor first, for these are the ones that a base decides.
    fn floors(&mut self, report: &Report) {
        let rank = |floor: &&Floor| match floor.library.as_str() {
            "processor" => 0,
            _ if floor.version.starts_with("GLIBC_") => 1,
            _ if floor.version.starts_with("GLIBCXX_") => 2,
            _ => 3,
        };
        let mut floors: Vec<&Floor> = report.floors.iter().collect();
        floors.sort_by_key(rank);
        let most = if self.style.all { floors.len() } else { FLOORS };
        for floor in floors.iter().take(most) {
            let needs = format!("needs {} of {}: ", floor.version, floor.library);
            let mut text = shorten(&floor.file.to_text(), self.room());
            if let Some(symbol) = &floor.symbol {
                text.push_str(&format!(" ({})", shorten(symbol, SYMBOL)));
            }
            let whole = format!("{needs}{text}");
            self.block("  ", 6, &whole, Ink::Plain);
        }
        if floors.len() > most {
            let more = (floors.len() - most) as u64;
            let more = count(more, "more floor", "more floors");
            let text = format!("  … {more}; --all shows them");
            let text = self.ink(Ink::Dim, &text);
            self.line(&text);
        }
    }
}

/// What is lacking, who needs it, and what helps; no word is longer than `room`.
fn lacking(lack: &Lack, room: usize) -> String {
    let path = |path: &AppPath| shorten(&path.to_text(), room);
    let mut text = format!("lacks {}", lack.need);
    if let Some(symbol) = &lack.symbol {
        text.push_str(&format!(" ({})", shorten(symbol, SYMBOL)));
    }
    if let Some(file) = &lack.file {
        text.push_str(&format!(", needed by {}", path(file)));
    }
    match &lack.remedy {
        Remedy::Install { package } => text.push_str(&format!(": install {package}")),
        Remedy::Copy { from } => text.push_str(&format!(": copy {}", path(from))),
        Remedy::Change { how } => text.push_str(&format!(": {how}")),
        Remedy::Unknown => text.push_str("; no source says whether it is offered"),
        Remedy::None => {}
    }
    if let Some(note) = &lack.note {
        text.push_str(". ");
        text.push_str(note);
    }
    text
}

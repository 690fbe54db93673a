//! Libraries, modules and base images as lists.

use maud::{Markup, html};

use super::evidence::{certainty, chunks, search};
use crate::fact::name_of;
use crate::path::AppPath;
use crate::render::words::{is_found, place};
use crate::report::{BaseAdvice, BaseVerdict, Lack, Library, Module, Remedy, Report};

pub(super) fn libraries(report: &Report) -> Markup {
    html! {
        @if report.libraries.is_empty() { p { "No program of it asks the loader for a library." } }
        @else { (search("library-list", "Search in libraries", html! {})) }
        div #library-list { (chunks(&report.libraries, library)) }
        @if !report.modules.is_empty() {
            h3 { "Opened by name once it runs (" (report.modules.len()) ")" }
            (chunks(&report.modules, module))
        }
    }
}

fn library(at: usize, library: &Library) -> Markup {
    let lost = !is_found(library.status);
    html! {
        details.row id=(format!("l{at}")) {
            summary {
                span.owner { (name_of(library.owner)) }
                span.what { code { (library.name) }
                    @if lost { " " span.grade.difficult { (name_of(library.status)) } } }
                span.aside { (library.package.as_deref().unwrap_or_default()) }
            }
            div.body {
                p { (library.how) "." }
                (file(library.path.as_ref(), library.real_path.as_ref()))
                @if let Some(shadow) = &library.shadows {
                    p {
                        "It is loaded in place of the system's " code { (shadow.system.to_text()) }
                        " (bundled " (shadow.bundled_version.as_deref().unwrap_or("?"))
                        ", system " (shadow.system_version.as_deref().unwrap_or("?")) ")."
                    }
                }
                (needed(&library.needed_by, library.needed_by_more))
            }
        }
    }
}

fn module(_: usize, module: &Module) -> Markup {
    html! {
        details.row {
            summary {
                span.owner { (name_of(module.owner)) }
                span.what { code { (module.name) } " "
                    @if !is_found(module.status) { span.known { (name_of(module.status)) } } }
                span.aside { (name_of(module.kind)) " " (name_of(module.priority)) }
            }
            div.body {
                p { (module.how) ". " (certainty(module.certainty)) }
                @if !module.or.is_empty() { p { "Others will do: " (module.or.join(", ")) "." } }
                @if !module.lacks.is_empty() { p { "It lacks " (module.lacks.join(", ")) "." } }
                (file(module.path.as_ref(), module.real_path.as_ref()))
                p { "Its name stands in " code { (place(&module.at)) } "." }
                (needed(&module.opened_by, module.opened_by_more))
            }
        }
    }
}

fn file(path: Option<&AppPath>, real: Option<&AppPath>) -> Markup {
    html! {
        @if let Some(path) = path {
            p { "File " code { (path.to_text()) }
                @if let Some(real) = real.filter(|real| *real != path) {
                    ", which is " code { (real.to_text()) }
                } "."
            }
        }
    }
}

fn needed(by: &[AppPath], more: u64) -> Markup {
    html! {
        @if !by.is_empty() {
            p { "Needed by" }
            ul.facts {
                @for path in by { li { code { (path.to_text()) } } }
                @if more > 0 { li { "and " (more) " more" } }
            }
        }
    }
}

pub(super) fn bases(report: &Report) -> Markup {
    html! {
        @if report.bases.is_empty() { p { "No base image was compared." } }
        @for base in &report.bases { (base_row(base)) }
        @if !report.floors.is_empty() {
            h3 { "What it needs of the system at least" }
            ul.facts {
                @for floor in &report.floors {
                    li { (floor.version) " of " (floor.library) ": " code { (floor.file.to_text()) }
                        @if let Some(symbol) = &floor.symbol { " (" (symbol) ")" } }
                }
            }
        }
    }
}

fn base_row(base: &BaseAdvice) -> Markup {
    let (word, tone) = match base.verdict {
        BaseVerdict::Starts => ("as it is", "easy"),
        BaseVerdict::WithPackages => ("with packages", "easy"),
        BaseVerdict::WithChanges => ("with changes", "moderate"),
        BaseVerdict::Unknown => ("unknown", "unknown"),
        BaseVerdict::Fails => ("fails", "difficult"),
    };
    html! {
        details.row {
            summary {
                span.grade.(tone) { (word) }
                span.what { code { (base.image) } }
                span.aside { (base.libc) @if base.ended { ", support has ended" } }
            }
            div.body {
                p {
                    (base.name) ", for " (base.isa)
                    @if let Some(size) = base.size_mb { ", about " (size) " MB" }
                    @if let Some(end) = &base.end_of_support { ", support to " (end) }
                    ". From " (base.source) "."
                }
                @if base.lacks.is_empty() { p { "It lacks nothing that is known to be needed." } }
                ul.facts { @for lack in &base.lacks { li { (lacking(lack)) } } }
                @if !base.unchecked.is_empty() {
                    p { "Not compared: " (base.unchecked.join(", ")) "." }
                }
            }
        }
    }
}

fn lacking(lack: &Lack) -> Markup {
    html! {
        "lacks " (lack.need)
        @if let Some(symbol) = &lack.symbol { " (" (symbol) ")" }
        @if let Some(file) = &lack.file { ", needed by " code { (file.to_text()) } }
        @match &lack.remedy {
            Remedy::Install { package } => { ": install " code { (package) } }
            Remedy::Copy { from } => { ": copy " code { (from.to_text()) } }
            Remedy::Change { how } => { ": " (how) }
            Remedy::Unknown => { "; no source says whether it is offered" }
            Remedy::None => {}
        }
        @if let Some(note) = &lack.note { ". " (note) }
    }
}

//! What stays outside the image: mounts and paths; and how the application is run.

use maud::{Markup, html};

use super::evidence::{certainty, chunks, facts, search};
use crate::fact::name_of;
use crate::render::text::bytes;
use crate::render::words::beside_mounts;
use crate::report::{Mount, MountKind, PathEntry, Report, Start};

pub(super) fn mounts(report: &Report) -> Markup {
    html! {
        @if report.plan.mounts.is_empty() { p { "Nothing has to be mounted." } }
        @else { p { "These lie over a read-only root." } }
        (chunks(&report.plan.mounts, mount))
        @for (name, text) in beside_mounts(&report.plan) { p { (name) ": " (text) } }
    }
}

fn mount(at: usize, mount: &Mount) -> Markup {
    let is_dir = mount.kind == MountKind::Dir && !mount.path.is_root();
    html! {
        details.row id=(format!("m{at}")) {
            summary {
                span.access { (name_of(mount.access)) }
                span.class.(format!("c-{}", name_of(mount.class))) { (name_of(mount.class)) }
                span.what { code { (mount.path.to_text()) @if is_dir { "/" } } }
                span.aside { (size(mount)) " " (certainty(mount.certainty)) }
            }
            div.body {
                @if mount.seed { p { "Its present content must be copied into the volume first." } }
                p {
                    "Owner " (number(mount.uid)) ":" (number(mount.gid)) ", mode "
                    (mount.mode.as_deref().unwrap_or("not known")) "."
                }
                (facts(&mount.because, 0))
            }
        }
    }
}

fn size(mount: &Mount) -> String {
    mount
        .size_bytes
        .map_or_else(|| "not there".to_owned(), bytes)
}

fn number(id: Option<u32>) -> String {
    id.map_or_else(|| "?".to_owned(), |id| id.to_string())
}

pub(super) fn paths(report: &Report) -> Markup {
    html! {
        @if report.paths.is_empty() { p { "No path is in reach." } }
        @else { (search("path-list", "Search in paths", html! {})) }
        div #path-list { (chunks(&report.paths, path)) }
    }
}

fn path(_: usize, entry: &PathEntry) -> Markup {
    html! {
        details.row {
            summary {
                span.access { (name_of(entry.access)) }
                span.class.(format!("c-{}", name_of(entry.class))) { (name_of(entry.class)) }
                span.what { code { (entry.path.to_text()) } }
                span.aside {
                    @if let Some(disk) = &entry.on_disk { (bytes(disk.size_bytes)) " " }
                    (certainty(entry.certainty))
                }
            }
            div.body {
                p {
                    @match &entry.mount {
                        Some(mount) => { "Mounted through " code { (mount.to_text()) } ". " }
                        None => { "No mount for it. " }
                    }
                    @match &entry.on_disk {
                        Some(disk) => {
                            "On disk: " (name_of(disk.kind)) ", owner " (disk.uid) ":" (disk.gid)
                            ", mode " (disk.mode) ", " (disk.files) " files."
                        }
                        None => { "It is not on disk." }
                    }
                }
                (facts(&entry.because, entry.more))
            }
        }
    }
}

pub(super) fn run(report: &Report) -> Markup {
    let plan = &report.plan;
    html! {
        @if plan.start.is_empty() { p { "Nothing was found that starts it." } }
        @for start in &plan.start { (command(start)) }
        dl.pairs {
            @if let Some(user) = &plan.user {
                dt { "user" }
                dd { (user.name) " (" (number(user.uid)) ":" (number(user.gid)) ")" }
            }
            @for port in &plan.ports {
                dt { "port" }
                dd { (port.port) "/" (port.transport)
                    @if let Some(protocol) = &port.protocol { " " (protocol) } }
            }
            @for var in &plan.env {
                dt { "variable" }
                dd { code { (var.name) }
                    @match &var.value {
                        Some(value) => { "=" code { (value) } }
                        None => { " (to be given: it may be a secret)" }
                    }
                }
            }
            @for need in &plan.kernel {
                dt { (name_of(need.need)) }
                dd { (need.name) " " (certainty(need.certainty)) }
            }
        }
    }
}

fn command(start: &Start) -> Markup {
    html! {
        div.start {
            pre tabindex="0" { code { (start.command.join(" ")) } }
            p.hint {
                (start.name) ", started by " (name_of(start.how))
                @if let Some(user) = &start.user { ", as " (user) }
                @if let Some(directory) = &start.directory { ", in " code { (directory.to_text()) } }
                @if start.forks == Some(true) { ", goes into the background by itself" }
            }
        }
    }
}

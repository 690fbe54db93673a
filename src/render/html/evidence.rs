//! The parts that every list of the page shares: facts, words in a frame, rows in chunks.

use maud::{Markup, Render, html};

use crate::fact::{Certainty, Fact, name_of};
use crate::render::words::place;

/// The facts on which a line rests.
pub(super) fn facts(because: &[Fact], more: u64) -> Markup {
    html! {
        ul.facts {
            @for fact in because {
                li {
                    code { (place(&fact.at)) } " " (fact.what.to_string()) " "
                    (certainty(fact.certainty))
                }
            }
            @if more > 0 { li { "and " (more) " more facts, which the report counts and does not list" } }
        }
    }
}

/// How a thing is known.
pub(super) fn certainty(certainty: Certainty) -> Markup {
    html! { span.known { (name_of(certainty)) } }
}

/// How many rows a browser may skip at once while they are out of sight. The style has the height
/// of so many.
const CHUNK: usize = 50;

/// How many chunks are laid out at once; a shorter list is not worth a page that grows while it is
/// scrolled.
const AT_ONCE: usize = 4;

/// Rows, in chunks that a browser lays out when they come into sight.
pub(super) fn chunks<T>(items: &[T], row: impl Fn(usize, &T) -> Markup) -> Markup {
    let is_long = items.len() > CHUNK * AT_ONCE;
    html! {
        @for (number, chunk) in items.chunks(CHUNK).enumerate() {
            div.chunk.lazy[is_long && chunk.len() == CHUNK] {
                @for (at, item) in chunk.iter().enumerate() { (row(number * CHUNK + at, item)) }
            }
        }
    }
}

/// The search above a long list; the script shows it.
pub(super) fn search(list: &str, label: &str, besides: impl Render) -> Markup {
    html! {
        form.filter hidden role="search" data-list=(list) {
            label { (label) " " input type="search" autocomplete="off"; }
            (besides)
            output aria-live="polite" {}
        }
    }
}

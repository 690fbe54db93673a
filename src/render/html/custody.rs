//! The custody of an image: the chain as a picture of boxes, seals and arrows, everything that is
//! wrong, and each layer; within a report, and as a page of its own.
//!
//! The picture is a list whose words say all that it shows: it needs no other text beside it, grows
//! with long names and is read aloud as it stands.

use maud::{Markup, html};

use super::evidence::chunks;
use super::{document, section};
use crate::render::custody::{
    Chain, Link, Said, content, kind, meaning, name, place, sentence, signers, verdict,
};
use crate::render::text::{bytes, count, shorten};
use crate::report::{Custody, CustodyLayer, CustodyVerdict};

/// How many layers of a group are in the picture; what is wrong is in it wherever it stands.
const DRAWN: usize = 8;

/// How many layers there may be for all to lie open on a page without a script, which could open
/// them for paper.
const OPEN: usize = 12;

/// How much of a name is in a heading, in the picture and in the head of a row; below it is whole.
const NAME: usize = 64;

/// How much of a stamp is in the picture, which may have many keys.
const STAMP: usize = 120;

/// The roles that have a colour of their own.
const COLOURED: &[&str] = &["core", "middleware", "application"];

/// A page of the custody alone. It has no script.
#[must_use]
pub fn custody_page(custody: &Custody) -> String {
    let image = name(&custody.image);
    let title = format!("{}: {}", brief(&image), verdict(custody));
    let tool = concat!("seaworthy ", env!("CARGO_PKG_VERSION"));
    let open = custody.layers.len() <= OPEN;
    let body = html! {
        a.skip href="#custody" { "Skip to the chain" }
        header {
            p.kicker { "Who added what, and who vouches for it" }
            h1 { (brief(&image)) }
            @if brief(&image) != image { p.system { code { (image) } } }
            @if !custody.digest.is_empty() { p.system { code { (name(&custody.digest)) } } }
        }
        main { (section("custody", body(custody, open))) }
        footer { p {
            "Made by " (tool) ". It says what was found when the image was verified; whoever has the \
             image and the policy can verify it again."
        } }
    };
    document(&title, None, body, tool)
}

/// The section of a report.
pub(super) fn custody(custody: &Custody) -> Markup {
    html! {
        p.system {
            code { (name(&custody.image)) } " "
            @if !custody.digest.is_empty() { code { (name(&custody.digest)) } }
        }
        (body(custody, false))
    }
}

fn body(custody: &Custody, open: bool) -> Markup {
    let tone = match custody.verdict {
        CustodyVerdict::Holds => "good",
        CustodyVerdict::Broken => "bad",
    };
    let chain = Chain::of(custody);
    let rows = chain.links.iter();
    let rows: Vec<(&Link, usize)> = rows
        .flat_map(|link| link.layers.clone().map(move |at| (link, at)))
        .collect();
    html! {
        div.verdict.(tone) {
            p.answer { (first_upper(verdict(custody))) }
            p { (first_upper(&meaning(custody))) "." }
        }
        (problems(custody))
        h3 { "The chain" }
        (picture(&chain))
        h3 { "Layers" }
        @if custody.layers.is_empty() { p { "The image has no layers." } }
        (chunks(&rows, |_, (link, at)| row(&chain, link, *at, open)))
        (signed(custody))
        @if !custody.remarks.is_empty() {
            h3 { "Worth knowing" }
            ul { @for remark in &custody.remarks { li { (sentence(remark)) } } }
        }
    }
}

fn problems(custody: &Custody) -> Markup {
    html! {
        @if !custody.problems.is_empty() {
            h3 { "What is wrong" }
            ul.wrong {
                @for problem in &custody.problems {
                    li {
                        @match problem.layer.filter(|at| *at < custody.layers.len()) {
                            Some(at) => {
                                a href=(format!("#layer-{at}")) { (brief(&place(custody, problem))) }
                            }
                            None => { strong { (brief(&place(custody, problem))) } }
                        }
                        " " (kind(problem.kind)) ": " (sentence(&problem.message))
                    }
                }
            }
        }
    }
}

fn picture(chain: &Chain<'_>) -> Markup {
    let links = &chain.links;
    html! {
        figure {
            ol.chain role="list" {
                (whole(chain))
                @match links.last() {
                    Some(last) => { (arrow(&last.handed())) }
                    None => { (arrow(&Said::bad("BROKEN: nobody added a layer"))) }
                }
                @for link in links.iter().rev() {
                    (group(chain, link))
                    @if let Some(said) = link.verified() { (arrow(&said)) }
                }
            }
            figcaption.hint {
                "Read it from the bottom up: each group received what lies below its box, added its \
                 layers and put its stamp on all of it."
            }
        }
    }
}

fn whole(chain: &Chain<'_>) -> Markup {
    let custody = chain.custody;
    let wrong = chain.wrong_whole();
    let signers = signers(custody);
    html! {
        li.link.bad[!wrong.is_empty()] {
            div.part {
                p.who { "Finished image" }
                p { code { (brief(&name(&custody.image))) } }
                (faults(&wrong))
            }
            div.seals {
                @if signers.is_empty() { (seal("signed as a whole by nobody", wrong.is_empty())) }
                @for who in &signers { (seal(&format!("signed by {}", brief(who)), true)) }
            }
        }
    }
}

fn group(chain: &Chain<'_>, link: &Link) -> Markup {
    let stamp = &link.stamp;
    let is_wrong = |at: &usize| !chain.wrong(link, *at).is_empty();
    let from = link.layers.start;
    let is_drawn = |at: &usize| *at < from + DRAWN || is_wrong(at);
    let hidden = link.layers.clone().filter(|at| !is_drawn(at)).count();
    let is_bad =
        !stamp.is_good() || link.layers.is_empty() || link.layers.clone().any(|at| is_wrong(&at));
    html! {
        li.link.(colour(&link.role)).bad[is_bad] {
            div.part {
                p.who { (brief(&link.role)) }
                ul {
                    @for at in link.layers.clone().filter(is_drawn) { (drawn(chain, link, at)) }
                    @if hidden > 0 { li { "and " (hidden) " more in which nothing is wrong" } }
                }
                @if link.layers.is_empty() { (faults(&["has no layer here"])) }
            }
            div.seals { (seal(&shorten(&stamp.long(), STAMP), stamp.is_good())) }
        }
    }
}

/// The class of a role: only of what has a colour.
fn colour(role: &str) -> &'static str {
    match COLOURED.iter().position(|known| *known == role) {
        Some(0) => "o-core",
        Some(1) => "o-middleware",
        Some(_) => "o-application",
        None => "o-other",
    }
}

fn drawn(chain: &Chain<'_>, link: &Link, at: usize) -> Markup {
    html! {
        @if let Some(layer) = chain.custody.layers.get(at) {
            li {
                a href=(format!("#layer-{at}")) { "layer " (at) } " "
                (bytes(layer.size)) ", " (content(layer))
                (faults(&chain.wrong(link, at)))
            }
        }
    }
}

fn faults(wrong: &[&str]) -> Markup {
    html! { @for words in wrong { p.fault { (mark(false)) (words) } } }
}

fn seal(words: &str, is_good: bool) -> Markup {
    html! { p.seal.bad[!is_good] { (mark(is_good)) span { (words) } } }
}

/// A tick or a cross; the words beside it say the same.
fn mark(is_good: bool) -> Markup {
    let path = match is_good {
        true => "M7 12.5l3.5 3.5 6.5-8",
        false => "M8 8l8 8M16 8l-8 8",
    };
    html! {
        svg.mark viewBox="0 0 24 24" aria-hidden="true" {
            circle cx="12" cy="12" r="10" {}
            path d=(path) {}
        }
    }
}

fn arrow(said: &Said) -> Markup {
    let path = match said.is_good {
        true => "M12 47V3M4 12l8-9 8 9",
        false => "M12 47V36M12 12V3M4 12l8-9 8 9M5 17l14 14M19 17L5 31",
    };
    html! {
        li.way.bad[!said.is_good] {
            svg.mark viewBox="0 0 24 48" aria-hidden="true" { path d=(path) {} }
            p { (shorten(&said.words, STAMP)) }
        }
    }
}

fn row(chain: &Chain<'_>, link: &Link, at: usize, open: bool) -> Markup {
    let Some(layer) = chain.custody.layers.get(at) else {
        return html! {};
    };
    let wrong = chain.wrong(link, at);
    let role = name(&layer.role);
    let is_stamped = link.stamp.is_good();
    html! {
        details.row id=(format!("layer-{at}")) open[open || !wrong.is_empty() || !is_stamped] {
            summary {
                span.class { "layer " (at) }
                span.owner.(colour(&role)) { (brief(&role)) }
                span.what {
                    (content(layer))
                    @if !is_stamped { "; " strong.bad { (shorten(&link.stamp.long(), STAMP)) } }
                    @for words in &wrong { "; " strong.bad { (words) } }
                }
                span.aside { (bytes(layer.size)) }
            }
            div.body { (details(layer, link)) }
        }
    }
}

fn details(layer: &CustodyLayer, link: &Link) -> Markup {
    html! {
        dl.pairs {
            dt { "role" } dd { (name(&layer.role)) }
            dt { "stamp" } dd { (link.stamp.long()) }
            dt { "what it received" } dd { (link.received.words) }
            dt { "digest" } dd { code { (name(&layer.digest)) } }
            dt { "uncompressed" } dd { code { (name(&layer.diff_id)) } }
            dt { "size" }
            dd {
                (count(layer.size, "byte", "bytes"))
                @if layer.unpacked > 0 { ", " (count(layer.unpacked, "byte", "bytes")) " uncompressed" }
            }
            dt { "bytes and archive" }
            dd { @if layer.is_sound { "sound" } @else { strong { "NOT SOUND" } } }
            dt { "ledger" }
            dd {
                @match layer.ledger_agrees {
                    Some(true) => { "tells exactly what is in it" }
                    Some(false) => { strong { "DOES NOT TELL WHAT IS IN IT" } }
                    None => { "it has none" }
                }
            }
        }
    }
}

fn signed(custody: &Custody) -> Markup {
    html! {
        @if !custody.signatures.is_empty() {
            h3 { "Signed as a whole" }
            ul { @for signature in &custody.signatures {
                li {
                    (name(&signature.role)) " with the key " code { (name(&signature.key)) }
                    " as " code { (name(&signature.reference)) }
                }
            } }
        }
        @if !custody.attested.is_empty() {
            h3 { "Bound to it" }
            ul { @for attested in &custody.attested {
                li {
                    (name(&attested.kind)) " by " (name(&attested.role)) ": "
                    (sentence(&attested.says)) " " code { (name(&attested.digest)) }
                }
            } }
        }
    }
}

/// A name where room is scarce.
fn brief(name: &str) -> String {
    shorten(name, NAME)
}

fn first_upper(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

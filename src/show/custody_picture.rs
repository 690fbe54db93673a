//! The custody of an image as a picture in characters: a box for each group with its layers and its
//! stamp, the finished image on top, and between them what each hand-over is worth. What does not
//! hold has a double frame and capitals, so that it needs no colour to be seen.

use super::custody::{Ink, folded, ink};
use super::harmless;
use crate::render::Style;
use crate::render::custody::{Chain, Link, Said, content, listed, name, signers};
use crate::render::text::{bytes, columns, shorten};
use crate::report::Custody;

/// The widest that a box gets; longer lines are hard to follow.
const WIDEST: usize = 78;

/// How many layers of a group are drawn unless all are asked for.
const LAYERS: usize = 6;

/// The columns that a role needs at least beside a stamp.
const ROLE: usize = 12;

/// The blanks before a box, and before an arrow.
const MARGIN: &str = "  ";
const ARROW: &str = "       ";

/// The picture, ending with a new line.
pub(super) fn picture(chain: &Chain<'_>, style: &Style) -> String {
    let mut drawn = Drawing {
        style,
        width: style.width.min(WIDEST),
        text: String::new(),
    };
    drawn.whole(chain);
    match chain.links.last() {
        Some(last) => drawn.arrow(&last.handed()),
        None => drawn.arrow(&Said::bad("BROKEN: nobody added a layer")),
    }
    for link in chain.links.iter().rev() {
        drawn.link(chain, link);
        if let Some(said) = link.verified() {
            drawn.arrow(&said);
        }
    }
    drawn.text
}

struct Drawing<'a> {
    style: &'a Style,
    width: usize,
    text: String,
}

/// A line of a box: words on the left, words on the right, and whether they are as they should be.
struct Inside {
    left: String,
    right: String,
    is_good: bool,
}

impl Inside {
    fn new(left: impl Into<String>, right: impl Into<String>, is_good: bool) -> Self {
        Self {
            left: left.into(),
            right: right.into(),
            is_good,
        }
    }
}

impl Drawing<'_> {
    /// The finished image, and who signed it.
    fn whole(&mut self, chain: &Chain<'_>) {
        let custody = chain.custody;
        let image = harmless(&format!("finished image {}", name(&custody.image)));
        let mut lines = vec![Inside::new(shorten(&image, self.room()), "", true)];
        let digest = harmless(&name(&custody.digest));
        if !custody.digest.is_empty() {
            lines.push(Inside::new(shorten(&digest, self.room()), "", true));
        }
        let who = signers(custody);
        let signed = match who.is_empty() {
            true => "signed as a whole by nobody".to_owned(),
            false => format!("signed as a whole by {}", listed(who.into_iter())),
        };
        self.words(&mut lines, &signed, true);
        let wrong = chain.wrong_whole();
        for words in &wrong {
            self.words(&mut lines, &format!("! {words}"), false);
        }
        self.boxed(&lines, wrong.is_empty());
    }

    /// A group, its stamp and its layers.
    fn link(&mut self, chain: &Chain<'_>, link: &Link) {
        let stamp = &link.stamp;
        let role = harmless(&link.role);
        let mark = harmless(&format!("[ {} ]", stamp.long()));
        let mark = shorten(&mark, self.room());
        let mut lines = Vec::new();
        let left = self.room().saturating_sub(columns(&mark) + 2);
        if left < columns(&role).min(ROLE) {
            lines.push(Inside::new(shorten(&role, self.room()), "", true));
            lines.push(Inside::new("", mark, stamp.is_good()));
        } else {
            lines.push(Inside::new(shorten(&role, left), mark, stamp.is_good()));
        }
        let mut is_good = stamp.is_good() && !link.layers.is_empty();
        if link.layers.is_empty() {
            self.words(&mut lines, "! has no layer here", false);
        }
        let shown = if self.style.all { usize::MAX } else { LAYERS };
        for at in link.layers.clone() {
            let wrong = chain.wrong(link, at);
            is_good &= wrong.is_empty();
            // What is wrong is drawn wherever it stands.
            if at - link.layers.start < shown || !wrong.is_empty() {
                self.layer(&mut lines, chain.custody, at, &wrong);
            }
        }
        let sound = |at: &usize| chain.wrong(link, *at).is_empty();
        let hidden = link.layers.clone().skip(shown).filter(sound).count();
        if hidden > 0 {
            self.words(
                &mut lines,
                &format!("and {hidden} more in which nothing is wrong"),
                true,
            );
        }
        self.boxed(&lines, is_good);
    }

    fn layer(&self, lines: &mut Vec<Inside>, custody: &Custody, at: usize, wrong: &[&str]) {
        let Some(layer) = custody.layers.get(at) else {
            return;
        };
        let text = format!("layer {at}: {}, {}", bytes(layer.size), content(layer));
        self.words(lines, &text, true);
        for words in wrong {
            self.words(lines, &format!("! {words}"), false);
        }
    }

    /// Adds words to a box, on as many lines as they take.
    fn words(&self, lines: &mut Vec<Inside>, text: &str, is_good: bool) {
        let folded = folded(text, self.room());
        lines.extend(
            folded
                .into_iter()
                .map(|line| Inside::new(line, "", is_good)),
        );
    }

    /// The columns within a box.
    fn room(&self) -> usize {
        self.width.saturating_sub(MARGIN.len() + 4).max(20)
    }

    fn boxed(&mut self, lines: &[Inside], is_good: bool) {
        let [corners, flat, side] = match is_good {
            true => ["┌┐└┘", "─", "│"],
            false => ["╔╗╚╝", "═", "║"],
        };
        let corner: Vec<char> = corners.chars().collect();
        let tone = |text: &str| match is_good {
            true => text.to_owned(),
            false => ink(self.style, Ink::Bad, text),
        };
        let room = self.room();
        let edge = flat.repeat(room + 2);
        let top = tone(&format!("{}{edge}{}", corner[0], corner[1]));
        let bottom = tone(&format!("{}{edge}{}", corner[2], corner[3]));
        let side = tone(side);
        let mut text = format!("{MARGIN}{top}\n");
        for (at, line) in lines.iter().enumerate() {
            let pad = room.saturating_sub(columns(&line.left) + columns(&line.right));
            let (left, right) = self.inked(line, at == 0);
            text.push_str(&format!("{MARGIN}{side} {left}{:pad$}{right} {side}\n", ""));
        }
        text.push_str(&format!("{MARGIN}{bottom}\n"));
        self.text.push_str(&text);
    }

    fn inked(&self, line: &Inside, is_title: bool) -> (String, String) {
        let bad = |text: &str| ink(self.style, Ink::Bad, text);
        let left = match (is_title, line.is_good || !line.right.is_empty()) {
            (true, _) => ink(self.style, Ink::Bold, &line.left),
            (false, true) => line.left.clone(),
            (false, false) => bad(&line.left),
        };
        let right = match (line.right.is_empty(), line.is_good) {
            (true, _) => String::new(),
            (false, true) => ink(self.style, Ink::Good, &line.right),
            (false, false) => bad(&line.right),
        };
        (left, right)
    }

    /// From one box up to the next, and what is said of the way.
    fn arrow(&mut self, said: &Said) {
        let (tip, line, tone) = match said.is_good {
            true => ("▲", "│", Ink::Good),
            false => ("╳", "┆", Ink::Bad),
        };
        let tip = ink(self.style, tone, tip);
        let line = ink(self.style, tone, line);
        self.text.push_str(&format!("{ARROW}{tip}\n"));
        let width = self.width.saturating_sub(ARROW.len() + 3);
        for words in folded(&said.words, width) {
            let words = match said.is_good {
                true => words,
                false => ink(self.style, Ink::Bad, &words),
            };
            self.text.push_str(&format!("{ARROW}{line}  {words}\n"));
        }
    }
}

//! The section on the custody of the image: a row for each layer, and what is wrong.

use super::{Page, cell, prose};
use crate::render::custody::{
    Chain, content, kind, listed, meaning, name, place, signers, verdict,
};
use crate::render::text::{bytes, shorten};
use crate::report::{Custody, CustodyVerdict, Report};

/// How long a name or a sentence may be: a comment on a pull request has an end.
const LONGEST: usize = 300;

impl Page {
    pub(super) fn custody(&mut self, report: &Report) {
        let Some(custody) = &report.custody else {
            return;
        };
        let title = format!("The image: {}", verdict(custody));
        let folded = custody.verdict == CustodyVerdict::Holds;
        match folded {
            true => self.fold(&title),
            false => self.line(&format!("\n### {title}\n")),
        }
        let image = cell(&short(&name(&custody.image)));
        let meaning = meaning(custody);
        let signed = match listed(signers(custody).into_iter()) {
            none if none.is_empty() => "nobody".to_owned(),
            who => prose(&short(&who)),
        };
        let words = format!("{image}: {meaning}; signed as a whole by {signed}.\n");
        self.line(&words);
        self.layers(custody);
        for problem in custody.problems.iter().take(self.most) {
            let place = prose(&short(&place(custody, problem)));
            let message = prose(&short(&problem.message));
            self.line(&format!("- {place} {}: {message}", kind(problem.kind)));
        }
        self.rest(custody.problems.len());
        if folded {
            self.unfold();
        }
    }

    fn layers(&mut self, custody: &Custody) {
        if custody.layers.is_empty() {
            return self.line("It has no layers.\n");
        }
        self.line("| layer | of | size | holds | stamp | what was received | wrong |");
        self.line("|---|---|---|---|---|---|---|");
        let most = self.most;
        let chain = Chain::of(custody);
        for link in &chain.links {
            let stamp = prose(&short(&link.stamp.long()));
            let received = &link.received.words;
            for at in link.layers.clone().take_while(|at| *at < most) {
                let Some(layer) = custody.layers.get(at) else {
                    continue;
                };
                let role = prose(&short(&name(&layer.role)));
                let (size, content) = (bytes(layer.size), content(layer));
                let wrong = chain.wrong(link, at).join("; ");
                self.line(&format!(
                    "| {at} | {role} | {size} | {content} | {stamp} | {received} | {wrong} |"
                ));
            }
        }
        self.rest(custody.layers.len());
        if !custody.problems.is_empty() {
            self.line("");
        }
    }
}

fn short(text: &str) -> String {
    shorten(text, LONGEST)
}

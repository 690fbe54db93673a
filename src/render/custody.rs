//! The custody of an image in words that its forms share: whose part of the image is which, what is
//! said of each stamp and of each hand-over, and what is wrong in short.
//!
//! Nothing is decided here: what holds and what does not was found before.

use std::collections::BTreeSet;
use std::ops::Range;

use super::text::count;
use super::words::visible;
use crate::path::escape;
use crate::report::{
    Custody, CustodyLayer, CustodyProblem, CustodyVerdict, Handover, ImageSignature, ProblemKind,
};

/// How many names stand in a line before the others are counted.
const NAMES: usize = 4;

/// The chain of an image, ready to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Chain<'a> {
    /// What was found.
    pub(crate) custody: &'a Custody,
    /// Its links, the first group first. Every layer is in exactly one.
    pub(crate) links: Vec<Link>,
    /// What is wrong with each layer.
    kinds: Vec<BTreeSet<ProblemKind>>,
    /// What is wrong with the image as a whole.
    whole: BTreeSet<ProblemKind>,
}

/// One group's part of the chain.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// The role, as it may be shown.
    pub(crate) role: String,
    /// What there is of its stamp.
    pub(crate) stamp: Stamp,
    /// Whether it verified what it received, in few words.
    pub(crate) received: Said,
    /// The numbers of its own layers; all below them it received.
    pub(crate) layers: Range<usize>,
}

/// A sentence, and whether it is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The words.
    pub(crate) words: String,
    /// Whether they tell of nothing wrong.
    pub(crate) is_good: bool,
}

/// What there is of a group's stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// It is there, of these keys.
    By(String),
    /// Fewer keys than the policy asks for gave it.
    TooFew(String),
    /// It was given upon another hand-over than the one that is here.
    UponAnother,
    /// It is of other layers.
    OfOthers,
    /// It is of a key that may not give it.
    WrongKey,
    /// There is none.
    None,
    /// The layers are in no hand-over.
    InNoHandover,
}

impl Stamp {
    /// Whether it is there, as it should be.
    pub(crate) fn is_good(&self) -> bool {
        matches!(self, Self::By(_))
    }

    /// For the cell of a table.
    pub(crate) fn short(&self) -> String {
        match self {
            Self::By(keys) if keys.is_empty() => "stamped".to_owned(),
            Self::By(keys) => keys.clone(),
            Self::TooFew(keys) => format!("TOO FEW: {keys}"),
            Self::UponAnother => "OTHER CHAIN".to_owned(),
            Self::OfOthers => "OTHER LAYERS".to_owned(),
            Self::WrongKey => "WRONG KEY".to_owned(),
            Self::None => "NO STAMP".to_owned(),
            Self::InNoHandover => "NOBODY".to_owned(),
        }
    }

    /// For a picture.
    pub(crate) fn long(&self) -> String {
        match self {
            Self::By(keys) if keys.is_empty() => "stamped".to_owned(),
            Self::By(keys) => format!("stamped by {keys}"),
            Self::TooFew(keys) => format!("STAMPED BY TOO FEW: {keys}"),
            Self::UponAnother => "STAMPED UPON ANOTHER HAND-OVER".to_owned(),
            Self::OfOthers => "STAMP OF OTHER LAYERS".to_owned(),
            Self::WrongKey => "STAMP OF A WRONG KEY".to_owned(),
            Self::None => "NO STAMP".to_owned(),
            Self::InNoHandover => "IN NO HAND-OVER".to_owned(),
        }
    }
}

impl<'a> Chain<'a> {
    /// The chain of an image.
    pub(crate) fn of(custody: &'a Custody) -> Self {
        let mut chain = Self {
            custody,
            links: Vec::new(),
            kinds: vec![BTreeSet::new(); custody.layers.len()],
            whole: BTreeSet::new(),
        };
        for problem in &custody.problems {
            let layer = problem.layer.and_then(|at| chain.kinds.get_mut(at));
            layer.unwrap_or(&mut chain.whole).insert(problem.kind);
        }
        let mut from = 0;
        for handover in &custody.handovers {
            let to = handover.layers.clamp(from, custody.layers.len());
            chain.links.push(chain.link(handover, from..to));
            from = to;
        }
        let handed = chain.links.len();
        for (at, layer) in custody.layers.iter().enumerate().skip(from) {
            let role = name(&layer.role);
            match chain.links.get_mut(handed..).and_then(<[Link]>::last_mut) {
                Some(last) if last.role == role => last.layers.end = at + 1,
                _ => chain.links.push(Link {
                    role,
                    stamp: Stamp::InNoHandover,
                    received: Said::bad("not known"),
                    layers: at..at + 1,
                }),
            }
        }
        chain
    }

    fn link(&self, handover: &Handover, layers: Range<usize>) -> Link {
        let keys = listed(handover.keys.iter().map(|key| name(key)));
        let kinds = self.kinds.get(layers.clone()).unwrap_or_default();
        let has = |kind| kinds.iter().any(|kinds| kinds.contains(&kind));
        let stamp = match (handover.is_stamped, keys.is_empty()) {
            (true, _) => Stamp::By(keys),
            (false, false) => Stamp::TooFew(keys),
            _ if has(ProblemKind::Chain) => Stamp::UponAnother,
            _ if has(ProblemKind::OtherLayers) => Stamp::OfOthers,
            _ if has(ProblemKind::WrongKey) => Stamp::WrongKey,
            _ => Stamp::None,
        };
        let received = match handover.received_verified {
            Some(true) => Said::good("verified"),
            Some(false) => Said::bad("NOT VERIFIED"),
            None if layers.start == 0 => Said::good("is the first"),
            None => Said::bad("not known"),
        };
        Link {
            role: name(&handover.role),
            stamp,
            received,
            layers,
        }
    }

    /// What is wrong with a layer of a link, in short, each kind once; but for what is told of the
    /// link's stamp.
    pub(crate) fn wrong(&self, link: &Link, at: usize) -> Vec<&'static str> {
        let (Some(kinds), Some(layer)) = (self.kinds.get(at), self.custody.layers.get(at)) else {
            return Vec::new();
        };
        let mut told = kinds.clone();
        if !link.stamp.is_good() {
            told.retain(|kind| !STAMPS.contains(kind));
        }
        let mut words: Vec<&str> = told.into_iter().map(kind).collect();
        if !layer.is_sound && UNSOUND.iter().all(|kind| !kinds.contains(kind)) {
            words.push("is not sound");
        }
        if layer.ledger_agrees == Some(false) && !kinds.contains(&ProblemKind::Ledger) {
            words.push(kind(ProblemKind::Ledger));
        }
        words
    }

    /// What is wrong with the image as a whole, in short: each kind once.
    pub(crate) fn wrong_whole(&self) -> Vec<&'static str> {
        self.whole.iter().copied().map(kind).collect()
    }

    /// How many layers there are, and of whom.
    pub(crate) fn summary(&self) -> String {
        let layers = count(self.custody.layers.len() as u64, "layer", "layers");
        let mut seen = BTreeSet::new();
        let roles = self.links.iter().map(|link| &link.role);
        let roles: Vec<String> = roles.filter(|role| seen.insert(*role)).cloned().collect();
        match roles.is_empty() {
            true => layers,
            false => format!("{layers} of {}", listed(roles.into_iter())),
        }
    }
}

/// What is told where the stamp is.
const STAMPS: &[ProblemKind] = &[
    ProblemKind::Unstamped,
    ProblemKind::WrongKey,
    ProblemKind::OtherLayers,
    ProblemKind::Chain,
];

/// Why a layer is not sound.
const UNSOUND: &[ProblemKind] = &[
    ProblemKind::Blob,
    ProblemKind::Archive,
    ProblemKind::Document,
];

impl Link {
    /// Whether the group verified what it received, as a sentence; none where it received nothing.
    pub(crate) fn verified(&self) -> Option<Said> {
        let below = count(self.layers.start as u64, "layer", "layers");
        let role = &self.role;
        match (self.received.is_good, self.layers.start) {
            (true, 0) => None,
            (true, _) => Some(Said::good(&format!(
                "{role} verified the {below} it received"
            ))),
            (false, _) => Some(Said::bad(&format!(
                "BROKEN: not shown that {role} verified the {below} it received"
            ))),
        }
    }

    /// How its part became the finished image, where it is the last.
    pub(crate) fn handed(&self) -> Said {
        match self.stamp.is_good() {
            true => Said::good(&format!("{} handed it over", self.role)),
            false => Said::bad(&format!("BROKEN: no stamp of {} vouches for it", self.role)),
        }
    }
}

impl Said {
    /// What is as it should be.
    pub(crate) fn good(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            is_good: true,
        }
    }

    /// What is not.
    pub(crate) fn bad(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            is_good: false,
        }
    }
}

/// The verdict in two words.
pub(crate) fn verdict(custody: &Custody) -> &'static str {
    match custody.verdict {
        CustodyVerdict::Holds => "custody holds",
        CustodyVerdict::Broken => "custody broken",
    }
}

/// What the verdict means for this image.
pub(crate) fn meaning(custody: &Custody) -> String {
    match (custody.verdict, custody.problems.len()) {
        (CustodyVerdict::Holds, _) => "every layer is what its group stamped, and every group \
                                       verified what it received"
            .to_owned(),
        (CustodyVerdict::Broken, 0) => "what is wrong was not told".to_owned(),
        (CustodyVerdict::Broken, many) => {
            format!("{} wrong", count(many as u64, "thing is", "things are"))
        }
    }
}

/// What a problem is of: the image, or a layer with its number and role.
pub(crate) fn place(custody: &Custody, problem: &CustodyProblem) -> String {
    let Some(at) = problem.layer else {
        return "the image".to_owned();
    };
    match custody.layers.get(at) {
        Some(layer) => format!("layer {at} of {}", name(&layer.role)),
        None => format!("layer {at}"),
    }
}

/// A kind of problem in words that follow on "it".
pub(crate) fn kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Blob => "is missing, cut off or not what its digest says",
        ProblemKind::Archive => "holds what leads programs astray, or is no archive",
        ProblemKind::Document => "contradicts the image's documents",
        ProblemKind::Order => "is of no role, or not in its place",
        ProblemKind::Unstamped => "lacks a stamp",
        ProblemKind::WrongKey => "has a stamp of a key that may not give it",
        ProblemKind::OtherLayers => "has a stamp of other layers",
        ProblemKind::Chain => "does not follow on what was handed over",
        ProblemKind::Trespass => "touches what its role may not touch",
        ProblemKind::Ledger => "is not what its ledger tells",
        ProblemKind::Signature => "lacks a signature, or has one of another image",
        ProblemKind::Expired => "is judged by a policy that has expired",
    }
}

/// What is in a layer.
pub(crate) fn content(layer: &CustodyLayer) -> String {
    format!(
        "{}, {}",
        count(layer.entries, "entry", "entries"),
        count(layer.packages, "package", "packages")
    )
}

/// Who signed the finished image, each role and key once.
pub(crate) fn signers(custody: &Custody) -> Vec<String> {
    let who =
        |signature: &ImageSignature| format!("{} {}", name(&signature.role), name(&signature.key));
    let all: BTreeSet<String> = custody.signatures.iter().map(who).collect();
    all.into_iter().collect()
}

/// The first names of many, and how many more there are.
pub(crate) fn listed(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    let many = names.len();
    names.truncate(NAMES);
    let more = match many.saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names.join(", "))
}

/// A name from outside, as it may be shown; what has none is nobody's.
pub(crate) fn name(text: &str) -> String {
    match text {
        "" => "nobody".to_owned(),
        text => escape(text.as_bytes()).into_owned(),
    }
}

/// A sentence in which names may stand that were escaped before.
pub(crate) fn sentence(text: &str) -> String {
    text.chars().map(visible).collect()
}

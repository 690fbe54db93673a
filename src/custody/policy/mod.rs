//! Whom to trust with what: the roles in the order of their layers, their keys, and what each may
//! touch.

mod builtin;
mod file;

use crate::policy::{Day, Fault, places::Pattern};

use super::{PublicKey, Shape, Touch, Touched};
use crate::path::AppPath;
pub use file::{schema, template};

/// The rules of custody.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The roles, that of the lowest layer first.
    pub roles: Vec<Role>,
    /// The last day on which it holds; only the rules that are built in have none.
    pub expires: Option<Day>,
    /// The name with tag that signatures must name, as docker writes it.
    pub image: Option<String>,
    /// The first day on which a stamp on a finished image may have been made.
    pub not_before: Option<Day>,
    /// The least number that a finished image may have.
    pub min_version: Option<u64>,
    /// Whether every role must have signed the finished image, beside its own hand-over.
    pub countersigned: bool,
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name, as layers and stamps have it.
    pub name: String,
    /// The keys of the group that has it.
    pub keys: Vec<PublicKey>,
    /// How many of them must have stamped.
    pub threshold: usize,
    /// What it may add.
    pub may_add: Vec<Pattern>,
    /// What of others it may change or remove.
    pub may_change: Vec<Pattern>,
    /// What it may neither add, change nor remove, whatever stands above.
    pub never: Vec<Pattern>,
    /// What of the image's configuration it may set: `User`, `Env`, `Env.NAME`. None where nothing is
    /// said: then everything, but what makes each program run another role's file.
    pub may_set: Option<Vec<String>>,
}

/// Something that a layer touches and may not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trespass {
    /// What it touches.
    pub touched: Touched,
    /// The rule that it breaks, in a few words.
    pub rule: String,
}

impl Policy {
    /// The rules that hold where nobody gave others: three roles, nobody's keys. Each may add what
    /// it likes but what would give it the whole image, and changes nothing of another's.
    #[must_use]
    pub fn built_in() -> Self {
        builtin::policy()
    }

    /// Reads the text of `file`. `open` gives the text of a key's file as it is named there.
    ///
    /// # Errors
    /// Every mistake that can be told at once.
    pub fn read(
        file: &str,
        text: &str,
        open: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, Vec<Fault>> {
        file::read(file, text, open)
    }

    /// A role.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The place of a role in the order.
    #[must_use]
    pub fn rank(&self, name: &str) -> Option<usize> {
        self.roles.iter().position(|role| role.name == name)
    }

    /// The role whose key this is.
    #[must_use]
    pub fn holder(&self, key: &PublicKey) -> Option<&Role> {
        self.roles.iter().find(|role| role.keys.contains(key))
    }

    /// What of `touched` a layer of `role` may not touch; all of it, when there is no such role.
    #[must_use]
    pub fn trespasses(&self, role: &str, touched: &[Touched]) -> Vec<Trespass> {
        let rule = |touched: &Touched| match self.role(role) {
            None => Some(format!("the policy has no role {role}")),
            Some(role) => role.forbids(touched),
        };
        touched
            .iter()
            .filter_map(|touched| {
                let rule = rule(touched)?;
                let touched = touched.clone();
                Some(Trespass { touched, rule })
            })
            .collect()
    }
}

impl Role {
    /// Whether it may set something of the configuration, `User` or `Env.NAME`.
    #[must_use]
    pub fn may_set(&self, name: &str) -> bool {
        let is_env = name.starts_with("Env.");
        let covers = |given: &String| given == name || (is_env && given == "Env");
        self.may_set
            .as_ref()
            .is_none_or(|given| given.iter().any(covers))
    }

    /// Whether the policy says of this very setting that it may set it.
    #[must_use]
    pub fn sets(&self, name: &str) -> bool {
        self.may_set.iter().flatten().any(|given| given == name)
    }

    /// Whether it may put a file in front of another's of the same name.
    #[must_use]
    pub fn may_hide(&self, hidden: &AppPath) -> bool {
        self.may_change.iter().any(|pattern| pattern.covers(hidden))
    }

    /// Why it may not touch a path; None when it may.
    fn forbids(&self, touched: &Touched) -> Option<String> {
        let path = &touched.path;
        let covers = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.covers(path));
        if covers(&self.never) {
            return Some(format!("{} never touches it", self.name));
        }
        match (touched.touch, touched.of.as_deref()) {
            (Touch::Add, _) | (_, None) => {
                // Directories lead to what is added, and what is empty is a place to mount at.
                let is_place = match touched.shape {
                    Shape::Dir => true,
                    Shape::Empty => builtin::is_mounted_at(path),
                    Shape::Full | Shape::Gone => false,
                };
                let may = is_place || covers(&self.may_add);
                (!may).then(|| format!("{} may not add it", self.name))
            }
            (_, Some(of)) if of == self.name => None,
            (touch, Some(of)) => {
                let word = match touch {
                    Touch::Remove => "remove",
                    _ => "change",
                };
                let may = covers(&self.may_change);
                (!may).then(|| format!("it is {of}'s, and {} may not {word} it", self.name))
            }
        }
    }
}

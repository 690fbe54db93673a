//! What a process is given by whoever starts it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::path::AppPath;

/// What a start says of its own process, in the line or section that has the command; what a whole
/// file says, as a unit does, stands in facts of its own.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Given {
    /// User name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Group name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<AppPath>,
    /// The environment, by name; absent is a value that may be a secret or is not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Option<String>>,
    /// The mask of new files' rights, in octal digits (umask(2)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub umask: Option<String>,
    /// How many processes of this kind run side by side, where it is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The signal that ends it, as its starter names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// How long it may take to end, as its starter writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_time: Option<String>,
}

impl Given {
    /// Itself, unless it says nothing.
    #[must_use]
    pub fn told(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

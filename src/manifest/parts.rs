//! The files of an image's layers, as image making selects them.

use crate::path::AppPath;

/// What goes into each layer, the lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The layers that have something.
    pub layers: Vec<Part>,
    /// Why it is not all; absent when it is.
    pub failed: Option<String>,
}

/// What goes into a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Who answers for it.
    pub role: String,
    /// What is taken of the disk, each directory by itself, by real paths.
    pub paths: Vec<AppPath>,
    /// A tar archive of what the disk does not have, or not so; empty when there is nothing.
    pub made: Vec<u8>,
}

//! Joins over the whole tree: what one file alone does not say.

pub mod packages;

//! Joins over the whole tree: where the loader finds a library.

pub mod loader;

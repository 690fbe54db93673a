//! Commands that are more than a few lines, one a file: arguments as written, as meant, and the
//! exit code.

pub(crate) mod check;
mod check_forms;
pub(crate) mod day;
pub(crate) mod diff;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod mounts;
pub(crate) mod own_rules;
pub(crate) mod pack;
pub(crate) mod policy;
mod root;
mod settings;
pub(crate) mod sign;
pub(crate) mod survey;
pub(crate) mod traces;
pub(crate) mod verify;

//! What is asked of the readers of hostile input, one target for each kind: a function of bytes that
//! must end soon, in little memory, and without a panic.
//!
//! `tests/replay.rs` and the example `replay` give each target its seeds and changes of them on any
//! toolchain; the programs below `fuzz_targets` hand it to libFuzzer.

#![allow(
    clippy::disallowed_methods,
    reason = "what is read here lies in the repository, and is no audited disk"
)]

pub mod corpus;
pub mod mutate;
pub mod run;
pub mod targets;

pub use targets::{TARGETS, Target};

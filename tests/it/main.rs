//! The integration tests: one binary, one module for each promise.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads what it made"
)]
mod command;
mod hostile;
mod judged;
mod layers;
mod pipeline;
mod rules;
mod samples;
mod loader_cases;

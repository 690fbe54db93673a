//! The integration tests: one binary, one module for each promise.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads what it made"
)]
mod alone;
mod bases;
mod check;
mod command;
mod copy;
mod custody;
mod custody_shown;
mod customs;
mod diff;
mod docs;
mod elf;
mod elf_fixture;
mod examples;
mod followed;
mod formats;
mod help;
mod homemade;
mod hostile;
mod hostile_names;
mod hostile_reports;
mod invariants;
mod java;
mod judged;
mod keys;
mod lab;
mod layers;
mod led;
mod libs;
mod listened;
mod loader;
mod loader_cases;
mod manifest;
mod migrate;
mod modules;
mod named;
mod named_places;
mod opened;
mod pack;
mod pipeline;
mod planned;
mod planted;
mod proven;
mod read_secrets;
mod rules;
mod samples;
mod settings_said;
mod started;
mod told_settings;
mod trace;

//! seaworthy: whether a legacy Linux application will float in a container, with evidence.
pub mod extract;
pub mod fact;
pub mod link;
pub mod parse;
pub mod path;
pub mod report;
pub mod tree;

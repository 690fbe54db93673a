//! seaworthy: whether a legacy Linux application will float in a container, with evidence.
pub mod assess;
pub mod extract;
pub mod fact;
pub mod parse;
pub mod path;
pub mod report;
pub mod rule;
pub mod tree;

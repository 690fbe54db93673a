//! Bytes in, structs out. Every parser is total: no panic, no read beyond its bounds, no recursion
//! without a limit, no allocation from a size that the input claims; what it does not understand
//! it leaves out or reports, and goes on.

pub mod op;
pub mod read;
#[cfg(feature = "scripting")]
pub mod script;
pub mod shell;
mod value;

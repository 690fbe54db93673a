//! Bytes in, structs out. Every parser is total: no panic, no read beyond its bounds, no recursion
//! without a limit, no allocation from a size that the input claims; what it does not understand
//! it leaves out or reports, and goes on.

pub mod elf;
pub mod ld_cache;
pub mod ld_conf;
pub mod read;

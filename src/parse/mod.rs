//! Bytes in, structs out. Every parser is total: no panic, no read beyond its bounds, no recursion
//! without a limit, no allocation from a size that the input claims; what it does not understand
//! it leaves out or reports, and goes on.

pub mod accounts;
pub mod apk;
pub mod budget;
pub mod command_line;
pub mod config;
pub mod content;
pub mod copyright;
pub mod crontab;
pub mod deb822;
pub mod digest;
pub mod dpkg;
pub mod elf;
pub mod env_file;
pub mod fstab;
pub mod inetd;
#[cfg(feature = "scripting")]
pub mod java;
pub mod ld_cache;
pub mod ld_conf;
pub mod line;
pub mod literal;
pub mod logrotate;
pub mod manager;
pub mod manual;
pub mod mask;
pub mod nsswitch;
pub mod op;
pub mod openssl_conf;
pub mod os_release;
pub mod pam;
pub mod parts;
pub mod read;
pub mod rpm;
#[cfg(feature = "scripting")]
pub mod script;
pub mod shell;
pub mod supervisor;
pub mod sysctl;
pub mod sysusers;
pub mod tmpfiles;
pub mod trace;
pub mod udev;
pub mod unit;
pub mod upstart;
mod value;
mod variables;
pub mod web;
pub mod windows;

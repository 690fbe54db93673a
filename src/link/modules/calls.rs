//! Which library calls of an object say that it opens something by name.

use crate::parse::elf::{Elf, imports};
use crate::parse::read::ReadAt;

/// The calls of an object that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::link) struct Calls {
    /// dlopen(3) and what GLib and libltdl make of it.
    pub(super) dlopen: bool,
    /// Users and groups are looked up.
    pub(super) users: bool,
    /// Hosts are looked up.
    pub(super) hosts: bool,
    /// Services and protocols are looked up.
    pub(super) services: bool,
    /// iconv(3).
    pub(super) converts: bool,
    /// pam_start(3).
    pub(super) pam: bool,
}

impl Calls {
    /// Reads the names that an object imports.
    pub(super) fn of(elf: &Elf, head: &[u8], source: &dyn ReadAt) -> Self {
        let mut calls = Self::default();
        imports(elf, head, source, |import| calls.note(import.name));
        calls
    }

    fn note(&mut self, name: &[u8]) {
        let begins = |stems: &[&[u8]]| stems.iter().any(|stem| name.starts_with(stem));
        match name {
            b"dlopen" | b"dlmopen" | b"g_module_open" | b"g_module_open_full" => self.dlopen = true,
            b"iconv_open" | b"g_iconv_open" => self.converts = true,
            b"pam_start" | b"pam_start_confdir" => self.pam = true,
            b"getnameinfo" => self.hosts = true,
            b"getaddrinfo" => {
                self.hosts = true;
                self.services = true;
            }
            _ if begins(&[b"lt_dlopen"]) => self.dlopen = true,
            _ if begins(&[b"getpw", b"getgr", b"getsp", b"initgroups", b"innetgr"]) => {
                self.users = true;
            }
            _ if begins(&[b"gethostby", b"gethostent", b"getnetby"]) => self.hosts = true,
            _ if begins(&[b"getserv", b"getproto", b"getrpc"]) => self.services = true,
            _ => {}
        }
    }
}

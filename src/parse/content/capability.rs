//! The capabilities of a program file, from its extended attribute.

/// Names by number (capabilities(7), include/uapi/linux/capability.h).
const NAMES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// The names of the permitted and inheritable capabilities in a `security.capability` attribute
/// (`struct vfs_cap_data`: a revision, then permitted and inheritable, 32 bits at a time; revision
/// 1 has one such pair, 2 and 3 have two). A number without a name, or another form, is left out.
#[must_use]
pub fn names(attribute: &[u8]) -> Vec<&'static str> {
    let word = |at: usize| {
        let four = attribute.get(at..).and_then(|rest| rest.first_chunk::<4>());
        four.map_or(0, |four| u64::from(u32::from_le_bytes(*four)))
    };
    let pairs = match word(0) >> 24 {
        1 => 1,
        2 | 3 => 2,
        _ => return Vec::new(),
    };
    let low = word(4) | word(8);
    let high = if pairs == 2 { word(12) | word(16) } else { 0 };
    let set = low | high << 32;
    let named = NAMES.iter().enumerate();
    named
        .filter(|(number, _)| set >> number & 1 == 1)
        .map(|(_, name)| *name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_names_its_capabilities() {
        let mut attribute = [0; 20];
        attribute[..4].copy_from_slice(&0x0200_0001_u32.to_le_bytes());
        attribute[4..8].copy_from_slice(&(1_u32 << 10 | 1 << 13).to_le_bytes());
        attribute[12..16].copy_from_slice(&(1_u32 << 7).to_le_bytes());
        assert_eq!(
            names(&attribute),
            ["cap_net_bind_service", "cap_net_raw", "cap_bpf"]
        );
    }

    #[test]
    fn what_is_no_such_attribute_names_nothing() {
        assert!(names(b"").is_empty());
        assert!(names(&[0xff; 24]).is_empty());
        assert!(names(&[0, 0, 0, 2]).is_empty());
    }
}

//! Where an application listens when no setting in use names the port, and what only looks like a port of
//! its own.

use crate::settings_said::{Disk, ports};

const CONF: &str = "/opt/heron/etc/heron.conf";

/// The ports of a root with that file of settings.
fn with(path: &str, text: &str) -> Vec<String> {
    let disk = Disk::new();
    disk.text(path, text);
    ports(&disk.report())
}

/// The ports of a root whose service runs a program of that name.
fn run(program: &str, settings: &str) -> Vec<String> {
    let disk = Disk::new();
    let path = format!("/opt/heron/bin/{program}");
    disk.text(&path, "#!/bin/sh\nsleep 9\n");
    disk.text(
        "/etc/systemd/system/heron.service",
        &format!("[Service]\nExecStart={path}\n"),
    );
    disk.text(CONF, settings);
    ports(&disk.report())
}

#[test]
fn a_setting_that_is_switched_off_tells_the_default() {
    for (text, want) in [
        (
            "# Port to listen on. The default is 4317.\n#port = 4317\nname = x\n",
            "4317/tcp service -",
        ),
        (
            "service web {\n  inet_listener web {\n    #port = 4318\n  }\n}\n",
            "4318/tcp service -",
        ),
        (
            "name \"x\"\n# The port that answers requests\n# default: 4319\n# query_port 4319\n",
            "4319/tcp service -",
        ),
    ] {
        assert_eq!(with(CONF, text), [want], "{text}");
    }
}

#[test]
fn a_default_of_something_else_is_no_port_of_its_own() {
    for text in [
        "# The port where messages are sent.\n# Default:\n# announce_port 4320\nname x\n",
        "# Port of the metrics exporter to listen on, default 9102\n#metrics_port = 9102\nname = x\n",
        "# Port of the remote database, default 5432\n#db_port = 5432\nname = x\n",
    ] {
        assert!(with(CONF, text).is_empty(), "{text}");
    }
    let moved = "# Port to listen on, default 4317\n#port = 4317\nport = 5317\n";
    assert_eq!(with(CONF, moved), ["5317/tcp service -"]);
}

#[test]
fn a_known_server_opens_what_its_manual_says() {
    assert_eq!(run("memcached", "verbose = yes\n"), ["11211/tcp service -"]);
    assert_eq!(run("snmptrapd", "verbose = yes\n"), ["162/udp service -"]);
    assert_eq!(run("memcached", "port = 11300\n"), ["11300/tcp service -"]);
    // Who steers it is let in beside what the settings name.
    assert_eq!(
        run("named", "options {\n  listen-on port 5300 { any; };\n};\n"),
        ["953/tcp control 127.0.0.1", "5300/tcp service -"]
    );
}

#[test]
fn a_manual_page_beside_the_program_tells_its_port() {
    for (page, text) in [
        (
            "/usr/share/man/man8/herond.8",
            ".TH HEROND 8\n.TP\n\\fB\\-p\\fR \\fIport\\fR\nThe default port is 4321.\n",
        ),
        (
            "/opt/heron/share/man/man1/herond.1",
            ".Sh DESCRIPTION\n.Nm\nlistens on TCP port 4321.\n",
        ),
        (
            "/usr/local/share/man/man8/herond.8",
            ".TP\n--listen=PORT\nport to listen on (default: 4321)\n",
        ),
    ] {
        assert_eq!(with(page, text), ["4321/tcp service -"], "{text}");
    }
    let other = ".TP\n--server=PORT\nport of the remote server to connect to (default: 4321)\n";
    assert!(with("/usr/share/man/man8/herond.8", other).is_empty());
}

#[test]
fn services_5_has_a_port_for_the_programs_name() {
    let disk = Disk::new();
    disk.text("/etc/services", "ssh 22/tcp\nheron 4322/udp # birds\n");
    assert_eq!(ports(&disk.report()), ["4322/udp service -"]);
}

#[test]
fn ranges_lists_and_names_are_ports() {
    let found = with(
        "/opt/heron/etc/heron.conf",
        "listen {\n  port = 6665 .. 6667;\n};\n",
    );
    assert_eq!(
        found,
        [
            "6665/tcp service -",
            "6666/tcp service -",
            "6667/tcp service -"
        ]
    );
    let found = with(
        CONF,
        "SERVICES {\n  imap cmd=\"imapd -U 30\" listen=\"imap\" prefork=0\n}\n",
    );
    assert_eq!(found, ["143/tcp service -"]);
    assert_eq!(
        with(CONF, ":8099 {\n  root /srv/www\n}\n"),
        ["8099/tcp service -"]
    );
    // What connections open is no port to publish one by one.
    assert!(with(CONF, "passive_port = 50000-51000\n").is_empty());
}

#[test]
fn a_switch_beside_it_closes_a_port() {
    for text in [
        "[metrics]\nenabled = false\nport = 9102\n",
        "ENABLE_UDP_LISTENER = False\nUDP_RECEIVER_PORT = 2003\n",
        "status:\n  enabled: no\n  port: 9103\n",
    ] {
        assert!(with(CONF, text).is_empty(), "{text}");
    }
    let open = "ENABLE_UDP_LISTENER = True\nUDP_RECEIVER_PORT = 2003\n";
    assert_eq!(with(CONF, open), ["2003/udp service -"]);
}

#[test]
fn what_plugins_and_checks_ask_is_somebody_elses() {
    for path in [
        "/opt/heron/etc/plugin-conf.d/db.conf",
        "/opt/heron/etc/checks/db.conf",
        "/opt/heron/etc/probes/db.conf",
    ] {
        assert!(with(path, "port = 3307\n").is_empty(), "{path}");
    }
    assert_eq!(with(CONF, "port = 3307\n"), ["3307/tcp service -"]);
}

#[test]
fn a_section_is_for_the_program_that_is_called_after_it() {
    let text = "[cache]\nLINE_PORT = 2103\n[relay]\nLINE_PORT = 2113\n";
    assert_eq!(run("heron-cache", text), ["2103/tcp service -"]);
    assert_eq!(run("heron-relay.py", text), ["2113/tcp service -"]);
    let all = ["2103/tcp service -", "2113/tcp service -"];
    assert_eq!(run("herond", text), all);
}

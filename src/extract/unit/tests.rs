//! Units as they are found, and the facts they must give.

use super::*;
use crate::extract::testing::shown;

fn show(file: &str, text: &str) -> Vec<String> {
    let path = AppPath::new(file);
    let name = UnitName::of_file(&path).unwrap();
    let mut out = Out::default();
    facts(&Unit::parse(text.as_bytes()), &name, &[path], &mut out);
    shown(&out)
}

fn service(text: &str) -> Vec<String> {
    show(
        "/etc/systemd/system/app.service",
        &format!("[Service]\n{text}"),
    )
}

#[test]
fn directories_of_a_service_with_owner_link_and_mode() {
    assert_eq!(
        service(
            "User=app\nStateDirectory=app app/db:old\nStateDirectoryMode=0750\nConfigurationDirectory=app\nRuntimeDirectory=/abs ../up\nCacheDirectory=c::ro\n"
        ),
        [
            "3 RunsAs app - Declared".replace('3', "2"),
            "3 Path /var/lib/app Creates StateDirectory Dir Data Declared".into(),
            "3 Owned /var/lib/app app - 0750 Declared".into(),
            "3 Path /var/lib/app/db Creates StateDirectory Dir Data Declared".into(),
            "3 Owned /var/lib/app/db app - 0750 Declared".into(),
            "3 Path /var/lib/old Names StateDirectory Link Data Declared".into(),
            "7 Path /var/cache/c Reads CacheDirectory Dir Cache Declared".into(),
            "5 Path /etc/app Reads ConfigurationDirectory Dir Config Declared".into(),
        ]
    );
}

#[test]
fn a_forking_daemon_with_its_command_line_and_pid_file() {
    assert_eq!(
        service(
            "Type=forking\nPIDFile=app.pid\nEnvironment=\"CONF=/etc/app/a.conf\" DB_PASSWORD=hunter2\nEnvironmentFile=-/etc/default/app\nExecStart=/opt/app/bin/d -c $CONF --log=/var/log/app.log --token=hunter2\nExecStop=/bin/kill $MAINPID\n"
        ),
        [
            "6 Secret token --token Inferred",
            "6 Starts /opt/app/bin/d -c /etc/app/a.conf --log=/var/log/app.log --token={withheld} Unit app.service forks=true Declared",
            "6 Path /etc/app/a.conf Names -c ? ? Inferred",
            "6 Path /var/log/app.log Names --log ? ? Inferred",
            "7 Starts /bin/kill $MAINPID Unit app.service ExecStop forks=? Declared",
            "4 Env CONF=/etc/app/a.conf Declared",
            "4 Path /etc/app/a.conf Names CONF ? ? Inferred",
            "4 Env DB_PASSWORD Declared",
            "4 Secret password DB_PASSWORD Inferred",
            "2 Directive Type=forking Declared",
            "3 Path /run/app.pid Writes PIDFile File Runtime Declared",
            "5 Path /etc/default/app Reads EnvironmentFile (optional) File Config Declared",
        ]
    );
}

#[test]
fn a_template_keeps_its_instance_as_a_pattern() {
    let found = show(
        "/lib/systemd/system/app@.service",
        "[Service]\nExecStart=/usr/bin/app /etc/app/%i.conf\nRuntimeDirectory=app-%i\n",
    );
    assert!(found.contains(&"2 Path /etc/app/{instance}.conf Names argument ? ? Inferred".into()));
    assert!(
        found
            .iter()
            .any(|fact| fact.starts_with("3 Path /run/app-{instance} Creates"))
    );
}

#[test]
fn sandboxing_and_binds() {
    assert_eq!(
        service(
            "ReadWritePaths=-/var/lib/a +/srv/b\nReadOnlyPaths=/etc/a\nBindPaths=/data/x:/srv/x:rbind /srv/y\nTemporaryFileSystem=/var/tmp/z:ro /var/tmp/w\nStandardError=append:/var/log/a.err\nWorkingDirectory=~\n"
        ),
        [
            "6 Directive StandardError=append:/var/log/a.err Declared",
            "2 Path /var/lib/a Grants ReadWritePaths ? ? Declared",
            "2 Path /srv/b Grants ReadWritePaths ? ? Declared",
            "3 Path /etc/a Names ReadOnlyPaths ? ? Declared",
            "5 Path /var/tmp/z Names TemporaryFileSystem Dir Temp Declared",
            "5 Path /var/tmp/w Creates TemporaryFileSystem Dir Temp Declared",
            "4 Path /data/x Names BindPaths ? ? Declared",
            "4 Path /srv/x Grants BindPaths ? ? Declared",
            "4 Path /srv/y Grants BindPaths ? ? Declared",
            "7 Path /{home} Names WorkingDirectory Dir ? Declared",
            "6 Path /var/log/a.err Writes StandardError File Log Declared",
        ]
    );
}

#[test]
fn rights_limits_devices_and_credentials() {
    assert_eq!(
        service(
            "Group=data\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=cap_chown\nCapabilityBoundingSet=~CAP_SYS_ADMIN\nLimitNOFILE=65536\nNice=-5\nDeviceAllow=/dev/null rw\nDeviceAllow=char-rtc r\nLoadCredential=tls:/etc/app/key.pem\nSetCredential=x:hunter2\n"
        ),
        [
            "2 RunsAs root data Declared",
            "10 Secret credential tls Declared",
            "10 Path /etc/app/key.pem Reads LoadCredential ? Secret Declared",
            "11 Secret credential x Declared",
            "3 Needs Capability CAP_NET_BIND_SERVICE Declared",
            "4 Needs Capability CAP_CHOWN Inferred",
            "6 Needs Limit nofile Declared",
            "6 Directive LimitNOFILE=65536 Declared",
            "7 Needs Capability CAP_SYS_NICE Inferred",
            "9 Needs Device char-rtc Guessed",
            "7 Directive Nice=-5 Declared",
        ]
    );
}

#[test]
fn sockets_listen_and_name_what_they_wake() {
    let text = "[Socket]\nListenStream=/run/app.sock\nListenStream=[::]:8080\nListenDatagram=127.0.0.1:53\nListenStream=80\nAccept=yes\n";
    assert_eq!(
        show("/usr/lib/systemd/system/app.socket", text),
        [
            "2 Path /run/app.sock Creates ListenStream Socket Runtime Declared",
            "2 Listens unix ? /run/app.sock Declared",
            "3 Listens tcp 8080  Declared",
            "5 Listens tcp 80  Declared",
            "4 Listens udp 53 127.0.0.1 Declared",
            "6 Directive Accept=yes Declared",
        ]
    );
    let name = UnitName::parse(b"app.socket").unwrap();
    let unit = Unit::parse(text.as_bytes());
    assert_eq!(activates(&unit, &name).as_deref(), Some("app@.service"));
    let timer = UnitName::parse(b"x.timer").unwrap();
    let named = Unit::parse(b"[Timer]\nUnit=y.service\n");
    assert_eq!(activates(&named, &timer).as_deref(), Some("y.service"));
    assert_eq!(
        activates(&Unit::default(), &timer).as_deref(),
        Some("x.service")
    );
    assert_eq!(
        activates(&Unit::default(), &UnitName::parse(b"x.service").unwrap()),
        None
    );
}

#[test]
fn conditions_relations_and_mounts() {
    assert_eq!(
        show(
            "/etc/systemd/system/srv-x.mount",
            "[Unit]\nAfter=network.target db.service systemd-x.service\nRequires=remote-fs.target\nConditionPathExists=|!/etc/app/off\nAssertFileNotEmpty=/etc/app/on\nRequiresMountsFor=/srv/y\n[Mount]\nWhat=filer:/x\nWhere=/srv/x\nType=nfs4\n"
        ),
        [
            "3 Talks nfs remote-fs.target Declared",
            "2 Talks unit db.service Guessed",
            "10 Directive Type=nfs4 Declared",
            "4 Path /etc/app/off Names ConditionPathExists ? ? Declared",
            "5 Path /etc/app/on Reads AssertFileNotEmpty File ? Declared",
            "6 Path /srv/y Names RequiresMountsFor Dir ? Declared",
            "9 Path /srv/x Names Where Dir ? Declared",
            "8 Talks nfs4 filer:/x Declared",
        ]
    );
}

#[test]
fn a_merged_drop_in_is_the_place_of_what_it_says() {
    let main = AppPath::new("/lib/systemd/system/a.service");
    let dropin = AppPath::new("/etc/systemd/system/a.service.d/x.conf");
    let mut unit = Unit::parse(b"[Service]\nExecStart=/bin/a\nUser=one\n");
    unit.merge(Unit::parse(b"[Service]\nUser=two\n"));
    let name = UnitName::of_file(&dropin).unwrap();
    let mut out = Out::default();
    facts(&unit, &name, &[main, dropin.clone()], &mut out);
    let runs: Vec<_> = out
        .facts
        .iter()
        .filter(|f| matches!(f.what, What::RunsAs { .. }))
        .collect();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].at, Locus::line(&dropin, 2));
    assert!(matches!(&runs[0].what, What::RunsAs { user, .. } if user == "two"));
}

#[test]
fn units_are_known_by_name_and_section() {
    let stat = crate::extract::testing::stat(0);
    let is_wanted = |path: &str, head: &[u8]| {
        let path = AppPath::new(path);
        wants(&Input::new(&path, &stat, head, &head.to_vec()))
    };
    assert!(is_wanted(
        "/opt/app/share/app.service",
        b"[Unit]\nDescription=x\n"
    ));
    assert!(is_wanted(
        "/etc/systemd/system/a.service.d/o.conf",
        b"[Service]\n"
    ));
    assert!(!is_wanted("/opt/app/app.service", b"<service-group>"));
    assert!(!is_wanted("/etc/app.conf", b"[Service]\n"));
}

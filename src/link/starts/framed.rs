//! Init scripts whose interpreter does the starting: OpenRC's openrc-run(8) and Debian's init-d-script(5).
//! They set variables and may put functions in the place of the interpreter's own; what that does with them
//! stands here as a script of its own, in the words of its manual.

use crate::path::AppPath;

/// Which interpreter runs a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// openrc-run(8), once `runscript`.
    OpenRc,
    /// init-d-script(5).
    Debian,
}

/// What openrc-run does where a script has no function of its own: `command` with its arguments, by
/// start-stop-daemon(8), or by supervise-daemon(8), which stays behind a program that does not fork.
const OPEN_RC: &str = "RC_CMD=start; RC_RUNLEVEL=default; start_pre() { :; }; start_post() { :; }; \
    start() { default_start; }; \
    default_start() { case \"$supervisor\" in supervise-daemon) \
    eval start-stop-daemon --start --background --exec $command ${directory:+--chdir $directory} \
    ${command_user:+--user $command_user} ${umask:+--umask $umask} ${output_log:+--stdout $output_log} \
    ${error_log:+--stderr $error_log} $supervise_daemon_args -- $command_args $command_args_foreground ;; \
    *) case \"$command_background\" in [Yy][Ee][Ss]|[Tt][Rr][Uu][Ee]|[Oo][Nn]|1) behind='--background --make-pidfile' ;; \
    *) behind= ;; esac; \
    eval start-stop-daemon --start --exec $command ${directory:+--chdir $directory} \
    ${pidfile:+--pidfile $pidfile} ${command_user:+--user $command_user} ${umask:+--umask $umask} \
    ${output_log:+--stdout $output_log} ${error_log:+--stderr $error_log} $behind $start_stop_daemon_args \
    -- $command_args $command_args_background ;; esac; }; ";

/// What init-d-script does where a script has no function of its own.
const DEBIAN: &str = "do_start_prepare() { :; }; do_start() { do_start_prepare; do_start_cmd; }; \
    do_start_cmd() { start-stop-daemon --start ${PIDFILE:+--pidfile \"$PIDFILE\"} \
    ${DAEMON:+--exec \"$DAEMON\"} $START_ARGS -- $DAEMON_ARGS; }; ";

/// The script that stands for the interpreter with the script `file`, whose text is `text`: a line.
pub(super) fn script(frame: Frame, file: &AppPath, text: &[u8]) -> Option<Vec<u8>> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._+-/@".contains(byte);
    if !file.as_bytes().iter().all(plain) {
        return None;
    }
    let path = file.to_text();
    let name = path.rsplit('/').next().unwrap_or_default();
    let has = |word: &str| memchr::memmem::find(text, word.as_bytes()).is_some();
    let script = match frame {
        Frame::OpenRc => {
            // A script behind a link `NAME.INSTANCE` has the settings of both.
            let stem = name.split('.').next().unwrap_or(name);
            format!(
                "RC_SVCNAME={name}; SVCNAME={name}; {OPEN_RC}. /etc/rc.conf; . /etc/conf.d/{stem}; \
                 . /etc/conf.d/{name}; . {path}; start_pre; start\n"
            )
        }
        Frame::Debian => {
            let mut own = String::new();
            for function in ["do_start_prepare", "do_start_cmd", "do_start"] {
                if has(&format!("{function}_override")) {
                    own += &format!("{function}() {{ {function}_override; }}; ");
                }
            }
            format!(
                "{DEBIAN}. {path}; : ${{NAME:=${{DAEMON##*/}}}}; \
                 case \"$PIDFILE\" in none) PIDFILE= ;; '') PIDFILE=/var/run/$NAME.pid ;; esac; \
                 . /etc/default/$NAME; [ none = \"$DAEMON\" ] && DAEMON=; {own}do_start\n"
            )
        }
    };
    Some(script.into_bytes())
}

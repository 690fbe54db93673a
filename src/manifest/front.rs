//! The scripts of the shell that stay in front of a program, or run before it.

/// Whether the first process is a shell that stays above what it starts: it ends without passing a
/// signal on, whereas a service manager signals every process of a unit (systemd.kill(5),
/// `KillMode=control-group`).
pub(super) fn is_shell(command: &[String]) -> bool {
    const SHELLS: [&str; 5] = ["ash", "bash", "dash", "ksh", "sh"];
    let name = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    let Some(program) = command.first().map(|word| name(word)) else {
        return false;
    };
    let line = match command.get(1..3) {
        Some([option, line]) if option == "-c" => Some(line.trim_start()),
        _ => None,
    };
    let is_line =
        SHELLS.contains(&program.as_str()) && line.is_some_and(|line| !line.starts_with("exec "));
    is_line || program.ends_with(".sh")
}

/// Passes signals on to all processes of the container, and ends as the command does; when it was told to
/// stop, without an error, and only when all of them have ended: the end of the first process ends the
/// others at once (pid_namespaces(7)), whereas a service manager waits for them. systemd-nspawn sends SIGHUP
/// behind the other signal, which does not end it. Quotes are of one kind alone, as in [`KEEPER`].
pub(super) const FORWARDER: &str = "s=; trap : HUP; trap \"s=1; kill -s @SIGNAL@ -- -1\" TERM INT @SIGNAL@; \"$0\" \"$@\" & \
                         p=$!; while wait $p; c=$?; kill -s 0 $p 2>/dev/null; do :; done; \
                         [ -z \"$s\" ] || { while kill -s 0 -- -1 2>/dev/null; do sleep 1; done; exit 0; }; \
                         exit $c";

/// Takes the place of the shell that ran what comes before.
pub(super) const REPLACED: &str = "exec \"$0\" \"$@\"";

/// What a container is called, behind the application's name, that has the network of several processes.
pub(super) const NETWORK: &str = "network";

/// What runs in it: nothing, until it is told to stop.
pub(super) const HOLDER: &str = "trap \"exit 0\" TERM INT; while :; do sleep 86400 & wait $!; done";

/// What stays in front of a program that leaves for the background: it knows the processes that came
/// with it, looks whether one of them is still there, and ends when none is, with an error unless it was
/// told to stop (proc(5)). Only when all that it knew are gone does it look at the whole table again. It
/// has quotes of one kind alone: liblxc takes those of the other around it, and none inside. `$(n)`
/// could be a variable in Kubernetes.
pub(super) const KEEPER: &str = "b=\" `echo /proc/[0-9]*` \"; s=; x=; \
                      n() { k=; c=\"$b$s \"; for p in /proc/[0-9]*; do [ \"${c##* $p *}\" ] && k=\"$k $p\"; done; }; \
                      trap : HUP; trap \"x=1; kill -s @SIGNAL@ -- -1\" TERM INT @SIGNAL@; \"$0\" \"$@\" || exit; n; \
                      while [ \"$k\" ]; do sleep 2 & s=/proc/$!; wait $!; a=; \
                      for p in $k; do [ -d $p ] && a=1; done; [ \"$a\" ] || n; done; [ \"$x\" ] || exit 1";

/// A command behind a script of the shell, which first runs what is to be run `before`.
pub(super) fn behind(
    script: &str,
    before: &str,
    command: &[String],
    signal: Option<&str>,
) -> Vec<String> {
    let signal = signal.filter(|name| is_signal(name)).unwrap_or("TERM");
    // sh(1) has names of signals without their first three letters.
    let signal = signal.strip_prefix("SIG").unwrap_or(signal);
    let script = format!("{before}{}", script.replace("@SIGNAL@", signal));
    let mut kept = vec!["/bin/sh".to_owned(), "-c".to_owned(), script];
    kept.extend(command.iter().cloned());
    kept
}

/// Whether a word is the name of a signal, or its number.
pub(super) fn is_signal(name: &str) -> bool {
    name.bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"+-".contains(&b))
        && !name.is_empty()
}

//! The script that fills volumes from the old host: owner and mode kept, free space checked first,
//! nothing overwritten, one volume's failure no other's.

use super::quote::shell;
use super::service::Service;
use super::volume::{Keeps, Volume};

const HEAD: &str = r#"# usage: migrate.sh [-r ROOT] [-b DIR] [-t docker|podman] [-n] [VOLUME...]
#
#   -r ROOT   the old host's root, mounted (default /: this host is the old one)
#   -b DIR    the directory that holds what is mounted from this host (default @BASE@)
#   -t TOOL   put state into volumes of docker or podman instead of directories below DIR
#   -n        only say what would be done
#
# Stop the old service first. Needs tar, and root to keep owners. A volume that holds something is
# left as it is. Exit 0 when all were filled, 1 when one was not.
set -eu
root='' base=@BASE@ tool='' dry='' failed=0 wanted=''
while getopts r:b:t:n option; do
    case $option in
    r) root=${OPTARG%/} ;;
    b) base=$OPTARG ;;
    t) tool=$OPTARG ;;
    n) dry=1 ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
for name; do wanted="$wanted $name "; done

say() { printf '%s\n' "migrate.sh: $1: $2" >&2; }
fail() { say "$1" "$2"; failed=1; }

# place NAME KEEPS KIND: prints where the volume's content goes.
place() {
    if [ -n "$tool" ] && [ "$2$3" = statedir ]; then
        "$tool" volume inspect @NAME@-"$1" >/dev/null 2>&1 ||
            "$tool" volume create @NAME@-"$1" >/dev/null
        "$tool" volume inspect --format '{{.Mountpoint}}' @NAME@-"$1"
    else
        printf '%s/%s\n' "$base" "$1"
    fi
}

# fits SOURCE DIRECTORY: whether the content has room there.
fits() {
    need=$(du -sk -- "$1" | cut -f1)
    free=$(df -Pk -- "$2" | awk 'NR == 2 { print $4 }')
    [ "$need" -lt "$free" ]
}

# inside PATH: whether it leads to a place inside the old root.
inside() {
    [ -z "$root" ] && return 0
    top=$(cd -P -- "$root" && pwd)
    if [ -d "$1" ]; then real=$(cd -P -- "$1" && pwd); else real=$(cd -P -- "$(dirname -- "$1")" && pwd); fi
    case $real/ in "$top"/*) return 0 ;; *) return 1 ;; esac
}

# volume NAME KEEPS KIND SEED UID GID MODE PATH
volume() {
    if [ -n "$wanted" ]; then
        case $wanted in *" $1 "*) ;; *) return 0 ;; esac
    fi
    from=$root$8
    if [ -n "$dry" ]; then
        say "$1" "$4 from $from, owner $5:$6, mode $7"
        return 0
    fi
    into=$(place "$1" "$2" "$3") || { fail "$1" "no place for it"; return 0; }
    if [ "$3" = file ]; then one_file "$@"; else directory "$@"; fi
}

one_file() {
    if [ -e "$into" ]; then
        fail "$1" "$into is there already: left as it is"
        return 0
    fi
    mkdir -p -- "$(dirname -- "$into")"
    if [ "$4" = copy ] && [ -f "$from" ] && inside "$from"; then
        fits "$from" "$(dirname -- "$into")" || { fail "$1" "no room for $from"; return 0; }
        cp -p -- "$from" "$into" || { fail "$1" "cannot copy $from"; return 0; }
    else
        : >"$into"
        chmod -- "$7" "$into"
        chown -- "$5:$6" "$into" || fail "$1" "cannot give $into to $5:$6: be root"
    fi
    say "$1" "$into"
}

directory() {
    mkdir -p -- "$into"
    if [ -n "$(ls -A -- "$into")" ]; then
        fail "$1" "$into holds something already: left as it is"
        return 0
    fi
    if [ "$4" = copy ] && [ -d "$from" ]; then
        inside "$from" || { fail "$1" "$from leads out of the old root"; return 0; }
        fits "$from" "$into" || { fail "$1" "no room for $from"; return 0; }
        (cd -- "$from" && tar -cf - --numeric-owner .) | (cd -- "$into" && tar -xpf - --numeric-owner) ||
            { fail "$1" "cannot copy all of $from"; return 0; }
        was=$(find "$from" | wc -l)
        is=$(find "$into" | wc -l)
        [ "$was" -eq "$is" ] || { fail "$1" "$is of $was entries arrived"; return 0; }
    else
        chmod -- "$7" "$into"
        chown -- "$5:$6" "$into" || fail "$1" "cannot give $into to $5:$6: be root"
    fi
    say "$1" "$into"
}

"#;

/// The script, for every volume that outlives a container.
pub(super) fn script(service: &Service<'_>) -> String {
    let mut text = format!("#!/bin/sh\n# Fills the volumes of {}.\n#\n", service.name);
    text += &HEAD
        .replace("@BASE@", &service.base())
        .replace("@NAME@", &service.name);
    for volume in service
        .volumes
        .iter()
        .filter(|volume| volume.keeps != Keeps::Scratch)
    {
        text += &row(service, volume);
    }
    text + "exit $failed\n"
}

fn row(service: &Service<'_>, volume: &Volume) -> String {
    let owner = service.first().ids;
    let copies = volume.seed || !volume.is_written();
    format!(
        "volume {} {} {} {} {} {} {:04o} {}\n",
        volume.name,
        volume.keeps.word(),
        if volume.is_file { "file" } else { "dir" },
        if copies { "copy" } else { "empty" },
        volume.uid.unwrap_or(owner.0),
        volume.gid.unwrap_or(owner.1),
        volume.bits(),
        shell(&volume.path),
    )
}

//! The script that fills volumes from the old host where `seaworthy migrate` is not at hand: owner
//! and mode kept, free space checked first, nothing overwritten, one volume's failure no other's.

use super::fill::{Fill, NOTHING, fills};
use super::quote::shell;
use super::service::Service;

const HEAD: &str = r#"# usage: migrate.sh [-r ROOT] [-b DIR] [-t docker|podman] [-n] [VOLUME...]
#
#   -r ROOT   the old host's root, mounted (default /: this host is the old one)
#   -b DIR    the directory that holds what is mounted from this host (default @BASE@)
#   -t TOOL   put state into volumes of docker or podman instead of directories below DIR
#   -n        only say what would be done
#
# For hosts without seaworthy. This script trusts the old disk: tar says what is on it, and nothing is
# compared. "seaworthy migrate" is the sound way: it compares by digest, and goes on where it stopped.
#
# Stop the old service first. Needs tar, and root to keep owners. Extended attributes and ACLs are kept
# where tar can, which is said. Set-user-id and set-group-id are taken from files, which is said, too. A
# volume that holds something is left as it is. Exit 0 when all were filled, 1 when one was not.
set -euf
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

top=''
if [ -n "$root" ]; then
    top=$(cd -P -- "$root" && env pwd -P) || { say "$root" 'cannot be entered'; exit 2; }
fi
# Paths stay what they are when another directory is entered.
case $base in /*) ;; *) base=$PWD/$base ;; esac

keep='--xattrs --xattrs-include=* --acls --sparse'
if [ -n "$(tar $keep --no-recursion -cf /dev/null -C / . 2>&1)" ]; then
    keep=''
    say tar 'cannot keep extended attributes, capabilities and ACLs here: set them by hand'
fi

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

# held DIR: prints a name in it that is somebody's: filesystems make the others by themselves.
held() {
    ls -A -- "$1" | grep -v -x@NOTHING@ | head -n 1
}

# enter DIR: goes into a directory of the old root. What was entered is what is looked at: the shell's
# own idea of where it is can be older than a link.
enter() {
    cd -P -- "$1" 2>/dev/null || return 1
    [ -z "$top" ] && return 0
    case $(env pwd -P)/ in "$top"/*) return 0 ;; *) return 1 ;; esac
}

# fits NAME DIRECTORY: whether the content has room there.
fits() {
    need=$(du -sk -- "$1" | cut -f1)
    free=$(df -Pk -- "$2" | awk 'NR == 2 { print $4 }')
    [ "$need" -lt "$free" ]
}

# copy NAME INTO: packs NAME of this directory and unpacks it there; both must succeed.
copy() {
    both=$({
        { tar $keep --numeric-owner -cf - -- "$1" 3>&- || { printf 'no ' >&3; }; } |
            { cd -- "$2" && tar $keep --numeric-owner -xpf - >&2 3>&-; } && printf 'yes' >&3
    } 3>&1) || :
    [ "$both" = yes ]
}

# volume NAME KEEPS KIND SEED UID GID MODE PATH
volume() {
    if [ -n "$wanted" ]; then
        case $wanted in *" $1 "*) ;; *) return 0 ;; esac
    fi
    from=$top$8
    if [ -n "$dry" ]; then
        say "$1" "$4 from $from, owner $5:$6, mode $7"
        return 0
    fi
    # Nobody else on this host is to run what is among the data.
    [ -d "$base" ] || { mkdir -p -- "$(dirname -- "$base")" && mkdir -m 700 -- "$base"; } || exit 1
    into=$(place "$1" "$2" "$3") || { fail "$1" 'no place for it'; return 0; }
    if ( if [ "$3" = file ]; then one_file "$@"; else directory "$@"; fi ); then
        say "$1" "$into"
    else
        failed=1
    fi
}

# own NAME UID GID MODE: what begins empty belongs to the service.
own() {
    chmod -- "$4" "$into" || return 1
    chown -- "$2:$3" "$into" || { say "$1" "cannot give $into to $2:$3: be root"; return 1; }
}

one_file() {
    if [ -e "$into" ] || [ -L "$into" ]; then
        say "$1" "$into is there already: left as it is"
        return 1
    fi
    if [ "$4" != copy ] || { [ ! -e "$from" ] && [ ! -L "$from" ]; }; then
        : >"$into" || return 1
        own "$1" "$5" "$6" "$7"
        return
    fi
    hops=0
    while
        enter "$(dirname -- "$from")" || { say "$1" "$from leads out of the old root"; return 1; }
        file=./$(basename -- "$from")
        [ -L "$file" ]
    do
        hops=$((hops + 1))
        [ "$hops" -le 40 ] || { say "$1" 'too many links'; return 1; }
        link=$(readlink -- "$file")
        case $link in /*) from=$top$link ;; *) from=$(env pwd -P)/$link ;; esac
    done
    [ -f "$file" ] || { say "$1" "$from is no file inside the old root"; return 1; }
    fits "$file" "$base" || { say "$1" "no room for $from"; return 1; }
    part=$base/.$1.part
    [ ! -d "$part" ] || find "$part" -xdev -delete || return 1
    mkdir -m 700 -- "$part" || return 1
    if ! copy "$file" "$part" || [ -L "$part/$file" ] || [ ! -f "$part/$file" ]; then
        find "$part" -xdev -delete
        say "$1" "cannot copy all of $from"
        return 1
    fi
    chmod ug-s -- "$part/$file" && mv -- "$part/$file" "$into" && rmdir -- "$part"
}

directory() {
    [ -d "$into" ] || mkdir -- "$into" || return 1
    if [ -n "$(held "$into")" ]; then
        say "$1" "$into holds something already: left as it is"
        return 1
    fi
    if [ "$4" != copy ] || [ ! -e "$from" ]; then
        own "$1" "$5" "$6" "$7"
        return
    fi
    enter "$from" || { say "$1" "$from is no directory inside the old root"; return 1; }
    fits . "$into" || { say "$1" "no room for $from"; return 1; }
    copy . "$into" || {
        say "$1" "cannot copy all of $from: empty $into before you run this again"
        return 1
    }
    find "$into" -type f \( -perm -4000 -o -perm -2000 \) -exec chmod ug-s {} \; \
        -exec printf 'migrate.sh: %s: set-user-id and set-group-id are taken\n' {} \; >&2
}

"#;

/// The script, for every volume that outlives a container.
pub(super) fn script(service: &Service<'_>) -> String {
    let mut text = format!("#!/bin/sh\n# Fills the volumes of {}.\n#\n", service.name);
    text += &HEAD
        .replace("@BASE@", &service.base())
        .replace("@NAME@", &service.name)
        .replace("@NOTHING@", &nothing());
    for fill in fills(service) {
        text += &row(&fill);
    }
    text + "exit $failed\n"
}

/// The options of grep(1) that pass over what is nobody's data.
pub(super) fn nothing() -> String {
    let pattern = |name: &str, is_whole: bool| {
        let name = name.replace('.', r"\.");
        let rest = if is_whole { "" } else { ".*" };
        format!(" -e '{name}{rest}'")
    };
    let names = NOTHING.iter();
    names
        .map(|(name, is_whole, _)| pattern(name, *is_whole))
        .collect()
}

fn row(fill: &Fill) -> String {
    format!(
        "volume {} {} {} {} {} {} {:04o} {}\n",
        fill.name,
        fill.keeps,
        if fill.is_file { "file" } else { "dir" },
        if fill.copies { "copy" } else { "empty" },
        fill.uid,
        fill.gid,
        fill.mode,
        shell(&String::from_utf8_lossy(fill.path.as_bytes())),
    )
}

# Sourced by journey.sh: old hosts as an administrator leaves them. The caller sets `old`, where they
# are kept, and `here`; a service's file says what is installed and set up.
# shellcheck shell=bash disable=SC2154

# shellcheck source=tests/runtime/fetch.sh
. "$here/fetch.sh"

# A release as its installer makes it: SUITE as small as it goes, which is also the base of images,
# and SUITE-host with what every host has.
release() {
    local suite=$1
    [ -e "$old/$suite.done" ] || {
        rm -rf "${old:?}/$suite"
        debootstrap --variant=minbase "$suite" "$old/$suite" "$(mirror)" >"$old/$suite.log" 2>&1 || return 1
        rm -f "$old/$suite"/var/cache/apt/archives/*.deb
        touch "$old/$suite.done"
    }
    [ -e "$old/$suite-host.done" ] && return 0
    rm -rf "${old:?}/$suite-host"
    cp -a --reflink=auto "$old/$suite" "$old/$suite-host"
    printf '#!/bin/sh\nexit 101\n' >"$old/$suite-host/usr/sbin/policy-rc.d"
    chmod 755 "$old/$suite-host/usr/sbin/policy-rc.d"
    echo oldhost >"$old/$suite-host/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 oldhost.example.org oldhost\n::1 localhost ip6-localhost\n' \
        >"$old/$suite-host/etc/hosts"
    installed "$old/$suite-host" systemd-sysv netbase procps cron logrotate ca-certificates \
        >"$old/$suite-host.log" 2>&1 && touch "$old/$suite-host.done"
}

# at_old ROOT COMMAND...: as root's shell on the old host.
at_old() {
    local root=$1
    shift
    chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root TERM=dumb DEBIAN_FRONTEND=noninteractive "$@"
}

# installed ROOT PACKAGE...: by its own package manager, services not started.
installed() {
    local root=$1 code=0
    shift
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    mount -t proc proc "$root/proc"
    at_old "$root" apt-get -q update &&
        at_old "$root" apt-get -q -y -o Dpkg::Options::=--force-unsafe-io install "$@" </dev/null || code=1
    umount "$root/proc"
    rm -f "$root"/var/cache/apt/archives/*.deb
    return $code
}

# file ROOT PATH [MODE] < TEXT
file() {
    mkdir -p "$(dirname "$1$2")"
    cat >"$1$2"
    chmod "${3:-644}" "$1$2"
}

# fetched ROOT COMMAND...: with the certificates of this machine, which may trust a proxy.
fetched() {
    local root=$1 code=0
    shift
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/tmp/trusted.crt"
    mount -t proc proc "$root/proc"
    at_old "$root" env PIP_CERT=/tmp/trusted.crt PIP_NO_CACHE_DIR=1 "$@" || code=1
    umount "$root/proc"
    rm -rf "$root/tmp/trusted.crt" "$root/root/.cache"
    return $code
}

# lived NAME: its service runs once, alone on its host, and gets data of its own.
lived() {
    local root=$old/$1.new
    hostname oldhost
    ip link set lo up
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mkdir -m 1777 "$root/run/lock"
    at_old "$root" systemd-tmpfiles --create --boot >/dev/null 2>&1
    begin "$root" || return 1
    local n
    for n in $(seq 60); do listens "$port" && break; sleep 1; done
    [ "$n" = 60 ] && { echo "$1: does not listen on its old host"; return 1; }
    seed "$root" || return 1
    end "$root"
    sleep 2
}

listens() { python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)' "$1" 2>/dev/null; }

# built NAME: the old host's root, unless it is there.
built() {
    local name=$1 root=$old/$1.new
    [ -e "$old/$name.done" ] && return 0
    release "$suite" || { echo "$name: no $suite, see $old"; return 1; }
    rm -rf "$root" "${old:?}/$name"
    cp -a --reflink=auto "$old/$suite-host" "$root"
    {
        # shellcheck disable=SC2086
        installed "$root" $packages && install_old "$root" &&
            SEAWORTHY_LIVES=$name unshare --mount --net --pid --ipc --uts --fork --mount-proc \
                --propagation private "$0"
    } >"$old/$name.log" 2>&1 || { echo "$name: not built, see $old/$name.log"; return 1; }
    rm -f "$root/usr/sbin/policy-rc.d" "$root/root/.bash_history"
    mv "$root" "$old/$name"
    touch "$old/$name.done"
}

# The base system: Debian's packages, unpacked and configured, with nothing of ours. It is slow to make (minutes, under
# emulation) and changes seldom, so it is kept in the cache, by a hash of what it is made of.
# shellcheck shell=bash

# The time that files of the base bear. It is no release's date: that one is set on the whole root later.
base_epoch=1600000000

package_list() {
    sed 's/#.*//' "$here/base/packages" | xargs
}

base_key() { # release
    { echo "$1 $base_epoch"; package_list; cat "$here/base/fetch-firmware" "$here/lib/base.sh"; } | sha256sum | cut -c1-16
}

# Makes it where it is missing, and sets `base` to its folder: root.tar, firmware/ and packages.list.
make_base() { # release
    base="$cache/base-$(base_key "$1")"
    [ -z "$fresh" ] || as_root rm -rf "$base"
    if [ -e "$base/done" ]; then
        say "base system: from the cache ($base)"
        return
    fi
    say "base system: built from the mirror of this machine's apt; this takes some minutes"
    can_run_arm64
    local work="$base.new"
    as_root rm -rf "$work"
    mkdir -p "$work/firmware"
    sources "$1" >"$work/sources.list"
    [ -s "$work/sources.list" ] || complain "this machine's apt knows no Debian mirror for $1 (run apt-get update)"
    # The initramfs is ours (lib/initramfs.sh), so Debian's way to make one is turned aside.
    as_root env SOURCE_DATE_EPOCH=$base_epoch nice -n 10 mmdebstrap --quiet --mode=root --architectures=arm64 --variant=essential \
        --include="$(package_list | tr ' ' ,)" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/bash-completion/*' \
        --essential-hook='chroot "$1" dpkg-divert --quiet --local --no-rename --divert /usr/sbin/update-initramfs.debian --add /usr/sbin/update-initramfs' \
        --essential-hook='ln -s /bin/true "$1/usr/sbin/update-initramfs"' \
        --customize-hook="'$here/base/fetch-firmware' '$work/firmware'" \
        --customize-hook="cp \"\$1/var/lib/dpkg/status\" '$work/status'" \
        "$1" "$work/root.tar" "$work/sources.list" >"$work/log" 2>&1 ||
        { tail -n 20 "$work/log" >&2; complain "the base system could not be made: see $work/log"; }
    awk '/^Package:/ { p = $2 } /^Version:/ { print p, $2 }' "$work/status" >"$work/packages.list"
    touch "$work/done"
    as_root chmod -R a+rX "$work"
    mv "$work" "$base"
}

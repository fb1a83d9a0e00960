# The root of a slot: the base system, the package of Waypost, and what makes an appliance of them (image/root).
# shellcheck shell=bash

# Users are the same in every version: the data partition outlives them.
waypost_id=800
update_id=801

# What a Pi on a counter never meets. USB storage and the radios are left out on purpose; the screen is the one that the
# firmware sets up.
modules_out=(
    drivers/usb/storage drivers/net/wireless drivers/bluetooth/hci_uart.ko drivers/infiniband drivers/media drivers/isdn
    drivers/nvme drivers/ata drivers/scsi drivers/target drivers/gpu drivers/mtd drivers/iio drivers/hwtracing drivers/accel
    drivers/net/ethernet/mellanox drivers/net/ethernet/intel drivers/net/ethernet/qlogic drivers/net/ethernet/chelsio
    drivers/net/ethernet/amd drivers/net/ethernet/cavium drivers/net/ethernet/hisilicon drivers/net/ethernet/marvell
    drivers/net/ethernet/freescale drivers/net/ethernet/aquantia drivers/net/ethernet/huawei drivers/net/ethernet/netronome
    drivers/net/ethernet/stmicro drivers/net/ethernet/sfc drivers/net/ethernet/emulex drivers/net/ethernet/broadcom/bnx2x
    drivers/net/ethernet/broadcom/bnxt drivers/crypto/cavium drivers/crypto/hisilicon drivers/staging drivers/firewire
    sound fs/xfs fs/btrfs fs/ocfs2 fs/gfs2 fs/f2fs fs/nfs fs/nfsd fs/smb fs/cifs fs/ceph fs/jfs fs/reiserfs fs/ntfs3 fs/afs
    fs/ubifs fs/jffs2 fs/nilfs2 fs/udf fs/hfs fs/hfsplus fs/orangefs fs/ksmbd net/sctp net/dccp net/batman-adv net/tipc
    net/openvswitch net/ceph net/rds net/rxrpc net/smc net/mac80211 net/wireless net/ax25 net/rose net/netrom net/nfc
    net/ieee802154 net/mac802154 net/can net/atm net/l2tp net/9p net/sunrpc net/dsa drivers/net/dsa drivers/net/can
)

# What only the installation of packages runs, or the making of an initramfs, and the text that udev's table was made from.
packaging_out=(
    'usr/bin/perl*' usr/share/perl usr/share/perl5 usr/lib/aarch64-linux-gnu/perl usr/lib/aarch64-linux-gnu/perl-base
    'usr/lib/aarch64-linux-gnu/libperl.so*' usr/lib/klibc usr/share/initramfs-tools etc/initramfs-tools
    usr/lib/udev/hwdb.d usr/share/lintian usr/share/bug etc/apt
)

# Each of these costs a start some time, and nothing here needs it: nobody signs in, nothing is encrypted, the log lies in
# memory, and what lists sounds, cameras and mice has none to list.
units_off=(
    systemd-logind.service systemd-user-sessions.service getty.target systemd-ask-password-{wall,console}.path
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-initctl.socket
    systemd-fsckd.{socket,service} systemd-journal-flush.service systemd-pstore.service
    systemd-sysusers.service systemd-repart.service systemd-network-generator.service systemd-pcrphase{,-sysinit}.service
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount sys-kernel-{debug,tracing}.mount dev-{hugepages,mqueue}.mount
    sys-fs-fuse-connections.mount
)
generator_kept=systemd-fstab-generator
udev_rules_out=(
    50-firmware 60-autosuspend 60-cdrom_id 60-drm 60-fido-id 60-infiniband 60-persistent-{alsa,storage-tape,v4l} 60-sensor
    64-btrfs 70-{camera,joystick,memory,mouse,touchpad,uaccess} 71-seat 73-seat-late 75-probe_mtd 78-sound-card
    80-debian-compat 85-hwclock 96-e2scrub
)

# Makes the tree in $work/root from $base and the package.
make_root() { # package, version
    local root="$work/root" package=$1 version=$2 kernel module
    say "root: unpacking"
    as_root mkdir -p "$root"
    as_root tar --extract --file "$base/root.tar" --directory "$root" --numeric-owner
    kernel=$(basename "$root"/lib/modules/*)

    # The kernel and its initramfs are a slot of their own, which U-Boot can read.
    as_root mkdir -p "$work/kernel" "$work/dtb"
    as_root chown -R "$(id -u)" "$work/kernel"
    # Packed, as U-Boot reads the card slowly and unpacks fast.
    as_root cat "$root/boot/vmlinuz-$kernel" | gzip -9 --no-name >"$work/kernel/vmlinuz.gz"
    make_initramfs "$root" "$kernel" "$work/kernel/initrd.img"
    as_root sh -c "rm -rf '$root'/boot/* '$root'/vmlinuz* '$root'/initrd.img*"
    local tree
    for tree in bcm2837-rpi-3-a-plus bcm2837-rpi-3-b bcm2837-rpi-3-b-plus bcm2837-rpi-cm3-io3 bcm2711-rpi-4-b bcm2711-rpi-400 bcm2711-rpi-cm4-io; do
        [ ! -e "$root/usr/lib/linux-image-$kernel/broadcom/$tree.dtb" ] ||
            as_root cp "$root/usr/lib/linux-image-$kernel/broadcom/$tree.dtb" "$work/dtb/"
    done
    as_root rm -rf "$root/usr/lib/linux-image-$kernel"
    for module in "${modules_out[@]}"; do
        as_root rm -rf "$root/lib/modules/$kernel/kernel/$module"
    done
    as_root depmod --basedir "$root" "$kernel"

    say "root: installing Waypost $version"
    as_root chroot "$root" /usr/sbin/groupadd --system --gid $waypost_id waypost
    as_root chroot "$root" /usr/sbin/useradd --system --uid $waypost_id --gid $waypost_id --home-dir /var/lib/waypost \
        --shell /usr/sbin/nologin --no-create-home waypost
    # Who fetches updates, and may do nothing else.
    as_root chroot "$root" /usr/sbin/useradd --system --uid $update_id --user-group --home-dir /nonexistent \
        --shell /usr/sbin/nologin --no-create-home waypost-update
    as_root cp "$package" "$root/tmp/waypost.deb"
    # No service is started in a tree that is only built.
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' >'$root/usr/sbin/policy-rc.d'; chmod 755 '$root/usr/sbin/policy-rc.d'"
    as_root env DEBIAN_FRONTEND=noninteractive chroot "$root" /usr/bin/dpkg --force-unsafe-io -i /tmp/waypost.deb >"$work/dpkg.log" 2>&1 ||
        { tail -n 20 "$work/dpkg.log" >&2; complain "the package could not be installed in the root (see $work/dpkg.log)"; }
    as_root rm -f "$root/usr/sbin/policy-rc.d" "$root/tmp/waypost.deb"

    furnish_root "$root" "$version"
}

# What is ours in the root, besides the package.
furnish_root() { # root, version
    local root=$1 unit
    as_root cp -r --no-preserve=ownership "$here/root/." "$root/"
    as_root cp "$keys/ca.pem" "$root/etc/rauc/keyring.pem"
    echo "$2" | as_root tee "$root/usr/lib/waypost-card/version" >/dev/null
    as_root cp "$base/packages.list" "$root/usr/lib/waypost-card/packages.list"
    as_root chmod -R u=rwX,go=rX "$root"/etc/{dbus-1,rauc,systemd} "$root/usr/lib/waypost-card"
    as_root find "$root/usr/lib/waypost-card" -maxdepth 1 -type f ! -name version ! -name '*.list' -exec chmod 755 {} +
    # Systemd takes the time of this file as the earliest that the clock can show.
    as_root touch "$root/usr/lib/clock-epoch"

    # What the data partition starts with. The configuration may be read by the gateway, and written by the card alone.
    local data="$root/usr/lib/waypost-card/data.d" time_user
    time_user=$(awk -F: '$1 == "systemd-timesync" { print $3 }' "$root/etc/passwd")
    as_root mkdir -p "$data/waypost" "$data/config" "$data/timesync" "$data/timers" "$data/rauc"
    as_root chown $waypost_id:$waypost_id "$data/waypost"
    as_root chown 0:$waypost_id "$data/config"
    as_root chown "$time_user:$time_user" "$data/timesync"
    as_root chmod 700 "$data/waypost"
    as_root chmod 750 "$data/config"
    as_root mkdir -p "$root/data" "$root/etc/waypost"

    as_root ln -sf /run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
    echo waypost | as_root tee "$root/etc/hostname" >/dev/null
    printf '127.0.0.1 localhost waypost\n::1 localhost\n' | as_root tee "$root/etc/hosts" >/dev/null
    # Each start has an id of its own: the root is the same on every card.
    : | as_root tee "$root/etc/machine-id" >/dev/null

    for unit in waypost-gateway waypost-card-settings waypost-card-enrol waypost-card-confirm \
        waypost-card-update-at-start nftables systemd-networkd systemd-resolved systemd-timesyncd; do
        as_root systemctl --quiet --root="$root" enable "$unit.service"
    done
    as_root systemctl --quiet --root="$root" enable waypost-card-update.timer waypost-card-log.timer
    # No screen asks for a password: there is none. Nothing waits for a network.
    as_root systemctl --quiet --root="$root" mask getty@.service serial-getty@.service console-getty.service \
        systemd-networkd-wait-online.service systemd-firstboot.service waypost-update.timer waypost-update.service \
        dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer "${units_off[@]}" 2>/dev/null
    as_root find "$root/usr/lib/systemd/system-generators" ! -type d ! -name $generator_kept -delete
    local rules
    for rules in "${udev_rules_out[@]}"; do
        as_root rm "$root/usr/lib/udev/rules.d/$rules.rules"
    done
    as_root rm -rf "$root/etc/systemd/system/getty.target.wants"
    as_root systemctl --quiet --root="$root" set-default multi-user.target

    # /var is made anew in memory at each start, and /dev by the kernel, so nothing in them belongs into the root.
    as_root sh -c "rm -rf '$root'/var/* '$root'/tmp/* '$root'/run/* '$root'/dev/* '$root'/var/.??*"
    local out
    for out in "${packaging_out[@]}"; do
        as_root sh -c "rm -rf '$root'/$out"
    done
    # fsck.fat reads names in code page 850; nothing here converts any other.
    as_root find "$root/usr/lib/aarch64-linux-gnu/gconv" -name '*.so' ! -name IBM850.so -delete
    as_root rm -f "$root/etc/machine-id.old"
    as_root rm -f "$root"/etc/{passwd-,group-,shadow-,gshadow-,subuid-,subgid-,.pwd.lock}
}

# One file system that is the same wherever and whenever it is made from the same tree.
squash() { # root, file, zstd level
    as_root rm -f "$2"
    as_root nice -n 10 env -u SOURCE_DATE_EPOCH mksquashfs "$1" "$2" -noappend -quiet -no-progress -processors 1 \
        -all-time "$epoch" -mkfs-time "$epoch" -comp zstd -Xcompression-level "$3" -no-xattrs -b 131072 >"$work/squash.log" 2>&1 ||
        { tail -n 5 "$work/squash.log" >&2; complain "mksquashfs failed"; }
    as_root chown "$(id -u):$(id -g)" "$2"
}

# The initramfs: base/init, a busybox, and the modules without which the kernel does not reach its root. Debian's own tools
# would make one several times its size, and slowly, as they run under emulation.
# shellcheck shell=bash

# Pi 3: the card is on the SDHOST or the Arasan controller. Pi 4: on emmc2, whose power the firmware's pins switch. The
# names that a kernel has built in cost nothing.
initramfs_modules=(
    raspberrypi clk-raspberrypi gpio-raspberrypi-exp gpio-regulator fixed bcm2835-dma mmc_block bcm2835 sdhci-iproc squashfs
)

make_initramfs() { # root, kernel, file
    local root=$1 kernel=$2 tree="$work/initramfs" module path
    as_root rm -rf "$tree"
    mkdir -p "$tree/bin" "$tree/lib"
    cp "$root/bin/busybox" "$tree/bin/busybox"
    cp "$here/base/init" "$tree/init"
    chmod 755 "$tree/init" "$tree/bin/busybox"
    for module in "${initramfs_modules[@]}"; do
        modprobe --dirname "$root" --set-version "$kernel" --show-depends "$module" 2>/dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tree/paths"
    grep -q squashfs "$tree/paths" || complain "the kernel's modules have no squashfs: $root/lib/modules/$kernel"
    while read -r path; do
        cp "$path" "$tree/lib/"
        echo "/lib/${path##*/}"
    done <"$tree/paths" >"$tree/modules"
    rm "$tree/paths"
    find "$tree" -exec touch --no-dereference --date "@$epoch" {} +
    (cd "$tree" && find . | LC_ALL=C sort | cpio --quiet --reproducible --owner 0:0 --create --format newc) | zstd --quiet -19 -T1 >"$3"
}

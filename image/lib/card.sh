# The card: partition table, boot partition, the kernels and roots of two slots, and the place of the data.
#
#     1 MiB  one sector for the slots (boot/slots.script)
#     4 MiB  1  boot     FAT: the Pi's firmware, U-Boot, the folder waypost/ for whoever sets the card up
#            5  kernel A FAT: kernel and initramfs       6  root A   squashfs
#            7  kernel B                                 8  root B
#            2  data     made on the first start (root/usr/lib/waypost-card/data)
# shellcheck shell=bash

boot_mib=40
kernel_mib=40
root_mib=128
data_mib=4
card_id=0x57617970

make_boot() { # file
    local tree="$work/boot"
    mkdir -p "$tree/waypost"
    cp "$base"/firmware/{bootcode.bin,start.elf,fixup.dat,start4.elf,fixup4.dat,u-boot-*.bin,LICENCE.broadcom} "$work/dtb"/*.dtb "$here/boot/config.txt" "$tree/"
    cp "$here/boot/waypost"/* "$tree/waypost/"
    mkenvimage -s 0x4000 -o "$tree/uboot.env" "$here/boot/uboot.env.txt"
    SOURCE_DATE_EPOCH=$epoch mkimage -q -A arm64 -T script -C none -n slots -d "$here/boot/slots.script" "$tree/slots.scr" >/dev/null
    make_fat "$1" $boot_mib WAYPOST "$tree"
}

make_kernel() { # file
    make_fat "$1" $kernel_mib KERNEL "$work/kernel"
}

# The sector that says: A first, and A is confirmed, as it is the only one.
make_slots_sector() { # file
    printf 'BOOT_ORDER=A B\nBOOT_A_LEFT=3\nBOOT_B_LEFT=0\nCONFIRMED=A\n' | mkenvimage -s 0x200 -o "$1" -
}

make_card() { # file, boot, kernel, root
    local at_boot=4 at_extended at_kernel_a at_root_a at_kernel_b at_root_b at_data mib
    at_extended=$((at_boot + boot_mib))
    # A logical partition has its own table in front of it: each starts a MiB later.
    at_kernel_a=$((at_extended + 1))
    at_root_a=$((at_kernel_a + kernel_mib + 1))
    at_kernel_b=$((at_root_a + root_mib + 1))
    at_root_b=$((at_kernel_b + kernel_mib + 1))
    at_data=$((at_root_b + root_mib))
    mib=$((at_data + data_mib))
    rm -f "$1"
    truncate -s "${mib}M" "$1"
    sfdisk --quiet "$1" <<TABLE
label: dos
label-id: $card_id
unit: sectors
1 : start=$((at_boot * 2048)), size=$((boot_mib * 2048)), type=c, bootable
2 : start=$((at_data * 2048)), size=$((data_mib * 2048)), type=da
3 : start=$((at_extended * 2048)), size=$(((at_data - at_extended) * 2048)), type=f
5 : start=$((at_kernel_a * 2048)), size=$((kernel_mib * 2048)), type=c
6 : start=$((at_root_a * 2048)), size=$((root_mib * 2048)), type=83
7 : start=$((at_kernel_b * 2048)), size=$((kernel_mib * 2048)), type=c
8 : start=$((at_root_b * 2048)), size=$((root_mib * 2048)), type=83
TABLE
    make_slots_sector "$work/slots"
    lay "$work/slots" "$1" 1
    lay "$2" "$1" $at_boot
    lay "$3" "$1" $at_kernel_a
    lay "$4" "$1" $at_root_a
}

lay() { # file, card, MiB
    dd if="$1" of="$2" bs=1M seek="$3" conv=notrunc,sparse status=none
}

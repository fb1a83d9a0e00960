# FAT file systems that come out the same each time.
# shellcheck shell=bash

# The contents of a folder, as a FAT file system in a file.
make_fat() { # file, MiB, label, folder
    rm -f "$1"
    truncate -s "$2M" "$1"
    mkfs.vfat -F 32 -s 1 -n "$3" --invariant "$1" >/dev/null
    local path
    # One by one and in order, or the folder's order on this machine's disk shows.
    (cd "$4" && find . -mindepth 1 | LC_ALL=C sort) | while read -r path; do
        if [ -d "$4/$path" ]; then
            TZ=UTC SOURCE_DATE_EPOCH=$epoch mmd -i "$1" "::$path"
        else
            touch -d "@$epoch" "$4/$path"
            TZ=UTC SOURCE_DATE_EPOCH=$epoch mcopy -m -i "$1" "$4/$path" "::$path"
        fi
    done
}

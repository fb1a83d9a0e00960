# The signed bundle with which a card is updated, and the keys that sign it.
# shellcheck shell=bash

# Sets `keys`. Whoever sells cards has keys of their own, and the one of the root stays offline.
find_keys() { # folder, or nothing
    keys=$1
    if [ -n "$keys" ]; then
        for file in ca.pem cert.pem key.pem; do
            [ -r "$keys/$file" ] || complain "$keys has no $file: it must hold ca.pem (goes onto the card), cert.pem and key.pem (sign its updates)"
        done
        return
    fi
    keys="$cache/keys"
    [ -e "$keys/key.pem" ] && return
    say "keys: made for this machine, in $keys; cards for others are built with --keys"
    mkdir -p -m 700 "$keys"
    openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj "/CN=Waypost cards of this machine" \
        -addext basicConstraints=critical,CA:true -keyout "$keys/ca-key.pem" -out "$keys/ca.pem" 2>/dev/null
    openssl req -newkey rsa:3072 -nodes -subj "/CN=Waypost updates of this machine" -keyout "$keys/key.new" -out "$keys/request.pem" 2>/dev/null
    printf 'basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n' |
        openssl x509 -req -in "$keys/request.pem" -CA "$keys/ca.pem" -CAkey "$keys/ca-key.pem" -CAcreateserial -days 3650 \
            -extfile /dev/stdin -out "$keys/cert.pem" 2>/dev/null
    mv "$keys/key.new" "$keys/key.pem"
}

make_bundle() { # file, version, kernel, root
    local tree="$work/bundle"
    rm -rf "$tree" "$1"
    mkdir -p "$tree"
    cp --reflink=auto --sparse=always "$3" "$tree/kernel.img"
    cp --reflink=auto "$4" "$tree/root.img"
    cat >"$tree/manifest.raucm" <<MANIFEST
[update]
compatible=waypost-card
version=$2

[bundle]
format=verity

[image.rootfs]
filename=root.img

[image.kernel]
filename=kernel.img
MANIFEST
    rauc --cert "$keys/cert.pem" --key "$keys/key.pem" --keyring "$keys/ca.pem" bundle "$tree" "$1" >"$work/rauc.log" 2>&1 ||
        { tail -n 5 "$work/rauc.log" >&2; complain "rauc made no bundle (see $work/rauc.log)"; }
    rm -rf "$tree"
}

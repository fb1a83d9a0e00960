# What the machine that builds must have: packages, rights, the mirror of its own apt, and a way to run arm64 programs.
# shellcheck shell=bash

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# Debian starts a service that it installs; policy-rc.d is Debian's way to say no.
install_packages() { # log, package…
    local log=$1 policy=/usr/sbin/policy-rc.d made=
    shift
    command -v apt-get >/dev/null && can_be_root || return 1
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod 755 "$policy" && made=1
    fi
    as_root env DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get -o DPkg::Lock::Timeout=300 update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@"' \
        sh "$@" >"$log" 2>&1
    local status=$?
    [ -z "$made" ] || as_root rm -f "$policy"
    return $status
}

# Installs the packages whose command is not here.
need() { # log, command=package…
    local log=$1 pair missing=()
    shift
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    install_packages "$log" "${missing[@]}" || complain "could not install ${missing[*]}: see $log"
}

release_of_this_machine() {
    # shellcheck disable=SC1091
    . /etc/os-release
    [ "${ID:-}" = debian ] || complain "this machine runs ${PRETTY_NAME:-no Debian}: a Debian machine is needed, as the image is made of its release"
    echo "$VERSION_CODENAME"
}

# The mirrors that this machine's apt uses for its own release, as lines of a sources.list.
sources() { # release
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(LABEL)' 'Created-By: Packages' |
        awk -v release="$1" '
            $3 == "main" && $4 ~ /^Debian/ && ($2 == release || $2 == release "-updates" || $2 == release "-security") &&
                !seen[$1 $2]++ { print "deb " $1 " " $2 " main non-free-firmware" }'
}

# arm64 programs run here through QEMU's user mode, which the kernel must know.
can_run_arm64() {
    [ "$(dpkg --print-architecture)" = arm64 ] && return
    local known=/proc/sys/fs/binfmt_misc file=
    [ -e $known/register ] || as_root mount -t binfmt_misc binfmt_misc $known 2>/dev/null ||
        complain "the kernel of this machine has no binfmt_misc: arm64 programs cannot be run in the image"
    [ -e $known/qemu-aarch64 ] && return
    for file in /usr/lib/binfmt.d/qemu-aarch64.conf /usr/share/qemu/binfmt.d/qemu-aarch64.conf; do
        [ -e "$file" ] && as_root sh -c "cat '$file' >$known/register" && return
    done
    complain "qemu-user-static is installed, but its entry for arm64 could not be registered"
}

# Installs a package of the backports, from the mirror of this machine's apt, without changing its lists for good.
install_backport() { # log, package
    local log=$1 package=$2 release mirror
    release=$(release_of_this_machine)
    mirror=$(sources "$release" | awk -v release="$release" '$3 == release { print $2; exit }')
    [ -n "$mirror" ] && can_be_root || return 1
    (
        list=$(mktemp -d)
        trap 'as_root rm -rf "$list"' EXIT
        chmod 755 "$list"
        mkdir -p "$list/lists/partial"
        { sources "$release"; echo "deb $mirror $release-backports main"; } >"$list/sources.list"
        as_root env DEBIAN_FRONTEND=noninteractive sh -c '
            from="-o Dir::Etc::SourceList=$1/sources.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$1/lists -o DPkg::Lock::Timeout=300"
            apt-get $from update -qq && apt-get $from install -y -qq --no-install-recommends -t "$2" "$3"' \
            sh "$list" "$release-backports" "$package"
    ) >"$log" 2>&1
}

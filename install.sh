#!/bin/sh
# Installs gharun: fetches the archive for this computer, checks its hash, and puts the one binary into a folder of yours.
#
#   curl -LsSf https://github.com/OWNER/gharun/releases/latest/download/install.sh | sh
#
# GHARUN_VERSION=1.2.3       another version than the latest one (or the one that this script came with)
# GHARUN_INSTALL_DIR=DIR     where to; otherwise $XDG_BIN_HOME or ~/.local/bin
# GHARUN_RELEASES_URL=URL    a mirror of https://github.com/OWNER/gharun/releases
#
# It never uses sudo, changes no other file, and asks nothing.
set -eu

default_version=latest
releases=${GHARUN_RELEASES_URL:-https://github.com/OWNER/gharun/releases}

die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for hint in "$@"; do printf 'hint: %s\n' "$hint" >&2; done
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Prints gnu where the C library is new enough for that binary (which finds hosts as the system does), and musl,
# which needs no C library, everywhere else.
linux_libc() {
    # musl's ldd has no --version, and says its name with its complaint.
    version=$(ldd --version 2>&1 | head -n 1) || true # whatever it says decides
    case $version in
    *musl*) echo musl && return ;;
    esac
    version=$(printf '%s\n' "$version" | sed -n 's/.* 2\.\([0-9][0-9]*\)[^ ]*$/\1/p')
    # Some systems have the library and not the loader that programs of other systems ask for.
    if [ "${version:-0}" -ge 28 ] && { [ -e /lib64/ld-linux-x86-64.so.2 ] || [ -e /lib/ld-linux-aarch64.so.1 ]; }; then
        echo gnu
    else
        echo musl
    fi
}

# Prints the name that this computer has in the names of archives.
find_target() {
    system=$(uname -s)
    machine=$(uname -m)
    case $system in
    Darwin)
        # A shell that is translated for this processor says the other one.
        [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" != 1 ] || machine=arm64
        ;;
    Linux)
        # A kernel of 64 bits may carry a system of 32, as on some Raspberry Pis.
        if [ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 32 ]; then machine="$machine with a system of 32 bits"; fi
        ;;
    esac
    case "$system $machine" in
    'Darwin arm64') echo aarch64-apple-darwin ;;
    'Darwin x86_64') echo x86_64-apple-darwin ;;
    'Linux aarch64' | 'Linux arm64') echo "aarch64-unknown-linux-$(linux_libc)" ;;
    'Linux x86_64' | 'Linux amd64') echo "x86_64-unknown-linux-$(linux_libc)" ;;
    *)
        die "gharun has no binary for $system on $machine" \
            'build it with Rust and a C compiler: cargo install --locked gharun'
        ;;
    esac
}

# Fetches URL into FILE: `fetch URL FILE`.
fetch() {
    why=
    if have curl; then
        # A server that is busy, or a line that is dead, must not keep a step from ending its machines.
        curl --proto "=$protocol" -fsSL --retry 3 --connect-timeout 20 --max-time 600 -o "$2" "$1" || why="curl ended with $?"
    else
        # GNU's would try 20 times. busybox's has no long options, and some of them crash with a time limit (-T).
        wget -q -t 2 -O "$2" "$1" || why="wget ended with $?"
    fi
    [ -z "$why" ] || die "could not fetch $1: $why" "the releases are listed at $releases"
}

# Prints the SHA-256 hash of a file.
sha256() {
    if have sha256sum; then
        sha256sum <"$1"
    elif have shasum; then
        shasum -a 256 <"$1"
    else
        openssl dgst -sha256 -r <"$1"
    fi | cut -d ' ' -f 1
}

# Sets by what files are fetched: a hash is worth no more than the way that it came.
choose_protocol() {
    case $releases in
    https://*) protocol=https ;;
    http://127.0.0.1[:/]* | http://localhost[:/]*) protocol=http ;;
    *) die "\$GHARUN_RELEASES_URL must begin with https://, not \`$releases\`" ;;
    esac
}

main() {
    [ $# = 0 ] || die 'this script has no arguments: set GHARUN_VERSION or GHARUN_INSTALL_DIR instead'
    choose_protocol
    version=${GHARUN_VERSION:-$default_version}
    version=${version#v}
    case $version in
    latest) from=$releases/latest/download ;;
    *[!0-9A-Za-z.-]* | [!0-9]*) die "\$GHARUN_VERSION must be a version such as 1.2.3, or latest, not \`$version\`" ;;
    *) from=$releases/download/v$version ;;
    esac
    folder=${GHARUN_INSTALL_DIR:-${XDG_BIN_HOME:-${HOME:?must be set, or GHARUN_INSTALL_DIR}/.local/bin}}
    have curl || have wget || die 'curl or wget must be installed'
    have sha256sum || have shasum || have openssl || die 'sha256sum, shasum or openssl must be installed, to check the hash'
    for needed in gzip mktemp tar; do have "$needed" || die "$needed must be installed"; done
    target=$(find_target)
    archive=gharun-$target.tar.gz

    # Before anything is fetched.
    if ! mkdir -p "$folder" 2>/dev/null || ! [ -w "$folder" ]; then
        die "could not write to $folder" 'set GHARUN_INSTALL_DIR to a folder of yours'
    fi
    folder=$(cd "$folder" && pwd)

    work=$(mktemp -d)
    new=
    trap 'rm -rf "$work"; [ -z "$new" ] || rm -f "$new"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' HUP TERM
    fetch "$from/SHA256SUMS" "$work/SHA256SUMS"
    wanted=$(sed -n "s/^\\([0-9a-f]\\{64\\}\\) [ *]$archive\$/\\1/p" "$work/SHA256SUMS")
    [ -n "$wanted" ] || die "this release has no hash of $archive" "the releases are listed at $releases"
    fetch "$from/$archive" "$work/$archive"
    found=$(sha256 "$work/$archive")
    [ "$found" = "$wanted" ] ||
        die "$archive does not match SHA256SUMS, so it was not installed" "expected $wanted, got ${found:-nothing}" \
            'fetch it again; if it still does not match, report it'
    gzip -dc "$work/$archive" | tar -xf - -C "$work"

    # Whole or not at all, also when gharun is running: beside the old one first, and then over it.
    new=$(mktemp "$folder/.gharun.XXXXXX")
    cp "$work/gharun-$target/gharun" "$new"
    chmod 755 "$new"
    says=$("$new" --version) || die "$target does not run on this computer" "please report it, with what \`ldd --version\` and \`uname -a\` say"
    mv -f "$new" "$folder/gharun"
    new=

    printf 'Fetched   %s, %s, and checked its hash\n' "$(printf '%s\n' "$says" | cut -d ' ' -f 1,2)" "$target"
    printf 'Installed %s\n' "$folder/gharun"
    case :$PATH: in
    *:"$folder":*) printf 'Try       gharun start local --rehearse\n' ;;
    *) printf "Try       export PATH=\"%s:\$PATH\" && gharun start local --rehearse\n" "$folder" ;;
    esac
}

# On the last line: of a script that was cut off on its way nothing runs.
main "$@"

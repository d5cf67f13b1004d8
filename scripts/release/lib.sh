# What the scripts of a release share. Each sources it first and is then at the top of the repository.
# shellcheck shell=sh
set -eu
cd "$(dirname "$0")/../.."

# What is released, and for whom. The other names in the repository are held against these by tests/release.sh.
# shellcheck disable=SC2034 # the scripts read it
targets='aarch64-apple-darwin aarch64-unknown-linux-gnu aarch64-unknown-linux-musl
x86_64-apple-darwin x86_64-unknown-linux-gnu x86_64-unknown-linux-musl'
# The oldest C library that the gnu binaries run with: Debian 10, Ubuntu 20.04, RHEL 8 and their heirs.
# shellcheck disable=SC2034
oldest_glibc=2.28
# Where archives are put.
# shellcheck disable=SC2034
dist=${GHARUN_DIST:-target/release-files}

say() { printf '%s\n' "$*"; }
die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for hint in "$@"; do printf 'hint: %s\n' "$hint" >&2; done
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# The version of Cargo.toml.
version() { sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1; }

# The tag that moves with the releases of a version: that of its major version. Documents name the action by it.
moving_tag() { say "v${1%%.*}"; }

# The account that the project lives under, by Cargo.toml's `repository`.
owner() { sed -n 's,^repository = "https://github\.com/\([^/"]*\)/gharun"$,\1,p' Cargo.toml; }

# Fails unless the text is a version, such as 1.2.3 or 1.2.3-rc.1.
must_be_version() {
    printf '%s\n' "$1" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$' ||
        die "\`$1\` is not a version: write it as 1.2.3, without a v"
}

# Fails unless the text is one of the targets.
must_be_target() {
    for known in $targets; do [ "$known" != "$1" ] || return 0; done
    die "\`$1\` is not a target of a release" "the targets are $(printf '%s' "$targets" | tr '\n' ' ')"
}

# `HASH  NAME` lines of files, in the form of sha256sum.
sha256() {
    if have sha256sum; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# GNU tar, which alone makes the same bytes of the same files.
gnu_tar() {
    for tar in tar gtar; do
        if "$tar" --version 2>/dev/null | grep -q 'GNU tar'; then
            "$tar" "$@"
            return
        fi
    done
    die 'GNU tar must be installed'
}

# The time of the commit that is released, in seconds.
source_date() {
    if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then say "$SOURCE_DATE_EPOCH"; else git log -1 --format=%ct; fi
}

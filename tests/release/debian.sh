# install.sh in roots of an old and a new Debian. Sourced by tests/release.sh, whose helpers its tests use.
# shellcheck shell=sh disable=SC2016,SC2030,SC2031,SC2034,SC2154,SC2164 # helpers are there, and `set -e` holds

# Where roots are kept, and what they are.
roots=${CARGO_TARGET_DIR:-$top/target}/roots
suites='bullseye trixie'

# Makes the root of a suite, once: unpacked and not configured, which is all that a script needs.
make_root() {
    rm -rf "$roots/$1.new"
    debootstrap --foreign --variant=minbase "$1" "$roots/$1.new" >"$roots/$1.log" 2>&1 && mv "$roots/$1.new" "$roots/$1"
}

# Begins to make the roots that are missing, beside the other tests, since they are fetched.
begin_roots() {
    debian=
    if [ "$(id -u)" != 0 ] || ! have debootstrap; then
        say "skipped: install.sh in roots of Debian ($suites): root and debootstrap are needed"
    elif ! mkdir -p "$roots"; then
        say "skipped: install.sh in roots of Debian ($suites): $roots cannot be made"
    else
        debian=1
        for suite in $suites; do
            [ -d "$roots/$suite" ] || { make_root "$suite" & makers="$makers $!"; }
        done
    fi
}

# Runs a command in a root, with /proc for its time where that is allowed: `inside ROOT COMMAND…`.
inside() {
    root=$1
    shift
    set -- chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/tmp/home "GHARUN_RELEASES_URL=http://127.0.0.1:$port" "$@"
    if unshare --mount mount -t proc proc "$root/proc" 2>/dev/null; then
        unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec "$@"' "$root" "$@"
    else
        "$@"
    fi
}

# Installs in the root of a suite, and rehearses the archive that the caller has.
in_debian() {
    root=$roots/$1
    rm -rf "$root/tmp/home"
    # Which needs no libraries, and is the one way to fetch there.
    mkdir -p "$root/usr/local/bin"
    cp "$(command -v busybox)" "$root/usr/local/bin/wget"
    # In a container debootstrap makes it a link to itself.
    [ ! -L "$root/proc" ] || { rm "$root/proc" && mkdir "$root/proc"; }
    # What configuring would have made: a rehearsal looks its user up.
    for file in passwd group; do
        [ -e "$root/etc/$file" ] || cp "$root/usr/share/base-passwd/$file.master" "$root/etc/$file"
    done
    inside "$root" /bin/sh <"$top/install.sh" >said
    cat said
    grep -q "^Fetched   gharun 1.2.3, $(here_is), and checked its hash\$" said
    grep -q '^Installed /tmp/home/.local/bin/gharun$' said
    [ -z "$archive" ] || {
        cp "$archive" "$top/scripts/release/smoke" "$root/tmp/"
        inside "$root" /bin/sh /tmp/smoke "/tmp/$(basename "$archive")"
    }
}
install_works_in_debian_bullseye() { in_debian bullseye; }
install_works_in_debian_trixie() { in_debian trixie; }

# Waits until the roots are made, and tests in each.
test_in_roots() {
    [ -n "$debian" ] || return 0
    for maker in $makers; do wait "$maker"; done # whether it did stands in its folder
    makers=
    for suite in $suites; do
        if [ -d "$roots/$suite" ]; then
            it "install_works_in_debian_$suite"
        else
            say "skipped: install.sh in a root of Debian $suite: debootstrap ended with: $(tail -n 1 "$roots/$suite.log")"
        fi
    done
}

# install.sh, as a person would call it, from a server on loopback. Sourced by tests/release.sh, whose helpers its tests use.
# shellcheck shell=sh disable=SC2016,SC2030,SC2031,SC2034,SC2154,SC2164 # helpers are there, and `set -e` holds

# A folder as releases have it, with the versions 1.2.3 (the latest) and 1.2.2: `releases FOLDER`.
releases() {
    for place in latest/download download/v1.2.3 download/v1.2.2; do
        mkdir -p "$1/$place"
        for target in $targets; do
            mkdir -p "$scratch/made/gharun-$target"
            program "$target" "$scratch/made/gharun-$target/gharun"
            case $place in *1.2.2) sed -i.bak 's/1\.2\.3/1.2.2/' "$scratch/made/gharun-$target/gharun" ;; esac
            tar -C "$scratch/made" -cf - "gharun-$target/gharun" | gzip -n >"$1/$place/gharun-$target.tar.gz"
        done
        (cd "$1/$place" && sha256sum gharun-*.tar.gz >SHA256SUMS)
    done
    rm -rf "$scratch/made"
}


# Fetches and installs as a person would, from the server on loopback: `install [NAME=VALUE…]`.
install() {
    env "HOME=$here/home" "PATH=${path:-$PATH}" "GHARUN_RELEASES_URL=${url:-http://127.0.0.1:$port}" "$@" sh <"$top/install.sh"
}

# A folder with the programs that install.sh needs and those that are named, in `$path`, and nothing else.
programs() {
    path=$here/bin
    rm -rf "$path"
    mkdir "$path"
    for needed in cat chmod cp cut env getconf grep gzip head ldd mkdir mktemp mv rm sed sh sha256sum tar uname "$@"; do
        ln -s "$(command -v "$needed")" "$path/$needed"
    done
}

# A program in `$path` that only says something: `pretend NAME TEXT`.
pretend() {
    rm -f "$path/$1"
    printf '#!/bin/sh\ncat <<"END"\n%s\nEND\n' "$2" >"$path/$1"
    chmod +x "$path/$1"
}

here_is() { echo "$(uname -m)-unknown-linux-gnu"; }

install_says_what_it_did_in_three_lines() {
    install >said
    same "$(cat said)" "Fetched   gharun 1.2.3, $(here_is), and checked its hash
Installed $here/home/.local/bin/gharun
Try       export PATH=\"$here/home/.local/bin:\$PATH\" && gharun start local --rehearse"
    home/.local/bin/gharun --version
    same "$(find home -type f)" home/.local/bin/gharun
    PATH=$here/home/.local/bin:$PATH
    same "$(install | tail -n 1)" 'Try       gharun start local --rehearse'
}

install_takes_a_version_and_a_folder() {
    mkdir -p a
    install GHARUN_VERSION=1.2.2 "GHARUN_INSTALL_DIR=$here/a/b" | grep -q '^Fetched   gharun 1\.2\.2, '
    install GHARUN_VERSION=v1.2.3 "GHARUN_INSTALL_DIR=$here/a/b" | grep -q '^Fetched   gharun 1\.2\.3, '
    install GHARUN_INSTALL_DIR=a/b GHARUN_VERSION=latest | grep -q "^Installed $here/a/b/gharun\$"
    same "$(find a -type f)" a/b/gharun
    refused 'GHARUN_VERSION must be a version' install GHARUN_VERSION=../x
    refused 'could not fetch' install GHARUN_VERSION=9.9.9
    grep -q "the releases are listed at http://127.0.0.1:$port" "$scratch/said"
}

install_refuses_what_does_not_have_its_hash() {
    install
    cp -R "$scratch/releases" releases
    for target in $targets; do program "$target" gharun && tar -czf "$scratch/releases/latest/download/gharun-$target.tar.gz" gharun; done
    echo old >home/.local/bin/gharun
    code=0
    refused 'does not match SHA256SUMS, so it was not installed' install || code=1
    sed -i.bak 's/-linux-/-other-/' "$scratch/releases/latest/download/SHA256SUMS"
    refused 'this release has no hash of' install || code=1
    rm -rf "$scratch/releases"
    cp -R releases "$scratch/releases"
    same "$(find home -type f) $(cat home/.local/bin/gharun)" 'home/.local/bin/gharun old'
    return $code
}

install_refuses_a_download_that_was_cut_off() {
    url=http://127.0.0.1:$port/cut
    refused 'could not fetch' install
    programs wget
    refused 'wget' install
    same "$(find home -type f)" ''
}

install_does_nothing_if_it_was_cut_off_itself() {
    lines=$(($(wc -l <"$top/install.sh")))
    for kept in $(seq 10 7 $((lines - 1))) $((lines - 1)); do
        head -n "$kept" "$top/install.sh" >cut.sh
        # A shell may call half a function an error.
        HOME=$here/home GHARUN_RELEASES_URL=http://127.0.0.1:$port sh cut.sh >said 2>&1 || true
    done
    [ ! -e home ]
}

install_works_with_wget_alone() {
    programs wget
    install
    rm -r home
    ln -s "$(command -v busybox)" busybox
    programs
    ln -s "$here/busybox" "$path/wget"
    install
    programs
    refused 'curl or wget must be installed' install
    programs curl
    rm "$path/sha256sum"
    ln -s "$(command -v openssl)" "$path/openssl"
    install
    rm "$path/openssl"
    refused 'sha256sum, shasum or openssl must be installed' install
}

install_says_where_it_may_not_write() {
    : >file
    refused "could not write to $here/file/bin" install "GHARUN_INSTALL_DIR=$here/file/bin"
    grep -q 'set GHARUN_INSTALL_DIR to a folder of yours' "$scratch/said"
    mkdir closed
    chmod 555 closed
    if [ "$(id -u)" != 0 ]; then
        refused "could not write to $here/closed" install "GHARUN_INSTALL_DIR=$here/closed"
    elif have setpriv; then
        chmod 755 "$scratch" "$here"
        refused "could not write to $here/closed" setpriv --reuid 65534 --clear-groups env "HOME=$here/home" \
            "GHARUN_INSTALL_DIR=$here/closed" "GHARUN_RELEASES_URL=http://127.0.0.1:$port" sh "$top/install.sh"
    fi
    same "$(find closed)" closed
}

install_finds_what_this_computer_is() {
    programs curl
    finds() {
        pretend uname "$1"
        [ -z "$2" ] || pretend ldd "$2"
        # `uname -s` and `uname -m` get one answer each.
        printf '#!/bin/sh\ncase $1 in -s) echo %s ;; *) echo %s ;; esac\n' "${1% *}" "${1#* }" >"$path/uname"
        install >said
        same "$(head -n 1 said)" "Fetched   gharun 1.2.3, $3, and checked its hash"
    }
    old='ldd (GNU libc) 2.17'
    finds 'Darwin arm64' '' aarch64-apple-darwin
    finds 'Darwin x86_64' '' x86_64-apple-darwin
    finds 'Linux aarch64' "$old" aarch64-unknown-linux-musl
    finds 'Linux x86_64' "$old" x86_64-unknown-linux-musl
    finds 'Linux x86_64' 'ldd (GNU libc) 2.27' x86_64-unknown-linux-musl
    finds 'Linux x86_64' 'musl libc (x86_64)
Version 1.2.5' x86_64-unknown-linux-musl
    finds 'Linux x86_64' 'ldd: no such option' x86_64-unknown-linux-musl
    # As Debian, Ubuntu, RHEL 8 and the others say it; where the loader is there.
    if [ "$(uname -m)" = x86_64 ]; then
        for new in 'ldd (GNU libc) 2.28' 'ldd (Ubuntu GLIBC 2.31-0ubuntu9.17) 2.31' 'ldd (Debian GLIBC 2.36-9+deb12u13) 2.36'; do
            finds 'Linux x86_64' "$new" x86_64-unknown-linux-gnu
        done
    fi
    pretend sysctl 1
    finds 'Darwin x86_64' '' aarch64-apple-darwin
    pretend uname FreeBSD
    refused 'gharun has no binary for FreeBSD on FreeBSD' install
    grep -q 'cargo install --locked gharun' "$scratch/said"
    printf '#!/bin/sh\ncase $1 in -s) echo Linux ;; *) echo aarch64 ;; esac\n' >"$path/uname"
    pretend getconf 32
    refused 'for Linux on aarch64 with a system of 32 bits' install
}

install_keeps_the_old_one_if_the_new_one_does_not_run() {
    install
    mkdir -p "gharun-$(here_is)"
    printf '#!/bin/sh\nexit 1\n' >"gharun-$(here_is)/gharun"
    cp -R "$scratch/releases" releases
    cd "$scratch/releases/latest/download"
    tar -C "$here" -czf "gharun-$(here_is).tar.gz" "gharun-$(here_is)"
    sha256sum gharun-*.tar.gz >SHA256SUMS
    cd "$here"
    code=0
    refused 'does not run on this computer' install || code=1
    rm -rf "$scratch/releases"
    cp -R releases "$scratch/releases"
    same "$(find home -type f)" home/.local/bin/gharun
    home/.local/bin/gharun --version
    return $code
}

install_fetches_by_https_alone() {
    for url in http://github.example ftp://127.0.0.1 http://127.0.0.1.example 127.0.0.1; do
        refused 'must begin with https://' install
    done
    [ ! -e home ]
}


releases "$scratch/releases"
python3 tests/release/server.py "$scratch/releases" >"$scratch/port" &
server=$!
tries=100
while [ ! -s "$scratch/port" ] && [ "$tries" -gt 0 ] && kill -0 "$server"; do tries=$((tries - 1)); sleep 0.1; done
port=$(cat "$scratch/port")
it install_says_what_it_did_in_three_lines
it install_takes_a_version_and_a_folder
it install_refuses_what_does_not_have_its_hash
it install_refuses_a_download_that_was_cut_off
it install_does_nothing_if_it_was_cut_off_itself
it install_works_with_wget_alone
it install_says_where_it_may_not_write
it install_finds_what_this_computer_is
it install_keeps_the_old_one_if_the_new_one_does_not_run
it install_fetches_by_https_alone

# The Debian packages that the checks and the tests use. Sourced by tests/run and .ci/run, after tests/docker.sh;
# they give the functions `say` and `have`.
# shellcheck shell=sh

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Prints the packages that are missing: a program that is there is never replaced by Debian's.
missing_packages() {
    for pair in bash:bash cc:gcc curl:curl dash:dash debootstrap:debootstrap docker:docker.io fish:fish git:git make:make openssl:openssl \
        ip:iproute2 jq:jq perl:perl podman:podman ps:procps \
        shellcheck:shellcheck ssh-agent:openssh-client sshd:openssh-server wget:wget zsh:zsh; do
        have "${pair%%:*}" || say "${pair#*:}"
    done
    if ! answers; then
        have dockerd || say docker.io
        have iptables || say iptables
    fi
    # Debian's python3 has no virtual environments of its own.
    python3 -c 'import ensurepip, venv' 2>/dev/null || say python3-venv
    # A compiler without the C library's headers cannot build.
    [ -e /usr/include/stdio.h ] || say libc6-dev
    # An image is made of it, so it must need no libraries.
    [ -x /bin/busybox ] || say busybox-static
}

# Installs the missing packages, as root or by sudo.
install_packages() {
    packages=$(missing_packages | sort -u | tr '\n' ' ')
    if [ -z "$packages" ]; then
        say "all packages are there"
        return 0
    fi
    say "installs: $packages"
    if ! have apt-get; then
        say "there is no apt-get here: install them another way"
        return 1
    fi
    as_root apt-get update -q || return 1
    # shellcheck disable=SC2086 # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages || return 1
    # Newer Debians have the command in a package of its own.
    have docker || as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends docker-cli
}

#!/bin/sh
# Makes the image that the tests run containers of, from this machine's own busybox and curl: no
# registry is needed. curl, since a static busybox cannot look hosts up without the C library.
set -eu
image=${1:?usage: image.sh IMAGE}
docker info >/dev/null 2>&1 || { echo "no Docker daemon answers" >&2; exit 1; }
docker image inspect "$image" >/dev/null 2>&1 && exit 0
busybox=$(command -v busybox) || { echo "busybox is not there" >&2; exit 1; }
curl=$(command -v curl) || { echo "curl is not there" >&2; exit 1; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/usr/bin" "$root/root" "$root/home/runner/work" "$root/var/lib"
chmod 1777 "$root/tmp"
copy() {
    mkdir -p "$root$(dirname "$1")"
    cp -L "$1" "$root$1"
    for lib in $(ldd "$1" 2>/dev/null | grep -o '/[^ )]*' || true); do
        mkdir -p "$root$(dirname "$lib")"
        cp -L "$lib" "$root$lib"
    done
}
copy "$busybox"
copy "$curl"
"$busybox" --list | while read -r applet; do
    case $applet in busybox | wget) continue ;; esac
    [ -e "$root/bin/$applet" ] || ln -s "$busybox" "$root/bin/$applet"
done
printf 'root:x:0:0:root:/root:/bin/sh\nrunner:x:1001:1001::/home/runner:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nrunner:x:1001:\n' >"$root/etc/group"
chown -R 1001:1001 "$root/home/runner" 2>/dev/null || true
tar -C "$root" -c . | docker import - "$image" >/dev/null

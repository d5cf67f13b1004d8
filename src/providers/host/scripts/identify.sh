# Prints what tells this host and its work folder from others.

identity=
for file in /etc/machine-id /var/lib/dbus/machine-id; do
    [ -n "$identity" ] || { IFS= read -r identity; } 2>/dev/null <"$file"
done
# shellcheck disable=SC2016
[ -n "$identity" ] || identity=$(ioreg -rd1 -c IOPlatformExpertDevice 2>/dev/null |
    sed -n 's/.*"IOPlatformUUID" = "\(.*\)"/\1/p')
[ -n "$identity" ] || identity=$(uname -n)
# The work folder without symbolic links, whether it is there already or not.
there=$ROOT
rest=
while [ ! -d "$there" ]; do
    rest=/${there##*/}$rest
    there=${there%/*}
    [ -n "$there" ] || there=/
done
there=$(cd -P "$there" && pwd) || fail unreadable
say "clock $(date +%s)"
say "user $(id -u) $(id -un 2>/dev/null || id -u)"
say "identity $identity"
say "folder ${there%/}$rest"

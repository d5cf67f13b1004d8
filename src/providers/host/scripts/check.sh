# Looks whether machines could be launched here, changing nothing.

there=$ROOT
while [ ! -e "$there" ]; do
    there=${there%/*}
    [ -n "$there" ] || there=/
done
if [ ! -d "$there" ]; then
    say "\`$there\` is not a folder" >&2
    fail unprepared
fi
if [ ! -w "$there" ] || [ ! -x "$there" ]; then
    say "\`$(id -un)\` may not write to \`$there\`" >&2
    fail unprepared
fi
if ! secure "$ROOT" || ! enclosed; then
    fail unprepared
fi
if no_exec "$there"; then
    say "\`$there\` is on a disk that is mounted \`noexec\`: no runner can be run there" >&2
    fail unprepared
fi
free=$(room "$there")
if [ -n "$free" ] && [ "$free" -lt 1024 ]; then
    say "No space left on the disk of \`$there\`: $free KiB are free" >&2
    fail unprepared
fi
[ -z "$exposed" ] || say "warning others may write to \`$physical\`: the next start forbids it"
for dir in "$ROOT"/slot-*; do
    is_slot "$dir" || continue
    if ! owned "$dir"; then
        say "warning \`$dir\` belongs to another user: leaving it alone"
    elif open && closable; then
        say "warning others may write to \`$dir\`: the next start forbids it"
    fi
done
if ! { command -v setsid || perl -e 'use POSIX' || command -v bash; } >/dev/null 2>&1; then
    say 'none of setsid, perl and bash is installed' >&2
    fail unstarted
fi
taken=0
for slot in "$ROOT"/slot-*; do
    [ ! -d "$slot" ] || taken=$((taken + 1))
done
say "clock $(date +%s)"
say "fact $(uname -sm) as $(id -un)"
say "fact $taken of $SLOTS slots taken in \`$ROOT\`"
queue
waiting=0
for _ in $ahead; do
    waiting=$((waiting + 1))
done
[ "$waiting" -eq 0 ] || say "fact $waiting waiting for a slot in \`$ROOT\`"
for tool in tar gzip; do
    command -v "$tool" >/dev/null || say "warning $tool is missing: runners come as archives"
done
{ command -v curl || command -v wget; } >/dev/null ||
    say 'warning neither curl nor wget is installed, so no runner can be downloaded'
{ command -v sha256sum || command -v shasum || command -v openssl; } >/dev/null ||
    say 'warning none of sha256sum, shasum and openssl is installed, so no runner can be verified'
[ -z "$free" ] || say "fact $((free / 1024 / 1024)) GiB free"
[ -z "$free" ] || [ "$free" -gt 4194304 ] ||
    say "warning less than 4 GiB are free on \`$there\`: a runner with its tools may not fit"

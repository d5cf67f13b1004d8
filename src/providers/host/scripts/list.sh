# Reports every machine in every slot, and what cannot be read.

[ -e "$ROOT" ] || {
    say gharun-done
    exit 0
}
ls "$ROOT" >/dev/null || fail unreadable

# Whether a slot can be read. One that is left while we look is no longer there, or there anew.
readable() {
    for _ in 1 2 3 4 5 6 7 8 9; do
        ls "$1" >/dev/null 2>&1 && return 0
        [ -d "$1" ] || return 0
        nap
    done
    ls "$1" >/dev/null
}

# Whether a machine is there and nothing of it can be read.
hidden() {
    [ -d "$1" ] || return 1
    [ ! -x "$1" ] || { [ -e "$1/meta" ] && [ ! -r "$1/meta" ]; }
}

for slot in "$ROOT"/slot-*; do
    [ -d "$slot" ] || continue
    readable "$slot" || {
        say "unread $slot"
        continue
    }
    for dir in "$slot"/*; do
        # It may go while we look.
        if hidden "$dir" && nap && hidden "$dir"; then
            say "unread $dir"
        elif ours "$dir"; then
            report "$dir"
        elif tagged "$dir" && [ -d "$dir" ]; then
            say "foreign $dir"
        fi
    done
done

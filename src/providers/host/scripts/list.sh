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

for slot in "$ROOT"/slot-*; do
    is_slot "$slot" || continue
    readable "$slot" || {
        say "unread $slot"
        continue
    }
    for dir in "$slot"/*; do
        if ours "$dir"; then
            report "$dir"
        elif lost "$dir"; then
            say "unmarked ${dir##*/}"
            ! plain "$dir/meta" || sed 's/^/meta /' "$dir/meta"
            say end
        elif is_named "$dir" && ! owned "$dir" && [ -d "$dir" ]; then
            say "foreign $dir"
        fi
    done
done

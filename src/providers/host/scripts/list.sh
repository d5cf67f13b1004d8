# Reports every machine in every slot, and what cannot be read.

[ -e "$ROOT" ] || {
    say gharun-done
    exit 0
}
ls "$ROOT" >/dev/null || fail unreadable
for slot in "$ROOT"/slot-*; do
    [ -d "$slot" ] || continue
    ls "$slot" >/dev/null || {
        say "unread $slot"
        continue
    }
    for dir in "$slot"/*; do
        [ -d "$dir" ] || continue
        if [ ! -x "$dir" ] || { [ -e "$dir/meta" ] && [ ! -r "$dir/meta" ]; }; then
            say "unread $dir"
        elif ours "$dir"; then
            report "$dir"
        fi
    done
done

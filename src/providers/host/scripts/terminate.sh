# Ends the machine $NAME and removes all of it.

stranger=
ended=
for dir in "$ROOT"/slot-*/"$NAME"; do
    if [ ! -e "$dir" ] || ! is_slot "${dir%/*}"; then
        continue
    fi
    # Both questions before anything is done: what vanishes meanwhile is somebody else's doing. What another user
    # calls so is left alone, and keeps nobody from what is ours.
    if ! ours "$dir" && ! lost "$dir"; then
        [ ! -e "$dir" ] || stranger=yes
        continue
    fi
    # A job may have closed it even to us.
    [ -x "$dir" ] || [ -L "$dir" ] || chmod u+rwx "$dir" 2>/dev/null
    # Before its processes are looked for: see the keeper.
    rm -f "$dir/boot"
    quell "$NAME" "$dir/leader" "$dir/keeper" "$dir/watcher" || fail alive
    discard "$dir" || fail remains
    ended=yes
done
[ -z "$stranger" ] || [ -n "$ended" ] || fail stranger
# What lost its folder, or is on the way in or out.
quell "$NAME" || fail alive
for dir in "$ROOT/.new" "$ROOT/.gone"; do
    if owned "$dir" && [ ! -L "$dir" ]; then
        erase "$dir/$NAME" "$dir/$NAME".* || fail remains
    fi
done
leave

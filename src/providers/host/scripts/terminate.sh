# Ends the machine $NAME and removes all of it.

for dir in "$ROOT"/slot-*/"$NAME"; do
    [ -e "$dir" ] || continue
    # Both questions before anything is done: what vanishes meanwhile is somebody else's doing.
    if ! ours "$dir"; then
        [ ! -e "$dir" ] || fail stranger
        continue
    fi
    # Before its processes are looked for: see the keeper.
    rm -f "$dir/boot"
    quell "$NAME" "$dir/leader" "$dir/keeper" "$dir/watcher" || fail alive
    discard "$dir" || fail remains
done
# What lost its folder, or is on the way in or out.
quell "$NAME" || fail alive
erase "$ROOT/.new/$NAME" "$ROOT/.gone/$NAME".* || fail remains
leave

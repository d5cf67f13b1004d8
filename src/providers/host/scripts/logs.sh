# Prints the end of what the machine $NAME said.

for dir in "$ROOT"/slot-*/"$NAME"; do
    if ! is_slot "${dir%/*}" || ! plain "$dir/log" || ! { ours "$dir" || lost "$dir"; }; then
        continue
    fi
    say log
    tail -c 65536 "$dir/log" || fail unreadable
    # After the last line of the log, which may lack its end.
    say
    say end
    break
done

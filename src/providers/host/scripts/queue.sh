# The queue for slots: first come, first served. Sent along with the scripts that mind it.
#
# $ROOT/.queue/NUMBER  a ticket, TURN NAME SLOTS TIME; who draws one later has a higher number
#
# A launch that is willing to wait draws one when it finds no slot, writes it anew each time it asks
# again, under whatever name, and tears it up when it has a slot or waits no more. It locks nothing: a
# slot is taken by `mkdir` as ever. Where the queue cannot be read or written, nobody's turn is known,
# and whoever asks first is served first.

# For how many seconds a ticket counts after it was written. Who waits asks every 15 s at the latest,
# so it takes two asks that fail, or a slow host, to lose a turn; who was killed holds the others up
# for less than a minute. The number stays: who was only slow finds its place again.
COUNTS=45

# Whether a machine of name $1 is in a slot: then whoever waited for it waits no more.
housed() {
    for home in "$ROOT"/slot-*/"$1"; do
        [ ! -e "$home" ] || ! owned "$home" || return 0
    done
    return 1
}

# Leaves in $ticket the number of our ticket, in $ahead the SLOTS of every ticket that counts and is
# before ours (without one, all are), and in $last the highest number.
queue() {
    ticket=
    last=0
    live=
    now=$(date +%s)
    for file in "$ROOT"/.queue/*; do
        number=${file##*/}
        # What a shell takes for octal, or what is none of ours, would end the script.
        case $number in
        0* | *[!0-9]* | ??????????*) continue ;;
        esac
        [ "$number" -le "$last" ] || last=$number
        turn=
        slots=
        written=
        plain "$file" || continue
        { read -r turn name slots written; } 2>/dev/null <"$file" || continue
        case $slots:$written in
        : | *[!0-9:]*) continue ;;
        esac
        if [ "$turn" = "$TURN" ]; then
            ticket=$number
        elif [ "$written" -gt "$((now - COUNTS))" ] && [ "$written" -lt "$((now + COUNTS))" ] &&
            ! housed "$name"; then
            live="$live $number:$slots"
        fi
    done
    ahead=
    for claim in $live; do
        [ -n "$ticket" ] && [ "${claim%:*}" -gt "$ticket" ] || ahead="$ahead ${claim#*:}"
    done
}

# Always of one length, so that it is written over in place: the disk may be full by then.
inscribe() {
    printf '%-200s\n' "$TURN $NAME $SLOTS $(date +%s)"
}

# Shows that the holder of the ticket is alive, or draws one, by way of the file $1.
hold() {
    if [ -n "$ticket" ]; then
        { inscribe; } 2>/dev/null 1<>"$ROOT/.queue/$ticket"
        return
    fi
    mkdir -p "$ROOT/.queue" 2>/dev/null
    { inscribe; } 2>/dev/null >"$1" || return
    number=$last
    # A link comes to be with all that it says, and never takes the place of another.
    while
        number=$((number + 1))
        ! ln "$1" "$ROOT/.queue/$number" 2>/dev/null
    do
        [ -e "$ROOT/.queue/$number" ] || return
    done
    ticket=$number
}

# Tears up the tickets of $TURN and those for $NAME. One that stays counts no more before long.
leave() {
    for file in "$ROOT"/.queue/*; do
        plain "$file" || continue
        { read -r turn name _; } 2>/dev/null <"$file" || continue
        if [ "$turn" = "$TURN" ] || [ "$name" = "$NAME" ]; then
            rm -f "$file" 2>/dev/null
        fi
    done
}

# Launches the machine $NAME in one of $SLOTS slots, or gets a place in the queue for $TURN where $WAITS
# says so. Standard input: meta, env, keeper.sh, each ended by a line $MARK, and the boot script to the
# end; $SIZE bytes in all, without the marks.

umask 077
lock=$ROOT/.new/$NAME
fresh=$lock/$MARK

# Lets others launch this name.
unlock() {
    erase "$fresh"
    holder=
    ! plain "$lock/launcher" || { read -r holder _; } 2>/dev/null <"$lock/launcher"
    [ "$holder" != "$$" ] || erase "$lock"
}

# Ends the script with nothing left of it.
give_up() {
    # Shells say no more than that they could not write.
    free=$(room "$ROOT")
    [ "${free:-64}" -ge 64 ] || say "No space left on the disk of \`$ROOT\`" >&2
    unlock
    fail "$1"
}

# Makes us the only one who launches this name. Who is robbed of this by mistake only fails: the
# path of all that it prepared is gone.
lock() {
    round=0
    until mkdir "$lock" 2>/dev/null; do
        round=$((round + 1))
        if [ ! -d "$lock" ]; then
            # Not for being there: say why, unless it went just now.
            mkdir "$lock" && break
            [ "$round" -lt 10 ] || fail unprepared
        elif alive "$lock/launcher"; then
            # It may have become a machine or not.
            [ "$round" -lt 300 ] || exit 1
        elif [ -e "$lock/launcher" ] || [ "$round" -gt 20 ]; then
            mv "$lock" "$ROOT/.gone/$NAME.$MARK" 2>/dev/null
        fi
        nap
    done
    sign "$lock/launcher" || {
        erase "$lock"
        give_up unprepared
    }
}

# Writes the lines of standard input up to the mark.
section() {
    while IFS= read -r line; do
        [ "$line" != "$MARK" ] || return 0
        printf '%s\n' "$line" || return 1
    done
    return 1
}

# Runs a command in a session of its own and does not wait for it. What is started with `&` would
# ignore SIGINT for good, jobs included, so `&` is the last choice.
detach() {
    if setsid --help 2>&1 | grep -q -e --fork; then
        setsid --fork "$@"
    elif perl -e 'use POSIX' 2>/dev/null; then
        perl -e 'use POSIX; exit if fork; POSIX::setsid(); exec @ARGV or die' "$@"
    elif command -v setsid >/dev/null; then
        setsid "$@" &
    elif command -v bash >/dev/null; then
        bash -c 'set -m; "$@" &' bash "$@"
    else
        say 'none of setsid, perl and bash is installed' >&2
        return 1
    fi
}

# Reports the machine of this name, if there is one, and ends the script.
adopt() {
    for dir in "$ROOT"/slot-*/"$NAME"; do
        # What another user calls so is theirs.
        if [ ! -d "$dir" ] || ! is_slot "${dir%/*}" || ! owned "$dir"; then
            continue
        fi
        if ! ours "$dir" || [ "$(meta "$dir" gharun-start)" != "$START" ]; then
            give_up stranger
        fi
        unlock
        wait_for "$dir"
        report "$dir" || continue
        leave
        say gharun-done
        exit 0
    done
}

# Waits until the boot script of a machine runs, or has no hope to.
wait_for() {
    round=0
    while [ ! -e "$1/leader" ] && [ -e "$1/meta" ] && [ "$round" -lt 100 ]; do
        # Once it has signed, a keeper that is gone will start nothing.
        if [ -e "$1/keeper" ] && ! alive "$1/keeper"; then
            [ -e "$1/leader" ]
            return
        fi
        round=$((round + 1))
        nap
    done
    [ -e "$1/leader" ]
}

# Whether a machine that has ended failed, and was to stay for a look in that case; $condition says how it ended. What
# did its job, was idle for too long or was stopped has not failed (`model::BootCause` has the codes).
kept() {
    [ "$(meta "$1" keep-failed)" = yes ] || return 1
    case $condition in
    'ended with exit code 0' | 'ended with exit code 71' | 'ended with exit code 72' | 'ended with exit code 143') return 1 ;;
    esac
}

# Whether a machine has ended long enough ago that its slot may be taken.
over() {
    ours "$1" || return 1
    condition "$1"
    case $condition in
    ended*) ;;
    *) return 1 ;;
    esac
    ! passed "$1" gharun-expires 0 || return 0
    ! kept "$1" || return 1
    touched=$(find "$1/exit" "$1/log" "$1/meta" -mmin "-$GRACE" 2>/dev/null)
    [ -z "$touched" ]
}

# Removes what ended in a slot; fails where the slot has to be left alone.
vacate() {
    if [ -d "$1" ] && { [ -L "$1" ] || ! owned "$1"; }; then
        return 1
    fi
    for dir in "$1"/* "$1"/.[!.]*; do
        [ -e "$dir" ] || continue
        over "$dir" || return 1
        quell "${dir##*/}" "$dir/leader" "$dir/keeper" "$dir/watcher" || return 1
        discard "$dir" || return 1
    done
    # Empty, it belongs to somebody who is about to move in, or died while doing so. Whoever finds
    # it gone takes another one, so that it need not be known which.
    [ -d "$1" ] || return 0
    before=$(ls -di "$1" 2>/dev/null)
    sleep 1
    [ "$(ls -di "$1" 2>/dev/null)" != "$before" ] || rmdir "$1" 2>/dev/null
}

# Moves in; leaves the folder in $dir. Fails when somebody was quicker.
move_in() {
    dir=$1/$NAME
    mv "$fresh" "$dir" 2>/dev/null || return 1
    if [ "$(ls -A "$1")" != "$NAME" ]; then
        # The slot was taken for an abandoned one, and two moved in. Neither knows whether the other
        # has noticed.
        mv "$dir" "$fresh" && return 1
        give_up unprepared
    fi
}

# Leaves in $spare the numbers of the slots that may be taken: of those that are free, as many are left
# to others as are before us and could use them; where nobody is, it needs no look which are free.
spare() {
    spare=
    n=0
    while [ "$n" -lt "$SLOTS" ]; do
        n=$((n + 1))
        if [ -n "$ahead" ]; then
            slot=$ROOT/slot-$n
            [ ! -d "$slot" ] || vacate "$slot"
            [ ! -e "$slot" ] || continue
        fi
        spare="$n $spare"
    done
    # From the highest down: the low ones are of use to everybody, however few slots they count on.
    for claim in $ahead; do
        rest=
        for n in $spare; do
            if [ -n "$claim" ] && [ "$n" -le "$claim" ]; then
                claim=
            else
                rest="$rest $n"
            fi
        done
        spare=$rest
    done
    rest=$spare
    spare=
    for n in $rest; do
        spare="$n $spare"
    done
}

# Finds a slot and moves in; fails when none is free, or none is left by those before us.
take() {
    queue
    [ -z "$ticket" ] || hold "$lock/ticket"
    spare
    for n in $spare; do
        slot=$ROOT/slot-$n
        if mkdir "$slot" 2>/dev/null; then
            move_in "$slot" && return 0
        elif [ ! -d "$slot" ]; then
            # Not for being taken: say why, unless it was left just now.
            mkdir "$slot" || [ -d "$slot" ] || give_up unprepared
            move_in "$slot" && return 0
        else
            vacate "$slot" && mkdir "$slot" 2>/dev/null && move_in "$slot" && return 0
        fi
    done
    return 1
}

# Closes to others the folders of ours that they may write to, and says so.
close_off() {
    for path; do
        if [ ! -L "$path" ] && [ -d "$path" ] && owned "$path" && open && closable; then
            chmod go-w "$path" && say "closed $path"
        fi
    done
}

# Looked at before it is made, so that nobody's link leads us, and again once it is there: somebody may have been quicker.
if [ ! -d "$ROOT" ]; then
    if ! secure "$ROOT" || ! mkdir -p "$ROOT"; then
        fail unprepared
    fi
fi
if ! secure "$ROOT" || ! enclosed; then
    fail unprepared
fi
if [ -n "$exposed" ]; then
    chmod go-w "$physical" || fail unprepared
    say "closed $physical"
fi
mkdir -p "$ROOT/.new" "$ROOT/.gone" || fail unprepared
for dir in "$ROOT/.new" "$ROOT/.gone" "$ROOT/.queue"; do
    if [ -e "$dir" ] || [ -L "$dir" ]; then
        owned "$dir" || {
            refuse "\`$dir\` belongs to another user" "chown -h $(id -un 2>/dev/null || say "$me")" "$dir"
            fail unprepared
        }
    fi
done
close_off "$ROOT/.new" "$ROOT/.gone" "$ROOT/.queue" "$ROOT"/slot-*
[ -z "$CACHE" ] || mkdir -p "$CACHE" || fail unprepared
# What should have gone, and what was being prepared an hour ago and never came to life.
erase "$ROOT"/.gone/* 2>/dev/null
find "$ROOT/.new/." ! -name . -prune -mmin +60 -exec rm -rf {} + 2>/dev/null
# Tickets whose holders are dead for good.
find "$ROOT/.queue/." ! -name . -prune -mmin +10 -exec rm -rf {} + 2>/dev/null

lock
# Who asked may be gone when we answer. A machine that has moved in stays, for whoever looks for it.
# Caught, not ignored: what is ignored here would be ignored by jobs too.
trap 'unlock; exit 1' HUP PIPE TERM
adopt
if ! { mkdir "$fresh" "$fresh/work" &&
    section >"$fresh/meta" && section >"$fresh/env" && section >"$fresh/keeper.sh" &&
    cat >"$fresh/boot" && : >"$fresh/log" && printf '%64s\n' '' >"$fresh/exit"; }; then
    give_up unprepared
fi
size=$(cat "$fresh/meta" "$fresh/env" "$fresh/keeper.sh" "$fresh/boot" | wc -c)
if [ "$size" -ne "$SIZE" ]; then
    say "$((size)) of $SIZE bytes arrived" >&2
    give_up unprepared
fi
printf 'made=%s\n' "$(date +%s)" >>"$fresh/meta"
passed "$fresh" made 0 || give_up unprepared

round=0
until take; do
    round=$((round + 1))
    [ -z "$WAITS" ] || [ -n "$ticket" ] || hold "$lock/ticket"
    # Somebody may have got in between; a folder in which nothing happens needs no second look.
    if [ "$round" -lt 3 ] && [ -n "$(find "$ROOT" -prune -mmin -1 2>/dev/null)" ]; then
        nap
        continue
    fi
    for slot in "$ROOT"/slot-*; do
        ! is_slot "$slot" || owned "$slot" || say "foreign $slot"
    done
    for dir in "$ROOT"/slot-*/*; do
        case ${dir##*/} in
        *[!A-Za-z0-9._-]*) ;;
        *) ! is_slot "${dir%/*}" || say "held ${dir##*/}" ;;
        esac
    done
    for _ in $ahead; do
        say ahead
    done
    give_up full
done
unlock

start() {
    if [ -n "$LOCALE" ]; then
        LC_ALL=$LOCALE
    else
        unset LC_ALL
    fi
    detach sh "$dir/keeper.sh" keep "$NAME" "$dir" "$CACHE" "$(meta "$dir" gharun-expires)"
}
if ! (start) </dev/null >>"$dir/log" 2>&1 || ! wait_for "$dir"; then
    ! plain "$dir/log" || tail -c 2000 "$dir/log" >&2
    rm -f "$dir/boot"
    if quell "$NAME" "$dir/leader" "$dir/keeper" "$dir/watcher" && discard "$dir"; then
        fail unstarted
    fi
    # It cannot be said that nothing is left.
    exit 1
fi
leave
report "$dir"

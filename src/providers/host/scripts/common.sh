# Functions that all scripts share. POSIX sh; Linux, macOS and busybox.
#
# $ROOT/slot-N/NAME/   a machine in its slot; what is in it:
#     meta             tags and more, KEY=VALUE lines, values percent-encoded; there from the start
#     boot, env        what it runs, and with which variables; secret, gone when it has ended
#     keeper.sh        what watches over it
#     keeper, leader, watcher  process number, and what tells that process from a later one of the number
#     exit             blank, then when and how it ended; its space is taken beforehand
#     log, work/       what it said, and where it works
# $ROOT/.new/NAME/     whoever holds it launches NAME: who that is (launcher), and the machine to be
# $ROOT/.gone/         machines that are being removed
# $ROOT/.queue/        who waits for a slot: see `queue.sh`
#
# Names serve one life, so that nothing done to a name can hit what took its slot afterwards: a slot
# is taken by `mkdir`, which fails where one is, and left by `rmdir`, which fails where anything is.

say() {
    printf '%s\n' "$*"
}

# Ends the script with a reason that the other side knows; the causes are on stderr.
fail() {
    say "fail $*"
    say 'gharun-done'
    exit 0
}

# Prints how many KiB are free on the disk of the folder $1.
room() {
    df -Pk "$1" 2>/dev/null | sed -n '2s/.* \([0-9][0-9]*\)  *[0-9]*% .*/\1/p'
}

nap() {
    sleep 0.1 2>/dev/null || sleep 1
}

# Prints what tells process $1 from a later one of its number; fails when it does not run.
started() {
    if [ -r /proc/self/stat ]; then
        { IFS= read -r stat; } 2>/dev/null <"/proc/$1/stat" || return 1
        boot_id=
        { IFS= read -r boot_id; } 2>/dev/null </proc/sys/kernel/random/boot_id
        # The second field is a name in parentheses, which may hold anything.
        # shellcheck disable=SC2086
        set -- ${stat##*) }
        case $1 in
        Z | X) return 1 ;;
        esac
        say "${20}-$boot_id"
    else
        line=$(ps -o stat= -o lstart= -p "$1" 2>/dev/null) || return 1
        # shellcheck disable=SC2086
        set -- $line
        case ${1:-Z} in
        Z*) return 1 ;;
        esac
        shift
        say "$*" | tr ' ' '_'
    fi
}

# Whether the process that the file $1 names still runs; leaves its number in $pid.
alive() {
    pid=
    since=
    { read -r pid since; } 2>/dev/null <"$1" || return 1
    [ -n "$since" ] && [ "$(started "$pid")" = "$since" ]
}

# Notes in the file $1 who we are.
sign() {
    printf '%s %s\n' "$$" "$(started "$$")" >"$1.new" && mv -f "$1.new" "$1"
}

# Prints NUMBER:PARENT:GROUP:STATE of every process, many at a time: a shell reads by the byte and writes
# by the line, and on a host that is busy each line waits for its turn. The second field of `stat` is a
# name in parentheses, which may hold anything, in no encoding.
table() {
    if [ -r /proc/self/stat ]; then
        cat /proc/[0-9]*/stat 2>/dev/null |
            LC_ALL=C sed -n 's/^\([0-9]*\) (.*) \([A-Za-z]\) \([0-9]*\) \([0-9]*\) .*/\1:\3:\4:\2/p'
    else
        ps -A -o pid= -o ppid= -o pgid= -o stat= | sed 's/^ *//; s/  */:/g'
    fi
}

# Prints the processes of the machine $1: of the groups whose leaders the files $2... name, all
# that descends from them, and all that bears its mark, where the system shows that.
members() {
    marked=$(grep -lF "GHARUN_SLOT=$1" /proc/[0-9]*/environ 2>/dev/null)
    shift
    groups=' '
    for file; do
        alive "$file" && groups="$groups$pid "
    done
    found=$groups
    for file in $marked; do
        file=${file#/proc/}
        found="$found${file%/environ} "
    done
    processes=$(table)
    more=yes
    while [ -n "$more" ]; do
        more=
        # No here-document: some shells write it to a disk that may be full.
        for row in $processes; do
            pid=${row%%:*}
            row=${row#*:}
            parent=${row%%:*}
            row=${row#*:}
            group=${row%%:*}
            case ${row#*:} in
            Z* | X*) continue ;;
            esac
            case $found in
            *" $pid "*) continue ;;
            esac
            case "$groups|$found" in
            *" $group "*"|"* | *"|"*" $parent "*)
                found="$found$pid "
                more=yes
                ;;
            esac
        done
    done
    # shellcheck disable=SC2086
    echo $found
}

# Ends the processes of a machine, as `members` finds them: asks them, and after 5 s makes them.
# Fails when there are some after 15 s.
quell() {
    round=0
    while
        pids=$(members "$@")
        [ -n "$pids" ]
    do
        round=$((round + 1))
        # shellcheck disable=SC2086
        case $round in
        1) kill -TERM $pids 2>/dev/null ;;
        150)
            say "could not end the processes $pids" >&2
            return 1
            ;;
        *) [ "$round" -lt 50 ] || kill -KILL $pids 2>/dev/null ;;
        esac
        nap
    done
}

# Removes folders, also those that a job made read-only. Two may be at it: then `rm` misses what the
# other one was quicker to remove, and some of them call that a failure.
erase() {
    for folder; do
        tries=0
        while [ -e "$folder" ]; do
            tries=$((tries + 1))
            case $tries in
            1) rm -rf "$folder" 2>/dev/null && continue ;;
            10)
                rm -rf "$folder" && continue
                return 1
                ;;
            *)
                nap
                rm -rf "$folder" 2>/dev/null && continue
                ;;
            esac
            chmod -R u+rwX "$folder" 2>/dev/null
        done
    done
    return 0
}

# Takes the folder of a machine out of its slot at once, and then from the disk. May be done by
# several at a time.
discard() {
    name=${1##*/}
    mv "$1" "$ROOT/.gone/$name.$$" 2>/dev/null
    erase "$1" || return 1
    rmdir "${1%/*}" 2>/dev/null
    erase "$ROOT/.gone/$name".*
}

# Prints the value of key $2 in the meta file of machine $1.
meta() {
    sed -n "s/^$2=//p" "$1/meta" 2>/dev/null
}

# Whether the time in key $2 of machine $1, and $3 seconds more, has come. Not when there is no time.
passed() {
    time=$(meta "$1" "$2")
    case $time in
    '' | *[!0-9]*) return 1 ;;
    esac
    [ "$(date +%s)" -ge "$((time + $3))" ]
}

# Whether the machine in the folder $1 bears our tags.
tagged() {
    [ "$(meta "$1" managed-by)" = gharun ] && [ "$(meta "$1" place)" = "$PLACE" ]
}

# Whether it is ours as well: tags are written by anybody.
ours() {
    tagged "$1" && owned "$1"
}

# Leaves in $mode and $owner what `ls` says of $1, of a link itself.
look() {
    set -f
    # shellcheck disable=SC2046
    set -- $(ls -ldn "$1" 2>/dev/null)
    set +f
    mode=${1:-}
    owner=${3:-}
}

# Whether $1 is root's or ours. In a namespace root may have another number: it owns /. And whoever got
# us root with sudo can have whatever we have.
owned() {
    if [ -z "$me" ]; then
        me=$(id -u)
        look /
        top=$owner
    fi
    look "$1"
    case $owner in
    '') return 1 ;;
    0 | "$top" | "$me") ;;
    "${SUDO_UID:-}") [ "$me" -eq 0 ] ;;
    *) return 1 ;;
    esac
}
me=

# Whether others may write to what we looked at; of a link that says nothing.
open() {
    case $mode in
    l*) return 1 ;;
    ?????w* | ????????w*) ;;
    *) return 1 ;;
    esac
}

# Whether it is ours to close.
closable() {
    [ "$owner" = "$me" ] || [ "$me" -eq 0 ]
}

# Fails, and tells why on stderr, where somebody else could put something in the place of the folder $1, as
# it is named and without links: by owning it or a folder above it, or where everybody may write to one of
# those. In a sticky one nobody can move what is not theirs. What is not there yet will be ours.
secure() {
    physical=$(cd -P "$1" 2>/dev/null && pwd)
    [ "$physical" != "$1" ] || physical=
    for path in "$1/." "${physical%/*}"; do
        while [ -n "$path" ]; do
            if [ -e "$path" ] || [ -L "$path" ]; then
                owned "$path" || {
                    say "\`${path%/.}\` belongs to another user" >&2
                    return 1
                }
                # The folder itself can be closed.
                if [ "${path%/.}" != "$1" ] || ! closable; then
                    case $mode in
                    d???????w[!tT]*)
                        say "every user may move what is in \`${path%/.}\`" >&2
                        return 1
                        ;;
                    esac
                fi
            fi
            path=${path%/*}
        done
    done
}

# Leaves in $condition what the machine in the folder $1 is doing.
condition() {
    if alive "$1/leader"; then
        condition=running
        return
    fi
    if alive "$1/keeper"; then
        condition=pending
        [ ! -e "$1/leader" ] || condition=running
        return
    fi
    # Written before the keeper ends, so it is read after the keeper was seen to have ended.
    at=
    how=
    { read -r at how; } 2>/dev/null <"$1/exit"
    if [ -n "$at" ]; then
        condition="ended $how"
    elif [ -e "$1/keeper" ]; then
        condition='ended killed from outside'
    elif passed "$1" made 60; then
        condition='ended before it was started'
    else
        condition=pending
    fi
}

# Prints all that is known of the machine in the folder $1.
report() {
    condition "$1"
    [ -r "$1/meta" ] || return 1
    say "machine ${1##*/}"
    say "state $condition"
    sed 's/^/meta /' "$1/meta" && say end
}

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

# Whether nothing can be run on the disk of the folder $1. Blanks in the name of a disk's folder are spelt \040.
no_exec() {
    [ -r /proc/mounts ] || return 1
    at=$(cd -P "$1" 2>/dev/null && pwd) || return 1
    # The last of the longest: what was mounted later hides what was there.
    longest=
    options=
    while read -r _ folder _ how _; do
        folder=$(printf '%b' "$folder")
        case ${at%/}/ in
        "${folder%/}"/*) [ "${#folder}" -lt "${#longest}" ] || { longest=$folder options=$how; } ;;
        esac
    done </proc/mounts
    case ,$options, in
    *,noexec,*) ;;
    *) return 1 ;;
    esac
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

# Whether $1 is a file and no link: whoever reads a pipe may wait for ever, and a link leads anywhere.
plain() {
    [ -f "$1" ] && [ ! -L "$1" ]
}

# Whether the process that the file $1 names still runs; leaves its number in $pid.
alive() {
    pid=
    since=
    plain "$1" || return 1
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
    # Without -z the one of busybox looks at the first variable alone.
    marked=$(grep -lFz "GHARUN_SLOT=$1" /proc/[0-9]*/environ 2>/dev/null)
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

# Of root's: takes the folders in $1 from the user that a job ran as, from the top down. The `rm` of busybox goes by
# names, and what is left of a job could put a link to a folder of root's in the place of one that it is about to enter.
seize() {
    if [ -d "$1" ] && [ ! -L "$1" ] && [ "$(id -u)" -eq 0 ] && rm --help 2>&1 | grep -q BusyBox; then
        find "$1" -type d \( ! -user 0 -o -perm -020 -o -perm -002 \) -exec chown -h 0 {} \; -exec chmod 700 {} \;
    fi
}

# Removes folders, also those that a job made read-only. Two may be at it: then `rm` misses what the
# other one was quicker to remove, and some of them call that a failure.
erase() {
    for folder; do
        tries=0
        seize "$folder" 2>/dev/null
        while [ -e "$folder" ] || [ -L "$folder" ]; do
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
            [ -L "$folder" ] || chmod -R u+rwX "$folder" 2>/dev/null
        done
    done
    return 0
}

# Takes the folder of a machine out of its slot at once, and then from the disk. May be done by
# several at a time.
discard() {
    name=${1##*/}
    if owned "$ROOT/.gone" && [ ! -L "$ROOT/.gone" ]; then
        mv "$1" "$ROOT/.gone/$name.$$" 2>/dev/null
        set -- "$1" "$ROOT/.gone/$name".*
    fi
    erase "$1" || return 1
    rmdir "${1%/*}" 2>/dev/null
    shift
    erase "$@"
}

# Prints the value of key $2 in the meta file of machine $1.
meta() {
    plain "$1/meta" && sed -n "s/^$2=//p" "$1/meta" 2>/dev/null
}

# Whether the time in key $2 of machine $1, and $3 seconds more, has come. Not when there is no time.
passed() {
    time=$(meta "$1" "$2")
    case $time in
    '' | *[!0-9]*) return 1 ;;
    esac
    [ "$(date +%s)" -ge "$((time + $3))" ]
}

# Whether $1 is a slot: a folder with a number, and no link to one.
is_slot() {
    case ${1##*/slot-} in
    '' | *[!0-9]*) return 1 ;;
    esac
    [ -d "$1" ] && [ ! -L "$1" ]
}

# Whether the folder $1 has a name that gharun may have given it. Others' names may hold a line of ours.
is_named() {
    case ${1##*/} in
    *[!A-Za-z0-9._-]*) return 1 ;;
    gharun-*) ;;
    *) return 1 ;;
    esac
}

# Whether the machine in the folder $1 is ours and bears our tags, which are written by anybody. Of another user's
# nothing is read.
ours() {
    owned "$1" && [ "$(meta "$1" managed-by)" = gharun ] && [ "$(meta "$1" place)" = "$PLACE" ]
}

# Whether a machine of ours is in the folder $1, though it has lost its tags, or the host its identity: something of
# it runs here and now, or it cannot be looked into. A copy of a folder, or one that another host shares, has nothing
# that runs here.
lost() {
    is_named "$1" && owned "$1" && [ -d "$1" ] || return 1
    [ ! -x "$1" ] || alive "$1/leader" || alive "$1/keeper" || alive "$1/watcher" ||
        [ -n "$(members "${1##*/}")" ] || return 1
    # It may have gone meanwhile.
    [ -d "$1" ]
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

# Whether others may write to what we looked at, and take what is ours there: not in a sticky folder. Of a link its
# mode says nothing.
open() {
    case $mode in
    l* | ?????????[tT]*) return 1 ;;
    ?????w* | ????????w*) ;;
    *) return 1 ;;
    esac
}

# Whether it is ours to close.
closable() {
    [ "$owner" = "$me" ] || [ "$me" -eq 0 ]
}

# Tells why a folder is refused, on stderr, and what to type: the command $2, for the path $3.
refuse() {
    say "$1" >&2
    as=
    [ "$me" -eq 0 ] || as='sudo '
    say "mend $as$2 -- $3"
}

# Fails where somebody else could put something in the place of the folder $1: by owning it, or a folder or a link on
# the way to it, or where everybody may write to a folder on that way. In a sticky one nobody can move what is not
# theirs. What is not there yet will be ours. Leaves in $physical where the way leads.
secure() {
    rest=$1
    physical=
    links=0
    while [ -n "$rest" ]; do
        part=${rest%%/*}
        case $rest in
        */*) rest=${rest#*/} ;;
        *) rest= ;;
        esac
        case $part in
        '' | .) continue ;;
        ..)
            physical=${physical%/*}
            continue
            ;;
        esac
        path=$physical/$part
        if [ ! -e "$path" ] && [ ! -L "$path" ]; then
            physical=$path
            continue
        fi
        if ! owned "$path"; then
            refuse "\`$path\` belongs to another user" "chown -h $(id -un 2>/dev/null || say "$me")" "$path"
            return 1
        fi
        case $mode in
        l*)
            links=$((links + 1))
            target=$(readlink "$path")
            if [ "$links" -gt 40 ] || [ -z "$target" ]; then
                say "\`$path\` is not a folder but a link that leads nowhere" >&2
                return 1
            fi
            rest=$target/$rest
            case $target in
            /*) physical= ;;
            esac
            continue
            ;;
        d???????w[!tT]*)
            # The folder itself can be closed: see `enclosed`.
            case $rest in
            *[!/]*)
                refuse "every user may move what is in \`$path\`" 'chmod o-w' "$path"
                return 1
                ;;
            esac
            ;;
        esac
        physical=$path
    done
}

# Whether the folder of the slots, which `secure` has found, is safe from others, or once it is closed: then $exposed
# says so. Closed is only what is ours and gharun's; what else it holds, others may share on purpose.
enclosed() {
    exposed=
    look "$physical/."
    open || return 0
    everybody=
    case $mode in
    ????????w*) everybody=yes ;;
    esac
    if closable; then
        if [ -d "$physical/.new" ] && [ ! -L "$physical/.new" ] && owned "$physical/.new" ||
            [ -z "$(ls -A "$physical")" ]; then
            exposed=yes
            return 0
        fi
        refuse "others may write to \`$physical\`, and it holds more than slots" 'chmod go-w' "$physical"
        return 1
    fi
    # Whom root has put into a group is root's affair.
    [ -n "$everybody" ] || return 0
    refuse "every user may move what is in \`$physical\`" 'chmod o-w' "$physical"
    return 1
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
    ! plain "$1/exit" || { read -r at how; } 2>/dev/null <"$1/exit"
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
    plain "$1/meta" && [ -r "$1/meta" ] || return 1
    say "machine ${1##*/}"
    say "state $condition"
    sed 's/^/meta /' "$1/meta" && say end
}

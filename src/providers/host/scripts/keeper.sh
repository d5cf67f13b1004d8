# Watches over one machine: runs its boot script in a session of its own, ends it when its lifetime is
# over, ends what it leaves behind, and notes how it ended.
#
# sh keeper.sh keep|watch|lead NAME FOLDER CACHE EXPIRES

NAME=$2
DIR=$3
EXPIRES=$5

lead() {
    sign leader && [ -f boot ] || exit 1
    # shellcheck source=/dev/null
    . ./env
    rm -f env
    GHARUN_WORK=$DIR/work
    # Where nothing is to be kept, it goes with the machine.
    GHARUN_CACHE=${1:-$DIR/work/cache}
    export GHARUN_WORK GHARUN_CACHE
    cd work || exit 1
    exec sh ../boot
}

# Runs a command in a session of its own and waits for it.
apart() {
    if command -v setsid >/dev/null; then
        setsid "$@"
    elif perl -e 'use POSIX' 2>/dev/null; then
        perl -e 'use POSIX; POSIX::setsid(); exec @ARGV or die' "$@"
    else
        bash -c 'set -m; "$@" & wait "$!"' bash "$@"
    fi
}

# Ends the machine at its time. The clock on the wall counts, so that a sleeping computer does not
# prolong a life; it is looked at often, so that it may be set right. It does so too when the keeper
# is killed, and then stays for as long as there is anything to end.
watch() {
    sign watcher || exit 1
    trap 'kill "$pause" 2>/dev/null; exit' TERM
    alive keeper
    keeper=$pid
    born=$since
    while
        left=$((EXPIRES - $(date +%s)))
        [ "$left" -gt 0 ]
    do
        [ "$left" -lt 10 ] || left=10
        sleep "$left" &
        pause=$!
        wait "$pause"
        [ "$(started "$keeper")" = "$born" ] || [ -n "$(members "$NAME" leader)" ] || exit 0
    done
    say 'gharun: the lifetime is over'
    quell "$NAME" leader
    exit
}

umask 077
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
cd "$DIR" || exit 1
case $1 in
lead) lead "$4" ;;
watch) watch ;;
esac

trap '' HUP
# Whoever ends this machine removes `boot` first and looks for us then: one of both sees the other.
sign keeper && [ -f boot ] || exit 1
sh ./keeper.sh watch "$NAME" "$DIR" "$4" "$EXPIRES" &
watcher=$!
apart env "GHARUN_SLOT=$NAME" sh ./keeper.sh lead "$NAME" "$DIR" "$4" "$EXPIRES"
code=$?
if [ "$(date +%s)" -lt "$EXPIRES" ]; then
    how="with exit code $code"
    kill "$watcher"
else
    how='when its lifetime was over'
fi
wait "$watcher" 2>/dev/null
quell "$NAME" leader
rm -f boot env
# In place: there may be no room for another block.
printf '%-62s' "$(date +%s) $how" 1<>./exit

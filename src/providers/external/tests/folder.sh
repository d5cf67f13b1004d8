#!/bin/sh
# Machines are files: `m/NAME` holds the tags, `b/NAME` the boot script, `e-NAME` how it ended.
set -eu
cd "$GHARUN_SET_DIR"
mood=${GHARUN_SET_MOOD-}
once() { [ ! -e once ] && : >once; } # the first time only
case $mood in
denied) exit 77 ;;
html) echo '<html>502 Bad Gateway</html>' && exit 0 ;;
later) exit 75 ;;
down) echo "the place is down" >&2 && exit 1 ;;
esac
case $1 in
check)
    [ "$mood" != no-check ] || exit 64
    echo "place ${GHARUN_SET_ACCOUNT-$GHARUN_SET_DIR}"
    echo "the folder is there"
    ;;
launch)
    [ "$mood" != full ] || exit 69
    if [ ! -e "m/$GHARUN_NAME" ]; then
        new=$(mktemp)
        cat >"$new"
        ln "$new" "b/$GHARUN_NAME" 2>/dev/null || :
        printf '%s\n' "$GHARUN_TAGS" >"$new.tags"
        ln "$new.tags" "m/$GHARUN_NAME" 2>/dev/null || :
        rm -f "$new" "$new.tags"
    fi
    [ "$mood" != halfway ] || exit 1
    echo "$GHARUN_NAME"
    ;;
list)
    for machine in m/*; do
        [ -e "$machine" ] || continue
        id=${machine#m/}
        state=running
        [ ! -e "e-$id" ] || state="ended $(cat "e-$id")"
        tags=$(cat "$machine" 2>/dev/null) || continue # ended just now
        printf '%s\t%s\t%s\n' "$id" "$state" "$tags"
    done
    echo end
    ;;
terminate)
    [ ! -e "s/$2" ] || exit 77
    case $mood in
    end-refused) if once; then exit 1; fi ;;
    end-ignored) if once; then exit 0; fi ;;
    esac
    rm -f "m/$2" "b/$2" "e-$2"
    case $mood in
    end-lost) if once; then exit 1; fi ;;
    esac
    ;;
logs)
    [ "$mood" != no-logs ] || exit 64
    echo booting
    ;;
*) exit 64 ;;
esac

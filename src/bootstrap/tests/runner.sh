#!/bin/sh
# A runner as far as the boot script sees it: run.sh, bin/Runner.Listener and bin/Runner.Worker in one
# file, told apart by the name it has. $STUB is where it tells the test what it saw; $STUB_MODE says
# what becomes of it.

say() { echo "$(date -u '+%Y-%m-%d %H:%M:%SZ'): $*"; }
await() { until [ -e "$STUB/$1" ]; do sleep 0.1; done; }

case $0 in
*run.sh)
    cd "$(dirname "$0")" || exit 1
    if [ "$(id -u)" = 0 ] && [ -z "${RUNNER_ALLOW_RUNASROOT:-}" ]; then
        echo 'Must not run interactively with sudo'
        exit 1
    fi
    id -u >"$STUB/uid"
    umask >"$STUB/umask"
    pwd >"$STUB/place"
    env >"$STUB/env"
    printf %s "$ACTIONS_RUNNER_INPUT_JITCONFIG" >"$STUB/jit"
    [ "$STUB_MODE" != stubborn ] || trap '' TERM
    bin/Runner.Listener run
    [ $? -ne 7 ] || [ "${ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE:-}" != 1 ] || exit 7
    echo 'Exiting runner...'
    exit 0
    ;;
*Runner.Listener)
    if [ "$1" = --version ]; then
        if [ "$STUB_MODE" = broken ]; then
            echo 'Process terminated. There is no ICU package' >&2
            exit 134
        fi
        echo 9.9.1
        exit
    fi
    unset ACTIONS_RUNNER_INPUT_JITCONFIG
    case $STUB_MODE in
    broken) exit 134 ;;
    never) exit 1 ;;
    unknown) say 'The runner no longer exists on the server. Please reconfigure the runner.' && exit 1 ;;
    deleted)
        echo 'Failed to create a session. The runner registration has been deleted from the server, please re-configure. Runner registrations are automatically deleted for runners that have not connected to the service recently.'
        exit 1
        ;;
    conflict)
        echo 'A session for this runner already exists.'
        say 'Runner connect error: Conflict. Retrying until reconnected.'
        echo 'Failed to create session. Conflict'
        exit 5
        ;;
    clock)
        echo "The local machine's clock may be out of sync with the server time by more than five minutes. Please sync your clock with your domain or internet time and try again."
        say 'Runner connect error: Current server time is 11/30/2026. Retrying until reconnected.'
        exit 1
        ;;
    deprecated) echo 'An error occurred: Runner version v9.9.1 is deprecated and cannot receive messages.' && exit 7 ;;
    outdated)
        if [ ! -e "$STUB/refused" ]; then
            echo >"$STUB/refused"
            echo 'An error occurred: Runner version v9.9.1 is deprecated and cannot receive messages.'
            exit 7
        fi
        ;;
    rogue*)
        # What a job may do to all that is its user's, and what root could look at afterwards.
        seen=$(dirname "$ACTIONS_RUNNER_HOOK_JOB_STARTED")/seen
        rm -rf "$seen"/*
        {
            # shellcheck disable=SC2016 # for the program that it becomes
            printf '%s\n' '#!/bin/sh' 'id -u >>"$STUB/ran"' \
                '{ env; cat /proc/[0-9]*/environ; } >"$STUB/stolen" 2>/dev/null' 'sleep 1000'
        } >bin/new
        chmod 755 bin/new
        mv bin/new bin/Runner.Listener
        [ "$STUB_MODE" != rogue-links ] || ln -s "$STUB/../roots" "$seen/unknown"
        for mark in listening said deprecated job; do ln -s "$STUB/../new" "$seen/$mark"; done
        case $STUB_MODE in
        *-links) echo 'cannot receive messages' && say 'The runner no longer exists on the server.' ;;
        *-stays)
            trap '' HUP INT TERM
            echo >"$STUB/stays"
            while :; do sleep 1; done
            ;;
        esac
        exit 1
        ;;
    esac
    echo '√ Connected to GitHub'
    say 'Listening for Jobs'
    case $STUB_MODE in
    idle) await job ;;
    removed) say 'The runner no longer exists on the server.' && exit 1 ;;
    dropped) echo 'Failed to create a session. The runner registration has been deleted from the server, please re-configure.' && exit 1 ;;
    esac
    [ "$STUB_MODE" = quiet ] || say 'Running job: build'
    if [ "$STUB_MODE" = traces ]; then
        line=0
        while [ "$line" -lt 400 ]; do
            line=$((line + 1))
            echo "[WORKER 2026-11-30 09:00:00Z INFO JobRunner] trace line $line"
        done
    fi
    bin/Runner.Worker spawnclient
    say 'Job build completed with result: Succeeded'
    ;;
*Runner.Worker)
    if [ "$STUB_MODE" != quiet ]; then
        if command -v bash >/dev/null; then shell="bash"; else shell="sh"; fi
        "$shell" -e "$ACTIONS_RUNNER_HOOK_JOB_STARTED"
        echo $? >"$STUB/hook"
    fi
    echo >"$STUB/working"
    case $STUB_MODE in
    job | idle | traces | outdated) ;;
    leaves) sleep 300 & ;;
    gives)
        node=$(dirname "$0")/../externals/node99/bin/node
        rm "$node"
        # shellcheck disable=SC2016 # for the program that it becomes
        printf '%s\n' '#!/bin/sh' 'echo >"$STUB/ran"' >"$node"
        chmod 755 "$node"
        chown -R 4711 "$(dirname "$0")/../externals"
        ;;
    *) await finish ;;
    esac
    ;;
esac

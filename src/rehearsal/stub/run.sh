#!/bin/sh
# The stub runner of a rehearsal: starts the listener, and starts it again where the real one would.
# Its own exit code says as little as that of the real one: nearly everything is 0.

root=$(cd "$(dirname "$0")" && pwd) || exit 1
cd "$root" || exit 1

if [ "$(id -u)" = 0 ] && [ -z "${RUNNER_ALLOW_RUNASROOT:-}" ]; then
    echo 'Must not run interactively with sudo'
    [ -z "${RUNNER_MANUALLY_TRAP_SIG:-}" ]
    exit
fi

listener=
if [ -n "${RUNNER_MANUALLY_TRAP_SIG:-}" ]; then
    # What is started in the background without job control is deaf to INT.
    trap '[ -z "$listener" ] || kill -TERM "$listener" 2>/dev/null' INT TERM
fi

while :; do
    if [ -n "${RUNNER_MANUALLY_TRAP_SIG:-}" ]; then
        "$root/bin/Runner.Listener" run "$@" &
        listener=$!
        # A signal ends the first wait; the second one has the listener's own code.
        wait "$listener"
        code=$?
        while kill -0 "$listener" 2>/dev/null; do
            wait "$listener"
            code=$?
        done
        listener=
    else
        "$root/bin/Runner.Listener" run "$@"
        code=$?
    fi
    case $code in
        0) echo 'Runner listener exit with 0 return code, stop the service, no retry needed.' ;;
        1) echo 'Runner listener exit with terminated error, stop the service, no retry needed.' ;;
        2)
            echo 'Runner listener exit with retryable error, re-launch runner in 5 seconds.'
            sleep 5
            continue
            ;;
        5) echo 'Runner listener exit with session conflict error, stop the service, no retry needed.' ;;
        7)
            echo 'Runner listener exit with deprecated version exit code.'
            [ "${ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE:-}" != 1 ] || exit 7
            ;;
        *) echo "Exiting with unknown error code: $code" ;;
    esac
    echo 'Exiting runner...'
    exit 0
done

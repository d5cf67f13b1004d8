#!/bin/sh
# The stub runner's worker: `Runner.Worker spawnclient DIR URL` runs the job described in DIR/message
# and tells URL how it went. 0: it succeeded, 1: it failed, 2: it was cancelled.
# As with the real one, what hooks and steps print is in its log and not on the machine's output.

root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
dir=$2
url=$3
read -r _ id run attempt <"$dir/message" || exit 1
name=$(sed -n 2p "$dir/message")
sed 1,2d "$dir/message" >"$dir/job.sh" || exit 1
work=$(cd "$dir/../.." && pwd)/rehearsal/rehearsal
mkdir -p "$work" "$dir/temp" || exit 1
echo '{}' >"$dir/event.json" || exit 1
log=$root/_diag/Worker_$id.log
tracking=github_$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
child=
agent=${AGENT_NAME:-}
unset AGENT_NAME

# shell: what runs scripts.
if command -v bash >/dev/null 2>&1; then shell='bash'; else shell='sh'; fi

# step FILE: runs a script as a step of the job.
step() {
    (
        cd "$work" || exit 1
        exec env CI=true GITHUB_ACTIONS=true GITHUB_EVENT_PATH="$dir/event.json" \
            GITHUB_JOB="$name" GITHUB_RUN_ATTEMPT="$attempt" GITHUB_RUN_ID="$run" \
            GITHUB_WORKSPACE="$work" RUNNER_NAME="$agent" RUNNER_OS="$(uname -s)" \
            RUNNER_TEMP="$dir/temp" RUNNER_TRACKING_ID="$tracking" "$shell" -e "$1"
    ) >>"$log" 2>&1 &
    child=$!
    wait "$child"
    code=$?
    child=
    return "$code"
}

# hook FILE: runs a script that the machine's owner has set, where there is one.
hook() {
    [ -n "$1" ] || return 0
    if [ ! -r "$1" ]; then
        echo "File doesn't exist: $1" >>"$log"
        return 1
    fi
    step "$1"
}

# left: the processes that the job has left behind, as far as they have not shed its mark.
# No `-F`: with it busybox sees nothing beyond the first zero byte.
left() {
    grep -ls "RUNNER_TRACKING_ID=$tracking" /proc/[0-9]*/environ 2>/dev/null |
        sed 's|/proc/\([0-9]*\)/environ|\1|'
}

sweep() {
    for pid in $(left); do
        echo "Terminate orphan process: pid ($pid)" >>"$log"
        kill -9 "$pid" 2>/dev/null
    done
}

tell() {
    unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
    if command -v curl >/dev/null 2>&1; then
        curl -sS -f --max-time 30 --data-binary "$1" -o /dev/null "$url/finish" 2>>"$log"
    else
        wget -q -O /dev/null --post-data "$1" "$url/finish" 2>>"$log"
    fi
}

finish() {
    trap '' INT TERM
    sweep
    case $1 in
        0) tell Succeeded ;;
        2) tell Canceled ;;
        *) tell Failed ;;
    esac
    exit "$1"
}

# cancel: the listener was told to end.
# shellcheck disable=SC2317 # it is called by the trap
cancel() {
    sweep
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
    finish 2
}
trap cancel INT TERM

result=0
if hook "${ACTIONS_RUNNER_HOOK_JOB_STARTED:-}"; then
    step "$dir/job.sh" || result=1
else
    result=1
fi
hook "${ACTIONS_RUNNER_HOOK_JOB_COMPLETED:-}" || result=1
finish "$result"

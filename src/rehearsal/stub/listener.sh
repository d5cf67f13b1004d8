#!/bin/sh
# The stub runner's listener: connects, waits for one job, starts a worker for it.
# It talks to the stub of GitHub in plain text; the first word of an answer decides.
# Exit codes are those of the real one: 0 done, 1 terminated, 5 another machine has the session.

root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
version='@VERSION@'
platform='@PLATFORM@'
# How often in a row the stub may fail to answer. The real one asks for ever; but a stub
# that is gone never comes back, and nothing is to be left of a rehearsal.
patience=20

say() {
    echo "$(date -u '+%Y-%m-%d %H:%M:%SZ'): $*"
}

decode() {
    base64 -d 2>/dev/null || base64 -D 2>/dev/null || openssl base64 -d -A
}

# value KEY FILE: a value of a flat JSON object on one line.
value() {
    sed -n 's/.*"'"$1"'" *: *"\{0,1\}\([^",}]*\)"\{0,1\}.*/\1/p' "$2"
}

# unpack: a just-in-time configuration on stdin becomes the three files that are in it.
unpack() {
    umask 077
    files=$(tr -d ' \n\r' | decode) || return 1
    for file in .runner .credentials .credentials_rsaparams; do
        text=$(printf '%s\n' "$files" | sed -n 's/.*"[.]'"${file#.}"'" *: *"\([^"]*\)".*/\1/p')
        [ -n "$text" ] || return 1
        printf '%s' "$text" | decode >"$root/$file" || return 1
        echo >>"$root/$file" || return 1
    done
}

# Whether this machine can run what was made for `platform`. A 64-bit ARM kernel may well have a
# 32-bit userland over it.
runs_here() {
    case "$platform $(uname -s) $(uname -m)" in
        'linux-x64 Linux x86_64' | 'linux-arm64 Linux aarch64' | 'linux-arm64 Linux arm64') ;;
        'linux-arm Linux arm'* | 'linux-arm Linux aarch64') ;;
        'osx-x64 Darwin x86_64' | 'osx-arm64 Darwin arm64') ;;
        *) return 1 ;;
    esac
}

# call PATH TEXT: asks the stub; its answer is in the file $answer. It waits for a child in the
# background, because a shell takes no signal while it waits for one in the foreground.
call() {
    rm -f "$answer"
    (
        # The stub is on this computer, or on the one beside it: no proxy leads there.
        unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
        if command -v curl >/dev/null 2>&1; then
            exec curl -sS -f --max-time 90 --data-binary "$2" -o "$answer" "$url/$1"
        else
            exec wget -q -O "$answer" --post-data "$2" "$url/$1"
        fi
    ) 2>"$diag/errors.$$" &
    child=$!
    wait "$child"
    code=$?
    child=
    return "$code"
}

pause() {
    sleep "$1" &
    child=$!
    wait "$child"
    child=
}

# failed: the stub did not answer.
failed() {
    misses=$((misses + 1))
    say "Runner connect error: $(tail -n 1 "$diag/errors.$$" 2>/dev/null). Retrying until reconnected."
    [ "$misses" -lt "$patience" ] || leave 1
    pause 1
}

leave() {
    trap '' INT TERM
    [ -z "$child" ] || kill "$child" 2>/dev/null
    if [ -n "$worker" ]; then
        kill -TERM "$worker" 2>/dev/null
        wait "$worker"
    fi
    [ -z "$session" ] || [ "$misses" -ge "$patience" ] || call "session/$session/close" bye
    rm -f "$answer" "$diag/errors.$$"
    exit "$1"
}

connect() {
    conflicts=0
    while [ -z "$session" ]; do
        call session "$agent $client $(uname -s) $version" || { failed; continue; }
        misses=0
        read -r word session <"$answer"
        case $word in
            session) ;;
            conflict)
                session=
                conflicts=$((conflicts + 1))
                say 'A session for this runner already exists.'
                [ "$conflicts" -lt 8 ] || leave 5
                pause 2
                ;;
            *)
                session=
                say 'The runner no longer exists on the server.'
                leave 1
                ;;
        esac
    done
}

# run_job: the job that $answer describes.
run_job() {
    job=$root/$work/_temp/job.$$
    mkdir -p "$job" || leave 1
    cp "$answer" "$job/message" || leave 1
    name=$(sed -n 2p "$job/message")
    say "Running job: $name"
    AGENT_NAME=$(value AgentName "$root/.runner") \
        "$root/bin/Runner.Worker" spawnclient "$job" "$url/session/$session" &
    worker=$!
    while kill -0 "$worker" 2>/dev/null; do
        if call "session/$session/renew" alive; then
            misses=0
            read -r word _ <"$answer"
            [ "$word" != over ] || break
        else
            failed
        fi
    done
    wait "$worker"
    code=$?
    worker=
    case $code in
        0) result=Succeeded ;;
        2) result=Canceled ;;
        *) result=Failed ;;
    esac
    # The worker has told it already, unless it was killed.
    call "session/$session/finish" "$result" || say "The result could not be reported."
    say "Job $name completed with result: $result"
    rm -rf "$job"
}

listen() {
    say 'Listening for Jobs'
    while :; do
        call "session/$session/message" ready || { failed; continue; }
        misses=0
        read -r word _ <"$answer"
        case $word in
            job)
                # It is for one job.
                run_job
                return 0
                ;;
            none) ;;
            *)
                say 'The runner no longer exists on the server.'
                session=
                leave 1
                ;;
        esac
    done
}

run() {
    jit=${ACTIONS_RUNNER_INPUT_JITCONFIG:-}
    unset ACTIONS_RUNNER_INPUT_JITCONFIG
    while [ $# -gt 0 ]; do
        case $1 in
            --jitconfig) jit=${2:-}; [ $# -lt 2 ] || shift ;;
        esac
        shift
    done
    runs_here || { echo 'cannot execute binary file: Exec format error' >&2; exit 126; }
    if [ -r "$root/.env" ]; then
        while IFS= read -r line; do
            case $line in
                [A-Za-z_]*=*) export "${line%%=*}=${line#*=}" ;;
            esac
        done <"$root/.env"
    fi
    if [ -r "$root/.path" ]; then
        PATH=$(cat "$root/.path")
        export PATH
    fi
    diag=$root/_diag
    mkdir -p "$diag" || exit 1
    if [ -n "$jit" ]; then
        printf '%s\n' "$jit" | unpack || { echo 'An error occurred: the jitconfig cannot be read' >&2; exit 1; }
    fi
    jit=
    if [ ! -r "$root/.runner" ] || [ ! -r "$root/.credentials" ]; then
        echo 'An error occurred: Not configured. Run config.(sh/cmd) to configure the runner.' >&2
        exit 1
    fi
    agent=$(value AgentId "$root/.runner")
    url=$(value ServerUrl "$root/.runner")
    work=$(value WorkFolder "$root/.runner")
    client=$(value ClientId "$root/.credentials")
    answer=$diag/answer.$$ child='' worker='' session='' misses=0
    trap 'say Exiting...; leave 1' INT TERM

    printf '\n'
    connect
    echo '√ Connected to GitHub'
    printf '\nCurrent runner version: '\''%s'\''\n' "$version"
    listen
    rm -f "$root/.runner" "$root/.credentials" "$root/.credentials_rsaparams"
    echo '√ Removed .credentials'
    echo '√ Removed .runner'
    leave 0
}

# The registration with a token, which comes from the environment. It takes the options that a boot script gives,
# and insists on those without which the real one would ask, stay for more than one job, or add labels of its own.
configure() {
    url='' name='' labels='' group='' unattended='' ephemeral='' bare=''
    token=${ACTIONS_RUNNER_INPUT_TOKEN:-}
    unset ACTIONS_RUNNER_INPUT_TOKEN
    while [ $# -gt 0 ]; do
        case $1 in
            --url | --name | --labels | --work | --runnergroup)
                [ $# -ge 2 ] || { echo "No value for $1" >&2; exit 1; }
                case $1 in
                    --url) url=$2 ;;
                    --name) name=$2 ;;
                    --labels) labels=$2 ;;
                    --runnergroup) group=$2 ;;
                esac
                shift
                ;;
            --ephemeral) ephemeral=yes ;;
            --no-default-labels) bare=yes ;;
            --unattended) unattended=yes ;;
            --disableupdate) ;;
            # The real one goes on: so an old one takes the options of a new one.
            *) echo "Unrecognized command-line input arguments for command configure: '$1'" >&2 ;;
        esac
        shift
    done
    if [ -e "$root/.runner" ]; then
        echo 'Cannot configure the runner because it is already configured.' >&2
        exit 1
    fi
    if [ "$unattended$ephemeral$bare" != yesyesyes ]; then
        echo 'The stub takes runners that are unattended, ephemeral and without default labels.' >&2
        exit 1
    fi
    # The scheme and the host of the URL: the stub has the runner service there.
    host=$(printf '%s\n' "$url" | sed -n 's|^\(https\{0,1\}://[^/]*\).*|\1|p')
    if [ -z "$host" ] || [ -z "$token" ]; then
        echo "Invalid configuration provided for token. Terminating unattended configuration." >&2
        exit 1
    fi
    umask 077
    form=$root/.register.$$
    trap 'rm -f "$form"' EXIT
    printf 'url=%s\ntoken=%s\nname=%s\nlabels=%s\ngroup=%s\n' \
        "$url" "$token" "$name" "$labels" "$group" >"$form" || exit 1
    unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
    if command -v curl >/dev/null 2>&1; then
        got=$(curl -sS -f --max-time 90 --data-binary "@$form" "$host/runner-service/register")
    else
        got=$(wget -q -O - --post-file "$form" "$host/runner-service/register")
    fi
    case $got in
        'blob '*) ;;
        'error '*) echo "${got#error }" >&2; exit 1 ;;
        *) echo 'The server did not answer.' >&2; exit 1 ;;
    esac
    echo '√ Runner successfully added'
    printf '%s\n' "${got#blob }" | unpack || exit 1
    echo '√ Settings Saved.'
}

case ${1:-} in
    configure) shift; configure "$@" ;;
    --version) echo "$version" ;;
    run) shift; run "$@" ;;
    unpack) unpack ;;
    *) echo "Unrecognized command-line input arguments: '${1:-}'" >&2; exit 1 ;;
esac

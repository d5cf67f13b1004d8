# A Docker daemon for the time of the tests. Sourced by tests/run and .ci/run, which give a folder
# `$scratch` and the functions `say` and `have`, and call `stop_daemon` at their end.
# shellcheck shell=sh disable=SC2154

# The tests look nowhere else.
socket=/var/run/docker.sock
daemon=

# Whether a daemon answers.
answers() {
    [ -S "$socket" ] && [ -w "$socket" ] || return 1
    if have curl; then
        curl -fsS -m 10 --unix-socket "$socket" http://localhost/_ping >/dev/null 2>&1
    else
        DOCKER_HOST=unix://$socket docker version >/dev/null 2>&1
    fi
}

# Starts a daemon with all its files in our folder, and waits until it answers.
start_daemon() {
    mkdir -p "$(dirname "$socket")" || return 1
    dockerd --host "unix://$socket" --data-root "$scratch/docker" --exec-root "$scratch/docker-exec" \
        --pidfile "$scratch/docker.pid" "$@" >"$scratch/docker.log" 2>&1 &
    daemon=$!
    tries=60
    while [ "$tries" -gt 0 ] && kill -0 "$daemon" 2>/dev/null; do
        if answers; then return 0; fi
        tries=$((tries - 1))
        sleep 1
    done
    stop_daemon
    return 1
}

# Ends the daemon that was started here, if one was.
stop_daemon() {
    [ -n "$daemon" ] || return 0
    kill "$daemon" 2>/dev/null || true # gone already is fine
    wait "$daemon" || true             # why it ended stands in its log
    daemon=
    # What a daemon that did not end well has left mounted would keep the folder.
    awk -v below="$scratch/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | sort -r |
        while IFS= read -r mount; do umount "$mount" || true; done
}

# Makes a daemon answer where that is possible, and says what it found.
prepare_docker() {
    if answers; then
        say "a daemon answers at $socket"
    elif ! have dockerd; then
        say "no daemon answers at $socket, and dockerd is not installed"
    elif [ "$(id -u)" != 0 ]; then
        say "no daemon answers at $socket, and only root may start one"
    elif start_daemon || start_daemon --storage-driver=vfs; then
        say "started a daemon, with its files in $scratch"
    else
        say 'dockerd does not start here; the end of its log:'
        tail -n 15 "$scratch/docker.log" | sed 's/^/    /'
    fi
}

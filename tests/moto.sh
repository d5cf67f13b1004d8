# A moto server, in the place of EC2, for the time of the tests. Sourced by tests/run, which gives a folder
# `$scratch` and the functions `say` and `have`, and calls `stop_moto` at its end.
# shellcheck shell=sh disable=SC2154

moto=

# Where moto is: in a virtual environment that is kept beside what cargo builds.
moto_folder() {
    printf '%s/moto-%s\n' "${CARGO_TARGET_DIR:-target}" "$(cksum <tests/moto.txt | cut -d ' ' -f 1)"
}

# Installs moto from PyPI, once; says why where that cannot be.
install_moto() {
    folder=$(moto_folder)
    [ ! -x "$folder/bin/moto_server" ] || return 0
    have python3 || { say 'python3 is not installed'; return 1; }
    mkdir -p "$(dirname "$folder")" && rm -rf "$folder" || return 1
    python3 -m venv "$folder" >"$scratch/moto.log" 2>&1 &&
        "$folder/bin/pip" install --quiet --disable-pip-version-check -r tests/moto.txt >>"$scratch/moto.log" 2>&1 &&
        [ -x "$folder/bin/moto_server" ] && return 0
    rm -rf "$folder"
    tail -n 5 "$scratch/moto.log" | sed 's/^/    /'
    return 1
}

# Starts a server on a free port of loopback, and waits until it answers.
start_moto() {
    tries=5
    while [ "$tries" -gt 0 ]; do
        port=$("$folder/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])') || return 1
        # It asks nobody but itself, whatever accounts this user has.
        env -u AWS_PROFILE AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null \
            AWS_SHARED_CREDENTIALS_FILE=/dev/null MOTO_AMIS_PATH="$PWD/tests/moto-images.json" \
            "$folder/bin/moto_server" -H 127.0.0.1 -p "$port" >"$scratch/moto.log" 2>&1 &
        moto=$!
        waits=60
        while [ "$waits" -gt 0 ] && kill -0 "$moto" 2>/dev/null; do
            if "$folder/bin/python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' \
                "http://127.0.0.1:$port/moto-api/" >/dev/null 2>&1; then
                return 0
            fi
            waits=$((waits - 1))
            sleep 1
        done
        stop_moto
        tries=$((tries - 1)) # somebody else took the port meanwhile
    done
    return 1
}

# Ends the server that was started here, if one was.
stop_moto() {
    [ -n "$moto" ] || return 0
    kill "$moto" 2>/dev/null || true # gone already is fine
    wait "$moto" || true             # why it ended stands in its log
    moto=
}

# Makes a server answer where that is possible, says what it found, and tells the tests where it is.
prepare_moto() {
    if [ -n "${GHARUN_MOTO_URL:-}" ]; then
        say "moto is said to be at $GHARUN_MOTO_URL"
    elif ! install_moto; then
        say 'moto cannot be installed here'
        return 0
    elif start_moto; then
        say "started moto on port $port"
        GHARUN_MOTO_URL=http://127.0.0.1:$port
    else
        say 'moto does not start here; the end of its log:'
        tail -n 15 "$scratch/moto.log" | sed 's/^/    /'
        return 0
    fi
    # Credentials that are none, so that nothing can be asked of a real account.
    unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL AWS_ENDPOINT_URL_EC2 AWS_REGION AWS_DEFAULT_REGION
    export GHARUN_MOTO_URL AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing \
        AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
}

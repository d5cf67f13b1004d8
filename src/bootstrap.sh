# What turns a machine into a runner, and ends it. POSIX sh; busybox is enough.
# It is written as functions and called in its last line, so that it may delete its own file.

say() { printf 'gharun: %s\n' "$*"; }
phase() { say "phase=$1 t=$(date +%s)"; }
die() {
    code=$1
    shift
    say "error: $*"
    exit "$code"
}
have() { command -v "$1" >/dev/null 2>&1; }

# --- Processes -----------------------------------------------------------------------------------

# Prints "pid ppid" of every process; ps is not there on small images, /proc not on macOS.
processes() {
    if [ -r /proc/self/stat ]; then
        for stat in /proc/[0-9]*/stat; do
            # A name may hold blanks and brackets: the fields begin behind the last bracket.
            { read -r line <"$stat"; } 2>/dev/null || continue
            pid=${line%% *}
            rest=${line##*) }
            rest=${rest#* }
            printf '%s %s\n' "$pid" "${rest%% *}"
        done
    else
        ps -A -o pid= -o ppid=
    fi
}

# Prints all descendants of a process but one (the watchdog, its own asker) and those below it.
descendants() {
    processes | awk -v root="$1" -v spare="$2" '
        { parent[$1] = $2 }
        END {
            for (pid in parent) {
                up = pid
                for (n = 0; n < 999 && up != root && up != spare && up in parent; n++) up = parent[up]
                if (up == root && pid != root) print pid
            }
        }'
}

command_of() {
    if [ -r "/proc/$1/cmdline" ]; then
        { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null
    else
        ps -p "$1" -o args= 2>/dev/null
    fi
}

# A job is seen by the hook, by what the runner says, or by its worker's process.
job_seen() {
    [ -e "$seen/job" ] && return 0
    for pid in $(descendants "$main" "$guard"); do
        case $(command_of "$pid") in *Runner.Worker*) return 0 ;; esac
    done
    return 1
}

# Ends everything that the main process started: kindly, then not. The pids come from one look
# each time, since a killed parent hands its children to somebody else.
end_all() {
    all=$(descendants "$main" "$guard")
    [ -z "$all" ] && return 0
    # shellcheck disable=SC2086 # a list of numbers
    kill -TERM $all 2>/dev/null
    tries=0
    while [ "$tries" -lt 20 ]; do
        left=
        for pid in $all; do kill -0 "$pid" 2>/dev/null && left="$left $pid"; done
        [ -z "$left" ] && return 0
        sleep 0.5 2>/dev/null || sleep 1
        tries=$((tries + 1))
    done
    # shellcheck disable=SC2086 # a list of numbers
    kill -KILL $left $(descendants "$main" "$guard") 2>/dev/null
    return 0
}

# --- The dead-man switch -------------------------------------------------------------------------

# Ends the machine, once, whoever comes first: the main process or its watchdog.
finish() {
    code=$1
    trap - EXIT
    trap '' HUP INT TERM
    # On a full disk nobody can leave the mark: ending twice is better than not at all.
    mkdir "$ended" 2>/dev/null || [ ! -d "$ended" ] || exit "$code"
    [ -s "$dir/why" ] && read -r code <"$dir/why"
    end_all
    rm -rf "$dir/runner" "$dir/boot" "$dir/out" "$dir/setup"
    [ -n "${lock:-}" ] && rmdir "$lock" 2>/dev/null
    say "phase=end t=$(date +%s) code=$code"
    [ "$who" = main ] && [ "$guard" != "$main" ] && kill "$guard" 2>/dev/null
    tries=0
    # A machine that cannot end itself goes on billing: so it is tried again.
    until (eval "$gharun_ending"); do
        tries=$((tries + 1))
        [ "$tries" -ge 40 ] && break
        say "error: the machine cannot end itself yet"
        sleep 15
    done
    exit "$code"
}

fire() {
    printf '%s\n' "$1" >"$dir/why"
    say "error: $2"
    phase "$3"
    end_all
    kill -TERM "$main" 2>/dev/null
    # The main process ends the machine; where it cannot, the watchdog does.
    tries=0
    while [ "$tries" -lt 15 ]; do
        [ -d "$ended" ] && exit 0
        sleep 1
        tries=$((tries + 1))
    done
    finish "$1"
}

watchdog() {
    trap - EXIT HUP INT TERM
    who=guard
    # shellcheck disable=SC2016 # its parent is this very process
    guard=$(exec sh -c 'echo "$PPID"')
    since=$(date +%s)
    up=0
    while :; do
        sleep "$gharun_tick"
        [ -d "$ended" ] && exit 0
        kill -0 "$main" 2>/dev/null || finish 70
        now=$(date +%s)
        [ "$now" -ge "$gharun_expires" ] && fire 72 "its lifetime is over" lifetime
        [ "$gharun_idle" -eq 0 ] && continue
        if [ "$up" -eq 0 ] && [ -e "$dir/started" ]; then
            up=1
            since=$now
        fi
        if [ $((now - since)) -ge "$gharun_idle" ]; then
            if job_seen; then gharun_idle=0; else fire 71 "no job came within its idle limit" idle; fi
        fi
    done
}

# A folder that survives a restart of the machine, so that its marker does.
make_dir() {
    umask 077
    for base in "${GHARUN_WORK:-}" /var/lib/gharun "${HOME:-/}/.gharun" "${TMPDIR:-/tmp}/gharun-$(id -u)"; do
        case $base in
        '') continue ;;
        /var/lib/gharun) [ "$(id -u)" -eq 0 ] || continue ;;
        esac
        dir=$base/$gharun_name
        mkdir -p "$dir" 2>/dev/null && [ -w "$dir" ] && return 0
    done
    # Nothing can be written: the machine still has to end.
    dir=
    say "error: no folder can be written"
    (eval "$gharun_ending")
    exit 75
}

arm() {
    main=$$
    make_dir
    ended=$dir/ended.$main.$(date +%s)
    seen=$dir/seen
    guard=$main
    who=main
    trap 'finish $?' EXIT
    trap 'exit 143' HUP INT TERM
    phase arm
    rm -f "$dir/why" "$dir/started"
    watchdog &
    guard=$!
}

# Runs something so that a signal to this script is heard while it runs.
await() {
    "$@" &
    wait $!
}

# --- Steps ---------------------------------------------------------------------------------------

run_setup() {
    [ -z "$gharun_setup" ] && return 0
    phase setup
    printf '%s' "$gharun_setup" >"$dir/setup"
    chmod 700 "$dir/setup"
    case $gharun_setup in
    '#!'*) await "$dir/setup" ;;
    *) await sh "$dir/setup" ;;
    esac || die 74 "the setup script failed with exit code $?"
}

find_platform() {
    case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=osx ;;
    *) die 76 "there is no runner for $(uname -s)" ;;
    esac
    case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    arm*) arch=arm ;;
    *) die 76 "there is no runner for $(uname -m)" ;;
    esac
    version=
    while read -r p_os p_arch p_version p_sha p_url; do
        [ "$p_os $p_arch" = "$os $arch" ] && version=$p_version sha=$p_sha url=$p_url
    done <<END
$gharun_packages
END
}

# An unconfigured runner that somebody installed; in place where it is ours alone, else a copy.
use_installed() {
    for home in "${RUNNER_HOME:-}" /home/runner /actions-runner; do
        [ -n "$home" ] && [ -x "$home/run.sh" ] && [ -x "$home/bin/Runner.Listener" ] || continue
        [ -e "$home/.runner" ] && continue
        if [ "$gharun_pinned" -eq 1 ]; then
            [ "$("$home/bin/Runner.Listener" --version 2>/dev/null)" = "$version" ] || continue
        fi
        if [ -z "${GHARUN_WORK:-}" ] && mkdir "$home/.gharun-in-use" 2>/dev/null; then
            lock=$home/.gharun-in-use
            runner=$home
        else
            mkdir -p "$dir/runner" || continue
            for part in "$home"/*; do
                case ${part##*/} in _*) ;; *) cp -R "$part" "$dir/runner/" || continue 2 ;; esac
            done
            runner=$dir/runner
        fi
        phase installed
        return 0
    done
    return 1
}

checksum() {
    if have sha256sum; then
        sha256sum "$1" | cut -d ' ' -f 1
    elif have shasum; then
        shasum -a 256 "$1" | cut -d ' ' -f 1
    else
        openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
    fi
}

fetch() {
    if have curl; then
        curl -fsSL --connect-timeout 20 --speed-limit 1000 --speed-time 60 -o "$2" "$1"
    else
        wget -q -T 60 -O "$2" "$1"
    fi
}

download() {
    phase download
    pause=$gharun_pause
    for try in 1 2 3 4 5; do
        rm -f "$1"
        if await fetch "$url" "$1"; then
            phase verify
            [ "$(checksum "$1")" = "$sha" ] && return 0
            say "the archive's checksum is not the one that GitHub names"
        fi
        say "try $try to download the runner failed"
        [ "$try" -lt 5 ] && await sleep "$pause"
        pause=$((pause * 2))
    done
    rm -f "$1"
    die 75 "the runner could not be downloaded from $url"
}

get_runner() {
    find_platform
    use_installed && return 0
    [ -n "$version" ] || die 76 "GitHub names no runner for $os $arch"
    have sha256sum || have shasum || have openssl ||
        die 75 "none of sha256sum, shasum and openssl is there, and nothing runs unverified"
    cache=${GHARUN_CACHE:-}
    if [ -z "$cache" ]; then
        cache=${XDG_CACHE_HOME:-${HOME:-/var}/.cache}/gharun
    fi
    mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || cache=$dir
    archive=$cache/actions-runner-$os-$arch-$version.tar.gz
    phase cache
    if [ -f "$archive" ] && [ "$(checksum "$archive")" != "$sha" ]; then
        rm -f "$archive"
    fi
    if [ ! -f "$archive" ]; then
        have curl || have wget || die 75 "neither curl nor wget is there to download the runner"
        fresh=$cache/.part.$gharun_name
        download "$fresh"
        mv "$fresh" "$archive" || die 75 "the archive cannot be kept in $cache"
    fi
    phase unpack
    mkdir -p "$dir/runner" || die 75 "$dir cannot be written"
    gzip -dc "$archive" | tar -xf - -C "$dir/runner" || die 75 "the archive cannot be unpacked"
    [ -f "$dir/runner/run.sh" ] || die 75 "the archive holds no runner"
    runner=$dir/runner
}

# Runs the launcher as the runner's user, with the environment as it is here.
launch() {
    case $how in
    none) sh "$dir/boot" "$@" ;;
    setpriv) HOME=$user_home USER=$user LOGNAME=$user setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups sh "$dir/boot" "$@" ;;
    runuser) HOME=$user_home USER=$user LOGNAME=$user runuser -u "$user" -- sh "$dir/boot" "$@" ;;
    su) su -s /bin/sh "$user" -c "sh \"$dir/boot\" ${1:-}" ;;
    esac
}

try_users_ways() {
    for how in setpriv runuser su; do
        have "$how" && launch try >/dev/null 2>&1 && return 0
    done
    return 1
}

# Chooses whom the runner runs as. The runner itself refuses root unless it is told.
choose_user() {
    how=none
    [ "$(id -u)" -eq 0 ] || return 0
    phase user
    for user in runner gharun; do id "$user" >/dev/null 2>&1 && break; done
    if ! id "$user" >/dev/null 2>&1; then
        useradd -m -s /bin/sh "$user" >/dev/null 2>&1 || adduser -D -s /bin/sh "$user" >/dev/null 2>&1
    fi
    if id "$user" >/dev/null 2>&1; then
        user_home=$(awk -F : -v user="$user" '$1 == user { print $6 }' /etc/passwd)
        chmod 711 "$dir" "${dir%/*}"
        chown -R "$user" "$seen"
        [ "$runner" = "$dir/runner" ] && chown -R "$user" "$runner"
        try_users_ways && return 0
        [ "$runner" = "$dir/runner" ] || { chown -R "$user" "$runner" && try_users_ways && return 0; }
    fi
    how=none
    say "no other user can be used: the runner runs as root"
    RUNNER_ALLOW_RUNASROOT=1
    export RUNNER_ALLOW_RUNASROOT
    chown -R 0 "$seen"
    [ "$runner" = "$dir/runner" ] && chown -R 0 "$runner"
    return 0
}

# .NET wants libicu, and without it the runner ends without a word.
care_for_icu() {
    [ "$os" = linux ] || return 0
    for lib in /usr/lib/libicuuc.so* /usr/lib/*/libicuuc.so* /usr/lib64/libicuuc.so* /lib/*/libicuuc.so*; do
        [ -e "$lib" ] && return 0
    done
    if [ "$(id -u)" -eq 0 ] && [ -x "$runner/bin/installdependencies.sh" ]; then
        phase dependencies
        bound=
        have timeout && bound='timeout 300'
        # shellcheck disable=SC2086 # two words, or none
        await $bound "$runner/bin/installdependencies.sh" >"$dir/dependencies" 2>&1 && return 0
        say "bin/installdependencies.sh failed; the runner goes without libicu"
    fi
    DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
    export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT
}

# The file that the runner's user runs: it goes to the runner, and runs it where it is not a try.
# A shell without job control lets what it runs beside itself ignore SIGINT, and by SIGINT a
# cancelled job is told to end: so it is put back, where something can.
write_launcher() {
    mkdir -p "$seen"
    hook=$dir/job-started.sh
    {
        printf '#!/bin/sh\n: >"%s/job"\n' "$seen"
        printf 'own=%s\n' "'$(printf '%s' "${ACTIONS_RUNNER_HOOK_JOB_STARTED:-}" | sed "s/'/'\\\\''/g")'"
        # shellcheck disable=SC2016 # for the hook's own shell
        printf '[ -z "$own" ] && exit 0\ncommand -v bash >/dev/null && exec bash -e "$own"\nexec sh -e "$own"\n'
    } >"$hook"
    {
        printf 'cd "%s" && [ -w . ] && [ -w "%s" ] || exit 70\n' "$runner" "$seen"
        # shellcheck disable=SC2016 # for the launcher's own shell
        printf '[ "${1:-}" = try ] && exit 0\n'
        if env --default-signal=INT true 2>/dev/null; then
            printf 'exec env --default-signal=INT ./run.sh\n'
        elif have perl; then
            # shellcheck disable=SC2016 # for perl
            printf 'exec perl -e '\''$SIG{INT} = "DEFAULT"; exec @ARGV'\'' ./run.sh\n'
        fi
        printf 'exec ./run.sh\n'
    } >"$dir/boot"
    chmod 755 "$hook" "$dir/boot" # no secrets in them, and the runner's user reads them
}

start_runner() {
    export ACTIONS_RUNNER_INPUT_JITCONFIG="$gharun_jit"
    export ACTIONS_RUNNER_HOOK_JOB_STARTED="$hook"
    export ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE=1
    unset RUNNER_TRACKING_ID
    launch
}

# What the runner says goes to the log, and tells what its exit code does not.
listen() {
    while IFS= read -r line || [ -n "$line" ]; do
        printf '%s\n' "$line"
        case $line in
        *'Listening for Jobs'*) [ -e "$seen/listening" ] || { : >"$seen/listening" && phase listening; } ;;
        *'Running job: '*) : >"$seen/job" && phase job ;;
        *'cannot receive messages'*) : >"$seen/deprecated" ;;
        esac
    done
}

run_runner() {
    mkfifo "$dir/out" || die 75 "$dir cannot hold a pipe"
    listen <"$dir/out" &
    listener=$!
    phase run
    : >"$dir/started"
    (start_runner) >"$dir/out" 2>&1 &
    wait $!
    status=$?
    # The reader ends with the last writer; what a job left behind may hold the pipe open.
    tries=0
    while kill -0 "$listener" 2>/dev/null && [ "$tries" -lt 10 ]; do
        sleep 0.2 2>/dev/null || sleep 1
        tries=$((tries + 1))
    done
    [ -e "$seen/job" ] && return 0
    if [ "$status" -eq 7 ] || [ -e "$seen/deprecated" ]; then
        die 73 "GitHub takes this version of the runner no more"
    fi
    [ -e "$seen/listening" ] && die 78 "the runner ended without a job"
    die 70 "the runner never connected to GitHub"
}

bootstrap() {
    arm
    case $0 in */boot.sh | */boot) rm -f "$0" 2>/dev/null ;; esac
    unset GITHUB_TOKEN GH_TOKEN GH_PAT GHARUN_GITHUB_TOKEN GHARUN_APP_PRIVATE_KEY
    if ! mkdir "$dir/once" 2>/dev/null; then
        [ -d "$dir/once" ] && die 77 "it ran here already"
        die 75 "$dir cannot be written"
    fi
    run_setup
    get_runner
    write_launcher
    choose_user
    care_for_icu
    unset GHARUN_WORK GHARUN_CACHE
    run_runner
    exit 0
}

bootstrap

# What turns a machine into a runner, and ends it. POSIX sh; busybox is enough.
# It is written as functions and called in its last line, so that it may delete its own file.
# What is sent has neither comments nor indentation, so nothing here may need them; and what stands
# between "if PART" and "end" is sent only to machines that need it.

set +eu

say() { printf 'gharun: %s\n' "$*"; }
complain() { say "error: $*"; }
phase() {
    last=$1
    t=$(date +%s.%N)
    # Some know no nanoseconds, and leave `%N` or `N`.
    say "phase=$1 t=${t%.*N}"
}
# What the watchdog has ended fails for no other reason.
die() {
    code=$1
    shift
    why=$*
    [ -z "$refused" ] || code=73 why="$refused: $why"
    if [ -z "$dir" ] || [ ! -s "$dir/why" ]; then complain "$why"; fi
    exit "$code"
}
mute() { "$@" >/dev/null 2>&1; }
have() { mute command -v "$1"; }
nap() { sleep 0.2 2>/dev/null || sleep 1; }
# Leaves a mark. Not `: >FILE`: where that fails, as on a full disk, a shell ends.
mark() { echo >"$1"; } 2>/dev/null
# Fails where the disk of a folder is full.
room() {
    # shellcheck disable=SC2046 # words
    set -- "$1" $(df -Pk "$1" 2>/dev/null | tail -n 1)
    case ${5:-x} in *[!0-9]*) return ;; esac
    [ "$5" -ge 1024 ] || die 75 "no space is left on the machine: $5 KB of $(($3 / 1024)) MB free in $1"
}
# The same, and fails in any case.
spoilt() {
    room "$1"
    die 75 "could not write to $1"
}
# Fails where none of some programs is there.
need() {
    for tool; do have "$tool" && return; done
    die 75 "not installed: $*"
}
# A word for a shell.
quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }
is_root() { [ "$(id -u)" -eq 0 ]; }

look() {
    set -f
    # shellcheck disable=SC2046 # words
    set -- $(ls -ldn "$1" 2>/dev/null)
    set +f
    mode=${1:-} owner=${3:-}
}

# Whether only root and we can replace a file or folder: judged by every folder and link on the way to it. In a
# sticky folder users can replace only what is theirs. In a namespace root may have another number: it owns /.
safe() {
    look /
    top=$owner me=$(id -u) at='' links=0
    case $1 in /*) way=$1 ;; *) way=$PWD/$1 ;; esac
    while [ -n "$way" ]; do
        part=${way%%/*}
        case $way in */*) way=${way#*/} ;; *) way='' ;; esac
        case $part in
        '' | .) continue ;;
        ..) at=${at%/*} && continue ;;
        esac
        look "$at/$part"
        [ -n "$mode" ] || break # only who may write there can put it there
        case $owner in 0 | "$top" | "$me") ;; *) return 1 ;; esac
        case $mode in
        l*)
            links=$((links + 1))
            goal=$(readlink "$at/$part") && [ "$links" -lt 40 ] || return 1
            way=$goal/$way
            case $goal in /*) at='' ;; esac
            ;;
        ????????w[!tT]*) return 1 ;;
        *) at=$at/$part ;;
        esac
    done
}

# --- Processes -----------------------------------------------------------------------------------

# Prints "pid:parent" of every process; ps is not there on small images, /proc not on macOS.
processes() {
    #if host
    if [ ! -r /proc/self/stat ]; then
        ps -A -o pid= -o ppid= | while read -r pid up; do printf '%s\n' "$pid:$up"; done
        return
    fi
    #end
    for stat in /proc/[0-9]*/stat; do
        # A name may hold blanks and brackets: the fields begin behind the last bracket.
        { read -r line <"$stat"; } 2>/dev/null || continue
        rest=${line##*) }
        case $rest in [ZX]*) continue ;; esac
        rest=${rest#* }
        printf '%s\n' "${line%% *}:${rest%% *}"
    done
}

# Prints all descendants of some processes, but not the watchdog and what is below it.
below() {
    all=" $* " found=
    table=$(processes)
    more=yes
    while [ -n "$more" ]; do
        more=
        for row in $table; do
            case $all in *" ${row%:*} "*) continue ;; esac
            case $all in
            *" ${row#*:} "*)
                [ "${row%:*}" = "$guard" ] && continue
                all="$all${row%:*} " found="$found ${row%:*}" more=yes
                ;;
            esac
        done
    done
    echo "$found"
}

# All that the main process has started. The runner is named too: when the main process was killed,
# the runner is no child of it any more.
descendants() {
    launched=
    [ -s "$dir/pid" ] && read -r launched <"$dir/pid"
    # shellcheck disable=SC2086 # one more, or none
    echo "$(below "$main" $launched)" $launched
}

command_of() {
    { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null
    #if host
    [ -r /proc/self/cmdline ] || ps -p "$1" -o args= 2>/dev/null
    #end
}

lives() {
    kill -0 "$1" 2>/dev/null || return 1
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    case ${line##*) } in [ZX]*) return 1 ;; esac
}

# Waits for the end of some processes, for some naps at most; what is left of them is in `left`.
gone() {
    tries=$1
    shift
    while :; do
        left=
        for pid; do lives "$pid" && left="$left $pid"; done
        [ -n "$left" ] || return 0
        [ "$tries" -gt 0 ] || return 1
        nap
        tries=$((tries - 1))
    done
}

# Waits for a process that we started, for some naps at most; then it is killed. Fails where not even
# that ends it, as in the midst of a read from a dead disk.
linger() {
    # Not bare: bash takes that of a trap for the status before it.
    gone "$2" "$1" && return 0
    # shellcheck disable=SC2046 # a list of numbers
    kill -KILL "$1" $(below "$1") 2>/dev/null
    gone 50 "$1"
}

# A job is seen by the hook, by what the runner says, or by its worker's process.
job_seen() {
    [ -e "$dir/job" ] || [ -e "$seen/job" ] && return 0
    for pid in $(descendants); do
        case $(command_of "$pid") in *Runner.Worker*) return 0 ;; esac
    done
    return 1
}

# Ends everything that the main process started: kindly, then not. The pids come from one look
# each time, since a killed parent hands its children to somebody else.
end_all() {
    [ -n "$dir" ] || return 0
    all=$(descendants)
    # The runner takes up to 30 s to end its job and to tell GitHub (ExitOnUnloadTimeout): until then the job is its own.
    runners=
    for pid in $all; do
        case $(command_of "$pid") in *Runner.Listener*) runners="$runners $pid" ;; esac
    done
    # shellcheck disable=SC2086,SC2046 # lists of numbers
    {
        [ -z "$runners" ] || kill -TERM $runners 2>/dev/null
        gone "$gharun_grace" $runners
        all="$all $(below "$main" $all)"
        kill -TERM $all 2>/dev/null
        gone 50 $all || kill -KILL $left $(below "$main" $left) 2>/dev/null
    }
    return 0
}

# --- The dead-man switch -------------------------------------------------------------------------

# Says something, but does not wait for ever for whoever is to read it: the end must come.
in_passing() {
    "$@" &
    linger $! 10
}

# Lets the machine end itself. One that cannot goes on billing: so it is tried until it can, and a try
# that hangs is given up after a while.
end_machine() {
    [ "$gharun_ending" = : ] && return 0
    pause=$gharun_pause
    attempt=0
    while :; do
        attempt=$((attempt + 1))
        (
            trap - HUP INT TERM
            eval "$gharun_ending"
        ) &
        child=$!
        linger "$child" 300 && wait "$child" && return 0
        in_passing complain 'the machine cannot end itself yet'
        sleep "$pause"
        [ "$pause" -ge 30 ] || pause=$((pause * 2))
    done
}

# Removes the runner. What was given to its user is removed by that user: root does nothing there.
clear_runner() {
    if { read -r how user group user_home <"$dir/given"; } 2>/dev/null; then
        (as_user clear) >/dev/null 2>&1 &
        linger $! 300
        rmdir "$dir/runner" 2>/dev/null
    else
        rm -rf "${dir:?}/runner"
        [ -n "$lock" ] && rmdir "$lock" 2>/dev/null
    fi
}

# Says in one line all that matters, since others may have filled the log before it.
last_words() {
    for mark in "$dir/listening" "$dir/job" "$seen/job"; do [ ! -e "$mark" ] || last=${mark##*/}; done
    in_passing say "phase=$1 t=$(date +%s) code=$code last=$last why=$why"
}

#if keep
# A machine that failed stays until its lifetime is over, so that somebody can look at it.
keep() {
    case $code in 7[03-689] | 80) ;; *) return ;; esac
    [ "$who" = main ] && [ -n "$dir" ] && [ ! -s "$dir/why" ] || return 0
    trap - EXIT
    told=
    trap told=yes HUP INT TERM
    mark "$dir/kept"
    end_all
    last_words kept
    until [ -n "$told" ] || [ -s "$dir/why" ]; do await sleep 2; done
}
#end

# Ends the machine, once, whoever comes first: the main process or its watchdog.
finish() {
    code=$1
    #if keep
    keep
    #end
    trap - EXIT
    trap '' HUP INT TERM
    [ -n "$dir" ] && [ -s "$dir/why" ] && read -r code why <"$dir/why"
    # On a full disk nobody can leave the mark: ending twice is better than not at all.
    mkdir "$ended" 2>/dev/null || [ ! -d "$ended" ] || exit "$code"
    end_all
    last_words end
    #if ready
    # What is said is gone with the machine: somebody may be reading it.
    case $code in 7[03-689] | 80) sleep "$gharun_linger" ;; esac
    #end
    end_machine
    # A system that shuts down is not to wait for us.
    trap - HUP INT TERM
    [ "$who" = main ] && [ "$guard" -gt 0 ] && kill -USR1 "$guard" 2>/dev/null
    if [ -n "$dir" ]; then
        clear_runner
        rm -rf "${dir:?}/boot" "$dir/out" "$dir/setup" "$dir/enrol" "$dir/version" "$dir/pid" "$fresh"
    fi
    exit "$code"
}

fire() {
    echo "$1 $2" >"$dir/why"
    in_passing complain "$2"
    in_passing phase "$3"
    kill -TERM "$main" 2>/dev/null
    # The main process ends the machine: two at it would take from each other's sight what is left of a
    # family. Where it cannot, the watchdog does.
    tries=0
    while [ "$tries" -lt 15 ]; do
        [ -d "$ended" ] && return 0
        sleep 1
        tries=$((tries + 1))
    done
    kill -KILL "$main" 2>/dev/null
    finish "$1"
}

watchdog() {
    # Only the main process sends it home: whoever signals us all may yet kill that one.
    trap - EXIT
    trap 'kill "$nap" 2>/dev/null; exit 0' USR1
    trap : HUP INT TERM PIPE
    who=guard
    # shellcheck disable=SC2016 # its parent is this very process
    guard=$(exec sh -c 'echo "$PPID"')
    since=$(date +%s)
    last=$since born=$since
    up=
    while :; do
        sleep "$gharun_tick" >/dev/null 2>&1 &
        nap=$!
        wait "$nap"
        # Killed, or else it would have ended the watchdog; it may have been ending the machine.
        if ! lives "$main"; then
            rmdir "$ended" 2>/dev/null
            finish 70
        fi
        [ -d "$ended" ] && continue
        now=$(date +%s)
        # The clock was set after the start of the machine: that time did not pass.
        if [ "$now" -lt "$last" ] || [ $((now - last)) -ge 86400 ]; then
            since=$((since + now - last)) born=$((born + now - last))
        fi
        last=$now
        # Whoever ordered the machine may have had a wrong clock, and so may the machine.
        if [ "$now" -ge "$gharun_expires" ] || [ $((now - born)) -ge "$gharun_lifetime" ]; then
            fire 72 "its lifetime is over" lifetime
            continue
        fi
        if [ "$gharun_idle" -eq 0 ] || [ -e "$dir/kept" ]; then continue; fi
        if [ -z "$up" ] && [ -e "$dir/started" ]; then
            up=yes
            since=$now
        fi
        if [ $((now - since)) -ge "$gharun_idle" ]; then
            if job_seen; then gharun_idle=0; else fire 71 "no job came within its idle limit" idle; fi
        fi
    done
}

# A folder that survives a restart of the machine, so that its marker does.
make_dir() {
    for base in "${GHARUN_WORK:-}" /var/lib/gharun "$HOME/.gharun" "${TMPDIR:-/tmp}/gharun-$(id -u)"; do
        case $base in
        /var/lib/gharun) is_root || continue ;;
        /*) ;;
        *) continue ;;
        esac
        dir=$base/$gharun_name
        # Another user's folder is a trap: in /tmp anybody may have been there before us.
        # shellcheck disable=SC3067 # dash, bash and busybox know -O
        (umask 077 && mkdir -p "$dir") 2>/dev/null && [ -O "$base" ] && [ -O "$dir" ] && mark "$dir/armed" && return 0
    done
    dir=
    die 75 "could not find a writable folder"
}

arm() {
    main=$$ guard=0 who=main dir='' ended='' lock='' fresh='' how=none last='' why='' its='' any='' refused=''
    trap 'finish $?' EXIT
    trap 'exit 143' HUP INT TERM
    # Whoever read our output may be gone: that must not end us before we have ended the machine.
    trap : PIPE
    # Some machines boot scripts without it.
    [ -n "${HOME:-}" ] || HOME=$(eval "echo ~$(id -un 2>/dev/null)")
    case $HOME in /*) ;; *) HOME=/ ;; esac
    export HOME
    make_dir
    ended=$dir/ended.$main.$(date +%s)
    # In a container we are number 1 each time, and it may be started again within a second.
    while [ -e "$ended" ]; do ended=$ended+; done
    seen=$dir/seen
    rm -f "$dir/why" "$dir/started" "$dir/pid"
    watchdog &
    guard=$!
    # Not before: where nobody reads, we say it for ever.
    phase arm
    # As on GitHub's own machines, whatever it was for us: jobs build images and packages.
    umask 022
}

# Runs something so that a signal to this script is heard while it runs.
await() {
    "$@" &
    wait $!
}

# --- Steps ---------------------------------------------------------------------------------------

#if setup
run_setup() {
    [ -n "$gharun_setup" ] || return 0
    phase setup
    (umask 077 && printf '%s' "$gharun_setup" >"$dir/setup") || spoilt "$dir"
    chmod 700 "$dir/setup"
    # Where it notes the number of the line that it is at.
    export GHARUN_LINE="$dir/line"
    case $gharun_setup in
    '#!'*) await "$dir/setup" ;;
    *) await sh "$dir/setup" ;;
    esac || {
        code=$?
        at=
        { read -r at <"$dir/line"; } 2>/dev/null
        die 74 "the setup script failed with exit code $code${at:+ at line $at}"
    }
    rm -f "$dir/setup"
}
#end

#if ca
# Most programs take one bundle in the place of the system's, so the file holds both. On macOS the
# runner itself asks the keychain only.
trust() {
    for bundle in "${SSL_CERT_FILE:-}" "${CURL_CA_BUNDLE:-}" /etc/ssl/certs/ca-certificates.crt \
        /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
        [ -s "$bundle" ] && break
        bundle=
    done
    ca=$dir/ca.pem
    {
        [ -z "$bundle" ] || cat "$bundle"
        printf '\n%s\n' "$gharun_ca"
    } >"$ca" || spoilt "$dir"
    chmod 644 "$ca"
    # The runner and OpenSSL, curl, git, Node, Python.
    export SSL_CERT_FILE="$ca" CURL_CA_BUNDLE="$ca" GIT_SSL_CAINFO="$ca" NODE_EXTRA_CA_CERTS="$ca" REQUESTS_CA_BUNDLE="$ca"
}
#end

find_platform() {
    case $(uname -s) in
    Linux) os=linux ;;
    #if host
    Darwin) os=osx ;;
    #end
    *) os='' ;;
    esac
    case $os$(uname -m) in
    *x86_64 | *amd64) arch=x64 ;;
    *aarch64 | *arm64) arch=arm64 ;;
    *armv7* | *armv8*) arch=arm ;;
    *) os='' ;;
    esac
    [ -n "$os" ] || die 76 "GitHub offers no runner for $(uname -s) on $(uname -m)"
    # A 64-bit kernel may have a 32-bit system over it.
    [ "$arch $(getconf LONG_BIT 2>/dev/null)" = 'arm64 32' ] && arch=arm
    version=''
    # No here-document: some shells write it to a disk that may be full. No patterns: URLs hold `?`.
    set -f
    # shellcheck disable=SC2086 # six words for each package
    set -- $gharun_packages
    set +f
    while [ $# -ge 6 ]; do
        # shellcheck disable=SC2034 # a part of the script wants it
        [ "$1 $2" = "$os $arch" ] && version=$3 sha=$4 url=$5 bearer=$6
        shift 6
    done
}

# What of some files and folders, and of all in them, another user owns or may write to, or cannot be looked at;
# else a link in them that another user can lead elsewhere.
strange() {
    look /
    find -L "$@" \( ! -user 0 ! -user "$owner" ! -user "$(id -u)" -o ! -type l -perm -020 -o ! -type l -perm -002 \) 2>&1 | head -n 1
    # shellcheck disable=SC2016 # for another shell
    find -L "$@" -exec sh -c 'for f; do [ ! -L "$f" ] || printf "%s\n" "$f"; done' sh {} + |
        while IFS= read -r line; do safe "$line" || printf '%s\n' "$line"; done
}

# Whether a version is older than another.
older() { [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)" = "$1" ]; }

# An unconfigured runner that root or we installed, and nobody else can change; in place where it is ours
# alone, else a copy.
use_installed() {
    # What GitHub has just refused.
    [ -z "$refused" ] || return 1
    for home in "${RUNNER_HOME:-}" /home/runner /actions-runner; do
        [ -n "$home" ] || continue
        if [ ! -x "$home/run.sh" ] || [ ! -x "$home/bin/Runner.Listener" ] || [ -e "$home/.runner" ]; then continue; fi
        set --
        for part in "$home"/* "$home/.env" "$home/.path"; do
            case ${part##*/} in
            bin | externals) ;;
            *) [ -f "$part" ] || continue ;;
            esac
            set -- "$@" "$part"
        done
        if ! have find; then
            say "the runner in $home is not used: not installed: find"
            continue
        fi
        look "$home/."
        case $mode in ?????w* | ????????w*) found=$home ;; *) found=$(strange "$@") ;; esac
        if [ -n "$found" ] || ! safe "$home"; then
            say "the runner in $home is not used: another user may change it; \`chown -R root:root $home\` and \`chmod -R go-w $home\` forbid that"
            continue
        fi
        its=$(DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$home/bin/Runner.Listener" --version 2>/dev/null)
        if [ "$gharun_pinned" -eq 1 ]; then
            [ "$its" = "$version" ] || continue
        elif [ -z "$any" ] && { have curl || have wget; } && older "$its" "$version"; then
            say "the runner in $home is not used: its version is $its; GitHub names $version"
            continue
        fi
        if [ -z "${GHARUN_WORK:-}" ] && mkdir "$home/.gharun-in-use" 2>/dev/null; then
            lock=$home/.gharun-in-use
            runner=$home
        else
            phase copy
            rm -rf "${dir:?}/runner"
            mkdir -p "$dir/runner" || continue
            for part; do
                await cp -R "$part" "$dir/runner/" || spoilt "$dir"
            done
            runner=$dir/runner
        fi
        phase installed
        return 0
    done
    its=
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

# shellcheck disable=SC2317 # it is called by `await`
fetch() {
    exec 2>"$dir/err"
    if have curl; then
        set -- -fsSL --connect-timeout 20 --speed-limit 1000 --speed-time 60 -o "$2" "$1"
        #if bearer
        # Not among the arguments, which are for all to see; other clients go without.
        if [ "$bearer" != - ]; then
            printf 'header = "Authorization: Bearer %s"\n' "$bearer" | curl -K - "$@"
            return
        fi
        #end
        curl "$@"
        return
    fi
    #if small
    case $(wget --version 2>/dev/null) in
    GNU*) ;;
    *)
        # The static busybox of Debian 12 crashes on a time limit; its own is 15 minutes.
        wget -q -T 60 -O "$2" "$1" || { [ $? -gt 128 ] && wget -q -O "$2" "$1"; }
        return
        ;;
    esac
    #end
    # It would try twenty times by itself, and mostly knows none of the usual variables.
    wget -nv -t 1 -T 60 ${CURL_CA_BUNDLE:+"--ca-certificate=$CURL_CA_BUNDLE"} -O "$2" "$1"
}

download() {
    pause=$gharun_pause
    for try in 1 2 3 4 5; do
        rm -f "$fresh"
        phase download
        if await fetch "$url" "$fresh"; then
            phase verify
            [ "$(checksum "$fresh")" = "$sha" ] && return 0
            reason='its checksum does not match the one from GitHub'
        else
            reason="the download ended with exit code $?"
            said=$(grep . "$dir/err" | tail -n 1)
            reason=${said:-$reason}
        fi
        say "try $try to download the runner failed: $reason"
        room "${fresh%/*}"
        # It does not come by asking again.
        case $reason in *' 40'[134]*) return 1 ;; esac
        [ "$try" -lt 5 ] && await sleep "$pause"
        pause=$((pause * 3))
    done
    return 1
}

get_runner() {
    find_platform
    use_installed && return 0
    [ -n "$version" ] || die 76 "GitHub offers no runner for $os on $arch"
    [ "${#sha}" -eq 64 ] || die 75 "the runner for $os $arch has no checksum"
    need tar
    need gzip
    need sha256sum shasum openssl
    phase cache
    cache=${GHARUN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gharun}
    file=actions-runner-$os-$arch-$version.tar.gz
    mkdir -p "$cache" 2>/dev/null
    # Where others may change it between a look at it and its use, a copy of it is used, and nothing kept.
    if ! safe "$cache"; then
        [ ! -f "$cache/$file" ] || await cp "$cache/$file" "$dir/"
        cache=$dir
    fi
    if [ -f "$cache/$file" ] && [ "$(checksum "$cache/$file")" = "$sha" ]; then
        touch "$cache/$file" 2>/dev/null
    else
        need curl wget
        fresh=$cache/.part.$gharun_name
        { mark "$fresh"; } || { cache=$dir && fresh=$dir/.part; }
        # Where the download fails, an older installed runner may do.
        download || { any=yes && use_installed && return 0; } || die 75 "could not download the runner from $url: $reason"
        # In the place of a bad one at once: another machine of this host may be reading there.
        mv -f "$fresh" "$cache/$file" || spoilt "$cache"
        find "$cache" -type f \( -name 'actions-runner-*' -o -name '.part.*' \) -mtime +60 -exec rm -f {} + 2>/dev/null
    fi
    phase unpack
    rm -rf "${dir:?}/runner"
    mkdir -p "$dir/runner" || spoilt "$dir"
    await unpack || spoilt "$dir"
    [ "$cache" != "$dir" ] || rm -f "$dir/$file"
    runner=$dir/runner
}

# The files are to be ours, not a number's of the archive: -o.
# shellcheck disable=SC2317 # it is called by `await`
unpack() { gzip -dc "$cache/$file" | tar -xof - -C "$dir/runner"; }

# Becomes the launcher, as the runner's user, with the environment as it is here.
launch() {
    case $how in
    none) exec sh "$dir/boot" "$1" ;;
    su) exec su -s /bin/sh "$user" -c "exec sh $(quote "$dir/boot") $1" ;;
    #if host
    # That of macOS knows no -s.
    su_plainly) exec su "$user" -c "exec sh $(quote "$dir/boot") $1" ;;
    #end
    esac
    export HOME="$user_home" USER="$user" LOGNAME="$user"
    [ "$how" = runuser ] && exec runuser -u "$user" -- sh "$dir/boot" "$1"
    exec setpriv --reuid="$user" --regid="$group" --init-groups sh "$dir/boot" "$1"
}

# The same with nothing of ours: what the user runs there may be another job's by now.
as_user() {
    forget_ours
    launch "$1"
}

# Looks for a way to run the runner as its user, and then gives it to them. From here on nothing below
# its folder is run, read or written by us.
hand_over() {
    group=$(id -g "$user")
    user_home=$(eval "echo ~$user")
    if ! chown "$user:$group" "$seen" || ! find_way || ! echo "$how $user $group $user_home" >"$dir/given"; then
        how=none
        return 1
    fi
    chown -hR "$user:$group" "$runner" || spoilt "$runner"
    #if folders
    # What is in them may be another machine's, too, and much: only the folder itself.
    printf '%s\n' "$gharun_folders" | while IFS= read -r at; do
        [ ! -d "$at" ] || chown "$user:$group" "$at"
    done
    #end
}

find_way() {
    for how in setpriv runuser su su_plainly; do
        have "${how%%_*}" && (mute as_user try) && return 0
    done
    return 1
}

# Whether every user gets to a folder.
open_to_all() {
    up=$1
    while [ -n "$up" ]; do
        case $(ls -ld "$up/") in d????????[xt]*) ;; *) return 1 ;; esac
        up=${up%/*}
    done
}

#if grant
# A machine that is rented for one job is that job's: as on GitHub's own, it may become root and use containers, where there
# are the means.
grant() {
    mute usermod -aG "$gharun_groups" "$user" || mute addgroup "$user" "$gharun_groups"
    [ -d /etc/sudoers.d ] || return 0
    printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\n' "$user" >"$dir/sudoers"
    chmod 440 "$dir/sudoers"
    ! have visudo || mute visudo -cf "$dir/sudoers" || return 0
    mv -f "$dir/sudoers" /etc/sudoers.d/gharun
}
#end

# Finds or makes the user that the runner runs as, and tells the setup script.
name_user() {
    user=$(id -un 2>/dev/null)
    export GHARUN_USER="$user"
    if ! is_root; then
        case $gharun_user in runner | "$user") return ;; esac
        die 80 "cannot run as $gharun_user: the machine's user is $user, not root"
    fi
    case $gharun_user${GHARUN_ALLOW_ROOT:-}${RUNNER_ALLOW_RUNASROOT:-} in
    runner)
        chmod 711 "$dir" "${dir%/*}"
        # Nobody is added to a computer who then could not get at the runner.
        open_to_all "$dir" || return 0
        for user in runner gharun; do mute id "$user" && break; done
        mute id "$user" || mute useradd -m -s /bin/sh "$user" || mute adduser -D -s /bin/sh "$user"
        mute id "$user" || user=root
        ;;
    runner* | root*)
        user=root gharun_user=root
        return
        ;;
    *) user=$gharun_user ;;
    esac
    GHARUN_USER=$user
    #if grant
    grant
    #end
}

# The runner itself refuses root unless it is told.
choose_user() {
    how=none
    is_root || return 0
    if [ "$gharun_user" != root ]; then
        phase user
        mute id "$user" || die 80 "cannot run as $user: it does not exist"
        chmod 711 "$dir" "${dir%/*}"
        #if grant
        # The means may have come with the setup script.
        grant
        #end
        [ "$user" != root ] && open_to_all "$dir" && open_to_all "$runner" && hand_over && return 0
        [ "$gharun_user" = runner ] || die 80 "cannot run as $user: $runner is closed to it"
        say "warning: found no other user to run as: the runner runs as root"
        chown 0:0 "$seen"
    fi
    RUNNER_ALLOW_RUNASROOT=1
    export RUNNER_ALLOW_RUNASROOT
}

# .NET wants libicu, and without it the runner ends without a word.
care_for_icu() {
    [ "$(uname -s)" = Linux ] || return 0
    for lib in /usr/lib/libicuuc.so* /usr/lib/*/libicuuc.so* /usr/lib64/libicuuc.so* /lib/*/libicuuc.so* "$runner"/bin/libicuuc.so*; do
        [ -e "$lib" ] && return 0
    done
    if is_root && [ -x "$runner/bin/installdependencies.sh" ]; then
        phase dependencies
        bound=
        have timeout && bound='timeout 300'
        # shellcheck disable=SC2086 # two words, or none
        await $bound "$runner/bin/installdependencies.sh" >"$dir/dependencies" 2>&1 && return 0
        say "libicu could not be installed: $(tail -n 1 "$dir/dependencies")"
    fi
    DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
    export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT
}

# The hook that marks the job, and then is the user's own one; and the file that the runner's user
# runs: it goes to the runner, and runs it or does what it is told there.
# A shell without job control lets what it runs beside itself ignore SIGINT, and by SIGINT a
# cancelled job is told to end: so it is put back, where something can.
write_launcher() {
    mkdir -p "$seen"
    hook=$dir/job-started.sh
    key=ACTIONS_RUNNER_HOOK_JOB_STARTED
    own=${ACTIONS_RUNNER_HOOK_JOB_STARTED:-}
    # What stands in that file goes over the environment.
    if grep -q "^$key=" "$runner/.env" 2>/dev/null; then
        own=$(sed -n "s/^$key=//p" "$runner/.env" | tail -n 1)
        sed "/^$key=/d" "$runner/.env" >"$dir/env" && cat "$dir/env" >"$runner/.env"
    fi
    {
        printf 'echo 2>/dev/null >%s || true\nown=%s\n' "$(quote "$seen/job")" "$(quote "$own")"
        # shellcheck disable=SC2016 # for the hook's own shell
        printf '%s\n' '[ -n "$own" ] || exit 0' "case \$own in *.ps1) exec pwsh -command \". '\$own'\" ;; esac" \
            'command -v bash >/dev/null && exec bash -e "$own"' 'exec sh -e "$own"'
    } >"$hook"
    {
        printf 'cd %s && [ -w %s ] || exit 70\n' "$(quote "$runner")" "$(quote "$seen")"
        rest='./* ./.[!.]*'
        [ "$runner" = "$dir/runner" ] || rest=.gharun-in-use
        # shellcheck disable=SC2016 # for the launcher's own shell
        printf '%s\n' 'case ${1:-} in' 'try) exit ;;' "clear) exec rm -rf $rest ;;" 'version) exec bin/Runner.Listener --version ;;' 'esac' '[ -w . ] || exit 70'
        #if token
        # Not config.sh: it does the same after a look for libraries, and the runner goes without libicu.
        # The token is not among the arguments, which are for all to see.
        printf '%s\n' "[ \"\${1:-}\" = register ] && exec bin/Runner.Listener configure --unattended --ephemeral --disableupdate --no-default-labels --url $(quote "$gharun_url") --name $gharun_name --labels $(quote "$gharun_labels") --work _work ${gharun_group:+--runnergroup $(quote "$gharun_group")}"
        #end
        if mute env --default-signal=INT true; then
            printf 'exec env --default-signal=INT ./run.sh\n'
        elif have perl; then
            # shellcheck disable=SC2016 # for perl
            printf 'exec perl -e '\''$SIG{INT} = "DEFAULT"; exec @ARGV'\'' ./run.sh\n'
        fi
        printf 'exec ./run.sh\n'
    } >"$dir/boot"
    chmod 755 "$hook" "$dir/boot" # no secrets in them, and the runner's user reads them
}

# Nothing of ours but the mark by which a host knows its slots, no secret of a machine's place, and no
# folders of another user.
forget_ours() {
    for key in $(env | sed -n 's/^\(GHARUN_[A-Za-z0-9_]*\)=.*/\1/p'); do
        [ "$key" = GHARUN_SLOT ] || unset "$key"
    done
    # shellcheck disable=SC2086 # names of variables, or none
    unset RUNNER_TRACKING_ID $gharun_secrets
    # GitHub's own image asks for the traces of runner and worker by this value: whoever wants them uses another.
    [ "${ACTIONS_RUNNER_PRINT_LOG_TO_STDOUT:-}" != 1 ] || unset ACTIONS_RUNNER_PRINT_LOG_TO_STDOUT
    [ "$how" = none ] || unset XDG_RUNTIME_DIR XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME MAIL
}

start_runner() {
    forget_ours
    #if jit
    export ACTIONS_RUNNER_INPUT_JITCONFIG="$gharun_jit"
    #end
    export ACTIONS_RUNNER_HOOK_JOB_STARTED="$hook"
    export ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE=1
    launch run
}

#if token
# shellcheck disable=SC2317 # it is called by `await`
enrol() {
    export ACTIONS_RUNNER_INPUT_TOKEN="$gharun_token"
    as_user register
}

# A machine that is started anew with an empty disk has no marker, and the token is yet good.
register() {
    phase register
    [ "$(date +%s)" -lt "$gharun_until" ] || die 77 "too late to register a runner: its start has ended"
    await enrol >"$dir/enrol" 2>&1 && return 0
    code=$?
    cat "$dir/enrol"
    # The last line may be .NET's, which says nothing.
    die 79 "could not register the runner with GitHub (exit code $code): $(grep '[A-Za-z]' "$dir/enrol" | grep -v 'Response status code' | tail -n 1)"
}
#end

#if jit
# GitHub refused the installed runner before it took a job, so its configuration is unused: the package that GitHub names
# gets it. Where that fails, the refusal is told, with why.
replace() {
    refused=$why
    say "warning: $why"
    clear_runner
    [ ! -e "$dir/runner" ] || die 75 'could not remove the refused runner'
    rm -f "$dir/out" "$dir/deprecated" "$dir/said" "$dir/listening"
    lock='' its=''
    get_runner
    care_for_icu
    write_launcher
    choose_user
    refused='' why=''
}
#end

# What the runner says goes to the log, and tells what its exit code does not.
listen() {
    # The last words of a runner that is told to end are wanted too.
    trap '' HUP INT TERM
    trap : PIPE
    while IFS= read -r line || [ -n "$line" ]; do
        case ${ACTIONS_RUNNER_PRINT_LOG_TO_STDOUT#1}$line in '[RUNNER '* | '[WORKER '*) continue ;; esac
        printf '%s\n' "$line"
        case $line in
        *'Listening for Jobs'*) [ -e "$dir/listening" ] || { mark "$dir/listening" && phase listening; } ;;
        *'Running job: '*) [ -e "$dir/job" ] || { mark "$dir/job" && phase job; } ;;
        *'cannot receive messages'*) mark "$dir/deprecated" ;;
        esac
        ! tells "$line" || printf '%s\n' "${line#*Z: }" >"$dir/said"
    done
}

run_runner() {
    mkfifo "$dir/out" || spoilt "$dir"
    listen <"$dir/out" &
    listener=$!
    phase run
    mark "$dir/started"
    (start_runner) >"$dir/out" 2>&1 &
    child=$!
    echo "$child" >"$dir/pid"
    wait "$child"
    status=$?
    while [ "$status" -gt 128 ] && lives "$child"; do
        wait "$child"
        status=$?
    done
    rm -f "$dir/pid"
    # The reader ends with the last writer; what a job left behind may hold the pipe open.
    linger "$listener" 10
    [ -e "$dir/job" ] || [ -e "$seen/job" ] && return 0
    said=
    [ ! -s "$dir/said" ] || read -r said <"$dir/said"
    if [ "$status" -eq 7 ] || [ -e "$dir/deprecated" ]; then
        why="GitHub no longer accepts this version of the runner${its:+: the one in $home is $its${version:+; GitHub names $version}}"
        #if jit
        case $its in
        '' | "${version:-$its}") ;;
        *)
            replace
            run_runner
            return
            ;;
        esac
        #end
        die 73 "$why"
    fi
    why=${said:+: $said}
    [ -e "$dir/listening" ] && die 78 "the runner ended without a job$why"
    if [ -z "$why" ]; then
        # By its user, and not for ever: a job may have made another program of it.
        (as_user version) >"$dir/version" 2>&1 &
        child=$!
        linger "$child" 50
        wait "$child" || why=": it does not run on this machine: $(head -n 1 "$dir/version")"
        [ -n "$why" ] || [ "$status" -ne 127 ] || have bash || why=': bash is not installed'
    fi
    die 70 "the runner never connected to GitHub$why"
}

#if ready
# Keeps what can ask for the end of this machine: later the runner belongs to its user, and root must not run it.
get_ready() {
    (
        # shellcheck disable=SC2034 # for the ending
        gharun_ready=yes
        eval "$gharun_ending"
    ) || die 75 "nothing here can ask for the end of this machine, so it does not accept a job"
}
#end

bootstrap() {
    arm
    # It holds the configuration. Only a file that is this very script, whatever its name.
    [ -f "$0" ] && grep -q "^gharun_name='$gharun_name'" "$0" && rm -f "$0" 2>/dev/null
    unset GITHUB_TOKEN GH_TOKEN GH_PAT GH_ENTERPRISE_TOKEN GITHUB_ENTERPRISE_TOKEN
    unset GHARUN_GITHUB_TOKEN GHARUN_APP_PRIVATE_KEY
    if ! mkdir "$dir/once" 2>/dev/null; then
        [ -d "$dir/once" ] && die 77 "it already ran here"
        spoilt "$dir"
    fi
    #if ca
    trust
    #end
    name_user
    #if setup
    run_setup
    #end
    get_runner
    care_for_icu
    write_launcher
    #if ready
    get_ready
    #end
    choose_user
    #if token
    register
    #end
    run_runner
    exit 0
}

bootstrap

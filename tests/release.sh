#!/bin/sh
# Tests scripts/release/, scripts/action/ and install.sh, with throw-away repositories, a server on loopback and a stand-in for `gh`.
#
#   sh tests/release.sh              all of it
#   sh tests/release.sh install      only tests whose names contain this
#   GHARUN_RELEASE_ARCHIVE=FILE      an archive that `pack` made of a real build: it is rehearsed in the Debian roots, too
#
# Where this is root and debootstrap is installed, install.sh is tried in roots of an old and a new Debian, which are
# kept beside what cargo builds. What cannot be tested is said in a line `skipped: …`. tests/run calls this.
#
# The tests are in tests/release/*.sh. One is a subshell, which may change what it likes, and is a sentence that `it` runs;
# and some texts have a `$` or a backtick of their own.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
set -u
cd "$(dirname "$0")/.." || exit 1
top=$PWD
PATH=$PATH:/usr/sbin:/sbin
only=${1:-}
archive=${GHARUN_RELEASE_ARCHIVE:-}
case $archive in '' | /*) ;; *) archive=$top/$archive ;; esac
scratch=$(mktemp -d "${TMPDIR:-/tmp}/gharun-release.XXXXXX") || exit 1
server=
makers=

say() { printf '%s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }

clean_up() {
    trap '' HUP INT TERM
    for process in $server $makers; do kill "$process" 2>/dev/null; done # gone already is fine
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Nothing of the caller's: neither settings of git or of these scripts, nor a place that install.sh would take.
export CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}"
export HOME="$scratch/home" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL="$scratch/gitconfig" \
    GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
unset GHARUN_DIST GHARUN_REMOTE GHARUN_VERSION GHARUN_INSTALL_DIR GHARUN_RELEASES_URL XDG_BIN_HOME GITHUB_REPOSITORY \
    SOURCE_DATE_EPOCH GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE

passed=0 failed=0
# Runs a function as a test: `it NAME`. Its name is its sentence.
it() {
    case $1 in *"$only"*) ;; *) return 0 ;; esac
    mkdir "$scratch/$1" || exit 1
    (
        set -e
        here=$scratch/$1
        cd "$here"
        "$1"
    ) >"$scratch/log" 2>&1
    # Not within a condition: there `set -e` is without effect.
    status=$?
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        say "test $1 ... ok"
    else
        failed=$((failed + 1))
        say "test $1 ... FAILED"
        sed 's/^/    /' "$scratch/log"
    fi
    rm -rf "${scratch:?}/$1"
}

# Fails unless the command fails and says the text: `refused TEXT COMMAND…`.
refused() {
    text=$1
    shift
    if "$@" >"$scratch/said" 2>&1; then
        say "it was not refused: $*"
        cat "$scratch/said"
        return 1
    fi
    grep -qF -- "$text" "$scratch/said" || {
        say "it does not say \`$text\`: $*"
        cat "$scratch/said"
        return 1
    }
}

# Fails unless two texts are the same.
same() {
    [ "$1" = "$2" ] || {
        printf '%s\n--- is not\n%s\n' "$1" "$2"
        return 1
    }
}

# What is in this tree, in a repository of its own with one commit: `repository FOLDER`.
repository() {
    mkdir -p "$1"
    (cd "$top" && git ls-files -z --cached --others --exclude-standard) >"$scratch/files"
    # What was deleted and not yet committed is not there.
    (cd "$top" && xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh <"$scratch/files" |
        tar --null --files-from=- -cf -) | tar -C "$1" -xf -
    git -C "$1" init --quiet --initial-branch=main
    commit "$1"
}

# Commits all that is in a repository.
commit() {
    git -C "$1" add --all --force
    git -C "$1" commit --quiet --message=x
}

# Names the action by another tag in all documents: `name_the_action TAG FOLDER`.
name_the_action() {
    (cd "$2" && grep -rlE 'uses: [A-Za-z-]+/gharun@v' README.md docs examples llms-full.txt) >"$scratch/named"
    while IFS= read -r file; do
        sed -E "s,(uses: [A-Za-z-]+/gharun@)v[0-9.]+,\\1$1," "$2/$file" >"$scratch/text"
        cat "$scratch/text" >"$2/$file"
    done <"$scratch/named"
}

# A repository that could release version 1.2.3: `releasable FOLDER`. Sets `$bin` to a folder with a stand-in for gh, which
# says what `$GH_GREEN` is, writes down what it was asked, and can push nowhere.
releasable() {
    repository "$1"
    (cd "$1" && scripts/release/owner acme)
    sed -i.bak 's/^version = ".*"$/version = "1.2.3"/' "$1/Cargo.toml"
    printf '# Changelog\n\n## [Unreleased]\n\n- soon\n\n## [1.2.3] - 2026-11-30\n\n### Added\n\n- `x`\n\n## [1.2.2] - 2026-11-01\n\n- old\n' >"$1/CHANGELOG.md"
    rm "$1/Cargo.toml.bak"
    name_the_action v1 "$1"
    commit "$1"
    git init --quiet --bare "$1.git"
    git -C "$1" push --quiet "$1.git" HEAD:refs/heads/main
    bin=$1.bin
    mkdir "$bin"
    cat >"$bin/gh" <<'END'
#!/bin/sh
printf 'gh %s\n' "$*" >>"$GH_LOG"
case $1 in
api) printf '%s\n' "${GH_GREEN:-1}" ;;
esac
END
    chmod +x "$bin/gh"
    export GHARUN_REMOTE="$1.git" GH_LOG="$1.log"
    : >"$GH_LOG"
}

# A program that says its version and target as gharun does: `program TARGET FILE`.
program() {
    printf '#!/bin/sh\necho "gharun 1.2.3 (%s, commit 0123456789ab)"\n' "$1" >"$2"
    chmod 755 "$2"
}

targets=$(sed -n "/^targets='/,/'\$/p" scripts/release/lib.sh | tr -d "'" | sed 's/^targets=//' | tr ' ' '\n' | sort)

exec 3>&1 # where a test may say that it was skipped

[ "$(uname -s)" = Linux ] || {
    say 'skipped: tests of the release scripts: they need Linux'
    say 'test result: ok. 0 passed; 0 failed; 0 ignored'
    exit 0
}
for program in git python3 curl wget busybox openssl sha256sum tar; do
    have "$program" || {
        say "skipped: tests of the release scripts: $program is not installed"
        say 'test result: ok. 0 passed; 0 failed; 0 ignored'
        exit 0
    }
done
git rev-parse --git-dir >/dev/null 2>&1 || {
    say 'skipped: tests of the release scripts: this is not a checkout of git'
    say 'test result: ok. 0 passed; 0 failed; 0 ignored'
    exit 0
}

# shellcheck source=tests/release/debian.sh
. tests/release/debian.sh
begin_roots
# shellcheck source=tests/release/tree.sh
. tests/release/tree.sh
# shellcheck source=tests/release/files.sh
. tests/release/files.sh
# shellcheck source=tests/release/commits.sh
. tests/release/commits.sh
# shellcheck source=tests/release/install.sh
. tests/release/install.sh
# shellcheck source=tests/release/action.sh
. tests/release/action.sh
test_in_roots

# In the form of cargo's, so that tests/run adds it up.
if [ "$failed" = 0 ]; then result=ok; else result=FAILED; fi
say "test result: $result. $passed passed; $failed failed; 0 ignored"
[ "$failed" = 0 ]

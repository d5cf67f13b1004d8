#!/bin/sh
# Tests scripts/release/ and install.sh, with throw-away repositories, a server on loopback and a stand-in for `gh`.
#
#   sh tests/release.sh              all of it
#   sh tests/release.sh install      only tests whose names contain this
#   GHARUN_RELEASE_ARCHIVE=FILE      an archive that `pack` made of a real build: it is rehearsed in the Debian roots, too
#
# Where this is root and debootstrap is installed, install.sh is tried in roots of an old and a new Debian, which are
# kept beside what cargo builds. What cannot be tested is said in a line `skipped: …`. tests/run calls this.
#
# A test is a subshell, which may change what it likes; and some texts have a `$` or a backtick of their own.
# shellcheck disable=SC2016,SC2030,SC2031
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

# A repository that could release version 1.2.3: `releasable FOLDER`. Sets `$bin` to a folder with a stand-in for gh, which
# says what `$GH_GREEN` is, writes down what it was asked, and can push nowhere.
releasable() {
    repository "$1"
    (cd "$1" && scripts/release/owner acme)
    sed -i.bak 's/^version = ".*"$/version = "1.2.3"/' "$1/Cargo.toml"
    printf '# Changelog\n\n## [Unreleased]\n\n- soon\n\n## [1.2.3] - 2026-11-30\n\n### Added\n\n- `x`\n\n## [1.2.2] - 2026-11-01\n\n- old\n' >"$1/CHANGELOG.md"
    rm "$1/Cargo.toml.bak"
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

# A folder as releases have it, with the versions 1.2.3 (the latest) and 1.2.2: `releases FOLDER`.
releases() {
    for place in latest/download download/v1.2.3 download/v1.2.2; do
        mkdir -p "$1/$place"
        for target in $targets; do
            mkdir -p "$scratch/made/gharun-$target"
            program "$target" "$scratch/made/gharun-$target/gharun"
            case $place in *1.2.2) sed -i.bak 's/1\.2\.3/1.2.2/' "$scratch/made/gharun-$target/gharun" ;; esac
            tar -C "$scratch/made" -cf - "gharun-$target/gharun" | gzip -n >"$1/$place/gharun-$target.tar.gz"
        done
        (cd "$1/$place" && sha256sum gharun-*.tar.gz >SHA256SUMS)
    done
    rm -rf "$scratch/made"
}

# --- The owner, the targets and the workflow ---------------------------------------------------------

an_owner_is_written_everywhere_and_once() {
    repository tree
    cd tree
    refused 'no owner of the project is set' scripts/release/owner
    refused 'is not an account' scripts/release/owner 'a b'
    refused 'is not an account' scripts/release/owner -a
    before=$(git ls-files --stage | cut -d ' ' -f 1 | sort | uniq -c)
    grep -q 'OWNER/gharun' install.sh
    scripts/release/owner acme
    same "$(git grep -I 'OWNER/gharun' || true)" ''
    grep -q 'acme/gharun/releases' install.sh
    grep -q '^repository = "https://github.com/acme/gharun"$' Cargo.toml
    same "$(scripts/release/owner)" acme
    commit .
    same "$(git ls-files --stage | cut -d ' ' -f 1 | sort | uniq -c)" "$before"
    scripts/release/owner acme
    same "$(git status --porcelain)" ''
    # A project moves; and who has a longer name is somebody else.
    printf 'https://github.com/big-acme/gharun acme/gharun@v1\n' >other
    git add other
    scripts/release/owner octo
    same "$(cat other)" 'https://github.com/big-acme/gharun octo/gharun@v1'
}

the_targets_are_the_same_everywhere() {
    cd "$top"
    same "$(sed -n 's/^ *"\([a-z0-9_]*-[a-z]*-[a-z-]*\)",$/\1/p' deny.toml | sort)" "$targets"
    same "$(sed -n '/^  build:/,/^  [a-z]*:$/s/.*{ target: \([a-z0-9_-]*\),.*/\1/p' .github/workflows/release.yml | sort)" "$targets"
    for target in $targets; do
        case $target in
        *-linux-*) grep -q "echo \"${target%-*}-\\\$(linux_libc)\"" install.sh ;;
        *) grep -q "echo $target ;;" install.sh ;;
        esac
    done
}

workflows_take_the_least() {
    cd "$top/.github/workflows"
    grep -q '^permissions: {}$' release.yml
    # By hash, with the version beside it.
    same "$(grep -h 'uses:' ./*.yml | grep -Ev 'uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$' || true)" ''
    # What a person or a branch can choose comes in through the environment.
    same "$(sed -n '/run: /p' ./*.yml | grep '\${{' || true)" ''
    same "$(grep -c 'uses: actions/checkout@' ./*.yml)" "$(grep -c 'persist-credentials: false' ./*.yml)"
    # Nothing of a release is written in the workflow.
    grep -o 'scripts/release/[a-z][a-z]*[^a-z./]' release.yml | sed 's/.$//' | sort -u >"$here/scripts"
    while IFS= read -r script; do [ -x "$top/$script" ]; done <"$here/scripts"
    for script in build check known pack publish smoke sums; do grep -q "/$script\$" "$here/scripts"; done
}

the_form_for_a_fault_asks_for_what_is_needed() {
    cd "$top/.github/ISSUE_TEMPLATE"
    for id in version kind command output; do
        # Each is required: `validations` comes before the next item.
        awk -v id="    id: $id" '$0 == id { on = 1; next } on && /^  - type/ { exit 1 } on && /required: true/ { exit 0 } END { if (!on) exit 1 }' bug.yml
    done
    grep -q 'gharun --version' bug.yml
    grep -q 'Output with -v' bug.yml
    grep -q 'Do not paste' bug.yml
    for kind in aws docker local nebius runpod ssh; do grep -q "options: \[.*$kind" bug.yml; done
    [ -s feature.yml ] && [ -s ../PULL_REQUEST_TEMPLATE.md ] && [ -s "$top/SECURITY.md" ] && [ -s "$top/CODE_OF_CONDUCT.md" ]
}

messages_are_plain_english() {
    cd "$top"
    sed -n '/^const STRANGE/,/^];/s/^    ("\([^"]*\)".*/\1/p' tests/layers/words.rs | sed 's/ \*$/ /' >"$here/strange"
    [ "$(wc -l <"$here/strange")" -gt 20 ]
    same "$(grep -hE '^ *(die|say|printf|[^#]*\|\| *die) |^ +["'"'"']' install.sh scripts/release/[a-z]* | grep -iF -f "$here/strange" || true)" ''
}

documents_link_to_what_is_there() {
    cd "$top"
    for file in SECURITY.md CODE_OF_CONDUCT.md; do
        grep -o ']([^)h][^)]*)' "$file" | sed 's/^](//; s/)$//' | while IFS= read -r link; do
            [ -e "${link%%#*}" ]
            [ "$link" = "${link%%#*}" ] ||
                sed -n 's/^#* //p' "${link%%#*}" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9_\n-' | grep -qx "${link#*#}"
        done
    done
}

# --- What the program says of itself ---------------------------------------------------------------

# What build.rs tells the program that is built in a folder: `build_of FOLDER PROFILE [NAME=VALUE…]`.
build_of() {
    folder=$1
    profile=$2
    shift 2
    (cd "$folder" && env -u GHARUN_COMMIT "CARGO_MANIFEST_DIR=$folder" CARGO_PKG_VERSION=1.2.3 TARGET=vax-dec-ultrix "PROFILE=$profile" "$@" "$here/build") >"$here/told"
    # cargo would build again each time if one of these were missing.
    sed -n 's/^cargo::rerun-if-changed=//p' "$here/told" >"$here/watched"
    while IFS= read -r file; do [ -e "$folder/$file" ] || [ -e "$file" ]; done <"$here/watched"
    sed -n 's/^cargo::rustc-env=GHARUN_BUILD=//p' "$here/told"
}

a_build_knows_its_commit_wherever_it_comes_from() {
    rustc --edition 2024 -o build "$top/build.rs"
    repository tree
    head=$(git -C tree rev-parse HEAD)
    short=$(printf '%s' "$head" | cut -c 1-12)
    wanted="1.2.3 (vax-dec-ultrix, commit $short)"
    same "$(build_of "$here/tree" release)" "$wanted"
    grep -q '/HEAD$' watched
    git -C tree worktree add --quiet "$here/other" HEAD
    same "$(build_of "$here/other" release)" "$wanted"
    # For development no commit is named, and none is watched.
    same "$(build_of "$here/tree" debug)" '1.2.3 (vax-dec-ultrix, development build)'
    same "$(cat watched)" build.rs
    same "$(build_of "$here/tree" debug GHARUN_COMMIT=0123456789abcdef0123456789abcdef01234567)" '1.2.3 (vax-dec-ultrix, commit 0123456789ab)'
    # A package of cargo's, in somebody else's repository.
    git init --quiet home
    git -C home commit --quiet --allow-empty --message=x
    mkdir home/crate
    cp tree/build.rs home/crate/
    same "$(build_of "$here/home/crate" release)" '1.2.3 (vax-dec-ultrix, commit unknown)'
    printf '{\n  "git": {\n    "sha1": "%s"\n  },\n  "path_in_vcs": ""\n}' "$head" >home/crate/.cargo_vcs_info.json
    same "$(build_of "$here/home/crate" release)" "$wanted"
    # An archive as GitHub makes it, where there is no git.
    mkdir archive
    git -C tree archive HEAD | tar -C archive -xf -
    rustc --edition 2024 -o build archive/build.rs
    same "$(build_of "$here/archive" release PATH=/nowhere)" "$wanted"
}

# --- Before a release ----------------------------------------------------------------------------

a_release_is_refused_until_all_is_ready() {
    releasable "$here/tree"
    cd tree
    PATH=$bin:$PATH
    scripts/release/check 1.2.3
    grep -q "head_sha=$(git rev-parse HEAD)&event=push&status=success" "$GH_LOG"
    refused 'is not a version' scripts/release/check v1.2.3
    refused 'Cargo.toml has version 1.2.3, not 1.2.4' scripts/release/check 1.2.4
    GITHUB_REPOSITORY=octo/gharun refused 'Cargo.toml says `acme/gharun`' scripts/release/check 1.2.3
    GH_GREEN=0 refused 'ci was not green' scripts/release/check 1.2.3
    GHARUN_REMOTE=$here/nowhere refused 'could not ask whether the tag v1.2.3 is taken' scripts/release/check 1.2.3
    git push --quiet "$GHARUN_REMOTE" HEAD:refs/tags/v1.2.3
    refused 'the tag v1.2.3 is taken' scripts/release/check 1.2.3
    git push --quiet "$GHARUN_REMOTE" :refs/tags/v1.2.3
    touch more
    refused 'in no commit' scripts/release/check 1.2.3
    rm more
    sed -i.bak 's/^## \[1.2.3\].*/## [1.2.3]/' CHANGELOG.md
    refused 'CHANGELOG.md says nothing of 1.2.3' scripts/release/check 1.2.3
}

a_release_is_refused_before_there_is_an_owner() {
    repository tree
    cd tree
    refused 'run scripts/release/owner NAME' scripts/release/check "$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)"
}

notes_are_one_section() {
    releasable "$here/tree"
    cd tree
    same "$(scripts/release/notes 1.2.3)" "$(printf '### Added\n\n- `x`')"
    refused 'says nothing of 1.2.9' scripts/release/notes 1.2.9
}

# --- The files of a release ----------------------------------------------------------------------

the_same_files_make_the_same_archive() {
    repository tree
    cd tree
    program x86_64-unknown-linux-gnu built
    GHARUN_DIST=$here/one scripts/release/pack x86_64-unknown-linux-gnu built
    find . -name '*.1' -exec touch -d 2001-01-01 {} +
    chmod 700 built README.md man
    (umask 077 && GHARUN_DIST=$here/two scripts/release/pack x86_64-unknown-linux-gnu built)
    cmp "$here/one/gharun-x86_64-unknown-linux-gnu.tar.gz" "$here/two/gharun-x86_64-unknown-linux-gnu.tar.gz"
    tar -tvzf "$here/one/gharun-x86_64-unknown-linux-gnu.tar.gz" >list
    for file in gharun CHANGELOG.md LICENSE-APACHE LICENSE-MIT LICENSES-OF-DEPENDENCIES.txt README.md completions/gharun.fish \
        man/gharun.1 man/providers.toml.5; do
        grep -q " gharun-x86_64-unknown-linux-gnu/$file\$" list
    done
    same "$(grep -v ' 0/0 ' list || true)" ''
    grep -q '^-rwxr-xr-x .*/gharun$' list
    # The C that is linked has terms of its own.
    tar -xzOf "$here/one/gharun-x86_64-unknown-linux-gnu.tar.gz" gharun-x86_64-unknown-linux-gnu/LICENSES-OF-DEPENDENCIES.txt >licences
    for vendored in aws-lc-sys libssh2-sys libz-sys openssl-src; do grep -q "^$vendored-[^/: ]*/" licences; done
    refused 'is not a target' scripts/release/pack sparc built
    refused 'run scripts/release/build x86_64-unknown-linux-musl first' scripts/release/pack x86_64-unknown-linux-musl
}

a_binary_that_needs_too_much_is_refused() {
    cd "$top"
    if ! have readelf || ! have cc || [ "$(uname -sm)" != 'Linux x86_64' ]; then
        say 'skipped: what binaries need: readelf and cc for Linux x86_64 are not installed' >&3
        return 0
    fi
    printf '#include <math.h>\n#include <stdio.h>\nint main(int n, char **v) { return printf("%%f", pow(n, n)) < 0; }\n' >"$here/x.c"
    cc -o "$here/dynamic" "$here/x.c" -lm
    # What this computer builds needs this computer's C library; that of an old one is `cargo zigbuild`'s.
    newest=$(readelf -V "$here/dynamic" | grep -o 'GLIBC_2\.[0-9]*' | sort -t . -k 2 -n | tail -n 1 | cut -d . -f 2)
    if [ "$newest" -gt 28 ]; then
        refused "it needs glibc 2.$newest, but 2.28 must be enough" scripts/release/needs x86_64-unknown-linux-gnu "$here/dynamic"
    else
        scripts/release/needs x86_64-unknown-linux-gnu "$here/dynamic"
    fi
    refused 'it must be static' scripts/release/needs x86_64-unknown-linux-musl "$here/dynamic"
    printf 'int f(void) { return 1; }\n' >"$here/f.c"
    cc -shared -o "$here/libother.so" "$here/f.c"
    printf 'int f(void);\nint main(void) { return f(); }\n' >"$here/g.c"
    cc -o "$here/other" "$here/g.c" -L"$here" -lother
    refused 'it needs libother.so' scripts/release/needs x86_64-unknown-linux-gnu "$here/other"
    cc -static -o "$here/static" "$here/f.c" "$here/g.c"
    scripts/release/needs x86_64-unknown-linux-musl "$here/static"
}

sums_are_of_all_archives() {
    repository tree
    cd tree
    GHARUN_DIST=$here/dist
    export GHARUN_DIST
    mkdir "$here/dist"
    for target in $targets; do
        refused "gharun-$target.tar.gz does not exist" scripts/release/sums 1.2.3
        echo "$target" >"$here/dist/gharun-$target.tar.gz"
    done
    scripts/release/sums 1.2.3
    cd "$here/dist"
    sha256sum --check --strict --quiet SHA256SUMS
    same "$(($(wc -l <SHA256SUMS)))" 7
    grep -q '^default_version=1.2.3$' install.sh
    [ -x install.sh ]
}

# --- The two commits of a release ----------------------------------------------------------------

# Sums of archives that never were.
sums() {
    for target in $targets; do printf '%s  gharun-%s.tar.gz\n' "$(printf '%s' "$target" | sha256sum | cut -d ' ' -f 1)" "$target"; done
    printf '%064d  install.sh\n' 0
}

the_tagged_commit_adds_hashes_and_nothing_else() {
    releasable "$here/tree"
    sums >SHA256SUMS
    cd tree
    a=$(git rev-parse HEAD)
    echo staged >staged
    git add staged
    b=$(scripts/release/known commit 1.2.3 "$here/SHA256SUMS")
    same "$(git rev-parse HEAD "$b^")" "$(printf '%s\n%s' "$a" "$a")"
    same "$(git diff --name-only "$a" "$b")" scripts/release/known.json
    scripts/release/known check "$b" 1.2.3
    refused 'is of version 1.2.3, not 1.2.4' scripts/release/known check "$b" 1.2.4
    git reset --quiet --hard "$b"
    python3 -c 'import json, sys
known = json.load(open("scripts/release/known.json"))
assert (known["version"], known["built_from"], len(known["sha256"])) == ("1.2.3", sys.argv[1], 6), known' "$a"
    archive=gharun-x86_64-unknown-linux-gnu.tar.gz
    same "$(scripts/release/known sum 1.2.3 $archive)" "$(sed -n "s/  $archive\$//p" "$here/SHA256SUMS")"
    same "$(scripts/release/known version)" 1.2.3
    refused 'has no hash of gharun-vax.tar.gz' scripts/release/known sum 1.2.3 gharun-vax.tar.gz
    # A second release on top of this one changes the file.
    sed -i.bak 's/^version = ".*"$/version = "1.2.4"/' Cargo.toml
    rm Cargo.toml.bak
    commit .
    scripts/release/known check "$(scripts/release/known commit 1.2.4 "$here/SHA256SUMS")" 1.2.4
}

a_tag_that_changes_more_is_refused() {
    releasable "$here/tree"
    sums >SHA256SUMS
    cd tree
    a=$(git rev-parse HEAD)
    b=$(scripts/release/known commit 1.2.3 "$here/SHA256SUMS")
    file=scripts/release/known.json
    # Each from B, in one commit on top of A.
    struck() {
        git reset --quiet --hard "$b"
        eval "$1"
        git add --all --force
        git reset --quiet --soft "$a"
        git commit --quiet --allow-empty --message=x
        refused "$2" scripts/release/known check HEAD
    }
    struck 'echo x >>src/main.rs' 'in more than'
    struck 'echo x >more' 'in more than'
    struck 'rm README.md' 'in more than'
    struck 'chmod +x README.md' 'in more than'
    struck 'git mv LICENSE-MIT LICENSE' 'in more than'
    struck 'rm $file' 'or not in it'
    struck 'rm $file; ln -s /etc/passwd $file' 'must be a plain file'
    struck 'chmod +x $file' 'must be a plain file'
    struck 'sed -i.bak s/built_from.*/x/ $file; rm $file.bak' 'is not of what was built from'
    struck 'sed -i.bak s/x86_64-apple/vax/ $file; rm $file.bak' 'has no hash of gharun-x86_64-apple-darwin.tar.gz'
    struck 'sed -i.bak s/1.2.3/1.2.9/ $file; rm $file.bak' 'but its Cargo.toml of 1.2.3'
    # A commit that is not the second of its release.
    git reset --quiet --hard "$b"
    git commit --quiet --allow-empty --message=x
    refused 'or not in it' scripts/release/known check HEAD
    git reset --quiet --hard "$b"
    git merge --quiet --no-ff --no-edit --strategy=ours "$(git commit-tree -p "$a" -m y "$a^{tree}")"
    refused 'is not a commit on top of one other' scripts/release/known check HEAD
    refused 'is not a commit' scripts/release/known check nothing
    sed -i.bak /musl/d "$here/SHA256SUMS"
    git reset --quiet --hard "$a"
    refused 'has no hash of gharun-aarch64-unknown-linux-musl.tar.gz' scripts/release/known commit 1.2.3 "$here/SHA256SUMS"
}

a_commit_without_hashes_offers_cargo() {
    releasable "$here/tree"
    cd tree
    refused 'this commit has no hashes of a release' scripts/release/known version
    for wanted in 1.2.3 1.2.9; do
        refused "this commit has no hashes of gharun $wanted" scripts/release/known sum $wanted gharun-x86_64-unknown-linux-gnu.tar.gz
        grep -q 'cargo install --locked --git https://github.com/acme/gharun$' "$scratch/said"
    done
}

# --- Publishing ----------------------------------------------------------------------------------

# A release that is ready to be published, in `$here/tree` with `$here/dist`.
ready() {
    releasable "$here/tree"
    cd tree
    GHARUN_DIST=$here/dist GITHUB_REPOSITORY=acme/gharun
    export GHARUN_DIST GITHUB_REPOSITORY
    mkdir "$here/dist"
    for target in $targets; do echo "$target" >"$here/dist/gharun-$target.tar.gz"; done
    scripts/release/sums 1.2.3
    b=$(scripts/release/known commit 1.2.3)
    PATH=$bin:$PATH
}

a_release_is_a_draft_first_and_public_last() {
    ready
    scripts/release/publish 1.2.3 "$b"
    same "$(cut -d ' ' -f 1-4 "$GH_LOG" | cut -c 1-40)" "$(printf 'gh release create v1.2.3\ngh release edit v1.2.3')"
    grep -q -- "--draft --latest .*$here/dist/gharun-aarch64-apple-darwin.tar.gz .*/install.sh .*/SHA256SUMS\$" "$GH_LOG"
    same "$(git -C "$GHARUN_REMOTE" rev-parse v1.2.3 v1)" "$(printf '%s\n%s' "$b" "$b")"
    same "$(git -C "$GHARUN_REMOTE" rev-parse main)" "$(git rev-parse HEAD)"
    # Not a second time.
    : >"$GH_LOG"
    sed -i.bak 's/^- `x`/- `y`/' CHANGELOG.md
    rm CHANGELOG.md.bak
    commit .
    refused 'rejected' scripts/release/publish 1.2.3 "$(scripts/release/known commit 1.2.3)"
    same "$(grep -c 'gh release edit' "$GH_LOG" || true)" 0
}

a_release_of_other_files_is_refused() {
    ready
    git commit --quiet --allow-empty --message=x
    refused 'the archives were built from' scripts/release/publish 1.2.3 "$b"
    git reset --quiet --hard HEAD^
    echo more >>"$here/dist/gharun-x86_64-apple-darwin.tar.gz"
    refused 'does not match SHA256SUMS' scripts/release/publish 1.2.3 "$b"
    scripts/release/sums 1.2.3
    refused 'has another hash in known.json than in SHA256SUMS' scripts/release/publish 1.2.3 "$b"
    refused 'or not in it' scripts/release/publish 1.2.3 HEAD
    same "$(cat "$GH_LOG")" ''
    same "$(git -C "$GHARUN_REMOTE" tag)" ''
}

# --- install.sh ----------------------------------------------------------------------------------

# Fetches and installs as a person would, from the server on loopback: `install [NAME=VALUE…]`.
install() {
    env "HOME=$here/home" "PATH=${path:-$PATH}" "GHARUN_RELEASES_URL=${url:-http://127.0.0.1:$port}" "$@" sh <"$top/install.sh"
}

# A folder with the programs that install.sh needs and those that are named, in `$path`, and nothing else.
programs() {
    path=$here/bin
    rm -rf "$path"
    mkdir "$path"
    for needed in cat chmod cp cut env getconf grep gzip head ldd mkdir mktemp mv rm sed sh sha256sum tar uname "$@"; do
        ln -s "$(command -v "$needed")" "$path/$needed"
    done
}

# A program in `$path` that only says something: `pretend NAME TEXT`.
pretend() {
    rm -f "$path/$1"
    printf '#!/bin/sh\ncat <<"END"\n%s\nEND\n' "$2" >"$path/$1"
    chmod +x "$path/$1"
}

here_is() { echo "$(uname -m)-unknown-linux-gnu"; }

install_says_what_it_did_in_three_lines() {
    install >said
    same "$(cat said)" "Fetched   gharun 1.2.3, $(here_is), and checked its hash
Installed $here/home/.local/bin/gharun
Try       export PATH=\"$here/home/.local/bin:\$PATH\" && gharun start local --rehearse"
    home/.local/bin/gharun --version
    same "$(find home -type f)" home/.local/bin/gharun
    PATH=$here/home/.local/bin:$PATH
    same "$(install | tail -n 1)" 'Try       gharun start local --rehearse'
}

install_takes_a_version_and_a_folder() {
    mkdir -p a
    install GHARUN_VERSION=1.2.2 "GHARUN_INSTALL_DIR=$here/a/b" | grep -q '^Fetched   gharun 1\.2\.2, '
    install GHARUN_VERSION=v1.2.3 "GHARUN_INSTALL_DIR=$here/a/b" | grep -q '^Fetched   gharun 1\.2\.3, '
    install GHARUN_INSTALL_DIR=a/b GHARUN_VERSION=latest | grep -q "^Installed $here/a/b/gharun\$"
    same "$(find a -type f)" a/b/gharun
    refused 'GHARUN_VERSION must be a version' install GHARUN_VERSION=../x
    refused 'could not fetch' install GHARUN_VERSION=9.9.9
    grep -q "the releases are listed at http://127.0.0.1:$port" "$scratch/said"
}

install_refuses_what_does_not_have_its_hash() {
    install
    cp -R "$scratch/releases" releases
    for target in $targets; do program "$target" gharun && tar -czf "$scratch/releases/latest/download/gharun-$target.tar.gz" gharun; done
    echo old >home/.local/bin/gharun
    code=0
    refused 'does not match SHA256SUMS, so it was not installed' install || code=1
    sed -i.bak 's/-linux-/-other-/' "$scratch/releases/latest/download/SHA256SUMS"
    refused 'this release has no hash of' install || code=1
    rm -rf "$scratch/releases"
    cp -R releases "$scratch/releases"
    same "$(find home -type f) $(cat home/.local/bin/gharun)" 'home/.local/bin/gharun old'
    return $code
}

install_refuses_a_download_that_was_cut_off() {
    url=http://127.0.0.1:$port/cut
    refused 'could not fetch' install
    programs wget
    refused 'wget' install
    same "$(find home -type f)" ''
}

install_does_nothing_if_it_was_cut_off_itself() {
    lines=$(($(wc -l <"$top/install.sh")))
    for kept in $(seq 10 7 $((lines - 1))) $((lines - 1)); do
        head -n "$kept" "$top/install.sh" >cut.sh
        # A shell may call half a function an error.
        HOME=$here/home GHARUN_RELEASES_URL=http://127.0.0.1:$port sh cut.sh >said 2>&1 || true
    done
    [ ! -e home ]
}

install_works_with_wget_alone() {
    programs wget
    install
    rm -r home
    ln -s "$(command -v busybox)" busybox
    programs
    ln -s "$here/busybox" "$path/wget"
    install
    programs
    refused 'curl or wget must be installed' install
    programs curl
    rm "$path/sha256sum"
    ln -s "$(command -v openssl)" "$path/openssl"
    install
    rm "$path/openssl"
    refused 'sha256sum, shasum or openssl must be installed' install
}

install_says_where_it_may_not_write() {
    : >file
    refused "could not write to $here/file/bin" install "GHARUN_INSTALL_DIR=$here/file/bin"
    grep -q 'set GHARUN_INSTALL_DIR to a folder of yours' "$scratch/said"
    mkdir closed
    chmod 555 closed
    if [ "$(id -u)" != 0 ]; then
        refused "could not write to $here/closed" install "GHARUN_INSTALL_DIR=$here/closed"
    elif have setpriv; then
        chmod 755 "$scratch" "$here"
        refused "could not write to $here/closed" setpriv --reuid 65534 --clear-groups env "HOME=$here/home" \
            "GHARUN_INSTALL_DIR=$here/closed" "GHARUN_RELEASES_URL=http://127.0.0.1:$port" sh "$top/install.sh"
    fi
    same "$(find closed)" closed
}

install_finds_what_this_computer_is() {
    programs curl
    finds() {
        pretend uname "$1"
        [ -z "$2" ] || pretend ldd "$2"
        # `uname -s` and `uname -m` get one answer each.
        printf '#!/bin/sh\ncase $1 in -s) echo %s ;; *) echo %s ;; esac\n' "${1% *}" "${1#* }" >"$path/uname"
        install >said
        same "$(head -n 1 said)" "Fetched   gharun 1.2.3, $3, and checked its hash"
    }
    old='ldd (GNU libc) 2.17'
    finds 'Darwin arm64' '' aarch64-apple-darwin
    finds 'Darwin x86_64' '' x86_64-apple-darwin
    finds 'Linux aarch64' "$old" aarch64-unknown-linux-musl
    finds 'Linux x86_64' "$old" x86_64-unknown-linux-musl
    finds 'Linux x86_64' 'ldd (GNU libc) 2.27' x86_64-unknown-linux-musl
    finds 'Linux x86_64' 'musl libc (x86_64)
Version 1.2.5' x86_64-unknown-linux-musl
    finds 'Linux x86_64' 'ldd: no such option' x86_64-unknown-linux-musl
    # As Debian, Ubuntu, RHEL 8 and the others say it; where the loader is there.
    if [ "$(uname -m)" = x86_64 ]; then
        for new in 'ldd (GNU libc) 2.28' 'ldd (Ubuntu GLIBC 2.31-0ubuntu9.17) 2.31' 'ldd (Debian GLIBC 2.36-9+deb12u13) 2.36'; do
            finds 'Linux x86_64' "$new" x86_64-unknown-linux-gnu
        done
    fi
    pretend sysctl 1
    finds 'Darwin x86_64' '' aarch64-apple-darwin
    pretend uname FreeBSD
    refused 'gharun has no binary for FreeBSD on FreeBSD' install
    grep -q 'cargo install --locked gharun' "$scratch/said"
    printf '#!/bin/sh\ncase $1 in -s) echo Linux ;; *) echo aarch64 ;; esac\n' >"$path/uname"
    pretend getconf 32
    refused 'for Linux on aarch64 with a system of 32 bits' install
}

install_keeps_the_old_one_if_the_new_one_does_not_run() {
    install
    mkdir -p "gharun-$(here_is)"
    printf '#!/bin/sh\nexit 1\n' >"gharun-$(here_is)/gharun"
    cp -R "$scratch/releases" releases
    cd "$scratch/releases/latest/download"
    tar -C "$here" -czf "gharun-$(here_is).tar.gz" "gharun-$(here_is)"
    sha256sum gharun-*.tar.gz >SHA256SUMS
    cd "$here"
    code=0
    refused 'does not run on this computer' install || code=1
    rm -rf "$scratch/releases"
    cp -R releases "$scratch/releases"
    same "$(find home -type f)" home/.local/bin/gharun
    home/.local/bin/gharun --version
    return $code
}

install_fetches_by_https_alone() {
    for url in http://github.example ftp://127.0.0.1 http://127.0.0.1.example 127.0.0.1; do
        refused 'must begin with https://' install
    done
    [ ! -e home ]
}

# --- Debian, old and new -------------------------------------------------------------------------

# Where roots are kept, and what they are.
roots=${CARGO_TARGET_DIR:-$top/target}/roots
suites='bullseye trixie'

# Makes the root of a suite, once: unpacked and not configured, which is all that a script needs.
make_root() {
    rm -rf "$roots/$1.new"
    debootstrap --foreign --variant=minbase "$1" "$roots/$1.new" >"$roots/$1.log" 2>&1 && mv "$roots/$1.new" "$roots/$1"
}

# Runs a command in a root, with /proc for its time where that is allowed: `inside ROOT COMMAND…`.
inside() {
    root=$1
    shift
    set -- chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/tmp/home "GHARUN_RELEASES_URL=http://127.0.0.1:$port" "$@"
    if unshare --mount mount -t proc proc "$root/proc" 2>/dev/null; then
        unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec "$@"' "$root" "$@"
    else
        "$@"
    fi
}

# Installs in the root of a suite, and rehearses the archive that the caller has.
in_debian() {
    root=$roots/$1
    rm -rf "$root/tmp/home"
    # Which needs no libraries, and is the one way to fetch there.
    mkdir -p "$root/usr/local/bin"
    cp "$(command -v busybox)" "$root/usr/local/bin/wget"
    # In a container debootstrap makes it a link to itself.
    [ ! -L "$root/proc" ] || { rm "$root/proc" && mkdir "$root/proc"; }
    # What configuring would have made: a rehearsal looks its user up.
    for file in passwd group; do
        [ -e "$root/etc/$file" ] || cp "$root/usr/share/base-passwd/$file.master" "$root/etc/$file"
    done
    inside "$root" /bin/sh <"$top/install.sh" >said
    cat said
    grep -q "^Fetched   gharun 1.2.3, $(here_is), and checked its hash\$" said
    grep -q '^Installed /tmp/home/.local/bin/gharun$' said
    [ -z "$archive" ] || {
        cp "$archive" "$top/scripts/release/smoke" "$root/tmp/"
        inside "$root" /bin/sh /tmp/smoke "/tmp/$(basename "$archive")"
    }
}
install_works_in_debian_bullseye() { in_debian bullseye; }
install_works_in_debian_trixie() { in_debian trixie; }

# --- All of it -----------------------------------------------------------------------------------

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

debian=
if [ "$(id -u)" != 0 ] || ! have debootstrap; then
    say "skipped: install.sh in roots of Debian ($suites): root and debootstrap are needed"
elif ! mkdir -p "$roots"; then
    say "skipped: install.sh in roots of Debian ($suites): $roots cannot be made"
else
    debian=1
    # Beside the other tests, since they are fetched.
    for suite in $suites; do
        [ -d "$roots/$suite" ] || { make_root "$suite" & makers="$makers $!"; }
    done
fi

it an_owner_is_written_everywhere_and_once
it the_targets_are_the_same_everywhere
it workflows_take_the_least
it the_form_for_a_fault_asks_for_what_is_needed
it messages_are_plain_english
it documents_link_to_what_is_there
it a_build_knows_its_commit_wherever_it_comes_from
it a_release_is_refused_until_all_is_ready
it a_release_is_refused_before_there_is_an_owner
it notes_are_one_section
it the_same_files_make_the_same_archive
it a_binary_that_needs_too_much_is_refused
it sums_are_of_all_archives
it the_tagged_commit_adds_hashes_and_nothing_else
it a_tag_that_changes_more_is_refused
it a_commit_without_hashes_offers_cargo
it a_release_is_a_draft_first_and_public_last
it a_release_of_other_files_is_refused

releases "$scratch/releases"
python3 tests/release/server.py "$scratch/releases" >"$scratch/port" &
server=$!
tries=100
while [ ! -s "$scratch/port" ] && [ "$tries" -gt 0 ] && kill -0 "$server"; do tries=$((tries - 1)); sleep 0.1; done
port=$(cat "$scratch/port")
it install_says_what_it_did_in_three_lines
it install_takes_a_version_and_a_folder
it install_refuses_what_does_not_have_its_hash
it install_refuses_a_download_that_was_cut_off
it install_does_nothing_if_it_was_cut_off_itself
it install_works_with_wget_alone
it install_says_where_it_may_not_write
it install_finds_what_this_computer_is
it install_keeps_the_old_one_if_the_new_one_does_not_run
it install_fetches_by_https_alone
if [ -n "$debian" ]; then
    for maker in $makers; do wait "$maker"; done # whether it did stands in its folder
    makers=
    for suite in $suites; do
        if [ -d "$roots/$suite" ]; then
            it "install_works_in_debian_$suite"
        else
            say "skipped: install.sh in a root of Debian $suite: debootstrap ended with: $(tail -n 1 "$roots/$suite.log")"
        fi
    done
fi

# In the form of cargo's, so that tests/run adds it up.
if [ "$failed" = 0 ]; then result=ok; else result=FAILED; fi
say "test result: $result. $passed passed; $failed failed; 0 ignored"
[ "$failed" = 0 ]

# What is looked at before a release, and the files of one. Sourced by tests/release.sh, whose helpers its tests use.
# shellcheck shell=sh disable=SC2016,SC2030,SC2031,SC2034,SC2154,SC2164 # helpers are there, and `set -e` holds

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

a_release_is_refused_whose_documents_name_a_tag_that_it_does_not_move() {
    releasable "$here/tree"
    cd tree
    PATH=$bin:$PATH
    scripts/release/check 1.2.3
    for tag in v0 v10 v1.2.2; do
        name_the_action "$tag" .
        git commit --quiet --all --message=x
        refused "not all documents name the action \`acme/gharun@v1\`, the tag that this release moves:" scripts/release/check 1.2.3
        for place in README.md docs/migrate.md examples/sweep.yml; do grep -q "^$place:[0-9]*:.*acme/gharun@$tag" "$scratch/said"; done
        name_the_action v1 .
        git commit --quiet --all --message=x
    done
    # One to try moves no tag.
    sed -i.bak 's/^version = "1.2.3"$/version = "2.0.0-rc.1"/; s/^## \[1.2.3\]/## [2.0.0-rc.1]/' Cargo.toml CHANGELOG.md
    rm Cargo.toml.bak CHANGELOG.md.bak
    git commit --quiet --all --message=x
    scripts/release/check 2.0.0-rc.1
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
    printf 'no binary\n' >"$here/text"
    for target in x86_64-unknown-linux-gnu x86_64-unknown-linux-musl; do
        refused 'could not look into the binary' scripts/release/needs "$target" "$here/text"
    done
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


it a_release_is_refused_until_all_is_ready
it a_release_is_refused_whose_documents_name_a_tag_that_it_does_not_move
it a_release_is_refused_before_there_is_an_owner
it notes_are_one_section
it the_same_files_make_the_same_archive
it a_binary_that_needs_too_much_is_refused
it sums_are_of_all_archives

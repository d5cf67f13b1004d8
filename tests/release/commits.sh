# The two commits of a release, and publishing. Sourced by tests/release.sh, whose helpers its tests use.
# shellcheck shell=sh disable=SC2016,SC2030,SC2031,SC2034,SC2154,SC2164 # helpers are there, and `set -e` holds

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
    grep -q -- "--draft --title .*$here/dist/gharun-aarch64-apple-darwin.tar.gz .*/install.sh .*/SHA256SUMS\$" "$GH_LOG"
    grep -q 'release edit v1.2.3 --draft=false --latest$' "$GH_LOG"
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

a_mend_of_an_older_version_is_not_the_latest() {
    ready
    before=$(git rev-parse HEAD)
    git push --quiet "$GHARUN_REMOTE" "$before:refs/tags/v1.10.0" "$before:refs/tags/v1" "$before:refs/tags/v2.0.0-rc.1"
    scripts/release/publish 1.2.3 "$b"
    grep -q 'release edit v1.2.3 --draft=false --latest=false$' "$GH_LOG"
    same "$(git -C "$GHARUN_REMOTE" rev-parse v1.2.3 v1)" "$(printf '%s\n%s' "$b" "$before")"
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


it the_tagged_commit_adds_hashes_and_nothing_else
it a_tag_that_changes_more_is_refused
it a_commit_without_hashes_offers_cargo
it a_release_is_a_draft_first_and_public_last
it a_release_of_other_files_is_refused
it a_mend_of_an_older_version_is_not_the_latest

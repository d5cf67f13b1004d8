# The owner, the targets, the workflows, the documents, and what a build says of itself. Sourced by tests/release.sh, whose helpers its tests use.
# shellcheck shell=sh disable=SC2016,SC2030,SC2031,SC2034,SC2154,SC2164 # helpers are there, and `set -e` holds

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

# The scripts of workflows, those of several lines, too.
scripts_of() {
    awk 'FNR == 1 { on = 0 }
        { match($0, /^ */); indent = RLENGTH }
        on && $0 !~ /^ *$/ && indent <= at { on = 0 }
        on { print }
        /^ *(- )?run:/ { print; at = index($0, "run:") - 1; on = 1 }' "$@"
}

workflows_take_the_least() {
    cd "$top/.github/workflows"
    grep -q '^permissions: {}$' release.yml
    # By hash, with the version beside it.
    same "$(grep -h 'uses:' ./*.yml | grep -Ev 'uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$' || true)" ''
    # What a person or a branch can choose comes in through the environment.
    same "$(scripts_of ./*.yml | grep '\${{' || true)" ''
    printf 'jobs:\n  x:\n    steps:\n      - run: |\n          a\n\n          ${{ b }}\n        env: ${{ c }}\n      - run: ${{ d }}\n' >"$here/x.yml"
    same "$(scripts_of "$here/x.yml" | grep -c '\${{')" 2
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
    same "$(grep -hE '^ *(die|say|printf|[^#]*\|\| *die) |^ +["'"'"']' install.sh scripts/release/[a-z]* scripts/action/run | grep -iF -f "$here/strange" || true)" ''
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


it an_owner_is_written_everywhere_and_once
it the_targets_are_the_same_everywhere
it workflows_take_the_least
it the_form_for_a_fault_asks_for_what_is_needed
it messages_are_plain_english
it documents_link_to_what_is_there
it a_build_knows_its_commit_wherever_it_comes_from

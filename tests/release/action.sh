# The script of the action, with releases on loopback and a stand-in for gh. Sourced by tests/release.sh, whose helpers its tests use.
# shellcheck shell=sh disable=SC2016,SC2030,SC2031,SC2034,SC2154,SC2164 # helpers are there, and `set -e` holds

# The action as it is checked out at the tag of version 1.2.3: `tagged`. Sets `$action`.
tagged() {
    action=$here/action
    mkdir -p "$action/scripts" "$here/temp"
    cp -R "$top/scripts/action" "$top/scripts/release" "$action/scripts/"
    cp "$top/action.yml" "$top/install.sh" "$top/Cargo.toml" "$action/"
    sed 's/^version = ".*"$/version = "1.2.3"/' "$top/Cargo.toml" >"$action/Cargo.toml"
    {
        printf '{\n  "version": "1.2.3",\n  "built_from": "0",\n  "sha256": {\n'
        sed -n 's/^\([0-9a-f]*\) [ *]\(.*\)$/    "\2": "\1",/p' "$scratch/releases/download/v1.2.3/SHA256SUMS" | sed '$s/,$//'
        printf '  }\n}\n'
    } >"$action/scripts/release/known.json"
}

# Runs the script as action.yml has it, in a folder of the workspace: `step INPUTS [NAME=VALUE…]`. The program there is a
# shell script that says its version and what it was given.
step() {
    inputs=$1
    shift
    mkdir -p "$here/workspace"
    (cd "$here/workspace" && exec env "GITHUB_ACTION_PATH=$action" "GHARUN_ACTION_INPUTS=$inputs" "GHARUN_RELEASES_URL=${url:-http://127.0.0.1:$port}" \
        "RUNNER_TOOL_CACHE=$here/tools" "RUNNER_TEMP=$here/temp" RUNNER_OS=Linux "GHARUN_ACTION_REPOSITORY=acme/gharun" \
        GHARUN_ACTION_GITHUB_TOKEN=hush "PATH=${path:-$PATH}" "$@" \
        bash --noprofile --norc -p -e -c 'echo "$$" >"$0" && exec bash --noprofile --norc -p "$GITHUB_ACTION_PATH/scripts/action/run"' "$here/process")
}

# A folder with a stand-in for gh before all others, in `$path`; it ends with what `$GH_STATUS` says.
with_gh() {
    mkdir -p "$here/bin"
    printf '#!/bin/sh\necho "$* with ${GH_TOKEN:-none}" >>"%s"\ncase "$*" in *--help) exit "${GH_HELP:-0}" ;; esac\necho "no attestation" >&2\nexit "${GH_STATUS:-0}"\n' "$here/asked" >"$here/bin/gh"
    chmod +x "$here/bin/gh"
    path=$here/bin:$PATH
}

the_action_runs_the_version_of_its_commit_and_fetches_it_once() {
    tagged
    same "$(step '{ "version": "", "count": "2" }')" "gharun 1.2.3 ($(here_is), commit 0123456789ab)"
    # Nothing is asked of anybody: no server is at that port.
    url=http://127.0.0.1:1
    same "$(step '{}' | cut -d ' ' -f 1,2)" 'gharun 1.2.3'
    same "$(step '{"version":"latest-known"}' | cut -d ' ' -f 1,2)" 'gharun 1.2.3'
    # No text within an input is taken for the version.
    same "$(step '{ "args": "x, \"version\": \"9.9.9\"", "set": "{\"version\": \"9.9.9\"" }' | cut -d ' ' -f 1,2)" 'gharun 1.2.3'
}

the_action_refuses_what_does_not_have_the_hash_of_its_commit() {
    tagged
    archive=gharun-$(here_is).tar.gz
    sum=$(sed -n "s/.*\"$archive\": \"\\(.*\\)\".*/\\1/p" "$action/scripts/release/known.json")
    sed -i.bak "s/$sum/$(printf %064d 0)/" "$action/scripts/release/known.json"
    refused 'does not have the hash that it must have' step '{}'
    # A job that was here before has put another one into the cache: it is fetched again.
    mv "$action/scripts/release/known.json.bak" "$action/scripts/release/known.json"
    cache=tools/gharun/1.2.3/$(here_is)
    mkdir -p "$cache"
    echo evil >"$cache/$archive"
    same "$(step '{}' | cut -d ' ' -f 1,2)" 'gharun 1.2.3'
    same "$(sha256sum <"$cache/$archive" | cut -d ' ' -f 1)" "$sum"
}

# Makes an archive whose program says `evil`: `evil FILE`.
evil() {
    mkdir -p "evil/gharun-$(here_is)"
    printf '#!/bin/sh\necho evil\n' >"evil/gharun-$(here_is)/gharun"
    chmod 755 "evil/gharun-$(here_is)/gharun"
    tar -C evil -czf "$1" "gharun-$(here_is)"
}

no_hash_is_taken_from_the_cache_that_a_job_may_have_written_to() {
    tagged
    archive=gharun-$(here_is).tar.gz
    cache=tools/gharun/1.2.2/$(here_is)
    mkdir -p "$cache"
    evil "$cache/$archive"
    (cd "$cache" && sha256sum "$archive" >SHA256SUMS)
    same "$(step '{"version": "1.2.2"}' | cut -d ' ' -f 1,2)" 'gharun 1.2.2'
}

what_is_unpacked_is_what_was_hashed_whatever_becomes_of_the_cache() {
    tagged
    step '{}' >/dev/null
    evil evil.tar.gz
    # Another job of this computer writes to the cache as soon as the hash was made.
    mkdir bin
    printf '#!/bin/sh\n%s "$@"\nstatus=$?\ncp %s %s\nexit "$status"\n' "$(command -v sha256sum)" "$here/evil.tar.gz" \
        "$here/tools/gharun/1.2.3/$(here_is)/gharun-$(here_is).tar.gz" >bin/sha256sum
    chmod +x bin/sha256sum
    path=$here/bin:$PATH
    same "$(step '{}' | cut -d ' ' -f 1,2)" 'gharun 1.2.3'
    # That copy is refused, and replaced.
    path=
    same "$(step '{}' | cut -d ' ' -f 1,2)" 'gharun 1.2.3'
    same "$(find tools -name '.gharun.*')" ''
}

a_server_that_is_busy_is_asked_again() {
    tagged
    url=http://127.0.0.1:$port/busy
    same "$(step '{"version": "1.2.2"}' | cut -d ' ' -f 1,2)" 'gharun 1.2.2'
}

a_cache_that_cannot_be_written_to_changes_nothing() {
    tagged
    # Not even root can make a folder below a file.
    echo >tools
    same "$(step '{}' | cut -d ' ' -f 1,2)" 'gharun 1.2.3'
    rm tools
    same "$(step '{}' RUNNER_TOOL_CACHE= | cut -d ' ' -f 1,2)" 'gharun 1.2.3'
    [ ! -e tools ]
}

a_commit_without_hashes_says_so_and_offers_to_build_it() {
    tagged
    rm "$action/scripts/release/known.json"
    refused '::error title=gharun::this commit has no hashes of a release%0Ahint: use a tag, such as acme/gharun@v1.2.3, or the commit that it names%0Ahint: or build it: cargo install --locked --git https://github.com/acme/gharun' step '{}'
}

another_version_is_held_against_its_sums_and_by_gh() {
    tagged
    same "$(step '{"version": "v1.2.2"}' | cut -d ' ' -f 1,2)" 'gharun 1.2.2'
    # The archive is cached, and its hash is not.
    url=http://127.0.0.1:1
    refused 'SHA256SUMS' step '{"version": "1.2.2"}'
    url=
    with_gh
    same "$(step '{"version": "1.2.2"}' | cut -d ' ' -f 1,2)" 'gharun 1.2.2'
    grep -q '^release verify-asset v1.2.2 .*/SHA256SUMS --repo acme/gharun with hush$' asked
    rm -rf tools
    refused 'gh could not verify that SHA256SUMS is of the release v1.2.2 of acme/gharun: no attestation' step '{"version": "1.2.2"}' GH_STATUS=1
    same "$(step '{"version": "1.2.2"}' GH_HELP=1 2>said | cut -d ' ' -f 1,2)" 'gharun 1.2.2'
    grep -q '^::notice title=gharun::gh is too old' said
    rm -rf tools
    same "$(step '{"version": "1.2.2"}' GH_STATUS=1 GITHUB_SERVER_URL=https://ghes.example 2>said | cut -d ' ' -f 1,2)" 'gharun 1.2.2'
    grep -q '^::notice title=gharun::gh has no token' said
    refused 'must be a version' step '{"version": "../x"}'
    refused 'could not fetch' step '{"version": "9.9.9"}'
}

the_action_takes_nothing_from_files_and_functions_of_the_job() {
    tagged
    printf 'echo read >>"%s"\n' "$here/read" >rc
    # A function that a job exports, and files that shells read.
    hostile='() { echo called >>"'"$here/read"'"; }'
    step '{}' "BASH_ENV=$here/rc" "ENV=$here/rc" "BASH_FUNC_sed%%=$hostile" "BASH_FUNC_tar%%=$hostile" "BASH_FUNC_known%%=$hostile" CDPATH=/ >said
    grep -q '^gharun 1.2.3' said
    [ ! -e read ]
}

the_action_becomes_the_program_and_leaves_it_the_workspace() {
    tagged
    program=made/gharun-$(here_is)/gharun
    mkdir -p "made/gharun-$(here_is)"
    printf '#!/bin/sh\necho "$$ $* $PWD ${GHARUN_ACTION_GITHUB_TOKEN:-none} ${GHARUN_RELEASES_URL:-none}"\n' >"$program"
    chmod 755 "$program"
    archive=gharun-$(here_is).tar.gz
    cache=tools/gharun/1.2.3/$(here_is)
    mkdir -p "$cache"
    tar -C made -czf "$cache/$archive" "gharun-$(here_is)"
    sum=$(sed -n "s/.*\"$archive\": \"\\(.*\\)\".*/\\1/p" "$action/scripts/release/known.json")
    sed -i.bak "s/$sum/$(sha256sum <"$cache/$archive" | cut -d ' ' -f 1)/" "$action/scripts/release/known.json"
    step '{}' >said
    same "$(cat said)" "$(cat process) action $here/workspace none none"
    same "$(tail -n 1 "$top/scripts/action/run" | cut -d ' ' -f 1)" exec
}

the_action_says_where_it_cannot_run() {
    tagged
    refused '::error title=gharun::the action does not run on Windows' step '{}' RUNNER_OS=Windows
    refused 'must begin with https://' step '{}' GHARUN_RELEASES_URL=http://example.org
}

# What action.yml runs has no expression in it, and starts as it is tested here.
action_yml_starts_the_script_and_nothing_else() {
    cd "$top"
    same "$(grep -E '^ *(run|shell):' action.yml)" '      shell: bash --noprofile --norc -p -e {0}
      run: exec bash --noprofile --norc -p "$GITHUB_ACTION_PATH/scripts/action/run"'
    same "$(grep -c 'GHARUN_ACTION_INPUTS: ${{ toJSON(inputs) }}' action.yml)" 1
    same "$(grep -F '${{ inputs.' action.yml || true)" ''
}

it the_action_runs_the_version_of_its_commit_and_fetches_it_once
it the_action_refuses_what_does_not_have_the_hash_of_its_commit
it no_hash_is_taken_from_the_cache_that_a_job_may_have_written_to
it what_is_unpacked_is_what_was_hashed_whatever_becomes_of_the_cache
it a_server_that_is_busy_is_asked_again
it a_cache_that_cannot_be_written_to_changes_nothing
it a_commit_without_hashes_says_so_and_offers_to_build_it
it another_version_is_held_against_its_sums_and_by_gh
it the_action_takes_nothing_from_files_and_functions_of_the_job
it the_action_becomes_the_program_and_leaves_it_the_workspace
it the_action_says_where_it_cannot_run
it action_yml_starts_the_script_and_nothing_else

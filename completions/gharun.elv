
use builtin;
use str;

set edit:completion:arg-completer[gharun] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'gharun'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'gharun'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand start 'Rent machines, boot them into runners, and wait until they are online'
            cand stop 'Deregister runners, end their machines, and prove that they are gone'
            cand list 'Show every machine and registration with a verdict'
            cand providers 'Show, check, explain and write the settings of providers'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gharun;start'= {
            cand --count 'How many runners to start [default: 1]'
            cand --label 'An extra label; the unique name is always one (repeatable)'
            cand --set 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)'
            cand --timeout 'How long the whole start may take, waiting for room included [default: 15m]'
            cand --lifetime 'How long a machine may live; then it ends itself and is an orphan [default: 7h]'
            cand --idle-timeout 'How long a machine waits for a job before it ends itself; 0 is for ever [default: 30m]'
            cand --group 'A tag that pairs this start with its stop'
            cand --setup 'A shell script that runs on the machine before the runner'
            cand --runner-version 'The runner''s version; `latest` is the one that GitHub names for this scope [default: latest]'
            cand --registration 'How runners are registered: `jit`, or `token` for a GHES that has no just-in-time configurations [default: jit, and a token where a GHES has nothing else]'
            cand --poll-interval 'How often GitHub and the provider are asked while waiting [default: 2s]'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --allow-partial 'Keep those that came up when others failed'
            cand --keep-failed 'Leave a machine that failed, for inspection'
            cand --dry-run 'Print the plan and the boot script, touch nothing'
            cand --rehearse 'Play it through: a real machine, a stand-in for GitHub, one pretend job, and no token'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;stop'= {
            cand --mapping 'What `start` gave as the output `mapping`: JSON, a file, or - for standard input'
            cand --run 'What a workflow run started; without a value, this run'
            cand --group 'Only what a start with this --group made'
            cand --provider 'Look only at this provider (repeatable)'
            cand --set 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)'
            cand --older-than 'Leave alone whatever is younger than this, even past its own grace'
            cand --second-look 'How long an idle orphan is watched between its deregistration and its end [default: 60s]'
            cand --timeout 'How long to wait at most [default: 2m]'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --all 'Everything of this scope that is not busy'
            cand --orphans 'Machines that nobody will use again, registrations without a machine, stale records'
            cand --force 'Also end orphans that are busy'
            cand --wait 'Wait until every machine is proved gone (the default)'
            cand --no-wait 'Return as soon as every machine was asked to end'
            cand --dry-run 'Print what would be stopped, touch nothing'
            cand --yes 'Do not ask'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;list'= {
            cand --older-than 'Judge nothing that is younger than this to be an orphan, even past its own grace'
            cand --provider 'Look only at this provider (repeatable)'
            cand --set 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --orphans 'Only what `stop --orphans` would act on'
            cand --all-scopes 'Leave out nothing: machines of other scopes and servers too'
            cand --no-github 'Do not ask GitHub'
            cand --watch 'Show the list again and again until interrupted'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand list 'Show kinds and configured tables, with where each setting came from'
            cand check 'Check credentials, place, permissions and the GitHub token, changing nothing'
            cand show 'Show every setting of a kind: type, default, meaning'
            cand init 'Ask, and write providers.toml'
            cand offers 'Show machine types with live price and stock, cheapest first'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gharun;providers;list'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;check'= {
            cand --set 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;show'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;init'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;offers'= {
            cand --set 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'Colour what is written for people'
            cand --repo 'The repository that runners are registered with'
            cand --org 'The organization that runners are registered with'
            cand --enterprise 'The enterprise that runners are registered with'
            cand --runner-group 'The runner group of new runners, by its name or its number'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Say more on standard error; repeat for still more'
            cand --verbose 'Say more on standard error; repeat for still more'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;help'= {
            cand list 'Show kinds and configured tables, with where each setting came from'
            cand check 'Check credentials, place, permissions and the GitHub token, changing nothing'
            cand show 'Show every setting of a kind: type, default, meaning'
            cand init 'Ask, and write providers.toml'
            cand offers 'Show machine types with live price and stock, cheapest first'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gharun;providers;help;list'= {
        }
        &'gharun;providers;help;check'= {
        }
        &'gharun;providers;help;show'= {
        }
        &'gharun;providers;help;init'= {
        }
        &'gharun;providers;help;offers'= {
        }
        &'gharun;providers;help;help'= {
        }
        &'gharun;help'= {
            cand start 'Rent machines, boot them into runners, and wait until they are online'
            cand stop 'Deregister runners, end their machines, and prove that they are gone'
            cand list 'Show every machine and registration with a verdict'
            cand providers 'Show, check, explain and write the settings of providers'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gharun;help;start'= {
        }
        &'gharun;help;stop'= {
        }
        &'gharun;help;list'= {
        }
        &'gharun;help;providers'= {
            cand list 'Show kinds and configured tables, with where each setting came from'
            cand check 'Check credentials, place, permissions and the GitHub token, changing nothing'
            cand show 'Show every setting of a kind: type, default, meaning'
            cand init 'Ask, and write providers.toml'
            cand offers 'Show machine types with live price and stock, cheapest first'
        }
        &'gharun;help;providers;list'= {
        }
        &'gharun;help;providers;check'= {
        }
        &'gharun;help;providers;show'= {
        }
        &'gharun;help;providers;init'= {
        }
        &'gharun;help;providers;offers'= {
        }
        &'gharun;help;help'= {
        }
    ]
    $completions[$command]
}

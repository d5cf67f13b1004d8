
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
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand start 'Rent machines, boot them into runners, and wait until they are online'
            cand stop 'Deregister runners, end their machines, and confirm that they are gone'
            cand list 'Show every machine and registration with a verdict'
            cand providers 'Show, check, explain and write the settings of providers'
            cand explain 'Say more about a hint: its cause, and what to do'
            cand workflow 'Print a whole workflow that starts runners, uses them and stops them'
            cand __complete 'Tell a shell what may follow'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gharun;start'= {
            cand --count 'How many runners to start [default: 1]'
            cand --label 'An extra label; the unique name is always one (repeatable)'
            cand --set 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)'
            cand --timeout 'How long the whole start may take, including the wait for capacity [default: 15m]'
            cand --lifetime 'How long a machine may live before it ends itself and counts as an orphan [default: 7h]'
            cand --idle-timeout 'How long a machine waits for a job before it ends itself; 0 means no limit [default: 30m]'
            cand --group 'A tag that pairs this start with its stop'
            cand --setup 'A shell script that runs on the machine before the runner'
            cand --runner-version 'The runner''s version; `latest` is the one that GitHub offers for this scope [default: latest]'
            cand --registration 'How runners are registered: `jit`, or `token` for a GHES without just-in-time configurations [default: jit, or token where a GHES supports nothing else]'
            cand --poll-interval 'How often GitHub and the provider are asked while waiting; at first up to four times as often [default: 2s]'
            cand --dry-run 'Print the plan with its prices, change nothing; `=script` adds the boot script'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --allow-partial 'Keep the runners that came up when others fail'
            cand --keep-failed 'Keep the machine of a failed runner, for inspection'
            cand --rehearse 'Run end to end with a real machine, a stub GitHub and one test job, without a token'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;stop'= {
            cand --mapping 'The output `mapping` of `start`: JSON, a file, or - for standard input'
            cand --run 'What a workflow run started; without a value, this run'
            cand --group 'Only what a start with this --group created'
            cand --provider 'Only this provider (repeatable)'
            cand --set 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)'
            cand --older-than 'Keep whatever is younger than this, even past its own grace'
            cand --second-look 'How long an idle orphan is watched between its deregistration and its end [default: 60s]'
            cand --timeout 'How long to wait [default: 2m]'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --all 'Everything of this scope that is not busy'
            cand --orphans 'Machines that will not be used again, registrations without a machine, stale records'
            cand --force 'Also end orphans that are busy; for a machine that is named, also forget it where its provider can no longer tell'
            cand --wait 'Wait until every machine is confirmed gone (the default)'
            cand --no-wait 'Return as soon as every machine was asked to end'
            cand --dry-run 'Print what would be stopped, change nothing'
            cand --yes 'Do not ask for confirmation'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;list'= {
            cand --older-than 'Treat nothing younger than this as an orphan, even past its own grace'
            cand --provider 'Only this provider (repeatable)'
            cand --set 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)'
            cand --columns 'Show only these columns, in this order, with commas between: verdict, runner, provider, age, ends-in, cost, machine, state, github, rented, price, scope, run, why'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --orphans 'Only what `stop --orphans` would act on'
            cand --all-scopes 'Include machines of other scopes and servers'
            cand --no-github 'Do not ask GitHub'
            cand --watch 'Refresh the list until interrupted; with `--output json`, one document per line'
            cand --wide 'Show all columns on a terminal, whatever its width'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand list 'Show kinds and configured tables, with where each setting came from'
            cand check 'Check credentials, location, permissions and the GitHub token, changing nothing'
            cand show 'Show every setting of a kind: type, default, meaning'
            cand init 'Write providers.toml, or add to it: looks around, and asks what it could not find'
            cand trust 'Trust a providers.toml that gharun finds in the current folder, as it is now'
            cand offers 'Show machine types with live price and stock, cheapest first'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gharun;providers;list'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;check'= {
            cand --set 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;show'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;init'= {
            cand --set 'A setting of a new table; NAME.KEY=VALUE for one of several (repeatable)'
            cand --file 'The file [default: the one that --config names, else ./providers.toml]'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --print 'Print the file to standard output, write nothing'
            cand --yes 'Ask nothing'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;trust'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;offers'= {
            cand --set 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)'
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;providers;help'= {
            cand list 'Show kinds and configured tables, with where each setting came from'
            cand check 'Check credentials, location, permissions and the GitHub token, changing nothing'
            cand show 'Show every setting of a kind: type, default, meaning'
            cand init 'Write providers.toml, or add to it: looks around, and asks what it could not find'
            cand trust 'Trust a providers.toml that gharun finds in the current folder, as it is now'
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
        &'gharun;providers;help;trust'= {
        }
        &'gharun;providers;help;offers'= {
        }
        &'gharun;providers;help;help'= {
        }
        &'gharun;explain'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;workflow'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;__complete'= {
            cand --config 'Read settings from this file'
            cand --state 'Keep the record of machines in this file'
            cand --output 'How results are written to standard output'
            cand --color 'When to use colors'
            cand --repo 'The repository to register runners with'
            cand --org 'The organization to register runners with'
            cand --enterprise 'The enterprise to register runners with'
            cand --runner-group 'The runner group of new runners, by name or ID'
            cand --no-state 'Keep no record of machines on this computer'
            cand -v 'Print more on standard error (repeatable)'
            cand --verbose 'Print more on standard error (repeatable)'
            cand -q 'Print errors only'
            cand --quiet 'Print errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'gharun;help'= {
            cand start 'Rent machines, boot them into runners, and wait until they are online'
            cand stop 'Deregister runners, end their machines, and confirm that they are gone'
            cand list 'Show every machine and registration with a verdict'
            cand providers 'Show, check, explain and write the settings of providers'
            cand explain 'Say more about a hint: its cause, and what to do'
            cand workflow 'Print a whole workflow that starts runners, uses them and stops them'
            cand __complete 'Tell a shell what may follow'
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
            cand check 'Check credentials, location, permissions and the GitHub token, changing nothing'
            cand show 'Show every setting of a kind: type, default, meaning'
            cand init 'Write providers.toml, or add to it: looks around, and asks what it could not find'
            cand trust 'Trust a providers.toml that gharun finds in the current folder, as it is now'
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
        &'gharun;help;providers;trust'= {
        }
        &'gharun;help;providers;offers'= {
        }
        &'gharun;help;explain'= {
        }
        &'gharun;help;workflow'= {
        }
        &'gharun;help;__complete'= {
        }
        &'gharun;help;help'= {
        }
    ]
    $completions[$command]
}

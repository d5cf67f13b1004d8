# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_gharun_global_optspecs
    string join \n config= state= no-state output= v/verbose q/quiet color= repo= org= enterprise= runner-group= h/help V/version
end

function __fish_gharun_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_gharun_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_gharun_using_subcommand
    set -l cmd (__fish_gharun_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c gharun -n "__fish_gharun_needs_command" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_needs_command" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_needs_command" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_needs_command" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_needs_command" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_needs_command" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_needs_command" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_needs_command" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_needs_command" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_needs_command" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_needs_command" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_needs_command" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_needs_command" -f -a "start" -d 'Rent machines, boot them into runners, and wait until they are online'
complete -c gharun -n "__fish_gharun_needs_command" -f -a "stop" -d 'Deregister runners, end their machines, and confirm that they are gone'
complete -c gharun -n "__fish_gharun_needs_command" -f -a "list" -d 'Show every machine and registration with a verdict'
complete -c gharun -n "__fish_gharun_needs_command" -f -a "providers" -d 'Show, check, explain and write the settings of providers'
complete -c gharun -n "__fish_gharun_needs_command" -f -a "explain" -d 'Say more about a hint: its cause, and what to do'
complete -c gharun -n "__fish_gharun_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gharun -n "__fish_gharun_using_subcommand start" -l count -d 'How many runners to start [default: 1]' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l label -d 'An extra label; the unique name is always one (repeatable)' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l set -d 'Override a setting of the provider\'s table; NAME.KEY=VALUE for one of several (repeatable)' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l timeout -d 'How long the whole start may take, including the wait for capacity [default: 15m]' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l lifetime -d 'How long a machine may live before it ends itself and counts as an orphan [default: 7h]' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l idle-timeout -d 'How long a machine waits for a job before it ends itself; 0 means no limit [default: 30m]' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l group -d 'A tag that pairs this start with its stop' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l setup -d 'A shell script that runs on the machine before the runner' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand start" -l runner-version -d 'The runner\'s version; `latest` is the one that GitHub offers for this scope [default: latest]' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l registration -d 'How runners are registered: `jit`, or `token` for a GHES without just-in-time configurations [default: jit, or token where a GHES supports nothing else]' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l poll-interval -d 'How often GitHub and the provider are asked while waiting [default: 2s]' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l dry-run -d 'Print the plan with its prices, change nothing; `=script` adds the boot script' -r -f -a "plan\t'What would be started, where, and for how much'
script\t'The same with the boot script, secrets as `***`'"
complete -c gharun -n "__fish_gharun_using_subcommand start" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand start" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand start" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand start" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand start" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand start" -l allow-partial -d 'Keep the runners that came up when others fail'
complete -c gharun -n "__fish_gharun_using_subcommand start" -l keep-failed -d 'Keep the machine of a failed runner, for inspection'
complete -c gharun -n "__fish_gharun_using_subcommand start" -l rehearse -d 'Run end to end with a real machine, a stub GitHub and one test job, without a token'
complete -c gharun -n "__fish_gharun_using_subcommand start" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand start" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand start" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand start" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l mapping -d 'The output `mapping` of `start`: JSON, a file, or - for standard input' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l run -d 'What a workflow run started; without a value, this run' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l group -d 'Only what a start with this --group created' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l provider -d 'Only this provider (repeatable)' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l set -d 'Override a setting of the provider\'s table; NAME.KEY=VALUE for one of several (repeatable)' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l older-than -d 'Keep whatever is younger than this, even past its own grace' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l second-look -d 'How long an idle orphan is watched between its deregistration and its end [default: 60s]' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l timeout -d 'How long to wait [default: 2m]' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l all -d 'Everything of this scope that is not busy'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l orphans -d 'Machines that will not be used again, registrations without a machine, stale records'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l force -d 'Also end orphans that are busy; for a machine that is named, also forget it where its provider can no longer tell'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l wait -d 'Wait until every machine is confirmed gone (the default)'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l no-wait -d 'Return as soon as every machine was asked to end'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l dry-run -d 'Print what would be stopped, change nothing'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l yes -d 'Do not ask for confirmation'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand stop" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand list" -l older-than -d 'Treat nothing younger than this as an orphan, even past its own grace' -r
complete -c gharun -n "__fish_gharun_using_subcommand list" -l provider -d 'Only this provider (repeatable)' -r
complete -c gharun -n "__fish_gharun_using_subcommand list" -l set -d 'Override a setting of the provider\'s table; NAME.KEY=VALUE for one of several (repeatable)' -r
complete -c gharun -n "__fish_gharun_using_subcommand list" -l columns -d 'Show only these columns, in this order, with commas between: verdict, runner, provider, age, ends-in, cost, machine, state, github, rented, price, scope, run, why' -r
complete -c gharun -n "__fish_gharun_using_subcommand list" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand list" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand list" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand list" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand list" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand list" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand list" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand list" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand list" -l orphans -d 'Only what `stop --orphans` would act on'
complete -c gharun -n "__fish_gharun_using_subcommand list" -l all-scopes -d 'Include machines of other scopes and servers'
complete -c gharun -n "__fish_gharun_using_subcommand list" -l no-github -d 'Do not ask GitHub'
complete -c gharun -n "__fish_gharun_using_subcommand list" -l watch -d 'Refresh the list until interrupted; with `--output json`, one document per line'
complete -c gharun -n "__fish_gharun_using_subcommand list" -l wide -d 'Show all columns on a terminal, whatever its width'
complete -c gharun -n "__fish_gharun_using_subcommand list" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand list" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand list" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand list" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -f -a "list" -d 'Show kinds and configured tables, with where each setting came from'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -f -a "check" -d 'Check credentials, location, permissions and the GitHub token, changing nothing'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -f -a "show" -d 'Show every setting of a kind: type, default, meaning'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -f -a "init" -d 'Write providers.toml interactively'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -f -a "trust" -d 'Trust a providers.toml that gharun finds in the current folder, as it is now'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -f -a "offers" -d 'Show machine types with live price and stock, cheapest first'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and not __fish_seen_subcommand_from list check show init trust offers help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l set -d 'Override a setting of the provider\'s table; NAME.KEY=VALUE for one of several (repeatable)' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from init" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from trust" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l set -d 'Override a setting of the provider\'s table; NAME.KEY=VALUE for one of several (repeatable)' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from offers" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show kinds and configured tables, with where each setting came from'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check credentials, location, permissions and the GitHub token, changing nothing'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show every setting of a kind: type, default, meaning'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "init" -d 'Write providers.toml interactively'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "trust" -d 'Trust a providers.toml that gharun finds in the current folder, as it is now'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "offers" -d 'Show machine types with live price and stock, cheapest first'
complete -c gharun -n "__fish_gharun_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gharun -n "__fish_gharun_using_subcommand explain" -l config -d 'Read settings from this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand explain" -l state -d 'Keep the record of machines in this file' -r -F
complete -c gharun -n "__fish_gharun_using_subcommand explain" -l output -d 'How results are written to standard output' -r -f -a "text\t'For people and simple scripts'
json\t'The contract for programs'"
complete -c gharun -n "__fish_gharun_using_subcommand explain" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c gharun -n "__fish_gharun_using_subcommand explain" -l repo -d 'The repository to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand explain" -l org -d 'The organization to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand explain" -l enterprise -d 'The enterprise to register runners with' -r
complete -c gharun -n "__fish_gharun_using_subcommand explain" -l runner-group -d 'The runner group of new runners, by name or ID' -r
complete -c gharun -n "__fish_gharun_using_subcommand explain" -l no-state -d 'Keep no record of machines on this computer'
complete -c gharun -n "__fish_gharun_using_subcommand explain" -s v -l verbose -d 'Print more on standard error (repeatable)'
complete -c gharun -n "__fish_gharun_using_subcommand explain" -s q -l quiet -d 'Print errors only'
complete -c gharun -n "__fish_gharun_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gharun -n "__fish_gharun_using_subcommand explain" -s V -l version -d 'Print version'
complete -c gharun -n "__fish_gharun_using_subcommand help; and not __fish_seen_subcommand_from start stop list providers explain help" -f -a "start" -d 'Rent machines, boot them into runners, and wait until they are online'
complete -c gharun -n "__fish_gharun_using_subcommand help; and not __fish_seen_subcommand_from start stop list providers explain help" -f -a "stop" -d 'Deregister runners, end their machines, and confirm that they are gone'
complete -c gharun -n "__fish_gharun_using_subcommand help; and not __fish_seen_subcommand_from start stop list providers explain help" -f -a "list" -d 'Show every machine and registration with a verdict'
complete -c gharun -n "__fish_gharun_using_subcommand help; and not __fish_seen_subcommand_from start stop list providers explain help" -f -a "providers" -d 'Show, check, explain and write the settings of providers'
complete -c gharun -n "__fish_gharun_using_subcommand help; and not __fish_seen_subcommand_from start stop list providers explain help" -f -a "explain" -d 'Say more about a hint: its cause, and what to do'
complete -c gharun -n "__fish_gharun_using_subcommand help; and not __fish_seen_subcommand_from start stop list providers explain help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gharun -n "__fish_gharun_using_subcommand help; and __fish_seen_subcommand_from providers" -f -a "list" -d 'Show kinds and configured tables, with where each setting came from'
complete -c gharun -n "__fish_gharun_using_subcommand help; and __fish_seen_subcommand_from providers" -f -a "check" -d 'Check credentials, location, permissions and the GitHub token, changing nothing'
complete -c gharun -n "__fish_gharun_using_subcommand help; and __fish_seen_subcommand_from providers" -f -a "show" -d 'Show every setting of a kind: type, default, meaning'
complete -c gharun -n "__fish_gharun_using_subcommand help; and __fish_seen_subcommand_from providers" -f -a "init" -d 'Write providers.toml interactively'
complete -c gharun -n "__fish_gharun_using_subcommand help; and __fish_seen_subcommand_from providers" -f -a "trust" -d 'Trust a providers.toml that gharun finds in the current folder, as it is now'
complete -c gharun -n "__fish_gharun_using_subcommand help; and __fish_seen_subcommand_from providers" -f -a "offers" -d 'Show machine types with live price and stock, cheapest first'

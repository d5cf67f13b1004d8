
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'gharun' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'gharun'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'gharun' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Rent machines, boot them into runners, and wait until they are online')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Deregister runners, end their machines, and prove that they are gone')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every machine and registration with a verdict')
            [CompletionResult]::new('providers', 'providers', [CompletionResultType]::ParameterValue, 'Show, check, explain and write the settings of providers')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gharun;start' {
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'How many runners to start [default: 1]')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'An extra label; the unique name is always one (repeatable)')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long the whole start may take, waiting for room included [default: 15m]')
            [CompletionResult]::new('--lifetime', '--lifetime', [CompletionResultType]::ParameterName, 'How long a machine may live; then it ends itself and is an orphan [default: 7h]')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'How long a machine waits for a job before it ends itself; 0 is for ever [default: 30m]')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'A tag that pairs this start with its stop')
            [CompletionResult]::new('--setup', '--setup', [CompletionResultType]::ParameterName, 'A shell script that runs on the machine before the runner')
            [CompletionResult]::new('--runner-version', '--runner-version', [CompletionResultType]::ParameterName, 'The runner''s version; `latest` is the one that GitHub names for this scope [default: latest]')
            [CompletionResult]::new('--registration', '--registration', [CompletionResultType]::ParameterName, 'How runners are registered: `jit`, or `token` for a GHES that has no just-in-time configurations [default: jit, and a token where a GHES has nothing else]')
            [CompletionResult]::new('--poll-interval', '--poll-interval', [CompletionResultType]::ParameterName, 'How often GitHub and the provider are asked while waiting [default: 2s]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--allow-partial', '--allow-partial', [CompletionResultType]::ParameterName, 'Keep those that came up when others failed')
            [CompletionResult]::new('--keep-failed', '--keep-failed', [CompletionResultType]::ParameterName, 'Leave a machine that failed, for inspection')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the plan and the boot script, touch nothing')
            [CompletionResult]::new('--rehearse', '--rehearse', [CompletionResultType]::ParameterName, 'Play it through: a real machine, a stand-in for GitHub, one pretend job, and no token')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;stop' {
            [CompletionResult]::new('--mapping', '--mapping', [CompletionResultType]::ParameterName, 'What `start` gave as the output `mapping`: JSON, a file, or - for standard input')
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'What a workflow run started; without a value, this run')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Only what a start with this --group made')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Look only at this provider (repeatable)')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Leave alone whatever is younger than this, even past its own grace')
            [CompletionResult]::new('--second-look', '--second-look', [CompletionResultType]::ParameterName, 'How long an idle orphan is watched between its deregistration and its end [default: 60s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait at most [default: 2m]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Everything of this scope that is not busy')
            [CompletionResult]::new('--orphans', '--orphans', [CompletionResultType]::ParameterName, 'Machines that nobody will use again, registrations without a machine, stale records')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Also end orphans that are busy')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until every machine is proved gone (the default)')
            [CompletionResult]::new('--no-wait', '--no-wait', [CompletionResultType]::ParameterName, 'Return as soon as every machine was asked to end')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be stopped, touch nothing')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;list' {
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Judge nothing that is younger than this to be an orphan, even past its own grace')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Look only at this provider (repeatable)')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--orphans', '--orphans', [CompletionResultType]::ParameterName, 'Only what `stop --orphans` would act on')
            [CompletionResult]::new('--all-scopes', '--all-scopes', [CompletionResultType]::ParameterName, 'Leave out nothing: machines of other scopes and servers too')
            [CompletionResult]::new('--no-github', '--no-github', [CompletionResultType]::ParameterName, 'Do not ask GitHub')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show the list again and again until interrupted')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show kinds and configured tables, with where each setting came from')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check credentials, place, permissions and the GitHub token, changing nothing')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show every setting of a kind: type, default, meaning')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Ask, and write providers.toml')
            [CompletionResult]::new('offers', 'offers', [CompletionResultType]::ParameterValue, 'Show machine types with live price and stock, cheapest first')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gharun;providers;list' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;check' {
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;show' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;init' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;offers' {
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'One setting of a provider''s table, or NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour what is written for people')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository that runners are registered with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization that runners are registered with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise that runners are registered with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by its name or its number')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on standard error; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show kinds and configured tables, with where each setting came from')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check credentials, place, permissions and the GitHub token, changing nothing')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show every setting of a kind: type, default, meaning')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Ask, and write providers.toml')
            [CompletionResult]::new('offers', 'offers', [CompletionResultType]::ParameterValue, 'Show machine types with live price and stock, cheapest first')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gharun;providers;help;list' {
            break
        }
        'gharun;providers;help;check' {
            break
        }
        'gharun;providers;help;show' {
            break
        }
        'gharun;providers;help;init' {
            break
        }
        'gharun;providers;help;offers' {
            break
        }
        'gharun;providers;help;help' {
            break
        }
        'gharun;help' {
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Rent machines, boot them into runners, and wait until they are online')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Deregister runners, end their machines, and prove that they are gone')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every machine and registration with a verdict')
            [CompletionResult]::new('providers', 'providers', [CompletionResultType]::ParameterValue, 'Show, check, explain and write the settings of providers')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gharun;help;start' {
            break
        }
        'gharun;help;stop' {
            break
        }
        'gharun;help;list' {
            break
        }
        'gharun;help;providers' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show kinds and configured tables, with where each setting came from')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check credentials, place, permissions and the GitHub token, changing nothing')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show every setting of a kind: type, default, meaning')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Ask, and write providers.toml')
            [CompletionResult]::new('offers', 'offers', [CompletionResultType]::ParameterValue, 'Show machine types with live price and stock, cheapest first')
            break
        }
        'gharun;help;providers;list' {
            break
        }
        'gharun;help;providers;check' {
            break
        }
        'gharun;help;providers;show' {
            break
        }
        'gharun;help;providers;init' {
            break
        }
        'gharun;help;providers;offers' {
            break
        }
        'gharun;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}

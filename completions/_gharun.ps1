
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
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Rent machines, boot them into runners, and wait until they are online')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Deregister runners, end their machines, and confirm that they are gone')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every machine and registration with a verdict')
            [CompletionResult]::new('providers', 'providers', [CompletionResultType]::ParameterValue, 'Show, check, explain and write the settings of providers')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say more about a hint: its cause, and what to do')
            [CompletionResult]::new('workflow', 'workflow', [CompletionResultType]::ParameterValue, 'Print a whole workflow that starts runners, uses them and stops them')
            [CompletionResult]::new('__complete', '__complete', [CompletionResultType]::ParameterValue, 'Tell a shell what may follow')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gharun;start' {
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'How many runners to start [default: 1]')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'An extra label; the unique name is always one (repeatable)')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long the whole start may take, including the wait for capacity [default: 15m]')
            [CompletionResult]::new('--lifetime', '--lifetime', [CompletionResultType]::ParameterName, 'How long a machine may live before it ends itself and counts as an orphan [default: 7h]')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'How long a machine waits for a job before it ends itself; 0 means no limit [default: 30m]')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'A tag that pairs this start with its stop')
            [CompletionResult]::new('--setup', '--setup', [CompletionResultType]::ParameterName, 'A shell script that runs on the machine before the runner')
            [CompletionResult]::new('--runner-version', '--runner-version', [CompletionResultType]::ParameterName, 'The runner''s version; `latest` is the one that GitHub offers for this scope [default: latest]')
            [CompletionResult]::new('--registration', '--registration', [CompletionResultType]::ParameterName, 'How runners are registered: `jit`, or `token` for a GHES without just-in-time configurations [default: jit, or token where a GHES supports nothing else]')
            [CompletionResult]::new('--poll-interval', '--poll-interval', [CompletionResultType]::ParameterName, 'How often GitHub and the provider are asked while waiting; at first up to four times as often [default: 2s]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the plan with its prices, change nothing; `=script` adds the boot script')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--allow-partial', '--allow-partial', [CompletionResultType]::ParameterName, 'Keep the runners that came up when others fail')
            [CompletionResult]::new('--keep-failed', '--keep-failed', [CompletionResultType]::ParameterName, 'Keep the machine of a failed runner, for inspection')
            [CompletionResult]::new('--rehearse', '--rehearse', [CompletionResultType]::ParameterName, 'Run end to end with a real machine, a stub GitHub and one test job, without a token')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;stop' {
            [CompletionResult]::new('--mapping', '--mapping', [CompletionResultType]::ParameterName, 'The output `mapping` of `start`: JSON, a file, or - for standard input')
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'What a workflow run started; without a value, this run')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Only what a start with this --group created')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only this provider (repeatable)')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Keep whatever is younger than this, even past its own grace')
            [CompletionResult]::new('--second-look', '--second-look', [CompletionResultType]::ParameterName, 'How long an idle orphan is watched between its deregistration and its end [default: 60s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait [default: 2m]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Everything of this scope that is not busy')
            [CompletionResult]::new('--orphans', '--orphans', [CompletionResultType]::ParameterName, 'Machines that will not be used again, registrations without a machine, stale records')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Also end orphans that are busy; for a machine that is named, also forget it where its provider can no longer tell')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until every machine is confirmed gone (the default)')
            [CompletionResult]::new('--no-wait', '--no-wait', [CompletionResultType]::ParameterName, 'Return as soon as every machine was asked to end')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be stopped, change nothing')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask for confirmation')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;list' {
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Treat nothing younger than this as an orphan, even past its own grace')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only this provider (repeatable)')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Show only these columns, in this order, with commas between: verdict, runner, provider, age, ends-in, cost, machine, state, github, rented, price, scope, run, why')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--orphans', '--orphans', [CompletionResultType]::ParameterName, 'Only what `stop --orphans` would act on')
            [CompletionResult]::new('--all-scopes', '--all-scopes', [CompletionResultType]::ParameterName, 'Include machines of other scopes and servers')
            [CompletionResult]::new('--no-github', '--no-github', [CompletionResultType]::ParameterName, 'Do not ask GitHub')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Refresh the list until interrupted; with `--output json`, one document per line')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show all columns on a terminal, whatever its width')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
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
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show kinds and configured tables, with where each setting came from')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check credentials, location, permissions and the GitHub token, changing nothing')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show every setting of a kind: type, default, meaning')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write providers.toml, or add to it: looks around, and asks what it could not find')
            [CompletionResult]::new('trust', 'trust', [CompletionResultType]::ParameterValue, 'Trust a providers.toml that gharun finds in the current folder, as it is now')
            [CompletionResult]::new('offers', 'offers', [CompletionResultType]::ParameterValue, 'Show machine types with live price and stock, cheapest first')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gharun;providers;list' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;check' {
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
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
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;init' {
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'A setting of a new table; NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'The file [default: the one that --config names, else ./providers.toml]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Print the file to standard output, write nothing')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Ask nothing')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;trust' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;offers' {
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override a setting of the provider''s table; NAME.KEY=VALUE for one of several (repeatable)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;providers;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show kinds and configured tables, with where each setting came from')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check credentials, location, permissions and the GitHub token, changing nothing')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show every setting of a kind: type, default, meaning')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write providers.toml, or add to it: looks around, and asks what it could not find')
            [CompletionResult]::new('trust', 'trust', [CompletionResultType]::ParameterValue, 'Trust a providers.toml that gharun finds in the current folder, as it is now')
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
        'gharun;providers;help;trust' {
            break
        }
        'gharun;providers;help;offers' {
            break
        }
        'gharun;providers;help;help' {
            break
        }
        'gharun;explain' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;workflow' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;__complete' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the record of machines in this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How results are written to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'The repository to register runners with')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to register runners with')
            [CompletionResult]::new('--enterprise', '--enterprise', [CompletionResultType]::ParameterName, 'The enterprise to register runners with')
            [CompletionResult]::new('--runner-group', '--runner-group', [CompletionResultType]::ParameterName, 'The runner group of new runners, by name or ID')
            [CompletionResult]::new('--no-state', '--no-state', [CompletionResultType]::ParameterName, 'Keep no record of machines on this computer')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on standard error (repeatable)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'gharun;help' {
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Rent machines, boot them into runners, and wait until they are online')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Deregister runners, end their machines, and confirm that they are gone')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every machine and registration with a verdict')
            [CompletionResult]::new('providers', 'providers', [CompletionResultType]::ParameterValue, 'Show, check, explain and write the settings of providers')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say more about a hint: its cause, and what to do')
            [CompletionResult]::new('workflow', 'workflow', [CompletionResultType]::ParameterValue, 'Print a whole workflow that starts runners, uses them and stops them')
            [CompletionResult]::new('__complete', '__complete', [CompletionResultType]::ParameterValue, 'Tell a shell what may follow')
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
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check credentials, location, permissions and the GitHub token, changing nothing')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show every setting of a kind: type, default, meaning')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write providers.toml, or add to it: looks around, and asks what it could not find')
            [CompletionResult]::new('trust', 'trust', [CompletionResultType]::ParameterValue, 'Trust a providers.toml that gharun finds in the current folder, as it is now')
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
        'gharun;help;providers;trust' {
            break
        }
        'gharun;help;providers;offers' {
            break
        }
        'gharun;help;explain' {
            break
        }
        'gharun;help;workflow' {
            break
        }
        'gharun;help;__complete' {
            break
        }
        'gharun;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}

# Tells whether a job's process runs on the machine $NAME.

set --
for dir in "$ROOT"/slot-*/"$NAME"; do
    ours "$dir" && set -- "$@" "$dir/leader"
done
pids=$(members "$NAME" "$@")
set -f
for pid in $pids; do
    if [ -r "/proc/$pid/cmdline" ]; then
        line=$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | head -n 2)
    else
        line=$(ps -o args= -p "$pid" 2>/dev/null | cut -d ' ' -f 1,2 | tr ' ' '\n')
    fi
    # The program, or what a shell or `dotnet` runs: not what merely mentions it.
    for word in $line; do
        case ${word##*/} in
        Runner.Worker | Runner.Worker.dll) say used ;;
        esac
    done
done

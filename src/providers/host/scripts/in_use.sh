# Tells whether a job's process runs on the machine $NAME.

set --
for dir in "$ROOT"/slot-*/"$NAME"; do
    if is_slot "${dir%/*}" && { ours "$dir" || lost "$dir"; }; then
        set -- "$@" "$dir/leader"
    fi
done
pids=$(members "$NAME" "$@")
set -f
if [ -r /proc/self/cmdline ]; then
    set --
    for pid in $pids; do
        set -- "$@" "/proc/$pid/cmdline"
    done
    # Few mention it, and only those need a closer look.
    files=$(grep -lFz Runner.Worker /dev/null "$@" 2>/dev/null)
    words=
    for file in $files; do
        words="$words $(tr '\0' '\n' 2>/dev/null <"$file" | head -n 2)"
    done
else
    words=$(ps -o args= -p "$(say "$pids" | tr ' ' ',')" 2>/dev/null | cut -d ' ' -f 1,2)
fi
# The program, or what a shell or `dotnet` runs: not what merely mentions it.
for word in $words; do
    case ${word##*/} in
    Runner.Worker | Runner.Worker.dll) say used ;;
    esac
done

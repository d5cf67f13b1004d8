# Completions of gharun for fish. The program itself tells what may follow: `gharun __complete`.
function __gharun_complete
    set -l words (commandline -opc)
    set -l found ($words[1] __complete fish $words[2..-1] (commandline -ct) 2>/dev/null)
    if test "$found" = :files
        __fish_complete_path (commandline -ct)
    else if test (count $found) -gt 0
        printf '%s\n' $found
    end
end
complete -c gharun -f -a '(__gharun_complete)'

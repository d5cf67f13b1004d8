#compdef gharun
# Completions of gharun for zsh. The program itself tells what may follow: `gharun __complete`.
_gharun() {
    local line word about
    local -a lines plain plain_about open open_about
    lines=("${(@f)$("${words[1]}" __complete zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ ${lines[1]} == :files ]]; then
        _files
        return
    fi
    for line in "${lines[@]}"; do
        [[ -n $line ]] || continue
        word=${line%%$'\t'*}
        about=$word
        [[ $line == *$'\t'* ]] && about="$word  -- ${line#*$'\t'}"
        if [[ $word == *= ]]; then
            open+=("$word") open_about+=("$about")
        else
            plain+=("$word") plain_about+=("$about")
        fi
    done
    (( $#plain )) && compadd -l -d plain_about -a plain
    (( $#open )) && compadd -S '' -l -d open_about -a open
    (( $#plain + $#open ))
}
if [[ ${funcstack[1]} == _gharun ]]; then
    _gharun "$@"
else
    compdef _gharun gharun
fi

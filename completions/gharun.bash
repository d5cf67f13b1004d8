# Completions of gharun for bash. The program itself tells what may follow: `gharun __complete`.
_gharun() {
    local line out
    line=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    out=$("${COMP_WORDS[0]}" __complete bash "$line" "$COMP_WORDBREAKS" 2>/dev/null) || return 0
    if [ "$out" = :files ]; then
        compopt -o filenames 2>/dev/null
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
        return 0
    fi
    [ -n "$out" ] || return 0
    mapfile -t COMPREPLY <<<"$out"
    # Behind `KEY=` comes the value.
    if [ "${#COMPREPLY[@]}" = 1 ] && [ "${COMPREPLY[0]: -1}" = = ]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -F _gharun gharun

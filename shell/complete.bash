# shellcheck shell=bash
# Completion for bash, 3.2 and later. The line before this file sets __leapp_complete_program.
#
# The program is asked each time; its answer is read as lines of data and never evaluated.

_leapp() {
    COMPREPLY=()
    # shellcheck disable=SC2154 # set before this file
    local program=$__leapp_complete_program words=() first=() line current place cut i
    [[ -x $program ]] || program=$(type -P leapp) || return 0
    # What bash has split at ':' and '=' is one word.
    place=0
    for ((i = 0; i <= COMP_CWORD && i < ${#COMP_WORDS[@]}; i++)); do
        if ((i > 0)) && [[ ${COMP_WORDS[i]} == [:=] || ${COMP_WORDS[i - 1]} == [:=] ]]; then
            words[place]=${words[place]}${COMP_WORDS[i]}
        else
            ((i > 0)) && ((place++))
            words[place]=${COMP_WORDS[i]}
            first[place]=$i
        fi
    done
    current=${words[place]}
    cut=
    case $current in
    *[:=]*) cut=${current%"${current##*[:=]}"} ;;
    esac
    while IFS= read -r line; do
        case $line in
        ':files') _leapp_files "$current" ;;
        ':command '*)
            i=${line#:command }
            _leapp_command "${first[i]:-$COMP_CWORD}"
            return 0
            ;;
        *)
            line=${line%%$'\t'*}
            case $current in
            --*=*) COMPREPLY[${#COMPREPLY[@]}]=$line ;;
            *) COMPREPLY[${#COMPREPLY[@]}]=${line#"$cut"} ;;
            esac
            ;;
        esac
    done < <("$program" complete --at "$place" -- "${words[@]}" 2>/dev/null)
    return 0
}

# Names of files, as they are.
_leapp_files() {
    local file
    while IFS= read -r file; do
        COMPREPLY[${#COMPREPLY[@]}]=$file
    done < <(compgen -f -- "$1")
}

# The words from there on are a command of their own.
_leapp_command() {
    local name
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$1"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif ((COMP_CWORD == $1)); then
        while IFS= read -r name; do
            COMPREPLY[${#COMPREPLY[@]}]=$name
        done < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
    else
        _leapp_files "${COMP_WORDS[COMP_CWORD]}"
    fi
}

complete -F _leapp leapp

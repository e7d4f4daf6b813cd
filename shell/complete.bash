# shellcheck shell=bash
# Completion for bash, 3.2 and later. The line before this file sets _leapp_program.
#
# The program is asked each time; its answer is read as lines of data and never evaluated. Values
# behind `\builtin local` are quoted: with the backslash bash sees a command with arguments there, and
# no assignment, and would split them.

function _leapp {
    \builtin local program="${_leapp_program-}" answer line current cut last='' quote='' place=0 i=0
    \builtin local -a words first
    COMPREPLY=() words=() first=()
    if ! [ -x "$program" ]; then
        program=$(\builtin type -P leapp)
        case $program in
        "$PWD"/*) \builtin return 0 ;;
        /*) ;;
        *) \builtin return 0 ;;
        esac
    fi
    # What bash has split at ':' and '=' is one word.
    while ((i <= COMP_CWORD)); do
        line=
        case ${COMP_WORDS[i]-} in [:=]*) line=1 ;; esac
        case $last in *[:=]) line=1 ;; esac
        last=${COMP_WORDS[i]-}
        if [ -n "$line" ]; then
            words[place]=${words[place]-}$last
        else
            if ((i > 0)); then
                place=$((place + 1))
            fi
            words[place]=$last
            first[place]=$i
        fi
        i=$((i + 1))
    done
    # Inside quotes bash replaces what is behind the opening one.
    current=${words[place]#[\'\"]}
    quote=${words[place]%"$current"}
    words[place]=$current
    if [ -z "$quote" ]; then
        words[place]=${current//\\/}
    fi
    case ${COMP_WORDS[COMP_CWORD]-} in
    [:=]) cut=$current ;;
    *) cut=${current%"${COMP_WORDS[COMP_CWORD]#[\'\"]}"} ;;
    esac
    answer=$("$program" complete --at "$place" -- "${words[@]}" 2>/dev/null </dev/null)
    while IFS= \builtin read -r line; do
        case $line in
        '') ;;
        ':files') _leapp_files "$current" "$cut" ;;
        ':command '*)
            i=${line#:command }
            case $i in
            '' | *[!0-9]*) ;;
            *) _leapp_command "${first[i]:-$COMP_CWORD}" ;;
            esac
            ;;
        *)
            line=${line%%$'\t'*}
            case $current in
            --*=*) line=${current%%=*}=$line ;;
            esac
            _leapp_offer "$line" "$cut" "$quote"
            ;;
        esac
    done <<<"$answer"
    \builtin return 0
}

# Offers a text, written so that the shell reads it as that text and no more: providers give their
# identities what names they like. What cannot be written behind an open quote is not offered.
function _leapp_offer {
    \builtin local text="$1"
    case $text in
    *[!A-Za-z0-9_./:@%+=-]*)
        case $3$text in
        \'*\'* | \"*[\"\\\`\$!]*) \builtin return 0 ;;
        \'* | \"*) ;;
        *) \builtin printf -v text %q "$text" ;;
        esac
        ;;
    esac
    case $text in
    "$2"*) COMPREPLY[${#COMPREPLY[@]}]=${text#"$2"} ;;
    esac
}

# Names of files; readline quotes them where it can be told to.
function _leapp_files {
    \builtin local file quotes='' word="$1" found
    case $word in
    --*=*) word=${word#*=} ;;
    esac
    if \builtin compopt -o filenames 2>/dev/null; then
        quotes=1
    fi
    found=$(\builtin compgen -f -- "$word")
    while IFS= \builtin read -r file; do
        if [ -z "$file" ]; then
            \builtin continue
        elif [ -z "$quotes" ]; then
            \builtin printf -v file %q "$file"
        fi
        COMPREPLY[${#COMPREPLY[@]}]=$file
    done <<<"$found"
}

# The words from there on are a command of their own.
function _leapp_command {
    if \builtin declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$1"
    elif \builtin declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif ((COMP_CWORD > $1)); then
        _leapp_command_words "$1"
    else
        _leapp_command_name "${COMP_WORDS[COMP_CWORD]-}"
    fi
}

function _leapp_command_name {
    \builtin local name found
    found=$(\builtin compgen -c -- "$1")
    while IFS= \builtin read -r name; do
        if [ -n "$name" ]; then
            \builtin printf -v name %q "$name"
            COMPREPLY[${#COMPREPLY[@]}]=$name
        fi
    done <<<"$found"
}

# Without bash-completion: what the user has set by `complete -F` or `complete -C` for that command.
function _leapp_command_words {
    \builtin local i=0 before line="$COMP_LINE" spec name="${COMP_WORDS[$1]}" helper found
    while ((i < $1)); do
        line=${line#*"${COMP_WORDS[i]}"}
        i=$((i + 1))
    done
    before=${line%%[![:space:]]*}
    line=${line#"$before"}
    \builtin local COMP_POINT="$((COMP_POINT - (${#COMP_LINE} - ${#line})))" COMP_CWORD="$((COMP_CWORD - $1))"
    \builtin local COMP_LINE="$line"
    \builtin set -- "${COMP_WORDS[@]:$1}"
    \builtin local -a COMP_WORDS
    COMP_WORDS=("$@")
    \builtin set -- "$name" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    spec=$(\builtin complete -p -- "$name" 2>/dev/null || \builtin complete -p -- "${name##*/}" 2>/dev/null)
    helper=${spec#* -[FC] }
    helper=${helper%% *}
    helper=${helper//\'/}
    case $spec in
    *" -F "*)
        if \builtin declare -F -- "$helper" >/dev/null; then
            "$helper" "$@"
        fi
        ;;
    *" -C "*)
        found=$(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT "$helper" "$@" 2>/dev/null </dev/null)
        while IFS= \builtin read -r line; do
            if [ -n "$line" ]; then
                COMPREPLY[${#COMPREPLY[@]}]=$line
            fi
        done <<<"$found"
        ;;
    *) _leapp_files "$2" ;;
    esac
}

\builtin complete -F _leapp leapp

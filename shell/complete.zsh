# Completion for zsh, 5.3 and later. The line before this file sets __leapp_complete_program; the
# one before that lets it be a file of the name _leapp in fpath.
#
# The program is asked each time; its answer is read as lines of data and never evaluated.

_leapp() {
  emulate -L zsh
  local program="$__leapp_complete_program" line
  local -a asked values shown
  [[ -x "$program" ]] || program="${commands[leapp]-}"
  [[ -n "$program" ]] || return 1
  asked=("${(@Q)words[1,CURRENT]}")
  for line in "${(@f)$("$program" complete --at $(( CURRENT - 1 )) -- "${asked[@]}" 2>/dev/null)}"; do
    case "$line" in
      ('') ;;
      (':files')
        _files
        return
        ;;
      (':command '*)
        shift $(( ${line#:command } )) words
        (( CURRENT -= ${line#:command } ))
        _normal
        return
        ;;
      (*)
        values+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
        ;;
    esac
  done
  (( ${#values} )) || return 1
  if [[ "${asked[-1]}" = --*=* ]]; then
    compset -P '*='
  fi
  compadd -M 'm:{a-zA-Z}={A-Za-z}' -l -d shown -a values
}

if (( ${+functions[compdef]} )); then
  compdef _leapp leapp
fi
if [[ "${funcstack[1]-}" = _leapp ]]; then
  _leapp "$@"
fi

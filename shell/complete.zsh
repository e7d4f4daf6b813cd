# Completion for zsh, 5.3 and later. The line before this file sets _leapp_program; the one before
# that lets it be a file of the name _leapp in fpath.
#
# The program is asked each time; its answer is read as lines of data and never evaluated. The
# options are those that the completion system sets.

function _leapp {
  \builtin local program="${_leapp_program-}" line
  \builtin local -a asked values shown
  if [[ ! -x "$program" ]]; then
    program="${commands[leapp]-}"
    if [[ "$program" != /* || "$program" = "$PWD"/* ]]; then
      \builtin return 1
    fi
  fi
  asked=("${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}")
  for line in "${(@f)$("$program" complete --at $(( CURRENT - 1 )) -- "${asked[@]}" 2>/dev/null </dev/null)}"; do
    case "$line" in
      ('') ;;
      (':files')
        if [[ "${asked[-1]}" = --*=* ]]; then
          compset -P '*='
        fi
        _files
        \builtin return
        ;;
      (':command '<->)
        \builtin shift "${line#:command }" words
        CURRENT=$(( CURRENT - ${line#:command } ))
        _normal
        \builtin return
        ;;
      (*)
        values+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
        ;;
    esac
  done
  if (( ! ${#values} )); then
    \builtin return 1
  fi
  if [[ "${asked[-1]}" = --*=* ]]; then
    compset -P '*='
  fi
  compadd -M 'm:{a-zA-Z}={A-Za-z}' -l -d shown -a values
}

if (( ${+functions[compdef]} )); then
  compdef _leapp leapp
fi
# Loaded from fpath, this file is the function's first call.
if [[ "${funcstack[1]-}" = _leapp ]]; then
  _leapp "$@"
fi

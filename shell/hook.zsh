# The hook for zsh, 5.3 and later. The line before this file sets __leapp_program.
#
# What runs at a prompt where nothing has changed is __leapp_precmd: builtins alone, no process and
# no module. Going back is zsh alone too, so that it works when the program is gone, hangs or is
# interrupted. Switching on asks the program, `leapp hook-env`, whose answer is complete or not
# taken at all.
#
# Rules that hold throughout: no bare test (ERR_EXIT would end the shell), no trap, nothing on
# stdout, every read has a default (NO_UNSET), builtins by name (aliases), options of the user's
# only where they do not matter, and what may show a secret runs untraced.
#
# Variables, none exported:
#   __leapp_p  the directory that was handled last; empty: look again
#   __leapp_w  who owns this shell: d directory, u use, o off, x exec, g given up, or nobody
#   __leapp_a  the project file that governs, canonical     __leapp_c  the same, relative
#   __leapp_l  the lease: .hi and .lo                       __leapp_h  1: for this directory alone
#   __leapp_s, __leapp_d  the clock when asked, and when to ask again
#   __leapp_k  our access key id     __leapp_i  the session's identity     __leapp_r  its region
#   __leapp_n  lines to print        __leapp_q  what was said
#   __leapp_m  1: half changed  2: half restored  3: half changed, and closed
#   __leapp_shut  the state that closes what is on, while the program is asked
#   __leapp_had  the variables that were set before us
#   __leapp_was_N  s set, x exported before us;  __leapp_val_N  its value
#   __leapp_g_N    what we gave
#   __leapp_due    the variables that another tool had changed when we left, so that they are owed still
#   __leapp_dw_N, __leapp_dv_N  as was and val;  __leapp_dg_N, __leapp_dl_N  given and left, 1 before it
#   __leapp_dp_N   what there was before another tool acted, x before it
#   __leapp_dues   our key ids of then     __leapp_by  what direnv and mise had noted    __leapp_back  1: a key came back
#   leapp_session, leapp_warning  for your prompt

if [[ -o interactive && -z "${ZSH_EXECUTION_STRING+x}${VSCODE_RESOLVING_ENVIRONMENT:+x}${INTELLIJ_ENVIRONMENT_READER:+x}" && "${LEAPP_HOOK-}" != 0 ]]; then
  # At each prompt. Two tests of files where nothing governs, four where a project does. Without TZ
  # the C library would look at its own file each time that the clock is read.
  function __leapp_precmd {
    # A trace shows that we were here, and no more.
    if [[ -o xtrace ]]; then
      { \builtin setopt local_options no_xtrace; } 2>/dev/null
    fi
    if [[ -n "$__leapp_due" ]]; then
      __leapp_beside
    fi
    if [[ -n "$__leapp_late" && -z "$__leapp_first" ]]; then
      \builtin print -r -u 2 -- "$__leapp_late"
      __leapp_late=
    fi
    if [[ "$PWD" = "$__leapp_p" ]]; then
      case "$__leapp_w" in
        (d)
          if (( ! ${+TZ} )); then \builtin local -x TZ=/etc/localtime; fi
          if [[ -z "$__leapp_k" || "${AWS_ACCESS_KEY_ID-}" = "$__leapp_k" ]] && (( ${(%)__leapp_format} < __leapp_d && ${(%)__leapp_format} >= __leapp_s )) && [[ "$__leapp_l" = / || ( "$__leapp_l.hi" -nt "$__leapp_c" && "$__leapp_c" -nt "$__leapp_l.lo" ) ]] && [[ -z "$__leapp_late" ]]; then
            if [[ -n "$__leapp_k" && -z "$__leapp_warned" && -n "${AWS_PROFILE:+x}${AWS_DEFAULT_PROFILE:+x}" ]]; then
              __leapp_contradicted
            fi
            \builtin return 0
          fi
          ;;
        (u)
          if (( ! ${+TZ} )); then \builtin local -x TZ=/etc/localtime; fi
          if [[ -z "$__leapp_k" || "${AWS_ACCESS_KEY_ID-}" = "$__leapp_k" ]] && (( ${(%)__leapp_format} < __leapp_d && ${(%)__leapp_format} >= __leapp_s )) && [[ "$__leapp_l" = / || -e "$__leapp_l.hi" ]] && [[ -z "$__leapp_late" ]]; then
            if [[ -n "$__leapp_k" && -z "$__leapp_warned" && -n "${AWS_PROFILE:+x}${AWS_DEFAULT_PROFILE:+x}" ]]; then
              __leapp_contradicted
            fi
            \builtin return 0
          fi
          ;;
        (g)
          if [[ "${AWS_ACCESS_KEY_ID-}" != "$__leapp_k" ]]; then
            \builtin return 0
          fi
          ;;
        (o|x) \builtin return 0 ;;
        (*)
          if [[ ! -e .leapp.local.toml && ! -e .leapp.toml ]]; then
            \builtin return 0
          fi
          ;;
      esac
      if [[ "${(t)TZ-}" = *local* ]]; then
        \builtin unset -v TZ
      fi
    fi
    __leapp_check
    \builtin return 0
  }

  # After each change of the directory, also between the statements of a line. In a command
  # substitution, where a completion may ask for names, nothing is entered and nothing is said; but what
  # is on is left, so that no command there runs with the keys of where it came from. Before other
  # tools see the new directory, what is on is left, and after them the new one is entered: so each of
  # us goes back to what it found, the last one first.
  function __leapp_chpwd {
    if [[ -n "$__leapp_armed" && -z "$__leapp_inherited" && "$__leapp_w" = [dg] ]]; then
      __leapp_check leave
    fi
    if [[ -n "$__leapp_armed" && -z "$__leapp_inherited$__leapp_k" && "${#chpwd_functions}" -gt 2 ]]; then
      __leapp_glance
    fi
    \builtin return 0
  }

  # What is there before that tool acts on the new directory.
  function __leapp_glance {
    {
      \builtin emulate -L zsh
      \builtin setopt no_xtrace no_verbose no_err_exit no_err_return no_unset no_all_export no_warn_create_global
    } 2>/dev/null
    for __leapp_j in "${__leapp_names[@]}"; do
      \builtin typeset -g "__leapp_dp_$__leapp_j=${(P)__leapp_j+x}${(P)__leapp_j-}"
    done
    \builtin return 0
  }

  function __leapp_chpwd_last {
    if [[ -n "$__leapp_armed" ]]; then
      case "${ZSH_EVAL_CONTEXT-}" in
        (*cmdsubst*) ;;
        (*) __leapp_check ;;
      esac
    fi
    \builtin return 0
  }

  # After all others at a prompt: they may have changed what we gave. No file is looked at.
  function __leapp_precmd_last {
    # A trace shows that we were here, and no more.
    if [[ -o xtrace ]]; then
      { \builtin setopt local_options no_xtrace; } 2>/dev/null
    fi
    if [[ -n "$__leapp_due" || ( -n "$__leapp_k" && ( ( "$__leapp_w" = [du] && "${AWS_ACCESS_KEY_ID-}" != "$__leapp_k" ) || ( -z "$__leapp_warned" && -n "${AWS_PROFILE:+x}${AWS_DEFAULT_PROFILE:+x}" ) ) ) ]]; then
      __leapp_beside
    fi
    \builtin return 0
  }

  # Who calls it has ended a trace already, so that nothing is opened for that.
  function __leapp_beside {
    \builtin emulate -L zsh
    \builtin setopt no_verbose no_err_exit no_err_return no_unset no_warn_create_global
    if [[ -n "$__leapp_due" ]] && __leapp_came_back; then
      __leapp_check
    elif [[ -n "$__leapp_k" ]]; then
      __leapp_contradicted
    fi
    \builtin return 0
  }

  # Other keys in place of ours, or a profile that came after us: some programs prefer it to the
  # session's keys.
  function __leapp_contradicted {
    \builtin emulate -L zsh
    \builtin setopt no_err_exit no_err_return
    if ! __leapp_is_ours; then
      case "$__leapp_w" in
        (d|u) __leapp_check ;;
      esac
      \builtin return 0
    elif [[ -n "$__leapp_warned" || -z "${AWS_PROFILE:+x}${AWS_DEFAULT_PROFILE:+x}" ]]; then
      \builtin return 0
    fi
    __leapp_warned=1
    __leapp_say "leapp: a profile (AWS_PROFILE) was set beside session '$leapp_session', and some programs prefer it: unset AWS_PROFILE AWS_DEFAULT_PROFILE"
    \builtin return 0
  }

  # Nothing is printed in a subshell. Where a prompt was drawn before the shell was ready, the first
  # lines wait for the second prompt: what is printed earlier would tear it.
  function __leapp_say {
    if (( ZSH_SUBSHELL == 0 )); then
      if [[ -n "${__p9k_instant_prompt_active-}" && -n "$__leapp_first" ]]; then
        __leapp_late="${__leapp_late:+$__leapp_late"$'\n'"}$1"
      else
        \builtin print -r -u 2 -- "$1"
      fi
    fi
    \builtin return 0
  }

  # The way here is taken when something has changed. An interrupt may end it anywhere: until its
  # end the directory counts as not handled. The options are the user's again when it returns.
  function __leapp_check {
    {
      \builtin emulate -L zsh
      \builtin setopt no_xtrace no_verbose no_err_exit no_err_return no_all_export no_warn_create_global
      # Local: a logger of commands must not see secrets. The user's is there again afterwards.
      \builtin trap - DEBUG
    } 2>/dev/null
    __leapp_p=
    if __leapp_step "$@"; then
      __leapp_p="$PWD"
    fi
    __leapp_first=
    \builtin return 0
  }

  # Tells by its status whether the directory is handled.
  function __leapp_step {
    if [[ "$__leapp_m" = [12] ]]; then
      __leapp_restore
      __leapp_w=
    fi
    if [[ -z "$__leapp_armed" ]]; then
      __leapp_armed=1
      __leapp_first=1
      __leapp_register
      case "${LEAPP_STATE-}" in
        ("1;x;"*";${AWS_ACCESS_KEY_ID:-?};"*) __leapp_w=x ;;
        ("1;d;"*|"1;u;"*) __leapp_inherited=1 ;;
      esac
      # Who became somebody else by sudo did not ask for directories.
      if (( EUID == 0 )) && [[ -n "${SUDO_UID-}" ]]; then
        __leapp_w=x __leapp_inherited=
      fi
    fi
    if [[ -n "$__leapp_inherited" ]]; then
      __leapp_adopt
      \builtin return
    fi
    if [[ "$__leapp_w" = x ]]; then
      \builtin return 0
    fi
    if [[ -n "$__leapp_due" ]] && __leapp_came_back; then
      __leapp_settle
    fi
    __leapp_find
    if [[ -n "${1-}" ]]; then
      # What was given up outside of projects is waited for.
      if [[ "$__leapp_w$__leapp_a$__leapp_f" != g && ! "$__leapp_f" -ef "$__leapp_a" ]]; then
        __leapp_leave
      fi
      \builtin return 1
    fi
    if [[ "$__leapp_w" = g && -n "$__leapp_k" ]] && __leapp_is_ours; then
      # Who had replaced our keys has put them back. It is time to ask the program.
      __leapp_d=0
      case "${__leapp_g_LEAPP_STATE-}" in
        ("1;u;"*) __leapp_w=u ;;
        (*) __leapp_w=d ;;
      esac
    fi
    if [[ "$__leapp_w" = [ud] && -n "$__leapp_k" ]]; then
      if ! __leapp_is_ours; then
        __leapp_give_up
      elif [[ "${LEAPP_STATE-}" != "${__leapp_g_LEAPP_STATE-}" ]]; then
        # Our own word on what is on; nobody else has a say in it.
        __leapp_put LEAPP_SESSION "${leapp_session-}"
        __leapp_put LEAPP_STATE "${__leapp_g_LEAPP_STATE-}"
      fi
    fi
    if [[ -n "$__leapp_f" && -n "$__leapp_a" && "$__leapp_f" -ef "$__leapp_a" ]]; then
      __leapp_same_project
    elif [[ -z "$__leapp_f" ]]; then
      __leapp_no_project
    else
      __leapp_other_project
    fi
  }

  function __leapp_in_time {
    if (( ! ${+TZ} )); then \builtin local -x TZ=/etc/localtime; fi
    (( ${(%)__leapp_format} < __leapp_d && ${(%)__leapp_format} >= __leapp_s ))
  }

  # The name that the environment gives, for a prompt or a line: whatever it holds, nothing moves the
  # cursor or is taken for more than a name.
  function __leapp_outer_name {
    case "${LEAPP_SESSION-}" in
      (*[^A-Za-z0-9._-]*) __leapp_name=unknown ;;
      (*) __leapp_name="${LEAPP_SESSION-}" ;;
    esac
  }

  # In a shell that was started inside a session: until the program has said what to do about it,
  # what is there counts as ours, so that it can be closed.
  function __leapp_adopt {
    case "${LEAPP_STATE-}" in
      (*";${AWS_ACCESS_KEY_ID:-?};"*)
        __leapp_w=d __leapp_k="$AWS_ACCESS_KEY_ID"
        \builtin typeset -g __leapp_g_LEAPP_STATE="$LEAPP_STATE" __leapp_g_LEAPP_SESSION="${LEAPP_SESSION-}" \
          __leapp_g_AWS_REGION="${AWS_REGION-}" __leapp_g_AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION-}"
        __leapp_outer_name
        leapp_session="$__leapp_name"
        ;;
      # An outer hook's word on keys that are gone.
      (*) \builtin unset -v LEAPP_SESSION LEAPP_STATE ;;
    esac
    if __leapp_ask; then __leapp_own=0; else __leapp_own=1; fi
    if [[ -n "$__leapp_ok" ]]; then
      __leapp_inherited=
      if [[ "$__leapp_w" = u ]]; then
        __leapp_find
        __leapp_absolute
      fi
    fi
    \builtin return "$__leapp_own"
  }

  function __leapp_same_project {
    case "$__leapp_w" in
      (d)
        if [[ -z "$__leapp_h" ]] && __leapp_in_time && [[ "$__leapp_l" = / || ( "$__leapp_l.hi" -nt "$__leapp_f" && "$__leapp_f" -nt "$__leapp_l.lo" ) ]]; then
          __leapp_c="$__leapp_f"
          \builtin return 0
        fi
        __leapp_ask --held
        ;;
      (u) __leapp_keep_use ;;
      (*) \builtin return 0 ;;
    esac
  }

  function __leapp_no_project {
    case "$__leapp_w" in
      (d)
        __leapp_leave
        \builtin return 0
        ;;
      (g)
        if [[ -n "$__leapp_a" ]]; then
          __leapp_leave
        fi
        \builtin return 0
        ;;
      (u)
        __leapp_a= __leapp_c=
        __leapp_keep_use
        ;;
      (*)
        __leapp_a= __leapp_c=
        \builtin return 0
        ;;
    esac
  }

  function __leapp_other_project {
    case "$__leapp_w" in
      (d|g) __leapp_leave ;;
    esac
    case "$__leapp_w" in
      (u) __leapp_ask --held --hold=u ;;
      (o) __leapp_ask --hold=o ;;
      (*) __leapp_ask ;;
    esac
  }

  # What `leapp use` switched on is held as long as its lease is there.
  function __leapp_keep_use {
    if __leapp_in_time && [[ "$__leapp_l" = / || -e "$__leapp_l.hi" ]]; then
      \builtin return 0
    fi
    # The answer speaks of no project: the one that is held back from stays the same.
    __leapp_b="$__leapp_a"
    if __leapp_ask --held "--keep=$__leapp_i" "--region=$__leapp_r"; then __leapp_own=0; else __leapp_own=1; fi
    __leapp_a="$__leapp_b"
    \builtin return "$__leapp_own"
  }

  # Whether what is on is what the hook put there. The key id alone says so: what a state says,
  # anybody may have written.
  function __leapp_is_ours {
    [[ "${AWS_ACCESS_KEY_ID-}" = "$__leapp_k" ]]
  }

  # Other keys than ours are on: nothing says any more that our session is. What was saved is kept,
  # should ours return.
  function __leapp_give_up {
    case "${LEAPP_STATE-}" in
      ("1;e;"*) ;;
      (*)
        if [[ -n "${AWS_ACCESS_KEY_ID-}" && ( -n "$__leapp_f" || "$__leapp_w" = u ) ]]; then
          __leapp_say "leapp: other credentials have replaced those of '$leapp_session', so it is given up here"
        fi
        ;;
    esac
    __leapp_w=g
    __leapp_hand_over
    leapp_session= leapp_warning=
    \builtin return 0
  }

  function __leapp_leave {
    __leapp_name=
    if __leapp_is_ours; then
      __leapp_name="$leapp_session"
    fi
    __leapp_restore
    __leapp_w= __leapp_a= __leapp_c= __leapp_l= __leapp_h=
    if [[ -n "$__leapp_name" ]]; then
      __leapp_say "leapp: $__leapp_name is off"
    fi
    \builtin return 0
  }

  # The project file that governs, relative, as the kernel sees it: `..` of a directory that was
  # entered through a link is not `..` of its name. Never looks above what the user owns, nor above
  # a repository.
  function __leapp_find {
    __leapp_f= __leapp_b= __leapp_top=
    if [[ -O / ]]; then
      __leapp_top=1
    fi
    while [[ "${#__leapp_b}" -lt 192 && -O "./$__leapp_b" ]]; do
      if [[ -e "${__leapp_b}.leapp.local.toml" ]]; then
        __leapp_f="${__leapp_b}.leapp.local.toml"
        \builtin return 0
      elif [[ -e "${__leapp_b}.leapp.toml" ]]; then
        __leapp_f="${__leapp_b}.leapp.toml"
        \builtin return 0
      elif [[ -e "${__leapp_b}.git" ]]; then
        \builtin return 0
      elif [[ -n "$__leapp_top" && "./$__leapp_b" -ef / ]]; then
        \builtin return 0
      fi
      __leapp_b="../$__leapp_b"
    done
    \builtin return 0
  }

  # Asks the program and takes its answer, whole or not at all. LEAPP_HOME and its like are those of
  # the time when the hook was loaded: a project's environment must not point elsewhere.
  function __leapp_ask {
    __leapp_ok=
    __leapp_status=127
    __leapp_shut=
    if [[ -n "$__leapp_k" ]] && __leapp_is_ours; then
      __leapp_shut="${LEAPP_STATE/;$__leapp_k;/;LEAPP-EXPIRED;}"
    fi
    if __leapp_reach; then
      if __leapp_text="$(HOME="$__leapp_user_home" LEAPP_HOME="$__leapp_home" XDG_RUNTIME_DIR="$__leapp_xdg" LEAPP_VAULT="$__leapp_vault" \
        "$__leapp_program" hook-env zsh "--said=$__leapp_q" "$@")"; then
        case "$__leapp_text" in
          (*'__leapp_ok=1;') \builtin eval "$__leapp_text" 2>/dev/null ;;
        esac
        __leapp_status=1
      else
        __leapp_status=$?
      fi
    fi
    __leapp_text=
    if [[ -z "$__leapp_ok" ]]; then
      __leapp_failed
      # 130: interrupted, so that the next prompt tries again.
      [[ "$__leapp_status" != 130 ]]
      \builtin return
    fi
    __leapp_m=
    __leapp_clock
    if [[ -n "$__leapp_n" ]]; then
      __leapp_say "$__leapp_n"
    fi
    __leapp_warned=
    \builtin return 0
  }

  function __leapp_clock {
    if [[ "$__leapp_t" = keep ]]; then
      __leapp_t=
      \builtin return 0
    fi
    __leapp_s=${(%)__leapp_format}
    __leapp_d=9999999999
    if [[ -n "$__leapp_t" ]]; then
      __leapp_d=$(( __leapp_s + __leapp_t ))
    fi
    __leapp_t=
  }

  # Whether the program is there. A new one is taken from PATH only by an absolute path that is not
  # below the current directory.
  function __leapp_reach {
    if [[ -x "$__leapp_program" ]]; then
      \builtin return 0
    fi
    __leapp_text="$(\builtin whence -p leapp)"
    case "$__leapp_text" in
      ("$PWD"/*) ;;
      (/*)
        case "${__leapp_text:h:A}/" in
          ("${PWD:A}"/*) ;;
          (*)
            __leapp_program="$__leapp_text"
            \builtin return 0
            ;;
        esac
        ;;
    esac
    if [[ -z "$__leapp_gone" ]]; then
      __leapp_gone=1
      __leapp_say "leapp: '$__leapp_program' is gone, so directories switch nothing on; install leapp, then start a new shell"
    fi
    \builtin return 1
  }

  # Without an answer, what is on must not stay on and must not give way to other credentials: keys
  # that cannot work take its place. Where nothing was on, nothing changes.
  function __leapp_failed {
    if [[ -n "$__leapp_m" ]]; then
      __leapp_tell_fixed
    fi
    if [[ -n "$__leapp_m" && ( -z "$__leapp_shut" || -z "$__leapp_k" ) ]]; then
      __leapp_restore
      __leapp_w=
    fi
    case "$__leapp_w" in
      (d|u)
        if [[ -n "$__leapp_shut" && -n "$__leapp_k" ]]; then
          __leapp_shut_off
        fi
        ;;
      ('')
        __leapp_w=d __leapp_a= __leapp_c="$__leapp_f"
        ;;
    esac
    # Ask again in ten seconds, and in every other directory.
    __leapp_l=/
    __leapp_t=10
    __leapp_clock
  }

  # Exports a value. A read-only variable is left as it is: assigning to one would end all of us.
  function __leapp_put {
    if [[ "${(Pt)1-}" != *readonly* ]]; then
      \builtin export "$1=$2"
    fi
    \builtin return 0
  }

  # What cannot be changed is why a change was begun and not ended. Said once.
  function __leapp_tell_fixed {
    __leapp_name=
    for __leapp_j in "${__leapp_names[@]}"; do
      if [[ "${(Pt)__leapp_j-}" = *readonly* ]]; then
        __leapp_name="$__leapp_name $__leapp_j"
      fi
    done
    if [[ -n "$__leapp_name" && "$__leapp_name" != "$__leapp_fixed" ]]; then
      __leapp_fixed="$__leapp_name"
      __leapp_say "leapp: read-only in this shell, so that no session can be switched on:$__leapp_name"
    fi
    \builtin return 0
  }

  # Where a change was begun, all goes back when the directory is left.
  function __leapp_shut_off {
    __leapp_put AWS_ACCESS_KEY_ID LEAPP-EXPIRED
    __leapp_put AWS_SECRET_ACCESS_KEY LEAPP-EXPIRED
    __leapp_put AWS_SESSION_TOKEN LEAPP-EXPIRED
    __leapp_put AWS_CREDENTIAL_EXPIRATION 1970-01-01T00:00:00Z
    __leapp_put LEAPP_STATE "$__leapp_shut"
    __leapp_put LEAPP_SESSION "${leapp_session-}"
    \builtin typeset -g __leapp_g_LEAPP_STATE="$LEAPP_STATE" __leapp_g_LEAPP_SESSION="$LEAPP_SESSION"
    __leapp_k=LEAPP-EXPIRED
    leapp_warning=expired
    if [[ -n "$__leapp_m" ]]; then
      __leapp_m=3
    fi
    \builtin return 0
  }

  # Keeps what is there, which mostly is nothing. The first word says which variables are exported,
  # the second which of those that few sessions touch this one does.
  function __leapp_save {
    __leapp_forget
    if [[ "$1" = ' ' && "$2" = ' ' ]] && ! __leapp_any_of_ours && ! __leapp_any_removed; then
      \builtin return 0
    fi
    for __leapp_j in "${__leapp_names[@]}"; do
      if (( ! ${(P)+__leapp_j} )); then
        \builtin continue
      elif [[ "$__leapp_j" = AWS_ENDPOINT_URL && "$2" = ' ' ]]; then
        \builtin continue
      fi
      __leapp_had+=("$__leapp_j")
      \builtin typeset -g "__leapp_val_$__leapp_j=${(P)__leapp_j}"
      case "$1" in
        (*" $__leapp_j "*) \builtin typeset -g "__leapp_was_$__leapp_j=x" ;;
        (*) \builtin typeset -g "__leapp_was_$__leapp_j=s" ;;
      esac
    done
    \builtin return 0
  }

  function __leapp_any_of_ours {
    [[ -n "${AWS_ACCESS_KEY_ID+x}${AWS_SECRET_ACCESS_KEY+x}${AWS_SESSION_TOKEN+x}${AWS_CREDENTIAL_EXPIRATION+x}${AWS_REGION+x}${AWS_DEFAULT_REGION+x}${AWS_ACCOUNT_ID+x}${LEAPP_SESSION+x}${LEAPP_STATE+x}" ]]
  }

  function __leapp_any_removed {
    [[ -n "${AWS_PROFILE+x}${AWS_DEFAULT_PROFILE+x}${AWS_SECURITY_TOKEN+x}${AWS_SESSION_EXPIRATION+x}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI+x}${AWS_CONTAINER_CREDENTIALS_FULL_URI+x}${AWS_CONTAINER_AUTHORIZATION_TOKEN+x}${AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE+x}${AWS_CONTAINER_TOKEN_ENDPOINT+x}${AWS_WEB_IDENTITY_TOKEN_FILE+x}${AWS_ROLE_ARN+x}${AWS_ROLE_SESSION_NAME+x}${AWS_VAULT+x}${AWSUME_PROFILE+x}${AWS_SSO_PROFILE+x}" ]]
  }

  # Whether all that we gave and removed is as we left it.
  function __leapp_is_untouched {
    [[ -z "${__leapp_g_AWS_ENDPOINT_URL+x}" && "${LEAPP_SESSION-}|${LEAPP_STATE-}|${AWS_REGION-}|${AWS_DEFAULT_REGION-}|${AWS_ACCOUNT_ID+x}${AWS_ACCOUNT_ID-}" = "${__leapp_g_LEAPP_SESSION-}|${__leapp_g_LEAPP_STATE-}|${__leapp_g_AWS_REGION-}|${__leapp_g_AWS_DEFAULT_REGION-}|${__leapp_g_AWS_ACCOUNT_ID+x}${__leapp_g_AWS_ACCOUNT_ID-}" ]] && ! __leapp_any_removed
  }

  # Goes back. What the user has changed stays as it is, and where the key id is not ours any more
  # so does everything but our markers. After a change that was cut short all goes back.
  function __leapp_restore {
    if [[ -z "$__leapp_m" || "$__leapp_m" = 3 ]]; then
      if [[ -z "$__leapp_k" ]]; then
        __leapp_forget
        \builtin return 0
      elif ! __leapp_is_ours; then
        case "${LEAPP_STATE-}" in
          ("1;e;"*) ;;
          (*) for __leapp_j in "${__leapp_names[@]}"; do __leapp_owe; done ;;
        esac
        __leapp_hand_over
        __leapp_forget
        \builtin return 0
      fi
      __leapp_m=$(( __leapp_m == 3 ? 1 : 2 ))
    fi
    if [[ "$__leapp_m" = 2 ]] && __leapp_is_untouched; then
      # All goes back from here on, should this be interrupted.
      __leapp_m=1
      __leapp_unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION \
        AWS_REGION AWS_DEFAULT_REGION AWS_ACCOUNT_ID LEAPP_SESSION LEAPP_STATE
      for __leapp_j in "${__leapp_had[@]}"; do
        __leapp_give_back
      done
    else
      __leapp_unset AWS_ACCESS_KEY_ID
      for __leapp_j in "${__leapp_names[@]}"; do
        if __leapp_goes_back; then
          __leapp_give_back
        elif [[ "$__leapp_m" = 2 && -n "${DIRENV_DIFF+x}${__MISE_DIFF+x}" ]]; then
          __leapp_owe
        fi
      done
    fi
    __leapp_forget
    \builtin return 0
  }

  # Whether a variable returns: it belongs to the credentials, or is as we gave it.
  function __leapp_goes_back {
    case "$__leapp_group" in
      (*" $__leapp_j "*) \builtin return 0 ;;
    esac
    __leapp_with="__leapp_g_$__leapp_j" __leapp_how="__leapp_was_$__leapp_j"
    if [[ "$__leapp_m" = 2 ]]; then
      [[ "${(P)+__leapp_j}${(P)__leapp_j-}" = "${(P)+__leapp_with}${(P)__leapp_with-}" ]]
    elif [[ "$__leapp_j" = AWS_ENDPOINT_URL ]]; then
      (( ${(P)+__leapp_with} || ${(P)+__leapp_how} ))
    fi
  }

  function __leapp_give_back {
    __leapp_how="__leapp_was_$__leapp_j" __leapp_with="__leapp_val_$__leapp_j"
    __leapp_put_back
  }

  function __leapp_put_back {
    if [[ "${(Pt)__leapp_j-}" = *readonly* ]]; then
      \builtin return 0
    fi
    case "${(P)__leapp_how-}" in
      (x) \builtin export "$__leapp_j=${(P)__leapp_with-}" ;;
      (s)
        \builtin unset -v "$__leapp_j"
        \builtin typeset -g "$__leapp_j=${(P)__leapp_with-}"
        ;;
      (*) \builtin unset -v "$__leapp_j" ;;
    esac
  }

  # A read-only variable is left as it is: it would end whatever runs, and what comes after it would stay.
  function __leapp_unset {
    \builtin local name
    for name in "$@"; do
      if [[ "${(Pt)name-}" != *readonly* ]]; then
        \builtin unset -v "$name"
      fi
    done
    \builtin return 0
  }

  # Another key id is there. If `leapp env` put it there, going back from that is its own affair, and
  # what we saved is what it needs for that.
  function __leapp_hand_over {
    case "${LEAPP_STATE-}" in
      ("1;e;"*)
        if (( ! ${+__leapp_o_AWS_ACCESS_KEY_ID} )); then
          for __leapp_j in "${__leapp_names[@]}"; do
            __leapp_how="__leapp_was_$__leapp_j" __leapp_with="__leapp_val_$__leapp_j"
            \builtin typeset -g "__leapp_o_$__leapp_j=${(P)__leapp_how-}" "__leapp_v_$__leapp_j=${(P)__leapp_with-}"
          done
        fi
        ;;
      (*)
        __leapp_unset LEAPP_SESSION LEAPP_STATE
        # Without a key id, the rest is what is left of ours.
        if [[ -z "${AWS_ACCESS_KEY_ID-}" ]]; then
          __leapp_unset AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION
        fi
        ;;
    esac
    \builtin return 0
  }

  function __leapp_forget {
    __leapp_k= __leapp_m= __leapp_i= __leapp_r= leapp_session= leapp_warning=
    for __leapp_j in "${__leapp_had[@]}"; do
      \builtin unset -v "__leapp_was_$__leapp_j" "__leapp_val_$__leapp_j"
    done
    __leapp_had=()
    \builtin unset -v __leapp_g_LEAPP_SESSION __leapp_g_LEAPP_STATE __leapp_g_AWS_REGION \
      __leapp_g_AWS_DEFAULT_REGION __leapp_g_AWS_ACCOUNT_ID __leapp_g_AWS_ENDPOINT_URL
  }

  # direnv and its like keep what was there before them and put it back when they go. If that was ours,
  # and we have gone before them, it would come back to where it must not be, and what was there before
  # us would be lost. So we remember what they had changed, and settle it when they have gone.
  function __leapp_owe {
    case "$__leapp_dues" in
      (*" $__leapp_k "*) ;;
      (*) __leapp_dues="${__leapp_dues:- }$__leapp_k " ;;
    esac
    case "$__leapp_due" in
      (*" $__leapp_j "*) \builtin return 0 ;;
    esac
    __leapp_how="__leapp_was_$__leapp_j" __leapp_with="__leapp_g_$__leapp_j"
    # Few sessions touch this one.
    if [[ "$__leapp_j${(P)__leapp_how+1}${(P)__leapp_with+1}" = AWS_ENDPOINT_URL ]]; then
      \builtin return 0
    fi
    __leapp_by="${DIRENV_DIFF-}|${__MISE_DIFF-}"
    __leapp_b="$__leapp_j"
    case "$__leapp_group" in
      (*" $__leapp_j "*) __leapp_b=AWS_ACCESS_KEY_ID ;;
    esac
    __leapp_how="__leapp_was_$__leapp_b" __leapp_with="__leapp_val_$__leapp_b"
    if [[ "${(P)__leapp_how:+1}${(P)__leapp_with-}" = "${(P)__leapp_b+1}${(P)__leapp_b-}" ]]; then
      # What was there before us was that tool's already: it is due what was there before that.
      __leapp_how="__leapp_dp_$__leapp_b" __leapp_with=
      if [[ "${(P)__leapp_how-}" != "${(P)__leapp_b+x}${(P)__leapp_b-}" ]]; then
        __leapp_how="__leapp_dp_$__leapp_j"
        __leapp_with="${(P)__leapp_how-}"
      fi
      \builtin typeset -g "__leapp_dw_$__leapp_j=${__leapp_with[1]-}" "__leapp_dv_$__leapp_j=${__leapp_with[2,-1]-}"
      __leapp_with=
    else
      __leapp_how="__leapp_was_$__leapp_j" __leapp_with="__leapp_val_$__leapp_j"
      \builtin typeset -g "__leapp_dw_$__leapp_j=${(P)__leapp_how-}" "__leapp_dv_$__leapp_j=${(P)__leapp_with-}"
    fi
    __leapp_with="__leapp_g_$__leapp_j"
    \builtin typeset -g "__leapp_dg_$__leapp_j=${(P)__leapp_with+1}${(P)__leapp_with-}" "__leapp_dl_$__leapp_j=${(P)__leapp_j+1}${(P)__leapp_j-}"
    __leapp_due="${__leapp_due:- }$__leapp_j "
  }

  # Whether another tool has acted since: it has put a key id of ours back, or noted something else.
  function __leapp_came_back {
    case "$__leapp_dues" in
      (*" ${AWS_ACCESS_KEY_ID:-?} "*)
        if ! __leapp_is_ours; then
          case "${LEAPP_STATE-}" in
            ("1;"[ex]";"*";$AWS_ACCESS_KEY_ID;"*) ;;
            (*) __leapp_back=1 ;;
          esac
        fi
        ;;
    esac
    # A tool that had noted nothing when we left keeps nothing of ours.
    [[ -n "$__leapp_back" || ( "$__leapp_by" != '|' && "$__leapp_by" != "${DIRENV_DIFF-}|${__MISE_DIFF-}" ) ]]
  }

  function __leapp_settle {
    __leapp_f=
    if [[ "$__leapp_w" = [ud] ]]; then
      __leapp_f="$__leapp_k"
    fi
    __leapp_redo="$__leapp_back"
    if [[ -n "$__leapp_back" ]]; then
      \builtin unset -v AWS_ACCESS_KEY_ID
    fi
    for __leapp_j in "${__leapp_names[@]}"; do
      case "$__leapp_due" in
        (*" $__leapp_j "*)
          if [[ -n "$__leapp_f" ]]; then
            __leapp_correct
          fi
          if __leapp_is_settled; then
            __leapp_redo=1
            if [[ -z "$__leapp_f" ]]; then
              __leapp_how="__leapp_dw_$__leapp_j" __leapp_with="__leapp_dv_$__leapp_j"
              __leapp_put_back
            fi
            __leapp_due="${__leapp_due/ $__leapp_j / }"
            \builtin unset -v "__leapp_dw_$__leapp_j" "__leapp_dv_$__leapp_j" "__leapp_dg_$__leapp_j" "__leapp_dl_$__leapp_j"
          fi
          ;;
      esac
    done
    if [[ "$__leapp_due" = ' ' ]]; then
      __leapp_due=
    fi
    # What is on now is put there once more, over what came back; and as originals the state gets those
    # that are true now, which `.` asks for.
    if [[ -n "$__leapp_f" && -n "$__leapp_redo" ]]; then
      __leapp_d=0
      for __leapp_j in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION; do
        __leapp_give_back
      done
      \builtin typeset -g __leapp_g_LEAPP_STATE="${__leapp_g_LEAPP_STATE%;*};.,.,.,.,${__leapp_g_LEAPP_STATE##*,}"
      \builtin export LEAPP_STATE="$__leapp_g_LEAPP_STATE"
      if [[ -n "$__leapp_back" ]]; then
        \builtin export AWS_ACCESS_KEY_ID="$__leapp_k"
      fi
    fi
    __leapp_back= __leapp_by="${DIRENV_DIFF-}|${__MISE_DIFF-}"
    \builtin return 0
  }

  # What was kept on entering the present project was the other tool's, and is past.
  function __leapp_correct {
    __leapp_how="__leapp_was_$__leapp_j" __leapp_with="__leapp_val_$__leapp_j" __leapp_b="__leapp_dl_$__leapp_j"
    if [[ "${(P)__leapp_how:+1}${(P)__leapp_with-}" = "${(P)__leapp_b-}" ]]; then
      __leapp_b="__leapp_dw_$__leapp_j"
      \builtin typeset -g "$__leapp_how=${(P)__leapp_b-}"
      __leapp_b="__leapp_dv_$__leapp_j"
      \builtin typeset -g "$__leapp_with=${(P)__leapp_b-}"
      __leapp_had+=("$__leapp_j")
      __leapp_redo=1
    fi
    \builtin return 0
  }

  # Whether a variable is again what we gave. The credentials are if their key id is; and where that is
  # what it was before us, all that is left of ours goes.
  function __leapp_is_settled {
    case "$__leapp_group" in
      (*" $__leapp_j "*)
        [[ -n "$__leapp_back" || ( -z "$__leapp_f" && "${AWS_ACCESS_KEY_ID-}" = "${__leapp_dv_AWS_ACCESS_KEY_ID-}" ) ]]
        ;;
      (*)
        __leapp_with="__leapp_dg_$__leapp_j"
        [[ "${(P)__leapp_j+1}${(P)__leapp_j-}" = "${(P)__leapp_with-}" ]]
        ;;
    esac
  }

  # `leapp use`: unlike the directory's, the answer to a request by hand leaves all as it is when it
  # fails.
  function __leapp_use {
    {
      \builtin emulate -L zsh
      \builtin setopt no_xtrace no_verbose no_err_exit no_err_return no_all_export no_warn_create_global
      # Local: a logger of commands must not see secrets. The user's is there again afterwards.
      \builtin trap - DEBUG
    } 2>/dev/null
    for __leapp_j in "$@"; do
      case "$__leapp_j" in
        (-h|--help)
          "$__leapp_program" use --help
          \builtin return
          ;;
      esac
    done
    __leapp_armed=1 __leapp_inherited=
    __leapp_find
    __leapp_held=() __leapp_shut=
    if [[ -n "$__leapp_k" ]] && __leapp_is_ours; then
      __leapp_held=(--held) __leapp_shut="${LEAPP_STATE/;$__leapp_k;/;LEAPP-EXPIRED;}"
    else
      __leapp_restore
    fi
    __leapp_ok=
    __leapp_status=127
    if __leapp_reach; then
      if __leapp_text="$(HOME="$__leapp_user_home" LEAPP_HOME="$__leapp_home" XDG_RUNTIME_DIR="$__leapp_xdg" LEAPP_VAULT="$__leapp_vault" \
        "$__leapp_program" hook-env zsh --by-hand "${__leapp_held[@]}" -- "$@")"; then
        case "$__leapp_text" in
          (*'__leapp_ok=1;') \builtin eval "$__leapp_text" 2>/dev/null ;;
        esac
        __leapp_status=1
      else
        __leapp_status=$?
      fi
    fi
    __leapp_text=
    if [[ -z "$__leapp_ok" ]]; then
      if [[ -n "$__leapp_m" ]]; then
        __leapp_tell_fixed
      fi
      if [[ -n "$__leapp_m" && -n "$__leapp_shut" && -n "$__leapp_k" ]]; then
        __leapp_shut_off
      elif [[ -n "$__leapp_m" ]]; then
        __leapp_restore
        __leapp_w=
      fi
      \builtin return "$__leapp_status"
    fi
    __leapp_m=
    __leapp_clock
    __leapp_here
    if [[ -n "$__leapp_n" ]]; then
      __leapp_say "$__leapp_n"
    fi
    __leapp_warned=
    \builtin return 0
  }

  # The project that is here now is held back from; it is known by its path from the root.
  function __leapp_here {
    __leapp_absolute
    __leapp_p="$PWD"
  }

  function __leapp_absolute {
    __leapp_a=
    if [[ -n "$__leapp_f" ]]; then
      __leapp_a="$PWD/$__leapp_f"
      if ! [[ "$__leapp_a" -ef "$__leapp_f" ]]; then
        __leapp_a="$(\builtin pwd -P)/$__leapp_f"
      fi
    fi
  }

  function __leapp_off {
    {
      \builtin emulate -L zsh
      \builtin setopt no_xtrace no_verbose no_err_exit no_err_return no_all_export no_warn_create_global
      # Local: a logger of commands must not see secrets. The user's is there again afterwards.
      \builtin trap - DEBUG
    } 2>/dev/null
    __leapp_armed=1 __leapp_inherited=
    __leapp_name="$leapp_session"
    __leapp_restore
    # What `leapp env` or an outer shell has put there goes too.
    if [[ -n "${LEAPP_STATE-}" ]]; then
      __leapp_outer_name
      if __leapp_reach && __leapp_text="$(HOME="$__leapp_user_home" LEAPP_HOME="$__leapp_home" XDG_RUNTIME_DIR="$__leapp_xdg" "$__leapp_program" env --unset --shell=zsh 2>/dev/null)"; then
        __leapp_leaving=1
        \builtin eval "$__leapp_text"
      else
        case "$LEAPP_STATE" in
          (*";${AWS_ACCESS_KEY_ID:-?};"*)
            __leapp_unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION
            ;;
        esac
      fi
      __leapp_text= __leapp_leaving=
      __leapp_unset LEAPP_SESSION LEAPP_STATE
    fi
    __leapp_w=o __leapp_c= __leapp_l= __leapp_h=
    __leapp_find
    __leapp_here
    if [[ -n "$__leapp_name" ]]; then
      __leapp_say "leapp: $__leapp_name is off; directories switch on again when another project is entered"
    else
      __leapp_say "leapp: nothing was on; directories switch on again when another project is entered"
    fi
    \builtin return 0
  }

  # The program, and the two commands that only a function can carry out.
  function leapp {
    case "${1-}" in
      (use)
        \builtin shift
        __leapp_use "$@"
        ;;
      (off) __leapp_off ;;
      (doctor)
        \builtin shift
        __leapp_reach || \builtin return 127
        "$__leapp_program" doctor "--hook=$(__leapp_report)" "$@"
        ;;
      (*) __leapp_pass "$@" ;;
    esac
  }

  # What a command of ours did may have changed what holds here.
  function __leapp_pass {
    if __leapp_reach; then
      if "$__leapp_program" "$@"; then __leapp_own=0; else __leapp_own=$?; fi
    else
      __leapp_own=127
    fi
    __leapp_chpwd_last
    \builtin return "$__leapp_own"
  }

  # Facts for `leapp doctor`: a semicolon ends each, so that none may hold one. Runs in a subshell.
  function __leapp_report {
    \builtin emulate -L zsh
    \builtin print -rn -- "zsh;version=$ZSH_VERSION;text=LEAPP_HOOK_TEXT;loads=$__leapp_loads;owner=$__leapp_w;"
    \builtin print -rn -- "precmd=${${(j: :)precmd_functions}//;/ };chpwd=${${(j: :)chpwd_functions}//;/ };moved="
    if [[ "${LEAPP_HOME-}" != "$__leapp_home" ]]; then \builtin print -rn -- 'LEAPP_HOME '; fi
    if [[ "${XDG_RUNTIME_DIR-}" != "$__leapp_xdg" ]]; then \builtin print -rn -- 'XDG_RUNTIME_DIR '; fi
    if [[ "${LEAPP_VAULT-}" != "$__leapp_vault" ]]; then \builtin print -rn -- 'LEAPP_VAULT '; fi
    \builtin print -rn -- ';'
  }

  # First in both lists, so that prompts see the new environment and what is left is left before other
  # tools go; and last, to enter after them and to see what they have changed.
  function __leapp_register {
    \builtin typeset -ga precmd_functions chpwd_functions
    precmd_functions=(__leapp_precmd "${(@)precmd_functions:#__leapp_precmd(|_last)}" __leapp_precmd_last)
    chpwd_functions=(__leapp_chpwd "${(@)chpwd_functions:#__leapp_chpwd(|_last)}" __leapp_chpwd_last)
  }

  function __leapp_load {
    \builtin emulate -L zsh
    \builtin setopt no_err_exit no_err_return no_all_export no_warn_create_global no_xtrace no_verbose
    # Asked this way, because $functions would load a module.
    if ! \builtin typeset -f __leapp_loaded >/dev/null; then
      # An outer environment must not bring state: a variable that comes from there is exported.
      \builtin typeset -g __leapp__program="$__leapp_program"
      \builtin unset -m '__leapp_[a-z]' '__leapp_[a-z][a-z]*' '__leapp_g_*' leapp_session leapp_warning
      # Those of `leapp env`: where the first one is exported, all come from elsewhere.
      if [[ "${(t)__leapp_o_AWS_ACCESS_KEY_ID-}${(t)__leapp_o_AWS_PROFILE-}${(t)__leapp_o_AWS_SECRET_ACCESS_KEY-}" = *export* ]]; then
        \builtin unset -m '__leapp_[ov]_*'
      fi
      \builtin typeset +x -m '__leapp_[ov]_*'
      \builtin typeset -g __leapp_program="$__leapp__program"
      \builtin unset -v __leapp__program
      \builtin typeset -g __leapp_p= __leapp_w= __leapp_a= __leapp_c= __leapp_l= __leapp_h= __leapp_k= \
        __leapp_i= __leapp_r= __leapp_n= __leapp_q= __leapp_m= __leapp_t= __leapp_text= __leapp_leaving= __leapp_f= __leapp_b= \
        __leapp_j= __leapp_s=0 __leapp_d=0 __leapp_ok= __leapp_shut= __leapp_fixed= __leapp_armed= __leapp_warned= __leapp_gone= \
        __leapp_late= __leapp_first= __leapp_name= __leapp_how= __leapp_with= __leapp_status= \
        __leapp_due= __leapp_dues= __leapp_by= __leapp_back= __leapp_redo= __leapp_own= __leapp_top= __leapp_inherited= __leapp_format='%D{%s}' __leapp_loads=0 leapp_session= leapp_warning=
      \builtin typeset -ga __leapp_names __leapp_had __leapp_held
      # Every variable that a session may touch: what says whose it is first, the key id last.
      __leapp_names=(
        LEAPP_SESSION LEAPP_STATE
        AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_SESSION_EXPIRATION
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI
        AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
        AWS_CONTAINER_TOKEN_ENDPOINT AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN
        AWS_ROLE_SESSION_NAME AWS_VAULT AWSUME_PROFILE AWS_SSO_PROFILE
        AWS_ENDPOINT_URL
        AWS_ACCOUNT_ID AWS_REGION AWS_DEFAULT_REGION
        AWS_CREDENTIAL_EXPIRATION AWS_SESSION_TOKEN AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID
      )
      # Those that are credentials only together, and what says whose they are.
      \builtin typeset -g __leapp_group=' AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION LEAPP_SESSION LEAPP_STATE '
      __leapp_had=()
      function __leapp_loaded { \builtin return 0; }
    fi
    __leapp_loads=$(( __leapp_loads + 1 ))
    \builtin typeset -g __leapp_user_home="${HOME-}" __leapp_home="${LEAPP_HOME-}" __leapp_xdg="${XDG_RUNTIME_DIR-}" __leapp_vault="${LEAPP_VAULT-}"
    __leapp_register
  }
  __leapp_load
fi

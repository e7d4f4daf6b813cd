# The hook for fish, 3.6 and later. The line before this file sets __leapp_program.
#
# What runs at a prompt where nothing has changed is __leapp_on_prompt: builtins alone, no process.
# Going back is fish alone too, so that it works when the program is gone, hangs or is interrupted.
# Switching on asks the program, `leapp hook-env`, whose answer is complete or not taken at all.
#
# fish has no clock. The lease has a third file, .end, whose time is when to ask again, and
# `path mtime -R` tells how long ago that is. It tells the project file's time too, so that a file
# that became older is noticed in the same look.
#
# Only global variables are changed; universal ones belong to every shell, and stay.
#
# Variables, all global and none exported:
#   __leapp_p  the directory that was handled last; empty: look again
#   __leapp_w  who owns this shell: d directory, u use, o off, x exec, g given up, or nobody
#   __leapp_a  the project file that governs, canonical     __leapp_c  the same, relative
#   __leapp_l  the lease: .hi, .lo and .end                 __leapp_h  1: for this directory alone
#   __leapp_e  seconds from the project file's time to the end of the lease
#   __leapp_u  the clock when it was read last, in seconds from that end: it never goes back by itself
#   __leapp_k  our access key id     __leapp_i  the session's identity     __leapp_r  its region
#   __leapp_n  lines to print        __leapp_q  what was said
#   __leapp_m  1: half changed  2: half restored  3: half changed, and closed
#   __leapp_shut  the state that closes what is on, while the program is asked
#   __leapp_had  the variables that were set before us      __leapp_paths  path variables among them
#   __leapp_was_N  s or x, and the value before us;  __leapp_g_N  what we gave
#   __leapp_due    the variables that another tool had changed when we left, so that they are owed still
#   __leapp_dw_N  as was;  __leapp_dg_N, __leapp_dl_N  given and left, if it was
#   __leapp_dp_N   x and what there was before another tool acted
#   __leapp_dues   our key ids of then     __leapp_by  what direnv and mise had noted    __leapp_back  1: a key came back
#   leapp_session, leapp_warning  for your prompt

if status is-interactive
    and test "$LEAPP_HOOK" != 0
    and test -z "$VSCODE_RESOLVING_ENVIRONMENT$INTELLIJ_ENVIRONMENT_READER"

    if not builtin functions -q __leapp_on_prompt
        # An outer environment must not bring state.
        for __leapp_j in (set -gn | string match -r '^__leapp_(?!program$|o_).*|^leapp_(?:session|warning)$')
            set -eg $__leapp_j
        end
        # Those of `leapp env`, if this shell has them: exported, they come from elsewhere.
        for __leapp_j in (set -gxn | string match '__leapp_o_*')
            set -eg $__leapp_j
        end
        for __leapp_j in p w a c l h e k i r n q m t f ok shut armed warned gone inherited
            set -gu __leapp_$__leapp_j ''
        end
        set -gu __leapp_loads 0
        set -gu __leapp_had
        set -gu __leapp_paths
        set -gu __leapp_due
        set -gu __leapp_dues
        set -gu __leapp_by
        set -gu __leapp_back
        set -gu __leapp_redo
        set -gu leapp_session ''
        set -gu leapp_warning ''
    end
    set -gu __leapp_program $__leapp_program
    set -gu __leapp_loads (builtin math $__leapp_loads + 1)
    set -gu __leapp_user_home "$HOME"
    set -gu __leapp_home "$LEAPP_HOME"
    set -gu __leapp_xdg "$XDG_RUNTIME_DIR"
    set -gu __leapp_vault "$LEAPP_VAULT"
    # Every variable that a session may touch: what says whose it is first, the key id last.
    set -gu __leapp_names \
        LEAPP_SESSION LEAPP_STATE \
        AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_SESSION_EXPIRATION \
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI \
        AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE \
        AWS_CONTAINER_TOKEN_ENDPOINT AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN \
        AWS_ROLE_SESSION_NAME AWS_VAULT AWSUME_PROFILE AWS_SSO_PROFILE \
        AWS_ENDPOINT_URL \
        AWS_ACCOUNT_ID AWS_REGION AWS_DEFAULT_REGION \
        AWS_CREDENTIAL_EXPIRATION AWS_SESSION_TOKEN AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID
    # Those that are credentials only together, and what says whose they are.
    set -gu __leapp_group AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION \
        LEAPP_SESSION LEAPP_STATE

    # At each prompt. Two tests of files where nothing governs, four where a project does.
    function __leapp_on_prompt --on-event fish_prompt
        if set -qg __leapp_due[1]
            __leapp_beside
        end
        if test "$PWD" = "$__leapp_p"
            switch "$__leapp_w"
                case d
                    if __leapp_is_undisputed; and __leapp_lease_holds "$__leapp_c"
                        __leapp_contradicted
                        return 0
                    end
                case u
                    if __leapp_is_undisputed; and __leapp_use_holds
                        __leapp_contradicted
                        return 0
                    end
                case g
                    if not __leapp_is_ours
                        return 0
                    end
                case o x
                    return 0
                case '*'
                    if not test -e .leapp.local.toml; and not test -e .leapp.toml
                        return 0
                    end
            end
        end
        __leapp_check
    end

    # After each change of the directory, also between the statements of a line. Before other tools see
    # the new directory, what is on is left, and after them the new one is entered: so each of us goes
    # back to what it found, the last one first.
    function __leapp_on_directory --on-variable PWD
        if test -n "$__leapp_armed" -a -z "$__leapp_inherited"; and builtin contains -- "$__leapp_w" d g
            __leapp_check leave
        end
        # What is there before that tool acts on the new directory.
        if test -n "$__leapp_armed" -a -z "$__leapp_inherited$__leapp_k" -a -n "$DIRENV_DIFF$__MISE_DIFF"
            set -l fish_trace
            for name in $__leapp_names
                set -eg __leapp_dp_$name
                set -qg $name
                and set -gu __leapp_dp_$name x $$name
            end
        end
    end

    function __leapp_again
        if test -n "$__leapp_armed"
            __leapp_check
        end
    end

    # After all others, where they were there before our first prompt: they may have changed what we
    # gave. No file is looked at.
    function __leapp_register
        function __leapp_on_prompt_last --on-event fish_prompt
            if test -n "$__leapp_due$__leapp_k"
                __leapp_beside
            end
            # These register anew at each prompt, so that they would run after ours.
            if test -n "$DIRENV_DIFF$__MISE_DIFF"
                __leapp_register_directory
            end
        end
        __leapp_register_directory
    end

    function __leapp_register_directory
        function __leapp_on_directory_last --on-variable PWD
            __leapp_again
        end
    end

    # Before a command runs, at the latest, what others have brought back is noticed.
    function __leapp_on_command --on-event fish_preexec
        if set -qg __leapp_due[1]
            __leapp_beside
        end
    end

    function __leapp_beside
        set -l fish_trace
        if set -qg __leapp_due[1]; and __leapp_came_back
            __leapp_check
        else
            __leapp_contradicted
        end
        return 0
    end

    # Four looks: at the time of the lease's end and of the project file, and whether the file is
    # newer than the lease allows.
    function __leapp_lease_holds --argument-names file
        set -l times (builtin path mtime -R -- "$__leapp_l.end" "$file")
        and test (builtin count $times) -eq 2
        and test "$times[1]" -lt 0 -a "$times[1]" -ge "$__leapp_u"
        and set -g __leapp_u $times[1]
        and test (builtin math -- "$times[2] - $times[1]") = "$__leapp_e"
        and test "$__leapp_l.hi" -nt "$file"
    end

    function __leapp_use_holds
        set -l times (builtin path mtime -R -- "$__leapp_l.end")
        and test "$times[1]" -lt 0 -a "$times[1]" -ge "$__leapp_u"
        and set -g __leapp_u $times[1]
        and test -e "$__leapp_l.hi"
    end

    # Other keys in place of ours, or a profile that came after us: some programs prefer it to the
    # session's keys.
    function __leapp_contradicted
        if test -z "$__leapp_k"
            return 0
        else if not __leapp_is_ours
            if builtin contains -- "$__leapp_w" d u
                __leapp_check
            end
        else if test -z "$__leapp_warned" -a -n "$AWS_PROFILE$AWS_DEFAULT_PROFILE"
            set -g __leapp_warned 1
            __leapp_say "leapp: a profile (AWS_PROFILE) was set beside session '$leapp_session', and some programs prefer it: set -e AWS_PROFILE AWS_DEFAULT_PROFILE"
        end
        return 0
    end

    function __leapp_say
        builtin printf '%s\n' $argv >&2
    end

    # The way here is taken when something has changed. An interrupt may end it anywhere: until its
    # end the directory counts as not handled. It runs untraced.
    function __leapp_check
        set -l fish_trace
        set -g __leapp_p
        if __leapp_step $argv
            set -g __leapp_p $PWD
        end
        return 0
    end

    # Tells by its status whether the directory is handled.
    function __leapp_step
        if builtin contains -- "$__leapp_m" 1 2
            __leapp_restore
            set -g __leapp_w
        end
        if test -z "$__leapp_armed"
            set -g __leapp_armed 1
            __leapp_register
            switch "$LEAPP_STATE"
                case "1;x;*;$AWS_ACCESS_KEY_ID;*"
                    if test -n "$AWS_ACCESS_KEY_ID"
                        set -g __leapp_w x
                    end
                case '1;d;*' '1;u;*'
                    set -g __leapp_inherited 1
            end
            # Who became somebody else by sudo did not ask for directories.
            if test "$EUID" = 0 -a -n "$SUDO_UID"
                set -g __leapp_w x
                set -g __leapp_inherited
            end
        end
        if test -n "$__leapp_inherited"
            __leapp_adopt
            return
        end
        if test "$__leapp_w" = x
            return 0
        end
        if set -qg __leapp_due[1]; and __leapp_came_back
            __leapp_settle
        end
        __leapp_find
        if set -q argv[1]
            # What was given up outside of projects is waited for.
            if test "$__leapp_w$__leapp_a$__leapp_f" = g
            else if test -z "$__leapp_f" -o -z "$__leapp_a"; or not __leapp_is_same_file
                __leapp_leave
            end
            return 1
        end
        if test "$__leapp_w" = g -a -n "$__leapp_k"; and __leapp_is_ours
            # Who had replaced our keys has put them back. No lease is there: the program is asked.
            set -g __leapp_l /
            set -g __leapp_w d
            string match -q '1;u;*' -- "$__leapp_g_LEAPP_STATE"
            and set -g __leapp_w u
        end
        if builtin contains -- "$__leapp_w" u d; and test -n "$__leapp_k"
            if not __leapp_is_ours
                __leapp_give_up
            else if test "$LEAPP_STATE" != "$__leapp_g_LEAPP_STATE"
                # Our own word on what is on; nobody else has a say in it.
                set -gx LEAPP_SESSION $leapp_session
                set -gx LEAPP_STATE $__leapp_g_LEAPP_STATE
            end
        end
        if test -n "$__leapp_f" -a -n "$__leapp_a"; and __leapp_is_same_file
            __leapp_same_project
        else if test -z "$__leapp_f"
            __leapp_no_project
        else
            __leapp_other_project
        end
    end

    # Whether the file that governs now is the one that governed before: by its physical path.
    function __leapp_is_same_file
        test (builtin path resolve -- "$__leapp_f") = (builtin path resolve -- "$__leapp_a")
    end

    # The name that the environment gives, for a prompt or a line: whatever it holds, nothing moves
    # the cursor or is taken for more than a name.
    function __leapp_outer_name
        if string match -qr '^[A-Za-z0-9._-]*\z' -- "$LEAPP_SESSION"
            builtin printf '%s\n' "$LEAPP_SESSION"
        else
            builtin printf '%s\n' unknown
        end
    end

    # In a shell that was started inside a session: until the program has said what to do about it,
    # what is there counts as ours, so that it can be closed.
    function __leapp_adopt
        if test -n "$AWS_ACCESS_KEY_ID"; and string match -q "*;$AWS_ACCESS_KEY_ID;*" -- "$LEAPP_STATE"
            set -g __leapp_w d
            set -g __leapp_k $AWS_ACCESS_KEY_ID
            for name in LEAPP_STATE LEAPP_SESSION AWS_REGION AWS_DEFAULT_REGION
                set -g __leapp_g_$name $$name
            end
            set -g leapp_session (__leapp_outer_name)
        else
            # An outer hook's word on keys that are gone.
            set -eg LEAPP_SESSION
            set -eg LEAPP_STATE
        end
        __leapp_ask
        set -l handled $status
        if test -n "$__leapp_ok"
            set -g __leapp_inherited
            if test "$__leapp_w" = u
                __leapp_find
                __leapp_absolute
            end
        end
        return $handled
    end

    function __leapp_same_project
        switch "$__leapp_w"
            case d
                if test -z "$__leapp_h"; and __leapp_lease_holds "$__leapp_f"
                    set -g __leapp_c $__leapp_f
                    return 0
                end
                __leapp_ask --held
            case u
                __leapp_keep_use
            case '*'
                return 0
        end
    end

    function __leapp_no_project
        switch "$__leapp_w"
            case d
                __leapp_leave
            case g
                if test -n "$__leapp_a"
                    __leapp_leave
                end
            case u
                set -g __leapp_a
                set -g __leapp_c
                __leapp_keep_use
                return
            case '*'
                set -g __leapp_a
                set -g __leapp_c
        end
        return 0
    end

    function __leapp_other_project
        if builtin contains -- "$__leapp_w" d g
            __leapp_leave
        end
        switch "$__leapp_w"
            case u
                __leapp_ask --held --hold=u
            case o
                __leapp_ask --hold=o
            case '*'
                __leapp_ask
        end
    end

    # What `leapp use` switched on is held as long as its lease is there.
    function __leapp_keep_use
        if __leapp_use_holds
            return 0
        end
        # The answer speaks of no project: the one that is held back from stays the same.
        set -l project $__leapp_a
        __leapp_ask --held --keep=$__leapp_i --region=$__leapp_r
        set -l handled $status
        set -g __leapp_a $project
        return $handled
    end

    # Whether what is on is what the hook put there. The key id alone says so: what a state says,
    # anybody may have written.
    function __leapp_is_ours
        test "$AWS_ACCESS_KEY_ID" = "$__leapp_k"
    end

    # Whether nobody has put other keys in the place of ours.
    function __leapp_is_undisputed
        test -z "$__leapp_k" -o "$AWS_ACCESS_KEY_ID" = "$__leapp_k"
    end

    # Other keys than ours are on: nothing says any more that our session is. What was saved is kept,
    # should ours return.
    function __leapp_give_up
        if not string match -q '1;e;*' -- "$LEAPP_STATE"
            if test -n "$AWS_ACCESS_KEY_ID"; and test -n "$__leapp_f" -o "$__leapp_w" = u
                __leapp_say "leapp: other credentials have replaced those of '$leapp_session', so it is given up here"
            end
        end
        set -g __leapp_w g
        __leapp_hand_over
        set -g leapp_session
        set -g leapp_warning
    end

    function __leapp_leave
        set -l name
        if __leapp_is_ours
            set name $leapp_session
        end
        __leapp_restore
        for letter in w a c l h
            set -g __leapp_$letter
        end
        if test -n "$name"
            __leapp_say "leapp: $name is off"
        end
        return 0
    end

    # The project file that governs, relative, as the kernel sees it: `..` of a directory that was
    # entered through a link is not `..` of its name. Never looks into what the user does not own,
    # nor above a repository.
    function __leapp_find
        set -g __leapp_f
        set -l up ''
        set -l tops
        for level in (string split -- / (builtin pwd -P))[1..64]
            set -a tops ./$up
            set up ../$up
        end
        set -l owned (builtin path filter --perm user -- $tops)
        set -l candidates
        for top in $tops
            builtin contains -- $top $owned
            or break
            set -a candidates $top.leapp.local.toml $top.leapp.toml $top.git
        end
        set -l first (builtin path filter -- $candidates)[1]
        switch "$first"
            case '*.git' ''
            case '*'
                set -g __leapp_f (string sub -s 3 -- $first)
        end
        return 0
    end

    # Asks the program and takes its answer, whole or not at all. LEAPP_HOME and its like are those of
    # the time when the hook was loaded: a project's environment must not point elsewhere.
    function __leapp_ask
        set -l result 127
        set -g __leapp_ok
        __leapp_prepare_shutting
        if __leapp_is_free; and __leapp_reach
            set -l text (HOME=$__leapp_user_home LEAPP_HOME=$__leapp_home XDG_RUNTIME_DIR=$__leapp_xdg LEAPP_VAULT=$__leapp_vault \
                $__leapp_program hook-env fish --said=$__leapp_q $argv)
            set result $status
            if test $result -eq 0
                set result 1
                if string match -q '*__leapp_ok 1;' -- "$text[-1]"
                    eval $text
                end
            end
        end
        if test -z "$__leapp_ok"
            __leapp_failed
            # 130: interrupted, so that the next prompt tries again.
            test $result -ne 130
            return
        end
        set -g __leapp_m
        __leapp_clock
        if test -n "$__leapp_n"
            __leapp_say $__leapp_n
        end
        set -g __leapp_warned
        return 0
    end

    # What the lease's end is from the project file's time: as long as it is the same, so is the file.
    function __leapp_clock
        set -g __leapp_u -9999999999
        set -g __leapp_e
        if test "$__leapp_w" = d
            set -l times (builtin path mtime -R -- "$__leapp_l.end" "$__leapp_c")
            if test (builtin count $times) -eq 2
                set -g __leapp_e (builtin math -- "$times[2] - $times[1]")
            end
        end
    end

    # Whether the program is there. A new one is taken from PATH only by an absolute path that is not
    # below the current directory.
    function __leapp_reach
        if test -x "$__leapp_program"
            return 0
        end
        set -l found (command -s leapp)
        if string match -q '/*' -- "$found"
            and not __leapp_is_below "$found" "$PWD"
            and not __leapp_is_below (builtin path resolve -- (builtin path dirname -- "$found"))/ (builtin pwd -P)
            set -g __leapp_program $found
            return 0
        end
        if test -z "$__leapp_gone"
            set -g __leapp_gone 1
            __leapp_say "leapp: '$__leapp_program' is gone, so directories switch nothing on; install leapp, then start a new shell"
        end
        return 1
    end

    function __leapp_is_below --argument-names path directory
        test (string sub -l (builtin math 1 + (string length -- "$directory")) -- "$path" | string collect) = "$directory/"
    end

    # Without an answer, what is on must not stay on and must not give way to other credentials: keys
    # that cannot work take its place. Where nothing was on, nothing changes.
    function __leapp_failed
        if test -n "$__leapp_m"; and test -z "$__leapp_shut" -o -z "$__leapp_k"
            __leapp_restore
            set -g __leapp_w
        end
        switch "$__leapp_w"
            case d u
                if test -n "$__leapp_shut" -a -n "$__leapp_k"
                    __leapp_shut_off
                end
            case ''
                set -g __leapp_w d
                set -g __leapp_a
                set -g __leapp_c $__leapp_f
        end
        # Ask again at the next prompt: what failed costs one start of a program each time.
        set -g __leapp_l /
    end

    # The state that closes what is on, while the program is asked.
    function __leapp_prepare_shutting
        set -g __leapp_shut
        if test -n "$__leapp_k"; and __leapp_is_ours
            set -g __leapp_shut (string replace -- ";$__leapp_k;" ';LEAPP-EXPIRED;' "$LEAPP_STATE")
        end
    end

    # Where a change was begun, all goes back when the directory is left.
    function __leapp_shut_off
        set -gx AWS_ACCESS_KEY_ID LEAPP-EXPIRED
        set -gx AWS_SECRET_ACCESS_KEY LEAPP-EXPIRED
        set -gx AWS_SESSION_TOKEN LEAPP-EXPIRED
        set -gx AWS_CREDENTIAL_EXPIRATION 1970-01-01T00:00:00Z
        set -gx LEAPP_STATE $__leapp_shut
        set -gx LEAPP_SESSION "$leapp_session"
        set -g __leapp_g_LEAPP_STATE $LEAPP_STATE
        set -g __leapp_g_LEAPP_SESSION $LEAPP_SESSION
        set -g __leapp_k LEAPP-EXPIRED
        set -g leapp_warning expired
        if test -n "$__leapp_m"
            set -g __leapp_m 3
        end
    end

    # Whether no universal variable would show where a session has none: children see an exported one
    # wherever no global one hides it.
    function __leapp_is_free
        set -l universal
        for name in $__leapp_names[3..19]
            set -qUx $name
            and set -a universal $name
        end
        if test -z "$universal"
            set -g __leapp_universal
            return 0
        end
        if test "$__leapp_universal" != "$universal"
            set -g __leapp_universal $universal
            __leapp_say "leapp: universal variables outrank every session, so nothing is switched on: set -eU $universal"
        end
        return 1
    end

    # Keeps what is there: of each name, the global variable. Mostly none is.
    function __leapp_save
        __leapp_forget
        set -qg $__leapp_names
        if test $status -eq (builtin count $__leapp_names)
            return 0
        end
        for name in $__leapp_names
            if test $name = AWS_ENDPOINT_URL; and not builtin contains -- $name $argv
                continue
            else if set -qgx $name
                set -gu __leapp_was_$name x $$name
                set -ga __leapp_had $name
            else if set -qg $name
                set -gu __leapp_was_$name s $$name
                set -ga __leapp_had $name
            else
                continue
            end
            if __leapp_is_path $name
                set -ga __leapp_paths $name
            end
        end
        return 0
    end

    # A path variable is one whose elements are joined by colons.
    function __leapp_is_path --argument-names name
        set -l plain $$name
        test "$$name" != "$plain"
        or string match -q '* a path variable *' -- (set --show $name)[1]
    end

    # Goes back. What the user has changed stays as it is, and where the key id is not ours any more
    # so does everything but our markers. After a change that was cut short all goes back.
    function __leapp_restore
        if test -z "$__leapp_m" -o "$__leapp_m" = 3
            if test -z "$__leapp_k"
                __leapp_forget
                return 0
            else if not __leapp_is_ours
                if not string match -q '1;e;*' -- "$LEAPP_STATE"
                    for name in $__leapp_names
                        __leapp_owe $name
                    end
                end
                __leapp_hand_over
                __leapp_forget
                return 0
            end
            if test "$__leapp_m" = 3
                set -g __leapp_m 1
            else
                set -g __leapp_m 2
            end
        end
        if test $__leapp_m = 2; and __leapp_is_untouched
            # All goes back from here on, should this be interrupted.
            set -g __leapp_m 1
            set -eg AWS_ACCESS_KEY_ID $__leapp_group AWS_REGION AWS_DEFAULT_REGION AWS_ACCOUNT_ID LEAPP_SESSION LEAPP_STATE
            for name in $__leapp_had
                __leapp_give_back $name
            end
        else
            set -eg AWS_ACCESS_KEY_ID
            for name in $__leapp_names
                if __leapp_goes_back $name
                    __leapp_give_back $name
                else if test "$__leapp_m" = 2 -a -n "$DIRENV_DIFF$__MISE_DIFF"
                    __leapp_owe $name
                end
            end
        end
        __leapp_forget
        return 0
    end

    # Whether all that we gave and removed is as we left it.
    function __leapp_is_untouched
        set -qg $__leapp_names[3..17]
        test $status -eq 15
        and not set -qg __leapp_g_AWS_ENDPOINT_URL
        and test "$LEAPP_SESSION|$LEAPP_STATE|$AWS_REGION|$AWS_DEFAULT_REGION|$AWS_ACCOUNT_ID" = "$__leapp_g_LEAPP_SESSION|$__leapp_g_LEAPP_STATE|$__leapp_g_AWS_REGION|$__leapp_g_AWS_DEFAULT_REGION|$__leapp_g_AWS_ACCOUNT_ID"
        and test (builtin count $AWS_ACCOUNT_ID) -eq (builtin count $__leapp_g_AWS_ACCOUNT_ID)
    end

    # Whether a variable returns: it belongs to the credentials, or is as we gave it.
    function __leapp_goes_back --argument-names name
        if builtin contains -- $name $__leapp_group
            return 0
        end
        set -l gave __leapp_g_$name
        set -l was __leapp_was_$name
        if test $__leapp_m = 2
            set -qg $name
            and not set -qg $gave
            and return 1
            not set -qg $name
            and set -qg $gave
            and return 1
            test "$$name" = "$$gave"
        else if test $name = AWS_ENDPOINT_URL
            set -qg $gave
            or set -qg $was
        end
    end

    function __leapp_give_back --argument-names name
        set -l was __leapp_was_$name
        __leapp_put_back $name $$was
    end

    function __leapp_put_back --argument-names name
        set -l saved $argv[2..-1]
        switch "$saved[1]"
            case x
                set -gx $name $saved[2..-1]
            case s
                set -gu $name $saved[2..-1]
            case '*'
                set -eg $name
        end
        if builtin contains -- $name $__leapp_paths
            set -g --path $name $$name
        end
        return 0
    end

    # Another key id is there. If `leapp env` put it there, going back from that is its own affair,
    # and what we saved is what it needs for that.
    function __leapp_hand_over
        switch "$LEAPP_STATE"
            case '1;e;*'
                if not set -qg __leapp_o_AWS_ACCESS_KEY_ID
                    for name in $__leapp_names
                        set -l was __leapp_was_$name
                        set -gu __leapp_o_$name $$was
                    end
                end
            case '*'
                set -eg LEAPP_SESSION
                set -eg LEAPP_STATE
                # Without a key id, the rest is what is left of ours.
                if test -z "$AWS_ACCESS_KEY_ID"
                    set -eg AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION
                end
        end
        return 0
    end

    function __leapp_forget
        for letter in k m i r
            set -g __leapp_$letter
        end
        set -g leapp_session
        set -g leapp_warning
        set -qg __leapp_had[1]
        and set -eg __leapp_was_$__leapp_had
        set -eg __leapp_g_{LEAPP_SESSION,LEAPP_STATE,AWS_REGION,AWS_DEFAULT_REGION,AWS_ACCOUNT_ID,AWS_ENDPOINT_URL}
        set -gu __leapp_had
        set -gu __leapp_paths
        return 0
    end

    # direnv and its like keep what was there before them and put it back when they go. If that was ours,
    # and we have gone before them, it would come back to where it must not be, and what was there before
    # us would be lost. So we remember what they had changed, and settle it when they have gone.
    function __leapp_owe --argument-names name
        builtin contains -- "$__leapp_k" $__leapp_dues
        or set -ga __leapp_dues $__leapp_k
        if builtin contains -- $name $__leapp_due
            return 0
        end
        set -l was __leapp_was_$name
        set -l gave __leapp_g_$name
        # Few sessions touch this one.
        if test $name = AWS_ENDPOINT_URL; and not set -qg $was; and not set -qg $gave
            return 0
        end
        set -g __leapp_by "$DIRENV_DIFF|$__MISE_DIFF"
        set -l key $name
        builtin contains -- $name $__leapp_group
        and set key AWS_ACCESS_KEY_ID
        set -l saved __leapp_was_$key
        set saved $$saved
        if set -q saved[1]; and set -qg $key; and test "$saved[2..-1]" = "$$key"
            # What was there before us was that tool's already: it is due what was there before that.
            set -l early __leapp_dp_$key
            set early $$early
            set -gu __leapp_dw_$name
            if set -q early[1]; and test "$early[2..-1]" != "$$key"
                set early __leapp_dp_$name
                set -gu __leapp_dw_$name $$early
            end
        else
            set -gu __leapp_dw_$name $$was
        end
        set -eg __leapp_dg_$name
        set -qg $gave
        and set -gu __leapp_dg_$name $$gave
        set -eg __leapp_dl_$name
        set -qg $name
        and set -gu __leapp_dl_$name $$name
        set -ga __leapp_due $name
    end

    # Whether another tool has acted since: it has put a key id of ours back, or noted something else.
    function __leapp_came_back
        if test -n "$AWS_ACCESS_KEY_ID"; and builtin contains -- "$AWS_ACCESS_KEY_ID" $__leapp_dues
            and not __leapp_is_ours
            and not string match -qr '^1;[ex];.*;'(string escape --style=regex -- $AWS_ACCESS_KEY_ID)';' -- "$LEAPP_STATE"
            set -g __leapp_back 1
        end
        test -n "$__leapp_back"
        # A tool that had noted nothing when we left keeps nothing of ours.
        or test "$__leapp_by" != '|' -a "$__leapp_by" != "$DIRENV_DIFF|$__MISE_DIFF"
    end

    function __leapp_settle
        set -l on
        if builtin contains -- "$__leapp_w" d u
            set on $__leapp_k
        end
        set -g __leapp_redo $__leapp_back
        if test -n "$__leapp_back"
            set -eg AWS_ACCESS_KEY_ID
        end
        for name in $__leapp_names
            if not builtin contains -- $name $__leapp_due
                continue
            end
            if test -n "$on"
                __leapp_correct $name
            end
            if __leapp_is_settled $name "$on"
                set -g __leapp_redo 1
                set -l before __leapp_dw_$name
                if test -z "$on"
                    __leapp_put_back $name $$before
                end
                set -g __leapp_due (string match -v -- $name $__leapp_due)
                set -eg $before __leapp_dg_$name __leapp_dl_$name
            end
        end
        # What is on now is put there once more, over what came back; and as originals the state gets
        # those that are true now, which `.` asks for.
        if test -n "$on" -a -n "$__leapp_redo"
            set -g __leapp_l /
            for name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION
                __leapp_give_back $name
            end
            set -g __leapp_g_LEAPP_STATE (string replace -r -- '[^;]*(,[^,;]*)$' '.,.,.,.$1' $__leapp_g_LEAPP_STATE)
            set -gx LEAPP_STATE $__leapp_g_LEAPP_STATE
            if test -n "$__leapp_back"
                set -gx AWS_ACCESS_KEY_ID $__leapp_k
            end
        end
        set -g __leapp_back
        set -g __leapp_by "$DIRENV_DIFF|$__MISE_DIFF"
    end

    # What was kept on entering the present project was the other tool's, and is past.
    function __leapp_correct --argument-names name
        set -l was __leapp_was_$name
        set -l left __leapp_dl_$name
        set -l saved $$was
        if test (builtin count $$left) -eq (builtin count $saved[2..-1]); and test "$$left" = "$saved[2..-1]"
            set -l before __leapp_dw_$name
            set -gu $was $$before
            builtin contains -- $name $__leapp_had
            or set -ga __leapp_had $name
            set -g __leapp_redo 1
        end
        return 0
    end

    # Whether a variable is again what we gave. The credentials are if their key id is; and where that is
    # what it was before us, all that is left of ours goes.
    function __leapp_is_settled --argument-names name on
        if builtin contains -- $name $__leapp_group
            test -n "$__leapp_back"
            or test -z "$on" -a "$AWS_ACCESS_KEY_ID" = "$__leapp_dw_AWS_ACCESS_KEY_ID[2..-1]"
            return
        end
        set -l gave __leapp_dg_$name
        test (builtin count $$name) -eq (builtin count $$gave)
        and test "$$name" = "$$gave"
    end

    # `leapp use`: unlike the directory's, the answer to a request by hand leaves all as it is when it
    # fails.
    function __leapp_use
        set -l fish_trace
        if builtin contains -- -h $argv; or builtin contains -- --help $argv
            $__leapp_program use --help
            return
        end
        set -g __leapp_armed 1
        set -g __leapp_inherited
        __leapp_find
        set -l held
        if test -n "$__leapp_k"; and __leapp_is_ours
            set held --held
        else
            __leapp_restore
        end
        set -l result 127
        set -g __leapp_ok
        __leapp_prepare_shutting
        if __leapp_is_free; and __leapp_reach
            set -l text (HOME=$__leapp_user_home LEAPP_HOME=$__leapp_home XDG_RUNTIME_DIR=$__leapp_xdg LEAPP_VAULT=$__leapp_vault \
                $__leapp_program hook-env fish --by-hand $held -- $argv)
            set result $status
            if test $result -eq 0
                set result 1
                if string match -q '*__leapp_ok 1;' -- "$text[-1]"
                    eval $text
                end
            end
        end
        if test -z "$__leapp_ok"
            if test -n "$__leapp_m" -a -n "$__leapp_shut" -a -n "$__leapp_k"
                __leapp_shut_off
            else if test -n "$__leapp_m"
                __leapp_restore
                set -g __leapp_w
            end
            return $result
        end
        set -g __leapp_m
        __leapp_clock
        __leapp_here
        if test -n "$__leapp_n"
            __leapp_say $__leapp_n
        end
        set -g __leapp_warned
        return 0
    end

    # The project that is here now is held back from.
    function __leapp_here
        __leapp_absolute
        set -g __leapp_p $PWD
    end

    function __leapp_absolute
        set -g __leapp_a
        if test -n "$__leapp_f"
            set -g __leapp_a (builtin path resolve -- $__leapp_f)
        end
    end

    function __leapp_off
        set -l fish_trace
        set -g __leapp_armed 1
        set -g __leapp_inherited
        set -l name $leapp_session
        __leapp_restore
        # What `leapp env` or an outer shell has put there goes too.
        if test -n "$LEAPP_STATE"
            set name (__leapp_outer_name)
            set -l text
            if __leapp_reach; and set text (HOME=$__leapp_user_home LEAPP_HOME=$__leapp_home XDG_RUNTIME_DIR=$__leapp_xdg $__leapp_program env --unset --shell=fish 2>/dev/null)
                set -g __leapp_leaving 1
                eval $text
                set -e __leapp_leaving
            else if string match -q "*;$AWS_ACCESS_KEY_ID;*" -- "$LEAPP_STATE"
                set -eg $__leapp_group
            end
            set -eg LEAPP_SESSION
            set -eg LEAPP_STATE
        end
        set -g __leapp_w o
        for letter in c l h
            set -g __leapp_$letter
        end
        __leapp_find
        __leapp_here
        if test -n "$name"
            __leapp_say "leapp: $name is off; directories switch on again when another project is entered"
        else
            __leapp_say "leapp: nothing was on; directories switch on again when another project is entered"
        end
        return 0
    end

    # The program, and the two commands that only a function can carry out.
    function leapp --description 'Temporary cloud credentials'
        switch "$argv[1]"
            case use
                __leapp_use $argv[2..-1]
            case off
                __leapp_off
            case doctor
                __leapp_reach
                or return 127
                $__leapp_program doctor --hook=(__leapp_report | string collect) $argv[2..-1]
            case '*'
                set -l result 127
                if __leapp_reach
                    $__leapp_program $argv
                    set result $status
                end
                # What it did may have changed what holds here.
                __leapp_again
                return $result
        end
    end

    # Facts for `leapp doctor`: a semicolon ends each, so that none may hold one.
    function __leapp_report
        set -l universal
        for name in $__leapp_names
            set -qUx $name
            and set -a universal $name
        end
        set -l moved
        test "$LEAPP_HOME" = "$__leapp_home"
        or set -a moved LEAPP_HOME
        test "$XDG_RUNTIME_DIR" = "$__leapp_xdg"
        or set -a moved XDG_RUNTIME_DIR
        test "$LEAPP_VAULT" = "$__leapp_vault"
        or set -a moved LEAPP_VAULT
        builtin printf 'fish;version=%s;text=LEAPP_HOOK_TEXT;loads=%s;owner=%s;' $version $__leapp_loads "$__leapp_w"
        builtin printf 'universal=%s;moved=%s;' "$universal" "$moved"
    end
else if not status is-interactive
    # Nothing to do, and nothing that could fail.
    true
end

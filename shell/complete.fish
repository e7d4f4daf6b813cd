# Completion for fish, 3.6 and later. The line before this file sets __leapp_complete_program.
#
# The program is asked each time; its answer is read as lines of data and never evaluated.

function __leapp_complete
    set -l program $__leapp_complete_program
    test -x "$program"
    or set program (command -s leapp)
    or return
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($program complete --at (count $before) -- $before $current 2>/dev/null)
    switch "$lines[1]"
        case ':files'
            __fish_complete_path $current
        case ':command *'
            set -l at (math (string replace ':command ' '' -- $lines[1]) + 1)
            set -l rest (string escape -- $before[$at..-1])
            complete -C "$(string join -- ' ' $rest $current)"
        case '*'
            string match -q -- '--*=*' $current
            and set lines (string replace -r '=.*' '=' -- $current)$lines
            printf '%s\n' $lines
    end
end

complete -c leapp -f -a '(__leapp_complete)'

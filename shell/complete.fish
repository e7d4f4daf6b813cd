# Completion for fish, 3.6 and later. The line before this file sets _leapp_program.
#
# The program is asked each time; its answer is read as lines of data and never evaluated.

function __leapp_complete
    set -l program $_leapp_program
    if not test -x "$program"
        set program (command -s leapp)
        string match -q -- '/*' $program
        or return
        string match -q -- "$PWD/*" $program
        and return
    end
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    # Of a word with an open quote, what is behind that.
    set -l typed (string unescape -- $current)
    or set typed (string trim -l -c "'\"" -- $current)
    set -l lines ($program complete --at (count $before) -- $before "$typed" 2>/dev/null </dev/null)
    set -l flag
    string match -q -- '--*=*' $current
    and set flag (string replace -r '=.*' '=' -- $current)
    switch "$lines[1]"
        case ':files'
            set lines (__fish_complete_path (string replace -- "$flag" '' $current))
        case ':command *'
            set -l at (math (string replace ':command ' '' -- $lines[1]) + 1)
            set -l rest (string escape -- $before[$at..-1])
            complete -C (string join -- ' ' $rest "$current")
            return
    end
    for line in $lines
        printf "%s\n" "$flag$line"
    end
end

complete -c leapp -f -a '(__leapp_complete)'

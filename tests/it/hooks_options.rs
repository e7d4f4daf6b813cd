//! Options, aliases, functions and variables of the user's that other scripts stumble over: the hook
//! works under each, set before it was loaded or after, and leaves it as it was.

use std::path::Path;

use crate::{
    hooked::{Hooked, Kind, folder, has_pwsh, project},
    hooks_basic::ready,
    support::{World, unique},
};

/// What a user may have set. Each is one line.
const BASH: &[&str] = &[
    "set -e",
    "set -u",
    "set -o pipefail",
    "set -euo pipefail; set -E",
    "set -C",
    "set -a",
    "set -f",
    "set -k",
    "set -E",
    "set -T",
    "set -P",
    "set -o posix",
    "set -o posix; set -e",
    "shopt -s nocasematch",
    "shopt -s extglob",
    "shopt -s nullglob",
    "shopt -s failglob",
    "shopt -s dotglob globstar",
    "shopt -s inherit_errexit; set -e",
    "shopt -s localvar_inherit",
    "shopt -s xpg_echo",
    "shopt -s extdebug",
    "shopt -s compat31",
    "shopt -u sourcepath",
    "IFS=",
    "IFS=leap_",
    "IFS=/.:0123456789",
    "unset IFS",
    "GLOBIGNORE='*'",
    "CDPATH=/tmp:/usr",
    "SECONDS=0; RANDOM=1",
    "POSIXLY_CORRECT=1",
    "export GREP_OPTIONS=x BASH_COMPAT=4.2",
    "export() { echo HIJACKED; }; unset() { echo HIJACKED; }; printf() { echo HIJACKED; }",
    "set() { echo HIJACKED; }; return() { echo HIJACKED; }",
    "declare() { echo HIJACKED; }; type() { echo HIJACKED; }; test() { echo HIJACKED; }",
    "local() { echo HIJACKED; }; pwd() { echo HIJACKED; }; continue() { echo HIJACKED; }",
    "true() { echo HIJACKED; }; false() { echo HIJACKED; }; shift() { echo HIJACKED; }",
    "alias export='echo HIJACKED' unset='echo HIJACKED' printf='echo HIJACKED'",
    "alias set='echo HIJACKED' return='echo HIJACKED' type='echo HIJACKED'",
    "alias local='echo HIJACKED' declare='echo HIJACKED' builtin='echo HIJACKED'",
    "alias test='echo HIJACKED' true='echo HIJACKED' shift='echo HIJACKED' typeset='echo HIJACKED'",
];

const ZSH: &[&str] = &[
    "setopt err_exit",
    "setopt err_return",
    "setopt no_unset",
    "setopt err_exit no_unset pipe_fail",
    "setopt ksh_arrays",
    "setopt ksh_arrays ksh_zero_subscript",
    "setopt sh_word_split",
    "setopt glob_subst",
    "setopt csh_junkie_quotes",
    "setopt rc_quotes",
    "setopt no_nomatch",
    "setopt null_glob",
    "setopt csh_null_glob",
    "setopt warn_create_global",
    "setopt warn_nested_var",
    "setopt all_export",
    "setopt no_clobber",
    "setopt prompt_subst no_prompt_percent prompt_bang",
    "setopt ksh_glob extended_glob",
    "setopt sh_glob",
    "setopt no_case_match",
    "setopt posix_builtins",
    "setopt posix_identifiers posix_strings",
    "setopt posix_cd posix_traps posix_jobs posix_argzero",
    "setopt ksh_typeset",
    "setopt no_function_argzero",
    "setopt local_options local_traps local_loops local_patterns",
    "setopt no_multios",
    "setopt sh_file_expansion rc_expand_param",
    "setopt glob_assign magic_equal_subst",
    "setopt chase_links auto_pushd pushd_silent",
    "setopt octal_zeroes c_bases force_float c_precedences",
    "setopt no_eval_lineno typeset_silent",
    "setopt no_equals no_bad_pattern no_bare_glob_qual no_glob",
    "setopt no_short_loops csh_junkie_loops",
    "setopt no_brace_expand",
    "setopt no_aliases",
    "setopt interactive_comments",
    "unsetopt interactive_comments",
    "IFS=",
    "IFS=leap_",
    "unset IFS",
    "TZ=America/New_York",
    "export TZ=",
    "SECONDS=0; RANDOM=1",
    "readonly TZ=UTC0",
    "export() { echo HIJACKED }; unset() { echo HIJACKED }; print() { echo HIJACKED }",
    "setopt() { echo HIJACKED }; emulate() { echo HIJACKED }",
    "typeset() { echo HIJACKED }; local() { echo HIJACKED }; test() { echo HIJACKED }",
    "whence() { echo HIJACKED }; trap() { echo HIJACKED }; true() { echo HIJACKED }",
    "alias export='echo HIJACKED' unset='echo HIJACKED' print='echo HIJACKED'",
    "alias setopt='echo HIJACKED' return='echo HIJACKED' whence='echo HIJACKED'",
    "alias local='echo HIJACKED' typeset='echo HIJACKED' builtin='echo HIJACKED'",
    "alias -g G='| grep' L='| less' -- ...='../..' NUL='> /dev/null'",
    "alias -g d=HIJACKED u=HIJACKED x=HIJACKED s=HIJACKED g=HIJACKED",
];

const FISH: &[&str] = &[
    "set -g IFS ''",
    "set -g IFS ,",
    "set -g CDPATH /tmp /usr",
    "abbr -a true false",
    "set -g status_x 1",
    "set -gx TZ America/New_York",
    "set -g fish_features stderr-nocaret",
    "function cd_hook --on-variable PWD; end",
    "alias printf 'echo HIJACKED'",
    "alias count 'echo HIJACKED'",
    "alias math 'echo HIJACKED'",
    "function contains; echo HIJACKED; return 0; end",
    "function count; echo HIJACKED; end; function path; echo HIJACKED; end",
    "alias path 'echo HIJACKED'",
];

const PWSH: &[&str] = &[
    "Set-StrictMode -Version Latest",
    "$ErrorActionPreference = 'Stop'",
    "$PSNativeCommandUseErrorActionPreference = $true; $ErrorActionPreference = 'Stop'",
    "Set-StrictMode -Version Latest; $ErrorActionPreference = 'Stop'",
    "$WarningPreference = 'Stop'; $ProgressPreference = 'Stop'",
    "$OFS = ','",
    "$PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }",
    "function global:Get-Value { 'HIJACKED' }; function global:Set-Value { 'HIJACKED' }",
    "Set-Alias -Name Write-Line -Value Write-Output -Scope Global",
    "$global:Names = 1; $global:State = 2; $global:Half = 3; $global:Path = 4",
];

fn moods(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Bash => BASH,
        Kind::Fish => FISH,
        Kind::Pwsh => PWSH,
        Kind::Zsh => ZSH,
    }
}

/// What the options are now.
fn options(shell: &mut Hooked, file: &Path) -> String {
    let list = match shell.kind {
        Kind::Bash => {
            "{ builtin echo \"[$-]\"; shopt; shopt -o; builtin echo \"[${IFS-none}]\"; } >|"
        }
        Kind::Fish => {
            "begin; set -S IFS CDPATH; set -n | string match '*leapp*' | string match -v '__leapp_*'; end >"
        }
        Kind::Pwsh => "\"$ErrorActionPreference $WarningPreference $OFS\" >",
        Kind::Zsh => "( builtin setopt; builtin unsetopt; builtin echo \"[${IFS-none}]\" ) >|",
    };
    shell.run(&format!("{list} {}", file.display()));
    std::fs::read_to_string(file).unwrap()
}

/// Where a scenario runs: two projects, one inside of the other's sibling, and places beside them.
fn places() -> World {
    let world = ready();
    project(&world, "shop", "dev");
    std::fs::create_dir(folder(&world, "shop").join("sub")).unwrap();
    folder(&world, "plain");
    world
}

/// Lines of the shell's own, without the ones that are expected of us.
fn unexpected(kind: Kind, said: &str) -> Vec<String> {
    // fish draws what is typed.
    let is_noise = |line: &&str| {
        kind == Kind::Fish && !line.starts_with("on=") && !line.starts_with("HIJACKED")
    };
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.filter(|line| !is_noise(line) && !line.starts_with("leapp: "));
    lines.map(str::to_owned).collect()
}

/// Enters, leaves, uses and switches off: nothing but our own lines is printed, and each step has
/// its effect.
fn works(shell: &mut Hooked, world: &World, mood: &str) {
    let kind = shell.kind;
    let file = world.home.path().join(unique("options"));
    let before = shell.ours();
    let options_before = options(shell, &file);
    let steps = [
        ("cd code/shop".to_owned(), "dev:k"),
        ("cd ../plain".to_owned(), ":"),
        (kind.by_hand("use dev"), "dev:k"),
        ("cd ../shop/sub".to_owned(), "dev:k"),
        (kind.by_hand("off"), ":"),
        ("cd ../../..".to_owned(), ":"),
    ];
    for (line, on) in steps {
        let told = "/bin/sh -c 'echo \"on=$LEAPP_SESSION:${AWS_ACCESS_KEY_ID:+k}.\"'";
        let said = shell.run(&format!("{line}; {told}"));
        let lines = unexpected(kind, &said);
        let told = lines.iter().filter_map(|line| line.strip_prefix("on="));
        let told: Vec<_> = told.map(|line| line.trim_end_matches('.')).collect();
        assert!(kind == Kind::Fish || lines.len() == 1, "{kind:?}, {mood}: {line}: {said}");
        assert_eq!(told, [on], "{kind:?}, {mood}: {line}: {said}");
    }
    assert_eq!(options(shell, &file), options_before, "{kind:?}, {mood}: options");
    let environment = shell.environment();
    let leaked = environment.keys().filter(|name| name.to_lowercase().starts_with("__leapp"));
    assert_eq!(leaked.collect::<Vec<_>>(), Vec::<&String>::new(), "{kind:?}, {mood}: exported");
    assert_eq!(shell.ours(), before, "{kind:?}, {mood}");
}

/// Tries each mood, and fails with the list of those that failed.
fn each(kind: Kind, scenario: impl Fn(&str)) {
    let failed = moods(kind).iter().filter(|mood| {
        let run = std::panic::AssertUnwindSafe(|| scenario(mood));
        std::panic::catch_unwind(run).is_err()
    });
    let failed: Vec<_> = failed.collect();
    assert!(failed.is_empty(), "{kind:?}: it failed under {failed:#?}");
}

fn before(kind: Kind) {
    let world = places();
    each(kind, |mood| {
        let rc = format!("{mood}\n{}", kind.load());
        works(&mut Hooked::with(&world, kind, &rc, world.home.path()), &world, mood);
    });
}

fn after(kind: Kind) {
    let world = places();
    each(kind, |mood| {
        let rc = format!("{}\n{mood}", kind.load());
        works(&mut Hooked::with(&world, kind, &rc, world.home.path()), &world, mood);
    });
}

#[test]
fn bash_works_with_what_was_set_before_the_hook() {
    before(Kind::Bash);
}

#[test]
fn bash_works_with_what_was_set_after_the_hook() {
    after(Kind::Bash);
}

#[test]
fn zsh_works_with_what_was_set_before_the_hook() {
    before(Kind::Zsh);
}

#[test]
fn zsh_works_with_what_was_set_after_the_hook() {
    after(Kind::Zsh);
}

#[test]
fn fish_works_with_what_was_set_before_and_after_the_hook() {
    before(Kind::Fish);
    after(Kind::Fish);
}

#[test]
fn powershell_works_with_what_was_set_before_and_after_the_hook() {
    if has_pwsh() {
        before(Kind::Pwsh);
        after(Kind::Pwsh);
    }
}

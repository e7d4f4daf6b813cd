//! What the shells complete, by their own keys and by what the program tells them.

use std::{fs, path::Path};

use crate::{
    hooked::{Hooked, Kind, has_pwsh},
    support::{World, chmod},
};

/// `work` and `prod`, and a file whose name a shell must not read as text.
fn ready() -> World {
    let world = World::with_role("prod", "Admin");
    fs::write(world.home.path().join("keys $(touch mark).csv"), "").unwrap();
    world
}

/// Completes with these words; what is offered, without what is told about it.
#[track_caller]
fn offered(world: &World, words: &[&str]) -> Vec<String> {
    let at = (words.len() - 1).to_string();
    let mut line = vec!["complete", "--at", &at, "--"];
    line.extend(words);
    let outcome = world.leapp(line);
    let text = outcome.succeeds().text();
    assert_eq!(outcome.stderr, "", "{outcome}");
    text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn every_place_is_completed_by_what_may_stand_there() {
    let world = ready();
    let table: &[(&[&str], &[&str])] = &[
        (&["leapp", "cred"], &["credential-process"]),
        (&["leapp", "--json", "rot"], &["rotate"]),
        (&["leapp", "--color", "al"], &["always"]),
        (&["leapp", "session", "re"], &["remove"]),
        (&["leapp", "env", "P"], &["prod"]),
        (&["leapp", "env", "session:p"], &["session:prod"]),
        (&["leapp", "env", "--", "wo"], &["work"]),
        (&["leapp", "env", "prod", ""], &[]),
        (&["leapp", "env", "--mfa-code", ""], &[]),
        (&["leapp", "env", "--reg"], &["--region"]),
        (&["leapp", "env", "--region", "me-s"], &["me-south-1"]),
        (&["leapp", "env", "-r", "me-s"], &["me-south-1"]),
        (&["leapp", "env", "--region=me-s"], &["me-south-1"]),
        (&["leapp", "env", "--region", "me-south-1", "wo"], &["work"]),
        (&["leapp", "env", "--format", ""], &["shell", "json", "dotenv"]),
        (&["leapp", "env", "--shell", "f"], &["fish"]),
        (&["leapp", "exec", "pr"], &["prod"]),
        (&["leapp", "exec", "prod", "aw"], &[":command 3"]),
        (&["leapp", "exec", "prod", "--", "aws", "--re"], &[":command 4"]),
        (&["leapp", "exec", "--", "aws", "s3"], &[":command 3"]),
        (&["leapp", "exec", "-r", "us-east-1", "prod", "aws", "s3"], &[":command 5"]),
        (&["leapp", "exec", "prod", "sh", "-c", "leapp env "], &[":command 3"]),
        (&["leapp", "use", "w"], &["work"]),
        (&["leapp", "pin", "w"], &["work"]),
        (&["leapp", "stop", "w"], &["work"]),
        (&["leapp", "session", "show", "p"], &["prod"]),
        (&["leapp", "session", "add", "aws-iam-r"], &["aws-iam-role-chained"]),
        (&["leapp", "session", "add", "aws-iam-user", ""], &[]),
        (&["leapp", "session", "add", "aws-iam-role-chained", "x", "--parent", "w"], &["work"]),
        (&["leapp", "session", "edit", "p"], &["prod"]),
        (&["leapp", "session", "edit", "prod", "--par"], &["--parent"]),
        (&["leapp", "session", "edit", "prod", "--parent", "w"], &["work"]),
        (&["leapp", "session", "edit", "prod", "--name", ""], &[]),
        (&["leapp", "session", "edit", "work", "--from"], &["--from-csv"]),
        (&["leapp", "session", "edit", "work", "--from-csv", ""], &[":files"]),
        (&["leapp", "region", "set", "me-s"], &["me-south-1"]),
        (&["leapp", "trust", ""], &[":files"]),
        (&["leapp", "hook", "po"], &["powershell"]),
        (&["leapp", "completions", "z"], &["zsh"]),
        (&["leapp", "nonsense", ""], &[]),
    ];
    for (words, expected) in table {
        assert_eq!(&offered(&world, words), expected, "{words:?}");
    }
    let flags = offered(&world, &["leapp", "exec", "prod", "--"]);
    for flag in ["--json", "--no-input", "--region", "--duration", "--min-ttl", "--mfa-code"] {
        assert!(flags.contains(&flag.to_owned()), "{flag}: {flags:?}");
    }
    let commands = offered(&world, &["leapp", ""]);
    for hidden in ["hook-env", "renew", "complete"] {
        assert!(!commands.contains(&hidden.to_owned()), "{commands:?}");
    }
}

#[test]
fn every_command_of_the_help_is_offered() {
    let world = World::new();
    let help = world.leapp(["--help"]).succeeds().text();
    let section = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let listed: Vec<&str> = section.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert!(listed.len() > 20, "{listed:?}");
    assert_eq!(offered(&world, &["leapp", ""]), listed);
}

#[test]
fn names_can_be_turned_off() {
    let world = ready();
    assert_eq!(offered(&world, &["leapp", "env", ""]), ["prod", "work"]);
    let settings = world.leapp_home().join("config.toml");
    fs::write(&settings, "completion_names = false\n").unwrap();
    chmod(&settings, 0o600);
    assert_eq!(offered(&world, &["leapp", "env", ""]), [""; 0]);
    assert_eq!(offered(&world, &["leapp", "env", "--region", "me-s"]), ["me-south-1"]);
}

#[test]
fn completing_makes_nothing_asks_nobody_and_never_fails() {
    let mut world = ready();
    let before = world.actions();
    world.unset("LEAPP_VAULT_PASSPHRASE");
    assert_eq!(offered(&world, &["leapp", "env", ""]), ["prod", "work"]);
    assert_eq!(world.actions(), before, "a request was made");
    fs::write(world.leapp_home().join("Leapp-lock.json"), "damaged").unwrap();
    assert_eq!(offered(&world, &["leapp", "env", ""]), [""; 0]);
    let empty = World::new();
    assert_eq!(offered(&empty, &["leapp", "env", ""]), [""; 0]);
    assert!(!empty.leapp_home().exists(), "completing made a home");
}

/// A shell with its completion; `leapp` itself is a function that writes its arguments to a file.
struct Completing {
    shell: Hooked,
    told: std::path::PathBuf,
}

impl Completing {
    fn new(world: &World, kind: Kind, more: &str) -> Self {
        let told = world.home.path().join("told");
        let file = told.display();
        let rc = match kind {
            Kind::Bash => format!(
                "bind 'set bell-style none'; eval \"$(command leapp completions bash)\"; {more}\n\
                 leapp() {{ printf '<%s>' \"$@\" > {file}; }}"
            ),
            Kind::Fish => format!(
                "command leapp completions fish | source; {more}\n\
                 function leapp; printf '<%s>' $argv > {file}; end"
            ),
            Kind::Pwsh => "leapp completions powershell | Out-String | Invoke-Expression".into(),
            Kind::Zsh => format!(
                "autoload -Uz compinit; compinit -D -u; eval \"$(command leapp completions zsh)\"\n\
                 {more}\nleapp() {{ printf '<%s>' \"$@\" > {file}; }}; setopt zle"
            ),
        };
        Self { shell: Hooked::with(world, kind, &rc, world.home.path()), told }
    }

    /// Types a line, completes it by the tab key, and runs it; the arguments that arrived.
    #[track_caller]
    fn tab(&mut self, line: &str) -> String {
        _ = fs::remove_file(&self.told);
        self.shell.keys(&format!("{line}\t"));
        // The line is read as typed text, so what follows waits for the completion by itself.
        self.shell.keys("\n");
        self.shell.settle();
        fs::read_to_string(&self.told).unwrap_or_default()
    }
}

const SHELLS: [Kind; 3] = [Kind::Bash, Kind::Zsh, Kind::Fish];

#[test]
fn the_tab_key_completes_commands_sessions_regions_and_files() {
    let world = ready();
    for kind in SHELLS {
        let mut shell = Completing::new(&world, kind, "");
        for (line, arguments) in [
            ("leapp credential-pr", "<credential-process>"),
            ("leapp env pro", "<env><prod>"),
            ("leapp env session:pro", "<env><session:prod>"),
            ("leapp env --region me-s", "<env><--region><me-south-1>"),
            ("leapp env --region=me-s", "<env><--region=me-south-1>"),
            ("leapp session edit prod --paren", "<session><edit><prod><--parent>"),
            (
                "leapp session edit work --from-csv ke",
                "<session><edit><work><--from-csv><keys $(touch mark).csv>",
            ),
        ] {
            assert_eq!(shell.tab(line), arguments, "{kind:?}: {line}");
        }
        assert!(!world.home.path().join("mark").exists(), "{kind:?} ran a file's name");
    }
    if has_pwsh() {
        let mut shell = Completing::new(&world, Kind::Pwsh, "").shell;
        for (line, whole) in
            [("leapp credential-pr", "credential-process"), ("leapp env pro", "env prod")]
        {
            shell.keys(&format!("{line}\t"));
            shell.sees(whole);
            shell.control('c');
        }
    }
}

/// A program of its own with a completion of its own in that shell.
fn with_own_completion(world: &World, kind: Kind) -> &'static str {
    let program = world.home.path().join("bin/mytool");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::write(&program, "#!/bin/sh\n").unwrap();
    chmod(&program, 0o755);
    match kind {
        Kind::Bash => {
            "_mytool() { COMPREPLY=(); case $2 in ap*) COMPREPLY=(apply-$COMP_CWORD-$1);; esac; }; \
             complete -F _mytool mytool"
        }
        Kind::Fish => "complete -c mytool -f -a apply-1-mytool",
        Kind::Pwsh => "",
        Kind::Zsh => {
            "_mytool() { compadd apply-$(( CURRENT - 1 ))-$words[1]; }; compdef _mytool mytool"
        }
    }
}

#[test]
fn a_wrapped_command_is_completed_as_itself() {
    let mut world = ready();
    let path = format!("{}:{}", world.home.path().join("bin").display(), path_of(&world));
    world.set("PATH", path);
    for kind in SHELLS {
        let more = with_own_completion(&world, kind);
        let mut shell = Completing::new(&world, kind, more);
        for (line, arguments) in [
            ("leapp exec prod -- mytool ap", "<exec><prod><--><mytool><apply-1-mytool>"),
            ("leapp exec prod mytool ap", "<exec><prod><mytool><apply-1-mytool>"),
            (
                "leapp exec -r eu-west-1 -- mytool ap",
                "<exec><-r><eu-west-1><--><mytool><apply-1-mytool>",
            ),
            ("leapp exec prod -- myto", "<exec><prod><--><mytool>"),
        ] {
            assert_eq!(shell.tab(line), arguments, "{kind:?}: {line}");
        }
    }
}

#[test]
fn beside_bash_completion_its_own_way_to_a_wrapped_command_is_taken() {
    let mut world = ready();
    let path = format!("{}:{}", world.home.path().join("bin").display(), path_of(&world));
    world.set("PATH", path);
    let own = with_own_completion(&world, Kind::Bash);
    let more = format!(". /usr/share/bash-completion/bash_completion; {own}");
    let mut shell = Completing::new(&world, Kind::Bash, &more);
    assert_eq!(shell.tab("leapp env pro"), "<env><prod>");
    assert_eq!(shell.tab("leapp env --region=me-s"), "<env><--region=me-south-1>");
    let expected = "<exec><prod><--><mytool><apply-1-mytool>";
    assert_eq!(shell.tab("leapp exec prod -- mytool ap"), expected);
    assert_eq!(shell.tab("leapp exec prod -- myto"), "<exec><prod><--><mytool>");
}

/// bash can let a program complete: Terraform and the AWS CLI are set up in that way.
#[test]
fn in_bash_a_program_that_completes_itself_is_asked() {
    let world = ready();
    let helper = world.home.path().join("helper");
    fs::write(&helper, "#!/bin/sh\necho \"[$COMP_LINE][$COMP_POINT][$1][$2][$3]\" >&2\ncase $2 in pl*) echo plan;; esac\n")
        .unwrap();
    chmod(&helper, 0o755);
    let more = format!("complete -o nospace -C {} other", helper.display());
    let mut shell = Completing::new(&world, Kind::Bash, &more);
    assert_eq!(shell.tab("leapp exec prod -- other pl"), "<exec><prod><--><other><plan>");
}

/// What stands on the line is text, whatever it looks like.
#[test]
fn what_was_typed_is_never_evaluated() {
    let world = ready();
    let mark = world.home.path().join("ran");
    for kind in SHELLS {
        let more = with_own_completion(&world, kind);
        let mut shell = Completing::new(&world, kind, more).shell;
        for word in [format!("a[$(touch {0})]=1", mark.display()), "*".into(), "x=`id`".into()] {
            shell.keys(&format!("leapp exec prod -- mytool {word} ap\t"));
            shell.keys("\u{15}\n");
            let printed = shell.settle();
            assert!(!printed.contains("identifier"), "{kind:?}: {printed}");
            assert!(!mark.exists(), "{kind:?}: {word} was run by the tab key");
        }
        let mut shell = Completing::new(&world, kind, more);
        let line = "leapp exec prod -- mytool -C '/a b' -- ap";
        let told = shell.tab(line);
        if kind == Kind::Bash {
            assert!(told.ends_with("<--><apply-4-mytool>"), "{told}");
        }
    }
}

/// The shell puts the program's lines into the line as data, whatever they are.
#[test]
fn an_answer_is_never_evaluated() {
    let world = ready();
    let mark = world.home.path().join("mark");
    let hostile = world.home.path().join("hostile");
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' 'x$(touch {0})' 'x`touch {0}`' 'x;touch {0}'\n",
        mark.display()
    );
    fs::write(&hostile, text).unwrap();
    chmod(&hostile, 0o755);
    for kind in SHELLS {
        let more = match kind {
            Kind::Fish => format!("set -g _leapp_program {}", hostile.display()),
            _ => format!("_leapp_program={}", hostile.display()),
        };
        let mut shell = Completing::new(&world, kind, &more).shell;
        // In bash the first one writes the backslash that all have in common.
        shell.keys(if kind == Kind::Bash { "leapp env x\t\t\t" } else { "leapp env x\t\t" });
        shell.sees("touch");
        // The line is thrown away.
        shell.keys("\u{15}\n");
        shell.settle();
        assert!(!mark.exists(), "{kind:?} evaluated an answer");
    }
}

#[test]
fn the_scripts_leave_options_traps_and_strict_shells_alone() {
    let world = ready();
    for (kind, strict) in [
        (Kind::Bash, "set -eu; shopt -s nocasematch; IFS=x; alias local=false read=false"),
        (Kind::Zsh, "setopt err_exit no_unset ksh_arrays glob_subst"),
    ] {
        let mut shell = Completing::new(&world, kind, "");
        shell.shell.run(strict);
        assert_eq!(shell.tab("leapp env pro"), "<env><prod>", "{kind:?}");
        assert_eq!(shell.tab("leapp env --region=me-s"), "<env><--region=me-south-1>", "{kind:?}");
    }
}

#[test]
fn the_scripts_are_read_by_their_shells_and_are_files_for_them() {
    let world = ready();
    for (shell, check) in
        [("bash", &["-n"][..]), ("zsh", &["-n"]), ("fish", &["--no-config", "--no-execute"])]
    {
        let text = world.leapp(["completions", shell]).succeeds().text();
        let path = world.home.path().join(shell);
        fs::write(&path, &text).unwrap();
        let mut command = world.foreign(shell);
        command.args(check).arg(&path);
        let read = world.run(command, None);
        read.succeeds().prints("");
        assert_eq!(read.stderr, "", "{read}");
    }
    let text = world.leapp(["completions", "powershell"]).succeeds().text();
    assert!(text.contains("Register-ArgumentCompleter -Native -CommandName leapp"), "{text}");
    world.leapp(["completions", "tcsh"]).fails(2).prints("");
    // In zsh's fpath the file is a function.
    let text = world.leapp(["completions", "zsh"]).succeeds().text();
    assert!(text.starts_with("#compdef leapp\n"), "{text}");
    let functions = world.home.path().join("functions");
    fs::create_dir(&functions).unwrap();
    fs::write(functions.join("_leapp"), text).unwrap();
    let more = format!("unfunction _leapp; fpath=({} $fpath); compinit -D -u", functions.display());
    let mut shell = Completing::new(&world, Kind::Zsh, &more);
    assert_eq!(shell.tab("leapp env pro"), "<env><prod>");
}

/// With the hook `leapp` is a function, and the hook removes foreign variables of its own prefix.
#[test]
fn completion_works_before_and_after_the_hook() {
    let world = ready();
    for (kind, load) in [
        (Kind::Bash, "eval \"$(command leapp completions bash)\""),
        (
            Kind::Zsh,
            "autoload -Uz compinit; compinit -D -u; eval \"$(command leapp completions zsh)\"",
        ),
    ] {
        let hook = kind.load().replace("leapp hook", "command leapp hook");
        for rc in [format!("{load}; {hook}"), format!("{hook}; {load}")] {
            let zle = if kind == Kind::Zsh { "; setopt zle" } else { "" };
            let mut shell = Hooked::with(&world, kind, &format!("{rc}{zle}"), world.home.path());
            shell.keys("leapp session show pro\t\n");
            let said = shell.settle();
            assert!(said.contains("aws-iam-role-chained"), "{kind:?}: {rc}: {said}");
        }
    }
}

fn path_of(world: &World) -> String {
    let path = &world.variables()[Path::new("PATH").as_os_str()];
    path.to_str().unwrap().to_owned()
}

//! `leapp env`: a session into a shell, and out of it again.

use std::{ffi::OsString, os::unix::ffi::OsStrExt, process::ExitCode};

use super::{
    args::EnvArgs,
    context::{Context, variable},
    fail,
    failure::{Failure, Kind, Outcome},
    handout::{Asked, HandedOut, hand_out},
    print_bytes,
};
use crate::{
    envdelta::Kind as StateKind,
    output::{self, Handout},
    resolver::answer::Answer,
    shell::{self, Shell},
    system::{process, terminal},
};

/// Prints what the shell evaluates. A failure prints the shell's failing statement and nothing
/// else, because `eval ""` is true.
pub(super) fn run(context: &Context, args: EnvArgs) -> Outcome<ExitCode> {
    if args.format != "shell" {
        return programs(context, args).map(|()| ExitCode::SUCCESS);
    }
    let shell = chosen_shell(args.shell.as_deref());
    let result =
        if args.unset { unset(context, shell, args.show) } else { set(context, args, shell) };
    match result {
        Ok(text) => print_bytes(&text).map(|()| ExitCode::SUCCESS),
        Err(failure) => {
            if !terminal::stdout_is_terminal() {
                _ = print_bytes(shell.failing().as_bytes());
            }
            let code = fail(&context.ui, &failure);
            if let Some(state) = context.before.state()
                && let Some(name) = variable("LEAPP_SESSION")
                && !state.identities.is_empty()
            {
                context.ui.note(&format!("session '{}' is still on", name.to_string_lossy()));
            }
            Ok(code)
        }
    }
}

fn set(context: &Context, args: EnvArgs, shell: &'static dyn Shell) -> Outcome<Vec<u8>> {
    if terminal::stdout_is_terminal() && !args.show {
        return Err(for_a_shell(&args, shell));
    }
    let show = args.show;
    let again = again(&args, shell);
    let HandedOut { answer, kept } = hand_out(context, &asked(args))?;
    // Secrets stand in the text only when they must: a shell that traces shows what it evaluates,
    // and a redirection would leave them in a file.
    let text = match again.filter(|_| kept && !show) {
        Some(argv) => {
            let words: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
            shell.deferred(&words)
        }
        None => shell.apply(&answer.delta, &context.before).map(|text| text.expose().to_vec()),
    };
    text.map_err(|error| unspeakable(error, shell))
}

fn unset(context: &Context, shell: &'static dyn Shell, show: bool) -> Outcome<Vec<u8>> {
    if terminal::stdout_is_terminal() && !show {
        let line = shell.eval_line(&["leapp", "env", "--unset"]).unwrap_or_default();
        return Err(Failure::usage("what this prints is for a shell").hint(line));
    }
    if variable("LEAPP_STATE").is_none() && variable("LEAPP_SESSION").is_none() {
        context.ui.note("no session of leapp's is on in this shell");
    }
    shell.restore(&context.before).map_err(|error| unspeakable(error, shell))
}

/// JSON or dotenv, for programs.
fn programs(context: &Context, args: EnvArgs) -> Outcome<()> {
    let form = output::form(&args.format)
        .ok_or_else(|| Failure::usage(format!("there is no form {:?}", args.format)))?;
    if terminal::stdout_is_terminal() && !args.show {
        return Err(Failure::usage("this prints secrets, and stdout is a terminal")
            .hint("send it to a program, or add --show"));
    }
    let handed = hand_out(context, &asked(args))?;
    let text = render(form, &handed.answer)?;
    print_bytes(text.expose())
}

/// An answer in a form, if the form can print it.
pub(super) fn render(
    form: &dyn output::Form,
    answer: &Answer,
) -> Outcome<crate::secret::SecretBytes> {
    let kind = answer.credentials().kind;
    if !form.prints(kind) {
        let message = format!("{} cannot print {}", form.id(), kind.as_str());
        return Err(
            Failure::new(Kind::Failed, message).hint(format!("leapp exec {}", answer.session))
        );
    }
    let handout = Handout {
        session: &answer.session,
        identity: &answer.identity,
        credentials: answer.credentials(),
        delta: &answer.delta,
        expires: answer.clocked().local_expiry(),
    };
    form.render(&handout).map_err(|error| Failure::new(Kind::Failed, error.to_string()))
}

fn asked(args: EnvArgs) -> Asked {
    Asked {
        form: "env",
        name: args.name,
        selection: args.selection,
        kind: StateKind::Env,
        by_hand: true,
    }
}

/// The command that prints the same answer again, credentials and all; `None` without a name or a
/// path to run.
fn again(args: &EnvArgs, shell: &dyn Shell) -> Option<Vec<OsString>> {
    let mut argv: Vec<OsString> = vec![process::program_path()?.into(), "env".into()];
    argv.push(args.name.clone()?.into());
    argv.extend(["--show".into(), format!("--shell={}", shell.id()).into()]);
    if let Some(region) = &args.selection.region {
        argv.push(format!("--region={region}").into());
    }
    for (flag, seconds) in
        [("duration", args.selection.duration), ("min-ttl", args.selection.min_ttl)]
    {
        if let Some(seconds) = seconds {
            argv.push(format!("--{flag}={seconds}").into());
        }
    }
    Some(argv)
}

/// `--shell`, else the shell that runs us, else the user's own, else plain POSIX.
pub(super) fn chosen_shell(flag: Option<&str>) -> &'static dyn Shell {
    let parent = || process::program_name(process::parent_id());
    let own = || variable("SHELL").and_then(|path| path.into_string().ok());
    flag.and_then(shell::by_id)
        .or_else(|| parent().and_then(|name| shell::by_program(&name)))
        .or_else(|| own().and_then(|path| shell::by_program(&path)))
        .unwrap_or(shell::POSIX)
}

fn for_a_shell(args: &EnvArgs, shell: &dyn Shell) -> Failure {
    let mut words = vec!["leapp", "env"];
    words.extend(args.name.as_deref());
    let region = args.selection.region.as_ref().map(|r| format!("--region={r}"));
    words.extend(region.as_deref());
    let line = shell.eval_line(&words).unwrap_or_default();
    Failure::usage("what this prints is for a shell, and stdout is a terminal").hint(line)
}

fn unspeakable(error: shell::Unrepresentable, shell: &dyn Shell) -> Failure {
    Failure::new(Kind::Failed, format!("{} cannot take the environment: {error}", shell.id()))
}

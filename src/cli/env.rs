//! `leapp env`: a session into a shell, and out of it again.

use std::{ffi::OsString, os::unix::ffi::OsStrExt};

use super::{
    args::{EnvArgs, Selection},
    context::{Context, variable},
    exec, fail,
    failure::{Failure, Kind, Outcome},
    handout::{Asked, choose, hand_out},
    print_bytes,
};
use crate::{
    envdelta::Kind as StateKind,
    output::{self, Handout},
    resolver::answer::Answer,
    secret::SecretBytes,
    shell::{self, Shell},
    system::{process, terminal},
};

/// Prints what the shell evaluates. A failure prints the shell's failing statement and nothing
/// else, because `eval ""` is true.
pub(super) fn run(context: &Context, args: EnvArgs) -> Outcome<u8> {
    if args.format != "shell" {
        return programs(context, args).map(|()| 0);
    }
    let shell = chosen_shell(args.shell.as_deref());
    let result =
        if args.unset { unset(context, shell, args.show) } else { set(context, args, shell) };
    match result {
        Ok(text) => print_bytes(text.expose()).map(|()| 0),
        Err(failure) => {
            if !terminal::stdout_is_terminal() {
                _ = print_bytes(shell.failing().as_bytes());
            }
            let json = context.ui.manner().json;
            if json {
                say_still_on(context);
            }
            let code = fail(&context.ui, &failure);
            if !json {
                say_still_on(context);
            }
            Ok(code)
        }
    }
}

/// A failed `env` changes nothing, so an earlier session stays.
fn say_still_on(context: &Context) {
    if let (Some(_), Some(name)) = (context.before.state(), variable("LEAPP_SESSION")) {
        context.ui.note(&format!("session '{}' is still on", name.to_string_lossy()));
    }
}

fn set(context: &Context, args: EnvArgs, shell: &'static dyn Shell) -> Outcome<SecretBytes> {
    if terminal::stdout_is_terminal() && !args.show {
        return Err(for_a_shell(&args, shell));
    }
    if args.show {
        let answer = hand_out(context, &asked(args))?;
        let text = shell.apply(&answer.delta, &context.before);
        return text.map_err(|error| unspeakable(error, shell));
    }
    let mut args = args;
    if context.has_kernel_cache() {
        let name = args.name.clone();
        let selection = args.selection.clone();
        let answer = hand_out(context, &Asked { selection, ..asked_for(name) })?;
        args.name = args.name.or(Some(answer.identity));
        // That is settled now, and must not be asked a second time.
        args.selection.mfa_code = None;
        args.selection.min_ttl = None;
        args.again = true;
    } else {
        // What is fetched here, the second command would not find: it asks, and only it.
        args.name = Some(named(context, args.name.as_deref())?);
    }
    let words = again(&args, shell)?;
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    shell.deferred(&words).map(SecretBytes::new).map_err(|error| unspeakable(error, shell))
}

/// The identifier of the session that was named, or is picked now.
fn named(context: &Context, name: Option<&str>) -> Outcome<String> {
    let known = context.known_for(name)?;
    let session = match name {
        Some(name) => known.find(name)?,
        None => choose(context, &known)?,
    };
    Ok(session.identifier().to_string())
}

fn unset(context: &Context, shell: &'static dyn Shell, show: bool) -> Outcome<SecretBytes> {
    if terminal::stdout_is_terminal() && !show {
        let line = shell.eval_line(&["leapp", "env", "--unset"]).unwrap_or_default();
        return Err(Failure::usage("what this prints is for a shell").hint(line));
    }
    if variable("LEAPP_STATE").is_none() && variable("LEAPP_SESSION").is_none() {
        context.ui.note("no session of leapp's is on in this shell");
    }
    let text = shell.restore(&context.before);
    text.map(SecretBytes::new).map_err(|error| unspeakable(error, shell))
}

/// JSON or dotenv, for programs.
fn programs(context: &Context, args: EnvArgs) -> Outcome<()> {
    let form = output::form(&args.format)
        .ok_or_else(|| Failure::usage(format!("there is no form {:?}", args.format)))?;
    if terminal::stdout_is_terminal() && !args.show {
        return Err(Failure::usage("this prints secrets, and stdout is a terminal")
            .hint("send it to a program, or add --show"));
    }
    let answer = hand_out(context, &asked(args))?;
    let text = render(form, &answer)?;
    print_bytes(text.expose())
}

/// An answer in a form, if the form can print it.
pub(super) fn render(form: &dyn output::Form, answer: &Answer) -> Outcome<SecretBytes> {
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
    Asked { selection: args.selection, again: args.again, ..asked_for(args.name) }
}

fn asked_for(name: Option<String>) -> Asked {
    let (selection, kind) = (Selection::default(), StateKind::Env);
    Asked { form: "env", name, selection, kind, by_hand: true, again: false }
}

/// The command that prints the same answer, credentials and all.
///
/// The shell runs it while it traces nothing. So the text that we print holds no secret: a shell
/// that traces shows what it evaluates, and a redirection would leave it in a file.
fn again(args: &EnvArgs, shell: &dyn Shell) -> Outcome<Vec<OsString>> {
    let program = process::program_path().ok_or_else(|| {
        Failure::new(Kind::Failed, "the path of this program is not known")
            .hint("leapp env --show prints the credentials themselves")
    })?;
    let mut words: Vec<OsString> = vec![program.into(), "env".into()];
    words.extend(args.name.clone().map(OsString::from));
    words.extend(["--show".into(), format!("--shell={}", shell.id()).into()]);
    words.extend(args.again.then(|| "--again".into()));
    words.extend(flags(&args.selection).into_iter().map(OsString::from));
    Ok(words)
}

/// The flags of a selection, as they can be typed again.
fn flags(selection: &Selection) -> Vec<String> {
    let seconds = |flag: &str, value: Option<u32>| value.map(|value| format!("--{flag}={value}"));
    let region = selection.region.as_ref().map(|region| format!("--region={region}"));
    let code = selection.mfa_code.as_ref().map(|code| format!("--mfa-code={code}"));
    let (duration, min_ttl) = (selection.duration, selection.min_ttl);
    let all = [region, seconds("duration", duration), seconds("min-ttl", min_ttl), code];
    all.into_iter().flatten().collect()
}

/// Prints the failing statement for the shell, if these are arguments of `env` whose output a
/// shell may evaluate: `eval ""` would be true.
pub(super) fn fail_in_eval(arguments: &[OsString]) {
    let words: Vec<&str> = arguments.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let value = |flag: &str| {
        let joined = words.iter().find_map(|word| word.strip_prefix(flag)?.strip_prefix('='));
        let at = words.iter().position(|word| *word == flag);
        joined.or_else(|| at.and_then(|at| words.get(at + 1)).copied())
    };
    let for_a_shell = value("--format").is_none_or(|form| form == "shell");
    if exec::command_of(arguments) != Some("env") || !for_a_shell || terminal::stdout_is_terminal()
    {
        return;
    }
    let shell = chosen_shell(value("--shell"));
    _ = print_bytes(shell.failing().as_bytes());
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
    let flags = flags(&args.selection);
    let mut words = vec!["leapp", "env"];
    words.extend(args.name.as_deref());
    words.extend(flags.iter().map(String::as_str));
    let line = shell.eval_line(&words).unwrap_or_default();
    Failure::usage("what this prints is for a shell, and stdout is a terminal").hint(line)
}

fn unspeakable(error: shell::Unrepresentable, shell: &dyn Shell) -> Failure {
    Failure::new(Kind::Failed, format!("{} cannot take the environment: {error}", shell.id()))
}

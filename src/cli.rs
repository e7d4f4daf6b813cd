//! The command line: arguments, one file a subcommand, the wiring, and the exit status.
//!
//! Deliberately absent: what sessions are and how they get credentials.

mod args;
mod complete;
mod completions;
mod config;
mod context;
mod credential_process;
mod doctor;
mod env;
mod exec;
mod explain;
mod external;
mod failure;
mod handout;
mod hook;
mod hook_env;
mod hook_words;
mod known;
mod list;
mod lock;
mod overview;
mod pin;
mod place;
mod profile;
mod project;
mod provider;
mod region_list;
mod renew;
mod session;
mod start;
mod status;
mod stop;
mod trust;
mod usage;
mod workspace;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use self::{
    args::{Cli, Command, Global, Hot, HotCli, SessionCommand},
    context::Context,
    failure::{Failure, Outcome},
};
use crate::{
    system::process,
    ui::{Level, Manner, Ui},
};

/// Runs the program with these arguments, the program's name first. Returns the exit status.
pub fn run(arguments: Vec<OsString>) -> u8 {
    let (arguments, tail) = exec::split(arguments);
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            _ = crate::output::write(error.render().to_string().as_bytes());
            return 0;
        }
        Err(error) => {
            let json = arguments.iter().any(|word| word == "--json");
            return misused(&arguments, json, &usage::failure(&error, &arguments));
        }
    };
    let context = match begin(&cli) {
        Ok(context) => context,
        Err(failure) => return misused(&arguments, cli.global.json, &failure),
    };
    process::hide_memory();
    match dispatch(&context, cli.command, tail) {
        Ok(status) => {
            context.ui.finish();
            status
        }
        Err(failure) => fail(&context.ui, &failure),
    }
}

fn begin(cli: &Cli) -> Outcome<Context> {
    let mut global = cli.global.clone();
    match &cli.command {
        Some(Command::Session(SessionCommand::Edit(args))) => global.take_from(&args.words),
        Some(Command::Hot(Hot::HookEnv(args))) => global.take_from(&args.words),
        _ => {}
    }
    let home = match &cli.command {
        Some(Command::Hot(Hot::CredentialProcess(args))) => args.home.as_deref(),
        _ => None,
    };
    let manner = context::manner(&global)?;
    Context::new(Ui::new(manner, None), !runs_unattended(cli.command.as_ref()), home)
}

/// Tells a failure that came before any command could run.
fn misused(arguments: &[OsString], json: bool, failure: &Failure) -> u8 {
    env::fail_in_eval(arguments);
    let manner = Manner { json, level: Level::Info, ..Manner::default() };
    fail(&Ui::new(manner, None), failure)
}

fn dispatch(
    context: &Context,
    command: Option<Command>,
    tail: Option<Vec<OsString>>,
) -> Outcome<u8> {
    match command {
        None => overview::run(context),
        Some(Command::Hot(Hot::Env(args))) => return env::run(context, args),
        Some(Command::Hot(Hot::Exec(args))) => return Err(exec::run(context, args, tail)),
        Some(Command::Hot(Hot::CredentialProcess(args))) => credential_process::run(context, args),
        Some(Command::Hot(Hot::HookEnv(args))) => return hook_env::run(context, args),
        Some(Command::Pin(args)) => pin::run(context, &args),
        Some(Command::Trust(args)) => trust::run(context, &args),
        Some(Command::Untrust(args)) => trust::untrust(context, &args),
        Some(Command::Deny(args)) => trust::deny(context, &args),
        Some(Command::Use(_)) => Err(hook::without("use")),
        Some(Command::Off) => Err(hook::without("off")),
        Some(Command::Hook(args)) => hook::run(&args),
        Some(Command::Doctor(args)) => return doctor::run(context, &args),
        Some(Command::Renew(args)) => renew::run(context, &args),
        Some(Command::List(args)) => list::run(context, &args),
        Some(Command::Start(args)) => start::run(context, args, start::Mode::Start),
        Some(Command::Stop(args)) => stop::run(context, &args),
        Some(Command::Rotate(args)) => start::run(context, args, start::Mode::Rotate),
        Some(Command::Explain(args)) => return explain::run(context, &args),
        Some(Command::Status(args)) => return status::run(context, args),
        Some(Command::Session(command)) => session::run(context, command),
        Some(Command::Region(args)) => place::run_region(context, args),
        Some(Command::Location(args)) => place::run(context, args.command, place::LOCATION),
        Some(Command::Lock) => lock::run(context),
        Some(Command::Workspace(command)) => workspace::run(context, command),
        Some(Command::Provider(command)) => provider::run(context, &command),
        Some(Command::Profile(command)) => profile::run(context, &command),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Complete(args)) => complete::run(context, &args),
    }
    .map(|()| 0)
}

/// Whether the command is one that an SDK runs, at any time and anywhere.
fn runs_unattended(command: Option<&Command>) -> bool {
    use self::args::SessionCommand::Generate;
    match command {
        Some(Command::Hot(Hot::CredentialProcess(_)) | Command::Renew(_)) => true,
        // A directory asks for nobody; a person who typed 'leapp use' is there.
        Some(Command::Hot(Hot::HookEnv(args))) => !args.by_hand,
        Some(Command::Session(command)) => matches!(command, Generate(_)),
        _ => false,
    }
}

/// Parses the arguments. The commands of the warm path are tried first and alone: the whole tree
/// of commands costs more than all else that they do.
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    if let Some(args) = hook_words::parse(arguments) {
        let command = Some(Command::Hot(Hot::HookEnv(args)));
        return Ok(Cli { global: Global::default(), command });
    }
    let first = arguments.get(1).and_then(|word| word.to_str());
    if first.is_some_and(Hot::has_subcommand)
        && let Ok(cli) = HotCli::try_parse_from(arguments)
    {
        return Ok(Cli { global: cli.global, command: Some(Command::Hot(cli.command)) });
    }
    Cli::try_parse_from(arguments)
}

/// Tells a failure and gives its status.
fn fail(ui: &Ui, failure: &Failure) -> u8 {
    ui.fail(&failure.report());
    failure.exit()
}

/// Prints a JSON value on a line of its own.
fn print_json(value: &serde_json::Value) -> Outcome<()> {
    print(&format!("{value}\n"))
}

/// Prints text. Whoever closes the pipe early gets a quiet end.
fn print(text: &str) -> Outcome<()> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Outcome<()> {
    crate::output::write(bytes).map_err(|error| {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::silent();
        }
        Failure::new(failure::Kind::Failed, format!("stdout cannot be written: {error}"))
    })
}

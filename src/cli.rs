//! The command line: arguments, one file a subcommand, the wiring, and the exit status.
//!
//! Deliberately absent: what sessions are and how they get credentials.

mod args;
mod completions;
mod config;
mod context;
mod credential_process;
mod env;
mod exec;
mod failure;
mod handout;
mod list;
mod lock;
mod overview;
mod place;
mod session;
mod start;
mod status;
mod stop;
mod workspace;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory, FromArgMatches};

use self::{
    args::{Cli, Command},
    context::Context,
    failure::{Failure, Outcome},
};
use crate::{
    system::process,
    ui::{Level, Manner, Ui},
};

/// Runs the program with these arguments, the program's name first.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let json = arguments.iter().any(|word| word == "--json");
    let (arguments, tail) = exec::split(arguments);
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, json),
    };
    let manner = match context::manner(&cli.global) {
        Ok(manner) => manner,
        Err(failure) => return fail(&Ui::default(), &failure),
    };
    let attended = !runs_unattended(cli.command.as_ref());
    let context = match Context::new(Ui::new(manner, None), attended) {
        Ok(context) => context,
        Err(failure) => return fail(&Ui::new(manner, None), &failure),
    };
    process::hide_memory();
    match dispatch(&context, cli.command, tail) {
        Ok(code) => code,
        Err(failure) => fail(&context.ui, &failure),
    }
}

fn dispatch(
    context: &Context,
    command: Option<Command>,
    tail: Option<Vec<OsString>>,
) -> Outcome<ExitCode> {
    match command {
        None => overview::run(context),
        Some(Command::Env(args)) => return env::run(context, args),
        Some(Command::Exec(args)) => return Err(exec::run(context, args, tail)),
        Some(Command::CredentialProcess(args)) => credential_process::run(context, args),
        Some(Command::List(args)) => list::run(context, &args),
        Some(Command::Start(args)) => start::run(context, args, start::Mode::Start),
        Some(Command::Stop(args)) => stop::run(context, &args),
        Some(Command::Rotate(args)) => start::run(context, args, start::Mode::Rotate),
        Some(Command::Status(args)) => return status::run(context, args),
        Some(Command::Session(command)) => session::run(context, command),
        Some(Command::Region(args)) => place::run(context, args, place::REGION),
        Some(Command::Location(args)) => place::run(context, args, place::LOCATION),
        Some(Command::Lock) => lock::run(context),
        Some(Command::Workspace(command)) => workspace::run(context, command),
        Some(Command::Completions(args)) => completions::run(&args),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// Whether the command is one that an SDK runs, at any time and anywhere.
fn runs_unattended(command: Option<&Command>) -> bool {
    use self::args::SessionCommand::Generate;
    matches!(command, Some(Command::CredentialProcess(_) | Command::Session(Generate(_))))
}

/// Parses the arguments with no more of the command tree than the subcommand needs.
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// Tells a failure and gives its status.
fn fail(ui: &Ui, failure: &Failure) -> ExitCode {
    ui.fail(&failure.report());
    ExitCode::from(failure.exit())
}

/// Help and version go to stdout with status 0; wrong arguments to stderr with status 2.
fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if !error.use_stderr() {
        let text = error.render().to_string();
        _ = crate::output::write(text.as_bytes());
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut failure = Failure::usage(first.trim_start_matches("error: "));
    let mut usage = None;
    for line in lines {
        match line.trim().strip_prefix("tip: ") {
            Some(tip) => failure.hint = Some(tip.to_owned()),
            None if line.starts_with("Usage:") => usage = Some(line.trim().to_owned()),
            None if line.starts_with("For more") => {}
            None => failure.causes.push(line.trim().to_owned()),
        }
    }
    failure.hint = failure.hint.or(usage).or_else(|| Some("leapp --help".to_owned()));
    let manner = Manner { json, level: Level::Info, ..Manner::default() };
    fail(&Ui::new(manner, None), &failure)
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
        Failure::new(failure::Kind::Failed, format!("stdout cannot be written: {error}"))
    })
}

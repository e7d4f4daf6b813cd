//! `leapp session`: the sessions of the workspace.

pub(super) mod add;
mod current;
mod describe;
pub(super) mod edit;
mod fields;
mod from_profile;
mod moving;
mod remove;
mod secret;
mod show;

use super::{args::SessionCommand, context::Context, credential_process, failure::Outcome, list};

pub(super) use describe::{as_json, summary_of, with_parent};

pub(super) fn run(context: &Context, command: SessionCommand) -> Outcome<()> {
    match command {
        SessionCommand::Add(command) => add::run(context, &command),
        SessionCommand::List(args) => list::run(context, &args),
        SessionCommand::Show(args) => show::run(context, &args),
        SessionCommand::Edit(args) => edit::run(context, args),
        SessionCommand::Remove(args) => remove::run(context, &args),
        SessionCommand::Current => current::run(context),
        SessionCommand::Generate(args) => credential_process::generate(context, args),
    }
}

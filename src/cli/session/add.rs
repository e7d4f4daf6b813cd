//! `leapp session add TYPE NAME`.

use std::collections::HashMap;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use uuid::Uuid;

use super::{as_json, describe::in_words, fields, from_profile, secret};
use crate::{
    access::{self, CredentialProviderFactory, FACTORIES},
    cli::{
        context::Context,
        env::chosen_shell,
        failure::{Failure, Kind, Outcome},
        known::Known,
        print_json,
    },
    model::{Session, SessionName, Workspace, session::Fields},
    ui::{Choice, pick},
};

/// The type and its flags: made of the factories, so that a new one needs nothing here.
#[derive(Clone, Debug)]
pub(in crate::cli) struct AddCommand {
    chosen: Option<(String, ArgMatches)>,
}

impl FromArgMatches for AddCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let chosen = matches.subcommand().map(|(name, matches)| (name.to_owned(), matches.clone()));
        Ok(Self { chosen })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for AddCommand {
    fn augment_args(command: Command) -> Command {
        let each = FACTORIES.iter().map(|factory| {
            let name = Arg::new("name").help("The session's name").value_name("NAME");
            let command = Command::new(factory.session_type()).about(factory.about()).arg(name);
            let command = fields::augment(command, *factory);
            let command = match factory.secret() {
                Some(_) => command.args(from_profile::flags()),
                None => command,
            };
            command.arg(fields::flag(
                "protected",
                "Ask for the session's name before it is handed out",
            ))
        });
        command.subcommands(each).subcommand_value_name("TYPE").subcommand_help_heading("Types")
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

pub(super) fn run(context: &Context, command: &AddCommand) -> Outcome<()> {
    let (factory, matches) = match &command.chosen {
        Some((id, matches)) => (access::factory(id), matches.clone()),
        None => (Some(pick_type(context)?), ArgMatches::default()),
    };
    let factory = factory.ok_or_else(|| Failure::usage("there is no such session type"))?;
    let known = context.known();
    known.readable()?;
    if go_on(context, factory, &matches, &known)? {
        return Ok(());
    }
    let mut session = begin(context, factory, &matches, known.workspace())?;
    fields::apply(&mut session, factory, &matches, &known)?;
    let source = from_profile::take(context, &mut session, factory, &matches)?;
    let mut given = match factory.secret().filter(|_| source.is_none()) {
        Some(form) => secret::from_flags(&mut session, form, &matches)?,
        None => None,
    };
    fields::complete(context, &mut session, factory, &known)?;
    fields::check(&session, factory, &known.catalog)?;
    if let Some(source) = &source {
        source.rehearse(context, &known, session.id)?;
        source.verify(context, &known, &session, factory)?;
    } else if let (Some(form), None) = (factory.secret(), &given) {
        given = Some(secret::ask(context, &session, form)?);
    }
    let given = source.as_ref().map(|source| &source.given).or(given.as_ref());
    finish(context, &Ready { factory, session: &session, given, source: source.as_ref() }, &known)
}

/// A session that is complete, with its secret and the profile that this came from.
struct Ready<'a> {
    factory: &'a dyn CredentialProviderFactory,
    session: &'a Session,
    given: Option<&'a secret::Given>,
    source: Option<&'a from_profile::Source>,
}

/// Stores and tells; the user's files come last.
fn finish(context: &Context, ready: &Ready<'_>, known: &Known) -> Outcome<()> {
    let Ready { factory, session, given, source } = *ready;
    let secret = match (given, factory.secret()) {
        (Some(given), Some(form)) => {
            Some((given, form, secret::prepare(context, known.workspace())?))
        }
        _ => None,
    };
    let (workspace, stored) = write(context, factory, session, secret.as_ref(), known)?;
    let mut known = known.with(&workspace);
    if let Some(source) = source {
        source
            .replace(context, &known, session.id)
            .map_err(|failure| take_back(context, session, stored.as_ref(), failure))?;
        // A profile that was of keys may stand for the session now.
        known = context.known();
    }
    tell(context, &known, session)?;
    if let Some(given) = given {
        secret::after(context, given, workspace.vault.as_deref())?;
    }
    if let Some(source) = source {
        source.tell(context, session);
    }
    Ok(())
}

/// A session that was made of a profile's key before: with `--replace`, only the file is left to do.
fn go_on(
    context: &Context,
    factory: &dyn CredentialProviderFactory,
    matches: &ArgMatches,
    known: &Known,
) -> Outcome<bool> {
    let named = fields::given(matches, "name").filter(|_| fields::is_given(matches, "replace"));
    let found = named.and_then(|name| known.catalog.workspace.by_name(name));
    let Some(session) = found.filter(|found| found.session_type == factory.session_type()) else {
        return Ok(false);
    };
    let source = from_profile::take(context, &mut session.clone(), factory, matches)?;
    let Some(source) = source else { return Ok(false) };
    if !source.is_done(context, session)? {
        return Ok(false);
    }
    source.verify(context, known, session, factory)?;
    source.replace(context, known, session.id)?;
    if context.ui.manner().json {
        print_json(&as_json(&known.catalog, session))?;
    }
    source.tell(context, session);
    Ok(true)
}

/// The files could not be changed: the session and its secret go again.
fn take_back(
    context: &Context,
    session: &Session,
    stored: Option<&secret::Stored<'_>>,
    failure: Failure,
) -> Failure {
    let failure = failure.doing(format!("session '{}' was not added", session.name));
    let removed = context.change(|opened| {
        opened.workspace.sessions.retain(|other| other.id != session.id);
        Ok(())
    });
    if removed.is_err() {
        return failure.because(format!("session '{}' stays, with its key", session.name));
    }
    if let Some(stored) = stored {
        stored.take_back();
    }
    failure
}

fn begin(
    context: &Context,
    factory: &dyn CredentialProviderFactory,
    matches: &ArgMatches,
    workspace: Option<&Workspace>,
) -> Outcome<Session> {
    let name: SessionName = match fields::given(matches, "name") {
        Some(text) => fields::free_name(text, workspace, None)?,
        None if context.ui.can_ask() => fields::ask(context, "Name", |text| {
            fields::free_name(text, workspace, None).map_err(|failure| failure.message)
        })?,
        None => {
            return Err(Failure::new(Kind::NeedsAction, "the session needs a name")
                .hint(format!("leapp session add {} NAME", factory.session_type())));
        }
    };
    Ok(Session {
        id: Uuid::new_v4(),
        name,
        session_type: factory.session_type().to_owned(),
        display_name: None,
        region: None,
        parent: None,
        fields: Fields::default(),
        protected: fields::is_given(matches, "protected"),
        unknown: HashMap::new(),
        source: None,
    })
}

/// The secret first, then the session: a session whose secret is missing would be of no use. If
/// the workspace cannot be written, the secret is taken out again.
fn write<'s>(
    context: &Context,
    factory: &dyn CredentialProviderFactory,
    session: &Session,
    secret: Option<&'s (&secret::Given, &secret::SecretForm, secret::Ready)>,
    known: &Known,
) -> Outcome<(Workspace, Option<secret::Stored<'s>>)> {
    let mut stored = None;
    let written = context.change(|opened| {
        fields::free_name(session.name.as_str(), Some(&opened.workspace), None)?;
        fields::check(session, factory, &known.with(&opened.workspace).catalog)?;
        if let Some((given, form, ready)) = secret {
            stored = Some(secret::store(ready, opened, session, form, given)?);
            secret::read_back(ready, session, form, given)?;
        }
        opened.workspace.sessions.push(session.clone());
        Ok(opened.workspace.clone())
    });
    if let (Err(_), Some(stored)) = (&written, &stored) {
        stored.take_back();
    }
    let workspace = written
        .map_err(|failure| failure.doing(format!("cannot add session '{}'", session.name)))?;
    Ok((workspace, stored))
}

fn tell(context: &Context, known: &Known, session: &Session) -> Outcome<()> {
    if context.ui.manner().json {
        return print_json(&as_json(&known.catalog, session));
    }
    context.ui.say(&format!("added session {}", in_words(session)));
    // A profile may have the same name.
    let name = match known.find(session.name.as_str()) {
        Ok(_) => session.name.to_string(),
        Err(_) => format!("session:{}", session.name),
    };
    let line = chosen_shell(None).eval_line(&["leapp", "env", &name]);
    context.ui.say(&format!("next: {}", line.unwrap_or_default()));
    Ok(())
}

fn pick_type(context: &Context) -> Outcome<&'static dyn CredentialProviderFactory> {
    let types: Vec<String> =
        FACTORIES.iter().map(|f| format!("{}  {}", f.session_type(), f.about())).collect();
    let choice = if context.ui.can_ask() { pick("Type", &types) } else { Choice::Unavailable };
    let missing = || {
        Failure::new(Kind::NeedsAction, "the session needs a type").hint("leapp session add --help")
    };
    match choice {
        Choice::Picked(at) => FACTORIES.get(at).copied().ok_or_else(missing),
        Choice::Cancelled => Err(Failure::cancelled()),
        Choice::Unavailable => Err(missing()),
    }
}

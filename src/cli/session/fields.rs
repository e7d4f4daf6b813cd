//! The flags of a session type, from the fields of its factory; and their values.

use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::{Map, Value as Json};

use crate::{
    access::{CredentialProviderFactory, Field, FieldError, Form},
    cli::{
        context::Context,
        failure::{Failure, Kind, Outcome},
        known::Known,
    },
    model::{Catalog, CredentialIdentifier, RegionName, Session, SessionName, Workspace},
    system::{files, terminal::Echo},
};

/// No policy file is larger, in bytes; the factory has a limit of its own.
const LARGEST_FILE: u64 = 1 << 20;

/// Adds the flags that a session of this type has.
pub(super) fn augment(command: Command, factory: &dyn CredentialProviderFactory) -> Command {
    let mut command = command
        .arg(text("region", "REGION", "Where the session works").short('r'))
        .arg(text("display-name", "TEXT", "Free text beside the name"));
    if factory.has_parent() {
        command = command.arg(text("parent", "SESSION", "The session whose credentials start it"));
    }
    for field in factory.fields() {
        let many = matches!(field.form, Form::List | Form::Pairs);
        let action = if many { ArgAction::Append } else { ArgAction::Set };
        let arg = text(field.flag, field.value_name, field.help).action(action);
        command = command.arg(arg.allow_hyphen_values(false));
    }
    if let Some(secret) = factory.secret() {
        let stdin = format!("{}-stdin", secret.flag);
        let help = format!("Read the {} from stdin", secret.label.to_lowercase());
        command = command
            .arg(flag(&stdin, &help).conflicts_with("from-csv"))
            .arg(
                text(
                    "from-csv",
                    "FILE",
                    "Read key and secret from the file that the provider's console downloads",
                )
                .value_parser(value_parser!(std::path::PathBuf)),
            )
            .arg(flag("shred", "Delete that file after storing its secret").requires("from-csv"));
    }
    command
}

/// A flag with a text.
pub(super) fn text(name: &str, value_name: &str, help: &str) -> Arg {
    let (name, value_name) = (name.to_owned(), value_name.to_owned());
    Arg::new(name.clone()).long(name).value_name(value_name).help(help.to_owned())
}

/// A flag alone.
pub(super) fn flag(name: &str, help: &str) -> Arg {
    let name = name.to_owned();
    Arg::new(name.clone()).long(name).help(help.to_owned()).action(ArgAction::SetTrue)
}

/// Whether a flag that may not be defined was given.
pub(super) fn is_given(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten() == Some(&true)
}

/// The text of a flag that may not be defined.
pub(super) fn given<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a String> {
    matches.try_get_one::<String>(name).ok().flatten()
}

/// Puts the values of the flags into a session. An empty text removes an optional field.
pub(super) fn apply(
    session: &mut Session,
    factory: &dyn CredentialProviderFactory,
    matches: &ArgMatches,
    known: &Known,
) -> Outcome<()> {
    if let Some(text) = given(matches, "region") {
        session.region = region(text)?;
    }
    if let Some(text) = given(matches, "display-name") {
        session.display_name = Some(text.clone()).filter(|text| !text.is_empty());
    }
    if let Some(name) = given(matches, "parent") {
        session.parent = Some(parent(session, factory, name, known)?);
    }
    let mut fields = session.fields.to_map();
    for field in factory.fields() {
        let texts = matches.try_get_many::<String>(field.flag).ok().flatten();
        let Some(texts) = texts else { continue };
        let texts: Vec<String> = texts.cloned().collect();
        set(&mut fields, field, &texts)?;
    }
    session.fields = crate::model::session::Fields::from_map(&fields);
    Ok(())
}

/// Puts one field's value into the fields.
pub(super) fn set(fields: &mut Map<String, Json>, field: &Field, texts: &[String]) -> Outcome<()> {
    let texts = match (field.form, texts) {
        (Form::File, [path]) if !path.is_empty() => vec![read(path)?],
        (_, texts) => texts.to_vec(),
    };
    match field.value(&texts).map_err(wrong)? {
        Json::Null => fields.remove(field.key),
        value => fields.insert(field.key.to_owned(), value),
    };
    Ok(())
}

/// Asks for the fields that a session cannot be without, and then for those that most have.
pub(super) fn complete(
    context: &Context,
    session: &mut Session,
    factory: &dyn CredentialProviderFactory,
    known: &Known,
) -> Outcome<()> {
    let lacks_parent = factory.has_parent() && session.parent.is_none();
    let fields = session.fields.to_map();
    let missing: Vec<&Field> =
        factory.fields().iter().filter(|f| f.required && !fields.contains_key(f.key)).collect();
    if !lacks_parent && missing.is_empty() {
        return Ok(());
    }
    if !context.ui.can_ask() {
        let parent = lacks_parent.then_some("parent");
        let flags = parent.into_iter().chain(missing.iter().map(|field| field.flag));
        let flags: Vec<String> = flags.map(|flag| format!("--{flag}")).collect();
        let message = format!("session '{}' needs {}", session.name, flags.join(" and "));
        return Err(Failure::new(Kind::NeedsAction, message)
            .hint(format!("leapp session add {} --help", session.session_type)));
    }
    if lacks_parent && known.catalog.sessions().next().is_none() {
        return Err(Failure::usage("there is no session that could be its parent")
            .hint("leapp session add aws-iam-user NAME"));
    }
    if lacks_parent {
        let picked = ask(context, "Parent session", |text| {
            parent(session, factory, text, known).map_err(|failure| failure.message)
        })?;
        session.parent = Some(picked);
    }
    let mut fields = fields;
    // On the way, the optional ones that most sessions have: whoever types, forgets the flags.
    let asked = factory.fields().iter().filter(|f| f.required || f.label.ends_with(')'));
    for field in asked.filter(|field| field.form == Form::Text || field.form == Form::Duration) {
        if fields.contains_key(field.key) {
            continue;
        }
        let value = ask(context, field.label, |text| {
            field.value(&[text.to_owned()]).map_err(|error| error.problem)
        })?;
        if value != Json::Null {
            fields.insert(field.key.to_owned(), value);
        }
    }
    session.fields = crate::model::session::Fields::from_map(&fields);
    if session.region.is_none() {
        session.region = ask(context, "Region (empty for the default)", |text| {
            region(text).map_err(|failure| failure.message)
        })?;
    }
    Ok(())
}

/// Asks until the answer is good.
pub(super) fn ask<T>(
    context: &Context,
    label: &str,
    check: impl Fn(&str) -> Result<T, String>,
) -> Outcome<T> {
    loop {
        let answer = context.ui.ask(&format!("{label}: "), Echo::On)?;
        match check(answer.expose().trim()) {
            Ok(value) => return Ok(value),
            Err(problem) => context.ui.say(&problem),
        }
    }
}

/// The bytes of a file that the user named; `limit` in bytes.
pub(super) fn read_users(path: &Path, limit: u64) -> Outcome<Vec<u8>> {
    let refuse = |problem: String| Failure::usage(format!("'{}' {problem}", path.display()));
    let read = files::read_users(path, limit).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        refuse(format!("cannot be read: {}", cause.unwrap_or_default()))
    })?;
    read.ok_or_else(|| refuse("cannot be read: there is no such file".into()))
}

/// A session's name that no other session has.
pub(super) fn free_name(
    text: &str,
    workspace: Option<&Workspace>,
    own: Option<uuid::Uuid>,
) -> Outcome<SessionName> {
    let name = SessionName::parse(text)
        .map_err(|error| Failure::usage(format!("{text:?} is no session name: {error}")))?;
    let taken = workspace.and_then(|w| w.by_name(text)).filter(|other| Some(other.id) != own);
    match taken {
        None => Ok(name),
        Some(other) => {
            let message = format!("there is a session '{}' already", other.name);
            Err(Failure::usage(message)
                .hint(format!("leapp session show {}; or choose another name", other.name)))
        }
    }
}

/// Checks a finished session and its place among the others.
pub(super) fn check(
    session: &Session,
    factory: &dyn CredentialProviderFactory,
    catalog: &Catalog,
) -> Outcome<()> {
    if let Some(region) = &session.region {
        factory.home_region(session, Some(region)).map_err(wrong)?;
    }
    factory.check(session).map_err(wrong)?;
    catalog.chain(session).map_err(|error| {
        Failure::usage(error.to_string()).hint("leapp session edit NAME --parent ANOTHER")
    })?;
    Ok(())
}

/// A field of the user's is not as it must be: wrong arguments.
pub(super) fn wrong(error: FieldError) -> Failure {
    let hint = match error.flag.as_str() {
        "region" => "a region's name is like eu-west-1",
        _ => "leapp session add TYPE --help describes every field",
    };
    Failure::usage(error.to_string()).hint(hint)
}

fn region(text: &str) -> Outcome<Option<RegionName>> {
    if text.is_empty() {
        return Ok(None);
    }
    RegionName::parse(text).map(Some).map_err(|error| {
        Failure::usage(format!("--region: {error}")).hint("a region's name is like eu-west-1")
    })
}

fn parent(
    session: &Session,
    factory: &dyn CredentialProviderFactory,
    name: &str,
    known: &Known,
) -> Outcome<CredentialIdentifier> {
    let refuse = |problem: String| {
        Failure::usage(format!("--parent: {problem}")).hint("leapp list shows the sessions")
    };
    if session.name.is(name) {
        return Err(refuse(format!("session '{}' cannot be its own parent", session.name)));
    }
    let found = known.find_giving(name).map_err(|failure| {
        let hint = failure.hint.clone();
        let refused = refuse(failure.message).because_all(failure.causes);
        hint.map_or(refused.clone(), |hint| refused.hint(hint))
    })?;
    let theirs = crate::access::factory(&found.session_type);
    if theirs.is_none_or(|theirs| theirs.managed().cloud != factory.managed().cloud) {
        return Err(refuse(format!("session '{}' is not of the same cloud", found.name)));
    }
    Ok(found.identifier())
}

fn read(path: &str) -> Outcome<String> {
    let refuse = |problem: String| Failure::usage(format!("'{path}' {problem}"));
    let bytes = read_users(Path::new(path), LARGEST_FILE)?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8".into()))?;
    // No text removes a field; a file that turned out empty must not remove what narrows a session.
    if text.trim().is_empty() {
        return Err(refuse("is empty".into()));
    }
    Ok(text)
}

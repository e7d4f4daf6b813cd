//! `leapp session edit NAME`: any field, the name, the secret.

use clap::{ArgMatches, Args, Command};

use super::{as_json, describe::in_words, fields, secret};
use crate::{
    access::CredentialProviderFactory,
    cli::{
        args::{EditArgs, Global},
        context::Context,
        failure::{Failure, Outcome},
        handout::{confirm, factory_of},
        known::Known,
        print, print_json,
    },
    model::{Catalog, Session, Workspace},
    secret::Secret,
};

pub(super) fn run(context: &Context, args: EditArgs) -> Outcome<()> {
    let mut words = args.words.into_iter();
    let name = words.next().and_then(|word| word.into_string().ok()).unwrap_or_default();
    if name == "--help" || name == "-h" {
        return print(
            "Change a session\n\nUsage: leapp session edit NAME [FLAGS]\n\n\
             The flags are those of the session's type: leapp session edit NAME --help\n",
        );
    }
    let known = context.known();
    let session = known.find_own(&name)?.clone();
    let factory = factory_of(&session)?;
    let command = command(format!("leapp session edit {}", session.name), factory);
    let matches = match command.try_get_matches_from(std::iter::once("edit".into()).chain(words)) {
        Ok(matches) => matches,
        Err(error) if !error.use_stderr() => return print(&error.render().to_string()),
        Err(error) => return Err(usage(&error, session.name.as_str())),
    };
    if !changes_something(&matches, factory) {
        return Err(Failure::usage("nothing was given to change")
            .hint(format!("leapp session edit {} --help", session.name)));
    }
    // Taking the protection off would be the way around it.
    if fields::is_given(&matches, "unprotected") {
        confirm(context, &session)?;
    }
    let given = new_secret(context, &session, factory, &matches, &known)?;
    let ready = match &given {
        Some(_) => Some(secret::prepare(context, known.workspace())?),
        None => None,
    };
    let edit = Edit { id: session.id, factory, matches };
    let (workspace, edited) = write(context, &edit, given.as_ref().zip(ready.as_ref()), &known)?;
    if given.is_some() {
        forget(context, &known.with(&workspace).catalog, &edited)?;
    }
    tell(context, &known.with(&workspace).catalog, &edited)?;
    match given {
        Some(given) => secret::after(context, &given, workspace.vault.as_deref()),
        None => Ok(()),
    }
}

fn tell(context: &Context, catalog: &Catalog, edited: &Session) -> Outcome<()> {
    if context.ui.manner().json {
        return print_json(&as_json(catalog, edited));
    }
    context.ui.say(&format!("changed session {}", in_words(edited)));
    context.ui.say(&format!("next: leapp session show {}", edited.name));
    Ok(())
}

/// The secret that the flags give, or that the changed fields make necessary.
fn new_secret(
    context: &Context,
    session: &Session,
    factory: &dyn CredentialProviderFactory,
    matches: &ArgMatches,
    known: &Known,
) -> Outcome<Option<secret::Given>> {
    let mut preview = session.clone();
    fields::apply(&mut preview, factory, matches, known)?;
    let Some(form) = factory.secret() else { return Ok(None) };
    if let Some(given) = secret::from_flags(&mut preview, form, matches)? {
        return Ok(Some(given));
    }
    let empty = Secret::new(String::new());
    let item = |session: &Session| (form.item)(&session.fields.to_map(), &empty);
    // The vault's item holds fields too: a new key id needs its own secret.
    if item(&preview).expose() == item(session).expose() {
        return Ok(None);
    }
    secret::ask(context, &preview, form).map(Some)
}

struct Edit {
    id: uuid::Uuid,
    factory: &'static dyn CredentialProviderFactory,
    matches: ArgMatches,
}

fn write(
    context: &Context,
    edit: &Edit,
    secret: Option<(&secret::Given, &secret::Ready)>,
    known: &Known,
) -> Outcome<(Workspace, Session)> {
    let mut replaced = None;
    let written = context.change(|opened| {
        let before = opened.workspace.clone();
        let found = opened.workspace.sessions.iter_mut().find(|s| s.id == edit.id);
        let slot = found.ok_or_else(|| Failure::usage("the session was removed meanwhile"))?;
        let mut session = slot.clone();
        if let Some(name) = fields::given(&edit.matches, "name") {
            session.name = fields::free_name(name, Some(&before), Some(session.id))?;
        }
        fields::apply(&mut session, edit.factory, &edit.matches, &known.with(&before))?;
        put_key(&mut session, secret.map(|(given, _)| given));
        session.protected |= fields::is_given(&edit.matches, "protected");
        session.protected &= !fields::is_given(&edit.matches, "unprotected");
        slot.clone_from(&session);
        fields::check(&session, edit.factory, &known.with(&opened.workspace).catalog)?;
        if let (Some((given, ready)), Some(form)) = (secret, edit.factory.secret()) {
            replaced = Some(secret::store(ready, opened, &session, form, given)?);
        }
        Ok((opened.workspace.clone(), session))
    });
    if let (Err(_), Some(stored)) = (&written, &replaced) {
        stored.take_back();
    }
    written
}

/// The fields that came with a new secret.
fn put_key(session: &mut Session, given: Option<&secret::Given>) {
    let Some(given) = given else { return };
    let mut fields = session.fields.to_map();
    for (key, value) in &given.fields {
        fields.insert((*key).to_owned(), value.clone().into());
    }
    session.fields = crate::model::session::Fields::from_map(&fields);
}

/// What was issued for the earlier key is of no use for the new one's sessions.
fn forget(context: &Context, catalog: &Catalog, session: &Session) -> Outcome<()> {
    let manager = context.manager(catalog, context.existing_cache())?;
    manager.forget(session);
    Ok(())
}

pub(in crate::cli) fn command(
    title: String,
    factory: &'static dyn CredentialProviderFactory,
) -> Command {
    let command = Command::new("edit")
        .bin_name(title)
        .about("Change a session; an empty text removes an optional field")
        .arg(fields::text("name", "NAME", "A new name"));
    let command = fields::augment(command, factory)
        .arg(fields::flag("protected", "Ask for the session's name before it is handed out"))
        .arg(fields::flag("unprotected", "Hand it out without asking").conflicts_with("protected"));
    Global::augment_args(command)
}

fn changes_something(matches: &ArgMatches, factory: &dyn CredentialProviderFactory) -> bool {
    let texts = ["name", "region", "display-name", "parent"];
    let mut given = texts.iter().any(|name| fields::given(matches, name).is_some());
    given |= ["protected", "unprotected"].iter().any(|name| fields::is_given(matches, name));
    given |= matches.try_contains_id("from-csv").unwrap_or(false);
    if let Some(secret) = factory.secret() {
        given |= fields::is_given(matches, &format!("{}-stdin", secret.flag));
    }
    given || factory.fields().iter().any(|f| matches.try_contains_id(f.flag).unwrap_or(false))
}

fn usage(error: &clap::Error, name: &str) -> Failure {
    let failure = crate::cli::usage::failure(error, &["edit".into()]);
    let hint = failure.hint.clone().filter(|hint| hint.contains("secret"));
    failure.hint(hint.unwrap_or_else(|| format!("leapp session edit {name} --help")))
}

//! `leapp profile bind SESSION PROFILE`.

use serde_json::json;

use super::{
    Paths, change, check_name, command_for, name_of, plain, read, region_of, stanza,
    stanza::{Edit, Region, Text, Wish},
    word,
};
use crate::{
    access::{self, profile::Bound},
    cli::{
        args::BindArgs,
        context::Context,
        failure::{Failure, Kind, Outcome},
        handout::{self, Regions, factory_of},
        known::Known,
        print_json,
    },
    model::{CredentialIdentifier, Session},
    secret::SecretBytes,
    system::users_file,
};

pub(super) fn run(context: &Context, args: &BindArgs) -> Outcome<()> {
    let profile = plain(&args.profile);
    check_name(profile)?;
    let known = context.known();
    let session = bindable(&known, &args.name)?;
    if args.region.is_some() {
        let said = Regions { flag: args.region.clone(), ..Regions::default() };
        handout::region(context, &known.catalog, session, &said)?;
    }
    refuse_circle(&known, session, profile)?;
    let (bound, command) = command_for(context, session.id)?;
    let paths = Paths::of(context)?;
    let own = session.region.as_ref().map(ToString::to_string);
    let flag = args.region.as_ref().map(ToString::to_string);
    let wish = Wish {
        profile,
        bound: &bound,
        command: &command,
        region: flag.as_deref().map_or(Region::Usual(own.as_deref()), Region::Set),
        force: args.force,
        region_of: &region_of(&known),
        name_of: &name_of(&known),
    };
    let edit = |config: Text<'_>| -> Outcome<Edit> {
        let credentials = read(&paths.credentials)?;
        let bytes = credentials.as_ref().map(SecretBytes::expose);
        Ok(stanza::bind(config, Text { path: &paths.credentials, bytes }, &wish)?)
    };
    let done = if args.dry_run {
        users_file::check(&paths.config)?;
        let config = read(&paths.config)?;
        edit(Text { path: &paths.config, bytes: config.as_ref().map(SecretBytes::expose) })
    } else {
        change(&paths.config, edit)
    };
    let done = done.map_err(|failure| told(failure, session, args, profile))?;
    if !args.dry_run {
        crate::activation::lease::revoke_all(&context.run);
    }
    let told = Told { session, profile, paths: &paths, bound: &bound, dry_run: args.dry_run };
    tell(context, &known, &told, &done)
}

/// A session of the workspace, of AWS.
fn bindable<'a>(known: &'a Known, name: &str) -> Outcome<&'a Session> {
    let session = known.find(name)?;
    let id = session.identifier();
    let refuse = |why: &str| Failure::usage(format!("'{id}' cannot be bound: {why}"));
    match &id {
        CredentialIdentifier::Session(_) => {}
        CredentialIdentifier::Profile(_) => {
            let hint = format!("programs read it as it stands: --profile {}", session.name);
            return Err(refuse("a profile needs no binding").hint(hint));
        }
        _ => {
            return Err(refuse("a profile is bound to a session of the workspace, by its id")
                .hint("leapp session add"));
        }
    }
    let factory = factory_of(session)?;
    if factory.managed().cloud != "aws" {
        return Err(refuse("profiles are for AWS"));
    }
    Ok(session)
}

/// A session that gets its credentials from this very profile would wait for itself.
fn refuse_circle(known: &Known, session: &Session, profile: &str) -> Outcome<()> {
    let mut catalog = known.catalog.clone();
    catalog.bound.insert(profile.to_owned(), session.id);
    catalog.chain(session).map(|_| ()).map_err(|error| {
        let message = format!("session '{}' is started with profile '{profile}'", session.name);
        Failure::usage(message)
            .because(error.to_string())
            .hint("bind a profile of another name, or give the session another parent")
    })
}

fn told(failure: Failure, session: &Session, args: &BindArgs, profile: &str) -> Failure {
    let force = failure.hint.as_deref().is_some_and(|hint| hint.starts_with("--force"));
    let failure = failure.doing(format!("cannot bind profile '{profile}' to '{}'", session.name));
    if force {
        let command = format!("leapp profile bind {} {} --force", args.name, word(profile));
        return failure.hint(command);
    }
    failure
}

struct Told<'a> {
    session: &'a Session,
    profile: &'a str,
    paths: &'a Paths,
    bound: &'a Bound,
    dry_run: bool,
}

fn tell(context: &Context, known: &Known, told: &Told<'_>, done: &Edit) -> Outcome<()> {
    let Told { session, profile, paths, bound, dry_run } = told;
    let is_same = done.set.is_empty() && done.removed.is_empty();
    if context.ui.manner().json {
        let set: serde_json::Map<_, _> =
            done.set.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        print_json(&json!({
            "profile": profile,
            "session": session.name,
            "identifier": session.identifier(),
            "file": paths.config,
            "program": bound.program,
            "changed": !is_same && !dry_run,
            "set": set,
            "removed": done.removed,
            "dryRun": dry_run,
        }))?;
    } else {
        in_words(context, told, done, is_same);
    }
    if !dry_run {
        notes(context, known, session, profile);
        if done.lacks_region {
            let command = format!("leapp profile bind {} {} --region", session.name, word(profile));
            context.ui.note(&format!(
                "the profile has no region, and some programs need one: {command} REGION"
            ));
        }
    }
    Ok(())
}

fn in_words(context: &Context, told: &Told<'_>, done: &Edit, is_same: bool) {
    let Told { session, profile, paths, dry_run, .. } = told;
    let (name, file) = (&session.name, paths.config.display());
    if is_same {
        let text = format!("profile '{profile}' is bound to '{name}' already; nothing to change");
        context.ui.say(&text);
        return;
    }
    let is = if *dry_run { "would be" } else { "is" };
    context.ui.say(&format!("profile '{profile}' {is} bound to '{name}' in '{file}'"));
    if !done.removed.is_empty() {
        context.ui.say(&format!("taken out: {}", done.removed.join(", ")));
    }
    for (key, value) in &done.set {
        context.ui.say(&format!("{key} = {value}"));
    }
    if !dry_run {
        context.ui.say(&format!("next: aws sts get-caller-identity --profile {}", word(profile)));
    }
}

/// What a person should know who relies on the profile.
fn notes(context: &Context, known: &Known, session: &Session, profile: &str) {
    let name = &session.name;
    if session.protected {
        context.ui.note(&format!(
            "session '{name}' is protected: a bound profile never switches it on, and programs get \
             status {}",
            Kind::NeedsAction.exit()
        ));
        return;
    }
    let chain = known.catalog.chain(session).unwrap_or_default();
    let asks = |hop: &&Session| access::factory(&hop.session_type).is_some_and(|f| f.asks(hop));
    if chain.iter().any(asks) {
        context.ui.note(&format!(
            "programs are never asked for a code: 'leapp start {name}' fetches the credentials first"
        ));
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c);
    if !profile.chars().all(safe) {
        context.ui.note(&format!("some SDKs do not find a profile of the name '{profile}'"));
    }
}

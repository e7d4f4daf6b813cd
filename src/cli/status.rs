//! `leapp status`: what a session, or this shell, has; with `--check`, what the cloud says of it.

use serde_json::{Value as Json, json};

use super::{
    args::{Selection, StatusArgs},
    context::{Context, variable},
    failure::{Failure, Kind, Outcome},
    handout::{Regions, confirm, mfa_code, region, resolve},
    list::{as_members, in_words_of},
    print, print_json,
    session::summary_of,
    start::local,
    usage::typed,
};
use crate::{
    access::Verified,
    envdelta,
    model::{Catalog, Session, Timestamp, duration},
    output::table::visible,
    resolver::status::{self, Status},
    system::clock,
};

pub(super) fn run(context: &Context, args: StatusArgs) -> Outcome<u8> {
    let current = context.before.state().and_then(|state| state.identities.first().cloned());
    let Some(name) = args.name.clone().or(current) else {
        return Err(Failure::new(
            Kind::Incomplete,
            "no session is on in this shell, and none was named",
        )
        .hint("leapp status NAME"));
    };
    if args.name.is_none() && !args.check {
        return of_this_shell(context).map(|()| 0);
    }
    let known = if args.check { context.known_for(Some(&name))? } else { context.known() };
    let session = known.find(&name)?;
    if args.check {
        return check(context, &known.catalog, session, &args).map(|()| 0);
    }
    let manager = context.manager(&known.catalog, context.existing_cache())?;
    let status = status::of(&manager, session);
    tell(context, session, status, None)?;
    Ok(verdict(context, session, status))
}

/// What this shell has, by its own variables; no file is read.
pub(super) fn of_this_shell(context: &Context) -> Outcome<()> {
    let Some(state) = context.before.state() else {
        return Ok(());
    };
    let name = variable("LEAPP_SESSION").unwrap_or_default().to_string_lossy().into_owned();
    let region = variable("AWS_REGION").unwrap_or_default().to_string_lossy().into_owned();
    let account = variable("AWS_ACCOUNT_ID").map(|id| id.to_string_lossy().into_owned());
    let expires = Timestamp(i64::try_from(state.expiry).unwrap_or(0));
    let left = expires.since(Timestamp(clock::now()));
    if context.ui.manner().json {
        return print_json(&json!({
            "name": name,
            "identifier": state.identities.first(),
            "state": if left > 0 { "valid" } else { "inactive" },
            "checked": false,
            "region": region,
            "account": account,
            "expiration": expires.rfc3339(),
            "secondsLeft": left.max(0),
        }));
    }
    let account = account.map_or_else(String::new, |id| format!("  account {id}"));
    let end = if left > 0 {
        format!("{} left (until {})", duration::brief(left), local(expires))
    } else if state.expiry == 0 {
        "has no credentials".to_owned()
    } else {
        format!("expired at {}", local(expires))
    };
    print(&format!("{}@{}{}  {end}\n", visible(&name), visible(&region), visible(&account)))?;
    if state.kind == envdelta::Kind::Exec {
        context.ui.say("next: 'exit' leaves this shell, and the session with it");
        return Ok(());
    }
    context.ui.say(&format!("next: {}", next(state.kind, left > 0, &name)));
    Ok(())
}

/// What a person can do about what this shell has.
fn next(kind: envdelta::Kind, is_on: bool, name: &str) -> String {
    let shell = super::env::chosen_shell(None);
    let by_hook = matches!(kind, envdelta::Kind::Directory | envdelta::Kind::Use);
    let line = |words: &[&str]| shell.eval_line(words).unwrap_or_default();
    match (by_hook, is_on) {
        (true, true) if shell.id() == "powershell" => "leapp-off".to_owned(),
        (true, true) => "leapp off".to_owned(),
        (true, false) => format!("leapp start {}", typed(name)),
        (false, true) => line(&["leapp", "env", "--unset"]),
        (false, false) => line(&["leapp", "env", name]),
    }
}

/// Asks the cloud, in the session's region, with credentials that are fetched if need be.
fn check(
    context: &Context,
    catalog: &Catalog,
    session: &Session,
    args: &StatusArgs,
) -> Outcome<()> {
    context.ui.give_code(mfa_code(args.mfa_code.as_deref())?);
    confirm(context, session)?;
    let said = Regions { flag: args.region.clone(), ..Regions::default() };
    let choice = region(context, catalog, session, &said)?;
    let manager = context.manager(catalog, context.cache(false))?;
    let resolved = resolve(&manager, session, &Selection::default())?;
    let verified = manager.verify(session, &resolved, &choice.region);
    let name = &session.name;
    let verified = verified.map_err(|error| {
        let failure =
            Failure::from(error).doing(format!("the credentials of '{name}' do not work"));
        match failure.kind {
            Kind::Invalid => failure.hint(format!("leapp rotate {name}")),
            _ => failure,
        }
    })?;
    let clocked = &resolved.clocked;
    let status = Status::Active {
        left: clocked.left(),
        expires: clocked.local_expiry(),
        started: clocked.issued_at,
    };
    tell(context, session, status, Some((&verified, choice.region.as_str())))
}

fn tell(
    context: &Context,
    session: &Session,
    status: Status,
    checked: Option<(&Verified, &str)>,
) -> Outcome<()> {
    if context.ui.manner().json {
        return print_json(&json_of(session, status, checked));
    }
    let mut text = format!("{}  {}", session.name, in_words_of(session, status));
    if let Status::Active { expires, .. } = status {
        text.push_str(&format!(" (until {})", local(expires)));
    }
    match checked {
        None => {}
        Some((verified, region)) => {
            let (account, principal) = (visible(&verified.account), visible(&verified.principal));
            text.push_str(&format!("\naccount {account}\n{principal}\nchecked in {region}"));
        }
    }
    print(&format!("{text}\n"))
}

fn json_of(session: &Session, status: Status, checked: Option<(&Verified, &str)>) -> Json {
    let state = match status {
        Status::Active { .. } => "valid",
        other => other.as_str(),
    };
    let summary = summary_of(session);
    let mut all = json!({
        "name": session.name,
        "identifier": session.identifier().to_string(),
        "state": state,
        "checked": checked.is_some(),
        "account": checked.map(|(v, _)| v.account.clone()).or(summary.account),
        "principal": checked.map(|(v, _)| v.principal.clone()),
        "region": checked.map(|(_, region)| region),
    });
    if let (Some(all), Some(more)) = (all.as_object_mut(), as_members(status).as_object()) {
        all.extend(more.clone());
    }
    all
}

/// The exit status of a look without the network.
fn verdict(context: &Context, session: &Session, status: Status) -> u8 {
    let name = session.name.as_str();
    let name = typed(name);
    match status {
        Status::Active { .. } | Status::Inactive | Status::Pending => 0,
        Status::NeedsLogin | Status::NeedsPerson => {
            context.ui.say(&format!("next: leapp start {name}"));
            Kind::NeedsAction.exit()
        }
        Status::Incomplete => {
            context.ui.say(&format!("next: leapp session show {name}"));
            Kind::Incomplete.exit()
        }
    }
}

//! A connection in words and as JSON.

use serde_json::{Value as Json, json};

use crate::{
    cli::{list::as_members, session::summary_of, start::local},
    model::{Session, duration},
    output::table::visible,
    resolver::{
        connection::{Caller, Connection, Missing, State},
        status::Status,
    },
};

/// What is told besides the connection itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// The account, where the session's fields tell it.
    pub(super) account: Option<String>,
    /// Whether the cloud was asked.
    pub(super) checked: bool,
    /// The name, where there is no identity that has one.
    pub(super) name: Option<String>,
}

impl Facts {
    pub(super) fn of(session: &Session) -> Self {
        Self { account: summary_of(session).account, ..Self::default() }
    }
}

/// For programs.
pub(super) fn members(connection: &Connection, facts: &Facts) -> Json {
    let state = connection.state();
    let identity = connection.identity();
    let caller = caller(state);
    let arn = caller.map(|caller| caller.arn.clone());
    let mut all = json!({
        "name": identity.map(|identity| identity.name.clone()).or_else(|| facts.name.clone()),
        "identifier": identity.map(|identity| identity.identifier.clone()),
        "state": state.as_str(),
        "checked": facts.checked,
        "message": connection.long(),
        "summary": connection.short(),
        "account": caller.map(|caller| caller.account.clone()).or_else(|| facts.account.clone()),
        "arn": arn,
        "principal": arn,
        "region": connection.region(),
        "actions": connection.actions(),
        "status": state.as_str(),
        "expiration": null,
        "secondsLeft": null,
    });
    let more = match state {
        State::Incomplete { missing, cause } => {
            json!({ "missing": words(*missing), "error": cause })
        }
        State::Invalid { reason, cause } => json!({ "reason": reason.as_str(), "error": cause }),
        State::RequiresUserAction { need, command, cause } => {
            json!({ "action": need.as_str(), "command": command, "error": cause })
        }
        State::Valid { expires, left, started, .. } => {
            let started = started.unwrap_or(*expires);
            as_members(Status::Active { left: *left, expires: *expires, started })
        }
        State::Inactive | State::Initializing | State::Pending | State::Validating => json!({}),
    };
    let nothing =
        json!({ "missing": [], "action": null, "command": null, "reason": null, "error": null });
    if let (Some(all), Json::Object(nothing), Json::Object(more)) =
        (all.as_object_mut(), nothing, more)
    {
        all.extend(nothing);
        all.extend(more);
        if let State::Valid { started: None, .. } = state {
            all.remove("startDateTime");
        }
    }
    all
}

fn words(missing: Missing) -> Vec<&'static str> {
    let found = [(missing.identity, "identity"), (missing.region, "region")];
    found.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect()
}

fn caller(state: &State) -> Option<&Caller> {
    match state {
        State::Valid { caller, .. } => caller.as_ref(),
        _ => None,
    }
}

/// For people: one line, and what the cloud said below it.
pub(super) fn in_words(connection: &Connection, facts: &Facts) -> String {
    let mut text = line(connection, facts);
    if let (Some(caller), Some(region)) = (caller(connection.state()), connection.region()) {
        let (arn, region) = (visible(&caller.arn), visible(region));
        text.push_str(&format!("\n{arn}\nchecked in {region}"));
    }
    text
}

/// The same without what the cloud said.
pub(super) fn line(connection: &Connection, facts: &Facts) -> String {
    let place = || {
        let name = connection.identity().map_or("", |identity| identity.name.as_str());
        visible(&format!("{name}@{}", connection.region().unwrap_or_default()))
    };
    match connection.state() {
        State::Inactive | State::Pending => format!("{}  {}", place(), connection.short()),
        State::Valid { expires, left, caller, .. } => {
            let account = caller.as_ref().map(|caller| &caller.account);
            let account = account.or(facts.account.as_ref());
            let account =
                account.map_or_else(String::new, |id| format!("  account {}", visible(id)));
            let (left, until) = (duration::brief(*left), local(*expires));
            format!("{}{account}  {left} left (until {until})", place())
        }
        State::Incomplete { .. }
        | State::Initializing
        | State::Invalid { .. }
        | State::RequiresUserAction { .. }
        | State::Validating => visible(&connection.long()),
    }
}

/// What a person does next; `None` where nothing is to be done.
pub(super) fn next(connection: &Connection) -> Option<String> {
    match connection.state() {
        State::Inactive
        | State::Initializing
        | State::Pending
        | State::Valid { .. }
        | State::Validating => None,
        State::Incomplete { missing: Missing { region: false, .. }, .. } => {
            let own = connection.identity().filter(|id| id.identifier.starts_with("session:"));
            let show = own.map(|identity| format!("leapp session show {}", identity.name));
            show.or_else(|| connection.actions().into_iter().next())
        }
        _ => connection.actions().into_iter().next(),
    }
}

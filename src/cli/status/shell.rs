//! What this shell has, by its own variables: no file is read.

use serde_json::json;

use crate::{
    cli::{
        context::{Context, variable},
        env::chosen_shell,
        failure::Outcome,
        print, print_json,
        start::local,
    },
    envdelta,
    model::{Timestamp, duration},
    output::table::visible,
    system::clock,
};

/// Whether this shell's credentials are good by its own variables.
pub(super) fn has_credentials(context: &Context) -> bool {
    context.before.state().is_some_and(|state| {
        let expires = Timestamp(i64::try_from(state.expiry).unwrap_or(0));
        expires.since(Timestamp(clock::now())) > 0
    })
}

/// What this shell has, by its own variables; no file is read.
pub(in crate::cli) fn of_this_shell(context: &Context) -> Outcome<()> {
    let Some(state) = context.before.state() else {
        return Ok(());
    };
    let name = variable("LEAPP_SESSION").unwrap_or_default().to_string_lossy().into_owned();
    let region = variable("AWS_REGION").unwrap_or_default().to_string_lossy().into_owned();
    let account = variable("AWS_ACCOUNT_ID").map(|id| id.to_string_lossy().into_owned());
    let expires = Timestamp(i64::try_from(state.expiry).unwrap_or(0));
    let left = expires.since(Timestamp(clock::now()));
    let status = if left > 0 { "active" } else { "inactive" };
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
            "status": status,
            "arn": null,
            "principal": null,
            "missing": [],
            "action": null,
            "command": null,
            "reason": null,
            "error": null,
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
    let shell = chosen_shell(None);
    let by_hook = matches!(kind, envdelta::Kind::Directory | envdelta::Kind::Use);
    let line = |words: &[&str]| shell.eval_line(words).unwrap_or_default();
    match (by_hook, is_on) {
        (true, true) if shell.id() == "powershell" => "leapp-off".to_owned(),
        (true, true) => "leapp off".to_owned(),
        (true, false) => format!("leapp start {name}"),
        (false, true) => line(&["leapp", "env", "--unset"]),
        (false, false) => line(&["leapp", "env", name]),
    }
}

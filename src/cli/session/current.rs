//! `leapp session current`: the session of this shell.

use serde_json::json;

use crate::{
    cli::{
        context::{Context, variable},
        failure::{Failure, Kind, Outcome},
        print, print_json,
    },
    output::table::visible,
};

pub(super) fn run(context: &Context) -> Outcome<()> {
    let state = context.before.state();
    let name = variable("LEAPP_SESSION").filter(|_| state.is_some());
    let (Some(state), Some(name)) = (state, name) else {
        return Err(Failure::new(Kind::Incomplete, "no session is on in this shell")
            .hint("leapp list, then: eval \"$(leapp env NAME)\""));
    };
    let name = name.to_string_lossy();
    if context.ui.manner().json {
        return print_json(&json!({
            "name": name,
            "identifier": state.identities.first(),
            "expiration": crate::model::Timestamp(i64::try_from(state.expiry).unwrap_or(0)).rfc3339(),
        }));
    }
    print(&format!("{}\n", visible(&name)))
}

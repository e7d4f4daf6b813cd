//! `leapp lock`: nothing that was unlocked stays so, and no cached credentials can be read again.

use serde_json::json;

use super::{context::Context, failure::Outcome, print_json};
use crate::{activation::lease, resolver::cache, vault};

pub(super) fn run(context: &Context) -> Outcome<()> {
    // The workspace names the vault, which may hold the cache's key. That comes first: it opens the
    // vault, if it is open or a passphrase is given.
    let opened = context.workspace();
    let mut forgot = opened.is_ok() && context.forget_vault_cache();
    forgot |= cache::forget_key(&context.home.tag());
    cache::remove_all(&context.run);
    lease::revoke_all(&context.run);
    let settings = context.vault_settings()?;
    let mut locked = Vec::new();
    for backend in vault::BACKENDS {
        if backend.lock(&settings) {
            locked.push(backend.label());
        }
    }
    if context.ui.manner().json {
        return print_json(&json!({ "locked": locked, "cacheForgotten": forgot }));
    }
    for label in &locked {
        context.ui.say(&format!("the {label} is locked"));
    }
    context.ui.say(if forgot {
        "all cached credentials are forgotten; copies that were handed out stay valid until they end"
    } else {
        "there were no cached credentials"
    });
    context.ui.say("next: leapp start NAME");
    Ok(())
}

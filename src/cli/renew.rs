//! `leapp renew`: new credentials in the background. Started by the hook, with nobody to ask and
//! nobody to tell; what went wrong is noted for the next prompt.

use super::{
    args::RenewArgs,
    context::Context,
    failure::{Failure, Kind, Outcome},
    handout::resolve_as,
};
use crate::{
    activation::lease,
    model::CredentialIdentifier,
    resolver::{Want, marks},
    system::detached,
};

/// How long it may take, in seconds.
const LIMIT: u32 = 60;

pub(super) fn run(context: &Context, args: &RenewArgs) -> Outcome<()> {
    let id = CredentialIdentifier::parse(&args.name)
        .map_err(|error| Failure::usage(error.to_string()).hint("leapp start NAME"))?
        .uuid();
    // One at a time. Who comes late finds that it went well, or why it did not.
    let Ok(Some(lock)) = marks::begin_renewal(&context.run, id) else { return Ok(()) };
    if marks::failed_renewal(&context.run, id).is_some() {
        return Ok(());
    }
    // A process that is ended by its limit leaves this behind.
    marks::fail_renewal(&context.run, id, "it took longer than a minute");
    detached::end_after(LIMIT);
    context.background.set(true);
    let result = renew(context, &args.name);
    match &result {
        Ok(()) => marks::clear_renewal(&context.run, id),
        Err(failure) => marks::fail_renewal(&context.run, id, &failure.in_a_line()),
    }
    // Freed first: whoever looks now finds the end.
    drop(lock);
    lease::revoke_all(&context.run);
    result
}

fn renew(context: &Context, name: &str) -> Outcome<()> {
    let known = context.known_for(Some(name))?;
    let session = known.find(name)?;
    let refuse = |why: &str, hint: &str| {
        let name = &session.name;
        let hint = format!("{hint} {name}");
        Err(Failure::new(Kind::NeedsAction, format!("session '{name}' {why}")).hint(hint))
    };
    if session.protected {
        return refuse("is protected", "leapp use");
    }
    if marks::is_stopped(&context.run, session.id) {
        return refuse("was stopped", "leapp start");
    }
    let manager = context.manager(&known.catalog, context.cache(false))?;
    // With a wish of its own, the old ones do not stand in for what could not be had.
    let want = Want { min_ttl: Some(1), ..Want::default() };
    let resolved = resolve_as(&manager, session, want)?;
    if resolved.kept.is_none() {
        let message = "new credentials could not be kept";
        return Err(Failure::new(Kind::Failed, message).hint("leapp doctor"));
    }
    Ok(())
}

//! `leapp renew`: new credentials in the background. Started by the hook, with nobody to ask and
//! nobody to tell; what went wrong is noted for the next prompt.

use super::{
    args::RenewArgs,
    context::{Context, find},
    failure::{Failure, Kind, Outcome},
    handout::resolve_as,
};
use crate::{
    activation::lease,
    resolver::{Want, marks},
    system::detached,
};

/// How long it may take, in seconds.
const LIMIT: u32 = 60;

pub(super) fn run(context: &Context, args: &RenewArgs) -> Outcome<()> {
    detached::end_after(LIMIT);
    let opened = context.workspace()?;
    let workspace = opened.as_ref().map(|opened| &opened.workspace);
    let session = find(workspace, &args.name)?;
    let Some(workspace) = workspace else { return Ok(()) };
    if session.protected {
        let message = format!("session '{}' is protected", session.name);
        return Err(Failure::new(Kind::NeedsAction, message).hint("leapp use NAME"));
    }
    if marks::is_stopped(&context.run, session.id) {
        let message = format!("session '{}' was stopped", session.name);
        return Err(
            Failure::new(Kind::NeedsAction, message).hint(format!("leapp start {}", session.name))
        );
    }
    let manager = context.manager(workspace, context.cache(false))?;
    // With a wish of its own, the old ones do not stand in for what could not be had.
    let want = Want { min_ttl: Some(1), ..Want::default() };
    let result = resolve_as(&manager, session, want);
    match result {
        Ok(resolved) if resolved.kept.is_some() => {
            marks::clear_renewal(&context.run, session.id);
            lease::revoke_all(&context.run);
            Ok(())
        }
        Ok(_) => {
            let message = "new credentials could not be kept";
            marks::fail_renewal(&context.run, session.id, message);
            lease::revoke_all(&context.run);
            Err(Failure::new(Kind::Failed, message).hint("leapp doctor"))
        }
        Err(failure) => {
            marks::fail_renewal(&context.run, session.id, &failure.in_a_line());
            lease::revoke_all(&context.run);
            Err(failure)
        }
    }
}

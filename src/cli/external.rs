//! Identities of third-party providers that a person asks for by name: where the last listing does
//! not have one, its provider is asked anew before anything is decided.
//!
//! Deliberately absent: hooks, lists and completion. They take the last listing as it is.

use super::{context::Context, failure::Outcome, known::Known, project, provider};
use crate::model::CredentialIdentifier;

/// No chain of parents is followed further.
const DEPTH: usize = 32;

impl Context {
    /// The same as [`Context::known`], for who will hand out what has that name; without a name, what
    /// the trusted project says.
    pub(super) fn known_for(&self, name: Option<&str>) -> Outcome<Known> {
        let look = || name.map_or_else(|| self.known(), |name| self.known_around(name));
        let known = look();
        let Some((provider, id)) = lacking(self, &known, name) else { return Ok(known) };
        let providers = &self.config()?.providers;
        let Some(settings) = providers.iter().find(|settings| settings.name.as_str() == provider)
        else {
            return Ok(known);
        };
        provider::look_for(self, settings, &id)?;
        Ok(look())
    }
}

/// The provider and the id that the name leads to, itself or by its parents, and that are not there.
fn lacking(context: &Context, known: &Known, name: Option<&str>) -> Option<(String, String)> {
    let mut id = match name {
        Some(name) => CredentialIdentifier::parse(name)
            .ok()
            .or_else(|| known.find(name).ok().map(crate::model::Session::identifier))?,
        None => project::trusted_here(context)?.bound().identity.clone(),
    };
    for _ in 0..DEPTH {
        let Some(session) = known.catalog.by_identifier(&id) else {
            return match id {
                CredentialIdentifier::External { provider, id } => Some((provider, id)),
                _ => None,
            };
        };
        id = session.parent.clone()?;
    }
    None
}

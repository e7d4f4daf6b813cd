//! What a session stands for, as one short text: trust is bound to it.

use crate::{
    access,
    model::{Catalog, Session, catalog::ChainError},
    system::hash,
};

/// A hash over each hop of the session's chain: its id, its type and its principal. It changes when
/// the session would speak for somebody else, and not when it is renamed or lasts longer.
pub fn fingerprint(catalog: &Catalog, session: &Session) -> Result<String, ChainError> {
    let mut parts = Vec::new();
    for hop in catalog.chain(session)? {
        let principal = access::factory(&hop.session_type).map(|f| f.principal(hop));
        parts.push(hop.id.to_string());
        parts.push(hop.session_type.clone());
        parts.push(principal.unwrap_or_default());
    }
    Ok(hash::long(parts.iter().map(|part| Some(part.as_bytes()))))
}

//! What the manager would do for a session, hop by hop: for showing, never for doing.

use std::path::PathBuf;

use super::entry::Clocked;
use crate::{
    access::{Call, Origin},
    model::Session,
};

/// One hop of a chain.
#[derive(Debug)]
pub struct Planned<'a> {
    /// Whose.
    pub session: &'a Session,
    /// Credentials of it that are in the cache and good, and where.
    pub kept: Option<(Clocked, Option<PathBuf>)>,
    /// Whether they are renewed when they are handed out now.
    pub is_due: bool,
    /// The calls that new ones take.
    pub calls: Vec<Call>,
    /// Whether a person must answer for new ones.
    pub asks: bool,
    /// What a person must do elsewhere before.
    pub lacks: Option<String>,
    /// Where its values stand.
    pub origins: Vec<Origin>,
    /// What would be said of it.
    pub notes: Vec<String>,
}

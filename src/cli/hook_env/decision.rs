//! What is decided for a shell.

use std::path::PathBuf;

use super::notes::Note;
use crate::{activation::project::Place, envdelta::EnvDelta, shell::Owner};

/// What is decided for a shell. The default: nothing of ours is on.
#[derive(Debug, Default)]
pub(super) struct Decision {
    /// What happens to the environment.
    pub(super) effect: Effect,
    /// Who owns the shell from now on.
    pub(super) owner: Owner,
    /// The project file that governs.
    pub(super) place: Option<Place>,
    /// Holds as long as the answer does.
    pub(super) lease: Option<PathBuf>,
    /// When the hook asks again, in seconds.
    pub(super) ask_again: Option<i64>,
    /// Whether it is for this directory alone.
    pub(super) here: bool,
    /// What the person is told.
    pub(super) notes: Vec<Note>,
}

/// What happens to the environment.
#[derive(Debug, Default)]
pub(super) enum Effect {
    /// Nothing of ours is on.
    #[default]
    Off,
    /// These variables.
    Set(Box<Set>),
    /// What a person has switched on or off stays as it is.
    Stay,
}

/// A session for a shell, or what stands for one that has no credentials.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) delta: EnvDelta,
    /// The access key id.
    pub(super) key: String,
    pub(super) identity: String,
    pub(super) region: String,
    pub(super) session: String,
    /// `protected`, `expired` or nothing.
    pub(super) warning: &'static str,
}

/// For prompts: what is on is protected.
pub(super) const PROTECTED: &str = "protected";
/// For prompts: what is on cannot work.
pub(super) const EXPIRED: &str = "expired";

impl Decision {
    /// Whether credentials that work are on.
    pub(super) fn is_on(&self) -> bool {
        matches!(&self.effect, Effect::Set(set) if set.warning != EXPIRED)
    }

    /// Nothing is on here, and that holds for the project file.
    pub(super) fn nothing(place: Place) -> Self {
        Self { owner: Owner::Directory, place: Some(place), ..Self::default() }
    }
}

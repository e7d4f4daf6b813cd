//! The key of a profile leaves the shared files, and a binding takes its place: both files or none.
//!
//! Deliberately absent: the vault and the workspace, which have the key and the session by then.

use std::path::Path;

use super::from_profile::Source;
use crate::{
    access::profile::{
        Bound,
        stanza::{self, Edit, Region, StanzaError, Text, Wish},
    },
    cli::{
        context::Context,
        failure::{Failure, Outcome},
        known::Known,
        profile::{Paths, change, command_for, name_of, read, region_of},
    },
    cloud::shared_config::SIZE_LIMIT,
    secret::SecretBytes,
    system::{files, users_file},
};

/// All that the change of the files depends on.
pub(super) struct Moving<'a> {
    source: &'a Source,
    paths: Paths,
    bound: Bound,
    command: String,
    region: Option<String>,
}

impl<'a> Moving<'a> {
    pub(super) fn new(
        context: &Context,
        known: &Known,
        source: &'a Source,
        id: uuid::Uuid,
    ) -> Outcome<Self> {
        let (bound, command) = command_for(context, id)?;
        let region = region_of(known)(id);
        Ok(Self { source, paths: Paths::of(context)?, bound, command, region })
    }

    /// Looks whether it could be done. Changes nothing.
    pub(super) fn rehearse(&self, known: &Known) -> Outcome<()> {
        let Paths { config, credentials } = &self.paths;
        let (mine, theirs) = (read(config)?, read(credentials)?);
        self.config(known, text(config, mine.as_ref()), text(credentials, theirs.as_ref()))?;
        let changed = self.credentials(text(credentials, theirs.as_ref()))?;
        users_file::check(config)?;
        if changed.bytes.is_some() {
            users_file::check(credentials)?;
        }
        Ok(())
    }

    /// Does it: the binding first. The credentials file wins over it, so that nothing changes for
    /// anybody until the key is out of there too.
    pub(super) fn go(&self, known: &Known) -> Outcome<()> {
        let Paths { config, credentials } = &self.paths;
        let (mut before, mut after) = (None, None);
        change(config, |mine| {
            let theirs = read(credentials)?;
            let edit = self.config(known, mine, text(credentials, theirs.as_ref()))?;
            before = mine.bytes.map(|bytes| SecretBytes::new(bytes.to_vec()));
            after.clone_from(&edit.bytes);
            Ok(edit)
        })?;
        let changed = change(credentials, |theirs| self.credentials(theirs));
        changed
            .map(|_| ())
            .map_err(|failure| take_back(config, before.as_ref(), after.as_ref(), failure))
    }

    fn config(&self, known: &Known, config: Text<'_>, theirs: Text<'_>) -> Outcome<Edit> {
        let (profile, key) = self.source.key();
        let wish = Wish {
            profile,
            bound: &self.bound,
            command: &self.command,
            region: Region::Usual(self.region.as_deref()),
            force: false,
            region_of: &region_of(known),
            name_of: &name_of(known),
        };
        let edit = stanza::bind_for_key(config, theirs, &wish, &key);
        edit.map_err(|error| self.told(error))
    }

    fn credentials(&self, theirs: Text<'_>) -> Outcome<Edit> {
        let (profile, key) = self.source.key();
        stanza::without_key(theirs, profile, &key).map_err(|error| self.told(error))
    }

    fn told(&self, error: StanzaError) -> Failure {
        let mixed = matches!(error, StanzaError::Taken { .. } | StanzaError::CredentialsWin { .. });
        let doing = format!("the key of profile '{}' cannot be replaced", self.source.key().0);
        let failure = Failure::from(error).doing(doing);
        if mixed {
            return failure
                .hint("without --replace the key is stored, and the file stays as it is");
        }
        failure
    }
}

fn text<'t>(path: &'t Path, bytes: Option<&'t SecretBytes>) -> Text<'t> {
    Text { path, bytes: bytes.map(SecretBytes::expose) }
}

/// Puts the config file back after the other file could not be changed.
fn take_back(
    config: &Path,
    before: Option<&SecretBytes>,
    after: Option<&SecretBytes>,
    failure: Failure,
) -> Failure {
    let Some(after) = after else { return failure };
    let mut is_ours = false;
    let restored = users_file::replace(config, SIZE_LIMIT as u64, |bytes| -> Outcome<_> {
        is_ours = bytes == Some(after.expose());
        Ok(before.filter(|_| is_ours).cloned())
    });
    // What was not there before goes; a link to it stays.
    let removed = || config.canonicalize().is_ok_and(|target| files::remove(&target).is_ok());
    if restored.is_ok() && is_ours && (before.is_some() || removed()) {
        return failure;
    }
    failure.because(format!("'{}' has the binding already", config.display()))
}

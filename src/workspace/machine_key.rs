//! What the workspace's key is derived from: the machine's id, else a random file in the home.

use crate::{
    secret::SecretBytes,
    system::{
        directory::PathError,
        entropy,
        files::{self, Durability},
        machine,
        paths::Home,
    },
};

use super::WorkspaceError;

/// Where the key of an opened workspace came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeySource {
    /// The machine's id.
    MachineId,
    /// `machine-key` in the home, for machines without an id (containers).
    MachineKeyFile,
    /// An item in the vault.
    Vault,
}

impl KeySource {
    /// The word for files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MachineId => "machine id",
            Self::MachineKeyFile => "machine-key file",
            Self::Vault => "vault",
        }
    }
}

/// Key material and where it came from.
pub(super) type Material = (KeySource, SecretBytes);

/// Everything of this machine that may open a workspace.
pub(super) fn for_opening(home: &Home) -> Result<Vec<Material>, WorkspaceError> {
    let ids = machine::ids().into_iter();
    let mut all: Vec<Material> =
        ids.map(|id| (KeySource::MachineId, SecretBytes::new(id.into_bytes()))).collect();
    if let Some(content) = files::read_private(&path(home), 1024)? {
        all.push((KeySource::MachineKeyFile, SecretBytes::new(content.bytes)));
    }
    Ok(all)
}

/// What a new workspace is sealed with; makes the file where the machine has no id.
pub(super) fn for_sealing(home: &Home) -> Result<Material, WorkspaceError> {
    if let Some(best) = for_opening(home)?.into_iter().next() {
        return Ok(best);
    }
    let path = path(home);
    let random = entropy::bytes::<32>().map_err(|e| PathError::io("write", &path, e))?;
    files::write_private(&path, &random, Durability::Disk)?;
    Ok((KeySource::MachineKeyFile, SecretBytes::new(random.to_vec())))
}

fn path(home: &Home) -> std::path::PathBuf {
    home.join("machine-key")
}

//! The workspace, the machine's id, the vault in use and the key of the cache, each with the reason.
//!
//! A vault is looked at as it is: no passphrase is used, for that would unlock it.

use std::cell::Cell;

use super::{Finding, unset};
use crate::{
    cli::{
        context::{Context, Quiet, is_cache_off, key_in, variable},
        failure::Failure,
    },
    resolver::{Cache, cache::Shelf},
    seal::Key,
    shell::Shell,
    system::machine,
    vault::{self, OpenVault, VaultError},
    workspace::{KeySource, Opened, Store, VaultKey, WorkspaceError},
};

/// What was found, for other themes too.
pub(super) struct Storage {
    pub(super) opened: Option<Opened>,
    pub(super) cache: Option<Cache>,
    /// The desktop app's file stands in the place of ours.
    pub(super) is_foreign: bool,
    pub(super) findings: Vec<Finding>,
}

/// The vault as it is.
enum Vault {
    /// No workspace names one.
    None,
    /// It can be used now.
    Open(Box<dyn OpenVault>),
    /// It cannot.
    Shut,
}

pub(super) fn look(context: &Context, shell: &dyn Shell) -> Storage {
    let mut findings = vec![machine_id(context)];
    let only_vault = Cell::new(false);
    let state = open(context, &only_vault);
    let is_foreign = matches!(state, Err(WorkspaceError::Desktop { .. }));
    let opened = match state {
        Ok(opened) => {
            findings.push(workspace(opened.as_ref()));
            opened
        }
        Err(WorkspaceError::WrongKey { .. }) if only_vault.get() => {
            findings.push(opened_by_vault_alone("leapp list"));
            None
        }
        Err(error) => {
            findings.push(Finding::failure("workspace", error.into()));
            None
        }
    };
    let recorded = opened.as_ref().and_then(|opened| opened.workspace.vault.clone());
    let (vault, finding) = vault(context, recorded.as_deref(), shell);
    findings.push(finding);
    let (cache, finding) = cache(context, &vault, shell);
    findings.push(finding);
    Storage { opened, cache, is_foreign, findings }
}

/// Reads the workspace without narrowing a mode, unlocking a vault or making a key.
///
/// Where the machine has no key at all, opening by the vault would make one: then `only_vault` is
/// set instead.
fn open(context: &Context, only_vault: &Cell<bool>) -> Result<Option<Opened>, WorkspaceError> {
    let has_key = !machine::ids().is_empty() || context.home.join("machine-key").exists();
    let key = |place: &VaultKey| -> Option<Key> {
        let vault = quiet_vault(context, &place.backend)?.ok()?;
        let key = key_in(&*vault, &place.item)?;
        only_vault.set(!has_key);
        has_key.then_some(key)
    };
    Store::new(context.home.clone()).open(&key)
}

/// A vault, if it is open already. `None`: the settings cannot be read, or there is no such vault.
fn quiet_vault(context: &Context, id: &str) -> Option<Result<Box<dyn OpenVault>, VaultError>> {
    let mut settings = context.vault_settings().ok()?;
    settings.passphrase = None;
    settings.passphrase_file = None;
    Some(vault::backend(id)?.open(&settings, &Quiet))
}

fn machine_id(context: &Context) -> Finding {
    const SUBJECT: &str = "machine id";
    let has_file = context.home.join("machine-key").exists();
    match (machine::ids().len(), has_file) {
        (0, _) => {
            let text = "this machine has no id, so the file 'machine-key' beside the workspace \
                        opens it: who copies both can read the sessions' names";
            Finding::info(SUBJECT, text).command("systemd-machine-id-setup")
        }
        (1, _) => Finding::ok(SUBJECT, "it opens the workspace on this machine alone"),
        _ => {
            let text = "/etc/machine-id and D-Bus's differ; the workspace is sealed with the first";
            Finding::info(SUBJECT, text).command("dbus-uuidgen --ensure")
        }
    }
}

fn workspace(opened: Option<&Opened>) -> Finding {
    const SUBJECT: &str = "workspace";
    let Some(opened) = opened else {
        return Finding::info(SUBJECT, "there is none yet").command("leapp session add");
    };
    let (count, source) = (opened.workspace.sessions.len(), opened.source.as_str());
    if opened.source == KeySource::Vault {
        return opened_by_vault_alone("leapp session edit NAME");
    }
    Finding::ok(SUBJECT, format!("sessions: {count}; opened by the {source}"))
}

fn opened_by_vault_alone(command: &str) -> Finding {
    let text = "this machine's id has changed, so only the vault opens the workspace; that is \
                mended when it is written next";
    Finding::warning("workspace", text).command(command)
}

fn vault(context: &Context, recorded: Option<&str>, shell: &dyn Shell) -> (Vault, Finding) {
    const SUBJECT: &str = "vault";
    let asked = variable("LEAPP_VAULT").map(|asked| asked.to_string_lossy().into_owned());
    let unset = |finding: Finding| finding.command(unset(shell, &["LEAPP_VAULT"]));
    let Some(recorded) = recorded else {
        return match asked {
            Some(asked) if vault::backend(&asked).is_none() => {
                let text = format!("LEAPP_VAULT is '{asked}'; it is 'system' or 'file'");
                (Vault::None, unset(Finding::problem(SUBJECT, text)))
            }
            Some(asked) => {
                let text = format!("none in use yet; LEAPP_VAULT wants the {asked} vault");
                (Vault::None, Finding::ok(SUBJECT, text))
            }
            None => {
                let text = "none in use yet; the first secret goes into the system's, else a file";
                (Vault::None, Finding::ok(SUBJECT, text))
            }
        };
    };
    if let Some(asked) = asked.filter(|asked| asked != recorded) {
        let error = VaultError::Mismatch { recorded: recorded.to_owned(), asked };
        return (Vault::Shut, Finding::failure(SUBJECT, error.into()));
    }
    match quiet_vault(context, recorded) {
        None => {
            let text = format!("the workspace names the {recorded} vault, which cannot be used");
            (Vault::Shut, Finding::problem(SUBJECT, text).command("leapp workspace info"))
        }
        Some(Ok(vault)) => {
            let text = format!("the {recorded} vault, by the workspace; it is unlocked now");
            (Vault::Open(vault), Finding::ok(SUBJECT, text))
        }
        Some(Err(VaultError::Locked(_))) => {
            let text = format!("the {recorded} vault, by the workspace; it is locked now");
            (Vault::Shut, Finding::info(SUBJECT, text).command("leapp start NAME"))
        }
        Some(Err(error)) => (Vault::Shut, Finding::failure(SUBJECT, Failure::from(error))),
    }
}

fn cache(context: &Context, vault: &Vault, shell: &dyn Shell) -> (Option<Cache>, Finding) {
    const SUBJECT: &str = "cache key";
    if is_cache_off() {
        let text = "none: LEAPP_CACHE=off, so every command asks the cloud anew";
        return (None, Finding::info(SUBJECT, text).command(unset(shell, &["LEAPP_CACHE"])));
    }
    let error = match Cache::find(&context.run, &context.home.tag()) {
        Ok(Some(cache)) => {
            let count = cache.names(Shelf::Credentials).len();
            let text = format!("in the kernel's keyring; credentials that it seals: {count}");
            return (Some(cache), Finding::ok(SUBJECT, text));
        }
        Ok(None) => {
            let text = "none yet; the first request makes one, in the kernel's keyring";
            return (None, Finding::ok(SUBJECT, text));
        }
        Err(error) => error,
    };
    let held = match vault {
        Vault::Open(vault) => vault.fetch(&context.cache_subject()).ok().flatten().is_some(),
        Vault::None | Vault::Shut => false,
    };
    let finding = match vault {
        Vault::Open(_) if held => Finding::ok(SUBJECT, format!("in the vault, because {error}")),
        Vault::Open(_) => {
            let text =
                format!("none yet; the first request makes one, in the vault, because {error}");
            Finding::ok(SUBJECT, text)
        }
        Vault::None | Vault::Shut => {
            let text = format!(
                "none: {error}, and no vault is open to hold it, so every command asks the cloud anew"
            );
            Finding::warning(SUBJECT, text).command("leapp start NAME")
        }
    };
    (None, finding)
}

//! What every command stands on: where things are, what was inherited, who can be asked.

use std::{
    cell::{Cell, OnceCell},
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    args::{Global, When},
    config::Config,
    failure::{Failure, Outcome},
};
use crate::{
    access::{
        Prompt, provider,
        source::{self, Place, Problem},
    },
    cloud::{endpoint, partition},
    envdelta::Inherited,
    model::{Catalog, RegionName},
    resolver::{Cache, CredentialManager, Helper, Surroundings},
    seal::Key,
    secret::{Secret, SecretBytes},
    system::{directory, files, paths::Home, process},
    ui::{Colour, Level, Manner, Ui},
    vault::{self, OpenVault, Unlock, VaultError},
    workspace::{Opened, Store, VaultKey, WorkspaceError},
};

/// The surroundings of one command.
pub(super) struct Context {
    pub(super) home: Home,
    pub(super) run: PathBuf,
    pub(super) before: Inherited,
    pub(super) ui: Ui,
    /// Whether nobody is there to see what a program shows.
    pub(super) background: Cell<bool>,
    /// Whether a vault may be unlocked: `credential-process` only uses an unlocked one.
    pub(super) may_unlock: bool,
    config: OnceCell<Config>,
    vault: OnceCell<Box<dyn OpenVault>>,
    /// The vault that the workspace names.
    backend: OnceCell<Option<String>>,
}

/// By which a program finds a place to show something, or somebody to ask.
const SHOWING: &[&str] = &[
    "BROWSER",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GPG_TTY",
    "SSH_ASKPASS",
    "WAYLAND_DISPLAY",
];

/// A variable of the environment; an empty one counts as unset.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn text(name: &str) -> Option<String> {
    variable(name).and_then(|value| value.into_string().ok())
}

impl Context {
    /// Looks at arguments and environment; touches no file but to find the run-time directory.
    /// `home` stands in for `LEAPP_HOME`.
    pub(super) fn new(ui: Ui, may_unlock: bool, home: Option<&Path>) -> Outcome<Self> {
        if let Some(home) = home.filter(|home| !home.is_absolute()) {
            let message = format!("--home is '{}'; it must be an absolute path", home.display());
            return Err(Failure::usage(message));
        }
        let chosen = home.map(|home| home.as_os_str().to_owned());
        let chosen = chosen.or_else(|| std::env::var_os("LEAPP_HOME"));
        let home = Home::choose(chosen, std::env::var_os("HOME"))?;
        let run = home.run_directory(variable("XDG_RUNTIME_DIR"));
        Ok(Self {
            home,
            run,
            before: Inherited::read(|name| std::env::var_os(name)),
            ui,
            background: Cell::new(false),
            may_unlock,
            config: OnceCell::new(),
            vault: OnceCell::new(),
            backend: OnceCell::new(),
        })
    }

    /// The user's own value of a variable, whatever an earlier session of ours has put there.
    pub(super) fn own(&self, name: &str) -> Option<OsString> {
        if crate::envdelta::ORIGINALS.contains(&name) {
            return self.before.original(name).map(ToOwned::to_owned);
        }
        std::env::var_os(name)
    }

    /// The same as text; a value that is none counts as unset.
    pub(super) fn own_text(&self, name: &str) -> Option<String> {
        self.own(name).and_then(|value| value.into_string().ok())
    }

    /// The settings.
    pub(super) fn config(&self) -> Outcome<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let config = Config::read(&self.home.config())?;
        Ok(self.config.get_or_init(|| config))
    }

    /// The workspace for reading; one that does not exist is `None`, and nothing is created.
    pub(super) fn workspace(&self) -> Outcome<Option<Opened>> {
        if let Some(Some(narrowed)) = directory::existing(self.home.path())? {
            self.say_narrowed(&narrowed);
        }
        let opened = Store::new(self.home.clone()).open(&|place| self.workspace_key(place))?;
        if let Some(opened) = &opened {
            _ = self.backend.set(opened.workspace.vault.clone());
        }
        Ok(opened)
    }

    /// Changes the workspace.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Opened) -> Outcome<T>) -> Outcome<T> {
        self.home.refuse_inside_git(variable("LEAPP_HOME").is_some())?;
        let store = Store::new(self.home.clone());
        let (result, narrowed) = store.update(&|place| self.workspace_key(place), change)?;
        for narrowed in &narrowed {
            self.say_narrowed(narrowed);
        }
        // What holds in every shell may have changed: they ask again.
        crate::activation::lease::revoke_all(&self.run);
        Ok(result)
    }

    /// The sealed cache, made if need be; `None` where there is none, and why is said when
    /// `explain` is set.
    pub(super) fn cache(&self, explain: bool) -> Option<Cache> {
        if is_cache_off() {
            return None;
        }
        let made = directory::ensure(&self.run);
        if let Err(error) = &made {
            self.ui.note(&format!("no cache: {error}"));
            return None;
        }
        match Cache::ensure(&self.run, &self.home.tag()) {
            Ok(cache) => Some(cache),
            Err(error) => {
                let cache = self.vault_cache(Absent::Make);
                if cache.is_none() && explain {
                    self.ui.note(&format!(
                        "no cache: {error}, and no open vault holds a key for it; \
                         every command asks the cloud anew"
                    ));
                }
                cache
            }
        }
    }

    /// The cache for reading: nothing is created.
    pub(super) fn existing_cache(&self) -> Option<Cache> {
        if is_cache_off() {
            return None;
        }
        match Cache::find(&self.run, &self.home.tag()) {
            Ok(found) => found,
            Err(_) => self.vault_cache(Absent::Leave),
        }
    }

    /// Whether another process can find at once what this one keeps.
    pub(super) fn has_kernel_cache(&self) -> bool {
        !is_cache_off() && Cache::find(&self.run, &self.home.tag()).is_ok()
    }

    /// Whether what one process keeps another can find: in the kernel, or by an open vault.
    pub(super) fn has_lasting_cache(&self) -> bool {
        self.has_kernel_cache() || self.existing_cache().is_some()
    }

    /// Forgets the key of a cache that the vault holds, if the vault is open.
    pub(super) fn forget_vault_cache(&self) -> bool {
        let Some(backend) = self.backend.get().cloned().flatten() else { return false };
        let vault = self.opened_vault(&backend, &Quiet);
        vault.is_ok_and(|vault| vault.remove(&self.cache_subject()).unwrap_or(false))
    }

    /// A manager over all that is known.
    pub(super) fn manager<'a>(
        &'a self,
        catalog: &'a Catalog,
        cache: Option<Cache>,
    ) -> Outcome<CredentialManager<'a>> {
        let surroundings = self.surroundings()?;
        Ok(CredentialManager::new(catalog, self.run.clone(), cache, surroundings, self))
    }

    /// Opens the vault that the workspace names; where it names none, chooses and makes one.
    ///
    /// Returns the backend's id and the opened vault. May ask a person, so no lock is held.
    pub(super) fn open_vault(
        &self,
        recorded: Option<&str>,
    ) -> Outcome<(&'static str, Box<dyn OpenVault>)> {
        self.home.refuse_inside_git(variable("LEAPP_HOME").is_some())?;
        let mut settings = self.vault_settings()?;
        settings.may_create = true;
        let asked = text("LEAPP_VAULT");
        let id = match (recorded, asked.as_deref()) {
            (Some(recorded), asked) => {
                agree(recorded, asked)?;
                recorded
            }
            (None, Some(id)) => id,
            (None, None) => self.choose_vault(&settings),
        };
        let backend = vault::backend(id).ok_or_else(|| {
            Failure::usage(format!("there is no vault '{id}'"))
                .hint("LEAPP_VAULT is 'system' or 'file'")
        })?;
        Ok((backend.id(), backend.open(&settings, &self.ui)?))
    }

    /// What the vaults need to know.
    pub(super) fn vault_settings(&self) -> Outcome<vault::Settings> {
        let unlock_for = self.config()?.unlock_for();
        Ok(vault::Settings {
            may_create: false,
            directory: self.home.join("vault"),
            tag: self.home.tag(),
            passphrase: text("LEAPP_VAULT_PASSPHRASE").map(Secret::new),
            passphrase_file: variable("LEAPP_VAULT_PASSPHRASE_FILE").map(PathBuf::from),
            unlock_for: unlock_for.ok().filter(|_| self.may_unlock).unwrap_or_default(),
        })
    }

    /// The first vault that answers.
    fn choose_vault(&self, settings: &vault::Settings) -> &'static str {
        for backend in vault::BACKENDS {
            match backend.answers(settings) {
                Ok(()) => return backend.id(),
                // What a missing bus is called by the library helps nobody who never had one.
                Err(error @ VaultError::Absent(_)) => {
                    self.ui.say(&format!("no {} answers here", backend.label()));
                    self.ui.debug(&error.to_string());
                }
                Err(error) => self.ui.note(&error.to_string()),
            }
        }
        "file"
    }

    /// A manager for who only looks at what is in the cache: settings that cannot be read keep
    /// nothing from being shown.
    pub(super) fn viewer<'a>(&'a self, catalog: &'a Catalog) -> CredentialManager<'a> {
        let trusted = self.config().is_ok_and(|config| config.endpoint_env);
        let surroundings = self.surroundings_with(trusted);
        let cache = self.existing_cache();
        CredentialManager::new(catalog, self.run.clone(), cache, surroundings, self)
    }

    fn surroundings(&self) -> Outcome<Surroundings> {
        Ok(self.surroundings_with(self.config()?.endpoint_env))
    }

    fn surroundings_with(&self, trusted: bool) -> Surroundings {
        let choice = endpoint::choose(&|name| self.own_text(name), trusted);
        if let Some((name, reason)) = choice.ignored {
            self.ui.note(&format!("{name} is ignored for leapp's own requests: {reason}"));
        }
        let bundles = ["AWS_CA_BUNDLE"].iter().filter_map(|name| variable(name));
        Surroundings {
            endpoint: choice.endpoint,
            services: endpoint::Services::read(&|name| self.own_text(name), trusted),
            login_cache: self.own_text("AWS_LOGIN_CACHE_DIRECTORY"),
            ca_bundles: bundles.map(PathBuf::from).collect(),
            user: user_name(),
            host: process::host_name().unwrap_or_default(),
            partition_region: self.partition_region(),
        }
    }

    /// The first region of the partition that the user's own region lies in, unless it is the usual
    /// one: within a partition it makes no difference where keys are asked for.
    fn partition_region(&self) -> Option<RegionName> {
        let region = |name: &&str| {
            RegionName::parse(&self.own_text(name)?)
                .ok()
                .filter(|r| partition::of_region(r).is_some())
        };
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(region)?;
        let (found, _) = partition::of_region(&region)?;
        let usual = partition::PARTITIONS.first().is_some_and(|usual| usual.id == found.id);
        if usual { None } else { RegionName::parse(found.implicit_region).ok() }
    }

    /// The workspace's key from the vault, without asking anybody.
    pub(super) fn workspace_key(&self, place: &VaultKey) -> Option<Key> {
        let settings = self.vault_settings().ok()?;
        let vault = vault::backend(&place.backend)?.open(&settings, &Quiet).ok()?;
        key_in(&*vault, &place.item)
    }

    /// Where the kernel keeps no key, the vault in use does; it is used if it is open already.
    fn vault_cache(&self, absent: Absent) -> Option<Cache> {
        let backend = self.backend.get().cloned().flatten()?;
        let vault = self.opened_vault(&backend, &Quiet).ok()?;
        let subject = self.cache_subject();
        let key = match (vault.fetch(&subject).ok()?.as_ref().and_then(decode_key), absent) {
            (Some(key), _) => key,
            (None, Absent::Leave) => return None,
            (None, Absent::Make) => {
                let key = Key::random().ok()?;
                vault.store(&subject, &encode_key(&key)).ok()?;
                key
            }
        };
        Some(Cache::with_key(&self.run, key))
    }

    /// Under which subject the vault keeps the cache's key where the kernel does not.
    pub(super) fn cache_subject(&self) -> String {
        format!("cache:{}", self.home.tag())
    }

    /// The vault, opened once a process.
    fn opened_vault(
        &self,
        backend: &str,
        unlock: &dyn Unlock,
    ) -> Result<&dyn OpenVault, VaultError> {
        if let Some(vault) = self.vault.get() {
            return Ok(&**vault);
        }
        let settings = self
            .vault_settings()
            .map_err(|failure| VaultError::Failed { vault: "vault", detail: failure.message })?;
        let found = vault::backend(backend);
        let found = found.ok_or_else(|| VaultError::Absent(format!("vault '{backend}'")))?;
        let opened = found.open(&settings, unlock)?;
        Ok(&**self.vault.get_or_init(|| opened))
    }

    fn say_narrowed(&self, narrowed: &directory::Narrowed) {
        let (path, mode) = (narrowed.path.display(), narrowed.mode);
        self.ui.note(&format!("'{path}' had mode {mode:04o}; it is 0700 now"));
    }
}

impl Place for Context {
    fn own(&self, name: &str) -> Option<OsString> {
        Self::own(self, name).filter(|value| !value.is_empty())
    }

    fn keys_of(&self) -> Option<String> {
        self.before.state()?;
        text("LEAPP_SESSION").or_else(|| Some("another session".to_owned()))
    }

    fn child_environment(&self) -> Vec<(OsString, OsString)> {
        let mut environment = super::exec::own_environment(self);
        if self.background.get() {
            environment.retain(|(name, _)| !name.to_str().is_some_and(|n| SHOWING.contains(&n)));
        }
        environment
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn run(&self) -> Option<&Path> {
        Some(&self.run)
    }

    fn providers(&self) -> Result<&[provider::Settings], Problem> {
        self.config().map(|config| config.providers.as_slice()).map_err(|failure| {
            let (file, text) = (self.home.config(), failure.message);
            Config::problem(&file).unwrap_or(Problem { file, place: None, text })
        })
    }

    fn trusts(&self, url: &str) -> bool {
        let trusted = self.config().is_ok_and(|config| config.endpoint_env);
        endpoint::may_be_asked(url, trusted)
    }
}

impl Helper for Context {
    fn place(&self) -> &dyn Place {
        self
    }

    fn prompt(&self) -> &dyn Prompt {
        if self.may_unlock { &self.ui } else { &crate::access::NoPrompt }
    }

    fn secret(&self, subject: &str) -> Result<Option<Secret>, VaultError> {
        if let Some(secret) = source::secret(subject, self)? {
            return Ok(Some(secret));
        }
        let Some(Some(backend)) = self.backend.get() else {
            return Ok(None);
        };
        agree(backend, text("LEAPP_VAULT").as_deref())?;
        let unlock: &dyn Unlock = if self.may_unlock { &self.ui } else { &Quiet };
        self.opened_vault(backend, unlock)?.fetch(subject)
    }

    fn waiting(&self, what: &str) {
        self.ui.waiting(what);
    }

    fn note(&self, what: &str) {
        self.ui.note(what);
    }

    fn renewed(&self, session: uuid::Uuid) {
        crate::resolver::marks::clear_renewal(&self.run, session);
        crate::activation::lease::revoke_all(&self.run);
    }
}

/// What to do about a key that is not there.
#[derive(Clone, Copy)]
enum Absent {
    Leave,
    Make,
}

/// Nobody unlocks anything.
pub(super) struct Quiet;

impl Unlock for Quiet {
    fn may_ask(&self) -> bool {
        false
    }

    fn passphrase(&self, _: vault::Passphrase) -> Option<Secret> {
        None
    }

    fn announce(&self, _: &str) {}
}

/// How to talk, from the flags and the environment.
pub(super) fn manner(global: &Global) -> Outcome<Manner> {
    let set = |name: &str| variable(name).is_some();
    let level = match text("LEAPP_LOG").as_deref() {
        None | Some("info") => Level::Info,
        Some("error") => Level::Error,
        Some("warn") => Level::Warn,
        Some("debug") => Level::Debug,
        Some(other) => {
            return Err(Failure::usage(format!("LEAPP_LOG is {other:?}"))
                .hint("it is one of error, warn, info, debug"));
        }
    };
    Ok(Manner {
        json: global.json,
        no_input: global.no_input || text("LEAPP_NO_INPUT").is_some_and(|text| text != "0"),
        colour: match global.color {
            When::Always => Colour::Always,
            When::Auto => Colour::Auto,
            When::Never => Colour::Never,
        },
        plain: set("NO_COLOR") || text("TERM").as_deref() == Some("dumb"),
        level,
    })
}

/// The user's name; the user id where the system knows none, as in many containers.
fn user_name() -> String {
    let name = process::user_name().or_else(|| text("USER"));
    name.unwrap_or_else(|| format!("uid{}", process::user()))
}

/// Whether `LEAPP_CACHE` is `off`.
pub(super) fn is_cache_off() -> bool {
    text("LEAPP_CACHE").as_deref() == Some("off")
}

/// Whether the vault that is asked for is the one that holds the secrets.
fn agree(recorded: &str, asked: Option<&str>) -> Result<(), VaultError> {
    match asked.filter(|asked| *asked != recorded) {
        None => Ok(()),
        Some(asked) => {
            Err(VaultError::Mismatch { recorded: recorded.to_owned(), asked: asked.to_owned() })
        }
    }
}

/// A key as the text of a vault's item.
pub(super) fn encode_key(key: &Key) -> Secret {
    use base64::{Engine, engine::general_purpose::STANDARD};
    Secret::new(STANDARD.encode(key.bytes().expose()))
}

/// A key that a vault holds.
pub(super) fn key_in(vault: &dyn OpenVault, item: &str) -> Option<Key> {
    vault.fetch(item).ok().flatten().as_ref().and_then(decode_key)
}

fn decode_key(item: &Secret) -> Option<Key> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    Key::from_bytes(SecretBytes::new(STANDARD.decode(item.expose()).ok()?))
}

/// Stamps of the files that an answer depends on and that are not read through the workspace.
pub(super) fn stamp_of_config(context: &Context) -> (PathBuf, Option<files::Stamp>) {
    let path = context.home.config();
    let stamp = files::stamp(&path);
    (path, stamp)
}

/// The workspace's error for who needs no workspace.
pub(super) fn workspace_state(context: &Context) -> Result<Option<Opened>, WorkspaceError> {
    Store::new(context.home.clone()).open(&|place| context.workspace_key(place))
}

//! A session's secret on its way from the user into the vault. Never an argument.

use std::{io::Read, path::PathBuf};

use clap::ArgMatches;

use super::fields::{is_given, read_users};
pub(super) use crate::access::SecretForm;
use crate::{
    cli::{
        context::{Context, encode_key},
        failure::{Failure, Kind, Outcome},
    },
    model::{Session, Workspace},
    seal::Key,
    secret::{Secret, SecretBytes},
    system::{files, terminal::Echo},
    vault::OpenVault,
    workspace::{Opened, VaultKey, WorkspaceError},
};

/// No secret and no console's file is larger, in bytes.
const LIMIT: u64 = 64 << 10;

/// A secret that was given, and the file that still holds it.
pub(super) struct Given {
    pub(super) secret: Secret,
    /// Fields that came with it.
    pub(super) fields: Vec<(&'static str, String)>,
    file: Option<PathBuf>,
    shred: bool,
}

impl Given {
    /// A secret that a profile of the shared files holds.
    pub(super) fn of(form: &SecretForm, secret: &Secret, source: &str) -> Outcome<Self> {
        check(form, secret, source)?;
        Ok(Self { secret: secret.clone(), fields: Vec::new(), file: None, shred: false })
    }
}

/// A secret that was put into the vault before the workspace was written.
pub(super) struct Stored<'a> {
    vault: &'a dyn OpenVault,
    subject: String,
    before: Option<Secret>,
}

impl Stored<'_> {
    /// The workspace could not be written: the vault is put back as it was.
    pub(super) fn take_back(&self) {
        _ = match &self.before {
            Some(before) => self.vault.store(&self.subject, before),
            None => self.vault.remove(&self.subject).map(|_| ()),
        };
    }
}

/// The secret that the flags name, the fields that come with it put into the session; `None` when
/// no flag names one.
pub(super) fn from_flags(
    session: &mut Session,
    form: &SecretForm,
    matches: &ArgMatches,
) -> Outcome<Option<Given>> {
    if is_given(matches, &format!("{}-stdin", form.flag)) {
        let secret = from_stdin()?;
        check(form, &secret, "stdin")?;
        return Ok(Some(Given { secret, fields: Vec::new(), file: None, shred: false }));
    }
    let path = matches.try_get_one::<PathBuf>("from-csv").ok().flatten();
    let Some(path) = path else { return Ok(None) };
    let refuse = |problem: String| Failure::usage(format!("'{}' {problem}", path.display()));
    let shred = is_given(matches, "shred");
    if shred && path.is_symlink() {
        return Err(refuse("is a link, and --shred would not reach the file behind it".into()));
    }
    let bytes = SecretBytes::new(read_users(path, LIMIT)?);
    let read = (form.from_csv)(bytes.expose());
    let read = read.map_err(|problem| refuse(format!("is not the file of a key: {problem}")))?;
    let mut fields = session.fields.to_map();
    for (key, value) in &read.fields {
        let typed = matches.try_get_one::<String>(&key.replace('_', "-")).ok().flatten();
        if typed.is_some_and(|typed| typed != value) {
            return Err(refuse(format!("holds another {}", key.replace('_', " "))));
        }
        fields.insert((*key).to_owned(), value.clone().into());
    }
    session.fields = crate::model::session::Fields::from_map(&fields);
    let file = Some(path.clone());
    Ok(Some(Given { secret: read.secret, fields: read.fields, file, shred }))
}

/// Asks for the secret; nothing that is typed appears.
pub(super) fn ask(context: &Context, session: &Session, form: &SecretForm) -> Outcome<Given> {
    let flag = form.flag;
    let answer = context.ui.ask(&format!("{} (hidden): ", form.label), Echo::Off);
    let secret = answer.map_err(|error| {
        let failure = Failure::from(error);
        if failure.kind != Kind::NeedsAction {
            return failure;
        }
        let message = format!("session '{}' needs its {}", session.name, form.label.to_lowercase());
        Failure::new(Kind::NeedsAction, message)
            .hint(format!("give it with --{flag}-stdin or --from-csv FILE"))
    })?;
    check(form, &secret, "what was typed")?;
    Ok(Given { secret, fields: Vec::new(), file: None, shred: false })
}

/// A vault that is open and waits for a secret.
pub(super) struct Ready {
    id: &'static str,
    vault: Box<dyn OpenVault>,
}

/// Opens the vault for a secret. A person may be asked, so this comes before the workspace is
/// locked for the change.
pub(super) fn prepare(context: &Context, workspace: Option<&Workspace>) -> Outcome<Ready> {
    let recorded = workspace.and_then(|workspace| workspace.vault.as_deref());
    let (id, vault) = context.open_vault(recorded)?;
    Ok(Ready { id, vault })
}

/// Stores a session's secret; what the workspace must know of it is put there.
pub(super) fn store<'a>(
    ready: &'a Ready,
    opened: &mut Opened,
    session: &Session,
    form: &SecretForm,
    given: &Given,
) -> Outcome<Stored<'a>> {
    let recorded = opened.workspace.vault.get_or_insert_with(|| ready.id.to_owned());
    if recorded != ready.id {
        return Err(Failure::new(Kind::Storage, "another process has chosen a vault meanwhile")
            .hint("try again"));
    }
    let item = (form.item)(&session.fields.to_map(), &given.secret);
    let subject = session.identifier().to_string();
    // A damaged item is no reason to keep a new secret out.
    let before = ready.vault.fetch(&subject).unwrap_or_default();
    ready.vault.store(&subject, &item)?;
    if opened.vault_key.is_none() {
        // An item of its own for each workspace: homes share the system's vault.
        let item = format!("workspace:{}", uuid::Uuid::new_v4());
        let place = VaultKey { backend: ready.id.to_owned(), item };
        let kek = Key::random().map_err(WorkspaceError::from)?;
        ready.vault.store(&place.item, &encode_key(&kek))?;
        opened.add_vault_key(place, &kek)?;
    }
    Ok(Stored { vault: &*ready.vault, subject, before })
}

/// Reads a secret that was just stored, and compares.
pub(super) fn read_back(
    ready: &Ready,
    session: &Session,
    form: &SecretForm,
    given: &Given,
) -> Outcome<()> {
    let item = (form.item)(&session.fields.to_map(), &given.secret);
    let kept = ready.vault.fetch(&session.identifier().to_string())?;
    if kept.is_some_and(|kept| kept.expose() == item.expose()) {
        return Ok(());
    }
    let message = "the vault does not give back what was stored in it";
    Err(Failure::new(Kind::Storage, message).hint("leapp doctor"))
}

/// Says where the secret is now, and what became of the file that it came from.
pub(super) fn after(context: &Context, given: &Given, backend: Option<&str>) -> Outcome<()> {
    let backend = backend.unwrap_or("system");
    context.ui.say(&format!("the secret is in the {backend} vault"));
    let Some(path) = &given.file else {
        return Ok(());
    };
    if !given.shred {
        context.ui.note(&format!(
            "'{}' still holds the secret; delete it, or use --shred next time",
            path.display()
        ));
        return Ok(());
    }
    files::shred(path)?;
    context.ui.say(&format!("'{}' is overwritten and deleted", path.display()));
    Ok(())
}

fn from_stdin() -> Outcome<Secret> {
    let mut bytes = Vec::with_capacity(4096);
    let read = std::io::stdin().take(LIMIT).read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage(format!("stdin cannot be read: {error}")))?;
    let bytes = SecretBytes::new(bytes);
    let text = std::str::from_utf8(bytes.expose());
    let text = text.map_err(|_| Failure::usage("the secret from stdin is no text"))?;
    // One line end is what every way of piping adds; anything else is the user's mistake to see.
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok(Secret::new(text.to_owned()))
}

fn check(form: &SecretForm, secret: &Secret, source: &str) -> Outcome<()> {
    let what = form.label.to_lowercase();
    (form.check)(secret.expose())
        .map_err(|problem| Failure::usage(format!("the {what} from {source}: {problem}")))
}

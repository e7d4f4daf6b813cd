//! What binding a profile to a session makes of the shared files' text, and how that is undone.
//!
//! Deliberately absent: reading and writing the files, and which program and session are meant.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::bound::Bound;
use crate::{
    cloud::shared_config::{
        Document, EditError, FileKind, Section, SectionKind, Setting, SyntaxError,
    },
    secret::{Secret, SecretBytes},
};

const PROCESS: &str = "credential_process";
const REGION: &str = "region";
const KEY_ID: &str = "aws_access_key_id";
const SECRET_KEY: &str = "aws_secret_access_key";
const TOKENS: &[&str] = &["aws_session_token", "aws_security_token"];

/// What gives credentials, or says how: beside any of these a process may not be asked.
const GIVERS: &[&str] = &[
    KEY_ID,
    SECRET_KEY,
    "aws_security_token",
    "aws_session_token",
    "credential_source",
    "login_session",
    "role_arn",
    "source_profile",
    "sso_account_id",
    "sso_region",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

/// Why a profile is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum StanzaError {
    /// The keys in the file are not those that were stored.
    #[error("the keys of profile '{0}' have changed meanwhile")]
    Changed(String),
    /// The credentials file says something that the SDKs take before any process.
    #[error(
        "profile '{profile}' has {key} in the credentials file ({place}), which wins over a process"
    )]
    CredentialsWin {
        /// The profile.
        profile: String,
        /// The key.
        key: String,
        /// File and line.
        place: String,
    },
    /// The text cannot be changed.
    #[error("'{}' cannot be changed", file.display())]
    Edit {
        /// The file.
        file: PathBuf,
        /// Why.
        source: EditError,
    },
    /// What the profile inherits cannot be taken out of it.
    #[error("all profiles inherit {key} from [DEFAULT] ({place})")]
    Inherited {
        /// The key.
        key: String,
        /// File and line.
        place: String,
    },
    /// A key whose secret may stand nowhere else.
    #[error("profile '{profile}' holds a long-term key ({place}), which is not thrown away")]
    LongTerm {
        /// The profile.
        profile: String,
        /// File and line.
        place: String,
    },
    /// There is no process in it.
    #[error("profile '{0}' is not bound to a session")]
    NotBound(String),
    /// The process is somebody else's.
    #[error("the credential_process of profile '{profile}' is not leapp's ({place})")]
    NotOurs {
        /// The profile.
        profile: String,
        /// File and line.
        place: String,
    },
    /// The file is not one that the AWS CLI reads.
    #[error("{}:{}:{}: {}", file.display(), error.line, error.column, error.problem)]
    Syntax {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        error: SyntaxError,
    },
    /// Something gives the profile its credentials already.
    #[error("profile '{profile}' gets its credentials in another way already")]
    Taken {
        /// The profile.
        profile: String,
        /// Each key that does, and where it stands; no values.
        what: Vec<String>,
    },
    /// Two sections bear its name, and SDKs differ in which one counts.
    #[error("profile '{profile}' stands in {} twice: lines {first} and {second}", file.display())]
    Twice {
        /// The profile.
        profile: String,
        /// The file.
        file: PathBuf,
        /// A line.
        first: usize,
        /// Another one.
        second: usize,
    },
}

/// A file's path and content; `None` for one that is not there.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The path, for messages.
    pub path: &'a Path,
    /// The content.
    pub bytes: Option<&'a [u8]>,
}

/// Which region the profile gets.
#[derive(Clone, Copy, Debug)]
pub enum Region<'a> {
    /// This one, whatever stands there.
    Set(&'a str),
    /// The session's own, if the profile has none, or still has that of the session that it was bound
    /// to before.
    Usual(Option<&'a str>),
}

/// What is asked for.
pub struct Wish<'a> {
    /// The profile.
    pub profile: &'a str,
    /// The command of ours.
    pub bound: &'a Bound,
    /// The same as text.
    pub command: &'a str,
    /// The region.
    pub region: Region<'a>,
    /// Whether what stands in the way is taken out.
    pub force: bool,
    /// The own region of a session of the workspace.
    pub region_of: &'a dyn Fn(Uuid) -> Option<String>,
    /// The name of a session of the workspace.
    pub name_of: &'a dyn Fn(Uuid) -> Option<String>,
}

/// A changed file.
#[derive(Debug, Default)]
pub struct Edit {
    /// The new content; `None` where nothing is to be changed.
    pub bytes: Option<SecretBytes>,
    /// What was set.
    pub set: Vec<(&'static str, String)>,
    /// Which keys were taken out.
    pub removed: Vec<String>,
    /// What stays in the section: keys.
    pub left: Vec<String>,
    /// Whether the profile has no region.
    pub lacks_region: bool,
}

/// One of the two files, parsed.
struct File<'a> {
    path: &'a Path,
    document: Document,
}

impl<'a> File<'a> {
    fn parse(kind: FileKind, text: Text<'a>) -> Result<Self, StanzaError> {
        let document = Document::parse(kind, text.bytes.unwrap_or_default());
        let document =
            document.map_err(|error| StanzaError::Syntax { file: text.path.to_owned(), error })?;
        Ok(Self { path: text.path, document })
    }

    /// The profile's section, of which there may be one.
    fn section(&self, profile: &str) -> Result<Option<&Section>, StanzaError> {
        let is_it = |section: &&Section| {
            matches!(section.kind, SectionKind::Default | SectionKind::Profile)
                && section.name == profile
        };
        let found: Vec<&Section> = self.document.sections().iter().filter(is_it).collect();
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            [first, second, ..] => Err(StanzaError::Twice {
                profile: profile.to_owned(),
                file: self.path.to_owned(),
                first: first.line,
                second: second.line,
            }),
        }
    }

    fn inherited(&self, keys: &[&str]) -> Result<(), StanzaError> {
        let sections = self.document.sections().iter().filter(|section| section.is_inherited());
        let found = sections.flat_map(|section| &section.settings);
        match found.into_iter().find(|one| keys.contains(&one.key.as_str())) {
            None => Ok(()),
            Some(one) => {
                Err(StanzaError::Inherited { key: one.key.clone(), place: self.place(one.line) })
            }
        }
    }

    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    fn edit_error(&self, source: EditError) -> StanzaError {
        StanzaError::Edit { file: self.path.to_owned(), source }
    }
}

fn setting<'s>(section: Option<&'s Section>, key: &str) -> Option<&'s Setting> {
    section?.settings.iter().find(|setting| setting.key == key)
}

fn value<'s>(section: Option<&'s Section>, key: &str) -> Option<&'s str> {
    setting(section, key).map(|one| one.value.expose())
}

fn kind_of(profile: &str) -> SectionKind {
    if profile == "default" { SectionKind::Default } else { SectionKind::Profile }
}

/// Binds a profile: the config file as it is afterwards.
pub fn bind(config: Text<'_>, credentials: Text<'_>, wish: &Wish<'_>) -> Result<Edit, StanzaError> {
    let theirs = File::parse(FileKind::Credentials, credentials)?;
    let in_credentials = theirs.section(wish.profile)?;
    if in_credentials.is_some() {
        let mut keys = GIVERS.to_vec();
        keys.push(PROCESS);
        let found = in_credentials.and_then(|section| givers(section, &keys).into_iter().next());
        if let Some(found) = found {
            return Err(StanzaError::CredentialsWin {
                profile: wish.profile.to_owned(),
                key: found.key.clone(),
                place: theirs.place(found.line),
            });
        }
        theirs.inherited(&keys)?;
    }
    let file = File::parse(FileKind::Config, config)?;
    let section = file.section(wish.profile)?;
    file.inherited(GIVERS)?;
    let removed = clear(&file, section, wish)?;
    let region = region(section, in_credentials, wish);
    let present = region.is_some() || has_region(section) || has_region(in_credentials);
    let mut edit = Edit { removed, lacks_region: !present, ..Edit::default() };
    let mut editor = file.document.edit();
    let kind = kind_of(wish.profile);
    for key in &edit.removed {
        editor.remove(kind, wish.profile, key);
    }
    for (key, new) in [(PROCESS, Some(wish.command)), (REGION, region.as_deref())] {
        if let Some(new) = new.filter(|new| value(section, key) != Some(new)) {
            editor.set(kind, wish.profile, key, new);
            edit.set.push((key, new.to_owned()));
        }
    }
    finish(&file, editor, edit)
}

fn finish(
    file: &File<'_>,
    editor: crate::cloud::shared_config::Editor<'_>,
    mut edit: Edit,
) -> Result<Edit, StanzaError> {
    let bytes = SecretBytes::new(editor.finish().map_err(|error| file.edit_error(error))?);
    edit.bytes = Some(bytes).filter(|bytes| bytes.expose() != file.document.bytes());
    Ok(edit)
}

fn givers<'s>(section: &'s Section, keys: &[&str]) -> Vec<&'s Setting> {
    section.settings.iter().filter(|one| keys.contains(&one.key.as_str())).collect()
}

/// The keys that must go; an error where they may not.
fn clear(
    file: &File<'_>,
    section: Option<&Section>,
    wish: &Wish<'_>,
) -> Result<Vec<String>, StanzaError> {
    let Some(section) = section else { return Ok(Vec::new()) };
    let profile = wish.profile.to_owned();
    let found = givers(section, GIVERS);
    let has = |key: &str| value(Some(section), key).is_some_and(|value| !value.is_empty());
    if let Some(secret) = setting(Some(section), SECRET_KEY)
        && !TOKENS.iter().any(|key| has(key))
    {
        return Err(StanzaError::LongTerm { profile, place: file.place(secret.line) });
    }
    let mut what: Vec<String> =
        found.iter().map(|one| format!("{} ({})", one.key, file.place(one.line))).collect();
    if let Some(process) = setting(Some(section), PROCESS)
        && !process.value.expose().is_empty()
        && let Some(text) = stands_for(process.value.expose(), wish)
    {
        what.push(format!("{text} ({})", file.place(process.line)));
    }
    if !what.is_empty() && !wish.force {
        return Err(StanzaError::Taken { profile, what });
    }
    Ok(found.iter().map(|one| one.key.clone()).collect())
}

/// What a process is, without its arguments; `None` where it is the session's own.
fn stands_for(command: &str, wish: &Wish<'_>) -> Option<String> {
    match Bound::parse(command) {
        Some(bound) if bound.session == wish.bound.session => None,
        Some(bound) => {
            let name = (wish.name_of)(bound.session).map(|name| format!("session '{name}'"));
            Some(format!(
                "credential_process of {}",
                name.unwrap_or_else(|| format!("session:{}", bound.session))
            ))
        }
        None => {
            let program = super::process::first_word(command);
            Some(format!("credential_process of '{program}'"))
        }
    }
}

fn has_region(section: Option<&Section>) -> bool {
    value(section, REGION).is_some_and(|region| !region.is_empty())
}

/// The region that is to be written, if one is.
fn region(
    section: Option<&Section>,
    in_credentials: Option<&Section>,
    wish: &Wish<'_>,
) -> Option<String> {
    let own = match wish.region {
        Region::Set(region) => return Some(region.to_owned()),
        Region::Usual(own) => own?,
    };
    let present = value(section, REGION).or_else(|| value(in_credentials, REGION));
    let earlier = value(section, PROCESS).and_then(Bound::parse);
    let earlier = earlier.filter(|bound| bound.session != wish.bound.session);
    let earlier = earlier.and_then(|bound| (wish.region_of)(bound.session));
    let is_free = present.is_none_or(str::is_empty) || present == earlier.as_deref();
    is_free.then(|| own.to_owned())
}

/// Takes a binding out again. The section goes with it where nothing of the user's is in it; a region
/// is left unless it is all that would be left, and the session's own.
pub fn unbind(
    config: Text<'_>,
    profile: &str,
    region_of: &dyn Fn(Uuid) -> Option<String>,
) -> Result<Edit, StanzaError> {
    let file = File::parse(FileKind::Config, config)?;
    let not_bound = || StanzaError::NotBound(profile.to_owned());
    let section = file.section(profile)?.ok_or_else(not_bound)?;
    let process = setting(Some(section), PROCESS).ok_or_else(not_bound)?;
    let bound = Bound::parse(process.value.expose()).ok_or_else(|| StanzaError::NotOurs {
        profile: profile.to_owned(),
        place: file.place(process.line),
    })?;
    let region = region_of(bound.session);
    let is_ours = |one: &Setting| {
        one.key == PROCESS || (one.key == REGION && region.as_deref() == Some(one.value.expose()))
    };
    if section.settings.iter().all(is_ours)
        && let Some(bytes) = without_section(&file, profile)?
    {
        let removed = section.settings.iter().map(|one| one.key.clone()).collect();
        return Ok(Edit { bytes: Some(bytes), removed, ..Edit::default() });
    }
    let left = section.settings.iter().filter(|one| one.key != PROCESS);
    let left = left.map(|one| one.key.clone()).collect();
    let mut editor = file.document.edit();
    editor.remove(kind_of(profile), profile, PROCESS);
    finish(&file, editor, Edit { removed: vec![PROCESS.to_owned()], left, ..Edit::default() })
}

/// The file without the profile's section; `None` where comments would go with it.
fn without_section(file: &File<'_>, profile: &str) -> Result<Option<SecretBytes>, StanzaError> {
    let mut editor = file.document.edit();
    editor.remove_section(kind_of(profile), profile);
    let bytes = SecretBytes::new(editor.finish().map_err(|error| file.edit_error(error))?);
    let same = comments(bytes.expose()) == comments(file.document.bytes());
    Ok(same.then_some(bytes))
}

fn comments(bytes: &[u8]) -> usize {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.filter(|line| matches!(line.trim_ascii_start(), [b'#' | b';', ..])).count()
}

/// A long-term key that stands in a file.
#[derive(Debug)]
pub struct StoredKey<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a Secret,
}

impl StoredKey<'_> {
    fn is_in(&self, section: &Section) -> bool {
        value(Some(section), KEY_ID) == Some(self.id)
            && value(Some(section), SECRET_KEY) == Some(self.secret.expose())
    }
}

/// Takes a key out of the credentials file, and the section with it where nothing else is in it.
pub fn without_key(
    credentials: Text<'_>,
    profile: &str,
    key: &StoredKey<'_>,
) -> Result<Edit, StanzaError> {
    let file = File::parse(FileKind::Credentials, credentials)?;
    let Some(section) = file.section(profile)? else { return Ok(Edit::default()) };
    if givers(section, GIVERS).is_empty() {
        return Ok(Edit::default());
    }
    if !key.is_in(section) {
        return Err(StanzaError::Changed(profile.to_owned()));
    }
    only_key(&file, section, profile)?;
    let removed = vec![KEY_ID.to_owned(), SECRET_KEY.to_owned()];
    if section.settings.iter().all(|one| removed.contains(&one.key))
        && let Some(bytes) = without_section(&file, profile)?
    {
        return Ok(Edit { bytes: Some(bytes), removed, ..Edit::default() });
    }
    let mut editor = file.document.edit();
    for key in &removed {
        editor.remove(kind_of(profile), profile, key);
    }
    finish(&file, editor, Edit { removed, ..Edit::default() })
}

/// Puts a binding where a key stands in the config file, or beside the credentials file's.
pub fn bind_for_key(
    config: Text<'_>,
    credentials: Text<'_>,
    wish: &Wish<'_>,
    key: &StoredKey<'_>,
) -> Result<Edit, StanzaError> {
    let without = without_key(credentials, wish.profile, key)?;
    let credentials = match &without.bytes {
        Some(bytes) => Text { bytes: Some(bytes.expose()), ..credentials },
        None => credentials,
    };
    let file = File::parse(FileKind::Config, config)?;
    let mut bare = None;
    if let Some(section) = file.section(wish.profile)?
        && (setting(Some(section), KEY_ID).is_some()
            || setting(Some(section), SECRET_KEY).is_some())
    {
        if !key.is_in(section) {
            return Err(StanzaError::Changed(wish.profile.to_owned()));
        }
        only_key(&file, section, wish.profile)?;
        let mut editor = file.document.edit();
        editor.remove(kind_of(wish.profile), wish.profile, KEY_ID);
        editor.remove(kind_of(wish.profile), wish.profile, SECRET_KEY);
        bare = Some(SecretBytes::new(editor.finish().map_err(|error| file.edit_error(error))?));
    }
    let text = bare.as_ref().map(SecretBytes::expose).or(config.bytes);
    let mut edit = bind(Text { bytes: text, ..config }, credentials, wish)?;
    edit.bytes = edit.bytes.or(bare);
    Ok(edit)
}

/// A key that something else stands beside is not a profile of keys alone.
fn only_key(file: &File<'_>, section: &Section, profile: &str) -> Result<(), StanzaError> {
    let others = givers(section, GIVERS).into_iter().filter(|one| {
        !(one.key == KEY_ID || one.key == SECRET_KEY || one.value.expose().is_empty())
    });
    let what: Vec<String> =
        others.map(|one| format!("{} ({})", one.key, file.place(one.line))).collect();
    if what.is_empty() {
        return Ok(());
    }
    Err(StanzaError::Taken { profile: profile.to_owned(), what })
}

#[cfg(test)]
mod tests;

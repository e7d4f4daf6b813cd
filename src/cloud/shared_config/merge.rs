//! Both files together: profiles by name, with the origin of each value.
//!
//! As in botocore, a later section of the same name replaces the earlier one as a whole, each section
//! inherits from its own file's `[DEFAULT]`, and the credentials file wins key by key.
//!
//! Deliberately absent: what a key means, and any order of providers.

use std::{
    cmp::Ordering,
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Document, FileKind, Section, SectionKind, Setting, Warning};
use crate::secret::Secret;

/// What both files say.
#[derive(Debug, Default)]
pub struct SharedConfig {
    profiles: Vec<Profile>,
    sso_sessions: Vec<Named>,
    services: Vec<Named>,
    warnings: Vec<(PathBuf, Warning)>,
}

/// A profile, from one file or from both.
pub struct Profile {
    /// The name without its prefix.
    pub name: String,
    config: Option<Part>,
    credentials: Option<Part>,
}

/// An SSO session or a group of service settings; they stand in the config file.
pub struct Named {
    /// The name without its prefix.
    pub name: String,
    part: Part,
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// The file.
    pub file: &'a Path,
    /// The line of its key.
    pub line: usize,
    /// Which of the two files that is.
    pub kind: FileKind,
    /// Whether it stands in `[DEFAULT]`.
    pub inherited: bool,
    setting: &'a Setting,
}

impl<'a> Value<'a> {
    /// The value itself, of any key.
    pub fn secret(&self) -> &'a Secret {
        &self.setting.value
    }

    /// The value, unless the key is one that holds a secret.
    pub fn text(&self) -> Option<&'a str> {
        self.setting.text()
    }

    /// The lines of a nested block.
    pub fn nested(&self) -> &'a [(String, Secret, usize)] {
        &self.setting.nested
    }

    /// The value of `key` in the nested block.
    pub fn inner(&self, key: &str) -> Option<&'a Secret> {
        self.setting.inner(key)
    }
}

/// A section, ready to be asked: settings sorted by key.
struct Part {
    kind: FileKind,
    file: Arc<Path>,
    line: usize,
    own: Vec<Setting>,
    inherited: Arc<[Setting]>,
}

impl Part {
    fn find(&self, key: &str) -> Option<Value<'_>> {
        let of = |settings: &'_ [Setting]| {
            settings.binary_search_by(|setting| setting.key.as_str().cmp(key)).ok()
        };
        let own = of(&self.own).and_then(|at| self.own.get(at));
        let found = own.or_else(|| of(&self.inherited).and_then(|at| self.inherited.get(at)));
        found.map(|setting| Value {
            file: &self.file,
            line: setting.line,
            kind: self.kind,
            inherited: own.is_none(),
            setting,
        })
    }
}

impl SharedConfig {
    /// Puts the files together. One that is absent is `None`; so is one that could not be parsed.
    pub fn merge(
        config: Option<(PathBuf, Document)>,
        credentials: Option<(PathBuf, Document)>,
    ) -> Self {
        let mut merged = Self::default();
        let mut by_kind: HashMap<SectionKind, HashMap<String, Part>> = HashMap::new();
        for (section, part) in merged.take(config) {
            let kind = match section.kind {
                SectionKind::Default => SectionKind::Profile,
                kind => kind,
            };
            by_kind.entry(kind).or_default().insert(section.name, part);
        }
        let mut profiles: HashMap<String, Profile> = HashMap::new();
        for (name, part) in by_kind.remove(&SectionKind::Profile).unwrap_or_default() {
            let profile = Profile { name: name.clone(), config: Some(part), credentials: None };
            profiles.insert(name, profile);
        }
        for (section, part) in merged.take(credentials) {
            let name = section.name;
            let none = || Profile { name: name.clone(), config: None, credentials: None };
            profiles.entry(name.clone()).or_insert_with(none).credentials = Some(part);
        }
        merged.profiles = profiles.into_values().collect();
        merged.profiles.sort_unstable_by(|a, b| order(&a.name, &b.name));
        let mut named = |kind| {
            let parts = by_kind.remove(&kind).unwrap_or_default().into_iter();
            let mut named: Vec<Named> = parts.map(|(name, part)| Named { name, part }).collect();
            named.sort_unstable_by(|a, b| order(&a.name, &b.name));
            named
        };
        merged.sso_sessions = named(SectionKind::SsoSession);
        merged.services = named(SectionKind::Services);
        merged
    }

    /// A file's sections that mean something, in order, each with its settings.
    fn take(&mut self, file: Option<(PathBuf, Document)>) -> Vec<(Section, Part)> {
        let Some((path, document)) = file else { return Vec::new() };
        let kind = document.kind();
        let warnings = document.warnings.into_iter();
        self.warnings.extend(warnings.map(|warning| (path.clone(), warning)));
        let file: Arc<Path> = path.into();
        let (mut inherited, mut sections) = (Vec::new(), Vec::new());
        for mut section in document.sections {
            match section.kind {
                SectionKind::Other if section.is_inherited() => {
                    inherited.append(&mut section.settings);
                }
                SectionKind::Other => {}
                _ => sections.push(section),
            }
        }
        let inherited: Arc<[Setting]> = sorted(inherited).into();
        let part = |mut section: Section| {
            let own = sorted(std::mem::take(&mut section.settings));
            let (file, line) = (Arc::clone(&file), section.line);
            (section, Part { kind, file, line, own, inherited: Arc::clone(&inherited) })
        };
        sections.into_iter().map(part).collect()
    }

    /// All profiles, sorted without regard to case, then by bytes.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.iter()
    }

    /// The profile of exactly this name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        let at = self.profiles.binary_search_by(|profile| order(&profile.name, name)).ok()?;
        self.profiles.get(at)
    }

    /// All SSO sessions, in the order of profiles.
    pub fn sso_sessions(&self) -> impl Iterator<Item = &Named> {
        self.sso_sessions.iter()
    }

    /// The SSO session of exactly this name.
    pub fn sso_session(&self, name: &str) -> Option<&Named> {
        find(&self.sso_sessions, name)
    }

    /// All groups of service settings, in the order of profiles.
    pub fn all_services(&self) -> impl Iterator<Item = &Named> {
        self.services.iter()
    }

    /// The service settings of exactly this name: a nested block for each service.
    pub fn services(&self, name: &str) -> Option<&Named> {
        find(&self.services, name)
    }

    /// What is odd in the files, the config file first.
    pub fn warnings(&self) -> Vec<(PathBuf, Warning)> {
        self.warnings.clone()
    }
}

impl Profile {
    /// A value, merged; `None` for the keys that hold secrets.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.value(key)?.text()
    }

    /// A value of any key, merged.
    pub fn secret(&self, key: &str) -> Option<&Secret> {
        self.value(key).map(|value| value.secret())
    }

    /// A value of any key, merged, with its origin.
    pub fn value(&self, key: &str) -> Option<Value<'_>> {
        self.credentials_value(key).or_else(|| self.config_value(key))
    }

    /// What the config file says, whatever the other one has.
    pub fn in_config(&self, key: &str) -> Option<&Secret> {
        self.config_value(key).map(|value| value.secret())
    }

    /// What the credentials file says.
    pub fn in_credentials(&self, key: &str) -> Option<&Secret> {
        self.credentials_value(key).map(|value| value.secret())
    }

    /// As [`Profile::in_config`], with the origin.
    pub fn config_value(&self, key: &str) -> Option<Value<'_>> {
        self.config.as_ref()?.find(key)
    }

    /// As [`Profile::in_credentials`], with the origin.
    pub fn credentials_value(&self, key: &str) -> Option<Value<'_>> {
        self.credentials.as_ref()?.find(key)
    }

    /// All keys, each once, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        keys([self.config.as_ref(), self.credentials.as_ref()])
    }

    /// Whether the config file has a section of it.
    pub fn is_in_config(&self) -> bool {
        self.config.is_some()
    }

    /// Whether the credentials file has a section of it.
    pub fn is_in_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Where its sections begin: files and lines, the config file first.
    pub fn places(&self) -> impl Iterator<Item = (&Path, usize)> {
        let parts = self.config.iter().chain(&self.credentials);
        parts.map(|part| (&*part.file, part.line))
    }
}

impl Named {
    /// A value; `None` for the keys that hold secrets.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.value(key)?.text()
    }

    /// A value with its origin.
    pub fn value(&self, key: &str) -> Option<Value<'_>> {
        self.part.find(key)
    }

    /// A value in a nested block: `services.nested("sts", "endpoint_url")`.
    pub fn nested(&self, block: &str, key: &str) -> Option<&str> {
        self.value(block)?.inner(key).map(Secret::expose)
    }

    /// All keys, each once, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        keys([Some(&self.part), None])
    }

    /// Where its section begins: file and line.
    pub fn place(&self) -> (&Path, usize) {
        (&self.part.file, self.part.line)
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").field("name", &self.name).finish_non_exhaustive()
    }
}

fn sorted(mut settings: Vec<Setting>) -> Vec<Setting> {
    settings.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    settings
}

fn find<'a>(named: &'a [Named], name: &str) -> Option<&'a Named> {
    let at = named.binary_search_by(|one| order(&one.name, name)).ok()?;
    named.get(at)
}

/// Without regard to case, then by bytes. Makes no copy, since each look-up uses it.
fn order(a: &str, b: &str) -> Ordering {
    let folded = if a.is_ascii() && b.is_ascii() {
        let fold = |text| str::bytes(text).map(|byte| byte.to_ascii_lowercase());
        fold(a).cmp(fold(b))
    } else {
        let fold = |text| str::chars(text).flat_map(char::to_lowercase);
        fold(a).cmp(fold(b))
    };
    folded.then_with(|| a.cmp(b))
}

/// The keys of sorted lists, merged.
fn keys<'a>(parts: [Option<&'a Part>; 2]) -> impl Iterator<Item = &'a str> {
    let [a, b] = parts.map(|part| {
        part.map_or([&[] as &[Setting]; 2], |part| [part.own.as_slice(), &*part.inherited])
    });
    let mut lists: Vec<&'a [Setting]> = a.into_iter().chain(b).collect();
    std::iter::from_fn(move || {
        let heads = lists.iter().filter_map(|list| list.first());
        let next = heads.map(|setting| setting.key.as_str()).min()?;
        for list in &mut lists {
            if let Some((first, rest)) = list.split_first()
                && first.key == next
            {
                *list = rest;
            }
        }
        Some(next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(kind: FileKind, text: &str) -> (PathBuf, Document) {
        let path = match kind {
            FileKind::Config => "/home/me/.aws/config",
            FileKind::Credentials => "/home/me/.aws/credentials",
        };
        (path.into(), Document::parse(kind, text.as_bytes()).unwrap())
    }

    fn merged(config: &str, credentials: &str) -> SharedConfig {
        SharedConfig::merge(
            Some(document(FileKind::Config, config)),
            Some(document(FileKind::Credentials, credentials)),
        )
    }

    #[test]
    fn the_credentials_file_wins_key_by_key() {
        let both = merged(
            "[profile a]\nregion = x\noutput = json\n",
            "# mine\n[a]\nregion = y\naws_secret_access_key = TESTSECRET\n[b]\n",
        );
        let a = both.profile("a").unwrap();
        assert_eq!((a.get("region"), a.get("output")), (Some("y"), Some("json")));
        let text = |secret: Option<&Secret>| secret.map(|one| one.expose().to_owned());
        assert_eq!(text(a.in_config("region")).as_deref(), Some("x"));
        assert_eq!(text(a.in_credentials("region")).as_deref(), Some("y"));
        assert!(a.in_credentials("output").is_none());
        assert_eq!(a.keys().collect::<Vec<_>>(), ["aws_secret_access_key", "output", "region"]);
        assert!(a.is_in_config() && a.is_in_credentials());
        let b = both.profile("b").unwrap();
        assert!(!b.is_in_config() && b.is_in_credentials() && b.keys().next().is_none());
    }

    #[test]
    fn a_value_knows_where_it_stands() {
        let both = merged("[DEFAULT]\noutput = json\n[profile a]\nregion = x\n", "\n[a]\nz = 1\n");
        let a = both.profile("a").unwrap();
        let place = |key: &str| {
            let value = a.value(key).unwrap();
            (value.file.to_str().unwrap(), value.line, value.kind, value.inherited)
        };
        let (config, credentials) = ("/home/me/.aws/config", "/home/me/.aws/credentials");
        assert_eq!(place("output"), (config, 2, FileKind::Config, true));
        assert_eq!(place("region"), (config, 4, FileKind::Config, false));
        assert_eq!(place("z"), (credentials, 3, FileKind::Credentials, false));
        let places: Vec<_> = a.places().collect();
        assert_eq!(places, [(Path::new(config), 3), (Path::new(credentials), 2)]);
    }

    #[test]
    fn secrets_are_given_by_one_way_only() {
        let text = "[profile a]\naws_access_key_id = AKIA\naws_secret_access_key = TESTSECRET\n\
            aws_session_token = TESTSECRET\naws_security_token = TESTSECRET\n";
        let both = merged(text, "");
        let a = both.profile("a").unwrap();
        assert_eq!(a.get("aws_access_key_id"), Some("AKIA"));
        for key in ["aws_secret_access_key", "aws_session_token", "aws_security_token"] {
            assert_eq!(a.get(key), None, "{key}");
            assert_eq!(a.secret(key).unwrap().expose(), "TESTSECRET");
        }
        assert!(!format!("{both:?} {a:?}").contains("TESTSECRET"));
    }

    #[test]
    fn profiles_are_sorted_and_found_by_their_exact_name() {
        let names = ["b", "Ä", "a", "B", "A", "ä", "z", "ab", "a.b", "default"];
        let text = names.map(|name| format!("[profile {name}]\nregion={name}\n")).concat();
        let config = merged(&text, "");
        let found: Vec<_> = config.profiles().map(|profile| profile.name.as_str()).collect();
        assert_eq!(found, ["A", "a", "a.b", "ab", "B", "b", "default", "z", "Ä", "ä"]);
        for name in names {
            assert_eq!(config.profile(name).unwrap().get("region"), Some(name));
        }
        for name in ["", "c", "Default", "a ", "AB"] {
            assert!(config.profile(name).is_none(), "{name}");
        }
    }

    #[test]
    fn of_two_sections_for_one_profile_the_later_one_counts_alone() {
        for (text, expected) in [
            ("[default]\nx = 1\ny = 1\n[profile default]\nx = 2\n", Some("2")),
            ("[profile default]\nx = 2\ny = 1\n[default]\nx = 1\n", Some("1")),
        ] {
            let config = merged(text, "");
            let default = config.profile("default").unwrap();
            assert_eq!((default.get("x"), default.get("y")), (expected, None), "{text}");
        }
    }

    #[test]
    fn sessions_and_services_are_no_profiles() {
        let text = "[sso-session s]\nsso_region = x\n[services t]\nsts =\n  endpoint_url = u\n  \
            endpoint_url = v\n[other]\nx = 1\n";
        let config = merged(text, "[sso-session s]\n");
        let names: Vec<_> = config.profiles().map(|profile| &*profile.name).collect();
        assert_eq!(names, ["sso-session s"]);
        let session = config.sso_session("s").unwrap();
        assert_eq!(session.get("sso_region"), Some("x"));
        assert_eq!(session.place(), (Path::new("/home/me/.aws/config"), 1));
        assert_eq!(config.sso_sessions().count(), 1);
        let services = config.services("t").unwrap();
        assert_eq!(services.nested("sts", "endpoint_url"), Some("v"));
        assert_eq!(services.nested("sts", "region"), None);
        assert_eq!(services.keys().collect::<Vec<_>>(), ["sts"]);
        assert!(config.services("s").is_none() && config.sso_session("t").is_none());
    }

    #[test]
    fn a_file_that_is_absent_is_empty_and_warnings_name_their_file() {
        let none = SharedConfig::merge(None, None);
        assert!(none.profiles().next().is_none() && none.warnings().is_empty());
        let config = merged("[a]\n", "[a b]\n");
        let warnings = config.warnings();
        let files: Vec<_> =
            warnings.iter().map(|(file, one)| (file.file_name(), one.line)).collect();
        assert_eq!(files, [(Some("config".as_ref()), 1), (Some("credentials".as_ref()), 1)]);
    }
}

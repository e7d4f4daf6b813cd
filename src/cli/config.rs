//! The settings in `config.toml`: documented keys only.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::Deserialize;
use toml::Spanned;

use super::failure::{Failure, Kind, Outcome};
use crate::{
    access::{
        provider::{self, ProviderName},
        source,
    },
    model::duration,
    system::{directory::PathError, files},
};

/// No settings file is larger, in bytes.
const LIMIT: u64 = 64 << 10;

/// The settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    /// Whether completion offers the names of sessions.
    pub(super) completion_names: bool,
    /// How long an unlocked file vault stays so; `0` asks every time.
    vault_unlock: Option<String>,
    /// Whether `AWS_ENDPOINT_URL` may send our own requests to any https address.
    pub(super) endpoint_env: bool,
    #[serde(rename = "providers")]
    provider_tables: BTreeMap<Spanned<String>, ProviderTable>,
    /// The third-party providers, by name.
    #[serde(skip)]
    pub(super) providers: Vec<provider::Settings>,
}

/// `[providers.NAME]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderTable {
    /// The program.
    command: Spanned<String>,
    /// What it always gets.
    #[serde(default)]
    args: Vec<String>,
    /// How long it may take for credentials.
    timeout: Option<Spanned<String>>,
}

/// What is wrong, and where in the text.
type Flaw = (String, usize);

/// Why the settings cannot be read.
#[derive(Debug)]
enum Unreadable {
    File(PathError),
    Text(source::Problem),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            completion_names: true,
            vault_unlock: None,
            endpoint_env: false,
            provider_tables: BTreeMap::new(),
            providers: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the file; none is as good as an empty one.
    pub(super) fn read(path: &Path) -> Outcome<Self> {
        Self::parse(path).map_err(|unreadable| match unreadable {
            Unreadable::File(error) => error.into(),
            Unreadable::Text(problem) => Failure::new(Kind::Failed, problem.to_string()).hint(HINT),
        })
    }

    /// Why the file cannot be read, for who goes on without it.
    pub(super) fn problem(path: &Path) -> Option<source::Problem> {
        match Self::parse(path).err()? {
            Unreadable::File(error) => Some(source::Problem {
                file: path.to_owned(),
                place: None,
                text: error.to_string(),
            }),
            Unreadable::Text(problem) => Some(problem),
        }
    }

    fn parse(path: &Path) -> Result<Self, Unreadable> {
        let Some(content) = files::read_owned(path, LIMIT).map_err(Unreadable::File)? else {
            return Ok(Self::default());
        };
        let text = String::from_utf8(content.bytes)
            .map_err(|_| refuse(path, "it is not UTF-8".to_owned(), None))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            let place = error.span().map(|span| line_and_column(&text, span.start));
            refuse(path, error.message().to_owned(), place)
        })?;
        config.unlock_for().map_err(|problem| refuse(path, problem, None))?;
        let tables = std::mem::take(&mut config.provider_tables);
        let providers = tables.into_iter().map(|(name, table)| table.check(&name));
        config.providers = providers
            .collect::<Result<_, Flaw>>()
            .map_err(|(problem, at)| refuse(path, problem, Some(line_and_column(&text, at))))?;
        Ok(config)
    }

    /// How long an unlocked file vault stays so: an hour unless the settings say otherwise.
    pub(super) fn unlock_for(&self) -> Result<Duration, String> {
        let Some(text) = &self.vault_unlock else {
            return Ok(Duration::from_hours(1));
        };
        let seconds = duration::parse(text);
        let seconds = seconds.map_err(|error| format!("vault_unlock: {error}"))?;
        Ok(Duration::from_secs(seconds.into()))
    }
}

impl ProviderTable {
    fn check(self, name: &Spanned<String>) -> Result<provider::Settings, Flaw> {
        let at = name.span().start;
        let name = ProviderName::parse(name.get_ref()).map_err(|e| (e.to_string(), at))?;
        let at = self.command.span().start;
        let command = Path::new(self.command.get_ref()).to_owned();
        if !command.is_absolute() {
            let problem = format!("{:?} is no absolute path to a program", self.command.get_ref());
            return Err((problem, at));
        }
        let timeout = self.timeout.map_or(Ok(provider::TIMEOUT), |text| {
            let refuse = |problem: String| (format!("timeout: {problem}"), text.span().start);
            let seconds = duration::parse(text.get_ref()).map_err(|e| refuse(e.to_string()))?;
            if !(1..=600).contains(&seconds) {
                return Err(refuse("1s to 10m are possible".to_owned()));
            }
            Ok(Duration::from_secs(seconds.into()))
        })?;
        let arguments = self.args.into_iter().map(Into::into).collect();
        Ok(provider::Settings { name, command, arguments, timeout })
    }
}

/// All settings.
const HINT: &str = "the settings are: vault_unlock = \"1h\", endpoint_env = false, completion_names = true, and \
     [providers.NAME] with command = \"/path\", args = [\"...\"], timeout = \"30s\"";

#[expect(clippy::needless_pass_by_value, reason = "where it is called, it is made")]
fn refuse(path: &Path, problem: String, place: Option<(usize, usize)>) -> Unreadable {
    let text = problem.lines().next().unwrap_or_default().to_owned();
    Unreadable::Text(source::Problem { file: path.to_owned(), place, text })
}

/// Counted from 1, in characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::{Durability, write_private};

    fn read(text: &str) -> Outcome<Config> {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("config.toml");
        write_private(&path, text.as_bytes(), Durability::Cache).unwrap();
        Config::read(&path)
    }

    #[test]
    fn unknown_settings_are_refused_with_their_place() {
        let error = read("endpoint_env = true\n  colour = 1\n").unwrap_err();
        assert!(error.message.contains("config.toml:2:3: unknown field"), "{}", error.message);
        let error = read("endpoint_env = 7\n").unwrap_err();
        assert!(error.message.contains("config.toml:1:16"), "{}", error.message);
        assert!(read("vault_unlock = \"soon\"\n").is_err());
    }

    #[test]
    fn settings_have_defaults() {
        let config = read("").unwrap();
        assert_eq!(config.unlock_for(), Ok(Duration::from_hours(1)));
        assert!(!config.endpoint_env && config.completion_names);
        assert!(!read("completion_names = false").unwrap().completion_names);
        assert_eq!(read("vault_unlock = \"0\"").unwrap().unlock_for(), Ok(Duration::ZERO));
    }

    #[test]
    fn providers_are_read() {
        let text = "endpoint_env = true\n[providers.b-2]\ncommand = \"/opt/b\"\nargs = [\"-x\", \"y\"]\n\
                    timeout = \"2m\"\n[providers.a]\ncommand = \"/opt/a\"\n";
        let providers = read(text).unwrap().providers;
        let names: Vec<&str> = providers.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["a", "b-2"]);
        assert_eq!(providers[0].timeout, Duration::from_secs(30));
        assert_eq!(
            (providers[1].timeout, providers[1].arguments.len()),
            (Duration::from_mins(2), 2)
        );
    }

    #[test]
    fn a_provider_that_cannot_be_is_refused_with_its_place() {
        for (text, expected) in [
            ("[providers.a]\n", ":1:1: missing field `command`"),
            ("\n[providers.Up]\ncommand = \"/x\"", ":2:12: \"Up\" is no name"),
            ("[providers.a]\ncommand = \"x\"", ":2:11: \"x\" is no absolute path"),
            ("[providers.a]\ncommand = \"/x\"\n timeout = \"soon\"", ":3:12: timeout: \"soon\" is"),
            ("[providers.a]\ncommand = \"/x\"\ntimeout = \"11m\"", ":3:11: timeout: 1s to 10m"),
            ("[providers.a]\ncommand = \"/x\"\nshell = true", ":3:1: unknown field"),
            ("[providers.a]\ncommand = \"/x\"\nargs = \"-x\"", ":3:8: invalid type"),
            ("providers = 1", ":1:13: invalid type"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(expected), "{text}: {}", error.message);
            assert!(error.hint.unwrap().contains("[providers.NAME]"));
        }
    }
}

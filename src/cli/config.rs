//! The settings in `config.toml`: documented keys only.

use std::{path::Path, time::Duration};

use serde::Deserialize;

use super::failure::{Failure, Kind, Outcome};
use crate::{model::duration, system::files};

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
}

impl Default for Config {
    fn default() -> Self {
        Self { completion_names: true, vault_unlock: None, endpoint_env: false }
    }
}

impl Config {
    /// Reads the file; none is as good as an empty one.
    pub(super) fn read(path: &Path) -> Outcome<Self> {
        let Some(content) = files::read_owned(path, LIMIT)? else {
            return Ok(Self::default());
        };
        let text = String::from_utf8(content.bytes)
            .map_err(|_| refuse(path, "it is not UTF-8".to_owned(), None))?;
        let config: Self = toml::from_str(&text).map_err(|error| {
            let place = error.span().map(|span| line_and_column(&text, span.start));
            refuse(path, error.message().to_owned(), place)
        })?;
        config.unlock_for().map_err(|problem| refuse(path, problem, None))?;
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

fn refuse(path: &Path, problem: String, place: Option<(usize, usize)>) -> Failure {
    let place = place.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
    let first = problem.lines().next().unwrap_or_default().to_owned();
    Failure::new(Kind::Failed, format!("{}{place}: {first}", path.display())).hint(
        "the settings are: vault_unlock = \"1h\", endpoint_env = false, completion_names = true",
    )
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
}

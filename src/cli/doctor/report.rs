//! What a hook tells of itself: `SHELL;name=value;name=value;`. It comes as an argument, which
//! anybody may have written, so it is parsed strictly; what does not fit is no report at all.

use crate::shell::{self, Shell};

/// No report is longer, in bytes.
const LIMIT: usize = 64 << 10;
/// The facts that a hook may tell.
const KNOWN: &[&str] = &[
    "ble",
    "cd",
    "chpwd",
    "loads",
    "moved",
    "owner",
    "precmd",
    "prompt",
    "text",
    "universal",
    "version",
];

/// A hook's report.
pub(super) struct Report<'a> {
    pub(super) shell: &'static dyn Shell,
    facts: Vec<(&'a str, &'a str)>,
}

impl<'a> Report<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let body = text.strip_suffix(';').filter(|_| text.len() <= LIMIT)?;
        let mut fields = body.split(';');
        let shell = shell::by_id(fields.next()?).filter(|shell| shell.hook_line().is_some())?;
        let mut facts: Vec<(&str, &str)> = Vec::new();
        for field in fields {
            let (name, value) = field.split_once('=')?;
            let is_new = facts.iter().all(|(known, _)| *known != name);
            if !KNOWN.contains(&name) || !is_new {
                return None;
            }
            facts.push((name, value));
        }
        let report = Self { shell, facts };
        let is_whole = report.loads().is_some()
            && matches!(report.get("owner")?, "" | "d" | "g" | "o" | "u" | "x")
            && matches!(report.get("cd"), None | Some("none" | "other" | "ours"));
        is_whole.then_some(report)
    }

    /// A fact; `None` where this hook does not tell it.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.facts.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The words of a fact.
    pub(super) fn words(&self, name: &str) -> Vec<&'a str> {
        self.get(name).unwrap_or_default().split_whitespace().collect()
    }

    /// How often the hook was loaded.
    pub(super) fn loads(&self) -> Option<u32> {
        self.get("loads")?.parse().ok().filter(|loads| *loads > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_reports_are_read() {
        let good = "bash;version=5.2;loads=2;owner=d;prompt=__leapp_prompt a=b;";
        let report = Report::parse(good).unwrap();
        assert_eq!((report.shell.id(), report.loads()), ("bash", Some(2)));
        assert_eq!(report.words("prompt"), ["__leapp_prompt", "a=b"]);
        assert_eq!(report.get("precmd"), None);
        for bad in [
            "",
            ";",
            "tcsh;loads=1;owner=;",
            "posix;loads=1;owner=;",
            "bash;loads=1;owner=",
            "bash;loads=0;owner=;",
            "bash;loads=x;owner=;",
            "bash;loads=1;",
            "bash;loads=1;owner=z;",
            "bash;loads=1;owner=;cd=x;",
            "bash;loads=1;loads=1;owner=;",
            "bash;loads=1;owner=;secret=x;",
            "bash;loads=1;owner=;x;",
        ] {
            assert!(Report::parse(bad).is_none(), "{bad:?}");
        }
        let long = format!("bash;loads=1;owner=;prompt={};", "x".repeat(LIMIT));
        assert!(Report::parse(&long).is_none());
    }
}

//! The command of ours in a profile that stands for a session of the workspace: how it is written so
//! that every SDK splits it alike, and how it is known again.
//!
//! botocore splits it by Python's `shlex`, the other SDKs hand it to `sh -c`. Single quotes mean the
//! same to both. Deliberately absent: the files that it stands in.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::access::source::Place;

/// The subcommand, and the option that names another home.
const SUBCOMMAND: &str = "credential-process";
const HOME: &str = "--home";

/// What such a command says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bound {
    /// The program.
    pub program: PathBuf,
    /// The home, where it is not the usual one.
    pub home: Option<PathBuf>,
    /// The session.
    pub session: Uuid,
}

/// A path that no command of a profile can hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnfitPath {
    /// The SDKs would see the end of the line, or something else that is not meant.
    #[error("the path {0:?} has a control character or is not UTF-8")]
    Character(PathBuf),
    /// A profile with that program is not known again.
    #[error(
        "the program is called {0:?}; the name of one that a profile calls begins with 'leapp'"
    )]
    Name(PathBuf),
}

impl Bound {
    /// Reads a command; `None` where it is not ours: a program whose name begins with `leapp`, then
    /// `credential-process`, perhaps `--home` and a directory, and `session:<uuid>`.
    pub fn parse(command: &str) -> Option<Self> {
        // Most commands are others', and thousands are looked at.
        if !command.contains(SUBCOMMAND) {
            return None;
        }
        let words = shell_words::split(command).ok()?;
        let (program, rest) = words.split_first()?;
        if !is_ours(Path::new(program)) {
            return None;
        }
        let (home, session) = match rest {
            [word, session] if word == SUBCOMMAND => (None, session),
            [word, flag, home, session] if word == SUBCOMMAND && flag == HOME => {
                (Some(PathBuf::from(home)), session)
            }
            _ => return None,
        };
        let session = Uuid::try_parse(session.strip_prefix("session:")?).ok()?;
        Some(Self { program: program.into(), home, session })
    }

    /// The command as it stands in a file.
    pub fn command(&self) -> Result<String, UnfitPath> {
        if !is_ours(&self.program) {
            return Err(UnfitPath::Name(self.program.clone()));
        }
        let mut words = vec![quote(&self.program)?, SUBCOMMAND.to_owned()];
        if let Some(home) = &self.home {
            words.extend([HOME.to_owned(), quote(home)?]);
        }
        words.push(format!("session:{}", self.session));
        Ok(words.join(" "))
    }

    /// Whether the command works in the home that we work in.
    pub fn is_here(&self, place: &dyn Place) -> bool {
        let theirs = self.home.clone().or_else(|| usual_home(place));
        theirs.is_some_and(|theirs| is_same(&theirs, place.home()))
    }
}

/// The session that a command of ours asks for, if it is one, and of this home.
pub fn binding(command: &str, place: &dyn Place) -> Option<Uuid> {
    Bound::parse(command).filter(|bound| bound.is_here(place)).map(|bound| bound.session)
}

/// The home to name in a command; `None` where it is the usual one.
pub fn home_to_name(place: &dyn Place) -> Option<PathBuf> {
    let usual = usual_home(place).is_some_and(|usual| is_same(&usual, place.home()));
    (!usual).then(|| place.home().to_owned())
}

fn usual_home(place: &dyn Place) -> Option<PathBuf> {
    place.own("HOME").map(|home| PathBuf::from(home).join(".Leapp"))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

fn is_ours(program: &Path) -> bool {
    program.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("leapp"))
}

/// A path as one word. A quote ends before each `#` and `;` behind a blank, because some SDKs would
/// take the rest of the line for a comment, quoted or not.
fn quote(path: &Path) -> Result<String, UnfitPath> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    let text = text.ok_or_else(|| UnfitPath::Character(path.to_owned()))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    let mut quoted = String::from("'");
    let mut blank = false;
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str(r"'\''"),
            '#' | ';' if blank => {
                quoted.push_str("''");
                quoted.push(c);
            }
            c => quoted.push(c),
        }
        blank = c.is_whitespace();
    }
    quoted.push('\'');
    Ok(quoted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bound(program: &str, home: Option<&str>) -> Bound {
        Bound {
            program: program.into(),
            home: home.map(PathBuf::from),
            session: Uuid::from_u128(7),
        }
    }

    const TAIL: &str = "session:00000000-0000-0000-0000-000000000007";

    #[test]
    fn a_plain_path_stays_as_it_is_and_others_are_quoted() {
        for (program, home, expected) in [
            ("/usr/bin/leapp", None, format!("/usr/bin/leapp credential-process {TAIL}")),
            (
                "/a b/leapp",
                Some("/it's"),
                format!(r"'/a b/leapp' credential-process --home '/it'\''s' {TAIL}"),
            ),
            ("/a #b/leapp", None, format!("'/a ''#b/leapp' credential-process {TAIL}")),
            ("/50%$x/é/leapp-dev", None, format!("'/50%$x/é/leapp-dev' credential-process {TAIL}")),
        ] {
            let bound = bound(program, home);
            let command = bound.command().unwrap();
            assert_eq!(command, expected);
            assert_eq!(Bound::parse(&command), Some(bound));
        }
    }

    #[test]
    fn what_is_not_ours_is_not_taken_for_it() {
        for command in [
            "",
            "leapp",
            "aws-vault exec x --json",
            "leapp credential-process prod",
            &format!("other credential-process {TAIL}"),
            &format!("leapp env {TAIL}"),
            &format!("leapp credential-process {TAIL} --region x"),
            &format!("leapp credential-process --home {TAIL}"),
            &format!("leapp credential-process '{TAIL}"),
        ] {
            assert_eq!(Bound::parse(command), None, "{command}");
        }
        assert!(matches!(bound("/a\n/leapp", None).command(), Err(UnfitPath::Character(_))));
        assert!(matches!(bound("/a/other", None).command(), Err(UnfitPath::Name(_))));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(path in "/[ -~é]{0,20}", home in "/[ '\"#;$%\\\\a]{0,8}") {
            let bound = bound(&format!("{path}/leapp"), Some(&home));
            let command = bound.command().unwrap();
            prop_assert!(!command.contains(" #") && !command.contains(" ;"), "{}", command);
            prop_assert_eq!(Bound::parse(&command), Some(bound));
        }
    }
}

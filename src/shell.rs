//! How each shell spells a change of the environment. The text is evaluated by the user's shell.
//!
//! Deliberately absent: reading anything, and knowing which session.
//!
//! What every text has in common: each statement ends in `;` and a newline and there are no
//! comments, so that a text survives a shell that joins its lines. A text that expands or holds a
//! secret switches tracing off first, without a trace. Originals never stand in the text: the
//! shell copies its own variables into variables of its own, which are not exported:
//! `__leapp_o_NAME` is empty (was unset), `s` (set, not exported) or `x` (exported), and
//! `__leapp_v_NAME` is the value. In fish the first is a list of both; in PowerShell
//! `$global:__leapp_o` is a table.

#![forbid(unsafe_code)]

mod bash;
mod fish;
pub mod hook;
mod posix;
mod powershell;
mod zsh;

use std::error::Error;
use std::fmt;

pub use hook::{Change, Owner, Reply};

use crate::envdelta::{EnvDelta, Inherited};
use crate::secret::SecretBytes;

/// Every shell. A shell is added here and by a file of its own.
pub const SHELLS: &[&dyn Shell] =
    &[&bash::BASH, &zsh::ZSH, &fish::Fish, &powershell::PowerShell, &posix::SH];

/// What nearly every shell but fish and PowerShell understands.
pub const POSIX: &dyn Shell = &posix::SH;

/// One shell's spelling.
pub trait Shell: Sync {
    /// The name in our own options: `bash`.
    fn id(&self) -> &'static str;

    /// The names of the programs that understand this spelling.
    fn program_names(&self) -> &'static [&'static str];

    /// Appends `value` as one word that the shell reads back byte for byte.
    fn quote_into(&self, value: &[u8], out: &mut SecretBytes) -> Result<(), Unrepresentable>;

    /// The text that makes the change, and keeps the originals that it overwrites.
    ///
    /// `before` is the environment that leapp was started with: what is in it is exported, and
    /// where its credentials are ours the originals have been kept already. The change happens in
    /// full, or ends with a status other than 0 and without an access key id. Values stand in the
    /// text literally, so print it only to a [`Shell::deferred`] text.
    fn apply(&self, delta: &EnvDelta, before: &Inherited) -> Result<SecretBytes, Unrepresentable>;

    /// The text that goes back to the environment before the first session of ours: to the kept
    /// originals, or in a shell that has none to those of the state in `before`. Where the
    /// credentials are not ours any more, only our markers are removed. Holds no secret.
    fn restore(&self, before: &Inherited) -> Result<Vec<u8>, Unrepresentable>;

    /// The text, without any secret, that makes the shell run `argv` untraced and evaluate what it
    /// prints. The status is 0 only if both the program and its text succeeded; a failing
    /// program's text is not evaluated.
    ///
    /// Why it is needed: a shell that traces shows the arguments of `eval`, which are the text.
    fn deferred(&self, argv: &[&[u8]]) -> Result<Vec<u8>, Unrepresentable>;

    /// The text of a failure: one statement, with a status other than 0.
    fn failing(&self) -> &'static str {
        "false;\n"
    }

    /// The line that a person types to have this shell evaluate what the program prints.
    fn eval_line(&self, words: &[&str]) -> Result<String, Unrepresentable>;

    /// The text that loads the hook, with the program's path in it; `None` where this shell has no
    /// hook.
    fn hook(&self, program: &[u8]) -> Option<Result<Vec<u8>, Unrepresentable>> {
        let _ = program;
        None
    }

    /// The text that completes our commands, with the program's path in it.
    fn completion(&self, program: &[u8]) -> Option<Result<Vec<u8>, Unrepresentable>> {
        let _ = program;
        None
    }

    /// Where a person puts the line that loads the hook, and the line.
    fn hook_line(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// The number of the hook's text, by which a hook of another version is known.
    fn hook_number(&self) -> Option<String> {
        None
    }

    /// Whether the shell can tell the time without starting a program.
    fn has_clock(&self) -> bool {
        true
    }

    /// An answer to the hook. Only the hook evaluates it, and untraced: it may hold secrets.
    fn reply(&self, reply: &Reply<'_>, before: &Inherited) -> Result<SecretBytes, Unrepresentable> {
        let _ = (reply, before);
        Ok(SecretBytes::default())
    }

    /// Like [`Shell::quote_into`], for what is not secret.
    fn quote(&self, value: &[u8]) -> Result<Vec<u8>, Unrepresentable> {
        let mut out = SecretBytes::default();
        self.quote_into(value, &mut out)?;
        Ok(out.expose().to_vec())
    }
}

/// The shell of that [`Shell::id`].
pub fn by_id(id: &str) -> Option<&'static dyn Shell> {
    SHELLS.iter().copied().find(|shell| shell.id() == id)
}

/// The shell that a program is: a path as in `SHELL`, or a name as in a process's argument 0,
/// where a leading hyphen says that it is a login shell.
pub fn by_program(program: &str) -> Option<&'static dyn Shell> {
    let name = program.rsplit(['/', '\\']).next()?;
    let name = name.strip_prefix('-').unwrap_or(name);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    SHELLS.iter().copied().find(|shell| shell.program_names().contains(&name))
}

/// Why a shell cannot hold a value. Nothing is printed then, because a changed value would be worse.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unrepresentable {
    /// A variable ends at the first NUL byte.
    Nul,
    /// This shell's text is Unicode, and the value is not.
    NotUtf8,
}

impl fmt::Display for Unrepresentable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nul => "a shell cannot hold a value with a NUL byte",
            Self::NotUtf8 => "this shell cannot hold a value that is not valid UTF-8",
        })
    }
}

impl Error for Unrepresentable {}

/// A text under construction. It wipes itself, whatever it comes to hold.
#[derive(Default)]
struct Script(SecretBytes);

impl Script {
    fn push(&mut self, text: &str) -> &mut Self {
        self.0.extend(text.as_bytes());
        self
    }

    fn push_all<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) -> &mut Self {
        for word in words {
            self.push(word);
        }
        self
    }

    fn quoted(&mut self, shell: &dyn Shell, value: &[u8]) -> Result<&mut Self, Unrepresentable> {
        shell.quote_into(value, &mut self.0)?;
        Ok(self)
    }

    /// The words of a command, each quoted.
    fn command(&mut self, shell: &dyn Shell, argv: &[&[u8]]) -> Result<(), Unrepresentable> {
        for (at, word) in argv.iter().enumerate() {
            self.push(if at == 0 { "" } else { " " }).quoted(shell, word)?;
        }
        Ok(())
    }

    /// The text, when it holds no secret.
    fn public(self) -> Vec<u8> {
        self.0.expose().to_vec()
    }
}

/// The words of a line for a person: quoted only where it is needed.
fn readable(shell: &dyn Shell, words: &[&str]) -> Result<String, Unrepresentable> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_./:-".contains(&b);
    let mut line = Vec::new();
    for word in words {
        if !line.is_empty() {
            line.push(b' ');
        }
        if !word.is_empty() && word.bytes().all(is_plain) {
            line.extend_from_slice(word.as_bytes());
        } else {
            line.extend_from_slice(&shell.quote(word.as_bytes())?);
        }
    }
    String::from_utf8(line).map_err(|_| Unrepresentable::NotUtf8)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::envdelta::{
        EnvDelta, Inherited, Kind, Managed, Original, Originals, State, Value, VarName,
    };
    use crate::secret::Secret;

    fn delta(secret: &str) -> EnvDelta {
        let aws = Managed::of("aws").unwrap();
        let values =
            aws.group.iter().map(|name| (*name, Value::Secret(Secret::new(secret.into()))));
        EnvDelta::session(aws, values.collect(), &Inherited::read(|_| None)).unwrap()
    }

    fn inherited(originals: Originals) -> Inherited {
        let state = State {
            kind: Kind::Env,
            identities: vec!["session:a".into()],
            expiry: 1,
            access_key_id: "ASIA1".into(),
            root: Vec::new(),
            originals,
        };
        let text = state.format().unwrap();
        Inherited::read(|name| match name {
            "LEAPP_STATE" => Some(text.clone().into()),
            "AWS_ACCESS_KEY_ID" => Some("ASIA1".into()),
            _ => Some("TESTINHERITED".into()),
        })
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// What holds for every shell in the registry.
    #[test]
    fn every_shell_keeps_the_contract() {
        let mut names = BTreeSet::new();
        for shell in SHELLS {
            let id = shell.id();
            assert!(names.insert(id) || shell.program_names().contains(&id), "{id} twice");
            assert_eq!(by_id(id).unwrap().id(), id);
            for name in shell.program_names() {
                assert!(names.insert(name) || *name == id, "{name} twice");
                assert_eq!(by_program(name).unwrap().id(), id);
                assert_eq!(by_program(&format!("-{name}")).unwrap().id(), id);
                assert_eq!(by_program(&format!("/x y/{name}.exe")).unwrap().id(), id);
            }
            assert_eq!(shell.quote(b"a\0b"), Err(Unrepresentable::Nul), "{id}");
            assert!(!shell.quote(b"").unwrap().is_empty(), "{id}: an empty word vanishes");

            let nothing = Inherited::read(|_| None);
            let applied = text(shell.apply(&delta("TESTSECRET"), &nothing).unwrap().expose());
            let guarded = shell.deferred(&[b"/x/le app", b"env", b"it's"]).unwrap();
            let ours = inherited(Originals::default());
            let texts = [
                applied.clone(),
                text(shell.apply(&delta("TESTSECRET"), &ours).unwrap().expose()),
                text(&shell.restore(&nothing).unwrap()),
                text(&shell.restore(&ours).unwrap()),
                text(&guarded),
                shell.failing().to_owned(),
            ];
            for text in &texts {
                assert!(text.ends_with(";\n"), "{id}: {text}");
                assert!(!text.contains('#') || !text.contains(" #"), "{id}: a comment: {text}");
                assert!(!text.contains("TESTINHERITED"), "{id}: an inherited value: {text}");
            }
            assert_eq!(shell.failing().lines().count(), 1, "{id}");
            // The key id goes before anything else changes, and comes after everything else.
            let last = applied.rfind("AWS_ACCESS_KEY_ID").unwrap();
            assert!(applied.rfind("AWS_SECRET_ACCESS_KEY").unwrap() < last, "{id}: {applied}");
            let nul = shell.apply(&delta("TEST\0SECRET"), &nothing).map(|_| ());
            assert_eq!(nul, Err(Unrepresentable::Nul), "{id}");
        }
    }

    #[test]
    fn every_shell_names_every_variable_of_the_way_back() {
        let set = |name: &str| name.starts_with("AWS_");
        let originals = Originals::record(set, |_| Some("http://127.0.0.1/fallback".as_ref()));
        assert_eq!(
            originals.original("AWS_ENDPOINT_URL"),
            &Original::Set("http://127.0.0.1/fallback".into())
        );
        for shell in SHELLS {
            let text = text(&shell.restore(&inherited(originals.clone())).unwrap());
            for list in
                Managed::of("aws").map(|aws| [aws.sets, aws.removes, aws.conditional]).unwrap()
            {
                for name in list {
                    assert!(
                        VarName::parse(name).is_some() && text.contains(name),
                        "{name}: {text}"
                    );
                }
            }
            assert!(text.contains("fallback"), "{}: {text}", shell.id());
        }
    }

    #[test]
    fn the_line_to_type_is_the_shells_own() {
        let line = |id: &str, words: &[&str]| by_id(id).unwrap().eval_line(words).unwrap();
        let words = ["leapp", "env", "prod"];
        assert_eq!(line("bash", &words), r#"eval "$(leapp env prod)""#);
        assert_eq!(line("zsh", &words), r#"eval "$(leapp env prod)""#);
        assert_eq!(line("posix", &words), r#"eval "$(leapp env prod)""#);
        assert_eq!(line("fish", &words), "leapp env prod | source");
        assert_eq!(line("powershell", &words), "leapp env prod | Out-String | Invoke-Expression");
        let odd = ["/x y/leapp", "env", "it's", ""];
        assert_eq!(line("bash", &odd), r#"eval "$('/x y/leapp' env 'it'\''s' '')""#);
        assert_eq!(line("fish", &odd), r"'/x y/leapp' env 'it\'s' '' | source");
        assert_eq!(
            line("powershell", &odd),
            "& '/x y/leapp' env 'it''s' '' | Out-String | Invoke-Expression"
        );
        assert!(by_id("bash").unwrap().eval_line(&["a\0"]).is_err());
    }

    #[test]
    fn an_unknown_shell_is_none() {
        for name in ["", "tcsh", "/bin/elvish", "-", "bash\n", "BASH"] {
            assert!(by_id(name).is_none() && by_program(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_failure_is_one_word() {
        assert_eq!(by_id("bash").unwrap().failing(), "false;\n");
    }
}

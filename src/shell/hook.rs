//! What the program answers to a shell's hook, and in which words of the hook's own.
//!
//! The hooks themselves are files in `shell/`, brought in as they are. A hook keeps its state in
//! variables that are not exported; a reply replaces all of it, so that nothing of an earlier reply
//! survives.

use super::{Script, Shell, Unrepresentable};
use crate::envdelta::{EnvDelta, Inherited, Return, VarName};

/// Who a shell belongs to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Owner {
    /// The directory: its answer holds, even if that is that nothing is on.
    Directory,
    /// Nobody.
    #[default]
    Nobody,
    /// `leapp off`: nothing is switched on until another project is entered.
    Off,
    /// `leapp use`.
    Use,
}

impl Owner {
    /// The hooks' letter for it.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Directory => "d",
            Self::Nobody => "",
            Self::Off => "o",
            Self::Use => "u",
        }
    }
}

/// An answer to a hook.
#[derive(Debug, Default)]
pub struct Reply<'a> {
    /// What happens to the environment, first.
    pub change: Change<'a>,
    /// The owner from now on.
    pub owner: Owner,
    /// Whether all stays as it is but the project that governs.
    pub keep_owner: bool,
    /// The canonical path of the project file that governs; empty for none.
    pub file: Vec<u8>,
    /// Its path relative to the current directory.
    pub relative: Vec<u8>,
    /// When it was changed last, in nanoseconds since the epoch.
    pub mtime_ns: i128,
    /// What the names of the lease's files begin with; empty: there is none.
    pub lease: Vec<u8>,
    /// After how many seconds the hook asks again; `None`: when something changes.
    pub ask_again: Option<i64>,
    /// Whether the answer is for this directory alone and not for those below.
    pub here: bool,
    /// The access key id that is ours now; empty: none.
    pub key: String,
    /// The session's identifier.
    pub identity: String,
    /// Where the session works.
    pub region: String,
    /// Lines for the person, without the program's name.
    pub notes: Vec<String>,
    /// Words by which the program knows what it has said in this shell.
    pub said: String,
    /// The session's name, for prompts.
    pub session: String,
    /// `protected` or `expired`, for prompts; empty otherwise.
    pub warning: &'static str,
}

/// What happens to the environment.
#[derive(Debug, Default)]
pub enum Change<'a> {
    /// Back to what the shell has saved.
    Back,
    /// Back, in a shell that was started inside the session: to what the state recorded.
    BackFrom(&'a Inherited),
    /// Our markers go; there is nothing else of ours.
    Markers,
    /// Nothing.
    #[default]
    None,
    /// Another session, or none before: the shell saves what it has.
    Set(&'a EnvDelta),
    /// A session of ours is on already; what was saved stays saved.
    SetAgain(&'a EnvDelta),
    /// The same, in a shell that was started inside that session.
    SetFrom(&'a EnvDelta, &'a Inherited),
}

impl<'a> Change<'a> {
    /// The new variables, if there are any.
    pub fn delta(&self) -> Option<&'a EnvDelta> {
        match self {
            Self::Set(delta) | Self::SetAgain(delta) | Self::SetFrom(delta, _) => Some(delta),
            Self::Back | Self::BackFrom(_) | Self::Markers | Self::None => None,
        }
    }

    /// The state to take the originals from, if the shell has none.
    pub fn adopted(&self) -> Option<&'a Inherited> {
        match self {
            Self::BackFrom(before) | Self::SetFrom(_, before) => Some(before),
            _ => None,
        }
    }
}

impl Reply<'_> {
    /// The hook's variables: names without prefix, and values.
    pub(super) fn locals(&self) -> Vec<(&'static str, Vec<u8>)> {
        let text = |text: &str| text.as_bytes().to_vec();
        if self.keep_owner {
            return vec![
                ("a", self.file.clone()),
                ("c", self.relative.clone()),
                // The time to ask again is not ours to change.
                ("t", text("keep")),
                ("n", self.note().into_bytes()),
                ("q", text(&self.said)),
            ];
        }
        vec![
            ("w", text(self.owner.letter())),
            ("a", self.file.clone()),
            ("c", self.relative.clone()),
            ("l", self.lease.clone()),
            ("t", text(&self.ask_again.map_or_else(String::new, |left| left.to_string()))),
            ("h", text(if self.here { "1" } else { "" })),
            ("k", text(&self.key)),
            ("i", text(&self.identity)),
            ("r", text(&self.region)),
            ("n", self.note().into_bytes()),
            ("q", text(&self.said)),
        ]
    }

    /// The variables that prompts read.
    pub(super) fn shown(&self) -> Vec<(&'static str, &str)> {
        if self.keep_owner {
            return Vec::new();
        }
        vec![("leapp_session", &self.session), ("leapp_warning", self.warning)]
    }

    /// The lines for the person, as they are printed.
    pub(super) fn note(&self) -> String {
        let lines: Vec<String> = self.notes.iter().map(|line| format!("leapp: {line}")).collect();
        lines.join("\n")
    }
}

/// The originals that a state recorded: each variable, and its value or that it was unset.
pub(super) fn originals(before: &Inherited) -> Vec<(VarName, Option<String>)> {
    match before.way_back() {
        Return::Everything(steps) => {
            steps.into_iter().map(|step| (step.name, step.otherwise)).collect()
        }
        Return::MarkersOnly => Vec::new(),
    }
}

/// A hook's text, and a number that differs when the text does: by it a shell's hook is known to be
/// that of another version.
#[derive(Clone, Copy)]
pub(super) struct Text {
    text: &'static str,
    number: u64,
}

/// Where a hook's text has its own number, in what it tells `leapp doctor`.
const NUMBER: &str = "LEAPP_HOOK_TEXT";

impl Text {
    /// FNV-1a, at build time: <https://datatracker.ietf.org/doc/draft-eastlake-fnv/>.
    pub(super) const fn new(text: &'static str) -> Self {
        let mut number = 0xcbf2_9ce4_8422_2325_u64;
        let mut rest = text.as_bytes();
        while let Some((byte, more)) = rest.split_first() {
            number = (number ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
            rest = more;
        }
        Self { text, number }
    }

    /// The number as it is told.
    pub(super) fn number(self) -> String {
        format!("{:016x}", self.number)
    }

    /// The text as a shell loads it, with its number.
    pub(super) fn numbered(self) -> String {
        self.text.replacen(NUMBER, &self.number(), 1)
    }
}

/// The text that a shell loads: where the program is, then a hook or a completion as it stands.
pub(super) fn loading(
    shell: &dyn Shell,
    before: &str,
    program: &[u8],
    after: &str,
    text: &str,
) -> Result<Vec<u8>, Unrepresentable> {
    let mut script = Script::default();
    script.push(before).quoted(shell, program)?.push(after).push(text);
    Ok(script.public())
}

//! The bound profiles as they stand in the files, and what keeps them from working.
//!
//! Deliberately absent: running any program.

use std::{os::unix::fs::MetadataExt, path::Path};

use super::word;
use crate::{
    access::profile::{self, Bound},
    cli::{context::Context, known::Known},
    system::process,
};

/// A profile that stands for a session.
pub(in crate::cli) struct Binding {
    pub(in crate::cli) profile: String,
    /// File and line of the command.
    pub(in crate::cli) place: String,
    pub(in crate::cli) bound: Bound,
    /// The session's name, where this home has it.
    pub(in crate::cli) session: Option<String>,
    pub(in crate::cli) trouble: Option<Trouble>,
}

/// What keeps a bound profile from doing what was meant.
pub(in crate::cli) struct Trouble {
    /// Whether it does not work at all.
    pub(in crate::cli) is_dead: bool,
    pub(in crate::cli) text: String,
    /// The command that helps.
    pub(in crate::cli) command: String,
}

/// All of them, sorted by name.
pub(in crate::cli) fn bindings(context: &Context, known: &Known) -> Vec<Binding> {
    let shared = profile::load(context).shared;
    let read = |profile: &crate::cloud::shared_config::Profile| {
        let command = profile.value("credential_process")?;
        let bound = Bound::parse(command.text()?)?;
        let session =
            known.catalog.workspace.by_id(bound.session).filter(|_| bound.is_here(context));
        let mut binding = Binding {
            profile: profile.name.clone(),
            place: format!("{}:{}", command.file.display(), command.line),
            session: session.map(|session| session.name.to_string()),
            bound,
            trouble: None,
        };
        binding.trouble = trouble(context, known, &binding);
        Some(binding)
    };
    shared.profiles().filter_map(read).collect()
}

fn trouble(context: &Context, known: &Known, binding: &Binding) -> Option<Trouble> {
    let (profile, bound) = (word(&binding.profile), &binding.bound);
    let session = match &binding.session {
        // A profile may have the same name.
        Some(name) if known.find(name).is_err() => format!("session:{name}"),
        Some(name) => name.clone(),
        None => "SESSION".to_owned(),
    };
    let again = || format!("leapp profile bind {session} {profile}");
    let program = bound.program.display();
    let dead = |text: String, command: String| Some(Trouble { is_dead: true, text, command });
    if !bound.program.is_absolute() {
        let text =
            format!("'{program}' is looked for in PATH, which graphical programs do not have");
        return Some(Trouble { is_dead: false, text, command: again() });
    }
    match std::fs::metadata(&bound.program) {
        Err(_) => return dead(format!("'{program}' is gone"), again()),
        Ok(meta) if !meta.is_file() || meta.mode() & 0o111 == 0 => {
            return dead(format!("'{program}' is not executable"), again());
        }
        Ok(_) => {}
    }
    if !bound.is_here(context) && bound.home.is_none() {
        let text = "it is of the usual home, but LEAPP_HOME leads programs of this shell elsewhere";
        return Some(Trouble {
            is_dead: false,
            text: text.to_owned(),
            command: "unset LEAPP_HOME".to_owned(),
        });
    }
    if !bound.is_here(context) {
        let home = bound.home.as_deref().unwrap_or(Path::new("~/.Leapp")).display();
        let text = format!("it asks the leapp of '{home}', and this one works in another home");
        let command = format!("LEAPP_HOME={home} leapp profile list");
        return Some(Trouble { is_dead: false, text, command });
    }
    // What an unreadable workspace holds nobody knows; that is told elsewhere.
    if binding.session.is_none() && known.readable().is_ok() {
        let text = format!("session:{} is not in the workspace", bound.session);
        return dead(text, format!("leapp profile unbind {profile}"));
    }
    if binding.session.is_some() && !known.catalog.bound.contains_key(&binding.profile) {
        let text = "something else in the profile wins over it".to_owned();
        return Some(Trouble { is_dead: false, text, command: "leapp list".into() });
    }
    let own = process::path_as_started()?;
    if !process::is_same_file(&bound.program, &own) {
        let text = format!("'{program}' is another leapp than the one that runs now");
        return Some(Trouble { is_dead: false, text, command: again() });
    }
    None
}

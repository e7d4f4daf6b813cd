//! `leapp profile`: profiles of `~/.aws/config` that stand for a session of the workspace.
//!
//! Deliberately absent: the lines themselves, which `access::profile` knows.

mod bind;
pub(super) mod look;

use std::path::PathBuf;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use self::look::Binding;
use super::{
    args::ProfileCommand,
    context::Context,
    failure::{Failure, Kind, Outcome},
    known::Known,
    print, print_json,
};
use crate::{
    access::profile::{
        self, Bound, home_to_name,
        stanza::{self, Edit, Text},
    },
    cloud::shared_config::SIZE_LIMIT,
    output::table::{self, Emphasis, Row},
    secret::SecretBytes,
    system::{files, process, users_file},
};

pub(super) fn run(context: &Context, command: &ProfileCommand) -> Outcome<()> {
    match command {
        ProfileCommand::Bind(args) => bind::run(context, args),
        ProfileCommand::List => list(context),
        ProfileCommand::Unbind { profile } => unbind(context, plain(profile)),
    }
}

/// The name of a profile, which may be given as an identifier.
pub(super) fn plain(name: &str) -> &str {
    name.strip_prefix("profile:").unwrap_or(name)
}

/// A name as one word of a command line, for hints.
pub(super) fn word(name: &str) -> String {
    shell_words::quote(name).into_owned()
}

/// Checks a name for a section that is perhaps new: what every reader of the file takes for one.
pub(super) fn check_name(name: &str) -> Outcome<()> {
    let refuse = |problem: &str| {
        let message = format!("{name:?} is no name of a profile: {problem}");
        Err(Failure::usage(message).hint("letters, digits and any of _ - / . % @ : + are safe"))
    };
    if let Err(error) = crate::model::identifier::check(name) {
        return refuse(&error.to_string());
    }
    if name.contains(['[', ']', '#', ';', '\'', '"', '\\']) {
        return refuse("programs that read the file would not agree on it");
    }
    if name.trim() != name {
        return refuse("it begins or ends with a blank");
    }
    Ok(())
}

/// The command of ours that asks for a session from anywhere.
pub(super) fn command_for(context: &Context, session: Uuid) -> Outcome<(Bound, String)> {
    let program = process::path_as_started().and_then(|path| std::path::absolute(path).ok());
    let program = program.ok_or_else(|| {
        Failure::new(Kind::Failed, "the path of this program is not known")
            .hint("call it by its path")
    })?;
    let bound = Bound { program, home: home_to_name(context), session };
    let command = bound.command().map_err(|error| {
        Failure::usage(error.to_string()).hint("give leapp another place, and call it there")
    })?;
    Ok((bound, command))
}

/// Where both files are.
pub(super) struct Paths {
    pub(super) config: PathBuf,
    pub(super) credentials: PathBuf,
}

impl Paths {
    pub(super) fn of(context: &Context) -> Outcome<Self> {
        let both = profile::config_path(context).zip(profile::credentials_path(context));
        let (config, credentials) =
            both.ok_or_else(|| Failure::new(Kind::Failed, "HOME is not set"))?;
        Ok(Self { config, credentials })
    }
}

/// A file's content; `None` where there is none.
pub(super) fn read(path: &std::path::Path) -> Outcome<Option<SecretBytes>> {
    let bytes = files::read_users(path, SIZE_LIMIT as u64);
    Ok(bytes.map_err(users_file::UsersFileError::from)?.map(SecretBytes::new))
}

/// Changes one of the files, and tells what was changed.
pub(super) fn change(
    path: &std::path::Path,
    mut edit: impl FnMut(Text<'_>) -> Outcome<Edit>,
) -> Outcome<Edit> {
    let mut done = Edit::default();
    users_file::replace(path, SIZE_LIMIT as u64, |bytes| -> Outcome<_> {
        let mut made = edit(Text { path, bytes })?;
        let bytes = made.bytes.take();
        done = made;
        Ok(bytes)
    })?;
    Ok(done)
}

/// The region of a session's own, by its id: what a binding writes.
pub(super) fn region_of(known: &Known) -> impl Fn(Uuid) -> Option<String> + '_ {
    |id| known.catalog.workspace.by_id(id)?.region.as_ref().map(ToString::to_string)
}

/// The name of a session, by its id.
pub(super) fn name_of(known: &Known) -> impl Fn(Uuid) -> Option<String> + '_ {
    |id| known.catalog.workspace.by_id(id).map(|session| session.name.to_string())
}

fn unbind(context: &Context, name: &str) -> Outcome<()> {
    let known = context.known();
    let path = Paths::of(context)?.config;
    let edit = change(&path, |text| Ok(stanza::unbind(text, name, &region_of(&known))?))
        .map_err(|failure| failure.doing(format!("cannot unbind profile '{name}'")))?;
    crate::activation::lease::revoke_all(&context.run);
    if context.ui.manner().json {
        return print_json(&json!({
            "profile": name, "file": path, "removed": edit.removed, "left": edit.left,
        }));
    }
    context.ui.say(&format!("profile '{name}' is bound no more, in '{}'", path.display()));
    if !edit.left.is_empty() {
        context.ui.say(&format!("it still has {}", edit.left.join(", ")));
    }
    context.ui.say("next: leapp profile list");
    Ok(())
}

fn list(context: &Context) -> Outcome<()> {
    let known = context.known();
    let all = look::bindings(context, &known);
    if context.ui.manner().json {
        return print_json(&all.iter().map(to_json).collect());
    }
    if all.is_empty() {
        context.ui.say("no profile is bound to a session");
        context.ui.say("next: leapp profile bind SESSION PROFILE");
        return Ok(());
    }
    let rows: Vec<Row> = all.iter().map(row).collect();
    print(&table::render(&["PROFILE", "SESSION", "FILE", "STATE"], &rows, context.ui.table_style()))
}

fn row(binding: &Binding) -> Row {
    let (state, emphasis) = match &binding.trouble {
        None => ("ok".to_owned(), Emphasis::Good),
        Some(trouble) => (trouble.text.clone(), Emphasis::Warning),
    };
    let session = binding.session.clone();
    let session = session.unwrap_or_else(|| format!("session:{}", binding.bound.session));
    Row {
        mark: "",
        cells: vec![binding.profile.clone(), session, binding.place.clone(), state],
        emphasis,
    }
}

fn to_json(binding: &Binding) -> Json {
    json!({
        "profile": binding.profile,
        "session": binding.session,
        "identifier": format!("session:{}", binding.bound.session),
        "place": binding.place,
        "program": binding.bound.program,
        "home": binding.bound.home,
        "problem": binding.trouble.as_ref().map(|trouble| &trouble.text),
    })
}

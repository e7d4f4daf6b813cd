//! `leapp pin`: writes a project file for this directory, and trusts it.

use std::{
    fs::Permissions,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{
    args::PinArgs,
    context::{Context, variable},
    failure::{Failure, Kind, Outcome},
    handout::refuse_of_environment,
    project::{guard, home_directory, home_node, shown},
    trust,
};
use crate::{
    access,
    activation::{
        Proposal,
        project::{self, NAMES},
        trust::Scope,
    },
    model::Session,
    system::{git_ignore, terminal::Terminal},
};

pub(super) fn run(context: &Context, args: &PinArgs) -> Outcome<()> {
    let known = context.known();
    let session = known.find_giving(&args.name)?;
    refuse_of_environment(&known.catalog, session)?;
    check_region(session, args)?;
    let file = target(args.local)?;
    let text = content(&file, session, args)?;
    let proposal = Proposal::of(&text).map_err(|error| not_ours(&file, error.to_string()))?;
    guard(&known.catalog, session, proposal.account(), proposal.azure()).map_err(|doubt| {
        let (message, hint) = doubt.explain(&proposal);
        Failure::new(Kind::Incomplete, format!("{}: {message}", shown(&file))).hint(hint)
    })?;
    let is_new = file.symlink_metadata().is_err();
    write(&file, &text)?;
    let found = project::at(file.clone(), home_node());
    let found = found.map_err(|refused| {
        // A file that can never count would only be mentioned in every shell below.
        if is_new {
            _ = std::fs::remove_file(&file);
        }
        trust::unusable(&refused)
    })?;
    if text != Proposal::write(&written_name(session), args.region.as_ref()) {
        // Lines that were there before are trusted with the rest.
        for line in text.lines() {
            context.ui.say(&format!("  | {line}"));
        }
    }
    let found = found.ok_or_else(|| Failure::new(Kind::Failed, "the file is gone again"))?;
    if args.local {
        name_ignore_line(context, &file);
    }
    if context.ui.manner().no_input || Terminal::open().is_err() {
        let written = shown(&file);
        let message = format!("{written} is written, and not trusted: there is no terminal here");
        return Err(Failure::new(Kind::NeedsAction, message).hint("on a terminal: leapp trust"));
    }
    let scope = if args.here { Scope::Here } else { Scope::Tree };
    trust::record(context, &known.catalog, session, &found, scope)?;
    let name = &session.name;
    let [personal, _] = NAMES;
    let nearer = file.with_file_name(personal);
    if !args.local && nearer.exists() {
        context.ui.note(&format!("{} stands beside it, and comes first", shown(&nearer)));
    }
    context.ui.say(&format!("'{name}' is pinned in {}, and trusted", shown(&file)));
    if session.protected {
        context.ui.say(&format!(
            "a directory does not switch a protected session on; here: leapp use {name}"
        ));
    } else {
        context.ui.say("it switches on here in every shell with the hook (leapp hook)");
    }
    Ok(())
}

/// The region must exist for the session before it is written down.
fn check_region(session: &Session, args: &PinArgs) -> Outcome<()> {
    let (Some(region), Some(factory)) = (&args.region, access::factory(&session.session_type))
    else {
        return Ok(());
    };
    let own = |_: &str| None;
    let flag = Some(region);
    let sources =
        access::RegionSources { flag, project: None, project_file: None, own: &own, default: None };
    factory.choose_region(session, &sources).map_err(|error| {
        Failure::usage(error.to_string()).hint("a region's name is like eu-west-1")
    })?;
    Ok(())
}

/// The file to write, canonical.
fn target(local: bool) -> Outcome<PathBuf> {
    let directory = std::env::current_dir().map_err(|error| {
        Failure::new(Kind::Failed, format!("the current directory cannot be used: {error}"))
            .hint("cd into an existing directory")
    })?;
    if directory.parent().is_none() || home_directory().as_deref() == Some(&directory) {
        let message = "a project file in your home or root directory would cover everything";
        return Err(Failure::usage(message).hint("cd into the project, then leapp pin NAME"));
    }
    let [personal, shared] = NAMES;
    Ok(directory.join(if local { personal } else { shared }))
}

/// What of the session stands in the file. A profile is written so that it is no session of anybody's
/// workspace, there and later.
fn written_name(session: &Session) -> String {
    if session.is_own() { session.name.to_string() } else { session.identifier().to_string() }
}

/// What the file will hold: a new one, or the present one with other values.
fn content(file: &Path, session: &Session, args: &PinArgs) -> Outcome<String> {
    let name = &written_name(session);
    let found = project::at(file.to_owned(), home_node());
    let Some(found) = found.map_err(|refused| trust::unusable(&refused))? else {
        return Ok(Proposal::write(name, args.region.as_ref()));
    };
    found.proposal().map_err(|error| not_ours(file, error.to_string()))?;
    let before = String::from_utf8_lossy(found.bytes()).into_owned();
    Proposal::edit(&before, name, args.region.as_ref())
        .ok_or_else(|| not_ours(file, "its form is not one that can be changed here".into()))
}

/// A file whose content pin does not change.
fn not_ours(file: &Path, problem: String) -> Failure {
    Failure::new(Kind::Failed, format!("{}: {problem}", shown(file)))
        .hint("mend it by hand, then leapp trust")
}

/// Writes the file whole or not at all; a new one gets the usual mode, an old one keeps its own.
fn write(file: &Path, text: &str) -> Outcome<()> {
    let failed = |error: std::io::Error| {
        Failure::new(Kind::Failed, format!("{} cannot be written: {error}", shown(file)))
    };
    let mode = std::fs::metadata(file).map_or(0o644, |meta| meta.permissions().mode() & 0o777);
    let directory = file.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::Builder::new()
        .prefix(".leapp-writing-")
        .permissions(Permissions::from_mode(mode & 0o755))
        .tempfile_in(directory)
        .map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(file).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A personal file does not belong into a repository.
fn name_ignore_line(context: &Context, file: &Path) {
    let [name, _] = NAMES;
    let directory = file.parent().unwrap_or(file);
    let Some(repository) = directory.ancestors().find(|path| path.join(".git").exists()) else {
        return;
    };
    let (home, config) = (home_directory(), variable("XDG_CONFIG_HOME").map(PathBuf::from));
    let user = git_ignore::User { home: home.as_deref(), config: config.as_deref() };
    if !git_ignore::is_ignored(repository, file, user) {
        let ignore = shown(&repository.join(".gitignore"));
        context.ui.say(&format!("git does not ignore it; add this line to {ignore}:  {name}"));
    }
}

//! `leapp trust`, `untrust` and `deny`: what a person says of a project file.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{
    args::{FileArgs, TrustArgs},
    context::Context,
    failure::{Failure, Kind, Outcome},
    handout::refuse_of_environment,
    known::Known,
    print, print_json,
    project::{guard, home_node, shown, store},
};
use crate::{
    access,
    activation::{
        self, Found, Proposal, Refused, lease,
        project::{self, NAMES},
        trust::{Bound, Record, Scope},
    },
    model::{Catalog, Session, Timestamp},
    output::table::visible,
    system::{clock, directory, terminal::Echo},
};

pub(super) fn run(context: &Context, args: &TrustArgs) -> Outcome<()> {
    if args.list {
        return list(context);
    }
    if args.prune {
        return prune(context);
    }
    let found = found(args.path.as_deref())?;
    let proposal = found.proposal().map_err(|error| {
        Failure::new(Kind::Failed, format!("{}: {error}", shown(&found.place().file)))
            .hint("the keys are: session, region, azure, account")
    })?;
    let known = context.known();
    let session = meant(&known, &proposal)?;
    refuse_of_environment(&known.catalog, session)?;
    check(&known.catalog, session, &proposal, &found)?;
    confirm(context, session, &proposal, &found)?;
    let scope = if args.here { Scope::Here } else { Scope::Tree };
    record(context, &known.catalog, session, &found, scope)?;
    let (file, name) = (shown(&found.place().file), &session.name);
    context.ui.say(&format!("{file} is trusted to switch '{name}' on; 'leapp untrust' ends that"));
    Ok(())
}

/// Binds a file to a session and keeps the record.
pub(super) fn record(
    context: &Context,
    catalog: &Catalog,
    session: &Session,
    found: &Found,
    scope: Scope,
) -> Outcome<()> {
    let fingerprint = activation::fingerprint(catalog, session).map_err(|error| {
        Failure::new(Kind::Incomplete, error.to_string())
            .hint(format!("leapp explain {}", session.name.word()))
    })?;
    prepare(context)?;
    let bound = Bound::new(found, session.identifier(), fingerprint, scope);
    store(context).trust(&found.place().file, now(), bound)?;
    lease::revoke_all(&context.run);
    Ok(())
}

pub(super) fn untrust(context: &Context, args: &FileArgs) -> Outcome<()> {
    let file = file_of(args.path.as_deref())?;
    let denied = store(context).record(&file).ok().flatten().is_some_and(|r| r.bound().is_none());
    let was = store(context).forget(&file)?;
    lease::revoke_all(&context.run);
    let word = match (was, denied) {
        (true, true) => "is not denied any more",
        (true, false) => "is not trusted any more",
        (false, _) => "was not trusted",
    };
    context.ui.say(&format!("{} {word}", shown(&file)));
    Ok(())
}

pub(super) fn deny(context: &Context, args: &FileArgs) -> Outcome<()> {
    let file = file_of(args.path.as_deref())?;
    prepare(context)?;
    store(context).deny(&file, now())?;
    lease::revoke_all(&context.run);
    let file = shown(&file);
    context.ui.say(&format!("{file} is denied: never used, never mentioned; to undo: leapp trust"));
    Ok(())
}

/// Forgets every record of a session that is removed.
pub(super) fn forget_session(context: &Context, session: &Session) -> Outcome<()> {
    let store = store(context);
    let identity = session.identifier();
    for record in store.list() {
        if record.bound().is_some_and(|bound| bound.identity == identity) {
            store.forget(&record.path())?;
        }
    }
    Ok(())
}

/// The failure of a project file that cannot be used.
pub(super) fn unusable(refused: &Refused) -> Failure {
    let file = shown(&refused.place.file);
    let hint = match refused.problem.as_str() {
        "everybody can write it" | "its group can write it" => format!("chmod go-w '{file}'"),
        text if text.ends_with("can write its directory") => {
            use std::os::unix::fs::MetadataExt;
            let directory = std::fs::metadata(refused.place.directory());
            // What everybody uses, such as /tmp, is not the user's to narrow.
            if directory.is_ok_and(|directory| directory.mode() & 0o1000 != 0) {
                let hint = "cd into a directory of your own, then leapp pin NAME";
                return Failure::new(
                    Kind::Failed,
                    format!("{file} cannot be used: {}", refused.problem),
                )
                .hint(hint);
            }
            format!("chmod go-w '{}'", shown(refused.place.directory()))
        }
        _ => "a project file is a plain file of your own, of 4 KiB at most".to_owned(),
    };
    Failure::new(Kind::Failed, format!("{file} cannot be used: {}", refused.problem)).hint(hint)
}

/// The home directory of ours, made if need be.
fn prepare(context: &Context) -> Outcome<()> {
    context.home.refuse_inside_git(super::context::variable("LEAPP_HOME").is_some())?;
    directory::ensure(context.home.path())?;
    Ok(())
}

fn now() -> String {
    Timestamp(clock::now()).rfc3339()
}

/// The project file that a path or the current directory means.
fn found(path: Option<&Path>) -> Outcome<Found> {
    let file = file_of(path)?;
    let found = project::at(file.clone(), home_node());
    let found = found.map_err(|refused| unusable(&refused))?;
    found.ok_or_else(|| nothing_at(&file))
}

/// The canonical path of that file, whether it is there or not.
fn file_of(path: Option<&Path>) -> Outcome<PathBuf> {
    let Some(path) = path else { return governing() };
    let is_file = path.file_name().is_some_and(|name| NAMES.iter().any(|known| name == *known));
    let directory = if is_file { path.parent().unwrap_or(path) } else { path };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let canonical = std::fs::canonicalize(directory).map_err(|error| {
        Failure::usage(format!("'{}' cannot be read: {error}", directory.display()))
            .hint("leapp trust --list shows what is known; --prune forgets what is gone")
    })?;
    if let Some(name) = path.file_name().filter(|_| is_file) {
        return Ok(canonical.join(name));
    }
    let there = NAMES.iter().map(|name| canonical.join(name)).find(|file| file.exists());
    there.ok_or_else(|| nothing_at(&canonical))
}

fn governing() -> Outcome<PathBuf> {
    let nothing = || {
        Failure::new(Kind::Incomplete, "no project file governs this directory")
            .hint("leapp pin NAME makes one")
    };
    let from = std::env::current_dir().map_err(|_| nothing())?;
    match project::find(&from, home_node()) {
        Ok(Some(found)) => Ok(found.place().file.clone()),
        Ok(None) => Err(nothing()),
        Err(refused) => Ok(refused.place.file),
    }
}

fn nothing_at(path: &Path) -> Failure {
    Failure::new(Kind::Incomplete, format!("there is no project file in {}", shown(path)))
        .hint("leapp pin NAME makes one in the current directory")
}

fn meant<'a>(known: &'a Known, proposal: &Proposal) -> Outcome<&'a Session> {
    known.find_giving(&proposal.session().text()).map_err(|failure| match failure.hint {
        Some(_) => failure,
        None => failure.hint("leapp list; then leapp pin NAME"),
    })
}

fn check(catalog: &Catalog, session: &Session, proposal: &Proposal, found: &Found) -> Outcome<()> {
    let checked = guard(catalog, session, proposal.account(), proposal.azure());
    checked.map_err(|doubt| {
        let (message, hint) = doubt.explain(proposal);
        Failure::new(Kind::Incomplete, format!("{}: {message}", shown(&found.place().file)))
            .hint(hint)
    })
}

/// Shows what is to be trusted, on the terminal, and asks.
fn confirm(
    context: &Context,
    session: &Session,
    proposal: &Proposal,
    found: &Found,
) -> Outcome<()> {
    if !context.ui.can_ask() {
        return Err(Failure::new(Kind::NeedsAction, "trust is given on a terminal only")
            .hint("type it yourself: leapp trust"));
    }
    for line in description(context, session, proposal, found) {
        context.ui.show(&line);
    }
    let (prompt, wanted): (String, &[&str]) = if session.protected {
        let name = session.name.as_str();
        (format!("'{name}' is protected. Type its name to trust the file: "), &[name])
    } else {
        ("Trust it? [y/N] ".to_owned(), &["y", "Y", "yes", "Yes"])
    };
    let typed = context.ui.ask_afresh(&prompt, Echo::On)?;
    if wanted.contains(&typed.expose().trim()) {
        return Ok(());
    }
    Err(Failure::new(Kind::Cancelled, "nothing was trusted"))
}

fn description(
    context: &Context,
    session: &Session,
    proposal: &Proposal,
    found: &Found,
) -> Vec<String> {
    let summary = access::factory(&session.session_type).map(|f| f.summary(session));
    let summary = summary.unwrap_or_default();
    let account = summary.account.map_or_else(String::new, |id| format!(", account {id}"));
    let role = summary.role.map_or_else(String::new, |role| format!(", role {role}"));
    let mut lines = vec![
        format!("file     {}", found.place().file.display()),
        format!("session  {}{account}{role}", session.name),
    ];
    lines.extend(proposal.region().map(|region| format!("region   {region}")));
    let old = store(context).record(&found.place().file).ok().flatten();
    if let Some(old) = old.as_ref().and_then(Record::bound) {
        let (old, new) = (old.bytes(), found.bytes().to_vec());
        lines.extend(changed(&old, &new));
    } else {
        lines.extend(text_lines(found.bytes()).into_iter().map(|line| format!("  | {line}")));
    }
    lines.push("Whatever runs below that directory can then use the session.".to_owned());
    lines
}

/// Old lines and new ones, where they differ.
fn changed(old: &[u8], new: &[u8]) -> Vec<String> {
    let (old, new) = (text_lines(old), text_lines(new));
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("  - {line}"));
    let came = new.iter().filter(|line| !old.contains(line)).map(|line| format!("  + {line}"));
    gone.chain(came).collect()
}

fn text_lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

/// What became of a record's file.
pub(super) fn state_of(context: &Context, record: &Record) -> &'static str {
    let file = record.path();
    let Some(bound) = record.bound() else { return "denied" };
    match project::at(file, home_node()) {
        Ok(None) => "gone",
        Err(_) => "unusable",
        Ok(Some(found)) => match store(context).judge(found) {
            Ok(activation::Judgement::Trusted(_)) if bound.scope == Scope::Here => "trusted here",
            Ok(activation::Judgement::Trusted(_)) => "trusted",
            Ok(activation::Judgement::Untrusted(activation::trust::Why::OtherDirectory)) => {
                "another directory"
            }
            _ => "changed",
        },
    }
}

fn list(context: &Context) -> Outcome<()> {
    let records = store(context).list();
    let known = context.known();
    let name = |record: &Record| {
        let session = known.catalog.by_identifier(&record.bound()?.identity)?;
        Some(session.name.to_string())
    };
    if context.ui.manner().json {
        let rows = records.iter().map(|record| {
            json!({
                "file": record.path().display().to_string(),
                "state": state_of(context, record),
                "session": name(record),
                "identifier": record.bound().map(|bound| bound.identity.to_string()),
                "created": record.created(),
            })
        });
        return print_json(&rows.collect());
    }
    if records.is_empty() {
        context.ui.say("nothing is trusted; leapp pin NAME or leapp trust, in a project");
    }
    let mut text = String::new();
    for record in &records {
        let session = name(record).unwrap_or_else(|| "-".into());
        let file = visible(&shown(&record.path()));
        text.push_str(&format!("{:18} {session:20} {file}\n", state_of(context, record)));
    }
    print(&text)
}

fn prune(context: &Context) -> Outcome<()> {
    let store = store(context);
    let mut forgotten = 0;
    for record in store.list() {
        let state = state_of(context, &record);
        let is_denied_and_gone = state == "denied" && !record.path().exists();
        if matches!(state, "gone" | "another directory") || is_denied_and_gone {
            store.forget(&record.path())?;
            context.ui.say(&format!("forgot {}", shown(&record.path())));
            forgotten += 1;
        }
    }
    if forgotten == 0 {
        context.ui.say("every record's file is still there");
    }
    Ok(())
}

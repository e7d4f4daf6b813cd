//! From a name to an answer: warm out of the cache, else through workspace and manager.

use super::{
    args::Selection,
    context::{self, Context},
    failure::{Failure, Kind, Outcome},
    known::Known,
    project,
};
use crate::{
    access::{self, Outcome as Given, RegionSources},
    cloud::endpoint,
    envdelta::{EnvDelta, Kind as StateKind, Managed, State, Value},
    model::{Catalog, CredentialIdentifier, Credentials, RegionName, Session, Timestamp},
    resolver::{
        Cache, CredentialManager, Entry, Resolved, Want,
        answer::{Answer, Question},
        audit, marks,
    },
    system::input,
    ui::{Choice, pick},
};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    /// The subcommand: part of the cache's key, and of the audit log.
    pub(super) form: &'static str,
    /// The name as it was typed.
    pub(super) name: Option<String>,
    /// Region, lifetime and the like.
    pub(super) selection: Selection,
    /// How the credentials come into an environment.
    pub(super) kind: StateKind,
    /// Whether a person asked for the session by its name.
    pub(super) by_hand: bool,
    /// Whether this is the second half of a hand-out that was told and recorded already.
    pub(super) again: bool,
}

/// The regions that were said, strongest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Regions {
    /// On the command line.
    pub(super) flag: Option<RegionName>,
    /// By the trusted project file that governs the current directory.
    pub(super) project: Option<RegionName>,
}

impl Asked {
    /// The regions that count here. A program that an SDK runs works anywhere, and its directory
    /// means nothing.
    fn regions(&self, context: &Context) -> Regions {
        let flag = self.selection.region.clone();
        let counts = flag.is_none() && self.form != CREDENTIAL_PROCESS;
        let project = counts.then(|| project::trusted_here(context)).flatten();
        Regions { flag, project: project.and_then(|trusted| trusted.region().cloned()) }
    }
}

/// The form that programs ask for.
pub(super) const CREDENTIAL_PROCESS: &str = "credential-process";

/// Hands a session out: the one way for `env`, `exec` and `credential-process`.
pub(super) fn hand_out(context: &Context, asked: &Asked) -> Outcome<Answer> {
    if asked.again {
        context.ui.be_quiet();
    }
    if let Some(answer) = warm(context, asked) {
        context.ui.debug("a complete answer was in the cache");
        for note in &answer.notes {
            context.ui.note(note);
        }
        record(context, asked, &answer);
        return Ok(answer);
    }
    cold(context, asked)
}

/// The complete answer out of the cache: a kernel key, one sealed file, a few stamps.
fn warm(context: &Context, asked: &Asked) -> Option<Answer> {
    let name = asked.name.as_deref()?;
    if context::is_cache_off() {
        return None;
    }
    let cache = Cache::find(&context.run, &context.home.tag()).ok()??;
    let min_ttl = asked.selection.min_ttl.unwrap_or(0);
    // What was handed out a moment ago is not renewed in between.
    Answer::find(&cache, &key(context, asked, name), min_ttl, !asked.again)
}

fn cold(context: &Context, asked: &Asked) -> Outcome<Answer> {
    context.ui.give_code(mfa_code(asked.selection.mfa_code.as_deref())?);
    let known = context.known();
    let session = match &asked.name {
        Some(name) => known.find(name)?,
        None => chosen(context, &known)?,
    };
    confirm(context, session)?;
    if asked.by_hand {
        marks::unstop(&context.run, session.id);
    }
    audit::rotate(&context.home.audit());
    context.ui.debug(&format!("session {} '{}'", session.id, session.name));
    let answer = make(context, asked, &known, session)?;
    record(context, asked, &answer);
    Ok(answer)
}

/// Makes the answer and keeps it.
fn make(context: &Context, asked: &Asked, known: &Known, session: &Session) -> Outcome<Answer> {
    let catalog = &known.catalog;
    let choice = region(context, catalog, session, &asked.regions(context))?;
    let mut files = known.files.clone();
    files.extend(Answer::stamps(choice.files.clone()));
    let manager = context.manager(catalog, context.cache(false))?;
    let resolved = resolve(&manager, session, &asked.selection)?;
    let (left, region_source) = (resolved.clocked.left(), &choice.source);
    context.ui.debug(&format!("{left} s left; region {} ({region_source})", choice.region));
    files.extend(Answer::stamps(resolved.kept.clone()));
    let mut notes = choice.notes;
    notes.extend(foreign_endpoint(context));
    for note in &notes {
        context.ui.note(note);
    }
    let whole = Whole {
        kind: asked.kind,
        session,
        credentials: &resolved.credentials,
        local_expiry: resolved.clocked.local_expiry(),
        region: &choice.region,
        root: &[],
    };
    let delta = delta(context, &whole)?;
    let kept = resolved.kept.is_some();
    let Resolved { credentials, clocked, .. } = resolved;
    let entry = Entry { session: session.id, credentials, clocked };
    let (name, identity) = (session.name.to_string(), session.identifier().to_string());
    let answer = Answer { session: name, identity, entry, delta, notes, files };
    // A protected session is asked for anew each time, so its answer is never a finished one.
    // So is one that is of the environment: the name does not tell which keys were meant.
    let of_environment = catalog.chain(session).is_ok_and(|chain| {
        let factories = chain.iter().filter_map(|hop| access::factory(&hop.session_type));
        factories.into_iter().any(access::CredentialProviderFactory::is_of_environment)
    });
    if let (Some(cache), Some(name)) = (manager.cache().filter(|_| kept), &asked.name)
        && !session.protected
        && !of_environment
    {
        answer.keep(cache, &key(context, asked, name));
    }
    Ok(answer)
}

/// Resolves and says, on failure, what was being done.
pub(super) fn resolve(
    manager: &CredentialManager<'_>,
    session: &Session,
    selection: &Selection,
) -> Outcome<Resolved> {
    let want = Want { duration: selection.duration, min_ttl: selection.min_ttl, fresh: false };
    resolve_as(manager, session, want)
}

/// The same, for who wants it in another way.
pub(super) fn resolve_as(
    manager: &CredentialManager<'_>,
    session: &Session,
    want: Want,
) -> Outcome<Resolved> {
    if let (Some(seconds), Some(factory)) = (want.duration, access::factory(&session.session_type))
    {
        let checked = factory.check_duration(seconds);
        checked.map_err(|problem| Failure::usage(format!("--duration: {problem}")))?;
    }
    manager.resolve(session, want).map_err(|error| explain(error.into(), session))
}

/// Adds what was being done, and the command that helps.
pub(super) fn explain(failure: Failure, session: &Session) -> Failure {
    let name = &session.name;
    let role = access::factory(&session.session_type).and_then(|f| f.summary(session).role);
    let what = match role {
        Some(role) => format!("cannot assume role '{role}' for session '{name}'"),
        None => format!("cannot start session '{name}'"),
    };
    let failure = failure.doing(what);
    let hint = match failure.kind {
        Kind::NeedsAction => format!("on a terminal: leapp start {name}"),
        Kind::Invalid => format!("leapp session show {name}"),
        _ => return failure,
    };
    if failure.hint.is_some() { failure } else { failure.hint(hint) }
}

/// `--mfa-code`, or the first line of stdin for `-`.
pub(super) fn mfa_code(given: Option<&str>) -> Outcome<Option<String>> {
    let text = match given {
        None => return Ok(None),
        Some("-") => input::line(64).unwrap_or_default(),
        Some(text) => text.to_owned(),
    };
    let code: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Some(code));
    }
    let message = format!("--mfa-code: {:?} is no code of six digits", text.trim_end());
    Err(Failure::usage(message))
}

/// The region of a session, with the user's own variables.
pub(super) fn region(
    context: &Context,
    catalog: &Catalog,
    session: &Session,
    said: &Regions,
) -> Outcome<access::RegionChoice> {
    let flag = said.flag.as_ref();
    let factory = factory_of(session)?;
    let own = |name: &str| context.own_text(name);
    let default = catalog.workspace.default_region.as_ref();
    let project = said.project.as_ref();
    let sources = RegionSources { flag, project, own: &own, default };
    factory.choose_region(session, &sources).map_err(|error| {
        let kind = if flag.is_some() { Kind::Usage } else { Kind::Incomplete };
        let hint = if flag.is_some() {
            "a region's name is like eu-west-1".to_owned()
        } else {
            format!("leapp session edit {} --region REGION", session.name)
        };
        Failure::new(kind, error.to_string()).hint(hint)
    })
}

pub(super) fn factory_of(
    session: &Session,
) -> Outcome<&'static dyn access::CredentialProviderFactory> {
    access::factory(&session.session_type).ok_or_else(|| {
        let (name, id) = (&session.name, &session.session_type);
        let message = format!("session '{name}' is of type '{id}', which this leapp does not know");
        Failure::new(Kind::Incomplete, message).hint("install a newer leapp")
    })
}

/// The session where none was named: the project's, or one that a person picks.
fn chosen<'a>(context: &Context, known: &'a Known) -> Outcome<&'a Session> {
    match project::session_here(context, known)? {
        Some(session) => Ok(session),
        None => choose(context, known),
    }
}

/// Lets a person pick a session where none was named: recently used ones first.
///
/// Where nobody can pick, a valid `[default]` of the shared files is taken, and that is said.
pub(super) fn choose<'a>(context: &Context, known: &'a Known) -> Outcome<&'a Session> {
    let mut sorted = known.choices();
    let is_empty = sorted.is_empty();
    let nothing = || {
        let hint = if is_empty { "add one: leapp session add" } else { "name one of 'leapp list'" };
        Failure::new(Kind::Incomplete, "no session was named").hint(hint)
    };
    let may_pick = crate::system::terminal::stdin_is_terminal() && context.ui.can_ask();
    if is_empty || !may_pick {
        let id = CredentialIdentifier::Profile("default".to_owned());
        let default = known.catalog.by_identifier(&id).ok_or_else(|| match known.readable() {
            Err(failure) => failure,
            Ok(()) => nothing(),
        })?;
        context.ui.note(&format!("no session was named: '{}' is taken", default.identifier()));
        return Ok(default);
    }
    known.readable()?;
    let recent = audit::recent(&context.home.audit());
    sorted.sort_by(|a, b| {
        let used = |s: &Session| recent.get(&s.identifier()).cloned();
        used(b).cmp(&used(a)).then_with(|| a.name.cmp(&b.name))
    });
    let items: Vec<String> = sorted.iter().map(|session| item(session)).collect();
    match pick("Session", &items) {
        Choice::Picked(at) => sorted.get(at).copied().ok_or_else(nothing),
        Choice::Cancelled => Err(Failure::cancelled()),
        Choice::Unavailable => Err(nothing()),
    }
}

fn item(session: &Session) -> String {
    let summary = access::factory(&session.session_type).map(|f| f.summary(session));
    let summary = summary.unwrap_or_default();
    let parts = [Some(session.name.to_string()), summary.account, summary.role];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// A protected session is handed out only to a person who names it, once an hour a terminal.
pub(super) fn confirm(context: &Context, session: &Session) -> Outcome<()> {
    if !session.protected {
        return Ok(());
    }
    let name = session.name.as_str();
    let refuse = |why: &str| {
        Failure::new(Kind::NeedsAction, format!("session '{name}' is protected, and {why}"))
            .hint("on a terminal its name is asked for, and typed in full")
    };
    let terminal = crate::system::terminal::identity().unwrap_or_default();
    if !context.may_unlock || !context.ui.can_ask() || terminal.is_empty() {
        return Err(refuse("there is no terminal to confirm it on"));
    }
    if marks::is_named(&context.run, session.id, &terminal) {
        return Ok(());
    }
    let prompt = format!("'{name}' is protected. Type its name to go on: ");
    let typed = context.ui.ask(&prompt, crate::system::terminal::Echo::On)?;
    if typed.expose().trim() != name {
        return Err(refuse("its name was not typed"));
    }
    marks::name(&context.run, session.id, &terminal);
    Ok(())
}

/// All that a change of the environment is made of.
pub(super) struct Whole<'a> {
    pub(super) kind: StateKind,
    pub(super) session: &'a Session,
    pub(super) credentials: &'a Credentials,
    pub(super) local_expiry: Timestamp,
    pub(super) region: &'a RegionName,
    /// The directory that switches it on.
    pub(super) root: &'a [u8],
}

pub(super) fn delta(context: &Context, whole: &Whole<'_>) -> Outcome<EnvDelta> {
    let Whole { session, credentials, region, local_expiry, .. } = *whole;
    let factory = factory_of(session)?;
    let managed: &Managed = factory.managed();
    let given = Given { session, credentials, region, local_expiry };
    let mut values = factory.environment(&given);
    let key = values.iter().find(|(name, _)| *name == managed.key);
    let key = key.map(|(_, value)| value.expose().to_owned()).unwrap_or_default();
    let sets = |name: &str| values.iter().any(|(set, _)| *set == name);
    let state = State {
        kind: whole.kind,
        identities: vec![session.identifier().to_string()],
        expiry: u64::try_from(local_expiry.0).unwrap_or(0),
        access_key_id: key,
        root: whole.root.to_vec(),
        originals: context.before.originals(sets),
    };
    let internal = |error: &dyn std::error::Error| {
        Failure::new(Kind::Failed, error.to_string())
            .doing(format!("cannot describe session '{}' to a program", session.name))
    };
    let state = state.format().map_err(|error| internal(&error))?;
    values.push(("LEAPP_SESSION", Value::Public(session.name.to_string())));
    values.push(("LEAPP_STATE", Value::Public(state)));
    EnvDelta::session(managed, values, &context.before).map_err(|error| internal(&error))
}

/// An endpoint of the user's that is not this machine's own reaches the program too: that is said.
fn foreign_endpoint(context: &Context) -> Option<String> {
    let url = context.own_text("AWS_ENDPOINT_URL").filter(|url| !url.is_empty())?;
    (!endpoint::is_loopback(&url)).then(|| {
        format!("AWS_ENDPOINT_URL={url} stays: AWS programs will send their requests there")
    })
}

fn key(context: &Context, asked: &Asked, name: &str) -> String {
    use std::os::unix::ffi::OsStringExt;
    let regions = asked.regions(context);
    let question = Question {
        form: asked.form,
        name,
        region: regions.flag.as_ref().map(RegionName::as_str),
        project: regions.project.as_ref().map(RegionName::as_str),
        duration: asked.selection.duration,
    };
    question.key(&|name| context.own(name).map(OsStringExt::into_vec))
}

fn record(context: &Context, asked: &Asked, answer: &Answer) {
    if asked.again {
        return;
    }
    let expires = answer.clocked().local_expiry();
    audit::append(&context.home.audit(), &answer.identity, asked.form, expires);
}

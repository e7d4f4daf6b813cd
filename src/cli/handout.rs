//! From a name to an answer: warm out of the cache, else through workspace and manager.

use std::path::PathBuf;

use super::{
    args::Selection,
    context::{self, Context},
    failure::{Failure, Kind, Outcome},
    known::Known,
    project::{self, Here},
    trust,
};
use crate::{
    access::{self, AccessError, Outcome as Given, RegionSources, source},
    activation::Trusted,
    cloud::endpoint,
    envdelta::{EnvDelta, Kind as StateKind, Managed, State, Value},
    model::{
        Catalog, CredentialIdentifier, Credentials, RegionName, Session, Timestamp,
        catalog::ChainError,
    },
    resolver::{
        Cache, CredentialManager, Entry, ResolveError, Resolved, Want,
        answer::{Answer, Question},
        audit::{self, Recent},
        marks,
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
    /// That file.
    pub(super) project_file: Option<PathBuf>,
}

impl Regions {
    /// What a trusted project file says, and nothing stronger.
    pub(super) fn of_project(trusted: &Trusted) -> Self {
        let project_file = Some(trusted.place().file.clone());
        Self { flag: None, project: trusted.region().cloned(), project_file }
    }
}

impl Asked {
    /// The regions that count here. A program that an SDK runs works anywhere, and its directory
    /// means nothing.
    fn regions(&self, context: &Context) -> Regions {
        let flag = self.selection.region.clone();
        let counts = flag.is_none() && self.form != CREDENTIAL_PROCESS;
        let project = counts.then(|| project::trusted_here(context)).flatten();
        let project = project.as_deref().map(Regions::of_project);
        Regions { flag, ..project.unwrap_or_default() }
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
    let known = context.known_for(asked.name.as_deref())?;
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
    let whole = Whole {
        kind: asked.kind,
        session,
        credentials: &resolved.credentials,
        local_expiry: resolved.clocked.local_expiry(),
        region: &choice.region,
        root: &[],
    };
    let delta = delta(context, &whole)?;
    let mut notes = choice.notes;
    notes.extend(foreign_endpoint(context, &delta));
    for note in &notes {
        context.ui.note(note);
    }
    let kept = resolved.kept.is_some();
    let Resolved { credentials, clocked, .. } = resolved;
    let entry = Entry { session: session.id, credentials, clocked };
    let (name, identity) = (session.name.to_string(), session.identifier().to_string());
    let answer = Answer { session: name, identity, entry, delta, notes, files };
    // A protected session is asked for anew each time, so its answer is never a finished one.
    if let (Some(cache), Some(name)) = (manager.cache().filter(|_| kept), &asked.name)
        && !session.protected
        // So is one that is of the environment: the name does not tell which keys were meant.
        && !is_of_environment(catalog, session)
    {
        answer.keep(cache, &key(context, asked, name));
    }
    Ok(answer)
}

/// Whether a session stands upon keys of this very environment.
pub(super) fn is_of_environment(catalog: &Catalog, session: &Session) -> bool {
    catalog.chain(session).is_ok_and(|chain| {
        let mut factories = chain.iter().filter_map(|hop| access::factory(&hop.session_type));
        factories.any(access::CredentialProviderFactory::is_of_environment)
    })
}

/// Refuses a directory what is of one shell's environment alone: in another shell it would be another
/// account, and in this one it is gone once a session is on.
pub(super) fn refuse_of_environment(catalog: &Catalog, session: &Session) -> Outcome<()> {
    let of_shell = |hop: &&Session| {
        matches!(
            hop.source,
            Some(
                CredentialIdentifier::Container
                    | CredentialIdentifier::Environment
                    | CredentialIdentifier::Instance
            )
        )
    };
    let chain = catalog.chain(session).unwrap_or_default();
    let Some(hop) = chain.into_iter().find(of_shell) else { return Ok(()) };
    let (name, hop) = (&session.name, &hop.name);
    let message =
        format!("'{name}' stands upon '{hop}', which is of this machine or this shell alone");
    Err(Failure::new(Kind::Incomplete, message).hint(format!(
        "a directory cannot switch it on; for one program: leapp exec {}",
        name.word()
    )))
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
    let resolved = manager.resolve(session, want);
    resolved.map_err(|error| explain(failure_of(error, manager, session), session))
}

/// The failure in words that fit where the session comes from: a profile has settings and no flags.
fn failure_of(error: ResolveError, manager: &CredentialManager<'_>, session: &Session) -> Failure {
    match &error {
        ResolveError::Access(AccessError::Field(field)) if !session.is_own() => {
            let problem = &field.problem;
            let text = match field.flag.as_str() {
                "name" => problem.clone(),
                flag => format!("{}: {problem}", flag.replace('-', "_")),
            };
            Failure::new(Kind::Incomplete, text)
        }
        ResolveError::Chain(ChainError::MissingParent { id, .. }) => {
            let why = source::of(id).map(|source| source.why_absent(manager.place()));
            let failure = Failure::from(error);
            let failure = if session.is_own() { failure } else { failure.hint("leapp list") };
            match why {
                Some(why) => failure.because(why),
                None => failure,
            }
        }
        ResolveError::Chain(_) if !session.is_own() => Failure::from(error).hint("leapp list"),
        _ => error.into(),
    }
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
        Kind::NeedsAction => format!("on a terminal: leapp start {}", name.word()),
        Kind::Invalid => format!("leapp explain {}", name.word()),
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
    let project_file = said.project_file.as_deref();
    let sources = RegionSources { flag, project, project_file, own: &own, default };
    factory.choose_region(session, &sources).map_err(|error| {
        let kind = if flag.is_some() { Kind::Usage } else { Kind::Incomplete };
        let hint = if flag.is_some() {
            "a region's name is like eu-west-1".to_owned()
        } else if let (Some(_), Some(file)) = (project, project_file) {
            format!("change 'region' in '{}', or give --region", file.display())
        } else if !session.is_own() {
            let message = format!("'{}' has no region: {}", session.identifier(), error.problem);
            return Failure::new(kind, message)
                .hint("change 'region' in its file, or give --region");
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

/// Lets a person pick a session where none was named: those used here lately first.
///
/// Where nobody can pick, a valid `[default]` of the shared files is taken, and that is said.
pub(super) fn choose<'a>(context: &Context, known: &'a Known) -> Outcome<&'a Session> {
    let choices = known.choices();
    let is_empty = choices.is_empty();
    let nothing = || {
        let hint = if is_empty { "add one: leapp session add" } else { "name one of 'leapp list'" };
        Failure::new(Kind::Incomplete, "no session was named").hint(hint)
    };
    let may_pick = crate::system::terminal::stdin_is_terminal() && context.ui.can_ask();
    if is_empty || !may_pick {
        refuse_default(context)?;
        let id = CredentialIdentifier::Profile("default".to_owned());
        let default = known.catalog.by_identifier(&id).ok_or_else(|| match known.readable() {
            Err(failure) => failure,
            Ok(()) => nothing(),
        })?;
        context.ui.note(&format!("no session was named: '{}' is taken", default.identifier()));
        return Ok(default);
    }
    known.readable()?;
    let sorted = by_use(choices, &recent(context));
    let items: Vec<String> = sorted.iter().map(|session| item(session)).collect();
    match pick("Session", &items) {
        Choice::Picked(at) => sorted.get(at).copied().ok_or_else(nothing),
        Choice::Cancelled => Err(Failure::cancelled()),
        Choice::Unavailable => Err(nothing()),
    }
}

/// Where the directory or the shell says something else, `[default]` would be a guess.
fn refuse_default(context: &Context) -> Outcome<()> {
    match project::here(context) {
        Here::Refused(refused) => return Err(trust::unusable(&refused)),
        Here::Untrusted(place, ..) => {
            let file = project::shown(&place.file);
            let message = format!("no session was named, and {file} is not trusted to name one");
            return Err(Failure::new(Kind::NeedsAction, message).hint("leapp trust"));
        }
        Here::Denied(_) | Here::Elsewhere(_) | Here::Nothing | Here::Trusted(_) => {}
    }
    for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        let Some(name) = context.own_text(variable) else { continue };
        if !name.is_empty() && name != "default" {
            let message =
                format!("no session was named, and {variable}={name} is not taken for one");
            let word = crate::model::SessionName::foreign(&format!("profile:{name}"));
            let word = word.map(|name| name.word()).unwrap_or_default();
            return Err(Failure::new(Kind::Incomplete, message).hint(format!("name it: {word}")));
        }
    }
    Ok(())
}

/// What was used lately, here and anywhere.
pub(super) fn recent(context: &Context) -> Recent {
    let directory = std::env::current_dir().ok();
    Recent::read(&context.home.audit(), directory.as_deref())
}

/// Those used in this directory lately, then those used anywhere, then the others by name.
fn by_use<'a>(mut sessions: Vec<&'a Session>, recent: &Recent) -> Vec<&'a Session> {
    sessions.sort_by_cached_key(|session| {
        let id = session.identifier();
        let here = recent.identities_here.iter().position(|known| *known == id);
        let anywhere = recent.identities.get(&id).copied();
        let last = usize::MAX;
        let name = session.name.as_str().to_lowercase();
        (here.unwrap_or(last), anywhere.unwrap_or(last), name)
    });
    sessions
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
    // As everywhere: the user's own variable comes before a profile's setting.
    if context.own_text("AWS_ENDPOINT_URL").is_some_and(|own| !own.is_empty()) {
        values.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
    }
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

/// An endpoint that is not this machine's own reaches the program: that is said.
fn foreign_endpoint(context: &Context, delta: &EnvDelta) -> Option<String> {
    const NAME: &str = "AWS_ENDPOINT_URL";
    let set = delta.sets.iter().find(|(name, _)| name.as_str() == NAME);
    let (url, verb) = match set {
        Some((_, value)) => (value.expose().to_owned(), "comes with the profile"),
        None => (context.own_text(NAME).filter(|url| !url.is_empty())?, "stays"),
    };
    (!endpoint::is_loopback(&url))
        .then(|| format!("{NAME}={url} {verb}: AWS programs will send their requests there"))
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

/// Whether a complete answer would be found.
#[derive(Debug)]
pub(super) enum Warmth {
    /// There is one that holds.
    Warm,
    /// There is none.
    Without,
    /// There is one, but these files are not as they were.
    Stale(Vec<PathBuf>),
}

impl Warmth {
    /// For programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Stale(_) => "stale",
            Self::Warm => "warm",
            Self::Without => "none",
        }
    }

    /// The files that make it stale.
    pub(super) fn files(&self) -> Vec<String> {
        match self {
            Self::Stale(files) => files.iter().map(|file| file.display().to_string()).collect(),
            Self::Warm | Self::Without => Vec::new(),
        }
    }

    /// For people.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Stale(_) => {
                format!(
                    "the answer of 'env' is out of date: changed are {}",
                    self.files().join(", ")
                )
            }
            Self::Warm => "the answer of 'env' is complete there".into(),
            Self::Without => "there is no complete answer of 'env'".into(),
        }
    }
}

/// What `env NAME` would find.
pub(super) fn warmth(
    context: &Context,
    name: &str,
    region: Option<&RegionName>,
    duration: Option<u32>,
) -> Warmth {
    let selection = Selection { region: region.cloned(), duration, ..Selection::default() };
    let asked = Asked {
        form: "env",
        name: Some(name.to_owned()),
        selection,
        kind: StateKind::Env,
        by_hand: false,
        again: false,
    };
    let found = context
        .existing_cache()
        .and_then(|cache| Answer::read(&cache, &key(context, &asked, name)));
    match found.filter(|answer| answer.clocked().left() > answer.clocked().window()) {
        None => Warmth::Without,
        Some(answer) => match answer.changed() {
            changed if changed.is_empty() => Warmth::Warm,
            changed => Warmth::Stale(changed),
        },
    }
}

fn record(context: &Context, asked: &Asked, answer: &Answer) {
    if asked.again {
        return;
    }
    let handed = audit::HandedOut {
        identity: &answer.identity,
        command: asked.form,
        region: answer.delta.region(),
        directory: std::env::current_dir().ok(),
        expires: answer.clocked().local_expiry(),
    };
    audit::append(&context.home.audit(), &handed);
}

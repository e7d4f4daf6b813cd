//! `CredentialManager`: the only way to credentials.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

use super::{
    answer::Answer,
    cache::{Cache, Shelf},
    codes,
    entry::{Clocked, Entry},
    flight::{self, Entered, Flight, Wait},
    plan::Planned,
    told,
};
use crate::{
    access::{
        self, AccessError, CredentialProviderFactory, FieldError, Helpers, Hop, NoPrompt, Prompt,
        Request, Verified, source::Place,
    },
    cloud::ErrorKind,
    model::{Catalog, Credentials, Session, catalog::ChainError, duration},
    secret::Secret,
    system::hash,
    vault::VaultError,
};

/// Below this many seconds, credentials are not handed out in place of ones that cannot be had.
const LAST_MINUTE: i64 = 60;

/// What requests depend on besides the workspace.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Another address than the cloud's own, of STS.
    pub endpoint: Option<String>,
    /// Other addresses of the services for sign-ins.
    pub services: crate::cloud::endpoint::Services,
    /// `AWS_LOGIN_CACHE_DIRECTORY`, as the user has set it.
    pub login_cache: Option<String>,
    /// Files with further root certificates.
    pub ca_bundles: Vec<PathBuf>,
    /// The user's login name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// Where the user works who works in another partition than the usual one: keys say nothing of
    /// theirs, and are unknown everywhere else.
    pub partition_region: Option<crate::model::RegionName>,
}

/// Who helps the manager: asks, opens the vault, tells.
pub trait Helper {
    /// The surroundings.
    fn place(&self) -> &dyn Place;
    /// Who can be asked.
    fn prompt(&self) -> &dyn Prompt;
    /// The vault's item of a subject.
    fn secret(&self, subject: &str) -> Result<Option<Secret>, VaultError>;
    /// Tells what takes its time.
    fn waiting(&self, what: &str);
    /// Tells what the user should know.
    fn note(&self, what: &str);
    /// Is told that new credentials are in the cache.
    fn renewed(&self, session: uuid::Uuid);
}

/// What is wanted of the credentials.
#[derive(Clone, Copy, Debug, Default)]
pub struct Want {
    /// A lifetime instead of the session's own, in seconds.
    pub duration: Option<u32>,
    /// How many seconds must be left at least.
    pub min_ttl: Option<u32>,
    /// Whether what is in the cache does not count.
    pub fresh: bool,
}

/// Unexpired credentials.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The credentials.
    pub credentials: Credentials,
    /// When they end.
    pub clocked: Clocked,
    /// Where the cache keeps them; `None` when it does not.
    pub kept: Option<PathBuf>,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The session's type or its cloud failed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Another process is asking a person for these credentials.
    #[error("process {0} is asking for the answer that this session needs")]
    AskedElsewhere(u32),
    /// The chain of parents does not end well.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// What was asked for cannot be had.
    #[error("{wanted} left were asked for, but new credentials of '{session}' last {lifetime}")]
    TooShort {
        /// The session's name.
        session: String,
        /// `--min-ttl`, as text.
        wanted: String,
        /// What is left of new ones, as text.
        lifetime: String,
    },
    /// Another process took too long.
    #[error("process {0} has been fetching these credentials for too long")]
    TooSlow(u32),
    /// A session type of a newer program.
    #[error("session '{session}' is of type '{session_type}', which this program does not know")]
    UnknownType {
        /// The session's name.
        session: String,
        /// Its type.
        session_type: String,
    },
}

/// Every identifier, and the way from one to its credentials.
pub struct CredentialManager<'a> {
    catalog: &'a Catalog,
    run: PathBuf,
    cache: Option<Cache>,
    surroundings: Surroundings,
    helper: &'a dyn Helper,
    told: RefCell<Vec<String>>,
}

impl std::fmt::Debug for CredentialManager<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialManager").field("run", &self.run).finish_non_exhaustive()
    }
}

impl<'a> CredentialManager<'a> {
    /// A manager over all that is known. Without a cache every request is made anew.
    pub fn new(
        catalog: &'a Catalog,
        run: PathBuf,
        cache: Option<Cache>,
        surroundings: Surroundings,
        helper: &'a dyn Helper,
    ) -> Self {
        Self { catalog, run, cache, surroundings, helper, told: RefCell::default() }
    }

    /// The cache, if there is one.
    pub fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// The run-time directory.
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// Unexpired credentials of a session.
    pub fn resolve(&self, session: &Session, want: Want) -> Result<Resolved, ResolveError> {
        let hops = self.hops(session, want.duration)?;
        self.obtain(&hops, want, self.helper.prompt())
    }

    /// The cached credentials of a session, expired or not. Asks nobody and nothing.
    pub fn cached(&self, session: &Session) -> Result<Option<Entry>, ResolveError> {
        let hops = self.hops(session, None)?;
        Ok(self.read(&fingerprint(&hops)?))
    }

    /// The file that the cached credentials of a session are in, there or not.
    pub fn cached_file(&self, session: &Session) -> Result<Option<PathBuf>, ResolveError> {
        let name = fingerprint(&self.hops(session, None)?)?;
        Ok(self.cache.as_ref().map(|cache| cache.path(Shelf::Credentials, &name)))
    }

    /// Whether starting the session needs a person now.
    pub fn needs_person(&self, session: &Session) -> Result<bool, ResolveError> {
        let hops = self.hops(session, None)?;
        for at in 0..hops.len() {
            let rest = hops.get(at..).unwrap_or_default();
            let Some(hop) = rest.first() else { break };
            if self.read(&fingerprint(rest)?).is_some_and(|e| e.clocked.left() > LAST_MINUTE) {
                return Ok(false);
            }
            if hop.request()?.asks_person {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The surroundings.
    pub fn place(&self) -> &dyn Place {
        self.helper.place()
    }

    /// Whether new credentials of the session take a program that is not ours.
    pub fn runs_program(&self, session: &Session) -> bool {
        let hops = self.hops(session, None).unwrap_or_default();
        hops.iter().any(|link| link.factory.runs_program())
    }

    /// What a person must do elsewhere before the session can be started: a login of another tool.
    pub fn lacks(&self, session: &Session) -> Option<AccessError> {
        let hops = self.hops(session, None).ok()?;
        for at in 0..hops.len() {
            let rest = hops.get(at..).unwrap_or_default();
            let link = rest.first()?;
            let kept = fingerprint(rest).ok().and_then(|name| self.read(&name));
            if kept.is_some_and(|entry| entry.clocked.left() > LAST_MINUTE) {
                return None;
            }
            if let Some(lacking) = link.factory.lacks(link.hop.session, self.place()) {
                return Some(lacking);
            }
        }
        None
    }

    /// Whether replacing the session's credentials needs a person, although they are still good.
    pub fn needs_person_beyond(&self, session: &Session) -> Result<bool, ResolveError> {
        let hops = self.hops(session, None)?;
        match hops.split_first() {
            Some((link, _)) if link.request()?.asks_person => Ok(true),
            Some((_, parents)) => match parents.first() {
                Some(parent) => self.needs_person(parent.hop.session),
                None => Ok(false),
            },
            None => Ok(false),
        }
    }

    /// Whether a process is fetching credentials of the session right now.
    pub fn is_pending(&self, session: &Session) -> bool {
        let name = self.hops(session, None).and_then(|hops| fingerprint(&hops));
        name.is_ok_and(|name| flight::is_flying(&self.run, &name))
    }

    /// Forgets all cached credentials of the session. Returns those that were still good.
    pub fn forget(&self, session: &Session) -> Vec<Entry> {
        let Some(cache) = &self.cache else {
            return Vec::new();
        };
        let mut forgotten = Vec::new();
        for name in cache.names(Shelf::Credentials) {
            let entry = self.read(&name).filter(|entry| entry.session == session.id);
            if let Some(entry) = entry {
                cache.remove(Shelf::Credentials, &name);
                forgotten.push(entry);
            }
        }
        for name in cache.names(Shelf::Answers) {
            let answer = Answer::read(cache, &name);
            if answer.is_none_or(|answer| answer.entry.session == session.id) {
                cache.remove(Shelf::Answers, &name);
            }
        }
        forgotten.retain(|entry| entry.clocked.left() > 0);
        forgotten
    }

    /// Asks the cloud, afresh, whether credentials of the session are good.
    pub fn verify(
        &self,
        session: &Session,
        resolved: &Resolved,
        region: &crate::model::RegionName,
    ) -> Result<Verified, ResolveError> {
        let hops = self.hops(session, None)?;
        let first = hops.first().ok_or_else(|| unknown_type(session))?;
        let hop = Hop { region: region.clone(), ..first.hop.clone() };
        let Resolved { credentials, clocked, .. } = resolved;
        let (subject, asking) = (first.subject(), |_| {});
        let helpers = self.helpers(None, &subject, &NoPrompt, &asking);
        let helpers = Prepared { clock_offset: clocked.offset, ..helpers };
        Ok(with_helpers(&helpers, |helpers| first.factory.verify(&hop, credentials, helpers))?)
    }

    /// What would be done for a session, itself first. Asks nobody and nothing.
    pub fn plan<'s>(
        &'s self,
        session: &'s Session,
        want: Want,
    ) -> Result<Vec<Planned<'s>>, ResolveError> {
        let hops = self.hops(session, want.duration)?;
        let mut plan = Vec::with_capacity(hops.len());
        for at in 0..hops.len() {
            let rest = hops.get(at..).unwrap_or_default();
            let Some(Link { factory, hop }) = rest.first() else { break };
            let (name, request) = (fingerprint(rest)?, factory.request(hop));
            let request = request.map_err(AccessError::from)?;
            let kept = self.read(&name).filter(|entry| entry.clocked.left() > 0);
            let path = self.cache.as_ref().map(|cache| cache.path(Shelf::Credentials, &name));
            let lacks = factory.lacks(hop.session, self.place());
            plan.push(Planned {
                session: hop.session,
                is_due: kept.as_ref().is_none_or(|e| e.clocked.left() < e.clocked.window()),
                kept: kept.map(|entry| (entry.clocked, path)),
                calls: factory.calls(hop, self.place()),
                asks: request.asks_person,
                lacks: lacks.map(|error| error.to_string()),
                origins: factory.origins(hop.session, self.place()),
                notes: request.notes,
            });
        }
        Ok(plan)
    }

    fn obtain(
        &self,
        hops: &[Link<'_>],
        want: Want,
        prompt: &dyn Prompt,
    ) -> Result<Resolved, ResolveError> {
        let name = fingerprint(hops)?;
        let enough = |entry: &Entry| {
            let least = want.min_ttl.map_or(0, i64::from).max(entry.clocked.window());
            entry.clocked.left() >= least.max(1)
        };
        if !want.fresh
            && let Some(entry) = self.read(&name).filter(enough)
        {
            return Ok(self.resolved(entry, &name));
        }
        let flight = match self.take_off(&name, want, prompt) {
            Ok(flight) => flight,
            Err(error) => return self.make_do(hops, &name, want, error),
        };
        if !want.fresh
            && let Some(entry) = self.read(&name).filter(enough)
        {
            return Ok(self.resolved(entry, &name));
        }
        // While the old ones serve for a while yet, nobody is asked for new ones.
        let spare = self.spare(&name, want).is_some() && !prompt.is_ready();
        let prompt: &dyn Prompt = if spare { &NoPrompt } else { prompt };
        match self.issue(hops, prompt, flight.as_ref()) {
            Ok(entry) => {
                if let Some(flight) = &flight {
                    flight.clear();
                }
                if hops.first().is_some_and(|link| link.factory.is_kept()) {
                    self.keep(&name, &entry);
                }
                attainable(hops, want, &entry)?;
                Ok(self.resolved(entry, &name))
            }
            Err(error) => {
                if let (Some(flight), Some(shared)) = (&flight, told::shared(&error)) {
                    flight.share(shared);
                }
                self.make_do(hops, &name, want, error)
            }
        }
    }

    /// Takes the lead for the request, or waits for who has it. Without a cache there is nothing
    /// to wait for, and every process is on its own.
    fn take_off(
        &self,
        name: &str,
        want: Want,
        prompt: &dyn Prompt,
    ) -> Result<Option<Flight>, ResolveError> {
        if self.cache.is_none() {
            return Ok(None);
        }
        let tell = |wait: Wait| {
            let what = if wait.asking { "is asking for a code" } else { "is fetching them" };
            self.say_once(&format!("waiting for process {}, which {what}", wait.leader));
        };
        let may_ask = prompt.can_ask() && self.spare(name, want).is_none();
        match Flight::enter(&self.run, name, may_ask, &tell) {
            Ok(Entered::Leader(flight)) => Ok(Some(flight)),
            Ok(Entered::Failed(failed)) => Err(failed.into()),
            Ok(Entered::Asking(pid)) => Err(ResolveError::AskedElsewhere(pid)),
            Ok(Entered::TimedOut(pid)) => Err(ResolveError::TooSlow(pid)),
            Err(_) => Ok(None),
        }
    }

    /// What is in the cache serves once more when new credentials cannot be had, while more than a
    /// minute is left and nothing longer was asked for.
    fn spare(&self, name: &str, want: Want) -> Option<Entry> {
        let usable = !want.fresh && want.min_ttl.is_none();
        self.read(name).filter(|entry| usable && entry.clocked.left() > LAST_MINUTE)
    }

    fn make_do(
        &self,
        hops: &[Link<'_>],
        name: &str,
        want: Want,
        error: ResolveError,
    ) -> Result<Resolved, ResolveError> {
        let Some(entry) = self.spare(name, want) else { return Err(error) };
        let left = duration::brief(entry.clocked.left());
        let session = hops.first().map_or("", |link| link.hop.session.name.as_str());
        self.say_once(&format!("'{session}' could not be renewed ({error}); {left} left"));
        Ok(self.resolved(entry, name))
    }

    /// Asks the cloud, with the parent's credentials where there is a parent.
    fn issue(
        &self,
        hops: &[Link<'_>],
        prompt: &dyn Prompt,
        flight: Option<&Flight>,
    ) -> Result<Entry, ResolveError> {
        let (link, parents) = hops.split_first().ok_or(ResolveError::TooSlow(0))?;
        for note in link.request()?.notes {
            self.say_once(&note);
        }
        let asking = |asking: bool| {
            if let Some(flight) = flight {
                flight.asking(asking);
            }
        };
        let attempt = |fresh: bool| -> Result<access::Issued, ResolveError> {
            let parent = match parents {
                [] => None,
                parents => {
                    let want = Want { fresh, ..Want::default() };
                    // Whoever waits for us waits for a person too, if a parent asks one.
                    asking(prompt.can_ask() && self.chain_asks(parents)?);
                    let obtained = self.obtain(parents, want, prompt)?;
                    asking(false);
                    Some(obtained)
                }
            };
            let subject = link.subject();
            let credentials = parent.as_ref().map(|parent| &parent.credentials);
            let helpers = self.helpers(credentials, &subject, prompt, &asking);
            let clock_offset = parent.as_ref().map_or(0, |parent| parent.clocked.offset);
            let helpers = Prepared { clock_offset, ..helpers };
            Ok(with_helpers(&helpers, |helpers| link.factory.issue(&link.hop, helpers))?)
        };
        let issued = match attempt(false) {
            // The server's word counts: what it calls expired is dropped, and asked for anew.
            Err(ResolveError::Access(AccessError::Cloud(error)))
                if error.kind == ErrorKind::Expired && !parents.is_empty() =>
            {
                attempt(true)?
            }
            result => result?,
        };
        for note in &issued.notes {
            self.say_once(note);
        }
        let clocked = Clocked::now(&issued.credentials, issued.clock_offset);
        if clocked.clock_is_off() {
            self.say_once(&offset_text(issued.clock_offset));
        }
        let session = link.hop.session.id;
        Ok(Entry { session, credentials: issued.credentials, clocked })
    }

    /// Whether fetching the chain would ask a person.
    fn chain_asks(&self, hops: &[Link<'_>]) -> Result<bool, ResolveError> {
        match hops.first() {
            Some(link) => self.needs_person(link.hop.session),
            None => Ok(false),
        }
    }

    /// The chain of a session, itself first, each with its factory and all that its request needs.
    fn hops<'s>(
        &'s self,
        session: &'s Session,
        lifetime: Option<u32>,
    ) -> Result<Vec<Link<'s>>, ResolveError> {
        let chain = self.catalog.chain(session)?;
        let mut links = Vec::with_capacity(chain.len());
        for (at, session) in chain.iter().enumerate() {
            let factory = access::factory(&session.session_type);
            let factory = factory.ok_or_else(|| unknown_type(session))?;
            if factory.takes_parent(session) != (at + 1 < chain.len()) {
                return Err(parent_mismatch(session, factory).into());
            }
            let workspace = self.catalog.workspace.default_region.as_ref();
            let default = match &self.surroundings.partition_region {
                Some(region) if !session.is_own() => Some(region),
                _ => workspace,
            };
            let parent = chain.get(at + 1).and_then(|p| access::factory(&p.session_type));
            let region = factory.home_region(session, default).map_err(AccessError::from)?;
            let hop = Hop {
                session,
                region,
                endpoint: self.surroundings.endpoint.clone(),
                services: self.surroundings.services.clone(),
                login_cache: self.surroundings.login_cache.clone(),
                ca_bundles: self.surroundings.ca_bundles.clone(),
                duration: lifetime.filter(|_| at == 0),
                surroundings: factory.surroundings(session, self.place()),
                limit: parent.and_then(CredentialProviderFactory::child_limit),
                user: self.surroundings.user.clone(),
                host: self.surroundings.host.clone(),
            };
            links.push(Link { factory, hop });
        }
        Ok(links)
    }

    fn helpers<'h>(
        &'h self,
        parent: Option<&'h Credentials>,
        subject: &'h str,
        prompt: &'h dyn Prompt,
        asking: &'h dyn Fn(bool),
    ) -> Prepared<'h> {
        Prepared {
            parent,
            clock_offset: 0,
            place: self.helper.place(),
            prompt,
            asking,
            secret: Box::new(move || self.helper.secret(subject)),
            claim: Box::new(|device, code| codes::claim(&self.run, device, code)),
            waiting: Box::new(|what| self.helper.waiting(what)),
        }
    }

    fn read(&self, name: &str) -> Option<Entry> {
        let bytes = self.cache.as_ref()?.read(Shelf::Credentials, name)?;
        Entry::from_bytes(&bytes)
    }

    fn keep(&self, name: &str, entry: &Entry) {
        if let Some(cache) = &self.cache {
            cache.write(Shelf::Credentials, name, &entry.to_bytes());
            prune(cache, &self.run);
            self.helper.renewed(entry.session);
        }
    }

    fn resolved(&self, entry: Entry, name: &str) -> Resolved {
        let path = self.cache.as_ref().map(|cache| cache.path(Shelf::Credentials, name));
        let kept = path.filter(|path| path.exists());
        Resolved { credentials: entry.credentials, clocked: entry.clocked, kept }
    }

    fn say_once(&self, text: &str) {
        let mut told = self.told.borrow_mut();
        if !told.iter().any(|earlier| earlier == text) {
            told.push(text.to_owned());
            self.helper.note(text);
        }
    }
}

/// One session of a chain.
struct Link<'a> {
    factory: &'static dyn CredentialProviderFactory,
    hop: Hop<'a>,
}

impl Link<'_> {
    fn request(&self) -> Result<Request, ResolveError> {
        Ok(self.factory.request(&self.hop).map_err(AccessError::from)?)
    }

    /// Under which name the session's secret is found.
    fn subject(&self) -> String {
        self.factory.subject(self.hop.session)
    }
}

type ClaimCode<'a> = Box<dyn Fn(&str, &str) -> Result<(), i64> + 'a>;

/// [`Helpers`] with its functions owned.
struct Prepared<'a> {
    parent: Option<&'a Credentials>,
    clock_offset: i64,
    place: &'a dyn Place,
    prompt: &'a dyn Prompt,
    asking: &'a dyn Fn(bool),
    secret: Box<dyn Fn() -> Result<Option<Secret>, VaultError> + 'a>,
    claim: ClaimCode<'a>,
    waiting: Box<dyn Fn(&str) + 'a>,
}

fn with_helpers<T>(prepared: &Prepared<'_>, act: impl FnOnce(&Helpers<'_>) -> T) -> T {
    act(&Helpers {
        parent: prepared.parent,
        clock_offset: prepared.clock_offset,
        secret: &*prepared.secret,
        place: prepared.place,
        prompt: prepared.prompt,
        asking: prepared.asking,
        claim_code: &*prepared.claim,
        waiting: &*prepared.waiting,
    })
}

/// Removes what has ended: credentials, and the answers that were made of them.
fn prune(cache: &Cache, run: &Path) {
    let has_ended = |entry: Option<Entry>| entry.is_none_or(|entry| entry.clocked.left() <= 0);
    for name in cache.names(Shelf::Answers) {
        if has_ended(Answer::read(cache, &name).map(|answer| answer.entry)) {
            cache.remove(Shelf::Answers, &name);
        }
    }
    let read = |name: &str| Entry::from_bytes(&cache.read(Shelf::Credentials, name)?);
    for name in cache.names(Shelf::Credentials).iter().filter(|name| has_ended(read(name))) {
        // Whoever writes new ones holds the lead; what is seen under it is not replaced meanwhile.
        let lead = flight::try_hold(run, name);
        if lead.is_some() && has_ended(read(name)) {
            cache.remove(Shelf::Credentials, name);
        }
    }
}

/// The name of a chain's credentials in the cache: a hash of every request from the first to the
/// root's.
fn fingerprint(hops: &[Link<'_>]) -> Result<String, ResolveError> {
    let mut materials = Vec::with_capacity(hops.len());
    for link in hops {
        materials.push(link.request()?.material.to_string());
    }
    Ok(hash::long(materials.iter().map(|material| Some(material.as_bytes()))))
}

fn attainable(hops: &[Link<'_>], want: Want, entry: &Entry) -> Result<(), ResolveError> {
    let Some(least) = want.min_ttl else {
        return Ok(());
    };
    let left = entry.clocked.left();
    // The seconds that the request took are not held against it.
    if left + 30 >= i64::from(least) {
        return Ok(());
    }
    let session = hops.first().map(|link| link.hop.session.name.to_string());
    Err(ResolveError::TooShort {
        session: session.unwrap_or_default(),
        wanted: duration::exact(least),
        lifetime: duration::brief(left),
    })
}

fn parent_mismatch(session: &Session, factory: &dyn CredentialProviderFactory) -> AccessError {
    let (name, id) = (&session.name, factory.session_type());
    let problem = if factory.takes_parent(session) {
        format!("session '{name}' has none, and a session of type {id} needs one")
    } else {
        format!("session '{name}' has one, and a session of type {id} takes none")
    };
    FieldError { flag: "parent".into(), problem }.into()
}

fn unknown_type(session: &Session) -> ResolveError {
    ResolveError::UnknownType {
        session: session.name.to_string(),
        session_type: session.session_type.clone(),
    }
}

fn offset_text(offset: i64) -> String {
    let by = duration::brief(offset.abs());
    let direction = if offset > 0 { "behind" } else { "ahead of" };
    format!(
        "this machine's clock is {by} {direction} the server's; times are shown by this machine's"
    )
}

//! What third-party providers have: `ext:<provider>:<id>`, by what each listed last.
//!
//! Deliberately absent: running a provider for its list. Only giving credentials runs one here;
//! who asks for a new list is the command line.

use serde::{Deserialize, Serialize};

use super::{
    AccessError, Call, CredentialProviderFactory, Field, FieldError, Helpers, Hop, Issued, Origin,
    Outcome, RegionChoice, RegionSources, Request, Summary, Verified, aws, aws_region,
    provider::{
        self, Item, Keys, Provider, Settings, Wanted,
        listing::{Listed, Listing as Known, Shelf},
    },
    source::{Absence, Listing, Place, Scope, Source},
};
use crate::{
    cloud::sts::{SigningKeys, Sts, TemporaryKeys},
    envdelta::{Managed, Value},
    model::{
        CredentialIdentifier, Credentials, RegionName, Session, SessionName, Timestamp,
        catalog::Unusable, duration, session::Fields,
    },
    secret::Secret,
    system::clock,
};

/// The source, and its one session type.
#[derive(Clone, Copy, Debug)]
pub struct External;

/// Value name: the account that a provider tells with its keys. No secret, but kept beside them.
const ACCOUNT: &str = "account";
/// The longest lifetime that can be asked for, in seconds.
const LONGEST: u32 = 129_600;
/// Nobody knows whether a provider's keys are a role's: from a role's AWS makes no longer ones.
const CHILD: u32 = 3600;
/// Who got a list so many seconds ago need not ask again.
const NEW: i64 = 60;
/// A list that is older is told, in seconds.
const OLD: i64 = 24 * 3600;

/// What a session of this type is made of.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Facts {
    provider: String,
    item: String,
    command: String,
    arguments: Vec<String>,
    account: Option<String>,
    needs_person: bool,
}

impl Facts {
    fn of(session: &Session) -> Self {
        serde_json::from_value(session.fields.to_map().into()).unwrap_or_default()
    }

    fn new(settings: &Settings, item: &Item) -> Self {
        let Item { id, account, needs_person, .. } = item.clone();
        let (provider, item) = (settings.name.to_string(), id);
        Self { account, needs_person, ..Self::asked_of(settings, provider, item) }
    }

    fn asked_of(settings: &Settings, provider: String, item: String) -> Self {
        let words = settings.arguments.iter();
        Self {
            provider,
            item,
            command: settings.command.to_string_lossy().into_owned(),
            arguments: words.map(|word| word.to_string_lossy().into_owned()).collect(),
            ..Self::default()
        }
    }

    /// Whether these settings are those that the session was made from.
    fn is_of(&self, settings: &Settings) -> bool {
        let now = Self::asked_of(settings, String::new(), String::new());
        self.provider == settings.name.as_str()
            && (&self.command, &self.arguments) == (&now.command, &now.arguments)
    }

    /// The account, where it is one of AWS's.
    fn aws_account(&self) -> Option<String> {
        let digits = |text: &&String| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        self.account.as_ref().filter(digits).cloned()
    }
}

impl Source for External {
    fn id(&self) -> &'static str {
        "providers"
    }

    fn files(&self, place: &dyn Place) -> Vec<std::path::PathBuf> {
        let providers = place.providers().unwrap_or_default();
        let shelf = Shelf::new(place.home());
        providers.iter().map(|settings| shelf.path(&settings.name)).collect()
    }

    fn list(&self, place: &dyn Place, _: Scope<'_>) -> Listing {
        let mut listing = Listing::default();
        match place.providers() {
            Err(problem) => listing.problems.push(problem),
            Ok(providers) => {
                let shelf = Shelf::new(place.home());
                for settings in providers {
                    add(&mut listing, settings, shelf.read(settings));
                }
            }
        }
        listing
    }

    fn has(&self, id: &CredentialIdentifier) -> bool {
        matches!(id, CredentialIdentifier::External { .. })
    }

    fn why_absent(&self, place: &dyn Place) -> String {
        match place.providers() {
            Err(problem) => problem.to_string(),
            Ok(_) => "config.toml names no such provider: leapp provider list".into(),
        }
    }
}

/// Adds what one provider had, and what is to be said of it.
fn add(listing: &mut Listing, settings: &Settings, known: Known) {
    let name = settings.name.to_string();
    let command = format!("leapp provider refresh {name}");
    let ago = |at: Timestamp| duration::brief(clock::now() - at.0);
    let failure =
        known.failure.map(|failure| format!("{} ({} ago)", failure.message, ago(failure.at)));
    let Some(last) = known.last else {
        let text = match failure {
            None => format!("provider '{name}' has listed nothing yet"),
            Some(why) => format!("provider '{name}' has never listed anything: {why}"),
        };
        listing.unusable.push(Unusable {
            // No identity has this id: none is empty.
            identifier: CredentialIdentifier::External {
                provider: name.clone(),
                id: String::new(),
            },
            name: format!("ext:{name}"),
            code: "never_listed",
            reason: format!("{text}: {command}"),
            place: None,
        });
        listing.absences.push(Absence { provider: name, text, command });
        return;
    };
    match failure {
        Some(why) => {
            listing.notes.push(format!("provider '{name}' has listed nothing since: {why}"));
        }
        None if clock::now() - last.at.0 > OLD => {
            let ago = ago(last.at);
            listing.notes.push(format!("provider '{name}' was asked {ago} ago: {command}"));
        }
        None => {}
    }
    let text = format!("provider '{name}' does not list it (asked {} ago)", ago(last.at));
    // Who has asked a moment ago would hear nothing new.
    let is_new = (0..NEW).contains(&(clock::now() - last.at.0));
    let command = if is_new { "leapp list".to_owned() } else { command };
    listing.absences.push(Absence { provider: name, text, command });
    add_items(listing, settings, &last);
}

fn add_items(listing: &mut Listing, settings: &Settings, last: &Listed) {
    for item in &last.items {
        let (provider, id) = (settings.name.to_string(), item.id.clone());
        let identifier = CredentialIdentifier::External { provider, id };
        match &item.unusable {
            None => listing.sessions.push(session(settings, identifier, item)),
            Some(reason) => listing.unusable.push(Unusable {
                name: identifier.to_string(),
                identifier,
                code: "refused_by_provider",
                // Most ids say little.
                reason: if item.name == item.id {
                    reason.clone()
                } else {
                    format!("{}: {reason}", item.name)
                },
                place: None,
            }),
        }
    }
}

fn session(settings: &Settings, identifier: CredentialIdentifier, item: &Item) -> Session {
    let name = SessionName::of(&identifier);
    let mut session = Session::elsewhere(identifier, name, External.session_type());
    session.display_name = Some(item.name.clone()).filter(|name| *name != item.id);
    session.region.clone_from(&item.region);
    let fields = serde_json::to_value(Facts::new(settings, item)).unwrap_or_default();
    session.fields = fields.as_object().map(Fields::from_map).unwrap_or_default();
    session
}

impl CredentialProviderFactory for External {
    fn session_type(&self) -> &'static str {
        "aws-external"
    }

    fn about(&self) -> &'static str {
        "What a third-party provider gives"
    }

    fn managed(&self) -> &'static Managed {
        aws::managed()
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn asks(&self, session: &Session) -> bool {
        Facts::of(session).needs_person
    }

    fn child_limit(&self) -> Option<u32> {
        Some(CHILD)
    }

    fn check(&self, _: &Session) -> Result<(), FieldError> {
        Ok(())
    }

    fn check_duration(&self, seconds: u32) -> Result<(), String> {
        aws::check_seconds(seconds, LONGEST)
    }

    fn summary(&self, session: &Session) -> Summary {
        Summary { account: Facts::of(session).account, ..Summary::default() }
    }

    fn principal(&self, session: &Session) -> String {
        let Facts { provider, item, command, arguments, .. } = Facts::of(session);
        let words = std::iter::once(&command).chain(&arguments);
        format!("'{item}' of provider '{provider}' ({})", shell_words::join(words))
    }

    fn home_region(
        &self,
        session: &Session,
        default: Option<&RegionName>,
    ) -> Result<RegionName, FieldError> {
        aws_region::home(session, None, default)
    }

    fn choose_region(
        &self,
        session: &Session,
        sources: &RegionSources<'_>,
    ) -> Result<RegionChoice, FieldError> {
        aws_region::choose(session, None, sources)
    }

    fn request(&self, hop: &Hop<'_>) -> Result<Request, FieldError> {
        let Facts { provider, item, command, arguments, needs_person, .. } = Facts::of(hop.session);
        let material = serde_json::json!({
            "provider": provider,
            "id": item,
            "command": command,
            "arguments": arguments,
            "duration": hop.duration,
        });
        let material = aws::material(hop, &material);
        Ok(Request { material, asks_person: needs_person, notes: Vec::new() })
    }

    fn runs_program(&self) -> bool {
        true
    }

    fn calls(&self, hop: &Hop<'_>, _: &dyn Place) -> Vec<Call> {
        let facts = Facts::of(hop.session);
        let seconds = hop.duration.map(|seconds| seconds.to_string());
        let parameters = vec![
            ("id", Some(facts.item)),
            ("region", Some(hop.region.to_string())),
            ("duration", seconds),
        ];
        vec![Call::new("provider", "credentials", facts.provider, parameters)]
    }

    fn origins(&self, session: &Session, _: &dyn Place) -> Vec<Origin> {
        let mut origins = super::explain::of_workspace(session);
        let provider = Facts::of(session).provider;
        for origin in &mut origins {
            origin.place = format!("what provider '{provider}' listed last");
        }
        origins
    }

    fn issue(&self, hop: &Hop<'_>, helpers: &Helpers<'_>) -> Result<Issued, AccessError> {
        let facts = Facts::of(hop.session);
        let providers = helpers.place.providers().unwrap_or_default();
        let settings = providers.iter().find(|settings| facts.is_of(settings));
        let settings =
            settings.ok_or_else(|| AccessError::Changed(hop.session.name.to_string()))?;
        let keys = ask(hop, &facts, settings, helpers)?;
        check_account(&facts, &keys)?;
        let account = keys.account.clone();
        let mut issued = from_keys(hop, keys, helpers)?;
        if let (Some(account), Some(grant)) = (account, issued.credentials.grants.first_mut()) {
            grant.values.push((ACCOUNT.to_owned(), Secret::new(account)));
        }
        Ok(issued)
    }

    fn environment(&self, outcome: &Outcome<'_>) -> Vec<(&'static str, Value)> {
        let told = || outcome.credentials.value(ACCOUNT).map(|text| text.expose().to_owned());
        aws::environment(outcome, Facts::of(outcome.session).aws_account().or_else(told))
    }

    fn verify(
        &self,
        hop: &Hop<'_>,
        credentials: &Credentials,
        helpers: &Helpers<'_>,
    ) -> Result<Verified, AccessError> {
        aws::verify(hop, credentials, helpers)
    }
}

/// Runs the provider.
fn ask(
    hop: &Hop<'_>,
    facts: &Facts,
    settings: &Settings,
    helpers: &Helpers<'_>,
) -> Result<Keys, AccessError> {
    let environment = provider::environment(&|name| helpers.place.own(name));
    (helpers.waiting)(&format!("asking provider '{}'", settings.name));
    let (id, region) = (facts.item.as_str(), Some(&hop.region));
    let wanted = Wanted { id, region, duration: hop.duration };
    let provider = Provider::new(settings, &environment);
    Ok(provider.credentials(wanted, helpers.prompt, helpers.asking)?)
}

/// Nobody is handed another account than the one that was listed.
fn check_account(facts: &Facts, keys: &Keys) -> Result<(), AccessError> {
    match (facts.aws_account(), &keys.account) {
        (Some(listed), Some(given)) if listed != *given => {
            let provider = &facts.provider;
            let problem = format!(
                "provider '{provider}' gave credentials of account {given}, and had listed {listed}"
            );
            Err(AccessError::Program { problem, said: None, timed_out: false })
        }
        _ => Ok(()),
    }
}

fn from_keys(hop: &Hop<'_>, keys: Keys, helpers: &Helpers<'_>) -> Result<Issued, AccessError> {
    let Keys { key_id, secret_key, session_token, expires_at, .. } = keys;
    let (Some(session_token), Some(expires_at)) = (session_token, expires_at) else {
        let keys = SigningKeys { key_id, secret_key, session_token: None };
        let sts = Sts::new(aws::route(hop), keys, helpers.clock_offset, helpers.waiting);
        return aws::session_of(hop, &sts, None, helpers);
    };
    let issued_at = Timestamp(clock::now());
    let keys = TemporaryKeys { key_id, secret_key, session_token, expires_at, issued_at };
    Ok(Issued { credentials: aws::credentials(keys), clock_offset: 0, notes: Vec::new() })
}

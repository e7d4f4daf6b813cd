//! Keys in the user's own environment: `env:accessKey`, and `credential_source = Environment`.

use serde_json::json;

use super::{
    AccessError, Call, CredentialProviderFactory, Field, FieldError, Helpers, Hop, Issued,
    OWN_KEYS, Origin, Outcome, RegionChoice, RegionSources, Request, Summary, Verified, aws,
    aws_region, profile,
    source::{self, Listing, Place, Scope, Source},
};
use crate::{
    cloud::sts::{SigningKeys, Sts, TemporaryKeys},
    envdelta::{Managed, Value},
    model::{
        CredentialIdentifier, Credentials, RegionName, Session, SessionName, Timestamp,
        catalog::Unusable, session::Fields,
    },
    secret::Secret,
    system::{clock, hash},
};

/// What `GetSessionToken` gives unless asked otherwise, in seconds.
const USUAL: u32 = 43_200;
const LONGEST: u32 = 129_600;

/// The source, and its one session type.
pub(super) struct Environment;

impl Source for Environment {
    fn id(&self) -> &'static str {
        "environment"
    }

    fn list(&self, place: &dyn Place, _: Scope<'_>) -> Listing {
        let mut listing = Listing::default();
        let id = CredentialIdentifier::Environment;
        let name = id.single_name().unwrap_or_default();
        let refuse = |code, reason: String| Unusable {
            identifier: CredentialIdentifier::Environment,
            name: name.to_owned(),
            code,
            reason,
            place: None,
        };
        if let Some(ours) = place.keys_of() {
            listing.unusable.push(refuse(
                OWN_KEYS,
                format!("the keys in the environment are those that leapp gave for '{ours}'"),
            ));
            return listing;
        }
        let has = |name: &str| source::text(place, name);
        match (has("AWS_ACCESS_KEY_ID"), has("AWS_SECRET_ACCESS_KEY")) {
            (None, None) => {}
            (Some(key_id), Some(_)) => {
                let Ok(name) = SessionName::foreign(name) else { return listing };
                let mut session = Session::elsewhere(id, name, "aws-environment");
                let fields = json!({
                    "access_key_id": key_id,
                    "temporary": token(place).is_some(),
                    "edition": edition(place),
                    "account": has("AWS_ACCOUNT_ID"),
                });
                session.fields = fields.as_object().map(Fields::from_map).unwrap_or_default();
                listing.sessions.push(session);
            }
            (key, _) => {
                let missing =
                    if key.is_some() { "AWS_SECRET_ACCESS_KEY" } else { "AWS_ACCESS_KEY_ID" };
                let reason = format!("the environment is missing {missing}");
                listing.unusable.push(refuse("missing_property", reason));
            }
        }
        listing
    }

    fn has(&self, id: &CredentialIdentifier) -> bool {
        *id == CredentialIdentifier::Environment
    }

    fn why_absent(&self, _: &dyn Place) -> String {
        "neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set".into()
    }
}

/// Of temporary keys, which nobody checks before they are kept: a few bits that differ when a mistake
/// in them or their end is mended. Far too few to tell what they are.
fn edition(place: &dyn Place) -> Option<String> {
    let token = Secret::new(token(place)?);
    let key = Secret::new(source::text(place, "AWS_SECRET_ACCESS_KEY").unwrap_or_default());
    let expires = source::text(place, "AWS_CREDENTIAL_EXPIRATION").unwrap_or_default();
    let parts = [key.expose(), token.expose(), expires.as_str()];
    let mut hash = hash::long(parts.iter().map(|part| Some(part.as_bytes())));
    hash.truncate(8);
    Some(hash)
}

/// botocore takes the older name first.
fn token(place: &dyn Place) -> Option<String> {
    ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"].into_iter().find_map(|n| source::text(place, n))
}

impl CredentialProviderFactory for Environment {
    fn session_type(&self) -> &'static str {
        "aws-environment"
    }

    fn about(&self) -> &'static str {
        "Keys in the environment"
    }

    fn managed(&self) -> &'static Managed {
        aws::managed()
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn is_of_environment(&self) -> bool {
        true
    }

    fn check(&self, _: &Session) -> Result<(), FieldError> {
        Ok(())
    }

    fn check_duration(&self, seconds: u32) -> Result<(), String> {
        aws::check_seconds(seconds, LONGEST)
    }

    fn summary(&self, session: &Session) -> Summary {
        let fields = session.fields.to_map();
        let account = super::field::text(&fields, "account").map(str::to_owned);
        Summary { account, ..Summary::default() }
    }

    fn principal(&self, session: &Session) -> String {
        let fields = session.fields.to_map();
        super::field::text(&fields, "access_key_id").unwrap_or_default().to_owned()
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
        let fields = hop.session.fields.to_map();
        let material = json!({ "fields": fields, "duration": hop.duration });
        let material = aws::material(hop, &material);
        Ok(Request { material, asks_person: false, notes: Vec::new() })
    }

    fn calls(&self, hop: &Hop<'_>, place: &dyn Place) -> Vec<Call> {
        let seconds = hop.duration.unwrap_or(USUAL);
        match token(place) {
            Some(_) => Vec::new(),
            None => vec![aws::session_token_call(hop, None, seconds, None)],
        }
    }

    fn origins(&self, _: &Session, place: &dyn Place) -> Vec<Origin> {
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        let origin = |name: &str| {
            let value = source::text(place, name)?;
            let value = Some(value).filter(|_| name == "AWS_ACCESS_KEY_ID");
            Some(Origin { name: name.to_owned(), value, place: "the environment".into() })
        };
        names.into_iter().filter_map(origin).collect()
    }

    fn issue(&self, hop: &Hop<'_>, helpers: &Helpers<'_>) -> Result<Issued, AccessError> {
        let of = |name: &str| source::text(helpers.place, name).unwrap_or_default();
        let key_id = of("AWS_ACCESS_KEY_ID");
        let secret_key = Secret::new(of("AWS_SECRET_ACCESS_KEY"));
        if let Some(token) = token(helpers.place).map(Secret::new) {
            let now = clock::now();
            let written = source::text(helpers.place, "AWS_CREDENTIAL_EXPIRATION");
            let whose = "the keys in the environment";
            let (expires_at, mut notes) = profile::end(written.as_deref(), now, whose);
            if written.is_none() {
                // Usual there, and said of a file's alone.
                notes.clear();
            }
            let keys = TemporaryKeys {
                key_id,
                secret_key,
                session_token: token,
                expires_at,
                issued_at: Timestamp(now),
            };
            if keys.expires_at.0 <= now {
                return Err(AccessError::Elsewhere {
                    problem: "the temporary keys in the environment have ended".into(),
                    command: "renew them with the tool that set them".into(),
                });
            }
            let credentials = aws::credentials(keys);
            return Ok(Issued { credentials, clock_offset: 0, notes });
        }
        let keys = SigningKeys { key_id, secret_key, session_token: None };
        let route = aws::route(hop);
        let sts = Sts::new(route, keys, helpers.clock_offset, helpers.waiting);
        let issued = sts.get_session_token(hop.duration.unwrap_or(USUAL), None)?;
        let clock_offset = sts.clock_offset();
        Ok(Issued { credentials: aws::credentials(issued), clock_offset, notes: Vec::new() })
    }

    fn environment(&self, outcome: &Outcome<'_>) -> Vec<(&'static str, Value)> {
        aws::environment(outcome, self.summary(outcome.session).account)
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

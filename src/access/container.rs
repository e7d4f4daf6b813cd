//! The endpoint that gives a container its role: `ecs:containerRole`, and
//! `credential_source = EcsContainer`.

use serde_json::json;

use super::{
    AccessError, Call, CredentialProviderFactory, Field, FieldError, Helpers, Hop, Issued, Origin,
    Outcome, RegionChoice, RegionSources, Request, Summary, Verified, aws, aws_region,
    source::{self, Listing, Place, Scope, Source},
};
use crate::{
    cloud::container::{self, Settings},
    envdelta::{Managed, Value},
    model::{
        CredentialIdentifier, Credentials, RegionName, Session, SessionName, catalog::Unusable,
        session::Fields,
    },
    secret::Secret,
    system::hash,
};

/// The source, and its one session type.
pub(super) struct Container;

/// What the environment says about the endpoint.
fn settings(place: &dyn Place, bundles: &[std::path::PathBuf]) -> Settings {
    let of = |name: &str| source::text(place, name);
    Settings {
        relative_uri: of("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        full_uri: of("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        token_file: of("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(Into::into),
        token: of("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::new),
        base: None,
        ca_bundles: bundles.to_vec(),
    }
}

fn look(place: &dyn Place) -> Found {
    let settings = settings(place, &[]);
    if settings.relative_uri.is_none() && settings.full_uri.is_none() {
        return Found::Nothing;
    }
    match settings.url() {
        Ok(_) => Found::Usable,
        Err(error) => Found::Unusable("refused_address", error.to_string()),
    }
}

impl Source for Container {
    fn id(&self) -> &'static str {
        "container"
    }

    fn list(&self, place: &dyn Place, _: Scope<'_>) -> Listing {
        let mut listing = Listing::default();
        match look(place) {
            Found::Nothing => {}
            Found::Unusable(code, reason) => listing.unusable.push(Unusable {
                identifier: CredentialIdentifier::Container,
                name: CredentialIdentifier::Container.single_name().unwrap_or_default().to_owned(),
                code,
                reason,
                place: None,
            }),
            Found::Usable => listing.sessions.extend(session(place)),
        }
        listing
    }

    fn has(&self, id: &CredentialIdentifier) -> bool {
        *id == CredentialIdentifier::Container
    }

    fn why_absent(&self, _: &dyn Place) -> String {
        "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set".into()
    }
}

/// What the surroundings say.
enum Found {
    Nothing,
    Unusable(&'static str, String),
    Usable,
}

fn session(place: &dyn Place) -> Option<Session> {
    let id = CredentialIdentifier::Container;
    let name = SessionName::foreign(id.single_name()?).ok()?;
    let mut session = Session::elsewhere(id, name, "aws-container");
    session.region = source::text(place, "AWS_REGION").and_then(|r| RegionName::parse(&r).ok());
    let settings = settings(place, &[]);
    // One address may serve many: the token tells them apart. A few bits of a hash are enough, and too
    // few to tell what it is.
    let token = settings.token_file.as_ref().map(|file| file.display().to_string());
    let token = token
        .or_else(|| settings.token.as_ref().map(|token| hash::short(token.expose().as_bytes())));
    let token = token.map(|text| hash::short(text.as_bytes()));
    session.fields = json!({
        "address": settings.url().unwrap_or_default(),
        "token": token.map(|hash| hash.get(..8).unwrap_or_default().to_owned()),
    })
    .as_object()
    .map(Fields::from_map)
    .unwrap_or_default();
    Some(session)
}

impl CredentialProviderFactory for Container {
    fn session_type(&self) -> &'static str {
        "aws-container"
    }

    fn about(&self) -> &'static str {
        "The role of the container that leapp runs in"
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

    fn child_limit(&self) -> Option<u32> {
        Some(3600)
    }

    fn check(&self, _: &Session) -> Result<(), FieldError> {
        Ok(())
    }

    fn check_duration(&self, _: u32) -> Result<(), String> {
        Err("the container's endpoint decides how long its keys last".into())
    }

    fn summary(&self, _: &Session) -> Summary {
        Summary::default()
    }

    fn principal(&self, session: &Session) -> String {
        let fields = session.fields.to_map();
        super::field::text(&fields, "address").unwrap_or_default().to_owned()
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
        let material = aws::material(hop, &json!({ "fields": hop.session.fields.to_map() }));
        Ok(Request { material, asks_person: false, notes: Vec::new() })
    }

    fn calls(&self, hop: &Hop<'_>, _: &dyn Place) -> Vec<Call> {
        vec![Call::new("container", "GET credentials", self.principal(hop.session), Vec::new())]
    }

    fn origins(&self, _: &Session, place: &dyn Place) -> Vec<Origin> {
        let names =
            ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
        let origin = |name: &str| {
            let value = Some(source::text(place, name)?);
            Some(Origin { name: name.to_owned(), value, place: "the environment".into() })
        };
        names.into_iter().filter_map(origin).collect()
    }

    fn issue(&self, hop: &Hop<'_>, helpers: &Helpers<'_>) -> Result<Issued, AccessError> {
        let settings = settings(helpers.place, &hop.ca_bundles);
        let endpoint = container::Container::new(settings, helpers.waiting);
        let found = endpoint.keys()?;
        let clock_offset = endpoint.clock_offset();
        Ok(Issued { credentials: aws::credentials(found.keys), clock_offset, notes: Vec::new() })
    }

    fn environment(&self, outcome: &Outcome<'_>) -> Vec<(&'static str, Value)> {
        aws::environment(outcome, None)
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

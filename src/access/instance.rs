//! The role of the EC2 instance that leapp runs on: `ec2:instanceProfile`, and
//! `credential_source = Ec2InstanceMetadata`.

use serde_json::json;

use super::{
    AccessError, Call, CredentialProviderFactory, Field, FieldError, Helpers, Hop, Issued, Origin,
    Outcome, RegionChoice, RegionSources, Request, Summary, Verified, aws, aws_region,
    source::{self, Listing, Place, Scope, Source},
};
use crate::{
    cloud::instance::{self, Settings},
    envdelta::{Managed, Value},
    model::{
        CredentialIdentifier, Credentials, RegionName, Session, SessionName, catalog::Unusable,
        session::Fields,
    },
};

/// The source, and its one session type.
pub(super) struct Instance;

/// Files in which the hypervisor says whose it is; reading them asks nobody.
/// See <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html>.
const MARKS: [(&str, &str); 3] = [
    ("/sys/devices/virtual/dmi/id/sys_vendor", "amazon ec2"),
    ("/sys/devices/virtual/dmi/id/board_asset_tag", "i-"),
    ("/sys/hypervisor/uuid", "ec2"),
];

/// Whether the instance's session asks the address that every instance has.
pub fn is_machines_own(session: &Session) -> bool {
    [instance::BASE_V4, instance::BASE_V6].contains(&Instance.principal(session).as_str())
}

/// What the environment says about the service.
fn settings(place: &dyn Place, bundles: &[std::path::PathBuf]) -> Settings {
    let mode = source::text(place, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    let endpoint = source::text(place, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    Settings {
        is_trusted: endpoint.as_deref().is_some_and(|url| place.trusts(url)),
        endpoint,
        ipv6: mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6")),
        ca_bundles: bundles.to_vec(),
    }
}

fn look(place: &dyn Place) -> Found {
    let named = source::text(place, "AWS_EC2_METADATA_SERVICE_ENDPOINT").is_some();
    if !named && !is_instance() {
        return Found::Nothing;
    }
    let disabled = source::text(place, "AWS_EC2_METADATA_DISABLED");
    if disabled.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return Found::Unusable("disabled", "AWS_EC2_METADATA_DISABLED is set".into());
    }
    match settings(place, &[]).base() {
        Ok(_) => Found::Usable,
        Err(error) => Found::Unusable("refused_address", error.to_string()),
    }
}

fn is_instance() -> bool {
    MARKS.iter().any(|(path, begins)| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.to_ascii_lowercase().starts_with(begins)
    })
}

impl Source for Instance {
    fn id(&self) -> &'static str {
        "instance"
    }

    fn list(&self, place: &dyn Place, _: Scope<'_>) -> Listing {
        let mut listing = Listing::default();
        match look(place) {
            Found::Nothing => {}
            Found::Unusable(code, reason) => listing.unusable.push(Unusable {
                identifier: CredentialIdentifier::Instance,
                name: CredentialIdentifier::Instance.single_name().unwrap_or_default().to_owned(),
                code,
                reason,
                place: None,
            }),
            Found::Usable => listing.sessions.extend(session(place)),
        }
        listing
    }

    fn has(&self, id: &CredentialIdentifier) -> bool {
        *id == CredentialIdentifier::Instance
    }

    fn why_absent(&self, _: &dyn Place) -> String {
        "this machine is no EC2 instance".into()
    }
}

/// What the surroundings say.
enum Found {
    Nothing,
    Unusable(&'static str, String),
    Usable,
}

fn session(place: &dyn Place) -> Option<Session> {
    let id = CredentialIdentifier::Instance;
    let name = SessionName::foreign(id.single_name()?).ok()?;
    let mut session = Session::elsewhere(id, name, "aws-instance");
    session.fields = json!({ "address": settings(place, &[]).base().unwrap_or_default() })
        .as_object()
        .map(Fields::from_map)
        .unwrap_or_default();
    Some(session)
}

impl CredentialProviderFactory for Instance {
    fn session_type(&self) -> &'static str {
        "aws-instance"
    }

    fn about(&self) -> &'static str {
        "The role of the EC2 instance that leapp runs on"
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

    fn is_kept(&self) -> bool {
        false
    }

    fn child_limit(&self) -> Option<u32> {
        Some(3600)
    }

    fn check(&self, _: &Session) -> Result<(), FieldError> {
        Ok(())
    }

    fn check_duration(&self, _: u32) -> Result<(), String> {
        Err("the instance decides how long its keys last".into())
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
        vec![Call::new("imds", "GET security-credentials", self.principal(hop.session), Vec::new())]
    }

    fn origins(&self, _: &Session, place: &dyn Place) -> Vec<Origin> {
        let names = ["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"];
        let origin = |name: &str| {
            let value = Some(source::text(place, name)?);
            Some(Origin { name: name.to_owned(), value, place: "the environment".into() })
        };
        names.into_iter().filter_map(origin).collect()
    }

    fn issue(&self, hop: &Hop<'_>, helpers: &Helpers<'_>) -> Result<Issued, AccessError> {
        let settings = settings(helpers.place, &hop.ca_bundles);
        let endpoint = instance::Instance::new(settings, helpers.waiting);
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

//! `aws-iam-user`: a user's long-term key in the vault; `GetSessionToken`, with a one-time code
//! where the user has a device.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{
    AccessError, Call, CredentialProviderFactory, CsvSecret, Field, FieldError, Form, Helpers, Hop,
    Issued, Outcome, RegionChoice, RegionSources, RegionStep, Request, SecretForm, Summary,
    Verified, aws, aws_region, field, source::Place,
};
use crate::{
    cloud::{
        arn,
        sts::{SigningKeys, Sts},
    },
    envdelta::{Managed, Value},
    model::{Credentials, RegionName, Session},
    secret::Secret,
};

/// What `GetSessionToken` allows at most, in seconds.
const LONGEST: u32 = 129_600;

/// The factory.
pub(super) struct AwsIamUser;

/// The vault's item: key id and secret together, so that one never meets the other's half.
#[derive(Deserialize, Serialize)]
struct Item {
    access_key_id: String,
    secret_access_key: String,
}

const FIELDS: &[Field] = &[
    Field {
        key: "access_key_id",
        flag: "access-key-id",
        label: "Access key ID",
        help: "The user's access key ID, which begins with AKIA",
        value_name: "AKIA...",
        form: Form::Text,
        required: true,
        check: check_key_id,
    },
    Field {
        key: "mfa_device",
        flag: "mfa-device",
        label: "MFA device ARN (empty for none)",
        help: "The user's MFA device: its ARN, or the serial number of a hardware device",
        value_name: "ARN",
        form: Form::Text,
        required: false,
        check: aws::check_device,
    },
    Field {
        key: "duration",
        flag: "duration",
        label: "Lifetime (empty for 12h)",
        help: "How long the session's credentials last, 15m to 36h [default: 12h]",
        value_name: "DURATION",
        form: Form::Duration,
        required: false,
        check: |text| aws::check_lifetime(text, LONGEST),
    },
];

const SECRET: SecretForm = SecretForm {
    flag: "secret-access-key",
    label: "Secret access key",
    check: check_secret,
    item: vault_item,
    from_csv: read_csv,
};

impl CredentialProviderFactory for AwsIamUser {
    fn session_type(&self) -> &'static str {
        "aws-iam-user"
    }

    fn about(&self) -> &'static str {
        "An IAM user with a long-term access key, which stays in the vault"
    }

    fn managed(&self) -> &'static Managed {
        aws::managed()
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn secret(&self) -> Option<&'static SecretForm> {
        Some(&SECRET)
    }

    fn check(&self, session: &Session) -> Result<(), FieldError> {
        let fields = session.fields.to_map();
        match field::text(&fields, "mfa_device").map(arn::mfa_device) {
            Some(Ok(device)) => aws::check_partition(session, &device),
            _ => Ok(()),
        }
    }

    fn check_duration(&self, seconds: u32) -> Result<(), String> {
        aws::check_seconds(seconds, LONGEST)
    }

    fn summary(&self, session: &Session) -> Summary {
        let device = field::text(&session.fields.to_map(), "mfa_device").map(str::to_owned);
        let account = device.as_deref().and_then(|text| arn::mfa_device(text).ok());
        Summary { account: account.map(|arn| arn.account), role: None, mfa_device: device }
    }

    fn principal(&self, session: &Session) -> String {
        field::text(&session.fields.to_map(), "access_key_id").unwrap_or_default().to_owned()
    }

    fn home_region(
        &self,
        session: &Session,
        default: Option<&RegionName>,
    ) -> Result<RegionName, FieldError> {
        aws_region::home(session, partition(session).as_deref(), default)
    }

    fn choose_region(
        &self,
        session: &Session,
        sources: &RegionSources<'_>,
    ) -> Result<RegionChoice, FieldError> {
        aws_region::choose(session, partition(session).as_deref(), sources)
    }

    fn region_steps(&self, session: &Session, sources: &RegionSources<'_>) -> Vec<RegionStep> {
        aws_region::steps(session, partition(session).as_deref(), sources)
    }

    fn request(&self, hop: &Hop<'_>) -> Result<Request, FieldError> {
        let wanted = Wanted::of(hop)?;
        let material = json!({
            "access_key_id": wanted.key_id,
            "duration": wanted.duration,
            "mfa_device": wanted.device,
        });
        Ok(Request {
            material: aws::material(hop, &material),
            asks_person: wanted.device.is_some(),
            notes: Vec::new(),
        })
    }

    fn calls(&self, hop: &Hop<'_>, _: &dyn Place) -> Vec<Call> {
        let wanted = Wanted::of(hop).ok();
        let call = |wanted: Wanted| {
            aws::session_token_call(hop, None, wanted.duration, wanted.device.as_deref())
        };
        wanted.map(call).into_iter().collect()
    }

    fn issue(&self, hop: &Hop<'_>, helpers: &Helpers<'_>) -> Result<Issued, AccessError> {
        let wanted = Wanted::of(hop)?;
        if wanted.device.is_some() && !helpers.prompt.can_ask() {
            // Before the vault is opened: a person is missing either way.
            let device = wanted.device.unwrap_or_default();
            return Err(AccessError::NeedsPerson(format!("an MFA code of '{device}'")));
        }
        let name = hop.session.name.to_string();
        let item = (helpers.secret)()?.ok_or_else(|| AccessError::SecretMissing(name.clone()))?;
        let item: Item = serde_json::from_str(item.expose())
            .map_err(|_| AccessError::SecretUnusable(name.clone()))?;
        let secret_key = Secret::new(item.secret_access_key);
        if item.access_key_id != wanted.key_id {
            return Err(AccessError::SecretUnusable(name));
        }
        let keys = SigningKeys { key_id: wanted.key_id, secret_key, session_token: None };
        let sts = Sts::new(aws::route(hop), keys, helpers.clock_offset, helpers.waiting);
        let issued = match &wanted.device {
            None => sts.get_session_token(wanted.duration, None)?,
            Some(device) => aws::with_code(hop, device, helpers, |mfa| {
                sts.get_session_token(wanted.duration, Some(mfa))
            })?,
        };
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

/// The partition that the session's ARN names.
fn partition(session: &Session) -> Option<String> {
    let fields = session.fields.to_map();
    Some(arn::mfa_device(field::text(&fields, "mfa_device")?).ok()?.partition)
}

/// The request's parameters.
struct Wanted {
    key_id: String,
    device: Option<String>,
    duration: u32,
}

impl Wanted {
    fn of(hop: &Hop<'_>) -> Result<Self, FieldError> {
        let fields = hop.session.fields.to_map();
        let key_id = field::text(&fields, "access_key_id").ok_or_else(|| FieldError {
            flag: "access-key-id".into(),
            problem: format!("session '{}' has none", hop.session.name),
        })?;
        let own = field::seconds(&fields, "duration").unwrap_or(aws::USUAL);
        Ok(Self {
            key_id: key_id.to_owned(),
            device: field::text(&fields, "mfa_device").map(str::to_owned),
            duration: hop.duration.unwrap_or(own),
        })
    }
}

/// 16 to 128 word characters, as IAM has it; a temporary key's id is refused by its prefix.
fn check_key_id(text: &str) -> Result<(), String> {
    let form = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    if text.starts_with("ASIA") {
        return Err("ASIA begins the id of a temporary key; a session needs a long-term one".into());
    }
    if (16..=128).contains(&text.len()) && text.bytes().all(form) {
        return Ok(());
    }
    // Not repeated: whoever mixes up the two halves has typed the secret here.
    Err("that is no access key ID: 16 to 128 capital letters and digits, such as AKIA...".into())
}

/// Never shows the text.
fn check_secret(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if text.chars().any(char::is_whitespace) {
        return Err("it has white space in or around it; a copied line end, perhaps".into());
    }
    let form = |b: u8| b.is_ascii_alphanumeric() || b"/+=".contains(&b);
    if !text.bytes().all(form) {
        return Err("it has a character that no secret access key has".into());
    }
    if text.len() < 16 {
        return Err("it is too short for a secret access key, which has 40 characters".into());
    }
    Ok(())
}

fn vault_item(fields: &Map<String, Json>, secret: &Secret) -> Secret {
    let item = Item {
        access_key_id: field::text(fields, "access_key_id").unwrap_or_default().to_owned(),
        secret_access_key: secret.expose().to_owned(),
    };
    let text = serde_json::to_string(&item).unwrap_or_default();
    // The copy in `item` is wiped with it.
    drop(Secret::new(item.secret_access_key));
    Secret::new(text)
}

/// The file that the IAM console downloads: a header and one line, `Access key ID` and
/// `Secret access key`, with a byte order mark in front.
fn read_csv(bytes: &[u8]) -> Result<CsvSecret, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let headers = reader.headers().map_err(|_| "it is no CSV file".to_owned())?.clone();
    let column = |name: &str| headers.iter().position(|h| h.eq_ignore_ascii_case(name));
    let (Some(id), Some(secret)) = (column("Access key ID"), column("Secret access key")) else {
        return Err("it has no columns 'Access key ID' and 'Secret access key'; \
                    the IAM console offers that file once, when it has made the key"
            .into());
    };
    let mut records = reader.records();
    let record = records.next().and_then(Result::ok).ok_or("it has no line below its header")?;
    if records.next().is_some() {
        return Err("it has more than one key".into());
    }
    let key_id = record.get(id).unwrap_or_default().to_owned();
    let secret = Secret::new(record.get(secret).unwrap_or_default().to_owned());
    check_key_id(&key_id)?;
    check_secret(secret.expose()).map_err(|problem| format!("its secret: {problem}"))?;
    Ok(CsvSecret { fields: vec![("access_key_id", key_id)], secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET_TEXT: &str = "TESTSECRET/bPxRfiCYEXAMPLEKEY+wJalrXUtn1";

    #[test]
    fn the_consoles_file_is_read_and_others_are_not() {
        let good = format!(
            "\u{feff}Access key ID,Secret access key\r\nAKIAIOSFODNN7EXAMPLE,{SECRET_TEXT}\r\n"
        );
        let read = read_csv(good.as_bytes()).unwrap();
        assert_eq!(read.fields, [("access_key_id", "AKIAIOSFODNN7EXAMPLE".to_owned())]);
        assert_eq!(read.secret.expose(), SECRET_TEXT);
        let wider = format!(
            "User name,Access key ID,Secret access key\nwork,AKIAIOSFODNN7EXAMPLE,{SECRET_TEXT}\n"
        );
        assert!(read_csv(wider.as_bytes()).is_ok());
        for bad in [
            "",
            "User name,Password,Console login link\nwork,TESTSECRET,https://x\n",
            "Access key ID,Secret access key\n",
            "Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE,short\n",
            &format!("{good}AKIAIOSFODNN7EXAMPLF,{SECRET_TEXT}\n"),
            "\0\0\0",
        ] {
            let error = read_csv(bad.as_bytes()).unwrap_err();
            assert!(!error.contains("TESTSECRET"), "{error}");
        }
    }

    #[test]
    fn a_secret_with_stray_white_space_is_refused_without_showing_it() {
        for bad in
            [format!(" {SECRET_TEXT}"), format!("{SECRET_TEXT}\n"), "a b".into(), String::new()]
        {
            let error = check_secret(&bad).unwrap_err();
            assert!(!error.contains("TESTSECRET"), "{error}");
        }
        assert!(check_secret(SECRET_TEXT).is_ok());
    }

    #[test]
    fn the_id_of_a_temporary_key_is_refused() {
        assert!(check_key_id("ASIAIOSFODNN7EXAMPLE").unwrap_err().contains("temporary"));
        assert!(check_key_id("AKIAIOSFODNN7EXAMPLE").is_ok());
        assert!(check_key_id("akia").is_err());
    }
}

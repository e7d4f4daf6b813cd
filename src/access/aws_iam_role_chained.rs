//! `aws-iam-role-chained`: a role that is assumed with the credentials of another session.

use serde_json::json;

use super::{
    AccessError, Call, CredentialProviderFactory, Field, FieldError, Form, Helpers, Hop, Issued,
    Outcome, RegionChoice, RegionSources, RegionStep, Request, Summary, Verified, aws, aws_region,
    field, source::Place,
};
use crate::{
    cloud::{
        ErrorKind, arn,
        sts::{AssumeRole, Sts},
    },
    envdelta::{Managed, Value},
    model::{Credentials, RegionName, Session, duration},
};

/// What `AssumeRole` allows at most, in seconds.
const LONGEST: u32 = 43_200;
/// What every role allows, and role chaining at most: one hour.
const HOUR: u32 = 3600;
/// The name of the role session, as `CloudTrail` shows it, unless the session says otherwise.
const SESSION_NAME: &str = "leapp-{user}";

/// The factory.
pub(super) struct AwsIamRoleChained;

const FIELDS: &[Field] = &[
    Field {
        key: "role_arn",
        flag: "role-arn",
        label: "Role ARN",
        help: "The role to assume",
        value_name: "ARN",
        form: Form::Text,
        required: true,
        check: |text| arn::role(text).map(|_| ()).map_err(|error| error.to_string()),
    },
    Field {
        key: "duration",
        flag: "duration",
        label: "Lifetime (empty for 1h)",
        help: "How long the role's credentials last, 15m to 12h; 1h when the parent is a role too [default: 1h]",
        value_name: "DURATION",
        form: Form::Duration,
        required: false,
        check: |text| aws::check_lifetime(text, LONGEST),
    },
    Field {
        key: "external_id",
        flag: "external-id",
        label: "External ID (empty for none)",
        help: "The external ID that the role's trust policy asks for",
        value_name: "TEXT",
        form: Form::Text,
        required: false,
        check: |text| check_text(text, 2, 1224, "+=,.@:/-_"),
    },
    Field {
        key: "role_session_name",
        flag: "role-session-name",
        label: "Role session name",
        help: "The role session's name; {user}, {host} and {session} are filled in [default: leapp-{user}]",
        value_name: "TEMPLATE",
        form: Form::Text,
        required: false,
        check: check_template,
    },
    Field {
        key: "source_identity",
        flag: "source-identity",
        label: "Source identity",
        help: "The source identity that AWS keeps with all that the session does",
        value_name: "TEXT",
        form: Form::Text,
        required: false,
        check: |text| check_text(text, 2, 64, "+=,.@-_"),
    },
    Field {
        key: "tags",
        flag: "tag",
        label: "Session tags",
        help: "A session tag (can be repeated)",
        value_name: "KEY=VALUE",
        form: Form::Pairs,
        required: false,
        check: check_tag,
    },
    Field {
        key: "transitive_tags",
        flag: "transitive-tag",
        label: "Transitive tags",
        help: "The key of a session tag that passes on to further roles (can be repeated)",
        value_name: "KEY",
        form: Form::List,
        required: false,
        check: |text| check_characters(text, 1, 128, "_.:/=+-@ "),
    },
    Field {
        key: "policy_arns",
        flag: "policy-arn",
        label: "Policy ARNs",
        help: "A managed policy that narrows the session (can be repeated, ten at most)",
        value_name: "ARN",
        form: Form::List,
        required: false,
        check: |text| arn::policy(text).map(|_| ()).map_err(|error| error.to_string()),
    },
    Field {
        key: "policy",
        flag: "policy-file",
        label: "Policy file",
        help: "A file with an inline policy in JSON that narrows the session; its content is kept",
        value_name: "FILE",
        form: Form::File,
        required: false,
        check: check_policy,
    },
];

impl CredentialProviderFactory for AwsIamRoleChained {
    fn session_type(&self) -> &'static str {
        "aws-iam-role-chained"
    }

    fn about(&self) -> &'static str {
        "An IAM role that is assumed with another session's credentials"
    }

    fn managed(&self) -> &'static Managed {
        aws::managed()
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn has_parent(&self) -> bool {
        true
    }

    fn child_limit(&self) -> Option<u32> {
        Some(HOUR)
    }

    fn check(&self, session: &Session) -> Result<(), FieldError> {
        let fields = session.fields.to_map();
        if let Some(Ok(role)) = field::text(&fields, "role_arn").map(arn::role) {
            aws::check_partition(session, &role)?;
        }
        let tags = field::pairs(&fields, "tags");
        let refuse = |flag: &str, problem: String| Err(FieldError { flag: flag.into(), problem });
        if tags.len() > 50 {
            return refuse("tag", "AWS allows 50 session tags".into());
        }
        if field::list(&fields, "policy_arns").len() > 10 {
            return refuse("policy-arn", "AWS allows ten".into());
        }
        for key in field::list(&fields, "transitive_tags") {
            if !tags.iter().any(|(tag, _)| *tag == key) {
                return refuse("transitive-tag", format!("there is no session tag {key:?}"));
            }
        }
        Ok(())
    }

    fn check_duration(&self, seconds: u32) -> Result<(), String> {
        aws::check_seconds(seconds, LONGEST)
    }

    fn summary(&self, session: &Session) -> Summary {
        let fields = session.fields.to_map();
        let role = field::text(&fields, "role_arn").and_then(|text| arn::role(text).ok());
        let name = role.as_ref().map(|role| role.name().to_owned());
        Summary { account: role.map(|role| role.account), role: name, mfa_device: None }
    }

    fn principal(&self, session: &Session) -> String {
        field::text(&session.fields.to_map(), "role_arn").unwrap_or_default().to_owned()
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
        let (wanted, notes) = wanted(hop)?;
        let material = json!({
            "role_arn": wanted.role_arn,
            "session_name": wanted.session_name,
            "duration": wanted.duration,
            "external_id": wanted.external_id,
            "source_identity": wanted.source_identity,
            "tags": wanted.tags,
            "transitive_tags": wanted.transitive_tags,
            "policy_arns": wanted.policy_arns,
            "policy": wanted.policy,
        });
        Ok(Request { material: aws::material(hop, &material), asks_person: false, notes })
    }

    fn calls(&self, hop: &Hop<'_>, _: &dyn Place) -> Vec<Call> {
        let wanted = wanted(hop).ok();
        let call = |(wanted, _): (AssumeRole, _)| aws::assume_role_call(hop, None, &wanted, None);
        wanted.map(call).into_iter().collect()
    }

    fn issue(&self, hop: &Hop<'_>, helpers: &Helpers<'_>) -> Result<Issued, AccessError> {
        let (mut wanted, _) = wanted(hop)?;
        let keys = helpers.parent.and_then(aws::signing_keys);
        let keys = keys.ok_or_else(|| aws::lacking_keys(hop))?;
        let sts = Sts::new(aws::route(hop), keys, helpers.clock_offset, helpers.waiting);
        let mut notes = Vec::new();
        let issued = match sts.assume_role(&wanted) {
            Err(error) if error.kind == ErrorKind::DurationTooLong && wanted.duration > HOUR => {
                let longer = duration::exact(wanted.duration);
                let name = &hop.session.name;
                notes.push(format!("the role of '{name}' does not allow {longer}: it lasts 1h"));
                wanted.duration = HOUR;
                sts.assume_role(&wanted)?
            }
            result => result?,
        };
        let clock_offset = sts.clock_offset();
        Ok(Issued { credentials: aws::credentials(issued), clock_offset, notes })
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
    Some(arn::role(field::text(&fields, "role_arn")?).ok()?.partition)
}

/// The request, and what the user should know about it.
fn wanted(hop: &Hop<'_>) -> Result<(AssumeRole, Vec<String>), FieldError> {
    let fields = hop.session.fields.to_map();
    let own = |key: &str| field::text(&fields, key).map(str::to_owned);
    let role_arn = own("role_arn").ok_or_else(|| FieldError {
        flag: "role-arn".into(),
        problem: format!("session '{}' has none", hop.session.name),
    })?;
    let asked = hop.duration.or(field::seconds(&fields, "duration")).unwrap_or(HOUR);
    let mut notes = Vec::new();
    let lifetime = asked.min(hop.limit.unwrap_or(LONGEST));
    if lifetime < asked {
        let (asked, lifetime) = (duration::exact(asked), duration::exact(lifetime));
        let name = &hop.session.name;
        notes.push(format!(
            "'{name}' lasts {lifetime}, not {asked}: AWS allows no more to a role behind a role"
        ));
    }
    let template = own("role_session_name");
    let wanted = AssumeRole {
        role_arn,
        session_name: fill(template.as_deref().unwrap_or(SESSION_NAME), hop),
        duration: lifetime,
        external_id: own("external_id"),
        source_identity: own("source_identity"),
        tags: field::pairs(&fields, "tags"),
        transitive_tags: field::list(&fields, "transitive_tags"),
        policy_arns: field::list(&fields, "policy_arns"),
        policy: own("policy"),
        mfa: None,
    };
    Ok((wanted, notes))
}

/// The template with its words filled in, cut to what AWS takes: 64 of `[A-Za-z0-9_+=,.@-]`.
fn fill(template: &str, hop: &Hop<'_>) -> String {
    let filled = template
        .replace("{user}", &hop.user)
        .replace("{host}", &hop.host)
        .replace("{session}", hop.session.name.as_str());
    aws::session_name(&filled)
}

fn check_template(text: &str) -> Result<(), String> {
    let plain = ["{user}", "{host}", "{session}"]
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(word, "x"));
    if plain.contains(['{', '}']) {
        return Err(format!(
            "{text:?} has a word in braces that is none of {{user}}, {{host}}, {{session}}"
        ));
    }
    check_text(&plain, 1, 64, "_+=,.@-")
}

fn check_tag(text: &str) -> Result<(), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not KEY=VALUE"))?;
    check_characters(key, 1, 128, "_.:/+-@ ")?;
    check_characters(value, 0, 256, "_.:/=+-@ ")
}

fn check_text(text: &str, least: usize, most: usize, also: &str) -> Result<(), String> {
    if text.is_ascii() {
        return check_characters(text, least, most, also);
    }
    Err(format!("{text:?} holds a character outside ASCII"))
}

/// Letters and digits of any script, and those in `also`.
fn check_characters(text: &str, least: usize, most: usize, also: &str) -> Result<(), String> {
    let bad = text.chars().find(|c| !(c.is_alphanumeric() || also.contains(*c)));
    match bad {
        Some(bad) => Err(format!("{text:?} holds {bad:?}, which AWS does not allow here")),
        None if !(least..=most).contains(&text.chars().count()) => {
            Err(format!("{text:?} must have {least} to {most} characters"))
        }
        None => Ok(()),
    }
}

fn check_policy(text: &str) -> Result<(), String> {
    let policy: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| format!("the file's content is no JSON: {error}"))?;
    if !policy.is_object() {
        return Err("the file's content is no policy: it must be a JSON object".into());
    }
    if text.len() > 2048 {
        return Err(format!("the policy has {} characters; AWS allows 2048", text.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::model::{SessionName, session::Fields};

    fn session(fields: serde_json::Value) -> Session {
        Session {
            id: uuid::Uuid::from_u128(1),
            name: SessionName::parse("prod").unwrap(),
            session_type: "aws-iam-role-chained".into(),
            display_name: None,
            region: None,
            parent: None,
            fields: Fields::from_map(fields.as_object().unwrap()),
            protected: false,
            unknown: HashMap::new(),
            source: None,
        }
    }

    fn hop(session: &Session) -> Hop<'_> {
        Hop {
            session,
            region: RegionName::parse("eu-west-1").unwrap(),
            endpoint: None,
            services: crate::cloud::endpoint::Services::default(),
            login_cache: None,
            ca_bundles: Vec::new(),
            duration: None,
            limit: None,
            surroundings: String::new(),
            user: "some user".into(),
            host: "box".into(),
        }
    }

    const ROLE: &str = "arn:aws:iam::444455556666:role/Admin";

    #[test]
    fn behind_a_role_an_hour_is_the_most_and_that_is_said() {
        let session = session(json!({"role_arn": ROLE, "duration": 7200}));
        let mut hop = hop(&session);
        assert_eq!(wanted(&hop).unwrap().0.duration, 7200);
        hop.limit = Some(HOUR);
        let (request, notes) = wanted(&hop).unwrap();
        assert_eq!((request.duration, notes.len()), (3600, 1));
        hop.duration = Some(900);
        let (request, notes) = wanted(&hop).unwrap();
        assert_eq!((request.duration, notes.len()), (900, 0));
    }

    #[test]
    fn the_role_sessions_name_is_filled_and_made_legal() {
        let session =
            session(json!({"role_arn": ROLE, "role_session_name": "{user}@{host}/{session}"}));
        assert!(check_template("{user}@{host}={session}").is_ok());
        assert!(check_template("{nobody}").is_err());
        assert_eq!(wanted(&hop(&session)).unwrap().0.session_name, "some-user@box-prod");
    }

    #[test]
    fn every_part_of_the_request_is_part_of_the_fingerprint() {
        let base = json!({"role_arn": ROLE});
        let of = |fields: serde_json::Value| {
            let session = session(fields);
            AwsIamRoleChained.request(&hop(&session)).unwrap().material.to_string()
        };
        let mut seen = vec![of(base.clone())];
        for (key, value) in [
            ("duration", json!(900)),
            ("external_id", json!("ext")),
            ("role_session_name", json!("me")),
            ("source_identity", json!("me")),
            ("tags", json!({"a": "b"})),
            ("transitive_tags", json!(["a"])),
            ("policy_arns", json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"])),
            ("policy", json!("{}")),
            ("role_arn", json!("arn:aws:iam::444455556666:role/Other")),
        ] {
            let mut fields = base.clone();
            fields[key] = value;
            let material = of(fields);
            assert!(!seen.contains(&material), "{key}");
            seen.push(material);
        }
    }

    #[test]
    fn fields_are_checked_one_by_one_and_together() {
        let refused = |fields| AwsIamRoleChained.check(&session(fields)).is_err();
        assert!(refused(json!({"role_arn": ROLE, "transitive_tags": ["x"]})));
        assert!(!refused(json!({"role_arn": ROLE, "tags": {"x": "y"}, "transitive_tags": ["x"]})));
        let mut abroad = session(json!({"role_arn": ROLE}));
        abroad.region = Some(RegionName::parse("cn-north-1").unwrap());
        assert!(AwsIamRoleChained.check(&abroad).is_err());
        assert!(check_tag("team=a b").is_ok());
        for bad in ["team", "=x", "a\u{7}=b"] {
            assert!(check_tag(bad).is_err(), "{bad:?}");
        }
        assert!(check_policy("{\"Version\":\"2012-10-17\"}").is_ok());
        for bad in ["", "[]", "{", "x"] {
            assert!(check_policy(bad).is_err(), "{bad:?}");
        }
    }
}

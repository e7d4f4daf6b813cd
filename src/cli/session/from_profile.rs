//! `--from-profile P [--replace]`: the key that a profile holds in plain text moves into the vault.
//!
//! The file is touched last, when AWS knows the key, the vault has it and the session is there.

use std::path::PathBuf;

use clap::{Arg, ArgMatches};
use serde_json::Value as Json;

use super::{fields, moving::Moving, secret};
use crate::{
    access::{
        self, AccessError, CredentialProviderFactory, Verified,
        profile::{self, has_temporary_keys, long_term_key, stanza::StoredKey},
    },
    cli::{
        context::Context,
        failure::{Failure, Kind, Outcome},
        known::Known,
        profile::{plain, word},
    },
    cloud::shared_config::Profile,
    model::{
        CredentialKind, Credentials, Grant, RegionName, Session, Timestamp,
        credentials::{KEY_ID, SECRET_KEY},
        session::Fields,
    },
    resolver::{Clocked, Helper, Resolved},
    secret::Secret,
    system::clock,
};

/// The two flags, for a session type whose secret a profile can hold.
pub(super) fn flags() -> [Arg; 2] {
    let help = "Take the key, the MFA device and the region from a profile of ~/.aws, and ask AWS \
                whether the key is good";
    let replace = "Then put leapp where the key stands: the file holds it no more, and the profile \
                   works as before";
    [
        fields::text("from-profile", "PROFILE", help)
            .conflicts_with_all(["from-csv", "secret-access-key-stdin"]),
        fields::flag("replace", replace).requires("from-profile"),
    ]
}

/// A profile whose key is on the move.
pub(super) struct Source {
    profile: String,
    pub(super) given: secret::Given,
    key_id: String,
    file: PathBuf,
    /// Whether a binding is to stand where the key stands.
    replace: bool,
}

/// The profile that the flags name; its fields are put into the session where no flag gave them.
pub(super) fn take(
    context: &Context,
    session: &mut Session,
    factory: &dyn CredentialProviderFactory,
    matches: &ArgMatches,
) -> Outcome<Option<Source>> {
    let named = fields::given(matches, "from-profile").zip(factory.secret());
    let Some((name, form)) = named else { return Ok(None) };
    let name = plain(name);
    let refuse =
        |problem: String| Failure::usage(format!("--from-profile: profile '{name}' {problem}"));
    let loaded = profile::load(context);
    let Some(found) = loaded.shared.profile(name) else {
        let failure = Failure::new(Kind::Incomplete, format!("there is no profile '{name}'"));
        let failure =
            failure.because_all(loaded.problems.iter().map(ToString::to_string).collect());
        return Err(failure.hint("leapp list"));
    };
    if has_temporary_keys(found) {
        return Err(refuse("holds temporary keys, which end by themselves".into())
            .hint(format!("leapp exec {} -- COMMAND", word(name))));
    }
    let key = long_term_key(found).ok_or_else(|| {
        refuse("holds no access key".into()).hint("leapp list shows what each profile is")
    })?;
    let typed = fields::given(matches, "access-key-id");
    if typed.is_some_and(|typed| typed != key.id) {
        return Err(refuse(format!("holds another key ({})", key.place())));
    }
    put_fields(session, factory, found, key.id)?;
    let given = secret::Given::of(form, key.secret, &format!("profile '{name}'"))?;
    Ok(Some(Source {
        profile: name.to_owned(),
        given,
        key_id: key.id.to_owned(),
        file: key.file().to_owned(),
        replace: fields::is_given(matches, "replace"),
    }))
}

/// Key id, device and region.
fn put_fields(
    session: &mut Session,
    factory: &dyn CredentialProviderFactory,
    profile: &Profile,
    key_id: &str,
) -> Outcome<()> {
    let mut own = session.fields.to_map();
    let device = profile.get("mfa_serial").filter(|device| !device.is_empty());
    for (key, value) in [("access_key_id", Some(key_id)), ("mfa_device", device)] {
        let field = factory.fields().iter().find(|field| field.key == key);
        if let (Some(field), Some(value), false) = (field, value, own.contains_key(key)) {
            let value = field.value(&[value.to_owned()]).map_err(fields::wrong)?;
            if value != Json::Null {
                own.insert(key.to_owned(), value);
            }
        }
    }
    session.fields = Fields::from_map(&own);
    if session.region.is_none() {
        let region = profile.get("region").and_then(|text| RegionName::parse(text).ok());
        session.region = region;
    }
    Ok(())
}

impl Source {
    /// Asks AWS, once, whose key it is.
    pub(super) fn verify(
        &self,
        context: &Context,
        known: &Known,
        session: &Session,
        factory: &dyn CredentialProviderFactory,
    ) -> Outcome<Verified> {
        let default = known.catalog.workspace.default_region.as_ref();
        let region = factory.home_region(session, default).map_err(AccessError::from)?;
        let now = Timestamp(clock::now());
        let values = vec![
            (KEY_ID.to_owned(), Secret::new(self.key_id.clone())),
            (SECRET_KEY.to_owned(), self.given.secret.clone()),
        ];
        let grant = Grant { audience: "aws".into(), values, expires_at: now };
        let kind = CredentialKind::SessionKeys;
        let credentials = Credentials { kind, grants: vec![grant], issued_at: now };
        let clocked = Clocked::now(&credentials, 0);
        let manager = context.manager(&known.catalog, None)?;
        let resolved = Resolved { credentials, clocked, kept: None };
        manager.verify(session, &resolved, &region).map_err(|error| {
            let (profile, place) = (&self.profile, self.file.display());
            let failure = Failure::from(error);
            let failure = failure.doing(format!("the key of profile '{profile}' was not moved"));
            match failure.kind {
                Kind::Invalid => {
                    failure.hint(format!("the key in '{place}' is of no use any more"))
                }
                _ => failure,
            }
        })
    }

    /// Looks whether the files could be changed, before anything is. Nothing where they stay.
    pub(super) fn rehearse(&self, context: &Context, known: &Known, id: uuid::Uuid) -> Outcome<()> {
        if !self.replace {
            return Ok(());
        }
        Moving::new(context, known, self, id)?.rehearse(known)
    }

    /// Puts the binding where the key stands. What fails leaves both files as they were, or says what
    /// it could not bring back.
    pub(super) fn replace(&self, context: &Context, known: &Known, id: uuid::Uuid) -> Outcome<()> {
        if !self.replace {
            return Ok(());
        }
        Moving::new(context, known, self, id)?.go(known)?;
        crate::activation::lease::revoke_all(&context.run);
        Ok(())
    }

    /// The profile and its key, for who takes it out of the file.
    pub(super) fn key(&self) -> (&str, StoredKey<'_>) {
        (&self.profile, StoredKey { id: &self.key_id, secret: &self.given.secret })
    }

    /// Says where the key is now.
    pub(super) fn tell(&self, context: &Context, session: &Session) {
        let (name, profile, file) = (&session.name, &self.profile, self.file.display());
        if self.replace {
            context.ui.say(&format!("'{file}' holds it no more: profile '{profile}' asks leapp"));
            if asks(session) {
                context.ui.note(&format!(
                    "programs are never asked for a code: 'leapp start {name}' fetches the \
                     credentials first"
                ));
            }
            return;
        }
        context.ui.note(&format!("'{file}' still holds the key, in profile '{profile}'"));
        context.ui.say(&format!(
            "to put leapp in its place: leapp session add {} {name} --from-profile {} --replace",
            session.session_type,
            word(profile)
        ));
    }

    /// Whether the session is there already, with this very key: then only the file is left to do.
    pub(super) fn is_done(&self, context: &Context, session: &Session) -> Outcome<bool> {
        let factory = access::factory(&session.session_type);
        let form = factory.and_then(CredentialProviderFactory::secret);
        let Some(form) = form.filter(|_| self.replace) else { return Ok(false) };
        let stored = Helper::secret(context, &session.identifier().to_string())?;
        let own = (form.item)(&session.fields.to_map(), &self.given.secret);
        let same_id = session.fields.to_map().get("access_key_id").and_then(Json::as_str)
            == Some(&self.key_id);
        Ok(same_id && stored.is_some_and(|stored| stored.expose() == own.expose()))
    }
}

fn asks(session: &Session) -> bool {
    access::factory(&session.session_type).is_some_and(|factory| factory.asks(session))
}

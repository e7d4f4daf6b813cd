//! What the caller's environment says about an earlier session, and the way back from it.
//!
//! Deliberately absent: the values of credentials. Of those only the presence is kept.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::{EnvDelta, MANAGED, MARKERS, ORIGINALS, Original, Originals, State, VarName};

/// The part of an environment that concerns us.
#[derive(Debug)]
pub struct Inherited {
    /// Every listed variable that is exported, with its value where it is one of [`ORIGINALS`].
    exported: BTreeMap<&'static str, Option<OsString>>,
    state: Option<State>,
}

impl Inherited {
    /// Looks at an environment through `lookup`, for example `std::env::var_os`.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut exported = BTreeMap::new();
        for name in listed() {
            if let Some(value) = lookup(name) {
                exported.insert(name, ORIGINALS.contains(&name).then_some(value));
            }
        }
        let key = lookup("AWS_ACCESS_KEY_ID");
        let state = lookup("LEAPP_STATE")
            .and_then(|text| State::parse(text.to_str()?))
            .filter(|state| state.owns(key.as_deref().and_then(OsStr::to_str)));
        Self { exported, state }
    }

    /// The state, if it speaks of the credentials that are there now: if they are ours.
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// Whether the environment holds `name`; false for a name that is on none of our lists.
    pub fn is_exported(&self, name: &str) -> bool {
        self.exported.contains_key(name)
    }

    /// What the user's own value of one of [`ORIGINALS`] is: where the credentials are ours, the
    /// value that the state recorded, and not what is there now, which our session put there.
    pub fn original(&self, name: &str) -> Option<&OsStr> {
        match self.recorded_ref(name) {
            Original::Set(text) => Some(OsStr::new(text)),
            Original::Unset => None,
            Original::Untouched => self.exported.get(name)?.as_deref(),
        }
    }

    /// The originals to write into the state of the session that `sets` some conditional variables
    /// (`AWS_ENDPOINT_URL`): what an earlier session of ours recorded stays recorded.
    pub fn originals(&self, sets: impl Fn(&str) -> bool) -> Originals {
        let touched = |name: &str| {
            !is_conditional(name) || sets(name) || *self.recorded_ref(name) != Original::Untouched
        };
        Originals::record(touched, |name| self.original(name))
    }

    /// What the shell has to keep before `delta` overwrites it.
    pub fn saving<'a>(&self, delta: &'a EnvDelta) -> Saving<'a> {
        // Where the credentials are ours the shell has saved already, or cannot: it was started
        // inside the session and never saw the originals. Only a variable that no session of ours
        // has touched so far still holds its original.
        let is_due = |name: &str| {
            self.state.is_none()
                || (is_conditional(name) && *self.recorded_ref(name) == Original::Untouched)
        };
        let mut saving = Saving::default();
        for name in delta.names().filter(|name| is_due(name.as_str())) {
            if self.is_exported(name.as_str()) {
                saving.exported.push(name);
            } else {
                saving.others.push(name);
            }
        }
        saving
    }

    /// The way back to the environment before the first session of ours.
    pub fn way_back(&self) -> Return {
        if self.state.is_none() {
            return Return::MarkersOnly;
        }
        let step = |name: &'static str| {
            let otherwise = match self.recorded(name) {
                Original::Set(text) => Some(text),
                Original::Untouched if is_conditional(name) => return None,
                // Outside of the five nothing is recorded: unset, the one safe thing for a secret.
                Original::Unset | Original::Untouched => None,
            };
            Some(Step { name: VarName::listed(name), otherwise })
        };
        Return::Everything(listed().filter_map(step).collect())
    }

    /// What the state recorded for `name`; untouched when the credentials are not ours.
    pub(super) fn recorded(&self, name: &str) -> Original {
        self.recorded_ref(name).clone()
    }

    fn recorded_ref(&self, name: &str) -> &Original {
        self.state.as_ref().map_or(&Original::Untouched, |state| state.originals.original(name))
    }

    #[cfg(test)]
    pub(super) fn is_listed(&self, name: &str) -> bool {
        let _ = self;
        listed().any(|known| known == name)
    }
}

/// What a shell keeps in variables of its own before it changes the environment.
#[derive(Debug, Default)]
pub struct Saving<'a> {
    /// Exported now.
    pub exported: Vec<&'a VarName>,
    /// Not exported: unset, or set for the shell alone, which only the shell knows.
    pub others: Vec<&'a VarName>,
}

/// How to go back.
#[derive(Debug)]
pub enum Return {
    /// The credentials are ours: every variable that a session of ours changed returns. The
    /// ownership tags stand last.
    Everything(Vec<Step>),
    /// The credentials were replaced by somebody else and stay: only our markers go.
    MarkersOnly,
}

/// One variable on the way back.
#[derive(Debug)]
pub struct Step {
    /// The variable.
    pub name: VarName,
    /// What it becomes where the shell has not saved its original: this, or unset.
    pub otherwise: Option<String>,
}

/// Every variable on any list, the markers first and a cloud's ownership tag last.
pub(crate) fn listed() -> impl Iterator<Item = &'static str> {
    let clouds = MANAGED
        .iter()
        .flat_map(|managed| managed.removes.iter().chain(managed.conditional).chain(managed.sets));
    MARKERS.iter().chain(clouds).copied()
}

fn conditional() -> impl Iterator<Item = &'static str> {
    MANAGED.iter().flat_map(|managed| managed.conditional).copied()
}

/// Whether only some sessions set the variable, and the others leave it alone.
pub(crate) fn is_conditional(name: &str) -> bool {
    conditional().any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Managed, Value};
    use super::*;

    fn state(originals: Originals) -> String {
        let state = State {
            kind: Kind::Env,
            identities: vec!["session:a".into()],
            expiry: 1,
            access_key_id: "ASIA1".into(),
            root: Vec::new(),
            originals,
        };
        state.format().unwrap()
    }

    fn read(vars: &[(&str, &str)]) -> Inherited {
        Inherited::read(|name| {
            vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    fn session(endpoint: Option<&str>, before: &Inherited) -> EnvDelta {
        let aws = Managed::of("aws").unwrap();
        let mut values: Vec<_> =
            aws.group.iter().map(|name| (*name, Value::Public("v".into()))).collect();
        values.extend(endpoint.map(|url| ("AWS_ENDPOINT_URL", Value::Public(url.into()))));
        EnvDelta::session(aws, values, before).unwrap()
    }

    #[test]
    fn a_state_counts_only_with_its_own_key_id() {
        let text = state(Originals::default());
        assert!(read(&[("LEAPP_STATE", &text), ("AWS_ACCESS_KEY_ID", "ASIA1")]).state().is_some());
        assert!(read(&[("LEAPP_STATE", &text), ("AWS_ACCESS_KEY_ID", "AKIA")]).state().is_none());
        assert!(read(&[("LEAPP_STATE", &text)]).state().is_none());
        assert!(read(&[("LEAPP_STATE", "x"), ("AWS_ACCESS_KEY_ID", "ASIA1")]).state().is_none());
    }

    #[test]
    fn a_region_that_is_ours_counts_as_the_original() {
        let user = read(&[("AWS_REGION", "eu-west-1")]);
        assert_eq!(user.original("AWS_REGION"), Some(OsStr::new("eu-west-1")));
        let text = state(user.originals(|_| false));
        let ours = [
            ("LEAPP_STATE", text.as_str()),
            ("AWS_ACCESS_KEY_ID", "ASIA1"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", "https://mine"),
        ];
        let inside = read(&ours);
        assert_eq!(inside.original("AWS_REGION"), Some(OsStr::new("eu-west-1")));
        assert_eq!(inside.original("AWS_DEFAULT_REGION"), None);
        // Never ours: what is there is the user's.
        assert_eq!(inside.original("AWS_ENDPOINT_URL"), Some(OsStr::new("https://mine")));
        // And a second session passes the first originals on.
        assert_eq!(inside.originals(|_| false), user.originals(|_| false));
        // Without ownership the state says nothing.
        let foreign = read(&ours[2..]);
        assert_eq!(foreign.original("AWS_REGION"), Some(OsStr::new("us-east-1")));
    }

    #[test]
    fn the_endpoint_of_an_earlier_session_does_not_outlive_it() {
        for (own, expected) in [(None, None), (Some("https://mine"), Some("https://mine"))] {
            let vars: Vec<_> = own.iter().map(|url| ("AWS_ENDPOINT_URL", *url)).collect();
            let user = read(&vars);
            assert!(!session(None, &user).touches("AWS_ENDPOINT_URL"));
            let text = state(user.originals(|name| name == "AWS_ENDPOINT_URL"));
            let inside = read(&[
                ("LEAPP_STATE", &text),
                ("AWS_ACCESS_KEY_ID", "ASIA1"),
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
            ]);
            let next = session(None, &inside);
            let set = next.sets.iter().find(|(name, _)| name.as_str() == "AWS_ENDPOINT_URL");
            assert_eq!(set.map(|(_, value)| value.expose()), expected);
            assert!(next.touches("AWS_ENDPOINT_URL"));
            // Recorded still, so that going back restores it once more.
            assert_eq!(inside.originals(|_| false), user.originals(|_| true));
        }
    }

    #[test]
    fn only_the_first_session_saves() {
        let user = read(&[("AWS_PROFILE", "x")]);
        let delta = session(None, &user);
        let saving = user.saving(&delta);
        assert_eq!(saving.exported.len(), 1);
        assert_eq!(saving.exported.len() + saving.others.len(), delta.names().count());
        let text = state(user.originals(|_| false));
        let inside = read(&[("LEAPP_STATE", &text), ("AWS_ACCESS_KEY_ID", "ASIA1")]);
        let delta = session(None, &inside);
        let saving = inside.saving(&delta);
        assert!(saving.exported.is_empty() && saving.others.is_empty());
        let delta = session(Some("http://127.0.0.1:1"), &inside);
        assert_eq!(inside.saving(&delta).others.len(), 1);
    }

    #[test]
    fn the_way_back_covers_every_list_with_the_key_id_last() {
        assert!(matches!(read(&[]).way_back(), Return::MarkersOnly));
        let text = state(read(&[("AWS_PROFILE", "x")]).originals(|_| false));
        let inside = read(&[("LEAPP_STATE", &text), ("AWS_ACCESS_KEY_ID", "ASIA1")]);
        let Return::Everything(steps) = inside.way_back() else { panic!("not ours") };
        assert_eq!(steps.len(), listed().count() - 1, "all but the endpoint");
        assert_eq!(steps.last().unwrap().name.as_str(), "AWS_ACCESS_KEY_ID");
        for step in steps {
            let expected = (step.name.as_str() == "AWS_PROFILE").then(|| "x".to_owned());
            assert_eq!(step.otherwise, expected, "{}", step.name.as_str());
        }
    }
}

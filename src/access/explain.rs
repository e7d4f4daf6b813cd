//! What would be done for a session, and where its values come from: for people who want to know
//! before it is done.

use serde_json::Value as Json;

use crate::model::Session;

/// One call that would be made, or one program that would be run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// Of whom: `sts`, `sso`, `sso-oidc`, `signin`, `container`, `imds`, `process`, `provider`.
    pub service: &'static str,
    /// What: `AssumeRole`.
    pub operation: String,
    /// Where: an address, else a region.
    pub at: String,
    /// With what, as far as it is no secret.
    pub parameters: Vec<(&'static str, String)>,
}

impl Call {
    /// A call with the parameters that have a value.
    pub(super) fn new(
        service: &'static str,
        operation: &str,
        at: impl Into<String>,
        parameters: Vec<(&'static str, Option<String>)>,
    ) -> Self {
        let given = parameters.into_iter();
        Self {
            service,
            operation: operation.to_owned(),
            at: at.into(),
            parameters: given.filter_map(|(name, value)| Some((name, value?))).collect(),
        }
    }
}

/// One value, and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// What it is called there.
    pub name: String,
    /// The value; `None` for a secret, which is there and not shown.
    pub value: Option<String>,
    /// A file and line, a variable, the workspace.
    pub place: String,
}

/// The values of a session of the workspace.
pub(super) fn of_workspace(session: &Session) -> Vec<Origin> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let region = session.region.as_ref().map(|region| ("region".to_owned(), region.to_string()));
    let fields = session.fields.to_map().into_iter().map(|(key, value)| (key, text(&value)));
    let all = region.into_iter().chain(fields);
    let place = "the workspace";
    all.map(|(name, value)| Origin { name, value: Some(value), place: place.into() }).collect()
}

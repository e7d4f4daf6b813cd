//! `credential_process`: a program of the user's own that prints keys.
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.
//!
//! Its stdout holds keys and is never shown; its stderr is shown when it fails.

use std::{ffi::OsString, path::Path, time::Duration};

use serde::Deserialize;
use serde_json::json;

use super::{
    facts::{Facts, Process},
    validity::{At, Rejection},
};
use crate::{
    access::{
        AccessError, Call, FieldError, Helpers, Hop, Issued, Request, aws,
        source::{self, Place},
    },
    cloud::{
        sts::{SigningKeys, TemporaryKeys},
        times,
    },
    model::Timestamp,
    secret::{Secret, SecretBytes},
    system::{
        child::{self, ChildError, Command, End, Group, Limits, Program},
        clock, hash,
    },
};

/// How long the program may take.
const TIME: Duration = Duration::from_secs(30);
/// Of keys there are a few hundred bytes.
const STDOUT: usize = 256 << 10;
const STDERR: usize = 8 << 10;
/// Keys whose end the program does not tell are asked for again after this, in seconds.
const PRESUMED: i64 = 3600;
/// Names the profiles whose processes are running, outermost first, so that a circle is seen.
pub const CHAIN: &str = "LEAPP_CREDENTIAL_PROCESS_CHAIN";

/// The profiles whose processes have called us.
pub(super) fn chain(place: &dyn Place) -> Vec<String> {
    let text = source::text(place, CHAIN).unwrap_or_default();
    text.split(',').filter(|name| !name.is_empty()).map(unescape).collect()
}

/// Why a profile that waits for us cannot be had from us.
pub(super) fn loops(chain: &[String], name: &str) -> Rejection {
    let from = chain.iter().position(|seen| seen == name).unwrap_or_default();
    let mut names: Vec<&str> = chain.iter().skip(from).map(String::as_str).collect();
    names.push(name);
    Rejection {
        code: "process_loop",
        text: format!("its credential_process asks leapp for it again: {}", names.join(" -> ")),
        at: At::Profile(name.to_owned()),
    }
}

fn escape(name: &str) -> String {
    name.replace('%', "%25").replace(',', "%2C")
}

fn unescape(name: &str) -> String {
    name.replace("%2C", ",").replace("%25", "%")
}

pub(super) fn request(hop: &Hop<'_>, facts: &Facts) -> Request {
    let material = json!({
        "command": facts.process.as_ref().map(|process| &process.command),
        "surroundings": hop.surroundings,
        "duration": hop.duration,
        "mfa_serial": facts.mfa_serial,
        "endpoint": facts.sts_endpoint,
    });
    Request { material: aws::material(hop, &material), asks_person: false, notes: Vec::new() }
}

pub(super) fn issue(
    hop: &Hop<'_>,
    facts: &Facts,
    helpers: &Helpers<'_>,
) -> Result<Issued, AccessError> {
    let name = &facts.profile;
    let command = (helpers.secret)()?.ok_or_else(|| AccessError::Changed(name.clone()))?;
    let command = command.expose();
    if facts.process.as_ref() != Some(&describe(command)) {
        return Err(AccessError::Changed(name.clone()));
    }
    if command.trim().is_empty() {
        let problem = format!("profile '{name}' has an empty one");
        return Err(FieldError { flag: "credential-process".into(), problem }.into());
    }
    let program = first_word(command);
    let answer = run(name, &program, command, helpers)?;
    let keys = parse(answer.expose()).map_err(|problem| AccessError::Program {
        problem: format!("the answer of credential_process ({program}) {problem}"),
        said: None,
        timed_out: false,
    })?;
    let now = clock::now();
    let Keys { key_id, secret_key, session_token, expires_at } = keys;
    let Some(session_token) = session_token else {
        // Long-term keys do not pass through.
        let keys = SigningKeys { key_id, secret_key, session_token: None };
        return super::keys::session_of(hop, facts, keys, helpers);
    };
    let expires_at = expires_at.unwrap_or(Timestamp(now + PRESUMED));
    if expires_at.0 <= now {
        return Err(AccessError::Program {
            problem: format!("credential_process ({program}) gave keys that have ended"),
            said: None,
            timed_out: false,
        });
    }
    let keys =
        TemporaryKeys { key_id, secret_key, session_token, expires_at, issued_at: Timestamp(now) };
    Ok(Issued { credentials: aws::credentials(keys), clock_offset: 0, notes: Vec::new() })
}

/// What is kept of a command.
pub(super) fn describe(command: &str) -> Process {
    let blank = command.trim().is_empty();
    let program = if blank { String::new() } else { first_word(command) };
    let variables = variables(command);
    Process { program, command: hash::full(command.as_bytes()), variables }
}

/// What the program is called, for messages: its arguments are nobody's business, and neither are
/// variables that stand before it.
pub(super) fn first_word(command: &str) -> String {
    let words = shell_words::split(command).unwrap_or_default();
    let is_program = |word: &String| word != "env" && !word.contains('=');
    let program = words.into_iter().find(is_program);
    program.filter(|word| !word.is_empty()).unwrap_or_else(|| "a command".into())
}

/// The beginnings of the variables by which programs for credentials are told who one is.
const TELLING: &[&str] = &[
    "AAD_",
    "ARM_",
    "AWS_",
    "AZURE_",
    "CLOUDSDK_",
    "GOOGLE_",
    "GRANTED_",
    "HOME",
    "KRB5",
    "KUBECONFIG",
    "LOGNAME",
    "OIDC_",
    "OKTA_",
    "ONELOGIN_",
    "SAML",
    "USER",
    "VAULT_",
    "XDG_CONFIG_HOME",
];

/// A hash of what makes the same command another one: the variables by which such programs are told
/// who one is, and those that the command names. All others, such as a terminal's, would only have the
/// program run in each window anew.
pub(super) fn surroundings(process: &Process, place: &dyn Place) -> String {
    let mut seen: Vec<(OsString, OsString)> = place.child_environment();
    seen.retain(|(name, _)| {
        name.to_str().is_some_and(|name| {
            TELLING.iter().any(|begin| name.starts_with(begin))
                || process.variables.iter().any(|named| named == name)
        })
    });
    seen.sort();
    let parts = seen.iter().flat_map(|(name, value)| [name, value]);
    hash::long(parts.map(|part| Some(part.as_encoded_bytes())))
}

/// The variables that a shell would put into the command.
fn variables(command: &str) -> Vec<String> {
    let named = command.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().to_owned()
    });
    named.filter(|name| !name.is_empty()).collect()
}

/// Runs the command as the other SDKs do, through a shell, and returns what it printed.
fn run(
    name: &str,
    program: &str,
    command: &str,
    helpers: &Helpers<'_>,
) -> Result<SecretBytes, AccessError> {
    let mut environment = helpers.place.child_environment();
    let mut asked = chain(helpers.place);
    asked.push(name.to_owned());
    let asked: Vec<String> = asked.iter().map(|name| escape(name)).collect();
    environment.retain(|(key, _)| key != CHAIN);
    environment.push((CHAIN.into(), asked.join(",").into()));
    // Not where the user happens to be: what stands there is not what the profile means, and what one
    // directory got would serve another.
    let directory = Path::new("/");
    let arguments: [OsString; 2] = ["-c".into(), command.into()];
    (helpers.waiting)(&format!("waiting for credential_process ({program})"));
    let finished = child::run(
        &Command {
            program: Program::Path(Path::new("/bin/sh")),
            arguments: &arguments,
            environment: &environment,
            directory,
            input: &SecretBytes::new(Vec::new()),
            // It may ask at the terminal where we may.
            group: if helpers.prompt.can_ask() { Group::Shared } else { Group::Own },
        },
        Limits { time: TIME, stdout: STDOUT, stderr: STDERR },
    );
    let failed = |problem: String, stderr: &[u8], timed_out: bool| {
        let said = String::from_utf8_lossy(stderr);
        let said = said.trim();
        let said = Some(said.to_owned()).filter(|said| !said.is_empty());
        AccessError::Program { problem, said, timed_out }
    };
    match finished {
        Ok(finished) => match finished.end {
            End::Code(0) => Ok(finished.stdout),
            End::Code(code) => Err(failed(
                format!("credential_process ({program}) ended with status {code}"),
                &finished.stderr,
                false,
            )),
            End::Signal(signal) => Err(failed(
                format!("credential_process ({program}) was ended by signal {signal}"),
                &finished.stderr,
                false,
            )),
        },
        Err(ChildError::Interrupted(_)) => Err(AccessError::Cancelled),
        Err(ChildError::TimedOut { stderr, .. }) => Err(failed(
            format!("execution of credential_process ({program}) timed out after 30 s"),
            &stderr,
            true,
        )),
        Err(error) => Err(failed(
            format!("failed to execute credential_process ({program}): {error}"),
            &[],
            false,
        )),
    }
}

/// What the program printed. Not `Debug`: it holds keys.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Version")]
    version: Option<serde_json::Value>,
    #[serde(rename = "AccessKeyId")]
    key_id: Option<String>,
    #[serde(rename = "SecretAccessKey")]
    secret_key: Option<String>,
    #[serde(rename = "SessionToken")]
    session_token: Option<String>,
    #[serde(rename = "Expiration")]
    expiration: Option<String>,
}

struct Keys {
    key_id: String,
    secret_key: Secret,
    session_token: Option<Secret>,
    expires_at: Option<Timestamp>,
}

/// The keys in an answer; the error is a fragment that never quotes it.
fn parse(bytes: &[u8]) -> Result<Keys, String> {
    let answer: Answer = serde_json::from_slice(bytes)
        .map_err(|_| "is no JSON object of the form that is agreed".to_owned())?;
    let secret_key = answer.secret_key.map(Secret::new);
    let session_token =
        answer.session_token.map(Secret::new).filter(|token| !token.expose().is_empty());
    match answer.version {
        Some(version) if version == 1 => {}
        Some(version) if version.is_number() => {
            return Err(format!("is of version {version}; known is version 1"));
        }
        _ => return Err("lacks \"Version\": 1".into()),
    }
    let key_id = answer.key_id.filter(|id| !id.is_empty()).ok_or("lacks AccessKeyId")?;
    let secret_key = secret_key.filter(|key| !key.expose().is_empty());
    let secret_key = secret_key.ok_or("lacks SecretAccessKey")?;
    let expires_at = match answer.expiration.filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(times::parse(&text).ok_or("has an Expiration that is no time")?),
    };
    Ok(Keys { key_id, secret_key, session_token, expires_at })
}

/// The one program, of which the arguments are not shown.
pub(super) fn calls(facts: &Facts) -> Vec<Call> {
    let program = facts.process.as_ref().map(|process| process.program.clone());
    let limit = Some(format!("{} s at most", TIME.as_secs()));
    vec![Call::new("process", "run", program.unwrap_or_default(), vec![("limit", limit)])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_never_quoted() {
        let good = br#"{"Version":1,"AccessKeyId":"ASIAX","SecretAccessKey":"TESTSECRET",
            "SessionToken":"TESTSECRET2","Expiration":"2030-01-01T00:00:00Z","More":1}"#;
        let keys = parse(good).ok().unwrap();
        assert_eq!(keys.key_id, "ASIAX");
        assert_eq!(keys.expires_at.unwrap().rfc3339(), "2030-01-01T00:00:00Z");
        for (bad, text) in [
            ("TESTSECRET", "no JSON"),
            (r#"{"Version":2,"AccessKeyId":"TESTSECRET"}"#, "version 2"),
            (r#"{"AccessKeyId":"TESTSECRET"}"#, "Version"),
            (r#"{"Version":1,"AccessKeyId":"","SecretAccessKey":"TESTSECRET"}"#, "AccessKeyId"),
            (r#"{"Version":1,"AccessKeyId":"TESTSECRET"}"#, "SecretAccessKey"),
            (
                r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"TESTSECRET","Expiration":"soon"}"#,
                "Expiration",
            ),
        ] {
            let error = parse(bad.as_bytes()).err().unwrap();
            assert!(error.contains(text) && !error.contains("TESTSECRET"), "{error}");
        }
    }

    #[test]
    fn the_chain_keeps_names_apart() {
        for name in ["a,b", "a%2Cb", "%", "plain"] {
            assert_eq!(unescape(&escape(name)), name);
            assert!(!escape(name).contains(','));
        }
        let asked = ["x".to_owned(), "a".to_owned(), "b".to_owned()];
        assert!(loops(&asked, "a").text.ends_with("a -> b -> a"));
    }
}

//! Third parties: a program of the user's choosing that lists identities and gives credentials for
//! them, over a small protocol on stdin and stdout. `docs/providers.md` describes it.
//!
//! Each request is a process of its own. Deliberately absent: caching of credentials, a terminal
//! (asking is the trait [`Prompt`]), and any trust in what a provider says.

use std::{ffi::OsString, path::PathBuf, time::Duration};

mod environment;
mod error;
pub mod listing;
mod name;
pub mod reply;
mod request;

pub use environment::build as environment;
pub use error::{FailureKind, Problem, ProviderError};
pub use name::{ProviderName, ProviderNameError};
pub use reply::{Description, Item, Keys, Question, Refusal, RefusalKind, Reply, ReplyError};

use self::request::{Answer, Credentials, Request, Told};
use super::prompt::{OpenQuestion, Prompt, PromptError};
use crate::{
    model::RegionName,
    secret::Secret,
    system::{
        child::{self, ChildError, Command, End, Finished, Group, Limits, Program},
        clock,
        executable::Executable,
    },
};

/// The version of the protocol.
pub const VERSION: u64 = 1;
/// How long a provider may take for credentials where the settings say nothing.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to describe itself, and to list.
const BRIEF: Duration = Duration::from_secs(10);
/// Of bytes on stdout.
const OUTPUT: usize = 1 << 20;
/// Of bytes on stderr that are kept.
const ERRORS: usize = 4 << 10;
/// How many questions a provider may ask before it gives credentials.
const QUESTIONS: usize = 5;

/// A provider, as the settings have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Its name.
    pub name: ProviderName,
    /// The program, an absolute path.
    pub command: PathBuf,
    /// The arguments that it always gets.
    pub arguments: Vec<OsString>,
    /// How long it may take for credentials, without the time that a person takes.
    pub timeout: Duration,
}

/// What is wanted of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The identity, by the provider's id.
    pub id: &'a str,
    /// Where it will work.
    pub region: Option<&'a RegionName>,
    /// For how long, in seconds.
    pub duration: Option<u32>,
}

/// A provider that can be asked.
#[derive(Debug)]
pub struct Provider<'a> {
    settings: &'a Settings,
    environment: &'a [(OsString, OsString)],
}

impl<'a> Provider<'a> {
    /// The one of these settings, which will see that environment: [`environment()`].
    pub fn new(settings: &'a Settings, environment: &'a [(OsString, OsString)]) -> Self {
        Self { settings, environment }
    }

    /// Its settings.
    pub fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// What it is.
    pub fn describe(&self) -> Result<Description, ProviderError> {
        let wanted = "description of itself";
        match self.ask(&Request::Describe, BRIEF, wanted)? {
            Reply::Description(description) => Ok(description),
            other => Err(self.unasked(wanted, other)),
        }
    }

    /// What it can give credentials for.
    pub fn list(&self) -> Result<Vec<Item>, ProviderError> {
        match self.ask(&Request::List, BRIEF, "list")? {
            Reply::Items(items) => Ok(items),
            other => Err(self.unasked("list", other)),
        }
    }

    /// Credentials. What the provider wants to know is asked of `prompt`; `asking` is told when a
    /// person is being asked, and when no more.
    pub fn credentials(
        &self,
        wanted: Wanted<'_>,
        prompt: &dyn Prompt,
        asking: &dyn Fn(bool),
    ) -> Result<Keys, ProviderError> {
        let what = format!("credentials for '{}'", reply::clean(wanted.id));
        let mut answers = Vec::new();
        let mut state: Option<Secret> = None;
        loop {
            let Wanted { id, region, duration } = wanted;
            let can_ask = prompt.can_ask();
            let told = state.as_ref().map(Told);
            let request =
                Credentials { id, region, duration, can_ask, answers: &answers, state: told };
            let timeout = self.settings.timeout;
            match self.ask(&Request::Credentials(request), timeout, &what)? {
                Reply::Credentials(keys) => return self.fresh(&what, keys),
                Reply::Ask(_) if answers.len() == QUESTIONS => {
                    return Err(self.error(&what, Problem::TooManyQuestions(QUESTIONS)));
                }
                Reply::Ask(question) => {
                    answers.push(self.put(&what, &question, prompt, asking)?);
                    state = question.state;
                }
                other => return Err(self.unasked(&what, other)),
            }
        }
    }

    fn fresh(&self, what: &str, keys: Keys) -> Result<Keys, ProviderError> {
        match keys.expires_at {
            Some(end) if end.0 <= clock::now() => Err(self.error(what, Problem::Expired)),
            _ => Ok(keys),
        }
    }

    /// Puts a question to a person.
    fn put(
        &self,
        what: &str,
        question: &Question,
        prompt: &dyn Prompt,
        asking: &dyn Fn(bool),
    ) -> Result<Answer, ProviderError> {
        let open = OpenQuestion {
            asker: self.settings.name.as_str(),
            text: &question.text,
            secret: question.secret,
        };
        asking(true);
        let answer = prompt.answer(&open);
        asking(false);
        match answer {
            Ok(text) => Ok(Answer { id: question.id.clone(), text }),
            Err(PromptError::Cancelled) => Err(self.error(what, Problem::Cancelled)),
            Err(PromptError::Unavailable) => {
                Err(self.error(what, Problem::NeedsPerson(question.text.clone())))
            }
        }
    }

    /// One request, one process.
    fn ask(
        &self,
        request: &Request<'_>,
        time: Duration,
        wanted: &str,
    ) -> Result<Reply, ProviderError> {
        let reply = self.run(request, time).map_err(|problem| self.error(wanted, problem))?;
        match reply {
            Reply::Failed(refusal) => Err(self.error(wanted, Problem::Refused(refusal))),
            reply => Ok(reply),
        }
    }

    fn run(&self, request: &Request<'_>, time: Duration) -> Result<Reply, Problem> {
        let program = Executable::open(&self.settings.command)?;
        let command = Command {
            program: Program::Checked(&program),
            arguments: &self.settings.arguments,
            environment: self.environment,
            directory: std::path::Path::new("/"),
            input: &request.text(),
            // Questions come over the protocol, so that they reach a person or nobody.
            group: Group::Own,
        };
        let limits = Limits { time, stdout: OUTPUT, stderr: ERRORS };
        let Finished { end, stdout, stderr } =
            child::run(&command, limits).map_err(|error| match error {
                ChildError::TimedOut { after, stderr } => {
                    Problem::TimedOut { seconds: after.as_secs(), last: error::last_line(&stderr) }
                }
                other => other.into(),
            })?;
        match (end, reply::parse(stdout.expose())) {
            // Whoever says what is wrong need not end well.
            (End::Code(0), reply) => Ok(reply?),
            (End::Code(_), Ok(reply @ Reply::Failed(_))) => Ok(reply),
            (end, _) => Err(Problem::Crashed { end, last: error::last_line(&stderr) }),
        }
    }

    fn unasked(&self, wanted: &str, reply: Reply) -> ProviderError {
        self.error(wanted, Problem::Unasked(reply.word()))
    }

    fn error(&self, wanted: &str, problem: Problem) -> ProviderError {
        let (provider, wanted) = (self.settings.name.clone(), wanted.to_owned());
        ProviderError { provider, wanted, problem }
    }
}

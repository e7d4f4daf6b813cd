//! The state of a connection: an identity, a region, and what is known of the two together.
//!
//! Pure: events in, states out. Deliberately absent: looking, asking, telling, and exit statuses.

use crate::model::Timestamp;

/// Whom a connection speaks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The identifier, as text.
    pub identifier: String,
    /// The name that commands take.
    pub name: String,
}

/// One of the two parts that a connection is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part<T> {
    /// It is this one.
    Chosen(T),
    /// There is none, and why where that is known.
    Missing(Option<String>),
    /// It is open as long as the other part is missing.
    Open,
}

/// What a connection is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Selection {
    /// Whose credentials.
    pub identity: Part<Identity>,
    /// Where.
    pub region: Part<String>,
}

/// Which parts are missing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Missing {
    /// The identity: none was chosen, it is gone, or it cannot be used.
    pub identity: bool,
    /// The region.
    pub region: bool,
}

/// What a person must do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Need {
    /// Confirm the use of what is protected.
    Confirm,
    /// Log in with another tool.
    Login,
    /// Type the code of a device.
    Mfa,
    /// Open the vault.
    Unlock,
}

/// Why there is no connection although nothing is missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Something here failed.
    Failed,
    /// The provider refused.
    Refused,
    /// The vault or the workspace failed.
    Storage,
    /// The provider could not be reached.
    Unreachable,
}

/// Who the provider says that it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    /// The account.
    pub account: String,
    /// The principal.
    pub arn: String,
}

/// What is known of a connection. [`State::Inactive`] and [`State::Pending`] are leapp's own: what
/// is not cached is fetched when it is needed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State {
    /// There are no credentials now, and nobody is needed to have them.
    Inactive,
    /// Something was not chosen, is gone, or cannot be used.
    Incomplete {
        /// What.
        missing: Missing,
        /// Why, where that is known.
        cause: Option<String>,
    },
    /// Nothing has been read yet.
    Initializing,
    /// It does not work.
    Invalid {
        /// In which way.
        reason: Reason,
        /// What was said.
        cause: String,
    },
    /// A process is fetching the credentials.
    Pending,
    /// A person must act.
    RequiresUserAction {
        /// How.
        need: Need,
        /// The exact command.
        command: String,
        /// What is lacking, where more is known than the need.
        cause: Option<String>,
    },
    /// It works.
    Valid {
        /// When the credentials end, by this machine's clock.
        expires: Timestamp,
        /// Seconds until then, at the time of the look.
        left: i64,
        /// When they were issued, where that is known.
        started: Option<Timestamp>,
        /// What the provider said, if it was asked.
        caller: Option<Caller>,
    },
    /// It is being looked at.
    Validating,
}

impl Need {
    /// The word for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Login => "login",
            Self::Mfa => "mfa",
            Self::Unlock => "unlock",
        }
    }
}

impl Reason {
    /// The word for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Storage => "storage",
            Self::Unreachable => "unreachable",
        }
    }
}

impl State {
    /// The word for machines.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Incomplete { .. } => "incomplete",
            Self::Initializing => "initializing",
            Self::Invalid { .. } => "invalid",
            Self::Pending => "pending",
            Self::RequiresUserAction { .. } => "requires-user-action",
            Self::Valid { .. } => "valid",
            Self::Validating => "validating",
        }
    }

    /// Whether it stays as it is until somebody does something.
    pub fn is_terminal(&self) -> bool {
        !matches!(self, Self::Initializing | Self::Pending | Self::Validating)
    }

    /// Whether it makes sense to look again: not while a look is under way, and not while there is
    /// nothing to look at.
    pub fn can_refresh(&self) -> bool {
        !matches!(self, Self::Incomplete { .. } | Self::Initializing | Self::Validating)
    }
}

/// What happens to a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A validation has ended.
    Answered {
        /// Which one.
        stamp: u64,
        /// With what.
        answer: Answer,
    },
    /// What the identity is made of was changed.
    Modified,
    /// Somebody wants to know anew.
    Refreshed,
    /// Something was chosen, or what was chosen is gone.
    Selected(Selection),
}

/// How a validation ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The person stopped it: nothing is known that was not known before.
    Cancelled,
    /// The state now.
    Is(State),
}

/// A validation that is to be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validation {
    /// What its answer is known by.
    pub stamp: u64,
    /// The first one of a connection asks nobody.
    pub asks_nobody: bool,
}

/// What an event led to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Step {
    /// Whether the state is another one, or the same anew.
    pub changed: bool,
    /// What is to be done.
    pub start: Option<Validation>,
}

/// An identity and a region, and their state.
#[derive(Clone, Debug)]
pub struct Connection {
    selection: Selection,
    state: State,
    /// The last state that was not on the way to another one.
    settled: State,
    stamp: u64,
    validated: bool,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            selection: Selection { identity: Part::Missing(None), region: Part::Open },
            state: State::Initializing,
            settled: State::Initializing,
            stamp: 0,
            validated: false,
        }
    }
}

impl Connection {
    /// The state now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The identity, where there is one.
    pub fn identity(&self) -> Option<&Identity> {
        match &self.selection.identity {
            Part::Chosen(identity) => Some(identity),
            Part::Missing(_) | Part::Open => None,
        }
    }

    /// The region, where there is one.
    pub fn region(&self) -> Option<&str> {
        match &self.selection.region {
            Part::Chosen(region) => Some(region),
            Part::Missing(_) | Part::Open => None,
        }
    }

    /// Takes an event in.
    pub fn on(&mut self, event: Event) -> Step {
        match event {
            Event::Selected(selection) => {
                self.leave();
                self.selection = selection;
                self.validate()
            }
            Event::Modified => {
                self.leave();
                self.validate()
            }
            Event::Refreshed if self.state.can_refresh() => {
                self.leave();
                self.validate()
            }
            // What belongs to an earlier choice is never shown.
            Event::Answered { stamp, answer }
                if stamp == self.stamp && self.state == State::Validating =>
            {
                self.state = match answer {
                    Answer::Cancelled => self.settled.clone(),
                    Answer::Is(state) => state,
                };
                Step { changed: true, start: None }
            }
            Event::Answered { .. } | Event::Refreshed => Step::default(),
        }
    }

    /// Whatever changes, the old state ends first, and with it every validation under way.
    fn leave(&mut self) {
        if self.state != State::Validating {
            self.settled = self.state.clone();
        }
        self.state = State::Validating;
        self.stamp = self.stamp.wrapping_add(1);
    }

    fn validate(&mut self) -> Step {
        if let Some(state) = incomplete(&self.selection) {
            self.state = state;
            return Step { changed: true, start: None };
        }
        let asks_nobody = !std::mem::replace(&mut self.validated, true);
        Step { changed: true, start: Some(Validation { stamp: self.stamp, asks_nobody }) }
    }

    /// The state in a sentence.
    pub fn long(&self) -> String {
        let name = self.name();
        match &self.state {
            State::Initializing => "reading what is in use".to_owned(),
            State::Validating => format!("validating the connection of '{name}' to AWS"),
            State::Valid { .. } => format!("{}@{}", self.whole_name(), self.place()),
            State::Inactive => {
                format!("'{name}' has no credentials now; they are fetched when they are needed")
            }
            State::Pending => format!("the credentials of '{name}' are being fetched"),
            State::Incomplete { missing, cause } => {
                with(nothing_selected(*missing), cause.as_ref())
            }
            State::Invalid { cause, .. } => format!("unable to connect to AWS: {cause}"),
            State::RequiresUserAction { need, cause, .. } => {
                let what = match need {
                    Need::Confirm => format!("'{name}' is protected, and must be confirmed"),
                    Need::Login => format!("'{name}' requires you to log in"),
                    Need::Mfa => format!("'{name}' requires MFA to connect"),
                    Need::Unlock => format!("'{name}' requires you to unlock the vault"),
                };
                with(&what, cause.as_ref())
            }
        }
    }

    /// The state in a few words.
    pub fn short(&self) -> String {
        match &self.state {
            State::Initializing => "initializing".to_owned(),
            State::Validating => "validating the connection".to_owned(),
            State::Valid { .. } => format!("{}@{}", self.name(), self.place()),
            State::Inactive => "inactive".to_owned(),
            State::Pending => "pending".to_owned(),
            State::Incomplete { missing, .. } => nothing_selected(*missing).to_owned(),
            State::Invalid { .. } => "unable to connect".to_owned(),
            State::RequiresUserAction { need, .. } => match need {
                Need::Confirm => "confirmation required",
                Need::Login => "login required",
                Need::Mfa => "MFA code required",
                Need::Unlock => "vault locked",
            }
            .to_owned(),
        }
    }

    /// The commands that lead on from here, the nearest first.
    pub fn actions(&self) -> Vec<String> {
        let name = shell_words::quote(self.name()).into_owned();
        match &self.state {
            State::Initializing | State::Pending | State::Valid { .. } | State::Validating => {
                Vec::new()
            }
            State::Inactive => vec![format!("leapp start {name}")],
            State::Incomplete { missing, .. } => {
                let add = ["leapp list", "leapp session add"];
                let region = ["leapp region set REGION"];
                let of = |is: bool, commands: &[&str]| {
                    let commands = commands.iter().map(|command| (*command).to_owned());
                    commands.filter(|_| is).collect::<Vec<_>>()
                };
                [of(missing.identity, &add), of(missing.region, &region)].concat()
            }
            State::Invalid { .. } => {
                let retry = format!("leapp status {name} --check");
                vec![retry, "leapp list".to_owned(), "leapp session add".to_owned()]
            }
            State::RequiresUserAction { command, .. } => vec![command.clone()],
        }
    }

    fn name(&self) -> &str {
        self.identity().map_or("", |identity| identity.name.as_str())
    }

    /// What the identity is and is called.
    fn whole_name(&self) -> String {
        let Some(Identity { identifier, name }) = self.identity() else { return String::new() };
        // A session is better known by its name than by its UUID.
        if identifier.starts_with("session:") {
            format!("session:{name}")
        } else {
            identifier.clone()
        }
    }

    fn place(&self) -> &str {
        self.region().unwrap_or_default()
    }
}

/// The state of a selection that lacks something; `None` for one that can be validated.
fn incomplete(selection: &Selection) -> Option<State> {
    let (no_identity, why_identity) = lack(&selection.identity);
    let (no_region, why_region) = lack(&selection.region);
    let missing = Missing { identity: no_identity, region: no_region };
    (no_identity || no_region)
        .then(|| State::Incomplete { missing, cause: why_identity.or(why_region) })
}

fn lack<T>(part: &Part<T>) -> (bool, Option<String>) {
    match part {
        Part::Missing(cause) => (true, cause.clone()),
        Part::Chosen(_) | Part::Open => (false, None),
    }
}

fn nothing_selected(missing: Missing) -> &'static str {
    match (missing.identity, missing.region) {
        (true, true) => "no region or credentials selected",
        (false, true) => "no region selected",
        (true | false, false) => "no credentials selected",
    }
}

fn with(what: &str, cause: Option<&String>) -> String {
    cause.map_or_else(|| what.to_owned(), |cause| format!("{what}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(name: &str, region: &str) -> Selection {
        let identity = Identity { identifier: format!("profile:{name}"), name: name.to_owned() };
        Selection { identity: Part::Chosen(identity), region: Part::Chosen(region.to_owned()) }
    }

    fn valid() -> State {
        State::Valid {
            expires: Timestamp(3600),
            left: 3600,
            started: Some(Timestamp(0)),
            caller: None,
        }
    }

    fn action(need: Need, command: &str, cause: Option<&str>) -> State {
        let cause = cause.map(str::to_owned);
        State::RequiresUserAction { need, command: command.to_owned(), cause }
    }

    fn missing(parts: &str, cause: Option<&str>) -> State {
        let (identity, region) = (parts.contains("identity"), parts.contains("region"));
        let missing = Missing { identity, region };
        State::Incomplete { missing, cause: cause.map(str::to_owned) }
    }

    fn invalid(reason: Reason) -> State {
        State::Invalid { reason, cause: "AccessDenied: no".to_owned() }
    }

    /// A connection of 'dev' in eu-west-1 that has come to a state.
    fn at(state: State) -> Connection {
        let mut connection = Connection::default();
        let step = connection.on(Event::Selected(selection("dev", "eu-west-1")));
        if state != State::Validating {
            let stamp = step.start.unwrap().stamp;
            connection.on(Event::Answered { stamp, answer: Answer::Is(state) });
        }
        connection
    }

    /// State, word, whether it is terminal and can be refreshed, long, short, actions.
    #[derive(Clone)]
    struct Row(State, &'static str, (bool, bool), String, &'static str, &'static [&'static str]);

    fn rows() -> Vec<Row> {
        let long = |text: &str| text.to_owned();
        let fetched = "'dev' has no credentials now; they are fetched when they are needed";
        let refused = "unable to connect to AWS: AccessDenied: no";
        let connect = "unable to connect";
        let (invalid_row, both) = (invalid, (true, true));
        let retry: &[&str] = &["leapp status dev --check", "leapp list", "leapp session add"];
        let validating = long("validating the connection of 'dev' to AWS");
        let (short, way) = ("validating the connection", (false, false));
        vec![
            Row(valid(), "valid", both, long("profile:dev@eu-west-1"), "dev@eu-west-1", &[]),
            Row(State::Inactive, "inactive", both, long(fetched), "inactive", &["leapp start dev"]),
            Row(
                State::Pending,
                "pending",
                (false, true),
                long("the credentials of 'dev' are being fetched"),
                "pending",
                &[],
            ),
            Row(State::Validating, "validating", way, validating, short, &[]),
            Row(invalid_row(Reason::Refused), "invalid", both, long(refused), connect, retry),
            Row(invalid_row(Reason::Unreachable), "invalid", both, long(refused), connect, retry),
        ]
    }

    fn incomplete_rows() -> Vec<Row> {
        let unusable = "Profile 'dev' is missing required property sso_region";
        let unknown = "there is no AWS region \"x\"";
        let (all, none) = ("no region or credentials selected", "no credentials selected");
        let rows: [(&str, Option<&str>, &str, &[&str]); 4] = [
            (
                "identity region",
                None,
                all,
                &["leapp list", "leapp session add", "leapp region set REGION"],
            ),
            ("region", Some(unknown), "no region selected", &["leapp region set REGION"]),
            ("identity", None, none, &["leapp list", "leapp session add"]),
            ("identity", Some(unusable), none, &["leapp list", "leapp session add"]),
        ];
        let row = |(parts, cause, short, actions): (_, Option<&str>, &'static str, _)| {
            let long = cause.map_or_else(|| short.to_owned(), |cause| format!("{short}: {cause}"));
            Row(missing(parts, cause), "incomplete", (true, false), long, short, actions)
        };
        rows.map(row).into()
    }

    fn action_rows() -> Vec<Row> {
        let login = "aws sso login --sso-session work";
        let ended = Some("the token has ended");
        let row = |state, long: &str, short, actions| {
            Row(state, "requires-user-action", (true, true), long.to_owned(), short, actions)
        };
        let start = |need| action(need, "leapp start dev", None);
        vec![
            row(
                start(Need::Mfa),
                "'dev' requires MFA to connect",
                "MFA code required",
                &["leapp start dev"],
            ),
            row(
                action(Need::Login, login, ended),
                "'dev' requires you to log in: the token has ended",
                "login required",
                &["aws sso login --sso-session work"],
            ),
            row(
                start(Need::Unlock),
                "'dev' requires you to unlock the vault",
                "vault locked",
                &["leapp start dev"],
            ),
            row(
                start(Need::Confirm),
                "'dev' is protected, and must be confirmed",
                "confirmation required",
                &["leapp start dev"],
            ),
        ]
    }

    #[test]
    fn every_state_has_its_words_and_its_way_on() {
        let begin = Connection::default();
        assert_eq!((begin.state(), begin.short().as_str()), (&State::Initializing, "initializing"));
        assert_eq!(begin.long(), "reading what is in use");
        assert!(!begin.state().is_terminal() && !begin.state().can_refresh());
        let all = [rows(), incomplete_rows(), action_rows()].concat();
        for Row(state, word, flags, long, short, actions) in all {
            let connection = at(state.clone());
            assert_eq!(connection.state(), &state);
            assert_eq!(state.as_str(), word);
            assert_eq!((state.is_terminal(), state.can_refresh()), flags, "{state:?}");
            assert_eq!((connection.long(), connection.short().as_str()), (long, short));
            assert_eq!(connection.actions(), actions, "{state:?}");
        }
    }

    #[test]
    fn a_choice_is_validated_once_and_the_first_time_nobody_is_asked() {
        let mut connection = Connection::default();
        let first = connection.on(Event::Selected(selection("dev", "eu-west-1")));
        assert_eq!(first.start, Some(Validation { stamp: 1, asks_nobody: true }));
        assert_eq!(connection.state(), &State::Validating);
        let again = connection.on(Event::Answered { stamp: 1, answer: Answer::Is(valid()) });
        assert_eq!(again, Step { changed: true, start: None });
        for event in [Event::Modified, Event::Refreshed, Event::Selected(selection("b", "c"))] {
            let step = connection.on(event);
            let start = step.start.unwrap();
            assert!(!start.asks_nobody && step.changed);
            assert_eq!(connection.state(), &State::Validating);
            connection.on(Event::Answered { stamp: start.stamp, answer: Answer::Is(valid()) });
            assert_eq!(connection.state(), &valid());
        }
    }

    #[test]
    fn a_late_answer_is_dropped() {
        let mut connection = Connection::default();
        let old = connection.on(Event::Selected(selection("a", "r"))).start.unwrap().stamp;
        let new = connection.on(Event::Selected(selection("b", "r"))).start.unwrap().stamp;
        let late = connection.on(Event::Answered { stamp: old, answer: Answer::Is(valid()) });
        assert_eq!((late, connection.state()), (Step::default(), &State::Validating));
        let answer = Answer::Is(invalid(Reason::Refused));
        assert!(connection.on(Event::Answered { stamp: new, answer }).changed);
        let twice = connection.on(Event::Answered { stamp: new, answer: Answer::Is(valid()) });
        assert_eq!((twice, connection.state()), (Step::default(), &invalid(Reason::Refused)));
        // What was removed meanwhile stays removed.
        let stamp = connection.on(Event::Refreshed).start.unwrap().stamp;
        let gone = Selection { identity: Part::Missing(None), region: Part::Open };
        assert_eq!(connection.on(Event::Selected(gone)).start, None);
        connection.on(Event::Answered { stamp, answer: Answer::Is(valid()) });
        assert_eq!(connection.state(), &missing("identity", None));
    }

    #[test]
    fn what_is_incomplete_asks_nothing_and_is_not_refreshed() {
        let mut connection = at(valid());
        for parts in ["identity", "region", "identity region"] {
            let mut selected = selection("dev", "eu-west-1");
            if parts.contains("identity") {
                selected.identity = Part::Missing(None);
            }
            if parts.contains("region") {
                selected.region = Part::Missing(Some("why".to_owned()));
            }
            let step = connection.on(Event::Selected(selected));
            assert_eq!(step, Step { changed: true, start: None });
            let cause = parts.contains("region").then_some("why");
            assert_eq!(connection.state(), &missing(parts, cause));
            assert_eq!(connection.on(Event::Refreshed), Step::default());
            assert_eq!(connection.on(Event::Modified).start, None);
        }
        assert!(connection.on(Event::Selected(selection("dev", "r"))).start.is_some());
    }

    #[test]
    fn cancelled_leaves_what_was_known() {
        for state in [valid(), State::Inactive, invalid(Reason::Refused)] {
            let mut connection = at(state.clone());
            connection.on(Event::Refreshed);
            let stamp = connection.on(Event::Modified).start.unwrap().stamp;
            connection.on(Event::Answered { stamp, answer: Answer::Cancelled });
            assert_eq!(connection.state(), &state);
        }
    }

    #[test]
    fn a_session_is_called_by_its_name() {
        let mut connection = Connection::default();
        let mut selected = selection("my prod", "us-east-1");
        let identifier = "session:5d8f1c0e-6a0b-4b9f-9c47-2f1e83a6d0b2".to_owned();
        selected.identity = Part::Chosen(Identity { identifier, name: "my prod".to_owned() });
        let stamp = connection.on(Event::Selected(selected)).start.unwrap().stamp;
        connection.on(Event::Answered { stamp, answer: Answer::Is(valid()) });
        assert_eq!(connection.long(), "session:my prod@us-east-1");
        let stamp = connection.on(Event::Refreshed).start.unwrap().stamp;
        connection.on(Event::Answered { stamp, answer: Answer::Is(State::Inactive) });
        assert_eq!(connection.actions(), ["leapp start 'my prod'"]);
    }
}

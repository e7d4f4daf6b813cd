//! `leapp status --watch`: stays, validates anew what is in use when it changes, and tells what else
//! comes, changes and goes.
//!
//! An identity that is gone leads to nothing else. A file that cannot be read changes nothing.
//! Deliberately absent: asking anybody anything.

use std::{os::fd::AsFd, time::Duration};

use nix::poll::PollFlags;
use serde_json::{Value as Json, json};

use super::{
    changes::{Changed, Snapshot},
    choice::{self, Chosen, in_a_line},
    jobs::{Job, Jobs, surroundings},
    tell::{self, Facts},
};
use crate::{
    access::source::{self, Problem},
    cli::{
        args::StatusArgs,
        context::Context,
        failure::{Failure, Kind, Outcome},
        known::Known,
        print, print_json,
    },
    model::{CredentialIdentifier, RegionName, Session, Timestamp},
    output::table::visible,
    resolver::connection::{Connection, Event, Part, Selection, State, Step},
    system::{clock, watch::Watch},
    ui::Manner,
};

/// So long nothing more happens to the files before they are read.
const QUIET: Duration = Duration::from_millis(100);
/// How often that is waited for.
const ROUNDS: usize = 20;
/// The longest wait while credentials run out: the machine may have slept.
const NAP: i64 = 60;
/// How long another process's request is waited for, in seconds.
const PENDING: i64 = 2;

/// Runs until it is ended, or nobody reads any more.
pub(super) fn run(context: &Context, args: &StatusArgs) -> Outcome<u8> {
    let failed =
        |error: std::io::Error| Failure::new(Kind::Failed, error.to_string()).doing("cannot watch");
    // Watched first: what changes while it is read is read again.
    let mut files = source::files(context);
    files.push(context.home.workspace());
    let mut watch = Watch::begin(files);
    let mut watcher = Watcher::begin(context, args).map_err(failed)?;
    watcher.reload()?;
    let stdout = std::io::stdout();
    loop {
        let answer = (watcher.jobs.descriptor(), PollFlags::POLLIN);
        let reader = (stdout.as_fd(), PollFlags::empty());
        let woken = watch.wait(&[answer, reader], watcher.time_left()).map_err(failed)?;
        if woken.others.get(1) == Some(&true) {
            return Err(Failure::silent());
        }
        if woken.others.first() == Some(&true) {
            watcher.answered()?;
        }
        if woken.files {
            for _ in 0..ROUNDS {
                if !watch.wait(&[], Some(QUIET)).map_err(failed)?.files {
                    break;
                }
            }
            watcher.reload()?;
        }
        watcher.look_at_clock()?;
    }
}

/// Whose connection is watched.
enum Subject {
    /// This identity, whatever becomes of it.
    Identity(CredentialIdentifier),
    /// What a name will mean when it means something; without a name, nothing.
    Nobody(Option<String>),
}

/// What is watched, and what was seen.
struct Watcher<'a> {
    context: &'a Context,
    args: &'a StatusArgs,
    manner: Manner,
    jobs: Jobs,
    subject: Subject,
    connection: Connection,
    facts: Facts,
    /// The last good look; none before the first.
    seen: Option<Seen>,
    problems: Vec<String>,
    /// When it is time to look again.
    due: Option<i64>,
}

/// A look at everything.
struct Seen {
    snapshot: Snapshot,
    /// What is in use, and what it consists of.
    content: Option<String>,
    selection: Selection,
}

impl<'a> Watcher<'a> {
    fn begin(context: &'a Context, args: &'a StatusArgs) -> std::io::Result<Self> {
        let manner = context.ui.manner();
        Ok(Self {
            context,
            args,
            manner,
            jobs: Jobs::new(manner)?,
            subject: Subject::Nobody(args.name.clone()),
            connection: Connection::default(),
            facts: Facts { name: args.name.clone(), ..Facts::default() },
            seen: None,
            problems: Vec::new(),
            due: None,
        })
    }

    /// Reads everything anew, and acts upon what is different.
    fn reload(&mut self) -> Outcome<()> {
        let fresh = surroundings(self.manner)?;
        let known = fresh.known();
        let snapshot = Snapshot::of(&fresh, &known);
        if !self.is_readable(&known)? && self.seen.is_some() {
            return Ok(());
        }
        let changes = self.seen.as_ref().map(|seen| snapshot.since(&seen.snapshot));
        for changed in changes.unwrap_or_default() {
            self.tell_change(&changed)?;
        }
        let (selection, session) = self.select(&known)?;
        let name = self.connection.identity().map(|identity| identity.name.clone());
        let name = name.or_else(|| self.facts.name.take());
        self.facts = session.map(Facts::of).unwrap_or_default();
        self.facts.name = name;
        let content = session.and_then(|session| {
            snapshot.content(&session.identifier().to_string()).map(str::to_owned)
        });
        let before = self.seen.replace(Seen {
            snapshot,
            content: content.clone(),
            selection: selection.clone(),
        });
        let event = match before {
            Some(before) if before.selection != selection => Event::Selected(selection),
            Some(before) if before.content != content => Event::Modified,
            Some(_) => return Ok(()),
            None => Event::Selected(selection),
        };
        let step = self.connection.on(event);
        self.follow(step)
    }

    /// Whether every file could be read. What could not is told once.
    fn is_readable(&mut self, known: &Known) -> Outcome<bool> {
        let mut problems: Vec<Problem> = known.problems.clone();
        if let Err(failure) = known.readable() {
            let (file, text) = (self.context.home.workspace(), in_a_line(&failure));
            problems.push(Problem { file, place: None, text });
        }
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for (problem, text) in problems.iter().zip(&texts) {
            if !self.problems.contains(text) {
                self.tell_problem(problem)?;
            }
        }
        self.problems = texts;
        Ok(problems.is_empty())
    }

    /// What is in use now.
    fn select<'k>(&mut self, known: &'k Known) -> Outcome<(Selection, Option<&'k Session>)> {
        let found = match &self.subject {
            Subject::Identity(id) => known.find(&id.to_string()),
            Subject::Nobody(name) => match choice::choose(self.context, known, name.as_deref())? {
                Chosen::Session(session) | Chosen::Shell(Some(session)) => Ok(session),
                Chosen::Missing(failure) => Err(failure),
                Chosen::Shell(None) => Err(Failure::new(
                    Kind::Incomplete,
                    "what this shell's credentials were made from is not here to be watched",
                )),
            },
        };
        let session = match found {
            Ok(session) => session,
            Err(failure) => return Ok((nobody(in_a_line(&failure)), None)),
        };
        self.subject = Subject::Identity(session.identifier());
        if let Err(error) = known.catalog.chain(session) {
            return Ok((nobody(error.to_string()), None));
        }
        let identity = Part::Chosen(choice::identity(session));
        let flag = self.args.region.as_ref();
        let region = match choice::region_of(self.context, known, session, flag) {
            Ok(Ok(choice)) => Part::Chosen(choice.region.to_string()),
            // A flag that is wrong from the start is a wrong argument.
            Err(failure) if self.seen.is_none() => return Err(failure),
            Ok(Err(failure)) | Err(failure) => Part::Missing(Some(failure.in_a_line())),
        };
        Ok((Selection { identity, region }, Some(session)))
    }

    /// Takes in what validations have found.
    fn answered(&mut self) -> Outcome<()> {
        let Some(done) = self.jobs.next() else { return Ok(()) };
        let step = self.connection.on(Event::Answered { stamp: done.stamp, answer: done.answer });
        if step.changed {
            self.facts.checked = done.checked;
        }
        self.follow(step)
    }

    /// Tells the new state, and starts what follows from it.
    fn follow(&mut self, step: Step) -> Outcome<()> {
        if !step.changed {
            return Ok(());
        }
        if step.start.is_some() {
            self.facts.checked = false;
        }
        self.due = match self.connection.state() {
            State::Valid { expires, .. } => Some(expires.0),
            State::Pending => Some(clock::now() + PENDING),
            _ => None,
        };
        self.tell_state()?;
        let Some(validation) = step.start else { return Ok(()) };
        let region = self.connection.region().and_then(|text| RegionName::parse(text).ok());
        if let (Subject::Identity(identifier), Some(region)) = (&self.subject, region) {
            self.jobs.start(Job {
                stamp: validation.stamp,
                identifier: identifier.clone(),
                region,
                deep: self.args.check,
            });
        }
        Ok(())
    }

    /// How long nothing is due.
    fn time_left(&self) -> Option<Duration> {
        let left = self.due? - clock::now();
        // A clock has whole seconds: what ends within this one is looked at in the next.
        u64::try_from(left.clamp(0, NAP) + 1).ok().map(Duration::from_secs)
    }

    fn look_at_clock(&mut self) -> Outcome<()> {
        if self.due.is_none_or(|due| due > clock::now()) {
            return Ok(());
        }
        self.due = None;
        let step = self.connection.on(Event::Refreshed);
        self.follow(step)
    }

    fn tell_state(&self) -> Outcome<()> {
        if self.manner.json {
            return event("state", tell::members(&self.connection, &self.facts));
        }
        if !self.connection.state().is_terminal() {
            return Ok(());
        }
        let mut text = tell::line(&self.connection, &self.facts);
        if let Some(next) = tell::next(&self.connection) {
            text.push_str(&format!("; next: {}", visible(&next)));
        }
        line("state", &text)
    }

    fn tell_change(&self, changed: &Changed) -> Outcome<()> {
        let Changed { change, identifier, name } = changed;
        if self.manner.json {
            return event(change.as_str(), json!({ "identifier": identifier, "name": name }));
        }
        let shown = match identifier.strip_prefix("session:") {
            Some(_) => format!("session:{name}"),
            None => identifier.clone(),
        };
        line(change.as_str(), &visible(&shown))
    }

    fn tell_problem(&self, problem: &Problem) -> Outcome<()> {
        if !self.manner.json {
            return line("problem", &visible(&problem.to_string()));
        }
        event(
            "problem",
            json!({
                "message": problem.to_string(),
                "file": problem.file.display().to_string(),
                "line": problem.place.map(|(line, _)| line),
                "column": problem.place.map(|(_, column)| column),
                "error": problem.text,
            }),
        )
    }
}

fn nobody(cause: String) -> Selection {
    Selection { identity: Part::Missing(Some(cause)), region: Part::Open }
}

/// One event for programs.
fn event(word: &str, mut members: Json) -> Outcome<()> {
    if let Some(members) = members.as_object_mut() {
        members.insert("event".into(), word.into());
        members.insert("time".into(), Timestamp(clock::now()).rfc3339().into());
    }
    print_json(&members)
}

/// One event for people.
fn line(word: &str, text: &str) -> Outcome<()> {
    let zone = jiff::tz::TimeZone::system();
    let now = jiff::Timestamp::from_second(clock::now()).unwrap_or_default().to_zoned(zone);
    print(&format!("{}  {word:8}  {text}\n", now.strftime("%H:%M:%S")))
}

//! Validations beside the watch, each in a thread with surroundings of its own: what changes during
//! a slow one is seen all the same. None of them asks a person.

use std::{
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::mpsc::{self, Receiver, Sender},
};

use super::{
    check::{check, of_failure},
    choice::in_a_line,
    look::{look, unusable},
};
use crate::{
    cli::{
        context::Context,
        failure::{Failure, Outcome},
    },
    model::{CredentialIdentifier, RegionName},
    resolver::connection::{Answer, State},
    ui::{Manner, Ui},
};

/// How many validations run at once. Each ends by itself: every wait has a limit.
const AT_ONCE: usize = 4;

/// What is to be validated.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) stamp: u64,
    pub(super) identifier: CredentialIdentifier,
    pub(super) region: RegionName,
    /// Whether the cloud is asked.
    pub(super) deep: bool,
}

/// What became of a validation.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) stamp: u64,
    pub(super) answer: Answer,
    /// Whether the cloud was asked.
    pub(super) checked: bool,
}

/// Validations under way.
#[derive(Debug)]
pub(super) struct Jobs {
    manner: Manner,
    sender: Sender<Done>,
    receiver: Receiver<Done>,
    /// A byte for each answer, so that the watch is woken.
    bell: (PipeReader, PipeWriter),
    running: usize,
    /// The newest one that has to wait; older ones are outdated.
    waiting: Option<Job>,
}

impl Jobs {
    pub(super) fn new(manner: Manner) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let bell = io::pipe()?;
        Ok(Self { manner, sender, receiver, bell, running: 0, waiting: None })
    }

    /// What can be read from when there is an answer.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.bell.0.as_fd()
    }

    pub(super) fn start(&mut self, job: Job) {
        if self.running >= AT_ONCE {
            self.waiting = Some(job);
            return;
        }
        let (sender, manner) = (self.sender.clone(), self.manner);
        let Ok(mut bell) = self.bell.1.try_clone() else { return };
        self.running += 1;
        std::thread::spawn(move || {
            _ = sender.send(validate(manner, &job));
            _ = bell.write_all(b"!");
        });
    }

    /// The next answer; call it when [`Jobs::descriptor`] has something.
    pub(super) fn next(&mut self) -> Option<Done> {
        let mut byte = [0];
        self.bell.0.read_exact(&mut byte).ok()?;
        let done = self.receiver.recv().ok()?;
        self.running = self.running.saturating_sub(1);
        if let Some(job) = self.waiting.take() {
            self.start(job);
        }
        Some(done)
    }
}

/// Surroundings in which nobody is asked, and what is usual is not said.
pub(super) fn surroundings(manner: Manner) -> Outcome<Context> {
    let context = Context::new(Ui::new(Manner { no_input: true, ..manner }, None), false, None)?;
    context.ui.be_quiet();
    Ok(context)
}

fn validate(manner: Manner, job: &Job) -> Done {
    let mut checked = false;
    let answer = try_validate(manner, job, &mut checked).unwrap_or_else(|failure| {
        // What is read anew may have changed or gone at this moment; the watch sees that too.
        Answer::Is(unusable(Some(in_a_line(&failure))))
    });
    Done { stamp: job.stamp, answer, checked }
}

fn try_validate(manner: Manner, job: &Job, checked: &mut bool) -> Result<Answer, Failure> {
    let context = surroundings(manner)?;
    let known = context.known();
    let session = known.find(&job.identifier.to_string())?;
    let cache = if job.deep { context.cache(false) } else { context.existing_cache() };
    let manager = match context.manager(&known.catalog, cache) {
        Ok(manager) => manager,
        Err(failure) => return Ok(of_failure(&failure, session, None)),
    };
    let seen = look(&manager, session);
    let is_held_back = matches!(seen, State::RequiresUserAction { .. } | State::Incomplete { .. });
    if !job.deep || is_held_back {
        return Ok(Answer::Is(seen));
    }
    *checked = true;
    Ok(check(&context, &manager, session, &job.region).0)
}

//! Asking a person, as a trait: a terminal implements it elsewhere, and those who may not ask have
//! [`NoPrompt`].

use crate::secret::Secret;

/// Why a question is asked again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// It has not the form of a code.
    Malformed,
    /// The provider rejected the code.
    Rejected,
    /// The code was used before; a new one appears in so many seconds.
    Used(i64),
}

/// A question for a one-time code.
#[derive(Clone, Debug)]
pub struct MfaQuestion<'a> {
    /// The session that needs it.
    pub session: &'a str,
    /// The device that shows it.
    pub device: &'a str,
    /// Why it is asked again.
    pub retry: Option<Retry>,
}

/// A question that somebody else wants to be asked: its text is not ours.
#[derive(Clone, Copy, Debug)]
pub struct OpenQuestion<'a> {
    /// Who asks.
    pub asker: &'a str,
    /// The question.
    pub text: &'a str,
    /// Whether the answer must not be seen.
    pub secret: bool,
}

/// No answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PromptError {
    /// The person stopped.
    #[error("cancelled")]
    Cancelled,
    /// Nobody can be asked.
    #[error("nobody can be asked here")]
    Unavailable,
}

/// Someone who can be asked.
pub trait Prompt {
    /// A one-time code, as it was typed.
    fn mfa_code(&self, question: &MfaQuestion<'_>) -> Result<String, PromptError>;

    /// An answer to somebody else's question, as it was typed.
    fn answer(&self, question: &OpenQuestion<'_>) -> Result<Secret, PromptError>;

    /// Whether questions reach a person.
    fn can_ask(&self) -> bool;

    /// Whether the first question has its answer already, so that nobody is disturbed.
    fn is_ready(&self) -> bool {
        false
    }
}

/// Nobody: for hooks, for `credential-process`, for renewals.
#[derive(Clone, Copy, Debug)]
pub struct NoPrompt;

impl Prompt for NoPrompt {
    fn mfa_code(&self, _: &MfaQuestion<'_>) -> Result<String, PromptError> {
        Err(PromptError::Unavailable)
    }

    fn answer(&self, _: &OpenQuestion<'_>) -> Result<Secret, PromptError> {
        Err(PromptError::Unavailable)
    }

    fn can_ask(&self) -> bool {
        false
    }
}

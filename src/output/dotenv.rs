//! `dotenv`: `NAME=value` lines for docker's `--env-file` and the many readers of `.env` files.
//!
//! Those readers disagree about quotes, so nothing is quoted, and a value that would need it is
//! refused. There is no way to say that a variable is to be removed.

use super::{Form, Handout, Unprintable};
use crate::{model::CredentialKind, secret::SecretBytes};

/// The form.
pub(super) struct Dotenv;

impl Form for Dotenv {
    fn id(&self) -> &'static str {
        "dotenv"
    }

    fn prints(&self, _: CredentialKind) -> bool {
        true
    }

    fn render(&self, handout: &Handout<'_>) -> Result<SecretBytes, Unprintable> {
        let mut text = SecretBytes::with_capacity(16 << 10);
        for (name, value) in &handout.delta.sets {
            // The way back is a matter of shells, and a file has none.
            if name.as_str() == "LEAPP_STATE" {
                continue;
            }
            if !value.expose().bytes().all(is_plain) {
                let what = format!("the value of {}", name.as_str());
                return Err(Unprintable { form: self.id(), what });
            }
            for part in [name.as_str(), "=", value.expose(), "\n"] {
                text.extend(part.as_bytes());
            }
        }
        Ok(text)
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/+=_.:@,-".contains(&byte)
}

//! What this directory may switch on: project files, trust records, leases.
//!
//! Deliberately absent: resolving credentials, and any second way to read a project file. A project
//! file is found, opened and checked by [`project::find`] alone; what it asks for is acted upon only
//! through [`trust::Trusted`], which [`trust::Store::judge`] alone makes.

mod fingerprint;
pub mod lease;
pub mod project;
pub mod settings;
pub mod trust;

pub use fingerprint::fingerprint;
pub use lease::Lease;
pub use project::{Found, Refused};
pub use settings::{Proposal, SettingsError};
pub use trust::{Judgement, Trusted};

//! From an identifier to unexpired credentials: the sealed cache, the parents of a chain, one
//! refresh at a time across processes, renewal ahead of expiry.
//!
//! Deliberately absent: any particular session type, vault or cloud.

pub mod answer;
pub mod audit;
pub mod cache;
pub mod codes;
pub mod connection;
mod entry;
mod flight;
mod manager;
pub mod marks;
mod plan;
pub mod status;
mod told;

pub use cache::Cache;
pub use entry::{Clocked, Entry};
pub use flight::Wait;
pub use manager::{CredentialManager, Helper, ResolveError, Resolved, Surroundings, Want};
pub use plan::Planned;

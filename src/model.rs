//! The nouns: sessions, identifiers, credentials, the workspace's content. Parsed once, into types.
//!
//! Deliberately absent: I/O, the clock, the environment. Times are arguments.

pub mod catalog;
pub mod credentials;
pub mod duration;
pub mod identifier;
pub mod name;
pub mod region;
pub mod session;
pub mod timestamp;
pub mod workspace;

pub use catalog::Catalog;
pub use credentials::{CredentialKind, Credentials, Grant};
pub use identifier::CredentialIdentifier;
pub use name::SessionName;
pub use region::RegionName;
pub use session::Session;
pub use timestamp::Timestamp;
pub use workspace::Workspace;

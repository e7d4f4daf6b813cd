//! The remote protocols: STS and IAM Identity Center through the AWS SDK, sign-in, container and
//! instance endpoints by small clients of ours; names, partitions and regions of AWS.
//!
//! Deliberately absent: caching, prompting, our session types.

pub mod arn;
pub mod container;
mod dpop;
pub mod endpoint;
mod error;
mod exchange;
pub mod http;
pub mod instance;
mod json_text;
pub mod login_cache;
mod metadata;
pub mod partition;
mod plain;
mod server_clock;
pub mod shared_config;
pub mod sign_in;
pub mod sso;
pub mod sso_cache;
pub mod sso_oidc;
pub mod sts;
pub mod times;
pub mod web_identity;

/// Clocks that differ by more than this many seconds are said to differ.
pub const CLOCK_TOLERANCE: i64 = 5 * 60;

pub use error::{CloudError, ErrorKind};
pub use metadata::MachineKeys;

//! The remote protocols: STS through the AWS SDK; names, partitions and regions of AWS.
//!
//! Deliberately absent: caching, prompting, our session types.

pub mod arn;
pub mod endpoint;
mod error;
pub mod http;
pub mod partition;
pub mod shared_config;
pub mod sts;

/// Clocks that differ by more than this many seconds are said to differ.
pub const CLOCK_TOLERANCE: i64 = 5 * 60;

pub use error::{CloudError, ErrorKind};

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

pub use error::{CloudError, ErrorKind};

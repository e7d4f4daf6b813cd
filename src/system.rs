//! The machine: clock, paths, private files, locks, machine id, kernel keyring, terminal device,
//! process identity, child programs and exec. The only room with `unsafe`.
//!
//! Deliberately absent: words of the domain. Nothing here knows what a session is.

pub mod child;
pub mod clock;
pub mod detached;
pub mod directory;
pub mod entropy;
pub mod exec;
pub mod executable;
pub mod files;
pub mod git_ignore;
pub mod hash;
pub mod inherited;
pub mod input;
pub mod kernel_key;
pub mod lock;
pub mod machine;
pub mod owned;
pub mod paths;
pub mod process;
mod signals;
pub mod terminal;
pub mod users_file;
pub mod watch;

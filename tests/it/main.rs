//! One integration binary: the real program, the real shells, a real AWS emulator.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::needless_raw_string_hashes,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may start programs, write scratch files and fail loudly"
)]

mod canary;
mod clients;
mod crash;
mod crowd;
mod doctor;
mod env;
mod exec;
mod help;
mod hooked;
mod hooks_basic;
mod hooks_faults;
mod hooks_fixed;
mod hooks_options;
mod hooks_polite;
mod hooks_register;
mod hooks_secrets;
mod hooks_trace;
mod layers;
mod mfa;
mod network;
mod sessions;
mod shells;
mod smoke;
mod support;
mod vaults;
mod workspace;

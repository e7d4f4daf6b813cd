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

mod bound;
mod canary;
mod clients;
mod cloud;
mod completion;
mod crash;
mod crowd;
mod doctor;
mod env;
mod exec;
mod explain;
mod external;
mod handles;
mod help;
mod hooked;
mod hooks_attacks;
mod hooks_basic;
mod hooks_clocks;
mod hooks_faults;
mod hooks_fixed;
mod hooks_forged;
mod hooks_life;
mod hooks_options;
mod hooks_outside;
mod hooks_owners;
mod hooks_places;
mod hooks_polite;
mod hooks_prompts;
mod hooks_register;
mod hooks_restore;
mod hooks_roots;
mod hooks_secrets;
mod hooks_shells;
mod hooks_trace;
mod hooks_use;
mod layers;
mod listing;
mod logins;
mod logins_refresh;
mod mfa;
mod neighbours;
mod neighbours_direnv;
mod neighbours_mise;
mod neighbours_preexec;
mod neighbours_prompts;
mod neighbours_vscode;
mod network;
mod pin;
mod portal;
mod powershell;
mod processes;
mod profiles;
mod provider;
mod regions;
mod resolution;
mod sessions;
mod shared_config;
mod shells;
mod smoke;
mod sources;
mod status;
mod status_watch;
mod support;
mod terminal;
mod trust;
mod trust_files;
mod validity;
mod vaults;
mod workspace;

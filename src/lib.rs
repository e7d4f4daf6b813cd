//! `leapp` gives a shell, a program or a directory the temporary credentials of one cloud session,
//! and takes them away again.
//!
//! A library for the sake of tests, benchmarks and fuzz targets; it promises no stable API. The
//! modules are rooms: each uses only those above it in this list, and a test holds the order. See
//! `ARCHITECTURE.md`.

pub mod secret;

pub mod model;

pub mod envdelta;

pub mod shell;

pub mod system;

pub mod seal;

pub mod vault;

pub mod workspace;

pub mod cloud;

pub mod access;

pub mod resolver;

pub mod activation;

pub mod output;

pub mod ui;

pub mod cli;

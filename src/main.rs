//! The program: hands its arguments to the library and ends with the status that it gives.
//!
//! It has a C `main`, because what Rust's does before it would reach the commands that `exec`
//! becomes; `system::inherited` says what.
#![no_main]
#![expect(unsafe_code, reason = "the symbol 'main' is the one that the C library calls")]

use std::ffi::{c_char, c_int};

/// Called by the C library; the arguments are read through the standard library.
#[unsafe(no_mangle)]
pub extern "C" fn main(_: c_int, _: *const *const c_char) -> c_int {
    leapp::system::inherited::begin();
    c_int::from(leapp::cli::run(std::env::args_os().collect()))
}

//! The reference of the warm path: a program that does nothing.

fn main() {}

//! Links the program at fixed addresses on Linux; `SECURITY.md` says why, `scripts/bench` what it
//! saves.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}

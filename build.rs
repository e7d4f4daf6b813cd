//! How the program is linked on Linux; `SECURITY.md` says why, `scripts/bench` what it saves.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // At fixed addresses: the AWS SDK has thousands of pointers in its data, and each costs a
    // relocation at every start.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}

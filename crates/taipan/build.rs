//! Links the binary at a fixed address, as CPython's is: no relocations to apply at start, and the pages of tables of
//! pointers stay shared with the file.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}

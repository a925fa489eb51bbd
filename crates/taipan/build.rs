//! Links the binary at a fixed address, as CPython's is: no relocations to apply at start, and the pages of tables of
//! pointers stay shared with the file.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
        // Programs find these through `ctypes.pythonapi`.
        println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol=PyUnstable_*");
        // Functions that every start runs lie side by side: the system maps 64 KiB around each page that is touched.
        let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
        println!("cargo:rerun-if-changed=startup/startup.ld");
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{folder}/startup/startup.ld");
    }
}

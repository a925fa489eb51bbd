//! Python in, bytecode out. `BLESS=1 cargo test` rewrites the expectations.

mod common;

use std::path::Path;

#[test]
fn golden() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> =
        std::fs::read_dir(&dir).expect("the golden directory").flatten().map(|e| e.path()).collect();
    files.sort();
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "py")) {
        let source = std::fs::read_to_string(file).expect("a readable file");
        let out = common::compile(&source).expect("golden files compile");
        common::verify(&out.code);
        let text = common::dump_all(&out.code);
        let expected = file.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, text).expect("a writable directory");
        } else {
            assert_eq!(std::fs::read_to_string(&expected).unwrap_or_default(), text, "{}", file.display());
        }
    }
}

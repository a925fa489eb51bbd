use std::fs;
use std::path::{Path, PathBuf};

use crate::{entries, frozen, path_in};

/// A directory that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("taipan-pylib-test-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn check(lib: &Path) {
    let mut count = 0;
    for entry in entries() {
        let entry = entry.unwrap();
        assert!(fs::read(lib.join(&entry.path)).unwrap() == entry.content, "{}", entry.path);
        count += 1;
    }
    assert!(count > 500);
    let siblings = fs::read_dir(lib.parent().unwrap()).unwrap().count();
    assert_eq!(siblings, 1, "temporary directories are left");
}

#[test]
fn unpacks_once() {
    let scratch = Scratch::new("once");
    let lib = path_in(&scratch.0).unwrap();
    check(&lib);
    let made = fs::metadata(lib.join("abc.py")).unwrap().modified().unwrap();
    assert_eq!(path_in(&scratch.0).unwrap(), lib);
    assert_eq!(fs::metadata(lib.join("abc.py")).unwrap().modified().unwrap(), made);
    // A damaged library is replaced.
    fs::remove_file(lib.join("os.py")).unwrap();
    fs::write(lib.join("stray"), "").unwrap();
    path_in(&scratch.0).unwrap();
    assert!(!lib.join("stray").exists());
    check(&lib);
}

#[test]
fn concurrent_starts_agree() {
    let scratch = Scratch::new("concurrent");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(path_in(&scratch.0).unwrap().join("zipimport.py").exists()));
        }
    });
    check(&scratch.0.join("lib/python3.14"));
}

#[test]
fn unwritable_places_are_errors() {
    assert!(path_in(Path::new("/proc/taipan")).is_err());
}

#[test]
fn patches_and_overlay_are_in() {
    let find = |path: &str| entries().map(|e| e.unwrap()).find(|e| e.path == path).map(|e| e.content);
    for path in ["site.py", "sysconfig/__init__.py", "platform.py"] {
        let text = String::from_utf8(find(path).unwrap()).unwrap().to_lowercase();
        assert!(!text.contains("rustpython"), "{path}");
    }
    assert!(entries().any(|e| e.unwrap().path.starts_with("_sysconfigdata__linux_")));
    for path in ["_pycodecs.py", "pydoc_data/topics.py", "tkinter/__init__.py"] {
        assert!(find(path).is_none(), "{path}");
    }
}

#[test]
fn start_up_modules_are_frozen() {
    for name in ["importlib._bootstrap", "importlib._bootstrap_external", "zipimport", "os"] {
        assert!(frozen(name).is_some_and(|code| code.len() > 1000));
    }
    assert!(frozen("json").is_none());
}

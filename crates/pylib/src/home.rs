//! Where the library is unpacked, and unpacking it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Directory below the home that holds the library.
const LIB: &str = "lib/python3.14";
/// A file that is there if and only if the library is.
const LANDMARK: &str = "os.py";
/// Name of the home below a cache directory.
const VERSIONED: &str = concat!(env!("CARGO_PKG_VERSION"), "-", env!("TAIPAN_LIB_HASH"));

/// The directory that holds the library, unpacked if need be: `sys.path`'s `.../lib/python3.14`.
pub fn path() -> io::Result<PathBuf> {
    home().map(|home| home.join(LIB))
}

/// Taipan's home (`sys.base_prefix`), with the library in it.
pub fn home() -> io::Result<PathBuf> {
    if let Some(home) = variable("TAIPAN_HOME") {
        let home = env::current_dir()?.join(home);
        path_in(&home)?;
        return Ok(home);
    }
    let home = cache().map(|cache| cache.join("taipan").join(VERSIONED));
    if let Some(home) = home
        && path_in(&home).is_ok()
    {
        return Ok(home);
    }
    let home = private_temporary()?.join(VERSIONED);
    path_in(&home)?;
    Ok(home)
}

/// An environment variable, unless empty.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The user's cache directory. Relative paths are ignored, as the XDG specification says.
fn cache() -> Option<PathBuf> {
    let xdg = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let own = || variable("HOME").map(|home| Path::new(&home).join(".cache"));
    xdg.filter(|path| path.is_absolute()).or_else(own).filter(|path| path.is_absolute())
}

/// A directory below the system's temporary one that only this user can write to. Another user may have taken its
/// usual name; then one of a fresh name is made, which this process alone will use.
fn private_temporary() -> io::Result<PathBuf> {
    // SAFETY: geteuid has no preconditions and cannot fail.
    let user = unsafe { libc::geteuid() };
    let base = env::temp_dir();
    let usual = base.join(format!("taipan-{user}"));
    let builder = {
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder
    };
    match builder.create(&usual) {
        Ok(()) => return Ok(usual),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let found = fs::symlink_metadata(&usual)?;
    if found.is_dir() && found.uid() == user && found.mode() & 0o022 == 0 {
        return Ok(usual);
    }
    let fresh = base.join(temporary_name(&format!("taipan-{user}")));
    builder.create(&fresh)?;
    Ok(fresh)
}

/// The library in `home`, unpacked if it is not there.
pub fn path_in(home: &Path) -> io::Result<PathBuf> {
    let lib = home.join(LIB);
    if fs::metadata(lib.join(LANDMARK)).is_err() {
        unpack(&lib)?;
    }
    Ok(lib)
}

/// A name that no other thread or process uses at this moment.
fn temporary_name(stem: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.subsec_nanos());
    format!(".{stem}.{}.{}.{time}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Unpacks into a directory beside `lib`, which then takes its name.
#[cold]
fn unpack(lib: &Path) -> io::Result<()> {
    let parent = lib.parent().expect("LIB has two parts");
    fs::create_dir_all(parent)?;
    let new = parent.join(temporary_name("new"));
    let result = fill(&new).and_then(|()| install(&new, lib));
    if result.is_err() {
        // What is left is in nobody's way; the first error is the one to report.
        let _ = fs::remove_dir_all(&new);
    }
    result
}

fn fill(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)?;
    let mut last_dir = dir.to_path_buf();
    for entry in crate::entries() {
        let entry = entry?;
        let file = dir.join(&entry.path);
        let file_dir = file.parent().expect("a file is in a directory");
        if file_dir != last_dir {
            fs::create_dir_all(file_dir)?;
            last_dir = file_dir.to_path_buf();
        }
        fs::write(&file, &entry.content)?;
    }
    Ok(())
}

/// Gives `new` the name `lib`. Another process may do the same at the same time: the first wins, the others take its
/// directory. A directory without the landmark is a damaged one (temporary files get cleaned) and is replaced.
fn install(new: &Path, lib: &Path) -> io::Result<()> {
    for _ in 0..100 {
        match fs::rename(new, lib) {
            Ok(()) => return Ok(()),
            Err(_) if fs::metadata(lib.join(LANDMARK)).is_ok() => return fs::remove_dir_all(new),
            Err(error) if fs::symlink_metadata(lib).is_err() => return Err(error),
            Err(_) => {}
        }
        let damaged = lib.with_file_name(temporary_name("old"));
        match fs::rename(lib, &damaged) {
            Ok(()) if fs::metadata(damaged.join(LANDMARK)).is_ok() => {
                // Another process put a whole one there in between: put it back, or else ours goes there.
                if fs::rename(&damaged, lib).is_err() {
                    fs::remove_dir_all(&damaged)?;
                }
            }
            Ok(()) => fs::remove_dir_all(&damaged)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the library's directory keeps changing"))
}

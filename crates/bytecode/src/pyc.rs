//! `.pyc` files (PEP 3147, PEP 552): a header of 16 bytes, then the marshalled code object.
//!
//! ```text
//! 0..4   magic number          4..8   flags: bit 0 hash-based, bit 1 check the source
//! 8..12  source mtime          12..16 source size          (or 8..16 hash of the source)
//! ```
//! Reading is total: any bytes give a verified code object or an error. Writing is atomic.

use std::fs;
use std::hash::Hasher;
use std::io::Write as _;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use siphasher::sip::SipHasher13;

use crate::code::Code;
use crate::marshal::{self, MarshalError};
use crate::verify::verify;

/// Number of the bytecode format; change it with every change to the opcode table or to code objects.
/// From those set aside for Python 3.14 (3600 to 3649), of which CPython 3.14 used the ones up to 3627.
pub const MAGIC_NUMBER: u16 = 3632;

/// `sys.implementation.cache_tag`.
pub const CACHE_TAG: &str = "taipan-314";

/// First four bytes of a `.pyc` file.
pub const MAGIC: [u8; 4] = [MAGIC_NUMBER as u8, (MAGIC_NUMBER >> 8) as u8, b'\r', b'\n'];

/// `_imp.pyc_magic_number_token`.
pub const MAGIC_TOKEN: u32 = u32::from_le_bytes(MAGIC);

/// How a `.pyc` file knows whether it still fits its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Validity {
    /// The low 32 bits of the source's modification time in seconds, and of its size.
    Timestamp {
        /// Seconds.
        mtime: u32,
        /// Bytes.
        size: u32,
    },
    /// The [`source_hash`] of the source; looked at when `checked`.
    Hash {
        /// As [`source_hash`] gives it.
        hash: [u8; 8],
        /// False: trust the file without looking at the source.
        checked: bool,
    },
}

/// Why a `.pyc` file was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PycError {
    /// Not a `.pyc` file of this version: compile the source instead (ImportError).
    Magic,
    /// The header is cut off (EOFError).
    Short,
    /// Unknown flag bits (ImportError).
    Flags(u32),
    /// The marshalled data is broken.
    Marshal(MarshalError),
    /// The code object is not sound.
    Verify(String),
}

impl std::fmt::Display for PycError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PycError::Magic => f.write_str("bad magic number"),
            PycError::Short => f.write_str("reached EOF while reading pyc header"),
            PycError::Flags(flags) => write!(f, "invalid flags {flags:#x}"),
            PycError::Marshal(error) => write!(f, "{error}"),
            PycError::Verify(error) => write!(f, "bad bytecode: {error}"),
        }
    }
}

impl std::error::Error for PycError {}

/// The hash of a source in hash-based files, as `_imp.source_hash` gives it.
pub fn source_hash(source: &[u8]) -> [u8; 8] {
    keyed_hash(MAGIC_TOKEN as u64, source)
}

/// SipHash-1-3 of `source` with `key` as first half of the key.
pub fn keyed_hash(key: u64, source: &[u8]) -> [u8; 8] {
    let mut hasher = SipHasher13::new_with_keys(key, 0);
    hasher.write(source);
    hasher.finish().to_le_bytes()
}

/// The bytes of a `.pyc` file.
pub fn to_bytes(code: &Arc<Code>, validity: Validity) -> Result<Vec<u8>, MarshalError> {
    let mut out = MAGIC.to_vec();
    match validity {
        Validity::Timestamp { mtime, size } => {
            for number in [0, mtime, size] {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        Validity::Hash { hash, checked } => {
            out.extend_from_slice(&(1 | u32::from(checked) << 1).to_le_bytes());
            out.extend_from_slice(&hash);
        }
    }
    out.extend(marshal::to_bytes(code)?);
    Ok(out)
}

/// The header of a `.pyc` file.
pub fn header(bytes: &[u8]) -> Result<Validity, PycError> {
    let word = |at: usize| bytes.get(at..at + 4).and_then(|part| part.try_into().ok()).map(u32::from_le_bytes);
    if !bytes.starts_with(&MAGIC) {
        return Err(PycError::Magic);
    }
    let (Some(flags), Some(first), Some(second)) = (word(4), word(8), word(12)) else { return Err(PycError::Short) };
    match flags {
        0 => Ok(Validity::Timestamp { mtime: first, size: second }),
        1 | 3 => {
            let hash = (first as u64 | (second as u64) << 32).to_le_bytes();
            Ok(Validity::Hash { hash, checked: flags == 3 })
        }
        _ => Err(PycError::Flags(flags)),
    }
}

/// The header and the verified code object of a `.pyc` file's bytes.
pub fn from_bytes(bytes: &[u8]) -> Result<(Validity, Arc<Code>), PycError> {
    let validity = header(bytes)?;
    let code = marshal::from_bytes(&bytes[16..]).map_err(PycError::Marshal)?;
    verify(&code).map_err(PycError::Verify)?;
    Ok((validity, code))
}

/// Where the `.pyc` file of `source` lies: `dir/__pycache__/name.taipan-314.pyc`, with `.opt-N` before the
/// extension for an `optimization` level other than 0. With a `prefix` (`sys.pycache_prefix`) the whole
/// directory tree is mirrored under it, without `__pycache__`.
pub fn cache_from_source(source: &Path, optimization: u8, prefix: Option<&Path>) -> PathBuf {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let level = if optimization == 0 { String::new() } else { format!(".opt-{optimization}") };
    let file = format!("{stem}.{CACHE_TAG}{level}.pyc");
    let dir = source.parent().unwrap_or(Path::new(""));
    match prefix {
        None => dir.join("__pycache__").join(file),
        Some(prefix) => {
            let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
            let text = absolute.to_string_lossy().into_owned();
            prefix.join(text.trim_start_matches(MAIN_SEPARATOR)).join(file)
        }
    }
}

/// The source of a `.pyc` file in a `__pycache__` directory; `None` if the path is not one.
pub fn source_from_cache(cache: &Path) -> Option<PathBuf> {
    let dir = cache.parent()?;
    if dir.file_name()? != "__pycache__" {
        return None;
    }
    let name = cache.file_name()?.to_str()?.strip_suffix(".pyc")?;
    let name = match name.rsplit_once(".opt-") {
        Some((front, level)) if !level.is_empty() && level.bytes().all(|b| b.is_ascii_alphanumeric()) => front,
        _ => name,
    };
    let (stem, _tag) = name.rsplit_once('.')?;
    Some(dir.parent()?.join(format!("{stem}.py")))
}

/// Writes `bytes` to `path` by way of a temporary file and a rename, making the directory if needed.
/// `source_mode` gives the permission bits of the source: they are kept, made writable for the owner.
pub fn write_atomic(path: &Path, bytes: &[u8], source_mode: Option<u32>) -> std::io::Result<()> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.{number}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, (source_mode.unwrap_or(0o666) | 0o200) & 0o666);
    #[cfg(not(unix))]
    let _ = source_mode;
    let written =
        options.open(&temporary).and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{Const, Handler};
    use crate::ops::{Op, Word};

    fn sample() -> Arc<Code> {
        let words = |list: &[Word]| list.iter().map(|word| word.0).collect::<Vec<_>>();
        let inner = Code {
            name: "f".into(),
            qualname: "outer.f".into(),
            nregs: 5,
            argcount: 2,
            varnames: vec!["a".into(), "b".into()],
            words: words(&[
                Word::abc(Op::Add, 2, 0, 1),
                Word::aux(0),
                Word::abc(Op::BuildTuple, 3, 0, 2),
                Word::abc(Op::Return, 2, 0, 0),
            ]),
            positions: vec![1, 2, 3],
            ..Code::default()
        };
        Arc::new(Code {
            name: "<module>".into(),
            qualname: "<module>".into(),
            filename: "dir/x.py".into(),
            nregs: 4,
            names: vec!["f".into(), "print".into()],
            consts: vec![Const::Code(Arc::new(inner)), Const::Str("f".into()), Const::Float(2.5), Const::Int(1 << 50)],
            words: words(&[
                Word::ax(Op::MakeFunction, 0, 0),
                Word::ax(Op::StoreName, 0, 0),
                Word(0),
                Word::abc(Op::LoadName, 0, 0, 0),
                Word::aux(1),
                Word(0),
                Word(0),
                Word::abc(Op::Call, 0, 2, 3),
                Word(0),
                Word(0),
                Word::ax(Op::JumpIf, 3, -10),
                Word::abc(Op::ReturnNone, 0, 0, 0),
                Word::abc(Op::Reraise, 2, 0, 0),
            ]),
            handlers: vec![Handler { start: 0, end: 10, target: 11, reg: 2 }],
            ..Code::default()
        })
    }

    #[test]
    fn magic_is_not_cpythons() {
        // CPython 3.14: 3627 in importlib.util.MAGIC_NUMBER, _imp.source_hash(3627 | 0x0a0d << 16, b"spam")
        assert_ne!(MAGIC_NUMBER, 3627);
        assert_eq!(keyed_hash(0x0a0d_0e2b, b"spam"), [1, 119, 116, 88, 122, 115, 59, 214]);
    }

    #[test]
    fn survives_and_validates() {
        for validity in [
            Validity::Timestamp { mtime: 7, size: 9 },
            Validity::Hash { hash: source_hash(b"x"), checked: true },
            Validity::Hash { hash: [1; 8], checked: false },
        ] {
            let bytes = to_bytes(&sample(), validity).expect("marshals");
            let (again, code) = from_bytes(&bytes).expect("loads");
            assert_eq!(again, validity);
            assert_eq!(format!("{code:?}"), format!("{:?}", sample()));
            for cut in 0..bytes.len() {
                assert!(from_bytes(&bytes[..cut]).is_err());
            }
        }
        assert_eq!(from_bytes(b"").unwrap_err(), PycError::Magic);
    }

    /// Corrupts valid files at random: what still verifies must be in bounds, checked by other means than the
    /// verifier's own.
    #[test]
    fn corruption_is_found() {
        let bytes = to_bytes(&sample(), Validity::Timestamp { mtime: 0, size: 0 }).expect("marshals");
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut accepted = 0;
        for _ in 0..60_000 {
            let mut broken = bytes.clone();
            for _ in 0..1 + random() % 3 {
                let at = random() as usize % broken.len();
                match random() % 4 {
                    0 => broken[at] ^= 1 << (random() % 8),
                    1 => broken[at] = random() as u8,
                    2 => drop(broken.remove(at)),
                    _ => broken.insert(at, random() as u8),
                }
            }
            if let Ok((_, code)) = from_bytes(&broken) {
                accepted += 1;
                in_bounds(&code);
                crate::dis::dis(&code);
            }
        }
        assert!(accepted > 100);
    }

    fn in_bounds(code: &Code) {
        let mut at = 0;
        while at < code.words.len() {
            let word = Word(code.words[at]);
            let op = word.op().expect("opcode");
            for register in
                crate::effects::reads(op, word).registers().chain(crate::effects::writes(op, word).registers())
            {
                assert!(register < code.nregs as usize);
            }
            at += op.words();
        }
        assert_eq!(at, code.words.len());
        for constant in &code.consts {
            if let Const::Code(inner) = constant {
                in_bounds(inner);
            }
        }
    }

    #[test]
    fn paths() {
        let path = |text: &str| PathBuf::from(text);
        assert_eq!(cache_from_source(&path("a/b.c.py"), 0, None), path("a/__pycache__/b.c.taipan-314.pyc"));
        assert_eq!(cache_from_source(&path("x.py"), 2, None), path("__pycache__/x.taipan-314.opt-2.pyc"));
        assert_eq!(cache_from_source(&path("/a/x.py"), 0, Some(&path("/p"))), path("/p/a/x.taipan-314.pyc"));
        assert_eq!(source_from_cache(&path("a/__pycache__/x.taipan-314.opt-1.pyc")), Some(path("a/x.py")));
        assert_eq!(source_from_cache(&path("a/x.pyc")), None);
    }

    #[test]
    fn writes_atomically() {
        let dir = std::env::temp_dir().join(format!("taipan-pyc-{}", std::process::id()));
        let file = dir.join("__pycache__").join("x.pyc");
        write_atomic(&file, b"one", Some(0o444)).expect("writes");
        write_atomic(&file, b"two", None).expect("writes again");
        assert_eq!(fs::read(&file).expect("reads"), b"two");
        assert_eq!(fs::read_dir(file.parent().expect("parent")).expect("lists").count(), 1);
        fs::remove_dir_all(dir).expect("removes");
    }
}

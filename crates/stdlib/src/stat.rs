//! _stat: constants and tests of file modes.

use taipan_macros::pymethods;
use taipan_runtime::protocol::number;
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::host::add_ints;

struct Functions;

fn mode_of(cx: &mut Cx, v: Value) -> PyResult<u32> {
    if !int::check(v) && v.class().slots().index.is_none() {
        return raise!(cx, TypeError, "'{}' object cannot be interpreted as an integer", v.class().tp_name());
    }
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(i) if i < 0 => raise!(cx, OverflowError, "can't convert negative value to unsigned int"),
        Some(i) if i <= u32::MAX as i64 => Ok(i as u32),
        Some(_) => raise!(cx, OverflowError, "mode out of range"),
        None => raise!(cx, OverflowError, "Python int too large to convert to C unsigned long"),
    }
}

fn is(cx: &mut Cx, mode: Value, kind: u32) -> PyResult<bool> {
    Ok(mode_of(cx, mode)? & libc::S_IFMT == kind)
}

fn filemode(mode: u32) -> String {
    let kind = match mode & libc::S_IFMT {
        libc::S_IFREG => '-',
        libc::S_IFDIR => 'd',
        libc::S_IFLNK => 'l',
        libc::S_IFBLK => 'b',
        libc::S_IFCHR => 'c',
        libc::S_IFIFO => 'p',
        libc::S_IFSOCK => 's',
        _ => '?',
    };
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, libc::S_ISUID, 's'), (3, libc::S_ISGID, 's'), (0, libc::S_ISVTX, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[pymethods]
impl Functions {
    /// S_ISDIR(mode) -> bool
    ///
    /// Return True if mode is from a directory.
    #[py("($module, object, /)", name = "S_ISDIR")]
    fn s_isdir(cx: &mut Cx, object: Value) -> PyResult<bool> {
        is(cx, object, libc::S_IFDIR)
    }
    /// S_ISCHR(mode) -> bool
    ///
    /// Return True if mode is from a character special device file.
    #[py("($module, object, /)", name = "S_ISCHR")]
    fn s_ischr(cx: &mut Cx, object: Value) -> PyResult<bool> {
        is(cx, object, libc::S_IFCHR)
    }
    /// S_ISBLK(mode) -> bool
    ///
    /// Return True if mode is from a block special device file.
    #[py("($module, object, /)", name = "S_ISBLK")]
    fn s_isblk(cx: &mut Cx, object: Value) -> PyResult<bool> {
        is(cx, object, libc::S_IFBLK)
    }
    /// S_ISREG(mode) -> bool
    ///
    /// Return True if mode is from a regular file.
    #[py("($module, object, /)", name = "S_ISREG")]
    fn s_isreg(cx: &mut Cx, object: Value) -> PyResult<bool> {
        is(cx, object, libc::S_IFREG)
    }
    /// S_ISFIFO(mode) -> bool
    ///
    /// Return True if mode is from a FIFO (named pipe).
    #[py("($module, object, /)", name = "S_ISFIFO")]
    fn s_isfifo(cx: &mut Cx, object: Value) -> PyResult<bool> {
        is(cx, object, libc::S_IFIFO)
    }
    /// S_ISLNK(mode) -> bool
    ///
    /// Return True if mode is from a symbolic link.
    #[py("($module, object, /)", name = "S_ISLNK")]
    fn s_islnk(cx: &mut Cx, object: Value) -> PyResult<bool> {
        is(cx, object, libc::S_IFLNK)
    }
    /// S_ISSOCK(mode) -> bool
    ///
    /// Return True if mode is from a socket.
    #[py("($module, object, /)", name = "S_ISSOCK")]
    fn s_issock(cx: &mut Cx, object: Value) -> PyResult<bool> {
        is(cx, object, libc::S_IFSOCK)
    }
    /// S_ISDOOR(mode) -> bool
    ///
    /// Return True if mode is from a door.
    #[py("($module, object, /)", name = "S_ISDOOR")]
    fn s_isdoor(cx: &mut Cx, object: Value) -> PyResult<bool> {
        mode_of(cx, object).map(|_| false)
    }
    /// S_ISPORT(mode) -> bool
    ///
    /// Return True if mode is from an event port.
    #[py("($module, object, /)", name = "S_ISPORT")]
    fn s_isport(cx: &mut Cx, object: Value) -> PyResult<bool> {
        mode_of(cx, object).map(|_| false)
    }
    /// S_ISWHT(mode) -> bool
    ///
    /// Return True if mode is from a whiteout.
    #[py("($module, object, /)", name = "S_ISWHT")]
    fn s_iswht(cx: &mut Cx, object: Value) -> PyResult<bool> {
        mode_of(cx, object).map(|_| false)
    }
    /// Return the portion of the file's mode that can be set by os.chmod().
    #[py("($module, object, /)", name = "S_IMODE")]
    fn s_imode(cx: &mut Cx, object: Value) -> PyResult<i64> {
        Ok((mode_of(cx, object)? & 0o7777) as i64)
    }
    /// Return the portion of the file's mode that describes the file type.
    #[py("($module, object, /)", name = "S_IFMT")]
    fn s_ifmt(cx: &mut Cx, object: Value) -> PyResult<i64> {
        Ok((mode_of(cx, object)? & libc::S_IFMT) as i64)
    }
    /// Convert a file's mode to a string of the form '-rwxrwxrwx'
    #[py("($module, object, /)")]
    fn filemode(cx: &mut Cx, object: Value) -> PyResult<String> {
        Ok(filemode(mode_of(cx, object)?))
    }
}

static CONSTANTS: &[(&str, i64)] = &[
    ("S_IFDIR", 0o040000),
    ("S_IFCHR", 0o020000),
    ("S_IFBLK", 0o060000),
    ("S_IFREG", 0o100000),
    ("S_IFIFO", 0o010000),
    ("S_IFLNK", 0o120000),
    ("S_IFSOCK", 0o140000),
    ("S_IFDOOR", 0),
    ("S_IFPORT", 0),
    ("S_IFWHT", 0),
    ("S_ISUID", 0o4000),
    ("S_ISGID", 0o2000),
    ("S_ISVTX", 0o1000),
    ("S_ENFMT", 0o2000),
    ("S_IREAD", 0o400),
    ("S_IWRITE", 0o200),
    ("S_IEXEC", 0o100),
    ("S_IRWXU", 0o700),
    ("S_IRUSR", 0o400),
    ("S_IWUSR", 0o200),
    ("S_IXUSR", 0o100),
    ("S_IRWXG", 0o070),
    ("S_IRGRP", 0o040),
    ("S_IWGRP", 0o020),
    ("S_IXGRP", 0o010),
    ("S_IRWXO", 0o007),
    ("S_IROTH", 0o004),
    ("S_IWOTH", 0o002),
    ("S_IXOTH", 0o001),
    ("UF_SETTABLE", 0xffff),
    ("UF_NODUMP", 1),
    ("UF_IMMUTABLE", 2),
    ("UF_APPEND", 4),
    ("UF_OPAQUE", 8),
    ("UF_NOUNLINK", 0x10),
    ("UF_COMPRESSED", 0x20),
    ("UF_TRACKED", 0x40),
    ("UF_DATAVAULT", 0x80),
    ("UF_HIDDEN", 0x8000),
    ("SF_SETTABLE", 0xffff0000),
    ("SF_ARCHIVED", 0x10000),
    ("SF_IMMUTABLE", 0x20000),
    ("SF_APPEND", 0x40000),
    ("SF_NOUNLINK", 0x100000),
    ("SF_SNAPSHOT", 0x200000),
    ("SF_FIRMLINK", 0x800000),
    ("SF_DATALESS", 0x40000000),
    ("ST_MODE", 0),
    ("ST_INO", 1),
    ("ST_DEV", 2),
    ("ST_NLINK", 3),
    ("ST_UID", 4),
    ("ST_GID", 5),
    ("ST_SIZE", 6),
    ("ST_ATIME", 7),
    ("ST_MTIME", 8),
    ("ST_CTIME", 9),
];

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_stat");
    module.add_functions(cx, Functions::METHODS);
    add_ints(cx, module, CONSTANTS);
    module
}

#[cfg(test)]
mod tests {
    #[test]
    fn modes_as_text() {
        assert_eq!(super::filemode(0o100644), "-rw-r--r--");
        assert_eq!(super::filemode(0o041777), "drwxrwxrwt");
        assert_eq!(super::filemode(0o104755), "-rwsr-xr-x");
    }
}

//! pwd and grp: the user and group databases.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

use taipan_macros::pymethods;
use taipan_runtime::protocol::object;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::structseq;
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};

use crate::host;
use crate::posix::user_id;

taipan_runtime::structseq! {
    /// `pwd.struct_passwd`.
    pub STRUCT_PASSWD "pwd.struct_passwd"
    "pwd.struct_passwd: Results from getpw*() routines.\n\nThis object may be accessed either as a tuple of\n  (pw_name,pw_passwd,pw_uid,pw_gid,pw_gecos,pw_dir,pw_shell)\nor via the object attributes as named in the above tuple."
    {
        pw_name "user name", pw_passwd "password", pw_uid "user id", pw_gid "group id", pw_gecos "real name",
        pw_dir "home directory", pw_shell "shell program",
    }
}

taipan_runtime::structseq! {
    /// `grp.struct_group`.
    pub STRUCT_GROUP "grp.struct_group"
    "grp.struct_group: Results from getgr*() routines.\n\nThis object may be accessed either as a tuple of\n  (gr_name,gr_passwd,gr_gid,gr_mem)\nor via the object attributes as named in the above tuple.\n"
    { gr_name "group name", gr_passwd "password", gr_gid "group id", gr_mem "group members" }
}

/// A text of libc; null is None.
///
/// # Safety
/// `p` must be null or NUL-terminated.
unsafe fn text(cx: &mut Cx, p: *const libc::c_char) -> Value {
    if p.is_null() {
        return Value::none();
    }
    // SAFETY: the caller's promise.
    Value::of(host::fs_decode(cx, unsafe { CStr::from_ptr(p) }.to_bytes()))
}

fn id_value(id: u32) -> Value {
    Value::small(if id == u32::MAX { -1 } else { id as i64 })
}

fn passwd_value(cx: &mut Cx, p: &libc::passwd) -> Value {
    // SAFETY: the fields of an entry are NUL-terminated.
    let items = unsafe {
        [
            text(cx, p.pw_name),
            text(cx, p.pw_passwd),
            id_value(p.pw_uid),
            id_value(p.pw_gid),
            text(cx, p.pw_gecos),
            text(cx, p.pw_dir),
            text(cx, p.pw_shell),
        ]
    };
    structseq::new(cx, &STRUCT_PASSWD, &items)
}

fn group_value(cx: &mut Cx, g: &libc::group) -> Value {
    let members = List::new(cx);
    // SAFETY: the fields of an entry are NUL-terminated, the members end with null.
    let items = unsafe {
        let mut at = g.gr_mem;
        while !at.is_null() && !(*at).is_null() {
            let member = text(cx, *at);
            members.push(cx, member);
            at = at.add(1);
        }
        [text(cx, g.gr_name), text(cx, g.gr_passwd), id_value(g.gr_gid), Value::of(members)]
    };
    structseq::new(cx, &STRUCT_GROUP, &items)
}

/// Asks one of the `get*_r` functions with a growing buffer; `make` turns an entry into a value.
fn look_up<T>(
    cx: &mut Cx,
    mut ask: impl FnMut(*mut T, *mut libc::c_char, usize, *mut *mut T) -> i32,
    make: fn(&mut Cx, &T) -> Value,
) -> PyResult<Option<Value>> {
    let mut size = 1024;
    loop {
        let mut data = vec![0 as libc::c_char; size];
        let mut entry = MaybeUninit::<T>::uninit();
        let mut found = std::ptr::null_mut();
        let code = host::blocking(cx, || ask(entry.as_mut_ptr(), data.as_mut_ptr(), size, &mut found));
        match code {
            libc::ERANGE if size < 1 << 24 => size *= 2,
            libc::EINTR => host::check_signals(cx)?,
            libc::ENOMEM => return Err(cx.memory_error()),
            _ if found.is_null() => return Ok(None),
            // SAFETY: found leads to the entry, which the call filled.
            _ => return Ok(Some(make(cx, unsafe { &*found }))),
        }
    }
}

/// An id argument that may be any int: what is out of range is not found.
fn id_of(cx: &mut Cx, v: Value, kind: &str) -> PyResult<Option<u32>> {
    let id = user_id(cx, v, kind);
    cx.catch(id, &exceptions::OverflowError)
}

fn name_of(cx: &mut Cx, name: &'static Str) -> PyResult<CString> {
    match CString::new(host::fs_encode(cx, name)?) {
        Ok(name) => Ok(name),
        Err(_) => raise!(cx, ValueError, "embedded null byte"),
    }
}

/// Functions of pwd.
struct Passwd;

#[pymethods]
impl Passwd {
    /// Return the password database entry for the given numeric user ID.
    ///
    /// See `help(pwd)` for more on password database entries.
    #[py("($module, uidobj, /)")]
    fn getpwuid(cx: &mut Cx, uidobj: Value) -> PyResult<Value> {
        let found = match id_of(cx, uidobj, "uid")? {
            None => None,
            // SAFETY: the buffers are as long as said.
            Some(uid) => look_up(cx, |e, b, n, f| unsafe { libc::getpwuid_r(uid, e, b, n, f) }, passwd_value)?,
        };
        match found {
            Some(entry) => Ok(entry),
            None => {
                let id = object::str(cx, uidobj)?;
                raise!(cx, KeyError, "getpwuid(): uid not found: {id}")
            }
        }
    }
    /// Return the password database entry for the given user name.
    ///
    /// See `help(pwd)` for more on password database entries.
    #[py("($module, name, /)")]
    fn getpwnam(cx: &mut Cx, name: &'static Str) -> PyResult<Value> {
        let text = name_of(cx, name)?;
        // SAFETY: the text is NUL-terminated, the buffers are as long as said.
        let ask = |e, b, n, f| unsafe { libc::getpwnam_r(text.as_ptr(), e, b, n, f) };
        match look_up(cx, ask, passwd_value)? {
            Some(entry) => Ok(entry),
            None => {
                let name = object::repr_text(cx, Value::of(name))?;
                raise!(cx, KeyError, "getpwnam(): name not found: {name}")
            }
        }
    }
    /// Return a list of all available password database entries, in arbitrary order.
    ///
    /// See help(pwd) for more on password database entries.
    #[py("($module, /)")]
    fn getpwall(cx: &mut Cx) -> Value {
        let all = List::new(cx);
        // SAFETY: the GIL serialises these calls; an entry is used before the next call.
        unsafe {
            libc::setpwent();
            while let Some(entry) = libc::getpwent().as_ref() {
                let entry = passwd_value(cx, entry);
                all.push(cx, entry);
            }
            libc::endpwent();
        }
        Value::of(all)
    }
}

/// Functions of grp.
struct Group;

#[pymethods]
impl Group {
    /// Return the group database entry for the given numeric group ID.
    ///
    /// If id is not valid, raise KeyError.
    #[py("($module, /, id)")]
    fn getgrgid(cx: &mut Cx, id: Value) -> PyResult<Value> {
        let found = match id_of(cx, id, "gid")? {
            None => None,
            // SAFETY: the buffers are as long as said.
            Some(gid) => look_up(cx, |e, b, n, f| unsafe { libc::getgrgid_r(gid, e, b, n, f) }, group_value)?,
        };
        match found {
            Some(entry) => Ok(entry),
            None => {
                let id = object::str(cx, id)?;
                raise!(cx, KeyError, "getgrgid(): gid not found: {id}")
            }
        }
    }
    /// Return the group database entry for the given group name.
    ///
    /// If name is not valid, raise KeyError.
    #[py("($module, /, name)")]
    fn getgrnam(cx: &mut Cx, name: &'static Str) -> PyResult<Value> {
        let text = name_of(cx, name)?;
        // SAFETY: the text is NUL-terminated, the buffers are as long as said.
        let ask = |e, b, n, f| unsafe { libc::getgrnam_r(text.as_ptr(), e, b, n, f) };
        match look_up(cx, ask, group_value)? {
            Some(entry) => Ok(entry),
            None => {
                let name = object::repr_text(cx, Value::of(name))?;
                raise!(cx, KeyError, "getgrnam(): name not found: {name}")
            }
        }
    }
    /// Return a list of all available group entries, in arbitrary order.
    ///
    /// An entry whose name starts with '+' or '-' represents an instruction
    /// to use YP/NIS and may not be accessible via getgrnam or getgrgid.
    #[py("($module, /)")]
    fn getgrall(cx: &mut Cx) -> Value {
        let all = List::new(cx);
        // SAFETY: as in getpwall.
        unsafe {
            libc::setgrent();
            while let Some(entry) = libc::getgrent().as_ref() {
                let entry = group_value(cx, entry);
                all.push(cx, entry);
            }
            libc::endgrent();
        }
        Value::of(all)
    }
}

/// Makes the module `pwd`.
pub fn init_pwd(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "pwd");
    module.add_functions(cx, Passwd::METHODS);
    structseq::ready(cx, &STRUCT_PASSWD, 7);
    module.set(cx, "struct_passwd", Value::of(&STRUCT_PASSWD));
    module
}

/// Makes the module `grp`.
pub fn init_grp(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "grp");
    module.add_functions(cx, Group::METHODS);
    structseq::ready(cx, &STRUCT_GROUP, 4);
    module.set(cx, "struct_group", Value::of(&STRUCT_GROUP));
    module
}

//! Ids of processes, users and groups.

use std::ffi::CStr;

use taipan_macros::pymethods;
use taipan_runtime::protocol::iter;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::names::id;
use crate::host;

/// Id functions.
pub struct Identity;

fn ids(cx: &mut Cx, values: [u32; 3]) -> Value {
    let items = values.map(|v| Value::small(v as i64));
    Value::of(Tuple::new(cx, &items))
}

fn group_list(cx: &mut Cx, groups: &[libc::gid_t]) -> Value {
    let list = List::with_capacity(cx, groups.len());
    for group in groups {
        // -1 in a list of groups stays the number it is in C.
        let value = if *group == u32::MAX { Value::small(-1) } else { Value::small(*group as i64) };
        list.push(cx, value);
    }
    Value::of(list)
}

/// Group ids of a sequence of ints.
pub fn groups_of(cx: &mut Cx, v: Value) -> PyResult<Vec<libc::gid_t>> {
    if v.class().slots().getitem.is_none() || v.class().slots().len.is_none() {
        return raise!(cx, TypeError, "setgroups argument must be a sequence");
    }
    let values = iter::collect(cx, v)?;
    if values.len() > 65536 {
        return raise!(cx, ValueError, "too many groups");
    }
    let mut groups = Vec::with_capacity(values.len());
    for i in 0..values.len() {
        if !int::check(values[i]) {
            return raise!(cx, TypeError, "groups must be integers");
        }
        groups.push(id(cx, values[i], "gid")?);
    }
    Ok(groups)
}

unsafe extern "C" {
    fn getlogin_r(name: *mut libc::c_char, size: libc::size_t) -> libc::c_int;
}

macro_rules! plain {
    ($cx:expr, $call:expr) => {{
        // SAFETY: a plain system call.
        let result = unsafe { $call };
        host::check($cx, result)?;
        Ok(())
    }};
}

#[pymethods]
impl Identity {
    /// Return the current process id.
    #[py("($module, /)")]
    fn getpid(_cx: &mut Cx) -> i64 {
        std::process::id() as i64
    }
    /// Return the parent's process id.
    ///
    /// If the parent process has already exited, Windows machines will still
    /// return its id; others systems will return the id of the 'init' process (1).
    #[py("($module, /)")]
    fn getppid(_cx: &mut Cx) -> i64 {
        std::os::unix::process::parent_id() as i64
    }
    /// Return the current process's user id.
    #[py("($module, /)")]
    fn getuid(_cx: &mut Cx) -> i64 {
        // SAFETY: cannot fail.
        unsafe { libc::getuid() as i64 }
    }
    /// Return the current process's effective user id.
    #[py("($module, /)")]
    fn geteuid(_cx: &mut Cx) -> i64 {
        // SAFETY: cannot fail.
        unsafe { libc::geteuid() as i64 }
    }
    /// Return the current process's group id.
    #[py("($module, /)")]
    fn getgid(_cx: &mut Cx) -> i64 {
        // SAFETY: cannot fail.
        unsafe { libc::getgid() as i64 }
    }
    /// Return the current process's effective group id.
    #[py("($module, /)")]
    fn getegid(_cx: &mut Cx) -> i64 {
        // SAFETY: cannot fail.
        unsafe { libc::getegid() as i64 }
    }
    /// Set the current process's user id.
    #[py("($module, uid, /)")]
    fn setuid(cx: &mut Cx, uid: Value) -> PyResult<()> {
        let uid = id(cx, uid, "uid")?;
        plain!(cx, libc::setuid(uid))
    }
    /// Set the current process's effective user id.
    #[py("($module, euid, /)")]
    fn seteuid(cx: &mut Cx, euid: Value) -> PyResult<()> {
        let uid = id(cx, euid, "uid")?;
        plain!(cx, libc::seteuid(uid))
    }
    /// Set the current process's group id.
    #[py("($module, gid, /)")]
    fn setgid(cx: &mut Cx, gid: Value) -> PyResult<()> {
        let gid = id(cx, gid, "gid")?;
        plain!(cx, libc::setgid(gid))
    }
    /// Set the current process's effective group id.
    #[py("($module, egid, /)")]
    fn setegid(cx: &mut Cx, egid: Value) -> PyResult<()> {
        let gid = id(cx, egid, "gid")?;
        plain!(cx, libc::setegid(gid))
    }
    /// Set the current process's real and effective user ids.
    #[py("($module, ruid, euid, /)")]
    fn setreuid(cx: &mut Cx, ruid: Value, euid: Value) -> PyResult<()> {
        let (real, effective) = (id(cx, ruid, "uid")?, id(cx, euid, "uid")?);
        plain!(cx, libc::setreuid(real, effective))
    }
    /// Set the current process's real and effective group ids.
    #[py("($module, rgid, egid, /)")]
    fn setregid(cx: &mut Cx, rgid: Value, egid: Value) -> PyResult<()> {
        let (real, effective) = (id(cx, rgid, "gid")?, id(cx, egid, "gid")?);
        plain!(cx, libc::setregid(real, effective))
    }
    /// Set the current process's real, effective, and saved user ids.
    #[py("($module, ruid, euid, suid, /)")]
    fn setresuid(cx: &mut Cx, ruid: Value, euid: Value, suid: Value) -> PyResult<()> {
        let (real, effective, saved) = (id(cx, ruid, "uid")?, id(cx, euid, "uid")?, id(cx, suid, "uid")?);
        plain!(cx, libc::setresuid(real, effective, saved))
    }
    /// Set the current process's real, effective, and saved group ids.
    #[py("($module, rgid, egid, sgid, /)")]
    fn setresgid(cx: &mut Cx, rgid: Value, egid: Value, sgid: Value) -> PyResult<()> {
        let (real, effective, saved) = (id(cx, rgid, "gid")?, id(cx, egid, "gid")?, id(cx, sgid, "gid")?);
        plain!(cx, libc::setresgid(real, effective, saved))
    }
    /// Return a tuple of the current process's real, effective, and saved user ids.
    #[py("($module, /)")]
    fn getresuid(cx: &mut Cx) -> PyResult<Value> {
        let mut values = [0; 3];
        let [real, effective, saved] = &mut values;
        // SAFETY: the results are locals.
        let result = unsafe { libc::getresuid(real, effective, saved) };
        host::check(cx, result)?;
        Ok(ids(cx, values))
    }
    /// Return a tuple of the current process's real, effective, and saved group ids.
    #[py("($module, /)")]
    fn getresgid(cx: &mut Cx) -> PyResult<Value> {
        let mut values = [0; 3];
        let [real, effective, saved] = &mut values;
        // SAFETY: the results are locals.
        let result = unsafe { libc::getresgid(real, effective, saved) };
        host::check(cx, result)?;
        Ok(ids(cx, values))
    }
    /// Return list of supplemental group IDs for the process.
    #[py("($module, /)")]
    fn getgroups(cx: &mut Cx) -> PyResult<Value> {
        // SAFETY: without room the call only counts.
        let n = unsafe { libc::getgroups(0, std::ptr::null_mut()) };
        let n = host::check(cx, n)?;
        let mut groups = vec![0; n as usize];
        // SAFETY: the buffer is as long as said.
        let n = unsafe { libc::getgroups(n, groups.as_mut_ptr()) };
        let n = host::check(cx, n)?;
        Ok(group_list(cx, &groups[..n as usize]))
    }
    /// Set the groups of the current process to list.
    #[py("($module, groups, /)")]
    fn setgroups(cx: &mut Cx, groups: Value) -> PyResult<()> {
        let groups = groups_of(cx, groups)?;
        plain!(cx, libc::setgroups(groups.len(), groups.as_ptr()))
    }
    /// Initialize the group access list.
    ///
    /// Call the system initgroups() to initialize the group access list with all of
    /// the groups of which the specified username is a member, plus the specified
    /// group id.
    #[py("($module, username, gid, /)")]
    fn initgroups(cx: &mut Cx, username: Value, gid: Value) -> PyResult<()> {
        let name = host::fs_bytes(cx, username)?;
        let gid = id(cx, gid, "gid")?;
        plain!(cx, libc::initgroups(name.as_ptr(), gid))
    }
    /// Returns a list of groups to which a user belongs.
    ///
    ///   user
    ///     username to lookup
    ///   group
    ///     base group id of the user
    #[py("($module, user, group, /)")]
    fn getgrouplist(cx: &mut Cx, user: Value, group: Value) -> PyResult<Value> {
        let user = host::fs_bytes(cx, user)?;
        let group = id(cx, group, "gid")?;
        let mut groups: Vec<libc::gid_t> = vec![0; 64];
        loop {
            let mut n = groups.len() as i32;
            // SAFETY: the buffer is as long as said.
            if unsafe { libc::getgrouplist(user.as_ptr(), group, groups.as_mut_ptr(), &mut n) } >= 0 {
                return Ok(group_list(cx, &groups[..n as usize]));
            }
            let next = (n as usize).max(groups.len() * 2);
            groups.resize(next, 0);
        }
    }
    /// Return the actual login name.
    #[py("($module, /)")]
    fn getlogin(cx: &mut Cx) -> PyResult<Value> {
        let mut name = [0u8; 256];
        // SAFETY: the buffer is as long as said.
        let code = unsafe { getlogin_r(name.as_mut_ptr().cast(), name.len()) };
        if code != 0 {
            return Err(host::os_error(cx, code));
        }
        let name = CStr::from_bytes_until_nul(&name).unwrap_or(c"");
        Ok(Value::of(host::fs_decode(cx, name.to_bytes())))
    }
    /// Call the system call getpgid(), and return the result.
    #[py("($module, /, pid)")]
    fn getpgid(cx: &mut Cx, pid: i32) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let group = unsafe { libc::getpgid(pid) };
        host::check(cx, group)
    }
    /// Return the current process group id.
    #[py("($module, /)")]
    fn getpgrp(_cx: &mut Cx) -> i32 {
        // SAFETY: cannot fail.
        unsafe { libc::getpgrp() }
    }
    /// Make the current process the leader of its process group.
    #[py("($module, /)")]
    fn setpgrp(cx: &mut Cx) -> PyResult<()> {
        plain!(cx, libc::setpgid(0, 0))
    }
    /// Call the system call setpgid(pid, pgrp).
    #[py("($module, pid, pgrp, /)")]
    fn setpgid(cx: &mut Cx, pid: i32, pgrp: i32) -> PyResult<()> {
        plain!(cx, libc::setpgid(pid, pgrp))
    }
    /// Call the system call getsid(pid) and return the result.
    #[py("($module, pid, /)")]
    fn getsid(cx: &mut Cx, pid: i32) -> PyResult<i32> {
        // SAFETY: a plain system call.
        let session = unsafe { libc::getsid(pid) };
        host::check(cx, session)
    }
    /// Call the system call setsid().
    #[py("($module, /)")]
    fn setsid(cx: &mut Cx) -> PyResult<()> {
        plain!(cx, libc::setsid())
    }
}

//! Code that another process asks this one to run, and asking another process: `sys.remote_exec` (PEP 768).
//!
//! Every process has a [`Mailbox`]. To send a script, its path is written into the mailbox of the target by
//! process_vm_writev, then the flags are set that make the target's main thread stop at the next safe point, as signals
//! do. Both processes must run the very same executable file, so that what is at an address here is at the same distance
//! from the start of the image there.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use taipan_runtime::dict::Dict;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise, threads};
use taipan_syntax::Mode;
use taipan_syntax::source::Origin;

use super::hooks::audit;
use crate::compile::{self, Request};
use crate::{builtins, host};

/// The longest path with its final NUL.
const PATH_SIZE: usize = 512;

/// Where other processes leave requests. Only they write to `path`, before they set `pending`.
#[repr(C)]
struct Mailbox {
    cookie: [u8; 16],
    enabled: AtomicBool,
    pending: AtomicBool,
    path: [AtomicU8; PATH_SIZE],
}

/// What a mailbox starts with, against writing anywhere else.
const COOKIE: [u8; 16] = *b"taipan mailbox 1";

static MAILBOX: Mailbox = Mailbox {
    cookie: COOKIE,
    enabled: AtomicBool::new(true),
    pending: AtomicBool::new(false),
    path: [const { AtomicU8::new(0) }; PATH_SIZE],
};

/// Lets no other process send scripts.
pub fn disable() {
    MAILBOX.enabled.store(false, Ordering::SeqCst);
}

/// Whether other processes may send scripts.
pub fn is_enabled() -> bool {
    MAILBOX.enabled.load(Ordering::SeqCst)
}

/// Runs the script that another process has asked for, if there is one. Exceptions are reported, not raised.
#[inline]
pub fn run_pending(cx: &mut Cx) {
    if MAILBOX.pending.load(Ordering::Relaxed) && MAILBOX.pending.swap(false, Ordering::SeqCst) && is_enabled() {
        run_script(cx);
    }
}

#[cold]
fn run_script(cx: &mut Cx) {
    let mut path: Vec<u8> = MAILBOX.path.iter().map(|b| b.load(Ordering::SeqCst)).collect();
    path.truncate(path.iter().position(|b| *b == 0).unwrap_or(0));
    if path.is_empty() {
        return;
    }
    let path = host::fs_decode(cx, &path);
    let report = |cx: &mut Cx, what: &str| {
        let exception = cx.take_exception();
        let message = format!("{what} {}", path.to_string_lossy());
        taipan_runtime::protocol::object::unraisable(cx, exception, None, Some(&message));
    };
    if audit(cx, "cpython.remote_debugger_script", &[Value::of(path)]).is_err() {
        return report(cx, "Audit hook failed for remote debugger script");
    }
    let source = match read(cx, path) {
        Ok(source) => source,
        Err(_) => return report(cx, "Can't open debugger script"),
    };
    if execute(cx, &source).is_err() {
        report(cx, "Error executing debugger script");
    }
}

fn read(cx: &mut Cx, path: &'static Str) -> PyResult<Vec<u8>> {
    let open_code = taipan_runtime::protocol::import::import_attr(cx, "_io", "open_code")?;
    let file = cx.call(open_code, &[Value::of(path)])?;
    let (read, close) = (cx.intern("read"), cx.intern("close"));
    let source = cx.call_method(file, read, &[])?;
    cx.call_method(file, close, &[])?;
    match source.downcast::<Bytes>() {
        Some(source) => Ok(source.data().to_vec()),
        None => raise!(cx, TypeError, "read() returned {}, not bytes", source.class().name()),
    }
}

/// Runs `source` in a namespace of its own.
fn execute(cx: &mut Cx, source: &[u8]) -> PyResult<()> {
    let filename = cx.str("<string>");
    let text = compile::decode_source(cx, source, Origin::Bytes, filename)?;
    let request = Request { mode: Mode::Module, flags: 0, optimize: -1 };
    let code = compile::compile_text(cx, &text, filename, &request)?;
    let globals = Dict::new(cx);
    builtins::scope::run_module_code(cx, code, globals)?;
    Ok(())
}

/// `sys.remote_exec(pid, script)`.
pub fn exec(cx: &mut Cx, pid: i32, script: Value) -> PyResult<()> {
    let path = host::fspath(cx, script)?;
    let bytes = match path.downcast::<Str>() {
        Some(text) => host::fs_encode(cx, text)?,
        None => path.downcast::<Bytes>().map_or(Vec::new(), |b| b.data().to_vec()),
    };
    let Ok(path) = CString::new(bytes) else {
        return raise!(cx, ValueError, "embedded null byte");
    };
    // SAFETY: the path is a C string.
    if unsafe { libc::access(path.as_ptr(), libc::F_OK | libc::R_OK) } != 0 {
        return match host::errno() {
            libc::ENOENT => raise!(cx, FileNotFoundError, "Script file does not exist"),
            libc::EACCES => raise!(cx, PermissionError, "Script file cannot be read"),
            _ => raise!(cx, OSError, "Failed to access script file"),
        };
    }
    audit(cx, "sys.remote_exec", &[Value::small(pid as i64), script])?;
    let path = path.as_bytes_with_nul();
    if path.len() > PATH_SIZE {
        return raise!(cx, ValueError, "Debugger script path is too long");
    }
    if pid as u32 != std::process::id() {
        return send(cx, pid, path);
    }
    if !is_enabled() {
        return raise!(cx, RuntimeError, "Remote debugging is not enabled in the remote process");
    }
    for (to, byte) in MAILBOX.path.iter().zip(path) {
        to.store(*byte, Ordering::SeqCst);
    }
    MAILBOX.pending.store(true, Ordering::SeqCst);
    threads::signal_arrived();
    cx.handle_interrupt()
}

/// Writes the request into another process.
fn send(cx: &mut Cx, pid: i32, path: &[u8]) -> PyResult<()> {
    let here = image(cx, std::process::id() as i32, None)?;
    let there = image(cx, pid, here.map(|(_, file)| file))?;
    let unlike = "The remote process does not run this interpreter's executable";
    let (Some((own, _)), Some((base, _))) = (here, there) else { return raise!(cx, RuntimeError, "{unlike}") };
    let in_target = |address: usize| address - own + base;
    let mut cookie = [0; COOKIE.len()];
    let address = in_target(&raw const MAILBOX.cookie as usize);
    transfer(cx, libc::process_vm_readv, pid, &mut cookie, address)?;
    if cookie != MAILBOX.cookie {
        return raise!(cx, RuntimeError, "{unlike}");
    }
    let mut enabled = [0u8];
    let address = in_target(&raw const MAILBOX.enabled as usize);
    transfer(cx, libc::process_vm_readv, pid, &mut enabled, address)?;
    if enabled[0] == 0 {
        return raise!(cx, RuntimeError, "Remote debugging is not enabled in the remote process");
    }
    let address = in_target(&raw const MAILBOX.path as usize);
    transfer(cx, libc::process_vm_writev, pid, &mut path.to_vec(), address)?;
    let [signalled, interrupt] = threads::signal_flags();
    for flag in [&raw const MAILBOX.pending as usize, signalled as usize, interrupt as usize] {
        transfer(cx, libc::process_vm_writev, pid, &mut [1], in_target(flag))?;
    }
    Ok(())
}

/// A file as `/proc/PID/maps` names it: device and inode.
type File = (u64, u64);

/// The lowest address at which the executable `file` is mapped in a process, and the file. Without a `file` it is the
/// one that this function is in.
fn image(cx: &mut Cx, pid: i32, file: Option<File>) -> PyResult<Option<(usize, File)>> {
    let name = format!("/proc/{pid}/maps");
    let maps = match std::fs::read(&name) {
        Ok(maps) => String::from_utf8_lossy(&maps).into_owned(),
        Err(error) => {
            let name = cx.str(&name);
            return Err(host::os_error_file(cx, error.raw_os_error().unwrap_or(libc::ESRCH), name));
        }
    };
    let mappings: Vec<(std::ops::Range<usize>, File)> = maps.lines().filter_map(mapping).collect();
    let within = |m: &&(std::ops::Range<usize>, File)| m.0.contains(&(image as *const () as usize));
    let Some(file) = file.or_else(|| mappings.iter().find(within).map(|m| m.1)) else { return Ok(None) };
    Ok(mappings.iter().filter(|m| m.1 == file).map(|m| m.0.start).min().map(|start| (start, file)))
}

/// A line of `/proc/PID/maps`: `start-end access offset major:minor inode path`.
fn mapping(line: &str) -> Option<(std::ops::Range<usize>, File)> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let (major, minor) = words.nth(2)?.split_once(':')?;
    let device = u64::from_str_radix(major, 16).ok()? << 32 | u64::from_str_radix(minor, 16).ok()?;
    let inode = words.next()?.parse().ok()?;
    let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
    Some((range, (device, inode)))
}

type Call = unsafe extern "C" fn(
    libc::pid_t,
    *const libc::iovec,
    libc::c_ulong,
    *const libc::iovec,
    libc::c_ulong,
    libc::c_ulong,
) -> isize;

/// Reads or writes the memory of a process at `address`.
fn transfer(cx: &mut Cx, call: Call, pid: i32, bytes: &mut [u8], address: usize) -> PyResult<()> {
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
    // SAFETY: `local` is memory of ours; in the other process the kernel checks the addresses.
    let done = unsafe { call(pid, &local, 1, &remote, 1, 0) };
    if host::check(cx, done)? as usize != bytes.len() {
        return Err(host::os_error(cx, libc::EFAULT));
    }
    Ok(())
}

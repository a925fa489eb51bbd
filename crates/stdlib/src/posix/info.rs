//! What the system tells about itself: names, limits, times, devices.

use std::ffi::CStr;

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::number;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{int, structseq};
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::constants::{CONFSTR_NAMES, PATHCONF_NAMES, SYSCONF_NAMES};
use crate::host::{self, PATH_OR_FD, Path};

taipan_runtime::structseq! {
    /// `posix.uname_result`.
    pub UNAME_RESULT "posix.uname_result"
    "uname_result: Result from os.uname().\n\nThis object may be accessed either as a tuple of\n  (sysname, nodename, release, version, machine),\nor via the attributes sysname, nodename, release, version, and machine.\n\nSee os.uname for more information."
    {
        sysname "operating system name", nodename "name of machine on network (implementation-defined)",
        release "operating system release", version "operating system version", machine "hardware identifier",
    }
}

taipan_runtime::structseq! {
    /// `posix.times_result`.
    pub TIMES_RESULT "posix.times_result"
    "times_result: Result from os.times().\n\nThis object may be accessed either as a tuple of\n  (user, system, children_user, children_system, elapsed),\nor via the attributes user, system, children_user, children_system,\nand elapsed.\n\nSee os.times for more information."
    {
        user "user time", system "system time", children_user "user time of children",
        children_system "system time of children", elapsed "elapsed time since an arbitrary point in the past",
    }
}

taipan_runtime::structseq! {
    /// `os.terminal_size`.
    pub TERMINAL_SIZE "os.terminal_size" "A tuple of (columns, lines) for holding terminal window size"
    { columns "width of the terminal window in characters", lines "height of the terminal window in characters" }
}

/// Adds the types and name tables of this file.
pub fn add_types(cx: &mut Cx, module: &'static Module) {
    structseq::ready(cx, &UNAME_RESULT, 5);
    structseq::ready(cx, &TIMES_RESULT, 5);
    structseq::ready(cx, &TERMINAL_SIZE, 2);
    module.set(cx, "uname_result", Value::of(&UNAME_RESULT));
    module.set(cx, "times_result", Value::of(&TIMES_RESULT));
    module.set(cx, "terminal_size", Value::of(&TERMINAL_SIZE));
    for (name, table) in
        [("sysconf_names", SYSCONF_NAMES), ("confstr_names", CONFSTR_NAMES), ("pathconf_names", PATHCONF_NAMES)]
    {
        let dict = Dict::new(cx);
        for (key, value) in table {
            let key = cx.intern(key);
            dict.set_str(cx, key, Value::small(*value as i64));
        }
        module.set(cx, name, Value::of(dict));
    }
}

/// An `os.terminal_size`.
pub fn terminal_size(cx: &mut Cx, columns: u16, lines: u16) -> Value {
    structseq::new(cx, &TERMINAL_SIZE, &[Value::small(columns as i64), Value::small(lines as i64)])
}

/// A configuration name: a number, or a name in the table.
fn configuration(cx: &mut Cx, v: Value, table: &[(&str, i32)]) -> PyResult<i32> {
    if let Some(name) = v.downcast::<Str>() {
        return match table.iter().find(|(key, _)| name.eq_rust(key)) {
            Some((_, value)) => Ok(*value),
            None => raise!(cx, ValueError, "unrecognized configuration name"),
        };
    }
    if !int::check(v) && v.class().slots().index.is_none() {
        return raise!(cx, TypeError, "configuration names must be strings or integers");
    }
    number::to_i32(cx, v)
}

fn random_bytes(cx: &mut Cx, size: isize, flags: u32) -> PyResult<Value> {
    let bytes = host::bytes_filled(cx, size as usize, |cx, data| {
        // SAFETY: the buffer is as long as said.
        Ok(host::run(cx, || unsafe { libc::getrandom(data.as_mut_ptr().cast(), data.len(), flags) })? as usize)
    })?;
    Ok(Value::of(bytes))
}

/// A device number argument; -1 stands for no device.
fn device(cx: &mut Cx, v: Value) -> PyResult<u64> {
    let index = number::index(cx, v)?;
    if int::as_i64(index) == Some(-1) {
        return Ok(u64::MAX);
    }
    let Some(view) = int::view(index).filter(|w| !w.negative) else {
        return raise!(cx, OverflowError, "can't convert negative int to unsigned");
    };
    let digits = view.digits();
    if digits.len() > 3 || digits.len() == 3 && digits[2] >= 16 {
        return raise!(cx, OverflowError, "int too big to convert");
    }
    Ok(digits.iter().rev().fold(0, |n, d| n << 30 | *d as u64))
}

/// System information functions.
pub struct Info;

#[pymethods]
impl Info {
    /// Return an object identifying the current operating system.
    ///
    /// The object behaves like a named tuple with the following fields:
    ///   (sysname, nodename, release, version, machine)
    #[py("($module, /)")]
    fn uname(cx: &mut Cx) -> PyResult<Value> {
        let mut name = std::mem::MaybeUninit::<libc::utsname>::uninit();
        // SAFETY: filled when the call succeeds.
        let result = unsafe { libc::uname(name.as_mut_ptr()) };
        host::check(cx, result)?;
        // SAFETY: as above.
        let name = unsafe { name.assume_init() };
        let mut items = [Value::none(); 5];
        let fields = [&name.sysname, &name.nodename, &name.release, &name.version, &name.machine];
        for (item, field) in items.iter_mut().zip(fields) {
            // SAFETY: the fields are NUL-terminated.
            let text = unsafe { CStr::from_ptr(field.as_ptr()) };
            *item = Value::of(host::fs_decode(cx, text.to_bytes()));
        }
        Ok(structseq::new(cx, &UNAME_RESULT, &items))
    }
    /// Return a collection containing process timing information.
    ///
    /// The object returned behaves like a named tuple with these fields:
    ///   (utime, stime, cutime, cstime, elapsed_time)
    /// All fields are floating-point numbers.
    #[py("($module, /)")]
    fn times(cx: &mut Cx) -> PyResult<Value> {
        let mut times = std::mem::MaybeUninit::<libc::tms>::zeroed();
        // SAFETY: the result is a local; the frequency is a plain call.
        let (elapsed, times, frequency) = unsafe {
            let elapsed = libc::times(times.as_mut_ptr());
            (elapsed, times.assume_init(), libc::sysconf(libc::_SC_CLK_TCK) as f64)
        };
        host::check(cx, elapsed)?;
        let mut items = [Value::none(); 5];
        let fields = [times.tms_utime, times.tms_stime, times.tms_cutime, times.tms_cstime, elapsed];
        for (item, field) in items.iter_mut().zip(fields) {
            *item = cx.float(field as f64 / frequency);
        }
        Ok(structseq::new(cx, &TIMES_RESULT, &items))
    }
    /// Return the number of logical CPUs in the system.
    ///
    /// Return None if indeterminable.
    #[py("($module, /)")]
    fn cpu_count(_cx: &mut Cx) -> Option<i64> {
        if let Some(n) = crate::sys::cpu_count().filter(|n| *n > 0) {
            return Some(n);
        }
        // SAFETY: a plain call.
        let n = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
        (n >= 1).then_some(n)
    }
    /// Return average recent system load information.
    ///
    /// Return the number of processes in the system run queue averaged over
    /// the last 1, 5, and 15 minutes as a tuple of three floats.
    /// Raises OSError if the load average was unobtainable.
    #[py("($module, /)")]
    fn getloadavg(cx: &mut Cx) -> PyResult<Value> {
        let mut loads = [0.0; 3];
        // SAFETY: room for three numbers.
        if unsafe { libc::getloadavg(loads.as_mut_ptr(), 3) } != 3 {
            return raise!(cx, OSError, "Load averages are unobtainable");
        }
        let loads = loads.map(|load| cx.float(load));
        Ok(Value::of(Tuple::new(cx, &loads)))
    }
    /// Return an integer-valued system configuration variable.
    #[py("($module, name, /)")]
    fn sysconf(cx: &mut Cx, name: Value) -> PyResult<i64> {
        let name = configuration(cx, name, SYSCONF_NAMES)?;
        host::clear_errno();
        // SAFETY: a plain call; -1 is a possible result.
        let value = unsafe { libc::sysconf(name) };
        if value == -1 && host::errno() != 0 {
            return Err(host::last_error(cx));
        }
        Ok(value)
    }
    /// Return a string-valued system configuration variable.
    #[py("($module, name, /)")]
    fn confstr(cx: &mut Cx, name: Value) -> PyResult<Value> {
        let name = configuration(cx, name, CONFSTR_NAMES)?;
        let mut text = vec![0u8; 256];
        loop {
            host::clear_errno();
            // SAFETY: the buffer is as long as said.
            let n = unsafe { libc::confstr(name, text.as_mut_ptr().cast(), text.len()) };
            if n == 0 {
                return match host::errno() {
                    0 => Ok(Value::none()),
                    code => Err(host::os_error(cx, code)),
                };
            }
            if n <= text.len() {
                return Ok(Value::of(host::fs_decode(cx, &text[..n - 1])));
            }
            text.resize(n, 0);
        }
    }
    /// Return the configuration limit name for the file or directory path.
    ///
    /// If there is no limit, return -1.
    /// On some platforms, path may also be specified as an open file descriptor.
    ///   If this functionality is unavailable, using it raises an exception.
    #[py("($module, /, path, name)")]
    fn pathconf(cx: &mut Cx, path: Value, name: Value) -> PyResult<i64> {
        let path = Path::new(cx, path, "pathconf", "path", PATH_OR_FD)?;
        let name = configuration(cx, name, PATHCONF_NAMES)?;
        host::clear_errno();
        // SAFETY: the text is NUL-terminated; -1 is a possible result.
        let value = unsafe {
            match path.fd {
                Some(fd) => libc::fpathconf(fd, name),
                None => libc::pathconf(path.ptr(), name),
            }
        };
        match host::errno() {
            code if value == -1 && code != 0 && code == libc::EINVAL => Err(host::os_error(cx, code)),
            code if value == -1 && code != 0 => Err(path.error(cx, code)),
            _ => Ok(value),
        }
    }
    /// Return the configuration limit name for the file descriptor fd.
    ///
    /// If there is no limit, return -1.
    #[py("($module, fd, name, /)")]
    fn fpathconf(cx: &mut Cx, fd: i32, name: Value) -> PyResult<i64> {
        let name = configuration(cx, name, PATHCONF_NAMES)?;
        host::clear_errno();
        // SAFETY: a plain call; -1 is a possible result.
        let value = unsafe { libc::fpathconf(fd, name) };
        if value == -1 && host::errno() != 0 {
            return Err(host::last_error(cx));
        }
        Ok(value)
    }
    /// Translate an error code to a message string.
    #[py("($module, code, /)")]
    fn strerror(_cx: &mut Cx, code: i32) -> String {
        host::strerror(code)
    }
    /// Return a bytes object containing random bytes suitable for cryptographic use.
    #[py("($module, size, /)")]
    fn urandom(cx: &mut Cx, size: isize) -> PyResult<Value> {
        if size < 0 {
            return raise!(cx, ValueError, "negative argument not allowed");
        }
        let bytes = host::bytes_filled(cx, size as usize, |cx, data| {
            let mut done = 0;
            while done < data.len() {
                let rest = &mut data[done..];
                // SAFETY: the buffer is as long as said.
                done += host::run(cx, || unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) })? as usize;
            }
            Ok(done)
        })?;
        Ok(Value::of(bytes))
    }
    /// Obtain a series of random bytes.
    #[py("($module, /, size, flags=0)")]
    fn getrandom(cx: &mut Cx, size: isize, flags: Option<i32>) -> PyResult<Value> {
        if size < 0 {
            return Err(host::os_error(cx, libc::EINVAL));
        }
        random_bytes(cx, size, flags.unwrap_or(0) as u32)
    }
    /// Extracts a device major number from a raw device number.
    #[py("($module, device, /)")]
    fn major(cx: &mut Cx, device: Value) -> PyResult<i64> {
        Ok(match self::device(cx, device)? {
            u64::MAX => -1,
            device => libc::major(device) as i64,
        })
    }
    /// Extracts a device minor number from a raw device number.
    #[py("($module, device, /)")]
    fn minor(cx: &mut Cx, device: Value) -> PyResult<i64> {
        Ok(match self::device(cx, device)? {
            u64::MAX => -1,
            device => libc::minor(device) as i64,
        })
    }
    /// Composes a raw device number from the major and minor device numbers.
    #[py("($module, major, minor, /)")]
    fn makedev(cx: &mut Cx, major: Value, minor: Value) -> PyResult<Value> {
        let (major, minor) = (device(cx, major)?, device(cx, minor)?);
        if major == u64::MAX && minor == u64::MAX {
            return Ok(Value::small(-1));
        }
        Ok(cx.int_u64(libc::makedev(major as u32, minor as u32)))
    }
    #[py("($module, /)")]
    fn _inputhook(_cx: &mut Cx) {}
    /// Checks whether PyOS_InputHook is set.
    #[py("($module, /)")]
    fn _is_inputhook_installed(_cx: &mut Cx) -> bool {
        false
    }
}

//! OSError: its constructor chooses the subclass for an errno.
//!
//! Fields: errno 0, strerror 1, filename 2, filename2 3, characters_written 4 (unset: not known).

use crate::cx::Cx;
use crate::exceptions::{self, Exception};
use crate::native::{Args, GetSetDef, NativeDef};
use crate::protocol::{number, object as obj};
use crate::slots::Slots;
use crate::typeobj::Type;
use crate::types::exception::{self, Base, member, of};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

const ERRNO: usize = 0;
const STRERROR: usize = 1;
const FILENAME: usize = 2;
const FILENAME2: usize = 3;
const WRITTEN: usize = 4;

/// Fields and methods of OSError.
pub struct OsErrorMethods;

impl OsErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots { new: Some(new), init: Some(init), str: Some(str), ..Slots::NONE };
    /// Native methods.
    pub const METHODS: &'static [NativeDef] = OsErrorPickling::METHODS;
    /// Native attributes.
    pub const GETSETS: &'static [GetSetDef] = &[
        member!("errno" 0 "POSIX exception code"),
        member!("strerror" 1 "exception strerror"),
        member!("filename" 2 "exception filename"),
        member!("filename2" 3 "second exception filename"),
        GetSetDef { name: "characters_written", doc: "", get: Some(written), set: Some(set_written) },
    ];
}

struct OsErrorPickling;

#[pymethods]
impl OsErrorPickling {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> Value {
        let e = of(this);
        let mut args = Base::args(cx, e);
        // The constructor dropped the file names from args; pickling needs them back.
        if let (&[errno, strerror], Some(filename)) = (e.args(), e.extra(FILENAME)) {
            let tuple = match e.extra(FILENAME2) {
                Some(second) => Tuple::new(cx, &[errno, strerror, filename, Value::none(), second]),
                None => Tuple::new(cx, &[errno, strerror, filename]),
            };
            args = Value::of(tuple);
        }
        exception::reduce_with(cx, this, args)
    }
}

/// The class for an errno.
fn class_for(errno: i64) -> Option<&'static Type> {
    Some(match i32::try_from(errno).ok()? {
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => &exceptions::BlockingIOError,
        libc::EPIPE | libc::ESHUTDOWN => &exceptions::BrokenPipeError,
        libc::ECHILD => &exceptions::ChildProcessError,
        libc::ECONNABORTED => &exceptions::ConnectionAbortedError,
        libc::ECONNREFUSED => &exceptions::ConnectionRefusedError,
        libc::ECONNRESET => &exceptions::ConnectionResetError,
        libc::EEXIST => &exceptions::FileExistsError,
        libc::ENOENT => &exceptions::FileNotFoundError,
        libc::EISDIR => &exceptions::IsADirectoryError,
        libc::ENOTDIR => &exceptions::NotADirectoryError,
        libc::EINTR => &exceptions::InterruptedError,
        libc::EACCES | libc::EPERM => &exceptions::PermissionError,
        libc::ESRCH => &exceptions::ProcessLookupError,
        libc::ETIMEDOUT => &exceptions::TimeoutError,
        _ => return None,
    })
}

/// A class that overrides `__init__` but not `__new__` gets its fields from the call of `OSError.__init__`, any
/// other from `__new__`.
fn fields_are_set_by_init(class: &Type) -> bool {
    type NewFn = fn(&mut Cx, &'static Type, Args) -> PyResult<Value>;
    type InitFn = fn(&mut Cx, Value, Args) -> PyResult<()>;
    let slots = class.slots();
    slots.init.is_none_or(|f| !std::ptr::fn_addr_eq(f, init as InitFn))
        && slots.new.is_some_and(|f| std::ptr::fn_addr_eq(f, new as NewFn))
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let in_init = fields_are_set_by_init(class);
    if in_init {
        let empty = Tuple::new(cx, &[]);
        return Ok(exceptions::new_raw(cx, class, empty));
    }
    no_keywords(cx, class, args)?;
    let args = args.pos();
    let mut class = class;
    if (2..=5).contains(&args.len())
        && std::ptr::eq(class, &exceptions::OSError)
        && let Some(errno) = crate::types::int::as_i64(args[0])
        && let Some(special) = class_for(errno)
    {
        class = special;
    }
    let tuple = Tuple::new(cx, args);
    let e = exceptions::new_raw(cx, class, tuple);
    set_fields(cx, e, args)?;
    Ok(e)
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    if !fields_are_set_by_init(v.class()) {
        return Ok(());
    }
    no_keywords(cx, v.class(), args)?;
    exception::set_args(cx, of(v), args.pos());
    set_fields(cx, v, args.pos())
}

fn no_keywords(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<()> {
    if args.kwnames().is_some() {
        return raise!(cx, TypeError, "{}() takes no keyword arguments", class.name());
    }
    Ok(())
}

/// `OSError(errno, strerror, filename=None, winerror=None, filename2=None)`; any other number of arguments sets
/// nothing but `args`.
fn set_fields(cx: &mut Cx, v: Value, args: &[Value]) -> PyResult<()> {
    let e = of(v);
    if !(2..=5).contains(&args.len()) {
        return Ok(());
    }
    e.set_extra(cx, ERRNO, Some(args[0]));
    e.set_extra(cx, STRERROR, Some(args[1]));
    let Some(filename) = args.get(2).copied().filter(|f| !f.is_none()) else { return Ok(()) };
    let is_number = filename.class().slots().index.is_some() || filename.class().slots().float.is_some();
    if v.class().is_subtype(&exceptions::BlockingIOError) && is_number {
        let n = number::to_isize(cx, filename)?;
        e.set_extra(cx, WRITTEN, Value::try_small(n as i64));
        return Ok(());
    }
    e.set_extra(cx, FILENAME, Some(filename));
    if let Some(second) = args.get(4).copied().filter(|f| !f.is_none()) {
        e.set_extra(cx, FILENAME2, Some(second));
    }
    exception::set_args(cx, e, &args[..2]);
    Ok(())
}

fn str(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let e: &'static Exception = of(v);
    let (errno, strerror) = (e.extra(ERRNO), e.extra(STRERROR));
    let filename = e.extra(FILENAME);
    if filename.is_none() && (errno.is_none() || strerror.is_none()) {
        return exception::str(cx, v);
    }
    let errno = obj::str(cx, errno.unwrap_or(Value::none()))?;
    let strerror = obj::str(cx, strerror.unwrap_or(Value::none()))?;
    let mut points: Vec<u32> = "[Errno ".chars().map(u32::from).collect();
    points.extend(errno.chars());
    points.extend("] ".chars().map(u32::from));
    points.extend(strerror.chars());
    let names = [(": ", filename), (" -> ", e.extra(FILENAME2).filter(|_| filename.is_some()))];
    for (separator, name) in names {
        if let Some(name) = name {
            points.extend(separator.chars().map(u32::from));
            points.extend(obj::repr(cx, name)?.chars());
        }
    }
    Ok(Value::of(crate::types::str::Str::from_code_points(cx, &points)))
}

fn written(cx: &mut Cx, v: Value) -> PyResult<Value> {
    match of(v).extra(WRITTEN) {
        Some(n) => Ok(n),
        None => raise!(cx, AttributeError, "characters_written"),
    }
}

fn set_written(cx: &mut Cx, v: Value, value: Option<Value>) -> PyResult<()> {
    match value {
        Some(value) => {
            let n = number::to_isize(cx, value)?;
            of(v).set_extra(cx, WRITTEN, Value::try_small(n as i64));
        }
        None => {
            written(cx, v)?;
            of(v).set_extra(cx, WRITTEN, None);
        }
    }
    Ok(())
}

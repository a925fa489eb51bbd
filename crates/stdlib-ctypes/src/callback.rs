//! Python functions that C can call.

use std::cell::Cell;
use std::ffi::c_void;

use libffi_sys as ffi;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{object as protocol, warn};
use taipan_runtime::slots::Slots;
use taipan_runtime::threads;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, trace_values};

use crate::call::swap_errno;
use crate::data::CData;
use crate::function_type::USE_ERRNO;
use crate::info::{self, Kind};
use crate::simple;

/// A Python callable with code that C can call. It has to outlive the code's users, as in CPython.
#[repr(C)]
pub struct Thunk {
    header: Header,
    callable: Value,
    argtypes: &'static Tuple,
    restype: Option<Value>,
    flags: i64,
    native: Cell<*mut Native>,
}
object!(Thunk, THUNK);
trace_values!(trace_thunk, Thunk, |t| [t.callable, Value::of(t.argtypes), t.restype]);

/// The type of thunks.
pub static THUNK: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ctypes.CThunkObject",
    basicsize: std::mem::size_of::<Thunk>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_thunk),
    drop: Some(drop_thunk),
    slots: Slots::NONE,
    doc: "CThunkObject",
    ..TypeSpec::DEFAULT
};

/// What libffi needs for as long as the code exists.
struct Native {
    cif: ffi::ffi_cif,
    types: Vec<*mut ffi::ffi_type>,
    closure: *mut ffi::ffi_closure,
    code: *mut c_void,
}

unsafe fn drop_thunk(object: *mut Header) {
    // SAFETY: a dead thunk; the description was leaked from a box.
    unsafe {
        let native = (*object.cast::<Thunk>()).native.replace(std::ptr::null_mut());
        if !native.is_null() {
            ffi::ffi_closure_free((*native).closure.cast());
            drop(Box::from_raw(native));
        }
    }
}

impl Thunk {
    /// Makes code that calls `callable`. May collect.
    pub fn new(
        cx: &mut Cx,
        callable: Value,
        argtypes: &'static Tuple,
        restype: Option<Value>,
        flags: i64,
    ) -> PyResult<&'static Thunk> {
        let result_type = match restype {
            Some(v) if v.is_none() => &raw mut ffi::ffi_type_void,
            None => &raw mut ffi::ffi_type_sint32,
            Some(v) => match info::of_value(v) {
                Some(info) if info.kind.get() == Kind::Simple => info.ffi(),
                _ => return raise!(cx, TypeError, "invalid result type for callback function"),
            },
        };
        let mut types = Vec::with_capacity(argtypes.len());
        for class in argtypes.items() {
            types.push(info::of_value(*class).map_or(&raw mut ffi::ffi_type_sint32, |info| info.ffi()));
        }
        threads::expect_foreign_threads();
        let thunk = cx.alloc_of(
            &THUNK,
            Thunk {
                header: Header::fresh(&THUNK),
                callable,
                argtypes,
                restype,
                flags,
                native: Cell::new(std::ptr::null_mut()),
            },
        );
        // SAFETY: everything that libffi is told lives in the box, which is freed with the thunk; the types live as long
        // as the infos, which the thunk's argtypes and restype keep.
        let status = unsafe {
            let mut native = Box::new(Native {
                cif: std::mem::zeroed(),
                types,
                closure: std::ptr::null_mut(),
                code: std::ptr::null_mut(),
            });
            native.closure = ffi::ffi_closure_alloc(std::mem::size_of::<ffi::ffi_closure>(), &mut native.code).cast();
            if native.closure.is_null() {
                return Err(cx.memory_error());
            }
            let native = &mut *Box::into_raw(native);
            thunk.native.set(native);
            let n = native.types.len() as u32;
            let abi = ffi::ffi_abi_FFI_DEFAULT_ABI;
            let status = ffi::ffi_prep_cif(&mut native.cif, abi, n, result_type, native.types.as_mut_ptr());
            if status == ffi::ffi_status_FFI_OK {
                let data = (thunk as *const Thunk).cast_mut().cast();
                ffi::ffi_prep_closure_loc(native.closure, &mut native.cif, Some(enter), data, native.code)
            } else {
                status
            }
        };
        if status != ffi::ffi_status_FFI_OK {
            return raise!(cx, RuntimeError, "ffi_prep_closure failed with {status}");
        }
        Ok(thunk)
    }

    /// The address of the code.
    pub fn code(&self) -> *mut u8 {
        // SAFETY: set once it was made.
        unsafe { (*self.native.get()).code.cast() }
    }

    unsafe fn argument(&self, cx: &mut Cx, class: Value, p: *mut u8) -> PyResult<Value> {
        let (Some(info), Some(class)) = (info::of_value(class), class.downcast::<Type>()) else {
            let class = protocol::repr_text(cx, class)?;
            return raise!(cx, TypeError, "cannot build parameter of type {class}");
        };
        // SAFETY: libffi passes the address of an argument of the type.
        unsafe {
            if info.is_plain(class) {
                return simple::get(cx, info.code.get(), info.swapped.get(), p);
            }
            Ok(Value::of(CData::copy_of(cx, class, p)?))
        }
    }

    unsafe fn run(&'static self, cx: &mut Cx, args: *mut *mut c_void, result: *mut u8) {
        let mut values = taipan_runtime::heap::RootVec::new();
        for (i, class) in self.argtypes.items().iter().enumerate() {
            // SAFETY: libffi passes as many arguments as there are types.
            match unsafe { self.argument(cx, *class, (*args.add(i)).cast()) } {
                Ok(value) => values.push(value),
                Err(_) => return self.report(cx, &format!("while creating argument {i} for")),
            }
        }
        let Ok(value) = cx.call(self.callable, &values) else {
            return self.report(cx, "while calling");
        };
        let Some(restype) = self.restype.filter(|r| !r.is_none()).and_then(|r| r.downcast::<Type>()) else { return };
        let Some(info) = info::of(restype) else { return };
        // SAFETY: libffi's result buffer holds a result of the type.
        let keep = match unsafe { simple::set(cx, info.code.get(), info.swapped.get(), result, value) } {
            Ok(keep) => keep,
            Err(_) => return self.report(cx, "while converting result of"),
        };
        if !keep.is_none() && info.code.get() != b'O' {
            let text = "memory leak in callback function.";
            cx.add_root(keep);
            if warn::warn(cx, &exceptions::RuntimeWarning, text, 1).is_err() {
                self.report(cx, "while converting result of");
            }
        }
    }

    #[cold]
    fn report(&self, cx: &mut Cx, doing: &str) {
        let exception = cx.take_exception();
        let callable = match protocol::repr_text(cx, self.callable) {
            Ok(text) => text,
            Err(_) => {
                cx.take_exception();
                "?".to_string()
            }
        };
        let text = format!("Exception ignored {doing} ctypes callback function {callable}");
        protocol::unraisable(cx, exception, None, Some(&text));
    }
}

/// What libffi calls.
unsafe extern "C" fn enter(cif: *mut ffi::ffi_cif, result: *mut c_void, args: *mut *mut c_void, data: *mut c_void) {
    // SAFETY: called by libffi with what the closure was made with.
    unsafe {
        let thunk = &*data.cast::<Thunk>();
        // Small results are returned in a whole word; type 0 is void.
        let size = (*(*cif).rtype).size;
        if !result.is_null() && (*(*cif).rtype).type_ != 0 {
            std::ptr::write_bytes(result.cast::<u8>(), 0, size.max(8));
        }
        if thunk.flags & USE_ERRNO != 0 {
            swap_errno();
        }
        threads::attach(|cx| thunk.run(cx, args, result.cast()));
        if thunk.flags & USE_ERRNO != 0 {
            swap_errno();
        }
    }
}

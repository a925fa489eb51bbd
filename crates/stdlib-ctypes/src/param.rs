//! Arguments of foreign calls: `CArgObject`, and how any object becomes one.

use std::cell::Cell;

use libffi_sys as ffi;
use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, object, raise, trace_values};

use crate::data::CData;
use crate::info::Kind;
use crate::simple;

/// A converted argument: its bytes, or the address of a structure.
#[repr(C)]
pub struct CArg {
    header: Header,
    /// The code of its type; `P` for addresses, `V` for structures.
    pub tag: Cell<u8>,
    /// The bytes.
    pub bytes: Cell<[u64; 4]>,
    /// How libffi passes it.
    pub ffi: Cell<*mut ffi::ffi_type>,
    /// What it comes from, which it keeps alive.
    pub object: Cell<Value>,
}
object!(CArg, CARG);
trace_values!(trace_carg, CArg, |t| [t.object.get()]);

/// The type `CArgObject`.
pub static CARG: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ctypes.CArgObject",
    basicsize: std::mem::size_of::<CArg>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_carg),
    slots: Slots { repr: Some(repr), ..Slots::NONE },
    getsets: &[CArg::GETSETS],
    ..TypeSpec::DEFAULT
};

#[pymethods]
impl CArg {
    /// the wrapped object
    #[getter]
    fn _obj(_: &mut Cx, this: &'static CArg) -> Value {
        this.object.get()
    }
    #[setter("_obj")]
    fn set_obj(cx: &mut Cx, _: &'static CArg, _value: Option<Value>) -> PyResult<()> {
        raise!(cx, AttributeError, "readonly attribute")
    }
}

impl CArg {
    /// An argument. May collect.
    pub fn new(cx: &mut Cx, tag: u8, bytes: [u64; 4], ffi: *mut ffi::ffi_type, object: Value) -> &'static CArg {
        cx.alloc_of(
            &CARG,
            CArg {
                header: Header::fresh(&CARG),
                tag: Cell::new(tag),
                bytes: Cell::new(bytes),
                ffi: Cell::new(ffi),
                object: Cell::new(object),
            },
        )
    }

    /// An argument of a simple type, converted from `v`. May run Python code.
    pub fn of_simple(cx: &mut Cx, code: u8, swapped: bool, v: Value) -> PyResult<&'static CArg> {
        let mut bytes = [0u64; 4];
        // SAFETY: every simple type has room there.
        let keep = unsafe { simple::set(cx, code, swapped, bytes.as_mut_ptr().cast(), v)? };
        Ok(CArg::new(cx, code, bytes, simple::ffi_type_of(code), keep))
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of the type.
    let this = unsafe { v.cast::<CArg>() };
    let (tag, bytes) = (this.tag.get(), this.bytes.get());
    let (code, p) = (tag as char, bytes.as_ptr().cast::<u8>());
    let text = match tag {
        b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'd' | b'f' => {
            // SAFETY: a value of the type.
            let value = unsafe { simple::get(cx, tag, false, p)? };
            let value = protocol::repr_text(cx, value)?;
            format!("<cparam '{code}' ({value})>")
        }
        b'c' => {
            let c = bytes[0] as u8;
            if (32..127).contains(&c) && c != b'\'' && c != b'\\' {
                format!("<cparam 'c' ('{}')>", c as char)
            } else {
                format!("<cparam 'c' ('\\x{c:02x}')>")
            }
        }
        b'z' | b'Z' | b'P' => format!("<cparam '{code}' ({:#x})>", bytes[0]),
        _ => format!("<cparam '{code}' at {:#x}>", v.bits()),
    };
    Ok(cx.str(&text))
}

/// An argument as libffi wants it: its bytes or the address of a structure, and what must live until the call returns.
pub struct Argument {
    /// How it is passed.
    pub ffi: *mut ffi::ffi_type,
    /// The bytes.
    pub bytes: [u64; 4],
    /// The address of a structure.
    pub memory: Option<*mut u8>,
    /// What has to live.
    pub keep: Value,
}

impl Argument {
    fn word(ffi: *mut ffi::ffi_type, word: u64, keep: Value) -> Argument {
        Argument { ffi, bytes: [word, 0, 0, 0], memory: None, keep }
    }

    /// An object with C memory as an argument of its own type.
    pub fn of_data(this: &'static CData) -> Argument {
        let (info, keep) = (this.info(), Value::of(this));
        match info.kind.get() {
            Kind::Array => Argument::word(&raw mut ffi::ffi_type_pointer, this.ptr() as u64, keep),
            Kind::Struct | Kind::Union => Argument { ffi: info.ffi(), bytes: [0; 4], memory: Some(this.ptr()), keep },
            _ => {
                let mut bytes = [0u64; 4];
                let n = info.size.get().min(32);
                // SAFETY: CT-1.
                unsafe { std::ptr::copy_nonoverlapping(this.ptr(), bytes.as_mut_ptr().cast(), n) };
                Argument { ffi: info.ffi(), bytes, memory: None, keep }
            }
        }
    }

    /// Converts argument `number` (from 1) of a call. May run Python code.
    pub fn of(cx: &mut Cx, v: Value, number: usize) -> PyResult<Argument> {
        let pointer = &raw mut ffi::ffi_type_pointer;
        if let Some(data) = v.downcast::<CData>() {
            return Ok(Argument::of_data(data));
        }
        if let Some(arg) = v.downcast::<CArg>() {
            let bytes = arg.bytes.get();
            let memory = (arg.tag.get() == b'V').then_some(bytes[0] as *mut u8);
            return Ok(Argument { ffi: arg.ffi.get(), bytes, memory, keep: v });
        }
        if v.is_none() {
            return Ok(Argument::word(pointer, 0, v));
        }
        if int::check(v) {
            return match int::as_i64(v).map(|n| n as u64).or_else(|| int::as_u64(v)) {
                Some(n) => Ok(Argument::word(&raw mut ffi::ffi_type_sint32, n, v)),
                None => raise!(cx, OverflowError, "int too long to convert"),
            };
        }
        if let Some(bytes) = v.downcast::<Bytes>() {
            return Ok(Argument::word(pointer, bytes.data().as_ptr() as u64, v));
        }
        if let Some(s) = v.downcast::<Str>() {
            let wide = simple::wide_bytes(cx, s);
            return Ok(Argument::word(pointer, wide.data().as_ptr() as u64, Value::of(wide)));
        }
        if let Some(parameter) = parameter_of(cx, v)? {
            return cx.nested(" while processing _as_parameter_", |cx| Argument::of(cx, parameter, number));
        }
        raise!(cx, TypeError, "Don't know how to convert parameter {number}")
    }
}

/// `v._as_parameter_`, if there is one.
pub fn parameter_of(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let name = cx.intern("_as_parameter_");
    attr::get_optional(cx, v, name)
}

//! `_hashlib.HMAC`.

use std::cell::UnsafeCell;

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::{Cx, PyResult, Value, object};

use super::engine::Hmac;
use super::{hex, trace_nothing, with_data};

/// A keyed hash object.
#[repr(C)]
pub struct HmacObject {
    header: Header,
    state: UnsafeCell<Hmac>,
}
object!(HmacObject, HMAC);

/// Releases a dead object.
///
/// # Safety
/// `object` must be one.
pub unsafe fn drop_hmac(object: *mut Header) {
    // SAFETY: a dead object; its state is dropped once.
    unsafe { std::ptr::drop_in_place((*object.cast::<HmacObject>()).state.get()) };
}

/// The type `_hashlib.HMAC`.
pub static HMAC: Type = Type::new(&HMAC_SPEC);
static HMAC_SPEC: TypeSpec = TypeSpec {
    name: "_hashlib.HMAC",
    basicsize: std::mem::size_of::<HmacObject>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
    trace: Some(trace_nothing),
    drop: Some(drop_hmac),
    slots: Slots { repr: Some(repr), ..Slots::NONE },
    methods: &[HmacObject::METHODS],
    getsets: &[HmacObject::GETSETS],
    doc: "The object used to calculate HMAC of a message.\n\nMethods:\n\nupdate() -- updates the current digest with an additional string\ndigest() -- return the current digest value\nhexdigest() -- return the current digest as a string of hexadecimal digits\ncopy() -- return a copy of the current hash object\n\nAttributes:\n\nname -- the name, including the hash algorithm used by this object\ndigest_size -- number of bytes in digest() output\n",
    ..TypeSpec::DEFAULT
};

/// `repr` of keyed hash objects.
pub fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of these objects.
    let name = unsafe { v.cast::<HmacObject>() }.state().engine().name();
    Ok(cx.str(&format!("<{name} HMAC object @ {:#x}>", v.bits())))
}

/// A new object of one of the types with this layout. May collect.
pub fn new(cx: &mut Cx, class: &'static Type, state: Hmac) -> &'static HmacObject {
    cx.ready_type(class);
    cx.alloc_of(class, HmacObject { header: Header::fresh(class), state: UnsafeCell::new(state) })
}

impl HmacObject {
    #[allow(clippy::mut_from_ref)]
    fn state(&self) -> &mut Hmac {
        // SAFETY: the GIL is held, and nothing that uses the state runs Python code.
        unsafe { &mut *self.state.get() }
    }
}

#[pymethods]
impl HmacObject {
    /// Return a copy ("clone") of the HMAC object.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static HmacObject) -> &'static HmacObject {
        let state = this.state().clone();
        new(cx, this.header.class(), state)
    }

    /// Update the HMAC object with msg.
    #[py("($self, /, msg)")]
    fn update(cx: &mut Cx, this: &'static HmacObject, msg: Value) -> PyResult<()> {
        with_data(cx, msg, |_, data| this.state().update(data))
    }

    /// Return the digest of the bytes passed to the update() method so far.
    #[py("($self, /)")]
    fn digest(cx: &mut Cx, this: &'static HmacObject) -> &'static Bytes {
        Bytes::new(cx, &this.state().digest())
    }

    /// Return hexadecimal digest of the bytes passed to the update() method so far.
    ///
    /// This may be used to exchange the value safely in email or other non-binary
    /// environments.
    #[py("($self, /)")]
    fn hexdigest(_cx: &mut Cx, this: &'static HmacObject) -> String {
        hex(&this.state().digest())
    }

    #[getter]
    fn digest_size(_cx: &mut Cx, this: &'static HmacObject) -> usize {
        this.state().engine().digest_size()
    }

    #[getter]
    fn block_size(_cx: &mut Cx, this: &'static HmacObject) -> usize {
        this.state().engine().block_size()
    }

    #[getter]
    fn name(cx: &mut Cx, this: &'static HmacObject) -> Value {
        cx.str(&format!("hmac-{}", this.state().engine().name()))
    }
}

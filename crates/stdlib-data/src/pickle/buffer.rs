//! `PickleBuffer`: a buffer that a pickle may leave out.

use std::cell::UnsafeCell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::{self, Buffer, FULL_RO};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::{Cx, PyResult, Value, object, raise};
use taipan_stdlib::host;

/// The object; its view is None once released.
#[repr(C)]
pub struct PickleBuffer {
    header: Header,
    view: UnsafeCell<Option<Buffer>>,
}
object!(PickleBuffer, PICKLE_BUFFER);

unsafe fn trace_buffer(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    if let Some(view) = unsafe { (*(*object.cast::<PickleBuffer>()).view.get()).as_ref() } {
        marker.mark_value(view.owner.bits());
    }
}

unsafe fn drop_buffer(object: *mut Header) {
    // SAFETY: a dead object. The exporter may be dead as well, so the view is not released but forgotten.
    unsafe { std::ptr::drop_in_place((*object.cast::<PickleBuffer>()).view.get()) };
}

/// The type `pickle.PickleBuffer`.
pub static PICKLE_BUFFER: Type = Type::new(&PICKLE_BUFFER_SPEC);
static PICKLE_BUFFER_SPEC: TypeSpec = TypeSpec {
    name: "pickle.PickleBuffer",
    basicsize: std::mem::size_of::<PickleBuffer>(),
    flags: flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_buffer),
    drop: Some(drop_buffer),
    slots: Slots {
        new: Some(|cx, class, args| {
            args.no_keywords(cx, "PickleBuffer")?;
            let [source] = args.pos() else {
                let n = args.pos().len();
                return raise!(cx, TypeError, "PickleBuffer() takes exactly 1 argument ({n} given)");
            };
            let view = buffer::get(cx, *source, FULL_RO)?;
            let object = PickleBuffer { header: Header::fresh(class), view: UnsafeCell::new(Some(view)) };
            Ok(Value::of(cx.alloc_of(class, object)))
        }),
        buffer: Some(|cx, v, flags| {
            // SAFETY: the slot of these objects.
            let this: &'static PickleBuffer = unsafe { v.cast() };
            match this.view() {
                Some(view) => {
                    let owner = view.owner;
                    buffer::get(cx, owner, flags)
                }
                None => raise!(cx, ValueError, "operation forbidden on released PickleBuffer object"),
            }
        }),
        ..Slots::NONE
    },
    methods: &[PickleBuffer::METHODS],
    doc: "Wrapper for potentially out-of-band buffers",
    ..TypeSpec::DEFAULT
};

impl PickleBuffer {
    fn view(&self) -> Option<&Buffer> {
        // SAFETY: the GIL is held; `release` is not called while the reference is used.
        unsafe { (*self.view.get()).as_ref() }
    }
}

#[pymethods]
impl PickleBuffer {
    /// Return a memoryview of the raw memory underlying this buffer.
    ///
    /// Will raise BufferError is the buffer isn't contiguous.
    #[py("($self, /)")]
    fn raw(cx: &mut Cx, this: &'static PickleBuffer) -> PyResult<Value> {
        let Some(view) = this.view() else {
            return raise!(cx, ValueError, "operation forbidden on released PickleBuffer object");
        };
        let (owner, contiguous) = (view.owner, view.is_contiguous());
        let class = host::builtin(cx, "memoryview")?;
        let whole = cx.call(class, &[owner])?;
        if !contiguous {
            let fortran = taipan_runtime::protocol::attr::get_text(cx, whole, "f_contiguous")?;
            if fortran != Value::bool(true) {
                return raise!(cx, BufferError, "cannot extract raw buffer from non-contiguous buffer");
            }
            // Fortran order: the bytes as they lie are those of the transposed array.
            let order = cx.str("F");
            let bytes = cx.call_method_text(whole, "tobytes", &[order])?;
            return cx.call(class, &[bytes]);
        }
        let format = cx.str("B");
        cx.call_method_text(whole, "cast", &[format])
    }

    /// Release the underlying buffer held by the PickleBuffer object.
    #[py("($self, /)")]
    fn release(cx: &mut Cx, this: &'static PickleBuffer) {
        // SAFETY: the GIL is held.
        if let Some(view) = unsafe { (*this.view.get()).take() } {
            buffer::release(cx, &view);
        }
    }
}

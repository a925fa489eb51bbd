//! `MemoryBIO`: bytes on their way between a TLS connection and the program.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::{Cx, PyResult, Value, object};

use crate::error;

/// A queue of bytes.
#[repr(C)]
pub struct MemoryBio {
    header: Header,
    /// The bytes.
    pub data: RefCell<VecDeque<u8>>,
    /// No more will be written.
    pub ended: Cell<bool>,
}
object!(MemoryBio, MEMORY_BIO);

/// The type `MemoryBIO`.
pub static MEMORY_BIO: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ssl.MemoryBIO",
    basicsize: std::mem::size_of::<MemoryBio>(),
    flags: flags::BASETYPE,
    drop: Some(drop_bio),
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[MemoryBio::METHODS],
    getsets: &[MemoryBio::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn drop_bio(object: *mut Header) {
    // SAFETY: a dead object; its queue is dropped once.
    unsafe { std::ptr::drop_in_place(&raw mut (*object.cast::<MemoryBio>()).data) };
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "MemoryBIO")?;
    if !args.pos().is_empty() {
        let n = args.pos().len();
        return taipan_runtime::raise!(cx, TypeError, "MemoryBIO() takes no arguments ({n} given)");
    }
    let bio = MemoryBio { header: Header::fresh(class), data: RefCell::default(), ended: Cell::new(false) };
    Ok(Value::of(cx.alloc_of(class, bio)))
}

impl MemoryBio {
    /// Takes at most `n` bytes.
    pub fn take(&self, n: usize) -> Vec<u8> {
        let mut data = self.data.borrow_mut();
        let n = n.min(data.len());
        data.drain(..n).collect()
    }
}

#[pymethods]
impl MemoryBio {
    /// Read up to size bytes from the memory BIO.
    ///
    /// If size is not specified, read the entire buffer.
    /// If the return value is an empty bytes instance, this means either
    /// EOF or that no data is available. Use the "eof" property to
    /// distinguish between the two.
    #[py("($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &'static MemoryBio, size: Option<isize>) -> &'static Bytes {
        let taken = this.take(usize::try_from(size.unwrap_or(-1)).unwrap_or(usize::MAX));
        Bytes::new(cx, &taken)
    }

    /// Writes the bytes b into the memory BIO.
    ///
    /// Returns the number of bytes written.
    #[py("($self, b, /)")]
    fn write(cx: &mut Cx, this: &'static MemoryBio, b: Held) -> PyResult<usize> {
        if this.ended.get() {
            return Err(error::plain(cx, "cannot write() after write_eof()"));
        }
        this.data.borrow_mut().extend(b.bytes());
        Ok(b.len)
    }

    /// Write an EOF marker to the memory BIO.
    ///
    /// When all data has been read, the "eof" property will be True.
    #[py("($self, /)")]
    fn write_eof(_: &mut Cx, this: &'static MemoryBio) {
        this.ended.set(true);
    }

    /// The number of bytes pending in the memory BIO.
    #[getter]
    fn pending(_: &mut Cx, this: &'static MemoryBio) -> usize {
        this.data.borrow().len()
    }

    /// Whether the memory BIO is at EOF.
    #[getter]
    fn eof(_: &mut Cx, this: &'static MemoryBio) -> bool {
        this.ended.get() && this.data.borrow().is_empty()
    }
}

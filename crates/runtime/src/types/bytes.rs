//! bytes and bytearray.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// A bytes object; the data and a NUL follow (CABI 2.2).
#[repr(C)]
pub struct Bytes {
    header: Header,
    len: std::cell::Cell<usize>,
    hash: std::cell::Cell<i64>,
}
object!(Bytes, BYTES);

/// The type bytes.
pub static BYTES: Type = Type::new(&BYTES_SPEC);
static BYTES_SPEC: TypeSpec = TypeSpec {
    name: "bytes",
    basicsize: 33,
    itemsize: 1,
    flags: flags::BASETYPE | flags::BYTES | flags::MATCH_SELF,
    slots: Slots { ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

/// Types of this file.
pub static TYPES: &[&Type] = &[&BYTES];

impl Bytes {
    /// A new bytes object. May collect.
    pub fn new(cx: &mut Cx, data: &[u8]) -> &'static Bytes {
        let p = cx.alloc_raw(33 + data.len());
        // SAFETY: fresh memory of that size.
        unsafe {
            p.cast::<Header>().write(Header::fresh(&BYTES));
            let this = &*p.cast::<Bytes>();
            this.len.set(data.len());
            this.hash.set(-1);
            std::ptr::copy_nonoverlapping(data.as_ptr(), p.add(32), data.len());
            this
        }
    }

    /// The bytes.
    #[inline(always)]
    pub fn data(&self) -> &'static [u8] {
        // SAFETY: the data follows the fixed part; OBJ-2 for the lifetime.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).cast::<u8>().add(32), self.len.get()) }
    }
}

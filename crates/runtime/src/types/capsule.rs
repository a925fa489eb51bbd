//! PyCapsule: a C pointer as an object. Only C extensions make capsules; Python code merely sees the type.

use crate::object;
use crate::object::Header;
use crate::typeobj::{Type, TypeSpec, flags};

/// A capsule (40 bytes as in CPython; C code fills it).
#[repr(C)]
pub struct Capsule {
    header: Header,
    words: [usize; 3],
}
object!(Capsule, CAPSULE);

/// The type `PyCapsule`.
pub static CAPSULE: Type = Type::new(&CAPSULE_SPEC);
static CAPSULE_SPEC: TypeSpec = TypeSpec {
    name: "PyCapsule",
    basicsize: std::mem::size_of::<Capsule>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(crate::types::trace_nothing),
    doc: "Capsule objects let you wrap a C \"void *\" pointer in a Python\nobject.  They're a way of passing data through the Python interpreter\nwithout creating your own custom type.\n\nCapsules are used for communication between extension modules.\nThey provide a way for an extension module to export a C interface\nto other extension modules, so that extension modules can use the\nPython import mechanism to link to one another.",
    ..TypeSpec::DEFAULT
};

impl Capsule {
    /// A capsule without a pointer: for what C extensions look up and Python code only sees. May collect.
    pub fn opaque(cx: &mut crate::Cx) -> &'static Capsule {
        cx.ready_type(&CAPSULE);
        cx.alloc(Capsule { header: Header::fresh(&CAPSULE), words: [0; 3] })
    }
}

//! The built-in types, one file per type (its layout and core; `NAME_methods.rs` holds what only Python code uses).

pub mod async_gen;
pub mod boolean;
pub mod byte_ops;
pub mod bytearray;
pub mod bytes;
pub mod bytes_format;
pub mod bytes_hex;
pub mod bytes_methods;
pub mod capsule;
pub mod cell;
pub mod class_creation;
pub mod code;
pub mod code_extra;
pub mod code_methods;
pub mod combinators;
pub mod complex;
pub mod context;
pub mod coroutine;
pub mod descr;
pub mod descr_methods;
pub mod dict;
pub mod dict_views;
pub mod dispatcher;
pub mod exception;
pub mod exception_group;
pub mod exception_os;
pub mod exception_syntax;
pub mod exception_unicode;
pub mod float;
pub mod float_methods;
pub mod frame;
pub mod frame_locals;
pub mod function;
pub mod function_methods;
pub mod generator;
mod generator_chains;
pub mod generator_methods;
pub mod generic_alias;
pub mod int;
pub mod int_medium;
pub mod int_methods;
pub mod iterators;
pub mod list;
pub mod list_methods;
pub mod list_sort;
pub mod mappingproxy;
pub mod memoryview;
pub mod memoryview_items;
pub mod memoryview_methods;
pub mod module;
pub mod module_methods;
pub mod namespace;
pub mod object;
pub mod object_methods;
pub mod property;
pub mod proxy;
pub mod range;
pub mod set;
pub mod set_known;
pub mod set_methods;
pub mod singletons;
pub mod slice;
pub mod str;
pub mod str_build;
pub mod str_case;
pub mod str_format;
pub mod str_iter;
pub mod str_kernels;
pub mod str_methods;
pub mod str_percent;
pub mod str_search;
pub mod structseq;
pub mod super_;
pub mod template;
pub mod traceback;
pub mod tuple;
pub mod tuple_methods;
pub mod type_;
pub mod type_alias;
pub mod type_methods;
pub mod type_params;
pub mod typing;
pub mod union;
pub mod weakref;

use crate::cx::Cx;
use crate::names::Names;
use crate::object::Header;
use crate::typeobj::Type;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

/// Types that must exist before the first name is interned.
static FIRST: &[&Type] = &[
    &object::OBJECT,
    &type_::TYPE,
    &str_methods::STR,
    &tuple_methods::TUPLE,
    &dict::DICT,
    &crate::dict::TABLE,
    &crate::buffer::VALUE_ARRAY,
    &crate::buffer::RAW_BUFFER,
    &crate::shape::SHAPE,
    &descr_methods::NATIVE_FUNCTION,
    &descr_methods::METHOD_DESCR,
    &descr_methods::CLASS_METHOD_DESCR,
    &descr_methods::SLOT_WRAPPER,
    &descr_methods::METHOD_WRAPPER,
    &descr_methods::GETSET,
    &descr_methods::MEMBER,
    &function_methods::STATIC_METHOD,
    &int::INT,
    &float::FLOAT,
];

/// The other built-in types; tables so that each file can add its own.
static REST: &[&[&Type]] = &[
    &[
        &boolean::BOOL,
        &singletons::NONE_TYPE,
        &singletons::NOT_IMPLEMENTED_TYPE,
        &singletons::ELLIPSIS_TYPE,
        &list_methods::LIST,
        &cell::CELL,
        &code_methods::CODE,
        &frame::FRAME,
        &module::MODULE,
        &slice::SLICE,
        &super_::SUPER,
        &traceback::TRACEBACK,
        &complex::COMPLEX,
        &capsule::CAPSULE,
        &mappingproxy::MAPPING_PROXY,
        &namespace::NAMESPACE,
        &property::PROPERTY,
    ],
    function_methods::TYPES,
    frame_locals::TYPES,
    generator::TYPES,
    coroutine::TYPES,
    async_gen::TYPES,
    context::TYPES,
    crate::traceback_print::unraisable::TYPES,
    iterators::TYPES,
    str_iter::TYPES,
    bytes::TYPES,
    bytearray::TYPES,
    set::TYPES,
    dict::TYPES,
    memoryview::TYPES,
    weakref::TYPES,
    proxy::TYPES,
    typing::TYPES,
    descr_methods::TYPES,
    crate::exceptions::ALL,
];

/// Makes all built-in types. Collections are off while it runs.
pub(crate) fn bootstrap(cx: &mut Cx) {
    for class in FIRST {
        cx.ready_type(class);
    }
    let names = Names::new(cx);
    cx.set_names(names);
    let empty = Tuple::new(cx, &[]);
    cx.rt().empty_tuple.set(Some(empty));
    for c in 0..256u32 {
        let s = Str::from_code_points(cx, &[c]);
        let s = cx.intern_value(s);
        cx.rt().latin1.borrow_mut().push(s);
    }
    for class in FIRST {
        cx.ready_namespace(class);
    }
    for class in REST.iter().flat_map(|table| table.iter()) {
        cx.ready_type(class);
    }
    typing::finish_types(cx);
    crate::exceptions::make_exception_group(cx);
    generator::set_up(cx);
}

/// Trace function of objects without references.
///
/// # Safety
/// None; it does nothing.
pub unsafe fn trace_nothing(_: *mut Header, _: &mut taipan_gc::Marker) {}

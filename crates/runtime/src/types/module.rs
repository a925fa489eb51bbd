//! module: layout, and construction. Attributes are in `module_methods.rs`.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::NativeDef;
use crate::object;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr::NativeFunction;
use crate::types::module_methods;
use crate::value::Value;
use crate::{PyResult, raise};

/// A module object.
#[repr(C)]
pub struct Module {
    header: Header,
    dict: Cell<Option<&'static Dict>>,
}
object!(Module, MODULE);

/// The type of modules.
pub static MODULE: Type = Type::new(&MODULE_SPEC);
static MODULE_SPEC: TypeSpec = TypeSpec {
    name: "module",
    basicsize: std::mem::size_of::<Module>(),
    flags: flags::BASETYPE,
    weakrefs: true,
    trace: Some(trace_module),
    slots: Slots {
        repr: Some(module_methods::repr),
        getattr: Some(module_methods::getattr),
        init: Some(module_methods::init),
        new: Some(|cx, class, _| {
            let dict = Dict::new(cx);
            let this = Module { header: Header::fresh(class), dict: Cell::new(Some(dict)) };
            Ok(Value::of(cx.alloc_of(class, this)))
        }),
        ..Slots::NONE
    },
    methods: &[module_methods::ModuleMethods::METHODS],
    getsets: &[module_methods::ModuleMethods::GETSETS, module_methods::MEMBERS],
    doc: "Create a module object.\n\nThe name must be a string; the optional doc argument can have any type.",
    signature: "(name, doc=None)",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_module(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for modules only.
    if let Some(dict) = unsafe { (*object.cast::<Module>()).dict.get() } {
        marker.mark_value(Value::of(dict).bits());
    }
}

impl Module {
    /// A new module with the standard names in its namespace. May collect.
    pub fn new(cx: &mut Cx, name: &str) -> &'static Module {
        let dict = Dict::new(cx);
        let module = cx.alloc_of(&MODULE, Module { header: Header::fresh(&MODULE), dict: Cell::new(Some(dict)) });
        let names = cx.names();
        let name = Value::of(cx.intern(name));
        dict.set_str(cx, names.__name__, name);
        for key in [names.__doc__, names.__package__, names.__loader__, names.__spec__] {
            dict.set_str(cx, key, Value::none());
        }
        module
    }

    /// Its namespace.
    #[inline(always)]
    pub fn dict(&self) -> &'static Dict {
        self.dict.get().expect("a module has a namespace")
    }

    /// Sets a variable. May collect.
    pub fn set(&self, cx: &mut Cx, name: &str, value: Value) {
        let name = cx.intern(name);
        self.dict().set_str(cx, name, value);
    }

    /// Adds native functions. May collect.
    pub fn add_functions(&'static self, cx: &mut Cx, defs: &'static [NativeDef]) {
        let key = cx.names().__name__;
        let module = self.dict().get_str(key);
        for def in defs {
            let function = NativeFunction::new(cx, def, Some(Value::of(self)), module);
            self.set(cx, def.name, Value::of(function));
        }
    }

    /// Adds a type under its own name. May collect.
    pub fn add_type(&'static self, cx: &mut Cx, class: &'static Type) {
        cx.ready_type(class);
        let name = class.name();
        self.set(cx, &name, Value::of(class));
    }
}

/// The built-in `name`.
pub fn builtin(cx: &mut Cx, name: &str) -> PyResult<Value> {
    let key = Value::of(cx.intern(name));
    // SAFETY: FRAME-1.
    let own = unsafe { cx.frame.as_ref() }.map(|f| f.builtins);
    let found = match own.or(cx.rt().builtins.get()) {
        Some(builtins) => builtins.get(cx, key)?,
        None => None,
    };
    match found {
        Some(found) => Ok(found),
        None => raise!(cx, AttributeError, "{name}"),
    }
}

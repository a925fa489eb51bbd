//! `_weakref`: weak references.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::proxy::{CALLABLE_PROXY, PROXY};
use taipan_runtime::types::weakref::{self, WEAKREF, WeakRef};
use taipan_runtime::{Cx, PyResult, Value, raise};

struct Functions;

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = crate::make(cx, "_weakref", "Weak-reference support module.", Functions::METHODS);
    for (name, class) in [("ref", &WEAKREF), ("ReferenceType", &WEAKREF), ("ProxyType", &PROXY)] {
        module.set(cx, name, Value::of(class));
    }
    module.set(cx, "CallableProxyType", Value::of(&CALLABLE_PROXY));
    module
}

#[pymethods]
impl Functions {
    /// Return the number of weak references to 'object'.
    #[py("($module, object, /)")]
    fn getweakrefcount(cx: &mut Cx, object: Value) -> usize {
        weakref::references(cx, object).len()
    }

    /// Atomically remove key from dict if it points to a dead weakref.
    #[py("($module, dct, key, /)")]
    fn _remove_dead_weakref(cx: &mut Cx, dct: &'static Dict, key: Value) -> PyResult<()> {
        let Some(found) = dct.get(cx, key)? else { return Ok(()) };
        match found.downcast::<WeakRef>() {
            Some(weak) if weak.target().is_none() => dct.remove(cx, key).map(|_| ()),
            Some(_) => Ok(()),
            None => raise!(cx, TypeError, "not a weakref"),
        }
    }

    /// Return a list of all weak reference objects pointing to 'object'.
    #[py("($module, object, /)")]
    fn getweakrefs(cx: &mut Cx, object: Value) -> &'static List {
        let all = weakref::references(cx, object);
        List::from_slice(cx, &all)
    }

    /// Create a proxy object that weakly references 'object'.
    ///
    /// 'callback', if given, is called with a reference to the
    /// proxy when 'object' is about to be finalized.
    #[py("($module, object, callback=None, /)")]
    fn proxy(cx: &mut Cx, object: Value, callback: Option<Value>) -> PyResult<Value> {
        weakref::new_proxy(cx, object, callback)
    }
}

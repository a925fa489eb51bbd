//! The module `_functools`.

mod cmp_to_key;
mod lru_cache;
pub(crate) mod partial;

use taipan_macros::pymethods;
use taipan_runtime::protocol::iter;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::support;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = support::module(cx, "_functools", "Tools that operate on functions.", Functions::METHODS);
    for class in [&partial::PARTIAL, &partial::PLACEHOLDER_TYPE, &lru_cache::LRU_CACHE] {
        module.add_type(cx, class);
    }
    cx.ready_type(&cmp_to_key::KEY_WRAPPER);
    cx.ready_type(&lru_cache::LINK);
    module.set(cx, "Placeholder", partial::placeholder());
    module
}

struct Functions;

#[pymethods]
impl Functions {
    /// Apply a function of two arguments cumulatively to the items of an iterable, from left to right.
    ///
    /// This effectively reduces the iterable to a single value.  If initial is
    /// present, it is placed before the items of the iterable in the
    /// calculation, and serves as a default when the iterable is empty.
    ///
    /// For example, reduce(lambda x, y: x+y, [1, 2, 3, 4, 5])
    /// calculates ((((1 + 2) + 3) + 4) + 5).
    #[py("($module, function, iterable, /, initial=<unrepresentable>)")]
    fn reduce(cx: &mut Cx, function: Value, iterable: Value, initial: Option<Value>) -> PyResult<Value> {
        let it = match iter::iter(cx, iterable) {
            Ok(it) => it,
            Err(_) if cx.exception_matches(&taipan_runtime::exceptions::TypeError) => {
                cx.take_exception();
                return raise!(cx, TypeError, "reduce() arg 2 must support iteration");
            }
            Err(e) => return Err(e),
        };
        let mut total = match initial {
            Some(v) => v,
            None => match iter::next(cx, it)? {
                Some(v) => v,
                None => return raise!(cx, TypeError, "reduce() of empty iterable with no initial value"),
            },
        };
        while let Some(item) = iter::next(cx, it)? {
            total = cx.call(function, &[total, item])?;
        }
        Ok(total)
    }

    /// Convert a cmp= function into a key= function.
    ///
    ///   mycmp
    ///     Function that compares two objects.
    #[py("($module, /, mycmp)")]
    fn cmp_to_key(cx: &mut Cx, mycmp: Value) -> Value {
        cmp_to_key::new(cx, mycmp, None)
    }
}

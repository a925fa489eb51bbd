//! The module `_collections`.

mod defaultdict;
mod deque;
mod deque_iter;
mod ordereddict;
mod ordereddict_iter;
mod tuplegetter;

use taipan_macros::pymethods;
use taipan_runtime::dict::{Dict, hash_key};
use taipan_runtime::protocol::{iter, number, object};
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value};

use crate::support;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = support::module(
        cx,
        "_collections",
        "High performance data structures.\n- deque:        ordered collection accessible from endpoints only\n- defaultdict:  dict subclass with a default value factory\n",
        Functions::METHODS,
    );
    for class in [
        &deque::DEQUE,
        &defaultdict::DEFAULTDICT,
        &deque_iter::DEQUE_ITER,
        &deque_iter::DEQUE_REVERSE_ITER,
        &ordereddict::ORDERED_DICT,
        &tuplegetter::TUPLEGETTER,
    ] {
        module.add_type(cx, class);
    }
    module
}

struct Functions;

#[pymethods]
impl Functions {
    /// Count elements in the iterable, updating the mapping
    #[py("($module, mapping, iterable, /)")]
    fn _count_elements(cx: &mut Cx, mapping: Value, iterable: Value) -> PyResult<()> {
        if let Some(dict) = counting_dict(cx, mapping) {
            return iter::for_each(cx, iterable, |cx, item| {
                let hash = hash_key(cx, item)?;
                dict.increment(cx, item, hash)?;
                Ok(true)
            });
        }
        iter::for_each(cx, iterable, |cx, item| {
            let get = cx.names().get;
            let count = cx.call_method(mapping, get, &[item, Value::small(0)])?;
            let count = number::binary(cx, count, Value::small(1), &number::ADD)?;
            object::set_item(cx, mapping, item, Some(count))?;
            Ok(true)
        })
    }
}

/// The mapping as a dict, if its class overrides neither `get` nor `__setitem__`.
fn counting_dict(cx: &mut Cx, mapping: Value) -> Option<&'static Dict> {
    let dict = mapping.downcast::<Dict>()?;
    let class = mapping.class();
    let base = &taipan_runtime::types::dict::DICT;
    for name in [cx.names().get, cx.names().__setitem__] {
        if cx.type_lookup(class, name) != cx.type_lookup(base, name) {
            return None;
        }
    }
    Some(dict)
}

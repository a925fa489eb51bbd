//! Which Python classes behave as the built-in containers that they are derived from.

use taipan_runtime::Object;
use taipan_runtime::dict::Dict;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;

/// The container that a class is derived from, if it is one whose slots run no code of subclasses.
fn container(class: &'static Class) -> Option<&'static Class> {
    [List::class(), Tuple::class(), Dict::class()].into_iter().find(|base| class.is_subtype(base))
}

/// Whether a class has the length of such a container.
pub fn inherits_len(class: &'static Class) -> bool {
    let slots = container(class).and_then(|base| class.slots().len.zip(base.slots().len));
    slots.is_some_and(|(own, native)| std::ptr::fn_addr_eq(own, native))
}

/// Whether a class is iterated as such a container.
pub fn inherits_iter(class: &'static Class) -> bool {
    let slots = container(class).and_then(|base| class.slots().iter.zip(base.slots().iter));
    slots.is_some_and(|(own, native)| std::ptr::fn_addr_eq(own, native))
}

/// Whether items of a class's instances are found as in such a container; a dict that lacks one may ask `__missing__`.
pub fn inherits_getitem(class: &'static Class) -> bool {
    let slots = container(class).and_then(|base| class.slots().getitem.zip(base.slots().getitem));
    slots.is_some_and(|(own, native)| std::ptr::fn_addr_eq(own, native))
}

/// Whether items of a class's instances are set as in such a container.
pub fn inherits_setitem(class: &'static Class) -> bool {
    let slots = container(class).and_then(|base| class.slots().setitem.zip(base.slots().setitem));
    slots.is_some_and(|(own, native)| std::ptr::fn_addr_eq(own, native))
}

//! `_abc`: what abc.ABCMeta is made of.
//!
//! Each abstract class has an `_abc_data` object with three weak sets of classes: those registered, and those known to be
//! subclasses or not to be. Any registration makes the last set of all classes out of date.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, iter, number, object as any};
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::function_methods::is_abstract;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::set;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::type_methods::is_subclass;
use taipan_runtime::types::weakref::{self, WEAKREF, WeakRef};
use taipan_runtime::{Cx, PyResult, Value, object, raise};

struct Functions;

/// Number of registrations so far.
static REGISTRATIONS: AtomicU64 = AtomicU64::new(0);

fn registrations() -> u64 {
    REGISTRATIONS.load(Ordering::Relaxed)
}

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    cx.ready_type(&ABC_DATA);
    let doc = "Module contains faster C implementation of abc.ABCMeta";
    crate::make(cx, "_abc", doc, Functions::METHODS)
}

/// The data of an abstract class: sets of classes as dicts from their addresses to weak references.
#[repr(C)]
struct AbcData {
    header: Header,
    registry: &'static Dict,
    cache: &'static Dict,
    negative: &'static Dict,
    /// Registrations when `negative` was begun.
    negative_version: Cell<u64>,
}
object!(AbcData, ABC_DATA);

static ABC_DATA: Type = Type::new(&ABC_DATA_SPEC);
static ABC_DATA_SPEC: TypeSpec = TypeSpec {
    name: "_abc._abc_data",
    basicsize: std::mem::size_of::<AbcData>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_data),
    doc: "Internal state held by ABC machinery.",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_data(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these objects only.
    let this = unsafe { &*object.cast::<AbcData>() };
    for dict in [this.registry, this.cache, this.negative] {
        marker.mark_value(Value::of(dict).bits());
    }
}

/// Classes that a weak set may hold dead before they are removed.
const SWEEP_FROM: usize = 64;

fn key_of(class: Value) -> Value {
    Value::small(class.bits() as i64 >> 4)
}

fn live(weak: Value) -> Option<Value> {
    weak.downcast::<WeakRef>().and_then(|w| w.target())
}

fn contains(cx: &mut Cx, set: &'static Dict, class: Value) -> PyResult<bool> {
    Ok(set.get(cx, key_of(class))?.and_then(live) == Some(class))
}

fn add(cx: &mut Cx, set: &'static Dict, class: Value) -> PyResult<()> {
    if set.len() >= SWEEP_FROM && set.len().is_power_of_two() {
        let mut dead = RootVec::new();
        dead.extend(set.iter().filter(|(_, weak)| live(*weak).is_none()).map(|(key, _)| key));
        for key in dead.iter() {
            set.remove(cx, *key)?;
        }
    }
    let weak = weakref::new(cx, &WEAKREF, class, None)?;
    set.set(cx, key_of(class), weak)
}

/// The live members of a weak set.
fn members(set: &'static Dict) -> RootVec {
    let mut all = RootVec::new();
    all.extend(set.iter().filter_map(|(_, weak)| live(weak)));
    all
}

fn data_of(cx: &mut Cx, class: Value) -> PyResult<&'static AbcData> {
    let data = attr::get_text(cx, class, "_abc_impl")?;
    match data.exact::<AbcData>() {
        Some(data) => Ok(data),
        None => raise!(cx, TypeError, "_abc_impl is set to a wrong type"),
    }
}

fn abstract_methods(cx: &mut Cx, class: Value) -> PyResult<Value> {
    let names = cx.names();
    let (bases_key, key) = (names.__bases__, names.__abstractmethods__);
    let mut found = RootVec::new();
    if let Some(own) = class.downcast::<Type>() {
        let mut items = RootVec::new();
        items.extend(own.dict().iter().flat_map(|(name, value)| [name, value]));
        for pair in items.chunks(2) {
            if is_abstract(cx, pair[1])? {
                found.push(pair[0]);
            }
        }
    }
    let bases = attr::get(cx, class, bases_key)?;
    for base in iter::collect(cx, bases)?.iter() {
        let Some(inherited) = attr::get_optional(cx, *base, key)? else { continue };
        for name in iter::collect(cx, inherited)?.iter() {
            let Some(attribute) = name.downcast::<Str>() else { continue };
            let attribute = cx.intern_value(attribute);
            if let Some(value) = attr::get_optional(cx, class, attribute)?
                && is_abstract(cx, value)?
            {
                found.push(*name);
            }
        }
    }
    set::frozenset_from(cx, &found)
}

/// The flags by which pattern matching tells sequences and mappings.
const COLLECTION: u64 = flags::SEQUENCE | flags::MAPPING;

fn set_collection_flag(class: &'static Type, flag: u64) {
    if class.has(flags::IMMUTABLE) || class.flags() & COLLECTION == flag {
        return;
    }
    class.set_flags(class.flags() & !COLLECTION | flag);
    for sub in class.live_subclasses().iter().filter_map(|v| v.downcast::<Type>()) {
        set_collection_flag(sub, flag);
    }
}

fn take_flags(cx: &mut Cx, class: &'static Type) -> PyResult<()> {
    let key = cx.intern("__abc_tpflags__");
    let Some(value) = class.dict().get_str(key) else { return Ok(()) };
    let value = number::to_i64(cx, value)? as u64;
    if value & COLLECTION == COLLECTION {
        return raise!(cx, TypeError, "__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING");
    }
    class.set_flags(class.flags() | value & COLLECTION);
    class.dict().remove_str(cx, key);
    cx.type_modified(class);
    Ok(())
}

#[pymethods]
impl Functions {
    /// Returns the current ABC cache token.
    ///
    /// The token is an opaque object (supporting equality testing) identifying
    /// the current version of the ABC cache for virtual subclasses.  The token
    /// changes with every call to register() on any ABC.
    #[py("($module, /)")]
    fn get_cache_token(_cx: &mut Cx) -> u64 {
        registrations()
    }

    /// Internal ABC helper for class set-up. Should be never used outside abc module.
    #[py("($module, self, /)")]
    fn _abc_init(cx: &mut Cx, class: Value) -> PyResult<()> {
        let methods = abstract_methods(cx, class)?;
        let key = cx.names().__abstractmethods__;
        attr::set(cx, class, key, Some(methods))?;
        let (registry, cache, negative) = (Dict::new(cx), Dict::new(cx), Dict::new(cx));
        let negative_version = Cell::new(registrations());
        let header = Header::fresh(&ABC_DATA);
        let data = cx.alloc(AbcData { header, registry, cache, negative, negative_version });
        let key = cx.intern("_abc_impl");
        attr::set(cx, class, key, Some(Value::of(data)))?;
        match class.downcast::<Type>() {
            Some(class) => take_flags(cx, class),
            None => Ok(()),
        }
    }

    /// Internal ABC helper to reset registry of a given class.
    ///
    /// Should be only used by refleak.py
    #[py("($module, self, /)")]
    fn _reset_registry(cx: &mut Cx, class: Value) -> PyResult<()> {
        data_of(cx, class)?.registry.clear(cx);
        Ok(())
    }

    /// Internal ABC helper to reset both caches of a given class.
    ///
    /// Should be only used by refleak.py
    #[py("($module, self, /)")]
    fn _reset_caches(cx: &mut Cx, class: Value) -> PyResult<()> {
        let data = data_of(cx, class)?;
        data.cache.clear(cx);
        data.negative.clear(cx);
        Ok(())
    }

    /// Internal ABC helper for cache and registry debugging.
    ///
    /// Return shallow copies of registry, of both caches, and
    /// negative cache version. Don't call this function directly,
    /// instead use ABC._dump_registry() for a nice repr.
    #[py("($module, self, /)")]
    fn _get_dump(cx: &mut Cx, class: Value) -> PyResult<Value> {
        let data = data_of(cx, class)?;
        let mut parts = RootVec::new();
        for dict in [data.registry, data.cache, data.negative] {
            let mut weak = RootVec::new();
            weak.extend(dict.iter().map(|(_, weak)| weak).filter(|w| live(*w).is_some()));
            let frozen = set::frozenset_from(cx, &weak)?;
            parts.push(frozen);
        }
        let version = cx.int_u64(data.negative_version.get());
        parts.push(version);
        Ok(Value::of(Tuple::new(cx, &parts)))
    }

    /// Internal ABC helper for subclasss registration. Should be never used outside abc module.
    #[py("($module, self, subclass, /)")]
    fn _abc_register(cx: &mut Cx, class: Value, subclass: Value) -> PyResult<Value> {
        let Some(sub) = subclass.downcast::<Type>() else {
            return raise!(cx, TypeError, "Can only register classes");
        };
        if is_subclass(cx, subclass, class)? {
            return Ok(subclass);
        }
        if is_subclass(cx, class, subclass)? {
            return raise!(cx, RuntimeError, "Refusing to create an inheritance cycle");
        }
        let data = data_of(cx, class)?;
        add(cx, data.registry, subclass)?;
        REGISTRATIONS.fetch_add(1, Ordering::Relaxed);
        if let Some(flag) = class.downcast::<Type>().map(|c| c.flags() & COLLECTION).filter(|f| *f != 0) {
            set_collection_flag(sub, flag);
        }
        Ok(subclass)
    }

    /// Internal ABC helper for instance checks. Should be never used outside abc module.
    #[py("($module, self, instance, /)")]
    fn _abc_instancecheck(cx: &mut Cx, class: Value, instance: Value) -> PyResult<Value> {
        let data = data_of(cx, class)?;
        let (key, check) = (cx.names().__class__, cx.names().__subclasscheck__);
        let subclass = attr::get_optional(cx, instance, key)?.unwrap_or(Value::of(instance.class()));
        if contains(cx, data.cache, subclass)? {
            return Ok(Value::bool(true));
        }
        let subtype = Value::of(instance.class());
        if subtype == subclass {
            if data.negative_version.get() == registrations() && contains(cx, data.negative, subclass)? {
                return Ok(Value::bool(false));
            }
            return cx.call_method(class, check, &[subclass]);
        }
        let result = cx.call_method(class, check, &[subclass])?;
        if any::truth(cx, result)? { Ok(result) } else { cx.call_method(class, check, &[subtype]) }
    }

    /// Internal ABC helper for subclasss checks. Should be never used outside abc module.
    #[py("($module, self, subclass, /)")]
    fn _abc_subclasscheck(cx: &mut Cx, class: Value, subclass: Value) -> PyResult<bool> {
        let Some(sub) = subclass.downcast::<Type>() else {
            return raise!(cx, TypeError, "issubclass() arg 1 must be a class");
        };
        let data = data_of(cx, class)?;
        if contains(cx, data.cache, subclass)? {
            return Ok(true);
        }
        if data.negative_version.get() < registrations() {
            data.negative.clear(cx);
            data.negative_version.set(registrations());
        } else if contains(cx, data.negative, subclass)? {
            return Ok(false);
        }
        let hook = cx.names().__subclasshook__;
        let said = cx.call_method(class, hook, &[subclass])?;
        if said == Value::bool(true) {
            add(cx, data.cache, subclass)?;
            return Ok(true);
        }
        if said == Value::bool(false) {
            add(cx, data.negative, subclass)?;
            return Ok(false);
        }
        if !said.is_not_implemented() {
            return raise!(cx, AssertionError, "__subclasshook__ must return either False, True, or NotImplemented");
        }
        let found = sub.mro().items().contains(&class) || is_virtual_subclass(cx, class, data, subclass)?;
        let known = if found { data.cache } else { data.negative };
        add(cx, known, subclass)?;
        Ok(found)
    }
}

/// True if `subclass` is a subclass of something registered or of a subclass of `class`.
fn is_virtual_subclass(cx: &mut Cx, class: Value, data: &AbcData, subclass: Value) -> PyResult<bool> {
    for registered in members(data.registry).iter() {
        if cx.nested(" in __subclasscheck__", |cx| is_subclass(cx, subclass, *registered))? {
            return Ok(true);
        }
    }
    let subclasses = cx.call_method_text(class, "__subclasses__", &[])?;
    for derived in iter::collect(cx, subclasses)?.iter() {
        if cx.nested(" in __subclasscheck__", |cx| is_subclass(cx, subclass, *derived))? {
            return Ok(true);
        }
    }
    Ok(false)
}

//! The module `gc`: the collector as Python code sees it.
//!
//! Taipan's collector has a young and an old generation. `collect(0)` collects the young one, higher numbers collect
//! everything. Thresholds and debug flags are remembered but change nothing.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use taipan_gc::Kind;
use taipan_macros::pymethods;
use taipan_runtime::buffer::{RAW_BUFFER, VALUE_ARRAY};
use taipan_runtime::dict::{self, Dict};
use taipan_runtime::heap::RootVec;
use taipan_runtime::native::{self, ParamSpec};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::number;
use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::descr::NativeFunction;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, heap, liveness, raise, shape};

use crate::state::{self, Slot};

/// The functions.
pub struct Gc;

const DOC: &str = "This module provides access to the garbage collector for reference cycles.\n\nenable() -- Enable automatic garbage collection.\ndisable() -- Disable automatic garbage collection.\nisenabled() -- Returns true if automatic collection is enabled.\ncollect() -- Do a full collection right now.\nget_count() -- Return the current collection counts.\nget_stats() -- Return list of dictionaries containing per-generation stats.\nset_debug() -- Set debugging flags.\nget_debug() -- Get debugging flags.\nset_threshold() -- Set the collection thresholds.\nget_threshold() -- Return the current collection thresholds.\nget_objects() -- Return a list of all objects tracked by the collector.\nis_tracked() -- Returns true if a given object is tracked.\nis_finalized() -- Returns true if a given object has been already finalized.\nget_referrers() -- Return the list of objects that refer to an object.\nget_referents() -- Return the list of objects that an object refers to.\nfreeze() -- Freeze all tracked objects and ignore them for future collections.\nunfreeze() -- Unfreeze all objects in the permanent generation.\nget_freeze_count() -- Return the number of objects in the permanent generation.\n";

static ENABLED: AtomicBool = AtomicBool::new(true);
static DEBUG: AtomicI64 = AtomicI64::new(0);
/// How many objects `freeze` found.
static FROZEN: AtomicI64 = AtomicI64::new(0);
const DEBUG_STATS: i64 = 1;
static THRESHOLDS: [AtomicI64; 3] = [AtomicI64::new(2000), AtomicI64::new(10), AtomicI64::new(0)];

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = crate::make(cx, "gc", DOC, Gc::METHODS);
    let debug = [
        ("DEBUG_STATS", DEBUG_STATS),
        ("DEBUG_COLLECTABLE", 2),
        ("DEBUG_UNCOLLECTABLE", 4),
        ("DEBUG_SAVEALL", 32),
        ("DEBUG_LEAK", 38),
    ];
    for (name, value) in debug {
        module.set(cx, name, Value::small(value));
    }
    let callbacks = Value::of(state::get_list(cx, Slot::GcCallbacks));
    module.set(cx, "callbacks", callbacks);
    let garbage = Value::of(state::get_list(cx, Slot::GcGarbage));
    module.set(cx, "garbage", garbage);
    Ok(module)
}

/// Tells `gc.callbacks` about the start or end of a collection. Exceptions are reported.
fn notify(cx: &mut Cx, phase: &str, generation: i64) {
    let callbacks = state::get_list(cx, Slot::GcCallbacks);
    if callbacks.is_empty() {
        return;
    }
    let info = Dict::new(cx);
    for (name, value) in [("generation", generation), ("collected", 0), ("uncollectable", 0)] {
        let name = cx.intern(name);
        info.set_str(cx, name, Value::small(value));
    }
    let phase = cx.str(phase);
    let mut i = 0;
    while let Some(f) = callbacks.get(i) {
        i += 1;
        if cx.call(f, &[phase, Value::of(info)]).is_err() {
            let exception = cx.take_exception();
            taipan_runtime::protocol::object::unraisable(cx, exception, Some(f), None);
        }
    }
}

/// The parameters of `gc.collect`.
static COLLECT: ParamSpec = ParamSpec {
    name: "collect",
    names: &["generation"],
    positional_only: 0,
    positional: 1,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

/// A collection by `gc.collect` runs, or what it calls.
static COLLECTING: AtomicBool = AtomicBool::new(false);

/// Collects, then runs finalisers and weakref callbacks.
pub fn collect(cx: &mut Cx, generation: i64) {
    if generation > 0 {
        liveness::forget_dead_temporaries(cx);
    }
    // Stale words between here and the calling instruction must not keep alive what the program has just dropped.
    let is_collect = |f: &NativeFunction| {
        let module = f.module.get().and_then(|m| m.downcast::<Str>());
        f.def.name == COLLECT.name && module.is_some_and(|m| m.eq_rust("gc"))
    };
    let stack = liveness::stack_of_caller(cx, is_collect);
    let is_outermost = !COLLECTING.swap(true, Ordering::Relaxed);
    notify(cx, "start", generation);
    let kind = if generation == 0 { Kind::Minor } else { Kind::Major };
    match stack.filter(|_| is_outermost) {
        // SAFETY: an instruction called `gc.collect` (the outermost one, not what a finaliser calls), and keeps nothing
        // on the native stack; this module's functions keep no reference across the call.
        Some(stack) => unsafe { cx.heap().collect_above(kind, stack) },
        None => cx.heap().collect(kind),
    }
    heap::run_pending(cx);
    notify(cx, "stop", generation);
    COLLECTING.store(!is_outermost, Ordering::Relaxed);
}

/// With DEBUG_STATS: says what is going to be collected, and when that began.
fn announce(cx: &mut Cx, generation: i32) -> Option<std::time::Instant> {
    if DEBUG.load(Ordering::Relaxed) & DEBUG_STATS == 0 {
        return None;
    }
    let mut count = 0;
    cx.heap().for_each_object(|_| count += 1);
    let frozen = FROZEN.load(Ordering::Relaxed);
    let text = format!(
        "gc: collecting generation {generation}...\ngc: objects in each generation: 0 0 {count}\n\
         gc: objects in permanent generation: {frozen}\n"
    );
    taipan_runtime::traceback_print::unraisable::write_stderr(cx, &text);
    Some(std::time::Instant::now())
}

/// True for objects that only implement others and that Python code must not see.
fn is_internal(class: &Type) -> bool {
    [&VALUE_ARRAY, &RAW_BUFFER, &dict::TABLE, &shape::SHAPE].iter().any(|t| std::ptr::eq(*t, class))
        || class.spec().is_some_and(|s| s.name.ends_with("_table"))
}

pub(crate) fn is_container(v: Value) -> bool {
    match v.downcast::<Type>() {
        Some(class) => class.is_heap_type(),
        None => v.is_pointer() && (v.class().has(flags::HAVE_GC) || v.class().is_heap_type()),
    }
}

/// A container that may be part of a cycle, as CPython sees it: not a static type, and not a tuple of what is not tracked.
fn is_tracked(v: Value) -> bool {
    if let Some(tuple) = v.exact::<Tuple>() {
        return tuple.items().iter().any(|item| is_tracked(*item));
    }
    is_container(v) || v.downcast::<Module>().is_some() || v.downcast::<Tuple>().is_some()
}

/// Objects directly referred to by `v`, those behind its buffers included. May not collect.
fn referents(cx: &mut Cx, v: Value, out: &mut Vec<Value>) {
    // Small ints and most floats are no objects.
    let immediate = |item: &&Value| !item.is_pointer();
    if let Some(tuple) = v.downcast::<Tuple>() {
        out.extend(tuple.items().iter().filter(immediate));
    } else if let Some(list) = v.downcast::<List>() {
        out.extend(list.items().iter().filter(immediate));
    } else if let Some(dict) = v.downcast::<Dict>() {
        out.extend(dict.iter().flat_map(|(key, value)| [key, value]).filter(|item| !item.is_pointer()));
    }
    let mut pending = vec![v.bits()];
    let mut first = true;
    while let Some(word) = pending.pop() {
        // SAFETY: an object of this heap or a static one.
        let found = unsafe { cx.heap().references_of(word as *mut _) };
        for object in found {
            let Some(value) = Value::from_bits(object as u64) else { continue };
            let class = value.class();
            if is_internal(class) {
                if !std::ptr::eq(class, &shape::SHAPE) && !pending.contains(&value.bits()) {
                    pending.push(value.bits());
                }
                continue;
            }
            // An object's type is reported as a reference; CPython does so for classes made at run time.
            let holder = Value::from_bits(word).map_or(class, |holder| holder.class());
            let is_own_class = value == Value::of(holder);
            if !is_own_class || first && v.class().is_heap_type() {
                out.push(value);
            }
        }
        first = false;
    }
}

/// All objects that Python code may see and that survive a collection. May collect.
fn all_objects(cx: &mut Cx) -> RootVec {
    cx.heap().collect(Kind::Major);
    heap::run_pending(cx);
    cx.heap().collect(Kind::Major);
    let mut objects = RootVec::new();
    cx.heap().for_each_object(|object| {
        // SAFETY: an object of the heap.
        let header = unsafe { &*object.cast::<Header>() };
        if !is_internal(header.class()) {
            objects.push(header.value());
        }
    });
    objects
}

#[pymethods]
impl Gc {
    /// Enable automatic garbage collection.
    #[py("($module, /)")]
    fn enable(cx: &mut Cx) {
        if !ENABLED.swap(true, Ordering::Relaxed) {
            cx.heap().relax(false);
        }
    }

    /// Disable automatic garbage collection.
    // It goes on, but seldom: no reference counts free what a program drops without it.
    #[py("($module, /)")]
    fn disable(cx: &mut Cx) {
        if ENABLED.swap(false, Ordering::Relaxed) {
            cx.heap().relax(true);
        }
    }

    /// Returns true if automatic garbage collection is enabled.
    #[py("($module, /)")]
    fn isenabled(_cx: &mut Cx) -> bool {
        ENABLED.load(Ordering::Relaxed)
    }

    /// Run the garbage collector.
    ///
    /// With no arguments, run a full collection.  The optional argument
    /// may be an integer specifying which generation to collect.  A ValueError
    /// is raised if the generation number is invalid.
    ///
    /// The number of unreachable objects is returned.
    #[py("($module, /, generation=2)", raw)]
    fn collect(cx: &mut Cx, args: Args) -> PyResult<i64> {
        let mut bound = [None];
        native::bind(cx, &COLLECT, args, &mut bound)?;
        let generation = match bound[0] {
            Some(generation) => number::to_i32(cx, generation)?,
            None => 2,
        };
        cx.clear_dead_registers(args.values());
        if !(0..=2).contains(&generation) {
            return raise!(cx, ValueError, "invalid generation");
        }
        cx.rt().garbage_found.set(0);
        cx.rt().garbage_wanted.set(true);
        let started = announce(cx, generation);
        collect(cx, generation as i64);
        cx.rt().garbage_wanted.set(false);
        let found = cx.rt().garbage_found.get() as i64;
        if let Some(started) = started {
            let elapsed = started.elapsed().as_secs_f64();
            let text = format!("gc: done, {found} unreachable, 0 uncollectable, {elapsed:.4}s elapsed\n");
            taipan_runtime::traceback_print::unraisable::write_stderr(cx, &text);
        }
        Ok(found)
    }

    /// Return a three-tuple of the current collection counts.
    #[py("($module, /)")]
    fn get_count(cx: &mut Cx) -> Value {
        let stats = cx.heap().stats();
        let counts = [(stats.bytes_allocated / 64) as i64 & 0x7fff, stats.minor as i64, stats.major as i64];
        Value::of(Tuple::new(cx, &counts.map(Value::small)))
    }

    /// Return the current collection thresholds.
    #[py("($module, /)")]
    fn get_threshold(cx: &mut Cx) -> Value {
        let thresholds = [0, 1, 2].map(|i: usize| Value::small(THRESHOLDS[i].load(Ordering::Relaxed)));
        Value::of(Tuple::new(cx, &thresholds))
    }

    /// set_threshold(threshold0, [threshold1, [threshold2]])
    /// Set the collection thresholds (the collection frequency).
    ///
    /// Setting 'threshold0' to zero disables collection.
    #[py("($module, threshold0, threshold1=<unrepresentable>, threshold2=<unrepresentable>, /)", raw)]
    fn set_threshold(cx: &mut Cx, args: Args) -> PyResult<()> {
        args.no_keywords(cx, "gc.set_threshold")?;
        if args.pos().is_empty() || args.pos().len() > 3 {
            return raise!(cx, TypeError, "gc.set_threshold requires 1 to 3 arguments");
        }
        let mut numbers = [0; 3];
        for (slot, v) in numbers.iter_mut().zip(args.pos()) {
            *slot = number::to_i32(cx, *v)? as i64;
        }
        for (threshold, n) in THRESHOLDS.iter().zip(&numbers[..args.pos().len()]) {
            threshold.store(*n, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Get the garbage collection debugging flags.
    #[py("($module, /)")]
    fn get_debug(_cx: &mut Cx) -> i64 {
        DEBUG.load(Ordering::Relaxed)
    }

    /// Set the garbage collection debugging flags.
    ///
    ///   flags
    ///     An integer that can have the following bits turned on:
    ///       DEBUG_STATS - Print statistics during collection.
    ///       DEBUG_COLLECTABLE - Print collectable objects found.
    ///       DEBUG_UNCOLLECTABLE - Print unreachable but uncollectable objects
    ///         found.
    ///       DEBUG_SAVEALL - Save objects to gc.garbage rather than freeing them.
    ///       DEBUG_LEAK - Debug leaking programs (everything but STATS).
    #[py("($module, flags, /)")]
    fn set_debug(_cx: &mut Cx, flags: i32) {
        DEBUG.store(flags as i64, Ordering::Relaxed);
    }

    /// Return a list of dictionaries containing per-generation statistics.
    #[py("($module, /)")]
    fn get_stats(cx: &mut Cx) -> Value {
        let stats = cx.heap().stats();
        let list = List::new(cx);
        for collections in [stats.minor, 0, stats.major] {
            let row = Dict::new(cx);
            for (name, n) in [("collections", collections as i64), ("collected", 0), ("uncollectable", 0)] {
                let name = cx.intern(name);
                row.set_str(cx, name, Value::small(n));
            }
            list.push(cx, Value::of(row));
        }
        Value::of(list)
    }

    /// Return a list of objects tracked by the collector (excluding the list returned).
    ///
    ///   generation
    ///     Generation to extract the objects from.
    ///
    /// If generation is not None, return only the objects tracked by the
    /// collector that are in that generation.
    #[py("($module, /, generation=None)")]
    fn get_objects(cx: &mut Cx, generation: Option<Value>) -> PyResult<Value> {
        if let Some(generation) = generation.filter(|g| !g.is_none()) {
            if !int::check(generation) && generation.class().slots().index.is_none() {
                let got = generation.class().tp_name();
                return raise!(cx, TypeError, "argument should be integer or None, not '{got}'");
            }
            let number = number::to_i64(cx, generation)?;
            if number >= 3 {
                return raise!(
                    cx,
                    ValueError,
                    "generation parameter must be less than the number of available generations (3)"
                );
            }
            if number < 0 {
                return raise!(cx, ValueError, "generation parameter cannot be negative");
            }
        }
        crate::sys::audit(cx, "gc.get_objects", &[generation.unwrap_or(Value::none())])?;
        let objects = all_objects(cx);
        let list = List::new(cx);
        for object in objects.iter().filter(|v| is_container(**v)) {
            list.push(cx, *object);
        }
        Ok(Value::of(list))
    }

    /// Return the list of objects that directly refer to any of 'objs'.
    #[py("($module, /, *objs)", raw)]
    fn get_referrers(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "get_referrers")?;
        let wanted = Value::of(Tuple::new(cx, args.pos()));
        crate::sys::audit(cx, "gc.get_referrers", &[wanted])?;
        let objects = all_objects(cx);
        let list = List::new(cx);
        let mut found = Vec::new();
        for object in objects.iter().copied().filter(|v| is_container(*v) && *v != wanted) {
            found.clear();
            referents(cx, object, &mut found);
            if found.iter().any(|f| args.pos().contains(f)) {
                list.push(cx, object);
            }
        }
        Ok(Value::of(list))
    }

    /// Return the list of objects that are directly referred to by 'objs'.
    #[py("($module, /, *objs)", raw)]
    fn get_referents(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "get_referents")?;
        let wanted = Value::of(Tuple::new(cx, args.pos()));
        crate::sys::audit(cx, "gc.get_referents", &[wanted])?;
        let list = List::new(cx);
        for object in args.pos().iter().filter(|v| is_container(**v)) {
            let mut found = Vec::new();
            referents(cx, *object, &mut found);
            let found = RootVec::from_slice(&found);
            for value in found.iter() {
                list.push(cx, *value);
            }
        }
        Ok(Value::of(list))
    }

    /// Returns true if the object is tracked by the garbage collector.
    ///
    /// Simple atomic objects will return false.
    #[py("($module, obj, /)")]
    fn is_tracked(_cx: &mut Cx, obj: Value) -> bool {
        is_tracked(obj)
    }

    /// Returns true if the object has been already finalized by the GC.
    #[py("($module, obj, /)")]
    fn is_finalized(_cx: &mut Cx, obj: Value) -> bool {
        obj.as_object().is_some_and(|header| header.is_finalized())
    }

    /// Freeze all current tracked objects and ignore them for future collections.
    ///
    /// This can be used before a POSIX fork() call to make the gc copy-on-write
    /// friendly.
    #[py("($module, /)")]
    fn freeze(cx: &mut Cx) {
        let count = all_objects(cx).iter().filter(|v| is_container(**v)).count();
        FROZEN.store(count as i64, Ordering::Relaxed);
    }

    /// Unfreeze all objects in the permanent generation.
    ///
    /// Put all objects in the permanent generation back into oldest generation.
    #[py("($module, /)")]
    fn unfreeze(_cx: &mut Cx) {
        FROZEN.store(0, Ordering::Relaxed);
    }

    /// Return the number of objects in the permanent generation.
    #[py("($module, /)")]
    fn get_freeze_count(_cx: &mut Cx) -> i64 {
        FROZEN.load(Ordering::Relaxed)
    }
}

//! The runtime's side of the collector: tracing, roots, weak references, finalisers and native releases.
//!
//! Invariants:
//! - HEAP-1: the hooks run inside a collection and neither allocate nor run Python code; finalisers and weakref
//!   callbacks are queued and run later by [`run_pending`].
//! - HEAP-2: every object with a `drop` function or a `__del__` is in [`Special`] from creation to death.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

pub use taipan_gc::with_spilled_registers;
use taipan_gc::{Config, Heap, Hooks, Kind, Marker, Stats};

use crate::cx::{Cx, Runtime};
use crate::object::Header;
use crate::shape;
use crate::types::function::Function;
use crate::value::Value;

/// Native stack kept free for error handling, in bytes.
pub const STACK_RESERVE: usize = 256 * 1024;

/// Objects that need attention when they die, and what is waiting to run.
#[derive(Default)]
pub struct Special {
    /// Objects with `__del__` or native resources; the young ones are at the end.
    registered: Vec<Value>,
    old: usize,
    /// Weak references (layout in types/weakref.rs).
    weakrefs: Vec<Value>,
    old_weakrefs: usize,
    /// The weak references to each object that has some, by its word; weakly held as well.
    weakrefs_to: HashMap<u64, Vec<Value>, ahash::RandomState>,
    /// Objects whose `__del__` must run.
    pub finalizers: Vec<Value>,
    /// Dead weak references whose callback must run.
    pub callbacks: Vec<Value>,
}

struct Context {
    runtime: *const Runtime,
}

pub(crate) fn create(config: Config, runtime: &'static Runtime) -> *mut Heap {
    let context = Box::leak(Box::new(Context { runtime }));
    let hooks = Hooks { trace, roots, after_mark, finished, shortage, ctx: (context as *mut Context).cast() };
    Box::leak(Heap::new(config, hooks).expect("address space for the heap"))
}

/// Lowest address that native recursion on this thread may reach.
pub fn native_stack_limit() -> usize {
    let (low, _high) = taipan_gc::current_stack_bounds();
    low + STACK_RESERVE
}

unsafe fn shortage(_ctx: *mut ()) {
    crate::cx::INTERRUPT.store(true, std::sync::atomic::Ordering::Relaxed);
}

unsafe fn trace(object: *mut taipan_gc::Header, marker: &mut Marker) {
    // SAFETY: the collector passes live objects; OBJ-1.
    unsafe {
        let header = &*object.cast::<Header>();
        let class = header.class();
        marker.mark_object((class as *const crate::typeobj::Type).cast_mut().cast());
        let data = class.data();
        (data.trace)(object.cast(), marker);
        if data.attrs {
            shape::trace_attrs(header, marker);
        }
        for offset in &data.slot_words {
            marker.mark_range((object as usize + *offset as usize) as *const u64, 1);
        }
    }
}

unsafe fn roots(ctx: *mut (), marker: &mut Marker) {
    // SAFETY: ctx is the leaked Context; nobody borrows the runtime's tables across a collection (HEAP-1).
    unsafe {
        let context = &*ctx.cast::<Context>();
        let runtime = &*context.runtime;
        runtime.trace_interned(marker);
        for class in &*runtime.static_types.as_ptr() {
            crate::typeobj::Type::trace((*class as *const crate::typeobj::Type).cast_mut().cast(), marker);
        }
        for value in &*runtime.roots.as_ptr() {
            marker.mark_value(value.bits());
        }
        for dict in [runtime.modules.get(), runtime.builtins.get(), runtime.sys.get()].into_iter().flatten() {
            marker.mark_value(Value::of(dict).bits());
        }
        let (firstiter, finalizer) = runtime.asyncgen_hooks.get();
        for value in [firstiter, finalizer].into_iter().flatten() {
            marker.mark_value(value.bits());
        }
        for s in &*runtime.latin1.as_ptr() {
            marker.mark_value(Value::of(*s).bits());
        }
        if let Some(tuple) = runtime.empty_tuple.get() {
            marker.mark_value(Value::of(tuple).bits());
        }
        let special = &*runtime.special.as_ptr();
        for value in special.finalizers.iter().chain(&special.callbacks) {
            marker.mark_value(value.bits());
        }
        for values in &*ROOT_VECS.0.get() {
            for value in &**values {
                marker.mark_value(value.bits());
            }
        }
        for interpreter in &*runtime.interpreters.as_ptr() {
            interpreter.trace(marker);
        }
        for cx in crate::threads::contexts() {
            trace_context(&**cx, marker);
        }
    }
}

unsafe fn trace_context(cx: &Cx, marker: &mut Marker) {
    for value in
        [cx.exception(), cx.handled, cx.context.map(Value::of), cx.handle, cx.trace, cx.profile].into_iter().flatten()
    {
        marker.mark_value(value.bits());
    }
    for call in &cx.native_calls {
        let monitored = call.monitored.map_or([None; 2], |(callee, argument)| [Some(callee), Some(argument)]);
        for value in [call.function, monitored[0], monitored[1]].into_iter().flatten() {
            marker.mark_value(value.bits());
        }
    }
    for value in &cx.repr_stack {
        marker.mark_value(value.bits());
    }
    // SAFETY: the stack's words up to the running frame's top belong to it.
    unsafe { cx.stack.trace(cx.frame, marker) };
}

unsafe fn after_mark(ctx: *mut (), marker: &mut Marker, kind: Kind) {
    // SAFETY: as in roots.
    unsafe {
        let context = &*ctx.cast::<Context>();
        let special = &mut *(*context.runtime).special.as_ptr();
        let minor = kind == Kind::Minor;
        if (*context.runtime).garbage_wanted.get() && !minor {
            (*context.runtime).garbage_found.set(count_garbage(marker));
        }
        special.clear_weakrefs(marker, minor);
        special.resurrect(marker, minor);
        marker.drain();
        if special.has_dead_class(marker, minor) {
            crate::types::type_::forget_dead_subclasses(&*context.runtime, marker);
        }
        special.release(marker, minor);
    }
}

/// The containers among the objects that were not reached, except those that counting references would have freed: what
/// CPython's `gc.collect()` counts. Of very many objects only an estimate is made.
unsafe fn count_garbage(marker: &Marker) -> usize {
    const MANY: usize = 300_000;
    let dead = marker.dead_objects();
    if dead.len() > MANY {
        return dead.len() / 2;
    }
    let number: HashMap<usize, usize, ahash::RandomState> =
        dead.iter().enumerate().map(|(i, obj)| (*obj as usize, i)).collect();
    // SAFETY: dead objects that were not swept.
    let references: Vec<Vec<usize>> = dead
        .iter()
        .map(|obj| {
            unsafe { marker.references_of(*obj) }.iter().filter_map(|r| number.get(&(*r as usize)).copied()).collect()
        })
        .collect();
    let mut counts = vec![0usize; dead.len()];
    references.iter().flatten().for_each(|i| counts[*i] += 1);
    let mut unreferenced: Vec<usize> = (0..dead.len()).filter(|i| counts[*i] == 0).collect();
    let mut freed = vec![false; dead.len()];
    while let Some(i) = unreferenced.pop() {
        freed[i] = true;
        for r in &references[i] {
            counts[*r] -= 1;
            if counts[*r] == 0 {
                unreferenced.push(*r);
            }
        }
    }
    let is_container = |obj: &taipan_gc::Header| {
        // SAFETY: OBJ-1.
        let class = unsafe { &*(obj as *const taipan_gc::Header).cast::<Header>() }.class();
        class.has(crate::typeobj::flags::HAVE_GC) || class.is_heap_type()
    };
    // SAFETY: as above.
    dead.iter().zip(freed).filter(|(obj, freed)| !freed && is_container(unsafe { &***obj })).count()
}

unsafe fn finished(_ctx: *mut (), _stats: &Stats) {}

impl Special {
    /// The weak references to `target`.
    pub fn weakrefs_to(&self, target: Value) -> &[Value] {
        self.weakrefs_to.get(&target.bits()).map_or(&[], |list| list)
    }

    fn forget_weakref(&mut self, target: Value, weakref: Value) {
        if let Entry::Occupied(mut list) = self.weakrefs_to.entry(target.bits()) {
            list.get_mut().retain(|w| *w != weakref);
            if list.get().is_empty() {
                list.remove();
            }
        }
    }

    /// Objects with `__del__` or native resources that are alive, oldest first.
    pub fn registered(&self) -> &[Value] {
        &self.registered
    }

    /// Forgets `object` if it is the object registered last, and young.
    pub fn forget_last(&mut self, object: Value) {
        if self.registered.len() > self.old && self.registered.last() == Some(&object) {
            self.registered.pop();
        }
    }

    unsafe fn clear_weakrefs(&mut self, marker: &mut Marker, minor: bool) {
        let start = if minor { self.old_weakrefs } else { 0 };
        let mut kept = start;
        // A young weakref to an old object, or an old one to a young object (impossible: a weakref is made after
        // its referent) - so in a minor collection only young weakrefs can have dying referents.
        for i in start..self.weakrefs.len() {
            let weakref = self.weakrefs[i];
            // SAFETY: the list holds weak references only, and nothing was swept yet.
            let weak = unsafe { weakref.cast::<crate::types::weakref::WeakRef>() };
            if !marker.is_marked(weakref.bits() as *const _) {
                if let Some(target) = weak.target() {
                    self.forget_weakref(target, weakref);
                }
                continue;
            }
            if let Some(target) = weak.target()
                && !marker.is_marked(target.bits() as *const _)
            {
                weak.clear();
                self.weakrefs_to.remove(&target.bits());
                if weak.has_callback() {
                    self.callbacks.push(weakref);
                    crate::cx::INTERRUPT.store(true, std::sync::atomic::Ordering::Relaxed);
                }
                continue;
            }
            self.weakrefs[kept] = weakref;
            kept += 1;
        }
        self.weakrefs.truncate(kept);
        self.old_weakrefs = kept;
    }

    unsafe fn resurrect(&mut self, marker: &mut Marker, minor: bool) {
        let start = if minor { self.old } else { 0 };
        for i in start..self.registered.len() {
            let object = self.registered[i];
            if !marker.is_marked(object.bits() as *const _)
                && object.class().data().finalizer.get()
                && !object.as_object().expect("a pointer").is_finalized()
                && !crate::types::generator::is_finished(object)
            {
                object.as_object().expect("a pointer").set_finalized();
                self.finalizers.push(object);
                marker.mark_value(object.bits());
                crate::cx::INTERRUPT.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
        for callback in &self.callbacks {
            marker.mark_value(callback.bits());
        }
    }

    fn has_dead_class(&self, marker: &Marker, minor: bool) -> bool {
        let young = &self.registered[if minor { self.old } else { 0 }..];
        let is_class = |v: &Value| v.class().has(crate::typeobj::flags::TYPE);
        young.iter().any(|v| is_class(v) && !marker.is_marked(v.bits() as *const _))
    }

    unsafe fn release(&mut self, marker: &mut Marker, minor: bool) {
        let start = if minor { self.old } else { 0 };
        let mut kept = start;
        for i in start..self.registered.len() {
            let object = self.registered[i];
            if marker.is_marked(object.bits() as *const _) {
                self.registered[kept] = object;
                kept += 1;
            } else if let Some(drop) = object.class().data().drop {
                // SAFETY: the object is dead and not yet swept; HEAP-2 says it is dropped once.
                unsafe { drop(object.bits() as *mut Header) };
            }
        }
        self.registered.truncate(kept);
        self.old = kept;
    }
}

/// A vector of values on the Rust heap that the collector knows.
pub struct RootVec {
    // Boxed so that its address stays when the RootVec moves.
    values: Box<Vec<Value>>,
}

struct RootVecs(std::cell::UnsafeCell<Vec<*const Vec<Value>>>);
// SAFETY: only used with the GIL held.
unsafe impl Sync for RootVecs {}
static ROOT_VECS: RootVecs = RootVecs(std::cell::UnsafeCell::new(Vec::new()));

impl Default for RootVec {
    fn default() -> RootVec {
        RootVec::new()
    }
}

impl RootVec {
    /// An empty vector.
    pub fn new() -> RootVec {
        let values = Box::new(Vec::new());
        // SAFETY: the GIL is held.
        unsafe { (*ROOT_VECS.0.get()).push(&raw const *values) };
        RootVec { values }
    }

    /// A copy of `items`.
    pub fn from_slice(items: &[Value]) -> RootVec {
        let mut new = RootVec::new();
        new.extend_from_slice(items);
        new
    }
}

impl Drop for RootVec {
    fn drop(&mut self) {
        let address = &raw const *self.values;
        // SAFETY: the GIL is held.
        let all = unsafe { &mut *ROOT_VECS.0.get() };
        if let Some(i) = all.iter().rposition(|p| *p == address) {
            all.swap_remove(i);
        }
    }
}

impl std::ops::Deref for RootVec {
    type Target = Vec<Value>;
    fn deref(&self) -> &Vec<Value> {
        &self.values
    }
}

impl std::ops::DerefMut for RootVec {
    fn deref_mut(&mut self) -> &mut Vec<Value> {
        &mut self.values
    }
}

pub(crate) fn register(cx: &mut Cx, object: Value) {
    cx.rt().special.borrow_mut().registered.push(object);
}

/// Registers a new weak reference to `target` with the collector, before the first listed one that `before` accepts.
pub fn register_weakref(cx: &mut Cx, weakref: Value, target: Value, before: impl Fn(Value) -> bool) {
    let mut special = cx.rt().special.borrow_mut();
    special.weakrefs.push(weakref);
    let list = special.weakrefs_to.entry(target.bits()).or_default();
    let at = list.iter().position(|w| before(*w)).unwrap_or(list.len());
    list.insert(at, weakref);
}

/// Runs finalisers and weakref callbacks that a collection queued; exceptions in them are reported as unraisable.
pub fn run_pending(cx: &mut Cx) {
    // They run wherever the program happens to be, which may be at the end of what recursion allows.
    const ROOM: usize = 100;
    const NATIVE_ROOM: usize = STACK_RESERVE / 8 * 3;
    let depth = cx.depth;
    cx.depth = depth.min(cx.rt().recursion_limit.get().saturating_sub(ROOM));
    cx.native_limit -= NATIVE_ROOM;
    run_all_pending(cx);
    cx.native_limit += NATIVE_ROOM;
    cx.depth = depth;
}

fn run_all_pending(cx: &mut Cx) {
    crate::types::code_extra::free_dead();
    loop {
        let callback = cx.rt().special.borrow_mut().callbacks.pop();
        if let Some(weakref) = callback {
            crate::types::weakref::run_callback(cx, weakref);
            continue;
        }
        let object = cx.rt().special.borrow_mut().finalizers.pop();
        let Some(object) = object else { break };
        crate::types::object::run_finalizer(cx, object);
    }
}

/// Runs the finalisers written in Python of all objects that are still alive, and ends the generators that are suspended
/// inside a `try` or `with`, oldest first: at the end of the program, which reaches them no more. Those of objects that
/// finalisers make are run too, in a few rounds. Files are not closed: the standard streams are needed to the last.
pub fn finalize_all(cx: &mut Cx) {
    const ROUNDS: usize = 8;
    for _ in 0..ROUNDS {
        let mut waiting = RootVec::new();
        let is_waiting = |v: &Value| {
            v.class().data().finalizer.get()
                && v.as_object().is_some_and(|o| !o.is_finalized())
                && !crate::types::generator::is_finished(*v)
        };
        waiting.extend(cx.rt().special.borrow().registered().iter().copied().filter(is_waiting));
        if waiting.is_empty() {
            return;
        }
        for object in waiting.iter() {
            let Some(header) = object.as_object().filter(|o| !o.is_finalized()) else { continue };
            header.set_finalized();
            let name = cx.names().__del__;
            let is_python = cx.lookup_special(*object, name).is_some_and(|f| f.exact::<Function>().is_some());
            if is_python || crate::types::generator::is_unfinished(*object) {
                crate::types::object::run_finalizer(cx, *object);
            }
        }
    }
}

//! The wrapper behind `functools.lru_cache`.
//!
//! Invariant LRU-1: a bounded cache's dict maps keys to links; the links form a ring through `root`, the least
//! recently used one after it. Unbounded caches map keys to results.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::dict::{Dict, hash_key};
use taipan_runtime::heap::RootVec;
use taipan_runtime::native::bind;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, number, object, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::function::BoundMethod;
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::params;

/// How much a cache holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limit {
    None,
    /// Nothing is cached.
    Zero,
    Items(usize),
}

/// A cached function.
#[repr(C)]
pub struct LruCache {
    header: Header,
    function: Value,
    info_type: Value,
    cache: &'static Dict,
    root: &'static Link,
    /// Separates positional from keyword arguments in keys.
    mark: Value,
    limit: Limit,
    typed: bool,
    hits: Cell<i64>,
    misses: Cell<i64>,
}
taipan_runtime::object!(LruCache, LRU_CACHE);
trace_values!(trace_cache, LruCache, |t| [t.function, t.info_type, Value::of(t.cache), Value::of(t.root), t.mark]);

/// One cached result.
#[repr(C)]
pub struct Link {
    header: Header,
    previous: Cell<Option<&'static Link>>,
    next: Cell<Option<&'static Link>>,
    key: Cell<Option<Value>>,
    hash: Cell<i64>,
    result: Cell<Option<Value>>,
}
taipan_runtime::object!(Link, LINK);
trace_values!(trace_link, Link, |t| [
    t.previous.get().map(Value::of),
    t.next.get().map(Value::of),
    t.key.get(),
    t.result.get()
]);

/// The type `functools._lru_cache_wrapper`.
pub static LRU_CACHE: Type = Type::new(&LRU_CACHE_SPEC);
static LRU_CACHE_SPEC: TypeSpec = TypeSpec {
    name: "functools._lru_cache_wrapper",
    basicsize: std::mem::size_of::<LruCache>(),
    flags: flags::BASETYPE | flags::HAVE_GC | flags::METHOD_DESCRIPTOR,
    attrs: true,
    weakrefs: true,
    trace: Some(trace_cache),
    slots: Slots { new: Some(new), call: Some(call), descr_get: Some(descr_get), ..Slots::NONE },
    methods: &[LruCache::METHODS],
    doc: "Create a cached callable that wraps another function.\n\nuser_function:      the function being cached\n\nmaxsize:  0         for no caching\n          None      for unlimited cache size\n          n         for a bounded cache\n\ntyped:    False     cache f(3) and f(3.0) as identical calls\n          True      cache f(3) and f(3.0) as distinct calls\n\ncache_info_type:    namedtuple class with the fields:\n                        hits misses currsize maxsize\n",
    ..TypeSpec::DEFAULT
};

/// The type of links; never seen by Python code.
pub static LINK: Type = Type::new(&LINK_SPEC);
static LINK_SPEC: TypeSpec = TypeSpec {
    name: "functools._lru_list_elem",
    basicsize: std::mem::size_of::<Link>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    trace: Some(trace_link),
    ..TypeSpec::DEFAULT
};

impl Link {
    fn new(cx: &mut Cx, key: Option<Value>, hash: i64, result: Option<Value>) -> &'static Link {
        cx.alloc(Link {
            header: Header::fresh(&LINK),
            previous: Cell::new(None),
            next: Cell::new(None),
            key: Cell::new(key),
            hash: Cell::new(hash),
            result: Cell::new(result),
        })
    }

    fn join(cx: &mut Cx, a: &'static Link, b: &'static Link) {
        a.next.set(Some(b));
        b.previous.set(Some(a));
        cx.barrier(a);
        cx.barrier(b);
    }

    fn unlink(&self, cx: &mut Cx) {
        if let (Some(previous), Some(next)) = (self.previous.get(), self.next.get()) {
            Link::join(cx, previous, next);
        }
    }

    /// Puts a link behind the most recently used one.
    fn append(&'static self, cx: &mut Cx, root: &'static Link) {
        let last = root.previous.get().unwrap_or(root);
        Link::join(cx, last, self);
        Link::join(cx, self, root);
    }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 4];
    let params = params!("lru_cache", ["user_function", "maxsize", "typed", "cache_info_type"], 4, []);
    bind(cx, params, args, &mut bound)?;
    let [function, max, typed, info_type] = bound.map(|v| v.expect("required"));
    if function.class().slots().call.is_none() {
        return raise!(cx, TypeError, "the first argument must be callable");
    }
    let limit = if max.is_none() {
        Limit::None
    } else if sequence::is_index(max) {
        match number::to_isize(cx, max)? {
            n if n <= 0 => Limit::Zero,
            n => Limit::Items(n as usize),
        }
    } else {
        return raise!(cx, TypeError, "maxsize should be integer or None");
    };
    let typed = object::truth(cx, typed)?;
    let cache = Dict::new(cx);
    let root = Link::new(cx, None, 0, None);
    Link::join(cx, root, root);
    let mark = taipan_runtime::types::object::instantiate(cx, &taipan_runtime::types::object::OBJECT);
    Ok(Value::of(cx.alloc_of(
        class,
        LruCache {
            header: Header::fresh(class),
            function,
            info_type,
            cache,
            root,
            mark,
            limit,
            typed,
            hits: Cell::new(0),
            misses: Cell::new(0),
        },
    )))
}

/// The key of a call: the only argument if it is an int or str, else a tuple of all arguments.
fn key_of(cx: &mut Cx, this: &LruCache, args: Args) -> Value {
    if args.kwnames().is_none() && !this.typed {
        return match args.pos() {
            [v] if v.is_small() || v.exact_class(&int::INT) || v.exact::<Str>().is_some() => *v,
            all => Value::of(Tuple::new(cx, all)),
        };
    }
    let mut all = RootVec::from_slice(args.pos());
    if args.kwnames().is_some() {
        all.push(this.mark);
        for (name, value) in args.keywords() {
            all.push(Value::of(name));
            all.push(value);
        }
    }
    if this.typed {
        for v in args.values() {
            all.push(Value::of(v.class()));
        }
    }
    Value::of(Tuple::new(cx, &all))
}

fn hash_of(cx: &mut Cx, key: Value) -> PyResult<i64> {
    if key.is_small() { hash_key(cx, key) } else { taipan_runtime::protocol::hash::hash(cx, key) }
}

fn call(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the slot of cached functions.
    let this = unsafe { v.cast::<LruCache>() };
    if this.limit == Limit::Zero {
        this.misses.set(this.misses.get() + 1);
        return cx.call_args(this.function, args);
    }
    let key = key_of(cx, this, args);
    let hash = hash_of(cx, key)?;
    let found = this.cache.get_hashed(cx, key, hash)?;
    match this.limit {
        Limit::Items(max) => {
            if let Some(link) = found.and_then(|v| v.exact::<Link>()) {
                this.hits.set(this.hits.get() + 1);
                link.unlink(cx);
                link.append(cx, this.root);
                return Ok(link.result.get().unwrap_or(Value::none()));
            }
            this.misses.set(this.misses.get() + 1);
            let result = cx.call_args(this.function, args)?;
            store_bounded(cx, this, max, (key, hash), result)?;
            Ok(result)
        }
        _ => {
            if let Some(result) = found {
                this.hits.set(this.hits.get() + 1);
                return Ok(result);
            }
            this.misses.set(this.misses.get() + 1);
            let result = cx.call_args(this.function, args)?;
            this.cache.set_hashed(cx, key, hash, result)?;
            Ok(result)
        }
    }
}

fn store_bounded(cx: &mut Cx, this: &LruCache, max: usize, (key, hash): (Value, i64), result: Value) -> PyResult<()> {
    // The call may have cached the same key meanwhile: that result stays.
    if this.cache.get_hashed(cx, key, hash)?.is_some() {
        return Ok(());
    }
    if this.cache.len() >= max {
        let oldest = this.root.next.get().filter(|l| !std::ptr::eq(*l, this.root));
        if let Some(oldest) = oldest
            && let Some(old_key) = oldest.key.get()
        {
            oldest.unlink(cx);
            // `__eq__` of the old key may run and raise; the link is then out of the ring for good.
            this.cache.remove_hashed(cx, old_key, oldest.hash.get())?;
        }
    }
    let link = Link::new(cx, Some(key), hash, Some(result));
    this.cache.set_hashed(cx, key, hash, Value::of(link))?;
    link.append(cx, this.root);
    Ok(())
}

fn descr_get(cx: &mut Cx, v: Value, obj: Option<Value>, _: Option<Value>) -> PyResult<Value> {
    match obj.filter(|o| !o.is_none()) {
        Some(obj) => Ok(Value::of(BoundMethod::new(cx, v, obj))),
        None => Ok(v),
    }
}

#[pymethods]
impl LruCache {
    /// Report cache statistics
    #[py("($self, /)")]
    fn cache_info(cx: &mut Cx, this: &'static LruCache) -> PyResult<Value> {
        let (hits, misses) = (cx.int(this.hits.get()), cx.int(this.misses.get()));
        let max = match this.limit {
            Limit::None => Value::none(),
            Limit::Zero => Value::small(0),
            Limit::Items(n) => cx.int(n as i64),
        };
        let size = cx.int(this.cache.len() as i64);
        cx.call(this.info_type, &[hits, misses, max, size])
    }

    /// Clear the cache and cache statistics
    #[py("($self, /)")]
    fn cache_clear(cx: &mut Cx, this: &'static LruCache) {
        this.hits.set(0);
        this.misses.set(0);
        this.cache.clear(cx);
        Link::join(cx, this.root, this.root);
    }

    /// Return the qualified name, by which the function is pickled.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let name = cx.names().__qualname__;
        attr::get(cx, this, name)
    }

    /// Return the function itself.
    #[py("($self, /)")]
    fn __copy__(_cx: &mut Cx, this: Value) -> Value {
        this
    }

    /// Return the function itself.
    #[py("($self, memo, /)")]
    fn __deepcopy__(_cx: &mut Cx, this: Value, _memo: Value) -> Value {
        this
    }
}

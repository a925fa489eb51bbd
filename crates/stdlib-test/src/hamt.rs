//! `_testinternalcapi.hamt`: the map that contexts are, with keys of any kind.
//!
//! The trie of contexts finds its keys by identity. Here its keys are hashes, of 32 bits as CPython's, and its values the
//! pairs whose keys have that hash.

use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{hash, iter};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::context::{self, Map};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, trace_values};

/// A map that is never changed.
#[repr(C)]
pub struct Hamt {
    header: Header,
    map: Map,
    len: usize,
}
object!(Hamt, HAMT);
trace_values!(trace_hamt, Hamt, |t| [t.map.map(Value::of)]);

/// Its type.
pub static HAMT: Type = Type::new(&HAMT_SPEC);
static HAMT_SPEC: TypeSpec = TypeSpec {
    name: "_testinternalcapi.hamt",
    basicsize: std::mem::size_of::<Hamt>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_hamt),
    weakrefs: true,
    slots: Slots {
        new: Some(|cx, _, args: Args| {
            args.no_keywords(cx, "hamt")?;
            Ok(Value::of(make(cx, None, 0)))
        }),
        len: Some(|_, v| Ok(of(v).len)),
        contains: Some(|cx, v, key| Ok(of(v).find(cx, key)?.is_some())),
        getitem: Some(|cx, v, key| match of(v).find(cx, key)? {
            Some(value) => Ok(value),
            None => Err(cx.raise_args(&exceptions::KeyError, &[key])),
        }),
        iter: Some(|cx, v| {
            let keys = Hamt::keys(cx, of(v));
            iter::iter(cx, Value::of(keys))
        }),
        richcompare: Some(richcompare),
        ..Slots::NONE
    },
    methods: &[Hamt::METHODS],
    ..TypeSpec::DEFAULT
};

fn of(v: Value) -> &'static Hamt {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn make(cx: &mut Cx, map: Map, len: usize) -> &'static Hamt {
    cx.alloc(Hamt { header: Header::fresh(&HAMT), map, len })
}

/// The hash of a key, folded as CPython folds it, as a key of the trie.
fn folded(cx: &mut Cx, key: Value) -> PyResult<Value> {
    let hash = hash::hash(cx, key)? as u64;
    let folded = (hash as u32 ^ (hash >> 32) as u32) as i32;
    // The trie looks at no bits of objects that their alignment makes equal.
    Ok(Value::small(i64::from(folded) << 8))
}

/// The pairs of a hash, one after the other.
fn bucket(map: Map, hash: Value) -> &'static [Value] {
    context::lookup(map, hash).and_then(|v| v.exact::<Tuple>()).map_or(&[], |t| t.items())
}

/// Where `key` is among the pairs.
fn position(cx: &mut Cx, pairs: &[Value], key: Value) -> PyResult<Option<usize>> {
    for at in (0..pairs.len()).step_by(2) {
        if pairs[at] == key || compare::rich_bool(cx, pairs[at], key, CmpOp::Eq)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

impl Hamt {
    fn find(&self, cx: &mut Cx, key: Value) -> PyResult<Option<Value>> {
        let hash = folded(cx, key)?;
        let pairs = bucket(self.map, hash);
        Ok(position(cx, pairs, key)?.map(|at| pairs[at + 1]))
    }

    /// All keys (0), values (1), or pairs of them (2).
    fn collect(cx: &mut Cx, this: &'static Hamt, what: usize) -> &'static List {
        let list = List::new(cx);
        for (_, pairs) in context::all_pairs(this.map) {
            for pair in pairs.exact::<Tuple>().map_or(&[][..], |t| t.items()).chunks(2) {
                let item = if what < 2 { pair[what] } else { Value::of(Tuple::new(cx, pair)) };
                list.push(cx, item);
            }
        }
        list
    }
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (true, Some(other)) = (matches!(op, CmpOp::Eq | CmpOp::Ne), b.exact::<Hamt>()) else {
        return Ok(Value::not_implemented());
    };
    let this = of(a);
    let mut equal = this.len == other.len;
    let pairs = Hamt::collect(cx, this, 2);
    for pair in pairs.items().iter().filter_map(|v| v.exact::<Tuple>()) {
        if !equal {
            break;
        }
        let &[key, value] = pair.items() else { break };
        equal = match other.find(cx, key)? {
            Some(found) => found == value || compare::rich_bool(cx, value, found, CmpOp::Eq)?,
            None => false,
        };
    }
    Ok(Value::bool(equal == (op == CmpOp::Eq)))
}

#[pymethods]
impl Hamt {
    /// The map with `key` set to `value`.
    #[py("($self, key, value, /)")]
    fn set(cx: &mut Cx, this: &'static Hamt, key: Value, value: Value) -> PyResult<&'static Hamt> {
        let hash = folded(cx, key)?;
        let pairs = bucket(this.map, hash);
        let list = List::from_slice(cx, pairs);
        let len = match position(cx, pairs, key)? {
            Some(at) if pairs[at + 1] == value => return Ok(this),
            Some(at) => {
                list.set(cx, at + 1, value);
                this.len
            }
            None => {
                list.push(cx, key);
                list.push(cx, value);
                this.len + 1
            }
        };
        let pairs = Tuple::new(cx, list.items());
        let map = context::insert(cx, this.map, hash, Value::of(pairs));
        Ok(make(cx, Some(map), len))
    }

    /// The map without `key`.
    #[py("($self, key, /)")]
    fn delete(cx: &mut Cx, this: &'static Hamt, key: Value) -> PyResult<&'static Hamt> {
        let hash = folded(cx, key)?;
        let pairs = bucket(this.map, hash);
        let (Some(map), Some(at)) = (this.map, position(cx, pairs, key)?) else {
            return Ok(this);
        };
        let left = [&pairs[..at], &pairs[at + 2..]].concat();
        let map = if left.is_empty() {
            context::without(cx, map, hash)
        } else {
            let pairs = Tuple::new(cx, &left);
            Some(context::insert(cx, Some(map), hash, Value::of(pairs)))
        };
        Ok(make(cx, map, this.len - 1))
    }

    /// The value of `key`, or `default`.
    #[py("($self, key, default=None, /)")]
    fn get(cx: &mut Cx, this: &'static Hamt, key: Value, default: Option<Value>) -> PyResult<Value> {
        Ok(this.find(cx, key)?.or(default).unwrap_or(Value::none()))
    }

    /// All keys.
    #[py("($self, /)")]
    fn keys(cx: &mut Cx, this: &'static Hamt) -> &'static List {
        Hamt::collect(cx, this, 0)
    }

    /// All values.
    #[py("($self, /)")]
    fn values(cx: &mut Cx, this: &'static Hamt) -> &'static List {
        Hamt::collect(cx, this, 1)
    }

    /// All pairs of a key and its value.
    #[py("($self, /)")]
    fn items(cx: &mut Cx, this: &'static Hamt) -> &'static List {
        Hamt::collect(cx, this, 2)
    }
}

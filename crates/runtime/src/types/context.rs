//! Context variables (PEP 567).
//!
//! A context is a persistent map: a hash trie whose nodes are tuples and are never changed, so copying a context takes
//! one word. A node is `(bitmap, key or None, value or child, ...)` for the 5-bit hash chunks in the bitmap. Keys are
//! ContextVar objects, hashed by an invertible function of their address: two variables never have equal hashes.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::compare::{self, CmpOp};
use crate::protocol::{hash, iter, object as obj};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

// ---- the map -----------------------------------------------------------------------------------------

/// A trie; None without keys.
pub type Map = Option<&'static Tuple>;

const CHUNK: u32 = 5;

fn key_hash(key: Value) -> u64 {
    (key.bits() >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn bitmap(node: &Tuple) -> u32 {
    node.items()[0].small_unchecked() as u32
}

/// Position of the pair of hash chunk `bit` among a node's items.
fn pair_at(map: u32, bit: u32) -> usize {
    1 + 2 * (map & (bit - 1)).count_ones() as usize
}

/// The value of `key`.
pub fn lookup(map: Map, key: Value) -> Option<Value> {
    let (mut node, mut h) = (map?, key_hash(key));
    loop {
        let (bits, bit) = (bitmap(node), 1u32 << (h & 31));
        if bits & bit == 0 {
            return None;
        }
        let at = pair_at(bits, bit);
        let (k, v) = (node.items()[at], node.items()[at + 1]);
        if !k.is_none() {
            return (k == key).then_some(v);
        }
        // SAFETY: without a key the pair holds a child.
        node = unsafe { v.cast() };
        h >>= CHUNK;
    }
}

/// The map with `key` set to `value`. May collect.
pub fn insert(cx: &mut Cx, map: Map, key: Value, value: Value) -> &'static Tuple {
    insert_at(cx, map, key, value, key_hash(key), 0)
}

fn insert_at(cx: &mut Cx, node: Map, key: Value, value: Value, h: u64, depth: u32) -> &'static Tuple {
    let bit = 1u32 << (h & 31);
    let Some(node) = node else {
        return Tuple::new(cx, &[Value::small(bit as i64), key, value]);
    };
    let (bits, items) = (bitmap(node), node.items());
    let at = pair_at(bits, bit);
    if bits & bit == 0 {
        let new = Draft::of(&items[..at]).with(&[key, value]).with(&items[at..]);
        return new.bits(bits | bit).finish(cx);
    }
    let (k, v) = (items[at], items[at + 1]);
    if k == key {
        return Draft::of(items).replace(at + 1, value).finish(cx);
    }
    let child: Map = if k.is_none() {
        // SAFETY: without a key the pair holds a child.
        Some(unsafe { v.cast() })
    } else {
        let rest = key_hash(k) >> (CHUNK * (depth + 1));
        Some(insert_at(cx, None, k, v, rest, depth + 1))
    };
    let child = insert_at(cx, child, key, value, h >> CHUNK, depth + 1);
    Draft::of(items).replace(at, Value::none()).replace(at + 1, Value::of(child)).finish(cx)
}

/// A node being made; on the native stack, so that the collector sees what it refers to.
struct Draft {
    items: [Value; 65],
    len: usize,
}

impl Draft {
    fn of(items: &[Value]) -> Draft {
        Draft { items: [Value::none(); 65], len: 0 }.with(items)
    }
    fn with(mut self, items: &[Value]) -> Draft {
        self.items[self.len..self.len + items.len()].copy_from_slice(items);
        self.len += items.len();
        self
    }
    fn replace(mut self, at: usize, value: Value) -> Draft {
        self.items[at] = value;
        self
    }
    fn bits(self, bits: u32) -> Draft {
        self.replace(0, Value::small(bits as i64))
    }
    fn finish(&self, cx: &mut Cx) -> &'static Tuple {
        Tuple::new(cx, &self.items[..self.len])
    }
}

/// The map without `key`, which it has. May collect.
fn remove(cx: &mut Cx, node: &'static Tuple, key: Value, h: u64) -> Map {
    let bit = 1u32 << (h & 31);
    let (bits, items) = (bitmap(node), node.items());
    let at = pair_at(bits, bit);
    if items[at].is_none() {
        // SAFETY: without a key the pair holds a child.
        let child = remove(cx, unsafe { items[at + 1].cast() }, key, h >> CHUNK);
        if let Some(child) = child {
            return Some(Draft::of(items).replace(at + 1, Value::of(child)).finish(cx));
        }
    }
    if items.len() == 3 {
        return None;
    }
    Some(Draft::of(&items[..at]).with(&items[at + 2..]).bits(bits & !bit).finish(cx))
}

/// The map without `key`, which it has. May collect.
pub fn without(cx: &mut Cx, map: &'static Tuple, key: Value) -> Map {
    remove(cx, map, key, key_hash(key))
}

/// All keys and values.
pub fn all_pairs(map: Map) -> Vec<(Value, Value)> {
    let mut out = Vec::new();
    pairs(map, &mut out);
    out
}

fn pairs(map: Map, out: &mut Vec<(Value, Value)>) {
    let Some(node) = map else { return };
    for pair in node.items()[1..].chunks(2) {
        if pair[0].is_none() {
            // SAFETY: without a key the pair holds a child.
            pairs(Some(unsafe { pair[1].cast() }), out);
        } else {
            out.push((pair[0], pair[1]));
        }
    }
}

// ---- Context -------------------------------------------------------------------------------------------

/// A context.
#[repr(C)]
pub struct Context {
    header: Header,
    map: Cell<Map>,
    /// The context that was current before this one was entered.
    previous: Cell<Option<&'static Context>>,
    entered: Cell<bool>,
}
object!(Context, CONTEXT);

/// The type `Context`.
pub static CONTEXT: Type = Type::new(&CONTEXT_SPEC);
static CONTEXT_SPEC: TypeSpec = TypeSpec {
    name: "_contextvars.Context",
    basicsize: std::mem::size_of::<Context>(),
    flags: flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_context),
    slots: Slots {
        new: Some(new_context),
        hash: Some(hash::unhashable),
        richcompare: Some(compare_contexts),
        iter: Some(|cx, v| {
            let keys = Context::keys(cx, context(v));
            iter::iter(cx, Value::of(keys))
        }),
        len: Some(|_, v| Ok(context(v).pairs().len())),
        getitem: Some(|cx, v, key| match find(cx, v, key)? {
            Some(value) => Ok(value),
            None => Err(cx.raise_value(&crate::exceptions::KeyError, key)),
        }),
        contains: Some(|cx, v, key| Ok(find(cx, v, key)?.is_some())),
        ..Slots::NONE
    },
    methods: &[Context::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_context(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for contexts only.
    let this = unsafe { &*object.cast::<Context>() };
    for v in [this.map.get().map(Value::of), this.previous.get().map(Value::of)].into_iter().flatten() {
        marker.mark_value(v.bits());
    }
}

fn context(v: Value) -> &'static Context {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn new_context(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    if !args.values().is_empty() {
        return raise!(cx, TypeError, "Context() does not accept any arguments");
    }
    Ok(Value::of(Context::with(cx, None)))
}

fn find(cx: &mut Cx, v: Value, key: Value) -> PyResult<Option<Value>> {
    if key.exact::<ContextVar>().is_none() {
        let key = obj::repr_text(cx, key)?;
        return raise!(cx, TypeError, "a ContextVar key was expected, got {key}");
    }
    Ok(lookup(context(v).map.get(), key))
}

fn compare_contexts(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.exact::<Context>(), b.exact::<Context>()) else { return Ok(Value::not_implemented()) };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    // Comparing values may change the contexts: these pairs and this map are held.
    let (mine, theirs) = (Context::items(cx, x), Context::with(cx, y.map.get()));
    let mut equal = mine.len() == y.pairs().len();
    for i in 0..mine.len() {
        if !equal {
            break;
        }
        let Some(&[key, value]) = mine.get(i).and_then(|p| p.downcast::<Tuple>()).map(|t| t.items()) else { break };
        equal = match lookup(theirs.map.get(), key) {
            Some(other) => compare::equal(cx, value, other)?,
            None => false,
        };
    }
    Ok(Value::bool(equal == (op == CmpOp::Eq)))
}

impl Context {
    fn with(cx: &mut Cx, map: Map) -> &'static Context {
        let header = Header::fresh(&CONTEXT);
        let (map, previous, entered) = (Cell::new(map), Cell::new(None), Cell::new(false));
        cx.alloc(Context { header, map, previous, entered })
    }

    /// The running thread's context. May collect.
    pub fn current(cx: &mut Cx) -> &'static Context {
        match cx.context {
            Some(current) => current,
            None => {
                let new = Context::with(cx, None);
                cx.context = Some(new);
                new
            }
        }
    }

    /// `copy_context()`. May collect.
    pub fn copy_current(cx: &mut Cx) -> &'static Context {
        let map = Context::current(cx).map.get();
        Context::with(cx, map)
    }

    fn pairs(&self) -> Vec<(Value, Value)> {
        let mut out = Vec::new();
        pairs(self.map.get(), &mut out);
        out
    }

    /// Makes this the thread's context; RuntimeError if it is entered already.
    pub fn enter(&'static self, cx: &mut Cx) -> PyResult<()> {
        if self.entered.get() {
            let me = obj::repr_text(cx, Value::of(self))?;
            return raise!(cx, RuntimeError, "cannot enter context: {me} is already entered");
        }
        self.previous.set(cx.context);
        self.entered.set(true);
        cx.barrier(self);
        cx.context = Some(self);
        Ok(())
    }

    /// Goes back to the context before.
    pub fn exit(&'static self, cx: &mut Cx) {
        cx.context = self.previous.take();
        self.entered.set(false);
    }
}

#[pymethods]
impl Context {
    /// Return the value for `key` if `key` has the value in the context object.
    ///
    /// If `key` does not exist, return `default`.  If `default` is not
    /// given, return None.
    #[py("($self, key, default=None, /)")]
    fn get(cx: &mut Cx, this: &'static Context, key: Value, default: Option<Value>) -> PyResult<Option<Value>> {
        Ok(find(cx, Value::of(this), key)?.or(default))
    }
    /// Return a list of all variables in the context object.
    #[py("($self, /)")]
    fn keys(cx: &mut Cx, this: &'static Context) -> &'static List {
        let keys: Vec<Value> = this.pairs().into_iter().map(|(k, _)| k).collect();
        List::from_slice(cx, &keys)
    }
    /// Return a list of all variables' values in the context object.
    #[py("($self, /)")]
    fn values(cx: &mut Cx, this: &'static Context) -> &'static List {
        let values: Vec<Value> = this.pairs().into_iter().map(|(_, v)| v).collect();
        List::from_slice(cx, &values)
    }
    /// Return all variables and their values in the context object.
    ///
    /// The result is returned as a list of 2-tuples (variable, value).
    #[py("($self, /)")]
    fn items(cx: &mut Cx, this: &'static Context) -> &'static List {
        let list = List::new(cx);
        for (key, value) in this.pairs() {
            let pair = Tuple::new(cx, &[key, value]);
            list.push(cx, Value::of(pair));
        }
        list
    }
    /// Return a shallow copy of the context object.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static Context) -> &'static Context {
        Context::with(cx, this.map.get())
    }
    #[py("($self, /, callable, *args, **kwargs)", raw)]
    fn run(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = context(args.values()[0]);
        let args = args.rest();
        let Some(callable) = args.pos().first().copied() else {
            return raise!(cx, TypeError, "run() missing 1 required positional argument");
        };
        this.enter(cx)?;
        let result = cx.call_args(callable, args.rest());
        this.exit(cx);
        result
    }
}

// ---- ContextVar ----------------------------------------------------------------------------------------

/// A context variable.
#[repr(C)]
pub struct ContextVar {
    header: Header,
    name: &'static Str,
    default: Option<Value>,
    /// What was looked up last: the value in a map. It holds while there is no collection, which could free the map.
    found: Cell<Option<Value>>,
    found_in: Cell<*const Tuple>,
    found_at: Cell<u64>,
}
object!(ContextVar, CONTEXT_VAR);

/// The type `ContextVar`.
pub static CONTEXT_VAR: Type = Type::new(&CONTEXT_VAR_SPEC);
static CONTEXT_VAR_SPEC: TypeSpec = TypeSpec {
    name: "_contextvars.ContextVar",
    basicsize: std::mem::size_of::<ContextVar>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_var),
    slots: Slots {
        new: Some(new_var),
        repr: Some(repr_var),
        hash: Some(|_, v| Ok(hash::of_address(v))),
        ..Slots::NONE
    },
    methods: &[ContextVar::METHODS],
    getsets: &[ContextVar::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_var(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for context variables only.
    let this = unsafe { &*object.cast::<ContextVar>() };
    marker.mark_value(Value::of(this.name).bits());
    if let Some(default) = this.default {
        marker.mark_value(default.bits());
    }
}

fn new_var(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    let n = args.pos().len();
    if n == 0 {
        return raise!(cx, TypeError, "ContextVar() takes exactly 1 positional argument (0 given)");
    }
    if n > 1 {
        return raise!(cx, TypeError, "ContextVar() takes at most 1 positional argument ({n} given)");
    }
    let mut default = None;
    for (name, value) in args.keywords() {
        if !name.eq_rust("default") {
            let key = name.to_string_lossy();
            let hint = match crate::exceptions::suggestion(&key, &["default"]) {
                Some(hint) => format!(". Did you mean '{hint}'?"),
                None => String::new(),
            };
            return raise!(cx, TypeError, "ContextVar() got an unexpected keyword argument '{key}'{hint}");
        }
        default = Some(value);
    }
    let Some(name) = args.pos()[0].downcast::<Str>() else {
        return raise!(cx, TypeError, "context variable name must be a str");
    };
    hash::hash(cx, Value::of(name))?;
    Ok(Value::of(ContextVar::new(cx, name, default)))
}

fn repr_var(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of context variables.
    let this = unsafe { v.cast::<ContextVar>() };
    let name = obj::repr_text(cx, Value::of(this.name))?;
    let default = match this.default {
        Some(default) => {
            if !obj::enter_repr(cx, v) {
                return Ok(cx.str("..."));
            }
            let text = obj::repr_text(cx, default);
            obj::leave_repr(cx);
            format!(" default={}", text?)
        }
        None => String::new(),
    };
    let address = v.bits();
    Ok(cx.str(&format!("<ContextVar name={name}{default} at {address:#x}>")))
}

impl ContextVar {
    /// A new variable. May collect.
    pub fn new(cx: &mut Cx, name: &'static Str, default: Option<Value>) -> &'static ContextVar {
        let (found, found_in) = (Cell::new(None), Cell::new(std::ptr::null()));
        let header = Header::fresh(&CONTEXT_VAR);
        cx.alloc(ContextVar { header, name, default, found, found_in, found_at: Cell::new(0) })
    }

    /// Its value in the current context, its default left out.
    pub fn value(&'static self, cx: &mut Cx) -> Option<Value> {
        let map = cx.context?.map.get()?;
        let now = cx.heap().collections();
        if std::ptr::eq(self.found_in.get(), map) && self.found_at.get() == now {
            return self.found.get();
        }
        let found = lookup(Some(map), Value::of(self));
        self.found.set(found);
        self.found_in.set(map);
        self.found_at.set(now);
        found
    }
}

#[pymethods]
impl ContextVar {
    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        crate::types::typing::new_generic_alias(cx, class, item)
    }
    #[getter]
    fn name(_cx: &mut Cx, this: &'static ContextVar) -> &'static Str {
        this.name
    }
    /// Return a value for the context variable for the current context.
    ///
    /// If there is no value for the variable in the current context, the
    /// method will:
    ///  * return the value of the default argument of the method, if
    ///    provided; or
    ///  * return the default value for the context variable, if it was
    ///    created with one; or
    ///  * raise a LookupError.
    #[py("($self, default=<unrepresentable>, /)")]
    fn get(cx: &mut Cx, this: &'static ContextVar, default: Option<Value>) -> PyResult<Value> {
        match this.value(cx).or(default).or(this.default) {
            Some(value) => Ok(value),
            None => Err(cx.raise_value(&crate::exceptions::LookupError, Value::of(this))),
        }
    }
    /// Call to set a new value for the context variable in the current context.
    ///
    /// The required value argument is the new value for the context
    /// variable.
    ///
    /// Returns a Token object that can be used to restore the variable to
    /// its previous value via the `ContextVar.reset()` method.
    #[py("($self, value, /)")]
    fn set(cx: &mut Cx, this: &'static ContextVar, value: Value) -> &'static Token {
        let current = Context::current(cx);
        let old = lookup(current.map.get(), Value::of(this));
        let map = insert(cx, current.map.get(), Value::of(this), value);
        current.map.set(Some(map));
        cx.barrier(current);
        let header = Header::fresh(&TOKEN);
        cx.alloc(Token { header, context: current, var: this, old, used: Cell::new(false) })
    }
    /// Reset the context variable.
    ///
    /// The variable is reset to the value it had before the
    /// `ContextVar.set()` that created the token was used.
    #[py("($self, token, /)")]
    fn reset(cx: &mut Cx, this: &'static ContextVar, token: Value) -> PyResult<()> {
        let Some(tok) = token.exact::<Token>() else {
            let got = obj::repr_text(cx, token)?;
            return raise!(cx, TypeError, "expected an instance of Token, got {got}");
        };
        let problem = if tok.used.get() {
            Some((&crate::exceptions::RuntimeError, "has already been used once"))
        } else if !std::ptr::eq(tok.var, this) {
            Some((&crate::exceptions::ValueError, "was created by a different ContextVar"))
        } else if cx.context.is_none_or(|c| !std::ptr::eq(c, tok.context)) {
            Some((&crate::exceptions::ValueError, "was created in a different Context"))
        } else {
            None
        };
        if let Some((class, text)) = problem {
            let token = obj::repr_text(cx, token)?;
            return Err(cx.raise_text(class, &format!("{token} {text}")));
        }
        tok.used.set(true);
        let key = Value::of(this);
        let current = tok.context;
        let map = match (tok.old, current.map.get()) {
            (Some(old), map) => Some(insert(cx, map, key, old)),
            (None, Some(node)) if lookup(Some(node), key).is_some() => remove(cx, node, key, key_hash(key)),
            (None, map) => map,
        };
        current.map.set(map);
        cx.barrier(current);
        Ok(())
    }
}

// ---- Token -----------------------------------------------------------------------------------------------

/// What `ContextVar.set` returns.
#[repr(C)]
pub struct Token {
    header: Header,
    context: &'static Context,
    var: &'static ContextVar,
    old: Option<Value>,
    used: Cell<bool>,
}
object!(Token, TOKEN);

/// The type `Token`.
pub static TOKEN: Type = Type::new(&TOKEN_SPEC);
static TOKEN_SPEC: TypeSpec = TypeSpec {
    name: "_contextvars.Token",
    basicsize: std::mem::size_of::<Token>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_token),
    slots: Slots {
        new: Some(|cx, _, _| raise!(cx, RuntimeError, "Tokens can only be created by ContextVars")),
        repr: Some(repr_token),
        hash: Some(hash::unhashable),
        ..Slots::NONE
    },
    methods: &[Token::METHODS],
    getsets: &[Token::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_token(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for tokens only.
    let this = unsafe { &*object.cast::<Token>() };
    for v in [Some(Value::of(this.context)), Some(Value::of(this.var)), this.old].into_iter().flatten() {
        marker.mark_value(v.bits());
    }
}

fn repr_token(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of tokens.
    let this = unsafe { v.cast::<Token>() };
    let var = obj::repr_text(cx, Value::of(this.var))?;
    let (used, address) = (if this.used.get() { " used" } else { "" }, v.bits());
    Ok(cx.str(&format!("<Token{used} var={var} at {address:#x}>")))
}

#[pymethods]
impl Token {
    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        crate::types::typing::new_generic_alias(cx, class, item)
    }
    #[getter]
    fn var(_cx: &mut Cx, this: &'static Token) -> &'static ContextVar {
        this.var
    }
    #[getter]
    fn old_value(_cx: &mut Cx, this: &'static Token) -> Value {
        this.old.unwrap_or(missing())
    }
    /// Enter into Token context manager.
    #[py("($self, /)")]
    fn __enter__(_cx: &mut Cx, this: &'static Token) -> &'static Token {
        this
    }
    /// Exit from Token context manager, restore the linked ContextVar.
    #[py("($self, type, value, traceback, /)")]
    fn __exit__(cx: &mut Cx, this: &'static Token, _t: Value, _v: Value, _tb: Value) -> PyResult<()> {
        ContextVar::reset(cx, this.var, Value::of(this))
    }
}

/// `Token.MISSING`.
#[repr(C)]
pub struct Missing {
    header: Header,
}
object!(Missing, MISSING_TYPE);

/// The type of `Token.MISSING`.
pub static MISSING_TYPE: Type = Type::new(&MISSING_SPEC);
static MISSING_SPEC: TypeSpec = TypeSpec {
    name: "Token.MISSING",
    basicsize: std::mem::size_of::<Missing>(),
    flags: flags::DISALLOW_INSTANTIATION,
    slots: Slots { repr: Some(|cx, _| Ok(cx.str("<Token.MISSING>"))), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};
static MISSING: Missing = Missing { header: Header::immortal(&MISSING_TYPE) };

/// `Token.MISSING`.
pub fn missing() -> Value {
    Value::of(&MISSING)
}

/// Adds `Token.MISSING`; called when the module is made.
pub fn add_missing(cx: &mut Cx) {
    let name = cx.intern("MISSING");
    let dict: &'static Dict = TOKEN.dict();
    dict.set_str(cx, name, missing());
    cx.type_modified(&TOKEN);
}

/// Types of this file.
pub static TYPES: &[&Type] = &[&CONTEXT, &CONTEXT_VAR, &TOKEN, &MISSING_TYPE];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_holds_what_was_put_in() {
        let mut cx = Cx::start(taipan_gc::Config::default(), (0, 0));
        let cx = &mut *cx;
        let name = cx.intern("v");
        let vars = List::new(cx);
        let mut map: Map = None;
        let keep = List::new(cx);
        for i in 0..500 {
            let var = Value::of(ContextVar::new(cx, name, None));
            vars.push(cx, var);
            map = Some(insert(cx, map, var, Value::small(i)));
            keep.push(cx, Value::of(map.unwrap()));
        }
        for i in 0..500 {
            assert_eq!(lookup(map, vars.get(i).unwrap()), Some(Value::small(i as i64)));
        }
        let mut out = Vec::new();
        pairs(map, &mut out);
        assert_eq!(out.len(), 500);
        for i in (0..500).step_by(2) {
            let var = vars.get(i).unwrap();
            map = remove(cx, map.unwrap(), var, key_hash(var));
            assert_eq!(lookup(map, var), None);
        }
        out.clear();
        pairs(map, &mut out);
        assert_eq!(out.len(), 250);
        assert_eq!(lookup(map, vars.get(1).unwrap()), Some(Value::small(1)));
    }
}

//! Python functions and bound methods: layout, and binding of arguments to registers.
//!
//! The attributes that Python sees are in `function_methods.rs`.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::{Cx, PyResult, Raised};
use crate::dict::Dict;
use crate::native::Args;
use crate::object;
use crate::object::Header;
use crate::raise;
use crate::types::code::CodeObject;
use crate::types::mappingproxy::MappingProxy;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use taipan_bytecode::code::flags as co;
use taipan_bytecode::ops::FuncAttr;

/// A Python function.
#[repr(C)]
pub struct Function {
    header: Header,
    /// `__code__`.
    pub code: Cell<&'static CodeObject>,
    /// `__globals__`.
    pub globals: &'static Dict,
    /// `__builtins__`.
    pub builtins: &'static Dict,
    /// `__name__`.
    pub name: Cell<&'static Str>,
    /// `__qualname__`.
    pub qualname: Cell<&'static Str>,
    /// `__defaults__`.
    pub defaults: Cell<Option<&'static Tuple>>,
    /// `__kwdefaults__`.
    pub kwdefaults: Cell<Option<&'static Dict>>,
    /// `__closure__`.
    pub closure: Cell<Option<&'static Tuple>>,
    /// `__doc__`.
    pub doc: Cell<Option<Value>>,
    /// `__module__`.
    pub module: Cell<Option<Value>>,
    /// `__annotations__`.
    pub annotations: Cell<Option<&'static Dict>>,
    /// `__annotate__`.
    pub annotate: Cell<Option<Value>>,
    /// `__type_params__`.
    pub type_params: Cell<Option<&'static Tuple>>,
    /// Changes whenever code, defaults or keyword defaults are assigned; never 0.
    pub version: Cell<u32>,
}
object!(Function, crate::types::function_methods::FUNCTION);

/// A method bound to an object (48 bytes, CABI 2.2).
#[repr(C)]
pub struct BoundMethod {
    header: Header,
    /// `__func__`.
    pub function: Value,
    /// `__self__`.
    pub receiver: Value,
    spare: [usize; 2],
}
const _: () = assert!(std::mem::size_of::<BoundMethod>() == 48);
object!(BoundMethod, crate::types::function_methods::METHOD);

impl BoundMethod {
    /// A new bound method. May collect.
    pub fn new(cx: &mut Cx, function: Value, receiver: Value) -> &'static BoundMethod {
        let header = Header::fresh(&crate::types::function_methods::METHOD);
        cx.alloc(BoundMethod { header, function, receiver, spare: [0; 2] })
    }
}

/// Visits a function.
///
/// # Safety
/// `object` must be a function.
pub unsafe fn trace_function(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise.
    let this = unsafe { &*object.cast::<Function>() };
    let dicts = [Some(this.globals), Some(this.builtins), this.kwdefaults.get(), this.annotations.get()];
    let tuples = [this.defaults.get(), this.closure.get(), this.type_params.get()];
    let values = [this.doc.get(), this.module.get(), this.annotate.get(), Some(Value::of(this.code.get()))];
    let names = [Value::of(this.name.get()), Value::of(this.qualname.get())];
    let all = dicts.into_iter().map(|d| d.map(Value::of)).chain(tuples.into_iter().map(|t| t.map(Value::of)));
    for value in all.chain(values).chain(names.map(Some)).flatten() {
        marker.mark_value(value.bits());
    }
}

/// Visits a bound method.
///
/// # Safety
/// `object` must be a bound method.
pub unsafe fn trace_method(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise.
    let this = unsafe { &*object.cast::<BoundMethod>() };
    marker.mark_value(this.function.bits());
    marker.mark_value(this.receiver.bits());
}

impl Function {
    /// A new function of `code` in the namespace `globals`. May collect.
    pub fn new(cx: &mut Cx, code: &'static CodeObject, globals: &'static Dict) -> &'static Function {
        let name = cx.names().__name__;
        let builtins = builtins_of(cx, globals);
        let module = globals.get_str(name);
        let has_doc = code.flags & co::HAS_DOCSTRING != 0;
        let doc = if has_doc { code.consts().first().copied() } else { None };
        let function = Function {
            header: Header::fresh(&crate::types::function_methods::FUNCTION),
            code: Cell::new(code),
            globals,
            builtins,
            name: Cell::new(code.name),
            qualname: Cell::new(code.qualname),
            defaults: Cell::new(None),
            kwdefaults: Cell::new(None),
            closure: Cell::new(None),
            doc: Cell::new(doc),
            module: Cell::new(module),
            annotations: Cell::new(None),
            annotate: Cell::new(None),
            type_params: Cell::new(None),
            version: Cell::new(1),
        };
        cx.alloc_of(&crate::types::function_methods::FUNCTION, function)
    }
}

impl Function {
    /// Sets an attribute of a function just made, by its number (`FuncAttr`), to a value of the right type.
    pub fn set_attribute(&'static self, cx: &mut Cx, number: u16, v: Value) {
        // SAFETY: the compiler emits the instruction with values of the right types.
        unsafe {
            match FuncAttr::from_u16(number) {
                Some(FuncAttr::Defaults) => self.defaults.set(Some(v.cast::<Tuple>())),
                Some(FuncAttr::KwDefaults) => self.kwdefaults.set(Some(v.cast::<Dict>())),
                Some(FuncAttr::Annotations) => self.annotations.set(v.downcast::<Dict>()),
                Some(FuncAttr::Closure) => self.closure.set(Some(v.cast::<Tuple>())),
                Some(FuncAttr::Annotate) => self.annotate.set(Some(v)),
                None => {}
            }
        }
        cx.barrier(self);
    }
}

/// The built-in namespace for code running in `globals`: its `__builtins__` (a module or dict), else the runtime's.
pub fn builtins_of(cx: &mut Cx, globals: &'static Dict) -> &'static Dict {
    let name = cx.names().__builtins__;
    let default = cx.rt().builtins.get().expect("builtins exist");
    match globals.get_str(name) {
        None => default,
        Some(v) => match v.downcast::<crate::types::module::Module>() {
            Some(module) => module.dict(),
            None => match v.exact::<MappingProxy>() {
                Some(proxy) => proxy.mapping().downcast::<Dict>().unwrap_or(default),
                None => v.downcast::<Dict>().unwrap_or(default),
            },
        },
    }
}

/// Clears the registers of locals from `from` on and copies the closure's cells. The arguments lie in the first ones.
///
/// # Safety
/// `regs` must be a window with room for the code's registers.
#[inline(always)]
pub unsafe fn prepare_window(code: &CodeObject, closure: Option<&'static Tuple>, regs: *mut u64, from: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        // Cells too: those of inlined comprehensions are made late, and a generator takes the registers over before.
        let own = code.nlocals as usize + code.ncells as usize;
        // Volatile, because a call of memset costs more than these few stores.
        for i in from..own {
            regs.add(i).write_volatile(0);
        }
        bind_closure(code, closure, regs);
    }
}

/// Copies the closure's cells to the registers of free variables.
///
/// # Safety
/// As [`prepare_window`].
#[inline(always)]
pub unsafe fn bind_closure(code: &CodeObject, closure: Option<&'static Tuple>, regs: *mut u64) {
    if code.nfrees != 0 {
        // SAFETY: the caller's promise.
        unsafe { copy_closure(closure, regs.add(code.nlocals as usize + code.ncells as usize)) };
    }
}

#[inline(never)]
unsafe fn copy_closure(closure: Option<&'static Tuple>, to: *mut u64) {
    for (i, cell) in closure.map_or(&[][..], |c| c.items()).iter().enumerate() {
        // SAFETY: the window has room for the code's free variables.
        unsafe { *to.add(i) = cell.bits() };
    }
}

/// Binds `args` to the parameters of `function` in the window `regs` and prepares it. TypeError with CPython's texts.
/// May collect. The arguments may lie in the window itself, from its start on.
///
/// # Safety
/// `regs` must be a window with room for the code's registers and at least as many words as there are arguments.
pub unsafe fn bind_args(cx: &mut Cx, function: &'static Function, args: Args, regs: *mut u64) -> PyResult<()> {
    let code = function.code.get();
    let n = args.values().len();
    // SAFETY: the caller's promise.
    unsafe {
        if code.simple && args.kwnames().is_none() && n == code.argcount as usize {
            if !std::ptr::eq(args.values().as_ptr().cast(), regs) {
                std::ptr::copy(args.values().as_ptr().cast::<u64>(), regs, n);
            }
            prepare_window(code, function.closure.get(), regs, n);
            return Ok(());
        }
        let want = code.argcount as usize;
        if code.simple
            && args.kwnames().is_none()
            && n < want
            && let Some(defaults) = function.defaults.get()
            && n + defaults.len() >= want
        {
            if !std::ptr::eq(args.values().as_ptr().cast(), regs) {
                std::ptr::copy(args.values().as_ptr().cast::<u64>(), regs, n);
            }
            let rest = &defaults.items()[defaults.len() - (want - n)..];
            std::ptr::copy_nonoverlapping(rest.as_ptr().cast::<u64>(), regs.add(n), rest.len());
            prepare_window(code, function.closure.get(), regs, want);
            return Ok(());
        }
        bind_slow(cx, function, args, regs)
    }
}

#[inline(never)]
unsafe fn bind_slow(cx: &mut Cx, function: &'static Function, args: Args, regs: *mut u64) -> PyResult<()> {
    let code = function.code.get();
    let (npos, nkwonly) = (code.argcount as usize, code.kwonlyargcount as usize);
    let named = npos + nkwonly;
    // Up to 16 on the stack, where the collector sees them; more in a traced array.
    let mut small = [None; 16];
    let mut array = None;
    let bound: &mut [Option<Value>] = if code.nlocals as usize <= 16 {
        &mut small[..code.nlocals as usize]
    } else {
        let words = *array.insert(crate::buffer::ValueArray::new(cx, code.nlocals as usize));
        // SAFETY: the array holds that many words, all 0.
        unsafe { std::slice::from_raw_parts_mut(words.word_ptr(0).cast(), code.nlocals as usize) }
    };
    let given = args.pos();
    for (slot, value) in bound[..npos].iter_mut().zip(given) {
        *slot = Some(*value);
    }
    let mut next = named;
    if code.flags & co::VARARGS != 0 {
        let rest = given.get(npos..).unwrap_or(&[]);
        bound[next] = Some(Value::of(Tuple::new(cx, rest)));
        next += 1;
        // Nothing else holds the tuple, nor the dict below, and the array may be old by now.
        array.into_iter().for_each(|array| cx.barrier(array));
    }
    let kwargs = if code.flags & co::VARKEYWORDS != 0 {
        let dict = Dict::new(cx);
        bound[next] = Some(Value::of(dict));
        array.into_iter().for_each(|array| cx.barrier(array));
        Some(dict)
    } else {
        None
    };
    bind_keywords(cx, function, args, &mut bound[..named], kwargs)?;
    if given.len() > npos && code.flags & co::VARARGS == 0 {
        return Err(too_many(cx, function, given.len(), bound));
    }
    fill_defaults(cx, function, given.len(), bound)?;
    // SAFETY: the caller's promise; nothing is read from the arguments any more.
    unsafe {
        for (i, value) in bound.iter().enumerate() {
            *regs.add(i) = value.map_or(0, |v| v.bits());
        }
        prepare_window(code, function.closure.get(), regs, code.nlocals as usize);
    }
    Ok(())
}

fn bind_keywords(
    cx: &mut Cx,
    function: &'static Function,
    args: Args,
    bound: &mut [Option<Value>],
    kwargs: Option<&'static Dict>,
) -> PyResult<()> {
    let code = function.code.get();
    let posonly = code.posonlyargcount as usize;
    let names = &code.local_names()[..bound.len()];
    for (name, value) in args.keywords() {
        let found = names[posonly..].iter().position(|n| std::ptr::eq(*n, name) || n.eq_str(name)).map(|i| i + posonly);
        match (found, kwargs) {
            (Some(i), _) if bound[i].is_some() => {
                return raise!(
                    cx,
                    TypeError,
                    "{}() got multiple values for argument '{name}'",
                    function.qualname.get()
                );
            }
            (Some(i), _) => bound[i] = Some(value),
            (None, Some(dict)) => dict.set(cx, Value::of(name), value)?,
            (None, None) => return Err(unexpected_keyword(cx, function, args, name)),
        }
    }
    Ok(())
}

#[cold]
fn unexpected_keyword(cx: &mut Cx, function: &'static Function, args: Args, name: &'static Str) -> Raised {
    let code = function.code.get();
    let posonly = &code.local_names()[..code.posonlyargcount as usize];
    let f = function.qualname.get();
    let wrong: Vec<String> = (args.keywords().map(|(n, _)| n))
        .filter(|n| posonly.iter().any(|p| p.eq_str(n)))
        .map(|n| n.to_string_lossy())
        .collect();
    let text = if !wrong.is_empty() {
        let list = wrong.join(", ");
        format!("{f}() got some positional-only arguments passed as keyword arguments: '{list}'")
    } else {
        let key = name.to_string_lossy();
        let end = (code.argcount + code.kwonlyargcount) as usize;
        let candidates: Vec<String> =
            code.local_names()[posonly.len()..end].iter().map(|n| n.to_string_lossy()).collect();
        let candidates: Vec<&str> = candidates.iter().map(|s| s.as_str()).collect();
        match crate::exceptions::suggestion(&key, &candidates) {
            Some(hint) => format!("{f}() got an unexpected keyword argument '{key}'. Did you mean '{hint}'?"),
            None => format!("{f}() got an unexpected keyword argument '{key}'"),
        }
    };
    cx.raise_text(&crate::exceptions::TypeError, &text)
}

fn fill_defaults(cx: &mut Cx, function: &'static Function, given: usize, bound: &mut [Option<Value>]) -> PyResult<()> {
    let code = function.code.get();
    let (npos, nkwonly) = (code.argcount as usize, code.kwonlyargcount as usize);
    let defaults = function.defaults.get().map_or(&[][..], |d| d.items());
    let first_default = npos.saturating_sub(defaults.len());
    if given < npos {
        let missing: Vec<usize> = (given..first_default).filter(|i| bound[*i].is_none()).collect();
        if !missing.is_empty() {
            return Err(missing_error(cx, function, &missing, "positional"));
        }
        for i in first_default.max(given)..npos {
            if bound[i].is_none() {
                bound[i] = Some(defaults[defaults.len() - (npos - i)]);
            }
        }
    }
    let mut missing = Vec::new();
    for i in npos..npos + nkwonly {
        if bound[i].is_none() {
            bound[i] = function.kwdefaults.get().and_then(|d| d.get_str(code.local_names()[i]));
            if bound[i].is_none() {
                missing.push(i);
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(missing_error(cx, function, &missing, "keyword-only")) }
}

#[cold]
fn missing_error(cx: &mut Cx, function: &'static Function, missing: &[usize], kind: &str) -> Raised {
    let names: Vec<String> = missing.iter().map(|i| format!("'{}'", function.code.get().local_names()[*i])).collect();
    let list = match names.as_slice() {
        [one] => one.clone(),
        [a, b] => format!("{a} and {b}"),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
        [] => String::new(),
    };
    let (f, n) = (function.qualname.get(), missing.len());
    let s = if n == 1 { "" } else { "s" };
    let text = format!("{f}() missing {n} required {kind} argument{s}: {list}");
    cx.raise_text(&crate::exceptions::TypeError, &text)
}

#[cold]
fn too_many(cx: &mut Cx, function: &'static Function, given: usize, bound: &[Option<Value>]) -> Raised {
    let code = function.code.get();
    let (npos, nkwonly) = (code.argcount as usize, code.kwonlyargcount as usize);
    let ndefaults = function.defaults.get().map_or(0, |d| d.len());
    let kwonly_given = bound[npos..npos + nkwonly].iter().filter(|b| b.is_some()).count();
    let (takes, plural) = if ndefaults > 0 {
        (format!("from {} to {npos}", npos - ndefaults.min(npos)), true)
    } else {
        (npos.to_string(), npos != 1)
    };
    let s = if plural { "s" } else { "" };
    let given_text = if kwonly_given > 0 {
        let (s1, s2) = (if given == 1 { "" } else { "s" }, if kwonly_given == 1 { "" } else { "s" });
        format!("{given} positional argument{s1} (and {kwonly_given} keyword-only argument{s2})")
    } else {
        given.to_string()
    };
    let was = if given == 1 && kwonly_given == 0 { "was" } else { "were" };
    let f = function.qualname.get();
    let text = format!("{f}() takes {takes} positional argument{s} but {given_text} {was} given");
    cx.raise_text(&crate::exceptions::TypeError, &text)
}

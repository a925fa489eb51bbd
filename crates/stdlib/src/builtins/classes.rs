//! `__build_class__` and `__import__`.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::{attr, call, object};
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::cell::Cell;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::type_::{self, TYPE};
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

/// The functions.
pub struct Classes;

/// Replaces bases that are no classes by what their `__mro_entries__` give; None if there are none (PEP 560).
pub fn resolve_bases(cx: &mut Cx, bases: &'static Tuple) -> PyResult<Option<&'static Tuple>> {
    if bases.items().iter().all(|b| b.downcast::<Type>().is_some()) {
        return Ok(None);
    }
    let mut new = RootVec::new();
    let mut changed = false;
    let key = cx.names().__mro_entries__;
    for base in bases.items() {
        if base.downcast::<Type>().is_none()
            && let Some(f) = attr::get_optional(cx, *base, key)?
        {
            let entries = cx.call(f, &[Value::of(bases)])?;
            let Some(entries) = entries.downcast::<Tuple>() else {
                return raise!(cx, TypeError, "__mro_entries__ must return a tuple");
            };
            new.extend_from_slice(entries.items());
            changed = true;
        } else {
            new.push(*base);
        }
    }
    Ok(if changed { Some(Tuple::new(cx, &new)) } else { None })
}

/// The keyword arguments of a call without `metaclass`.
struct Keywords {
    metaclass: Option<Value>,
    names: Option<&'static Tuple>,
    values: RootVec,
}

impl Keywords {
    fn of(cx: &mut Cx, args: Args) -> Keywords {
        let (mut names, mut values, mut metaclass) = (RootVec::new(), RootVec::new(), None);
        let key = cx.names().metaclass;
        for (name, value) in args.keywords() {
            if name.eq_str(key) {
                metaclass = Some(value);
            } else {
                names.push(Value::of(name));
                values.push(value);
            }
        }
        let names = if names.is_empty() { None } else { Some(Tuple::new(cx, &names)) };
        Keywords { metaclass, names, values }
    }

    /// Calls `f` with positional arguments and these keywords.
    fn call(&self, cx: &mut Cx, f: Value, positional: &[Value]) -> PyResult<Value> {
        let mut all = RootVec::from_slice(positional);
        all.extend_from_slice(&self.values);
        cx.call_args(f, Args::new(&all, self.names))
    }
}

fn build_class(cx: &mut Cx, args: Args) -> PyResult<Value> {
    let given = args.pos();
    if given.len() < 2 {
        return raise!(cx, TypeError, "__build_class__: not enough arguments");
    }
    let Some(body) = given[0].exact::<Function>() else {
        return raise!(cx, TypeError, "__build_class__: func must be a function");
    };
    let name = given[1];
    if name.downcast::<Str>().is_none() {
        return raise!(cx, TypeError, "__build_class__: name is not a string");
    }
    let original = Tuple::new(cx, &given[2..]);
    let resolved = resolve_bases(cx, original)?;
    let bases = resolved.unwrap_or(original);
    let keywords = Keywords::of(cx, args);
    let mut meta = match keywords.metaclass {
        Some(meta) => meta,
        None => Value::of(bases.items().first().map_or(&TYPE, |b| b.class())),
    };
    if let Some(class) = meta.downcast::<Type>() {
        meta = Value::of(type_::winner(cx, class, bases.items())?);
    }
    let namespace = prepare(cx, meta, name, bases, &keywords)?;
    let code = body.code.get();
    let cell = call::run_code(cx, code, body.globals, Some(namespace), body.closure.get())?;
    if resolved.is_some() {
        let key = Value::of(cx.names().__orig_bases__);
        object::set_item(cx, namespace, key, Some(Value::of(original)))?;
    }
    let class = keywords.call(cx, meta, &[name, Value::of(bases), namespace])?;
    if let Some(cell) = cell.exact::<Cell>()
        && class.downcast::<Type>().is_some()
    {
        check_cell(cx, cell, class, name)?;
    }
    Ok(class)
}

fn prepare(cx: &mut Cx, meta: Value, name: Value, bases: &'static Tuple, keywords: &Keywords) -> PyResult<Value> {
    if meta == Value::of(&TYPE) {
        return Ok(Value::of(Dict::new(cx)));
    }
    let key = cx.names().__prepare__;
    let Some(prepare) = attr::get_optional(cx, meta, key)? else { return Ok(Value::of(Dict::new(cx))) };
    let namespace = keywords.call(cx, prepare, &[name, Value::of(bases)])?;
    if !is_mapping(namespace) {
        let owner = meta.downcast::<Type>().map_or("<metaclass>".to_string(), |t| t.name());
        let got = namespace.class().tp_name();
        return raise!(cx, TypeError, "{owner}.__prepare__() must return a mapping, not {got}");
    }
    Ok(namespace)
}

/// True for objects with subscription that are not sequences only.
pub fn is_mapping(v: Value) -> bool {
    v.class().slots().getitem.is_some()
}

/// Checks that the metaclass filled the cell of `__class__`.
fn check_cell(cx: &mut Cx, cell: &'static Cell, class: Value, name: Value) -> PyResult<()> {
    match cell.get() {
        Some(found) if found == class => Ok(()),
        Some(found) => {
            let (name, found) = (object::repr_text(cx, name)?, object::repr_text(cx, found)?);
            let class = object::repr_text(cx, class)?;
            raise!(cx, TypeError, "__class__ set to {found} defining {name} as {class}")
        }
        None => {
            let (name, class) = (object::repr_text(cx, name)?, object::repr_text(cx, class)?);
            raise!(
                cx,
                RuntimeError,
                "__class__ not set defining {name} as {class}. Was __classcell__ propagated to type.__new__?"
            )
        }
    }
}

#[pymethods]
impl Classes {
    /// __build_class__(func, name, /, *bases, [metaclass], **kwds) -> class
    ///
    /// Internal helper function used by the class statement.
    #[py("($module, func, name, /, *bases, **kwds)", raw)]
    fn __build_class__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        build_class(cx, args)
    }

    /// Import a module.
    ///
    /// Because this function is meant for use by the Python
    /// interpreter and not for general use, it is better to use
    /// importlib.import_module() to programmatically import a module.
    ///
    /// The globals argument is only used to determine the context;
    /// they are not modified.  The locals argument is unused.  The fromlist
    /// should be a list of names to emulate ``from name import ...``, or an
    /// empty list to emulate ``import name``.
    /// When importing a module from a package, note that __import__('A.B', ...)
    /// returns package A when fromlist is empty, but its submodule B when
    /// fromlist is not empty.  The level argument is used to determine whether
    /// to perform absolute or relative imports: 0 is absolute, while a positive
    /// number is the number of parent directories to search relative to the
    /// current module.
    #[py("($module, /, name, globals=None, locals=None, fromlist=(), level=0)")]
    fn __import__(
        cx: &mut Cx,
        name: Value,
        globals: Option<Value>,
        locals: Option<Value>,
        fromlist: Option<Value>,
        level: Option<i64>,
    ) -> PyResult<Value> {
        let none = Value::none();
        let import = cx.rt().hooks.get().import;
        let (globals, locals) = (globals.unwrap_or(none), locals.unwrap_or(none));
        import(cx, name, globals, locals, fromlist.unwrap_or(none), level.unwrap_or(0))
    }
}

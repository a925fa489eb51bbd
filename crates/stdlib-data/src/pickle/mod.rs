//! `_pickle`: pickling and unpickling.

mod buffer;
mod load;
mod memo;
mod op;
mod pickler;
mod save;
mod unpickler;

use taipan_macros::pymethods;
use taipan_runtime::protocol::attr;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Raised, Value, raise};

/// The newest protocol, which is the default.
const HIGHEST: i64 = 5;

/// `pickle.class_.name`: a function of the pure-Python implementation.
fn lib_function(cx: &mut Cx, class: &str, name: &str) -> PyResult<Value> {
    let class = import_attr(cx, "pickle", class)?;
    attr::get_text(cx, class, name)
}

/// What a dotted name means in a loaded module, if nothing is in the way.
fn find_plain(cx: &mut Cx, module: Value, name: &'static Str) -> PyResult<Option<Value>> {
    let Some(mut found) = taipan_runtime::protocol::import::loaded(cx, module)? else { return Ok(None) };
    if !name.chars().any(|c| c == '.' as u32) {
        return attr::get_optional(cx, found, name);
    }
    for part in name.to_string_lossy().split('.') {
        let part = cx.intern(part);
        match attr::get_optional(cx, found, part)? {
            Some(next) if !part.eq_rust("<locals>") => found = next,
            _ => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// `id(v)`.
fn id_of(v: Value) -> i64 {
    taipan_stdlib::builtins::identity(v) as i64
}

/// Raises an exception of a class of `pickle`, which defines them: so they are the same with and without this module.
fn raise_named(cx: &mut Cx, class: &str, text: &str) -> Raised {
    let raised = import_attr(cx, "_pickle", class).and_then(|class| {
        let text = cx.str(text);
        cx.call(class, &[text])
    });
    match raised {
        Ok(exception) => cx.raise(exception),
        Err(raised) => raised,
    }
}

fn pickling_error(cx: &mut Cx, text: &str) -> Raised {
    raise_named(cx, "PicklingError", text)
}

fn unpickling_error(cx: &mut Cx, text: &str) -> Raised {
    raise_named(cx, "UnpicklingError", text)
}

struct Functions;

#[pymethods]
impl Functions {
    /// Write a pickled representation of obj to the open file object file.
    ///
    /// This is equivalent to ``Pickler(file, protocol).dump(obj)``, but may
    /// be more efficient.
    #[py("($module, /, obj, file, protocol=None, *, fix_imports=True, buffer_callback=None)")]
    fn dump(
        cx: &mut Cx,
        obj: Value,
        file: Value,
        protocol: Option<Value>,
        fix_imports: Option<Value>,
        buffer_callback: Option<Value>,
    ) -> PyResult<()> {
        let name = cx.intern("write");
        let Some(write) = attr::get_optional(cx, file, name)? else {
            return raise!(cx, TypeError, "file must have a 'write' attribute");
        };
        pickler::dumps(cx, obj, [protocol, fix_imports, buffer_callback], Some(write))?;
        Ok(())
    }

    /// Return the pickled representation of the object as a bytes object.
    #[py("($module, /, obj, protocol=None, *, fix_imports=True, buffer_callback=None)")]
    fn dumps(
        cx: &mut Cx,
        obj: Value,
        protocol: Option<Value>,
        fix_imports: Option<Value>,
        buffer_callback: Option<Value>,
    ) -> PyResult<&'static Bytes> {
        pickler::dumps(cx, obj, [protocol, fix_imports, buffer_callback], None)
    }

    /// Read and return an object from the pickle data stored in a file.
    ///
    /// This is equivalent to ``Unpickler(file).load()``, but may be more
    /// efficient.
    #[py("($module, /, file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())")]
    fn load(
        cx: &mut Cx,
        file: Value,
        fix_imports: Option<Value>,
        encoding: Option<Value>,
        errors: Option<Value>,
        buffers: Option<Value>,
    ) -> PyResult<Value> {
        unpickler::load_from(cx, Some(file), &[], [fix_imports, encoding, errors, buffers])
    }

    /// Read and return an object from the given pickle data.
    ///
    /// The protocol version of the pickle is detected automatically, so no
    /// protocol argument is needed.  Bytes past the pickled object's
    /// representation are ignored.
    #[py("($module, data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())")]
    fn loads(
        cx: &mut Cx,
        data: Held,
        fix_imports: Option<Value>,
        encoding: Option<Value>,
        errors: Option<Value>,
        buffers: Option<Value>,
    ) -> PyResult<Value> {
        unpickler::load_from(cx, None, data.bytes(), [fix_imports, encoding, errors, buffers])
    }

    /// The `persistent_id` of picklers that have none.
    #[py("($module, obj, /)")]
    fn _no_persistent_id(_cx: &mut Cx, _obj: Value) {}

    /// The `persistent_load` of unpicklers that have none.
    #[py("($module, pid, /)")]
    fn _no_persistent_load(cx: &mut Cx, _pid: Value) -> PyResult<()> {
        let text = "A load persistent id instruction was encountered, but no persistent_load function was specified.";
        Err(unpickling_error(cx, text))
    }
}

/// Makes an exception class of this module. May collect.
fn exception_class(cx: &mut Cx, module: &'static Module, name: &str, base: Value) -> PyResult<Value> {
    let namespace = taipan_runtime::dict::Dict::new(cx);
    let (key, text) = (cx.names().__module__, Value::of(cx.intern("_pickle")));
    namespace.set_str(cx, key, text);
    let bases = Value::of(taipan_runtime::types::tuple::Tuple::new(cx, &[base]));
    let name_value = Value::of(cx.intern(name));
    let meta = Value::of(&taipan_runtime::types::type_::TYPE);
    let class = cx.call(meta, &[name_value, bases, Value::of(namespace)])?;
    module.set(cx, name, class);
    Ok(class)
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let doc = "Optimized C implementation for the Python pickle module.";
    let module = taipan_stdlib::make(cx, "_pickle", doc, Functions::METHODS);
    module.add_type(cx, &pickler::PICKLER);
    module.add_type(cx, &unpickler::UNPICKLER);
    module.add_type(cx, &buffer::PICKLE_BUFFER);
    let base = Value::of(&taipan_runtime::exceptions::Exception_);
    let error = exception_class(cx, module, "PickleError", base)?;
    exception_class(cx, module, "PicklingError", error)?;
    exception_class(cx, module, "UnpicklingError", error)?;
    Ok(module)
}

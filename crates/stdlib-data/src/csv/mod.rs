//! `_csv`: dialects, the reader and the writer.

mod dialect;
mod reader;
mod writer;

use std::sync::atomic::{AtomicUsize, Ordering};

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::iter;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise};
use taipan_stdlib::host::Global;

use dialect::DIALECT;

/// `_csv.Error`.
static ERROR: Type = Type::new(&ERROR_SPEC);
static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "_csv.Error",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

/// Raises `_csv.Error`.
fn error(cx: &mut Cx, text: &str) -> Raised {
    cx.raise_text(&ERROR, text)
}

/// Name -> dialect.
static DIALECTS: Global = Global::new();

fn dialects(cx: &mut Cx) -> PyResult<&'static Dict> {
    let dict = DIALECTS.get_or(cx, |cx| Ok(Value::of(Dict::new(cx))))?;
    match dict.downcast::<Dict>() {
        Some(dict) => Ok(dict),
        None => Err(error(cx, "no dialects")),
    }
}

/// The dialect registered under `name`.
fn registered(cx: &mut Cx, name: Value) -> PyResult<Value> {
    match dialects(cx)?.get(cx, name)? {
        Some(found) => Ok(found),
        None => Err(error(cx, "unknown dialect")),
    }
}

/// Most characters of a field.
static LIMIT: AtomicUsize = AtomicUsize::new(128 * 1024);

struct Functions;

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_csv", "CSV parsing and writing.\n", Functions::METHODS);
    module.add_type(cx, &DIALECT);
    module.add_type(cx, &ERROR);
    for (name, class) in [("Reader", &reader::READER), ("Writer", &writer::WRITER)] {
        cx.ready_type(class);
        module.set(cx, name, Value::of(class));
    }
    let all = dialects(cx)?;
    module.set(cx, "_dialects", Value::of(all));
    for (number, name) in dialect::STYLES.iter().enumerate() {
        module.set(cx, name, Value::small(number as i64));
    }
    Ok(module)
}

/// The positional arguments of `reader` and `writer`: an object and perhaps a dialect.
fn object_and_dialect(cx: &mut Cx, args: Args, name: &str) -> PyResult<(Value, &'static dialect::Dialect)> {
    let (object, given) = match args.pos() {
        [object] => (*object, None),
        [object, given] => (*object, Some(*given)),
        [] => return raise!(cx, TypeError, "{name} expected at least 1 argument, got 0"),
        more => return raise!(cx, TypeError, "{name} expected at most 2 arguments, got {}", more.len()),
    };
    let dialect = dialect::make(cx, given, args)?;
    Ok((object, dialect))
}

#[pymethods]
impl Functions {
    /// Return a reader object that will process lines from the given iterable.
    ///
    /// The "iterable" argument can be any object that returns a line
    /// of input for each iteration, such as a file object or a list.  The
    /// optional "dialect" argument defines a CSV dialect.  The function
    /// also accepts optional keyword arguments which override settings
    /// provided by the dialect.
    ///
    /// The returned object is an iterator.  Each iteration returns a row
    /// of the CSV file (which can span multiple input lines).
    #[py("($module, iterable, /, dialect='excel', **fmtparams)", raw)]
    fn reader(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (object, dialect) = object_and_dialect(cx, args, "reader")?;
        let lines = iter::iter(cx, object)?;
        Ok(reader::new(cx, lines, dialect))
    }

    /// Return a writer object that will write user data on the given file object.
    ///
    /// The "fileobj" argument can be any object that supports the file API.
    /// The optional "dialect" argument defines a CSV dialect.  The function
    /// also accepts optional keyword arguments which override settings
    /// provided by the dialect.
    #[py("($module, fileobj, /, dialect='excel', **fmtparams)", raw)]
    fn writer(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (object, dialect) = object_and_dialect(cx, args, "writer")?;
        writer::new(cx, object, dialect)
    }

    /// Return a list of all known dialect names.
    #[py("($module, /)")]
    fn list_dialects(cx: &mut Cx) -> PyResult<&'static List> {
        let all = dialects(cx)?;
        let list = List::new(cx);
        let mut at = 0;
        while let Some((name, _)) = all.next_item(&mut at) {
            list.push(cx, name);
        }
        Ok(list)
    }

    /// Create a mapping from a string name to a CVS dialect.
    ///
    /// The optional "dialect" argument specifies the base dialect instance
    /// or the name of the registered dialect.  The function also accepts
    /// optional keyword arguments which override settings provided by the
    /// dialect.
    #[py("($module, name, /, dialect='excel', **fmtparams)", raw)]
    fn register_dialect(cx: &mut Cx, args: Args) -> PyResult<()> {
        let (name, given) = match args.pos() {
            [name] => (*name, None),
            [name, given] => (*name, Some(*given)),
            [] => return raise!(cx, TypeError, "register_dialect expected at least 1 argument, got 0"),
            more => return raise!(cx, TypeError, "register_dialect expected at most 2 arguments, got {}", more.len()),
        };
        if name.downcast::<Str>().is_none() {
            return raise!(cx, TypeError, "dialect name must be a string");
        }
        let dialect = dialect::make(cx, given, args)?;
        dialects(cx)?.set(cx, name, Value::of(dialect))
    }

    /// Delete the name/dialect mapping associated with a string name.
    ///
    ///   name
    ///     dialect name
    #[py("($module, /, name)")]
    fn unregister_dialect(cx: &mut Cx, name: Value) -> PyResult<()> {
        match dialects(cx)?.remove(cx, name)? {
            Some(_) => Ok(()),
            None => Err(error(cx, "unknown dialect")),
        }
    }

    /// Return the dialect instance associated with name.
    #[py("($module, /, name)")]
    fn get_dialect(cx: &mut Cx, name: Value) -> PyResult<Value> {
        registered(cx, name)
    }

    /// Sets an upper limit on parsed fields.
    ///
    /// Returns old limit. If limit is not given, no new limit is set and
    /// the old limit is returned
    #[py("($module, /, new_limit=None)")]
    fn field_size_limit(cx: &mut Cx, new_limit: Option<Value>) -> PyResult<i64> {
        let old = LIMIT.load(Ordering::Relaxed) as i64;
        if let Some(limit) = new_limit {
            if !int::check(limit) {
                return raise!(cx, TypeError, "limit must be an integer");
            }
            match int::as_i64(limit) {
                // A negative limit lets nothing through.
                Some(n) => LIMIT.store(n.max(0) as usize, Ordering::Relaxed),
                None => return raise!(cx, OverflowError, "Python int too large to convert to C long"),
            }
        }
        Ok(old)
    }
}

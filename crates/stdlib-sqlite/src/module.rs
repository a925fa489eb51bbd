//! The module and its functions.

use std::sync::Once;

use libsqlite3_sys as ffi;
use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value};
use taipan_stdlib::io::base::set_finalizer;

use crate::adapt::{self, PREPARE_PROTOCOL};
use crate::blob::BLOB;
use crate::callback::{self, CALLBACK};
use crate::connection::{self, CONNECTION, LEGACY};
use crate::connection_methods::c_text;
use crate::constants;
use crate::cursor::CURSOR;
use crate::error;
use crate::row::ROW;
use crate::statement::STATEMENT;

struct ModuleFunctions;

#[pymethods]
impl ModuleFunctions {
    /// Open a connection to the SQLite database file 'database'.
    ///
    /// You can use ":memory:" to open a database connection to a database that
    /// resides in RAM instead of on disk.
    ///
    /// Note: Passing more than 1 positional argument to _sqlite3.connect() is
    /// deprecated. Parameters 'timeout', 'detect_types', 'isolation_level',
    /// 'check_same_thread', 'factory', 'cached_statements' and 'uri' will
    /// become keyword-only parameters in Python 3.15.
    #[py(
        "($module, /, database, timeout=5.0, detect_types=0,\n        isolation_level='', check_same_thread=True,\n        factory=ConnectionType, cached_statements=128, uri=False, *,\n        autocommit=sqlite3.LEGACY_TRANSACTION_CONTROL)",
        raw
    )]
    fn connect(cx: &mut Cx, args: Args) -> PyResult<Value> {
        connection::warn_positional(cx, args, "sqlite3.connect")?;
        let by_name = args.keywords().find(|(name, _)| name.eq_rust("factory")).map(|(_, v)| v);
        let factory = args.pos().get(5).copied().or(by_name).unwrap_or(Value::of(&CONNECTION));
        cx.call_args(factory, args)
    }

    /// Checks if a string contains a complete SQL statement.
    #[py("($module, /, statement)")]
    fn complete_statement(cx: &mut Cx, statement: &'static Str) -> PyResult<bool> {
        let text = c_text(cx, statement)?;
        // SAFETY: a C string.
        Ok(unsafe { ffi::sqlite3_complete(text.as_ptr()) } != 0)
    }

    /// Register a function to adapt Python objects to SQLite values.
    #[py("($module, type, adapter, /)")]
    fn register_adapter(cx: &mut Cx, class: Value, adapter: Value) -> PyResult<()> {
        adapt::register(cx, class, adapter)
    }

    /// Register a function to convert SQLite values to Python objects.
    #[py("($module, typename, converter, /)")]
    fn register_converter(cx: &mut Cx, typename: &'static Str, converter: Value) -> PyResult<()> {
        let name = cx.call_method_text(Value::of(typename), "upper", &[])?;
        let converters = adapt::converters(cx);
        converters.set(cx, name, converter)
    }

    /// Enable or disable callback functions throwing errors to stderr.
    #[py("($module, enable, /)")]
    fn enable_callback_tracebacks(_: &mut Cx, enable: bool) {
        callback::set_tracebacks(enable);
    }

    /// Adapt given object to given protocol.
    #[py("($module, obj, proto=PrepareProtocolType, alt=<unrepresentable>, /)")]
    fn adapt(cx: &mut Cx, obj: Value, proto: Option<Value>, alt: Option<Value>) -> PyResult<Value> {
        adapt::adapt(cx, obj, proto.unwrap_or(Value::of(&PREPARE_PROTOCOL)), alt)
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    static START: Once = Once::new();
    // The crate's build of the library takes `file:` names as URIs without being asked.
    // SAFETY: before any other call of the library.
    START.call_once(|| unsafe {
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_URI, 0i32);
        ffi::sqlite3_initialize();
    });
    let module = taipan_stdlib::make(cx, "_sqlite3", "", ModuleFunctions::METHODS);
    let (key, none) = (cx.names().__doc__, Value::none());
    module.dict().set_str(cx, key, none);
    for (_, class) in error::ALL {
        module.add_type(cx, class);
    }
    for class in [&STATEMENT, &CALLBACK] {
        cx.ready_type(class);
    }
    for class in [&CONNECTION, &CURSOR, &ROW, &BLOB, &PREPARE_PROTOCOL] {
        module.add_type(cx, class);
    }
    set_finalizer(&CONNECTION);
    for (name, value) in constants::ERRORS.iter().chain(constants::OTHERS) {
        module.set(cx, name, Value::small(i64::from(*value)));
    }
    for (name, value) in [
        ("PARSE_DECLTYPES", i64::from(connection::PARSE_DECLTYPES)),
        ("PARSE_COLNAMES", i64::from(connection::PARSE_COLNAMES)),
        ("LEGACY_TRANSACTION_CONTROL", LEGACY),
    ] {
        module.set(cx, name, Value::small(value));
    }
    // The library is built serialised: threads may share connections.
    module.set(cx, "threadsafety", Value::small(3));
    // SAFETY: a static text.
    let version = unsafe { error::text(ffi::sqlite3_libversion()) };
    let version = cx.str(&version);
    module.set(cx, "sqlite_version", version);
    let (adapters, converters) = (adapt::adapters(cx), adapt::converters(cx));
    module.set(cx, "adapters", Value::of(adapters));
    module.set(cx, "converters", Value::of(converters));
    Ok(module)
}

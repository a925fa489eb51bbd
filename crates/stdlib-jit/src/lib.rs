//! `_taipan_jit`: what the embedded package `numba` asks of the JIT.

use taipan_jit::explicit;
use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::protocol::call::with_entered;
use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::dispatcher::{self, Dispatcher};
use taipan_runtime::types::function::Function;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, Object, PyResult, Value, raise};

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[("_taipan_jit", module)];

/// The functions.
struct Functions;

const DOC: &str = "Compiling on request.";

fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_taipan_jit", DOC, Functions::METHODS);
    module.add_type(cx, &dispatcher::DISPATCHER);
    Ok(module)
}

/// Arguments as `_seen` reports them: all values, the last ones named.
fn arguments(cx: &mut Cx, values: &'static Tuple, names: Option<Value>) -> PyResult<Args<'static>> {
    let names = match names.filter(|n| !n.is_none()) {
        None => None,
        Some(names) => match names.exact::<Tuple>() {
            Some(names) if names.len() <= values.len() && names.items().iter().all(|n| n.exact::<Str>().is_some()) => {
                Some(names)
            }
            _ => return raise!(cx, TypeError, "names must be a tuple of strings, one for each of the last values"),
        },
    };
    Ok(Args::new(values.items(), names))
}

#[pymethods]
impl Functions {
    /// Compile a function for arguments of the kinds of these values; False if it stays with the interpreter.
    #[py("($module, function, values, names=None, /)")]
    fn compile(
        cx: &mut Cx,
        function: &'static Function,
        values: &'static Tuple,
        names: Option<Value>,
    ) -> PyResult<bool> {
        let args = arguments(cx, values, names)?;
        dispatcher::compile(cx, function, args)
    }

    /// The texts of what a function becomes for arguments of the kinds of these values: (IR, improved IR, Cranelift's IR,
    /// disassembly). A string instead says why there is no code.
    #[py("($module, function, values, names=None, /)")]
    fn describe(
        cx: &mut Cx,
        function: &'static Function,
        values: &'static Tuple,
        names: Option<Value>,
    ) -> PyResult<Value> {
        let args = arguments(cx, values, names)?;
        let code = function.code.get();
        match with_entered(cx, function, args, |cx| explicit::describe(cx, code))? {
            Ok(texts) => {
                let all = [texts.ir, texts.optimised, texts.clif, texts.asm].map(|text| cx.str(&text));
                Ok(Value::of(Tuple::new(cx, &all)))
            }
            Err(why) => Ok(cx.str(why)),
        }
    }

    /// Throw the compiled code of a function away.
    #[py("($module, function, /)")]
    fn discard(_cx: &mut Cx, function: &'static Function) {
        explicit::discard(function.code.get());
    }

    /// Report every kind of call of a dispatcher again.
    #[py("($module, dispatcher, /)")]
    fn forget(cx: &mut Cx, dispatcher: Value) -> PyResult<()> {
        match dispatcher.downcast::<Dispatcher>() {
            Some(dispatcher) => dispatcher.forget(),
            None => return raise!(cx, TypeError, "not a dispatcher"),
        }
        Ok(())
    }

    /// Let instances of a class of dispatchers be called as methods without being bound first.
    #[py("($module, class_, /)")]
    fn binds_like_function(cx: &mut Cx, class_: Value) -> PyResult<()> {
        match class_.downcast::<Type>().filter(|c| c.is_subtype(Dispatcher::class())) {
            Some(class) => class.set_flags(class.flags() | flags::METHOD_DESCRIPTOR),
            None => return raise!(cx, TypeError, "not a class of dispatchers"),
        }
        Ok(())
    }

    /// True if code is compiled in this process.
    #[py("($module, /)")]
    fn is_enabled(_cx: &mut Cx) -> bool {
        taipan_jit::options().mode != taipan_jit::Mode::Off
    }
}

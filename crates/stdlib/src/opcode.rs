//! `_opcode`: facts about Taipan's opcodes for `opcode` and `dis`.

use taipan_bytecode::Op;
use taipan_bytecode::ops::{Kind, Special};
use taipan_macros::pymethods;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// True if an operand of opcode `n` is of one of these kinds.
fn has(n: i64, kinds: &[Kind]) -> bool {
    let op = u16::try_from(n).ok().and_then(Op::from_u16);
    op.is_some_and(|op| op.info().operands.iter().any(|k| kinds.contains(k)))
}

fn strs(cx: &mut Cx, names: &[&str]) -> Value {
    let list = List::new(cx);
    for name in names {
        let name = cx.str(name);
        list.push(cx, name);
    }
    Value::of(list)
}

/// The functions of `_opcode`.
pub struct Opcode;

#[pymethods]
impl Opcode {
    /// Compute the stack effect of the opcode: none, as Taipan's instructions work on registers.
    #[py("(opcode, oparg=None, /, *, jump=None)")]
    fn stack_effect(cx: &mut Cx, opcode: i64, _oparg: Option<Value>, _jump: Option<Value>) -> PyResult<i64> {
        match u16::try_from(opcode).ok().and_then(Op::from_u16) {
            Some(_) => Ok(0),
            None => raise!(cx, ValueError, "invalid opcode or oparg"),
        }
    }
    /// Return True if the opcode is one of Taipan's.
    #[py("($module, /, opcode)")]
    fn is_valid(_cx: &mut Cx, opcode: i64) -> PyResult<bool> {
        Ok(u16::try_from(opcode).ok().and_then(Op::from_u16).is_some())
    }
    /// Return True if the opcode uses its oparg, False otherwise.
    #[py("($module, /, opcode)")]
    fn has_arg(_cx: &mut Cx, opcode: i64) -> PyResult<bool> {
        let op = u16::try_from(opcode).ok().and_then(Op::from_u16);
        Ok(op.is_some_and(|op| op.info().operands.iter().any(|k| *k != Kind::None)))
    }
    /// Return True if the opcode accesses a constant, False otherwise.
    #[py("($module, /, opcode)")]
    fn has_const(_cx: &mut Cx, opcode: i64) -> PyResult<bool> {
        Ok(has(opcode, &[Kind::Const]))
    }
    /// Return True if the opcode accesses an attribute by name, False otherwise.
    #[py("($module, /, opcode)")]
    fn has_name(_cx: &mut Cx, opcode: i64) -> PyResult<bool> {
        Ok(has(opcode, &[Kind::Name]))
    }
    /// Return True if the opcode has a jump target, False otherwise.
    #[py("($module, /, opcode)")]
    fn has_jump(_cx: &mut Cx, opcode: i64) -> PyResult<bool> {
        Ok(has(opcode, &[Kind::J16, Kind::J32]))
    }
    /// Return True if the opcode accesses a free variable, False otherwise.
    #[py("($module, /, opcode)")]
    fn has_free(_cx: &mut Cx, opcode: i64) -> PyResult<bool> {
        let op = u16::try_from(opcode).ok().and_then(Op::from_u16);
        Ok(matches!(op, Some(Op::LoadDeref | Op::StoreDeref | Op::DeleteDeref | Op::LoadFromDictOrDeref)))
    }
    /// Return True if the opcode accesses a local variable, False otherwise.
    #[py("($module, /, opcode)")]
    fn has_local(_cx: &mut Cx, opcode: i64) -> PyResult<bool> {
        Ok(has(opcode, &[Kind::R, Kind::W, Kind::RW]))
    }
    /// Return True if the opcode sets an exception handler: none does, as handlers are in a table.
    #[py("($module, /, opcode)")]
    fn has_exc(_cx: &mut Cx, _opcode: i64) -> PyResult<bool> {
        Ok(false)
    }
    /// Return names of the unary intrinsics.
    #[py("($module, /)")]
    fn get_intrinsic1_descs(cx: &mut Cx) -> PyResult<Value> {
        let names = taipan_bytecode::ops::Intrinsic::ALL.iter().map(|i| format!("{i:?}")).collect::<Vec<_>>();
        Ok(strs(cx, &names.iter().map(|s| s.as_str()).collect::<Vec<_>>()))
    }
    /// Return names of the binary intrinsics: they are among the unary ones.
    #[py("($module, /)")]
    fn get_intrinsic2_descs(cx: &mut Cx) -> PyResult<Value> {
        Ok(strs(cx, &[]))
    }
    /// Return a list of special method names.
    #[py("($module, /)")]
    fn get_special_method_names(cx: &mut Cx) -> PyResult<Value> {
        let names = ["__enter__", "__exit__", "__aenter__", "__aexit__"];
        debug_assert_eq!(names.len(), Special::ALL.len());
        Ok(strs(cx, &names))
    }
    /// Return array of symbols of binary ops.
    #[py("($module, /)")]
    fn get_nb_ops(cx: &mut Cx) -> PyResult<Value> {
        let ops = [
            ("NB_ADD", "+"),
            ("NB_AND", "&"),
            ("NB_FLOOR_DIVIDE", "//"),
            ("NB_LSHIFT", "<<"),
            ("NB_MATRIX_MULTIPLY", "@"),
            ("NB_MULTIPLY", "*"),
            ("NB_REMAINDER", "%"),
            ("NB_OR", "|"),
            ("NB_POWER", "**"),
            ("NB_RSHIFT", ">>"),
            ("NB_SUBTRACT", "-"),
            ("NB_TRUE_DIVIDE", "/"),
            ("NB_XOR", "^"),
        ];
        let list = List::new(cx);
        for (name, symbol) in ops {
            let (name, symbol) = (cx.str(name), cx.str(symbol));
            let pair = Tuple::new(cx, &[name, symbol]);
            list.push(cx, Value::of(pair));
        }
        Ok(Value::of(list))
    }
    /// Return the executor object at offset in code: there are none.
    #[py("($module, /, *, code, offset)")]
    fn get_executor(cx: &mut Cx, _code: Value, offset: i64) -> PyResult<Value> {
        raise!(cx, ValueError, "no executor exists at address {offset}")
    }
    /// Return the specialization stats: None, as they are not collected.
    #[py("($module, /)")]
    fn get_specialization_stats(_cx: &mut Cx) -> PyResult<()> {
        Ok(())
    }
}

/// Makes the module `_opcode`. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_opcode");
    module.add_functions(cx, Opcode::METHODS);
    // Inline caches specialise.
    for name in ["ENABLE_SPECIALIZATION", "ENABLE_SPECIALIZATION_FT"] {
        module.set(cx, name, Value::small(1));
    }
    module
}

//! `_opcode`: facts about Taipan's opcodes for `opcode` and `dis`.

use taipan_bytecode::ops::{Aux, Kind, Special};
use taipan_bytecode::{Code, Op, Word, dis, effects};
use taipan_macros::pymethods;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::code_methods;
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

/// `LoadGlobal` as `LOAD_GLOBAL`; CPython's name for an instruction that does the same under another name here.
fn shown_name(op: Op) -> String {
    let known = match op {
        Op::Return => "RETURN_VALUE",
        Op::Yield => "YIELD_VALUE",
        Op::JumpBack => "JUMP_BACKWARD",
        Op::LoadCommonConst => "LOAD_COMMON_CONSTANT",
        Op::LoadInt => "LOAD_SMALL_INT",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_string();
    }
    let mut shown = String::new();
    for c in op.info().name.chars() {
        if c.is_ascii_uppercase() && !shown.is_empty() {
            shown.push('_');
        }
        shown.push(c.to_ascii_uppercase());
    }
    shown
}

/// A row of `get_instructions`.
fn instruction(cx: &mut Cx, code: &'static CodeObject, plain: &Code, at: usize, op: Op) -> PyResult<Value> {
    let word = Word(plain.words[at]);
    let aux = plain.words.get(at + 1).map_or(0, |cache| *cache as u32 as usize);
    let info = op.info();
    let index = word.x() as u32 as usize;
    let mut named = None;
    match info.aux {
        Aux::Name => named = Some(Value::of(code.name_at(aux))),
        Aux::Const => named = code.consts().get(aux).copied(),
        Aux::None | Aux::Inplace | Aux::Count => {}
    }
    for kind in info.operands {
        match kind {
            Kind::Name => named = Some(Value::of(code.name_at(index))),
            Kind::Const => named = code.consts().get(index).copied(),
            Kind::I32 => named = Some(Value::small(i64::from(word.x()))),
            _ => {}
        }
    }
    let cell = match op {
        Op::LoadDeref => Some(word.b()),
        Op::StoreDeref | Op::DeleteDeref => Some(word.a()),
        Op::LoadFromDictOrDeref => Some(word.c()),
        _ => None,
    };
    if let Some(name) = cell.and_then(|i| code.local_names().get(i)) {
        named = Some(Value::of(*name));
    }
    let target = effects::jump(op, word).map(|d| Value::small((at + op.words()) as i64 + i64::from(d)));
    let text = dis::instruction(plain, at);
    let text = cx.str(text.strip_prefix(info.name).unwrap_or(&text).trim_start());
    let operands = Value::small((word.0 >> 16) as i64);
    let (at, opcode, size) = (Value::small(at as i64), Value::small(op as i64), Value::small(op.words() as i64));
    let none = Value::none();
    Ok(Value::of(Tuple::new(cx, &[at, opcode, operands, named.unwrap_or(none), text, target.unwrap_or(none), size])))
}

/// The functions of `_opcode`.
pub struct Opcode;

#[pymethods]
impl Opcode {
    /// Return the names of the opcodes, in the order of their numbers.
    #[py("($module, /)")]
    fn get_names(cx: &mut Cx) -> PyResult<Value> {
        let names: Vec<String> = Op::ALL.iter().map(|op| shown_name(*op)).collect();
        Ok(strs(cx, &names.iter().map(String::as_str).collect::<Vec<_>>()))
    }
    /// Return the number of words of the opcode's inline cache.
    #[py("($module, opcode, /)")]
    fn get_cache_size(cx: &mut Cx, opcode: i64) -> PyResult<i64> {
        match u16::try_from(opcode).ok().and_then(Op::from_u16) {
            Some(op) => Ok(op.info().cache as i64),
            None => raise!(cx, ValueError, "invalid opcode"),
        }
    }
    /// Return a list of the instructions of a code object, each a tuple of its word index, opcode, operands as one
    /// number, what it names, its operands as text, the index of the word it may jump to, and its number of words.
    #[py("($module, code, /)")]
    fn get_instructions(cx: &mut Cx, code: &'static CodeObject) -> PyResult<&'static List> {
        let plain = code_methods::to_code(cx, code)?;
        let list = List::new(cx);
        let mut at = 0;
        while let Some(op) = plain.words.get(at).and_then(|w| Word(*w).op()) {
            let item = instruction(cx, code, &plain, at, op)?;
            list.push(cx, item);
            at += op.words();
        }
        Ok(list)
    }
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

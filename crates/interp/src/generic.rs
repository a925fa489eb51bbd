//! The instructions that compiled code may execute through the interpreter's own implementation: registers in the frame's
//! window, the result too, no control flow. One row: the opcode and the handler that does its work.

use taipan_bytecode::{Op, Word};
use taipan_runtime::Cx;
use taipan_runtime::hooks::GenericOp;

use crate::dispatch::Regs;
use crate::ops;

macro_rules! generic {
    ($($op:ident $handler:ident;)*) => {
        /// The implementation of an instruction, if it has one of this form.
        pub(crate) fn generic(op: u16) -> Option<GenericOp> {
            match Op::from_u16(op)?.base() {
                $( Op::$op => {
                    unsafe fn work(cx: &mut Cx, insn: u64, regs: *mut u64, pc: *mut u64) -> bool {
                        // SAFETY: the caller keeps INT-1 to INT-4.
                        unsafe { ops::$handler::work(cx, Word(insn), Regs(regs), pc) }
                    }
                    Some(work)
                } )*
                _ => None,
            }
        }
    };
}

generic! {
    BuildInterpolation BuildInterpolation;
    BuildList BuildList;
    BuildMap BuildMap;
    BuildSet BuildSet;
    BuildSlice BuildSlice;
    BuildString BuildString;
    BuildTemplate BuildTemplate;
    BuildTuple BuildTuple;
    CheckEgMatch CheckEgMatch;
    CallEx CallEx;
    CallIntrinsic CallIntrinsic;
    ConvertValue ConvertValue;
    DeleteAttr DeleteAttr;
    DeleteDeref DeleteDeref;
    DeleteGlobal DeleteGlobal;
    DeleteItem DeleteItem;
    DeleteName DeleteName;
    DictMerge DictMerge;
    DictUpdate DictUpdate;
    FormatSimple FormatSimple;
    FormatSpec FormatSpec;
    GetIter GetIter;
    GetLen GetLen;
    GetYieldFromIter GetYieldFromIter;
    ImportFrom ImportFrom;
    ImportName ImportName;
    In In;
    Invert Invert;
    ListExtend ListExtend;
    ListToTuple ListToTuple;
    LoadBuildClass LoadBuildClass;
    LoadCommonConst LoadCommonConst;
    LoadFromDictOrDeref LoadFromDictOrDeref;
    LoadFromDictOrGlobal LoadFromDictOrGlobal;
    LoadLocals LoadLocals;
    LoadSlice LoadSlice;
    LoadSpecial LoadSpecial;
    LoadSuperAttr LoadSuperAttr;
    LoadSuperMethod LoadSuperMethod;
    LoadAttr load_attr_slow;
    LoadDeref load_deref_slow;
    LoadGlobal load_global_slow;
    LoadItem load_item_slow;
    LoadItemI load_item_i_slow;
    LoadMethod load_method_slow;
    LoadName load_name_slow;
    MakeCell MakeCell;
    MakeFunction MakeFunction;
    MapAdd MapAdd;
    MatMul MatMul;
    MatchClass MatchClass;
    MatchKeys MatchKeys;
    MatchMapping MatchMapping;
    MatchSequence MatchSequence;
    Neg neg_slow;
    NewCell NewCell;
    Not not_slow;
    NotIn NotIn;
    Pos Pos;
    Pow Pow;
    PrepReraiseStar PrepReraiseStar;
    Raise Raise;
    RaiseFrom RaiseFrom;
    SetAdd SetAdd;
    SetFuncAttr SetFuncAttr;
    SetUpdate SetUpdate;
    StoreAttr store_attr_slow;
    StoreDeref StoreDeref;
    StoreGlobal store_global_slow;
    StoreItem store_item_slow;
    StoreName store_name_slow;
    StoreSlice StoreSlice;
    ToBool ToBool;
    UnpackEx UnpackEx;
    UnpackSequence unpack_slow;
    WithExceptStart WithExceptStart;
}

//! The sine and the cosine of the same number in one block come from one call, which takes about as long as one for either.

use cranelift_codegen::ir::{self as clif, AbiParam, InstBuilder, types};

use super::{Lowering, signature};
use crate::helpers::Helper;
use crate::ir::{BlockId, Op, Val};

impl Lowering<'_> {
    /// The result of a call that is one of such two; None for others.
    pub(super) fn sine_or_cosine(&mut self, block: BlockId, v: Val) -> Option<clif::Value> {
        if let Some(result) = self.computed.remove(&v) {
            return Some(result);
        }
        let call = &self.func[v];
        let (other, place) = match Helper::from_imm(call.imm) {
            Helper::FloatSin => (Helper::FloatCos, 0),
            Helper::FloatCos => (Helper::FloatSin, 1),
            _ => return None,
        };
        let is_other = |w: &&Val| {
            let inst = &self.func[**w];
            inst.op == Op::Call && inst.imm == other as u64 && inst.args == call.args
        };
        let other = *self.func[block].insts.iter().skip_while(|w| **w != v).find(is_other)?;
        let mut both = signature(&[types::I64, types::F64], Some(types::F64));
        both.returns.push(AbiParam::new(types::F64));
        let both = self.b.import_signature(both);
        let (cx, x) = (self.cx, self.value(call.args[0]));
        let callee = self.word(crate::floats::sin_cos as *const () as u64);
        let made = self.b.ins().call_indirect(both, callee, &[cx, x]);
        let results = [0, 1].map(|i| self.b.inst_results(made)[i]);
        self.computed.insert(other, results[1 - place]);
        Some(results[place])
    }
}

//! Strs of one code point.

use super::{Lowering, flags};
use crate::helpers::Helper;
use crate::ir::Val;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use taipan_runtime::types::str::ASCII_LAYOUT;

/// Offset of a str's length.
const LENGTH: i32 = 16;

impl Lowering<'_> {
    /// The str of a code point: below 256 there is one of each.
    pub(super) fn box_char(&mut self, code: clif::Value, v: Val) -> clif::Value {
        let table = self.word(self.process.chars);
        let (lo, hi) = self.func.range(v);
        if lo >= 0 && hi < 256 {
            let p = self.element(table, code);
            return self.b.ins().load(types::I64, flags(), p, 0);
        }
        let (fast, slow, next) = (self.new_block(), self.b.create_block(), self.new_block());
        self.b.set_cold_block(slow);
        let result = self.b.append_block_param(next, types::I64);
        let common = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, code, 256);
        self.b.ins().brif(common, fast, &[], slow, &[]);
        self.b.switch_to_block(fast);
        let p = self.element(table, code);
        let s = self.b.ins().load(types::I64, flags(), p, 0);
        self.b.ins().jump(next, &[BlockArg::Value(s)]);
        self.b.switch_to_block(slow);
        let s = self.cold_call(Helper::BoxChar, &[code], Some(types::I64)).expect("it has a result");
        self.b.ins().jump(next, &[BlockArg::Value(s)]);
        self.b.switch_to_block(next);
        result
    }

    /// Whether a str is compact ASCII.
    fn is_compact_ascii(&mut self, s: clif::Value) -> clif::Value {
        let (at, bits, _) = ASCII_LAYOUT;
        let state = self.b.ins().load(types::I32, flags(), s, at as i32);
        let both = self.b.ins().band_imm_s(state, bits as i64);
        self.b.ins().icmp_imm_s(IntCC::Equal, both, bits as i64)
    }

    /// Code point `i`, which exists, of a str.
    pub(super) fn str_unit(&mut self, s: clif::Value, i: clif::Value) -> clif::Value {
        let (fast, slow, next) = (self.new_block(), self.b.create_block(), self.new_block());
        self.b.set_cold_block(slow);
        let result = self.b.append_block_param(next, types::I64);
        let ascii = self.is_compact_ascii(s);
        self.b.ins().brif(ascii, fast, &[], slow, &[]);
        self.b.switch_to_block(fast);
        let p = self.b.ins().iadd(s, i);
        let unit = self.b.ins().uload8(types::I64, flags(), p, ASCII_LAYOUT.2 as i32);
        self.b.ins().jump(next, &[BlockArg::Value(unit)]);
        self.b.switch_to_block(slow);
        let unit = self.cold_call(Helper::StrUnit, &[s, i], Some(types::I64)).expect("it has a result");
        self.b.ins().jump(next, &[BlockArg::Value(unit)]);
        self.b.switch_to_block(next);
        result
    }

    /// Whether a str is one ASCII character.
    pub(super) fn str_is(&mut self, s: clif::Value, code: u64) -> clif::Value {
        let (single, fast, slow, next) = (self.new_block(), self.new_block(), self.b.create_block(), self.new_block());
        self.b.set_cold_block(slow);
        let result = self.b.append_block_param(next, types::I8);
        let n = self.b.ins().load(types::I64, flags(), s, LENGTH);
        let one = self.b.ins().icmp_imm_s(IntCC::Equal, n, 1);
        let no = self.b.ins().iconst(types::I8, 0);
        self.b.ins().brif(one, single, &[], next, &[BlockArg::Value(no)]);
        self.b.switch_to_block(single);
        let ascii = self.is_compact_ascii(s);
        self.b.ins().brif(ascii, fast, &[], slow, &[]);
        self.b.switch_to_block(fast);
        let unit = self.b.ins().uload8(types::I64, flags(), s, ASCII_LAYOUT.2 as i32);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, unit, code as i64);
        self.b.ins().jump(next, &[BlockArg::Value(same)]);
        self.b.switch_to_block(slow);
        let code = self.word(code);
        let same = self.cold_call(Helper::StrIsChar, &[s, code], Some(types::I64)).expect("it has a result");
        let same = self.b.ins().ireduce(types::I8, same);
        self.b.ins().jump(next, &[BlockArg::Value(same)]);
        self.b.switch_to_block(next);
        result
    }
}

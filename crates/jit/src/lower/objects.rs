//! New objects, and appending to lists.

use super::{Lowering, flags};
use crate::helpers::Helper;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use taipan_runtime::Object;
use taipan_runtime::buffer::DATA_OFFSET;
use taipan_runtime::object::FRESH_WORD;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;

impl Lowering<'_> {
    /// Zeroed memory for an object, with its header written.
    pub(super) fn alloc(&mut self, size: usize, class: u64) -> clif::Value {
        let p = self.alloc_raw(size);
        let word = self.word(FRESH_WORD);
        self.b.ins().store(flags(), word, p, 0);
        let class = self.word(class);
        self.b.ins().store(flags(), class, p, 8);
        p
    }

    pub(super) fn alloc_raw(&mut self, size: usize) -> clif::Value {
        let cell = (size + 15) & !15;
        let cx = self.cx;
        let size_value = self.word(size as u64);
        let slow_address = Helper::AllocSlow.row().address;
        if cell > 512 {
            return self.call(slow_address, &[cx, size_value], Some(types::I64)).expect("it has a result");
        }
        let bump = self.word(self.process.heap + (cell as u64 >> 4) * 16);
        let p = self.b.ins().load(types::I64, flags(), bump, 0);
        let end = self.b.ins().load(types::I64, flags(), bump, 8);
        let next = self.b.ins().iadd_imm_s(p, cell as i64);
        let (fast, slow, done) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        let result = self.b.append_block_param(done, types::I64);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, next, end);
        self.b.ins().brif(fits, fast, &[], slow, &[]);
        self.b.switch_to_block(fast);
        self.b.ins().store(flags(), next, bump, 0);
        self.b.ins().jump(done, &[BlockArg::Value(p)]);
        self.b.switch_to_block(slow);
        let q = self.call(slow_address, &[cx, size_value], Some(types::I64)).expect("it has a result");
        self.b.ins().jump(done, &[BlockArg::Value(q)]);
        self.b.switch_to_block(done);
        result
    }

    pub(super) fn new_instance(&mut self, number: u64, values: &[clif::Value]) -> clif::Value {
        let desc = &self.func.instances[number as usize];
        let p = self.alloc(desc.size as usize, desc.class);
        if desc.shape != 0 {
            let shape = self.word(desc.shape);
            self.b.ins().store(flags(), shape, p, desc.shape_offset as i32);
        }
        for (offset, value) in desc.offsets.iter().zip(values) {
            self.b.ins().store(flags(), *value, p, *offset as i32);
        }
        p
    }

    pub(super) fn new_tuple(&mut self, items: &[clif::Value]) -> clif::Value {
        let p = self.alloc(32 + 8 * items.len(), Tuple::class() as *const _ as u64);
        let n = self.word(items.len() as u64);
        self.b.ins().store(flags(), n, p, 16);
        let no_hash = self.word(u64::MAX);
        self.b.ins().store(flags(), no_hash, p, 24);
        for (i, item) in items.iter().enumerate() {
            self.b.ins().store(flags(), *item, p, 32 + 8 * i as i32);
        }
        p
    }

    pub(super) fn new_list(&mut self, items: &[clif::Value]) -> clif::Value {
        if items.is_empty() {
            return self.alloc(40, List::class() as *const _ as u64);
        }
        // The items lie on the native stack for the helper to copy; the collector sees them there.
        let at = self.on_stack(items);
        let n = self.word(items.len() as u64);
        let cx = self.cx;
        self.call(Helper::NewList.row().address, &[cx, at, n], Some(types::I64)).expect("it has a result")
    }

    pub(super) fn new_exception(&mut self, number: u64, args: &[clif::Value]) -> clif::Value {
        let desc = self.func.exceptions[number as usize];
        let at = self.on_stack(args);
        let words = [desc.class, desc.word.map_or(u64::MAX, |w| w as u64), args.len() as u64];
        let [class, word, n] = words.map(|w| self.word(w));
        let cx = self.cx;
        let address = Helper::NewException.row().address;
        self.call(address, &[cx, class, word, at, n], Some(types::I64)).expect("it has a result")
    }

    pub(super) fn new_dict(&mut self, names: u64, items: &[clif::Value]) -> clif::Value {
        let at = self.on_stack(items);
        let (cx, names) = (self.cx, self.word(names));
        self.call(Helper::NewDict.row().address, &[cx, names, at], Some(types::I64)).expect("it has a result")
    }

    pub(super) fn list_append(&mut self, list: clif::Value, item: clif::Value) {
        let n = self.b.ins().load(types::I64, flags(), list, 16);
        let items = self.b.ins().load(types::I64, flags(), list, 24);
        let capacity = self.b.ins().load(types::I64, flags(), list, 32);
        let (fast, slow, next) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        let room = self.b.ins().icmp(IntCC::UnsignedLessThan, n, capacity);
        self.b.ins().brif(room, fast, &[], slow, &[]);
        self.b.switch_to_block(fast);
        let p = self.element(items, n);
        self.b.ins().store(flags(), item, p, 0);
        let more = self.b.ins().iadd_imm_s(n, 1);
        self.b.ins().store(flags(), more, list, 16);
        let buffer = self.b.ins().iadd_imm_s(items, -(DATA_OFFSET as i64));
        self.barrier(buffer);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(slow);
        let cx = self.cx;
        self.call(Helper::ListAppend.row().address, &[cx, list, item], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }
}

//! New objects, and appending to lists.

use std::sync::Arc;

use super::{Lowering, flags};
use crate::helpers::Helper;
use crate::ir::{ExceptionDesc, Val};
use crate::iterators::IteratorKind;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use taipan_runtime::exceptions::Exception;
use taipan_runtime::object::{FLAG_BOOLS, FLAG_FLOATS, FRESH_WORD};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::complex::Complex;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Object, Value};

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
        let size_value = self.word(size as u64);
        if cell > 512 {
            return self.cold_call(Helper::AllocSlow, &[size_value], Some(types::I64)).expect("it has a result");
        }
        let bump = self.word(self.process.heap + (cell as u64 >> 4) * 16);
        let p = self.b.ins().load(types::I64, flags(), bump, 0);
        let end = self.b.ins().load(types::I64, flags(), bump, 8);
        let next = self.b.ins().iadd_imm_s(p, cell as i64);
        let (fast, slow, done) = (self.new_block(), self.b.create_block(), self.new_block());
        self.b.set_cold_block(slow);
        let result = self.b.append_block_param(done, types::I64);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, next, end);
        self.b.ins().brif(fits, fast, &[], slow, &[]);
        self.b.switch_to_block(fast);
        self.b.ins().store(flags(), next, bump, 0);
        self.b.ins().jump(done, &[BlockArg::Value(p)]);
        self.b.switch_to_block(slow);
        let q = self.cold_call(Helper::AllocSlow, &[size_value], Some(types::I64)).expect("it has a result");
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

    pub(super) fn box_complex(&mut self, re: clif::Value, im: clif::Value) -> clif::Value {
        let p = self.alloc(std::mem::size_of::<Complex>(), Complex::class() as *const _ as u64);
        self.b.ins().store(flags(), re, p, std::mem::offset_of!(Complex, re) as i32);
        self.b.ins().store(flags(), im, p, std::mem::offset_of!(Complex, im) as i32);
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

    pub(super) fn new_generator(&mut self, v: Val, a: &[clif::Value]) -> clif::Value {
        let at = self.on_stack(&a[1..]);
        let (cx, n) = (self.cx, self.word(a.len() as u64 - 1));
        let address = Helper::NewGenerator.row().address;
        let result = self.call(address, &[cx, a[0], at, n], Some(types::I64)).expect("it has a result");
        self.raised(v, result);
        result
    }

    pub(super) fn suspended(&mut self, number: u64, a: &[clif::Value]) -> clif::Value {
        let desc = &self.func.suspended[number as usize];
        // SAFETY: the builder put the address of a code object there that the unit keeps alive.
        let nregs = unsafe { &*(desc.code as *const CodeObject) }.nregs();
        let (code, pc) = (desc.code, desc.pc as u64);
        let mut all: Vec<Option<clif::Value>> = vec![None; nregs];
        for (r, v) in desc.regs.iter().zip(&a[1..]) {
            all[*r as usize] = Some(*v);
        }
        let all: Vec<clif::Value> = all.into_iter().map(|v| v.unwrap_or_else(|| self.word(0))).collect();
        let at = self.on_stack(&all);
        let (cx, [code, pc]) = (self.cx, [code, pc].map(|w| self.word(w)));
        let address = Helper::Suspended.row().address;
        self.call(address, &[cx, a[0], code, pc, at], Some(types::I64)).expect("it has a result")
    }

    pub(super) fn new_exception(&mut self, number: u64, args: &[clif::Value]) -> clif::Value {
        let desc = self.exception_desc(number);
        let at = self.on_stack(args);
        let [desc, n] = [std::sync::Arc::as_ptr(&desc) as u64, args.len() as u64].map(|w| self.word(w));
        let cx = self.cx;
        let address = Helper::NewException.row().address;
        self.call(address, &[cx, desc, at, n], Some(types::I64)).expect("it has a result")
    }

    /// The description of an exception, which the unit keeps.
    pub(super) fn exception_desc(&mut self, number: u64) -> Arc<ExceptionDesc> {
        let known = self.exceptions.entry(number);
        known.or_insert_with(|| Arc::new(self.func.exceptions[number as usize].clone())).clone()
    }

    pub(super) fn traceback_of(&mut self, e: clif::Value) -> clif::Value {
        let at = std::mem::offset_of!(Exception, traceback) as i32;
        let traceback = self.b.ins().load(types::I64, flags(), e, at);
        let none = self.word(Value::none().bits());
        let is_there = self.b.ins().icmp_imm_s(IntCC::NotEqual, traceback, 0);
        self.b.ins().select(is_there, traceback, none)
    }

    pub(super) fn new_iterator(&mut self, kind: IteratorKind, fields: &[clif::Value]) -> clif::Value {
        let p = self.alloc(kind.size(), kind.class() as *const _ as u64);
        for (field, (offset, _)) in fields.iter().zip(kind.fields()) {
            self.b.ins().store(flags(), *field, p, *offset as i32);
        }
        p
    }

    pub(super) fn new_function(&mut self, a: &[clif::Value]) -> clif::Value {
        let (cx, closure) = (self.cx, a.get(2).copied().unwrap_or_else(|| self.word(0)));
        let address = Helper::NewFunction.row().address;
        self.call(address, &[cx, a[0], a[1], closure], Some(types::I64)).expect("it has a result")
    }

    pub(super) fn new_dict(&mut self, names: u64, items: &[clif::Value]) -> clif::Value {
        let at = self.on_stack(items);
        let (cx, names) = (self.cx, self.word(names));
        self.call(Helper::NewDict.row().address, &[cx, names, at], Some(types::I64)).expect("it has a result")
    }

    /// Whether a list has one of the flags that say what it holds, as a word that is 0 or not.
    fn list_flags(&mut self, list: clif::Value, which: u16) -> clif::Value {
        let word = self.b.ins().uload32(flags(), list, 4);
        self.b.ins().band_imm_s(word, which as i64)
    }

    /// `of_words`: the list is known to hold words.
    pub(super) fn list_append(&mut self, list: clif::Value, item: clif::Value, stored: Val, of_words: bool) {
        let (n, items, room) = self.room_in(list);
        let packed = (!of_words).then(|| self.list_flags(list, FLAG_FLOATS | FLAG_BOOLS));
        let (slow, next) = self.append_in_place(list, n, items, (room, packed, false), item);
        self.barrier_for_items(items, stored);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(slow);
        self.cold_call(Helper::ListAppend, &[list, item], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }

    pub(super) fn list_append_double(&mut self, list: clif::Value, d: clif::Value) {
        let (n, items, room) = self.room_in(list);
        let doubles = self.list_flags(list, FLAG_FLOATS);
        let fits = self.is_common_double(d);
        let room = self.b.ins().band(room, fits);
        let (slow, next) = self.append_in_place(list, n, items, (room, Some(doubles), true), d);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(slow);
        self.cold_call(Helper::ListAppendDouble, &[list, d], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }

    pub(super) fn list_reserve(&mut self, list: clif::Value, more: clif::Value) {
        let n = self.b.ins().load(types::I64, flags(), list, 16);
        let capacity = self.b.ins().load(types::I64, flags(), list, 32);
        let room = self.b.ins().isub(capacity, n);
        let little = self.b.ins().icmp(IntCC::UnsignedLessThan, room, more);
        let (slow, next) = (self.b.create_block(), self.new_block());
        self.b.set_cold_block(slow);
        self.b.ins().brif(little, slow, &[], next, &[]);
        self.b.switch_to_block(slow);
        self.cold_call(Helper::ListReserve, &[list, more], None);
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }

    /// The items of a list of words with room for one behind its first `size`, which it need not know yet.
    pub(super) fn list_room(&mut self, v: Val, list: clif::Value, size: clif::Value) -> clif::Value {
        let word = self.b.ins().load(types::I64, flags(), list, 0);
        let words = self.b.ins().icmp_imm_s(IntCC::Equal, word, FRESH_WORD as i64);
        self.guard(v, words);
        let capacity = self.b.ins().load(types::I64, flags(), list, 32);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThan, size, capacity);
        let (slow, next) = (self.b.create_block(), self.new_block());
        self.b.set_cold_block(slow);
        self.b.ins().brif(fits, next, &[], slow, &[]);
        self.b.switch_to_block(slow);
        let outer = std::mem::replace(&mut self.cold, true);
        self.b.ins().store(flags(), size, list, 16);
        let one = self.word(1);
        self.cold_call(Helper::ListReserve, &[list, one], None);
        let capacity = self.b.ins().load(types::I64, flags(), list, 32);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThan, size, capacity);
        self.guard(v, fits);
        self.cold = outer;
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
        self.b.ins().load(types::I64, flags(), list, 24)
    }

    /// Size, items, and whether there is room for one more.
    fn room_in(&mut self, list: clif::Value) -> (clif::Value, clif::Value, clif::Value) {
        let n = self.b.ins().load(types::I64, flags(), list, 16);
        let items = self.b.ins().load(types::I64, flags(), list, 24);
        let capacity = self.b.ins().load(types::I64, flags(), list, 32);
        let room = self.b.ins().icmp(IntCC::UnsignedLessThan, n, capacity);
        (n, items, room)
    }

    /// Appends a word where there is room and the list is of that kind, and goes on there; the blocks for the other case and for what comes after.
    fn append_in_place(
        &mut self,
        list: clif::Value,
        n: clif::Value,
        items: clif::Value,
        (room, kind, of_doubles): (clif::Value, Option<clif::Value>, bool),
        word: clif::Value,
    ) -> (clif::Block, clif::Block) {
        let (fast, slow, next) = (self.new_block(), self.b.create_block(), self.new_block());
        self.b.set_cold_block(slow);
        // Behind the branch it would be made twice, where the program goes on with its parts.
        let word = if of_doubles { word } else { self.made_here(word) };
        let fits = self.new_block();
        self.b.ins().brif(room, fits, &[], slow, &[]);
        self.b.switch_to_block(fits);
        match (kind, of_doubles) {
            (Some(doubles), true) => self.b.ins().brif(doubles, fast, &[], slow, &[]),
            (Some(packed), false) => self.b.ins().brif(packed, slow, &[], fast, &[]),
            (None, _) => self.b.ins().jump(fast, &[]),
        };
        self.b.switch_to_block(fast);
        let p = self.element(items, n);
        self.b.ins().store(flags(), word, p, 0);
        let more = self.b.ins().iadd_imm_s(n, 1);
        self.b.ins().store(flags(), more, list, 16);
        (slow, next)
    }

    /// An item of a list that holds words or doubles.
    pub(super) fn list_item(&mut self, list: clif::Value, i: clif::Value) -> clif::Value {
        let items = self.b.ins().load(types::I64, flags(), list, 24);
        let p = self.element(items, i);
        let word = self.b.ins().load(types::I64, flags(), p, 0);
        let kind = self.list_flags(list, FLAG_FLOATS | FLAG_BOOLS);
        let (packed, bool, double, next) = (self.new_block(), self.new_block(), self.new_block(), self.new_block());
        let result = self.b.append_block_param(next, types::I64);
        self.b.ins().brif(kind, packed, &[], next, &[BlockArg::Value(word)]);
        self.b.switch_to_block(packed);
        let doubles = self.b.ins().band_imm_s(kind, FLAG_FLOATS as i64);
        self.b.ins().brif(doubles, double, &[], bool, &[]);
        self.b.switch_to_block(bool);
        let p = self.b.ins().iadd(items, i);
        let byte = self.b.ins().uload8(types::I64, flags(), p, 0);
        let [yes, no] = [true, false].map(|b| self.word(Value::bool(b).bits()));
        let v = self.b.ins().select(byte, yes, no);
        self.b.ins().jump(next, &[BlockArg::Value(v)]);
        self.b.switch_to_block(double);
        let d = self.b.ins().bitcast(types::F64, clif::MemFlagsData::new(), word);
        let (fast, slow) = self.flonum_word(d);
        let boxed = self.cold_path(slow, fast, types::I64, |l| {
            l.cold_call(Helper::ListItem, &[list, i], Some(types::I64)).expect("it has a result")
        });
        self.b.ins().jump(next, &[BlockArg::Value(boxed)]);
        self.b.switch_to_block(next);
        result
    }

    /// Whether a double is of those that lists of doubles may hold: most of them, 0.0 included.
    fn is_common_double(&mut self, d: clif::Value) -> clif::Value {
        let bits = self.b.ins().bitcast(types::I64, clif::MemFlagsData::new(), d);
        let rare = self.is_rare_double(bits);
        let near = self.b.ins().bxor_imm_s(rare, 1);
        let twice = self.b.ins().ishl_imm_s(bits, 1);
        let zero = self.b.ins().icmp_imm_s(IntCC::Equal, twice, 0);
        self.b.ins().bor(near, zero)
    }

    /// Leaves unless lists of doubles may hold the double.
    pub(super) fn guard_double(&mut self, v: Val, d: clif::Value) {
        let bits = self.b.ins().bitcast(types::I64, clif::MemFlagsData::new(), d);
        let rare = self.is_rare_double(bits);
        let (cold, ask, next) = (self.b.create_block(), self.b.create_block(), self.new_block());
        self.b.set_cold_block(cold);
        self.b.set_cold_block(ask);
        self.b.ins().brif(rare, cold, &[], next, &[]);
        self.b.switch_to_block(cold);
        let twice = self.b.ins().ishl_imm_s(bits, 1);
        self.b.ins().brif(twice, ask, &[], next, &[]);
        self.b.switch_to_block(ask);
        let outer = std::mem::replace(&mut self.cold, true);
        let ok = self.cold_call(Helper::FitsDouble, &[d], Some(types::I64)).expect("it has a result");
        self.guard(v, ok);
        self.cold = outer;
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }
}

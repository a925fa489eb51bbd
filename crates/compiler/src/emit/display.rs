//! Displays: lists, tuples, sets, dicts. Long ones are built a chunk at a time, so that they need few registers.

use super::Compiler;
use crate::error::Res;
use crate::flow::Reg;
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::TextRange;
use taipan_bytecode::{Const, Op};

/// Items that a display builds from registers at once.
pub(crate) const MAX_RUN: usize = 16;
/// Items that a display of more than that starts with; the others are added one by one, so that it needs few registers.
const FEW: usize = 3;

/// How many of `total` items are built from registers at once.
pub(crate) fn first_run(total: usize) -> usize {
    if total > MAX_RUN { FEW } else { MAX_RUN }
}

/// Items up to which a tuple is built without a list.
const MAX_TUPLE: usize = 32;

impl<'a> Compiler<'a> {
    /// Compiles `elts` into consecutive temporaries and returns the first.
    pub(crate) fn push_all(&mut self, elts: &'a [Expr]) -> Res<Reg> {
        let first = Reg::temp(self.mark());
        for e in elts {
            self.push(e)?;
        }
        Ok(first)
    }

    pub(crate) fn list(&mut self, elts: &'a [Expr], range: TextRange, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        if elts.len() <= MAX_RUN && !elts.iter().any(Expr::is_starred_expr) {
            let constants = if elts.len() >= 3 { self.folded_all(elts) } else { None };
            if constants.is_none() {
                let first = self.push_all(elts)?;
                let dest = self.out(mark, dest);
                self.at(range);
                self.emit(Op::BuildList, dest, first, elts.len());
                return Ok(dest);
            }
        }
        let list = self.alloc();
        self.long_list(list, elts, range)?;
        self.finish(list, mark, dest)
    }

    /// Gives a value built in temporary `reg` (at `mark`) to `dest`.
    pub(crate) fn finish(&mut self, reg: Reg, mark: u32, dest: Option<Reg>) -> Res<Reg> {
        self.release(mark);
        match dest {
            Some(dest) => {
                self.mov(dest, reg);
                Ok(dest)
            }
            None => Ok(self.out(mark, None)),
        }
    }

    fn folded_all(&mut self, elts: &'a [Expr]) -> Option<Const> {
        let values: Option<Box<[Const]>> = elts.iter().map(|e| self.folded(e)).collect();
        let values = values?;
        elts.iter().for_each(|e| self.check_literals(e));
        Some(Const::Tuple(values))
    }

    /// Builds a list of any length in the temporary `list`, a chunk at a time.
    pub(crate) fn long_list(&mut self, list: Reg, elts: &'a [Expr], range: TextRange) -> Res {
        let plain = elts.iter().take(first_run(elts.len())).take_while(|e| !e.is_starred_expr()).count();
        let constants =
            if elts.len() >= 3 && !elts.iter().any(Expr::is_starred_expr) { self.folded_all(elts) } else { None };
        let mark = self.mark();
        if let Some(c) = constants {
            self.at(range);
            self.emit(Op::BuildList, list, list, 0u32);
            let tuple = self.load_const(c, None);
            self.emit(Op::ListExtend, list, tuple, 0u32);
            self.release(mark);
            return Ok(());
        }
        let first = self.push_all(&elts[..plain])?;
        self.release(mark);
        self.at(range);
        self.emit(Op::BuildList, list, first, plain);
        for e in &elts[plain..] {
            let (op, e) = match e {
                Expr::Starred(s) => (Op::ListExtend, &*s.value),
                e => (Op::ListAppend, e),
            };
            let value = self.expr(e, None)?;
            self.at(range);
            self.emit(op, list, value, 0u32);
            self.release(mark);
        }
        Ok(())
    }

    pub(crate) fn tuple(&mut self, elts: &'a [Expr], range: TextRange, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        if elts.len() <= MAX_TUPLE && !elts.iter().any(Expr::is_starred_expr) {
            let first = self.push_all(elts)?;
            let dest = self.out(mark, dest);
            self.at(range);
            self.emit(Op::BuildTuple, dest, first, elts.len());
            return Ok(dest);
        }
        let list = self.alloc();
        self.long_list(list, elts, range)?;
        let dest = self.out(mark, dest);
        self.at(range);
        self.emit(Op::ListToTuple, dest, list, 0u32);
        Ok(dest)
    }

    pub(crate) fn set(&mut self, s: &'a ast::ExprSet, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        let plain = s.elts.iter().take(first_run(s.elts.len())).take_while(|e| !e.is_starred_expr()).count();
        if s.elts.len() >= 3
            && let Some(values) = s.elts.iter().map(|e| self.folded(e)).collect::<Option<Vec<Const>>>()
        {
            // As CPython: the order of a set that is filled from a frozenset differs from one built item by item.
            s.elts.iter().for_each(|e| self.check_literals(e));
            let set = self.alloc();
            self.at(s.range);
            self.emit(Op::BuildSet, set, set, 0u32);
            let inner = self.mark();
            let items = self.load_const(super::expr::frozen_set(values), None);
            self.emit(Op::SetUpdate, set, items, 0u32);
            self.release(inner);
            return self.finish(set, mark, dest);
        }
        if plain == s.elts.len() {
            let first = self.push_all(&s.elts)?;
            let dest = self.out(mark, dest);
            self.at(s.range);
            self.emit(Op::BuildSet, dest, first, plain);
            return Ok(dest);
        }
        let set = self.alloc();
        let inner = self.mark();
        let first = self.push_all(&s.elts[..plain])?;
        self.release(inner);
        self.at(s.range);
        self.emit(Op::BuildSet, set, first, plain);
        for e in &s.elts[plain..] {
            let (op, e) = match e {
                Expr::Starred(s) => (Op::SetUpdate, &*s.value),
                e => (Op::SetAdd, e),
            };
            let value = self.expr(e, None)?;
            self.at(s.range);
            self.emit(op, set, value, 0u32);
            self.release(inner);
        }
        self.finish(set, mark, dest)
    }

    pub(crate) fn dict(&mut self, d: &'a ast::ExprDict, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        let plain = d.items.iter().take(first_run(d.items.len())).take_while(|i| i.key.is_some()).count();
        let whole = plain == d.items.len();
        let dict = if whole { None } else { Some(self.alloc()) };
        let inner = self.mark();
        let first = Reg::temp(inner);
        for item in &d.items[..plain] {
            if let Some(key) = &item.key {
                self.push(key)?;
                self.push(&item.value)?;
            }
        }
        let Some(dict) = dict else {
            let dest = self.out(mark, dest);
            self.at(d.range);
            self.emit(Op::BuildMap, dest, first, plain);
            return Ok(dest);
        };
        self.release(inner);
        self.at(d.range);
        self.emit(Op::BuildMap, dict, first, plain);
        for item in &d.items[plain..] {
            match &item.key {
                Some(key) => {
                    let key = self.operand(key)?;
                    let value = self.expr(&item.value, None)?;
                    self.at(d.range);
                    self.emit(Op::MapAdd, dict, key, value);
                }
                None => {
                    let value = self.expr(&item.value, None)?;
                    self.at(d.range);
                    self.emit(Op::DictUpdate, dict, value, 0u32);
                }
            }
            self.release(inner);
        }
        self.finish(dict, mark, dest)
    }
}

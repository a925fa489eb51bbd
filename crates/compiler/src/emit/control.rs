//! Loops, `try`, `with`, and leaving them.
//!
//! A [`Block`] on the unit's stack is something that `return`, `break` or `continue` has to undo. Its
//! protected range is cut where such clean-up code is emitted, so that the clean-up is not covered by the
//! handlers that it leaves.

use super::Compiler;
use crate::error::{Res, fail};
use crate::flow::{Label, Protect, Reg};
use ruff_python_ast::{self as ast, ExceptHandler, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};
use taipan_bytecode::Op;
use taipan_bytecode::ops::Special;

/// Nesting of blocks that CPython accepts.
const MAX_BLOCKS: usize = 21;

/// Something that control flow may leave.
#[derive(Clone, Debug)]
pub(crate) struct Block<'a> {
    kind: BlockKind<'a>,
    handler: Option<(Label, Reg)>,
    /// Start of the protected range that is open now.
    open: usize,
    closed: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
enum BlockKind<'a> {
    /// A loop: where `break` and `continue` go.
    Loop { end: Label, next: Label },
    /// Only a handler, nothing to undo.
    Try,
    /// `try` with a `finally` clause, which is to run.
    Finally(&'a [Stmt]),
    /// `with`: registers of the exit pair and three arguments.
    With { exit: Reg, is_async: bool, range: TextRange },
    /// A handler runs: the exception info to go back to.
    Handler(Reg),
    /// `except ... as name`: unbind the name.
    Named(&'a str),
    /// `except*`: must not be left.
    Star,
    /// A `finally` clause, for warnings only.
    FinallyBody,
}

impl<'a> Compiler<'a> {
    fn push_block(&mut self, kind: BlockKind<'a>, handler: Option<(Label, Reg)>, range: TextRange) -> Res {
        self.check_nesting(range)?;
        let open = self.u.asm.insts.len();
        self.u.blocks.push(Block { kind, handler, open, closed: Vec::new() });
        Ok(())
    }

    /// SyntaxError if another block would be one too many: generators count, too.
    fn check_nesting(&self, range: TextRange) -> Res {
        let blocks = self.u.blocks.iter().filter(|b| !matches!(b.kind, BlockKind::FinallyBody)).count();
        let is_generator = self.frame().is_generator || self.frame().is_coroutine;
        if blocks + usize::from(is_generator) >= MAX_BLOCKS {
            return fail("too many statically nested blocks", range);
        }
        Ok(())
    }

    fn pop_block(&mut self) {
        let end = self.u.asm.insts.len();
        let Some(block) = self.u.blocks.pop() else { return };
        let Some((target, reg)) = block.handler else { return };
        for (start, end) in block.closed.into_iter().chain([(block.open, end)]) {
            if start < end {
                self.u.asm.protects.push(Protect { start, end, target, reg });
            }
        }
    }

    /// Protects what `body` emits by a handler that has nothing to undo.
    pub(crate) fn protected(
        &mut self,
        target: Label,
        reg: Reg,
        range: TextRange,
        body: impl FnOnce(&mut Self) -> Res,
    ) -> Res {
        self.push_block(BlockKind::Try, Some((target, reg)), range)?;
        body(self)?;
        self.pop_block();
        Ok(())
    }

    /// Emits what `body` does in a block that needs no handler.
    pub(crate) fn in_plain_block<T>(&mut self, range: TextRange, body: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        self.push_block(BlockKind::Try, None, range)?;
        let result = body(self)?;
        self.pop_block();
        Ok(result)
    }

    /// True if a return has to run code of the user before it returns.
    pub(crate) fn has_cleanup(&self) -> bool {
        self.u
            .blocks
            .iter()
            .any(|b| matches!(b.kind, BlockKind::Finally(_) | BlockKind::With { .. } | BlockKind::Named(_)))
    }

    /// Emits the clean-up of the blocks above number `keep`, innermost first.
    fn unwind(&mut self, keep: usize) -> Res {
        let saved: Vec<Block<'a>> = self.u.blocks.drain(keep..).collect();
        let here = self.u.asm.insts.len();
        // Cut all ranges here; those of blocks still to be undone go on until their turn.
        let mut saved = saved;
        for i in (0..saved.len()).rev() {
            let end = self.u.asm.insts.len();
            let block = &mut saved[i];
            if block.open < end {
                block.closed.push((block.open, end));
            }
            let kind = block.kind.clone();
            self.u.blocks.extend(saved[..i].iter().cloned());
            let result = self.undo(kind);
            // The outer blocks may have been cut by nested control flow: keep what they learned.
            for (block, seen) in saved[..i].iter_mut().zip(self.u.blocks.drain(keep..)) {
                *block = seen;
            }
            result?;
        }
        debug_assert!(here <= self.u.asm.insts.len());
        self.u.blocks.append(&mut saved);
        Ok(())
    }

    /// Opens the ranges again that [`Compiler::unwind`] cut, after the final jump.
    fn resume(&mut self, keep: usize) {
        let here = self.u.asm.insts.len();
        for block in &mut self.u.blocks[keep..] {
            block.open = here;
        }
    }

    fn undo(&mut self, kind: BlockKind<'a>) -> Res {
        match kind {
            BlockKind::Loop { .. } | BlockKind::Try | BlockKind::Star | BlockKind::FinallyBody => Ok(()),
            BlockKind::Finally(body) => self.finally_body(body),
            BlockKind::With { exit, is_async, range } => {
                self.at(range);
                self.exit_call(exit, is_async, range)
            }
            BlockKind::Handler(saved) => {
                self.u.range = None;
                self.emit(Op::PopExcInfo, saved, 0u32, 0u32);
                Ok(())
            }
            BlockKind::Named(name) => {
                self.u.range = None;
                self.clear_name(name)
            }
        }
    }

    /// Before `return`: leaves all blocks. The caller emits the return itself next.
    pub(crate) fn unwind_return(&mut self, range: TextRange) -> Res {
        self.check_star_exit(range, 0)?;
        if self.in_finally(0) {
            self.warn("'return' in a 'finally' block", range);
        }
        self.unwind(0)?;
        // One instruction (two with a constant) follows; covering it does no harm, it cannot raise.
        self.resume(0);
        Ok(())
    }

    fn in_finally(&self, keep: usize) -> bool {
        self.u.blocks[keep..].iter().any(|b| matches!(b.kind, BlockKind::FinallyBody))
    }

    fn check_star_exit(&self, range: TextRange, keep: usize) -> Res {
        if self.u.blocks[keep..].iter().any(|b| matches!(b.kind, BlockKind::Star)) {
            return fail("'break', 'continue' and 'return' cannot appear in an except* block", range);
        }
        Ok(())
    }

    fn innermost_loop(&self) -> Option<(usize, Label, Label)> {
        self.u.blocks.iter().enumerate().rev().find_map(|(i, b)| match b.kind {
            BlockKind::Loop { end, next } => Some((i, end, next)),
            _ => None,
        })
    }

    pub(crate) fn break_stmt(&mut self, range: TextRange) -> Res {
        let found = self.innermost_loop();
        self.check_star_exit(range, found.map_or(0, |(i, ..)| i + 1))?;
        let Some((i, end, _)) = found else {
            return fail("'break' outside loop", range);
        };
        self.leave_to(i + 1, end, "break", range)
    }

    pub(crate) fn continue_stmt(&mut self, range: TextRange) -> Res {
        let found = self.innermost_loop();
        self.check_star_exit(range, found.map_or(0, |(i, ..)| i + 1))?;
        let Some((i, _, next)) = found else {
            return fail("'continue' not properly in loop", range);
        };
        self.leave_to(i + 1, next, "continue", range)
    }

    fn leave_to(&mut self, keep: usize, target: Label, word: &str, range: TextRange) -> Res {
        if self.in_finally(keep) {
            self.warn(&format!("'{word}' in a 'finally' block"), range);
        }
        if self.u.blocks.len() > keep {
            self.emit(Op::Nop, 0u32, 0u32, 0u32);
            self.unwind(keep)?;
            self.u.range = None;
            self.goto(target);
        } else {
            self.goto(target);
            if let Some(jump) = self.u.asm.insts.last_mut() {
                jump.is_statement = true;
            }
        }
        self.at(range);
        self.resume(keep);
        Ok(())
    }

    // ---- loops ------------------------------------------------------------------------------------

    /// Body of a loop, inside its block.
    fn loop_body(&mut self, end: Label, next: Label, range: TextRange, body: impl FnOnce(&mut Self) -> Res) -> Res {
        self.push_block(BlockKind::Loop { end, next }, None, range)?;
        self.u.conditional += 1;
        body(self)?;
        self.u.conditional -= 1;
        self.pop_block();
        Ok(())
    }

    fn else_body(&mut self, body: &'a [Stmt]) -> Res {
        self.u.conditional += 1;
        self.body(body)?;
        self.u.conditional -= 1;
        Ok(())
    }

    pub(crate) fn while_stmt(&mut self, s: &'a ast::StmtWhile) -> Res {
        let (top, other, end) = (self.label(), self.label(), self.label());
        self.bind(top);
        self.loop_body(end, top, s.range, |c| {
            c.jump_if(&s.test, other, false)?;
            c.body(&s.body)
        })?;
        self.jump(Op::JumpBack, 0u32, 0u32, top);
        self.bind(other);
        self.else_body(&s.orelse)?;
        self.bind(end);
        Ok(())
    }

    /// Register into which a loop may put its next item directly.
    pub(crate) fn item_dest(&mut self, target: &Expr) -> Option<Reg> {
        match target {
            Expr::Name(n) => self.local_dest(&n.id),
            _ => None,
        }
    }

    pub(crate) fn for_stmt(&mut self, s: &'a ast::StmtFor) -> Res {
        if s.is_async {
            return self.async_for(s);
        }
        let iter = self.iterator(&s.iter)?;
        let local = self.item_dest(&s.target);
        let item = local.unwrap_or_else(|| self.alloc());
        let (top, bottom, end) = (self.label(), self.label(), self.label());
        self.goto(bottom);
        self.bind(top);
        self.loop_body(end, bottom, s.range, |c| {
            if local.is_none() {
                let mark = c.mark();
                c.store(&s.target, item)?;
                c.release(mark);
            } else if c.line(&s.target) != c.line(&s.iter) {
                // The assignment is a step of its own for debuggers.
                c.at(s.target.range());
                c.emit(Op::Nop, 0u32, 0u32, 0u32);
            }
            c.body(&s.body)
        })?;
        self.bind(bottom);
        self.at(s.iter.range());
        self.jump(Op::ForNext, iter, item, top);
        self.else_body(&s.orelse)?;
        self.bind(end);
        Ok(())
    }

    fn line(&self, e: &Expr) -> u32 {
        self.lines.line_col(e.range().start().to_u32()).0
    }

    /// Compiles `e` and puts its iterator into a new temporary.
    pub(crate) fn iterator(&mut self, e: &'a Expr) -> Res<Reg> {
        let mark = self.mark();
        // A list that is only iterated may be a tuple.
        let value = match e {
            Expr::List(l) if !l.elts.is_empty() && l.elts.iter().all(|e| !e.is_starred_expr()) => {
                let constants: Option<Vec<_>> = l.elts.iter().map(|e| self.folded(e)).collect();
                match constants {
                    Some(items) => {
                        self.at(l.range);
                        self.load_const(taipan_bytecode::Const::Tuple(items.into()), None)
                    }
                    None => self.tuple(&l.elts, l.range, None)?,
                }
            }
            e => self.expr(e, None)?,
        };
        let iter = self.out(mark, None);
        self.at(e.range());
        self.emit(Op::GetIter, iter, value, 0u32);
        Ok(iter)
    }

    fn async_for(&mut self, s: &'a ast::StmtFor) -> Res {
        self.need_async("'async for' outside async function", s.range)?;
        let mark = self.mark();
        let value = self.expr(&s.iter, None)?;
        let iter = self.out(mark, None);
        self.at(s.iter.range());
        self.emit(Op::GetAIter, iter, value, 0u32);
        let (top, end, exhausted) = (self.label(), self.label(), self.label());
        let error = self.alloc();
        self.bind(top);
        self.loop_body(end, top, s.range, |c| {
            let item = c.next_async(iter, exhausted, error, s.iter.range())?;
            c.store(&s.target, item)?;
            c.body(&s.body)
        })?;
        self.at(s.range);
        self.jump(Op::JumpBack, 0u32, 0u32, top);
        self.bind(exhausted);
        self.at(s.iter.range());
        self.emit(Op::EndAsyncFor, error, 0u32, 0u32);
        self.else_body(&s.orelse)?;
        self.bind(end);
        Ok(())
    }

    /// The next item of an asynchronous iterator; the end (any exception) goes to `exhausted`.
    pub(crate) fn next_async(&mut self, iter: Reg, exhausted: Label, error: Reg, range: TextRange) -> Res<Reg> {
        let item = self.alloc();
        let awaitable = self.alloc();
        self.protected(exhausted, error, range, |c| {
            c.at(range);
            c.emit(Op::GetANext, awaitable, iter, 0u32);
            c.load_none(Some(item));
            c.delegate(awaitable, item);
            Ok(())
        })?;
        Ok(item)
    }

    // ---- with -------------------------------------------------------------------------------------

    pub(crate) fn with_stmt(&mut self, s: &'a ast::StmtWith) -> Res {
        if s.is_async {
            self.need_async("'async with' outside async function", s.range)?;
        }
        self.u.conditional += 1;
        self.with_items(s, &s.items)?;
        self.u.conditional -= 1;
        Ok(())
    }

    fn with_items(&mut self, s: &'a ast::StmtWith, items: &'a [ast::WithItem]) -> Res {
        let Some((item, rest)) = items.split_first() else { return self.body(&s.body) };
        let range = item.context_expr.range();
        let mark = self.mark();
        // The exit pair and room for its arguments.
        let exit = self.alloc_run(5);
        let inner = self.mark();
        let context = self.expr(&item.context_expr, None)?;
        let (enter_special, exit_special) =
            if s.is_async { (Special::AEnter, Special::AExit) } else { (Special::Enter, Special::Exit) };
        self.at(range);
        self.emit(Op::LoadSpecial, exit, context, exit_special as u32);
        let enter = self.alloc_run(2);
        self.emit(Op::LoadSpecial, enter, context, enter_special as u32);
        let value = enter;
        self.emit(Op::CallMethod, enter, 0u32, value);
        if s.is_async {
            self.await_in_place(value, 1);
        }
        let (handler, end) = (self.label(), self.label());
        let error = exit.plus(2);
        self.push_block(BlockKind::With { exit, is_async: s.is_async, range }, Some((handler, error)), s.range)?;
        if let Some(target) = &item.optional_vars {
            self.store(target, value)?;
        }
        self.release(inner);
        self.with_items(s, rest)?;
        self.pop_block();
        self.at(range);
        self.exit_call(exit, s.is_async, range)?;
        self.goto(end);
        self.bind(handler);
        self.with_handler(exit, s.is_async, range)?;
        self.bind(end);
        self.release(mark);
        Ok(())
    }

    /// Calls `__exit__(None, None, None)`. The call is made from fresh temporaries: the callee's window starts at its
    /// arguments, and a value being returned may lie above the exit pair.
    fn exit_call(&mut self, exit: Reg, is_async: bool, range: TextRange) -> Res {
        self.at(range);
        let mark = self.mark();
        let call = self.alloc_run(5);
        for i in 0..2 {
            self.emit(Op::Move, call.plus(i), exit.plus(i), 0u32);
        }
        for i in 2..5 {
            self.load_none(Some(call.plus(i)));
        }
        self.emit(Op::CallMethod, call, 3u32, call);
        if is_async {
            self.await_in_place(call, 2);
        }
        self.release(mark);
        Ok(())
    }

    fn with_handler(&mut self, exit: Reg, is_async: bool, range: TextRange) -> Res {
        let (error, saved) = (exit.plus(2), exit.plus(3));
        self.at(range);
        self.emit(Op::PushExcInfo, error, saved, 0u32);
        let (cleanup, suppressed) = (self.label(), self.label());
        let second = exit.plus(4);
        self.protected(cleanup, second, range, |c| {
            c.emit(Op::WithExceptStart, exit, exit, error);
            if is_async {
                c.await_in_place(exit, 2);
            }
            c.jump(Op::JumpIf, exit, 0u32, suppressed);
            Ok(())
        })?;
        self.emit(Op::PopExcInfo, saved, 0u32, 0u32);
        self.emit(Op::Reraise, error, 1u32, 0u32);
        self.cleanup(cleanup, saved, second);
        self.bind(suppressed);
        self.emit(Op::PopExcInfo, saved, 0u32, 0u32);
        Ok(())
    }

    /// The way out of a handler by another exception.
    fn cleanup(&mut self, label: Label, saved: Reg, error: Reg) {
        self.bind(label);
        let range = self.u.range.take();
        self.emit(Op::PopExcInfo, saved, 0u32, 0u32);
        self.emit(Op::Reraise, error, 0u32, 0u32);
        self.u.range = range;
    }

    // ---- try ----------------------------------------------------------------------------------------

    pub(crate) fn try_stmt(&mut self, s: &'a ast::StmtTry) -> Res {
        self.u.conditional += 1;
        // The line of the `try`, for debuggers.
        self.emit(Op::Nop, 0u32, 0u32, 0u32);
        if s.finalbody.is_empty() {
            self.try_except(s)?;
        } else {
            self.try_finally(s)?;
        }
        self.u.conditional -= 1;
        Ok(())
    }

    fn try_finally(&mut self, s: &'a ast::StmtTry) -> Res {
        let regs = self.alloc_run(3);
        let (error, saved, second) = (regs, regs.plus(1), regs.plus(2));
        let (handler, cleanup, end) = (self.label(), self.label(), self.label());
        self.push_block(BlockKind::Finally(&s.finalbody), Some((handler, error)), s.range)?;
        if s.handlers.is_empty() {
            self.body(&s.body)?;
        } else {
            self.try_except(s)?;
        }
        self.pop_block();
        self.finally_body(&s.finalbody)?;
        self.goto(end);
        self.bind(handler);
        let before = self.u.range.take();
        self.emit(Op::PushExcInfo, error, saved, 0u32);
        self.u.range = before;
        self.push_block(BlockKind::Handler(saved), Some((cleanup, second)), s.range)?;
        self.finally_body(&s.finalbody)?;
        self.pop_block();
        let range = self.u.range.take();
        self.emit(Op::PopExcInfo, saved, 0u32, 0u32);
        self.emit(Op::Reraise, error, 0u32, 0u32);
        self.u.range = range;
        self.cleanup(cleanup, saved, second);
        self.bind(end);
        Ok(())
    }

    fn finally_body(&mut self, body: &'a [Stmt]) -> Res {
        let range = body.first().map_or(TextRange::default(), Ranged::range);
        self.push_block(BlockKind::FinallyBody, None, range)?;
        self.body(body)?;
        self.pop_block();
        Ok(())
    }

    fn try_except(&mut self, s: &'a ast::StmtTry) -> Res {
        let regs = self.alloc_run(3);
        let (error, saved, second) = (regs, regs.plus(1), regs.plus(2));
        let (handler, cleanup, end) = (self.label(), self.label(), self.label());
        self.push_block(BlockKind::Try, Some((handler, error)), s.range)?;
        self.body(&s.body)?;
        self.pop_block();
        self.body(&s.orelse)?;
        self.goto(end);
        self.bind(handler);
        let before = self.u.range.take();
        self.emit(Op::PushExcInfo, error, saved, 0u32);
        self.u.range = before;
        self.push_block(BlockKind::Handler(saved), Some((cleanup, second)), s.range)?;
        if s.is_star {
            self.star_handlers(&s.handlers, error, saved, end)?;
        } else {
            self.handlers(&s.handlers, error, saved, end)?;
            // No clause matched. The frame leaves from the last clause.
            self.pop_block();
            let before = self.u.range.take();
            if let Some(ExceptHandler::ExceptHandler(last)) = s.handlers.last() {
                self.at(last.type_.as_ref().map_or(last.range, |t| t.range()));
            }
            self.emit(Op::PopExcInfo, saved, 0u32, 0u32);
            self.emit(Op::Reraise, error, 0u32, 0u32);
            self.u.range = before;
        }
        self.cleanup(cleanup, saved, second);
        self.bind(end);
        Ok(())
    }

    fn handlers(&mut self, handlers: &'a [ExceptHandler], error: Reg, saved: Reg, end: Label) -> Res {
        let keep = self.u.blocks.len() - 1;
        for (i, ExceptHandler::ExceptHandler(h)) in handlers.iter().enumerate() {
            let next = self.label();
            let mark = self.mark();
            match &h.type_ {
                Some(type_) => {
                    self.warn_handler(type_);
                    let class = self.expr(type_, None)?;
                    self.at(type_.range());
                    self.jump(Op::JumpExcNotMatch, error, class, next);
                }
                None if i + 1 < handlers.len() => return fail("default 'except:' must be last", h.range),
                None => {
                    self.at(h.range);
                    self.emit(Op::Nop, 0u32, 0u32, 0u32);
                }
            }
            self.release(mark);
            self.at(h.range);
            self.handler_body(h, error)?;
            // Leave the handler: outside of its protection.
            self.cut(keep);
            self.u.range = None;
            self.emit(Op::PopExcInfo, saved, 0u32, 0u32);
            self.goto(end);
            self.resume(keep);
            self.bind(next);
        }
        Ok(())
    }

    /// Closes the open range of block number `keep` for some instructions.
    fn cut(&mut self, keep: usize) {
        let here = self.u.asm.insts.len();
        let block = &mut self.u.blocks[keep];
        if block.open < here {
            block.closed.push((block.open, here));
        }
        block.open = here;
    }

    fn handler_body(&mut self, h: &'a ast::ExceptHandlerExceptHandler, value: Reg) -> Res {
        let Some(name) = &h.name else { return self.body(&h.body) };
        self.at(h.range);
        self.store_name(name, value);
        let (cleanup, done) = (self.label(), self.label());
        let error = self.alloc();
        self.push_block(BlockKind::Named(name.as_str()), Some((cleanup, error)), h.range)?;
        self.body(&h.body)?;
        self.pop_block();
        let range = self.u.range.take();
        self.clear_name(name)?;
        self.goto(done);
        self.bind(cleanup);
        self.clear_name(name)?;
        self.emit(Op::Reraise, error, 0u32, 0u32);
        self.u.range = range;
        self.bind(done);
        Ok(())
    }

    /// `except*` (PEP 654): every clause takes its part of the group; what the clauses raise is collected
    /// with the rest and raised at the end.
    fn star_handlers(&mut self, handlers: &'a [ExceptHandler], error: Reg, saved: Reg, end: Label) -> Res {
        let raised = self.alloc();
        let rest = self.alloc();
        let split = self.alloc_run(2);
        self.u.range = None;
        self.emit(Op::BuildList, raised, raised, 0u32);
        self.mov(rest, error);
        let inner = self.mark();
        for ExceptHandler::ExceptHandler(h) in handlers {
            let (next, failed) = (self.label(), self.label());
            let Some(type_) = &h.type_ else {
                return fail("expected one or more exception types", h.range);
            };
            self.warn_handler(type_);
            let class = self.expr(type_, None)?;
            // The group around a single exception comes from the whole clause.
            self.at(h.range);
            self.emit(Op::CheckEgMatch, split, rest, class);
            self.mov(rest, split.plus(1));
            self.jump(Op::JumpIfNone, split, 0u32, next);
            self.release(inner);
            self.emit(Op::PushExcInfo, split, split.plus(1), 0u32);
            let caught = self.alloc();
            self.push_block(BlockKind::Star, Some((failed, caught)), h.range)?;
            self.handler_body(h, split)?;
            self.pop_block();
            self.u.range = None;
            self.emit(Op::PopExcInfo, split.plus(1), 0u32, 0u32);
            self.goto(next);
            self.bind(failed);
            let range = self.u.range.take();
            self.emit(Op::PopExcInfo, split.plus(1), 0u32, 0u32);
            self.emit(Op::ListAppend, raised, caught, 0u32);
            self.u.range = range;
            self.bind(next);
            self.release(inner);
        }
        let again = self.label();
        self.u.range = None;
        self.emit(Op::ListAppend, raised, rest, 0u32);
        self.emit(Op::PrepReraiseStar, split, error, raised);
        self.jump(Op::JumpIfNotNone, split, 0u32, again);
        self.pop_block();
        self.emit(Op::PopExcInfo, saved, 0u32, 0u32);
        self.goto(end);
        self.bind(again);
        self.emit(Op::PopExcInfo, saved, 0u32, 0u32);
        self.emit(Op::Reraise, split, 0u32, 0u32);
        Ok(())
    }
}

//! Expressions.

use super::Compiler;
use crate::error::{Res, fail};
use crate::flow::{Label, Reg};
use crate::fold;
use ruff_python_ast::{self as ast, BoolOp, CmpOp, Expr, Operator, UnaryOp};
use ruff_text_size::{Ranged, TextRange};
use taipan_bytecode::{Const, Op};

/// A chain of left-nested binary operators from inside out.
struct Chain<'a> {
    first: &'a Expr,
    links: Vec<&'a ast::ExprBinOp>,
}

fn chain(e: &ast::ExprBinOp) -> Chain<'_> {
    let mut links = vec![e];
    let mut first = &*e.left;
    while let Expr::BinOp(b) = first {
        links.push(b);
        first = &b.left;
    }
    links.reverse();
    Chain { first, links }
}

/// The value of a small constant int.
pub(crate) fn small(c: &Const) -> Option<i32> {
    match c {
        Const::Int(i) => i16::try_from(*i).ok().map(i32::from),
        _ => None,
    }
}

/// True if evaluating `e` cannot rebind a local.
fn is_atom(e: &Expr) -> bool {
    e.is_name_expr() || e.is_literal_expr()
}

/// The opcode of a binary operator.
pub(crate) fn binary_op(op: Operator) -> Op {
    match op {
        Operator::Add => Op::Add,
        Operator::Sub => Op::Sub,
        Operator::Mult => Op::Mul,
        Operator::MatMult => Op::MatMul,
        Operator::Div => Op::TrueDiv,
        Operator::Mod => Op::Mod,
        Operator::Pow => Op::Pow,
        Operator::LShift => Op::LShift,
        Operator::RShift => Op::RShift,
        Operator::BitOr => Op::Or,
        Operator::BitXor => Op::Xor,
        Operator::BitAnd => Op::And,
        Operator::FloorDiv => Op::FloorDiv,
    }
}

/// The opcode with a small constant on the right, if there is one that takes `n`.
fn immediate_op(op: Operator, n: i32) -> Option<Op> {
    Some(match op {
        Operator::Add => Op::AddI,
        Operator::Sub => Op::SubI,
        Operator::Mult => Op::MulI,
        Operator::FloorDiv if n != 0 => Op::FloorDivI,
        Operator::Mod if n != 0 => Op::ModI,
        Operator::LShift if (0..=62).contains(&n) => Op::LShiftI,
        Operator::RShift if (0..=62).contains(&n) => Op::RShiftI,
        Operator::BitAnd => Op::AndI,
        _ => return None,
    })
}

fn compare_op(op: CmpOp) -> Op {
    match op {
        CmpOp::Eq => Op::Eq,
        CmpOp::NotEq => Op::Ne,
        CmpOp::Lt => Op::Lt,
        CmpOp::LtE => Op::Le,
        CmpOp::Gt => Op::Gt,
        CmpOp::GtE => Op::Ge,
        CmpOp::Is => Op::Is,
        CmpOp::IsNot => Op::IsNot,
        CmpOp::In => Op::In,
        CmpOp::NotIn => Op::NotIn,
    }
}

/// The fused jumps (registers, immediate) for a comparison that is `wanted`.
fn compare_jump(op: CmpOp, wanted: bool) -> Option<(Op, Option<Op>)> {
    Some(match (op, wanted) {
        (CmpOp::Lt, true) => (Op::JumpLt, Some(Op::JumpLtI)),
        (CmpOp::Lt, false) => (Op::JumpNotLt, Some(Op::JumpNotLtI)),
        (CmpOp::LtE, true) => (Op::JumpLe, Some(Op::JumpLeI)),
        (CmpOp::LtE, false) => (Op::JumpNotLe, Some(Op::JumpNotLeI)),
        (CmpOp::Eq, true) => (Op::JumpEq, Some(Op::JumpEqI)),
        (CmpOp::Eq, false) => (Op::JumpNotEq, Some(Op::JumpNotEqI)),
        (CmpOp::NotEq, true) => (Op::JumpNe, Some(Op::JumpNeI)),
        (CmpOp::NotEq, false) => (Op::JumpNotNe, Some(Op::JumpNotNeI)),
        (CmpOp::Gt, true) => (Op::JumpGt, Some(Op::JumpGtI)),
        (CmpOp::Gt, false) => (Op::JumpNotGt, Some(Op::JumpNotGtI)),
        (CmpOp::GtE, true) => (Op::JumpGe, Some(Op::JumpGeI)),
        (CmpOp::GtE, false) => (Op::JumpNotGe, Some(Op::JumpNotGeI)),
        (CmpOp::Is, true) | (CmpOp::IsNot, false) => (Op::JumpIs, None),
        (CmpOp::Is, false) | (CmpOp::IsNot, true) => (Op::JumpIsNot, None),
        (CmpOp::In | CmpOp::NotIn, _) => return None,
    })
}

/// The jump for a truth test.
fn truth_jump(wanted: bool) -> Op {
    if wanted { Op::JumpIf } else { Op::JumpIfNot }
}

impl<'a> Compiler<'a> {
    /// Compiles `e`; the result is in `dest` if given, else in a new temporary or a local's own register.
    pub(crate) fn expr(&mut self, e: &'a Expr, dest: Option<Reg>) -> Res<Reg> {
        self.nest(e.range())?;
        let reg = self.expr_inner(e, dest)?;
        self.depth -= 1;
        Ok(reg)
    }

    /// Compiles `e` for use after later operands have run: a local that they may rebind is copied.
    pub(crate) fn operand(&mut self, e: &'a Expr) -> Res<Reg> {
        let reg = self.expr(e, None)?;
        if reg.is_local() && self.may_rebind(reg) {
            let copy = self.alloc();
            self.mov(copy, reg);
            return Ok(copy);
        }
        Ok(reg)
    }

    /// Compiles `e` into the next temporary.
    pub(crate) fn push(&mut self, e: &'a Expr) -> Res<Reg> {
        let reg = self.alloc();
        self.expr(e, Some(reg))
    }

    /// Compiles `e` for its effects.
    pub(crate) fn discard(&mut self, e: &'a Expr) -> Res {
        let mark = self.mark();
        self.expr(e, None)?;
        self.release(mark);
        Ok(())
    }

    fn expr_inner(&mut self, e: &'a Expr, dest: Option<Reg>) -> Res<Reg> {
        if !matches!(e, Expr::BinOp(_) | Expr::Name(_) | Expr::Call(_) | Expr::Attribute(_))
            && let Some(c) = self.folded(e)
        {
            self.check_literals(e);
            self.check_folded(e)?;
            self.at(e.range());
            return Ok(self.load_const(c, dest));
        }
        match e {
            Expr::Name(n) => {
                self.at(n.range);
                if n.id.as_str() == "__debug__" {
                    let value = Const::Bool(self.fold.debug);
                    return Ok(self.load_const(value, dest));
                }
                Ok(self.load_name(&n.id, dest))
            }
            Expr::BoolOp(b) => self.bool_op(b, dest),
            Expr::Named(n) => self.walrus(n, dest),
            Expr::BinOp(b) => self.binary(b, dest),
            Expr::UnaryOp(u) => self.unary(u, dest),
            Expr::Lambda(l) => self.lambda(l, dest),
            Expr::If(i) => self.if_expr(i, dest),
            Expr::Dict(d) => self.dict(d, dest),
            Expr::Set(s) => self.set(s, dest),
            Expr::List(l) => self.list(&l.elts, l.range, dest),
            Expr::Tuple(t) => self.tuple(&t.elts, t.range, dest),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehension(e, dest)
            }
            Expr::Await(a) => self.await_expr(a, dest),
            Expr::Yield(y) => self.yield_expr(y, dest),
            Expr::YieldFrom(y) => self.yield_from(y, dest),
            Expr::Compare(c) => self.compare(c, dest),
            Expr::Call(c) => self.call(c, dest),
            Expr::FString(f) => self.fstring(f, dest),
            Expr::TString(t) => self.tstring(t, dest),
            Expr::Attribute(a) => self.attribute(a, dest),
            Expr::Subscript(s) => self.subscript(s, dest),
            Expr::Starred(s) => fail("can't use starred expression here", s.range),
            Expr::Slice(s) => self.slice(s, dest),
            Expr::IpyEscapeCommand(c) => fail("invalid syntax", c.range),
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_) => fail("internal error: literal", e.range()),
        }
    }

    /// Errors and warnings in an expression whose value was folded.
    fn check_folded(&mut self, e: &'a Expr) -> Res {
        if let Expr::Subscript(s) = e {
            self.warn_subscript(s);
        }
        Ok(())
    }

    fn walrus(&mut self, n: &'a ast::ExprNamed, dest: Option<Reg>) -> Res<Reg> {
        let Expr::Name(target) = &*n.target else {
            return fail("cannot use assignment expressions with this", n.range);
        };
        if let Some(local) = self.local_dest(&target.id) {
            self.expr(&n.value, Some(local))?;
            return Ok(match dest {
                Some(dest) => {
                    self.at(n.range);
                    self.mov(dest, local);
                    dest
                }
                None => local,
            });
        }
        let value = self.expr(&n.value, dest)?;
        self.at(n.range);
        self.store_name(&target.id, value);
        Ok(value)
    }

    fn binary(&mut self, e: &'a ast::ExprBinOp, dest: Option<Reg>) -> Res<Reg> {
        let chain = chain(e);
        let mark = self.mark();
        let mut links = chain.links.iter().copied();
        let mut constant = self.folded(chain.first);
        let mut pending = None;
        while let Some(left) = &constant {
            let Some(link) = links.next() else { break };
            let folded = self.folded(&link.right).and_then(|right| fold::binary(link.op, left, &right));
            if folded.is_none() {
                pending = Some(link);
                break;
            }
            self.check_literals(&link.right);
            constant = folded;
            self.at(link.range);
        }
        let mut formatted = None;
        if let (Some(Const::Str(format)), Some(link)) = (&constant, pending)
            && link.op == Operator::Mod
        {
            self.check_literals(chain.first);
            let dest = if std::ptr::eq(link, e) { dest } else { None };
            formatted = self.percent(format, &link.right, link.range, mark, dest)?;
        }
        let mut left = match constant {
            _ if let Some(formatted) = formatted => {
                pending = None;
                formatted
            }
            Some(c) => {
                self.check_literals(chain.first);
                if pending.is_none() && links.len() == 0 {
                    self.at(e.range);
                    return Ok(self.load_const(c, dest));
                }
                self.at(chain.first.range());
                self.load_const(c, None)
            }
            None if chain.links.iter().all(|l| is_atom(&l.right)) => self.expr(chain.first, None)?,
            None => self.operand(chain.first)?,
        };
        for link in pending.into_iter().chain(links) {
            let last = std::ptr::eq(link, e);
            left = self.binary_step(link, left, mark, if last { dest } else { None })?;
        }
        Ok(left)
    }

    fn binary_step(&mut self, link: &'a ast::ExprBinOp, left: Reg, mark: u32, dest: Option<Reg>) -> Res<Reg> {
        let imm = self.folded(&link.right).as_ref().and_then(small);
        if let Some((op, n)) = imm.and_then(|n| Some((immediate_op(link.op, n)?, n))) {
            let dest = self.out(mark, dest);
            self.at(link.range);
            self.emit(op, dest, left, n);
            return Ok(dest);
        }
        let right = self.expr(&link.right, None)?;
        let dest = self.out(mark, dest);
        self.at(link.range);
        self.emit(binary_op(link.op), dest, left, right);
        Ok(dest)
    }

    /// `target = target op value` for a value in `left`; the result goes to `dest`.
    pub(crate) fn augmented(&mut self, op: Operator, left: Reg, value: &'a Expr, dest: Reg, range: TextRange) -> Res {
        let mark = self.mark();
        let imm = self.folded(value).as_ref().and_then(small);
        if let Some((op, n)) = imm.and_then(|n| Some((immediate_op(op, n)?, n))) {
            self.at(range);
            self.emit_aux(op, dest, left, n, 1);
            return Ok(());
        }
        let right = self.expr(value, None)?;
        self.at(range);
        self.emit_aux(binary_op(op), dest, left, right, 1);
        self.release(mark);
        Ok(())
    }

    fn unary(&mut self, u: &'a ast::ExprUnaryOp, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        let (op, operand) = match (u.op, &*u.operand) {
            (UnaryOp::Not, Expr::Compare(c))
                if c.ops.len() == 1 && matches!(c.ops[0], CmpOp::Is | CmpOp::IsNot | CmpOp::In | CmpOp::NotIn) =>
            {
                return self.simple_compare(&c.left, c.ops[0].negate(), &c.comparators[0], c.range, dest);
            }
            (UnaryOp::Not, e) => (Op::Not, e),
            (UnaryOp::USub, e) => (Op::Neg, e),
            (UnaryOp::UAdd, e) => (Op::Pos, e),
            (UnaryOp::Invert, e) => (Op::Invert, e),
        };
        let value = self.expr(operand, None)?;
        let dest = self.out(mark, dest);
        self.at(u.range);
        self.emit(op, dest, value, 0u32);
        Ok(dest)
    }

    /// `and` and `or` as values. A local destination is written only by the value that is the result.
    fn bool_op(&mut self, b: &'a ast::ExprBoolOp, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        let wanted = b.op == BoolOp::Or;
        let result = dest.unwrap_or_else(|| self.alloc());
        let end = self.label();
        let inner = self.mark();
        let Some((last, init)) = b.values.split_last() else { return Ok(result) };
        for value in init {
            if result.is_temp() {
                self.expr(value, Some(result))?;
                self.at(b.range);
                self.jump(truth_jump(wanted), result, 0u32, end);
            } else {
                let reg = self.expr(value, None)?;
                self.at(b.range);
                if reg == result {
                    self.jump(truth_jump(wanted), reg, 0u32, end);
                } else {
                    let next = self.label();
                    self.jump(truth_jump(!wanted), reg, 0u32, next);
                    self.mov(result, reg);
                    self.goto(end);
                    self.bind(next);
                }
            }
            self.release(inner);
        }
        self.expr(last, Some(result))?;
        self.bind(end);
        self.release(mark);
        Ok(if dest.is_some() { result } else { self.out(mark, None) })
    }

    fn if_expr(&mut self, i: &'a ast::ExprIf, dest: Option<Reg>) -> Res<Reg> {
        let result = dest.unwrap_or_else(|| self.alloc());
        let mark = self.mark();
        let (other, end) = (self.label(), self.label());
        self.jump_if(&i.test, other, false)?;
        self.release(mark);
        self.expr(&i.body, Some(result))?;
        self.release(mark);
        self.goto(end);
        self.bind(other);
        self.expr(&i.orelse, Some(result))?;
        self.release(mark);
        self.bind(end);
        Ok(result)
    }

    // ---- comparisons and conditions -----------------------------------------------------------

    /// The right operand of `in`: displays of constants become one constant.
    fn container(&mut self, e: &'a Expr) -> Res<Reg> {
        let items = match e {
            Expr::List(l) => Some((&l.elts, false)),
            Expr::Set(s) => Some((&s.elts, true)),
            _ => None,
        };
        if let Some((elts, set)) = items
            && let Some(values) = elts.iter().map(|e| self.folded(e)).collect::<Option<Vec<Const>>>()
        {
            self.at(e.range());
            let c = if set { frozen_set(values) } else { Const::Tuple(values.into()) };
            return Ok(self.load_const(c, None));
        }
        self.expr(e, None)
    }

    fn comparator(&mut self, op: CmpOp, e: &'a Expr, last: bool) -> Res<Reg> {
        match op {
            CmpOp::In | CmpOp::NotIn => self.container(e),
            _ if last => self.expr(e, None),
            _ => self.operand(e),
        }
    }

    fn simple_compare(
        &mut self,
        left: &'a Expr,
        op: CmpOp,
        right: &'a Expr,
        range: TextRange,
        dest: Option<Reg>,
    ) -> Res<Reg> {
        let mark = self.mark();
        let left = if is_atom(right) { self.expr(left, None)? } else { self.operand(left)? };
        let right = self.comparator(op, right, true)?;
        let dest = self.out(mark, dest);
        self.at(range);
        self.emit(compare_op(op), dest, left, right);
        Ok(dest)
    }

    fn compare(&mut self, c: &'a ast::ExprCompare, dest: Option<Reg>) -> Res<Reg> {
        self.warn_compare(c);
        if c.ops.len() == 1 {
            return self.simple_compare(&c.left, c.ops[0], &c.comparators[0], c.range, dest);
        }
        let mark = self.mark();
        let result = dest.filter(|d| d.is_temp()).unwrap_or_else(|| self.alloc());
        let end = self.label();
        let mut left = self.operand(&c.left)?;
        // In a long chain every operand in the middle uses the same register.
        let is_long = c.ops.len() > 8;
        let shared = self.alloc_run(is_long as u32);
        for (i, (&op, right)) in c.ops.iter().zip(&c.comparators).enumerate() {
            let last = i + 1 == c.ops.len();
            let inner = self.mark();
            let right = self.comparator(op, right, last)?;
            self.at(c.range);
            self.emit(compare_op(op), result, left, right);
            if !last {
                self.jump(Op::JumpIfNot, result, 0u32, end);
            }
            left = right;
            if is_long && !last {
                self.mov(shared, right);
                self.release(inner);
                left = shared;
            }
        }
        self.bind(end);
        self.release(mark);
        match dest {
            Some(dest) => {
                self.mov(dest, result);
                Ok(dest)
            }
            None => Ok(self.out(mark, None)),
        }
    }

    /// Jumps to `target` if the truth of `e` is `wanted`, else falls through.
    pub(crate) fn jump_if(&mut self, e: &'a Expr, target: Label, wanted: bool) -> Res {
        self.nest(e.range())?;
        let mark = self.mark();
        match e {
            Expr::UnaryOp(u) if u.op == UnaryOp::Not => self.jump_if(&u.operand, target, !wanted)?,
            Expr::BoolOp(b) => self.jump_bool(b, target, wanted)?,
            Expr::Compare(c) => self.jump_compare(c, target, wanted)?,
            Expr::If(i) => {
                let (other, end) = (self.label(), self.label());
                self.jump_if(&i.test, other, false)?;
                self.jump_if(&i.body, target, wanted)?;
                self.goto(end);
                self.bind(other);
                self.jump_if(&i.orelse, target, wanted)?;
                self.bind(end);
            }
            _ => match self.folded(e) {
                Some(c) => {
                    self.check_literals(e);
                    self.at(e.range());
                    // For debuggers; a constant test may be all there is on its line.
                    self.emit(Op::Nop, 0u32, 0u32, 0u32);
                    if fold::truth(&c) == wanted {
                        self.goto(target);
                    }
                }
                None => {
                    let reg = self.expr(e, None)?;
                    self.at(e.range());
                    self.jump(truth_jump(wanted), reg, 0u32, target);
                }
            },
        }
        self.release(mark);
        self.depth -= 1;
        Ok(())
    }

    fn jump_bool(&mut self, b: &'a ast::ExprBoolOp, target: Label, wanted: bool) -> Res {
        let Some((last, init)) = b.values.split_last() else { return Ok(()) };
        // `or` leaves early with true, `and` with false.
        let early = b.op == BoolOp::Or;
        let past = self.label();
        let out = if early == wanted { target } else { past };
        for value in init {
            self.jump_if(value, out, early)?;
        }
        self.jump_if(last, target, wanted)?;
        self.bind(past);
        Ok(())
    }

    fn jump_compare(&mut self, c: &'a ast::ExprCompare, target: Label, wanted: bool) -> Res {
        self.warn_compare(c);
        let past = self.label();
        let atoms = c.comparators.iter().all(is_atom);
        let mut left = if atoms { self.expr(&c.left, None)? } else { self.operand(&c.left)? };
        for (i, (&op, right)) in c.ops.iter().zip(&c.comparators).enumerate() {
            let last = i + 1 == c.ops.len();
            // All links but the last leave the chain when false.
            let (to, when) = match (last, wanted) {
                (true, _) => (target, wanted),
                (false, true) => (past, false),
                (false, false) => (target, false),
            };
            left = self.jump_link(c.range, left, op, right, last, to, when)?;
        }
        self.bind(past);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one link of a comparison is just that")]
    fn jump_link(
        &mut self,
        range: TextRange,
        left: Reg,
        op: CmpOp,
        right: &'a Expr,
        last: bool,
        to: Label,
        when: bool,
    ) -> Res<Reg> {
        let jump = compare_jump(op, when);
        if let (true, CmpOp::Is | CmpOp::IsNot, Expr::NoneLiteral(_)) = (last, op, right) {
            self.at(range);
            let op = if (op == CmpOp::Is) == when { Op::JumpIfNone } else { Op::JumpIfNotNone };
            self.jump(op, left, 0u32, to);
            return Ok(left);
        }
        if let (true, Some((_, Some(op)))) = (last, jump)
            && let Some(n) = self.folded(right).as_ref().and_then(small)
        {
            self.at(range);
            self.jump(op, left, n, to);
            return Ok(left);
        }
        let reg = self.comparator(op, right, last)?;
        self.at(range);
        match jump {
            Some((op, _)) => self.jump(op, left, reg, to),
            None => {
                let result = self.alloc();
                self.emit(compare_op(op), result, left, reg);
                self.jump(truth_jump(when), result, 0u32, to);
            }
        }
        Ok(reg)
    }

    // ---- attributes and subscripts ----------------------------------------------------------------

    fn attribute(&mut self, a: &'a ast::ExprAttribute, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        if let Some((func, first)) = self.super_call(&a.value)? {
            let dest = self.out(mark, dest);
            self.at_attribute(a);
            let name = self.attr_name(&a.attr);
            self.emit_aux(Op::LoadSuperAttr, dest, func, first, name);
            return Ok(dest);
        }
        let value = self.expr(&a.value, None)?;
        let dest = self.out(mark, dest);
        self.at_attribute(a);
        let name = self.attr_name(&a.attr);
        self.emit_aux(Op::LoadAttr, dest, value, 0u32, name);
        Ok(dest)
    }

    /// The range of an attribute: the name alone if it is on another line than the start, as CPython has it.
    pub(crate) fn at_attribute(&mut self, a: &ast::ExprAttribute) {
        let line = |at: ruff_text_size::TextSize| self.lines.line_col(at.to_u32()).0;
        let range = if line(a.attr.range.end()) == line(a.range.start()) { a.range } else { a.attr.range };
        self.at(range);
    }

    /// Index of the mangled attribute name.
    pub(crate) fn attr_name(&mut self, attr: &str) -> u32 {
        let name = self.mangle(attr);
        self.name(&name)
    }

    fn subscript(&mut self, s: &'a ast::ExprSubscript, dest: Option<Reg>) -> Res<Reg> {
        self.warn_subscript(s);
        let mark = self.mark();
        let value = self.operand(&s.value)?;
        match self.index(&s.slice)? {
            Index::Small(n) => {
                let dest = self.out(mark, dest);
                self.at(s.range);
                self.emit(Op::LoadItemI, dest, value, n);
                Ok(dest)
            }
            Index::Reg(reg) => {
                let dest = self.out(mark, dest);
                self.at(s.range);
                self.emit(Op::LoadItem, dest, value, reg);
                Ok(dest)
            }
            Index::Range(first) => {
                let dest = self.out(mark, dest);
                self.at(s.range);
                self.emit(Op::LoadSlice, dest, value, first);
                Ok(dest)
            }
        }
    }

    /// Compiles what stands between the brackets.
    pub(crate) fn index(&mut self, e: &'a Expr) -> Res<Index> {
        if let Expr::Slice(s) = e
            && s.step.is_none()
            && self.constant_slice(s).is_none()
        {
            let first = self.alloc_run(2);
            self.slice_part(s.lower.as_deref(), first, s.range)?;
            self.slice_part(s.upper.as_deref(), first.plus(1), s.range)?;
            return Ok(Index::Range(first));
        }
        if let Some(n) = self.folded(e).as_ref().and_then(small) {
            self.check_literals(e);
            return Ok(Index::Small(n));
        }
        self.expr(e, None).map(Index::Reg)
    }

    fn slice_part(&mut self, e: Option<&'a Expr>, reg: Reg, range: TextRange) -> Res {
        match e {
            Some(e) => self.expr(e, Some(reg))?,
            None => {
                self.at(range);
                self.load_none(Some(reg))
            }
        };
        Ok(())
    }

    fn constant_slice(&self, s: &'a ast::ExprSlice) -> Option<Const> {
        let part = |e: &'a Option<Box<Expr>>| e.as_ref().map_or(Some(Const::None), |e| self.folded(e));
        Some(Const::Slice(Box::new([part(&s.lower)?, part(&s.upper)?, part(&s.step)?])))
    }

    fn slice(&mut self, s: &'a ast::ExprSlice, dest: Option<Reg>) -> Res<Reg> {
        if let Some(c) = self.constant_slice(s) {
            self.at(s.range);
            return Ok(self.load_const(c, dest));
        }
        let mark = self.mark();
        let first = self.alloc_run(3);
        self.slice_part(s.lower.as_deref(), first, s.range)?;
        self.slice_part(s.upper.as_deref(), first.plus(1), s.range)?;
        self.slice_part(s.step.as_deref(), first.plus(2), s.range)?;
        let dest = self.out(mark, dest);
        self.at(s.range);
        self.emit(Op::BuildSlice, dest, first, 0u32);
        Ok(dest)
    }
}

/// A compiled subscript.
#[derive(Clone, Copy)]
pub(crate) enum Index {
    /// A small constant int.
    Small(i32),
    /// A value.
    Reg(Reg),
    /// Start and stop in two registers.
    Range(Reg),
}

/// A frozenset constant of distinct values.
pub(crate) fn frozen_set(values: Vec<Const>) -> Const {
    let mut seen = std::collections::HashSet::new();
    let distinct = values.into_iter().filter(|v| {
        let mut key = Vec::new();
        fold::write_key(v, &mut key);
        seen.insert(key)
    });
    Const::FrozenSet(distinct.collect())
}

//! `match`.
//!
//! Names that a pattern binds are kept in temporaries and stored only when the whole pattern has matched,
//! before the guard runs. A failing test jumps to the next case; nothing needs to be undone.

use super::Compiler;
use crate::error::{Res, fail};
use crate::flow::{Label, Reg};
use ruff_python_ast::{self as ast, Expr, Pattern, Singleton};
use ruff_text_size::{Ranged, TextRange};
use std::collections::HashSet;
use taipan_bytecode::{Const, Op, Text};

/// Names bound so far: name, register, place.
type Captures<'a> = Vec<(&'a str, Reg, TextRange)>;

impl<'a> Compiler<'a> {
    pub(crate) fn match_stmt(&mut self, s: &'a ast::StmtMatch) -> Res {
        let subject = self.push(&s.subject)?;
        let end = self.label();
        self.u.conditional += 1;
        for (i, case) in s.cases.iter().enumerate() {
            let mark = self.mark();
            let next = self.label();
            if case.guard.is_none() && i + 1 < s.cases.len() {
                check_irrefutable(&case.pattern)?;
            }
            if is_wildcard(&case.pattern) {
                // Nothing is tested; the line is there for debuggers.
                self.at(case.pattern.range());
                self.emit(Op::Nop, 0u32, 0u32, 0u32);
            }
            let mut captures = Captures::new();
            self.pattern(&case.pattern, subject, next, &mut captures)?;
            self.at(case.pattern.range());
            for (name, reg, _) in captures {
                self.store_name(name, reg);
            }
            self.release(mark);
            if let Some(guard) = &case.guard {
                self.jump_if(guard, next, false)?;
            }
            self.at(case.pattern.range());
            self.body(&case.body)?;
            self.goto(end);
            self.bind(next);
            self.release(mark);
        }
        self.u.conditional -= 1;
        self.bind(end);
        Ok(())
    }

    fn capture(&mut self, name: &'a ast::Identifier, reg: Reg, range: TextRange, captures: &mut Captures<'a>) -> Res {
        if captures.iter().any(|(n, ..)| *n == name.as_str()) {
            return fail(format!("multiple assignments to name '{name}' in pattern"), range);
        }
        captures.push((name.as_str(), reg, range));
        Ok(())
    }

    /// Tests `subject` against `p`; jumps to `next` if it does not match. Temporaries with captured values
    /// stay taken.
    fn pattern(&mut self, p: &'a Pattern, subject: Reg, next: Label, captures: &mut Captures<'a>) -> Res {
        self.nest(p.range())?;
        self.at(p.range());
        match p {
            Pattern::MatchValue(v) => {
                check_number(&v.value)?;
                let mark = self.mark();
                if let Some(n) = self.folded(&v.value).as_ref().and_then(super::expr::small) {
                    self.jump(Op::JumpNotEqI, subject, n, next);
                } else {
                    let value = self.expr(&v.value, None)?;
                    self.at(p.range());
                    self.jump(Op::JumpNotEq, subject, value, next);
                }
                self.release(mark);
            }
            Pattern::MatchSingleton(s) => {
                let mark = self.mark();
                match s.value {
                    Singleton::None => self.jump(Op::JumpIfNotNone, subject, 0u32, next),
                    Singleton::True | Singleton::False => {
                        let value = self.load_const(Const::Bool(s.value == Singleton::True), None);
                        self.jump(Op::JumpIsNot, subject, value, next);
                    }
                }
                self.release(mark);
            }
            Pattern::MatchSequence(s) => self.sequence(s, subject, next, captures)?,
            Pattern::MatchMapping(m) => self.mapping(m, subject, next, captures)?,
            Pattern::MatchClass(c) => self.class_pattern(c, subject, next, captures)?,
            Pattern::MatchStar(s) => {
                if let Some(name) = &s.name {
                    self.capture(name, subject, s.range, captures)?;
                }
            }
            Pattern::MatchAs(a) => {
                if let Some(inner) = &a.pattern {
                    self.pattern(inner, subject, next, captures)?;
                }
                if let Some(name) = &a.name {
                    self.capture(name, subject, a.range, captures)?;
                }
            }
            Pattern::MatchOr(o) => self.alternatives(o, subject, next, captures)?,
        }
        self.depth -= 1;
        Ok(())
    }

    fn sequence(
        &mut self,
        s: &'a ast::PatternMatchSequence,
        subject: Reg,
        next: Label,
        captures: &mut Captures<'a>,
    ) -> Res {
        let stars: Vec<usize> = (0..s.patterns.len()).filter(|&i| s.patterns[i].is_match_star()).collect();
        if stars.len() > 1 {
            return fail("multiple starred names in sequence pattern", s.range);
        }
        let mark = self.mark();
        let test = self.alloc();
        self.emit(Op::MatchSequence, test, subject, 0u32);
        self.jump(Op::JumpIfNot, test, 0u32, next);
        let count = s.patterns.len();
        let fixed = count - stars.len();
        if stars.is_empty() || fixed > 0 {
            self.emit(Op::GetLen, test, subject, 0u32);
            let op = if stars.is_empty() { Op::JumpNotEqI } else { Op::JumpNotGeI };
            if fixed > i16::MAX as usize {
                return fail("too many sub-patterns in sequence pattern", s.range);
            }
            self.jump(op, test, fixed, next);
        }
        self.release(mark);
        let Some(&star) = stars.first() else {
            if s.patterns.iter().all(is_wildcard) {
                return Ok(());
            }
            let first = self.alloc_run(count as u32);
            self.emit(Op::UnpackSequence, first, subject, count);
            for (i, p) in s.patterns.iter().enumerate() {
                self.pattern(p, first.plus(i as u32), next, captures)?;
            }
            return Ok(());
        };
        let star_name = matches!(&s.patterns[star], Pattern::MatchStar(p) if p.name.is_some());
        if star_name {
            let after = count - star - 1;
            if star > 0xff || after > 0xff {
                return fail("too many expressions in star-unpacking sequence pattern", s.range);
            }
            let first = self.alloc_run(count as u32);
            self.emit(Op::UnpackEx, first, subject, star | after << 8);
            for (i, p) in s.patterns.iter().enumerate() {
                self.pattern(p, first.plus(i as u32), next, captures)?;
            }
            return Ok(());
        }
        self.indexed(s, star, subject, next, captures)
    }

    /// With `*_` only the other items are fetched, from the front or from the back.
    fn indexed(
        &mut self,
        s: &'a ast::PatternMatchSequence,
        star: usize,
        subject: Reg,
        next: Label,
        captures: &mut Captures<'a>,
    ) -> Res {
        for (i, p) in s.patterns.iter().enumerate() {
            if i == star || is_wildcard(p) {
                continue;
            }
            let item = self.alloc();
            self.at(s.range);
            if i < star {
                self.emit(Op::LoadItemI, item, subject, i as i32);
            } else {
                let index = self.alloc();
                self.emit(Op::GetLen, index, subject, 0u32);
                self.emit(Op::SubI, index, index, (s.patterns.len() - i) as i32);
                self.emit(Op::LoadItem, item, subject, index);
            }
            self.pattern(p, item, next, captures)?;
        }
        Ok(())
    }

    fn mapping(
        &mut self,
        m: &'a ast::PatternMatchMapping,
        subject: Reg,
        next: Label,
        captures: &mut Captures<'a>,
    ) -> Res {
        self.check_keys(m)?;
        let mark = self.mark();
        let test = self.alloc();
        self.emit(Op::MatchMapping, test, subject, 0u32);
        self.jump(Op::JumpIfNot, test, 0u32, next);
        self.release(mark);
        let count = m.keys.len();
        if count == 0 && m.rest.is_none() {
            return Ok(());
        }
        if count > 0 {
            let length = self.alloc();
            self.emit(Op::GetLen, length, subject, 0u32);
            self.jump(Op::JumpNotGeI, length, count, next);
            self.release(mark);
        }
        let keys = self.alloc();
        let values = self.alloc_run(count.max(1) as u32);
        self.tuple(&m.keys, m.range, Some(keys))?;
        self.at(m.range);
        let tuple = self.alloc();
        self.emit(Op::MatchKeys, tuple, subject, keys);
        self.jump(Op::JumpIfNone, tuple, 0u32, next);
        self.emit(Op::UnpackSequence, values, tuple, count);
        self.release(values.index() + count.max(1) as u32);
        for (i, p) in m.patterns.iter().enumerate() {
            self.pattern(p, values.plus(i as u32), next, captures)?;
        }
        let Some(name) = &m.rest else { return Ok(()) };
        // A copy of the subject without the matched keys.
        let rest = self.alloc();
        let mark = self.mark();
        self.at(m.range);
        self.emit(Op::BuildMap, rest, rest, 0u32);
        self.emit(Op::DictUpdate, rest, subject, 0u32);
        let key = self.alloc_run(count as u32);
        if count > 0 {
            self.emit(Op::UnpackSequence, key, keys, count);
        }
        for i in 0..count {
            self.emit(Op::DeleteItem, rest, key.plus(i as u32), 0u32);
        }
        self.release(mark);
        self.capture(name, rest, m.range, captures)
    }

    fn check_keys(&self, m: &ast::PatternMatchMapping) -> Res {
        let mut seen = HashSet::new();
        for key in &m.keys {
            if let Some(c) = self.folded(key) {
                let mut bytes = Vec::new();
                crate::fold::write_key(&normal(c), &mut bytes);
                if !seen.insert(bytes) {
                    let shown = shown(self, key);
                    return fail(format!("mapping pattern checks duplicate key ({shown})"), m.range);
                }
            } else if !matches!(key, Expr::Attribute(_)) && !is_constant_like(key) {
                return fail("mapping pattern keys may only match literals and attribute lookups", key.range());
            }
        }
        Ok(())
    }

    fn class_pattern(
        &mut self,
        c: &'a ast::PatternMatchClass,
        subject: Reg,
        next: Label,
        captures: &mut Captures<'a>,
    ) -> Res {
        let mut seen = HashSet::new();
        for keyword in &c.arguments.keywords {
            if !seen.insert(keyword.attr.as_str()) {
                let text = format!("attribute name repeated in class pattern: {}", keyword.attr);
                return fail(text, keyword.pattern.range());
            }
        }
        let (positional, keywords) = (&c.arguments.patterns, &c.arguments.keywords);
        let count = positional.len() + keywords.len();
        let values = self.alloc_run(count.max(1) as u32);
        let mark = self.mark();
        let run = self.alloc_run(2);
        self.expr(&c.cls, Some(run))?;
        self.at(c.range);
        let names = keywords.iter().map(|k| Const::Str(Text::new(&k.attr))).collect();
        self.load_const(Const::Tuple(names), Some(run.plus(1)));
        self.emit_aux(Op::MatchClass, run, subject, run, positional.len() as u32);
        self.jump(Op::JumpIfNone, run, 0u32, next);
        if count > 0 {
            self.emit(Op::UnpackSequence, values, run, count);
        }
        self.release(mark);
        let patterns = positional.iter().chain(keywords.iter().map(|k| &k.pattern));
        for (i, p) in patterns.enumerate() {
            self.pattern(p, values.plus(i as u32), next, captures)?;
        }
        Ok(())
    }

    fn alternatives(
        &mut self,
        o: &'a ast::PatternMatchOr,
        subject: Reg,
        next: Label,
        captures: &mut Captures<'a>,
    ) -> Res {
        let matched = self.label();
        let mut names: Vec<(&'a str, Reg, TextRange)> = Vec::new();
        let mut reserved = None;
        for (i, p) in o.patterns.iter().enumerate() {
            let last = i + 1 == o.patterns.len();
            if !last {
                check_irrefutable(p)?;
            }
            let failed = if last { next } else { self.label() };
            // Captures of all alternatives end up in the registers of the first one.
            if reserved.is_none() {
                reserved = Some(self.alloc_run(count_names(p)));
            }
            let mark = self.mark();
            let mut own = Captures::new();
            self.pattern(p, subject, failed, &mut own)?;
            self.at(o.range);
            if i == 0 {
                for (n, (name, _, range)) in own.iter().enumerate() {
                    let reg = reserved.map_or(Reg::temp(mark), |r: Reg| r.plus(n as u32));
                    names.push((name, reg, *range));
                }
            }
            let same: HashSet<&str> = own.iter().map(|(n, ..)| *n).collect();
            if same.len() != names.len() || names.iter().any(|(n, ..)| !same.contains(n)) {
                return fail("alternative patterns bind different names", o.range);
            }
            for (name, reg, _) in &names {
                if let Some((_, from, _)) = own.iter().find(|(n, ..)| n == name) {
                    self.mov(*reg, *from);
                }
            }
            self.release(mark);
            if !last {
                self.goto(matched);
                self.bind(failed);
            }
        }
        self.bind(matched);
        for (name, reg, range) in names {
            if captures.iter().any(|(n, ..)| *n == name) {
                return fail(format!("multiple assignments to name '{name}' in pattern"), range);
            }
            captures.push((name, reg, range));
        }
        Ok(())
    }
}

fn is_wildcard(p: &Pattern) -> bool {
    matches!(p, Pattern::MatchAs(a) if a.pattern.is_none() && a.name.is_none())
}

/// Of operations on numbers only `-1` and `1 + 1j` are patterns.
fn check_number(e: &Expr) -> Res {
    let is_number = |e: &Expr| match e {
        Expr::UnaryOp(u) => u.operand.is_number_literal_expr(),
        e => e.is_number_literal_expr(),
    };
    match e {
        Expr::UnaryOp(_) if !is_number(e) => fail("invalid syntax", e.range()),
        Expr::BinOp(b) if !matches!(b.op, ast::Operator::Add | ast::Operator::Sub) || !is_number(&b.left) => {
            fail("invalid syntax", e.range())
        }
        _ => Ok(()),
    }
}

fn is_constant_like(e: &Expr) -> bool {
    matches!(e, Expr::BinOp(_) | Expr::UnaryOp(_)) || e.is_literal_expr()
}

/// Numbers that are equal are the same key.
fn normal(c: Const) -> Const {
    match c {
        Const::Bool(b) => Const::Int(b as i64),
        Const::Complex(real, 0.0) => normal(Const::Float(real)),
        Const::Float(f) if f.fract() == 0.0 && f.abs() < 1e15 => Const::Int(f as i64),
        c => c,
    }
}

fn shown(c: &Compiler<'_>, e: &Expr) -> String {
    match c.folded(e) {
        Some(Const::Str(s)) => format!("'{}'", s.lossy()),
        _ => c.text(e.range()).to_string(),
    }
}

fn count_names(p: &Pattern) -> u32 {
    let all = |ps: &[Pattern]| ps.iter().map(count_names).sum::<u32>();
    match p {
        Pattern::MatchValue(_) | Pattern::MatchSingleton(_) => 0,
        Pattern::MatchSequence(s) => all(&s.patterns),
        Pattern::MatchMapping(m) => all(&m.patterns) + m.rest.is_some() as u32,
        Pattern::MatchClass(c) => {
            all(&c.arguments.patterns) + c.arguments.keywords.iter().map(|k| count_names(&k.pattern)).sum::<u32>()
        }
        Pattern::MatchStar(s) => s.name.is_some() as u32,
        Pattern::MatchAs(a) => a.name.is_some() as u32 + a.pattern.as_ref().map_or(0, |p| count_names(p)),
        Pattern::MatchOr(o) => o.patterns.first().map_or(0, count_names),
    }
}

/// Fails if `p` matches everything, so that what follows is unreachable.
fn check_irrefutable(p: &Pattern) -> Res {
    match p {
        Pattern::MatchAs(a) if a.pattern.is_none() => match &a.name {
            Some(name) => fail(format!("name capture '{name}' makes remaining patterns unreachable"), a.range),
            None => fail("wildcard makes remaining patterns unreachable", a.range),
        },
        Pattern::MatchAs(a) => a.pattern.as_ref().map_or(Ok(()), |p| check_irrefutable(p)),
        Pattern::MatchOr(o) => o.patterns.last().map_or(Ok(()), check_irrefutable),
        _ => Ok(()),
    }
}

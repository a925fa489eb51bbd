//! Code generation: the second pass over the tree.
//!
//! What it does: one [`Unit`] per code block collects instructions; every expression is compiled to a
//! register, to the one its user wants if there is one (destination-driven). It assumes resolved scopes and
//! a tree that has not moved since. Invariants:
//!
//! - Temporaries are a stack: an expression's result is the first temporary it was free to take.
//! - A local is read in place, unless a `:=` further right may rebind it (`operand`).
//! - A local that is a destination is written by the last instruction that may raise, never before.

mod call;
mod class;
mod comprehension;
mod control;
mod display;
mod expr;
mod fstring;
mod function;
mod names;
mod pattern;
mod percent;
mod stmt;
pub mod warn;

use crate::error::{ErrorKind, Res, Warning, raw};
use crate::flow::{Asm, Counts, Inst, Label, Lines, Operand, Reg};
use crate::fold::{Consts, Folder};
use crate::names::maybe_mangle;
use crate::scope::{Name, Scope, ScopeId, ScopeKind, Table};
use crate::{Input, Options, Output};
use control::Block;
use ruff_python_ast::{Expr, StmtAnnAssign};
use ruff_text_size::{Ranged, TextRange, TextSize};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use taipan_bytecode::code::flags;
use taipan_bytecode::ops::Kind;
use taipan_bytecode::{Code, Const, Op, Position, Text, positions};

/// One code block under construction.
#[derive(Default)]
pub(crate) struct Unit<'a> {
    pub(crate) scope: ScopeId,
    name: String,
    qualname: String,
    pub(crate) asm: Asm,
    consts: Consts,
    names: Vec<Name>,
    name_index: HashMap<Name, u32>,
    varnames: Vec<Name>,
    var_index: HashMap<Name, u32>,
    cells: Vec<Name>,
    frees: Vec<Name>,
    params: usize,
    arg_counts: [u32; 3],
    flags: u32,
    firstlineno: u32,
    temps: u32,
    max_temps: u32,
    pub(crate) blocks: Vec<Block<'a>>,
    /// Inlined comprehensions that surround the current place.
    inlined: Vec<ScopeId>,
    range: Option<TextRange>,
    /// Attributes of the first parameter that methods assign (class blocks).
    static_attributes: BTreeSet<Name>,
    /// Annotated names of a module or class, with their number if conditional.
    annotations: Vec<(&'a StmtAnnAssign, Option<u32>)>,
    /// Annotations counted so far for `__conditional_annotations__`.
    conditional_count: u32,
    /// Depth of if, for, while, try, with, match around the current statement.
    conditional: u32,
    /// Values of expression statements are printed.
    interactive: bool,
}

/// The pass.
pub(crate) struct Compiler<'a> {
    source: &'a str,
    lines: &'a Lines<'a>,
    options: &'a Options,
    /// Bits of the future features.
    futures: u32,
    /// Annotations stay strings.
    future: bool,
    table: Table,
    fold: Folder<'a>,
    pub(crate) u: Unit<'a>,
    outer: Vec<Unit<'a>>,
    warnings: Vec<Warning>,
    depth: u32,
}

/// Compiles the whole input.
pub(crate) fn compile<'a>(
    source: &'a str,
    lines: &'a Lines<'a>,
    input: Input<'a>,
    options: &'a Options,
    futures: u32,
    table: Table,
) -> Res<Output> {
    let fold = Folder { source, debug: options.optimize == 0 };
    let mut c = Compiler {
        source,
        lines,
        options,
        futures,
        future: futures & crate::FUTURE_ANNOTATIONS != 0,
        table,
        fold,
        u: Unit::default(),
        outer: Vec::new(),
        warnings: Vec::new(),
        depth: 0,
    };
    let code = c.module(input)?;
    Ok(Output { code, warnings: c.warnings })
}

impl<'a> Compiler<'a> {
    /// The scope of the current code block (not of an inlined comprehension).
    pub(crate) fn frame(&self) -> &Scope {
        &self.table.scopes[self.u.scope]
    }

    /// The innermost scope, that of an inlined comprehension if there is one.
    pub(crate) fn here(&self) -> ScopeId {
        self.u.inlined.last().copied().unwrap_or(self.u.scope)
    }

    pub(crate) fn mangle(&self, name: &str) -> Name {
        maybe_mangle(&self.table.scopes[self.here()], name)
    }

    /// The scope of a node.
    pub(crate) fn scope_of(&self, node: usize, role: u8) -> Option<ScopeId> {
        self.table.of_node.get(&(node, role)).copied()
    }

    /// The scope of a node that must have one.
    fn need_scope(&self, node: usize, role: u8, range: TextRange) -> Res<ScopeId> {
        self.scope_of(node, role).ok_or_else(|| raw("internal error: no scope for this node", range))
    }

    // ---- code blocks ------------------------------------------------------------------------

    /// Starts a code block for `scope`.
    pub(crate) fn enter(&mut self, scope: ScopeId, name: &str, range: TextRange) {
        let qualname = self.qualname(scope, name);
        let s = &self.table.scopes[scope];
        let mut unit = Unit {
            scope,
            name: name.to_string(),
            qualname,
            cells: s.cells(),
            frees: s.frees(),
            firstlineno: self.lines.line_col(range.start().to_u32()).0,
            range: Some(TextRange::empty(range.start())),
            ..Unit::default()
        };
        if s.kind.is_function() {
            unit.flags |= flags::OPTIMIZED | flags::NEWLOCALS;
            if s.nested {
                unit.flags |= flags::NESTED;
            }
        }
        if s.kind == ScopeKind::Class {
            let special = [
                ("__class__", s.needs_class),
                ("__classdict__", s.needs_classdict),
                ("__conditional_annotations__", s.conditional_annotations),
            ];
            let own = special.into_iter().filter(|(_, needed)| *needed).map(|(n, _)| Name::from(n));
            unit.cells.retain(|c| special.iter().all(|(n, _)| **c != **n));
            unit.cells = own.chain(unit.cells).collect();
        }
        unit.flags |= self.futures;
        let params = s.params.clone();
        self.outer.push(std::mem::replace(&mut self.u, unit));
        self.u.params = params.len();
        for param in params {
            self.local(&param);
        }
    }

    pub(crate) fn qualname(&self, scope: ScopeId, name: &str) -> String {
        // Type parameter scopes do not show in the names of what is inside them.
        let mut units = self.outer.iter().skip(1).chain([&self.u]).rev();
        let kind_of = |u: &Unit<'_>| self.table.scopes[u.scope].kind;
        let parent = units.find(|u| kind_of(u) != ScopeKind::TypeParams);
        let Some(parent) = parent.filter(|_| !self.outer.is_empty()) else { return name.to_string() };
        let kind = kind_of(parent);
        if kind == ScopeKind::Module {
            return name.to_string();
        }
        if matches!(self.table.scopes[scope].kind, ScopeKind::Function | ScopeKind::Class) {
            let mangled = maybe_mangle(&self.table.scopes[parent.scope], name);
            let resolved = self.table.scopes[parent.scope].resolve(&mangled);
            if resolved == Some(crate::scope::Resolved::GlobalExplicit) {
                return name.to_string();
            }
        }
        let locals = match kind {
            ScopeKind::Function | ScopeKind::Lambda => ".<locals>",
            _ => "",
        };
        format!("{}{locals}.{name}", parent.qualname)
    }

    /// Emits the start of a function-like block: cells of parameters, generator creation.
    pub(crate) fn prologue(&mut self) {
        self.u.range = self.u.range.map(|r| TextRange::empty(r.start()));
        for i in 0..self.u.cells.len() {
            let name = self.u.cells[i].clone();
            let scope = &self.table.scopes[self.u.scope];
            let own = scope.resolve(&name) == Some(crate::scope::Resolved::Cell);
            // A comprehension makes its own cell each time it runs.
            let inlined_only = !own && scope.extra_cells.contains(&name);
            match self.u.var_index.get(&name) {
                Some(&param) if own && (param as usize) < self.u.params => {
                    self.emit(Op::MakeCell, Reg::cell(i), Reg::local(param as usize), 0u32);
                }
                _ if inlined_only => {}
                _ => self.emit(Op::NewCell, Reg::cell(i), 0u32, 0u32),
            }
        }
    }

    /// Ends the code block and goes back to the one around.
    pub(crate) fn leave(&mut self) -> Res<Code> {
        let range = self.u.range.unwrap_or_default();
        let mut unit = std::mem::take(&mut self.u);
        self.u = self.outer.pop().unwrap_or_default();
        let counts = Counts {
            params: unit.params,
            locals: unit.varnames.len(),
            cells: unit.cells.len(),
            frees: unit.frees.len(),
            temps: unit.max_temps as usize,
        };
        unit.asm.optimize(counts);
        let consts = used_consts(&mut unit);
        let out = unit.asm.assemble(counts);
        if out.nregs > u16::MAX as u32 {
            let mut error = raw("too many local variables or temporaries in a code block", range);
            error.kind = ErrorKind::Limit;
            return Err(error);
        }
        let mut table: Vec<Position> =
            out.ranges.iter().map(|r| r.map_or_else(Position::default, |r| self.lines.position(r))).collect();
        // A frame that was never resumed stands at the whole function: a line without columns.
        let is_start = |word: &u64| *word as u16 == Op::ReturnGenerator as u16;
        if unit.flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) != 0
            && let Some(start) = out.words.iter().position(is_start)
        {
            (table[start].col, table[start].end_col) = (u32::MAX, u32::MAX);
        }
        let text = |names: &[Name]| names.iter().map(|n| Text::new(n)).collect();
        Ok(Code {
            name: Text::new(&unit.name),
            qualname: Text::new(&unit.qualname),
            filename: self.options.filename.clone(),
            argcount: unit.arg_counts[0],
            posonlyargcount: unit.arg_counts[1],
            kwonlyargcount: unit.arg_counts[2],
            flags: unit.flags,
            firstlineno: unit.firstlineno,
            nregs: out.nregs,
            // The parameter of annotation scopes has a name of its own, so that names in annotations never mean it.
            varnames: unit.varnames.iter().map(|n| Text::new(if &**n == ".format" { "format" } else { n })).collect(),
            cellvars: text(&unit.cells),
            freevars: text(&unit.frees),
            names: text(&unit.names),
            consts,
            words: out.words,
            handlers: out.handlers,
            positions: positions::encode(&table),
        })
    }

    fn module(&mut self, input: Input<'a>) -> Res<Code> {
        self.enter(0, "<module>", TextRange::empty(TextSize::new(0)));
        self.u.firstlineno = 1;
        if self.options.top_level_await && self.frame().is_coroutine {
            self.function_body(0, |c| c.module_code(input))?;
        } else {
            self.prologue();
            self.module_code(input)?;
        }
        self.leave()
    }

    fn module_code(&mut self, input: Input<'a>) -> Res {
        match input {
            Input::Module(m) if m.body.is_empty() => {
                // So that a debugger finds a line at which to stop.
                self.at(TextRange::empty(TextSize::new(0)));
                self.emit(Op::ReturnNone, 0u32, 0u32, 0u32);
                return Ok(());
            }
            Input::Module(m) => self.module_body(&m.body)?,
            Input::Interactive(m) => {
                self.u.interactive = true;
                self.module_body(&m.body)?;
            }
            Input::Expression(m) => {
                let value = self.expr(&m.body, None)?;
                self.at(m.body.range());
                self.emit(Op::Return, value, 0u32, 0u32);
                return Ok(());
            }
        }
        self.implicit_return();
        Ok(())
    }

    // ---- instructions -----------------------------------------------------------------------

    /// Sets the source range of the following instructions.
    pub(crate) fn at(&mut self, range: TextRange) {
        self.u.range = Some(range);
    }

    /// Emits an instruction.
    pub(crate) fn emit(&mut self, op: Op, a: impl Operand, b: impl Operand, c: impl Operand) {
        self.emit_aux(op, a, b, c, 0);
    }

    /// Emits an instruction with the static half of its first cache word.
    pub(crate) fn emit_aux(&mut self, op: Op, a: impl Operand, b: impl Operand, c: impl Operand, aux: u32) {
        let inst = Inst {
            op,
            operands: [a.raw(), b.raw(), c.raw()],
            aux,
            target: None,
            range: self.u.range,
            is_statement: false,
        };
        self.u.asm.insts.push(inst);
    }

    /// Emits a jump (or another instruction with a target).
    pub(crate) fn jump(&mut self, op: Op, a: impl Operand, b: impl Operand, target: Label) {
        let inst = Inst {
            op,
            operands: [a.raw(), b.raw(), 0],
            aux: 0,
            target: Some(target),
            range: self.u.range,
            is_statement: false,
        };
        self.u.asm.insts.push(inst);
    }

    /// Emits an unconditional jump.
    pub(crate) fn goto(&mut self, target: Label) {
        self.jump(Op::Jump, 0u32, 0u32, target);
    }

    /// `return None` at the end of a block of code. It belongs to no line: to debuggers it happens where they are.
    pub(crate) fn implicit_return(&mut self) {
        self.u.range = None;
        self.emit(Op::ReturnNone, 0u32, 0u32, 0u32);
    }

    pub(crate) fn label(&mut self) -> Label {
        self.u.asm.label()
    }

    pub(crate) fn bind(&mut self, label: Label) {
        self.u.asm.bind(label);
    }

    // ---- registers --------------------------------------------------------------------------

    /// Takes the next temporary.
    pub(crate) fn alloc(&mut self) -> Reg {
        self.alloc_run(1)
    }

    /// Takes `n` consecutive temporaries.
    pub(crate) fn alloc_run(&mut self, n: u32) -> Reg {
        let reg = Reg::temp(self.u.temps);
        self.u.temps += n;
        self.u.max_temps = self.u.max_temps.max(self.u.temps);
        reg
    }

    /// Number of temporaries in use.
    pub(crate) fn mark(&self) -> u32 {
        self.u.temps
    }

    /// Frees the temporaries taken since `mark`.
    pub(crate) fn release(&mut self, mark: u32) {
        self.u.temps = mark;
    }

    /// Frees the operands' temporaries and gives the register for the result.
    pub(crate) fn out(&mut self, mark: u32, dest: Option<Reg>) -> Reg {
        self.release(mark);
        dest.unwrap_or_else(|| self.alloc())
    }

    /// Register of the local `name`.
    pub(crate) fn local(&mut self, name: &Name) -> Reg {
        let next = self.u.varnames.len() as u32;
        let i = *self.u.var_index.entry(name.clone()).or_insert(next);
        if i == next {
            self.u.varnames.push(name.clone());
        }
        Reg::local(i as usize)
    }

    /// Index of `name` in the names.
    pub(crate) fn name(&mut self, name: &str) -> u32 {
        let next = self.u.names.len() as u32;
        let name = Name::from(name);
        let i = *self.u.name_index.entry(name.clone()).or_insert(next);
        if i == next {
            self.u.names.push(name);
        }
        i
    }

    /// Index of a constant.
    pub(crate) fn constant(&mut self, c: Const) -> u32 {
        self.u.consts.add(c)
    }

    /// Loads a constant into `dest` or a new temporary.
    pub(crate) fn load_const(&mut self, c: Const, dest: Option<Reg>) -> Reg {
        let dest = dest.unwrap_or_else(|| self.alloc());
        match c {
            Const::Int(i) if i32::try_from(i).is_ok() => self.emit(Op::LoadInt, dest, i as i32, 0u32),
            c => {
                let i = self.constant(c);
                self.emit(Op::LoadConst, dest, i, 0u32);
            }
        }
        dest
    }

    pub(crate) fn load_str(&mut self, s: &str, dest: Option<Reg>) -> Reg {
        self.load_const(Const::Str(Text::new(s)), dest)
    }

    pub(crate) fn load_none(&mut self, dest: Option<Reg>) -> Reg {
        self.load_const(Const::None, dest)
    }

    /// Moves `from` to `to` unless they are the same.
    pub(crate) fn mov(&mut self, to: Reg, from: Reg) {
        if to != from {
            self.emit(Op::Move, to, from, 0u32);
        }
    }

    /// Counts a level of nesting.
    pub(crate) fn nest(&mut self, range: TextRange) -> Res {
        self.depth += 1;
        if self.depth > crate::MAX_DEPTH { Err(crate::too_deep(range)) } else { Ok(()) }
    }

    /// The constant value of an expression.
    pub(crate) fn folded(&self, e: &Expr) -> Option<Const> {
        self.fold.fold(e)
    }

    /// The source text of a range.
    pub(crate) fn text(&self, range: TextRange) -> &'a str {
        self.source.get(range.start().to_usize()..range.end().to_usize()).unwrap_or("")
    }
}

/// The constants that the code uses, in the order in which it does; renumbers the instructions.
///
/// Ints that are part of instructions, and the None that is returned at the end, are listed as CPython lists them
/// (`co_consts`): small ints only if they come first.
fn used_consts(unit: &mut Unit<'_>) -> Vec<Const> {
    let items = std::mem::take(&mut unit.consts.items);
    let mut moved: Vec<Option<u32>> = vec![None; items.len()];
    let mut items: Vec<Option<Const>> = items.into_iter().map(Some).collect();
    let mut used = Vec::new();
    if unit.flags & flags::HAS_DOCSTRING != 0 {
        moved[0] = Some(0);
        used.extend(items[0].take());
    }
    let is_none = |c: &Const| matches!(c, Const::None);
    for inst in &mut unit.asm.insts {
        let slot = match inst.op {
            Op::LoadConst | Op::MakeFunction => &mut inst.operands[1],
            Op::CallKw | Op::CallMethodKw => &mut inst.aux,
            Op::ReturnNone => {
                if !used.iter().any(is_none) {
                    used.push(Const::None);
                }
                continue;
            }
            op => {
                let kinds = op.info().operands;
                if let Some(i) = kinds.iter().position(|k| matches!(k, Kind::I16 | Kind::I32)) {
                    note_int(&mut used, inst.operands[i] as i32);
                }
                continue;
            }
        };
        let old = *slot as usize;
        let listed = items[old].as_ref().filter(|c| is_none(c)).and_then(|_| used.iter().position(is_none));
        *slot = *moved[old].get_or_insert_with(|| match listed {
            Some(i) => i as u32,
            None => {
                used.extend(items[old].take());
                used.len() as u32 - 1
            }
        });
    }
    if used.is_empty() && unit.flags & flags::OPTIMIZED != 0 {
        used.push(Const::None);
    }
    used
}

/// Lists an int that an instruction contains.
fn note_int(used: &mut Vec<Const>, value: i32) {
    let value = i64::from(value);
    let is_listed = || used.iter().any(|c| matches!(c, Const::Int(i) if *i == value));
    if used.is_empty() || !(0..256).contains(&value) && !is_listed() {
        used.push(Const::Int(value));
    }
}

/// A nested code object as a constant.
pub(crate) fn code_const(code: Code) -> Const {
    Const::Code(Arc::new(code))
}

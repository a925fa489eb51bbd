//! Loops over generators that are made for them, `for x in gen(n)`: the generator's code is built in place, and the loop's body
//! where it yields. Nobody makes the generator: while it runs its frame is an inlined one, and while the body runs its registers
//! are values that only exits name (`Op::Suspended`), which make it of them.
//!
//! So the loops of the machine code are those of the generator, and the `for` loop is none. Of a generator with several `yield`s
//! the body is built for each.

use std::rc::Rc;

use taipan_bytecode::{Op as B, Word, effects};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::generator::{COROUTINE, GENERATOR, Generator};
use taipan_runtime::types::range::RangeIter;
use taipan_runtime::{Object, Value};

use super::cfg::{Cfg, CodeBlock, RegSet, op_at, word_at};
use super::consume::Place;
use super::ops::{At, Flow, Returns, Ways};
use super::{Builder, Built, Frame, OpenLoop, Pending, RowKind};
use crate::consume::Consumer;
use crate::exits::{MAX_DEPTH, Reason};
use crate::ir::{Op, SuspendedDesc, Type, Val};

/// Words of loops' bodies that are built more than once, for further `yield`s of a generator.
const MAX_REPEATED: usize = 120;

/// A loop over a generator that nobody made.
pub struct OverGenerator {
    /// The control flow of the code that the loop is part of.
    cfg: Rc<Cfg>,
    /// The block of its ForNext.
    header: usize,
    /// Context of the generator.
    pub context: usize,
    /// How often its body was built.
    built: usize,
    /// Ways out of the loop from its body: block, word index, state.
    outs: Vec<(usize, usize, Pending)>,
    /// Ways out of the frame.
    returns: Returns,
}

/// A generator that waits for the body of the loop over it.
pub struct Waiting {
    /// Its registers.
    pub frame: Frame,
    /// The block of its code in which it waits.
    here: usize,
}

/// The part of a code that is the body of a loop over a generator, while it is built for one `yield`.
pub struct LoopBody {
    header: usize,
    /// Ways to the generator.
    resumes: Vec<Pending>,
    outs: Vec<(usize, usize, Pending)>,
}

impl LoopBody {
    /// Notes a way that leads out of the body; else gives it back.
    pub fn leaves(&mut self, cfg: &Cfg, from: usize, to: usize, state: Pending) -> Option<Pending> {
        if to == self.header {
            self.resumes.push(state);
            return None;
        }
        let body = cfg.bodies[self.header].as_ref();
        if body.is_some_and(|body| body[to]) {
            return Some(state);
        }
        self.outs.push((from, cfg.blocks[to].start, state));
        None
    }
}

impl Builder<'_> {
    /// Builds the loop that begins in block `header`, if that is over a generator that need not be made.
    pub fn loop_over_generator(&mut self, cfg: &Rc<Cfg>, header: usize, ways: &mut Ways) -> Built<bool> {
        let block = &cfg.blocks[header];
        let code = self.context().code;
        let (pc, w) = (block.start, word_at(code, block.start));
        let op = op_at(code, pc).base();
        let loops = op == B::ForNext || op == B::Send && self.top().consumer.is_some();
        if !loops || block.irreducible || self.suspended.len() >= MAX_DEPTH {
            return Ok(false);
        }
        let generator = self.reg(w.a());
        if generator.is_none() || self.func[generator].op != Op::NewGenerator {
            return Ok(false);
        }
        let return_pc = pc + op.words();
        let path = self.context().path;
        let refused = self.sticky.no_inline.contains(&(path, return_pc as u32))
            || self.failed_at(code, return_pc as u32, Reason::Seen);
        let leaves = self.func.generator && !self.is_inlined() && yields(code, body_of(cfg, header));
        if refused || leaves || !self.is_for_loop_only(generator, pc, w.a()) {
            return Ok(false);
        }
        let Some(unmade) = self.unmade(generator) else { return Ok(false) };
        self.pc = pc;
        self.generator_runs(w.a());
        let over = OverGenerator { cfg: cfg.clone(), header, context: 0, built: 0, outs: vec![], returns: vec![] };
        self.over_generators.push(over);
        let last = (0..code.nregs()).rev().find(|r| self.context().live.is_live(pc, *r));
        let place = Place { return_pc, result: w.b(), base: last.map_or(0, |r| r + 1) };
        let ends = self.run_generator(unmade, Consumer::Loop, vec![], place)?;
        let over = self.over_generators.pop().expect("just pushed");
        for (mut end, v) in ends {
            end.state.frames.pop();
            if op == B::Send {
                end.state.frames.last_mut().expect("the loop's").regs[w.b()] = v;
            }
            self.edge(cfg, header, behind(op, pc, w), end, ways);
        }
        for (from, pc, state) in over.outs {
            self.edge(cfg, from, pc, state, ways);
        }
        ways.returns.extend(over.returns);
        Ok(true)
    }

    /// Whether nothing but register `r` of the running frame holds a generator in front of the loop at `pc`.
    fn is_for_loop_only(&self, generator: Val, pc: usize, r: usize) -> bool {
        let depth = self.state.frames.len() - 1;
        self.state.frames.iter().enumerate().all(|(d, frame)| {
            let context = &self.contexts[frame.context];
            let (pc, end) = match self.state.frames.get(d + 1) {
                None => (pc, frame.regs.len()),
                Some(above) => {
                    let callee = &self.contexts[above.context];
                    (callee.return_pc as usize, callee.base as usize)
                }
            };
            frame.regs.iter().enumerate().all(|(at, v)| {
                let live = at < end && context.live.is_live(pc, at);
                *v != generator || !live || d == depth && at == r
            })
        })
    }

    /// `yield` in a generator that a loop goes through: the loop's body, and then what follows.
    pub fn yield_to_loop(&mut self, at: At) -> Built<Flow> {
        let (pc, next) = (self.pc, self.pc + at.op.words());
        let over = self.over(self.top());
        let (cfg, header) = (self.over_generators[over].cfg.clone(), self.over_generators[over].header);
        if self.over_generators[over].built > 0 {
            self.repeated += body_of(&cfg, header).map(|b| b.end - b.start).sum::<usize>();
            if self.repeated > MAX_REPEATED {
                return self.refuse_consuming();
            }
        }
        self.over_generators[over].built += 1;
        let item = self.reg(at.w.a());
        let generator = self.suspended_at(next, Self::sent_to(at));
        let frame = self.state.frames.pop().expect("the generator's");
        let here = self.here.pop().expect("the generator's");
        let (code, head) = (self.context().code, cfg.blocks[header].start);
        let w = word_at(code, head);
        let base = self.contexts[frame.context].base as usize;
        self.top_mut().synced[base..].fill(Val::NONE);
        self.set_reg(w.a(), generator);
        self.set_reg(w.b(), item);
        let outer_loops = self.loops.len();
        let outer_here = *self.here.last().expect("the loop's");
        self.suspended.push(Waiting { frame: frame.clone(), here });
        let body = LoopBody { header, resumes: vec![], outs: vec![] };
        let mut ways = Ways::new(&cfg, Some(body));
        self.pc = head;
        let op = op_at(code, head).base();
        let first = if op == B::Send { head + op.words() } else { target(op, head, w) };
        let begin = self.pend();
        *self.here.last_mut().expect("the loop's") = header;
        self.edge(&cfg, header, first, begin, &mut ways);
        self.blocks(&cfg, &mut ways)?;
        self.loops.truncate(outer_loops);
        let LoopBody { resumes, outs, .. } = ways.body.expect("it was given");
        let over = &mut self.over_generators[over];
        over.outs.extend(outs);
        over.returns.extend(ways.returns);
        *self.here.last_mut().expect("the loop's") = outer_here;
        self.pc = pc;
        let resumed = !resumes.is_empty();
        if resumed {
            self.merge(resumes, head)?;
        }
        self.suspended.pop();
        if !resumed {
            self.here.push(here);
            return Ok(Flow::End);
        }
        self.generator_runs(w.a());
        let synced = vec![Val::NONE; frame.regs.len()];
        self.state.frames.push(Frame { synced, ..frame });
        self.here.push(here);
        self.nothing_sent(at);
        Ok(Flow::Next)
    }

    /// The loop that goes through the generator whose frame that is.
    fn over(&self, generator: &Frame) -> usize {
        let found = self.over_generators.iter().rposition(|o| o.context == generator.context);
        found.expect("a loop is over it")
    }

    /// `yield from` in a generator that is built in place, of an iterator of which all is known; others are made and resumed.
    pub fn delegate(&mut self, at: At) -> Built<Flow> {
        let it = self.reg(at.w.a());
        let known = self.class_of(it).is_some_and(|class| {
            let rows = RowKind::ALL.into_iter().map(|row| row.iterator());
            rows.chain([RangeIter::class()]).any(|c| std::ptr::eq(c, class))
        });
        if !known {
            return self.refuse_consuming();
        }
        let Flow::Branch { taken: item, not_taken: mut end } = self.for_next(at)? else { unreachable!("it branches") };
        self.block = end.block;
        let none = self.object(Value::none());
        end.state.frames.last_mut().expect("the running one").regs[at.w.b()] = none;
        Ok(Flow::Branch { taken: end, not_taken: item })
    }

    /// Whether what register `r` holds gives an iterator for `yield from` as it does for loops.
    pub fn delegates_plainly(&self, r: usize) -> bool {
        let class = self.class_of(self.reg(r));
        self.top().consumer.is_some() && class.is_some_and(|c| !std::ptr::eq(c, &COROUTINE))
    }

    /// The iterator of an instance whose class has a generator function for `__iter__`.
    pub fn iter_by_generator(&mut self, v: Val) -> Option<Val> {
        let class = match self.class_of(v) {
            Some(class) => class,
            None if self.func[v].ty != Type::Val || self.failed(Reason::Class) => return None,
            None => match self.receivers(v) {
                Some((set, _)) if set.len() == 1 => set[0].class,
                _ => self.peek(v)?.class(),
            },
        };
        if !class.is_heap_type() {
            return None;
        }
        self.cx.assign_version(class);
        let name = self.cx.names().__iter__;
        let f = self.cx.type_lookup(class, name).and_then(|f| f.exact::<Function>())?;
        let code = f.code.get();
        let makes = Generator::begins_plainly(code) && std::ptr::eq(Generator::class_for(code), &GENERATOR);
        if class.version() == 0 || !makes || self.arrange(f, 1, &[]).is_none() {
            return None;
        }
        self.watch_type(class);
        let v = self.guard_class(v, class);
        let callee = self.object(Value::of(f));
        self.call_generator_function(f, callee, &[v])
    }

    /// The generator that the loop holds in register `r` runs, so there is nothing to be seen there. That of a generator expression
    /// is a local.
    fn generator_runs(&mut self, r: usize) {
        let is_local = r < self.context().code.nlocals as usize;
        let v = if is_local { self.unbound() } else { Val::NONE };
        self.set_reg(r, v);
    }

    /// The running generator, suspended in front of `next`; what is sent to it then goes into register `sent`.
    fn suspended_at(&mut self, next: usize, sent: usize) -> Val {
        let (context, callee) = (self.context(), self.top().callee);
        let (code, function, live) = (context.code, context.function, context.live.clone());
        let callee = match callee {
            Val::NONE => self.object(Value::of(function.expect("a generator's frame has its function"))),
            callee => callee,
        };
        let mut args = vec![callee];
        let mut regs = vec![];
        for r in 0..code.nregs() {
            let v = self.reg(r);
            if !v.is_none() && r != sent && live.is_live(next, r) {
                args.push(self.boxed(v));
                regs.push(r as u16);
            }
        }
        self.func.suspended.push(SuspendedDesc { code: std::ptr::from_ref(code) as u64, pc: next as u32, regs });
        let number = self.func.suspended.len() as u64 - 1;
        let v = self.emit(Op::Suspended, Type::Val, &args, number);
        self.classed(v, &GENERATOR)
    }

    /// Registers of other frames that a loop of the running generator writes, if it yields to loops: those that the loops write.
    pub fn written_by_consumers(&self, cfg: &Cfg, body: &[bool]) -> Vec<(usize, RegSet)> {
        let mut written = vec![];
        let mut blocks: Vec<&CodeBlock> = chosen(cfg, body).collect();
        for (depth, frame) in self.state.frames.iter().enumerate().rev() {
            if frame.consumer != Some(Consumer::Loop) || !yields(self.contexts[frame.context].code, blocks.into_iter())
            {
                break;
            }
            let over = &self.over_generators[self.over(frame)];
            written.push((depth - 1, over.cfg.blocks[over.header].written.clone()));
            blocks = body_of(&over.cfg, over.header).collect();
        }
        written
    }

    /// Whether what is being built lies in a loop, even if in the body of another loop that the first one yields to.
    pub fn is_inside(&self, open: &OpenLoop) -> bool {
        if self.state.frames.get(open.depth).is_some_and(|f| f.context == open.context) {
            return open.body[self.here[open.depth]];
        }
        self.suspended.iter().any(|w| w.frame.context == open.context && open.body[w.here])
    }

    /// The frame and register that held a value in front of a loop.
    pub fn found_before(&self, open: &OpenLoop, v: Val) -> Option<(usize, usize)> {
        let waits = self.suspended.iter().any(|w| w.frame.context == open.context);
        let first = if waits { 0 } else { open.depth };
        let frames = open.before.frames.iter().enumerate().take(open.depth + 1).skip(first);
        frames.into_iter().find_map(|(d, frame)| Some((d, frame.regs.iter().position(|x| *x == v)?)))
    }
}

/// The chosen blocks.
fn chosen<'a>(cfg: &'a Cfg, which: &'a [bool]) -> impl Iterator<Item = &'a CodeBlock> {
    cfg.blocks.iter().zip(which).filter(|b| *b.1).map(|b| b.0)
}

/// The blocks of a loop.
fn body_of(cfg: &Cfg, header: usize) -> impl Iterator<Item = &CodeBlock> {
    chosen(cfg, cfg.bodies[header].as_deref().unwrap_or(&[]))
}

/// Whether one of some blocks of a code yields.
fn yields<'a>(code: &CodeObject, mut blocks: impl Iterator<Item = &'a CodeBlock>) -> bool {
    blocks.any(|b| {
        let mut pc = b.start;
        while pc < b.end {
            let op = op_at(code, pc);
            if matches!(op.base(), B::Yield | B::YieldDelegate | B::Send) {
                return true;
            }
            pc += op.words();
        }
        false
    })
}

/// Where the loop's instruction at `pc` jumps.
fn target(op: B, pc: usize, w: Word) -> usize {
    ((pc + op.words()) as i64 + effects::jump(op, w).unwrap_or(0) as i64) as usize
}

/// Where it goes on at the end of the items.
fn behind(op: B, pc: usize, w: Word) -> usize {
    if op == B::Send { target(op, pc, w) } else { pc + op.words() }
}

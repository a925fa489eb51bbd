//! `sys.monitoring`: which tools want which events, and their callbacks (PEP 669).
//!
//! The interpreter asks [`Monitoring::wants`] and calls [`fire`]; it does so only in threads whose `traced` flag is set.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use crate::cx::Cx;
use crate::frame::ENTERED;
use crate::types::code::CodeObject;
use crate::types::list::List;
use crate::value::Value;
use crate::{PyResult, raise, threads};

/// Tools there can be.
pub const TOOLS: usize = 6;

macro_rules! events {
    ($($(#[$meta:meta])* $name:ident $bit:literal;)*) => {
        $($(#[$meta])* pub const $name: u32 = 1 << $bit;)*
        /// The events by name.
        pub const EVENTS: &[(&str, u32)] = &[$((stringify!($name), $name)),*];
    };
}

events! {
    /// A function starts.
    PY_START 0;
    /// A generator goes on.
    PY_RESUME 1;
    /// A function returns.
    PY_RETURN 2;
    /// A generator yields.
    PY_YIELD 3;
    /// A call is about to happen.
    CALL 4;
    /// A line starts.
    LINE 5;
    /// An instruction is about to run.
    INSTRUCTION 6;
    /// An unconditional jump.
    JUMP 7;
    /// A conditional branch goes left.
    BRANCH_LEFT 8;
    /// A conditional branch goes right.
    BRANCH_RIGHT 9;
    /// An artificial StopIteration.
    STOP_ITERATION 10;
    /// An exception is raised.
    RAISE 11;
    /// An exception is handled.
    EXCEPTION_HANDLED 12;
    /// An exception leaves a function.
    PY_UNWIND 13;
    /// `throw()` goes on in a generator.
    PY_THROW 14;
    /// An exception is raised again.
    RERAISE 15;
    /// A native call returned.
    C_RETURN 16;
    /// A native call raised.
    C_RAISE 17;
    /// A conditional branch.
    BRANCH 18;
}

/// Events that belong to a place in the code and can be disabled there.
pub const LOCAL: u32 = (1 << 11) - 1 | BRANCH;

/// What `sys.monitoring` knows.
#[derive(Default)]
pub struct Monitoring {
    /// Events of each tool everywhere.
    global: [Cell<u32>; TOOLS],
    /// Events of each tool in one code object.
    local: RefCell<HashMap<*const CodeObject, [u32; TOOLS]>>,
    /// The union of all.
    all: Cell<u32>,
    /// (code, word, tool, event) that answered DISABLE.
    disabled: RefCell<HashSet<(*const CodeObject, usize, usize, u32)>>,
    /// Rooted: names of the tools, their callbacks by event, DISABLE, MISSING, and code objects with local events.
    objects: Cell<Option<&'static List>>,
}

/// Callbacks of one tool.
const PER_TOOL: usize = 32;
const NAMES: usize = 0;
const CALLBACKS: usize = NAMES + TOOLS;
const DISABLE: usize = CALLBACKS + TOOLS * PER_TOOL;
const MISSING: usize = DISABLE + 1;
const COUNT: usize = MISSING + 1;

impl Monitoring {
    /// True if any tool wants `event` in `code`.
    #[inline]
    pub fn wants(&self, event: u32, code: &CodeObject) -> bool {
        self.all.get() & event != 0 && (0..TOOLS).any(|tool| self.events_in(tool, code) & event != 0)
    }

    /// True if any tool wants anything.
    pub fn is_active(&self) -> bool {
        self.all.get() != 0
    }

    fn events_in(&self, tool: usize, code: &CodeObject) -> u32 {
        let local = self.local.borrow();
        self.global[tool].get() | local.get(&(code as *const CodeObject)).map_or(0, |sets| sets[tool])
    }

    /// The events of a tool.
    pub fn global(&self, tool: usize) -> u32 {
        self.global[tool].get()
    }

    /// The events of a tool in one code object.
    pub fn local(&self, tool: usize, code: &CodeObject) -> u32 {
        self.local.borrow().get(&(code as *const CodeObject)).map_or(0, |sets| sets[tool])
    }

    /// Lets all places that were disabled report again.
    pub fn restart(&self) {
        self.disabled.borrow_mut().clear();
    }

    /// Exchanges all that it knows with `other`.
    pub(crate) fn exchange(&self, other: &Monitoring) {
        for (own, its) in self.global.iter().zip(&other.global) {
            own.swap(its);
        }
        self.local.swap(&other.local);
        self.all.swap(&other.all);
        self.disabled.swap(&other.disabled);
        self.objects.swap(&other.objects);
    }

    fn sum_up(&self) {
        let global = self.global.iter().map(Cell::get);
        let local = self.local.borrow();
        self.all.set(global.chain(local.values().flatten().copied()).fold(0, |sum, set| sum | set));
    }
}

/// The objects of [`Monitoring`], made when first asked for. May collect.
fn objects(cx: &mut Cx) -> &'static List {
    if let Some(list) = cx.rt().monitoring.objects.get() {
        return list;
    }
    let items = [Value::none(); COUNT];
    let list = List::from_slice(cx, &items);
    cx.add_root(Value::of(list));
    for i in [DISABLE, MISSING] {
        let object = crate::types::object::instantiate(cx, &crate::types::object::OBJECT);
        list.set(cx, i, object);
    }
    cx.rt().monitoring.objects.set(Some(list));
    list
}

/// `sys.monitoring.DISABLE`.
pub fn disable(cx: &mut Cx) -> Value {
    objects(cx).get(DISABLE).unwrap_or(Value::none())
}

/// `sys.monitoring.MISSING`.
pub fn missing(cx: &mut Cx) -> Value {
    objects(cx).get(MISSING).unwrap_or(Value::none())
}

/// The name of a tool; None if it is not in use.
pub fn tool_name(cx: &mut Cx, tool: usize) -> Option<Value> {
    objects(cx).get(NAMES + tool).filter(|n| !n.is_none())
}

/// Sets the name of a tool.
pub fn set_tool_name(cx: &mut Cx, tool: usize, name: Value) {
    objects(cx).set(cx, NAMES + tool, name);
}

/// Replaces the callback of an event (a bit number); gives the old one.
pub fn set_callback(cx: &mut Cx, tool: usize, bit: usize, callback: Value) -> Value {
    let (list, at) = (objects(cx), CALLBACKS + tool * PER_TOOL + bit);
    let old = list.get(at).unwrap_or(Value::none());
    list.set(cx, at, callback);
    old
}

/// Sets the events of a tool everywhere.
pub fn set_global(cx: &mut Cx, tool: usize, events: u32) {
    cx.rt().monitoring.global[tool].set(events);
    changed(cx);
}

/// Sets the events of a tool in one code object.
pub fn set_local(cx: &mut Cx, tool: usize, code: &'static CodeObject, events: u32) {
    objects(cx).push(cx, Value::of(code));
    cx.rt().monitoring.local.borrow_mut().entry(code).or_default()[tool] = events;
    changed(cx);
}

/// Forgets everything that a tool registered.
pub fn clear(cx: &mut Cx, tool: usize) {
    let list = objects(cx);
    for bit in 0..PER_TOOL {
        list.set(cx, CALLBACKS + tool * PER_TOOL + bit, Value::none());
    }
    let state = &cx.rt().monitoring;
    state.global[tool].set(0);
    state.local.borrow_mut().values_mut().for_each(|sets| sets[tool] = 0);
    state.disabled.borrow_mut().retain(|row| row.2 != tool);
    changed(cx);
}

fn changed(cx: &mut Cx) {
    cx.rt().monitoring.sum_up();
    for other in threads::contexts() {
        // SAFETY: THREAD-2.
        let other = unsafe { &mut **other };
        if std::ptr::eq(other.interpreter, cx.interpreter) {
            other.start_tracing();
        }
    }
}

/// Calls the callbacks of the tools that want `event` at a place, with the code object and `args`. May collect.
pub fn fire(cx: &mut Cx, event: u32, code: &'static CodeObject, index: usize, args: &[Value]) -> PyResult<()> {
    // The ends of native calls are wanted by those who want the calls.
    let asked = if event & (C_RETURN | C_RAISE) != 0 { CALL } else { event };
    for tool in 0..TOOLS {
        let state = &cx.rt().monitoring;
        if state.events_in(tool, code) & asked == 0 {
            continue;
        }
        let place = (code as *const CodeObject, index, tool, event);
        if state.disabled.borrow().contains(&place) {
            continue;
        }
        let bit = event.trailing_zeros() as usize;
        let callback = objects(cx).get(CALLBACKS + tool * PER_TOOL + bit).filter(|c| !c.is_none());
        let Some(callback) = callback else { continue };
        let mut values = [Value::none(); 4];
        values[0] = Value::of(code);
        values[1..=args.len()].copy_from_slice(args);
        cx.tracing += 1;
        cx.update_traced();
        let answer = cx.call(callback, &values[..=args.len()]);
        cx.tracing -= 1;
        cx.update_traced();
        if answer? == disable(cx) {
            if event & LOCAL == 0 {
                set_callback(cx, tool, bit, Value::none());
                let name = EVENTS.iter().find(|row| row.1 == event).map_or("", |row| row.0);
                return raise!(cx, ValueError, "Cannot disable {name} events. Callback removed.");
            }
            cx.rt().monitoring.disabled.borrow_mut().insert(place);
        }
    }
    Ok(())
}

impl Cx {
    /// Decides whether this thread's interpreter looks for events.
    pub fn update_traced(&mut self) {
        let wanted = self.trace.is_some() || self.profile.is_some() || self.rt().monitoring.is_active();
        self.traced = wanted && self.tracing == 0;
        if !wanted {
            self.native_calls.clear();
            self.last_traced = None;
        }
    }

    /// As [`Cx::update_traced`], after something that wants events was added: frames that run already are not entered
    /// any more.
    pub fn start_tracing(&mut self) {
        self.update_traced();
        (self.rt().hooks.get().tracing_began)(self);
        let mut frame = self.frame;
        // SAFETY: FRAME-1.
        while let Some(f) = unsafe { frame.as_mut() } {
            if f.traced_line == 0 {
                f.traced_line = ENTERED;
            }
            frame = f.prev;
        }
    }
}

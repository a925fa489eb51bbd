//! `_lsprof`: the profiler behind `cProfile`, over `sys.monitoring`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Instant;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, number, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::structseq;
use taipan_runtime::{Args, Cx, PyResult, Value, object};

taipan_runtime::structseq! {
    /// `_lsprof.profiler_entry`.
    pub ENTRY "_lsprof.profiler_entry" "" {
        code "code object or built-in function name", callcount "how many times this was called",
        reccallcount "how many times called recursively", totaltime "total time in this entry",
        inlinetime "inline time in this entry (not in subcalls)", calls "details of the calls",
    }
}

taipan_runtime::structseq! {
    /// `_lsprof.profiler_subentry`.
    pub SUBENTRY "_lsprof.profiler_subentry" "" {
        code "called code object or built-in function name", callcount "how many times this is called",
        reccallcount "how many times this is called recursively",
        totaltime "total time spent in this call",
        inlinetime "inline time (not in further subcalls)",
    }
}

/// Calls of a function, from anywhere or from one caller.
#[derive(Default, Clone)]
struct Calls {
    count: i64,
    recursive: i64,
    /// Activations that are running.
    level: i64,
    total: i64,
    inline: i64,
}

/// A function.
struct Entry {
    /// The code object, or a native function's description.
    shown: Value,
    calls: Calls,
    /// Those of the functions it calls, by their number.
    callees: HashMap<usize, Calls>,
}

/// A running call.
struct Running {
    entry: usize,
    began: i64,
    /// Time spent in calls that it made.
    inner: i64,
}

#[derive(Default)]
struct Data {
    entries: Vec<Entry>,
    numbers: HashMap<usize, usize>,
    running: Vec<Running>,
}

impl Data {
    /// Ends the innermost call.
    fn leave_last(&mut self, now: i64, subcalls: bool) {
        let Some(ended) = self.running.pop() else { return };
        let total = now - ended.began;
        let inline = total - ended.inner;
        let add = |calls: &mut Calls| {
            calls.level -= 1;
            if calls.level == 0 {
                calls.total += total;
            } else {
                calls.recursive += 1;
            }
            calls.inline += inline;
            calls.count += 1;
        };
        add(&mut self.entries[ended.entry].calls);
        if let Some(caller) = self.running.last_mut() {
            caller.inner += total;
            let caller = caller.entry;
            if subcalls && let Some(calls) = self.entries[caller].callees.get_mut(&ended.entry) {
                add(calls);
            }
        }
    }
}

/// A profiler.
#[repr(C)]
pub struct Profiler {
    header: Header,
    data: RefCell<Data>,
    timer: Cell<Option<Value>>,
    unit: Cell<f64>,
    start: Cell<Instant>,
    enabled: Cell<bool>,
    subcalls: Cell<bool>,
    builtins: Cell<bool>,
}
object!(Profiler, PROFILER);

static PROFILER: Type = Type::new(&PROFILER_SPEC);
static PROFILER_SPEC: TypeSpec = TypeSpec {
    name: "_lsprof.Profiler",
    basicsize: std::mem::size_of::<Profiler>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_profiler),
    drop: Some(drop_profiler),
    slots: Slots {
        new: Some(|cx, class, _| {
            let profiler = Profiler {
                header: Header::fresh(class),
                data: RefCell::default(),
                timer: Cell::new(None),
                unit: Cell::new(1e-9),
                start: Cell::new(Instant::now()),
                enabled: Cell::new(false),
                subcalls: Cell::new(true),
                builtins: Cell::new(true),
            };
            Ok(Value::of(cx.alloc_of(class, profiler)))
        }),
        init: Some(init),
        ..Slots::NONE
    },
    methods: &[Profiler::METHODS],
    doc: "Build a profiler object using the specified timer function.\n\nThe default timer is a fast built-in one based on real time.\nFor custom timer functions returning integers, 'timeunit' can\nbe a float specifying a scale (that is, how long each integer unit\nis, in seconds).",
    signature: "(timer=None, timeunit=0.0, subcalls=True, builtins=True)",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_profiler(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for profilers only; nobody borrows the data across a collection.
    let this = unsafe { &*object.cast::<Profiler>() };
    if let Some(timer) = this.timer.get() {
        marker.mark_value(timer.bits());
    }
    // SAFETY: as above.
    for entry in unsafe { &(*this.data.as_ptr()).entries } {
        marker.mark_value(entry.shown.bits());
    }
}

unsafe fn drop_profiler(object: *mut Header) {
    // SAFETY: a dead profiler.
    unsafe { drop((*object.cast::<Profiler>()).data.take()) };
}

static PARAMS: ParamSpec = ParamSpec {
    name: "Profiler",
    names: &["timer", "timeunit", "subcalls", "builtins"],
    positional_only: 0,
    positional: 4,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None; 4];
    bind(cx, &PARAMS, args, &mut bound)?;
    // SAFETY: the slot of profilers.
    let this: &'static Profiler = unsafe { v.cast() };
    this.timer.set(bound[0].filter(|t| !t.is_none()));
    cx.barrier(this);
    let unit = bound[1].map_or(Ok(0.0), |u| number::to_f64(cx, u))?;
    this.unit.set(if unit > 0.0 || this.timer.get().is_some() { unit } else { 1e-9 });
    this.subcalls.set(bound[2].map_or(Ok(true), |v| protocol::truth(cx, v))?);
    this.builtins.set(bound[3].map_or(Ok(true), |v| protocol::truth(cx, v))?);
    Ok(())
}

const TOOL: i64 = 2;
/// Events and the methods that are called for them.
const EVENTS: [(&str, &str); 9] = [
    ("PY_START", "_pystart_callback"),
    ("PY_RESUME", "_pystart_callback"),
    ("PY_THROW", "_pythrow_callback"),
    ("PY_RETURN", "_pyreturn_callback"),
    ("PY_YIELD", "_pyreturn_callback"),
    ("PY_UNWIND", "_pyreturn_callback"),
    ("CALL", "_ccall_callback"),
    ("C_RETURN", "_creturn_callback"),
    ("C_RAISE", "_creturn_callback"),
];

fn monitoring(cx: &mut Cx, name: &str, args: &[Value]) -> PyResult<Value> {
    let sys = taipan_runtime::protocol::import::import_module(cx, "sys")?;
    let namespace = attr::get_text(cx, sys, "monitoring")?;
    cx.call_method_text(namespace, name, args)
}

impl Profiler {
    /// The time; errors of the timer are reported, not raised.
    fn now(&self, cx: &mut Cx) -> i64 {
        let Some(timer) = self.timer.get() else { return self.start.get().elapsed().as_nanos() as i64 };
        let time = cx.call(timer, &[]).and_then(|time| {
            if self.unit.get() > 0.0 {
                return number::to_i64(cx, time);
            }
            // A timer that gives seconds.
            Ok((number::to_f64(cx, time)? * 1e9) as i64)
        });
        time.unwrap_or_else(|_| {
            let exception = cx.take_exception();
            protocol::unraisable(cx, exception, Some(timer), None);
            0
        })
    }

    fn factor(&self) -> f64 {
        if self.unit.get() > 0.0 { self.unit.get() } else { 1e-9 }
    }

    fn enter(&'static self, cx: &mut Cx, key: usize, shown: impl FnOnce(&mut Cx) -> PyResult<Value>) -> PyResult<()> {
        let known = self.data.borrow().numbers.get(&key).copied();
        let number = match known {
            Some(number) => number,
            None => {
                let shown = shown(cx)?;
                let mut data = self.data.borrow_mut();
                data.entries.push(Entry { shown, calls: Calls::default(), callees: HashMap::new() });
                let number = data.entries.len() - 1;
                data.numbers.insert(key, number);
                cx.barrier(self);
                number
            }
        };
        let began = self.now(cx);
        let mut guard = self.data.borrow_mut();
        let data = &mut *guard;
        data.entries[number].calls.level += 1;
        if self.subcalls.get()
            && let Some(caller) = data.running.last()
        {
            data.entries[caller.entry].callees.entry(number).or_default().level += 1;
        }
        data.running.push(Running { entry: number, began, inner: 0 });
        Ok(())
    }

    fn leave(&self, key: Option<usize>, now: i64) {
        let mut guard = self.data.borrow_mut();
        let data = &mut *guard;
        if let Some(key) = key {
            // What began before the profiler was enabled has no call here; calls above were left unseen.
            let Some(number) = data.numbers.get(&key).copied() else { return };
            let Some(at) = data.running.iter().rposition(|r| r.entry == number) else { return };
            while data.running.len() > at + 1 {
                data.leave_last(now, self.subcalls.get());
            }
        }
        data.leave_last(now, self.subcalls.get());
    }

    fn leave_all(&self, cx: &mut Cx) {
        let now = self.now(cx);
        while !self.data.borrow().running.is_empty() {
            self.leave(None, now);
        }
    }
}

/// The native function that is called: its identity, and how it is shown.
fn native_key(callable: Value) -> Option<usize> {
    if let Some(f) = callable.exact::<NativeFunction>() {
        return Some(f.def as *const _ as usize);
    }
    callable.downcast::<MethodDescr>().map(|m| m.def as *const _ as usize)
}

fn native_shown(cx: &mut Cx, callable: Value) -> PyResult<Value> {
    if let Some(f) = callable.exact::<NativeFunction>() {
        let name = f.def.name;
        let receiver = f.receiver.filter(|r| r.downcast::<Module>().is_none());
        if let Some(receiver) = receiver {
            let key = cx.intern(name);
            if let Some(method) = cx.type_lookup(receiver.class(), key) {
                return Ok(Value::of(protocol::repr(cx, method)?));
            }
        }
        let module = f.module.get().and_then(|m| m.downcast::<Str>()).map(|m| m.to_string_lossy());
        let text = match module {
            Some(module) if receiver.is_none() => format!("<built-in method {module}.{name}>"),
            _ => format!("<built-in method {name}>"),
        };
        return Ok(cx.str(&text));
    }
    Ok(Value::of(protocol::repr(cx, callable)?))
}

fn sequence_type(
    cx: &mut Cx,
    class: &'static Type,
    calls: &Calls,
    shown: Value,
    factor: f64,
    more: Option<Value>,
) -> Value {
    let (count, recursive) = (cx.int(calls.count), cx.int(calls.recursive));
    let (total, inline) = (cx.float(calls.total as f64 * factor), cx.float(calls.inline as f64 * factor));
    let items = [shown, count, recursive, total, inline];
    match more {
        Some(more) => structseq::new(cx, class, &[items.as_slice(), &[more]].concat()),
        None => structseq::new(cx, class, &items),
    }
}

#[pymethods]
impl Profiler {
    /// Return all information collected by the profiler.
    ///
    /// getstats() -> list of profiler_entry objects
    #[py("($self, /)")]
    fn getstats(cx: &mut Cx, this: &'static Profiler) -> PyResult<&'static List> {
        let factor = this.factor();
        let result = List::new(cx);
        let n = this.data.borrow().entries.len();
        for i in 0..n {
            let (shown, calls, mut callees) = {
                let data = this.data.borrow();
                let entry = &data.entries[i];
                let callees: Vec<(usize, Calls)> = entry.callees.iter().map(|(k, c)| (*k, c.clone())).collect();
                (entry.shown, entry.calls.clone(), callees)
            };
            if calls.count == 0 {
                continue;
            }
            callees.sort_by_key(|c| c.0);
            callees.retain(|c| c.1.count > 0);
            let list = if callees.is_empty() {
                Value::none()
            } else {
                let list = List::new(cx);
                for (number, calls) in &callees {
                    let shown = this.data.borrow().entries[*number].shown;
                    let entry = sequence_type(cx, &SUBENTRY, calls, shown, factor, None);
                    list.push(cx, entry);
                }
                Value::of(list)
            };
            let entry = sequence_type(cx, &ENTRY, &calls, shown, factor, Some(list));
            result.push(cx, entry);
        }
        Ok(result)
    }

    /// Start collecting profiling information.
    ///
    ///   subcalls
    ///     If True, also records for each function
    ///     statistics separated according to its current caller.
    ///   builtins
    ///     If True, records the time spent in
    ///     built-in functions separately from their caller.
    #[py("($self, /, subcalls=True, builtins=True)")]
    fn enable(cx: &mut Cx, this: &'static Profiler, subcalls: Option<bool>, builtins: Option<bool>) -> PyResult<()> {
        if let Some(on) = subcalls {
            this.subcalls.set(on);
        }
        if let Some(on) = builtins {
            this.builtins.set(on);
        }
        if this.enabled.get() {
            return Ok(());
        }
        let (tool, name) = (Value::small(TOOL), cx.str("cProfile"));
        monitoring(cx, "use_tool_id", &[tool, name])?;
        let sys = taipan_runtime::protocol::import::import_module(cx, "sys")?;
        let namespace = attr::get_text(cx, sys, "monitoring")?;
        let events = attr::get_text(cx, namespace, "events")?;
        let mut all = 0;
        for (event, method) in EVENTS {
            let bit = attr::get_text(cx, events, event)?;
            all |= number::to_i64(cx, bit)?;
            let method = attr::get_text(cx, Value::of(this), method)?;
            monitoring(cx, "register_callback", &[tool, bit, method])?;
        }
        this.enabled.set(true);
        let all = cx.int(all);
        monitoring(cx, "set_events", &[tool, all])?;
        Ok(())
    }

    /// Stop collecting profiling information.
    #[py("($self, /)")]
    fn disable(cx: &mut Cx, this: &'static Profiler) -> PyResult<()> {
        if !this.enabled.get() {
            return Ok(());
        }
        this.enabled.set(false);
        let tool = Value::small(TOOL);
        monitoring(cx, "set_events", &[tool, Value::small(0)])?;
        monitoring(cx, "free_tool_id", &[tool])?;
        this.leave_all(cx);
        Ok(())
    }

    /// Clear all profiling information collected so far.
    #[py("($self, /)")]
    fn clear(cx: &mut Cx, this: &'static Profiler) -> PyResult<()> {
        if this.enabled.get() {
            this.leave_all(cx);
        }
        *this.data.borrow_mut() = Data::default();
        Ok(())
    }

    #[py("($self, code, instruction_offset, /)")]
    fn _pystart_callback(cx: &mut Cx, this: &'static Profiler, code: Value, _offset: Value) -> PyResult<()> {
        this.enter(cx, code.bits() as usize, |_| Ok(code))
    }

    #[py("($self, code, instruction_offset, exception, /)")]
    fn _pythrow_callback(
        cx: &mut Cx,
        this: &'static Profiler,
        code: Value,
        _offset: Value,
        _exception: Value,
    ) -> PyResult<()> {
        this.enter(cx, code.bits() as usize, |_| Ok(code))
    }

    #[py("($self, code, instruction_offset, retval, /)")]
    fn _pyreturn_callback(
        cx: &mut Cx,
        this: &'static Profiler,
        code: Value,
        _offset: Value,
        _value: Value,
    ) -> PyResult<()> {
        let now = this.now(cx);
        this.leave(Some(code.bits() as usize), now);
        Ok(())
    }

    #[py("($self, code, instruction_offset, callable, self_arg, /)")]
    fn _ccall_callback(
        cx: &mut Cx,
        this: &'static Profiler,
        _code: Value,
        _offset: Value,
        callable: Value,
        _self_arg: Value,
    ) -> PyResult<()> {
        match native_key(callable) {
            Some(key) if this.builtins.get() => this.enter(cx, key, |cx| native_shown(cx, callable)),
            _ => Ok(()),
        }
    }

    #[py("($self, code, instruction_offset, callable, self_arg, /)")]
    fn _creturn_callback(
        cx: &mut Cx,
        this: &'static Profiler,
        _code: Value,
        _offset: Value,
        callable: Value,
        _self_arg: Value,
    ) -> PyResult<()> {
        if let Some(key) = native_key(callable).filter(|_| this.builtins.get()) {
            let now = this.now(cx);
            this.leave(Some(key), now);
        }
        Ok(())
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_lsprof");
    let doc = cx.str("Fast profiler");
    module.set(cx, "__doc__", doc);
    module.add_type(cx, &PROFILER);
    module.add_type(cx, &ENTRY);
    module.add_type(cx, &SUBENTRY);
    Ok(module)
}

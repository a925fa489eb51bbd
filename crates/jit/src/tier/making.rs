//! From a hot place to a unit that has code: whether that is affordable, both ends of the compiler, and the worker between.

use super::*;

/// Compiles code for an entry, or lets the worker do it. `now`: the program asked for it and waits.
pub(super) fn compile(cx: &mut Cx, code: &'static CodeObject, entry: u32, now: bool) -> Result<*const Unit, Declined> {
    let data = data(code);
    if data.pending.contains(&entry) && !now {
        return Err(Declined::Soon);
    }
    if data.refused.contains(&entry) {
        return Err(Declined::ForNow);
    }
    // Calling it makes a generator; that is resumed at other places.
    if code.is_generator_like() && entry == ENTRY {
        refuse(data, entry, "generator");
        return Err(Declined::ForNow);
    }
    // The interpreter goes through a chain of delegating generators without native recursion.
    if !is_start(entry) && entry > 0 && op_at(code, entry as usize - 1) == B::YieldDelegate {
        refuse(data, entry, "delegating generator");
        return Err(Declined::ForNow);
    }
    if data.entry(entry).made >= MAX_UNITS {
        refuse(data, entry, "left too often");
        return Err(Declined::ForNow);
    }
    let unknown = || COST_OF_BUILDING + code.word_count() as u64 * COST_OF_WORD;
    let cost = data.entry(entry).cost.unwrap_or_else(unknown);
    let left = match ready() {
        Some(_) if now => u64::MAX,
        Some(tier) => left(tier.spent_in_all()).max(earned(code, entry)).min(worth(code, entry)),
        None => 0,
    };
    if left < cost {
        return Err(Declined::ForNow);
    }
    let began = thread_time();
    let result = build_and_make(cx, code, entry, now, left);
    let spent = thread_time() - began;
    stats::STATS.with_borrow_mut(|s| s.compile_ns += spent);
    if let Some(tier) = ready() {
        tier.spent += spent;
    }
    match result {
        Ok(Some(unit)) if unit.pending.get() => Err(Declined::Soon),
        Ok(Some(unit)) => Ok(unit),
        Ok(None) => Err(Declined::ForNow),
        Err(why) => {
            give_up(code, entry, why);
            Err(Declined::ForNow)
        }
    }
}

/// None if it turned out to cost more than the nanoseconds that are `left`.
fn build_and_make(
    cx: &mut Cx,
    code: &'static CodeObject,
    entry: u32,
    now: bool,
    left: u64,
) -> Result<Option<&'static Unit>, &'static str> {
    let began = thread_time();
    let mut product = match build_ir(cx, code, entry, left) {
        Ok(product) => product,
        Err(Refusal::Costly) => {
            put_off(code, entry, 2 * left, thread_time() - began);
            return Ok(None);
        }
        Err(refusal) => return Err(refusal.text()),
    };
    let func = std::mem::take(&mut product.func);
    data(code).entry(entry).heat.built = product.spanned;
    let left = left.min(if now { u64::MAX } else { worth(code, entry) });
    let size: usize = func.rpo().iter().map(|block| func[*block].insts.len()).sum();
    let cost = size as u64 * COST_OF_INSTRUCTION;
    if left < cost {
        put_off(code, entry, cost + COST_OF_BUILDING, thread_time() - began);
        return Ok(None);
    }
    data(code).entry(entry).cost = Some(cost + COST_OF_BUILDING);
    data(code).entry(entry).made += 1;
    spend(code, entry);
    // If it has to be compiled anew it still is worth it.
    data(code).entry(entry).heat.span = (0, 0);
    let tier = ready().ok_or("no machine")?;
    let unit = new_unit(cx, tier, code, entry, product);
    unit.cost.set(cost);
    unit.built_in.set(thread_time() - began);
    make(cx, tier, unit, func, now).inspect_err(|_| unit.discard())?;
    Ok(Some(unit))
}

/// Notes that compiling takes about `cost` nanoseconds, more than are left. Building took `spent`.
fn put_off(code: &CodeObject, entry: u32, cost: u64, spent: u64) {
    data(code).entry(entry).cost = Some(cost);
    if crate::options().verbose {
        let (name, earned) = (dump::name(code, entry), earned(code, entry));
        let (spent, cost, earned) = (spent / 1000, cost / 1000, earned / 1000);
        eprintln!("jit: {name} put off: built in {spent} us, costs {cost} us, earned {earned} us");
    }
}

pub(super) fn give_up(code: &CodeObject, entry: u32, why: &'static str) {
    if crate::options().verbose {
        eprintln!("jit: {} not compiled: {why}", dump::name(code, entry));
    }
    refuse(data(code), entry, why);
}

/// The front end: the function in IR, improved, if compiling it seems to take at most `left` nanoseconds.
fn build_ir(cx: &mut Cx, code: &'static CodeObject, entry: u32, left: u64) -> Result<Product, Refusal> {
    // Passes remove about a fifth; of functions full of what is never made, like tuples to be unpacked, far more, which is worth
    // finding out for a program that runs longer.
    let limit = if left < MUCH_LEFT { left / COST_OF_INSTRUCTION * 5 / 4 } else { u64::MAX };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let span = data(code).entry(entry).heat.span;
    let mut product = build_entry(cx, code, entry, build::Sticky { limit, span, ..build::Sticky::default() })?;
    let func = &mut product.func;
    func.name = dump::name(code, entry);
    dump::ir("ir", &func.name, func);
    passes::run(func).map_err(Refusal::Never)?;
    dump::ir("ir-opt", &func.name, func);
    if is_start(entry) {
        typed::note_returned(code, &product);
    }
    Ok(product)
}

/// Builds the IR of what the frame on top is about to run.
pub fn build_entry(
    cx: &mut Cx,
    code: &'static CodeObject,
    entry: u32,
    mut sticky: build::Sticky,
) -> Result<Product, Refusal> {
    let product = loop {
        match build::entry::build(cx, code, entry, &mut sticky) {
            Ok(product) => break product,
            Err(Refusal::Restart) => {
                sticky.attempts += 1;
                if sticky.attempts > MAX_ATTEMPTS {
                    return Err(Refusal::Never("too many attempts"));
                }
            }
            Err(refusal) => return Err(refusal),
        }
    };
    stats::STATS.with_borrow_mut(|s| s.attempts += sticky.attempts as u64 + 1);
    Ok(product)
}

/// A unit that has no code yet.
fn new_unit(cx: &Cx, tier: &mut Tier, code: &'static CodeObject, entry: u32, product: Product) -> &'static Unit {
    let mut roots = product.roots;
    roots.push(Value::of(code));
    let unit: &'static Unit = Box::leak(Box::new(Unit {
        code,
        entry,
        // SAFETY: FRAME-1.
        globals: unsafe { (*cx.frame).globals },
        start: Cell::new(std::ptr::null()),
        valid: AtomicU8::new(1),
        pending: Cell::new(false),
        made: RefCell::new(Made { roots: Some(roots), ..Made::default() }),
        entry_kinds: product.entry_kinds,
        head_facts: product.head_facts,
        failures: Cell::new(0),
        patience: Cell::new(EXITS_TO_LEARN),
        cost: Cell::new(0),
        built_in: Cell::new(0),
        left: Cell::new(0),
    }));
    tier.units.push(unit);
    for class in product.watched_types {
        class.watch();
        tier.watched.push(Value::of(class));
        tier.types.entry(class as *const _ as u64).or_default().push(unit);
    }
    for (dict, key) in product.watched_keys {
        dict.watch();
        tier.watched.push(Value::of(dict));
        tier.keys.entry((dict as *const _ as u64, key as *const _ as u64)).or_default().push(unit);
    }
    unit
}

/// Compiles the code that the frame on top has just entered, without asking whether that pays; false if it cannot be.
pub fn compile_entry(cx: &mut Cx, code: &'static CodeObject) -> bool {
    data(code).units.iter().any(|u| u.0 == ENTRY) || compile(cx, code, ENTRY, true).is_ok()
}

/// Throws all units of `code` away, on request: that counts for nothing.
pub fn forget_units(code: &'static CodeObject) {
    if !code.jit.get().is_null() {
        discard_all(code);
        data(code).entries.iter_mut().for_each(|(_, entry)| entry.made = 0);
    }
}

/// Machine code of a function for its texts only: nothing ever runs it.
pub fn lower_for_texts(cx: &mut Cx, func: &Func) -> Result<Lowered, &'static str> {
    let process = process(cx, 0);
    let machine = machine(ready().ok_or("no machine")?)?;
    machine.lower(func, &process, &Callees::of(func), true).map_err(|_| "not lowered")
}

/// This thread's compiler.
fn machine(tier: &mut Tier) -> Result<&mut Machine, &'static str> {
    if tier.machine.is_none() {
        tier.machine = Machine::host();
    }
    tier.machine.as_mut().ok_or("no machine")
}

/// Facts about the process for code whose flag of validity is at `valid`.
fn process(cx: &mut Cx, valid: u64) -> Process {
    Process {
        heap: cx.heap as u64,
        reservation: cx.heap().reservation(),
        chars: cx.rt().latin1.borrow().as_ptr() as u64,
        interrupt: cx.interrupt.as_ptr() as u64,
        valid,
        typed_calls: typed::calls(cx),
        recursion_limit: cx.rt().recursion_limit.as_ptr() as u64,
        stress: (crate::options().mode == Mode::Stress).then_some(STRESS.0.get() as u64),
    }
}

/// The back end: gives the unit its code, or the worker the work.
fn make(cx: &mut Cx, tier: &mut Tier, unit: &'static Unit, func: Func, now: bool) -> Result<(), &'static str> {
    let process = process(cx, unit.valid.as_ptr() as u64);
    let callees = Callees::of(&func);
    if let Some(roots) = &mut unit.made.borrow_mut().roots {
        roots.extend(callees.codes().map(|code| Value::of(code)));
    }
    let mut job = Job { ticket: std::ptr::from_ref(unit) as usize, func, process, callees, wanted: &unit.valid };
    if let Some(worker) = tier.worker.as_ref().filter(|_| !now) {
        match worker.submit(job) {
            Ok(()) => {
                unit.pending.set(true);
                tier.queued += unit.cost.get();
                tier.pending.push(unit);
                data(unit.code).pending.push(unit.entry);
                return Ok(());
            }
            Err(back) => job = back,
        }
    }
    let machine = machine(tier)?;
    let began = thread_time();
    let wants_code = dump::wants_code(&job.func.name);
    let result = machine.lower(&job.func, &job.process, &job.callees, wants_code);
    let spent = thread_time() - began;
    install(tier, unit, result, spent)
}

/// Puts code in its place. What it relies on has not changed.
pub(super) fn install(
    tier: &mut Tier,
    unit: &'static Unit,
    lowered: Result<Lowered, String>,
    spent: u64,
) -> Result<(), &'static str> {
    let name = dump::name(unit.code, unit.entry);
    let lowered = lowered.map_err(|why| {
        if crate::options().verbose {
            eprintln!("jit: {name}: {why}");
        }
        "not lowered"
    })?;
    dump::code(&name, &lowered);
    if crate::options().verbose {
        let (built, bytes) = (unit.built_in.get() / 1000, lowered.bytes.len());
        eprintln!("jit: {name} compiled: built in {built} us, lowered in {} us, {bytes} bytes", spent / 1000);
    }
    let start = tier.arena.add(&lowered.bytes, lowered.aligned).ok_or("code memory is full")?;
    dump::perf_map(&name, start, lowered.bytes.len());
    for exit in &lowered.exits {
        exit.unit.set(unit);
    }
    {
        let mut made = unit.made.borrow_mut();
        made.len = lowered.bytes.len();
        made.exits = lowered.exits;
        made.headers = lowered.headers;
        made.exceptions = lowered.exceptions;
    }
    unit.start.set(start);
    // What was compiled on request has seldom run before, so there is much to learn.
    let least = if explicit::is_wanted_now() { EXITS_TO_LEARN / 4 } else { EXITS_TO_LEARN };
    let patience = ((unit.built_in.get() + spent) / NANOSECONDS_PER_EXIT).clamp(least as u64, MOST_EXITS);
    unit.patience.set(patience as u32);
    let code = unit.code;
    data(code).units.push((unit.entry, unit));
    if code.is_generator_like() {
        code.has_resumes.set(true);
    }
    if unit.entry == ENTRY {
        code.native.set(start);
    }
    unit.publish_typed(start);
    stats::STATS.with_borrow_mut(|s| {
        s.compiled += 1;
        s.lower_ns += spent;
        s.code_bytes += lowered.bytes.len() as u64;
    });
    Ok(())
}

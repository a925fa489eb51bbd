//! `_zoneinfo`: the IANA time zones. The rules are in `rules.rs`; files are found and read by `zoneinfo`'s Python half.

mod rules;

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::protocol::{attr, compare, iter, number, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};
use taipan_stdlib::host::Global;

use crate::datetime::{self, DateTime, TZINFO, delta_from_micros, replace_fold, shift};
use rules::{After, Info, TzString, Zone};

/// A time zone. Its values (`(utcoffset, dst, name)` for each [`Info::id`]) are in a tuple that the collector knows.
#[repr(C)]
pub struct ZoneInfo {
    header: Header,
    key: Cell<Value>,
    file: Cell<Option<Value>>,
    values: Cell<Option<&'static Tuple>>,
    zone: Cell<*mut Zone>,
    from_cache: Cell<bool>,
}
object!(ZoneInfo, ZONE_INFO);
trace_values!(trace_zone, ZoneInfo, |t| [Some(t.key.get()), t.file.get(), t.values.get().map(Value::of)]);

static ZONE_INFO: Type = Type::new(&ZONE_INFO_SPEC);
static ZONE_INFO_SPEC: TypeSpec = TypeSpec {
    name: "zoneinfo.ZoneInfo",
    base: Some(&TZINFO),
    basicsize: std::mem::size_of::<ZoneInfo>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_zone),
    drop: Some(drop_zone),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(|cx, v| match of(v).key.get() {
            key if key.is_none() => repr(cx, v),
            key => protocol::str(cx, key).map(Value::of),
        }),
        ..Slots::NONE
    },
    methods: &[ZoneInfo::METHODS],
    getsets: &[ZoneInfo::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn drop_zone(object: *mut Header) {
    // SAFETY: a dead ZoneInfo, whose zone was made by Box::into_raw or is null.
    unsafe {
        let zone = (*object.cast::<ZoneInfo>()).zone.replace(std::ptr::null_mut());
        if !zone.is_null() {
            drop(Box::from_raw(zone));
        }
    }
}

/// The zones used last, kept alive: pairs of key and zone.
static STRONG: Global = Global::new();
/// All zones alive by key.
static WEAK: Global = Global::new();
const STRONG_SIZE: usize = 8;

fn of(v: Value) -> &'static ZoneInfo {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

static PARAMS: ParamSpec = ParamSpec {
    name: "ZoneInfo",
    names: &["key"],
    positional_only: 0,
    positional: 1,
    required: 1,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn strong(cx: &mut Cx) -> &'static List {
    if let Some(list) = STRONG.get().and_then(|v| v.exact::<List>()) {
        return list;
    }
    let list = List::new(cx);
    STRONG.set(cx, Value::of(list));
    list
}

fn new_weak_cache(cx: &mut Cx) -> PyResult<Value> {
    let class = import_attr(cx, "weakref", "WeakValueDictionary")?;
    cx.call(class, &[])
}

fn weak_cache(cx: &mut Cx, class: &'static Type) -> PyResult<Value> {
    if !std::ptr::eq(class, &ZONE_INFO) {
        return attr::get_text(cx, Value::of(class), "_weak_cache");
    }
    if let Some(cache) = WEAK.get() {
        return Ok(cache);
    }
    let cache = new_weak_cache(cx)?;
    WEAK.set(cx, cache);
    Ok(cache)
}

/// The zone of this key among those used last; it becomes the first.
fn find_strong(cx: &mut Cx, key: Value) -> PyResult<Option<Value>> {
    let list = strong(cx);
    let mut i = 0;
    while i + 1 < list.len() {
        let Some(known) = list.get(i) else { break };
        if compare::equal(cx, known, key)? {
            let Some(zone) = list.get(i + 1) else { break };
            if i > 0 {
                list.splice(cx, i, i + 2, &[]);
                list.splice(cx, 0, 0, &[known, zone]);
            }
            return Ok(Some(zone));
        }
        i += 2;
    }
    Ok(None)
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 1];
    bind(cx, &PARAMS, args, &mut bound)?;
    let key = bound[0].expect("required");
    let is_base = std::ptr::eq(class, &ZONE_INFO);
    if is_base && let Some(zone) = find_strong(cx, key)? {
        return Ok(zone);
    }
    let cache = weak_cache(cx, class)?;
    let mut zone = cx.call_method_text(cache, "get", &[key, Value::none()])?;
    if zone.is_none() {
        let fresh = load_key(cx, class, key)?;
        zone = cx.call_method_text(cache, "setdefault", &[key, fresh])?;
        check_cached(cx, zone, class, key)?;
        of(zone).from_cache.set(true);
    }
    check_cached(cx, zone, class, key)?;
    if is_base {
        let list = strong(cx);
        list.splice(cx, 0, 0, &[key, zone]);
        list.truncate(2 * STRONG_SIZE);
    }
    Ok(zone)
}

/// The caches of subclasses are attributes that anyone can change.
fn check_cached(cx: &mut Cx, zone: Value, class: &'static Type, key: Value) -> PyResult<()> {
    if zone.is_instance(class) {
        return Ok(());
    }
    let (got, class, key) = (zone.class().tp_name(), class.tp_name(), protocol::repr_text(cx, key)?);
    raise!(cx, RuntimeError, "Unexpected instance of {got} in {class} weak cache for key {key}")
}

/// Reads the file of a key.
fn load_key(cx: &mut Cx, class: &'static Type, key: Value) -> PyResult<Value> {
    let find = import_attr(cx, "zoneinfo._tzpath", "find_tzfile")?;
    let path = cx.call(find, &[key])?;
    let file = if path.is_none() {
        let load = import_attr(cx, "zoneinfo._common", "load_tzdata")?;
        cx.call(load, &[key])?
    } else {
        let open = import_attr(cx, "io", "open")?;
        let mode = cx.str("rb");
        cx.call(open, &[path, mode])?
    };
    let zone = load_file(cx, class, file, key);
    let raised = zone.is_err().then(|| cx.take_exception());
    let closed = cx.call_method_text(file, "close", &[]);
    if let Some(raised) = raised {
        if closed.is_err() {
            cx.take_exception();
        }
        return Err(cx.raise_again(raised));
    }
    closed?;
    zone
}

fn load_file(cx: &mut Cx, class: &'static Type, file: Value, key: Value) -> PyResult<Value> {
    let load = import_attr(cx, "zoneinfo._common", "load_data")?;
    let data = cx.call(load, &[file])?;
    let parts = iter::to_tuple(cx, data)?;
    let &[order, utc, offsets, is_dst, names, tz] = parts.items() else {
        return raise!(cx, ValueError, "malformed time zone data");
    };
    let numbers = |cx: &mut Cx, v: Value| -> PyResult<Vec<i64>> {
        let mut out = Vec::new();
        iter::for_each(cx, v, |cx, n| {
            out.push(number::to_i64(cx, n)?);
            Ok(true)
        })?;
        Ok(out)
    };
    let order: Vec<usize> = numbers(cx, order)?.into_iter().map(|n| n as usize).collect();
    let (utc, offsets) = (numbers(cx, utc)?, numbers(cx, offsets)?);
    let is_dst: Vec<bool> = numbers(cx, is_dst)?.into_iter().map(|n| n != 0).collect();
    let names = iter::to_tuple(cx, names)?;
    if names.len() != offsets.len()
        || is_dst.len() != offsets.len()
        || order.len() != utc.len()
        || order.iter().any(|at| *at >= offsets.len())
    {
        return raise!(cx, ValueError, "malformed time zone data");
    }
    let shown = protocol::repr_text(cx, tz)?;
    let tz = match bytes::data_of(tz).filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => match rules::parse_tz(&String::from_utf8_lossy(text), &shown) {
            Ok(tz) => Some(tz),
            Err(text) => return raise!(cx, ValueError, "{text}"),
        },
    };
    let builder = Builder { values: List::new(cx) };
    let dst = rules::dst_parts(&order, &offsets, &is_dst);
    let mut infos = Vec::new();
    for ((offset, dst), name) in offsets.iter().zip(&dst).zip(names.items()) {
        infos.push(builder.info(cx, *offset, *dst, *name)?);
    }
    let Some(zone) = builder.zone(cx, &order, utc, &infos, &is_dst, &offsets, tz)? else {
        return raise!(cx, ValueError, "No time zone information found.");
    };
    let values = Tuple::new(cx, builder.values.items());
    let this = cx.alloc_of(
        class,
        ZoneInfo {
            header: Header::fresh(class),
            key: Cell::new(key),
            file: Cell::new(None),
            values: Cell::new(Some(values)),
            zone: Cell::new(std::ptr::null_mut()),
            from_cache: Cell::new(false),
        },
    );
    this.zone.set(Box::into_raw(Box::new(zone)));
    Ok(Value::of(this))
}

/// Makes the values of a zone.
struct Builder {
    values: &'static List,
}

impl Builder {
    fn info(&self, cx: &mut Cx, offset: i64, dst: i64, name: Value) -> PyResult<Info> {
        let micros = |n: i64| i128::from(n) * 1_000_000;
        let (utcoffset, dst_value) = (delta_from_micros(cx, micros(offset))?, delta_from_micros(cx, micros(dst))?);
        let triple = Value::of(Tuple::new(cx, &[utcoffset, dst_value, name]));
        self.values.push(cx, triple);
        Ok(Info { offset, dst, id: self.values.len() - 1 })
    }

    fn same(&self, a: Info, b: Info) -> bool {
        let name = |i: Info| self.values.get(i.id).and_then(|v| v.exact::<Tuple>()).map(|t| t.items()[2]);
        let text = |v: Option<Value>| v.and_then(|v| v.downcast::<Str>()).map(|s| s.to_string_lossy());
        a.offset == b.offset && a.dst == b.dst && text(name(a)) == text(name(b))
    }

    #[allow(clippy::too_many_arguments)]
    fn zone(
        &self,
        cx: &mut Cx,
        order: &[usize],
        utc: Vec<i64>,
        list: &[Info],
        is_dst: &[bool],
        offsets: &[i64],
        tz: Option<TzString>,
    ) -> PyResult<Option<Zone>> {
        let infos: Vec<Info> = order.iter().map(|at| list[*at]).collect();
        let standard = is_dst.iter().position(|dst| !dst).map(|i| list[i]);
        let before = standard.or(infos.first().copied());
        let after = match tz {
            None => match infos.last().or(list.last()) {
                Some(info) => After::Fixed(*info),
                None => return Ok(None),
            },
            Some(tz) => {
                let name = cx.str(&tz.std.0);
                let std = self.info(cx, tz.std.1, 0, name)?;
                match tz.dst {
                    None => After::Fixed(std),
                    Some((name, offset, start, end)) => {
                        let name = cx.str(&name);
                        let dst = self.info(cx, offset, offset - std.offset, name)?;
                        After::Yearly { std, dst, start, end }
                    }
                }
            }
        };
        let is_fixed = match (list, after) {
            (_, After::Yearly { .. }) | ([_, _, ..], _) => false,
            ([], _) => true,
            ([only], After::Fixed(info)) => self.same(*only, info),
        };
        let local = rules::local_times(order, &utc, offsets);
        Ok(Some(Zone { utc, local, infos, before, after, is_fixed }))
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = v.class().tp_name();
    let this = of(v);
    let key = this.key.get();
    let text = if key.is_none() {
        let file = match this.file.get() {
            Some(file) => protocol::str(cx, file)?.to_string_lossy(),
            None => "None".to_string(),
        };
        format!("{name}.from_file({file})")
    } else {
        format!("{name}(key={})", protocol::repr_text(cx, key)?)
    };
    Ok(cx.str(&text))
}

impl ZoneInfo {
    fn zone(&self, cx: &mut Cx) -> PyResult<&Zone> {
        let zone = self.zone.get();
        if zone.is_null() {
            return raise!(cx, ValueError, "the time zone is not loaded");
        }
        // SAFETY: it lives as long as the object and is never changed.
        Ok(unsafe { &*zone })
    }

    /// Microseconds that the clock is ahead of UTC at a local time.
    pub fn offset_at(&'static self, cx: &mut Cx, dt: &'static DateTime) -> PyResult<Option<i64>> {
        let (ts, year, fold) = local_time(cx, Value::of(dt))?;
        Ok(self.zone(cx)?.at_local(ts, year, fold).map(|info| info.offset * 1_000_000))
    }

    /// Value number `which` of what holds at a local time.
    fn value_at(&'static self, cx: &mut Cx, dt: Value, which: usize) -> PyResult<Value> {
        let zone = self.zone(cx)?;
        let info = if dt.is_none() {
            if zone.is_fixed { Some(zone.after.first()) } else { None }
        } else {
            let (ts, year, fold) = local_time(cx, dt)?;
            zone.at_local(ts, year, fold)
        };
        Ok(self.value_of(info, which))
    }

    fn value_of(&self, info: Option<Info>, which: usize) -> Value {
        let triple = info.and_then(|info| self.values.get()?.items().get(info.id)?.exact::<Tuple>());
        triple.map_or(Value::none(), |t| t.items()[which])
    }
}

/// Seconds since 1970 on the clock of a datetime, its year and fold.
fn local_time(cx: &mut Cx, dt: Value) -> PyResult<(i64, i64, bool)> {
    if let Some(dt) = dt.downcast::<DateTime>() {
        let ((year, month, day), c) = (dt.ymd(), dt.clock());
        let ts = rules::local_seconds(datetime::ordinal(year, month, day), c.hour, c.minute, c.second);
        return Ok((ts, i64::from(year), dt.fold() != 0));
    }
    let ordinal = cx.call_method_text(dt, "toordinal", &[])?;
    let ordinal = number::to_i64(cx, ordinal)?;
    let mut get = |name: &str| -> PyResult<i64> {
        let v = attr::get_text(cx, dt, name)?;
        number::to_i64(cx, v)
    };
    let (hour, minute, second) = (get("hour")?, get("minute")?, get("second")?);
    let (year, fold) = (get("year")?, get("fold")?);
    Ok((rules::local_seconds(ordinal, hour as i32, minute as i32, second as i32), year, fold != 0))
}

fn class_arg(cx: &mut Cx, class: Value) -> PyResult<&'static Type> {
    match class.downcast::<Type>() {
        Some(class) => Ok(class),
        None => raise!(cx, TypeError, "a class is needed"),
    }
}

#[pymethods]
impl ZoneInfo {
    /// Clear the ZoneInfo cache.
    #[classmethod]
    #[py("($type, /, *, only_keys=None)")]
    fn clear_cache(cx: &mut Cx, class: Value, only_keys: Option<Value>) -> PyResult<()> {
        let class = class_arg(cx, class)?;
        let cache = weak_cache(cx, class)?;
        let is_base = std::ptr::eq(class, &ZONE_INFO);
        let Some(keys) = only_keys.filter(|k| !k.is_none()) else {
            cx.call_method_text(cache, "clear", &[])?;
            if is_base {
                strong(cx).clear();
            }
            return Ok(());
        };
        iter::for_each(cx, keys, |cx, key| {
            if is_base && find_strong(cx, key)?.is_some() {
                strong(cx).splice(cx, 0, 2, &[]);
            }
            cx.call_method_text(cache, "pop", &[key, Value::none()])?;
            Ok(true)
        })
    }

    /// Get a new instance of ZoneInfo, bypassing the cache.
    #[classmethod]
    #[py("($type, /, key)")]
    fn no_cache(cx: &mut Cx, class: Value, key: Value) -> PyResult<Value> {
        let class = class_arg(cx, class)?;
        load_key(cx, class, key)
    }

    /// Create a ZoneInfo file from a file object.
    #[classmethod]
    #[py("($type, file_obj, /, key=None)")]
    fn from_file(cx: &mut Cx, class: Value, file_obj: Value, key: Option<Value>) -> PyResult<Value> {
        let class = class_arg(cx, class)?;
        let shown = Value::of(protocol::repr(cx, file_obj)?);
        let zone = load_file(cx, class, file_obj, key.unwrap_or(Value::none()))?;
        of(zone).file.set(Some(shown));
        cx.barrier(of(zone));
        Ok(zone)
    }

    /// Retrieve a timedelta representing the UTC offset in a zone at the given datetime.
    #[py("($self, dt, /)")]
    fn utcoffset(cx: &mut Cx, this: &'static ZoneInfo, dt: Value) -> PyResult<Value> {
        this.value_at(cx, dt, 0)
    }

    /// Retrieve a timedelta representing the amount of DST applied in a zone at the given datetime.
    #[py("($self, dt, /)")]
    fn dst(cx: &mut Cx, this: &'static ZoneInfo, dt: Value) -> PyResult<Value> {
        this.value_at(cx, dt, 1)
    }

    /// Retrieve a string containing the abbreviation for the time zone that applies in a zone at a given datetime.
    #[py("($self, dt, /)")]
    fn tzname(cx: &mut Cx, this: &'static ZoneInfo, dt: Value) -> PyResult<Value> {
        this.value_at(cx, dt, 2)
    }

    /// Given a datetime with local time in UTC, retrieve an adjusted datetime in local time.
    #[py("($self, object, /)")]
    pub fn fromutc(cx: &mut Cx, this: &'static ZoneInfo, object: Value) -> PyResult<Value> {
        let Some(dt) = object.downcast::<DateTime>() else {
            return raise!(
                cx,
                TypeError,
                "fromutc: argument must be a datetime instance, not {}",
                object.class().tp_name()
            );
        };
        if dt.zone() != Some(Value::of(this)) {
            return raise!(cx, ValueError, "fromutc: dt.tzinfo is not self");
        }
        let zone = this.zone(cx)?;
        let (ts, year, _) = local_time(cx, object)?;
        let (info, fold) = zone.at_utc(ts, year);
        let offset = info.map_or(0, |info| info.offset);
        let moved = shift(cx, object, i128::from(offset) * 1_000_000)?;
        if fold { replace_fold(cx, moved) } else { Ok(moved) }
    }

    /// Function for serialization with the pickle protocol.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static ZoneInfo) -> PyResult<Value> {
        let me = Value::of(this);
        if this.file.get().is_some() {
            let class = import_attr(cx, "pickle", "PicklingError")?;
            let text = cx.str("Cannot pickle a ZoneInfo file from a file stream.");
            let error = cx.call(class, &[text])?;
            return Err(cx.raise(error));
        }
        let make = attr::get_text(cx, Value::of(me.class()), "_unpickle")?;
        let from_cache = Value::small(i64::from(this.from_cache.get()));
        let args = Value::of(Tuple::new(cx, &[this.key.get(), from_cache]));
        Ok(Value::of(Tuple::new(cx, &[make, args])))
    }

    /// Private method used in unpickling.
    #[classmethod]
    #[py("($type, key, from_cache, /)")]
    fn _unpickle(cx: &mut Cx, class: Value, key: Value, from_cache: bool) -> PyResult<Value> {
        if from_cache {
            return cx.call(class, &[key]);
        }
        ZoneInfo::no_cache(cx, class, key)
    }

    /// Function to initialize subclasses.
    #[classmethod]
    #[py("($type, /, *args, **kwargs)", raw)]
    fn __init_subclass__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let class = args.values()[0];
        let cache = new_weak_cache(cx)?;
        let name = cx.intern("_weak_cache");
        attr::set(cx, class, name, Some(cache))?;
        Ok(Value::none())
    }

    #[getter("key")]
    fn key_(_cx: &mut Cx, this: &'static ZoneInfo) -> Value {
        this.key.get()
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    // Where the pure Python `datetime` is in use, so must be the pure Python `zoneinfo`.
    let base = import_attr(cx, "datetime", "tzinfo")?;
    if base != Value::of(&TZINFO) {
        return raise!(cx, ImportError, "_zoneinfo needs the native datetime types");
    }
    let module = taipan_stdlib::make(cx, "_zoneinfo", "C implementation of the zoneinfo module", &[]);
    cx.ready_type(&TZINFO);
    module.add_type(cx, &ZONE_INFO);
    Ok(module)
}

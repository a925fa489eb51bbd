//! `re.Match`.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::number;
use taipan_runtime::protocol::{format, object as any};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{int, typing};
use taipan_runtime::{Cx, PyResult, Value, object, raise};

use super::engine::{NOWHERE, Scratch};
use super::pattern::Pattern;
use super::subject::Subject;
use super::substitute;

/// A match. The spans of all groups, group 0 first, follow: start and end of each, [`NOWHERE`] if it did not match.
#[repr(C)]
pub struct Match {
    header: Header,
    /// The searched object.
    pub string: Value,
    /// The pattern.
    pub pattern: &'static Pattern,
    regs: Cell<Option<Value>>,
    pos: usize,
    endpos: usize,
    /// The group closed last, 0 if none.
    last_group: usize,
    /// Number of groups, group 0 included.
    groups: usize,
}
const FIXED: usize = std::mem::size_of::<Match>();
object!(Match, MATCH);

/// The type of matches.
pub static MATCH: Type = Type::new(&MATCH_SPEC);
static MATCH_SPEC: TypeSpec = TypeSpec {
    name: "re.Match",
    basicsize: FIXED,
    itemsize: 16,
    flags: flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
    trace: Some(trace_match),
    slots: Slots { repr: Some(repr), getitem: Some(getitem), ..Slots::NONE },
    methods: &[Match::METHODS],
    getsets: &[Match::GETSETS],
    doc: "The result of re.match() and re.search().\nMatch objects always have a boolean value of True.",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_match(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for matches only.
    let this = unsafe { &*object.cast::<Match>() };
    marker.mark_value(this.string.bits());
    marker.mark_value(Value::of(this.pattern).bits());
    if let Some(regs) = this.regs.get() {
        marker.mark_value(regs.bits());
    }
}

impl Match {
    /// A new match at `span` with the groups in `scratch`; `bounds` are where the search began and had to end.
    /// May collect.
    pub fn new(
        cx: &mut Cx,
        pattern: &'static Pattern,
        string: Value,
        bounds: (usize, usize),
        span: (usize, usize),
        scratch: &Scratch,
    ) -> &'static Match {
        let groups = pattern.groups() + 1;
        let p = cx.alloc_raw(FIXED + 16 * groups);
        // SAFETY: fresh memory of that size; the type has no attribute words and needs no registration.
        unsafe {
            p.cast::<Match>().write(Match {
                header: Header::fresh(&MATCH),
                string,
                pattern,
                regs: Cell::new(None),
                pos: bounds.0,
                endpos: bounds.1,
                last_group: scratch.last_group,
                groups,
            });
            let this = &*p.cast::<Match>();
            let words = this.words();
            *words = span.0;
            *words.add(1) = span.1;
            std::ptr::copy_nonoverlapping(scratch.marks.as_ptr(), words.add(2), 2 * groups - 2);
            this
        }
    }

    fn words(&self) -> *mut usize {
        (self as *const Match as usize + FIXED) as *mut usize
    }

    /// Start and end of a group, which must exist; None if it did not match.
    pub fn span_of(&self, group: usize) -> Option<(usize, usize)> {
        assert!(group < self.groups);
        // SAFETY: the spans of all groups follow the fixed part.
        let (start, end) = unsafe { (*self.words().add(2 * group), *self.words().add(2 * group + 1)) };
        (start != NOWHERE && end != NOWHERE).then_some((start, end))
    }

    /// Number of groups, group 0 included.
    pub fn group_count(&self) -> usize {
        self.groups
    }

    /// The number of the group that `key` names. IndexError if there is none.
    fn group_number(&self, cx: &mut Cx, key: Value) -> PyResult<usize> {
        let mut number = None;
        if int::check(key) || key.class().slots().index.is_some() {
            number = int::as_i64(number::index(cx, key)?);
        } else if let Some(found) = self.pattern.groupindex.get(cx, key).or_else(|_| swallow(cx))? {
            number = int::as_i64(found);
        }
        match number.and_then(|n| usize::try_from(n).ok()).filter(|n| *n < self.groups) {
            Some(n) => Ok(n),
            None => raise!(cx, IndexError, "no such group"),
        }
    }

    /// The text of a group, or `default`. May collect.
    fn text_of(&self, cx: &mut Cx, group: usize, default: Value) -> PyResult<Value> {
        match self.span_of(group) {
            None => Ok(default),
            Some((start, end)) => {
                if let Some(s) = self.string.exact::<Str>() {
                    return Ok(if start == 0 && end == s.len() {
                        self.string
                    } else {
                        Value::of(s.slice(cx, start, end))
                    });
                }
                let subject = Subject::new(cx, self.string)?;
                Ok(subject.slice(cx, start, end))
            }
        }
    }

    fn by_key(&self, cx: &mut Cx, key: Value) -> PyResult<Value> {
        let group = self.group_number(cx, key)?;
        self.text_of(cx, group, Value::none())
    }
}

/// A key that cannot be looked up names no group.
fn swallow(cx: &mut Cx) -> PyResult<Option<Value>> {
    cx.take_exception();
    Ok(None)
}

fn span_value(cx: &mut Cx, span: Option<(usize, usize)>) -> Value {
    let (start, end) = span.map_or((-1, -1), |(start, end)| (start as i64, end as i64));
    Value::of(Tuple::new(cx, &[Value::small(start), Value::small(end)]))
}

#[pymethods]
impl Match {
    /// group([group1, ...]) -> str or tuple.
    /// Return subgroup(s) of the match by indices or names.
    /// For 0 returns the entire match.
    #[py("($self, /, *args)", raw)]
    fn group(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "Match.group")?;
        let (this, keys) = (of(args.values()[0]), &args.values()[1..]);
        match keys {
            [] => this.text_of(cx, 0, Value::none()),
            [key] => this.by_key(cx, *key),
            _ => {
                let list = List::with_capacity(cx, keys.len());
                for key in keys {
                    let text = this.by_key(cx, *key)?;
                    list.push(cx, text);
                }
                Ok(Value::of(Tuple::new(cx, list.items())))
            }
        }
    }

    /// Return index of the start of the substring matched by group.
    #[py("($self, group=0, /)")]
    fn start(cx: &mut Cx, this: &'static Match, group: Option<Value>) -> PyResult<i64> {
        let group = this.group_number(cx, group.unwrap_or(Value::small(0)))?;
        Ok(this.span_of(group).map_or(-1, |(start, _)| start as i64))
    }

    /// Return index of the end of the substring matched by group.
    #[py("($self, group=0, /)")]
    fn end(cx: &mut Cx, this: &'static Match, group: Option<Value>) -> PyResult<i64> {
        let group = this.group_number(cx, group.unwrap_or(Value::small(0)))?;
        Ok(this.span_of(group).map_or(-1, |(_, end)| end as i64))
    }

    /// For match object m, return the 2-tuple (m.start(group), m.end(group)).
    #[py("($self, group=0, /)")]
    fn span(cx: &mut Cx, this: &'static Match, group: Option<Value>) -> PyResult<Value> {
        let group = this.group_number(cx, group.unwrap_or(Value::small(0)))?;
        Ok(span_value(cx, this.span_of(group)))
    }

    /// Return a tuple containing all the subgroups of the match, from 1.
    ///
    ///   default
    ///     Is used for groups that did not participate in the match.
    #[py("($self, /, default=None)")]
    fn groups(cx: &mut Cx, this: &'static Match, default: Option<Value>) -> PyResult<&'static Tuple> {
        let default = default.unwrap_or(Value::none());
        let list = List::with_capacity(cx, this.groups);
        for group in 1..this.groups {
            let text = this.text_of(cx, group, default)?;
            list.push(cx, text);
        }
        Ok(Tuple::new(cx, list.items()))
    }

    /// Return a dictionary containing all the named subgroups of the match, keyed by the subgroup name.
    ///
    ///   default
    ///     Is used for groups that did not participate in the match.
    #[py("($self, /, default=None)")]
    fn groupdict(cx: &mut Cx, this: &'static Match, default: Option<Value>) -> PyResult<&'static Dict> {
        let default = default.unwrap_or(Value::none());
        let result = Dict::new(cx);
        let mut position = 0;
        while let Some((name, number)) = this.pattern.groupindex.next_item(&mut position) {
            let group = this.group_number(cx, number)?;
            let text = this.text_of(cx, group, default)?;
            result.set(cx, name, text)?;
        }
        Ok(result)
    }

    /// Return the string obtained by doing backslash substitution on the string template, as done by the sub() method.
    #[py("($self, /, template)")]
    fn expand(cx: &mut Cx, this: &'static Match, template: Value) -> PyResult<Value> {
        substitute::expand(cx, this, template)
    }

    #[py("($self, /)")]
    fn __copy__(_cx: &mut Cx, this: Value) -> Value {
        this
    }

    #[py("($self, memo, /)")]
    fn __deepcopy__(_cx: &mut Cx, this: Value, _memo: Value) -> Value {
        this
    }

    /// Matches are generic over the type of string which was matched (str or bytes)
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        typing::new_generic_alias(cx, class, object)
    }

    /// The string passed to match() or search().
    #[getter]
    fn string(_cx: &mut Cx, this: &'static Match) -> Value {
        this.string
    }

    /// The regular expression object.
    #[getter]
    fn re(_cx: &mut Cx, this: &'static Match) -> Value {
        Value::of(this.pattern)
    }

    /// The index into the string at which the RE engine started looking for a match.
    #[getter]
    fn pos(_cx: &mut Cx, this: &'static Match) -> i64 {
        this.pos as i64
    }

    /// The index into the string beyond which the RE engine will not go.
    #[getter]
    fn endpos(_cx: &mut Cx, this: &'static Match) -> i64 {
        this.endpos as i64
    }

    /// The integer index of the last matched capturing group.
    #[getter]
    fn lastindex(_cx: &mut Cx, this: &'static Match) -> Option<i64> {
        (this.last_group > 0).then_some(this.last_group as i64)
    }

    /// The name of the last matched capturing group.
    #[getter]
    fn lastgroup(_cx: &mut Cx, this: &'static Match) -> Option<Value> {
        let names = this.pattern.indexgroup.items();
        if this.last_group > 0 { names.get(this.last_group).copied() } else { None }
    }

    #[getter]
    fn regs(cx: &mut Cx, this: &'static Match) -> Value {
        if let Some(regs) = this.regs.get() {
            return regs;
        }
        let list = List::with_capacity(cx, this.groups);
        for group in 0..this.groups {
            let span = span_value(cx, this.span_of(group));
            list.push(cx, span);
        }
        let regs = Value::of(Tuple::new(cx, list.items()));
        this.regs.set(Some(regs));
        cx.barrier(this);
        regs
    }
}

fn of(v: Value) -> &'static Match {
    // SAFETY: slots and methods are called with instances of their type.
    unsafe { v.cast() }
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    of(v).by_key(cx, key)
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let text = this.text_of(cx, 0, Value::none())?;
    let text = any::repr(cx, text)?;
    let shown = text.slice(cx, 0, text.len().min(50));
    let (start, end) = this.span_of(0).unwrap_or((0, 0));
    let head = cx.str(&format!("<re.Match object; span=({start}, {end}), match="));
    let tail = cx.str(">");
    Ok(Value::of(format::join_strs(cx, &[head, Value::of(shown), tail])?))
}

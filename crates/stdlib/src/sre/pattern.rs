//! `re.Pattern`.

use std::cell::Cell;
use std::hash::Hasher;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{hash, object as any};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::typing;
use taipan_runtime::{Cx, PyResult, Value, object};

use super::engine::{Request, Scratch};
use super::matches::Match;
use super::program::Program;
use super::scanner::{MatchIterator, Scanner};
use super::subject::Subject;
use super::substitute;

/// What a pattern owns outside the heap.
pub struct Compiled {
    /// The code array, for comparisons.
    pub code: Box<[u32]>,
    /// What the engine runs.
    pub program: Program,
    /// Working memory that no match uses now.
    spare: Cell<Option<Box<Scratch>>>,
}

/// A compiled pattern.
#[repr(C)]
pub struct Pattern {
    header: Header,
    /// What it was compiled from, or None.
    pub pattern: Value,
    /// Names to group numbers.
    pub groupindex: &'static Dict,
    /// Group numbers to names.
    pub indexgroup: &'static Tuple,
    /// Flags.
    pub flags: i64,
    /// Whether it is for bytes; None without a pattern text.
    pub is_bytes: Option<bool>,
    compiled: *const Compiled,
}
object!(Pattern, PATTERN);

/// The type of patterns.
pub static PATTERN: Type = Type::new(&PATTERN_SPEC);
static PATTERN_SPEC: TypeSpec = TypeSpec {
    name: "re.Pattern",
    basicsize: std::mem::size_of::<Pattern>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
    weakrefs: true,
    trace: Some(trace_pattern),
    drop: Some(drop_pattern),
    slots: Slots { repr: Some(repr), hash: Some(hash_pattern), richcompare: Some(richcompare), ..Slots::NONE },
    methods: &[Pattern::METHODS],
    getsets: &[Pattern::GETSETS],
    doc: "Compiled regular expression object.",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_pattern(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for patterns only.
    let this = unsafe { &*object.cast::<Pattern>() };
    marker.mark_value(this.pattern.bits());
    marker.mark_value(Value::of(this.groupindex).bits());
    marker.mark_value(Value::of(this.indexgroup).bits());
}

unsafe fn drop_pattern(object: *mut Header) {
    // SAFETY: called once for each dead pattern; `new` leaked the box.
    unsafe { drop(Box::from_raw((*object.cast::<Pattern>()).compiled.cast_mut())) };
}

/// The bounds `pos`, `endpos` clamped to a text of `len` characters.
pub fn clamp_bounds(len: usize, pos: Option<isize>, endpos: Option<isize>) -> (usize, usize) {
    let clamp = |p: isize| (p.max(0) as usize).min(len);
    (clamp(pos.unwrap_or(0)), clamp(endpos.unwrap_or(isize::MAX)))
}

/// A search that goes on behind each match.
pub struct Progress {
    /// Where the next match may begin.
    pub at: usize,
    /// Where matches end at the latest.
    pub end: usize,
    /// The next match must not be empty at `at`.
    pub must_advance: bool,
}

impl Progress {
    /// From `at` to `end`.
    pub fn new(at: usize, end: usize) -> Progress {
        Progress { at, end, must_advance: false }
    }
}

impl Pattern {
    /// A new pattern. May collect.
    pub fn new(
        cx: &mut Cx,
        pattern: Value,
        flags: i64,
        is_bytes: Option<bool>,
        names: (&'static Dict, &'static Tuple),
        code: Box<[u32]>,
        program: Program,
    ) -> &'static Pattern {
        let (groupindex, indexgroup) = names;
        let compiled = Box::into_raw(Box::new(Compiled { code, program, spare: Cell::new(None) }));
        let header = Header::fresh(&PATTERN);
        cx.alloc_of(&PATTERN, Pattern { header, pattern, groupindex, indexgroup, flags, is_bytes, compiled })
    }

    fn compiled(&self) -> &'static Compiled {
        // SAFETY: the box lives as long as the object.
        unsafe { &*self.compiled }
    }

    /// What the engine runs.
    pub fn program(&self) -> &'static Program {
        &self.compiled().program
    }

    /// Number of groups, group 0 not counted.
    pub fn groups(&self) -> usize {
        self.program().groups
    }

    /// Working memory, to be given back by [`Pattern::give_back`].
    pub fn scratch(&self) -> Box<Scratch> {
        self.compiled().spare.take().unwrap_or_default()
    }

    /// Keeps `scratch` for the next match.
    pub fn give_back(&self, mut scratch: Box<Scratch>) {
        scratch.trim();
        self.compiled().spare.set(Some(scratch));
    }

    /// `value` as a text for this pattern.
    pub fn subject(&self, cx: &mut Cx, value: Value) -> PyResult<Subject> {
        let subject = Subject::new(cx, value)?;
        subject.check_kind(cx, self.is_bytes)?;
        Ok(subject)
    }

    /// The next match of a search that goes on.
    pub fn next_match(
        &self,
        cx: &mut Cx,
        subject: &Subject,
        scratch: &mut Scratch,
        progress: &mut Progress,
    ) -> PyResult<Option<(usize, usize)>> {
        if progress.at > progress.end {
            return Ok(None);
        }
        let request = Request { start: progress.at, full: false, must_advance: progress.must_advance };
        let found = subject.run(cx, self.program(), scratch, progress.end, request, true)?;
        if let Some((start, end)) = found {
            progress.must_advance = start == end;
            progress.at = end;
        }
        Ok(found)
    }

    fn once(
        &'static self,
        cx: &mut Cx,
        string: Value,
        bounds: (Option<isize>, Option<isize>),
        full: bool,
        search: bool,
    ) -> PyResult<Option<&'static Match>> {
        let subject = self.subject(cx, string)?;
        let (start, end) = clamp_bounds(subject.len(), bounds.0, bounds.1);
        if start > end {
            return Ok(None);
        }
        let mut scratch = self.scratch();
        let request = Request { start, full, must_advance: false };
        let found = subject.run(cx, self.program(), &mut scratch, end, request, search);
        let result = match found {
            Ok(Some(span)) => Ok(Some(Match::new(cx, self, string, (start, end), span, &scratch))),
            Ok(None) => Ok(None),
            Err(raised) => Err(raised),
        };
        self.give_back(scratch);
        result
    }
}

#[pymethods]
impl Pattern {
    /// Matches zero or more characters at the beginning of the string.
    #[py("($self, /, string, pos=0, endpos=sys.maxsize)", name = "match")]
    fn match_(
        cx: &mut Cx,
        this: &'static Pattern,
        string: Value,
        pos: Option<isize>,
        endpos: Option<isize>,
    ) -> PyResult<Option<&'static Match>> {
        this.once(cx, string, (pos, endpos), false, false)
    }

    /// Matches against all of the string.
    #[py("($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn fullmatch(
        cx: &mut Cx,
        this: &'static Pattern,
        string: Value,
        pos: Option<isize>,
        endpos: Option<isize>,
    ) -> PyResult<Option<&'static Match>> {
        this.once(cx, string, (pos, endpos), true, false)
    }

    /// Scan through string looking for a match, and return a corresponding match object instance.
    ///
    /// Return None if no position in the string matches.
    #[py("($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn search(
        cx: &mut Cx,
        this: &'static Pattern,
        string: Value,
        pos: Option<isize>,
        endpos: Option<isize>,
    ) -> PyResult<Option<&'static Match>> {
        this.once(cx, string, (pos, endpos), false, true)
    }

    /// Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the replacement repl.
    #[py("($self, /, repl, string, count=0)")]
    fn sub(cx: &mut Cx, this: &'static Pattern, repl: Value, string: Value, count: Option<isize>) -> PyResult<Value> {
        substitute::substitute(cx, this, repl, string, count.unwrap_or(0)).map(|(text, _)| text)
    }

    /// Return the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping occurrences of pattern with the replacement repl.
    #[py("($self, /, repl, string, count=0)")]
    fn subn(cx: &mut Cx, this: &'static Pattern, repl: Value, string: Value, count: Option<isize>) -> PyResult<Value> {
        let (text, n) = substitute::substitute(cx, this, repl, string, count.unwrap_or(0))?;
        Ok(Value::of(Tuple::new(cx, &[text, Value::small(n as i64)])))
    }

    /// Return a list of all non-overlapping matches of pattern in string.
    #[py("($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn findall(
        cx: &mut Cx,
        this: &'static Pattern,
        string: Value,
        pos: Option<isize>,
        endpos: Option<isize>,
    ) -> PyResult<&'static List> {
        let subject = this.subject(cx, string)?;
        let (start, end) = clamp_bounds(subject.len(), pos, endpos);
        let mut progress = Progress::new(start, end);
        let mut scratch = this.scratch();
        let list = List::new(cx);
        let result = loop {
            match this.next_match(cx, &subject, &mut scratch, &mut progress) {
                Ok(Some(span)) => {
                    let item = findall_item(cx, this, &subject, span, &scratch);
                    list.push(cx, item);
                }
                Ok(None) => break Ok(list),
                Err(raised) => break Err(raised),
            }
        };
        this.give_back(scratch);
        result
    }

    /// Split string by the occurrences of pattern.
    #[py("($self, /, string, maxsplit=0)")]
    fn split(cx: &mut Cx, this: &'static Pattern, string: Value, maxsplit: Option<isize>) -> PyResult<&'static List> {
        let subject = this.subject(cx, string)?;
        let most = match maxsplit.unwrap_or(0) {
            0 => usize::MAX,
            n => usize::try_from(n).unwrap_or(0),
        };
        let n = subject.len();
        let (mut progress, mut last, mut splits) = (Progress::new(0, n), 0, 0);
        let mut scratch = this.scratch();
        let list = List::new(cx);
        while splits < most {
            let found = match this.next_match(cx, &subject, &mut scratch, &mut progress) {
                Ok(found) => found,
                Err(raised) => {
                    this.give_back(scratch);
                    return Err(raised);
                }
            };
            let Some((start, end)) = found else { break };
            let part = subject.slice(cx, last, start);
            list.push(cx, part);
            for group in 1..=this.groups() {
                let part = match scratch.group(group) {
                    Some((start, end)) => subject.slice(cx, start, end),
                    None => Value::none(),
                };
                list.push(cx, part);
            }
            last = end;
            splits += 1;
        }
        this.give_back(scratch);
        let rest = subject.slice(cx, last, n);
        list.push(cx, rest);
        Ok(list)
    }

    /// Return an iterator over all non-overlapping matches for the RE pattern in string.
    ///
    /// For each match, the iterator returns a match object.
    #[py("($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn finditer(
        cx: &mut Cx,
        this: &'static Pattern,
        string: Value,
        pos: Option<isize>,
        endpos: Option<isize>,
    ) -> PyResult<Value> {
        let scanner = Scanner::new(cx, this, string, pos, endpos)?;
        Ok(MatchIterator::new(cx, scanner))
    }

    #[py("($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn scanner(
        cx: &mut Cx,
        this: &'static Pattern,
        string: Value,
        pos: Option<isize>,
        endpos: Option<isize>,
    ) -> PyResult<&'static Scanner> {
        Scanner::new(cx, this, string, pos, endpos)
    }

    #[py("($self, /)")]
    fn __copy__(_cx: &mut Cx, this: Value) -> Value {
        this
    }

    #[py("($self, memo, /)")]
    fn __deepcopy__(_cx: &mut Cx, this: Value, _memo: Value) -> Value {
        this
    }

    /// Patterns are generic over the type of string they handle (str or bytes)
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        typing::new_generic_alias(cx, class, object)
    }

    /// The pattern string from which the RE object was compiled.
    #[getter]
    fn pattern(_cx: &mut Cx, this: &'static Pattern) -> Value {
        this.pattern
    }

    /// The regex matching flags.
    #[getter]
    fn flags(_cx: &mut Cx, this: &'static Pattern) -> i64 {
        this.flags
    }

    /// The number of capturing groups in the pattern.
    #[getter("groups")]
    fn groups_(_cx: &mut Cx, this: &'static Pattern) -> i64 {
        this.groups() as i64
    }

    /// A dictionary mapping group names to group numbers.
    #[getter]
    fn groupindex(cx: &mut Cx, this: &'static Pattern) -> PyResult<Value> {
        typing::new_mapping_proxy(cx, Value::of(this.groupindex))
    }
}

fn findall_item(cx: &mut Cx, pattern: &Pattern, subject: &Subject, span: (usize, usize), scratch: &Scratch) -> Value {
    let part = |cx: &mut Cx, group| {
        let (start, end) = scratch.group(group).unwrap_or((0, 0));
        subject.slice(cx, start, end)
    };
    match pattern.groups() {
        0 => subject.slice(cx, span.0, span.1),
        1 => part(cx, 1),
        n => {
            let parts = List::with_capacity(cx, n);
            for group in 1..=n {
                let part = part(cx, group);
                parts.push(cx, part);
            }
            Value::of(Tuple::new(cx, parts.items()))
        }
    }
}

fn of(v: Value) -> &'static Pattern {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// Names of flag bits, in the order in which they are shown.
const FLAG_NAMES: &[(i64, &str)] = &[
    (2, "re.IGNORECASE"),
    (8, "re.MULTILINE"),
    (16, "re.DOTALL"),
    (64, "re.VERBOSE"),
    (128, "re.DEBUG"),
    (256, "re.ASCII"),
    (4, "re.LOCALE"),
    (32, "re.UNICODE"),
];

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let pattern = any::repr(cx, this.pattern)?;
    let shown = pattern.slice(cx, 0, pattern.len().min(200));
    let mut flags = this.flags;
    // UNICODE goes without saying for str.
    if this.is_bytes == Some(false) && flags & (4 | 256 | 32) == 32 {
        flags &= !32;
    }
    let mut names: Vec<String> = Vec::new();
    for (bit, name) in FLAG_NAMES {
        if flags & bit != 0 {
            names.push(name.to_string());
            flags &= !bit;
        }
    }
    if flags != 0 {
        names.push(format!("{flags:#x}"));
    }
    let tail = if names.is_empty() { ")".to_string() } else { format!(", {})", names.join("|")) };
    let (head, tail) = (Str::new(cx, "re.compile("), Str::new(cx, &tail));
    let parts = [Value::of(head), Value::of(shown), Value::of(tail)];
    Ok(Value::of(taipan_runtime::protocol::format::join_strs(cx, &parts)?))
}

fn hash_pattern(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    let mut hasher = siphasher::sip::SipHasher13::new();
    for word in this.compiled().code.iter() {
        hasher.write_u32(*word);
    }
    let pattern = hash::hash(cx, this.pattern)?;
    hasher.write_i64(pattern);
    hasher.write_i64(this.flags);
    Ok(match hasher.finish() as i64 {
        -1 => -2,
        h => h,
    })
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(a), Some(b)) = (a.downcast::<Pattern>(), b.downcast::<Pattern>()) else {
        return Ok(Value::not_implemented());
    };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let same = std::ptr::eq(a, b)
        || a.flags == b.flags
            && a.is_bytes == b.is_bytes
            && a.groups() == b.groups()
            && a.compiled().code == b.compiled().code
            && compare::equal(cx, a.pattern, b.pattern)?;
    Ok(Value::bool(same == (op == CmpOp::Eq)))
}

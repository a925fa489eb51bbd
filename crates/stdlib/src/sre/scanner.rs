//! `_sre.SRE_Scanner`, and the iterator that `finditer` gives.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, object, raise};

use super::engine::Request;
use super::matches::Match;
use super::pattern::{Pattern, clamp_bounds};

/// A search that goes on with every call.
#[repr(C)]
pub struct Scanner {
    header: Header,
    pattern: &'static Pattern,
    string: Value,
    bounds: (usize, usize),
    /// Where the next match may begin; None at the end.
    at: Cell<Option<usize>>,
    must_advance: Cell<bool>,
    executing: Cell<bool>,
}
object!(Scanner, SCANNER);

/// The type of scanners.
pub static SCANNER: Type = Type::new(&SCANNER_SPEC);
static SCANNER_SPEC: TypeSpec = TypeSpec {
    name: "_sre.SRE_Scanner",
    basicsize: std::mem::size_of::<Scanner>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
    trace: Some(trace_scanner),
    methods: &[Scanner::METHODS],
    getsets: &[Scanner::GETSETS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_scanner(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for scanners only.
    let this = unsafe { &*object.cast::<Scanner>() };
    marker.mark_value(Value::of(this.pattern).bits());
    marker.mark_value(this.string.bits());
}

impl Scanner {
    /// A scanner over `string`. May collect.
    pub fn new(
        cx: &mut Cx,
        pattern: &'static Pattern,
        string: Value,
        pos: Option<isize>,
        endpos: Option<isize>,
    ) -> PyResult<&'static Scanner> {
        let len = pattern.subject(cx, string)?.len();
        let (start, end) = clamp_bounds(len, pos, endpos);
        Ok(cx.alloc(Scanner {
            header: Header::fresh(&SCANNER),
            pattern,
            string,
            bounds: (start, end),
            at: Cell::new(Some(start).filter(|start| *start <= end)),
            must_advance: Cell::new(false),
            executing: Cell::new(false),
        }))
    }

    fn step(&'static self, cx: &mut Cx, search: bool) -> PyResult<Option<&'static Match>> {
        if self.executing.get() {
            return raise!(cx, ValueError, "regular expression scanner already executing");
        }
        let Some(at) = self.at.get() else { return Ok(None) };
        self.executing.set(true);
        let result = self.step_from(cx, at, search);
        self.executing.set(false);
        result
    }

    fn step_from(&'static self, cx: &mut Cx, at: usize, search: bool) -> PyResult<Option<&'static Match>> {
        let subject = self.pattern.subject(cx, self.string)?;
        let end = self.bounds.1.min(subject.len());
        let mut scratch = self.pattern.scratch();
        let request = Request { start: at, full: false, must_advance: self.must_advance.get() };
        let found = if at > end {
            Ok(None)
        } else {
            subject.run(cx, self.pattern.program(), &mut scratch, end, request, search)
        };
        let result = match found {
            Ok(Some(span)) => {
                self.must_advance.set(span.0 == span.1);
                self.at.set(Some(span.1));
                Ok(Some(Match::new(cx, self.pattern, self.string, self.bounds, span, &scratch)))
            }
            Ok(None) => {
                self.at.set(None);
                Ok(None)
            }
            Err(raised) => Err(raised),
        };
        self.pattern.give_back(scratch);
        result
    }
}

#[pymethods]
impl Scanner {
    #[py("($self, /)", name = "match")]
    fn match_(cx: &mut Cx, this: &'static Scanner) -> PyResult<Option<&'static Match>> {
        this.step(cx, false)
    }

    #[py("($self, /)")]
    fn search(cx: &mut Cx, this: &'static Scanner) -> PyResult<Option<&'static Match>> {
        this.step(cx, true)
    }

    #[getter]
    fn pattern(_cx: &mut Cx, this: &'static Scanner) -> Value {
        Value::of(this.pattern)
    }
}

/// What `finditer` gives: `iter(scanner.search, None)` without the calls.
#[repr(C)]
pub struct MatchIterator {
    header: Header,
    scanner: Cell<Option<&'static Scanner>>,
}
object!(MatchIterator, MATCH_ITERATOR);

/// The type of these iterators.
pub static MATCH_ITERATOR: Type = Type::new(&MATCH_ITERATOR_SPEC);
static MATCH_ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "callable_iterator",
    basicsize: std::mem::size_of::<MatchIterator>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::IMMUTABLE,
    trace: Some(trace_iterator),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    methods: &[MatchIterator::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_iterator(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these iterators only.
    if let Some(scanner) = unsafe { (*object.cast::<MatchIterator>()).scanner.get() } {
        marker.mark_value(Value::of(scanner).bits());
    }
}

fn next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of this type.
    let this = unsafe { v.cast::<MatchIterator>() };
    let Some(scanner) = this.scanner.get() else { return Ok(None) };
    let found = scanner.step(cx, true)?;
    if found.is_none() {
        this.scanner.set(None);
    }
    Ok(found.map(Value::of))
}

impl MatchIterator {
    /// An iterator over the matches of a scanner. May collect.
    pub fn new(cx: &mut Cx, scanner: &'static Scanner) -> Value {
        let header = Header::fresh(&MATCH_ITERATOR);
        Value::of(cx.alloc(MatchIterator { header, scanner: Cell::new(Some(scanner)) }))
    }
}

#[pymethods]
impl MatchIterator {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static MatchIterator) -> PyResult<Value> {
        let name = cx.intern("iter");
        let builtins: Option<&'static Dict> = cx.rt().builtins.get();
        let Some(iter) = builtins.and_then(|b| b.get_str(name)) else {
            return raise!(cx, AttributeError, "iter");
        };
        let args = match this.scanner.get() {
            Some(scanner) => {
                let search = taipan_runtime::protocol::attr::get_text(cx, Value::of(scanner), "search")?;
                Tuple::new(cx, &[search, Value::none()])
            }
            None => {
                let empty = Value::of(Tuple::new(cx, &[]));
                Tuple::new(cx, &[empty])
            }
        };
        Ok(Value::of(Tuple::new(cx, &[iter, Value::of(args)])))
    }
}

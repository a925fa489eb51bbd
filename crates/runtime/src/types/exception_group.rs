//! BaseExceptionGroup and ExceptionGroup (PEP 654), and what `except*` needs.
//!
//! Fields: message 0, exceptions 1 (a tuple), repr of the exceptions argument as given 2 (only if it was not a list
//! or tuple).

use crate::cx::Cx;
use crate::exceptions::{self, Exception};
use crate::native::{Args, GetSetDef, NativeDef};
use crate::protocol::{attr, object as obj};
use crate::slots::Slots;
use crate::typeobj::{Type, flags};
use crate::types::exception::{self, of};
use crate::types::iterators::is_sequence;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

const MESSAGE: usize = 0;
const EXCEPTIONS: usize = 1;
const EXCEPTIONS_REPR: usize = 2;

/// Fields and methods of BaseExceptionGroup.
pub struct Group;

impl Group {
    /// Native slots.
    pub const SLOTS: Slots =
        Slots { new: Some(new), init: Some(init), str: Some(str), repr: Some(repr), ..Slots::NONE };
    /// Native methods.
    pub const METHODS: &'static [NativeDef] = GroupMethods::METHODS;
    /// Native attributes.
    pub const GETSETS: &'static [GetSetDef] = &[
        readonly("message", "exception message", |_, v| Ok(of(v).extra(MESSAGE).unwrap_or(Value::none()))),
        readonly("exceptions", "nested exceptions", |cx, v| Ok(Value::of(exceptions_of(cx, v)))),
    ];
}

const fn readonly(name: &'static str, doc: &'static str, get: crate::native::GetFn) -> GetSetDef {
    GetSetDef { name, doc, get: Some(get), set: Some(|cx, _, _| raise!(cx, AttributeError, "readonly attribute")) }
}

/// True for instances of BaseExceptionGroup.
pub fn is_group(v: Value) -> bool {
    v.is_instance(&exceptions::BaseExceptionGroup)
}

/// The nested exceptions of a group. May collect.
pub fn exceptions_of(cx: &mut Cx, group: Value) -> &'static Tuple {
    match of(group).extra(EXCEPTIONS).and_then(|e| e.downcast::<Tuple>()) {
        Some(tuple) => tuple,
        None => Tuple::new(cx, &[]),
    }
}

struct GroupMethods;

#[pymethods]
impl GroupMethods {
    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        crate::types::typing::new_generic_alias(cx, class, item)
    }

    #[py("($self, excs, /)")]
    fn derive(cx: &mut Cx, this: Value, excs: Value) -> PyResult<Value> {
        let message = of(this).extra(MESSAGE).unwrap_or(Value::none());
        cx.call(Value::of(&exceptions::BaseExceptionGroup), &[message, excs])
    }

    #[py("($self, matcher_value, /)")]
    fn split(cx: &mut Cx, this: Value, matcher_value: Value) -> PyResult<Value> {
        let matcher = Matcher::from_value(cx, matcher_value)?;
        let (matching, rest) = split(cx, this, &matcher, true)?;
        let pair = [matching.unwrap_or(Value::none()), rest.unwrap_or(Value::none())];
        Ok(Value::of(Tuple::new(cx, &pair)))
    }

    #[py("($self, matcher_value, /)")]
    fn subgroup(cx: &mut Cx, this: Value, matcher_value: Value) -> PyResult<Option<Value>> {
        let matcher = Matcher::from_value(cx, matcher_value)?;
        Ok(split(cx, this, &matcher, false)?.0)
    }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let &[message, given] = args.pos() else {
        let n = args.pos().len();
        return raise!(cx, TypeError, "BaseExceptionGroup.__new__() takes exactly 2 arguments ({n} given)");
    };
    if message.downcast::<Str>().is_none() {
        let got = if message.is_none() { "None".to_string() } else { message.class().tp_name() };
        return raise!(cx, TypeError, "BaseExceptionGroup.__new__() argument 1 must be str, not {got}");
    }
    if !is_sequence(given) {
        return raise!(cx, TypeError, "second argument (exceptions) must be a sequence");
    }
    let items = exception::to_tuple(cx, given)?;
    if items.is_empty() {
        return raise!(cx, ValueError, "second argument (exceptions) must be a non-empty sequence");
    }
    let mut base_only = false;
    for (i, item) in items.items().iter().enumerate() {
        if item.downcast::<Exception>().is_none() {
            return raise!(cx, ValueError, "Item {i} of second argument (exceptions) is not an exception");
        }
        base_only |= !item.is_instance(&exceptions::Exception_);
    }
    let class = class_for(cx, class, base_only)?;
    let args = Tuple::new(cx, args.pos());
    let group = exceptions::new_raw(cx, class, args);
    of(group).set_extra(cx, MESSAGE, Some(message));
    of(group).set_extra(cx, EXCEPTIONS, Some(Value::of(items)));
    if given.exact::<List>().is_none() && given.exact::<Tuple>().is_none() {
        let text = obj::repr(cx, given)?;
        of(group).set_extra(cx, EXCEPTIONS_REPR, Some(Value::of(text)));
    }
    Ok(group)
}

/// Only BaseExceptionGroup and its subclasses that are not exceptions themselves hold exceptions like SystemExit.
fn class_for(cx: &mut Cx, class: &'static Type, base_only: bool) -> PyResult<&'static Type> {
    let group = exceptions::exception_group();
    if std::ptr::eq(class, &exceptions::BaseExceptionGroup) {
        return Ok(if base_only { class } else { group });
    }
    if base_only && std::ptr::eq(class, group) {
        return raise!(cx, TypeError, "Cannot nest BaseExceptions in an ExceptionGroup");
    }
    if base_only && class.is_subtype(&exceptions::Exception_) {
        return raise!(cx, TypeError, "Cannot nest BaseExceptions in '{}'", class.name());
    }
    Ok(class)
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    exception::init(cx, v, args)
}

fn str(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let message = obj::str(cx, of(v).extra(MESSAGE).unwrap_or(Value::none()))?;
    let n = exceptions_of(cx, v).len();
    let s = if n == 1 { "" } else { "s" };
    Ok(exception::text_around(cx, "", message, &format!(" ({n} sub-exception{s})")))
}

/// `Name(message, exceptions)` with the exceptions in the kind of sequence that was given.
fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = v.class().name();
    let message = obj::repr(cx, of(v).extra(MESSAGE).unwrap_or(Value::none()))?;
    let items = match of(v).extra(EXCEPTIONS_REPR).and_then(|r| r.downcast::<Str>()) {
        Some(text) => text,
        None => {
            let items = exceptions_of(cx, v);
            let as_list = of(v).args().get(1).is_some_and(|given| given.downcast::<List>().is_some());
            let shown = if as_list { Value::of(List::from_slice(cx, items.items())) } else { Value::of(items) };
            obj::repr(cx, shown)?
        }
    };
    let mut points: Vec<u32> = format!("{name}(").chars().map(u32::from).collect();
    points.extend(message.chars());
    points.extend([u32::from(','), u32::from(' ')]);
    points.extend(items.chars());
    points.push(u32::from(')'));
    Ok(Value::of(Str::from_code_points(cx, &points)))
}

/// What `split` and `subgroup` select by.
enum Matcher {
    /// A class or a tuple of classes.
    Class(Value),
    /// A function of the exception.
    Predicate(Value),
    /// One of these exceptions, by identity.
    Leaves(&'static List),
}

impl Matcher {
    fn from_value(cx: &mut Cx, v: Value) -> PyResult<Matcher> {
        let is_exception_class = |v: Value| v.downcast::<Type>().is_some_and(|t| t.has(flags::BASE_EXC));
        if is_exception_class(v) {
            return Ok(Matcher::Class(v));
        }
        if let Some(tuple) = v.downcast::<Tuple>()
            && tuple.items().iter().all(|item| is_exception_class(*item))
        {
            return Ok(Matcher::Class(v));
        }
        if v.downcast::<Type>().is_none() && v.class().slots().call.is_some() {
            return Ok(Matcher::Predicate(v));
        }
        raise!(
            cx,
            TypeError,
            "expected an exception type, a tuple of exception types, or a callable (other than a class)"
        )
    }

    fn matches(&self, cx: &mut Cx, exception: Value) -> PyResult<bool> {
        match self {
            Matcher::Class(class) => exceptions::matches(cx, exception, *class),
            Matcher::Predicate(f) => {
                let r = cx.call(*f, &[exception])?;
                obj::truth(cx, r)
            }
            Matcher::Leaves(list) => Ok(!is_group(exception) && list.items().contains(&exception)),
        }
    }
}

/// Splits `exception` into the part that matches and the rest (left out unless `with_rest`). May run Python code.
fn split(
    cx: &mut Cx,
    exception: Value,
    matcher: &Matcher,
    with_rest: bool,
) -> PyResult<(Option<Value>, Option<Value>)> {
    if matcher.matches(cx, exception)? {
        return Ok((Some(exception), None));
    }
    if !is_group(exception) {
        return Ok((None, Some(exception).filter(|_| with_rest)));
    }
    let (matching, rest) = (List::new(cx), List::new(cx));
    for item in exceptions_of(cx, exception).items() {
        let (m, r) = cx.nested(" in exceptiongroup_split_recursive", |cx| split(cx, *item, matcher, with_rest))?;
        if let Some(m) = m {
            matching.push(cx, m);
        }
        if let Some(r) = r {
            rest.push(cx, r);
        }
    }
    let matching = subset(cx, exception, matching)?;
    let rest = if with_rest { subset(cx, exception, rest)? } else { None };
    Ok((matching, rest))
}

/// A group like `original` of some of its exceptions, None for no exceptions. May run Python code.
fn subset(cx: &mut Cx, original: Value, items: &'static List) -> PyResult<Option<Value>> {
    if items.is_empty() {
        return Ok(None);
    }
    let group = cx.call_method_text(original, "derive", &[Value::of(items)])?;
    if !is_group(group) {
        return raise!(cx, TypeError, "derive must return an instance of BaseExceptionGroup");
    }
    let (from, to) = (of(original), of(group));
    if from.traceback.get().is_some() {
        to.traceback.set(from.traceback.get());
    }
    to.context.set(from.context.get());
    exceptions::set_cause(cx, to, from.cause.get());
    cx.barrier(to);
    let name = cx.names().__notes__;
    if let Some(notes) = attr::get_optional(cx, original, name)?
        && is_sequence(notes)
    {
        let copy = crate::protocol::iter::to_list(cx, notes)?;
        attr::set(cx, group, name, Some(Value::of(copy)))?;
    }
    Ok(Some(group))
}

/// A group made natively. May collect.
fn make_group(cx: &mut Cx, message: &str, items: Value) -> PyResult<Value> {
    let message = cx.str(message);
    cx.call(Value::of(&exceptions::BaseExceptionGroup), &[message, items])
}

fn check_star_types(cx: &mut Cx, pattern: Value) -> PyResult<()> {
    let items = match pattern.downcast::<Tuple>() {
        Some(tuple) => tuple.items(),
        None => &[pattern],
    };
    for item in items {
        match item.downcast::<Type>().filter(|t| t.has(flags::BASE_EXC)) {
            None => {
                return raise!(cx, TypeError, "catching classes that do not inherit from BaseException is not allowed");
            }
            Some(class) if class.is_subtype(&exceptions::BaseExceptionGroup) => {
                return raise!(
                    cx,
                    TypeError,
                    "catching ExceptionGroup with except* is not allowed. Use except instead."
                );
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// `except* pattern`: the part of `exception` that matches and the rest, each None if empty. A matching exception
/// that is no group is wrapped in one. May run Python code.
pub fn check_eg_match(cx: &mut Cx, exception: Value, pattern: Value) -> PyResult<(Option<Value>, Option<Value>)> {
    check_star_types(cx, pattern)?;
    if exception.is_none() {
        return Ok((None, None));
    }
    if exceptions::matches(cx, exception, pattern)? {
        if is_group(exception) {
            return Ok((Some(exception), None));
        }
        let items = Value::of(Tuple::new(cx, &[exception]));
        let group = make_group(cx, "", items)?;
        if let Some(tb) = Traceback::of_running_frame(cx) {
            of(group).traceback.set(Some(Value::of(tb)));
            cx.barrier(of(group));
        }
        return Ok((Some(group), None));
    }
    if !is_group(exception) {
        return Ok((None, Some(exception)));
    }
    let pair = cx.call_method_text(exception, "split", &[pattern])?;
    let class = exception.class().name();
    let Some(tuple) = pair.downcast::<Tuple>() else {
        let got = pair.class().name();
        return raise!(cx, TypeError, "{class}.split must return a tuple, not {got}");
    };
    let [matching, rest, ..] = tuple.items() else {
        let n = tuple.len();
        return raise!(cx, TypeError, "{class}.split must return a 2-tuple, got tuple of size {n}");
    };
    Ok((Some(*matching).filter(|v| !v.is_none()), Some(*rest).filter(|v| !v.is_none())))
}

/// True if `a` is a part of `b` that was neither raised anew nor changed: same notes, traceback, cause and context.
fn same_metadata(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
    let (x, y) = (of(a), of(b));
    if x.traceback.get() != y.traceback.get() || x.cause.get() != y.cause.get() || x.context.get() != y.context.get() {
        return Ok(false);
    }
    let name = cx.names().__notes__;
    // Splitting copies the list of notes, so the lists' items are compared.
    let notes = |cx: &mut Cx, v: Value| -> PyResult<Vec<Value>> {
        let found = attr::get_optional(cx, v, name)?;
        Ok(found.and_then(|n| n.downcast::<List>()).map_or(Vec::new(), |l| l.items().to_vec()))
    };
    Ok(notes(cx, a)? == notes(cx, b)?)
}

fn collect_leaves(cx: &mut Cx, v: Value, leaves: &'static List) -> PyResult<()> {
    if !is_group(v) {
        leaves.push(cx, v);
        return Ok(());
    }
    for item in exceptions_of(cx, v).items() {
        cx.nested(" in collect_exception_group_leaf_ids", |cx| collect_leaves(cx, *item, leaves))?;
    }
    Ok(())
}

/// The end of `try`/`except*`: what must be raised given the exception that the `try` block raised and the list of
/// what the clauses raised and left over (its items may be None). None: nothing. May run Python code.
pub fn prep_reraise_star(cx: &mut Cx, original: Value, results: &'static List) -> PyResult<Option<Value>> {
    if results.is_empty() {
        return Ok(None);
    }
    if !is_group(original) {
        // A single exception that a clause caught and wrapped: only one clause ran.
        return Ok(results.get(0).filter(|e| !e.is_none()));
    }
    let (raised, leaves) = (List::new(cx), List::new(cx));
    let mut reraised = false;
    for i in 0..results.len() {
        let Some(e) = results.get(i).filter(|e| !e.is_none()) else { continue };
        if same_metadata(cx, e, original)? {
            reraised = true;
            collect_leaves(cx, e, leaves)?;
        } else {
            raised.push(cx, e);
        }
    }
    let rest = if reraised { split(cx, original, &Matcher::Leaves(leaves), false)?.0 } else { None };
    if raised.is_empty() {
        return Ok(rest);
    }
    if let Some(rest) = rest {
        raised.push(cx, rest);
    }
    match raised.items() {
        [one] => Ok(Some(*one)),
        _ => make_group(cx, "", Value::of(raised)).map(Some),
    }
}

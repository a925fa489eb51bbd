//! string.templatelib: Template and Interpolation (PEP 750).

use std::cell::Cell;

use crate::cx::Cx;
use crate::heap::RootVec;
use crate::native::{self, Args, FromArg, ParamSpec as Signature};
use crate::object::Header;
use crate::protocol::import::import_attr;
use crate::protocol::object as any;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr_methods::members;
use crate::types::generic_alias;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_gc::Marker;
use taipan_macros::pymethods;

/// A template: one more string than interpolations.
#[repr(C)]
pub struct Template {
    header: Header,
    strings: &'static Tuple,
    interpolations: &'static Tuple,
}
object!(Template, TEMPLATE);

/// The type `string.templatelib.Template`.
pub static TEMPLATE: Type = Type::new(&TEMPLATE_SPEC);
static TEMPLATE_SPEC: TypeSpec = TypeSpec {
    name: "string.templatelib.Template",
    basicsize: std::mem::size_of::<Template>(),
    trace: Some(|object, marker| {
        // SAFETY: called for templates only.
        let this = unsafe { &*object.cast::<Template>() };
        marker.mark_value(Value::of(this.strings).bits());
        marker.mark_value(Value::of(this.interpolations).bits());
    }),
    slots: Slots {
        repr: Some(|cx, v| {
            let this = template(v);
            let strings = any::repr_text(cx, Value::of(this.strings))?;
            let interpolations = any::repr_text(cx, Value::of(this.interpolations))?;
            Ok(cx.str(&format!("Template(strings={strings}, interpolations={interpolations})")))
        }),
        iter: Some(|cx, v| {
            let this = TemplateIterator {
                header: Header::fresh(&TEMPLATE_ITERATOR),
                template: template(v),
                next: Cell::new(0),
            };
            Ok(Value::of(cx.alloc(this)))
        }),
        concat: Some(concat),
        new: Some(new_from_args),
        ..Slots::NONE
    },
    methods: &[Template::METHODS],
    getsets: &[Template::GETSETS, TEMPLATE_MEMBERS],
    doc: "Template object",
    ..TypeSpec::DEFAULT
};

members! {
    TEMPLATE_MEMBERS: Template;
    "strings" "Strings" |_cx, t| Value::of(t.strings);
    "interpolations" "Interpolations" |_cx, t| Value::of(t.interpolations);
}

fn template(v: Value) -> &'static Template {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// The template of a t-string: tuples of strings and of interpolations. May collect.
pub fn new(cx: &mut Cx, strings: &'static Tuple, interpolations: &'static Tuple) -> Value {
    Value::of(cx.alloc(Template { header: Header::fresh(&TEMPLATE), strings, interpolations }))
}

/// Strings and interpolations in any order, brought into a template's form.
struct Parts {
    strings: RootVec,
    interpolations: RootVec,
    after_string: bool,
}

impl Parts {
    fn new() -> Parts {
        Parts { strings: RootVec::new(), interpolations: RootVec::new(), after_string: false }
    }

    fn add_string(&mut self, cx: &mut Cx, s: &'static Str) {
        match self.strings.last().and_then(|l| l.downcast::<Str>()).filter(|_| self.after_string) {
            Some(last) => {
                let joined = last.concat(cx, s);
                self.strings.pop();
                self.strings.push(Value::of(joined));
            }
            None => self.strings.push(Value::of(s)),
        }
        self.after_string = true;
    }

    fn add_interpolation(&mut self, cx: &mut Cx, v: Value) {
        if !self.after_string {
            let empty = cx.names().empty;
            self.strings.push(Value::of(empty));
        }
        self.interpolations.push(v);
        self.after_string = false;
    }

    fn finish(mut self, cx: &mut Cx) -> Value {
        if !self.after_string {
            let empty = cx.names().empty;
            self.strings.push(Value::of(empty));
        }
        let strings = Tuple::new(cx, &self.strings);
        let interpolations = Tuple::new(cx, &self.interpolations);
        new(cx, strings, interpolations)
    }
}

fn new_from_args(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    if args.kwnames().is_some() {
        return raise!(cx, TypeError, "Template.__new__ only accepts *args arguments");
    }
    let mut parts = Parts::new();
    for arg in args.values() {
        if let Some(s) = arg.downcast::<Str>() {
            parts.add_string(cx, s);
        } else if arg.exact::<Interpolation>().is_some() {
            parts.add_interpolation(cx, *arg);
        } else {
            let got = arg.class().tp_name();
            return raise!(
                cx,
                TypeError,
                "Template.__new__ *args need to be of type 'str' or 'Interpolation', got {got}"
            );
        }
    }
    Ok(parts.finish(cx))
}

fn concat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.exact::<Template>(), b.exact::<Template>()) else {
        let got = b.class().tp_name();
        return raise!(
            cx,
            TypeError,
            "can only concatenate string.templatelib.Template (not \"{got}\") to string.templatelib.Template"
        );
    };
    let mut parts = Parts::new();
    for t in [x, y] {
        for (i, s) in t.strings.items().iter().enumerate() {
            if let Some(s) = s.downcast::<Str>() {
                parts.add_string(cx, s);
            }
            if let Some(v) = t.interpolations.items().get(i) {
                parts.add_interpolation(cx, *v);
            }
        }
    }
    Ok(parts.finish(cx))
}

#[pymethods]
impl Template {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Template) -> PyResult<Value> {
        let f = import_attr(cx, "string.templatelib", "_template_unpickle")?;
        let state = Value::of(Tuple::new(cx, &[Value::of(this.strings), Value::of(this.interpolations)]));
        Ok(Value::of(Tuple::new(cx, &[f, state])))
    }
    /// Template supports [] for generic usage
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        generic_alias::new(cx, class, object)
    }
    /// Values of interpolations
    #[getter]
    fn values(cx: &mut Cx, this: &'static Template) -> Value {
        let mut values = RootVec::new();
        values.extend(this.interpolations.items().iter().filter_map(|i| i.exact::<Interpolation>()).map(|i| i.value));
        Value::of(Tuple::new(cx, &values))
    }
}

// ---- Interpolation ---------------------------------------------------------------------------------

/// An interpolation.
#[repr(C)]
pub struct Interpolation {
    header: Header,
    value: Value,
    expression: Value,
    conversion: Value,
    format_spec: Value,
}
object!(Interpolation, INTERPOLATION);

/// The type `string.templatelib.Interpolation`.
pub static INTERPOLATION: Type = Type::new(&INTERPOLATION_SPEC);
static INTERPOLATION_SPEC: TypeSpec = TypeSpec {
    name: "string.templatelib.Interpolation",
    basicsize: std::mem::size_of::<Interpolation>(),
    trace: Some(trace_interpolation),
    slots: Slots {
        repr: Some(|cx, v| {
            // SAFETY: the slot of interpolations.
            let this = unsafe { v.cast::<Interpolation>() };
            let mut parts = Vec::new();
            for part in this.parts() {
                parts.push(any::repr_text(cx, part)?);
            }
            Ok(cx.str(&format!("Interpolation({})", parts.join(", "))))
        }),
        new: Some(new_interpolation_from_args),
        ..Slots::NONE
    },
    methods: &[Interpolation::METHODS],
    getsets: &[INTERPOLATION_MEMBERS],
    doc: "Interpolation object",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_interpolation(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for interpolations only.
    for part in unsafe { (*object.cast::<Interpolation>()).parts() } {
        marker.mark_value(part.bits());
    }
}

members! {
    INTERPOLATION_MEMBERS: Interpolation;
    "value" "Value" |_cx, i| i.value;
    "expression" "Expression" |_cx, i| i.expression;
    "conversion" "Conversion" |_cx, i| i.conversion;
    "format_spec" "Format specifier" |_cx, i| i.format_spec;
}

static PARAMS: Signature = Signature {
    name: "Interpolation",
    names: &["value", "expression", "conversion", "format_spec"],
    positional_only: 0,
    positional: 4,
    required: 1,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

impl Interpolation {
    fn parts(&self) -> [Value; 4] {
        [self.value, self.expression, self.conversion, self.format_spec]
    }
}

fn new_interpolation_from_args(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 4];
    native::bind(cx, &PARAMS, args, &mut bound)?;
    for i in [1, 3] {
        if bound[i].is_some() {
            <&'static Str>::from_arg(cx, bound[i], &PARAMS, i)?;
        }
    }
    let conversion = bound[2].filter(|c| !c.is_none());
    if conversion.is_some() {
        let text = <&'static Str>::from_arg(cx, conversion, &PARAMS, 2)?;
        if !["s", "a", "r"].iter().any(|c| text.eq_rust(c)) {
            return raise!(cx, ValueError, "Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'");
        }
    }
    let empty = Value::of(cx.names().empty);
    let value = bound[0].expect("required");
    Ok(new_interpolation(cx, value, bound[1].unwrap_or(empty), conversion, bound[3].unwrap_or(empty)))
}

/// An interpolation of a t-string; `conversion` is "s", "r", "a" or none. May collect.
pub fn new_interpolation(
    cx: &mut Cx,
    value: Value,
    expression: Value,
    conversion: Option<Value>,
    format_spec: Value,
) -> Value {
    let conversion = conversion.unwrap_or(Value::none());
    let header = Header::fresh(&INTERPOLATION);
    Value::of(cx.alloc(Interpolation { header, value, expression, conversion, format_spec }))
}

#[pymethods]
impl Interpolation {
    /// __reduce__() -> (cls, state)
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Interpolation) -> Value {
        let state = Value::of(Tuple::new(cx, &this.parts()));
        Value::of(Tuple::new(cx, &[Value::of(&INTERPOLATION), state]))
    }
    /// Interpolations are generic over the types of their values
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        generic_alias::new(cx, class, object)
    }
}

// ---- iteration -------------------------------------------------------------------------------------

/// The iterator of a template: its non-empty strings and its interpolations in order.
#[repr(C)]
pub struct TemplateIterator {
    header: Header,
    template: &'static Template,
    next: Cell<usize>,
}
object!(TemplateIterator, TEMPLATE_ITERATOR);

/// The type `string.templatelib.TemplateIter`.
pub static TEMPLATE_ITERATOR: Type = Type::new(&TEMPLATE_ITERATOR_SPEC);
static TEMPLATE_ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "string.templatelib.TemplateIter",
    basicsize: std::mem::size_of::<TemplateIterator>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(|object, marker| {
        // SAFETY: called for these iterators only.
        marker.mark_value(Value::of(unsafe { (*object.cast::<TemplateIterator>()).template }).bits());
    }),
    slots: Slots {
        iter: Some(|_, v| Ok(v)),
        next: Some(|_, v| {
            // SAFETY: the slot of these iterators.
            let this = unsafe { v.cast::<TemplateIterator>() };
            loop {
                let i = this.next.get();
                let list = if i % 2 == 0 { this.template.strings } else { this.template.interpolations };
                let Some(part) = list.items().get(i / 2) else { return Ok(None) };
                this.next.set(i + 1);
                if !part.downcast::<Str>().is_some_and(|s| s.is_empty()) {
                    return Ok(Some(*part));
                }
            }
        }),
        ..Slots::NONE
    },
    doc: "Template iterator object",
    ..TypeSpec::DEFAULT
};

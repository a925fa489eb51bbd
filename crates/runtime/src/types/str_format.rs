//! `str.format` and `str.format_map`.

use std::ops::Range;

use crate::cx::Cx;
use crate::native::Args;
use crate::protocol::{attr, format, object};
use crate::types::str::{Str, Units};
use crate::types::str_build::StrBuf;
use crate::types::str_methods::escape_non_ascii;
use crate::value::Value;
use crate::{PyResult, raise, with_units};
use taipan_macros::pymethods;
use taipan_text::template::{self, Accessor, Field, First, Numbering};

/// The formatting methods of str.
pub struct StrFormat;

#[pymethods]
impl StrFormat {
    /// Return a formatted version of the string, using substitutions from args and kwargs.
    /// The substitutions are identified by braces ('{' and '}').
    #[py("($self, /, *args, **kwargs)", raw)]
    fn format(cx: &mut Cx, args: Args) -> PyResult<&'static Str> {
        let Some(text) = args.values().first().and_then(|v| v.downcast::<Str>()) else {
            return raise!(cx, TypeError, "unbound method str.format() needs an argument");
        };
        render(cx, text, Source::Arguments(args.rest()))
    }
    /// Return a formatted version of the string, using substitutions from mapping.
    /// The substitutions are identified by braces ('{' and '}').
    #[py("($self, mapping, /)")]
    fn format_map(cx: &mut Cx, this: &'static Str, mapping: Value) -> PyResult<&'static Str> {
        render(cx, this, Source::Mapping(mapping))
    }
}

/// Where the values of fields come from.
#[derive(Clone, Copy)]
enum Source<'a> {
    Arguments(Args<'a>),
    Mapping(Value),
}

fn render(cx: &mut Cx, text: &'static Str, source: Source) -> PyResult<&'static Str> {
    let mut out = StrBuf::with_capacity(text.len() + 16);
    let mut renderer = Renderer { text, source, numbering: Numbering::default() };
    renderer.render(cx, 0..text.len(), 2, &mut out)?;
    Ok(out.finish(cx))
}

struct Renderer<'a> {
    text: &'static Str,
    source: Source<'a>,
    numbering: Numbering,
}

/// Unwraps the result of the template parser.
macro_rules! parsed {
    ($cx:expr, $result:expr) => {
        match $result {
            Ok(v) => v,
            Err(e) => return Err(format::raise_error($cx, e)),
        }
    };
}

impl Renderer<'_> {
    fn render(&mut self, cx: &mut Cx, range: Range<usize>, depth: usize, out: &mut StrBuf) -> PyResult<()> {
        if depth == 0 {
            return raise!(cx, ValueError, "Max string recursion exceeded");
        }
        let units = self.text.units();
        with_units!(units, u => {
            for segment in template::segments(u, range) {
                let segment = parsed!(cx, segment);
                out.push_units(units.slice(segment.literal.start, segment.literal.end));
                if let Some(field) = segment.field {
                    self.field(cx, field, depth, out)?;
                }
            }
        });
        Ok(())
    }

    fn field(&mut self, cx: &mut Cx, field: Field, depth: usize, out: &mut StrBuf) -> PyResult<()> {
        let value = self.value(cx, field.name.clone())?;
        let value = match field.conversion {
            None => value,
            Some(c) => convert(cx, value, c)?,
        };
        let spec = if field.spec.is_empty() {
            cx.names().empty
        } else if field.nested {
            let mut spec = StrBuf::new();
            self.render(cx, field.spec, depth - 1, &mut spec)?;
            spec.finish(cx)
        } else {
            self.text.slice(cx, field.spec.start, field.spec.end)
        };
        let text = format::format_value(cx, value, spec)?;
        out.push_str(text);
        Ok(())
    }

    /// The value that a field name leads to.
    fn value(&mut self, cx: &mut Cx, name: Range<usize>) -> PyResult<Value> {
        with_units!(self.text.units(), u => {
            let (first, rest) = parsed!(cx, template::split_name(u, name));
            let mut value = self.first(cx, first)?;
            for accessor in rest {
                value = match parsed!(cx, accessor) {
                    Accessor::Attr(r) => {
                        let name = self.text.slice(cx, r.start, r.end);
                        let name = cx.intern_value(name);
                        attr::get(cx, value, name)?
                    }
                    Accessor::Index(i) => {
                        let i = cx.int(i as i64);
                        object::get_item(cx, value, i)?
                    }
                    Accessor::Key(r) => {
                        let key = Value::of(self.text.slice(cx, r.start, r.end));
                        object::get_item(cx, value, key)?
                    }
                };
            }
            Ok(value)
        })
    }

    fn first(&mut self, cx: &mut Cx, first: First) -> PyResult<Value> {
        let index = parsed!(cx, self.numbering.index(&first));
        match (index, self.source, first) {
            (Some(i), Source::Arguments(args), _) => match args.pos().get(i) {
                Some(v) => Ok(*v),
                None => raise!(cx, IndexError, "Replacement index {i} out of range for positional args tuple"),
            },
            (Some(_), Source::Mapping(_), _) => {
                raise!(cx, ValueError, "Format string contains positional fields")
            }
            (None, source, First::Name(r)) => {
                let key = self.text.slice(cx, r.start, r.end);
                match source {
                    Source::Mapping(mapping) => object::get_item(cx, mapping, Value::of(key)),
                    Source::Arguments(args) => match args.keywords().find(|(name, _)| name.eq_str(key)) {
                        Some((_, v)) => Ok(v),
                        None => Err(cx.raise_value(&crate::exceptions::KeyError, Value::of(key))),
                    },
                }
            }
            (None, ..) => unreachable!("only names have no index"),
        }
    }
}

/// Applies `!r`, `!s` or `!a`.
fn convert(cx: &mut Cx, v: Value, conversion: u32) -> PyResult<Value> {
    match char::from_u32(conversion) {
        Some('r') => object::repr_value(cx, v),
        Some('s') => object::str(cx, v).map(Value::of),
        Some('a') => ascii(cx, v).map(Value::of),
        Some(c @ '!'..='~') => raise!(cx, ValueError, "Unknown conversion specifier {c}"),
        _ => raise!(cx, ValueError, "Unknown conversion specifier \\x{conversion:x}"),
    }
}

/// `ascii(v)`.
pub fn ascii(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    let text = object::repr(cx, v)?;
    Ok(escape_non_ascii(cx, text))
}

/// A list of (literal, field name, format spec, conversion) of a template, as `string.Formatter.parse` gives them.
pub fn parse_template(cx: &mut Cx, text: &'static Str) -> PyResult<&'static crate::types::list::List> {
    let list = crate::types::list::List::new(cx);
    let units = text.units();
    with_units!(units, u => {
        for segment in template::segments(u, 0..u.len()) {
            let segment = parsed!(cx, segment);
            let literal = Value::of(text.slice(cx, segment.literal.start, segment.literal.end));
            let row = match segment.field {
                None => [literal, Value::none(), Value::none(), Value::none()],
                Some(f) => {
                    let name = Value::of(text.slice(cx, f.name.start, f.name.end));
                    let spec = Value::of(text.slice(cx, f.spec.start, f.spec.end));
                    let conversion = f.conversion.map_or(Value::none(), |c| Value::of(cx.char(c)));
                    [literal, name, spec, conversion]
                }
            };
            let row = crate::types::tuple::Tuple::new(cx, &row);
            list.push(cx, Value::of(row));
        }
    });
    Ok(list)
}

/// The first part of a field name (int or str) and a list of (is attribute, name or index).
pub fn split_field_name(cx: &mut Cx, text: &'static Str) -> PyResult<(Value, &'static crate::types::list::List)> {
    use crate::types::tuple::Tuple;
    let list = crate::types::list::List::new(cx);
    let units: Units = text.units();
    with_units!(units, u => {
        let (first, rest) = parsed!(cx, template::split_name(u, 0..u.len()));
        for accessor in rest {
            let (is_attr, value) = match parsed!(cx, accessor) {
                Accessor::Attr(r) => (true, Value::of(text.slice(cx, r.start, r.end))),
                Accessor::Key(r) => (false, Value::of(text.slice(cx, r.start, r.end))),
                Accessor::Index(i) => (false, cx.int(i as i64)),
            };
            let row = Tuple::new(cx, &[Value::bool(is_attr), value]);
            list.push(cx, Value::of(row));
        }
        let first = match first {
            First::Auto => Value::of(cx.names().empty),
            First::Index(i) => cx.int(i as i64),
            First::Name(r) => Value::of(text.slice(cx, r.start, r.end)),
        };
        Ok((first, list))
    })
}

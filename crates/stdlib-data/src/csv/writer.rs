//! The writer: puts rows together and hands each to `write`.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, iter, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::str::{Str, push_generalized_utf8};
use taipan_runtime::types::{float, int};
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, trace_values};

use super::dialect::{Dialect, Quoting, Rules};
use super::error;

/// A writer.
#[repr(C)]
pub struct Writer {
    header: Header,
    write: Cell<Option<Value>>,
    dialect: Cell<Option<&'static Dialect>>,
}
object!(Writer, WRITER);
trace_values!(trace_writer, Writer, |t| [t.write.get(), t.dialect.get().map(Value::of)]);

/// The type `_csv.writer`.
pub static WRITER: Type = Type::new(&WRITER_SPEC);
static WRITER_SPEC: TypeSpec = TypeSpec {
    name: "_csv.writer",
    basicsize: std::mem::size_of::<Writer>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_writer),
    slots: Slots::NONE,
    methods: &[Writer::METHODS],
    getsets: &[Writer::GETSETS],
    doc: "CSV writer\n\nWriter objects are responsible for generating tabular data\nin CSV format from sequence input.\n",
    ..TypeSpec::DEFAULT
};

/// A writer to a file object. May collect.
pub fn new(cx: &mut Cx, file: Value, dialect: &'static Dialect) -> PyResult<Value> {
    cx.ready_type(&WRITER);
    let name = cx.intern("write");
    let write = attr::get_optional(cx, file, name)?.filter(|w| w.class().slots().call.is_some());
    let Some(write) = write else {
        return raise!(cx, TypeError, "argument 1 must have a \"write\" method");
    };
    let header = Header::fresh(&WRITER);
    Ok(Value::of(cx.alloc(Writer { header, write: Cell::new(Some(write)), dialect: Cell::new(Some(dialect)) })))
}

/// A row being put together, as generalized UTF-8.
struct Row<'a> {
    out: Vec<u8>,
    fields: usize,
    rules: &'a Rules,
    ends: Vec<u32>,
}

impl Row<'_> {
    fn is_special(&self, c: u32) -> bool {
        c == self.rules.delimiter
            || Some(c) == self.rules.escape
            || Some(c) == self.rules.quote
            || c == u32::from('\n')
            || c == u32::from('\r')
            || self.ends.contains(&c)
    }

    /// Appends a field; `is_null` for None.
    fn append(&mut self, cx: &mut Cx, text: &Str, mut quoted: bool, is_null: bool) -> PyResult<()> {
        let rules = self.rules;
        if self.fields > 0 {
            push_generalized_utf8(rules.delimiter, &mut self.out);
        }
        self.fields += 1;
        let refuses_null = is_null && matches!(rules.quoting, Quoting::Strings | Quoting::NotNull);
        if text.is_empty() && rules.delimiter == u32::from(' ') && rules.skip_space {
            if rules.quoting == Quoting::Never || refuses_null {
                let text = "empty field must be quoted if delimiter is a space and skipinitialspace is true";
                return Err(error(cx, text));
            }
            quoted = true;
        }
        let start = self.out.len();
        match text.as_ascii() {
            Some(ascii) if !ascii.bytes().any(|b| self.is_special(u32::from(b))) => {
                self.out.extend_from_slice(ascii.as_bytes());
            }
            _ => {
                for c in text.chars() {
                    if self.is_special(c) {
                        quoted |= self.escape(cx, c)?;
                    }
                    push_generalized_utf8(c, &mut self.out);
                }
            }
        }
        if quoted && let Some(quote) = rules.quote {
            let mut mark = Vec::new();
            push_generalized_utf8(quote, &mut mark);
            self.out.splice(start..start, mark.iter().copied());
            self.out.extend_from_slice(&mark);
        }
        Ok(())
    }

    /// Prepares for the special character `c`; true if the field must be quoted for it.
    fn escape(&mut self, cx: &mut Cx, c: u32) -> PyResult<bool> {
        let rules = self.rules;
        let is_quote = Some(c) == rules.quote;
        if rules.quoting != Quoting::Never {
            if is_quote && rules.double_quote {
                push_generalized_utf8(c, &mut self.out);
                return Ok(true);
            }
            if !is_quote && Some(c) != rules.escape {
                return Ok(true);
            }
        }
        match rules.escape {
            Some(escape) => {
                push_generalized_utf8(escape, &mut self.out);
                Ok(false)
            }
            None => Err(error(cx, "need to escape, but no escapechar set")),
        }
    }
}

fn is_number(v: Value) -> bool {
    let slots = v.class().slots();
    int::check(v) || float::as_f64(v).is_some() || slots.index.is_some() || slots.int.is_some() || slots.float.is_some()
}

impl Writer {
    fn write_row(&'static self, cx: &mut Cx, row: Value) -> PyResult<Value> {
        let (Some(write), Some(dialect)) = (self.write.get(), self.dialect.get()) else { return Ok(Value::none()) };
        let items = match iter::iter(cx, row) {
            Ok(items) => items,
            Err(raised) => {
                if !cx.exception_matches(&exceptions::TypeError) {
                    return Err(raised);
                }
                cx.take_exception();
                return Err(error(cx, &format!("iterable expected, not {}", row.class().tp_name())));
            }
        };
        let rules = dialect.rules();
        let terminator = dialect.terminator();
        let mut out = Row { out: Vec::new(), fields: 0, rules, ends: terminator.to_code_points() };
        let mut null = false;
        while let Some(field) = iter::next(cx, items)? {
            let quoted = match rules.quoting {
                Quoting::NonNumeric => !is_number(field),
                Quoting::All => true,
                Quoting::Strings => field.downcast::<Str>().is_some(),
                Quoting::NotNull => !field.is_none(),
                Quoting::Minimal | Quoting::Never => false,
            };
            null = field.is_none();
            let text = match field.downcast::<Str>() {
                Some(text) => text,
                None if null => cx.names().empty,
                None => protocol_object::str(cx, field)?,
            };
            out.append(cx, text, quoted, null)?;
        }
        if out.fields > 0 && out.out.is_empty() {
            let refuses_null = null && matches!(rules.quoting, Quoting::Strings | Quoting::NotNull);
            if rules.quoting == Quoting::Never || refuses_null {
                return Err(error(cx, "single empty field record must be quoted"));
            }
            out.fields -= 1;
            let empty = cx.names().empty;
            out.append(cx, empty, true, false)?;
        }
        out.out.extend_from_slice(&terminator.to_generalized_utf8());
        let line = Str::from_generalized_utf8(cx, &out.out);
        cx.call(write, &[Value::of(line)])
    }
}

#[pymethods]
impl Writer {
    /// Construct and write a CSV record from an iterable of fields.
    ///
    /// Non-string elements will be converted to string.
    #[py("($self, row, /)")]
    fn writerow(cx: &mut Cx, this: &'static Writer, row: Value) -> PyResult<Value> {
        this.write_row(cx, row)
    }

    /// Construct and write a series of iterables to a csv file.
    ///
    /// Non-string elements will be converted to string.
    #[py("($self, seqseq, /)")]
    fn writerows(cx: &mut Cx, this: &'static Writer, seqseq: Value) -> PyResult<()> {
        iter::for_each(cx, seqseq, |cx, row| this.write_row(cx, row).map(|_| true))
    }

    #[getter]
    fn dialect(_cx: &mut Cx, this: &'static Writer) -> Option<&'static Dialect> {
        this.dialect.get()
    }
}

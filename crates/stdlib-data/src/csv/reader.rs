//! The reader: a state machine over the characters of lines.
//!
//! A field is usually one run of characters of a line and is cut out of it; only fields with quotes inside, escapes or
//! line ends are put together in a buffer.

use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::Ordering;

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::iter;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::{Cx, PyResult, Value, object, trace_values};

use super::dialect::{Dialect, Quoting, Rules};
use super::{LIMIT, error};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    StartRecord,
    StartField,
    Escaped,
    InField,
    InQuoted,
    EscapedInQuoted,
    QuoteInQuoted,
    EatEnd,
    AfterEscapedEnd,
}

/// The field that is being read.
struct Field {
    state: State,
    /// Put together so far.
    buffer: Vec<u32>,
    /// Characters of the current line that follow the buffer.
    start: usize,
    end: usize,
    /// No quote around it.
    unquoted: bool,
}

/// A reader.
#[repr(C)]
pub struct Reader {
    header: Header,
    lines: Cell<Option<Value>>,
    dialect: Cell<Option<&'static Dialect>>,
    row: Cell<Option<&'static List>>,
    /// Fields of the row before.
    width: Cell<usize>,
    line_num: Cell<i64>,
    field: UnsafeCell<Field>,
}
object!(Reader, READER);
trace_values!(trace_reader, Reader, |t| [t.lines.get(), t.dialect.get().map(Value::of), t.row.get().map(Value::of),]);

unsafe fn drop_reader(object: *mut Header) {
    // SAFETY: a dead reader; its buffer is dropped once.
    unsafe { std::ptr::drop_in_place((*object.cast::<Reader>()).field.get()) };
}

/// The type `_csv.reader`.
pub static READER: Type = Type::new(&READER_SPEC);
static READER_SPEC: TypeSpec = TypeSpec {
    name: "_csv.reader",
    basicsize: std::mem::size_of::<Reader>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_reader),
    drop: Some(drop_reader),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    getsets: &[Reader::GETSETS],
    doc: "CSV reader\n\nReader objects are responsible for reading and parsing tabular data\nin CSV format.\n",
    ..TypeSpec::DEFAULT
};

/// A reader of an iterator of lines. May collect.
pub fn new(cx: &mut Cx, lines: Value, dialect: &'static Dialect) -> Value {
    cx.ready_type(&READER);
    let field = Field { state: State::StartRecord, buffer: Vec::new(), start: 0, end: 0, unquoted: true };
    let reader = Reader {
        header: Header::fresh(&READER),
        lines: Cell::new(Some(lines)),
        dialect: Cell::new(Some(dialect)),
        row: Cell::new(None),
        width: Cell::new(0),
        line_num: Cell::new(0),
        field: UnsafeCell::new(field),
    };
    Value::of(cx.alloc_of(&READER, reader))
}

impl Reader {
    #[allow(clippy::mut_from_ref)]
    fn field(&self) -> &mut Field {
        // SAFETY: the GIL is held, and nobody keeps the reference across Python code: `process` and `save` convert
        // floats of exact strs only.
        unsafe { &mut *self.field.get() }
    }

    /// Appends the finished field to the row.
    fn save(&self, cx: &mut Cx, line: &'static Str, rules: &Rules) -> PyResult<()> {
        let field = self.field();
        let text = if field.buffer.is_empty() {
            line.slice(cx, field.start, field.end)
        } else {
            field.spill(line);
            let text = Str::from_code_points(cx, &field.buffer);
            field.buffer.clear();
            text
        };
        (field.start, field.end) = (0, 0);
        let unquoted = std::mem::replace(&mut field.unquoted, true);
        let value = match rules.quoting {
            Quoting::NotNull | Quoting::Strings if unquoted && text.is_empty() => Value::none(),
            Quoting::NonNumeric | Quoting::Strings if unquoted => {
                let float = Value::of(&taipan_runtime::types::float::FLOAT);
                cx.call(float, &[Value::of(text)])?
            }
            _ => Value::of(text),
        };
        if let Some(row) = self.row.get() {
            row.push(cx, value);
        }
        Ok(())
    }
}

impl Field {
    /// Adds the character `c`, which is at `i` of the line or stands for its end.
    #[inline]
    fn add(&mut self, cx: &mut Cx, line: &Str, i: usize, c: u32) -> PyResult<()> {
        let limit = LIMIT.load(Ordering::Relaxed);
        if self.buffer.len() + (self.end - self.start) >= limit {
            return Err(error(cx, &format!("field larger than field limit ({limit})")));
        }
        if self.end == i && self.end > self.start && i < line.len() {
            self.end = i + 1;
        } else if self.end == self.start && self.buffer.is_empty() && i < line.len() {
            (self.start, self.end) = (i, i + 1);
        } else {
            self.spill(line);
            self.buffer.push(c);
        }
        Ok(())
    }

    /// Moves the run of the line into the buffer.
    fn spill(&mut self, line: &Str) {
        let units = line.units().slice(self.start, self.end);
        self.buffer.extend(units.chars());
        (self.start, self.end) = (0, 0);
    }
}

/// Stands for the end of a line.
const END: u32 = u32::MAX;

fn is_end(c: u32) -> bool {
    c == u32::from('\n') || c == u32::from('\r') || c == END
}

impl Reader {
    fn process_line(&self, cx: &mut Cx, line: &'static Str, rules: &Rules) -> PyResult<()> {
        match line.units() {
            Units::One(units) => self.process_units(cx, line, rules, units)?,
            Units::Two(units) => self.process_units(cx, line, rules, units)?,
            Units::Four(units) => self.process_units(cx, line, rules, units)?,
        }
        self.process(cx, line, rules, line.len(), END)
    }

    fn process_units<T: Copy + Into<u32>>(
        &self,
        cx: &mut Cx,
        line: &'static Str,
        rules: &Rules,
        units: &[T],
    ) -> PyResult<()> {
        let (quote, escape) = (rules.quote.unwrap_or(END), rules.escape.unwrap_or(END));
        let mut i = 0;
        while i < units.len() {
            let field = self.field();
            // Most fields are a run of characters that mean nothing up to the delimiter: they need no state machine.
            if matches!(field.state, State::StartRecord | State::StartField) && field.buffer.is_empty() {
                let run = units[i..].iter().take_while(|c| !rules.is_special((**c).into())).count();
                let ends = units.get(i + run).is_some_and(|c| (*c).into() == rules.delimiter);
                let skipped = run == 0 && rules.skip_space && rules.delimiter == u32::from(' ');
                if ends && !skipped && run <= LIMIT.load(Ordering::Relaxed) {
                    (field.start, field.end, field.state) = (i, i + run, State::StartField);
                    self.save(cx, line, rules)?;
                    i += run + 1;
                    continue;
                }
            }
            // The bulk of a field, without asking the state machine about each character.
            if field.end == i && field.end > field.start && field.state == State::InField {
                let plain = |c: u32| !is_end(c) && c != escape && c != rules.delimiter;
                let run = units[i..].iter().take_while(|c| plain((**c).into())).count();
                let room = LIMIT.load(Ordering::Relaxed).saturating_sub(field.buffer.len() + field.end - field.start);
                let run = run.min(room);
                (field.end, i) = (field.end + run, i + run);
            } else if field.end == i && field.end > field.start && field.state == State::InQuoted {
                let plain = |c: u32| c != escape && c != quote;
                let run = units[i..].iter().take_while(|c| plain((**c).into())).count();
                let room = LIMIT.load(Ordering::Relaxed).saturating_sub(field.buffer.len() + field.end - field.start);
                let run = run.min(room);
                (field.end, i) = (field.end + run, i + run);
            }
            if i < units.len() {
                self.process(cx, line, rules, i, units[i].into())?;
                i += 1;
            }
        }
        Ok(())
    }

    fn finish_field(&self, cx: &mut Cx, line: &'static Str, rules: &Rules, c: u32) -> PyResult<()> {
        self.save(cx, line, rules)?;
        self.field().state = if c == END { State::StartRecord } else { State::EatEnd };
        Ok(())
    }

    /// One step of the state machine, with the character `c` at `i`.
    fn process(&self, cx: &mut Cx, line: &'static Str, rules: &Rules, i: usize, c: u32) -> PyResult<()> {
        let quotes = rules.quoting != Quoting::Never;
        let is_quote = quotes && Some(c) == rules.quote;
        let field = self.field();
        match field.state {
            State::StartRecord if c == END => {}
            State::StartRecord if is_end(c) => field.state = State::EatEnd,
            State::StartRecord | State::StartField => {
                if is_end(c) {
                    return self.finish_field(cx, line, rules, c);
                } else if is_quote {
                    field.unquoted = false;
                    field.state = State::InQuoted;
                } else if Some(c) == rules.escape {
                    field.state = State::Escaped;
                } else if c == u32::from(' ') && rules.skip_space {
                    field.state = State::StartField;
                } else if c == rules.delimiter {
                    field.state = State::StartField;
                    return self.save(cx, line, rules);
                } else {
                    field.state = State::InField;
                    return field.add(cx, line, i, c);
                }
            }
            State::Escaped if c == u32::from('\n') || c == u32::from('\r') => {
                field.state = State::AfterEscapedEnd;
                return field.add(cx, line, i, c);
            }
            State::Escaped => {
                field.state = State::InField;
                let c = if c == END { u32::from('\n') } else { c };
                return field.add(cx, line, i, c);
            }
            State::AfterEscapedEnd if c == END => {}
            State::AfterEscapedEnd | State::InField => {
                if is_end(c) {
                    return self.finish_field(cx, line, rules, c);
                } else if Some(c) == rules.escape {
                    field.state = State::Escaped;
                } else if c == rules.delimiter {
                    field.state = State::StartField;
                    return self.save(cx, line, rules);
                } else {
                    // Behind an escaped line end it stays that way: the end of this line then does not end the field.
                    return field.add(cx, line, i, c);
                }
            }
            State::InQuoted => {
                if c == END {
                } else if Some(c) == rules.escape {
                    field.state = State::EscapedInQuoted;
                } else if is_quote {
                    field.state = if rules.double_quote { State::QuoteInQuoted } else { State::InField };
                } else {
                    return field.add(cx, line, i, c);
                }
            }
            State::EscapedInQuoted => {
                field.state = State::InQuoted;
                let c = if c == END { u32::from('\n') } else { c };
                return field.add(cx, line, i, c);
            }
            State::QuoteInQuoted => {
                if is_quote {
                    field.state = State::InQuoted;
                    return field.add(cx, line, i, c);
                } else if c == rules.delimiter {
                    field.state = State::StartField;
                    return self.save(cx, line, rules);
                } else if is_end(c) {
                    return self.finish_field(cx, line, rules, c);
                } else if !rules.strict {
                    field.state = State::InField;
                    return field.add(cx, line, i, c);
                }
                let show = |c: u32| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER);
                let (delimiter, quote) = (show(rules.delimiter), show(rules.quote.unwrap_or(0)));
                return Err(error(cx, &format!("'{delimiter}' expected after '{quote}'")));
            }
            State::EatEnd if c == END => field.state = State::StartRecord,
            State::EatEnd if is_end(c) => {}
            State::EatEnd => {
                let text = "new-line character seen in unquoted field - do you need to open the file with newline=''?";
                return Err(error(cx, text));
            }
        }
        Ok(())
    }
}

fn next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of readers.
    let this: &'static Reader = unsafe { v.cast() };
    let (Some(lines), Some(dialect)) = (this.lines.get(), this.dialect.get()) else { return Ok(None) };
    let rules = dialect.rules();
    let row = List::with_capacity(cx, this.width.get());
    this.row.set(Some(row));
    cx.barrier(this);
    let field = this.field();
    field.state = State::StartRecord;
    field.unquoted = true;
    field.buffer.clear();
    (field.start, field.end) = (0, 0);
    loop {
        let Some(line) = iter::next(cx, lines)? else {
            let field = this.field();
            if field.buffer.is_empty() && field.state != State::InQuoted {
                return Ok(None);
            }
            if rules.strict {
                return Err(error(cx, "unexpected end of data"));
            }
            let empty = cx.names().empty;
            this.save(cx, empty, rules)?;
            break;
        };
        let Some(text) = line.downcast::<Str>() else {
            let got = line.class().tp_name();
            let text = format!("iterator should return strings, not {got} (the file should be opened in text mode)");
            return Err(error(cx, &text));
        };
        this.line_num.set(this.line_num.get() + 1);
        this.process_line(cx, text, rules)?;
        let field = this.field();
        if field.state == State::StartRecord {
            break;
        }
        field.spill(text);
    }
    this.width.set(row.len());
    Ok(this.row.take().map(Value::of))
}

#[pymethods]
impl Reader {
    #[getter]
    fn dialect(_cx: &mut Cx, this: &'static Reader) -> Option<&'static Dialect> {
        this.dialect.get()
    }

    #[getter]
    fn line_num(_cx: &mut Cx, this: &'static Reader) -> i64 {
        this.line_num.get()
    }
}

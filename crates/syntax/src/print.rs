//! The tree as text, in the manner of `ast.dump`, for `--dump=ast`.

use crate::literals::{decimal, int_digits};
use crate::parse::{Mode, Module, with_stack};
use crate::source::Lines;
use crate::tree::{Constant, Field, Tree, tree};

/// How to print.
#[derive(Clone, Copy, Default, Debug)]
pub struct Options {
    /// Blanks for each level; everything on one line if absent.
    pub indent: Option<usize>,
    /// Print positions.
    pub attributes: bool,
}

/// Text of a parsed source.
pub fn print(module: &Module, mode: Mode, options: Options) -> String {
    let lines = module.lines();
    let printer = Printer { options, lines: &lines };
    with_stack(|| printer.tree(&tree(module.tree(), &module.source, mode == Mode::Single), 0).0)
}

struct Printer<'l> {
    options: Options,
    lines: &'l Lines<'l>,
}

impl Printer<'_> {
    /// Text before the first and between further items at a level.
    fn separators(&self, level: usize) -> (String, String) {
        match self.options.indent {
            Some(indent) => {
                let blanks = " ".repeat(indent * level);
                (format!("\n{blanks}"), format!(",\n{blanks}"))
            }
            None => (String::new(), ", ".into()),
        }
    }

    /// Text of a node, and whether it is so simple that it needs no line of its own.
    fn tree(&self, tree: &Tree, level: usize) -> (String, bool) {
        let (first, between) = self.separators(level + 1);
        let mut parts = Vec::new();
        let mut all_simple = true;
        for (name, field) in &tree.fields {
            let is_empty = match field {
                Field::None => true,
                Field::List(items) => items.is_empty(),
                _ => false,
            };
            if !is_empty {
                let (text, simple) = self.field(field, level + 1);
                all_simple &= simple;
                parts.push(format!("{name}={text}"));
            }
        }
        if let (true, Some(range)) = (self.options.attributes, tree.range) {
            let (line, column) = self.lines.position(range.start().to_usize());
            let (end_line, end_column) = self.lines.position(range.end().to_usize());
            parts.push(format!("lineno={line}"));
            parts.push(format!("col_offset={column}"));
            parts.push(format!("end_lineno={end_line}"));
            parts.push(format!("end_col_offset={end_column}"));
        }
        if all_simple && parts.len() <= 3 {
            return (format!("{}({})", tree.name, parts.join(", ")), parts.is_empty());
        }
        (format!("{}({first}{})", tree.name, parts.join(&between)), false)
    }

    fn field(&self, field: &Field, level: usize) -> (String, bool) {
        match field {
            Field::None => ("None".into(), true),
            Field::Node(node) => self.tree(node, level),
            Field::List(items) if items.is_empty() => ("[]".into(), true),
            Field::List(items) => {
                let (first, between) = self.separators(level + 1);
                let parts: Vec<String> = items.iter().map(|item| self.field(item, level + 1).0).collect();
                (format!("[{first}{}]", parts.join(&between)), false)
            }
            Field::Name(name) => (str_repr(name.as_bytes()), true),
            Field::Int(value) => (value.to_string(), true),
            Field::Constant(value) => (repr(value), true),
        }
    }
}

/// A constant as Python shows it.
pub fn repr(value: &Constant) -> String {
    match value {
        Constant::None => "None".into(),
        Constant::Bool(true) => "True".into(),
        Constant::Bool(false) => "False".into(),
        Constant::Ellipsis => "Ellipsis".into(),
        Constant::Int(literal) => decimal(int_digits(literal)),
        Constant::Float(value) => float_repr(*value),
        Constant::Negative(literal) => format!("-{}", decimal(int_digits(literal))),
        Constant::Complex(re, im) => format!("({}{:+}j)", float_repr(*re), im),
        Constant::Imaginary(value) => format!("{}j", float_repr(*value).trim_end_matches(".0")),
        Constant::Str(bytes) => str_repr(bytes),
        Constant::Bytes(bytes) => bytes_repr(bytes),
    }
}

/// Shortest text that reads back as the same float.
pub fn float_repr(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .into();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let fixed = format!("{value}");
    if fixed.contains('.') { fixed } else { fixed + ".0" }
}

fn quote_for(bytes: &[u8]) -> u8 {
    if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' }
}

fn escape_ascii(out: &mut String, byte: u8, quote: u8) {
    match byte {
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        b'\\' => out.push_str("\\\\"),
        _ if byte == quote => out.extend(['\\', byte as char]),
        0x20..0x7f => out.push(byte as char),
        _ => out.push_str(&format!("\\x{byte:02x}")),
    }
}

fn bytes_repr(bytes: &[u8]) -> String {
    let quote = quote_for(bytes);
    let mut out = format!("b{}", quote as char);
    bytes.iter().for_each(|&byte| escape_ascii(&mut out, byte, quote));
    out.push(quote as char);
    out
}

fn str_repr(bytes: &[u8]) -> String {
    let quote = quote_for(bytes);
    let mut out = String::from(quote as char);
    let mut rest = bytes;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or(""),
        };
        for c in valid.chars() {
            match c as u32 {
                0..0x80 => escape_ascii(&mut out, c as u8, quote),
                _ if crate::chars::is_printable(c) => out.push(c),
                code @ 0..0x100 => out.push_str(&format!("\\x{code:02x}")),
                code @ 0..0x1_0000 => out.push_str(&format!("\\u{code:04x}")),
                code => out.push_str(&format!("\\U{code:08x}")),
            }
        }
        rest = &rest[valid.len()..];
        if let [first, second, third, ..] = *rest {
            let code = (first as u32 & 0xf) << 12 | (second as u32 & 0x3f) << 6 | third as u32 & 0x3f;
            out.push_str(&format!("\\u{code:04x}"));
            rest = &rest[3..];
        }
    }
    out.push(quote as char);
    out
}

//! The frames of a traceback as text: file lines, source lines, carets.
//!
//! Source: output rules of CPython's `traceback.StackSummary.format`.

use crate::cx::Cx;
use crate::heap::RootVec;
use crate::types::traceback::Traceback;
use crate::value::Value;

use super::anchors::{self, Anchors, Statement};
use super::source::Sources;
use super::style::Style;

/// Frames at the same place shown before they are counted only.
const REPEATS_SHOWN: usize = 3;

/// A frame to print.
struct Entry {
    file: String,
    name: String,
    line: Option<u32>,
    end_line: u32,
    /// Columns in UTF-8 bytes, if known.
    columns: Option<(u32, u32)>,
}

impl Entry {
    fn of(tb: &Traceback) -> Entry {
        let code = tb.frame.code;
        let position = code.position(tb.word);
        let line = if position.line != 0 { Some(position.line) } else { tb.line().map(|l| l as u32) };
        let known = position.line != 0 && position.col != u32::MAX && position.end_col != u32::MAX;
        Entry {
            file: super::text_of(code.filename.get()),
            name: super::text_of(code.name),
            line,
            end_line: if position.end_line != 0 { position.end_line } else { line.unwrap_or(0) },
            columns: known.then_some((position.col, position.end_col)),
        }
    }
}

/// The entries of a traceback, oldest first, each ending in a newline. `limit` keeps the last ones.
pub(super) fn format(
    cx: &mut Cx,
    tb: Option<&'static Traceback>,
    limit: Option<usize>,
    sources: &mut Sources,
    style: &Style,
) -> Vec<String> {
    format_all(cx, tb, limit, sources, style)
}

/// As [`format`] without colours and carets.
pub(super) fn format_plain(cx: &mut Cx, tb: Option<&'static Traceback>, sources: &mut Sources) -> Vec<String> {
    format_all(cx, tb, None, sources, &Style::BARE)
}

fn format_all(
    cx: &mut Cx,
    tb: Option<&'static Traceback>,
    limit: Option<usize>,
    sources: &mut Sources,
    style: &Style,
) -> Vec<String> {
    let mut all = RootVec::new();
    let mut at = tb;
    while let Some(tb) = at {
        all.push(Value::of(tb));
        at = tb.next();
    }
    let skip = limit.map_or(0, |limit| all.len().saturating_sub(limit));
    let mut out = Vec::new();
    let mut last: Option<Entry> = None;
    let mut count = 0;
    for tb in all[skip..].iter().filter_map(|tb| tb.exact::<Traceback>()) {
        let mut entry = Entry::of(tb);
        if !style.carets {
            entry.columns = None;
        }
        let same = last
            .as_ref()
            .is_some_and(|l| l.line.is_some() && l.file == entry.file && l.line == entry.line && l.name == entry.name);
        if !same {
            push_repeats(&mut out, count);
            count = 0;
        }
        count += 1;
        if count <= REPEATS_SHOWN {
            let text = format_entry(cx, &entry, sources, style);
            out.push(text);
        }
        last = Some(entry);
    }
    push_repeats(&mut out, count);
    out
}

fn push_repeats(out: &mut Vec<String>, count: usize) {
    if count > REPEATS_SHOWN {
        let more = count - REPEATS_SHOWN;
        let s = if more > 1 { "s" } else { "" };
        out.push(format!("  [Previous line repeated {more} more time{s}]\n"));
    }
}

fn format_entry(cx: &mut Cx, entry: &Entry, sources: &mut Sources, style: &Style) -> String {
    let file = if entry.file.starts_with("<stdin-") && entry.file.ends_with('>') { "<stdin>" } else { &entry.file };
    let line = entry.line.map_or("None".to_string(), |l| l.to_string());
    let Style { file: fc, line: lc, frame: nc, reset, .. } = *style;
    let mut out = format!("  File {fc}\"{file}\"{reset}, line {lc}{line}{reset}, in {nc}{}{reset}\n", entry.name);
    let Some(first) = entry.line else { return out };
    let mut original = Vec::new();
    for number in first..=entry.end_line.max(first) {
        original.push(sources.line(cx, &entry.file, number));
    }
    let dedented = dedent(&original);
    if dedented.iter().all(|l| l.trim().is_empty()) {
        return out;
    }
    match entry.columns {
        None => {
            out.push_str("    ");
            out.push_str(original[0].trim());
            out.push('\n');
        }
        Some((col, end_col)) => {
            let rows = Excerpt::new(&original, dedented, col, end_col).format(style);
            for row in dedent(&rows) {
                out.push_str("    ");
                out.push_str(&row);
                out.push('\n');
            }
        }
    }
    out
}

/// Removes the white space that all lines begin with; lines of nothing else become empty.
fn dedent(lines: &[String]) -> Vec<String> {
    let filled = || lines.iter().filter(|l| !l.trim().is_empty());
    let mut margin: Option<&str> = None;
    for line in filled() {
        let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        margin = Some(match margin {
            None => indent,
            Some(m) => {
                let n = m.bytes().zip(indent.bytes()).take_while(|(a, b)| a == b).count();
                &m[..n]
            }
        });
    }
    let n = margin.map_or(0, |m| m.len());
    let cut = |l: &String| if l.trim().is_empty() { String::new() } else { l[n..].to_string() };
    lines.iter().map(cut).collect()
}

/// Characters in the first `bytes` bytes of a line.
fn char_offset(line: &str, bytes: usize) -> usize {
    String::from_utf8_lossy(&line.as_bytes()[..bytes.min(line.len())]).chars().count()
}

fn char_width(c: char) -> usize {
    if c.is_ascii() || !matches!(taipan_text::unicode::east_asian_width(c as u32), "W" | "F") { 1 } else { 2 }
}

/// Columns that the first `n` characters of a line take on a terminal.
fn display_width(line: &str, n: usize) -> usize {
    if line.is_ascii() { n } else { line.chars().take(n).map(char_width).sum() }
}

/// The source lines of an instruction with the place of the carets.
struct Excerpt {
    lines: Vec<String>,
    /// Columns of the start (in the first line) and the end (in the last), as displayed.
    start: usize,
    end: usize,
    anchors: Option<Anchors>,
    show_carets: bool,
}

impl Excerpt {
    fn new(original: &[String], dedented: Vec<String>, col: u32, end_col: u32) -> Excerpt {
        let lines = dedented;
        let (first, last) = (&original[0], &original[original.len() - 1]);
        let dedent = first.chars().count() - lines[0].chars().count();
        let start = char_offset(first, col as usize).saturating_sub(dedent);
        let end = char_offset(last, end_col as usize).saturating_sub(dedent);
        let text = lines.join("\n");
        let last_line: Vec<char> = lines[lines.len() - 1].chars().collect();
        let cut = last_line.len().saturating_sub(end);
        let chars: Vec<char> = text.chars().collect();
        let segment: String = chars.get(start..chars.len() - cut).unwrap_or(&[]).iter().collect();
        let found = anchors::find(&segment);
        let show_carets = match anchors::statement(&text) {
            Statement::Empty => false,
            Statement::Call { start: s, end: e } if s == (0, start) && e == (lines.len() - 1, end) => false,
            _ => {
                let before = lines[0].chars().take(start).any(|c| !c.is_whitespace());
                let after = last_line.iter().skip(end).any(|c| !c.is_whitespace());
                found.is_some() || before || after
            }
        };
        // Anchors count from the segment's start and in characters; what follows counts columns on the screen.
        let place = |(line, col): (usize, usize)| {
            let col = if line == 0 { col + start } else { col };
            (line, lines.get(line).map_or(col, |l| display_width(l, col)))
        };
        let anchors = found.map(|a| Anchors { left: place(a.left), right: place(a.right) });
        let (start, end) = (display_width(&lines[0], start), display_width(&lines[lines.len() - 1], end));
        Excerpt { lines, start, end, anchors, show_carets }
    }

    /// Numbers of the lines to show: the first, the last, and those around the anchors.
    fn significant(&self) -> Vec<usize> {
        let n = self.lines.len();
        let mut shown = vec![0, n - 1];
        if let Some(a) = self.anchors {
            for line in [a.left.0, a.right.0] {
                shown.extend(line.saturating_sub(1)..=line + 1);
            }
        }
        shown.retain(|l| *l < n);
        shown.sort_unstable();
        shown.dedup();
        shown
    }

    fn format(&self, style: &Style) -> Vec<String> {
        let mut out = Vec::new();
        let mut previous: Option<usize> = None;
        for line in self.significant() {
            if let Some(previous) = previous {
                match line - previous {
                    2 => self.push_line(line - 1, style, &mut out),
                    n if n > 2 => out.push(format!("...<{} lines>...", n - 1)),
                    _ => {}
                }
            }
            self.push_line(line, style, &mut out);
            previous = Some(line);
        }
        out
    }

    fn push_line(&self, number: usize, style: &Style, out: &mut Vec<String>) {
        let line = &self.lines[number];
        if !self.show_carets {
            out.push(line.clone());
            return;
        }
        let length = line.chars().count();
        let indent = length - line.trim_start().chars().count();
        let last = number == self.lines.len() - 1;
        let width = if last { self.end } else { display_width(line, length) };
        let carets: Vec<char> = (0..width).map(|col| self.caret(number, col, indent)).collect();
        if style.is_coloured() {
            let (line, carets) = colour(line, &carets, style);
            out.push(line);
            out.push(carets);
        } else {
            out.push(line.clone());
            out.push(carets.into_iter().collect());
        }
    }

    fn caret(&self, line: usize, col: usize, indent: usize) -> char {
        if col < indent || line == 0 && col < self.start {
            return ' ';
        }
        match self.anchors {
            Some(a) if (line, col) >= a.left && (line, col) < a.right => '^',
            Some(_) => '~',
            None => '^',
        }
    }
}

/// Colours the parts of a line that carets are under, and the carets.
fn colour(line: &str, carets: &[char], style: &Style) -> (String, String) {
    let chars: Vec<char> = line.chars().collect();
    let (mut a, mut b) = (String::new(), String::new());
    let n = chars.len().max(carets.len());
    let mut i = 0;
    while i < n {
        let kind = carets.get(i).copied();
        let end = (i..n).find(|j| carets.get(*j).copied() != kind).unwrap_or(n);
        let code = match kind {
            Some('^') => style.highlight,
            Some('~') => style.range,
            _ => "",
        };
        let reset = if code.is_empty() { "" } else { style.reset };
        for (out, from) in [(&mut a, &chars[..]), (&mut b, carets)] {
            out.push_str(code);
            out.extend(from.iter().skip(i).take(end - i));
            out.push_str(reset);
        }
        i = end;
    }
    (a, b)
}

//! Which part of an expression the carets of a traceback point at: the operator of a binary operation, the brackets of
//! a subscript or call. The expression's top node is found from its tokens.
//!
//! Source: the rules are those of CPython's `traceback.py`, which takes the positions from the syntax tree.

use super::tokens::{Kind, Tokens};

/// The part to point at: from `left` up to `right`, both (line, column) in characters, lines counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Anchors {
    pub left: (usize, usize),
    pub right: (usize, usize),
}

/// The top node of an expression, by token numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Top {
    /// Operator, then the right operand `op+1..end`.
    Binary {
        op: usize,
        end: usize,
    },
    /// Opening bracket and the token behind the closing one.
    Subscript {
        open: usize,
        end: usize,
    },
    /// As Subscript, with the first token of the function.
    Call {
        function: usize,
        open: usize,
        end: usize,
    },
    Other,
}

const BINARY_LEVELS: [&[&str]; 6] = [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "//", "%", "@"]];

/// Words and operators that, outside brackets, make the top node something else or the text no expression.
const NOT_BINARY: [&str; 60] = [
    ",", ":=", "=", "==", "!=", "<", ">", "<=", ">=", "<>", ":", ";", "->", "+=", "-=", "*=", "/=", "//=", "%=", "@=",
    "&=", "|=", "^=", "<<=", ">>=", "**=", "!", "$", "?", "lambda", "if", "else", "or", "and", "not", "in", "is",
    "for", "async", "yield", "raise", "return", "import", "from", "assert", "del", "pass", "break", "continue",
    "global", "nonlocal", "with", "while", "def", "class", "try", "except", "finally", "as", "elif",
];

fn is_operand_end(t: &Tokens, i: usize) -> bool {
    match t.all[i].kind {
        Kind::Name => !NOT_BINARY.contains(&t.str(i).as_str()) && !t.is(i, "await"),
        Kind::Literal | Kind::Close => true,
        _ => false,
    }
}

/// Numbers of the tokens of `start..end` that are outside brackets; an opening bracket stands for its group.
fn flat(t: &Tokens, start: usize, end: usize) -> Vec<usize> {
    let mut out = Vec::new();
    let mut i = start;
    while i < end {
        out.push(i);
        i = if t.all[i].kind == Kind::Open { t.all[i].partner + 1 } else { i + 1 };
    }
    out
}

/// True if the token before group or operand `i` ends an operand, in an expression that begins at `start`.
fn follows_operand(t: &Tokens, start: usize, i: usize) -> bool {
    i > start && is_operand_end(t, i - 1)
}

/// The top node of the expression `start..end` (token numbers; brackets are balanced).
fn top(t: &Tokens, start: usize, end: usize) -> Top {
    if start >= end {
        return Top::Other;
    }
    let items = flat(t, start, end);
    if let [only] = items[..]
        && t.is(only, "(")
    {
        return top(t, start + 1, end - 1);
    }
    for (n, i) in items.iter().enumerate() {
        let text = t.str(*i);
        if t.all[*i].kind != Kind::Literal && NOT_BINARY.contains(&text.as_str()) {
            return Top::Other;
        }
        // Two operands in a row: only strings may be.
        let starts_operand = matches!(t.all[*i].kind, Kind::Name | Kind::Literal) || t.is(*i, "{");
        if n > 0 && starts_operand && follows_operand(t, start, *i) {
            let both = t.all[*i].kind == Kind::Literal && t.all[*i - 1].kind == Kind::Literal;
            if !both {
                return Top::Other;
            }
        }
    }
    if !is_operand_end(t, end - 1) || t.is(start, "*") || t.is(start, "**") {
        return Top::Other;
    }
    for level in BINARY_LEVELS {
        let is_op = |i: &&usize| {
            t.all[**i].kind == Kind::Op && follows_operand(t, start, **i) && level.iter().any(|op| t.is(**i, op))
        };
        if let Some(op) = items.iter().rfind(is_op) {
            return Top::Binary { op: *op, end };
        }
    }
    if t.all[start].kind == Kind::Op && !t.is(start, ".") {
        return Top::Other;
    }
    if let Some(op) = items.iter().find(|i| t.is(**i, "**") && follows_operand(t, start, **i)) {
        return Top::Binary { op: *op, end };
    }
    if t.is(start, "await") {
        return Top::Other;
    }
    let last = items[items.len() - 1];
    if t.all[last].kind == Kind::Open && follows_operand(t, start, last) {
        if t.is(last, "[") {
            return Top::Subscript { open: last, end };
        }
        if t.is(last, "(") {
            return Top::Call { function: start, open: last, end };
        }
    }
    Top::Other
}

/// True if the operand `start..end` is an expression in brackets that the syntax tree knows nothing of.
fn is_parenthesised(t: &Tokens, start: usize, end: usize) -> bool {
    if !t.is(start, "(") || t.all[start].partner != end - 1 || end - start == 2 {
        return false;
    }
    !flat(t, start + 1, end - 1).iter().any(|i| t.is(*i, ",") || t.is(*i, "for"))
}

/// The anchors of an expression, given as text.
pub(super) fn find(segment: &str) -> Option<Anchors> {
    let t = Tokens::new(segment);
    if !t.complete {
        return None;
    }
    match top(&t, 0, t.all.len()) {
        Top::Binary { op, end } => {
            let token = t.all[op];
            let left = t.place(token.start);
            let mut width = 1;
            let right = t.all[op + 1];
            let adjacent = right.start == token.start + 1;
            if token.end - token.start == 2 || adjacent && is_parenthesised(&t, op + 1, end) {
                width = 2;
            }
            Some(Anchors { left, right: (left.0, left.1 + width) })
        }
        Top::Subscript { open, end } | Top::Call { open, end, .. } => {
            Some(Anchors { left: t.place(t.all[open].start), right: t.place(t.all[end - 1].end) })
        }
        Top::Other => None,
    }
}

/// What `lines`, taken as a statement, say about carets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Statement {
    /// Nothing but comments: no carets.
    Empty,
    /// `return f(...)` or `x = ...(...)`: no carets if they would cover the call, which is here: (line, byte column)
    /// of its start and end.
    Call {
        start: (usize, usize),
        end: (usize, usize),
    },
    Other,
}

/// Classifies the statement at the start of `text`.
pub(super) fn statement(text: &str) -> Statement {
    let t = Tokens::new(text);
    if t.all.is_empty() {
        return Statement::Empty;
    }
    if !t.complete {
        return Statement::Other;
    }
    let n = t.all.len();
    let end = flat(&t, 0, n).into_iter().find(|i| t.is(*i, ";")).unwrap_or(n);
    let (start, is_return) = if t.is(0, "return") {
        (1, true)
    } else if end > 2 && t.all[0].kind == Kind::Name && t.is(1, "=") {
        (2, false)
    } else {
        return Statement::Other;
    };
    if start >= end {
        return Statement::Other;
    }
    let Top::Call { function, open, end } = top(&t, start, end) else { return Statement::Other };
    if is_return && (open - function != 1 || t.all[function].kind != Kind::Name) {
        return Statement::Other;
    }
    let place = |at: usize| {
        let (line, col) = t.place(at);
        let bytes = t.text[at - col..at].iter().map(|c| c.len_utf8()).sum();
        (line, bytes)
    };
    Statement::Call { start: place(t.all[function].start), end: place(t.all[end - 1].end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The segment with its anchors marked, as a traceback shows them.
    fn marks(segment: &str) -> String {
        match find(segment) {
            None => "-".to_string(),
            Some(a) => {
                (0..segment.chars().count()).map(|i| if i >= a.left.1 && i < a.right.1 { '^' } else { '~' }).collect()
            }
        }
    }

    #[test]
    fn anchors_of_expressions() {
        for (segment, expected) in [
            ("n / 0", "~~^~~"),
            ("1 + n / 0 * 3", "~~^~~~~~~~~~~"),
            ("d['a']['b']", "~~~~~~^^^^^"),
            ("f(1)(2)", "~~~~^^^"),
            ("a.b.c", "-"),
            ("-a ** b", "-"),
            ("a ** -b", "~~^^~~~"),
            ("-a * b", "~~~^~~"),
            ("a and b + c", "-"),
            ("(a + b)", "~~~^~~~"),
            ("a+(b)", "~^^~~"),
            ("a+(b,)", "~^~~~~"),
            ("n<<s", "~^^~"),
            ("f(l [ 9 ])", "~^^^^^^^^^"),
            ("x = f(1)", "-"),
            ("raise ValueError('v')", "-"),
            ("(1, 2)[3]", "~~~~~~^^^"),
            ("f'{a[\"x\"]}' % b", "~~~~~~~~~~~~^~~"),
            ("lambda: a + b", "-"),
            ("a if b else c + d", "-"),
            ("await f(1)", "-"),
            ("not a + b", "-"),
            ("[i / 0 for i in l]", "-"),
            ("x.y(1).z", "-"),
            ("(yield)", "-"),
        ] {
            assert_eq!(marks(segment), expected, "{segment}");
        }
    }

    #[test]
    fn statements() {
        assert_eq!(statement("# only"), Statement::Empty);
        assert_eq!(statement("return f(x)"), Statement::Call { start: (0, 7), end: (0, 11) });
        assert_eq!(statement("return a.f(x)"), Statement::Other);
        assert_eq!(statement("y = a.f(x)"), Statement::Call { start: (0, 4), end: (0, 10) });
        assert_eq!(statement("y = z = f(x)"), Statement::Other);
        assert_eq!(statement("f(x"), Statement::Other);
    }
}

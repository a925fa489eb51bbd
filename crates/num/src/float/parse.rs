//! Text to float.

/// Parses the text `float()` accepts, without surrounding whitespace: sign, digits with single
/// underscores between digits, exponent, "inf", "infinity", "nan" in any case.
pub fn parse(text: &[u8]) -> Option<f64> {
    if let Some(v) = short_decimal(text) {
        return Some(v);
    }
    if text.contains(&b'_') {
        let joined =
            |i: usize| i > 0 && text[i - 1].is_ascii_digit() && text.get(i + 1).is_some_and(u8::is_ascii_digit);
        if !(0..text.len()).all(|i| text[i] != b'_' || joined(i)) {
            return None;
        }
        let clean: Vec<u8> = text.iter().copied().filter(|&c| c != b'_').collect();
        return parse(&clean);
    }
    match parse_prefix(text) {
        Some((v, n)) if n == text.len() => Some(v),
        _ => None,
    }
}

/// The number in a text of a sign, digits and maybe a point among them, if it is the quotient of two numbers that are doubles
/// exactly: then one division rounds correctly (Clinger 1990). None for everything else, wrong texts among it.
fn short_decimal(text: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (is_negative, body) = match text {
        [b'-', body @ ..] => (true, body),
        body => (false, body),
    };
    let (mut digits, mut behind_point) = (0u64, None);
    // A point and at most 15 digits, which stay below 2^53.
    if body.len() > 16 || body.len() <= usize::from(body.contains(&b'.')) {
        return None;
    }
    for (i, c) in body.iter().enumerate() {
        match c {
            b'0'..=b'9' => digits = digits * 10 + u64::from(c - b'0'),
            b'.' if behind_point.is_none() => behind_point = Some(body.len() - 1 - i),
            _ => return None,
        }
    }
    if body.len() == 16 && behind_point.is_none() {
        return None;
    }
    let v = digits as f64 / POWERS[behind_point.unwrap_or(0)];
    Some(if is_negative { -v } else { v })
}

/// Parses the longest float at the start of `text` (no underscores); returns it and its length.
pub fn parse_prefix(text: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let body = &text[sign..];
    let negate = |v: f64| if text[0] == b'-' { -v } else { v };
    for (word, value) in [(&b"infinity"[..], f64::INFINITY), (b"inf", f64::INFINITY), (b"nan", f64::NAN)] {
        if body.len() >= word.len() && body[..word.len()].eq_ignore_ascii_case(word) {
            return Some((negate(value), sign + word.len()));
        }
    }
    let digits = |s: &[u8]| s.iter().take_while(|c| c.is_ascii_digit()).count();
    let int = digits(body);
    let mut len = int;
    if body.get(int) == Some(&b'.') {
        let frac = digits(&body[int + 1..]);
        if int + frac == 0 {
            return None;
        }
        len = int + 1 + frac;
    } else if int == 0 {
        return None;
    }
    if matches!(body.get(len), Some(b'e' | b'E')) {
        let exp_sign = usize::from(matches!(body.get(len + 1), Some(b'+' | b'-')));
        let exp = digits(&body[len + 1 + exp_sign..]);
        if exp > 0 {
            len += 1 + exp_sign + exp;
        }
    }
    let v: f64 = std::str::from_utf8(&body[..len]).ok()?.parse().ok()?;
    Some((negate(v), sign + len))
}

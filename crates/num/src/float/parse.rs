//! Text to float.

/// Parses the text `float()` accepts, without surrounding whitespace: sign, digits with single
/// underscores between digits, exponent, "inf", "infinity", "nan" in any case.
pub fn parse(text: &[u8]) -> Option<f64> {
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

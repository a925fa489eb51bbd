//! Python's complex numbers as `(re, im)` pairs.

use crate::float::{self, Flags};

/// A complex number.
pub type Complex = (f64, f64);

/// Why a complex power does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowError {
    /// ZeroDivisionError: "zero to a negative or complex power"
    ZeroDivision,
    /// OverflowError: "complex exponentiation"
    Overflow,
}

/// `repr(z)`.
pub fn repr((re, im): Complex) -> String {
    let part = |x: f64, sign: bool| float::format(x, 'r', 0, Flags { sign, ..Flags::default() });
    if re == 0.0 && re.is_sign_positive() {
        format!("{}j", part(im, false))
    } else {
        format!("({}{}j)", part(re, false), part(im, true))
    }
}

/// Parses the text `complex()` accepts; surrounding ASCII whitespace must be stripped by the
/// caller, but whitespace inside the parentheses is skipped here.
pub fn parse(text: &[u8]) -> Option<Complex> {
    let clean;
    let mut s = text;
    if s.contains(&b'_') {
        let ok = |i: usize| i > 0 && s[i - 1].is_ascii_digit() && s.get(i + 1).is_some_and(u8::is_ascii_digit);
        if !(0..s.len()).all(|i| s[i] != b'_' || ok(i)) {
            return None;
        }
        clean = s.iter().copied().filter(|&c| c != b'_').collect::<Vec<u8>>();
        s = &clean;
    }
    if let [b'(', inner @ .., b')'] = s {
        s = inner.trim_ascii();
        // `trim_ascii` leaves the vertical tab, which C's isspace includes.
        while let [b'\x0b' | b' ' | b'\t'..=b'\r', rest @ ..] = s {
            s = rest;
        }
        while let [rest @ .., b'\x0b' | b' ' | b'\t'..=b'\r'] = s {
            s = rest;
        }
    }
    let is_j = |s: &[u8]| matches!(s, [b'j' | b'J']);
    // A lone sign stands for one before "j".
    let unit = |s: &[u8]| match s {
        [b'+', rest @ ..] if is_j(rest) => Some(1.0),
        [b'-', rest @ ..] if is_j(rest) => Some(-1.0),
        _ => None,
    };
    if is_j(s) {
        return Some((0.0, 1.0));
    }
    if let Some(im) = unit(s) {
        return Some((0.0, im));
    }
    let (first, len) = float::parse_prefix(s)?;
    let rest = &s[len..];
    if rest.is_empty() {
        return Some((first, 0.0));
    }
    if is_j(rest) {
        return Some((0.0, first));
    }
    if !matches!(rest[0], b'+' | b'-') {
        return None;
    }
    if let Some(im) = unit(rest) {
        return Some((first, im));
    }
    let (im, len) = float::parse_prefix(rest)?;
    is_j(&rest[len..]).then_some((first, im))
}

/// `hash(z)`; `None` if a part is NaN.
pub fn hash((re, im): Complex) -> Option<i64> {
    let h = float::hash(re)?.wrapping_add(float::hash(im)?.wrapping_mul(1_000_003));
    Some(if h == -1 { -2 } else { h })
}

/// An infinite part becomes a signed one and any other a signed zero, to find the direction of an
/// infinite result (C99, annex G).
fn direction((re, im): Complex) -> Complex {
    let unit = |x: f64| f64::from(u8::from(x.is_infinite())).copysign(x);
    (unit(re), unit(im))
}

fn nan_to_zero((re, im): Complex) -> Complex {
    let fix = |x: f64| if x.is_nan() { 0f64.copysign(x) } else { x };
    (fix(re), fix(im))
}

fn has_infinity((re, im): Complex) -> bool {
    re.is_infinite() || im.is_infinite()
}

fn finite((re, im): Complex) -> bool {
    re.is_finite() && im.is_finite()
}

/// Product; an infinite factor gives an infinite product even where a part is NaN.
pub fn mul(a: Complex, b: Complex) -> Complex {
    let (rr, ii, ri, ir) = (a.0 * b.0, a.1 * b.1, a.0 * b.1, a.1 * b.0);
    let plain = (rr - ii, ri + ir);
    if !(plain.0.is_nan() && plain.1.is_nan()) {
        return plain;
    }
    let (mut x, mut y) = (a, b);
    if has_infinity(x) {
        (x, y) = (direction(x), nan_to_zero(y));
    }
    if has_infinity(y) {
        (x, y) = (nan_to_zero(x), direction(y));
    }
    let overflowed = [rr, ii, ri, ir].iter().any(|p| p.is_infinite());
    if !has_infinity(a) && !has_infinity(b) {
        if !overflowed {
            return plain;
        }
        (x, y) = (nan_to_zero(x), nan_to_zero(y));
    }
    (f64::INFINITY * (x.0 * y.0 - x.1 * y.1), f64::INFINITY * (x.0 * y.1 + x.1 * y.0))
}

/// Quotient by Smith's method; `None` for division by zero.
pub fn div(a: Complex, b: Complex) -> Option<Complex> {
    let (br, bi) = (b.0.abs(), b.1.abs());
    let plain = if br >= bi {
        if br == 0.0 {
            return None;
        }
        let ratio = b.1 / b.0;
        let denom = b.0 + b.1 * ratio;
        ((a.0 + a.1 * ratio) / denom, (a.1 - a.0 * ratio) / denom)
    } else if bi >= br {
        let ratio = b.0 / b.1;
        let denom = b.0 * ratio + b.1;
        ((a.0 * ratio + a.1) / denom, (a.1 * ratio - a.0) / denom)
    } else {
        // At least one part of the divisor is NaN.
        (f64::NAN, f64::NAN)
    };
    if !(plain.0.is_nan() && plain.1.is_nan()) {
        return Some(plain);
    }
    let scaled =
        |factor: f64, x: Complex, y: Complex| (factor * (x.0 * y.0 + x.1 * y.1), factor * (x.1 * y.0 - x.0 * y.1));
    Some(if has_infinity(a) && finite(b) {
        scaled(f64::INFINITY, direction(a), b)
    } else if has_infinity(b) && finite(a) {
        scaled(0.0, a, direction(b))
    } else {
        plain
    })
}

/// `abs(z)`; `None` on overflow.
pub fn abs((re, im): Complex) -> Option<f64> {
    let h = if re.is_infinite() || im.is_infinite() { f64::INFINITY } else { re.hypot(im) };
    (h.is_finite() || !(re.is_finite() && im.is_finite())).then_some(h)
}

/// `a ** b`.
pub fn pow(a: Complex, b: Complex) -> Result<Complex, PowError> {
    let r = if b == (0.0, 0.0) {
        (1.0, 0.0)
    } else if b.1 == 0.0 && b.0 == b.0.floor() && b.0.abs() <= 100.0 {
        pow_int(a, b.0 as i32)?
    } else if a == (0.0, 0.0) {
        if b.1 != 0.0 || b.0 < 0.0 {
            return Err(PowError::ZeroDivision);
        }
        (0.0, 0.0)
    } else {
        let vabs = a.0.hypot(a.1);
        let mut len = vabs.powf(b.0);
        let at = a.1.atan2(a.0);
        let mut phase = at * b.0;
        if b.1 != 0.0 {
            len *= (-at * b.1).exp();
            phase += b.1 * vabs.ln();
        }
        (len * phase.cos(), len * phase.sin())
    };
    if r.0.is_infinite() || r.1.is_infinite() { Err(PowError::Overflow) } else { Ok(r) }
}

fn pow_int(a: Complex, n: i32) -> Result<Complex, PowError> {
    let power = |n: i32| {
        let (mut r, mut p) = ((1.0, 0.0), a);
        let mut mask = 1;
        while mask > 0 && n >= mask {
            if n & mask != 0 {
                r = mul(r, p);
            }
            mask <<= 1;
            p = mul(p, p);
        }
        r
    };
    if n > 0 { Ok(power(n)) } else { div((1.0, 0.0), power(-n)).ok_or(PowError::ZeroDivision) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(f: &[&str]) -> String {
        let x = |i: usize| f64::from_bits(u64::from_str_radix(f[i], 16).unwrap());
        let show = |z: Option<Complex>, error: &str| z.map_or(error.into(), repr);
        let (a, b) =
            if f[0] == "parse" || f[0] == "int" { ((0.0, 0.0), (0.0, 0.0)) } else { ((x(1), x(2)), (x(3), x(4))) };
        match f[0] {
            "mul" => repr(mul(a, b)),
            "div" => show(div(a, b), "ZeroDivisionError"),
            "abs" => abs(a).map_or("OverflowError".into(), float::repr),
            "hash" => hash(a).unwrap().to_string(),
            "pow" => match pow(a, b) {
                Ok(z) => repr(z),
                Err(PowError::ZeroDivision) => "ZeroDivisionError".into(),
                Err(PowError::Overflow) => "OverflowError".into(),
            },
            "parse" => show(parse(f[1].replace('~', " ").as_bytes()), "ValueError"),
            _ => {
                let mut mag = Vec::new();
                match crate::big::parse_literal(f[1].replace('~', "").as_bytes(), f[2].parse().unwrap(), 0, &mut mag) {
                    Ok(neg) => crate::big::to_i64(neg, &mag).unwrap().to_string(),
                    Err(_) => "ValueError".into(),
                }
            }
        }
    }

    /// Compares with CPython when TAIPAN_ORACLE names a python3.14.
    #[test]
    fn oracle() {
        let Ok(python) = std::env::var("TAIPAN_ORACLE") else {
            return;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/complex_oracle.py");
        let out = std::process::Command::new(python).arg(script).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let mut bad = 0;
        for line in String::from_utf8(out.stdout).unwrap().lines() {
            let f: Vec<&str> = line.split('\t').collect();
            let got = run(&f);
            if got != f[f.len() - 1] {
                eprintln!("{line}\n  got {got}");
                bad += 1;
                assert!(bad < 40);
            }
        }
        assert_eq!(bad, 0);
    }

    #[test]
    fn text() {
        assert_eq!(repr((1.0, 2.0)), "(1+2j)");
        assert_eq!(repr((0.0, -2.5)), "-2.5j");
        assert_eq!(repr((-0.0, 1.0)), "(-0+1j)");
        assert_eq!(repr((f64::NAN, f64::NEG_INFINITY)), "(nan-infj)");
        assert_eq!(parse(b"1+2j"), Some((1.0, 2.0)));
        assert_eq!(parse(b"( -1e3-J )"), Some((-1e3, -1.0)));
        assert_eq!(parse(b"3"), Some((3.0, 0.0)));
        assert_eq!(parse(b"-j"), Some((0.0, -1.0)));
        assert_eq!(parse(b"1_0+2_0j"), Some((10.0, 20.0)));
        for bad in [&b""[..], b"1+2", b"1 + 2j", b"j1", b"1+2j3", b"(1+2j", b"1__0"] {
            assert_eq!(parse(bad), None);
        }
        assert_eq!(hash((1.0, 2.0)), Some(2_000_007));
        assert_eq!(pow((0.0, 1.0), (2.0, 0.0)), Ok((-1.0, 0.0)));
        assert_eq!(pow((0.0, 0.0), (-1.0, 0.0)), Err(PowError::ZeroDivision));
    }
}

use super::*;
use crate::percent::{Count, Piece};
use crate::{code_points, percent, template};
use std::ops::Range;

fn show_error(e: FmtError) -> String {
    let name = match e.kind {
        ErrorKind::Value => "ValueError",
        ErrorKind::Overflow => "OverflowError",
        ErrorKind::Memory => "MemoryError",
    };
    format!("{name}: {}", e.msg)
}

/// UTF-8 with surrogates passed, as the oracle writes.
fn bytes(cps: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    for &c in cps {
        match char::from_u32(c) {
            Some(ch) => out.extend(ch.to_string().bytes()),
            None => out.extend([0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 63) as u8, 0x80 | (c & 63) as u8]),
        }
    }
    out
}

fn pads(text: &str, p: StrPads) -> Vec<u8> {
    let t = code_points(text);
    let mut out = vec![p.fill; p.left];
    out.extend(&t[..p.take]);
    out.extend(std::iter::repeat_n(p.fill, p.right));
    bytes(&out)
}

fn formatted(f: &Formatted) -> Vec<u8> {
    let mut out = Vec::new();
    f.push_code_points(&mut out);
    let mut text = String::new();
    assert!(!f.push_str(&mut text) || code_points(&text) == out);
    bytes(&out)
}

fn number(text: &str) -> (bool, Vec<u32>) {
    let mut mag = Vec::new();
    let neg = taipan_num::big::parse_literal(text.as_bytes(), 10, 0, &mut mag).unwrap();
    (neg, mag)
}

fn real(text: &str) -> f64 {
    f64::from_bits(u64::from_str_radix(text, 16).unwrap())
}

fn percent_case(op: &str, value: &str, text: &str) -> Result<Vec<u8>, FmtError> {
    let cps = code_points(text);
    let mut out = Vec::new();
    for piece in percent::pieces(&cps[..]) {
        let c = match piece? {
            Piece::Literal(r) => {
                out.extend(bytes(&cps[r]));
                continue;
            }
            Piece::Conversion(c) => c,
        };
        let get = |n: Option<Count>| n.map(|n| if let Count::Given(n) = n { n } else { 0 });
        let (w, p) = (get(c.width).unwrap_or(0), get(c.precision));
        let kind = char::from_u32(c.kind).unwrap();
        match (op, kind) {
            ("pint", _) => {
                let (neg, mag) = number(value);
                out.extend(formatted(&percent::format_int(neg, &mag, kind, c.flags, w, p)?));
            }
            ("pfloat", _) => out.extend(formatted(&percent::format_float(real(value), kind, c.flags, w, p)?)),
            (_, 's') => out.extend(pads(value, percent::format_str(value.chars().count(), c.flags, w, p))),
            _ => return Err(percent::unsupported(&c)),
        }
    }
    Ok(out)
}

fn template_case(text: &str) -> Result<String, FmtError> {
    let cps = code_points(text);
    let q = |r: Range<usize>| {
        let mut s = String::new();
        crate::repr::push_str_repr(cps[r].iter().copied(), &mut s);
        s
    };
    let mut rows = Vec::new();
    for seg in template::segments(&cps[..], 0..cps.len()) {
        let seg = seg?;
        let lit = q(seg.literal);
        rows.push(match seg.field {
            None => format!("({lit}, None, None, None)"),
            Some(f) => {
                let conv = f.conversion.map_or("None".into(), |c| format!("'{}'", char::from_u32(c).unwrap()));
                format!("({lit}, {}, {}, {conv})", q(f.name), q(f.spec))
            }
        });
    }
    Ok(format!("[{}]", rows.join(", ")))
}

fn field_case(text: &str) -> Result<String, FmtError> {
    let cps = code_points(text);
    let q = |r: Range<usize>| {
        let mut s = String::new();
        crate::repr::push_str_repr(cps[r].iter().copied(), &mut s);
        s
    };
    let (first, rest) = template::split_name(&cps[..], 0..cps.len())?;
    let first = match first {
        template::First::Auto => "''".into(),
        template::First::Index(i) => i.to_string(),
        template::First::Name(r) => q(r),
    };
    let mut rows = Vec::new();
    for a in rest {
        rows.push(match a? {
            template::Accessor::Attr(r) => format!("(True, {})", q(r)),
            template::Accessor::Index(i) => format!("(False, {i})"),
            template::Accessor::Key(r) => format!("(False, {})", q(r)),
        });
    }
    Ok(format!("({first}, [{}])", rows.join(", ")))
}

fn run(f: &[String]) -> Result<Vec<u8>, FmtError> {
    let spec = |i: usize, align, name| FormatSpec::parse(&code_points(&f[i])[..], align, name);
    match &*f[0] {
        "int" => {
            let (neg, mag) = number(&f[1]);
            Ok(formatted(&format_int(neg, &mag, &spec(2, Align::Right, "int")?, "int")?))
        }
        "float" => Ok(formatted(&format_float(real(&f[1]), &spec(2, Align::Right, "float")?, "float")?)),
        "complex" => {
            let z = (real(&f[1]), real(&f[2]));
            Ok(formatted(&format_complex(z, &spec(3, Align::Right, "complex")?, "complex")?))
        }
        "str" => Ok(pads(&f[1], format_str(f[1].chars().count(), &spec(2, Align::Left, "str")?, "str")?)),
        "template" => template_case(&f[1]).map(String::into_bytes),
        "field" => field_case(&f[1]).map(String::into_bytes),
        op => percent_case(op, &f[1], &f[2]),
    }
}

/// Compares with CPython when TAIPAN_ORACLE names a python3.14.
#[test]
fn oracle() {
    let Ok(python) = std::env::var("TAIPAN_ORACLE") else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/format_oracle.py");
    let out = std::process::Command::new(python).arg(script).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let unhex =
        |s: &str| (0..s.len() / 2).map(|i| u8::from_str_radix(&s[2 * i..2 * i + 2], 16).unwrap()).collect::<Vec<u8>>();
    let mut bad = 0;
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let f: Vec<Vec<u8>> = line.split('\t').map(unhex).collect();
        let args: Vec<String> = f.iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
        let got = run(&args[..args.len() - 1]).unwrap_or_else(|e| show_error(e).into_bytes());
        if got != f[f.len() - 1] {
            eprintln!("{args:?}\n  got {}", String::from_utf8_lossy(&got));
            bad += 1;
            assert!(bad < 40);
        }
    }
    assert_eq!(bad, 0);
}

#[test]
fn samples() {
    let int = |v: &str, s: &str| {
        run(&["int".into(), v.into(), s.into()]).map(|b| String::from_utf8(b).unwrap()).map_err(|e| e.msg)
    };
    assert_eq!(int("1234567", "012,").as_deref(), Ok("0,001,234,567"));
    assert_eq!(int("-255", "#x").as_deref(), Ok("-0xff"));
    assert_eq!(int("65535", "_b").as_deref(), Ok("1111_1111_1111_1111"));
    assert_eq!(int("5", "*^+7").as_deref(), Ok("**+5***"));
    assert_eq!(int("5", ",_").unwrap_err(), "Cannot specify both ',' and '_'.");
    assert_eq!(int("5", ".3d").unwrap_err(), "Precision not allowed in integer format specifier");
    assert_eq!(int("5", "s").unwrap_err(), "Unknown format code 's' for object of type 'int'");
    let local = Locale { decimal_point: ",".into(), thousands_sep: ".".into(), grouping: vec![3, 2, 0] };
    let spec = FormatSpec { locale: local, ..FormatSpec::parse(&b"n"[..], Align::Right, "int").unwrap() };
    assert_eq!(formatted(&format_int(false, &[123456789], &spec, "int").unwrap()), b"12.34.56.789");
}

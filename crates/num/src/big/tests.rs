use super::*;

type Num = (bool, Vec<u32>);

fn num(text: &str) -> Num {
    let mut mag = Vec::new();
    let neg = parse_literal(text.as_bytes(), 10, 0, &mut mag).expect("test literal");
    (neg, mag)
}

fn text(neg: bool, mag: &Digits) -> String {
    let mut s = String::from(if neg { "-" } else { "" });
    to_decimal(mag, &mut s);
    s
}

fn binary(op: &str, a: &Num, b: &Num) -> String {
    let (mut q, mut r) = (Vec::new(), Vec::new());
    let f = match op {
        "add" => add,
        "sub" => sub,
        "mul" => mul,
        "and" => and,
        "or" => or,
        "xor" => xor,
        "mod" => rem,
        "divmod" => {
            let (qn, rn) = divmod(a.0, &a.1, b.0, &b.1, &mut q, &mut r);
            return format!("{} {}", text(qn, &q), text(rn, &r));
        }
        "truediv" => {
            return true_div(a.0, &a.1, b.0, &b.1).map_or("overflow".into(), crate::float::repr);
        }
        "gcd" => {
            gcd(&a.1, &b.1, &mut q);
            return text(false, &q);
        }
        "shl" => {
            let n = shl(a.0, &a.1, to_u64(&b.1).unwrap() as usize, &mut q);
            return text(n, &q);
        }
        "shr" => {
            let n = shr(a.0, &a.1, to_u64(&b.1).unwrap() as usize, &mut q);
            return text(n, &q);
        }
        "pow" => {
            let n = pow(a.0, &a.1, to_u64(&b.1).unwrap(), &mut q);
            return text(n, &q);
        }
        "powmod" => {
            return match pow_mod((a.0, &a.1), (false, &[0x2345, 7]), (b.0, &b.1), &mut q) {
                Ok(n) => text(n, &q),
                Err(e) => format!("{e:?}"),
            };
        }
        "inv" => {
            return match pow_mod((a.0, &a.1), (true, &[1]), (b.0, &b.1), &mut q) {
                Ok(n) => text(n, &q),
                Err(_) => "error".into(),
            };
        }
        _ => panic!("{op}"),
    };
    let n = f(a.0, &a.1, b.0, &b.1, &mut q);
    text(n, &q)
}

fn unary(op: &str, a: &Num) -> String {
    let mut q = Vec::new();
    match op {
        "not" => {
            let n = not(a.0, &a.1, &mut q);
            text(n, &q)
        }
        "hash" => hash(a.0, &a.1).to_string(),
        "float" => to_f64(a.0, &a.1).map_or("overflow".into(), crate::float::repr),
        "bits" => format!("{} {}", bit_length(&a.1), bit_count(&a.1)),
        "isqrt" => {
            isqrt(&a.1, &mut q);
            text(false, &q)
        }
        "hex" => {
            let mut s = String::from(if a.0 { "-" } else { "" });
            to_radix(&a.1, 16, &mut s);
            s
        }
        "oct" => {
            let mut s = String::from(if a.0 { "-" } else { "" });
            to_radix(&a.1, 8, &mut s);
            s
        }
        "i64" => to_i64(a.0, &a.1).map_or("none".into(), |v| v.to_string()),
        "bytes" => {
            let mut out = vec![0; (bit_length(&a.1) / 8 + 1) as usize];
            to_bytes(a.0, &a.1, &mut out, true, true).unwrap();
            let n = from_bytes(&out, true, true, &mut q);
            assert_eq!((n, &q), (a.0, &a.1));
            out.iter().map(|b| format!("{b:02x}")).collect()
        }
        "base36" => {
            let mut s = String::new();
            to_radix(&a.1, 36, &mut s);
            assert!(from_radix(s.as_bytes(), 36, &mut q));
            assert_eq!(q, a.1);
            String::new()
        }
        _ => panic!("{op}"),
    }
}

/// Compares with CPython when TAIPAN_ORACLE names a python3.14.
#[test]
fn oracle() {
    let Ok(python) = std::env::var("TAIPAN_ORACLE") else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/big_oracle.py");
    let out = std::process::Command::new(python).arg(script).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut count = 0;
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let f: Vec<&str> = line.split('\t').collect();
        let got = match f.len() {
            3 => unary(f[0], &num(f[1])),
            _ => binary(f[0], &num(f[1]), &num(f[2])),
        };
        assert_eq!(got, f[f.len() - 1], "{line}");
        count += 1;
    }
    assert!(count > 1000);
}

#[test]
fn basics() {
    let cases = [
        ("divmod", "-7", "2", "-4 1"),
        ("divmod", "7", "-2", "-4 -1"),
        ("divmod", "-1000000000000000000000", "7", "-142857142857142857143 1"),
        ("and", "-1", "1267650600228229401496703205376", "1267650600228229401496703205376"),
        ("xor", "-1073741824", "1073741823", "-1"),
        ("or", "-1152921504606846976", "1", "-1152921504606846975"),
        ("shr", "-1", "1000", "-1"),
        ("shr", "-1073741825", "30", "-2"),
        ("pow", "-10", "21", "-1000000000000000000000"),
        ("truediv", "1", "3", "0.3333333333333333"),
        ("sub", "5", "5", "0"),
        ("gcd", "1000000000000000000000000000000", "120", "40"),
    ];
    for (op, a, b, want) in cases {
        let want = if op == "gcd" { "40" } else { want };
        assert_eq!(binary(op, &num(a), &num(b)), want, "{op} {a} {b}");
    }
    assert_eq!(hash(true, &[1]), -2);
    assert_eq!(unary("float", &num(&format!("1{}", "0".repeat(309)))), "overflow");
    assert_eq!(unary("float", &num("9007199254740993")), "9007199254740992.0");
}

#[test]
fn literals() {
    let parse = |t: &str, base| {
        let mut out = Vec::new();
        parse_literal(t.as_bytes(), base, 4300, &mut out).map(|n| text(n, &out))
    };
    let good = [
        ("0x_ff", 0, "255"),
        ("-0b101", 0, "-5"),
        ("0o17", 8, "15"),
        ("0b1", 16, "177"),
        ("00", 0, "0"),
        ("0_0", 0, "0"),
        ("1_000", 10, "1000"),
        ("zZ", 36, "1295"),
        ("010", 10, "10"),
    ];
    for (t, b, want) in good {
        assert_eq!(parse(t, b).as_deref(), Ok(want), "{t}");
    }
    for (t, b) in [
        ("010", 0),
        ("0x", 0),
        ("", 10),
        ("1__0", 10),
        ("_1", 10),
        ("1_", 10),
        ("0x__1", 0),
        ("12", 2),
        ("--1", 10),
        ("0x1", 10),
    ] {
        assert_eq!(parse(t, b), Err(LiteralError::Invalid), "{t}");
    }
    assert_eq!(parse(&"9".repeat(4301), 10), Err(LiteralError::TooLong { digits: 4301 }));
}

#[test]
fn bytes_limits() {
    let mut out = [0; 1];
    assert_eq!(to_bytes(false, &[255], &mut out, true, false), Ok(()));
    assert_eq!(to_bytes(false, &[128], &mut out, true, true), Err(BytesError::TooBig));
    assert_eq!(to_bytes(true, &[128], &mut out, true, true), Ok(()));
    assert_eq!(to_bytes(true, &[129], &mut out, true, true), Err(BytesError::TooBig));
    assert_eq!(to_bytes(true, &[1], &mut out, true, false), Err(BytesError::Negative));
    assert_eq!(to_bytes(false, &[1], &mut [], true, false), Err(BytesError::TooBig));
    assert_eq!(to_bytes(false, &[], &mut [], true, true), Ok(()));
    assert_eq!(to_bytes(true, &[1], &mut [], true, true), Err(BytesError::TooBig));
}

#[test]
fn division_by_a_digit() {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 34) as u32
    };
    for round in 0..20_000 {
        let len = 1 + round % 9;
        let mut a: Vec<u32> = (0..len).map(|_| if round % 5 == 0 { MASK } else { next() & MASK }).collect();
        let d = if round % 3 == 0 { 1 + next() % 10 } else { (next() & MASK).max(1) };
        let mut expected = a.clone();
        let mut rem = 0u64;
        for x in expected.iter_mut().rev() {
            let t = rem << SHIFT | u64::from(*x);
            (*x, rem) = ((t / u64::from(d)) as u32, t % u64::from(d));
        }
        assert_eq!(u64::from(div::divmod_small(&mut a, d)), rem);
        assert_eq!(a, expected);
    }
}

/// Digits of all kinds: chance, ones only, zeros between.
fn digits(next: &mut impl FnMut() -> u32, len: usize) -> Vec<u32> {
    let kind = next() % 4;
    let mut a: Vec<u32> = (0..len)
        .map(|_| match (kind, next() % 4) {
            (0 | 1, _) => next() & MASK,
            (2, 0) => 0,
            (3, 0) => MASK - next() % 2,
            _ => MASK,
        })
        .collect();
    normalize(&mut a);
    a
}

#[test]
fn like_num_bigint() {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u32
    };
    let (mut out, mut q, mut r) = (Vec::new(), Vec::new(), Vec::new());
    let made = |n: BigUint| {
        let mut v = Vec::new();
        from_biguint(&n, &mut v);
        v
    };
    for round in 0..30_000 {
        let n = 1 + next() as usize % 90;
        let a = digits(&mut next, n);
        let m = match round % 4 {
            0 => 1,
            1 => n,
            2 => n - 1,
            _ => next() as usize % 60,
        };
        let b = digits(&mut next, m);
        let (x, y) = (to_biguint(&a), to_biguint(&b));
        add(false, &a, false, &b, &mut out);
        assert_eq!(out, made(&x + &y), "{a:?} + {b:?}");
        let negative = sub(false, &a, false, &b, &mut out);
        assert_eq!(negative, x < y);
        assert_eq!(out, made(if x < y { &y - &x } else { &x - &y }), "{a:?} - {b:?}");
        let bits = next() as usize % 100;
        shl(false, &a, bits, &mut out);
        assert_eq!(out, made(&x << bits), "{a:?} << {bits}");
        shr(false, &a, bits, &mut out);
        assert_eq!(out, made(&x >> bits), "{a:?} >> {bits}");
        if b.is_empty() {
            continue;
        }
        divmod(false, &a, false, &b, &mut q, &mut r);
        assert_eq!((&q, &r), (&made(&x / &y), &made(&x % &y)), "divmod {a:?} {b:?}");
        floor_div(false, &a, false, &b, &mut out);
        assert_eq!(out, q);
        rem(false, &a, false, &b, &mut out);
        assert_eq!(out, r);
        // -a // b is -(a // b), one less if there is a remainder.
        let negative = floor_div(true, &a, false, &b, &mut out);
        let up = if r.is_empty() { &x / &y } else { &x / &y + 1u32 };
        assert_eq!((negative, &out), (!out.is_empty(), &made(up)), "-{a:?} // {b:?}");
    }
}

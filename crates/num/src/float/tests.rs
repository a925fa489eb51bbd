use super::*;

fn show(v: Option<f64>) -> String {
    v.map_or("error".into(), repr)
}

fn run(f: &[&str]) -> String {
    let x = || f64::from_bits(u64::from_str_radix(f[1], 16).unwrap());
    let y = || f64::from_bits(u64::from_str_radix(f[2], 16).unwrap());
    match f[0] {
        "repr" => repr(x()),
        "hex" => {
            let h = to_hex(x());
            assert_eq!(from_hex(h.as_bytes()).unwrap().to_bits(), x().to_bits());
            h
        }
        "hash" => hash(x()).unwrap().to_string(),
        "round" => show(round(x(), f[2].parse().unwrap())),
        "divmod" => {
            let (q, r) = divmod(x(), y());
            assert_eq!(py_mod(x(), y()).to_bits(), r.to_bits());
            format!("{} {}", repr(q), repr(r))
        }
        "parse" => show(parse(f[1].as_bytes())),
        "fromhex" => match from_hex(f[1].as_bytes()) {
            Ok(v) => repr(v),
            Err(e) => format!("{e:?}"),
        },
        "ratio" => {
            let (n, a, b) = as_integer_ratio(x()).unwrap();
            let mut s = String::from(if n { "-" } else { "" });
            crate::big::to_decimal(&a, &mut s);
            s.push(' ');
            crate::big::to_decimal(&b, &mut s);
            s
        }
        "pow" => match pow(x(), y()) {
            Ok(v) => repr(v),
            Err(e) => format!("{e:?}"),
        },
        "crepr" => crate::complex::repr((x(), y())),
        _ => {
            let flags = Flags { alternate: f[4] == "1", ..Flags::default() };
            format(x(), f[3].parse().unwrap(), f[2].parse().unwrap(), flags)
        }
    }
}

/// Compares with CPython when TAIPAN_ORACLE names a python3.14.
#[test]
fn oracle() {
    let Ok(python) = std::env::var("TAIPAN_ORACLE") else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/float_oracle.py");
    let out = std::process::Command::new(python).arg(script).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let f: Vec<&str> = line.split('\t').collect();
        assert_eq!(run(&f), f[f.len() - 1], "{line}");
    }
}

#[test]
fn texts() {
    let cases = [
        (1e16, "1e+16"),
        (1e15, "1000000000000000.0"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-0.0, "-0.0"),
        (5e-324, "5e-324"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (123456789.125, "123456789.125"),
        (9007199254740993.0, "9007199254740992.0"),
    ];
    for (x, want) in cases {
        assert_eq!(repr(x), want);
    }
    assert_eq!(format(2.5, 'f', 0, Flags::default()), "2");
    assert_eq!(format(0.0, 'g', 6, Flags { alternate: true, ..Flags::default() }), "0.00000");
    assert_eq!(format(1e300, 'e', 2000, Flags::default()).len(), 2007);
    assert_eq!(format(-0.001, 'f', 1, Flags { no_neg_0: true, ..Flags::default() }), "0.0");
    assert_eq!(round(1.7976931348623157e308, -308), None);
    assert_eq!(parse(b"1_0.5e1_0"), Some(10.5e10));
    for bad in [&b""[..], b".", b"1_", b"1e", b"_1", b"1__2", b"+-1", b"1_.5", b"infi", b"0x10"] {
        assert_eq!(parse(bad), None);
    }
}

#[test]
fn short_decimals_parse_as_the_library_parses_them() {
    let mut seed = 88172645463325252u64;
    let mut next = |n: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % n
    };
    for _ in 0..200_000 {
        let mut text: String = (0..next(18)).map(|_| char::from(b'0' + next(10) as u8)).collect();
        for _ in 0..next(3) {
            text.insert(next(text.len() as u64 + 1) as usize, ['.', '.', '-', '+', 'e'][next(5) as usize]);
        }
        let want = text.parse::<f64>().ok();
        assert_eq!(parse(text.as_bytes()).map(f64::to_bits), want.map(f64::to_bits), "{text}");
    }
}

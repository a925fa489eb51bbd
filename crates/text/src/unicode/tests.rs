use super::*;

fn show(cps: &[u32]) -> String {
    cps.iter().map(|c| format!("{c:x} ")).collect::<String>().trim_end().to_owned()
}

fn read(text: &str) -> Vec<u32> {
    text.split_whitespace().map(|c| u32::from_str_radix(c, 16).unwrap()).collect()
}

/// One line per code point, mirrored by `tests/unicode_oracle.py`.
fn properties(cp: u32) -> String {
    let flags: String = [
        is_alpha,
        is_decimal,
        is_digit,
        is_numeric,
        is_alnum,
        is_lower,
        is_upper,
        is_title,
        is_space,
        is_printable,
        is_line_break,
        is_xid_start,
        is_xid_continue,
        mirrored,
    ]
    .iter()
    .map(|f| if f(cp) { '1' } else { '0' })
    .collect();
    let num = |v: Option<f64>| v.map_or("-".into(), taipan_num::float::repr);
    [
        flags,
        num(decimal(cp).map(f64::from)),
        num(digit(cp).map(f64::from)),
        num(numeric(cp)),
        show(lower(cp).as_slice()),
        show(upper(cp).as_slice()),
        show(title(cp).as_slice()),
        show(casefold(cp).as_slice()),
        format!("{:x}", to_lower(cp)),
        category(cp).into(),
        bidirectional(cp).into(),
        combining(cp).to_string(),
        east_asian_width(cp).into(),
        decomposition(cp),
        name(cp).unwrap_or("-".into()),
    ]
    .join("|")
}

fn run(f: &[&str]) -> String {
    let t = || read(f[1]);
    match f[0] {
        "cp" => properties(t()[0]),
        "lower" => show(&lower_str(&t())),
        "upper" => show(&upper_str(&t())),
        "title" => show(&title_str(&t())),
        "capitalize" => show(&capitalize_str(&t())),
        "swapcase" => show(&swapcase_str(&t())),
        "casefold" => show(&casefold_str(&t())),
        "lookup" => lookup(f[1]).map_or("-".into(), |c| format!("{c:x}")),
        "repr" => {
            let mut s = String::new();
            crate::repr::push_str_repr(t().into_iter(), &mut s);
            s
        }
        form => {
            let form = Form::from_name(form).unwrap();
            let out = normalize(form, &t());
            assert_eq!(is_normalized(form, &t()), out == t(), "{f:?}");
            show(&out)
        }
    }
}

/// Compares with CPython when TAIPAN_ORACLE names a python3.14.
#[test]
fn oracle() {
    let Ok(python) = std::env::var("TAIPAN_ORACLE") else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/unicode_oracle.py");
    let out = std::process::Command::new(python).arg(script).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut bad = 0;
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let f: Vec<&str> = line.split('\t').collect();
        let got = run(&f);
        if got != f[2] {
            eprintln!("{} {}\n  got {got}\n want {}", f[0], f[1], f[2]);
            bad += 1;
            assert!(bad < 30);
        }
    }
    assert_eq!(bad, 0);
}

#[test]
fn samples() {
    assert_eq!(lower_str(&read("391 3a3")), read("3b1 3c2"));
    assert_eq!(lower_str(&read("3a3")), read("3c3"));
    assert_eq!(lower_str(&read("41 27 3a3 2e 42")), read("61 27 3c3 2e 62"));
    assert_eq!(upper(0xdf).as_slice(), [0x53, 0x53]);
    assert_eq!(title(0x1c4).as_slice(), [0x1c5]);
    assert_eq!(casefold(0x13a0).as_slice(), [0x13a0]);
    assert_eq!(normalize(Form::Nfc, &read("41 30a")), [0xc5]);
    assert_eq!(normalize(Form::Nfkc, &[0xfb01]), read("66 69"));
    assert_eq!(normalize(Form::Nfd, &[0xac01]), read("1100 1161 11a8"));
    assert_eq!(numeric(0xbd), Some(0.5));
    assert!(is_identifier("_naïve1".chars().map(u32::from)));
    assert!(!is_identifier("1a".chars().map(u32::from)));
    assert_eq!(name(0xac01).as_deref(), Some("HANGUL SYLLABLE GAG"));
    assert_eq!(lookup("latin small letter oi"), Some(0x1a3));
}

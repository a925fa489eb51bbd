use super::*;

fn read_hex(s: &str) -> Vec<u8> {
    (0..s.len() / 2).map(|i| u8::from_str_radix(&s[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn show(cps: &[u32]) -> String {
    cps.iter().map(|c| format!("{c:x}")).collect::<Vec<_>>().join(" ")
}

fn show_hex(b: &[u8]) -> String {
    b.iter().map(|b| format!("{b:02x}")).collect()
}

fn order_of(name: &str) -> ByteOrder {
    match &name[name.len() - 3..] {
        "_le" => ByteOrder::Little,
        "_be" => ByteOrder::Big,
        _ => ByteOrder::Native,
    }
}

fn dec(name: &str, handler: &str, last: bool, input: &[u8]) -> String {
    let mut out = Vec::new();
    let h: &mut DecodeHandler<'_, String> = &mut |f| {
        handlers::decode(handler, f)
            .unwrap()
            .ok_or_else(|| format!("{} {} {} {}", f.encoding, f.start, f.end, f.reason))
    };
    let mut order = order_of(name);
    let r = match name {
        "utf_8" => decode_utf8(input, last, &mut out, h),
        "ascii" => decode_ascii(input, &mut out, h),
        "utf_7" => decode_utf7(input, last, &mut out, h),
        "unicode_escape" => decode_unicode_escape(input, last, &mut out, &mut None, h),
        "raw_unicode_escape" => decode_raw_unicode_escape(input, last, &mut out, h),
        "charmap" => {
            let map: &mut CharMap<'_, String> = &mut |b, out| {
                let hit = b < 250 && !b.is_multiple_of(3);
                out.extend(hit.then(|| u32::from(b) + 0x100));
                Ok(hit)
            };
            decode_charmap(input, &mut out, map, h)
        }
        _ if name.starts_with("utf_16") => decode_utf16(input, &mut order, last, &mut out, h),
        _ => decode_utf32(input, &mut order, last, &mut out, h),
    };
    r.map_or_else(|e| e, |n| format!("{}|{n}", show(&out)))
}

fn enc(name: &str, handler: &str, text: &[u32]) -> String {
    let mut out = Vec::new();
    let strict = |f: &EncodeFail| format!("{} {} {} {}", f.encoding, f.start, f.end, f.reason);
    let h: &mut EncodeHandler<'_, String> =
        &mut |f| handlers::encode(handler, text, f).unwrap().ok_or_else(|| strict(f));
    let r = match name {
        "utf_8" => encode_utf8(text, &mut out, h),
        "ascii" => encode_ascii(text, &mut out, h),
        "latin_1" => encode_latin1(text, &mut out, h),
        "utf_7" => {
            encode_utf7(text, &mut out);
            Ok(())
        }
        "unicode_escape" => {
            encode_unicode_escape(text, &mut out);
            Ok(())
        }
        "raw_unicode_escape" => {
            encode_raw_unicode_escape(text, &mut out);
            Ok(())
        }
        "charmap" => {
            let map = |c: u32, out: &mut Vec<u8>| match c {
                66 => {
                    out.extend(b"ab");
                    true
                }
                _ if c < 300 && !c.is_multiple_of(3) => {
                    out.push(c as u8);
                    true
                }
                _ => false,
            };
            encode_charmap(text, &mut out, &map, h)
        }
        _ if name.starts_with("utf_16") => encode_utf16(text, order_of(name), &mut out, h),
        _ => encode_utf32(text, order_of(name), &mut out, h),
    };
    match r {
        Ok(()) => show_hex(&out),
        Err(EncodeError::Handler(e)) => e,
        Err(EncodeError::Strict(f)) => strict(&f),
    }
}

fn esc(name: &str, errors: &str, input: &[u8]) -> String {
    let mut out = Vec::new();
    if name == "enc" {
        encode_bytes_escape(input, &mut out);
        return show_hex(&out);
    }
    match decode_bytes_escape(input, errors, &mut out, &mut None) {
        Ok(()) => show_hex(&out),
        Err(EscapeError::InvalidHex(at)) => format!("invalid \\x escape at position {at}"),
        Err(EscapeError::Trailing) => "Trailing \\ in string".into(),
        Err(EscapeError::UnknownErrors) => {
            format!("decoding error; unknown error handling code: {errors}")
        }
    }
}

/// Compares with CPython when TAIPAN_ORACLE names a python3.14.
#[test]
fn oracle() {
    let Ok(python) = std::env::var("TAIPAN_ORACLE") else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/codec_oracle.py");
    let out = std::process::Command::new(python).arg(script).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut bad = 0;
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let f: Vec<&str> = line.split('\t').collect();
        let got = match f[0] {
            "dec" => dec(f[1], f[2], f[3] == "1", &read_hex(f[4])),
            "enc" => {
                let text: Vec<u32> = f[4].split_whitespace().map(|c| u32::from_str_radix(c, 16).unwrap()).collect();
                enc(f[1], f[2], &text)
            }
            _ => esc(f[1], f[2], &read_hex(f[4])),
        };
        if got != f[5] {
            eprintln!("{line}\n  got {got}");
            bad += 1;
            assert!(bad < 30);
        }
    }
    assert_eq!(bad, 0);
}

#[test]
fn samples() {
    assert_eq!(dec("utf_8", "strict", true, b"a\xe2\x82"), "utf-8 1 3 unexpected end of data");
    assert_eq!(dec("utf_8", "strict", false, b"a\xe2\x82"), "61|1");
    assert_eq!(dec("utf_8", "surrogateescape", true, b"\xff"), "dcff|1");
    assert_eq!(dec("utf_8", "surrogatepass", true, b"\xed\xa0\x80"), "d800|3");
    assert_eq!(dec("utf_16", "strict", true, b"\xfe\xff\0a"), "61|4");
    assert_eq!(dec("utf_7", "strict", true, b"+AOk-"), "e9|5");
    assert_eq!(dec("unicode_escape", "strict", true, b"\\N{BULLET}\\x41\\n"), "2022 41 a|16");
    assert_eq!(enc("ascii", "backslashreplace", &[0x61, 0xe9]), show_hex(b"a\\xe9"));
    assert_eq!(enc("utf_8", "strict", &[0x61, 0xd800, 0xd801, 0x62]), "utf-8 1 3 surrogates not allowed");
    assert_eq!(esc("bytes", "strict", b"\\x4"), "invalid \\x escape at position 0");
}

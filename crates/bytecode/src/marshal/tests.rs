use super::*;
use crate::Const;

fn load(bytes: &[u8]) -> Result<Const, MarshalError> {
    Reader::new(bytes, &mut ConstBuilder).object()
}

fn dump(value: &Const, version: u32) -> Result<Vec<u8>, MarshalError> {
    let mut source = ConstSource::default();
    let mut writer = Writer::new(&mut source, version);
    writer.object(value.clone())?;
    Ok(writer.into_bytes())
}

#[test]
fn broken_data_gives_cpythons_messages() {
    let deep = b"(\x01\0\0\0".repeat(5000);
    let cases: &[(&[u8], &str)] = &[
        (b"", "EOF read where object expected"),
        (b"(", "marshal data too short"),
        (b"\0", "bad marshal data (unknown type code)"),
        (b"0", "NULL object in marshal data for object"),
        (b"i\0", "marshal data too short"),
        (b"(\xff\xff\xff\xff", "bad marshal data (tuple size out of range)"),
        (b"(\xff\xff\xff\x7f", "EOF read where object expected"),
        (&deep, "recursion limit exceeded"),
        (b"r\0\0\0\0", "bad marshal data (invalid reference)"),
        (b"l\x01\0\0\0\0\0", "bad marshal data (unnormalized long data)"),
        (b"l\x01\0\0\0\xff\xff", "bad marshal data (digit out of range in long)"),
        (b"l\0\0\0\x80", "bad marshal data (long size out of range)"),
        (b"l\xff\xff\xff\x7f\0", "marshal data too short"),
        (b"s\xff\xff\xff\xff", "bad marshal data (bytes object size out of range)"),
        (b"f\x033.x", "could not convert string to float: '3.x'"),
        (b"(\x01\0\0\x000", "NULL object in marshal data for tuple"),
        (b"\xa9\x01", "EOF read where object expected"),
        (b"c", "marshal data too short"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(load(bytes).expect_err(expected).to_string(), *expected, "{bytes:?}");
    }
}

#[test]
fn constants_survive() {
    let values = [
        Const::None,
        Const::Bool(true),
        Const::Ellipsis,
        Const::Int(-5),
        Const::Int(i64::MIN),
        Const::Int(i64::MAX),
        Const::Big(true, Box::new([1, 2, 3, 4])),
        Const::Float(-0.0),
        Const::Complex(1.5, f64::INFINITY),
        Const::Str("".into()),
        Const::Str("naïve".into()),
        Const::Str(crate::Text(b"\xed\xb2\x80!".as_slice().into())),
        Const::Str("x".repeat(300).as_str().into()),
        Const::Bytes(b"\0\xff".as_slice().into()),
        Const::Slice(Box::new([Const::None, Const::Int(1), Const::None])),
    ];
    let all = Const::Tuple(values.into());
    let bytes = dump(&all, VERSION).expect("dumps");
    let again = load(&bytes).expect("loads");
    assert_eq!(format!("{all:?}"), format!("{again:?}"));
    let text = Const::Tuple(Box::new([Const::Float(0.1), Const::Float(f64::NAN)]));
    assert_eq!(format!("{:?}", load(&dump(&text, 0).expect("dumps")).expect("loads")), format!("{text:?}"));
}

#[test]
fn bytes_are_cpythons() {
    let text = Const::Str("ab".into());
    let value = Const::Tuple(Box::new([text.clone(), text, Const::Int(1)]));
    assert_eq!(dump(&value, 5).expect("dumps"), b")\x03\xfa\x02abr\0\0\0\0i\x01\0\0\0");
    assert_eq!(dump(&Const::Int(1 << 40), 5).expect("dumps"), b"l\x03\0\0\0\0\0\0\0\0\x04");
    let slice = Const::Slice(Box::new([Const::None, Const::None, Const::None]));
    assert_eq!(dump(&slice, 4).expect_err("too old").to_string(), "unmarshallable object");
}

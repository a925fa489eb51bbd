//! Strs, bytes, numbers and views made and used natively, with a collection at every allocation.

use taipan_runtime::protocol::{buffer, codec, format, object};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::memoryview::MemoryView;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::{int_methods, str_percent, str_search};
use taipan_runtime::{Cx, Value, exceptions};

// One test: the types are static, so a process starts the runtime once.
#[test]
fn natively_under_stress() {
    let config = taipan_gc::Config { stress: true, stress_interval: 1, ..Default::default() };
    let mut cx = Cx::start(config, (0, 0));
    text_and_numbers(&mut cx);
    codecs_round_trip(&mut cx);
    exports_block_resizing(&mut cx);
}

fn text_and_numbers(cx: &mut Cx) {
    let text = Str::new(cx, "añb😀añ");
    let (old, new) = (Str::new(cx, "ñ"), Str::new(cx, "--"));
    let replaced = str_search::replace(cx, text, old, new, usize::MAX).unwrap();
    assert_eq!(replaced.to_string_lossy(), "a--b😀a--");
    let narrow = Str::new(cx, "😀");
    let empty = Str::new(cx, "");
    let narrowed = str_search::replace(cx, text, narrow, empty, usize::MAX).unwrap();
    assert_eq!(narrowed.kind(), 1, "a str is stored as narrowly as possible");
    for i in [0, 9, 10, 99, 100, -1, -100, i64::MAX >> 1, -(1 << 62)] {
        assert_eq!(int_methods::small_to_str(cx, i).to_string_lossy(), i.to_string());
    }
    let spec = Str::new(cx, ">10.3f");
    let pi = cx.float(std::f64::consts::PI);
    assert_eq!(format::format_value(cx, pi, spec).unwrap().to_string_lossy(), "     3.142");
    let template = Str::new(cx, "%05d|%-4s|%x");
    let s = cx.str("é");
    let args = taipan_runtime::types::tuple::Tuple::new(cx, &[Value::small(-42), s, Value::small(255)]);
    let made = str_percent::format_text(cx, template, Value::of(args)).unwrap();
    assert_eq!(made.to_string_lossy(), "-0042|é   |ff");
}

fn codecs_round_trip(cx: &mut Cx) {
    use taipan_text::codecs::ByteOrder;
    let text = Str::new(cx, "aé\u{100}😀");
    for codec in [codec::Codec::Utf8, codec::Codec::Utf16(ByteOrder::Native), codec::Codec::Utf7] {
        let bytes = codec::encode(cx, codec, text, None).unwrap();
        let back = codec::decode(cx, codec, bytes, None, true).unwrap();
        assert!(back.text.eq_str(text), "{codec:?}");
    }
    assert!(codec::encode(cx, codec::Codec::Ascii, text, None).is_err());
    assert!(cx.exception_matches(&exceptions::UnicodeEncodeError));
    cx.take_exception();
    assert_eq!(codec::normalize_name("Foo-Bar  Baz.x!y"), "foo_bar_baz.x_y");
}

fn exports_block_resizing(cx: &mut Cx) {
    let array = ByteArray::new(cx, b"abcdef");
    let view = MemoryView::of_object(cx, Value::of(array), buffer::FULL_RO).unwrap();
    assert!(array.extend_from_slice(cx, b"g").is_err());
    assert!(cx.exception_matches(&exceptions::BufferError));
    cx.take_exception();
    view.release(cx).unwrap();
    array.extend_from_slice(cx, b"g").unwrap();
    array.splice(cx, 0, 2, b"").unwrap();
    array.splice(cx, 1, 1, b"12345678").unwrap();
    assert_eq!(array.data(), b"c12345678defg");
    let text = object::repr_text(cx, Value::of(array)).unwrap();
    assert_eq!(text, "bytearray(b'c12345678defg')");
    let held = buffer::hold(cx, Value::of(array), buffer::WRITABLE).unwrap();
    held.bytes_mut()[0] = b'C';
    drop(held);
    array.resize(cx, 1).unwrap();
    assert_eq!(Bytes::new(cx, array.data()).data(), b"C");
}

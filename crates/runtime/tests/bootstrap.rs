//! The runtime starts, makes objects and survives collections.

use taipan_runtime::dict::Dict;
use taipan_runtime::types::list::List;
use taipan_runtime::{Cx, Value};

#[test]
fn starts_and_collects_under_stress() {
    let config = taipan_gc::Config { stress: true, stress_interval: 1, ..Default::default() };
    let mut cx = Cx::start(config, (0, 0));
    let cx = &mut *cx;
    let dict = Dict::new(cx);
    let list = List::new(cx);
    for i in 0..300 {
        let key = cx.str(&format!("key{i}"));
        dict.set(cx, key, Value::small(i)).unwrap();
        let f = cx.float(1e300 * i as f64);
        list.push(cx, f);
        let wide = cx.int_wide(1 << 100);
        list.push(cx, wide);
    }
    for i in 0..300 {
        let key = cx.str(&format!("key{i}"));
        assert_eq!(dict.get(cx, key).unwrap(), Some(Value::small(i)));
    }
    assert_eq!(list.len(), 600);
    assert!(taipan_runtime::types::int::check(list.get(1).unwrap()));
    let text = taipan_runtime::protocol::object::repr_text(cx, list.get(1).unwrap()).unwrap();
    assert_eq!(text, "1267650600228229401496703205376");
    assert_eq!(dict.len(), 300);
}

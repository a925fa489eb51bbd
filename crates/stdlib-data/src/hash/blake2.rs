//! `_blake2`: BLAKE2 with all its parameters.

use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::protocol::{buffer, number, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use super::engine::Engine;
use super::{BASE, Common, Fixed, feed, new_hash};

static BLAKE2B: Type = Type::new(
    const {
        &TypeSpec {
            name: "_blake2.blake2b",
            flags: flags::BASETYPE,
            methods: &[Common::METHODS, Fixed::METHODS],
            slots: Slots { new: Some(|cx, class, args| new(cx, class, args, &BIG)), ..Slots::NONE },
            doc: "Return a new BLAKE2b hash object.",
            ..BASE
        }
    },
);

static BLAKE2S: Type = Type::new(
    const {
        &TypeSpec {
            name: "_blake2.blake2s",
            flags: flags::BASETYPE,
            methods: &[Common::METHODS, Fixed::METHODS],
            slots: Slots { new: Some(|cx, class, args| new(cx, class, args, &SMALL)), ..Slots::NONE },
            doc: "Return a new BLAKE2s hash object.",
            ..BASE
        }
    },
);

/// What differs between the two.
struct Kind {
    params: ParamSpec,
    /// Most bytes of a digest and of a key.
    max: usize,
    /// Most bytes of salt and personalisation.
    salt: usize,
    offset_bits: u32,
    is_big: bool,
}

const fn params(name: &'static str) -> ParamSpec {
    ParamSpec {
        name,
        names: &[
            "data",
            "digest_size",
            "key",
            "salt",
            "person",
            "fanout",
            "depth",
            "leaf_size",
            "node_offset",
            "node_depth",
            "inner_size",
            "last_node",
            "usedforsecurity",
            "string",
        ],
        positional_only: 0,
        positional: 1,
        required: 0,
        keyword_required: &[false; 13],
        varargs: false,
        varkw: false,
    }
}

static BIG: Kind = Kind { params: params("blake2b"), max: 64, salt: 16, offset_bits: 64, is_big: true };
static SMALL: Kind = Kind { params: params("blake2s"), max: 32, salt: 8, offset_bits: 48, is_big: false };

/// A parameter within limits.
fn small(cx: &mut Cx, v: Option<Value>, default: i32, range: (i32, i32), text: &str) -> PyResult<i32> {
    let n = match v {
        Some(v) => number::to_i32(cx, v)?,
        None => default,
    };
    if n < range.0 || n > range.1 { raise!(cx, ValueError, "{text}") } else { Ok(n) }
}

fn large(cx: &mut Cx, v: Option<Value>, c_type: &str) -> PyResult<u64> {
    let Some(v) = v else { return Ok(0) };
    let index = number::index(cx, v)?;
    let Some(view) = int::view(index) else { return Ok(0) };
    if view.negative {
        return raise!(cx, ValueError, "Cannot convert negative int");
    }
    let digits = view.digits();
    let mut value = 0u128;
    for digit in digits.iter().take(3).rev() {
        value = value << 30 | u128::from(*digit);
    }
    match u64::try_from(value) {
        Ok(n) if digits.len() <= 3 => Ok(n),
        _ => raise!(cx, OverflowError, "Python int too large for C {c_type}"),
    }
}

fn bytes_of(cx: &mut Cx, v: Option<Value>, max: usize, name: &str) -> PyResult<Vec<u8>> {
    let Some(v) = v else { return Ok(Vec::new()) };
    let data = buffer::with_bytes(cx, v, |_, data| Ok(data.to_vec()))?;
    if data.len() > max {
        return raise!(cx, ValueError, "maximum {name} length is {max} bytes");
    }
    Ok(data)
}

fn new(cx: &mut Cx, class: &'static Type, args: Args, kind: &'static Kind) -> PyResult<Value> {
    let mut bound = [None; 14];
    bind(cx, &kind.params, args, &mut bound)?;
    let [data, size, key, salt, person, fanout, depth, leaf, offset, node_depth, inner, last, _, string] = bound;
    let max = kind.max as i32;
    let size = match size {
        Some(v) => number::to_i32(cx, v)?,
        None => max,
    };
    if size <= 0 || size > max {
        let name = if kind.is_big { "Blake2b" } else { "Blake2s" };
        return raise!(cx, ValueError, "digest_size for {name} must be between 1 and {max} bytes, here it is {size}");
    }
    let salt = bytes_of(cx, salt, kind.salt, "salt")?;
    let person = bytes_of(cx, person, kind.salt, "person")?;
    let fanout = small(cx, fanout, 1, (0, 255), "fanout must be between 0 and 255")?;
    let depth = small(cx, depth, 1, (1, 255), "depth must be between 1 and 255")?;
    let leaf = large(cx, leaf, "unsigned long")?;
    let Ok(leaf) = u32::try_from(leaf) else { return raise!(cx, OverflowError, "leaf_size is too large") };
    let offset = large(cx, offset, "unsigned long long")?;
    if kind.offset_bits < 64 && offset >> kind.offset_bits != 0 {
        return raise!(cx, OverflowError, "node_offset is too large");
    }
    let node_depth = small(cx, node_depth, 0, (0, 255), "node_depth must be between 0 and 255")?;
    let inner = small(cx, inner, 0, (0, max), &format!("inner_size must be between 0 and is {max}"))?;
    let key = bytes_of(cx, key, kind.max, "key")?;
    let last = match last {
        Some(v) => protocol_object::truth(cx, v)?,
        None => false,
    };
    macro_rules! state {
        ($params:ty) => {{
            let mut params = <$params>::new();
            params.hash_length(size as usize).key(&key).salt(&salt).personal(&person);
            params.fanout(fanout as u8).max_depth(depth as u8).max_leaf_length(leaf).node_offset(offset);
            params.node_depth(node_depth as u8).inner_hash_length(inner as usize).last_node(last);
            Box::new(params.to_state())
        }};
    }
    let mut engine = match kind.is_big {
        true => Engine::Blake2b(state!(blake2b_simd::Params), size as u8),
        false => Engine::Blake2s(state!(blake2s_simd::Params), size as u8),
    };
    feed(cx, &mut engine, data, string)?;
    Ok(new_hash(cx, class, engine))
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_blake2");
    let doc = cx.str("_blake2b provides BLAKE2b for hashlib\n");
    module.set(cx, "__doc__", doc);
    for (class, kind, prefix) in [(&BLAKE2B, &BIG, "BLAKE2B"), (&BLAKE2S, &SMALL, "BLAKE2S")] {
        module.add_type(cx, class);
        let sizes = [
            ("SALT_SIZE", kind.salt),
            ("PERSON_SIZE", kind.salt),
            ("MAX_KEY_SIZE", kind.max),
            ("MAX_DIGEST_SIZE", kind.max),
        ];
        for (name, size) in sizes {
            let (key, size) = (cx.intern(name), Value::small(size as i64));
            if class.dict().get_str(key).is_none() {
                class.dict().set_str(cx, key, size);
                cx.type_modified(class);
            }
            module.set(cx, &format!("{prefix}_{name}"), size);
        }
    }
    module.set(cx, "_GIL_MINSIZE", Value::small(2048));
    Ok(module)
}

//! `_uuid`: time-based identifiers (RFC 9562, version 1).

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use taipan_macros::pymethods;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value};

/// Last time given out, clock sequence and node; made at first use.
static STATE: Mutex<Option<(u64, u16, [u8; 6])>> = Mutex::new(None);

/// 100 ns intervals from 1582-10-15 to 1970-01-01.
const GREGORIAN: u64 = 0x01b2_1dd2_1381_4000;

struct Functions;

fn random(out: &mut [u8]) {
    // SAFETY: a buffer of the length said; short requests are answered at once and in full.
    unsafe { libc::getrandom(out.as_mut_ptr().cast(), out.len(), 0) };
}

/// The address of a network card, or a random one marked as such.
fn node() -> [u8; 6] {
    let cards = std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    for card in cards {
        let text = std::fs::read_to_string(card.path().join("address")).unwrap_or_default();
        let bytes: Vec<u8> = text.trim().split(':').filter_map(|b| u8::from_str_radix(b, 16).ok()).collect();
        if let Ok(address) = <[u8; 6]>::try_from(bytes)
            && address != [0; 6]
        {
            return address;
        }
    }
    let mut address = [0; 6];
    random(&mut address);
    address[0] |= 1;
    address
}

#[pymethods]
impl Functions {
    #[py("($module, /)")]
    fn generate_time_safe(cx: &mut Cx) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = now.as_secs() * 10_000_000 + u64::from(now.subsec_nanos() / 100) + GREGORIAN;
        let mut state = STATE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (last, sequence, node) = state.get_or_insert_with(|| {
            let mut bytes = [0; 2];
            random(&mut bytes);
            (0, u16::from_ne_bytes(bytes) & 0x3fff, node())
        });
        *last = now.max(*last + 1);
        let mut uuid = [0; 16];
        uuid[..4].copy_from_slice(&(*last as u32).to_be_bytes());
        uuid[4..6].copy_from_slice(&((*last >> 32) as u16).to_be_bytes());
        uuid[6..8].copy_from_slice(&((*last >> 48) as u16 | 0x1000).to_be_bytes());
        uuid[8..10].copy_from_slice(&(*sequence | 0x8000).to_be_bytes());
        uuid[10..].copy_from_slice(node);
        let uuid = Value::of(Bytes::new(cx, &uuid));
        // Not safe: other processes do not take part.
        Value::of(Tuple::new(cx, &[uuid, Value::small(-1)]))
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_uuid");
    module.add_functions(cx, Functions::METHODS);
    module.set(cx, "has_uuid_generate_time_safe", Value::small(1));
    module.set(cx, "has_stable_extractable_node", Value::small(0));
    Ok(module)
}

//! Built-in functions and classes that go through a generator: what they do with each item and at the end. Compiled code has
//! it built in place (`build/consume.rs`); where it leaves in the middle, the rest is done here.

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::iter::sorted;
use taipan_runtime::protocol::object;
use taipan_runtime::protocol::total::{Sum, Total};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::dict::set_pair;
use taipan_runtime::types::float;
use taipan_runtime::types::generator::{Generator, State};
use taipan_runtime::types::list::List;
use taipan_runtime::types::set::Set;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::str_search;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

macro_rules! consumers {
    ($( $(#[doc = $doc:literal])+ $name:ident = $text:literal, $registers:literal; )*) => {
        /// What goes through a generator.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Consumer { $( $(#[doc = $doc])+ $name, )* }
        impl Consumer {
            /// Text of dumps.
            pub fn text(self) -> &'static str {
                match self { $( Consumer::$name => $text, )* }
            }
            /// The consumer with this text.
            pub fn from_text(text: &str) -> Option<Consumer> {
                match text { $( $text => Some(Consumer::$name), )* _ => None }
            }
            /// How many values its progress is.
            pub fn registers(self) -> usize {
                match self { $( Consumer::$name => $registers, )* }
            }
        }
    };
}

consumers! {
    /// A `for` loop; how far that is says the code that it is part of.
    Loop = "loop", 0;
    /// `all`.
    All = "all", 0;
    /// `any`.
    Any = "any", 0;
    /// `sum` of ints: the sum.
    SumInts = "sum_ints", 1;
    /// `sum` of floats: the sum, what additions lost, whether there was an item.
    SumFloats = "sum_floats", 3;
    /// `min` of ints: the smallest, whether there was an item.
    MinInts = "min_ints", 2;
    /// `max` of ints: as `min`.
    MaxInts = "max_ints", 2;
    /// `min` of floats: as of ints.
    MinFloats = "min_floats", 2;
    /// `max` of floats: as of ints.
    MaxFloats = "max_floats", 2;
    /// `list`: the list.
    List = "list", 1;
    /// `tuple`: a list.
    Tuple = "tuple", 1;
    /// `set`: the set.
    Set = "set", 1;
    /// `sorted`: a list.
    Sorted = "sorted", 1;
    /// `dict`: the dict, how many items there were.
    Dict = "dict", 2;
    /// `str.join`: a list, the separator.
    Join = "join", 2;
    /// `bytes`: a bytearray.
    Bytes = "bytes", 1;
    /// `bytearray`: as `bytes`.
    ByteArray = "bytearray", 1;
}

impl Consumer {
    /// Whether it looks for the smallest item, not for the largest.
    pub fn is_min(self) -> bool {
        matches!(self, Consumer::MinInts | Consumer::MinFloats)
    }

    /// What works on floats, for what works on ints.
    pub fn of_floats(self) -> Consumer {
        match self {
            Consumer::SumInts => Consumer::SumFloats,
            Consumer::MinInts => Consumer::MinFloats,
            Consumer::MaxInts => Consumer::MaxFloats,
            other => other,
        }
    }
}

/// Most values of a consumer's progress.
pub const MAX_REGISTERS: usize = 3;

/// A consumer in the middle of its work, as an exit found it.
pub struct Consuming {
    /// What it is.
    pub consumer: Consumer,
    /// Its progress.
    pub values: [Option<Value>; MAX_REGISTERS],
    /// The generator, which is running.
    pub generator: &'static Generator,
    /// Where the result goes.
    pub result: *mut u64,
}

enum Progress {
    Search { all: bool },
    Total(Total),
    Best { best: Option<Value>, op: CmpOp },
    Items(&'static List),
    Dict(&'static Dict, usize),
    Bytes(&'static ByteArray),
    Set(&'static Set),
}

impl Consuming {
    /// Goes on with the outcome of running the generator on, to the consumer's result. Raises what the generator or the consumer
    /// raises; may collect.
    pub fn finish(&self, cx: &mut Cx, outcome: PyResult<Value>) -> PyResult<Value> {
        let value = |i: usize| self.values[i].expect("a value of the progress");
        let mut progress = match self.consumer {
            Consumer::Loop => unreachable!("a loop has no result"),
            Consumer::All | Consumer::Any => Progress::Search { all: self.consumer == Consumer::All },
            Consumer::SumInts => Progress::Total(Total::of(value(0))),
            Consumer::SumFloats if value(2) != Value::bool(true) => Progress::Total(Total::Int(0)),
            Consumer::SumFloats => {
                let [high, low] = [0, 1].map(|i| float::as_f64(value(i)).expect("a float"));
                Progress::Total(Total::Float(Sum { high, low }))
            }
            Consumer::MinInts | Consumer::MinFloats | Consumer::MaxInts | Consumer::MaxFloats => {
                let op = if self.consumer.is_min() { CmpOp::Lt } else { CmpOp::Gt };
                Progress::Best { best: (value(1) == Value::bool(true)).then(|| value(0)), op }
            }
            // SAFETY: the builder put lists and sets there.
            Consumer::List | Consumer::Tuple | Consumer::Sorted | Consumer::Join => {
                Progress::Items(unsafe { value(0).cast() })
            }
            // SAFETY: as above.
            Consumer::Bytes | Consumer::ByteArray => Progress::Bytes(unsafe { value(0).cast() }),
            Consumer::Dict => {
                let n = value(1).as_small().expect("a small int");
                // SAFETY: as above.
                Progress::Dict(unsafe { value(0).cast() }, n as usize)
            }
            // SAFETY: as above.
            Consumer::Set => Progress::Set(unsafe { value(0).cast() }),
        };
        let mut first = Some(outcome?);
        if self.generator.state() == State::Finished {
            first = None;
        }
        while let Some(item) = first {
            match &mut progress {
                Progress::Search { all } => {
                    if object::truth(cx, item)? != *all {
                        return Ok(Value::bool(!*all));
                    }
                }
                Progress::Total(total) => *total = total.add(cx, item)?,
                Progress::Best { best, op } => {
                    if best.map_or(Ok(true), |best| compare::rich_bool(cx, item, best, *op))? {
                        *best = Some(item);
                    }
                }
                Progress::Items(list) => list.push(cx, item),
                Progress::Bytes(array) => {
                    let text = match self.consumer {
                        Consumer::Bytes => "bytes must be in range(0, 256)",
                        _ => "byte must be in range(0, 256)",
                    };
                    let byte = bytes::byte_of(cx, item, text)?;
                    array.extend_from_slice(cx, &[byte])?;
                }
                Progress::Set(set) => {
                    set.add(cx, item)?;
                }
                Progress::Dict(dict, n) => {
                    set_pair(cx, dict, *n, item)?;
                    *n += 1;
                }
            }
            first = match self.generator.next_item(cx) {
                Some(item) => item?,
                None => None,
            };
        }
        Ok(match progress {
            Progress::Search { all } => Value::bool(all),
            Progress::Total(total) => total.value(cx),
            Progress::Best { best: Some(best), .. } => best,
            Progress::Best { best: None, .. } => {
                let name = if self.consumer.is_min() { "min" } else { "max" };
                return raise!(cx, ValueError, "{name}() iterable argument is empty");
            }
            Progress::Set(set) => Value::of(set),
            Progress::Dict(dict, _) => Value::of(dict),
            Progress::Bytes(array) => match self.consumer {
                Consumer::Bytes => Value::of(Bytes::new(cx, array.data())),
                _ => Value::of(array),
            },
            Progress::Items(list) => match self.consumer {
                Consumer::Tuple => Value::of(tuple_of(cx, list)),
                Consumer::Sorted => Value::of(sorted(cx, Value::of(list), None, false)?),
                // SAFETY: the builder put a str there.
                Consumer::Join => Value::of(str_search::join(cx, unsafe { value(1).cast::<Str>() }, Value::of(list))?),
                _ => Value::of(list),
            },
        })
    }
}

/// A new, empty bytearray.
pub extern "C" fn new_bytearray(cx: &mut Cx) -> u64 {
    Value::of(ByteArray::new(cx, &[])).bits()
}

/// Appends a byte to a bytearray; 1 if done.
pub extern "C" fn push_byte(cx: &mut Cx, array: &'static ByteArray, byte: i64) -> u64 {
    array.extend_from_slice(cx, &[byte as u8]).is_ok() as u64
}

/// A bytes object of the bytes of a bytearray.
pub extern "C" fn bytes_of(cx: &mut Cx, array: &'static ByteArray) -> u64 {
    Value::of(Bytes::new(cx, array.data())).bits()
}

/// A tuple of the items of a list that nobody else has seen.
pub fn tuple_of(cx: &mut Cx, list: &'static List) -> &'static Tuple {
    Tuple::new(cx, list.items())
}

//! [`Const`] as objects of the marshal format: what `.pyc` files need.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Builder, CodeParts, MarshalError, Reader, Source, VERSION, View, Writer, bad_data};
use crate::code::{Code, Const, Text};
use crate::packed::Packed;

/// The code object in `bytes`, not yet verified.
pub fn from_bytes(bytes: &[u8]) -> Result<Arc<Code>, MarshalError> {
    match Reader::new(bytes, &mut ConstBuilder).object()? {
        Const::Code(code) => Ok(code),
        _ => Err(bad_data("not a code object")),
    }
}

/// The bytes of `code`.
pub fn to_bytes(code: &Arc<Code>) -> Result<Vec<u8>, MarshalError> {
    let mut source = ConstSource::default();
    let mut writer = Writer::new(&mut source, VERSION);
    writer.object(Const::Code(code.clone()))?;
    Ok(writer.into_bytes())
}

/// Makes [`Const`]s; lists, dicts and sets are no constants.
pub struct ConstBuilder;

fn no_constant() -> MarshalError {
    bad_data("not a constant")
}

impl Builder for ConstBuilder {
    type Obj = Const;
    type Error = MarshalError;

    fn none(&mut self) -> Const {
        Const::None
    }
    fn bool(&mut self, value: bool) -> Const {
        Const::Bool(value)
    }
    fn stop_iteration(&mut self) -> Result<Const, MarshalError> {
        Err(no_constant())
    }
    fn ellipsis(&mut self) -> Const {
        Const::Ellipsis
    }
    fn int(&mut self, value: i64) -> Result<Const, MarshalError> {
        Ok(Const::Int(value))
    }
    fn big(&mut self, negative: bool, digits: Vec<u32>) -> Result<Const, MarshalError> {
        Ok(Const::Big(negative, digits.into()))
    }
    fn float(&mut self, value: f64) -> Result<Const, MarshalError> {
        Ok(Const::Float(value))
    }
    fn complex(&mut self, real: f64, imag: f64) -> Result<Const, MarshalError> {
        Ok(Const::Complex(real, imag))
    }
    fn str(&mut self, text: &[u8], _interned: bool) -> Result<Const, MarshalError> {
        Ok(Const::Str(Text(text.into())))
    }
    fn bytes(&mut self, value: &[u8]) -> Result<Const, MarshalError> {
        Ok(Const::Bytes(value.into()))
    }
    fn tuple(&mut self, items: Vec<Const>) -> Result<Const, MarshalError> {
        Ok(Const::Tuple(items.into()))
    }
    fn list(&mut self) -> Result<Const, MarshalError> {
        Err(no_constant())
    }
    fn list_push(&mut self, _list: &Const, _item: Const) -> Result<(), MarshalError> {
        Err(no_constant())
    }
    fn dict(&mut self) -> Result<Const, MarshalError> {
        Err(no_constant())
    }
    fn dict_set(&mut self, _dict: &Const, _key: Const, _value: Const) -> Result<(), MarshalError> {
        Err(no_constant())
    }
    fn set(&mut self) -> Result<Const, MarshalError> {
        Err(no_constant())
    }
    fn set_add(&mut self, _set: &Const, _item: Const) -> Result<(), MarshalError> {
        Err(no_constant())
    }
    fn frozenset(&mut self, items: Vec<Const>) -> Result<Const, MarshalError> {
        let is_hashable = |item: &Const| !matches!(item, Const::Slice(_) | Const::Code(_));
        if !items.iter().all(is_hashable) {
            return Err(no_constant());
        }
        Ok(Const::FrozenSet(items.into()))
    }
    fn slice(&mut self, parts: [Const; 3]) -> Result<Const, MarshalError> {
        Ok(Const::Slice(Box::new(parts)))
    }
    fn code(&mut self, parts: CodeParts<Const>) -> Result<Const, MarshalError> {
        let [argcount, posonlyargcount, kwonlyargcount, flags, firstlineno, nregs] = parts.numbers;
        let [name, qualname, filename] = parts.strs;
        let [varnames, cellvars, freevars, names] = parts.names;
        let Const::Tuple(consts) = parts.consts else { return Err(bad_data("code constants")) };
        Ok(Const::Code(Arc::new(Code {
            name: text(name)?,
            qualname: text(qualname)?,
            filename: text(filename)?,
            argcount,
            posonlyargcount,
            kwonlyargcount,
            flags,
            firstlineno,
            nregs,
            varnames: texts(varnames)?,
            cellvars: texts(cellvars)?,
            freevars: texts(freevars)?,
            names: texts(names)?,
            consts: consts.into(),
            words: parts.words.words(),
            handlers: parts.handlers,
            positions: parts.positions,
        })))
    }
}

fn text(constant: Const) -> Result<Text, MarshalError> {
    match constant {
        Const::Str(text) => Ok(text),
        _ => Err(bad_data("code name")),
    }
}

fn texts(constant: Const) -> Result<Vec<Text>, MarshalError> {
    match constant {
        Const::Tuple(items) => items.into_iter().map(text).collect(),
        _ => Err(bad_data("code names")),
    }
}

/// Takes [`Const`]s apart; equal strs and the same code objects are written once.
#[derive(Default)]
pub struct ConstSource {
    numbers: HashMap<Text, usize>,
}

impl Source for ConstSource {
    type Obj = Const;
    type Error = MarshalError;

    fn view(&mut self, object: &Const) -> Result<View<Const>, MarshalError> {
        Ok(match object {
            Const::None => View::None,
            Const::Bool(value) => View::Bool(*value),
            Const::Ellipsis => View::Ellipsis,
            Const::Int(value) => View::Int(*value),
            Const::Big(negative, digits) => View::Big(*negative, digits.to_vec()),
            Const::Float(value) => View::Float(*value),
            Const::Complex(real, imag) => View::Complex(*real, *imag),
            Const::Str(text) => View::Str(text.clone(), false),
            Const::Bytes(bytes) => View::Bytes(bytes.to_vec()),
            Const::Tuple(items) => View::Tuple(items.to_vec()),
            Const::FrozenSet(items) => View::FrozenSet(items.to_vec()),
            Const::Slice(parts) => View::Slice((**parts).clone()),
            Const::Code(code) => View::Code(Box::new(parts(code))),
        })
    }

    fn identity(&mut self, object: &Const) -> Option<usize> {
        match object {
            // Odd numbers, so that they differ from addresses.
            Const::Str(text) => {
                let next = self.numbers.len() * 2 + 1;
                Some(*self.numbers.entry(text.clone()).or_insert(next))
            }
            Const::Code(code) if Arc::strong_count(code) > 2 => Some(Arc::as_ptr(code) as usize),
            _ => None,
        }
    }
}

fn parts(code: &Code) -> CodeParts<Const> {
    let tuple = |names: &[Text]| Const::Tuple(names.iter().cloned().map(Const::Str).collect());
    CodeParts {
        numbers: [code.argcount, code.posonlyargcount, code.kwonlyargcount, code.flags, code.firstlineno, code.nregs],
        strs: [&code.name, &code.qualname, &code.filename].map(|text| Const::Str(text.clone())),
        names: [&code.varnames, &code.cellvars, &code.freevars, &code.names].map(|names| tuple(names)),
        consts: Const::Tuple(code.consts.clone().into()),
        words: Packed::new(&code.words),
        handlers: code.handlers.clone(),
        positions: code.positions.clone(),
    }
}

//! Attributes and constructors of the exception classes.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

use crate::exceptions::Exception;
use crate::types::tuple::Tuple;

/// Methods of the class.
pub struct Base;

#[pymethods]
impl Base {}

impl Base {
    /// Native slots.
    pub const SLOTS: Slots = Slots { new: Some(new), init: Some(init), ..Slots::NONE };
}

/// Methods of the class.
pub struct Group;

#[pymethods]
impl Group {}

impl Group {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct SystemExitMethods;

#[pymethods]
impl SystemExitMethods {}

impl SystemExitMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct AttributeErrorMethods;

#[pymethods]
impl AttributeErrorMethods {}

impl AttributeErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct ImportErrorMethods;

#[pymethods]
impl ImportErrorMethods {}

impl ImportErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct NameErrorMethods;

#[pymethods]
impl NameErrorMethods {}

impl NameErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct OsErrorMethods;

#[pymethods]
impl OsErrorMethods {}

impl OsErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct StopIterationMethods;

#[pymethods]
impl StopIterationMethods {}

impl StopIterationMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct SyntaxErrorMethods;

#[pymethods]
impl SyntaxErrorMethods {}

impl SyntaxErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct KeyErrorMethods;

#[pymethods]
impl KeyErrorMethods {}

impl KeyErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct UnicodeDecodeErrorMethods;

#[pymethods]
impl UnicodeDecodeErrorMethods {}

impl UnicodeDecodeErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct UnicodeEncodeErrorMethods;

#[pymethods]
impl UnicodeEncodeErrorMethods {}

impl UnicodeEncodeErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// Methods of the class.
pub struct UnicodeTranslateErrorMethods;

#[pymethods]
impl UnicodeTranslateErrorMethods {}

impl UnicodeTranslateErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots::NONE;
}

/// `BaseException.__new__`.
pub fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let args = Tuple::new(cx, args.pos());
    Ok(crate::exceptions::new_raw(cx, class, args))
}

/// `BaseException.__init__`.
pub fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let args = Tuple::new(cx, args.pos());
    let this = v.downcast::<Exception>().expect("an exception");
    this.args.set(Some(args));
    cx.barrier(this);
    Ok(())
}

/// Adds a note to the raised exception. May collect.
pub fn add_note(_cx: &mut Cx, _note: &str) {}

/// Reports an exception through `sys.unraisablehook`.
pub fn report_unraisable(_cx: &mut Cx, _exception: Value, _object: Option<Value>, _message: Option<&str>) {}

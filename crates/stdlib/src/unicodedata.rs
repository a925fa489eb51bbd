//! `unicodedata`: the Unicode Character Database.

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::attr;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::descr::NativeFunction;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, object, raise};
use taipan_text::unicode::{self, Form};

/// The functions of `unicodedata`.
pub struct UnicodeData;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "unicodedata");
    let doc = cx.str(
        "This module provides access to the Unicode Character Database which\ndefines character properties for all Unicode characters. The data in\nthis database is based on the UnicodeData.txt file version\n16.0.0 which is publicly available from the Unicode Consortium\nat https://www.unicode.org/Public/16.0.0/ucd/UnicodeData.txt.\n\nThe module uses the same names and symbols as defined by the\nUnicodeData File Format 16.0.0.",
    );
    module.set(cx, "__doc__", doc);
    let version = cx.str(unicode::UNIDATA_VERSION);
    module.set(cx, "unidata_version", version);
    module.add_functions(cx, UnicodeData::METHODS);
    module.add_type(cx, &UCD);
    let old = cx.alloc(Ucd { header: Header::fresh(&UCD) });
    module.set(cx, "ucd_3_2_0", Value::of(old));
    module
}

/// The database as an object: `ucd_3_2_0`, which IDNA uses. It answers from the current database; what Unicode
/// added since version 3.2 is thus assigned in it.
#[repr(C)]
pub struct Ucd {
    header: Header,
}
object!(Ucd, UCD);

/// The type UCD.
pub static UCD: Type = Type::new(&UCD_SPEC);
static UCD_SPEC: TypeSpec = TypeSpec {
    name: "unicodedata.UCD",
    basicsize: 16,
    flags: flags::DISALLOW_INSTANTIATION,
    slots: Slots { getattr: Some(ucd_attribute), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

/// `unidata_version`, or a function of the module.
fn ucd_attribute(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    if name.eq_rust("unidata_version") {
        return Ok(cx.str("3.2.0"));
    }
    match UnicodeData::METHODS.iter().find(|def| name.eq_rust(def.name)) {
        Some(def) => Ok(Value::of(NativeFunction::new(cx, def, Some(v), None))),
        None => attr::generic_get(cx, v, name),
    }
}

/// The argument of a function of one character; `position` is part of the message of functions with two.
fn character(cx: &mut Cx, v: Value, function: &str, position: &str) -> PyResult<u32> {
    match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.at(0)),
        Some(s) => {
            let n = s.len();
            raise!(
                cx,
                TypeError,
                "{function}(): argument{position} must be a unicode character, not a string of length {n}"
            )
        }
        None => {
            let got = if v.is_none() { "None".to_string() } else { v.class().tp_name() };
            raise!(cx, TypeError, "{function}() argument{position} must be a unicode character, not {got}")
        }
    }
}

#[pymethods]
impl UnicodeData {
    /// Converts a Unicode character into its equivalent decimal value.
    ///
    /// Returns the decimal value assigned to the character chr as integer.
    /// If no such value is defined, default is returned, or, if not given,
    /// ValueError is raised.
    #[py("($module, chr, default=<unrepresentable>, /)")]
    fn decimal(cx: &mut Cx, chr: Value, default: Option<Value>) -> PyResult<Value> {
        let c = character(cx, chr, "decimal", " 1")?;
        match (unicode::decimal(c), default) {
            (Some(d), _) => Ok(Value::small(d.into())),
            (None, Some(default)) => Ok(default),
            (None, None) => raise!(cx, ValueError, "not a decimal"),
        }
    }
    /// Converts a Unicode character into its equivalent digit value.
    ///
    /// Returns the digit value assigned to the character chr as integer.
    /// If no such value is defined, default is returned, or, if not given,
    /// ValueError is raised.
    #[py("($module, chr, default=<unrepresentable>, /)")]
    fn digit(cx: &mut Cx, chr: Value, default: Option<Value>) -> PyResult<Value> {
        let c = character(cx, chr, "digit", " 1")?;
        match (unicode::digit(c), default) {
            (Some(d), _) => Ok(Value::small(d.into())),
            (None, Some(default)) => Ok(default),
            (None, None) => raise!(cx, ValueError, "not a digit"),
        }
    }
    /// Converts a Unicode character into its equivalent numeric value.
    ///
    /// Returns the numeric value assigned to the character chr as float.
    /// If no such value is defined, default is returned, or, if not given,
    /// ValueError is raised.
    #[py("($module, chr, default=<unrepresentable>, /)")]
    fn numeric(cx: &mut Cx, chr: Value, default: Option<Value>) -> PyResult<Value> {
        let c = character(cx, chr, "numeric", " 1")?;
        match (unicode::numeric(c), default) {
            (Some(d), _) => Ok(cx.float(d)),
            (None, Some(default)) => Ok(default),
            (None, None) => raise!(cx, ValueError, "not a numeric character"),
        }
    }
    /// Returns the general category assigned to the character chr as string.
    #[py("($module, chr, /)")]
    fn category(cx: &mut Cx, chr: Value) -> PyResult<&'static str> {
        Ok(unicode::category(character(cx, chr, "category", "")?))
    }
    /// Returns the bidirectional class assigned to the character chr as string.
    ///
    /// If no such value is defined, an empty string is returned.
    #[py("($module, chr, /)")]
    fn bidirectional(cx: &mut Cx, chr: Value) -> PyResult<&'static str> {
        Ok(unicode::bidirectional(character(cx, chr, "bidirectional", "")?))
    }
    /// Returns the canonical combining class assigned to the character chr as integer.
    ///
    /// Returns 0 if no combining class is defined.
    #[py("($module, chr, /)")]
    fn combining(cx: &mut Cx, chr: Value) -> PyResult<i64> {
        Ok(unicode::combining(character(cx, chr, "combining", "")?).into())
    }
    /// Returns the mirrored property assigned to the character chr as integer.
    ///
    /// Returns 1 if the character has been identified as a "mirrored"
    /// character in bidirectional text, 0 otherwise.
    #[py("($module, chr, /)")]
    fn mirrored(cx: &mut Cx, chr: Value) -> PyResult<i64> {
        Ok(unicode::mirrored(character(cx, chr, "mirrored", "")?).into())
    }
    /// Returns the east asian width assigned to the character chr as string.
    #[py("($module, chr, /)")]
    fn east_asian_width(cx: &mut Cx, chr: Value) -> PyResult<&'static str> {
        Ok(unicode::east_asian_width(character(cx, chr, "east_asian_width", "")?))
    }
    /// Returns the character decomposition mapping assigned to the character chr as string.
    ///
    /// An empty string is returned in case no such mapping is defined.
    #[py("($module, chr, /)")]
    fn decomposition(cx: &mut Cx, chr: Value) -> PyResult<String> {
        Ok(unicode::decomposition(character(cx, chr, "decomposition", "")?))
    }
    /// Returns the name assigned to the character chr as a string.
    ///
    /// If no name is defined, default is returned, or, if not given,
    /// ValueError is raised.
    #[py("($module, chr, default=<unrepresentable>, /)")]
    fn name(cx: &mut Cx, chr: Value, default: Option<Value>) -> PyResult<Value> {
        let c = character(cx, chr, "name", " 1")?;
        match (unicode::name(c), default) {
            (Some(name), _) => Ok(cx.str(&name)),
            (None, Some(default)) => Ok(default),
            (None, None) => raise!(cx, ValueError, "no such name"),
        }
    }
    /// Look up character by name.
    ///
    /// If a character with the given name is found, return the
    /// corresponding character.  If not found, KeyError is raised.
    #[py("($module, name, /)")]
    fn lookup(cx: &mut Cx, name: &'static Str) -> PyResult<&'static Str> {
        let text = name.to_string_lossy();
        match unicode::lookup(&text) {
            Some(c) => Ok(cx.char(c)),
            None => raise!(cx, KeyError, "undefined character name '{text}'"),
        }
    }
    /// Return whether the Unicode string unistr is in the normal form 'form'.
    ///
    /// Valid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'.
    #[py("($module, form, unistr, /)")]
    fn is_normalized(cx: &mut Cx, form: &'static Str, unistr: &'static Str) -> PyResult<bool> {
        let form = form_of(cx, form)?;
        Ok(unistr.is_ascii() || unicode::is_normalized(form, &unistr.to_code_points()))
    }
    /// Return the normal form 'form' for the Unicode string unistr.
    ///
    /// Valid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'.
    #[py("($module, form, unistr, /)")]
    fn normalize(cx: &mut Cx, form: &'static Str, unistr: &'static Str) -> PyResult<&'static Str> {
        let form = form_of(cx, form)?;
        if unistr.is_ascii() {
            return Ok(unistr.exact(cx));
        }
        let out = unicode::normalize(form, &unistr.to_code_points());
        Ok(Str::from_code_points(cx, &out))
    }
}

fn form_of(cx: &mut Cx, form: &'static Str) -> PyResult<Form> {
    match Form::from_name(&form.to_string_lossy()) {
        Some(form) => Ok(form),
        None => raise!(cx, ValueError, "invalid normalization form"),
    }
}

//! _locale: the C library's locales.

use std::ffi::{CStr, CString};

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::type_;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise};

use crate::host::{self, Global, add_ints};

static ERROR: Global = Global::new();

#[cold]
fn error(cx: &mut Cx, text: &str) -> Raised {
    let class = ERROR.get().unwrap_or(Value::of(&exceptions::Exception_));
    let text = cx.str(text);
    match cx.call(class, &[text]) {
        Ok(exception) => cx.raise(exception),
        Err(raised) => raised,
    }
}

/// A C text as a str; null is None.
///
/// # Safety
/// `p` must be null or NUL-terminated.
unsafe fn text(cx: &mut Cx, p: *const libc::c_char) -> Value {
    if p.is_null() {
        return Value::none();
    }
    // SAFETY: the caller's promise.
    Value::of(host::fs_decode(cx, unsafe { CStr::from_ptr(p) }.to_bytes()))
}

fn c_text(cx: &mut Cx, s: &'static Str) -> PyResult<CString> {
    match CString::new(host::fs_encode(cx, s)?) {
        Ok(text) => Ok(text),
        Err(_) => raise!(cx, ValueError, "embedded null character"),
    }
}

fn optional_text(cx: &mut Cx, v: Value) -> PyResult<Option<CString>> {
    if v.is_none() {
        return Ok(None);
    }
    match v.downcast::<Str>() {
        Some(s) => c_text(cx, s).map(Some),
        None => raise!(cx, TypeError, "argument must be str or None, not {}", v.class().tp_name()),
    }
}

unsafe extern "C" {
    fn gettext(msg: *const libc::c_char) -> *const libc::c_char;
    fn dgettext(domain: *const libc::c_char, msg: *const libc::c_char) -> *const libc::c_char;
    fn dcgettext(domain: *const libc::c_char, msg: *const libc::c_char, category: libc::c_int) -> *const libc::c_char;
    fn textdomain(domain: *const libc::c_char) -> *const libc::c_char;
    fn bindtextdomain(domain: *const libc::c_char, dir: *const libc::c_char) -> *const libc::c_char;
    fn bind_textdomain_codeset(domain: *const libc::c_char, codeset: *const libc::c_char) -> *const libc::c_char;
}

fn pointer(text: &Option<CString>) -> *const libc::c_char {
    text.as_ref().map_or(std::ptr::null(), |t| t.as_ptr())
}

struct Functions;

#[pymethods]
impl Functions {
    /// Activates/queries locale processing.
    #[py("($module, category, locale=None, /)")]
    fn setlocale(cx: &mut Cx, category: i32, locale: Option<Value>) -> PyResult<Value> {
        let locale = optional_text(cx, locale.unwrap_or(Value::none()))?;
        // SAFETY: the text is NUL-terminated; the GIL serialises changes; the answer is copied at once.
        let name = unsafe {
            let p = libc::setlocale(category, pointer(&locale));
            text(cx, p)
        };
        match (name.is_none(), locale.is_some()) {
            (false, _) => Ok(name),
            (true, true) => Err(error(cx, "unsupported locale setting")),
            (true, false) => Err(error(cx, "locale query failed")),
        }
    }
    /// Returns numeric and monetary locale-specific parameters.
    #[py("($module, /)")]
    fn localeconv(cx: &mut Cx) -> Value {
        let result = Dict::new(cx);
        // SAFETY: the answer is valid until the next call; the GIL serialises these.
        unsafe {
            let conv = &*libc::localeconv();
            let texts = [
                ("int_curr_symbol", conv.int_curr_symbol),
                ("currency_symbol", conv.currency_symbol),
                ("mon_decimal_point", conv.mon_decimal_point),
                ("mon_thousands_sep", conv.mon_thousands_sep),
            ];
            put_texts(cx, result, &texts);
            put_grouping(cx, result, "mon_grouping", conv.mon_grouping);
            let texts = [("positive_sign", conv.positive_sign), ("negative_sign", conv.negative_sign)];
            put_texts(cx, result, &texts);
            let numbers = [
                ("int_frac_digits", conv.int_frac_digits),
                ("frac_digits", conv.frac_digits),
                ("p_cs_precedes", conv.p_cs_precedes),
                ("p_sep_by_space", conv.p_sep_by_space),
                ("n_cs_precedes", conv.n_cs_precedes),
                ("n_sep_by_space", conv.n_sep_by_space),
                ("p_sign_posn", conv.p_sign_posn),
                ("n_sign_posn", conv.n_sign_posn),
            ];
            for (name, n) in numbers {
                let key = cx.intern(name);
                result.set_str(cx, key, Value::small(n as i64));
            }
            let texts = [("decimal_point", conv.decimal_point), ("thousands_sep", conv.thousands_sep)];
            put_texts(cx, result, &texts);
            put_grouping(cx, result, "grouping", conv.grouping);
        }
        Value::of(result)
    }
    /// Compares two strings according to the locale.
    #[py("($module, os1, os2, /)")]
    fn strcoll(cx: &mut Cx, os1: &'static Str, os2: &'static Str) -> PyResult<i32> {
        let (a, b) = (c_text(cx, os1)?, c_text(cx, os2)?);
        // SAFETY: both are NUL-terminated.
        Ok(unsafe { libc::strcoll(a.as_ptr(), b.as_ptr()) }.signum())
    }
    /// Return a string that can be used as a key for locale-aware comparisons.
    #[py("($module, string, /)")]
    fn strxfrm(cx: &mut Cx, string: &'static Str) -> PyResult<Value> {
        let source = c_text(cx, string)?;
        let mut out = vec![0u8; source.as_bytes().len() * 2 + 16];
        loop {
            // SAFETY: the text is NUL-terminated, the buffer as long as said.
            let n = unsafe { libc::strxfrm(out.as_mut_ptr().cast(), source.as_ptr(), out.len()) };
            if n < out.len() {
                return Ok(Value::of(host::fs_decode(cx, &out[..n])));
            }
            out.resize(n + 1, 0);
        }
    }
    /// Return the value for the locale information associated with key.
    #[py("($module, key, /)")]
    fn nl_langinfo(cx: &mut Cx, key: i32) -> PyResult<Value> {
        let known = LANGINFO.iter().any(|(_, k)| *k == key as i64);
        if !known {
            return raise!(cx, ValueError, "unsupported langinfo constant");
        }
        // SAFETY: the answer is NUL-terminated and copied at once.
        Ok(unsafe {
            let p = libc::nl_langinfo(key);
            text(cx, p)
        })
    }
    /// gettext(msg) -> string
    ///
    /// Return translation of msg.
    #[py("($module, msg, /)")]
    fn gettext(cx: &mut Cx, msg: &'static Str) -> PyResult<Value> {
        let msg = c_text(cx, msg)?;
        // SAFETY: texts are NUL-terminated; the answer is copied at once.
        Ok(unsafe {
            let p = gettext(msg.as_ptr());
            text(cx, p)
        })
    }
    /// dgettext(domain, msg) -> string
    ///
    /// Return translation of msg in domain.
    #[py("($module, domain, msg, /)")]
    fn dgettext(cx: &mut Cx, domain: Value, msg: &'static Str) -> PyResult<Value> {
        let (domain, msg) = (optional_text(cx, domain)?, c_text(cx, msg)?);
        // SAFETY: as above.
        Ok(unsafe {
            let p = dgettext(pointer(&domain), msg.as_ptr());
            text(cx, p)
        })
    }
    /// Return translation of msg in domain and category.
    #[py("($module, domain, msg, category, /)")]
    fn dcgettext(cx: &mut Cx, domain: Value, msg: &'static Str, category: i32) -> PyResult<Value> {
        let (domain, msg) = (optional_text(cx, domain)?, c_text(cx, msg)?);
        // SAFETY: as above.
        Ok(unsafe {
            let p = dcgettext(pointer(&domain), msg.as_ptr(), category);
            text(cx, p)
        })
    }
    /// Set the C library's textdmain to domain, returning the new domain.
    #[py("($module, domain, /)")]
    fn textdomain(cx: &mut Cx, domain: Value) -> PyResult<Value> {
        let domain = optional_text(cx, domain)?;
        // SAFETY: as above.
        Ok(unsafe {
            let p = textdomain(pointer(&domain));
            text(cx, p)
        })
    }
    /// Bind the C library's domain to dir.
    #[py("($module, domain, dir, /)")]
    fn bindtextdomain(cx: &mut Cx, domain: &'static Str, dir: Value) -> PyResult<Value> {
        if domain.is_empty() {
            return Err(error(cx, "domain must be a non-empty string"));
        }
        let domain = c_text(cx, domain)?;
        let dir = if dir.is_none() { None } else { Some(host::fs_bytes(cx, dir)?) };
        // SAFETY: as above.
        Ok(unsafe {
            let p = bindtextdomain(domain.as_ptr(), pointer(&dir));
            text(cx, p)
        })
    }
    /// Bind the C library's domain to codeset.
    #[py("($module, domain, codeset, /)")]
    fn bind_textdomain_codeset(cx: &mut Cx, domain: &'static Str, codeset: Value) -> PyResult<Value> {
        let (domain, codeset) = (c_text(cx, domain)?, optional_text(cx, codeset)?);
        // SAFETY: as above.
        Ok(unsafe {
            let p = bind_textdomain_codeset(domain.as_ptr(), pointer(&codeset));
            text(cx, p)
        })
    }
    /// Get the current locale encoding.
    #[py("($module, /)")]
    fn getencoding(cx: &mut Cx) -> Value {
        Value::of(cx.intern(crate::io::locale_encoding()))
    }
}

/// # Safety
/// The texts must be NUL-terminated.
unsafe fn put_texts(cx: &mut Cx, dict: &'static Dict, texts: &[(&str, *mut libc::c_char)]) {
    for (name, p) in texts {
        // SAFETY: the caller's promise.
        let value = unsafe { text(cx, *p) };
        let key = cx.intern(name);
        dict.set_str(cx, key, value);
    }
}

/// # Safety
/// `p` must lead to a grouping of `localeconv`.
unsafe fn put_grouping(cx: &mut Cx, dict: &'static Dict, name: &str, p: *const libc::c_char) {
    let list = List::new(cx);
    let mut sizes = Vec::new();
    // SAFETY: a grouping ends with 0 or CHAR_MAX.
    unsafe {
        let mut at = p;
        while *at != 0 {
            sizes.push(*at as i64);
            if *at == libc::c_char::MAX {
                break;
            }
            at = at.add(1);
        }
    }
    if sizes.last().is_some_and(|s| *s != libc::c_char::MAX as i64) {
        sizes.push(0);
    }
    for size in sizes {
        list.push(cx, Value::small(size));
    }
    let key = cx.intern(name);
    dict.set_str(cx, key, Value::of(list));
}

static CATEGORIES: &[(&str, i64)] = &[
    ("LC_CTYPE", 0),
    ("LC_TIME", 2),
    ("LC_COLLATE", 3),
    ("LC_MONETARY", 4),
    ("LC_MESSAGES", 5),
    ("LC_NUMERIC", 1),
    ("LC_ALL", 6),
    ("CHAR_MAX", 127),
];

static LANGINFO: &[(&str, i64)] = &[
    ("DAY_1", 131079),
    ("DAY_2", 131080),
    ("DAY_3", 131081),
    ("DAY_4", 131082),
    ("DAY_5", 131083),
    ("DAY_6", 131084),
    ("DAY_7", 131085),
    ("ABDAY_1", 131072),
    ("ABDAY_2", 131073),
    ("ABDAY_3", 131074),
    ("ABDAY_4", 131075),
    ("ABDAY_5", 131076),
    ("ABDAY_6", 131077),
    ("ABDAY_7", 131078),
    ("MON_1", 131098),
    ("MON_2", 131099),
    ("MON_3", 131100),
    ("MON_4", 131101),
    ("MON_5", 131102),
    ("MON_6", 131103),
    ("MON_7", 131104),
    ("MON_8", 131105),
    ("MON_9", 131106),
    ("MON_10", 131107),
    ("MON_11", 131108),
    ("MON_12", 131109),
    ("ABMON_1", 131086),
    ("ABMON_2", 131087),
    ("ABMON_3", 131088),
    ("ABMON_4", 131089),
    ("ABMON_5", 131090),
    ("ABMON_6", 131091),
    ("ABMON_7", 131092),
    ("ABMON_8", 131093),
    ("ABMON_9", 131094),
    ("ABMON_10", 131095),
    ("ABMON_11", 131096),
    ("ABMON_12", 131097),
    ("RADIXCHAR", 65536),
    ("THOUSEP", 65537),
    ("CRNCYSTR", 262159),
    ("D_T_FMT", 131112),
    ("D_FMT", 131113),
    ("T_FMT", 131114),
    ("AM_STR", 131110),
    ("PM_STR", 131111),
    ("CODESET", 14),
    ("T_FMT_AMPM", 131115),
    ("ERA", 131116),
    ("ERA_D_FMT", 131118),
    ("ERA_D_T_FMT", 131120),
    ("ERA_T_FMT", 131121),
    ("ALT_DIGITS", 131119),
    ("YESEXPR", 327680),
    ("NOEXPR", 327681),
    ("_DATE_FMT", 131180),
];

/// Makes the class `locale.Error`.
fn error_class(cx: &mut Cx) -> PyResult<Value> {
    let bases = Tuple::new(cx, &[Value::of(&exceptions::Exception_)]);
    let namespace = Dict::new(cx);
    let (key, module) = (cx.names().__module__, host::interned(cx, "locale"));
    namespace.set_str(cx, key, module);
    let name = cx.intern("Error");
    let class = type_::new_class(cx, &type_::TYPE, name, bases, namespace, Args::positional(&[]))?;
    Ok(Value::of(class))
}

/// Makes the module.
pub fn init(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = Module::new(cx, "_locale");
    let doc = cx.str("Support for POSIX locales.");
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, Functions::METHODS);
    let error = ERROR.get_or(cx, error_class)?;
    module.set(cx, "Error", error);
    add_ints(cx, module, CATEGORIES);
    add_ints(cx, module, LANGINFO);
    Ok(module)
}

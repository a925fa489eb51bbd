//! The module.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::attr;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::capsule::Capsule;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise};
use taipan_stdlib::host;
use taipan_xml::{Error, Parser};

use crate::parser::{XML_PARSER, XmlParser};

/// `xml.parsers.expat.ExpatError`.
static EXPAT_ERROR: Type = Type::new(&EXPAT_ERROR_SPEC);
static EXPAT_ERROR_SPEC: TypeSpec = TypeSpec {
    name: "xml.parsers.expat.ExpatError",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

/// Names and texts of the errors, from number 1 on.
const ERRORS: [(&str, &str); 44] = [
    ("NO_MEMORY", "out of memory"),
    ("SYNTAX", "syntax error"),
    ("NO_ELEMENTS", "no element found"),
    ("INVALID_TOKEN", "not well-formed (invalid token)"),
    ("UNCLOSED_TOKEN", "unclosed token"),
    ("PARTIAL_CHAR", "partial character"),
    ("TAG_MISMATCH", "mismatched tag"),
    ("DUPLICATE_ATTRIBUTE", "duplicate attribute"),
    ("JUNK_AFTER_DOC_ELEMENT", "junk after document element"),
    ("PARAM_ENTITY_REF", "illegal parameter entity reference"),
    ("UNDEFINED_ENTITY", "undefined entity"),
    ("RECURSIVE_ENTITY_REF", "recursive entity reference"),
    ("ASYNC_ENTITY", "asynchronous entity"),
    ("BAD_CHAR_REF", "reference to invalid character number"),
    ("BINARY_ENTITY_REF", "reference to binary entity"),
    ("ATTRIBUTE_EXTERNAL_ENTITY_REF", "reference to external entity in attribute"),
    ("MISPLACED_XML_PI", "XML or text declaration not at start of entity"),
    ("UNKNOWN_ENCODING", "unknown encoding"),
    ("INCORRECT_ENCODING", "encoding specified in XML declaration is incorrect"),
    ("UNCLOSED_CDATA_SECTION", "unclosed CDATA section"),
    ("EXTERNAL_ENTITY_HANDLING", "error in processing external entity reference"),
    ("NOT_STANDALONE", "document is not standalone"),
    ("UNEXPECTED_STATE", "unexpected parser state - please send a bug report"),
    ("ENTITY_DECLARED_IN_PE", "entity declared in parameter entity"),
    ("FEATURE_REQUIRES_XML_DTD", "requested feature requires XML_DTD support in Expat"),
    ("CANT_CHANGE_FEATURE_ONCE_PARSING", "cannot change setting once parsing has begun"),
    ("UNBOUND_PREFIX", "unbound prefix"),
    ("UNDECLARING_PREFIX", "must not undeclare prefix"),
    ("INCOMPLETE_PE", "incomplete markup in parameter entity"),
    ("XML_DECL", "XML declaration not well-formed"),
    ("TEXT_DECL", "text declaration not well-formed"),
    ("PUBLICID", "illegal character(s) in public id"),
    ("SUSPENDED", "parser suspended"),
    ("NOT_SUSPENDED", "parser not suspended"),
    ("ABORTED", "parsing aborted"),
    ("FINISHED", "parsing finished"),
    ("SUSPEND_PE", "cannot suspend in external parameter entity"),
    ("RESERVED_PREFIX_XML", "reserved prefix (xml) must not be undeclared or bound to another namespace name"),
    ("RESERVED_PREFIX_XMLNS", "reserved prefix (xmlns) must not be declared or undeclared"),
    ("RESERVED_NAMESPACE_URI", "prefix must not be bound to one of the reserved namespace names"),
    ("INVALID_ARGUMENT", "invalid argument"),
    ("NO_BUFFER", "a successful prior call to function XML_GetBuffer is required"),
    ("AMPLIFICATION_LIMIT_BREACH", "limit on input amplification factor (from DTD and entities) breached"),
    ("NOT_STARTED", "parser not started"),
];

/// Raises ExpatError for an error of the parser.
pub fn raise_error(cx: &mut Cx, parser: &XmlParser, error: Error) -> Raised {
    if error == Error::TooDeep {
        return cx.raise_text(&exceptions::RecursionError, "maximum recursion depth exceeded");
    }
    let text = ERRORS.get(error as usize - 1).map_or("unknown error", |row| row.1);
    raise_text(cx, parser, error, text)
}

/// Raises ExpatError with this text.
pub fn raise_text(cx: &mut Cx, parser: &XmlParser, error: Error, text: &str) -> Raised {
    let position = parser.parser().position();
    let message = cx.str(&format!("{text}: line {}, column {}", position.line, position.column));
    let exception = match cx.call(Value::of(&EXPAT_ERROR), &[message]) {
        Ok(exception) => exception,
        Err(raised) => return raised,
    };
    let fields = [("code", error as i64), ("offset", position.column as i64), ("lineno", position.line as i64)];
    for (name, n) in fields {
        let (name, n) = (cx.intern(name), cx.int(n));
        if let Err(raised) = attr::set(cx, exception, name, Some(n)) {
            return raised;
        }
    }
    cx.raise(exception)
}

struct Functions;

#[pymethods]
impl Functions {
    /// Return a new XML parser object.
    #[py("($module, /, encoding=None, namespace_separator=None, intern=<unrepresentable>)", name = "ParserCreate")]
    fn parser_create(
        cx: &mut Cx,
        encoding: Option<Value>,
        namespace_separator: Option<Value>,
        intern: Option<Value>,
    ) -> PyResult<&'static XmlParser> {
        let encoding = text_arg(cx, encoding, "encoding")?;
        let separator = text_arg(cx, namespace_separator, "namespace_separator")?;
        if separator.as_ref().is_some_and(|s| s.chars().count() > 1) {
            return raise!(cx, ValueError, "namespace_separator must be at most one character, omitted, or None");
        }
        let names = match intern {
            None => Some(Dict::new(cx)),
            Some(v) if v.is_none() => None,
            Some(v) => match v.downcast::<Dict>() {
                Some(dict) => Some(dict),
                None => return raise!(cx, TypeError, "intern must be a dictionary"),
            },
        };
        let parser = Parser::new(encoding.as_deref(), separator.map(|s| s.chars().next()));
        Ok(XmlParser::make(cx, parser, names))
    }

    /// Returns string error for given number.
    #[py("($module, code, /)", name = "ErrorString")]
    fn error_string(_cx: &mut Cx, code: i64) -> Option<&'static str> {
        usize::try_from(code - 1).ok().and_then(|i| ERRORS.get(i)).map(|row| row.1)
    }
}

fn text_arg(cx: &mut Cx, v: Option<Value>, name: &str) -> PyResult<Option<String>> {
    match v.filter(|v| !v.is_none()) {
        None => Ok(None),
        Some(v) => match v.downcast::<Str>() {
            Some(s) => Ok(Some(s.to_string_lossy())),
            None => {
                let got = v.class().tp_name();
                raise!(cx, TypeError, "ParserCreate() argument '{name}' must be str or None, not {got}")
            }
        },
    }
}

/// A module within this one, which is in `sys.modules` too.
fn submodule(cx: &mut Cx, parent: &'static Module, name: &str, doc: &str) -> &'static Module {
    let full = format!("pyexpat.{name}");
    let module = Module::new(cx, &full);
    let doc = cx.str(doc);
    module.set(cx, "__doc__", doc);
    parent.set(cx, name, Value::of(module));
    if let Some(modules) = cx.rt().modules.get() {
        let key = cx.intern(&full);
        modules.set_str(cx, key, Value::of(module));
    }
    module
}

fn add_errors(cx: &mut Cx, module: &'static Module) -> PyResult<()> {
    let (codes, messages) = (Dict::new(cx), Dict::new(cx));
    for (i, (name, text)) in ERRORS.iter().enumerate() {
        let (code, text) = (Value::small(i as i64 + 1), Value::of(cx.intern(text)));
        module.set(cx, &format!("XML_ERROR_{name}"), text);
        codes.set(cx, text, code)?;
        messages.set(cx, code, text)?;
    }
    module.set(cx, "codes", Value::of(codes));
    module.set(cx, "messages", Value::of(messages));
    Ok(())
}

const MODEL: &[(&str, i64)] = &[
    ("XML_CTYPE_EMPTY", 1),
    ("XML_CTYPE_ANY", 2),
    ("XML_CTYPE_MIXED", 3),
    ("XML_CTYPE_NAME", 4),
    ("XML_CTYPE_CHOICE", 5),
    ("XML_CTYPE_SEQ", 6),
    ("XML_CQUANT_NONE", 0),
    ("XML_CQUANT_OPT", 1),
    ("XML_CQUANT_REP", 2),
    ("XML_CQUANT_PLUS", 3),
];

const FEATURES: &[(&str, i64)] = &[
    ("sizeof(XML_Char)", 1),
    ("sizeof(XML_LChar)", 1),
    ("XML_DTD", 0),
    ("XML_CONTEXT_BYTES", 1024),
    ("XML_NS", 0),
    ("XML_BLAP_MAX_AMP", 100),
    ("XML_BLAP_ACT_THRES", 8_388_608),
    ("XML_GE", 0),
];

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "pyexpat", "Python wrapper for Expat parser.", Functions::METHODS);
    cx.ready_type(&EXPAT_ERROR);
    cx.ready_type(&XML_PARSER);
    module.set(cx, "error", Value::of(&EXPAT_ERROR));
    module.set(cx, "ExpatError", Value::of(&EXPAT_ERROR));
    module.set(cx, "XMLParserType", Value::of(&XML_PARSER));
    let (version, native) = (cx.str("expat_2.7.3"), cx.str("UTF-8"));
    module.set(cx, "EXPAT_VERSION", version);
    module.set(cx, "native_encoding", native);
    let info = Tuple::new(cx, &[2, 7, 3].map(Value::small));
    module.set(cx, "version_info", Value::of(info));
    host::add_ints(
        cx,
        module,
        &[
            ("XML_PARAM_ENTITY_PARSING_NEVER", 0),
            ("XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE", 1),
            ("XML_PARAM_ENTITY_PARSING_ALWAYS", 2),
        ],
    );
    let features = List::new(cx);
    for (name, n) in FEATURES {
        let name = cx.str(name);
        let pair = Value::of(Tuple::new(cx, &[name, Value::small(*n)]));
        features.push(cx, pair);
    }
    module.set(cx, "features", Value::of(features));
    let model = submodule(cx, module, "model", "Constants used to interpret content model information.");
    host::add_ints(cx, model, MODEL);
    let errors = submodule(cx, module, "errors", "Constants used to describe error conditions.");
    add_errors(cx, errors)?;
    let capsule = Value::of(Capsule::opaque(cx));
    module.set(cx, "expat_CAPI", capsule);
    Ok(module)
}

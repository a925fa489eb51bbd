//! The parser object.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::GetSetDef;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer;
use taipan_runtime::protocol::{attr, number, object as protocol};
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, object, raise};
use taipan_xml::{Error, Parser};

use crate::events;
use crate::module::{raise_error, raise_text};

/// Names of the handlers' attributes.
pub const HANDLERS: [&str; 22] = [
    "StartElementHandler",
    "EndElementHandler",
    "ProcessingInstructionHandler",
    "CharacterDataHandler",
    "UnparsedEntityDeclHandler",
    "NotationDeclHandler",
    "StartNamespaceDeclHandler",
    "EndNamespaceDeclHandler",
    "CommentHandler",
    "StartCdataSectionHandler",
    "EndCdataSectionHandler",
    "DefaultHandler",
    "DefaultHandlerExpand",
    "NotStandaloneHandler",
    "ExternalEntityRefHandler",
    "StartDoctypeDeclHandler",
    "EndDoctypeDeclHandler",
    "EntityDeclHandler",
    "XmlDeclHandler",
    "ElementDeclHandler",
    "AttlistDeclHandler",
    "SkippedEntityHandler",
];

/// A parser. Invariant XML-1: `parser` comes from `Box::into_raw`; it is borrowed only while no Python code runs.
#[repr(C)]
pub struct XmlParser {
    header: Header,
    parser: Cell<*mut Parser>,
    /// Text waiting for its handler (`buffer_text`).
    pub waiting: Cell<*mut String>,
    /// The handlers, in the order of [`HANDLERS`].
    pub handlers: [Cell<Option<Value>>; 22],
    /// The dict that names are looked up in.
    pub names: Cell<Option<&'static Dict>>,
    base: Cell<Option<Value>>,
    parent: Cell<Option<&'static XmlParser>>,
    is_subset: Cell<bool>,
    /// An event is being handled.
    pub in_callback: Cell<bool>,
    is_parsing: Cell<bool>,
    pub buffer_text: Cell<bool>,
    pub buffer_size: Cell<usize>,
    pub ordered_attributes: Cell<bool>,
    pub specified_attributes: Cell<bool>,
    namespace_prefixes: Cell<bool>,
}
object!(XmlParser, XML_PARSER);

/// The type of parsers.
pub static XML_PARSER: Type = Type::new(&XML_PARSER_SPEC);
static XML_PARSER_SPEC: TypeSpec = TypeSpec {
    name: "pyexpat.xmlparser",
    basicsize: std::mem::size_of::<XmlParser>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_parser),
    drop: Some(drop_parser),
    methods: &[XmlParser::METHODS],
    getsets: &[XmlParser::GETSETS, HANDLER_ATTRIBUTES],
    doc: "XML parser",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_parser(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for parsers only.
    let this = unsafe { &*object.cast::<XmlParser>() };
    let others = [this.base.get(), this.names.get().map(Value::of), this.parent.get().map(Value::of)];
    for v in this.handlers.iter().filter_map(Cell::get).chain(others.into_iter().flatten()) {
        marker.mark_value(v.bits());
    }
}

unsafe fn drop_parser(object: *mut Header) {
    // SAFETY: a dead parser; both were made by Box::into_raw.
    unsafe {
        let this = &*object.cast::<XmlParser>();
        drop(Box::from_raw(this.parser.get()));
        drop(Box::from_raw(this.waiting.get()));
    }
}

impl XmlParser {
    /// A new parser object. May collect.
    pub fn make(cx: &mut Cx, parser: Parser, names: Option<&'static Dict>) -> &'static XmlParser {
        const NONE: Cell<Option<Value>> = Cell::new(None);
        let object = XmlParser {
            header: Header::fresh(&XML_PARSER),
            parser: Cell::new(Box::into_raw(Box::new(parser))),
            waiting: Cell::new(Box::into_raw(Box::default())),
            handlers: [NONE; 22],
            names: Cell::new(names),
            base: NONE,
            parent: Cell::new(None),
            is_subset: Cell::new(false),
            in_callback: Cell::new(false),
            is_parsing: Cell::new(false),
            buffer_text: Cell::new(false),
            buffer_size: Cell::new(8192),
            ordered_attributes: Cell::new(false),
            specified_attributes: Cell::new(false),
            namespace_prefixes: Cell::new(false),
        };
        cx.ready_type(&XML_PARSER);
        let this = cx.alloc(object);
        cx.register_special(Value::of(this));
        this
    }

    /// The parser behind the object.
    #[allow(clippy::mut_from_ref)]
    pub fn parser(&self) -> &mut Parser {
        // SAFETY: XML-1.
        unsafe { &mut *self.parser.get() }
    }

    /// The text that waits for its handler.
    #[allow(clippy::mut_from_ref)]
    pub fn waiting(&self) -> &mut String {
        // SAFETY: XML-1, and it is borrowed while no Python code runs.
        unsafe { &mut *self.waiting.get() }
    }

    /// The handler with this name.
    pub fn handler(&self, name: &str) -> Option<Value> {
        let i = HANDLERS.iter().position(|h| *h == name)?;
        self.handlers[i].get()
    }

    /// The base for relative identifiers.
    pub fn base(&self) -> Value {
        self.base.get().unwrap_or(Value::none())
    }

    fn need_root(&self, cx: &mut Cx) -> PyResult<()> {
        match self.parent.get() {
            None => Ok(()),
            Some(_) => Err(raise_text(cx, self, Error::InvalidArgument, "parser must be a root parser")),
        }
    }

    fn feed(&'static self, cx: &mut Cx, data: &[u8], is_final: bool) -> PyResult<()> {
        if self.is_parsing.get() {
            return raise!(cx, RuntimeError, "the parser is parsing already");
        }
        if let Some(error) = self.parser().error() {
            return Err(raise_error(cx, self, error));
        }
        if self.parser().is_finished() {
            return Err(raise_error(cx, self, Error::Finished));
        }
        self.parser().push(data, is_final);
        self.is_parsing.set(true);
        let result = events::run(cx, self);
        self.is_parsing.set(false);
        result?;
        if is_final
            && self.is_subset.get()
            && let Some(parent) = self.parent.get()
        {
            parent.parser().adopt(self.parser());
        }
        Ok(())
    }
}

macro_rules! handler_attributes {
    ($($i:literal)*) => {
        &[$(GetSetDef {
            name: HANDLERS[$i],
            doc: "",
            get: Some(|_, v| Ok(of(v).handlers[$i].get().unwrap_or(Value::none()))),
            set: Some(|cx, v, value| set_handler(cx, of(v), $i, value)),
        }),*]
    };
}

static HANDLER_ATTRIBUTES: &[GetSetDef] = handler_attributes!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21);

fn of(v: Value) -> &'static XmlParser {
    // SAFETY: attributes are read from instances of their type.
    unsafe { v.cast() }
}

fn set_handler(cx: &mut Cx, this: &'static XmlParser, i: usize, value: Option<Value>) -> PyResult<()> {
    let Some(value) = value else { return raise!(cx, RuntimeError, "Cannot delete attribute") };
    if HANDLERS[i] == "CharacterDataHandler" {
        // What was buffered belongs to the handler that is set now.
        events::flush(cx, this)?;
    }
    this.handlers[i].set(Some(value).filter(|v| !v.is_none()));
    cx.barrier(this);
    match HANDLERS[i] {
        "DefaultHandler" => this.parser().expand_internal = false,
        "DefaultHandlerExpand" => this.parser().expand_internal = true,
        _ => {}
    }
    Ok(())
}

fn flag(cx: &mut Cx, value: Option<Value>) -> PyResult<bool> {
    match value {
        Some(v) => protocol::truth(cx, v),
        None => raise!(cx, RuntimeError, "Cannot delete attribute"),
    }
}

#[pymethods]
impl XmlParser {
    /// Parse XML data.
    ///
    /// 'isfinal' should be true at end of input.
    #[py("($self, data, isfinal=False, /)", name = "Parse")]
    fn parse(cx: &mut Cx, this: &'static XmlParser, data: Value, isfinal: Option<bool>) -> PyResult<i64> {
        let is_final = isfinal.unwrap_or(false);
        if let Some(s) = data.downcast::<Str>() {
            let Some(text) = s.to_rust() else {
                // Raises UnicodeEncodeError.
                let codec = cx.str("utf-8");
                cx.call_method_text(data, "encode", &[codec])?;
                return Ok(0);
            };
            if !this.parser().has_started() {
                this.parser().force_utf8();
            }
            this.feed(cx, text.as_bytes(), is_final)?;
            return Ok(1);
        }
        let held = buffer::hold(cx, data, 0)?;
        this.feed(cx, held.bytes(), is_final)?;
        Ok(1)
    }

    /// Parse XML data from file-like object.
    #[py("($self, file, /)", name = "ParseFile")]
    fn parse_file(cx: &mut Cx, this: &'static XmlParser, file: Value) -> PyResult<i64> {
        let name = cx.intern("read");
        let Some(read) = attr::get_optional(cx, file, name)? else {
            return raise!(cx, TypeError, "argument must have 'read' attribute");
        };
        loop {
            let size = Value::small(2048);
            let piece = cx.call(read, &[size])?;
            let Some(data) = bytes::data_of(piece) else {
                let got = piece.class().tp_name();
                return raise!(cx, TypeError, "read() did not return a bytes object (type={got})");
            };
            if data.len() > 2048 {
                let n = data.len();
                return raise!(cx, ValueError, "read() returned too much data: 2048 bytes requested, {n} returned");
            }
            this.feed(cx, data, data.is_empty())?;
            if data.is_empty() {
                return Ok(1);
            }
        }
    }

    /// Set the base URL for the parser.
    #[py("($self, base, /)", name = "SetBase")]
    fn set_base(cx: &mut Cx, this: &'static XmlParser, base: &'static Str) {
        this.base.set(Some(Value::of(base)));
        cx.barrier(this);
    }

    /// Return base URL string for the parser.
    #[py("($self, /)", name = "GetBase")]
    fn get_base(_cx: &mut Cx, this: &'static XmlParser) -> Option<Value> {
        this.base.get()
    }

    /// Return the untranslated text of the input that caused the current event.
    ///
    /// If the event was generated by a large amount of text (such as a start tag
    /// for an element with many attributes), not all of the text may be available.
    #[py("($self, /)", name = "GetInputContext")]
    fn get_input_context(cx: &mut Cx, this: &'static XmlParser) -> Option<&'static Bytes> {
        if !this.in_callback.get() {
            return None;
        }
        let written = this.parser().written().as_bytes().to_vec();
        Some(Bytes::new(cx, &written))
    }

    /// Create a parser for parsing an external entity based on the information passed to the ExternalEntityRefHandler.
    #[py("($self, context, encoding=<unrepresentable>, /)", name = "ExternalEntityParserCreate")]
    fn external_parser(
        cx: &mut Cx,
        this: &'static XmlParser,
        context: Value,
        encoding: Option<&'static Str>,
    ) -> PyResult<&'static XmlParser> {
        let context = match context.downcast::<Str>() {
            Some(s) => Some(s.to_string_lossy()),
            None if context.is_none() => None,
            None => {
                let got = context.class().tp_name();
                return raise!(cx, TypeError, "ExternalEntityParserCreate() argument 1 must be str or None, not {got}");
            }
        };
        let encoding = encoding.map(|e| e.to_string_lossy());
        let parser = this.parser().external(context.as_deref(), encoding.as_deref());
        let new = XmlParser::make(cx, parser, this.names.get());
        for (from, to) in this.handlers.iter().zip(&new.handlers) {
            to.set(from.get());
        }
        new.base.set(this.base.get());
        new.parent.set(Some(this));
        new.is_subset.set(context.is_none());
        new.buffer_text.set(this.buffer_text.get());
        new.buffer_size.set(this.buffer_size.get());
        new.ordered_attributes.set(this.ordered_attributes.get());
        new.specified_attributes.set(this.specified_attributes.get());
        cx.barrier(new);
        Ok(new)
    }

    /// Controls parsing of parameter entities (including the external DTD subset).
    #[py("($self, flag, /)", name = "SetParamEntityParsing")]
    fn set_param_entity_parsing(_cx: &mut Cx, this: &'static XmlParser, flag: i64) -> i64 {
        if this.parser().has_started() || !(0..=2).contains(&flag) {
            return 0;
        }
        this.parser().param_entity_parsing = flag as i32;
        1
    }

    /// Allows the application to provide an artificial external subset if one is not specified as part of the document
    /// instance.
    #[py("($self, flag=True, /)", name = "UseForeignDTD")]
    fn use_foreign_dtd(cx: &mut Cx, this: &'static XmlParser, flag: Option<bool>) -> PyResult<()> {
        if this.parser().has_started() {
            return Err(raise_error(cx, this, Error::CannotChangeOnceParsing));
        }
        this.parser().foreign_dtd = flag.unwrap_or(true);
        Ok(())
    }

    /// Sets the number of output bytes needed to activate protection against billion laughs attacks.
    #[py("($self, threshold, /)", name = "SetBillionLaughsAttackProtectionActivationThreshold")]
    fn set_threshold(cx: &mut Cx, this: &'static XmlParser, threshold: Value) -> PyResult<()> {
        if int::view(threshold).is_some_and(|w| w.negative) {
            return raise!(cx, ValueError, "Cannot convert negative int");
        }
        let threshold = number::to_i64(cx, threshold)?;
        this.need_root(cx)?;
        this.parser().expansion_threshold = threshold.max(0) as usize;
        Ok(())
    }

    /// Sets the maximum tolerated amplification factor for protection against billion laughs attacks.
    #[py("($self, max_factor, /)", name = "SetBillionLaughsAttackProtectionMaximumAmplification")]
    fn set_amplification(cx: &mut Cx, this: &'static XmlParser, max_factor: f64) -> PyResult<()> {
        if max_factor.is_nan() || max_factor < 1.0 {
            return Err(raise_text(cx, this, Error::InvalidArgument, "'max_factor' must be at least 1.0"));
        }
        this.need_root(cx)?;
        this.parser().expansion_factor = max_factor;
        Ok(())
    }

    /// Enable/Disable reparse deferral; enabled by default with Expat >=2.6.0.
    #[py("($self, enabled, /)", name = "SetReparseDeferralEnabled")]
    fn set_reparse_deferral(_cx: &mut Cx, this: &'static XmlParser, enabled: bool) {
        this.parser().defers = enabled;
    }

    /// Retrieve reparse deferral enabled status; always returns false with Expat <2.6.0.
    #[py("($self, /)", name = "GetReparseDeferralEnabled")]
    fn get_reparse_deferral(_cx: &mut Cx, this: &'static XmlParser) -> bool {
        this.parser().defers
    }

    #[getter]
    fn intern(_cx: &mut Cx, this: &'static XmlParser) -> Option<&'static Dict> {
        this.names.get()
    }

    #[getter("ErrorCode")]
    fn error_code(_cx: &mut Cx, this: &'static XmlParser) -> i64 {
        this.parser().error().map_or(0, |e| e as i64)
    }
    #[getter("ErrorLineNumber")]
    fn error_line(_cx: &mut Cx, this: &'static XmlParser) -> usize {
        this.parser().position().line
    }
    #[getter("ErrorColumnNumber")]
    fn error_column(_cx: &mut Cx, this: &'static XmlParser) -> usize {
        this.parser().position().column
    }
    #[getter("ErrorByteIndex")]
    fn error_index(_cx: &mut Cx, this: &'static XmlParser) -> i64 {
        this.parser().position().index
    }
    #[getter("CurrentLineNumber")]
    fn line(_cx: &mut Cx, this: &'static XmlParser) -> usize {
        this.parser().position().line
    }
    #[getter("CurrentColumnNumber")]
    fn column(_cx: &mut Cx, this: &'static XmlParser) -> usize {
        this.parser().position().column
    }
    #[getter("CurrentByteIndex")]
    fn index(_cx: &mut Cx, this: &'static XmlParser) -> i64 {
        this.parser().position().index
    }

    #[getter("buffer_size")]
    fn buffer_size_(_cx: &mut Cx, this: &'static XmlParser) -> usize {
        this.buffer_size.get()
    }
    #[setter("buffer_size")]
    fn set_buffer_size(cx: &mut Cx, this: &'static XmlParser, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, RuntimeError, "Cannot delete attribute") };
        if !int::check(value) {
            return raise!(cx, TypeError, "buffer_size must be an integer");
        }
        let size = number::to_isize(cx, value)?;
        if size <= 0 {
            return raise!(cx, ValueError, "buffer_size must be greater than zero");
        }
        if size > i32::MAX as isize {
            return raise!(cx, ValueError, "buffer_size must not be greater than {}", i32::MAX);
        }
        events::flush(cx, this)?;
        this.buffer_size.set(size as usize);
        Ok(())
    }
    #[getter("buffer_text")]
    fn buffer_text_(_cx: &mut Cx, this: &'static XmlParser) -> bool {
        this.buffer_text.get()
    }
    #[setter("buffer_text")]
    fn set_buffer_text(cx: &mut Cx, this: &'static XmlParser, value: Option<Value>) -> PyResult<()> {
        let on = flag(cx, value)?;
        if !on {
            events::flush(cx, this)?;
        }
        this.buffer_text.set(on);
        Ok(())
    }
    #[getter]
    fn buffer_used(_cx: &mut Cx, this: &'static XmlParser) -> usize {
        this.waiting().len()
    }
    #[getter("namespace_prefixes")]
    fn namespace_prefixes_(_cx: &mut Cx, this: &'static XmlParser) -> bool {
        this.namespace_prefixes.get()
    }
    #[setter("namespace_prefixes")]
    fn set_namespace_prefixes(cx: &mut Cx, this: &'static XmlParser, value: Option<Value>) -> PyResult<()> {
        let on = flag(cx, value)?;
        this.namespace_prefixes.set(on);
        this.parser().set_namespace_prefixes(on);
        Ok(())
    }
    #[getter("ordered_attributes")]
    fn ordered_attributes_(_cx: &mut Cx, this: &'static XmlParser) -> bool {
        this.ordered_attributes.get()
    }
    #[setter("ordered_attributes")]
    fn set_ordered_attributes(cx: &mut Cx, this: &'static XmlParser, value: Option<Value>) -> PyResult<()> {
        this.ordered_attributes.set(flag(cx, value)?);
        Ok(())
    }
    #[getter("specified_attributes")]
    fn specified_attributes_(_cx: &mut Cx, this: &'static XmlParser) -> bool {
        this.specified_attributes.get()
    }
    #[setter("specified_attributes")]
    fn set_specified_attributes(cx: &mut Cx, this: &'static XmlParser, value: Option<Value>) -> PyResult<()> {
        this.specified_attributes.set(flag(cx, value)?);
        Ok(())
    }
}

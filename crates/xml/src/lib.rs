//! An incremental XML 1.0 parser with the events of expat.
//!
//! Input is pushed in pieces ([`Parser::push`]) and events are pulled ([`Parser::next`]) until the parser wants more.
//! Text is converted to UTF-8 as it comes in. Documents are checked for well-formedness; the internal DTD subset is
//! read, external entities are left to the caller.

#![forbid(unsafe_code)]

mod chars;
mod content;
mod dtd;
mod encoding;
mod markup;
mod names;
mod parser;

pub use dtd::{Model, Quantifier};
pub use parser::{Parser, Position};

/// Errors, by expat's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Error {
    Syntax = 2,
    NoElements = 3,
    InvalidToken = 4,
    UnclosedToken = 5,
    PartialChar = 6,
    TagMismatch = 7,
    DuplicateAttribute = 8,
    JunkAfterDocument = 9,
    ParamEntityRef = 10,
    UndefinedEntity = 11,
    RecursiveEntity = 12,
    AsyncEntity = 13,
    BadCharRef = 14,
    BinaryEntity = 15,
    AttributeExternalEntity = 16,
    MisplacedXmlPi = 17,
    UnknownEncoding = 18,
    IncorrectEncoding = 19,
    UnclosedCdata = 20,
    ExternalEntityHandling = 21,
    NotStandalone = 22,
    CannotChangeOnceParsing = 26,
    UnboundPrefix = 27,
    UndeclaringPrefix = 28,
    XmlDecl = 30,
    TextDecl = 31,
    PublicId = 32,
    Finished = 36,
    ReservedPrefixXml = 38,
    ReservedPrefixXmlns = 39,
    ReservedUri = 40,
    InvalidArgument = 41,
    Amplification = 43,
    /// Not one of expat's: a content model is nested too deeply.
    TooDeep = 255,
}

/// An event. Strings are owned: handlers may do anything before the next one.
#[derive(Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Event {
    XmlDecl {
        version: Option<String>,
        encoding: Option<String>,
        standalone: i32,
    },
    StartDoctype {
        name: String,
        system: Option<String>,
        public: Option<String>,
        has_internal: bool,
    },
    EndDoctype,
    ElementDecl {
        name: String,
        model: Model,
    },
    AttlistDecl {
        element: String,
        name: String,
        kind: String,
        default: Option<String>,
        required: bool,
    },
    EntityDecl {
        name: String,
        is_parameter: bool,
        value: Option<String>,
        system: Option<String>,
        public: Option<String>,
        notation: Option<String>,
    },
    NotationDecl {
        name: String,
        system: Option<String>,
        public: Option<String>,
    },
    StartNamespace {
        prefix: Option<String>,
        uri: Option<String>,
    },
    EndNamespace {
        prefix: Option<String>,
    },
    /// Attributes that were written come first; `specified` of them.
    StartElement {
        name: String,
        attributes: Vec<(String, String)>,
        specified: usize,
    },
    EndElement {
        name: String,
    },
    Text(String),
    Pi {
        target: String,
        data: String,
    },
    Comment(String),
    StartCdata,
    EndCdata,
    /// A reference to an external entity: its name is the context, none for the external subset.
    ExternalEntity {
        context: Option<String>,
        system: Option<String>,
        public: Option<String>,
    },
    SkippedEntity {
        name: String,
        is_parameter: bool,
    },
    /// The document has an external subset or parameter entities and does not say that it is standalone.
    NotStandalone,
    /// Text that has no event of its own.
    Other,
    /// The document names this encoding, which only the caller may know: see [`Parser::set_encoding_map`].
    UnknownEncoding(String),
}

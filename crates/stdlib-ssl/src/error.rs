//! The exception classes, and TLS errors in OpenSSL's words.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use taipan_runtime::protocol::{attr, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions};
use taipan_stdlib::host::Global;

macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal $base:expr, $slots:expr;)*) => {
        $(
            $(#[doc = $doc])+
            pub static $name: Type = Type::new({
                static SPEC: TypeSpec = TypeSpec {
                    name: concat!("ssl.", $text),
                    base: Some($base),
                    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
                    slots: $slots,
                    doc: concat!($($doc),+),
                    ..TypeSpec::DEFAULT
                };
                &SPEC
            });
        )*
    };
}

classes! {
    /// An error occurred in the SSL implementation.
    SSL_ERROR "SSLError" &exceptions::OSError, Slots { str: Some(text_of), ..Slots::NONE };
    /// SSL/TLS session closed cleanly.
    ZERO_RETURN "SSLZeroReturnError" &SSL_ERROR, Slots::NONE;
    /// Non-blocking SSL socket needs to read more data
    WANT_READ "SSLWantReadError" &SSL_ERROR, Slots::NONE;
    /// Non-blocking SSL socket needs to write more data
    WANT_WRITE "SSLWantWriteError" &SSL_ERROR, Slots::NONE;
    /// System error when attempting SSL operation.
    SYSCALL "SSLSyscallError" &SSL_ERROR, Slots::NONE;
    /// SSL/TLS connection terminated abruptly.
    EOF "SSLEOFError" &SSL_ERROR, Slots::NONE;
}

/// `SSLCertVerificationError`, which has two bases.
pub static VERIFICATION: Global = Global::new();

/// All that is not [`VERIFICATION`].
pub static ALL: &[&Type] = &[&SSL_ERROR, &ZERO_RETURN, &WANT_READ, &WANT_WRITE, &SYSCALL, &EOF];

fn text_of(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = cx.intern("strerror");
    let text = attr::get(cx, v, name)?;
    if text.downcast::<Str>().is_some() {
        return Ok(text);
    }
    let name = cx.intern("args");
    let args = attr::get(cx, v, name)?;
    protocol::str(cx, args).map(Value::of)
}

/// Raises one of the classes with a number, a text and the attributes.
pub fn raise(
    cx: &mut Cx,
    class: Value,
    number: i64,
    text: &str,
    reason: Option<&str>,
    more: &[(&str, Value)],
) -> Raised {
    let text = cx.str(text);
    let exception = match cx.call(class, &[Value::small(number), text]) {
        Ok(exception) => exception,
        Err(raised) => return raised,
    };
    let (none, library) = (Value::none(), reason.map(|_| cx.str("SSL")));
    let reason = reason.map(|r| cx.str(r));
    let own = [("library", library.unwrap_or(none)), ("reason", reason.unwrap_or(none))];
    for (name, value) in own.iter().chain(more) {
        let name = cx.intern(name);
        if let Err(raised) = attr::set(cx, exception, name, Some(*value)) {
            return raised;
        }
    }
    cx.raise(exception)
}

/// SSLError with nothing but a text.
pub fn plain(cx: &mut Cx, text: &str) -> Raised {
    let text = cx.str(text);
    match cx.call(Value::of(&SSL_ERROR), &[text]) {
        Ok(exception) => cx.raise(exception),
        Err(raised) => raised,
    }
}

/// SSLError with OpenSSL's form of text.
pub fn ssl_error(cx: &mut Cx, reason: &str, text: &str) -> Raised {
    let full = format!("[SSL: {reason}] {text} (_ssl.c:1032)");
    raise(cx, Value::of(&SSL_ERROR), 1, &full, Some(reason), &[])
}

/// SSLWantReadError.
pub fn want_read(cx: &mut Cx) -> Raised {
    raise(cx, Value::of(&WANT_READ), 2, "The operation did not complete (read) (_ssl.c:2580)", None, &[])
}

/// SSLWantWriteError.
pub fn want_write(cx: &mut Cx) -> Raised {
    raise(cx, Value::of(&WANT_WRITE), 3, "The operation did not complete (write) (_ssl.c:2406)", None, &[])
}

/// SSLEOFError.
pub fn eof(cx: &mut Cx) -> Raised {
    let text = "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1032)";
    raise(cx, Value::of(&EOF), 8, text, Some("UNEXPECTED_EOF_WHILE_READING"), &[])
}

fn verification(cx: &mut Cx, error: &CertificateError, host: Option<&str>, self_signed: bool) -> Raised {
    let host = host.unwrap_or("");
    let (code, message) = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (10, "certificate has expired".to_string())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            (9, "certificate is not yet valid".to_string())
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            if host.parse::<std::net::IpAddr>().is_ok() {
                (64, format!("IP address mismatch, certificate is not valid for '{host}'."))
            } else {
                (62, format!("Hostname mismatch, certificate is not valid for '{host}'."))
            }
        }
        _ if self_signed => (18, "self-signed certificate".to_string()),
        CertificateError::UnknownIssuer => (20, "unable to get local issuer certificate".to_string()),
        CertificateError::Revoked => (23, "certificate revoked".to_string()),
        CertificateError::BadSignature => (7, "certificate signature failure".to_string()),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            (26, "unsuitable certificate purpose".to_string())
        }
        CertificateError::BadEncoding => (1, "unspecified certificate verification error".to_string()),
        other => (1, format!("unspecified certificate verification error: {other}")),
    };
    let text = format!("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {message} (_ssl.c:1032)");
    let class = VERIFICATION.get().unwrap_or(Value::of(&SSL_ERROR));
    let message = cx.str(&message);
    let more = [("verify_code", Value::small(code)), ("verify_message", message)];
    raise(cx, class, 1, &text, Some("CERTIFICATE_VERIFY_FAILED"), &more)
}

fn alert_reason(alert: AlertDescription) -> (&'static str, &'static str) {
    match alert {
        AlertDescription::UnexpectedMessage => ("SSLV3_ALERT_UNEXPECTED_MESSAGE", "ssl/tls alert unexpected message"),
        AlertDescription::BadRecordMac => ("SSLV3_ALERT_BAD_RECORD_MAC", "ssl/tls alert bad record mac"),
        AlertDescription::HandshakeFailure => ("SSLV3_ALERT_HANDSHAKE_FAILURE", "ssl/tls alert handshake failure"),
        AlertDescription::BadCertificate => ("SSLV3_ALERT_BAD_CERTIFICATE", "ssl/tls alert bad certificate"),
        AlertDescription::CertificateExpired => {
            ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "ssl/tls alert certificate expired")
        }
        AlertDescription::CertificateUnknown => {
            ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "ssl/tls alert certificate unknown")
        }
        AlertDescription::IllegalParameter => ("SSLV3_ALERT_ILLEGAL_PARAMETER", "ssl/tls alert illegal parameter"),
        AlertDescription::UnknownCA => ("TLSV1_ALERT_UNKNOWN_CA", "tlsv1 alert unknown ca"),
        AlertDescription::AccessDenied => ("TLSV1_ALERT_ACCESS_DENIED", "tlsv1 alert access denied"),
        AlertDescription::DecodeError => ("TLSV1_ALERT_DECODE_ERROR", "tlsv1 alert decode error"),
        AlertDescription::DecryptError => ("TLSV1_ALERT_DECRYPT_ERROR", "tlsv1 alert decrypt error"),
        AlertDescription::ProtocolVersion => ("TLSV1_ALERT_PROTOCOL_VERSION", "tlsv1 alert protocol version"),
        AlertDescription::InternalError => ("TLSV1_ALERT_INTERNAL_ERROR", "tlsv1 alert internal error"),
        AlertDescription::UnrecognisedName => ("TLSV1_UNRECOGNIZED_NAME", "tlsv1 unrecognized name"),
        AlertDescription::CertificateRequired => {
            ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "tlsv13 alert certificate required")
        }
        AlertDescription::NoApplicationProtocol => {
            ("TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "tlsv1 alert no application protocol")
        }
        _ => ("TLSV1_ALERT", "tls alert"),
    }
}

/// Raises what a TLS error is to Python.
pub fn tls(cx: &mut Cx, error: &Error, host: Option<&str>, self_signed: bool) -> Raised {
    match error {
        Error::InvalidCertificate(error) => verification(cx, error, host, self_signed),
        Error::AlertReceived(alert) => {
            let (reason, text) = alert_reason(*alert);
            ssl_error(cx, reason, text)
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            ssl_error(cx, "WRONG_VERSION_NUMBER", "wrong version number")
        }
        Error::NoCertificatesPresented => {
            ssl_error(cx, "PEER_DID_NOT_RETURN_A_CERTIFICATE", "peer did not return a certificate")
        }
        Error::PeerIncompatible(why) => {
            let text = format!("{why:?}");
            match text.contains("Cipher") || text.contains("NoKxGroups") {
                true => ssl_error(cx, "NO_SHARED_CIPHER", "no shared cipher"),
                false => ssl_error(cx, "UNSUPPORTED_PROTOCOL", "unsupported protocol"),
            }
        }
        Error::DecryptError => {
            ssl_error(cx, "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "decryption failed or bad record mac")
        }
        other => {
            let text = other.to_string();
            ssl_error(cx, "TLS_ERROR", &text)
        }
    }
}

//! Certificates as Python sees them.

use std::net::{Ipv4Addr, Ipv6Addr};

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::CmpOp;
use taipan_runtime::protocol::hash;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, object, raise, trace_values};
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};
use x509_parser::time::ASN1Time;

use crate::{error, oids, pem};

/// `Certificate`.
#[repr(C)]
pub struct Certificate {
    header: Header,
    der: Value,
}
object!(Certificate, CERTIFICATE);
trace_values!(trace_certificate, Certificate, |t| [t.der]);

/// The type `Certificate`.
pub static CERTIFICATE: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ssl.Certificate",
    basicsize: std::mem::size_of::<Certificate>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_certificate),
    slots: Slots { hash: Some(hash_of), richcompare: Some(richcompare), ..Slots::NONE },
    methods: &[Certificate::METHODS],
    ..TypeSpec::DEFAULT
};

fn hash_of(cx: &mut Cx, v: Value) -> PyResult<i64> {
    // SAFETY: the slot of the type.
    hash::hash(cx, unsafe { v.cast::<Certificate>() }.der)
}

fn richcompare(_: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(a), Some(b)) = (a.downcast::<Certificate>(), b.downcast::<Certificate>()) else {
        return Ok(Value::not_implemented());
    };
    match op {
        CmpOp::Eq => Ok(Value::bool(a.data() == b.data())),
        CmpOp::Ne => Ok(Value::bool(a.data() != b.data())),
        _ => Ok(Value::not_implemented()),
    }
}

/// A certificate. May collect.
pub fn new(cx: &mut Cx, der: &[u8]) -> &'static Certificate {
    let der = Value::of(Bytes::new(cx, der));
    cx.alloc_of(&CERTIFICATE, Certificate { header: Header::fresh(&CERTIFICATE), der })
}

impl Certificate {
    fn data(&self) -> &'static [u8] {
        self.der.downcast::<Bytes>().map_or(&[], |b| b.data())
    }
}

#[pymethods]
impl Certificate {
    #[py("($self, /, format=Encoding.PEM)")]
    fn public_bytes(cx: &mut Cx, this: &'static Certificate, format: Option<i64>) -> PyResult<Value> {
        match format.unwrap_or(1) {
            1 => Ok(cx.str(&pem::encode(this.data()))),
            2 => Ok(this.der),
            _ => raise!(cx, ValueError, "Unsupported format"),
        }
    }

    #[py("($self, /)")]
    fn get_info(cx: &mut Cx, this: &'static Certificate) -> PyResult<&'static Dict> {
        decode(cx, this.data())
    }
}

fn pair(cx: &mut Cx, name: &str, value: &str) -> Value {
    let (name, value) = (cx.str(name), cx.str(value));
    Value::of(Tuple::new(cx, &[name, value]))
}

fn tuple(cx: &mut Cx, mut make: impl FnMut(&mut Cx, &mut taipan_runtime::heap::RootVec)) -> Value {
    let mut items = taipan_runtime::heap::RootVec::new();
    make(cx, &mut items);
    Value::of(Tuple::new(cx, &items))
}

fn name_of(cx: &mut Cx, name: &X509Name) -> Value {
    tuple(cx, |cx, names| {
        for rdn in name.iter() {
            let set = tuple(cx, |cx, set| {
                for attribute in rdn.iter() {
                    let oid = attribute.attr_type().to_id_string();
                    let text = match attribute.as_str() {
                        Ok(text) => text.to_string(),
                        Err(_) => String::from_utf8_lossy(attribute.as_slice()).into_owned(),
                    };
                    let pair = pair(cx, oids::long_name(&oid), &text);
                    set.push(pair);
                }
            });
            names.push(set);
        }
    })
}

fn date(time: &ASN1Time) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let t = time.to_datetime();
    let month = MONTHS[usize::from(u8::from(t.month())) - 1];
    format!("{month} {:2} {:02}:{:02}:{:02} {} GMT", t.day(), t.hour(), t.minute(), t.second(), t.year())
}

fn push_general_name(cx: &mut Cx, name: &GeneralName, names: &mut taipan_runtime::heap::RootVec) {
    let made = match name {
        GeneralName::DNSName(text) => pair(cx, "DNS", text),
        GeneralName::RFC822Name(text) => pair(cx, "email", text),
        GeneralName::URI(text) => pair(cx, "URI", text),
        GeneralName::IPAddress(bytes) => {
            let text = match <[u8; 4]>::try_from(*bytes) {
                Ok(four) => Ipv4Addr::from(four).to_string(),
                Err(_) => match <[u8; 16]>::try_from(*bytes) {
                    Ok(sixteen) => {
                        let parts = Ipv6Addr::from(sixteen).segments().map(|s| format!("{s:X}"));
                        parts.join(":")
                    }
                    Err(_) => "<invalid>".to_string(),
                },
            };
            pair(cx, "IP Address", &text)
        }
        GeneralName::RegisteredID(oid) => pair(cx, "Registered ID", &oid.to_id_string()),
        GeneralName::DirectoryName(name) => {
            let (kind, name) = (cx.str("DirName"), name_of(cx, name));
            Value::of(Tuple::new(cx, &[kind, name]))
        }
        GeneralName::OtherName(..) => pair(cx, "othername", "<unsupported>"),
        _ => pair(cx, "<unsupported>", "<unsupported>"),
    };
    names.push(made);
}

fn set(cx: &mut Cx, dict: &'static Dict, key: &str, value: Value) {
    let key = cx.intern(key);
    dict.set_str(cx, key, value);
}

/// The dict that `getpeercert()` gives. May collect.
pub fn decode(cx: &mut Cx, der: &[u8]) -> PyResult<&'static Dict> {
    let Ok((_, cert)) = X509Certificate::from_der(der) else {
        return Err(error::ssl_error(cx, "BAD_CERTIFICATE", "cannot decode certificate"));
    };
    let dict = Dict::new(cx);
    for (key, name) in [("subject", cert.subject()), ("issuer", cert.issuer())] {
        let name = name_of(cx, name);
        set(cx, dict, key, name);
    }
    set(cx, dict, "version", Value::small(i64::from(cert.version().0) + 1));
    let serial: String = cert.raw_serial().iter().map(|b| format!("{b:02X}")).collect();
    let serial = match serial.strip_prefix("00") {
        Some(rest) if !rest.is_empty() => rest.to_string(),
        _ => serial,
    };
    let texts = [
        ("serialNumber", serial),
        ("notBefore", date(&cert.validity().not_before)),
        ("notAfter", date(&cert.validity().not_after)),
    ];
    for (key, text) in texts {
        let text = cx.str(&text);
        set(cx, dict, key, text);
    }
    for extension in cert.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                let all = tuple(cx, |cx, all| {
                    names.general_names.iter().for_each(|name| push_general_name(cx, name, all));
                });
                set(cx, dict, "subjectAltName", all);
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                for (key, oid) in [("OCSP", "1.3.6.1.5.5.7.48.1"), ("caIssuers", "1.3.6.1.5.5.7.48.2")] {
                    let all = tuple(cx, |cx, all| {
                        for one in access.accessdescs.iter().filter(|d| d.access_method.to_id_string() == oid) {
                            if let GeneralName::URI(text) = &one.access_location {
                                let text = cx.str(text);
                                all.push(text);
                            }
                        }
                    });
                    if all.downcast::<Tuple>().is_some_and(|t| !t.is_empty()) {
                        set(cx, dict, key, all);
                    }
                }
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                let all = tuple(cx, |cx, all| {
                    for point in points.points.iter() {
                        let Some(DistributionPointName::FullName(names)) = &point.distribution_point else { continue };
                        for name in names {
                            if let GeneralName::URI(text) = name {
                                let text = cx.str(text);
                                all.push(text);
                            }
                        }
                    }
                });
                if all.downcast::<Tuple>().is_some_and(|t| !t.is_empty()) {
                    set(cx, dict, "crlDistributionPoints", all);
                }
            }
            _ => {}
        }
    }
    Ok(dict)
}

/// Whether a certificate says that it was issued by its own subject.
pub fn is_self_signed(der: &[u8]) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, cert)| cert.subject().as_raw() == cert.issuer().as_raw())
}

/// Whether a certificate is one of an authority.
pub fn is_authority(der: &[u8]) -> bool {
    let Ok((_, cert)) = X509Certificate::from_der(der) else { return false };
    if let Ok(Some(basic)) = cert.basic_constraints() {
        return basic.value.ca;
    }
    // Without that extension the version or the use of the key decides, as in OpenSSL.
    let is_old = cert.version().0 == 0 && cert.subject().as_raw() == cert.issuer().as_raw();
    is_old || cert.key_usage().is_ok_and(|usage| usage.is_some_and(|u| u.value.key_cert_sign()))
}

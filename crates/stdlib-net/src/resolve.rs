//! Names and addresses: what getaddrinfo and getnameinfo do for the rest of the module.

use std::ffi::{CStr, CString};
use std::net::{Ipv4Addr, Ipv6Addr};

use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise};
use taipan_stdlib::host;

use crate::address::Address;

/// `socket.gaierror`.
pub static GAI_ERROR: Type = Type::new(&GAI_ERROR_SPEC);
static GAI_ERROR_SPEC: TypeSpec = TypeSpec {
    name: "socket.gaierror",
    base: Some(&exceptions::OSError),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

/// `socket.herror`.
pub static HOST_ERROR: Type = Type::new(&HOST_ERROR_SPEC);
static HOST_ERROR_SPEC: TypeSpec = TypeSpec {
    name: "socket.herror",
    base: Some(&exceptions::OSError),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

/// Raises `gaierror` for a result of getaddrinfo or getnameinfo; `errno` is for EAI_SYSTEM.
pub fn gai_error(cx: &mut Cx, code: i32, errno: i32) -> Raised {
    if code == libc::EAI_SYSTEM {
        return host::os_error(cx, errno);
    }
    // SAFETY: gai_strerror gives a static C string.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) }.to_string_lossy().into_owned();
    let text = cx.str(&text);
    cx.raise_args(&GAI_ERROR, &[Value::small(code as i64), text])
}

/// An address that getaddrinfo found.
pub struct Found {
    /// `AF_...`.
    pub family: i32,
    /// `SOCK_...`.
    pub kind: i32,
    /// `IPPROTO_...`.
    pub protocol: i32,
    /// The official name of the host, if asked for.
    pub name: Option<String>,
    /// The address.
    pub address: Address,
}

/// Calls getaddrinfo without the GIL.
pub fn lookup(cx: &mut Cx, node: Option<&str>, service: Option<&CStr>, hints: libc::addrinfo) -> PyResult<Vec<Found>> {
    let node = match node.map(CString::new) {
        None => None,
        Some(Ok(node)) => Some(node),
        Some(Err(_)) => return raise!(cx, ValueError, "embedded null character"),
    };
    let mut list: *mut libc::addrinfo = std::ptr::null_mut();
    let hints = SendHints(hints);
    let (code, errno) = cx.allow_threads(|| {
        let node = node.as_ref().map_or(std::ptr::null(), |n| n.as_ptr());
        let service = service.map_or(std::ptr::null(), CStr::as_ptr);
        // SAFETY: C strings or null, valid hints, a place for the result.
        (unsafe { libc::getaddrinfo(node, service, &hints.0, &mut list) }, host::errno())
    });
    if code != 0 {
        return Err(gai_error(cx, code, errno));
    }
    let mut all = Vec::new();
    let mut at = list;
    // SAFETY: the list is valid until it is freed.
    unsafe {
        while let Some(info) = at.as_ref() {
            let name = (!info.ai_canonname.is_null())
                .then(|| CStr::from_ptr(info.ai_canonname).to_string_lossy().into_owned());
            all.push(Found {
                family: info.ai_family,
                kind: info.ai_socktype,
                protocol: info.ai_protocol,
                name,
                address: Address::copy_of(info.ai_addr, info.ai_addrlen),
            });
            at = info.ai_next;
        }
        libc::freeaddrinfo(list);
    }
    Ok(all)
}

struct SendHints(libc::addrinfo);

/// Hints without any pointer.
pub fn hints(family: i32, kind: i32, protocol: i32, flags: i32) -> libc::addrinfo {
    // SAFETY: all zeros is a valid structure.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    (hints.ai_family, hints.ai_socktype, hints.ai_protocol, hints.ai_flags) = (family, kind, protocol, flags);
    hints
}

/// The address of a host name or number; "" is any address, "<broadcast>" the one of all.
pub fn address_of(cx: &mut Cx, name: &str, family: i32) -> PyResult<Address> {
    if name.is_empty() {
        let found = lookup(cx, None, Some(c"0"), hints(family, libc::SOCK_DGRAM, 0, libc::AI_PASSIVE))?;
        return match found.as_slice() {
            [one] => Ok(one.address),
            _ => raise!(cx, OSError, "wildcard resolved to multiple address"),
        };
    }
    if name == "255.255.255.255" || name == "<broadcast>" {
        if family != libc::AF_INET && family != libc::AF_UNSPEC {
            return raise!(cx, OSError, "address family mismatched");
        }
        return Ok(inet_address(Ipv4Addr::BROADCAST));
    }
    if family != libc::AF_INET6
        && let Ok(ip) = name.parse::<Ipv4Addr>()
    {
        return Ok(inet_address(ip));
    }
    if family != libc::AF_INET
        && let Ok(ip) = name.parse::<Ipv6Addr>()
    {
        return Ok(inet6_address(ip));
    }
    let found = lookup(cx, Some(name), None, hints(family, 0, 0, 0))?;
    match found.first() {
        Some(first) => Ok(first.address),
        None => Err(gai_error(cx, libc::EAI_NONAME, 0)),
    }
}

fn inet_address(ip: Ipv4Addr) -> Address {
    // SAFETY: all zeros is a valid address.
    let mut native: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    native.sin_family = libc::AF_INET as _;
    native.sin_addr.s_addr = u32::from(ip).to_be();
    // SAFETY: a local of that size.
    unsafe { Address::copy_of((&raw const native).cast(), std::mem::size_of_val(&native) as _) }
}

fn inet6_address(ip: Ipv6Addr) -> Address {
    // SAFETY: all zeros is a valid address.
    let mut native: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    native.sin6_family = libc::AF_INET6 as _;
    native.sin6_addr.s6_addr = ip.octets();
    // SAFETY: a local of that size.
    unsafe { Address::copy_of((&raw const native).cast(), std::mem::size_of_val(&native) as _) }
}

/// The address as numbers.
pub fn numeric_host(address: &Address) -> Option<String> {
    names_of(address, libc::NI_NUMERICHOST | libc::NI_NUMERICSERV).ok().map(|(host, _)| host)
}

/// Calls getnameinfo: host and service, or the error.
pub fn names_of(address: &Address, flags: i32) -> Result<(String, String), (i32, i32)> {
    let (mut name, mut service) = ([0 as libc::c_char; 1025], [0 as libc::c_char; 32]);
    // SAFETY: a valid address and buffers of the lengths said, which are C strings afterwards.
    unsafe {
        let code = libc::getnameinfo(
            address.ptr(),
            address.len(),
            name.as_mut_ptr(),
            name.len() as _,
            service.as_mut_ptr(),
            service.len() as _,
            flags,
        );
        if code != 0 {
            return Err((code, host::errno()));
        }
        let text = |p: &[libc::c_char]| CStr::from_ptr(p.as_ptr()).to_string_lossy().into_owned();
        Ok((text(&name), text(&service)))
    }
}

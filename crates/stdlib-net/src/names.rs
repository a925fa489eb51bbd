//! The functions of `_socket` about names, numbers and interfaces.

use std::ffi::{CStr, CString};
use std::net::{Ipv4Addr, Ipv6Addr};

use taipan_macros::pymethods;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::number;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::host;
use taipan_stdlib::sys::audit;

use crate::address::{Address, host_text};
use crate::resolve::{self, HOST_ERROR, gai_error};

/// The functions.
pub struct Names;

unsafe extern "C" {
    fn gethostbyname_r(
        name: *const libc::c_char,
        out: *mut libc::hostent,
        buffer: *mut libc::c_char,
        len: usize,
        result: *mut *mut libc::hostent,
        error: *mut i32,
    ) -> i32;
    fn gethostbyaddr_r(
        address: *const libc::c_void,
        len: libc::socklen_t,
        family: i32,
        out: *mut libc::hostent,
        buffer: *mut libc::c_char,
        size: usize,
        result: *mut *mut libc::hostent,
        error: *mut i32,
    ) -> i32;
    fn hstrerror(code: i32) -> *const libc::c_char;
    fn inet_aton(text: *const libc::c_char, out: *mut libc::in_addr) -> i32;
}

/// What the system knows of a host.
struct Host {
    name: Vec<u8>,
    aliases: Vec<Vec<u8>>,
    addresses: Vec<String>,
}

/// Runs one of the `gethostby*_r` functions without the GIL.
fn host_entry(
    cx: &mut Cx,
    call: impl Fn(*mut libc::hostent, *mut libc::c_char, usize, *mut *mut libc::hostent, *mut i32) -> i32,
) -> PyResult<Host> {
    let found = cx.allow_threads(|| {
        let mut buffer = vec![0 as libc::c_char; 16384];
        let (mut result, mut code) = (std::ptr::null_mut(), 0);
        // SAFETY: all zeros is a valid structure; the call fills it with pointers into the buffer.
        unsafe {
            let mut entry: libc::hostent = std::mem::zeroed();
            call(&mut entry, buffer.as_mut_ptr(), buffer.len(), &mut result, &mut code);
            if result.is_null() { Err(code) } else { Ok(read_entry(&*result)) }
        }
    });
    match found {
        Ok(host) => Ok(host),
        Err(code) => {
            // SAFETY: hstrerror gives a static C string.
            let text = unsafe { CStr::from_ptr(hstrerror(code)) }.to_string_lossy().into_owned();
            let text = cx.str(&text);
            Err(cx.raise_args(&HOST_ERROR, &[Value::small(code as i64), text]))
        }
    }
}

/// # Safety
/// A valid entry as the system fills it.
unsafe fn read_entry(entry: &libc::hostent) -> Host {
    // SAFETY: the lists end with null; addresses have the length said.
    unsafe {
        let list = |mut at: *mut *mut libc::c_char| {
            let mut all = Vec::new();
            while !at.is_null() && !(*at).is_null() {
                all.push(*at);
                at = at.add(1);
            }
            all
        };
        let text = |p: *const libc::c_char| CStr::from_ptr(p).to_bytes().to_vec();
        let address = |p: *mut libc::c_char| match entry.h_addrtype {
            libc::AF_INET6 => Ipv6Addr::from(*p.cast::<[u8; 16]>()).to_string(),
            _ => Ipv4Addr::from(*p.cast::<[u8; 4]>()).to_string(),
        };
        Host {
            name: text(entry.h_name),
            aliases: list(entry.h_aliases).into_iter().map(|p| text(p)).collect(),
            addresses: list(entry.h_addr_list).into_iter().map(address).collect(),
        }
    }
}

fn host_tuple(cx: &mut Cx, host: &Host) -> Value {
    let name = Value::of(host::fs_decode(cx, &host.name));
    let (aliases, addresses) = (List::new(cx), List::new(cx));
    for alias in &host.aliases {
        let alias = Value::of(host::fs_decode(cx, alias));
        aliases.push(cx, alias);
    }
    for address in &host.addresses {
        let address = cx.str(address);
        addresses.push(cx, address);
    }
    Value::of(Tuple::new(cx, &[name, Value::of(aliases), Value::of(addresses)]))
}

fn c_text(cx: &mut Cx, text: &Str) -> PyResult<CString> {
    match CString::new(text.to_string_lossy()) {
        Ok(text) => Ok(text),
        Err(_) => raise!(cx, ValueError, "embedded null character"),
    }
}

/// A number for `ntohs` and the like.
fn word(cx: &mut Cx, v: Value, bits: u32) -> PyResult<u32> {
    unsigned(cx, v, bits, &format!("uint{bits}_t"))
}

fn unsigned(cx: &mut Cx, v: Value, bits: u32, name: &str) -> PyResult<u32> {
    let index = number::index(cx, v)?;
    if int::view(index).is_some_and(|w| w.negative) {
        return raise!(cx, ValueError, "Cannot convert negative int");
    }
    match int::as_i64(index) {
        Some(n) if n < 1i64 << bits => Ok(n as u32),
        _ => raise!(cx, OverflowError, "Python int too large for C {name}"),
    }
}

fn service_name(cx: &mut Cx, v: Value) -> PyResult<Option<CString>> {
    if v.is_none() {
        return Ok(None);
    }
    let text = if int::check(v) {
        number::to_i64(cx, v)?.to_string()
    } else if let Some(s) = v.downcast::<Str>() {
        s.to_string_lossy()
    } else if let Some(b) = v.downcast::<Bytes>() {
        String::from_utf8_lossy(b.data()).into_owned()
    } else {
        return raise!(cx, OSError, "Int or String expected");
    };
    match CString::new(text) {
        Ok(text) => Ok(Some(text)),
        Err(_) => raise!(cx, ValueError, "embedded null character"),
    }
}

#[pymethods]
impl Names {
    /// getaddrinfo(host, port [, family, type, proto, flags])
    ///     -> list of (family, type, proto, canonname, sockaddr)
    ///
    /// Resolve host and port into addrinfo struct.
    #[py("($module, /, host, port, family=0, type=0, proto=0, flags=0)")]
    fn getaddrinfo(
        cx: &mut Cx,
        host: Value,
        port: Value,
        family: Option<i32>,
        kind: Option<i32>,
        proto: Option<i32>,
        flags: Option<i32>,
    ) -> PyResult<&'static List> {
        let node = match host {
            v if v.is_none() => None,
            v if v.downcast::<Str>().is_some() || v.downcast::<Bytes>().is_some() => Some(host_text(cx, v)?),
            _ => return raise!(cx, TypeError, "getaddrinfo() argument 1 must be string or None"),
        };
        let service = service_name(cx, port)?;
        let number = |v: Option<i32>| v.unwrap_or(0);
        let numbers = [family, kind, proto, flags].map(|n| Value::small(number(n) as i64));
        let [f, k, p, _] = numbers;
        audit(cx, "socket.getaddrinfo", &[host, port, f, k, p])?;
        let hints = resolve::hints(number(family), number(kind), number(proto), number(flags));
        let found = resolve::lookup(cx, node.as_deref(), service.as_deref(), hints)?;
        let list = List::new(cx);
        for one in found {
            let address = one.address.to_value(cx);
            let name = cx.str(one.name.as_deref().unwrap_or(""));
            let [f, k, p] = [one.family, one.kind, one.protocol].map(|n| Value::small(n as i64));
            let row = Tuple::new(cx, &[f, k, p, name, address]);
            list.push(cx, Value::of(row));
        }
        Ok(list)
    }

    /// getnameinfo(sockaddr, flags) --> (host, port)
    ///
    /// Get host and port for a sockaddr.
    #[py("($module, sockaddr, flags, /)")]
    fn getnameinfo(cx: &mut Cx, sockaddr: Value, flags: i32) -> PyResult<Value> {
        let Some(tuple) = sockaddr.downcast::<Tuple>() else {
            return raise!(cx, TypeError, "getnameinfo() argument 1 must be a tuple");
        };
        let items = tuple.items();
        if !(2..=4).contains(&items.len()) {
            return raise!(cx, TypeError, "getnameinfo(): illegal sockaddr argument");
        }
        let Some(host) = items[0].downcast::<Str>() else {
            return raise!(cx, TypeError, "getnameinfo(): illegal sockaddr argument");
        };
        let port = number::to_i64(cx, items[1])?;
        let flow = match items.get(2) {
            Some(v) => number::to_i64(cx, *v)?,
            None => 0,
        };
        if !(0..=0xfffff).contains(&flow) {
            return raise!(cx, OverflowError, "getnameinfo(): flowinfo must be 0-1048575.");
        }
        audit(cx, "socket.getnameinfo", &[sockaddr])?;
        let host = host.to_string_lossy();
        let service = CString::new(port.to_string()).unwrap_or_default();
        let hints = resolve::hints(libc::AF_UNSPEC, libc::SOCK_DGRAM, 0, libc::AI_NUMERICHOST);
        let found = resolve::lookup(cx, Some(&host), Some(&service), hints)?;
        let [one] = found.as_slice() else {
            return raise!(cx, OSError, "sockaddr resolved to multiple addresses");
        };
        if one.family == libc::AF_INET && items.len() != 2 {
            return raise!(cx, OSError, "IPv4 sockaddr must be 2 tuple");
        }
        let address = one.address;
        match cx.allow_threads(|| resolve::names_of(&address, flags)) {
            Ok((host, service)) => {
                let parts = [cx.str(&host), cx.str(&service)];
                Ok(Value::of(Tuple::new(cx, &parts)))
            }
            Err((code, errno)) => Err(gai_error(cx, code, errno)),
        }
    }

    /// Return the current host name.
    #[py("($module, /)")]
    fn gethostname(cx: &mut Cx) -> PyResult<&'static Str> {
        audit(cx, "socket.gethostname", &[])?;
        let mut name = [0u8; 256];
        // SAFETY: a buffer of the length said.
        let status = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
        host::check(cx, status)?;
        let end = name.iter().position(|b| *b == 0).unwrap_or(0);
        Ok(host::fs_decode(cx, &name[..end]))
    }

    /// sethostname(name)
    ///
    /// Sets the hostname to name.
    #[py("($module, name, /)")]
    fn sethostname(cx: &mut Cx, name: Value) -> PyResult<()> {
        let name = host::fs_bytes(cx, name)?;
        // SAFETY: the text has the length said.
        let status = unsafe { libc::sethostname(name.as_ptr(), name.as_bytes().len()) };
        host::check(cx, status)?;
        Ok(())
    }

    /// gethostbyname(host) -> address
    ///
    /// Return the IP address (a string of the form '255.255.255.255') for a host.
    #[py("($module, host, /)")]
    fn gethostbyname(cx: &mut Cx, host: Value) -> PyResult<Value> {
        let name = host_text(cx, host)?;
        audit(cx, "socket.gethostbyname", &[host])?;
        let address = resolve::address_of(cx, &name, libc::AF_INET)?;
        let text = resolve::numeric_host(&address).unwrap_or_default();
        Ok(cx.str(&text))
    }

    /// gethostbyname_ex(host) -> (name, aliaslist, addresslist)
    ///
    /// Return the true host name, a list of aliases, and a list of IP addresses,
    /// for a host.  The host argument is a string giving a host name or IP number.
    #[py("($module, host, /)")]
    fn gethostbyname_ex(cx: &mut Cx, host: Value) -> PyResult<Value> {
        let name = host_text(cx, host)?;
        audit(cx, "socket.gethostbyname", &[host])?;
        resolve::address_of(cx, &name, libc::AF_INET)?;
        let name = CString::new(name).unwrap_or_default();
        // SAFETY: the arguments are those of host_entry.
        let found = host_entry(cx, |entry, buffer, len, result, code| unsafe {
            gethostbyname_r(name.as_ptr(), entry, buffer, len, result, code)
        })?;
        Ok(host_tuple(cx, &found))
    }

    /// gethostbyaddr(host) -> (name, aliaslist, addresslist)
    ///
    /// Return the true host name, a list of aliases, and a list of IP addresses,
    /// for a host.  The host argument is a string giving a host name or IP number.
    #[py("($module, host, /)")]
    fn gethostbyaddr(cx: &mut Cx, host: Value) -> PyResult<Value> {
        let name = host_text(cx, host)?;
        audit(cx, "socket.gethostbyaddr", &[host])?;
        let address: Address = resolve::address_of(cx, &name, libc::AF_UNSPEC)?;
        let text = resolve::numeric_host(&address).unwrap_or_default();
        let ip: Vec<u8> = match text.parse() {
            Ok(std::net::IpAddr::V4(ip)) => ip.octets().to_vec(),
            Ok(std::net::IpAddr::V6(ip)) => ip.octets().to_vec(),
            Err(_) => return raise!(cx, OSError, "unsupported address family"),
        };
        let family = address.family();
        // SAFETY: as above; the address has the length said.
        let found = host_entry(cx, |entry, buffer, len, result, code| unsafe {
            gethostbyaddr_r(ip.as_ptr().cast(), ip.len() as _, family, entry, buffer, len, result, code)
        })?;
        Ok(host_tuple(cx, &found))
    }

    /// getservbyname(servicename[, protocolname]) -> integer
    ///
    /// Return a port number from a service name and protocol name.
    /// The optional protocol name, if given, should be 'tcp' or 'udp',
    /// otherwise any protocol will match.
    #[py("($module, servicename, protocolname=None, /)")]
    fn getservbyname(cx: &mut Cx, servicename: &'static Str, protocolname: Option<&'static Str>) -> PyResult<i64> {
        let name = c_text(cx, servicename)?;
        let protocol = protocolname.map(|p| c_text(cx, p)).transpose()?;
        let protocol = protocol.as_ref().map_or(std::ptr::null(), |p| p.as_ptr());
        // SAFETY: C strings; the result is read before anybody calls again, under the GIL.
        let port = unsafe { libc::getservbyname(name.as_ptr(), protocol).as_ref().map(|s| s.s_port) };
        match port {
            Some(port) => Ok(u16::from_be(port as u16) as i64),
            None => raise!(cx, OSError, "service/proto not found"),
        }
    }

    /// getservbyport(port[, protocolname]) -> string
    ///
    /// Return the service name from a port number and protocol name.
    /// The optional protocol name, if given, should be 'tcp' or 'udp',
    /// otherwise any protocol will match.
    #[py("($module, port, protocolname=None, /)")]
    fn getservbyport(cx: &mut Cx, port: i32, protocolname: Option<&'static Str>) -> PyResult<&'static Str> {
        if !(0..=0xffff).contains(&port) {
            return raise!(cx, OverflowError, "getservbyport: port must be 0-65535.");
        }
        let protocol = protocolname.map(|p| c_text(cx, p)).transpose()?;
        let protocol = protocol.as_ref().map_or(std::ptr::null(), |p| p.as_ptr());
        // SAFETY: as above.
        let name = unsafe {
            let found = libc::getservbyport((port as u16).to_be() as i32, protocol);
            found.as_ref().map(|s| CStr::from_ptr(s.s_name).to_bytes().to_vec())
        };
        match name {
            Some(name) => Ok(host::fs_decode(cx, &name)),
            None => raise!(cx, OSError, "port/proto not found"),
        }
    }

    /// getprotobyname(name) -> integer
    ///
    /// Return the protocol number for the named protocol.  (Rarely used.)
    #[py("($module, name, /)")]
    fn getprotobyname(cx: &mut Cx, name: &'static Str) -> PyResult<i64> {
        let name = c_text(cx, name)?;
        // SAFETY: as above.
        match unsafe { libc::getprotobyname(name.as_ptr()).as_ref().map(|p| p.p_proto) } {
            Some(number) => Ok(number as i64),
            None => raise!(cx, OSError, "protocol not found"),
        }
    }

    /// Convert a 16-bit unsigned integer from network to host byte order.
    #[py("($module, integer, /)")]
    fn ntohs(cx: &mut Cx, integer: Value) -> PyResult<i64> {
        Ok(u16::from_be(word(cx, integer, 16)? as u16) as i64)
    }

    /// Convert a 32-bit unsigned integer from network to host byte order.
    #[py("($module, integer, /)")]
    fn ntohl(cx: &mut Cx, integer: Value) -> PyResult<i64> {
        Ok(u32::from_be(word(cx, integer, 32)?) as i64)
    }

    /// Convert a 16-bit unsigned integer from host to network byte order.
    #[py("($module, integer, /)")]
    fn htons(cx: &mut Cx, integer: Value) -> PyResult<i64> {
        Ok((word(cx, integer, 16)? as u16).to_be() as i64)
    }

    /// Convert a 32-bit unsigned integer from host to network byte order.
    #[py("($module, integer, /)")]
    fn htonl(cx: &mut Cx, integer: Value) -> PyResult<i64> {
        Ok(word(cx, integer, 32)?.to_be() as i64)
    }

    /// Convert an IP address in string format (123.45.67.89) to the 32-bit packed binary format used in low-level network functions.
    #[py("($module, ip_addr, /)")]
    fn inet_aton(cx: &mut Cx, ip_addr: &'static Str) -> PyResult<&'static Bytes> {
        let text = c_text(cx, ip_addr)?;
        let mut address = libc::in_addr { s_addr: 0 };
        // SAFETY: a C string and a place for the result.
        if unsafe { inet_aton(text.as_ptr(), &mut address) } == 0 {
            return raise!(cx, OSError, "illegal IP address string passed to inet_aton");
        }
        Ok(Bytes::new(cx, &address.s_addr.to_ne_bytes()))
    }

    /// Convert an IP address from 32-bit packed binary format to string format.
    #[py("($module, packed_ip, /)")]
    fn inet_ntoa(cx: &mut Cx, packed_ip: Held) -> PyResult<Value> {
        match <[u8; 4]>::try_from(packed_ip.bytes()) {
            Ok(ip) => Ok(cx.str(&Ipv4Addr::from(ip).to_string())),
            Err(_) => raise!(cx, OSError, "packed IP wrong length"),
        }
    }

    /// inet_pton(af, ip) -> packed IP address string
    ///
    /// Convert an IP address from string format to a packed string suitable
    /// for use with low-level network functions.
    #[py("($module, af, ip, /)")]
    fn inet_pton(cx: &mut Cx, af: i32, ip: &'static Str) -> PyResult<&'static Bytes> {
        let text = c_text(cx, ip)?;
        let size = match af {
            libc::AF_INET => 4,
            libc::AF_INET6 => 16,
            _ => return Err(host::os_error(cx, libc::EAFNOSUPPORT)),
        };
        let mut packed = [0u8; 16];
        unsafe extern "C" {
            fn inet_pton(family: i32, text: *const libc::c_char, out: *mut libc::c_void) -> i32;
        }
        // SAFETY: a C string and a place large enough for the result.
        match unsafe { inet_pton(af, text.as_ptr(), packed.as_mut_ptr().cast()) } {
            1 => Ok(Bytes::new(cx, &packed[..size])),
            0 => raise!(cx, OSError, "illegal IP address string passed to inet_pton"),
            _ => Err(host::last_error(cx)),
        }
    }

    /// inet_ntop(af, packed_ip) -> string formatted IP address
    ///
    /// Convert a packed IP address of the given family to string format.
    #[py("($module, af, packed_ip, /)")]
    fn inet_ntop(cx: &mut Cx, af: i32, packed_ip: Held) -> PyResult<Value> {
        let packed = packed_ip.bytes();
        match af {
            libc::AF_INET => match <[u8; 4]>::try_from(packed) {
                Ok(ip) => Ok(cx.str(&Ipv4Addr::from(ip).to_string())),
                Err(_) => raise!(cx, ValueError, "invalid length of packed IP address string"),
            },
            libc::AF_INET6 => match <[u8; 16]>::try_from(packed) {
                Ok(ip) => Ok(cx.str(&Ipv6Addr::from(ip).to_string())),
                Err(_) => raise!(cx, ValueError, "invalid length of packed IP address string"),
            },
            _ => raise!(cx, ValueError, "unknown address family {af}"),
        }
    }

    /// if_nameindex()
    ///
    /// Returns a list of network interface information (index, name) tuples.
    #[py("($module, /)")]
    fn if_nameindex(cx: &mut Cx) -> PyResult<&'static List> {
        // SAFETY: the list ends with a row of zeros and is freed once.
        unsafe {
            let all = libc::if_nameindex();
            if all.is_null() {
                return Err(host::last_error(cx));
            }
            let mut rows = Vec::new();
            let mut at = all;
            while (*at).if_index != 0 && !(*at).if_name.is_null() {
                rows.push(((*at).if_index, CStr::from_ptr((*at).if_name).to_bytes().to_vec()));
                at = at.add(1);
            }
            libc::if_freenameindex(all);
            let list = List::new(cx);
            for (index, name) in rows {
                let name = Value::of(host::fs_decode(cx, &name));
                let row = Tuple::new(cx, &[Value::small(index as i64), name]);
                list.push(cx, Value::of(row));
            }
            Ok(list)
        }
    }

    /// Returns the interface index corresponding to the interface name if_name.
    #[py("($module, oname, /)")]
    fn if_nametoindex(cx: &mut Cx, oname: Value) -> PyResult<i64> {
        let name = host::fs_bytes(cx, oname)?;
        // SAFETY: a C string.
        match unsafe { libc::if_nametoindex(name.as_ptr()) } {
            0 => raise!(cx, OSError, "no interface with this name"),
            index => Ok(index as i64),
        }
    }

    /// Returns the interface name corresponding to the interface index if_index.
    #[py("($module, if_index, /)")]
    fn if_indextoname(cx: &mut Cx, if_index: Value) -> PyResult<&'static Str> {
        let index = unsigned(cx, if_index, 32, "unsigned int")?;
        let mut name = [0 as libc::c_char; libc::IF_NAMESIZE + 1];
        // SAFETY: room for a name.
        if unsafe { libc::if_indextoname(index, name.as_mut_ptr()) }.is_null() {
            return Err(host::last_error(cx));
        }
        // SAFETY: the call made it a C string.
        let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_bytes().to_vec();
        Ok(host::fs_decode(cx, &name))
    }
}

//! Socket addresses: from Python values to `sockaddr` and back.

use taipan_runtime::protocol::number;
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::host;

use crate::resolve;

/// A native address.
#[derive(Clone, Copy)]
pub struct Address {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl Address {
    /// Room for any address.
    pub fn room() -> Address {
        // SAFETY: all zeros is a valid address of no family.
        let storage = unsafe { std::mem::zeroed() };
        Address { storage, len: std::mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t }
    }

    fn of<T: Copy>(native: T) -> Address {
        let mut new = Address::room();
        new.len = std::mem::size_of::<T>() as libc::socklen_t;
        // SAFETY: every kind of address fits the storage.
        unsafe { (&raw mut new.storage).cast::<T>().write(native) };
        new
    }

    /// A copy of what the system has given out.
    ///
    /// # Safety
    /// `len` bytes at `native` must be readable.
    pub unsafe fn copy_of(native: *const libc::sockaddr, len: libc::socklen_t) -> Address {
        let mut new = Address::room();
        new.len = len.min(new.len);
        // SAFETY: the caller's promise; no more than the storage holds.
        unsafe {
            std::ptr::copy_nonoverlapping(native.cast::<u8>(), (&raw mut new.storage).cast(), new.len as usize);
        }
        new
    }

    /// For system calls.
    pub fn ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    /// For system calls that fill it.
    pub fn ptr_mut(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    /// Its length.
    pub fn len(&self) -> libc::socklen_t {
        self.len
    }

    /// For system calls that set it.
    pub fn len_mut(&mut self) -> &mut libc::socklen_t {
        &mut self.len
    }

    /// `AF_...`.
    pub fn family(&self) -> i32 {
        self.storage.ss_family as i32
    }

    fn view<T: Copy>(&self) -> T {
        // SAFETY: the storage is as large and as aligned as any address.
        unsafe { (&raw const self.storage).cast::<T>().read() }
    }

    /// The Python value. May collect.
    pub fn to_value(self, cx: &mut Cx) -> Value {
        if self.len == 0 {
            return Value::none();
        }
        match self.family() {
            libc::AF_INET => {
                let native: libc::sockaddr_in = self.view();
                let host = std::net::Ipv4Addr::from(u32::from_be(native.sin_addr.s_addr)).to_string();
                let host = cx.str(&host);
                let port = Value::small(u16::from_be(native.sin_port) as i64);
                Value::of(Tuple::new(cx, &[host, port]))
            }
            libc::AF_INET6 => self.inet6_value(cx),
            libc::AF_UNIX => self.unix_value(cx),
            libc::AF_NETLINK => {
                let native: libc::sockaddr_nl = self.view();
                let parts = [Value::small(native.nl_pid as i64), Value::small(native.nl_groups as i64)];
                Value::of(Tuple::new(cx, &parts))
            }
            family => {
                let native: libc::sockaddr = self.view();
                let data: Vec<u8> = native.sa_data.iter().map(|b| *b as u8).collect();
                let data = Value::of(Bytes::new(cx, &data));
                Value::of(Tuple::new(cx, &[Value::small(family as i64), data]))
            }
        }
    }

    fn inet6_value(self, cx: &mut Cx) -> Value {
        let native: libc::sockaddr_in6 = self.view();
        // getnameinfo, because it adds the scope (`%eth0`).
        let host = resolve::numeric_host(&self)
            .unwrap_or_else(|| std::net::Ipv6Addr::from(native.sin6_addr.s6_addr).to_string());
        let host = cx.str(&host);
        let port = Value::small(u16::from_be(native.sin6_port) as i64);
        let flow = Value::small(u32::from_be(native.sin6_flowinfo) as i64);
        Value::of(Tuple::new(cx, &[host, port, flow, Value::small(native.sin6_scope_id as i64)]))
    }

    fn unix_value(self, cx: &mut Cx) -> Value {
        let native: libc::sockaddr_un = self.view();
        let len = (self.len as usize).saturating_sub(std::mem::offset_of!(libc::sockaddr_un, sun_path));
        let path: Vec<u8> = native.sun_path[..len.min(native.sun_path.len())].iter().map(|b| *b as u8).collect();
        if path.first() == Some(&0) {
            // Linux's abstract namespace: NULs count.
            return Value::of(Bytes::new(cx, &path));
        }
        let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
        Value::of(host::fs_decode(cx, &path[..end]))
    }
}

/// The address argument of a socket's method `caller`.
pub fn parse(cx: &mut Cx, family: i32, v: Value, caller: &str) -> PyResult<Address> {
    match family {
        libc::AF_INET => inet(cx, v, caller),
        libc::AF_INET6 => inet6(cx, v, caller),
        libc::AF_UNIX => unix(cx, v),
        libc::AF_NETLINK => netlink(cx, v, caller),
        _ => raise!(cx, OSError, "{caller}(): unknown address family"),
    }
}

fn fields(cx: &mut Cx, v: Value, caller: &str, family: &str) -> PyResult<&'static Tuple> {
    match v.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple),
        None => {
            let got = v.class().name();
            raise!(cx, TypeError, "{caller}(): {family} address must be tuple, not {got}")
        }
    }
}

fn port(cx: &mut Cx, v: Value, caller: &str) -> PyResult<u16> {
    let index = number::index(cx, v)?;
    match int::as_i64(index) {
        Some(port @ 0..=0xffff) => Ok(port as u16),
        _ => raise!(cx, OverflowError, "{caller}(): port must be 0-65535."),
    }
}

fn inet(cx: &mut Cx, v: Value, caller: &str) -> PyResult<Address> {
    let tuple = fields(cx, v, caller, "AF_INET")?;
    let [name, number] = *tuple.items() else {
        return raise!(cx, TypeError, "AF_INET address must be a pair (host, port)");
    };
    let name = host_text(cx, name)?;
    let index = number::index(cx, number)?;
    let found = resolve::address_of(cx, &name, libc::AF_INET)?;
    let port = port(cx, index, caller)?;
    let mut native: libc::sockaddr_in = found.view();
    native.sin_port = port.to_be();
    Ok(Address::of(native))
}

fn inet6(cx: &mut Cx, v: Value, caller: &str) -> PyResult<Address> {
    let tuple = fields(cx, v, caller, "AF_INET6")?;
    let items = tuple.items();
    if !(2..=4).contains(&items.len()) {
        return raise!(cx, TypeError, "AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])");
    }
    let name = host_text(cx, items[0])?;
    let port = port(cx, items[1], caller)?;
    let flow = match items.get(2) {
        Some(flow) => number::to_i64(cx, *flow)?,
        None => 0,
    };
    let scope = match items.get(3) {
        Some(scope) => number::to_i64(cx, *scope)?,
        None => 0,
    };
    if !(0..=0xfffff).contains(&flow) {
        return raise!(cx, OverflowError, "{caller}(): flowinfo must be 0-1048575.");
    }
    let found = resolve::address_of(cx, &name, libc::AF_INET6)?;
    let mut native: libc::sockaddr_in6 = found.view();
    native.sin6_port = port.to_be();
    native.sin6_flowinfo = (flow as u32).to_be();
    native.sin6_scope_id = scope as u32;
    Ok(Address::of(native))
}

fn unix(cx: &mut Cx, v: Value) -> PyResult<Address> {
    let path = match v.downcast::<Str>() {
        Some(text) => host::fs_encode(cx, text)?,
        None => match bytes::data_of(v) {
            Some(data) => data.to_vec(),
            None => taipan_runtime::protocol::buffer::with_bytes(cx, v, |_, data| Ok(data.to_vec()))?,
        },
    };
    // SAFETY: all zeros is a valid address.
    let mut native: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    native.sun_family = libc::AF_UNIX as _;
    let is_abstract = path.first() == Some(&0);
    let room = native.sun_path.len();
    if path.len() > room || (path.len() == room && !is_abstract) {
        return raise!(cx, OSError, "AF_UNIX path too long");
    }
    for (to, from) in native.sun_path.iter_mut().zip(&path) {
        *to = *from as libc::c_char;
    }
    let mut address = Address::of(native);
    let used = if is_abstract || path.is_empty() { path.len() } else { path.len() + 1 };
    address.len = (std::mem::offset_of!(libc::sockaddr_un, sun_path) + used) as libc::socklen_t;
    Ok(address)
}

fn netlink(cx: &mut Cx, v: Value, caller: &str) -> PyResult<Address> {
    let tuple = fields(cx, v, caller, "AF_NETLINK")?;
    let [pid, groups] = *tuple.items() else {
        return raise!(cx, TypeError, "AF_NETLINK address must be a pair (pid, groups)");
    };
    // SAFETY: all zeros is a valid address.
    let mut native: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
    native.nl_family = libc::AF_NETLINK as _;
    native.nl_pid = number::to_i64(cx, pid)? as u32;
    native.nl_groups = number::to_i64(cx, groups)? as u32;
    Ok(Address::of(native))
}

/// A host argument: a str (encoded by IDNA if need be), bytes or bytearray.
pub fn host_text(cx: &mut Cx, v: Value) -> PyResult<String> {
    let text = if let Some(s) = v.downcast::<Str>() {
        match s.as_ascii() {
            Some(text) => text.to_string(),
            None => {
                let idna = cx.str("idna");
                let encoded = cx.call_method_text(v, "encode", &[idna])?;
                String::from_utf8_lossy(bytes::data_of(encoded).unwrap_or(&[])).into_owned()
            }
        }
    } else if let Some(b) = v.downcast::<Bytes>() {
        String::from_utf8_lossy(b.data()).into_owned()
    } else if let Some(b) = v.downcast::<ByteArray>() {
        String::from_utf8_lossy(b.data()).into_owned()
    } else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "str, bytes or bytearray expected, not {got}");
    };
    if text.contains('\0') {
        return raise!(cx, TypeError, "host name must not contain null character");
    }
    Ok(text)
}

//! `recvmsg`, `recvmsg_into` and `sendmsg`: several buffers and ancillary data in one call.

use taipan_macros::pymethods;
use taipan_runtime::protocol::buffer::{self, Held};
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::host;
use taipan_stdlib::sys::audit;

use crate::address::{self, Address};
use crate::socket::{Socket, size_of};

/// The methods.
pub struct Messages;

/// The size of an ancillary item with so many bytes of data.
pub fn control_size(cx: &mut Cx, length: isize, padded: bool) -> PyResult<i64> {
    match u32::try_from(length).ok().filter(|n| *n < i32::MAX as u32 - 64) {
        // SAFETY: arithmetic.
        Some(n) => Ok(unsafe { if padded { libc::CMSG_SPACE(n) } else { libc::CMSG_LEN(n) } } as i64),
        None if padded => raise!(cx, OverflowError, "CMSG_SPACE() argument out of range"),
        None => raise!(cx, OverflowError, "CMSG_LEN() argument out of range"),
    }
}

/// Exports the buffers of an iterable. The list keeps the exporters alive.
fn hold_all(cx: &mut Cx, v: Value, name: &str, flags: i32) -> PyResult<(&'static List, Vec<Held>)> {
    if v.class().slots().iter.is_none() && v.class().slots().getitem.is_none() {
        return raise!(cx, TypeError, "{name}() argument 1 must be an iterable");
    }
    let items = iter::to_list(cx, v)?;
    let mut all = Vec::with_capacity(items.len());
    for i in 0..items.len() {
        let Some(item) = items.get(i) else { break };
        all.push(buffer::hold(cx, item, flags)?);
    }
    Ok((items, all))
}

fn vectors(all: &[Held]) -> Vec<libc::iovec> {
    all.iter().map(|held| libc::iovec { iov_base: held.data.cast(), iov_len: held.len }).collect()
}

fn header(vectors: &mut [libc::iovec], control: &mut [u64]) -> libc::msghdr {
    // SAFETY: all zeros is a valid header.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = vectors.as_mut_ptr();
    header.msg_iovlen = vectors.len() as _;
    if !control.is_empty() {
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = std::mem::size_of_val(control) as _;
    }
    header
}

/// What a message brought.
struct Received {
    n: usize,
    ancillary: Value,
    flags: i32,
    sender: Value,
}

fn receive(cx: &mut Cx, this: &Socket, vectors: &mut [libc::iovec], room: usize, flags: i32) -> PyResult<Received> {
    let fd = this.fd();
    let mut address = Address::room();
    // Words, because the headers in it must be aligned.
    let mut control = vec![0u64; room.div_ceil(8)];
    let mut header = header(vectors, &mut control);
    header.msg_controllen = room as _;
    let n = this.io(cx, false, || {
        address = Address::room();
        header.msg_name = address.ptr_mut().cast();
        header.msg_namelen = address.len();
        header.msg_controllen = room as _;
        // SAFETY: a header whose parts are valid.
        unsafe { libc::recvmsg(fd, &mut header, flags) }
    })?;
    *address.len_mut() = header.msg_namelen;
    let ancillary = List::new(cx);
    // SAFETY: the system filled the control buffer.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(&header);
        while let Some(one) = at.as_ref() {
            let start = libc::CMSG_DATA(at);
            let before = start as usize - at as usize;
            let end = header.msg_control as usize + header.msg_controllen as usize;
            let len = (one.cmsg_len as usize).saturating_sub(before).min(end.saturating_sub(start as usize));
            let data = Bytes::new(cx, std::slice::from_raw_parts(start, len));
            let (level, kind) = (Value::small(one.cmsg_level as i64), Value::small(one.cmsg_type as i64));
            let row = Tuple::new(cx, &[level, kind, Value::of(data)]);
            ancillary.push(cx, Value::of(row));
            at = libc::CMSG_NXTHDR(&header, at);
        }
    }
    let sender = address.to_value(cx);
    Ok(Received { n: n as usize, ancillary: Value::of(ancillary), flags: header.msg_flags, sender })
}

/// The ancillary items of a message to be sent: level, type, data.
fn items_of(cx: &mut Cx, v: Value) -> PyResult<Vec<(i32, i32, Vec<u8>)>> {
    let mut all = Vec::new();
    if v.class().slots().iter.is_none() {
        return raise!(cx, TypeError, "sendmsg() argument 2 must be an iterable");
    }
    iter::for_each(cx, v, |cx, item| {
        let row = item.downcast::<Tuple>().map(|t| t.items());
        let Some([level, kind, data]) = row else {
            return raise!(cx, TypeError, "[sendmsg() ancillary data items] must be sequence of length 3");
        };
        let (level, kind) = (number::to_i32(cx, *level)?, number::to_i32(cx, *kind)?);
        let data = buffer::with_bytes(cx, *data, |_, data| Ok(data.to_vec()))?;
        all.push((level, kind, data));
        Ok(true)
    })?;
    Ok(all)
}

/// The control buffer of ancillary items, and its length in bytes.
fn control_of(items: &[(i32, i32, Vec<u8>)]) -> (Vec<u64>, usize) {
    // SAFETY: arithmetic.
    let size = items.iter().map(|i| unsafe { libc::CMSG_SPACE(i.2.len() as u32) } as usize).sum::<usize>();
    let mut control = vec![0u64; size.div_ceil(8)];
    let mut at = control.as_mut_ptr().cast::<u8>();
    for (level, kind, data) in items {
        // SAFETY: `size` has room for all items with their padding, and the buffer is aligned.
        unsafe {
            let one = at.cast::<libc::cmsghdr>();
            (*one).cmsg_level = *level;
            (*one).cmsg_type = *kind;
            (*one).cmsg_len = libc::CMSG_LEN(data.len() as u32) as _;
            std::ptr::copy_nonoverlapping(data.as_ptr(), libc::CMSG_DATA(one), data.len());
            at = at.add(libc::CMSG_SPACE(data.len() as u32) as usize);
        }
    }
    (control, size)
}

fn room_of(cx: &mut Cx, n: Option<isize>, name: &str) -> PyResult<usize> {
    match usize::try_from(n.unwrap_or(0)).ok().filter(|n| *n <= i32::MAX as usize) {
        Some(n) => Ok(n),
        None => raise!(cx, ValueError, "invalid ancillary data buffer length in {name}()"),
    }
}

#[pymethods]
impl Messages {
    /// recvmsg(bufsize[, ancbufsize[, flags]]) -> (data, ancdata, msg_flags, address)
    ///
    /// Receive normal data (up to bufsize bytes) and ancillary data from the
    /// socket.
    #[py("($self, bufsize, ancbufsize=0, flags=0, /)")]
    fn recvmsg(
        cx: &mut Cx,
        this: &'static Socket,
        bufsize: isize,
        ancbufsize: Option<isize>,
        flags: Option<i32>,
    ) -> PyResult<Value> {
        let n = size_of(cx, bufsize, "negative buffer size in recvmsg()")?;
        let room = room_of(cx, ancbufsize, "recvmsg")?;
        let mut received = None;
        let data = host::bytes_filled(cx, n, |cx, out| {
            let mut vectors = [libc::iovec { iov_base: out.as_mut_ptr().cast(), iov_len: out.len() }];
            let got = receive(cx, this, &mut vectors, room, flags.unwrap_or(0))?;
            let n = got.n;
            received = Some(got);
            Ok(n)
        })?;
        let Some(got) = received else { return Ok(Value::none()) };
        let row = [Value::of(data), got.ancillary, Value::small(got.flags as i64), got.sender];
        Ok(Value::of(Tuple::new(cx, &row)))
    }

    /// recvmsg_into(buffers[, ancbufsize[, flags]]) -> (nbytes, ancdata, msg_flags, address)
    ///
    /// Receive normal data and ancillary data from the socket, scattering the
    /// non-ancillary data into a series of buffers.
    #[py("($self, buffers, ancbufsize=0, flags=0, /)")]
    fn recvmsg_into(
        cx: &mut Cx,
        this: &'static Socket,
        buffers: Value,
        ancbufsize: Option<isize>,
        flags: Option<i32>,
    ) -> PyResult<Value> {
        let (exporters, held) = hold_all(cx, buffers, "recvmsg_into", buffer::WRITABLE)?;
        let room = room_of(cx, ancbufsize, "recvmsg_into")?;
        let mut vectors = vectors(&held);
        let got = receive(cx, this, &mut vectors, room, flags.unwrap_or(0))?;
        drop(held);
        std::hint::black_box(exporters);
        let row = [Value::small(got.n as i64), got.ancillary, Value::small(got.flags as i64), got.sender];
        Ok(Value::of(Tuple::new(cx, &row)))
    }

    /// sendmsg(buffers[, ancdata[, flags[, address]]]) -> count
    ///
    /// Send normal and ancillary data to the socket, gathering the
    /// non-ancillary data from a series of buffers and concatenating it into
    /// a single message.
    #[py("($self, buffers, ancdata=None, flags=0, address=None, /)")]
    fn sendmsg(
        cx: &mut Cx,
        this: &'static Socket,
        buffers: Value,
        ancdata: Option<Value>,
        flags: Option<i32>,
        address: Option<Value>,
    ) -> PyResult<i64> {
        let (exporters, held) = hold_all(cx, buffers, "sendmsg", 0)?;
        let items = match ancdata {
            Some(v) => items_of(cx, v)?,
            None => Vec::new(),
        };
        let to = match address.filter(|a| !a.is_none()) {
            Some(v) => {
                let to = address::parse(cx, this.family(), v, "sendmsg")?;
                audit(cx, "socket.sendmsg", &[Value::of(this), v])?;
                Some(to)
            }
            None => {
                audit(cx, "socket.sendmsg", &[Value::of(this), Value::none()])?;
                None
            }
        };
        let (mut vectors, (mut control, size)) = (vectors(&held), control_of(&items));
        let mut header = header(&mut vectors, &mut control);
        header.msg_controllen = size as _;
        if let Some(to) = &to {
            header.msg_name = to.ptr().cast_mut().cast();
            header.msg_namelen = to.len();
        }
        let (fd, flags) = (this.fd(), flags.unwrap_or(0));
        // SAFETY: a header whose parts are valid.
        let n = this.io(cx, true, || unsafe { libc::sendmsg(fd, &header, flags) })?;
        drop(held);
        std::hint::black_box(exporters);
        Ok(n as i64)
    }
}

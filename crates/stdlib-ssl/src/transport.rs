//! Where a connection's bytes come from and go to: a socket or two memory BIOs.

use std::time::{Duration, Instant};

use taipan_runtime::protocol::number;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::host;

use crate::bio::MemoryBio;
use crate::error;

/// The two kinds.
#[derive(Clone, Copy)]
pub enum Transport {
    /// A socket object.
    Socket(Value),
    /// What comes in and what goes out.
    Bio(&'static MemoryBio, &'static MemoryBio),
}

/// What an operation waits for, for messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// `do_handshake`.
    Handshake,
    /// `read`.
    Read,
    /// `write`.
    Write,
    /// `shutdown`.
    Shutdown,
}

/// How long an operation on a socket may take: it is read once, when the operation starts.
pub struct Limit {
    fd: i32,
    timeout: Option<f64>,
    end: Option<Instant>,
    doing: Doing,
}

/// The result of reading.
pub enum Input {
    /// Some bytes.
    Bytes(Vec<u8>),
    /// The peer will send no more.
    End,
}

const CHUNK: usize = 32 * 1024;

impl Transport {
    /// The limit of an operation that starts now.
    pub fn limit(self, cx: &mut Cx, doing: Doing) -> PyResult<Limit> {
        let Transport::Socket(socket) = self else { return Ok(Limit { fd: -1, timeout: None, end: None, doing }) };
        let fd = cx.call_method_text(socket, "fileno", &[])?;
        let fd = number::to_i32(cx, fd)?;
        if fd < 0 {
            let class = Value::of(&error::SSL_ERROR);
            return Err(error::raise(cx, class, 1, "Underlying socket connection gone", None, &[]));
        }
        let timeout = cx.call_method_text(socket, "gettimeout", &[])?;
        let timeout = if timeout.is_none() { None } else { Some(number::to_f64(cx, timeout)?) };
        let end = timeout.filter(|t| *t > 0.0).map(|t| Instant::now() + Duration::from_secs_f64(t));
        Ok(Limit { fd, timeout, end, doing })
    }

    /// Reads what there is; waits for it if the socket may.
    pub fn read(self, cx: &mut Cx, limit: &Limit) -> PyResult<Input> {
        match self {
            Transport::Bio(incoming, _) => {
                let bytes = incoming.take(CHUNK);
                match bytes.is_empty() {
                    false => Ok(Input::Bytes(bytes)),
                    true if incoming.ended.get() => Ok(Input::End),
                    true => Err(error::want_read(cx)),
                }
            }
            Transport::Socket(_) => loop {
                let mut bytes = vec![0u8; CHUNK];
                // SAFETY: the buffer is as long as said; the call does not block.
                let n = unsafe { libc::recv(limit.fd, bytes.as_mut_ptr().cast(), bytes.len(), libc::MSG_DONTWAIT) };
                match n {
                    0 => return Ok(Input::End),
                    n if n > 0 => {
                        bytes.truncate(n as usize);
                        return Ok(Input::Bytes(bytes));
                    }
                    _ => limit.wait(cx, libc::POLLIN)?,
                }
            },
        }
    }

    /// Writes some of `bytes` without waiting. None if the system's call failed, which `errno` explains.
    pub fn write(self, limit: &Limit, bytes: &[u8]) -> Option<usize> {
        match self {
            Transport::Bio(_, outgoing) => {
                outgoing.data.borrow_mut().extend(bytes);
                Some(bytes.len())
            }
            Transport::Socket(_) => {
                let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
                // SAFETY: valid memory; the call does not block.
                let n = unsafe { libc::send(limit.fd, bytes.as_ptr().cast(), bytes.len(), flags) };
                usize::try_from(n).ok()
            }
        }
    }
}

impl Limit {
    /// After a call failed: waits until the socket is ready, or raises.
    pub fn wait(&self, cx: &mut Cx, events: i16) -> PyResult<()> {
        match host::errno() {
            libc::EAGAIN => {}
            libc::EINTR => return host::check_signals(cx),
            code => return Err(host::os_error(cx, code)),
        }
        if self.timeout == Some(0.0) {
            return Err(if events == libc::POLLIN { error::want_read(cx) } else { error::want_write(cx) });
        }
        loop {
            let left = match self.end {
                None => -1,
                Some(end) => match end.checked_duration_since(Instant::now()) {
                    Some(left) => left.as_millis().min(i32::MAX as u128) as i32 + 1,
                    None => return self.timed_out(cx),
                },
            };
            let mut poll = libc::pollfd { fd: self.fd, events, revents: 0 };
            // SAFETY: one entry.
            let (ready, code) = host::blocking(cx, || unsafe {
                let ready = libc::poll(&mut poll, 1, left);
                (ready, host::errno())
            });
            match ready {
                0 => return self.timed_out(cx),
                n if n > 0 => return Ok(()),
                _ if code == libc::EINTR => host::check_signals(cx)?,
                _ => return Err(host::os_error(cx, code)),
            }
        }
    }

    fn timed_out(&self, cx: &mut Cx) -> PyResult<()> {
        let what = match self.doing {
            Doing::Handshake => "_ssl.c:1032: The handshake operation timed out",
            Doing::Read => "The read operation timed out",
            Doing::Write => "The write operation timed out",
            Doing::Shutdown => "The read operation timed out",
        };
        raise!(cx, TimeoutError, "{what}")
    }
}

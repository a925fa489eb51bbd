//! `termios`: settings of terminals.

use taipan_macros::pymethods;
use taipan_runtime::protocol::number;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise};
use taipan_stdlib::host;

static ERROR: Type = Type::new(&ERROR_SPEC);
static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "termios.error",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

struct Functions;

fn failure(cx: &mut Cx) -> Raised {
    let code = host::errno();
    let text = cx.str(&host::strerror(code));
    cx.raise_args(&ERROR, &[Value::small(code as i64), text])
}

fn check(cx: &mut Cx, status: i32) -> PyResult<()> {
    if status == -1 { Err(failure(cx)) } else { Ok(()) }
}

fn native(cx: &mut Cx, fd: i32) -> PyResult<libc::termios> {
    // SAFETY: all zeros is a valid structure, which the call fills.
    let (mode, status) = unsafe {
        let mut mode: libc::termios = std::mem::zeroed();
        let status = libc::tcgetattr(fd, &mut mode);
        (mode, status)
    };
    check(cx, status)?;
    Ok(mode)
}

/// The seven items of the attribute list put into a structure.
fn fill(cx: &mut Cx, mode: &mut libc::termios, attributes: Value) -> PyResult<()> {
    let Some(list) = attributes.downcast::<List>().filter(|l| l.len() == 7) else {
        return raise!(cx, TypeError, "tcsetattr, arg 3: must be 7 element list");
    };
    let mut numbers = [0; 6];
    for (i, place) in numbers.iter_mut().enumerate() {
        *place = number::to_i64(cx, list.get(i).unwrap_or(Value::none()))?;
    }
    let [iflag, oflag, cflag, lflag, ispeed, ospeed] = numbers;
    (mode.c_iflag, mode.c_oflag) = (iflag as _, oflag as _);
    (mode.c_cflag, mode.c_lflag) = (cflag as _, lflag as _);
    let characters = list.get(6).and_then(|c| c.downcast::<List>()).filter(|c| c.len() == libc::NCCS);
    let Some(characters) = characters else {
        return raise!(cx, TypeError, "tcsetattr: attributes[6] must be {} element list", libc::NCCS);
    };
    for i in 0..libc::NCCS {
        let item = characters.get(i).unwrap_or(Value::none());
        mode.c_cc[i] = match bytes::data_of(item) {
            Some([one]) => *one,
            _ if taipan_runtime::types::int::check(item) => number::to_i64(cx, item)? as u8,
            _ => {
                return raise!(cx, TypeError, "tcsetattr: elements of attributes must be characters or integers");
            }
        };
    }
    // SAFETY: a valid structure.
    unsafe {
        check(cx, libc::cfsetispeed(mode, ispeed as _))?;
        check(cx, libc::cfsetospeed(mode, ospeed as _))
    }
}

#[pymethods]
impl Functions {
    /// Get the tty attributes for file descriptor fd.
    ///
    /// Returns a list [iflag, oflag, cflag, lflag, ispeed, ospeed, cc]
    /// where cc is a list of the tty special characters (each a string of
    /// length 1, except the items with indices VMIN and VTIME, which are
    /// integers when these fields are defined).  The interpretation of the
    /// flags and the speeds as well as the indexing in the cc array must be
    /// done using the symbolic constants defined in this module.
    #[py("($module, fd, /)")]
    fn tcgetattr(cx: &mut Cx, fd: Value) -> PyResult<&'static List> {
        let fd = host::fd_of(cx, fd)?;
        let mode = native(cx, fd)?;
        // SAFETY: a valid structure.
        let (ispeed, ospeed) = unsafe { (libc::cfgetispeed(&mode), libc::cfgetospeed(&mode)) };
        let characters = List::new(cx);
        for (i, byte) in mode.c_cc.iter().enumerate() {
            let counts = mode.c_lflag & libc::ICANON == 0 && (i == libc::VMIN || i == libc::VTIME);
            let item = if counts { Value::small(*byte as i64) } else { Value::of(Bytes::new(cx, &[*byte])) };
            characters.push(cx, item);
        }
        let numbers = [mode.c_iflag, mode.c_oflag, mode.c_cflag, mode.c_lflag, ispeed, ospeed];
        let list = List::from_slice(cx, &numbers.map(|n| Value::small(n as i64)));
        list.push(cx, Value::of(characters));
        Ok(list)
    }

    /// Set the tty attributes for file descriptor fd.
    ///
    /// The attributes to be set are taken from the attributes argument, which
    /// is a list like the one returned by tcgetattr(). The when argument
    /// determines when the attributes are changed: termios.TCSANOW to
    /// change immediately, termios.TCSADRAIN to change after transmitting all
    /// queued output, or termios.TCSAFLUSH to change after transmitting all
    /// queued output and discarding all queued input.
    #[py("($module, fd, when, attributes, /)")]
    fn tcsetattr(cx: &mut Cx, fd: Value, when: i32, attributes: Value) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        if attributes.downcast::<List>().is_none_or(|l| l.len() != 7) {
            return raise!(cx, TypeError, "tcsetattr, arg 3: must be 7 element list");
        }
        let mut mode = native(cx, fd)?;
        fill(cx, &mut mode, attributes)?;
        // SAFETY: a valid structure.
        let status = cx.allow_threads(|| unsafe { libc::tcsetattr(fd, when, &mode) });
        check(cx, status)
    }

    /// Send a break on file descriptor fd.
    ///
    /// A zero duration sends a break for 0.25-0.5 seconds; a nonzero duration
    /// has a system dependent meaning.
    #[py("($module, fd, duration, /)")]
    fn tcsendbreak(cx: &mut Cx, fd: Value, duration: i32) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        // SAFETY: a plain system call.
        let status = cx.allow_threads(|| unsafe { libc::tcsendbreak(fd, duration) });
        check(cx, status)
    }

    /// Wait until all output written to file descriptor fd has been transmitted.
    #[py("($module, fd, /)")]
    fn tcdrain(cx: &mut Cx, fd: Value) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        // SAFETY: a plain system call.
        let status = cx.allow_threads(|| unsafe { libc::tcdrain(fd) });
        check(cx, status)
    }

    /// Discard queued data on file descriptor fd.
    ///
    /// The queue selector specifies which queue: termios.TCIFLUSH for the input
    /// queue, termios.TCOFLUSH for the output queue, or termios.TCIOFLUSH for
    /// both queues.
    #[py("($module, fd, queue, /)")]
    fn tcflush(cx: &mut Cx, fd: Value, queue: i32) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        // SAFETY: a plain system call.
        let status = cx.allow_threads(|| unsafe { libc::tcflush(fd, queue) });
        check(cx, status)
    }

    /// Suspend or resume input or output on file descriptor fd.
    ///
    /// The action argument can be termios.TCOOFF to suspend output,
    /// termios.TCOON to restart output, termios.TCIOFF to suspend input,
    /// or termios.TCION to restart input.
    #[py("($module, fd, action, /)")]
    fn tcflow(cx: &mut Cx, fd: Value, action: i32) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        // SAFETY: a plain system call.
        let status = cx.allow_threads(|| unsafe { libc::tcflow(fd, action) });
        check(cx, status)
    }

    /// Get the tty winsize for file descriptor fd.
    ///
    /// Returns a tuple (ws_row, ws_col).
    #[py("($module, fd, /)")]
    fn tcgetwinsize(cx: &mut Cx, fd: Value) -> PyResult<Value> {
        let fd = host::fd_of(cx, fd)?;
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the call fills the structure.
        let status = unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut size) };
        check(cx, status)?;
        let pair = [Value::small(size.ws_row as i64), Value::small(size.ws_col as i64)];
        Ok(Value::of(Tuple::new(cx, &pair)))
    }

    /// Set the tty winsize for file descriptor fd.
    ///
    /// The winsize to be set is taken from the winsize argument, which
    /// is a two-item tuple (ws_row, ws_col) like the one returned by tcgetwinsize().
    #[py("($module, fd, winsize, /)")]
    fn tcsetwinsize(cx: &mut Cx, fd: Value, winsize: Value) -> PyResult<()> {
        let fd = host::fd_of(cx, fd)?;
        let items = taipan_runtime::protocol::iter::to_list(cx, winsize)?;
        let (Some(rows), Some(columns), 2) = (items.get(0), items.get(1), items.len()) else {
            return raise!(cx, TypeError, "tcsetwinsize, arg 2: must be a two-item sequence");
        };
        let (rows, columns) = (number::to_i64(cx, rows)?, number::to_i64(cx, columns)?);
        let (Ok(ws_row), Ok(ws_col)) = (u16::try_from(rows), u16::try_from(columns)) else {
            return raise!(cx, OverflowError, "winsize value(s) out of range.");
        };
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the calls fill and read the structure.
        unsafe {
            check(cx, libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut size))?;
            (size.ws_row, size.ws_col) = (ws_row, ws_col);
            check(cx, libc::ioctl(fd, libc::TIOCSWINSZ, &raw const size))
        }
    }
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let doc = "This module provides an interface to the Posix calls for tty I/O control.\n\nFor a complete description of these calls, see the Posix or Unix manual\npages. It is only available for those Unix versions that support Posix\ntermios style tty I/O control (and then only if configured at installation\ntime).\n\nAll functions in this module take a file descriptor fd as their first\nargument. This can be an integer file descriptor, such as returned by\nsys.stdin.fileno(), or a file object, such as sys.stdin itself.";
    let module = taipan_stdlib::make(cx, "termios", doc, Functions::METHODS);
    module.add_type(cx, &ERROR);
    host::add_ints(cx, module, CONSTANTS);
    Ok(module)
}

static CONSTANTS: &[(&str, i64)] = &[
    ("B0", 0),
    ("B1000000", 1000000),
    ("B110", 110),
    ("B115200", 115200),
    ("B1152000", 1152000),
    ("B1200", 1200),
    ("B134", 134),
    ("B14400", 14400),
    ("B150", 150),
    ("B1500000", 1500000),
    ("B1800", 1800),
    ("B19200", 19200),
    ("B200", 200),
    ("B2000000", 2000000),
    ("B230400", 230400),
    ("B2400", 2400),
    ("B2500000", 2500000),
    ("B28800", 28800),
    ("B300", 300),
    ("B3000000", 3000000),
    ("B3500000", 3500000),
    ("B38400", 38400),
    ("B4000000", 4000000),
    ("B460800", 460800),
    ("B4800", 4800),
    ("B50", 50),
    ("B500000", 500000),
    ("B57600", 57600),
    ("B576000", 576000),
    ("B600", 600),
    ("B7200", 7200),
    ("B75", 75),
    ("B76800", 76800),
    ("B921600", 921600),
    ("B9600", 9600),
    ("BRKINT", 2),
    ("BS0", 0),
    ("BS1", 8192),
    ("BSDLY", 8192),
    ("CBAUD", 4111),
    ("CBAUDEX", 4096),
    ("CDSUSP", 25),
    ("CEOF", 4),
    ("CEOL", 0),
    ("CEOT", 4),
    ("CERASE", 127),
    ("CFLUSH", 15),
    ("CIBAUD", 269418496),
    ("CINTR", 3),
    ("CKILL", 21),
    ("CLNEXT", 22),
    ("CLOCAL", 2048),
    ("CQUIT", 28),
    ("CR0", 0),
    ("CR1", 512),
    ("CR2", 1024),
    ("CR3", 1536),
    ("CRDLY", 1536),
    ("CREAD", 128),
    ("CRPRNT", 18),
    ("CRTSCTS", 2147483648),
    ("CS5", 0),
    ("CS6", 16),
    ("CS7", 32),
    ("CS8", 48),
    ("CSIZE", 48),
    ("CSTART", 17),
    ("CSTOP", 19),
    ("CSTOPB", 64),
    ("CSUSP", 26),
    ("CWERASE", 23),
    ("ECHO", 8),
    ("ECHOCTL", 512),
    ("ECHOE", 16),
    ("ECHOK", 32),
    ("ECHOKE", 2048),
    ("ECHONL", 64),
    ("ECHOPRT", 1024),
    ("EXTA", 19200),
    ("EXTB", 38400),
    ("EXTPROC", 65536),
    ("FF0", 0),
    ("FF1", 32768),
    ("FFDLY", 32768),
    ("FIOASYNC", 21586),
    ("FIOCLEX", 21585),
    ("FIONBIO", 21537),
    ("FIONCLEX", 21584),
    ("FIONREAD", 21531),
    ("FLUSHO", 4096),
    ("HUPCL", 1024),
    ("IBSHIFT", 16),
    ("ICANON", 2),
    ("ICRNL", 256),
    ("IEXTEN", 32768),
    ("IGNBRK", 1),
    ("IGNCR", 128),
    ("IGNPAR", 4),
    ("IMAXBEL", 8192),
    ("INLCR", 64),
    ("INPCK", 16),
    ("IOCSIZE_MASK", 1073676288),
    ("IOCSIZE_SHIFT", 16),
    ("ISIG", 1),
    ("ISTRIP", 32),
    ("IUCLC", 512),
    ("IUTF8", 16384),
    ("IXANY", 2048),
    ("IXOFF", 4096),
    ("IXON", 1024),
    ("NCCS", 32),
    ("NL0", 0),
    ("NL1", 256),
    ("NLDLY", 256),
    ("NOFLSH", 128),
    ("N_MOUSE", 2),
    ("N_PPP", 3),
    ("N_SLIP", 1),
    ("N_STRIP", 4),
    ("N_TTY", 0),
    ("OCRNL", 8),
    ("OFDEL", 128),
    ("OFILL", 64),
    ("OLCUC", 2),
    ("ONLCR", 4),
    ("ONLRET", 32),
    ("ONOCR", 16),
    ("OPOST", 1),
    ("PARENB", 256),
    ("PARMRK", 8),
    ("PARODD", 512),
    ("PENDIN", 16384),
    ("TAB0", 0),
    ("TAB1", 2048),
    ("TAB2", 4096),
    ("TAB3", 6144),
    ("TABDLY", 6144),
    ("TCFLSH", 21515),
    ("TCGETS", 21505),
    ("TCIFLUSH", 0),
    ("TCIOFF", 2),
    ("TCIOFLUSH", 2),
    ("TCION", 3),
    ("TCOFLUSH", 1),
    ("TCOOFF", 0),
    ("TCOON", 1),
    ("TCSADRAIN", 1),
    ("TCSAFLUSH", 2),
    ("TCSANOW", 0),
    ("TCSBRK", 21513),
    ("TCSBRKP", 21541),
    ("TCSETS", 21506),
    ("TCSETSF", 21508),
    ("TCSETSW", 21507),
    ("TCXONC", 21514),
    ("TIOCCONS", 21533),
    ("TIOCEXCL", 21516),
    ("TIOCGETD", 21540),
    ("TIOCGICOUNT", 21597),
    ("TIOCGLCKTRMIOS", 21590),
    ("TIOCGPGRP", 21519),
    ("TIOCGSERIAL", 21534),
    ("TIOCGSOFTCAR", 21529),
    ("TIOCGWINSZ", 21523),
    ("TIOCINQ", 21531),
    ("TIOCLINUX", 21532),
    ("TIOCMBIC", 21527),
    ("TIOCMBIS", 21526),
    ("TIOCMGET", 21525),
    ("TIOCMIWAIT", 21596),
    ("TIOCMSET", 21528),
    ("TIOCM_CAR", 64),
    ("TIOCM_CD", 64),
    ("TIOCM_CTS", 32),
    ("TIOCM_DSR", 256),
    ("TIOCM_DTR", 2),
    ("TIOCM_LE", 1),
    ("TIOCM_RI", 128),
    ("TIOCM_RNG", 128),
    ("TIOCM_RTS", 4),
    ("TIOCM_SR", 16),
    ("TIOCM_ST", 8),
    ("TIOCNOTTY", 21538),
    ("TIOCNXCL", 21517),
    ("TIOCOUTQ", 21521),
    ("TIOCPKT", 21536),
    ("TIOCPKT_DATA", 0),
    ("TIOCPKT_DOSTOP", 32),
    ("TIOCPKT_FLUSHREAD", 1),
    ("TIOCPKT_FLUSHWRITE", 2),
    ("TIOCPKT_NOSTOP", 16),
    ("TIOCPKT_START", 8),
    ("TIOCPKT_STOP", 4),
    ("TIOCSCTTY", 21518),
    ("TIOCSERCONFIG", 21587),
    ("TIOCSERGETLSR", 21593),
    ("TIOCSERGETMULTI", 21594),
    ("TIOCSERGSTRUCT", 21592),
    ("TIOCSERGWILD", 21588),
    ("TIOCSERSETMULTI", 21595),
    ("TIOCSERSWILD", 21589),
    ("TIOCSER_TEMT", 1),
    ("TIOCSETD", 21539),
    ("TIOCSLCKTRMIOS", 21591),
    ("TIOCSPGRP", 21520),
    ("TIOCSSERIAL", 21535),
    ("TIOCSSOFTCAR", 21530),
    ("TIOCSTI", 21522),
    ("TIOCSWINSZ", 21524),
    ("TOSTOP", 256),
    ("VDISCARD", 13),
    ("VEOF", 4),
    ("VEOL", 11),
    ("VEOL2", 16),
    ("VERASE", 2),
    ("VINTR", 0),
    ("VKILL", 3),
    ("VLNEXT", 15),
    ("VMIN", 6),
    ("VQUIT", 1),
    ("VREPRINT", 12),
    ("VSTART", 8),
    ("VSTOP", 9),
    ("VSUSP", 10),
    ("VSWTC", 7),
    ("VSWTCH", 7),
    ("VT0", 0),
    ("VT1", 16384),
    ("VTDLY", 16384),
    ("VTIME", 5),
    ("VWERASE", 14),
    ("XCASE", 4),
    ("XTABS", 6144),
    ("_POSIX_VDISABLE", 0),
];

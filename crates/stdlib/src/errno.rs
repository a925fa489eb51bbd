//! errno: the system's error numbers.

use taipan_runtime::dict::Dict;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, Value};

macro_rules! codes {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}

/// Names and numbers; where names share a number the last one is in `errorcode`.
static CODES: &[(&str, i32)] = codes! {
    ENODEV ENOCSI EHOSTUNREACH ENOMSG EUCLEAN EL2NSYNC EL2HLT ENODATA ENOTBLK ENOSYS EPIPE EINVAL EOVERFLOW EADV EINTR
    EUSERS ENOTEMPTY ENOBUFS EPROTO EREMOTE ENAVAIL ECHILD ELOOP EXDEV E2BIG ESRCH EMSGSIZE EAFNOSUPPORT EBADR
    EHOSTDOWN EPFNOSUPPORT ENOPROTOOPT EBUSY EWOULDBLOCK EAGAIN EBADFD EDOTDOT EISCONN ENOANO ESHUTDOWN ECHRNG ELIBBAD
    ENONET EBADE EBADF EMULTIHOP EIO EUNATCH EPROTOTYPE ENOSPC ENOEXEC EALREADY ENETDOWN ENOTNAM EACCES ELNRNG EILSEQ
    ENOTDIR ENOTUNIQ EPERM EDOM EXFULL ECONNREFUSED EISDIR EPROTONOSUPPORT EROFS EADDRNOTAVAIL EIDRM ECOMM ESRMNT
    EREMOTEIO EL3RST EBADMSG ENFILE ELIBMAX ESPIPE ENOLINK ENETRESET ETIMEDOUT ENOENT EEXIST EDQUOT ENOSTR EBADSLT
    EBADRQC ELIBACC EFAULT EFBIG EDEADLK EDEADLOCK ENOTCONN EDESTADDRREQ ELIBSCN ENOLCK EISNAM ECONNABORTED ENETUNREACH
    ESTALE ENOSR ENOMEM ENOTSOCK ESTRPIPE EMLINK ERANGE ELIBEXEC EL3HLT ECONNRESET EADDRINUSE EOPNOTSUPP EREMCHG EAGAIN
    ENAMETOOLONG ENOTTY ERESTART ESOCKTNOSUPPORT ETIME EBFONT ETOOMANYREFS EMFILE ETXTBSY EINPROGRESS ENXIO ENOPKG
    ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EHWPOISON EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE
    ERFKILL ENOTSUP
};

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "errno");
    let doc = cx.str(
        "This module makes available standard errno system symbols.\n\nThe value of each symbol is the corresponding integer value,\ne.g., on most systems, errno.ENOENT equals the integer 2.\n\nThe dictionary errno.errorcode maps numeric codes to symbol names,\ne.g., errno.errorcode[2] could be the string 'ENOENT'.\n\nSymbols that are not relevant to the underlying system are not defined.\n\nTo map error codes to error messages, use the function os.strerror(),\ne.g. os.strerror(2) could return 'No such file or directory'.",
    );
    module.set(cx, "__doc__", doc);
    let errorcode = Dict::new(cx);
    module.set(cx, "errorcode", Value::of(errorcode));
    // Newer than the libc crate.
    const EFTYPE: (&str, i32) = ("EFTYPE", 134);
    for (name, code) in CODES.iter().chain([&EFTYPE]) {
        let (text, number) = (Value::of(cx.intern(name)), Value::small(*code as i64));
        module.set(cx, name, number);
        // Ints hash natively, so this cannot raise.
        if errorcode.set(cx, number, text).is_err() {
            cx.take_exception();
        }
    }
    module
}

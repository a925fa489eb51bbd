//! posix: the system calls under `os`.

mod constants;
mod descriptors;
mod dirs;
mod exec;
mod extra;
mod files;
mod identity;
mod info;
mod names;
mod paths;
mod process;
mod sched;
mod stat;
mod xattr;

use taipan_runtime::dict::Dict;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, Value, exceptions};

pub use exec::{Strings, environment, fork_child, fork_parent, fork_prepare};
pub use files::close_range;
pub use identity::groups_of as group_ids;
pub use names::id as user_id;
pub use stat::stat_value;

static HAVE: &[&str] = &[
    "HAVE_EVENTFD",
    "HAVE_TIMERFD_CREATE",
    "HAVE_FACCESSAT",
    "HAVE_FCHDIR",
    "HAVE_FCHMOD",
    "HAVE_FCHMODAT",
    "HAVE_FCHOWN",
    "HAVE_FCHOWNAT",
    "HAVE_FEXECVE",
    "HAVE_FDOPENDIR",
    "HAVE_FPATHCONF",
    "HAVE_FSTATAT",
    "HAVE_FSTATVFS",
    "HAVE_FTRUNCATE",
    "HAVE_FUTIMENS",
    "HAVE_FUTIMES",
    "HAVE_FUTIMESAT",
    "HAVE_LINKAT",
    "HAVE_LCHOWN",
    "HAVE_LSTAT",
    "HAVE_LUTIMES",
    "HAVE_MEMFD_CREATE",
    "HAVE_MKDIRAT",
    "HAVE_MKFIFOAT",
    "HAVE_MKNODAT",
    "HAVE_OPENAT",
    "HAVE_READLINKAT",
    "HAVE_RENAMEAT",
    "HAVE_SYMLINKAT",
    "HAVE_UNLINKAT",
    "HAVE_UTIMENSAT",
    "HAVE_PTSNAME_R",
];

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "posix");
    let doc = cx.str(
        "This module provides access to operating system functionality that is\nstandardized by the C Standard and the POSIX standard (a thinly\ndisguised Unix interface).  Refer to the library manual and\ncorresponding Unix manual entries for more information on calls.",
    );
    module.set(cx, "__doc__", doc);
    for functions in [
        files::Files::METHODS,
        descriptors::Descriptors::METHODS,
        names::Names::METHODS,
        stat::Stat::METHODS,
        dirs::Dirs::METHODS,
        paths::Paths::METHODS,
        exec::Exec::METHODS,
        process::Process::METHODS,
        identity::Identity::METHODS,
        sched::Sched::METHODS,
        info::Info::METHODS,
        xattr::Xattr::METHODS,
        extra::Extra::METHODS,
    ] {
        module.add_functions(cx, functions);
    }
    constants::add(cx, module);
    for add in [stat::add_types, dirs::add_types, process::add_types, sched::add_types, info::add_types] {
        add(cx, module);
    }
    module.set(cx, "error", Value::of(&exceptions::OSError));
    let have = List::new(cx);
    for name in HAVE {
        let name = Value::of(cx.intern(name));
        have.push(cx, name);
    }
    module.set(cx, "_have_functions", Value::of(have));
    let environ = environ(cx);
    module.set(cx, "environ", Value::of(environ));
    module
}

/// The environment as a dict of bytes; the first of equal names counts.
fn environ(cx: &mut Cx) -> &'static Dict {
    let dict = Dict::new(cx);
    for (name, value) in environment() {
        let (name, value) = (Bytes::new(cx, &name), Bytes::new(cx, &value));
        // Bytes hash natively, so this cannot raise.
        if dict.set_default(cx, Value::of(name), Value::of(value)).is_err() {
            cx.take_exception();
        }
    }
    dict
}

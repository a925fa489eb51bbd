//! `_remote_debugging`, as far as it says whether `sys.remote_exec` can reach other processes. It has no RemoteUnwinder:
//! the stacks of other processes cannot be read.

use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value};

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_remote_debugging", "", &[]);
    module.set(cx, "PROCESS_VM_READV_SUPPORTED", Value::bool(cfg!(target_os = "linux")));
    Ok(module)
}

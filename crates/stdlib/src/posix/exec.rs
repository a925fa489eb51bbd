//! New processes: fork, exec, posix_spawn.

use std::ffi::CString;
use std::mem::MaybeUninit;

use taipan_macros::pymethods;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::{iter, number, object};
use taipan_runtime::threads;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::files::list_or_tuple;
use crate::host::{self, Global, PATH, PATH_OR_FD, Path};

/// Process creation.
pub struct Exec;

unsafe extern "C" {
    static environ: *const *const libc::c_char;
}

/// Names and values of the environment.
pub fn environment() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    // SAFETY: environ is null or an array of texts that ends with null.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            let entry = std::ffi::CStr::from_ptr(*at).to_bytes();
            if let Some(i) = entry.iter().skip(1).position(|b| *b == b'=') {
                all.push((entry[..=i].to_vec(), entry[i + 2..].to_vec()));
            }
            at = at.add(1);
        }
    }
    all
}

/// Texts and the null-terminated array of pointers to them that exec takes.
pub struct Strings {
    texts: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

impl Strings {
    /// From texts.
    pub fn new(texts: Vec<CString>) -> Strings {
        let mut pointers: Vec<_> = texts.iter().map(|t| t.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Strings { texts, pointers }
    }

    /// From paths or texts.
    pub fn from_values(cx: &mut Cx, values: &RootVec) -> PyResult<Strings> {
        let mut texts = Vec::with_capacity(values.len());
        for i in 0..values.len() {
            texts.push(host::fs_bytes(cx, values[i])?);
        }
        Ok(Strings::new(texts))
    }

    /// The array; it has no address while it is being moved, so call this last.
    pub fn as_ptr(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// True without texts.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The texts.
    pub fn texts(&self) -> &[CString] {
        &self.texts
    }
}

/// The program's arguments, with `function`'s error messages.
fn arguments(cx: &mut Cx, v: Value, function: &str, place: &str) -> PyResult<Strings> {
    let Some(values) = list_or_tuple(v) else {
        return raise!(cx, TypeError, "{function}{place} must be a tuple or list");
    };
    if values.is_empty() {
        return raise!(cx, ValueError, "{function}{place} must not be empty");
    }
    let strings = Strings::from_values(cx, &values)?;
    if strings.texts[0].is_empty() {
        return raise!(cx, ValueError, "{function}{place} first element cannot be empty");
    }
    Ok(strings)
}

/// A mapping as environment entries.
fn environment_of(cx: &mut Cx, v: Value) -> PyResult<Strings> {
    let keys = cx.call_method_text(v, "keys", &[])?;
    let keys = iter::collect(cx, keys)?;
    let mut texts = Vec::with_capacity(keys.len());
    for i in 0..keys.len() {
        let value = object::get_item(cx, v, keys[i])?;
        let (name, value) = (host::fs_bytes(cx, keys[i])?, host::fs_bytes(cx, value)?);
        if name.is_empty() || name.as_bytes()[1..].contains(&b'=') || name.as_bytes()[0] == b'=' {
            return raise!(cx, ValueError, "illegal environment variable name");
        }
        let entry = [name.as_bytes(), b"=", value.as_bytes()].concat();
        texts.push(CString::new(entry).unwrap_or_default());
    }
    Ok(Strings::new(texts))
}

fn is_mapping(cx: &mut Cx, v: Value) -> PyResult<bool> {
    let name = cx.names().keys;
    Ok(v.class().slots().getitem.is_some() && taipan_runtime::protocol::attr::get_optional(cx, v, name)?.is_some())
}

// ---- callbacks around fork ---------------------------------------------------------------------------

static BEFORE: Global = Global::new();
static IN_PARENT: Global = Global::new();
static IN_CHILD: Global = Global::new();

fn register(cx: &mut Cx, at: &Global, v: Option<Value>) -> PyResult<()> {
    let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(()) };
    let list = at.get_or(cx, |cx| Ok(Value::of(List::new(cx))))?;
    if let Some(list) = list.exact::<List>() {
        list.push(cx, v);
    }
    Ok(())
}

fn run_callbacks(cx: &mut Cx, at: &Global, reversed: bool) {
    let Some(list) = at.get().and_then(|v| v.exact::<List>()) else { return };
    let mut callbacks = RootVec::from_slice(list.items());
    if reversed {
        callbacks.reverse();
    }
    for i in 0..callbacks.len() {
        if cx.call(callbacks[i], &[]).is_err() {
            let exception = cx.take_exception();
            object::unraisable(cx, exception, Some(callbacks[i]), None);
        }
    }
}

/// To be called before fork.
pub fn fork_prepare(cx: &mut Cx) {
    crate::io::settle(cx);
    run_callbacks(cx, &BEFORE, true);
}
/// To be called after fork in the parent.
pub fn fork_parent(cx: &mut Cx) {
    run_callbacks(cx, &IN_PARENT, false);
}
/// To be called after fork in the child.
pub fn fork_child(cx: &mut Cx) {
    run_callbacks(cx, &IN_CHILD, false);
}

fn fork_with(cx: &mut Cx, fork: impl FnOnce() -> i32) -> PyResult<i32> {
    if !cx.interpreter.permissions.get().fork {
        return raise!(cx, RuntimeError, "fork not supported for isolated subinterpreters");
    }
    fork_prepare(cx);
    let threads = threads::count();
    let pid = threads::fork(cx, fork, crate::thread::after_fork);
    if pid == 0 {
        fork_child(cx);
    } else {
        let code = host::errno();
        fork_parent(cx);
        if threads > 1 {
            // SAFETY: getpid always succeeds.
            let pid = unsafe { libc::getpid() };
            let text = format!(
                "This process (pid={pid}) is multi-threaded, use of fork() may lead to deadlocks in the child."
            );
            taipan_runtime::protocol::warn::warn(cx, &taipan_runtime::exceptions::DeprecationWarning, &text, 1)?;
        }
        if pid < 0 {
            return Err(host::os_error(cx, code));
        }
    }
    Ok(pid)
}

fn callable(cx: &mut Cx, v: Option<Value>, name: &str) -> PyResult<bool> {
    let Some(v) = v else { return Ok(false) };
    if v.class().slots().call.is_none() {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "'{name}' must be callable, not {got}");
    }
    Ok(true)
}

#[pymethods]
impl Exec {
    /// Exit to the system with specified status, without normal exit processing.
    #[py("($module, /, status)")]
    fn _exit(cx: &mut Cx, status: i32) {
        crate::io::settle(cx);
        // SAFETY: ends the process.
        unsafe { libc::_exit(status) }
    }
    /// Abort the interpreter immediately.
    ///
    /// This function 'dumps core' or otherwise fails in the hardest way possible
    /// on the hosting operating system.  This function never returns.
    #[py("($module, /)")]
    fn abort(_cx: &mut Cx) {
        std::process::abort()
    }
    /// Execute an executable path with arguments, replacing current process.
    ///
    ///   path
    ///     Path of executable file.
    ///   argv
    ///     Tuple or list of strings.
    #[py("($module, path, argv, /)")]
    fn execv(cx: &mut Cx, path: Value, argv: Value) -> PyResult<()> {
        if !cx.interpreter.permissions.get().exec {
            return raise!(cx, RuntimeError, "exec not supported for isolated subinterpreters");
        }
        let path = Path::new(cx, path, "execv", "path", PATH)?;
        let argv = arguments(cx, argv, "execv()", " arg 2")?;
        crate::io::settle(cx);
        // SAFETY: texts and arrays are terminated.
        unsafe { libc::execv(path.ptr(), argv.as_ptr()) };
        let code = host::errno();
        Err(host::os_error(cx, code))
    }
    /// Execute an executable path with arguments, replacing current process.
    ///
    ///   path
    ///     Path of executable file.
    ///   argv
    ///     Tuple or list of strings.
    ///   env
    ///     Dictionary of strings mapping to strings.
    #[py("($module, /, path, argv, env)")]
    fn execve(cx: &mut Cx, path: Value, argv: Value, env: Value) -> PyResult<()> {
        if !cx.interpreter.permissions.get().exec {
            return raise!(cx, RuntimeError, "exec not supported for isolated subinterpreters");
        }
        let path = Path::new(cx, path, "execve", "path", PATH_OR_FD)?;
        let argv = arguments(cx, argv, "execve:", " argv")?;
        if !is_mapping(cx, env)? {
            return raise!(cx, TypeError, "execve: environment must be a mapping object");
        }
        let env = environment_of(cx, env)?;
        crate::io::settle(cx);
        // SAFETY: texts and arrays are terminated.
        unsafe {
            match path.fd {
                Some(fd) => libc::fexecve(fd, argv.as_ptr(), env.as_ptr()),
                None => libc::execve(path.ptr(), argv.as_ptr(), env.as_ptr()),
            }
        };
        let code = host::errno();
        Err(path.error(cx, code))
    }
    /// Fork a child process.
    ///
    /// Return 0 to child process and PID of child to parent process.
    #[py("($module, /)")]
    fn fork(cx: &mut Cx) -> PyResult<i32> {
        // SAFETY: the child goes on with the one thread that it has.
        fork_with(cx, || unsafe { libc::fork() })
    }
    /// Fork a new process with a new pseudo-terminal as controlling tty.
    ///
    /// Returns a tuple of (pid, master_fd).
    /// Like fork(), return pid of 0 to the child process,
    /// and pid of child to the parent process.
    /// To both, return fd of newly opened pseudo-terminal.
    #[py("($module, /)")]
    fn forkpty(cx: &mut Cx) -> PyResult<Value> {
        let mut fd = -1;
        let (name, settings, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
        // SAFETY: as for fork; the optional results are left out.
        let pid = fork_with(cx, || unsafe { libc::forkpty(&mut fd, name, settings, size) })?;
        Ok(Value::of(Tuple::new(cx, &[Value::small(pid as i64), Value::small(fd as i64)])))
    }
    /// Register callables to be called when forking a new process.
    ///
    ///   before
    ///     A callable to be called in the parent before the fork() syscall.
    ///   after_in_child
    ///     A callable to be called in the child after fork().
    ///   after_in_parent
    ///     A callable to be called in the parent after fork().
    ///
    /// 'before' callbacks are called in reverse order.
    /// 'after_in_child' and 'after_in_parent' callbacks are called in order.
    #[py(
        "($module, /, *, before=<unrepresentable>, after_in_child=<unrepresentable>, after_in_parent=<unrepresentable>)"
    )]
    fn register_at_fork(
        cx: &mut Cx,
        before: Option<Value>,
        after_in_child: Option<Value>,
        after_in_parent: Option<Value>,
    ) -> PyResult<()> {
        let given = [
            callable(cx, before, "before")?,
            callable(cx, after_in_child, "after_in_child")?,
            callable(cx, after_in_parent, "after_in_parent")?,
        ];
        if !given.contains(&true) {
            return raise!(cx, TypeError, "At least one argument is required.");
        }
        register(cx, &BEFORE, before)?;
        register(cx, &IN_CHILD, after_in_child)?;
        register(cx, &IN_PARENT, after_in_parent)
    }
    /// Execute the command in a subshell.
    #[py("($module, /, command)")]
    fn system(cx: &mut Cx, command: Value) -> PyResult<i32> {
        let command = host::fs_bytes(cx, command)?;
        crate::io::settle(cx);
        // SAFETY: the text is NUL-terminated.
        Ok(host::blocking(cx, || unsafe { libc::system(command.as_ptr()) }))
    }
    /// Create the environment dictionary.
    #[py("($module, /)")]
    fn _create_environ(cx: &mut Cx) -> Value {
        Value::of(super::environ(cx))
    }
    /// Execute the program specified by path in a new process.
    ///
    ///   path
    ///     Path of executable file.
    ///   argv
    ///     Tuple or list of strings.
    ///   env
    ///     Dictionary of strings mapping to strings.
    ///   file_actions
    ///     A sequence of file action tuples.
    ///   setpgroup
    ///     The pgroup to use with the POSIX_SPAWN_SETPGROUP flag.
    ///   resetids
    ///     If the value is `true` the POSIX_SPAWN_RESETIDS will be activated.
    ///   setsid
    ///     If the value is `true` the POSIX_SPAWN_SETSID or POSIX_SPAWN_SETSID_NP will be activated.
    ///   setsigmask
    ///     The sigmask to use with the POSIX_SPAWN_SETSIGMASK flag.
    ///   setsigdef
    ///     The sigmask to use with the POSIX_SPAWN_SETSIGDEF flag.
    ///   scheduler
    ///     A tuple with the scheduler policy (optional) and parameters.
    #[py(
        "($module, path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None)"
    )]
    fn posix_spawn(
        cx: &mut Cx,
        path: Value,
        argv: Value,
        env: Value,
        file_actions: Option<Value>,
        setpgroup: Option<Value>,
        resetids: Option<bool>,
        setsid: Option<bool>,
        setsigmask: Option<Value>,
        setsigdef: Option<Value>,
        scheduler: Option<Value>,
    ) -> PyResult<i32> {
        let options = SpawnOptions { file_actions, setpgroup, resetids, setsid, setsigmask, setsigdef, scheduler };
        spawn(cx, "posix_spawn", (path, argv, env), &options)
    }
    /// Execute the program specified by path in a new process.
    ///
    ///   path
    ///     Path of executable file.
    ///   argv
    ///     Tuple or list of strings.
    ///   env
    ///     Dictionary of strings mapping to strings.
    ///   file_actions
    ///     A sequence of file action tuples.
    ///   setpgroup
    ///     The pgroup to use with the POSIX_SPAWN_SETPGROUP flag.
    ///   resetids
    ///     If the value is `True` the POSIX_SPAWN_RESETIDS will be activated.
    ///   setsid
    ///     If the value is `True` the POSIX_SPAWN_SETSID or POSIX_SPAWN_SETSID_NP will be activated.
    ///   setsigmask
    ///     The sigmask to use with the POSIX_SPAWN_SETSIGMASK flag.
    ///   setsigdef
    ///     The sigmask to use with the POSIX_SPAWN_SETSIGDEF flag.
    ///   scheduler
    ///     A tuple with the scheduler policy (optional) and parameters.
    #[py(
        "($module, path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None)"
    )]
    fn posix_spawnp(
        cx: &mut Cx,
        path: Value,
        argv: Value,
        env: Value,
        file_actions: Option<Value>,
        setpgroup: Option<Value>,
        resetids: Option<bool>,
        setsid: Option<bool>,
        setsigmask: Option<Value>,
        setsigdef: Option<Value>,
        scheduler: Option<Value>,
    ) -> PyResult<i32> {
        let options = SpawnOptions { file_actions, setpgroup, resetids, setsid, setsigmask, setsigdef, scheduler };
        spawn(cx, "posix_spawnp", (path, argv, env), &options)
    }
}

struct SpawnOptions {
    file_actions: Option<Value>,
    setpgroup: Option<Value>,
    resetids: Option<bool>,
    setsid: Option<bool>,
    setsigmask: Option<Value>,
    setsigdef: Option<Value>,
    scheduler: Option<Value>,
}

/// libc's file actions, with the texts that they refer to.
struct FileActions {
    raw: libc::posix_spawn_file_actions_t,
    texts: Vec<CString>,
}

impl FileActions {
    fn new() -> FileActions {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: init fills it; it can only fail without memory.
        unsafe {
            libc::posix_spawn_file_actions_init(raw.as_mut_ptr());
            FileActions { raw: raw.assume_init(), texts: Vec::new() }
        }
    }

    fn add(&mut self, cx: &mut Cx, action: Value) -> PyResult<()> {
        let Some(items) = action.downcast::<Tuple>().map(|t| t.items()).filter(|t| !t.is_empty()) else {
            return raise!(cx, TypeError, "Each file_actions element must be a non-empty tuple");
        };
        let kind = number::to_i64(cx, items[0])?;
        let code = match (kind, items) {
            (0, [_, fd, path, flags, mode]) => {
                let (fd, flags) = (number::to_i32(cx, *fd)?, number::to_i32(cx, *flags)?);
                let mode = number::to_i32(cx, *mode)? as libc::mode_t;
                let path = host::fs_bytes(cx, *path)?;
                self.texts.push(path);
                let path = self.texts[self.texts.len() - 1].as_ptr();
                // SAFETY: the text lives as long as the actions.
                unsafe { libc::posix_spawn_file_actions_addopen(&mut self.raw, fd, path, flags, mode) }
            }
            (0, _) => return raise!(cx, TypeError, "A open file_action tuple must have 5 elements"),
            (1, [_, fd]) => {
                let fd = number::to_i32(cx, *fd)?;
                // SAFETY: initialised.
                unsafe { libc::posix_spawn_file_actions_addclose(&mut self.raw, fd) }
            }
            (1, _) => return raise!(cx, TypeError, "A close file_action tuple must have 2 elements"),
            (2, [_, from, to]) => {
                let (from, to) = (number::to_i32(cx, *from)?, number::to_i32(cx, *to)?);
                // SAFETY: initialised.
                unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.raw, from, to) }
            }
            (2, _) => return raise!(cx, TypeError, "A dup2 file_action tuple must have 3 elements"),
            (3, [_, fd]) => {
                let fd = number::to_i32(cx, *fd)?;
                // SAFETY: initialised.
                unsafe { posix_spawn_file_actions_addclosefrom_np(&mut self.raw, fd) }
            }
            (3, _) => return raise!(cx, TypeError, "A closefrom file_action tuple must have 2 elements"),
            _ => return raise!(cx, TypeError, "Unknown file_actions identifier"),
        };
        if code != 0 { Err(host::os_error(cx, code)) } else { Ok(()) }
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: initialised in new.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.raw) };
    }
}

unsafe extern "C" {
    fn posix_spawn_file_actions_addclosefrom_np(
        actions: *mut libc::posix_spawn_file_actions_t,
        from: libc::c_int,
    ) -> libc::c_int;
}

struct Attributes(libc::posix_spawnattr_t);

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised by spawn_attributes.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

/// A set of signals from an iterable of numbers.
pub fn signal_set(cx: &mut Cx, v: Value) -> PyResult<libc::sigset_t> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset fills it.
    let mut set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    };
    let signals = iter::collect(cx, v)?;
    for i in 0..signals.len() {
        let signal = number::to_i64(cx, signals[i])?;
        if !(1..=64).contains(&signal) {
            return raise!(cx, ValueError, "signal number {signal} out of range [1; 64]");
        }
        // SAFETY: a valid set and signal number; libc keeps two signals for itself and refuses them.
        unsafe { libc::sigaddset(&mut set, signal as i32) };
    }
    Ok(set)
}

fn spawn_attributes(cx: &mut Cx, function: &str, options: &SpawnOptions) -> PyResult<Attributes> {
    let mut raw = MaybeUninit::uninit();
    // SAFETY: init fills it.
    let mut attributes = unsafe {
        libc::posix_spawnattr_init(raw.as_mut_ptr());
        Attributes(raw.assume_init())
    };
    let attr = &mut attributes.0;
    let mut flags = 0;
    // SAFETY: the attributes are initialised in all calls below.
    if let Some(group) = options.setpgroup.filter(|g| !g.is_none()) {
        let group = number::to_i32(cx, group)?;
        unsafe { libc::posix_spawnattr_setpgroup(attr, group) };
        flags |= libc::POSIX_SPAWN_SETPGROUP;
    }
    if options.resetids == Some(true) {
        flags |= libc::POSIX_SPAWN_RESETIDS;
    }
    if options.setsid == Some(true) {
        const POSIX_SPAWN_SETSID: i32 = 0x80;
        flags |= POSIX_SPAWN_SETSID;
    }
    if let Some(mask) = options.setsigmask {
        let set = signal_set(cx, mask)?;
        unsafe { libc::posix_spawnattr_setsigmask(attr, &set) };
        flags |= libc::POSIX_SPAWN_SETSIGMASK;
    }
    if let Some(mask) = options.setsigdef {
        let set = signal_set(cx, mask)?;
        unsafe { libc::posix_spawnattr_setsigdefault(attr, &set) };
        flags |= libc::POSIX_SPAWN_SETSIGDEF;
    }
    if let Some(scheduler) = options.scheduler.filter(|s| !s.is_none()) {
        let Some(&[policy, param]) = scheduler.downcast::<Tuple>().map(|t| t.items()) else {
            return raise!(cx, TypeError, "{function}: scheduler must be a tuple or None");
        };
        let param = super::sched::param_of(cx, param)?;
        if !policy.is_none() {
            let policy = number::to_i32(cx, policy)?;
            unsafe { libc::posix_spawnattr_setschedpolicy(attr, policy) };
            flags |= libc::POSIX_SPAWN_SETSCHEDULER;
        }
        unsafe { libc::posix_spawnattr_setschedparam(attr, &param) };
        flags |= libc::POSIX_SPAWN_SETSCHEDPARAM;
    }
    unsafe { libc::posix_spawnattr_setflags(attr, flags as libc::c_short) };
    Ok(attributes)
}

fn spawn(
    cx: &mut Cx,
    function: &str,
    (path, argv, env): (Value, Value, Value),
    options: &SpawnOptions,
) -> PyResult<i32> {
    let path = Path::new(cx, path, function, "path", PATH)?;
    let argv = arguments(cx, argv, &format!("{function}:"), " argv")?;
    let env = match env.is_none() {
        true => None,
        false if is_mapping(cx, env)? => Some(environment_of(cx, env)?),
        false => {
            return raise!(cx, TypeError, "{function}: environment must be a mapping object or None");
        }
    };
    let mut actions = FileActions::new();
    if let Some(given) = options.file_actions.filter(|a| !a.is_none()) {
        if given.class().slots().getitem.is_none() || given.class().slots().len.is_none() {
            return raise!(cx, TypeError, "file_actions must be a sequence or None");
        }
        let given = iter::collect(cx, given)?;
        for i in 0..given.len() {
            actions.add(cx, given[i])?;
        }
    }
    let attributes = spawn_attributes(cx, function, options)?;
    crate::io::settle(cx);
    let mut pid = 0;
    // SAFETY: everything passed is initialised and terminated.
    let code = unsafe {
        let env = env.as_ref().map_or(environ.cast(), |e| e.as_ptr());
        let call = if function == "posix_spawn" { libc::posix_spawn } else { libc::posix_spawnp };
        call(&mut pid, path.ptr(), &actions.raw, &attributes.0, argv.as_ptr().cast(), env.cast())
    };
    if code != 0 { Err(path.error(cx, code)) } else { Ok(pid) }
}

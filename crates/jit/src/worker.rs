//! The thread that makes machine code of IR while the program goes on.
//!
//! It works on data of its own: a [`Job`] names objects by address only and looks at none but code objects' fields that never
//! change. It is started by the first job, ends when it has had nothing to do for a while, and is forgotten in the child of a
//! fork.
//!
//! Invariants:
//! - WORK-1: whoever submits a job keeps the objects that it names alive until its [`Done`] was taken or [`Worker::forked`]
//!   has said that it never will come.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::budget::thread_time;
use crate::ir::Func;
use crate::lower::{Callees, Lowered, Machine, Process};

/// How long the thread waits for work before it ends.
const IDLE: Duration = Duration::from_millis(500);
/// Its stack; Cranelift recurses little.
const STACK_BYTES: usize = 4 << 20;

/// A function to be compiled.
pub struct Job {
    /// Names the job.
    pub ticket: usize,
    /// The function.
    pub func: Func,
    /// What the code needs to know of the process.
    pub process: Process,
    /// The code of functions that it calls.
    pub callees: Callees,
    /// 0 if nobody wants it any more.
    pub wanted: &'static AtomicU8,
}

/// A job that was done.
pub struct Done {
    /// Which one.
    pub ticket: usize,
    /// What came of it.
    pub result: Result<Lowered, String>,
    /// Nanoseconds of the worker.
    pub spent: u64,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    done: Vec<Done>,
    running: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    work: Condvar,
}

/// Results are waiting, or the process is a fork's child.
static NEWS: AtomicBool = AtomicBool::new(false);
static FORKED: AtomicBool = AtomicBool::new(false);

extern "C" fn forked_child() {
    FORKED.store(true, Ordering::Relaxed);
    NEWS.store(true, Ordering::Relaxed);
}

/// Whether there is something for [`Worker::forked`] or [`Worker::take`] to tell.
#[inline(always)]
pub fn has_news() -> bool {
    NEWS.load(Ordering::Relaxed)
}

/// The handle of the thread.
pub struct Worker {
    /// Leaked: a thread may be using it until the process ends.
    shared: &'static Shared,
}

impl Worker {
    /// A worker; None if there is no second core for it.
    pub fn new() -> Option<Worker> {
        if std::thread::available_parallelism().map_or(1, |n| n.get()) < 2 {
            return None;
        }
        // SAFETY: the handler stores into two statics.
        if unsafe { libc::pthread_atfork(None, None, Some(forked_child)) } != 0 {
            return None;
        }
        Some(Worker { shared: Box::leak(Box::default()) })
    }

    fn lock(shared: &'static Shared) -> MutexGuard<'static, Queue> {
        shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the thread a job, or the job back if there can be no thread.
    #[expect(clippy::result_large_err, reason = "it is handed on at once")]
    pub fn submit(&self, job: Job) -> Result<(), Job> {
        let mut queue = Self::lock(self.shared);
        if !queue.running {
            let shared = self.shared;
            let builder = std::thread::Builder::new().name("taipan-jit".into()).stack_size(STACK_BYTES);
            if without_signals(|| builder.spawn(move || work(shared))).is_err() {
                return Err(job);
            }
            queue.running = true;
        }
        queue.jobs.push_back(job);
        drop(queue);
        self.shared.work.notify_one();
        Ok(())
    }

    /// What has been done since the last call.
    pub fn take(&self) -> Vec<Done> {
        NEWS.store(false, Ordering::Relaxed);
        std::mem::take(&mut Self::lock(self.shared).done)
    }

    /// In the child of a fork, once: forgets the thread and its jobs, which the child does not have. True if so.
    pub fn forked(&mut self) -> bool {
        if !FORKED.swap(false, Ordering::Relaxed) {
            return false;
        }
        // The old lock may be held by the thread that is not there.
        self.shared = Box::leak(Box::default());
        true
    }
}

/// Starts a thread that gets no signals: they are to interrupt the program's threads.
fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: plain system calls on masks of this thread.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut old: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut old);
        let result = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const old, std::ptr::null_mut());
        result
    }
}

/// The thread.
fn work(shared: &'static Shared) {
    let mut machine = Machine::host();
    let mut queue = Worker::lock(shared);
    loop {
        let Some(job) = queue.jobs.pop_front() else {
            let (guard, timeout) = shared.work.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
            queue = guard;
            if timeout.timed_out() && queue.jobs.is_empty() {
                queue.running = false;
                return;
            }
            continue;
        };
        drop(queue);
        let done = run(machine.as_mut(), job);
        queue = Worker::lock(shared);
        queue.done.push(done);
        NEWS.store(true, Ordering::Relaxed);
    }
}

fn run(machine: Option<&mut Machine>, job: Job) -> Done {
    let began = thread_time();
    let lower = || match machine {
        _ if job.wanted.load(Ordering::Relaxed) == 0 => Err("not wanted any more".into()),
        Some(machine) => machine.lower(&job.func, &job.process, &job.callees, false),
        None => Err("no machine".into()),
    };
    // A bug in lowering costs the program speed, not its life.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(lower));
    let result = result.unwrap_or_else(|_| Err("the compiler panicked".into()));
    let ticket = job.ticket;
    drop(job);
    Done { ticket, result, spent: thread_time() - began }
}

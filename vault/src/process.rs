//! What the whole process does to keep keys in memory.

/// Forbids core dumps and tracing by other processes of the same user. Best effort; call it before keys are read.
pub fn harden_process() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls read only their arguments and change only this process.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
    }
}

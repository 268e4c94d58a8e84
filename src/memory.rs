//! How the program takes memory from the system and gives it back.

/// Must be called before the first thread starts. Left to itself, glibc keeps an arena for each of eight times as many threads as there are cores, and
/// once a large block was freed, it takes the next ones of that size from the heap, where they leave holes: after a minute of batches, twice the
/// memory is held that is used.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn settle() {
    const ARENAS_MAX: libc::c_int = 4;
    /// Blocks from this size on are mapped by themselves, and go back to the system when they are freed.
    const MAPPED_FROM_BYTES: libc::c_int = 64 << 10;
    /// So much may lie free at a heap's end.
    const FREE_BYTES_MAX: libc::c_int = 256 << 10;
    let settings = [(libc::M_ARENA_MAX, ARENAS_MAX), (libc::M_MMAP_THRESHOLD, MAPPED_FROM_BYTES), (libc::M_TRIM_THRESHOLD, FREE_BYTES_MAX)];
    for (name, value) in settings {
        // SAFETY: mallopt only changes settings of the allocator, and no other thread runs yet. One that it does not know it ignores.
        unsafe { libc::mallopt(name, value) };
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn settle() {}

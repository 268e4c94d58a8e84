//! Thirty-two secret bytes, in memory that is kept out of swap and core dumps where the system allows it.

use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroize;

const KEY_LENGTH: usize = 32;
const BLOCK_LENGTH: usize = 64 * 1024;

/// A key. It has no `Debug`, no `Clone` and no serialised form, and is overwritten when dropped.
pub(crate) struct Secret(NonNull<[u8; KEY_LENGTH]>);

// SAFETY: a slot belongs to exactly one `Secret` between `take` and `give_back`, and is only read through a shared reference.
unsafe impl Send for Secret {}
// SAFETY: as above; there is no interior mutability.
unsafe impl Sync for Secret {}

impl Secret {
    /// A key whose bytes `write` puts straight into locked memory.
    pub(crate) fn fill<E>(write: impl FnOnce(&mut [u8; KEY_LENGTH]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self(take_slot());
        // SAFETY: the slot is valid, aligned for bytes, initialised, and ours alone.
        write(unsafe { secret.0.as_mut() })?;
        Ok(secret)
    }

    pub(crate) fn random() -> Self {
        let filled = Self::fill(|bytes| aws_lc_rs::rand::fill(bytes));
        filled.expect("the system's randomness is available, or nothing here may go on")
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        // SAFETY: the slot is valid and initialised as long as `self` lives.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // SAFETY: the slot is still ours alone.
        unsafe { self.0.as_mut() }.zeroize();
        free_slots().push(Slot(self.0));
    }
}

struct Slot(NonNull<[u8; KEY_LENGTH]>);
// SAFETY: a free slot is plain memory that nobody refers to.
unsafe impl Send for Slot {}

/// Locking works by page and does not nest, so keys share locked blocks, which are kept for good.
static FREE: Mutex<Vec<Slot>> = Mutex::new(Vec::new());

fn free_slots() -> std::sync::MutexGuard<'static, Vec<Slot>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take_slot() -> NonNull<[u8; KEY_LENGTH]> {
    let mut free = free_slots();
    if free.is_empty() {
        let block = locked_block();
        // SAFETY: every offset lies inside the block, which is never unmapped.
        free.extend((0..BLOCK_LENGTH / KEY_LENGTH).map(|index| Slot(unsafe { block.add(index * KEY_LENGTH) }.cast())));
    }
    free.pop().expect("a block was just added").0
}

/// Zeroed pages. Locking them is best effort: a small RLIMIT_MEMLOCK must not stop the service.
fn locked_block() -> NonNull<u8> {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory of ours.
    let block = unsafe { libc::mmap(std::ptr::null_mut(), BLOCK_LENGTH, access, kind, -1, 0) };
    assert_ne!(block, libc::MAP_FAILED, "64 KiB of memory can be mapped");
    // SAFETY: the range is the mapping just made.
    unsafe {
        libc::mlock(block, BLOCK_LENGTH);
        libc::madvise(block, BLOCK_LENGTH, libc::MADV_DONTDUMP);
    }
    NonNull::new(block.cast()).expect("a mapping is not at address zero")
}

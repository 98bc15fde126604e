//! How the C library's allocator gives memory back.

/// Makes every buffer of 128 KiB and more a mapping of its own, which goes back to the system when it is freed.
///
/// By default glibc raises that limit to 32 MiB once it has seen large buffers come and go. Then they lie between small
/// results that caches keep, the gaps fit nothing any more, and a cache of 4 MiB was seen to hold 590 MiB (15 MiB so). Costs
/// page faults: some 15 % of the smallest requests, not measurable for large ones. Call it once, at the start of a program
/// that runs for long. Elsewhere than on glibc it does nothing.
pub fn give_back_large_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "mallopt is a C function")]
    {
        // SAFETY: mallopt takes two integers, may be called at any time from any thread, and changes only where later
        // allocations are placed. That it refuses (0) leaves everything as it was.
        let _set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 128 << 10) };
    }
}

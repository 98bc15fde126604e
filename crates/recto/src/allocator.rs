//! The allocator, set for a program that makes pictures.

use libmimalloc_sys::{mi_collect, mi_option_get, mi_option_set, mi_option_t};

use crate::output;

/// For the C libraries as well. Buffers of tiles come and go by the thousand: each costs page faults where it is a mapping of its own,
/// and gaps that nothing fits where it is not (as with glibc, whichever way it is set).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 2, which its binding has no name for: milliseconds until freed memory is given back.
const PURGE_DELAY: mi_option_t = 15;
/// What it is unless somebody set it.
const USUAL_DELAY: i64 = 10;
/// Longer than a picture takes to be made, so that the buffers of one are not taken from the system again for the next.
const OUR_DELAY: i64 = 1000;

/// Before anything else.
pub(crate) fn set() {
    // The allocator asks for huge pages; a buffer that lives for milliseconds in a fresh one costs the clearing of 2 MiB. Half of the
    // time of making a page smaller went there.
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        output::say(&format!("huge pages stay on, which costs time and memory: {error}"));
    }
    if option(PURGE_DELAY) == USUAL_DELAY {
        set_option(PURGE_DELAY, OUR_DELAY);
    }
}

/// Gives back to the system what is free of the memory of this thread, whenever that was freed: a thread that does nothing gives back
/// nothing by itself.
#[expect(unsafe_code, reason = "the allocator is a library in C")]
pub(crate) fn give_back() {
    // SAFETY: only memory that is free is given back.
    unsafe { mi_collect(true) }
}

#[expect(unsafe_code, reason = "the options of the allocator are a table in C")]
fn option(option: mi_option_t) -> i64 {
    // SAFETY: an option's number within the table's bounds, which mimalloc checks; nothing is handed over but the number.
    unsafe { mi_option_get(option) }
}

#[expect(unsafe_code, reason = "the options of the allocator are a table in C")]
fn set_option(option: mi_option_t, value: i64) {
    // SAFETY: as above; no other thread runs yet.
    unsafe { mi_option_set(option, value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_memory_stays_for_a_second() {
        assert!(
            [USUAL_DELAY, OUR_DELAY].contains(&option(PURGE_DELAY)),
            "another version of the allocator has other numbers"
        );
        set();
        assert_eq!(option(PURGE_DELAY), OUR_DELAY);
    }
}

//! What all targets that read files have in common.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use recto_codec::DecodeError;

#[path = "../../crates/recto-codec/tests/exercise/mod.rs"]
mod exercise;

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Before the first input. A panic of someone else's decoder is no find as long as the reader around it makes an error of it:
/// libFuzzer's hook would end the process all the same. A panic of ours is a find even where something above contains it.
pub fn prepare() {
    if let Some(program) = std::env::var_os("RECTO_CONTAINED_DECODER") {
        recto_codec::contain_with(program.into());
    }
    std::panic::set_hook(Box::new(|panic| {
        if ours(panic) {
            eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
        LAST.set(panic.to_string());
    }));
}

fn ours(panic: &PanicHookInfo) -> bool {
    // A reader that is called back by a library has no other way out of it than this.
    let stopped = panic.payload().is::<DecodeError>();
    let home = panic.location().is_some_and(|at| ["recto-codec/", "recto-iiif/", "recto-ingest/"].iter().any(|home| at.file().contains(home)));
    home && !stopped
}

/// Does with the file what a server would do.
pub fn file(bytes: &[u8]) {
    contained(|| exercise::file(bytes));
}

/// Does this; a panic that comes out of it is a find, whoever's it is.
pub fn contained(work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        eprintln!("not contained: {}", LAST.take());
        std::process::abort();
    }
}

//! What a thread tells before it waits for something that needs no processor of it: a network, or what another thread makes.

use std::cell::RefCell;
use std::sync::Arc;

/// Whoever gives a thread its work, and can give the processor to another one meanwhile.
pub trait Waits: Send + Sync {
    /// The thread waits from now on.
    fn begin(&self);
    /// It goes on.
    fn end(&self);
}

thread_local! {
    static WAITS: RefCell<Option<Arc<dyn Waits>>> = const { RefCell::new(None) };
}

/// Who is told when this thread waits; nobody to begin with.
pub fn tell_of_waiting(waits: Arc<dyn Waits>) {
    WAITS.set(Some(waits));
}

/// Waits, and says so to whoever gave this thread its work.
pub fn while_waiting<T>(wait: impl FnOnce() -> T) -> T {
    struct Waiting(Arc<dyn Waits>);
    impl Drop for Waiting {
        fn drop(&mut self) {
            self.0.end();
        }
    }
    let told = WAITS.with_borrow(Option::clone);
    let _waiting = told.map(|waits| {
        waits.begin();
        Waiting(waits)
    });
    wait()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicIsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicIsize);

    impl Waits for Count {
        fn begin(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }

        fn end(&self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn whoever_is_told_hears_of_the_end_too_be_it_by_a_panic() {
        let count = Arc::new(Count::default());
        let waiting = || count.0.load(Ordering::SeqCst);
        assert_eq!(while_waiting(waiting), 0, "nobody is told");
        tell_of_waiting(Arc::clone(&count) as Arc<dyn Waits>);
        assert_eq!((while_waiting(waiting), waiting()), (1, 0));
        let panicked = catch_unwind(AssertUnwindSafe(|| while_waiting(|| panic!("as it should in this test"))));
        assert!(panicked.is_err());
        assert_eq!(waiting(), 0);
        std::thread::scope(|scope| scope.spawn(|| assert_eq!(while_waiting(waiting), 0)).join()).unwrap();
    }
}

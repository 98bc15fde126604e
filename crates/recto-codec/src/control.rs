//! How long work may go on, and within what: a deadline, a switch that the vanished client throws, and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::DecodeError;

/// Asked between rows, strips or tiles by everything that may take long.
#[derive(Clone, Debug, Default)]
pub struct Control {
    cancelled: Arc<AtomicBool>,
    deadline: Option<Instant>,
    /// Bytes that were reckoned with.
    memory: Option<u64>,
}

impl Control {
    /// Work that may go on until `deadline`.
    pub fn until(deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..Self::default() }
    }

    /// The same for work that was reckoned to hold no more than so many bytes.
    #[must_use]
    pub fn within(self, bytes: u64) -> Self {
        Self { memory: Some(bytes), ..self }
    }

    /// Bytes that were reckoned with; `None` where nobody reckons.
    pub fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// Ends the work of every clone at its next check.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// True once [`Control::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Goes on, or not.
    ///
    /// # Errors
    /// [`DecodeError::Cancelled`] after [`Control::cancel`], [`DecodeError::OutOfTime`] after the deadline.
    pub fn check(&self) -> Result<(), DecodeError> {
        if self.is_cancelled() {
            return Err(DecodeError::Cancelled);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(DecodeError::OutOfTime);
        }
        Ok(())
    }
}

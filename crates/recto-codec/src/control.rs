//! How long work may go on: a deadline and a switch that the vanished client throws.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::DecodeError;

/// Asked between rows, strips or tiles by everything that may take long.
#[derive(Clone, Debug, Default)]
pub struct Control {
    cancelled: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Control {
    /// Work that may go on until `deadline`.
    pub fn until(deadline: Instant) -> Self {
        Self { cancelled: Arc::default(), deadline: Some(deadline) }
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

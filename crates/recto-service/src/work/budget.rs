//! One bound on the memory of all pixel work, split between the two lanes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Lane;
use crate::ServiceError;

/// Permits are counted in blocks of this many bytes, as a semaphore counts in `u32`.
const BLOCK_BYTES: u64 = 16 << 10;

/// The memory that work may hold at one time.
#[derive(Debug)]
pub struct Budget {
    tiles: Share,
    large: Share,
}

#[derive(Debug)]
struct Share {
    blocks: u32,
    free: Arc<Semaphore>,
}

/// Memory that is charged until this is dropped.
#[derive(Debug)]
pub struct Charge {
    permit: OwnedSemaphorePermit,
}

impl Charge {
    /// Gives back all but `bytes`: the work is done, its result is still held.
    pub fn shrink_to(&mut self, bytes: u64) {
        let keep = usize::try_from(bytes.div_ceil(BLOCK_BYTES)).unwrap_or(usize::MAX);
        if let Some(surplus) = self.permit.num_permits().checked_sub(keep) {
            drop(self.permit.split(surplus));
        }
    }
}

impl Share {
    fn new(bytes: u64) -> Self {
        let blocks = (bytes / BLOCK_BYTES).clamp(1, u64::from(u32::MAX >> 3)) as u32;
        Self { blocks, free: Arc::new(Semaphore::new(blocks as usize)) }
    }
}

impl Budget {
    /// A budget of `bytes` in all, of which a fifth is kept for the tile lane.
    pub fn new(bytes: u64) -> Self {
        Self { tiles: Share::new(bytes / 5), large: Share::new(bytes - bytes / 5) }
    }

    fn share(&self, lane: Lane) -> &Share {
        match lane {
            Lane::Tiles => &self.tiles,
            Lane::Large => &self.large,
        }
    }

    /// Most bytes that one piece of work in this lane can ever have.
    pub fn largest(&self, lane: Lane) -> u64 {
        u64::from(self.share(lane).blocks) * BLOCK_BYTES
    }

    /// Bytes charged now, in both lanes.
    pub fn charged(&self) -> u64 {
        [&self.tiles, &self.large]
            .iter()
            .map(|share| (share.blocks as usize - share.free.available_permits()) as u64 * BLOCK_BYTES)
            .sum()
    }

    /// Charges `bytes`, waiting at most `patience` for others to end.
    ///
    /// # Errors
    /// [`ServiceError::OverBudget`] when it can never fit, [`ServiceError::Busy`] when it did not fit in time.
    pub async fn charge(&self, lane: Lane, bytes: u64, patience: Duration) -> Result<Charge, ServiceError> {
        let share = self.share(lane);
        let blocks = bytes.div_ceil(BLOCK_BYTES).max(1);
        if blocks > u64::from(share.blocks) {
            return Err(ServiceError::OverBudget { needed_bytes: bytes, budget_bytes: self.largest(lane) });
        }
        let permit = Arc::clone(&share.free).acquire_many_owned(blocks as u32);
        match tokio::time::timeout(patience, permit).await {
            Ok(Ok(permit)) => Ok(Charge { permit }),
            Ok(Err(_)) | Err(_) => Err(ServiceError::Busy { retry_after: patience.max(Duration::from_secs(1)) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_can_never_fit_is_refused_at_once() {
        let budget = Budget::new(10 << 20);
        let error = budget.charge(Lane::Large, 9 << 20, Duration::from_hours(1)).await.unwrap_err();
        assert!(matches!(error, ServiceError::OverBudget { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn work_over_the_rest_waits_and_then_is_told_to_come_again() {
        let budget = Budget::new(10 << 20);
        let first = budget.charge(Lane::Large, 7 << 20, Duration::ZERO).await.unwrap();
        let error = budget.charge(Lane::Large, 7 << 20, Duration::from_millis(10)).await.unwrap_err();
        assert!(matches!(error, ServiceError::Busy { .. }), "{error:?}");
        drop(first);
        budget.charge(Lane::Large, 7 << 20, Duration::ZERO).await.unwrap();
        assert_eq!(budget.charged(), 0);
    }

    #[tokio::test]
    async fn a_result_keeps_its_part_of_the_charge_until_it_is_sent() {
        let budget = Budget::new(10 << 20);
        let mut charge = budget.charge(Lane::Large, 6 << 20, Duration::ZERO).await.unwrap();
        charge.shrink_to(1 << 20);
        assert_eq!(budget.charged(), 1 << 20);
        charge.shrink_to(5 << 20);
        assert_eq!(budget.charged(), 1 << 20, "a charge does not grow");
        drop(charge);
        assert_eq!(budget.charged(), 0);
    }

    #[tokio::test]
    async fn a_full_large_lane_leaves_the_tile_lane_its_share() {
        let budget = Budget::new(10 << 20);
        let _all = budget.charge(Lane::Large, budget.largest(Lane::Large), Duration::ZERO).await.unwrap();
        budget.charge(Lane::Tiles, 1 << 20, Duration::ZERO).await.unwrap();
    }
}

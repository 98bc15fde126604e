//! Looks into the files of new objects before anybody asks, one object after the other.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use recto_catalog::ItemKind;

use super::{Inner, ObjectService, blocking, parts};
use crate::policy::Caller;

/// Objects that are looked up at once.
const ROWS: u64 = 32;
/// Pause between looks for new objects.
const PAUSE: Duration = Duration::from_secs(1);

/// Goes on until the service is gone.
pub(super) async fn look_ahead(inner: Weak<Inner>) {
    let mut done = None;
    loop {
        {
            let Some(inner) = inner.upgrade() else { return };
            let this = ObjectService { inner };
            let generation = this.generation();
            // Objects that could not be looked into are tried again when something has changed.
            if done != Some(generation) {
                this.look_into_all().await;
                done = Some(generation);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl ObjectService {
    /// Looks into the files of all objects of which nothing is kept yet, or what is kept is of files that are no longer the same.
    async fn look_into_all(&self) {
        let stale = std::mem::take(&mut *self.inner.stale.lock().unwrap_or_else(PoisonError::into_inner));
        for path in stale {
            if Arc::strong_count(&self.inner) == 1 {
                return;
            }
            let catalog = Arc::clone(&self.inner.catalog);
            if let Ok(Some(item)) = blocking(move || Ok(catalog.item_at(&path, ItemKind::Manifest)?)).await {
                let _ = self.facts(&item, &parts(&item), &Caller::default()).await;
            }
        }
        let mut behind = 0;
        loop {
            let catalog = Arc::clone(&self.inner.catalog);
            let Ok(rows) = blocking(move || Ok(catalog.without_facts(behind, ROWS)?)).await else { return };
            let Some(last) = rows.last() else { return };
            behind = *last;
            for row in rows {
                if Arc::strong_count(&self.inner) == 1 {
                    // Nobody else has the service any more: the server is about to end.
                    return;
                }
                let catalog = Arc::clone(&self.inner.catalog);
                if let Ok(Some(item)) = blocking(move || Ok(catalog.item_of_row(row)?)).await {
                    // What hinders this is told to the one who asks for the manifest.
                    let _ = self.facts(&item, &parts(&item), &Caller::default()).await;
                }
            }
        }
    }
}

//! Answers that can be given at once, without waiting for anything: stored tiles in the page cache, derivatives in memory,
//! `info.json` of known images. A server may ask for them on the thread that reads the request, and send them as they come.
//!
//! What is given here is what the long way would give. The original is looked at once for it: through the open file, which
//! shows changes, removal and replacement. Names are looked at anew every [`NAMES_KEPT`], since a folder above or a symbolic link
//! may have come to lead elsewhere.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use recto_codec::StoredTile;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{ApiVersion, ImageRequest};

use super::finding::OpenKey;
use super::{ImageService, Origin, Prepared, PreparedInfo};
use crate::known::{KnownImage, OpenImage};
use crate::policy::{Action, Caller, Decision};
use crate::work::Client;

/// How long a name is believed to lead to the file that it led to, unless that file shows otherwise.
const NAMES_KEPT: Duration = Duration::from_secs(1);

/// Larger bodies are sent in pieces, by the long way.
const MOST_BYTES: usize = 1 << 20;

/// An image whose bytes can be had at once.
#[derive(Debug)]
pub struct ReadyImage {
    /// What was asked for.
    pub prepared: Prepared,
    open: Arc<OpenImage>,
    body: ReadyBody,
}

#[derive(Debug)]
enum ReadyBody {
    Stored(StoredTile),
    Kept(Bytes),
}

impl ReadyImage {
    /// Where the bytes come from.
    pub const fn origin(&self) -> Origin {
        match self.body {
            ReadyBody::Stored(_) => Origin::Stored,
            ReadyBody::Kept(_) => Origin::Cached,
        }
    }

    /// Length of the body in bytes.
    pub fn length(&self) -> usize {
        match &self.body {
            // Checked against a bound before.
            ReadyBody::Stored(tile) => tile.head.len() + tile.body.length as usize,
            ReadyBody::Kept(bytes) => bytes.len(),
        }
    }
}

/// What an answer stands on that was given: as long as that holds, the same answer can be given again.
#[derive(Clone, Debug)]
pub struct Standing {
    identifier: Identifier,
    image: Arc<KnownImage>,
    /// Not kept open for this.
    open: Option<Weak<OpenImage>>,
    /// Purges before it.
    purges: u64,
    /// Where an image's bytes came from; `None` for an `info.json`.
    origin: Option<Origin>,
}

impl Standing {
    /// Where an image's bytes came from; `None` for an `info.json`.
    pub const fn origin(&self) -> Option<Origin> {
        self.origin
    }
}

impl ImageService {
    /// How many purges there were: to be asked for before an answer is made that is to be kept.
    pub fn purges(&self) -> u64 {
        self.inner.cache.generation()
    }

    /// What the answer with this image stands on, which was made after so many purges.
    pub fn standing(&self, identifier: &Identifier, ready: &ReadyImage, purges: u64) -> Standing {
        Standing {
            identifier: identifier.clone(),
            image: Arc::clone(&ready.prepared.image),
            open: Some(Arc::downgrade(&ready.open)),
            purges,
            origin: Some(ready.origin()),
        }
    }

    /// What the answer with the `info.json` of this image stands on, likewise.
    pub fn standing_info(&self, identifier: &Identifier, purges: u64) -> Option<Standing> {
        let image = self.inner.known.get(identifier)?;
        let open = self.inner.open.get(&OpenKey::of(&image.located)).map(|open| Arc::downgrade(&open));
        Some(Standing { identifier: identifier.clone(), image, open, purges, origin: None })
    }

    /// True when an answer of `length` bytes may be given again: this caller may have it, its original is the same, and nothing was
    /// purged. It is counted then. False says nothing; the answer is to be found anew.
    pub fn still_stands(&self, standing: &Standing, length: usize, caller: &Caller) -> bool {
        let began = Instant::now();
        let inner = &self.inner;
        let action = if standing.origin.is_some() { Action::ReadImage } else { Action::ReadInfo };
        if inner.policy.decide(caller, action, &standing.identifier) != Decision::Allow
            || inner.cache.generation() != standing.purges
        {
            return false;
        }
        let is_current = match &standing.open {
            Some(open) => open.upgrade().is_some_and(|open| {
                self.name_is_believed(&standing.image, &open)
                    && (open.source.try_read_current(0, &mut []) || self.settle(&standing.image, &open))
            }),
            None => inner.is_current(&standing.image),
        };
        if is_current {
            match standing.origin {
                Some(origin) => inner.metrics.image(origin, length as u64, began.elapsed()),
                None => inner.metrics.info(),
            }
        }
        is_current
    }

    /// The image, if it can be had at once. `None` says nothing about it: it is to be asked for by
    /// [`ImageService::prepare`] and [`ImageService::body`].
    pub fn ready(&self, identifier: &Identifier, request: &ImageRequest, caller: &Caller) -> Option<ReadyImage> {
        let inner = &self.inner;
        if inner.policy.decide(caller, Action::ReadImage, identifier) != Decision::Allow {
            return None;
        }
        let image = inner.known.get(identifier)?;
        let open = inner.open.get(&OpenKey::of(&image.located))?;
        let prepared = self.resolve(image, request, Client::of(caller.address)).ok()?;
        let body = match self.stored_tile(&open, &prepared) {
            Some(tile) => ReadyBody::Stored(tile),
            None => ReadyBody::Kept(inner.cache.get_from_memory(&prepared.key)?.bytes),
        };
        let ready = ReadyImage { prepared, open, body };
        (ready.length() <= MOST_BYTES).then_some(ready)
    }

    /// Puts the body into `out`, which is as long as it. `false` when that cannot be done without waiting after all, or when
    /// the original is another one by now.
    pub fn write_ready(&self, ready: &ReadyImage, out: &mut [u8]) -> bool {
        let began = Instant::now();
        let length = out.len();
        let (offset, body) = match &ready.body {
            ReadyBody::Stored(tile) => {
                let (head, body) = out.split_at_mut(tile.head.len());
                head.copy_from_slice(&tile.head);
                (tile.body.offset, body)
            }
            ReadyBody::Kept(bytes) => {
                out.copy_from_slice(bytes);
                (0, Default::default())
            }
        };
        let (source, image) = (&ready.open.source, &ready.prepared.image);
        let is_current = self.name_is_believed(image, &ready.open)
            && (source.try_read_current(offset, body)
                || (self.settle(image, &ready.open) && source.try_read_current(offset, body)));
        if is_current {
            self.inner.metrics.image(ready.origin(), length as u64, began.elapsed());
        }
        is_current
    }

    /// The `info.json`, if it was asked for under this URL before and its original is known to be the same.
    pub fn ready_info(
        &self,
        identifier: &Identifier,
        version: ApiVersion,
        service: &str,
        caller: &Caller,
    ) -> Option<PreparedInfo> {
        let inner = &self.inner;
        if inner.policy.decide(caller, Action::ReadInfo, identifier) != Decision::Allow {
            return None;
        }
        let image = inner.known.get(identifier)?;
        let document = image.document(version, service)?;
        let is_current = match inner.open.get(&OpenKey::of(&image.located)) {
            Some(open) => {
                self.name_is_believed(&image, &open)
                    && (open.source.try_read_current(0, &mut []) || self.settle(&image, &open))
            }
            None => inner.is_current(&image),
        };
        if !is_current {
            return None;
        }
        inner.metrics.info();
        Some(PreparedInfo { bytes: document.bytes, etag: document.etag, last_modified: image.located.last_modified })
    }

    /// True when the name was looked at lately, or leads to the same file still.
    fn name_is_believed(&self, image: &KnownImage, open: &OpenImage) -> bool {
        image.looked_at_within(NAMES_KEPT) || self.settle(image, open)
    }

    /// Looks at the name, and takes what the open file shows now for unchanged if it leads there.
    fn settle(&self, image: &KnownImage, open: &OpenImage) -> bool {
        let settled = open.source.settle(&|| self.inner.is_current(image));
        if settled {
            image.looked_at_now();
        }
        settled
    }
}

//! The shelf of decoders, in the cache directory: within its bounds, purged with its image, mended by being made again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use recto_cache::{CacheKey, DerivativeCache, KeptPart};
use recto_codec::{RandomAccess, Shelf, WHOLE_FILE};
use recto_source::Located;

/// Bump when decoders write parts in another way than before.
const SHELF_VERSION: u32 = 1;

/// The shelf of one version of one page of an original.
#[derive(Debug)]
pub(crate) struct CacheShelf {
    cache: Arc<DerivativeCache>,
    identifier: Box<str>,
    version: String,
    page: u32,
    /// Purges before the original was opened: what is made of it after another purge is not kept.
    generation: u64,
    is_damaged: Arc<AtomicBool>,
}

impl CacheShelf {
    pub(crate) fn new(cache: &Arc<DerivativeCache>, located: &Located) -> Self {
        Self {
            cache: Arc::clone(cache),
            identifier: located.identifier.as_str().into(),
            version: located.version.to_string(),
            page: located.page,
            generation: cache.generation(),
            is_damaged: Arc::default(),
        }
    }

    /// Where a part lies, and the image with which it is purged: its page, or the file.
    fn place(&self, name: &str) -> (CacheKey, &str) {
        let (identifier, page) = if name.starts_with(WHOLE_FILE) {
            (self.identifier.strip_suffix(&format!(";{}", self.page)).unwrap_or(&self.identifier), 0)
        } else {
            (&*self.identifier, self.page)
        };
        let (shelf, page) = (format!("shelf {SHELF_VERSION}"), page.to_string());
        (CacheKey::new(identifier, &[&shelf, &self.version, &page, name]), identifier)
    }

    /// True once a part gave a damaged byte: whoever read it must be opened anew.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }
}

impl Shelf for CacheShelf {
    fn open(&self, name: &str) -> Option<Arc<dyn RandomAccess>> {
        let part = self.cache.open_part(&self.place(name).0)?;
        Some(Arc::new(ShelfPart { part, is_damaged: Arc::clone(&self.is_damaged) }))
    }

    fn keep(&self, name: &str, write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
        let (key, identifier) = self.place(name);
        self.cache.keep_part(&key, identifier, self.generation, write)
    }

    fn discard(&self, name: &str) {
        self.cache.discard_part(&self.place(name).0);
    }
}

#[derive(Debug)]
struct ShelfPart {
    part: KeptPart,
    is_damaged: Arc<AtomicBool>,
}

impl RandomAccess for ShelfPart {
    fn len(&self) -> u64 {
        self.part.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let read = self.part.read_at(offset, buffer);
        if self.part.is_damaged() {
            self.is_damaged.store(true, Ordering::Relaxed);
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::time::SystemTime;

    use recto_cache::CacheOptions;
    use recto_config::ByteSize;
    use recto_iiif::identifier::Identifier;
    use recto_source::{ObjectKey, SourceVersion};

    use super::*;

    fn cache(directory: &Path) -> Arc<DerivativeCache> {
        let options = CacheOptions {
            directory: Some(directory.to_owned()),
            max_disk: ByteSize::mib(64),
            min_free: ByteSize::from_bytes(0),
            ..CacheOptions::default()
        };
        let cache = Arc::new(DerivativeCache::open(&options).unwrap());
        // What earlier runs left is known.
        cache.flush();
        cache
    }

    fn shelf(cache: &Arc<DerivativeCache>, identifier: &str, version: &str, page: u32) -> CacheShelf {
        let located = Located {
            key: ObjectKey::new(0, identifier),
            page,
            version: SourceVersion::of_text(version),
            length: 1,
            last_modified: SystemTime::UNIX_EPOCH,
            identifier: Identifier::new(identifier),
        };
        CacheShelf::new(cache, &located)
    }

    fn keep(shelf: &CacheShelf, name: &str, bytes: &[u8]) -> io::Result<()> {
        shelf.keep(name, &mut |out| bytes.chunks(10_007).try_for_each(|some| out.write_all(some)))
    }

    fn read(shelf: &CacheShelf, name: &str) -> Option<Vec<u8>> {
        let part = shelf.open(name)?;
        let mut bytes = vec![0; part.len() as usize];
        part.read_at(0, &mut bytes).ok().map(|()| bytes)
    }

    fn entry_files(directory: &Path) -> Vec<PathBuf> {
        let entries =
            |path: &Path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
        let folders = entries(directory).into_iter().filter(|path| path.file_name().unwrap().len() == 2);
        folders.flat_map(|folder| entries(&folder)).collect()
    }

    #[test]
    fn a_part_is_found_again_for_its_own_image_version_page_and_name_alone() {
        let place = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number * 7 / 3) as u8).collect();
        {
            let cache = cache(place.path());
            keep(&shelf(&cache, "a.tif", "1", 1), "index", &bytes).unwrap();
            keep(&shelf(&cache, "a.tif", "1", 1), "empty", b"").unwrap();
            assert_eq!(cache.stats().parts_written, 2);
        }
        let cache = cache(place.path());
        for (identifier, version, page, name, want) in [
            ("a.tif", "1", 1, "index", Some(&bytes[..])),
            ("a.tif", "1", 1, "empty", Some(b"")),
            ("b.tif", "1", 1, "index", None),
            ("a.tif", "2", 1, "index", None),
            ("a.tif", "1", 2, "index", None),
            ("a.tif", "1", 1, "other", None),
        ] {
            let found = read(&shelf(&cache, identifier, version, page), name);
            assert_eq!(found.as_deref(), want, "{identifier} {version} {page} {name}");
        }
        let part = shelf(&cache, "a.tif", "1", 1).open("index").unwrap();
        for (from, length) in [(0, 1), (65_535, 2), (65_536, 65_536), (100_000, 150_000), (299_999, 1), (300_000, 0)] {
            let mut piece = vec![0; length];
            part.read_at(from as u64, &mut piece).unwrap();
            assert_eq!(piece, bytes[from..from + length], "{length} from {from}");
        }
        assert!(part.read_at(299_999, &mut [0; 2]).is_err(), "behind the end");
    }

    #[test]
    fn d20_a_part_of_the_whole_file_is_found_from_every_page_of_that_version() {
        let place = tempfile::tempdir().unwrap();
        let cache = cache(place.path());
        keep(&shelf(&cache, "a.tif;7", "1", 7), "file-chain", b"all").unwrap();
        keep(&shelf(&cache, "a.tif;7", "1", 7), "index", b"seven").unwrap();
        for (identifier, version, page, name, want) in [
            ("a.tif", "1", 1, "file-chain", Some(&b"all"[..])),
            ("a.tif;7", "1", 7, "file-chain", Some(b"all")),
            ("a.tif;12", "1", 12, "file-chain", Some(b"all")),
            ("a.tif;12", "2", 12, "file-chain", None),
            ("b.tif;12", "1", 12, "file-chain", None),
            ("a.tif", "1", 1, "index", None),
        ] {
            let found = read(&shelf(&cache, identifier, version, page), name);
            assert_eq!(found.as_deref(), want, "{identifier} {version} {page} {name}");
        }
    }

    #[test]
    fn what_failed_to_be_written_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let cache = cache(place.path());
        let shelf = shelf(&cache, "a.tif", "1", 1);
        let failed = shelf.keep("index", &mut |out| {
            out.write_all(&vec![7; 200_000])?;
            Err(io::ErrorKind::BrokenPipe.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(shelf.open("index").is_none());
        let too_large = keep(&shelf, "index", &vec![1; 17 << 20]);
        assert_eq!(too_large.unwrap_err().kind(), io::ErrorKind::StorageFull, "a quarter of 64 MiB is the most");
        assert!(entry_files(place.path()).is_empty());
        assert_eq!(std::fs::read_dir(place.path().join("coming")).unwrap().count(), 0);
    }

    #[test]
    fn d4_a_flipped_byte_on_the_shelf_is_never_read_and_the_part_is_made_again() {
        let place = tempfile::tempdir().unwrap();
        let cache = cache(place.path());
        let bytes = vec![5_u8; 200_000];
        keep(&shelf(&cache, "a.tif", "1", 1), "index", &bytes).unwrap();
        let path = entry_files(place.path()).pop().unwrap();
        let whole = std::fs::read(&path).unwrap();
        // In the head, in the first, a middle and the last block, in the table, at the end.
        for (turn, at) in [10, 64, 70_000, 200_000, whole.len() - 20, whole.len() - 1].into_iter().enumerate() {
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            std::fs::write(&path, flipped).unwrap();
            let shelf = shelf(&cache, "a.tif", "1", 1);
            assert_eq!(read(&shelf, "index"), None, "byte {at}");
            assert_eq!(cache.stats().damaged, turn as u64 + 1, "byte {at}");
            cache.flush();
            assert!(shelf.open("index").is_none() && !path.exists(), "byte {at}");
            keep(&shelf, "index", &bytes).unwrap();
            assert_eq!(read(&shelf, "index").as_deref(), Some(&bytes[..]), "made again after byte {at}");
        }
    }

    #[test]
    fn a_discarded_part_is_gone_and_is_kept_anew() {
        let place = tempfile::tempdir().unwrap();
        {
            let cache = cache(place.path());
            let shelf = shelf(&cache, "a.tif", "1", 1);
            shelf.discard("pyramid");
            keep(&shelf, "pyramid", b"of another image").unwrap();
            keep(&shelf, "index", b"of its own").unwrap();
            let open = shelf.open("pyramid").unwrap();
            shelf.discard("pyramid");
            assert!(shelf.open("pyramid").is_none());
            assert_eq!((entry_files(place.path()).len(), cache.stats().disk_entries), (1, 1));
            let mut bytes = [0; 7];
            open.read_at(9, &mut bytes).unwrap();
            assert!(&bytes == b"r image" && !shelf.is_damaged(), "who has it open goes on with it");
            keep(&shelf, "pyramid", b"of this one").unwrap();
            assert_eq!(read(&shelf, "pyramid").as_deref(), Some(&b"of this one"[..]));
            assert_eq!((cache.stats().parts_written, cache.stats().damaged), (3, 0));
            shelf.discard("index");
        }
        let cache = cache(place.path());
        let shelf = shelf(&cache, "a.tif", "1", 1);
        assert_eq!(read(&shelf, "pyramid").as_deref(), Some(&b"of this one"[..]));
        assert!(shelf.open("index").is_none() && cache.stats().disk_entries == 1, "it stays away after a restart");
    }

    #[test]
    fn parts_count_against_the_bound_and_go_with_their_image() {
        let place = tempfile::tempdir().unwrap();
        let cache = cache(place.path());
        for number in 0..20 {
            keep(&shelf(&cache, &format!("{number}.tif"), "1", 1), "index", &vec![number; 6 << 20]).unwrap();
            assert!(cache.stats().disk_bytes <= 64 << 20, "{:?}", cache.stats());
        }
        let there = |number: u8| shelf(&cache, &format!("{number}.tif"), "1", 1).open("index").is_some();
        assert!(!there(0) && there(19) && cache.stats().evictions >= 10, "{:?}", cache.stats());
        let open = shelf(&cache, "19.tif", "1", 1);
        assert!(cache.purge_named(&|identifier| identifier == "19.tif") >= 1);
        cache.flush();
        assert!(!there(19) && there(18));
        assert!(keep(&open, "late", b"x").is_err(), "what was begun before a purge is not kept after it");
    }
}

//! A parsed file, shared by all of its pages that are open. It holds the whole file in memory, so it is kept in the memory of
//! decoders, within its bound, and read again when it was dropped from there.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use flate2::read::ZlibDecoder;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::{contained, corrupt, unsupported};
use crate::formats::held::check_held;
use crate::{ByteRange, DecodeError, Memo, MemoKey, OpenOptions, RandomAccess, SourceFormat};

/// Images that [`Memo::image`] never gives: files by what they are instead.
const DOCUMENTS: u64 = u64::MAX;
const SHARES: u64 = u64::MAX - 1;

/// Most bytes that a table of objects may have when it is unpacked; they are unpacked while parsing.
const MAX_TABLE_BYTES: u64 = 128 << 20;

/// How far from its end a file has its end mark.
const END_BYTES: usize = 4096;

/// How far before the word `stream` the dictionary of a table is looked for.
const DICTIONARY_BYTES: usize = 2048;

/// A file and all that was parsed of it.
pub(super) struct Document {
    pub(super) pdf: Pdf,
}

/// Where the document of one version of one file is, if it is in memory.
pub(super) struct Share {
    identity: Option<u128>,
    memo: Arc<Memo>,
    key: MemoKey,
    document: Mutex<Weak<Document>>,
}

impl Share {
    /// The share of this source: the same for all decoders of the same version, where the source can tell.
    pub(super) fn of(source: &dyn RandomAccess, memo: &Arc<Memo>) -> Arc<Self> {
        let Some(identity) = source.identity() else {
            return Arc::new(Self::new(None, memo, MemoKey { image: memo.image(), part: 0 }));
        };
        let part = identity as u64 ^ (identity >> 64) as u64;
        let key = MemoKey { image: SHARES, part };
        if let Some(share) = memo.get::<Self>(key).filter(|share| share.identity == Some(identity)) {
            return share;
        }
        let share = Arc::new(Self::new(Some(identity), memo, MemoKey { image: DOCUMENTS, part }));
        memo.insert(key, Arc::clone(&share), 256);
        share
    }

    fn new(identity: Option<u128>, memo: &Arc<Memo>, key: MemoKey) -> Self {
        Self { identity, memo: Arc::clone(memo), key, document: Mutex::new(Weak::new()) }
    }

    /// The document, parsed if nobody has it. Others wait meanwhile instead of doing the same.
    pub(super) fn document(&self, source: &dyn RandomAccess, max_bytes: u64) -> Result<Arc<Document>, DecodeError> {
        let mut known = self.document.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = known.upgrade() {
            // Asked for, so that it stays: what was not used for long goes first.
            self.memo.get::<Document>(self.key);
            return Ok(document);
        }
        let document = Arc::new(read(source, max_bytes)?);
        *known = Arc::downgrade(&document);
        self.memo.insert(self.key, Arc::clone(&document), held_bytes(source.len()));
        Ok(document)
    }
}

/// Bytes that a document of a file this long takes.
pub(super) fn held_bytes(file_bytes: u64) -> u64 {
    file_bytes.saturating_add(file_bytes / 4).saturating_add(64 << 10)
}

/// Opens the share and checks that the file is readable at all.
pub(super) fn open(
    source: &dyn RandomAccess,
    options: &OpenOptions,
) -> Result<(Arc<Share>, Arc<Document>), DecodeError> {
    let share = Share::of(source, &options.memo);
    let document = share.document(source, options.max_bytes)?;
    Ok((share, document))
}

fn read(source: &dyn RandomAccess, max_bytes: u64) -> Result<Document, DecodeError> {
    check_held(held_bytes(source.len()), max_bytes, SourceFormat::Pdf)?;
    let bytes = source.read_range(ByteRange::new(0, source.len()))?;
    // The library puts a cut off file together as well as it can, and pages with it; rather none than half a page.
    let end = &bytes[bytes.len().saturating_sub(END_BYTES)..];
    if memchr::memmem::find(end, b"%%EOF").is_none() {
        return Err(corrupt("it is cut off: its end is not marked"));
    }
    check_tables(&bytes)?;
    let pdf = contained(|| Pdf::new(bytes).map_err(refused))?;
    Ok(Document { pdf })
}

fn refused(error: LoadPdfError) -> DecodeError {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => unsupported("a password; store it without one"),
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => unsupported("this kind of encryption"),
        LoadPdfError::Decryption(_) => corrupt("its encryption is incomplete"),
        LoadPdfError::Invalid => corrupt("it has no pages that can be found"),
    }
}

/// Tables of objects are unpacked while the file is parsed, before anything can be asked about them: their length is
/// counted first.
fn check_tables(file: &[u8]) -> Result<(), DecodeError> {
    let mut left = MAX_TABLE_BYTES;
    for at in memchr::memmem::find_iter(file, b"stream") {
        let before = &file[at.saturating_sub(DICTIONARY_BYTES)..at];
        if before.ends_with(b"end") {
            continue;
        }
        let object = memchr::memmem::rfind(before, b"obj").unwrap_or(0);
        let dictionary = &before[object..];
        let names = |name: &[u8]| memchr::memmem::find_iter(dictionary, name).count();
        if names(b"ObjStm") + names(b"XRef") == 0 {
            continue;
        }
        if names(b"/FlateDecode") + names(b"/Fl ") + names(b"/LZWDecode") + names(b"/RunLengthDecode") > 1 {
            return Err(unsupported("tables of objects that are packed twice"));
        }
        let packed = file[at + b"stream".len()..].trim_ascii_start();
        let unpacked = unpacked_bytes(packed, left);
        left = left.checked_sub(unpacked).filter(|left| *left > 0).ok_or(DecodeError::TooLarge {
            format: SourceFormat::Pdf,
            needed: MAX_TABLE_BYTES.saturating_add(1),
            limit: MAX_TABLE_BYTES,
            unit: "bytes of tables",
        })?;
    }
    Ok(())
}

/// How long this gets when it is inflated, counted up to `most`; what is not deflated counts as nothing.
pub(super) fn unpacked_bytes(packed: &[u8], most: u64) -> u64 {
    let mut left = ZlibDecoder::new(packed);
    let mut buffer = vec![0; 64 << 10];
    let mut count = 0;
    while count < most {
        match std::io::Read::read(&mut left, &mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(bytes) => count += bytes as u64,
        }
    }
    count
}

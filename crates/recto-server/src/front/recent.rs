//! Answers that are asked for again and again: kept as they were sent, without what differs from one time to the next.
//!
//! An answer is kept when it was asked for [`TIMES`] times. Which requests came before is noted in a table of a fixed size, where later
//! ones overwrite earlier ones: a wrong guess costs a copy, or a copy that is not made. What was kept and had to go is counted from the
//! beginning, so that a crowd of answers that do not fit costs a copy now and then, and not each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use recto_service::Standing;
use xxhash_rust::xxh3::xxh3_64;

/// Times that an answer is asked for before it is kept.
const TIMES: u32 = 6;

/// Bits of a note that count; the others tell requests apart.
const COUNT: u32 = 7;

/// Requests that are noted.
const NOTED: usize = 1 << 16;

/// What an answer takes beside its bytes.
const ENTRY_BYTES: usize = 512;

/// What an answer may be thought to take when room for entries is set aside.
const USUAL_BYTES: u64 = 16 << 10;

/// A request, as far as the answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked<'h> {
    pub(super) host: &'h str,
    pub(super) path: &'h str,
    pub(super) accept: Option<&'h str>,
}

impl Asked<'_> {
    fn hash(&self) -> u64 {
        let path = xxh3_64(self.path.as_bytes());
        path ^ xxh3_64(self.host.as_bytes()).rotate_left(21)
            ^ self.accept.map_or(7, |accept| xxh3_64(accept.as_bytes())).rotate_left(42)
    }
}

/// An answer that was given.
#[derive(Debug)]
pub(super) struct Answer {
    host: Box<str>,
    path: Box<str>,
    accept: Option<Box<str>>,
    /// All of its head but what is written anew each time.
    pub(super) head: Box<[u8]>,
    pub(super) body: Box<[u8]>,
    pub(super) standing: Standing,
}

impl Answer {
    fn is_to(&self, asked: &Asked<'_>) -> bool {
        *self.path == *asked.path && *self.host == *asked.host && self.accept.as_deref() == asked.accept
    }
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<u64, Arc<Answer>> for ByBytes {
    fn weight(&self, _key: &u64, answer: &Arc<Answer>) -> u64 {
        (answer.head.len() + answer.body.len() + ENTRY_BYTES) as u64
    }
}

/// Whether a request was answered from here, or how it may be next time.
pub(super) enum Found {
    Answer(Arc<Answer>),
    /// It was asked for often: its answer is worth keeping.
    Again,
    /// It was not.
    Seldom,
}

/// The answers.
pub(crate) struct Recent {
    answers: Option<Cache<u64, Arc<Answer>, ByBytes>>,
    noted: Box<[AtomicU32]>,
}

impl std::fmt::Debug for Recent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

impl Recent {
    /// Keeps at most so many bytes; none with 0.
    pub(crate) fn new(max_bytes: u64) -> Self {
        let entries = usize::try_from(max_bytes / USUAL_BYTES).unwrap_or(usize::MAX).clamp(16, 1 << 16);
        let answers = (max_bytes > 0).then(|| Cache::with_weighter(entries, max_bytes, ByBytes));
        let noted = if max_bytes > 0 { NOTED } else { 0 };
        Self { answers, noted: (0..noted).map(|_| AtomicU32::new(0)).collect() }
    }

    /// The answer to a request, and a note that it was asked for.
    pub(super) fn find(&self, asked: &Asked<'_>) -> Found {
        let Some(answers) = &self.answers else { return Found::Seldom };
        let hash = asked.hash();
        let Some(slot) = self.noted.get(hash as usize % NOTED) else { return Found::Seldom };
        let (name, note) = ((hash >> 32) as u32 & !COUNT, slot.load(Ordering::Relaxed));
        // Two at once may count as one, which does no harm.
        let is_noted = note & !COUNT == name && note & COUNT > 0;
        let times = if is_noted { note & COUNT } else { 0 };
        if is_noted && let Some(answer) = answers.get(&hash).filter(|answer| answer.is_to(asked)) {
            return Found::Answer(answer);
        }
        let is_often = times + 1 >= TIMES;
        slot.store(name | if is_often { 1 } else { times + 1 }, Ordering::Relaxed);
        if is_often { Found::Again } else { Found::Seldom }
    }

    /// Keeps an answer.
    pub(super) fn keep(&self, asked: &Asked<'_>, head: &[u8], body: &[u8], standing: Standing) {
        let Some(answers) = &self.answers else { return };
        let answer = Answer {
            host: asked.host.into(),
            path: asked.path.into(),
            accept: asked.accept.map(Into::into),
            head: head.into(),
            body: body.into(),
            standing,
        };
        answers.insert(asked.hash(), Arc::new(answer));
    }

    /// Forgets an answer that does not hold any more.
    pub(super) fn forget(&self, asked: &Asked<'_>) {
        if let Some(answers) = &self.answers {
            answers.remove(&asked.hash());
        }
    }
}

//! A first parse, in a child of the program: a kilobyte of references, of rules of style or of letters may grow without end, and
//! what becomes of it shows when the library is let loose on it. What passes takes about as much again in this process, where it is
//! then drawn, tile by tile.

use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use std::{fs, thread};

use super::{FONTS, contained, corrupt, parse, unsupported};
use crate::formats::contained::{self as child, Failure};
use crate::{Control, DecodeError};

/// Processor time of a child that parses, in seconds: what passes takes as long here, where nothing ends it.
pub(in crate::formats) const MOST_SECONDS: u64 = 5;

/// Stack of a first parse. The threads of this process have 2 MiB, of which some is taken when they come to a drawing.
const STACK_BYTES: usize = 3 << 19;

/// How often whoever waits for a turn looks whether its own time is up.
const GLANCE: Duration = Duration::from_millis(50);

/// Most letters of an error on its way to the parent, and more bytes than an answer has.
const MESSAGE_LETTERS: usize = 1000;
const ANSWER_BYTES: u64 = 8192;

/// First parses at a time: each may take as much memory as a child has.
const TURNS: u32 = 2;

/// The right to have a drawing parsed.
struct Turn;

static TAKEN: (Mutex<u32>, Condvar) = (Mutex::new(0), Condvar::new());

impl Turn {
    /// Waits for one, as long as `control` lets it.
    fn take(control: &Control) -> Result<Self, DecodeError> {
        let mut taken = TAKEN.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= TURNS {
            control.check()?;
            (taken, _) = TAKEN.1.wait_timeout(taken, GLANCE).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        Ok(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TAKEN.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        TAKEN.1.notify_one();
    }
}

/// Has a drawing parsed in a child. Gives how many bytes that took at one time, 0 where the system does not tell; `None` where
/// decoders run in place.
///
/// # Errors
/// What is wrong with the drawing, or that parsing it takes too much.
pub(super) fn run(bytes: &[u8], control: &Control) -> Result<Option<u64>, DecodeError> {
    let turn = Turn::take(control)?;
    let tried = child::decode("svg", 0, bytes, ANSWER_BYTES, control);
    drop(turn);
    match tried {
        None => Ok(None),
        Some(Ok(answer)) => understood(&answer).map(Some),
        Some(Err(Failure::Stopped(stopped))) => Err(stopped),
        Some(Err(Failure::Passing(error))) => Err(error.into()),
        Some(Err(Failure::Child(what))) => Err(unsupported(format!(
            "contents that take more than {MOST_SECONDS} seconds or {} MiB to be parsed ({what})",
            child::OWN_BYTES >> 20
        ))),
    }
}

/// The bytes that an answer tells of, or its error.
fn understood(answer: &[u8]) -> Result<u64, DecodeError> {
    let Some((took, said)) = answer.split_first_chunk::<8>() else {
        return Err(corrupt("parsing it gave no answer"));
    };
    let text = |what: &[u8]| String::from_utf8_lossy(what).into_owned();
    match said.split_first() {
        Some((b'U', what)) => Err(unsupported(text(what))),
        Some((b'C', what)) => Err(corrupt(text(what))),
        _ => Ok(u64::from_le_bytes(*took)),
    }
}

/// What a child answers: the bytes that parsing took, the low one first, and a letter and a text where it ended with an error.
pub(in crate::formats) fn answer(given: &[u8]) -> Vec<u8> {
    // The fonts are the system's. Whether they are needed is told later; without them here they would be counted as the drawing's.
    if memchr::memmem::find(given, b"text").is_some() {
        let _fonts = LazyLock::force(&FONTS);
    }
    let answer = thread::scope(|scope| {
        let trial = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, || tried(given));
        trial.ok().and_then(|trial| trial.join().ok())
    });
    // Who answers nothing has failed.
    answer.unwrap_or_default()
}

fn tried(given: &[u8]) -> Vec<u8> {
    let before = memory_bytes("VmRSS:");
    let parsed = contained(|| parse(given, None, u64::MAX, &Control::default()));
    let mut answer = memory_bytes("VmHWM:").saturating_sub(before).to_le_bytes().to_vec();
    let (letter, what) = match parsed {
        Err(DecodeError::Unsupported { what, .. }) => (Some(b'U'), what),
        Err(DecodeError::Corrupt { what, .. }) => (Some(b'C'), what),
        // Other errors have numbers in them; the parent comes to them by itself.
        _ => (None, String::new()),
    };
    answer.extend(letter);
    answer.extend(what.chars().take(MESSAGE_LETTERS).collect::<String>().into_bytes());
    answer
}

/// Bytes of memory of this process: `VmRSS:` now, `VmHWM:` at most. 0 where the system does not tell.
fn memory_bytes(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let kilobytes = value.trim().trim_end_matches("kB").trim_end().parse::<u64>();
    kilobytes.unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(inside: &str) -> Vec<u8> {
        format!("<svg xmlns='http://www.w3.org/2000/svg' width='4' height='3'>{inside}</svg>").into_bytes()
    }

    #[test]
    fn what_a_child_finds_crosses_to_the_parent() {
        assert!(understood(&answer(&drawing("<rect width='2' height='2'/>"))).is_ok());
        let filtered = "<g filter='url(#f)'><rect width='4' height='3'/></g>".repeat(1000);
        let filtered = drawing(&format!("<filter id='f'><feFlood/></filter>{filtered}"));
        for (bytes, want) in [
            (filtered, "SVG with more than 4096 layers and filters is not supported"),
            (b"<svg".to_vec(), "the SVG file is damaged: it is no well-formed XML"),
            (b"<svg>\xff</svg>".to_vec(), "the SVG file is damaged: it is no UTF-8 text"),
        ] {
            let error = understood(&answer(&bytes)).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
            // The same as without a child.
            let here = contained(|| parse(&bytes, None, u64::MAX, &Control::default())).err();
            assert_eq!(here.map(|here| here.to_string()), Some(error));
        }
        assert!(matches!(understood(b"1234567"), Err(DecodeError::Corrupt { .. })));
        assert_eq!(understood(&1_000_000_u64.to_le_bytes()).unwrap(), 1_000_000);
    }

    #[test]
    fn an_answer_is_short_whatever_is_in_the_drawing() {
        let name = "\u{e4}".repeat(1 << 20);
        let answer = answer(&drawing(&format!("<g></{name}>")));
        assert!(understood(&answer).is_err());
        assert!((answer.len() as u64) < ANSWER_BYTES, "{} bytes", answer.len());
    }

    /// Linux tells.
    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_counted_at_its_most() {
        let before = memory_bytes("VmRSS:");
        let held = vec![7_u8; 64 << 20];
        let length = std::hint::black_box(&held).len() as u64;
        assert!(memory_bytes("VmHWM:") >= before.saturating_add(length / 2));
        assert_eq!(memory_bytes("nothing"), 0);
    }
}

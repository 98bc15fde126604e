//! CCITT T.4 and T.6: fax codes of black and white rows.
//!
//! A row is kept as the positions where its colour changes, from white on. Rows come out packed, 1 is black.

use std::io;
use std::sync::LazyLock;

use super::ccitt_codes::{BLACK, Code, WHITE};
use super::{Inflow, Input, bad, next_byte};

/// How rows are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// One-dimensional; each row begins at a byte, or at a 16-bit word.
    ModifiedHuffman { words: bool },
    /// T.4, with end-of-line codes; `two_dimensional` rows alternate with one-dimensional ones.
    Group3 { two_dimensional: bool },
    /// T.6.
    Group4,
}

/// Longest code of a run.
const RUN_BITS: u32 = 13;
/// For every 13 bits that may come: the run and the length of its code; length 0 where there is no code.
type RunTable = Box<[(u16, u8)]>;

static WHITE_RUNS: LazyLock<RunTable> = LazyLock::new(|| run_table(WHITE));
static BLACK_RUNS: LazyLock<RunTable> = LazyLock::new(|| run_table(BLACK));

fn run_table(codes: &[Code]) -> RunTable {
    let mut table = vec![(0, 0); 1 << RUN_BITS];
    for (bits, length, run) in codes {
        let free = RUN_BITS - u32::from(*length);
        let first = usize::from(*bits) << free;
        table[first..first + (1 << free)].fill((*run, *length));
    }
    table.into()
}

/// The next bits of a stream; zeros behind its end.
struct Bits {
    input: Input,
    window: u64,
    held: u32,
    /// Bits behind the end that are in the window.
    padding: u32,
    taken: u64,
}

impl Bits {
    fn peek(&mut self, count: u32) -> io::Result<u32> {
        while self.held < count {
            let byte = next_byte(&mut self.input)?;
            self.padding += if byte.is_none() { 8 } else { 0 };
            self.window = self.window << 8 | u64::from(byte.unwrap_or(0));
            self.held += 8;
        }
        Ok((self.window >> (self.held - count)) as u32 & ((1 << count) - 1))
    }

    fn take(&mut self, count: u32) {
        debug_assert!(count <= self.held, "bits are looked at before they are taken");
        self.held -= count;
        self.taken += u64::from(count);
    }

    /// True when all that is left, or more, lies behind the end.
    fn is_past_end(&self) -> bool {
        self.padding > 0 && self.held <= self.padding
    }

    /// Goes on at the next multiple of `unit` bits.
    fn align(&mut self, unit: u64) -> io::Result<()> {
        let over = (self.taken % unit) as u32;
        if over > 0 {
            let count = unit as u32 - over;
            self.peek(count)?;
            self.take(count);
        }
        Ok(())
    }
}

/// One chunk of fax rows.
pub(super) struct Fax {
    bits: Bits,
    coding: Coding,
    width: u32,
    /// Where the row above changes colour.
    above: Vec<u32>,
    /// Where this row does.
    row: Vec<u32>,
    ended: bool,
}

impl Fax {
    pub(super) fn new(input: Input, width: u32, coding: Coding) -> Self {
        let bits = Bits { input, window: 0, held: 0, padding: 0, taken: 0 };
        Self { bits, coding, width, above: Vec::new(), row: Vec::new(), ended: false }
    }

    /// Decodes one row into `self.row`; `false` when there is none.
    fn next_row(&mut self) -> io::Result<bool> {
        std::mem::swap(&mut self.above, &mut self.row);
        self.row.clear();
        match self.coding {
            Coding::Group4 => {
                if self.bits.is_past_end() {
                    return Ok(false);
                }
                self.row_2d()
            }
            Coding::ModifiedHuffman { words } => {
                self.bits.align(if words { 16 } else { 8 })?;
                self.bits.peek(8)?;
                if self.bits.is_past_end() {
                    return Ok(false);
                }
                self.row_1d()
            }
            Coding::Group3 { two_dimensional } => {
                let lines_ended = self.skip_end_of_line(two_dimensional)?;
                if lines_ended.count >= 2 || self.bits.is_past_end() {
                    return Ok(false);
                }
                if lines_ended.next_is_2d { self.row_2d() } else { self.row_1d() }
            }
        }
    }

    /// Passes over end-of-line codes and the fill before them. The bit behind one tells how the next row is coded.
    fn skip_end_of_line(&mut self, tagged: bool) -> io::Result<LinesEnded> {
        let mut lines_ended = LinesEnded { count: 0, next_is_2d: false };
        while self.bits.peek(11)? == 0 {
            if self.bits.is_past_end() {
                return Ok(lines_ended);
            }
            self.bits.take(11);
            while self.bits.peek(1)? == 0 {
                if self.bits.is_past_end() {
                    return Ok(lines_ended);
                }
                self.bits.take(1);
            }
            self.bits.take(1);
            if tagged {
                lines_ended.next_is_2d = self.bits.peek(1)? == 0;
                self.bits.take(1);
            }
            lines_ended.count += 1;
            if lines_ended.count >= 6 {
                break;
            }
        }
        Ok(lines_ended)
    }

    /// A row of alternating white and black runs.
    fn row_1d(&mut self) -> io::Result<bool> {
        let mut x = 0;
        let mut black = false;
        while x < self.width {
            let run = self.run(black)?;
            x = x.saturating_add(run).min(self.width);
            push(&mut self.row, x, self.width);
            black = !black;
        }
        Ok(true)
    }

    /// The length of a run: make-up codes, then a terminating code.
    fn run(&mut self, black: bool) -> io::Result<u32> {
        let table: &RunTable = if black { &BLACK_RUNS } else { &WHITE_RUNS };
        let mut length = 0_u32;
        loop {
            let code = self.bits.peek(RUN_BITS)?;
            let (run, bits) = table[code as usize];
            if bits == 0 {
                return Err(bad(if self.bits.is_past_end() {
                    "it ends within a row"
                } else {
                    "it holds a code of no run"
                }));
            }
            self.bits.take(u32::from(bits));
            length = length.saturating_add(u32::from(run));
            if run < 64 {
                return Ok(length);
            }
            if length > self.width.saturating_add(2560) {
                return Err(bad("it holds a run longer than a row"));
            }
        }
    }

    /// A row coded by its differences from the row above.
    fn row_2d(&mut self) -> io::Result<bool> {
        let width = self.width;
        // None before the first pixel: then a change above the very first pixel counts.
        let mut at: Option<u32> = None;
        let mut black = false;
        let mut above = 0;
        while at.unwrap_or(0) < width {
            while self.above.get(above).is_some_and(|change| at.is_some_and(|at| *change <= at)) {
                above += 1;
            }
            let opposite = above + usize::from((above % 2 == 1) != black);
            let change = |index: usize| self.above.get(index).copied().unwrap_or(width);
            match mode(&mut self.bits)? {
                Mode::Pass => at = Some(change(opposite + 1)),
                Mode::Horizontal => {
                    let first = self.run(black)?;
                    let second = self.run(!black)?;
                    let middle = at.unwrap_or(0).saturating_add(first).min(width);
                    let end = middle.saturating_add(second).min(width);
                    push(&mut self.row, middle, width);
                    push(&mut self.row, end, width);
                    at = Some(end);
                }
                Mode::Vertical(distance) => {
                    let x =
                        change(opposite).checked_add_signed(distance).ok_or_else(|| bad("a change before the row"))?;
                    if at.is_some_and(|at| x < at) {
                        return Err(bad("its changes of colour run backwards"));
                    }
                    let x = x.min(width);
                    push(&mut self.row, x, width);
                    black = !black;
                    at = Some(x);
                }
                Mode::EndOfBlock if at.is_none() => return Ok(false),
                Mode::EndOfBlock => return Err(bad("it ends within a row")),
                Mode::Extension => return Err(bad("it uses an extension of T.6")),
            }
        }
        Ok(true)
    }

    /// Packs `self.row` into `out`, which has exactly one row.
    fn pack(&self, out: &mut [u8]) {
        out.fill(0);
        for change in self.row.chunks(2) {
            let end = change.get(1).copied().unwrap_or(self.width);
            blacken(out, change[0] as usize, end as usize);
        }
    }
}

/// What stood between two rows.
struct LinesEnded {
    count: u32,
    next_is_2d: bool,
}

/// Notes a change of colour at `x`. Two at the same place are none, and none is needed at the end of the row.
fn push(row: &mut Vec<u32>, x: u32, width: u32) {
    if row.last() == Some(&x) {
        row.pop();
    } else if x < width {
        row.push(x);
    }
}

/// Sets the bits from `start` to before `end`.
fn blacken(out: &mut [u8], start: usize, end: usize) {
    if start >= end {
        return;
    }
    let (first, last) = (start / 8, (end - 1) / 8);
    let head = 0xff_u8 >> (start % 8);
    let tail = 0xff_u8 << (7 - (end - 1) % 8);
    if first == last {
        out[first] |= head & tail;
    } else {
        out[first] |= head;
        out[first + 1..last].fill(0xff);
        out[last] |= tail;
    }
}

/// A code of a two-dimensional row.
enum Mode {
    Pass,
    Horizontal,
    Vertical(i32),
    Extension,
    EndOfBlock,
}

fn mode(bits: &mut Bits) -> io::Result<Mode> {
    let next = bits.peek(7)?;
    let (mode, length) = match next {
        0b100_0000..=0b111_1111 => (Mode::Vertical(0), 1),
        0b011_0000..=0b011_1111 => (Mode::Vertical(1), 3),
        0b010_0000..=0b010_1111 => (Mode::Vertical(-1), 3),
        0b001_0000..=0b001_1111 => (Mode::Horizontal, 3),
        0b000_1000..=0b000_1111 => (Mode::Pass, 4),
        0b000_0110 | 0b000_0111 => (Mode::Vertical(2), 6),
        0b000_0100 | 0b000_0101 => (Mode::Vertical(-2), 6),
        0b000_0011 => (Mode::Vertical(3), 7),
        0b000_0010 => (Mode::Vertical(-3), 7),
        0b000_0001 => (Mode::Extension, 7),
        _ if bits.is_past_end() || bits.peek(12)? == 1 => (Mode::EndOfBlock, 7),
        _ => return Err(bad("it holds a code of no mode")),
    };
    bits.take(length);
    Ok(mode)
}

impl Inflow for Fax {
    fn fill(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let row_bytes = self.width.div_ceil(8) as usize;
        let mut filled = 0;
        for row in out.chunks_exact_mut(row_bytes) {
            if self.ended || !self.next_row()? {
                self.ended = true;
                break;
            }
            self.pack(row);
            filled += row_bytes;
        }
        Ok(filled)
    }
}

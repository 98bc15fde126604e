//! `PackBits`: runs of equal bytes and runs of different ones.

use std::io::{self, BufRead};

use super::{Inflow, Input, next_byte};

pub(super) struct PackBits {
    input: Input,
    run: Run,
}

/// What is still to be given of the run at hand.
#[derive(Clone, Copy)]
enum Run {
    Different(usize),
    Equal(usize, u8),
}

impl PackBits {
    pub(super) fn new(input: Input) -> Self {
        Self { input, run: Run::Different(0) }
    }

    /// Reads the head of the next run; `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let Some(head) = next_byte(&mut self.input)? else { return Ok(false) };
            match head {
                0..=127 => self.run = Run::Different(usize::from(head) + 1),
                128 => continue,
                129..=255 => {
                    let Some(byte) = next_byte(&mut self.input)? else { return Ok(false) };
                    self.run = Run::Equal(257 - usize::from(head), byte);
                }
            }
            return Ok(true);
        }
    }
}

impl Inflow for PackBits {
    fn fill(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            let room = out.len() - filled;
            match &mut self.run {
                Run::Different(0) | Run::Equal(0, _) => {
                    if !self.begin()? {
                        break;
                    }
                }
                Run::Equal(left, byte) => {
                    let length = room.min(*left);
                    out[filled..filled + length].fill(*byte);
                    *left -= length;
                    filled += length;
                }
                Run::Different(left) => {
                    let data = self.input.fill_buf()?;
                    let length = room.min(*left).min(data.len());
                    if length == 0 {
                        break;
                    }
                    out[filled..filled + length].copy_from_slice(&data[..length]);
                    *left -= length;
                    filled += length;
                    self.input.consume(length);
                }
            }
        }
        Ok(filled)
    }
}

//! LZW as TIFF has it, and in the bit order of the oldest writers.

use std::io::{self, BufRead};

use weezl::{BitOrder, LzwStatus, decode::Configuration};

use super::{Inflow, Input, bad};

pub(super) struct Lzw {
    input: Input,
    decoder: weezl::decode::Decoder,
}

impl Lzw {
    /// Old streams begin with a clear code whose bits lie the other way round: a byte 0, then one with its lowest bit set.
    pub(super) fn new(mut input: Input) -> io::Result<Self> {
        let old = matches!(input.fill_buf()?, [0, second, ..] if second & 1 == 1);
        let configuration = if old {
            Configuration::new(BitOrder::Lsb, 8)
        } else {
            Configuration::with_tiff_size_switch(BitOrder::Msb, 8)
        };
        Ok(Self { input, decoder: configuration.with_yield_on_full_buffer(true).build() })
    }
}

impl Inflow for Lzw {
    fn fill(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            let data = self.input.fill_buf()?;
            let at_end = data.is_empty();
            let result = self.decoder.decode_bytes(data, &mut out[filled..]);
            self.input.consume(result.consumed_in);
            filled += result.consumed_out;
            match result.status {
                Ok(LzwStatus::Ok) if !at_end || result.consumed_out > 0 => {}
                Ok(LzwStatus::NoProgress) if !at_end && result.consumed_in + result.consumed_out > 0 => {}
                Ok(_) => break,
                Err(_) => return Err(bad("it holds an LZW code that means nothing")),
            }
        }
        Ok(filled)
    }
}

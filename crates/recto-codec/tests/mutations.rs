//! Damage of all kinds to one small file of each format: cut, flipped, overwritten, numbers made huge, pieces exchanged.
//! D3 at its smallest; the fuzz targets go on from here without end.

#![cfg(test)]
#![expect(clippy::print_stderr, reason = "what is looked at, and what is left out, is part of the result")]

mod exercise;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A small generator of equally likely numbers (xorshift64*), so that a failure can be repeated by its number.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }
}

fn damaged(file: &[u8], number: u64) -> Vec<u8> {
    let mut chance = Chance(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut bytes = file.to_vec();
    for _ in 0..=chance.below(4) {
        let at = if chance.below(2) == 0 { chance.below(bytes.len().min(600)) } else { chance.below(bytes.len()) };
        match chance.below(7) {
            0 => bytes.truncate(at.max(1)),
            1 => bytes[at] ^= 1 << chance.below(8),
            2 => bytes[at] = chance.below(256) as u8,
            3 => bytes.iter_mut().skip(at).take(chance.below(16)).for_each(|byte| *byte = 0xff),
            4 => bytes.iter_mut().skip(at).take(chance.below(64)).for_each(|byte| *byte = 0),
            5 => {
                let from = chance.below(bytes.len());
                let piece: Vec<u8> = bytes.iter().skip(from).take(chance.below(200)).copied().collect();
                bytes.splice(at..at, piece);
            }
            _ => {
                let end = (at + chance.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

#[test]
fn d3_damaged_files_give_pixels_or_errors() {
    recto_codec::contain_with(env!("CARGO_BIN_EXE_contained-decoder").into());
    let Some(shared) = recto_testkit::data_dir() else {
        eprintln!("not run: the shared test data is not here");
        return;
    };
    let mut files = Vec::new();
    for folder in ["cantaloupe", "image-rs", "pillow", "libvips", "derived", "jxl"] {
        let Ok(entries) = std::fs::read_dir(shared.join("images").join(folder)) else { continue };
        files.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
    }
    files.retain(|path| path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() < 24 << 10));
    files.sort();
    assert!(files.len() > 60, "{} small files", files.len());
    let mut harmed = Vec::new();
    for path in &files {
        let file = std::fs::read(path).unwrap();
        for number in 0..24 {
            let bytes = damaged(&file, number);
            let began = std::time::Instant::now();
            if catch_unwind(AssertUnwindSafe(|| exercise::file(&bytes))).is_err() {
                harmed.push(format!("{} number {number}", path.display()));
            }
            // Not a measure of speed: a reader that does not ask its control would go on without end.
            if began.elapsed().as_secs() > 30 {
                harmed.push(format!("{} number {number} took {:?}", path.display(), began.elapsed()));
            }
        }
    }
    assert!(harmed.is_empty(), "{} of {}: {harmed:#?}", harmed.len(), files.len() * 24);
}

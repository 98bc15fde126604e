//! Packets: what they say of their blocks, in front of these. ISO/IEC 15444-1, B.10.

/// The bits of a packet header; after a byte of ones, one bit is stuffed.
pub(super) struct HeaderBits<'a> {
    out: &'a mut Vec<u8>,
    byte: u8,
    /// Bits that the byte has room for, and how many it had.
    left: u32,
    room: u32,
}

impl<'a> HeaderBits<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, byte: 0, left: 8, room: 8 }
    }

    pub(super) fn put(&mut self, bit: bool) {
        self.byte = self.byte << 1 | u8::from(bit);
        self.left -= 1;
        if self.left == 0 {
            self.out.push(self.byte);
            self.room = if self.byte == 0xff { 7 } else { 8 };
            (self.byte, self.left) = (0, self.room);
        }
    }

    /// The highest bit first.
    pub(super) fn put_all(&mut self, value: u32, count: u32) {
        (0..count).rev().for_each(|place| self.put(value >> place & 1 != 0));
    }

    /// The last byte is filled up; one of ones is followed by one with the stuffed bit.
    pub(super) fn end(self) {
        if self.left < self.room || self.room == 7 {
            self.out.push(self.byte << self.left);
        }
    }
}

/// A number that is told as far as it is needed.
#[derive(Clone, Copy)]
struct Node {
    value: u32,
    /// It is known to be no less.
    least: u32,
    is_known: bool,
}

/// A tag tree: the least of four values is told before each of them.
pub(super) struct TagTree {
    /// Columns of each level and where its nodes begin, leaves first.
    levels: Vec<(usize, usize)>,
    nodes: Vec<Node>,
}

impl TagTree {
    /// Of values that are as many as columns times rows.
    pub(super) fn new(columns: u32, values: impl Iterator<Item = u32>) -> Self {
        let node = |value| Node { value, least: 0, is_known: false };
        let mut nodes: Vec<Node> = values.map(node).collect();
        let (mut columns, mut first) = (columns.max(1) as usize, 0);
        let mut levels = vec![(columns, first)];
        while nodes.len() - first > 1 {
            let rows: Vec<Vec<Node>> = nodes[first..].chunks(columns).map(<[Node]>::to_vec).collect();
            first = nodes.len();
            for pair in rows.chunks(2) {
                for column in (0..columns).step_by(2) {
                    let four = pair.iter().flat_map(|row| row.iter().skip(column).take(2));
                    nodes.extend(four.map(|node| node.value).min().map(node));
                }
            }
            columns = columns.div_ceil(2);
            levels.push((columns, first));
        }
        Self { levels, nodes }
    }

    /// Tells whether a leaf's value is below `threshold`, and what it is then.
    pub(super) fn tell(&mut self, (column, row): (usize, usize), threshold: u32, bits: &mut HeaderBits<'_>) {
        let mut least = 0;
        for (level, &(columns, first)) in self.levels.iter().enumerate().rev() {
            let Some(node) = self.nodes.get_mut(first + (row >> level) * columns + (column >> level)) else { return };
            least = least.max(node.least);
            while least < threshold && !node.is_known {
                node.is_known = least == node.value;
                bits.put(node.is_known);
                least += u32::from(!node.is_known);
            }
            node.least = least;
        }
    }
}

/// A code-block in a packet.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// Bytes of its code; 0 where it is left out.
    pub(super) length: u32,
    /// Bit planes above the one that is coded.
    pub(super) missing: u32,
}

/// The part of a band in a precinct.
pub(super) struct Part {
    pub(super) columns: u32,
    /// Row after row.
    pub(super) blocks: Vec<Block>,
}

/// Writes the header of a packet.
pub(super) fn write_header(parts: &[Part], out: &mut Vec<u8>) {
    let mut bits = HeaderBits::new(out);
    let is_empty = parts.iter().flat_map(|part| &part.blocks).all(|block| block.length == 0);
    bits.put(!is_empty);
    for Part { columns, blocks } in parts.iter().filter(|part| !is_empty && !part.blocks.is_empty()) {
        let mut inclusion = TagTree::new(*columns, blocks.iter().map(|block| u32::from(block.length == 0)));
        // Those that are left out are never asked for it.
        let of_block = |block: &Block| if block.length == 0 { u32::MAX } else { block.missing };
        let mut missing = TagTree::new(*columns, blocks.iter().map(of_block));
        let columns = *columns as usize;
        for (number, &Block { length, .. }) in blocks.iter().enumerate() {
            let leaf = (number % columns, number / columns);
            inclusion.tell(leaf, 1, &mut bits);
            if length == 0 {
                continue;
            }
            missing.tell(leaf, u32::MAX, &mut bits);
            // One pass.
            bits.put(false);
            let length_bits = (32 - length.leading_zeros()).max(3);
            (3..length_bits).for_each(|_| bits.put(true));
            bits.put(false);
            bits.put_all(length, length_bits);
        }
    }
    bits.end();
}

#[cfg(test)]
mod tests {
    use recto_testkit::Rng;

    use super::super::super::headers::{self, Reader, read_passes};
    use super::*;
    use crate::{ByteRange, MemoryAccess};

    /// What a reader finds.
    fn found(bytes: &[u8], sizes: &[(u32, u32)]) -> Vec<Vec<(u32, u32)>> {
        let source = MemoryAccess::new(bytes);
        let mut reader = Reader::new(&source, vec![ByteRange::new(0, bytes.len() as u64)]);
        let mut bits = headers::HeaderBits::new(&mut reader);
        let is_there = bits.next().unwrap() == 1;
        let mut parts = Vec::new();
        for &(columns, rows) in sizes {
            let mut inclusion = headers::TagTree::new(columns, rows);
            let mut missing = headers::TagTree::new(columns, rows);
            let mut blocks = Vec::new();
            for leaf in (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row))) {
                if !is_there || !inclusion.decode(leaf, 1, &mut bits).unwrap() {
                    blocks.push((0, 0));
                    continue;
                }
                let mut planes = 0;
                while !missing.decode(leaf, planes + 1, &mut bits).unwrap() {
                    planes += 1;
                }
                assert_eq!(read_passes(&mut bits).unwrap(), 1);
                let mut length_bits = 3;
                while bits.next().unwrap() == 1 {
                    length_bits += 1;
                }
                blocks.push((bits.take(length_bits).unwrap(), planes));
            }
            parts.push(blocks);
        }
        bits.end().unwrap();
        assert!(reader.is_at_end(), "nothing is left");
        parts
    }

    #[test]
    fn headers_say_to_a_reader_what_is_in_the_packet() {
        let mut rng = Rng::new(2);
        let mut stuffed = 0;
        for round in 0..400 {
            let sizes: Vec<(u32, u32)> = (0..=round % 3).map(|_| (1 + rng.below(9), 1 + rng.below(9))).collect();
            let share = rng.below(5);
            let mut block = || {
                let is_there = rng.below(4) < share;
                // Lengths that are all ones, often.
                let length = if rng.below(2) == 0 { (1 << (1 + rng.below(14))) - 1 } else { 1 + rng.below(20_000) };
                let missing = rng.below(20);
                if is_there { Block { length, missing } } else { Block { length: 0, missing: 0 } }
            };
            let mut part = |&(columns, rows): &(u32, u32)| Part {
                columns,
                blocks: (0..columns * rows).map(|_| block()).collect(),
            };
            let parts: Vec<Part> = sizes.iter().map(&mut part).collect();
            let mut bytes = Vec::new();
            write_header(&parts, &mut bytes);
            stuffed += usize::from(bytes.contains(&0xff));
            let expected: Vec<Vec<(u32, u32)>> = parts
                .iter()
                .map(|part| part.blocks.iter().map(|block| (block.length, block.missing)).collect())
                .collect();
            assert_eq!(found(&bytes, &sizes), expected, "round {round}");
        }
        assert!(stuffed > 100, "{stuffed} headers have a byte of ones");
    }
}

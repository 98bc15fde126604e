//! How the parts of an archive lie in bytes: APPNOTE 6.3, §4.3 and §4.5. All numbers are little-endian.

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const BEHIND: u32 = 0x0807_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

const SIZES_BEHIND: u16 = 1 << 3;
const UTF_8: u16 = 1 << 11;
/// 1 January 1980: no time is told.
const DATE: u16 = 0x21;
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
const UNIX: u16 = 3 << 8;
/// A regular file that all may read.
const ATTRIBUTES: u32 = 0o100_644 << 16;
const WIDE: u64 = u32::MAX as u64;

/// A file in the archive.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_deflated: bool,
    /// Size and checksum are behind the bytes.
    pub(super) is_behind: bool,
    pub(super) crc: u32,
    pub(super) size: u64,
    pub(super) packed: u64,
    pub(super) offset: u64,
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

impl Entry {
    fn is_wide(&self) -> bool {
        self.size.max(self.packed) >= WIDE
    }

    fn shared(&self, version: u16, crc: u32, sizes: [u32; 2], extra: usize, out: &mut Vec<u8>) {
        let flags = UTF_8 | if self.is_behind { SIZES_BEHIND } else { 0 };
        let method: u16 = if self.is_deflated { 8 } else { 0 };
        put(out, &[&version.to_le_bytes(), &flags.to_le_bytes(), &method.to_le_bytes(), &[0; 2], &DATE.to_le_bytes()]);
        put(out, &[&crc.to_le_bytes(), &sizes[0].to_le_bytes(), &sizes[1].to_le_bytes()]);
        // Names are short: `Names` sees to it.
        put(out, &[&(self.name.len() as u16).to_le_bytes(), &(extra as u16).to_le_bytes()]);
    }

    /// What stands before the bytes. A file whose size is not known yet may have any, so its sizes are wide.
    pub(super) fn local(&self) -> Vec<u8> {
        let mut out = LOCAL.to_le_bytes().to_vec();
        let is_wide = self.is_behind || self.is_wide();
        let sizes = if is_wide { [u32::MAX; 2] } else { [self.packed as u32, self.size as u32] };
        let (version, extra) = if is_wide { (VERSION_64, 20) } else { (VERSION, 0) };
        self.shared(version, if self.is_behind { 0 } else { self.crc }, sizes, extra, &mut out);
        put(&mut out, &[self.name.as_bytes()]);
        if is_wide {
            put(&mut out, &[&1_u16.to_le_bytes(), &16_u16.to_le_bytes()]);
            put(&mut out, &[&self.size.to_le_bytes(), &self.packed.to_le_bytes()]);
        }
        out
    }

    /// What stands behind the bytes, where it was not told before: with wide sizes, as the head announces.
    pub(super) fn behind(&self) -> Vec<u8> {
        let mut out = BEHIND.to_le_bytes().to_vec();
        put(&mut out, &[&self.crc.to_le_bytes(), &self.packed.to_le_bytes(), &self.size.to_le_bytes()]);
        out
    }

    /// The row of the table.
    pub(super) fn central(&self, out: &mut Vec<u8>) {
        let mut extra = Vec::new();
        if self.is_wide() {
            put(&mut extra, &[&self.size.to_le_bytes(), &self.packed.to_le_bytes()]);
        }
        let sizes = if self.is_wide() { [u32::MAX; 2] } else { [self.packed as u32, self.size as u32] };
        let near = u32::try_from(self.offset).unwrap_or(u32::MAX);
        if self.offset >= WIDE {
            put(&mut extra, &[&self.offset.to_le_bytes()]);
        }
        let version = if extra.is_empty() && !self.is_behind { VERSION } else { VERSION_64 };
        let extra_bytes = if extra.is_empty() { 0 } else { extra.len() + 4 };
        put(out, &[&CENTRAL.to_le_bytes(), &(UNIX | VERSION_64).to_le_bytes()]);
        self.shared(version, self.crc, sizes, extra_bytes, out);
        put(out, &[&[0; 6], &ATTRIBUTES.to_le_bytes(), &near.to_le_bytes(), self.name.as_bytes()]);
        if !extra.is_empty() {
            put(out, &[&1_u16.to_le_bytes(), &(extra.len() as u16).to_le_bytes(), &extra]);
        }
    }
}

/// What stands behind the table.
pub(super) fn end(entries: u64, table: u64, table_bytes: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let is_wide = entries >= u64::from(u16::MAX) || table.max(table_bytes) >= WIDE;
    if is_wide {
        let at = table + table_bytes;
        put(&mut out, &[&END_64.to_le_bytes(), &44_u64.to_le_bytes()]);
        put(&mut out, &[&(UNIX | VERSION_64).to_le_bytes(), &VERSION_64.to_le_bytes(), &[0; 8]]);
        put(&mut out, &[&entries.to_le_bytes(), &entries.to_le_bytes()]);
        put(&mut out, &[&table_bytes.to_le_bytes(), &table.to_le_bytes()]);
        put(&mut out, &[&LOCATOR_64.to_le_bytes(), &[0; 4], &at.to_le_bytes(), &1_u32.to_le_bytes()]);
    }
    let count = if is_wide { u16::MAX } else { entries as u16 };
    let narrow = |number: u64| if is_wide { u32::MAX } else { number as u32 };
    put(&mut out, &[&END.to_le_bytes(), &[0; 4], &count.to_le_bytes(), &count.to_le_bytes()]);
    put(&mut out, &[&narrow(table_bytes).to_le_bytes(), &narrow(table).to_le_bytes(), &[0; 2]]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_places_beyond_four_gigabytes_are_in_wide_fields() {
        let name = "a".to_owned();
        let (size, offset) = (5 << 30, 6 << 30);
        let entry = Entry { name, is_deflated: false, is_behind: false, crc: 7, size, packed: size, offset };
        let wide = [&1_u16.to_le_bytes()[..], &16_u16.to_le_bytes(), &size.to_le_bytes(), &size.to_le_bytes()].concat();
        assert!(entry.local().ends_with(&wide));
        let mut row = Vec::new();
        entry.central(&mut row);
        let all = [
            &1_u16.to_le_bytes()[..],
            &24_u16.to_le_bytes(),
            &size.to_le_bytes(),
            &size.to_le_bytes(),
            &offset.to_le_bytes(),
        ];
        assert!(row.ends_with(&all.concat()));
        assert_eq!(row[20..28], [0xff; 8]);
        row.clear();
        Entry { size: 9, packed: 9, ..entry }.central(&mut row);
        assert!(row.ends_with(&[&1_u16.to_le_bytes()[..], &8_u16.to_le_bytes(), &offset.to_le_bytes()].concat()));
        let end = end(70_000, offset, 100);
        assert_eq!(end[32..40], 70_000_u64.to_le_bytes());
        assert_eq!(end[48..56], offset.to_le_bytes());
        assert_eq!(end[56..60], LOCATOR_64.to_le_bytes());
        assert_eq!(end[86..88], [0xff; 2]);
    }
}

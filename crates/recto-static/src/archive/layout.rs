//! How the parts of a ZIP archive lie in bytes: APPNOTE 6.3, §4.3 and §4.5. All numbers are little-endian.

pub(crate) const LOCAL: u32 = 0x0403_4b50;
pub(crate) const CENTRAL: u32 = 0x0201_4b50;
pub(crate) const END: u32 = 0x0605_4b50;
pub(crate) const END_64: u32 = 0x0606_4b50;
pub(crate) const LOCATOR_64: u32 = 0x0706_4b50;

/// Lengths of the fixed parts.
pub(crate) const LOCAL_BYTES: usize = 30;
pub(crate) const CENTRAL_BYTES: usize = 46;
pub(crate) const END_BYTES: usize = 22;
pub(crate) const END_64_BYTES: usize = 56;
pub(crate) const LOCATOR_64_BYTES: usize = 20;

/// The extra field with 64-bit numbers.
pub(crate) const EXTRA_64: u16 = 1;
/// The extra field of ours.
pub(crate) const EXTRA_MARK: u16 = 0x7254;

/// Bits of the flags: encrypted (also: its strong form, hidden headers), sizes behind the data.
pub(crate) const UNREADABLE_FLAGS: u16 = 1 | 1 << 6 | 1 << 13;
pub(crate) const SIZES_BEHIND: u16 = 1 << 3;
const UTF_8: u16 = 1 << 11;

/// 1 January 1980: no time is told, so that the same originals make the same archive.
const DATE: u16 = 0x21;
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
const UNIX: u16 = 3 << 8;
/// A regular file that all may read.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// An entry as both of its headers have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'a> {
    pub(crate) name: &'a str,
    pub(crate) crc: u32,
    pub(crate) length: u32,
    pub(crate) mark: u128,
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

impl Header<'_> {
    fn shared(&self, version: u16, extra: usize, out: &mut Vec<u8>) {
        let length = self.length.to_le_bytes();
        put(
            out,
            &[
                &version.to_le_bytes(),
                &UTF_8.to_le_bytes(),
                &0_u16.to_le_bytes(),
                &0_u16.to_le_bytes(),
                &DATE.to_le_bytes(),
                &self.crc.to_le_bytes(),
                &length,
                &length,
                // Checked by the writer: at most 65535.
                &(self.name.len() as u16).to_le_bytes(),
                &(extra as u16).to_le_bytes(),
            ],
        );
    }

    fn mark(&self, out: &mut Vec<u8>) {
        put(out, &[&EXTRA_MARK.to_le_bytes(), &16_u16.to_le_bytes(), &self.mark.to_le_bytes()]);
    }

    /// What stands before the data.
    pub(crate) fn local(&self, out: &mut Vec<u8>) {
        put(out, &[&LOCAL.to_le_bytes()]);
        self.shared(VERSION, 20, out);
        put(out, &[self.name.as_bytes()]);
        self.mark(out);
    }

    /// What stands in the table.
    pub(crate) fn central(&self, offset: u64, out: &mut Vec<u8>) {
        let far = offset >= u64::from(u32::MAX);
        let version = if far { VERSION_64 } else { VERSION };
        put(out, &[&CENTRAL.to_le_bytes(), &(UNIX | VERSION_64).to_le_bytes()]);
        self.shared(version, if far { 32 } else { 20 }, out);
        let near = if far { u32::MAX } else { offset as u32 };
        put(out, &[&[0; 6], &ATTRIBUTES.to_le_bytes(), &near.to_le_bytes(), self.name.as_bytes()]);
        if far {
            put(out, &[&EXTRA_64.to_le_bytes(), &8_u16.to_le_bytes(), &offset.to_le_bytes()]);
        }
        self.mark(out);
    }
}

/// What stands behind the table.
pub(crate) fn end(entries: u64, table: u64, table_bytes: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let wide = entries >= u64::from(u16::MAX) || table.max(table_bytes) >= u64::from(u32::MAX);
    if wide {
        let at = table + table_bytes;
        put(&mut out, &[&END_64.to_le_bytes(), &(END_64_BYTES as u64 - 12).to_le_bytes()]);
        put(&mut out, &[&(UNIX | VERSION_64).to_le_bytes(), &VERSION_64.to_le_bytes(), &[0; 8]]);
        put(&mut out, &[&entries.to_le_bytes(), &entries.to_le_bytes()]);
        put(&mut out, &[&table_bytes.to_le_bytes(), &table.to_le_bytes()]);
        put(&mut out, &[&LOCATOR_64.to_le_bytes(), &[0; 4], &at.to_le_bytes(), &1_u32.to_le_bytes()]);
    }
    let count = if wide { u16::MAX } else { entries as u16 };
    let narrow = |number: u64| if wide { u32::MAX } else { number as u32 };
    put(&mut out, &[&END.to_le_bytes(), &[0; 4], &count.to_le_bytes(), &count.to_le_bytes()]);
    put(&mut out, &[&narrow(table_bytes).to_le_bytes(), &narrow(table).to_le_bytes(), &[0; 2]]);
    out
}

/// Numbers in bytes that may be too short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<'a>(pub(crate) &'a [u8]);

impl Numbers<'_> {
    pub(crate) fn u16(self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(self.0.get(at..at.checked_add(2)?)?.try_into().ok()?))
    }

    pub(crate) fn u32(self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(self.0.get(at..at.checked_add(4)?)?.try_into().ok()?))
    }

    pub(crate) fn u64(self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(self.0.get(at..at.checked_add(8)?)?.try_into().ok()?))
    }
}

/// The content of an extra field.
pub(crate) fn extra(fields: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = fields;
    loop {
        let numbers = Numbers(rest);
        let (kind, length) = (numbers.u16(0)?, usize::from(numbers.u16(2)?));
        let content = rest.get(4..4 + length)?;
        if kind == wanted {
            return Some(content);
        }
        rest = rest.get(4 + length..)?;
    }
}

/// The mark among extra fields.
pub(crate) fn mark(fields: &[u8]) -> Option<u128> {
    Some(u128::from_le_bytes(extra(fields, EXTRA_MARK)?.try_into().ok()?))
}

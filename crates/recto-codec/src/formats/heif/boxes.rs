//! Boxes, and numbers in them.

/// A walk over bytes that are outside data: what is not there is `None`.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A number of this many bytes: 0, 1, 2, 4 or 8.
    pub(super) fn number(&mut self, bytes: u8) -> Option<u64> {
        self.take(usize::from(bytes))
            .filter(|bytes| bytes.len() <= 8)
            .map(|bytes| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// A 16-bit or 32-bit number.
    pub(super) fn id(&mut self, long: bool) -> Option<u32> {
        if long { self.u32() } else { self.u16().map(u32::from) }
    }

    /// Version and flags of a full box.
    pub(super) fn version_and_flags(&mut self) -> Option<(u8, u32)> {
        let [version, flags @ ..] = self.array::<4>()?;
        Some((version, flags.iter().fold(0, |value, byte| value << 8 | u32::from(*byte))))
    }

    /// Text up to a zero byte, or to the end.
    pub(super) fn text(&mut self) -> &'a [u8] {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = rest.get(1..).unwrap_or(&[]);
        text
    }

    /// The next box: its name and what is in it.
    pub(super) fn next_box(&mut self) -> Option<([u8; 4], Bytes<'a>)> {
        let size = self.u32()?;
        let name = self.array()?;
        let length = match size {
            0 => self.0.len(),
            1 => usize::try_from(u64::from_be_bytes(self.array()?).checked_sub(16)?).ok()?,
            size => (size as usize).checked_sub(8)?,
        };
        Some((name, Bytes(self.take(length)?)))
    }

    /// All boxes up to the end, or to the first that does not fit.
    pub(super) fn boxes(mut self) -> impl Iterator<Item = ([u8; 4], Bytes<'a>)> {
        std::iter::from_fn(move || self.next_box())
    }
}

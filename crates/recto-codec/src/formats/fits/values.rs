//! Numbers as they are stored, and what they mean.

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    U8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

impl Storage {
    /// The kind with this `BITPIX`.
    pub(super) const fn from_bitpix(bitpix: i64) -> Option<Self> {
        Some(match bitpix {
            8 => Self::U8,
            16 => Self::I16,
            32 => Self::I32,
            64 => Self::I64,
            -32 => Self::F32,
            -64 => Self::F64,
            _ => return None,
        })
    }

    const fn bytes(self) -> u64 {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// Stored numbers and their scale: `zero + scale × stored`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Values {
    pub(super) storage: Storage,
    pub(super) zero: f64,
    pub(super) scale: f64,
    /// The stored integer that means that there is none.
    pub(super) blank: Option<i64>,
}

impl Values {
    /// Bytes of a stored number.
    pub(super) const fn bytes(&self) -> u64 {
        self.storage.bytes()
    }

    /// True for bytes that are shown as they are.
    pub(super) fn is_bytes(&self) -> bool {
        self.storage == Storage::U8 && self.zero == 0.0 && self.scale == 1.0 && self.blank.is_none()
    }

    /// For people.
    pub(super) const fn name(&self) -> &'static str {
        match self.storage {
            Storage::U8 => "none, 8-bit integers",
            Storage::I16 => "none, 16-bit integers",
            Storage::I32 => "none, 32-bit integers",
            Storage::I64 => "none, 64-bit integers",
            Storage::F32 => "none, 32-bit floating point",
            Storage::F64 => "none, 64-bit floating point",
        }
    }

    /// Gives every number that is in `stored`; a missing one as NaN.
    pub(super) fn each(&self, stored: &[u8], mut give: impl FnMut(f64)) {
        let mut integer = |value: i64| {
            let missing = self.blank == Some(value);
            give(if missing { f64::NAN } else { self.zero + self.scale * value as f64 });
        };
        match self.storage {
            Storage::U8 => stored.iter().for_each(|value| integer(i64::from(*value))),
            Storage::I16 => stored.as_chunks().0.iter().for_each(|bytes| integer(i16::from_be_bytes(*bytes).into())),
            Storage::I32 => stored.as_chunks().0.iter().for_each(|bytes| integer(i32::from_be_bytes(*bytes).into())),
            Storage::I64 => stored.as_chunks().0.iter().for_each(|bytes| integer(i64::from_be_bytes(*bytes))),
            Storage::F32 => {
                stored.as_chunks().0.iter().for_each(|bytes| {
                    give(self.zero + self.scale * f64::from(f32::from_be_bytes(*bytes)));
                });
            }
            Storage::F64 => {
                stored.as_chunks().0.iter().for_each(|bytes| give(self.zero + self.scale * f64::from_be_bytes(*bytes)));
            }
        }
    }
}

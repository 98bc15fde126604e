//! When a picture was taken, as EXIF says it: in JPEG, TIFF (`BigTIFF` too), PNG and WebP.
//!
//! Only what is needed is read: segments of a JPEG are passed over, and of a TIFF two lists of fields are looked at.

use std::io::{self, Read, Seek, SeekFrom};

/// A moment: seconds since 1970, and nanoseconds. Without a time zone it is taken for UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

/// Segments or chunks of a file that are passed over before the search ends.
const MOST_STEPS: usize = 4096;
/// Fields of one list that are looked at.
const MOST_FIELDS: u64 = 4096;

const EXIF_FIELDS: u16 = 0x8769;
/// Date, fraction of the second, time zone: when the picture was taken, when it was digitised.
const DATES: [[u16; 3]; 2] = [[0x9003, 0x9291, 0x9011], [0x9004, 0x9292, 0x9012]];
/// When the file was written by the camera or scanner.
const DATE_OF_FILE: u16 = 0x0132;

/// When the picture was taken, else when it was digitised, else when its file was made.
pub(crate) fn taken(file: &mut (impl Read + Seek)) -> Option<Moment> {
    let base = block(file).ok()??;
    Fields::begin(file, base)?.moment()
}

/// Where the TIFF structure with the fields begins.
fn block(file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    let mut head = [0; 12];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut head)?;
    match head {
        [0xff, 0xd8, ..] => in_jpeg(file),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(Some(0)),
        [0x89, b'P', b'N', b'G', ..] => in_chunks(file, 8, Chunks::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => in_chunks(file, 12, Chunks::Riff),
        _ => Ok(None),
    }
}

fn in_jpeg(file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    let mut at = 2;
    for _ in 0..MOST_STEPS {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 4];
        file.read_exact(&mut head)?;
        let [0xff, marker, high, low] = head else { return Ok(None) };
        match marker {
            // Fill bytes before a marker.
            0xff => {
                at += 1;
                continue;
            }
            0xda | 0xd9 => return Ok(None),
            0xe1 => {
                let mut name = [0; 6];
                file.read_exact(&mut name)?;
                if &name == b"Exif\0\0" {
                    return Ok(Some(at + 10));
                }
            }
            _ => {}
        }
        at += 2 + u64::from(u16::from_be_bytes([high, low])).max(2);
    }
    Ok(None)
}

#[derive(Clone, Copy)]
enum Chunks {
    Png,
    Riff,
}

fn in_chunks(file: &mut (impl Read + Seek), mut at: u64, kind: Chunks) -> io::Result<Option<u64>> {
    for _ in 0..MOST_STEPS {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, e, f, g, h] = head;
        let (name, length) = match kind {
            Chunks::Png => ([e, f, g, h], u64::from(u32::from_be_bytes([a, b, c, d]))),
            Chunks::Riff => ([a, b, c, d], u64::from(u32::from_le_bytes([e, f, g, h]))),
        };
        match (kind, &name) {
            (Chunks::Png, b"eXIf") => return Ok(Some(at + 8)),
            (Chunks::Riff, b"EXIF") => {
                // Some writers put the name of the JPEG segment before it.
                let mut name = [0; 6];
                file.read_exact(&mut name)?;
                return Ok(Some(if &name == b"Exif\0\0" { at + 14 } else { at + 8 }));
            }
            (Chunks::Png, b"IEND") => return Ok(None),
            _ => {}
        }
        at += match kind {
            Chunks::Png => length + 12,
            Chunks::Riff => length + 8 + length % 2,
        };
    }
    Ok(None)
}

/// The fields of a TIFF structure.
struct Fields<'f, F> {
    file: &'f mut F,
    base: u64,
    is_big_endian: bool,
    /// `BigTIFF`: numbers and places have 8 bytes.
    is_big: bool,
    first: u64,
}

/// One field: where its value lies, and how many items it has.
#[derive(Clone, Copy)]
struct Field {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where the value or the place of the value stands.
    at: u64,
}

impl<'f, F: Read + Seek> Fields<'f, F> {
    fn begin(file: &'f mut F, base: u64) -> Option<Self> {
        let mut head = [0; 16];
        file.seek(SeekFrom::Start(base)).ok()?;
        file.read_exact(&mut head[..8]).ok()?;
        let is_big_endian = head[0] == b'M';
        let mut fields = Self { file, base, is_big_endian, is_big: head[2] == 43 || head[3] == 43, first: 0 };
        fields.first = if fields.is_big { fields.number(base + 8, 8)? } else { fields.number(base + 4, 4)? };
        Some(fields)
    }

    /// A number of so many bytes at a place of the file.
    fn number(&mut self, at: u64, bytes: usize) -> Option<u64> {
        let mut buffer = [0; 8];
        let buffer = buffer.get_mut(..bytes)?;
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(buffer).ok()?;
        if !self.is_big_endian {
            buffer.reverse();
        }
        Some(buffer.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The fields at a place of the structure.
    fn list(&mut self, place: u64) -> Option<Vec<Field>> {
        let (count_bytes, step, wide) = if self.is_big { (8, 20, 8) } else { (2, 12, 4) };
        let start = self.base.checked_add(place)?;
        let count = self.number(start, count_bytes)?.min(MOST_FIELDS);
        let mut list = Vec::new();
        for place in 0..count {
            let at = start.checked_add(count_bytes as u64 + place * step)?;
            let Some(tag) = self.number(at, 2) else { break };
            let Some(kind) = self.number(at + 2, 2) else { break };
            let Some(count) = self.number(at + 4, wide) else { break };
            list.push(Field { tag: tag as u16, kind: kind as u16, count, at: at + 4 + wide as u64 });
        }
        Some(list)
    }

    fn text(&mut self, field: Field) -> Option<String> {
        let wide = if self.is_big { 8 } else { 4 };
        // Dates and zones are short; what is longer is none.
        let length = usize::try_from(field.count).ok().filter(|length| field.kind == 2 && *length <= 64)?;
        let at = if length <= wide { field.at } else { self.base.checked_add(self.number(field.at, wide)?)? };
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(length);
        String::from_utf8(bytes[..end].to_vec()).ok()
    }

    fn moment(mut self) -> Option<Moment> {
        let outer = self.list(self.first)?;
        let wide =
            if self.is_big && outer.iter().any(|field| field.tag == EXIF_FIELDS && field.kind != 4) { 8 } else { 4 };
        let inner = outer.iter().find(|field| field.tag == EXIF_FIELDS).copied();
        let inner = inner.and_then(|field| self.number(field.at, wide)).and_then(|place| self.list(place));
        let inner = inner.unwrap_or_default();
        for tags in DATES {
            let [date, fraction, zone] =
                tags.map(|tag| inner.iter().find(|field| field.tag == tag).copied().and_then(|field| self.text(field)));
            let moment = date.and_then(|date| parse(&date, fraction.as_deref(), zone.as_deref()));
            if moment.is_some() {
                return moment;
            }
        }
        let of_file = outer.iter().find(|field| field.tag == DATE_OF_FILE).copied()?;
        parse(&self.text(of_file)?, None, None)
    }
}

/// `2024:05:03 14:07:59`, the digits behind the second, and `+02:00`.
fn parse(date: &str, fraction: Option<&str>, zone: Option<&str>) -> Option<Moment> {
    let numbers: Vec<i64> = date
        .trim()
        .split([':', ' ', '-', 'T'])
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten())
        .collect::<Option<_>>()?;
    let [year, month, day, hour, minute, second] = numbers.as_slice() else { return None };
    let is_sound = (1..=12).contains(month)
        && (1..=31).contains(day)
        && (0..24).contains(hour)
        && (0..60).contains(minute)
        && (0..=60).contains(second)
        && (1..=9999).contains(year);
    if !is_sound {
        return None;
    }
    let digits: String = fraction.unwrap_or_default().trim().chars().take(9).collect();
    let nanoseconds =
        if digits.bytes().all(|byte| byte.is_ascii_digit()) { format!("{digits:0<9}").parse().ok()? } else { 0 };
    let seconds = days(*year, *month, *day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Moment { seconds: seconds - zone.and_then(offset).unwrap_or_default(), nanoseconds })
}

/// Days since 1970, of the Gregorian calendar. Years begin in March, so that the day that is not in every year is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year - 719_468
}

/// `+02:00` and `Z` in seconds.
fn offset(zone: &str) -> Option<i64> {
    let zone = zone.trim();
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A TIFF structure with these texts in its list of EXIF fields.
    fn tiff(fields: &[(u16, &str)]) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0\x01\0".to_vec();
        bytes.extend_from_slice(&EXIF_FIELDS.to_le_bytes());
        bytes.extend_from_slice(&[4, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&(fields.len() as u16).to_le_bytes());
        let mut values = Vec::new();
        let after = 28 + fields.len() * 12 + 4;
        for (tag, text) in fields {
            let text = [text.as_bytes(), b"\0"].concat();
            bytes.extend_from_slice(&tag.to_le_bytes());
            bytes.extend_from_slice(&[2, 0]);
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            if text.len() <= 4 {
                bytes.extend_from_slice(&text);
                bytes.resize(bytes.len() + 4 - text.len(), 0);
            } else {
                bytes.extend_from_slice(&((after + values.len()) as u32).to_le_bytes());
                values.extend_from_slice(&text);
            }
        }
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&values);
        bytes
    }

    fn jpeg(tiff: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xe1];
        bytes.extend_from_slice(&((tiff.len() + 8) as u16).to_be_bytes());
        bytes.extend_from_slice(b"Exif\0\0");
        bytes.extend_from_slice(tiff);
        bytes.extend_from_slice(&[0xff, 0xd9]);
        bytes
    }

    #[test]
    fn the_moment_is_found_in_every_kind_of_file() {
        let fields = tiff(&[(0x9003, "2024:05:03 14:07:59"), (0x9291, "25"), (0x9011, "+02:00")]);
        let png = {
            let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
            bytes.extend_from_slice(&[0, 0, 0, 0, b't', b'E', b'X', b't', 0, 0, 0, 0]);
            bytes.extend_from_slice(&(fields.len() as u32).to_be_bytes());
            bytes.extend_from_slice(b"eXIf");
            [bytes, fields.clone()].concat()
        };
        let webp = [b"RIFF\0\0\0\0WEBPVP8 \x01\0\0\0x\0EXIF\0\0\0\0", fields.as_slice()].concat();
        for (kind, bytes) in [("tiff", fields.clone()), ("jpeg", jpeg(&fields)), ("png", png), ("webp", webp)] {
            let wanted = Moment { seconds: 1_714_738_079, nanoseconds: 250_000_000 };
            assert_eq!(taken(&mut Cursor::new(bytes)), Some(wanted), "{kind}");
        }
    }

    #[test]
    fn days_are_counted_as_calendars_do() {
        for (date, seconds) in [
            ("1970:01:01 00:00:00", Some(0)),
            ("2000:02:29 00:00:00", Some(951_782_400)),
            ("2000:03:01 00:00:00", Some(951_868_800)),
            ("1999:12:31 23:59:59", Some(946_684_799)),
            ("2024-05-03T12:07:59", Some(1_714_738_079)),
            ("0000:00:00 00:00:00", None),
            ("    :  :     :  :  ", None),
            ("2024:13:01 00:00:00", None),
            ("", None),
        ] {
            assert_eq!(parse(date, None, None).map(|moment| moment.seconds), seconds, "{date}");
        }
        assert_eq!(offset("-03:30"), Some(-12_600));
        assert_eq!(offset("x"), None);
    }

    #[test]
    fn the_date_of_digitising_counts_where_that_of_taking_is_not_known() {
        let bytes = tiff(&[(0x9003, "    :  :     :  :  "), (0x9004, "1970:01:01 00:00:01")]);
        assert_eq!(taken(&mut Cursor::new(bytes)), Some(Moment { seconds: 1, nanoseconds: 0 }));
    }

    #[test]
    fn broken_files_have_no_moment() {
        let whole = jpeg(&tiff(&[(0x9003, "2024:05:03 14:07:59")]));
        for length in 0..whole.len() - 22 {
            assert_eq!(taken(&mut Cursor::new(&whole[..length])), None, "{length}");
        }
        // A list of fields that lies in itself, and places beyond the end.
        let circle = [b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0".as_slice(), &[0xff; 64]].concat();
        assert_eq!(taken(&mut Cursor::new(circle)), None);
        assert_eq!(taken(&mut Cursor::new([0xff; 64])), None);
    }
}

//! The media type of a file that is offered beside an object, by its content and its name.

/// What a file is to those who fetch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// Its media type, as registered with IANA where it is.
    pub format: &'static str,
    /// Its class in the Presentation API: `Text`, `Image`, `Sound`, `Video`, `Model` or `Dataset`.
    pub class: &'static str,
    /// A browser that opens it runs what is in it: to be sent as an attachment.
    pub is_active: bool,
}

/// Extensions, media types and classes.
#[rustfmt::skip]
const TYPES: &[(&str, &str, &str)] = &[
    ("pdf", "application/pdf", "Text"), ("epub", "application/epub+zip", "Text"), ("mobi", "application/x-mobipocket-ebook", "Text"),
    ("txt", "text/plain", "Text"), ("md", "text/markdown", "Text"), ("html", "text/html", "Text"), ("htm", "text/html", "Text"),
    ("xhtml", "application/xhtml+xml", "Text"), ("hocr", "text/vnd.hocr+html", "Text"), ("rtf", "application/rtf", "Text"),
    ("doc", "application/msword", "Text"), ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Text"),
    ("odt", "application/vnd.oasis.opendocument.text", "Text"), ("ppt", "application/vnd.ms-powerpoint", "Text"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", "Text"),
    ("odp", "application/vnd.oasis.opendocument.presentation", "Text"), ("tex", "application/x-tex", "Text"),
    ("vtt", "text/vtt", "Text"), ("srt", "application/x-subrip", "Text"), ("tei", "application/tei+xml", "Text"),
    ("xml", "application/xml", "Dataset"), ("json", "application/json", "Dataset"), ("jsonld", "application/ld+json", "Dataset"),
    ("csv", "text/csv", "Dataset"), ("tsv", "text/tab-separated-values", "Dataset"), ("tab", "text/tab-separated-values", "Dataset"),
    ("xls", "application/vnd.ms-excel", "Dataset"), ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Dataset"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet", "Dataset"), ("rdf", "application/rdf+xml", "Dataset"),
    ("ttl", "text/turtle", "Dataset"), ("nt", "application/n-triples", "Dataset"), ("bib", "application/x-bibtex", "Dataset"),
    ("ris", "application/x-research-info-systems", "Dataset"), ("mrc", "application/marc", "Dataset"), ("yaml", "application/yaml", "Dataset"),
    ("yml", "application/yaml", "Dataset"), ("zip", "application/zip", "Dataset"), ("gz", "application/gzip", "Dataset"),
    ("tar", "application/x-tar", "Dataset"), ("7z", "application/x-7z-compressed", "Dataset"), ("geojson", "application/geo+json", "Dataset"),
    ("kml", "application/vnd.google-earth.kml+xml", "Dataset"), ("mid", "audio/midi", "Sound"), ("midi", "audio/midi", "Sound"),
    ("musicxml", "application/vnd.recordare.musicxml+xml", "Dataset"), ("mei", "application/xml", "Dataset"),
    ("glb", "model/gltf-binary", "Model"), ("gltf", "model/gltf+json", "Model"), ("obj", "model/obj", "Model"), ("stl", "model/stl", "Model"),
    ("ply", "application/octet-stream", "Model"), ("usdz", "model/vnd.usdz+zip", "Model"), ("3mf", "model/3mf", "Model"),
    ("jpg", "image/jpeg", "Image"), ("jpeg", "image/jpeg", "Image"), ("png", "image/png", "Image"), ("gif", "image/gif", "Image"),
    ("tif", "image/tiff", "Image"), ("tiff", "image/tiff", "Image"), ("jp2", "image/jp2", "Image"), ("jpx", "image/jpx", "Image"),
    ("webp", "image/webp", "Image"), ("avif", "image/avif", "Image"), ("heic", "image/heic", "Image"), ("svg", "image/svg+xml", "Image"),
    ("bmp", "image/bmp", "Image"), ("jxl", "image/jxl", "Image"), ("djvu", "image/vnd.djvu", "Image"), ("djv", "image/vnd.djvu", "Image"),
    ("psd", "image/vnd.adobe.photoshop", "Image"), ("dng", "image/x-adobe-dng", "Image"), ("dcm", "application/dicom", "Image"),
    ("mp3", "audio/mpeg", "Sound"), ("m4a", "audio/mp4", "Sound"), ("m4b", "audio/mp4", "Sound"), ("aac", "audio/aac", "Sound"),
    ("ogg", "audio/ogg", "Sound"), ("oga", "audio/ogg", "Sound"), ("opus", "audio/ogg", "Sound"), ("flac", "audio/flac", "Sound"),
    ("wav", "audio/wav", "Sound"), ("aif", "audio/aiff", "Sound"), ("aiff", "audio/aiff", "Sound"), ("mka", "audio/x-matroska", "Sound"),
    ("mp4", "video/mp4", "Video"), ("m4v", "video/mp4", "Video"), ("mov", "video/quicktime", "Video"), ("webm", "video/webm", "Video"),
    ("mkv", "video/x-matroska", "Video"), ("ogv", "video/ogg", "Video"), ("avi", "video/x-msvideo", "Video"), ("mpg", "video/mpeg", "Video"),
    ("mpeg", "video/mpeg", "Video"), ("flv", "video/x-flv", "Video"), ("ts", "video/mp2t", "Video"), ("3gp", "video/3gpp", "Video"),
];

/// What a file is called that is nothing known.
const UNKNOWN: MediaType = MediaType { format: "application/octet-stream", class: "Dataset", is_active: false };

/// What a file of this name is whose content begins like this (some kilobytes are enough, none is allowed). Content that shows
/// what it is counts; where it shows only a family (ZIP, XML, text) the name says which of it.
pub fn media_type(name: &str, head: &[u8]) -> MediaType {
    let named = name.rsplit_once('.').and_then(|(_, extension)| by_extension(extension));
    if head.is_empty() {
        return named.unwrap_or(UNKNOWN);
    }
    if let Some(shown) = signature(head) {
        // A name may say more of the same kind: M4A is MP4.
        let same = named.filter(|named| family(named.format) == family(shown.format));
        return same.unwrap_or(shown);
    }
    let is_named = |list: &[&str]| named.is_some_and(|named| list.contains(&named.format));
    if head.starts_with(b"PK\x03\x04") {
        return named.filter(|named| is_zipped(named.format)).unwrap_or_else(|| known("zip"));
    }
    if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        let office = ["application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"];
        return named.filter(|_| is_named(&office)).unwrap_or(UNKNOWN);
    }
    let Some(text) = beginning(head) else {
        // It is not text: what the name says may still be true, unless it says that it is text.
        return named
            .filter(|named| !named.format.starts_with("text/") && !is_named(&["image/svg+xml"]))
            .unwrap_or(UNKNOWN);
    };
    of_text(&text, named)
}

fn of_text(text: &str, named: Option<MediaType>) -> MediaType {
    let lower: String = text.chars().take(512).collect::<String>().to_ascii_lowercase();
    let is_html = lower.starts_with("<!doctype html") || lower.starts_with("<html");
    if text.starts_with("WEBVTT") {
        return known("vtt");
    }
    if is_html || lower.contains("<html") || lower.contains("<script") {
        return named.filter(|named| named.is_active && named.format.contains("html")).unwrap_or_else(|| known("html"));
    }
    if text.starts_with('<') {
        if lower.contains("<svg") {
            return known("svg");
        }
        return named.filter(|named| named.format.contains("xml")).unwrap_or_else(|| known("xml"));
    }
    let fits = |named: &MediaType| {
        let binary = ["Image", "Sound", "Video"].contains(&named.class) || is_zipped(named.format);
        !binary && !["application/pdf", "application/zip", "application/gzip"].contains(&named.format)
    };
    named.filter(fits).unwrap_or_else(|| known("txt"))
}

fn by_extension(extension: &str) -> Option<MediaType> {
    let (_, format, class) = TYPES.iter().find(|(known, ..)| extension.eq_ignore_ascii_case(known))?;
    Some(MediaType { format, class, is_active: is_active(format) })
}

/// The type of an extension of the table.
fn known(extension: &str) -> MediaType {
    by_extension(extension).unwrap_or(UNKNOWN)
}

fn is_active(format: &str) -> bool {
    format.contains("html") || format.contains("xml") && !format.contains("openxml")
}

fn is_zipped(format: &str) -> bool {
    format.contains("openxml") || format.contains("opendocument") || format.ends_with("+zip") || format == "model/3mf"
}

/// What formats of the same container share.
fn family(format: &str) -> &str {
    match format {
        "audio/mp4" | "video/mp4" | "video/quicktime" | "video/3gpp" => "mp4",
        "audio/ogg" | "video/ogg" => "ogg",
        "video/webm" | "audio/x-matroska" | "video/x-matroska" => "matroska",
        "image/jp2" | "image/jpx" => "jp2",
        "image/tiff" | "image/x-adobe-dng" => "tiff",
        other => other,
    }
}

fn signature(head: &[u8]) -> Option<MediaType> {
    let brand = head.get(8..12).unwrap_or_default();
    let extension = match head {
        [b'%', b'P', b'D', b'F', b'-', ..] => "pdf",
        [0xff, 0xd8, 0xff, ..] => "jpg",
        [0x89, b'P', b'N', b'G', ..] => "png",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => "tif",
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] => "jp2",
        [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] | [0xff, 0x0a, ..] => "jxl",
        [b'8', b'B', b'P', b'S', ..] => "psd",
        [b'A', b'T', b'&', b'T', b'F', b'O', b'R', b'M', ..] => "djvu",
        [b'g', b'l', b'T', b'F', ..] => "glb",
        [0x1f, 0x8b, ..] => "gz",
        [b'7', b'z', 0xbc, 0xaf, ..] => "7z",
        [b'M', b'T', b'h', b'd', ..] => "mid",
        [b'{', b'\\', b'r', b't', b'f', ..] => "rtf",
        [b'f', b'L', b'a', b'C', ..] => "flac",
        [b'O', b'g', b'g', b'S', ..] => "ogg",
        [b'I', b'D', b'3', ..] => "mp3",
        [b'F', b'L', b'V', 1, ..] => "flv",
        [0, 0, 1, 0xba | 0xb3, ..] => "mpg",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "mkv",
        [b'R', b'I', b'F', b'F', ..] if brand == b"WAVE" => "wav",
        [b'R', b'I', b'F', b'F', ..] if brand == b"AVI " => "avi",
        [b'R', b'I', b'F', b'F', ..] if brand == b"WEBP" => "webp",
        [b'F', b'O', b'R', b'M', ..] if brand.starts_with(b"AIF") => "aiff",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => match brand {
            b"avif" | b"avis" => "avif",
            b"heic" | b"heix" | b"mif1" | b"msf1" => "heic",
            b"qt  " => "mov",
            b"M4A " | b"M4B " => "m4a",
            [b'3', b'g', ..] => "3gp",
            _ => "mp4",
        },
        _ if head.get(128..132) == Some(b"DICM") => "dcm",
        _ if head.get(257..262) == Some(b"ustar") => "tar",
        _ => return None,
    };
    Some(known(extension))
}

/// The beginning as text without its mark and leading space, where it is text.
fn beginning(head: &[u8]) -> Option<String> {
    let text = match head {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
            if head.iter().take(4096).any(|byte| matches!(byte, 0..=8 | 0x0e..=0x1a)) {
                return None;
            }
            String::from_utf8_lossy(&head[..head.len().min(4096)]).into_owned()
        }
    };
    Some(text.trim_start().to_owned())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).take(2048).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_counts_and_the_name_says_which_of_a_family() {
        for (name, head, format, class) in [
            ("a.pdf", &b"%PDF-1.7"[..], "application/pdf", "Text"),
            ("a.txt", b"%PDF-1.7", "application/pdf", "Text"),
            ("a.PDF", b"", "application/pdf", "Text"),
            ("a.pdf", b"<!DOCTYPE html><p>", "text/html", "Text"),
            ("a.pdf", b"plain", "text/plain", "Text"),
            ("a.epub", b"PK\x03\x04", "application/epub+zip", "Text"),
            ("a.pdf", b"PK\x03\x04", "application/zip", "Dataset"),
            (
                "a.docx",
                b"PK\x03\x04",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "Text",
            ),
            ("a.doc", b"\xd0\xcf\x11\xe0", "application/msword", "Text"),
            ("a.tei", b"<?xml version='1.0'?><TEI/>", "application/tei+xml", "Text"),
            ("a.xml", b"\xef\xbb\xbf<mets/>", "application/xml", "Dataset"),
            ("a.txt", b"<svg xmlns='x'/>", "image/svg+xml", "Image"),
            ("a.csv", b"a,b\n", "text/csv", "Dataset"),
            ("a.csv", b"\0\x01\x02", "application/octet-stream", "Dataset"),
            ("a.json", b"{}", "application/json", "Dataset"),
            ("a", b"hello", "text/plain", "Text"),
            ("a", b"", "application/octet-stream", "Dataset"),
            ("a.vtt", b"WEBVTT\n", "text/vtt", "Text"),
            ("a.m4b", b"\0\0\0\x20ftypisom", "audio/mp4", "Sound"),
            ("a.ogv", b"OggS", "video/ogg", "Video"),
            ("a.mp3", b"RIFF\0\0\0\0WAVE", "audio/wav", "Sound"),
            ("a.glb", b"glTF", "model/gltf-binary", "Model"),
            ("a.mp4", b"text", "text/plain", "Text"),
        ] {
            let found = media_type(name, head);
            assert_eq!((found.format, found.class), (format, class), "{name} {head:?}");
        }
    }

    #[test]
    fn what_a_browser_would_run_is_marked() {
        for (name, head, active) in [
            ("a.html", &b"<p>"[..], true),
            ("a.txt", b"x <script>alert(1)</script>", true),
            ("a.svg", b"<svg/>", true),
            ("a.xml", b"<a/>", true),
            ("a.docx", b"PK\x03\x04", false),
            ("a.txt", b"plain", false),
            ("a.pdf", b"%PDF-1", false),
        ] {
            assert_eq!(media_type(name, head).is_active, active, "{name}");
        }
    }
}

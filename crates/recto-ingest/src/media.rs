//! Which files are pages, and which say something about pages, by their names. What a file really holds is found out when
//! it is opened.

use recto_codec::SourceFormat;
use serde::{Deserialize, Serialize};

/// What a file can be to an object, judged by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Media {
    /// A picture, or a document of pages.
    #[serde(rename = "i")]
    Image,
    /// A recording of sound or of moving pictures.
    #[serde(rename = "r")]
    Recording,
}

/// What a name makes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Content of a page.
    Content(Media),
    /// Something that describes, structures or transcribes.
    Side,
}

/// Extensions of recordings, in lower case.
const RECORDING_EXTENSIONS: [&str; 22] = [
    "mp3", "m4a", "m4b", "aac", "ogg", "oga", "opus", "flac", "wav", "aif", "aiff", "mp4", "m4v", "mov", "webm", "mkv",
    "mka", "ogv", "avi", "mpg", "mpeg", "flv",
];

/// Extensions of files that say something about objects and pages, in lower case.
const SIDE_EXTENSIONS: [&str; 20] = [
    "xml", "hocr", "html", "htm", "txt", "vtt", "srt", "json", "jsonld", "jsonl", "ndjson", "yml", "yaml", "toml",
    "csv", "tsv", "tab", "xlsx", "xls", "ods",
];

/// Folders beside the pages in which their texts lie, in lower case.
const TEXT_FOLDERS: [&str; 10] =
    ["alto", "ocr", "page", "hocr", "txt", "text", "fulltext", "xml", "annotations", "captions"];

/// True for a folder that holds texts or annotations of the pages beside it, as long as no pages lie in it.
pub fn is_text_folder(name: &str) -> bool {
    TEXT_FOLDERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// What a file of this name is to an object; `None` for files that are nothing to it.
pub(crate) fn role(name: &str) -> Option<Role> {
    let (stem, extension) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?;
    let is_of = |known: &[&str]| known.iter().any(|known| extension.eq_ignore_ascii_case(known));
    if is_image(extension) {
        // The picture that stands for the whole is no page of it.
        let is_thumbnail = stem.eq_ignore_ascii_case("thumb") || stem.eq_ignore_ascii_case("thumbnail");
        return Some(if is_thumbnail { Role::Side } else { Role::Content(Media::Image) });
    }
    if is_of(&RECORDING_EXTENSIONS) {
        return Some(Role::Content(Media::Recording));
    }
    is_of(&SIDE_EXTENSIONS).then_some(Role::Side)
}

/// The name without its extension, where the extension is that of content.
pub(crate) fn content_stem(name: &str) -> Option<&str> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_recording = RECORDING_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known));
    ((is_image(extension) || is_recording) && !stem.is_empty()).then_some(stem)
}

/// True for the extension of a format that is read.
fn is_image(extension: &str) -> bool {
    SourceFormat::of_extension(extension).is_some()
}

/// The media type under which a file of the library is given out as it is; `None` for files that are not: originals of
/// images, what says how the library is published, and everything of an unknown kind.
pub fn published_media_type(path: &str) -> Option<&'static str> {
    if path.split('/').any(|part| part.is_empty() || is_passed_over(part)) {
        return None;
    }
    let name = path.rsplit('/').next()?.to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.')?;
    if matches!(stem, "recto" | "info" | "access" | "mapping") && !matches!(extension, "xml" | "txt") {
        return None;
    }
    Some(match extension {
        "mp3" => "audio/mpeg",
        "m4a" | "m4b" => "audio/mp4",
        "aac" => "audio/aac",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "wav" => "audio/wav",
        "aif" | "aiff" => "audio/aiff",
        "mka" => "audio/x-matroska",
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        "ogv" => "video/ogg",
        "avi" => "video/x-msvideo",
        "mpg" | "mpeg" => "video/mpeg",
        "flv" => "video/x-flv",
        "vtt" => "text/vtt; charset=utf-8",
        "srt" => "application/x-subrip",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "hocr" | "html" | "htm" => "text/vnd.hocr+html; charset=utf-8",
        "pdf" => "application/pdf",
        _ => return None,
    })
}

/// True for names that are never published: hidden files, sidecar folders, thumbnails and snapshots of storage systems,
/// backups.
pub(crate) fn is_passed_over(name: &str) -> bool {
    name.starts_with(['.', '_', '@', '~'])
}

/// Why no identifier can hold this name: such characters do not survive the way through URLs, proxies and logs.
pub(crate) fn unusable_character(name: &str) -> Option<&'static str> {
    if name.contains('\\') {
        Some("a backslash")
    } else if name.contains(char::is_control) {
        Some("a control character")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_their_role_by_their_name() {
        for (name, wanted) in [
            ("001.tif", Some(Role::Content(Media::Image))),
            ("thumb.JPG", Some(Role::Side)),
            ("interview.Mp3", Some(Role::Content(Media::Recording))),
            ("interview.en.vtt", Some(Role::Side)),
            ("recto.yml", Some(Role::Side)),
            ("mets.xml", Some(Role::Side)),
            ("Thumbs.db", None),
            (".yml", None),
            ("README", None),
        ] {
            assert_eq!(role(name), wanted, "{name}");
        }
    }

    #[test]
    fn files_of_every_format_that_is_read_are_pages() {
        for extension in SourceFormat::ALL.into_iter().flat_map(SourceFormat::extensions) {
            let name = format!("001.{}", extension.to_uppercase());
            assert_eq!(role(&name), Some(Role::Content(Media::Image)), "{name}");
            assert_eq!(content_stem(&name), Some("001"), "{name}");
            let is_other = RECORDING_EXTENSIONS.iter().chain(&SIDE_EXTENSIONS).any(|other| other == extension);
            assert!(!is_other, "{extension} is of one kind");
        }
    }

    #[test]
    fn only_what_manifests_may_name_is_given_out() {
        for (path, wanted) in [
            ("a/interview.MP3", Some("audio/mpeg")),
            ("a/mets.xml", Some("application/xml")),
            ("a/001.tif", None),
            ("a/recto.yml", None),
            ("access.yml", None),
            ("a/pages.csv", None),
            ("a/.git/x.txt", None),
            ("_private/x.txt", None),
            ("a//x.txt", None),
            ("README", None),
        ] {
            assert_eq!(published_media_type(path), wanted, "{path}");
        }
    }

    #[test]
    fn content_is_known_by_its_extension() {
        for (name, stem) in [
            ("001.tif", Some("001")),
            ("001.TIFF", Some("001")),
            ("a.b.Jpg", Some("a.b")),
            ("x.ptif", Some("x")),
            ("x.bmp", Some("x")),
            ("x.jpe", Some("x")),
            ("x.webp", Some("x")),
            ("x.gif", Some("x")),
            ("x.png", Some("x")),
            ("x.jp2", Some("x")),
            ("x.j2k", Some("x")),
            ("x.PDF", Some("x")),
            ("x.fits", Some("x")),
            ("001", None),
            (".tif", None),
            ("tif", None),
            ("001.tif.txt", None),
            ("001.xml", None),
            ("", None),
        ] {
            assert_eq!(content_stem(name), stem, "{name}");
        }
    }
}

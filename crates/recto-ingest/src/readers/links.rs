//! What the addresses in a file lead to: files of the folder, or resources on the web. Nothing leads outside the folder.

use super::Context;
use super::forms;
use crate::description::Location;

/// What an address leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// A path relative to the folder, or a URL.
    pub(super) address: String,
    pub(super) is_local: bool,
    /// Whether the file exists, where the caller told which do.
    pub(super) exists: Option<bool>,
    /// The page of a file of several.
    pub(super) page: Option<u32>,
}

/// Why an address leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    Empty,
    /// It is a path out of the folder.
    Outside,
    /// Its scheme is none that can be used.
    Scheme,
}

impl Unresolved {
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Empty => "is empty",
            Self::Outside => "leads out of the folder of this file",
            Self::Scheme => "is neither a path nor an address of the web",
        }
    }
}

impl Target {
    /// As the place of content.
    pub(super) fn location(&self) -> Location {
        if self.is_local {
            return match self.page {
                Some(page) => Location::FilePage(self.address.clone(), page),
                None => Location::File(self.address.clone()),
            };
        }
        match image_service(&self.address) {
            Some(base) => Location::ImageService(base.to_owned()),
            None => Location::Url(self.address.clone()),
        }
    }
}

/// Finds what is meant by an address. Where the caller told which files exist, a file of the same name counts for one that does not.
pub(super) fn resolve(context: &Context<'_>, address: &str) -> Result<Target, Unresolved> {
    let address = address.trim();
    if address.is_empty() {
        return Err(Unresolved::Empty);
    }
    let files = context.input.files;
    let local = |path: String, page, exists| Target { address: path, is_local: true, exists, page };
    let by_name = |path: &str| {
        let files = files?;
        let found = files.same_name(path);
        found.or_else(|| files.same_stem(path, |found| same_class(found, path))).map(str::to_owned)
    };
    let lower = address.get(..8).unwrap_or(address).to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let decoded = decode(path);
        // Files that were fetched earlier lie here under their names; those of an image service have all the same.
        let has_own_name = image_service(address).is_none() && is_media(&decoded);
        if let Some(found) = files.filter(|_| has_own_name).and_then(|files| files.same_name(&decoded)) {
            return Ok(local(found.to_owned(), None, Some(true)));
        }
        let url = address.replace(' ', "%20");
        let is_sound = forms::is_http(&url) && !url.contains(char::is_control);
        return if is_sound {
            Ok(Target { address: url, is_local: false, exists: None, page: None })
        } else {
            Err(Unresolved::Scheme)
        };
    }
    let (path, is_file_uri) = match lower.strip_prefix("file:") {
        Some(_) => (file_path(&address[5..]), true),
        None => (address, false),
    };
    if !is_file_uri && has_scheme(path) {
        return Err(Unresolved::Scheme);
    }
    // The name itself may hold what would mean something in a URI.
    if let Some(files) = files.filter(|files| files.has(path)) {
        return if safe(path).is_some() {
            Ok(local(path.to_owned(), None, Some(files.has(path))))
        } else {
            Err(Unresolved::Outside)
        };
    }
    let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
    let page = fragment.strip_prefix("page=").and_then(|page| page.parse().ok()).filter(|page| *page > 0);
    let decoded = decode(path).replace('\\', "/");
    let Some(safe) = safe(&decoded) else {
        return by_name(&decoded).map(|found| local(found, page, Some(true))).ok_or(Unresolved::Outside);
    };
    if files.is_none_or(|files| files.has(&safe)) {
        return Ok(local(safe, page, files.map(|_| true)));
    }
    Ok(match by_name(&safe) {
        Some(found) => local(found, page, Some(true)),
        None => local(safe, page, Some(false)),
    })
}

/// The path of a `file:` URI. Many write a relative path where the host should be: `file://./images/1.tif`.
fn file_path(rest: &str) -> &str {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    path.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(path)
}

/// A path that leads out of the folder: for what is compared with known things and never opened.
pub(super) fn outward(address: &str) -> Option<String> {
    let address = address.trim();
    let is_file_uri = address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
    let path = if is_file_uri { file_path(&address[5..]) } else { address };
    let path = decode(path.split('#').next().unwrap_or_default()).replace('\\', "/");
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    (path.starts_with("../") && !is_drive && !path.contains(|c: char| c.is_control())).then_some(path)
}

fn decode(text: &str) -> String {
    match percent_encoding::percent_decode_str(text).decode_utf8() {
        Ok(decoded) => decoded.into_owned(),
        Err(_) => text.to_owned(),
    }
}

/// `scheme:` of two letters or more; a single letter is a drive.
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            && !scheme.contains('.')
    })
}

/// The path without `.` and `..`; `None` where it begins at a root or a drive, or leads out of its folder.
fn safe(path: &str) -> Option<String> {
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with('/') || is_drive || path.contains(|c: char| c.is_control()) {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

/// What a file is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Image,
    Sound,
    Video,
    Pdf,
    Text,
    Other,
}

/// The class of a media type, or else of a name.
pub(super) fn class(media_type: Option<&str>, path: &str) -> Class {
    let of_type = media_type.map(|media_type| match media_type.split(';').next().unwrap_or_default().trim() {
        "application/pdf" => Class::Pdf,
        "application/alto+xml" | "application/vnd.prima.page+xml" | "text/vtt" | "text/plain" | "text/html" => {
            Class::Text
        }
        "application/mxf" => Class::Video,
        media_type if media_type.starts_with("image/") => Class::Image,
        media_type if media_type.starts_with("audio/") => Class::Sound,
        media_type if media_type.starts_with("video/") => Class::Video,
        _ => Class::Other,
    });
    of_type.filter(|class| *class != Class::Other).unwrap_or_else(|| of_name(path))
}

fn of_name(path: &str) -> Class {
    match extension(path.split(['?', '#']).next().unwrap_or_default()).as_str() {
        "jpg" | "jpeg" | "jpe" | "tif" | "tiff" | "jp2" | "jpx" | "j2k" | "jpf" | "png" | "gif" | "webp" | "bmp"
        | "avif" | "heic" | "heif" | "jxl" | "psd" | "dcm" | "svg" => Class::Image,
        "mp3" | "wav" | "ogg" | "oga" | "flac" | "m4a" | "aac" | "aif" | "aiff" | "opus" => Class::Sound,
        "mp4" | "m4v" | "mov" | "webm" | "mkv" | "avi" | "mpg" | "mpeg" | "ogv" | "mxf" => Class::Video,
        "pdf" => Class::Pdf,
        "txt" | "vtt" | "srt" | "hocr" | "html" | "htm" | "xml" | "alto" => Class::Text,
        _ => Class::Other,
    }
}

fn is_media(path: &str) -> bool {
    of_name(path) != Class::Other
}

/// May one stand for the other?
fn same_class(a: &str, b: &str) -> bool {
    let (a, b) = (of_name(a), of_name(b));
    a == b && matches!(a, Class::Image | Class::Sound | Class::Video)
}

/// The base URI of an image service, where an address is that of its information or of a whole image of it.
pub(super) fn image_service(address: &str) -> Option<&str> {
    if let Some(base) = address.strip_suffix("/info.json") {
        return Some(base);
    }
    let mut parts = address.rsplitn(5, '/');
    let (quality, rotation, size, region, base) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (quality, format) = quality.split_once('.')?;
    let is_size = size == "full"
        || size == "max"
        || size == "^max"
        || size.contains(',') && size.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'!' | b'^'));
    let is_image = region == "full" && is_size && rotation.bytes().all(|b| b.is_ascii_digit()) && !rotation.is_empty();
    let is_quality = matches!(quality, "default" | "native" | "color" | "gray" | "bitonal") && format.len() <= 4;
    (is_image && is_quality && forms::is_http(base)).then_some(base)
}

/// The media type of a file by its name, where it is sure.
pub(super) fn media_type(path: &str) -> Option<&'static str> {
    Some(match extension(path.split(['?', '#']).next().unwrap_or_default()).as_str() {
        "pdf" => "application/pdf",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "tif" | "tiff" => "image/tiff",
        "jp2" => "image/jp2",
        "txt" => "text/plain",
        "vtt" => "text/vtt",
        "html" | "htm" | "hocr" => "text/html",
        "epub" => "application/epub+zip",
        "zip" => "application/zip",
        "xml" => "application/xml",
        "json" => "application/json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_outside() {
        for (given, want) in [
            ("a/b.tif", Some("a/b.tif")),
            ("./a//b.tif", Some("a/b.tif")),
            ("a/../b.tif", Some("b.tif")),
            ("../b.tif", None),
            ("a/../../b.tif", None),
            ("/etc/passwd", None),
            ("C:/b.tif", None),
            ("a\u{0}b", None),
            ("..", None),
            (".", None),
        ] {
            assert_eq!(safe(given).as_deref(), want, "{given}");
        }
    }

    #[test]
    fn paths_of_file_uris_may_be_relative() {
        for (given, want) in [
            ("///a/b.tif", "/a/b.tif"),
            ("//localhost/a/b.tif", "/a/b.tif"),
            ("//./a/b.tif", "./a/b.tif"),
            ("a/b.tif", "a/b.tif"),
        ] {
            assert_eq!(file_path(given), want, "{given}");
        }
    }

    #[test]
    fn image_services_are_seen() {
        for (given, want) in [
            ("https://a.org/iiif/x/full/max/0/default.jpg", Some("https://a.org/iiif/x")),
            ("https://a.org/iiif/x/full/,1200/0/native.jpg", Some("https://a.org/iiif/x")),
            ("https://a.org/iiif/x/info.json", Some("https://a.org/iiif/x")),
            ("https://a.org/iiif/x/0,0,10,10/max/0/default.jpg", None),
            ("https://a.org/full/x.jpg", None),
        ] {
            assert_eq!(image_service(given), want, "{given}");
        }
    }

    #[test]
    fn a_drive_is_no_scheme() {
        for (given, want) in [
            ("urn:nbn:de:1", true),
            ("ftp://a/b", true),
            ("C:\\a.tif", false),
            ("a:b.tif", false),
            ("x.y:z.tif", false),
        ] {
            assert_eq!(has_scheme(given), want, "{given}");
        }
    }
}

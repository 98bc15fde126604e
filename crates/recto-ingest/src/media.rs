//! Which files are pages, by their names. What a file really holds is found out when it is opened.

/// Extensions of image files, in lower case.
const IMAGE_EXTENSIONS: [&str; 29] = [
    "jpg", "jpeg", "jpe", "png", "tif", "tiff", "ptif", "ptiff", "btf", "webp", "gif", "bmp", "jp2", "jpx", "jpf",
    "jph", "j2k", "j2c", "pdf", "psd", "psb", "dcm", "dicom", "fits", "fit", "fts", "exr", "svg", "xpm",
];

/// The name without its extension, where the extension is that of an image.
pub(crate) fn image_stem(name: &str) -> Option<&str> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_image = IMAGE_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known));
    (is_image && !stem.is_empty()).then_some(stem)
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
    fn images_are_known_by_their_extension() {
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
            assert_eq!(image_stem(name), stem, "{name}");
        }
    }
}

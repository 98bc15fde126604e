//! The viewers and our own page files, as `web/build.mjs` made them, inside the binary.
//!
//! Files are stored Brotli-compressed where that makes them smaller, and unpacked for the rare client that does not take
//! Brotli. Their paths hold a hash of the bundle's content, so an answer may be cached for ever.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

use serde::Deserialize;

/// The path below the server's own under which assets are served: `{ASSET_PREFIX}/{path}`.
pub const ASSET_PREFIX: &str = "/_recto/assets";

#[derive(rust_embed::RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// What `manifest.json` says of one file.
#[derive(Debug, Deserialize)]
struct Entry {
    path: String,
    media_type: String,
    size: u64,
    sha256: String,
    stored: Stored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stored {
    Identity,
    Br,
}

#[derive(Debug, Default, Deserialize)]
struct Manifest {
    /// By logical name, such as `viewers/mirador/mirador.js`.
    files: HashMap<String, Entry>,
}

#[derive(Debug, Default)]
struct Table {
    manifest: Manifest,
    /// From the path under which a file is served to its logical name.
    by_path: HashMap<String, String>,
}

impl Table {
    fn new(manifest: Manifest) -> Self {
        let by_path = manifest.files.iter().map(|(name, entry)| (entry.path.clone(), name.clone())).collect();
        Self { manifest, by_path }
    }
}

/// A handle on the files that pages use; copying it is free.
#[derive(Debug, Clone, Copy)]
pub struct Assets {
    table: &'static Table,
}

/// One file, ready to answer with.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The body, encoded as `encoding` says.
    pub bytes: Cow<'static, [u8]>,
    /// The value of `Content-Type`, with charset.
    pub media_type: String,
    /// The value of `Content-Encoding`, if any. Answers vary by `Accept-Encoding` in either case.
    pub encoding: Option<&'static str>,
    /// A strong `ETag`, with its quotes; differs between encodings.
    pub etag: String,
}

impl Assets {
    /// The files embedded in this binary; none when `web/dist` was not built before it.
    pub fn embedded() -> Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        let table = TABLE.get_or_init(|| {
            let manifest = Dist::get("manifest.json").and_then(|file| serde_json::from_slice(&file.data).ok());
            Table::new(manifest.unwrap_or_default())
        });
        Self { table }
    }

    /// No files at all, as in a build without `web/dist`.
    pub fn none() -> Self {
        static EMPTY: OnceLock<Table> = OnceLock::new();
        Self { table: EMPTY.get_or_init(Table::default) }
    }

    /// Whether there are any.
    pub fn is_built(self) -> bool {
        !self.table.manifest.files.is_empty()
    }

    /// The URL path of a file by its logical name (`ui/recto.css`), to be put behind the server's own base path.
    pub fn url(self, logical: &str) -> Option<String> {
        self.table.manifest.files.get(logical).map(|entry| format!("{ASSET_PREFIX}/{}", entry.path))
    }

    /// The file served under `{ASSET_PREFIX}/{path}`. Brotli-compressed only if the client accepts that.
    pub fn get(self, path: &str, accepts_brotli: bool) -> Option<Asset> {
        let entry = self.table.manifest.files.get(self.table.by_path.get(path)?)?;
        let tag = entry.sha256.get(..20).unwrap_or(&entry.sha256);
        let media_type = entry.media_type.clone();
        match (entry.stored, accepts_brotli) {
            (Stored::Identity, _) => {
                let bytes = Dist::get(path)?.data;
                Some(Asset { bytes, media_type, encoding: None, etag: format!("\"{tag}\"") })
            }
            (Stored::Br, true) => {
                let bytes = Dist::get(&format!("{path}.br"))?.data;
                Some(Asset { bytes, media_type, encoding: Some("br"), etag: format!("\"{tag}-br\"") })
            }
            (Stored::Br, false) => {
                let packed = Dist::get(&format!("{path}.br"))?.data;
                let bytes = Cow::Owned(unpack(&packed, entry.size)?);
                Some(Asset { bytes, media_type, encoding: None, etag: format!("\"{tag}\"") })
            }
        }
    }

    /// Files of these logical names, with nothing in them.
    #[cfg(test)]
    pub(super) fn with_paths(names: &[&str]) -> Self {
        let files = names.iter().map(|name| {
            let (path, media_type, sha256) = ((*name).to_owned(), "text/plain".to_owned(), "0".repeat(64));
            ((*name).to_owned(), Entry { path, media_type, size: 0, sha256, stored: Stored::Identity })
        });
        let table = Table::new(Manifest { files: files.collect() });
        Self { table: Box::leak(Box::new(table)) }
    }
}

/// Unpacks a Brotli stream that is known to hold `size` bytes.
fn unpack(packed: &[u8], size: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?);
    let mut reader = brotli_decompressor::Decompressor::new(packed, 16 << 10).take(size.checked_add(1)?);
    reader.read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == size).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_manifest_is_there_in_both_encodings() {
        let assets = Assets::embedded();
        if !assets.is_built() {
            eprintln_skipped();
            return;
        }
        for (name, entry) in &assets.table.manifest.files {
            let url = assets.url(name).unwrap();
            let path = url.strip_prefix(ASSET_PREFIX).unwrap().strip_prefix('/').unwrap();
            let plain = assets.get(path, false).unwrap_or_else(|| panic!("{name} cannot be read"));
            assert_eq!((plain.bytes.len() as u64, plain.encoding), (entry.size, None), "{name}");
            let packed = assets.get(path, true).unwrap();
            assert!(packed.bytes.len() <= plain.bytes.len(), "{name}");
            assert_eq!(packed.encoding.is_some(), packed.etag != plain.etag, "{name}: one tag for each encoding");
            let is_text = plain.media_type.starts_with("text/") || plain.media_type.contains("svg");
            assert_eq!(is_text, plain.media_type.ends_with("; charset=utf-8"), "{name}");
        }
    }

    #[test]
    fn the_pages_find_every_file_they_name() {
        let assets = Assets::embedded();
        if !assets.is_built() {
            eprintln_skipped();
            return;
        }
        for name in ["ui/recto.css", "ui/recto.js", "ui/viewer.js", "ui/logo.svg", "ui/drag.svg", "about/NOTICES.txt"] {
            assert!(assets.url(name).is_some(), "{name}");
        }
        for kind in super::super::ViewerKind::ALL {
            let bundle = super::super::stage::bundle(kind);
            for name in bundle.scripts.iter().chain(bundle.modules).chain(bundle.styles) {
                assert!(assets.url(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn paths_outside_the_manifest_are_not_served() {
        for path in ["", "manifest.json", "../Cargo.toml", "ui/recto.css", "/etc/passwd"] {
            assert!(Assets::embedded().get(path, true).is_none(), "{path}");
        }
    }

    #[test]
    fn a_damaged_stream_or_a_wrong_length_gives_nothing() {
        // `aaaa` as a stored Brotli block: quality does not matter for the reader.
        let packed = [0x8b, 0x01, 0x80, b'a', b'a', b'a', b'a', 0x03];
        assert_eq!(unpack(&packed, 4).as_deref(), Some(b"aaaa".as_slice()));
        assert_eq!(unpack(&packed, 3), None);
        assert_eq!(unpack(&packed, 5), None);
        assert_eq!(unpack(&packed[..5], 4), None);
    }

    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn eprintln_skipped() {
        eprintln!("skipped: web/dist is not built");
    }
}

//! Absolute URLs of the parts of a server.

use std::sync::Arc;

use recto_iiif::identifier::Identifier;
use recto_iiif::image::ApiVersion;
use recto_iiif::presentation::{DocumentUrls, Version};

/// Where the parts of this server are: absolute URLs, without a slash at the end.
pub trait Urls {
    /// Base URI of an image.
    fn image(&self, version: ApiVersion, image: &Identifier) -> String;
    /// The manifest of an object.
    fn manifest(&self, version: Version, object: &Identifier) -> String;
    /// The document of a collection.
    fn collection(&self, version: Version, collection: &Identifier) -> String;
    /// A canvas of an object; `name` is not encoded yet. The same in every version.
    fn canvas(&self, object: &Identifier, name: &str) -> String;
    /// The page about an object for people.
    fn item_page(&self, object: &Identifier) -> String;
    /// A range of an object; `name` is not encoded yet.
    fn range(&self, object: &Identifier, name: &str) -> String;
    /// A file of the library, as it is.
    fn file(&self, path: &str) -> String;
    /// The whole of an object as one file; `word` is `pdf` or `zip`.
    fn download(&self, object: &Identifier, word: &str) -> String;
    /// The identifier under which this server gives out an image that lies at a URL elsewhere; `None` where it does not.
    fn proxied(&self, _url: &str) -> Option<Identifier> {
        None
    }
}

/// Which images elsewhere a server fetches and gives out as its own.
#[derive(Clone)]
pub struct Proxied(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Proxied {
    /// Those of whose URLs this is true.
    pub fn those(is_fetched: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_fetched))
    }
}

impl Default for Proxied {
    /// None.
    fn default() -> Self {
        Self::those(|_| false)
    }
}

impl std::fmt::Debug for Proxied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxied")
    }
}

/// URLs as a server with its usual paths has them.
#[derive(Clone, Debug)]
pub struct SiteUrls {
    base: String,
    image_prefixes: [String; 2],
    proxied: Proxied,
}

impl SiteUrls {
    /// URLs below this one, such as `https://example.org` or `https://example.org/scans`.
    pub fn new(base: &str) -> Self {
        let image_prefixes = ["/iiif/2", "/iiif/3"].map(str::to_owned);
        Self { base: base.trim_end_matches('/').to_owned(), image_prefixes, proxied: Proxied::default() }
    }

    /// The same, with these images given out that lie elsewhere.
    #[must_use]
    pub fn with_proxied(mut self, proxied: &Proxied) -> Self {
        self.proxied = proxied.clone();
        self
    }

    /// The same, with images of this version below another path, such as `/images`.
    #[must_use]
    pub fn with_image_prefix(mut self, version: ApiVersion, prefix: &str) -> Self {
        let trimmed = prefix.trim_matches('/');
        let prefix = if trimmed.is_empty() { String::new() } else { format!("/{trimmed}") };
        let [of_2, of_3] = &mut self.image_prefixes;
        *(match version {
            ApiVersion::V2 => of_2,
            ApiVersion::V3 => of_3,
        }) = prefix;
        self
    }

    /// Scheme, host and path below which everything lies, without a final slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The object and the name of a canvas, from its URI in any version; `None` for the URI of something else.
    pub fn parse_canvas(&self, uri: &str) -> Option<(Identifier, Identifier)> {
        let path = uri.split(['#', '?']).next()?.strip_prefix(&self.base)?.strip_prefix("/iiif/presentation/")?;
        let (version, rest) = path.split_once('/')?;
        Version::from_segment(version)?;
        let (object, name) = rest.rsplit_once("/canvas/")?;
        let parse = |encoded: &str| Identifier::parse_encoded(encoded).ok().filter(|it| !it.as_str().is_empty());
        Some((parse(object)?, parse(name)?))
    }

    /// How documents move from 3.0 to another version, for those that write it.
    pub fn documents(&self, version: Version) -> DocumentUrls {
        let prefix = |version: Version| format!("{}/iiif/presentation/{}/", self.base, version.segment());
        DocumentUrls::new(prefix(Version::V3), prefix(version))
    }

    fn presentation(&self, version: Version, identifier: &Identifier, rest: &str) -> String {
        format!("{}/iiif/presentation/{}/{}/{rest}", self.base, version.segment(), identifier.encoded())
    }
}

impl Urls for SiteUrls {
    fn image(&self, version: ApiVersion, image: &Identifier) -> String {
        let [of_2, of_3] = &self.image_prefixes;
        let prefix = match version {
            ApiVersion::V2 => of_2,
            ApiVersion::V3 => of_3,
        };
        format!("{}{prefix}/{}", self.base, image.encoded())
    }

    fn manifest(&self, version: Version, object: &Identifier) -> String {
        self.presentation(version, object, "manifest")
    }

    fn collection(&self, version: Version, collection: &Identifier) -> String {
        self.presentation(version, collection, "collection")
    }

    fn canvas(&self, object: &Identifier, name: &str) -> String {
        self.presentation(Version::V3, object, &format!("canvas/{}", Identifier::new(name).encoded()))
    }

    fn item_page(&self, object: &Identifier) -> String {
        format!("{}/items/{}", self.base, object.encoded())
    }

    fn range(&self, object: &Identifier, name: &str) -> String {
        self.presentation(Version::V3, object, &format!("range/{}", Identifier::new(name).encoded()))
    }

    fn download(&self, object: &Identifier, word: &str) -> String {
        format!("{}/downloads/{}/{word}", self.base, object.encoded())
    }

    fn proxied(&self, url: &str) -> Option<Identifier> {
        let Proxied(is_fetched) = &self.proxied;
        // A number behind the last semicolon would be that of a page.
        let plain = match url.rsplit_once(';') {
            Some((before, behind)) if behind.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("{before}%3B{behind}")
            }
            _ => url.to_owned(),
        };
        is_fetched(url).then(|| Identifier::new(plain))
    }

    fn file(&self, path: &str) -> String {
        // Slashes stay: the last part is the name under which a browser saves the file.
        let parts: Vec<String> = path.split('/').map(|part| Identifier::new(part).encoded().to_string()).collect();
        format!("{}/files/{}", self.base, parts.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_may_be_below_another_path() {
        let image = Identifier::new("a.tif");
        for (prefix, url) in [
            ("/images/", "https://example.org/scans/images/a.tif"),
            ("iiif/v3", "https://example.org/scans/iiif/v3/a.tif"),
            ("/", "https://example.org/scans/a.tif"),
        ] {
            let urls = SiteUrls::new("https://example.org/scans").with_image_prefix(ApiVersion::V3, prefix);
            assert_eq!(urls.image(ApiVersion::V3, &image), url);
            assert_eq!(urls.image(ApiVersion::V2, &image), "https://example.org/scans/iiif/2/a.tif");
        }
    }

    #[test]
    fn a_canvas_is_known_again_in_every_version() {
        let urls = SiteUrls::new("https://example.org/scans");
        let (object, name) = (Identifier::new("a/b"), Identifier::new("1 r"));
        let canvas = urls.canvas(&object, name.as_str());
        for uri in [canvas.clone(), format!("{canvas}#xywh=1,2,3,4"), canvas.replace("/3/", "/2/")] {
            assert_eq!(urls.parse_canvas(&uri), Some((object.clone(), name.clone())), "{uri}");
        }
        for uri in [
            "https://example.org/iiif/presentation/3/a/canvas/1",
            "",
            "https://example.org/scans/iiif/presentation/3/a/manifest",
        ] {
            assert_eq!(urls.parse_canvas(uri), None, "{uri}");
        }
    }

    #[test]
    fn files_keep_their_folders_and_names() {
        assert_eq!(
            SiteUrls::new("https://example.org/").file("a b/c?.pdf"),
            "https://example.org/files/a%20b/c%3F.pdf"
        );
    }
}

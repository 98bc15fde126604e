//! Give the `info.json` of an image.

use bytes::Bytes;
use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{ApiVersion, Format, InfoSubject, v2, v3};
use xxhash_rust::xxh3::xxh3_128;

use super::{ImageService, PreparedInfo};
use crate::ServiceError;
use crate::known::{Document, KnownImage, ShortFacts};
use crate::policy::{Action, Caller};

impl ImageService {
    /// The `info.json` of an image. `service` is the absolute URL of the image's service, the document's own id.
    ///
    /// # Errors
    /// Access denied, not found, or not an image.
    pub async fn info(
        &self,
        identifier: &Identifier,
        version: ApiVersion,
        service: &str,
        caller: &Caller,
    ) -> Result<PreparedInfo, ServiceError> {
        let image = self.find(identifier, caller, Action::ReadInfo).await?;
        let document = image.document(version, service).unwrap_or_else(|| {
            let document = self.write_info(&image, version, service);
            image.keep(version, document.clone());
            document
        });
        self.inner.metrics.info();
        Ok(PreparedInfo { bytes: document.bytes, etag: document.etag, last_modified: image.located.last_modified })
    }

    fn write_info(&self, image: &KnownImage, version: ApiVersion, service: &str) -> Document {
        let subject = self.info_subject(&image.facts, service);
        let value = match version {
            ApiVersion::V2 => v2::info(&subject),
            ApiVersion::V3 => v3::info(&subject),
        };
        let bytes = Bytes::from(value.to_string());
        let etag = format!("\"{:032x}\"", xxh3_128(&bytes));
        Document { id: service.to_owned(), bytes, etag }
    }

    /// What `info.json` says of an image with these facts.
    pub fn info_subject(&self, facts: &ShortFacts, service: &str) -> InfoSubject<'static> {
        let size = facts.size();
        let options = &self.inner.options;
        InfoSubject {
            levels: facts.levels.iter().map(|[w, h]| Dimensions::new(*w, *h)).collect(),
            tile: Some(self.inner.tile(facts)),
            limits: self.inner.limits.for_image(size),
            preferred_formats: options
                .preferred_formats
                .iter()
                .filter_map(|word| Format::from_extension(word))
                .collect(),
            rights: options.rights.clone(),
            pages: Some(facts.pages),
            ..InfoSubject::new(service, size, recto_codec::formats::WRITABLE)
        }
    }
}

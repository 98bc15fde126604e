//! The text of one canvas, given out.

use std::sync::Arc;

use recto_iiif::identifier::Identifier;
use recto_iiif::presentation::{Version, v2};
use recto_iiif::text::PageText;
use recto_ingest::build::{SiteUrls, Urls as _, text_page};
use serde_json::Value;

use super::CanvasLayout;
use crate::objects::{ObjectService, blocking, decided};
use crate::policy::{Action, Caller};
use crate::{Item, ItemKind, ServiceError};

impl ObjectService {
    /// The text of a canvas by its name, line by line: an `AnnotationPage`, or the `sc:AnnotationList` of 2.1.
    ///
    /// # Errors
    /// Access denied, no such object, or no text on a canvas of this name.
    pub async fn canvas_text(
        &self,
        identifier: &Identifier,
        name: &Identifier,
        version: Version,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Value, ServiceError> {
        let text = self.text_of_canvas(identifier, name, caller).await?;
        let (canvas, manifest) = (urls.canvas(identifier, name.as_str()), urls.manifest(version, identifier));
        let page = serde_json::to_value(text_page(&canvas, &manifest, &text)).unwrap_or_default();
        Ok(match version {
            Version::V2 => v2::write(page, &urls.documents(version)).0,
            Version::V3 | Version::V4 => page,
        })
    }

    /// Can this object, or an object of this collection, be searched?
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn has_text(&self, item: &Item) -> Result<bool, ServiceError> {
        if item.kind == ItemKind::Collection {
            return self.has_text_below(&item.path).await;
        }
        Ok(self.inner.texts.is_there(item.row))
    }

    /// The text of a canvas by its name.
    ///
    /// # Errors
    /// Access denied, no such object, or no text on a canvas of this name.
    pub async fn text_of_canvas(
        &self,
        identifier: &Identifier,
        name: &Identifier,
        caller: &Caller,
    ) -> Result<PageText, ServiceError> {
        self.allow(caller, identifier)?;
        let item = self.head(ItemKind::Manifest, identifier).await?;
        // A name that it had before opens nothing that its own does not.
        self.allow(caller, &Identifier::new(&*item.identifier))?;
        let (texts, row) = (self.inner.texts.clone(), item.row);
        let missing =
            || ServiceError::NoSuchObject { what: "text of a canvas", identifier: format!("{identifier}/{name}") };
        let object = blocking(move || Ok(texts.object(row)?)).await?.ok_or_else(missing)?;
        let (text, wanted) = (Arc::clone(&object), name.as_str().to_owned());
        let found = blocking(move || {
            let mut canvases = text.canvases().zip(0..);
            Ok(canvases.find(|(canvas, _)| canvas.name == wanted && canvas.has_text))
        });
        let (canvas, place) = found.await?.ok_or_else(missing)?;
        self.may_read_text(&canvas, caller)?;
        blocking(move || Ok(object.page(place))).await?.ok_or_else(missing)
    }

    /// Who may not see a page may not read it.
    pub(crate) fn may_read_text(&self, canvas: &CanvasLayout, caller: &Caller) -> Result<(), ServiceError> {
        match &canvas.image {
            Some(image) => {
                decided(self.inner.policy.decide(caller, Action::ReadImage, &Identifier::new(image.as_str())))
            }
            None => Ok(()),
        }
    }
}

//! What people are shown of the places of hits.

use recto_catalog::ItemKind;
use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::search::FoundHit;
use recto_ingest::build::SiteUrls;

use super::SearchService;
use crate::ServiceError;
use crate::objects::blocking;

/// Where the first part of a hit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitPlace {
    /// The object.
    pub object: Identifier,
    /// What people call the canvas.
    pub label: String,
    /// The canvas, and the picture of all of it, where there is one.
    pub picture: Option<(Identifier, Dimensions)>,
}

impl SearchService {
    /// The places of hits, one for each; `None` for one of an object that is gone by now.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn places(&self, hits: &[FoundHit], urls: &SiteUrls) -> Result<Vec<Option<HitPlace>>, ServiceError> {
        let canvases: Vec<Option<String>> =
            hits.iter().map(|hit| hit.parts.first().map(|part| part.canvas.clone())).collect();
        let (this, urls) = (self.clone(), urls.clone());
        blocking(move || canvases.iter().map(|canvas| this.place(canvas.as_deref(), &urls)).collect()).await
    }

    fn place(&self, canvas: Option<&str>, urls: &SiteUrls) -> Result<Option<HitPlace>, ServiceError> {
        let Some((object, name)) = canvas.and_then(|canvas| urls.parse_canvas(canvas)) else { return Ok(None) };
        let Some(item) = self.objects.catalog().head(object.as_str(), ItemKind::Manifest)? else { return Ok(None) };
        let Some(text) = self.objects.inner.texts.object(item.row)? else { return Ok(None) };
        let layout = text.canvases().find(|layout| layout.name == name.as_str());
        Ok(layout.map(|layout| HitPlace {
            object,
            label: layout.label.clone().unwrap_or_else(|| layout.name.clone()),
            picture: layout
                .image
                .as_deref()
                .filter(|_| layout.is_picture)
                .map(|image| (Identifier::new(image), layout.size())),
        }))
    }
}

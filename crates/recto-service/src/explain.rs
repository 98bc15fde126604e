//! Explain an image URL: what it resolves to, how it would be made, and what that would cost.

use recto_iiif::identifier::Identifier;
use recto_iiif::image::ImageRequest;
use serde::Serialize;

use crate::policy::Caller;
use crate::work::Lane;
use crate::{ImageService, ServiceError};

/// How one request would be answered.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The identifier with its extension, as the source knows it.
    pub identifier: String,
    /// The page of the file.
    pub page: u32,
    /// The original's version.
    pub source_version: String,
    /// Size as shown, in pixels: width, height.
    pub image: [u32; 2],
    /// The region in pixels: x, y, width, height.
    pub region: [u32; 4],
    /// The size of the result before rotation, in pixels: width, height.
    pub size: [u32; 2],
    /// The canonical form of the request.
    pub canonical: String,
    /// The validator.
    pub etag: String,
    /// The key in the derivative cache.
    pub cache_key: String,
    /// Is it there now?
    pub cached: bool,
    /// How it would be made.
    pub plan: String,
    /// The lane it would stand in.
    pub lane: &'static str,
    /// What it would cost.
    pub estimate: ExplainedCost,
}

/// What a plan would cost.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct ExplainedCost {
    /// Bytes read from the original.
    pub bytes_read: u64,
    /// Bytes of memory held.
    pub bytes_held: u64,
    /// Pixels decoded.
    pub pixels: u64,
    /// Time on one processor, learned from work of the same kind.
    pub milliseconds: f64,
}

impl ImageService {
    /// Explains a request, without making the image.
    ///
    /// # Errors
    /// Everything that the request itself would fail with before pixels are made.
    pub async fn explain(
        &self,
        identifier: &Identifier,
        request: &ImageRequest,
        caller: &Caller,
    ) -> Result<Explanation, ServiceError> {
        let prepared = self.prepare(identifier, request, caller).await?;
        let (plan, task) = self.plan_and_task(&prepared).await?;
        let estimate = plan.estimate();
        let located = &prepared.image.located;
        let (region, size) = (prepared.resolved.region, prepared.resolved.size);
        Ok(Explanation {
            identifier: located.identifier.as_str().to_owned(),
            page: located.page,
            source_version: located.version.to_string(),
            image: [prepared.image.facts.width_px, prepared.image.facts.height_px],
            region: [region.x, region.y, region.w, region.h],
            size: [size.width_px, size.height_px],
            canonical: prepared.canonical(),
            etag: prepared.etag.clone(),
            cache_key: Self::key_text(&prepared),
            cached: self.is_cached(&prepared),
            plan: plan.to_string(),
            lane: match task.lane {
                Lane::Tiles => "tiles",
                Lane::Large => "large",
            },
            estimate: ExplainedCost {
                bytes_read: estimate.bytes_read,
                bytes_held: estimate.bytes_held,
                pixels: estimate.pixels,
                milliseconds: task.time.as_secs_f64() * 1000.0,
            },
        })
    }
}

//! What each viewer needs to open a content state: most do not read `iiif-content`, or only some of its forms.

use serde_json::{Map, Value, json};

use super::{CanvasRegion, ContentState, Target, TargetKind, Unit, encoding};
use crate::Dimensions;

/// A viewer, by what it understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Mirador 4: no content state; windows of Manifest and Canvas, with a place to look at.
    Mirador,
    /// Universal Viewer 4: content state in the fragment of its page, one target, a Canvas only with a rectangle.
    UniversalViewer,
    /// OpenSeadragon in a page that finds the image of a Canvas.
    OpenSeadragon,
    /// Leaflet-IIIF in a page that finds the image of a Canvas.
    Leaflet,
    /// Clover: content state in its own option `iiifContent`.
    Clover,
    /// TIFY: Manifests.
    Tify,
}

/// What one viewer needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewerLink {
    /// Which viewer.
    pub viewer: Viewer,
    /// Query parameters of its page, in order, not yet escaped.
    pub query: Vec<(&'static str, String)>,
    /// The fragment of its page, ready to use, without `#`.
    pub fragment: Option<String>,
    /// The viewer's own options, for a page that starts it.
    pub config: Value,
    /// What of the content state the viewer cannot be told, in words.
    pub lost: Vec<&'static str>,
}

impl Viewer {
    /// All viewers, in the order in which pages offer them.
    pub const ALL: [Self; 6] =
        [Self::Mirador, Self::UniversalViewer, Self::OpenSeadragon, Self::Leaflet, Self::Clover, Self::Tify];

    /// The word for it in URLs.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Mirador => "mirador",
            Self::UniversalViewer => "uv",
            Self::OpenSeadragon => "openseadragon",
            Self::Leaflet => "leaflet",
            Self::Clover => "clover",
            Self::Tify => "tify",
        }
    }

    /// The viewer with this word in URLs.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|viewer| viewer.slug() == slug)
    }
}

impl ViewerLink {
    /// The link to a page that takes these parameters, for example `https://example.org/viewer/mirador`.
    pub fn url(&self, page: &str) -> String {
        let mut url = page.to_owned();
        for (index, (name, value)) in self.query.iter().enumerate() {
            url.push(if index == 0 && !page.contains('?') { '?' } else { '&' });
            url.push_str(&format!("{name}={}", encoding::percent_encode(value, b"-._~")));
        }
        if let Some(fragment) = &self.fragment {
            url.push('#');
            url.push_str(fragment);
        }
        url
    }
}

impl ContentState {
    /// What a viewer needs to open this; `None` while it is not known which Manifest that is.
    ///
    /// `canvas` is the size of the first target's Canvas where it is known: Universal Viewer goes to a Canvas only by a rectangle on it.
    pub fn link_for(&self, viewer: Viewer, canvas: Option<Dimensions>) -> Option<ViewerLink> {
        let target = self.targets.first()?;
        let manifest = target.manifest()?;
        let mut link = ViewerLink {
            viewer,
            query: place(target, manifest, viewer),
            fragment: None,
            config: Value::Null,
            lost: Vec::new(),
        };
        if self.targets.len() > 1 && viewer != Viewer::Mirador && viewer != Viewer::Clover {
            link.lost.push("all targets but the first");
        }
        match viewer {
            Viewer::Mirador => {
                link.config = json!({ "windows": self.targets.iter().filter_map(mirador_window).collect::<Vec<_>>() });
                let percent = |target: &Target| target.region.is_some_and(|region| region.unit == Unit::Percent);
                link.lose(self.targets.iter().any(percent), "a rectangle in percent");
                link.lose(self.targets.iter().any(|target| moment(target).is_some()), "the moment in time");
            }
            Viewer::UniversalViewer => {
                let body = universal_viewer_body(target, manifest, canvas);
                link.config = named(&link.query, &[("manifest", "manifest"), ("canvas", "canvasId"), ("xywh", "xywh")]);
                link.fragment = Some(match &body {
                    Some(body) => format!("?iiif-content={}", encoding::encode(&body.to_string())),
                    None => format!("?iiif-content={}", encoding::percent_encode(manifest, b"-._~")),
                });
                link.lose(target.canvas_id().is_some() && body.is_none(), "the Canvas, whose size is not known");
                link.lose(moment(target).is_some(), "the moment in time");
            }
            Viewer::OpenSeadragon | Viewer::Leaflet => {
                link.config = named(&link.query, &[("manifest", "manifest"), ("canvas", "canvas"), ("xywh", "xywh")]);
                link.lose(moment(target).is_some(), "the moment in time");
            }
            Viewer::Clover => {
                link.query = vec![("iiif-content", self.to_parameter())];
                link.config = json!({ "iiifContent": self.to_parameter() });
            }
            Viewer::Tify => {
                link.query.retain(|(name, _)| *name == "manifest");
                link.config = json!({ "manifestUrl": manifest });
                link.lose(target.canvas_id().is_some(), "the Canvas, which it knows only by its number");
                link.lose(target.region.is_some(), "the rectangle");
                link.lose(moment(target).is_some(), "the moment in time");
            }
        }
        link.lose(viewer != Viewer::Clover && target.kind == TargetKind::Range, "the Range");
        Some(link)
    }

    /// The address of the IIIF icon to drag onto other viewers: Mirador and Universal Viewer look for `manifest` and `canvas` in it,
    /// others for `iiif-content`. The text that goes with it as `text/plain` is [`to_text`](Self::to_text).
    pub fn to_drag_and_drop(&self, page: &str) -> Option<String> {
        let mut link = self.link_for(Viewer::Mirador, None)?;
        link.query.retain(|(name, _)| *name != "xywh");
        link.query.push(("iiif-content", self.to_parameter()));
        Some(link.url(page))
    }
}

impl ViewerLink {
    fn lose(&mut self, is_lost: bool, what: &'static str) {
        if is_lost {
            self.lost.push(what);
        }
    }
}

/// `manifest`, `canvas` and `xywh`, as far as there are any.
fn place(target: &Target, manifest: &str, viewer: Viewer) -> Vec<(&'static str, String)> {
    let mut query = vec![("manifest", manifest.to_owned())];
    query.extend(target.canvas_id().map(|canvas| ("canvas", canvas.to_owned())));
    let region = region_of(target).filter(|region| region.unit == Unit::Pixel || viewer != Viewer::Mirador);
    query.extend(region.map(|region| ("xywh", region.to_string())));
    query
}

/// The rectangle, or the least one around the point.
fn region_of(target: &Target) -> Option<CanvasRegion> {
    target.region.or_else(|| {
        let point = target.point?;
        Some(CanvasRegion::pixels(point.x?, point.y?, 1.0, 1.0))
    })
}

fn moment(target: &Target) -> Option<f64> {
    target.time.map(|time| time.start).or_else(|| target.point?.t)
}

/// A window of Mirador. Its place is a centre in units of the Canvas and a zoom of one over the width to see.
fn mirador_window(target: &Target) -> Option<Value> {
    let mut window = Map::new();
    window.insert("manifestId".to_owned(), target.manifest()?.into());
    if let Some(canvas) = target.canvas_id() {
        window.insert("canvasId".to_owned(), canvas.into());
    }
    if let Some(region) = target.region.filter(|region| region.unit == Unit::Pixel) {
        let place = json!({
            "x": region.x + region.w / 2.0, "y": region.y + region.h / 2.0, "zoom": 1.0 / region.w.max(region.h)
        });
        window.insert("initialViewerConfig".to_owned(), place);
    }
    Some(Value::Object(window))
}

/// The one form in which Universal Viewer goes to a Canvas: a rectangle in the id, and `partOf` as an object.
fn universal_viewer_body(target: &Target, manifest: &str, canvas: Option<Dimensions>) -> Option<Value> {
    let id = target.canvas_id()?;
    let whole = canvas.map(|size| CanvasRegion::pixels(0.0, 0.0, size.width_px.into(), size.height_px.into()));
    let region = region_of(target).filter(|region| region.unit == Unit::Pixel).or(whole)?;
    let round = |value: f64| value.round().max(0.0);
    let region =
        CanvasRegion::pixels(round(region.x), round(region.y), round(region.w).max(1.0), round(region.h).max(1.0));
    Some(json!({
        "id": format!("{id}#xywh={region}"), "type": "Canvas",
        "partOf": { "id": manifest, "type": "Manifest" }
    }))
}

fn named(query: &[(&'static str, String)], names: &[(&str, &str)]) -> Value {
    let mut config = Map::new();
    for (from, to) in names {
        if let Some((_, value)) = query.iter().find(|(name, _)| name == from) {
            config.insert((*to).to_owned(), value.as_str().into());
        }
    }
    Value::Object(config)
}

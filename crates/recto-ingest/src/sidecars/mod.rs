//! Small files beside an object or in a collection, in which people say what the images cannot: `recto.yml` (also as JSON or
//! TOML, and the `info.yml` of biiif), `toc.txt`, `manifests.yml` or `.csv`.

mod edit;
mod json;
mod members;
mod schema;
mod toc;
mod toml;
mod tree;
mod write;
mod yaml;

pub use edit::edit_sidecar;
pub use members::read_members;
pub use toc::{PageNames, read_toc};
pub use write::{SidecarError, write_sidecar};

use crate::Finding;
use crate::description::Description;
use crate::tables::encoding;
use crate::words::{At, Report};

/// The formats of sidecar files; all have the same keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidecarFormat {
    /// YAML 1.2.
    Yaml,
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

impl SidecarFormat {
    /// The format of a file, by the end of its name.
    pub fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "yml" | "yaml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }
}

/// What a sidecar may be long: longer files are something else.
const MOST_BYTES: usize = 4 << 20;

/// What `recto.yml` (or `.yaml`, `.json`, `.toml`, or biiif's `info.yml`) says, with findings on what is not understood.
/// `place` is the file's path relative to the library; the end of its name tells the format.
pub fn read_sidecar(bytes: &[u8], place: &str) -> (Description, Vec<Finding>) {
    let mut report = Report::new(place);
    let node = tree_of(bytes, place, &mut report);
    let description = schema::description(&node, &mut report);
    (description, report.into_list())
}

fn tree_of(bytes: &[u8], place: &str, report: &mut Report) -> tree::Node {
    if bytes.len() > MOST_BYTES {
        let message = format!("the file has more than {} MB", MOST_BYTES >> 20);
        report.error(At::FILE, "sidecar-too-large", message, "is it meant to be a sidecar file?");
        return tree::Node::nothing(At::FILE);
    }
    let text = encoding::decode(bytes, report);
    match SidecarFormat::of(place) {
        Some(SidecarFormat::Json) => json::parse(&text, report),
        Some(SidecarFormat::Toml) => toml::parse(&text, report),
        Some(SidecarFormat::Yaml) | None => yaml::parse(&text, report),
    }
}

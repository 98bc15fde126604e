//! The files of one image: what `info.json` announces, what viewers ask of it, and which of those are the same picture.

use std::collections::HashMap;
use std::path::Path;

use recto_codec::ImageFacts;
use recto_iiif::Dimensions;
use recto_iiif::identifier::Identifier;
use recto_iiif::image::{
    ApiVersion, ComplianceLevel, Format, ImageRequest, InfoSubject, ResolvedRequest, Target, scaled, tiles, v2, v3,
};

use crate::{StaticError, TileOptions};

/// What viewers ask for as thumbnails, whatever `info.json` says: Universal Viewer and Mirador.
const THUMBNAILS: [&str; 2] = ["full/90,/0/default.jpg", "full/,120/0/default.jpg"];

/// One picture, and everywhere that it lies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    pub(crate) request: ResolvedRequest,
    /// Below the tree; at least one.
    pub(crate) paths: Vec<String>,
}

/// The files of one page.
#[derive(Clone, Debug)]
pub(crate) struct Outputs {
    pub(crate) pictures: Vec<Output>,
    /// `info.json` of each version, with its path.
    pub(crate) documents: Vec<(String, Vec<u8>)>,
    /// The folder of each version.
    pub(crate) folders: Vec<String>,
}

impl Outputs {
    pub(crate) fn of(
        facts: &ImageFacts,
        identifier: &str,
        options: &TileOptions,
        path: &Path,
    ) -> Result<Self, StaticError> {
        let mut outputs = Self { pictures: Vec::new(), documents: Vec::new(), folders: Vec::new() };
        let mut known: HashMap<String, usize> = HashMap::new();
        for version in &options.versions {
            let folder = format!("{}{identifier}", options.prefix(*version));
            let subject = subject(facts, &url(&options.url, &folder), options);
            let mut add = |end: &str, must: bool| -> Result<(), StaticError> {
                for format in &options.formats {
                    let end = end.replace(".jpg", &format!(".{}", format.extension()));
                    let request = match resolve(&end, *version, &subject) {
                        Ok(request) => request,
                        Err(_) if !must => continue,
                        Err(source) => return Err(StaticError::Request { path: path.to_owned(), url: end, source }),
                    };
                    if !must && request.size.area_px() > request.region.area_px() {
                        continue;
                    }
                    let index = *known.entry(request.key()).or_insert_with(|| {
                        outputs.pictures.push(Output { request, paths: Vec::with_capacity(1) });
                        outputs.pictures.len() - 1
                    });
                    let file = format!("{folder}/{end}");
                    if let Some(output) = outputs.pictures.get_mut(index)
                        && !output.paths.contains(&file)
                    {
                        output.paths.push(file);
                    }
                }
                Ok(())
            };
            for end in tiles::level0(&subject, *version) {
                add(&end, true)?;
            }
            for end in THUMBNAILS {
                add(end, false)?;
            }
            let info = match version {
                ApiVersion::V2 => v2::info(&subject),
                ApiVersion::V3 => v3::info(&subject),
            };
            outputs.documents.push((format!("{folder}/info.json"), info.to_string().into_bytes()));
            outputs.folders.push(folder);
        }
        Ok(outputs)
    }
}

fn resolve(
    end: &str,
    version: ApiVersion,
    subject: &InfoSubject<'_>,
) -> Result<ResolvedRequest, recto_iiif::image::RequestError> {
    let mut parts = end.split('/');
    let [region, size, rotation, last] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    ImageRequest::parse(version, region, size, rotation, last)?.resolve_on(subject.grid(), &subject.limits)
}

/// What is announced of an image: as the live server has it, at level 0.
fn subject<'a>(facts: &ImageFacts, id: &str, options: &'a TileOptions) -> InfoSubject<'a> {
    let size = facts.size();
    let stored = facts.announced_tile();
    let own = options.tile_px.map(|side| Dimensions::new(side, side));
    let limits = options.limits(size);
    let preferred = match options.formats.first() {
        None | Some(Format::Jpg) => Vec::new(),
        Some(_) => options.formats.clone(),
    };
    let mut subject = InfoSubject {
        levels: facts.levels.iter().map(|level| facts.orientation.shown(level.size)).collect(),
        tile: own.or(stored).or(Some(Dimensions::new(options.flat_tile_px, options.flat_tile_px))),
        limits,
        rights: options.rights.clone(),
        pages: Some(facts.pages),
        level: ComplianceLevel::Level0,
        preferred_formats: preferred,
        ..InfoSubject::new(id, size, &options.formats)
    };
    let grid = subject.grid();
    for side in &options.sizes {
        if *side < size.width_px.max(size.height_px) {
            let inside = scaled(size.rect(), grid, Target::Confined(Dimensions::new(*side, *side)));
            // By its width, so that version 2 can name it as well.
            subject.levels.push(scaled(size.rect(), grid, Target::Width(inside.width_px)));
        }
    }
    subject
}

/// The URL of a path: its slashes stay.
fn url(base: &str, path: &str) -> String {
    let mut url = base.trim_end_matches('/').to_owned();
    for segment in path.split('/') {
        url.push('/');
        url.push_str(&Identifier::new(segment).encoded().to_string());
    }
    url
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use recto_codec::{ColorModel, Level, Orientation, SourceFormat};

    use super::*;

    fn facts(width: u32, height: u32) -> ImageFacts {
        ImageFacts {
            source_format: SourceFormat::Png,
            compression: String::new(),
            levels: vec![Level { size: Dimensions::new(width, height), grid: None }],
            max_denominator: 1,
            pages: 1,
            orientation: Orientation::Normal,
            color: ColorModel::Rgb,
            bits_per_sample: 8,
            has_alpha: false,
            icc: None,
            dpi: None,
        }
    }

    #[test]
    fn a_picture_is_made_once_and_lies_wherever_it_is_asked_for() {
        let both = TileOptions { versions: vec![ApiVersion::V3, ApiVersion::V2], ..TileOptions::default() };
        let outputs = Outputs::of(&facts(1000, 700), "a b/c;1.png", &both, Path::new("x")).unwrap();
        let keys: HashSet<_> = outputs.pictures.iter().map(|output| output.request.key()).collect();
        assert_eq!(keys.len(), outputs.pictures.len());
        let whole = outputs.pictures.iter().find(|o| o.request.size == Dimensions::new(500, 350)).unwrap();
        for path in [
            "3/a b/c;1.png/full/500,350/0/default.jpg",
            "3/a b/c;1.png/0,0,1000,700/500,350/0/default.jpg",
            "2/a b/c;1.png/full/500,/0/default.jpg",
            "2/a b/c;1.png/0,0,1000,700/500,/0/default.jpg",
        ] {
            assert!(whole.paths.contains(&path.to_owned()), "{path} {:?}", whole.paths);
        }
        let text = String::from_utf8(outputs.documents[1].1.clone()).unwrap();
        assert!(text.contains("\"/2/a%20b/c%3B1.png\""), "{text}");
    }

    #[test]
    fn thumbnails_and_further_sizes_are_there_and_never_larger_than_the_image() {
        let options = TileOptions { sizes: vec![200, 5000], ..TileOptions::default() };
        let paths = |width, height| -> Vec<String> {
            let outputs = Outputs::of(&facts(width, height), "i", &options, Path::new("x")).unwrap();
            outputs.pictures.into_iter().flat_map(|output| output.paths).collect()
        };
        let large = paths(1000, 701);
        for path in ["i/full/90,/0/default.jpg", "i/full/,120/0/default.jpg", "i/full/200,140/0/default.jpg"] {
            assert!(large.contains(&path.to_owned()), "{path} {large:?}");
        }
        assert!(paths(80, 50).iter().all(|path| !path.contains("90,") && !path.contains(",120")));
    }

    #[test]
    fn every_format_has_every_file() {
        let options = TileOptions { formats: vec![Format::Webp, Format::Jpg], ..TileOptions::default() };
        let outputs = Outputs::of(&facts(600, 400), "i", &options, Path::new("x")).unwrap();
        let paths: HashSet<_> = outputs.pictures.iter().flat_map(|output| output.paths.iter().cloned()).collect();
        for path in &paths {
            assert!(paths.contains(&path.replace(".jpg", ".webp")) && paths.contains(&path.replace(".webp", ".jpg")));
        }
        let text = String::from_utf8(outputs.documents[0].1.clone()).unwrap();
        assert!(text.contains(r#""preferredFormats":["webp","jpg"]"#) && text.contains(r#""extraFormats":["webp"]"#));
    }
}

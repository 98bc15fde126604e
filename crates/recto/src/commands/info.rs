//! `recto info`: facts of a file as the server sees it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use recto_codec::{ImageFacts, OpenFile, OpenOptions, RandomAccess};
use recto_service::ShortFacts;
use serde_json::{Value, json};

use crate::output::{OutputFormat, complain, print};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  recto info page.tif\n  recto info --page 3 cards.tif\n  recto info --format json *.jpg | jq '.[].width'"
)]
pub(crate) struct Info {
    /// Image files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Page of a file with several
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

impl Info {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut failed = false;
        let mut documents = Vec::new();
        for path in &self.files {
            match facts(path, self.page) {
                Ok(facts) if self.format == OutputFormat::Text => print(&text(path, &facts))?,
                Ok(facts) => documents.push(document(path, &facts)),
                Err(error) => {
                    failed = true;
                    complain(&error);
                    documents.push(json!({"file": path.display().to_string(), "problem": format!("{error:#}")}));
                }
            }
        }
        if self.format == OutputFormat::Json {
            print(&serde_json::to_string_pretty(&documents)?)?;
        }
        Ok(if failed { ExitCode::from(2) } else { ExitCode::SUCCESS })
    }
}

fn facts(path: &Path, page: u32) -> anyhow::Result<ImageFacts> {
    // Asked by name first: opening a pipe would wait for someone to write into it.
    let metadata = std::fs::metadata(path).with_context(|| format!("`{}` could not be opened", path.display()))?;
    anyhow::ensure!(
        metadata.is_file(),
        "`{}` is not a file; give image files, or `recto serve` a folder",
        path.display()
    );
    let file = File::open(path).with_context(|| format!("`{}` could not be opened", path.display()))?;
    let metadata = file.metadata()?;
    anyhow::ensure!(
        metadata.is_file(),
        "`{}` is not a file; give image files, or `recto serve` a folder",
        path.display()
    );
    let source: Arc<dyn RandomAccess> = Arc::new(OpenFile::new(file)?);
    let decoder = recto_codec::open(source, &OpenOptions { page, ..OpenOptions::default() })
        .with_context(|| format!("`{}` is not served", path.display()))?;
    Ok(decoder.facts().clone())
}

fn levels(facts: &ImageFacts) -> Vec<Value> {
    facts
        .levels
        .iter()
        .map(|level| {
            let tile = level.grid.map(|grid| {
                json!({"width": grid.tile.width_px, "height": grid.tile.height_px, "leavesAsItLies": grid.passes_through})
            });
            json!({"width": level.size.width_px, "height": level.size.height_px, "tile": tile})
        })
        .collect()
}

fn document(path: &Path, facts: &ImageFacts) -> Value {
    let size = facts.size();
    let short = ShortFacts::of(facts);
    json!({
        "file": path.display().to_string(),
        "format": facts.source_format.to_string(),
        "mediaType": facts.source_format.media_type(),
        "compression": facts.compression,
        "width": size.width_px,
        "height": size.height_px,
        "pages": facts.pages,
        "orientation": facts.orientation as u8,
        "color": format!("{:?}", facts.color),
        "bitsPerSample": facts.bits_per_sample,
        "alpha": facts.has_alpha,
        "iccBytes": facts.icc.as_ref().map(|icc| icc.len()),
        "dpi": facts.dpi,
        "levels": levels(facts),
        "served": {"sizes": short.levels, "tile": short.tile},
    })
}

fn text(path: &Path, facts: &ImageFacts) -> String {
    let size = facts.size();
    let mut text = format!(
        "{}\n  {} pixels, {}, {}\n  {:?}, {} bits a sample{}{}\n",
        path.display(),
        size,
        facts.source_format,
        facts.compression,
        facts.color,
        facts.bits_per_sample,
        if facts.has_alpha { ", transparency" } else { "" },
        facts.icc.as_ref().map_or_else(String::new, |icc| format!(", colour profile of {} bytes", icc.len())),
    );
    if facts.orientation as u8 != 1 {
        text.push_str(&format!("  orientation {}, shown turned or mirrored accordingly\n", facts.orientation as u8));
    }
    if let Some((x, y)) = facts.dpi {
        text.push_str(&format!("  {x:.0} x {y:.0} dots per inch\n"));
    }
    if facts.pages > 1 {
        text.push_str(&format!(
            "  {} pages; page N is served as `{};N`\n",
            facts.pages,
            path.file_name().unwrap_or_default().display()
        ));
    }
    for (index, level) in facts.levels.iter().enumerate() {
        let grid = level.grid.map_or_else(
            || "in rows".to_owned(),
            |grid| {
                format!(
                    "in tiles of {}{}",
                    grid.tile,
                    if grid.passes_through { ", which leave as they lie" } else { "" }
                )
            },
        );
        text.push_str(&format!("  level {index}: {} {grid}\n", level.size));
    }
    if facts.levels.len() == 1 && facts.levels[0].grid.is_none() && size.area_px() > 40_000_000 {
        text.push_str("  large and not tiled: a pyramidal, tiled TIFF of it would be served much faster\n");
    }
    text
}

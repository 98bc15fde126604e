//! `recto tile`: static trees that any web server can serve.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use recto_iiif::image::{ApiVersion, Format};
use recto_service::ImageOptions;
use recto_static::{Job, Made, Outcome, Progress, StaticError, TileOptions, Tiler, plan};
use serde_json::{Value, json};

use crate::config::ConfigArguments;
use crate::output::{OutputFormat, complain, print, problem, say};
use crate::progress::Bar;

const EXAMPLES: &str = "Examples:
  recto tile scans/ --to /var/www/html/iiif --url https://images.example.org/iiif
  recto tile map.tif --to tree --url http://localhost:8000 --api both
  recto tile scans/ --to scans.zip --url https://images.example.org/static/scans
  recto tile scans/ --to tree --url https://example.org/iiif --formats webp,jpg --sizes 200,600
  recto tile scans/ --to tree --url https://example.org/iiif --format json | jq '.[] | select(.problem)'

Every file that OpenSeadragon, Mirador, Universal Viewer and Leaflet-IIIF ask for is there, with the bytes that `recto serve`
would send. An image's files lie below its identifier, which is its path in the folder; slashes stay slashes. With `--api both`
each version has a folder of its own: 3/ and 2/. An archive is served where it lies by `recto serve --set
server.archives='[\"scans.zip\"]'`, or unpacked by anyone.

Run it again to go on, or when originals have changed: what is finished is left alone. Originals are only read.
0 is success, 2 is \"some files were not made\"; they are named, and the others are done.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Tile {
    /// Image files, or folders of them
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Folder for the tree, or an archive: a name that ends with .zip
    #[arg(long, value_name = "DIR|FILE.zip")]
    to: PathBuf,
    /// URL under which the tree will be served
    #[arg(long, value_name = "URL")]
    url: String,
    /// Versions of the Image API
    #[arg(long, value_enum, default_value_t)]
    api: ApiWord,
    /// Side of a tile in pixels; without it the stored one, or 512
    #[arg(long, value_parser = clap::value_parser!(u32).range(64..=4096))]
    tile: Option<u32>,
    /// Quality of JPEG and WebP; without it as configured for the server
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Formats of each file, best first; jpg is always among them
    #[arg(long, value_enum, value_delimiter = ',', default_value = "jpg")]
    formats: Vec<FormatWord>,
    /// Further sizes of whole images: longer sides in pixels
    #[arg(long, value_delimiter = ',', value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..))]
    sizes: Vec<u32>,
    /// Most pixels of a file that shows a whole image
    #[arg(long, value_name = "PIXELS", default_value_t = 25_000_000, value_parser = clap::value_parser!(u64).range(65_536..))]
    largest: u64,
    /// Threads; all processors without it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Replace what `recto tile` did not make
    #[arg(long)]
    overwrite: bool,
    /// Remove what was made of originals that are gone
    #[arg(long)]
    prune: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ApiWord {
    /// 3.0
    #[default]
    #[value(name = "3")]
    Three,
    /// 2.1
    #[value(name = "2")]
    Two,
    /// Both, below 3/ and 2/
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatWord {
    /// JPEG
    Jpg,
    /// WebP
    Webp,
    /// PNG
    Png,
}

impl Tile {
    /// The server's options for pictures, so that a tree is what the server would send; then those of the command line.
    fn options(&self) -> anyhow::Result<TileOptions> {
        let mut image: ImageOptions = self.config.load()?.value.image;
        if let Some(quality) = self.quality {
            image.jpeg_quality = quality;
            image.webp_quality = quality;
        }
        let mut formats = Vec::new();
        for word in self.formats.iter().chain([&FormatWord::Jpg]) {
            let format = match word {
                FormatWord::Jpg => Format::Jpg,
                FormatWord::Webp => Format::Webp,
                FormatWord::Png => Format::Png,
            };
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        anyhow::ensure!(
            (self.url.starts_with("https://") || self.url.starts_with("http://"))
                && !self.url.contains(['?', '#', ' ']),
            "`{}` is no URL to serve a tree under; write it as `https://images.example.org/iiif`",
            self.url
        );
        let usual = TileOptions::default();
        Ok(TileOptions {
            url: self.url.trim_end_matches('/').to_owned(),
            versions: match self.api {
                ApiWord::Three => vec![ApiVersion::V3],
                ApiWord::Two => vec![ApiVersion::V2],
                ApiWord::Both => vec![ApiVersion::V3, ApiVersion::V2],
            },
            tile_px: self.tile,
            flat_tile_px: image.tile_size.clamp(64, 4096),
            formats,
            sizes: self.sizes.clone(),
            largest_px: self.largest,
            pyramid_from_px: image.pyramid_from_px(),
            render: image.render().context("`image.background` is not a colour; write it like `#ffffff`")?,
            rights: image.rights,
            threads: self.threads.map_or(usual.threads, usize::from),
            overwrite: self.overwrite,
            prune: self.prune,
            max_bytes: usual.max_bytes,
        })
    }

    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let options = self.options()?;
        let plan = plan(&self.sources, &self.to)?;
        let mut tiler = Tiler::new(options, &plan)?;
        let mut bar = Bar::new(plan.jobs.len());
        let mut documents: Vec<Value> = plan.refused.iter().map(refused).collect();
        let mut counts = Counts { failed: plan.refused.len(), ..Counts::default() };
        for error in plan.refused {
            complain(&anyhow::Error::new(error));
        }
        for job in &plan.jobs {
            bar.begin(&job.identifier);
            let outcome = tiler.run(job, &mut |Progress { page, pages, done, of }| {
                bar.show(page, pages, done as f64 / of.max(1) as f64);
            });
            bar.end();
            counts.count(&outcome);
            if let (Ok(Outcome::Made(made)), OutputFormat::Text) = (&outcome, self.format) {
                bar.print(&line(job, made))?;
            }
            documents.push(document(job, &outcome));
            if let Err(error) = outcome {
                bar.suspend(|| complain(&anyhow::Error::new(error)));
            }
            if tiler.is_ended() {
                break;
            }
        }
        bar.finish();
        for remains in tiler.finish()? {
            if !remains.pruned {
                say(&format!("`{}` has no original any more; `--prune` removes it", remains.identifier));
            }
            let outcome = if remains.pruned { "removed" } else { "original gone" };
            documents.push(json!({"identifier": remains.identifier, "outcome": outcome}));
        }
        if self.format == OutputFormat::Json {
            print(&serde_json::to_string_pretty(&documents)?)?;
        } else {
            say(&counts.words());
        }
        Ok(if counts.failed > 0 { ExitCode::from(2) } else { ExitCode::SUCCESS })
    }
}

#[derive(Default)]
struct Counts {
    made: usize,
    done: usize,
    passed: usize,
    failed: usize,
}

impl Counts {
    fn count(&mut self, outcome: &Result<Outcome, StaticError>) {
        match outcome {
            Ok(Outcome::Made(_)) => self.made += 1,
            Ok(Outcome::AlreadyDone) => self.done += 1,
            Ok(Outcome::NotAnImage) => self.passed += 1,
            Err(_) => self.failed += 1,
        }
    }

    fn words(&self) -> String {
        let mut words = vec![format!("{} made", self.made)];
        for (count, what) in [(self.done, "done before"), (self.passed, "no images"), (self.failed, "failed")] {
            if count > 0 {
                words.push(format!("{count} {what}"));
            }
        }
        words.join(", ")
    }
}

fn line(job: &Job, made: &Made) -> String {
    let pages = if made.pages > 1 { format!(", {} pages", made.pages) } else { String::new() };
    let reused = if made.reused > 0 { format!(", {} there before", made.reused) } else { String::new() };
    format!(
        "{}\n  {} pixels{pages}, {} files: {} pictures rendered, {} as they lay{reused}; {:.1} s",
        job.identifier,
        made.size,
        made.files,
        made.rendered,
        made.stored,
        made.took.as_secs_f64(),
    )
}

fn refused(error: &StaticError) -> Value {
    json!({"outcome": "failed", "problem": error.to_string()})
}

fn document(job: &Job, outcome: &Result<Outcome, StaticError>) -> Value {
    let mut document = json!({"source": job.source.display().to_string(), "identifier": job.identifier});
    let more = match outcome {
        Ok(Outcome::Made(made)) => json!({
            "outcome": "made",
            "width": made.size.width_px,
            "height": made.size.height_px,
            "pages": made.pages,
            "files": made.files,
            "rendered": made.rendered,
            "stored": made.stored,
            "reused": made.reused,
            "seconds": made.took.as_secs_f64(),
        }),
        Ok(Outcome::AlreadyDone) => json!({"outcome": "done before"}),
        Ok(Outcome::NotAnImage) => json!({"outcome": "no image"}),
        Err(error) => json!({"outcome": "failed", "problem": problem(error)}),
    };
    if let (Some(document), Value::Object(more)) = (document.as_object_mut(), more) {
        document.extend(more);
    }
    document
}

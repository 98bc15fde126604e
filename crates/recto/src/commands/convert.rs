//! `recto convert`: originals become tiled pyramids.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use recto_codec::{BigTiff, PyramidCompression, Subsampling};
use recto_convert::{ConvertOptions, Converter, Job, Lossless, Outcome, Progress, Target, Written, plan};
use serde_json::{Value, json};

use crate::output::{OutputFormat, complain, print, problem, say};
use crate::progress::Bar;

const EXAMPLES: &str = "Examples:
  recto convert scan.jpg --to scan.tif
  recto convert masters/ --to pyramids/
  recto convert masters/ --to pyramids/ --compression deflate     nothing is lost
  recto convert *.tif --to pyramids/ --quality 90 --tile 512
  recto convert masters/ --to pyramids/ --as jp2 --quality 100    nothing is lost, as JPEG 2000
  recto convert masters/ --to pyramids/ --as jph --quality 100    the same, as HTJ2K: larger, much faster to write
  recto convert masters/ --to pyramids/ --format json | jq '.[] | select(.problem)'

A folder's files keep their places and names below the target folder. All pages of a file become pages of one TIFF; JPEG 2000 holds
one, and files of several are refused.
JPEG tiles of a JPEG original are cut out of it, those at the edges filled up, so the largest level loses nothing: of baseline and
progressive files in gray, or in colour with 4:4:4, 4:2:2 or 4:2:0. Others (arithmetic, 12 bits, CMYK, RGB, rare samplings, damaged)
are encoded anew with --quality, and so is every smaller level. What is printed counts both.
Run it again to go on: what is finished, of the same version of its original and by the same options, is left alone.
Originals are only read. 0 is success, 2 is \"some files were not converted\"; they are named, and the others are done.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Convert {
    /// Image files, or folders of them
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Folder for the targets; for a single source also a file
    #[arg(long, value_name = "DIR|FILE")]
    to: PathBuf,
    /// Format of the targets
    #[arg(long = "as", value_enum, default_value_t, value_name = "FORMAT")]
    target: TargetWord,
    /// Compression of TIFF's tiles; without it JPEG for 8 bits without transparency, Deflate for the rest
    #[arg(long, value_enum)]
    compression: Option<CompressionWord>,
    /// Quality of JPEG, WebP and JPEG 2000, which loses nothing with 100
    #[arg(long, default_value_t = 85, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Chroma subsampling of TIFF's JPEG tiles; 420 without it
    #[arg(long, value_enum)]
    subsampling: Option<SubsamplingWord>,
    /// Keep the coefficients of JPEG originals in TIFF's JPEG tiles; auto without it
    #[arg(long, value_enum)]
    lossless: Option<LosslessWord>,
    /// Side of a tile in pixels. TIFF: a multiple of 16, 256 without it. JPEG 2000: a power of two from 64; without it one tile up
    /// to 2048 pixels a side, else 1024. HTJ2K: a power of two from 64, 512 without it
    #[arg(long, value_parser = clap::value_parser!(u32).range(16..=4096))]
    tile: Option<u32>,
    /// Write the form of TIFF for more than 4 GiB; auto without it
    #[arg(long, value_enum)]
    bigtiff: Option<BigWord>,
    /// Write TIFF's levels as SubIFDs, not as a chain of directories
    #[arg(long)]
    subifd: bool,
    /// Threads that write a TIFF or HTJ2K, all processors without it; JPEG 2000 is written by one
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Replace targets that `recto convert` did not make
    #[arg(long)]
    overwrite: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum TargetWord {
    /// Tiled, pyramidal TIFF
    #[default]
    Tif,
    /// JPEG 2000
    Jp2,
    /// HTJ2K: JPEG 2000 that is written several times as fast, in a tenth more bytes (a sixth with loss)
    #[value(alias = "htj2k")]
    Jph,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompressionWord {
    /// JPEG
    Jpeg,
    /// WebP
    Webp,
    /// Deflate; nothing is lost
    Deflate,
    /// Zstandard; nothing is lost, fewer programs read it
    Zstd,
    /// None
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SubsamplingWord {
    /// Colour at half the width and height
    #[value(name = "420")]
    Both,
    /// Colour at half the width
    #[value(name = "422")]
    Horizontal,
    /// Colour at full size
    #[value(name = "444")]
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LosslessWord {
    /// Where the original is a JPEG and its tiles too
    Auto,
    /// Never; every tile has the quality asked for
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum BigWord {
    /// Where it is needed
    Auto,
    /// Always
    Always,
    /// Never; larger files are refused
    Never,
}

impl Convert {
    fn options(&self) -> ConvertOptions {
        let usual = ConvertOptions::default();
        ConvertOptions {
            target: match self.target {
                TargetWord::Tif => Target::Tif,
                TargetWord::Jp2 => Target::Jp2,
                TargetWord::Jph => Target::Jph,
            },
            compression: self.compression.map(|word| match word {
                CompressionWord::Jpeg => PyramidCompression::Jpeg,
                CompressionWord::Webp => PyramidCompression::Webp,
                CompressionWord::Deflate => PyramidCompression::Deflate,
                CompressionWord::Zstd => PyramidCompression::Zstd,
                CompressionWord::None => PyramidCompression::None,
            }),
            quality: self.quality,
            subsampling: self.subsampling.map_or(usual.subsampling, |word| match word {
                SubsamplingWord::Both => Subsampling::Both,
                SubsamplingWord::Horizontal => Subsampling::Horizontal,
                SubsamplingWord::None => Subsampling::None,
            }),
            lossless: self.lossless.map_or(usual.lossless, |word| match word {
                LosslessWord::Auto => Lossless::Auto,
                LosslessWord::Never => Lossless::Never,
            }),
            tile: self.tile,
            big: self.bigtiff.map_or(usual.big, |word| match word {
                BigWord::Auto => BigTiff::Auto,
                BigWord::Always => BigTiff::Always,
                BigWord::Never => BigTiff::Never,
            }),
            sub_ifds: self.subifd,
            threads: self.threads.map_or(usual.threads, usize::from),
            overwrite: self.overwrite,
            ..usual
        }
    }

    /// The options that were given and do nothing for a target other than TIFF.
    fn idle(&self, target: Target) -> impl Iterator<Item = &'static str> {
        let all = [
            ("--compression", self.compression.is_some()),
            ("--subsampling", self.subsampling.is_some()),
            ("--lossless", self.lossless.is_some()),
            ("--bigtiff", self.bigtiff.is_some()),
            ("--subifd", self.subifd),
            ("--threads", self.threads.is_some() && target != Target::Jph),
        ];
        all.into_iter().filter(|(_, is_given)| *is_given).map(|(option, _)| option)
    }

    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let options = self.options();
        if options.target != Target::Tif
            && let Some(option) = self.idle(options.target).next()
        {
            let target = options.target.extension();
            anyhow::bail!("`{option}` does nothing for `--as {target}`; leave it out, or convert to `tif`");
        }
        let plan = plan(&self.sources, &self.to, options.target)?;
        let mut converter = Converter::new(&options, &plan.folder)?;
        let mut bar = Bar::new(plan.jobs.len());
        let mut documents = Vec::new();
        let mut failed = 0_usize;
        let (mut made, mut done, mut passed) = (0_usize, 0_usize, 0_usize);
        for job in &plan.jobs {
            bar.begin(&job.source.file_name().unwrap_or_default().to_string_lossy());
            let outcome = converter.run(job, &mut |Progress { page, pages, rows, of_rows }| {
                bar.show(page, pages, f64::from(rows) / f64::from(of_rows.max(1)));
            });
            bar.end();
            match &outcome {
                Ok(Outcome::Written(written)) => {
                    made += 1;
                    if self.format == OutputFormat::Text {
                        bar.print(&line(job, written))?;
                    }
                }
                Ok(Outcome::AlreadyDone) => done += 1,
                Ok(Outcome::NotAnImage) => passed += 1,
                Err(_) => failed += 1,
            }
            documents.push(document(job, &outcome));
            if let Err(error) = outcome {
                bar.suspend(|| complain(&anyhow::Error::new(error)));
            }
        }
        bar.finish();
        if self.format == OutputFormat::Json {
            print(&serde_json::to_string_pretty(&documents)?)?;
        } else {
            let mut words = vec![format!("{made} converted")];
            for (count, what) in [(done, "done before"), (passed, "no images"), (failed, "failed")] {
                if count > 0 {
                    words.push(format!("{count} {what}"));
                }
            }
            say(&words.join(", "));
        }
        Ok(if failed > 0 { ExitCode::from(2) } else { ExitCode::SUCCESS })
    }
}

fn line(job: &Job, written: &Written) -> String {
    let pages = if written.pages > 1 { format!(", {} pages", written.pages) } else { String::new() };
    format!(
        "{}\n  {} pixels{pages}, {} levels, {} MB of {} MB, {:.1} s; {}",
        job.target.display(),
        written.size,
        written.levels,
        megabytes(written.target_bytes),
        megabytes(written.source_bytes),
        written.took.as_secs_f64(),
        tiles(written),
    )
}

/// What the tiles of the largest level are made of.
fn tiles(written: &Written) -> String {
    let tiles = |count: u64| if count == 1 { "1 tile".to_owned() } else { format!("{count} tiles") };
    match (written.lossless_tiles, written.lossy_tiles) {
        (0, 0) => format!("{} without loss", tiles(written.tiles)),
        (copied, 0) => format!("{} copied without loss", tiles(copied)),
        (0, lossy) => format!("{} encoded with loss", tiles(lossy)),
        (copied, lossy) => format!("{} copied without loss, {lossy} encoded with loss", tiles(copied)),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

fn document(job: &Job, outcome: &Result<Outcome, recto_convert::ConvertError>) -> Value {
    let mut document = json!({"source": job.source.display().to_string()});
    let more = match outcome {
        Ok(Outcome::Written(written)) => json!({
            "target": job.target.display().to_string(),
            "outcome": "converted",
            "width": written.size.width_px,
            "height": written.size.height_px,
            "pages": written.pages,
            "levels": written.levels,
            "sourceBytes": written.source_bytes,
            "targetBytes": written.target_bytes,
            "tiles": written.tiles,
            "losslessTiles": written.lossless_tiles,
            "lossyTiles": written.lossy_tiles,
            "seconds": written.took.as_secs_f64(),
        }),
        Ok(Outcome::AlreadyDone) => {
            json!({"target": job.target.display().to_string(), "outcome": "done before"})
        }
        Ok(Outcome::NotAnImage) => json!({"outcome": "no image"}),
        Err(error) => json!({"outcome": "failed", "problem": problem(error)}),
    };
    if let (Some(document), Value::Object(more)) = (document.as_object_mut(), more) {
        document.extend(more);
    }
    document
}

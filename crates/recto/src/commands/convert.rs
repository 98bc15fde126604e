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
  recto convert masters/ --to pyramids/ --format json | jq '.[] | select(.problem)'

A folder's files keep their places and names below the target folder. All pages of a file become pages of one target.
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
    /// Compression of tiles; without it JPEG for 8 bits without transparency, Deflate for the rest
    #[arg(long, value_enum)]
    compression: Option<CompressionWord>,
    /// Quality of JPEG, WebP and JPEG 2000
    #[arg(long, default_value_t = 85, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Chroma subsampling of JPEG
    #[arg(long, value_enum, default_value_t)]
    subsampling: SubsamplingWord,
    /// Keep the coefficients of JPEG originals in JPEG tiles: the largest level loses nothing
    #[arg(long, value_enum, default_value_t)]
    lossless: LosslessWord,
    /// Side of a tile in pixels, a multiple of 16
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..=4096))]
    tile: u32,
    /// Write the form of TIFF for more than 4 GiB
    #[arg(long, value_enum, default_value_t)]
    bigtiff: BigWord,
    /// Write levels as SubIFDs, not as a chain of directories
    #[arg(long)]
    subifd: bool,
    /// Threads; all processors without it
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

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SubsamplingWord {
    /// Colour at half the width and height
    #[default]
    #[value(name = "420")]
    Both,
    /// Colour at half the width
    #[value(name = "422")]
    Horizontal,
    /// Colour at full size
    #[value(name = "444")]
    None,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum LosslessWord {
    /// Where the original is a JPEG and its tiles too
    #[default]
    Auto,
    /// Never; every tile has the quality asked for
    Never,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum BigWord {
    /// Where it is needed
    #[default]
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
            },
            compression: self.compression.map(|word| match word {
                CompressionWord::Jpeg => PyramidCompression::Jpeg,
                CompressionWord::Webp => PyramidCompression::Webp,
                CompressionWord::Deflate => PyramidCompression::Deflate,
                CompressionWord::Zstd => PyramidCompression::Zstd,
                CompressionWord::None => PyramidCompression::None,
            }),
            quality: self.quality,
            subsampling: match self.subsampling {
                SubsamplingWord::Both => Subsampling::Both,
                SubsamplingWord::Horizontal => Subsampling::Horizontal,
                SubsamplingWord::None => Subsampling::None,
            },
            lossless: match self.lossless {
                LosslessWord::Auto => Lossless::Auto,
                LosslessWord::Never => Lossless::Never,
            },
            tile: self.tile,
            big: match self.bigtiff {
                BigWord::Auto => BigTiff::Auto,
                BigWord::Always => BigTiff::Always,
                BigWord::Never => BigTiff::Never,
            },
            sub_ifds: self.subifd,
            threads: self.threads.map_or(usual.threads, usize::from),
            overwrite: self.overwrite,
            ..usual
        }
    }

    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let options = self.options();
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
    let lossless = if written.lossless_tiles > 0 { ", the original's own coefficients" } else { "" };
    format!(
        "{}\n  {} pixels{pages}, {} levels, {} MB of {} MB, {:.1} s{lossless}",
        job.target.display(),
        written.size,
        written.levels,
        megabytes(written.target_bytes),
        megabytes(written.source_bytes),
        written.took.as_secs_f64(),
    )
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

//! The whole configuration: each section is a struct of the crate that uses it.

use std::path::PathBuf;

use recto_cache::CacheOptions;
use recto_config::{Loaded, Sources};
use recto_server::ServerOptions;
use recto_service::{AnnotationOptions, ImageOptions, LibraryOptions, LimitOptions, WorkOptions};
use recto_source::SourceOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that can be set. Nothing has to be.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where and how Recto answers.
    pub(crate) server: ServerOptions,
    /// How the library is looked after.
    pub(crate) library: LibraryOptions,
    /// How originals are found.
    pub(crate) source: SourceOptions,
    /// What one request may ask for.
    pub(crate) limits: LimitOptions,
    /// How pictures are made.
    pub(crate) image: ImageOptions,
    /// How much work goes on at a time.
    pub(crate) work: WorkOptions,
    /// What people may write about objects.
    pub(crate) annotations: AnnotationOptions,
    /// What is kept for later.
    pub(crate) cache: CacheOptions,
}

/// Where the configuration comes from; the same for every command that has one.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ConfigArguments {
    /// Configuration file; without it `recto.toml` in the working directory, if there is one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Set one option, over file and environment; can be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) sets: Vec<String>,
}

impl ConfigArguments {
    pub(crate) fn load(&self) -> anyhow::Result<Loaded<Config>> {
        let sources = Sources::of_process(self.config.as_deref(), self.sets.clone())?;
        Ok(recto_config::load(&sources)?)
    }
}

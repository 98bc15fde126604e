//! One file a command.

mod cache;
mod check;
mod config;
mod convert;
mod doctor;
mod export;
mod import;
mod info;
mod manifest;
mod offline;
mod serve;
mod tile;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A folder of images becomes a IIIF service.
#[derive(Debug, Parser)]
#[command(
    name = "recto",
    version,
    about,
    propagate_version = true,
    after_help = "Begin with:\n  recto serve FOLDER     then open the address that it prints\n\nEvery command has --help with examples. 0 is success, 1 is \"found something\", 2 is \"could not\"."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publish folders of images: Image API, manifests, and pages to look at them
    Serve(serve::Serve),
    /// Tell what is in image files, as the server sees them
    Info(info::Info),
    /// Look into the cache of a state directory, or forget what is in it
    Cache(cache::CacheCommand),
    /// Turn image files into tiled pyramids, which are served without decoding
    Convert(convert::Convert),
    /// Make static trees of image files, in a folder or an archive, that any web server can serve
    Tile(tile::Tile),
    /// Hold IIIF documents against the specification
    Validate(validate::Validate),
    /// Build manifests, bring them from version to version, compare them
    Manifest(manifest::ManifestCommand),
    /// Take a manifest from elsewhere into the library
    Import(import::Import),
    /// What is published, as tables and as documents
    Export(export::Export),
    /// Tell everything that is the matter with a library, before it is published
    Check(check::Check),
    /// Examine any IIIF endpoint, and tell what it should mend
    Doctor(doctor::Doctor),
    /// Write, describe or check the configuration
    Config(config::ConfigCommand),
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(command) => command.run(),
            Command::Info(command) => command.run(),
            Command::Cache(command) => command.run(),
            Command::Convert(command) => command.run(),
            Command::Tile(command) => command.run(),
            Command::Validate(command) => command.run(),
            Command::Manifest(command) => command.run(),
            Command::Import(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Check(command) => command.run(),
            Command::Doctor(command) => command.run(),
            Command::Config(command) => command.run(),
        }
    }
}

//! Options of the sources.

use std::path::{Path, PathBuf};

use recto_codec::SourceFormat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RemoteOptions;

/// Where originals are, and which of them may be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SourceOptions {
    /// Folders to serve. With several, the first segment of an identifier is the folder's name: the last part of its
    /// path, or the name given by `{ name = "maps", path = "/srv/scans" }`.
    #[schemars(extend("examples" = [["/srv/scans"]]))]
    pub folders: Vec<Folder>,
    /// Which symbolic links are followed.
    pub symlinks: Symlinks,
    /// Extensions that an identifier may leave off, where only one such file is there. Written in small letters;
    /// `TIF` and `Tif` are found too.
    pub extensions: Vec<String>,
    /// Originals that lie elsewhere.
    pub remote: RemoteOptions,
}

/// A folder to serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Folder {
    /// Named by the last part of its path.
    Path(PathBuf),
    /// Named otherwise.
    Named {
        /// What stands in identifiers.
        name: String,
        /// Where it is.
        path: PathBuf,
    },
}

impl Folder {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Named { path, .. } => path,
        }
    }
}

impl From<PathBuf> for Folder {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

/// Which symbolic links are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Symlinks {
    /// Those that lead to a place inside the served folders.
    #[default]
    Inside,
    /// All. Whoever can write into a folder can then publish every file that the server can read.
    Follow,
    /// None.
    Ignore,
}

impl Symlinks {
    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Follow => "follow",
            Self::Ignore => "ignore",
        }
    }
}

impl Default for SourceOptions {
    fn default() -> Self {
        let extensions = SourceFormat::ALL.into_iter().flat_map(SourceFormat::extensions);
        Self {
            folders: Vec::new(),
            symlinks: Symlinks::default(),
            extensions: extensions.map(|extension| (*extension).to_owned()).collect(),
            remote: RemoteOptions::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_may_leave_off_the_extension_of_every_format_that_is_read() {
        let extensions = SourceOptions::default().extensions;
        // Those that came first are looked for first.
        assert_eq!(extensions.iter().take(4).collect::<Vec<_>>(), ["jpg", "jpeg", "jpe", "tif"]);
        for format in SourceFormat::ALL {
            for extension in format.extensions() {
                assert!(extensions.iter().any(|known| known == extension), "{extension}");
            }
        }
    }
}

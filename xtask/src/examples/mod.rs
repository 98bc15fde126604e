//! Draws `examples/`: a book, a large map, index cards and drawings, all from numbers and words of our own.
//!
//! The same code gives the same bytes each time. Letters come from the Debian packages `fonts-ebgaramond` and
//! `fonts-dejavu-core`; only drawn pixels enter the project.

mod alto;
mod book;
mod cards;
mod contours;
mod drawings;
mod essay;
mod ink;
mod map;
mod random;
mod terrain;
mod tiff;
mod typeset;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Draws the named parts, or all of them.
pub(crate) fn draw(parts: &[String]) -> Result<()> {
    let folder = workspace_root()?.join("examples");
    let all = ["book", "map", "cards", "drawings"];
    if let Some(unknown) = parts.iter().find(|part| !all.contains(&part.as_str())) {
        bail!("there is no part `{unknown}`; the parts are: {}", all.join(", "));
    }
    for part in all {
        if !parts.is_empty() && !parts.iter().any(|wanted| wanted == part) {
            continue;
        }
        match part {
            "book" => book::draw(&folder.join("The Patient Eye"))?,
            "map" => map::draw(&folder.join("Saltmarch Isles.tif"))?,
            "cards" => cards::draw(&folder.join("Index cards.tif"))?,
            _ => drawings::draw(&folder.join("Drawings"))?,
        }
    }
    Ok(())
}

fn workspace_root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).context("xtask lies in the workspace")
}

/// Writes a file and says how large it is.
#[expect(clippy::print_stdout, reason = "a chore tells its result")]
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))?;
    println!("{:>9} bytes  {}", bytes.len(), path.file_name().unwrap_or_default().to_string_lossy());
    Ok(())
}

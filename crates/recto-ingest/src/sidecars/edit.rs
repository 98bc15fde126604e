//! Changes to a sidecar that someone wrote by hand: what did not change stays as it was typed, with its comments.

use super::write::{entries, yaml_entry};
use super::{SidecarError, SidecarFormat, read_sidecar, write_sidecar, yaml};
use crate::description::Description;
use crate::words::folded;

/// The file with these changes. In YAML, keys whose value is still the same keep their lines, and so do comments and keys that
/// are not known; comments inside of a value that changed are lost. JSON and TOML are written anew when anything changed.
pub fn edit_sidecar(existing: &str, format: SidecarFormat, description: &Description) -> Result<String, SidecarError> {
    let name = match format {
        SidecarFormat::Yaml => "recto.yml",
        SidecarFormat::Json => "recto.json",
        SidecarFormat::Toml => "recto.toml",
    };
    let (before, _) = read_sidecar(existing.as_bytes(), name);
    let (old, mut new) = (entries(&before), entries(description));
    if old == new {
        return Ok(existing.to_owned());
    }
    // What plain texts mean depends on the language of the file.
    if format != SidecarFormat::Yaml || before.language != description.language {
        return write_sidecar(description, format);
    }
    let parts = yaml::parts(existing);
    let head = parts.first().map_or(existing.len(), |(_, part)| part.as_ptr() as usize - existing.as_ptr() as usize);
    let mut text = existing.get(..head).unwrap_or_default().to_owned();
    let mut kept: Vec<&str> = Vec::new();
    for (_, part) in parts {
        let key = part.split_once(':').map_or("", |(key, _)| key.trim().trim_matches(['"', '\'']));
        let Some(name) = canonical(key) else {
            text.push_str(part);
            continue;
        };
        // `viewing` may be said in two keys.
        if kept.contains(&name) {
            text.push_str(part);
            continue;
        }
        match (old.get(name), new.shift_remove(name)) {
            (old, Some(value)) if old == Some(&value) => {
                kept.push(name);
                text.push_str(part);
            }
            (_, Some(value)) => {
                ended(&mut text);
                text.push_str(&yaml_entry(name, &value));
                text.push_str(trailing_comments(part));
            }
            (Some(_), None) => text.push_str(trailing_comments(part)),
            // It said nothing that was understood: whoever wrote it may want to see it again.
            (None, None) => text.push_str(part),
        }
    }
    for (key, value) in &new {
        ended(&mut text);
        text.push_str(&yaml_entry(key, value));
    }
    // Two keys of one meaning, a broken part: then only a new file says what is wanted.
    let (after, _) = read_sidecar(text.as_bytes(), name);
    if entries(&after) == entries(description) { Ok(text) } else { write_sidecar(description, format) }
}

fn ended(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

/// The key as the writer spells it.
fn canonical(key: &str) -> Option<&'static str> {
    const WRITTEN: [(&str, &[&str]); 23] = [
        ("kind", &["type"]),
        ("id", &["identifier"]),
        ("language", &[]),
        ("label", &["title"]),
        ("summary", &["description"]),
        ("metadata", &[]),
        ("requiredStatement", &["attribution"]),
        ("rights", &["license", "licence"]),
        ("provider", &[]),
        ("homepage", &[]),
        ("seeAlso", &[]),
        ("rendering", &[]),
        ("downloads", &["download"]),
        ("thumbnail", &["thumb"]),
        ("navDate", &[]),
        ("navPlace", &[]),
        ("viewing", &["viewingDirection", "direction", "behavior", "behaviour"]),
        ("start", &[]),
        ("order", &[]),
        ("members", &["manifests"]),
        ("collections", &["collection"]),
        ("access", &[]),
        ("search", &[]),
    ];
    let given = folded(key);
    let is_it = |(name, others): &&(&'static str, &[&str])| {
        folded(name) == given || others.iter().any(|other| folded(other) == given)
    };
    WRITTEN.iter().find(is_it).map(|(name, _)| *name)
}

/// Comments and blank lines at the end of a part, which belong to what follows.
fn trailing_comments(part: &str) -> &str {
    let mut start = part.len();
    for line in part.split_inclusive('\n').rev() {
        let text = line.trim();
        // A comment that stands further in belongs to the value.
        if !(text.is_empty() || line.starts_with('#')) {
            break;
        }
        start -= line.len();
    }
    &part[start..]
}

//! `manifests.yml` and `manifests.csv`: manifests elsewhere that a collection lists.

use recto_iiif::presentation::LanguageMap;

use super::tree::Value;
use super::{SidecarFormat, schema, tree_of};
use crate::description::{Kind, Member};
use crate::tables::{self, RowView};
use crate::words::{At, Report, folded};
use crate::{Finding, fields};

/// The members that the file lists. `place` is its path relative to the library; the end of its name tells the format: YAML
/// (also as biiif has it, under the key `manifests`), JSON, TOML, or any table with a column `id`.
pub fn read_members(bytes: &[u8], place: &str) -> (Vec<Member>, Vec<Finding>) {
    let mut report = Report::new(place);
    let members = if SidecarFormat::of(place).is_some() {
        let node = tree_of(bytes, place, &mut report);
        match &node.value {
            Value::Map(entries) => {
                let list = entries.iter().find(|(key, _)| matches!(&*folded(&key.text), "manifests" | "members"));
                match list {
                    Some((_, list)) => schema::members(list, &mut report),
                    None => schema::members(&node, &mut report),
                }
            }
            _ => schema::members(&node, &mut report),
        }
    } else {
        tables::member_rows(bytes, place, &mut report).iter().filter_map(|row| member(row, &mut report)).collect()
    };
    (members, report.into_list())
}

fn member(row: &RowView, report: &mut Report) -> Option<Member> {
    let at = |at: Option<At>| at.unwrap_or(At::line(row.number));
    if !fields::is_url(&row.id) {
        let message = "the row has no address of a manifest or collection, and was left out";
        report.error(at(row.id_at), "bad-link", message, "write an address such as `https://example.org/manifest`");
        return None;
    }
    let kind = row.kind.as_ref().and_then(|(text, at)| fields::kind(text, *at, report));
    Some(Member::Remote {
        id: row.id.clone(),
        kind: kind.unwrap_or(Kind::Manifest),
        label: if row.label.is_empty() { LanguageMap::default() } else { row.label.clone() },
        thumbnail: row.thumbnail.clone(),
    })
}

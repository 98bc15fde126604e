//! Tables of manifests elsewhere.

use recto_iiif::presentation::LanguageMap;

use super::TableOptions;
use super::columns::{Columns, Known};
use crate::words::{At, Report};

static KNOWN: [Known; 4] = [
    Known::one("id", &["url", "manifest", "uri", "path", "@id"]),
    Known::languages("label", &["title"], "title"),
    Known::one("kind", &["type"]),
    Known::one("thumbnail", &["thumb"]),
];

/// What a row says of a manifest or collection elsewhere.
pub(crate) struct RowView {
    pub(crate) number: u32,
    pub(crate) id: String,
    pub(crate) id_at: Option<At>,
    pub(crate) kind: Option<(String, At)>,
    pub(crate) label: LanguageMap,
    pub(crate) thumbnail: Option<String>,
}

pub(crate) fn member_rows(bytes: &[u8], place: &str, report: &mut Report) -> Vec<RowView> {
    let mut views = Vec::new();
    for table in super::read_into(bytes, place, report) {
        let columns = Columns::read(&table, &KNOWN, &TableOptions::default(), report);
        if !columns.has("id") {
            let message = "no column `id` holds the addresses of manifests";
            report.error(
                At::line(table.header_row),
                "no-name-column",
                message,
                "name the column with the addresses `id`",
            );
            continue;
        }
        views.extend(table.rows.iter().map(|row| {
            let owned = |meaning: &str| columns.text(row, meaning).map(|(text, at)| (text.to_owned(), at));
            let (id, id_at) = owned("id").map_or((String::new(), None), |(text, at)| (text, Some(at)));
            RowView {
                number: row.number,
                id,
                id_at,
                kind: owned("kind"),
                label: columns.map(row, "label"),
                thumbnail: owned("thumbnail").map(|(text, _)| text),
            }
        }));
    }
    views
}

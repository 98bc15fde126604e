//! The terms of Dublin Core that stand as headers (`dc:creator`, `dcterms:spatial`), with labels for readers.

use recto_iiif::presentation::LanguageMap;

/// Term, English, German and French label.
const TERMS: [(&str, [&str; 3]); 32] = [
    ("abstract", ["Abstract", "Zusammenfassung", "Résumé"]),
    ("accessRights", ["Access rights", "Zugriffsrechte", "Droits d’accès"]),
    ("alternative", ["Alternative title", "Weiterer Titel", "Autre titre"]),
    ("audience", ["Audience", "Zielgruppe", "Public"]),
    ("bibliographicCitation", ["Citation", "Zitierweise", "Référence bibliographique"]),
    ("contributor", ["Contributor", "Mitwirkende", "Contributeur"]),
    ("coverage", ["Coverage", "Abdeckung", "Couverture"]),
    ("created", ["Date created", "Entstehungsdatum", "Date de création"]),
    ("creator", ["Creator", "Urheber", "Créateur"]),
    ("date", ["Date", "Datum", "Date"]),
    ("description", ["Description", "Beschreibung", "Description"]),
    ("extent", ["Extent", "Umfang", "Étendue"]),
    ("format", ["Format", "Format", "Format"]),
    ("hasPart", ["Has part", "Enthält", "Comprend"]),
    ("identifier", ["Identifier", "Identifikator", "Identifiant"]),
    ("isPartOf", ["Part of", "Teil von", "Fait partie de"]),
    ("isReferencedBy", ["Referenced by", "Zitiert in", "Référencé par"]),
    ("issued", ["Date issued", "Erscheinungsdatum", "Date de parution"]),
    ("language", ["Language", "Sprache", "Langue"]),
    ("license", ["License", "Lizenz", "Licence"]),
    ("medium", ["Medium", "Material", "Support"]),
    ("provenance", ["Provenance", "Provenienz", "Provenance"]),
    ("publisher", ["Publisher", "Herausgeber", "Éditeur"]),
    ("relation", ["Relation", "Beziehung", "Relation"]),
    ("rights", ["Rights", "Rechte", "Droits"]),
    ("rightsHolder", ["Rights holder", "Rechteinhaber", "Titulaire des droits"]),
    ("source", ["Source", "Quelle", "Source"]),
    ("spatial", ["Place", "Ort", "Lieu"]),
    ("subject", ["Subject", "Thema", "Sujet"]),
    ("temporal", ["Period", "Zeitraum", "Période"]),
    ("title", ["Title", "Titel", "Titre"]),
    ("type", ["Type", "Typ", "Type"]),
];

/// The term of a header with a prefix of Dublin Core; case does not count.
pub(super) fn term(header: &str) -> Option<&'static str> {
    let (prefix, name) = header.split_once([':', '.'])?;
    let prefix = prefix.trim().to_ascii_lowercase();
    if !matches!(prefix.as_str(), "dc" | "dcterms" | "dct" | "dc11") {
        return None;
    }
    let name = crate::words::folded(name);
    TERMS.iter().find(|(term, _)| term.to_ascii_lowercase() == name).map(|(term, _)| *term)
}

/// The label of a term in each language.
pub(super) fn label(term: &str) -> Option<LanguageMap> {
    let (_, labels) = TERMS.iter().find(|(known, _)| *known == term)?;
    let mut map = LanguageMap::default();
    for (language, label) in ["en", "de", "fr"].into_iter().zip(labels) {
        map.push(language, *label);
    }
    Some(map)
}

/// The header for a label that [`label`] gave.
pub(super) fn header(label: &LanguageMap) -> Option<String> {
    TERMS.iter().find(|(term, _)| self::label(term).as_ref() == Some(label)).map(|(term, _)| format!("dcterms:{term}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_a_label_in_each_language() {
        for (header, want) in [
            ("dcterms:creator", Some("creator")),
            ("DC:Creator", Some("creator")),
            ("dc.creator", Some("creator")),
            ("dcterms:is part of", Some("isPartOf")),
            ("dcterms:accessrights", Some("accessRights")),
            ("dc:colour", None),
            ("creator", None),
            ("foaf:name", None),
        ] {
            assert_eq!(term(header), want, "{header}");
        }
        let creator = label("creator").unwrap();
        assert_eq!(
            serde_json::to_string(&creator).unwrap(),
            r#"{"en":["Creator"],"de":["Urheber"],"fr":["Créateur"]}"#
        );
        assert_eq!(header(&creator).as_deref(), Some("dcterms:creator"));
        assert_eq!(header(&LanguageMap::none("Creator")), None);
    }

    #[test]
    fn every_label_leads_back_to_its_term() {
        for (term, _) in TERMS {
            assert_eq!(header(&label(term).unwrap()), Some(format!("dcterms:{term}")), "{term}");
        }
    }
}

//! Files of institutions, where they are present: what they say, looked up by hand.

use std::fmt::Write;
use std::path::Path;

use recto_ingest::description::{Description, Location, Member, PagePart, PageRef, Range, RangeItem};
use recto_ingest::mapping::Mapping;
use recto_ingest::readers::{Input, Reading, read, recognise};
use recto_testkit::{data_dir, files_below};

fn read_file(folder: &Path, name: &str) -> Reading {
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let file = name.rsplit('/').next().unwrap();
    read(&Input::new(file, name, &bytes), Mapping::built_in())
}

fn pages(range: &Range) -> Vec<usize> {
    let mut pages = Vec::new();
    for item in &range.items {
        match item {
            RangeItem::Range(part) => pages.extend(self::pages(part)),
            RangeItem::Page(PagePart { page: PageRef::Own(page), .. }) => pages.push(*page),
            RangeItem::Page(_) => {}
        }
    }
    pages
}

fn value<'a>(description: &'a Description, label: &str) -> Vec<&'a str> {
    let pair = description.metadata.iter().find(|pair| pair.label.first() == Some(label));
    pair.into_iter()
        .flat_map(|pair| pair.value.iter())
        .flat_map(|(_, texts)| texts.iter().map(String::as_str))
        .collect()
}

fn location(location: &Location) -> &str {
    match location {
        Location::File(path) | Location::FilePage(path, _) => path,
        Location::Url(url) | Location::ImageService(url) => url,
    }
}

/// One line for the whole of a description.
fn summary(reading: &Reading) -> String {
    let description = &reading.description;
    let mut out = format!("{:?}", description.label.first().unwrap_or_default().chars().take(50).collect::<String>());
    write!(out, "; {} pages", description.pages.len()).unwrap();
    if let Some(content) = description.pages.first().and_then(|page| page.contents.first()) {
        write!(out, " from {}", location(&content.location).rsplit('/').next().unwrap()).unwrap();
    }
    let texts: usize = description.pages.iter().map(|page| page.texts.len()).sum();
    write!(
        out,
        "; {texts} texts; {} ranges; {} members; {} pairs",
        description.ranges.len(),
        members(description),
        description.metadata.len()
    )
    .unwrap();
    for (name, value) in
        [("rights", &description.rights), ("date", &description.nav_date), ("in", &description.language)]
    {
        if let Some(value) = value {
            write!(out, "; {name} {}", value.trim_start_matches("http://creativecommons.org/")).unwrap();
        }
    }
    let mut rules: Vec<&str> = reading.findings.iter().map(|finding| finding.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    if !rules.is_empty() {
        write!(out, "; {}", rules.join(" ")).unwrap();
    }
    out
}

fn members(description: &Description) -> usize {
    description
        .members
        .iter()
        .map(|member| match member {
            Member::Described(inner) => 1 + members(inner),
            Member::Source { .. } | Member::Here { .. } | Member::Remote { .. } => 1,
        })
        .sum()
}

#[rustfmt::skip]
const FILES: &[(&str, &str)] = &[
    ("mets/kitodo-presentation/av_beispiel.xml", "\"Odol-Mundwasser, 3 Werbespots\"; 1 pages from video.mp4; 0 texts; 4 ranges; 0 members; 12 pairs; rights publicdomain/mark/1.0/; in de"),
    ("mets/kitodo-presentation/mets_audio.xml", "\"Document with audio for testing purposes\"; 2 pages from 00000001.tif.large.jpg; 0 texts; 2 ranges; 0 members; 6 pairs; date 1759-01-01T00:00:00Z; dangling-reference"),
    ("mets/kitodo-presentation/mets_newspaper.xml", "\"Newspaper for testing purposes\"; 2 pages from 00000001.tif.large.jpg; 2 texts; 0 ranges; 0 members; 6 pairs; date 1759-01-01T00:00:00Z; dangling-reference part-without-pages"),
    ("mets/kitodo-presentation/mets_newspaper_issues.xml", "\"Newspaper for testing purposes\"; 2 pages from 00000001.tif.large.jpg; 2 texts; 1 ranges; 0 members; 6 pairs; date 1759-01-01T00:00:00Z; part-without-pages"),
    ("mets/kitodo-presentation/mets_toolbox.xml", "\"Document with audio for testing purposes\"; 2 pages from 00000001.tif.large.jpg; 2 texts; 2 ranges; 0 members; 6 pairs; date 1759-01-01T00:00:00Z"),
    ("mets/kitodo-presentation/mets_with_pages.xml", "\"Example Book\"; 4 pages from 0001.png; 4 texts; 3 ranges; 0 members; 0 pairs; dangling-reference"),
    ("mets/kitodo-presentation/modsAuthorWithAutRoleTerm.xml", "\"\"; 0 pages; 0 texts; 0 ranges; 0 members; 11 pairs; rights publicdomain/mark/1.0/; in de"),
    ("mets/kitodo-presentation/modsOriginInfoWithEditionElectronicEd.xml", "\"\"; 0 pages; 0 texts; 0 ranges; 0 members; 11 pairs; rights publicdomain/mark/1.0/; in de"),
    ("mets/kitodo-presentation/tei.xml", "\"\"; 2 pages from 00000001.tif.original.jpg; 0 texts; 2 ranges; 0 members; 0 pairs"),
    ("mets/kitodo-presentation/two_dmdsec.xml", "\"With (two) DMD and AMD\"; 1 pages from video.mov; 0 texts; 0 ranges; 0 members; 0 pairs; part-without-pages"),
    ("mets/kitodo-production/eadCollection.xml", "\"Test-Bestand des Test-Archivs\"; 0 pages; 0 texts; 0 ranges; 0 members; 8 pairs; date 1989-01-01T00:00:00Z; in de"),
    ("mets/kitodo-production/marcXmlTestRecord.xml", "\"Test-Title\"; 0 pages; 0 texts; 0 ranges; 0 members; 4 pairs; date 1999-12-31T00:00:00Z"),
    ("mets/kitodo-production/meta.xml", "\"Das Pharmazeutische Institut der Universität Berli\"; 183 pages from 00000001.tif; 0 texts; 16 ranges; 0 members; 8 pairs; date 1910-01-01T00:00:00Z; in de"),
    ("mets/kitodo-production/meta_anchor.xml", "\"Newspaper migration test\"; 0 pages; 0 texts; 0 ranges; 0 members; 1 pairs; no-pages unusable-address"),
    ("mets/kitodo-production/mods-3-4-malformed.xml", "\"This is a MODS 3.4 example document\"; 0 pages; 0 texts; 0 ranges; 0 members; 3 pairs; in de; not-well-formed"),
    ("mets/kitodo-production/modsXmlTestRecord.xml", "\"Test-Title\"; 0 pages; 0 texts; 0 ranges; 0 members; 7 pairs; date 1999-12-31T00:00:00Z"),
    ("mets/sbb-F2930001-mets.xml", "\"Der Herold\"; 3 pages from FILE_0001_IMAGE.tif; 2 texts; 0 ranges; 0 members; 10 pairs; rights licenses/by-nc-sa/4.0/; date 1839-01-01T00:00:00Z; in de"),
    ("mets/sbb-pembroke-1766/mets.xml", "\"Des Grafen und der Gräfin von Pembrock sämtliche W\"; 195 pages from 00000001.tif; 0 texts; 0 ranges; 0 members; 19 pairs; rights licenses/by-nc-sa/4.0/; date 1766-01-01T00:00:00Z; in de; part-without-pages"),
    ("metadata/C1571.EAD3.xml", "\"Clarence Brown Papers\"; 1 pages from shieldlogo.jpg; 0 texts; 0 ranges; 0 members; 13 pairs; date 1907-01-01T00:00:00Z; in en; rights-not-known"),
    ("metadata/ead_ead-dao-test.xml", "\"i'm a title, since required\"; 0 pages; 0 texts; 0 ranges; 8 members; 3 pairs; date 1900-01-01T00:00:00Z; unknown-object"),
    ("metadata/ead_ferris.xml", "\"Isaac Ferris Papers\"; 0 pages; 0 texts; 0 ranges; 0 members; 10 pairs; date 1816-01-01T00:00:00Z; in en"),
    ("metadata/ead_vmi.xml", "\"b053ef76-4b28-4e4d-9e4a-c48b80dcb543\"; 0 pages; 0 texts; 0 ranges; 0 members; 11 pairs; in en; rights-not-known"),
    ("metadata/ead_wnyu.xml", "\"WNYU (Radio Station: New York, N.Y.) Records\"; 0 pages; 0 texts; 0 ranges; 0 members; 15 pairs; date 1949-01-01T00:00:00Z; in en; rights-not-known"),
    ("metadata/marc_185258.mrc", "\"Social class, language and communication\"; 0 pages; 0 texts; 0 ranges; 0 members; 12 pairs; in en; encoding"),
    ("metadata/marc_IAS.xml", "\"Institute for Advanced Study (Princeton, N.J.) sub\"; 0 pages; 0 texts; 0 ranges; 0 members; 3 pairs"),
    ("metadata/marc_OCLC_814388508.xml", "\"He\\u{304} agora ste\\u{304} Mesogeio : apo tous Home\\u{304}rikous heo\"; 0 pages; 0 texts; 0 ranges; 0 members; 13 pairs; date 2011-01-01T00:00:00Z; in el"),
    ("metadata/marc_Wood.xml", "\"Wood, Natalie IV Dr. fuller_form 1873-1955\"; 0 pages; 0 texts; 0 ranges; 0 members; 2 pairs"),
    ("metadata/marc_chabon-loc.mrc", "\"The amazing adventures of Kavalier and Clay : a no\"; 0 pages; 0 texts; 0 ranges; 0 members; 11 pairs; in en; several-records"),
    ("metadata/tei_aphrodisias.xml", "\"Aphrodisias\"; 0 pages; 0 texts; 0 ranges; 0 members; 0 pairs"),
    ("metadata/tei_comenius.xml", "\"Comenius example\"; 0 pages; 0 texts; 0 ranges; 0 members; 0 pairs"),
    ("ocr/clauren-1815/mets.xml", "\"\"; 9 pages from clauren_mimil_1815_0023.jpg; 9 texts; 1 ranges; 0 members; 13 pairs; rights publicdomain/mark/1.0/; date 1815-01-01T00:00:00Z; in de"),
    ("ocr/kant-1784/mets.xml", "\"\"; 2 pages from INPUT_0017.tif; 4 texts; 0 ranges; 0 members; 0 pairs"),
];

#[test]
fn files_of_institutions_say_what_they_say() {
    let Some(folder) = data_dir() else { return };
    let got: Vec<(&str, String)> = FILES.iter().map(|(name, _)| (*name, summary(&read_file(&folder, name)))).collect();
    let wrong: Vec<String> = FILES
        .iter()
        .zip(&got)
        .filter(|((_, want), (_, got))| want != got)
        .map(|((name, _), (_, got))| format!("    ({name:?}, {got:?}),"))
        .collect();
    assert!(wrong.is_empty(), "these are different:\n{}", wrong.join("\n"));
}

fn labels(reading: &Reading) -> Vec<&str> {
    reading.description.ranges.iter().map(|range| range.label.first().unwrap_or_default()).collect()
}

#[test]
fn recordings_have_parts_in_time() {
    let Some(folder) = data_dir() else { return };
    let reading = read_file(&folder, "mets/kitodo-presentation/av_beispiel.xml");
    assert_eq!(labels(&reading), ["1. Werbespot", "2. Werbespot", "3. Werbespot", "Abspann"]);
    let times: Vec<_> = reading
        .description
        .ranges
        .iter()
        .map(|range| match &range.items[..] {
            [RangeItem::Page(part)] => part.time,
            _ => None,
        })
        .collect();
    assert_eq!(
        times,
        [Some((0.0, Some(20.0))), Some((20.5, Some(40.5))), Some((40.0, Some(60.0))), Some((60.0, Some(76.0)))]
    );
    assert_eq!(reading.description.pages[0].contents[0].duration, Some(90.07));
    assert_eq!(reading.description.provider[0].id, "https://www.slub-dresden.de/");
    assert_eq!(reading.description.homepage[0].id, "https://digital.slub-dresden.de/id1703800435");
    assert_eq!(value(&reading.description, "Series"), ["SAVE: Beispiel-Kollektion"]);
    assert_eq!(value(&reading.description, "Access Status"), ["Open Access"]);
}

#[test]
fn pages_with_pictures_and_sound_have_both() {
    let Some(folder) = data_dir() else { return };
    let reading = read_file(&folder, "mets/kitodo-presentation/mets_audio.xml");
    let page = &reading.description.pages[0];
    let places: Vec<&str> =
        page.contents.iter().map(|content| location(&content.location).rsplit('/').next().unwrap()).collect();
    assert_eq!(places, ["00000001.tif.large.jpg", "00000001.wav"]);
    assert_eq!(page.rendering[0].id, "http://example.com/mets_audio/jpegs/00000001.tif.pdf");
    assert!(page.thumbnail.as_ref().is_some_and(|thumbnail| thumbnail.ends_with("00000001.tif.thumbnail.jpg")));
    assert!(reading.description.rendering[0].id.ends_with("10Kepi_476251419.pdf"));
    assert_eq!(labels(&reading), ["Table of contents", "Audio part"]);
    let page_labels: Vec<_> = reading.description.pages.iter().map(|page| page.label.first()).collect();
    assert_eq!(page_labels, [Some("[1]"), Some("1")]);
}

#[test]
fn structures_of_kitodo_become_ranges() {
    let Some(folder) = data_dir() else { return };
    let reading = read_file(&folder, "mets/kitodo-production/meta.xml");
    let ranges = &reading.description.ranges;
    assert_eq!(&labels(&reading)[..4], ["Cover", "Pharmazeutisches Institut mit Gartengrundstück", "Cover", "Imprint"]);
    assert_eq!((pages(&ranges[0]), pages(&ranges[1]), pages(&ranges[4])), (vec![2], vec![5], vec![8, 9]));
    // The parts of a chapter may share pages, so that some come twice; its last table is behind a plate.
    let mut chapter = pages(&ranges[6]);
    chapter.dedup();
    assert_eq!(chapter, (12..51).chain([53]).collect::<Vec<_>>());
    assert_eq!(value(&reading.description, "Place"), ["Berlin"]);
    assert_eq!(value(&reading.description, "Language"), ["German", "Deutsch"]);
    assert_eq!(value_of_range(&ranges[4], "Author"), ["Thoms, Hermann"]);
    let reading = read_file(&folder, "mets/kitodo-presentation/mets_with_pages.xml");
    assert_eq!(labels(&reading), ["First Chapter", "Second Chapter", "Third Chapter"]);
    assert_eq!(reading.description.ranges.iter().map(pages).collect::<Vec<_>>(), [[0], [1], [2]]);
    assert_eq!(reading.findings[0].line, Some(71));
    assert!(reading.findings[0].message.contains("`LOG_0004`") && reading.findings[0].message.contains("`PHYS_0004`"));
}

fn value_of_range<'a>(range: &'a Range, label: &str) -> Vec<&'a str> {
    let pair = range.metadata.iter().find(|pair| pair.label.first() == Some(label));
    pair.into_iter()
        .flat_map(|pair| pair.value.iter())
        .flat_map(|(_, texts)| texts.iter().map(String::as_str))
        .collect()
}

#[test]
fn books_of_libraries_have_their_pages_and_people() {
    let Some(folder) = data_dir() else { return };
    let pembroke = read_file(&folder, "mets/sbb-pembroke-1766/mets.xml").description;
    assert_eq!(location(&pembroke.pages[10].contents[0].location), "DEFAULT/FILE_0010_DEFAULT.tif");
    assert_eq!((pembroke.pages[0].label.first(), pembroke.pages[10].label.first()), (Some("[1]"), Some("3")));
    assert_eq!(value(&pembroke, "Author"), ["Pembroke, Henry Herbert", "Pembroke, Mary Herbert"]);
    assert_eq!(value(&pembroke, "Place"), ["Ulm", "Leipzig", "Frankfurt"]);
    assert_eq!(value(&pembroke, "Edition"), ["Neue mit zweyen Anhängen vermehrte Auflage"]);
    assert_eq!(pembroke.provider[0].label.first(), Some("Staatsbibliothek zu Berlin - Preußischer Kulturbesitz"));
    let herold = read_file(&folder, "mets/sbb-F2930001-mets.xml").description;
    assert_eq!(
        herold.pages.iter().map(|page| page.label.first().unwrap()).collect::<Vec<_>>(),
        ["page 1", "page 2", "page 5"]
    );
    assert_eq!(herold.pages[0].texts[0].id, "OCR-D-GT-PAGE/FILE_0001_FULLTEXT.xml");
    let kant = read_file(&folder, "ocr/kant-1784/mets.xml").description;
    let texts: Vec<&str> = kant.pages[1].texts.iter().map(|text| text.id.as_str()).collect();
    assert_eq!(texts, ["OCR-D-GT-PAGE/PAGE_0020_PAGE.xml", "OCR-D-GT-ALTO/PAGE_0020_ALTO.xml"]);
    let clauren = read_file(&folder, "ocr/clauren-1815/mets.xml").description;
    assert_eq!(clauren.ranges[0].label.first(), Some("Chapter"));
    assert_eq!(pages(&clauren.ranges[0]), (0..9).collect::<Vec<_>>());
    assert_eq!(value(&clauren, "Author"), ["Karl Gottlob Samuel Heun"]);
}

#[test]
fn records_say_who_and_what() {
    let Some(folder) = data_dir() else { return };
    let describe = |name: &str| read_file(&folder, name).description;
    let mods = describe("mets/kitodo-production/modsXmlTestRecord.xml");
    assert_eq!((value(&mods, "Addressee"), value(&mods, "Place")), (vec!["Test-Name"], vec!["Test-Place"]));
    let people = describe("mets/kitodo-presentation/modsAuthorWithAutRoleTerm.xml");
    assert_eq!(
        value(&people, "Author"),
        [
            "May, Jack, I",
            "John Paul, II, Pope (1920-2005)",
            "Mattox, Douglas E. (1947-)",
            "Woolf, Virginia (1882-1941)",
            "Eric Alterman"
        ]
    );
    let broken = read_file(&folder, "mets/kitodo-production/mods-3-4-malformed.xml");
    assert_eq!((broken.findings[0].rule, broken.findings[0].line), ("not-well-formed", Some(30)));
    assert_eq!(value(&broken.description, "Identifier"), ["12345"]);
    let agora = describe("metadata/marc_OCLC_814388508.xml");
    assert_eq!(value(&agora, "Language"), ["Greek", "English", "German", "Griechisch", "Englisch", "Deutsch"]);
    assert_eq!(value(&agora, "ISBN"), ["9789608838765", "9608838762"]);
    assert_eq!(value(&describe("metadata/marc_chabon-loc.mrc"), "Author"), ["Chabon, Michael"]);
    assert_eq!(value(&describe("mets/kitodo-production/marcXmlTestRecord.xml"), "Shelfmark"), ["Test-Shelflocator"]);
}

#[test]
fn finding_aids_become_trees() {
    let Some(folder) = data_dir() else { return };
    let describe = |name: &str| read_file(&folder, name).description;
    let mut aid = describe("metadata/ead_ead-dao-test.xml");
    for _ in 0..3 {
        assert_eq!(aid.members.len(), 1);
        let Member::Described(inner) = aid.members.remove(0) else { panic!("not described") };
        aid = *inner;
    }
    let sizes: Vec<usize> = aid
        .members
        .iter()
        .map(|member| match member {
            Member::Described(object) => object.pages.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(sizes, [3, 3, 3, 0]);
    let Member::Described(first) = &aid.members[0] else { panic!("not described") };
    assert_eq!(first.label.first(), Some("did/dao-grp (with 3 daoloc items)"));
    assert_eq!(value(first, "Container"), ["Box 44, Folder 1-2"]);
    assert_eq!(first.pages[2].label.first(), Some("imagetwoverso"));
    assert_eq!(value(&describe("metadata/C1571.EAD3.xml"), "Creator"), ["Brown, Clarence"]);
    assert_eq!(value(&describe("metadata/ead_ferris.xml"), "Extent"), ["0.4 linear feet"]);
    let bestand = describe("mets/kitodo-production/eadCollection.xml");
    assert_eq!(
        (value(&bestand, "Identifier"), value(&bestand, "Subject")),
        (vec!["Custom Collection"], vec!["Martin Mustermann"])
    );
}

#[test]
fn editions_have_the_text_of_their_pages() {
    let Some(folder) = data_dir() else { return };
    let tei = read_file(&folder, "mets/kitodo-presentation/tei.xml").description;
    assert_eq!(
        tei.pages[0].transcription.as_deref(),
        Some("Lorem ipsum dolor sit amet, consectetuer adipiscing elit.")
    );
    assert_eq!(tei.ranges.iter().map(pages).collect::<Vec<_>>(), [[0], [1]]);
}

/// All files with a reader.
fn readable(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for part in ["mets", "metadata", "ocr"] {
        files.extend(files_below(&folder.join(part)));
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "xml" || extension == "mrc"));
    files.retain(|path| {
        let bytes = std::fs::read(path).unwrap();
        recognise(&Input::new("a", "a", &bytes)).is_some()
    });
    files
}

#[test]
fn every_file_with_a_reader_is_listed_here() {
    let Some(folder) = data_dir() else { return };
    let unlisted: Vec<String> = readable(&folder)
        .iter()
        .map(|path| path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned())
        .filter(|name| FILES.iter().all(|(known, _)| known != name))
        .map(|name| format!("    ({name:?}, {:?}),", summary(&read_file(&folder, &name))))
        .collect();
    assert!(unlisted.is_empty(), "these are not in FILES:\n{}", unlisted.join("\n"));
}

#[test]
fn no_beginning_of_a_real_file_is_too_much() {
    let Some(folder) = data_dir() else { return };
    for path in readable(&folder) {
        let bytes = std::fs::read(&path).unwrap();
        let step = (bytes.len() / 24).max(7);
        for end in (0..bytes.len()).step_by(step) {
            read(&Input::new("a", "a", &bytes[..end]), Mapping::built_in());
        }
    }
}

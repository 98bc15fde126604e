//! The text layers of PDF.

use std::ops::ControlFlow;

use recto_iiif::text::Unit;
use recto_ingest::text;

use super::support::{areas, rules, texts};

#[test]
fn the_text_layer_of_a_real_pdf_is_read_with_its_places() {
    let Some(folder) = recto_testkit::data_dir() else { return };
    let bytes = std::fs::read(folder.join("pdf-and-hocr/graph_ocred.pdf")).unwrap();
    let (page, findings) = text::read(&bytes, 0, "graph_ocred.pdf");
    assert!(findings.is_empty(), "{findings:?}");
    let size = page.size.unwrap();
    assert_eq!((size.width, size.height, size.unit), (718.5, 300.0, Unit::PartOfInch(72)));
    // As another program finds them: left, top, right; how far letters go down, that one guesses.
    for (word, edges) in [
        ("400", [12.0, 69.0, 23.8125]),
        ("—esupport", [603.75, 100.5, 653.7189]),
        ("vote{note", [633.75, 120.75, 674.25]),
        ("Percentage", [627.0, 174.75, 667.932]),
        ("3]", [697.5, 174.75, 702.5991]),
    ] {
        let found =
            page.words().find(|found| found.text == word).unwrap_or_else(|| panic!("{word}: {:?}", texts(&page)));
        let area = found.area.unwrap();
        let found = [area.x, area.y, area.x + area.w];
        assert!(found.iter().zip(edges).all(|(a, b)| (a - b).abs() < 1.0), "{word}: {found:?} {edges:?}");
    }
    assert_eq!(texts(&page).len(), 21);
    assert!(page.to_plain().contains("BH No vote{note 1]\n"), "{}", page.to_plain());
}

/// A PDF of pages with these programs, in Helvetica.
fn pdf(programs: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        String::new(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    let mut kids = String::new();
    for program in programs {
        let contents = objects.len() + 1;
        objects.push(format!("<</Length {}>>stream\n{program}\nendstream", program.len()));
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents {contents} 0 R/Resources<</Font<</F 3 0 R>>>>>>"
        ));
        kids.push_str(&format!("{} 0 R ", contents + 1));
    }
    objects[1] = format!("<</Type/Pages/Count {}/Kids[{kids}]>>", programs.len());
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (object, number) in objects.iter().zip(1..) {
        offsets.push(out.len());
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    offsets.iter().for_each(|offset| out.extend(format!("{offset:010} 00000 n \n").bytes()));
    out.extend(format!("trailer<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1).bytes());
    out
}

#[test]
fn letters_become_words_and_lines() {
    let bytes = pdf(&[
        "BT /F 10 Tf 10 80 Td (Viele W) Tj [(\\366) 20 (r-)] TJ 0 -12 Td (ter hier.) Tj ET BT /F 10 Tf 2 Tr 10 20 Td (A) Tj (B) Tj ET",
        "",
        "BT /F 10 Tf 0 1 -1 0 100 10 Tm (up) Tj ET",
    ]);
    let (page, findings) = text::read(&bytes, 0, "a.pdf");
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(page.to_plain(), "Viele Wörter\nhier.\n\nAB\n");
    // Widths of Helvetica: V 667, i 222, e 556, l 222.
    let first = areas(&page)[0];
    let wanted = [10.0, 12.0, 22.23, 10.0];
    assert!(first.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 0.1), "{first:?}");
    let (turned, _) = text::read(&bytes, 2, "a.pdf");
    let area = areas(&turned)[0];
    assert!(texts(&turned) == ["up"] && area[3] > area[2], "{area:?}");
    let mut counts = Vec::new();
    text::read_each(&bytes, "a.pdf", |number, page| {
        counts.push((number, page.words().count()));
        ControlFlow::Continue(())
    });
    assert_eq!(counts, [(0, 5), (1, 0), (2, 1)]);
    assert_eq!(rules(&text::read(&bytes, 3, "a.pdf").1), [("text-page-missing", None)]);
}

#[test]
fn a_pdf_that_is_cut_or_changed_never_fails() {
    let whole = pdf(&["BT /F 10 Tf 10 80 Td (Viele) Tj ET"]);
    for length in (0..whole.len()).step_by(7) {
        let _ = text::read(&whole[..length], 0, "a.pdf");
        let mut changed = whole.clone();
        changed[length] ^= 0x15;
        let _ = text::read(&changed, 0, "a.pdf");
    }
}

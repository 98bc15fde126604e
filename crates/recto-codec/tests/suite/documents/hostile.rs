//! Pages that would take all memory or all time.

use std::time::Instant;

use recto_codec::{Control, DecodeError, DecodeRequest, OpenOptions, read_raster};

use super::{PATIENCE, open_bytes};
use crate::fixtures::pdf::{deflated, file, one_page, stream};

/// What a hostile page must be answered with.
enum Answer {
    /// It names the feature, or the limit.
    Refused,
    /// Anything, as long as it comes soon and within the memory.
    Any,
}

fn hostile_pages() -> Vec<(&'static str, Vec<u8>, Answer)> {
    let page = "/MediaBox [0 0 60 48]";
    let form = |entries: &str, content: &str| {
        stream(&format!("/Type /XObject /Subtype /Form /BBox [0 0 60 48] {entries}"), content.as_bytes())
    };
    let mut cases = vec![
        (
            "a form that draws itself",
            one_page(
                &format!("{page} /Resources << /XObject << /F 5 0 R >> >>"),
                "/F Do",
                &[form("/Resources << /XObject << /F 5 0 R >> >>", "0 0 9 9 re f /F Do")],
            ),
            Answer::Any,
        ),
        (
            "a form that draws itself twice",
            one_page(
                &format!("{page} /Resources << /XObject << /F 5 0 R >> >>"),
                "/F Do",
                &[form("/Resources << /XObject << /F 5 0 R >> >>", "/F Do /F Do")],
            ),
            Answer::Any,
        ),
        (
            "forms that each draw the next ten times",
            one_page(
                &format!("{page} /Resources << /XObject << /F 5 0 R >> >>"),
                "/F Do",
                &(0..12)
                    .map(|i| {
                        form(
                            &format!("/Resources << /XObject << /F {} 0 R >> >>", 6 + i),
                            &"/F Do 0 0 1 1 re f ".repeat(10),
                        )
                    })
                    .collect::<Vec<_>>(),
            ),
            Answer::Refused,
        ),
        (
            "a bomb of content",
            file(&[
                b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
                format!("<< /Type /Page /Parent 2 0 R /Contents 4 0 R {page} >>").into_bytes(),
                stream("/Filter /FlateDecode", &deflated(&vec![b' '; 200 << 20])),
            ]),
            Answer::Refused,
        ),
        (
            "a picture of four billion pixels",
            one_page(
                &format!("{page} /Resources << /XObject << /I 5 0 R >> >>"),
                "60 0 0 48 0 0 cm /I Do",
                &[stream(
                    "/Subtype /Image /Width 65000 /Height 65000 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode",
                    &deflated(&[0; 1000]),
                )],
            ),
            Answer::Refused,
        ),
        ("a million full pages", one_page(page, &"0 0 60 48 re f ".repeat(1_000_000), &[]), Answer::Refused),
        ("nested arrays", one_page(page, &"[".repeat(1_000_000), &[]), Answer::Any),
        ("saved states", one_page(page, &"q ".repeat(1_000_000), &[]), Answer::Any),
        (
            "a page tree that is its own child",
            {
                file(&[
                    b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
                    b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>".to_vec(),
                ])
            },
            Answer::Any,
        ),
        (
            "a pattern of a million cells",
            one_page(
                &format!("{page} /Resources << /Pattern << /P 5 0 R >> >>"),
                "/Pattern cs /P scn 0 0 60 48 re f",
                &[stream(
                    "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 100000 100000] /XStep 0.01 /YStep 0.01 /Resources << >>",
                    b"0 0 5 5 re f",
                )],
            ),
            Answer::Refused,
        ),
        (
            "numbers that are none",
            one_page(page, "1e40 0 0 1e40 0 0 cm 0 0 1e40 1e40 re f 0.00001 w 0 0 m 1e30 1e30 l S", &[]),
            Answer::Any,
        ),
        ("dashes without end", one_page(page, "[0.0001] 0 d 0 0 m 100000000 100000000 l S", &[]), Answer::Refused),
    ];
    let mut cut = one_page(page, "", &[]);
    cut.truncate(cut.len() - 30);
    cases.push(("a file without its end", cut, Answer::Refused));
    cases
}

#[test]
fn hostile_pages_are_answered_soon_and_within_the_memory() {
    for (name, bytes, answer) in hostile_pages() {
        let options = OpenOptions { max_bytes: 256 << 20, ..OpenOptions::default() };
        let started = Instant::now();
        let mut result = Ok(());
        let peak = crate::memory::peak_bytes(|| {
            result = open_bytes(&bytes, &options).and_then(|decoder| {
                let wanted = DecodeRequest { level: 0, region: recto_iiif::Rect::new(0, 0, 9, 9), denominator: 1 };
                read_raster(decoder.as_ref(), &wanted, &Control::default()).map(|_| ())
            });
        });
        assert!(started.elapsed() < PATIENCE, "{name}: took {:?}", started.elapsed());
        assert!(peak <= 300 << 20, "{name}: held {peak} bytes");
        if let Answer::Refused = answer {
            let refused = matches!(
                result,
                Err(DecodeError::Unsupported { .. } | DecodeError::TooLarge { .. } | DecodeError::Corrupt { .. })
            );
            assert!(refused, "{name}: {result:?}");
        }
    }
}

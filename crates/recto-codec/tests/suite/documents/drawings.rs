//! Drawings (SVG): what hostile ones cannot do, and what is drawn.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use recto_codec::{Control, DecodeError, OpenOptions};
use recto_iiif::Dimensions;

use super::{PATIENCE, open_bytes, read_level};
use crate::fixtures::png::Form;

fn drawing(inside: &str) -> Vec<u8> {
    let namespaces = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'";
    format!("<svg {namespaces} width='40' height='30'>{inside}</svg>").into_bytes()
}

#[test]
fn hostile_drawings_are_answered_soon() {
    crate::contain();
    let mut uses = "<defs><g id='u0'><rect width='1' height='1'/></g>".to_owned();
    let mut markers = "<defs><marker id='m0'><path d='M0 0 1 1'/></marker>".to_owned();
    for i in 1..30 {
        uses.push_str(&format!("<g id='u{i}'>{}</g>", format!("<use xlink:href='#u{}'/>", i - 1).repeat(10)));
        markers.push_str(&format!(
            "<marker id='m{i}'><path d='{}' style='marker-mid:url(#m{})'/></marker>",
            "M0 0h1h1h1h1h1",
            i - 1
        ));
    }
    let entities =
        (1..10).map(|i| format!("<!ENTITY e{i} '{}'>", format!("&e{};", i - 1).repeat(10))).collect::<String>();
    let filters = "<filter id='f'><feGaussianBlur stdDeviation='50'/></filter>".to_owned()
        + &"<g filter='url(#f)'><rect width='40' height='30'/></g>".repeat(5000);
    let noise = "<filter id='f'><feTurbulence baseFrequency='1' numOctaves='1000000000'/></filter>\
                 <g filter='url(#f)'><rect width='40' height='30'/></g>";
    let sized = "width='40' height='30'";
    let mut patterns = format!("<pattern id='p0' patternUnits='userSpaceOnUse' {sized}><rect {sized}/></pattern>");
    for i in 1..7 {
        let painted = format!("<rect {sized} fill='url(#p{})'/>", i - 1).repeat(10);
        patterns.push_str(&format!("<pattern id='p{i}' patternUnits='userSpaceOnUse' {sized}>{painted}</pattern>"));
    }
    for (name, bytes) in [
        ("uses of uses", drawing(&format!("{uses}</defs><use xlink:href='#u29'/>"))),
        ("markers of markers", drawing(&format!("{markers}</defs><path d='M0 0h1h1h1h1' marker-mid='url(#m29)'/>"))),
        (
            "entities of entities",
            [format!("<!DOCTYPE svg [<!ENTITY e0 'x'>{entities}]>").into_bytes(), drawing("<text>&e9;</text>")]
                .concat(),
        ),
        ("nested groups", drawing(&format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000)))),
        ("a chain of uses", {
            let chain: String = (1..5000).map(|i| format!("<use id='c{i}' xlink:href='#c{}'/>", i + 1)).collect();
            drawing(&chain)
        }),
        ("thousands of filters", drawing(&filters)),
        ("noise of many octaves", drawing(noise)),
        ("patterns of patterns", drawing(&format!("{patterns}<rect {sized} fill='url(#p6)'/>"))),
        ("no end", b"<svg xmlns='http://www.w3.org/2000/svg'><g>".to_vec()),
    ] {
        let started = Instant::now();
        let mut result = Ok(Dimensions::new(0, 0));
        let peak = crate::memory::peak_bytes(|| {
            result = open_bytes(&bytes, &OpenOptions::default()).map(|decoder| decoder.facts().stored_size());
        });
        assert!(started.elapsed() < PATIENCE, "{name}: took {:?}", started.elapsed());
        assert!(peak <= 64 << 20, "{name}: held {peak} bytes");
        let refused = matches!(result, Err(DecodeError::Unsupported { .. } | DecodeError::Corrupt { .. }));
        assert!(refused, "{name}: {result:?}");
        // The library makes elements of these as long as it is let; it ends at the limits of a child.
        if name == "markers of markers" {
            let told = result.unwrap_err().to_string();
            assert!(told.contains("MiB to be parsed"), "{told}");
        }
    }
}

#[test]
fn a_drawing_is_parsed_by_a_child_first() {
    let tried = |bytes: &[u8]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_contained-decoder"))
            .args([recto_codec::CONTAINED, "svg", "0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", output.status);
        output.stdout
    };
    assert_eq!(tried(&drawing("<text>letters</text>")).len(), 8, "what it took");
    let answer = tried(b"<svg");
    assert!(answer.len() > 9 && answer[8] == b'C', "{answer:?}");
}

#[test]
fn a_drawing_that_passes_is_drawn_here() {
    crate::contain();
    let bytes = drawing("<rect width='40' height='30' fill='#c81414'/>");
    let decoder = open_bytes(&bytes, &OpenOptions::default()).unwrap();
    let raster = read_level(decoder.as_ref(), decoder.facts().levels.len() - 1).unwrap();
    let middle = raster.stride() / 2 / 4 * 4;
    assert_eq!(raster.row(raster.height_px() / 2)[middle..middle + 4], [200, 20, 20, 255]);
    // Whoever is not waited for has no child parsing.
    let control = Control::default();
    control.cancel();
    let stopped = open_bytes(&bytes, &OpenOptions { control, ..OpenOptions::default() }).err();
    assert!(matches!(stopped, Some(DecodeError::Cancelled)), "{stopped:?}");
}

#[test]
fn what_takes_long_to_be_drawn_large_is_drawn_small() {
    // A pixel is the most of tens of thousands around it; on smaller levels, of fewer.
    let filter = "<filter id='f'><feMorphology operator='dilate' radius='2'/></filter>";
    let bytes = drawing(&format!("{filter}<g filter='url(#f)'><rect width='40' height='30'/></g>"));
    let decoder = open_bytes(&bytes, &OpenOptions::default()).unwrap();
    match read_level(decoder.as_ref(), 0) {
        Err(DecodeError::TooLarge { unit, .. }) => assert!(unit.contains("drawn this large"), "{unit}"),
        other => panic!("{:?}", other.map(|raster| raster.size())),
    }
    let raster = read_level(decoder.as_ref(), decoder.facts().levels.len() - 1).unwrap();
    assert_eq!(raster.data()[3], 255);
}

#[test]
fn a_drawing_sees_nothing_outside_itself() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("red.png");
    image::RgbImage::from_pixel(4, 4, image::Rgb([255, 0, 0])).save(&picture).unwrap();
    let png = fs::read(&picture).unwrap();
    let inside = format!(
        "<image width='40' height='30' preserveAspectRatio='none' xlink:href='data:image/png;base64,{}'/>",
        base64(&png)
    );
    let outside = format!("<image width='40' height='30' xlink:href='{}'/>", picture.display());
    for (name, content, alpha) in [("inside", inside, 255), ("outside", outside, 0)] {
        let decoder = open_bytes(&drawing(&content), &OpenOptions::default()).unwrap();
        let level = decoder.facts().levels.len() - 1;
        let raster = read_level(decoder.as_ref(), level).unwrap();
        let middle = raster.row(raster.height_px() / 2);
        assert_eq!(middle[raster.stride() / 2 / 4 * 4 + 3], alpha, "{name}");
    }
}

#[test]
fn a_picture_is_held_once_however_often_it_is_used() {
    // Two by two black pixels, with much beside them.
    let chunks = [(*b"prVt", vec![7; 300_000])];
    let form = Form { size: Dimensions::new(2, 2), depth: 8, color_type: 0, interlaced: false, chunks: &chunks };
    let png = base64(&form.write(&|_, _| vec![0]));
    let attributes = "width='40' height='30' preserveAspectRatio='none'";
    let mut content = format!("<g id='u0'><image {attributes} xlink:href='data:image/png;base64,{png}'/></g>");
    for level in 1..3 {
        let uses = format!("<use xlink:href='#u{}'/>", level - 1).repeat(10);
        content.push_str(&format!("<g id='u{level}'>{uses}</g>"));
    }
    let bytes = drawing(&content);
    let mut decoder = None;
    let peak = crate::memory::peak_bytes(|| decoder = Some(open_bytes(&bytes, &OpenOptions::default()).unwrap()));
    assert!(peak < 16 << 20, "{peak} bytes for a hundred times a third of a megabyte");
    let decoder = decoder.unwrap();
    let raster = read_level(decoder.as_ref(), decoder.facts().levels.len() - 1).unwrap();
    let middle = raster.stride() / 2 / 4 * 4;
    assert_eq!(raster.row(raster.height_px() / 2)[middle..middle + 4], [0, 0, 0, 255]);
    // Nor is it unpacked without end.
    let often = content + &"<use xlink:href='#u2'/>".repeat(10);
    let refused = open_bytes(&drawing(&often), &OpenOptions::default()).err();
    assert!(matches!(refused, Some(DecodeError::TooLarge { .. })), "{refused:?}");
    // Not by way of a pattern either, which is drawn for each that is painted with it.
    let form = Form { size: Dimensions::new(1000, 1000), depth: 8, color_type: 0, interlaced: false, chunks: &[] };
    let png = base64(&form.write(&|_, _| vec![0]));
    let picture = format!("<image {attributes} xlink:href='data:image/png;base64,{png}'/>");
    let pattern = format!("<pattern id='p' patternUnits='userSpaceOnUse' width='40' height='30'>{picture}</pattern>");
    let rect = "<rect width='1' height='1' fill='url(#p)'/>";
    let painted = |times: usize| drawing(&format!("{pattern}{}", rect.repeat(times)));
    assert!(open_bytes(&painted(2), &OpenOptions::default()).is_ok());
    match open_bytes(&painted(70), &OpenOptions::default()).err() {
        Some(DecodeError::TooLarge { needed, unit, .. }) => {
            assert!(needed > 64_000_000 && unit.contains("pictures"), "{needed} {unit}");
        }
        other => panic!("{other:?}"),
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let letter = char::from(LETTERS[(word >> (18 - 6 * i) & 63) as usize]);
            out.push(if i > three.len() { '=' } else { letter });
        }
    }
    out
}

#[test]
fn a_drawing_is_shown_large_enough_to_be_looked_at() {
    for (attributes, size) in [
        ("width='64' height='64'", (2048, 2048)),
        ("viewBox='0 0 3000 1000'", (3000, 1000)),
        ("width='1000' height='10' viewBox='0 0 1 1'", (3000, 30)),
        ("width='100000' height='100000'", (10_000, 10_000)),
    ] {
        let text = format!("<svg xmlns='http://www.w3.org/2000/svg' {attributes}><rect width='1' height='1'/></svg>");
        let decoder =
            open_bytes(text.as_bytes(), &OpenOptions::default()).unwrap_or_else(|e| panic!("{attributes}: {e}"));
        assert_eq!(decoder.facts().stored_size(), Dimensions::new(size.0, size.1), "{attributes}");
    }
}

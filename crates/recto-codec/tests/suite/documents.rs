//! Page descriptions: what real pages look like elsewhere, what is shared between pages, and what hostile ones cannot do.

use std::fs;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use recto_codec::{
    ByteRange, Control, DecodeError, DecodeRequest, Decoder, Memo, MemoryAccess, OpenOptions, RandomAccess, Raster,
    SourceFormat, open, read_raster,
};
use recto_iiif::Dimensions;
use recto_testkit::data_dir;
use recto_testkit::linearized::{self, Linearized};

use crate::fixtures::pdf::{deflated, file, one_page, stream};
use crate::fixtures::png::Form;

/// However a page is made, it is answered within this.
const PATIENCE: Duration = Duration::from_secs(20);

fn open_bytes(bytes: &[u8], options: &OpenOptions) -> Result<Box<dyn Decoder>, DecodeError> {
    open(Arc::new(MemoryAccess::new(bytes)), options)
}

fn read_level(decoder: &dyn Decoder, level: usize) -> Result<Raster, DecodeError> {
    let region = decoder.facts().levels[level].size.rect();
    let control = Control::until(Instant::now() + PATIENCE);
    read_raster(decoder, &DecodeRequest { level, region, denominator: 1 }, &control).map(|(raster, _)| raster)
}

/// Average red, green and blue of the quarters: top left, top right, bottom left, bottom right.
fn quarters(raster: &Raster) -> Quarters {
    let (w, h) = (raster.width_px() / 2, raster.height_px() / 2);
    [(0, 0), (w, 0), (0, h), (w, h)].map(|(x, y)| {
        let mut sums = [0_u64; 3];
        for row in y..y + h {
            for pixel in &raster.row(row).as_chunks::<3>().0[x as usize..(x + w) as usize] {
                sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u64::from(*value));
            }
        }
        sums.map(|sum| sum as f64 / (f64::from(w) * f64::from(h)))
    })
}

/// Average red, green and blue of the quarters of a page.
type Quarters = [[f64; 3]; 4];

/// A file, one of its pages, how many there are, size at 300 dots per inch, and the averages of the quarters.
type Page = (&'static str, u32, u32, (u32, u32), Quarters);

/// What another renderer (poppler) draws.
const PAGES: [Page; 9] = [
    (
        "images/libvips/ISO_12233-reschart.pdf",
        1,
        1,
        (4724, 2835),
        [[171.1, 169.8, 170.2], [169.9, 168.6, 168.9], [165.0, 163.7, 164.0], [166.2, 164.9, 165.2]],
    ),
    (
        "pdf-and-hocr/ccitt.pdf",
        1,
        1,
        (2550, 3300),
        [[231.0, 231.0, 231.0], [238.5, 238.5, 238.5], [234.8, 234.8, 234.8], [237.3, 237.3, 237.3]],
    ),
    (
        "pdf-and-hocr/graph_ocred.pdf",
        1,
        1,
        (2994, 1250),
        [[243.9, 242.5, 243.1], [247.6, 246.1, 244.2], [240.0, 241.3, 240.4], [245.1, 246.6, 247.2]],
    ),
    (
        "pdf-and-hocr/jbig2.pdf",
        1,
        1,
        (2550, 3300),
        [[231.1, 231.1, 231.1], [238.5, 238.5, 238.5], [235.0, 235.0, 235.0], [237.4, 237.4, 237.4]],
    ),
    (
        "pdf-and-hocr/linn.pdf",
        1,
        1,
        (2550, 3300),
        [[231.0, 231.0, 231.0], [238.5, 238.5, 238.5], [234.8, 234.8, 234.8], [237.3, 237.3, 237.3]],
    ),
    (
        "images/libvips/page-box.pdf",
        1,
        1,
        (2953, 3980),
        [[198.6, 196.1, 53.6], [198.5, 196.1, 53.7], [197.5, 195.0, 53.3], [197.6, 195.0, 53.4]],
    ),
    (
        "images/cantaloupe/pdf.pdf",
        1,
        1,
        (417, 367),
        [[145.2, 131.4, 97.1], [148.0, 129.3, 100.6], [131.8, 113.9, 90.2], [154.1, 135.2, 103.1]],
    ),
    (
        "images/cantaloupe/pdf-multipage.pdf",
        1,
        2,
        (417, 367),
        [[145.2, 131.4, 97.1], [148.0, 129.3, 100.6], [131.8, 113.9, 90.2], [154.1, 135.2, 103.1]],
    ),
    (
        "images/cantaloupe/pdf-multipage.pdf",
        2,
        2,
        (367, 417),
        [[131.6, 113.7, 90.1], [145.4, 131.5, 97.2], [154.3, 135.5, 103.3], [148.0, 129.3, 100.5]],
    ),
];

#[test]
fn real_pages_look_as_they_do_elsewhere_on_every_level() {
    let Some(data) = data_dir() else { return };
    for (name, page, pages, (width_px, height_px), want) in PAGES {
        let bytes = fs::read(data.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let options = OpenOptions { page, ..OpenOptions::default() };
        let decoder = open_bytes(&bytes, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(decoder.facts().source_format, SourceFormat::Pdf, "{name}");
        assert_eq!(decoder.facts().pages, pages, "{name}");
        assert_eq!(decoder.facts().stored_size(), Dimensions::new(width_px, height_px), "{name} page {page}");
        // Fine lines are lighter or darker on the smallest levels, whoever draws them.
        let levels = decoder
            .facts()
            .levels
            .iter()
            .filter(|level| level.size.width_px > 700 || level.size == decoder.facts().stored_size());
        for level in 0..levels.count() {
            let got = quarters(&read_level(decoder.as_ref(), level).unwrap_or_else(|error| panic!("{name}: {error}")));
            // The middle falls between pixels.
            let most = if level == 0 { 2.0 } else { 10.0 };
            let apart = got.iter().flatten().zip(want.iter().flatten()).map(|(got, want)| (got - want).abs());
            let worst = apart.fold(0.0, f64::max);
            assert!(worst <= most, "{name} page {page} level {level}: {got:.1?} instead of {want:?}");
        }
        let beyond = open_bytes(&bytes, &OpenOptions { page: pages + 1, ..OpenOptions::default() });
        assert!(matches!(beyond, Err(DecodeError::NoSuchPage { .. })), "{name}");
    }
}

#[test]
fn a_region_of_a_real_page_is_a_part_of_the_whole() {
    let Some(data) = data_dir() else { return };
    let bytes = fs::read(data.join("pdf-and-hocr/graph_ocred.pdf")).unwrap();
    let decoder = open_bytes(&bytes, &OpenOptions::default()).unwrap();
    let level = 1;
    let whole = read_level(decoder.as_ref(), level).unwrap();
    for region in recto_testkit::Rng::new(3).rects_in(whole.size(), 12) {
        let wanted = DecodeRequest { level, region, denominator: 1 };
        let (part, _) = read_raster(decoder.as_ref(), &wanted, &Control::default()).unwrap();
        // An edge that falls exactly between two pixels may be rounded to either, seen from another corner.
        let lines = (region.y..region.y + region.h)
            .flat_map(|y| whole.row(y)[region.x as usize * 3..(region.x + region.w) as usize * 3].to_vec());
        let apart = part.data().iter().zip(lines).filter(|(got, want)| got.abs_diff(*want) > 12).count();
        let most = part.data().len() / 200;
        assert!(apart <= most, "region {region}: {apart} of {} samples differ", part.data().len());
    }
}

/// A file whose store knows its version, and that counts what is read of it.
#[derive(Debug)]
struct Versioned {
    file: MemoryAccess,
    version: Option<u128>,
    bytes: Arc<AtomicU64>,
}

impl RandomAccess for Versioned {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn identity(&self) -> Option<u128> {
        self.version
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }
}

/// A file of so many pages, the first of them blank, the others ever darker.
fn book(pages: u32) -> Vec<u8> {
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 3 + page * 2)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{}] /Count {pages} /MediaBox [0 0 24 24] >>", kids.join(" ")).into_bytes(),
    ];
    for page in 0..pages {
        objects.push(format!("<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>", 4 + page * 2).into_bytes());
        let gray = 1.0 - f64::from(page) / f64::from(pages);
        objects.push(stream("", format!("{gray:.4} g 0 0 24 24 re f").as_bytes()));
    }
    file(&objects)
}

#[test]
fn d20_a_document_is_read_whole_once_and_shared_by_its_pages() {
    let bytes = book(50);
    let read = Arc::new(AtomicU64::new(0));
    let options = OpenOptions::default();
    let open_page = |page: u32, version: Option<u128>| {
        let source = Versioned { file: MemoryAccess::new(bytes.as_slice()), version, bytes: Arc::clone(&read) };
        let decoder = open(Arc::new(source), &OpenOptions { page, ..options.clone() }).unwrap();
        let gray = read_level(decoder.as_ref(), 0).unwrap().data()[0];
        let want = 255.0 * (1.0 - f64::from(page - 1) / 50.0);
        assert!((f64::from(gray) - want).abs() <= 1.0, "page {page}: {gray} instead of {want}");
    };
    let length = bytes.len() as u64;
    open_page(1, Some(7));
    assert!(read.swap(0, Ordering::Relaxed) >= length, "the file is read");
    for page in 2..=50 {
        open_page(page, Some(7));
    }
    // What is looked at to find the format is read for every page.
    assert!(read.swap(0, Ordering::Relaxed) <= 49 * 1024, "and then not again");
    open_page(2, Some(8));
    assert!(read.swap(0, Ordering::Relaxed) >= length, "another version is another file");
    open_page(2, None);
    assert!(read.swap(0, Ordering::Relaxed) >= length, "without a version nothing is shared");
}

/// A file far away: how often and for how much it was asked.
#[derive(Debug)]
struct Far {
    file: MemoryAccess,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// As a store with 30 ms to the first byte would have it.
const AHEAD: u64 = 384 << 10;

impl Far {
    fn new(file: &[u8]) -> Arc<Self> {
        Arc::new(Self { file: MemoryAccess::new(file), requests: AtomicU64::new(0), bytes: AtomicU64::new(0) })
    }

    /// Requests and bytes since it was last asked.
    fn spent(&self) -> (u64, u64) {
        (self.requests.swap(0, Ordering::Relaxed), self.bytes.swap(0, Ordering::Relaxed))
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }
}

impl RandomAccess for Far {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn identity(&self) -> Option<u128> {
        Some(7)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.fill(offset, buffer)
    }

    fn read_ranges(&self, ranges: &[ByteRange]) -> io::Result<Vec<Vec<u8>>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let one = |range: &ByteRange| {
            let mut buffer = vec![0; range.length as usize];
            self.fill(range.offset, &mut buffer).map(|()| buffer)
        };
        ranges.iter().map(one).collect()
    }

    fn read_ahead(&self) -> u64 {
        AHEAD
    }
}

const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];

/// The content of a page with so many bytes that draw nothing.
fn padded(content: &str, bytes: usize) -> Vec<u8> {
    stream("", format!("{content}\n%{}", "x".repeat(bytes)).as_bytes())
}

/// Three pages: one that a form makes green, and two blue ones of so many bytes each.
fn far_book(bytes: usize) -> Linearized {
    let blue = "0 0 1 rg 0 0 24 24 re f";
    let page = |entries: &str| format!("<< /Type /Page /Parent 1 0 R /MediaBox [0 0 24 24] {entries} >>").into_bytes();
    let form = stream("/Type /XObject /Subtype /Form /BBox [0 0 24 24]", b"0 1 0 rg 0 0 24 24 re f");
    Linearized {
        first: vec![
            b"<< /Type /Catalog /Pages 1 0 R >>".to_vec(),
            page("/Resources << /XObject << /A 25 0 R >> >> /Contents 24 0 R"),
            padded("/A Do", 0),
            form.clone(),
        ],
        rest: vec![
            b"<< /Type /Pages /Kids [23 0 R 2 0 R 4 0 R] /Count 3 >>".to_vec(),
            page("/Resources << >> /Contents 3 0 R"),
            padded(blue, bytes),
            page("/Resources << >> /Contents 5 0 R"),
            padded(blue, bytes),
            form,
            b"<< /OCGs [26 0 R] /D << /OFF [26 0 R] >> >>".to_vec(),
        ],
        pages: 3,
        ..Linearized::default()
    }
}

/// Puts others in the place of some words of an object.
fn replace(object: &mut Vec<u8>, words: &str, others: &str) {
    let text = String::from_utf8(object.clone()).unwrap();
    assert!(text.contains(words), "{text}");
    *object = text.replace(words, others).into_bytes();
}

/// How many pages a file says that it has, and the colour in the middle of one of them.
fn shown(far: &Arc<Far>, page: u32, options: &OpenOptions) -> (u32, [u8; 3]) {
    let options = OpenOptions { page, ..options.clone() };
    let decoder = open(Arc::clone(far) as Arc<dyn RandomAccess>, &options).unwrap();
    assert_eq!(decoder.facts().stored_size(), Dimensions::new(100, 100));
    let raster = read_level(decoder.as_ref(), 0).unwrap();
    (decoder.facts().pages, raster.row(50).as_chunks::<3>().0[50])
}

#[test]
fn d20_the_first_page_of_a_linearised_file_far_away_is_shown_without_the_rest() {
    for (has_streams, padding) in [(false, 0), (false, 600_000), (true, 0), (true, 600_000)] {
        let case = format!("streams: {has_streams}, {padding} bytes more");
        let mut book = Linearized { has_streams, ..far_book(3 << 20) };
        book.first[2] = padded("/A Do", padding);
        let bytes = book.bytes();
        let (far, length) = (Far::new(&bytes), bytes.len() as u64);
        let options = OpenOptions::default();
        assert_eq!(shown(&far, 1, &options), (3, GREEN), "{case}");
        let (requests, read) = far.spent();
        assert!(requests <= 3 && read <= length / 4, "{case}: {requests} requests, {read} of {length} bytes");
        assert_eq!(shown(&far, 2, &options), (3, BLUE), "{case}");
        assert!(far.spent().1 >= length, "{case}: another page takes the whole file");
        assert_eq!(shown(&far, 1, &options), (3, GREEN), "{case}, again");
        assert!(far.spent().1 <= 2 * AHEAD, "{case}: what is in memory serves the first page as well");
        // Where nothing stays in memory, the same part is read again.
        let forgetful = OpenOptions { memo: Arc::new(Memo::new(0)), ..OpenOptions::default() };
        assert_eq!(shown(&far, 1, &forgetful), (3, GREEN), "{case}, without memory");
        let (requests, read) = far.spent();
        assert!(requests <= 3 && read <= length / 3, "{case}: {requests} requests, {read} of {length} bytes");
        // What lies at hand is read whole, as before.
        let decoder = open_bytes(&bytes, &options).unwrap();
        assert_eq!(read_level(decoder.as_ref(), 0).unwrap().row(50)[..3], GREEN, "{case}, at hand");
    }
}

#[test]
fn d20_a_linearised_file_whose_first_page_is_not_all_there_is_read_whole() {
    let tree = b"<< /Type /Pages /Kids [23 0 R 2 0 R 4 0 R] /Count 3 >>";
    let mut cases = Vec::new();
    let mut add = |name: &'static str, change: &dyn Fn(&mut Linearized)| {
        for has_streams in [false, true] {
            let mut book = Linearized { has_streams, ..far_book(500_000) };
            change(&mut book);
            cases.push((name, book.bytes(), GREEN));
        }
    };
    add("a size that is inherited", &|book| {
        replace(&mut book.first[1], "/MediaBox [0 0 24 24]", "");
        replace(&mut book.rest[0], "/Count 3", "/Count 3 /MediaBox [0 0 24 24]");
    });
    add("resources that are inherited", &|book| {
        replace(&mut book.first[1], "/Resources << /XObject << /A 25 0 R >> >>", "");
        replace(&mut book.rest[0], "/Count 3", "/Count 3 /Resources << /XObject << /A 25 0 R >> >>");
    });
    add("a crop box that is inherited", &|book| {
        replace(&mut book.first[1], "/Parent 1 0 R /MediaBox [0 0 24 24]", "/Parent 26 0 R /MediaBox [0 0 48 48]");
        replace(&mut book.first[0], "/Pages 1 0 R", "/Pages 26 0 R");
        book.first.push(tree.to_vec());
        replace(&mut book.first[4], "/Count 3", "/Count 3 /CropBox [0 0 24 24]");
    });
    add("fewer pages than it says", &|book| {
        replace(&mut book.first[1], "/Parent 1 0 R", "/Parent 26 0 R");
        replace(&mut book.first[0], "/Pages 1 0 R", "/Pages 26 0 R");
        book.first.push(tree.to_vec());
        book.pages = 5;
    });
    add("a form that lies behind", &|book| replace(&mut book.first[1], "/A 25 0 R", "/A 6 0 R"));
    add("a mark of encryption", &|book| book.trailer = "/Encrypt 99 0 R".to_owned());
    add("an end too early", &|book| book.short_by = 30);
    add("an end between objects too early", &|book| {
        let length = book.first[3].len() + b"25 0 obj\n\nendobj\n".len();
        book.short_by = length;
    });
    add("layers that are hidden from behind", &|book| {
        hide(book);
        replace(&mut book.first[0], "/Pages 1 0 R", "/Pages 1 0 R /OCProperties 7 0 R");
    });
    let blue = stream("", b"0 0 1 rg 0 0 24 24 re f");
    cases.push(("an update", linearized::updated(&far_book(500_000).bytes(), 24, &blue), BLUE));
    for (name, bytes, color) in cases {
        let (far, length) = (Far::new(&bytes), bytes.len() as u64);
        let options = OpenOptions::default();
        assert_eq!(shown(&far, 1, &options), (3, color), "{name}");
        assert!(far.spent().1 >= length, "{name}: it takes the whole file");
        assert_eq!(shown(&far, 2, &options), (3, BLUE), "{name}");
        assert!(far.spent().1 <= 2 * AHEAD, "{name}: which serves other pages as well");
    }
}

/// Draws red over the page, in a layer that is to be hidden.
fn hide(book: &mut Linearized) {
    replace(&mut book.first[1], "/XObject", "/Properties << /L 26 0 R >> /XObject");
    book.first[2] = stream("", b"/A Do /OC /L BDC 1 0 0 rg 0 0 24 24 re f EMC");
    book.first.push(b"<< /Type /OCG /Name (Red) >>".to_vec());
}

#[test]
fn d20_layers_that_a_linearised_file_hides_are_hidden_on_its_first_page() {
    let hidden = "<< /OCGs [26 0 R] /D << /OFF [26 0 R] >> >>";
    for (has_streams, entry) in [(false, hidden), (false, "27 0 R"), (true, hidden), (true, "27 0 R")] {
        let mut book = Linearized { has_streams, ..far_book(500_000) };
        hide(&mut book);
        book.first.push(hidden.as_bytes().to_vec());
        replace(&mut book.first[0], "/Pages 1 0 R", &format!("/Pages 1 0 R /OCProperties {entry}"));
        let bytes = book.bytes();
        let far = Far::new(&bytes);
        assert_eq!(shown(&far, 1, &OpenOptions::default()), (3, GREEN), "streams: {has_streams}, {entry}");
        let (requests, read) = far.spent();
        assert!(requests <= 3 && read <= 2 * AHEAD, "{entry}: {requests} requests, {read} of {} bytes", bytes.len());
    }
}

#[test]
fn a_page_is_as_large_as_its_crop_box_its_turn_and_its_unit_say() {
    for (entries, size) in [
        ("/MediaBox [0 0 60 48]", (250, 200)),
        ("/MediaBox [0 0 60 48] /Rotate 90", (200, 250)),
        ("/MediaBox [0 0 60 48] /Rotate -90", (200, 250)),
        ("/MediaBox [0 0 60 48] /CropBox [12 12 36 24]", (100, 50)),
        ("/MediaBox [0 0 60 48] /CropBox [12 12 360 24]", (200, 50)),
        ("/MediaBox [0 0 60 48] /UserUnit 2", (500, 400)),
        ("/MediaBox [60 48 0 0]", (250, 200)),
        // 2 m by 1 m, and what nobody prints.
        ("/MediaBox [0 0 5669.3 2834.6]", (14142, 7071)),
        ("/MediaBox [0 0 1000000000 1000000000]", (10_000, 10_000)),
    ] {
        let bytes = one_page(entries, "", &[]);
        let decoder = open_bytes(&bytes, &OpenOptions::default()).unwrap_or_else(|error| panic!("{entries}: {error}"));
        assert_eq!(decoder.facts().stored_size(), Dimensions::new(size.0, size.1), "{entries}");
    }
    let half = OpenOptions { document_dpi: 150.0, ..OpenOptions::default() };
    let decoder = open_bytes(&one_page("/MediaBox [0 0 60 48]", "", &[]), &half).unwrap();
    assert_eq!(decoder.facts().stored_size(), Dimensions::new(125, 100));
    assert_eq!(decoder.facts().dpi, Some((150.0, 150.0)));
}

#[test]
fn d20_a_tile_of_a_page_of_two_metres_costs_a_tile() {
    let content = "1 0 0 rg 0 0 2835 2835 re f 0 0 1 rg 2835 0 2835 2835 re f";
    let bytes = one_page("/MediaBox [0 0 5670 2835]", content, &[]);
    let decoder = open_bytes(&bytes, &OpenOptions::default()).unwrap();
    let size = decoder.facts().stored_size();
    assert!(size.area_px() > 99_000_000, "{size}");
    let region = recto_iiif::Rect::new(size.width_px / 2 - 256, 3000, 512, 512);
    let wanted = DecodeRequest { level: 0, region, denominator: 1 };
    let held = decoder.cost(&wanted).bytes_held;
    assert!(held < 40 << 20, "{held} bytes");
    let mut answer = None;
    let peak = crate::memory::peak_bytes(|| {
        answer = Some(read_raster(decoder.as_ref(), &wanted, &Control::default()).unwrap().0);
    });
    assert!(peak <= held, "{peak} of {held} bytes");
    let raster = answer.unwrap();
    assert_eq!((&raster.row(9)[..3], &raster.row(9)[511 * 3..]), (&[255, 0, 0][..], &[0, 0, 255][..]));
}

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

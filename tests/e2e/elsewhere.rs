//! D14: originals that lie elsewhere and are replaced there: new pixels and a new validator, as soon as the options say.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::support::{Answer, Library, Server};

/// A name of a header, and the value by which the origin tells one file from another.
type Validator = Option<(&'static str, &'static str)>;

/// A server with one file. Its thread ends with the process.
struct Origin {
    address: SocketAddr,
    file: Arc<Mutex<(Vec<u8>, Validator)>>,
}

impl Origin {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, file) = (listener.local_addr().unwrap(), Arc::<Mutex<(Vec<u8>, Validator)>>::default());
        let given = Arc::clone(&file);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (body, validator) = given.lock().unwrap().clone();
                // Whoever asked may have gone.
                let _answered = answer(&stream.unwrap(), &body, validator);
            }
        });
        Self { address, file }
    }

    /// Puts a picture of one colour in the place of what is there. Two of one size have the same length.
    fn put(&self, color: [u8; 3], (width, height): (u32, u32), validator: Validator) {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = DynamicImage::from(RgbImage::from_pixel(width, height, Rgb(color)));
        picture.write_to(&mut bytes, ImageFormat::Bmp).unwrap();
        *self.file.lock().unwrap() = (bytes.into_inner(), validator);
    }

    /// A server that fetches from here, and asks again after so long.
    fn serve(&self, library: &Library, recheck: &str) -> Server {
        let prefixes = format!("source.remote.prefixes=[\"http://{}/\"]", self.address);
        library.serve(&["--set", &prefixes, "--set", &format!("source.remote.recheck={recheck}")])
    }

    fn url(&self) -> String {
        let address = format!("http://{}/a.bmp", self.address);
        let encoded = percent_encoding::utf8_percent_encode(&address, percent_encoding::NON_ALPHANUMERIC).to_string();
        format!("/iiif/3/{}", encoded.replace("%2E", "."))
    }
}

fn answer(mut stream: &TcpStream, body: &[u8], validator: Validator) -> std::io::Result<()> {
    let head: Vec<String> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let asked =
        |name: &str, value: &str| head.iter().any(|line| line.eq_ignore_ascii_case(&format!("{name}: {value}")));
    let is_unchanged = match validator {
        Some(("ETag", value)) => asked("if-none-match", value),
        Some((_, value)) => asked("if-modified-since", value),
        None => false,
    };
    let told = validator.map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
    if is_unchanged {
        return stream.write_all(format!("HTTP/1.1 304 Same\r\nConnection: close\r\n{told}\r\n").as_bytes());
    }
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n{told}\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

fn color_of(answer: &Answer) -> [u8; 3] {
    answer.image().to_rgb8().get_pixel(5, 5).0
}

const SIZE: (u32, u32) = (64, 48);

#[test]
fn d14_what_was_replaced_elsewhere_is_new_at_the_next_request_where_the_origin_is_always_asked() {
    let (origin, library) = (Origin::new(), Library::new());
    let server = origin.serve(&library, "0 s");
    let info = format!("{}/info.json", origin.url());
    let whole = format!("{}/full/max/0/default.png", origin.url());
    let mut tags: HashSet<String> = HashSet::new();
    for (color, size, validator) in [
        ([200, 30, 30], SIZE, Some(("ETag", "\"1\""))),
        ([30, 200, 30], SIZE, Some(("ETag", "\"2\""))),
        // Without a validator, and with one of whole seconds.
        ([30, 30, 200], SIZE, None),
        ([90, 90, 90], SIZE, None),
        ([200, 200, 30], SIZE, Some(("Last-Modified", "Tue, 15 Nov 1994 08:12:31 GMT"))),
        ([30, 200, 200], SIZE, Some(("Last-Modified", "Tue, 15 Nov 1994 08:12:32 GMT"))),
        ([200, 30, 200], (48, 64), Some(("ETag", "\"3\""))),
    ] {
        origin.put(color, size, validator);
        for tag in &tags {
            let answer = server.ask("GET", &whole, &[("If-None-Match", tag)]);
            assert_eq!(answer.status, 200, "{validator:?}: {tag} is of what was there before: {}", answer.text());
        }
        let answer = server.get(&whole);
        assert_eq!((answer.status, color_of(&answer)), (200, color), "{validator:?}: {}", answer.header("etag"));
        let tag = answer.header("etag").to_owned();
        let same = server.ask("GET", &whole, &[("If-None-Match", &tag)]);
        assert_eq!((same.status, same.header("etag")), (304, tag.as_str()), "{validator:?}");
        assert!(tags.insert(tag), "{validator:?}: new pixels, new validator");
        let info = server.get(&info).json();
        assert_eq!((info["width"].as_u64(), info["height"].as_u64()), (Some(size.0.into()), Some(size.1.into())));
    }
    server.assert_clean_log();
}

#[test]
fn d14_what_was_replaced_elsewhere_is_new_once_the_origin_is_asked_again() {
    let (origin, library) = (Origin::new(), Library::new());
    let server = origin.serve(&library, "200 ms");
    let whole = format!("{}/full/max/0/default.png", origin.url());
    let mut tags = HashSet::new();
    for (color, validator) in [
        ([200, 30, 30], Some(("ETag", "\"1\""))),
        ([30, 200, 30], Some(("ETag", "\"2\""))),
        ([30, 30, 200], None),
        ([90, 90, 90], None),
    ] {
        origin.put(color, SIZE, validator);
        let deadline = Instant::now() + Duration::from_secs(20);
        let answer = loop {
            let answer = server.get(&whole);
            // An answer that is just being made may meet with the new file, and says so.
            if answer.status == 200 && color_of(&answer) == color {
                break answer;
            }
            assert!([200, 503].contains(&answer.status), "{}", answer.text());
            assert!(Instant::now() < deadline, "{validator:?}: what is there now is not shown");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(tags.insert(answer.header("etag").to_owned()), "{validator:?}: new pixels, new validator");
    }
    server.assert_clean_log();
}

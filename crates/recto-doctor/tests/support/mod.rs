//! A small IIIF server that does everything right but for the faults it is given.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use image::{ImageFormat, Rgb, RgbImage, imageops};
use recto_iiif::{
    Dimensions,
    identifier::Identifier,
    image::{
        ApiVersion, DEFAULT_TILE, Format, ImagePath, ImageRequest, InfoSubject, Mirror, Quality, Slashes, TileGrid,
        parse_path, v2, v3,
    },
};
use serde_json::{Value, json};

const SIZE: Dimensions = Dimensions::new(1040, 700);
const TILE: Dimensions = Dimensions::new(256, 256);

/// A server on a port of its own; it ends with the test's process.
pub(crate) struct Server {
    pub(crate) origin: String,
}

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
}

struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

struct Site {
    faults: BTreeSet<&'static str>,
    origin: String,
    picture: RgbImage,
}

impl Server {
    pub(crate) fn with(faults: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let picture = RgbImage::from_fn(SIZE.width_px, SIZE.height_px, |x, y| {
            let wave = 128.0 + 60.0 * (f64::from(x) / 17.0).sin() * (f64::from(y) / 13.0).cos();
            Rgb([(x * 255 / SIZE.width_px) as u8, (y * 255 / SIZE.height_px) as u8, wave as u8])
        });
        let site = Arc::new(Site { faults: faults.iter().copied().collect(), origin: origin.clone(), picture });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = Arc::clone(&site);
                std::thread::spawn(move || drop(site.serve(stream)));
            }
        });
        Self { origin }
    }
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }
}

impl Response {
    fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type", kind.to_owned())], body: body.into() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(given, _)| *given != name);
        self.headers.push((name, value.into()));
        self
    }
}

impl Site {
    fn has(&self, fault: &str) -> bool {
        self.faults.contains(fault)
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let mut request = Request {
            method: words.next().unwrap_or_default().to_owned(),
            path: words.next().unwrap_or_default().to_owned(),
            headers: Vec::new(),
        };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = self.respond(&request);
        if !self.has("no-cors") {
            response = response.with("Access-Control-Allow-Origin", "*");
        }
        if self.has("hostile") {
            response = response.with("Server", "<script>alert(1)</script>");
        }
        let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", response.status);
        for (name, value) in &response.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if response.status != 304 {
            head.push_str(&format!("Content-Length: {}\r\n", response.body.len()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        if request.method != "HEAD" && response.status != 304 {
            stream.write_all(&response.body)?;
        }
        stream.flush()
    }

    fn respond(&self, request: &Request) -> Response {
        if request.method == "OPTIONS" {
            let refused = self.has("no-preflight");
            let response = Response::new(if refused { 405 } else { 204 }, "text/plain", "");
            return response.with("Access-Control-Allow-Headers", "Authorization");
        }
        if request.method == "HEAD" && self.has("head-405") {
            return Response::new(405, "text/plain", "no HEAD");
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let response = match path {
            "/page" => {
                let link = format!("<a href=\"/view?manifest={}/manifest&amp;canvas=1\">IIIF</a>", self.origin);
                Response::new(200, "text/html; charset=utf-8", link)
            }
            "/text" => Response::new(200, "text/plain", "nothing of IIIF here"),
            "/moved" => Response::new(302, "text/plain", "").with("Location", "/manifest"),
            "/manifest" => self.manifest(request),
            "/annotations/1" if self.has("dead-annotations") => Response::new(404, "text/plain", "gone"),
            "/annotations/1" => {
                let page = json!({ "@context": "http://iiif.io/api/presentation/3/context.json",
                    "id": format!("{}/annotations/1", self.origin), "type": "AnnotationPage", "items": [] });
                Response::new(200, "application/json", page.to_string())
            }
            "/metadata.xml" => Response::new(200, "application/xml", "<mods/>"),
            "/search/2" | "/search/1" => self.search(path, query),
            "/probe" if self.has("probe-401") => Response::new(401, "text/plain", "log in"),
            "/probe" => {
                let verdict = json!({ "@context": "http://iiif.io/api/auth/2/context.json", "type": "AuthProbeResult2", "status": 401 });
                Response::new(200, "application/json", verdict.to_string())
            }
            _ => self.image(request, path),
        };
        self.finish(request, response)
    }

    /// Validators, lifetimes and compression, as far as they are not among the faults.
    fn finish(&self, request: &Request, mut response: Response) -> Response {
        if response.status != 200 {
            return response;
        }
        if !self.has("no-validators") {
            let tag = format!(
                "\"{:x}\"",
                response.body.iter().fold(7_u64, |sum, byte| sum.wrapping_mul(31) ^ u64::from(*byte))
            );
            if request.header("if-none-match") == tag {
                return Response::new(304, "text/plain", "").with("ETag", tag);
            }
            response = response.with("ETag", tag).with("Cache-Control", "public, max-age=3600");
        }
        let is_json = response.headers.iter().any(|(_, value)| value.contains("json"));
        if is_json && request.header("accept-encoding").contains("gzip") {
            let body = if self.has("bad-gzip") { b"{}".to_vec() } else { response.body.clone() };
            let mut encoded = Vec::new();
            let mut encoder = flate2::read::GzEncoder::new(Cursor::new(body), flate2::Compression::fast());
            encoder.read_to_end(&mut encoded).expect("memory does not fail");
            response.body = encoded;
            response = response.with("Content-Encoding", "gzip");
        }
        response.with("Vary", "Accept, Accept-Encoding")
    }

    fn search(&self, path: &str, query: &str) -> Response {
        assert_eq!(query, "q=a");
        let on = if self.has("search-on-object") {
            json!({ "@id": format!("{}/canvas/1#xywh=1,2,3,4", self.origin) })
        } else {
            json!(format!("{}/canvas/1#xywh=1,2,3,4", self.origin))
        };
        let page = match path {
            _ if self.has("search-shape") => json!({ "results": [] }),
            "/search/2" => json!({ "id": "x", "type": "AnnotationPage", "items": [] }),
            _ => json!({ "@id": "x", "@type": "sc:AnnotationList", "resources": [{ "@id": "y", "on": on }] }),
        };
        Response::new(200, "application/json", page.to_string())
    }

    fn manifest(&self, request: &Request) -> Response {
        let accept = request.header("accept");
        if self.has("406") && accept.contains("presentation/") {
            return Response::new(406, "text/plain", "not acceptable");
        }
        let kind = match () {
            () if self.has("text-plain") => "text/plain",
            () if accept == "application/json" => "application/json",
            () => "application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\"",
        };
        Response::new(200, kind, self.manifest_json().to_string())
    }

    fn manifest_json(&self) -> Value {
        let origin = &self.origin;
        let id = if self.has("wrong-manifest-id") {
            "https://example.org/m".to_owned()
        } else {
            format!("{origin}/manifest")
        };
        let image = format!("{origin}/iiif/3/img");
        let label = if self.has("hostile") { "<img src=x onerror=alert(1)>" } else { "A page" };
        let mut search = vec![json!({ "id": format!("{origin}/search/2"), "type": "SearchService2" })];
        if !self.has("search-2-only") {
            search.push(json!({ "@context": "http://iiif.io/api/search/1/context.json",
                "@id": format!("{origin}/search/1"), "@type": "SearchService1",
                "profile": "http://iiif.io/api/search/1/search" }));
        }
        let mut service = json!({ "id": image, "type": "ImageService3", "profile": "level2" });
        let mut probe = json!({ "id": format!("{origin}/probe"), "type": "AuthProbeService2", "service": [] });
        if !self.has("probe-without-profile") {
            probe["profile"] = json!("https://example.org/probe");
        }
        service["service"] = json!([probe]);
        let mut manifest = json!({
            "@context": "http://iiif.io/api/presentation/3/context.json",
            "id": id, "type": "Manifest", "label": { "en": [label] },
            "summary": { "en": ["For tests."] },
            "metadata": [{ "label": { "en": ["Kind"] }, "value": { "en": ["Test"] } }],
            "provider": [{ "id": "https://example.org/about", "type": "Agent", "label": { "en": ["Recto"] },
                "homepage": [{ "id": format!("{origin}/page"), "type": "Text", "label": { "en": ["Home"] }, "format": "text/html" }],
                "logo": [{ "id": format!("{image}/full/65,44/0/default.jpg"), "type": "Image", "format": "image/jpeg",
                    "width": 65, "height": 44 }] }],
            "seeAlso": [{ "id": format!("{origin}/metadata.xml"), "type": "Dataset", "label": { "en": ["MODS"] },
                "format": "application/xml", "profile": "http://www.loc.gov/mods/v3" }],
            "service": search,
            "items": [{ "id": format!("{origin}/canvas/1"), "type": "Canvas", "label": { "en": ["1"] },
                "width": SIZE.width_px, "height": SIZE.height_px,
                "items": [{ "id": format!("{origin}/canvas/1/page"), "type": "AnnotationPage", "items": [{
                    "id": format!("{origin}/canvas/1/annotation"), "type": "Annotation", "motivation": "painting",
                    "target": format!("{origin}/canvas/1"),
                    "body": { "id": format!("{image}/full/max/0/default.jpg"), "type": "Image", "format": "image/jpeg",
                        "width": SIZE.width_px, "height": SIZE.height_px, "service": [service] } }] }],
                "annotations": [{ "id": format!("{origin}/annotations/1"), "type": "AnnotationPage" }] }]
        });
        let thumbnail = if self.has("large-thumbnail") { "full/^1600,1077" } else { "full/130,88" };
        if !self.has("no-thumbnail") {
            manifest["thumbnail"] = json!([{ "id": format!("{image}/{thumbnail}/0/default.jpg"), "type": "Image",
                "format": "image/jpeg", "width": 130, "height": 88,
                "service": [{ "id": image, "type": "ImageService3", "profile": "level2" }] }]);
        }
        if self.has("no-label") {
            manifest.as_object_mut().expect("an object").remove("label");
        }
        if self.has("long") {
            manifest["summary"] = json!({ "en": ["x".repeat(10_000_001)] });
        }
        if self.has("plain-label") {
            manifest["label"] = json!("A page");
        }
        if self.has("services-without-profile") {
            manifest["services"] = json!([{ "id": format!("{origin}/s"), "type": "SearchService2" }]);
        }
        manifest
    }

    fn image(&self, request: &Request, path: &str) -> Response {
        let refused = |status, text: String| Response::new(status, "text/plain", text);
        let (version, rest) = match (path.strip_prefix("/iiif/3/"), path.strip_prefix("/iiif/2/")) {
            (Some(rest), _) => (ApiVersion::V3, rest),
            (_, Some(rest)) => (ApiVersion::V2, rest),
            _ => return refused(404, "there is nothing here".to_owned()),
        };
        let parsed = match parse_path(rest, Slashes::EncodedOnly) {
            Ok(parsed) => parsed,
            Err(error) => return refused(400, error.to_string()),
        };
        if parsed.identifier() != &Identifier::new("img") {
            return refused(404, "no such image".to_owned());
        }
        match parsed {
            ImagePath::Base { .. } if self.has("no-redirect") => refused(404, "no".to_owned()),
            ImagePath::Base { .. } => {
                Response::new(303, "text/plain", "").with("Location", format!("{}{path}/info.json", self.origin))
            }
            ImagePath::Info { .. } => self.info(request, version),
            ImagePath::Image { region, size, rotation, quality_format, .. } => {
                match ImageRequest::parse(version, &region, &size, &rotation, &quality_format) {
                    Ok(wanted) => self.picture(version, &wanted),
                    Err(_) if self.has("accepts-nonsense") => {
                        Response::new(200, "image/jpeg", encode(&RgbImage::new(8, 8), ImageFormat::Jpeg))
                    }
                    Err(error) => refused(400, error.to_string()),
                }
            }
            _ => refused(404, "no".to_owned()),
        }
    }

    fn info(&self, request: &Request, version: ApiVersion) -> Response {
        if self.has("slow") {
            std::thread::sleep(std::time::Duration::from_millis(520));
        }
        let number = version.segment();
        let id = match () {
            () if self.has("escape-in-id") => "http://example.org/\u{1b}[31mred".to_owned(),
            () if self.has("wrong-id") => "http://localhost/iiif/3/img".to_owned(),
            () => format!("{}/iiif/{number}/img", self.origin),
        };
        let formats = [Format::Jpg, Format::Png];
        let mut subject = InfoSubject::new(id, SIZE, &formats);
        subject.tile = Some(TILE);
        let mut info = match version {
            ApiVersion::V2 => v2::info(&subject),
            ApiVersion::V3 => v3::info(&subject),
        };
        if self.has("no-protocol") {
            info.as_object_mut().expect("an object").remove("protocol");
        }
        if self.has("factors-3") {
            info["tiles"][0]["scaleFactors"] = json!([1, 3]);
        }
        if self.has("level-0") {
            info["profile"] = json!("level0");
        }
        let linked = request.header("accept").contains("ld+json") && !self.has("json-only");
        let kind = if linked { "application/ld+json" } else { "application/json" };
        Response::new(200, kind, info.to_string())
    }

    fn picture(&self, version: ApiVersion, wanted: &ImageRequest) -> Response {
        let grid = TileGrid { image: SIZE, tile: TILE };
        assert_ne!(TILE, DEFAULT_TILE);
        let limits = recto_iiif::image::Limits::NONE;
        let mut resolved = match wanted.resolve_on(grid, &limits) {
            Ok(resolved) => resolved,
            Err(error) => return Response::new(400, "text/plain", error.to_string()),
        };
        let whole = resolved.region == SIZE.rect();
        if self.has("size-missing") && whole && resolved.size == Dimensions::new(520, 350) {
            return Response::new(404, "text/plain", "not there");
        }
        if self.has("square-off") && wanted.region == recto_iiif::image::Region::Square {
            resolved.region.x = 0;
        }
        if self.has("narrow") && !whole {
            resolved.size.width_px -= 1;
        }
        if self.has("short-width") && whole && matches!(wanted.size, recto_iiif::image::Size::Width(..)) {
            resolved.size.width_px -= 2;
        }
        let region = resolved.region;
        let cut = imageops::crop_imm(&self.picture, region.x, region.y, region.w, region.h).to_image();
        let filter = imageops::FilterType::Triangle;
        let mut picture = imageops::resize(&cut, resolved.size.width_px.max(1), resolved.size.height_px.max(1), filter);
        if self.has("tile-seams") && region.x > 0 && region.w.is_multiple_of(TILE.width_px) && region.w < 512 {
            for y in 0..picture.height() {
                for x in 0..3 {
                    picture.put_pixel(x, y, Rgb([0, 0, 0]));
                }
            }
        }
        if resolved.rotation.mirror == Mirror::Yes {
            picture = imageops::flip_horizontal(&picture);
        }
        let mut turns = resolved.rotation.quarter_turns().unwrap_or(0);
        if self.has("anticlockwise") {
            turns = (4 - turns) % 4;
        }
        for _ in 0..turns {
            picture = imageops::rotate90(&picture);
        }
        if matches!(resolved.quality, Quality::Gray | Quality::Bitonal) && !self.has("gray-is-colour") {
            picture = image::DynamicImage::ImageRgb8(picture).into_luma8().expand_to_rgb();
        }
        let png = resolved.format == Format::Png && !self.has("png-is-jpg");
        let (format, kind) =
            if png { (ImageFormat::Png, "image/png") } else { (ImageFormat::Jpeg, resolved.format.media_type()) };
        let response = Response::new(200, kind, encode(&picture, format));
        if self.has("no-links") {
            return response;
        }
        let canonical = resolved.canonical_on(version, grid, &limits);
        let number = version.segment();
        let links = format!(
            "<{}/iiif/{number}/img/{canonical}>;rel=\"canonical\", <http://iiif.io/api/image/{number}/level2.json>;rel=\"profile\"",
            self.origin
        );
        response.with("Link", links)
    }
}

trait ExpandToRgb {
    fn expand_to_rgb(self) -> RgbImage;
}

impl ExpandToRgb for image::GrayImage {
    fn expand_to_rgb(self) -> RgbImage {
        image::DynamicImage::ImageLuma8(self).into_rgb8()
    }
}

fn encode(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    if format == ImageFormat::Jpeg {
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92);
        encoder.encode_image(picture).expect("memory does not fail");
    } else {
        picture.write_to(&mut bytes, format).expect("memory does not fail");
    }
    bytes.into_inner()
}

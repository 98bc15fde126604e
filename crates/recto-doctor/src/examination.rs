//! One examination: what is known so far, and the run through the checks.

use recto_iiif::image::ApiVersion;
use serde_json::Value;

use crate::{
    Options, Progress,
    address::Address,
    checks::{CHECKS, Check, Concern, Run},
    client::{Answer, Client, ClientError, excerpt},
    document,
    report::{DocumentSummary, FeatureResult, Finding, ImageSummary, Report, Severity},
    service::ImageService,
    subject::{self, Subject},
};

/// What the checks know and what they found.
pub(crate) struct Examination<'o> {
    pub(crate) client: Client<'o>,
    check: &'static Check,
    findings: Vec<Finding>,
    image: Option<ImageService>,
    info_answer: Option<Answer>,
    document: Option<Presented>,
    pub(crate) features: Vec<FeatureResult>,
    pub(crate) tile_times_ms: Option<(u64, u64)>,
    pub(crate) validation: (usize, usize),
}

/// A Manifest or Collection as it came.
#[derive(Clone)]
pub(crate) struct Presented {
    pub(crate) url: Address,
    pub(crate) answer: Answer,
    pub(crate) value: Value,
    pub(crate) kind: &'static str,
    pub(crate) version: &'static str,
}

impl Examination<'_> {
    fn add(&mut self, severity: Severity, message: &str, done: &str, seen: &str, remedy: &str) {
        let Check { id, why, section, .. } = *self.check;
        self.findings.push(Finding {
            check: id,
            severity,
            message: printable(message),
            done: printable(done),
            seen: printable(seen),
            why,
            remedy: printable(remedy),
            section,
        });
    }

    pub(crate) fn error(&mut self, message: &str, done: &str, seen: &str, remedy: &str) {
        self.add(Severity::Error, message, done, seen, remedy);
    }

    pub(crate) fn warning(&mut self, message: &str, done: &str, seen: &str, remedy: &str) {
        self.add(Severity::Warning, message, done, seen, remedy);
    }

    pub(crate) fn viewer(&mut self, message: &str, done: &str, seen: &str, remedy: &str) {
        self.add(Severity::Viewer, message, done, seen, remedy);
    }

    pub(crate) fn note(&mut self, message: &str, done: &str, seen: &str) {
        self.add(Severity::Note, message, done, seen, "");
    }

    pub(crate) fn pass(&mut self, message: &str, done: &str, seen: &str) {
        self.add(Severity::Pass, message, done, seen, "");
    }

    /// True when the check that is running has found nothing amiss.
    pub(crate) fn is_clean(&self) -> bool {
        !self.findings.iter().any(|finding| finding.check == self.check.id && finding.severity < Severity::Note)
    }

    /// The image service. Checks of concern [`Concern::Image`] run only when there is one.
    pub(crate) fn image(&self) -> ImageService {
        self.image.clone().expect("checks of images run when there is an image")
    }

    /// The answer that brought the `info.json`.
    pub(crate) fn info(&self) -> Answer {
        self.info_answer.clone().expect("checks of images run when there is an image")
    }

    /// The document. Checks of concern [`Concern::Document`] run only when there is one.
    pub(crate) fn document(&self) -> Presented {
        self.document.clone().expect("checks of documents run when there is a document")
    }

    /// What is to be asked for in checks of both: the document, or the `info.json`.
    pub(crate) fn json_url(&self, concern: Concern) -> Address {
        match concern {
            Concern::Document => self.document().url,
            Concern::Image | Concern::Address => self.image().address("info.json"),
        }
    }

    /// Whether a feature was found to work.
    pub(crate) fn set_feature(&mut self, name: &'static str, required_at: Option<u8>, works: Option<bool>) {
        let image = self.image();
        let by_level = required_at.zip(image.level).is_some_and(|(required, level)| required <= level.number());
        let claimed = by_level || image.extra.contains(name);
        self.features.push(FeatureResult { name, required_at, claimed, works });
    }

    fn run_checks(&mut self, concern: Concern) {
        let only = &self.client.options.only;
        let wanted = |check: &&Check| only.is_empty() || only.iter().any(|id| id == check.id);
        for check in CHECKS.iter().filter(|check| check.concern == concern).filter(wanted) {
            self.check = check;
            self.client.begin_check(check.title);
            let result = match check.run {
                Run::Looks(look) => {
                    look(self);
                    Ok(())
                }
                Run::Asks(ask) => ask(self),
            };
            match result {
                Ok(()) => {}
                Err(error @ ClientError::Spent(_)) => {
                    self.note(&format!("{} was not finished: {error}", check.title), "", "");
                }
                Err(error) => {
                    self.error("a request got no answer", "", &error.to_string(), error.remedy());
                }
            }
        }
    }

    fn take_image(&mut self, base: Address, answer: Answer) {
        let done = format!("GET {base}/info.json");
        let Some(document) = answer.json() else {
            let remedy = "Answer with the JSON document of the Image API.";
            self.error("the image information is no JSON", &done, &answer.seen(), remedy);
            return;
        };
        if let Some(service) = ImageService::read(base, document) {
            self.image = Some(service);
            self.info_answer = Some(answer);
            self.run_checks(Concern::Image);
        } else {
            let remedy = "Give `width` and `height` in pixels; nothing can be asked for without them.";
            self.error("the image information has no size", &done, &answer.seen(), remedy);
        }
    }

    fn take_document(&mut self, url: Address, answer: Answer) {
        let Some((value, (kind, version))) = answer.json().and_then(|value| {
            let kind = subject::kind(&value)?;
            Some((value, kind))
        }) else {
            return;
        };
        for named in document::named(&value) {
            if let Some(address) = Address::parse(&named.id) {
                self.client.name(&address);
            }
        }
        let services = document::objects(&value).into_iter().find(|(_, _, object)| document::is_image_service(object));
        let service = services.and_then(|(_, _, object)| Address::parse(document::text(object, &["id", "@id"])?));
        self.document = Some(Presented { url, answer, value, kind, version });
        self.run_checks(Concern::Document);
        if let Some(base) = service {
            let base = base.with_path(base.path.trim_end_matches('/'));
            let url = base.with_path(format!("{}/info.json", base.path));
            self.check = &CHECKS[0];
            match self.client.get(&url) {
                Ok(answer) => self.take_image(base, answer),
                Err(error) => {
                    let remedy = "See whether the image server is up.";
                    let message = "the first image service of the document cannot be reached";
                    self.error(message, &format!("GET {url}"), &error.to_string(), remedy);
                }
            }
        }
    }

    fn report(self, url: String) -> Report {
        let server = self.info_answer.as_ref().or(self.document.as_ref().map(|document| &document.answer));
        let server = server.and_then(|answer| answer.header("server")).map(|text| excerpt(text, 100));
        let document = self.document.as_ref().map(|document| DocumentSummary {
            url: document.url.to_string(),
            kind: document.kind.to_owned(),
            version: document.version,
            label: document::label(&document.value),
            items: document::items(&document.value),
            bytes: document.answer.body.len(),
            validation_errors: self.validation.0,
            validation_warnings: self.validation.1,
        });
        let reached = reached(&self.features);
        let image = self.image.as_ref().map(|image| ImageSummary {
            url: image.base.to_string(),
            version: match image.version {
                ApiVersion::V2 => "2",
                ApiVersion::V3 => "3.0",
            },
            width_px: image.size.width_px,
            height_px: image.size.height_px,
            claimed_level: image.level.map(recto_iiif::image::ComplianceLevel::number),
            reached_level: reached,
            features: self.features.clone(),
            tile_median_ms: self.tile_times_ms.map(|(median, _)| median),
            tile_p95_ms: self.tile_times_ms.map(|(_, p95)| p95),
        });
        Report {
            url,
            server,
            document,
            image,
            findings: self.findings,
            requests: self.client.requests,
            elapsed_ms: u64::try_from(self.client.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The longest text of a finding, in characters.
const LONGEST_TEXT_CHARS: usize = 1200;

/// Texts hold what others wrote; terminals must not take it for commands.
fn printable(text: &str) -> String {
    excerpt(text, LONGEST_TEXT_CHARS)
}

/// The highest level none of whose features, and of those below, failed; of which at least one was tried.
pub(crate) fn reached(features: &[FeatureResult]) -> Option<u8> {
    let of_level = |level: u8| features.iter().filter(move |feature| feature.required_at == Some(level));
    let mut reached = None;
    for level in 0..=2 {
        let tried = of_level(level).any(|feature| feature.works.is_some());
        let failed = of_level(level).any(|feature| feature.works == Some(false));
        if failed {
            break;
        }
        if tried {
            reached = Some(level);
        }
    }
    reached
}

pub(crate) fn run(given: &str, options: &Options, progress: &mut dyn Progress) -> Report {
    let mut examination = Examination {
        client: Client::new(options, progress),
        check: &CHECKS[0],
        findings: Vec::new(),
        image: None,
        info_answer: None,
        document: None,
        features: Vec::new(),
        tile_times_ms: None,
        validation: (0, 0),
    };
    let given = given.trim();
    let with_scheme = if given.contains("://") { given.to_owned() } else { format!("https://{given}") };
    let Some(url) = Address::parse(&with_scheme) else {
        examination.error("this is no http or https address", given, "", "Give a whole address, as in `https://…`.");
        return examination.report(excerpt(given, 200));
    };
    examination.client.name(&url);
    examination.client.begin_check(CHECKS[0].title);
    let mut steps = Vec::new();
    let done = format!("GET {url}");
    match subject::find(&mut examination.client, &url, &mut steps) {
        Ok(Subject::Image { base, answer }) => {
            examination.pass("an image service was found", &done, &steps.join("; "));
            examination.take_image(base, answer);
        }
        Ok(Subject::Document { url, answer }) => {
            examination.pass("a document of the Presentation API was found", &done, &steps.join("; "));
            examination.take_document(url, answer);
        }
        Ok(Subject::Nothing { seen }) => {
            let remedy = "Give the address of an info.json, a Manifest, a Collection, or a page that links to one.";
            examination.error("nothing of IIIF was found at this address", &done, &seen, remedy);
        }
        Err(error) => {
            examination.error("the address cannot be reached", &done, &error.to_string(), error.remedy());
        }
    }
    examination.report(url.to_string())
}

//! What cannot be answered has to be refused, and never with a server error.

use recto_iiif::image::ApiVersion;

use super::{Check, Concern, Run};
use crate::{client::ClientError, examination::Examination};

pub(super) const WRONG_REQUESTS: Check = Check {
    id: "wrong-requests",
    concern: Concern::Image,
    title: "requests that are wrong",
    why: "A server that answers nonsense with a picture hides mistakes of clients and fills caches; one that answers with a server error can often be brought down.",
    section: "Image API 3.0 §4.1 to §4.5, §7.3",
    run: Run::Asks(wrong_requests),
};

fn wrong_requests(examination: &mut Examination<'_>) -> Result<(), ClientError> {
    let service = examination.image();
    let (w, h) = (service.size.width_px, service.size.height_px);
    let mut wrong = vec![
        ("a region outside the image", format!("{w},{h},10,10/10,/0/default.jpg")),
        ("a region without width", "0,0,0,10/10,/0/default.jpg".to_owned()),
        ("a region of three numbers", "0,0,10/10,/0/default.jpg".to_owned()),
        ("a width of 0", "full/0,/0/default.jpg".to_owned()),
        ("a size of letters", "full/wide/0/default.jpg".to_owned()),
        ("a rotation below 0", "full/10,/-90/default.jpg".to_owned()),
        ("a rotation of letters", "full/10,/left/default.jpg".to_owned()),
        ("a quality that there is not", "full/10,/0/sepia.jpg".to_owned()),
        ("a format that there is not", "full/10,/0/default.nonsense".to_owned()),
    ];
    if service.version == ApiVersion::V3 {
        wrong.push(("a size above the image without ^", format!("0,0,{w},1/{},/0/default.jpg", w.saturating_add(1))));
    }
    let mut right = 0;
    for (what, path) in &wrong {
        let url = service.address(path);
        let answer = examination.client.get(&url)?;
        let done = format!("GET {url}");
        match answer.status {
            400 | 404 | 501 => right += 1,
            200..=299 => {
                let remedy = "Answer 400 and say which part of the URL is wrong.";
                examination.error(&format!("{what} is answered with a picture"), &done, &answer.seen(), remedy);
            }
            500..=599 => {
                let remedy = "Answer 400; find out what failed.";
                examination.error(&format!("{what} is answered with a server error"), &done, &answer.seen(), remedy);
            }
            _ => {
                let remedy = "Answer 400.";
                examination.warning(
                    &format!("{what} is answered with status {}", answer.status),
                    &done,
                    &answer.seen(),
                    remedy,
                );
            }
        }
    }
    let unknown = service.base.with_path(format!("{}-is-not-there/info.json", service.base.path));
    let answer = examination.client.get(&unknown)?;
    let done = format!("GET {unknown}");
    match answer.status {
        404 | 410 | 401 | 403 => right += 1,
        _ => {
            let remedy = "Answer 404.";
            let message = format!("an image that there is not is answered with status {}", answer.status);
            examination.error(&message, &done, &answer.seen(), remedy);
        }
    }
    if right > 0 {
        let message = format!("{right} of {} wrong requests are refused", wrong.len() + 1);
        examination.pass(&message, "", "");
    }
    Ok(())
}

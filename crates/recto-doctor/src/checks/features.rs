//! Each feature of the Image API is tried, and its pixels are counted and compared.

use super::{Check, Concern, Run};
use crate::{
    client::ClientError,
    examination::Examination,
    features::{FEATURES, Feature, Group, Probe},
    pixels::{self, Transform},
};

const WHY: &str =
    "Viewers use what the compliance level promises; what does not work shows as gaps, distorted or wrong pictures.";

macro_rules! group {
    ($name:ident, $id:literal, $title:literal, $section:literal, $group:ident) => {
        pub(super) const $name: Check = Check {
            id: $id,
            concern: Concern::Image,
            title: $title,
            why: WHY,
            section: $section,
            run: Run::Asks(|examination| try_group(examination, Group::$group)),
        };
    };
}

group!(REGION, "region", "regions", "Image API 3.0 §4.1, compliance §3.1", Region);
group!(SIZE, "size", "sizes", "Image API 3.0 §4.2, compliance §3.2", Size);
group!(ROTATION, "rotation", "rotation and mirroring", "Image API 3.0 §4.3, compliance §3.3", Rotation);
group!(QUALITY, "quality", "qualities", "Image API 3.0 §4.4, compliance §3.4", Quality);
group!(FORMAT, "format", "formats", "Image API 3.0 §4.5, compliance §3.5", Format);

/// The mean difference of pixels, in steps of 256, up to which two lossy pictures count as the same.
const TOLERANCE: f64 = 14.0;

/// The mean difference of a picture from its shades, up to which it counts as gray.
const COLOURED: f64 = 3.0;

/// What came of a probe that failed.
struct Failure {
    done: String,
    seen: String,
    wanted: String,
}

fn try_group(examination: &mut Examination<'_>, group: Group) -> Result<(), ClientError> {
    let service = examination.image();
    let mut fine = Vec::new();
    for feature in FEATURES.iter().filter(|feature| feature.group == group && feature.is_in(service.version)) {
        let required = feature.required(service.version);
        let by_level = required.zip(service.level).is_some_and(|(required, level)| required <= level.number());
        let named = service.extra.contains(feature.name);
        // Formats and qualities that nobody promises are not asked for, as one request more tells nothing.
        if !by_level && !named && required.is_none() && matches!(group, Group::Format | Group::Quality) {
            continue;
        }
        let probes = (feature.probes)(&service);
        if probes.is_empty() {
            examination.set_feature(feature.name, required, None);
            continue;
        }
        let failure = try_feature(examination, &probes)?;
        examination.set_feature(feature.name, required, Some(failure.is_none()));
        match failure {
            None => fine.push(feature.name),
            Some(failure) if by_level || named => report(examination, feature, &failure, by_level),
            Some(_) => {}
        }
    }
    if !fine.is_empty() {
        examination.pass(&format!("these work: {}", fine.join(", ")), "", "sizes and pixels are as they have to be");
    }
    Ok(())
}

fn report(examination: &mut Examination<'_>, feature: &Feature, failure: &Failure, by_level: bool) {
    let claim = if by_level { "the level requires" } else { "the image information announces" };
    let message = format!("`{}` does not work, which {claim}", feature.name);
    let seen = format!("{}; expected {}", failure.seen, failure.wanted);
    let remedy = format!("Make `{}` work, or announce a lower level without it.", feature.name);
    examination.error(&message, &failure.done, &seen, &remedy);
}

fn try_feature(examination: &mut Examination<'_>, probes: &[Probe]) -> Result<Option<Failure>, ClientError> {
    for probe in probes {
        if let Some(failure) = try_probe(examination, probe)? {
            return Ok(Some(failure));
        }
    }
    Ok(None)
}

fn try_probe(examination: &mut Examination<'_>, probe: &Probe) -> Result<Option<Failure>, ClientError> {
    let service = examination.image();
    let url = service.address(&probe.path);
    let failed = |seen: String, wanted: String| Some(Failure { done: format!("GET {url}"), seen, wanted });
    let answer = match examination.client.get(&url) {
        Ok(answer) => answer,
        Err(ClientError::Failed { reason, .. }) => return Ok(failed(reason, "an answer".to_owned())),
        Err(error) => return Err(error),
    };
    if answer.status != 200 {
        return Ok(failed(answer.seen(), "status 200".to_owned()));
    }
    let format = pixels::format(&answer.body);
    if format != Some(probe.format) {
        let seen = format!("{} · the bytes are {}", answer.summary(), format.unwrap_or("of no known format"));
        return Ok(failed(seen, format!("a picture in the format {}", probe.format)));
    }
    let (Some(wanted), Some(size)) = (probe.size, pixels::size(&answer.body)) else { return Ok(None) };
    let off = [size.width_px.abs_diff(wanted.width_px), size.height_px.abs_diff(wanted.height_px)];
    if off[0] > probe.slack[0] || off[1] > probe.slack[1] {
        return Ok(failed(format!("{} · {size} px", answer.summary()), format!("{wanted} px")));
    }
    let Some((path, transform)) = &probe.same_as else { return Ok(None) };
    if *transform == Transform::Gray {
        // How colours become gray is the server's choice; that none is left is not.
        let colour =
            pixels::decode(&answer.body).and_then(|shown| pixels::difference(&shown, &transform.apply(&shown)));
        let failure = colour.filter(|difference| *difference > COLOURED);
        return Ok(failure.and_then(|difference| {
            failed(format!("colours differ by {difference:.0} of 255"), "no colour".to_owned())
        }));
    }
    let other = examination.client.get(&service.address(path))?;
    let (Some(shown), Some(other)) = (pixels::decode(&answer.body), pixels::decode(&other.body)) else {
        return Ok(None);
    };
    let expected = transform.apply(&other);
    match pixels::difference(&shown, &expected) {
        Some(difference) if difference > TOLERANCE => {
            let seen = format!("pixels differ by {difference:.0} of 255 in the mean");
            Ok(failed(seen, format!("the pixels of {path}, {transform:?}")))
        }
        _ => Ok(None),
    }
}

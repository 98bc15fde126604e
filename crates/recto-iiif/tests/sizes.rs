//! Sizes and limits, held against the sentences of the three texts (Image API 2.1.1 §4.2 and §5.3, 3.0 §4.2 and §5.2) and not
//! against the way they are computed here: what a sentence leaves open (how a side is rounded) is left open.

use proptest::prelude::*;
use recto_iiif::image::{ApiVersion, ImageRequest, Limits};
use recto_iiif::{Dimensions, ErrorKind};

use ApiVersion::{V2, V3};

/// The forms of a size, without `^`.
#[derive(Clone, Copy, Debug)]
enum Form {
    Full,
    Max,
    Width(u64),
    Height(u64),
    /// In hundredths of a percent.
    Percent(u64),
    Both(u64, u64),
    Within(u64, u64),
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    form: Form,
    up: bool,
}

impl Asked {
    fn text(self) -> String {
        let up = if self.up { "^" } else { "" };
        match self.form {
            Form::Full => format!("{up}full"),
            Form::Max => format!("{up}max"),
            Form::Width(w) => format!("{up}{w},"),
            Form::Height(h) => format!("{up},{h}"),
            Form::Percent(n) => format!("{up}pct:{}.{:02}", n / 100, n % 100),
            Form::Both(w, h) => format!("{up}{w},{h}"),
            Form::Within(w, h) => format!("{up}!{w},{h}"),
        }
    }
}

/// What `maxWidth`, `maxHeight` and `maxArea` permit: "if maxWidth is specified and maxHeight is not, then the maximum height is
/// maxWidth".
fn permitted(limits: &Limits, (w, h): (u64, u64)) -> bool {
    let width = limits.max_width_px.map(u64::from);
    let height = limits.max_height_px.map(u64::from).or(width);
    width.is_none_or(|most| w <= most)
        && height.is_none_or(|most| h <= most)
        && limits.max_area_px.is_none_or(|most| w * h <= most)
}

/// `side * over / under`, rounded either way; never less than a pixel.
fn either(side: u64, over: u64, under: u64) -> [u64; 2] {
    let exact = u128::from(side) * u128::from(over);
    [exact / u128::from(under), exact.div_ceil(u128::from(under))].map(|side| (side as u64).max(1))
}

/// The sides that go with one side of a region in "maintaining the aspect ratio": rounded either way; or, where the side is the
/// region's at a scale factor, "rounded up" (3.0 appendix A), the other at the same factor, since in version 2 viewers send no more.
fn following(wanted: u64, along: u64, across: u64) -> Vec<u64> {
    let level = |shift: u32| (along.div_ceil(1_u64 << shift) == wanted).then(|| across.div_ceil(1_u64 << shift));
    (0..32).filter_map(level).chain(either(across, wanted, along)).collect()
}

fn keeps_shape((rw, rh): (u64, u64), (w, h): (u64, u64)) -> bool {
    following(w, rw, rh).contains(&h) || following(h, rh, rw).contains(&w)
}

/// True when a pixel more along the longer side, in the same shape, is not permitted.
fn is_largest((rw, rh): (u64, u64), (w, h): (u64, u64), limits: &Limits) -> bool {
    let nearest = |long: u64, over: u64, under: u64| ((2 * long * over + under) / (2 * under)).max(1);
    let more = if rw >= rh { (w + 1, nearest(w + 1, rh, rw)) } else { (nearest(h + 1, rw, rh), h + 1) };
    !permitted(limits, more)
}

/// What the texts say of `served` (`None`: refused), in words where it is wrong.
fn judge(
    version: ApiVersion,
    asked: Asked,
    region: (u64, u64),
    limits: &Limits,
    served: Option<(u64, u64)>,
) -> Result<(), String> {
    let (rw, rh) = region;
    // "Requests for sizes not prefixed with ^ that result in a scaled region with pixel dimensions greater than the pixel
    // dimensions of the extracted region are errors." In version 2 "the image server may support scaling above the full size".
    let may_grow = asked.up || version == V2;
    let wrong = |rule: &str| Err(rule.to_owned());
    if let Some(size) = served {
        if size.0 == 0 || size.1 == 0 || !permitted(limits, size) {
            return wrong("the dimensions must not be less than 1 pixel or greater than the server-imposed limits");
        }
        if !may_grow && (size.0 > rw || size.1 > rh) {
            return wrong("without ^ nothing is upscaled");
        }
    }
    // The sizes that satisfy the sentence, where it names them; else the answer has been judged by the time the match is left.
    let candidates: Vec<(u64, u64)> = match asked.form {
        // 3.0 has no `full`, and no version has `^full`.
        Form::Full if version == V3 || asked.up => {
            return if served.is_some() { wrong("no such form") } else { Ok(()) };
        }
        _ if version == V2 && asked.up => return if served.is_some() { wrong("no ^ in version 2") } else { Ok(()) },
        // "The image or region is not scaled, and is returned at its full size."
        Form::Full => vec![region],
        Form::Max => {
            let Some(size) = served else { return wrong("max is always there") };
            // "The resulting image will have the pixel dimensions of the extracted region, unless it is constrained."
            if !asked.up && permitted(limits, region) {
                return if size == region { Ok(()) } else { wrong("max is the region itself where that is permitted") };
            }
            if asked.up && *limits == Limits::NONE {
                return if size == region { Ok(()) } else { wrong("without limits there is nothing to scale to") };
            }
            // "Scaled to the maximum size permitted by maxWidth, maxHeight, or maxArea."
            if !keeps_shape(region, size) {
                return wrong("max keeps the shape");
            }
            return if is_largest(region, size, limits) {
                Ok(())
            } else {
                wrong("max is the largest that is permitted")
            };
        }
        // "Scaled so that the width of the returned image is exactly equal to w. w must not be greater than the width."
        Form::Width(w) if !may_grow && w > rw => {
            return if served.is_some() { wrong("w must not be greater") } else { Ok(()) };
        }
        Form::Width(w) => following(w, rw, rh).into_iter().map(|h| (w, h)).collect(),
        Form::Height(h) if !may_grow && h > rh => {
            return if served.is_some() { wrong("h must not be greater") } else { Ok(()) };
        }
        Form::Height(h) => following(h, rh, rw).into_iter().map(|w| (w, h)).collect(),
        // "Scaled to n percent of the width and height. n must not be greater than 100."
        Form::Percent(n) if !may_grow && n > 10_000 => {
            return if served.is_some() { wrong("n must not be greater than 100") } else { Ok(()) };
        }
        Form::Percent(n) => {
            let (ws, hs) = (either(rw, n, 10_000), either(rh, n, 10_000));
            ws.iter().flat_map(|w| hs.iter().map(|h| (*w, *h))).collect()
        }
        // "The width and height of the returned image are exactly w and h."
        Form::Both(w, h) if !may_grow && (w > rw || h > rh) => {
            return if served.is_some() { wrong("w and h must not be greater") } else { Ok(()) };
        }
        Form::Both(w, h) => vec![(w, h)],
        Form::Within(w, h) => {
            let Some(size) = served else { return wrong("there is always something that fits") };
            if size.0 > w || size.1 > h || !keeps_shape(region, size) {
                return wrong("not greater than w and h, while maintaining the aspect ratio");
            }
            // "As large as possible but not larger than the extracted region, w or h, or server-imposed limits." Version 2 says
            // "the best fit"; that it is not above the region is our choice there.
            let at_region = size == region && !asked.up;
            let at_box = size.0 == w || size.1 == h;
            let fits = at_region || at_box || is_largest(region, size, limits);
            return if fits && (asked.up || (size.0 <= rw && size.1 <= rh)) {
                Ok(())
            } else {
                wrong("as large as possible")
            };
        }
    };
    match served {
        Some(size) if candidates.contains(&size) => Ok(()),
        Some(_) => Err(format!("it should be one of {candidates:?}")),
        None if candidates.iter().all(|size| permitted(limits, *size)) => {
            Err(format!("refused, where {candidates:?} is permitted"))
        }
        None => Ok(()),
    }
}

fn side() -> impl Strategy<Value = u64> {
    prop_oneof![1_u64..=6, 1_u64..=900, 1_u64..=20_000]
}

fn asked() -> impl Strategy<Value = Asked> {
    let form = prop_oneof![
        Just(Form::Full),
        Just(Form::Max),
        Just(Form::Max),
        side().prop_map(Form::Width),
        side().prop_map(Form::Height),
        (1_u64..=30_000).prop_map(Form::Percent),
        (0_u32..=8).prop_map(|shift| Form::Percent(10_000 >> shift)),
        (side(), side()).prop_map(|(w, h)| Form::Both(w, h)),
        (side(), side()).prop_map(|(w, h)| Form::Within(w, h)),
    ];
    (form, any::<bool>()).prop_map(|(form, up)| Asked { form, up })
}

/// Limits as they may be announced: `maxWidth` "must be specified if maxHeight is specified".
fn limits() -> impl Strategy<Value = Limits> {
    let most = || prop_oneof![1_u32..=40, 1_u32..=4000];
    let sides = prop_oneof![
        Just((None, None)),
        most().prop_map(|w| (Some(w), None)),
        (most(), most()).prop_map(|(w, h)| (Some(w), Some(h))),
    ];
    (sides, prop::option::of(prop_oneof![1_u64..=2000, 1_u64..=9_000_000]))
        .prop_map(|((max_width_px, max_height_px), max_area_px)| Limits { max_width_px, max_height_px, max_area_px })
}

/// What is made of a request; a refusal is 400 and names the size.
fn served(version: ApiVersion, region: &str, size: &str, image: Dimensions, limits: &Limits) -> Option<(u64, u64)> {
    let resolved =
        ImageRequest::parse(version, region, size, "0", "default.jpg").and_then(|r| r.resolve(image, limits));
    match resolved {
        Ok(resolved) => Some((resolved.size.width_px.into(), resolved.size.height_px.into())),
        Err(refused) => {
            assert_eq!(
                (refused.kind(), refused.parameter()),
                (ErrorKind::Malformed, "size"),
                "{version:?} {size}: {refused}"
            );
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn d17_sizes_and_limits_are_as_the_texts_say(
        version in prop_oneof![Just(V2), Just(V3)], asked in asked(), limits in limits(), part in any::<bool>(),
        (width, height) in (side(), side()), (left, top) in (0_u64..20_000, 0_u64..20_000), (w, h) in (side(), side()),
    ) {
        let image = Dimensions::new(width as u32, height as u32);
        let (left, top) = (left % width, top % height);
        let (region, size) = if part {
            (format!("{left},{top},{w},{h}"), (w.min(width - left), h.min(height - top)))
        } else {
            ("full".to_owned(), (width, height))
        };
        let got = served(version, &region, &asked.text(), image, &limits);
        let told = judge(version, asked, size, &limits, got);
        prop_assert!(told.is_ok(), "{:?} {}/{} of {} with {:?}: {:?}: {}", version, region, asked.text(), image, limits, got, told.unwrap_err());
    }

    #[test]
    fn d17_max_is_what_an_exhaustive_search_finds(
        (width, height) in (1_u64..=300, 1_u64..=300), limits in limits(),
    ) {
        let image = Dimensions::new(width as u32, height as u32);
        // All sizes of this shape up to the region, by their longer side, rounded to the nearest.
        let long = width.max(height);
        let of = |l: u64| {
            let part = |side: u64| ((2 * side * l + long) / (2 * long)).max(1);
            (part(width), part(height))
        };
        let want = (1..=long).rev().map(of).find(|size| permitted(&limits, *size)).unwrap();
        let got = served(V3, "full", "max", image, &limits).unwrap();
        // At whole levels of the pyramid the shorter side is rounded up, as viewers do.
        let same_long = got.0.max(got.1) == want.0.max(want.1);
        let near = got.0.abs_diff(want.0) <= 1 && got.1.abs_diff(want.1) <= 1;
        prop_assert!(same_long && near, "{}: {:?} instead of {:?} with {:?}", image, got, want, limits);
        prop_assert_eq!(served(V2, "full", "max", image, &limits), Some(got));
    }
}

#[test]
fn d17_the_judge_finds_what_is_wrong() {
    let width = Limits { max_width_px: Some(100), ..Limits::NONE };
    let area = Limits { max_area_px: Some(5000), ..Limits::NONE };
    let ask = |form, up| Asked { form, up };
    for (version, asked, limits, answer) in [
        (V3, ask(Form::Max, false), Limits::NONE, Some((100, 200))),
        (V3, ask(Form::Max, false), Limits::NONE, None),
        (V3, ask(Form::Max, false), width, Some((50, 101))),
        (V3, ask(Form::Max, false), width, Some((49, 98))),
        (V3, ask(Form::Max, false), area, Some((49, 98))),
        (V3, ask(Form::Max, true), Limits::NONE, Some((400, 800))),
        (V3, ask(Form::Width(300), false), Limits::NONE, Some((300, 600))),
        (V3, ask(Form::Width(50), false), Limits::NONE, Some((50, 101))),
        (V3, ask(Form::Width(50), false), Limits::NONE, None),
        (V3, ask(Form::Within(100, 100), false), Limits::NONE, Some((49, 98))),
        (V3, ask(Form::Within(300, 600), false), Limits::NONE, Some((300, 600))),
        (V3, ask(Form::Percent(12_000), false), Limits::NONE, Some((240, 480))),
        (V3, ask(Form::Full, false), Limits::NONE, Some((200, 400))),
        (V2, ask(Form::Full, false), width, Some((50, 100))),
        (V2, ask(Form::Within(300, 600), false), Limits::NONE, Some((300, 600))),
    ] {
        let told = judge(version, asked, (200, 400), &limits, answer);
        assert!(told.is_err(), "{version:?} {} is not {answer:?} with {limits:?}", asked.text());
    }
}

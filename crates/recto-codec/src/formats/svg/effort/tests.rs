//! What small drawings are counted as.

use super::*;

const SIZE: Dimensions = Dimensions::new(2048, 1536);
/// The part of all pixels that the smallest level has, of 256 by 192.
const SMALLEST: f64 = 1.0 / 64.0;

const WHOLE: &str = "<rect width='4' height='3'/>";

fn counted(inside: &str) -> Result<Effort, DecodeError> {
    let text = format!("<svg xmlns='http://www.w3.org/2000/svg' width='4' height='3'>{inside}</svg>");
    let tree = Tree::from_str(&text, &usvg::Options::default()).unwrap();
    Effort::of(&tree, SIZE, &HashMap::new(), &Control::default())
}

fn refusal(inside: &str) -> String {
    counted(inside).unwrap_err().to_string()
}

/// A pattern as large as the drawing.
fn pattern(name: &str, inside: &str) -> String {
    format!("<pattern id='{name}' patternUnits='userSpaceOnUse' width='4' height='3'>{inside}</pattern>")
}

fn filtered(steps: &str) -> String {
    format!("<filter id='f'>{steps}</filter><g filter='url(#f)'>{WHOLE}</g>")
}

#[test]
fn what_is_drawn_often_counts_as_often() {
    let times = |count: usize| counted(&WHOLE.repeat(count)).unwrap();
    let ratio = times(500).area_us / times(5).area_us;
    assert!((99.0..101.0).contains(&ratio), "{ratio}");
    // A pattern is held once and drawn for each that is painted with it.
    let painted = "<rect width='4' height='3' fill='url(#p)'/>";
    let times = |count: usize| counted(&(pattern("p", &WHOLE.repeat(10)) + &painted.repeat(count))).unwrap();
    let ratio = times(50).fixed_us / times(5).fixed_us;
    assert!((9.9..10.1).contains(&ratio), "{ratio}");
    // What lies outside is not drawn.
    let outside = counted("<rect x='5' width='4' height='3'/>").unwrap();
    assert!(outside.area_us * 4.0 < counted(WHOLE).unwrap().area_us, "{outside:?}");
}

#[test]
fn what_is_drawn_for_each_part_counts_for_each() {
    let gradient =
        "<linearGradient id='g'><stop stop-color='red'/><stop offset='1' stop-color='blue'/></linearGradient>";
    let filled = "<rect width='4' height='3' fill='url(#g)'/>".repeat(20);
    let painted = "<rect width='4' height='3' fill='url(#p)'/>";
    let direct = counted(&format!("{gradient}{filled}")).unwrap();
    let patterned = counted(&format!("{gradient}{}{painted}", pattern("p", &filled))).unwrap();
    let part = |effort: &Effort| effort.pixels(1.0, 0.01, 1) as f64 / effort.pixels(1.0, 1.0, 1) as f64;
    assert!(part(&direct) < 0.02 && part(&patterned) > 0.8, "{} {}", part(&direct), part(&patterned));
    // And for each band that a part is drawn in.
    assert!(patterned.pixels(1.0, 0.01, 9) > 8 * patterned.pixels(1.0, 0.01, 1));
    assert!(patterned.check(1.0, 1.0, 1).is_ok() && patterned.check(1.0, 1.0, 10_000).is_err());
}

#[test]
fn filters_of_what_is_turned_or_skewed_work_on_all_of_it() {
    let skewed = |how: &str| {
        let rect = format!("<g transform='{how}'><g filter='url(#f)'>{WHOLE}</g></g>");
        counted(&format!("<filter id='f'><feGaussianBlur stdDeviation='1'/></filter>{rect}"))
    };
    assert!(skewed("rotate(30)").is_ok());
    assert!(skewed("skewX(40)").is_ok());
    let told = skewed("skewX(89.99)").unwrap_err().to_string();
    assert!(told.contains("turned or skewed"), "{told}");
}

#[test]
fn patterns_of_patterns_end_soon() {
    let mut inside = pattern("p0", WHOLE);
    for level in 1..7 {
        let painted = format!("<rect width='4' height='3' fill='url(#p{})'/>", level - 1);
        inside.push_str(&pattern(&format!("p{level}"), &painted.repeat(10)));
    }
    let told = refusal(&format!("{inside}<rect width='4' height='3' fill='url(#p6)'/>"));
    assert!(told.contains("so much detail"), "{told}");
}

#[test]
fn steps_of_filters_count_by_what_they_do() {
    let one = counted(&filtered("<feFlood/>")).unwrap().area_us;
    let matrix = format!("<feConvolveMatrix order='9' kernelMatrix='{}' edgeMode='none'/>", "1 ".repeat(81));
    let around = matrix.replace("none", "wrap");
    let merged = format!("<feMerge>{}</feMerge>", "<feMergeNode in='SourceGraphic'/>".repeat(50));
    for (what, step, least) in [
        ("noise", "<feTurbulence baseFrequency='1' numOctaves='100'/>", 100.0),
        ("a matrix", matrix.as_str(), 5.0),
        ("one that goes round", around.as_str(), 15.0),
        ("many inputs", merged.as_str(), 20.0),
    ] {
        let ratio = counted(&filtered(step)).unwrap().area_us / one;
        assert!(ratio > least, "{what}: {ratio}");
    }
    let told = refusal(&filtered("<feTurbulence baseFrequency='1' numOctaves='100000000'/>"));
    assert!(told.contains("so much detail"), "{told}");
    let told = refusal(&filtered(&"<feFlood/>".repeat(600)));
    assert!(told.contains("layers and filters"), "{told}");
}

#[test]
fn what_takes_long_at_full_size_may_be_drawn_smaller() {
    let effort = counted(&filtered("<feMorphology operator='dilate' radius='0.2'/>")).unwrap();
    match effort.check(1.0, 1.0, 1) {
        Err(DecodeError::TooLarge { needed, limit: 20, unit, .. }) => {
            assert!(needed > 60 && unit.contains("this large"), "{needed} {unit}");
        }
        other => panic!("{other:?}"),
    }
    assert!(effort.check(SMALLEST, 1.0, 1).is_ok());
    assert!(effort.pixels(1.0, 1.0, 1) > effort.pixels(SMALLEST, 1.0, 1) * 64, "{effort:?}");
    let plain = counted(WHOLE).unwrap();
    assert!(plain.check(1.0, 1.0, 1).is_ok());
    assert!(plain.pixels(1.0, 1.0, 1) < SIZE.area_px(), "{plain:?}");
}

#[test]
fn lines_count_by_their_points_and_dashes() {
    let dashed = "<path d='M0 0h4' stroke='#000' stroke-width='0.01' stroke-dasharray='0.00001'/>";
    let plain = counted(&dashed.replace("dasharray", "nothing")).unwrap();
    assert!(plain.fixed_us < 10.0, "{plain:?}");
    let effort = counted(dashed).unwrap();
    assert!(effort.fixed_us > 100_000.0, "{effort:?}");
    let told = refusal(&dashed.repeat(100));
    assert!(told.contains("so much detail"), "{told}");
    // Lines from side to side may cross each other; short ones beside each other hardly do.
    let long = format!("<path d='M0 0{}'/>", "L4 3L0 0.1".repeat(5000));
    let short = format!("<path d='M0 0{}'/>", "l0 0.0001l0.0001 0".repeat(5000));
    let (long, short) = (counted(&long).unwrap(), counted(&short).unwrap());
    assert!(long.fixed_us > short.fixed_us * 5.0, "{long:?} {short:?}");
    assert!(long.area_us > short.area_us * 100.0, "{long:?} {short:?}");
}

#[test]
fn colours_of_a_gradient_count_for_each_pixel() {
    let stops: String = (0..1000).map(|at| format!("<stop offset='{}'/>", f64::from(at) / 1000.0)).collect();
    let gradient = format!("<linearGradient id='g'>{stops}</linearGradient>");
    let gradient = gradient + "<rect width='4' height='3' fill='url(#g)'/>";
    let (many, one) = (counted(&gradient).unwrap().area_us, counted(WHOLE).unwrap().area_us);
    assert!(many > one * 100.0, "{many} {one}");
}

#[test]
fn layers_are_held_while_what_is_on_them_is_drawn() {
    let nested = format!("<g opacity='.5'>{WHOLE}").repeat(3) + &"</g>".repeat(3);
    let effort = counted(&nested).unwrap();
    assert_eq!((effort.layers, effort.layers_at_once), (3, 3));
    let whole = effort.bytes(1 << 40, 1.0);
    assert!((37_000_000..39_000_000).contains(&whole), "{whole}");
    let half = effort.bytes(1 << 40, 0.25);
    assert!((9_000_000..10_000_000).contains(&half), "{half}");
    // Nor do they reach far beyond a small band.
    let band = effort.bytes(1000, 1.0);
    assert!((75_000..80_000).contains(&band), "{band}");
    let beside = counted(&format!("<g opacity='.5'>{WHOLE}</g>").repeat(3)).unwrap();
    assert_eq!((beside.layers, beside.layers_at_once), (3, 1));
    assert_eq!(counted(WHOLE).unwrap().layers_at_once, 0);
}

#[test]
fn a_pattern_is_held_wholly_however_little_of_it_is_seen() {
    let large = pattern("p", WHOLE).replace("width='4' height='3'>", "width='40' height='30'>");
    let effort = counted(&format!("{large}<rect width='1' height='1' fill='url(#p)'/>")).unwrap();
    let bytes = effort.bytes(1000, 1.0);
    assert!((1_200_000_000..1_400_000_000).contains(&bytes), "{bytes}");
}

#[test]
fn elements_are_nested_so_deep() {
    let nested = |depth: usize| format!("{}{WHOLE}{}", "<g opacity='.9'>".repeat(depth), "</g>".repeat(depth));
    let (shallow, deep) = (nested(100), nested(300));
    // The library takes more of the stack than a test has.
    let thread = std::thread::Builder::new().stack_size(32 << 20);
    let (shallow, deep) = thread.spawn(move || (counted(&shallow), counted(&deep))).unwrap().join().unwrap();
    assert!(shallow.is_ok(), "{shallow:?}");
    assert!(deep.unwrap_err().to_string().contains("nested more than 256 times"));
}

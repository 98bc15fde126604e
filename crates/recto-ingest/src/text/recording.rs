//! What is said in a recording is said before it ends.

use recto_iiif::text::PageText;

use crate::{Finding, Severity};

/// Captions that end so long after the recording do because somebody rounded.
const ROUNDING_S: f64 = 1.0;

/// The lines of a recording within its duration, which is more than 0: those that end after it end with it, those that begin where it
/// has ended are left out. `name` is the file of the text; the finding says how many there were.
#[must_use]
pub fn within_recording(mut text: PageText, duration_s: f64, name: &str) -> (PageText, Option<Finding>) {
    if !duration_s.is_finite() || duration_s <= 0.0 {
        return (text, None);
    }
    let (mut cut, mut gone, mut latest) = (0_usize, 0_usize, duration_s);
    for block in &mut text.blocks {
        block.lines.retain_mut(|line| {
            let Some((from, until)) = line.time_s else { return true };
            latest = latest.max(until);
            if from >= duration_s {
                gone += 1;
                return false;
            }
            if until > duration_s {
                cut += 1;
                line.time_s = Some((from, duration_s));
            }
            true
        });
    }
    text.blocks.retain(|block| !block.lines.is_empty());
    if cut + gone == 0 {
        return (text, None);
    }
    let severity = if gone == 0 && latest - duration_s <= ROUNDING_S { Severity::Note } else { Severity::Warning };
    let message = format!(
        "the recording ends after {duration_s:.3} s, the captions after {latest:.3} s: {cut} of them were shortened, {gone} are left out"
    );
    let fix = "give the captions of this recording, or put the times right";
    (text, Some(Finding::new(severity, "captions-too-long", name, message, fix)))
}

#[cfg(test)]
mod tests {
    use recto_iiif::text::{TextBlock, TextLine};

    use super::*;

    #[test]
    fn captions_end_with_their_recording() {
        let block = |times: &[Option<(f64, f64)>]| TextBlock {
            lines: times.iter().map(|time_s| TextLine { time_s: *time_s, ..TextLine::default() }).collect(),
            ..TextBlock::default()
        };
        let given =
            [block(&[Some((0.0, 4.0)), Some((9.0, 10.5)), None]), block(&[Some((10.0, 11.0)), Some((12.0, 13.0))])];
        for (duration_s, want, said) in [
            (20.0, vec![Some((0.0, 4.0)), Some((9.0, 10.5)), None, Some((10.0, 11.0)), Some((12.0, 13.0))], None),
            (13.0, vec![Some((0.0, 4.0)), Some((9.0, 10.5)), None, Some((10.0, 11.0)), Some((12.0, 13.0))], None),
            (
                12.5,
                vec![Some((0.0, 4.0)), Some((9.0, 10.5)), None, Some((10.0, 11.0)), Some((12.0, 12.5))],
                Some((
                    Severity::Note,
                    "12.500 s, the captions after 13.000 s: 1 of them were shortened, 0 are left out",
                )),
            ),
            (
                10.0,
                vec![Some((0.0, 4.0)), Some((9.0, 10.0)), None],
                Some((
                    Severity::Warning,
                    "10.000 s, the captions after 13.000 s: 1 of them were shortened, 2 are left out",
                )),
            ),
            (0.0, vec![Some((0.0, 4.0)), Some((9.0, 10.5)), None, Some((10.0, 11.0)), Some((12.0, 13.0))], None),
        ] {
            let text = PageText { blocks: given.to_vec(), ..PageText::default() };
            let (found, finding) = within_recording(text, duration_s, "a.vtt");
            assert_eq!(found.lines().map(|line| line.time_s).collect::<Vec<_>>(), want, "{duration_s}");
            let finding = finding.map(|finding| (finding.severity, finding.message));
            let finding =
                finding.as_ref().map(|(severity, message)| (*severity, message.split("ends after ").nth(1).unwrap()));
            assert_eq!(finding, said, "{duration_s}");
        }
    }
}

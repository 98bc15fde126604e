//! Plain text, and captions: what has no places on a page.

use super::pages::Pages;
use crate::av::captions::Captions;

/// A form feed ends a page; an empty line a block.
pub(super) fn read(text: &str, pages: &mut Pages<'_, '_>) {
    // Many programs end each page with a form feed, the last one too.
    let text = text.strip_suffix('\u{c}').unwrap_or(text);
    for page in text.split('\u{c}') {
        if pages.is_done() {
            return;
        }
        pages.begin(None, None);
        let mut is_open = false;
        for line in page.lines() {
            let Some(sheet) = pages.sheet() else { break };
            if line.trim().is_empty() {
                if std::mem::take(&mut is_open) {
                    sheet.end_block();
                }
                continue;
            }
            if !std::mem::replace(&mut is_open, true) {
                sheet.begin_block(None, None, None);
            }
            sheet.begin_line(None, None, None);
            pages.line_text(line, &[], None);
        }
        pages.end();
    }
}

/// Each cue is a line.
pub(super) fn read_captions(captions: &Captions, pages: &mut Pages<'_, '_>) {
    pages.begin(None, None);
    for cue in &captions.cues {
        if let Some(sheet) = pages.sheet() {
            sheet.begin_line(None, None, None);
            sheet.line_time(cue.start_s, cue.end_s);
        }
        pages.line_text(&cue.text, &[], None);
    }
    pages.end();
}

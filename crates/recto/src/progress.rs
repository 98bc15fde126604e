//! How far work on many files is.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::print;

/// A bar on a terminal, and nothing elsewhere.
pub(crate) struct Bar {
    bar: ProgressBar,
    files: usize,
    file: usize,
}

/// Steps of the bar for a file.
const STEPS: u64 = 1000;

impl Bar {
    pub(crate) fn new(files: usize) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(files as u64 * STEPS);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3}% {prefix} {msg}") {
                bar.set_style(style);
            }
            bar
        } else {
            ProgressBar::hidden()
        };
        Self { bar, files, file: 0 }
    }

    /// The next file is begun.
    pub(crate) fn begin(&mut self, name: &str) {
        self.file += 1;
        self.bar.set_prefix(format!("{}/{}", self.file, self.files));
        self.bar.set_message(name.to_owned());
    }

    /// `part` (0 to 1) of page `page` (from 1) of `pages` is done.
    pub(crate) fn show(&mut self, page: u32, pages: u32, part: f64) {
        let page_part = STEPS as f64 / f64::from(pages.max(1));
        let within = page_part * (f64::from(page - 1) + part);
        self.bar.set_position((self.file as u64 - 1) * STEPS + within as u64);
    }

    pub(crate) fn end(&mut self) {
        self.bar.set_position(self.file as u64 * STEPS);
    }

    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        self.bar.suspend(|| print(text))
    }

    pub(crate) fn suspend(&self, work: impl FnOnce()) {
        self.bar.suspend(work);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

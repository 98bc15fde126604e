//! Converts one file: `cargo run --release -p recto-convert --example convert_one -- scan.jpg scan.tif [threads]`.

use std::path::{Path, PathBuf};

use recto_convert::{ConvertError, ConvertOptions, Converter, Target, plan};

fn main() -> Result<(), ConvertError> {
    let mut arguments = std::env::args().skip(1);
    let source = PathBuf::from(arguments.next().unwrap_or_default());
    let target = arguments.next().unwrap_or_default();
    let usual = ConvertOptions::default();
    let threads = arguments.next().and_then(|threads| threads.parse().ok()).unwrap_or(usual.threads);
    let plan = plan(&[source], Path::new(&target), Target::Tif)?;
    let mut converter = Converter::new(&ConvertOptions { threads, overwrite: true, ..usual }, &plan.folder)?;
    for job in &plan.jobs {
        let _outcome = converter.run(job, &mut |_| {})?;
    }
    Ok(())
}

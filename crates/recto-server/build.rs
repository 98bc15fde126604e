//! Makes the binary follow `web/dist`: a rebuilt viewer bundle is embedded by the next build.

fn main() {
    let dist = std::path::Path::new("../../web/dist");
    // A missing folder would make this script run on every build; an empty one says that no viewers are built.
    if std::fs::create_dir_all(dist).is_ok() {
        println!("cargo::rerun-if-changed={}", dist.display());
    }
}

//! The pages for people: gallery, item, results of a search, viewers, problems.
//!
//! Each page is a pure function from a view (plain owned data, URLs as strings) to an HTML document. Nothing here reads files,
//! knows HTTP types or looks anything up: routes fill the views, answer with [`content_security_policy`] and serve [`Assets`].

mod assets;
mod frame;
mod gallery;
mod html;
mod item;
mod policy;
mod problem;
mod search;
mod stage;
mod viewer;
mod views;

pub use assets::{ASSET_PREFIX, Asset, Assets};
pub use frame::missing_viewers;
pub use gallery::gallery;
pub use item::item;
pub use policy::{PageKind, content_security_policy};
pub use problem::{error, not_found};
pub use search::search;
pub use viewer::viewer;
pub use views::{
    Card, CardKind, Download, Fact, GalleryView, ItemView, Link, Opening, PageThumb, Paging, Problem, SearchBox,
    SearchHit, SearchView, Site, Thumbnail, ViewerKind, ViewerView,
};

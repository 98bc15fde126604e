//! Planning, and the row pipeline without a codec: an image in memory.

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use recto_engine::{RenderOptions, plan};
use recto_iiif::{Dimensions, Rect};
use support::{Halving, Mock, rendered, request, waves};

fn engine(criterion: &mut Criterion) {
    let options = RenderOptions::default();
    let pyramid = Mock::new(waves(2048, 2048)).with_levels(4, Halving::Up).with_strips(256);
    let tile = request(Rect::new(512, 512, 700, 700), Dimensions::new(256, 256));
    criterion.bench_function("plan", |bench| bench.iter(|| plan(&pyramid, &tile, &options)));
    criterion.bench_function("tile resampled from 350x350", |bench| bench.iter(|| rendered(&pyramid, &tile, &options)));
    let flat = Mock::new(waves(2048, 2048)).with_strips(16);
    for side in [1300, 300, 50] {
        let asked = request(Rect::new(0, 0, 2048, 2048), Dimensions::new(side, side));
        criterion.bench_function(&format!("2048x2048 to {side}x{side}"), |bench| {
            bench.iter(|| rendered(&flat, &asked, &options));
        });
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = engine }
criterion_main!(benches);

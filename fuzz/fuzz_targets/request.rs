#![no_main]

use recto_iiif::Dimensions;
use recto_iiif::image::{ApiVersion, ImagePath, ImageRequest, Limits, Slashes, parse_path};

// A path that is understood has a canonical form that means the same.
libfuzzer_sys::fuzz_target!(|path: &str| {
    for slashes in [Slashes::EncodedOnly, Slashes::Raw] {
        let Ok(ImagePath::Image { region, size, rotation, quality_format, .. }) = parse_path(path, slashes) else { continue };
        for version in [ApiVersion::V2, ApiVersion::V3] {
            let Ok(request) = ImageRequest::parse(version, &region, &size, &rotation, &quality_format) else { continue };
            let (image, limits) = (Dimensions::new(1001, 701), Limits::default());
            let Ok(resolved) = request.resolve(image, &limits) else { continue };
            let canonical = resolved.canonical(version, image, &limits);
            let again = format!("x/{canonical}");
            let Ok(ImagePath::Image { region, size, rotation, quality_format, .. }) = parse_path(&again, Slashes::EncodedOnly)
            else {
                panic!("`{canonical}` is not understood")
            };
            let request = ImageRequest::parse(version, &region, &size, &rotation, &quality_format).unwrap();
            assert_eq!(request.resolve(image, &limits).unwrap(), resolved, "{canonical}");
        }
    }
});

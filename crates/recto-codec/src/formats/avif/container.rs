//! Writing the container: one picture, its opacity, and what is said of them.

use recto_iiif::Dimensions;

/// A coded picture.
pub(super) struct Coded {
    /// The decoder's configuration.
    pub(super) config: Vec<u8>,
    pub(super) stream: Vec<u8>,
}

/// What the file says of its picture.
pub(super) struct Description<'a> {
    pub(super) size: Dimensions,
    pub(super) channels: u8,
    pub(super) bits: u8,
    pub(super) icc: Option<&'a [u8]>,
    /// Primaries, transfer and matrix; samples are of full range.
    pub(super) colour: [u16; 3],
    /// 4:4:4 is outside the profile that the smallest decoders have.
    pub(super) is_baseline: bool,
}

fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut written = (content.len() as u32 + 8).to_be_bytes().to_vec();
    written.extend(name);
    written.extend(content);
    written
}

fn full(name: &[u8; 4], version: u8, flags: u8, content: &[u8]) -> Vec<u8> {
    boxed(name, &[&[version, 0, 0, flags], content].concat())
}

/// The file. `None` when it would be larger than its 32-bit positions reach.
pub(super) fn write(color: &Coded, alpha: Option<&Coded>, about: &Description<'_>) -> Option<Vec<u8>> {
    let profile = if about.is_baseline { *b"MA1B" } else { *b"MA1A" };
    let file_type = boxed(b"ftyp", &[*b"avif", [0; 4], *b"avif", *b"mif1", *b"miaf", profile].concat());
    let pictures: Vec<&Coded> = std::iter::once(color).chain(alpha).collect();
    // Positions are known once the length of what stands before them is, and that does not depend on their values.
    let before = (file_type.len() + meta(&pictures, about, 0).len() + 8) as u32;
    let meta = meta(&pictures, about, before);
    let data: usize = pictures.iter().map(|picture| picture.stream.len()).sum();
    u32::try_from(data + before as usize).ok()?;
    let mut file = [file_type, meta].concat();
    file.extend((data as u32 + 8).to_be_bytes());
    file.extend(b"mdat");
    for picture in pictures {
        file.extend(&picture.stream);
    }
    Some(file)
}

fn meta(pictures: &[&Coded], about: &Description<'_>, first: u32) -> Vec<u8> {
    let mut handler = vec![0; 4];
    handler.extend(b"pict");
    handler.extend([0; 13]);
    let count = pictures.len() as u16;
    let mut locations = vec![0x44, 0];
    locations.extend(count.to_be_bytes());
    let mut entries = count.to_be_bytes().to_vec();
    let mut position = first;
    for (id, picture) in (1_u16..).zip(pictures) {
        locations.extend(id.to_be_bytes());
        // In this file, one extent.
        locations.extend([0, 0, 0, 1]);
        locations.extend(position.to_be_bytes());
        locations.extend((picture.stream.len() as u32).to_be_bytes());
        position = position.wrapping_add(picture.stream.len() as u32);
        let entry = [&id.to_be_bytes()[..], &[0, 0], b"av01", b"\0"].concat();
        entries.extend(full(b"infe", 2, 0, &entry));
    }
    let mut content = full(b"hdlr", 0, 0, &handler);
    content.extend(full(b"pitm", 0, 0, &1_u16.to_be_bytes()));
    content.extend(full(b"iloc", 0, 0, &locations));
    content.extend(full(b"iinf", 0, 0, &entries));
    if pictures.len() > 1 {
        let from_alpha_to_color = [2_u16, 1, 1].map(u16::to_be_bytes).concat();
        content.extend(full(b"iref", 0, 0, &boxed(b"auxl", &from_alpha_to_color)));
    }
    content.extend(properties(pictures, about));
    full(b"meta", 0, 0, &content)
}

fn properties(pictures: &[&Coded], about: &Description<'_>) -> Vec<u8> {
    const ESSENTIAL: u8 = 0x80;
    let sides = [about.size.width_px, about.size.height_px].map(u32::to_be_bytes).concat();
    let mut container = Vec::new();
    let mut count = 0;
    let mut add = |property: Vec<u8>| -> u8 {
        container.extend(property);
        count += 1;
        count
    };
    let size = add(full(b"ispe", 0, 0, &sides));
    let [primaries, transfer, matrix] = about.colour.map(u16::to_be_bytes);
    let depths = vec![about.bits; usize::from(about.channels)];
    let mut color = vec![size];
    color.push(add(full(b"pixi", 0, 0, &[&[about.channels], depths.as_slice()].concat())));
    color.push(add(boxed(b"colr", &[b"nclx", &primaries[..], &transfer, &matrix, &[0x80]].concat())));
    if let Some(icc) = about.icc {
        color.push(add(boxed(b"colr", &[b"prof", icc].concat())));
    }
    let mut lists = Vec::new();
    for (index, picture) in pictures.iter().enumerate() {
        let config = add(boxed(b"av1C", &picture.config)) | ESSENTIAL;
        lists.push(if index == 0 {
            let mut list = color.clone();
            list.push(config);
            list
        } else {
            let depth = add(full(b"pixi", 0, 0, &[1, about.bits]));
            let what = add(full(b"auxC", 0, 0, b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"));
            vec![size, depth, what, config]
        });
    }
    let mut associations = (lists.len() as u32).to_be_bytes().to_vec();
    for (id, list) in (1_u16..).zip(lists) {
        associations.extend(id.to_be_bytes());
        associations.push(list.len() as u8);
        associations.extend(list);
    }
    boxed(b"iprp", &[boxed(b"ipco", &container), full(b"ipma", 0, 0, &associations)].concat())
}

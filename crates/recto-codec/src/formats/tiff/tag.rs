//! The numbers of the tags that are read or written.

pub(super) const NEW_SUBFILE_TYPE: u16 = 254;
pub(super) const SUBFILE_TYPE: u16 = 255;
pub(super) const IMAGE_WIDTH: u16 = 256;
pub(super) const IMAGE_LENGTH: u16 = 257;
pub(super) const BITS_PER_SAMPLE: u16 = 258;
pub(super) const COMPRESSION: u16 = 259;
pub(super) const PHOTOMETRIC: u16 = 262;
pub(super) const FILL_ORDER: u16 = 266;
pub(super) const IMAGE_DESCRIPTION: u16 = 270;
pub(super) const STRIP_OFFSETS: u16 = 273;
pub(super) const ORIENTATION: u16 = 274;
pub(super) const SAMPLES_PER_PIXEL: u16 = 277;
pub(super) const ROWS_PER_STRIP: u16 = 278;
pub(super) const STRIP_BYTE_COUNTS: u16 = 279;
pub(super) const X_RESOLUTION: u16 = 282;
pub(super) const Y_RESOLUTION: u16 = 283;
pub(super) const PLANAR_CONFIGURATION: u16 = 284;
pub(super) const T4_OPTIONS: u16 = 292;
pub(super) const RESOLUTION_UNIT: u16 = 296;
pub(super) const PREDICTOR: u16 = 317;
pub(super) const COLOR_MAP: u16 = 320;
pub(super) const TILE_WIDTH: u16 = 322;
pub(super) const TILE_LENGTH: u16 = 323;
pub(super) const TILE_OFFSETS: u16 = 324;
pub(super) const TILE_BYTE_COUNTS: u16 = 325;
pub(super) const SUB_IFDS: u16 = 330;
pub(super) const EXTRA_SAMPLES: u16 = 338;
pub(super) const SAMPLE_FORMAT: u16 = 339;
pub(super) const SMIN_SAMPLE_VALUE: u16 = 340;
pub(super) const SMAX_SAMPLE_VALUE: u16 = 341;
pub(super) const JPEG_TABLES: u16 = 347;
pub(super) const JPEG_INTERCHANGE_FORMAT: u16 = 513;
pub(super) const JPEG_INTERCHANGE_FORMAT_LENGTH: u16 = 514;
pub(super) const JPEG_RESTART_INTERVAL: u16 = 515;
pub(super) const JPEG_Q_TABLES: u16 = 519;
pub(super) const JPEG_DC_TABLES: u16 = 520;
pub(super) const JPEG_AC_TABLES: u16 = 521;
pub(super) const YCBCR_COEFFICIENTS: u16 = 529;
pub(super) const YCBCR_SUBSAMPLING: u16 = 530;
pub(super) const REFERENCE_BLACK_WHITE: u16 = 532;
pub(super) const XMP: u16 = 700;
pub(super) const IPTC: u16 = 33723;
pub(super) const EXIF_IFD: u16 = 34665;
pub(super) const GPS_IFD: u16 = 34853;
pub(super) const ICC_PROFILE: u16 = 34675;

// Hamamatsu's own, in slides (NDPI).

/// In every directory of a slide.
pub(super) const NDPI_VERSION: u16 = 65420;
/// Magnification; -1 in the directory of the macro image, -2 in that of a map.
pub(super) const NDPI_SOURCE_LENS: u16 = 65421;
/// How far the lens was from the middle plane of focus.
pub(super) const NDPI_FOCAL_PLANE: u16 = 65424;
/// Where each restart interval of the JPEG stream begins, in bytes of the strip: the lower four bytes.
pub(super) const NDPI_MCU_STARTS: u16 = 65426;
/// The upper four bytes.
pub(super) const NDPI_MCU_STARTS_HIGH: u16 = 65432;

/// Tags without which pixels would be read in another way.
pub(super) const NEEDED: &[u16] = &[
    BITS_PER_SAMPLE,
    EXTRA_SAMPLES,
    SAMPLE_FORMAT,
    COLOR_MAP,
    SMIN_SAMPLE_VALUE,
    SMAX_SAMPLE_VALUE,
    YCBCR_SUBSAMPLING,
];

/// Everything that [`super::directory::Directory`] looks at.
pub(super) const DIRECTORY: &[u16] = &[
    IMAGE_WIDTH,
    IMAGE_LENGTH,
    BITS_PER_SAMPLE,
    COMPRESSION,
    PHOTOMETRIC,
    FILL_ORDER,
    STRIP_OFFSETS,
    ORIENTATION,
    SAMPLES_PER_PIXEL,
    ROWS_PER_STRIP,
    STRIP_BYTE_COUNTS,
    X_RESOLUTION,
    Y_RESOLUTION,
    PLANAR_CONFIGURATION,
    T4_OPTIONS,
    RESOLUTION_UNIT,
    PREDICTOR,
    COLOR_MAP,
    TILE_WIDTH,
    TILE_LENGTH,
    TILE_OFFSETS,
    TILE_BYTE_COUNTS,
    EXTRA_SAMPLES,
    SAMPLE_FORMAT,
    SMIN_SAMPLE_VALUE,
    SMAX_SAMPLE_VALUE,
    JPEG_TABLES,
    JPEG_INTERCHANGE_FORMAT,
    JPEG_INTERCHANGE_FORMAT_LENGTH,
    JPEG_RESTART_INTERVAL,
    JPEG_Q_TABLES,
    JPEG_DC_TABLES,
    JPEG_AC_TABLES,
    YCBCR_COEFFICIENTS,
    YCBCR_SUBSAMPLING,
    REFERENCE_BLACK_WHITE,
    ICC_PROFILE,
    NDPI_VERSION,
    NDPI_MCU_STARTS,
    NDPI_MCU_STARTS_HIGH,
];

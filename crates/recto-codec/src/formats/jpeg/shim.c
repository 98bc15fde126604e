/*
 * The classic libjpeg interface behind opaque handles, for ffi.rs alone.
 *
 * libjpeg reports errors by not returning from `error_exit`. Here every entry point sets a jump first, and the error
 * leaves through it as a code with a message in the handle. Rust frames are never jumped over: a call back into Rust
 * returns before anything jumps.
 *
 * Every function that takes a handle may be called once more after an error only to read its message or to free it.
 */

#include <limits.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* What an entry point returns. ffi.rs has the same numbers. */
enum {
  RECTO_OK = 0,
  RECTO_LIBRARY = 1,   /* libjpeg gave up; see the message */
  RECTO_MEMORY = 2,    /* out of memory, or over the limit given */
  RECTO_STOPPED = 3,   /* a callback into Rust said so, and knows why */
  RECTO_TRUNCATED = 4, /* entropy-coded data was needed after the end of the input */
  RECTO_SCANS = 5,     /* more scans than allowed */
};

/* How samples are understood or given. ffi.rs has the same numbers. */
enum { RECTO_AS_MARKED = 0, RECTO_GRAY = 1, RECTO_RGB = 2, RECTO_YCC = 3, RECTO_CMYK = 4 };

/* Calls into Rust. None of them unwinds or jumps. */
typedef struct {
  void *context;
  /* Gives the next block, valid until the next call: 1 with data, 0 at the end, -1 when reading failed. */
  int (*read)(void *context, const uint8_t **data, size_t *length);
  /* Steps over bytes behind the last block. */
  void (*skip)(void *context, uint64_t bytes);
  /* 1 to go on, 0 to stop. */
  int (*go_on)(void *context);
} recto_source;

typedef struct {
  void *context;
  /* Takes bytes: 1 when they are kept, 0 when not. */
  int (*write)(void *context, const uint8_t *data, size_t length);
} recto_sink;

typedef struct {
  uint32_t width;
  uint32_t height;
  uint32_t components;
  uint32_t precision;
  uint32_t saw_adobe;
  uint32_t multiple_scans;
  uint64_t coefficient_bytes;
} recto_header;

typedef struct {
  uint32_t width;
  uint32_t height;
  uint32_t components;
  uint32_t sample_bytes; /* 1, or 2 in the machine's order for more than 8 bits */
} recto_output;

typedef struct {
  struct jpeg_error_mgr base; /* first, so that cinfo->err leads here */
  jmp_buf escape;
  int code;
  char message[JMSG_LENGTH_MAX];
} failure;

typedef struct {
  struct jpeg_decompress_struct cinfo;
  failure fail;
  struct jpeg_source_mgr input;
  struct jpeg_progress_mgr progress;
  recto_source source;
  int past_end;
  int max_scans;
} recto_decoder;

#define SINK_BLOCK 16384

typedef struct {
  struct jpeg_compress_struct cinfo;
  failure fail;
  struct jpeg_destination_mgr output;
  recto_sink sink;
  JOCTET block[SINK_BLOCK];
} recto_encoder;

/* ---- errors ---- */

static void leave(failure *fail, int code) {
  fail->code = code;
  longjmp(fail->escape, 1);
}

static void on_error(j_common_ptr cinfo) {
  failure *fail = (failure *)cinfo->err;
  (*cinfo->err->format_message)(cinfo, fail->message);
  switch (cinfo->err->msg_code) {
  case JERR_OUT_OF_MEMORY:
  case JERR_NO_BACKING_STORE:
  case JERR_WIDTH_OVERFLOW:
    leave(fail, RECTO_MEMORY);
    break;
  default:
    leave(fail, RECTO_LIBRARY);
  }
}

/* Nothing is ever printed. */
static void on_output(j_common_ptr cinfo) { (void)cinfo; }

static void on_decoder_message(j_common_ptr cinfo, int level) {
  recto_decoder *d = (recto_decoder *)cinfo->client_data;
  if (level >= 0)
    return;
  cinfo->err->num_warnings++;
  /* The data ran out, and what follows would be invented. The same warning before the end means damage, which is
   * shown as every browser shows it. */
  if (cinfo->err->msg_code == JWRN_HIT_MARKER && d->past_end)
    leave(&d->fail, RECTO_TRUNCATED);
}

static void on_encoder_message(j_common_ptr cinfo, int level) {
  if (level < 0)
    cinfo->err->num_warnings++;
}

static struct jpeg_error_mgr *init_failure(failure *fail) {
  jpeg_std_error(&fail->base);
  fail->base.error_exit = on_error;
  fail->base.output_message = on_output;
  fail->code = RECTO_OK;
  fail->message[0] = 0;
  return &fail->base;
}

/* ---- input ---- */

static const JOCTET end_of_image[2] = { 0xFF, JPEG_EOI };

static void on_init_source(j_decompress_ptr cinfo) { (void)cinfo; }

static boolean on_fill(j_decompress_ptr cinfo) {
  recto_decoder *d = (recto_decoder *)cinfo->client_data;
  const uint8_t *data = NULL;
  size_t length = 0;
  int got = d->past_end ? 0 : d->source.read(d->source.context, &data, &length);
  if (got < 0)
    leave(&d->fail, RECTO_STOPPED);
  if (got == 0 || length == 0) {
    /* An arithmetic decoder reads to the end marker as a rule, and never says that data is missing. */
    if (cinfo->arith_code && cinfo->global_state > 202)
      leave(&d->fail, RECTO_TRUNCATED);
    d->past_end = 1;
    data = end_of_image;
    length = sizeof(end_of_image);
  }
  d->input.next_input_byte = data;
  d->input.bytes_in_buffer = length;
  return TRUE;
}

static void on_skip(j_decompress_ptr cinfo, long bytes) {
  recto_decoder *d = (recto_decoder *)cinfo->client_data;
  if (bytes <= 0)
    return;
  if ((size_t)bytes <= d->input.bytes_in_buffer) {
    d->input.next_input_byte += bytes;
    d->input.bytes_in_buffer -= (size_t)bytes;
    return;
  }
  if (!d->past_end)
    d->source.skip(d->source.context, (uint64_t)bytes - d->input.bytes_in_buffer);
  d->input.bytes_in_buffer = 0;
}

static void on_term_source(j_decompress_ptr cinfo) { (void)cinfo; }

static void on_progress(j_common_ptr cinfo) {
  recto_decoder *d = (recto_decoder *)cinfo->client_data;
  if (d->cinfo.input_scan_number > d->max_scans)
    leave(&d->fail, RECTO_SCANS);
  if (!d->source.go_on(d->source.context))
    leave(&d->fail, RECTO_STOPPED);
}

/* ---- decoding ---- */

static int create_decompress(recto_decoder *d) {
  if (setjmp(d->fail.escape)) {
    jpeg_destroy_decompress(&d->cinfo);
    return 0;
  }
  jpeg_create_decompress(&d->cinfo);
  return 1;
}

/* A new decoder, or NULL when there is no memory. `max_memory` bounds what libjpeg may take in bytes. */
recto_decoder *recto_jpeg_decoder_new(const recto_source *source, uint64_t max_memory, int max_scans) {
  recto_decoder *d = calloc(1, sizeof(*d));
  if (!d)
    return NULL;
  d->source = *source;
  d->max_scans = max_scans;
  d->cinfo.err = init_failure(&d->fail);
  d->fail.base.emit_message = on_decoder_message;
  d->cinfo.client_data = d;
  if (!create_decompress(d)) {
    free(d);
    return NULL;
  }
  d->cinfo.mem->max_memory_to_use = max_memory > (uint64_t)LONG_MAX ? LONG_MAX : (long)max_memory;
  d->input.init_source = on_init_source;
  d->input.fill_input_buffer = on_fill;
  d->input.skip_input_data = on_skip;
  d->input.resync_to_restart = jpeg_resync_to_restart;
  d->input.term_source = on_term_source;
  d->cinfo.src = &d->input;
  d->progress.progress_monitor = on_progress;
  d->cinfo.progress = &d->progress;
  return d;
}

void recto_jpeg_decoder_free(recto_decoder *d) {
  if (!d)
    return;
  /* Freeing does not fail; should it, the memory is lost and the program lives. */
  if (setjmp(d->fail.escape) == 0)
    jpeg_destroy_decompress(&d->cinfo);
  free(d);
}

const char *recto_jpeg_decoder_message(const recto_decoder *d) { return d->fail.message; }

/* Reads all markers up to the first scan. */
int recto_jpeg_decoder_header(recto_decoder *d, recto_header *header) {
  int i;
  if (setjmp(d->fail.escape))
    return d->fail.code;
  jpeg_read_header(&d->cinfo, TRUE);
  header->width = d->cinfo.image_width;
  header->height = d->cinfo.image_height;
  header->components = (uint32_t)d->cinfo.num_components;
  header->precision = (uint32_t)d->cinfo.data_precision;
  header->saw_adobe = d->cinfo.saw_Adobe_marker ? 1 : 0;
  header->multiple_scans = jpeg_has_multiple_scans(&d->cinfo) ? 1 : 0;
  header->coefficient_bytes = 0;
  for (i = 0; i < d->cinfo.num_components; i++) {
    const jpeg_component_info *c = &d->cinfo.comp_info[i];
    uint64_t across = (uint64_t)c->width_in_blocks + (uint64_t)c->h_samp_factor;
    uint64_t down = (uint64_t)c->height_in_blocks + (uint64_t)c->v_samp_factor;
    header->coefficient_bytes += across * down * DCTSIZE2 * sizeof(JCOEF);
  }
  return RECTO_OK;
}

static J_COLOR_SPACE color_space(int color) {
  switch (color) {
  case RECTO_GRAY: return JCS_GRAYSCALE;
  case RECTO_RGB: return JCS_RGB;
  case RECTO_YCC: return JCS_YCbCr;
  case RECTO_CMYK: return JCS_CMYK;
  default: return JCS_UNKNOWN;
  }
}

/* True when every coefficient of a progressive picture is there with all its bits. */
static int is_complete(const recto_decoder *d) {
  int i, k;
  for (i = 0; i < d->cinfo.num_components; i++)
    for (k = 0; k < DCTSIZE2; k++)
      if (d->cinfo.coef_bits[i][k] != 0)
        return 0;
  return 1;
}

static size_t sample_bytes(const recto_decoder *d) { return d->cinfo.data_precision > 8 ? 2 : 1; }

/* Begins to decode: `stored` says how to understand the samples, `wanted` what to give. */
int recto_jpeg_decoder_start(recto_decoder *d, int stored, int wanted, uint32_t denominator, recto_output *output) {
  if (setjmp(d->fail.escape))
    return d->fail.code;
  if (stored != RECTO_AS_MARKED)
    d->cinfo.jpeg_color_space = color_space(stored);
  d->cinfo.out_color_space = color_space(wanted);
  d->cinfo.scale_num = 1;
  d->cinfo.scale_denom = denominator;
  d->cinfo.dct_method = JDCT_ISLOW;
  d->cinfo.do_fancy_upsampling = TRUE;
  d->cinfo.do_block_smoothing = FALSE;
  jpeg_start_decompress(&d->cinfo);
  /* Cut off between two scans, nothing was missing while decoding; yet scans are. */
  if (d->past_end && d->cinfo.progressive_mode && d->cinfo.coef_bits && !is_complete(d))
    return RECTO_TRUNCATED;
  output->width = d->cinfo.output_width;
  output->height = d->cinfo.output_height;
  output->components = (uint32_t)d->cinfo.output_components;
  output->sample_bytes = (uint32_t)sample_bytes(d);
  return RECTO_OK;
}

/* Decodes only these columns; both numbers come back as they really are (the left edge moves to the left). */
int recto_jpeg_decoder_crop(recto_decoder *d, uint32_t *x, uint32_t *width) {
  JDIMENSION left = *x, across = *width;
  if (setjmp(d->fail.escape))
    return d->fail.code;
  jpeg_crop_scanline(&d->cinfo, &left, &across);
  *x = left;
  *width = d->cinfo.output_width;
  return RECTO_OK;
}

/* Steps over rows. */
int recto_jpeg_decoder_skip(recto_decoder *d, uint32_t rows) {
  if (setjmp(d->fail.escape))
    return d->fail.code;
  jpeg_skip_scanlines(&d->cinfo, rows);
  return RECTO_OK;
}

/* Decodes `rows` rows of exactly `row_bytes` bytes each into `buffer`, which is aligned for its samples. */
int recto_jpeg_decoder_read(recto_decoder *d, uint8_t *buffer, size_t row_bytes, uint32_t rows) {
  if ((size_t)d->cinfo.output_width * (size_t)d->cinfo.output_components * sample_bytes(d) != row_bytes ||
      rows > d->cinfo.output_height - d->cinfo.output_scanline || (uintptr_t)buffer % sample_bytes(d) != 0) {
    snprintf(d->fail.message, sizeof(d->fail.message), "rows do not fit");
    return RECTO_LIBRARY;
  }
  if (setjmp(d->fail.escape))
    return d->fail.code;
  JDIMENSION first = d->cinfo.output_scanline;
  while (d->cinfo.output_scanline - first < rows) {
    void *lines[16];
    uint32_t done = d->cinfo.output_scanline - first;
    uint32_t count = rows - done < 16 ? rows - done : 16;
    for (uint32_t i = 0; i < count; i++)
      lines[i] = buffer + (size_t)(done + i) * row_bytes;
    if (d->cinfo.data_precision <= 8) {
      JSAMPROW narrow[16];
      for (uint32_t i = 0; i < count; i++)
        narrow[i] = lines[i];
      jpeg_read_scanlines(&d->cinfo, narrow, count);
    } else if (d->cinfo.data_precision <= 12) {
      J12SAMPROW wide[16];
      for (uint32_t i = 0; i < count; i++)
        wide[i] = lines[i];
      jpeg12_read_scanlines(&d->cinfo, wide, count);
    } else {
      J16SAMPROW wide[16];
      for (uint32_t i = 0; i < count; i++)
        wide[i] = lines[i];
      jpeg16_read_scanlines(&d->cinfo, wide, count);
    }
  }
  return RECTO_OK;
}

/* The next row that will be decoded. */
uint32_t recto_jpeg_decoder_row(const recto_decoder *d) { return d->cinfo.output_scanline; }

/* ---- encoding ---- */

static void on_init_destination(j_compress_ptr cinfo) {
  recto_encoder *e = (recto_encoder *)cinfo->client_data;
  e->output.next_output_byte = e->block;
  e->output.free_in_buffer = SINK_BLOCK;
}

static boolean on_empty(j_compress_ptr cinfo) {
  recto_encoder *e = (recto_encoder *)cinfo->client_data;
  if (!e->sink.write(e->sink.context, e->block, SINK_BLOCK))
    leave(&e->fail, RECTO_MEMORY);
  on_init_destination(cinfo);
  return TRUE;
}

static void on_term_destination(j_compress_ptr cinfo) {
  recto_encoder *e = (recto_encoder *)cinfo->client_data;
  if (!e->sink.write(e->sink.context, e->block, SINK_BLOCK - e->output.free_in_buffer))
    leave(&e->fail, RECTO_MEMORY);
}

typedef struct {
  uint32_t width;
  uint32_t height;
  uint32_t components; /* 1 gray, 3 red-green-blue, 4 inks as they are to be stored */
  uint32_t quality;
  uint32_t sampling_x;
  uint32_t sampling_y;
  uint32_t progressive;
  uint32_t density_x; /* dots per inch, 0 when unknown */
  uint32_t density_y;
  uint32_t optimise;         /* Huffman tables made for this picture */
  uint32_t arithmetic;       /* arithmetic instead of Huffman coding */
  uint32_t restart_interval; /* MCUs between restart markers, 0 for none */
  uint32_t precision;        /* bits of a sample; 0 for 8. More than 8 come as two bytes each */
  uint32_t lossless;         /* SOF3 instead of the DCT */
} recto_parameters;

static int create_compress(recto_encoder *e) {
  if (setjmp(e->fail.escape)) {
    jpeg_destroy_compress(&e->cinfo);
    return 0;
  }
  jpeg_create_compress(&e->cinfo);
  return 1;
}

/* A new encoder, or NULL when there is no memory. */
recto_encoder *recto_jpeg_encoder_new(const recto_sink *sink) {
  recto_encoder *e = calloc(1, sizeof(*e));
  if (!e)
    return NULL;
  e->sink = *sink;
  e->cinfo.err = init_failure(&e->fail);
  e->fail.base.emit_message = on_encoder_message;
  e->cinfo.client_data = e;
  if (!create_compress(e)) {
    free(e);
    return NULL;
  }
  e->output.init_destination = on_init_destination;
  e->output.empty_output_buffer = on_empty;
  e->output.term_destination = on_term_destination;
  e->cinfo.dest = &e->output;
  return e;
}

void recto_jpeg_encoder_free(recto_encoder *e) {
  if (!e)
    return;
  if (setjmp(e->fail.escape) == 0)
    jpeg_destroy_compress(&e->cinfo);
  free(e);
}

const char *recto_jpeg_encoder_message(const recto_encoder *e) { return e->fail.message; }

/* Writes the header, the profile included when `icc_length` is not 0. */
int recto_jpeg_encoder_start(recto_encoder *e, const recto_parameters *p, const uint8_t *icc, size_t icc_length) {
  if (setjmp(e->fail.escape))
    return e->fail.code;
  e->cinfo.image_width = p->width;
  e->cinfo.image_height = p->height;
  e->cinfo.input_components = (int)p->components;
  e->cinfo.in_color_space = p->components == 1 ? JCS_GRAYSCALE : p->components == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&e->cinfo);
  if (p->precision)
    e->cinfo.data_precision = (int)p->precision;
  if (p->lossless)
    jpeg_enable_lossless(&e->cinfo, 1, 0);
  jpeg_set_quality(&e->cinfo, (int)p->quality, TRUE);
  e->cinfo.dct_method = JDCT_ISLOW;
  if (p->components == 3 && !p->lossless) {
    e->cinfo.comp_info[0].h_samp_factor = (int)p->sampling_x;
    e->cinfo.comp_info[0].v_samp_factor = (int)p->sampling_y;
  }
  if (p->density_x && p->density_y) {
    e->cinfo.density_unit = 1;
    e->cinfo.X_density = (UINT16)p->density_x;
    e->cinfo.Y_density = (UINT16)p->density_y;
  }
  e->cinfo.optimize_coding = p->optimise ? TRUE : FALSE;
  e->cinfo.arith_code = p->arithmetic ? TRUE : FALSE;
  e->cinfo.restart_interval = p->restart_interval;
  if (p->progressive)
    jpeg_simple_progression(&e->cinfo);
  jpeg_start_compress(&e->cinfo, TRUE);
  if (icc_length)
    jpeg_write_icc_profile(&e->cinfo, icc, (unsigned int)icc_length);
  return RECTO_OK;
}

/* Takes `rows` rows of `row_bytes` bytes each. */
int recto_jpeg_encoder_write(recto_encoder *e, const uint8_t *buffer, size_t row_bytes, uint32_t rows) {
  size_t each = e->cinfo.data_precision > 8 ? 2 : 1;
  if ((size_t)e->cinfo.image_width * (size_t)e->cinfo.input_components * each != row_bytes ||
      rows > e->cinfo.image_height - e->cinfo.next_scanline || (uintptr_t)buffer % each != 0) {
    snprintf(e->fail.message, sizeof(e->fail.message), "rows do not fit");
    return RECTO_LIBRARY;
  }
  if (setjmp(e->fail.escape))
    return e->fail.code;
  JDIMENSION first = e->cinfo.next_scanline;
  while (e->cinfo.next_scanline - first < rows) {
    uint32_t done = e->cinfo.next_scanline - first;
    uint32_t count = rows - done < 16 ? rows - done : 16;
    const uint8_t *start = buffer + (size_t)done * row_bytes; /* only read by libjpeg */
    if (each == 1) {
      JSAMPROW lines[16];
      for (uint32_t i = 0; i < count; i++)
        lines[i] = (JSAMPROW)(start + (size_t)i * row_bytes);
      jpeg_write_scanlines(&e->cinfo, lines, count);
    } else if (e->cinfo.data_precision <= 12) {
      J12SAMPROW lines[16];
      for (uint32_t i = 0; i < count; i++)
        lines[i] = (J12SAMPROW)(const void *)(start + (size_t)i * row_bytes);
      jpeg12_write_scanlines(&e->cinfo, lines, count);
    } else {
      J16SAMPROW lines[16];
      for (uint32_t i = 0; i < count; i++)
        lines[i] = (J16SAMPROW)(const void *)(start + (size_t)i * row_bytes);
      jpeg16_write_scanlines(&e->cinfo, lines, count);
    }
  }
  return RECTO_OK;
}

/* Ends the file. */
int recto_jpeg_encoder_finish(recto_encoder *e) {
  if (setjmp(e->fail.escape))
    return e->fail.code;
  jpeg_finish_compress(&e->cinfo);
  return RECTO_OK;
}

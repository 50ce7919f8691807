/* SPDX-License-Identifier: Apache-2.0
 *
 * Lockstep: integer neural networks with the same bytes on every machine.
 *
 * In three steps:
 *
 *     lks_model *model;
 *     lks_session *session;
 *     lks_error error;
 *
 *     if (lks_model_open("net.tflite", NULL, &model, &error) != LKS_OK)          a .lks or .tflite file: checked, and immutable
 *         die(error.text);
 *     if (lks_session_open(model, NULL, &session, &error) != LKS_OK)             memory and a device to run it on
 *         die(error.text);
 *     lks_in in = { pixels, sizeof pixels };
 *     lks_out out = { scores, sizeof scores };
 *     if (lks_session_run(session, &in, &out, &error) != LKS_OK)                 as often as you like
 *         die(error.text);
 *     lks_session_close(session);
 *     lks_model_close(model);
 *
 * What the bytes mean is the law in docs/spec.md.  The library prints nothing, never aborts on a file or a device, and reads no
 * environment.
 *
 * Threads: a model may be used by any number of threads at once, a session by one at a time.
 *
 * Pointers must not be NULL unless it says so.
 *
 * Errors: a function that can fail returns a status and, where it takes an lks_error that is not NULL, fills it in: one line that
 * names file, op and field.  On failure output pointers are set to NULL.
 */
#ifndef LOCKSTEP_LOCKSTEP_H
#define LOCKSTEP_LOCKSTEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define LKS_VERSION "0.1.0"
#define LKS_SPEC_VERSION 1      /* docs/spec.md */
#define LKS_FORMAT_VERSION 1    /* docs/format.md */
#define LKS_RANK_MAX 6
#define LKS_DIGEST_SIZE 32      /* SHA-256 */

/* Pinned: a number never changes its meaning. */
typedef enum lks_status {
    LKS_OK = 0,
    LKS_ERR_ARGUMENT = 10,      /* the caller's mistake: a NULL, an index or a size that does not fit */
    LKS_ERR_NOMEM = 11,         /* out of memory */
    LKS_ERR_IO = 12,            /* a file that cannot be read */
    LKS_ERR_FORMAT = 20,        /* the file is damaged, or not canonical */
    LKS_ERR_UNSUPPORTED = 21,   /* a sound file, with something that cannot be run exactly */
    LKS_ERR_ILLEGAL = 22,       /* breaks a limit of docs/spec.md: shapes, arguments, the bound law */
    LKS_ERR_LIMIT = 23,         /* exceeds a limit of lks_limits */
    LKS_ERR_NO_DEVICE = 30,     /* no such backend or device */
    LKS_ERR_DEVICE = 31,        /* the device or its driver failed */
    LKS_ERR_MISMATCH = 40       /* two results that must be equal differ */
} lks_status;

typedef struct lks_error {
    lks_status status;
    char text[512];             /* one line, no newline; empty where status is LKS_OK */
} lks_error;

/* The name of a status, such as "LKS_ERR_FORMAT"; never NULL. */
const char *lks_status_name(lks_status status);

/* ---- models -------------------------------------------------------------------------------------------------------------- */

typedef struct lks_model lks_model;

/* What may be spent on a model.  0 means the default. */
typedef struct lks_limits {
    uint64_t mem_bytes;         /* parameter bytes + peak bytes at the model's own batch; default 4 GiB */
    uint64_t work;              /* MACs + element ops at the model's own batch; default no limit */
} lks_limits;

typedef enum lks_type { LKS_I8 = 1, LKS_U8 = 2, LKS_I16 = 3, LKS_I32 = 4, LKS_I64 = 5 } lks_type;

typedef struct lks_model_info {
    uint32_t inputs, outputs, ops, tensors;
    uint32_t spec_version;
    uint32_t batch;             /* the first extent of its activations, where batch_free */
    int batch_free;             /* may be run with any batch.  spec 5 */
    uint8_t digest[LKS_DIGEST_SIZE];    /* SHA-256 of the .lks file: the model's identity */
    const void *file;           /* the bytes of the .lks file; live as long as the model */
    size_t file_bytes;
} lks_model_info;

typedef struct lks_tensor_info {
    const char *name;           /* may be empty; lives as long as the model */
    lks_type type;              /* interface type: what in, out and digests hold.  spec 2 */
    int constant;
    uint32_t rank;
    uint32_t dims[LKS_RANK_MAX];
    size_t bytes;               /* in the interface type, at the model's own batch */
    uint32_t scale_bits;        /* real value = scale * (stored - zero_point): bits of a binary32, metadata; 0: unknown */
    int32_t zero_point;
} lks_tensor_info;

typedef struct lks_op_info {
    const char *kind;           /* "conv", ...: the names of spec 4 */
    const char *name;           /* of its first output */
    const char *rounding;       /* "half_up", "tflite", or "" where the op does not round */
    uint32_t operands, outputs;
    const uint32_t *operand;    /* tensor indices; live as long as the model */
    const uint32_t *output;
    uint64_t macs, element_ops; /* at the model's own batch */
    uint64_t state_bytes;       /* of what the op keeps from run to run, at the model's own batch; 0: nothing.  spec 5 */
    uint64_t bound;             /* the proven largest |accumulator| of any channel; 0: the op has none.  spec 3.2 */
} lks_op_info;

/* spec 6 */
typedef struct lks_cost {
    uint64_t macs, element_ops, parameter_bytes, peak_bytes;
} lks_cost;

/*
 * Load a model: a .lks file, or a .tflite file, which is imported in memory.  The kind is told from the first bytes.
 *
 * path, name  the file; the name that errors call it by.
 * limits      NULL for the defaults.
 *
 * LKS_OK      *model is the caller's, to be closed.  It refers to nothing of the caller's, and no file stays open.
 * otherwise   LKS_ERR_IO, _FORMAT, _UNSUPPORTED, _ILLEGAL, _LIMIT, _NOMEM, _ARGUMENT, as above; *model is NULL.
 */
lks_status lks_model_open(const char *path, const lks_limits *limits, lks_model **model, lks_error *error);
lks_status lks_model_parse(const void *bytes, size_t size, const char *name, const lks_limits *limits, lks_model **model,
                           lks_error *error);

/* Give a model back.  Sessions that use it keep it alive.  NULL is allowed. */
void lks_model_close(lks_model *model);

void lks_model_get(const lks_model *model, lks_model_info *info);

/* The tensor index of input i or output i, in model order; UINT32_MAX beyond the last. */
uint32_t lks_model_input(const lks_model *model, uint32_t i);
uint32_t lks_model_output(const lks_model *model, uint32_t i);

/* LKS_ERR_ARGUMENT: no such tensor, or op. */
lks_status lks_model_tensor(const lks_model *model, uint32_t tensor, lks_tensor_info *info);
lks_status lks_model_op(const lks_model *model, uint32_t op, lks_op_info *info);

/* What a run with that batch costs.  LKS_ERR_ARGUMENT: the model does not run with that batch.  LKS_ERR_LIMIT: beyond 64 bits. */
lks_status lks_model_cost(const lks_model *model, uint32_t batch, lks_cost *cost);

/* A limit of a profile (spec 10), and where a model stands: it holds where value <= at_most. */
typedef struct lks_profile_row {
    const char *what;
    uint64_t value, at_most;
    uint32_t op;                /* the first op with that value; UINT32_MAX: it belongs to no single op */
} lks_profile_row;

/*
 * Row i of a profile, for the model at its own batch.
 *
 * profile  "cip1" or "extended".
 *
 * LKS_ERR_ARGUMENT: there is no such profile, or row i is beyond its last.
 */
lks_status lks_model_profile(const lks_model *model, const char *profile, uint32_t i, lks_profile_row *row);

/* ---- devices ------------------------------------------------------------------------------------------------------------- */

typedef struct lks_device_info {
    char backend[16];           /* "cpu_ref", ... */
    char name[128];             /* of the device */
    char driver[128];           /* its driver, or compiler, and version */
    char uuid[48];              /* such as "GPU-...", where the driver knows one: the same after a card has moved; else empty */
    int by_name_only;           /* never chosen unless its backend is named: a CPU behind an interface made for GPUs */
    int usable;
    char reason[256];           /* where not usable: why, and what would mend it */
} lks_device_info;

/*
 * Describe device i of all backends of this build, i = 0, 1, ...
 *
 * LKS_OK             *info is filled in; the device may be unusable, and says why.
 * LKS_ERR_NO_DEVICE  i is beyond the last.
 */
lks_status lks_device(uint32_t i, lks_device_info *info);

/*
 * A device kept open, which any number of sessions and threads may share: opening one may take seconds (a driver, compiled
 * kernels).
 */
typedef struct lks_context lks_context;

typedef struct lks_context_options {
    const char *backend;        /* NULL: the first usable device that is not by_name_only, fastest first */
    uint32_t device;            /* of that backend, from 0 */
    uint32_t threads;           /* of a backend that runs on the CPU; 0: one per core.  Changes no byte */
    const char *isa;            /* the instruction set of the backend "cpu", which it chooses if none is named; NULL: the best
                                   that the machine has.  Of "cuda": "wgmma" opens kernels of sm_90 that are not chosen by
                                   themselves yet.  Changes no byte */
    int no_graph;               /* CUDA: launch kernel by kernel, as profilers like it.  Changes no byte */
    const char *cache_dir;      /* OpenCL: a folder for compiled kernels, made if absent; NULL: none is kept */
} lks_context_options;

/*
 * Open a device.  options: NULL for the defaults (all zero).
 *
 * LKS_OK    *context is the caller's.
 * otherwise LKS_ERR_NO_DEVICE, _DEVICE, _NOMEM, or _ARGUMENT (threads, or an instruction set, that the backend or the machine
 *           does not have).  Where no backend is named, a device that cannot be used is passed over, one that lacks memory not.
 */
lks_status lks_context_open(const lks_context_options *options, lks_context **context, lks_error *error);

void lks_context_device(const lks_context *context, lks_device_info *info);

/* Give a context back.  Sessions on it keep it alive.  NULL is allowed. */
void lks_context_close(lks_context *context);

/* ---- sessions ------------------------------------------------------------------------------------------------------------ */

typedef struct lks_session lks_session;

/*
 * How a session checks itself: runs are executed again by the reference, cpu_ref, and every byte of the outputs, and of the
 * intermediate tensors where they are kept, is compared.
 * A session on cpu_ref is its own reference, and checks nothing.  With keep_state a checked run starts from the state that the
 * device had, and the state that it leaves is compared as well.
 */
typedef enum lks_check {
    LKS_CHECK_AUTO = 0,         /* the first run, and then every 64th */
    LKS_CHECK_NONE,
    LKS_CHECK_FULL,             /* every run */
    LKS_CHECK_SAMPLE            /* the first run, and then every sample_every-th */
} lks_check;

typedef struct lks_session_options {
    lks_context *context;       /* where to run; NULL: on a context of the session's own */
    const char *backend;        /* without context: NULL: the first usable one, fastest first */
    uint32_t device;            /* without context: of that backend, from 0 */
    uint32_t max_batch;         /* the largest batch that will be run; 0: the model's own */
    int keep;                   /* keep every intermediate tensor for lks_session_read; changes no byte */
    int keep_state;             /* ops with a state go on from run to run; else each run begins with a state of zero.  spec 5 */
    int no_fuse;                /* run op by op, as keep does; changes no byte */
    const char *variant;        /* force the kernels that have a variant of that name to use it; NULL: the backend chooses */
    lks_check check;
    uint32_t sample_every;      /* LKS_CHECK_SAMPLE: 1 or more */
} lks_session_options;

/* Where two tensors differ, as data. */
typedef struct lks_mismatch {
    uint64_t count;             /* elements that differ; 0: the tensors are equal, and the rest is zero */
    uint64_t first;             /* the lowest row-major index at which they differ */
    uint32_t at[LKS_RANK_MAX];  /* the same as coordinates */
    int64_t expected, got;      /* the two values there */
    uint32_t op, tensor;        /* of the model: whose output, and which one; set by sessions, not by lks_compare */
} lks_mismatch;

typedef struct lks_in {
    const void *data;
    size_t bytes;
} lks_in;

typedef struct lks_out {
    void *data;
    size_t bytes;
} lks_out;

/*
 * Make a model ready to run on one device.  options: NULL for the defaults (all zero).
 *
 * LKS_OK    *session is the caller's, to be closed before or after its model.
 * otherwise LKS_ERR_NO_DEVICE, _DEVICE, _NOMEM, _LIMIT, _UNSUPPORTED (the variant, or the device, cannot run the model), or
 *           _ARGUMENT (a batch that the model does not run with).
 */
lks_status lks_session_open(lks_model *model, const lks_session_options *options, lks_session **session, lks_error *error);

/*
 * Run the model once.
 *
 * in, out   one buffer per model input and output, in model order: dense, row-major, NHWC, in the interface type,
 *           little-endian on every machine.  The batch is in[0].bytes over the bytes of one image, from 1 to max_batch, and all
 *           other sizes must agree with it.  The caller owns the buffers and may reuse them when the call returns; out may not
 *           overlap in.
 *
 * LKS_OK            out holds the result.
 * LKS_ERR_ARGUMENT  a size does not fit; nothing was run.
 * LKS_ERR_MISMATCH  the run was checked and the device differed from the reference: out holds the reference's bytes,
 *                   lks_session_mismatch says where, and the session refuses further runs.
 * LKS_ERR_DEVICE    the driver failed; out is unspecified, close the session.
 * LKS_ERR_NOMEM     the run could not be checked for want of memory; out is unspecified.  The next run is checked instead.
 */
lks_status lks_session_run(lks_session *session, const lks_in *in, const lks_out *out, lks_error *error);

/*
 * Begin anew: the next run of a session with keep_state starts from a state of zero, as the first one did.  Image i of a run goes
 * on where image i of the runs before it was; a run of fewer images leaves the others as they are.
 *
 * LKS_ERR_DEVICE  the driver failed; close the session.
 */
lks_status lks_session_reset(lks_session *session, lks_error *error);

/*
 * Read an activation as the last run left it, in its interface type, little-endian, at the batch of that run.
 *
 * size  of data in bytes: exactly that of the tensor.
 *
 * LKS_ERR_ARGUMENT  the session does not keep, nothing was run, the tensor is constant, or the size does not fit.
 */
lks_status lks_session_read(lks_session *session, uint32_t tensor, void *data, size_t size, lks_error *error);

/*
 * Where the session last differed from the reference: the first op whose output does, found by running both again with every
 * intermediate tensor kept; the output itself where that run does not show it (the fault comes and goes).
 *
 * LKS_OK            it never differed.
 * LKS_ERR_MISMATCH  *mismatch says where.
 */
lks_status lks_session_mismatch(const lks_session *session, lks_mismatch *mismatch);

/* What the session runs on; the backend that NULL chose. */
void lks_session_device(const lks_session *session, lks_device_info *info);

/* NULL is allowed. */
void lks_session_close(lks_session *session);

/* ---- comparing and digests ----------------------------------------------------------------------------------------------- */

/*
 * Compare two buffers that hold a tensor of that description at some batch, little-endian: bytes is the size of each.
 *
 * LKS_OK            equal.
 * LKS_ERR_MISMATCH  *mismatch says where.
 * LKS_ERR_ARGUMENT  bytes is 0, or no multiple of the size of one image.
 */
lks_status lks_compare(const lks_tensor_info *tensor, const void *expected, const void *got, size_t bytes,
                       lks_mismatch *mismatch);

/* SHA-256 (FIPS 180-4). */
void lks_sha256(const void *data, size_t bytes, uint8_t digest[LKS_DIGEST_SIZE]);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif

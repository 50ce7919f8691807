/* SPDX-License-Identifier: Apache-2.0
 *
 * A session from inside: its parts, its self-check, and what selftest needs of it beyond the public API.
 */
#ifndef LKS_HOST_SESSION_H
#define LKS_HOST_SESSION_H

#include "host/context.h"
#include "host/plan.h"

#include <stdbool.h>

struct lks_session {
    lks_model *model;
    lks_context *context;
    const lks_backend *backend;     /* of the context */
    lks_plan *plan;
    lks_program *program;
    lks_stream *stream;
    uint8_t *staging;               /* room for the stored values of the largest input that is not int8 outside */
    uint32_t images;                /* of the last run; 0: none */
    bool keep_state;
    size_t state_bytes;             /* of all states of the plan, for max_batch images */
    uint8_t *zeros, *saved;         /* state_bytes each, owned: what a state begins with; what the device had before a run */

    char *variant;                  /* owned; NULL: the backend chooses */
    uint32_t check_every;           /* every so many runs are checked, the first among them; 0: none */
    uint64_t runs;
    lks_session *reference;         /* on cpu_ref; opened by the first check */
    lks_mismatch mismatch;          /* count 0: it never differed */
};

/* The bytes of one image of an activation, in its interface type. */
size_t lks_session_image_bytes(const lks_session *s, uint32_t tensor);

/* ---- state --------------------------------------------------------------------------------------------------------------- */

/* All states of the plan, one behind the other, from or to memory of state_bytes. */
lks_status lks_session_save_state(lks_session *s, uint8_t *to, lks_error *error);
lks_status lks_session_load_state(lks_session *s, const uint8_t *from, lks_error *error);

/* ---- the self-check (session_check.c) ------------------------------------------------------------------------------------ */

/*
 * Run the reference on the inputs of a run, and compare its outputs with those of the run.
 *
 * LKS_ERR_MISMATCH  they differ: out has the reference's bytes, and s->mismatch says where.
 */
lks_status lks_session_check(lks_session *s, const lks_in *in, const lks_out *out, lks_error *error);

/* ---- for bench ----------------------------------------------------------------------------------------------------------- */

/*
 * The three parts of lks_session_run, whose sizes a whole run has checked before; each may return before the device is done with
 * it.
 */
lks_status lks_session_put(lks_session *s, const lks_in *in, lks_error *error);
lks_status lks_session_compute(lks_session *s, lks_error *error);
lks_status lks_session_get(lks_session *s, const lks_out *out, lks_error *error);

/* Return when the device is done. */
lks_status lks_session_wait(lks_session *s, lks_error *error);

/* ---- for selftest -------------------------------------------------------------------------------------------------------- */

/*
 * As lks_session_open, with guard_bytes (a multiple of LKS_ARENA_ALIGN) before and after each activation.  Unless options->keep,
 * activations share memory, and so do their guards.
 */
lks_status lks_session_open_guarded(lks_model *model, const lks_session_options *options, size_t guard_bytes,
                                    lks_session **session, lks_error *error);

/* Fill the whole arena, activations and guards, with bytes that depend on seed and place. */
lks_status lks_session_poison(lks_session *session, uint64_t seed, lks_error *error);

/*
 * After a run of a poisoned session that keeps: is every byte outside the activations what lks_session_poison left there?
 *
 * LKS_ERR_MISMATCH  a kernel wrote where it must not: *tensor is the activation next to it, *distance how many bytes before its
 *                   first (negative) or after its last (positive, 1: the next one) byte.
 */
lks_status lks_session_check_guards(lks_session *session, uint64_t seed, uint32_t *tensor, int64_t *distance, lks_error *error);

/* Name i of the variants of a kernel family on the device of the session; NULL beyond the last.  kernel: lks_kernel. */
const char *lks_session_variant(const lks_session *session, int kernel, uint32_t i);

#endif

#include "cpu/family.h"
#include "cpu_ref/backend.h"
static int64_t one(const lks_cpu_call *c) { (void)c; return 1; }
#define STUB(k, post) static void run_##k(const lks_cpu_call *c, int64_t f, int64_t e, void *s) { const lks_step *t = c->step; \
 const lks_operands o = { .n = c->n, .x = c->x, .x2 = c->x2, .w = t->w, .table = t->table, .bias = t->bias, .exp_table = t->exp_table, \
 .rq = t->rq, .w_time = t->w_time, .state = c->state, .y = c->y }; (void)f; (void)e; (void)s; lks_ref_##k(c->args, &o); post } \
 const lks_cpu_family lks_cpu_##k = { .units = one, .unit_work = one, .run = run_##k };
#define FIN lks_cpu_finish_fused(c, &c->args->conv.fused, c->y, c->x2, (size_t)c->n * (size_t)c->args->conv.window.images * (size_t)c->args->conv.window.out_h * (size_t)c->args->conv.window.out_w * (size_t)c->args->conv.out_c);
STUB(depthwise, FIN) STUB(bilinear, ) STUB(lstm, ) STUB(svdf, )

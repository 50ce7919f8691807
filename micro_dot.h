static void micro_widen(const int8_t *x, int16_t *to, size_t count) { for (size_t i = 0; i < count; i++) to[i] = x[i]; }
static int32_t micro_sum(const int8_t *x, size_t count) { int32_t s = 0; for (size_t i = 0; i < count; i++) s += x[i]; return s; }
static int32_t micro_dot(const int8_t *x, const int8_t *w, size_t count) { int32_t s = 0; for (size_t i = 0; i < count; i++) s += x[i] * w[i]; return s; }
static int32_t micro_dot16(const int16_t *x, const int8_t *w, size_t count) { int32_t s = 0; for (size_t i = 0; i < count; i++) s += x[i] * w[i]; return s; }

/* Reads the JSON of --config over the built-in world. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config.h"
#include "sim/json_read.h"
#include "sim/memory.h"

#define FILE_MAX_BYTES (16u << 20)
#define KEY_MAX_BYTES 512
#define TIME_MAX_MS 1e9
#define COUNT_MAX 1e9

struct reading {
    struct config *config;
    const char *path;
    char *error;
    size_t error_size;
    char key[KEY_MAX_BYTES]; /* the path from the top to the current value */
};

static bool fail(struct reading *reading, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(struct reading *reading, int line, const char *format, ...)
{
    int used = snprintf(reading->error, reading->error_size, "%s:%d: %s%s", reading->path, line,
                        reading->key, reading->key[0] ? ": " : "");
    if (used < 0 || (size_t)used >= reading->error_size) return false;
    va_list values;
    va_start(values, format);
    vsnprintf(reading->error + used, reading->error_size - (size_t)used, format, values);
    va_end(values);
    return false;
}

/* Appends to the key; returns the length before, to cut it back to later. */
static size_t enter(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static size_t enter(struct reading *reading, const char *format, ...)
{
    size_t length = strlen(reading->key);
    va_list values;
    va_start(values, format);
    vsnprintf(reading->key + length, KEY_MAX_BYTES - length, format, values);
    va_end(values);
    return length;
}

static size_t enter_member(struct reading *reading, const struct json_value *member)
{
    return enter(reading, "%s%s", reading->key[0] ? "." : "", member->key);
}

static void leave(struct reading *reading, size_t length)
{
    reading->key[length] = '\0';
}

static bool is(struct reading *reading, const struct json_value *value, enum json_kind kind)
{
    if (value->kind == kind) return true;
    return fail(reading, value->line, "must be %s", json_kind_name(kind));
}

static bool named(const struct json_value *member, const char *name)
{
    return strlen(name) == member->key_bytes && memcmp(name, member->key, member->key_bytes) == 0;
}

static bool unknown(struct reading *reading, const struct json_value *value)
{
    return fail(reading, value->line, "there is no such key");
}

static bool read_number(struct reading *reading, const struct json_value *value, double least,
                        double most, double *number)
{
    if (!is(reading, value, JSON_NUMBER)) return false;
    if (!(value->number >= least && value->number <= most))
        return fail(reading, value->line, "%.15g is not within %.15g and %.15g", value->number,
                    least, most);
    *number = value->number;
    return true;
}

static bool read_count(struct reading *reading, const struct json_value *value, double least,
                       int64_t *count)
{
    double number;
    if (!read_number(reading, value, least, COUNT_MAX, &number)) return false;
    if (number != floor(number))
        return fail(reading, value->line, "%.15g is not a whole number", number);
    *count = (int64_t)number;
    return true;
}

static bool read_money(struct reading *reading, const struct json_value *value, int64_t *money)
{
    double number;
    if (!read_number(reading, value, 0, 1e6, &number)) return false;
    *money = llround(number * MONEY_UNITS);
    return true;
}

static const struct {
    const char *name, *a, *b;
    double a_least, a_most, b_most;
} KINDS[LATENCY_KINDS] = {
    [LATENCY_CONSTANT] = {"constant", "ms", NULL, 0, TIME_MAX_MS, 0},
    [LATENCY_UNIFORM] = {"uniform", "low_ms", "high_ms", 0, TIME_MAX_MS, TIME_MAX_MS},
    [LATENCY_EXPONENTIAL] = {"exponential", "mean_ms", NULL, 0, TIME_MAX_MS, 0},
    [LATENCY_LOGNORMAL] = {"lognormal", "mu", "sigma", -20, 20, 10},
    [LATENCY_GAMMA] = {"gamma", "shape", "scale_ms", 0.01, 1e6, TIME_MAX_MS},
};

static const struct json_value *member_of(const struct json_value *object, const char *name)
{
    const struct json_value *member = object->first;
    while (member && !named(member, name)) member = member->next;
    return member;
}

static bool read_kind(struct reading *reading, const struct json_value *value,
                      struct latency *latency)
{
    const struct json_value *kind = member_of(value, "kind");
    if (!kind) return fail(reading, value->line, "has no \"kind\"");
    size_t length = enter_member(reading, kind);
    if (!is(reading, kind, JSON_STRING)) return false;
    for (int k = 0; k < LATENCY_KINDS; k++)
        if (strcmp(KINDS[k].name, kind->text) == 0) {
            latency->kind = (enum latency_kind)k;
            leave(reading, length);
            return true;
        }
    return fail(reading, kind->line,
                "\"%s\" is none of constant, uniform, exponential, lognormal and gamma",
                kind->text);
}

static bool read_latency(struct reading *reading, const struct json_value *value,
                         struct latency *latency)
{
    *latency = (struct latency){.slow_factor = 1};
    if (!is(reading, value, JSON_OBJECT) || !read_kind(reading, value, latency)) return false;
    const char *a = KINDS[latency->kind].a, *b = KINDS[latency->kind].b;
    bool has_a = false, has_b = b == NULL, tokens = latency->kind == LATENCY_LOGNORMAL;
    for (const struct json_value *member = value->first; member; member = member->next) {
        size_t length = enter_member(reading, member);
        bool good;
        if (named(member, "kind")) {
            good = true;
        } else if (named(member, a)) {
            has_a = good = read_number(reading, member, KINDS[latency->kind].a_least,
                                       KINDS[latency->kind].a_most, &latency->a);
        } else if (b && named(member, b)) {
            has_b = good =
                read_number(reading, member, 0, KINDS[latency->kind].b_most, &latency->b);
        } else if (tokens && named(member, "mu_per_token")) {
            good = read_number(reading, member, 0, 1, &latency->mu_per_token);
        } else if (named(member, "slow_probability")) {
            good = read_number(reading, member, 0, 1, &latency->slow_probability);
        } else if (named(member, "slow_factor")) {
            good = read_number(reading, member, 0, 1e6, &latency->slow_factor);
        } else {
            good = unknown(reading, member);
        }
        if (!good) return false;
        leave(reading, length);
    }
    if (!has_a || !has_b) return fail(reading, value->line, "has no \"%s\"", has_a ? b : a);
    if (latency->kind == LATENCY_UNIFORM && latency->b < latency->a)
        return fail(reading, value->line, "\"high_ms\" is less than \"low_ms\"");
    return true;
}

static bool read_tier_member(struct reading *reading, const struct json_value *member,
                             struct tier_config *tier)
{
    double ms;
    if (named(member, "concurrency")) return read_count(reading, member, 1, &tier->concurrency);
    if (named(member, "tokens_per_s"))
        return read_number(reading, member, 1e-3, 1e9, &tier->tokens_per_s);
    if (named(member, "burst")) return read_number(reading, member, 1, 1e6, &tier->burst);
    if (named(member, "price")) return read_money(reading, member, &tier->price);
    if (named(member, "failure_probability"))
        return read_number(reading, member, 0, 1, &tier->failure_probability);
    if (named(member, "timeout_ms")) {
        if (!read_number(reading, member, 1, TIME_MAX_MS, &ms)) return false;
        tier->timeout_ns = llround(ms * NS_PER_MS);
        return true;
    }
    if (named(member, "max_retries")) return read_count(reading, member, 0, &tier->max_retries);
    if (named(member, "latency_factor"))
        return read_number(reading, member, 1e-6, 1e6, &tier->latency_factor);
    if (named(member, "latency")) {
        tier->has_latency = true;
        return read_latency(reading, member, &tier->latency);
    }
    return unknown(reading, member);
}

static bool read_tier(struct reading *reading, const struct json_value *value,
                      struct tier_config *tier)
{
    *tier = (struct tier_config){.burst = 1, .max_retries = 3, .latency_factor = 1};
    if (!is(reading, value, JSON_OBJECT)) return false;
    for (const struct json_value *member = value->first; member; member = member->next) {
        size_t length = enter_member(reading, member);
        if (!read_tier_member(reading, member, tier)) return false;
        leave(reading, length);
    }
    if (tier->concurrency == 0) return fail(reading, value->line, "has no \"concurrency\"");
    tier_config_finish(tier);
    return true;
}

static bool read_tiers(struct reading *reading, const struct json_value *value,
                       struct provider_config *provider)
{
    if (!is(reading, value, JSON_ARRAY)) return false;
    provider->tier_count = 0;
    for (const struct json_value *tier = value->first; tier; tier = tier->next) {
        size_t length = enter(reading, "[%d]", provider->tier_count);
        if (provider->tier_count == TIERS_MAX)
            return fail(reading, tier->line, "a provider has %d tiers at most", TIERS_MAX);
        if (!read_tier(reading, tier, &provider->tiers[provider->tier_count])) return false;
        provider->tier_count++;
        leave(reading, length);
    }
    if (provider->tier_count == 0) return fail(reading, value->line, "must hold a tier");
    return true;
}

/* Names are written to CSV and JSON without escaping. */
static bool plain_name(const struct json_value *member)
{
    size_t plain = strspn(member->key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789_.-");
    return plain > 0 && plain == member->key_bytes && plain < NAME_MAX_BYTES;
}

static bool read_provider(struct reading *reading, const struct json_value *value)
{
    struct config *config = reading->config;
    int p = config_provider(config, value->key, value->key_bytes);
    if (p >= 0 && config->providers[p].local)
        return fail(reading, value->line, "is this host's own; see \"local\"");
    if (!plain_name(value))
        return fail(reading, value->line,
                    "a provider's name is 1 to %d letters, digits, '_', '.' and '-'",
                    NAME_MAX_BYTES - 1);
    if (p < 0 && config->provider_count == PROVIDERS_MAX)
        return fail(reading, value->line, "there are %d providers at most", PROVIDERS_MAX);
    if (!is(reading, value, JSON_OBJECT)) return false;
    if (p < 0) {
        p = config->provider_count++;
        config->providers[p] = (struct provider_config){0};
        memcpy(config->providers[p].name, value->key, value->key_bytes);
    }
    for (const struct json_value *member = value->first; member; member = member->next) {
        size_t length = enter_member(reading, member);
        if (!named(member, "tiers")) return unknown(reading, member);
        if (!read_tiers(reading, member, &config->providers[p])) return false;
        leave(reading, length);
    }
    if (config->providers[p].tier_count == 0) return fail(reading, value->line, "has no \"tiers\"");
    return true;
}

static bool read_node(struct reading *reading, const struct json_value *value)
{
    struct config *config = reading->config;
    int type = 0;
    while (type < NODE_TYPES && !named(value, NODE_NAMES[type])) type++;
    if (type == NODE_TYPES) return fail(reading, value->line, "there is no such node type");
    if (!is(reading, value, JSON_OBJECT)) return false;
    for (const struct json_value *member = value->first; member; member = member->next) {
        size_t length = enter_member(reading, member);
        if (named(member, "latency")) {
            if (!read_latency(reading, member, &config->nodes[type].latency)) return false;
        } else if (named(member, "resource")) {
            if (!is(reading, member, JSON_STRING)) return false;
            int p = config_provider(config, member->text, member->text_bytes);
            if (p < 0)
                return fail(reading, member->line, "there is no provider \"%s\"", member->text);
            config->nodes[type].provider = p;
        } else {
            return unknown(reading, member);
        }
        leave(reading, length);
    }
    return true;
}

static bool read_local(struct reading *reading, const struct json_value *value)
{
    int p = config_provider(reading->config, value->key, value->key_bytes);
    if (p < 0 || !reading->config->providers[p].local)
        return fail(reading, value->line, "is neither \"io\" nor \"cpu\"");
    return read_count(reading, value, 1, &reading->config->providers[p].tiers[0].concurrency);
}

static bool read_all(struct reading *reading, const struct json_value *object,
                     bool (*read)(struct reading *, const struct json_value *))
{
    if (!is(reading, object, JSON_OBJECT)) return false;
    for (const struct json_value *member = object->first; member; member = member->next) {
        size_t length = enter_member(reading, member);
        if (!read(reading, member)) return false;
        leave(reading, length);
    }
    return true;
}

static bool read_top(struct reading *reading, const struct json_value *value)
{
    if (named(value, "budget")) return read_money(reading, value, &reading->config->budget);
    if (named(value, "in_flight_max"))
        return read_count(reading, value, 1, &reading->config->in_flight_max);
    if (named(value, "local")) return read_all(reading, value, read_local);
    if (named(value, "providers")) return read_all(reading, value, read_provider);
    if (named(value, "nodes")) return true; /* read later, once all providers are known */
    return unknown(reading, value);
}

static bool read_root(struct reading *reading, const struct json_value *root)
{
    if (!read_all(reading, root, read_top)) return false;
    const struct json_value *nodes = member_of(root, "nodes");
    if (!nodes) return true;
    enter_member(reading, nodes);
    return read_all(reading, nodes, read_node);
}

static char *file_text(const char *path, size_t *bytes, char *error, size_t error_size)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    if (file) {
        text = memory_new(FILE_MAX_BYTES + 1, 1);
        *bytes = fread(text, 1, FILE_MAX_BYTES + 1, file);
    }
    if (!file || ferror(file)) {
        snprintf(error, error_size, "%s: cannot be read: %m", path);
    } else if (*bytes > FILE_MAX_BYTES) {
        snprintf(error, error_size, "%s: is longer than %u bytes", path, FILE_MAX_BYTES);
    } else {
        fclose(file);
        return text;
    }
    if (file) fclose(file);
    free(text);
    return NULL;
}

bool config_read(struct config *config, const char *path, char *error, size_t error_size)
{
    size_t bytes;
    char *text = file_text(path, &bytes, error, error_size);
    if (!text) return false;
    struct reading reading = {
        .config = config, .path = path, .error = error, .error_size = error_size};
    char wrong[256];
    int line;
    struct json_value *root = json_read(text, bytes, &line, wrong, sizeof wrong);
    bool good = root ? read_root(&reading, root) : fail(&reading, line, "%s", wrong);
    json_free(root);
    free(text);
    if (good) config_finish(config);
    return good;
}

#include "sim/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 1000000
#define WORKFLOWS_MAX 1000000000
#define FLAG_BYTES 64

const char *const POLICY_TEXTS[POLICY_NAMES] = {
    "fifo_cheapest", "dag_cheapest", "dag_escalation", "full", "edf", "sjf",
};

enum flag_kind {
    FLAG_SWITCH,
    FLAG_COUNT,
    FLAG_NUMBER,
    FLAG_SEED,
    FLAG_TEXT,
    FLAG_POLICY,
    FLAG_TRACE,
};

static const struct flag {
    const char *name;
    enum flag_kind kind;
    size_t place; /* offset in struct options */
    double least, most;
    const char *value, *help;
} FLAGS[] = {
#define PLACE(field) offsetof(struct options, field)
    {"workflows", FLAG_COUNT, PLACE(workflows), 1, WORKFLOWS_MAX, "N", "workflows (100)"},
    {"pdfs", FLAG_COUNT, PLACE(pdfs), 1, COUNT_MAX, "N", "documents of a workflow (10)"},
    {"iters", FLAG_COUNT, PLACE(iters), 1, COUNT_MAX, "N", "iterations at most (3)"},
    {"subqueries", FLAG_COUNT, PLACE(subqueries), 0, COUNT_MAX, "N",
     "searches per document and iteration (4)"},
    {"policy", FLAG_POLICY, PLACE(policy), 0, 0, "NAME",
     "fifo_cheapest, dag_cheapest, dag_escalation, full, edf or sjf (full)"},
    {"seed", FLAG_SEED, PLACE(seed), 0, 0, "U64", "of all random numbers (1)"},
    {"time_scale", FLAG_NUMBER, PLACE(time_scale), 1e-9, 1e9, "N",
     "recorded; simulated time needs no scale (50)"},
    {"out_dir", FLAG_TEXT, PLACE(out_dir), 0, 0, "PATH", "made when missing (out)"},
    {"heavy_tail_prob", FLAG_NUMBER, PLACE(heavy_tail_prob), 0, 1, "P",
     "of an attempt being slow (0.02)"},
    {"heavy_tail_mult", FLAG_NUMBER, PLACE(heavy_tail_mult), 0, 1e9, "M",
     "how much longer it then takes (50)"},
    {"arrival_rate", FLAG_NUMBER, PLACE(arrival_rate), 1e-9, 1e9, "R",
     "Poisson arrivals per second (all workflows at 0)"},
    {"config", FLAG_TEXT, PLACE(config), 0, 0, "FILE", "JSON of providers, tiers and latencies"},
    {"trace", FLAG_TRACE, PLACE(trace), 0, 0, "none|json", "whether to write trace.json (json)"},
    {"enable_model_routing", FLAG_SWITCH, PLACE(enable_model_routing), 0, 0, NULL,
     "tiers by the policy; escalation and hedging"},
    {"disable_hedging", FLAG_SWITCH, PLACE(disable_hedging), 0, 0, NULL, "no second attempts"},
    {"disable_escalation", FLAG_SWITCH, PLACE(disable_escalation), 0, 0, NULL,
     "critical nodes too take the cheapest tier with room"},
    {"disable_dag_priority", FLAG_SWITCH, PLACE(disable_dag_priority), 0, 0, NULL,
     "oldest first"},
    {"help", FLAG_SWITCH, PLACE(help), 0, 0, NULL, "this text; also -h"},
#undef PLACE
};
#define FLAGS_COUNT (sizeof FLAGS / sizeof FLAGS[0])

void options_usage(FILE *out)
{
    fputs("Usage: agent_sched_sim [options]\n", out);
    for (size_t i = 0; i < FLAGS_COUNT; i++) {
        char left[FLAG_BYTES];
        snprintf(left, sizeof left, "--%s %s", FLAGS[i].name, FLAGS[i].value ? FLAGS[i].value : "");
        fprintf(out, "  %-26s %s\n", left, FLAGS[i].help);
    }
}

/* Stricter than strtod(), which also accepts blanks, hexadecimals, "inf" and "nan". */
static bool parse_number(const char *text, double *number)
{
    char *end;
    if (strspn(text, "0123456789.eE+-") != strlen(text)) return false;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

static bool parse_seed(const char *text, uint64_t *seed)
{
    char *end;
    if (!isdigit((unsigned char)text[0])) return false;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

static bool parse_policy(const char *text, enum policy_name *policy)
{
    for (int i = 0; i < POLICY_NAMES; i++)
        if (strcmp(POLICY_TEXTS[i], text) == 0) {
            *policy = (enum policy_name)i;
            return true;
        }
    return false;
}

static bool set_value(void *place, const struct flag *flag, const char *text, char *error,
                      size_t error_size)
{
    double number;
    switch (flag->kind) {
    case FLAG_COUNT:
    case FLAG_NUMBER:
        if (!parse_number(text, &number) || number < flag->least || number > flag->most ||
            (flag->kind == FLAG_COUNT && number != floor(number))) {
            snprintf(error, error_size, "--%s: \"%s\" is not a %snumber from %.10g to %.10g",
                     flag->name, text, flag->kind == FLAG_COUNT ? "whole " : "", flag->least,
                     flag->most);
            return false;
        }
        if (flag->kind == FLAG_COUNT)
            *(int64_t *)place = (int64_t)number;
        else
            *(double *)place = number;
        return true;
    case FLAG_SEED:
        if (parse_seed(text, place)) return true;
        snprintf(error, error_size, "--%s: \"%s\" is not a whole number below 2^64", flag->name,
                 text);
        return false;
    case FLAG_POLICY:
        if (parse_policy(text, place)) return true;
        snprintf(error, error_size, "--%s: there is no policy \"%s\"", flag->name, text);
        return false;
    case FLAG_TRACE:
        *(bool *)place = strcmp(text, "json") == 0;
        if (*(bool *)place || strcmp(text, "none") == 0) return true;
        snprintf(error, error_size, "--%s: \"%s\" is neither none nor json", flag->name, text);
        return false;
    default:
        if (text[0] == '\0') {
            snprintf(error, error_size, "--%s: is empty", flag->name);
            return false;
        }
        *(const char **)place = text;
        return true;
    }
}

/* Dashes and underscores in a name are equivalent; a value may follow '='. */
static const struct flag *flag_of(const char *argument, const char **value)
{
    char name[FLAG_BYTES];
    if (argument[0] != '-' || argument[1] != '-') return NULL;
    size_t length = strcspn(argument + 2, "=");
    if (length >= sizeof name) return NULL;
    for (size_t i = 0; i < length; i++) name[i] = argument[2 + i] == '-' ? '_' : argument[2 + i];
    name[length] = '\0';
    *value = argument[2 + length] == '=' ? argument + 3 + length : NULL;
    for (size_t i = 0; i < FLAGS_COUNT; i++)
        if (strcmp(FLAGS[i].name, name) == 0) return &FLAGS[i];
    return NULL;
}

bool options_parse(struct options *options, int count, char **arguments, char *error,
                   size_t error_size)
{
    *options = (struct options){
        .workflows = 100, .pdfs = 10, .iters = 3, .subqueries = 4, .policy = POLICY_FULL,
        .seed = 1, .time_scale = 50, .out_dir = "out", .heavy_tail_prob = 0.02,
        .heavy_tail_mult = 50, .trace = true,
    };
    for (int i = 1; i < count; i++) {
        const char *value = NULL;
        const char *argument = strcmp(arguments[i], "-h") == 0 ? "--help" : arguments[i];
        const struct flag *flag = flag_of(argument, &value);
        if (!flag) {
            snprintf(error, error_size, "there is no option \"%s\"", arguments[i]);
            return false;
        }
        void *place = (char *)options + flag->place;
        if (flag->kind == FLAG_SWITCH) {
            if (value) {
                snprintf(error, error_size, "--%s takes no value", flag->name);
                return false;
            }
            *(bool *)place = true;
            continue;
        }
        if (!value && i + 1 == count) {
            snprintf(error, error_size, "--%s needs a value", flag->name);
            return false;
        }
        if (!value) value = arguments[++i];
        if (!set_value(place, flag, value, error, error_size)) return false;
    }
    return true;
}

#include "sim/json_read.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/memory.h"

#define DEPTH_MAX 64

struct reader {
    const char *at, *end;
    int line;
    int depth;
    char *error;
    size_t error_size;
};

static bool fail(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct reader *reader, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(reader->error, reader->error_size, format, values);
    va_end(values);
    return false;
}

static bool unexpected(struct reader *reader, const char *wanted)
{
    if (reader->at == reader->end) return fail(reader, "the text ends where %s should be", wanted);
    unsigned char c = (unsigned char)*reader->at;
    return c > 0x20 && c < 0x7f ? fail(reader, "'%c' where %s should be", c, wanted)
                                : fail(reader, "byte 0x%02x where %s should be", c, wanted);
}

static void skip_space(struct reader *reader)
{
    for (; reader->at < reader->end; reader->at++) {
        char c = *reader->at;
        if (c == '\n') reader->line++;
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
    }
}

static char peek(const struct reader *reader)
{
    return reader->at < reader->end ? *reader->at : '\0';
}

static bool take(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c) return false;
    reader->at++;
    return true;
}

/* Reads four hex digits. */
static bool read_unit(struct reader *reader, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, reader->at++) {
        char c = peek(reader);
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) return unexpected(reader, "a hexadecimal digit");
        *unit = *unit << 4 | digit;
    }
    return true;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

static bool read_escape(struct reader *reader, char **out)
{
    static const char NAMES[] = "\"\\/bfnrt", VALUES[] = "\"\\/\b\f\n\r\t";
    char c = peek(reader);
    const char *name = c ? strchr(NAMES, c) : NULL;
    if (name) {
        reader->at++;
        *(*out)++ = VALUES[name - NAMES];
        return true;
    }
    if (!take(reader, 'u')) return unexpected(reader, "an escape");
    uint32_t unit, low;
    if (!read_unit(reader, &unit)) return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (!take(reader, '\\') || !take(reader, 'u'))
            return fail(reader, "half of a surrogate pair");
        if (!read_unit(reader, &low)) return false;
        if (low < 0xdc00 || low >= 0xe000) return fail(reader, "half of a surrogate pair");
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    } else if (unit >= 0xdc00 && unit < 0xe000) {
        return fail(reader, "half of a surrogate pair");
    }
    *out = put_utf8(*out, unit);
    return true;
}

static bool read_string(struct reader *reader, char **text, size_t *bytes)
{
    if (!take(reader, '"')) return unexpected(reader, "a string");
    const char *close = reader->at;
    while (close < reader->end && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close >= reader->end) return fail(reader, "the string is not closed");
    char *out = *text = memory_new((size_t)(close - reader->at) + 1, 1); /* unescaping only shortens the text */
    while (reader->at < close) {
        if ((unsigned char)*reader->at < 0x20) return unexpected(reader, "a printable character");
        if (!take(reader, '\\'))
            *out++ = *reader->at++;
        else if (!read_escape(reader, &out))
            return false;
    }
    *bytes = (size_t)(out - *text);
    reader->at = close + 1;
    return true;
}

/* Skips digits; returns whether there were any. */
static bool skip_digits(struct reader *reader)
{
    const char *from = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9') reader->at++;
    return reader->at > from;
}

static bool read_number(struct reader *reader, double *number)
{
    const char *from = reader->at;
    take(reader, '-');
    if (!take(reader, '0') && !skip_digits(reader)) return unexpected(reader, "a digit");
    if (take(reader, '.') && !skip_digits(reader)) return unexpected(reader, "a digit");
    if (peek(reader) == 'e' || peek(reader) == 'E') {
        reader->at++;
        if (!take(reader, '-')) take(reader, '+');
        if (!skip_digits(reader)) return unexpected(reader, "a digit");
    }
    char digits[64];
    size_t length = (size_t)(reader->at - from);
    if (length >= sizeof digits) return fail(reader, "the number is too long");
    memcpy(digits, from, length);
    digits[length] = '\0';
    *number = strtod(digits, NULL);
    return isfinite(*number) || fail(reader, "the number is too large");
}

static bool read_word(struct reader *reader, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return unexpected(reader, "a value");
    reader->at += length;
    return true;
}

static bool read_value(struct reader *reader, struct json_value *value);

static bool read_key(struct reader *reader, struct json_value *object, struct json_value *member)
{
    if (!read_string(reader, &member->key, &member->key_bytes)) return false;
    for (struct json_value *other = object->first; other != member; other = other->next)
        if (other->key_bytes == member->key_bytes &&
            memcmp(other->key, member->key, member->key_bytes) == 0)
            return fail(reader, "key \"%s\" is there twice", member->key);
    skip_space(reader);
    if (!take(reader, ':')) return unexpected(reader, "':'");
    skip_space(reader);
    return true;
}

static bool read_members(struct reader *reader, struct json_value *value, char close)
{
    if (++reader->depth > DEPTH_MAX) return fail(reader, "more than %d levels deep", DEPTH_MAX);
    reader->at++;
    skip_space(reader);
    struct json_value **last = &value->first;
    while (!(last == &value->first && take(reader, close))) {
        struct json_value *member = *last = memory_new(1, sizeof *member);
        last = &member->next;
        if (close == '}' && !read_key(reader, value, member)) return false;
        if (!read_value(reader, member)) return false;
        skip_space(reader);
        if (take(reader, close)) break;
        if (!take(reader, ','))
            return unexpected(reader, close == '}' ? "',' or '}'" : "',' or ']'");
        skip_space(reader);
    }
    reader->depth--;
    return true;
}

static bool read_value(struct reader *reader, struct json_value *value)
{
    value->line = reader->line;
    switch (peek(reader)) {
    case '{':
        value->kind = JSON_OBJECT;
        return read_members(reader, value, '}');
    case '[':
        value->kind = JSON_ARRAY;
        return read_members(reader, value, ']');
    case '"':
        value->kind = JSON_STRING;
        return read_string(reader, &value->text, &value->text_bytes);
    case 't':
    case 'f':
        value->kind = JSON_BOOL;
        value->boolean = peek(reader) == 't';
        return read_word(reader, value->boolean ? "true" : "false");
    case 'n':
        return read_word(reader, "null");
    default:
        if (peek(reader) != '-' && (peek(reader) < '0' || peek(reader) > '9'))
            return unexpected(reader, "a value");
        value->kind = JSON_NUMBER;
        return read_number(reader, &value->number);
    }
}

struct json_value *json_read(const char *text, size_t bytes, int *line, char *error,
                             size_t error_size)
{
    struct reader reader = {
        .at = text, .end = text + bytes, .line = 1, .error = error, .error_size = error_size};
    struct json_value *value = memory_new(1, sizeof *value);
    skip_space(&reader);
    bool good = read_value(&reader, value);
    if (good) skip_space(&reader);
    if (good && reader.at < reader.end) good = unexpected(&reader, "the end");
    *line = reader.line;
    if (good) return value;
    json_free(value);
    return NULL;
}

/* Recursion is as deep as the text was nested, at most DEPTH_MAX. */
void json_free(struct json_value *value)
{
    while (value) {
        struct json_value *next = value->next;
        json_free(value->first);
        free(value->key);
        free(value->text);
        free(value);
        value = next;
    }
}

const char *json_kind_name(enum json_kind kind)
{
    static const char *const NAMES[] = {"null",     "true or false", "a number",
                                        "a string", "an array",      "an object"};
    return NAMES[kind];
}

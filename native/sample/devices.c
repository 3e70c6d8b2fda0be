/*
 * Disk and network counters from /proc/diskstats and /proc/net/dev: one set per device, and a total
 * for the host in which each byte counts once (once.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sample/once.h"
#include "sample/source.h"

#define ROWS_MAX 512
#define NAME_SIZE 32
#define COLUMNS_MAX 16
#define PICKS_MAX 5
#define SECTOR_BYTES 512.0
#define TOTALS 2 /* the first two picks have a total */

/* One value of a row: its column after the device's name, and its unit. */
struct pick {
    int column;
    double scale;
    const char *unit;
    const char *name;
};

static const struct pick DISK[] = {
    {2, SECTOR_BYTES, "bytes", "read_bytes"}, {6, SECTOR_BYTES, "bytes", "written_bytes"},
    {0, 1, "1", "reads"},                     {4, 1, "1", "writes"},
    {9, 1e-3, "s", "busy_s"},
};
static const struct pick NETWORK[] = {
    {0, 1, "bytes", "received_bytes"}, {8, 1, "bytes", "sent_bytes"},
    {1, 1, "1", "received_packets"},   {9, 1, "1", "sent_packets"},
};

struct row {
    char name[NAME_SIZE];
    int rank; /* 0: not part of the host's total; of the others only the best rank present counts */
    int fields[PICKS_MAX]; /* -1: it appeared after the start, or is not shown */
    uint64_t last[TOTALS];
    bool seen;
};

struct table {
    const char *root;
    int fd;
    const struct pick *picks;
    int pick_count;
    int row_count, best_rank, left_out;
    struct row rows[ROWS_MAX];
    int totals[TOTALS];
    double sums[TOTALS];
    size_t text_size;
    char *text;
};

/* Rows keep their order, so the row after the previous match is tried first. */
static struct row *find_row(struct table *table, const char *name, int hint)
{
    for (int i = 0; i < table->row_count; i++) {
        struct row *row = &table->rows[(hint + i) % table->row_count];
        if (strcmp(row->name, name) == 0) return row;
    }
    return NULL;
}

/* Reads the device's name from a line; returns where its columns begin, or NULL. */
static const char *disk_name(const char *line, char name[NAME_SIZE])
{
    uint64_t number;
    int used = 0;
    const char *rest = parse_u64(line, &number);
    rest = rest ? parse_u64(rest, &number) : NULL;
    return rest && sscanf(rest, " %31s%n", name, &used) == 1 ? rest + used : NULL;
}

static const char *network_name(const char *line, char name[NAME_SIZE])
{
    while (*line == ' ') line++;
    size_t length = strcspn(line, ":\n");
    if (line[length] != ':' || length >= NAME_SIZE) return NULL;
    memcpy(name, line, length);
    name[length] = '\0';
    return line + length + 1;
}

static const char *row_name(const struct table *table, const char *line, char name[NAME_SIZE])
{
    return table->picks == DISK ? disk_name(line, name) : network_name(line, name);
}

static struct row *add_row(struct table *table, const char *name)
{
    if (table->row_count == ROWS_MAX) {
        table->left_out++;
        return NULL;
    }
    struct row *row = &table->rows[table->row_count++];
    strcpy(row->name, name);
    row->rank = table->picks == DISK ? disk_counts(table->root, name)
                                     : (int)interface_rank(table->root, name);
    if (row->rank > table->best_rank) table->best_rank = row->rank;
    for (int i = 0; i < PICKS_MAX; i++) row->fields[i] = -1;
    return row;
}

/* Adds to the host's totals. A counter that went down has restarted from 0. */
static void add_to_totals(struct table *table, struct row *row, const uint64_t *values)
{
    for (int i = 0; i < TOTALS; i++) {
        uint64_t now = values[table->picks[i].column], last = row->last[i];
        if (row->rank > 0 && row->rank == table->best_rank)
            table->sums[i] += (double)(now >= last ? now - last : now) * table->picks[i].scale;
        row->last[i] = now;
    }
}

static void read_row(struct source *source, struct row *row, const char *columns, uint64_t now)
{
    struct table *table = source->state;
    uint64_t values[COLUMNS_MAX] = {0};
    for (int i = 0; i < COLUMNS_MAX && columns; i++) columns = parse_u64(columns, &values[i]);
    for (int i = 0; i < table->pick_count; i++) {
        const struct pick *pick = &table->picks[i];
        board_put(source->board, row->fields[i], (double)values[pick->column] * pick->scale, now);
    }
    add_to_totals(table, row, values);
    row->seen = true;
}

static void table_read(struct source *source, uint64_t now)
{
    struct table *table = source->state;
    if (file_read(table->fd, table->text, table->text_size) < 0) return;
    int hint = 0;
    bool any = false;
    for (const char *line = table->text; line; line = next_line(line)) {
        char name[NAME_SIZE];
        const char *columns = row_name(table, line, name);
        if (!columns) continue;
        struct row *row = find_row(table, name, hint);
        if (!row) row = add_row(table, name);
        if (!row) continue;
        hint = (int)(row - table->rows) + 1;
        read_row(source, row, columns, now);
        any = true;
    }
    for (int i = 0; i < table->row_count; i++) {
        struct row *row = &table->rows[i];
        for (int p = 0; !row->seen && p < table->pick_count; p++)
            board_put(source->board, row->fields[p], UNKNOWN, now);
        /* a new device may reuse a name, so forget the old counters; an empty file says nothing */
        if (any && !row->seen) memset(row->last, 0, sizeof row->last);
        row->seen = false;
    }
    for (int i = 0; i < TOTALS && table->best_rank > 0; i++)
        board_put(source->board, table->totals[i], table->sums[i], now);
}

static void table_close(struct source *source)
{
    struct table *table = source->state;
    close(table->fd);
    free(table->text);
    free(table);
}

static void add_fields(struct source *source)
{
    struct table *table = source->state;
    for (int i = 0; i < TOTALS; i++)
        table->totals[i] = board_add(source->board, source->name, table->picks[i].unit, COUNTER,
                                     "%s.%s", source->name, table->picks[i].name);
    for (const char *line = table->text; line; line = next_line(line)) {
        char name[NAME_SIZE];
        if (!row_name(table, line, name)) continue;
        struct row *row = add_row(table, name);
        if (!row || (table->picks == DISK && !disk_is_shown(table->root, name))) continue;
        for (int i = 0; i < table->pick_count; i++)
            row->fields[i] =
                board_add(source->board, source->name, table->picks[i].unit, COUNTER, "%s.%s.%s",
                          source->name, name, table->picks[i].name);
    }
    if (table->left_out)
        source_note(source, "the first %d devices only; %d more", ROWS_MAX, table->left_out);
}

static void table_open(struct opening *opening, struct source *source, const struct pick *picks,
                       int pick_count)
{
    struct table *table = calloc(1, sizeof *table);
    if (!table) return;
    table->root = opening->options->root;
    table->picks = picks;
    table->pick_count = pick_count;
    table->text_size = 1 << 18;
    table->text = malloc(table->text_size);
    table->fd = file_open(opening->options->root, "%s", source->where);
    source->state = table;
    if (!table->text || table->fd < 0 || file_read(table->fd, table->text, table->text_size) < 0) {
        source_note(source, "%s: %s", source->where, strerror(errno));
        table_close(source);
        source->state = NULL;
        return;
    }
    add_fields(source);
    source_ready(source, table, table_read, table_close);
}

void disk_open(struct opening *opening)
{
    if (!(opening->options->metrics & METRICS_DISK)) return;
    struct source *source = source_add(opening, "disk", "/proc/diskstats", LANE_FAST, 0);
    if (source) table_open(opening, source, DISK, sizeof DISK / sizeof DISK[0]);
}

void network_open(struct opening *opening)
{
    if (!(opening->options->metrics & METRICS_NETWORK)) return;
    struct source *source = source_add(opening, "network", "/proc/net/dev", LANE_FAST, 0);
    if (source) table_open(opening, source, NETWORK, sizeof NETWORK / sizeof NETWORK[0]);
}

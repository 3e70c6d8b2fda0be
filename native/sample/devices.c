/* Disk and network counters from /proc/diskstats and /proc/net/dev, one row a device. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sample/source.h"

#define ROWS_MAX 64
#define NAME_SIZE 32
#define COLUMNS_MAX 16
#define PICKS_MAX 5
#define SECTOR_BYTES 512.0

/* One value of a row: which column after the device's name, and its unit. */
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

struct table {
    int fd;
    const struct pick *picks;
    int pick_count;
    int rows;
    char names[ROWS_MAX][NAME_SIZE];
    int fields[ROWS_MAX][PICKS_MAX];
    size_t text_size;
    char *text;
};

/* Rows keep their order, so the row after the last one found is tried first. */
static int row_of(const struct table *table, const char *name, int hint)
{
    for (int i = 0; i < table->rows; i++) {
        int row = (hint + i) % table->rows;
        if (strcmp(table->names[row], name) == 0) return row;
    }
    return -1;
}

/* Reads the device's name from a line and gives where its columns begin, or NULL. */
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

static void table_read(struct source *source, uint64_t now)
{
    struct table *table = source->state;
    if (table->rows == 0 || file_read(table->fd, table->text, table->text_size) < 0) return;
    int hint = 0;
    for (const char *line = table->text; line; line = next_line(line)) {
        char name[NAME_SIZE];
        const char *columns = row_name(table, line, name);
        int row = columns ? row_of(table, name, hint) : -1;
        if (row < 0) continue;
        hint = row + 1;
        uint64_t values[COLUMNS_MAX] = {0};
        for (int i = 0; i < COLUMNS_MAX && columns; i++) columns = parse_u64(columns, &values[i]);
        for (int i = 0; i < table->pick_count; i++) {
            const struct pick *pick = &table->picks[i];
            board_put(source->board, table->fields[row][i],
                      (double)values[pick->column] * pick->scale, now);
        }
    }
}

static void table_close(struct source *source)
{
    struct table *table = source->state;
    close(table->fd);
    free(table->text);
    free(table);
}

/* Whole disks only: a partition's traffic is its disk's, a mapped disk's that of the disk below. */
static bool wanted_disk(const char *root, const char *name)
{
    static const char *const OTHERS[] = {"loop", "ram", "zram", "dm-", "md"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (strncmp(name, OTHERS[i], strlen(OTHERS[i])) == 0) return false;
    int length = snprintf(path, sizeof path, "%s/sys/block/%s", root, name);
    if (length < 0 || (size_t)length >= sizeof path) return false;
    for (char *c = path + length - strlen(name); *c; c++)
        if (*c == '/') *c = '!';
    return access(path, F_OK) == 0;
}

/* A container's end of a pair is counted again on the bridge and the card. */
static bool wanted_interface(const char *name)
{
    return strncmp(name, "veth", 4) != 0 && strncmp(name, "ifb", 3) != 0;
}

static void add_rows(struct source *source, const char *root)
{
    struct table *table = source->state;
    int skipped = 0;
    for (const char *line = table->text; line; line = next_line(line)) {
        char name[NAME_SIZE];
        if (!row_name(table, line, name)) continue;
        if (!(table->picks == DISK ? wanted_disk(root, name) : wanted_interface(name))) continue;
        if (table->rows == ROWS_MAX) {
            skipped++;
            continue;
        }
        for (int i = 0; i < table->pick_count; i++)
            table->fields[table->rows][i] =
                board_add(source->board, source->name, table->picks[i].unit, COUNTER, "%s.%s.%s",
                          source->name, name, table->picks[i].name);
        strcpy(table->names[table->rows++], name);
    }
    if (skipped) source_note(source, "the first %d devices only; %d more", ROWS_MAX, skipped);
}

static void table_open(struct opening *opening, struct source *source, const struct pick *picks,
                       int pick_count)
{
    struct table *table = calloc(1, sizeof *table);
    if (!table) return;
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
    add_rows(source, opening->options->root);
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

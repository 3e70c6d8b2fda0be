/*
 * CPU energy from RAPL (/sys/class/powercap), in joules since the sampler was opened. The counters
 * wrap after minutes under load, so they are read ten times a second and summed across wraps.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sample/source.h"

#define ZONES_MAX 64
#define PERIOD_NS (NS_PER_S / 10)

struct zone {
    int fd;
    int field;
    uint64_t range_uj; /* the counter wraps after this value; 0: unknown */
    uint64_t last_uj;
    double sum_uj;
};

struct rapl {
    int count;
    struct zone zones[ZONES_MAX];
};

static void rapl_read(struct source *source, uint64_t now)
{
    struct rapl *rapl = source->state;
    for (int i = 0; i < rapl->count; i++) {
        struct zone *zone = &rapl->zones[i];
        uint64_t uj;
        if (!file_read_u64(zone->fd, &uj)) {
            board_put(source->board, zone->field, UNKNOWN, now);
            continue;
        }
        if (uj >= zone->last_uj)
            zone->sum_uj += (double)(uj - zone->last_uj);
        else if (zone->range_uj > zone->last_uj)
            zone->sum_uj += (double)(zone->range_uj - zone->last_uj) + (double)uj;
        zone->last_uj = uj;
        board_put(source->board, zone->field, zone->sum_uj / 1e6, now);
    }
}

static void rapl_close(struct source *source)
{
    struct rapl *rapl = source->state;
    for (int i = 0; i < rapl->count; i++) close(rapl->zones[i].fd);
    free(rapl);
}

/* "intel-rapl:0" is a package (on AMD too), "intel-rapl:0:1" a part of it. */
static int is_zone(const struct dirent *entry)
{
    return strncmp(entry->d_name, "intel-rapl:", 11) == 0;
}

static void zone_label(const char *root, const char *name, char *label, size_t size)
{
    char package[32] = "", part[32];
    const char *second = strchr(name + 11, ':');
    if (second)
        file_line(package, sizeof package, root, "/sys/class/powercap/%.*s/name",
                  (int)(second - name), name);
    if (!file_line(part, sizeof part, root, "/sys/class/powercap/%s/name", name))
        snprintf(part, sizeof part, "%.31s", name);
    snprintf(label, size, "%s%s%s", package, package[0] ? "." : "", part);
}

static void add_zone(struct opening *opening, struct source *source, struct rapl *rapl,
                     const char *name)
{
    const char *root = opening->options->root;
    if (rapl->count == ZONES_MAX) return;
    struct zone *zone = &rapl->zones[rapl->count];
    char label[80], range[32];
    zone->fd = file_open(root, "/sys/class/powercap/%s/energy_uj", name);
    if (zone->fd < 0 && (errno == EACCES || errno == EPERM)) {
        source_note(source,
                    "/sys/class/powercap/%.40s/energy_uj: permission denied; only root may read "
                    "it: run as root, or chmod a+r /sys/class/powercap/*/energy_uj", name);
        return;
    }
    if (zone->fd < 0 || !file_read_u64(zone->fd, &zone->last_uj)) {
        if (zone->fd >= 0) close(zone->fd);
        return;
    }
    if (file_line(range, sizeof range, root, "/sys/class/powercap/%s/max_energy_range_uj", name))
        parse_u64(range, &zone->range_uj);
    zone_label(root, name, label, sizeof label);
    zone->field = board_add(opening->board, "rapl", "J", COUNTER, "rapl.%s.energy_j", label);
    rapl->count++;
}

void rapl_open(struct opening *opening)
{
    if (!(opening->options->metrics & METRICS_RAPL)) return;
    struct source *source =
        source_add(opening, "rapl", "/sys/class/powercap", LANE_SLOW, PERIOD_NS);
    struct rapl *rapl = source ? calloc(1, sizeof *rapl) : NULL;
    if (!rapl) return;
    char path[PATH_MAX + 32];
    struct dirent **zones;
    snprintf(path, sizeof path, "%s/sys/class/powercap", opening->options->root);
    int count = scandir(path, &zones, is_zone, versionsort);
    for (int i = 0; i < count; i++) {
        add_zone(opening, source, rapl, zones[i]->d_name);
        free(zones[i]);
    }
    if (count >= 0) free(zones);
    if (rapl->count > 0) {
        source_ready(source, rapl, rapl_read, rapl_close);
        return;
    }
    if (!source->note[0])
        source_note(source, "no RAPL zone in /sys/class/powercap (a virtual machine has none)");
    free(rapl);
}

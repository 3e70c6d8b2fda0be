/*
 * Core frequencies and temperatures. Reading them may call the firmware, so the slow thread reads
 * them once a second.
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

#define SENSORS_MAX 1024
#define CPUINFO_BYTES (1 << 20)

/* Files of one number each. */
struct sensors {
    double scale;
    int count;
    int fds[SENSORS_MAX];
    int fields[SENSORS_MAX];
};

static void sensors_read(struct source *source, uint64_t now)
{
    const struct sensors *sensors = source->state;
    for (int i = 0; i < sensors->count; i++) {
        char text[32], *end;
        double value = UNKNOWN; /* a read may fail now and then, and a drive may sleep */
        if (file_read(sensors->fds[i], text, sizeof text) > 0) {
            long number = strtol(text, &end, 10);
            if (end != text) value = (double)number * sensors->scale;
        }
        board_put(source->board, sensors->fields[i], value, now);
    }
}

static void sensors_close(struct source *source)
{
    struct sensors *sensors = source->state;
    for (int i = 0; i < sensors->count; i++) close(sensors->fds[i]);
    free(sensors);
}

/* Without cpufreq (virtual machines), /proc/cpuinfo reports "cpu MHz" for each core. */
struct cpuinfo {
    int fd;
    int count;
    int fields[SENSORS_MAX];
    char text[CPUINFO_BYTES];
};

static void cpuinfo_read(struct source *source, uint64_t now)
{
    struct cpuinfo *cpuinfo = source->state;
    if (file_read(cpuinfo->fd, cpuinfo->text, sizeof cpuinfo->text) < 0) return;
    int core = 0;
    for (const char *line = cpuinfo->text; line && core < cpuinfo->count; line = next_line(line)) {
        if (strncmp(line, "cpu MHz", 7) != 0) continue;
        const char *colon = strchr(line, ':');
        if (!colon) return;
        board_put(source->board, cpuinfo->fields[core++], strtod(colon + 1, NULL), now);
    }
}

static void cpuinfo_close(struct source *source)
{
    struct cpuinfo *cpuinfo = source->state;
    close(cpuinfo->fd);
    free(cpuinfo);
}

static int frequency_field(struct board *board, int core)
{
    return board_add(board, "frequency", "MHz", GAUGE, "cpu%d.frequency_mhz", core);
}

static void cpuinfo_open(struct opening *opening, struct source *source)
{
    struct cpuinfo *cpuinfo = calloc(1, sizeof *cpuinfo);
    if (!cpuinfo) return;
    cpuinfo->fd = file_open(opening->options->root, "/proc/cpuinfo");
    if (cpuinfo->fd >= 0 && file_read(cpuinfo->fd, cpuinfo->text, sizeof cpuinfo->text) > 0)
        for (const char *line = cpuinfo->text; line; line = next_line(line))
            if (strncmp(line, "cpu MHz", 7) == 0 && cpuinfo->count < SENSORS_MAX) {
                cpuinfo->fields[cpuinfo->count] =
                    frequency_field(opening->board, cpuinfo->count);
                cpuinfo->count++;
            }
    if (cpuinfo->count > 0) {
        source->where = "/proc/cpuinfo";
        source_ready(source, cpuinfo, cpuinfo_read, cpuinfo_close);
        return;
    }
    source_note(source, "neither cpufreq in /sys nor \"cpu MHz\" in /proc/cpuinfo");
    if (cpuinfo->fd >= 0) close(cpuinfo->fd);
    free(cpuinfo);
}

/*
 * The entries that scandir finds in a folder under the root, ordered by the numbers in their names.
 */
static int list(const char *root, const char *folder, int (*wanted)(const struct dirent *),
                struct dirent ***entries)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s%s", root, folder);
    return scandir(path, entries, wanted, versionsort);
}

static int is_core(const struct dirent *entry)
{
    const char *number = entry->d_name + 3;
    return strncmp(entry->d_name, "cpu", 3) == 0 && *number &&
           number[strspn(number, "0123456789")] == '\0';
}

static int is_temperature(const struct dirent *entry)
{
    const char *number = entry->d_name + 4;
    size_t digits = strncmp(entry->d_name, "temp", 4) == 0 ? strspn(number, "0123456789") : 0;
    return digits > 0 && strcmp(number + digits, "_input") == 0;
}

void frequency_open(struct opening *opening)
{
    if (!(opening->options->metrics & METRICS_FREQUENCY)) return;
    struct source *source =
        source_add(opening, "frequency", "cpufreq/scaling_cur_freq", LANE_SLOW, NS_PER_S);
    struct sensors *sensors = source ? calloc(1, sizeof *sensors) : NULL;
    if (!sensors) return;
    sensors->scale = 1e-3; /* kHz */
    struct dirent **cores;
    int count = list(opening->options->root, "/sys/devices/system/cpu", is_core, &cores);
    for (int i = 0; i < count; i++) { /* some numbers may be missing */
        int fd = file_open(opening->options->root,
                           "/sys/devices/system/cpu/%s/cpufreq/scaling_cur_freq",
                           cores[i]->d_name);
        if (fd >= 0 && sensors->count < SENSORS_MAX) {
            sensors->fds[sensors->count] = fd;
            sensors->fields[sensors->count++] =
                frequency_field(opening->board, atoi(cores[i]->d_name + 3));
        } else if (fd >= 0) {
            close(fd);
        }
        free(cores[i]);
    }
    if (count >= 0) free(cores);
    if (sensors->count > 0) {
        source_ready(source, sensors, sensors_read, sensors_close);
        return;
    }
    free(sensors);
    cpuinfo_open(opening, source);
}

static void add_chip(struct opening *opening, struct sensors *sensors, const char *hwmon)
{
    const char *root = opening->options->root;
    char chip[32], label[32], folder[PATH_MAX];
    snprintf(folder, sizeof folder, "/sys/class/hwmon/%.64s", hwmon);
    if (!file_line(chip, sizeof chip, root, "%s/name", folder))
        snprintf(chip, sizeof chip, "%.31s", hwmon);
    struct dirent **inputs;
    int count = list(root, folder, is_temperature, &inputs);
    for (int i = 0; i < count; i++) {
        int number = atoi(inputs[i]->d_name + 4);
        int fd = file_open(root, "%s/%s", folder, inputs[i]->d_name);
        free(inputs[i]);
        if (fd < 0 || sensors->count == SENSORS_MAX) {
            if (fd >= 0) close(fd);
            continue;
        }
        if (!file_line(label, sizeof label, root, "%s/temp%d_label", folder, number))
            snprintf(label, sizeof label, "temp%d", number);
        sensors->fds[sensors->count] = fd;
        sensors->fields[sensors->count++] =
            board_add(opening->board, "temperature", "celsius", GAUGE,
                      "temperature.%s.%s_celsius", chip, label);
    }
    if (count >= 0) free(inputs);
}

static int is_hwmon(const struct dirent *entry)
{
    return strncmp(entry->d_name, "hwmon", 5) == 0;
}

/* NVMe drives also have hwmon chips, named nvme. */
void temperature_open(struct opening *opening)
{
    if (!(opening->options->metrics & METRICS_TEMPERATURE)) return;
    struct source *source =
        source_add(opening, "temperature", "/sys/class/hwmon", LANE_SLOW, NS_PER_S);
    struct sensors *sensors = source ? calloc(1, sizeof *sensors) : NULL;
    if (!sensors) return;
    sensors->scale = 1e-3; /* thousandths of a degree */
    struct dirent **chips;
    int count = list(opening->options->root, "/sys/class/hwmon", is_hwmon, &chips);
    for (int i = 0; i < count; i++) {
        add_chip(opening, sensors, chips[i]->d_name);
        free(chips[i]);
    }
    if (count >= 0) free(chips);
    if (sensors->count > 0) {
        source_ready(source, sensors, sensors_read, sensors_close);
        return;
    }
    source_note(source, "no temperature sensor in /sys/class/hwmon (a virtual machine has none)");
    free(sensors);
}

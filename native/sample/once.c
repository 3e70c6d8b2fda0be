#include "sample/once.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define ETHERNET 1 /* ARPHRD_… in /sys/class/net/NAME/type */
#define INFINIBAND 32
#define LOOPBACK 772

static bool begins_with(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strncmp(text, *words, strlen(*words)) == 0) return true;
    return false;
}

static bool exists(const char *root, const char *folder, const char *name, const char *file)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/sys/%s/%s%s", root, folder, name, file);
    return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

static bool is_hardware(const char *root, const char *name)
{
    return exists(root, "class/net", name, "/device");
}

/* What is directly above and below an interface. */
struct neighbours {
    bool lower, upper, hardware_above;
};

static struct neighbours neighbours_of(const char *root, const char *name)
{
    struct neighbours found = {false, false, false};
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/sys/class/net/%s", root, name);
    DIR *folder = length > 0 && (size_t)length < sizeof path ? opendir(path) : NULL;
    if (!folder) return found;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (strncmp(entry->d_name, "lower_", 6) == 0) found.lower = true;
        if (strncmp(entry->d_name, "upper_", 6) != 0) continue;
        found.upper = true;
        found.hardware_above |= is_hardware(root, entry->d_name + 6);
    }
    closedir(folder);
    return found;
}

/* The rank by name, for when /sys has no entry. */
static enum interface_rank rank_by_name(const char *name)
{
    static const char *const ABOVE[] = {"br",   "docker",  "virbr",  "bond", "team", "vlan",
                                        "cali", "macvlan", "ipvlan", "cni",  NULL};
    static const char *const TUNNELS[] = {"tun", "tap",   "wg",      "ppp",       "sit",
                                          "gre", "vxlan", "flannel", "tailscale", "veth", NULL};
    if (begins_with(name, ABOVE) || strpbrk(name, ".@")) return INTERFACE_NEVER;
    return begins_with(name, TUNNELS) ? INTERFACE_TUNNEL : INTERFACE_VIRTUAL;
}

static bool is_tunnel(const char *root, const char *name)
{
    static const char *const KINDS[] = {"wireguard", "vxlan", "geneve", "gre", "ppp", NULL};
    char text[512] = "", type[16] = "1";
    if (exists(root, "class/net", name, "/tun_flags")) return true;
    file_line(type, sizeof type, root, "/sys/class/net/%s/type", name);
    if (atoi(type) != ETHERNET && atoi(type) != INFINIBAND) return true;
    int fd = file_open(root, "/sys/class/net/%s/uevent", name);
    if (fd < 0) return false;
    if (file_read(fd, text, sizeof text) < 0) text[0] = '\0';
    close(fd);
    const char *kind = strstr(text, "DEVTYPE=");
    return kind && begins_with(kind + 8, KINDS);
}

enum interface_rank interface_rank(const char *root, const char *name)
{
    static const char *const MADE_UP[] = {"ifb", "dummy", NULL}; /* they only discard or mirror packets */
    char type[16] = "";
    file_line(type, sizeof type, root, "/sys/class/net/%s/type", name);
    if (strcmp(name, "lo") == 0 || atoi(type) == LOOPBACK || begins_with(name, MADE_UP))
        return INTERFACE_NEVER;
    if (!exists(root, "class/net", name, "")) return rank_by_name(name);
    struct neighbours near = neighbours_of(root, name);
    /* a card's function given to a virtual machine counts as the card it stands in for */
    if (is_hardware(root, name)) return near.hardware_above ? INTERFACE_NEVER : INTERFACE_HARDWARE;
    if (near.lower || exists(root, "class/net", name, "/bridge") ||
        exists(root, "class/net", name, "/bonding"))
        return INTERFACE_NEVER;
    if (strncmp(name, "veth", 4) == 0) /* a container's port on a bridge, or a namespace's only way out */
        return near.upper ? INTERFACE_NEVER : INTERFACE_TUNNEL;
    return is_tunnel(root, name) ? INTERFACE_TUNNEL : INTERFACE_VIRTUAL;
}

/* In /sys/block a slash in a name is written as an exclamation mark. */
static void block_name(char *block, size_t size, const char *name)
{
    snprintf(block, size, "%s", name);
    for (char *c = block; *c; c++)
        if (*c == '/') *c = '!';
}

bool disk_is_shown(const char *root, const char *name)
{
    static const char *const NO_DISKS[] = {"loop", "ram", "zram", NULL};
    char block[64];
    unsigned controller, path, space;
    block_name(block, sizeof block, name);
    /* one of several paths to an NVMe disk, which is also listed under its own name */
    if (sscanf(name, "nvme%uc%un%u", &controller, &path, &space) == 3) return false;
    return !begins_with(name, NO_DISKS) && exists(root, "block", block, "");
}

static bool has_slaves(const char *root, const char *block)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/sys/block/%s/slaves", root, block);
    DIR *folder = opendir(path);
    if (!folder) return false;
    bool any = false;
    for (const struct dirent *entry; !any && (entry = readdir(folder));)
        any = entry->d_name[0] != '.';
    closedir(folder);
    return any;
}

bool disk_counts(const char *root, const char *name)
{
    static const char *const MADE_OF_OTHERS[] = {"dm-", "md", "bcache", "drbd", NULL};
    char block[64];
    block_name(block, sizeof block, name);
    return disk_is_shown(root, name) && !begins_with(name, MADE_OF_OTHERS) &&
           !has_slaves(root, block);
}

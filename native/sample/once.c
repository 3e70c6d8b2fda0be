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

/* The host's end of a container's pair: Docker's and most others', Calico's, Cilium's. */
static bool is_pair(const char *name)
{
    static const char *const PAIRS[] = {"veth", "cali", "lxc", "cilium", NULL};
    return begins_with(name, PAIRS);
}

static bool is_named_tunnel(const char *name)
{
    static const char *const TUNNELS[] = {"tun", "tap",   "wg",      "ppp",       "sit",
                                          "gre", "vxlan", "flannel", "tailscale", "l2tp", NULL};
    return begins_with(name, TUNNELS);
}

/* The rank by name, for when /sys has no entry. */
static enum interface_rank rank_by_name(const char *name)
{
    static const char *const ABOVE[] = {"br",   "docker",  "virbr",  "bond", "team",
                                        "vlan", "macvlan", "ipvlan", "cni",  NULL};
    if (begins_with(name, ABOVE) || strpbrk(name, ".@")) return INTERFACE_NEVER;
    return is_named_tunnel(name) || is_pair(name) ? INTERFACE_TUNNEL : INTERFACE_VIRTUAL;
}

/* Loopback, and monitors, which hold copies: of Wi-Fi (802.11, Prism, radiotap), netlink and vsock. */
static bool is_not_counted(int type)
{
    return type == 772 || (type >= 801 && type <= 803) || type == 824 || type == 826;
}

static bool is_tunnel(const char *root, const char *name)
{
    static const char *const KINDS[] = {"wireguard", "vxlan", "geneve", "gre", "ppp", NULL};
    char text[512] = "", type[16] = "1";
    if (is_named_tunnel(name) || exists(root, "class/net", name, "/tun_flags")) return true;
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
    if (strcmp(name, "lo") == 0 || is_not_counted(atoi(type)) || begins_with(name, MADE_UP))
        return INTERFACE_NEVER;
    if (!exists(root, "class/net", name, "")) return rank_by_name(name);
    struct neighbours near = neighbours_of(root, name);
    /* a card's function given to a virtual machine counts as the card it stands in for */
    if (is_hardware(root, name)) return near.hardware_above ? INTERFACE_NEVER : INTERFACE_HARDWARE;
    if (near.lower || exists(root, "class/net", name, "/bridge") ||
        exists(root, "class/net", name, "/bonding"))
        return INTERFACE_NEVER;
    if (is_pair(name)) /* a container's port on a bridge, or a namespace's only way out */
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

/* Whether a name is that of an NVMe disk whose paths, such as nvme0c1n1, are listed too. */
static bool has_paths(const char *root, const char *name)
{
    char path[PATH_MAX];
    unsigned disk, space, of_disk, controller, of_space;
    if (sscanf(name, "nvme%un%u", &disk, &space) != 2) return false;
    int length = snprintf(path, sizeof path, "%s/sys/block", root);
    DIR *folder = length > 0 && (size_t)length < sizeof path ? opendir(path) : NULL;
    if (!folder) return false;
    bool any = false;
    for (const struct dirent *entry; !any && (entry = readdir(folder));)
        any = sscanf(entry->d_name, "nvme%uc%un%u", &of_disk, &controller, &of_space) == 3 &&
              of_disk == disk && of_space == space;
    closedir(folder);
    return any;
}

bool disk_is_shown(const char *root, const char *name)
{
    static const char *const NO_DISKS[] = {"loop", "ram", "zram", NULL};
    char block[64];
    block_name(block, sizeof block, name);
    return !begins_with(name, NO_DISKS) && exists(root, "block", block, "") &&
           !has_paths(root, name);
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
    static const char *const MADE_OF_OTHERS[] = {"dm-", "md", "bcache", "drbd", "zd", NULL};
    char block[64];
    block_name(block, sizeof block, name);
    return disk_is_shown(root, name) && !begins_with(name, MADE_OF_OTHERS) &&
           !has_slaves(root, block);
}

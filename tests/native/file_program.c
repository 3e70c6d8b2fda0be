/*
 * Reads a file of /proc the sampler's way and as usual, and compares: procfs hands out a page at a
 * time, so one pread is not the whole. Argument: the path.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"

#define ROOM 65536

int main(int argc, char **argv)
{
    static char ours[ROOM], usual[ROOM];
    if (argc != 2) return 2;
    int fd = file_open("", "%s", argv[1]);
    FILE *stream = fopen(argv[1], "r");
    if (fd < 0 || !stream) return 2;
    size_t wanted = fread(usual, 1, sizeof usual - 1, stream);
    for (int again = 0; again < 3; again++) {
        ssize_t length = file_read(fd, ours, sizeof ours);
        if (length != (ssize_t)wanted || memcmp(ours, usual, wanted) != 0) {
            fprintf(stderr, "%zd of %zu bytes\n", length, wanted);
            return 1;
        }
    }
    printf("%zu\n", wanted);
    fclose(stream);
    return 0;
}

/* A writer that stores through a mapping after it has closed its descriptor.
   One step for each line of input, and a line of output when it is done. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void done_then_wait(void) {
    puts("done");
    fflush(stdout);
    while (getchar() > '\n') {
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        return 2;
    }
    while (getchar() > '\n') {
    }
    size_t first = strlen(argv[2]), second = strlen(argv[3]);
    int file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || ftruncate(file, (off_t)(first + second)) != 0) {
        return 1;
    }
    char *at = mmap(NULL, first + second, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED || close(file) != 0) {
        return 1;
    }
    memcpy(at, argv[2], first);
    msync(at, first + second, MS_SYNC);
    done_then_wait();
    memcpy(at + first, argv[3], second);
    msync(at, first + second, MS_SYNC);
    done_then_wait();
    munmap(at, first + second);
    done_then_wait();
    return 0;
}

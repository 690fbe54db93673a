/* cadconv: converts drawings from the command line, with a mesh library of another product. */
#include <stdio.h>

int mesh_reduce(const char *from);

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: cadconv FROM TO\n");
        return 2;
    }
    return rename(argv[1], argv[2]) || mesh_reduce(argv[2]);
}

/* libcadcore: the drawing model. Reads symbols from the product's share directory. */
#include <stdio.h>

int core_open(const char *drawing)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s.sym", "/opt/cadview/share/symbols", drawing);
    if (!(f = fopen(path, "r")))
        return -1;
    fclose(f);
    return 0;
}

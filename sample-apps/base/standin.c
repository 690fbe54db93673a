/* Takes the place of an interpreter in a sample's root: it is there, and it does nothing. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argc;
    fprintf(stderr, "%s: a stand-in, it runs nothing\n", argv[0]);
    return 127;
}

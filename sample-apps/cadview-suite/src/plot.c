/* plot.so: a plug-in; spools plots for the printer. */
#include <fcntl.h>
#include <unistd.h>

int plot(void)
{
    int fd = open("/var/spool/cadview/plot.hpgl", O_WRONLY | O_CREAT | O_APPEND, 0644);

    if (fd < 0)
        return -1;
    write(fd, "IN;SP1;\n", 8);
    return close(fd);
}

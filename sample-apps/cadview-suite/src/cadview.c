/*
 * cadview: the viewer. Draws through X11, decrypts drawings with the TLS library it was built with,
 * loads its plotter as a plug-in, and keeps preferences and a scratch file per user.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int core_open(const char *drawing);
int image_load(const char *bitmap);
int SSL_library_init(void);
void *XOpenDisplay(const char *name);
void *_Znwm(unsigned long size); /* operator new */
void *dlopen(const char *file, int flags);
void *dlsym(void *handle, const char *name);

static const char *from_env(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value ? value : otherwise;
}

static void save_preferences(void)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/.cadview", from_env("HOME", "/"));
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/.cadview/preferences", from_env("HOME", "/"));
    if ((f = fopen(path, "w"))) {
        fputs("units = mm\n", f);
        fclose(f);
    }
}

static int scratch(void)
{
    char path[256];

    snprintf(path, sizeof path, "%s/cadview.%d", from_env("CADVIEW_SCRATCH", "/var/tmp/cadview"), getpid());
    return open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
}

static void plot(void)
{
    char path[256];
    void *plugin;
    int (*run)(void);

    snprintf(path, sizeof path, "%s/plugins/plot.so", from_env("CADVIEW_HOME", "/opt/cadview"));
    if ((plugin = dlopen(path, 2)) && (run = (int (*)(void))dlsym(plugin, "plot")))
        run();
}

int main(int argc, char **argv)
{
    FILE *log = fopen("/opt/cadview/log/cadview.log", "a");
    int fd;

    SSL_library_init();
    if (!XOpenDisplay(from_env("DISPLAY", ":0"))) {
        fprintf(stderr, "cadview: no display\n");
        return 1;
    }
    _Znwm(16);
    if ((fd = scratch()) < 0)
        perror("scratch");
    if (argc > 1) {
        core_open(argv[1]);
        image_load(argv[1]);
        if (log)
            fprintf(log, "opened %s\n", argv[1]);
    }
    plot();
    save_preferences();
    return 0;
}

/*
 * tidy-web: serves static files over HTTP. It keeps to the rules that make a server easy to move:
 * one process in the foreground, one configuration file that it never writes, every directory it
 * writes named in that file and made by its unit, errors to standard error, an orderly end on
 * SIGTERM.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char root[200] = "/usr/share/tidy-web/www";
static char access_log[200] = "/var/log/tidy-web/access.log";
static char state_dir[200] = "/var/lib/tidy-web";
static char cache_dir[200] = "/var/cache/tidy-web";
static char control[100] = "/run/tidy-web/control.sock";
static char listen_port[8] = "8080";
static volatile sig_atomic_t stop, reopen;
static long served;

static struct { const char *name; char *value; unsigned size; } directives[] = {
    { "listen", listen_port, sizeof listen_port }, { "root", root, sizeof root },
    { "access_log", access_log, sizeof access_log }, { "state_directory", state_dir, sizeof state_dir },
    { "cache_directory", cache_dir, sizeof cache_dir }, { "control", control, sizeof control },
};

static void on_signal(int number)
{
    if (number == SIGHUP)
        reopen = 1;
    else
        stop = 1;
}

/* "name value;" lines; braces only group. */
static int read_conf(const char *path)
{
    char line[256], *name, *value, *end;
    FILE *f = fopen(path, "r");

    if (!f) {
        perror(path);
        return 0;
    }
    while (fgets(line, sizeof line, f)) {
        for (name = line; *name == ' '; name++)
            ;
        if (*name == '#' || !(end = strchr(name, ';')) || !(value = strchr(name, ' ')))
            continue;
        *end = 0;
        *value = 0;
        for (value++; *value == ' '; value++)
            ;
        for (unsigned i = 0; i < sizeof directives / sizeof directives[0]; i++)
            if (!strcmp(directives[i].name, name))
                snprintf(directives[i].value, directives[i].size, "%s", value);
    }
    fclose(f);
    return 1;
}

static int listen_http(void)
{
    struct sockaddr_in any;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    memset(&any, 0, sizeof any);
    any.sin_family = AF_INET;
    any.sin_port = htons(atoi(listen_port));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) || listen(fd, 64)) {
        perror("listen");
        exit(1);
    }
    return fd;
}

static int listen_control(void)
{
    struct sockaddr_un here;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memset(&here, 0, sizeof here);
    here.sun_family = AF_UNIX;
    snprintf(here.sun_path, sizeof here.sun_path, "%s", control);
    unlink(control);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) || listen(fd, 1)) {
        perror(control);
        exit(1);
    }
    return fd;
}

/* The number of requests served outlives a restart. */
static void load_count(void)
{
    char path[256], line[32];
    FILE *f;

    snprintf(path, sizeof path, "%s/served", state_dir);
    if ((f = fopen(path, "r"))) {
        if (fgets(line, sizeof line, f))
            served = strtol(line, 0, 10);
        fclose(f);
    }
}

static void save_count(void)
{
    char path[256], fresh[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/served", state_dir);
    snprintf(fresh, sizeof fresh, "%s/served.new", state_dir);
    if ((f = fopen(fresh, "w"))) {
        fprintf(f, "%ld\n", served);
        fclose(f);
        rename(fresh, path);
    }
}

/* The last page served is kept ready; losing it costs one read. */
static void keep(const char *body, int length)
{
    char path[256];
    int fd;

    snprintf(path, sizeof path, "%s/last-page", cache_dir);
    if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640)) >= 0) {
        if (write(fd, body, length) != length)
            unlink(path);
        close(fd);
    }
}

static void serve(int fd, FILE *log)
{
    char request[512], path[768], body[4096], *end;
    int n = read(fd, request, sizeof request - 1), file, length = -1;

    request[n > 0 ? n : 0] = 0;
    if (!strncmp(request, "GET /", 5) && (end = strchr(request + 5, ' '))) {
        *end = 0;
        if (!strstr(request, "..")) {
            snprintf(path, sizeof path, "%s/%s", root, request[5] ? request + 5 : "index.html");
            if ((file = open(path, O_RDONLY)) >= 0) {
                length = read(file, body, sizeof body);
                close(file);
            }
        }
    }
    if (length >= 0) {
        n = snprintf(path, sizeof path, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n", length);
        if (write(fd, path, n) == n && write(fd, body, length) == length)
            keep(body, length);
    } else {
        n = snprintf(path, sizeof path, "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        if (write(fd, path, n) != n)
            length = -1;
    }
    served++;
    if (log) {
        fprintf(log, "%ld %s %d\n", (long)time(0), request, length >= 0 ? 200 : 404);
        fflush(log);
    }
    close(fd);
}

int main(int argc, char **argv)
{
    const char *conf = "/etc/tidy-web/tidy-web.conf";
    struct sigaction act;
    struct pollfd ear[2];
    char line[64];
    FILE *log;
    int option, client;

    while ((option = getopt(argc, argv, "c:")) != -1) {
        if (option != 'c')
            return 2;
        conf = optarg;
    }
    if (!read_conf(conf))
        return 1;
    memset(&act, 0, sizeof act);
    act.sa_handler = on_signal;
    sigaction(SIGTERM, &act, 0);
    sigaction(SIGINT, &act, 0);
    sigaction(SIGHUP, &act, 0);
    load_count();
    log = fopen(access_log, "a");
    ear[0].fd = listen_http();
    ear[1].fd = listen_control();
    ear[0].events = ear[1].events = POLLIN;
    while (!stop) {
        if (reopen) {
            reopen = 0;
            if (log)
                fclose(log);
            log = fopen(access_log, "a");
        }
        if (poll(ear, 2, -1) <= 0)
            continue;
        if (ear[0].revents)
            serve(accept(ear[0].fd, 0, 0), log);
        if (ear[1].revents && (client = accept(ear[1].fd, 0, 0)) >= 0) {
            int n = snprintf(line, sizeof line, "served %ld\n", served);
            if (write(client, line, n) != n)
                perror(control);
            close(client);
        }
    }
    save_count();
    unlink(control);
    if (log)
        fclose(log);
    return 0;
}

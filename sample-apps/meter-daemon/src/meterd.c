/*
 * meterd: reads a utility meter at a serial port, keeps the readings in an SQLite file, answers
 * clients on a TCP port, and writes its own configuration back when a client changes a setting.
 *
 * A daemon of its time: starts as root, goes into the background by itself, writes its PID file,
 * then becomes an ordinary user. Every default is a constant; meterd.conf overrides them.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* From sqlite3.h, which a build of this sample need not have. */
struct sqlite3;
int sqlite3_open(const char *path, struct sqlite3 **db);
int sqlite3_exec(struct sqlite3 *, const char *sql, void *, void *, char **error);
int sqlite3_close(struct sqlite3 *);

static const char *conf_file = "/etc/meterd.conf";
static char db_dir[200] = "/opt/meterd/db";
static char log_file[200] = "/opt/meterd/log/meterd.log";
static char pid_file[200] = "/var/run/meterd.pid";
static char device[200] = "/dev/ttyS0";
static char user[32] = "meterd";
static int port = 7021;
static int interval = 60;
static volatile sig_atomic_t stop, reload;

static struct { const char *key; char *text; int *number; } settings[] = {
    { "database_dir", db_dir, 0 }, { "log_file", log_file, 0 }, { "pid_file", pid_file, 0 },
    { "device", device, 0 }, { "user", user, 0 }, { "port", 0, &port }, { "interval", 0, &interval },
};
#define N_SETTINGS (int)(sizeof settings / sizeof settings[0])

static void on_signal(int number)
{
    if (number == SIGHUP)
        reload = 1;
    else
        stop = 1;
}

static int set(const char *key, const char *value)
{
    for (int i = 0; i < N_SETTINGS; i++) {
        if (strcmp(settings[i].key, key))
            continue;
        if (settings[i].number)
            *settings[i].number = atoi(value);
        else
            snprintf(settings[i].text, i == 4 ? 32 : 200, "%s", value);
        return 1;
    }
    return 0;
}

static void read_conf(void)
{
    char line[256], *value, *end;
    FILE *f = fopen(conf_file, "r");

    if (!f) {
        perror(conf_file);
        exit(1);
    }
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#' || !(value = strstr(line, " = ")))
            continue;
        *value = 0;
        if ((end = strchr(value + 3, '\n')))
            *end = 0;
        set(line, value + 3);
    }
    fclose(f);
}

/* Settings changed by a client are written back, over the administrator's file. */
static void write_conf(void)
{
    FILE *f = fopen(conf_file, "w");

    if (!f) {
        syslog(LOG_ERR, "cannot save %s", conf_file);
        return;
    }
    fputs("# written by meterd\n", f);
    for (int i = 0; i < N_SETTINGS; i++)
        if (settings[i].number)
            fprintf(f, "%s = %d\n", settings[i].key, *settings[i].number);
        else
            fprintf(f, "%s = %s\n", settings[i].key, settings[i].text);
    fclose(f);
}

static void note(const char *what)
{
    char when[32];
    time_t now = time(0);
    FILE *f = fopen(log_file, "a");

    if (!f)
        return;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", localtime(&now));
    fprintf(f, "%s %s\n", when, what);
    fclose(f);
}

static void write_pid(void)
{
    FILE *f = fopen(pid_file, "w");

    if (f) {
        fprintf(f, "%d\n", getpid());
        fclose(f);
    }
}

static void become_user(void)
{
    struct passwd *pw = getpwnam(user);

    if (!pw || initgroups(user, pw->pw_gid) || setgid(pw->pw_gid) || setuid(pw->pw_uid)) {
        syslog(LOG_ERR, "cannot become %s", user);
        exit(1);
    }
}

static struct sqlite3 *open_db(void)
{
    char path[256];
    struct sqlite3 *db = 0;

    snprintf(path, sizeof path, "%s/readings.db", db_dir);
    if (sqlite3_open(path, &db)) {
        syslog(LOG_ERR, "cannot open %s", path);
        exit(1);
    }
    sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS reading (at INTEGER, value INTEGER)", 0, 0, 0);
    return db;
}

static void take_reading(struct sqlite3 *db)
{
    char raw[64], sql[128], path[256];
    int n, fd = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        note("meter does not answer");
        return;
    }
    write(fd, "/?!\r\n", 5);
    n = read(fd, raw, sizeof raw - 1);
    close(fd);
    raw[n > 0 ? n : 0] = 0;
    snprintf(sql, sizeof sql, "INSERT INTO reading VALUES (%ld, %d)", (long)time(0), atoi(raw));
    sqlite3_exec(db, sql, 0, 0, 0);

    /* The last value, for scripts that do not speak SQL. */
    snprintf(path, sizeof path, "%s/last", db_dir);
    if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644)) >= 0) {
        write(fd, raw, strlen(raw));
        close(fd);
    }
}

static int listen_on(int number)
{
    struct sockaddr_in any;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    memset(&any, 0, sizeof any);
    any.sin_family = AF_INET;
    any.sin_port = htons(number);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) || listen(fd, 8)) {
        syslog(LOG_ERR, "cannot listen on port %d", number);
        exit(1);
    }
    return fd;
}

/* "set KEY VALUE" is the one request there is. */
static void serve(int fd)
{
    char line[256], *value;
    int n = read(fd, line, sizeof line - 1);

    line[n > 0 ? n : 0] = 0;
    if ((value = strchr(line, '\n')))
        *value = 0;
    if (!strncmp(line, "set ", 4) && (value = strchr(line + 4, ' '))) {
        *value++ = 0;
        if (set(line + 4, value)) {
            write_conf();
            write(fd, "ok\n", 3);
        }
    }
    close(fd);
}

int main(int argc, char **argv)
{
    struct sigaction act;
    struct sqlite3 *db;
    struct pollfd ear;
    time_t next = 0;
    int option, foreground = 0;

    while ((option = getopt(argc, argv, "c:f")) != -1) {
        if (option == 'c')
            conf_file = optarg;
        else if (option == 'f')
            foreground = 1;
        else
            return 2;
    }
    read_conf();
    openlog("meterd", LOG_PID, LOG_DAEMON);
    ear.fd = listen_on(port);
    ear.events = POLLIN;
    if (!foreground && daemon(0, 0)) {
        perror("daemon");
        return 1;
    }
    umask(022);
    write_pid();
    become_user();

    memset(&act, 0, sizeof act);
    act.sa_handler = on_signal;
    sigaction(SIGHUP, &act, 0);
    sigaction(SIGTERM, &act, 0);
    db = open_db();
    note("started");
    while (!stop) {
        if (reload) {
            reload = 0;
            read_conf();
        }
        if (time(0) >= next) {
            take_reading(db);
            next = time(0) + interval;
        }
        if (poll(&ear, 1, 1000) == 1)
            serve(accept(ear.fd, 0, 0));
    }
    sqlite3_close(db);
    note("stopped");
    return 0;
}

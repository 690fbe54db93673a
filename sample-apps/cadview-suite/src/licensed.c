/*
 * cvlmd: the vendor's licence daemon, never ported to 64 bits. Reads the licence file, holds a lock
 * file so that only one runs on a host, and answers on a TCP port.
 *
 * The few declarations stand here because a build of this sample need not have 32-bit headers.
 */
struct file;
extern struct file *fopen(const char *path, const char *mode);
extern int fclose(struct file *);
extern char *fgets(char *, int, struct file *);
extern int fprintf(struct file *, const char *format, ...);
extern int open(const char *path, int flags, ...);
extern int daemon(int nochdir, int noclose);
extern int getpid(void);
extern long gethostid(void);
extern int gethostname(char *, unsigned);
extern int strncmp(const char *, const char *, unsigned);
extern int socket(int, int, int);
extern int bind(int, const void *, unsigned);
extern int listen(int, int);
extern int accept(int, void *, void *);
extern int write(int, const void *, unsigned);
extern int close(int);

int main(int argc, char **argv)
{
    const char *licence = argc > 1 ? argv[1] : "/opt/cadview/license/cadview.lic";
    const unsigned char any[16] = { 2, 0, 27001 >> 8, 27001 & 255 }; /* AF_INET, port 27001 */
    char line[256], host[64];
    struct file *f, *log;
    int s, client, bound = 0;

    if (open("/var/tmp/lockcvlmd", 0x42 /* O_RDWR | O_CREAT */, 0644) < 0)
        return 1;
    gethostname(host, sizeof host);
    if (!(f = fopen(licence, "r")))
        return 1;
    while (fgets(line, sizeof line, f))
        if (!strncmp(line, "SERVER ", 7))
            bound = 1;
    fclose(f);
    daemon(1, 0);
    if ((log = fopen("/opt/cadview/log/cvlmd.log", "a"))) {
        fprintf(log, "cvlmd %d on %s (%08lX), licence %s\n", getpid(), host, gethostid(), licence);
        fclose(log);
    }
    s = socket(2, 1, 0);
    if (!bound || bind(s, any, sizeof any) || listen(s, 4))
        return 1;
    while ((client = accept(s, 0, 0)) >= 0) {
        write(client, "granted\n", 8);
        close(client);
    }
    return 0;
}

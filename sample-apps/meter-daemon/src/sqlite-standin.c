/* Takes the place of libsqlite3: the names that meterd calls. */
int sqlite3_open(const char *path, void **db) { (void)path; *db = 0; return 0; }
int sqlite3_exec(void *db, const char *sql, void *f, void *a, char **e) { (void)db; (void)sql; (void)f; (void)a; (void)e; return 0; }
int sqlite3_close(void *db) { (void)db; return 0; }

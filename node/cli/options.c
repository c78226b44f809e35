#define _POSIX_C_SOURCE 200809L
#include "node/cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "node/config/suggest.h"
#include "node/exit_codes.h"

extern char **environ;

/* How much of a mistyped word is repeated, in bytes. */
#define WORD_SHOWN 64

int node_cli_fail(const struct node_cli *cli, FILE *err, int code, const char *format, ...)
{
    va_list args;
    fprintf(err, "tandem %s: ", cli->spec->command);
    va_start(args, format);
    vfprintf(err, format, args);
    va_end(args);
    fputc('\n', err);
    return code;
}

/* A mistake in the words: what, and the first line of the usage. */
__attribute__((format(printf, 3, 4))) static int mistake(const struct node_cli *cli, FILE *err,
                                                         const char *format, ...)
{
    va_list args;
    fprintf(err, "tandem %s: ", cli->spec->command);
    va_start(args, format);
    vfprintf(err, format, args);
    va_end(args);
    fprintf(err, "\n%.*s\n", (int)strcspn(cli->spec->usage, "\n"), cli->spec->usage);
    return NODE_EXIT_USAGE;
}

bool node_cli_number(uint64_t *out, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *out = v;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && v >= least &&
           v <= most;
}

/* ---- flags */

struct cursor {
    int argc, at;
    char **argv;
};

/* Whether argv[at] is the flag `name`.  One with a value has it behind "=" or as the next word;
 * *value stays NULL when there is none. */
static bool is_flag(struct cursor *c, const char *name, bool valued, const char **value)
{
    const char *word = c->argv[c->at];
    size_t len = strlen(name);
    *value = NULL;
    if (strncmp(word, name, len) != 0 || (word[len] != '\0' && !(valued && word[len] == '=')))
        return false;
    if (valued && word[len] == '=')
        *value = word + len + 1;
    else if (valued && c->at + 1 < c->argc)
        *value = c->argv[++c->at];
    return true;
}

static int add_setting(struct node_cli *cli, FILE *err, const char *name, const char *value)
{
    if (cli->setting_count == NODE_CLI_SETTINGS_MAX)
        return mistake(cli, err, "more than %u options; put them into tandem.toml",
                       NODE_CLI_SETTINGS_MAX);
    cli->settings[cli->setting_count].name = name;
    cli->settings[cli->setting_count++].value = value;
    return NODE_EXIT_OK;
}

static const struct {
    const char *flag, *setting;
} GLOBAL_SETTINGS[] = {
    {"--log-level", "log.level"},
    {"--log-format", "log.format"},
};

/* --section.key.  The name is copied, as argv has the value in the same word. */
static int take_setting(struct node_cli *cli, FILE *err, struct cursor *c)
{
    const char *word = c->argv[c->at] + 2;
    size_t len = strcspn(word, "=");
    char *name = cli->setting_names[cli->setting_count % NODE_CLI_SETTINGS_MAX];
    const char *value = NULL;
    if (len >= sizeof cli->setting_names[0])
        return mistake(cli, err, "unknown option \"--%.*s\"", WORD_SHOWN, word);
    if (word[len] == '=')
        value = word + len + 1;
    else if (c->at + 1 < c->argc)
        value = c->argv[++c->at];
    if (value == NULL)
        return mistake(cli, err, "a value is missing after --%s", word);
    if (cli->setting_count < NODE_CLI_SETTINGS_MAX) {
        memcpy(name, word, len);
        name[len] = '\0';
    }
    return add_setting(cli, err, name, value);
}

static _Thread_local const struct node_cli_spec *suggest_spec;

static const char *const GLOBALS[] = {"--home",     "--config", "--log-level", "--log-format",
                                      "--no-color", "--json",   "--help"};
#define GLOBALS_COUNT (sizeof GLOBALS / sizeof GLOBALS[0])

static const char *flag_name(size_t i)
{
    return i < GLOBALS_COUNT ? GLOBALS[i] : suggest_spec->flags[i - GLOBALS_COUNT].name;
}

static int unknown_flag(struct node_cli *cli, FILE *err, const char *word)
{
    char name[NODE_SUGGEST_BYTES_MAX + 1u];
    size_t count = GLOBALS_COUNT + cli->spec->flag_count;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    suggest_spec = cli->spec;
    size_t near = node_suggest(name, flag_name, count);
    return mistake(cli, err, "unknown option \"%.*s\"%s%s%s", WORD_SHOWN, word,
                   near < count ? "; did you mean " : "", near < count ? flag_name(near) : "",
                   near < count ? "?" : "");
}

/* A flag of the command itself.  *taken says whether it was one. */
static int take_own(struct node_cli *cli, FILE *err, struct cursor *c, bool *taken)
{
    const char *word = c->argv[c->at], *value;
    for (size_t i = 0; i < cli->spec->flag_count; i++) {
        const struct node_cli_flag *f = &cli->spec->flags[i];
        if (!is_flag(c, f->name, f->value != NULL, &value))
            continue;
        *taken = true;
        if (f->value == NULL)
            *f->seen = true;
        else if (value == NULL)
            return mistake(cli, err, "a value is missing after %s", word);
        else
            *f->value = value;
        return NODE_EXIT_OK;
    }
    return NODE_EXIT_OK;
}

static int set_path(struct node_cli *cli, FILE *err, char out[NODE_PATH_BYTES], const char *name,
                    const char *value)
{
    if (value == NULL || value[0] == '\0')
        return mistake(cli, err, "a path is missing after %s", name);
    if (strlen(value) >= NODE_PATH_BYTES)
        return mistake(cli, err, "the path after %s is longer than the system allows", name);
    strcpy(out, value);
    return NODE_EXIT_OK;
}

static int take_global(struct node_cli *cli, FILE *err, struct cursor *c, bool *taken)
{
    const char *value;
    *taken = true;
    if (is_flag(c, "--json", false, &value)) {
        cli->json = true;
    } else if (is_flag(c, "--no-color", false, &value)) {
        cli->color = false;
    } else if (is_flag(c, "-v", false, &value)) {
        cli->verbose = true;
        return add_setting(cli, err, "log.level", "debug");
    } else if (is_flag(c, "--help", false, &value) || is_flag(c, "-h", false, &value)) {
        cli->help = true;
    } else if (is_flag(c, "--home", true, &value) || is_flag(c, "--node.home", true, &value)) {
        cli->home_given = true;
        return set_path(cli, err, cli->home, "--home", value);
    } else if (is_flag(c, "--config", true, &value)) {
        cli->file_named = true;
        return set_path(cli, err, cli->file, "--config", value);
    } else {
        for (size_t i = 0; i < sizeof GLOBAL_SETTINGS / sizeof GLOBAL_SETTINGS[0]; i++) {
            if (!is_flag(c, GLOBAL_SETTINGS[i].flag, true, &value))
                continue;
            return value == NULL
                       ? mistake(cli, err, "a value is missing after %s", GLOBAL_SETTINGS[i].flag)
                       : add_setting(cli, err, GLOBAL_SETTINGS[i].setting, value);
        }
        *taken = false;
    }
    return NODE_EXIT_OK;
}

static int take(struct node_cli *cli, FILE *err, struct cursor *c)
{
    const char *word = c->argv[c->at];
    bool taken = false;
    int code = take_own(cli, err, c, &taken);
    if (!taken && code == NODE_EXIT_OK)
        code = take_global(cli, err, c, &taken);
    if (taken || code != NODE_EXIT_OK)
        return code;
    if (strncmp(word, "--", 2) == 0 && memchr(word, '.', strcspn(word, "=")) != NULL)
        return take_setting(cli, err, c);
    if (word[0] == '-' && word[1] != '\0')
        return unknown_flag(cli, err, word);
    if (cli->word_count == cli->spec->words_max)
        return mistake(cli, err, "unexpected argument \"%.*s\"", WORD_SHOWN, word);
    cli->words[cli->word_count++] = word;
    return NODE_EXIT_OK;
}

/* Invariant 2, as far as it goes without the file. */
static int place(struct node_cli *cli, FILE *err)
{
    static const char *const homes[] = {"TANDEM_HOME", "TANDEM_NODE_HOME"};
    for (size_t i = 0; i < 2 && !cli->home_given; i++) {
        const char *value = getenv(homes[i]);
        if (value == NULL || value[0] == '\0')
            continue;
        if (strlen(value) >= sizeof cli->home)
            return mistake(cli, err, "%s is longer than the system allows", homes[i]);
        strcpy(cli->home, value);
        cli->home_given = true;
    }
    const char *user = getenv("HOME");
    if (!cli->home_given &&
        (size_t)snprintf(cli->home, sizeof cli->home, "%s/.tandem",
                         user == NULL || user[0] == '\0' ? "." : user) >= sizeof cli->home)
        return mistake(cli, err, "HOME is longer than the system allows");
    const char *file = getenv("TANDEM_CONFIG");
    if (!cli->file_named && file != NULL && file[0] != '\0') {
        cli->file_named = true;
        return set_path(cli, err, cli->file, "TANDEM_CONFIG", file);
    }
    if (!cli->file_named)
        node_cli_home_path(cli->file, cli, "tandem.toml");
    return NODE_EXIT_OK;
}

int node_cli_parse(struct node_cli *cli, const struct node_cli_spec *spec, FILE *out, FILE *err,
                   int argc, char **argv)
{
    TD_ASSERT(spec->words_max <= NODE_CLI_WORDS_MAX);
    memset(cli, 0, sizeof *cli);
    cli->spec = spec;
    const char *quiet = getenv("NO_COLOR");
    cli->color = isatty(STDOUT_FILENO) == 1 && (quiet == NULL || quiet[0] == '\0');
    struct cursor c = {.argc = argc, .at = 1, .argv = argv};
    for (; c.at < argc; c.at++) {
        int code = take(cli, err, &c);
        if (code != NODE_EXIT_OK)
            return code;
    }
    if (cli->help) {
        fprintf(
            out,
            "%s\n\nEverywhere: --home DIR, --config FILE, --log-level L, --log-format text|json, "
            "--json, --no-color,\n-v, and --section.key=VALUE for every option of `tandem config "
            "defaults`.\n",
            spec->usage);
        return NODE_EXIT_OK;
    }
    if (cli->word_count < spec->words_min)
        return mistake(cli, err, "an argument is missing");
    return place(cli, err);
}

/* ---- the configuration */

/* The whole file; NULL with errno when it cannot be had. */
static char *read_file(const char *path, size_t *len)
{
    size_t cap = NODE_TOML_BYTES_MAX + 1u; /* one more, so that the reader sees it is too long */
    char *text = malloc(cap);
    FILE *f = fopen(path, "rbe");
    TD_ASSERT(text != NULL);
    errno = f == NULL ? errno : 0;
    *len = f == NULL ? 0 : fread(text, 1, cap, f);
    int kept = f != NULL && ferror(f) ? (errno != 0 ? errno : EIO) : errno;
    bool good = f != NULL && !ferror(f);
    if (f != NULL)
        fclose(f);
    if (good)
        return text;
    free(text);
    errno = kept;
    return NULL;
}

static int load_file(struct node_cli *cli, FILE *err)
{
    struct node_config_error why;
    size_t len = 0;
    char *text = read_file(cli->file, &len);
    if (text == NULL && errno == ENOENT && !cli->file_named)
        return NODE_EXIT_OK;
    if (text == NULL)
        return node_cli_fail(cli, err, errno == ENOENT ? NODE_EXIT_NO_INPUT : NODE_EXIT_IO,
                             "%s: %s\n`tandem init` writes one; --config names another", cli->file,
                             strerror(errno));
    enum td_error e = node_config_file(&cli->config, &why, cli->file, td_bytes_of(text, len));
    free(text);
    return e == TD_OK ? NODE_EXIT_OK : node_cli_fail(cli, err, NODE_EXIT_CONFIG, "%s", why.text);
}

int node_cli_load(struct node_cli *cli, FILE *err)
{
    struct node_config_error why;
    node_config_init(&cli->config);
    cli->loaded = true;
    int code = load_file(cli, err);
    if (code != NODE_EXIT_OK)
        return code;
    if (node_config_environment(&cli->config, &why, environ) != TD_OK)
        return node_cli_fail(cli, err, NODE_EXIT_CONFIG, "%s", why.text);
    for (size_t i = 0; i < cli->setting_count; i++)
        if (node_config_flag(&cli->config, &why, cli->settings[i].name, cli->settings[i].value) !=
            TD_OK)
            return node_cli_fail(cli, err, NODE_EXIT_CONFIG, "%s", why.text);
    const char *moved = node_config_text(&cli->config, NODE_OPT_NODE_HOME);
    if (!cli->home_given && moved[0] != '\0')
        snprintf(cli->home, sizeof cli->home, "%s", moved); /* at most NODE_OPTION_TEXT_MAX */
    return NODE_EXIT_OK;
}

void node_cli_free(struct node_cli *cli)
{
    if (cli->loaded)
        node_config_reset(&cli->config);
    cli->loaded = false;
}

/* A path too long for the system stays a path that cannot be opened. */
static void join(char out[NODE_PATH_BYTES], const char *folder, const char *name)
{
    int len = snprintf(out, NODE_PATH_BYTES, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= NODE_PATH_BYTES)
        out[0] = '\0';
}

void node_cli_home_path(char out[NODE_PATH_BYTES], const struct node_cli *cli, const char *name)
{
    join(out, cli->home, name);
}

void node_cli_path(char out[NODE_PATH_BYTES], const struct node_cli *cli, enum node_option option,
                   const char *fallback)
{
    const char *text = node_config_text(&cli->config, option);
    if (text[0] == '/')
        snprintf(out, NODE_PATH_BYTES, "%s", text);
    else
        join(out, cli->home, text[0] == '\0' ? fallback : text);
}

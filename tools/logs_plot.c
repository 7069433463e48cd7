/* SPDX-License-Identifier: MIT */
/*
 * logs_plot.c: pictures, by gnuplot.
 *
 * A log of a million rows would be a million points in an image that is a thousand wide: of so many rows in a group
 * only the smallest and the largest value are drawn, so that no spike is lost.
 */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gnuplot.h"
#include "logs.h"
#include "replacement.h"
#include "text.h"

enum {
    GROUP_COUNT_MAX = 1000,
    POINTS_SHOWN_MAX = 60, /* of more, lines alone say as much */
    SVG_WIDTH = 900,
    SVG_HEIGHT = 260, /* of one log */
    TEXT_COLUMNS = 79,
    TEXT_ROWS = 16,
};

static const double SPAN_MIN = 1e-12; /* of an axis, relative to the numbers on it */

struct range {
    double min, max;
    size_t count;
};

static bool is_drawn(double value)
{
    return h5ckpt_was_logged(value) && isfinite(value);
}

static struct range range_of(const struct logs *logs, size_t log)
{
    struct range range = {INFINITY, -INFINITY, 0};

    for (size_t row = 0; row < logs->row_count; row++) {
        const double value = logs->value[log][row];
        if (!is_drawn(value))
            continue;
        range.count++;
        range.min = value < range.min ? value : range.min;
        range.max = value > range.max ? value : range.max;
    }
    return range;
}

/* A loop that calls only the hooks of epochs counts no steps. */
static bool are_steps_counted(const struct logs *logs)
{
    const size_t last = logs->row_count - 1;

    return logs->step[0] != logs->step[last] || logs->epoch[0] == logs->epoch[last];
}

static const uint64_t *place_of_rows(const struct logs *logs)
{
    return are_steps_counted(logs) ? logs->step : logs->epoch;
}

/* ---------------------------------------------------------------------- script */

static void put_point(FILE *to, const struct logs *logs, size_t log, size_t row)
{
    fprintf(to, "%" PRIu64 " %.17g\n", place_of_rows(logs)[row], logs->value[log][row]);
}

/* The two of a group, in the order in which they came. */
static void put_group(FILE *to, const struct logs *logs, size_t log, size_t smallest, size_t largest)
{
    put_point(to, logs, log, smallest < largest ? smallest : largest);
    if (smallest != largest)
        put_point(to, logs, log, smallest < largest ? largest : smallest);
}

static void put_data(FILE *to, const struct logs *logs, size_t log, size_t count)
{
    const double *value = logs->value[log];
    const size_t group = 1 + (count - 1) / GROUP_COUNT_MAX;
    size_t in_group = 0;
    size_t smallest = 0;
    size_t largest = 0;

    fputs("$log << END\n", to);
    for (size_t row = 0; row < logs->row_count; row++) {
        if (!is_drawn(value[row]))
            continue;
        if (in_group == 0 || value[row] < value[smallest])
            smallest = row;
        if (in_group == 0 || value[row] > value[largest])
            largest = row;
        if (++in_group == group) {
            put_group(to, logs, log, smallest, largest);
            in_group = 0;
        }
    }
    if (in_group != 0)
        put_group(to, logs, log, smallest, largest);
    fputs("END\n", to);
}

/*
 * gnuplot would say something of an empty range, or of one too small to be divided: who differs by so little is drawn
 * as equal.
 */
static void put_range(FILE *to, const char *axis, double min, double max)
{
    const double magnitude = fmax(fabs(min), fabs(max));
    const double margin = max - min > magnitude * SPAN_MIN ? 0 : 0.5 + magnitude / 10;

    fprintf(to, "set %srange [%.17g:%.17g]\n", axis, fmax(min - margin, -DBL_MAX), fmin(max + margin, DBL_MAX));
}

static void put_log(FILE *to, const struct logs *logs, size_t log, const struct range *range)
{
    const uint64_t *place = place_of_rows(logs);
    char *name = text_escape(logs->name[log]);

    put_data(to, logs, log, range->count);
    put_range(to, "x", (double)place[0], (double)place[logs->row_count - 1]);
    put_range(to, "y", range->min, range->max);
    fputs("set title ", to);
    gnuplot_put_string(to, name);
    fprintf(to, "\nplot $log using 1:2 with %s notitle\n",
            range->count <= POINTS_SHOWN_MAX ? "linespoints pointtype 7 pointsize 0.4" : "lines");
    free(name);
}

static size_t count_drawn(const struct logs *logs)
{
    size_t count = 0;

    for (size_t log = 0; log < logs->log_count; log++)
        count += range_of(logs, log).count > 0;
    return count;
}

static void put_logs(FILE *to, const struct logs *logs)
{
    fprintf(to, "set xlabel '%s'\n", are_steps_counted(logs) ? "step" : "epoch");
    for (size_t log = 0; log < logs->log_count; log++) {
        const struct range range = range_of(logs, log);
        if (range.count > 0)
            put_log(to, logs, log, &range);
    }
}

/* --------------------------------------------------------------------- drawing */

static bool start(struct child *gnuplot, int output)
{
    const int error = gnuplot_start(gnuplot, output);

    if (error == ENOENT)
        text_complain("cannot draw: %s", GNUPLOT_MISSING);
    else if (error != 0)
        text_complain("cannot draw: gnuplot cannot be started: %s", strerror(error));
    else
        fputs("set encoding utf8\n", gnuplot->to);
    return error == 0;
}

static bool is_anything_to_draw(const struct logs *logs)
{
    if (count_drawn(logs) > 0)
        return true;
    text_complain("there is nothing to draw: '%s' holds no log with a finite value", logs->directory);
    return false;
}

static bool end(struct child *gnuplot)
{
    const bool drawn = child_end(gnuplot);

    if (!drawn)
        text_complain("gnuplot could not draw");
    return drawn;
}

static bool draw_svg(const struct logs *logs, int output)
{
    const size_t count = count_drawn(logs);
    struct child gnuplot;

    signal(SIGPIPE, SIG_IGN);
    if (!start(&gnuplot, output))
        return false;
    fprintf(gnuplot.to,
            "set terminal svg size %d, %zu noenhanced font 'sans,13' background 'white'\nset grid\nset multiplot "
            "layout %zu, "
            "1\n",
            SVG_WIDTH, SVG_HEIGHT * count, count);
    put_logs(gnuplot.to, logs);
    fputs("unset multiplot\n", gnuplot.to);
    return end(&gnuplot);
}

bool logs_draw_svg(const struct logs *logs, const char *path)
{
    struct replacement image;
    bool drawn;
    int error;

    if (!is_anything_to_draw(logs))
        return false;
    error = replacement_begin(&image, path);
    if (error == 0) {
        drawn = draw_svg(logs, image.output);
        error = replacement_end(&image, drawn);
        if (error == 0)
            return drawn;
    }
    text_complain("cannot write '%s': %s", path, strerror(error));
    return false;
}

/* As wide as the terminal, or as one usually is. */
static int width_of_output(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col <= TEXT_COLUMNS / 2)
        return TEXT_COLUMNS;
    return size.ws_col - 1;
}

bool logs_draw_text(const struct logs *logs)
{
    struct child gnuplot;

    if (!is_anything_to_draw(logs))
        return false;
    fflush(stdout); /* before gnuplot writes there */
    signal(SIGPIPE, SIG_IGN);
    if (!start(&gnuplot, STDOUT_FILENO))
        return false;
    fprintf(gnuplot.to, "set terminal dumb nofeed noenhanced size %d, %d\n", width_of_output(), TEXT_ROWS);
    put_logs(gnuplot.to, logs);
    if (!end(&gnuplot))
        return false;
    putchar('\n'); /* gnuplot leaves its last line open */
    return true;
}

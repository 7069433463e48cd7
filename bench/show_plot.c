/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failure.h"
#include "gnuplot.h"
#include "show.h"

enum { WIDTH = 900, BAR_HEIGHT = 44, CURVES_HEIGHT = 420, FRAME_HEIGHT = 110, TITLE_HEIGHT = 40 };

/* ---------------------------------------------------------------------- gnuplot */

static void start_gnuplot(struct child *gnuplot, int output)
{
    const int error = gnuplot_start(gnuplot, output);

    if (error == ENOENT)
        fail("--plot: " GNUPLOT_MISSING);
    errno = error;
    if (error != 0)
        fail_system("cannot start gnuplot");
}

void show_plot_check(void)
{
    struct child gnuplot;

    start_gnuplot(&gnuplot, CHILD_OUTPUT_PIPE);
    if (!child_end(&gnuplot))
        fail("gnuplot does not work here");
}

/* ------------------------------------------------------------------------- bars */

static size_t bar_count(const struct measure *measure)
{
    size_t count = 0;

    for (size_t i = 0; i < measure->ratio_count; i++)
        count += measure->ratios[i].values != NULL;
    return count;
}

/* The first ratio on top: "y min median max", y counting down. */
static void put_bars_data(FILE *to, const struct measure *measure)
{
    size_t y = bar_count(measure);

    fputs("$bars << END\n", to);
    for (size_t i = 0; i < measure->ratio_count; i++) {
        if (measure->ratios[i].values == NULL)
            continue;
        const struct summary summary = summary_of(measure->ratios[i].values, measure->repeat_count);
        fprintf(to, "%zu %.6g %.6g %.6g\n", --y, summary.min, summary.median, summary.max);
    }
    fputs("END\n", to);
}

/* What was compared in two lines, with the median, for its bar may be too short to be seen. */
static void put_bars_labels(FILE *to, const struct measure *measure)
{
    char name[REPORT_NAME_BYTES];
    size_t y = bar_count(measure);
    const char *separator = "";

    fputs("set ytics (", to);
    for (size_t i = 0; i < measure->ratio_count; i++) {
        const struct ratio *ratio = &measure->ratios[i];
        if (ratio->values == NULL)
            continue;
        fprintf(to, "%ssprintf(\"%%s\\n/ %%s: %.3g\", ", separator,
                summary_of(ratio->values, measure->repeat_count).median);
        gnuplot_put_string(to, measure->contenders[ratio->of].name);
        fputs(", ", to);
        gnuplot_put_string(to, report_yardstick_name(measure, ratio, name));
        fprintf(to, ") %zu", --y);
        separator = ", ";
    }
    fputs(")\n", to);
}

/* From 1 to the left for what takes less than the yardstick, to the right for what takes more. */
static void put_bars(FILE *to, const struct measure *measure)
{
    put_bars_data(to, measure);
    put_bars_labels(to, measure);
    fprintf(to, "set yrange [-0.6:%zu - 0.4]\n", bar_count(measure));
    fputs("set logscale x 2\n"
          "set xrange [*<0.5:2<*]\n"
          "set format x '%.3g'\n"
          "set xlabel 'median ratio, from the least to the largest'\n"
          "set arrow from 1, graph 0 to 1, graph 1 nohead back\n"
          "plot $bars using 3:1:(1):3:($1-0.25):($1+0.25) with boxxyerror notitle fill solid 0.4 linecolor 3, "
          "$bars using 3:1:2:4 with xerrorbars notitle pointtype 0 linecolor 'black'\n",
          to);
}

/* ----------------------------------------------------------------------- curves */

static void put_curve_data(FILE *to, const struct measure *measure, const char *series, int number)
{
    fprintf(to, "$curve%d << END\n", number);
    for (size_t i = 0; i < measure->ratio_count; i++) {
        const struct ratio *ratio = &measure->ratios[i];
        if (ratio->values == NULL || strcmp(ratio->series, series) != 0)
            continue;
        const struct summary summary = summary_of(ratio->values, measure->repeat_count);
        fprintf(to, "%.6g %.6g %.6g %.6g\n", ratio->x, summary.min, summary.median, summary.max);
    }
    fputs("END\n", to);
}

/* The ratios of a series follow one another. */
static bool begins_series(const struct measure *measure, size_t i)
{
    return i == 0 || strcmp(measure->ratios[i].series, measure->ratios[i - 1].series) != 0;
}

/* A little beyond the outermost points: gnuplot would say something of a single one. */
static void put_axis(FILE *to, const struct measure *measure)
{
    double min = INFINITY;
    double max = 0;

    for (size_t i = 0; i < measure->ratio_count; i++) {
        const double x = measure->ratios[i].x;
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    if (measure->axis_linear)
        fprintf(to, "set xrange [%.6g:%.6g]\n", min - (max - min) / 20, max + (max - min) / 20);
    else
        fprintf(to, "set logscale x\nset xrange [%.6g:%.6g]\n", min / 1.5, max * 1.5);
    fputs("set xlabel ", to);
    gnuplot_put_string(to, measure->axis);
    putc('\n', to);
}

static void put_curves(FILE *to, const struct measure *measure)
{
    int count = 0;

    put_axis(to, measure);
    for (size_t i = 0; i < measure->ratio_count; i++)
        if (begins_series(measure, i))
            put_curve_data(to, measure, measure->ratios[i].series, count++);
    fputs("set ylabel 'median ratio, from the least to the largest'\nset yrange [0:*]\n"
          "set arrow from graph 0, first 1 to graph 1, first 1 nohead dashtype 2 back\nplot ",
          to);
    count = 0;
    for (size_t i = 0; i < measure->ratio_count; i++) {
        if (!begins_series(measure, i))
            continue;
        fprintf(to, "%s$curve%d using 1:3:2:4 with yerrorlines title ", count == 0 ? "" : ", ", count);
        gnuplot_put_string(to, measure->ratios[i].series);
        count++;
    }
    putc('\n', to);
}

/* ------------------------------------------------------------------------ image */

/* 0: there is nothing to be drawn. */
static int height_of(const struct measure *measure)
{
    if (bar_count(measure) == 0)
        return 0;
    return measure->axis != NULL ? CURVES_HEIGHT : FRAME_HEIGHT + BAR_HEIGHT * (int)bar_count(measure);
}

/*
 * From `top` pixels below the upper end of an image of `total` pixels; gnuplot counts in shares of it, from its lower
 * end.
 */
static void put_place(FILE *to, int top, int height, int total)
{
    fprintf(to, "set origin 0, %.6f\nset size 1, %.6f\n", (double)(total - top - height) / total,
            (double)(height - TITLE_HEIGHT) / total);
    fprintf(to, "set label 1 at screen 0.5, screen %.6f center\n", (double)(total - top - TITLE_HEIGHT / 2) / total);
}

static void put_measure(FILE *to, const struct report *report, const struct measure *measure, int top, int total)
{
    char title[256];

    snprintf(title, sizeof title, "%s: %s", report->command, measure->title);
    fputs("reset\nset label 1 ", to);
    gnuplot_put_string(to, title);
    putc('\n', to);
    put_place(to, top, height_of(measure), total);
    fputs("set grid xtics\n", to);
    if (measure->axis != NULL)
        put_curves(to, measure);
    else
        put_bars(to, measure);
}

static void put_image(FILE *to, const struct report *report)
{
    int total = 0;
    int top = 0;

    for (size_t i = 0; i < report->measure_count; i++)
        total += height_of(&report->measures[i]);
    fprintf(to, "set terminal svg size %d, %d noenhanced font 'sans,13' background 'white'\nset multiplot\n", WIDTH,
            total);
    for (size_t i = 0; i < report->measure_count; i++) {
        const int height = height_of(&report->measures[i]);
        if (height > 0)
            put_measure(to, report, &report->measures[i], top, total);
        top += height;
    }
    fputs("unset multiplot\n", to);
}

void show_plot(const struct report *report, const char *path)
{
    const int output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    struct child gnuplot;

    if (output < 0)
        fail_system("cannot write '%s'", path);
    start_gnuplot(&gnuplot, output);
    put_image(gnuplot.to, report);
    if (!child_end(&gnuplot) || close(output) < 0)
        fail("gnuplot could not draw '%s'", path);
}

/* SPDX-License-Identifier: MIT */
#include "crash/states.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crash/seen.h"

enum { UNIT_COUNT_MAX = 1 << 14 };

void states_begin(struct states *states, uint64_t seed)
{
    states->image = simfs_new(seed);
    states->unit = zeroed_or_abort(UNIT_COUNT_MAX, sizeof *states->unit);
    states->version = zeroed_or_abort(UNIT_COUNT_MAX, sizeof *states->version);
}

void states_end(struct states *states)
{
    simfs_free(states->image);
    free(states->unit);
    free(states->version);
}

static uint64_t draw(struct states *states, uint64_t bound)
{
    *states->random = seen_mix(*states->random);
    return *states->random % bound;
}

/* ------------------------------------------------------------------------ kills */

void states_of_kill(struct states *states, const struct simfs *replica, enum states_cache cache)
{
    simfs_image_after_kill(states->image, replica);
    snprintf(states->what, sizeof states->what, "kill");
    states->found(states->context, KILL_BETWEEN_CALLS);
    if (cache == STATES_CACHE_IS_DEVICE)
        return;
    for (int some = 0; some <= 1; some++) {
        simfs_image_after_kill(states->image, replica);
        simfs_evict(states->image, some ? SIMFS_SURVIVE_SOME : SIMFS_SURVIVE_NONE);
        snprintf(states->what, sizeof states->what, "kill, and %s clean pages were evicted", some ? "some" : "all");
        states->found(states->context, KILL_BETWEEN_CALLS);
    }
}

void states_of_cuts(struct states *states, const struct simfs *replica, const struct simfs_op *write)
{
    const size_t cut_count = (write->byte_count - 1) / SIMFS_SECTOR_BYTES;
    const size_t made_count = cut_count < states->effort.cut_count_max ? cut_count : states->effort.cut_count_max;

    for (size_t i = 0; i < made_count; i++) {
        size_t cut = made_count == cut_count ? i : draw(states, cut_count);
        simfs_image_after_kill(states->image, replica);
        simfs_replay_part(states->image, write, (cut + 1) * SIMFS_SECTOR_BYTES);
        snprintf(states->what, sizeof states->what, "kill inside it, after %zu sectors", cut + 1);
        states->found(states->context, KILL_INSIDE_A_WRITE);
    }
}

/* ------------------------------------------------------------------- power cuts */

/* "Sizes, names and sectors in flight": the version of each, the newest as '*'. */
static void describe_power_cut(struct states *states, size_t unit_count)
{
    size_t length = (size_t)snprintf(states->what, sizeof states->what, "power cut");
    uint64_t inode = 0;

    for (size_t i = 0; i < unit_count && length + 24 < sizeof states->what; i++) {
        const struct simfs_unit *unit = &states->unit[i];
        if (unit->inode != inode)
            length += (size_t)snprintf(states->what + length, sizeof states->what - length, "; inode %" PRIu64 ": ",
                                       unit->inode);
        inode = unit->inode;
        states->what[length++] =
            states->version[i] + 1 == unit->version_count ? '*' : (char)('0' + states->version[i] % 10);
        states->what[length] = '\0';
    }
}

static void make_power_cut(struct states *states, const struct simfs *replica, size_t unit_count)
{
    simfs_image_after_power_cut(states->image, replica, states->unit, states->version, unit_count);
    describe_power_cut(states, unit_count);
    states->found(states->context, POWER_CUT);
}

static void choose_all(struct states *states, size_t unit_count, bool newest)
{
    for (size_t i = 0; i < unit_count; i++)
        states->version[i] = newest ? states->unit[i].version_count - 1 : 0;
}

/* Are there few enough combinations of all versions? */
static bool are_few(const struct states *states, size_t unit_count)
{
    size_t count = 1;

    for (size_t i = 0; i < unit_count; i++) {
        count *= states->unit[i].version_count;
        if (count > states->effort.combination_count_max)
            return false;
    }
    return true;
}

static void make_combinations(struct states *states, const struct simfs *replica, size_t unit_count)
{
    size_t i = 0;

    choose_all(states, unit_count, false);
    do {
        make_power_cut(states, replica, unit_count);
        for (i = 0; i < unit_count && ++states->version[i] == states->unit[i].version_count; i++)
            states->version[i] = 0;
    } while (i < unit_count);
}

/* Each unit alone, the others all durable or all newest. */
static void make_singles(struct states *states, const struct simfs *replica, size_t unit_count)
{
    const size_t count_max = states->effort.single_count_max;
    const size_t made_count = unit_count < count_max ? unit_count : count_max;

    for (int newest = 0; newest <= 1; newest++) {
        choose_all(states, unit_count, newest);
        make_power_cut(states, replica, unit_count);
        for (size_t i = 0; i < made_count; i++) {
            size_t at = made_count == unit_count ? i : draw(states, unit_count);
            unsigned others = states->version[at];
            for (unsigned version = 0; version < states->unit[at].version_count; version++) {
                states->version[at] = version;
                if (version != others)
                    make_power_cut(states, replica, unit_count);
            }
            states->version[at] = others;
        }
    }
}

/* Does another group begin with unit i: another file's sectors, or a name or a size, each by itself? */
static bool begins_group(const struct states *states, size_t i)
{
    return i == 0 || states->unit[i].kind != SIMFS_UNIT_SECTOR || states->unit[i - 1].inode != states->unit[i].inode;
}

/* All of a file or none, each name, in all combinations or some. */
static void make_groups(struct states *states, const struct simfs *replica, size_t unit_count)
{
    size_t group_count = 0;

    for (size_t i = 0; i < unit_count; i++)
        group_count += begins_group(states, i);
    const size_t choice_count_max = states->effort.group_choice_count_max;
    const bool all = group_count < 32 && UINT64_C(1) << group_count <= choice_count_max;
    for (uint64_t choice = 0; choice < (all ? UINT64_C(1) << group_count : choice_count_max); choice++) {
        uint64_t bits = all ? choice : draw(states, UINT64_MAX);
        size_t group = 0;
        for (size_t i = 0; i < unit_count; i++) {
            group += i > 0 && begins_group(states, i);
            states->version[i] = (bits >> group % 64 & 1) != 0 ? states->unit[i].version_count - 1 : 0;
        }
        make_power_cut(states, replica, unit_count);
    }
}

/* Random versions: half of what is in flight durable, or nearly all, or hardly any. */
static void make_random(struct states *states, const struct simfs *replica, size_t unit_count)
{
    for (size_t n = 0; n < states->effort.random_count; n++) {
        const uint64_t eighths = (uint64_t[]){4, 1, 7}[n % 3];
        for (size_t i = 0; i < unit_count; i++)
            states->version[i] =
                draw(states, 8) >= eighths ? 0 : 1 + (unsigned)draw(states, states->unit[i].version_count - 1);
        make_power_cut(states, replica, unit_count);
    }
}

void states_of_power_cuts(struct states *states, const struct simfs *replica)
{
    size_t unit_count = simfs_units_in_flight(replica, states->unit, UNIT_COUNT_MAX);

    if (unit_count > UNIT_COUNT_MAX) {
        fputs("crash: too much in flight\n", stderr);
        abort();
    }
    if (are_few(states, unit_count)) {
        make_combinations(states, replica, unit_count);
        return;
    }
    make_singles(states, replica, unit_count);
    make_groups(states, replica, unit_count);
    make_random(states, replica, unit_count);
}

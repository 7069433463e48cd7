/* SPDX-License-Identifier: MIT */
/*
 * test_choose: every combination of what can be known of three slots, against the comment in choose.h, the promises P6
 * and P7, and what h5ckpt.h says of H5CKPT_PREVIOUS, said once more, naively.
 */
#include <stdio.h>

#include "recovery/choose.h"
#include "support/assert_h5ckpt.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What the lock's note tells; none unless a test says otherwise. */
static struct choose_witness witness;

enum { SLOTS = 3, STATE_COUNT = H5CKPT_SLOT_UNREADABLE + 1, SEQUENCE_COUNT = 3, BASE_COUNT = 3 };
enum { RECORDS_PER_SLOT = 2 * SEQUENCE_COUNT * BASE_COUNT, CASES_PER_SLOT = RECORDS_PER_SLOT * STATE_COUNT };

/* -------------------------------------------------------------------- oracle */

static bool is_intact(const struct plan_slot *slot)
{
    return slot->state == H5CKPT_SLOT_INTACT || slot->state == H5CKPT_SLOT_COMMITTED;
}

static bool is_abandoned(const struct plan_slot slot[SLOTS], unsigned which)
{
    for (unsigned other = 0; other < SLOTS; other++)
        if (slot[other].record_readable && slot[which].sequence > slot[other].base_sequence &&
            slot[which].sequence < slot[other].sequence)
            return true;
    return false;
}

static bool any_is(const struct plan_slot slot[SLOTS], enum h5ckpt_slot_state state)
{
    return slot[0].state == state || slot[1].state == state || slot[2].state == state;
}

/* The status that forbids any choice, H5CKPT_OK if none does; *state is that of the slot that is the reason. */
static h5ckpt_status refusal(const struct plan_slot slot[SLOTS], enum h5ckpt_slot_state *state)
{
    if (any_is(slot, *state = H5CKPT_SLOT_NEWER_VERSION))
        return H5CKPT_E_VERSION;
    if (any_is(slot, *state = H5CKPT_SLOT_FOREIGN))
        return H5CKPT_E_FOREIGN;
    if (any_is(slot, *state = H5CKPT_SLOT_UNREADABLE))
        return H5CKPT_E_SYSTEM;
    return H5CKPT_OK;
}

/* Is state `a` to be preferred to state `b`? */
static bool is_better(const struct plan_slot slot[SLOTS], unsigned a, unsigned b)
{
    if (is_abandoned(slot, a) != is_abandoned(slot, b))
        return is_abandoned(slot, b);
    return slot[a].sequence > slot[b].sequence;
}

/* How many states are to be preferred to that of `which`? The newest has 0, the one before it 1. */
static unsigned better_count(const struct plan_slot slot[SLOTS], unsigned which)
{
    unsigned count = 0;

    for (unsigned other = 0; other < SLOTS; other++)
        count += other != which && is_intact(&slot[other]) && is_better(slot, other, which);
    return count;
}

static unsigned equal_count(const struct plan_slot slot[SLOTS], unsigned which)
{
    unsigned count = 0;

    for (unsigned other = 0; other < SLOTS; other++)
        count += other != which && is_intact(&slot[other]) && !is_better(slot, other, which) &&
                 !is_better(slot, which, other);
    return count;
}

static unsigned intact_count(const struct plan_slot slot[SLOTS])
{
    return 0u + is_intact(&slot[0]) + is_intact(&slot[1]) + is_intact(&slot[2]);
}

/* May the choice of `which` as the state of this rank (0: newest, 1: the one before) be right? */
static bool has_rank(const struct plan_slot slot[SLOTS], int which, unsigned rank)
{
    if (which < 0 || which >= SLOTS || !is_intact(&slot[which]))
        return false;
    const unsigned better = better_count(slot, (unsigned)which);
    return better <= rank && rank <= better + equal_count(slot, (unsigned)which);
}

/* "a slot that is damaged, missing, or interrupted or damaged, and whose record does not show that it was older" */
static bool may_hide_a_newer(const struct plan_slot slot[SLOTS], unsigned chosen)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        const bool was_older = slot[i].record_readable && slot[i].sequence < slot[chosen].sequence;

        if (slot[i].state == H5CKPT_SLOT_MISSING)
            return true; /* a file that is not there has no record */
        if ((slot[i].state == H5CKPT_SLOT_DAMAGED || slot[i].state == H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED) && !was_older)
            return true;
    }
    return false;
}

/*
 * "if a newer state was acknowledged, or, where the witness cannot rule that out, may have existed: [as above]. Also
 * for a twin of the same sequence and for an abandoned state."
 */
static bool is_fallback(const struct plan_slot slot[SLOTS], unsigned chosen)
{
    if (witness.acknowledged > slot[chosen].sequence)
        return true;
    for (unsigned i = 0; i < SLOTS; i++)
        if (i != chosen && is_intact(&slot[i]) && slot[i].sequence == slot[chosen].sequence)
            return true;
    return (!witness.nothing_newer && may_hide_a_newer(slot, chosen)) || is_abandoned(slot, chosen);
}

/* Is a slot without a state known to have held one newer than every state that is left? */
static bool is_newest_known_lost(const struct plan_slot slot[SLOTS])
{
    for (unsigned i = 0; i < SLOTS; i++) {
        bool above_all = slot[i].record_readable && !is_intact(&slot[i]);

        for (unsigned other = 0; other < SLOTS; other++)
            above_all &= !is_intact(&slot[other]) || slot[other].sequence < slot[i].sequence;
        if (above_all)
            return true;
    }
    return false;
}

/* --------------------------------------------------------------- enumeration */

static struct plan_slot slot_of(unsigned number)
{
    return (struct plan_slot){
        .record_readable = number % 2 != 0,
        .sequence = number / 2 % SEQUENCE_COUNT + 1,
        .base_sequence = number / 2 / SEQUENCE_COUNT % BASE_COUNT,
        .state = (enum h5ckpt_slot_state)(number / RECORDS_PER_SLOT),
    };
}

/* Does `choice` keep a rule in a case to which the rule applies? */
typedef bool rule(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies);

static void walk(const char *name, enum h5ckpt_which which, rule *is_kept)
{
    unsigned long case_count = 0, applied_count = 0, broken_count = 0;
    struct plan_slot slot[SLOTS];
    char first[256] = "";

    for (unsigned a = 0; a < CASES_PER_SLOT; a++)
        for (unsigned b = 0; b < CASES_PER_SLOT; b++)
            for (unsigned c = 0; c < CASES_PER_SLOT; c++) {
                const unsigned number[SLOTS] = {a, b, c};
                bool applies = false;
                char *to = first;

                for (unsigned i = 0; i < SLOTS; i++)
                    slot[i] = slot_of(number[i]);
                const struct choice choice = choose_slot(slot, SLOTS, which, witness);
                const bool kept = is_kept(slot, choice, &applies);
                case_count++;
                applied_count += applies;
                broken_count += applies && !kept;
                if (!applies || kept || broken_count > 1)
                    continue;
                for (unsigned i = 0; i < SLOTS; i++)
                    to += sprintf(to, "%s, %s record, sequence %d on %d; ", h5ckpt_slot_state_name(slot[i].state),
                                  slot[i].record_readable ? "readable" : "no", (int)slot[i].sequence,
                                  (int)slot[i].base_sequence);
                sprintf(to, "gave %s, slot %d", h5ckpt_status_name(choice.status), choice.slot);
            }
    printf("%s: %lu cases, the rule applies to %lu\n", name, case_count, applied_count);
    ck_assert_uint_eq(case_count, 1ul * CASES_PER_SLOT * CASES_PER_SLOT * CASES_PER_SLOT);
    ck_assert_uint_gt(applied_count, 0);
    ck_assert_msg(broken_count == 0, "%lu of %lu cases, the first: %s", broken_count, applied_count, first);
}

static bool refuses_and_names_the_slot(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_slot_state state;
    const h5ckpt_status status = refusal(slot, &state);

    *applies = status != H5CKPT_OK;
    return choice.status == status && choice.slot >= 0 && choice.slot < SLOTS && slot[choice.slot].state == state;
}

START_TEST(a_newer_foreign_or_unreadable_slot_rolls_nothing_back)
{
    walk("refusals", (enum h5ckpt_which)_i, refuses_and_names_the_slot);
}
END_TEST

static bool gives_only_states(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    *applies = choice.status == H5CKPT_OK || choice.status == H5CKPT_FELL_BACK;
    return choice.slot >= 0 && choice.slot < SLOTS && is_intact(&slot[choice.slot]);
}

START_TEST(a_slot_that_holds_no_state_is_never_given_back)
{
    walk("only states", (enum h5ckpt_which)_i, gives_only_states);
}
END_TEST

static bool gives_the_newest(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_slot_state state;

    *applies = refusal(slot, &state) == H5CKPT_OK && intact_count(slot) > 0;
    return (choice.status == H5CKPT_OK || choice.status == H5CKPT_FELL_BACK) && has_rank(slot, choice.slot, 0);
}

START_TEST(the_current_state_is_the_newest_of_the_branch_then_the_newest_abandoned)
{
    walk("current", H5CKPT_CURRENT, gives_the_newest);
}
END_TEST

static bool says_lost_or_overtaken(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_slot_state state;

    *applies = refusal(slot, &state) == H5CKPT_OK && intact_count(slot) == 0;
    if (any_is(slot, H5CKPT_SLOT_WRITING))
        return choice.status == H5CKPT_E_OVERTAKEN && choice.slot >= 0 &&
               slot[choice.slot].state == H5CKPT_SLOT_WRITING;
    return choice.status == H5CKPT_E_LOST && choice.slot == CHOOSE_NONE;
}

START_TEST(without_a_state_it_is_lost_unless_a_writer_fills_one)
{
    walk("no state", (enum h5ckpt_which)_i, says_lost_or_overtaken);
}
END_TEST

static bool tells_a_fallback(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_slot_state state;

    *applies = refusal(slot, &state) == H5CKPT_OK && has_rank(slot, choice.slot, 0);
    return *applies && (choice.status == H5CKPT_FELL_BACK) == is_fallback(slot, (unsigned)choice.slot);
}

START_TEST(the_current_state_is_a_fallback_exactly_if_a_newer_one_may_have_existed)
{
    walk("fallback", H5CKPT_CURRENT, tells_a_fallback);
}
END_TEST

/*
 * Loops over what the note may tell: every sequence that the slots can have, one above them, and whether it is of this
 * boot.
 */
START_TEST(the_note_decides_where_it_tells_of_a_fallback)
{
    witness = (struct choose_witness){.acknowledged = (uint64_t)_i / 2, .nothing_newer = _i % 2 != 0};
    walk("fallback, noted", H5CKPT_CURRENT, tells_a_fallback);
}
END_TEST

static bool gives_the_second(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_slot_state state;

    /* Where the newest is known to be lost, the newest that is left is the previous one: a test of its own. */
    *applies = refusal(slot, &state) == H5CKPT_OK && intact_count(slot) > 1 && !is_newest_known_lost(slot);
    return (choice.status == H5CKPT_OK || choice.status == H5CKPT_FELL_BACK) && has_rank(slot, choice.slot, 1);
}

START_TEST(the_previous_state_is_the_next_after_the_newest)
{
    walk("previous", H5CKPT_PREVIOUS, gives_the_second);
}
END_TEST

static bool previous_tells_a_fallback(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_slot_state state;

    *applies = refusal(slot, &state) == H5CKPT_OK && intact_count(slot) > 1 && !is_newest_known_lost(slot) &&
               has_rank(slot, choice.slot, 1);
    return *applies && (choice.status == H5CKPT_FELL_BACK) == (may_hide_a_newer(slot, (unsigned)choice.slot) ||
                                                               is_abandoned(slot, (unsigned)choice.slot) ||
                                                               equal_count(slot, (unsigned)choice.slot) > 0);
}

START_TEST(the_previous_state_is_a_fallback_if_it_may_not_be_the_one_before)
{
    walk("previous, fallback", H5CKPT_PREVIOUS, previous_tells_a_fallback);
}
END_TEST

static bool previous_is_told_apart(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_slot_state state;

    *applies = refusal(slot, &state) == H5CKPT_OK && intact_count(slot) == 1 && !any_is(slot, H5CKPT_SLOT_WRITING) &&
               !is_newest_known_lost(slot);
    if (any_is(slot, H5CKPT_SLOT_DAMAGED) || any_is(slot, H5CKPT_SLOT_MISSING) ||
        any_is(slot, H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED))
        return choice.status == H5CKPT_E_LOST && choice.slot == CHOOSE_NONE;
    if (any_is(slot, H5CKPT_SLOT_INTERRUPTED))
        return choice.status == H5CKPT_E_LOST || choice.status == H5CKPT_NO_CHECKPOINT;
    return choice.status == H5CKPT_NO_CHECKPOINT && choice.slot == CHOOSE_NONE;
}

START_TEST(no_previous_state_yet_and_a_lost_one_are_told_apart)
{
    walk("previous, none", H5CKPT_PREVIOUS, previous_is_told_apart);
}
END_TEST

static bool previous_waits_for_the_writer(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_slot_state state;

    *applies = refusal(slot, &state) == H5CKPT_OK && intact_count(slot) < 2 && any_is(slot, H5CKPT_SLOT_WRITING) &&
               !is_newest_known_lost(slot);
    return choice.status == H5CKPT_E_OVERTAKEN && choice.slot >= 0 && slot[choice.slot].state == H5CKPT_SLOT_WRITING;
}

START_TEST(a_previous_state_that_a_writer_overwrites_is_overtaken_not_lost)
{
    walk("previous, overtaken", H5CKPT_PREVIOUS, previous_waits_for_the_writer);
}
END_TEST

static bool duplicates_are_two_states(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    (void)choice;
    *applies = true;
    for (unsigned i = 0; i < SLOTS; i++) {
        bool twin = false;

        for (unsigned other = 0; other < SLOTS; other++)
            twin |= other != i && is_intact(&slot[i]) && is_intact(&slot[other]) &&
                    slot[i].sequence == slot[other].sequence;
        if (choose_is_duplicate(slot, SLOTS, i) != twin)
            return false;
    }
    return true;
}

START_TEST(two_states_of_one_sequence_are_duplicates)
{
    walk("duplicates", H5CKPT_CURRENT, duplicates_are_two_states);
}
END_TEST

static struct choice choose_in_order(const struct plan_slot slot[SLOTS], const unsigned order[SLOTS],
                                     enum h5ckpt_which which)
{
    struct plan_slot ordered[SLOTS];

    for (unsigned i = 0; i < SLOTS; i++)
        ordered[i] = slot[order[i]];
    return choose_slot(ordered, SLOTS, which, witness);
}

START_TEST(the_order_of_the_slots_does_not_change_the_answer)
{
    static const unsigned orders[][SLOTS] = {{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct plan_slot slot[SLOTS];

    for (unsigned a = 0; a < CASES_PER_SLOT; a += 1 + a % 2)
        for (unsigned b = 0; b < CASES_PER_SLOT; b++)
            for (unsigned c = 0; c < CASES_PER_SLOT; c += 1 + c % 3) {
                slot[0] = slot_of(a);
                slot[1] = slot_of(b);
                slot[2] = slot_of(c);
                const struct choice plain = choose_slot(slot, SLOTS, (enum h5ckpt_which)_i, witness);
                for (unsigned i = 0; i < COUNT(orders); i++) {
                    const struct choice other = choose_in_order(slot, orders[i], (enum h5ckpt_which)_i);
                    const bool twins = plain.slot >= 0 && equal_count(slot, (unsigned)plain.slot) > 0;

                    if (other.status != plain.status && !twins)
                        ck_abort_msg("slots %u %u %u: %s or %s", a, b, c, h5ckpt_status_name(plain.status),
                                     h5ckpt_status_name(other.status));
                }
            }
}
END_TEST

/* --------------------------------------------------------------------- roles */

/*
 * What h5ckpt.h says of a slot's role, asked of one role and one slot. Of twins either may be the newer.
 *   none:      it holds no state that could be given back;
 *   current:   what a restore gives: no state is to be preferred to it;
 *   abandoned: another one, on a branch that the program rolled back from;
 *   previous:  the state before that: of what is left, none is newer;
 *   older:     the others.
 */
static bool may_have_role(const struct plan_slot slot[SLOTS], const enum h5ckpt_role role[SLOTS], unsigned which)
{
    unsigned newer_count = 0; /* of the states that are neither current nor abandoned */
    unsigned equal = 0;

    for (unsigned other = 0; other < SLOTS; other++) {
        const bool left = other != which && is_intact(&slot[other]) && role[other] != H5CKPT_ROLE_CURRENT &&
                          !is_abandoned(slot, other);
        newer_count += left && slot[other].sequence > slot[which].sequence;
        equal += left && slot[other].sequence == slot[which].sequence;
    }
    switch (role[which]) {
    case H5CKPT_ROLE_NONE:
        return !is_intact(&slot[which]);
    case H5CKPT_ROLE_CURRENT:
        return is_intact(&slot[which]) && better_count(slot, which) == 0;
    case H5CKPT_ROLE_ABANDONED:
        return is_intact(&slot[which]) && is_abandoned(slot, which);
    case H5CKPT_ROLE_PREVIOUS:
        return is_intact(&slot[which]) && !is_abandoned(slot, which) && newer_count == 0;
    case H5CKPT_ROLE_OLDER:
        return is_intact(&slot[which]) && !is_abandoned(slot, which) && newer_count + equal > 0;
    }
    return false;
}

static unsigned role_count(const enum h5ckpt_role role[SLOTS], enum h5ckpt_role counted)
{
    return 0u + (role[0] == counted) + (role[1] == counted) + (role[2] == counted);
}

static bool gives_every_slot_its_role(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_role role[SLOTS];

    (void)choice;
    *applies = true;
    choose_roles(slot, SLOTS, role);
    for (unsigned i = 0; i < SLOTS; i++)
        if (!may_have_role(slot, role, i))
            return false;
    const bool any_left = role_count(role, H5CKPT_ROLE_PREVIOUS) + role_count(role, H5CKPT_ROLE_OLDER) != 0;
    return role_count(role, H5CKPT_ROLE_CURRENT) == (intact_count(slot) != 0) &&
           role_count(role, H5CKPT_ROLE_PREVIOUS) == any_left;
}

START_TEST(every_slot_has_the_role_that_its_state_gives_it)
{
    walk("roles", H5CKPT_CURRENT, gives_every_slot_its_role);
}
END_TEST

static bool restores_the_current(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_role role[SLOTS];

    *applies = choice.status == H5CKPT_OK || choice.status == H5CKPT_FELL_BACK;
    if (!*applies)
        return false;
    choose_roles(slot, SLOTS, role);
    return role[choice.slot] == H5CKPT_ROLE_CURRENT;
}

START_TEST(the_current_role_is_that_of_the_slot_that_a_restore_gives)
{
    walk("roles, current", H5CKPT_CURRENT, restores_the_current);
}
END_TEST

static bool rolls_back_to_the_previous(const struct plan_slot slot[SLOTS], struct choice choice, bool *applies)
{
    enum h5ckpt_role role[SLOTS];

    *applies = (choice.status == H5CKPT_OK || choice.status == H5CKPT_FELL_BACK) && !is_newest_known_lost(slot) &&
               !is_abandoned(slot, (unsigned)choice.slot);
    if (!*applies)
        return false;
    choose_roles(slot, SLOTS, role);
    return role[choice.slot] == H5CKPT_ROLE_PREVIOUS;
}

START_TEST(the_previous_role_is_that_of_the_slot_that_rolling_back_gives)
{
    walk("roles, previous", H5CKPT_PREVIOUS, rolls_back_to_the_previous);
}
END_TEST

/* --------------------------------------------------------------- single facts */

static const struct plan_slot ABSENT = {.state = H5CKPT_SLOT_ABSENT};
static const struct plan_slot MISSING = {.state = H5CKPT_SLOT_MISSING};
static const struct plan_slot RESERVED = {.state = H5CKPT_SLOT_RESERVED, .record_readable = true};

static struct plan_slot slot_with_record(enum h5ckpt_slot_state state, uint64_t sequence, uint64_t base_sequence)
{
    return (struct plan_slot){
        .state = state, .record_readable = true, .sequence = sequence, .base_sequence = base_sequence};
}

static struct plan_slot intact(uint64_t sequence)
{
    return slot_with_record(H5CKPT_SLOT_INTACT, sequence, sequence - 1);
}

static struct plan_slot without_record(enum h5ckpt_slot_state state)
{
    return (struct plan_slot){.state = state};
}

#define assert_choice(which, expected_status, expected_slot, ...)                                                 \
    do {                                                                                                          \
        const struct plan_slot slots_[SLOTS] = {__VA_ARGS__};                                                     \
        const struct choice choice_ = choose_slot(slots_, SLOTS, which, witness);                                 \
        ck_assert_msg(choice_.status == (expected_status) && choice_.slot == (expected_slot), "gave %s, slot %d", \
                      h5ckpt_status_name(choice_.status), choice_.slot);                                          \
    } while (0)

START_TEST(of_two_states_the_newer_is_given_back)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 1, intact(4), intact(5), ABSENT);
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 0, intact(6), intact(5), ABSENT);
}
END_TEST

START_TEST(a_first_state_beside_reserved_slots_is_no_fallback)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 0, intact(1), RESERVED, RESERVED);
}
END_TEST

START_TEST(damage_of_the_newest_falls_back_to_the_one_before)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 0, intact(4), slot_with_record(H5CKPT_SLOT_DAMAGED, 5, 4), ABSENT);
}
END_TEST

START_TEST(damage_of_an_older_slot_is_no_fallback)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 1, slot_with_record(H5CKPT_SLOT_DAMAGED, 4, 3), intact(5), ABSENT);
}
END_TEST

START_TEST(damage_that_took_the_record_may_have_been_newer)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 1, without_record(H5CKPT_SLOT_DAMAGED), intact(5), ABSENT);
}
END_TEST

START_TEST(a_damaged_slot_of_the_same_sequence_does_not_show_that_it_was_older)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 1, slot_with_record(H5CKPT_SLOT_DAMAGED, 5, 4), intact(5), ABSENT);
}
END_TEST

START_TEST(a_missing_slot_may_have_been_newer)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 0, intact(4), MISSING, ABSENT);
}
END_TEST

START_TEST(an_interrupted_save_is_no_fallback)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 0, intact(4), without_record(H5CKPT_SLOT_INTERRUPTED), ABSENT);
}
END_TEST

START_TEST(a_save_in_progress_is_no_fallback)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 0, intact(4), without_record(H5CKPT_SLOT_WRITING), ABSENT);
}
END_TEST

START_TEST(after_a_restart_an_interrupted_save_may_have_been_damage)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 0, intact(4), without_record(H5CKPT_SLOT_INTERRUPTED_OR_DAMAGED),
                  ABSENT);
}
END_TEST

START_TEST(two_slots_with_one_sequence_are_reported)
{
    const struct plan_slot slots[SLOTS] = {intact(4), intact(4), ABSENT};
    const struct choice choice = choose_slot(slots, SLOTS, H5CKPT_CURRENT, witness);

    assert_status(choice.status, H5CKPT_FELL_BACK);
    ck_assert(is_intact(&slots[choice.slot]));
}
END_TEST

/* A restore, which does not read the other's blocks, told of a twin where an inspection did not. */
START_TEST(a_twin_whose_blocks_proved_damaged_is_still_one)
{
    struct plan_slot twin = slot_with_record(H5CKPT_SLOT_DAMAGED, 4, 3);

    twin.committed = true;
    witness = (struct choose_witness){.acknowledged = 4, .nothing_newer = true};
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 0, intact(4), twin, ABSENT);
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 1, twin, intact(4), ABSENT);
}
END_TEST

START_TEST(an_abandoned_state_waits_behind_an_older_one_of_the_branch)
{
    /* Rolled back to 3, then saved 6, which is damaged: 3 before 5. */
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 2, slot_with_record(H5CKPT_SLOT_DAMAGED, 6, 3), intact(5),
                  intact(3));
}
END_TEST

START_TEST(an_abandoned_state_is_better_than_nothing)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 1, slot_with_record(H5CKPT_SLOT_DAMAGED, 6, 3), intact(5), ABSENT);
}
END_TEST

START_TEST(after_rolling_back_the_new_branch_is_current)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 0, slot_with_record(H5CKPT_SLOT_INTACT, 6, 3), intact(5), intact(3));
}
END_TEST

START_TEST(after_rolling_back_the_previous_state_is_the_one_rolled_back_to)
{
    assert_choice(H5CKPT_PREVIOUS, H5CKPT_OK, 2, slot_with_record(H5CKPT_SLOT_INTACT, 6, 3), intact(5), intact(3));
}
END_TEST

START_TEST(a_newer_version_outweighs_an_intact_state)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_E_VERSION, 2, intact(4), intact(5), without_record(H5CKPT_SLOT_NEWER_VERSION));
}
END_TEST

START_TEST(a_foreign_slot_outweighs_an_intact_state)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_E_FOREIGN, 1, intact(4), without_record(H5CKPT_SLOT_FOREIGN), ABSENT);
}
END_TEST

START_TEST(a_passing_condition_rolls_nothing_back)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_E_SYSTEM, 1, intact(4), without_record(H5CKPT_SLOT_UNREADABLE), ABSENT);
}
END_TEST

START_TEST(a_passing_condition_of_the_older_slot_rolls_nothing_back_either)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_E_SYSTEM, 0, slot_with_record(H5CKPT_SLOT_UNREADABLE, 3, 2), intact(4),
                  ABSENT);
}
END_TEST

START_TEST(damage_everywhere_is_loss)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_E_LOST, CHOOSE_NONE, slot_with_record(H5CKPT_SLOT_DAMAGED, 5, 4),
                  without_record(H5CKPT_SLOT_DAMAGED), ABSENT);
}
END_TEST

START_TEST(no_file_at_all_where_one_was_is_loss)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_E_LOST, CHOOSE_NONE, ABSENT, ABSENT, ABSENT);
}
END_TEST

START_TEST(the_only_slot_being_written_is_overtaken)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_E_OVERTAKEN, 1, RESERVED, without_record(H5CKPT_SLOT_WRITING), ABSENT);
}
END_TEST

START_TEST(the_previous_state_is_given_back_on_purpose)
{
    assert_choice(H5CKPT_PREVIOUS, H5CKPT_OK, 0, intact(4), intact(5), ABSENT);
}
END_TEST

START_TEST(after_the_first_save_there_is_no_previous_state_yet)
{
    assert_choice(H5CKPT_PREVIOUS, H5CKPT_NO_CHECKPOINT, CHOOSE_NONE, intact(1), RESERVED, ABSENT);
}
END_TEST

START_TEST(a_damaged_previous_state_is_lost)
{
    assert_choice(H5CKPT_PREVIOUS, H5CKPT_E_LOST, CHOOSE_NONE, slot_with_record(H5CKPT_SLOT_DAMAGED, 4, 3), intact(5),
                  ABSENT);
}
END_TEST

START_TEST(a_missing_previous_state_is_lost)
{
    assert_choice(H5CKPT_PREVIOUS, H5CKPT_E_LOST, CHOOSE_NONE, MISSING, intact(5), ABSENT);
}
END_TEST

START_TEST(a_previous_state_being_overwritten_is_overtaken)
{
    assert_choice(H5CKPT_PREVIOUS, H5CKPT_E_OVERTAKEN, 0, without_record(H5CKPT_SLOT_WRITING), intact(5), ABSENT);
}
END_TEST

START_TEST(a_previous_state_older_than_a_damaged_one_is_a_fallback)
{
    assert_choice(H5CKPT_PREVIOUS, H5CKPT_FELL_BACK, 2, intact(5), slot_with_record(H5CKPT_SLOT_DAMAGED, 4, 3),
                  intact(3));
}
END_TEST

START_TEST(the_state_before_a_damaged_newest_one_is_the_previous)
{
    const struct plan_slot slots[SLOTS] = {intact(4), slot_with_record(H5CKPT_SLOT_DAMAGED, 5, 4), ABSENT};
    const struct choice choice = choose_slot(slots, SLOTS, H5CKPT_PREVIOUS, witness);

    assert_status(choice.status, H5CKPT_FELL_BACK);
    ck_assert_int_eq(choice.slot, 0);
}
END_TEST

START_TEST(an_acknowledged_state_that_is_not_there_is_a_fallback_even_if_no_slot_looks_wrong)
{
    witness.acknowledged = 6;
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 1, intact(4), intact(5), ABSENT);
}
END_TEST

START_TEST(damage_beside_the_last_acknowledged_state_is_no_fallback)
{
    witness = (struct choose_witness){.acknowledged = 5, .nothing_newer = true};
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 1, without_record(H5CKPT_SLOT_DAMAGED), intact(5), ABSENT);
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 1, MISSING, intact(5), ABSENT);
}
END_TEST

START_TEST(the_note_of_an_earlier_boot_cannot_rule_out_a_newer_state)
{
    witness = (struct choose_witness){.acknowledged = 5};
    assert_choice(H5CKPT_CURRENT, H5CKPT_FELL_BACK, 1, without_record(H5CKPT_SLOT_DAMAGED), intact(5), ABSENT);
}
END_TEST

START_TEST(where_no_save_ever_was_a_torn_one_is_no_loss)
{
    witness = (struct choose_witness){.nothing_at_all = true};
    assert_choice(H5CKPT_CURRENT, H5CKPT_NO_CHECKPOINT, CHOOSE_NONE, slot_with_record(H5CKPT_SLOT_DAMAGED, 1, 0),
                  ABSENT, ABSENT);
    assert_choice(H5CKPT_CURRENT, H5CKPT_NO_CHECKPOINT, CHOOSE_NONE, slot_with_record(H5CKPT_SLOT_WRITING, 1, 0),
                  ABSENT, ABSENT);
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 0, intact(1), ABSENT, ABSENT);
}
END_TEST

START_TEST(the_state_before_an_acknowledged_one_that_is_gone_is_the_previous)
{
    witness.acknowledged = 6;
    assert_choice(H5CKPT_PREVIOUS, H5CKPT_FELL_BACK, 1, intact(4), intact(5), ABSENT);
}
END_TEST

START_TEST(sequences_near_the_end_of_their_range_are_compared_as_unsigned)
{
    assert_choice(H5CKPT_CURRENT, H5CKPT_OK, 1, intact(1), slot_with_record(H5CKPT_SLOT_INTACT, UINT64_MAX, 1), ABSENT);
}
END_TEST

#define assert_roles(a, b, c, ...)                                                                                  \
    do {                                                                                                            \
        const struct plan_slot slots_[SLOTS] = {__VA_ARGS__};                                                       \
        enum h5ckpt_role roles_[SLOTS];                                                                             \
        choose_roles(slots_, SLOTS, roles_);                                                                        \
        ck_assert_msg(roles_[0] == H5CKPT_ROLE_##a && roles_[1] == H5CKPT_ROLE_##b && roles_[2] == H5CKPT_ROLE_##c, \
                      "gave \"%s\", \"%s\", \"%s\"", h5ckpt_role_name(roles_[0]), h5ckpt_role_name(roles_[1]),      \
                      h5ckpt_role_name(roles_[2]));                                                                 \
    } while (0)

START_TEST(without_states_no_slot_has_a_role)
{
    assert_roles(NONE, NONE, NONE, ABSENT, RESERVED, MISSING);
}
END_TEST

START_TEST(the_only_state_is_current)
{
    assert_roles(NONE, CURRENT, NONE, RESERVED, intact(1), ABSENT);
}
END_TEST

START_TEST(three_states_are_current_previous_and_older)
{
    assert_roles(PREVIOUS, CURRENT, OLDER, intact(5), intact(6), intact(4));
}
END_TEST

START_TEST(a_state_known_by_its_record_alone_has_a_role)
{
    assert_roles(PREVIOUS, CURRENT, NONE, slot_with_record(H5CKPT_SLOT_COMMITTED, 4, 3), intact(5), ABSENT);
}
END_TEST

START_TEST(damage_of_the_newest_makes_the_one_before_current)
{
    assert_roles(CURRENT, NONE, PREVIOUS, intact(5), slot_with_record(H5CKPT_SLOT_DAMAGED, 6, 5), intact(4));
}
END_TEST

START_TEST(a_state_rolled_back_from_is_abandoned_and_the_one_rolled_back_to_previous)
{
    assert_roles(CURRENT, ABANDONED, PREVIOUS, slot_with_record(H5CKPT_SLOT_INTACT, 6, 3), intact(5), intact(3));
}
END_TEST

START_TEST(an_abandoned_state_is_not_the_previous_one_even_if_no_other_is_left)
{
    assert_roles(CURRENT, ABANDONED, NONE, slot_with_record(H5CKPT_SLOT_INTACT, 6, 3), intact(5), ABSENT);
}
END_TEST

START_TEST(an_abandoned_state_is_current_if_it_is_all_that_is_left)
{
    assert_roles(NONE, CURRENT, ABANDONED, slot_with_record(H5CKPT_SLOT_DAMAGED, 6, 3), intact(5), intact(4));
}
END_TEST

START_TEST(of_twins_one_is_current_and_the_other_previous)
{
    enum h5ckpt_role role[SLOTS];

    choose_roles((const struct plan_slot[SLOTS]){intact(4), intact(4), intact(3)}, SLOTS, role);
    ck_assert_int_eq(role_count(role, H5CKPT_ROLE_CURRENT), 1);
    ck_assert_int_eq(role_count(role, H5CKPT_ROLE_PREVIOUS), 1);
    ck_assert_int_eq(role[2], H5CKPT_ROLE_OLDER);
}
END_TEST

static void forget_the_note(void)
{
    witness = (struct choose_witness){0};
}

static Suite *choose_suite(void)
{
    Suite *suite = suite_create("choose");
    TCase *all = tcase_create("all combinations");
    TCase *single = tcase_create("single facts");
    const int which_end = H5CKPT_PREVIOUS + 1;

    tcase_set_timeout(all, 600);
    tcase_add_checked_fixture(all, forget_the_note, NULL);
    tcase_add_loop_test(all, a_newer_foreign_or_unreadable_slot_rolls_nothing_back, 0, which_end);
    tcase_add_loop_test(all, a_slot_that_holds_no_state_is_never_given_back, 0, which_end);
    tcase_add_test(all, the_current_state_is_the_newest_of_the_branch_then_the_newest_abandoned);
    tcase_add_loop_test(all, without_a_state_it_is_lost_unless_a_writer_fills_one, 0, which_end);
    tcase_add_test(all, the_current_state_is_a_fallback_exactly_if_a_newer_one_may_have_existed);
    tcase_add_loop_test(all, the_note_decides_where_it_tells_of_a_fallback, 1, 2 * (SEQUENCE_COUNT + 2));
    tcase_add_test(all, the_previous_state_is_the_next_after_the_newest);
    tcase_add_test(all, the_previous_state_is_a_fallback_if_it_may_not_be_the_one_before);
    tcase_add_test(all, no_previous_state_yet_and_a_lost_one_are_told_apart);
    tcase_add_test(all, a_previous_state_that_a_writer_overwrites_is_overtaken_not_lost);
    tcase_add_test(all, two_states_of_one_sequence_are_duplicates);
    tcase_add_test(all, every_slot_has_the_role_that_its_state_gives_it);
    tcase_add_test(all, the_current_role_is_that_of_the_slot_that_a_restore_gives);
    tcase_add_test(all, the_previous_role_is_that_of_the_slot_that_rolling_back_gives);
    tcase_add_loop_test(all, the_order_of_the_slots_does_not_change_the_answer, 0, which_end);
    suite_add_tcase(suite, all);

    tcase_set_timeout(single, 60);
    tcase_add_checked_fixture(single, forget_the_note, NULL);
    tcase_add_test(single, of_two_states_the_newer_is_given_back);
    tcase_add_test(single, a_first_state_beside_reserved_slots_is_no_fallback);
    tcase_add_test(single, damage_of_the_newest_falls_back_to_the_one_before);
    tcase_add_test(single, damage_of_an_older_slot_is_no_fallback);
    tcase_add_test(single, damage_that_took_the_record_may_have_been_newer);
    tcase_add_test(single, a_damaged_slot_of_the_same_sequence_does_not_show_that_it_was_older);
    tcase_add_test(single, a_missing_slot_may_have_been_newer);
    tcase_add_test(single, an_interrupted_save_is_no_fallback);
    tcase_add_test(single, a_save_in_progress_is_no_fallback);
    tcase_add_test(single, after_a_restart_an_interrupted_save_may_have_been_damage);
    tcase_add_test(single, two_slots_with_one_sequence_are_reported);
    tcase_add_test(single, a_twin_whose_blocks_proved_damaged_is_still_one);
    tcase_add_test(single, an_abandoned_state_waits_behind_an_older_one_of_the_branch);
    tcase_add_test(single, an_abandoned_state_is_better_than_nothing);
    tcase_add_test(single, after_rolling_back_the_new_branch_is_current);
    tcase_add_test(single, after_rolling_back_the_previous_state_is_the_one_rolled_back_to);
    tcase_add_test(single, a_newer_version_outweighs_an_intact_state);
    tcase_add_test(single, a_foreign_slot_outweighs_an_intact_state);
    tcase_add_test(single, a_passing_condition_rolls_nothing_back);
    tcase_add_test(single, a_passing_condition_of_the_older_slot_rolls_nothing_back_either);
    tcase_add_test(single, damage_everywhere_is_loss);
    tcase_add_test(single, no_file_at_all_where_one_was_is_loss);
    tcase_add_test(single, the_only_slot_being_written_is_overtaken);
    tcase_add_test(single, the_previous_state_is_given_back_on_purpose);
    tcase_add_test(single, after_the_first_save_there_is_no_previous_state_yet);
    tcase_add_test(single, a_damaged_previous_state_is_lost);
    tcase_add_test(single, a_missing_previous_state_is_lost);
    tcase_add_test(single, a_previous_state_being_overwritten_is_overtaken);
    tcase_add_test(single, a_previous_state_older_than_a_damaged_one_is_a_fallback);
    tcase_add_test(single, the_state_before_a_damaged_newest_one_is_the_previous);
    tcase_add_test(single, an_acknowledged_state_that_is_not_there_is_a_fallback_even_if_no_slot_looks_wrong);
    tcase_add_test(single, damage_beside_the_last_acknowledged_state_is_no_fallback);
    tcase_add_test(single, the_note_of_an_earlier_boot_cannot_rule_out_a_newer_state);
    tcase_add_test(single, where_no_save_ever_was_a_torn_one_is_no_loss);
    tcase_add_test(single, the_state_before_an_acknowledged_one_that_is_gone_is_the_previous);
    tcase_add_test(single, sequences_near_the_end_of_their_range_are_compared_as_unsigned);
    tcase_add_test(single, without_states_no_slot_has_a_role);
    tcase_add_test(single, the_only_state_is_current);
    tcase_add_test(single, three_states_are_current_previous_and_older);
    tcase_add_test(single, a_state_known_by_its_record_alone_has_a_role);
    tcase_add_test(single, damage_of_the_newest_makes_the_one_before_current);
    tcase_add_test(single, a_state_rolled_back_from_is_abandoned_and_the_one_rolled_back_to_previous);
    tcase_add_test(single, an_abandoned_state_is_not_the_previous_one_even_if_no_other_is_left);
    tcase_add_test(single, an_abandoned_state_is_current_if_it_is_all_that_is_left);
    tcase_add_test(single, of_twins_one_is_current_and_the_other_previous);
    suite_add_tcase(suite, single);
    return suite;
}

int main(void)
{
    return suite_run(choose_suite());
}

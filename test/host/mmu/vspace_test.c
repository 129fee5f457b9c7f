// SPDX-License-Identifier: BSD-2-Clause
// VSpaces: birth, growing and shrinking, loading, death; ASIDs.
#include "support.h"

#include <string.h>

#include <asid.h>
#include <layout.h>

static void a_new_vspace_has_a_zeroed_root_and_14_tables(void **state) {
    (void)state;
    struct vspace *vspace;
    assert_int_equal(vspace_create(new_chunk(), &vspace), SHEAF_OK);
    const uint64_t *root = vmsa_kernel_address(vspace_root(vspace));
    for (unsigned i = 0; i < TABLE_PAGES; i++)
        assert_int_equal(root[i], 0); // not what the chunk held
    vspace_activate(vspace);
    struct vspace_info info;
    vspace_info(vspace, &info);
    assert_int_equal(info.chunks, 1);
    assert_int_equal(info.tables_used, 1);
    assert_int_equal(info.tables_free, 14);
    assert_int_equal(info.chunks_max, VSPACE_CHUNKS);
    assert_int_equal(count_hooked(vspace), 1);
    unsigned level;
    assert_int_equal(find_leaf(vspace, 12345, &level), 0);
}

static void chunks_lead_to_their_vspace_and_node(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(3);
    assert_int_equal(vspace_chunk_slots(vspace), 3);
    for (unsigned i = 0; i < 3; i++) {
        struct chunk *chunk = vspace_chunk(vspace, i);
        assert_ptr_equal(chunk_vspace(chunk), vspace);
        assert_int_equal(chunk_index(chunk), i);
        assert_int_equal((uintptr_t)chunk_node(chunk) % 64, 0);
        assert_ptr_equal(chunk_of_node(chunk_node(chunk)), chunk);
    }
    assert_null(vspace_chunk(vspace, 3));
    assert_ptr_equal(vspace_head(vspace), vspace);
}

static void growing_stops_at_the_directorys_bound(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    void *spare = new_chunk();
    // The directory is filled as if by grow; 576 chunks are more RAM than the test has.
    for (unsigned i = 1; i < VSPACE_CHUNKS; i++)
        vspace->chunks[i] = 1;
    snapshot_take();
    assert_int_equal(vspace_grow(vspace, spare), SHEAF_ERR_TOO_MANY_CHUNKS);
    snapshot_assert_unchanged();
    vspace->chunks[VSPACE_CHUNKS - 1] = 0;
    assert_int_equal(vspace_grow(vspace, spare), SHEAF_OK);
    assert_int_equal(chunk_index(spare), VSPACE_CHUNKS - 1);
}

static void shrinking_takes_back_what_is_unused(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(3);
    struct chunk *chunk = NULL;
    map_pages(vspace, 0, 1, 0); // three tables of the chunk that came last
    snapshot_take();
    assert_int_equal(vspace_shrink(vspace, 0, &chunk), SHEAF_ERR_RANGE);
    assert_int_equal(vspace_shrink(vspace, 3, &chunk), SHEAF_ERR_RANGE);
    assert_int_equal(vspace_shrink(vspace, 99999, &chunk), SHEAF_ERR_RANGE);
    assert_int_equal(vspace_shrink(vspace, 2, &chunk), SHEAF_ERR_TABLE_IN_USE);
    snapshot_assert_unchanged();
    struct chunk *expected = vspace_chunk(vspace, 1);
    assert_int_equal(vspace_shrink(vspace, 1, &chunk), SHEAF_OK);
    assert_ptr_equal(chunk, expected);
    assert_int_equal(vspace_shrink(vspace, 1, &chunk), SHEAF_ERR_RANGE);
    vmsa_frame_reused(port_physical_address(chunk), CHUNK_BYTES);
    assert_int_equal(tables_free(vspace), 2 * 15 - 4);
    // The gap is filled by the next grow.
    void *fresh = new_chunk();
    assert_int_equal(vspace_grow(vspace, fresh), SHEAF_OK);
    assert_int_equal(chunk_index(fresh), 1);
}

static void a_chunk_held_by_a_pending_entry_stays(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2);
    struct chunk *chunk = NULL;
    map_pages(vspace, 0, 1, 0);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    gather_unmap(gather, vspace, PAGE(0), USER_HALF_PAGES, 0, &done, NULL);
    assert_int_equal(vspace_shrink(vspace, 1, &chunk), SHEAF_ERR_TABLE_IN_USE);
    gather_finish(gather);
    assert_int_equal(vspace_shrink(vspace, 1, &chunk), SHEAF_OK);
    vmsa_frame_reused(port_physical_address(chunk), CHUNK_BYTES);
}

static void every_table_serves_after_shrinking_and_growing(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(4);
    struct chunk *chunk = NULL;
    for (unsigned round = 0; round < 12; round++) {
        unsigned index = 1 + round % 3;
        map_pages(vspace, 0, 50 * TABLE_PAGES, 0);
        unmap_pages(vspace, 0, USER_HALF_PAGES);
        assert_int_equal(vspace_shrink(vspace, index, &chunk), SHEAF_OK);
        map_pages(vspace, 0, 42 * TABLE_PAGES, 0); // 1 + 1 + 1 + 42 = 3 chunks
        assert_int_equal(tables_free(vspace), 0);
        assert_int_equal(vspace_grow(vspace, chunk), SHEAF_OK);
        assert_int_equal(chunk_index(chunk), index);
        assert_int_equal(tables_used(vspace), count_hooked(vspace));
        unmap_pages(vspace, 0, USER_HALF_PAGES);
    }
}

static void loading_takes_one_barrier_the_first_time(void **state) {
    (void)state;
    struct vspace *vspace;
    assert_int_equal(vspace_create(new_chunk(), &vspace), SHEAF_OK);
    vmsa_log_reset();
    vspace_activate(vspace);
    assert_int_equal(vmsa_dsb_count(), 1);
    assert_int_equal(vmsa_loaded_root() >> 48, asid_of(vspace).v);
    vspace_activate(vspace);
    vspace_activate(NULL);
    assert_int_equal(vmsa_loaded_root(), empty_root().v);
    vspace_activate(vspace);
    assert_int_equal(vmsa_dsb_count(), 1);
    vmsa_set_pe(1);
    vspace_activate(vspace);
    assert_int_equal(vmsa_dsb_count(), 2);
}

static void death_leaves_nothing_behind(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2);
    asid_t asid = asid_of(vspace);
    map_pages(vspace, 0, 2000, 0);
    vmsa_set_pe(1); // an idle PE stands on it
    vspace_activate(vspace);
    vmsa_set_pe(0);
    assert_true(vmsa_cached(asid) >= 4000 / 2);
    vmsa_log_reset();
    vspace_destroy(vspace);
    assert_true(vspace_is_dead(vspace));
    assert_int_equal(vmsa_cached(asid), 0);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_ASIDE1IS);
    assert_int_equal(vmsa_dsb_count(), 2);
    assert_int_equal(vmsa_loaded_root(), empty_root().v);
    vmsa_frame_reused(FRAME(0), 2000 * PAGE_BYTES);
    for (unsigned i = 0; i < 2; i++)
        vmsa_frame_reused(port_physical_address(vspace_chunk(vspace, i)), CHUNK_BYTES);
}

static void death_comes_once(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    vspace_destroy(vspace);
    vmsa_log_reset();
    vspace_destroy(vspace);
    assert_int_equal(vmsa_log_count() + vmsa_dsb_count(), 0);
}

static void nobody_waits(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    assert_int_not_equal(call, VMSA_CALL_RELAX); // for its own pin, for ever
}

static void death_finishes_the_batch_that_holds_the_vspace(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(1);
    map_pages(vspace, 0, 3, 0);
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    gather_unmap(gather, vspace, PAGE(0), 512, 0, &done, NULL);
    vmsa_set_hook(nobody_waits);
    vspace_destroy(vspace);
    vmsa_set_hook(NULL);
    gather_finish(gather);
    assert_int_equal(gather_totals(gather)->tables, 1);
    vmsa_frame_reused(FRAME(0), 3 * PAGE_BYTES);
}

// A page of RAM, which the kernel can read.
static void map_memory(struct vspace *vspace, uint64_t page) {
    paddr_t memory = vmsa_physical_address(new_chunk());
    struct gather *gather = gather_begin();
    struct gather_map map;
    unsigned missing;
    assert_int_equal(gather_map_begin(gather, vspace, PAGE(page), 1, 3, &map, &missing), SHEAF_OK);
    gather_map_frame(&map, memory, 1, &touched);
    gather_map_end(&map);
    gather_finish(gather);
}

static void the_dead_do_nothing_more(void **state) {
    (void)state;
    struct vspace *vspace = new_vspace(2);
    struct chunk *chunk;
    uint64_t value;
    map_pages(vspace, 1, 1, 0);
    map_memory(vspace, 2);
    assert_true(vspace_read_word(vspace, PAGE(2), &value));
    vspace_destroy(vspace);
    vspace_activate(vspace);
    assert_int_equal(vmsa_loaded_root(), empty_root().v);
    assert_int_equal(vspace_grow(vspace, new_chunk()), SHEAF_ERR_DEAD);
    assert_int_equal(vspace_shrink(vspace, 1, &chunk), SHEAF_ERR_DEAD);
    assert_int_equal(mmu_fault(vspace, PAGE(1), SHEAF_ACCESS_READ), MMU_FAULT_TRANSLATION);
    assert_false(vspace_read_word(vspace, PAGE(2), &value));
    struct gather *gather = gather_begin();
    assert_int_equal(gather_sync(gather, vspace), SHEAF_ERR_DEAD);
    gather_finish(gather);
    struct gather_totals totals;
    assert_false(gather_unmap_few(vspace, &(struct gather_pages){PAGE(1), 1}, 1, &totals));
}

static void asids_run_out_and_come_back(void **state) {
    (void)state;
    machine_init(8, 3, (struct mmu_features){0});
    struct vspace *vspaces[3], *more;
    for (unsigned i = 0; i < 3; i++)
        vspaces[i] = new_vspace(1);
    void *chunk = new_chunk();
    assert_int_equal(vspace_create(chunk, &more), SHEAF_ERR_NO_ASID);
    uint16_t asid = asid_of(vspaces[1]).v;
    vspace_destroy(vspaces[1]);
    assert_int_equal(vspace_create(chunk, &more), SHEAF_OK);
    assert_int_equal(asid_of(more).v, asid);
    vspace_activate(more);
    map_pages(more, 0, 4, 100);
    assert_true(is_mapped_to(more, 0, 100));
}

static void all_asids_of_8_bits_are_given_and_0_never(void **state) {
    (void)state;
    machine_init(8, 0, (struct mmu_features){0});
    struct vspace *vspaces[256] = {NULL}, *vspace;
    for (unsigned i = 0; i < 255; i++) {
        assert_int_equal(vspace_create(new_chunk(), &vspace), SHEAF_OK);
        assert_in_range(asid_of(vspace).v, 1, 255);
        assert_null(vspaces[asid_of(vspace).v]);
        vspaces[asid_of(vspace).v] = vspace;
    }
    void *chunk = new_chunk();
    assert_int_equal(vspace_create(chunk, &vspace), SHEAF_ERR_NO_ASID);
    vspace_destroy(vspaces[70]); // in a word between full ones
    assert_int_equal(vspace_create(chunk, &vspace), SHEAF_OK);
    assert_int_equal(asid_of(vspace).v, 70);
}

static void asids_of_16_bits_rotate_over_all(void **state) {
    (void)state;
    machine_init(16, 0, (struct mmu_features){0});
    struct vspace *vspace;
    void *chunk = new_chunk();
    for (unsigned i = 0; i < 70000; i++) {
        memset(chunk, 0, PAGE_BYTES);
        assert_int_equal(vspace_create(chunk, &vspace), SHEAF_OK);
        assert_int_equal(asid_of(vspace).v, i % 65535 + 1);
        vspace_destroy(vspace);
    }
}

static void scenario_0f_a_secret_of_the_old_space_is_not_seen_under_its_asid(void **state) {
    (void)state;
    machine_init(8, 1, (struct mmu_features){0});
    struct vspace *old = new_vspace(1);
    map_pages(old, 0, 100, 500);
    vspace_destroy(old);
    struct vspace *fresh = new_vspace(1);
    assert_int_equal(asid_of(fresh).v, asid_of(old).v);
    paddr_t addresses[2];
    for (uint64_t page = 0; page < 100; page++)
        assert_int_equal(vmsa_reachable(0, PAGE(page), addresses, 2), 0);
}

static struct vspace *dying;
static struct mapping_record dying_record;
static bool deleted;

static void delete_a_frame_meanwhile(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)b;
    if (call != VMSA_CALL_TLBI || a != PORT_TLBI_ASIDE1IS || deleted)
        return;
    // The tables of the dying VSpace are still found by record: clear and finish as always.
    deleted = true;
    vmsa_set_pe(2);
    struct gather *gather = gather_begin();
    gather_unmap_record(gather, dying_record, FRAME(3), 12);
    gather_finish(gather);
    vmsa_frame_reused(FRAME(3), PAGE_BYTES);
    assert_int_equal(gather_totals(gather)->leaves, 1);
}

static void a_frame_is_deleted_while_its_vspace_dies(void **state) {
    (void)state;
    dying = new_vspace(1);
    dying_record = map_pages(dying, 0, 1, 3);
    deleted = false;
    vmsa_set_hook(delete_a_frame_meanwhile);
    vspace_destroy(dying);
    vmsa_set_hook(NULL);
    assert_true(deleted);
}

static unsigned waits;

static void let_go_after_some_waiting(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    if (call == VMSA_CALL_TLBI)
        assert_int_equal(waits, 5); // not before the pin has gone
    if (call == VMSA_CALL_RELAX && ++waits == 5)
        vspace_unpin(dying);
}

static void death_waits_for_pins(void **state) {
    (void)state;
    dying = new_vspace(1);
    map_pages(dying, 0, 1, 3);
    assert_ptr_equal(asid_pin(asid_of(dying)), dying);
    waits = 0;
    vmsa_set_hook(let_go_after_some_waiting);
    vspace_destroy(dying);
    vmsa_set_hook(NULL);
    assert_int_equal(waits, 5);
    assert_null(asid_pin(asid_of(dying)));
}

// The number's last VSpace is gone, and there are records that name it. Who comes by one of them
// while the next VSpace is being made must not find what is not whole: its lock, for one.
static asid_t next_number;
static unsigned looked_up;

static void look_up(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    if (call == VMSA_CALL_LOCK || call == VMSA_CALL_UNLOCK)
        return; // the lock that a look-up takes as well
    unsigned before = vmsa_pe();
    vmsa_set_pe(1);
    assert_null(asid_pin(next_number));
    vmsa_set_pe(before);
    looked_up++;
}

static void a_vspace_is_found_by_its_number_when_it_is_whole(void **state) {
    (void)state;
    machine_init(8, 1, (struct mmu_features){0}); // all have the one number
    struct vspace *vspace = new_vspace(1);
    struct mapping_record record = map_pages(vspace, 5, 1, 5);
    next_number = asid_of(vspace);
    vspace_destroy(vspace);
    looked_up = 0;
    void *chunk = new_chunk();
    vmsa_set_hook(look_up);
    enum sheaf_error error = vspace_create(chunk, &vspace);
    vmsa_set_hook(NULL);
    assert_int_equal(error, SHEAF_OK);
    assert_true(looked_up > 0);
    know_vspace(vspace);
    assert_ptr_equal(asid_pin(next_number), vspace);
    vspace_unpin(vspace);
    assert_false(record_is_live(record, FRAME(5), PAGE_BITS));
}

static void pin_late(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    if (call == VMSA_CALL_TLBI)
        vspace_pin(dying); // a record has led here after the first wait
    if (call == VMSA_CALL_RELAX && ++waits == 3)
        vspace_unpin(dying);
}

static void an_asid_is_not_given_back_under_a_pin(void **state) {
    (void)state;
    dying = new_vspace(1);
    waits = 0;
    vmsa_set_hook(pin_late);
    vspace_destroy(dying);
    vmsa_set_hook(NULL);
    assert_int_equal(waits, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_vspace_has_a_zeroed_root_and_14_tables, machine_setup),
        cmocka_unit_test_setup(chunks_lead_to_their_vspace_and_node, machine_setup),
        cmocka_unit_test_setup(growing_stops_at_the_directorys_bound, machine_setup),
        cmocka_unit_test_setup(shrinking_takes_back_what_is_unused, machine_setup),
        cmocka_unit_test_setup(a_chunk_held_by_a_pending_entry_stays, machine_setup),
        cmocka_unit_test_setup(every_table_serves_after_shrinking_and_growing, machine_setup),
        cmocka_unit_test_setup(loading_takes_one_barrier_the_first_time, machine_setup),
        cmocka_unit_test_setup(death_leaves_nothing_behind, machine_setup),
        cmocka_unit_test_setup(death_comes_once, machine_setup),
        cmocka_unit_test_setup(death_finishes_the_batch_that_holds_the_vspace, machine_setup),
        cmocka_unit_test_setup(the_dead_do_nothing_more, machine_setup),
        cmocka_unit_test(asids_run_out_and_come_back),
        cmocka_unit_test(all_asids_of_8_bits_are_given_and_0_never),
        cmocka_unit_test(asids_of_16_bits_rotate_over_all),
        cmocka_unit_test(scenario_0f_a_secret_of_the_old_space_is_not_seen_under_its_asid),
        cmocka_unit_test_setup(a_frame_is_deleted_while_its_vspace_dies, machine_setup),
        cmocka_unit_test_setup(death_waits_for_pins, machine_setup),
        cmocka_unit_test_setup(a_vspace_is_found_by_its_number_when_it_is_whole, machine_setup),
        cmocka_unit_test_setup(an_asid_is_not_given_back_under_a_pin, machine_setup),
    };
    return cmocka_run_group_tests_name("mmu.vspace", tests, NULL, NULL);
}

//! The root itself, and the time when nobody watches.

scenario!(
    the_root_renamed_away_and_back,
    "
    mkdir d
    write a one
    write d/b two
    settle
    rename root: outside:away
    state absent
    write outside:away/c three
    append outside:away/a more
    rename outside:away root:
    state ok
    settle
    write d/e four
"
);

scenario!(
    the_root_replaced_and_back,
    "
    mkdir d
    write a one
    write d/b two
    settle
    mkdir -p outside:other/d
    write outside:other/x other
    write outside:other/d/y other
    rename root: outside:away
    rename outside:other root:
    settle
    write x2 other
    settle
    exchange root: outside:away
    settle
    write d/c three
"
);

scenario!(
    the_root_deleted_and_recreated,
    "
    write a one
    settle
    rm -r root:
    state absent
    mkdir root:
    # Whether the removal of `a` was heard before the root went is nobody's promise: it may be hidden for a moment.
    write b two
    settle
    state ok
    write a three
"
);

scenario!(
    the_root_replaced_by_an_empty_one,
    "
    write a one
    settle
    rename root: outside:away
    state absent
    mkdir root:
    # Empty, and another one than that which held known files.
    state hidden
    write b two
    settle
    state ok
    write a three
"
);

scenario!(
    while_it_was_down,
    "
    mkdir -p d/e
    write a one
    write b two
    write d/e/f three
    write gone four
    settle
    down
    append a more
    rename b d/b
    rename d g
    write g/new five
    rm gone
    up
    settle
    write gone again
    settle
    down
    up
    settle
    append a evenmore
"
);
